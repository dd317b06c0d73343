package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"florin/internal/id"
	"florin/internal/store"
	"florin/internal/store/sqlite"
)

// The engine alone is the other limit: it stores what a payment leaves behind, through the same committer, with nothing above it. What a payment
// leaves behind is not guessed: florin makes one, and what its store has more than before is the mould that the others are cast from.

// A mould is a unit with gaps where ids are.
type mould struct {
	docs     []mouldDoc
	moves    []mouldMove
	versions int
	bytes    int
}

type mouldDoc struct {
	doc      store.Doc // less id, created and seq
	id       gapped
	older    []store.Doc
	entries  []store.Entry // values have gaps, too:
	values   []gapped
	dueAfter int64 // seconds after the payment
}

type mouldMove struct {
	move           store.Move
	from, to       string
	source         gapped
	availableAfter int64
}

// A gapped is a text with the ids of other documents in it.
type gapped []piece

type piece struct {
	text  string
	doc   int // whose id stands here, if text is ""
	lower bool
}

func (g gapped) fill(ids []string) string {
	if len(g) == 1 && g[0].text != "" {
		return g[0].text
	}
	var b strings.Builder
	for _, p := range g {
		switch {
		case p.text != "":
			b.WriteString(p.text)
		case p.lower:
			b.WriteString(strings.ToLower(ids[p.doc]))
		default:
			b.WriteString(ids[p.doc])
		}
	}
	return b.String()
}

// gap cuts a text at the ids in it. Ids are in the order of docs; index -1 leaves none out.
func gap(text string, ids []string, self int) gapped {
	for i, known := range ids {
		if i == self || strings.HasPrefix(known, "_") {
			continue
		}
		for _, lower := range []bool{false, true} {
			if lower {
				known = strings.ToLower(known)
			}
			before, after, found := strings.Cut(text, known)
			if !found {
				continue
			}
			var g gapped
			if before != "" {
				g = append(g, gap(before, ids, self)...)
			}
			g = append(g, piece{doc: i, lower: lower})
			if after != "" {
				g = append(g, gap(after, ids, self)...)
			}
			return g
		}
	}
	return gapped{{text: text}}
}

// A holding is all that a store has.
type holding struct {
	docs    map[store.Ref]*store.Doc // the current versions, by scope and id
	entries map[store.Ref][]store.Entry
	moves   []store.Move
	older   func(d *store.Doc) ([]store.Doc, error)
	close   func() error
}

func hold(data string) (*holding, error) {
	engine, err := sqlite.Open(filepath.Join(data, "florin.db"), sqlite.Options{})
	if err != nil {
		return nil, err
	}
	snap, err := engine.Snapshot(context.Background())
	if err != nil {
		return nil, err
	}
	h := &holding{docs: map[store.Ref]*store.Doc{}, entries: map[store.Ref][]store.Entry{}}
	h.close = func() error {
		snap.Close()
		return engine.Close()
	}
	h.older = func(d *store.Doc) (older []store.Doc, err error) {
		for v := int64(1); v < d.Ver; v++ {
			o, err := snap.Version(d.Scope, d.ID, v)
			if err != nil {
				return nil, err
			}
			if o != nil {
				older = append(older, *o)
			}
		}
		return older, nil
	}
	err = snap.Walk(func(d *store.Doc) bool {
		h.docs[store.Ref{Scope: d.Scope, ID: d.ID}] = d
		return true
	})
	if err != nil {
		return nil, err
	}
	err = snap.WalkIndex(func(s store.Scope, e store.Entry, _ store.Pos, id string) bool {
		ref := store.Ref{Scope: s, ID: id}
		h.entries[ref] = append(h.entries[ref], e)
		return true
	})
	if err != nil {
		return nil, err
	}
	return h, snap.WalkMoves(func(m store.Move) bool {
		h.moves = append(h.moves, m)
		return true
	})
}

// castMould lets florin make two payments, and then the one that is looked at.
func (b *bench) castMould() (*mould, error) {
	data := filepath.Join(b.dir, "mould")
	if err := b.payments(data, 2); err != nil {
		return nil, err
	}
	before, err := hold(data)
	if err != nil {
		return nil, err
	}
	if err := before.close(); err != nil {
		return nil, err
	}
	if err := b.payments(data, 1); err != nil {
		return nil, err
	}
	after, err := hold(data)
	if err != nil {
		return nil, err
	}
	m, err := newMould(before, after)
	if err != nil {
		return nil, err
	}
	return m, after.close()
}

// payments starts florin for some payments, one after the other, and what it does about them later.
func (b *bench) payments(data string, n int) error {
	f, err := b.serve(data)
	if err != nil {
		return err
	}
	t, err := f.over()
	if err != nil {
		return err
	}
	for range n {
		if _, _, err := t.one(t.pay, nil); err != nil {
			return fmt.Errorf("a payment: %w", err)
		}
	}
	time.Sleep(1200 * time.Millisecond) // tasks are due by the second
	f.settle(time.Second)
	return f.stop()
}

func newMould(before, after *holding) (*mould, error) {
	var docs []*store.Doc
	created := int64(0)
	for ref, d := range after.docs {
		if before.docs[ref] != nil {
			continue
		}
		docs = append(docs, d)
		if d.Kind == "payment_intent" {
			created = d.Created
		}
	}
	if created == 0 {
		return nil, fmt.Errorf("of %d documents more none is a payment intent", len(docs))
	}
	slices.SortFunc(docs, func(a, b *store.Doc) int { return int(a.Seq - b.Seq) })
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	m := &mould{}
	for i, d := range docs {
		older, err := after.older(d)
		if err != nil {
			return nil, err
		}
		md := mouldDoc{doc: *d, older: older, id: gap(d.ID, ids, i), dueAfter: d.Created - created}
		for _, e := range after.entries[store.Ref{Scope: d.Scope, ID: d.ID}] {
			md.entries = append(md.entries, e)
			md.values = append(md.values, gap(e.Value, ids, -1))
		}
		m.docs = append(m.docs, md)
		m.versions += 1 + len(older)
		m.bytes += len(d.Body) + len(d.Priv)
		for _, o := range older {
			m.bytes += len(o.Body) + len(o.Priv)
		}
	}
	for _, mv := range after.moves[len(before.moves):] {
		m.moves = append(m.moves, mouldMove{mv, mv.From, mv.To, gap(mv.Source, ids, -1), mv.AvailableOn - created})
	}
	return m, nil
}

// cast makes another payment's unit. Its ids grow with time, and share what florin's share.
func (m *mould) cast(db *store.DB) *store.Unit {
	now := time.Now().Unix()
	intent := id.Intent(now, "ABCDEFGHIJ")
	ids := make([]string, len(m.docs))
	for i := range m.docs {
		prefix, _, _ := strings.Cut(m.docs[i].doc.ID, "_")
		switch {
		case prefix == "":
		case strings.HasPrefix(m.docs[i].doc.ID, prefix+"_3"):
			ids[i] = id.Sibling(prefix, intent)
		default:
			ids[i] = id.New(prefix, id.Ordinary, now, "ABCDEFGHIJ")
		}
	}
	for i := range m.docs {
		if ids[i] != "" {
			continue
		}
		if g := m.docs[i].id; len(g) > 1 { // named after another: a task, a delivery
			ids[i] = g.fill(ids)
		} else { // named by chance: an idempotency key
			kind, _, _ := strings.Cut(m.docs[i].doc.ID, ":")
			ids[i] = kind + ":" + id.UUID()
		}
	}
	u := &store.Unit{Puts: make([]store.Put, 0, len(m.docs))}
	for i := range m.docs {
		md := &m.docs[i]
		d := md.doc
		d.ID, d.Created, d.Seq = ids[i], now+md.dueAfter, db.Seq()
		for _, o := range md.older {
			o.ID, o.Created, o.Seq = d.ID, d.Created, d.Seq
			u.Versions = append(u.Versions, o)
		}
		put := store.Put{Doc: d, Index: make([]store.Entry, len(md.entries))}
		for j, e := range md.entries {
			put.Index[j] = store.Entry{Index: e.Index, Value: md.values[j].fill(ids)}
		}
		u.Puts = append(u.Puts, put)
	}
	for i := range m.moves {
		mm := &m.moves[i]
		mv := mm.move
		mv.Seq, mv.Source, mv.Created, mv.AvailableOn = 0, mm.source.fill(ids), now, now+mm.availableAfter
		u.Moves = append(u.Moves, mv)
	}
	return u
}

// An alone is the engine with nothing above it.
type alone struct {
	db    *store.DB
	mould *mould
}

func (b *bench) openAlone() (*alone, error) {
	m, err := b.castMould()
	if err != nil {
		return nil, fmt.Errorf("what a payment leaves behind: %w", err)
	}
	engine, err := sqlite.Open(filepath.Join(b.dir, "alone", "florin.db"), sqlite.Options{})
	if err != nil {
		return nil, err
	}
	db, err := store.Open(engine)
	if err != nil {
		return nil, err
	}
	return &alone{db, m}, nil
}

// sample stores payments from as many goroutines.
func (a *alone) sample(conns int, run time.Duration) (*sample, error) {
	before := (*process)(nil).used()
	hists := make([]hist, conns)
	errs := make([]error, conns)
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range conns {
		wg.Go(func() {
			for from := time.Now(); time.Since(begin) < run && errs[i] == nil; {
				errs[i] = a.db.Commit(context.Background(), a.mould.cast(a.db))
				now := time.Now()
				hists[i].add(now.Sub(from))
				from = now
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	after := (*process)(nil).used()
	total := &hist{}
	for i := range hists {
		if errs[i] != nil {
			return nil, errs[i]
		}
		total.merge(&hists[i])
	}
	return newSample(float64(total.n)/took.Seconds(), total, after.minus(before), total.n), nil
}

// fsyncs appends 16 KB to a file and waits for the disk, again and again: what the disk allows a writer that shares with nobody.
func (b *bench) fsyncs(run time.Duration) (*sample, error) {
	f, err := os.CreateTemp(b.dir, "fsync")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 16<<10)
	h := &hist{}
	begin := time.Now()
	for from := begin; time.Since(begin) < run; {
		if _, err := f.Write(page); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		now := time.Now()
		h.add(now.Sub(from))
		from = now
	}
	return newSample(float64(h.n)/time.Since(begin).Seconds(), h, usage{}, 0), nil
}
