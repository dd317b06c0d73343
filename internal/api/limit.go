package api

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"florin/internal/clock"
	"florin/internal/fault"
	"florin/internal/spec"
	"florin/internal/store"
)

// A Rule bounds how fast one caller may ask for some operations, or how many of them may be under way at a time.
type Rule struct {
	Reason   string                        // the value of Stripe-Rate-Limited-Reason
	Of       func(op *spec.Operation) bool // for which operations; nil: for all
	Endpoint bool                          // each operation by itself, instead of all together
	Each     string                        // each value of this variable of the path by itself; "": all together
	Rate     float64                       // a second, which is also what may come at once; or …
	Hour     bool                          // … an hour
	AtOnce   int                           // how many may be under way at a time, in place of a rate
}

// Limits are the rules of each mode. They hold for the account whose key is used: what a platform does as a connected account counts as its own.
// unverified: whether Stripe counts it to the platform.
//
// What is refused here has not begun: nothing is kept under its idempotency key, and a retry may succeed.
type Limits struct {
	clock   clock.Clock
	rules   [2]map[*spec.Operation][]*Rule // test, live
	callers sync.Map                       // store.Scope → *caller
	swept   atomic.Int64                   // when callers were last looked through, in Unix seconds
	refused [len(Reasons)]atomic.Int64
}

// Reasons are the values of Stripe-Rate-Limited-Reason. Known from: facts 03 (3a).
var Reasons = [...]string{"global-rate", "endpoint-rate", "global-concurrency", "endpoint-concurrency", "resource-specific"}

// A caller is one account in one mode, and what is left to it.
type caller struct {
	mu      sync.Mutex
	buckets map[bucketKey]*bucket
}

type bucketKey struct {
	rule *Rule
	op   *spec.Operation // of a Rule for each endpoint
	id   string          // of a Rule for each value
}

// A bucket is what a rule leaves to a caller.
type bucket struct {
	rule    *Rule
	tokens  *rate.Limiter // nil where the rule bounds how many are under way
	running int
}

// SetLimits puts rules in the way of requests, or takes them out of it where there are none.
func (a *App) SetLimits(test, live []Rule) {
	a.limits = nil
	if len(test)+len(live) == 0 {
		return
	}
	l := &Limits{clock: a.Clock}
	for mode, rules := range [2][]Rule{test, live} {
		l.rules[mode] = map[*spec.Operation][]*Rule{}
		for i := range rules {
			r := &rules[i]
			for _, op := range spec.Operations() {
				if r.Of == nil || r.Of(op) {
					l.rules[mode][op] = append(l.rules[mode][op], r)
				}
			}
		}
	}
	a.limits = l
}

// Limited is how many requests were refused, by reason as in Reasons.
func (a *App) Limited() (n [len(Reasons)]int64) {
	if a.limits != nil {
		for i := range n {
			n[i] = a.limits.refused[i].Load()
		}
	}
	return n
}

// limit refuses a request that is beyond what its caller may ask.
func (q *request) limit() error {
	l := q.app.limits
	if l == nil {
		return nil
	}
	mode := 0
	if q.who.Scope.Live() {
		mode = 1
	}
	rules := l.rules[mode][q.op]
	if len(rules) == 0 {
		return nil
	}
	scope := q.who.Scope
	if q.account != "" && q.who.Platform != nil {
		scope = q.who.Platform.Scope
	}
	now := l.clock.Now()
	l.sweep(now)
	held, reason := l.caller(scope).take(rules, q, now)
	if reason != "" {
		for i := range Reasons {
			if Reasons[i] == reason {
				l.refused[i].Add(1)
			}
		}
		return fault.RateLimited(reason)
	}
	q.held = held
	return nil
}

func (l *Limits) caller(scope store.Scope) *caller {
	if c, ok := l.callers.Load(scope); ok {
		return c.(*caller)
	}
	c, _ := l.callers.LoadOrStore(scope, &caller{buckets: map[bucketKey]*bucket{}})
	return c.(*caller)
}

// take asks every rule first, and then takes from all. What it returns must be given back: the buckets of rules about how many are under way.
func (c *caller) take(rules []*Rule, q *request, now time.Time) (held []*bucket, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var room [8]*bucket
	mine := room[:0]
	for _, r := range rules {
		b := c.bucket(r, q)
		if b.tokens == nil && b.running >= r.AtOnce || b.tokens != nil && b.tokens.TokensAt(now) < 1 {
			return nil, r.Reason
		}
		mine = append(mine, b)
	}
	for _, b := range mine {
		if b.tokens != nil {
			b.tokens.AllowN(now, 1)
			continue
		}
		b.running++
		held = append(held, b)
	}
	if len(held) > 0 {
		q.caller = c
	}
	return held, ""
}

func (c *caller) bucket(r *Rule, q *request) *bucket {
	key := bucketKey{rule: r}
	if r.Endpoint {
		key.op = q.op
	}
	if r.Each != "" {
		key.id = q.vars.Get(r.Each)
	}
	b := c.buckets[key]
	if b == nil {
		b = &bucket{rule: r}
		if r.AtOnce == 0 {
			per := r.Rate
			if r.Hour {
				per /= 3600
			}
			b.tokens = rate.NewLimiter(rate.Limit(per), max(1, int(r.Rate)))
		}
		c.buckets[key] = b
	}
	return b
}

// release gives back what the request held while it was under way.
func (q *request) release() {
	if q.held == nil {
		return
	}
	q.caller.mu.Lock()
	defer q.caller.mu.Unlock()
	for _, b := range q.held {
		b.running--
	}
	q.held = nil
}

// sweepEvery is how often what is full again is forgotten, in seconds.
const sweepEvery = 60

// sweep forgets the buckets that are full, and the callers that have no others.
func (l *Limits) sweep(now time.Time) {
	last := l.swept.Load()
	if now.Unix() < last+sweepEvery || !l.swept.CompareAndSwap(last, now.Unix()) {
		return
	}
	l.callers.Range(func(scope, value any) bool {
		c := value.(*caller)
		c.mu.Lock()
		defer c.mu.Unlock()
		for key, b := range c.buckets {
			if b.running == 0 && (b.tokens == nil || b.tokens.TokensAt(now) >= float64(b.tokens.Burst())) {
				delete(c.buckets, key)
			}
		}
		if len(c.buckets) == 0 {
			l.callers.Delete(scope) // one who has it at hand takes from it once more, which is a request too many at the most
		}
		return true
	})
}

// Reads says whether an operation only reads.
func Reads(op *spec.Operation) bool { return op.Method == http.MethodGet }
