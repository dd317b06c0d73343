package billing

import (
	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
)

// QuoteComputed is what the customer will be asked for: at first, and again and again.
type QuoteComputed struct {
	Recurring *QuoteRecurring `json:"recurring"` // null if nothing recurs
	Upfront   QuoteSum        `json:"upfront"`
}

// A QuoteSum is what items come to.
type QuoteSum struct {
	AmountSubtotal int64        `json:"amount_subtotal"`
	AmountTotal    int64        `json:"amount_total"`
	TotalDetails   QuoteDetails `json:"total_details"`
}

// QuoteRecurring is what comes again each interval.
type QuoteRecurring struct {
	QuoteSum
	Interval      string `json:"interval"`
	IntervalCount int64  `json:"interval_count"`
}

// QuoteDetails are what of a sum are discounts and taxes.
type QuoteDetails struct {
	AmountDiscount int64 `json:"amount_discount"`
	AmountShipping int64 `json:"amount_shipping"`
	AmountTax      int64 `json:"amount_tax"`
}

// A quoted is how a quote is added up: with a trial, or only what recurs.
type quoted struct {
	trial bool // what recurs costs nothing yet
	again bool // what comes with every renewal: of the discounts, only those for ever. Known from: the spec
}

// customer is who the quote is for; nil if that is not known, or he has been deleted.
func (q *Quote) customer(c *api.Call) (*customer.Customer, error) {
	if q.Customer == nil {
		return nil, nil
	}
	return customer.Customers.Get(c, *q.Customer)
}

// add adds the quote up, by the same rules as its invoices.
func (q *Quote) add(c *api.Call) error {
	whole, err := q.sum(c, quoted{}, func(it *QuoteItem) *ItemAmounts { return &it.Amounts })
	if err != nil {
		return err
	}
	q.AmountSubtotal, q.AmountTotal, q.TotalDetails = whole.AmountSubtotal, whole.AmountTotal, whole.TotalDetails
	trial := q.SubscriptionData.TrialPeriodDays != nil
	if q.Computed.Upfront, err = q.sum(c, quoted{trial: trial}, func(it *QuoteItem) *ItemAmounts { return &it.Upfront }); err != nil {
		return err
	}
	q.Computed.Recurring = nil
	again, err := q.recurring(c)
	if err != nil || len(again) == 0 {
		return err
	}
	sum, err := q.sum(c, quoted{again: true}, func(*QuoteItem) *ItemAmounts { return new(ItemAmounts) })
	r := again[0].Price.Recurring
	q.Computed.Recurring = &QuoteRecurring{sum, r.Interval, r.IntervalCount}
	return err
}

// sum is what the items come to, and each of them, on the invoice that they would stand on: what recurs first.
func (q *Quote) sum(c *api.Call, how quoted, of func(*QuoteItem) *ItemAmounts) (sum QuoteSum, err error) {
	cus, err := q.customer(c)
	if err != nil || len(q.Private.Items) == 0 {
		return sum, err
	}
	inv := &Invoice{Currency: *q.Currency, CustomerTaxExempt: "none", BillingReason: "manual"}
	discounts := q.Discounts
	if cus != nil {
		inv.CustomerTaxExempt = cus.TaxExempt
		if len(discounts) == 0 {
			discounts = discountsOf(cus)
		}
	}
	if inv.Discounts, err = how.discounts(c, discounts); err != nil {
		return sum, err
	}
	if inv.DefaultTaxRates, err = showRates(c, q.DefaultTaxRates); err != nil {
		return sum, err
	}
	if err := q.lines(c, inv, how); err != nil {
		return sum, err
	}
	if err := inv.add(c, nil); err != nil {
		return sum, err
	}
	for _, l := range inv.lines() {
		a := l.sums()
		*of(q.item(l.ID)) = a
		sum.AmountSubtotal += a.Subtotal
		sum.TotalDetails.AmountDiscount += a.Discount
		sum.TotalDetails.AmountTax += a.Tax
		sum.AmountTotal += a.Total
	}
	return sum, nil
}

// lines puts the items on an invoice that nobody will see.
func (q *Quote) lines(c *api.Call, inv *Invoice, how quoted) error {
	sales, err := q.sales(c)
	if err != nil {
		return err
	}
	var lines []*Line
	for _, n := range billed(sales) {
		it := q.Private.Items[n]
		if how.again && !it.Recurs {
			continue
		}
		l, err := inv.lineOfSale(&sales[n], n, how.trial)
		if err != nil {
			return err
		}
		l.ID = it.ID
		inv.taxBy(l, it.Rates)
		if l.Discounts, err = how.discounts(c, it.Discounts); err != nil {
			return err
		}
		lines = append(lines, l)
	}
	inv.setLines(lines)
	return nil
}

// discounts are those that count.
func (how quoted) discounts(c *api.Call, ids []string) ([]string, error) {
	if !how.again {
		return ids, nil
	}
	var out []string
	for _, id := range ids {
		di, err := customer.Discounts.Late(c, id)
		if err != nil {
			return nil, err
		}
		cp, err := catalog.Coupons.Late(c, text(di.Source.Coupon))
		if err != nil {
			return nil, err
		}
		if cp != nil && cp.Duration == "forever" {
			out = append(out, id)
		}
	}
	return out, nil
}

// sums are what a line comes to that has been added up.
func (l *Line) sums() ItemAmounts {
	a := ItemAmounts{Subtotal: l.Amount, Total: l.Amount}
	for _, off := range l.DiscountAmounts {
		a.Discount += off.Amount
		a.Total -= off.Amount
	}
	for _, t := range l.Taxes {
		a.Tax += t.Amount
		if t.TaxBehavior == "exclusive" {
			a.Total += t.Amount
		}
	}
	return a
}
