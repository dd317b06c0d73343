package api

import (
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"florin/internal/fault"
	"florin/internal/store"
)

// A Gate bounds the requests that are being worked on. What comes when it is full is turned away at once and told to come again: an answer in
// time to some is worth more than a late one to all. A request is inside from when it has been read until its answer is made, without the time
// in which it waits for a network outside; slow clients hold up nobody.
//
// Where the committer does not keep up, the gate narrows, until what waits for it is what it can take.
type Gate struct {
	most   int64 // inside, when the committer keeps up
	limit  atomic.Int64
	inside atomic.Int64
	shed   atomic.Int64
	bodies atomic.Int64 // bytes of large bodies in memory
	before atomic.Int64 // how long the last commit took, as a time.Duration
}

const (
	perCore    = 512                    // requests inside, for each core; twice as many payments as one commit takes
	leastOpen  = 64                     // how far the gate narrows
	late       = 100 * time.Millisecond // how long a unit may wait for the committer …
	lateTimes  = 2                      // … if that is also this many times what the last commits took: one that came amid a slow one is not late
	smallBody  = 64 << 10               // bytes of a body that are read whatever else is in memory; no payment has more
	mostBodies = 256 << 20              // bytes of larger bodies in memory, all together
)

// NewGate makes a gate that lets so many requests in; 0 is as many as the machine can work on.
func NewGate(most int) *Gate {
	if most <= 0 {
		most = perCore * runtime.GOMAXPROCS(0)
	}
	g := &Gate{most: int64(most)}
	g.limit.Store(g.most)
	return g
}

// Enter lets a request in, who must then Leave, or says that there is no room.
func (g *Gate) Enter() bool {
	if g.inside.Add(1) <= g.limit.Load() {
		return true
	}
	g.inside.Add(-1)
	g.shed.Add(1)
	return false
}

// Leave ends what Enter began.
func (g *Gate) Leave() { g.inside.Add(-1) }

// Committed hears from the committer how long units waited for it, and narrows or widens the gate.
func (g *Gate) Committed(b store.Batch) {
	limit, before := g.limit.Load(), time.Duration(g.before.Swap(int64(b.Took)))
	switch {
	case b.Waited > late && b.Waited > lateTimes*max(b.Took, before):
		busy := min(limit, g.inside.Load()) // what is inside is too much, whatever might be
		g.limit.Store(min(limit, max(busy-busy/4, min(leastOpen, g.most))))
	case limit < g.most:
		g.limit.Store(min(limit+limit/16+1, g.most))
	}
}

// GateStats are numbers for the operator.
type GateStats struct {
	Inside, Limit, Most int64 // requests: being worked on, that may be now, that may be at the most
	Shed                int64 // requests that were turned away
	Bodies              int64 // bytes of large bodies in memory
}

// Stats are the numbers as they are now.
func (g *Gate) Stats() GateStats {
	return GateStats{g.inside.Load(), g.limit.Load(), g.most, g.shed.Load(), g.bodies.Load()}
}

// admit lets the request in, or turns it away.
func (q *request) admit() error {
	if !q.app.Gate.Enter() {
		return fault.Overloaded()
	}
	q.inside = true
	return nil
}

// out ends what admit and limit began.
func (q *request) out() {
	q.release()
	if q.inside {
		q.inside = false
		q.app.Gate.Leave()
	}
}

// away does what waits for the outside, meanwhile not counted as being worked on. The request is in again afterwards, even if there is no room.
func (q *request) away(f func()) {
	q.app.Gate.Leave()
	defer q.app.Gate.inside.Add(1)
	f()
}

// readBody reads a body of at most so many bytes. The bytes of large bodies are counted, over all requests, as they come in: who announces much
// and sends nothing takes nothing.
func (q *request) readBody(most int64) ([]byte, error) {
	body := http.MaxBytesReader(q.w, q.r.Body, most)
	if n := q.r.ContentLength; n >= 0 && n <= smallBody {
		text := make([]byte, n)
		_, err := io.ReadFull(body, text)
		return text, err
	}
	counted := &countedBody{from: body, gate: q.app.Gate}
	text, err := io.ReadAll(counted)
	q.large = counted.large
	return text, err
}

// A countedBody counts what is read of a body beyond what is small.
type countedBody struct {
	from  io.Reader
	gate  *Gate
	read  int64
	large int64 // bytes that were counted
}

// Read refuses to go on when there is too much in memory.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.read += int64(n)
	if more := b.read - smallBody - b.large; more > 0 {
		b.large += more
		if b.gate.bodies.Add(more) > mostBodies {
			b.gate.shed.Add(1)
			return n, fault.Overloaded()
		}
	}
	return n, err
}
