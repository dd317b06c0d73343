package sim_test

import "context"

var afterSteps = []step{
	{"refund", 12, (*world).refund},
	{"refund by the older routes", 2, (*world).refundOfCharge},
	{"refund changes", 2, (*world).refundChanges},
	{"refund is canceled", 2, (*world).refundCanceled},
	{"refund expires", 2, (*world).refundExpires},
	{"dispute", 7, (*world).dispute},
	{"dispute is closed", 2, (*world).disputeClosed},
	{"review", 3, (*world).review},
	{"early fraud warning", 1, (*world).warning},
	{"list of Radar's", 2, (*world).valueList},
	{"item of a list", 3, (*world).valueItem},
	{"rule of Radar's", 1, (*world).rule},
	{"payment evaluation", 1, (*world).evaluation},
}

func (w *world) refund() {
	reason := w.maybe(40, w.pick("duplicate", "fraudulent", "requested_by_customer"))
	p := []string{
		"amount", w.maybe(50, w.between(1, 8000)), "reason", reason, "reverse_transfer", w.maybe(12, "true"), "refund_application_fee", w.maybe(12, "true"),
		"metadata[color]", w.maybe(20, w.word()), "instructions_email", w.maybe(30, "jenny@example.com"),
	}
	if ch, ok := w.some("charge whose refund asks"); ok && w.chance(15) {
		w.post(ch.account, "/v1/refunds", append(p, "charge", ch.id)...)
		return
	}
	if ch, ok := w.some("charge/succeeded"); ok && w.chance(55) {
		w.post(ch.account, "/v1/refunds", append(p, "charge", ch.id)...)
		return
	}
	if pi, ok := w.mostly(85, "payment_intent/succeeded", "payment_intent"); ok {
		w.post(pi.account, "/v1/refunds", append(p, "payment_intent", pi.id)...)
	}
}

func (w *world) refundOfCharge() {
	ch, ok := w.some("charge/succeeded")
	if !ok {
		return
	}
	if re, of, ok := w.child("refund"); ok && w.chance(20) {
		w.post(re.account, "/v1/charges/"+of+"/refunds/"+re.id, "metadata[color]", w.word())
		return
	}
	w.post(ch.account, "/v1/charges/"+ch.id+"/"+w.pick("refund", "refunds"), "amount", w.maybe(50, w.between(1, 3000)))
}

func (w *world) refundChanges() {
	if re, ok := w.some("refund"); ok {
		w.post(re.account, "/v1/refunds/"+re.id, "metadata[color]", w.word())
	}
}

// refundCanceled cancels a refund that waits for the customer, which few do: so it makes one first.
func (w *world) refundCanceled() {
	if ch, ok := w.some("charge whose refund asks"); ok && w.chance(50) {
		w.post(ch.account, "/v1/refunds", "charge", ch.id, "amount", w.between(1, 50), "instructions_email", "jenny@example.com")
	}
	if re, ok := w.mostly(90, "refund/requires_action", "refund"); ok {
		w.post(re.account, "/v1/refunds/"+re.id+"/cancel")
	}
}

func (w *world) refundExpires() {
	if re, ok := w.mostly(90, "refund/requires_action", "refund"); ok {
		w.post(re.account, "/v1/test_helpers/refunds/"+re.id+"/expire")
	}
}

// answerable draws a dispute that may still be answered.
func (w *world) answerable(percent int) (thing, bool) {
	return w.mostly(percent, w.pick("dispute/needs_response", "dispute/warning_needs_response"), "dispute")
}

func (w *world) dispute() {
	if w.chance(40) {
		w.get(w.from(), "/v1/disputes", "limit", "5")
	}
	dp, ok := w.answerable(80)
	if !ok {
		return
	}
	w.post(dp.account, "/v1/disputes/"+dp.id, "evidence[uncategorized_text]", w.maybe(80, w.pick("winning_evidence", "losing_evidence", "something", "escalate_inquiry_evidence")),
		"submit", w.maybe(40, w.pick("true", "false")), "metadata[color]", w.maybe(30, w.word()))
}

func (w *world) disputeClosed() {
	dp, ok := w.answerable(80)
	if ch := w.parent[dp.id]; ok && ch != "" && w.chance(30) { // by the older routes
		path := "/v1/charges/" + ch + "/dispute"
		w.get(dp.account, path)
		w.post(dp.account, path+w.pick("", "/close"), "metadata[color]", "")
		return
	}
	if ok {
		w.post(dp.account, "/v1/disputes/"+dp.id+"/close")
	}
}

func (w *world) review() {
	if _, ok := w.some("review"); !ok || w.chance(30) {
		w.get("", "/v1/reviews", "limit", "3")
	}
	if r, ok := w.some("review"); ok {
		w.post(r.account, "/v1/reviews/"+r.id+"/approve")
	}
}

func (w *world) warning() {
	w.get("", "/v1/radar/early_fraud_warnings", "limit", "3")
	if t, ok := w.some("radar.early_fraud_warning"); ok {
		w.get(t.account, "/v1/radar/early_fraud_warnings/"+t.id, "expand[]", "charge")
	}
}

func (w *world) valueList() {
	if vl, ok := w.some("radar.value_list"); ok && w.chance(40) {
		if w.chance(40) {
			w.delete(vl.account, "/v1/radar/value_lists/"+vl.id)
			return
		}
		w.post(vl.account, "/v1/radar/value_lists/"+vl.id, "name", w.word())
		return
	}
	w.post("", "/v1/radar/value_lists", "alias", w.pick("a", "b", "c")+w.between(1, 99), "name", w.word(), "item_type", w.pick("email", "card_fingerprint", "string"))
}

func (w *world) valueItem() {
	if it, ok := w.some("radar.value_list_item"); ok && w.chance(40) {
		w.delete(it.account, "/v1/radar/value_list_items/"+it.id)
		return
	}
	if vl, ok := w.some("radar.value_list"); ok {
		w.post(vl.account, "/v1/radar/value_list_items", "value_list", vl.id, "value", w.pick("a@example.com", "z@example.com", "spam", "c@example.com"))
	}
}

// rules are Radar's own that an account may switch, and such as somebody writes. A world adds each of the latter at most once.
var (
	switches = []string{"manual_review_if_elevated_risk", "manual_review_if_elevated_risk", "request_3ds_if_recommended", "block_if_high_fraud_dispute_score", "no such rule"}
	written  = []struct{ action, condition string }{
		{"block", ":email: = 'z@example.com'"}, {"allow", "::color: = 'green'"}, {"manual_review", ":amount_in_usd: > 250"},
		{"request_3ds", ":card_country: = 'DE' and :amount_in_usd: > 200"},
	}
)

// rule changes how payments of the first account are guarded, as one does on the Dashboard.
func (w *world) rule() {
	ctx := context.Background()
	name, on := w.pick(switches...), w.chance(60)
	var err error
	if w.rules < len(written) && w.chance(40) {
		r := written[w.rules]
		w.rules++
		name = r.condition
		_, err = w.srv.Radar.AddRule(ctx, w.scope, r.action, r.condition)
	} else {
		err = w.srv.Radar.SwitchRule(ctx, w.scope, name, on)
	}
	w.note("the rule %s is switched %v: %v", name, on, err)
	w.tally(w.tallies, w.name).add(map[bool]int{true: 200, false: 400}[err == nil])
}

func (w *world) evaluation() {
	w.post("", "/v1/radar/payment_evaluations", "customer_details[email]", w.pick("a@example.com", "z@example.com"), "payment_details[amount]", w.between(100, 90000), "payment_details[currency]", "usd",
		"payment_details[payment_method_details][payment_method]", w.someOf("payment_method", ""))
}
