package postgres

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"florin/internal/store"
)

// Folds are in buckets of five sizes, as those of package sqlite: a second, about a minute, an hour, three days, half a year. What is available at any
// second is the sum of few of them. What was ever gained is the sum of the half years.
//
// A transaction writes tallies, which no other changes; so no payment waits for another's. One node at a time adds tallies to the folds, in a transaction
// that removes them, so that every snapshot has each once.
var (
	selectFolds = prepared("folds", `
		SELECT a.account, a.currency, a.total::bigint,
			(`+foldSum("level = 24 AND bucket < $2::bigint >> 24")+` +
			 `+foldSum("level = 18 AND bucket >= ($2::bigint >> 24) << 6 AND bucket < $2::bigint >> 18")+` +
			 `+foldSum("level = 12 AND bucket >= ($2::bigint >> 18) << 6 AND bucket < $2::bigint >> 12")+` +
			 `+foldSum("level = 6 AND bucket >= ($2::bigint >> 12) << 6 AND bucket < $2::bigint >> 6")+` +
			 `+foldSum("level = 0 AND bucket >= ($2::bigint >> 6) << 6 AND bucket <= $2::bigint")+`)::bigint
		FROM (SELECT account, currency, sum(amount) AS total FROM fold WHERE scope = $1::bigint AND level = 24 GROUP BY account, currency) a`)
	selectTallies = prepared("tallies", `
		SELECT account, currency, (sum(amount) FILTER (WHERE available_on <= $2::bigint))::bigint, (sum(amount) FILTER (WHERE available_on > $2::bigint))::bigint
		FROM tally WHERE scope = $1::bigint GROUP BY account, currency`)
	foldLock    = prepared("fold_lock", "SELECT pg_try_advisory_xact_lock($1::bigint)")
	foldTallies = prepared("fold", `
		WITH old AS (SELECT scope, n FROM tally ORDER BY scope, n LIMIT 20000),
		gone AS (DELETE FROM tally t USING old WHERE t.scope = old.scope AND t.n = old.n RETURNING t.*)
		INSERT INTO fold (scope, bucket, amount, level, shard, account, currency)
		SELECT scope, available_on >> level, sum(amount), level, shard, account, currency
		FROM gone, (VALUES (0::smallint), (6::smallint), (12::smallint), (18::smallint), (24::smallint)) l (level)
		GROUP BY scope, level, account, currency, available_on >> level, shard
		ON CONFLICT (scope, level, account, currency, bucket, shard) DO UPDATE SET amount = fold.amount + excluded.amount`)
)

func foldSum(where string) string {
	level, rest, _ := strings.Cut(where, " AND ")
	return "coalesce((SELECT sum(amount) FROM fold WHERE scope = $1::bigint AND " + level + " AND account = a.account AND currency = a.currency AND " + rest + "), 0)"
}

// tallied counts tallies, and has them folded when there are many.
func (e *Engine) tallied(n int) {
	if e.tallies.Add(int64(n)) < foldEvery {
		return
	}
	e.tallies.Store(0)
	select {
	case e.folding <- struct{}{}:
	default:
	}
}

// raise notes that a ceiling has been written.
func (e *Engine) raise(to int64) {
	for {
		was := e.ceiling.Load()
		if to <= was || e.ceiling.CompareAndSwap(was, to) {
			return
		}
	}
}

// fold adds tallies to the folds when there are many, until ctx ends.
func (e *Engine) fold(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.folding:
		}
		if err := e.beside(ctx, e.foldOnce); err != nil && ctx.Err() == nil {
			warn("moves were not folded; they are when there are more", err)
		}
	}
}

// foldOnce folds, unless another node does.
func (e *Engine) foldOnce(c *conn) error {
	c.send(begin)
	mine := false
	if _, err := c.run(foldLock, func(values [][]byte) error {
		mine = len(values[0]) == 1 && values[0][0] == 1
		return nil
	}, int8Param(lockNumber(e.schema, "fold"))); err != nil {
		return err
	}
	if mine {
		c.send(foldTallies)
	}
	c.send(commit)
	if err := c.sync(time.Minute, nil, nil); err != nil {
		if !c.lost() {
			undo(c)
		}
		return err
	}
	return nil
}

// A purse is an account in one currency.
type purse struct{ account, currency string }

// Sums adds up a scope's moves as of a time.
func (s *snapshot) Sums(scope store.Scope, at int64) ([]store.Sum, error) {
	sums := map[purse]*store.Sum{}
	sum := func(values [][]byte) *store.Sum {
		p := purse{string(values[0]), string(values[1])}
		if sums[p] == nil {
			sums[p] = &store.Sum{Account: p.account, Currency: p.currency}
		}
		return sums[p]
	}
	if err := s.query(selectFolds, func(values [][]byte) error {
		x, available := sum(values), int8Value(values[3])
		x.Available += available
		x.Pending += int8Value(values[2]) - available
		return nil
	}, int8Param(int64(scope)), int8Param(at)); err != nil {
		return nil, err
	}
	if err := s.query(selectTallies, func(values [][]byte) error {
		x := sum(values)
		x.Available += int8Value(values[2]) // null is 0
		x.Pending += int8Value(values[3])
		return nil
	}, int8Param(int64(scope)), int8Param(at)); err != nil {
		return nil, err
	}
	sorted := make([]store.Sum, 0, len(sums))
	for _, x := range sums {
		sorted = append(sorted, *x)
	}
	slices.SortFunc(sorted, func(a, b store.Sum) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Currency, b.Currency))
	})
	return sorted, nil
}
