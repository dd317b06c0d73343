// Package sqlite is the engine that keeps everything in one SQLite file: the default store.
//
// # Layout
//
// The schema (schema.go) has a table for each of the three things that a store keeps, and little else:
//
//	doc    a row for each version of a document, but for those that the same unit made before it, which stand in its row. Current ones are found by
//	       (scope, id), and those of the past by (scope, id, ver); what is named by chance has an index of its own (chance.go).
//	place  a row for each index entry, ordered as lists are read: (scope, name, value, created, seq, id).
//	move   the ledger's moves by number, and by (scope, source).
//
// Names of kinds and indexes are numbers in rows and text in table name, which has a few hundred rows and is held in memory. The views documents
// and places show them as text to whoever opens the file with another tool.
//
// Sums of moves are kept as folds (sums.go): every so many moves, those since the last time are added up by account and time. What was moved
// since is added when it is asked for. So no payment changes a row that another payment changes.
//
// # How it runs
//
// One connection writes, used by Apply alone, with its statements prepared. Others read, each for one snapshot at a time; they are opened when
// needed, and closed when they have not been for a while. The log is written (WAL, synchronous FULL) by Apply, and copied into the file by a
// goroutine of its own (checkpoint.go), so that no payment waits for that.
//
// Memory: one connection that writes holds up to 16 MB of pages, one that reads half a megabyte.
//
// A lock file beside the database (its name and ".lock") keeps a second Florin from serving the same data.
package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"florin/internal/store"
)

// Options change what seldom needs a change. The zero value is right for a server.
type Options struct {
	Readers int  // how many snapshots may read at once; others wait. 0 means 64.
	NoSync  bool // do not wait for the disk: after a power cut the last seconds may be missing. For tests.
}

// An Engine keeps everything in one SQLite file.
type Engine struct {
	names   names
	readers pool
	log     checkpointer
	lock    *fileLock
	closed  atomic.Bool

	writing sync.Mutex // held by whoever uses what follows
	writer  *writer
	doubt   bool // a commit has failed, and the log is not settled since (settle.go)
}

var _ store.Engine = (*Engine)(nil)

var errLocked = errors.New("another Florin is serving this data")

// Open opens the database in the file, and makes both if they are not there.
func Open(path string, opt Options) (*Engine, error) {
	e, err := open(path, opt)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return e, nil
}

func open(path string, opt Options) (_ *Engine, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	e := &Engine{lock: lock}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	// SQLite would make it readable by others. The files that it makes beside it have the permissions of this one.
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err == nil {
		f.Close()
	} else if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	file := file{path, "FULL"}
	if opt.NoSync {
		file.sync = "OFF"
	}
	c, err := file.openWriter()
	if err != nil {
		return nil, err
	}
	if err := prepareFile(c); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if err := e.names.load(c); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if e.writer, err = newWriter(c, &e.names); err != nil {
		return nil, errors.Join(err, c.close())
	}
	e.readers.init(file, cmp.Or(opt.Readers, 64))
	e.log.start(file, &e.writing)
	if left, err := os.Stat(path + "-wal"); err == nil {
		e.log.wrote(int(left.Size() >> 13)) // by a process that died: one that dies often would never copy it
	}
	return e, nil
}

// Apply writes the units that pass in one transaction.
func (e *Engine) Apply(_ context.Context, units []*store.Unit) ([]error, error) {
	e.writing.Lock()
	defer e.writing.Unlock()
	if e.closed.Load() {
		return nil, store.ErrClosed
	}
	if e.doubt {
		if err := e.settle(); err != nil {
			return nil, err
		}
	}
	outcomes, pages, err := e.writer.apply(units)
	if err != nil {
		e.doubt = true
		return nil, errors.Join(fmt.Errorf("sqlite: %w", err), e.settle())
	}
	e.log.wrote(pages)
	return outcomes, nil
}

// MaxSeq returns a number that is not below the Seq of any document ever written.
func (e *Engine) MaxSeq(context.Context) (int64, error) {
	e.writing.Lock()
	defer e.writing.Unlock()
	if e.closed.Load() {
		return 0, store.ErrClosed
	}
	return e.writer.ceiling, nil
}

// Close closes the file. Snapshots that are open stay readable.
func (e *Engine) Close() error {
	if e.closed.Swap(true) {
		return nil
	}
	var errs []error
	e.log.stop()
	errs = append(errs, e.readers.close())
	e.writing.Lock()
	defer e.writing.Unlock()
	if e.writer != nil {
		errs = append(errs, e.writer.close())
	}
	errs = append(errs, e.lock.release())
	return errors.Join(errs...)
}
