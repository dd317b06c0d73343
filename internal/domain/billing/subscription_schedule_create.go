package billing

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// createSchedule makes a schedule, and its subscription if the first phase begins now.
func (d *Domain) createSchedule(c *api.Call) (any, error) {
	if c.P.Given("customer_account") {
		return nil, fault.ParamNotBuilt("customer_account")
	}
	if c.P.Given("from_subscription") {
		return d.scheduleFrom(c)
	}
	if c.P.Str("customer") == "" {
		return nil, fault.Missing("customer")
	}
	cus, err := d.customer(c, c.P.Str("customer"), "customer")
	if err != nil {
		return nil, err
	}
	start, err := startDate(c)
	if err != nil {
		return nil, err
	}
	s := newSchedule(c, cus)
	s.BillingMode = billingMode(c)
	pl := &planner{d: d, cus: cus, s: s, start: start, anchor: start}
	if err := pl.settings(c); err != nil {
		return nil, err
	}
	list := c.P.Get("phases")
	if list == nil {
		return nil, fault.Missing("phases")
	}
	if s.Phases, err = pl.phases(c, list.Items, 0); err != nil {
		return nil, err
	}

	if err := speak(c, cus, s.Phases[0].Currency); err != nil {
		return nil, err
	}
	if err := s.move(notStarted); err != nil {
		return nil, err
	}
	if start <= c.Now() {
		if err := d.startSchedule(c, s, cus); err != nil {
			return nil, err
		}
	}
	s.plan(c)
	return s, c.Save(s, "subscription_schedule.created")
}

// startDate is when a new schedule begins: now, unless it says later. unverified: that it may be left out.
func startDate(c *api.Call) (int64, error) {
	now := c.Now()
	if !c.P.Given("start_date") || c.P.Str("start_date") == "now" {
		return now, nil
	}
	start := c.P.Num("start_date")
	if start < now { // the subscription would be backdated
		return 0, fault.ParamNotBuilt("start_date")
	}
	return start, nil
}

// settings takes what a request says of a schedule besides its phases.
func (pl *planner) settings(c *api.Call) error {
	switch c.P.Str("end_behavior") {
	case "none", "renew":
		return fault.ParamNotBuilt("end_behavior")
	}
	set, def := c.P.Get("default_settings"), &pl.s.DefaultSettings
	if set != nil {
		if err := pl.terms(c, set, "default_settings", &def.Terms); err != nil {
			return err
		}
		if err := api.Bind(&def.InvoiceSettings, set.Get("invoice_settings")); err != nil {
			return err
		}
	}
	if text(def.CollectionMethod) == send && def.InvoiceSettings.DaysUntilDue == nil && set.Has("collection_method") {
		return fault.DaysUntilDueNeeded()
	}
	if err := c.ParamsOnly(pl.s, "end_behavior", "metadata"); err != nil {
		return err
	}
	return api.MetadataLimit(pl.s.Metadata)
}

// scheduleFrom makes the schedule of a subscription that is there already: its only phase is the present period.
func (d *Domain) scheduleFrom(c *api.Call) (any, error) {
	for _, f := range c.P.Fields {
		if f.Name != "from_subscription" && f.Name != "expand" {
			return nil, fault.FromSubscriptionAlone(f.Name)
		}
	}
	sub, err := Subscriptions.Find(c, c.P.Str("from_subscription"), "from_subscription")
	if err != nil {
		return nil, err
	}
	cus, err := d.customerOf(c, sub.Customer)
	switch {
	case err != nil:
		return nil, err
	case sub.Schedule != nil && !sub.over():
		return nil, fault.AlreadyScheduled(*sub.Schedule)
	case sub.over() || sub.Status == incomplete:
		return nil, fault.NotSchedulable(sub.Status)
	}

	s := newSchedule(c, cus)
	s.inherit(sub)
	ph, err := d.phaseOf(c, sub, nil)
	if err != nil {
		return nil, err
	}
	ph.StartDate, ph.EndDate = sub.periodStart(), sub.periodEnd()
	if sub.CancelAt != nil {
		ph.EndDate, s.EndBehavior = *sub.CancelAt, "cancel"
	}
	s.Phases, s.CurrentPhase, s.Subscription = []*Phase{ph}, &CurrentPhase{ph.EndDate, ph.StartDate}, &sub.ID
	if err := s.move(active); err != nil {
		return nil, err
	}
	sub.Schedule = &s.ID
	if err := d.save(c, sub, "customer.subscription.updated"); err != nil {
		return nil, err
	}
	s.plan(c)
	return s, c.Save(s, "subscription_schedule.created")
}

// inherit takes the terms of a subscription as the schedule's own.
func (s *SubscriptionSchedule) inherit(sub *Subscription) {
	method, set := sub.CollectionMethod, &s.DefaultSettings
	set.ApplicationFeePercent, set.CollectionMethod, set.DefaultPaymentMethod = sub.ApplicationFeePercent, &method, sub.DefaultPaymentMethod
	set.Description, set.OnBehalfOf, set.TransferData = sub.Description, sub.OnBehalfOf, sub.TransferData
	set.InvoiceSettings.DaysUntilDue = sub.DaysUntilDue
	s.BillingMode = sub.BillingMode // facts 15b
}

// phaseOf is what a subscription is now, as a phase. Discounts that the phase was has redeemed are said as they were there.
func (d *Domain) phaseOf(c *api.Call, sub *Subscription, was *Phase) (*Phase, error) {
	ph := &Phase{
		AddInvoiceItems: []*PhaseExtra{}, Currency: sub.Currency, DefaultTaxRates: sub.DefaultTaxRates, Metadata: map[string]string{},
		ProrationBehavior: "create_prorations",
	}
	if sub.Status == trialing {
		ph.TrialEnd = sub.TrialEnd
	}
	var said []PhaseDiscount
	if was != nil {
		said = was.Discounts
	}
	var err error
	if ph.Discounts, err = discountsAs(c, sub.Discounts, said); err != nil {
		return nil, err
	}
	for _, it := range sub.Items.Data {
		price := jsontext.Text(it.Price, "id")
		old := was.item(price)
		made := &PhaseItem{Price: price, Quantity: it.Quantity, Metadata: map[string]string{}, TaxRates: it.TaxRates}
		if old != nil {
			made.Metadata = old.Metadata
		}
		if made.Discounts, err = discountsAs(c, it.Discounts, old.discounts()); err != nil {
			return nil, err
		}
		ph.Items = append(ph.Items, made)
	}
	return ph, nil
}

// item is the item of a phase at a price.
func (ph *Phase) item(price string) *PhaseItem {
	if ph == nil {
		return nil
	}
	for _, it := range ph.Items {
		if it.Price == price {
			return it
		}
	}
	return nil
}

func (it *PhaseItem) discounts() []PhaseDiscount {
	if it == nil {
		return nil
	}
	return it.Discounts
}

// discountsAs says discounts as a phase does.
func discountsAs(c *api.Call, ids []string, said []PhaseDiscount) ([]PhaseDiscount, error) {
	out := []PhaseDiscount{}
	for _, id := range ids {
		di, err := customer.Discounts.Late(c, id)
		if err != nil {
			return nil, err
		}
		one := PhaseDiscount{Discount: opt(id)}
		for _, was := range said {
			if was.is(di) {
				one = was
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// is says whether a discount is what a phase means.
func (pd PhaseDiscount) is(di *customer.Discount) bool {
	switch {
	case di == nil:
		return false
	case pd.Discount != nil:
		return *pd.Discount == di.ID
	case pd.PromotionCode != nil:
		return text(di.PromotionCode) == *pd.PromotionCode
	}
	return text(di.Source.Coupon) == text(pd.Coupon)
}

// startSchedule makes the subscription of a schedule whose first phase begins. Its first invoice is a draft for an hour. Known from: facts 15d.
func (d *Domain) startSchedule(c *api.Call, s *SubscriptionSchedule, cus *customer.Customer) error {
	ph := s.Phases[0]
	if err := s.move(active); err != nil {
		return err
	}
	s.CurrentPhase = &CurrentPhase{ph.EndDate, ph.StartDate}
	return c.Asking(ph.asks(c, nil, ph.ProrationBehavior, false), func() error {
		sub := newSubscription(c, cus)
		sub.BillingMode, sub.Currency, sub.Schedule, s.Subscription = s.BillingMode, ph.Currency, &s.ID, &sub.ID
		sub.Private.Words = s.Private.Words
		if sub.BillingMode.Flexible != nil {
			sub.BillingMode.UpdatedAt = c.Now()
		}
		edits, err := d.phaseEdits(c, sub, ph)
		if err != nil {
			return err
		}
		if err := d.phaseTerms(c, s, sub, ph); err != nil {
			return err
		}
		if err := d.begin(c, sub, edits); err != nil {
			return err
		}
		s.endsSubscription(c, sub)
		extras, err := d.phaseExtras(c, sub, cus, ph)
		if err != nil {
			return err
		}
		_, err = d.firstInvoice(c, sub, cus, extras...)
		return err
	})
}

// phaseExtras makes the items that a phase asks for once.
func (d *Domain) phaseExtras(c *api.Call, sub *Subscription, cus *customer.Customer, ph *Phase) (out []*InvoiceItem, err error) {
	for _, x := range ph.AddInvoiceItems {
		it := blankItem(c, cus)
		it.Period = Period{c.Now(), c.Now()}
		it.Parent = &ItemParent{&ItemSubscription{Subscription: sub.ID}, "subscription_details"}
		it.number(*x.Quantity)
		it.Metadata, it.TaxRates = copyMap(x.Metadata), append([]json.RawMessage{}, x.TaxRates...)
		if x.Discountable != nil {
			it.Discountable = *x.Discountable
		}
		price, err := catalog.Used(c, x.Price)
		if err != nil {
			return nil, err
		}
		if err := it.of(c, price, sub.Currency); err != nil {
			return nil, err
		}
		if it.Discounts, err = d.redeem(c, x.Discounts, nil, holder{customer: cus.ID, item: it.ID}); err != nil {
			return nil, err
		}
		out = append(out, it)
	}
	return out, nil
}
