package billing

import (
	"slices"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
)

// A change is what a request makes of a subscription, and what it costs.
type change struct {
	sub     *Subscription
	cus     *customer.Customer
	edits   []edit
	prorate string // proration_behavior: create_prorations, always_invoice or none
	when    int64  // proration_date
	anew    bool   // a period begins now: the anchor is reset, or a trial ends
	ends    bool   // a trial ends
	trial   int64  // when a trial ends that begins now; 0: none does
	phase   bool   // a schedule wants it: what begins now is billed by the renewal, and an invoice is a draft for an hour

	items []*InvoiceItem // the prorations
	used  []used         // what was used of the period that breaks off
	bill  bool           // there is to be an invoice now
	quick string         // what the subscription becomes when that is paid
}

// updateSubscription changes a subscription. What changes its price in the middle of a period is prorated.
func (d *Domain) updateSubscription(c *api.Call) (any, error) {
	sub, cus, err := d.inPath(c, "subscription_exposed_id")
	if err != nil {
		return nil, err
	}
	if err := checkSubscription(c.P); err != nil {
		return nil, err
	}
	if sub.over() {
		return d.updateEnded(c, sub)
	}
	if sub.Schedule != nil && (c.P.Has("cancel_at") || c.P.Has("cancel_at_period_end")) {
		return nil, fault.ManagedBySchedule(*sub.Schedule)
	}
	edits, err := d.edits(c, sub, c.P.Get("items"))
	if err != nil {
		return nil, err
	}
	ch, err := d.planChange(c, sub, cus, edits)
	if err != nil {
		return nil, err
	}
	if err := d.takeUpdate(c, sub); err != nil {
		return nil, err
	}
	if ch.ends {
		goesOn, err := d.endTrial(c, sub, cus)
		if err != nil || sub.over() || !goesOn && len(edits) == 0 {
			return sub, err
		}
		ch.anew = goesOn
	}
	if err := d.carryOut(c, ch); err != nil {
		return nil, err
	}
	if err := sub.endsAt(c); err != nil {
		return nil, err
	}
	if err := d.fitPeriods(c, ch); err != nil {
		return nil, err
	}
	return d.changed(c, ch)
}

// takeUpdate applies the parameters that cost nothing.
func (d *Domain) takeUpdate(c *api.Call, sub *Subscription) error {
	if c.P.Has("cancellation_details") && sub.CancelAt == nil && !c.P.Given("cancel_at") && !c.P.True("cancel_at_period_end") {
		return fault.NotSetToCancel()
	}
	if err := d.takeSubscription(c, sub); err != nil {
		return err
	}
	if err := c.ParamsOnly(sub, "cancellation_details"); err != nil {
		return err
	}
	return d.pauseCollection(c, sub)
}

// fitPeriods makes the periods of items end when the subscription is to end: what was billed for the time behind that is given back, or billed again if
// it is to end later. Known from: facts 15b, 15c.
func (d *Domain) fitPeriods(c *api.Call, ch *change) error {
	sub := ch.sub
	if !c.P.Has("cancel_at") || ch.prorate == "none" || ch.anew || sub.Status != active && sub.Status != pastDue {
		return nil
	}
	for _, it := range sub.Items.Data {
		p, err := it.price(c)
		if err != nil {
			return err
		}
		end := sub.periodAfter(p.Recurring, it.CurrentPeriodStart)
		if sub.CancelAt != nil {
			end = min(end, *sub.CancelAt)
		}
		if err := d.fitPeriod(c, ch, it, p, end); err != nil {
			return err
		}
	}
	ch.bill = ch.bill || ch.prorate == "always_invoice" && len(ch.items) > 0
	return nil
}

func (d *Domain) fitPeriod(c *api.Call, ch *change, it *Item, p *catalog.Price, end int64) (err error) {
	var ii *InvoiceItem
	was, old := ch.sub.Private.Billed[it.ID], it.CurrentPeriodEnd
	switch {
	case end < old:
		if ii, err = d.credit(c, ch.sub, ch.cus, it, p, end); ii == nil {
			it.CurrentPeriodEnd = end
			return err
		}
		it.CurrentPeriodEnd = end
	case end > old:
		it.CurrentPeriodEnd = end
		if ii, err = d.debit(c, ch.sub, ch.cus, it, p, old); err != nil {
			return err
		}
	default:
		return nil
	}
	ch.items = append(ch.items, ii)
	was.Amount, was.To = was.Amount+ii.Amount, end
	ch.sub.Private.Billed[it.ID] = was
	return nil
}

// updateEnded changes what may be changed of a subscription that has ended. Known from: facts 15o.
func (d *Domain) updateEnded(c *api.Call, sub *Subscription) (any, error) {
	for _, f := range c.P.Fields {
		if f.Name != "metadata" && f.Name != "cancellation_details" && f.Name != "expand" {
			return nil, fault.SubscriptionEnded()
		}
	}
	if err := c.ParamsOnly(sub, "metadata", "cancellation_details"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(sub.Metadata); err != nil {
		return nil, err
	}
	return sub, d.save(c, sub, "customer.subscription.updated")
}

// planChange reads what a change is, and refuses what cannot be.
func (d *Domain) planChange(c *api.Call, sub *Subscription, cus *customer.Customer, edits []edit) (*change, error) {
	p, now := c.P, c.Now()
	ch := &change{sub: sub, cus: cus, edits: edits, prorate: "create_prorations", when: now}
	if how := p.Str("proration_behavior"); how != "" {
		ch.prorate = how
	}
	if p.Given("proration_date") {
		ch.when = p.Num("proration_date")
		if ch.when < sub.periodStart() || ch.when > sub.periodEnd() {
			return nil, fault.ProrationDateOutside()
		}
	}
	if len(edits) > 0 {
		if err := d.fits(c, sub, edits); err != nil {
			return nil, err
		}
	}
	ch.anew = p.Str("billing_cycle_anchor") == "now"
	if err := ch.takeTrial(c); err != nil {
		return nil, err
	}
	for _, e := range edits {
		if e.item == nil || e.price == nil || sub.BillingMode.Type != "classic" {
			continue
		}
		old, err := e.item.price(c)
		if err != nil {
			return nil, err
		}
		if !same(old.Recurring, e.price.Recurring) { // facts 15b: classic starts anew
			ch.anew = true
		}
	}
	if sub.Status == incomplete && (len(edits) > 0 || ch.anew || ch.trial > 0) {
		return nil, fault.SubscriptionIncomplete()
	}
	return ch, nil
}

// takeTrial reads trial_end: "now" ends a trial, a time begins one, or moves its end. Known from: facts 15c.
func (ch *change) takeTrial(c *api.Call) error {
	if end := c.P.Get("trial_end"); end != nil && end.Text == "now" {
		ch.ends = ch.sub.Status == trialing
		ch.anew = ch.anew || ch.ends
		return nil
	}
	when, err := trialEnd(c, ch.edits)
	ch.trial = when
	return err
}

// carryOut changes the items and their periods, and makes the prorations.
func (d *Domain) carryOut(c *api.Call, ch *change) error {
	sub, now := ch.sub, c.Now()
	if ch.anew || ch.trial > 0 {
		if err := d.restart(c, ch); err != nil {
			return err
		}
	}
	free := sub.Status == trialing && !ch.anew || sub.Status == paused || ch.trial > 0
	items := slices.Clone(sub.Items.Data)
	for _, e := range ch.edits {
		if err := d.editOne(c, ch, e, &items, free); err != nil {
			return err
		}
	}
	sub.setItems(items)
	if ch.anew { // the new period is billed in full, now
		for _, it := range items {
			p, err := it.price(c)
			if err != nil {
				return err
			}
			it.CurrentPeriodStart, it.CurrentPeriodEnd = now, boundaryAfter(sub.BillingCycleAnchor, p.Recurring, now)
		}
		ch.bill = true
	}
	if ch.trial > 0 {
		for _, it := range items {
			it.CurrentPeriodStart, it.CurrentPeriodEnd = now, ch.trial
		}
		ch.bill = true
	}
	if ch.prorate == "always_invoice" && len(ch.items) > 0 {
		ch.bill = true
	}
	return nil
}

// restart begins a period now: a trial, or, when one ends or the anchor is reset, a paid one. What was billed for the one that breaks off is given back.
func (d *Domain) restart(c *api.Call, ch *change) error {
	sub, now := ch.sub, c.Now()
	if sub.Status != trialing && sub.Status != paused {
		var err error
		if ch.used, err = d.usedBy(c, sub, now, true); err != nil {
			return err
		}
	}
	if ch.prorate != "none" {
		for _, it := range sub.Items.Data {
			p, err := it.price(c)
			if err != nil {
				return err
			}
			ii, err := d.credit(c, sub, ch.cus, it, p, ch.when)
			if err != nil {
				return err
			}
			if ii != nil {
				ch.items = append(ch.items, ii)
			}
		}
	}
	sub.Private.Billed = nil
	if ch.trial > 0 {
		if sub.Status != trialing {
			sub.TrialStart = &now
		}
		sub.TrialEnd, sub.BillingCycleAnchor, ch.quick = &ch.trial, ch.trial, trialing
		return nil
	}
	sub.BillingCycleAnchor, ch.quick = now, active
	if sub.Status == trialing {
		sub.TrialEnd = &now
	}
	return nil
}

// editOne carries out the edit of one item. Only a price or a quantity that changes costs something. Known from: facts 15b.
func (d *Domain) editOne(c *api.Call, ch *change, e edit, items *[]*Item, free bool) error {
	sub, it := ch.sub, e.item
	costs := !free && !ch.anew && ch.prorate != "none" && (sub.Status == active || sub.Status == pastDue)
	note := func(ii *InvoiceItem, err error) error {
		if err == nil && ii != nil {
			ch.items = append(ch.items, ii)
		}
		return err
	}
	var old *catalog.Price
	var err error
	if it != nil {
		if old, err = it.price(c); err != nil {
			return err
		}
		differs := e.deleted || e.price != nil && e.price.ID != old.ID || e.quantity != nil && *e.quantity != it.count()
		if differs && costs {
			if err := note(d.credit(c, sub, ch.cus, it, old, ch.when)); err != nil {
				return err
			}
		}
		if e.deleted {
			*items = slices.DeleteFunc(*items, func(o *Item) bool { return o == it })
			delete(sub.Private.Billed, it.ID)
			at, err := places.Get(c, it.ID)
			if err != nil || at == nil {
				return err
			}
			return c.Delete(at)
		}
		costs = costs && differs
	} else {
		if it, err = d.newSubscriptionItem(c, sub, e); err != nil {
			return err
		}
		*items = append(*items, it)
	}
	p := old
	if e.price != nil {
		p = e.price
		if err := it.sellAt(c, p); err != nil {
			return err
		}
	}
	if e.quantity != nil {
		n := *e.quantity
		it.Quantity = &n
	}
	if e.item != nil {
		if err := d.take(c, sub, it, e); err != nil {
			return err
		}
	}
	if old == nil || !same(old.Recurring, p.Recurring) {
		it.CurrentPeriodStart, it.CurrentPeriodEnd = boundaryBefore(sub.BillingCycleAnchor, p.Recurring, c.Now()), sub.periodAfter(p.Recurring, c.Now())
		if e.item == nil {
			it.CurrentPeriodStart = max(it.CurrentPeriodStart, sub.StartDate)
		}
		if ch.phase && it.CurrentPeriodStart >= ch.when && (sub.TrialEnd == nil || *sub.TrialEnd <= ch.when) {
			it.CurrentPeriodEnd = ch.when
		}
	}
	if metered(p) {
		it.Quantity = nil
	}
	if !costs || metered(p) || ch.phase && it.CurrentPeriodEnd <= ch.when {
		return nil
	}
	return note(d.debit(c, sub, ch.cus, it, p, ch.when))
}

// changeItems changes a subscription by its items alone.
func (d *Domain) changeItems(c *api.Call, sub *Subscription, edits []edit) error {
	if err := checkSubscription(c.P); err != nil {
		return err
	}
	if sub.over() {
		return fault.SubscriptionEnded()
	}
	cus, err := customer.Customers.Get(c, sub.Customer)
	if err != nil {
		return err
	}
	ch, err := d.planChange(c, sub, cus, edits)
	if err != nil {
		return err
	}
	if err := d.carryOut(c, ch); err != nil {
		return err
	}
	_, err = d.changed(c, ch)
	return err
}

// changed keeps a change: its prorations wait for the next invoice, or are billed at once.
func (d *Domain) changed(c *api.Call, ch *change) (any, error) {
	sub := ch.sub
	if !ch.phase {
		if err := d.splitPhase(c, sub); err != nil {
			return nil, err
		}
	}
	for _, ii := range ch.items {
		if err := c.Save(ii, "invoiceitem.created"); err != nil {
			return nil, err
		}
	}
	if ch.trial > 0 {
		sub.remind(c)
	}
	if !ch.bill {
		ch.goOn(c)
		return sub, d.save(c, sub, "customer.subscription.updated")
	}
	return d.billChange(c, ch)
}

// billChange bills a change at once.
func (d *Domain) billChange(c *api.Call, ch *change) (any, error) {
	sub := ch.sub
	inv := d.invoiceFor(c, sub, ch.cus, "subscription_update")
	if ch.anew || ch.trial > 0 { // facts 15b
		inv.PeriodStart = c.Now()
	}
	later := sub.CollectionMethod == send || ch.phase
	for _, ii := range ch.items {
		if err := d.putOn(c, inv, ii); err != nil {
			return nil, err
		}
		if err := c.Save(ii); err != nil {
			return nil, err
		}
	}
	if err := d.takePending(c, inv, sub); err != nil {
		return nil, err
	}
	if err := d.addExtras(c, sub, ch.cus, inv); err != nil {
		return nil, err
	}
	if err := d.usageLines(c, inv, ch.used); err != nil {
		return nil, err
	}
	if ch.anew || ch.trial > 0 {
		if err := d.periodLines(c, sub, inv, sub.Items.Data, ch.trial > 0); err != nil {
			return nil, err
		}
	}
	to := sub.Status
	if ch.quick != "" {
		to = ch.quick
	}
	sub.LatestInvoice = &inv.ID
	was := sub.Status
	told := func() error {
		if was == paused && sub.Status != paused {
			return d.save(c, sub, "customer.subscription.updated", "customer.subscription.resumed")
		}
		return d.save(c, sub, "customer.subscription.updated")
	}
	if later {
		inv.finalizesAt(c, c.Now()+hour)
		if err := sub.move(to); err != nil {
			return nil, err
		}
		ch.goOn(c)
		if err := told(); err != nil {
			return nil, err
		}
		return sub, d.retotal(c, inv, "invoice.created")
	}
	return d.billNow(c, &bill{sub: sub, inv: inv, behavior: c.P.Str("payment_behavior"), then: to, told: told})
}

// periodLines puts items on an invoice for the period that they are in.
func (d *Domain) periodLines(c *api.Call, sub *Subscription, inv *Invoice, items []*Item, trial bool) error {
	for _, it := range items {
		p, err := it.price(c)
		if err != nil {
			return err
		}
		if metered(p) {
			continue // it is asked for when it has been used
		}
		l, err := d.lineOf(c, sub, inv, it, p, Period{it.CurrentPeriodEnd, it.CurrentPeriodStart}, trial)
		if err != nil {
			return err
		}
		inv.setLines(append(inv.lines(), l))
		if !trial {
			sub.bill(it, inv, l, it.CurrentPeriodStart)
		}
	}
	return nil
}

// pauseCollection takes pause_collection: nothing is collected until it is taken away, or its time has come.
func (d *Domain) pauseCollection(c *api.Call, sub *Subscription) error {
	v := c.P.Get("pause_collection")
	switch {
	case v != nil && v.Given("resumes_at") && v.Num("resumes_at") <= c.Now():
		return fault.InThePast("pause_collection[resumes_at]")
	case v == nil:
	case v.Kind == form.Unset:
		sub.PauseCollection = nil
	default:
		sub.PauseCollection = &PauseCollection{Behavior: v.Str("behavior")}
		if v.Given("resumes_at") {
			when := v.Num("resumes_at")
			sub.PauseCollection.ResumesAt = &when
			c.At(when, "subscription.resume_collection", sub.ID)
		}
	}
	return nil
}

// resumeCollection is the task that collects again.
func (d *Domain) resumeCollection(c *api.Call, name string) error {
	sub, err := Subscriptions.Get(c, name)
	if err != nil || sub == nil || sub.PauseCollection == nil || sub.PauseCollection.ResumesAt == nil || *sub.PauseCollection.ResumesAt > c.Now() {
		return err
	}
	sub.PauseCollection = nil
	return d.save(c, sub, "customer.subscription.updated")
}

// migrateSubscription makes a classic subscription flexible; there is no way back. Known from: facts 15b.
func (d *Domain) migrateSubscription(c *api.Call) (any, error) {
	sub, _, err := d.inPath(c, "subscription")
	if err != nil {
		return nil, err
	}
	if sub.over() {
		return nil, fault.SubscriptionEnded()
	}
	if err := checkSubscription(c.P); err != nil {
		return nil, err
	}
	if c.P.At("billing_mode").Str("type") != "flexible" || sub.BillingMode.Type == "flexible" {
		return nil, fault.AlreadyFlexible()
	}
	sub.flexible(c.Now(), c.P.At("billing_mode", "flexible").Str("proration_discounts"))
	return sub, d.save(c, sub, "customer.subscription.updated")
}
