package script_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/audit"
	"florin/internal/domain/account"
	"florin/internal/paymethod"
	"florin/internal/server/servertest"
	"florin/internal/shape"
	"florin/internal/spec"
)

// A shop is an account of a country where a type of payment method can be taken, and the type.
type shop struct {
	*servertest.Server
	t        *testing.T
	way      *paymethod.Type
	currency string
	amount   int64
	cus      string
	seen     map[string]bool
}

func newShop(t *testing.T, way *paymethod.Type) *shop {
	s := &shop{Server: servertest.New(t), t: t, way: way, seen: map[string]bool{}}
	s.App.Base = "http://florin.test"
	country := "US"
	for _, c := range append([]string{"US"}, way.Business...) {
		for _, cur := range append(way.Currencies, "usd") {
			if s.currency == "" && way.At(c) && way.Accepts(cur, c) {
				country, s.currency = c, cur
			}
		}
	}
	if s.currency == "" {
		t.Skip("nobody can begin to use it any more")
	}
	s.amount = 6000
	if l, ok := way.Limits[s.currency]; ok {
		s.amount = max(s.amount, l.Min)
	}
	made, err := s.Accounts.Create(t.Context(), account.Spec{Country: country, Name: "Test shop"})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range made.Keys {
		if k.Type == account.Secret && !k.Livemode {
			s.Secret = k.Secret
		}
	}
	s.cus = s.ask("POST", "/v1/customers", "email", "jenny@example.com", "name", "Jenny Rosen").Text("id")
	s.events()
	return s
}

// ask asks, and holds the answer to the spec.
func (s *shop) ask(method, path string, params ...string) *servertest.Reply {
	s.t.Helper()
	r := s.Do(s.Request(method, path, params...))
	op, _, ok := spec.Find(method, strings.SplitN(path, "?", 2)[0])
	if !ok {
		s.t.Fatalf("%s %s is not in the spec", method, path)
	}
	for _, wrong := range shape.Check(op, r.Status, r.Body) {
		s.t.Errorf("%s %s: the answer's shape: %s", method, path, wrong)
	}
	return r
}

// events are the types of the events since the last time.
func (s *shop) events() string {
	s.t.Helper()
	r := s.ask("GET", "/v1/events", "limit", "100")
	var out []string
	for _, e := range r.At("data").([]any) {
		ev := e.(map[string]any)
		if id := ev["id"].(string); !s.seen[id] {
			s.seen[id] = true
			out = append(out, ev["type"].(string))
		}
	}
	slices.Reverse(out)
	return strings.Join(out, " ")
}

func (s *shop) want(what, got, want string) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("%s is %q, want %q", what, got, want)
	}
}

// hashes are what a payment method of a type must have.
var hashes = map[string][]string{
	"acss_debit":      {"institution_number", "000", "transit_number", "11000", "account_number", "000123456789"},
	"au_becs_debit":   {"bsb_number", "000000", "account_number", "000123456"},
	"bacs_debit":      {"sort_code", "108800", "account_number", "00012345"},
	"boleto":          {"tax_id", "000.000.000-00"},
	"fpx":             {"bank", "maybank2u"},
	"nz_bank_account": {"bank_code", "11", "branch_code", "0000", "account_number", "0000000", "suffix", "010"},
	"sepa_debit":      {"iban", "DE89370400440532013000"},
	"sofort":          {"country", "DE"},
	"us_bank_account": {"account_holder_type", "individual", "routing_number", "110000000", "account_number", "000123456789"},
}

// failing are accounts whose debits fail, and with which code the intent's last error then is.
var failing = map[string]struct {
	hash []string
	code string
}{
	"acss_debit":      {[]string{"institution_number", "000", "transit_number", "11000", "account_number", "000222222227"}, "insufficient_funds"},
	"au_becs_debit":   {[]string{"bsb_number", "000000", "account_number", "111111113"}, "account_closed"},
	"bacs_debit":      {[]string{"sort_code", "108800", "account_number", "22222227"}, "insufficient_funds"},
	"nz_bank_account": {[]string{"bank_code", "11", "branch_code", "0000", "account_number", "1111111", "suffix", "010"}, "no_account"},
	"sepa_debit":      {[]string{"iban", "DE62370400440532013001"}, "payment_intent_payment_attempt_failed"},
	"us_bank_account": {[]string{"account_holder_type", "individual", "routing_number", "110000000", "account_number", "000111111116"}, "no_account"},
}

// pay confirms a new intent with a new payment method of the type.
func (s *shop) pay(email, phone string, hash []string, more ...string) *servertest.Reply {
	s.t.Helper()
	typ := s.way.Name
	p := []string{
		"amount", strconv.FormatInt(s.amount, 10), "currency", s.currency, "confirm", "true", "payment_method_types[]", typ, "payment_method_data[type]", typ,
		"payment_method_data[billing_details][name]", "Jenny Rosen", "payment_method_data[billing_details][email]", email, "payment_method_data[billing_details][phone]", phone,
		"payment_method_data[billing_details][address][line1]", "1 Main Street", "payment_method_data[billing_details][address][country]", "BR",
		"customer", s.cus, "return_url", "https://shop.example/done?order=7", "expand[]", "latest_charge", "capture_method", "automatic",
	}
	for i := 0; i < len(hash); i += 2 {
		p = append(p, "payment_method_data["+typ+"]["+hash[i]+"]", hash[i+1])
	}
	switch {
	case s.way.Mandate:
		p = append(p, "mandate_data[customer_acceptance][type]", "offline")
	case typ == "blik":
		p = append(p, "payment_method_options[blik][code]", "123456")
	case typ == "wechat_pay":
		p = append(p, "payment_method_options[wechat_pay][client]", "web")
	case typ == "customer_balance":
		p = append(p, "payment_method_options[customer_balance][funding_type]", "bank_transfer")
		p = append(p, "payment_method_options[customer_balance][bank_transfer][type]", "us_bank_transfer")
	}
	if i := slices.Index(more, "none"); i > 0 { // without what has to do with funding
		p, more = p[:len(p)-4], nil
	}
	for i := 0; i < len(more); i += 2 { // the later of two counts
		if at := slices.Index(p, more[i]); at >= 0 {
			p[at+1] = more[i+1]
		} else {
			p = append(p, more[i], more[i+1])
		}
	}
	return s.ask("POST", "/v1/payment_intents", p...)
}

var authorizeURL = regexp.MustCompile(`http://florin\.test(/authorize/[^"]+)`)

// answer opens the page that an intent points to, and presses one of its buttons. It returns where the browser is sent.
func (s *shop) answer(pi *servertest.Reply, yes bool) *url.URL {
	s.t.Helper()
	action, _ := json.Marshal(pi.At("next_action"))
	m := authorizeURL.FindSubmatch(action)
	if m == nil { // the code's own page leads there
		at := regexp.MustCompile(`http://florin\.test(/[a-z_]+/instructions/[^"]+)`).FindSubmatch(action)
		if at == nil {
			s.t.Fatalf("no page in %s", action)
		}
		page := s.browse("GET", string(at[1]))
		if m = authorizeURL.FindSubmatch(page.Body.Bytes()); m == nil {
			s.t.Fatalf("no way on in %s", page.Body)
		}
	}
	page, button := s.browse("GET", string(m[1])), "Authorize test payment"
	if pi.Text("object") == "setup_intent" {
		button = "Authorize test setup"
	}
	if page.Code != 200 || !strings.Contains(page.Body.String(), button) || !strings.Contains(page.Body.String(), s.way.Title()) {
		s.t.Fatalf("the page is %d %s", page.Code, page.Body)
	}
	done := s.browse("POST", strings.Replace(string(m[1]), "/authorize/", "/return/", 1)+"?success="+strconv.FormatBool(yes))
	if done.Code != http.StatusSeeOther {
		s.t.Fatalf("the answer is %d %s", done.Code, done.Body)
	}
	to, err := url.Parse(done.Header().Get("Location"))
	if err != nil {
		s.t.Fatal(err)
	}
	if again := s.browse("GET", string(m[1])); again.Code != http.StatusSeeOther { // it no longer waits, and leads back
		s.t.Errorf("the page is %d afterwards", again.Code)
	}
	return to
}

func (s *shop) browse(method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Server.Server.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func (s *shop) later(d time.Duration) {
	(&inside{s.Server}).advance(s.t, s.Clock.Now().Add(d))
}

func (s *shop) get(pi *servertest.Reply) *servertest.Reply {
	s.t.Helper()
	return s.ask("GET", "/v1/payment_intents/"+pi.Text("id"), "expand[]", "latest_charge")
}

// TestMethods pays by every type of the table, lets it fail, refunds it as the table says, and captures it later where that can be.
func TestMethods(t *testing.T) {
	for _, name := range paymethod.Names() {
		way := paymethod.Types[name]
		if way.Flow == paymethod.Card || way.Flow == paymethod.Terminal || way.Flow == paymethod.Outside {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, way)
			s.otherCurrency()
			pi := s.happy()
			s.refund(pi)
			s.sad()
			if way.Captures() {
				s.holdAndCapture()
			}
			s.audited()
		})
	}
}

// audited says what the audit finds.
func (s *shop) audited() {
	s.t.Helper()
	var report strings.Builder
	if _, err := audit.Run(s.t.Context(), s.DB(), &report); err != nil {
		s.t.Error(err)
	}
	for _, line := range strings.Split(report.String(), "\n") {
		if strings.Contains(line, "- ") {
			s.t.Errorf("audit: %s", line)
		}
	}
}

func (s *shop) otherCurrency() {
	if s.way.Currencies == nil {
		return
	}
	r := s.ask("POST", "/v1/payment_intents", "amount", "600000", "currency", "zmw", "payment_method_types[]", s.way.Name, "customer", s.cus)
	if r.Status != 400 || !strings.HasPrefix(r.Text("error", "message"), "The currency provided (zmw) is invalid") {
		s.t.Errorf("another currency: %d %s", r.Status, r.Body)
	}
	s.want("events", s.events(), "")
}

// happy pays.
func (s *shop) happy() *servertest.Reply {
	s.t.Helper()
	pi := s.pay("jenny@example.com", "+351911111112", hashes[s.way.Name])
	if pi.Status != 200 {
		s.t.Fatalf("confirm: %d %s", pi.Status, pi.Body)
	}
	const created = " payment_intent.created"
	came := "charge.succeeded payment_intent.succeeded"
	underWay := "payment_intent.processing charge.pending"
	if s.way.Mandate {
		underWay = "mandate.updated " + underWay
	}
	switch s.way.Flow {
	case paymethod.Wallet:
		s.want("events", s.events(), came+created)
	case paymethod.Debit:
		if pi.Text("status") == "requires_action" {
			s.want("events", s.events(), "payment_intent.requires_action"+created)
			pi = s.ask("POST", "/v1/payment_intents/"+pi.Text("id")+"/verify_microdeposits", "amounts[]", "32", "amounts[]", "45")
			s.want("events", s.events(), "mandate.updated "+underWay)
		} else {
			s.want("events", s.events(), underWay+created)
		}
		s.want("status", pi.Text("status"), "processing")
		s.later(4 * time.Minute)
		s.want("events", strings.TrimSuffix(s.events(), " balance.available"), came)
	case paymethod.Voucher:
		s.want("status", pi.Text("status"), "requires_action")
		s.want("next_action", pi.Text("next_action", "type"), s.way.Action)
		s.want("events", s.events(), "payment_intent.requires_action"+created)
		s.later(4 * time.Minute)
		s.want("events", s.events(), came)
	case paymethod.Transfer:
		s.want("events", s.events(), "payment_intent.requires_action"+created)
		s.ask("POST", "/v1/test_helpers/customers/"+s.cus+"/fund_cash_balance", "amount", strconv.FormatInt(s.amount, 10), "currency", s.currency)
		s.want("events", s.events(), "customer_cash_balance_transaction.created customer_cash_balance_transaction.created "+came)
	case paymethod.Push:
		s.want("events", s.events(), "payment_intent.requires_action"+created)
		s.later(40 * time.Second)
		if s.way.Delayed {
			s.want("events", s.events(), underWay)
			s.later(time.Minute)
		}
		s.want("events", s.events(), came)
	case paymethod.Redirect:
		s.want("status", pi.Text("status"), "requires_action")
		s.want("next_action", pi.Text("next_action", "type"), s.way.Action)
		s.want("events", s.events(), "payment_intent.requires_action"+created)
		to := s.answer(pi, true)
		q := to.Query()
		s.want("order", q.Get("order"), "7")
		s.want("payment_intent", q.Get("payment_intent"), pi.Text("id"))
		s.want("client secret", q.Get("payment_intent_client_secret"), pi.Text("client_secret"))
		status := "succeeded"
		if s.way.Delayed {
			status = "pending"
		}
		s.want("redirect_status", q.Get("redirect_status"), status)
		if s.way.Delayed {
			s.want("events", s.events(), underWay)
			s.later(time.Minute)
		}
		s.want("events", s.events(), came)
	}
	pi = s.get(pi)
	s.want("status", pi.Text("status"), "succeeded")
	if n, _ := pi.At("amount_received").(float64); int64(n) != s.amount {
		s.t.Errorf("received %v", n)
	}
	if !strings.HasPrefix(pi.Text("latest_charge", "id"), "py_3") || pi.Text("latest_charge", "payment_method_details", "type") != s.way.Name {
		s.t.Errorf("the charge is %s", pi.Body)
	}
	txn := s.ask("GET", "/v1/balance_transactions/"+pi.Text("latest_charge", "balance_transaction"))
	s.want("type of transaction", txn.Text("type"), "payment")
	return pi
}

func (s *shop) refund(pi *servertest.Reply) {
	s.t.Helper()
	r := s.ask("POST", "/v1/refunds", "payment_intent", pi.Text("id"), "amount", "100")
	if s.way.Refund.How == "never" {
		s.want("refusal", r.Text("error", "code"), "charge_not_refundable")
		s.want("events", s.events(), "")
		return
	}
	want := map[string]string{"": "succeeded", "pending": "pending", "action": "requires_action"}[s.way.Refund.How]
	s.want("refund", r.Text("status"), want)
	s.want("events", strings.TrimPrefix(s.events(), "balance.available "), "refund.created charge.refunded refund.updated charge.refund.updated")
	if want == "requires_action" {
		s.want("email", r.Text("next_action", "display_details", "email_sent", "email_sent_to"), "jenny@example.com")
		other := s.ask("POST", "/v1/refunds", "payment_intent", pi.Text("id"), "amount", "50")
		s.events()
		s.want("canceled refund", s.ask("POST", "/v1/refunds/"+other.Text("id")+"/cancel").Text("status"), "canceled")
		s.want("events", s.events(), "charge.updated refund.updated charge.refund.updated")
		other = s.ask("POST", "/v1/refunds", "payment_intent", pi.Text("id"), "amount", "50")
		s.events()
		s.want("expired refund", s.ask("POST", "/v1/test_helpers/refunds/"+other.Text("id")+"/expire").Text("status"), "failed")
		s.want("events", s.events(), "charge.updated refund.updated refund.failed charge.refund.updated")
		s.later(4 * time.Minute)
		s.want("events", s.events(), "refund.updated charge.refund.updated refund.updated charge.refund.updated")
	} else if want == "pending" {
		s.later(time.Minute)
		s.want("events", strings.TrimPrefix(s.events(), "balance.available "), "refund.updated charge.refund.updated")
	}
	s.want("refund", s.ask("GET", "/v1/refunds/"+r.Text("id")).Text("status"), "succeeded")
	if days := s.way.Refund.Days; days > 0 {
		s.later(time.Duration(days)*24*time.Hour + time.Hour)
		s.events()
		r := s.ask("POST", "/v1/refunds", "payment_intent", pi.Text("id"), "amount", "100")
		s.want("late refund", r.Text("error", "code"), "charge_not_refundable")
	}
}

// sad lets a payment fail.
func (s *shop) sad() {
	s.t.Helper()
	const code = "payment_intent_authentication_failure"
	switch s.way.Flow {
	case paymethod.Debit:
		f := failing[s.way.Name]
		pi := s.pay("jenny@example.com", "", f.hash)
		if pi.Text("status") == "requires_action" {
			s.ask("POST", "/v1/payment_intents/"+pi.Text("id")+"/verify_microdeposits", "amounts[]", "32", "amounts[]", "45")
		}
		s.events()
		s.later(time.Minute)
		got := s.events()
		if !strings.HasSuffix(got, "charge.failed payment_intent.payment_failed") {
			s.t.Errorf("events %s", got)
		}
		s.failed(pi, f.code)
		if pi = s.get(pi); pi.Text("latest_charge", "status") != "failed" {
			s.t.Errorf("the charge is %s", pi.Body)
		}
	case paymethod.Voucher:
		pi := s.pay("expire_immediately@example.com", "", hashes[s.way.Name])
		s.events()
		s.later(time.Minute)
		s.want("events", s.events(), "payment_intent.payment_failed")
		s.failed(pi, "payment_intent_payment_attempt_expired")
		never := s.pay("fill_never@example.com", "", hashes[s.way.Name])
		s.later(3 * time.Hour)
		s.want("status", s.get(never).Text("status"), "requires_action")
		s.later(15 * 24 * time.Hour)
		s.failed(never, "payment_intent_payment_attempt_expired")
		s.events()
	case paymethod.Transfer:
		pi := s.pay("jenny@example.com", "", nil, "payment_method_options[customer_balance][funding_type]", "none")
		s.want("code", pi.Text("error", "code"), "insufficient_funds")
		s.events()
	case paymethod.Push:
		switch s.way.Name {
		case "blik":
			s.failed(s.wait(s.pay("bank_declined@example.com", "", nil)), "payment_method_provider_decline")
			s.failed(s.wait(s.pay("bank_timeout@example.com", "", nil)), "payment_intent_payment_attempt_expired payment_method_provider_timeout")
			r := s.pay("invalid_code@example.com", "", nil)
			s.want("code", r.Text("error", "code"), "payment_method_invalid_parameter")
		case "mb_way":
			s.failed(s.wait(s.pay("a@example.com", "+351911111116", nil)), "payment_method_customer_decline")
		}
		s.events()
	case paymethod.Redirect:
		pi := s.pay("jenny@example.com", "", hashes[s.way.Name])
		s.events()
		to := s.answer(pi, false)
		s.want("redirect_status", to.Query().Get("redirect_status"), "failed")
		s.want("events", s.events(), "payment_intent.payment_failed")
		s.failed(pi, code)
		if s.way.ActionFor > 0 {
			pi := s.pay("jenny@example.com", "", hashes[s.way.Name])
			s.later(time.Duration(s.way.ActionFor+1) * time.Second)
			s.failed(pi, "payment_intent_payment_attempt_expired")
			s.events()
		}
		if s.way.Leaves() {
			r := s.pay("jenny@example.com", "", hashes[s.way.Name], "return_url", "")
			if r.Status != 400 {
				s.t.Errorf("without return_url: %d %s", r.Status, r.Body)
			}
		}
	}
}

func (s *shop) wait(pi *servertest.Reply) *servertest.Reply {
	s.later(2 * time.Minute)
	return pi
}

// failed wants an intent to need another method, with one of the codes in its last error.
func (s *shop) failed(pi *servertest.Reply, codes string) {
	s.t.Helper()
	pi = s.get(pi)
	s.want("status", pi.Text("status"), "requires_payment_method")
	if code := pi.Text("last_payment_error", "code"); !slices.Contains(strings.Fields(codes), code) {
		s.t.Errorf("the last error is %s, want %s", code, codes)
	}
	if pi.At("payment_method") != nil || pi.At("next_action") != nil {
		s.t.Errorf("still %v, %v", pi.At("payment_method"), pi.At("next_action"))
	}
}

// holdAndCapture authorizes a payment, and captures it later.
func (s *shop) holdAndCapture() {
	s.t.Helper()
	pi := s.pay("jenny@example.com", "", hashes[s.way.Name], "capture_method", "manual")
	s.events()
	if s.way.Flow == paymethod.Redirect {
		if got := s.answer(pi, true).Query().Get("redirect_status"); got != "succeeded" {
			s.t.Errorf("redirect_status %s", got)
		}
		s.want("events", s.events(), "charge.succeeded payment_intent.amount_capturable_updated")
	}
	pi = s.get(pi)
	s.want("status", pi.Text("status"), "requires_capture")
	path := "/v1/payment_intents/" + pi.Text("id") + "/capture"
	part := s.ask("POST", path, "amount_to_capture", strconv.FormatInt(s.amount-100, 10))
	if s.way.WholeOnly {
		if part.Status != 400 {
			s.t.Errorf("a part was captured: %s", part.Body)
		}
		part = s.ask("POST", path)
	}
	s.want("status", part.Text("status"), "succeeded")
	s.want("events", s.events(), "charge.captured payment_intent.succeeded")
	pi = s.pay("jenny@example.com", "", hashes[s.way.Name], "capture_method", "manual")
	if s.way.Flow == paymethod.Redirect {
		s.answer(pi, true)
	}
	s.events()
	s.later(time.Duration(s.way.HoldFor)*24*time.Hour + time.Hour)
	s.want("events", strings.TrimPrefix(s.events(), "balance.available "), "charge.expired payment_intent.canceled")
}
