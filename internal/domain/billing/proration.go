package billing

import (
	"math/big"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
)

// Prorations: what a change in the middle of a period costs. What was billed for the rest of the period is given back, and the rest of the period is
// billed anew, each as an invoice item, rounded by itself, to the second. Known from: facts 15b.

// A Billed is what an item was last billed, and for what: what a credit is a part of. In classic mode a credit is a part of what the item costs now.
type Billed struct {
	Amount  int64  `json:"amount"` // minor units, after discounts
	From    int64  `json:"from"`
	To      int64  `json:"to"`
	Invoice string `json:"invoice,omitempty"`
	Line    string `json:"line,omitempty"`
	Item    string `json:"item,omitempty"` // the invoice item, of a proration
}

// bill remembers what a line bills for an item from a time on.
func (s *Subscription) bill(it *Item, inv *Invoice, l *Line, from int64) {
	if s.Private.Billed == nil {
		s.Private.Billed = map[string]Billed{}
	}
	s.Private.Billed[it.ID] = Billed{Amount: l.Amount, From: from, To: it.CurrentPeriodEnd, Invoice: inv.ID, Line: l.ID}
}

// left is the part of an amount for a period that is left of it.
func left(amount, when, from, to int64) int64 {
	if when >= to {
		return 0
	}
	return part(amount, to-max(when, from), to-from)
}

// part is so much of an amount, rounded to the nearest unit. A tie goes down, which is in the customer's favour: a credit of 2.5 is 3, a debit of 4.5 is 4.
// Known from: facts 15b; public reports of test mode at 2026-08-26.dahlia (the ties).
func part(amount, of, total int64) int64 {
	if total <= 0 {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(amount), big.NewInt(2*of))
	n.Add(n, big.NewInt(total-1))
	return n.Div(n, big.NewInt(2*total)).Int64() // floors, as total is above zero
}

// credit makes the item that gives back what was billed for the rest of an item's period; nil if nothing was.
func (d *Domain) credit(c *api.Call, sub *Subscription, cus *customer.Customer, it *Item, p *catalog.Price, when int64) (*InvoiceItem, error) {
	was, ok := sub.Private.Billed[it.ID]
	if !ok || was.To <= when {
		return nil, nil
	}
	amount, err := d.billed(c, sub, cus, it, p, was)
	if err != nil {
		return nil, err
	}
	if sub.BillingMode.Type == "classic" {
		of := whole(sub.BillingCycleAnchor, p.Recurring, was.From)
		was.From, was.To = of.Start, max(of.End, was.To)
	}
	ii, err := d.proration(c, sub, cus, it, p, "Unused time on ", when)
	if err != nil {
		return nil, err
	}
	ii.Amount = left(-amount, when, was.From, was.To)
	ii.Period = Period{was.To, when}
	details := &CreditedItems{Type: "invoice_line_items", InvoiceLineItemDetails: &CreditedList{was.Invoice, []string{was.Line}}}
	if was.Item != "" {
		details = &CreditedItems{Type: "invoice_item", InvoiceItem: &was.Item}
	}
	ii.ProrationDetails.CreditedItems = details
	ii.NetAmount = &ii.Amount
	delete(sub.Private.Billed, it.ID)
	return ii, nil
}

// billed is what a credit is a part of: what was billed, less its discounts; or, in classic mode, what a whole period costs now.
func (d *Domain) billed(c *api.Call, sub *Subscription, cus *customer.Customer, it *Item, p *catalog.Price, was Billed) (int64, error) {
	if sub.BillingMode.Type == "classic" {
		amount, err := it.amount(p, sub.Currency)
		if err != nil {
			return 0, err
		}
		return net(c, sub, cus, it, p, amount)
	}
	if was.Item != "" {
		return was.Amount, nil
	}
	inv, err := Invoices.Get(c, was.Invoice)
	if err != nil || inv == nil {
		return was.Amount, err
	}
	amount := was.Amount
	if l := inv.line(was.Line); l != nil {
		for _, off := range l.DiscountAmounts {
			amount -= off.Amount
		}
	}
	return amount, nil
}

// debit makes the item that bills the rest of an item's period.
func (d *Domain) debit(c *api.Call, sub *Subscription, cus *customer.Customer, it *Item, p *catalog.Price, when int64) (*InvoiceItem, error) {
	amount, err := it.amount(p, sub.Currency)
	if err != nil {
		return nil, err
	}
	if amount, err = net(c, sub, cus, it, p, amount); err != nil {
		return nil, err
	}
	ii, err := d.proration(c, sub, cus, it, p, "Remaining time on ", when)
	if err != nil {
		return nil, err
	}
	of := whole(sub.BillingCycleAnchor, p.Recurring, when)
	ii.Amount = part(amount, it.CurrentPeriodEnd-when, of.End-of.Start)
	ii.Period = Period{it.CurrentPeriodEnd, when}
	ii.NetAmount = &ii.Amount
	if sub.Private.Billed == nil {
		sub.Private.Billed = map[string]Billed{}
	}
	sub.Private.Billed[it.ID] = Billed{Amount: ii.Amount, From: when, To: it.CurrentPeriodEnd, Item: ii.ID}
	return ii, nil
}

// proration makes the item of a change, which is never discounted again: its amount has what discounts leave.
func (d *Domain) proration(c *api.Call, sub *Subscription, cus *customer.Customer, it *Item, p *catalog.Price, words string, when int64) (*InvoiceItem, error) {
	name, _, err := catalog.ProductName(c, p.Product)
	if err != nil {
		return nil, err
	}
	ii := blankItem(c, cus)
	ii.Currency, ii.Proration, ii.Discountable = sub.Currency, true, false
	ii.Description = opt(words + several(it.count(), name) + " after " + date(when))
	ii.Pricing = &Pricing{PriceDetails{p.ID, p.Product}, "price_details", nil}
	ii.Parent = &ItemParent{&ItemSubscription{sub.ID, it.ID}, "subscription_details"}
	ii.ProrationDetails = &ItemProration{DiscountAmounts: []DiscountAmount{}}
	ii.TaxRates = it.TaxRates
	ii.number(it.count())
	return ii, nil
}

// net is what is left of an item's amount by its discounts, and by those of its subscription, or else of its customer.
func net(c *api.Call, sub *Subscription, cus *customer.Customer, it *Item, p *catalog.Price, amount int64) (int64, error) {
	own, err := reductions(c, it.Discounts, c.Now())
	if err != nil {
		return 0, err
	}
	ids := sub.Discounts
	if len(ids) == 0 {
		ids = discountsOf(cus)
	}
	ofAll, err := reductions(c, ids, c.Now())
	if err != nil {
		return 0, err
	}
	for i, r := range append(own, ofAll...) {
		if amount <= 0 || !r.coupon.AppliesTo(p.Product) {
			continue
		}
		off, _ := r.coupon.AmountIn(sub.Currency)
		switch {
		case r.coupon.PercentOff != nil:
			off = r.share(amount)
		case i >= len(own):
			if off, err = sub.portion(c, it, r, off); err != nil {
				return 0, err
			}
		}
		amount -= min(off, amount)
	}
	return amount, nil
}

// portion is an item's part of an amount that is taken off all items that a coupon is for: by what they cost, the last having the rest; in classic mode
// the same for each. Known from: facts 15b, 15e.
func (s *Subscription) portion(c *api.Call, it *Item, r reduction, off int64) (int64, error) {
	var items []*Item
	var costs []int64
	var sum int64
	for _, other := range s.Items.Data {
		p, err := other.price(c)
		if err != nil {
			return 0, err
		}
		if !r.coupon.AppliesTo(p.Product) {
			continue
		}
		cost, err := other.amount(p, s.Currency)
		if err != nil {
			return 0, err
		}
		items, costs, sum = append(items, other), append(costs, cost), sum+cost
	}
	if s.BillingMode.Type == "classic" {
		return off / max(int64(len(items)), 1), nil
	}
	rest := off
	for i, other := range items {
		mine := rest
		if i < len(items)-1 {
			mine = off * costs[i] / max(sum, 1)
		}
		if other == it {
			return mine, nil
		}
		rest -= mine
	}
	return off, nil // it is the only one, and new
}
