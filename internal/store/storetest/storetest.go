// Package storetest is what every engine of package store must do: one suite, run by each engine's own test.
//
//	func TestEngine(t *testing.T) { storetest.Run(t, open) }
//
// It also has what tests of other packages need: Memory, a DB that keeps nothing.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"florin/internal/store"
	"florin/internal/store/memory"
)

// An Opener opens the engine whose data is in a folder, which is empty the first time. An engine that keeps its data elsewhere takes the
// folder's path as a name.
type Opener func(t testing.TB, dir string) store.Engine

// Memory returns a DB on an engine in memory, closed at the end of the test.
func Memory(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Run runs the suite, apart from what RunDurable has.
func Run(t *testing.T, open Opener) {
	for _, test := range []struct {
		name string
		f    func(*testing.T, *suite)
	}{
		{"Versions", testVersions},
		{"Tombstones", testTombstones},
		{"Deletes", testDeletes},
		{"Drops", testDrops},
		{"Rewrites", testRewrites},
		{"WalkVersions", testWalkVersions},
		{"IfAbsent", testIfAbsent},
		{"Conflicts", testConflicts},
		{"ConflictsInBatch", testConflictsInBatch},
		{"Index", testIndex},
		{"IndexOrder", testIndexOrder},
		{"Scopes", testScopes},
		{"Sums", testSums},
		{"SumsMany", testSumsMany},
		{"Moves", testMoves},
		{"Snapshots", testSnapshots},
		{"Nested", testNested},
		{"Canceled", testCanceled},
		{"MaxSeq", testMaxSeq},
		{"Bytes", testBytes},
		{"Closed", testClosed},
		{"Counters", testCounters},
		{"ReadersAndWriters", testReadersAndWriters},
		{"Random", testRandom},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := open(t, t.TempDir())
			t.Cleanup(func() { e.Close() })
			test.f(t, &suite{T: t, Engine: e})
		})
	}
}

// A suite is an engine under test, with words that fail the test when something goes wrong.
type suite struct {
	*testing.T
	store.Engine
	seq int64
}

var ctx = context.Background()

// apply applies the units as one batch, and fails unless the outcomes are these: true for a unit that passes.
func (s *suite) apply(units []*store.Unit, pass ...bool) {
	s.Helper()
	for i, u := range units {
		if err := u.Check(); err != nil {
			s.Fatalf("unit %d: %v", i, err)
		}
	}
	outcomes, err := s.Apply(ctx, units)
	if err != nil {
		s.Fatal(err)
	}
	for i, err := range outcomes {
		if err != nil && !errors.Is(err, store.ErrConflict) {
			s.Fatalf("unit %d: %v", i, err)
		}
		if (err == nil) != pass[i] {
			s.Fatalf("unit %d: got %v, want passed = %v", i, err, pass[i])
		}
	}
}

// must applies a unit that passes.
func (s *suite) must(u *store.Unit) {
	s.Helper()
	s.apply([]*store.Unit{u}, true)
}

// conflict applies a unit that does not.
func (s *suite) conflict(u *store.Unit) {
	s.Helper()
	s.apply([]*store.Unit{u}, false)
}

// doc makes a version of a document that is told from others by its body.
func (s *suite) doc(id string, ver int64) store.Doc {
	s.seq++
	return store.Doc{Scope: 2, ID: id, Ver: ver, Kind: "thing", Created: 100, Seq: s.seq, Body: fmt.Appendf(nil, `{"id":%q,"ver":%d}`, id, ver)}
}

// put makes a unit that puts version base+1.
func (s *suite) put(id string, base int64, index ...store.Entry) *store.Unit {
	return &store.Unit{Puts: []store.Put{{Doc: s.doc(id, base+1), Base: base, Index: index}}}
}

// read opens a snapshot for one reading.
func (s *suite) read(f func(store.Snapshot)) {
	s.Helper()
	snap, err := s.Snapshot(ctx)
	if err != nil {
		s.Fatal(err)
	}
	defer snap.Close()
	f(snap)
}

// version returns the current version of a document in scope 2, 0 if there is none.
func (s *suite) version(id string) (ver int64) {
	s.Helper()
	s.read(func(snap store.Snapshot) {
		d, err := snap.Get(2, id)
		if err != nil {
			s.Fatal(err)
		}
		if d != nil {
			ver = d.Ver
		}
	})
	return ver
}

// wantVersions fails unless exactly these versions of a document are kept.
func (s *suite) wantVersions(id string, want ...int64) {
	s.Helper()
	var got []int64
	s.read(func(snap store.Snapshot) {
		for v := range int64(20) {
			d, err := snap.Version(2, id, v)
			if err != nil {
				s.Fatal(err)
			}
			if d != nil {
				if d.ID != id || d.Ver != v {
					s.Fatalf("version %d of %s is %+v", v, id, d)
				}
				got = append(got, v)
			}
		}
	})
	if !slices.Equal(got, want) {
		s.Fatalf("versions of %s: %v, want %v", id, got, want)
	}
}

// scan returns the ids that a query finds.
func (s *suite) scan(q store.Query) []string {
	s.Helper()
	var ids []string
	s.read(func(snap store.Snapshot) {
		ids = scanIDs(s.T, snap, q)
	})
	return ids
}

func scanIDs(t *testing.T, snap store.Snapshot, q store.Query) []string {
	t.Helper()
	ids := []string{}
	if err := snap.Scan(q, func(d *store.Doc) bool {
		ids = append(ids, d.ID)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	has, err := snap.Has(q)
	if err != nil {
		t.Fatal(err)
	}
	if has != (len(ids) > 0) {
		t.Fatalf("%+v: Has says %v, Scan finds %v", q, has, ids)
	}
	return ids
}

// wantScan fails unless scope 2's index holds these ids, newest first.
func (s *suite) wantScan(index, value string, want ...string) {
	s.Helper()
	got := s.scan(store.Query{Scope: 2, Index: index, Value: value})
	if !slices.Equal(got, want) {
		s.Fatalf("index %s=%s: %v, want %v", index, value, got, want)
	}
}

func entry(index, value string) store.Entry { return store.Entry{Index: index, Value: value} }
