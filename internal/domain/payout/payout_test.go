package payout_test

import (
	"bytes"
	"testing"
	"time"

	"florin/internal/audit"
	"florin/internal/server/servertest"
)

// TestAudit lets payouts and top-ups of every sort happen, and holds what is then stored to all rules.
func TestAudit(t *testing.T) {
	s := servertest.New(t)
	ok := func(r *servertest.Reply) string {
		t.Helper()
		if r.Status != 200 {
			t.Fatalf("%d: %s", r.Status, r.Body)
		}
		return r.Text("id")
	}
	ok(s.Post("/v1/charges", "amount", "100000", "currency", "usd", "source", "tok_bypassPending"))
	ok(s.Post("/v1/payouts", "amount", "1000", "currency", "usd"))
	ok(s.Post("/v1/payouts", "amount", "1000", "currency", "usd", "method", "instant"))
	canceled := ok(s.Post("/v1/payouts", "amount", "1000", "currency", "usd"))
	ok(s.Post("/v1/payouts/" + canceled + "/cancel"))
	ok(s.Post("/v1/topups", "amount", "500", "currency", "usd"))
	ok(s.Post("/v1/topups", "amount", "500", "currency", "usd", "source", "btok_us_noAccount"))
	ok(s.Post("/v1/charges", "amount", "700", "currency", "usd", "source", "tok_visa"))
	ok(s.Post("/v1/balance_settings", "payments[payouts][minimum_balance_by_currency][usd]", "100"))
	for range 10 {
		s.Clock.Advance(26 * time.Hour)
		if _, err := s.App.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.Get("/v1/balance"); r.At("available").([]any)[0].(map[string]any)["amount"] != 100.0 {
		t.Errorf("more or less is left than should be: %s", r.Body)
	}
	var out bytes.Buffer
	if n, err := audit.Run(t.Context(), s.DB(), &out); err != nil || n != 0 {
		t.Errorf("%d findings, %v:\n%s", n, err, out.String())
	}
}

// TestDebt: what an account owes is taken from its bank account, where it has one.
func TestDebt(t *testing.T) {
	s := servertest.New(t)
	s.Post("/v1/charges", "amount", "10000", "currency", "usd", "source", "tok_bypassPending")
	ch := s.Post("/v1/charges", "amount", "20000", "currency", "usd", "source", "tok_bypassPending").Text("id")
	if r := s.Post("/v1/payouts", "amount", "29000", "currency", "usd"); r.Status != 200 {
		t.Fatalf("%d: %s", r.Status, r.Body)
	}
	s.Post("/v1/refunds", "charge", ch)
	for range 2 {
		s.Clock.Advance(24 * time.Hour)
		if _, err := s.App.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r := s.Get("/v1/payouts", "limit", "1")
	po := r.At("data").([]any)[0].(map[string]any)
	if po["automatic"] != true || po["amount"].(float64) >= 0 {
		t.Errorf("not a debit: %s", r.Body)
	}
}
