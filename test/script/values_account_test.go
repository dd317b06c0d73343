package script_test

import (
	"strings"
	"time"
)

// individual are the parameters of an account of an American individual, with all that is wanted but a bank account; more take the place of some.
func (s *shop) individual(more ...string) []string {
	p := []string{
		"type", "custom", "country", "US", "business_type", "individual", "email", "jenny@example.com", "capabilities[card_payments][requested]", "true",
		"capabilities[transfers][requested]", "true", "business_profile[mcc]", "5734", "business_profile[url]", "https://example.com",
		"individual[first_name]", "Jenny", "individual[last_name]", "Rosen", "individual[email]", "jenny@example.com", "individual[phone]", "0000000000",
		"individual[dob][day]", "1", "individual[dob][month]", "1", "individual[dob][year]", "1901", "individual[ssn_last_4]", "0000",
		"individual[id_number]", "000000000", "individual[address][line1]", "address_full_match", "individual[address][city]", "Schenectady",
		"individual[address][state]", "NY", "individual[address][postal_code]", "12345", "tos_acceptance[date]", "1788264000", "tos_acceptance[ip]", "127.0.0.1",
		"settings[payouts][schedule][interval]", "manual",
	}
	return replaced(p, more)
}

// replaced puts pairs in the place of those of the same name; an empty value takes one away.
func replaced(p, more []string) []string {
	for i := 0; i < len(more); i += 2 {
		at := -1
		for j := 0; j < len(p); j += 2 {
			if p[j] == more[i] {
				at = j
			}
		}
		switch {
		case at >= 0 && more[i+1] == "":
			p = append(p[:at:at], p[at+2:]...)
		case at >= 0:
			p[at+1] = more[i+1]
		default:
			p = append(p, more[i], more[i+1])
		}
	}
	return p
}

// givenConnect gives a test value to a connected account: what of it, then the value. It tells how the account stands in the answer, and what it needs
// when the checks are over.
func givenConnect(s *shop, given []string) string {
	what, value := given[0], given[1]
	var p []string
	switch what {
	case "dob":
		ymd := strings.Split(value, "-")
		p = s.individual("individual[dob][year]", ymd[0], "individual[dob][month]", ymd[1], "individual[dob][day]", ymd[2])
	case "line1":
		p = s.individual("individual[address][line1]", value)
	case "id_number":
		p = s.individual("individual[id_number]", value, "individual[ssn_last_4]", "")
	case "ssn_last_4":
		p = s.individual("individual[ssn_last_4]", value, "individual[id_number]", "")
	case "document":
		p = s.individual("individual[verification][document][front]", value)
	case "phone":
		p = s.individual("individual[phone]", value)
	case "url":
		p = s.individual("business_profile[url]", "https://"+value+".stripe.com")
	default:
		s.t.Fatalf("what is a %s?", what)
	}
	p = append(p, "external_account", "btok_us_verified")
	r := s.ask("POST", "/v1/accounts", p...)
	if r.Status != 200 {
		return "refused " + refused(r)
	}
	at := func() string {
		r = s.must("GET", "/v1/accounts/"+r.Text("id"))
		out := r.Text("capabilities", "card_payments")
		if due, _ := r.At("requirements", "currently_due").([]any); len(due) > 0 {
			out += ", due"
			for _, d := range due {
				out += " " + d.(string)
			}
		}
		if errs, _ := r.At("requirements", "errors").([]any); len(errs) > 0 {
			for _, e := range errs {
				out += ", " + shown(e.(map[string]any), "code")
			}
		}
		return out
	}
	now := at()
	s.later(5 * time.Minute)
	if then := at(); then != now {
		return now + "; then " + then
	}
	return now
}
