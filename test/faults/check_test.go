package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checkUnanswered holds the server to the journal while requests wait for an answer: each of them was carried out wholly, or not at all.
func (l *load) checkUnanswered(since time.Time, t *tally) error {
	seen, err := l.look(since)
	if err != nil {
		return err
	}
	problems := problems{tally: t}
	for p := range l.round() {
		if p.id == "" {
			if p.pending == nil || len(seen.byKey[p.key]) == 0 {
				continue
			}
			t.kept++ // a request that creates a payment and was not answered has made one or none
			if got := seen.payments[seen.byKey[p.key][0]]; got != p.pending.then {
				problems.add(&t.halfDone, "the payment of key %s is %+v, want %+v or none", p.pending.key, got, p.pending.then)
			}
			continue
		}
		switch got, ok := seen.payments[p.id]; {
		case !ok:
			problems.add(&t.lost, "%s is gone: it was %+v", p.id, p.now)
		case got == p.now:
		case p.pending != nil && got == p.pending.then:
			t.kept++
		case p.pending != nil:
			problems.add(&t.halfDone, "%s is %+v, neither %+v nor, after %s, %+v", p.id, got, p.now, p.pending.path, p.pending.then)
		default:
			problems.add(&t.lost, "%s is %+v, acknowledged as %+v", p.id, got, p.now)
		}
	}
	return problems.err()
}

// check holds the server to the journal when every request has been answered: each payment is there once, and is what it was acknowledged to be.
func (l *load) check(payments func(func(*payment) bool), since time.Time, t *tally) error {
	seen, err := l.look(since)
	if err != nil {
		return err
	}
	problems := problems{tally: t}
	keys := map[string]bool{}
	for p := range payments {
		keys[p.key] = true
		got := seen.payments[p.id]
		switch ids := seen.byKey[p.key]; {
		case p.pending != nil:
			problems.add(&t.lost, "%s with key %s was never answered", p.pending.path, p.pending.key)
		case len(ids) > 1:
			problems.add(&t.doubled, "key %s made %d payments: %v", p.key, len(ids), ids)
		case len(ids) == 0:
			problems.add(&t.lost, "key %s made no payment; %s was acknowledged", p.key, p.id)
		case ids[0] != p.id:
			problems.add(&t.doubled, "key %s made %s, and answered with %s", p.key, ids[0], p.id)
		case got.Charges > p.now.Charges || got.Refunds > p.now.Refunds || got.Entries > p.now.Entries || got.Events > p.now.Events:
			problems.add(&t.doubled, "%s is %+v, want %+v", p.id, got, p.now)
		case got.Status == p.now.Status && got.Received == p.now.Received && got != p.now:
			problems.add(&t.halfDone, "%s is %+v, want %+v", p.id, got, p.now)
		case got != p.now:
			problems.add(&t.lost, "%s is %+v, acknowledged as %+v", p.id, got, p.now)
		}
	}
	for key, ids := range seen.byKey {
		if known := keys[key] || l.known(key); !known {
			problems.add(&t.doubled, "payments that nobody asked for: %v of key %s", ids, key)
		}
	}
	return problems.err()
}

// again sends some requests that were answered once more, with the same keys: the answers must be the same. What they made is checked afterwards.
func (l *load) again(random *rand.Rand) error {
	for p := range l.round() {
		if p.last == nil || random.IntN(4) > 0 {
			continue
		}
		p.pending = p.last
		if err := l.insist(p); err != nil {
			return fmt.Errorf("sent once more: %w", err)
		}
	}
	return nil
}

// all goes through every payment, round through those of the last round.
func (l *load) all() func(func(*payment) bool)   { return l.since0([workers]int{}) }
func (l *load) round() func(func(*payment) bool) { return l.since0(l.from) }

func (l *load) since0(from [workers]int) func(func(*payment) bool) {
	return func(yield func(*payment) bool) {
		for n, ps := range l.journal {
			for _, p := range ps[from[n]:] {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// known says whether a payment of an earlier round has the key.
func (l *load) known(key string) bool {
	for p := range l.all() {
		if p.key == key {
			return true
		}
	}
	return false
}

// problems counts what is wrong, and tells the first of it.
type problems struct {
	tally *tally
	found []error
}

func (p *problems) add(count *int, format string, args ...any) {
	*count++
	if len(p.found) < 20 {
		p.found = append(p.found, fmt.Errorf(format, args...))
	}
}

func (p *problems) err() error { return errors.Join(p.found...) }

// A view is what the API shows.
type view struct {
	payments map[string]state    // by id
	byKey    map[string][]string // ids by metadata[key]
}

// An object is what is read of whatever stands in a list.
type object struct {
	ID             string
	Status         string
	Amount         int64
	AmountReceived int64             `json:"amount_received"`
	AmountCaptured int64             `json:"amount_captured"`
	AmountRefunded int64             `json:"amount_refunded"`
	PaymentIntent  string            `json:"payment_intent"`
	Pending        int               `json:"pending_webhooks"`
	Source         string            // of a balance transaction
	Metadata       map[string]string `json:"metadata"`
	Data           struct{ Object struct{ ID string } }
}

// look reads the payments made since a moment (the zero time: ever), and what belongs to them, from the lists; and some of them by their id, as their
// merchant would.
func (l *load) look(since time.Time) (*view, error) {
	v := &view{payments: map[string]state{}, byKey: map[string][]string{}}
	of := map[string]string{} // the payment of a charge or refund
	update := func(id string, change func(s *state)) {
		if s, ok := v.payments[id]; ok { // not one of before
			change(&s)
			v.payments[id] = s
		}
	}
	refunded := map[string]int64{} // by payment: the sum of its refunds
	err := errors.Join(
		l.list("/v1/payment_intents", since, nil, func(o object) {
			if key := o.Metadata["key"]; strings.HasPrefix(key, l.name) {
				v.byKey[key] = append(v.byKey[key], o.ID)
				v.payments[o.ID] = state{Status: o.Status, Received: o.AmountReceived}
			}
		}),
		l.list("/v1/charges", since, nil, func(o object) {
			of[o.ID] = o.PaymentIntent
			update(o.PaymentIntent, func(s *state) { s.Charges++; s.Captured += o.AmountCaptured; s.Refunded += o.AmountRefunded })
		}),
		l.list("/v1/refunds", since, nil, func(o object) {
			of[o.ID] = o.PaymentIntent
			refunded[o.PaymentIntent] += o.Amount
			update(o.PaymentIntent, func(s *state) { s.Refunds++ })
		}),
		l.list("/v1/balance_transactions", since, nil, func(o object) {
			update(of[o.Source], func(s *state) { s.Entries++ })
		}),
		l.list("/v1/events", since, url.Values{"type": {"payment_intent.succeeded"}}, func(o object) {
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
	return v, l.retrieve(v)
}

// retrieve reads some payments by their ids, and holds them to what the lists said.
func (l *load) retrieve(v *view) error {
	ids := slices.Collect(maps.Keys(v.payments)) // in an order of chance
	for _, id := range ids[:min(len(ids), 10)] {
		var got object
		if err := l.get("/v1/payment_intents/"+id, nil, &got); err != nil {
			return err
		}
		if s := v.payments[id]; got.Status != s.Status || got.AmountReceived != s.Received {
			return fmt.Errorf("%s: retrieved %+v, in the list %+v", id, got, s)
		}
	}
	return nil
}

// list reads a list, from its newest object on.
func (l *load) list(path string, since time.Time, more url.Values, each func(object)) error {
	form := url.Values{"limit": {"100"}}
	for name, values := range more {
		form[name] = values
	}
	if !since.IsZero() {
		form.Set("created[gte]", strconv.FormatInt(since.Unix()-1, 10))
	}
	for {
		var page struct {
			Data    []object
			HasMore bool `json:"has_more"`
		}
		if err := l.get(path, form, &page); err != nil {
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

func (l *load) get(path string, form url.Values, into any) error {
	code, body, err := l.send("GET", (*l.bases.Load())[0], path, form, "")
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
