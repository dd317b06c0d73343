package sqlite

import (
	"cmp"
	"maps"
	"slices"

	"zombiezen.com/go/sqlite"

	"florin/internal/store"
)

// foldEvery is how many moves are left out of the folds at most, and so how many Sums reads one by one.
const foldEvery = 1 << 10

// Folds say what each purse gained, by the time from which it is available, in buckets of five sizes: a second, about a minute, an hour, three
// days, half a year. What is available at any second is the sum of few of them: the half years before it, the three days since the last of these,
// and so on down to the seconds: at most 63 of each. What was ever gained is the sum of the half years.
var foldLevels = []int{0, 6, 12, 18, 24}

const sumFolds = `
SELECT account, currency,
	(SELECT ifnull(sum(amount), 0) FROM fold WHERE purse = purse.n AND level = 24),
	(SELECT ifnull(sum(amount), 0) FROM fold WHERE purse = purse.n AND level = 24 AND                              bucket < ?2 >> 24) +
	(SELECT ifnull(sum(amount), 0) FROM fold WHERE purse = purse.n AND level = 18 AND bucket >= (?2 >> 24) << 6 AND bucket < ?2 >> 18) +
	(SELECT ifnull(sum(amount), 0) FROM fold WHERE purse = purse.n AND level = 12 AND bucket >= (?2 >> 18) << 6 AND bucket < ?2 >> 12) +
	(SELECT ifnull(sum(amount), 0) FROM fold WHERE purse = purse.n AND level = 6 AND bucket >= (?2 >> 12) << 6 AND bucket < ?2 >> 6) +
	(SELECT ifnull(sum(amount), 0) FROM fold WHERE purse = purse.n AND level = 0 AND bucket >= (?2 >> 6) << 6 AND bucket <= ?2)
FROM purse WHERE scope = ?1`

const selectMove = `SELECT seq, scope, source, "from", "to", currency, amount, available_on, created FROM move`

// The plus keeps SQLite from reading all moves of the scope along their index.
const sumUnfolded = selectMove + " WHERE seq > (SELECT value FROM counter WHERE name = 'folded') AND +scope = ? ORDER BY seq"

func readMove(st *sqlite.Stmt) store.Move {
	return store.Move{
		Seq:         st.ColumnInt64(0),
		Scope:       store.Scope(st.ColumnInt64(1)),
		Source:      st.ColumnText(2),
		From:        st.ColumnText(3),
		To:          st.ColumnText(4),
		Currency:    st.ColumnText(5),
		Amount:      st.ColumnInt64(6),
		AvailableOn: st.ColumnInt64(7),
		Created:     st.ColumnInt64(8),
	}
}

// A purse is an account in one currency.
type purse struct {
	scope             store.Scope
	account, currency string
}

// A bucket is a place in the folds.
type bucket struct {
	purse
	level int
	start int64 // in units of 2^level seconds
}

// foldMoves adds the moves that are in no fold yet to the folds.
func (w *writer) foldMoves() error {
	gains := map[bucket]int64{}
	gain := func(m *store.Move, account string, amount int64) {
		for _, level := range foldLevels {
			gains[bucket{purse{m.Scope, account, m.Currency}, level, m.AvailableOn >> level}] += amount
		}
	}
	w.unfolded.BindInt64(1, w.folded)
	if err := each(w.unfolded, func() bool {
		m := readMove(w.unfolded)
		gain(&m, m.From, -m.Amount)
		gain(&m, m.To, m.Amount)
		return true
	}); err != nil {
		return err
	}
	numbers := map[purse]int64{}
	for _, b := range slices.SortedFunc(maps.Keys(gains), compareBuckets) {
		n, ok := numbers[b.purse]
		if !ok {
			var err error
			if n, err = w.purseNumber(b.purse); err != nil {
				return err
			}
			numbers[b.purse] = n
		}
		w.fold.BindInt64(1, n)
		w.fold.BindInt64(2, int64(b.level))
		w.fold.BindInt64(3, b.start)
		w.fold.BindInt64(4, gains[b])
		if err := run(w.fold); err != nil {
			return err
		}
	}
	w.folded = w.moved
	return w.count("folded", w.folded)
}

func compareBuckets(a, b bucket) int {
	return cmp.Or(
		cmp.Compare(a.scope, b.scope), cmp.Compare(a.account, b.account), cmp.Compare(a.currency, b.currency),
		cmp.Compare(a.level, b.level), cmp.Compare(a.start, b.start))
}

func (w *writer) purseNumber(p purse) (int64, error) {
	var n int64
	for _, st := range []*sqlite.Stmt{w.purse, w.newPurse} {
		st.BindInt64(1, int64(p.scope))
		st.BindText(2, p.account)
		st.BindText(3, p.currency)
	}
	if err := each(w.purse, func() bool { n = w.purse.ColumnInt64(0); return false }); n != 0 || err != nil {
		return n, err
	}
	err := run(w.newPurse)
	return w.c.LastInsertRowID(), err
}

// Sums adds up a scope's moves as of a time.
func (s *snapshot) Sums(scope store.Scope, at int64) ([]store.Sum, error) {
	sums := map[purse]*store.Sum{}
	err := s.query(sumFolds, func(st *sqlite.Stmt) {
		st.BindInt64(1, int64(scope))
		st.BindInt64(2, at)
	}, func(st *sqlite.Stmt) (bool, error) {
		sum := &store.Sum{Account: st.ColumnText(0), Currency: st.ColumnText(1), Available: st.ColumnInt64(3)}
		sum.Pending = st.ColumnInt64(2) - sum.Available
		sums[purse{scope, sum.Account, sum.Currency}] = sum
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	gain := func(m *store.Move, account string, amount int64) {
		p := purse{scope, account, m.Currency}
		if sums[p] == nil {
			sums[p] = &store.Sum{Account: account, Currency: m.Currency}
		}
		if m.AvailableOn <= at {
			sums[p].Available += amount
		} else {
			sums[p].Pending += amount
		}
	}
	err = s.query(sumUnfolded, func(st *sqlite.Stmt) {
		st.BindInt64(1, int64(scope))
	}, func(st *sqlite.Stmt) (bool, error) {
		m := readMove(st)
		gain(&m, m.From, -m.Amount)
		gain(&m, m.To, m.Amount)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	sorted := make([]store.Sum, 0, len(sums))
	for _, sum := range sums {
		sorted = append(sorted, *sum)
	}
	slices.SortFunc(sorted, func(a, b store.Sum) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Currency, b.Currency))
	})
	return sorted, nil
}

// each calls yield for each row until it returns false, and resets the statement.
func each(st *sqlite.Stmt, yield func() bool) error {
	for {
		row, err := st.Step()
		if err != nil {
			return err
		}
		if !row || !yield() {
			return st.Reset()
		}
	}
}
