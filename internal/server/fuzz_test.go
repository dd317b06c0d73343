package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"florin/internal/server/servertest"
	"florin/internal/spec"
)

// FuzzRequest sends whatever it is given to every operation: nothing may crash, and nothing may be answered with a 500.
func FuzzRequest(f *testing.F) {
	ops := spec.Operations()
	seeds := map[string]string{
		"POST /v1/payment_intents":                  "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&payment_method_types[]=card",
		"POST /v1/payment_intents/{intent}/capture": "amount_to_capture=10",
		"POST /v1/payment_intents/{intent}/confirm": "payment_method=pm_card_authenticationRequired&return_url=https://a.example",
		"POST /v1/payment_intents/{intent}":         "payment_method_data[type]=card&payment_method_data[card][number]=4242424242424242&payment_method_data[card][exp_month]=1&payment_method_data[card][exp_year]=2030",
		"POST /v1/charges":                          "amount=1&currency=jpy&source=tok_visa",
		"POST /v1/refunds":                          "payment_intent=$pi&amount=1",
		"POST /v1/customers":                        "email=a@b.c&metadata[a]=b&shipping[name]=x&shipping[address][line1]=y",
		"POST /v1/customers/{customer}":             "invoice_settings[custom_fields][0][name]=a",
		"POST /v1/payment_methods":                  "type=sepa_debit&sepa_debit[iban]=DE89370400440532013000&billing_details[name]=a",
		"POST /v1/tokens":                           "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=2030",
		"POST /v1/webhook_endpoints":                "url=https://a.example&enabled_events[]=*",
		"GET /v1/charges":                           "limit=3&created[gte]=5&starting_after=$ch",
		"GET /v1/customers/search":                  "query=email:'a'",
		"GET /v1/events":                            "type=charge.*&expand[]=data",
		"GET /v1/balance_transactions":              "source=$ch&expand[]=data.source.customer",
	}
	for i, op := range ops {
		if form, ok := seeds[op.Route()]; ok {
			f.Add(uint16(i), form)
		}
	}
	f.Fuzz(func(t *testing.T, n uint16, form string) {
		s := servertest.New(t)
		pay := func(params ...string) (pi, ch string) {
			r := s.Post("/v1/payment_intents", append([]string{"amount", "2000", "currency", "usd", "payment_method_types[]", "card"}, params...)...)
			id, _ := r.At("id").(string)
			charge, _ := r.At("latest_charge").(string)
			return id, charge
		}
		cus, _ := s.Post("/v1/customers", "name", "a").At("id").(string)
		op := ops[int(n)%len(ops)]
		pi, ch := pay("payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual")
		open, _ := pay()
		fill := strings.NewReplacer("$pi", pi, "$ch", ch, "$open", open, "$cus", cus)
		path := op.Path
		for _, v := range op.Vars {
			id := map[string]string{"intent": open, "charge": ch, "customer": cus}[v]
			if v == "intent" && n%2 == 0 {
				id = pi
			}
			if id == "" {
				id = "x_1"
			}
			path = strings.Replace(path, "{"+v+"}", id, 1)
		}
		form = fill.Replace(form)
		var r *http.Request
		if op.Method == http.MethodPost {
			r = httptest.NewRequestWithContext(t.Context(), op.Method, path, strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		} else {
			r = httptest.NewRequestWithContext(t.Context(), op.Method, path, nil)
			r.URL.RawQuery = strings.ReplaceAll(form, "#", "")
		}
		r.Header.Set("Authorization", "Bearer "+s.Secret)
		if got := s.Do(r); got.Status == http.StatusInternalServerError {
			t.Errorf("%s with %q: 500", op.Route(), form)
		}
	})
}
