package store

import (
	"context"
	"log/slog"
	"runtime/debug"
)

// A Shared engine is used by several processes at once, its nodes. It gives a DB what it must know of the others.
type Shared interface {
	Engine
	// Current returns the current version of a document as it now is, outside of any snapshot; nil if there is none.
	Current(ctx context.Context, s Scope, id string) (*Doc, error)
	// Committers is how many goroutines may call Apply at once.
	Committers() int
	// Node is this node's number, and how many there may be: no two nodes that live have the same.
	Node() (number, of int64)
	// Tell tells the other nodes of puts, soon and without a promise. The puts are stubs.
	Tell(stubs []Put)
	// Wants says whether this node wants to hear of what only some want to hear of; Wanted whether another does.
	Wants(bool)
	Wanted() bool
	// Attach says who is told what other nodes tell, who is told that something may have been missed, and who says whether work is being done whose key
	// this node is about to stop holding.
	Attach(told func([]Put), missed func(), busy func(leaves func(key string) bool) bool)
	// Holds says whether work that has this key is this node's to do. At most one node holds a key at a time.
	Holds(key string) bool
	// Exclusively runs f while no other node runs one of the same name.
	Exclusively(ctx context.Context, name string, f func() error) error
	// Keep returns the value that all nodes have under a name; the first to ask makes it.
	Keep(ctx context.Context, name string, make func() ([]byte, error)) ([]byte, error)
}

// Shared is the engine if several nodes share it; otherwise nil.
func (db *DB) Shared() Shared { return db.shared }

// Holds says whether work that has this key, such as a task's id, is this node's to do: always, unless several nodes share the engine.
func (db *DB) Holds(key string) bool { return db.shared == nil || db.shared.Holds(key) }

// Exclusively runs f while no other node runs one of the same name.
func (db *DB) Exclusively(ctx context.Context, name string, f func() error) error {
	if db.shared == nil {
		return f()
	}
	return db.shared.Exclusively(ctx, name, f)
}

// Tell has the listeners of other nodes hear of puts of a kind as those of this node do, soon after the commit. They get a stub: of the document only
// scope, id, kind, Created and Seq, and the Base. stub gives it a body, or says that nobody needs to hear of the put; nil tells of all, without body.
func (db *DB) Tell(kind string, stub func(*Put) (body []byte, tell bool)) {
	if stub == nil {
		stub = func(*Put) ([]byte, bool) { return nil, true }
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.stubs[kind] = stub
}

// OnMissed adds a function that is told when commits of other nodes may have passed unheard: what listeners know may be old.
func (db *DB) OnMissed(f func()) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.lost = append(db.lost[:len(db.lost):len(db.lost)], f)
}

// OnLeave adds a function that says whether work is being done whose key this node is about to stop holding. It is asked until there is none.
func (db *DB) OnLeave(busy func(leaves func(key string) bool) bool) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.workers = append(db.workers[:len(db.workers):len(db.workers)], busy)
}

func (db *DB) busy(leaves func(key string) bool) bool {
	db.mu.Lock()
	workers := db.workers
	db.mu.Unlock()
	for _, busy := range workers {
		if busy(leaves) {
			return true
		}
	}
	return false
}

// announce tells other nodes of units.
func (db *DB) announce(units []*Unit) {
	if db.shared == nil {
		return
	}
	var stubs []Put
	db.mu.Lock()
	for _, u := range units {
		for i := range u.Puts {
			p := &u.Puts[i]
			stub := db.stubs[p.Kind]
			if stub == nil {
				continue
			}
			if body, tell := stub(p); tell {
				d := Doc{Scope: p.Scope, ID: p.ID, Kind: p.Kind, Created: p.Created, Seq: p.Seq, Body: body}
				stubs = append(stubs, Put{Doc: d, Base: p.Base})
			}
		}
	}
	db.mu.Unlock()
	if len(stubs) > 0 {
		db.shared.Tell(stubs)
	}
}

// told hears what another node has committed.
func (db *DB) told(stubs []Put) { db.tell([]*Unit{{Puts: stubs}}) }

func (db *DB) missed() {
	db.mu.Lock()
	lost := db.lost
	db.mu.Unlock()
	for _, f := range lost {
		func() {
			defer func() {
				if p := recover(); p != nil {
					slog.Error("store: panic in a listener", "panic", p, "stack", string(debug.Stack()))
				}
			}()
			f()
		}()
	}
}
