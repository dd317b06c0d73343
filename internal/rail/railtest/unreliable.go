// Package railtest has a network for tests that behaves as networks do on bad days.
package railtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"

	"florin/internal/rail"
	"florin/internal/store"
)

// Unreliable is a network for tests that behaves as networks do on bad days: it answers late, twice, or never. It decides as the test network
// does, keeps what it holds, and does each attempt once however often it is asked; so a test can compare what it holds with what Florin
// believes.
type Unreliable struct {
	mu       sync.Mutex
	rand     *rand.Rand
	done     map[string]rail.Result // what was decided, by attempt
	held     map[string]int64       // what is held or taken, by attempt, minor units
	late     []Late                 // what will still be told
	Reversed int                    // how many attempts were reversed
}

// A Late is a result that comes by itself, after the request was given up.
type Late struct {
	Scope   store.Scope
	Attempt string
	Result  rail.Result
}

// ErrNoAnswer is what Do returns when the network says nothing in time.
var ErrNoAnswer = errors.New("rail: the network has not answered")

// NewUnreliable makes a network whose chances come from a seed.
func NewUnreliable(seed uint64) *Unreliable {
	return &Unreliable{rand: rand.New(rand.NewPCG(seed, seed)), done: map[string]rail.Result{}, held: map[string]int64{}}
}

// Name is what attempts call it.
func (u *Unreliable) Name() string { return "unreliable" }

// Instant says that it is outside.
func (u *Unreliable) Instant() bool { return false }

// Do decides, and then answers, or answers late, twice, or never; or never hears of the attempt at all.
func (u *Unreliable) Do(ctx context.Context, r rail.Request) (rail.Result, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if r.Operation == rail.Reverse {
		if _, ok := u.held[r.Attempt]; ok {
			u.Reversed++
		}
		delete(u.held, r.Attempt)
		u.done[r.Attempt] = rail.Result{Status: rail.Declined} // what is still on its way will not be done any more
		return rail.Result{Status: rail.Approved}, nil
	}
	way := u.rand.IntN(5)
	if way == 4 { // lost on the way out
		return rail.Result{}, ErrNoAnswer
	}
	res, ok := u.done[r.Attempt]
	if !ok {
		var err error
		if res, err = (rail.Network{}).Do(ctx, r); err != nil {
			return res, err
		}
		u.done[r.Attempt] = res
		if r.Operation == rail.Authorize && res.Status == rail.Approved {
			u.held[r.Attempt] = r.Amount
		}
	}
	switch way {
	case 0:
		return res, nil
	case 1: // twice
		u.late = append(u.late, Late{r.Scope, r.Attempt, res})
		return res, nil
	case 2: // late
		u.late = append(u.late, Late{r.Scope, r.Attempt, res})
	}
	return rail.Result{}, ErrNoAnswer // late or never: done, but not told
}

// Lookup finds what became of an attempt.
func (u *Unreliable) Lookup(_ context.Context, attempt string) (rail.Result, bool, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.rand.IntN(4) == 0 {
		return rail.Result{}, false, ErrNoAnswer
	}
	res, ok := u.done[attempt]
	return res, ok, nil
}

// TakeLate returns the results that come by themselves, and forgets them.
func (u *Unreliable) TakeLate() []Late {
	u.mu.Lock()
	defer u.mu.Unlock()
	late := u.late
	u.late = nil
	return late
}

// Held is what the network holds or has taken, by attempt, in minor units.
func (u *Unreliable) Held() map[string]int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := map[string]int64{}
	for k, v := range u.held {
		out[k] = v
	}
	return out
}
