package forwarding_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"florin/internal/audit"
	"florin/internal/server/servertest"
	"florin/internal/shape"
	"florin/internal/spec"
)

func TestForward(t *testing.T) {
	var got []byte
	var key string
	count := 0
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		key = r.Header.Get("Destination-API-Key")
		count++
		w.Header().Set("X-Reference", "abc")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"id":"1","echo":"4242424242424242"}`))
	}))
	defer other.Close()
	s := servertest.New(t)
	const body = `{"amount":{"value":1000},"paymentMethod":{"number":"","expiryMonth":"","expiryYear":null,"cvc":"","holderName":""},"list":[{"pan":""}],"reference":"é"}`
	pm := s.Post("/v1/payment_methods", "type", "card", "card[token]", "tok_visa", "billing_details[name]", "Jenny Rosen").Text("id")
	params := []string{
		"url", other.URL + "/pay", "payment_method", pm, "replacements[]", "card_number", "replacements[]", "card_expiry", "replacements[]", "cardholder_name",
		"replacements[]", "card_cvc", "request[body]", body, "request[headers][0][name]", "Destination-API-Key", "request[headers][0][value]", "secret",
		"metadata[a]", "b",
	}
	req := s.Request("POST", "/v1/forwarding/requests", params...)
	req.Header.Set("Idempotency-Key", "k")
	r := s.Do(req)
	for _, problem := range shape.Check(spec.Lookup("POST /v1/forwarding/requests"), r.Status, r.Body) {
		t.Error(problem)
	}
	if r.Status != 200 || r.At("response_details", "status") != 201.0 || r.Text("response_details", "body") != `{"id":"1","echo":"424242******4242"}` ||
		r.Text("request_context", "destination_ip_address") != "127.0.0.1" || r.Text("metadata", "a") != "b" || r.Text("payment_method") != pm {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	sent := string(got)
	if !strings.Contains(sent, `"number":"4242424242424242"`) || !strings.Contains(sent, `"pan":"4242424242424242"`) || !strings.Contains(sent, `"holderName":"Jenny Rosen"`) ||
		!strings.Contains(sent, `"expiryYear":"20`) || !strings.Contains(sent, `"reference":"é"`) || key != "secret" {
		t.Errorf("sent %s with %q", sent, key)
	}
	if !strings.Contains(r.Text("request_details", "body"), "424242******4242") || bytes.Contains(r.Body, []byte("4242424242424242")) {
		t.Errorf("the answer shows the card: %s", r.Body)
	}
	again := s.Request("POST", "/v1/forwarding/requests", params...)
	again.Header.Set("Idempotency-Key", "k")
	if r2 := s.Do(again); r2.Text("id") != r.Text("id") || count != 1 {
		t.Errorf("a retry was sent again: %d times, %s", count, r2.Body)
	}
	if l := s.Get("/v1/forwarding/requests"); len(l.At("data").([]any)) != 1 {
		t.Errorf("list: %s", l.Body)
	}
	if g := s.Get("/v1/forwarding/requests/" + r.Text("id")); g.Text("id") != r.Text("id") {
		t.Errorf("retrieve: %s", g.Body)
	}
	if g := s.Get("/v1/forwarding/requests/fwdreq_none"); g.Status != 404 {
		t.Errorf("retrieve none: %s", g.Body)
	}

	for _, tt := range []struct{ name, param, value, code string }{
		{"a private address", "url", "http://10.0.0.1:9/", "forwarding_api_upstream_connection_error"},
		{"where clouds keep credentials", "url", "http://169.254.169.254/", "forwarding_api_upstream_connection_error"},
		{"nobody there", "url", "http://127.0.0.1:1/", "forwarding_api_upstream_connection_error"},
		{"no url", "url", "ftp://example.com", "forwarding_api_invalid_parameter"},
		{"no JSON", "request[body]", "{", "forwarding_api_invalid_parameter"},
		{"a header that is not the merchant's", "request[headers][0][name]", "Host", "forwarding_api_invalid_parameter"},
		{"no such method", "payment_method", "pm_none", "resource_missing"},
	} {
		changed := append([]string{}, params...)
		for i := 0; i < len(changed); i += 2 {
			if changed[i] == tt.param {
				changed[i+1] = tt.value
			}
		}
		if r := s.Post("/v1/forwarding/requests", changed...); r.Status != 400 || r.Text("error", "code") != tt.code {
			t.Errorf("%s: %d %s", tt.name, r.Status, r.Body)
		}
	}
	var out bytes.Buffer
	if n, err := audit.Run(t.Context(), s.DB(), &out); err != nil || n != 0 {
		t.Errorf("%d findings, %v:\n%s", n, err, out.String())
	}
}
