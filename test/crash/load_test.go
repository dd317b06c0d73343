package crash

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
	"time"

	"florin/test/sdk/binary"
)

const workers = 16

// A world is one run's load, and the journal of what the server said to it. Each worker's payments are its own, so that the journal
// can say what each must be, whatever the others do.
type world struct {
	run      int
	client   *client
	payments [workers][]*payment
}

// A payment is the journal of one payment.
type payment struct {
	id      string // empty until a request that creates it was answered
	key     string // of the request that creates it; also its metadata[key]
	now     state  // after everything that was answered
	pending *request
}

// A state is what the API shows of a payment, as a whole: what belongs to one request must be there together.
type state struct {
	Status   string
	Received int64
	Captured int64 // on the charges
	Refunded int64 // on the charges
	Charges  int
	Refunds  int
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

func newWorld(run int, c *client) *world { return &world{run: run, client: c} }

// load starts the workers. Each goes on until the server stops answering, which is no error; the channel then gives the first answer that
// was wrong.
func (w *world) load() <-chan error {
	each := make(chan error, workers)
	for n := range workers {
		go func() { each <- w.work(n) }()
	}
	all := make(chan error, 1)
	go func() {
		var first error
		for range workers {
			if err := <-each; first == nil {
				first = err
			}
		}
		all <- first
	}()
	return all
}

// work lives one payment after the other.
func (w *world) work(worker int) error {
	random := rand.New(rand.NewPCG(*seed, uint64(w.run*workers+worker)))
	for n := 0; ; n++ {
		p := &payment{key: fmt.Sprintf("crash-%d-%d-%d-%d", *seed, w.run, worker, n)}
		w.payments[worker] = append(w.payments[worker], p)
		for step, r := range life(p.key, random) {
			r.key = fmt.Sprintf("%s-%d", p.key, step)
			p.pending = &r
			answered, err := w.client.do(p)
			if err != nil || !answered {
				return err
			}
		}
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
	paid := state{Status: "succeeded", Received: amount, Captured: amount, Charges: 1, Events: 1}
	refunded := paid
	refunded.Refunded, refunded.Refunds = part, 1
	refund := request{path: "/v1/refunds", form: url.Values{"payment_intent": {"{id}"}, "amount": {strconv.FormatInt(part, 10)}}, code: 200, then: refunded}

	switch random.IntN(8) {
	case 0: // declined, and paid with another card
		return []request{
			create("pm_card_visa_chargeDeclined", 402, state{Status: "requires_payment_method", Charges: 1}),
			{
				path: "/v1/payment_intents/{id}/confirm", form: url.Values{"payment_method": {"pm_card_mastercard"}}, code: 200,
				then: state{Status: "succeeded", Received: amount, Captured: amount, Charges: 2, Events: 1},
			},
		}
	case 1, 2: // authorized, and a part captured
		return []request{
			create("pm_card_visa", 200, state{Status: "requires_capture", Charges: 1}, "capture_method", "manual"),
			{
				path: "/v1/payment_intents/{id}/capture", form: url.Values{"amount_to_capture": {strconv.FormatInt(part, 10)}}, code: 200,
				then: state{Status: "succeeded", Received: part, Captured: part, Charges: 1, Events: 1},
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

// A client speaks to one start of the server.
type client struct {
	base, key string
	http      *http.Client
}

func newClient(s *binary.Server) *client {
	transport := &http.Transport{MaxIdleConnsPerHost: workers}
	return &client{base: s.HTTP, key: s.SecretKey, http: &http.Client{Transport: transport, Timeout: 20 * time.Second}}
}

// do sends a payment's pending request. If it is answered as it must be, the journal moves on. No answer at all is no error: the server
// may have been killed.
func (c *client) do(p *payment) (answered bool, err error) {
	r := p.pending
	form := url.Values{}
	for name, values := range r.form {
		form[name] = []string{strings.ReplaceAll(values[0], "{id}", p.id)}
	}
	var code int
	var body []byte
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if code, body, err = c.send("POST", strings.ReplaceAll(r.path, "{id}", p.id), form, r.key); err != nil {
			return false, nil
		}
		if busy := code == 409 || code == 429 || code == 503; !busy || time.Since(began) > 5*time.Second {
			break
		}
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
			PaymentIntent intent `json:"payment_intent"`
		}
	}
	if code != r.code {
		return true, fmt.Errorf("POST %s with key %s: status %d, want %d\n%s", r.path, r.key, code, r.code, body)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return true, fmt.Errorf("POST %s with key %s: %w\n%s", r.path, r.key, err, body)
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
		return true, fmt.Errorf("POST %s with key %s: %+v, want %+v\n%s", r.path, r.key, got, want, body)
	}
	p.now, p.pending = r.then, nil
	return true, nil
}

// send does one request. An error means that it is not known whether the server has carried it out.
func (c *client) send(method, path string, form url.Values, key string) (int, []byte, error) {
	var body io.Reader
	target := c.base + path
	if method == "GET" {
		target += "?" + form.Encode()
	} else {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(context.Background(), method, target, body)
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth(c.key, "")
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, text, errors.Join(err, res.Body.Close())
}
