// Package memory is an engine that keeps everything in memory and nothing afterwards: for tests, simulations and `--store memory`.
//
// It is B-trees that share what they have in common (copy on write), so a snapshot is a pointer, opening an engine costs microseconds, and readers
// never meet the writer. (SQLite's own memory mode was looked at first: its shared in-memory database lets no commit happen while anybody
// reads.)
package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"

	"florin/internal/store"
)

// New opens an empty engine.
func New() store.Engine {
	e := &engine{next: &state{
		docs:    newTree(compareDocs),
		places:  newTree(comparePlaces),
		sums:    newTree(compareSums),
		sources: newTree(compareSources),
	}}
	e.publish()
	return e
}

// A state is everything that is stored.
type state struct {
	docs    *btree.BTreeG[*store.Doc] // scope, id, version
	places  *btree.BTreeG[place]
	moves   []store.Move // by Seq-1; only ever appended to, so that states share it
	sums    *btree.BTreeG[sum]
	sources *btree.BTreeG[source]
	maxSeq  int64
}

// A place is where a document stands in an index.
type place struct {
	scope store.Scope
	entry store.Entry
	pos   store.Pos
	id    string
}

// A sum is what an account gained by the moves that become available in one second.
type sum struct {
	scope             store.Scope
	account, currency string
	available         int64
	amount            int64 // no part of the key
}

// A source is where a move of a document is found.
type source struct {
	scope store.Scope
	id    string
	seq   int64
}

type engine struct {
	published atomic.Pointer[state] // what snapshots read; nobody changes it

	mu     sync.Mutex
	next   *state // what Apply changes
	closed atomic.Bool
}

// Snapshot returns the published state.
func (e *engine) Snapshot(ctx context.Context) (store.Snapshot, error) {
	if e.closed.Load() {
		return nil, store.ErrClosed
	}
	return &snapshot{ctx: ctx, state: e.published.Load()}, ctx.Err()
}

// MaxSeq returns the highest Seq of any document ever written.
func (e *engine) MaxSeq(context.Context) (int64, error) {
	return e.published.Load().maxSeq, nil
}

// Close ends the engine. Snapshots that are open stay readable.
func (e *engine) Close() error {
	e.closed.Store(true)
	return nil
}

// Apply changes the next state and publishes it.
func (e *engine) Apply(_ context.Context, units []*store.Unit) ([]error, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return nil, store.ErrClosed
	}
	outcomes := make([]error, len(units))
	for i, u := range units {
		if !e.next.passes(u) {
			outcomes[i] = store.ErrConflict
			continue
		}
		e.next.write(u)
	}
	e.publish()
	return outcomes, nil
}

func (e *engine) publish() {
	s := *e.next
	s.docs, s.places, s.sums, s.sources = s.docs.Copy(), s.places.Copy(), s.sums.Copy(), s.sources.Copy()
	s.moves = slices.Clip(s.moves)
	e.published.Store(&s)
}

// current returns the highest version of a document, or nil.
func (s *state) current(scope store.Scope, id string) (doc *store.Doc) {
	s.docs.Descend(&store.Doc{Scope: scope, ID: id, Ver: math.MaxInt64}, func(d *store.Doc) bool {
		if d.Scope == scope && d.ID == id {
			doc = d
		}
		return false
	})
	return doc
}

// version is the version of a document that is current, 0 if there is none.
func (s *state) version(scope store.Scope, id string) int64 {
	if d := s.current(scope, id); d != nil {
		return d.Ver
	}
	return 0
}

func (s *state) passes(u *store.Unit) bool {
	for _, g := range u.Guards {
		if s.version(g.Scope, g.ID) != g.Ver {
			return false
		}
	}
	for i := range u.Puts {
		p := &u.Puts[i]
		if p.Base != store.IfAbsent && s.version(p.Scope, p.ID) != p.Base {
			return false
		}
	}
	for _, d := range u.Deletes {
		if s.version(d.Scope, d.ID) != d.Base {
			return false
		}
	}
	return true
}

func (s *state) write(u *store.Unit) {
	for i := range u.Puts {
		s.put(u, &u.Puts[i])
	}
	for _, d := range u.Deletes {
		s.remove(d)
	}
	for _, r := range u.Drops {
		if s.version(r.Scope, r.ID) > r.Ver {
			s.docs.Delete(&store.Doc{Scope: r.Scope, ID: r.ID, Ver: r.Ver})
		}
	}
	for i := range u.Rewrites {
		s.rewrite(&u.Rewrites[i])
	}
	for _, m := range u.Moves {
		s.move(m)
	}
}

func (s *state) rewrite(r *store.Rewrite) {
	d, ok := s.docs.Get(&store.Doc{Scope: r.Scope, ID: r.ID, Ver: r.Ver})
	if !ok || !bytes.Equal(d.Priv, r.Was) {
		return
	}
	next := *d // snapshots share the old one
	next.Priv = slices.Clip(slices.Clone(r.Priv))
	s.docs.Set(&next)
}

func (s *state) put(u *store.Unit, p *store.Put) {
	old := s.current(p.Scope, p.ID)
	if old != nil {
		if p.Base == store.IfAbsent {
			return
		}
		if !p.Keep {
			s.docs.Delete(old)
		}
		for _, e := range p.Was {
			s.places.Delete(place{p.Scope, e, store.Pos{Created: old.Created, Seq: old.Seq}, p.ID})
		}
	}
	for i := range u.Versions {
		if v := &u.Versions[i]; v.Scope == p.Scope && v.ID == p.ID {
			s.insert(v)
		}
	}
	s.insert(&p.Doc)
	for _, e := range p.Index {
		s.places.Set(place{p.Scope, e, store.Pos{Created: p.Created, Seq: p.Seq}, p.ID})
	}
}

// insert keeps a copy, so that nobody who holds the unit changes what is stored.
func (s *state) insert(d *store.Doc) {
	c := *d
	c.Body, c.Priv = slices.Clip(slices.Clone(d.Body)), slices.Clip(slices.Clone(d.Priv))
	s.docs.Set(&c)
	s.maxSeq = max(s.maxSeq, d.Seq)
}

func (s *state) remove(d store.Delete) {
	old := s.current(d.Scope, d.ID)
	for _, e := range d.Was {
		s.places.Delete(place{d.Scope, e, store.Pos{Created: old.Created, Seq: old.Seq}, d.ID})
	}
	for ; old != nil; old = s.current(d.Scope, d.ID) {
		s.docs.Delete(old)
	}
}

func (s *state) move(m store.Move) {
	m.Seq = int64(len(s.moves)) + 1
	s.moves = append(s.moves, m)
	s.sources.Set(source{m.Scope, m.Source, m.Seq})
	s.add(m, m.From, -m.Amount)
	s.add(m, m.To, m.Amount)
}

func (s *state) add(m store.Move, account string, amount int64) {
	k := sum{scope: m.Scope, account: account, currency: m.Currency, available: m.AvailableOn}
	old, _ := s.sums.Get(k)
	k.amount = old.amount + amount
	s.sums.Set(k)
}

// A snapshot reads a published state.
type snapshot struct {
	ctx   context.Context
	state *state
}

func (s *snapshot) Get(scope store.Scope, id string) (*store.Doc, error) {
	return lend(s.state.current(scope, id)), s.ctx.Err()
}

func (s *snapshot) Version(scope store.Scope, id string, ver int64) (*store.Doc, error) {
	d, _ := s.state.docs.Get(&store.Doc{Scope: scope, ID: id, Ver: ver})
	return lend(d), s.ctx.Err()
}

func (s *snapshot) Scan(q store.Query, yield func(*store.Doc) bool) error {
	var err error
	s.scan(q, func(p place) bool {
		d := s.state.current(p.scope, p.id)
		if d == nil {
			err = fmt.Errorf("memory: index %s=%s names %s, which is gone", p.entry.Index, p.entry.Value, p.id)
			return false
		}
		return yield(lend(d)) && s.ctx.Err() == nil
	})
	return cmp.Or(err, s.ctx.Err())
}

func (s *snapshot) Has(q store.Query) (has bool, err error) {
	s.scan(q, func(place) bool {
		has = true
		return false
	})
	return has, s.ctx.Err()
}

// scan walks the places of a query in its direction.
func (s *snapshot) scan(q store.Query, yield func(place) bool) {
	low, high := q.Bounds()
	first := place{scope: q.Scope, entry: store.Entry{Index: q.Index, Value: q.Value}, pos: low}
	walk := s.state.places.Ascend
	if !q.Ascending {
		// Places of one position are told apart by id. The bound itself is left out, so the lowest id serves it.
		first.pos = high
		walk = s.state.places.Descend
	}
	walk(first, func(p place) bool {
		if p.scope != q.Scope || p.entry != first.entry {
			return false
		}
		if q.Ascending && !low.Less(p.pos) || !q.Ascending && !p.pos.Less(high) {
			return true // stands at the bound
		}
		if q.Ascending && !p.pos.Less(high) || !q.Ascending && !low.Less(p.pos) {
			return false
		}
		return yield(p)
	})
}

func (s *snapshot) Sums(scope store.Scope, at int64) ([]store.Sum, error) {
	var sums []store.Sum
	s.state.sums.Ascend(sum{scope: scope, available: math.MinInt64}, func(x sum) bool {
		if x.scope != scope {
			return false
		}
		n := len(sums) - 1
		if n < 0 || sums[n].Account != x.account || sums[n].Currency != x.currency {
			sums = append(sums, store.Sum{Account: x.account, Currency: x.currency})
			n++
		}
		if x.available <= at {
			sums[n].Available += x.amount
		} else {
			sums[n].Pending += x.amount
		}
		return true
	})
	return sums, s.ctx.Err()
}

func (s *snapshot) Moves(scope store.Scope, id string, yield func(store.Move) bool) error {
	s.state.sources.Ascend(source{scope, id, 0}, func(x source) bool {
		return x.scope == scope && x.id == id && yield(s.state.moves[x.seq-1]) && s.ctx.Err() == nil
	})
	return s.ctx.Err()
}

func (s *snapshot) Walk(yield func(*store.Doc) bool) error {
	var last *store.Doc
	more := true
	s.state.docs.Scan(func(d *store.Doc) bool {
		if last != nil && (last.Scope != d.Scope || last.ID != d.ID) {
			more = yield(lend(last)) && s.ctx.Err() == nil
		}
		last = d
		return more
	})
	if more && last != nil {
		yield(lend(last))
	}
	return s.ctx.Err()
}

func (s *snapshot) WalkVersions(yield func(*store.Doc) bool) error {
	s.state.docs.Scan(func(d *store.Doc) bool { return yield(lend(d)) && s.ctx.Err() == nil })
	return s.ctx.Err()
}

func (s *snapshot) WalkMoves(yield func(store.Move) bool) error {
	for _, m := range s.state.moves {
		if !yield(m) || s.ctx.Err() != nil {
			break
		}
	}
	return s.ctx.Err()
}

func (s *snapshot) WalkIndex(yield func(store.Scope, store.Entry, store.Pos, string) bool) error {
	s.state.places.Scan(func(p place) bool {
		id := p.id
		if s.state.current(p.scope, p.id) == nil {
			id = ""
		}
		return yield(p.scope, p.entry, p.pos, id) && s.ctx.Err() == nil
	})
	return s.ctx.Err()
}

func (s *snapshot) Close() {}

// lend returns a copy that its reader may change, except for the bytes of Body and Priv.
func lend(d *store.Doc) *store.Doc {
	if d == nil {
		return nil
	}
	c := *d
	return &c
}

func newTree[T any](compare func(a, b T) int) *btree.BTreeG[T] {
	return btree.NewBTreeGOptions(func(a, b T) bool { return compare(a, b) < 0 }, btree.Options{NoLocks: true, Degree: 16})
}

func compareDocs(a, b *store.Doc) int {
	return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Ver, b.Ver))
}

func comparePlaces(a, b place) int {
	return cmp.Or(
		cmp.Compare(a.scope, b.scope), cmp.Compare(a.entry.Index, b.entry.Index), cmp.Compare(a.entry.Value, b.entry.Value),
		cmp.Compare(a.pos.Created, b.pos.Created), cmp.Compare(a.pos.Seq, b.pos.Seq), cmp.Compare(a.id, b.id))
}

func compareSums(a, b sum) int {
	return cmp.Or(
		cmp.Compare(a.scope, b.scope), cmp.Compare(a.account, b.account), cmp.Compare(a.currency, b.currency),
		cmp.Compare(a.available, b.available))
}

func compareSources(a, b source) int {
	return cmp.Or(cmp.Compare(a.scope, b.scope), cmp.Compare(a.id, b.id), cmp.Compare(a.seq, b.seq))
}
