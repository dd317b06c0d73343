package main

import (
	"context"
	"sync"
	"time"
)

// A movable clock is the machine's, and an offset.
type movable struct {
	mu     sync.Mutex
	offset time.Duration
	turned chan struct{} // closed and replaced when time passes at once
}

func (m *movable) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Round(0).Add(m.offset)
}

func (m *movable) move(by time.Duration, wake bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.offset += by
	if wake {
		close(m.turned)
		m.turned = make(chan struct{})
	}
}

// Wait waits as long as it takes from now on, as a timer of the system does, which knows nothing of a clock that is set meanwhile.
func (m *movable) Wait(ctx context.Context, until time.Time, wake <-chan struct{}) error {
	for {
		m.mu.Lock()
		turned, left := m.turned, time.Until(until.Round(0).Add(-m.offset))
		m.mu.Unlock()
		var due <-chan time.Time
		if !until.IsZero() {
			timer := time.NewTimer(left)
			defer timer.Stop()
			due = timer.C
		}
		select {
		case <-turned:
			continue
		case <-due:
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		return nil
	}
}
