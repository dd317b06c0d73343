package audit_test

import (
	"bytes"
	"testing"
	"time"

	"florin/internal/audit"
	"florin/internal/server/servertest"
)

// TestConnect audits a platform and its connected accounts: charges of each kind, transfers, reversals, fees and their refunds, and deliveries to
// the endpoints of both.
func TestConnect(t *testing.T) {
	s := servertest.New(t)
	ok := func(r *servertest.Reply) *servertest.Reply {
		t.Helper()
		if r.Status != 200 {
			t.Fatalf("%d: %s", r.Status, r.Body)
		}
		return r
	}
	as := func(account, path string, params ...string) *servertest.Reply {
		t.Helper()
		r := s.Request("POST", path, params...)
		r.Header.Set("Stripe-Account", account)
		return ok(s.Do(r))
	}
	ok(s.Post("/v1/webhook_endpoints", "url", "http://127.0.0.1:1/", "enabled_events[]", "*"))
	hook := ok(s.Post("/v1/webhook_endpoints", "url", "http://127.0.0.1:1/connect", "enabled_events[]", "*", "connect", "true")).Text("id")
	acct := ok(s.Post("/v1/accounts", "type", "custom", "country", "CA", "business_type", "individual", "requested_capabilities[]", "transfers",
		"tos_acceptance[date]", "1427846400", "tos_acceptance[ip]", "54.234.242.13", "business_profile[url]", "www.example.com",
		"individual[first_name]", "Chuck", "individual[last_name]", "Bartowski", "individual[dob][day]", "1", "individual[dob][month]", "1", "individual[dob][year]", "1901",
		"individual[address][line1]", "address_full_match", "individual[address][city]", "Toronto", "individual[address][postal_code]", "M4C 1T2", "individual[address][state]", "ON",
		"individual[verification][document][front]", "file_identity_document_success",
		"external_account[object]", "bank_account", "external_account[country]", "CA", "external_account[currency]", "cad", "external_account[account_number]", "000123456789",
	)).Text("id")
	pay := func(params ...string) string {
		t.Helper()
		return ok(s.Post("/v1/payment_intents", append([]string{
			"amount", "2000", "currency", "usd", "confirm", "true", "payment_method", "pm_card_visa", "payment_method_types[]", "card",
		}, params...)...)).Text("latest_charge")
	}
	whole := pay("transfer_data[destination]", acct, "on_behalf_of", acct, "application_fee_amount", "123")
	ok(s.Post("/v1/refunds", "charge", whole, "amount", "700", "reverse_transfer", "true", "refund_application_fee", "true"))
	part := pay("transfer_data[destination]", acct, "transfer_data[amount]", "1500", "capture_method", "automatic")
	ok(s.Post("/v1/refunds", "charge", part, "reverse_transfer", "true"))
	plain := pay("capture_method", "automatic")
	tr := ok(s.Post("/v1/transfers", "amount", "500", "currency", "usd", "destination", acct, "source_transaction", plain)).Text("id")
	ok(s.Post("/v1/transfers/"+tr+"/reversals", "amount", "200"))
	direct := as(acct, "/v1/payment_intents", "amount", "3000", "currency", "eur", "confirm", "true", "payment_method", "pm_card_visa",
		"payment_method_types[]", "card", "application_fee_amount", "300", "capture_method", "automatic").Text("id")
	as(acct, "/v1/refunds", "payment_intent", direct, "amount", "1000", "refund_application_fee", "true")
	as(acct, "/v1/webhook_endpoints", "url", "http://127.0.0.1:1/own", "enabled_events[]", "*")
	as(acct, "/v1/customers", "email", "a@b.test")
	gone := ok(s.Post("/v1/accounts", "type", "standard")).Text("id")
	ok(s.Do(s.Request("DELETE", "/v1/accounts/"+gone)))
	for range 4 {
		s.Clock.Advance(80 * time.Hour)
		if _, err := s.App.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	n, err := audit.Run(t.Context(), s.DB(), &out)
	if err != nil || n != 0 {
		t.Errorf("%d findings, %v:\n%s", n, err, out.String())
	}
	if hook == "" {
		t.Error("no Connect endpoint")
	}
}
