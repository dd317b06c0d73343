package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/jsontext"
	"florin/internal/search"
	"florin/internal/store"
)

// maxWrite bounds the results that are written at once.
const maxWrite = 256

// recorder writes results, as many at once as have come in, until the channel is closed.
func (d *Deliverer) recorder() {
	for r := range d.record {
		batch := []result{r}
		for len(batch) < maxWrite && len(d.record) > 0 {
			if r, ok := <-d.record; ok {
				batch = append(batch, r)
			}
		}
		d.write(batch)
		d.mu.Lock()
		d.mail.recorded = append(d.mail.recorded, batch...)
		d.mu.Unlock()
		d.signal()
	}
}

// write writes results in one unit; if one of them has been changed by somebody else, each on its own.
func (d *Deliverer) write(batch []result) {
	unit := &store.Unit{Puts: make([]store.Put, 0, len(batch))}
	for i := range batch {
		unit.Puts = append(unit.Puts, put(&batch[i]))
	}
	err := d.db.Commit(context.Background(), unit)
	switch {
	case err == nil:
		for i := range batch {
			d.count(&batch[i])
		}
	case errors.Is(err, store.ErrConflict) && len(batch) > 1:
		for i := range batch {
			d.write(batch[i : i+1])
		}
	case errors.Is(err, store.ErrConflict):
		// Somebody has asked for it to be sent again meanwhile, or removed it. Theirs stands, and is looked for.
		batch[0].reread = d.clock.Now().Unix()
	case errors.Is(err, store.ErrClosed): // they are still due, and are sent when the server runs again
	default:
		d.log.Error("deliveries cannot be written", "deliveries", len(batch), "cause", err)
		for i := range batch { // they are still due, and are sent again
			batch[i].reread = d.clock.Now().Unix() + retryRead
		}
	}
}

func (d *Deliverer) count(r *result) {
	switch r.outcome {
	case delivered:
		d.stats.delivered.Add(1)
		if d.Delivered != nil && r.first {
			d.Delivered(d.clock.Now().Sub(d.db.SeqTime(r.doc.Seq)))
		}
	case stopped:
		d.stats.stopped.Add(1)
	case refused:
		d.stats.failed.Add(1)
		if r.gaveUp {
			d.stats.gaveUp.Add(1)
		}
	}
}

// put is a delivery as its result leaves it: out of the queue, or in it at a later time.
func put(r *result) store.Put {
	dl := r.delivery
	r.first = len(dl.Attempts) == 0
	dl.Attempts = append(slices.Clip(dl.Attempts), r.attempt)
	created := r.doc.Created
	switch r.outcome {
	case delivered, stopped:
		dl.Queue = ""
	case refused:
		at, again := Retry(dl.Attempts, r.live)
		if again {
			created = at
		} else {
			dl.Queue, r.gaveUp = failed, true
		}
	}
	p := replace(r.doc, &r.delivery, &dl, created)
	if r.outcome == refused && !r.gaveUp {
		r.again = store.Pos{Created: p.Created, Seq: p.Seq}
	}
	return p
}

// replace is the put of a delivery's next version, at a place in time.
func replace(doc *store.Doc, was, dl *api.Delivery, created int64) store.Put {
	next := *doc
	next.Body, next.Ver, next.Created = jsontext.Append(make([]byte, 0, len(doc.Body)+128), dl), doc.Ver+1, created
	return store.Put{Doc: next, Base: doc.Ver, Index: entries(dl), Was: entries(was)}
}

// entries are a delivery's places in the indexes that its kind declares.
func entries(dl *api.Delivery) (out []store.Entry) {
	for _, e := range [...]struct{ index, value string }{{queueIndex, dl.Queue}, {"_delivery.event", dl.Event}, {"_delivery.endpoint", dl.Endpoint}} {
		if e.value != "" {
			out = append(out, store.Entry{Index: e.index, Value: search.Fold(e.value)})
		}
	}
	return out
}

// Test mode tries again three times over the course of a few hours; live mode for three days, at growing distances. Known from: Stripe's
// documentation for both lengths (facts 10b).
// unverified: the distances, which Stripe does not publish; they are what the community has observed.
var (
	testRetries = []int64{5 * 60, 30 * 60, 2 * 3600}
	liveRetries = []int64{5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 12 * 3600} // the last one again and again
)

const liveFor = 3 * 86400

// Retry says when a delivery is tried again after these attempts, of which the last has just failed, and whether it is.
func Retry(attempts []api.Attempt, live bool) (at int64, again bool) {
	n := len(attempts) - 1
	last := attempts[n].At
	if !live {
		if n >= len(testRetries) {
			return 0, false
		}
		return last + testRetries[n], true
	}
	at = last + liveRetries[min(n, len(liveRetries)-1)]
	return at, at <= attempts[0].At+liveFor
}

// Resend puts an event in the queue for an endpoint once more, whatever became of it before: for `events resend` and the dashboard. Its attempts
// are counted on, so a failure is tried again only if there were few.
func (d *Deliverer) Resend(ctx context.Context, scope store.Scope, event, endpoint string) error {
	snap, err := d.db.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	ev, err := snap.Get(scope, event)
	if err != nil {
		return err
	}
	if ev == nil || ev.Kind != api.Events.Name {
		return api.Events.Missing(event, "id", 404)
	}
	we, err := snap.Get(scope, endpoint)
	if err != nil {
		return err
	}
	if we == nil || we.Deleted {
		return api.NotFound("webhook endpoint", endpoint, "webhook_endpoint")
	}
	id, now := api.DeliveryID(event, endpoint), d.clock.Now().Unix()
	doc, err := snap.Get(store.System, id)
	if err != nil {
		return err
	}
	var was api.Delivery // nowhere
	dl := api.Delivery{Meta: api.Meta{ID: id, Object: api.Deliveries.Name}, Account: int64(scope), Event: event, Endpoint: endpoint}
	if doc == nil {
		doc = &store.Doc{Scope: store.System, ID: id, Kind: api.Deliveries.Name, Seq: d.db.Seq()}
	} else if err := jsontext.Decode(doc.Body, &was); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	} else {
		dl = was
	}
	dl.Queue = due
	return d.db.Commit(ctx, &store.Unit{Puts: []store.Put{replace(doc, &was, &dl, now)}})
}
