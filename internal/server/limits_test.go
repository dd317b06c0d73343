package server_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/fault"
	"florin/internal/rail"
	"florin/internal/server"
	"florin/internal/server/servertest"
	"florin/internal/store"
)

func limited(t *testing.T, test, live string) *servertest.Server {
	t.Helper()
	return servertest.New(t, func(c *server.Config) {
		for _, m := range []struct {
			text string
			live bool
			to   *server.Limits
		}{{test, false, &c.TestLimits}, {live, true, &c.LiveLimits}} {
			l, err := server.ParseLimits(m.text, m.live)
			if err != nil {
				t.Fatal(err)
			}
			*m.to = l
		}
	})
}

func TestParseLimits(t *testing.T) {
	for _, c := range []struct {
		text string
		live bool
		want server.Limits
		bad  bool
	}{
		{text: "none", want: server.Limits{}},
		{text: "", want: server.Limits{}},
		{text: "requests=5, endpoint=2", want: server.Limits{"requests": 5, "endpoint": 2}},
		{text: "stripe,endpoint=none,requests=7,search=none,files=none,accounts=none,meter-events=none,intent=none", live: true, want: server.Limits{"requests": 7, "concurrent": 100}},
		{text: "request=5", bad: true},
		{text: "requests=0", bad: true},
		{text: "requests", bad: true},
	} {
		got, err := server.ParseLimits(c.text, c.live)
		if (err != nil) != c.bad || !c.bad && fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%q: %v, %v; want %v", c.text, got, err, c.want)
		}
	}
}

// count sends n requests at one moment and says how many were answered with which status, and the last refusal.
func count(s *servertest.Server, n int, mk func() *http.Request) (ok, no int, refusal *servertest.Reply) {
	for range n {
		r := s.Do(mk())
		if r.Status == http.StatusTooManyRequests {
			no, refusal = no+1, r
		} else {
			ok++
		}
	}
	return ok, no, refusal
}

func TestRateLimits(t *testing.T) {
	s := limited(t, "requests=50,reads=40,writes=30,endpoint=20,search=5", "none")
	get := func(path string, params ...string) func() *http.Request {
		return func() *http.Request { return s.Request("GET", path, params...) }
	}
	ok, no, refusal := count(s, 25, get("/v1/customers"))
	if ok != 20 || no != 5 || refusal.Header.Get("Stripe-Rate-Limited-Reason") != "endpoint-rate" {
		t.Errorf("one endpoint: %d answered, %d refused, want 20 and 5: %v", ok, no, refusal)
	}
	if ok, no, refusal = count(s, 10, get("/v1/customers/search", "query", "name:'x'")); ok != 5 || refusal.Header.Get("Stripe-Rate-Limited-Reason") != "endpoint-rate" {
		t.Errorf("search: %d answered, %d refused, want 5 and 5: %v", ok, no, refusal)
	}
	if ok, no, refusal = count(s, 20, get("/v1/refunds")); ok != 15 || refusal.Header.Get("Stripe-Rate-Limited-Reason") != "global-rate" {
		t.Errorf("reads: %d answered, %d refused, want 15 and 5: %v", ok, no, refusal)
	}
	if ok, no, _ = count(s, 20, func() *http.Request { return s.Request("POST", "/v1/customers") }); ok != 10 {
		t.Errorf("all requests: %d answered, %d refused, want 10 and 10", ok, no)
	}
	if refusal.Text("error", "code") != "rate_limit" || refusal.Text("error", "type") != "invalid_request_error" ||
		refusal.Text("error", "message") != "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits." ||
		refusal.Text("error", "doc_url") != "https://stripe.com/docs/error-codes/rate-limit" ||
		refusal.Header.Get("Stripe-Should-Retry") != "true" || refusal.Header.Get("Request-Id") == "" || refusal.Header.Get("Stripe-Version") == "" {
		t.Errorf("refused with\n%v\n%s", refusal.Header, refusal.Body)
	}
	s.Clock.Advance(500 * time.Millisecond)
	if ok, no, _ = count(s, 20, get("/v1/customers")); ok != 10 {
		t.Errorf("half a second later: %d answered, %d refused, want 10 and 10", ok, no)
	}
	s.Clock.Advance(5 * time.Minute) // what is full again has been forgotten, and is as good as new
	if ok, no, _ = count(s, 25, get("/v1/customers")); ok != 20 {
		t.Errorf("later: %d answered, %d refused, want 20 and 5", ok, no)
	}
}

func TestLimitsAreOfOneModeAndAccount(t *testing.T) {
	s := limited(t, "requests=3", "none")
	count(s, 4, func() *http.Request { return s.Request("GET", "/v1/balance") })
	made, err := s.Accounts.Create(t.Context(), account.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	other := s.Request("GET", "/v1/balance")
	for _, k := range made.Keys {
		if !k.Livemode && k.Type == account.Secret {
			other.Header.Set("Authorization", "Bearer "+k.Secret)
		}
	}
	if r := s.Do(other); r.Status != http.StatusOK {
		t.Errorf("another account: %d %s", r.Status, r.Body)
	}
	live := s.Request("GET", "/v1/balance")
	live.Header.Set("Authorization", "Bearer "+s.LiveSecret)
	if r := s.Do(servertest.OverTLS(live)); r.Status != http.StatusOK {
		t.Errorf("live mode: %d %s", r.Status, r.Body)
	}
}

// A refusal has not begun: the same key works when there is room again, and is answered once.
func TestLimitedIsNotStored(t *testing.T) {
	s := limited(t, "writes=1", "none")
	pay := func() *http.Request {
		r := s.Request("POST", "/v1/customers", "name", "A")
		r.Header.Set("Idempotency-Key", "k")
		return r
	}
	s.Post("/v1/customers")
	refused := s.Do(pay())
	if refused.Status != http.StatusTooManyRequests || refused.Header.Get("Idempotency-Key") != "k" {
		t.Fatalf("%d %s", refused.Status, refused.Body)
	}
	s.Clock.Advance(time.Second)
	first := s.Do(pay())
	if first.Status != http.StatusOK || first.Header.Get("Idempotent-Replayed") != "" {
		t.Fatalf("%d %v %s", first.Status, first.Header, first.Body)
	}
	s.Clock.Advance(time.Second)
	if again := s.Do(pay()); again.Header.Get("Idempotent-Replayed") != "true" || again.Text("id") != first.Text("id") {
		t.Errorf("%d %v %s", again.Status, again.Header, again.Body)
	}
}

// An endpoint with a higher limit of its own is not held to that of all endpoints.
func TestAccountsLimit(t *testing.T) {
	s := limited(t, "endpoint=2,accounts=5", "none")
	if ok, _, refusal := count(s, 8, func() *http.Request { return s.Request("POST", "/v1/accounts", "type", "custom") }); ok != 5 || refusal.Header.Get("Stripe-Rate-Limited-Reason") != "endpoint-rate" {
		t.Errorf("%d answered, want 5", ok)
	}
	if ok, _, _ := count(s, 8, func() *http.Request { return s.Request("GET", "/v1/accounts") }); ok != 2 {
		t.Errorf("another endpoint: %d answered, want 2", ok)
	}
}

func TestIntentLimit(t *testing.T) {
	s := limited(t, "intent=3", "none")
	one, two := s.Post("/v1/payment_intents", "amount", "2000", "currency", "usd"), s.Post("/v1/payment_intents", "amount", "2000", "currency", "usd")
	update := func(pi *servertest.Reply) func() *http.Request {
		return func() *http.Request {
			return s.Request("POST", "/v1/payment_intents/"+pi.Text("id"), "description", "x")
		}
	}
	if ok, no, refusal := count(s, 5, update(one)); ok != 3 || no != 2 || refusal.Header.Get("Stripe-Rate-Limited-Reason") != "resource-specific" {
		t.Errorf("%d answered, %d refused", ok, no)
	}
	if ok, _, _ := count(s, 3, update(two)); ok != 3 {
		t.Errorf("another intent: %d answered", ok)
	}
	s.Clock.Advance(20 * time.Minute)
	if ok, _, _ := count(s, 3, update(one)); ok != 1 {
		t.Errorf("twenty minutes later: %d answered, want 1", ok)
	}
}

// Requests that wait for the network are under way: the one too many is refused, and when they are answered there is room again.
func TestConcurrencyLimit(t *testing.T) {
	rail := newHangingRail()
	s := servertest.New(t, func(c *server.Config) {
		c.TestRail, c.TestLimits = rail, server.Limits{"concurrent": 3}
	})
	pay := func() *servertest.Reply {
		return s.Post("/v1/payment_intents", "amount", "2000", "currency", "usd", "payment_method", "pm_card_visa", "confirm", "true",
			"automatic_payment_methods[enabled]", "true", "automatic_payment_methods[allow_redirects]", "never")
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if r := pay(); r.Status != http.StatusOK {
				t.Errorf("%d %s", r.Status, r.Body)
			}
		})
		<-rail.asked
	}
	if r := pay(); r.Status != http.StatusTooManyRequests || r.Header.Get("Stripe-Rate-Limited-Reason") != "global-concurrency" {
		t.Errorf("a fourth: %d %s", r.Status, r.Body)
	}
	if n := s.App.Gate.Stats().Inside; n != 0 {
		t.Errorf("%d requests count as being worked on, while they wait for the network", n)
	}
	close(rail.answer)
	all.Wait()
	if r := s.Get("/v1/balance"); r.Status != http.StatusOK {
		t.Errorf("afterwards: %d %s", r.Status, r.Body)
	}
}

// hangingRail answers when it is told to.
type hangingRail struct {
	rail.Network
	asked  chan struct{} // receives for each request
	answer chan struct{} // closed when they are answered
}

func newHangingRail() *hangingRail {
	return &hangingRail{asked: make(chan struct{}, 64), answer: make(chan struct{})}
}

func (*hangingRail) Instant() bool { return false }

func (h *hangingRail) Do(ctx context.Context, r rail.Request) (rail.Result, error) {
	h.asked <- struct{}{}
	<-h.answer
	return h.Network.Do(ctx, r)
}

// A full house turns away at once, in Stripe's shape, and takes nothing from those who are inside.
func TestFull(t *testing.T) {
	s := servertest.New(t, func(c *server.Config) { c.MaxRequests = 2 })
	for range 2 {
		if !s.App.Gate.Enter() {
			t.Fatal("there is no room for two")
		}
	}
	turned := s.Post("/v1/customers")
	want := fault.Overloaded()
	if turned.Status != http.StatusServiceUnavailable || turned.Text("error", "type") != "api_error" || turned.Text("error", "message") != want.Message ||
		turned.Header.Get("Stripe-Should-Retry") != "true" || turned.Header.Get("Request-Id") == "" {
		t.Errorf("%d %v\n%s", turned.Status, turned.Header, turned.Body)
	}
	if page := s.Do(s.Request("GET", "/receipts/x")); page.Status != http.StatusServiceUnavailable {
		t.Errorf("a page: %d %s", page.Status, page.Body)
	}
	s.App.Gate.Leave()
	if r := s.Post("/v1/customers"); r.Status != http.StatusOK {
		t.Errorf("with room: %d %s", r.Status, r.Body)
	}
	s.App.Gate.Leave()
	if st := s.App.Gate.Stats(); st.Inside != 0 || st.Shed != 2 {
		t.Errorf("afterwards: %+v", st)
	}
}

// Where commits take longer and longer to begin, fewer requests are let in; when they do not, as many as before.
func TestGateNarrows(t *testing.T) {
	g := api.NewGate(1000)
	late := store.Batch{Units: 256, Waited: time.Second, Took: 200 * time.Millisecond}
	slow := store.Batch{Units: 256, Waited: time.Second, Took: 800 * time.Millisecond} // a slow disk: everybody waits for one commit, and fewer requests change nothing
	for range 800 {
		g.Enter()
	}
	g.Committed(slow)
	if n := g.Stats().Limit; n != 1000 {
		t.Errorf("a slow disk: %d", n)
	}
	g.Committed(late) // those who came amid the slow commit before
	if n := g.Stats().Limit; n != 1000 {
		t.Errorf("after a slow commit: %d", n)
	}
	g.Committed(late)
	if n := g.Stats().Limit; n != 600 {
		t.Errorf("late once, with 800 inside: %d, want 600", n)
	}
	for range 800 {
		g.Leave()
	}
	for range 100 {
		g.Committed(late)
	}
	if n := g.Stats().Limit; n != 64 {
		t.Errorf("late for long: %d, want 64", n)
	}
	for range 100 {
		g.Committed(store.Batch{Units: 1, Waited: time.Millisecond, Took: time.Millisecond})
	}
	if n := g.Stats().Limit; n != 1000 {
		t.Errorf("well again: %d, want 1000", n)
	}
}
