package webhookendpoint

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/store"
	"florin/internal/store/memory"
	"florin/internal/vault"
)

type thing struct {
	api.Meta
}

type world struct {
	t      *testing.T
	app    *api.App
	db     *store.DB
	d      *Domain
	things *api.Kind[thing]
	who    *api.Principal
}

func (w *world) Routes(r *api.Router) { r.Kind(w.things) }

func newWorld(t *testing.T, live bool) *world {
	t.Helper()
	db, err := store.Open(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w := &world{t: t, db: db, things: &api.Kind[thing]{Name: "thing"}}
	w.app = api.New(db, clock.NewManual(time.Unix(1780000000, 0)), slog.New(slog.DiscardHandler))
	w.d = New(w.app, vault.Memory())
	w.app.Use(w.d, w)
	w.app.Subscribers = w.d.Subscribers
	w.who = &api.Principal{Scope: store.NewScope(1, live), AccountID: "acct_1FiqEsKuuB1fWySn", AccountVersion: "2026-08-26.dahlia"}
	w.app.Authenticate = func(context.Context, string, string) (*api.Principal, error) { return w.who, nil }
	w.app.PrincipalOf = func(context.Context, store.Scope) (*api.Principal, error) { return w.who, nil }
	return w
}

func (w *world) call(method, path string, form url.Values) (int, map[string]any) {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Authorization", "Bearer sk_test_1")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if key := form.Get("key"); key != "" {
		form.Del("key")
		r = httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header = http.Header{"Authorization": {"Bearer sk_test_1"}, "Content-Type": {"application/x-www-form-urlencoded"}, "Idempotency-Key": {key}}
	}
	rec := httptest.NewRecorder()
	w.app.ServeHTTP(rec, r)
	var out map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		w.t.Errorf("%s %s: %v in %s", method, path, err, rec.Body)
	}
	return rec.Code, out
}

func (w *world) create(form url.Values) map[string]any {
	w.t.Helper()
	code, out := w.call("POST", "/v1/webhook_endpoints", form)
	if code != 200 {
		w.t.Fatalf("%d %v", code, out)
	}
	return out
}

// emit emits an event, and returns who hears of it.
func (w *world) emit(id, typ string) (heard []string) {
	w.t.Helper()
	err := w.app.Do(context.Background(), w.who.Scope, func(c *api.Call) error {
		th := w.things.New(c, id)
		if err := c.Save(th, typ); err != nil {
			return err
		}
		var err error
		heard, err = w.d.Subscribers(c, c.Scope, &api.Event{Type: typ}, false)
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
	return heard
}

func TestLife(t *testing.T) {
	w := newWorld(t, false)
	we := w.create(url.Values{
		"url": {"https://x.test/hook"}, "enabled_events[]": {"charge.succeeded", "charge.failed"}, "metadata[k]": {"v"}, "description": {"d"}, "api_version": {"2024-06-20"},
	})
	secret, _ := we["secret"].(string)
	if !strings.HasPrefix(secret, "whsec_") || len(secret) != 38 {
		t.Errorf("secret %q", secret)
	}
	id := we["id"].(string)
	delete(we, "secret")
	want := map[string]any{
		"id": id, "object": "webhook_endpoint", "api_version": "2024-06-20", "application": nil, "created": 1780000000.0, "description": "d",
		"enabled_events": []any{"charge.succeeded", "charge.failed"}, "livemode": false, "metadata": map[string]any{"k": "v"}, "status": "enabled",
		"url": "https://x.test/hook",
	}
	same := func(what string, got map[string]any) {
		t.Helper()
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if !bytes.Equal(a, b) {
			t.Errorf("%s:\ngot  %s\nwant %s", what, a, b)
		}
	}
	same("create", we)
	_, got := w.call("GET", "/v1/webhook_endpoints/"+id, nil)
	same("retrieve", got)
	_, list := w.call("GET", "/v1/webhook_endpoints", nil)
	same("list", list["data"].([]any)[0].(map[string]any))

	if revealed, err := w.d.Reveal(t.Context(), w.who.Scope, id); err != nil || revealed != secret {
		t.Errorf("Reveal = %q, %v", revealed, err)
	}
	if heard := w.emit("th_1", "charge.succeeded"); len(heard) != 1 || heard[0] != id {
		t.Errorf("heard by %v", heard)
	}
	if heard := w.emit("th_2", "charge.updated"); len(heard) != 0 {
		t.Errorf("heard by %v", heard)
	}
	_, got = w.call("POST", "/v1/webhook_endpoints/"+id, url.Values{
		"enabled_events[]": {"*"}, "disabled": {"true"}, "metadata[k]": {""}, "description": {""}, "url": {"http://127.0.0.1:4000"},
	})
	want["enabled_events"], want["status"], want["metadata"] = []any{"*"}, "disabled", map[string]any{}
	want["description"], want["url"] = nil, "http://127.0.0.1:4000"
	same("update", got)
	if heard := w.emit("th_3", "charge.succeeded"); len(heard) != 0 {
		t.Errorf("heard by %v, which is disabled", heard)
	}
	w.call("POST", "/v1/webhook_endpoints/"+id, url.Values{"disabled": {"false"}})
	if heard := w.emit("th_4", "issuing_authorization.request"); len(heard) != 0 {
		t.Errorf("* means %v", heard)
	}
	if heard := w.emit("th_5", "charge.updated"); len(heard) != 1 {
		t.Errorf("heard by %v", heard)
	}
	_, got = w.call("DELETE", "/v1/webhook_endpoints/"+id, nil)
	want = map[string]any{"id": id, "object": "webhook_endpoint", "deleted": true}
	same("delete", got)
	if heard := w.emit("th_6", "charge.updated"); len(heard) != 0 {
		t.Errorf("heard by %v, which is deleted", heard)
	}
}

func TestRefused(t *testing.T) {
	ok := "https://x.test/"
	for _, tt := range []struct {
		url, events   string
		live          bool
		code, message string // "": taken
	}{
		{ok, "*", false, "", ""},
		{ok, "*", true, "", ""},
		{"http://127.0.0.1:3000/h", "*", false, "", ""},
		{"http://app:3000/h", "*", false, "", ""},
		{"http://x.test/", "*", true, "url_invalid", `Invalid URL: http://x.test/. URLs in livemode must begin with "https://"`},
		{"https://127.0.0.1/", "*", true, "url_invalid", "Invalid URL: URL must be publicly accessible."},
		{"https://10.0.0.1/", "*", true, "url_invalid", "Invalid URL: URL must be publicly accessible."},
		{"https://[::1]/", "*", true, "url_invalid", "Invalid URL: URL must be publicly accessible."},
		{"https://localhost/", "*", true, "url_invalid", "Invalid URL: URL must be publicly accessible."},
		{"x.test/hook", "*", false, "url_invalid", "Invalid URL: An explicit scheme (such as https) must be provided."},
		{"ftp://x.test/", "*", false, "url_invalid", "Not a valid URL"},
		{"https://", "*", false, "url_invalid", "Not a valid URL"},
		{ok, "charge.exploded", false, "", "Invalid enabled_events[0]: must be one of "},
		{ok, "*,charge.failed", false, "", "Invalid enabled_events: `*` enables all events"},
	} {
		w := newWorld(t, tt.live)
		f := url.Values{"url": {tt.url}, "enabled_events[]": strings.Split(tt.events, ",")}
		code, out := w.call("POST", "/v1/webhook_endpoints", f)
		e, _ := out["error"].(map[string]any)
		message, _ := e["message"].(string)
		got, _ := e["code"].(string)
		if (code == 200) != (tt.message == "") || got != tt.code || !strings.HasPrefix(message, tt.message) {
			t.Errorf("%s %s live=%v: %d %v", tt.url, tt.events, tt.live, code, out)
		}
	}
}

// TestSecretAtRest looks for the secret in everything that was stored, the answer under the idempotency key included, and wants it all the same
// when the request is tried again.
func TestSecretAtRest(t *testing.T) {
	w := newWorld(t, false)
	form := func() url.Values {
		return url.Values{"key": {"k1"}, "url": {"https://x.test/"}, "enabled_events[]": {"*"}}
	}
	first := w.create(form())
	secret := first["secret"].(string)
	if again := w.create(form()); again["id"] != first["id"] || again["secret"] != secret {
		t.Errorf("a retry answers %v", again)
	}
	snap, err := w.db.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	docs := 0
	err = snap.Walk(func(d *store.Doc) bool {
		docs++
		if bytes.Contains(d.Body, []byte(secret)) || bytes.Contains(d.Priv, []byte(secret)) {
			t.Errorf("%s has the secret in clear", d.ID)
		}
		return true
	})
	if err != nil || docs != 3 { // the endpoint, the roster, the key
		t.Errorf("%d documents, %v", docs, err)
	}
}

func TestMost(t *testing.T) {
	w := newWorld(t, false)
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken, message := 0, ""
	for i := range 24 {
		wg.Go(func() {
			code, out := w.call("POST", "/v1/webhook_endpoints", url.Values{"url": {fmt.Sprintf("https://x.test/%d", i)}, "enabled_events[]": {"*"}})
			mu.Lock()
			defer mu.Unlock()
			if code == 200 {
				taken++
			} else {
				message, _ = out["error"].(map[string]any)["message"].(string)
			}
		})
	}
	wg.Wait()
	if taken != most || message != "You have reached the maximum of 16 test webhook endpoints." {
		t.Errorf("%d were taken: %s", taken, message)
	}
}

// TestRace makes, disables and deletes an endpoint while others emit events, and holds each unit to the endpoints as they were committed before it:
// what comes after must be heard by exactly those.
func TestRace(t *testing.T) {
	w := newWorld(t, false)
	enabled, events, heard := map[string]bool{}, 0, 0
	w.db.OnCommit(func(units []*store.Unit) {
		for _, u := range units {
			told := map[string]bool{}
			emits := false
			for i := range u.Puts {
				switch p := &u.Puts[i]; p.Kind {
				case "webhook_endpoint":
					enabled[p.ID] = !p.Deleted && bytes.Contains(p.Body, []byte(`"status":"enabled"`))
				case "event":
					emits = true
				case api.Deliveries.Name:
					told[p.ID[strings.LastIndexByte(p.ID, ':')+1:]] = true
				}
			}
			if !emits {
				continue
			}
			events++
			for id, want := range enabled {
				if told[id] {
					heard++
				}
				if told[id] != want {
					t.Errorf("an event was told to %s: %v, want %v", id, told[id], want)
				}
			}
		}
	})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				w.emit(fmt.Sprintf("th_%d_%d", n, i), "charge.succeeded")
			}
		})
	}
	for i := range 40 {
		id := w.create(url.Values{"url": {fmt.Sprintf("https://x.test/%d", i)}, "enabled_events[]": {"*"}})["id"].(string)
		w.call("POST", "/v1/webhook_endpoints/"+id, url.Values{"disabled": {"true"}})
		w.call("POST", "/v1/webhook_endpoints/"+id, url.Values{"disabled": {"false"}})
		if code, out := w.call("DELETE", "/v1/webhook_endpoints/"+id, nil); code != 200 {
			t.Errorf("delete: %v", out)
		}
	}
	close(stop)
	wg.Wait()
	if heard == 0 || events < 100 {
		t.Errorf("%d events, %d deliveries: nothing was tried", events, heard)
	}
}
