// Package webhook delivers events to webhook endpoints.
//
// A delivery is a row of the outbox: it was written in the unit of work that emitted its event (api.Delivery), and it stands in an index of what is
// due, by time. So an event is delivered at least once whatever happens to this process, and never before its cause is durable.
//
// # How one endpoint holds up no other
//
// Every endpoint has a line of its own, and is sent so many events at a time (1 to 64, more as it answers well). Attempts run in two lanes: endpoints
// that answered well last time, and new ones, share the fast lane; one that hung or could not be reached goes to the slow lane, one event at a
// time, until it answers again. The slow lane is smaller, and when it is full only the slow wait.
//
// # How memory stays bounded
//
// What is committed comes in by db.OnCommit, as references of a few dozen bytes. A line holds at most maxLine of them; what does not fit stays in
// the store alone, and the line remembers from which place on (parked), and reads on from there when it has run empty. Retries wait in the store,
// too; the first time at which one is due is remembered.
//
// # What it costs payments
//
// Results are written by one goroutine, as many as have come in since its last write in one unit. So at any time at most one unit of the deliverer's
// waits with those of payments, and it rides in a transaction that they pay for anyway.
//
// # Several servers
//
// Where several servers share a store, each endpoint is one server's: that which holds its lease (store.DB.Holds). The others pass its deliveries over, and
// hear of it when a lease comes to them; then they read what is due. A server that is to give a lease away starts no more attempts, and keeps it until
// those that run have been written down.
package webhook

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/jsontext"
	"florin/internal/store"
	"florin/internal/vault"
)

const (
	firstAtOnce = 4    // events that an endpoint is sent at a time, in the beginning …
	mostAtOnce  = 64   // … and at the most
	fastLane    = 256  // attempts at a time to endpoints that answer
	slowLane    = 64   // attempts at a time to those that did not
	maxLine     = 1024 // references that a line holds
	maxFresh    = 1 << 17
	refillRows  = 20000           // rows that are looked through for one line before others have their turn
	grace       = 3 * time.Second // what attempts get to end in, when the server stops
)

// A Deliverer sends what is due. Its exported fields are set before Run.
type Deliverer struct {
	// Timeout is how long an endpoint may take to answer. Known from: facts 10b (Stripe does not say; some 20 s were observed).
	Timeout time.Duration
	// AllowPrivate lets test mode reach private networks. Live mode never does.
	AllowPrivate bool
	// RootCAs are whose certificates are believed; nil: the system's.
	RootCAs *x509.CertPool
	// Render makes an event show its data as an API version does.
	Render func(ctx context.Context, snap store.Snapshot, scope store.Scope, version string, event []byte) ([]byte, error)
	// Delivered is told of each delivery that was confirmed at the first attempt: how long after its event was made. It is called often.
	Delivered func(delay time.Duration)

	app   *api.App
	db    *store.DB
	vault *vault.Vault
	clock clock.Clock
	log   *slog.Logger

	wake chan struct{} // holds one token when mail has something
	mu   sync.Mutex
	mail mail
	out  map[string]int // attempts that run, or whose results are not written yet, by endpoint
	// endpoints are those that were sent to last, by id.
	endpoints map[string]*endpoint
	stats     counters

	// What follows belongs to Run's goroutine.
	ways       [2]*http.Transport // test, live
	lines      map[string]*line
	turn       []*line             // lines with something waiting, in the order in which they have their turn
	known      map[string]struct{} // ids of deliveries that wait in a line, are being sent, or whose result is not written yet
	fast, slow int                 // attempts that are running, by lane
	low        int64               // what was due up to this second has been read
	next       int64               // when the next delivery is due, if it is not; 0: none is known of
	record     chan result
	attempts   sync.WaitGroup
}

// mail is what others tell Run.
type mail struct {
	fresh    []ref    // deliveries that were committed
	due      int64    // the earliest time at which one of them will be due, if later than now
	lost     bool     // there were too many to tell of: all that is due must be read again
	sent     []result // attempts that have ended
	recorded []result // results that have been written
}

// A ref names a delivery.
type ref struct {
	id  string
	pos store.Pos
}

// endpoint is the endpoint that the delivery goes to (see api.DeliveryID).
func (r *ref) endpoint() string { return r.id[strings.LastIndexByte(r.id, ':')+1:] }

// A line is what waits for one endpoint.
type line struct {
	id      string
	waiting []ref
	busy    int // attempts that are running
	limit   int // how many may
	slow    bool
	listed  bool      // stands in turn
	parked  bool      // more waits in the store …
	behind  store.Pos // … from this place on
}

// New makes a deliverer.
func New(app *api.App, db *store.DB, v *vault.Vault, clk clock.Clock, log *slog.Logger) *Deliverer {
	d := &Deliverer{
		Timeout: 20 * time.Second, Render: app.RenderEvent, app: app, db: db, vault: v, clock: clk, log: log, wake: make(chan struct{}, 1),
		lines: map[string]*line{}, out: map[string]int{}, endpoints: map[string]*endpoint{}, known: map[string]struct{}{}, record: make(chan result, 4096),
	}
	db.OnCommit(d.committed)
	db.OnMissed(d.missed)
	db.OnLeave(d.working)
	db.Tell(api.Deliveries.Name, func(p *store.Put) ([]byte, bool) {
		return []byte(`{"queue":"due"}`), jsontext.Text(p.Body, "queue") == due
	})
	return d
}

// missed is told that others may have committed deliveries, or left some.
func (d *Deliverer) missed() {
	d.mu.Lock()
	d.mail.lost = true
	d.mu.Unlock()
	d.signal()
}

// working says whether attempts are running, or not written down, of endpoints that another server is to have.
func (d *Deliverer) working(leaves func(key string) bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for endpoint := range d.out {
		if leaves(holder(endpoint)) {
			return true
		}
	}
	return false
}

// holder is what decides which of several servers an endpoint is sent to by.
func holder(endpoint string) string { return "deliveries to " + endpoint }

// committed is told of units that are durable. It is called by the committer, who waits for it.
func (d *Deliverer) committed(units []*store.Unit) {
	var told bool
	for _, u := range units {
		for i := range u.Puts {
			p := &u.Puts[i]
			if p.Kind != api.Deliveries.Name || jsontext.Text(p.Body, "queue") != due {
				continue
			}
			r := ref{p.ID, store.Pos{Created: p.Created, Seq: p.Seq}}
			if !d.db.Holds(holder(r.endpoint())) {
				continue
			}
			told = true
			d.mu.Lock()
			switch {
			case p.Created > d.clock.Now().Unix():
				d.mail.due = earlier(d.mail.due, p.Created)
			case len(d.mail.fresh) >= maxFresh:
				d.mail.lost = true
			default:
				d.mail.fresh = append(d.mail.fresh, r)
			}
			d.mu.Unlock()
		}
	}
	if told {
		d.signal()
	}
}

func (d *Deliverer) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Run delivers until ctx ends. Attempts that run then have a moment to end; what they miss is sent when the server runs again.
func (d *Deliverer) Run(ctx context.Context) {
	d.ways = [2]*http.Transport{d.way(false), d.way(true)}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, cancel)
	})
	defer stop()

	var recorder sync.WaitGroup
	recorder.Go(func() { d.recorder() })
	d.next = d.clock.Now().Unix() // read what the last process left
	for ctx.Err() == nil {
		d.readMail()
		if d.next > 0 && d.next <= d.clock.Now().Unix() {
			d.read(ctx)
		}
		d.dispatch(ctx, work)
		var until time.Time
		if d.next > 0 {
			until = time.Unix(d.next, 0)
		}
		_ = d.clock.Wait(ctx, until, d.wake) // the error is ctx's
	}
	d.attempts.Wait()
	d.readMail() // hands the last results to the recorder
	close(d.record)
	recorder.Wait()
	for _, way := range d.ways {
		way.CloseIdleConnections()
	}
}

// readMail takes in what others have told.
func (d *Deliverer) readMail() {
	d.mu.Lock()
	m := d.mail
	d.mail = mail{}
	d.mu.Unlock()
	for i := range m.fresh {
		d.admit(m.fresh[i])
	}
	d.next = earlier(d.next, m.due)
	if m.lost {
		d.low, d.next = 0, d.clock.Now().Unix()
	}
	for _, r := range m.sent {
		d.ended(r)
	}
	for _, r := range m.recorded {
		delete(d.known, r.ref.id)
		d.left(r.ref.endpoint())
		switch {
		case r.reread > 0:
			d.low, d.next = 0, earlier(d.next, r.reread)
		case r.again.Created > 0 && r.again.Created <= d.clock.Now().Unix():
			d.admit(ref{r.ref.id, r.again}) // the clock has jumped: read and fresh passed it over, because it was known
		}
		if l := d.lines[r.ref.endpoint()]; l != nil && l.idle() {
			delete(d.lines, l.id)
		}
	}
	d.stats.waiting.Store(int64(len(d.known)))
}

// idle says whether nothing is known of a line that is worth remembering.
func (l *line) idle() bool {
	return l.busy == 0 && len(l.waiting) == 0 && !l.parked && !l.slow && !l.listed && l.limit <= firstAtOnce
}

// ended notes how an attempt went, and passes its result on to be written.
func (d *Deliverer) ended(r result) {
	l := d.lines[r.ref.endpoint()]
	l.busy--
	if r.slowLane {
		d.slow--
	} else {
		d.fast--
	}
	switch {
	case r.hung:
		l.limit, l.slow = 1, true
	case r.outcome == delivered:
		l.limit, l.slow = min(l.limit+1, mostAtOnce), false
	case r.outcome == stopped:
		l.limit, l.slow = firstAtOnce, false
	}
	d.list(l)
	switch r.outcome {
	case delivered, refused, stopped:
		d.record <- r
		return
	case unread: // look again, from the beginning
		d.low, d.next = 0, earlier(d.next, d.clock.Now().Unix()+retryRead)
	}
	delete(d.known, r.ref.id)
	d.left(r.ref.endpoint())
}

// left notes that an attempt has ended, and its result is written if there is one.
func (d *Deliverer) left(endpoint string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.out[endpoint]--; d.out[endpoint] <= 0 {
		delete(d.out, endpoint)
	}
}

// retryRead is how long to wait when the store could not be read, in seconds.
const retryRead = 10

// admit puts a delivery in its line, unless it is known already, or the line is full.
func (d *Deliverer) admit(r ref) {
	if _, ok := d.known[r.id]; ok {
		return
	}
	if !d.db.Holds(holder(r.endpoint())) {
		return
	}
	l := d.lines[r.endpoint()]
	if l == nil {
		l = &line{id: r.endpoint(), limit: firstAtOnce}
		d.lines[l.id] = l
	}
	if l.parked || len(l.waiting) >= maxLine {
		if !l.parked || r.pos.Less(l.behind) {
			l.behind = r.pos
		}
		l.parked = true
		return
	}
	d.known[r.id] = struct{}{}
	l.waiting = append(l.waiting, r)
	d.list(l)
}

// list gives a line a turn, if it has a use for it.
func (d *Deliverer) list(l *line) {
	if !l.listed && (len(l.waiting) > 0 || l.parked) {
		l.listed = true
		d.turn = append(d.turn, l)
	}
}

// read admits what has become due since it was last called, and finds out when it must be called again.
func (d *Deliverer) read(ctx context.Context) {
	now := d.clock.Now().Unix()
	q := store.Query{Scope: store.System, Index: queueIndex, Value: due, Ascending: true, MinCreated: d.low}
	d.low, d.next = now, 0
	err := d.scan(ctx, q, func(doc *store.Doc) bool {
		if doc.Created > now {
			d.next = doc.Created
			return false
		}
		d.admit(ref{doc.ID, store.Pos{Created: doc.Created, Seq: doc.Seq}})
		return true
	})
	if err != nil && ctx.Err() == nil {
		d.log.Error("deliveries cannot be read", "cause", err)
		d.low, d.next = 0, now+retryRead
	}
}

// refill reads on for a line that has run empty while more of it waits in the store.
func (d *Deliverer) refill(ctx context.Context, l *line) error {
	now, rows := d.clock.Now().Unix(), 0
	q := store.Query{Scope: store.System, Index: queueIndex, Value: due, Ascending: true, MinCreated: max(l.behind.Created, 1)}
	if l.behind.Created == q.MinCreated {
		q.After = &store.Pos{Created: l.behind.Created, Seq: l.behind.Seq - 1}
	}
	l.parked = false
	return d.scan(ctx, q, func(doc *store.Doc) bool {
		r := ref{doc.ID, store.Pos{Created: doc.Created, Seq: doc.Seq}}
		if rows++; rows > refillRows {
			l.parked, l.behind = true, r.pos
		}
		if doc.Created > now || l.parked {
			return false
		}
		if r.endpoint() == l.id {
			d.admit(r) // parks the line again when it is full
		}
		return !l.parked
	})
}

func (d *Deliverer) scan(ctx context.Context, q store.Query, yield func(*store.Doc) bool) error {
	snap, err := d.db.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	return snap.Scan(q, yield)
}

// dispatch starts attempts: an attempt a line and turn, as long as there is room.
func (d *Deliverer) dispatch(ctx, work context.Context) {
	for idle := 0; len(d.turn) > 0 && idle < len(d.turn) && ctx.Err() == nil; {
		l := d.turn[0]
		d.turn = d.turn[1:]
		if !d.db.Holds(holder(l.id)) { // another server reads them
			for _, r := range l.waiting {
				delete(d.known, r.id)
			}
			l.waiting, l.parked, l.listed = nil, false, false
			continue
		}
		if len(l.waiting) == 0 && l.parked && l.busy == 0 {
			behind := l.behind
			err := d.refill(ctx, l)
			switch {
			case err != nil && ctx.Err() == nil:
				d.log.Error("deliveries cannot be read", "endpoint", l.id, "cause", err)
				l.parked, l.behind = true, behind
				d.next = earlier(d.next, d.clock.Now().Unix()+retryRead)
			case len(l.waiting) == 0 && l.parked:
				d.signal() // others first, then the next rows
			}
		}
		switch {
		case len(l.waiting) == 0 && !(l.parked && l.busy == 0):
			l.listed = false // ended or admit lists it again
		case len(l.waiting) == 0 || l.busy >= l.limit || !d.room(l):
			d.turn = append(d.turn, l)
			idle++
		case !d.enter(l.id):
			d.turn = append(d.turn, l) // and is passed over next time
		default:
			d.start(work, l)
			d.turn = append(d.turn, l)
			idle = 0
		}
	}
	d.stats.fast.Store(int64(d.fast))
	d.stats.slow.Store(int64(d.slow))
}

// enter counts an attempt, unless the endpoint has just become another server's. It is counted before that is asked, so that whoever asks whether the
// endpoint can be given away is told of the attempt, or the attempt is not begun.
func (d *Deliverer) enter(endpoint string) bool {
	d.mu.Lock()
	d.out[endpoint]++
	d.mu.Unlock()
	if d.db.Holds(holder(endpoint)) {
		return true
	}
	d.left(endpoint)
	return false
}

func (d *Deliverer) room(l *line) bool {
	if l.slow {
		return d.slow < slowLane
	}
	return d.fast < fastLane
}

func (d *Deliverer) start(work context.Context, l *line) {
	r := l.waiting[0]
	l.waiting = l.waiting[1:]
	l.busy++
	slow := l.slow
	if slow {
		d.slow++
	} else {
		d.fast++
	}
	d.attempts.Go(func() {
		res := d.attempt(work, r)
		res.slowLane = slow
		d.mu.Lock()
		d.mail.sent = append(d.mail.sent, res)
		d.mu.Unlock()
		d.signal()
	})
}

// counters are what Stats shows.
type counters struct {
	attempts, delivered, failed, gaveUp, stopped, waiting, fast, slow atomic.Int64
}

// Stats are numbers for the operator. The first five only grow.
type Stats struct {
	Attempts   int64 // requests that were sent, or could not be
	Delivered  int64 // deliveries that were confirmed
	Failed     int64 // attempts that were not
	GaveUp     int64 // deliveries that failed for good
	Stopped    int64 // deliveries whose endpoint was disabled or deleted
	Waiting    int64 // deliveries in memory: waiting, being sent, or to be written
	Fast, Slow int64 // attempts that are running, by lane
}

// Stats are the numbers as they are now.
func (d *Deliverer) Stats() Stats {
	s := &d.stats
	return Stats{
		Attempts: s.attempts.Load(), Delivered: s.delivered.Load(), Failed: s.failed.Load(), GaveUp: s.gaveUp.Load(), Stopped: s.stopped.Load(),
		Waiting: s.waiting.Load(), Fast: s.fast.Load(), Slow: s.slow.Load(),
	}
}
