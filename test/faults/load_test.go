package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	workers  = 8
	patience = 40 * time.Second // how long a client tries again, before it says that the server is not well by itself
)

// A load is payments of all kinds from several workers, each of which tries again until it is answered; and the journal of what the server said.
// Each worker's payments are its own, so that the journal can say what each must be, whatever the others do.
type load struct {
	name    string // every key begins with it
	seed    uint64
	rounds  int
	key     string                   // of the API
	bases   atomic.Pointer[[]string] // where the server is reached, and its nodes if it has several; a retry goes to the next
	http    *http.Client
	journal [workers][]*payment // of the whole life
	from    [workers]int        // where the current round begins in it

	stopping atomic.Bool
	ended    chan error

	mu      sync.Mutex
	gate    chan struct{} // closed: nobody waits
	waiting int           // who do
	running int
	since   time.Time     // when the server should be well …
	well    time.Duration // … and how much later it first acknowledged something that was sent after that

	retried atomic.Int64 // requests that were sent more than once
	refused atomic.Int64 // answers 5xx
}

// A payment is the journal of one payment.
type payment struct {
	id      string // empty until a request that creates it was answered
	key     string // of the request that creates it; also its metadata[key]
	now     state  // after everything that was answered
	pending *request
	last    *request // the one that was answered last
}

// A state is what the API shows of a payment, as a whole: what belongs to one request must be there together.
type state struct {
	Status   string
	Received int64
	Captured int64 // on the charges
	Refunded int64 // on the charges
	Charges  int
	Refunds  int
	Entries  int // balance transactions
	Events   int // payment_intent.succeeded
}

// A request is one step of a payment's life.
type request struct {
	path string
	form url.Values
	key  string
	code int   // the HTTP status of the answer that it must get
	then state // what the payment then is
}

func newLoad(name string, seed uint64, key string) *load {
	open := make(chan struct{})
	close(open)
	l := &load{name: name, seed: seed, key: key, gate: open}
	l.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}, Timeout: 15 * time.Second}
	return l
}

// reach says where the server is from now on.
func (l *load) reach(bases ...string) { l.bases.Store(&bases) }

// start begins a round.
func (l *load) start() {
	l.rounds++
	l.stopping.Store(false)
	l.ended = make(chan error, workers)
	l.running = workers
	for n := range workers {
		l.from[n] = len(l.journal[n])
		go func() {
			err := l.work(n)
			l.mu.Lock()
			l.running--
			l.mu.Unlock()
			l.ended <- err
		}()
	}
}

// finish lets each worker end the request that it is at, and returns the first answer that was wrong.
func (l *load) finish() error {
	l.stopping.Store(true)
	l.release()
	var first error
	for range workers {
		if err := <-l.ended; first == nil {
			first = err
		}
	}
	return first
}

// hold makes those wait that are not answered, and release lets them try again.
func (l *load) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gate, l.waiting = make(chan struct{}), 0
}

func (l *load) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.gate:
	default:
		close(l.gate)
	}
}

// held returns when every worker waits at the gate, or has ended because an answer was wrong.
func (l *load) held() error {
	for began := time.Now(); time.Since(began) < patience; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		all := l.waiting >= l.running
		l.mu.Unlock()
		if all {
			return nil
		}
	}
	return errors.New("the dead server still answers")
}

// wait is where those go that were not answered.
func (l *load) wait() {
	l.mu.Lock()
	gate := l.gate
	l.waiting++
	l.mu.Unlock()
	<-gate
}

// expect says that the server should be well from now on.
func (l *load) expect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since, l.well = time.Now(), -1
}

// recovered returns how long after expect the server first acknowledged something.
func (l *load) recovered() (time.Duration, error) {
	for began := time.Now(); time.Since(began) < patience; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		well, running := l.well, l.running
		l.mu.Unlock()
		if well >= 0 {
			return well, nil
		}
		if running == 0 {
			break // finish says why
		}
	}
	return 0, fmt.Errorf("nothing was acknowledged, %v after the fault had ended", patience)
}

// work lives one payment after the other.
func (l *load) work(worker int) error {
	random := rand.New(rand.NewPCG(l.seed, uint64(l.rounds*workers+worker)))
	for n := 0; !l.stopping.Load(); n++ {
		p := &payment{key: fmt.Sprintf("%s-%d-%d-%d", l.name, l.rounds, worker, n)}
		l.journal[worker] = append(l.journal[worker], p)
		for step, r := range life(p.key, random) {
			r.key = fmt.Sprintf("%s-%d", p.key, step)
			p.pending = &r
			if err := l.insist(p); err != nil {
				return err
			}
			if l.stopping.Load() {
				break
			}
		}
	}
	return nil
}

// insist sends a payment's pending request until it is answered, with the same key, and each time to another node if there are several.
func (l *load) insist(p *payment) error {
	r, began := p.pending, time.Now()
	for try := 0; ; try++ {
		sent := time.Now()
		bases := *l.bases.Load()
		answered, err := l.do(p, bases[(len(p.key)+int(p.key[len(p.key)-1])+try)%len(bases)])
		if answered || err != nil {
			l.mu.Lock()
			if err == nil && l.well < 0 && sent.After(l.since) {
				l.well = time.Since(l.since)
			}
			l.mu.Unlock()
			return err
		}
		if try == 0 {
			l.retried.Add(1)
		}
		if time.Since(began) > patience {
			return fmt.Errorf("POST %s with key %s was not answered within %v", r.path, r.key, patience)
		}
		l.wait()
		time.Sleep(time.Duration(min(2<<min(try, 5), 50)) * time.Millisecond)
	}
}

// life chooses what a payment goes through, and says what it must be after each request. In a path and a form, {id} stands for the payment.
func life(key string, random *rand.Rand) []request {
	amount := 100 + random.Int64N(100_000)
	part := 50 + random.Int64N(amount-49) // no less than the smallest charge
	create := func(method string, code int, then state, more ...string) request {
		form := url.Values{"amount": {strconv.FormatInt(amount, 10)}, "currency": {"usd"}, "metadata[key]": {key},
			"automatic_payment_methods[enabled]": {"true"}, "automatic_payment_methods[allow_redirects]": {"never"}}
		if method != "" {
			form.Set("payment_method", method)
			form.Set("confirm", "true")
		}
		for n := 0; n < len(more); n += 2 {
			form.Set(more[n], more[n+1])
		}
		return request{path: "/v1/payment_intents", form: form, code: code, then: then}
	}
	paid := state{Status: "succeeded", Received: amount, Captured: amount, Charges: 1, Entries: 1, Events: 1}
	refunded := paid
	refunded.Refunded, refunded.Refunds, refunded.Entries = part, 1, 2
	refund := request{path: "/v1/refunds", form: url.Values{"payment_intent": {"{id}"}, "amount": {strconv.FormatInt(part, 10)}}, code: 200, then: refunded}

	switch random.IntN(8) {
	case 0: // declined, and paid with another card
		return []request{
			create("pm_card_visa_chargeDeclined", 402, state{Status: "requires_payment_method", Charges: 1}),
			{
				path: "/v1/payment_intents/{id}/confirm", form: url.Values{"payment_method": {"pm_card_mastercard"}}, code: 200,
				then: state{Status: "succeeded", Received: amount, Captured: amount, Charges: 2, Entries: 1, Events: 1},
			},
		}
	case 1, 2: // authorized, and a part captured
		return []request{
			create("pm_card_visa", 200, state{Status: "requires_capture", Charges: 1}, "capture_method", "manual"),
			{
				path: "/v1/payment_intents/{id}/capture", form: url.Values{"amount_to_capture": {strconv.FormatInt(part, 10)}}, code: 200,
				then: state{Status: "succeeded", Received: part, Captured: part, Charges: 1, Entries: 1, Events: 1},
			},
		}
	case 3: // created first, confirmed after
		return []request{
			create("", 200, state{Status: "requires_payment_method"}),
			{path: "/v1/payment_intents/{id}/confirm", form: url.Values{"payment_method": {"pm_card_visa"}}, code: 200, then: paid},
		}
	case 4, 5: // paid, and a part refunded
		return []request{create("pm_card_visa", 200, paid), refund}
	default:
		return []request{create("pm_card_visa", 200, paid)}
	}
}

// do sends a payment's pending request once. If it is answered as it must be, the journal moves on. No answer at all, and an answer that asks to be
// tried again, are no errors.
func (l *load) do(p *payment, base string) (answered bool, err error) {
	r := p.pending
	form := url.Values{}
	for name, values := range r.form {
		form[name] = []string{strings.ReplaceAll(values[0], "{id}", p.id)}
	}
	code, body, err := l.send("POST", base, strings.ReplaceAll(r.path, "{id}", p.id), form, r.key)
	if err != nil {
		return false, nil
	}
	type intent struct {
		ID             string
		Status         string
		AmountReceived int64 `json:"amount_received"`
	}
	var answer struct {
		intent
		Amount        int64
		PaymentIntent json.RawMessage `json:"payment_intent"` // a refund's
		Error         struct {
			Type, Message string
			PaymentIntent intent `json:"payment_intent"`
		}
	}
	wrong := json.Unmarshal(body, &answer)
	switch {
	case wrong != nil:
		return true, fmt.Errorf("POST %s with key %s: status %d: %w\n%s", r.path, r.key, code, wrong, short(body))
	case code >= 500 && (answer.Error.Type != "api_error" || answer.Error.Message == ""):
		return true, fmt.Errorf("POST %s with key %s: status %d, which Stripe does not say so\n%s", r.path, r.key, code, short(body))
	case code >= 500:
		l.refused.Add(1)
		return false, nil
	case code == 409 || code == 429:
		return false, nil
	case code != r.code:
		return true, fmt.Errorf("POST %s with key %s: status %d, want %d\n%s", r.path, r.key, code, r.code, short(body))
	}
	got := answer.intent
	if code == 402 {
		got = answer.Error.PaymentIntent
	}
	want := intent{ID: p.id, Status: r.then.Status, AmountReceived: r.then.Received}
	if r.path == "/v1/refunds" {
		got = intent{ID: strings.Trim(string(answer.PaymentIntent), `"`), Status: answer.Status, AmountReceived: answer.Amount}
		want.AmountReceived = r.then.Refunded
	}
	if want.ID == "" && got.ID != "" {
		want.ID, p.id = got.ID, got.ID
	}
	if got != want {
		return true, fmt.Errorf("POST %s with key %s: %+v, want %+v\n%s", r.path, r.key, got, want, short(body))
	}
	p.now, p.pending, p.last = r.then, nil, r
	return true, nil
}

// send does one request. An error means that it is not known whether the server has carried it out.
func (l *load) send(method, base, path string, form url.Values, key string) (int, []byte, error) {
	var body io.Reader
	target := base + path
	if method == "GET" {
		target += "?" + form.Encode()
	} else {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(context.Background(), method, target, body)
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth(l.key, "")
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := l.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, text, errors.Join(err, res.Body.Close())
}

// short is the beginning of an answer, to be shown.
func short(body []byte) []byte { return body[:min(len(body), 300)] }
