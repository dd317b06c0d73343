// Package sweep removes what nobody can ask for any more, so that a store grows with what its users keep and with nothing else:
//
//   - answers under idempotency keys, after a day;
//   - events, after 30 days, with their deliveries, unless one is still due;
//   - versions of documents that only such events showed.
//
// Tasks leave the store when they are done, and other internal documents keep no versions.
//
// # Which versions
//
// Events and answers refer to the version that was current when they were made, so the versions that they refer to grow with time. When an event
// that shows version 7 is swept, everything that refers to an earlier version is older still: it has been swept, or is about to be. So all versions
// before 7 go, and 7 itself stays until a later event of the document is swept. Nothing needs to be counted.
//
// # How
//
// In small units of work of its own, with a rest after each that is as long as several of them took, so a store under load is swept slowly and an idle
// one quickly. One node at a time does it. What is freed in the file is used again; the file does not become smaller.
package sweep

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/jsontext"
	"florin/internal/search"
	"florin/internal/store"
)

const (
	every = 10 * time.Minute // from one sweep to the next
	first = time.Minute      // from the start to the first

	// slack is how much older than they need be things are when they are swept, in seconds: requests that ran side by side are not in order.
	slack = 3600

	mostAnswers, mostEvents = 100, 50 // of a unit

	// rest is how long it rests after a unit, in the times that the unit took.
	rest = 5
)

// Mark is the id of a document of the system's scope that says that everything which is swept stands in an index.
const Mark = "_sweep"

// A Sweeper sweeps a store.
type Sweeper struct {
	app       *api.App
	shownFor  int64
	scopes    func(ctx context.Context) ([]store.Scope, error)
	clock     clock.Clock
	log       *slog.Logger
	afterUnit func(ctx context.Context, took time.Duration) // nil: no rest
	held      map[store.Ref]bool                            // of the scope that is swept: documents that an old event shows which stays
}

// New makes a sweeper. shownFor is how long events are shown, in seconds; scopes are those that may have something to sweep.
func New(app *api.App, shownFor int64, scopes func(context.Context) ([]store.Scope, error), clk clock.Clock, log *slog.Logger) *Sweeper {
	return &Sweeper{app: app, shownFor: shownFor, scopes: scopes, clock: clk, log: log}
}

// Swept counts what a sweep removed.
type Swept struct{ Answers, Events, Deliveries, Versions int64 }

// Run sweeps from time to time, until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	s.afterUnit = func(ctx context.Context, took time.Duration) {
		_ = clock.Real.Wait(ctx, clock.Real.Now().Add(max(rest*took, 10*time.Millisecond)), nil) // the end is seen below
	}
	for next := s.clock.Now().Add(first); s.clock.Wait(ctx, next, nil) == nil; next = s.clock.Now().Add(every) {
		var n Swept
		err := s.app.Store.Exclusively(ctx, "sweep", func() (err error) {
			n, err = s.Sweep(ctx)
			return err
		})
		switch {
		case ctx.Err() != nil:
		case err != nil:
			s.log.Error("a sweep failed", "cause", err)
		case n != Swept{}:
			s.log.Info("swept", "answers", n.Answers, "events", n.Events, "deliveries", n.Deliveries, "versions", n.Versions)
		}
	}
}

// Sweep removes everything that can be removed now. One sweep goes on at a time.
func (s *Sweeper) Sweep(ctx context.Context) (n Swept, err error) {
	if err := s.mark(ctx); err != nil {
		return n, err
	}
	scopes, err := s.scopes(ctx)
	if err != nil {
		return n, err
	}
	for _, scope := range scopes {
		s.held = map[store.Ref]bool{}
		if err := errors.Join(s.all(ctx, s.answers, scope, &n), s.all(ctx, s.events, scope, &n)); err != nil {
			return n, err
		}
	}
	return n, nil
}

// A step gathers, of what stands behind a place, what one unit removes. It returns the place that it came to; nil at the end.
type step func(snap store.Snapshot, scope store.Scope, after *store.Pos, now int64) (*store.Unit, *store.Pos, Swept, error)

// all goes through a scope in steps.
func (s *Sweeper) all(ctx context.Context, f step, scope store.Scope, n *Swept) error {
	var after *store.Pos
	for {
		began := clock.Real.Now()
		unit, next, swept, err := s.gather(ctx, f, scope, after)
		if err == nil && !unit.Empty() {
			err = s.app.Store.Commit(ctx, unit)
			switch {
			case err == nil:
				n.Answers += swept.Answers
				n.Events += swept.Events
				n.Deliveries += swept.Deliveries
				n.Versions += swept.Versions
			case errors.Is(err, store.ErrConflict): // somebody has sent an event again, or used a key again: the next sweep finds the others
				err = nil
			}
			if s.afterUnit != nil {
				s.afterUnit(ctx, clock.Real.Now().Sub(began))
			}
		}
		if err = cmp.Or(err, ctx.Err()); err != nil || next == nil {
			return err
		}
		after = next
	}
}

func (s *Sweeper) gather(ctx context.Context, f step, scope store.Scope, after *store.Pos) (*store.Unit, *store.Pos, Swept, error) {
	snap, err := s.app.Store.Snapshot(ctx)
	if err != nil {
		return nil, nil, Swept{}, err
	}
	defer snap.Close()
	return f(snap, scope, after, s.clock.Now().Unix())
}

func (s *Sweeper) remove(u *store.Unit, d *store.Doc) {
	u.Deletes = append(u.Deletes, store.Delete{Scope: d.Scope, ID: d.ID, Base: d.Ver, Was: s.app.Entries(d)})
}

// answers gathers records under idempotency keys.
func (s *Sweeper) answers(snap store.Snapshot, scope store.Scope, after *store.Pos, now int64) (*store.Unit, *store.Pos, Swept, error) {
	u := &store.Unit{}
	var last *store.Pos
	q := store.Query{Scope: scope, Index: api.KeptAnswers, Ascending: true, After: after, MaxCreated: now - api.KeepAnswersFor - slack}
	err := snap.Scan(q, func(d *store.Doc) bool {
		s.remove(u, d)
		last = &store.Pos{Created: d.Created, Seq: d.Seq}
		return len(u.Deletes) < mostAnswers
	})
	if len(u.Deletes) < mostAnswers {
		last = nil
	}
	return u, last, Swept{Answers: int64(len(u.Deletes))}, err
}

// events gathers events with their deliveries, and the versions that only they showed.
func (s *Sweeper) events(snap store.Snapshot, scope store.Scope, after *store.Pos, now int64) (*store.Unit, *store.Pos, Swept, error) {
	g := &events{Sweeper: s, snap: snap, scope: scope, unit: &store.Unit{}, shown: map[store.Ref]int64{}, held: s.held}
	var last *store.Pos
	seen := 0
	q := store.Query{Scope: scope, Index: api.Events.Name, Ascending: true, After: after, MaxCreated: now - s.shownFor - slack}
	err := snap.Scan(q, func(d *store.Doc) bool {
		seen++
		last = &store.Pos{Created: d.Created, Seq: d.Seq}
		g.err = g.event(d)
		return g.err == nil && seen < mostEvents
	})
	if seen < mostEvents {
		last = nil
	}
	if err = cmp.Or(err, g.err); err == nil {
		err = g.versions()
	}
	return g.unit, last, g.n, err
}

type events struct {
	*Sweeper
	snap  store.Snapshot
	scope store.Scope
	unit  *store.Unit
	shown map[store.Ref]int64 // by scope and id of a document: the highest version that an event of the unit shows
	held  map[store.Ref]bool  // documents that an old event shows which stays
	n     Swept
	err   error
}

func (g *events) event(d *store.Doc) error {
	var deliveries []*store.Doc
	due := false
	q := store.Query{Scope: store.System, Index: api.Deliveries.Name + ".event", Value: search.Fold(d.ID)}
	err := g.snap.Scan(q, func(dl *store.Doc) bool {
		if jsontext.Text(dl.Body, "event") == d.ID {
			deliveries = append(deliveries, dl)
			due = due || jsontext.Text(dl.Body, "queue") == "due"
		}
		return true
	})
	if err != nil {
		return err
	}
	ref, err := api.Shown(d)
	if err != nil {
		return err
	}
	doc := store.Ref{Scope: d.Scope, ID: ref.Ref}
	if ref.System {
		doc.Scope = store.System
	}
	if due {
		g.held[doc] = true
		return nil
	}
	g.shown[doc] = max(g.shown[doc], ref.Ver)
	g.remove(g.unit, d)
	for _, dl := range deliveries {
		g.remove(g.unit, dl)
	}
	g.n.Events++
	g.n.Deliveries += int64(len(deliveries))
	return nil
}

// versions drops what is older than what was shown. Versions have no gaps, so the first that is not there is the end.
func (g *events) versions() error {
	for doc, shown := range g.shown {
		if g.held[doc] {
			continue
		}
		for v := shown - 1; v > 0; v-- {
			d, err := g.snap.Version(doc.Scope, doc.ID, v)
			if err != nil {
				return err
			}
			if d == nil {
				break
			}
			g.unit.Drops = append(g.unit.Drops, store.Ref{Scope: doc.Scope, ID: doc.ID, Ver: v})
			g.n.Versions++
		}
	}
	return nil
}

// mark sees to it, once in the life of a store, that every record under an idempotency key stands in the index: earlier versions of Florin put
// them into none.
func (s *Sweeper) mark(ctx context.Context) error {
	snap, err := s.app.Store.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	if d, err := snap.Get(store.System, Mark); err != nil || d != nil {
		return err
	}
	var u store.Unit
	var failed error
	flush := func() {
		if err := s.app.Store.Commit(ctx, &u); err != nil && !errors.Is(err, store.ErrConflict) { // one that has changed has found its place
			failed = err
		}
		u = store.Unit{}
	}
	err = snap.Walk(func(d *store.Doc) bool {
		if d.Kind != api.KeptAnswers {
			return true
		}
		there := false
		failed = snap.Scan(store.Query{Scope: d.Scope, Index: api.KeptAnswers, Ascending: true, After: &store.Pos{Created: d.Created, Seq: d.Seq - 1}},
			func(at *store.Doc) bool { there = at.ID == d.ID; return false })
		if !there && failed == nil {
			next := *d
			next.Ver++
			// Each in a unit of its own, or one that has changed would hold up the others.
			u.Puts = append(u.Puts, store.Put{Doc: next, Base: d.Ver, Index: s.app.Entries(d)})
			flush()
		}
		return failed == nil
	})
	if err = cmp.Or(failed, err); err != nil {
		return err
	}
	doc := store.Doc{Scope: store.System, ID: Mark, Ver: 1, Kind: Mark, Seq: s.app.Store.Seq(), Body: []byte(`{"id":"` + Mark + `"}`)}
	return s.app.Store.Commit(ctx, &store.Unit{Puts: []store.Put{{Doc: doc, Base: store.IfAbsent}}})
}
