package billing

import (
	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/meter"
)

// Items at metered prices ask for what was used in a period, when it is over: so many as the meter counts. What is used in a trial is free, and nothing of it
// is prorated. Known from: facts 15b, 15k.

// metered says whether a price asks for usage.
func metered(p *catalog.Price) bool { return p.Recurring != nil && p.Recurring.UsageType == "metered" }

// A used is a period of a metered item that is over, and is to be billed.
type used struct {
	sub    *Subscription
	item   *Item
	price  *catalog.Price
	period Period
}

// usedBy are the periods of metered items that are over at a time, or break off there.
func (d *Domain) usedBy(c *api.Call, sub *Subscription, when int64, breaksOff bool) (out []used, err error) {
	for _, it := range sub.Items.Data {
		p, err := it.price(c)
		if err != nil {
			return nil, err
		}
		if metered(p) && (breaksOff || it.CurrentPeriodEnd <= when) && it.CurrentPeriodStart < when {
			out = append(out, used{sub, it, p, Period{min(when, it.CurrentPeriodEnd), it.CurrentPeriodStart}})
		}
	}
	return out, nil
}

// usageLines puts what was used on an invoice.
func (d *Domain) usageLines(c *api.Call, inv *Invoice, list []used) error {
	for _, u := range list {
		l, err := d.lineOf(c, u.sub, inv, u.item, u.price, u.period, true)
		if err != nil {
			return err
		}
		if err := l.measure(c, inv, u.price); err != nil {
			return err
		}
		inv.setLines(append(inv.lines(), l))
	}
	return nil
}

// measure gives a line of a metered item what the meter counts for its period.
func (l *Line) measure(c *api.Call, inv *Invoice, p *catalog.Price) (err error) {
	n := int64(0)
	if p.Recurring.Meter != nil {
		if n, err = meter.Usage(c, *p.Recurring.Meter, inv.Customer, l.Period.Start, l.Period.End); err != nil {
			return err
		}
	}
	if l.Amount, err = p.Amount(n, inv.Currency); err != nil {
		return err
	}
	name, label, err := catalog.ProductName(c, p.Product)
	if err != nil {
		return err
	}
	said := describe(n, name, label, p, inv.Currency)
	_, l.Pricing.UnitAmountDecimal, _ = p.UnitFor(inv.Currency)
	l.Description = &said
	l.count(n)
	return nil
}

// measureAgain counts what came late, before a draft is made final. Known from: facts 15k.
func (d *Domain) measureAgain(c *api.Call, inv *Invoice) error {
	for _, l := range inv.lines() {
		of := l.Parent.SubscriptionItemDetails
		if of == nil || of.Proration || l.Pricing == nil || l.Period.End > c.Now() || inv.BillingReason == "manual" {
			continue
		}
		p, err := catalog.Used(c, l.Pricing.PriceDetails.Price)
		if err != nil {
			return err
		}
		if p != nil && metered(p) {
			if err := l.measure(c, inv, p); err != nil {
				return err
			}
		}
	}
	return nil
}
