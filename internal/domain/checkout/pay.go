package checkout

import (
	"slices"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
)

// A Payment is what a customer does on the page.
type Payment struct {
	Method    string      // a payment method that there is; "" for what Data describes
	Data      *form.Value // as POST /v1/payment_methods takes it; nil: nothing is to be paid by
	Details   CustomerDetails
	Shipping  *ShippingDetails
	Fields    map[string]string // answers to custom fields, by key
	Expected  *int64            // the amount that he has seen; nil: he has not said
	IP, Agent string            // of his browser, which a mandate says that it was given by

	consents bool
}

// Pay tries to complete a session. What comes of it the session's status says when this returns, if the network answers at once: an open one waits for the
// customer to authenticate (Wait), or has failed (Failure) and may be tried again.
func (d *Domain) Pay(c *api.Call, s *Session, pay *Payment) error {
	if err := d.checkPay(c, s, pay); err != nil {
		return err
	}
	if err := s.collect(pay); err != nil {
		return err
	}
	pm, err := d.method(c, s, pay)
	if err != nil {
		return err
	}
	s.Private.Payer = pay.Details.of(pm)
	if err := d.ensureCustomer(c, s); err != nil {
		return err
	}
	if pm != nil {
		s.Private.Method = pm.ID
		pay.consents = wantsConsent(c, pm.Type)
	}
	switch {
	case pm == nil:
		return d.complete(c, s, nil)
	case s.Mode == modeSetup || *s.AmountTotal == 0:
		return d.trySetup(c, s, pay, pm)
	}
	return d.tryPayment(c, s, pay, pm)
}

// checkPay refuses to pay what cannot be.
func (d *Domain) checkPay(c *api.Call, s *Session, pay *Payment) error {
	if s.Status != Open {
		return fault.SessionOver(s.Status)
	}
	if pay.Expected != nil && s.AmountTotal != nil && *pay.Expected != *s.AmountTotal {
		return fault.SessionAmount()
	}
	if busy, err := d.Busy(c, s); err != nil || busy {
		if err == nil {
			err = fault.SessionBusy()
		}
		return err
	}
	for _, given := range s.Discounts { // which others may have used up since
		var err error
		if given.PromotionCode != nil {
			_, err = d.redeemable(c, s, *given.PromotionCode, "promotion_code")
		} else {
			_, err = catalog.Redeemable(c, text(given.Coupon), "coupon")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// NeedsMethod says whether the customer must say by what he pays.
func (s *Session) NeedsMethod() bool {
	return s.Mode == modeSetup || *s.AmountTotal > 0 || s.Mode == modeSubscription && s.PaymentMethodCollection == "always"
}

// method is what the customer pays with; nil if nothing is to be paid, now or later.
func (d *Domain) method(c *api.Call, s *Session, pay *Payment) (*paymentmethod.PaymentMethod, error) {
	if !s.NeedsMethod() {
		return nil, nil
	}
	if pay.Method == "" && pay.Data == nil {
		return nil, fault.Missing("payment_method")
	}
	var pm *paymentmethod.PaymentMethod
	var err error
	if pay.Method != "" {
		pm, err = d.methods.Resolve(c, pay.Method, "payment_method")
	} else {
		put(pay.Data, "allow_redisplay", s.redisplay())
		pm, err = d.methods.FromPage(c, pay.Data)
	}
	if err != nil {
		return nil, err
	}
	if !slices.Contains(s.PaymentMethodTypes, pm.Type) {
		return nil, fault.MethodTypeNotAllowed(pm.Type, s.PaymentMethodTypes)
	}
	return pm, nil
}

// redisplay says whether a payment method may be shown to the customer again: nobody has asked him, so it is for what he buys here, unless the merchant
// says otherwise. unverified: for which modes.
func (s *Session) redisplay() string {
	if s.Private.AllowRedisplay != "" {
		return s.Private.AllowRedisplay
	}
	if s.Mode != modePayment {
		return "limited"
	}
	return "unspecified"
}

// of fills in what is not said of who pays from what is known of the payment method.
func (who *CustomerDetails) of(pm *paymentmethod.PaymentMethod) *CustomerDetails {
	out := *who
	if pm == nil {
		return &out
	}
	b := pm.BillingDetails
	for _, m := range []struct{ to, from **string }{{&out.Email, &b.Email}, {&out.Name, &b.Name}, {&out.Phone, &b.Phone}} {
		if *m.to == nil {
			*m.to = *m.from
		}
	}
	if a := b.Address; out.Address == nil && a != (customer.Address{}) {
		out.Address = &a
	}
	return &out
}

// ensureCustomer makes the customer, where there is to be one and is none. unverified: that he is made before he has paid, and kept if he does not.
func (d *Domain) ensureCustomer(c *api.Call, s *Session) error {
	if s.Customer != nil {
		s.Private.Customer = *s.Customer
		return nil
	}
	keeps := stored(s.Private.PaymentData).Given("setup_future_usage")
	if s.Private.Customer != "" || text(s.CustomerCreation) != "always" && !keeps {
		return nil
	}
	p, who := object(), s.Private.Payer
	put(p, "email", s.email())
	put(p, "name", text(who.Name))
	put(p, "phone", text(who.Phone))
	if a := who.Address; a != nil {
		p.Set("address", addressOf(a))
	}
	if to := s.shipping(); to != nil {
		p.Set("shipping", to)
	}
	p, err := checked(makeCustomer, p, "")
	if err != nil {
		return err
	}
	cus, err := d.customers.Create(c, p)
	if err == nil {
		s.Private.Customer = cus.ID
	}
	return err
}

// email is the address that the session has, or that the customer has entered.
func (s *Session) email() string {
	if s.CustomerEmail != nil {
		return *s.CustomerEmail
	}
	return text(s.Private.Payer.Email)
}

// tryPayment confirms the session's payment intent: a new one, or that of the last try.
func (d *Domain) tryPayment(c *api.Call, s *Session, pay *Payment, pm *paymentmethod.PaymentMethod) error {
	pi, err := payment.Intents.Get(c, s.Private.Intent)
	if err != nil {
		return err
	}
	if pi != nil && pi.Amount != *s.AmountTotal {
		if err := d.payments.Reprice(c, pi, *s.AmountTotal); err != nil {
			return err
		}
	}
	if pi == nil || pi.Status == payment.Canceled {
		p, err := checked(makePayment, s.forPayment(pay, s.Private.Customer, pm.ID), "payment_intent_data")
		if err != nil {
			return err
		}
		if pi, err = d.payments.ForCheckout(c, s.ID, p); err != nil {
			return err
		}
		s.Private.Intent = pi.ID
	} else {
		again := object()
		s.confirmation(again, pay, pm.ID)
		if to := s.shipping(); to != nil {
			again.Set("shipping", to)
		}
		p, err := checked(againPayment, again, "")
		if err != nil {
			return err
		}
		if err := d.payments.TryAgain(c, pi, p); err != nil {
			return err
		}
	}
	if came(pi) {
		return d.complete(c, s, pi)
	}
	return c.Save(s)
}

// came says whether a payment has been made, as far as the customer has to do with it: the money has come, is held, or is on its way.
func came(pi *payment.Intent) bool {
	switch {
	case pi.Status == payment.Succeeded || pi.Status == payment.NeedsCapture || pi.UnderWay():
		return true
	case pi.Status == payment.NeedsAction: // a voucher has been issued, and the customer goes and pays it
		t := paymethod.Types[methodType(pi)]
		return t != nil && t.Flow == paymethod.Voucher
	}
	return false
}

// methodType is the type of an intent's next action, for those that are named after a type of payment method.
func methodType(pi *payment.Intent) string {
	action := jsontext.Text(pi.NextAction, "type")
	for name, t := range paymethod.Types {
		if t.Flow == paymethod.Voucher && t.Action == action {
			return name
		}
	}
	return ""
}

// beginSetup makes the setup intent that a session of mode setup has from the beginning.
func (d *Domain) beginSetup(c *api.Call, s *Session) error {
	p, err := checked(makeSetup, s.forSetup(text(s.Customer)), "setup_intent_data")
	if err != nil {
		return err
	}
	si, err := d.setups.ForCheckout(c, s.ID, p)
	if err == nil {
		s.SetupIntent, s.Private.Setup = &si.ID, si.ID
	}
	return err
}

// trySetup confirms the session's setup intent: in mode setup the one that it has, or else one that gets the payment method ready for what will be due.
func (d *Domain) trySetup(c *api.Call, s *Session, pay *Payment, pm *paymentmethod.PaymentMethod) error {
	si, err := setup.Intents.Get(c, s.Private.Setup)
	if err != nil {
		return err
	}
	if si == nil || si.Status == setup.Canceled {
		p, err := checked(makeSetup, s.forSetup(s.Private.Customer), "")
		if err != nil {
			return err
		}
		if si, err = d.setups.ForCheckout(c, s.ID, p); err != nil {
			return err
		}
		s.Private.Setup = si.ID
	}
	if si.Customer == nil {
		si.Customer = opt(s.Private.Customer)
	}
	p, err := checked(confirmSetup, s.forConfirmedSetup(pay, pm.ID), "")
	if err != nil {
		return err
	}
	if err := d.setups.Try(c, si, p); err != nil {
		return err
	}
	if si.Status == setup.Succeeded {
		return d.complete(c, s, nil)
	}
	return c.Save(s)
}

// intents are the payment intent and the setup intent of the last try; nil where there is none.
func (s *Session) intents(c *api.Call) (pi *payment.Intent, si *setup.Intent, err error) {
	if pi, err = payment.Intents.Get(c, s.Private.Intent); err != nil {
		return nil, nil, err
	}
	si, err = setup.Intents.Get(c, s.Private.Setup)
	return pi, si, err
}

// Busy says whether a network has yet to answer to the last try.
func (d *Domain) Busy(c *api.Call, s *Session) (bool, error) {
	pi, si, err := s.intents(c)
	return pi != nil && pi.Status == payment.Processing || si != nil && si.Status == setup.Processing, err
}

// Failure is why the last try has failed; nil if it has not.
func (d *Domain) Failure(c *api.Call, s *Session) (*fault.Error, error) {
	pi, si, err := s.intents(c)
	switch {
	case err != nil || s.Status != Open:
		return nil, err
	case pi != nil && pi.Status == payment.NeedsMethod:
		return pi.LastError(c)
	case si != nil && si.Status == setup.NeedsMethod:
		return si.LastError(c)
	}
	return nil, nil
}

// Wait is the address where the customer authenticates what he has tried to pay; "" if nothing waits for him.
func (d *Domain) Wait(c *api.Call, s *Session) (string, error) {
	pi, si, err := s.intents(c)
	if err != nil {
		return "", err
	}
	var action []byte
	switch {
	case pi != nil && pi.Status == payment.NeedsAction:
		action = pi.NextAction
	case si != nil && si.Status == setup.NeedsAction:
		action = si.NextAction
	}
	of := jsontext.Get(action, jsontext.Text(action, "type"))
	for _, name := range []string{"url", "hosted_voucher_url", "hosted_instructions_url", "hosted_verification_url", "mobile_auth_url"} {
		if to := jsontext.Text(of, name); to != "" && to != "null" {
			return to, nil
		}
	}
	return "", nil
}
