package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// check compares the restarted server with the journal. began is when the load began.
func (w *world) check(began time.Time, counts *tally) error {
	seen, err := w.look(began)
	if err != nil {
		return err
	}
	var problems []error
	problem := func(count *int, format string, args ...any) {
		*count++
		problems = append(problems, fmt.Errorf(format, args...))
	}

	// Each payment is what it was acknowledged to be, or, where a request was not answered, what that request makes of it.
	for p := range w.all() {
		if p.id == "" {
			continue
		}
		counts.acknowledged++
		switch got, ok := seen.payments[p.id]; {
		case !ok:
			problem(&counts.lost, "%s is gone: it was %+v", p.id, p.now)
		case got == p.now:
		case p.pending != nil && got == p.pending.then:
			counts.kept++
		case p.pending != nil:
			problem(&counts.halfDone, "%s is %+v, neither %+v nor, after %s, %+v", p.id, got, p.now, p.pending.path, p.pending.then)
		default:
			problem(&counts.lost, "%s is %+v, acknowledged as %+v", p.id, got, p.now)
		}
	}
	// A request that creates a payment and was not answered has made one or none.
	for p := range w.all() {
		if p.id != "" || p.pending == nil || len(seen.byKey[p.key]) == 0 {
			continue
		}
		counts.kept++
		if got := seen.payments[seen.byKey[p.key][0]]; got != p.pending.then {
			problem(&counts.halfDone, "the payment of key %s is %+v, want %+v or none", p.pending.key, got, p.pending.then)
		}
	}

	if problems != nil {
		return errors.Join(problems...) // the folder is left as the crash left it
	}

	// Sent again, each gets the answer that it should have got; sent once more, the same.
	for p := range w.all() {
		if p.pending == nil {
			continue
		}
		counts.retried++
		for _, r := range []*request{p.pending, p.pending} {
			p.pending = r
			if answered, err := w.client.do(p); err != nil || !answered {
				return fmt.Errorf("the retry of key %s (answered: %t): %w", r.key, answered, err)
			}
		}
	}
	if seen, err = w.look(began); err != nil {
		return err
	}
	keys := map[string]bool{}
	for p := range w.all() {
		keys[p.key] = true
		switch ids := seen.byKey[p.key]; {
		case len(ids) > 1:
			problem(&counts.doubled, "key %s made %d payments: %v", p.key, len(ids), ids)
		case len(ids) == 0:
			problem(&counts.lost, "key %s made no payment", p.key)
		case ids[0] != p.id:
			problem(&counts.doubled, "key %s made %s, and answers with %s", p.key, ids[0], p.id)
		case seen.payments[p.id].Charges > p.now.Charges || seen.payments[p.id].Refunds > p.now.Refunds || seen.payments[p.id].Events > p.now.Events:
			problem(&counts.doubled, "%s is %+v after the retries, want %+v", p.id, seen.payments[p.id], p.now)
		case seen.payments[p.id] != p.now:
			problem(&counts.lost, "%s is %+v after the retries, want %+v", p.id, seen.payments[p.id], p.now)
		}
	}
	for key, ids := range seen.byKey {
		if !keys[key] && len(ids) > 0 {
			problem(&counts.doubled, "payments that nobody asked for in this run: %v of key %s", ids, key)
		}
	}
	return errors.Join(problems...)
}

// all goes through the payments of all workers.
func (w *world) all() func(yield func(*payment) bool) {
	return func(yield func(*payment) bool) {
		for _, ps := range w.payments {
			for _, p := range ps {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// A view is what the API shows of a run.
type view struct {
	payments map[string]state    // by id
	byKey    map[string][]string // ids by metadata[key]
}

// look reads the payments made since a run began, and what belongs to them, from the lists; and each payment that was acknowledged once
// more by its id, as its merchant would.
func (w *world) look(began time.Time) (*view, error) {
	v := &view{payments: map[string]state{}, byKey: map[string][]string{}}
	mine := fmt.Sprintf("crash-%d-%d-", *seed, w.run)
	since := url.Values{"created[gte]": {strconv.FormatInt(began.Unix()-1, 10)}}
	update := func(id string, change func(s *state)) {
		if s, ok := v.payments[id]; ok { // not a payment of an earlier run
			change(&s)
			v.payments[id] = s
		}
	}
	type object struct {
		ID             string
		Status         string
		Amount         int64
		AmountReceived int64             `json:"amount_received"`
		AmountCaptured int64             `json:"amount_captured"`
		AmountRefunded int64             `json:"amount_refunded"`
		PaymentIntent  string            `json:"payment_intent"`
		Metadata       map[string]string `json:"metadata"`
		Data           struct{ Object struct{ ID string } }
	}
	var refunded = map[string]int64{} // by payment: the sum of its refunds
	read := func(path string, extra url.Values, each func(o object)) error {
		form := url.Values{"limit": {"100"}}
		for _, more := range []url.Values{since, extra} {
			for name, values := range more {
				form[name] = values
			}
		}
		for {
			var page struct {
				Data    []object
				HasMore bool `json:"has_more"`
			}
			if err := w.client.get(path, form, &page); err != nil {
				return err
			}
			for _, o := range page.Data {
				each(o)
			}
			if !page.HasMore || len(page.Data) == 0 {
				return nil
			}
			form.Set("starting_after", page.Data[len(page.Data)-1].ID)
		}
	}
	err := errors.Join(
		read("/v1/payment_intents", nil, func(o object) {
			key := o.Metadata["key"]
			if len(key) > len(mine) && key[:len(mine)] == mine {
				v.byKey[key] = append(v.byKey[key], o.ID)
				v.payments[o.ID] = state{Status: o.Status, Received: o.AmountReceived}
			}
		}),
		read("/v1/charges", nil, func(o object) {
			update(o.PaymentIntent, func(s *state) { s.Charges++; s.Captured += o.AmountCaptured; s.Refunded += o.AmountRefunded })
		}),
		read("/v1/refunds", nil, func(o object) {
			refunded[o.PaymentIntent] += o.Amount
			update(o.PaymentIntent, func(s *state) { s.Refunds++ })
		}),
		read("/v1/events", url.Values{"type": {"payment_intent.succeeded"}}, func(o object) {
			update(o.Data.Object.ID, func(s *state) { s.Events++ })
		}),
	)
	if err != nil {
		return nil, err
	}
	for id, s := range v.payments {
		if s.Refunded != refunded[id] {
			return nil, fmt.Errorf("%s: its charges say that %d was refunded, its refunds add up to %d", id, s.Refunded, refunded[id])
		}
	}
	return v, w.retrieve(v)
}

// retrieve reads each payment by its id, from several goroutines, and holds it to what the lists said.
func (w *world) retrieve(v *view) error {
	var wait sync.WaitGroup
	wrong := make([]error, workers)
	for n, ps := range w.payments {
		wait.Go(func() {
			for _, p := range ps {
				s, ok := v.payments[p.id]
				if !ok {
					continue // check reports it
				}
				var got struct {
					Status         string
					AmountReceived int64 `json:"amount_received"`
				}
				if err := w.client.get("/v1/payment_intents/"+p.id, nil, &got); err != nil {
					wrong[n] = errors.Join(wrong[n], err)
				} else if got.Status != s.Status || got.AmountReceived != s.Received {
					wrong[n] = errors.Join(wrong[n], fmt.Errorf("%s: retrieved %+v, in the list %+v", p.id, got, s))
				}
			}
		})
	}
	wait.Wait()
	return errors.Join(wrong...)
}

func (c *client) get(path string, form url.Values, into any) error {
	code, body, err := c.send("GET", path, form, "")
	if err == nil && code != 200 {
		err = fmt.Errorf("status %d\n%s", code, body)
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return fmt.Errorf("GET %s?%s: %w", path, form.Encode(), err)
	}
	return nil
}
