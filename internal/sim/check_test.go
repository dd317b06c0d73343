package sim_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"florin/internal/api"
	"florin/internal/audit"
	"florin/internal/shape"
	"florin/internal/store"
	"florin/internal/webhook"
)

// hold holds what the last step has committed to the rules.
func (w *world) hold() {
	if said := w.log.said(); said != "" {
		w.fail("the server logged: %s", said)
	}
	found, err := w.follow.Check(context.Background(), w.srv.DB(), w.step%20 == 0)
	if err != nil {
		w.fail("%v", err)
	}
	if len(found) > 0 {
		w.fail("\n%s", strings.Join(found, "\n"))
	}
}

// audit holds all that is stored to the rules.
func (w *world) audit() {
	if w.failed() {
		return
	}
	w.name = "audit"
	w.settle()
	var out strings.Builder
	findings, err := audit.Run(context.Background(), w.srv.DB(), &out)
	if err != nil {
		w.fail("%v", err)
	}
	if findings > 0 {
		w.fail("\n%s", out.String())
	}
	w.audits++
}

// settle waits until the deliverer has nothing to send.
func (w *world) settle() {
	for range 6000 {
		if w.due() == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.fail("%d deliveries are due and are not sent", w.due())
}

// due counts the deliveries whose time has come.
func (w *world) due() (n int) {
	snap, err := w.srv.DB().Snapshot(context.Background())
	if err != nil {
		w.fail("%v", err)
		return 0
	}
	defer snap.Close()
	now := w.clock.Now().Unix()
	err = snap.Scan(store.Query{Scope: store.System, Index: "_delivery.queue", Value: "due", Ascending: true}, func(d *store.Doc) bool {
		if d.Created <= now {
			n++
		}
		return d.Created <= now && n < 1000
	})
	if err != nil {
		w.fail("%v", err)
	}
	return n
}

// delivered looks at deliveries that have come to an end: each was confirmed by the sink, or failed as often as is designed, or was stopped because its
// endpoint is disabled. Those that wait are counted by settle.
func (w *world) delivered(units []*store.Unit) {
	for _, u := range units {
		for i := range u.Puts {
			p := &u.Puts[i]
			if p.Kind != api.Deliveries.Name || p.Deleted {
				continue
			}
			var d api.Delivery
			if err := json.Unmarshal(p.Body, &d); err != nil {
				w.fail("%s: %v", p.ID, err)
				return
			}
			if d.Queue == "due" || len(d.Attempts) == 0 {
				continue
			}
			w.checked++
			switch last := d.Attempts[len(d.Attempts)-1]; {
			case last.Status >= 200 && last.Status < 300:
				if !w.sink.took(d.Event, d.Endpoint) {
					w.fail("%s is said to be confirmed, and the sink did not confirm it", p.ID)
				}
			case d.Queue == "": // stopped: its endpoint was disabled when it was due
			default:
				if _, again := webhook.Retry(d.Attempts, false); again {
					w.fail("%s failed after %d attempts, and more were to come: %s", p.ID, len(d.Attempts), p.Body)
				}
			}
		}
	}
}

// A sink takes webhooks, refuses one of seven, and holds each to the spec and to its signature.
type sink struct {
	*httptest.Server
	w         *world
	mu        sync.Mutex
	n         int
	confirmed map[string]struct{} // event and path, until the server knows
	paths     map[string]string   // by endpoint
	secrets   map[string]string   // by path
}

func newSink(w *world) *sink {
	s := &sink{w: w, confirmed: map[string]struct{}{}, paths: map[string]string{}, secrets: map[string]string{}}
	s.Server = httptest.NewServer(s)
	return s
}

func (s *sink) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server was closed meanwhile
	}
	if strings.HasPrefix(r.URL.Path, "/forward") {
		_, _ = rw.Write([]byte(`{"taken":true}`))
		return
	}
	var event struct{ ID string }
	if err := json.Unmarshal(body, &event); err != nil {
		s.w.fail("a webhook sends %q", body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	secret := s.secrets[r.URL.Path]
	if secret != "" && !signed(secret, r.Header.Get("Stripe-Signature"), body) {
		s.w.fail("a webhook to %s is signed %q, which is wrong: %s", r.URL.Path, r.Header.Get("Stripe-Signature"), body)
	}
	for _, wrong := range shape.CheckEvent(body) {
		s.w.fail("a webhook's shape: %s\n%s", wrong, body)
	}
	if s.n++; s.n%7 == 0 {
		http.Error(rw, "not now", http.StatusServiceUnavailable)
		return
	}
	s.confirmed[r.URL.Path+" "+event.ID] = struct{}{}
}

// signed checks a Stripe-Signature header as an SDK does.
func signed(secret, header string, body []byte) bool {
	at, sums, _ := strings.Cut(strings.TrimPrefix(header, "t="), ",")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	for _, sum := range strings.Split(sums, ",") {
		if sum == "v1="+hex.EncodeToString(mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// took says whether an endpoint of the sink confirmed an event. The server asks once, when it has written that it did.
func (s *sink) took(event, endpoint string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.paths[endpoint] + " " + event
	_, ok := s.confirmed[key]
	return ok
}

func (s *sink) called(endpoint, path, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths[endpoint], s.secrets[path] = path, secret
}
