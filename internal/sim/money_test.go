package sim_test

import "time"

var moneySteps = []step{
	{"payout", 5, (*world).payout},
	{"payout changes", 2, (*world).payoutChanges},
	{"payout is canceled", 2, (*world).payoutCanceled},
	{"payout is reversed", 2, (*world).payoutReversed},
	{"payout to a bank account that fails", 2, (*world).payoutFails},
	{"payouts are set", 2, (*world).payoutSettings},
	{"topup", 3, (*world).topup},
	{"topup goes on", 2, (*world).topupGoesOn},
	{"payment record", 4, (*world).paymentRecord},
	{"payment record goes on", 5, (*world).recordGoesOn},
}

func (w *world) payout() {
	from := w.from()
	r := w.get(from, "/v1/balance")
	most := int64(20000)
	if funds, _ := r.at("available").([]any); len(funds) > 0 && w.chance(80) {
		first, _ := funds[0].(map[string]any)
		most = max(2, number(first["amount"])/3)
		w.post(from, "/v1/payouts", "amount", w.between(1, most), "currency", first["currency"].(string), "method", w.maybe(20, "instant"), "metadata[color]", w.maybe(20, w.word()))
		return
	}
	w.post(from, "/v1/payouts", "amount", w.between(1, most), "currency", w.maybe(90, w.currency()), "method", w.maybe(20, "instant"))
}

func (w *world) payoutChanges() {
	if po, ok := w.some("payout"); ok {
		w.post(po.account, "/v1/payouts/"+po.id, "metadata[color]", w.word())
	}
}

func (w *world) payoutCanceled() {
	if po, ok := w.mostly(85, "payout/pending", "payout"); ok {
		w.post(po.account, "/v1/payouts/"+po.id+"/cancel")
	}
}

func (w *world) payoutReversed() {
	if po, ok := w.some("payout"); ok {
		w.get(po.account, "/v1/payouts/"+po.id)
	}
	if po, ok := w.mostly(85, "payout/paid", "payout"); ok {
		w.post(po.account, "/v1/payouts/"+po.id+"/reverse")
	}
}

// payoutFails lets an account be paid to a bank account that takes no money, and then gives it another.
func (w *world) payoutFails() {
	a := w.connected()
	if a == "" {
		return
	}
	path := "/v1/accounts/" + a + "/external_accounts"
	w.post("", path, "external_account", w.pick("btok_us_noAccount", "btok_us_accountClosed", "btok_us_debitNotAuthorized"), "default_for_currency", "true")
	po := w.ask("POST", a, "/v1/payouts", form("amount", w.between(1, 100), "currency", "usd"), "").text("id")
	w.advance(time.Duration(w.rand.IntN(48)) * time.Hour)
	if po != "" {
		w.get(a, "/v1/payouts/"+po)
	}
	w.post("", path, "external_account", "btok_us_verified", "default_for_currency", "true")
}

// payoutSettings changes when an account is paid out, and to which bank account: some of them take no money.
func (w *world) payoutSettings() {
	from := w.from()
	switch w.rand.IntN(4) {
	case 0:
		if isConnected(from) {
			w.post("", "/v1/accounts/"+from+"/external_accounts", "external_account", w.pick("btok_us_verified", "btok_us_verified", "btok_us_noAccount", "btok_us_accountClosed"), "default_for_currency", "true")
			return
		}
		fallthrough
	case 1:
		w.post(from, "/v1/balance_settings", "payments[settlement_timing][delay_days_override]", w.pick("2", "5", "40"))
	case 2:
		w.get(from, "/v1/balance_settings")
	default:
		interval := w.pick("manual", "daily", "weekly", "monthly")
		w.post(from, "/v1/balance_settings", "payments[payouts][schedule][interval]", interval,
			"payments[payouts][schedule][weekly_payout_days][]", map[bool]string{true: "friday"}[interval == "weekly"],
			"payments[payouts][schedule][monthly_payout_days][]", map[bool]string{true: "31"}[interval == "monthly"],
			"payments[debit_negative_balances]", w.maybe(30, w.pick("true", "false")))
	}
}

func (w *world) topup() {
	w.post("", "/v1/topups", "amount", w.between(1, 90000), "currency", "usd", "description", w.maybe(50, w.word()),
		"source", w.maybe(50, w.pick("btok_us_verified", "btok_us_noAccount", "btok_us_insufficientFunds")))
}

func (w *world) topupGoesOn() {
	tu, ok := w.mostly(85, "topup/pending", "topup")
	if !ok {
		return
	}
	if w.chance(60) {
		w.post("", "/v1/topups/"+tu.id+"/cancel")
		return
	}
	w.post("", "/v1/topups/"+tu.id, "description", w.word())
}

func (w *world) paymentRecord() {
	from := w.from()
	at := w.clock.Now().Unix()
	w.post(from, "/v1/payment_records/report_payment", "amount_requested[currency]", w.pick("usd", "eur"), "amount_requested[value]", w.between(100, 9000), "initiated_at", count(at-60),
		"customer_presence", w.pick("on_session", "off_session"), "payment_method_details[type]", "custom", "payment_method_details[custom][display_name]", "newpay",
		"processor_details[type]", "custom", "processor_details[custom][payment_reference]", "ref"+w.between(1, 1e9), "customer_details[customer]", w.someOf("customer", from),
		"outcome", w.maybe(40, w.pick("guaranteed", "failed")), "guaranteed[guaranteed_at]", "", "metadata[color]", w.maybe(30, w.word()))
}

func (w *world) recordGoesOn() {
	pr, ok := w.some("payment_record")
	if !ok {
		return
	}
	path, at := "/v1/payment_records/"+pr.id+"/", count(w.clock.Now().Unix())
	switch w.rand.IntN(7) {
	case 0, 1:
		w.post(pr.account, path+"report_payment_attempt_guaranteed", "guaranteed_at", at)
	case 2:
		w.post(pr.account, path+"report_payment_attempt_failed", "failed_at", at)
	case 3:
		w.post(pr.account, path+"report_payment_attempt_canceled", "canceled_at", at)
	case 4:
		w.post(pr.account, path+"report_payment_attempt", "initiated_at", at, "description", w.word())
	case 5:
		w.post(pr.account, path+"report_payment_attempt_informational", "description", w.word(), "metadata[color]", w.word())
	default:
		w.post(pr.account, path+"report_refund", "outcome", "refunded", "refunded[refunded_at]", at, "processor_details[type]", "custom", "processor_details[custom][refund_reference]", "r"+w.between(1, 1e9),
			"initiated_at", at, "amount[value]", w.between(1, 500), "amount[currency]", w.pick("usd", "eur"))
	}
}
