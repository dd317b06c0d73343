package billing

import (
	"slices"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
)

// What a subscription does by itself, each as a task at its time.

// cycleSubscription is the task that ends a period and begins the next, with its invoice: a draft that is finalized and collected an hour later.
// Known from: facts 08 (8e, 8f), 15d.
func (d *Domain) cycleSubscription(c *api.Call, name string) error {
	sub, err := Subscriptions.Get(c, name)
	if err != nil || sub == nil || sub.over() || sub.Status == paused || sub.Status == incomplete || sub.periodEnd() > c.Now() {
		return err
	}
	if sub.CancelAt != nil && *sub.CancelAt <= c.Now() {
		return d.endSubscription(c, name)
	}
	if turned, err := d.turn(c, sub); err != nil || turned {
		return err
	}
	cus, err := customer.Customers.Get(c, sub.Customer)
	if err != nil || cus == nil {
		return err
	}
	if err := d.dropExpired(c, sub); err != nil {
		return err
	}
	tried := sub.Status == trialing
	if tried {
		if goesOn, err := d.endTrial(c, sub, cus); err != nil || !goesOn {
			return err
		}
	}
	var over []used
	if !tried {
		if over, err = d.usedBy(c, sub, c.Now(), false); err != nil {
			return err
		}
	}
	inv := d.invoiceFor(c, sub, cus, "subscription_cycle")
	due, err := d.nextPeriods(c, sub)
	if err != nil {
		return err
	}
	if err := d.takePending(c, inv, sub); err != nil {
		return err
	}
	if err := d.usageLines(c, inv, over); err != nil {
		return err
	}
	if err := d.periodLines(c, sub, inv, due, false); err != nil {
		return err
	}
	sub.schedule(c)
	if len(inv.lines()) == 0 {
		return d.save(c, sub, "customer.subscription.updated")
	}
	sub.LatestInvoice = &inv.ID
	if err := d.save(c, sub, "customer.subscription.updated"); err != nil {
		return err
	}
	return d.renew(c, sub, cus, inv)
}

// dropExpired ends the discounts of a subscription whose time is over. unverified: that they go when the next period begins, and not before.
func (d *Domain) dropExpired(c *api.Call, sub *Subscription) error {
	for _, id := range slices.Clone(sub.Discounts) {
		di, err := customer.Discounts.Get(c, id)
		if err != nil {
			return err
		}
		if di == nil || di.End == nil || *di.End > c.Now() {
			continue
		}
		if err := d.endDiscount(c, sub.ID, di); err != nil {
			return err
		}
	}
	return nil
}

// nextPeriods moves the items whose period has ended into the next.
func (d *Domain) nextPeriods(c *api.Call, sub *Subscription) (due []*Item, err error) {
	for _, it := range sub.Items.Data {
		if it.CurrentPeriodEnd > c.Now() {
			continue
		}
		var p *catalog.Price
		if p, err = it.price(c); err != nil {
			return nil, err
		}
		it.CurrentPeriodStart = it.CurrentPeriodEnd
		it.CurrentPeriodEnd = boundaryAfter(sub.BillingCycleAnchor, p.Recurring, it.CurrentPeriodStart)
		if end := sub.CancelAt; end != nil && *end > it.CurrentPeriodStart && *end < it.CurrentPeriodEnd {
			it.CurrentPeriodEnd = *end // facts 15c
		}
		due = append(due, it)
	}
	return due, nil
}

// renew tells of a renewal's invoice, and says when it goes on.
func (d *Domain) renew(c *api.Call, sub *Subscription, cus *customer.Customer, inv *Invoice) error {
	if err := inv.add(c, cus); err != nil {
		return err
	}
	pause := sub.PauseCollection
	switch {
	case sub.Status == unpaid || pause != nil && pause.Behavior == "keep_as_draft": // facts 15d, 15h
		inv.AutoAdvance = false
	case pause != nil:
		inv.AutoAdvance = false
		if err := c.Save(inv, "invoice.created"); err != nil {
			return err
		}
		if err := d.finalizeAndTell(c, inv); err != nil || inv.Status == paid {
			return err
		}
		if pause.Behavior == void {
			return d.void(c, inv)
		}
		if err := inv.move(uncollectible, c.Now()); err != nil {
			return err
		}
		return c.Save(inv, "invoice.updated", "invoice.marked_uncollectible")
	default:
		inv.finalizesAt(c, c.Now()+hour)
	}
	return c.Save(inv, "invoice.created")
}

// endTrial ends a trial whose time has come. A customer who has nothing to pay with is dealt with as the subscription says; goesOn says whether the first
// period that is paid begins.
func (d *Domain) endTrial(c *api.Call, sub *Subscription, cus *customer.Customer) (goesOn bool, err error) {
	pm, err := d.first(c, cus, sub.DefaultPaymentMethod, sub.DefaultSource)
	if err != nil {
		return false, err
	}
	if now := c.Now(); *sub.TrialEnd > now { // it is ended before its time
		sub.TrialEnd = &now
		for _, it := range sub.Items.Data {
			it.CurrentPeriodEnd = now
		}
	}
	if pm == nil && sub.CollectionMethod == automatic {
		switch sub.TrialSettings.EndBehavior.MissingPaymentMethod {
		case "cancel":
			return false, d.end(c, sub, ending{})
		case "pause":
			if err := sub.move(paused); err != nil {
				return false, err
			}
			return false, d.save(c, sub, "customer.subscription.updated", "customer.subscription.paused")
		}
	}
	return true, sub.move(active)
}

// trialWillEnd is the task that tells that a trial ends in three days.
func (d *Domain) trialWillEnd(c *api.Call, name string) error {
	sub, err := Subscriptions.Get(c, name)
	if err != nil || sub == nil || sub.Status != trialing || *sub.TrialEnd-3*86400 > c.Now() {
		return err
	}
	return c.Emit("customer.subscription.trial_will_end", sub)
}

// expireSubscription is the task that gives up on a first payment, or on that of a subscription that was to be resumed, which stays paused. Known from:
// facts 15d, 15h.
func (d *Domain) expireSubscription(c *api.Call, name string) error {
	sub, err := Subscriptions.Get(c, name)
	if err != nil || sub == nil || sub.Status != incomplete && sub.Status != paused {
		return err
	}
	if sub.Status == incomplete {
		err = d.expireNow(c, sub)
	}
	if err != nil {
		return err
	}
	inv, err := Invoices.Get(c, text(sub.LatestInvoice))
	if err != nil || inv == nil || inv.Status != open || inv.Created+incompleteFor > c.Now() {
		return err
	}
	return d.void(c, inv)
}

// follow makes a subscription what the collection of one of its invoices makes it. Known from: facts 08 (8f), 15d.
func (d *Domain) follow(c *api.Call, inv *Invoice, how outcome) error {
	sub, err := Subscriptions.Get(c, inv.subscription())
	if err != nil || sub == nil || sub.over() || inv.BillingReason == "manual" {
		return err
	}
	latest := text(sub.LatestInvoice) == inv.ID
	to := sub.Status
	switch {
	case how == itPaid && sub.Status == paused && latest:
		return d.resumed(c, sub, active)
	case (how == itPaid || how == itWaits) && sub.Status == incomplete && latest: // a bank is trusted until it says no; unverified
		if to = active; sub.TrialEnd != nil && *sub.TrialEnd > c.Now() {
			to = trialing
		}
		d.keepMethod(c, sub, inv)
	case how == itPaid && (sub.Status == pastDue || sub.Status == unpaid):
		return d.caughtUp(c, sub)
	case (how == itFailed || how == itAsks) && sub.Status == active:
		to = pastDue
	}
	if how == itFailed && !inv.AutoAdvance && inv.Private.Tries >= int64(len(retries)) && (to == pastDue || to == active) {
		return d.end(c, sub, ending{reason: "payment_failed"}) // facts 15d: what the account does at last; canceled unless it says otherwise
	}
	if to == sub.Status {
		return nil
	}
	if err := sub.move(to); err != nil {
		return err
	}
	sub.schedule(c)
	return d.save(c, sub, "customer.subscription.updated")
}

// resumed wakes a subscription that was paused.
func (d *Domain) resumed(c *api.Call, sub *Subscription, to string) error {
	if err := sub.move(to); err != nil {
		return err
	}
	sub.schedule(c)
	return d.save(c, sub, "customer.subscription.updated", "customer.subscription.resumed")
}

// closed makes a subscription what it is when one of its invoices was voided, or given up. Known from: facts 15d.
func (d *Domain) closed(c *api.Call, inv *Invoice) error {
	sub, err := Subscriptions.Get(c, inv.subscription())
	if err != nil || sub == nil {
		return err
	}
	latest := text(sub.LatestInvoice) == inv.ID
	switch {
	case latest && sub.Status == incomplete && inv.Status == void:
		return d.expireNow(c, sub)
	case latest && sub.Status == paused && inv.Status == uncollectible: // facts 15h
		return d.resumed(c, sub, active)
	case sub.Status == pastDue || sub.Status == unpaid:
		return d.caughtUp(c, sub)
	}
	return nil
}

// caughtUp makes a subscription active that owes nothing any more.
func (d *Domain) caughtUp(c *api.Call, sub *Subscription) error {
	if owes, err := d.owes(c, sub); err != nil || owes {
		return err
	}
	if err := sub.move(active); err != nil {
		return err
	}
	return d.save(c, sub, "customer.subscription.updated")
}

// owes says whether the newest invoice of a subscription that counts, which is neither a draft nor void, has still to be paid.
func (d *Domain) owes(c *api.Call, sub *Subscription) (owes bool, err error) {
	err = Invoices.Each(c, "parent.subscription_details.subscription", sub.ID, func(inv *Invoice) bool {
		owes = inv.Status == open
		return inv.Status == draft || inv.Status == void
	})
	return owes, err
}

// expireNow ends a subscription that was never paid.
func (d *Domain) expireNow(c *api.Call, sub *Subscription) error {
	now := c.Now()
	sub.EndedAt = &now // unverified
	if err := sub.move(expired); err != nil {
		return err
	}
	return d.save(c, sub, "customer.subscription.updated")
}
