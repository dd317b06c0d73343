package postgres

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"florin/internal/store"
)

// A node beats once a second: it says that it lives, renews its leases, and looks who else there is. What it commits it tells others by NOTIFY, in a
// transaction of its own, because one that notifies is committed alone; a notification is a hint that may be lost, and then the listeners hear that they
// may have missed something: when the connection that listens was away, and when a node is gone.
//
// Work in the background is spread by its key over parts; a node works at those whose leases it has. Each takes its share of them. To give one away it
// first stops taking up such work, then waits until what it has begun is done. The leases of a node that has died run out.
const (
	beat      = time.Second
	lives     = 3500 * time.Millisecond // how long after its last beat a node counts as one that lives
	leaseTime = 6 * time.Second
	leaseSafe = 1500 * time.Millisecond // a lease is used up to this much before its end
	tellEvery = 5 * time.Millisecond
	parts     = 64
	mostStubs = 4096 // that wait to be told; with more, others are told that they have missed some
	payload   = 7800 // bytes of a notification, which PostgreSQL bounds to 8000
)

var (
	enterNode = prepared("node_enter", `
		INSERT INTO node (n, token, works) SELECT g.n::smallint, $1::bytea, $3::boolean FROM generate_series(0, $2::smallint::int) g (n)
		WHERE NOT EXISTS (SELECT 1 FROM node o WHERE o.n = g.n AND o.seen > now() - interval '1 hour') ORDER BY g.n LIMIT 1
		ON CONFLICT (n) DO UPDATE SET token = excluded.token, seen = now(), works = excluded.works, listens = false RETURNING n`)
	beatNode   = prepared("node_beat", "UPDATE node SET seen = clock_timestamp(), listens = $2::boolean WHERE token = $1::bytea RETURNING n")
	seeNodes   = prepared("nodes", "SELECT token, listens, works FROM node WHERE seen > clock_timestamp() - $1::bigint * interval '1 millisecond'")
	leaveNode  = prepared("node_leave", "DELETE FROM node WHERE token = $1::bytea")
	renewLease = prepared("lease_renew", "UPDATE lease SET until = clock_timestamp() + $2::bigint * interval '1 millisecond' WHERE token = $1::bytea RETURNING part")
	takeLease  = prepared("lease_take", `
		INSERT INTO lease (part, token, until)
		SELECT p::smallint, $1::bytea, clock_timestamp() + $2::bigint * interval '1 millisecond' FROM generate_series(0, $4::smallint::int) p
		WHERE NOT EXISTS (SELECT 1 FROM lease l WHERE l.part = p AND l.until > clock_timestamp()) ORDER BY p LIMIT $3::bigint
		ON CONFLICT (part) DO UPDATE SET token = excluded.token, until = excluded.until WHERE lease.until <= clock_timestamp() RETURNING part`)
	giveLease   = prepared("lease_give", "DELETE FROM lease WHERE token = $1::bytea AND part = $2::smallint")
	giveLeases  = prepared("lease_give_all", "DELETE FROM lease WHERE token = $1::bytea")
	notify      = prepared("notify", "SELECT pg_notify($1::text, $2::text)")
	lockNow     = prepared("lock_now", "SELECT pg_advisory_xact_lock($1::bigint)")
	hurry       = prepared("hurry", "SELECT set_config('synchronous_commit', 'off', true)")
	forgetBatch = prepared("batch_forget", "DELETE FROM written WHERE at < now() - interval '1 hour'")
)

// A node is what this process is to others.
type node struct {
	e      *Engine
	token  []byte
	works  bool // it takes its share of the leases
	number atomic.Int64
	wants  atomic.Bool // somebody here wants to hear of every event
	wanted atomic.Bool // somebody elsewhere does
	deaf   atomic.Bool // nothing is heard of others
	early  chan struct{}

	mu     sync.Mutex
	told   func([]store.Put)
	missed func()
	busy   func(leaves func(key string) bool) bool
	until  [parts]time.Time // until when a lease is used; zero: it is not held
	leaves [parts]bool      // it is about to be given away
	others map[string]bool  // tokens of nodes that live

	telling  sync.Mutex
	stubs    []store.Put
	overflow bool
	told1    chan struct{}
}

// enter gives the node a number that no other has.
func (n *node) enter(e *Engine, c *conn) error {
	n.e = e
	n.token = newToken()
	n.early, n.told1 = make(chan struct{}, 1), make(chan struct{}, 1)
	c.send(begin)
	c.send(lockNow, int8Param(lockNumber(e.schema, "node")))
	given := false
	c.send(enterNode, n.token, int2Param(nodes-1), []byte{flag(n.works)})
	c.send(commit)
	err := c.sync(answerTime, func(at int, values [][]byte) error {
		if at == 2 {
			n.number.Store(int64(int2Value(values[0])))
			given = true
		}
		return nil
	}, nil)
	if err == nil && !given {
		err = fmt.Errorf("there are %d nodes already", nodes)
	}
	if err != nil && !c.lost() {
		undo(c)
	}
	return err
}

// Node is the node's number, and how many there may be.
func (e *Engine) Node() (number, of int64) { return e.node.number.Load(), nodes }

// Attach says who is told what.
func (e *Engine) Attach(told func([]store.Put), missed func(), busy func(leaves func(key string) bool) bool) {
	e.node.mu.Lock()
	defer e.node.mu.Unlock()
	e.node.told, e.node.missed, e.node.busy = told, missed, busy
}

// Wants says whether somebody here wants to hear of what only some want to hear of; Wanted whether somebody elsewhere does.
func (e *Engine) Wants(yes bool) {
	if e.node.wants.Swap(yes) != yes {
		e.node.soon()
	}
}

// Wanted is the answer to Wants of the other nodes, a second old at the most.
func (e *Engine) Wanted() bool { return e.node.wanted.Load() }

func (n *node) soon() {
	select {
	case n.early <- struct{}{}:
	default:
	}
}

func partOf(key string) int {
	h := fnv.New32a()
	h.Write([]byte(key))
	return int(h.Sum32() % parts)
}

// Holds says whether this node has the lease of the key's part.
func (e *Engine) Holds(key string) bool {
	p := partOf(key)
	e.node.mu.Lock()
	defer e.node.mu.Unlock()
	return !e.node.leaves[p] && time.Now().Before(e.node.until[p])
}

// run beats, tells and listens until ctx ends.
func (n *node) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { n.listen(ctx) })
	wg.Go(func() { n.tell(ctx) })
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for beats := 0; ; beats++ {
		if err := n.beat(ctx); err != nil && ctx.Err() == nil {
			warn("a node could not say that it lives", err)
		}
		if beats%600 == 0 {
			_, _ = n.e.run(ctx, forgetBatch, nil) // a later beat does it
		}
		if n.deaf.Load() {
			n.miss()
		}
		select {
		case <-ctx.Done():
			wg.Wait()
			return
		case <-tick.C:
		case <-n.early:
		}
	}
}

func (n *node) miss() {
	n.mu.Lock()
	missed := n.missed
	n.mu.Unlock()
	if missed != nil {
		missed()
	}
}

// beat says that the node lives, and sees to its leases.
func (n *node) beat(ctx context.Context) error {
	began := time.Now()
	present, wanted, gained := false, false, false
	held, others := map[int]bool{}, map[string]bool{}
	workers := 0
	if err := n.e.beside(ctx, func(c *conn) error {
		c.send(beatNode, n.token, []byte{flag(n.wants.Load())})
		c.send(renewLease, n.token, int8Param(leaseTime.Milliseconds()))
		c.send(seeNodes, int8Param(lives.Milliseconds()))
		workers = 0
		clear(held)
		clear(others)
		return c.sync(leaseTime, func(at int, values [][]byte) error {
			switch at {
			case 0:
				present = true
			case 1:
				held[int(int2Value(values[0]))] = true
			case 2:
				if token := string(values[0]); token != string(n.token) {
					others[token] = true
					workers += int(values[2][0])
					wanted = wanted || values[1][0] == 1
				}
			}
			return nil
		}, nil)
	}); err != nil {
		return err
	}
	if !present { // it did not beat for an hour, and its number may be another's
		return n.e.beside(ctx, func(c *conn) error { return n.enter2(c) })
	}
	n.wanted.Store(wanted)
	n.mu.Lock()
	gone := false
	for token := range n.others {
		gone = gone || !others[token]
	}
	n.others = others
	for p := range parts {
		if !held[p] {
			n.until[p], n.leaves[p] = time.Time{}, false
			continue
		}
		gained = gained || n.until[p].Before(began) // not held, or for a while not: what came meanwhile was passed over
		n.until[p] = began.Add(leaseTime - leaseSafe)
	}
	n.mu.Unlock()
	share := (parts + workers) / (workers + 1)
	if !n.works {
		share = 0
	}
	took, err := n.balance(ctx, held, share, began)
	if gone || gained || took {
		n.miss()
	}
	return err
}

// enter2 enters again, under another number.
func (n *node) enter2(c *conn) error {
	token, early, told := n.token, n.early, n.told1
	err := n.enter(n.e, c)
	n.early, n.told1 = early, told
	if err != nil {
		n.token = token
	}
	return err
}

// balance takes leases that nobody has, or gives some away, until the node has its share.
func (n *node) balance(ctx context.Context, held map[int]bool, share int, began time.Time) (took bool, err error) {
	if want := share - len(held); want > 0 {
		_, err := n.e.run(ctx, takeLease, func(values [][]byte) error {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.until[int2Value(values[0])] = began.Add(leaseTime - leaseSafe)
			took = true
			return nil
		}, n.token, int8Param(leaseTime.Milliseconds()), int8Param(int64(want)), int2Param(parts-1))
		return took, err
	}
	n.mu.Lock()
	leaving, busy := 0, n.busy
	for p := parts - 1; p >= 0; p-- {
		if held[p] && (n.leaves[p] || len(held)-leaving > share) {
			n.leaves[p] = true
			leaving++
		}
	}
	n.mu.Unlock()
	for p := range parts {
		n.mu.Lock()
		leaves := n.leaves[p]
		n.mu.Unlock()
		if !leaves || busy != nil && busy(func(key string) bool { return partOf(key) == p }) {
			continue
		}
		if _, err := n.e.run(ctx, giveLease, nil, n.token, int2Param(int16(p))); err != nil {
			return false, err
		}
		n.mu.Lock()
		n.until[p], n.leaves[p] = time.Time{}, false
		n.mu.Unlock()
	}
	return false, nil
}

// leave gives everything away, so that others need not wait.
func (n *node) leave() {
	if n.token == nil {
		return
	}
	n.mu.Lock()
	n.until = [parts]time.Time{}
	n.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), connectTime)
	defer cancel()
	_ = n.e.beside(ctx, func(c *conn) error { // what is left behind runs out
		c.send(giveLeases, n.token)
		c.send(leaveNode, n.token)
		c.send(notify, []byte(n.e.channel()), []byte(`{"from":"`+hex.EncodeToString(n.token)+`","beat":true}`))
		return c.sync(connectTime, nil, nil)
	})
}

func (e *Engine) channel() string {
	return fmt.Sprintf("florin_%016x", uint64(lockNumber(e.schema, "channel")))
}

// A notice is what nodes tell each other.
type notice struct {
	From   string `json:"from"`
	Missed bool   `json:"missed,omitempty"` // there was too much to tell
	Beat   bool   `json:"beat,omitempty"`   // nodes or leases have changed
	Stubs  []stub `json:"stubs,omitempty"`
}

type stub struct {
	Scope   int64  `json:"s"`
	ID      string `json:"i"`
	Kind    string `json:"k"`
	Created int64  `json:"c"`
	Seq     int64  `json:"q"`
	Base    int64  `json:"b,omitempty"`
	Body    string `json:"t,omitempty"`
}

// Tell tells the other nodes of puts.
func (e *Engine) Tell(stubs []store.Put) {
	n := &e.node
	n.telling.Lock()
	if len(n.stubs) < mostStubs {
		n.stubs = append(n.stubs, stubs...)
	} else {
		n.overflow = true
	}
	n.telling.Unlock()
	select {
	case n.told1 <- struct{}{}:
	default:
	}
}

// tellToLook tells the other nodes that they may have missed something, as soon as they can be told.
func (n *node) tellToLook() {
	n.telling.Lock()
	n.overflow = true
	n.telling.Unlock()
	select {
	case n.told1 <- struct{}{}:
	default:
	}
}

// tell sends what is to be told, a little later, so that much goes out at once.
func (n *node) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.told1:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(tellEvery):
		}
		n.telling.Lock()
		stubs, overflow := n.stubs, n.overflow
		n.stubs, n.overflow = nil, false
		n.telling.Unlock()
		n.mu.Lock()
		alone := len(n.others) == 0
		n.mu.Unlock()
		if alone {
			continue // one that has just come reads everything anyway
		}
		if err := n.e.beside(ctx, func(c *conn) error { return n.send(c, stubs, overflow) }); err != nil && ctx.Err() == nil {
			warn("other nodes were not told what was committed; they will be told to look", err)
			time.AfterFunc(beat, n.tellToLook)
		}
	}
}

func (n *node) send(c *conn, stubs []store.Put, overflow bool) error {
	c.send(begin)
	c.send(hurry)
	out := notice{From: hex.EncodeToString(n.token), Missed: overflow}
	size := 0
	flush := func() error {
		text, err := json.Marshal(out)
		if err != nil {
			return err
		}
		c.send(notify, []byte(n.e.channel()), text)
		out.Missed, out.Stubs, size = false, nil, 0
		return nil
	}
	for _, p := range stubs {
		more := 2*len(p.ID) + len(p.Kind) + len(p.Body) + 120
		if more > payload-100 {
			out.Missed = true
			continue
		}
		if size+more > payload-100 {
			if err := flush(); err != nil {
				return err
			}
		}
		size += more
		out.Stubs = append(out.Stubs, stub{int64(p.Scope), p.ID, p.Kind, p.Created, p.Seq, p.Base, string(p.Body)})
	}
	if err := flush(); err != nil {
		return err
	}
	c.send(commit)
	err := c.sync(answerTime, nil, nil)
	if err != nil && !c.lost() {
		undo(c)
	}
	return err
}

// listen hears what other nodes tell, until ctx ends.
func (n *node) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := n.hear(ctx)
		if ctx.Err() != nil {
			return
		}
		if !n.deaf.Swap(true) {
			warn("nothing is heard of other nodes", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func (n *node) hear(ctx context.Context) error {
	conf := n.e.conf.Copy()
	conf.OnNotification = func(_ *pgconn.PgConn, m *pgconn.Notification) { n.heard(m.Payload) }
	connecting, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	pc, err := pgconn.ConnectConfig(connecting, conf)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		pc.Close(closing)
	}()
	if _, err := pc.Exec(connecting, "LISTEN "+n.e.channel()).ReadAll(); err != nil {
		return err
	}
	n.deaf.Store(false)
	n.miss() // of what was told before
	for {
		if err := pc.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}

func (n *node) heard(text string) {
	var in notice
	if err := json.Unmarshal([]byte(text), &in); err != nil || in.From == hex.EncodeToString(n.token) {
		return
	}
	if in.Beat {
		n.soon()
	}
	if in.Missed {
		n.miss()
	}
	if len(in.Stubs) == 0 {
		return
	}
	puts := make([]store.Put, len(in.Stubs))
	for i, s := range in.Stubs {
		puts[i] = store.Put{
			Doc:  store.Doc{Scope: store.Scope(s.Scope), ID: s.ID, Kind: s.Kind, Created: s.Created, Seq: s.Seq, Body: []byte(s.Body)},
			Base: s.Base,
		}
	}
	n.mu.Lock()
	told := n.told
	n.mu.Unlock()
	if told != nil {
		told(puts)
	}
}
