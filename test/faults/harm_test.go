package faults

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A fault is one kind of harm.
type fault struct {
	name  string
	doors bool // the server is node, which can be told to fail
	moves bool // the clock moves
	kills bool // the server dies of it
	// postgres: two servers share a PostgreSQL
	postgres bool
	// harm does it under load, undoes it, and says so by load.expect.
	harm func(c *cell, began time.Time) error
	// after is done when the load has ended. It returns how long the recovery took.
	after func(c *cell) (time.Duration, error)
	// begin makes what a cell of it needs.
	begin func(c *cell) error
}

// short is the name as it stands in keys.
func (f *fault) short() string { return strings.ReplaceAll(f.name, " ", "-") }

var kills = []*fault{
	{name: "kill -9", kills: true, harm: func(c *cell, began time.Time) error {
		c.load.hold()
		return errors.Join(c.server.Kill(), c.reborn(began))
	}},
	{name: "kill -9 in a commit", doors: true, kills: true, harm: func(c *cell, began time.Time) error {
		op := []string{"write log", "write log", "sync log", "write any", "sync any"}[c.random.IntN(5)]
		c.load.hold()
		if _, err := c.tell("disk %s kill %d 1", op, c.random.IntN(40)); err != nil {
			return err
		}
		return c.dies(began)
	}},
}

var others = []*fault{
	{name: "power cut", doors: true, kills: true, harm: func(c *cell, began time.Time) error {
		order := "cut"
		if c.random.IntN(2) == 0 {
			order = fmt.Sprintf("disk %s any cut %d 1", []string{"write", "sync"}[c.random.IntN(2)], c.random.IntN(40))
		}
		c.load.hold()
		if _, err := c.tell("%s", order); err != nil {
			return err
		}
		return c.dies(began)
	}},
	{name: "failed sync, then power cut", doors: true, kills: true, harm: func(c *cell, began time.Time) error {
		if err := c.failing(fmt.Sprintf("disk sync any fail %d %d", c.random.IntN(5), 1+c.random.IntN(3)), false); err != nil {
			return err
		}
		if _, err := c.load.recovered(); err != nil {
			return err
		}
		c.while(1*time.Millisecond, 100*time.Millisecond)
		c.load.hold()
		if _, err := c.tell("cut"); err != nil {
			return err
		}
		return c.dies(began)
	}},
	{name: "disk full", doors: true, harm: func(c *cell, _ time.Time) error {
		return c.failing("disk write any full 0 -1", true)
	}},
	{name: "write fails", doors: true, harm: func(c *cell, _ time.Time) error {
		return c.failing(fmt.Sprintf("disk write %s fail %d %d", c.file(), c.random.IntN(8), c.times()), true)
	}},
	{name: "short write", doors: true, harm: func(c *cell, _ time.Time) error {
		return c.failing(fmt.Sprintf("disk write %s short %d %d", c.file(), c.random.IntN(8), c.times()), true)
	}},
	{name: "fsync fails", doors: true, harm: func(c *cell, _ time.Time) error {
		return c.failing(fmt.Sprintf("disk sync %s fail %d %d", c.file(), c.random.IntN(3), c.times()), true)
	}},
	{name: "clock jumps", doors: true, moves: true, harm: func(c *cell, _ time.Time) error {
		for at := time.Duration(0); ; {
			to := time.Duration(c.random.Int64N(int64(22*time.Hour))) - 11*time.Hour // an answer is kept for a day
			if c.random.IntN(2) == 0 {
				to = time.Duration(c.random.Int64N(int64(4*time.Second))) - 2*time.Second
			}
			if _, err := c.tell("jump %v", to-at); err != nil {
				return err
			}
			at = to
			c.while(10*time.Millisecond, 80*time.Millisecond)
			if c.random.IntN(2) == 0 {
				c.load.expect()
				return nil
			}
		}
	}},
	{name: "receiver answers 500", doors: true, moves: true, harm: sulk(angry), after: forgive},
	{name: "receiver slow or mute", doors: true, moves: true, harm: sulk(slow, mute), after: forgive},
	{name: "receiver dead", doors: true, moves: true, harm: sulk(dead), after: forgive},
	{name: "receiver bad for good", doors: true, moves: true, harm: sulk(angry, dead), after: giveUp},
	{name: "connections cut", harm: network(cut), begin: beginNetwork},
	{name: "connections delayed", harm: network(delay), begin: beginNetwork},
	{name: "connections dropped", harm: network(drop), begin: beginNetwork},
	{name: "requests duplicated", harm: network(duplicate), begin: beginNetwork},
}

// file is which of the files an operation fails on, and times how often: until it is well again, or some times.
func (c *cell) file() string { return []string{"log", "log", "any"}[c.random.IntN(3)] }

func (c *cell) times() int { return []int{-1, 1, 1, 2, 5}[c.random.IntN(5)] }

// failing lets the disk fail as ordered until it has done harm, and some moments longer. Reads must be answered all the while.
func (c *cell) failing(order string, reads bool) error {
	if _, err := c.tell("%s", order); err != nil {
		return err
	}
	until := time.Now().Add(30*time.Millisecond + time.Duration(c.random.Int64N(int64(100*time.Millisecond))))
	for began := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		hits, err := c.tell("hits")
		if err != nil {
			return err
		}
		if hits != "0" && time.Now().After(until) {
			break
		}
		if time.Since(began) > patience {
			return fmt.Errorf("%q does no harm", order)
		}
	}
	if reads {
		var page struct{ Data []object }
		if err := c.load.get("/v1/payment_intents", nil, &page); err != nil {
			return fmt.Errorf("while the disk fails: %w", err)
		}
	}
	c.load.expect()
	_, err := c.tell("well")
	return err
}

// dies waits until the server has killed itself as it was told, and starts the next.
func (c *cell) dies(began time.Time) error {
	select {
	case <-c.server.Gone():
		return c.reborn(began)
	case <-time.After(3 * time.Second):
	}
	// Either there was no such operation, because all wait at the gate, or it is dying, which may take a while and does not answer.
	if hits, err := c.tell("well"); err == nil && hits == "0" {
		if err := c.server.Kill(); err != nil {
			return err
		}
	}
	select {
	case <-c.server.Gone():
	case <-time.After(patience):
		return errors.New("the server was told to die, and lives")
	}
	return c.reborn(began)
}

// reborn audits what a killed server has left, starts the next on it, and looks at what became of requests that were not answered before they are
// sent again.
func (c *cell) reborn(began time.Time) error {
	if err := c.load.held(); err != nil {
		return err
	}
	err := c.auditCopy()
	if err == nil {
		err = c.up()
	}
	if err == nil {
		c.restart = c.server.Took
		err = c.load.checkUnanswered(c.since(began), &c.tally)
	}
	c.load.expect()
	c.load.release()
	return err
}
