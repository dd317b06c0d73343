// Package audit checks what a store holds against the rules that must always be true (design §7), and says what it checked, with counts.
//
// It reads one snapshot and writes nothing. Documents, moves and index entries are streamed, in three passes, so memory does not grow with their
// number, with these exceptions: two maps of the charges that have refunds, one of the idempotency keys under which charges were made (some 40
// bytes each), and the sums by account, mode, ledger account and currency. Index entries are compared with documents by adding up hashes of both;
// only where the sums differ is each looked up.
package audit

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"io"

	"florin/internal/store"
	"florin/internal/sweep"
)

// mostShown is how many findings of a check are printed.
const mostShown = 20

// A check is one rule, how often something was held to it, and what broke it.
type check struct {
	name     string
	count    int
	findings int
	lines    []string
}

func (c *check) found(format string, args ...any) {
	c.findings++
	if len(c.lines) < mostShown {
		c.lines = append(c.lines, fmt.Sprintf(format, args...))
	}
}

func (c *check) print(out io.Writer) {
	verdict := "ok"
	if c.findings > 0 {
		verdict = fmt.Sprintf("%d BROKEN", c.findings)
	}
	fmt.Fprintf(out, "%-10s %9d  %s\n", verdict, c.count, c.name)
	for _, l := range c.lines {
		fmt.Fprintf(out, "             - %s\n", l)
	}
	if more := c.findings - len(c.lines); more > 0 {
		fmt.Fprintf(out, "             … and %d more\n", more)
	}
}

// An auditor is one run.
type auditor struct {
	snap store.Snapshot
	// unplaced says that records under idempotency keys may stand in no index: an earlier Florin has written some, and no sweep has been here since.
	unplaced bool

	moves        check
	sums         check
	balances     check
	transactions check
	charges      check
	refunded     check
	disputes     check
	intents      check
	statuses     check
	refs         check
	events       check
	deliveries   check
	answers      check
	keys         check
	indexes      check
	secrets      check

	paths  map[string]map[string]bool // by kind: the paths that are indexed
	seed   maphash.Seed
	placed map[string]tally // by index: what stands in it
	due    map[string]tally // by index: what should
	latest int64            // when the newest document was made

	net      map[purse]int64  // by scope and currency: what balance transactions come to
	charged  map[docKey]int64 // amount_refunded of charges
	refunds  map[docKey]int64 // refunds by charge
	disputed map[docKey]int64 // what disputes have taken, by charge
	keyed    map[uint64]keyedCharge
}

type docKey struct {
	scope store.Scope
	id    string
}

// A purse is a ledger account of a scope in one currency; or all of them, if account is empty.
type purse struct {
	scope             store.Scope
	account, currency string
}

// A keyedCharge is a charge that was made under an idempotency key, by the hash of the request that made it.
type keyedCharge struct {
	request uint64
	created int64
}

func newAuditor(snap store.Snapshot) *auditor {
	return &auditor{
		snap: snap, paths: declared(), seed: maphash.MakeSeed(), placed: map[string]tally{}, due: map[string]tally{},
		net: map[purse]int64{}, charged: map[docKey]int64{}, refunds: map[docKey]int64{}, disputed: map[docKey]int64{}, keyed: map[uint64]keyedCharge{},

		moves:        check{name: "moves take an amount above zero from one known account to another, for something that exists"},
		sums:         check{name: "ledger accounts are the sum of their moves, and come to zero by account, mode and currency"},
		balances:     check{name: "a balance is the sum of its balance transactions"},
		transactions: check{name: "the moves of a balance transaction match its amount, fee and net"},
		charges:      check{name: "refunded ≤ captured ≤ authorized"},
		refunded:     check{name: "what is refunded of a charge is the sum of its refunds"},
		disputes:     check{name: "disputes have taken and given back what their statuses say, and no more than was captured"},
		intents:      check{name: "what a payment intent received is what its charges captured"},
		statuses:     check{name: "statuses are known ones"},
		refs:         check{name: "ids refer to what exists in the same account and mode"},
		events:       check{name: "events show a version that is kept"},
		deliveries:   check{name: "deliveries have an event and an endpoint, and are due, confirmed, stopped or failed"},
		answers:      check{name: "answers under idempotency keys are kept versions"},
		keys:         check{name: "one idempotency key made one charge"},
		indexes:      check{name: "index entries and documents belong together"},
		secrets:      check{name: "no full card number and no secret key stands in clear"},
	}
}

func (a *auditor) checks() []*check {
	return []*check{
		&a.moves, &a.sums, &a.balances, &a.transactions, &a.charges, &a.refunded, &a.disputes, &a.intents, &a.statuses, &a.refs, &a.events, &a.deliveries,
		&a.answers, &a.keys, &a.indexes, &a.secrets,
	}
}

// Run checks everything that is stored, and prints what it checked. findings is how often a rule was broken; err is a failure to find out.
func Run(ctx context.Context, db *store.DB, out io.Writer) (findings int, err error) {
	snap, err := db.Snapshot(ctx)
	if err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	defer snap.Close()
	a := newAuditor(snap)
	swept, err := snap.Get(store.System, sweep.Mark)
	if err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	a.unplaced = swept == nil
	if err := a.run(); err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	for _, c := range a.checks() {
		c.print(out)
		findings += c.findings
	}
	_, err = fmt.Fprintf(out, "%d findings\n", findings)
	return findings, err
}

func (a *auditor) run() error {
	if err := a.readIndexes(); err != nil {
		return err
	}
	var failed error
	err := a.snap.Walk(func(d *store.Doc) bool {
		failed = a.document(d)
		return failed == nil
	})
	if err := cmp.Or(failed, err); err != nil {
		return err
	}
	a.compareRefunds()
	if err := a.compareDisputes(); err != nil {
		return err
	}
	if err := a.readMoves(); err != nil {
		return err
	}
	return a.compareIndexes()
}

// name is a scope for people.
func name(s store.Scope) string {
	mode := "test"
	if s.Live() {
		mode = "live"
	}
	return fmt.Sprintf("account %d, %s mode", s.Account(), mode)
}

// Check is Run for a command: what it finds is its error.
func Check(ctx context.Context, db *store.DB, out io.Writer) error {
	findings, err := Run(ctx, db, out)
	if err == nil && findings > 0 {
		err = fmt.Errorf("audit: %d findings", findings)
	}
	return err
}
