package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	"florin/internal/store"
)

const (
	writerCacheKiB = 16 << 10 // the pages that payments of the same minutes touch again and again
	readerCacheKiB = 512      // the operating system holds the rest
)

// busyTimeout is how long a connection waits for another.
const busyTimeout = 10 * time.Second

// A conn is a connection and its prepared statements. It is used by one goroutine at a time.
type conn struct {
	c     *sqlite.Conn
	free  map[string][]*sqlite.Stmt // statements by their text. A scan within a scan needs a second one.
	owned []*sqlite.Stmt
}

// A file is how connections to it are opened.
type file struct {
	path string
	sync string // SQLite's PRAGMA synchronous
}

func (f file) open(cacheKiB int) (*conn, error) {
	return f.openAs(f.path, sqlite.OpenReadWrite, cacheKiB)
}

// openWriter opens the connection that writes.
func (f file) openWriter() (*conn, error) {
	if f.sync != "FULL" {
		return f.open(writerCacheKiB)
	}
	name, flags, err := f.gathering()
	if err != nil {
		return nil, err
	}
	return f.openAs(name, flags, writerCacheKiB)
}

func (f file) openAs(name string, flags sqlite.OpenFlags, cacheKiB int) (*conn, error) {
	sc, err := sqlite.OpenConn(name, flags)
	if err != nil {
		return nil, err
	}
	sc.SetBusyTimeout(busyTimeout)
	c := &conn{c: sc, free: map[string][]*sqlite.Stmt{}}
	if err := c.script(fmt.Sprintf("PRAGMA cache_size = -%d; PRAGMA temp_store = MEMORY; PRAGMA synchronous = %s", cacheKiB, f.sync)); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *conn) close() error {
	var errs []error
	for _, st := range c.owned {
		st.Finalize() // its error is that of its last run, which was reported then
	}
	return errors.Join(append(errs, c.c.Close())...)
}

// take returns a statement that is not in use. The caller resets it, and puts it back.
func (c *conn) take(sql string) (*sqlite.Stmt, error) {
	if free := c.free[sql]; len(free) > 0 {
		c.free[sql] = free[:len(free)-1]
		return free[len(free)-1], nil
	}
	st, _, err := c.c.PrepareTransient(sql)
	if err != nil {
		return nil, err
	}
	c.owned = append(c.owned, st)
	return st, nil
}

// put takes back what take gave.
func (c *conn) put(sql string, st *sqlite.Stmt) {
	st.Reset()
	c.free[sql] = append(c.free[sql], st)
}

// script runs statements that are not worth keeping.
func (c *conn) script(sql string) error {
	for {
		st, rest, err := c.c.PrepareTransient(sql)
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			more, err = st.Step()
		}
		st.Finalize()
		if err != nil || rest == 0 {
			return err
		}
		sql = sql[len(sql)-rest:]
	}
}

// rows runs a query that is not worth keeping.
func (c *conn) rows(sql string, yield func(*sqlite.Stmt)) error {
	st, _, err := c.c.PrepareTransient(sql)
	if err != nil {
		return err
	}
	defer st.Finalize()
	for {
		more, err := st.Step()
		if !more || err != nil {
			return err
		}
		yield(st)
	}
}

// number runs a query that answers one number, or nothing, which is 0.
func (c *conn) number(sql string) (n int64, err error) {
	err = c.rows(sql, func(st *sqlite.Stmt) { n = st.ColumnInt64(0) })
	return n, err
}

// reapAfter is how long a connection is kept that nobody needs.
const reapAfter = 10 * time.Second

// A pool lends connections to snapshots. It opens one when all are lent, up to a limit.
type pool struct {
	file  file
	slots chan struct{} // a token for each that is lent

	mu     sync.Mutex
	free   []*conn // the last used last
	low    int     // as many of free were not used since reap came
	reaper *time.Timer
	closed bool
}

func (p *pool) init(f file, limit int) {
	p.file = f
	p.slots = make(chan struct{}, limit)
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.slots
		return nil, store.ErrClosed
	}
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		p.low = min(p.low, n-1)
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c, err := p.file.open(readerCacheKiB)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return c, nil
}

// put takes back a connection; one that is broken is closed.
func (p *pool) put(c *conn, broken bool) {
	p.mu.Lock()
	keep := !broken && !p.closed
	if keep {
		p.free = append(p.free, c)
		if p.reaper == nil && len(p.free) > 1 {
			p.low = 0
			p.reaper = time.AfterFunc(reapAfter, p.reap)
		}
	}
	p.mu.Unlock()
	if !keep {
		c.close()
	}
	<-p.slots
}

// reap closes the connections that were not needed since it last came, except for one.
func (p *pool) reap() {
	p.mu.Lock()
	n := min(p.low, len(p.free)-1)
	var idle []*conn
	if n > 0 {
		idle = append(idle, p.free[:n]...)
		p.free = append([]*conn(nil), p.free[n:]...)
	}
	p.low = len(p.free)
	p.reaper = nil
	if len(p.free) > 1 && !p.closed {
		p.reaper = time.AfterFunc(reapAfter, p.reap)
	}
	p.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.reaper != nil {
		p.reaper.Stop()
	}
	var errs []error
	for _, c := range p.free {
		errs = append(errs, c.close())
	}
	p.free = nil
	return errors.Join(errs...)
}
