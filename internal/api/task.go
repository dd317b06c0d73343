package api

import (
	"context"
	"fmt"
	"time"

	"florin/internal/jsontext"
	"florin/internal/store"
)

// A Task is work that is due at a time. It is written in the unit of work that wants it, and done by a worker.
type Task struct {
	Meta
	Scope int64  `json:"scope"`
	Work  string `json:"work"` // the name that its handler was registered under
	Arg   string `json:"arg"`  // usually the id of what it is about
	Queue string `json:"queue"`
	Tries int64  `json:"tries"`
}

// Tasks is the kind of tasks. They stand in the system's scope in the order in which they are due.
var Tasks = &Kind[Task]{Name: "_task", Internal: true, Index: []string{"queue"}}

// A TaskFunc does a task. It must be content to find that nothing is left to do.
type TaskFunc func(c *Call, arg string) error

// due is the queue of the tasks of real time. Those of a clock stand in a queue that is named after it.
const due = "due"

// At asks for work at a time, in Unix seconds. The same work for the same argument at the same time is one task, however often it is asked for. Of a
// call on a clock it is the clock's time, and when that comes the work is done on the clock.
func (c *Call) At(when int64, work, arg string) {
	if c.app.tasks[work] == nil {
		panic("api: nobody does the task " + work)
	}
	id, queue := fmt.Sprintf("_task:%s:%d:%s:%d", work, c.Scope, arg, when), due
	if c.clock != "" {
		id, queue = id+":"+c.clock, c.clock
		when = max(when, c.now) // a clock never goes back
	}
	for i := range c.puts {
		if c.puts[i].ID == id && c.puts[i].Scope == store.System {
			return // asked for in this call already
		}
	}
	t := &Task{Meta: Meta{ID: id, Object: "_task"}, Scope: int64(c.Scope), Work: work, Arg: arg, Queue: queue}
	c.puts = append(c.puts, c.taskPut(t, when))
	if _, ticking := c.Ticking(c.clock); c.clock != "" && when <= c.now && !ticking {
		c.wind(c.clock)
	}
}

// Again has the task that the call does stay in its queue, and done again at once: for work that is many units of work.
func (c *Call) Again() { c.again = true }

func (c *Call) taskPut(t *Task, when int64) store.Put {
	st := &state{kind: Tasks.base(), obj: t, scope: store.System, id: t.ID, created: when, dirty: true}
	st.seal()
	return store.Put{
		Doc: store.Doc{
			Scope: st.scope, ID: st.id, Ver: st.ver, Kind: st.kind.name, Created: when, Seq: c.app.Store.Seq(), Body: st.body,
		},
		Base: store.IfAbsent, Index: st.kind.places(nil, st.body, false, st.obj),
	}
}

// RunDue does the tasks that are due, in order, and returns when the next one will be (0: none waits). A task that fails is tried again
// after a while; its failure is logged.
func (a *App) RunDue(ctx context.Context) (next int64, err error) {
	for ctx.Err() == nil {
		batch, next, err := a.dueTasks(ctx)
		if err != nil || len(batch) == 0 {
			return next, err
		}
		for _, d := range batch {
			if err := a.runTask(ctx, d); err != nil {
				return 0, err
			}
		}
	}
	return 0, ctx.Err()
}

// dueTasks reads a batch of tasks whose time has come, and the time of the first whose has not.
func (a *App) dueTasks(ctx context.Context) (batch []*store.Doc, next int64, err error) {
	snap, err := a.Store.Snapshot(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer snap.Close()
	now := a.Clock.Now().Unix()
	err = snap.Scan(store.Query{Scope: store.System, Index: "_task.queue", Value: due, Ascending: true}, func(d *store.Doc) bool {
		if d.Created > now {
			next = d.Created
			return false
		}
		if a.Store.Holds(holder(d)) {
			batch = append(batch, d)
		}
		return len(batch) < 100
	})
	return batch, next, err
}

// holder is what decides which of several servers does a task: the account that it is for, whose tasks are done in order.
func holder(d *store.Doc) string { return "tasks of " + jsontext.Text(d.Body, "scope") }

// retryTaskAfter is how long a failed task rests, in seconds, for each time that it has failed; a day at the most.
const retryTaskAfter = 30

func (a *App) runTask(ctx context.Context, d *store.Doc) error {
	t, err := taskOf(d)
	if err != nil {
		return err
	}
	traced, span := a.Span(ctx, "task "+t.Work)
	err = a.Do(traced, store.Scope(t.Scope), func(c *Call) error {
		return c.finish(d, func() error { return a.work(c, t) })
	})
	span.End(err)
	if a.Tasked != nil && ctx.Err() == nil {
		a.Tasked(t.Work, err)
	}
	if err == nil || ctx.Err() != nil {
		return nil
	}
	a.Log.Error("a task failed", "task", d.ID, "tries", t.Tries+1, "cause", err)
	if f := a.failed[t.Work]; f != nil {
		return a.Do(ctx, store.Scope(t.Scope), func(c *Call) error {
			return c.finish(d, func() error { return f(c, t.Arg) })
		})
	}
	return a.Do(ctx, store.System, func(c *Call) error {
		return c.finish(d, func() error {
			again := *t
			again.Tries++
			again.ID = fmt.Sprintf("%s:%d", t.ID, again.Tries)
			c.puts = append(c.puts, c.taskPut(&again, c.real+min(retryTaskAfter*again.Tries, 86400)))
			return nil
		})
	})
}

// work does a task in a call.
func (a *App) work(c *Call, t *Task) error {
	f := a.tasks[t.Work]
	if f == nil {
		return fmt.Errorf("nobody does the task %s", t.Work)
	}
	return f(c, t.Arg)
}

// finish runs f in the unit of work in which the task leaves the queue, unless f wants it done again. If it has left already, another server has
// done it.
func (c *Call) finish(d *store.Doc, f func() error) error {
	if c.app.Store.Shared() != nil {
		now, err := c.view().Get(d.Scope, d.ID)
		if err != nil || now == nil {
			return err
		}
	}
	if err := f(); err != nil {
		return err
	}
	if c.again {
		c.guards = append(c.guards, store.Ref{Scope: d.Scope, ID: d.ID, Ver: d.Ver})
	} else {
		c.gone = append(c.gone, taskGone(d))
	}
	return nil
}

// taskGone takes a task out of its queue.
func taskGone(d *store.Doc) store.Delete {
	return store.Delete{Scope: d.Scope, ID: d.ID, Base: d.Ver, Was: Tasks.base().entries(d.Body, false)}
}

// taskOf reads a task.
func taskOf(d *store.Doc) (*Task, error) {
	obj, err := (&state{kind: Tasks.base(), id: d.ID, body: d.Body}).object()
	if err != nil {
		return nil, err
	}
	return obj.(*Task), nil
}

// Work does tasks as they become due, until ctx ends. It wakes when one has been committed, and looks again from time to time.
func (a *App) Work(ctx context.Context) {
	for ctx.Err() == nil {
		next, err := a.RunDue(ctx)
		if err != nil && ctx.Err() == nil {
			a.Log.Error("tasks cannot be read", "cause", err)
		}
		until := a.Clock.Now().Add(time.Minute)
		if t := time.Unix(next, 0); next > 0 && t.Before(until) {
			until = t
		}
		a.Clock.Wait(ctx, until, a.taskWake)
	}
}

// DueTasks is how many tasks are due and not done, of which it counts so many at the most, and since when the first of them is (in Unix seconds; 0 if
// there is none).
func (a *App) DueTasks(ctx context.Context, most int) (n int, since int64, err error) {
	snap, err := a.Store.Snapshot(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer snap.Close()
	now := a.Clock.Now().Unix()
	err = snap.Scan(store.Query{Scope: store.System, Index: "_task.queue", Value: due, Ascending: true, MaxCreated: now}, func(d *store.Doc) bool {
		if n++; n == 1 {
			since = d.Created
		}
		return n < most
	})
	return n, since, err
}
