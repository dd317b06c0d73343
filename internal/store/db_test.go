package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"florin/internal/store"
	"florin/internal/store/memory"
	"florin/internal/store/storetest"
)

var ctx = context.Background()

func put(id string) *store.Unit {
	return &store.Unit{Puts: []store.Put{{Doc: store.Doc{Scope: 2, ID: id, Ver: 1, Kind: "thing"}}}}
}

// A slowEngine does in Apply what the test says, after it is let.
type slowEngine struct {
	store.Engine
	let     chan func() error // what the next batches do before they are applied
	batches [][]string
}

func (e *slowEngine) Apply(ctx context.Context, units []*store.Unit) ([]error, error) {
	var ids []string
	for _, u := range units {
		ids = append(ids, u.Puts[0].ID)
	}
	e.batches = append(e.batches, ids)
	if f := <-e.let; f != nil {
		if err := f(); err != nil {
			return nil, err
		}
	}
	return e.Engine.Apply(ctx, units)
}

func openSlow(t *testing.T) (*store.DB, *slowEngine) {
	t.Helper()
	e := &slowEngine{Engine: memory.New(), let: make(chan func() error)}
	db, err := store.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	return db, e
}

// commit starts a commit, which is waiting when it returns.
func commit(db *store.DB, ctx context.Context, u *store.Unit) <-chan error {
	outcome := make(chan error, 1)
	go func() { outcome <- db.Commit(ctx, u) }()
	synctest.Wait()
	return outcome
}

func TestUnitsThatWaitGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, e := openSlow(t)
		first := commit(db, ctx, put("a"))
		second, third, again := commit(db, ctx, put("b")), commit(db, ctx, put("c")), commit(db, ctx, put("b"))
		e.let <- nil
		if err := <-first; err != nil {
			t.Error(err)
		}
		e.let <- nil
		for _, outcome := range []<-chan error{second, third} {
			if err := <-outcome; err != nil {
				t.Error(err)
			}
		}
		if err := <-again; !errors.Is(err, store.ErrConflict) {
			t.Errorf("got %v, want a conflict", err)
		}
		if want := "[[a] [b c b]]"; fmt.Sprint(e.batches) != want {
			t.Errorf("batches %v, want %v", e.batches, want)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestFailureIsOfOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, e := openSlow(t)
		full := errors.New("the disk is full")
		told := 0
		db.OnCommit(func(units []*store.Unit) { told += len(units) })
		first, second := commit(db, ctx, put("a")), commit(db, ctx, put("b"))
		third := commit(db, ctx, put("c"))
		e.let <- func() error { return full }
		if err := <-first; !errors.Is(err, full) {
			t.Errorf("got %v, want %v", err, full)
		}
		e.let <- func() error { panic("a bug") }
		for _, outcome := range []<-chan error{second, third} {
			if err := <-outcome; err == nil || !strings.Contains(err.Error(), "a bug") {
				t.Errorf("got %v, want the panic", err)
			}
		}
		if told != 0 {
			t.Error("listeners were told of what failed")
		}
		fourth := commit(db, ctx, put("a"))
		e.let <- nil
		if err := <-fourth; err != nil {
			t.Error(err)
		}
		if told != 1 {
			t.Errorf("told of %d units, want 1", told)
		}
		db.Close()
	})
}

func TestCanceledCommitKnowsItsOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, e := openSlow(t)
		ctx, cancel := context.WithCancel(ctx)
		taken, waiting := commit(db, ctx, put("a")), commit(db, ctx, put("b"))
		cancel()
		synctest.Wait()
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want it taken back", err)
		}
		select {
		case err := <-taken:
			t.Errorf("answered %v before the outcome was known", err)
		default:
		}
		e.let <- nil
		if err := <-taken; err != nil {
			t.Errorf("got %v, and it was committed", err)
		}
		if err := db.Commit(ctx, put("c")); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		db.Close()
		if want := "[[a]]"; fmt.Sprint(e.batches) != want {
			t.Errorf("batches %v, want %v", e.batches, want)
		}
	})
}

func TestCloseFinishesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, e := openSlow(t)
		first, second := commit(db, ctx, put("a")), commit(db, ctx, put("b"))
		var closing sync.WaitGroup
		for range 2 {
			closing.Go(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if err := db.Commit(ctx, put("c")); !errors.Is(err, store.ErrClosed) {
			t.Errorf("got %v, want %v", err, store.ErrClosed)
		}
		e.let <- nil
		e.let <- nil
		if err := errors.Join(<-first, <-second); err != nil {
			t.Error(err)
		}
		closing.Wait()
	})
}

func TestListeners(t *testing.T) {
	db := storetest.Memory(t)
	var told []string
	db.OnCommit(func([]*store.Unit) { panic("a bug of the listener") })
	db.OnCommit(func(units []*store.Unit) {
		for _, u := range units {
			told = append(told, u.Puts[0].ID)
		}
	})
	for _, id := range []string{"a", "b", "a"} {
		err := db.Commit(ctx, put(id))
		if id == "a" && len(told) == 2 && !errors.Is(err, store.ErrConflict) {
			t.Errorf("got %v, want a conflict", err)
		}
	}
	// It was told before Commit returned.
	if want := []string{"a", "b"}; !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
}

func TestSeq(t *testing.T) {
	e := memory.New()
	u := put("a")
	future := time.Now().Add(time.Hour).UnixMicro()
	u.Puts[0].Seq = future
	if _, err := e.Apply(ctx, []*store.Unit{u}); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	last := future
	for range 1000 {
		if n := db.Seq(); n <= last {
			t.Fatalf("%d after %d", n, last)
		} else {
			last = n
		}
	}
	fresh := storetest.Memory(t)
	var mu sync.Mutex
	seen := map[int64]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				n := fresh.Seq()
				mu.Lock()
				if seen[n] {
					t.Errorf("%d twice", n)
				}
				seen[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if n := fresh.Seq(); time.Since(time.UnixMicro(n)).Abs() > time.Minute {
		t.Errorf("%d is not about now", n)
	}
}

func TestCheck(t *testing.T) {
	doc := func(ver int64) store.Doc { return store.Doc{Scope: 2, ID: "a", Ver: ver} }
	move := store.Move{From: "a", To: "b", Currency: "eur", Amount: 1}
	for _, test := range []struct {
		want string // "" is a good unit
		unit store.Unit
	}{
		{"", store.Unit{}},
		{"", store.Unit{Puts: []store.Put{{Doc: doc(1)}}, Moves: []store.Move{move}}},
		{"", store.Unit{Puts: []store.Put{{Doc: doc(7), Base: 5}}, Versions: []store.Doc{doc(6)}}},
		{"", store.Unit{Puts: []store.Put{{Doc: doc(1), Base: store.IfAbsent}}}},
		{"", store.Unit{Puts: []store.Put{{Doc: doc(1)}, {Doc: store.Doc{Scope: 3, ID: "a", Ver: 1}}}}},
		{"without an id", store.Unit{Puts: []store.Put{{Doc: store.Doc{Ver: 1}}}}},
		{"two puts", store.Unit{Puts: []store.Put{{Doc: doc(1)}, {Doc: doc(2), Base: 1}}}},
		{"cannot follow", store.Unit{Puts: []store.Put{{Doc: doc(0)}}}},
		{"cannot follow", store.Unit{Puts: []store.Put{{Doc: doc(3), Base: 3}}}},
		{"cannot follow", store.Unit{Puts: []store.Put{{Doc: doc(3), Base: -2}}}},
		{"tombstone", store.Unit{Puts: []store.Put{{Doc: store.Doc{ID: "a", Ver: 1, Deleted: true}, Index: []store.Entry{{Index: "x"}}}}}},
		{"none of the versions", store.Unit{Versions: []store.Doc{doc(1)}}},
		{"none of the versions", store.Unit{Puts: []store.Put{{Doc: doc(2)}}, Versions: []store.Doc{doc(2)}}},
		{"none of the versions", store.Unit{Puts: []store.Put{{Doc: doc(3), Base: 1}}, Versions: []store.Doc{doc(1)}}},
		{"none of the versions", store.Unit{Puts: []store.Put{{Doc: doc(3)}}, Versions: []store.Doc{doc(1), doc(1)}}},
		{"beside another change", store.Unit{Puts: []store.Put{{Doc: doc(2), Base: 1}}, Deletes: []store.Delete{{Scope: 2, ID: "a", Base: 1}}}},
		{"no version", store.Unit{Deletes: []store.Delete{{Scope: 2, ID: "a"}}}},
		{"move of 0", store.Unit{Moves: []store.Move{{From: "a", To: "b", Currency: "eur"}}}},
		{"move of 1", store.Unit{Moves: []store.Move{{From: "a", To: "a", Currency: "eur", Amount: 1}}}},
	} {
		err := test.unit.Check()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %q", test.unit, err, test.want)
		}
		if test.want != "" {
			if err := storetest.Memory(t).Commit(ctx, &test.unit); err == nil {
				t.Errorf("%+v: committed", test.unit)
			}
		}
	}
}

func Example() {
	db, err := store.Open(memory.New())
	if err != nil {
		panic(err)
	}
	defer db.Close()
	account := store.NewScope(1, false)
	coupon := store.Put{
		Doc:   store.Doc{Scope: account, ID: "co_1", Ver: 1, Kind: "coupon", Created: 1, Seq: db.Seq(), Body: []byte(`{"id":"co_1"}`)},
		Index: []store.Entry{{Index: "coupon"}},
	}
	fmt.Println(db.Commit(ctx, &store.Unit{Puts: []store.Put{coupon}}))
	fmt.Println(db.Commit(ctx, &store.Unit{Puts: []store.Put{coupon}}))

	s, err := db.Snapshot(ctx)
	if err != nil {
		panic(err)
	}
	defer s.Close()
	s.Scan(store.Query{Scope: account, Index: "coupon"}, func(d *store.Doc) bool {
		fmt.Println(d.ID, d.Ver, string(bytes.TrimSpace(d.Body)))
		return true
	})
	// Output:
	// <nil>
	// store: changed since it was read
	// co_1 1 {"id":"co_1"}
}
