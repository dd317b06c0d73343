package sim_test

import (
	"html"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"florin/internal/paymethod"
)

var paySteps = []step{
	{"pay at once", 20, (*world).payAtOnce},
	{"pay by another type", 14, (*world).payByType},
	{"pay by bank transfer", 3, (*world).payByTransfer},
	{"pay off session", 4, (*world).payOffSession},
	{"pay with a confirmation token", 2, (*world).payWithToken},
	{"intent", 8, (*world).intent},
	{"intent changes", 4, (*world).intentChanges},
	{"confirm", 8, (*world).confirm},
	{"confirm in a browser", 3, (*world).confirmInBrowser},
	{"capture", 8, (*world).capture},
	{"increment", 3, (*world).increment},
	{"cancel", 4, (*world).cancel},
	{"apply the cash balance", 2, (*world).applyCashBalance},
	{"verify microdeposits", 2, (*world).verify},
	{"a browser opens a page", 14, (*world).browse},
	{"setup", 5, (*world).setup},
	{"setup by another type", 3, (*world).setupByType},
	{"setup goes on", 4, (*world).setupGoesOn},
	{"charge", 5, (*world).charge},
	{"charge is captured", 2, (*world).captureCharge},
	{"charge changes", 2, (*world).chargeChanges},
}

// money are the parameters that an intent is made with.
func (w *world) money(from string) []string {
	amount := 1 + w.rand.Int64N(30000)
	if w.chance(90) {
		amount += 100
	}
	p := []string{
		"amount", strconv.FormatInt(amount, 10), "currency", w.currency(), "customer", w.maybe(40, w.someOf("customer", from)),
		"metadata[color]", w.maybe(30, w.word()), "capture_method", w.maybe(45, w.pick("automatic", "automatic_async", "manual", "manual")),
		"description", w.maybe(20, w.word()), "receipt_email", w.maybe(10, "d@example.com"),
		"payment_method_options[card][request_incremental_authorization]", w.maybe(20, "if_available"),
		"payment_method_options[card][request_multicapture]", w.maybe(10, "if_available"),
		"payment_method_options[card][request_three_d_secure]", w.maybe(7, w.pick("any", "challenge", "automatic")),
		"setup_future_usage", w.maybe(15, w.pick("on_session", "off_session")),
		"statement_descriptor_suffix", w.maybe(10, "SIM"),
	}
	if w.chance(60) {
		p = append(p, "payment_method_types[]", "card")
	} else if w.chance(80) {
		p = append(p, "automatic_payment_methods[enabled]", "true", "automatic_payment_methods[allow_redirects]", w.maybe(80, "never"))
	}
	return append(p, w.forAnother(from, amount)...)
}

// forAnother are the parameters by which a platform pays a connected account, or takes its fee.
func (w *world) forAnother(from string, amount int64) (p []string) {
	switch to := w.connected(); {
	case to != "" && from == "" && w.chance(25):
		p = append(p, "transfer_data[destination]", to)
		if w.chance(50) {
			p = append(p, "application_fee_amount", strconv.FormatInt(w.rand.Int64N(amount+2), 10))
		} else if w.chance(50) {
			p = append(p, "transfer_data[amount]", strconv.FormatInt(1+w.rand.Int64N(amount+1), 10))
		}
		p = append(p, "on_behalf_of", w.maybe(30, to))
	case isConnected(from) && w.chance(60):
		p = append(p, "application_fee_amount", strconv.FormatInt(1+w.rand.Int64N(amount), 10))
	case from == "":
		p = append(p, "transfer_group", w.maybe(10, "G"+w.between(1, 3)))
	}
	return p
}

func (w *world) payAtOnce() {
	from := w.from()
	p := append(w.money(from), "confirm", "true", "off_session", w.maybe(10, "true"), "error_on_requires_action", w.maybe(5, "true"), "return_url", w.maybe(80, "https://example.com/back"))
	if saved := w.someOf("payment_method", from); saved != "" && w.chance(25) {
		p = append(p, "payment_method", saved)
	} else {
		p = append(p, "payment_method", w.card())
	}
	w.post(from, "/v1/payment_intents", p...)
}

// home is what an account is paid in.
func (w *world) home(from string) string {
	if s := w.shops[from]; s != nil {
		if c, ok := homes[s.country]; ok {
			return c
		}
		return "eur"
	}
	return "usd"
}

// homes are the currencies of countries without the euro.
var homes = map[string]string{
	"GB": "gbp", "MX": "mxn", "JP": "jpy", "BR": "brl", "AU": "aud", "CA": "cad", "NZ": "nzd", "SG": "sgd", "TH": "thb", "MY": "myr", "PL": "pln", "SE": "sek",
	"CH": "chf", "IN": "inr", "HK": "hkd",
}

// accounts are what payment methods of a type must have: bank accounts whose debits succeed, fail, are disputed, or take long.
var accounts = map[string][][]string{
	"acss_debit":      {{"institution_number", "000", "transit_number", "11000", "account_number", "000123456789"}, {"institution_number", "000", "transit_number", "11000", "account_number", "000222222227"}},
	"au_becs_debit":   {{"bsb_number", "000000", "account_number", "000123456"}, {"bsb_number", "000000", "account_number", "111111113"}},
	"bacs_debit":      {{"sort_code", "108800", "account_number", "00012345"}, {"sort_code", "108800", "account_number", "22222227"}},
	"boleto":          {{"tax_id", "000.000.000-00"}},
	"fpx":             {{"bank", "maybank2u"}},
	"nz_bank_account": {{"bank_code", "11", "branch_code", "0000", "account_number", "0000000", "suffix", "010"}, {"bank_code", "11", "branch_code", "0000", "account_number", "1111111", "suffix", "010"}},
	"sepa_debit":      {{"iban", "DE89370400440532013000"}, {"iban", "DE62370400440532013001"}, {"iban", "DE35370400440532013002"}, {"iban", "DE65370400440000343434"}, {"iban", "DE08370400440532013003"}},
	"us_bank_account": {{"account_holder_type", "individual", "routing_number", "110000000", "account_number", "000123456789"}, {"account_holder_type", "company", "routing_number", "110000000", "account_number", "000111111116"}},
}

// someType draws a type that is no card, which the account can take, and a currency for it. ok is false where nothing fits.
func (w *world) someType(from string) (way *paymethod.Type, currency string, ok bool) {
	country := "US"
	if s := w.shops[from]; s != nil {
		country = s.country
	}
	names := paymethod.Names()
	for range 20 {
		way = paymethod.Types[w.pick(names...)]
		if way.Flow == paymethod.Card || way.Flow == paymethod.Terminal || way.Flow == paymethod.Outside || !way.At(country) {
			continue
		}
		currency = w.home(from)
		if way.Currencies != nil && !way.Accepts(currency, country) {
			currency = w.pick(way.Currencies...)
		}
		return way, currency, true
	}
	return nil, "", false
}

// methodOf are the parameters of a new payment method of a type.
func (w *world) methodOf(way *paymethod.Type) []string {
	typ := way.Name
	p := []string{
		"payment_method_types[]", typ, "payment_method_data[type]", typ, "payment_method_data[billing_details][name]", "Jenny Rosen",
		"payment_method_data[billing_details][email]", w.pick("jenny@example.com", "jenny@example.com", "fill_never@example.com", "succeed_immediately@example.com", "expire_immediately@example.com"),
		"payment_method_data[billing_details][phone]", "+351911111112", "payment_method_data[billing_details][address][line1]", "1 Main Street",
		"payment_method_data[billing_details][address][country]", w.maybe(90, "BR"),
	}
	if hashes := accounts[typ]; len(hashes) > 0 {
		hash := hashes[w.rand.IntN(len(hashes))]
		for i := 0; i < len(hash); i += 2 {
			p = append(p, "payment_method_data["+typ+"]["+hash[i]+"]", hash[i+1])
		}
	}
	if way.Mandate {
		p = append(p, "mandate_data[customer_acceptance][type]", w.maybe(95, "offline"))
	}
	return p
}

// named are debits by the names of test payment methods.
var named = []string{
	"pm_usBankAccount_success", "pm_usBankAccount_insufficientFunds", "pm_usBankAccount_dispute", "pm_usBankAccount_processing", "pm_usBankAccount_noAccount", "pm_usBankAccount_accountClosed",
}

func (w *world) payByType() {
	from := w.pick("", "", w.connected(), w.pick(w.countries...), w.pick(w.countries...))
	way, currency, ok := w.someType(from)
	if !ok {
		return
	}
	amount := 400 + w.rand.Int64N(200000)
	if l, ok := way.Limits[currency]; ok && w.chance(90) {
		amount = max(amount, l.Min)
		if l.Max > 0 {
			amount = min(amount, l.Max)
		}
	}
	p := []string{
		"amount", strconv.FormatInt(amount, 10), "currency", currency, "confirm", "true", "customer", w.someOf("customer", from), "return_url", w.maybe(95, "https://example.com/back?order=1"),
		"setup_future_usage", w.maybe(15, w.pick("on_session", "off_session")), "metadata[color]", w.maybe(20, w.word()),
	}
	if way.Name == "us_bank_account" && w.chance(60) {
		p = append(p, "payment_method_types[]", way.Name, "payment_method", w.pick(named...), "mandate_data[customer_acceptance][type]", w.maybe(95, "offline"))
	} else {
		p = append(p, w.methodOf(way)...)
	}
	switch way.Name {
	case "blik":
		p = append(p, "payment_method_options[blik][code]", "123456")
	case "wechat_pay":
		p = append(p, "payment_method_options[wechat_pay][client]", w.pick("web", "ios"))
	case "customer_balance":
		if w.chance(80) {
			p = append(p, "payment_method_options[customer_balance][funding_type]", "bank_transfer", "payment_method_options[customer_balance][bank_transfer][type]", transfers[currency])
			if currency == "eur" {
				p = append(p, "payment_method_options[customer_balance][bank_transfer][eu_bank_transfer][country]", "DE")
			}
		}
	}
	if way.Captures() && w.chance(30) {
		p = append(p, "capture_method", "manual")
	} else {
		p = append(p, "capture_method", w.maybe(50, "automatic"))
	}
	r := w.post(from, "/v1/payment_intents", append(p, w.forAnother(from, amount)...)...)
	if r.status == 200 {
		w.seen["pay by "+way.Name]++
	}
}

// payByTransfer asks a customer to send money, whose cash balance may have some already.
func (w *world) payByTransfer() {
	from := w.pick("", "", w.pick(w.countries...))
	currency := w.home(from)
	p := form("amount", w.between(100, 9000), "currency", currency, "confirm", "true", "customer", w.someOf("customer", from), "payment_method_types[]", "customer_balance", "payment_method_data[type]", "customer_balance")
	if w.chance(80) {
		p.Set("payment_method_options[customer_balance][funding_type]", "bank_transfer")
		p.Set("payment_method_options[customer_balance][bank_transfer][type]", transfers[currency])
		if currency == "eur" {
			p.Set("payment_method_options[customer_balance][bank_transfer][eu_bank_transfer][country]", "DE")
		}
	}
	w.ask("POST", from, "/v1/payment_intents", p, "")
}

func (w *world) payOffSession() {
	pm, ok := w.some("payment_method")
	if !ok {
		return
	}
	r := w.get(pm.account, "/v1/payment_methods/"+pm.id)
	typ, currency := r.text("type"), w.home(pm.account)
	switch typ {
	case "sepa_debit":
		currency = "eur"
	case "us_bank_account":
		currency = "usd"
	}
	w.post(pm.account, "/v1/payment_intents", "amount", w.between(100, 20000), "currency", currency, "payment_method_types[]", typ, "payment_method", pm.id,
		"customer", r.text("customer"), "confirm", "true", "off_session", "true")
}

func (w *world) payWithToken() {
	from := w.from()
	tok := w.post(from, "/v1/test_helpers/confirmation_tokens", "payment_method", w.card(), "return_url", "https://example.com/back", "setup_future_usage", w.maybe(20, "off_session")).text("id")
	if tok != "" {
		w.post(from, "/v1/payment_intents", "amount", w.between(100, 9000), "currency", w.currency(), "confirm", "true", "confirmation_token", tok, "payment_method_types[]", "card")
	}
}

func (w *world) intent() {
	from := w.from()
	p := append(w.money(from), "payment_method", w.maybe(40, w.card()), "confirmation_method", w.maybe(15, "manual"))
	if w.chance(10) {
		p = append(p, "amount_details[line_items][0][product_name]", "Tea", "amount_details[line_items][0][quantity]", "1", "amount_details[line_items][0][unit_cost]", "50")
	}
	w.post(from, "/v1/payment_intents", p...)
}

func (w *world) intentChanges() {
	if pi, ok := w.mostly(70, "payment_intent/requires_payment_method", "payment_intent"); ok {
		w.post(pi.account, "/v1/payment_intents/"+pi.id, "amount", w.maybe(40, w.between(40, 9000)), "metadata[color]", w.maybe(50, w.word()), "description", w.maybe(30, w.word()),
			"payment_method", w.maybe(30, w.card()), "customer", w.maybe(15, w.someOf("customer", pi.account)), "currency", w.maybe(5, w.currency()),
			"application_fee_amount", w.maybe(10, w.between(0, 100)))
	}
}

func (w *world) confirm() {
	pi, ok := w.mostly(75, w.pick("payment_intent/requires_payment_method", "payment_intent/requires_confirmation"), "payment_intent")
	if ok {
		w.post(pi.account, "/v1/payment_intents/"+pi.id+"/confirm", "payment_method", w.maybe(80, w.card()), "return_url", w.maybe(70, "https://example.com/back"),
			"off_session", w.maybe(10, "true"), "capture_method", w.maybe(10, w.pick("manual", "automatic")))
	}
}

// confirmInBrowser confirms as a browser does: with the publishable key, and the client's secret.
func (w *world) confirmInBrowser() {
	pi, ok := w.some("payment_intent/requires_payment_method")
	if !ok || pi.account != "" {
		return
	}
	secret := w.get("", "/v1/payment_intents/"+pi.id).text("client_secret")
	r := w.ask("POST", "in a browser", "/v1/payment_intents/"+pi.id+"/confirm", form("client_secret", secret, "payment_method", w.card(), "return_url", "https://example.com/back"), "")
	if action, _ := r.at("next_action").(map[string]any); action != nil {
		w.links(action)
	}
	w.ask("GET", "in a browser", "/v1/payment_intents/"+pi.id, form("client_secret", secret), "")
	w.get("", "/v1/payment_intents/"+pi.id) // which pool it is in now
}

func (w *world) capture() {
	if pi, ok := w.mostly(90, "payment_intent/requires_capture", "payment_intent"); ok {
		w.post(pi.account, "/v1/payment_intents/"+pi.id+"/capture", "amount_to_capture", w.maybe(50, w.between(1, 9000)), "final_capture", w.maybe(20, w.pick("true", "false")),
			"application_fee_amount", w.maybe(10, w.between(0, 200)))
	}
}

func (w *world) increment() {
	if pi, ok := w.mostly(90, "payment_intent/requires_capture", "payment_intent"); ok {
		w.post(pi.account, "/v1/payment_intents/"+pi.id+"/increment_authorization", "amount", w.between(10000, 60000), "description", w.maybe(20, w.word()))
	}
}

func (w *world) cancel() {
	pool := w.pick("payment_intent/requires_payment_method", "payment_intent/requires_capture", "payment_intent/requires_action", "payment_intent/processing")
	if pi, ok := w.mostly(60, pool, "payment_intent"); ok {
		w.post(pi.account, "/v1/payment_intents/"+pi.id+"/cancel", "cancellation_reason", w.maybe(50, w.pick("duplicate", "abandoned", "requested_by_customer", "fraudulent")))
	}
}

// applyCashBalance pays an intent that waits for a bank transfer from the money that its customer has, which as a rule came while it was not
// reconciled by itself.
func (w *world) applyCashBalance() {
	pi, ok := w.some("display_bank_transfer_instructions")
	if !ok {
		return
	}
	if w.chance(60) {
		intent := w.get(pi.account, "/v1/payment_intents/"+pi.id)
		customer, currency := intent.text("customer"), intent.text("currency")
		w.post(pi.account, "/v1/customers/"+customer+"/cash_balance", "settings[reconciliation_mode]", "manual")
		w.post(pi.account, "/v1/test_helpers/customers/"+customer+"/fund_cash_balance", "amount", w.between(300, 9000), "currency", currency)
	}
	w.post(pi.account, "/v1/payment_intents/"+pi.id+"/apply_customer_balance", "amount", w.maybe(60, w.between(1, 300)))
}

func (w *world) verify() {
	if pi, ok := w.some("verify_with_microdeposits"); ok {
		object := map[bool]string{true: "payment_intents", false: "setup_intents"}[strings.HasPrefix(pi.id, "pi_")]
		w.post(pi.account, "/v1/"+object+"/"+pi.id+"/verify_microdeposits", "amounts[0]", "32", "amounts[1]", w.pick("45", "45", "45", "46"))
	}
}

var (
	formTag   = regexp.MustCompile(`(?is)<form([^>]*)>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`(?is)<input([^>]*)>`)
	buttonTag = regexp.MustCompile(`(?is)<button([^>]*)>`)
	linkTag   = regexp.MustCompile(`(?is)<a[^>]* href="(http://florin\.test/[^"]*)"`)
	attribute = regexp.MustCompile(`(?is)([a-z_-]+)="([^"]*)"`)
)

func attributes(tag string) map[string]string {
	out := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
		out[m[1]] = html.UnescapeString(m[2])
	}
	return out
}

// browse opens a page that an action led to, and presses one of its buttons, or goes away.
func (w *world) browse() {
	if len(w.pages) == 0 {
		return
	}
	n := w.rand.IntN(len(w.pages))
	page := w.pages[n]
	w.pages = append(w.pages[:n:n], w.pages[n+1:]...)
	rec := w.visit("GET", page, nil)
	for _, m := range linkTag.FindAllStringSubmatch(rec.Body.String(), 2) {
		w.links(html.UnescapeString(m[1]))
	}
	forms := formTag.FindAllStringSubmatch(rec.Body.String(), -1)
	if rec.Code != 200 || len(forms) == 0 || w.chance(8) {
		return
	}
	f := forms[w.rand.IntN(len(forms))]
	values := url.Values{}
	for _, m := range inputTag.FindAllStringSubmatch(f[2], -1) {
		a := attributes(m[1])
		switch a["name"] {
		case "":
		case "first":
			values.Set("first", "32")
		case "second":
			values.Set("second", w.pick("45", "45", "7"))
		case "descriptor_code":
			values.Set("descriptor_code", w.pick("SM11AA", "SM33CC"))
		default:
			values.Set(a["name"], a["value"])
		}
	}
	at := attributes(f[1])
	if buttons := buttonTag.FindAllStringSubmatch(f[2], -1); len(buttons) > 0 {
		b := attributes(buttons[min(w.rand.IntN(len(buttons)), w.rand.IntN(len(buttons)))][1])
		if b["name"] != "" {
			values.Set(b["name"], b["value"])
		}
	}
	action, err := url.Parse(page)
	if err == nil {
		action, err = action.Parse(at["action"])
	}
	if err != nil {
		w.fail("%s: %v", page, err)
		return
	}
	if done := w.visit(strings.ToUpper(at["method"]), action.String(), values); done.Code < 400 {
		w.seen["pressed a button of "+strings.SplitN(action.Path, "/", 3)[1]]++
	}
}

func (w *world) visit(method, page string, values url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, page, strings.NewReader(values.Encode()))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	rec := httptest.NewRecorder()
	w.srv.ServeHTTP(rec, r)
	w.note("a browser: %s %s %s → %d %s", method, page, values.Encode(), rec.Code, rec.Header().Get("Location"))
	w.tally(w.tallies, w.name).add(map[bool]int{true: 200, false: 400}[rec.Code < 400])
	if rec.Code >= 500 {
		w.fail("a browser: %s %s: %d %s", method, page, rec.Code, rec.Body)
	}
	return rec
}

func (w *world) setup() {
	from := w.from()
	confirm := w.maybe(70, "true")
	p := []string{
		"payment_method_types[]", "card", "customer", w.maybe(70, w.someOf("customer", from)), "usage", w.maybe(40, w.pick("on_session", "off_session")),
		"metadata[color]", w.maybe(20, w.word()), "confirm", confirm,
	}
	if confirm != "" {
		p = append(p, "payment_method", w.card(), "return_url", w.maybe(70, "https://example.com/back"))
	}
	w.post(from, "/v1/setup_intents", p...)
}

func (w *world) setupByType() {
	from := w.pick("", w.pick(w.countries...))
	way := paymethod.Types[w.pick("us_bank_account", "us_bank_account", "sepa_debit", "bacs_debit", "au_becs_debit", "ideal", "paypal", "cashapp", "link", "bancontact")]
	w.post(from, "/v1/setup_intents", append(w.methodOf(way), "customer", w.someOf("customer", from), "confirm", "true", "return_url", "https://example.com/back",
		"payment_method_options[us_bank_account][verification_method]", map[bool]string{true: w.maybe(70, "microdeposits")}[way.Name == "us_bank_account"])...)
}

func (w *world) setupGoesOn() {
	si, ok := w.mostly(70, w.pick("setup_intent/requires_payment_method", "setup_intent/requires_action", "setup_intent/requires_confirmation"), "setup_intent")
	if !ok {
		return
	}
	path := "/v1/setup_intents/" + si.id
	switch w.rand.IntN(5) {
	case 0:
		w.post(si.account, path+"/cancel")
	case 1:
		w.post(si.account, path, "metadata[color]", w.word(), "payment_method", w.maybe(40, w.card()))
	case 2:
		w.get(si.account, "/v1/setup_attempts", "setup_intent", si.id)
	default:
		w.post(si.account, path+"/confirm", "payment_method", w.maybe(60, w.card()), "return_url", w.maybe(70, "https://example.com/back"))
	}
}

func (w *world) charge() {
	from := w.from()
	p := []string{
		"amount", w.between(1, 20000), "currency", w.currency(), "metadata[color]", w.maybe(20, w.word()), "capture", w.maybe(30, "false"),
		"source", w.pick("tok_visa", "tok_bypassPending", "tok_bypassPending", "tok_chargeDeclined", "tok_mastercard", "tok_createDispute", "tok_pendingRefund"),
	}
	if to := w.connected(); from == "" && to != "" && w.chance(20) {
		p = append(p, "destination", to, "application_fee", w.maybe(50, w.between(1, 50)))
	}
	w.post(from, "/v1/charges", p...)
}

func (w *world) captureCharge() {
	for range 6 {
		if ch, ok := w.some("charge"); ok && w.get(ch.account, "/v1/charges/"+ch.id).at("captured") != true || w.chance(10) {
			w.post(ch.account, "/v1/charges/"+ch.id+"/capture", "amount", w.maybe(40, w.between(1, 6000)))
			return
		}
	}
}

func (w *world) chargeChanges() {
	if ch, ok := w.some("charge"); ok {
		w.post(ch.account, "/v1/charges/"+ch.id, "metadata[color]", w.word(), "description", w.maybe(30, w.word()), "fraud_details[user_report]", w.maybe(10, w.pick("fraudulent", "safe")))
	}
}
