package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/spec"
	"florin/internal/store"
)

// A Call is one run of one handler: what was asked, by whom, and everything that it reads and changes. A handler touches nothing else: no
// clock, no randomness, no network; so it may be run again after a conflict.
type Call struct {
	app *App
	ctx context.Context

	Op      *spec.Operation
	P       *form.Value // the parameters, checked and typed
	Who     *Principal
	Scope   store.Scope // where the call acts
	Version string      // the API version of the answer
	Asked   bool        // the request itself asks for that version

	RequestID      string // "" when no request asked for this (a task)
	IdempotencyKey string

	vars    spec.Vars
	url     string // the path, for lists
	ip      string
	reached string
	now     int64  // of the clock that the call is on
	real    int64  // of the world
	clock   string // "" in real time
	tick    tick   // the task of a clock that the call does
	again   bool   // the task that the call does stays in the queue
	snap    *store.View
	docs    docs
	change  []*state // in the order of the first Save
	puts    []store.Put
	gone    []store.Delete
	guards  []store.Ref
	moves   []store.Move
	sends   []Outside
	expand  *expansion
	after   []later

	request  EventRequest // what events say of the request, once it was asked for
	keyDoc   string       // the id of the record under the idempotency key, once it was asked for
	presumed string       // the id of a document of the call's scope that is taken to be absent unless it is at hand
}

func (a *App) newCall(ctx context.Context, scope store.Scope) *Call {
	now := a.Clock.Now().Unix()
	return &Call{app: a, ctx: ctx, Scope: scope, now: now, real: now, Version: spec.Version()}
}

// Now is the time of the call, in Unix seconds: of the clock that it is on, if it is on one.
func (c *Call) Now() int64 { return c.now }

// Live says whether the call acts in live mode.
func (c *Call) Live() bool { return c.Scope.Live() }

// Path is a variable of the request's path.
func (c *Call) Path(name string) string { return c.vars.Get(name) }

// Publishable says whether the caller has only a publishable key: somebody's browser.
func (c *Call) Publishable() bool { return c.Who != nil && c.Who.Kind == PublishableKey }

// ClientIP is the address that the request came from; "" for a task.
func (c *Call) ClientIP() string { return c.ip }

// Reached is the URL under which the caller reached this server; "" for a task.
func (c *Call) Reached() string { return c.reached }

// Base is the URL under which browsers reach this server.
func (c *Call) Base() string { return c.app.Base }

// Context ends when the work of the call should be given up.
func (c *Call) Context() context.Context { return c.ctx }

// NewID makes an id with a 24-character body for an object of the call's account.
func (c *Call) NewID(prefix string) string {
	return id.New(prefix, '1', c.real, c.accountPart())
}

// NewModeID is NewID for a kind whose ids say their mode: mtr_test_….
func (c *Call) NewModeID(prefix string) string {
	if !c.Live() {
		prefix += "_test"
	}
	return c.NewID(prefix)
}

// NewShortID makes an id with a 14-character body.
func (c *Call) NewShortID(prefix string) string { return id.Short(prefix, c.real) }

func (c *Call) accountPart() string {
	if c.Who == nil {
		return id.AccountPart("")
	}
	return id.AccountPart(c.Who.AccountID)
}

// AccountPart is the part of ids that tells the account.
func (c *Call) AccountPart() string { return c.accountPart() }

// view is what the call reads from.
func (c *Call) view() *store.View {
	if c.snap == nil {
		c.snap = c.app.Store.View(c.ctx)
	}
	return c.snap
}

func (c *Call) closeSnapshot() {
	if c.snap != nil {
		c.snap.Close()
		c.snap = nil
	}
}

// state finds or loads the one state of a document; nil if there is none.
func (c *Call) state(scope store.Scope, id string) (*state, error) {
	if id == "" {
		return nil, nil
	}
	if st := c.docs.get(scope, id); st != nil {
		return st, nil
	}
	if id == c.presumed && scope == c.Scope {
		if d, ok := c.view().AtHand(scope, id); !ok || d == nil {
			return nil, nil
		}
	}
	d, err := c.view().Get(scope, id)
	if err != nil || d == nil {
		return nil, err
	}
	return c.adopt(d), nil
}

// adopt makes the state of a document that a snapshot gave.
func (c *Call) adopt(d *store.Doc) *state {
	if st := c.docs.get(d.Scope, d.ID); st != nil {
		return st
	}
	k := c.app.kinds[d.Kind]
	if k == nil {
		return nil
	}
	st := &state{
		kind: k, scope: d.Scope, id: d.ID, base: d.Ver, ver: d.Ver, created: d.Created, seq: d.Seq,
		deleted: d.Deleted, orig: d.Body, body: d.Body, priv: d.Priv, memo: d.Memo,
	}
	c.docs.put(st)
	return st
}

func (c *Call) scan(q store.Query, yield func(*store.Doc) bool) error {
	return c.view().Scan(q, yield)
}

// Save keeps what has changed in an object, and emits events that show it as it now is.
func (c *Call) Save(obj Resource, events ...string) error {
	st := obj.meta().st
	if st == nil {
		return fmt.Errorf("save of %s, which was not made by its kind", obj.meta().ID)
	}
	before := st.body
	st.dirty = true
	if !st.listed {
		st.listed = true
		if c.change == nil {
			c.change = make([]*state, 0, 16)
		}
		c.change = append(c.change, st)
	}
	for _, typ := range events {
		if err := c.emit(typ, st, before); err != nil {
			return err
		}
	}
	return nil
}

// Emit emits an event that shows an object as it is, without changing it.
func (c *Call) Emit(typ string, obj Resource) error {
	st := obj.meta().st
	return c.emit(typ, st, st.body)
}

// Delete leaves a tombstone in the object's place: it answers for its id as deleted, and stands in no list.
func (c *Call) Delete(obj Resource, events ...string) error {
	if err := c.Save(obj, events...); err != nil {
		return err
	}
	st := obj.meta().st
	st.seal()
	st.deleted = true
	return nil
}

// Changed says whether the object was made in this call, or saved in it.
func (c *Call) Changed(obj Resource) bool { return obj.meta().st.listed }

// Move moves money between two ledger accounts of the call's scope. Amount is in minor units, and above zero.
func (c *Call) Move(m store.Move) error {
	if m.Amount <= 0 || m.From == m.To || m.Currency == "" || m.Source == "" {
		return fmt.Errorf("not a move: %+v", m)
	}
	if m.Scope == store.System {
		m.Scope = c.Scope
	}
	m.Created = c.real
	c.moves = append(c.moves, m)
	return nil
}

// Moves are the moves of one source, those of this call included.
func (c *Call) Moves(source string) ([]store.Move, error) {
	var out []store.Move
	err := c.view().Moves(c.Scope, source, func(m store.Move) bool { out = append(out, m); return true })
	for _, m := range c.moves {
		if m.Scope == c.Scope && m.Source == source {
			out = append(out, m)
		}
	}
	return out, err
}

// Sums adds up the moves of the call's scope as of now, in real time, those of this call included.
func (c *Call) Sums() ([]store.Sum, error) {
	sums, err := c.view().Sums(c.Scope, c.real)
	if err != nil {
		return nil, err
	}
	add := func(account string, m store.Move, amount int64) {
		i := slices.IndexFunc(sums, func(s store.Sum) bool { return s.Account == account && s.Currency == m.Currency })
		if i < 0 {
			i, sums = len(sums), append(sums, store.Sum{Account: account, Currency: m.Currency})
		}
		if m.AvailableOn <= c.real {
			sums[i].Available += amount
		} else {
			sums[i].Pending += amount
		}
	}
	for _, m := range c.moves {
		if m.Scope == c.Scope {
			add(m.From, m, -m.Amount)
			add(m.To, m, m.Amount)
		}
	}
	return sums, nil
}

// Later runs a function at the end of the call, when its answer has been made but before it is committed: for what Stripe does just after it
// has answered. The answer does not show it. It runs at the time at which it was asked for.
func (c *Call) Later(f func(*Call) error) { c.after = append(c.after, later{f, c.clock, c.now}) }

// later is what was left for the end of a call, and the time that it is then.
type later struct {
	do    func(*Call) error
	clock string
	now   int64
}

// Soon is Later for what happens by itself, such as what a bank or a cardholder does next: its events name no request.
func (c *Call) Soon(f func(*Call) error) {
	c.Later(func(c *Call) error {
		request := c.RequestID
		c.RequestID = ""
		defer func() { c.RequestID = request }()
		return f(c)
	})
}

// Aside runs f in a call of its own, which is like this one, sees what is committed, and keeps nothing of what it does: for an answer about what would be.
func (c *Call) Aside(f func(*Call) error) error {
	o := c.app.newCall(c.ctx, c.Scope)
	o.Op, o.P, o.Who, o.Version, o.Asked, o.RequestID = c.Op, c.P, c.Who, c.Version, c.Asked, c.RequestID
	o.vars, o.url, o.ip, o.reached = c.vars, c.url, c.ip, c.reached
	o.clock, o.now, o.real, o.tick = c.clock, c.now, c.real, c.tick
	defer o.closeSnapshot()
	return f(o)
}

// noSuch is the refusal of an id that names nothing here, with what Stripe adds when it knows where the object is instead.
func (c *Call) noSuch(k *kind, id, param string, status int) error {
	e := fault.NoSuch(k.word, id, param, status)
	other := c.Scope ^ 1
	if c.Scope != store.System && c.Who != nil && len(id) > 3 && strings.ContainsRune(id, '_') {
		if st, err := c.state(other, k.key(id)); err == nil && st != nil && !st.deleted {
			c.docs.remove(st)
			e.Message += "; a similar object exists in live mode, but a test mode key was used to make this request."
			if c.Live() {
				e.Message = strings.Replace(e.Message, "in live mode, but a test mode key", "in test mode, but a live mode key", 1)
			}
			return e
		}
	}
	if c.app.Elsewhere != nil && c.Who != nil {
		e.Message += c.app.Elsewhere(c, k.name, id)
	}
	return e
}

// NotFound is the refusal of a path whose object is missing, with the words of its kind.
func NotFound(word, id, param string) *fault.Error {
	return fault.NoSuch(word, id, param, http.StatusNotFound)
}

// AtLeast says whether the call's API version is of a date, such as 2024-04-10, or newer.
func (c *Call) AtLeast(date string) bool { return len(c.Version) >= 10 && c.Version[:10] >= date }
