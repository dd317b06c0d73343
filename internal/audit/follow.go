package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"florin/internal/jsontext"
	"florin/internal/ledger"
	"florin/internal/store"
)

// A Follower holds what is committed to the rules as it comes, so that a world is checked after each of its steps without everything that is
// stored being read each time. What Run learns from all documents the follower knows from having seen each: so it begins with an empty store, and
// is told of every store that comes after it (Attach).
//
// It checks one thing that Run cannot, because only the present is stored: that statuses step as they may.
type Follower struct {
	mu    sync.Mutex
	units []*store.Unit

	a        *auditor                        // its rules; what it adds up of a document is thrown away
	sums     map[store.Scope]map[purse]int64 // of all moves
	net      map[purse]int64                 // of all balance transactions, by scope and currency
	nets     map[docKey]int64                // of each
	refunds  map[docKey]int64                // of all refunds, by charge
	disputed map[docKey]int64                // what disputes have taken, by charge
	parts    map[docKey]part                 // of each refund and dispute
	status   map[docKey]string               // of documents whose kind is in steps
	learned  map[string]bool                 // indexes that were seen
	reached  map[string]int                  // how many documents came to a status, by kind/status

	// Since the last check:
	touched map[docKey]touch // documents that were written, and
	order   []docKey         // in which order
	charges map[docKey]bool  // charges that were written, or whose refunds or disputes were
	moved   map[store.Scope]bool
}

// A part is what a refund or a dispute takes of a charge.
type part struct {
	charge docKey
	amount int64
}

// A touch is where a document stood before it was written.
type touch struct {
	pos store.Pos
	was []store.Entry
}

// NewFollower makes a follower that has seen nothing.
func NewFollower() *Follower {
	return &Follower{
		a: newAuditor(nil), sums: map[store.Scope]map[purse]int64{}, net: map[purse]int64{}, nets: map[docKey]int64{}, refunds: map[docKey]int64{},
		disputed: map[docKey]int64{}, parts: map[docKey]part{}, status: map[docKey]string{}, learned: map[string]bool{},
		reached: map[string]int{},
		touched: map[docKey]touch{}, charges: map[docKey]bool{}, moved: map[store.Scope]bool{},
	}
}

// Attach lets the follower see what a store commits.
func (f *Follower) Attach(db *store.DB) {
	db.OnCommit(func(units []*store.Unit) {
		f.mu.Lock()
		f.units = append(f.units, units...)
		f.mu.Unlock()
	})
}

// Check holds what was committed since the last check to the rules. With sums, the ledger's sums are compared, too, which takes longer. findings
// is what was broken, a line each; err is a failure to find out.
func (f *Follower) Check(ctx context.Context, db *store.DB, sums bool) (findings []string, err error) {
	f.mu.Lock()
	units := f.units
	f.units = nil
	f.mu.Unlock()
	if len(units) == 0 && !sums {
		return nil, nil
	}
	if f.a.snap, err = db.Snapshot(ctx); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer f.a.snap.Close()
	for _, u := range units {
		f.unit(u)
	}
	err = f.current()
	if err == nil && sums {
		err = f.compareSums()
	}
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	for _, c := range f.a.checks() {
		for _, l := range c.lines {
			findings = append(findings, c.name+": "+l)
		}
		c.findings, c.lines = 0, nil
	}
	return findings, nil
}

// Checked says how often something was held to each rule.
func (f *Follower) Checked() map[string]int {
	out := map[string]int{}
	for _, c := range f.a.checks() {
		out[c.name] = c.count
	}
	return out
}

// Reached says how many documents came to a status, by their kind and the status, such as "refund/failed".
func (f *Follower) Reached() map[string]int { return f.reached }

// unit learns from what was committed, in its order.
func (f *Follower) unit(u *store.Unit) {
	for i := range u.Puts {
		p := &u.Puts[i]
		for _, e := range p.Index {
			f.learn(e.Index)
		}
		f.touch(docKey{p.Scope, p.ID}, store.Pos{Created: p.Created, Seq: p.Seq}, p.Was)
		f.put(p)
	}
	for i := range u.Deletes {
		d := &u.Deletes[i]
		f.touch(docKey{d.Scope, d.ID}, store.Pos{}, nil)
		delete(f.status, docKey{d.Scope, d.ID})
	}
	for _, m := range u.Moves {
		f.a.moves.count++
		if err := ledger.CheckMove(m); err != nil {
			f.a.moves.found("a move of %s: %v", m.Source, err)
		}
		sums := f.sums[m.Scope]
		if sums == nil {
			sums = map[purse]int64{}
			f.sums[m.Scope] = sums
		}
		sums[purse{m.Scope, m.From, m.Currency}] -= m.Amount
		sums[purse{m.Scope, m.To, m.Currency}] += m.Amount
		f.moved[m.Scope] = true
		f.touch(docKey{m.Scope, m.Source}, store.Pos{}, nil)
	}
}

func (f *Follower) learn(index string) {
	if f.learned[index] {
		return
	}
	f.learned[index] = true
	kind, path := splitIndex(index)
	if f.a.paths[kind] == nil {
		f.a.paths[kind] = map[string]bool{}
	}
	if path != "" {
		f.a.paths[kind][path] = true
	}
}

func (f *Follower) touch(key docKey, pos store.Pos, was []store.Entry) {
	t, seen := f.touched[key]
	if !seen {
		f.order = append(f.order, key)
	}
	if pos != (store.Pos{}) && (t.pos == pos || t.pos == (store.Pos{})) { // one that was moved in time is left to Run
		t = touch{pos, append(t.was, was...)}
	}
	f.touched[key] = t
}

// put learns what a version changes.
func (f *Follower) put(p *store.Put) {
	key := docKey{p.Scope, p.ID}
	if table := steps[p.Kind]; table != nil {
		to := jsontext.Text(p.Body, "status")
		from := f.status[key]
		if !reaches(table, from, to) {
			f.a.statuses.found("%s: a %s went from %q to %q", p.ID, p.Kind, from, to)
		}
		if from != to {
			f.reached[p.Kind+"/"+to]++
		}
		f.status[key] = to
	}
	switch p.Kind {
	case "balance_transaction":
		net := number(p.Body, "net")
		f.net[purse{scope: p.Scope, currency: jsontext.Text(p.Body, "currency")}] += net - f.nets[key]
		f.nets[key] = net
	case "charge":
		f.charges[key] = true
	case "refund":
		f.takes(f.refunds, key, p, refundTakes(p.Body))
	case "dispute":
		f.takes(f.disputed, key, p, disputeTakes(p.Body))
	}
}

// takes keeps what a refund or a dispute takes of its charge.
func (f *Follower) takes(sums map[docKey]int64, key docKey, p *store.Put, amount int64) {
	old := f.parts[key]
	sums[old.charge] -= old.amount
	one := part{docKey{p.Scope, jsontext.Text(p.Body, "charge")}, amount}
	sums[one.charge] += amount
	f.parts[key] = one
	if one.charge.id != "" {
		f.charges[one.charge] = true
	}
}

// current holds the documents that were written to what can be seen from them, as they now stand.
func (f *Follower) current() error {
	for _, key := range f.order {
		d, err := f.a.snap.Get(key.scope, key.id)
		if err == nil && d == nil {
			err = f.gone(key)
		} else if err == nil {
			err = f.document(d, f.touched[key])
		}
		if err != nil {
			return err
		}
	}
	for key := range f.charges {
		if err := f.charge(key); err != nil {
			return err
		}
	}
	clear(f.touched)
	clear(f.charges)
	f.order = f.order[:0]
	clear(f.a.due)
	clear(f.a.net)
	clear(f.a.charged)
	clear(f.a.refunds)
	clear(f.a.disputed)
	return nil
}

// gone looks whether money was moved for what is not there.
func (f *Follower) gone(key docKey) error {
	return f.a.snap.Moves(key.scope, key.id, func(m store.Move) bool {
		f.a.moves.found("move %d: there is no %s", m.Seq, m.Source)
		return false
	})
}

func (f *Follower) document(d *store.Doc, t touch) error {
	if err := f.a.document(d); err != nil {
		return err
	}
	f.a.indexes.count++
	entries := f.a.entries(d)
	for _, e := range entries {
		if err := f.a.stands(d, e); err != nil {
			return err
		}
	}
	for _, e := range t.was {
		if !slices.Contains(entries, e) {
			if err := f.left(d, e, t.pos); err != nil {
				return err
			}
		}
	}
	return nil
}

// left sees to it that a document is gone from a place where it stood.
func (f *Follower) left(d *store.Doc, e store.Entry, pos store.Pos) error {
	q := store.Query{Scope: d.Scope, Index: e.Index, Value: e.Value, Ascending: true, After: &store.Pos{Created: pos.Created, Seq: pos.Seq - 1}}
	return f.a.snap.Scan(q, func(got *store.Doc) bool {
		if got.ID == d.ID {
			f.a.indexes.found("%s still stands in %s = %q", d.ID, e.Index, e.Value)
		}
		return false
	})
}

// charge compares a charge with its refunds and disputes.
func (f *Follower) charge(key docKey) error {
	d, err := f.a.snap.Get(key.scope, key.id)
	if err != nil || d == nil {
		return err // found by the rule of references
	}
	f.a.refunded.count++
	refunded := number(d.Body, "amount_refunded")
	if got := f.refunds[key]; got != refunded {
		f.a.refunded.found("%s: amount_refunded is %d, its refunds come to %d", key.id, refunded, got)
	}
	if taken, left := f.disputed[key], number(d.Body, "amount_captured")-refunded; taken > 0 && taken > left {
		f.a.disputes.found("%s: disputes have taken %d of the %d that were left", key.id, taken, left)
	}
	return nil
}

// compareSums compares the sums of what was seen with those of the engine, and with the balance transactions.
func (f *Follower) compareSums() error {
	for _, scope := range slices.Sorted(maps.Keys(f.moved)) {
		sums, err := f.a.snap.Sums(scope, 0)
		if err != nil {
			return err
		}
		left := maps.Clone(f.sums[scope])
		zero, net := map[string]int64{}, map[string]int64{}
		for _, s := range sums {
			f.a.sums.count++
			p, total := purse{scope, s.Account, s.Currency}, s.Available+s.Pending
			if total != left[p] {
				f.a.sums.found("%s in %s of %s: %d; its moves come to %d", s.Account, s.Currency, name(scope), total, left[p])
			}
			delete(left, p)
			zero[s.Currency] += total
			if ledger.Merchant(ledger.Account(s.Account)) {
				net[s.Currency] += total
			}
		}
		for p, amount := range left {
			f.a.sums.found("%s in %s of %s: its moves come to %d, and it has no sum", p.account, p.currency, name(scope), amount)
		}
		for currency, amount := range zero {
			f.a.balances.count++
			if amount != 0 {
				f.a.sums.found("%s of %s: the accounts come to %d, not zero", currency, name(scope), amount)
			}
			if got := f.net[purse{scope: scope, currency: currency}]; got != net[currency] {
				f.a.balances.found("%s of %s: balance transactions come to %d, the balance to %d", currency, name(scope), got, net[currency])
			}
		}
	}
	clear(f.moved)
	return nil
}

// steps are which status may follow which, by kind; "" is before there is any. It says once more what the domains' tables say, so that a mistake in
// either is found.
var steps = map[string]map[string]string{
	"payment_intent": {
		"":                        "requires_payment_method requires_confirmation",
		"requires_payment_method": "requires_confirmation requires_action processing requires_capture succeeded canceled",
		"requires_confirmation":   "requires_payment_method requires_action processing requires_capture succeeded canceled",
		"requires_action":         "requires_payment_method requires_confirmation processing requires_capture succeeded canceled",
		"processing":              "requires_payment_method requires_action requires_capture succeeded canceled",
		"requires_capture":        "processing succeeded canceled",
	},
	"setup_intent": {
		"":                        "requires_payment_method",
		"requires_payment_method": "requires_confirmation requires_action processing succeeded canceled",
		"requires_confirmation":   "requires_payment_method requires_action processing succeeded canceled",
		"requires_action":         "requires_payment_method requires_confirmation processing succeeded canceled",
		"processing":              "requires_payment_method requires_action succeeded",
	},
	"charge": {"": "pending succeeded failed", "pending": "succeeded failed"},
	"refund": {
		"": "pending succeeded requires_action failed", "pending": "requires_action succeeded failed canceled",
		"requires_action": "pending canceled failed", "succeeded": "failed",
	},
	"dispute": {
		"": "warning_needs_response needs_response", "warning_needs_response": "warning_under_review warning_closed needs_response",
		"warning_under_review": "warning_closed needs_response", "needs_response": "under_review lost", "under_review": "won lost",
	},
	"checkout.session": {"": "open", "open": "complete expired"},
	"payout":           {"": "pending", "pending": "in_transit canceled failed", "in_transit": "paid failed", "paid": "failed"},
	"topup":            {"": "pending", "pending": "succeeded failed canceled", "succeeded": "reversed"},
}

// reaches says whether a status is reached from another in steps of the table, of which one unit of work may take several.
func reaches(table map[string]string, from, to string) bool {
	if from == to {
		return true
	}
	seen := map[string]bool{from: true}
	for at := []string{from}; len(at) > 0; at = at[1:] {
		for _, next := range strings.Fields(table[at[0]]) {
			if next == to {
				return true
			}
			if !seen[next] {
				seen[next] = true
				at = append(at, next)
			}
		}
	}
	return false
}
