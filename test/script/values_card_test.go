package script_test

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"florin/internal/server/servertest"
)

// A form is one of the ways to give a card: its number, a payment method such as pm_card_visa, or a token such as tok_visa.
type form struct{ kind, value string }

// givenCard gives a card by its number ("-" for none), and by each of its names as pm_card_NAME and as tok_NAME (tok:NAME for a token alone). All ways
// must come to the same.
func givenCard(s *shop, given []string) string {
	var forms []form
	if given[0] != "-" {
		forms = append(forms, form{"number", given[0]})
	}
	for _, name := range given[1:] {
		if only, ok := strings.CutPrefix(name, "tok:"); ok {
			forms = append(forms, form{"token", "tok_" + only})
			continue
		}
		forms = append(forms, form{"method", "pm_card_" + name}, form{"token", "tok_" + name})
	}
	first := ""
	for _, f := range forms {
		shop := bareShop(s.t)
		got := (&cardShop{shop, f}).story()
		if first == "" {
			first = got
		}
		if f.kind == "method" { // it has no address to be checked
			got = whole(got, first)
		}
		if got != first {
			s.t.Errorf("given as %s: %s\nas %s: %s", forms[0].value, first, f.value, got)
		}
	}
	return first
}

// whole puts the checks of an address into what happened to a card that was given without one.
func whole(got, first string) string {
	if without := addressChecks.ReplaceAllString(first, ""); got == without {
		return first
	}
	return got
}

var addressChecks = regexp.MustCompile(`, (line1|postal code) \w+`)

type cardShop struct {
	*shop
	form
}

// story tells what happens to a card: paid with, refunded and disputed, attached, saved, and authenticated when nobody had to. What every card does
// (attaches, saves, pays later, is refunded at once, acknowledges 3D Secure) is not told.
func (s *cardShop) story() string {
	paid := s.pay()
	method, _ := paid.At("payment_method").(map[string]any)
	if method == nil {
		method, _ = paid.At("error", "payment_method").(map[string]any)
	}
	what := strings.Join([]string{shown(method, "card", "brand"), shown(method, "card", "funding"), shown(method, "card", "country")}, " ")
	card, _ := method["card"].(map[string]any)
	networks, _ := card["networks"].(map[string]any)
	if many, _ := networks["available"].([]any); len(many) > 1 {
		what += fmt.Sprint(" of ", many[0], " and ", many[1])
	}
	if usage, _ := card["three_d_secure_usage"].(map[string]any); usage["supported"] == false {
		what += " without 3D Secure"
	}
	return joined(what, s.first(paid), s.after(paid), s.attach(), s.save(), s.unsaved(), s.insist())
}

// method is the card as a parameter of a confirmation.
func (s *cardShop) method() []string {
	switch s.kind {
	case "method":
		return []string{"payment_method", s.value}
	case "token":
		return []string{"payment_method_data[type]", "card", "payment_method_data[card][token]", s.value}
	}
	return []string{
		"payment_method_data[type]", "card", "payment_method_data[card][number]", s.value, "payment_method_data[card][exp_month]", "12",
		"payment_method_data[card][exp_year]", "2030", "payment_method_data[card][cvc]", "123",
	}
}

func (s *cardShop) pay(more ...string) *servertest.Reply {
	p := []string{
		"amount", "10000", "currency", "usd", "confirm", "true", "payment_method_types[]", "card", "return_url", "https://shop.example/done",
		"expand[]", "latest_charge.balance_transaction", "expand[]", "payment_method",
	}
	p = append(p, s.method()...)
	if s.kind != "method" {
		p = append(p, "payment_method_data[billing_details][address][line1]", "1 Main Street", "payment_method_data[billing_details][address][postal_code]", "94103")
	}
	return s.ask("POST", "/v1/payment_intents", append(p, more...)...)
}

// first tells how a payment with the cardholder at hand goes.
func (s *cardShop) first(paid *servertest.Reply) string {
	switch {
	case paid.Status == 402:
		return "declined " + s.decline(paid)
	case paid.Text("status") == "requires_action":
		at := paid.Text("next_action", "redirect_to_url", "url")
		s.press(at, "complete")
		done := s.get(paid)
		out := "asks to authenticate, then " + done.Text("status")
		if e := done.At("last_payment_error"); e != nil {
			out = "asks to authenticate, then declines " + why(e)
		} else {
			out += s.outcome(done)
		}
		other := s.pay()
		s.press(other.Text("next_action", "redirect_to_url", "url"), "fail")
		return out + "; fails " + why(s.get(other).At("last_payment_error"))
	}
	return strings.TrimSpace(map[string]string{"succeeded": "pays"}[paid.Text("status")] + s.outcome(paid))
}

// decline tells everything of a refusal.
func (s *cardShop) decline(r *servertest.Reply) string {
	e, _ := r.At("error").(map[string]any)
	out := refused(r)
	for _, name := range []string{"advice_code", "network_decline_code", "network_advice_code"} {
		if v := shown(e, name); v != "" {
			out += " " + v
		}
	}
	out += " \"" + shown(e, "message") + "\""
	if id := shown(e, "charge"); id != "" {
		ch := s.must("GET", "/v1/charges/"+id)
		if typ := ch.Text("outcome", "type"); typ != "issuer_declined" {
			out += fmt.Sprint(" ", typ, " ", ch.At("outcome", "network_status"), " risk ", ch.At("outcome", "risk_level"))
		}
	}
	return out
}

// outcome tells what stands out in a payment that came.
func (s *cardShop) outcome(r *servertest.Reply) string {
	ch, _ := r.At("latest_charge").(map[string]any)
	out := ""
	if typ := shown(ch, "outcome", "type"); typ != "authorized" {
		out += ", " + typ
	}
	if level := shown(ch, "outcome", "risk_level"); level != "normal" {
		out += ", risk " + level
	}
	for _, c := range [][2]string{{"cvc_check", "cvc"}, {"address_line1_check", "line1"}, {"address_postal_code_check", "postal code"}} {
		if v := shown(ch, "payment_method_details", "card", "checks", c[0]); v != "pass" && v != "" {
			out += ", " + c[1] + " " + v
		}
	}
	if s.must("GET", "/v1/charges/"+shown(ch, "id"), "expand[]", "balance_transaction").Text("balance_transaction", "status") == "available" {
		out += ", available at once"
	}
	return out
}

// after tells what follows a payment: disputes, warnings, and what becomes of a refund.
func (s *cardShop) after(paid *servertest.Reply) string {
	if paid.Status != 200 || s.get(paid).Text("status") != "succeeded" {
		return ""
	}
	var parts []string
	s.later(time.Minute)
	for _, d := range s.list("/v1/disputes", "payment_intent", paid.Text("id")) {
		part := "disputed as " + shown(d, "reason") + " " + shown(d, "status")
		if code := shown(d, "payment_method_details", "card", "network_reason_code"); code != "" {
			part += " " + code
		}
		if moved, _ := d["balance_transactions"].([]any); len(moved) == 0 {
			part += ", no money moved"
		}
		if types := shown(d, "enhanced_eligibility_types"); types != "" && types != "[]" {
			part += " " + types
		}
		parts = append(parts, part)
	}
	for _, w := range s.list("/v1/radar/early_fraud_warnings", "payment_intent", paid.Text("id")) {
		parts = append(parts, "warned of "+shown(w, "fraud_type"))
	}
	if len(parts) > 0 {
		return joined(parts...)
	}
	refund := s.must("POST", "/v1/refunds", "payment_intent", paid.Text("id"))
	s.later(24 * time.Hour)
	then := s.must("GET", "/v1/refunds/"+refund.Text("id"))
	if refund.Text("status") != "succeeded" || then.Text("status") != "succeeded" {
		parts = append(parts, "refund "+refund.Text("status")+" then "+then.Text("status"))
		if reason := then.Text("failure_reason"); reason != "" {
			parts = append(parts, "because "+reason)
		}
	}
	return joined(parts...)
}

// card is a payment method of the card's own, or the name of one.
func (s *cardShop) card() string {
	if s.kind == "method" {
		return s.value
	}
	p := []string{"type", "card"}
	for _, name := range s.method()[2:] {
		p = append(p, strings.TrimPrefix(name, "payment_method_data"))
	}
	for i := 2; i < len(p); i += 2 {
		p[i] = "card" + strings.TrimPrefix(p[i], "[card]")
	}
	return s.must("POST", "/v1/payment_methods", p...).Text("id")
}

// attach tells whether a customer can have the card.
func (s *cardShop) attach() string {
	if r := s.ask("POST", "/v1/payment_methods/"+s.card()+"/attach", "customer", s.customer()); r.Status != 200 {
		return "does not attach: " + refused(r)
	}
	return ""
}

// save tells how a card is set up for later, and what a later payment without the cardholder comes to.
func (s *cardShop) save() string {
	cus := s.customer()
	si := s.ask("POST", "/v1/setup_intents", "customer", cus, "payment_method", s.card(), "payment_method_types[]", "card", "confirm", "true",
		"usage", "off_session", "return_url", "https://shop.example/done")
	out := ""
	if si.Status != 200 {
		return "does not save: " + refused(si)
	}
	if si.Text("status") == "requires_action" {
		s.press(si.Text("next_action", "redirect_to_url", "url"), "complete")
		si = s.must("GET", "/v1/setup_intents/"+si.Text("id"))
		out = "authenticates to save"
	}
	if si.Text("status") != "succeeded" {
		return joined(out, "is not saved: "+why(si.At("last_setup_error")))
	}
	if later := s.offSession(cus, si.Text("payment_method")); later != "" {
		out = joined(out, "later "+later)
	}
	return out
}

// unsaved tells what becomes of a payment without the cardholder, with a card that is only attached.
func (s *cardShop) unsaved() string {
	cus := s.customer()
	r := s.ask("POST", "/v1/payment_methods/"+s.card()+"/attach", "customer", cus)
	if r.Status != 200 {
		return ""
	}
	if out := s.offSession(cus, r.Text("id")); out != "" {
		return "unsaved " + out
	}
	return ""
}

func (s *cardShop) offSession(cus, pm string) string {
	r := s.ask("POST", "/v1/payment_intents", "amount", "3000", "currency", "usd", "customer", cus, "payment_method", pm, "payment_method_types[]", "card",
		"off_session", "true", "confirm", "true")
	if r.Status != 200 {
		return "declined " + refused(r)
	}
	if r.Text("status") != "succeeded" {
		return r.Text("status")
	}
	return ""
}

// insist tells what a card does that is asked to authenticate though it need not.
func (s *cardShop) insist() string {
	r := s.pay("payment_method_options[card][request_three_d_secure]", "any")
	if r.Status != 200 {
		return "" // it is declined as ever
	}
	if r.Text("status") == "requires_action" {
		s.press(r.Text("next_action", "redirect_to_url", "url"), "complete")
		r = s.get(r)
		if r.Text("status") != "succeeded" {
			return ""
		}
	}
	result := shown(r.JSON, "latest_charge", "payment_method_details", "card", "three_d_secure", "result")
	if result == "attempt_acknowledged" {
		return ""
	}
	if result == "" {
		result = "nothing"
	}
	return "3D Secure when asked: " + result
}

// givenCardError gives what no card has, to a payment method and to a token: number, month/year and CVC, "-" for a good one.
func givenCardError(s *shop, given []string) string {
	value := func(i int, good string) string {
		if len(given) > i && given[i] != "-" {
			return given[i]
		}
		return good
	}
	number, cvc := value(0, "4242424242424242"), value(2, "123")
	month, year, _ := strings.Cut(value(1, "12/2030"), "/")
	p := []string{"card[number]", number, "card[exp_month]", month, "card[exp_year]", year, "card[cvc]", cvc}
	pm := s.ask("POST", "/v1/payment_methods", append([]string{"type", "card"}, p...)...)
	tok := s.ask("POST", "/v1/tokens", p...)
	if pm.Status == 200 && tok.Status == 200 {
		return "is taken"
	}
	out := fmt.Sprint(pm.Status, " ", refused(pm), " \"", pm.Text("error", "message"), "\"")
	if other := fmt.Sprint(tok.Status, " ", refused(tok), " \"", tok.Text("error", "message"), "\""); other != out {
		out += "; as a token: " + other
	}
	return out
}

// givenCardRule gives a card under a rule: what is asked of the payment, then the number.
func givenCardRule(s *shop, given []string) string {
	in := &inside{s.Server}
	c := &cardShop{s, form{"number", given[1]}}
	var r *servertest.Reply
	switch given[0] {
	case "postal_code":
		in.rule(s.t, "on block_if_postal_code_check_fails")
		r = c.pay()
	case "cvc":
		in.rule(s.t, "on block_if_cvc_check_fails")
		r = c.pay()
	case "off_session":
		cus := s.customer()
		pm := s.must("POST", "/v1/payment_methods/"+c.card()+"/attach", "customer", cus).Text("id")
		r = s.ask("POST", "/v1/payment_intents", "amount", "3000", "currency", "usd", "customer", cus, "payment_method", pm, "payment_method_types[]", "card",
			"off_session", "true", "confirm", "true")
	case "error_on_requires_action":
		r = s.ask("POST", "/v1/payment_intents", "amount", "3000", "currency", "usd", "payment_method", c.card(), "payment_method_types[]", "card",
			"error_on_requires_action", "true", "confirm", "true")
	default:
		in.rule(s.t, "on "+given[0])
		r = c.pay()
	}
	if r.Status != 200 {
		return fmt.Sprint(r.Status, " ", c.decline(r))
	}
	return r.Text("status") + c.outcome(r)
}

// givenIndianMandate gives an Indian card, set up for payments under a mandate in rupees: what the first payment does, and what a later one does.
func givenIndianMandate(s *shop, given []string) string {
	s.in("IN", "inr", "card")
	cus := s.customer()
	c := &cardShop{s, form{"number", given[0]}}
	p := []string{"amount", "100000", "currency", "inr", "customer", cus, "payment_method", c.card(), "payment_method_types[]", "card", "confirm", "true",
		"setup_future_usage", "off_session", "return_url", "https://shop.example/done"}
	for _, o := range [][2]string{{"reference", "ref-1"}, {"amount_type", "maximum"}, {"amount", "200000"}, {"start_date", "1788264000"}, {"interval", "month"},
		{"interval_count", "1"}, {"supported_types][", "india"}} {
		p = append(p, "payment_method_options[card][mandate_options]["+o[0]+"]", o[1])
	}
	pi := s.ask("POST", "/v1/payment_intents", p...)
	if pi.Status != 200 {
		return refused(pi)
	}
	out := pi.Text("status")
	if out == "requires_action" {
		s.press(pi.Text("next_action", "redirect_to_url", "url"), "complete")
		pi = s.get(pi)
		out = "authenticates, then " + pi.Text("status")
	}
	mandate := shown(pi.JSON, "latest_charge", "payment_method_details", "card", "mandate")
	q := []string{"amount", "100000", "currency", "inr", "customer", cus, "payment_method", pi.Text("payment_method"), "payment_method_types[]", "card",
		"off_session", "true", "confirm", "true"}
	if mandate != "" {
		q = append(q, "mandate", mandate)
	}
	later := s.ask("POST", "/v1/payment_intents", q...)
	if later.Status != 200 {
		return out + "; later declined " + refused(later)
	}
	s.later(3 * 24 * time.Hour)
	return out + "; later " + later.Text("status") + ", then " + s.ended(later)
}

// givenEvidence gives a word as evidence, against a dispute and against an inquiry.
func givenEvidence(s *shop, given []string) string {
	tell := func(card string) string {
		pi := s.must("POST", "/v1/payment_intents", "amount", "10000", "currency", "usd", "confirm", "true", "payment_method_types[]", "card", "payment_method", card)
		s.later(time.Minute)
		d := s.list("/v1/disputes", "payment_intent", pi.Text("id"))[0]
		s.events()
		r := s.ask("POST", "/v1/disputes/"+shown(d, "id"), "evidence[uncategorized_text]", given[0])
		out := r.Text("status")
		s.later(time.Minute)
		return out + " then " + s.must("GET", "/v1/disputes/"+shown(d, "id")).Text("status") + ", " + strings.ReplaceAll(s.events(), "charge.dispute.", "")
	}
	return "dispute " + tell("pm_card_createDispute") + "; inquiry " + tell("pm_card_createDisputeInquiry")
}
