package store

import (
	"context"
	"math"
	"slices"
)

// A View is a snapshot for one call, which reads from what is at hand (recent.go) before it asks the engine. What it gives was current at some
// moment since the view was opened, but not everything at the same moment: what a call must not have seen change is written or guarded, and so
// checked when the call commits. Whoever needs one moment for all takes a Snapshot. Of an engine that other processes write too, nothing is at hand.
type View struct {
	db   *DB
	ctx  context.Context
	gen  int64
	snap Snapshot
}

var _ Snapshot = (*View)(nil)

// View opens a view. It costs nothing until something is read that is not at hand.
func (db *DB) View(ctx context.Context) *View { return &View{db: db, ctx: ctx} }

// Over is a view of a snapshot that is open already. It is closed with the view.
func (db *DB) Over(snap Snapshot) *View { return &View{db: db, snap: snap} }

// open opens the snapshot below.
func (v *View) open() (Snapshot, error) {
	if v.snap == nil {
		v.gen = v.db.recent.gen.Load()
		s, err := v.db.engine.Snapshot(v.ctx)
		if err != nil {
			return nil, err
		}
		v.snap = s
	}
	return v.snap, nil
}

// upTo is the generation up to which what is at hand may be given: all of it, but once the snapshot is open nothing that is younger, or a call could
// write a document that is newer than what it has seen besides.
func (v *View) upTo() int64 {
	if v.snap == nil {
		return math.MaxInt64
	}
	return v.gen
}

// AtHand is Get, if that needs no reading.
func (v *View) AtHand(s Scope, id string) (*Doc, bool) { return v.db.recent.get(s, id, v.upTo()) }

// Get returns the current version of a document.
func (v *View) Get(s Scope, id string) (*Doc, error) {
	if d, ok := v.db.recent.get(s, id, v.upTo()); ok {
		return d, nil
	}
	if v.snap == nil && v.db.shared != nil {
		return v.db.shared.Current(v.ctx, s, id)
	}
	snap, err := v.open()
	if err != nil {
		return nil, err
	}
	d, err := snap.Get(s, id)
	if err == nil && v.db.shared == nil {
		v.db.recent.read(s, id, d, v.gen)
	}
	return d, err
}

// Version returns one version.
func (v *View) Version(s Scope, id string, ver int64) (*Doc, error) {
	if d := v.db.recent.version(s, id, ver); d != nil {
		return d, nil
	}
	snap, err := v.open()
	if err != nil {
		return nil, err
	}
	return snap.Version(s, id, ver)
}

// Newest scans an index from its newest end, for a list that is only shown: the documents are as they now are, so the caller holds each to what it
// asked for.
func (v *View) Newest(scope Scope, e Entry, yield func(*Doc) bool) error {
	key, q := headKey{scope, e.Index, e.Value}, Query{Scope: scope, Index: e.Index, Value: e.Value}
	if v.db.shared != nil {
		return v.Scan(q, yield)
	}
	hd, ok := v.db.heads.get(key)
	if !ok {
		return v.scanAndKeep(key, q, yield)
	}
	for _, at := range slices.Backward(hd.places) {
		d, err := v.Get(scope, at.id)
		if err != nil {
			return err
		}
		if d == nil || (Pos{d.Created, d.Seq}) != at.pos {
			continue // it has gone, or moved, since
		}
		if !yield(d) {
			return nil
		}
	}
	if hd.whole {
		return nil
	}
	fresh := v.snap == nil // a snapshot from before the head was got may lack what was committed since
	if len(hd.places) > 0 {
		q.After = &hd.places[0].pos
	}
	older, whole, err := v.scan(q, yield)
	if err == nil && fresh {
		v.db.heads.extend(key, hd, older, whole)
	}
	return err
}

// scanAndKeep scans the engine, and keeps the places as a head.
func (v *View) scanAndKeep(key headKey, q Query, yield func(*Doc) bool) error {
	if v.snap != nil { // it is older than this moment, and so would the head be
		return v.snap.Scan(q, yield)
	}
	hd := v.db.heads.fill(key)
	if hd == nil { // somebody else does
		_, _, err := v.scan(q, yield)
		return err
	}
	var newest []placed
	whole, failed := false, true
	defer func() { v.db.heads.filled(key, hd, newest, whole, failed) }()
	var err error
	newest, whole, err = v.scan(q, yield)
	failed = err != nil
	return err
}

// scan scans the engine, and says which places it saw first, and whether these are all.
func (v *View) scan(q Query, yield func(*Doc) bool) (seen []placed, whole bool, err error) {
	snap, err := v.open()
	if err != nil {
		return nil, false, err
	}
	whole = true
	err = snap.Scan(q, func(d *Doc) bool {
		if len(seen) < headMax {
			seen = append(seen, placed{Pos{d.Created, d.Seq}, d.ID})
		} else {
			whole = false
		}
		v.db.recent.read(d.Scope, d.ID, d, v.gen)
		more := yield(d)
		whole = whole && more
		return more
	})
	return seen, whole && err == nil, err
}

// Scan reads along an index.
func (v *View) Scan(q Query, yield func(*Doc) bool) error {
	snap, err := v.open()
	if err != nil {
		return err
	}
	return snap.Scan(q, yield)
}

// Has says whether the query has any document.
func (v *View) Has(q Query) (bool, error) {
	snap, err := v.open()
	if err != nil {
		return false, err
	}
	return snap.Has(q)
}

// Sums adds up a scope's moves as of a time.
func (v *View) Sums(s Scope, at int64) ([]Sum, error) {
	snap, err := v.open()
	if err != nil {
		return nil, err
	}
	return snap.Sums(s, at)
}

// Moves reads the moves of one source.
func (v *View) Moves(s Scope, source string, yield func(Move) bool) error {
	snap, err := v.open()
	if err != nil {
		return err
	}
	return snap.Moves(s, source, yield)
}

// Walk reads every current document.
func (v *View) Walk(yield func(*Doc) bool) error {
	snap, err := v.open()
	if err != nil {
		return err
	}
	return snap.Walk(yield)
}

// WalkVersions reads every version of every document.
func (v *View) WalkVersions(yield func(*Doc) bool) error {
	snap, err := v.open()
	if err != nil {
		return err
	}
	return snap.WalkVersions(yield)
}

// WalkMoves reads every move.
func (v *View) WalkMoves(yield func(Move) bool) error {
	snap, err := v.open()
	if err != nil {
		return err
	}
	return snap.WalkMoves(yield)
}

// WalkIndex reads every index entry.
func (v *View) WalkIndex(yield func(Scope, Entry, Pos, string) bool) error {
	snap, err := v.open()
	if err != nil {
		return err
	}
	return snap.WalkIndex(yield)
}

// Close ends the view.
func (v *View) Close() {
	if v.snap != nil {
		v.snap.Close()
		v.snap = nil
	}
}
