package sim_test

import (
	"strconv"
	"strings"
)

var connectSteps = []step{
	{"account", 1, (*world).account},
	{"account changes", 1, (*world).accountChanges},
	{"person of an account", 1, (*world).person},
	{"bank account of an account", 1, (*world).externalAccount},
	{"transfer", 5, (*world).transfer},
	{"reversal", 4, (*world).reversal},
	{"application fee", 4, (*world).fee},
}

// account makes a connected account, up to a dozen, most of them with all that they need to be paid.
func (w *world) account() {
	if len(w.pools["account"]) > 12 {
		if a := w.connected(); a != "" && w.chance(5) {
			w.delete("", "/v1/accounts/"+a)
		} else if a != "" && w.chance(20) {
			w.post("", "/v1/accounts/"+a+"/"+w.pick("reject", "unreject"), "reason", "fraud")
		} else {
			w.get("", "/v1/accounts", "limit", "3")
		}
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

func (w *world) accountChanges() {
	a := w.connected()
	if a == "" {
		return
	}
	if w.chance(30) {
		w.post("", "/v1/accounts/"+a+"/capabilities/"+w.pick("transfers", "card_payments", "sepa_debit_payments", "flying"), "requested", w.pick("true", "true", "false"))
		return
	}
	w.post("", "/v1/accounts/"+a, "metadata[color]", w.word(), "business_profile[name]", w.maybe(30, w.word()), "settings[payouts][schedule][interval]", w.maybe(30, w.pick("manual", "daily", "weekly")),
		"settings[payouts][schedule][weekly_anchor]", w.maybe(10, "monday"))
}

func (w *world) person() {
	a := w.connected()
	if a == "" {
		return
	}
	part := w.pick("/persons", "/people")
	path := "/v1/accounts/" + a + part
	if p, acct, ok := w.child("person"); ok && w.chance(60) {
		path = "/v1/accounts/" + acct + part
		switch w.rand.IntN(3) {
		case 0:
			w.delete("", path+"/"+p.id)
		case 1:
			w.get("", path)
		default:
			w.post("", path+"/"+p.id, "first_name", w.word(), "metadata[color]", w.maybe(30, w.word()))
		}
		return
	}
	w.post("", path, "first_name", "Max", "last_name", w.word(), "relationship[owner]", w.maybe(50, "true"))
}

func (w *world) externalAccount() {
	a := w.connected()
	if a == "" {
		return
	}
	part := w.pick("/external_accounts", "/bank_accounts")
	path := "/v1/accounts/" + a + part
	if ba, acct, ok := w.child("bank_account"); ok && strings.HasPrefix(acct, "acct_") && w.chance(50) {
		path = "/v1/accounts/" + acct + part
		switch w.rand.IntN(3) {
		case 0:
			w.delete("", path+"/"+ba.id)
		case 1:
			w.get("", path+"/"+ba.id)
		default:
			w.post("", path+"/"+ba.id, "metadata[color]", w.word(), "default_for_currency", w.maybe(30, "true"))
		}
		return
	}
	w.post("", path, "external_account", w.pick("btok_us_verified", "btok_us_verified", "btok_us_noAccount", "btok_unknown"))
}

func (w *world) transfer() {
	to := w.connected()
	if to == "" {
		return
	}
	if w.chance(30) {
		if ch := w.someOf("charge/succeeded", ""); ch != "" {
			w.post("", "/v1/transfers", "amount", w.between(1, 300), "currency", "usd", "destination", to, "source_transaction", ch)
			return
		}
	}
	w.post("", "/v1/transfers", "amount", w.maybe(95, w.between(1, 900)), "currency", "usd", "destination", to, "metadata[color]", w.maybe(20, w.word()))
}

func (w *world) reversal() {
	tr, ok := w.some("transfer")
	if !ok {
		return
	}
	if trr, of, ok := w.child("transfer_reversal"); ok && w.chance(10) {
		w.post(trr.account, "/v1/transfers/"+of+"/reversals/"+trr.id, "metadata[color]", w.word())
		return
	}
	path := "/v1/transfers/" + tr.id
	if w.chance(15) {
		w.post(tr.account, path, "metadata[color]", w.word())
		return
	}
	w.post(tr.account, path+"/reversals", "amount", w.maybe(60, w.between(1, 900)), "refund_application_fee", w.maybe(20, "true"))
}

func (w *world) fee() {
	if w.chance(40) {
		w.get("", "/v1/application_fees", "limit", "5")
	}
	fee, ok := w.some("application_fee")
	if !ok {
		return
	}
	if fr, of, ok := w.child("fee_refund"); ok && w.chance(15) {
		w.post("", "/v1/application_fees/"+of+"/refunds/"+fr.id, "metadata[color]", w.word())
		return
	}
	path := "/v1/application_fees/" + fee.id
	w.post("", path+"/"+w.pick("refunds", "refunds", "refund"), "amount", w.maybe(60, w.between(1, 100)))
}
