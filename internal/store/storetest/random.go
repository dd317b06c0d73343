package storetest

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"florin/internal/store"
)

var seed = flag.Uint64("store.seed", 0, "seed of storetest's random test; 0 takes a new one")

// testRandom does random things to the engine and to a model, and compares what they say, through fresh snapshots and through some that were
// opened some commits ago.
func testRandom(t *testing.T, s *suite) {
	n := *seed
	if n == 0 {
		n = rand.Uint64()
	}
	t.Logf("again with -store.seed=%d", n)
	w := &world{Rand: rand.New(rand.NewPCG(n, 0)), t: t, s: s, model: newModel()}
	for range 150 {
		w.commit()
		if w.IntN(10) == 0 {
			w.keepSnapshot()
		}
		w.look()
	}
	for len(w.kept) > 0 {
		w.dropSnapshot(0)
	}
	s.read(func(snap store.Snapshot) { w.compareAll(view{snap, w.model}) })
}

// A world is an engine and the model of it, changed together.
type world struct {
	*rand.Rand
	t     *testing.T
	s     *suite
	model *model
	seq   int64
	kept  []view
}

// A view is a snapshot and the model as it was then.
type view struct {
	store.Snapshot
	model *model
}

func (w *world) scope() store.Scope { return store.Scope(2 + w.IntN(2)) }
func (w *world) created() int64     { return 1 + w.Int64N(8) }

// id is one of eighteen, a third of them of what is named by chance.
func (w *world) id() string {
	if n := w.IntN(18); n < 12 {
		return fmt.Sprint("id", n)
	} else {
		return fmt.Sprint(store.Chance, n)
	}
}

func (w *world) index() []store.Entry {
	var es []store.Entry
	for _, index := range []string{"all", "status", "customer"} {
		for range w.IntN(3) {
			es = append(es, entry(index, fmt.Sprint(w.IntN(3))))
		}
	}
	return es
}

// commit applies a batch of random units to both.
func (w *world) commit() {
	var units []*store.Unit
	var want []bool
	for range 1 + w.IntN(4) {
		u := w.unit()
		if u.Check() != nil {
			continue
		}
		units = append(units, u)
		want = append(want, w.model.apply(u))
	}
	w.s.apply(units, want...)
}

func (w *world) unit() *store.Unit {
	u := &store.Unit{}
	for range w.IntN(2) {
		scope, id := w.scope(), w.id()
		u.Guards = append(u.Guards, store.Ref{Scope: scope, ID: id, Ver: w.around(w.model.current[key(scope, id)])})
	}
	for range w.IntN(4) {
		w.addPut(u)
	}
	if w.IntN(4) == 0 {
		scope, id := w.scope(), w.id()
		k := key(scope, id)
		u.Deletes = append(u.Deletes, store.Delete{Scope: scope, ID: id, Base: w.around(w.model.current[k]), Was: w.model.entries[k]})
	}
	for range w.IntN(3) {
		u.Drops = append(u.Drops, store.Ref{Scope: w.scope(), ID: w.id(), Ver: 1 + w.Int64N(10)})
	}
	for range w.IntN(2) {
		r := store.Rewrite{Ref: store.Ref{Scope: w.scope(), ID: w.id(), Ver: 1 + w.Int64N(10)}, Priv: fmt.Append(nil, "again", w.seq)}
		if w.IntN(8) > 0 {
			r.Was = w.model.versions[r.Ref].Priv
		}
		u.Rewrites = append(u.Rewrites, r)
	}
	for range w.IntN(4) {
		u.Moves = append(u.Moves, store.Move{
			Scope: w.scope(), From: "a", To: fmt.Sprint("b", w.IntN(3)), Currency: "eur", Amount: 1 + w.Int64N(100),
			Source: fmt.Sprint("txn", w.IntN(10)), AvailableOn: w.Int64N(200), Created: w.created(),
		})
	}
	return u
}

// around is mostly the number itself.
func (w *world) around(n int64) int64 {
	if w.IntN(8) == 0 {
		return max(0, n-1+2*w.Int64N(2))
	}
	return n
}

func (w *world) addPut(u *store.Unit) {
	scope, id := w.scope(), w.id()
	k := key(scope, id)
	base := w.model.current[k]
	w.seq++
	p := store.Put{
		Doc:  store.Doc{Scope: scope, ID: id, Ver: base + 1, Kind: fmt.Sprint("kind", w.IntN(3)), Created: w.created(), Seq: w.seq},
		Base: w.around(base), Keep: w.IntN(2) == 0 && !store.ByChance(id), Index: w.index(), Was: w.model.entries[k],
	}
	p.Body = fmt.Appendf(nil, "%d %s", w.seq, bytes.Repeat([]byte("x"), w.IntN(300)))
	if w.IntN(3) == 0 {
		p.Priv = fmt.Append(nil, "secret", w.seq)
	}
	if old, ok := w.model.get(scope, id); ok && w.IntN(3) > 0 {
		p.Created, p.Seq = old.Created, old.Seq
	}
	switch w.IntN(8) {
	case 0:
		p.Base = store.IfAbsent
	case 1:
		p.Deleted, p.Index = true, nil
	case 2:
		for n := 1 + w.IntN(2); n > 0 && !store.ByChance(id); n-- {
			v := p.Doc
			v.Body = fmt.Append(nil, "between ", v.Ver)
			u.Versions = append(u.Versions, v)
			p.Ver++
		}
	}
	u.Puts = append(u.Puts, p)
}

func (w *world) keepSnapshot() {
	if len(w.kept) == 3 {
		w.dropSnapshot(w.IntN(3))
	}
	snap, err := w.s.Snapshot(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	v := view{snap, w.model.clone()}
	w.compareOne(v) // it begins at its first read
	w.kept = append(w.kept, v)
}

func (w *world) dropSnapshot(i int) {
	w.compareAll(w.kept[i])
	w.kept[i].Close()
	w.kept = slices.Delete(w.kept, i, i+1)
}

// look compares a few answers.
func (w *world) look() {
	snap, err := w.s.Snapshot(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	defer snap.Close()
	for range 5 {
		w.compareOne(view{snap, w.model})
		if len(w.kept) > 0 {
			w.compareOne(w.kept[w.IntN(len(w.kept))])
		}
	}
}

func (w *world) compareOne(v view) {
	scope, id := w.scope(), w.id()
	d, err := v.Get(scope, id)
	want, ok := v.model.get(scope, id)
	w.compareDocs(d, err, want, ok)

	ver := 1 + w.Int64N(max(2, want.Ver))
	d, err = v.Version(scope, id, ver)
	want, ok = v.model.versions[store.Ref{Scope: scope, ID: id, Ver: ver}]
	w.compareDocs(d, err, want, ok)

	q := store.Query{
		Scope: scope, Index: []string{"all", "status", "customer", "none"}[w.IntN(4)], Value: fmt.Sprint(w.IntN(3)), Ascending: w.IntN(2) == 0,
	}
	if w.IntN(3) == 0 {
		q.MinCreated = w.created()
	}
	if w.IntN(3) == 0 {
		q.MaxCreated = w.created()
	}
	if w.IntN(2) == 0 {
		q.After = &store.Pos{Created: w.created(), Seq: w.Int64N(w.seq + 1)}
		if d != nil {
			*q.After = position(d)
		}
	}
	if got, want := scanIDs(w.t, v, q), v.model.scan(q); !slices.Equal(got, want) {
		w.t.Fatalf("%+v: %v, want %v", q, got, want)
	}

	at := w.Int64N(220)
	sums, err := v.Sums(scope, at)
	if want := addUp(v.model.moves, scope, at); err != nil || !slices.Equal(sums, want) {
		w.t.Fatalf("sums at %d: %v, %v, want %v", at, sums, err, want)
	}
}

func (w *world) compareDocs(d *store.Doc, err error, want store.Doc, ok bool) {
	w.t.Helper()
	if err != nil || ok != (d != nil) {
		w.t.Fatalf("got %+v, %v, want %+v, %v", d, err, want, ok)
	}
	if d != nil && !sameDoc(d, &want) {
		w.t.Fatalf("got %+v, want %+v", d, want)
	}
}

func sameDoc(a, b *store.Doc) bool {
	return a.Scope == b.Scope && a.ID == b.ID && a.Ver == b.Ver && a.Kind == b.Kind && a.Created == b.Created && a.Seq == b.Seq &&
		a.Deleted == b.Deleted && bytes.Equal(a.Body, b.Body) && bytes.Equal(a.Priv, b.Priv)
}

// compareAll compares everything.
func (w *world) compareAll(v view) {
	seen := 0
	if err := v.Walk(func(d *store.Doc) bool {
		seen++
		want, ok := v.model.get(d.Scope, d.ID)
		w.compareDocs(d, nil, want, ok)
		return true
	}); err != nil || seen != len(v.model.current) {
		w.t.Fatalf("walked %d documents, want %d, %v", seen, len(v.model.current), err)
	}
	for ref, want := range v.model.versions {
		d, err := v.Version(ref.Scope, ref.ID, ref.Ver)
		w.compareDocs(d, err, want, true)
	}

	var moves []store.Move
	seq := int64(0)
	if err := v.WalkMoves(func(m store.Move) bool {
		if m.Seq <= seq {
			w.t.Fatalf("move %d after %d", m.Seq, seq)
		}
		seq, m.Seq = m.Seq, 0
		moves = append(moves, m)
		return true
	}); err != nil || !slices.Equal(moves, v.model.moves) {
		w.t.Fatalf("moves %v, %v, want %v", moves, err, v.model.moves)
	}
	for source := range 10 {
		var got, want []int64
		for _, m := range v.model.moves {
			if m.Scope == 2 && m.Source == fmt.Sprint("txn", source) {
				want = append(want, m.Amount)
			}
		}
		if err := v.Moves(2, fmt.Sprint("txn", source), func(m store.Move) bool { got = append(got, m.Amount); return true }); err != nil || !slices.Equal(got, want) {
			w.t.Fatalf("moves of txn%d: %v, %v, want %v", source, got, err, want)
		}
	}

	type stand struct {
		scope store.Scope
		entry store.Entry
		pos   store.Pos
		id    string
	}
	got, want := map[stand]bool{}, map[stand]bool{}
	for k, entries := range v.model.entries {
		d, _ := v.model.get(k.Scope, k.ID)
		for _, e := range entries {
			want[stand{k.Scope, e, position(&d), k.ID}] = true
		}
	}
	if err := v.WalkIndex(func(s store.Scope, e store.Entry, p store.Pos, id string) bool {
		if x := (stand{s, e, p, id}); !want[x] || got[x] {
			w.t.Fatalf("index entry %+v should not be there, or not twice", x)
		} else {
			got[x] = true
		}
		return true
	}); err != nil || len(got) != len(want) {
		w.t.Fatalf("%d index entries, want %d, %v", len(got), len(want), err)
	}
}
