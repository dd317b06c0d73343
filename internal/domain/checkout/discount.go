package checkout

import (
	"strings"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/fault"
	"florin/internal/money"
)

// The discount of a session: the merchant gives it, or the customer enters its code on the page. It is counted when he has paid.

// takeDiscounts finds the discount that the merchant gives. It is counted when the customer pays.
func (d *Domain) takeDiscounts(c *api.Call, s *Session) error {
	list := c.P.Get("discounts")
	if list == nil || len(list.Items) == 0 {
		return nil
	}
	if len(list.Items) > 1 {
		return fault.SessionDiscounts()
	}
	coupon, code := list.Items[0].Str("coupon"), list.Items[0].Str("promotion_code")
	switch {
	case coupon != "" && code != "":
		return fault.OneOfTwo("discounts[0][coupon]", "discounts[0][promotion_code]")
	case coupon != "":
		if _, err := catalog.Redeemable(c, coupon, "discounts[0][coupon]"); err != nil {
			return err
		}
	case code != "":
		if _, err := d.redeemable(c, s, code, "discounts[0][promotion_code]"); err != nil {
			return err
		}
	default:
		return fault.Missing("discounts[0][coupon]")
	}
	s.Discounts = []Discount{{opt(coupon), opt(code)}}
	return d.total(c, s)
}

// redeemable refuses a promotion code to who may not redeem it, or not for this.
func (d *Domain) redeemable(c *api.Call, s *Session, code, param string) (*catalog.PromotionCode, error) {
	pc, _, err := catalog.RedeemableCode(c, code, param, d.redeemer(c, s))
	if err != nil {
		return nil, err
	}
	if least := pc.Restrictions.MinimumAmount; least != nil && s.AmountSubtotal != nil && *s.AmountSubtotal < *least {
		return nil, fault.PromotionCodeMinimum(param, money.Format(*least, text(pc.Restrictions.MinimumAmountCurrency)))
	}
	return pc, nil
}

// redeemer is who would redeem a promotion code.
func (d *Domain) redeemer(c *api.Call, s *Session) catalog.Redeemer {
	return catalog.Redeemer{Customer: text(s.Customer), Paid: func() (bool, error) {
		cus, err := customer.Customers.Get(c, text(s.Customer))
		if err != nil || cus == nil {
			return false, err
		}
		return d.customers.Paid(c, cus)
	}}
}

// coupon is the coupon of the session's discount; nil if it has none.
func (s *Session) coupon(c *api.Call) (*catalog.Coupon, error) {
	if len(s.Discounts) == 0 {
		return nil, nil
	}
	name := text(s.Discounts[0].Coupon)
	if code := s.Discounts[0].PromotionCode; code != nil {
		pc, err := catalog.PromotionCodes.Get(c, *code)
		if err != nil || pc == nil {
			return nil, err
		}
		name = *pc.Promotion.Coupon
	}
	return catalog.CouponOf(c, name)
}

// dropTry gives up a payment that waits for the customer to authenticate.
func (d *Domain) dropTry(c *api.Call, s *Session) error {
	pi, err := payment.Intents.Get(c, s.Private.Intent)
	if err != nil || pi == nil {
		return err
	}
	switch pi.Status {
	case payment.Processing:
		return fault.SessionBusy()
	case payment.NeedsAction:
		s.Private.Intent = ""
		return d.payments.Cancel(c, pi, "abandoned")
	}
	return nil
}

// Promote gives a session the discount of a promotion code that the customer has entered, or takes it away again if he has entered none.
func (d *Domain) Promote(c *api.Call, s *Session, typed string) error {
	if s.Status != Open {
		return fault.SessionOver(s.Status)
	}
	if s.AllowPromotionCodes == nil || !*s.AllowPromotionCodes {
		return fault.PromotionCodeUnknown()
	}
	discounts := []Discount{}
	if typed = strings.TrimSpace(typed); typed != "" {
		found, err := catalog.CodeReading(c, typed, text(s.Customer))
		if err == nil && found == nil {
			err = fault.PromotionCodeUnknown()
		}
		if err != nil {
			return err
		}
		pc, err := d.redeemable(c, s, found.ID, "promotion_code")
		if err != nil {
			return err
		}
		discounts = append(discounts, Discount{PromotionCode: &pc.ID})
	}
	s.Discounts = discounts
	return d.reprice(c, s)
}
