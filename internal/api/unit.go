package api

import (
	"context"
	"errors"
	"fmt"

	"florin/internal/fault"
	"florin/internal/store"
)

// tries is how often a unit that loses races is run again before its caller is told to come back.
const tries = 64

// An Outside is something that must leave: a request to a network or a bank. It is called after the commit with no transaction open, and
// returns what applies its result, which runs in a second unit of work.
type Outside func(ctx context.Context) func(*Call) error

// Send asks for something to leave when the call has been committed.
func (c *Call) Send(o Outside) { c.sends = append(c.sends, o) }

// transact runs f in calls that mk makes, until one is committed. A fault without Keep undoes what the call did; f may have put something
// into it that is kept all the same (see Call.reset).
func (a *App) transact(mk func() *Call, f func(*Call) error) (*Call, error) {
	for range tries {
		c := mk()
		unit, err := c.gather(f)
		if err != nil || unit.Empty() {
			return c, err
		}
		ctx, span := a.Span(c.ctx, "commit")
		err = a.Store.Commit(ctx, unit)
		span.End(err)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return c, fmt.Errorf("commit: %w", err)
		}
	}
	return nil, fault.LockTimeout()
}

// gather runs f and what it left for later, and returns what is to be committed. The snapshot is closed, come what may.
func (c *Call) gather(f func(*Call) error) (*store.Unit, error) {
	defer c.closeSnapshot()
	if err := f(c); err != nil {
		return nil, err
	}
	for len(c.after) > 0 {
		later := c.after[0]
		c.after = c.after[1:]
		if err := c.at(later.clock, later.now, func() error { return later.do(c) }); err != nil {
			return nil, err
		}
	}
	return c.unit(), nil
}

// reset forgets everything that the call has changed, for an answer that is stored though its request is undone.
func (c *Call) reset() {
	c.change, c.puts, c.gone, c.guards, c.moves, c.sends, c.after = nil, nil, nil, nil, nil, nil, nil
	c.docs = docs{}
}

// unit gathers what the call has changed.
func (c *Call) unit() *store.Unit {
	u := &store.Unit{Puts: make([]store.Put, len(c.puts), len(c.puts)+len(c.change)+1), Deletes: c.gone, Guards: c.guards, Moves: c.moves}
	copy(u.Puts, c.puts)
	all := make([]store.Entry, 0, 4*len(c.change)) // places of all that is put, one behind the other
	for i := 0; i < len(c.change); i++ {
		st := c.change[i]
		st.seal()
		u.Versions = append(u.Versions, st.history...)
		n := len(all)
		all = st.kind.places(all, st.body, st.deleted, st.obj)
		u.Puts = append(u.Puts, store.Put{
			Doc:  st.doc(),
			Base: st.base, Keep: !st.kind.internal, Index: all[n:len(all):len(all)], Was: st.kind.entries(st.orig, false),
		})
	}
	for _, st := range c.docs.list {
		if st.guarded && !st.listed && st.base > 0 {
			u.Guards = append(u.Guards, store.Ref{Scope: st.scope, ID: st.id, Ver: st.base})
		}
	}
	return u
}

// Do runs f in a unit of work of the app's own, as no one's request: for tasks, commands and what came back from outside.
func (a *App) Do(ctx context.Context, scope store.Scope, f func(*Call) error) error {
	who, err := a.principalOf(ctx, scope)
	if err != nil {
		return err
	}
	return a.do(func() *Call {
		c := a.newCall(ctx, scope)
		c.Who = who
		return c
	}, f)
}

// do runs f in calls that mk makes, then what it sent outside.
func (a *App) do(mk func() *Call, f func(*Call) error) error {
	c, err := a.transact(mk, f)
	if err != nil {
		return err
	}
	for _, send := range c.sends {
		apply := a.leave(c, send)
		if apply == nil {
			continue // nothing came back; a task finds out
		}
		back := func() *Call { // still does the task of a clock, if the call that sent it did
			n := mk()
			n.tick = c.tick
			return n
		}
		if err := a.do(back, apply); err != nil {
			return err
		}
	}
	return nil
}

// leave lets something leave, and returns what applies its result, if anything came back.
func (a *App) leave(c *Call, send Outside) func(*Call) error {
	ctx, span := a.Span(c.ctx, "send")
	defer span.End(nil)
	return send(ctx)
}
