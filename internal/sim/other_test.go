package sim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
)

var otherSteps = []step{
	{"coupon", 2, (*world).coupon},
	{"promotion code", 2, (*world).promotionCode},
	{"webhook endpoint", 1, (*world).endpoint},
	{"file", 1, (*world).file},
	{"file link", 1, (*world).fileLink},
	{"secret of an app", 1, (*world).appSecret},
	{"ephemeral key", 1, (*world).ephemeralKey},
	{"customer session", 1, (*world).customerSession},
	{"configuration of methods", 1, (*world).methodConfig},
	{"domain", 1, (*world).domain},
	{"forwarding", 1, (*world).forward},
	{"time passes", 5, (*world).timePasses},
}

func number(v any) int64 {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return i
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

func (w *world) coupon() {
	if c, ok := w.some("coupon"); ok && w.chance(50) {
		if w.chance(30) {
			w.delete(c.account, "/v1/coupons/"+url.PathEscape(c.id))
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

func (w *world) promotionCode() {
	if p, ok := w.some("promotion_code"); ok && w.chance(40) {
		w.post(p.account, "/v1/promotion_codes/"+p.id, "active", w.pick("true", "false"), "metadata[color]", w.maybe(50, w.word()))
		return
	}
	if c, ok := w.some("coupon"); ok {
		w.post(c.account, "/v1/promotion_codes", "promotion[type]", "coupon", "promotion[coupon]", c.id, "code", w.maybe(60, w.pick("A", "B", "C")+w.between(1, 99)), "max_redemptions", w.maybe(30, w.between(1, 3)),
			"customer", w.maybe(30, w.someOf("customer", c.account)), "expires_at", w.maybe(30, count(w.clock.Now().Unix()+86400)))
	}
}

func (w *world) endpoint() {
	if we, ok := w.some("webhook_endpoint"); ok && w.chance(40) {
		if w.chance(20) {
			w.delete(we.account, "/v1/webhook_endpoints/"+we.id)
			return
		}
		w.post(we.account, "/v1/webhook_endpoints/"+we.id, "disabled", w.maybe(60, w.pick("true", "false", "false")), "description", w.word())
		return
	}
	if len(w.pools["webhook_endpoint"]) >= 4 {
		return
	}
	w.hook()
}

// hook makes a webhook endpoint on the sink. One of all events is enough.
func (w *world) hook() {
	path := fmt.Sprintf("/hook-%d", w.step)
	events := w.pick("charge.succeeded", "payment_intent.succeeded", "charge.dispute.created", "payout.paid", "customer.updated")
	if len(w.pools["webhook_endpoint"]) == 0 {
		events = "*"
	}
	r := w.post("", "/v1/webhook_endpoints", "url", w.sink.URL+path, "enabled_events[]", events, "connect", w.maybe(30, "true"), "api_version", w.maybe(10, "2023-10-16"))
	if id := r.text("id"); id != "" {
		w.sink.called(id, path, r.text("secret"))
	}
}

func (w *world) file() {
	w.upload(w.from(), w.pick("evidence.png", "evidence.png", "evidence.exe"), w.pick("dispute_evidence", "business_logo", "nonsense"), []byte("\x89PNG\r\n\x1a\n and so on"))
}

func (w *world) fileLink() {
	if l, ok := w.some("file_link"); ok && w.chance(40) {
		w.post(l.account, "/v1/file_links/"+l.id, "expires_at", w.pick("now", count(w.clock.Now().Unix()+3600)), "metadata[color]", w.maybe(50, w.word()))
		return
	}
	if f, ok := w.some("file"); ok {
		w.post(f.account, "/v1/file_links", "file", f.id, "expires_at", w.maybe(30, count(w.clock.Now().Unix()+7200)))
	}
}

func (w *world) appSecret() {
	name := w.pick("a", "b", "c")
	switch w.rand.IntN(4) {
	case 0:
		w.post("", "/v1/apps/secrets/delete", "name", name, "scope[type]", "account")
	case 1:
		w.get("", "/v1/apps/secrets/find", "name", name, "scope[type]", "account", "expand[]", "payload")
	default:
		w.post("", "/v1/apps/secrets", "name", name, "payload", w.word(), "scope[type]", "account", "expires_at", w.maybe(30, count(w.clock.Now().Unix()+86400)))
	}
}

func (w *world) ephemeralKey() {
	if k, ok := w.some("ephemeral_key"); ok && w.chance(40) {
		w.delete(k.account, "/v1/ephemeral_keys/"+k.id)
		return
	}
	cus := w.someOf("customer", "")
	if cus == "" {
		return
	}
	r := w.request("POST", "", "/v1/ephemeral_keys", form("customer", cus), "")
	r.Header.Set("Stripe-Version", "2026-08-26.dahlia")
	w.send(r, "", "customer="+cus)
}

func (w *world) customerSession() {
	if cus := w.someOf("customer", ""); cus != "" {
		w.post("", "/v1/customer_sessions", "customer", cus, "components[payment_element][enabled]", "true")
	}
}

func (w *world) methodConfig() {
	if c, ok := w.some("payment_method_configuration"); ok && w.chance(60) {
		w.post(c.account, "/v1/payment_method_configurations/"+c.id, "klarna[display_preference][preference]", w.pick("on", "off"), "us_bank_account[display_preference][preference]", w.pick("on", "off"),
			"active", w.maybe(10, w.pick("true", "false")))
		return
	}
	if w.chance(50) {
		w.get("", "/v1/payment_method_configurations")
		return
	}
	w.post("", "/v1/payment_method_configurations", "name", w.word(), "card[display_preference][preference]", "on")
}

func (w *world) domain() {
	if w.chance(50) {
		if d, ok := w.some("apple_pay_domain"); ok && w.chance(50) {
			w.delete(d.account, "/v1/apple_pay/domains/"+d.id)
			return
		}
		w.post("", "/v1/apple_pay/domains", "domain_name", "shop"+w.between(1, 20)+".example")
		return
	}
	if d, ok := w.some("payment_method_domain"); ok && w.chance(50) {
		if w.chance(50) {
			w.post(d.account, "/v1/payment_method_domains/"+d.id+"/validate")
			return
		}
		w.post(d.account, "/v1/payment_method_domains/"+d.id, "enabled", w.pick("true", "false"))
		return
	}
	w.post("", "/v1/payment_method_domains", "domain_name", "pay"+w.between(1, 20)+".example")
}

func (w *world) forward() {
	pm := w.someOf("payment_method", "")
	if pm == "" {
		return
	}
	w.post("", "/v1/forwarding/requests", "url", w.pick(w.sink.URL+"/forward", w.sink.URL+"/forward", "http://10.0.0.1:9/"), "payment_method", pm, "replacements[]", "card_number",
		"request[body]", `{"number":""}`, "metadata[color]", w.maybe(50, w.word()))
}
