package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"florin/internal/clock"
)

// maxBatch bounds the units that are committed together, so that the first of them does not wait for ever more.
const maxBatch = 256

// ErrClosed is what is answered after Close.
var ErrClosed = errors.New("store: closed")

// A DB is an engine and its committer: one goroutine that applies, in one transaction of the engine, all units that wait at that moment. While
// it waits for the disk the next units gather, so that the load itself makes the batches; a unit that comes alone is applied at once.
//
// An engine that several nodes share (see Shared) may have several committers, each with a batch of its own.
type DB struct {
	engine Engine
	shared Shared // nil: this process has the engine to itself
	seq    atomic.Int64
	nodes  int64  // Seqs leave the node's number when divided by this
	recent recent // what is at hand, unless the engine is shared
	heads  heads
	wake   chan struct{} // holds one token when the queue may have something
	done   chan struct{} // closed when the committers have ended

	committers int
	taking     sync.Mutex    // held by the committer that gathers and takes the next batch
	gathered   chan struct{} // holds one token when the queue has enough for it

	mu        sync.Mutex
	queue     []*waiting
	enough    int       // how long the queue is to get before the committer takes it; 0: it does not wait
	flying    int       // units in batches that are on their way
	load      int       // units that were there when the last batch was answered: its own, those on their way, and those that waited
	answered  time.Time // when that was
	closed    bool
	listeners []func([]*Unit)
	observers []func(Batch)
	lost      []func()
	workers   []func(leaves func(key string) bool) bool
	stubs     map[string]func(*Put) ([]byte, bool) // what other nodes are told of puts, by kind
}

// A Batch is what the committer tells of units that it has applied together, or could not.
type Batch struct {
	Units     int
	Conflicts int           // units that lost a race
	Waited    time.Duration // how long the first of them had waited for the committer
	Took      time.Duration // how long it took to apply them
	Err       error         // why none was applied, if so
}

// A waiting is a unit on its way, and where its outcome is told.
type waiting struct {
	unit    *Unit
	outcome chan error // holds one
	since   time.Time  // when it began to wait
}

// Open starts a committer for the engine, which then belongs to the DB.
func Open(engine Engine) (*DB, error) {
	last, err := engine.MaxSeq(context.Background())
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	db := &DB{engine: engine, nodes: 1, committers: 1, wake: make(chan struct{}, 1), gathered: make(chan struct{}, 1), done: make(chan struct{}), stubs: map[string]func(*Put) ([]byte, bool){}}
	db.seq.Store(last)
	if shared, ok := engine.(Shared); ok {
		db.shared, db.committers = shared, shared.Committers()
		_, db.nodes = shared.Node()
		shared.Attach(db.told, db.missed, db.busy)
	}
	var running sync.WaitGroup
	for range db.committers {
		running.Go(db.run)
	}
	go func() {
		running.Wait()
		close(db.done)
	}()
	return db, nil
}

// Snapshot opens a view of what is committed.
func (db *DB) Snapshot(ctx context.Context) (Snapshot, error) { return db.engine.Snapshot(ctx) }

// Seq returns the next number of the order of insertion: microseconds since 1970 as a rule (times the number of nodes that an engine may have),
// always more than any number that it returned or that was stored when the DB was opened, and never one that another node returns.
func (db *DB) Seq() int64 {
	var node int64
	if db.shared != nil {
		node, _ = db.shared.Node()
	}
	for {
		last := db.seq.Load()
		next := max(clock.Real.Now().UnixMicro(), last/db.nodes+1)*db.nodes + node
		if db.seq.CompareAndSwap(last, next) {
			return next
		}
	}
}

// SeqTime is when a number was returned by Seq, or a moment later.
func (db *DB) SeqTime(seq int64) time.Time { return time.UnixMicro(seq / db.nodes) }

// Size is how many bytes the engine's data takes; 0 if it does not tell.
func (db *DB) Size(ctx context.Context) (int64, error) {
	if e, ok := db.engine.(interface {
		Size(context.Context) (int64, error)
	}); ok {
		return e.Size(ctx)
	}
	return 0, nil
}

// OnCommit adds a function that is told of units after they are durable, and before those who committed them are answered. The committer
// waits for it, so it only wakes or invalidates something.
func (db *DB) OnCommit(f func([]*Unit)) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.listeners = append(db.listeners[:len(db.listeners):len(db.listeners)], f)
}

// OnBatch adds a function that is told of each batch. The committer waits for it.
func (db *DB) OnBatch(f func(Batch)) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.observers = append(db.observers[:len(db.observers):len(db.observers)], f)
}

// Waiting is how many units wait for the committer.
func (db *DB) Waiting() int {
	db.mu.Lock()
	defer db.mu.Unlock()
	return len(db.queue)
}

// Commit applies the unit whole, or not at all: nil when it is durable, ErrConflict when something has changed since it was read. Any other error
// means that it was not applied (only if the process dies just then may a unit whose sync failed be there afterwards).
//
// Commit returns when the outcome is known, and not before: a context that ends takes back a unit that still waits, but a unit on its way to the
// disk is waited for.
func (db *DB) Commit(ctx context.Context, u *Unit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := u.Check(); err != nil {
		return err
	}
	if u.Empty() && len(u.Guards) == 0 {
		return nil
	}
	w := &waiting{unit: u, outcome: make(chan error, 1), since: time.Now()}
	if err := db.enqueue(w); err != nil {
		return err
	}
	select {
	case err := <-w.outcome:
		return err
	case <-ctx.Done():
		if db.takeBack(w) {
			return ctx.Err()
		}
		return <-w.outcome
	}
}

// Close finishes what waits, and closes the engine.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		<-db.done
		return nil
	}
	db.closed = true
	db.mu.Unlock()
	db.signal()
	<-db.done
	return db.engine.Close()
}

func (db *DB) enqueue(w *waiting) error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return ErrClosed
	}
	db.queue = append(db.queue, w)
	enough := db.enough > 0 && len(db.queue) >= db.enough
	db.mu.Unlock()
	if enough {
		db.signalGathered()
	}
	db.signal()
	return nil
}

func (db *DB) signal() {
	select {
	case db.wake <- struct{}{}:
	default:
	}
}

// takeBack removes a unit that the committer has not taken yet.
func (db *DB) takeBack(w *waiting) bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	for i, x := range db.queue {
		if x == w {
			db.queue = append(db.queue[:i:i], db.queue[i+1:]...)
			return true
		}
	}
	return false
}

// take returns what is committed next, and whether the DB is closed.
func (db *DB) take() ([]*waiting, bool) {
	db.taking.Lock()
	defer db.taking.Unlock()
	db.gather()
	db.mu.Lock()
	defer db.mu.Unlock()
	n := min(len(db.queue), maxBatch)
	if half := db.share(); db.committers == 1 && half >= worthHalf {
		n = min(n, half)
	}
	batch := db.queue[:n:n]
	db.queue = db.queue[n:]
	db.flying += n
	if len(db.queue) > 0 || db.closed {
		db.signal() // another committer has work, or ends
	}
	return batch, db.closed
}

// run is a committer.
func (db *DB) run() {
	for {
		batch, closed := db.take()
		if len(batch) > 0 {
			db.commit(batch)
			continue
		}
		if closed {
			return
		}
		<-db.wake
	}
}

const (
	gatherFor = 2 * time.Millisecond  // how long those just answered are waited for, at the most
	beside    = 24                    // how many units are worth a batch of their own while another is on its way
	besideFor = 10 * time.Millisecond // how long fewer wait for it, at the most
	worthHalf = 16                    // how many units are worth a batch, if the others of the load are to be made meanwhile
)

// gather lets those come back who were just answered, before the next batch is taken: a page that many payments of a batch touch is written once,
// so a batch of thirty costs each of them far less than one of five does. One committer waits for half of the load, and takes no more of a large one:
// while it applies that half, other cores make the units of the other; if it took all, they would have nothing to do. Of several committers each
// waits for its part. A unit that comes alone, as from a single client, waits for nobody.
func (db *DB) gather() {
	for {
		db.mu.Lock()
		want, until := min(db.share(), maxBatch), db.answered.Add(gatherFor)
		if db.flying > 0 {
			if len(db.queue) == 0 {
				want = 0
			} else {
				want, until = max(want, beside), db.queue[0].since.Add(besideFor)
			}
		}
		left := time.Until(until)
		if db.closed || len(db.queue) >= want || left <= 0 {
			db.enough = 0
			db.mu.Unlock()
			return
		}
		db.enough = want
		db.mu.Unlock()
		timer := time.NewTimer(left)
		select {
		case <-db.gathered:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// share is how many of the load make a batch.
func (db *DB) share() int {
	if db.committers == 1 {
		return db.load / 2
	}
	return db.load * 3 / 4 / db.committers
}

// landed notes that a batch is about to be answered.
func (db *DB) landed(units int) {
	db.mu.Lock()
	db.load = db.flying + len(db.queue)
	db.flying -= units
	db.answered = time.Now()
	waits := db.enough > 0
	db.mu.Unlock()
	if waits {
		db.signalGathered()
	}
}

func (db *DB) signalGathered() {
	select {
	case db.gathered <- struct{}{}:
	default:
	}
}

// commit applies a batch, tells the listeners, and answers.
func (db *DB) commit(batch []*waiting) {
	units := make([]*Unit, len(batch))
	for i, w := range batch {
		units[i] = w.unit
	}
	began := time.Now()
	outcomes, err := db.apply(units)
	b := Batch{Units: len(units), Waited: began.Sub(batch[0].since), Took: time.Since(began), Err: err}
	passed := make([]*Unit, 0, len(units))
	if err == nil {
		for i, outcome := range outcomes {
			if outcome == nil {
				passed = append(passed, units[i])
			}
		}
	}
	if err == nil {
		b.Conflicts = len(units) - len(passed)
	}
	if len(passed) > 0 {
		if db.shared == nil {
			db.recent.committed(passed)
			db.heads.committed(passed)
		}
		db.tell(passed)
		db.announce(passed)
	}
	db.observe(b)
	db.landed(len(batch))
	for i, w := range batch {
		if err != nil {
			w.outcome <- err
		} else {
			w.outcome <- outcomes[i]
		}
	}
}

// apply is the engine's Apply with its panics as errors: one bad unit must not end the process that others are served by.
func (db *DB) apply(units []*Unit) (outcomes []error, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store: panic in the engine: %v\n%s", p, debug.Stack())
		}
	}()
	outcomes, err = db.engine.Apply(context.Background(), units)
	if err == nil && len(outcomes) != len(units) {
		err = fmt.Errorf("store: the engine answered %d of %d units", len(outcomes), len(units))
	}
	if err != nil {
		return nil, fmt.Errorf("store: commit: %w", err)
	}
	return outcomes, nil
}

func (db *DB) observe(b Batch) {
	db.mu.Lock()
	observers := db.observers
	db.mu.Unlock()
	for _, f := range observers {
		f(b)
	}
}

func (db *DB) tell(passed []*Unit) {
	db.mu.Lock()
	listeners := db.listeners
	db.mu.Unlock()
	for _, f := range listeners {
		func() {
			defer func() {
				// The units are durable whatever a listener does, and those who wait must hear so.
				if p := recover(); p != nil {
					slog.Error("store: panic in a listener", "panic", p, "stack", string(debug.Stack()))
				}
			}()
			f(passed)
		}()
	}
}
