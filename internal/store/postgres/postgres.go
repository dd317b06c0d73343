// Package postgres is the engine that keeps everything in a PostgreSQL (15 or newer), for many nodes at once.
//
// # Layout
//
// The schema (schema.go) has the tables doc, place and move, as package sqlite has them, and few others. Every key begins with the scope, and contains
// the shard, which spreads the scopes over 1,024 parts: a platform and its connected accounts have the same. One PostgreSQL has no use for the shard;
// Citus, or another engine that spreads rows over machines, distributes by it (docs/howto/scale.md).
//
// Ids and values are bytes: what users send may be no text, and one row that PostgreSQL refuses would undo the transaction of many. A few hundred bytes
// is the longest that stands in an index; longer ones stand there as their beginning and a hash.
//
// # How a batch is written
//
// Apply reads the numbers of the current versions that its units replace or guard, in one round trip. What they replace is locked, in the order of scope
// and id; what they only guard is read, and kept from changing by an advisory lock that many hold at once (see lock). It checks the units against these,
// and works out what is left to be written (plan.go): one statement for all new rows of a table. The second round trip carries all of them and the COMMIT.
// Documents that must not exist are not looked for: two that are made at once meet at one key, the later is refused, and its batch is looked at again.
// Rows are inserted in the order of their keys, too, so no two batches wait for each other in a circle, whatever node they come from.
//
// If the connection is lost while a batch is committed, the row that it wrote in the table written tells whether it was (see outcome).
//
// # How it is read
//
// A snapshot is a REPEATABLE READ transaction, begun in the round trip of its first read. Its end costs none: it goes out with the beginning of the next
// one on that connection, or after a moment.
//
// # How nodes share it
//
// See node.go: each has a number, hears what others committed, and holds leases for its part of the work in the background.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"florin/internal/store"
)

// Committers is how many transactions of a node may be written at once: while one waits for the disk, the next is put together.
const committers = 2

// readers is how many snapshots of a node read at once, unless the URL says otherwise; others wait.
const readers = 16

// An Engine keeps everything in a schema of a PostgreSQL database.
type Engine struct {
	schema string
	conf   *pgconn.Config
	names  names
	reads  pool // of snapshots
	writes pool // of Apply
	aside  pool // of what is neither, and must not wait for them
	node   node
	closed atomic.Bool

	gathering gathering

	ceiling atomic.Int64 // no document has a higher Seq, unless another node wrote it
	tallies atomic.Int64 // written since the last fold
	folding chan struct{}
	stop    context.CancelFunc
	work    sync.WaitGroup
}

var _ store.Shared = (*Engine)(nil)

// Is says whether the text is the address of a PostgreSQL.
func Is(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// Open opens the database at a URL as libpq has them: postgres://user:password@host:port/database?sslmode=verify-full. Two parameters are Florin's own:
// schema is where the tables are (florin), which is made if it is not there, and readers how many connections read at once (16). The error shows no
// password.
func Open(ctx context.Context, address string) (*Engine, error) { return open(ctx, address, true) }

// OpenIdle is Open for a process that does no work in the background: it holds nothing, and leaves the work to others.
func OpenIdle(ctx context.Context, address string) (*Engine, error) { return open(ctx, address, false) }

func open(ctx context.Context, address string, works bool) (*Engine, error) {
	e := &Engine{folding: make(chan struct{}, 1), stop: func() {}}
	e.node.works = works
	if err := e.open(ctx, address); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", Masked(address), err), e.Close())
	}
	return e, nil
}

// Masked is an address without its password and parameters, to be shown.
func Masked(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the PostgreSQL"
	}
	u.RawQuery, u.User = "", url.User(u.User.Username())
	return strings.Replace(u.String(), "//@", "//", 1)
}

func (e *Engine) open(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("not a URL")
	}
	q := u.Query()
	most := readers
	if n := q.Get("readers"); n != "" {
		if most, err = strconv.Atoi(n); err != nil || most < 1 {
			return fmt.Errorf("readers=%s is no number from 1", n)
		}
	}
	if e.schema = q.Get("schema"); e.schema == "" {
		e.schema = "florin"
	}
	q.Del("schema")
	q.Del("readers")
	u.RawQuery = q.Encode()
	if e.conf, err = pgconn.ParseConfig(u.String()); err != nil {
		return errors.New("the URL does not say which PostgreSQL: " + firstLine(err))
	}
	e.conf.DialFunc = dial
	settings := map[string]string{
		"application_name": "florin", "search_path": identifier(e.schema), "client_encoding": "UTF8", "timezone": "UTC",
		// Statements are prepared once, when tables are still small. What is right when they are large must be right from the beginning.
		"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "enable_bitmapscan": "off", "random_page_cost": "0.05", "jit": "off", "plan_cache_mode": "force_generic_plan",
		// A node that has stopped in the middle of a batch must not stop others for ever.
		"idle_in_transaction_session_timeout": "15s", "lock_timeout": "10s",
	}
	for name, value := range settings {
		if name == "application_name" && e.conf.RuntimeParams[name] != "" {
			continue
		}
		e.conf.RuntimeParams[name] = value
	}
	e.reads.init(e.conf, most)
	e.writes.init(e.conf, committers)
	e.aside.init(e.conf, 2)

	c, err := e.aside.take(ctx)
	if err != nil {
		return err
	}
	defer e.aside.put(c)
	if err := migrate(c, e.schema); err != nil {
		return err
	}
	if err := e.names.load(c); err != nil {
		return err
	}
	if err := e.node.enter(e, c); err != nil {
		return err
	}
	if err := e.node.beat(ctx); err != nil { // which takes the leases that nobody has
		return err
	}
	work, stop := context.WithCancel(context.Background())
	e.stop = stop
	e.work.Go(func() { e.node.run(work) })
	e.work.Go(func() { e.fold(work) })
	e.work.Go(func() { e.reads.sweep(work) })
	return nil
}

func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:] // what stands before shows the URL
	}
	return text
}

// MaxSeq returns a number that is not below the Seq of any document ever written, by any node.
func (e *Engine) MaxSeq(ctx context.Context) (n int64, err error) {
	err = e.read(ctx, selectCeiling, func(values [][]byte) error {
		n = int8Value(values[0])
		return nil
	})
	return n, err
}

var selectCeiling = prepared("ceiling", "SELECT value FROM counter WHERE name = 'ceiling'")

// read runs one statement outside of any snapshot.
func (e *Engine) read(ctx context.Context, st *statement, row func(values [][]byte) error, params ...[]byte) error {
	if e.closed.Load() {
		return store.ErrClosed
	}
	_, err := e.run(ctx, st, row, params...)
	return err
}

// run runs one statement beside snapshots and batches; a second time if the connection turns out to have been lost before.
func (e *Engine) run(ctx context.Context, st *statement, row func(values [][]byte) error, params ...[]byte) (rows int64, err error) {
	err = e.beside(ctx, func(c *conn) (err error) {
		rows, err = c.run(st, row, params...)
		return err
	})
	return rows, err
}

// beside has f use a connection; a second time if it turns out to have been lost before.
func (e *Engine) beside(ctx context.Context, f func(*conn) error) error {
	for again := false; ; again = true {
		c, err := e.aside.take(ctx)
		if err != nil {
			return err
		}
		err = f(c)
		lost := c.lost()
		e.aside.put(c)
		if !lost || again {
			return err
		}
	}
}

// Committers is how many batches are written at once.
func (e *Engine) Committers() int { return committers }

// Close lets the connections go, and the node's leases.
func (e *Engine) Close() error {
	if e.closed.Swap(true) {
		return nil
	}
	e.stop()
	e.work.Wait()
	e.node.leave()
	e.writes.close()
	e.reads.close()
	e.aside.close()
	return nil
}

// lockNumber is the number of an advisory lock. Those of a database are numbered together, so the schema is part of it.
func lockNumber(schema, name string) int64 {
	h := fnv.New64a()
	h.Write([]byte("florin\x00" + schema + "\x00" + name))
	return int64(h.Sum64())
}

func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
func literal(text string) string    { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func newToken() []byte {
	token := make([]byte, 16)
	rand.Read(token)
	return token
}

// warn logs what others than the one who asks should know.
func warn(what string, err error) {
	slog.Warn("postgres: "+what, "cause", err)
}

// A pool holds connections that are not used just now, and opens others up to a number.
type pool struct {
	conf *pgconn.Config
	room chan struct{} // holds a token for each connection in use

	mu     sync.Mutex
	idle   []*conn // the last one used is the first to be used again
	closed bool
}

func (p *pool) init(conf *pgconn.Config, most int) {
	p.conf, p.room = conf, make(chan struct{}, most)
}

// take waits for room, and returns a connection.
func (p *pool) take(ctx context.Context) (*conn, error) {
	select {
	case p.room <- struct{}{}:
	default:
		select {
		case p.room <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c, err := connect(ctx, p.conf)
	if err != nil {
		<-p.room
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return c, nil
}

// put takes a connection back. The others that waited are of no more use than it, if it was lost.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	switch {
	case c.lost():
		c.net.Close()
		for _, other := range p.idle {
			other.close()
		}
		p.idle = nil
	case p.closed:
		c.close()
	default:
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	<-p.room
}

// How long connections stay.
const (
	leftOpen  = 50 * time.Millisecond // a reading transaction that nobody has ended with the next one
	leftAlone = time.Minute           // a connection that nobody uses
)

// sweep ends transactions that were left open, and closes connections that were not used for a while.
func (p *pool) sweep(ctx context.Context) {
	tick := time.NewTicker(leftOpen)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, c := range p.stale() {
			if time.Since(c.used) > leftAlone {
				c.close()
			} else {
				c.send(commit)
				c.open = false
				_ = c.sync(answerTime, nil, nil) // put sees to a connection that was lost
			}
			p.back(c)
		}
	}
}

// stale takes the connections out that something is to be done with; others may be opened meanwhile.
func (p *pool) stale() (out []*conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	keep := p.idle[:0]
	for _, c := range p.idle {
		if age := time.Since(c.used); c.open && age > leftOpen || age > leftAlone {
			select {
			case p.room <- struct{}{}:
				out = append(out, c)
				continue
			default: // all are in use, and this one will be
			}
		}
		keep = append(keep, c)
	}
	p.idle = keep
	return out
}

// back is put for a connection that may have been closed by sweep.
func (p *pool) back(c *conn) {
	if c.lost() && c.err.Error() == "closed" {
		<-p.room
		return
	}
	p.put(c)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.close()
	}
	p.idle = nil
}
