package api

import (
	"net/http"
	"strconv"
	"strings"

	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/spec"
)

// steady are the headers that every answer carries. Known from: facts 03 (3a).
var steady = map[string][]string{
	"Server":                            {"nginx"},
	"Access-Control-Allow-Credentials":  {"true"},
	"Access-Control-Allow-Methods":      {"GET, HEAD, PUT, PATCH, POST, DELETE"},
	"Access-Control-Allow-Origin":       {"*"},
	"Access-Control-Expose-Headers":     {"Request-Id, Stripe-Manage-Version, Stripe-Should-Retry, X-Stripe-External-Auth-Required, X-Stripe-Privileged-Session-Required"},
	"Access-Control-Max-Age":            {"300"},
	"Cache-Control":                     {"no-cache, no-store"},
	"Vary":                              {"Origin"},
	"Strict-Transport-Security":         {"max-age=63072000; includeSubDomains; preload"},
	"Content-Security-Policy":           {"base-uri 'none'; default-src 'none'; form-action 'none'; frame-ancestors 'none'; img-src 'self'; script-src 'self' 'report-sample'; style-src 'self'; worker-src 'none'; upgrade-insecure-requests"},
	"X-Stripe-Priority-Routing-Enabled": {"true"},
	"Content-Type":                      {"application/json"},
}

var (
	testTier = []string{"api-testmode"}
	liveTier = []string{"livemode"}
	bearer   = []string{`Bearer realm="Stripe"`}
	robots   = []string{"none"}
	yes      = []string{"true"}
	no       = []string{"false"}
)

// respond writes a reply to the wire, with the headers that belong to it, and tells the request log.
func (q *request) respond(rep *reply) {
	h := q.w.Header()
	for k, v := range steady {
		h[k] = v
	}
	auth := rep.fault != nil && rep.fault.Auth
	if auth {
		if rep.status == http.StatusUnauthorized {
			h["Www-Authenticate"] = bearer
		}
		h["X-Robots-Tag"] = robots
	} else {
		q.set(h, "Request-Id", q.id)
		q.headers(h, rep)
	}
	text := rep.laid
	if text == nil {
		buf := scratch.Get().(*[]byte)
		*buf = jsontext.Indent((*buf)[:0], rep.body, 0)
		if rep.status >= 400 {
			*buf = append(*buf, '\n') // facts 03 (3b): only errors end with one
		}
		text = *buf
		defer putScratch(buf)
	}
	q.set(h, "Content-Length", strconv.Itoa(len(text)))
	q.w.WriteHeader(rep.status)
	_, _ = q.w.Write(text) // a client that is gone has no use for the error
	if rep.buffer != nil {
		putScratch(rep.buffer)
	}
	q.log(rep)
}

// set sets a header. The values of a request's headers stand in one array.
func (q *request) set(h http.Header, name, value string) {
	if len(q.values) == cap(q.values) {
		q.values = make([]string, 0, 8)
	}
	n := len(q.values)
	q.values = append(q.values, value)
	h[name] = q.values[n : n+1 : n+1]
}

// headers sets what an authenticated answer carries.
func (q *request) headers(h http.Header, rep *reply) {
	if q.version != "" {
		q.set(h, "Stripe-Version", q.version)
	}
	if outdated(q.version) {
		h["Stripe-Notice"] = []string{"You are using an outdated API version (" + q.version + "). We recommend upgrading to the latest API version, " + spec.Version() + ". See https://docs.stripe.com/upgrades"}
	}
	if q.who != nil {
		h["X-Stripe-Routing-Context-Priority-Tier"] = testTier
		if q.who.Scope.Live() {
			h["X-Stripe-Routing-Context-Priority-Tier"] = liveTier
		}
	}
	if account := q.echoed(); account != "" {
		q.set(h, "Stripe-Account", account)
	}
	if q.idemKey != "" {
		q.set(h, "Idempotency-Key", q.idemKey)
	}
	if rep.fault != nil && rep.fault.Reason != "" {
		h["Stripe-Rate-Limited-Reason"] = []string{rep.fault.Reason}
	}
	if rep.fault != nil && rep.fault.Retry {
		h["Stripe-Should-Retry"] = yes
	}
	if q.r.Method != http.MethodPost {
		return
	}
	if rep.original != "" {
		q.set(h, "Original-Request", rep.original)
	} else if q.idemKey != "" {
		q.set(h, "Original-Request", q.id)
	}
	if rep.replayed {
		h["Idempotent-Replayed"] = yes
	}
	if rep.sent && h["Stripe-Should-Retry"] == nil {
		h["Stripe-Should-Retry"] = no
	}
}

// echoed is the account that the answer names: the one that the request acted as, or that its path is about. Known from: facts 03 (3a).
func (q *request) echoed() string {
	if rest, ok := strings.CutPrefix(q.path, "/v1/accounts/acct_"); ok && q.account == "" {
		id, _, _ := strings.Cut(rest, "/")
		return "acct_" + id
	}
	return q.account
}

// outdated says whether answers at a version carry an advice to upgrade: one from before versions had names.
// unverified: recorded at 2020-08-27, and absent at the newest; where in between it ends is not known.
func outdated(version string) bool { return version != "" && version < "2024-09-30" }

// preflight answers what a browser asks before it sends a request to another origin.
func (q *request) preflight() {
	h := q.w.Header()
	for k, v := range steady {
		h[k] = v
	}
	delete(h, "Content-Type")
	h["Access-Control-Allow-Headers"] = []string{"Authorization, Content-Type, Idempotency-Key, Stripe-Account, Stripe-Version, X-Stripe-Client-User-Agent, X-Stripe-User-Agent"}
	q.w.WriteHeader(http.StatusOK)
}

func (q *request) tooLong() {
	h := q.w.Header()
	h.Set("Server", "nginx")
	h.Set("Content-Type", "text/html")
	q.w.WriteHeader(http.StatusRequestURITooLong)
	_, _ = q.w.Write([]byte("<html>\r\n<head><title>414 Request-URI Too Large</title></head>\r\n<body>\r\n<center><h1>414 Request-URI Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"))
}

// faultBody is a fault as JSON: {"error": {…}}. The members stand in the order of the alphabet, but message first when the authentication
// layer refuses (facts 03, 3b).
func (q *request) faultBody(f *fault.Error) []byte {
	logURL := ""
	if !f.Auth && q.who != nil {
		mode := "test/"
		if q.who.Scope.Live() {
			mode = ""
		}
		logURL = "https://dashboard.stripe.com/" + q.who.AccountID + "/" + mode + "workbench/logs?object=" + q.id
	}
	return FaultBody(f, logURL)
}

// FaultBody is a fault as JSON, with the address of the request's log ("" for none).
func FaultBody(f *fault.Error, logURL string) []byte {
	b := make([]byte, 0, 512+len(f.PaymentIntent)+len(f.PaymentMethod))
	b = append(b, `{"error":`...)
	if f.Auth {
		b = appendMembers(b, []member{{"message", f.Message}, {"type", f.Type}, {"code", f.Code}, {"doc_url", f.DocURL()}})
	} else {
		b = appendMembers(b, faultMembers(f, logURL))
	}
	return append(b, '}')
}

// A member is a name and a value: a string, or bytes of JSON. Empty ones are left out.
type member struct {
	name  string
	value any
}

func faultMembers(f *fault.Error, logURL string) []member {
	m := []member{
		{"advice_code", f.AdviceCode}, {"charge", f.Charge}, {"code", f.Code}, {"decline_code", f.DeclineCode}, {"doc_url", f.DocURL()},
		{"message", f.Message}, {"network_advice_code", f.NetworkAdviceCode}, {"network_decline_code", f.NetworkDeclineCode},
		{"param", f.Param}, {"payment_intent", f.PaymentIntent}, {"payment_method", f.PaymentMethod},
		{"payment_method_type", f.PaymentMethodType}, {"request_log_url", logURL}, {"setup_intent", f.SetupIntent},
		{"source", f.Source}, {"type", f.Type},
	}
	if f.EmptyParam && f.Param == "" {
		m[8].value = []byte(`""`)
	}
	return m
}

func appendMembers(b []byte, members []member) []byte {
	b = append(b, '{')
	first := true
	for _, m := range members {
		text, isText := m.value.(string)
		raw, _ := m.value.([]byte)
		if text == "" && len(raw) == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(jsontext.AppendString(b, m.name), ':')
		if isText {
			b = jsontext.AppendString(b, text)
		} else {
			b = append(b, raw...)
		}
	}
	return append(b, '}')
}
