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
package store

import (
	"context"
	"errors"
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
	Created int64 // Unix seconds; the first key of every order. A task's is the time when it is due.
	Seq     int64 // the second key: order of insertion
	Deleted bool  // a tombstone: answers for the id, stands in no index
	Body    []byte
	Priv    []byte // what no answer shows
}

// A Ref names one version of a document.
type Ref struct {
	Scope Scope
	ID    string
	Ver   int64
}

// An Entry is a place in an index.
type Entry struct{ Index, Value string }

// IfAbsent as a Put's Base writes the document only if there is none, and is no conflict if there is.
const IfAbsent = -1

// A Put writes a document's new current version, Doc.Ver.
type Put struct {
	Doc
	Base  int64   // the current version that this one replaces; 0: there must be none
	Keep  bool    // keep the version that is replaced
	Index []Entry // where the document now stands; entries of the replaced version that are not among these are removed
	Was   []Entry // where the replaced version stands
}

// A Delete removes a document, all its versions, and its index entries.
type Delete struct {
	Scope Scope
	ID    string
	Base  int64 // the current version; another is a conflict
	Was   []Entry
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
	Moves    []Move
}

// Empty says whether the unit changes nothing.
func (u *Unit) Empty() bool {
	return len(u.Versions) == 0 && len(u.Puts) == 0 && len(u.Deletes) == 0 && len(u.Moves) == 0
}

// ErrConflict is what a unit gets that read something which has changed since.
var ErrConflict = errors.New("store: changed since it was read")

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

// A Sum is what the moves of one ledger account and currency add up to: in less out.
type Sum struct {
	Account, Currency string
	Available         int64 // of moves with AvailableOn <= the time asked for
	Pending           int64 // of the others
}

// A Snapshot is a view of what was committed when it was opened. It is used by one goroutine, and must be closed.
type Snapshot interface {
	// Get returns the current version, tombstones included; nil if there is none.
	Get(s Scope, id string) (*Doc, error)
	// Version returns one version; nil if it is not kept.
	Version(s Scope, id string, ver int64) (*Doc, error)
	// Scan calls yield for each document of the query in order, until it returns false.
	Scan(q Query, yield func(*Doc) bool) error
	// Has says whether the query has any document, without reading one.
	Has(q Query) (bool, error)
	// Sums adds up a scope's moves as of a time.
	Sums(s Scope, at int64) ([]Sum, error)
	// Moves calls yield for each move of one source, in order.
	Moves(s Scope, source string, yield func(Move) bool) error
	// Walk calls yield for the current version of every document of every scope, in no promised order; for audits and exports.
	Walk(yield func(*Doc) bool) error
	// WalkMoves calls yield for every move, in order.
	WalkMoves(yield func(Move) bool) error
	// WalkIndex calls yield for every index entry, with the document that it stands for ("" if that is gone); for audits.
	WalkIndex(yield func(s Scope, e Entry, p Pos, id string) bool) error
	Close()
}

// An Engine stores. All methods may be called from many goroutines; Apply from one at a time.
type Engine interface {
	Snapshot(ctx context.Context) (Snapshot, error)
	// Apply writes the units that pass their checks, in their order, in one durable transaction. The slice holds nil or ErrConflict for each
	// unit; a unit is checked against the units before it, too. The error is the engine's own failure: nothing was written.
	Apply(ctx context.Context, units []*Unit) ([]error, error)
	Close() error
}
