package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// A mood is how a receiver of webhooks behaves.
type mood int

const (
	glad  mood = iota
	angry      // answers 500
	slow       // answers after a while
	mute       // takes what is sent, and does not answer
	dead       // cannot be reached
)

// A receiver takes webhooks, and remembers which events it has confirmed.
type receiver struct {
	address string

	mu       sync.Mutex
	server   *http.Server // nil: dead
	mood     mood
	changed  chan struct{} // closed when the mood changes
	got      map[string]bool
	attempts int
}

func newReceiver() (*receiver, error) {
	r := &receiver{address: "127.0.0.1:0", got: map[string]bool{}, changed: make(chan struct{})}
	return r, r.open()
}

func (r *receiver) url() string { return "http://" + r.address + "/hook" }

func (r *receiver) open() error {
	l, err := net.Listen("tcp", r.address)
	if err != nil {
		return err
	}
	r.address = l.Addr().String()
	r.server = &http.Server{Handler: r}
	go r.server.Serve(l)
	return nil
}

func (r *receiver) close() {
	if r.server != nil {
		r.server.Close()
		r.server = nil
	}
}

// be changes the mood.
func (r *receiver) be(m mood) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mood = m
	close(r.changed)
	r.changed = make(chan struct{})
	switch {
	case m == dead:
		r.close()
	case r.server == nil:
		return r.open()
	}
	return nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var event struct{ ID string }
	err := json.NewDecoder(req.Body).Decode(&event)
	r.mu.Lock()
	m, changed := r.mood, r.changed
	r.attempts++
	r.mu.Unlock()
	switch {
	case err != nil || m == angry:
		http.Error(w, "not now", http.StatusInternalServerError)
		return
	case m == slow:
		time.Sleep(100 * time.Millisecond)
	case m == mute:
		<-changed
		panic(http.ErrAbortHandler)
	}
	r.mu.Lock()
	r.got[event.ID] = true
	r.mu.Unlock()
}

// missing lists the events of payments that have succeeded which the receiver has not confirmed, with how many endpoints each waits for.
func (c *cell) missing() (map[string]int, error) {
	missing := map[string]int{}
	err := c.load.list("/v1/events", time.Time{}, map[string][]string{"type": {"payment_intent.succeeded"}}, func(o object) {
		c.receiver.mu.Lock()
		defer c.receiver.mu.Unlock()
		if !c.receiver.got[o.ID] {
			missing[o.ID] = o.Pending
		}
	})
	return missing, err
}

// arrive waits until every event has been delivered.
func (c *cell) arrive(within time.Duration) error {
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		missing, err := c.missing()
		if err != nil || len(missing) == 0 {
			return err
		}
		if time.Since(began) > within {
			return fmt.Errorf("%w: %d, such as %v", errMissing, len(missing), missing)
		}
	}
}

var errMissing = errors.New("events have not arrived")

// arrived waits for the events of a whole cell.
func (c *cell) arrived() error {
	if c.fault.moves { // some are due in what was the future once
		if _, err := c.tell("turn 48h"); err != nil {
			return err
		}
	}
	err := c.arrive(patience)
	if errors.Is(err, errMissing) {
		c.tally.lost++
	}
	return err
}

// sulk lets the receiver be in a bad mood under load.
func sulk(moods ...mood) func(c *cell, began time.Time) error {
	return func(c *cell, began time.Time) error {
		if err := c.receiver.be(moods[c.random.IntN(len(moods))]); err != nil {
			return err
		}
		c.while(50*time.Millisecond, 250*time.Millisecond)
		c.load.expect()
		return nil
	}
}

// forgive makes the receiver well again, and lets the time pass after which the server tries again.
func forgive(c *cell) (time.Duration, error) {
	if err := c.receiver.be(glad); err != nil {
		return 0, err
	}
	began := time.Now()
	for _, wait := range []string{"5m10s", "30m10s", "2h10s"} {
		// What was being sent when the receiver got well fails now, and is tried again after the wait.
		if err := c.arrive(200 * time.Millisecond); !errors.Is(err, errMissing) {
			return time.Since(began), err
		}
		if _, err := c.tell("turn %s", wait); err != nil {
			return 0, err
		}
	}
	return time.Since(began), c.arrive(patience)
}

// giveUp leaves the receiver in a bad mood for as long as the server tries. Then each event must be shown as not delivered.
func giveUp(c *cell) (time.Duration, error) {
	began := time.Now()
	for _, wait := range []string{"0s", "5m10s", "30m10s", "2h10s"} {
		c.receiver.mu.Lock()
		before := c.receiver.attempts
		c.receiver.mu.Unlock()
		if _, err := c.tell("turn %s", wait); err != nil {
			return 0, err
		}
		for since := time.Now(); time.Since(since) < 100*time.Millisecond; time.Sleep(5 * time.Millisecond) {
			c.receiver.mu.Lock()
			if c.receiver.attempts > before {
				before, since = c.receiver.attempts, time.Now()
			}
			c.receiver.mu.Unlock()
		}
	}
	missing, err := c.missing()
	for id, pending := range missing {
		if pending != 1 {
			c.tally.lost++
			err = errors.Join(err, fmt.Errorf("%s was not delivered, and is shown as waiting for %d endpoints", id, pending))
		}
		c.receiver.got[id] = true // accounted for
	}
	return time.Since(began), errors.Join(err, c.receiver.be(glad))
}
