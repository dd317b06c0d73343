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
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	stepsFlag = flag.Int("steps", 400, "how many steps the world has")
	seedFlag  = flag.Uint64("seed", 0, "the seed of the world; 0 is a fresh one")
)

// TestWorld runs one world.
func TestWorld(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano()) % 1e12
	}
	t.Logf("seed %d, %d steps", seed, *stepsFlag)
	run(t, seed, *stepsFlag)
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
		t.Run(fmt.Sprint(seed), func(t *testing.T) { run(t, seed, steps) })
	}
}

// run runs a world of a seed, and fails with the seed and the last requests.
func run(t *testing.T, seed uint64, steps int) {
	t.Helper()
	began := time.Now()
	w, err := newWorld(seed, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	// A long world has more audits, but not so many that they take most of the time: each reads everything.
	every := max(200, steps/25)
	restartEvery := max(150, steps/100)
	w.name = "begin"
	w.hook()
	w.account()
	for w.step = 1; w.step <= steps && w.err == nil; w.step++ {
		w.one()
		if w.step%restartEvery == 0 && w.err == nil {
			w.reopen()
		}
		if w.step%every == 0 {
			w.audit()
		}
		if w.step%10000 == 0 {
			t.Logf("%d steps in %v", w.step, time.Since(began).Round(time.Second))
		}
	}
	for range 4 { // what waits comes to its end
		if w.err == nil {
			w.name = "the end"
			w.advance(24 * time.Hour)
			w.settle()
		}
	}
	w.audit()
	if w.err != nil {
		t.Fatalf("%s\nagain with: go test ./internal/sim -run TestWorld -steps %d -seed %d", w.report(), steps, seed)
	}
	took := time.Since(began)
	t.Logf("%d steps in %v (%.0f a second), %d restarts, %d audits, %d deliveries looked at", steps, took.Round(time.Millisecond), float64(steps)/took.Seconds(), w.restart, w.audits, w.checked)
	if testing.Verbose() {
		names := make([]string, 0, len(w.answers))
		for name := range w.answers {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			a := w.answers[name]
			t.Logf("%-32s %6d ok %6d declined %6d refused", name, a.ok, a.declined, a.refused)
		}
	}
}
