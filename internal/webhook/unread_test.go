package webhook

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/store"
)

// An event that cannot be read because the database cannot be reached is no failure of its endpoint: it is sent as soon as it can be read, and not after
// the minutes that an endpoint is given to mend itself.
func TestUnread(t *testing.T) {
	w := newWorld(t)
	h := newHook(t, nil)
	w.endpoint(h.URL)
	var renders atomic.Int64
	render := w.d.Render
	w.d.Render = func(ctx context.Context, snap store.Snapshot, scope store.Scope, version string, event []byte) ([]byte, error) {
		if renders.Add(1) == 1 {
			return nil, errors.New("the database cannot be read")
		}
		return render(ctx, snap, scope, version, event)
	}
	w.run()
	w.emit(1, "customer.created")
	w.until("read once", func() bool { return renders.Load() > 0 })
	// Its result is on its way. What comes next is either the wait for the next reading, or that for the next attempt.
	w.until("a wait", func() bool { _, waits := w.clock.Next(); return waits })
	w.clock.Advance(retryRead * time.Second)
	w.until("confirmed", func() bool { return w.d.Stats().Delivered == 1 })
	if dls := w.deliveries(); len(dls[0].Attempts) != 1 {
		t.Errorf("attempts %+v", dls[0].Attempts)
	}
}
