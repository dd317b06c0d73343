package audit_test

import (
	"bytes"
	"testing"
	"time"

	"florin/internal/audit"
	"florin/internal/server/servertest"
)

// Disputes with every end, warnings, reviews and lists, held to all rules.
func TestDisputesAndRadar(t *testing.T) {
	s := servertest.New(t)
	ok := func(r *servertest.Reply, status int) *servertest.Reply {
		t.Helper()
		if r.Status != status {
			t.Fatalf("%d, want %d: %s", r.Status, status, r.Body)
		}
		return r
	}
	first := func(r *servertest.Reply) string { // the id of the first of a list
		if list, _ := r.At("data").([]any); len(list) > 0 {
			id, _ := list[0].(map[string]any)["id"].(string)
			return id
		}
		return ""
	}
	due := func(d time.Duration) {
		t.Helper()
		s.Clock.Advance(d)
		if _, err := s.App.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ card, words string }{
		{"createDispute", "winning_evidence"}, {"createDispute", "losing_evidence"}, {"createDispute", "words"}, {"createDispute", ""},
		{"createDisputeInquiry", "escalate_inquiry_evidence"}, {"createDisputeInquiry", "losing_evidence"}, {"createDisputeInquiry", ""},
		{"createMultipleDisputes", "winning_evidence"}, {"createIssuerFraudRecord", ""}, {"createComplianceDispute", ""},
	} {
		pi := ok(s.Post("/v1/payment_intents", "amount", "1999", "currency", "eur", "confirm", "true", "payment_method", "pm_card_"+c.card, "payment_method_types[]", "card"), 200)
		status := 400 // charged back already
		if c.card == "createDisputeInquiry" || c.card == "createIssuerFraudRecord" {
			status = 200
		}
		ok(s.Post("/v1/refunds", "payment_intent", pi.Text("id"), "amount", "100"), status)
		due(time.Second)
		if id := first(ok(s.Get("/v1/disputes", "payment_intent", pi.Text("id")), 200)); id != "" && c.words != "" {
			ok(s.Post("/v1/disputes/"+id, "evidence[uncategorized_text]", c.words), 200)
			due(time.Second)
		}
	}
	list := first(ok(s.Get("/v1/radar/value_lists", "alias", "email_blocklist"), 200))
	ok(s.Post("/v1/radar/value_list_items", "value_list", list, "value", "a@b.c"), 200)
	for range 8 {
		due(20 * 24 * time.Hour)
	}
	var out bytes.Buffer
	n, err := audit.Run(t.Context(), s.DB(), &out)
	if err != nil || n != 0 {
		t.Errorf("%d findings, %v:\n%s", n, err, out.String())
	}
}
