package paymentmethod_test

import (
	"strings"
	"testing"
)

// recordedTokenCard is a token's card as Stripe answered in 2024, with regulated_status as the spec has it since.
const recordedTokenCard = `{"address_city":null,"address_country":null,"address_line1":null,"address_line1_check":null,"address_line2":null,"address_state":null,"address_zip":"12345","address_zip_check":"unchecked","brand":"Visa","country":"US","currency":"usd","cvc_check":"unchecked","dynamic_last4":null,"exp_month":12,"exp_year":2050,"fingerprint":"f","funding":"debit","id":"card","last4":"5556","metadata":{},"name":null,"networks":{"preferred":null},"object":"card","regulated_status":"unregulated","tokenization_method":null,"wallet":null}`

func TestToken(t *testing.T) {
	w := newWorld(t)
	r := w.ok("/v1/tokens", "card[number]", "4000 0566 5566 5556", "card[exp_month]", "12", "card[exp_year]", "2050", "card[cvc]", "123",
		"card[address_zip]", "12345", "card[currency]", "usd")
	tok, id := r.Text("id"), r.Text("card", "id")
	if !strings.HasPrefix(tok, "tok_1") || !strings.HasPrefix(id, "card_1") || r.At("used") != false || r.Text("type") != "card" || r.Text("client_ip") == "" {
		t.Errorf("%s", r.Body)
	}
	hash := r.At("card").(map[string]any)
	hash["id"], hash["fingerprint"] = "card", "f"
	if got := string(mustJSON(hash)); got != recordedTokenCard {
		t.Errorf("got  %s\nwant %s", got, recordedTokenCard)
	}
	if again := w.Get("/v1/tokens/" + tok); string(again.Body) != string(r.Body) {
		t.Errorf("kept as %s", again.Body)
	}

	pm := w.ok("/v1/payment_methods", "type", "card", "card[token]", tok)
	if pm.Text("card", "last4") != "5556" || pm.Text("billing_details", "address", "postal_code") != "12345" || pm.Text("card", "checks", "cvc_check") != "unchecked" {
		t.Errorf("%s", pm.Body)
	}
	if again := w.Get("/v1/tokens/" + tok); again.At("used") != true {
		t.Errorf("%s", again.Body)
	}
	w.refused(w.Post("/v1/payment_methods", "type", "card", "card[token]", tok),
		refusal{400, "token_already_used", "", "", "You cannot use a Stripe token more than once: " + tok + "."})
	w.fired("")
}

func TestTokenRefusals(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name   string
		params []string
		want   refusal
	}{
		{"nothing", nil, refusal{400, "parameter_missing", "", "", "You must supply either a card"}},
		{"number", []string{"card[number]", "4242424242424241", "card[exp_month]", "1", "card[exp_year]", "2030"},
			refusal{402, "incorrect_number", "", "number", "Your card number is incorrect."}},
		{"month", []string{"card[number]", "4242424242424242", "card[exp_month]", "May", "card[exp_year]", "2030"},
			refusal{402, "invalid_expiry_month", "", "exp_month", "Your card's expiration month is invalid."}},
		{"code", []string{"cvc_update[cvc]", "12"}, refusal{402, "invalid_cvc", "", "cvc", "Your card's security code is invalid."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			w.refused(w.Post("/v1/tokens", tt.params...), tt.want)
		})
	}
	w.t = t
	w.refused(w.Get("/v1/tokens/tok_x"), refusal{400, "resource_missing", "", "token", "No such token: 'tok_x'"})
}

func TestCVCToken(t *testing.T) {
	w := newWorld(t)
	r := w.ok("/v1/tokens", "cvc_update[cvc]", "123")
	if !strings.HasPrefix(r.Text("id"), "cvctok_1") || r.Text("type") != "cvc_update" || r.JSON["card"] != nil {
		t.Errorf("%s", r.Body)
	}
	if strings.Contains(string(r.Body), `"123"`) {
		t.Errorf("shows the code: %s", r.Body)
	}
}

// TestTestTokens: facts 07a.
func TestTestTokens(t *testing.T) {
	w := newWorld(t)
	if r := w.Get("/v1/tokens/tok_visa"); r.Text("card", "brand") != "Visa" || r.Text("type") != "card" || r.At("used") != false {
		t.Errorf("%s", r.Body)
	}
	for range 2 {
		if r := w.ok("/v1/payment_methods", "type", "card", "card[token]", "tok_mastercard"); r.Text("card", "brand") != "mastercard" ||
			r.Text("card", "checks", "cvc_check") != "unchecked" {
			t.Errorf("%s", r.Body)
		}
	}
}

// TestSources: the cards of old, as recorded at 2023-10-16 (source=tok_… of a new customer).
func TestSources(t *testing.T) {
	w := newWorld(t)
	tok := w.ok("/v1/tokens", "card[number]", "4242424242424242", "card[exp_month]", "12", "card[exp_year]", "2050", "card[cvc]", "123", "card[address_zip]", "12345",
		"card[currency]", "usd")
	card := tok.Text("card", "id")
	r := w.ok("/v1/customers", "source", tok.Text("id"), "expand[]", "sources")
	cus := r.Text("id")
	w.fired("customer.created payment_method.attached customer.source.created customer.updated")
	list := r.At("sources").(map[string]any)
	if r.Text("default_source") != card || list["total_count"] != 1.0 || list["url"] != "/v1/customers/"+cus+"/sources" {
		t.Fatalf("%s", r.Body)
	}
	source := list["data"].([]any)[0].(map[string]any)
	if source["id"] != card || source["customer"] != cus || source["cvc_check"] != "pass" || source["address_zip_check"] != "pass" {
		t.Errorf("%v", source)
	}
	if _, ok := source["currency"]; ok {
		t.Error("the token's currency stays")
	}
	if r := w.Get("/v1/payment_methods/" + card); r.Text("object") != "payment_method" || r.Text("id") != card || r.Text("customer") != cus ||
		r.Text("billing_details", "address", "postal_code") != "12345" {
		t.Errorf("%s", r.Body)
	}
	if r := w.Get("/v1/customers/"+cus, "expand[]", "default_source"); r.Text("default_source", "object") != "card" {
		t.Errorf("%s", r.Body)
	}
	w.refused(w.Post("/v1/customers", "source", "tok_chargeDeclined"), refusal{402, "card_declined", "generic_decline", "", "Your card was declined."})
	w.refused(w.Post("/v1/customers", "source", "tok_x"), refusal{400, "resource_missing", "", "source", "No such token: 'tok_x'"})
	w.fired("")

	second := w.ok("/v1/customers/"+cus+"/sources", "source", "tok_mastercard", "metadata[a]", "1")
	if second.Text("brand") != "MasterCard" || second.Text("customer") != cus || second.Text("metadata", "a") != "1" {
		t.Errorf("%s", second.Body)
	}
	w.fired("payment_method.attached customer.source.created")
	if r := w.Get("/v1/customers/" + cus); r.Text("default_source") != card {
		t.Errorf("%s", r.Body)
	}
	if r := w.Get("/v1/customers/" + cus + "/sources"); len(r.JSON["data"].([]any)) != 2 {
		t.Errorf("%s", r.Body)
	}
	if r := w.ok("/v1/customers/"+cus, "default_source", second.Text("id")); r.Text("default_source") != second.Text("id") {
		t.Errorf("%s", r.Body)
	}
	w.fired("customer.updated")
	w.refused(w.Post("/v1/customers/"+cus, "default_source", "card_x"), refusal{400, "resource_missing", "", "default_source", "No such source: 'card_x'"})

	if r := w.ok("/v1/customers/"+cus+"/sources/"+card, "exp_month", "3", "name", "Ada"); r.At("exp_month") != 3.0 || r.At("exp_year") != 2050.0 || r.Text("name") != "Ada" {
		t.Errorf("%s", r.Body)
	}
	w.fired("customer.source.updated")
	if r := w.Get("/v1/payment_methods/" + card); r.At("card", "exp_month") != 3.0 || r.Text("billing_details", "name") != "Ada" {
		t.Errorf("%s", r.Body)
	}
	if r := w.delete("/v1/customers/" + cus + "/sources/" + second.Text("id")); r.At("deleted") != true || r.Text("object") != "card" || r.Text("id") != second.Text("id") {
		t.Errorf("%s", r.Body)
	}
	w.fired("payment_method.detached customer.source.deleted customer.updated")
	if r := w.Get("/v1/customers/" + cus); r.Text("default_source") != card {
		t.Errorf("the other source is not the default: %s", r.Body)
	}
	w.refused(w.Get("/v1/customers/"+cus+"/sources/"+second.Text("id")), refusal{404, "resource_missing", "", "id", "No such source: "})
}
