package billing

import (
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
	if to <= from || when >= to {
		return 0
	}
	return divide(amount*(to-max(when, from)), to-from)
}

// credit makes the item that gives back what was billed for the rest of an item's period; nil if nothing was.
func (d *Domain) credit(c *api.Call, sub *Subscription, cus *customer.Customer, it *Item, p *catalog.Price, when int64) (*InvoiceItem, error) {
	was, ok := sub.Private.Billed[it.ID]
	if !ok || was.To <= when {
		return nil, nil
	}
	amount, err := d.billed(c, sub, it, p, was)
	if err != nil {
		return nil, err
	}
	ii, err := d.proration(c, sub, cus, it, p, "Unused time on ", when)
	if err != nil {
		return nil, err
	}
	ii.Amount = -left(amount, when, was.From, was.To)
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
func (d *Domain) billed(c *api.Call, sub *Subscription, it *Item, p *catalog.Price, was Billed) (int64, error) {
	if sub.BillingMode.Type == "classic" {
		amount, err := it.amount(p, sub.Currency)
		if err != nil {
			return 0, err
		}
		return net(c, sub, it, amount)
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
	if amount, err = net(c, sub, it, amount); err != nil {
		return nil, err
	}
	ii, err := d.proration(c, sub, cus, it, p, "Remaining time on ", when)
	if err != nil {
		return nil, err
	}
	ii.Amount = left(amount, when, it.CurrentPeriodStart, it.CurrentPeriodEnd)
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

// net is what the discounts of an item and its subscription leave of an amount.
func net(c *api.Call, sub *Subscription, it *Item, amount int64) (int64, error) {
	for _, ids := range [][]string{it.Discounts, sub.Discounts} {
		list, err := reductions(c, ids, c.Now())
		if err != nil {
			return 0, err
		}
		for _, r := range list {
			if r.coupon.PercentOff != nil {
				amount -= r.share(amount)
			} else if off, ok := r.coupon.AmountIn(sub.Currency); ok {
				amount -= min(off/int64(len(sub.Items.Data)), amount) // facts 15b, of the classic mode
			}
		}
	}
	return amount, nil
}
