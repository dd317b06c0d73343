package shape

import (
	"slices"
	"strings"
	"testing"

	"florin/internal/spec"
)

const token = `{"id":"tok_1","object":"token","client_ip":null,"created":1,"livemode":false,"type":"pii","used":false}`

func TestCheck(t *testing.T) {
	list := func(items ...string) string {
		return `{"object":"list","data":[` + strings.Join(items, ",") + `],"has_more":false,"url":"/v1/customers"}`
	}
	for _, tc := range []struct {
		name, route, body string
		status            int
		want              []string
	}{
		{"right", "GET /v1/tokens/{token}", token, 200, nil},
		{"another order", "GET /v1/tokens/{token}", strings.Replace(token, `"created":1,"livemode":false`, `"livemode":false,"created":1`, 1), 200,
			[]string{"(the answer): created stands after livemode"}},
		{"not in the spec", "GET /v1/tokens/{token}", strings.Replace(token, `"used"`, `"unused":1,"used"`, 1), 200, []string{"unused: is not in the spec"}},
		{"missing", "GET /v1/tokens/{token}", strings.Replace(token, `"created":1,`, "", 1), 200, []string{"created: is missing"}},
		{"another kind", "GET /v1/tokens/{token}", strings.Replace(token, `"created":1`, `"created":1.5`, 1), 200, []string{"created: is a number 1.5, not an integer"}},
		{"null", "GET /v1/tokens/{token}", strings.Replace(token, `"used":false`, `"used":null`, 1), 200, []string{"used: is null, and may not be"}},
		{"twice", "GET /v1/tokens/{token}", strings.Replace(token, `"used"`, `"type":"pii","used"`, 1), 200, []string{"the answer is not JSON: type stands twice in an object"}},
		{"another object", "GET /v1/tokens/{token}", `{"id":"cus_1","object":"customer"}`, 200, []string{`(the answer): is an object "customer"; the spec has token`}},
		{"deleted", "DELETE /v1/customers/{customer}", `{"id":"cus_1","object":"customer","deleted":true}`, 200, nil},
		{"an empty list", "GET /v1/customers", list(), 200, nil},
		{"a list of others", "GET /v1/customers", list(token), 200, []string{`data.0: is an object "token"; the spec has customer`}},
		{"a list in disorder", "GET /v1/customers", `{"data":[],"object":"list","has_more":false,"url":"/v1/customers"}`, 200,
			[]string{"(the answer): its members are data, object, has_more, url; a list has object, data, has_more, url"}},
		{"a refusal", "GET /v1/customers", `{"error":{"code":"x","type":"card_error"}}`, 402, nil},
		{"a refusal of an unknown type", "GET /v1/customers", `{"error":{"type":"auth_error"}}`, 401,
			[]string{`error.type: is "auth_error"; the spec has api_error, card_error, idempotency_error, invalid_request_error`}},
		{"a refusal in disorder", "GET /v1/customers", `{"error":{"type":"card_error","code":"x"}}`, 402,
			[]string{"error: its members stand in the order type, code"}},
		{"a refusal by the door", "GET /v1/customers", `{"error":{"message":"no","type":"invalid_request_error","code":"x"}}`, 401, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			op := spec.Lookup(tc.route)
			if op == nil {
				t.Fatal("no such route")
			}
			if got := Check(op, tc.status, []byte(tc.body)); !slices.Equal(got, tc.want) {
				t.Errorf("got %q\nwant %q", got, tc.want)
			}
		})
	}
}

// The table of additions is for what the spec does not have.
func TestAdditionsAreStillMissing(t *testing.T) {
	for name := range additions {
		resource, member, _ := strings.Cut(name, ".")
		if spec.SchemaOf(resource).Property(member) != nil {
			t.Errorf("the spec has %s now", name)
		}
	}
}
