package radar

import (
	"strings"
	"testing"

	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/rail"
)

func TestPredicates(t *testing.T) {
	us, mail, note := "US", "Jenny@Example.com", "An order"
	p := &facts{
		s: &payment.Screening{
			Charge: &payment.Charge{Amount: 1500, Currency: "usd", ReceiptEmail: &mail, Description: &note, Metadata: map[string]string{"order": "Phone"}},
			Method: &paymentmethod.PaymentMethod{Type: "card", Card: &paymentmethod.CardFacts{Country: &us, Funding: "prepaid", Brand: "visa"}},
			BIN:    "424242", Risk: rail.Risk{Level: "elevated", Score: 65, ThreeDS: "optional"},
		},
		lists: &settings{},
	}
	for text, want := range map[string]bool{
		":risk_level: = 'elevated'":                                          true,
		":risk_level: = 'Elevated'":                                          true,
		":risk_level: != 'normal'":                                           true,
		":risk_score: >= 65 and :risk_score: < 66":                           true,
		":risk_score: in (1, 2, 65)":                                         true,
		":risk_score: > 65":                                                  false,
		":amount_in_usd: = 15":                                               true,
		":amount_in_usd: > 15.00":                                            false,
		":amount_in_jpy: > 100":                                              true,
		":card_country: in ('CA', 'us')":                                     true,
		":card_country: in ('CA', 'MX') or :card_funding: = 'prepaid'":       true,
		"not (:card_country: = 'US')":                                        false,
		"NOT :card_country: = 'CA' AND :card_brand: = 'visa'":                true,
		":email: like '%@example.com'":                                       true,
		":email: like 'j%n%y@%'":                                             true,
		":email: like '%@example.org'":                                       false,
		":email_domain: = 'example.com'":                                     true,
		":charge_description: includes 'order'":                              true,
		"::order: = 'phone'":                                                 true,
		"::order:: = 'phone'":                                                true,
		"::other: = 'phone'":                                                 false,
		"::other: != 'phone'":                                                false, // what is not known makes a comparison false
		"is_missing(:ip_country:)":                                           true,
		"is_missing(:card_country:)":                                         false,
		":is_off_session:":                                                   false,
		"not :is_off_session:":                                               true,
		":card_bin: = '424242' and (:risk_score: < 10 or :risk_score: > 60)": true,
		":email: in @nobody":                                                 false,
	} {
		cond, err := compile(text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got, err := cond.holds(p); got != want || err != nil {
			t.Errorf("%s is %v (%v), want %v", text, got, err, want)
		}
	}
}

func TestPredicatesThatAreNone(t *testing.T) {
	for _, text := range []string{
		"", "risk_score > 1", ":risk_score:>", ":colour: = 'red'", ":amount_in_xyz: > 1", ":email: in ('a'", ":email: = a@b.c", "(:risk_score: > 1",
		":risk_score: > 1 :email: = 'a'", "is_missing(1)", ":email: = 'a", ":email", "not", ":email: in", ":email: in 'a'", ":risk_score: ! 1", "#",
	} {
		if _, err := compile(text); err == nil || !strings.Contains(err.Error()+"rule", "rule") {
			t.Errorf("%q is taken for a predicate", text)
		}
	}
}

func TestBuiltins(t *testing.T) {
	for _, r := range builtins {
		if _, err := compile(r.Predicate); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
	}
}

func TestItemTypes(t *testing.T) {
	for _, c := range []struct {
		typ, value string
		want       bool
	}{
		{"email", "a@b.c", true}, {"email", "a", false}, {"ip_address", "::1", true}, {"ip_address", "1.2.3", false}, {"country", "de", true},
		{"country", "DEU", false}, {"card_bin", "424242", true}, {"card_bin", "4242", false}, {"card_fingerprint", "orWziM4j7CiRL8", true},
		{"card_fingerprint", "or-x", false}, {"customer_id", "cus_1", true}, {"customer_id", "acct_1", false}, {"account", "acct_1", true},
		{"string", "any words", true}, {"case_sensitive_string", "", false},
	} {
		if got := fits(c.typ, c.value); got != c.want {
			t.Errorf("%q is a %s: %v, want %v", c.value, c.typ, got, c.want)
		}
	}
}
