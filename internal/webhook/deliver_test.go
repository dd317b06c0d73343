package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/domain/event"
	"florin/internal/domain/webhookendpoint"
	"florin/internal/store"
	"florin/internal/store/memory"
	"florin/internal/vault"
)

// A thing is what the events of these tests are about.
type thing struct {
	api.Meta
	N int64 `json:"n"`
}

type world struct {
	t         *testing.T
	app       *api.App
	db        *store.DB
	clock     *clock.Manual
	endpoints *webhookendpoint.Domain
	d         *Deliverer
	things    *api.Kind[thing]
	scope     store.Scope
	vault     *vault.Vault
	made      int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w := &world{t: t, db: db, clock: clock.NewManual(time.Unix(1780000000, 0)), scope: store.NewScope(1, false), vault: vault.Memory()}
	log := slog.New(slog.DiscardHandler)
	w.app = api.New(db, w.clock, log)
	w.endpoints = webhookendpoint.New(w.app, w.vault)
	w.things = &api.Kind[thing]{Name: "thing"}
	w.app.Use(w.endpoints, event.New(), w)
	w.app.Subscribers = w.endpoints.Subscribers
	who := &api.Principal{Scope: w.scope, AccountID: "acct_1FiqEsKuuB1fWySn", AccountVersion: "2026-08-26.dahlia"}
	w.app.Authenticate = func(context.Context, string, string) (*api.Principal, error) { return who, nil }
	w.app.PrincipalOf = func(_ context.Context, s store.Scope) (*api.Principal, error) {
		p := *who
		p.Scope = s
		return &p, nil
	}
	w.d = New(w.app, db, w.vault, w.clock, log)
	w.d.Timeout = 2 * time.Second
	return w
}

func (w *world) Routes(r *api.Router) { r.Kind(w.things) }

// run starts the deliverer.
func (w *world) run() {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		w.d.Run(ctx)
		close(done)
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// call asks the API, and returns the answer.
func (w *world) call(method, path string, form url.Values) map[string]any {
	w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Authorization", "Bearer sk_test_1")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	w.app.ServeHTTP(rec, r)
	var out map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		w.t.Fatalf("%s %s: %v in %s", method, path, err, rec.Body)
	}
	if rec.Code != 200 {
		w.t.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	return out
}

// endpoint makes an endpoint for an address, and returns its id and secret.
func (w *world) endpoint(address string, types ...string) (id, secret string) {
	w.t.Helper()
	if types == nil {
		types = []string{"*"}
	}
	f := url.Values{"url": {address}}
	for _, t := range types {
		f.Add("enabled_events[]", t)
	}
	out := w.call("POST", "/v1/webhook_endpoints", f)
	return out["id"].(string), out["secret"].(string)
}

// emit makes n events.
func (w *world) emit(n int, typ string) {
	w.t.Helper()
	err := w.app.Do(w.t.Context(), w.scope, func(c *api.Call) error {
		for i := range n {
			w.made++
			th := w.things.New(c, fmt.Sprintf("th_%d", w.made))
			th.N = int64(i)
			if err := c.Save(th, typ); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) events(query string) []map[string]any {
	w.t.Helper()
	var out []map[string]any
	for _, e := range w.call("GET", "/v1/events?"+query, nil)["data"].([]any) {
		out = append(out, e.(map[string]any))
	}
	return out
}

// deliveries are all deliveries.
func (w *world) deliveries() (out []api.Delivery) {
	w.t.Helper()
	snap, err := w.db.Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer snap.Close()
	err = snap.Walk(func(d *store.Doc) bool {
		if d.Kind == api.Deliveries.Name {
			var dl api.Delivery
			if err := json.Unmarshal(d.Body, &dl); err != nil {
				w.t.Fatal(err)
			}
			out = append(out, dl)
		}
		return true
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// until waits for something to become true.
func (w *world) until(what string, cond func() bool) {
	w.t.Helper()
	late := time.After(time.Minute)
	for !cond() {
		select {
		case <-late:
			w.t.Fatalf("%s: has not come; %+v", what, w.d.Stats())
		case <-time.After(time.Millisecond):
		}
	}
}

// A hook is an endpoint's server, and what it was sent.
type hook struct {
	*httptest.Server
	mu   sync.Mutex
	got  []*http.Request
	body []string
}

func newHook(t *testing.T, answer http.HandlerFunc) *hook {
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		h.got, h.body = append(h.got, r), append(h.body, string(b))
		h.mu.Unlock()
		if answer != nil {
			answer(rw, r)
		}
	}))
	t.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
	})
	return h
}

func (h *hook) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.got)
}

func TestDeliver(t *testing.T) {
	w := newWorld(t)
	h := newHook(t, nil)
	_, secret := w.endpoint(h.URL, "customer.created")
	w.run()
	w.emit(1, "customer.updated") // nobody wants it
	w.emit(1, "customer.created")
	w.until("confirmed", func() bool { return w.d.Stats().Delivered == 1 })
	r, body := h.got[0], h.body[0]
	for name, want := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
		"Accept": "*/*; q=0.5, application/xml", "Accept-Encoding": "gzip", "Cache-Control": "no-cache",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	want := fmt.Sprintf("t=1780000000,v1=%s,v0=", Sign(secret, 1780000000, []byte(body)))
	if got := r.Header.Get("Stripe-Signature"); !strings.HasPrefix(got, want) {
		t.Errorf("signature %s, want %s", got, want)
	}
	if !strings.HasPrefix(body, "{\n  \"id\": \"evt_1") || !strings.Contains(body, "\n    \"object\": {\n      \"id\": \"th_2\",") || !strings.HasSuffix(body, "\n}") {
		t.Errorf("body %s", body)
	}
	if !strings.Contains(body, `"pending_webhooks": 1`) || !strings.Contains(body, `"api_version": "2026-08-26.dahlia"`) {
		t.Errorf("body %s", body)
	}
	evs := w.events("")
	if len(evs) != 2 || evs[0]["pending_webhooks"] != 0.0 {
		t.Errorf("events %v", evs)
	}
	dls := w.deliveries()
	if len(dls) != 1 || dls[0].Queue != "" || len(dls[0].Attempts) != 1 || dls[0].Attempts[0].Status != 200 {
		t.Errorf("deliveries %+v", dls)
	}
}

func TestSignature(t *testing.T) {
	// Made with: printf '1614556828.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test_secret
	const want = "76203ce778f76ee861f22d5a724c817f63cd8bdafda68bfbb20b45aca3a12f38"
	if got := Sign("whsec_test_secret", 1614556828, []byte(`{"id":"evt_1"}`)); got != want {
		t.Errorf("Sign = %s, want %s", got, want)
	}
	if got := Signature([]string{"a", "b"}, 1, nil, true); strings.Count(got, "v1=") != 2 || strings.Contains(got, "v0=") {
		t.Errorf("live: %s", got)
	}
}

func TestRetries(t *testing.T) {
	w := newWorld(t)
	h := newHook(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(500)
		_, _ = io.WriteString(rw, strings.Repeat("x", 5000)+"4242 4242 4242 4242")
	})
	w.endpoint(h.URL)
	w.run()
	w.emit(1, "customer.created")
	w.until("first", func() bool { return w.d.Stats().Failed == 1 })
	if evs := w.events("delivery_success=false"); len(evs) != 1 || evs[0]["pending_webhooks"] != 1.0 {
		t.Errorf("events %v", evs)
	}
	for n, wait := range testRetries {
		w.clock.Advance(time.Duration(wait-1) * time.Second)
		if err := w.clock.BlockUntil(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if h.count() != n+1 {
			t.Fatalf("%d attempts before their time", h.count())
		}
		w.clock.Advance(time.Second)
		w.until("retry", func() bool { return w.d.Stats().Failed == int64(n+2) })
	}
	dls := w.deliveries()
	if len(dls[0].Attempts) != 4 || dls[0].Queue != failed || len(dls[0].Attempts[0].Response) > keepText {
		t.Errorf("delivery %+v", dls[0])
	}
	if w.d.Stats().GaveUp != 1 {
		t.Errorf("stats %+v", w.d.Stats())
	}
	if evs := w.events("delivery_success=false"); len(evs) != 1 {
		t.Errorf("events %v", evs)
	}
	if evs := w.events("delivery_success=true"); len(evs) != 0 {
		t.Errorf("events %v", evs)
	}
}

func TestRetrySucceeds(t *testing.T) {
	w := newWorld(t)
	var calls atomic.Int64
	h := newHook(t, func(rw http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			rw.WriteHeader(503)
		}
	})
	w.endpoint(h.URL)
	w.run()
	w.emit(1, "customer.created")
	w.until("first", func() bool { return w.d.Stats().Failed == 1 })
	w.clock.Advance(5 * time.Minute)
	w.until("second", func() bool { return w.d.Stats().Delivered == 1 })
	if h.got[0].Header.Get("Stripe-Signature") == h.got[1].Header.Get("Stripe-Signature") {
		t.Error("a retry has the signature of the first attempt")
	}
	if h.body[0] != h.body[1] {
		t.Error("a retry has another body")
	}
}

func TestLiveRetries(t *testing.T) {
	var attempts []api.Attempt
	at := int64(1000)
	for n := 1; ; n++ {
		attempts = append(attempts, api.Attempt{At: at})
		next, again := Retry(attempts, true)
		if !again {
			if n < 8 || at > 1000+liveFor {
				t.Errorf("gave up after %d attempts, %d s", n, at-1000)
			}
			return
		}
		if next <= at || next-1000 > liveFor {
			t.Fatalf("attempt %d at %d", n+1, next)
		}
		at = next
	}
}

func TestRedirect(t *testing.T) {
	w := newWorld(t)
	other := newHook(t, nil)
	h := newHook(t, func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, other.URL, http.StatusTemporaryRedirect)
	})
	w.endpoint(h.URL)
	w.run()
	w.emit(1, "customer.created")
	w.until("failed", func() bool { return w.d.Stats().Failed == 1 })
	if other.count() != 0 {
		t.Error("the redirect was followed")
	}
	if a := w.deliveries()[0].Attempts[0]; a.Status != 307 || a.Error != "" {
		t.Errorf("attempt %+v", a)
	}
}

func TestHanging(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	hang := newHook(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	slow := newHook(t, func(rw http.ResponseWriter, r *http.Request) { // answers, a byte at a time, for ever
		rw.WriteHeader(200)
		for {
			select {
			case <-release:
				return
			case <-r.Context().Done():
				return
			case <-time.After(10 * time.Millisecond):
				_, _ = rw.Write([]byte("."))
				rw.(http.Flusher).Flush()
			}
		}
	})
	gone := newHook(t, nil)
	gone.Close()
	good := newHook(t, nil)
	for _, h := range []*hook{hang, slow, gone, good} {
		w.endpoint(h.URL)
	}
	w.run()
	const n = 300
	w.emit(n, "customer.created")
	w.until("the good endpoint has all", func() bool { return good.count() >= n })
	if hang.count() > 12 {
		t.Errorf("%d attempts at the hanging endpoint meanwhile", hang.count())
	}
	w.until("the hanging endpoint's time-outs are noted", func() bool {
		for _, d := range w.deliveries() {
			if len(d.Attempts) > 0 && strings.HasPrefix(d.Attempts[0].Error, "Timed out") {
				return true
			}
		}
		return false
	})
}

func TestBacklog(t *testing.T) {
	w := newWorld(t)
	w.d.Timeout = time.Minute // nothing hangs here, but a busy machine may be slow
	h := newHook(t, nil)
	w.endpoint(h.URL)
	const n = 3*maxLine + 7
	w.emit(n/2, "customer.created") // before it runs, as after a restart
	w.run()
	w.emit(n-n/2, "customer.created")
	w.until("all", func() bool { return w.d.Stats().Delivered == n })
	if h.count() != n {
		t.Errorf("%d requests for %d events", h.count(), n)
	}
	w.until("memory is empty", func() bool { return w.d.Stats().Waiting == 0 })
}

func TestRoll(t *testing.T) {
	w := newWorld(t)
	h := newHook(t, nil)
	id, old := w.endpoint(h.URL)
	w.run()
	fresh, err := w.endpoints.Roll(t.Context(), w.scope, id, 3600)
	if err != nil {
		t.Fatal(err)
	}
	w.emit(1, "customer.created")
	w.until("sent", func() bool { return w.d.Stats().Delivered == 1 })
	now := w.clock.Now().Unix()
	want := fmt.Sprintf("t=%d,v1=%s,v1=%s,v0=", now, Sign(fresh, now, []byte(h.body[0])), Sign(old, now, []byte(h.body[0])))
	if got := h.got[0].Header.Get("Stripe-Signature"); !strings.HasPrefix(got, want) {
		t.Errorf("signature %s, want %s", got, want)
	}
	w.clock.Advance(time.Hour)
	w.emit(1, "customer.created")
	w.until("sent", func() bool { return w.d.Stats().Delivered == 2 })
	now = w.clock.Now().Unix()
	want = fmt.Sprintf("t=%d,v1=%s,v0=", now, Sign(fresh, now, []byte(h.body[1])))
	if got := h.got[1].Header.Get("Stripe-Signature"); !strings.HasPrefix(got, want) {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestDisabled(t *testing.T) {
	for _, how := range []string{"disable", "delete"} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t)
			h := newHook(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) })
			id, _ := w.endpoint(h.URL)
			w.run()
			w.emit(1, "customer.created")
			w.until("failed", func() bool { return w.d.Stats().Failed == 1 })
			if how == "delete" {
				w.call("DELETE", "/v1/webhook_endpoints/"+id, nil)
			} else {
				w.call("POST", "/v1/webhook_endpoints/"+id, url.Values{"disabled": {"true"}})
			}
			w.emit(1, "customer.created") // it hears no more
			w.clock.Advance(time.Hour)
			w.until("stopped", func() bool { return w.d.Stats().Stopped == 1 })
			if h.count() != 1 || len(w.deliveries()) != 1 {
				t.Errorf("%d requests, %d deliveries", h.count(), len(w.deliveries()))
			}
		})
	}
}

func TestResend(t *testing.T) {
	w := newWorld(t)
	h := newHook(t, nil)
	id, _ := w.endpoint(h.URL)
	w.run()
	w.emit(1, "customer.created")
	w.until("sent", func() bool { return w.d.Stats().Delivered == 1 })
	ev := w.events("")[0]["id"].(string)
	w.until("written", func() bool { return w.d.Stats().Waiting == 0 })
	if err := w.d.Resend(t.Context(), w.scope, ev, id); err != nil {
		t.Fatal(err)
	}
	w.until("sent again", func() bool { return w.d.Stats().Delivered == 2 })
	other, _ := w.endpoint(h.URL) // made after the event
	if err := w.d.Resend(t.Context(), w.scope, ev, other); err != nil {
		t.Fatal(err)
	}
	w.until("sent to the other", func() bool { return w.d.Stats().Delivered == 3 })
	if err := w.d.Resend(t.Context(), w.scope, "evt_none", id); err == nil {
		t.Error("an event that there is none of was sent")
	}
}

func TestVersion(t *testing.T) {
	w := newWorld(t)
	h := newHook(t, nil)
	w.d.Render = func(_ context.Context, _ store.Snapshot, _ store.Scope, version string, event []byte) ([]byte, error) {
		return append(event[:len(event)-1], `,"rendered":"`+version+`"}`...), nil
	}
	w.call("POST", "/v1/webhook_endpoints", url.Values{"url": {h.URL}, "enabled_events[]": {"*"}, "api_version": {"2024-06-20"}})
	w.run()
	w.emit(1, "customer.created")
	w.until("sent", func() bool { return w.d.Stats().Delivered == 1 })
	if !strings.Contains(h.body[0], `"api_version": "2024-06-20"`) || !strings.Contains(h.body[0], `"rendered": "2024-06-20"`) {
		t.Errorf("body %s", h.body[0])
	}
}

func TestAllowed(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		addr                string
		live, test, allowed bool // allowed: test mode with AllowPrivate
	}{
		{"93.184.216.34", true, true, true},
		{"2606:2800:220:1:248:1893:25c8:1946", true, true, true},
		{"127.0.0.1", false, true, true},
		{"127.9.9.9", false, true, true},
		{"::1", false, true, true},
		{"::ffff:127.0.0.1", false, true, true},
		{"10.1.2.3", false, false, true},
		{"172.17.0.2", false, false, true},
		{"192.168.1.1", false, false, true},
		{"::ffff:10.0.0.1", false, false, true},
		{"fd00::1", false, false, true},
		{"169.254.169.254", false, false, false},
		{"fe80::1", false, false, false},
		{"0.0.0.0", false, false, false},
		{"::", false, false, false},
		{"100.64.0.1", false, false, false},
		{"224.0.0.1", false, false, false},
		{"255.255.255.255", false, false, false},
		{"64:ff9b::a00:1", false, false, false},
		{"2002:a00:1::", false, false, false},
		{"::10.0.0.1", false, false, false},
	} {
		a := netip.MustParseAddr(tt.addr)
		w.d.AllowPrivate = false
		if got := w.d.allowed(a, true); got != tt.live {
			t.Errorf("%s in live mode: %v", a, got)
		}
		if got := w.d.allowed(a, false); got != tt.test {
			t.Errorf("%s in test mode: %v", a, got)
		}
		w.d.AllowPrivate = true
		if got := w.d.allowed(a, false); got != tt.allowed {
			t.Errorf("%s in test mode with private networks: %v", a, got)
		}
		if got := w.d.allowed(a, true); got != tt.live {
			t.Errorf("%s in live mode, private networks allowed: %v", a, got)
		}
	}
}

// TestDial holds the check to connections: a name is looked up first, and the address that comes out is refused.
func TestDial(t *testing.T) {
	w := newWorld(t)
	h := newHook(t, nil)
	local := strings.Replace(h.URL, "127.0.0.1", "localhost", 1)
	if resp, err := (&http.Client{Transport: w.d.way(true)}).Get(local); err == nil || !strings.Contains(err.Error(), "is not a public address") {
		t.Errorf("live mode reached %s: %v %v", local, resp, err)
	}
	if resp, err := (&http.Client{Transport: w.d.way(false)}).Get(local); err != nil {
		t.Errorf("test mode: %v", err)
	} else {
		resp.Body.Close()
	}
	if _, err := (&http.Client{Transport: w.d.way(false)}).Get("http://10.0.0.1:1/"); err == nil || !strings.Contains(err.Error(), "is not a public address") {
		t.Errorf("test mode reached a private network: %v", err)
	}
	if h.count() != 1 {
		t.Errorf("%d requests", h.count())
	}
}

func TestScrub(t *testing.T) {
	in := "ok 4242-4242-4242-4242 x 12345 sk_live_abcDEF whsec_123 \xff"
	if got := scrub(in); got != "ok (redacted) x 12345 (redacted) (redacted) \uFFFD" {
		t.Errorf("scrub = %q", got)
	}
}
