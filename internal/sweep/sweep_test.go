package sweep_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/audit"
	"florin/internal/jsontext"
	"florin/internal/server/servertest"
	"florin/internal/store"
	"florin/internal/store/sqlite"
	"florin/internal/sweep"
)

// A world is a server whose clock is turned.
type world struct {
	*servertest.Server
	t *testing.T
}

func (w *world) post(path, key string, params ...string) *servertest.Reply {
	w.t.Helper()
	r := w.Request("POST", path, params...)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	got := w.Do(r)
	if got.Status != 200 {
		w.t.Fatalf("%s: %d %s", path, got.Status, got.Body)
	}
	return got
}

func (w *world) sweep() sweep.Swept {
	w.t.Helper()
	n, err := w.Sweep(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) audited() {
	w.t.Helper()
	var out bytes.Buffer
	if n, err := audit.Run(w.t.Context(), w.DB(), &out); n != 0 || err != nil {
		w.t.Fatalf("%d findings, %v\n%s", n, err, &out)
	}
}

// A weight is how much a store holds.
type weight struct{ docs, versions, places int }

func (w *world) weigh() (out weight) {
	w.t.Helper()
	snap, err := w.DB().Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer snap.Close()
	snap.Walk(func(*store.Doc) bool { out.docs++; return true })
	snap.WalkVersions(func(*store.Doc) bool { out.versions++; return true })
	snap.WalkIndex(func(store.Scope, store.Entry, store.Pos, string) bool { out.places++; return true })
	return out
}

func (w *world) fileSize() int64 {
	w.t.Helper()
	engine, ok := w.DB().Engine().(*sqlite.Engine)
	if !ok {
		return 0
	}
	img, err := engine.Image(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer img.Close()
	return img.Size
}

// TestGrowth puts the same load on a store for 45 days. After 31 it grows no more, in documents, versions, index entries or pages of the file; what can
// still be asked for is there on every day, and the audit finds nothing.
func TestGrowth(t *testing.T) {
	w := &world{servertest.New(t, servertest.In(t.TempDir())), t}
	var customers []string
	for range 4 {
		customers = append(customers, w.post("/v1/customers", "", "name", "first").Text("id"))
	}
	const daily = 12
	var steady weight
	var size int64
	for day := range 45 {
		for i := range daily {
			w.post("/v1/customers/"+customers[i%4], fmt.Sprintf("day %d, %d", day, i), "name", fmt.Sprintf("name %d of day %d", i, day))
		}
		w.Clock.Advance(time.Hour)
		// An answer of today is given again.
		again := w.post("/v1/customers/"+customers[0], fmt.Sprintf("day %d, 0", day), "name", fmt.Sprintf("name 0 of day %d", day))
		if again.Header.Get("Idempotent-Replayed") != "true" || again.Text("name") != fmt.Sprintf("name 0 of day %d", day) {
			t.Fatalf("day %d: not given again: %s", day, again.Body)
		}
		w.Clock.Advance(23 * time.Hour)
		w.sweep()
		if day%11 == 0 {
			w.audited()
			w.eventsOpen(min(30, day+1)*daily, day)
		}
		switch now := w.weigh(); {
		case day == 33:
			steady, size = now, w.fileSize()
		case day > 33 && now != steady:
			t.Fatalf("day %d: %+v, on day 33 %+v", day, now, steady)
		}
	}
	if now := w.fileSize(); now > size+size/20 { // pages are not always as full
		t.Errorf("the file has grown from %d to %d bytes", size, now)
	}
	t.Logf("steady: %+v, %d bytes", steady, size)
	for _, id := range customers {
		if got := w.Get("/v1/customers/" + id).Text("name"); got == "first" || got == "" {
			t.Errorf("%s is called %q", id, got)
		}
	}
}

// eventsOpen lists the events of updates and retrieves each: it shows the name that was given then.
func (w *world) eventsOpen(least, day int) {
	w.t.Helper()
	n, params := 0, []string{"limit", "100", "type", "customer.updated"}
	for {
		page := w.Get("/v1/events", params...)
		data, _ := page.JSON["data"].([]any)
		for _, e := range data {
			id := e.(map[string]any)["id"].(string)
			got := w.Get("/v1/events/" + id)
			if name := got.Text("data", "object", "name"); name == "" || name == "first" {
				w.t.Fatalf("day %d: %s shows %s", day, id, got.Body)
			}
			n++
			params = []string{"limit", "100", "type", "customer.updated", "starting_after", id}
		}
		if page.JSON["has_more"] != true {
			break
		}
	}
	if n < least {
		w.t.Errorf("day %d: %d events, want %d at least", day, n, least)
	}
}

// TestPayments sweeps after payments, captures and refunds: all of them stay as they are, and add up.
func TestPayments(t *testing.T) {
	w := &world{servertest.New(t), t}
	pay := func(params ...string) string {
		return w.post("/v1/payment_intents", "", append([]string{"amount", "2000", "currency", "usd", "confirm", "true", "payment_method", "pm_card_visa",
			"payment_method_types[]", "card"}, params...)...).Text("id")
	}
	paid, held := pay(), pay("capture_method", "manual")
	w.post("/v1/payment_intents/"+held+"/capture", "", "amount_to_capture", "1500")
	w.post("/v1/refunds", "", "payment_intent", paid, "amount", "300")
	before := map[string]string{}
	paths := []string{"/v1/payment_intents", "/v1/charges", "/v1/refunds", "/v1/balance_transactions"}
	for _, p := range paths {
		before[p] = string(w.Get(p, "limit", "100").Body)
	}
	w.Clock.Advance(2 * 24 * time.Hour)
	if n := w.sweep(); n.Answers != 4 || n.Events != 0 || n.Versions != 0 {
		t.Errorf("after two days: %+v", n)
	}
	w.Clock.Advance(29 * 24 * time.Hour)
	n := w.sweep()
	if n.Events < 8 || n.Versions < 2 {
		t.Errorf("after 31 days: %+v", n)
	}
	if n = w.sweep(); n != (sweep.Swept{}) {
		t.Errorf("at once again: %+v", n)
	}
	for _, p := range paths {
		if p == "/v1/balance_transactions" {
			continue // they have become available
		}
		if now := string(w.Get(p, "limit", "100").Body); now != before[p] {
			t.Errorf("%s has changed:\n%s\n%s", p, before[p], now)
		}
	}
	if got := w.Get("/v1/events"); string(got.Body) == "" || len(got.JSON["data"].([]any)) != 0 {
		t.Errorf("events: %s", got.Body)
	}
	w.audited()
	w.post("/v1/refunds", "", "payment_intent", paid) // and they go on
	w.audited()
}

// TestDue keeps an event whose delivery is still due, and all that it shows; when it is delivered it goes, and the delivery with it.
func TestDue(t *testing.T) {
	w := &world{servertest.New(t), t}
	endpoint := w.post("/v1/webhook_endpoints", "", "url", "http://127.0.0.1:1/", "enabled_events[]", "customer.updated").Text("id")
	cus := w.post("/v1/customers", "", "name", "one").Text("id")
	w.post("/v1/customers/"+cus, "", "name", "two") // its delivery is due, and nobody does it here
	w.post("/v1/webhook_endpoints/"+endpoint, "", "enabled_events[]", "charge.failed")
	w.post("/v1/customers/"+cus, "", "name", "three")
	w.Clock.Advance(40 * 24 * time.Hour)
	if n := w.sweep(); n.Events != 2 || n.Deliveries != 0 || n.Versions != 0 {
		t.Errorf("%+v, want the other events alone", n)
	}
	w.audited()
	var delivery *store.Doc
	snap, err := w.DB().Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snap.Walk(func(d *store.Doc) bool {
		if d.Kind == api.Deliveries.Name {
			delivery = d
		}
		return true
	})
	snap.Close()
	if delivery == nil {
		t.Fatal("there is no delivery")
	}
	var dl api.Delivery
	if err := json.Unmarshal(delivery.Body, &dl); err != nil {
		t.Fatal(err)
	}
	dl.Queue, dl.Attempts = "", []api.Attempt{{At: w.Clock.Now().Unix(), Status: 200}}
	next := *delivery
	next.Body, next.Ver = jsontext.Append(nil, &dl), delivery.Ver+1
	if err := w.DB().Commit(t.Context(), &store.Unit{Puts: []store.Put{{Doc: next, Base: delivery.Ver, Index: w.App.Entries(&next), Was: w.App.Entries(delivery)}}}); err != nil {
		t.Fatal(err)
	}
	if n := w.sweep(); n.Events != 1 || n.Deliveries != 1 || n.Versions != 1 {
		t.Errorf("%+v, want the event, its delivery and the version before", n)
	}
	w.audited()
}

// TestUnplaced sweeps a store of before there was an index of answers.
func TestUnplaced(t *testing.T) {
	w := &world{servertest.New(t), t}
	for i := range 5 {
		w.post("/v1/customers", fmt.Sprint("key ", i), "name", "x")
	}
	snap, err := w.DB().Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var u store.Unit
	snap.Walk(func(d *store.Doc) bool {
		if d.Kind == api.KeptAnswers {
			next := *d
			next.Ver++
			u.Puts = append(u.Puts, store.Put{Doc: next, Base: d.Ver, Was: w.App.Entries(d)})
		}
		return true
	})
	snap.Close()
	if err := w.DB().Commit(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	w.audited()
	if n := w.sweep(); n != (sweep.Swept{}) {
		t.Errorf("%+v", n)
	}
	w.audited()
	w.Clock.Advance(26 * time.Hour)
	if n := w.sweep(); n.Answers != 5 {
		t.Errorf("%+v, want 5 answers", n)
	}
	w.audited()
}
