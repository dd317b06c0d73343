package version_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/server/servertest"
	"florin/internal/store"
)

// at asks a server with an API version.
func at(s *servertest.Server, version string, r *http.Request, headers ...string) *servertest.Reply {
	if version != "" {
		r.Header.Set("Stripe-Version", version)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return s.Do(r)
}

func paid(s *servertest.Server, version string, more ...string) *servertest.Reply {
	params := append([]string{"amount", "2000", "currency", "usd", "payment_method", "pm_card_visa", "confirm", "true", "return_url", "https://example.com"}, more...)
	return at(s, version, s.Request("POST", "/v1/payment_intents", params...))
}

// list is a list in an answer; nil if there is none.
func list(r *servertest.Reply, path ...string) []any {
	data, _ := r.At(append(path, "data")...).([]any)
	return data
}

func TestIntentOf2020(t *testing.T) {
	s := servertest.New(t)
	pi := paid(s, "2020-08-27", "expand[]", "charges.data.balance_transaction")
	if pi.Status != 200 || pi.Header.Get("Stripe-Version") != "2020-08-27" {
		t.Fatalf("%d %s", pi.Status, pi.Body)
	}
	charges := list(pi, "charges")
	if len(charges) != 1 || pi.At("charges", "total_count") != 1.0 || pi.At("charges", "url") != "/v1/charges?payment_intent="+pi.Text("id") {
		t.Fatalf("charges: %s", pi.Body)
	}
	ch := charges[0].(map[string]any)
	txn, _ := ch["balance_transaction"].(map[string]any)
	if txn["object"] != "balance_transaction" || ch["id"] != pi.Text("latest_charge") {
		t.Errorf("the charge's balance transaction is not expanded: %v", ch)
	}
	if invoice, ok := ch["invoice"]; !ok || invoice != nil {
		t.Errorf("the charge's invoice: %v", invoice)
	}
	if refunds, _ := ch["refunds"].(map[string]any); refunds["total_count"] != 0.0 {
		t.Errorf("the charge's refunds: %v", refunds)
	}
	if order := strings.Index(string(pi.Body), `"charges"`); order < strings.Index(string(pi.Body), `"capture_method"`) || order > strings.Index(string(pi.Body), `"client_secret"`) {
		t.Error("charges stand elsewhere than in the order of the alphabet")
	}
	if pi.Text("capture_method") != "automatic" || pi.At("automatic_payment_methods") != nil {
		t.Errorf("defaults: %v %v", pi.At("capture_method"), pi.At("automatic_payment_methods"))
	}

	refund := at(s, "2020-08-27", s.Request("POST", "/v1/refunds", "charge", ch["id"].(string), "amount", "500", "expand[]", "charge"))
	if n := refund.At("charge", "refunds", "total_count"); n != 1.0 {
		t.Errorf("the refund that was just made is not among those of its charge: %v %s", n, refund.Body)
	}
	for _, tt := range []struct {
		version          string
		charges, invoice bool
	}{{"", false, false}, {"2026-10-28.endive", false, false}, {"2025-03-31.basil", false, false}, {"2025-02-24.acacia", false, true}, {"2022-11-15", false, true}, {"2022-08-01", true, true}} {
		got := at(s, tt.version, s.Request("GET", "/v1/payment_intents/"+pi.Text("id")))
		_, charges := got.JSON["charges"]
		_, invoice := got.JSON["invoice"]
		if got.Status != 200 || charges != tt.charges || invoice != tt.invoice {
			t.Errorf("%s: charges %v, invoice %v", tt.version, charges, invoice)
		}
		if got.Text("capture_method") != "automatic" {
			t.Errorf("%s: what was fixed at creation has changed", tt.version)
		}
	}
	all := at(s, "2022-08-01", s.Request("GET", "/v1/payment_intents", "expand[]", "data.charges.data.balance_transaction"))
	if all.Status != 200 || !strings.Contains(string(all.Body), `"object": "balance_transaction"`) {
		t.Errorf("a list: %d %s", all.Status, all.Body)
	}
}

func TestExpandOfOld(t *testing.T) {
	s := servertest.New(t)
	pi := paid(s, "")
	for _, tt := range []struct {
		version, path string
		status        int
	}{
		{"2020-08-27", "charges", 200},
		{"2022-11-15", "charges", 400},
		{"2024-06-20", "invoice", 200},
		{"2024-06-20", "latest_charge.invoice", 200},
		{"2025-03-31.basil", "invoice", 400},
	} {
		got := at(s, tt.version, s.Request("GET", "/v1/payment_intents/"+pi.Text("id"), "expand[]", tt.path))
		if got.Status != tt.status {
			t.Errorf("%s at %s: %d %s", tt.path, tt.version, got.Status, got.Text("error", "message"))
		}
	}
}

func TestReplayKeepsItsVersion(t *testing.T) {
	s := servertest.New(t)
	make := func(version string) *servertest.Reply {
		r := s.Request("POST", "/v1/payment_intents", "amount", "2000", "currency", "usd", "payment_method_types[]", "card", "payment_method", "pm_card_visa", "confirm", "true")
		return at(s, version, r, "Idempotency-Key", "k")
	}
	first, again := make("2020-08-27"), make("")
	if first.Status != 200 || len(list(first, "charges")) != 1 {
		t.Fatalf("%d %s", first.Status, first.Body)
	}
	if again.Header.Get("Idempotent-Replayed") != "true" || string(again.Body) != string(first.Body) {
		t.Errorf("the replay is another:\n%s\n%s", first.Body, again.Body)
	}
}

func TestRefusalsOfOld(t *testing.T) {
	s := servertest.New(t)
	declined := at(s, "2020-08-27", s.Request("POST", "/v1/payment_intents", "amount", "2000", "currency", "usd", "payment_method", "pm_card_chargeDeclined", "confirm", "true"))
	if declined.Status != 402 || len(list(declined, "error", "payment_intent", "charges")) != 1 {
		t.Errorf("a decline: %d %s", declined.Status, declined.Body)
	}
	pi := paid(s, "")
	state := at(s, "2023-10-16", s.Request("POST", "/v1/payment_intents/"+pi.Text("id")+"/confirm"))
	intent, _ := state.At("error", "payment_intent").(map[string]any)
	if _, ok := intent["invoice"]; state.Status != 400 || !ok {
		t.Errorf("a refusal by status: %d %s", state.Status, state.Body)
	}
	gone := at(s, "2026-10-28.endive", s.Request("POST", "/v1/payment_intents", "amount", "2000", "currency", "usd", "payment_method_types[]", "card"))
	if gone.Status != 400 || gone.Text("error", "code") != "payment_method_types_no_longer_supported" {
		t.Errorf("payment_method_types at endive: %d %s", gone.Status, gone.Body)
	}
	unknown := at(s, "2020-08-28", s.Request("GET", "/v1/customers"))
	if unknown.Status != 400 || unknown.Text("error", "message") != "Invalid Stripe API version: 2020-08-28" {
		t.Errorf("a version that there is none of: %d %s", unknown.Status, unknown.Body)
	}
}

// TestPublishable: a browser sees no charges and no invoice at any version.
func TestPublishable(t *testing.T) {
	s := servertest.New(t)
	pi := paid(s, "")
	r := s.Request("GET", "/v1/payment_intents/"+pi.Text("id"), "client_secret", pi.Text("client_secret"))
	r.Header.Set("Authorization", "Bearer "+s.Publishable)
	got := at(s, "2020-08-27", r)
	_, charges := got.JSON["charges"]
	_, invoice := got.JSON["invoice"]
	if got.Status != 200 || charges || invoice {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

// TestEventsKeepTheirVersion: data is rendered at the account's version of then, whatever version reads or caused it.
func TestEventsKeepTheirVersion(t *testing.T) {
	s := servertest.New(t)
	paid(s, "2020-08-27")
	event := s.Get("/v1/events", "type", "payment_intent.succeeded")
	first := list(event)[0].(map[string]any)
	object := first["data"].(map[string]any)["object"].(map[string]any)
	if _, ok := object["charges"]; ok || first["api_version"] != "2026-08-26.dahlia" {
		t.Errorf("an event of a newer account: %s", event.Body)
	}

	if err := s.App.Do(t.Context(), store.System, func(c *api.Call) error {
		a, err := account.Load(c, s.Account)
		if err != nil {
			return err
		}
		a.Private.Version = "2020-08-27"
		return c.Save(a)
	}); err != nil {
		t.Fatal(err)
	}
	paid(s, "2026-08-26.dahlia")
	for _, version := range []string{"2026-08-26.dahlia", "2020-08-27"} {
		events := list(at(s, version, s.Request("GET", "/v1/events", "type", "payment_intent.succeeded")))
		if len(events) != 2 {
			t.Fatalf("%d events", len(events))
		}
		for i, want := range []bool{true, false} { // newest first
			ev := events[i].(map[string]any)
			object := ev["data"].(map[string]any)["object"].(map[string]any)
			charges, ok := object["charges"].(map[string]any)
			if ok != want || ok && charges["total_count"] != 1.0 {
				t.Errorf("at %s: event %d of %v: charges %v", version, i, ev["api_version"], charges)
			}
		}
	}
}

// TestRenderEvent is what the deliverer does for an endpoint with a version of its own.
func TestRenderEvent(t *testing.T) {
	s := servertest.New(t)
	paid(s, "")
	snap, err := s.DB().Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	pi := list(s.Get("/v1/payment_intents"))[0].(map[string]any)["id"].(string)
	event := []byte(`{"id":"evt_1","object":"event","data":{"object":{"id":"` + pi + `","object":"payment_intent","amount":2000}}}`)
	var scope store.Scope
	if err := snap.Walk(func(d *store.Doc) bool {
		if d.ID == pi {
			scope = d.Scope
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	got, err := s.App.RenderEvent(t.Context(), snap, scope, "2022-08-01", event)
	if err != nil || !strings.Contains(string(got), `"total_count":1`) {
		t.Errorf("%v: %s", err, got)
	}
	if again, err := s.App.RenderEvent(t.Context(), snap, scope, "2026-10-28.endive", event); err != nil || string(again) != string(event) {
		t.Errorf("%v: %s", err, again)
	}
}

// TestUpcomingInvoice: what only older versions have a route for is answered by the newest's.
func TestUpcomingInvoice(t *testing.T) {
	s := servertest.New(t)
	old := at(s, "2024-06-20", s.Request("GET", "/v1/invoices/upcoming", "customer", "cus_none"))
	preview := at(s, "2024-06-20", s.Request("POST", "/v1/invoices/create_preview", "customer", "cus_none"))
	if old.Status != preview.Status || old.Text("error", "message") != preview.Text("error", "message") {
		t.Errorf("%d %s, and not %d %s", old.Status, old.Body, preview.Status, preview.Body)
	}
	gone := at(s, "2025-03-31.basil", s.Request("GET", "/v1/invoices/upcoming", "customer", "cus_none"))
	if gone.Text("error", "message") == preview.Text("error", "message") {
		t.Errorf("at basil: %d %s", gone.Status, gone.Body)
	}
}
