package billing

import (
	"encoding/json"
	"errors"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// What a schedule does by itself: at each boundary it makes of the subscription what the phase says, through the same steps as an update.

// turnSchedule is the task of a schedule's next boundary.
func (d *Domain) turnSchedule(c *api.Call, name string) error {
	s, err := Schedules.Get(c, name)
	if err != nil || s == nil {
		return err
	}
	switch {
	case s.Status == notStarted && s.Phases[0].StartDate <= c.Now():
		cus, err := customer.Customers.Get(c, s.Customer)
		if err != nil || cus == nil {
			return err
		}
		if err := d.startSchedule(c, s, cus); err != nil {
			return err
		}
		s.plan(c)
		return c.Save(s, "subscription_schedule.updated")
	case s.Status == active:
		sub, err := Subscriptions.Get(c, text(s.Subscription))
		if err != nil || sub == nil || sub.over() {
			return err
		}
		_, err = d.turn(c, sub)
		return err
	}
	return nil
}

// turn carries out what the schedule of a subscription has due, and says whether it did. A renewal that is due at the same time comes after it, in a unit of
// work of its own, and bills what the phase says.
func (d *Domain) turn(c *api.Call, sub *Subscription) (bool, error) {
	s, err := d.scheduleOf(c, sub)
	if err != nil || s == nil || s.CurrentPhase.EndDate > c.Now() {
		return false, err
	}
	ph := s.at(s.CurrentPhase.EndDate)
	switch {
	case ph != nil:
		err = d.enterPhase(c, s, sub, ph)
	case s.EndBehavior == "cancel": // the subscription ends at this time, and the schedule with it
		return false, nil
	default:
		err = d.completeSchedule(c, s, sub)
	}
	if err == nil && sub.periodEnd() <= c.Now() {
		c.At(c.Now(), "subscription_schedule.renew", sub.ID)
	}
	return true, err
}

func (d *Domain) enterPhase(c *api.Call, s *SubscriptionSchedule, sub *Subscription, ph *Phase) error {
	s.CurrentPhase = &CurrentPhase{ph.EndDate, ph.StartDate}
	if err := d.applyPhase(c, s, sub, ph, ph.ProrationBehavior, true); err != nil {
		return err
	}
	s.plan(c)
	return c.Save(s, "subscription_schedule.updated")
}

// applyPhase makes of a subscription what a phase says. What is done only when a phase begins is done if it does.
func (d *Domain) applyPhase(c *api.Call, s *SubscriptionSchedule, sub *Subscription, ph *Phase, prorate string, begins bool) error {
	cus, err := customer.Customers.Get(c, sub.Customer)
	if err != nil || cus == nil {
		return err
	}
	anchored := ph.from(s, func(t *Terms) bool { return t.BillingCycleAnchor != nil }).anchored()
	return c.Asking(ph.asks(c, sub, prorate, begins && anchored), func() error {
		edits, err := d.phaseEdits(c, sub, ph)
		if err != nil {
			return err
		}
		ch, err := d.planChange(c, sub, cus, edits)
		if err != nil {
			return err
		}
		if ch.phase = true; !ch.anew && ch.trial == 0 {
			if ch.anew, err = changesInterval(c, edits); err != nil {
				return err
			}
		}
		if err := d.phaseTerms(c, s, sub, ph); err != nil {
			return err
		}
		if err := d.carryOut(c, ch); err != nil {
			return err
		}
		if begins {
			extras, err := d.phaseExtras(c, sub, cus, ph)
			if err != nil {
				return err
			}
			ch.items = append(ch.items, extras...)
		}
		s.endsSubscription(c, sub)
		_, err = d.changed(c, ch)
		return err
	})
}

// changesInterval says whether an item's interval becomes another. Then the anchor is modified, as the phase's automatic anchor says. unverified: that it is the
// phase's start then, in the flexible mode, too.
func changesInterval(c *api.Call, edits []edit) (bool, error) {
	for _, e := range edits {
		if e.item == nil || e.price == nil {
			continue
		}
		old, err := e.item.price(c)
		if err != nil {
			return false, err
		}
		if !same(old.Recurring, e.price.Recurring) {
			return true, nil
		}
	}
	return false, nil
}

// asks is a phase as the request that an update of the subscription would be; sub is nil where it creates the subscription.
func (ph *Phase) asks(c *api.Call, sub *Subscription, prorate string, anew bool) *form.Value {
	p := &form.Value{Kind: form.Object}
	p.Set("proration_behavior", &form.Value{Kind: form.String, Text: prorate})
	now := &form.Value{Kind: form.String, Text: "now"}
	free := sub != nil && sub.Status == trialing && sub.TrialEnd != nil && *sub.TrialEnd > c.Now()
	switch end := ph.TrialEnd; {
	case end != nil && *end > c.Now() && (!free || *end != *sub.TrialEnd):
		p.Set("trial_end", &form.Value{Kind: form.Int, Int: *end})
	case (end == nil || *end <= c.Now()) && free:
		p.Set("trial_end", now)
	}
	if anew {
		p.Set("billing_cycle_anchor", now)
	}
	return p
}

// phaseEdits are the edits that make of a subscription's items those of a phase. An item stays at its price; of the others, one takes the place of the other.
// unverified: that it does.
func (d *Domain) phaseEdits(c *api.Call, sub *Subscription, ph *Phase) ([]edit, error) {
	rest := slices.Clone(sub.Items.Data)
	edits := make([]edit, len(ph.Items))
	take := func(e *edit, i int) {
		if i >= 0 && i < len(rest) {
			e.item = rest[i]
			rest = slices.Delete(rest, i, i+1)
		}
	}
	for i, it := range ph.Items {
		p, err := catalog.Used(c, it.Price)
		if err != nil {
			return nil, err
		}
		edits[i] = edit{price: p, quantity: it.Quantity, phase: it, at: "items"}
		take(&edits[i], slices.IndexFunc(rest, func(o *Item) bool { return jsontext.Text(o.Price, "id") == it.Price }))
	}
	for i := range edits {
		if edits[i].item == nil {
			take(&edits[i], 0)
		}
	}
	for _, it := range rest {
		edits = append(edits, edit{item: it, deleted: true})
	}
	return edits, nil
}

// goOn asks for what the subscription does next after a change. A renewal that is due now is a task of its own, for the change may come from the task of one.
func (ch *change) goOn(c *api.Call) {
	if ch.phase && ch.sub.periodEnd() <= c.Now() {
		c.At(c.Now(), "subscription_schedule.renew", ch.sub.ID)
		return
	}
	ch.sub.schedule(c)
}

// takePhase gives an item of a subscription what a phase says of it, besides price and quantity.
func (d *Domain) takePhase(c *api.Call, sub *Subscription, it *Item, ph *PhaseItem) (err error) {
	merge(it.Metadata, ph.Metadata)
	it.TaxRates = append([]json.RawMessage{}, ph.TaxRates...)
	it.Discounts, err = d.redeem(c, ph.Discounts, it.Discounts, holder{customer: sub.Customer, subscription: sub.ID, subscriptionItem: it.ID})
	return err
}

// merge puts metadata into other metadata; an empty value takes its key away.
func merge(into, from map[string]string) {
	for key, value := range from {
		if value == "" {
			delete(into, key)
		} else {
			into[key] = value
		}
	}
}

// phaseTerms gives a subscription the terms of a phase, or the schedule's. What neither says stays as it is.
func (d *Domain) phaseTerms(c *api.Call, s *SubscriptionSchedule, sub *Subscription, ph *Phase) (err error) {
	for _, t := range []*Terms{&s.DefaultSettings.Terms, &ph.Terms} {
		set(&sub.ApplicationFeePercent, t.ApplicationFeePercent)
		set(&sub.DefaultPaymentMethod, t.DefaultPaymentMethod)
		set(&sub.Description, t.Description)
		set(&sub.OnBehalfOf, t.OnBehalfOf)
		set(&sub.TransferData, t.TransferData)
		if t.CollectionMethod != nil {
			sub.CollectionMethod = *t.CollectionMethod
		}
	}
	sub.DaysUntilDue = nil
	if sub.CollectionMethod == send {
		sub.DaysUntilDue = ph.days(s)
	}
	merge(sub.Metadata, ph.Metadata)
	sub.DefaultTaxRates = append([]json.RawMessage{}, ph.DefaultTaxRates...)
	sub.Discounts, err = d.redeem(c, ph.Discounts, sub.Discounts, holder{customer: sub.Customer, subscription: sub.ID})
	return err
}

func set[T any](to **T, v *T) {
	if v != nil {
		*to = v
	}
}

// redeem makes the discounts of a phase; those that are there stay. What was good when it was scheduled, and no longer is, is left out.
func (d *Domain) redeem(c *api.Call, want []PhaseDiscount, have []string, h holder) ([]string, error) {
	out := []string{}
	for _, pd := range want {
		id, err := pd.among(c, have)
		if err != nil {
			return nil, err
		}
		if id != "" {
			out = append(out, id)
			continue
		}
		made, err := d.discounts(c, pd.asks(), "discounts", h)
		var refused *fault.Error
		if err != nil && !errors.As(err, &refused) {
			return nil, err
		}
		out = append(out, made...)
	}
	return out, nil
}

// among finds what a phase means among discounts.
func (pd PhaseDiscount) among(c *api.Call, ids []string) (string, error) {
	for _, id := range ids {
		di, err := customer.Discounts.Get(c, id)
		if err != nil {
			return "", err
		}
		if pd.is(di) {
			return id, nil
		}
	}
	return "", nil
}

// asks is a discount as a request says it.
func (pd PhaseDiscount) asks() *form.Value {
	one := &form.Value{Kind: form.Object}
	for name, v := range map[string]*string{"coupon": pd.Coupon, "discount": pd.Discount, "promotion_code": pd.PromotionCode} {
		if v != nil {
			one.Set(name, &form.Value{Kind: form.String, Text: *v})
		}
	}
	return &form.Value{Kind: form.Array, Items: []*form.Value{one}}
}

// asksFor are discounts as a request says them.
func asksFor(list []PhaseDiscount) *form.Value {
	all := &form.Value{Kind: form.Array}
	for _, pd := range list {
		all.Items = append(all.Items, pd.asks().Items...)
	}
	return all
}

// endsSubscription says when the subscription ends: with the last phase, if the schedule ends it. Known from: facts 15i (only in the last phase).
func (s *SubscriptionSchedule) endsSubscription(c *api.Call, sub *Subscription) (changed bool) {
	var end *int64
	if last := s.last(); s.EndBehavior == "cancel" && s.CurrentPhase.StartDate == last.StartDate {
		when := last.EndDate
		end = &when
	}
	if end == nil && sub.CancelAt == nil || end != nil && sub.CancelAt != nil && *end == *sub.CancelAt {
		return false
	}
	sub.CancelAt, sub.CancelAtPeriodEnd = end, false
	if end != nil {
		c.At(*end, "subscription.cancel", sub.ID)
	}
	return true
}
