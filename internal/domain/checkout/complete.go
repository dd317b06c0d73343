package checkout

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/domain/billing"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
)

// complete ends a session that its customer has done his part of. pi is what he has paid by; nil if nothing is due.
func (d *Domain) complete(c *api.Call, s *Session, pi *payment.Intent) error {
	if err := d.describePayer(c, s); err != nil {
		return err
	}
	s.PaymentStatus = noneRequired
	if pi != nil {
		if s.PaymentStatus = unpaid; pi.Status == payment.Succeeded {
			s.PaymentStatus = paid
		}
	}
	switch s.Mode {
	case modeSubscription:
		return d.subscribe(c, s, pi)
	case modePayment:
		if pi != nil {
			s.PaymentIntent = &pi.ID
		}
		if err := d.redeem(c, s); err != nil {
			return err
		}
	}
	return d.completed(c, s)
}

// completed tells of it.
func (d *Domain) completed(c *api.Call, s *Session) error {
	if err := s.move(Complete); err != nil {
		return err
	}
	if err := c.Save(s, "checkout.session.completed"); err != nil || s.PaymentLink == nil {
		return err
	}
	return countLink(c, *s.PaymentLink)
}

// describePayer shows who has paid. The customer is changed where the merchant has asked for that.
func (d *Domain) describePayer(c *api.Call, s *Session) error {
	who := *s.Private.Payer
	who.TaxExempt, who.TaxIDs = opt("none"), []json.RawMessage{}
	if s.CustomerDetails != nil {
		who.TaxExempt = s.CustomerDetails.TaxExempt
	}
	s.Customer = opt(s.Private.Customer)
	who.Email = opt(s.email())
	cus, err := customer.Customers.Get(c, s.Private.Customer)
	if err != nil {
		return err
	}
	if cus != nil && cus.Email != nil {
		who.Email = cus.Email
	}
	s.CustomerDetails = &who
	if s.CollectedInformation == nil && s.Customer != nil {
		s.CollectedInformation = &Collected{}
	}
	return s.updateCustomer(c, cus, &who)
}

// updateCustomer gives the customer what he has entered, if the merchant wants it.
func (s *Session) updateCustomer(c *api.Call, cus *customer.Customer, who *CustomerDetails) error {
	if cus == nil {
		return nil
	}
	changed := false
	if s.Private.UpdateName && who.Name != nil {
		cus.Name, changed = who.Name, true
	}
	if s.Private.UpdateAddress && who.Address != nil {
		cus.Address, changed = who.Address, true
	}
	if !changed {
		return nil
	}
	return c.Save(cus, "customer.updated")
}

// redeem counts the discount of a payment. A subscription counts its own.
func (d *Domain) redeem(c *api.Call, s *Session) error {
	for _, given := range s.Discounts {
		var err error
		if given.PromotionCode != nil {
			_, _, err = catalog.RedeemCode(c, *given.PromotionCode, "promotion_code", catalog.Redeemer{
				Customer: text(s.Customer), Paid: func() (bool, error) { return false, nil }, // he was asked before he paid
			})
		} else {
			_, err = catalog.Redeem(c, text(given.Coupon), "coupon")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// subscribe begins the subscription. It is told of after the session is. Known from: facts 08 (8f).
func (d *Domain) subscribe(c *api.Call, s *Session, pi *payment.Intent) error {
	pm, err := paymentmethod.Get(c, s.Private.Method)
	if err != nil {
		return err
	}
	name := ""
	if pm != nil && text(pm.Customer) == s.Private.Customer { // what pays once only is not kept
		name = pm.ID
	}
	o, err := s.order(c, name)
	if err != nil {
		return err
	}
	o.PaidBy = pi
	o.Begun = func(sub *billing.Subscription) error {
		s.Subscription, s.Invoice = &sub.ID, sub.LatestInvoice
		return d.completed(c, s)
	}
	return c.InRealTime(func() error { // but for what the customer's test clock says
		_, err := d.billing.Subscribe(c, o)
		return err
	})
}

// paymentMoved follows the payment intents of sessions: what a cardholder, a bank or a network has done to one is done to its session, when the intent's
// own events have been told.
func (d *Domain) paymentMoved(c *api.Call, pi *payment.Intent, from string) error {
	if pi.Private.Session == "" || pi.Private.Watched {
		return nil
	}
	c.Later(func(c *api.Call) error {
		s, err := Sessions.Get(c, pi.Private.Session)
		if err != nil || s == nil || s.Private.Intent != pi.ID {
			return err
		}
		switch {
		case s.Status == Open && came(pi):
			return d.complete(c, s, pi)
		case s.Status == Complete && s.PaymentStatus == unpaid:
			return s.settle(c, pi, from)
		}
		return nil
	})
	return nil
}

// settle tells what became of a payment that the customer had done his part of. One that was captured later is not told of: the merchant did that himself.
// unverified: that it is paid then.
func (s *Session) settle(c *api.Call, pi *payment.Intent, from string) error {
	switch {
	case pi.Status == payment.Succeeded && from == payment.NeedsCapture:
		s.PaymentStatus = paid
		return c.Save(s)
	case pi.Status == payment.Succeeded:
		s.PaymentStatus = paid
		return c.Save(s, "checkout.session.async_payment_succeeded")
	case pi.Status == payment.NeedsMethod:
		return c.Save(s, "checkout.session.async_payment_failed")
	}
	return nil
}

// setupMoved follows the setup intents of sessions.
func (d *Domain) setupMoved(c *api.Call, si *setup.Intent, _ string) error {
	if si.Private.Session == "" || si.Private.Watched || si.Status != setup.Succeeded {
		return nil
	}
	c.Later(func(c *api.Call) error {
		s, err := Sessions.Get(c, si.Private.Session)
		if err != nil || s == nil || s.Status != Open || s.Private.Setup != si.ID {
			return err
		}
		if s.Private.Payer == nil { // confirmed by the merchant, and not on the page
			s.Private.Payer = &CustomerDetails{}
		}
		return d.complete(c, s, nil)
	})
	return nil
}
