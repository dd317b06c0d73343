package billing

import (
	"math"
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
)

// mostDiscounts is how many an object can have. Known from: facts 15a.
const mostDiscounts = 20

// A holder is who gets a discount.
type holder struct {
	customer, subscription, subscriptionItem, invoice, item, line string
}

// discounts makes the discounts that a parameter names, each by its coupon, its promotion code, or a discount that is there already. What it returns is
// what the holder has from now on.
func (d *Domain) discounts(c *api.Call, list *form.Value, param string, h holder) ([]string, error) {
	out := []string{}
	if list == nil || list.Kind == form.Unset {
		return out, nil
	}
	if len(list.Items) > mostDiscounts {
		return nil, fault.TooManyDiscounts(param, mostDiscounts)
	}
	seen := map[string]bool{}
	for i, v := range list.Items {
		di, err := d.discount(c, v, param+"["+strconv.Itoa(i)+"]", h)
		if err != nil {
			return nil, err
		}
		if coupon := text(di.Source.Coupon); seen[coupon] {
			return nil, fault.CouponTwice(param, coupon)
		} else {
			seen[coupon] = true
		}
		out = append(out, di.ID)
	}
	return out, nil
}

func (d *Domain) discount(c *api.Call, v *form.Value, param string, h holder) (*customer.Discount, error) {
	var cp *catalog.Coupon
	var code *string
	var err error
	switch coupon, promotion, old := v.Str("coupon"), v.Str("promotion_code"), v.Str("discount"); {
	case old != "":
		return customer.Discounts.Find(c, old, param+"[discount]")
	case coupon != "" && promotion != "":
		return nil, fault.OneOfTwo(param+"[coupon]", param+"[promotion_code]")
	case coupon != "":
		cp, err = catalog.Redeem(c, coupon, param+"[coupon]")
	case promotion != "":
		code = &promotion
		_, cp, err = catalog.RedeemCode(c, promotion, param+"[promotion_code]", d.redeemer(c, h.customer))
	default:
		return nil, fault.Missing(param + "[coupon]")
	}
	if err != nil {
		return nil, err
	}
	di := customer.Discounts.New(c, c.NewID("di"))
	di.Customer, di.PromotionCode, di.Source, di.Start = &h.customer, code, customer.DiscountSource{Coupon: &cp.ID, Type: "coupon"}, c.Now()
	di.Subscription, di.SubscriptionItem, di.Invoice, di.InvoiceItem = opt(h.subscription), opt(h.subscriptionItem), opt(h.invoice), opt(h.item)
	if cp.DurationInMonths != nil {
		end := clock.AddMonths(di.Start, int(*cp.DurationInMonths))
		di.End = &end
	}
	if h.subscription != "" {
		return di, c.Save(di, "customer.discount.created")
	}
	return di, c.Save(di) // unverified: that nothing tells of a discount of an invoice
}

// redeemer is who redeems a promotion code.
func (d *Domain) redeemer(c *api.Call, id string) catalog.Redeemer {
	return catalog.Redeemer{Customer: id, Paid: func() (bool, error) {
		cus, err := customer.Customers.Get(c, id)
		if err != nil || cus == nil {
			return false, err
		}
		return d.customers.Paid(c, cus)
	}}
}

// dropDiscounts ends those that a subscription had and has no more.
func dropDiscounts(c *api.Call, old, kept []string) error {
	for _, id := range old {
		if slices.Contains(kept, id) {
			continue
		}
		di, err := customer.Discounts.Get(c, id)
		if err != nil {
			return err
		}
		if di == nil {
			continue
		}
		now := c.Now()
		di.End = &now
		if err := c.Delete(di, "customer.discount.deleted"); err != nil {
			return err
		}
	}
	return nil
}

// A reduction is a discount that is in force, with the terms of its coupon.
type reduction struct {
	*customer.Discount
	coupon *catalog.Coupon
}

// reductions are those of the discounts that are in force at a time.
func reductions(c *api.Call, ids []string, at int64) ([]reduction, error) {
	var out []reduction
	for _, id := range ids {
		di, err := customer.Discounts.Late(c, id)
		if err != nil {
			return nil, err
		}
		if di == nil || di.End != nil && *di.End <= at {
			continue
		}
		cp, err := catalog.Coupons.Late(c, text(di.Source.Coupon)) // which may have been deleted since
		if err != nil {
			return nil, err
		}
		if cp != nil {
			out = append(out, reduction{di, cp})
		}
	}
	return out, nil
}

// share is what a reduction by percent takes off an amount; rounded half away from zero. Known from: facts 15e.
func (r reduction) share(amount int64) int64 { return percentOf(amount, *r.coupon.PercentOff) }

// percentOf is a percentage, of four decimals at the most, of an amount in minor units, rounded half away from zero.
func percentOf(amount int64, percent float64) int64 {
	return divide(amount*int64(math.Round(percent*10000)), 1000000)
}

// divide rounds half away from zero.
func divide(a, b int64) int64 {
	if (a < 0) != (b < 0) {
		return -((abs(a) + abs(b)/2) / abs(b))
	}
	return (abs(a) + abs(b)/2) / abs(b)
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
