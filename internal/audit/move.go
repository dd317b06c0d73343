package audit

import (
	"cmp"

	"florin/internal/ledger"
	"florin/internal/store"
)

// readMoves holds moves to the rules of the ledger, adds them up, and compares what they come to with what the engine says, and with what
// balance transactions say.
func (a *auditor) readMoves() error {
	all, ripe := map[purse]int64{}, map[purse]int64{}
	scopes := map[store.Scope]bool{}
	var last docKey // moves of one source stand together, so most sources are found by the last look
	var missing bool
	var failed error
	err := a.snap.WalkMoves(func(m store.Move) bool {
		a.moves.count++
		if err := ledger.CheckMove(m); err != nil {
			a.moves.found("move %d of %s: %v", m.Seq, m.Source, err)
		}
		if key := (docKey{m.Scope, m.Source}); key != last {
			var d *store.Doc
			if d, failed = a.snap.Get(m.Scope, m.Source); failed != nil {
				return false
			}
			last, missing = key, d == nil
		}
		if missing {
			a.moves.found("move %d: there is no %s", m.Seq, m.Source)
		}
		scopes[m.Scope] = true
		for account, amount := range map[string]int64{m.From: -m.Amount, m.To: m.Amount} {
			p := purse{m.Scope, account, m.Currency}
			all[p] += amount
			if m.AvailableOn <= a.latest {
				ripe[p] += amount
			}
		}
		return true
	})
	if err := cmp.Or(failed, err); err != nil {
		return err
	}
	for scope := range scopes {
		sums, err := a.snap.Sums(scope, a.latest)
		if err != nil {
			return err
		}
		a.compareSums(scope, sums, all, ripe)
	}
	for p, amount := range all {
		a.sums.found("%s in %s of %s: its moves come to %d, and it has no sum", p.account, p.currency, name(p.scope), amount)
	}
	for p, off := range a.net {
		a.balances.count++
		if off != 0 {
			a.balances.found("%s of %s: balance transactions come to %d more than the balance", p.currency, name(p.scope), off)
		}
	}
	return nil
}

// compareSums compares a scope's sums with its moves, of which it takes away what it has seen.
func (a *auditor) compareSums(scope store.Scope, sums []store.Sum, all, ripe map[purse]int64) {
	zero := map[string]int64{}
	for _, s := range sums {
		a.sums.count++
		p, total := purse{scope, s.Account, s.Currency}, s.Available+s.Pending
		if total != all[p] || s.Available != ripe[p] {
			a.sums.found("%s in %s of %s: %d, of which %d are available; its moves come to %d, of which %d are",
				s.Account, s.Currency, name(scope), total, s.Available, all[p], ripe[p])
		}
		delete(all, p)
		zero[s.Currency] += total
		if ledger.Merchant(ledger.Account(s.Account)) {
			a.net[purse{scope: scope, currency: s.Currency}] -= total
		}
	}
	for currency, amount := range zero {
		if amount != 0 {
			a.sums.found("%s of %s: the accounts come to %d, not zero", currency, name(scope), amount)
		}
	}
}
