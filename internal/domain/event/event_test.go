package event

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/store"
	"florin/internal/store/memory"
)

type thing struct {
	api.Meta
	N int64 `json:"n"`
}

type world struct {
	t      *testing.T
	app    *api.App
	clock  *clock.Manual
	things *api.Kind[thing]
	who    *api.Principal
}

func (w *world) Routes(r *api.Router) { r.Kind(w.things) }

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w := &world{t: t, clock: clock.NewManual(time.Unix(1780000000, 0)), things: &api.Kind[thing]{Name: "thing"}}
	w.app = api.New(db, w.clock, slog.New(slog.DiscardHandler))
	w.app.Use(New(), w)
	w.who = &api.Principal{Scope: store.NewScope(1, false), AccountID: "acct_1FiqEsKuuB1fWySn", AccountVersion: "2026-08-26.dahlia"}
	w.app.Authenticate = func(context.Context, string, string) (*api.Principal, error) { return w.who, nil }
	w.app.PrincipalOf = func(context.Context, store.Scope) (*api.Principal, error) { return w.who, nil }
	return w
}

func (w *world) get(path string) (int, map[string]any) {
	w.t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Authorization", "Bearer sk_test_1")
	rec := httptest.NewRecorder()
	w.app.ServeHTTP(rec, r)
	var out map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		w.t.Fatalf("GET %s: %v in %s", path, err, rec.Body)
	}
	return rec.Code, out
}

// types are those of the events that a query lists.
func (w *world) types(query string) string {
	w.t.Helper()
	code, out := w.get("/v1/events?" + query)
	if code != 200 {
		w.t.Fatalf("%s: %v", query, out)
	}
	var types []string
	for _, e := range out["data"].([]any) {
		types = append(types, e.(map[string]any)["type"].(string))
	}
	return strings.Join(types, " ")
}

func (w *world) emit(id string, types ...string) {
	w.t.Helper()
	err := w.app.Do(w.t.Context(), w.who.Scope, func(c *api.Call) error {
		th, err := w.things.Get(c, id)
		if err != nil {
			return err
		}
		if th == nil {
			th = w.things.New(c, id)
		}
		th.N++
		return c.Save(th, types...)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestList(t *testing.T) {
	w := newWorld(t)
	for _, typ := range []string{"customer.created", "charge.succeeded", "charge.dispute.created", "charge.updated"} {
		w.emit("th_1", typ)
		w.clock.Advance(time.Second)
	}
	for query, want := range map[string]string{
		"":                      "charge.updated charge.dispute.created charge.succeeded customer.created",
		"type=charge.succeeded": "charge.succeeded", "type=charge.*": "charge.updated charge.dispute.created charge.succeeded",
		"type=charge.dispute.*": "charge.dispute.created", "type=*.created": "charge.dispute.created customer.created", "type=*": "charge.updated charge.dispute.created charge.succeeded customer.created",
		"type=charge": "", "types[]=charge.succeeded&types[]=customer.created": "charge.succeeded customer.created",
		"created=1780000001": "charge.succeeded", "created[gt]=1780000001": "charge.updated charge.dispute.created",
		"created[lte]=1780000000": "customer.created", "created[gte]=1780000001&created[lt]=1780000003": "charge.dispute.created charge.succeeded",
		"limit=1": "charge.updated", "delivery_success=true&limit=2": "charge.updated charge.dispute.created", "delivery_success=false": "",
	} {
		if got := w.types(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if code, out := w.get("/v1/events?type=a&types[]=b"); code != 400 {
		t.Errorf("both: %v", out)
	}
	many := url.Values{}
	for range 21 {
		many.Add("types[]", "charge.succeeded")
	}
	if code, out := w.get("/v1/events?" + many.Encode()); code != 400 {
		t.Errorf("21 types: %v", out)
	}
}

func TestShow(t *testing.T) {
	w := newWorld(t)
	w.emit("th_1", "thing.created")
	w.emit("th_1", "thing.updated")
	_, out := w.get("/v1/events")
	last := out["data"].([]any)[0].(map[string]any)
	got, _ := json.Marshal(last)
	want := `{"api_version":"2026-08-26.dahlia","created":1780000000,"data":{"object":{"id":"th_1","n":2,"object":"thing"},"previous_attributes":{"n":1}},"id":"` +
		last["id"].(string) + `","livemode":false,"object":"event","pending_webhooks":0,"request":{"id":null,"idempotency_key":null},"type":"thing.updated"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if code, one := w.get("/v1/events/" + last["id"].(string)); code != 200 || one["type"] != "thing.updated" {
		t.Errorf("%d %v", code, one)
	}
	if code, _ := w.get("/v1/events/evt_9"); code != 404 {
		t.Errorf("%d for an event that there is none of", code)
	}
}

func TestThirtyDays(t *testing.T) {
	w := newWorld(t)
	w.emit("th_1", "charge.succeeded")
	_, out := w.get("/v1/events")
	id := out["data"].([]any)[0].(map[string]any)["id"].(string)
	w.clock.Advance(20 * 24 * time.Hour)
	w.emit("th_1", "charge.updated")
	w.clock.Advance(10*24*time.Hour + time.Second)
	if got := w.types(""); got != "charge.updated" {
		t.Errorf("listed %s", got)
	}
	for _, query := range []string{"created=1780000000", "created[gte]=1700000000&created[lt]=1780000005", "type=charge.succeeded"} {
		if got := w.types(query); got != "" {
			t.Errorf("%s lists %s", query, got)
		}
	}
	if code, out := w.get("/v1/events/" + id); code != 404 {
		t.Errorf("%d %v", code, out)
	}
}
