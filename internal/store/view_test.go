package store_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"florin/internal/store"
	"florin/internal/store/memory"
)

const viewScope = store.Scope(2)

func openMemory(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestViewIsWhatIsCommitted changes documents at random, and after each commit holds what views give to what the engine has.
func TestViewIsWhatIsCommitted(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	db := openMemory(t)
	have := map[string]*store.Put{} // the last put of each document that is there
	values := []string{"", "a", "b"}
	index := func() []store.Entry {
		out := []store.Entry{{Index: "all"}}
		for _, v := range values {
			if rnd.IntN(3) == 0 {
				out = append(out, store.Entry{Index: "some", Value: v})
			}
		}
		return out
	}
	for step := range 3000 {
		u := &store.Unit{}
		for range 1 + rnd.IntN(3) {
			id := fmt.Sprintf("d_%d", rnd.IntN(250))
			old := have[id]
			if touched(u, id) {
				continue
			}
			switch {
			case old == nil:
				p := store.Put{Doc: store.Doc{Scope: viewScope, ID: id, Ver: 1, Kind: "d", Created: int64(1000 + step - rnd.IntN(300)), Seq: db.Seq(), Body: []byte(`{}`)}, Index: index()}
				u.Puts, have[id] = append(u.Puts, p), &p
			case rnd.IntN(4) == 0:
				u.Deletes = append(u.Deletes, store.Delete{Scope: viewScope, ID: id, Base: old.Ver, Was: old.Index})
				delete(have, id)
			default:
				p := store.Put{Doc: old.Doc, Base: old.Ver, Keep: rnd.IntN(2) == 0, Index: index(), Was: old.Index}
				p.Ver++
				if rnd.IntN(8) == 0 {
					p.Created += int64(rnd.IntN(100) - 50)
				}
				u.Puts, have[id] = append(u.Puts, p), &p
			}
		}
		if err := db.Commit(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		checkViews(t, db, rnd, values)
		if t.Failed() {
			t.Fatalf("at step %d", step)
		}
	}
}

func touched(u *store.Unit, id string) bool {
	for i := range u.Puts {
		if u.Puts[i].ID == id {
			return true
		}
	}
	for i := range u.Deletes {
		if u.Deletes[i].ID == id {
			return true
		}
	}
	return false
}

func checkViews(t *testing.T, db *store.DB, rnd *rand.Rand, values []string) {
	t.Helper()
	snap, err := db.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	view := db.View(t.Context())
	defer view.Close()
	id := fmt.Sprintf("d_%d", rnd.IntN(250))
	want, err := snap.Get(viewScope, id)
	if err != nil {
		t.Fatal(err)
	}
	got, err := view.Get(viewScope, id)
	if err != nil {
		t.Fatal(err)
	}
	if (want == nil) != (got == nil) || want != nil && want.Ver != got.Ver {
		t.Errorf("%s: the view gives %v, and the snapshot %v", id, got, want)
	}
	e := store.Entry{Index: "all"}
	if rnd.IntN(2) == 0 {
		e = store.Entry{Index: "some", Value: values[rnd.IntN(len(values))]}
	}
	limit := 1 + rnd.IntN(200)
	read := func(scan func(yield func(*store.Doc) bool) error) (ids []string) {
		if err := scan(func(d *store.Doc) bool {
			ids = append(ids, fmt.Sprint(d.ID, ".", d.Ver))
			return len(ids) < limit
		}); err != nil {
			t.Fatal(err)
		}
		return ids
	}
	wants := read(func(y func(*store.Doc) bool) error {
		return snap.Scan(store.Query{Scope: viewScope, Index: e.Index, Value: e.Value}, y)
	})
	gots := read(func(y func(*store.Doc) bool) error { return view.Newest(viewScope, e, y) })
	if fmt.Sprint(wants) != fmt.Sprint(gots) {
		t.Errorf("%v, up to %d:\nthe view gives %v\nthe snapshot   %v", e, limit, gots, wants)
	}
}

// TestViewSeesWhatWasAnswered lets many count the same documents up, and each must see at least what it was told was committed.
func TestViewSeesWhatWasAnswered(t *testing.T) {
	db := openMemory(t)
	const docs, side, rounds = 20, 8, 300
	var told [docs]atomic.Int64
	var wg sync.WaitGroup
	for w := range side {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 1))
			for range rounds {
				n := rnd.IntN(docs)
				id, known := fmt.Sprintf("c_%d", n), told[n].Load()
				view := db.View(t.Context())
				d, err := view.Get(viewScope, id)
				view.Close()
				if err != nil {
					t.Error(err)
					return
				}
				p := store.Put{Doc: store.Doc{Scope: viewScope, ID: id, Ver: 1, Kind: "c", Created: 1, Seq: db.Seq(), Body: []byte(`{}`)}}
				if d != nil {
					if d.Ver < known {
						t.Errorf("%s: version %d was read, after %d had been answered", id, d.Ver, known)
						return
					}
					p.Doc, p.Base, p.Keep = *d, d.Ver, true
					p.Ver++
				} else if known > 0 {
					t.Errorf("%s: nothing was read, after version %d had been answered", id, known)
					return
				}
				if err := db.Commit(t.Context(), &store.Unit{Puts: []store.Put{p}}); err == nil {
					for old := told[n].Load(); old < p.Ver && !told[n].CompareAndSwap(old, p.Ver); old = told[n].Load() {
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestViewRewrite: what is at hand is no older than a rewrite, though that makes no version.
func TestViewRewrite(t *testing.T) {
	db := openMemory(t)
	doc := store.Doc{Scope: 2, ID: "a", Ver: 1, Kind: "thing", Created: 1, Seq: db.Seq(), Body: []byte(`{}`), Priv: []byte(`old`)}
	if err := db.Commit(t.Context(), &store.Unit{Puts: []store.Put{{Doc: doc}}}); err != nil {
		t.Fatal(err)
	}
	priv := func() string {
		v := db.View(t.Context())
		defer v.Close()
		d, err := v.Get(2, "a")
		if err != nil {
			t.Fatal(err)
		}
		return string(d.Priv)
	}
	if got := priv(); got != "old" {
		t.Fatal(got)
	}
	if err := db.Commit(t.Context(), &store.Unit{Rewrites: []store.Rewrite{{Ref: store.Ref{Scope: 2, ID: "a", Ver: 1}, Was: []byte(`old`), Priv: []byte(`new`)}}}); err != nil {
		t.Fatal(err)
	}
	if got := priv(); got != "new" {
		t.Error(got)
	}
}

// TestViewOfWhatWasSealedAnew says that a private part that was written over in place is not read as it was.
func TestViewOfWhatWasSealedAnew(t *testing.T) {
	db := openMemory(t)
	read := func() string {
		view := db.View(t.Context())
		defer view.Close()
		d, err := view.Get(viewScope, "s")
		if err != nil || d == nil {
			t.Fatal(d, err)
		}
		return string(d.Priv)
	}
	doc := store.Doc{Scope: viewScope, ID: "s", Ver: 1, Kind: "s", Created: 1, Seq: db.Seq(), Body: []byte(`{}`), Priv: []byte("old")}
	if err := db.Commit(t.Context(), &store.Unit{Puts: []store.Put{{Doc: doc}}}); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != "old" {
		t.Fatal(got)
	}
	r := store.Rewrite{Ref: store.Ref{Scope: viewScope, ID: "s", Ver: 1}, Was: []byte("old"), Priv: []byte("new")}
	if err := db.Commit(t.Context(), &store.Unit{Rewrites: []store.Rewrite{r}}); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != "new" {
		t.Errorf("the private part reads as %q after it was written over", got)
	}
}
