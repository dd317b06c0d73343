package checkout

import (
	"errors"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/billing"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/paymethod"
	"florin/internal/spec"
)

// What a session asks of the domains below it, as parameters of their own operations. They are checked once when the session is made, with nobody there to
// pay yet: what cannot be asked for is refused to the merchant, and not to the customer.

// the operations
const (
	makePayment   = "POST /v1/payment_intents"
	againPayment  = "POST /v1/payment_intents/{intent}/confirm"
	makeSetup     = "POST /v1/setup_intents"
	confirmSetup  = "POST /v1/setup_intents/{intent}/confirm"
	makeSubscribe = "POST /v1/subscriptions"
	makeCustomer  = "POST /v1/customers"
)

// checked holds parameters to what an operation takes, which gives them their types. What they say of themselves is refused as the session's: at is the
// parameter of the session that most of them come from.
func checked(op string, p *form.Value, at string) (*form.Value, error) {
	out, f := form.Check(spec.Lookup(op), p)
	if f == nil {
		return out, nil
	}
	return nil, within(f, at)
}

// within makes the refusal of a parameter of another operation one of the session's.
func within(f *fault.Error, at string) *fault.Error {
	if f.Param != "" && at != "" {
		name, rest, _ := strings.Cut(f.Param, "[")
		if f.Param = at + "[" + name + "]"; rest != "" {
			f.Param += "[" + rest
		}
	}
	return f
}

// checkAsked refuses what the objects cannot be made with that the session makes later.
func (d *Domain) checkAsked(c *api.Call, s *Session) error {
	var err error
	switch s.Mode {
	case modePayment:
		var p *form.Value
		if p, err = checked(makePayment, s.forPayment(nil, text(s.Customer), "pm"), ""); err == nil && *s.AmountTotal > 0 {
			err = d.payments.CheckAsked(c, p)
		}
		var f *fault.Error
		if errors.As(err, &f) {
			err = within(f, "payment_intent_data")
		}
	case modeSubscription:
		if _, err = checked(makePayment, s.forPayment(nil, "cus", "pm"), ""); err == nil {
			_, err = checked(makeSubscribe, s.forSubscription("cus", "pm"), "subscription_data")
		}
	case modeSetup:
		_, err = checked(makeSetup, s.forSetup(text(s.Customer)), "setup_intent_data")
	}
	return err
}

func object() *form.Value { return &form.Value{Kind: form.Object} }

// texts is a list of texts as a parameter.
func texts(list []string) *form.Value {
	v := &form.Value{Kind: form.Array}
	for _, s := range list {
		v.Items = append(v.Items, word(s))
	}
	return v
}

// put sets a text, unless it is empty.
func put(p *form.Value, name, value string) {
	if value != "" {
		p.Set(name, word(value))
	}
}

// address is where the customer comes back to from wherever he authenticates.
func (s *Session) address() string { return text(s.URL) }

// forPayment is a payment intent that is made and confirmed at once.
func (s *Session) forPayment(pay *Payment, customer, method string) *form.Value {
	p := stored(s.Private.PaymentData)
	p.Set("amount", number(*s.AmountTotal))
	p.Set("currency", word(*s.Currency))
	p.Set("payment_method_types", texts(s.PaymentMethodTypes))
	p.Set("confirm", word("true"))
	put(p, "customer", customer)
	if s.Mode == modeSubscription {
		p.Set("setup_future_usage", word("off_session"))
		p.Set("description", word("Subscription creation")) // recorded
	}
	if to := s.shipping(); to != nil {
		p.Set("shipping", to)
	}
	s.confirmation(p, pay, method)
	return p
}

// confirmation is how an intent is confirmed, the first time or again.
func (s *Session) confirmation(p *form.Value, pay *Payment, method string) {
	p.Set("payment_method", word(method))
	put(p, "return_url", s.address())
	if options := s.options(); len(options.Fields) > 0 {
		p.Set("payment_method_options", options)
	}
	if pay != nil && pay.consents {
		p.Set("mandate_data", pay.mandate())
	}
}

// options are those of the session that its intents are made with, with what the page itself needs.
func (s *Session) options() *form.Value {
	options := stored(s.Private.Options)
	for _, typ := range s.PaymentMethodTypes {
		if typ == "wechat_pay" && !options.Get(typ).Given("client") {
			of := object()
			of.Set("client", word("web"))
			options.Set(typ, of)
		}
	}
	return options
}

// forSetup is a setup intent.
func (s *Session) forSetup(customer string) *form.Value {
	p := stored(s.Private.SetupData)
	p.Set("payment_method_types", texts(s.PaymentMethodTypes))
	put(p, "customer", customer)
	if s.Mode == modeSetup {
		if options := s.options(); len(options.Fields) > 0 {
			p.Set("payment_method_options", options)
		}
	}
	return p
}

// forConfirmedSetup is how that is confirmed.
func (s *Session) forConfirmedSetup(pay *Payment, method string) *form.Value {
	p := object()
	p.Set("payment_method", word(method))
	put(p, "return_url", s.address())
	if pay.consents {
		p.Set("mandate_data", pay.mandate())
	}
	return p
}

// forSubscription is a subscription, less its items.
func (s *Session) forSubscription(customer, method string) *form.Value {
	p := stored(s.Private.SubscriptionData)
	p.Set("customer", word(customer))
	put(p, "default_payment_method", method)
	if len(s.Discounts) > 0 {
		of := object()
		put(of, "coupon", text(s.Discounts[0].Coupon))
		put(of, "promotion_code", text(s.Discounts[0].PromotionCode))
		p.Set("discounts", &form.Value{Kind: form.Array, Items: []*form.Value{of}})
	}
	return p
}

// order is the subscription that the customer has agreed to, with its items.
func (s *Session) order(c *api.Call, method string) (*billing.Order, error) {
	p, err := checked(makeSubscribe, s.forSubscription(s.Private.Customer, method), "subscription_data")
	if err != nil {
		return nil, err
	}
	sales, err := s.sales(c)
	if err != nil {
		return nil, err
	}
	o := &billing.Order{Params: p, Currency: *s.Currency}
	for _, sale := range sales {
		if sale.Price.Recurring != nil {
			o.Recurring = append(o.Recurring, sale)
		} else {
			o.Once = append(o.Once, sale)
		}
	}
	return o, nil
}

// mandate is the consent to be debited, which is given by paying: the page says so.
func (pay *Payment) mandate() *form.Value {
	acceptance := object()
	if pay.IP == "" {
		acceptance.Set("type", word("offline"))
	} else {
		online := object()
		online.Set("ip_address", word(pay.IP))
		online.Set("user_agent", word(pay.Agent))
		acceptance.Set("type", word("online"))
		acceptance.Set("online", online)
	}
	data := object()
	data.Set("customer_acceptance", acceptance)
	return data
}

// wantsConsent says whether a type is debited by consent, here and later.
func wantsConsent(c *api.Call, typ string) bool {
	t := paymethod.Types[typ]
	return t != nil && t.Mandate && t.At(account.Of(c).Country)
}
