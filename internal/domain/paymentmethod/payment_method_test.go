package paymentmethod_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// recordedCard is what Stripe answered at 2026-06-24.dahlia, less what is different each time.
const recordedCard = `{"id":"","object":"payment_method","allow_redisplay":"unspecified","billing_details":{"address":{"city":null,"country":null,"line1":null,"line2":null,"postal_code":null,"state":null},"email":null,"name":null,"phone":null,"tax_id":null},"card":{"brand":"visa","checks":{"address_line1_check":null,"address_postal_code_check":null,"cvc_check":"unchecked"},"country":"US","display_brand":"visa","exp_month":8,"exp_year":2027,"fingerprint":"","funding":"credit","generated_from":null,"last4":"4242","networks":{"available":["visa"],"preferred":null},"regulated_status":"unregulated","three_d_secure_usage":{"supported":true},"wallet":null},"created":0,"customer":null,"customer_account":null,"livemode":false,"metadata":{},"shared_payment_granted_token":null,"type":"card"}`

func TestCreateIsAsRecorded(t *testing.T) {
	w := newWorld(t)
	r := w.ok("/v1/payment_methods", card("4242 4242 4242 4242")...)
	w.fired("")
	if id := r.Text("id"); !strings.HasPrefix(id, "pm_1") || len(id) != 27 {
		t.Errorf("id %q", id)
	}
	if len(r.Text("card", "fingerprint")) != 16 {
		t.Errorf("fingerprint %q", r.Text("card", "fingerprint"))
	}
	r.JSON["id"], r.JSON["created"] = "", 0
	r.JSON["card"].(map[string]any)["fingerprint"] = ""
	var want any
	if err := json.Unmarshal([]byte(recordedCard), &want); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(r.JSON)
	wanted, _ := json.Marshal(want)
	if string(got) != string(wanted) {
		t.Errorf("got  %s\nwant %s", got, wanted)
	}
	for _, secret := range []string{"4242424242424242", "314\""} {
		if strings.Contains(string(r.Body), secret) {
			t.Errorf("the answer shows %s", secret)
		}
	}
	if one, two := w.card("4242424242424242"), w.card("4242424242424242"); w.Get("/v1/payment_methods/"+one).Text("card", "fingerprint") !=
		w.Get("/v1/payment_methods/"+two).Text("card", "fingerprint") {
		t.Error("one number, two fingerprints")
	}
}

// TestCreateRefusals: facts 05a, 07d.
func TestCreateRefusals(t *testing.T) {
	w := newWorld(t)
	with := func(pairs ...string) []string {
		p := card("4242424242424242")
		for i := 0; i < len(pairs); i += 2 {
			set := false
			for j := 0; j < len(p); j += 2 {
				if p[j] == pairs[i] {
					p[j+1], set = pairs[i+1], true
				}
			}
			if !set {
				p = append(p, pairs[i], pairs[i+1])
			}
		}
		return p
	}
	for _, tt := range []struct {
		name   string
		params []string
		want   refusal
	}{
		{"no type", nil, refusal{400, "parameter_missing", "", "type", "Missing required param: type."}},
		{"no card", []string{"type", "card"}, refusal{400, "parameter_missing", "", "card", "Missing required param: card."}},
		{"wrong number", with("card[number]", "4242424242424241"), refusal{402, "incorrect_number", "", "number", "Your card number is incorrect."}},
		{"month 13", with("card[exp_month]", "13"), refusal{402, "invalid_expiry_month", "", "exp_month", "Your card's expiration month is invalid."}},
		{"past year", with("card[exp_year]", "2020"), refusal{402, "invalid_expiry_year", "", "exp_year", "Your card's expiration year is invalid."}},
		{"short code", with("card[cvc]", "99"), refusal{402, "invalid_cvc", "", "cvc", "Your card's security code is invalid."}},
		{"other hash", with("sepa_debit[iban]", "BE62510007547061"), refusal{400, "", "", "sepa_debit", "You cannot pass `sepa_debit`"}},
		{"unknown type", []string{"type", "cheque"}, refusal{400, "", "", "type", "Invalid type: must be one of "}},
		{"no iban", []string{"type", "sepa_debit"}, refusal{400, "parameter_missing", "", "sepa_debit", "Missing required param: sepa_debit."}},
		{"bad iban", []string{"type", "sepa_debit", "sepa_debit[iban]", "BE62510007547062"}, refusal{400, "invalid_bank_account_iban", "", "sepa_debit[iban]", "The IBAN"}},
		{"unknown token", []string{"type", "card", "card[token]", "tok_x"}, refusal{400, "resource_missing", "", "card[token]", "No such token: 'tok_x'"}},
		{"not its network", with("card[networks][preferred]", "mastercard"), refusal{400, "", "", "card[networks][preferred]", "The card does not support"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			w.refused(w.Post("/v1/payment_methods", tt.params...), tt.want)
		})
	}
	w.t = t
	w.fired("")
}

// TestTestCards: the names of test cards make something new at each use (facts 07a, 08m).
func TestTestCards(t *testing.T) {
	w := newWorld(t)
	one, two := w.Get("/v1/payment_methods/pm_card_visa"), w.Get("/v1/payment_methods/pm_card_visa")
	if one.Text("id") == two.Text("id") || one.Status != 200 {
		t.Errorf("%d %s and %s", one.Status, one.Text("id"), two.Text("id"))
	}
	if m, y, cvc := one.At("card", "exp_month"), one.At("card", "exp_year"), one.At("card", "checks", "cvc_check"); m != 9.0 || y != 2027.0 || cvc != "unchecked" {
		t.Errorf("expires %v/%v, cvc_check %v", m, y, cvc)
	}
	if again := w.Get("/v1/payment_methods/" + one.Text("id")); again.Status != 200 {
		t.Errorf("not kept: %s", again.Body)
	}
	for name, want := range map[string]string{
		"mastercard_debit": "mastercard debit US", "jp": "visa credit JP", "amex": "amex credit US", "gb_debit": "visa debit GB",
	} {
		r := w.Get("/v1/payment_methods/pm_card_" + name)
		if got := r.Text("card", "brand") + " " + r.Text("card", "funding") + " " + r.Text("card", "country"); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	w.refused(w.Get("/v1/payment_methods/pm_card_nonsense"), refusal{404, "resource_missing", "", "payment_method", "No such PaymentMethod: 'pm_card_nonsense'"})
}

// TestChecksOnCreate: cvc_check is null where no code was given; address checks are of what was given.
func TestChecksOnCreate(t *testing.T) {
	w := newWorld(t)
	r := w.ok("/v1/payment_methods", "type", "card", "card[number]", "4242424242424242", "card[exp_month]", "8", "card[exp_year]", "27",
		"billing_details[address][postal_code]", "12345", "billing_details[email]", "a@example.com")
	if got, _ := json.Marshal(r.At("card", "checks")); string(got) != `{"address_line1_check":null,"address_postal_code_check":"unchecked","cvc_check":null}` {
		t.Errorf("checks %s", got)
	}
	if r.At("card", "exp_year") != 2027.0 || r.Text("billing_details", "email") != "a@example.com" {
		t.Errorf("%s", r.Body)
	}
	cus := w.customer()
	r = w.ok("/v1/payment_methods/"+r.Text("id")+"/attach", "customer", cus)
	if got, _ := json.Marshal(r.At("card", "checks")); string(got) != `{"address_line1_check":null,"address_postal_code_check":"pass","cvc_check":null}` {
		t.Errorf("checks %s", got)
	}
}

// TestAttach: facts 05f, 07d, 08m, each attach with the events that it fires.
func TestAttach(t *testing.T) {
	w := newWorld(t)
	cus := w.customer()
	w.fired("customer.created")

	pm := w.card("4242424242424242")
	r := w.ok("/v1/payment_methods/"+pm+"/attach", "customer", cus)
	if r.Text("customer") != cus || r.Text("card", "checks", "cvc_check") != "pass" || r.Text("id") != pm {
		t.Errorf("%s", r.Body)
	}
	w.fired("payment_method.attached")

	already := refusal{400, "", "", "", "The payment method you provided has already been attached to a customer."}
	w.refused(w.Post("/v1/payment_methods/"+pm+"/attach", "customer", cus), already)
	w.refused(w.Post("/v1/payment_methods/"+pm+"/attach", "customer", w.customer()), already)
	w.fired("customer.created")

	if r := w.ok("/v1/payment_methods/pm_card_visa/attach", "customer", cus); r.Text("customer") != cus || r.Text("id") == "pm_card_visa" {
		t.Errorf("%s", r.Body)
	}
	w.fired("payment_method.attached")
	if r := w.ok("/v1/payment_methods/"+w.card("4000000000000036", "billing_details[address][postal_code]", "1")+"/attach", "customer", cus); r.Text("card", "checks", "address_postal_code_check") != "fail" {
		t.Errorf("%s", r.Body)
	}
	w.ok("/v1/payment_methods/pm_card_chargeCustomerFail/attach", "customer", cus)
	w.ok("/v1/payment_methods/"+w.card("4000002500003155")+"/attach", "customer", cus)
	w.fired("payment_method.attached payment_method.attached payment_method.attached")

	declined := refusal{402, "card_declined", "generic_decline", "", "Your card was declined."}
	for _, tt := range []struct {
		name, pm string
		params   []string
		want     refusal
	}{
		{"nothing", pm, nil, refusal{400, "parameter_missing", "", "customer", "Missing required param: customer."}},
		{"no such", "abcd", []string{"customer", cus}, refusal{404, "resource_missing", "", "payment_method", "No such PaymentMethod: 'abcd'"}},
		{"no such customer", "pm_card_visa", []string{"customer", "cus_x"}, refusal{400, "resource_missing", "", "customer", "No such customer: 'cus_x'"}},
		{"no such account", "pm_card_visa", []string{"customer_account", "acct_x"}, refusal{400, "resource_missing", "", "customer_account", "No such customer: 'acct_x'"}},
		{"declined", "pm_card_chargeDeclined", []string{"customer", cus}, declined},
		{"declined number", w.card("4000000000000002"), []string{"customer", cus}, declined},
		{"funds", "pm_card_chargeDeclinedInsufficientFunds", []string{"customer", cus},
			refusal{402, "card_declined", "insufficient_funds", "", "Your card has insufficient funds."}},
		{"code", w.card("4000000000000127"), []string{"customer", cus},
			refusal{402, "incorrect_cvc", "incorrect_cvc", "cvc", "Your card's security code is incorrect."}},
		{"code that fails a check", w.card("4000000000000101"), []string{"customer", cus},
			refusal{402, "incorrect_cvc", "incorrect_cvc", "cvc", "Your card's security code is incorrect."}},
		{"a real card", w.card("4111111111111111"), []string{"customer", cus},
			refusal{402, "card_declined", "test_mode_live_card", "", "Your card was declined. Your request was in test mode"}},
		{"once only", w.ok("/v1/payment_methods", "type", "giropay", "billing_details[name]", "A").Text("id"), []string{"customer", cus},
			refusal{400, "", "", "", "Payment methods of type `giropay`"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			r := w.Post("/v1/payment_methods/"+tt.pm+"/attach", tt.params...)
			w.refused(r, tt.want)
			if _, ok := r.JSON["error"].(map[string]any)["param"]; tt.want.status == 402 && !ok {
				t.Error(`a decline at attaching has "param", if only ""`)
			}
		})
	}
	w.t = t
	w.fired("")
}

func TestDetach(t *testing.T) {
	w := newWorld(t)
	cus := w.customer()
	pm := w.ok("/v1/payment_methods/pm_card_visa/attach", "customer", cus).Text("id")
	w.ok("/v1/customers/"+cus, "invoice_settings[default_payment_method]", pm)
	w.fired("customer.created payment_method.attached customer.updated")

	if r := w.ok("/v1/payment_methods/" + pm + "/detach"); r.At("customer") != nil || r.Text("id") != pm {
		t.Errorf("%s", r.Body)
	}
	w.fired("payment_method.detached customer.updated")
	if r := w.Get("/v1/customers/" + cus); r.At("invoice_settings", "default_payment_method") != nil {
		t.Errorf("still the default: %s", r.Body)
	}
	w.refused(w.Post("/v1/payment_methods/"+pm+"/detach"), refusal{400, "", "", "", "The payment method you provided is not attached to a customer so detachment is impossible."})
	w.refused(w.Post("/v1/payment_methods/"+pm+"/attach", "customer", cus), refusal{400, "", "", "", "The provided PaymentMethod was previously used with a PaymentIntent"})
	w.fired("")
}

func TestUpdate(t *testing.T) {
	w := newWorld(t)
	pm := w.card("4242424242424242")
	w.refused(w.Post("/v1/payment_methods/"+pm, "metadata[a]", "1"), refusal{400, "", "", "", "You must save this PaymentMethod to a customer before you can update it."})
	w.ok("/v1/payment_methods/"+pm+"/attach", "customer", w.customer())
	w.events()

	r := w.ok("/v1/payment_methods/"+pm, "metadata[a]", "1", "allow_redisplay", "always", "card[exp_month]", "3", "card[exp_year]", "2030",
		"billing_details[name]", "Ada", "billing_details[address][city]", "Turin")
	if r.Text("metadata", "a") != "1" || r.Text("allow_redisplay") != "always" || r.At("card", "exp_month") != 3.0 || r.At("card", "exp_year") != 2030.0 ||
		r.Text("billing_details", "name") != "Ada" || r.Text("billing_details", "address", "city") != "Turin" {
		t.Errorf("%s", r.Body)
	}
	w.fired("payment_method.updated")
	w.refused(w.Post("/v1/payment_methods/"+pm, "card[exp_month]", "13"), refusal{402, "invalid_expiry_month", "", "exp_month", ""})
	w.refused(w.Post("/v1/payment_methods/"+pm, "us_bank_account[account_type]", "savings"), refusal{400, "", "", "us_bank_account", "You cannot pass"})
	if r := w.ok("/v1/payment_methods/"+pm, "metadata", ""); string(mustJSON(r.At("metadata"))) != "{}" {
		t.Errorf("%s", r.Body)
	}
	w.fired("payment_method.updated")
}

func TestListOfCustomer(t *testing.T) {
	w := newWorld(t)
	cus, other := w.customer(), w.customer()
	card := w.ok("/v1/payment_methods/pm_card_visa/attach", "customer", cus).Text("id")
	debit := w.ok("/v1/payment_methods", "type", "sepa_debit", "sepa_debit[iban]", "BE62510007547061", "billing_details[name]", "A", "billing_details[email]", "a@b.co").Text("id")
	w.ok("/v1/payment_methods/"+debit+"/attach", "customer", cus)
	w.ok("/v1/payment_methods/pm_card_visa/attach", "customer", other)

	for _, tt := range []struct {
		path string
		want []string
	}{
		{"/v1/payment_methods?customer=" + cus, []string{debit, card}},
		{"/v1/payment_methods?customer=" + cus + "&type=card", []string{card}},
		{"/v1/payment_methods?customer=" + cus + "&limit=1", []string{debit}},
		{"/v1/customers/" + cus + "/payment_methods", []string{debit, card}},
		{"/v1/customers/" + cus + "/payment_methods?type=sepa_debit", []string{debit}},
		{"/v1/customers/" + cus + "/payment_methods?allow_redisplay=always", nil},
	} {
		r := w.Get(tt.path)
		var got []string
		for _, d := range r.JSON["data"].([]any) {
			got = append(got, d.(map[string]any)["id"].(string))
		}
		if strings.Join(got, " ") != strings.Join(tt.want, " ") {
			t.Errorf("%s: %v, want %v", tt.path, got, tt.want)
		}
	}
	w.refused(w.Get("/v1/payment_methods?customer=cus_x"), refusal{400, "resource_missing", "", "customer", "No such customer: 'cus_x'"})
	if r := w.Get("/v1/customers/" + cus + "/payment_methods/" + card); r.Text("id") != card {
		t.Errorf("%s", r.Body)
	}
	w.refused(w.Get("/v1/customers/"+other+"/payment_methods/"+card), refusal{404, "", "", "customer", "The customer does not have a payment method with the ID " + card})
}

// TestOthers: the hash of each other type, as recorded (facts 14c and the recordings of 2025).
func TestOthers(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		typ    string
		params []string
		want   string // fingerprints are "f"
	}{
		{"acss_debit", []string{"acss_debit[account_number]", "000123456789", "acss_debit[institution_number]", "000", "acss_debit[transit_number]", "11000"},
			`{"bank_name":"STRIPE TEST BANK","fingerprint":"f","institution_number":"000","last4":"6789","transit_number":"11000"}`},
		{"alipay", nil, `{}`},
		{"boleto", []string{"boleto[tax_id]", "000.000.000-00"}, `{"fingerprint":"f","tax_id":"000.000.000-00"}`},
		{"eps", []string{"eps[bank]", "bank_austria"}, `{"bank":"bank_austria"}`},
		{"fpx", []string{"fpx[bank]", "affin_bank"}, `{"account_holder_type":"individual","bank":"affin_bank"}`},
		{"ideal", []string{"ideal[bank]", "abn_amro"}, `{"bank":"abn_amro","bic":"ABNANL2A"}`},
		{"ideal", nil, `{"bank":null,"bic":null}`},
		{"klarna", []string{"klarna[dob][day]", "1", "klarna[dob][month]", "2", "klarna[dob][year]", "1990"}, `{"dob":{"day":1,"month":2,"year":1990}}`},
		{"p24", []string{"p24[bank]", "ing"}, `{"bank":"ing"}`},
		{"sepa_debit", []string{"sepa_debit[iban]", "FI21 1234 5600 0007 85"},
			`{"bank_code":"123456","branch_code":"","country":"FI","fingerprint":"f","generated_from":{"charge":null,"setup_attempt":null},"last4":"0785"}`},
		{"sepa_debit", []string{"sepa_debit[iban]", "FR1420041010050500013M02606"},
			`{"bank_code":"20041","branch_code":"01005","country":"FR","fingerprint":"f","generated_from":{"charge":null,"setup_attempt":null},"last4":"2606"}`},
		{"sofort", []string{"sofort[country]", "DE"}, `{"country":"DE"}`},
		{"us_bank_account", []string{"us_bank_account[account_number]", "000123456789", "us_bank_account[routing_number]", "110000000", "us_bank_account[account_holder_type]", "company"},
			`{"account_holder_type":"company","account_type":"checking","bank_name":"STRIPE TEST BANK","financial_connections_account":null,"fingerprint":"f","last4":"6789","networks":{"preferred":"ach","supported":["ach"]},"routing_number":"110000000","status_details":{}}`},
		{"wechat_pay", nil, `{}`},
	} {
		t.Run(tt.typ, func(t *testing.T) {
			w.t = t
			r := w.ok("/v1/payment_methods", append([]string{"type", tt.typ}, tt.params...)...)
			hash := r.At(tt.typ).(map[string]any)
			if hash["fingerprint"] != nil {
				hash["fingerprint"] = "f"
			}
			if got := string(mustJSON(hash)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if r.JSON["card"] != nil || r.Text("type") != tt.typ {
				t.Errorf("%s", r.Body)
			}
			if again := w.Get("/v1/payment_methods/" + r.Text("id")); string(again.Body) != string(r.Body) {
				t.Errorf("kept as %s", again.Body)
			}
		})
	}
}

// TestPublishable: what a browser may do and see (facts 11b, 11d).
func TestPublishable(t *testing.T) {
	w := newWorld(t)
	secret := w.Secret
	w.Secret = w.Publishable
	r := w.ok("/v1/payment_methods", append(card("4242424242424242"), "payment_user_agent", "stripe.js")...)
	for _, absent := range []string{"metadata", "customer_account", "shared_payment_granted_token"} {
		if _, ok := r.JSON[absent]; ok {
			t.Errorf("a browser sees %s", absent)
		}
	}
	if _, ok := r.JSON["card"].(map[string]any)["fingerprint"]; ok {
		t.Error("a browser sees the fingerprint")
	}
	if got := w.Get("/v1/payment_methods/" + r.Text("id")); got.Status != 401 {
		t.Errorf("a browser reads: %d", got.Status)
	}
	tok := w.ok("/v1/tokens", "card[number]", "4242424242424242", "card[exp_month]", "8", "card[exp_year]", "2027")
	if got := w.Get("/v1/tokens/" + tok.Text("id")); got.Status != 200 {
		t.Errorf("%s", got.Body)
	}
	w.Secret = secret
	if full := w.Get("/v1/payment_methods/" + r.Text("id")); full.Text("card", "fingerprint") == "" {
		t.Errorf("%s", full.Body)
	}
}

// TestCustomerWithPaymentMethod: what comes with a customer.
func TestCustomerWithPaymentMethod(t *testing.T) {
	w := newWorld(t)
	pm := w.card("4242424242424242")
	cus := w.ok("/v1/customers", "payment_method", pm, "invoice_settings[default_payment_method]", pm)
	if cus.Text("invoice_settings", "default_payment_method") != pm || w.Get("/v1/payment_methods/"+pm).Text("customer") != cus.Text("id") {
		t.Errorf("%s", cus.Body)
	}
	w.fired("customer.created payment_method.attached")
	for _, tt := range []struct {
		params []string
		want   refusal
	}{
		{[]string{"payment_method", w.card("4000000000000002")}, refusal{402, "card_declined", "generic_decline", "", "Your card was declined."}},
		{[]string{"payment_method", "pm_x"}, refusal{400, "resource_missing", "", "payment_method", "No such PaymentMethod: 'pm_x'"}},
		{[]string{"payment_method", pm}, refusal{400, "", "", "", "The payment method you provided has already been attached"}},
		{[]string{"invoice_settings[default_payment_method]", pm}, refusal{400, "", "", "invoice_settings[default_payment_method]",
			"The customer does not have a payment method with the ID " + pm + ". The payment method must be attached to the customer."}},
	} {
		w.refused(w.Post("/v1/customers", tt.params...), tt.want)
	}
	w.fired("")
	if n := len(w.Get("/v1/customers").JSON["data"].([]any)); n != 1 {
		t.Errorf("%d customers after refusals", n)
	}

	if r := w.delete("/v1/customers/" + cus.Text("id")); r.Status != 200 {
		t.Errorf("%s", r.Body)
	}
	w.fired("payment_method.detached customer.deleted")
	if r := w.Get("/v1/payment_methods/" + pm); r.At("customer") != nil {
		t.Errorf("%s", r.Body)
	}
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
