package script_test

import (
	"strconv"
	"strings"
	"time"

	"florin/internal/paymethod"
	"florin/internal/server/servertest"
)

// accountHash are the parameters of a payment method of a bank debit, by what its family writes: an account number, or several parts with a slash.
func accountHash(typ, value string) []string {
	part := strings.Split(value, "/")
	names := map[string][]string{
		"us_bank_account": {"account_number"}, "sepa_debit": {"iban"}, "bacs_debit": {"sort_code", "account_number"},
		"au_becs_debit": {"bsb_number", "account_number"}, "acss_debit": {"institution_number", "transit_number", "account_number"},
		"nz_bank_account": {"bank_code", "branch_code", "account_number", "suffix"},
	}[typ]
	var out []string
	for i, name := range names {
		out = append(out, "payment_method_data["+typ+"]["+name+"]", part[i])
	}
	if typ == "us_bank_account" {
		out = append(out, "payment_method_data["+typ+"][routing_number]", "110000000", "payment_method_data["+typ+"][account_holder_type]", "individual")
	}
	return append(out, "payment_method_data[type]", typ, "payment_method_data[billing_details][name]", "Jenny Rosen",
		"payment_method_data[billing_details][email]", "jenny@example.com", "payment_method_data[billing_details][address][line1]", "1 Main Street",
		"payment_method_data[billing_details][address][country]", "GB")
}

// debit pays by a bank account, and tells how that goes: at once, within seconds, or within minutes; what the mandate is then, and what follows.
func (s *shop) debit(how ...string) string {
	typ := s.way.Name
	pi := s.ask("POST", "/v1/payment_intents", append(how, "amount", strconv.FormatInt(s.amount, 10), "currency", s.currency, "confirm", "true",
		"payment_method_types[]", typ, "mandate_data[customer_acceptance][type]", "offline", "expand[]", "latest_charge")...)
	if pi.Status != 200 {
		return "declined " + refused(pi)
	}
	begin := ""
	if pi.Text("next_action", "type") == "verify_with_microdeposits" {
		begin = "waits for deposits"
		done := s.ask("POST", "/v1/payment_intents/"+pi.Text("id")+"/verify_microdeposits", "amounts[]", "32", "amounts[]", "45")
		if done.Status != 200 {
			s.later(time.Minute)
			return joined(begin, refused(done), s.ended(pi))
		}
		pi = s.get(done)
	}
	if pi.Text("status") != "processing" {
		return joined(begin, s.ended(pi))
	}
	mandate := ""
	if m, _ := pi.At("latest_charge").(map[string]any); m != nil {
		mandate = shown(m, "payment_method_details", typ, "mandate")
	}
	when := "within seconds"
	s.later(50 * time.Second)
	if s.get(pi).Text("status") == "processing" {
		when = "after three minutes"
		s.later(3 * time.Minute)
	}
	if s.get(pi).Text("status") == "processing" {
		s.later(30 * 24 * time.Hour)
		if s.get(pi).Text("status") == "processing" {
			return joined(begin, "processes for ever")
		}
	}
	end := joined(begin, s.ended(pi)+" "+when)
	s.later(time.Minute)
	for _, d := range s.list("/v1/disputes", "payment_intent", pi.Text("id")) {
		end = joined(end, "disputed as "+shown(d, "reason")+" "+shown(d, "status"))
	}
	if mandate != "" { // not every type shows it
		end = joined(end, "mandate "+s.must("GET", "/v1/mandates/"+mandate).Text("status"))
	}
	return end
}

// ended tells how an intent stands.
func (s *shop) ended(pi *servertest.Reply) string {
	now := s.get(pi)
	out := now.Text("status")
	if e := now.At("last_payment_error"); e != nil {
		out = "fails " + why(e)
		if ch, _ := now.At("latest_charge").(map[string]any); ch != nil && shown(ch, "failure_code") != now.Text("last_payment_error", "code") {
			out += " (" + shown(ch, "failure_code") + ")"
		}
		if now.Text("status") != "requires_payment_method" {
			out += " " + now.Text("status")
		}
	}
	return out
}

// reusable are the parameters that make a mandate for many payments.
func (s *shop) reusable() []string {
	return []string{"customer", s.customer(), "setup_future_usage", "off_session"}
}

// givenACH gives an account number of the routing number 110000000, and the name of its payment method.
func givenACH(s *shop, given []string) string {
	s.way = paymethod.Types["us_bank_account"]
	out := s.debit(append(s.reusable(), accountHash("us_bank_account", given[0])...)...)
	for _, name := range given[1:] {
		other := bareShop(s.t)
		other.way = s.way
		got := other.debit(append(other.reusable(), "payment_method", name)...)
		if want := strings.TrimPrefix(out, "waits for deposits; "); got != want && got != out {
			return out + "; as " + name + ": " + got
		}
	}
	return out
}

// givenDebit gives an account of another debit: the type, then its parts.
func givenDebit(s *shop, given []string) string {
	at := map[string][2]string{"bacs_debit": {"GB", "gbp"}, "au_becs_debit": {"AU", "aud"}, "acss_debit": {"CA", "cad"}, "nz_bank_account": {"NZ", "nzd"}}[given[0]]
	s.in(at[0], at[1], given[0])
	more := []string{}
	if given[0] == "acss_debit" {
		more = append(more, "payment_method_options[acss_debit][mandate_options][payment_schedule]", "sporadic",
			"payment_method_options[acss_debit][mandate_options][transaction_type]", "personal")
	}
	out := s.debit(append(append(s.reusable(), more...), accountHash(given[0], given[1])...)...)
	for _, name := range given[2:] {
		other := bareShop(s.t)
		other.in(at[0], at[1], given[0])
		if got := other.debit(append(other.reusable(), "payment_method", name)...); got != out {
			return out + "; as " + name + ": " + got
		}
	}
	return out
}

// givenIBAN gives an IBAN, and the name of its payment method.
func givenIBAN(s *shop, given []string) string {
	s.in("DE", "eur", "sepa_debit")
	out := s.debit(append(s.reusable(), accountHash("sepa_debit", given[0])...)...)
	for _, name := range given[1:] {
		other := bareShop(s.t)
		other.in("DE", "eur", "sepa_debit")
		if got := other.debit(append(other.reusable(), "payment_method", name)...); got != out {
			return out + "; as " + name + ": " + got
		}
	}
	return out
}

// givenMicrodeposit gives what was deposited, two amounts or a code, to a payment and to a setup.
func givenMicrodeposit(s *shop, given []string) string {
	s.way = paymethod.Types["us_bank_account"]
	answer := []string{"descriptor_code", given[0]}
	if a, b, ok := strings.Cut(given[0], "+"); ok {
		answer = []string{"amounts[]", a, "amounts[]", b}
	}
	hash := append(accountHash("us_bank_account", "000123456789"), "payment_method_types[]", "us_bank_account", "confirm", "true",
		"mandate_data[customer_acceptance][type]", "offline")
	tell := func(path, object string, more ...string) string {
		i := s.must("POST", path, append(more, hash...)...)
		r := s.ask("POST", path+"/"+i.Text("id")+"/verify_microdeposits", answer...)
		if r.Status == 200 {
			return r.Text("status")
		}
		return refused(r) + ", " + s.must("GET", path+"/"+i.Text("id")).Text("status")
	}
	out := tell("/v1/payment_intents", "payment_intent", "amount", "2000", "currency", "usd")
	setup := tell("/v1/setup_intents", "setup_intent")
	return "payment " + out + "; setup " + setup
}

// givenRouting gives a routing number, to a token of a bank account and to a payment method.
func givenRouting(s *shop, given []string) string {
	tok := s.ask("POST", "/v1/tokens", "bank_account[country]", "US", "bank_account[currency]", "usd", "bank_account[routing_number]", given[0],
		"bank_account[account_number]", "000123456789")
	pm := s.ask("POST", "/v1/payment_methods", "type", "us_bank_account", "us_bank_account[routing_number]", given[0], "us_bank_account[account_number]",
		"000123456789", "us_bank_account[account_holder_type]", "individual", "billing_details[name]", "Jenny Rosen")
	tell := func(r *servertest.Reply, path ...string) string {
		if r.Status != 200 {
			return refused(r)
		}
		return r.Text(path...)
	}
	return "token " + tell(tok, "bank_account", "bank_name") + "; payment method " + tell(pm, "us_bank_account", "bank_name")
}

// givenFunds gives a currency to the cash balance of a customer who has been asked for a bank transfer in it.
func givenFunds(s *shop, given []string) string {
	country, currency := given[0], given[1]
	s.in(country, currency, "customer_balance")
	cus := s.customer()
	p := []string{"amount", "6000", "currency", currency, "customer", cus, "payment_method_types[]", "customer_balance", "confirm", "true",
		"payment_method_data[type]", "customer_balance", "payment_method_options[customer_balance][funding_type]", "bank_transfer",
		"payment_method_options[customer_balance][bank_transfer][type]", given[2]}
	if given[2] == "eu_bank_transfer" {
		p = append(p, "payment_method_options[customer_balance][bank_transfer][eu_bank_transfer][country]", country)
	}
	pi := s.must("POST", "/v1/payment_intents", p...)
	addresses, _ := pi.At("next_action", "display_bank_transfer_instructions", "financial_addresses").([]any)
	kinds := ""
	for _, a := range addresses {
		kinds += " " + shown(a.(map[string]any), "type")
	}
	s.must("POST", "/v1/test_helpers/customers/"+cus+"/fund_cash_balance", "amount", "6000", "currency", currency)
	return "send to" + kinds + "; funded: " + s.get(pi).Text("status")
}

// givenPayout gives a destination of payouts: a test number, a token, or a card.
func givenPayout(s *shop, given []string) string {
	p := []string{"external_account", given[0]}
	if given[0][0] >= '0' && given[0][0] <= '9' {
		p = []string{"external_account[object]", "bank_account", "external_account[country]", "US", "external_account[currency]", "usd",
			"external_account[routing_number]", "110000000", "external_account[account_number]", given[0]}
	}
	acct := s.must("POST", "/v1/accounts", s.individual()...).Text("id")
	s.later(2 * time.Minute)
	ext := s.ask("POST", "/v1/accounts/"+acct+"/external_accounts", p...)
	if ext.Status != 200 {
		return "refused " + refused(ext) + " \"" + ext.Text("error", "message") + "\""
	}
	s.later(2 * time.Minute)
	s.asAccount(acct, "POST", "/v1/charges", "amount", "100000", "currency", "usd", "source", "tok_bypassPending")
	po := s.asAccount(acct, "POST", "/v1/payouts", "amount", "5000", "currency", "usd")
	if po.Status != 200 {
		return refused(po) + " \"" + po.Text("error", "message") + "\""
	}
	s.later(5 * 24 * time.Hour)
	po = s.asAccount(acct, "GET", "/v1/payouts/"+po.Text("id"))
	out := po.Text("status")
	if code := po.Text("failure_code"); code != "" {
		out += " " + code
	}
	out += "; its account is " + s.must("GET", "/v1/accounts/"+acct+"/external_accounts/"+ext.Text("id")).Text("status")
	fast := s.asAccount(acct, "POST", "/v1/payouts", "amount", "5000", "currency", "usd", "method", "instant", "destination", ext.Text("id"))
	if fast.Status != 200 {
		return joined(out, "instant: "+refused(fast))
	}
	s.later(time.Hour)
	fast = s.asAccount(acct, "GET", "/v1/payouts/"+fast.Text("id"))
	return joined(out, strings.TrimSpace("instant: "+fast.Text("status")+" "+fast.Text("failure_code")))
}

// asAccount asks as a connected account.
func (s *shop) asAccount(acct, method, path string, params ...string) *servertest.Reply {
	s.t.Helper()
	r := s.Request(method, path, params...)
	r.Header.Set("Stripe-Account", acct)
	return s.Do(r)
}

// givenTopup gives a source of a top-up.
func givenTopup(s *shop, given []string) string {
	tu := s.ask("POST", "/v1/topups", "amount", "2000", "currency", "usd", "source", given[0], "description", "Top-up")
	if tu.Status != 200 {
		return "refused " + refused(tu)
	}
	s.later(time.Minute)
	tu = s.must("GET", "/v1/topups/"+tu.Text("id"))
	return strings.TrimSpace(tu.Text("status") + " " + tu.Text("failure_code"))
}
