package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"florin/internal/store"
)

func testVersions(t *testing.T, s *suite) {
	s.must(s.put("a", 0))
	s.wantVersions("a", 1)

	// Replaced, and not kept.
	s.must(s.put("a", 1))
	s.wantVersions("a", 2)

	// Replaced, and kept.
	u := s.put("a", 2)
	u.Puts[0].Keep = true
	s.must(u)
	s.wantVersions("a", 2, 3)

	// One unit makes three versions, of which the first two are only referred to.
	u = &store.Unit{
		Versions: []store.Doc{s.doc("a", 4), s.doc("a", 5), s.doc("b", 1)},
		Puts:     []store.Put{{Doc: s.doc("a", 6), Base: 3}, {Doc: s.doc("b", 2)}},
	}
	s.must(u)
	s.wantVersions("a", 2, 4, 5, 6)
	s.wantVersions("b", 1, 2)
	if got := s.version("a"); got != 6 {
		t.Errorf("current version of a is %d, want 6", got)
	}
	if got := s.version("nobody"); got != 0 {
		t.Errorf("current version of nobody is %d, want 0", got)
	}
	s.read(func(snap store.Snapshot) {
		d, err := snap.Get(2, "b")
		if err != nil {
			t.Fatal(err)
		}
		want := u.Puts[1].Doc
		if d.Kind != want.Kind || d.Created != want.Created || d.Seq != want.Seq || d.Deleted || !bytes.Equal(d.Body, want.Body) || len(d.Priv) != 0 {
			t.Errorf("got %+v, want %+v", d, want)
		}
	})
}

func testTombstones(t *testing.T, s *suite) {
	s.must(s.put("a", 0, entry("all", "")))
	u := s.put("a", 1)
	u.Puts[0].Was = []store.Entry{entry("all", "")}
	u.Puts[0].Deleted = true
	s.must(u)
	s.wantScan("all", "")
	s.read(func(snap store.Snapshot) {
		d, err := snap.Get(2, "a")
		if err != nil || d == nil || !d.Deleted || d.Ver != 2 {
			t.Errorf("got %+v, %v, want a tombstone of version 2", d, err)
		}
	})
	// It is a version like others: there is a document.
	s.conflict(s.put("a", 0))
	s.must(s.put("a", 2, entry("all", "")))
	s.wantScan("all", "", "a")
}

func testDeletes(t *testing.T, s *suite) {
	u := s.put("a", 0, entry("all", ""), entry("x", "1"))
	s.must(u)
	next := s.put("a", 1, entry("all", ""))
	next.Puts[0].Keep, next.Puts[0].Was = true, u.Puts[0].Index
	s.must(next)
	s.wantVersions("a", 1, 2)
	s.conflict(&store.Unit{Deletes: []store.Delete{{Scope: 2, ID: "a", Base: 1}}})
	s.conflict(&store.Unit{Deletes: []store.Delete{{Scope: 2, ID: "b", Base: 1}}})
	s.must(&store.Unit{Deletes: []store.Delete{{Scope: 2, ID: "a", Base: 2, Was: next.Puts[0].Index}}})
	s.wantVersions("a")
	s.wantScan("all", "")
	s.must(s.put("a", 0, entry("all", "")))
	s.wantVersions("a", 1)
	s.wantScan("all", "", "a")
}

func testDrops(t *testing.T, s *suite) {
	s.must(s.put("a", 0))
	for base := int64(1); base < 4; base++ {
		u := s.put("a", base)
		u.Puts[0].Keep = true
		s.must(u)
	}
	s.must(&store.Unit{Drops: []store.Ref{{Scope: 2, ID: "a", Ver: 2}, {Scope: 2, ID: "a", Ver: 4}, {Scope: 2, ID: "a", Ver: 9}, {Scope: 2, ID: "b", Ver: 1}}})
	s.wantVersions("a", 1, 3, 4)
}

func testIfAbsent(t *testing.T, s *suite) {
	put := func(id, value string) *store.Unit {
		u := s.put(id, 0, entry("x", value))
		u.Puts[0].Base = store.IfAbsent
		return u
	}
	s.must(put("a", "first"))
	s.must(put("a", "second"))
	s.wantScan("x", "first", "a")
	s.wantScan("x", "second")
	s.apply([]*store.Unit{put("b", "first"), put("b", "second")}, true, true)
	s.wantScan("x", "first", "b", "a")
	s.wantScan("x", "second")
	s.wantVersions("a", 1)

	// Versions of a document that is there already are not written either; the rest of the unit is.
	u := put("a", "third")
	u.Puts[0].Ver = 5
	u.Versions = []store.Doc{s.doc("a", 4)}
	u.Puts = append(u.Puts, s.put("c", 0).Puts...)
	s.must(u)
	s.wantVersions("a", 1)
	s.wantVersions("c", 1)
}

func testConflicts(t *testing.T, s *suite) {
	s.conflict(s.put("a", 1))
	s.must(s.put("a", 0))
	s.conflict(s.put("a", 0))
	s.conflict(s.put("a", 2))
	s.must(s.put("a", 1))
	s.conflict(s.put("a", 1))

	guard := func(id string, ver int64) *store.Unit {
		u := s.put("guarded", s.version("guarded"))
		u.Guards = []store.Ref{{Scope: 2, ID: id, Ver: ver}}
		return u
	}
	s.must(guard("a", 2))
	s.must(guard("nobody", 0))
	s.conflict(guard("a", 1))
	s.conflict(guard("a", 0))
	s.conflict(guard("nobody", 1))
	// A guard of what the unit itself changes is about the time before.
	u := s.put("a", 2)
	u.Guards = []store.Ref{{Scope: 2, ID: "a", Ver: 2}}
	s.must(u)

	// A unit that fails in its last part leaves no trace of the others.
	s.conflict(&store.Unit{
		Puts:    []store.Put{{Doc: s.doc("b", 2), Index: []store.Entry{entry("x", "b")}}, {Doc: s.doc("a", 4), Base: 3}},
		Deletes: []store.Delete{{Scope: 2, ID: "nobody", Base: 1}},
		Moves:   []store.Move{{Scope: 2, From: "p", To: "q", Currency: "eur", Amount: 1, Source: "b"}},
	})
	s.wantVersions("a", 3)
	s.wantVersions("b")
	s.wantScan("x", "b")
	s.read(func(snap store.Snapshot) {
		if sums, err := snap.Sums(2, 0); err != nil || len(sums) != 0 {
			t.Errorf("sums %v, %v, want none", sums, err)
		}
	})
}

func testConflictsInBatch(t *testing.T, s *suite) {
	s.must(s.put("a", 0))
	dependent := s.put("c", 0)
	dependent.Guards = []store.Ref{{Scope: 2, ID: "a", Ver: 2}}
	late := s.put("d", 0)
	late.Guards = []store.Ref{{Scope: 2, ID: "a", Ver: 1}}
	s.apply([]*store.Unit{
		s.put("a", 1), // the first wins
		s.put("a", 1),
		dependent,
		late,
		s.put("b", 0),
		s.put("b", 1), // follows one of its own batch
		{Deletes: []store.Delete{{Scope: 2, ID: "b", Base: 2}}},
		s.put("b", 2),
		s.put("b", 0),
	}, true, false, true, false, true, true, true, false, true)
	s.wantVersions("a", 2)
	s.wantVersions("b", 1)
	s.wantVersions("c", 1)
	s.wantVersions("d")
	s.apply(nil)
	s.must(&store.Unit{Guards: []store.Ref{{Scope: 2, ID: "a", Ver: 2}}})
	s.conflict(&store.Unit{Guards: []store.Ref{{Scope: 2, ID: "a", Ver: 1}}})
}

func testIndex(t *testing.T, s *suite) {
	first := s.put("a", 0, entry("all", ""), entry("customer", "cus_1"), entry("status", "new"))
	s.must(first)
	s.wantScan("all", "", "a")
	s.wantScan("customer", "cus_1", "a")
	s.wantScan("customer", "cus_2")
	s.wantScan("unknown", "")

	second := s.put("a", 1, entry("all", ""), entry("status", "paid"), entry("status", "paid"))
	second.Puts[0].Created, second.Puts[0].Seq = first.Puts[0].Created, first.Puts[0].Seq
	second.Puts[0].Was = first.Puts[0].Index
	s.must(second)
	s.wantScan("all", "", "a")
	s.wantScan("customer", "cus_1")
	s.wantScan("status", "new")
	s.wantScan("status", "paid", "a")

	// A task is put off: it leaves its place in every index.
	third := s.put("a", 2, second.Puts[0].Index...)
	third.Puts[0].Created = 500
	third.Puts[0].Was = second.Puts[0].Index
	s.must(third)
	s.wantScan("all", "", "a")
	s.wantScan("status", "paid", "a")
	if got := s.scan(store.Query{Scope: 2, Index: "all", MaxCreated: 499}); len(got) != 0 {
		t.Errorf("still found at its old place: %v", got)
	}
	n := 0
	s.read(func(snap store.Snapshot) {
		if err := snap.WalkIndex(func(scope store.Scope, e store.Entry, p store.Pos, id string) bool {
			n++
			if scope != 2 || id != "a" || p != (store.Pos{Created: 500, Seq: third.Puts[0].Seq}) || e.Index == "" {
				t.Errorf("entry %v %v %v %v", scope, e, p, id)
			}
			return true
		}); err != nil {
			t.Error(err)
		}
	})
	if n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
}

func testIndexOrder(t *testing.T, s *suite) {
	// Seq grows, and Created does not always: ten documents in four seconds.
	var all []store.Doc
	for i, created := range []int64{10, 10, 12, 11, 11, 13, 13, 12, 10, 13} {
		u := s.put(fmt.Sprintf("d%d", i), 0, entry("all", ""))
		u.Puts[0].Created = created
		s.must(u)
		all = append(all, u.Puts[0].Doc)
	}
	slices.SortFunc(all, func(a, b store.Doc) int {
		if position(&a).Less(position(&b)) {
			return -1
		}
		return 1
	})
	for _, ascending := range []bool{true, false} {
		for after := -1; after < len(all); after++ {
			for _, bounds := range [][2]int64{{0, 0}, {11, 0}, {0, 12}, {11, 12}, {12, 12}, {14, 0}, {0, 9}, {13, 11}} {
				q := store.Query{Scope: 2, Index: "all", Ascending: ascending, MinCreated: bounds[0], MaxCreated: bounds[1]}
				if after >= 0 {
					p := position(&all[after])
					q.After = &p
				}
				want := []string{}
				for i := range all {
					d := &all[i]
					if after >= 0 && (ascending && i <= after || !ascending && i >= after) ||
						bounds[0] != 0 && d.Created < bounds[0] || bounds[1] != 0 && d.Created > bounds[1] {
						continue
					}
					want = append(want, d.ID)
				}
				if !ascending {
					slices.Reverse(want)
				}
				if got := s.scan(q); !slices.Equal(got, want) {
					t.Fatalf("%+v after %v: %v, want %v", q, q.After, got, want)
				}
			}
		}
	}
	// The reader stops when it wants to.
	n := 0
	s.read(func(snap store.Snapshot) {
		if err := snap.Scan(store.Query{Scope: 2, Index: "all"}, func(*store.Doc) bool { n++; return n < 3 }); err != nil {
			t.Error(err)
		}
	})
	if n != 3 {
		t.Errorf("read %d, want 3", n)
	}
}

func position(d *store.Doc) store.Pos { return store.Pos{Created: d.Created, Seq: d.Seq} }

func testScopes(t *testing.T, s *suite) {
	live, test, other := store.NewScope(1, true), store.NewScope(1, false), store.NewScope(2, false)
	for i, scope := range []store.Scope{store.System, live, test, other} {
		u := s.put("same", 0, entry("all", ""))
		u.Puts[0].Scope = scope
		u.Moves = []store.Move{{Scope: scope, From: "a", To: "b", Currency: "eur", Amount: int64(i + 1), Source: "same"}}
		s.must(u)
	}
	for i, scope := range []store.Scope{store.System, live, test, other} {
		s.read(func(snap store.Snapshot) {
			if got := scanIDs(t, snap, store.Query{Scope: scope, Index: "all"}); len(got) != 1 {
				t.Errorf("scope %d holds %v", scope, got)
			}
			d, err := snap.Get(scope, "same")
			if err != nil || d.Scope != scope {
				t.Errorf("got %+v, %v", d, err)
			}
			sums, err := snap.Sums(scope, 0)
			want := []store.Sum{{Account: "a", Currency: "eur", Available: -int64(i + 1)}, {Account: "b", Currency: "eur", Available: int64(i + 1)}}
			if err != nil || !slices.Equal(sums, want) {
				t.Errorf("scope %d: sums %v, %v, want %v", scope, sums, err, want)
			}
		})
	}
	n := 0
	s.read(func(snap store.Snapshot) {
		if err := snap.Walk(func(*store.Doc) bool { n++; return true }); err != nil {
			t.Error(err)
		}
	})
	if n != 4 {
		t.Errorf("walked %d documents, want 4", n)
	}
}

func testSums(t *testing.T, s *suite) {
	move := func(from, to, currency string, amount, available int64) store.Move {
		return store.Move{Scope: 2, From: from, To: to, Currency: currency, Amount: amount, Source: "ch", AvailableOn: available, Created: 5}
	}
	s.must(&store.Unit{Moves: []store.Move{
		move("network", "balance", "eur", 1000, 20),
		move("balance", "fees", "eur", 59, 20),
		move("network", "balance", "usd", 70, 30),
	}})
	s.must(&store.Unit{Moves: []store.Move{move("balance", "bank", "eur", 941, 25)}})
	for _, test := range []struct {
		at   int64
		want []store.Sum
	}{
		{19, []store.Sum{
			{Account: "balance", Currency: "eur"}, {Account: "balance", Currency: "usd", Pending: 70}, {Account: "bank", Currency: "eur", Pending: 941},
			{Account: "fees", Currency: "eur", Pending: 59}, {Account: "network", Currency: "eur", Pending: -1000}, {Account: "network", Currency: "usd", Pending: -70},
		}},
		{20, []store.Sum{
			{Account: "balance", Currency: "eur", Available: 941, Pending: -941}, {Account: "balance", Currency: "usd", Pending: 70},
			{Account: "bank", Currency: "eur", Pending: 941}, {Account: "fees", Currency: "eur", Available: 59},
			{Account: "network", Currency: "eur", Available: -1000}, {Account: "network", Currency: "usd", Pending: -70},
		}},
		{30, []store.Sum{
			{Account: "balance", Currency: "eur"}, {Account: "balance", Currency: "usd", Available: 70}, {Account: "bank", Currency: "eur", Available: 941},
			{Account: "fees", Currency: "eur", Available: 59}, {Account: "network", Currency: "eur", Available: -1000}, {Account: "network", Currency: "usd", Available: -70},
		}},
	} {
		s.read(func(snap store.Snapshot) {
			got, err := snap.Sums(2, test.at)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("at %d: %v, %v, want %v", test.at, got, err, test.want)
			}
		})
	}
}

// testSumsMany compares sums with a plain addition, over so many moves that an engine which keeps partial sums has made some.
func testSumsMany(t *testing.T, s *suite) {
	r := rand.New(rand.NewPCG(1, 2))
	var all []store.Move
	times := []int64{0, 1, 63, 64, 65, 4095, 4096, 1 << 18, 1<<18 - 1, 1 << 24, 1<<24 + 1, 1_700_000_000, 1 << 40}
	when := func() int64 {
		if r.IntN(2) == 0 {
			return times[r.IntN(len(times))]
		}
		return r.Int64N(1 << (4 + r.IntN(27)))
	}
	for range 60 {
		var units []*store.Unit
		for range 1 + r.IntN(8) {
			u := &store.Unit{}
			for range 1 + r.IntN(25) {
				m := store.Move{
					Scope:    store.Scope(2 + r.IntN(2)),
					From:     fmt.Sprint("a", r.IntN(3)),
					To:       fmt.Sprint("b", r.IntN(3)),
					Currency: []string{"eur", "usd"}[r.IntN(2)],
					Amount:   1 + r.Int64N(100000),
					Source:   fmt.Sprint("txn_", r.IntN(50)), AvailableOn: when(),
				}
				if r.IntN(2) == 0 {
					m.From, m.To = m.To, m.From
				}
				u.Moves = append(u.Moves, m)
				all = append(all, m)
			}
			units = append(units, u)
		}
		pass := slices.Repeat([]bool{true}, len(units))
		s.apply(units, pass...)
		s.read(func(snap store.Snapshot) {
			for range 4 {
				scope, at := store.Scope(2+r.IntN(2)), when()
				got, err := snap.Sums(scope, at)
				if err != nil {
					t.Fatal(err)
				}
				if want := addUp(all, scope, at); !slices.Equal(got, want) {
					t.Fatalf("after %d moves, at %d: %v, want %v", len(all), at, got, want)
				}
			}
		})
	}
	s.read(func(snap store.Snapshot) {
		for _, at := range append(times, -1) {
			got, err := snap.Sums(3, at)
			if want := addUp(all, 3, at); err != nil || !slices.Equal(got, want) {
				t.Fatalf("at %d: %v, %v, want %v", at, got, err, want)
			}
		}
	})
}

func testMoves(t *testing.T, s *suite) {
	move := func(source string, amount int64) store.Move {
		return store.Move{Scope: 2, From: "a", To: "b", Currency: "eur", Amount: amount, Source: source, AvailableOn: 7, Created: 5}
	}
	s.must(&store.Unit{Moves: []store.Move{move("x", 1), move("y", 2)}})
	s.must(&store.Unit{Moves: []store.Move{move("x", 3)}})
	s.read(func(snap store.Snapshot) {
		var amounts, seqs []int64
		collect := func(m store.Move) bool {
			want := move(m.Source, m.Amount)
			want.Seq = m.Seq
			if m != want {
				t.Errorf("got %+v, want %+v", m, want)
			}
			amounts, seqs = append(amounts, m.Amount), append(seqs, m.Seq)
			return true
		}
		if err := snap.Moves(2, "x", collect); err != nil || !slices.Equal(amounts, []int64{1, 3}) || seqs[0] <= 0 || seqs[1] <= seqs[0] {
			t.Errorf("moves of x: %v, seqs %v, %v", amounts, seqs, err)
		}
		amounts, seqs = nil, nil
		if err := snap.WalkMoves(collect); err != nil || !slices.Equal(amounts, []int64{1, 2, 3}) || !slices.IsSorted(seqs) {
			t.Errorf("all moves: %v, seqs %v, %v", amounts, seqs, err)
		}
		n := 0
		if err := snap.Moves(2, "x", func(store.Move) bool { n++; return false }); err != nil || n != 1 {
			t.Errorf("stopped after %d, %v", n, err)
		}
		if err := snap.Moves(3, "x", func(store.Move) bool { t.Error("a move of another scope"); return true }); err != nil {
			t.Error(err)
		}
	})
}

func testSnapshots(t *testing.T, s *suite) {
	s.must(s.put("a", 0, entry("all", "")))
	old, err := s.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if d, err := old.Get(2, "a"); err != nil || d.Ver != 1 {
		t.Fatalf("%v, %v", d, err)
	}
	// A thousand commits beside it, with an index and a kind that it has never heard of.
	for i := range 1000 {
		u := s.put(fmt.Sprint("b", i), 0, entry("all", ""), entry("new", ""))
		u.Puts[0].Kind = "novelty"
		u.Moves = []store.Move{{Scope: 2, From: "a", To: "b", Currency: "eur", Amount: 1, Source: "x"}, {Scope: 2, From: "b", To: "a", Currency: "eur", Amount: 1, Source: "x"}}
		s.must(u)
	}
	s.must(s.put("a", 1))
	if d, err := old.Get(2, "a"); err != nil || d == nil || d.Ver != 1 {
		t.Errorf("Get: %v, %v", d, err)
	}
	if d, err := old.Version(2, "a", 2); err != nil || d != nil {
		t.Errorf("Version: %v, %v", d, err)
	}
	if got := scanIDs(t, old, store.Query{Scope: 2, Index: "all"}); !slices.Equal(got, []string{"a"}) {
		t.Errorf("Scan: %v", got)
	}
	if got := scanIDs(t, old, store.Query{Scope: 2, Index: "new"}); len(got) != 0 {
		t.Errorf("Scan: %v", got)
	}
	if sums, err := old.Sums(2, 0); err != nil || len(sums) != 0 {
		t.Errorf("Sums: %v, %v", sums, err)
	}
	s.read(func(snap store.Snapshot) {
		if got := scanIDs(t, snap, store.Query{Scope: 2, Index: "new"}); len(got) != 1000 {
			t.Errorf("a new snapshot sees %d, want 1000", len(got))
		}
	})
	old.Close()
	old.Close()
}

// testNested reads while it reads: the inner scan and the outer one are the same query.
func testNested(t *testing.T, s *suite) {
	for i := range 5 {
		s.must(s.put(fmt.Sprint("d", i), 0, entry("all", "")))
	}
	q := store.Query{Scope: 2, Index: "all", Ascending: true}
	var pairs int
	s.read(func(snap store.Snapshot) {
		if err := snap.Scan(q, func(outer *store.Doc) bool {
			id, body := outer.ID, string(outer.Body)
			if err := snap.Scan(q, func(inner *store.Doc) bool {
				pairs++
				d, err := snap.Get(2, inner.ID)
				return err == nil && d.ID == inner.ID
			}); err != nil {
				t.Error(err)
			}
			return outer.ID == id && string(outer.Body) == body
		}); err != nil {
			t.Error(err)
		}
	})
	if pairs != 25 {
		t.Errorf("%d pairs, want 25", pairs)
	}
}

func testCanceled(t *testing.T, s *suite) {
	for i := range 5 {
		s.must(s.put(fmt.Sprint("d", i), 0, entry("all", "")))
	}
	ctx, cancel := context.WithCancel(ctx)
	snap, err := s.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	n := 0
	err = snap.Scan(store.Query{Scope: 2, Index: "all"}, func(*store.Doc) bool { n++; cancel(); return true })
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("read %d, %v", n, err)
	}
	if _, err := snap.Get(2, "d1"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := s.Snapshot(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.wantVersions("d1", 1)
}

func testMaxSeq(t *testing.T, s *suite) {
	if n, err := s.MaxSeq(ctx); n != 0 || err != nil {
		t.Errorf("empty: %d, %v", n, err)
	}
	last := int64(0)
	for _, seq := range []int64{5, 1_700_000_000_000_000, 7, 1_700_000_000_000_001, 1_900_000_000_000_000} {
		u := s.put(fmt.Sprint("d", seq), 0)
		u.Puts[0].Seq = seq
		s.must(u)
		last = max(last, seq)
		if n, err := s.MaxSeq(ctx); n < last || n > last+60_000_000 || err != nil {
			t.Errorf("%d, %v, want at least %d and not a minute more", n, err, last)
		}
	}
}

// testBytes stores what is not text, what is large, and what is nothing.
func testBytes(t *testing.T, s *suite) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	large := bytes.Repeat(all, 1<<12)
	for i, b := range [][]byte{nil, {}, {0}, all, large} {
		u := s.put(fmt.Sprint("d", i), 0, entry("value", "é\x01'%_\""))
		body := bytes.Clone(b)
		u.Puts[0].Body, u.Puts[0].Priv = body, body
		s.must(u)
		clear(body) // the engine has its own copy
		s.read(func(snap store.Snapshot) {
			d, err := snap.Get(2, fmt.Sprint("d", i))
			if err != nil || !bytes.Equal(d.Body, b) || !bytes.Equal(d.Priv, b) {
				t.Errorf("%d: other bytes than were stored, %v", i, err)
			}
		})
	}
	if got := s.scan(store.Query{Scope: 2, Index: "value", Value: "é\x01'%_\""}); len(got) != 5 {
		t.Errorf("found %v", got)
	}
}

func testClosed(t *testing.T, s *suite) {
	s.must(s.put("a", 0))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if _, err := s.Apply(ctx, []*store.Unit{s.put("b", 0)}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Apply: %v", err)
	}
	if _, err := s.Snapshot(ctx); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Snapshot: %v", err)
	}
}

// testCounters adds one to shared counters from many goroutines, each reading, adding, and trying again after a conflict. Nothing may be lost.
func testCounters(t *testing.T, s *suite) {
	db := s.db()
	const workers, rounds, counters = 8, 40, 3
	var wg sync.WaitGroup
	var conflicts, told atomic.Int64
	db.OnCommit(func(units []*store.Unit) { told.Add(int64(len(units))) })
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				id := fmt.Sprint("counter", (w+i)%counters)
				for {
					err := addOne(db, id)
					if err == nil {
						break
					}
					if !errors.Is(err, store.ErrConflict) {
						t.Error(err)
						return
					}
					conflicts.Add(1)
				}
			}
		})
	}
	wg.Wait()
	total := 0
	s.read(func(snap store.Snapshot) {
		for i := range counters {
			d, err := snap.Get(2, fmt.Sprint("counter", i))
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			fmt.Sscan(string(d.Body), &n)
			if int64(n) != d.Ver {
				t.Errorf("counter %d stands at %d in version %d", i, n, d.Ver)
			}
			total += n
		}
		moves := 0
		if err := snap.WalkMoves(func(store.Move) bool { moves++; return true }); err != nil || moves != workers*rounds {
			t.Errorf("%d moves, want %d, %v", moves, workers*rounds, err)
		}
	})
	if total != workers*rounds {
		t.Errorf("counted to %d, want %d", total, workers*rounds)
	}
	if told.Load() != workers*rounds {
		t.Errorf("told of %d units, want %d", told.Load(), workers*rounds)
	}
	t.Logf("%d conflicts", conflicts.Load())
}

func addOne(db *store.DB, id string) error {
	snap, err := db.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	d, err := snap.Get(2, id)
	if err != nil {
		return err
	}
	n, ver := 0, int64(0)
	if d != nil {
		fmt.Sscan(string(d.Body), &n)
		ver = d.Ver
	}
	return db.Commit(ctx, &store.Unit{
		Puts: []store.Put{{
			Doc:  store.Doc{Scope: 2, ID: id, Ver: ver + 1, Kind: "counter", Created: 1, Seq: 1, Body: fmt.Append(nil, n+1)},
			Base: ver,
		}},
		Moves: []store.Move{{Scope: 2, From: "a", To: "b", Currency: "eur", Amount: 1, Source: id}},
	})
}

// db puts a committer before the engine.
func (s *suite) db() *store.DB {
	s.Helper()
	db, err := store.Open(s.Engine)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { db.Close() })
	return db
}

// testReadersAndWriters lets readers look all the time at what writers change: pairs of documents that must always be equal, lists that must hold
// as many as the sums say.
func testReadersAndWriters(t *testing.T, s *suite) {
	db := s.db()
	const writers, readers, rounds = 4, 4, 60
	var writing, reading sync.WaitGroup
	stop := make(chan struct{})
	for w := range writers {
		writing.Go(func() {
			for i := range int64(rounds) {
				left, right := fmt.Sprint("left", w), fmt.Sprint("right", w)
				put := func(id string) store.Put {
					return store.Put{Doc: store.Doc{Scope: 2, ID: id, Ver: i + 1, Kind: "half", Seq: db.Seq()}, Base: i}
				}
				step := store.Put{
					Doc:   store.Doc{Scope: 2, ID: fmt.Sprint("step", w, "-", i), Ver: 1, Kind: "step", Created: i, Seq: db.Seq()},
					Index: []store.Entry{entry("steps", "")},
				}
				if err := db.Commit(ctx, &store.Unit{
					Puts:  []store.Put{put(left), put(right), step},
					Moves: []store.Move{{Scope: 2, From: "a", To: "steps", Currency: "eur", Amount: 1, Source: step.ID}},
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for r := range readers {
		reading.Go(func() {
			for {
				if err := lookAround(db, r%writers); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	writing.Wait()
	close(stop)
	reading.Wait()
}

func lookAround(db *store.DB, w int) error {
	snap, err := db.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	left, err := snap.Get(2, fmt.Sprint("left", w))
	if err != nil {
		return err
	}
	steps := int64(0)
	if err := snap.Scan(store.Query{Scope: 2, Index: "steps"}, func(*store.Doc) bool { steps++; return true }); err != nil {
		return err
	}
	right, err := snap.Get(2, fmt.Sprint("right", w))
	if err != nil {
		return err
	}
	if (left == nil) != (right == nil) || left != nil && left.Ver != right.Ver {
		return fmt.Errorf("half a unit is visible: %+v, %+v", left, right)
	}
	sums, err := snap.Sums(2, 0)
	if err != nil {
		return err
	}
	if len(sums) == 0 && steps == 0 {
		return nil
	}
	if len(sums) != 2 || sums[1].Available != steps || sums[0].Available != -steps {
		return fmt.Errorf("%d steps and sums %v", steps, sums)
	}
	return nil
}
