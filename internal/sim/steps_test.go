package sim_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A step is something that may happen in a world, and how often it does beside the others.
type step struct {
	name   string
	weight int
	do     func(w *world)
}

var steps = []step{
	{"customer", 6, (*world).customer},
	{"customer changes", 3, (*world).customerChanges},
	{"customer is deleted", 1, (*world).customerDeleted},
	{"payment method", 6, (*world).method},
	{"method changes", 3, (*world).methodChanges},
	{"token", 2, (*world).token},
	{"card of a customer", 2, (*world).sourceOfCustomer},
	{"pay at once", 22, (*world).payAtOnce},
	{"intent", 8, (*world).intent},
	{"intent changes", 4, (*world).intentChanges},
	{"confirm", 8, (*world).confirm},
	{"capture", 10, (*world).capture},
	{"increment", 3, (*world).increment},
	{"cancel", 4, (*world).cancel},
	{"authenticate", 8, (*world).authenticate},
	{"setup", 6, (*world).setup},
	{"setup goes on", 4, (*world).setupGoesOn},
	{"charge", 5, (*world).charge},
	{"charge changes", 2, (*world).chargeChanges},
	{"refund", 12, (*world).refund},
	{"refund changes", 3, (*world).refundChanges},
	{"dispute", 6, (*world).dispute},
	{"payout", 4, (*world).payout},
	{"payout changes", 3, (*world).payoutChanges},
	{"topup", 3, (*world).topup},
	{"account", 1, (*world).account},
	{"transfer", 5, (*world).transfer},
	{"reversal", 3, (*world).reversal},
	{"application fee", 3, (*world).fee},
	{"coupon", 2, (*world).coupon},
	{"webhook endpoint", 1, (*world).endpoint},
	{"radar", 3, (*world).radar},
	{"file link, session, key", 1, (*world).odds},
	{"the same again", 6, (*world).same},
	{"the key with other parameters", 3, (*world).otherParameters},
	{"read", 8, (*world).read},
	{"list", 6, (*world).list},
	{"search", 2, (*world).search},
	{"balance", 2, (*world).balance},
	{"time passes", 5, (*world).timePasses},
}

func totalWeight() (n int) {
	for _, s := range steps {
		n += s.weight
	}
	return n
}

// one does a step.
func (w *world) one() {
	n := w.rand.IntN(totalWeight())
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			w.name = s.name
			s.do(w)
			break
		}
	}
	if said := w.log.said(); said != "" {
		w.fail("the server logged: %s", said)
	}
}

// card draws a test payment method: mostly good ones.
func (w *world) card() string {
	if w.chance(55) {
		return w.pick("pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_bypassPending", "pm_card_bypassPending", "pm_card_gb", "pm_card_de", "pm_card_jp")
	}
	return w.pick(
		"pm_card_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds", "pm_card_visa_chargeDeclinedLostCard", "pm_card_chargeDeclinedExpiredCard",
		"pm_card_chargeDeclinedIncorrectCvc", "pm_card_chargeCustomerFail", "pm_card_radarBlock", "pm_card_riskLevelElevated", "pm_card_riskLevelHighest",
		"pm_card_createDispute", "pm_card_createDisputeProductNotReceived", "pm_card_createDisputeInquiry", "pm_card_createIssuerFraudRecord",
		"pm_card_createMultipleDisputes", "pm_card_createRapidDisputeResolutionDispute", "pm_card_pendingRefund", "pm_card_refundFail",
		"pm_card_bypassPendingInternational", "pm_card_authenticationRequiredOnSetup", "pm_card_authenticationRequired",
		"pm_card_threeDSecureRequired", "pm_card_threeDSecureOptional", "pm_card_threeDSecureRequiredChargeDeclined",
		"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "pm_card_indiaRecurringMandateSetupAndRenewalsSuccess", "pm_card_unknown",
	)
}

func (w *world) currency() string {
	if w.chance(75) {
		return "usd"
	}
	return w.pick("eur", "gbp", "jpy", "kwd", "cad")
}

// from draws whose account a request is for: mostly the platform's own.
func (w *world) from() string {
	if w.chance(85) {
		return ""
	}
	return w.connected()
}

// connected draws a connected account, or "".
func (w *world) connected() string {
	if t, ok := w.some("account"); ok && strings.HasPrefix(t.id, "acct_") {
		return t.id
	}
	return ""
}

func (w *world) word() string { return w.pick("red", "green", "blue", "a b", "ü", "x'y") }

func (w *world) customer() {
	w.post(w.from(), "/v1/customers", "email", w.maybe(60, w.pick("a@example.com", "b@example.com")), "name", w.maybe(60, w.word()), "metadata[color]", w.maybe(40, w.word()),
		"payment_method", w.maybe(20, w.card()), "address[country]", w.maybe(20, "US"))
}

func (w *world) customerChanges() {
	c, ok := w.some("customer")
	if !ok {
		return
	}
	w.post(c.account, "/v1/customers/"+c.id, "name", w.maybe(50, w.word()), "metadata[color]", w.maybe(50, w.word()), "description", w.maybe(40, w.word()),
		"invoice_settings[default_payment_method]", w.maybe(20, w.someOf("payment_method", c.account)))
}

func (w *world) customerDeleted() {
	if c, ok := w.some("customer"); ok && w.chance(50) {
		w.ask("DELETE", c.account, "/v1/customers/"+c.id, nil, "")
	}
}

func (w *world) method() {
	from := w.from()
	pm := w.card()
	if w.chance(50) {
		pm = w.post(from, "/v1/payment_methods", "type", "card", "card[number]", w.pick("4242424242424242", "5555555555554444", "4000000000000341", "4000002500003155", "4000000000000077", "4242424242424241"),
			"card[exp_month]", w.between(1, 12), "card[exp_year]", w.between(2027, 2032), "card[cvc]", w.maybe(80, "123"), "billing_details[name]", w.maybe(30, w.word())).text("id")
	}
	if cus := w.someOf("customer", from); cus != "" && pm != "" {
		w.post(from, "/v1/payment_methods/"+pm+"/attach", "customer", cus)
	}
}

func (w *world) methodChanges() {
	pm, ok := w.some("payment_method")
	if !ok {
		return
	}
	if w.chance(30) {
		w.post(pm.account, "/v1/payment_methods/"+pm.id+"/detach")
		return
	}
	w.post(pm.account, "/v1/payment_methods/"+pm.id, "metadata[color]", w.word(), "card[exp_month]", w.maybe(30, w.between(1, 12)), "billing_details[email]", w.maybe(30, "c@example.com"))
}

func (w *world) token() {
	switch w.rand.IntN(3) {
	case 0:
		w.post("", "/v1/tokens", "card[number]", w.pick("4242424242424242", "4000000000000002"), "card[exp_month]", "9", "card[exp_year]", "2031", "card[cvc]", "321")
	case 1:
		w.post("", "/v1/test_helpers/confirmation_tokens", "payment_method", w.card(), "return_url", w.maybe(50, "https://example.com/back"))
	default:
		w.post("", "/v1/tokens", "bank_account[country]", "US", "bank_account[currency]", "usd", "bank_account[account_number]", "000123456789", "bank_account[routing_number]", "110000000")
	}
}

func (w *world) sourceOfCustomer() {
	c, ok := w.some("customer")
	if !ok {
		return
	}
	if card, ok := w.some("card"); ok && card.account == c.account && w.chance(40) {
		method := w.pick("POST", "GET", "DELETE")
		var f url.Values
		if method == "POST" {
			f = form("name", w.word())
		}
		w.ask(method, c.account, "/v1/customers/"+c.id+"/sources/"+card.id, f, "")
		return
	}
	w.post(c.account, "/v1/customers/"+c.id+"/sources", "source", w.pick("tok_visa", "tok_mastercard", "tok_chargeDeclined", "tok_chargeCustomerFail"))
}

// money are the parameters that an intent is made with.
func (w *world) money(from string) []string {
	amount := 1 + w.rand.Int64N(30000)
	p := []string{
		"amount", strconv.FormatInt(amount, 10), "currency", w.currency(), "customer", w.maybe(40, w.someOf("customer", from)),
		"metadata[color]", w.maybe(30, w.word()), "capture_method", w.maybe(45, w.pick("automatic", "automatic_async", "manual", "manual")),
		"description", w.maybe(20, w.word()), "receipt_email", w.maybe(10, "d@example.com"),
		"payment_method_options[card][request_incremental_authorization]", w.maybe(10, "if_available"),
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
	if to := w.connected(); to != "" && from == "" && w.chance(25) {
		p = append(p, "transfer_data[destination]", to)
		if w.chance(50) {
			p = append(p, "application_fee_amount", strconv.FormatInt(w.rand.Int64N(amount+2), 10))
		} else if w.chance(50) {
			p = append(p, "transfer_data[amount]", strconv.FormatInt(1+w.rand.Int64N(amount+1), 10))
		}
		p = append(p, "on_behalf_of", w.maybe(30, to))
	} else if from != "" && w.chance(60) {
		p = append(p, "application_fee_amount", strconv.FormatInt(1+w.rand.Int64N(amount), 10))
	} else if from == "" {
		p = append(p, "transfer_group", w.maybe(10, "G"+w.between(1, 3)))
	}
	return p
}

func (w *world) payAtOnce() {
	from := w.from()
	p := append(w.money(from), "confirm", "true", "off_session", w.maybe(10, "true"), "error_on_requires_action", w.maybe(5, "true"), "return_url", w.maybe(70, "https://example.com/back"))
	if saved := w.someOf("payment_method", from); saved != "" && w.chance(25) {
		p = append(p, "payment_method", saved)
	} else {
		p = append(p, "payment_method", w.card())
	}
	w.post(from, "/v1/payment_intents", p...)
}

func (w *world) intent() {
	from := w.from()
	w.post(from, "/v1/payment_intents", append(w.money(from), "payment_method", w.maybe(40, w.card()), "confirmation_method", w.maybe(15, "manual"))...)
}

func (w *world) intentChanges() {
	if pi, ok := w.some("payment_intent"); ok {
		w.post(pi.account, "/v1/payment_intents/"+pi.id, "amount", w.maybe(40, w.between(40, 9000)), "metadata[color]", w.maybe(50, w.word()), "description", w.maybe(30, w.word()),
			"payment_method", w.maybe(30, w.card()), "customer", w.maybe(15, w.someOf("customer", pi.account)), "currency", w.maybe(5, w.currency()),
			"application_fee_amount", w.maybe(10, w.between(0, 100)))
	}
}

func (w *world) confirm() {
	if pi, ok := w.some("payment_intent"); ok {
		w.post(pi.account, "/v1/payment_intents/"+pi.id+"/confirm", "payment_method", w.maybe(70, w.card()), "return_url", w.maybe(60, "https://example.com/back"),
			"off_session", w.maybe(10, "true"), "capture_method", w.maybe(10, w.pick("manual", "automatic")))
	}
}

func (w *world) capture() {
	if ch, ok := w.some("charge"); ok && w.chance(15) {
		w.post(ch.account, "/v1/charges/"+ch.id+"/capture", "amount", w.maybe(40, w.between(1, 6000)))
		return
	}
	for range 4 { // look for one that can be
		pi, ok := w.some("payment_intent")
		if !ok {
			return
		}
		status := w.get(pi.account, "/v1/payment_intents/"+pi.id).text("status")
		if status == "requires_capture" || w.chance(10) {
			w.post(pi.account, "/v1/payment_intents/"+pi.id+"/capture", "amount_to_capture", w.maybe(50, w.between(1, 9000)), "final_capture", w.maybe(20, w.pick("true", "false")),
				"application_fee_amount", w.maybe(10, w.between(0, 200)))
			return
		}
	}
}

func (w *world) increment() {
	if pi, ok := w.some("payment_intent"); ok {
		w.post(pi.account, "/v1/payment_intents/"+pi.id+"/increment_authorization", "amount", w.between(100, 60000), "description", w.maybe(20, w.word()))
	}
}

func (w *world) cancel() {
	if pi, ok := w.some("payment_intent"); ok {
		w.post(pi.account, "/v1/payment_intents/"+pi.id+"/cancel", "cancellation_reason", w.maybe(50, w.pick("duplicate", "abandoned", "requested_by_customer", "fraudulent")))
	}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// authenticate opens a page of 3D Secure, and completes it, fails it, or goes away.
func (w *world) authenticate() {
	if len(w.pages) == 0 {
		return
	}
	n := w.rand.IntN(len(w.pages))
	page := w.pages[n]
	w.pages = append(w.pages[:n:n], w.pages[n+1:]...)
	rec := httptest.NewRecorder()
	w.srv.ServeHTTP(rec, httptest.NewRequest("GET", page, nil))
	w.note("GET %s → %d", page, rec.Code)
	if rec.Code >= 500 {
		w.fail("GET %s: %d %s", page, rec.Code, rec.Body)
	}
	fields := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(rec.Body.String(), -1) {
		fields.Set(m[1], m[2])
	}
	if rec.Code != 200 || len(fields) == 0 || w.chance(10) {
		return
	}
	fields.Set("outcome", w.pick("complete", "complete", "fail"))
	r := httptest.NewRequest("POST", "/3d_secure_2/hosted/complete", strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec = httptest.NewRecorder()
	w.srv.ServeHTTP(rec, r)
	w.note("POST /3d_secure_2/hosted/complete %s → %d %s", fields.Get("outcome"), rec.Code, rec.Header().Get("Location"))
	if rec.Code >= 500 {
		w.fail("the challenge answers %d %s", rec.Code, rec.Body)
	} else {
		w.tally().ok++
	}
}

func (w *world) setup() {
	from := w.from()
	if w.chance(15) {
		w.post(from, "/v1/setup_intents", "payment_method_types[]", "us_bank_account", "customer", w.someOf("customer", from), "confirm", "true",
			"payment_method_data[type]", "us_bank_account", "payment_method_data[us_bank_account][account_holder_type]", "company",
			"payment_method_data[us_bank_account][account_number]", w.pick("000123456789", "000111111116"), "payment_method_data[us_bank_account][routing_number]", "110000000",
			"payment_method_data[billing_details][name]", "Jenny", "mandate_data[customer_acceptance][type]", "offline",
			"payment_method_options[us_bank_account][verification_method]", w.maybe(70, "microdeposits"))
		return
	}
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

func (w *world) setupGoesOn() {
	si, ok := w.some("setup_intent")
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
		w.post(si.account, path+"/verify_microdeposits", "amounts[0]", "32", "amounts[1]", w.pick("45", "45", "46"))
	case 3:
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

func (w *world) chargeChanges() {
	if ch, ok := w.some("charge"); ok {
		w.post(ch.account, "/v1/charges/"+ch.id, "metadata[color]", w.word(), "description", w.maybe(30, w.word()), "fraud_details[user_report]", w.maybe(10, w.pick("fraudulent", "safe")))
	}
}

func (w *world) refund() {
	reason := w.maybe(40, w.pick("duplicate", "fraudulent", "requested_by_customer"))
	if ch, ok := w.some("charge"); ok && w.chance(60) {
		if w.chance(15) {
			w.post(ch.account, "/v1/charges/"+ch.id+"/"+w.pick("refund", "refunds"), "amount", w.maybe(50, w.between(1, 3000)))
			return
		}
		w.post(ch.account, "/v1/refunds", "charge", ch.id, "amount", w.maybe(60, w.between(1, 8000)), "reason", reason,
			"reverse_transfer", w.maybe(20, "true"), "refund_application_fee", w.maybe(20, "true"), "metadata[color]", w.maybe(20, w.word()))
		return
	}
	if pi, ok := w.some("payment_intent"); ok {
		w.post(pi.account, "/v1/refunds", "payment_intent", pi.id, "amount", w.maybe(50, w.between(1, 8000)), "reason", reason, "reverse_transfer", w.maybe(10, "true"))
	}
}

func (w *world) refundChanges() {
	re, ok := w.some("refund")
	if !ok {
		return
	}
	if w.chance(40) {
		w.post(re.account, "/v1/refunds/"+re.id+"/cancel")
		return
	}
	w.post(re.account, "/v1/refunds/"+re.id, "metadata[color]", w.word())
}

func (w *world) dispute() {
	if w.chance(20) {
		w.get("", "/v1/disputes", "limit", "5")
	}
	dp, ok := w.some("dispute")
	if !ok {
		return
	}
	if w.chance(20) {
		w.post(dp.account, "/v1/disputes/"+dp.id+"/close")
		return
	}
	w.post(dp.account, "/v1/disputes/"+dp.id, "evidence[uncategorized_text]", w.maybe(70, w.pick("winning_evidence", "losing_evidence", "something", "escalate_inquiry_evidence")),
		"submit", w.maybe(40, w.pick("true", "false")), "metadata[color]", w.maybe(30, w.word()))
}

func (w *world) payout() {
	from := w.from()
	w.post(from, "/v1/payouts", "amount", w.between(1, 20000), "currency", w.maybe(90, "usd"), "method", w.maybe(20, "instant"), "metadata[color]", w.maybe(20, w.word()))
}

func (w *world) payoutChanges() {
	po, ok := w.some("payout")
	if !ok {
		return
	}
	switch w.rand.IntN(3) {
	case 0:
		w.post(po.account, "/v1/payouts/"+po.id+"/cancel")
	case 1:
		w.post(po.account, "/v1/payouts/"+po.id+"/reverse")
	default:
		w.post(po.account, "/v1/payouts/"+po.id, "metadata[color]", w.word())
	}
}

func (w *world) topup() {
	if tu, ok := w.some("topup"); ok && w.chance(40) {
		if w.chance(50) {
			w.post("", "/v1/topups/"+tu.id+"/cancel")
		} else {
			w.post("", "/v1/topups/"+tu.id, "description", w.word())
		}
		return
	}
	w.post("", "/v1/topups", "amount", w.between(1, 90000), "currency", "usd", "description", w.maybe(50, w.word()),
		"source", w.maybe(50, w.pick("btok_us_verified", "btok_us_noAccount", "btok_us_insufficientFunds")))
}

func (w *world) account() {
	if a := w.connected(); a != "" && w.chance(50) || len(w.pools["account"]) > 12 {
		w.post("", "/v1/accounts/"+a, "metadata[color]", w.word(), "business_profile[name]", w.maybe(30, w.word()), "settings[payouts][schedule][interval]", w.maybe(30, w.pick("manual", "daily", "weekly")))
		return
	}
	r := w.post("", "/v1/accounts", "type", w.pick("custom", "custom", "express", "standard"), "country", "US", "business_type", "individual",
		"capabilities[transfers][requested]", "true", "capabilities[card_payments][requested]", "true", "external_account", w.maybe(80, "btok_us_verified"))
	if id := r.text("id"); id != "" && r.text("type") == "custom" && w.chance(90) {
		w.post("", "/v1/accounts/"+id, "business_profile[mcc]", "5734", "business_profile[url]", "https://example.com", "individual[first_name]", "Jenny", "individual[last_name]", "Rosen",
			"individual[dob][day]", "1", "individual[dob][month]", "1", "individual[dob][year]", "1901", "individual[email]", "j@example.com", "individual[phone]", "0000000000",
			"individual[id_number]", "000000000", "individual[address][line1]", "address_full_match", "individual[address][city]", "Schenectady", "individual[address][postal_code]", "12345",
			"individual[address][state]", "NY", "tos_acceptance[date]", strconv.FormatInt(w.clock.Now().Unix(), 10), "tos_acceptance[ip]", "127.0.0.1")
	}
}

func (w *world) transfer() {
	to := w.connected()
	if to == "" {
		return
	}
	source := w.maybe(40, w.someOf("charge", ""))
	w.post("", "/v1/transfers", "amount", w.maybe(90, w.between(1, 5000)), "currency", "usd", "destination", to, "source_transaction", source, "metadata[color]", w.maybe(20, w.word()))
}

func (w *world) reversal() {
	tr, ok := w.some("transfer")
	if !ok {
		return
	}
	if w.chance(20) {
		w.post(tr.account, "/v1/transfers/"+tr.id, "metadata[color]", w.word())
		return
	}
	w.post(tr.account, "/v1/transfers/"+tr.id+"/reversals", "amount", w.maybe(60, w.between(1, 3000)), "refund_application_fee", w.maybe(20, "true"))
}

func (w *world) fee() {
	if w.chance(30) {
		w.get("", "/v1/application_fees", "limit", "5")
	}
	if fee, ok := w.some("application_fee"); ok {
		w.post("", "/v1/application_fees/"+fee.id+"/"+w.pick("refunds", "refunds", "refund"), "amount", w.maybe(60, w.between(1, 100)))
	}
}

func (w *world) coupon() {
	if c, ok := w.some("coupon"); ok && w.chance(50) {
		if w.chance(30) {
			w.ask("DELETE", c.account, "/v1/coupons/"+url.PathEscape(c.id), nil, "")
			return
		}
		w.post(c.account, "/v1/coupons/"+url.PathEscape(c.id), "name", w.word(), "metadata[color]", w.maybe(50, w.word()))
		return
	}
	if w.chance(50) {
		w.post("", "/v1/coupons", "percent_off", w.between(0, 101), "duration", w.pick("once", "forever", "repeating"), "duration_in_months", w.maybe(40, "3"), "id", w.maybe(20, "C"+w.between(1, 9)))
		return
	}
	w.post("", "/v1/coupons", "amount_off", w.between(1, 500), "currency", w.maybe(90, w.currency()), "duration", "once")
}

func (w *world) endpoint() {
	if we, ok := w.some("webhook_endpoint"); ok && w.chance(40) {
		if w.chance(20) {
			w.ask("DELETE", we.account, "/v1/webhook_endpoints/"+we.id, nil, "")
			return
		}
		w.post(we.account, "/v1/webhook_endpoints/"+we.id, "disabled", w.maybe(60, w.pick("true", "false", "false")), "description", w.word())
		return
	}
	if len(w.pools["webhook_endpoint"]) >= 5 {
		return
	}
	w.hook()
}

// hook makes a webhook endpoint on the sink.
func (w *world) hook() {
	path := fmt.Sprintf("/hook-%d", w.step)
	r := w.post("", "/v1/webhook_endpoints", "url", w.sink.URL+path, "enabled_events[]", w.pick("*", "*", "charge.succeeded"), "connect", w.maybe(30, "true"))
	if id := r.text("id"); id != "" {
		w.sink.called(id, path)
	}
}

func (w *world) radar() {
	switch w.rand.IntN(4) {
	case 0:
		w.post("", "/v1/radar/value_lists", "alias", w.pick("a", "b", "c")+w.between(1, 99), "name", w.word(), "item_type", w.pick("email", "card_fingerprint", "string"))
	case 1:
		if vl, ok := w.some("radar.value_list"); ok {
			w.post("", "/v1/radar/value_list_items", "value_list", vl.id, "value", w.pick("a@example.com", "z@example.com", "spam"))
		}
	case 2:
		if _, ok := w.some("review"); !ok {
			w.get("", "/v1/reviews")
		}
		if r, ok := w.some("review"); ok {
			w.post(r.account, "/v1/reviews/"+r.id+"/approve")
		}
	default:
		w.get("", "/v1/radar/early_fraud_warnings", "limit", "3")
	}
}

func (w *world) odds() {
	cus := w.someOf("customer", "")
	if cus == "" {
		return
	}
	if w.chance(50) {
		w.post("", "/v1/customer_sessions", "customer", cus, "components[payment_element][enabled]", "true")
		return
	}
	w.get("", "/v1/customers/"+cus+"/payment_methods", "limit", "3")
}

// same sends a request again under its idempotency key: the answer is the same, to the byte.
func (w *world) same() {
	k, ok := w.key()
	if !ok {
		return
	}
	r := w.ask("POST", k.account, k.path, k.form, k.key)
	if r.status != k.status || string(r.body) != string(k.body) || r.header.Get("Idempotent-Replayed") != "true" {
		w.fail("POST %s %s with %s was answered\n%d %s\nand is now answered (Idempotent-Replayed %q)\n%d %s",
			k.path, k.form.Encode(), k.key, k.status, k.body, r.header.Get("Idempotent-Replayed"), r.status, r.body)
	}
}

// otherParameters sends another request under an idempotency key: it is refused.
func (w *world) otherParameters() {
	k, ok := w.key()
	if !ok || strings.Count(k.path, "/") > 2 || k.path == "/v1/tokens" || k.path == "/v1/customer_sessions" { // those that make something take metadata; what is no parameter is refused before
		return
	}
	f := url.Values{"metadata[again]": {"yes"}}
	for name, values := range k.form {
		f[name] = values
	}
	if r := w.ask("POST", k.account, k.path, f, k.key); r.status != 400 || r.text("error", "type") != "idempotency_error" {
		w.fail("POST %s with the key %s and other parameters: %d %s", k.path, k.key, r.status, r.body)
	}
}

// key draws a key that is not a day old.
func (w *world) key() (keyed, bool) {
	for len(w.keyed) > 0 && w.clock.Now().Sub(w.keyed[0].at) >= 23*time.Hour {
		w.keyed = w.keyed[1:]
	}
	if len(w.keyed) == 0 {
		return keyed{}, false
	}
	return w.keyed[w.rand.IntN(len(w.keyed))], true
}

// paths are where objects are read, by their names.
var paths = map[string]string{
	"application_fee": "application_fees", "balance_transaction": "balance_transactions", "charge": "charges", "coupon": "coupons", "customer": "customers",
	"dispute": "disputes", "payment_intent": "payment_intents", "payment_method": "payment_methods", "payout": "payouts", "refund": "refunds",
	"setup_intent": "setup_intents", "topup": "topups", "transfer": "transfers", "webhook_endpoint": "webhook_endpoints", "event": "events",
	"review": "reviews", "radar.value_list": "radar/value_lists",
}

// readable are the names, in an order that does not change.
var readable = []string{
	"application_fee", "balance_transaction", "charge", "coupon", "customer", "dispute", "payment_intent", "payment_method", "payout", "refund", "setup_intent", "topup",
	"transfer", "webhook_endpoint", "event", "review", "radar.value_list",
}

func (w *world) read() {
	object := w.pick(readable...)
	t, ok := w.some(object)
	if !ok {
		return
	}
	expand := map[string]string{"charge": "balance_transaction", "payment_intent": "latest_charge.balance_transaction", "refund": "charge", "dispute": "charge", "transfer": "destination_payment"}[object]
	w.get(t.account, "/v1/"+paths[object]+"/"+url.PathEscape(t.id), "expand[]", w.maybe(50, expand))
}

func (w *world) list() {
	object := w.pick(readable...)
	from := w.from()
	p := []string{"limit", w.between(1, 10)}
	switch object {
	case "charge", "payment_intent":
		p = append(p, "customer", w.maybe(30, w.someOf("customer", from)))
	case "payment_method":
		p = append(p, "customer", w.someOf("customer", from))
	case "event":
		p = append(p, "type", w.maybe(50, w.pick("charge.succeeded", "charge.refunded", "payout.paid", "charge.dispute.*")))
	case "balance_transaction":
		p = append(p, "type", w.maybe(50, w.pick("charge", "refund", "payout", "adjustment", "transfer", "topup")))
	}
	p = append(p, "starting_after", w.maybe(30, w.someOf(object, from)))
	w.get(from, "/v1/"+paths[object], p...)
}

func (w *world) search() {
	where := w.pick("customers", "payment_intents", "charges")
	query := w.pick("metadata['color']:'red'", "created>0", "metadata['color']:'blue' OR metadata['color']:'green'")
	if where == "payment_intents" {
		query = w.pick(query, "status:'succeeded'", "amount>5000 AND currency:'usd'")
	}
	w.get(w.from(), "/v1/"+where+"/search", "query", query, "limit", "5")
}

func (w *world) balance() {
	from := w.from()
	w.get(from, w.pick("/v1/balance", "/v1/balance", "/v1/balance_settings", "/v1/account"))
}

func (w *world) timePasses() {
	switch n := w.rand.IntN(20); {
	case n < 10:
		w.advance(time.Duration(1+w.rand.IntN(300)) * time.Second)
	case n < 16:
		w.advance(time.Duration(1+w.rand.IntN(600)) * time.Minute)
	case n < 19:
		w.advance(time.Duration(1+w.rand.IntN(8)) * 24 * time.Hour)
	default:
		w.advance(time.Duration(10+w.rand.IntN(90)) * 24 * time.Hour)
	}
}
