// Package testclock holds test clocks: time that stands still for the customers on it and what hangs on them, until it is advanced.
package testclock

import (
	"fmt"
	"slices"
	"time"

	"florin/internal/api"
	"florin/internal/fault"
)

// A TestClock is a time of its own, in test mode, for up to three customers and their subscriptions and invoices. It stands still until it is
// advanced; then everything that was to happen meanwhile happens in its order, each thing at its own time, and the clock is ready again. It is
// deleted with its customers, by a call or 30 days after it was made.
//
// Payments are in real time whatever the clock of their customer: the call that makes one for an invoice does it in Call.InRealTime.
//
// Known from: the spec, facts 08 (8n), 15 (15l).
type TestClock struct {
	api.Meta
	Created       int64         `json:"created"`       // Unix seconds of real time, as DeletesAfter
	DeletesAfter  int64         `json:"deletes_after"` // when it goes by itself
	FrozenTime    int64         `json:"frozen_time"`   // what it shows; while it is advanced, what it showed before (the reference shows it so)
	Livemode      bool          `json:"livemode"`
	Name          *string       `json:"name"`
	Status        string        `json:"status"`
	StatusDetails StatusDetails `json:"status_details"`

	Private struct {
		Customers int64 `json:"customers,omitempty"` // on the clock
	} `json:"-"`
}

// StatusDetails say more of the status.
type StatusDetails struct {
	Advancing *Advancing `json:"advancing,omitempty"`
}

// Advancing says where the clock is advanced to.
type Advancing struct {
	TargetFrozenTime int64 `json:"target_frozen_time"`
}

// The statuses of a clock.
const (
	ready     = "ready"
	advancing = "advancing"
	failed    = "internal_failure"
)

// What may follow each.
var clockNext = map[string][]string{
	"":        {ready},
	ready:     {advancing, failed},
	advancing: {ready, failed},
	failed:    {},
}

// Clocks is the kind of test clocks. How a missing one is named is in facts 05 (5c).
var Clocks = &api.Kind[TestClock]{Name: "test_helpers.test_clock", Word: "billingclock", Prefixes: []string{"clock"}, Param: "test_clock"}

// mostCustomers is how many customers a clock may have. Known from: facts 15 (15l).
const mostCustomers = 3

// keptFor is when a clock deletes itself, in seconds after it was made. Known from: facts 08 (8n).
const keptFor = 30 * 86400

// A Domain is the test clocks of all accounts. Its hooks are set by the domains above.
type Domain struct {
	// Farthest is how far a clock that shows from may be advanced at once: by two intervals of its shortest subscription. 0: it has none, and two
	// years are the limit. nil: no clock has any.
	Farthest func(c *api.Call, clock string, from int64) (until int64, err error)
	// Deleted are told of a clock that is about to be deleted, in this order. The call is on the clock.
	Deleted []func(c *api.Call, clock string) error
}

// New makes the domain.
func New() *Domain { return &Domain{} }

// Routes binds what test clocks do.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Clocks)
	r.Handle("POST /v1/test_helpers/test_clocks", d.create)
	r.Plain("GET /v1/test_helpers/test_clocks/{test_clock}", Clocks.Retrieve)
	r.Plain("GET /v1/test_helpers/test_clocks", Clocks.List)
	r.Handle("POST /v1/test_helpers/test_clocks/{test_clock}/advance", d.advance)
	r.Handle("DELETE /v1/test_helpers/test_clocks/{test_clock}", d.delete)
	r.Clockwork("test_clock.run", d.run)
	r.Failed("test_clock.run", d.fail)
	r.Task("test_clock.expire", d.expire)
}

// move is the only place that assigns a clock's status.
func (tc *TestClock) move(to string) error {
	if !slices.Contains(clockNext[tc.Status], to) {
		return fmt.Errorf("testclock: %s cannot go from %q to %q", tc.ID, tc.Status, to)
	}
	tc.Status, tc.StatusDetails = to, StatusDetails{}
	return nil
}

func (d *Domain) create(c *api.Call) (any, error) {
	switch {
	case c.Live():
		return nil, fault.ClockInLive()
	case c.P.Given("customer"):
		return nil, fault.ParamNotBuilt("customer") // what waits for the customer in real time would have to come along
	case c.P.Num("frozen_time") < 0:
		return nil, fault.BelowMinimum("frozen_time", 0) // unverified: how far from the present it may be
	}

	tc := Clocks.New(c, c.NewID("clock"))
	tc.Created, tc.DeletesAfter, tc.FrozenTime = c.Now(), c.Now()+keptFor, c.P.Num("frozen_time")
	if err := c.ParamsOnly(tc, "name"); err != nil {
		return nil, err
	}
	if err := tc.move(ready); err != nil {
		return nil, err
	}
	c.At(tc.DeletesAfter, "test_clock.expire", tc.ID)
	return tc, c.Save(tc, "test_helpers.test_clock.created")
}

// Enter puts the call on a clock, for whoever changes something that is on it; nil is real time. While the clock is being advanced only its own tasks may.
func Enter(c *api.Call, clock *string) error {
	if clock == nil || *clock == c.Clock() {
		return nil
	}
	_, err := enter(c, *clock, "test_clock")
	return err
}

// Look is Enter for whoever only looks at what is on a clock, which is never refused.
func Look(c *api.Call, clock *string) error {
	if clock == nil || *clock == c.Clock() {
		return nil
	}
	tc, err := Clocks.Get(c, *clock)
	if err == nil && tc != nil {
		c.OnClock(tc.ID, tc.FrozenTime)
	}
	return err
}

// Attach is Enter for a customer that is new on the clock.
func Attach(c *api.Call, clock, param string) error {
	tc, err := enter(c, clock, param)
	if err != nil {
		return err
	}
	if tc.Private.Customers >= mostCustomers {
		return fault.ClockFull(mostCustomers, param)
	}
	tc.Private.Customers++
	return c.Save(tc)
}

// Detach makes room on a clock, one of whose customers is deleted. unverified: that it does.
func Detach(c *api.Call, clock string) error {
	tc, err := enter(c, clock, "test_clock")
	if err != nil {
		return err
	}
	tc.Private.Customers--
	return c.Save(tc)
}

func enter(c *api.Call, id, param string) (*TestClock, error) {
	tc, err := Clocks.Find(c, id, param) // guarded: a call that has missed that the clock is advanced is run again
	if err != nil {
		return nil, err
	}
	now, ticking := c.Ticking(id)
	switch {
	case ticking:
	case tc.Status == advancing:
		return nil, fault.ClockAdvancing(id)
	default:
		now = tc.FrozenTime
	}
	c.OnClock(id, now)
	return tc, nil
}

// advance answers at once; the rest is work for run.
func (d *Domain) advance(c *api.Call) (any, error) {
	tc, err := d.still(c)
	if err != nil {
		return nil, err
	}
	target := c.P.Num("frozen_time")
	switch {
	case tc.Status == failed:
		return nil, fault.ClockFailed(tc.ID)
	case target <= tc.FrozenTime:
		return nil, fault.ClockBackwards()
	}
	if err := d.near(c, tc, target); err != nil {
		return nil, err
	}

	if err := tc.move(advancing); err != nil {
		return nil, err
	}
	tc.StatusDetails.Advancing = &Advancing{target}
	c.At(c.Now(), "test_clock.run", tc.ID)
	return tc, c.Save(tc, "test_helpers.test_clock.advancing")
}

// still is the clock in the path, which is refused while it is being advanced.
func (d *Domain) still(c *api.Call) (*TestClock, error) {
	tc, err := Clocks.InPath(c, "test_clock")
	if err == nil && tc.Status == advancing {
		err = fault.ClockAdvancing(tc.ID)
	}
	return tc, err
}

// near refuses a time that is too far away.
func (d *Domain) near(c *api.Call, tc *TestClock, target int64) error {
	var limit int64
	if d.Farthest != nil {
		var err error
		if limit, err = d.Farthest(c, tc.ID, tc.FrozenTime); err != nil {
			return err
		}
	}
	subscribed := limit > 0
	if !subscribed {
		limit = time.Unix(tc.FrozenTime, 0).UTC().AddDate(2, 0, 0).Unix()
	}
	if target > limit {
		return fault.ClockTooFar(subscribed)
	}
	return nil
}

// run is the task that does what is due on a clock, one thing in a unit of work: so a server that dies goes on where it was. When nothing is due any
// more, the clock shows where it was advanced to.
func (d *Domain) run(c *api.Call, id string) error {
	tc, err := Clocks.Get(c, id)
	if err != nil || tc == nil || tc.Status == failed {
		return err
	}
	if _, err := Clocks.Find(c, id, "test_clock"); err != nil { // guarded: it is not advanced just when this finds that nothing is due
		return err
	}
	until := tc.FrozenTime
	if a := tc.StatusDetails.Advancing; a != nil {
		until = a.TargetFrozenTime
	}
	more, err := c.RunClock(id, until)
	switch {
	case err != nil:
		return err
	case more:
		c.Again()
		return nil
	case tc.Status != advancing:
		return nil
	}
	if err := tc.move(ready); err != nil {
		return err
	}
	tc.FrozenTime = until
	return c.Save(tc, "test_helpers.test_clock.ready")
}

// fail ends an advance because something that was due has failed. The clock stays where it was.
func (d *Domain) fail(c *api.Call, id string) error {
	tc, err := Clocks.Get(c, id)
	if err != nil || tc == nil || tc.Status == failed {
		return err
	}
	if err := tc.move(failed); err != nil {
		return err
	}
	return c.Save(tc, "test_helpers.test_clock.internal_failure")
}

func (d *Domain) delete(c *api.Call) (any, error) {
	tc, err := d.still(c)
	if err != nil {
		return nil, err
	}
	return tc, d.remove(c, tc)
}

// expire is the task that deletes a clock when its time is over; one that is just being advanced a little later.
func (d *Domain) expire(c *api.Call, id string) error {
	tc, err := Clocks.Get(c, id)
	if err != nil || tc == nil {
		return err
	}
	if tc.Status == advancing {
		c.At(c.Now()+60, "test_clock.expire", id)
		return nil
	}
	return d.remove(c, tc)
}

// remove deletes a clock and all that is on it. unverified: that events tell of its customers.
func (d *Domain) remove(c *api.Call, tc *TestClock) error {
	c.OnClock(tc.ID, tc.FrozenTime)
	for _, follower := range d.Deleted {
		if err := follower(c, tc.ID); err != nil {
			return err
		}
	}
	if err := c.DropClock(tc.ID); err != nil {
		return err
	}
	return c.Delete(tc, "test_helpers.test_clock.deleted")
}
