package radar

import (
	"fmt"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/money"
)

// facts are what rules may ask of a payment. An attribute is looked up when a rule asks for it, and not before.
type facts struct {
	c     *api.Call
	s     *payment.Screening
	lists *settings
}

// attributes are what a rule may name, with how each is found. nil: it is not known of this payment. The names are Stripe's, but for those that
// are marked.
//
// unverified: Stripe has many more, of which most stand on what it has seen of a card elsewhere.
var attributes = map[string]func(p *facts) (any, error){
	"risk_level":                  func(p *facts) (any, error) { return p.s.Risk.Level, nil },
	"risk_score":                  func(p *facts) (any, error) { return float64(p.s.Risk.Score), nil },
	"currency":                    func(p *facts) (any, error) { return p.s.Charge.Currency, nil },
	"charge_description":          func(p *facts) (any, error) { return text(p.s.Charge.Description), nil },
	"customer":                    func(p *facts) (any, error) { return text(p.s.Charge.Customer), nil },
	"customer_id":                 func(p *facts) (any, error) { return text(p.s.Charge.Customer), nil },
	"payment_method_type":         func(p *facts) (any, error) { return p.s.Method.Type, nil },
	"statement_descriptor":        func(p *facts) (any, error) { return text(p.s.Charge.CalculatedStatementDescriptor), nil },
	"is_off_session":              func(p *facts) (any, error) { return p.s.OffSession, nil },
	"is_3d_secure":                func(p *facts) (any, error) { return p.s.Authenticated, nil },
	"is_3d_secure_authenticated":  func(p *facts) (any, error) { return p.s.Authenticated, nil },
	"card_3d_secure_support":      func(p *facts) (any, error) { return p.s.Risk.ThreeDS, nil },
	"card_bin":                    func(p *facts) (any, error) { return word(p.s.BIN), nil },
	"card_fingerprint":            ofCard(func(p *facts) any { return word(p.s.Method.Card.Fingerprint) }),
	"card_brand":                  ofCard(func(p *facts) any { return word(p.s.Method.Card.Brand) }),
	"card_funding":                ofCard(func(p *facts) any { return word(p.s.Method.Card.Funding) }),
	"card_country":                ofCard(func(p *facts) any { return text(p.s.Method.Card.Country) }),
	"card_last4":                  ofCard(func(p *facts) any { return word(p.s.Method.Card.Last4) }), // Florin's own
	"cardholder_name":             func(p *facts) (any, error) { return text(p.s.Method.BillingDetails.Name), nil },
	"billing_address_country":     func(p *facts) (any, error) { return text(p.s.Method.BillingDetails.Address.Country), nil },
	"billing_address_postal_code": func(p *facts) (any, error) { return text(p.s.Method.BillingDetails.Address.PostalCode), nil },
	"shipping_address_country": func(p *facts) (any, error) {
		if sh := p.s.Charge.Shipping; sh != nil && sh.Address != nil {
			return text(sh.Address.Country), nil
		}
		return nil, nil
	},
	"ip_address": func(p *facts) (any, error) { return word(browserIP(p.c)), nil },
	"ip_country": func(*facts) (any, error) { return nil, nil }, // Florin knows no places of addresses
	"email":      func(p *facts) (any, error) { e, err := p.email(); return word(e), err },
	"email_domain": func(p *facts) (any, error) {
		e, err := p.email()
		_, domain, _ := strings.Cut(e, "@")
		return word(domain), err
	},
	"test_control": func(p *facts) (any, error) { return word(p.s.Risk.Control), nil }, // Florin's own: what a test card is there to try
}

func ofCard(f func(p *facts) any) func(*facts) (any, error) {
	return func(p *facts) (any, error) {
		if p.s.Method.Card == nil {
			return nil, nil
		}
		return f(p), nil
	}
}

// known says whether a rule may name an attribute: those above, amounts, and metadata (::key: of the payment, which comes here as ":key").
func known(attribute string) error {
	_, ok := attributes[attribute]
	currency, amount := strings.CutPrefix(attribute, "amount_in_")
	if ok || amount && money.Known(currency) || strings.HasPrefix(attribute, ":") {
		return nil
	}
	return fmt.Errorf("there is no attribute %q", attribute)
}

// get is the value of an attribute: a string, a float64, a bool, or nil where it is not known.
func (p *facts) get(attribute string) (any, error) {
	if f := attributes[attribute]; f != nil {
		return f(p)
	}
	if key, ok := strings.CutPrefix(attribute, ":"); ok {
		return word(p.s.Charge.Metadata[key]), nil
	}
	currency := strings.TrimPrefix(attribute, "amount_in_")
	amount, _ := money.ConvertBack(p.s.Charge.Amount, p.s.Charge.Currency, currency)
	x := float64(amount)
	for range money.Digits(currency) {
		x /= 10
	}
	return x, nil
}

// email is the first address that is known: the payment's, the card's, the customer's. Known from: docs.stripe.com/radar/lists.
func (p *facts) email() (string, error) {
	if e := p.s.Charge.ReceiptEmail; e != nil {
		return *e, nil
	}
	if e := p.s.Method.BillingDetails.Email; e != nil {
		return *e, nil
	}
	if p.s.Charge.Customer == nil {
		return "", nil
	}
	cus, err := customer.Customers.Get(p.c, *p.s.Charge.Customer)
	if cus == nil || cus.Email == nil {
		return "", err
	}
	return *cus.Email, err
}

// browserIP is the address of the payer, where the payer's browser is who asks; "" where the merchant's server is.
func browserIP(c *api.Call) string {
	if c.Publishable() {
		return c.ClientIP()
	}
	return ""
}

// word is a text as a rule sees it; nil if it is empty.
func word(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func text(s *string) any {
	if s == nil {
		return nil
	}
	return word(*s)
}
