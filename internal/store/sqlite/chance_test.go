package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"florin/internal/store"
)

func name(i int) string { return fmt.Sprint(store.Chance, "key", i) }

// expect looks for the first n names: those are there for which has says so, whoever asks.
func expect(t *testing.T, e *Engine, n int, has func(i int) bool) {
	t.Helper()
	s, err := e.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range n {
		d, err := s.Get(2, name(i))
		if err != nil || (d != nil) != has(i) || d != nil && d.ID != name(i) {
			t.Fatalf("%d: %v, %v, want one: %v", i, d, err, has(i))
		}
		if !has(i) {
			continue
		}
		if outcomes, err := e.Apply(ctx, []*store.Unit{put(name(i), 0, 10)}); err != nil || outcomes[0] != store.ErrConflict {
			t.Fatalf("%d was made once more: %v, %v", i, outcomes, err)
		}
	}
}

func tables(t *testing.T, e *Engine, runs, parts int64) {
	t.Helper()
	n, err := e.writer.number("SELECT count(*) FROM run")
	p, err2 := e.writer.number("SELECT count(*) FROM part")
	if err := errors.Join(err, err2); err != nil || n != runs || (parts >= 0 && p != parts) {
		t.Fatalf("%d runs in %d parts, want %d in %d, %v", n, p, runs, parts, err)
	}
}

func remove(id string) *store.Unit {
	return &store.Unit{Deletes: []store.Delete{{Scope: 2, ID: id, Base: 1, Was: []store.Entry{{Index: "all"}}}}}
}

// Names are found in every place where their hints may be, before and after the file is closed, and a run goes with the last of its documents.
func TestNames(t *testing.T) {
	defer SetRunEntries(4)()
	e, path := openTemp(t, Options{})
	for i := range 10 {
		apply(t, e, put(name(i), 0, 10))
		expect(t, e, 12, func(j int) bool { return j <= i })
	}
	tables(t, e, 2, -1)
	for round := range 2 {
		for i := 5 * round; i < 5*round+5; i++ {
			apply(t, e, remove(name(i)))
			expect(t, e, 12, func(j int) bool { return i < j && j < 10 })
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if e, err = Open(path, Options{}); err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		tables(t, e, int64(1-round), -1)
	}
	tables(t, e, 0, 0)
	apply(t, e, put(name(3), 0, 10), put("another", 0, 10))
	expect(t, e, 12, func(j int) bool { return j == 3 })
}

// A snapshot shows what it showed, wherever the hints have gone meanwhile.
func TestNamesThen(t *testing.T) {
	defer SetRunEntries(4)()
	e, _ := openTemp(t, Options{})
	for i := range 6 {
		apply(t, e, put(name(i), 0, 10))
	}
	s, err := e.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if d, err := s.Get(2, name(0)); d == nil || err != nil {
		t.Fatal(d, err)
	}
	for i := range 6 { // the first run goes, the others come into one
		apply(t, e, put(name(10+i), 0, 10), remove(name(i)))
	}
	for i := range 16 {
		if d, err := s.Get(2, name(i)); err != nil || (d != nil) != (i < 6) {
			t.Errorf("%d: %v, %v", i, d, err)
		}
	}
}

// In a failed batch there were no names.
func TestNamesUndone(t *testing.T) {
	defer SetRunEntries(3)()
	e, _ := openTemp(t, Options{})
	apply(t, e, put(name(0), 0, 10))
	// writeNames is done when the moves are refused.
	bad := put(name(1), 0, 10)
	bad.Moves[0].Amount = -1
	for range 3 {
		if _, err := e.Apply(ctx, []*store.Unit{bad, put(name(2), 0, 10), remove(name(0))}); err == nil {
			t.Fatal("a negative move was taken")
		}
		expect(t, e, 3, func(i int) bool { return i == 0 })
	}
	apply(t, e, put(name(1), 0, 10), put(name(2), 0, 10))
	expect(t, e, 4, func(i int) bool { return i < 3 })
	tables(t, e, 1, -1)
}

// Names of a file of schema 2, where they were among all others, are found.
func TestNamesOfSchema2(t *testing.T) {
	e, path := openTemp(t, Options{})
	for i := range 5 {
		apply(t, e, put(name(i), 0, 10))
	}
	if err := e.writer.script("UPDATE doc SET past = 0 WHERE past = 2; DROP TABLE lately; DROP TABLE run; DROP TABLE part; PRAGMA user_version = 2"); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	expect(t, e, 8, func(i int) bool { return i < 5 })
	if n, err := e.writer.number("SELECT count(*) FROM doc WHERE past = 0"); n != 0 || err != nil {
		t.Errorf("%d are where they were, %v", n, err)
	}
}

// A filter has what was added, and little else.
func TestFilter(t *testing.T) {
	f := newFilter(1 << 16)
	for i := range 1 << 16 {
		f.add(hashOf(2, name(i)))
	}
	f = readFilter(f.bytes())
	for i := range 1 << 16 {
		if !f.may(hashOf(2, name(i))) {
			t.Fatal("it has lost one")
		}
	}
	wrong := 0
	for range 100_000 {
		if f.may(rand.Uint64()) {
			wrong++
		}
	}
	t.Logf("%d of 100,000 that it has not", wrong)
	if wrong > 1000 {
		t.Errorf("it takes %d of 100,000 for some that it has", wrong)
	}
}
