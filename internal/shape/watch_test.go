package shape

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"florin/internal/spec"
)

func TestWatch(t *testing.T) {
	const wrong = `{"id":"tok_1","object":"token","client_ip":null,"created":"1","livemode":false,"type":"pii","used":false}`
	const reduced = `{"id":"tok_1","object":"token","livemode":false,"type":"pii","used":false}`
	for _, tt := range []struct {
		name, method, target, key, form, version, replayed, answer string
		status                                                     int
		want                                                       bool // that it differs
	}{
		{name: "right", target: "/v1/tokens/tok_1", key: "Bearer sk_test_1", answer: token},
		{name: "wrong", target: "/v1/tokens/tok_1", key: "Bearer sk_test_1", answer: wrong, want: true},
		{name: "another version", target: "/v1/tokens/tok_1", key: "Bearer sk_test_1", version: "2020-08-27", answer: wrong},
		{name: "a version of the same name", target: "/v1/tokens/tok_1", key: "Bearer sk_test_1", version: "2026-03-25.dahlia; some_beta=v1", answer: wrong, want: true},
		{name: "a version that is newer than the spec", target: "/v1/tokens/tok_1", key: "Bearer sk_test_1", version: spec.Latest(), answer: wrong},
		{name: "less than all", target: "/v1/tokens/tok_1", key: "Bearer sk_test_1", answer: reduced, want: true},
		{name: "less than all, to a browser", target: "/v1/tokens/tok_1", key: "Bearer pk_test_1", answer: reduced},
		{name: "less than all, to a browser by basic authentication", target: "/v1/tokens/tok_1", key: "Basic cGtfdGVzdF8xOg==", answer: reduced},
		{name: "less than all, with a client secret", target: "/v1/tokens/tok_1?client_secret=x", key: "Bearer sk_test_1", answer: reduced},
		{name: "less than all, with the key in the form", method: "POST", target: "/v1/tokens", form: "key=pk_test_1", answer: reduced},
		{name: "wrong, to a browser", target: "/v1/tokens/tok_1", key: "Bearer pk_test_1", answer: wrong, want: true},
		{name: "no operation", target: "/v1/nothing", key: "Bearer sk_test_1", answer: wrong},
		{name: "replayed", target: "/v1/tokens/tok_1", key: "Bearer sk_test_1", replayed: "true", answer: wrong},
		{name: "the edge's page", target: "/v1/tokens/tok_1", key: "Bearer sk_test_1", answer: "<html>", status: 414},
		{name: "a page", target: "/v1/tokens/tok_1", key: "Bearer sk_test_1", answer: "<html>", status: 500, want: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var read string
			h := Watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				read = r.PostForm.Encode()
				if tt.version != "" {
					w.Header().Set("Stripe-Version", tt.version)
				}
				if tt.replayed != "" {
					w.Header().Set("Idempotent-Replayed", tt.replayed)
				}
				if tt.status != 0 {
					w.WriteHeader(tt.status)
				}
				_, _ = w.Write([]byte(tt.answer))
			}), func(_ *http.Request, wrong []string, body []byte) {
				if !tt.want || len(wrong) == 0 || string(body) != tt.answer {
					t.Errorf("differs: %q", wrong)
				}
				tt.want = false
			})
			method := tt.method
			if method == "" {
				method = "GET"
			}
			r := httptest.NewRequest(method, tt.target, strings.NewReader(tt.form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if tt.key != "" {
				r.Header.Set("Authorization", tt.key)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Body.String() != tt.answer || read != tt.form {
				t.Errorf("what went through is %q and %q", read, w.Body)
			}
			if tt.want {
				t.Error("it does not differ")
			}
		})
	}
}

func TestCheckEvent(t *testing.T) {
	event := func(version, data string) string {
		return `{"id":"evt_1","object":"event","api_version":"` + version + `","created":1,"data":` + data + `,"livemode":false,"pending_webhooks":0,"request":{"id":null,"idempotency_key":null},"type":"token.created"}`
	}
	mandate := `{"id":"mandate_1","object":"mandate","customer_acceptance":{"accepted_at":1,"type":"offline"},"livemode":false,"payment_method":"pm_1","payment_method_details":{"card":{},"type":"card"},"status":"active","type":"multi_use"}`
	for _, tt := range []struct {
		name, data string
		want       []string
	}{
		{"right", `{"object":` + token + `}`, nil},
		{"of nothing that there is", `{"object":{"id":"x_1","object":"x"}}`, []string{`data.object: is an object "x"; the spec has none`}},
		{"of no object", `{"object":{}}`, []string{`data.object: is no object of the API`}},
		{"wrong", `{"object":` + strings.Replace(token, `"created":1`, `"created":"1"`, 1) + `}`, []string{"data.object.created: is a string 1, not an integer"}},
		{"with what was", `{"object":` + token + `,"previous_attributes":{"client_ip":"1","used":null}}`, nil},
		{"with what was in an object", `{"object":` + mandate + `,"previous_attributes":{"customer_acceptance":{"accepted_at":null},"status":"inactive"}}`, nil},
		{"with what is no member of an object", `{"object":` + mandate + `,"previous_attributes":{"customer_acceptance":{"accepted":null}}}`, []string{"data.previous_attributes.customer_acceptance.accepted: is not in the spec"}},
		{"with what no object has", `{"object":` + token + `,"previous_attributes":{"nothing":1}}`, []string{"data.previous_attributes.nothing: is not in the spec"}},
		{"with what was of another kind", `{"object":` + token + `,"previous_attributes":{"used":"no"}}`, []string{"data.previous_attributes.used: is a string, not true or false"}},
		{"in disorder", `{"object":` + token + `,"previous_attributes":{"used":true,"created":1}}`, []string{"data.previous_attributes: its members are not in order"}},
	} {
		if got := CheckEvent([]byte(event(spec.Version(), tt.data))); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if got := CheckEvent([]byte(event("2020-08-27", tt.data))); len(got) > 0 {
			t.Errorf("%s, at an older version: %q", tt.name, got)
		}
	}
	if got := CheckEvent([]byte("x")); len(got) != 1 {
		t.Errorf("no JSON: %q", got)
	}
}
