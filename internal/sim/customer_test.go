package sim_test

import "strings"

var customerSteps = []step{
	{"customer", 6, (*world).customer},
	{"customer changes", 3, (*world).customerChanges},
	{"customer is deleted", 1, (*world).customerDeleted},
	{"balance of a customer", 2, (*world).customerBalance},
	{"tax id", 1, (*world).taxID},
	{"discount", 2, (*world).discount},
	{"payment method", 6, (*world).method},
	{"method changes", 3, (*world).methodChanges},
	{"token", 2, (*world).token},
	{"card, bank account or source of a customer", 5, (*world).sourceOfCustomer},
	{"source of the older kind", 4, (*world).source},
	{"cash balance", 3, (*world).cashBalance},
}

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
	if c, ok := w.some("customer"); ok {
		w.delete(c.account, "/v1/customers/"+c.id)
	}
}

func (w *world) customerBalance() {
	c, ok := w.some("customer")
	if !ok {
		return
	}
	if t, cus, ok := w.child("customer_balance_transaction"); ok && w.chance(30) {
		w.post(t.account, "/v1/customers/"+cus+"/balance_transactions/"+t.id, "metadata[color]", w.word())
		return
	}
	path := "/v1/customers/" + c.id + "/balance_transactions"
	w.post(c.account, path, "amount", w.between(-5000, 5000), "currency", w.pick("usd", "usd", "eur"), "description", w.maybe(50, w.word()))
}

func (w *world) taxID() {
	c, ok := w.some("customer")
	if !ok {
		return
	}
	if t, ok := w.some("tax_id"); ok && w.chance(30) {
		w.delete(t.account, w.pick("/v1/customers/"+w.parent[t.id]+"/tax_ids/", "/v1/tax_ids/")+t.id)
		return
	}
	path := w.pick("/v1/customers/"+c.id+"/tax_ids", "/v1/tax_ids")
	w.post(c.account, path, "type", w.pick("eu_vat", "gb_vat", "us_ein"), "value", w.pick("DE123456789", "GB123456789", "12-3456789", "x"))
}

func (w *world) discount() {
	c, ok := w.some("customer")
	if !ok {
		return
	}
	if w.chance(35) {
		w.delete(c.account, "/v1/customers/"+c.id+"/discount")
		return
	}
	// Of customers, only an older version takes a coupon.
	r := w.request("POST", c.account, "/v1/customers/"+c.id, form("coupon", w.someOf("coupon", c.account)), "")
	r.Header.Set("Stripe-Version", "2025-03-31.basil")
	out := w.serve(r)
	w.note("POST %s coupon at basil → %d %s", r.URL.Path, out.status, out.text("error", "message"))
	w.tally(w.tallies, w.name).add(out.status)
	if out.status >= 500 {
		w.fail("%s: %d %s", r.URL.Path, out.status, out.body)
	}
	w.get(c.account, "/v1/customers/"+c.id+"/discount")
}

func (w *world) method() {
	from := w.from()
	pm := w.card()
	if w.chance(50) {
		pm = w.post(from, "/v1/payment_methods", "type", "card", "card[number]", w.pick("4242424242424242", "5555555555554444", "4000000000000341", "4000002500003155", "4000000000000077", "4242424242424241"),
			"card[exp_month]", w.between(1, 12), "card[exp_year]", w.between(2050, 2062), "card[cvc]", w.maybe(80, "123"), "billing_details[name]", w.maybe(30, w.word())).text("id")
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
	from := w.from()
	switch w.rand.IntN(5) {
	case 0:
		w.post(from, "/v1/tokens", "card[number]", w.pick("4242424242424242", "4000000000000002"), "card[exp_month]", "9", "card[exp_year]", "2061", "card[cvc]", "321")
	case 1:
		w.post(from, "/v1/test_helpers/confirmation_tokens", "payment_method", w.card(), "return_url", w.maybe(50, "https://example.com/back"))
	case 2:
		w.post(from, "/v1/tokens", "pii[id_number]", "000000000")
	case 3:
		w.post(from, "/v1/tokens", "cvc_update[cvc]", w.pick("123", "12"))
	default:
		w.post(from, "/v1/tokens", "bank_account[country]", "US", "bank_account[currency]", "usd", "bank_account[account_number]", "000123456789", "bank_account[routing_number]", "110000000")
	}
}

// sourceOfCustomer gives a customer a card, a bank account or a source, or does something with one.
func (w *world) sourceOfCustomer() {
	object := w.pick("card", "bank_account", "source")
	part := map[string]string{"card": w.pick("/sources/", "/cards/"), "bank_account": w.pick("/sources/", "/bank_accounts/"), "source": "/sources/"}[object]
	if t, cus, ok := w.child(object); ok && strings.HasPrefix(cus, "cus_") && w.chance(50) {
		path := "/v1/customers/" + cus + part + t.id
		switch w.rand.IntN(4) {
		case 0:
			w.post(t.account, path, "metadata[color]", w.word())
		case 1:
			w.get(t.account, path)
		case 2:
			w.post(t.account, path+"/verify", "amounts[0]", "32", "amounts[1]", w.pick("45", "45", "9"))
		default:
			w.delete(t.account, path)
		}
		return
	}
	c, ok := w.some("customer")
	if !ok {
		return
	}
	path := "/v1/customers/" + c.id
	switch object {
	case "bank_account":
		tok := w.ask("POST", c.account, "/v1/tokens", form("bank_account[country]", "US", "bank_account[currency]", "usd", "bank_account[account_number]", w.pick("000123456789", "000111111116"),
			"bank_account[routing_number]", "110000000", "bank_account[account_holder_name]", "Jenny", "bank_account[account_holder_type]", "individual"), "").text("id")
		w.post(c.account, path+w.pick("/sources", "/bank_accounts"), "source", tok)
	case "source":
		w.post(c.account, path+"/sources", "source", w.someOf("source", c.account))
	default:
		w.post(c.account, path+w.pick("/sources", "/cards"), "source", w.pick("tok_visa", "tok_mastercard", "tok_chargeDeclined", "tok_chargeCustomerFail"))
	}
}

// source makes a source of the older kind, or goes on with one.
func (w *world) source() {
	if src, ok := w.some("source"); ok && w.chance(50) {
		path := "/v1/sources/" + src.id
		switch w.rand.IntN(5) {
		case 0:
			w.post(src.account, path, "owner[name]", w.word(), "metadata[color]", w.maybe(50, w.word()))
		case 1:
			w.post(src.account, path+"/verify", "values[0]", "32", "values[1]", w.pick("45", "45", "9"))
		case 2:
			w.get(src.account, path+"/source_transactions")
		default:
			w.links(w.get(src.account, path).json["redirect"])
			w.post(src.account, "/v1/charges", "amount", w.between(100, 3000), "currency", w.pick("usd", "eur"), "source", src.id)
		}
		return
	}
	from := w.pick("", "", w.pick(w.countries...))
	var p []string
	switch w.rand.IntN(5) {
	case 0:
		p = []string{"type", "card", "token", w.pick("tok_visa", "tok_chargeDeclined")}
	case 1:
		p = []string{"type", "sepa_debit", "currency", "eur", "sepa_debit[iban]", w.pick("DE89370400440532013000", "DE62370400440532013001"), "owner[name]", "Jenny"}
	case 2:
		p = []string{"type", "ach_debit", "currency", "usd", "token", w.pick("btok_us", "btok_us_noAccount"), "owner[name]", "Jenny"}
	case 3:
		p = []string{"type", "ach_credit_transfer", "currency", "usd", "owner[email]", "amount_5000@example.com"}
	default:
		p = []string{"type", w.pick("ideal", "bancontact", "p24", "alipay"), "currency", "eur", "amount", w.between(100, 3000), "owner[name]", "Jenny", "owner[email]", "jenny@example.com", "redirect[return_url]", "https://example.com/back"}
	}
	r := w.post(from, "/v1/sources", p...)
	w.links(r.json["redirect"])
}

// cashBalance lets a customer send money, or changes what is done with it.
func (w *world) cashBalance() {
	from := w.pick("", "", w.pick(w.countries...))
	c := w.someOf("customer", from)
	if c == "" {
		return
	}
	currency := w.home(from)
	switch w.rand.IntN(5) {
	case 0:
		w.post(from, "/v1/customers/"+c+"/cash_balance", "settings[reconciliation_mode]", w.pick("automatic", "manual", "merchant_default"))
	case 1:
		w.post(from, "/v1/customers/"+c+"/funding_instructions", "bank_transfer[type]", transfers[currency], "currency", currency, "funding_type", "bank_transfer",
			"bank_transfer[eu_bank_transfer][country]", map[bool]string{true: "DE"}[currency == "eur"])
	case 2:
		w.get(from, "/v1/customers/"+c+"/cash_balance_transactions", "limit", "3")
	default:
		w.post(from, "/v1/test_helpers/customers/"+c+"/fund_cash_balance", "amount", w.between(1, 9000), "currency", currency)
	}
}

// transfers are the kinds of bank transfer, by currency.
var transfers = map[string]string{"usd": "us_bank_transfer", "eur": "eu_bank_transfer", "gbp": "gb_bank_transfer", "jpy": "jp_bank_transfer", "mxn": "mx_bank_transfer"}
