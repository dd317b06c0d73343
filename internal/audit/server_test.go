package audit_test

import (
	"bytes"
	"testing"
	"time"

	"florin/internal/audit"
	"florin/internal/server/servertest"
)

// TestServer audits what a real server has made of payments, declines, captures, refunds and events.
func TestServer(t *testing.T) {
	s := servertest.New(t)
	ok := func(r *servertest.Reply, status int) *servertest.Reply {
		t.Helper()
		if r.Status != status {
			t.Fatalf("%d, want %d: %s", r.Status, status, r.Body)
		}
		return r
	}
	ok(s.Post("/v1/webhook_endpoints", "url", "http://127.0.0.1:1/", "enabled_events[]", "*"), 200)
	cus := ok(s.Post("/v1/customers", "email", "A@b.test", "metadata[Order]", "A1"), 200).Text("id")
	pay := func(status int, params ...string) *servertest.Reply {
		t.Helper()
		return ok(s.Post("/v1/payment_intents", append([]string{
			"amount", "2000", "currency", "usd", "confirm", "true", "customer", cus,
			"automatic_payment_methods[enabled]", "true", "automatic_payment_methods[allow_redirects]", "never",
		}, params...)...), status)
	}
	paid := pay(200, "payment_method", "pm_card_visa").Text("id")
	pay(402, "payment_method", "pm_card_chargeDeclined")
	held := pay(200, "payment_method", "pm_card_visa", "capture_method", "manual").Text("id")
	pay(200, "payment_method", "pm_card_visa", "currency", "eur")
	pay(200, "payment_method", "pm_card_bypassPending")
	dropped := pay(200, "payment_method", "pm_card_visa", "capture_method", "manual").Text("id")
	ok(s.Post("/v1/payment_intents/"+held+"/capture", "amount_to_capture", "1500"), 200)
	ok(s.Post("/v1/payment_intents/"+dropped+"/cancel"), 200)
	ok(s.Post("/v1/refunds", "payment_intent", paid, "amount", "300"), 200)
	ok(s.Post("/v1/refunds", "payment_intent", paid), 200)
	r := s.Request("POST", "/v1/payment_intents", "amount", "900", "currency", "usd", "confirm", "true", "payment_method", "pm_card_visa", "payment_method_types[]", "card")
	r.Header.Set("Idempotency-Key", "once")
	ok(s.Do(r), 200)
	ok(s.Post("/v1/payment_intents", "amount", "100", "currency", "usd"), 200)
	for range 4 {
		s.Clock.Advance(48 * time.Hour)
		if _, err := s.App.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	n, err := audit.Run(t.Context(), s.DB(), &out)
	if err != nil || n != 0 {
		t.Errorf("%d findings, %v:\n%s", n, err, out.String())
	}
}
