// Package sim_test drives a whole server through random worlds: what a seed says is asked of its handler, over everything that payments do, while
// the clock jumps, webhooks fail, and the server is closed and opened again on the same folder. Nothing in a world may answer 500 or be logged as
// an error; every answer has the shape that the spec tells of; a retry under an idempotency key is answered as it was; webhooks are confirmed by
// the sink or wait; and now and then, and at the end, package audit finds nothing.
//
//	go test ./internal/sim                               a short world, of a fresh seed, and the saved ones
//	go test ./internal/sim -v -steps 100000 -seed 42     a long one (make sim STEPS=100000 SEED=42)
//
// A failure prints the seed and what was asked last. A seed that found a bug is put into testdata/seeds.txt, with the number of steps.
package sim_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"florin/internal/spec"
)

var (
	stepsFlag = flag.Int("steps", 400, "how many steps the world has")
	seedFlag  = flag.Uint64("seed", 0, "the seed of the world; 0 is a fresh one")
	forFlag   = flag.Duration("for", 0, "how long the world goes on at the most; 0 is without an end")
)

// TestWorld runs one world.
func TestWorld(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano()) % 1e12
	}
	t.Logf("seed %d, %d steps", seed, *stepsFlag)
	run(t, seed, *stepsFlag, *forFlag)
}

// TestSavedSeeds runs the worlds in which something was wrong once.
func TestSavedSeeds(t *testing.T) {
	f, err := os.Open("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		var seed uint64
		var steps int
		if _, err := fmt.Sscan(line, &seed, &steps); err != nil {
			t.Fatalf("%q is not a seed and a number of steps: %v", line, err)
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { run(t, seed, steps, 0) })
	}
}

// run runs a world of a seed, and fails with the seed and the last requests. It is closed and opened again now and then, and then all that is
// stored is held to the rules; what a step wrote is after each step.
func run(t *testing.T, seed uint64, steps int, limit time.Duration) {
	t.Helper()
	folder := t.TempDir()
	if memory := inMemory(); memory != "" {
		made, err := os.MkdirTemp(memory, "florin-sim-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(made) })
		folder = made
	}
	began := time.Now()
	w, err := newWorld(seed, folder)
	defer func() {
		if err := w.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	if err != nil {
		t.Fatal(err)
	}
	restartEvery := max(150, min(steps/25, 4000))
	w.name = "begin"
	w.hook()
	for range 3 {
		w.account()
	}
	for w.step = 1; w.step <= steps && !w.failed(); w.step++ {
		if w.one(); limit > 0 && time.Since(began) > limit {
			steps = w.step
		}
		if w.step%restartEvery == 0 && !w.failed() {
			w.reopen()
		}
		if w.step%10000 == 0 {
			t.Logf("%d steps in %v", w.step, time.Since(began).Round(time.Second))
		}
	}
	for range 4 { // what waits comes to its end
		if !w.failed() {
			w.name = "the end"
			w.advance(24 * time.Hour)
			w.settle()
			w.hold()
		}
	}
	w.audit()
	if w.failed() {
		t.Fatalf("%s\nagain with: go test ./internal/sim -run TestWorld -steps %d -seed %d", w.report(), steps, seed)
	}
	took := time.Since(began)
	t.Logf("%d steps in %v (%.0f a second), %d restarts, %d audits, %d deliveries, seed %d", steps, took.Round(time.Millisecond), float64(steps)/took.Seconds(), w.restart, w.audits, w.checked, seed)
	if testing.Verbose() {
		w.show(t)
	}
	if steps >= long {
		w.complete(t)
	}
}

// long is how many steps a world has in which everything comes about that should. A shorter one is not held to it: that would be a matter of luck.
const long = 40000

// show prints what was done: by step, by operation, and what came of it.
func (w *world) show(t *testing.T) {
	for _, table := range []map[string]*tally{w.tallies, w.routes} {
		for _, name := range sortedKeys(table) {
			a := table[name]
			t.Logf("%-72s %7d ok %7d declined %7d refused", name, a.ok, a.declined, a.refused)
		}
	}
	for _, counts := range []map[string]int{w.seen, w.follow.Reached()} {
		for _, name := range sortedKeys(counts) {
			t.Logf("%-72s %7d", name, counts[name])
		}
	}
	t.Logf("never done with success: %s", strings.Join(w.never(), ", "))
	checked := w.follow.Checked()
	for _, name := range sortedKeys(checked) {
		t.Logf("held to: %-63s %9d", name, checked[name])
	}
}

// never are the operations that Florin has and that a world has not done.
func (w *world) never() (out []string) {
	for _, op := range spec.Operations() {
		if a := w.routes[op.Route()]; w.srv.App.Coverage(op) != "not yet" && (a == nil || a.ok == 0) {
			out = append(out, op.Route())
		}
	}
	return out
}

// complete fails the test if something never came about.
func (w *world) complete(t *testing.T) {
	for _, s := range steps {
		if a := w.tallies[s.name]; a == nil || a.ok == 0 {
			t.Errorf("the step %q never succeeded", s.name)
		}
	}
	for _, route := range seldom {
		if a := w.routes[route]; a == nil || a.ok == 0 {
			t.Errorf("%s never succeeded", route)
		}
	}
	for _, name := range strings.Fields(comesAbout) {
		if w.follow.Reached()[name] == 0 {
			t.Errorf("%s never came about", name)
		}
	}
}

// seldom are operations that ask for so much first that their steps succeed by what they do before.
var seldom = []string{"POST /v1/payment_intents/{intent}/apply_customer_balance", "POST /v1/refunds/{refund}/cancel"}

// comesAbout are the statuses that a long world must bring about.
const comesAbout = `
payment_intent/requires_payment_method payment_intent/requires_confirmation payment_intent/requires_action payment_intent/processing
payment_intent/requires_capture payment_intent/succeeded payment_intent/canceled
setup_intent/requires_payment_method setup_intent/requires_action setup_intent/succeeded setup_intent/canceled
charge/succeeded charge/pending charge/failed refund/succeeded refund/pending refund/failed refund/requires_action refund/canceled
dispute/needs_response dispute/under_review dispute/won dispute/lost dispute/warning_needs_response dispute/warning_closed
payout/pending payout/in_transit payout/paid payout/failed payout/canceled topup/pending topup/succeeded topup/failed topup/canceled`
