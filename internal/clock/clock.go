// Package clock is the one door that time comes through. Nothing else in Florin calls time.Now, and a test at the root of the repository says so.
//
// Real is the machine's clock. A Manual clock stands still until a test moves it.
package clock

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A Clock tells the time and waits for it.
type Clock interface {
	// Now returns the present moment.
	Now() time.Time

	// Wait returns when the clock shows until, when wake receives or is closed, or when ctx ends, whichever is first. The error is ctx's, or nil.
	// A zero until is never: then only wake or ctx ends the wait. A nil wake never wakes.
	Wait(ctx context.Context, until time.Time, wake <-chan struct{}) error
}

// Real is the machine's clock.
var Real Clock = realClock{}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Wait(ctx context.Context, until time.Time, wake <-chan struct{}) error {
	var due <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-wake:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// A Manual clock stands still until it is moved. It is safe for use by many goroutines.
type Manual struct {
	mu      sync.Mutex
	now     time.Time
	waits   []*wait       // in the order of until; those without a time at the end
	changed chan struct{} // closed and replaced when waits changes
}

type wait struct {
	until time.Time
	due   chan struct{}
}

// NewManual returns a clock that stands at now.
func NewManual(now time.Time) *Manual {
	return &Manual{now: now, changed: make(chan struct{})}
}

// Now returns the moment at which the clock stands.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock by d, as Set does.
func (m *Manual) Advance(d time.Duration) { m.Set(m.Now().Add(d)) }

// Set moves the clock to t. Whoever waits for a moment up to t is released, the earliest first. A clock is not moved back.
func (m *Manual) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.Before(m.now) {
		panic("clock: moved back")
	}
	m.now = t
	n := 0
	for n < len(m.waits) && !m.waits[n].until.IsZero() && !m.waits[n].until.After(t) {
		close(m.waits[n].due)
		n++
	}
	if n > 0 {
		m.waits = slices.Delete(m.waits, 0, n)
		m.signal()
	}
}

// Wait waits as Clock says.
func (m *Manual) Wait(ctx context.Context, until time.Time, wake <-chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	if !until.IsZero() && !until.After(m.now) {
		m.mu.Unlock()
		return nil
	}
	w := &wait{until: until, due: make(chan struct{})}
	i, _ := slices.BinarySearchFunc(m.waits, w, func(have, _ *wait) int {
		if until.IsZero() || !have.until.IsZero() && !have.until.After(until) {
			return -1 // w goes after those that wait for the same moment
		}
		return 1
	})
	m.waits = slices.Insert(m.waits, i, w)
	m.signal()
	m.mu.Unlock()

	var err error
	select {
	case <-w.due:
		return nil
	case <-wake:
	case <-ctx.Done():
		err = ctx.Err()
	}
	m.mu.Lock()
	if i := slices.Index(m.waits, w); i >= 0 {
		m.waits = slices.Delete(m.waits, i, i+1)
		m.signal()
	}
	m.mu.Unlock()
	return err
}

// Next returns the earliest moment that somebody waits for, and whether anybody does.
func (m *Manual) Next() (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waits) == 0 || m.waits[0].until.IsZero() {
		return time.Time{}, false
	}
	return m.waits[0].until, true
}

// BlockUntil returns when at least n goroutines wait, or with ctx's error. A test calls it before it moves the clock, so that a worker which is
// about to wait is not passed by.
func (m *Manual) BlockUntil(ctx context.Context, n int) error {
	for {
		m.mu.Lock()
		enough, changed := len(m.waits) >= n, m.changed
		m.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *Manual) signal() {
	close(m.changed)
	m.changed = make(chan struct{})
}
