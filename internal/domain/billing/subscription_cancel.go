package billing

import (
	"slices"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/fault"
)

// An ending is how a subscription ends.
type ending struct {
	reason  string // of cancellation_details; "" leaves it
	prorate bool   // the rest of the period is given back
	invoice bool   // what is still to be billed is billed now
}

// cancelSubscription ends a subscription at once. Known from: facts 08 (8f), 15h.
func (d *Domain) cancelSubscription(c *api.Call) (any, error) {
	sub, _, err := d.inPath(c, "subscription_exposed_id")
	if err != nil {
		return nil, err
	}
	if sub.over() {
		return nil, Subscriptions.Missing(sub.ID, "id", 404) // recorded of older versions: one that has ended is as if it were not there
	}
	if err := c.ParamsOnly(sub, "cancellation_details"); err != nil {
		return nil, err
	}
	return sub, d.end(c, sub, ending{"cancellation_requested", c.P.True("prorate"), c.P.True("invoice_now")})
}

// endSubscription is the task that ends a subscription at the time that it was to end.
func (d *Domain) endSubscription(c *api.Call, name string) error {
	sub, err := Subscriptions.Get(c, name)
	if err != nil || sub == nil || sub.over() || sub.CancelAt == nil || *sub.CancelAt > c.Now() {
		return err
	}
	cus, err := customer.Customers.Get(c, sub.Customer)
	if err != nil || cus == nil {
		return err
	}
	// What waits for the next invoice is billed on a last one. Known from: facts 15d.
	items, err := pendingItems(c, sub.Customer, sub.ID, sub.Currency)
	if err != nil {
		return err
	}
	over, err := d.usedBy(c, sub, c.Now(), true)
	if err != nil {
		return err
	}
	return d.end(c, sub, ending{invoice: len(items) > 0 || len(over) > 0})
}

// end ends a subscription.
func (d *Domain) end(c *api.Call, sub *Subscription, how ending) error {
	now := c.Now()
	cus, err := customer.Customers.Get(c, sub.Customer)
	if err != nil {
		return err
	}
	if cus != nil {
		if err := d.lastItems(c, sub, cus, how); err != nil {
			return err
		}
	}
	if sub.CanceledAt == nil {
		sub.CanceledAt = &now
	}
	if how.reason == "cancellation_requested" { // facts 15h
		sub.CancelAt, sub.CancelAtPeriodEnd = nil, false
	}
	if how.reason != "" {
		sub.CancellationDetails.Reason = &how.reason
	}
	sub.EndedAt = &now
	if err := sub.move(canceled); err != nil {
		return err
	}
	if err := stopInvoices(c, "parent.subscription_details.subscription", sub.ID); err != nil {
		return err
	}
	if err := d.save(c, sub, "customer.subscription.deleted"); err != nil {
		return err
	}
	return d.scheduleEnds(c, sub, how.reason)
}

// lastItems deals with what is not billed yet: it is billed now, waits for the customer's next invoice, or goes.
func (d *Domain) lastItems(c *api.Call, sub *Subscription, cus *customer.Customer, how ending) error {
	var credits []*InvoiceItem
	if how.prorate && (sub.Status == active || sub.Status == pastDue) {
		for _, it := range sub.Items.Data {
			p, err := it.price(c)
			if err != nil {
				return err
			}
			ii, err := d.credit(c, sub, cus, it, p, c.Now())
			if err != nil {
				return err
			}
			if ii == nil {
				continue
			}
			if err := c.Save(ii, "invoiceitem.created"); err != nil {
				return err
			}
			credits = append(credits, ii)
		}
	}
	if how.invoice {
		return d.lastInvoice(c, sub, cus, credits)
	}
	if how.prorate || how.reason != "cancellation_requested" {
		return nil
	}
	items, err := pendingItems(c, sub.Customer, sub.ID, sub.Currency)
	for _, ii := range items {
		if err == nil && ii.Proration && ii.subscription() == sub.ID {
			err = c.Delete(ii, "invoiceitem.deleted")
		}
	}
	return err
}

// lastInvoice bills all that waits, at once.
func (d *Domain) lastInvoice(c *api.Call, sub *Subscription, cus *customer.Customer, credits []*InvoiceItem) error {
	inv := d.invoiceFor(c, sub, cus, "subscription_cycle")
	if err := d.takePending(c, inv, sub); err != nil {
		return err
	}
	for _, ii := range credits {
		if err := d.putOn(c, inv, ii); err != nil {
			return err
		}
	}
	if sub.Status != trialing && sub.Status != paused {
		over, err := d.usedBy(c, sub, c.Now(), true)
		if err != nil {
			return err
		}
		if err := d.usageLines(c, inv, over); err != nil {
			return err
		}
	}
	if len(inv.lines()) == 0 {
		return nil
	}
	sub.LatestInvoice = &inv.ID
	inv.AutoAdvance = false // facts 15d: the invoices of one that is canceled go nowhere by themselves
	if err := d.retotal(c, inv, "invoice.created"); err != nil {
		return err
	}
	if inv.Total < 0 {
		c.Soon(func(c *api.Call) error { return d.writeOff(c, inv) })
		return nil
	}
	if err := d.finalizeAndTell(c, inv); err != nil || inv.Status == paid || sub.CollectionMethod == send {
		return err
	}
	pm, err := d.methodOf(c, inv)
	if err != nil || pm == nil {
		return err
	}
	result, err := d.charge(c, inv, pm, try{})
	if err != nil {
		return err
	}
	return d.tell(c, inv, result)
}

// writeOff gives up a last invoice that gives money back: a subscription that has ended has nothing to set it off against, and the customer's balance is
// left alone. Seen in test mode at 2026-08-26.dahlia, five seconds later.
func (d *Domain) writeOff(c *api.Call, inv *Invoice) error {
	if err := inv.move(uncollectible, c.Now()); err != nil {
		return err
	}
	return c.Save(inv, "invoice.updated", "invoice.marked_uncollectible")
}

// stopInvoices keeps invoices from going on by themselves: those of a subscription that has ended, or of a customer who is gone. Known from: facts 15d.
func stopInvoices(c *api.Call, path, of string) error {
	var stop []*Invoice
	err := Invoices.Each(c, path, of, func(inv *Invoice) bool {
		if inv.AutoAdvance && (inv.Status == open || inv.Status == draft) {
			stop = append(stop, inv)
		}
		return true
	})
	for _, inv := range stop {
		if err == nil {
			inv.AutoAdvance, inv.NextPaymentAttempt, inv.AutomaticallyFinalizesAt = false, nil, nil
			err = c.Save(inv, "invoice.updated")
		}
	}
	return err
}

// resumeSubscription wakes a subscription that was paused because a trial ended without a payment method. Known from: facts 15h.
func (d *Domain) resumeSubscription(c *api.Call) (any, error) {
	sub, cus, err := d.inPath(c, "subscription")
	if err != nil {
		return nil, err
	}
	if sub.Status != paused {
		return nil, fault.SubscriptionNotPaused()
	}
	if sub.CollectionMethod == send {
		return nil, fault.ResumeNotSent()
	}
	ch := &change{sub: sub, cus: cus, prorate: "none", when: c.Now(), anew: true}
	if c.P.Str("billing_cycle_anchor") == "unchanged" {
		if err := d.rejoin(c, ch); err != nil || sub.Status != paused {
			return sub, err
		}
	} else if err := d.carryOut(c, ch); err != nil {
		return nil, err
	}
	ch.quick = active
	return d.billChange(c, ch)
}

// rejoin resumes a subscription in the middle of the periods that its anchor gives: the rest of each waits for the next invoice, or is billed now, or is
// free. Without an invoice it is active at once. Known from: the spec; unverified: the rest.
func (d *Domain) rejoin(c *api.Call, ch *change) error {
	sub := ch.sub
	ch.anew, ch.prorate = false, "create_prorations"
	if how := c.P.Str("proration_behavior"); how != "" {
		ch.prorate = how
	}
	if c.P.Given("proration_date") {
		ch.when = c.P.Num("proration_date")
	}
	for _, it := range sub.Items.Data {
		p, err := it.price(c)
		if err != nil {
			return err
		}
		now := whole(sub.BillingCycleAnchor, p.Recurring, c.Now())
		if ch.when < now.Start || ch.when > now.End {
			return fault.ProrationDateOutside()
		}
		it.CurrentPeriodStart, it.CurrentPeriodEnd = now.Start, now.End
		if ch.prorate == "none" {
			continue
		}
		ii, err := d.debit(c, sub, ch.cus, it, p, ch.when)
		if err != nil {
			return err
		}
		if err := c.Save(ii, "invoiceitem.created"); err != nil {
			return err
		}
		ch.items = append(ch.items, ii)
	}
	if ch.prorate == "always_invoice" {
		return nil
	}
	return d.resumed(c, sub, active)
}

// customerDeleted is the customers' hook: the subscriptions of one that is deleted end. Known from: facts 08 (8m).
func (d *Domain) customerDeleted(c *api.Call, cus *customer.Customer) error {
	var subs []*Subscription
	err := Subscriptions.Each(c, "customer", cus.ID, func(sub *Subscription) bool {
		if !sub.over() {
			subs = append(subs, sub)
		}
		return true
	})
	for _, sub := range subs {
		if err == nil {
			err = d.end(c, sub, ending{reason: "cancellation_requested"})
		}
	}
	if err != nil {
		return err
	}
	return stopInvoices(c, "customer", cus.ID)
}

// retrieveSubscriptionDiscount answers with the subscription's first discount, as older programs ask.
func (d *Domain) retrieveSubscriptionDiscount(c *api.Call) (any, error) {
	_, di, err := d.discountInPath(c)
	return answer(di, err)
}

// deleteSubscriptionDiscount takes all discounts from a subscription; the customer's applies again.
func (d *Domain) deleteSubscriptionDiscount(c *api.Call) (any, error) {
	sub, di, err := d.discountInPath(c)
	if err != nil {
		return nil, err
	}
	for _, id := range append([]string{}, sub.Discounts...) {
		one, err := customer.Discounts.Get(c, id)
		if err != nil {
			return nil, err
		}
		if one != nil {
			if err := d.endDiscount(c, sub.ID, one); err != nil {
				return nil, err
			}
		}
	}
	return api.JSON(customer.DeletedDiscount(di)), nil
}

func (d *Domain) discountInPath(c *api.Call) (*Subscription, *customer.Discount, error) {
	sub, _, err := d.inPath(c, "subscription_exposed_id")
	if err != nil {
		return nil, nil, err
	}
	if len(sub.Discounts) == 0 {
		return nil, nil, fault.NoSubscriptionDiscount(sub.ID)
	}
	di, err := customer.Discounts.Get(c, sub.Discounts[0])
	if err == nil && di == nil {
		err = fault.NoSubscriptionDiscount(sub.ID)
	}
	return sub, di, err
}

// endDiscount takes a discount from its subscription.
func (d *Domain) endDiscount(c *api.Call, name string, di *customer.Discount) error {
	sub, err := Subscriptions.Get(c, name)
	if err != nil || sub == nil {
		return err
	}
	kept := []string{}
	for _, id := range sub.Discounts {
		if id != di.ID {
			kept = append(kept, id)
		}
	}
	sub.Discounts = kept
	for _, it := range sub.Items.Data {
		it.Discounts = slices.DeleteFunc(slices.Clone(it.Discounts), func(id string) bool { return id == di.ID })
	}
	now := c.Now()
	di.End = &now
	if err := c.Save(sub); err != nil {
		return err
	}
	return c.Delete(di, "customer.discount.deleted")
}
