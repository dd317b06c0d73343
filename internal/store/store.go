// Package store keeps documents, their indexes, the ledger's moves, and nothing else.
//
// # Why it looks like this
//
// A request gathers everything that it wants to change in one Unit, from a Snapshot that nobody disturbs. One committer (see DB) takes the
// units that wait, checks each against what is committed, writes all that pass in one transaction of the engine, syncs once, and answers
// them all. Nothing waits for a lock; a unit that lost a race gets ErrConflict, and its request is run again. This is what makes a hundred
// payments share one sync (measured: 2.4 times the rate of a transaction a request on SQLite).
//
// # Layout
//
// A document is (scope, id) and has versions 1, 2, 3…; the highest is the current one. Older versions stay when the Put says Keep, because an
// event or an idempotency answer refers to the version that it shows: every JSON is stored once. Tasks, deliveries, idempotency records, keys
// and accounts are documents too, of kinds that start with "_", so that an engine stays small enough to have several of.
//
// An index is a name and a value: (scope, index, value) holds documents in the order of (Created, Seq). Lists, filters and searches are
// scans along one. Moves are appended and never edited; Sums adds them up.
//
// # Engines
//
// Package sqlite keeps all this in one file; package postgres in a PostgreSQL that many nodes share; package memory in memory, for tests. All pass
// package storetest, which is the meaning of every promise made here.
package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
)

// A Scope is one account in one mode; everything is kept under one. System holds what belongs to no account (accounts, keys, tasks).
type Scope int64

// System is the scope of what belongs to no account.
const System Scope = 0

// NewScope is the scope of the account with this number (from 1), in live or test mode.
func NewScope(account int64, live bool) Scope {
	s := Scope(account << 1)
	if live {
		s |= 1
	}
	return s
}

// Shards is how many parts the accounts may be spread over, by their numbers modulo this.
const Shards = 1024

// Shard is the part that the scope is in.
func (s Scope) Shard() int64 { return s.Account() % Shards }

// Beside is the number of the nth account, if it is to be in the part of another account: what the two change together is then in one place.
func Beside(account, n int64) int64 { return n<<32 | account%Shards }

// Live says whether the scope is one of live mode.
func (s Scope) Live() bool { return s&1 == 1 }

// Account is the number of the scope's account.
func (s Scope) Account() int64 { return int64(s >> 1) }

// A Doc is one version of a document.
type Doc struct {
	Scope   Scope
	ID      string
	Ver     int64
	Kind    string
	Created int64  // Unix seconds; the first key of every order. A task's is the time when it is due.
	Seq     int64  // the second key: order of insertion, from DB.Seq; no two documents of a scope have the same
	Deleted bool   // a tombstone: answers for the id, stands in no index
	Body    []byte // bytes that were given to the store, or came from it, are not changed by anybody
	Priv    []byte // what no answer shows
	Memo    *Memo  // of a document at hand; nil for others
}

// A Memo is room beside a document at hand for what its readers make of its body, so that the next one need not: its text as answers lay it out, by
// itself and in a list.
type Memo struct{ Alone, Listed atomic.Pointer[Made] }

// A Made is what was made of a document's body, for readers of one kind. It is not changed.
type Made struct {
	For  string
	Text []byte
}

// A Ref names one version of a document.
type Ref struct {
	Scope Scope
	ID    string
	Ver   int64
}

// An Entry is a place in an index.
type Entry struct{ Index, Value string }

// Chance begins the ids of documents that are named by chance, by clients (as a record under an idempotency key is), and not by the time when they were made:
// an engine may find them otherwise than others. They have no versions beside the current one.
const Chance = "_idempotency:"

// ByChance says whether a document is named by chance.
func ByChance(id string) bool { return strings.HasPrefix(id, Chance) }

// IfAbsent as a Put's Base writes the document only if there is none, and is no conflict if there is.
const IfAbsent = -1

// A Put writes a document's new current version, Doc.Ver.
type Put struct {
	Doc
	Base  int64   // the current version that this one replaces; 0: there must be none; or IfAbsent
	Keep  bool    // keep the version that is replaced
	Index []Entry // where the document now stands; entries of the replaced version that are not among these are removed
	Was   []Entry // where the replaced version stands; if Created or Seq change, the document is moved in every index
}

// A Delete removes a document, all its versions, and its index entries.
type Delete struct {
	Scope Scope
	ID    string
	Base  int64 // the current version; another is a conflict
	Was   []Entry
}

// A Rewrite writes the private part of one version over, in place: for what is sealed anew under another key. Nothing happens if the version is
// gone, or its private part is no longer Was.
type Rewrite struct {
	Ref
	Was, Priv []byte
}

// A Move takes Amount (> 0, minor units) from one ledger account to another. It is never edited.
type Move struct {
	Scope       Scope
	Seq         int64 // set by the engine: grows with each move
	From, To    string
	Currency    string // lower case ISO 4217
	Amount      int64
	Source      string // id of the balance transaction, or other document, that it belongs to
	AvailableOn int64  // Unix seconds from when the amount counts as available at both ends
	Created     int64
}

// A Unit is everything that one request wants to change. It is applied whole or not at all.
type Unit struct {
	Guards   []Ref // documents that must still have this version (0: must not exist)
	Versions []Doc // earlier versions made by this same unit, for what refers to them; never current
	Puts     []Put
	Deletes  []Delete
	Drops    []Ref // versions that nothing refers to any more; one that is current, or gone, is left as it is
	Rewrites []Rewrite
	Moves    []Move
}

// Empty says whether the unit changes nothing.
func (u *Unit) Empty() bool {
	return len(u.Versions) == 0 && len(u.Puts) == 0 && len(u.Deletes) == 0 && len(u.Drops) == 0 && len(u.Rewrites) == 0 && len(u.Moves) == 0
}

// Check says what makes no sense in the unit, whatever is stored. It is never a user's fault.
func (u *Unit) Check() error {
	puts := make(map[Ref]*Put, len(u.Puts)) // by scope and id
	for i := range u.Puts {
		p := &u.Puts[i]
		key := Ref{Scope: p.Scope, ID: p.ID}
		switch {
		case p.ID == "":
			return errors.New("store: put without an id")
		case puts[key] != nil:
			return fmt.Errorf("store: two puts of %s in one unit", p.ID)
		case p.Base < IfAbsent || p.Ver <= max(p.Base, 0):
			return fmt.Errorf("store: put of %s: version %d cannot follow %d", p.ID, p.Ver, p.Base)
		case p.Keep && p.Base > 0 && ByChance(p.ID):
			return fmt.Errorf("store: put of %s keeps a version, and it is named by chance", p.ID)
		case p.Deleted && len(p.Index) > 0:
			return fmt.Errorf("store: tombstone of %s stands in an index", p.ID)
		}
		puts[key] = p
	}
	seen := make(map[Ref]bool, len(u.Versions)+len(u.Deletes))
	for i := range u.Versions {
		v := &u.Versions[i]
		ref := Ref{v.Scope, v.ID, v.Ver}
		p := puts[Ref{Scope: v.Scope, ID: v.ID}]
		if p == nil || v.Ver >= p.Ver || v.Ver <= max(p.Base, 0) || seen[ref] || ByChance(v.ID) {
			return fmt.Errorf("store: version %d of %s is none of the versions that this unit makes", v.Ver, v.ID)
		}
		seen[ref] = true
	}
	for _, d := range u.Deletes {
		key := Ref{Scope: d.Scope, ID: d.ID}
		switch {
		case puts[key] != nil || seen[key]:
			return fmt.Errorf("store: delete of %s beside another change of it in one unit", d.ID)
		case d.Base <= 0:
			return fmt.Errorf("store: delete of %s: no version %d", d.ID, d.Base)
		}
		seen[key] = true
	}
	for _, m := range u.Moves {
		if m.Amount <= 0 || m.From == m.To || m.From == "" || m.To == "" || m.Currency == "" {
			return fmt.Errorf("store: move of %d %q from %q to %q", m.Amount, m.Currency, m.From, m.To)
		}
	}
	return nil
}

// ErrConflict is what a unit gets that read something which has changed since.
var ErrConflict = errors.New("store: changed since it was read")

// ErrUnknown is what a unit gets when the engine cannot be asked whether it was applied.
var ErrUnknown = errors.New("store: the connection was lost while it was being committed, and whether it was is not known")

// A Pos is a place in the order of an index.
type Pos struct{ Created, Seq int64 }

// A Query is a scan along one index.
type Query struct {
	Scope     Scope
	Index     string
	Value     string
	Ascending bool // oldest first; otherwise newest first
	// After starts the scan behind this place in the direction of the scan, which itself is left out.
	After *Pos
	// MinCreated and MaxCreated bound Created, both inclusive; 0 means no bound.
	MinCreated, MaxCreated int64
}

// Bounds are the places between which the query's documents stand, both themselves left out. Engines scan from one to the other.
func (q *Query) Bounds() (low, high Pos) {
	low, high = Pos{math.MinInt64, math.MinInt64}, Pos{math.MaxInt64, math.MaxInt64}
	if q.MinCreated != 0 {
		low = Pos{q.MinCreated - 1, math.MaxInt64}
	}
	if q.MaxCreated != 0 {
		high = Pos{q.MaxCreated + 1, math.MinInt64}
	}
	switch {
	case q.After == nil:
	case q.Ascending && low.Less(*q.After):
		low = *q.After
	case !q.Ascending && q.After.Less(high):
		high = *q.After
	}
	return low, high
}

// Less says whether p stands before o, oldest first.
func (p Pos) Less(o Pos) bool {
	return p.Created < o.Created || p.Created == o.Created && p.Seq < o.Seq
}

// A Sum is what the moves of one ledger account and currency add up to: in less out.
type Sum struct {
	Account, Currency string
	Available         int64 // of moves with AvailableOn <= the time asked for
	Pending           int64 // of the others
}

// A Snapshot is a view of what was committed when it was first read from, which is never before it was opened. It is used by one goroutine,
// whose yield functions may read from it too, and must be closed. An engine may let only so many snapshots read at once, so a goroutine
// does not hold two.
type Snapshot interface {
	// Get returns the current version, tombstones included; nil if there is none.
	Get(s Scope, id string) (*Doc, error)
	// Version returns one version; nil if it is not kept.
	Version(s Scope, id string, ver int64) (*Doc, error)
	// Scan calls yield for each document of the query in order, until it returns false.
	Scan(q Query, yield func(*Doc) bool) error
	// Has says whether the query has any document, without reading one.
	Has(q Query) (bool, error)
	// Sums adds up a scope's moves as of a time: a Sum for each account and currency that ever moved, in their order.
	Sums(s Scope, at int64) ([]Sum, error)
	// Moves calls yield for each move of one source, in order.
	Moves(s Scope, source string, yield func(Move) bool) error
	// Walk calls yield for the current version of every document of every scope, in no promised order; for audits and exports.
	Walk(yield func(*Doc) bool) error
	// WalkVersions calls yield for every version that is kept of every document: those of one document one after the other, oldest first; for
	// backups, and to seal anew.
	WalkVersions(yield func(*Doc) bool) error
	// WalkMoves calls yield for every move, in order.
	WalkMoves(yield func(Move) bool) error
	// WalkIndex calls yield for every index entry, with the document that it stands for ("" if that is gone), in no promised order; for
	// audits.
	WalkIndex(yield func(s Scope, e Entry, p Pos, id string) bool) error
	Close()
}

// An Engine stores. All methods may be called from many goroutines; Apply from one at a time, unless the engine is Shared.
type Engine interface {
	Snapshot(ctx context.Context) (Snapshot, error)
	// Apply writes the units that pass their checks, in their order, in one durable transaction. The slice holds nil or ErrConflict for each
	// unit; a unit is checked against the units before it, too. The error is the engine's own failure: nothing was written. (An engine on another
	// machine may lose its connection just when it commits, and not find out what became of it: then the error is ErrUnknown.) The units have
	// passed Check.
	Apply(ctx context.Context, units []*Unit) ([]error, error)
	// MaxSeq returns a number that is not below the Seq of any document ever written.
	MaxSeq(ctx context.Context) (int64, error)
	Close() error
}
