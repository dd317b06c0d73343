package api

import (
	"fmt"

	"florin/internal/jsontext"
	"florin/internal/search"
	"florin/internal/store"
)

// A call, or a part of it, may be on a clock that stands still until somebody advances it. What it then makes is as old as the clock says, and what
// it wants done later waits in the clock's own queue, which the worker does not look at.
//
// Some things are of the real world whatever the clock: moves of money and what the balance is now, events and their deliveries, records under
// idempotency keys, ids. Known from: code that was written against Stripe's clocks and says that an event's created is wall time, and that a payment
// intent's is, too (stripe-python issue 1183, "expected behaviour").
// unverified: the time within ids.

// OnClock puts the call on a clock, which shows now.
func (c *Call) OnClock(clock string, now int64) { c.clock, c.now = clock, now }

// Clock is the id of the clock that the call is on; "" in real time.
func (c *Call) Clock() string { return c.clock }

// InRealTime runs a part of the call off any clock: a payment, say.
func (c *Call) InRealTime(f func() error) error { return c.at("", c.real, f) }

// at runs a part of the call on a clock.
func (c *Call) at(clock string, now int64, f func() error) error {
	wasClock, was := c.clock, c.now
	c.clock, c.now = clock, now
	defer func() { c.clock, c.now = wasClock, was }()
	return f()
}

// A tick is the task of a clock that a call does, while the clock is being advanced.
type tick struct {
	clock string
	at    int64
}

// Ticking says whether the call does a task of a clock, and what time it is for the task.
func (c *Call) Ticking(clock string) (now int64, ok bool) {
	return c.tick.at, clock != "" && c.tick.clock == clock
}

// RunClock does, in this call, the first task of a clock that is due by a time: on the clock, which shows the task's own time. It returns false if
// there is none.
func (c *Call) RunClock(clock string, until int64) (bool, error) {
	var d *store.Doc
	err := c.clockTasks(clock, func(first *store.Doc) bool { d = first; return false })
	if err != nil || d == nil || d.Created > until {
		return false, err
	}
	t, err := taskOf(d)
	if err != nil {
		return false, err
	}
	c.gone = append(c.gone, taskGone(d))
	c.tick = tick{clock, d.Created}
	if err := c.at(clock, d.Created, func() error { return c.app.work(c, t) }); err != nil {
		return false, fmt.Errorf("%s, on its clock at %d: %w", t.ID, d.Created, err)
	}
	return true, nil
}

// DropClock removes the tasks of a clock, those of this call included.
func (c *Call) DropClock(clock string) error {
	kept := c.puts[:0]
	for _, p := range c.puts {
		if p.Kind != Tasks.Name || jsontext.Text(p.Body, "queue") != clock {
			kept = append(kept, p)
		}
	}
	c.puts = kept
	return c.clockTasks(clock, func(d *store.Doc) bool {
		c.gone = append(c.gone, taskGone(d))
		return true
	})
}

// clockTasks are the tasks of a clock in the order in which they are due.
func (c *Call) clockTasks(clock string, yield func(*store.Doc) bool) error {
	q := store.Query{Scope: store.System, Index: "_task.queue", Value: search.Fold(clock), Ascending: true}
	return c.scan(q, func(d *store.Doc) bool {
		return jsontext.Text(d.Body, "queue") != clock || yield(d) // indexes know no case, and ids do
	})
}

// wind has a clock looked at soon, because something has become due while it stands still.
func (c *Call) wind(clock string) {
	work := c.app.clockwork
	if work == "" {
		return
	}
	id := fmt.Sprintf("_task:%s:%d:%s:%d", work, c.Scope, clock, c.app.Store.Seq()) // never one that is just being done
	c.puts = append(c.puts, c.taskPut(&Task{Meta: Meta{ID: id, Object: "_task"}, Scope: int64(c.Scope), Work: work, Arg: clock, Queue: due}, c.real))
}

// Clockwork registers the task that does what is due on a clock (Call.RunClock); its argument is the clock's id.
func (r *Router) Clockwork(work string, f TaskFunc) {
	r.Task(work, f)
	r.app.clockwork = work
}
