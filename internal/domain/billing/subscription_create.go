package billing

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/money"
)

// notBuilt are parameters of subscriptions that are refused by name.
var notBuilt = []string{
	"backdate_start_date", "billing_cycle_anchor_config", "billing_schedules", "billing_thresholds", "pending_invoice_item_interval", "customer_account",
}

func (d *Domain) createSubscription(c *api.Call) (any, error) {
	cus, err := d.subscriber(c)
	if err != nil {
		return nil, err
	}
	if err := checkSubscription(c.P); err != nil {
		return nil, err
	}
	sub := newSubscription(c, cus)
	list := c.P.Get("items")
	if list == nil || len(list.Items) == 0 {
		return nil, fault.Missing("items")
	}
	edits, err := d.edits(c, sub, list)
	if err != nil {
		return nil, err
	}
	if sub.Currency = c.P.Str("currency"); sub.Currency == "" {
		sub.Currency = edits[0].price.Currency
	}
	if cus.Currency != nil && *cus.Currency != sub.Currency {
		if _, _, ok := edits[0].price.UnitFor(*cus.Currency); !ok || c.P.Given("currency") {
			return nil, fault.CurrenciesCombined(*cus.Currency)
		}
		sub.Currency = *cus.Currency
	}
	if err := d.fits(c, sub, edits); err != nil {
		return nil, err
	}
	if err := d.takeSubscription(c, sub); err != nil {
		return nil, err
	}
	if err := d.begin(c, sub, edits); err != nil {
		return nil, err
	}
	if err := speak(c, cus, sub.Currency); err != nil {
		return nil, err
	}
	return d.firstInvoice(c, sub, cus)
}

// subscriber is who subscribes: the customer of the path, at older routes, or of the parameters.
func (d *Domain) subscriber(c *api.Call) (*customer.Customer, error) {
	if c.Path("customer") != "" {
		cus, err := customer.Customers.InPath(c, "customer")
		if err != nil {
			return nil, err
		}
		return cus, testclock.Enter(c, cus.TestClock)
	}
	if c.P.Str("customer") == "" {
		return nil, fault.Missing("customer")
	}
	return d.customer(c, c.P.Str("customer"), "customer")
}

// checkSubscription refuses what creating and changing a subscription cannot be asked.
func checkSubscription(p *form.Value) error {
	for _, name := range notBuilt {
		if p.Given(name) {
			return fault.ParamNotBuilt(name)
		}
	}
	if p.At("automatic_tax").True("enabled") {
		return fault.ParamNotBuilt("automatic_tax[enabled]")
	}
	if p.At("billing_mode", "flexible").Str("proration_discounts") == "itemized" {
		return fault.ParamNotBuilt("billing_mode[flexible][proration_discounts]")
	}
	if p.Str("payment_behavior") == "pending_if_incomplete" {
		return fault.ParamNotBuilt("payment_behavior")
	}
	switch when := p.Str("cancel_at"); when {
	case "min_period_end", "max_period_end", "max_billed_until":
		return fault.ParamNotBuilt("cancel_at")
	}
	if p.Given("cancel_at") && p.True("cancel_at_period_end") {
		return fault.OnlyOne("cancel_at", "cancel_at_period_end")
	}
	return nil
}

// newSubscription makes a subscription with what they all begin with.
func newSubscription(c *api.Call, cus *customer.Customer) *Subscription {
	sub := Subscriptions.New(c, c.NewID("sub"))
	now := c.Now()
	sub.Created, sub.StartDate, sub.BillingCycleAnchor, sub.Livemode = now, now, now, c.Live()
	sub.Customer, sub.TestClock = cus.ID, cus.TestClock
	sub.Metadata, sub.DefaultTaxRates, sub.Discounts, sub.BillingSchedules = map[string]string{}, []json.RawMessage{}, []string{}, []json.RawMessage{}
	sub.CollectionMethod = automatic
	sub.InvoiceSettings.Issuer.Type = "self"
	sub.PaymentSettings.SaveDefaultPaymentMethod = "off"
	sub.TrialSettings.EndBehavior.MissingPaymentMethod = "create_invoice"
	if platform := account.Platform(c); platform != nil {
		sub.Application = opt(platform.Application())
	}
	sub.BillingMode = billingMode(c)
	sub.setItems(nil)
	return sub
}

// billingMode is the mode that a request asks for, or its API version's. Known from: facts 15b.
func billingMode(c *api.Call) BillingMode {
	typ := c.P.At("billing_mode").Str("type")
	if typ == "flexible" || typ == "" && c.AtLeast("2025-09-30") {
		return flexibly(c.Now(), c.P.At("billing_mode", "flexible").Str("proration_discounts"))
	}
	return BillingMode{Type: "classic"}
}

// flexible makes a subscription's prorations flexible.
func (s *Subscription) flexible(now int64, discounts string) {
	s.BillingMode = flexibly(now, discounts)
}

func flexibly(now int64, discounts string) BillingMode {
	if discounts == "" {
		discounts = "included"
	}
	return BillingMode{&Flexible{discounts}, "flexible", now}
}

// takeSubscription applies the parameters that creating and changing a subscription have in common.
func (d *Domain) takeSubscription(c *api.Call, sub *Subscription) error {
	p := c.P
	method := sub.CollectionMethod
	if m := p.Str("collection_method"); m != "" {
		method = m
	}
	switch {
	case method == send && sub.DaysUntilDue == nil && !p.Given("days_until_due"):
		return fault.DaysUntilDueNeeded()
	case method != send && p.Given("days_until_due"):
		return fault.OnlyWhenSent("days_until_due")
	}
	if err := d.checkShares(c, sub); err != nil {
		return err
	}
	if p.Str("collection_method") == send {
		cus, err := customer.Customers.Get(c, sub.Customer)
		if err != nil {
			return err
		}
		if cus != nil && cus.Email == nil {
			return fault.InvoiceNoEmail()
		}
	}
	for _, name := range []string{"default_payment_method", "default_source"} {
		if id := p.Str(name); id != "" {
			if err := d.belongs(c, id, sub.Customer, name); err != nil {
				return err
			}
		}
	}
	if p.Given("cancel_at") && p.Num("cancel_at") <= c.Now() {
		return fault.InThePast("cancel_at")
	}
	if p.At("invoice_settings", "issuer").Str("type") == "account" || p.At("invoice_settings").Given("account_tax_ids") {
		return fault.ParamNotBuilt("invoice_settings")
	}

	if err := c.ParamsOnly(sub, "application_fee_percent", "collection_method", "days_until_due", "default_payment_method", "default_source", "description", "metadata",
		"on_behalf_of", "payment_settings", "transfer_data", "trial_settings"); err != nil {
		return err
	}
	if sub.CollectionMethod == automatic {
		sub.DaysUntilDue = nil
	}
	if err := api.MetadataLimit(sub.Metadata); err != nil {
		return err
	}
	if p.Has("default_tax_rates") {
		rates, err := taxRates(c, p, "default_tax_rates", "")
		if err != nil {
			return err
		}
		if sub.DefaultTaxRates, err = showRates(c, rates); err != nil {
			return err
		}
	}
	if p.Has("discounts") {
		list, err := d.discounts(c, p.Get("discounts"), "discounts", holder{customer: sub.Customer, subscription: sub.ID})
		if err != nil {
			return err
		}
		if err := dropDiscounts(c, sub.Discounts, list); err != nil {
			return err
		}
		sub.Discounts = list
	}
	return nil
}

// checkShares refuses to share what a subscription will ask in ways that cannot be.
func (d *Domain) checkShares(c *api.Call, sub *Subscription) error {
	const name = "application_fee_percent"
	if err := d.payments.CheckSharing(c); err != nil || !c.P.Given(name) {
		return err
	}
	to := c.P.At("transfer_data")
	percent, _ := strconv.ParseFloat(c.P.Str(name), 64) // a number, as the spec has checked
	switch {
	case percent < 0 || percent > 100:
		return fault.PercentOutside(name)
	case to.Given("amount_percent"):
		return fault.OnlyOne(name, "transfer_data[amount_percent]")
	case !to.Given("destination") && sub.TransferData == nil && account.Platform(c) == nil:
		return fault.FeeNeedsConnect()
	}
	return nil
}

// begin sets a new subscription's trial, anchor and items with their first periods.
func (d *Domain) begin(c *api.Call, sub *Subscription, edits []edit) error {
	now := c.Now()
	end, err := trialEnd(c, edits)
	if err != nil {
		return err
	}
	if end > now {
		sub.TrialStart, sub.TrialEnd, sub.BillingCycleAnchor = &now, &end, end
	}
	if c.P.Given("billing_cycle_anchor") {
		anchor := c.P.Num("billing_cycle_anchor")
		if anchor <= max(now, end) {
			return fault.InThePast("billing_cycle_anchor")
		}
		for _, e := range edits {
			if anchor > boundaryAfter(max(now, end), e.price.Recurring, max(now, end)) {
				return fault.AnchorTooLate()
			}
		}
		sub.BillingCycleAnchor = anchor
	}
	items := []*Item{}
	for _, e := range edits {
		it, err := d.newSubscriptionItem(c, sub, e)
		if err != nil {
			return err
		}
		it.CurrentPeriodStart, it.CurrentPeriodEnd = now, sub.periodAfter(e.price.Recurring, now)
		items = append(items, it)
	}
	sub.setItems(items)
	if err := sub.endsAt(c); err != nil {
		return err
	}
	for _, it := range items {
		if sub.CancelAt != nil && sub.TrialEnd == nil && c.P.Str("proration_behavior") != "none" {
			it.CurrentPeriodEnd = min(it.CurrentPeriodEnd, *sub.CancelAt)
		}
	}
	return nil
}

// periodAfter is when the period ends that begins now.
func (s *Subscription) periodAfter(r *catalog.Recurring, now int64) int64 {
	if s.TrialEnd != nil && *s.TrialEnd > now {
		return *s.TrialEnd
	}
	return boundaryAfter(s.BillingCycleAnchor, r, now)
}

// trialEnd is when the trial ends that a request asks for; 0 if it asks for none.
func trialEnd(c *api.Call, edits []edit) (int64, error) {
	p, now := c.P, c.Now()
	end := p.Get("trial_end")
	switch {
	case end != nil && end.Text == "now":
		return 0, nil
	case p.Given("trial_end") && p.Given("trial_period_days"):
		return 0, fault.OnlyOne("trial_end", "trial_period_days")
	case p.Given("trial_end"):
		when := p.Num("trial_end")
		if when <= now {
			return 0, fault.TrialEndInPast()
		}
		if when > now+2*365*86400+86400 { // facts 15c
			return 0, fault.TrialTooLong("trial_end")
		}
		return when, nil
	case p.Given("trial_period_days"):
		n := p.Num("trial_period_days")
		if n < 0 || n > 730 {
			return 0, fault.TrialTooLong("trial_period_days")
		}
		return now + n*86400, nil
	case p.True("trial_from_plan"):
		for _, e := range edits {
			if e.price != nil && e.price.Recurring.TrialPeriodDays != nil {
				return now + *e.price.Recurring.TrialPeriodDays*86400, nil
			}
		}
	}
	return 0, nil
}

// endsAt takes from a request when the subscription is to end.
func (s *Subscription) endsAt(c *api.Call) error {
	now := c.Now()
	switch {
	case c.P.True("cancel_at_period_end"):
		end := s.periodEnd()
		s.CancelAt, s.CancelAtPeriodEnd = &end, true
	case c.P.Given("cancel_at"):
		end := c.P.Num("cancel_at")
		s.CancelAt, s.CancelAtPeriodEnd = &end, false
	case s.CancelAt != nil && (s.CancelAtPeriodEnd && c.P.Has("cancel_at_period_end") || c.P.Has("cancel_at")):
		s.CancelAt, s.CancelAtPeriodEnd, s.CanceledAt, s.CancellationDetails = nil, false, nil, CancellationDetails{}
		return nil
	default:
		return nil
	}
	s.CanceledAt, s.CancellationDetails.Reason = &now, opt("cancellation_requested")
	c.At(*s.CancelAt, "subscription.cancel", s.ID)
	return nil
}

// schedule asks for what the subscription does by itself next.
func (s *Subscription) schedule(c *api.Call) {
	if !s.over() && s.Status != paused && s.Status != incomplete {
		c.At(s.periodEnd(), "subscription.cycle", s.ID)
		s.announce(c)
	}
}

// invoiceFor makes the draft of a subscription's invoice, with nothing on it.
func (d *Domain) invoiceFor(c *api.Call, sub *Subscription, cus *customer.Customer, reason string) *Invoice {
	inv := newInvoice(c, cus, sub.Currency, reason)
	inv.from(sub)
	inv.PeriodStart, inv.PeriodEnd = sub.periodStart(), c.Now()
	inv.AutoAdvance, inv.Private.Keep = true, true
	if len(sub.Discounts) == 0 {
		inv.inherit(cus)
	}
	return inv
}

// from makes an invoice one of a subscription.
func (inv *Invoice) from(sub *Subscription) {
	inv.Parent = &Parent{SubscriptionDetails: &SubscriptionParent{copyMap(sub.Metadata), sub.ID}, Type: "subscription_details"}
	inv.CollectionMethod, inv.DefaultTaxRates, inv.OnBehalfOf = sub.CollectionMethod, sub.DefaultTaxRates, sub.OnBehalfOf
	inv.Discounts, inv.PaymentSettings.PaymentMethodTypes = slices.Clone(sub.Discounts), sub.PaymentSettings.PaymentMethodTypes
	inv.PaymentSettings.PaymentMethodOptions = sub.PaymentSettings.PaymentMethodOptions
	if w := sub.Private.Words; w != nil {
		inv.say(w)
	}
	if sub.DaysUntilDue != nil {
		due := inv.Created + *sub.DaysUntilDue*86400
		inv.DueDate, inv.Private.Days = &due, *sub.DaysUntilDue
	}
}

// say puts words on an invoice; those that are not there leave the customer's.
func (inv *Invoice) say(w *Words) {
	inv.Description = w.Description
	if w.Footer != nil {
		inv.Footer = w.Footer
	}
	if len(w.CustomFields) > 0 {
		inv.CustomFields = w.CustomFields
	}
}

// share gives a platform its part of a subscription's invoice, when it is known what is due. unverified: how parts of a minor unit are rounded.
func (inv *Invoice) share(c *api.Call) error {
	sub, err := Subscriptions.Get(c, inv.subscription())
	if err != nil || sub == nil {
		return err
	}
	if sub.ApplicationFeePercent != nil {
		fee := percentOf(inv.AmountDue, *sub.ApplicationFeePercent)
		inv.Private.ApplicationFeeAmount = &fee
	}
	if t := sub.TransferData; t != nil {
		data := payment.TransferData{Destination: t.Destination}
		if t.AmountPercent != nil {
			amount := percentOf(inv.AmountDue, *t.AmountPercent)
			data.Amount = &amount
		}
		body, err := json.Marshal(&data)
		inv.Private.TransferData = body
		return err
	}
	return nil
}

// firstInvoice bills a new subscription for its first period, and answers with it. Known from: facts 08 (8f: what is told, in which order).
func (d *Domain) firstInvoice(c *api.Call, sub *Subscription, cus *customer.Customer, extras ...*InvoiceItem) (any, error) {
	inv := d.invoiceFor(c, sub, cus, "subscription_create")
	inv.PeriodStart = c.Now()
	if err := d.firstLines(c, sub, inv); err != nil {
		return nil, err
	}
	if err := d.addExtras(c, sub, cus, inv); err != nil {
		return nil, err
	}
	for _, it := range extras {
		if err := d.putOn(c, inv, it); err != nil {
			return nil, err
		}
		if err := c.Save(it, "invoiceitem.created"); err != nil {
			return nil, err
		}
	}
	if err := d.addOnce(c, sub, cus, inv); err != nil {
		return nil, err
	}
	if sub.order != nil && !sub.order.Later {
		inv.paidBy = sub.order.PaidBy // for what the customer has seen: nothing else comes on the invoice
	} else if err := d.takePending(c, inv, sub); err != nil {
		return nil, err
	}
	to := active
	if sub.TrialEnd != nil {
		to = trialing
	}
	if len(inv.lines()) == 0 { // flexible: nothing is asked for yet
		if err := sub.move(to); err != nil {
			return nil, err
		}
		sub.schedule(c)
		return sub, d.created(c, sub)
	}
	sub.LatestInvoice = &inv.ID
	if sub.CollectionMethod == send || sub.Schedule != nil || sub.order != nil && sub.order.Later {
		inv.finalizesAt(c, c.Now()+hour)
		if err := sub.move(to); err != nil {
			return nil, err
		}
		sub.schedule(c)
		if err := d.created(c, sub); err != nil {
			return nil, err
		}
		return sub, d.retotal(c, inv, "invoice.created")
	}
	if err := sub.move(incomplete); err != nil {
		return nil, err
	}
	b := bill{sub: sub, inv: inv, behavior: c.P.Str("payment_behavior"), then: to}
	b.told = func() error { return d.created(c, sub) }
	return d.billNow(c, &b)
}

// created tells of a new subscription.
func (d *Domain) created(c *api.Call, sub *Subscription) error {
	if sub.order != nil {
		if err := sub.order.Begun(sub); err != nil {
			return err
		}
	}
	if err := d.save(c, sub, "customer.subscription.created"); err != nil {
		return err
	}
	if sub.Status == trialing {
		sub.remind(c)
	}
	return nil
}

// remind asks for the event that a trial ends in three days: at once, if it is shorter. Known from: facts 08 (8f).
func (s *Subscription) remind(c *api.Call) {
	c.At(max(c.Now(), *s.TrialEnd-3*86400), "subscription.trial_will_end", s.ID)
}

// firstLines puts the items on the first invoice: free in a trial, a part up to an anchor that lies ahead, or a whole period.
func (d *Domain) firstLines(c *api.Call, sub *Subscription, inv *Invoice) error {
	now := c.Now()
	for _, it := range sub.Items.Data {
		p, err := it.price(c)
		if err != nil {
			return err
		}
		if metered(p) && sub.BillingMode.Type == "flexible" {
			continue // it is asked for when it has been used
		}
		if sub.TrialEnd == nil && sub.BillingCycleAnchor > now && c.P.Str("proration_behavior") == "none" {
			continue // facts 15c: free up to the anchor
		}
		l, err := d.lineOf(c, sub, inv, it, p, Period{it.CurrentPeriodEnd, now}, sub.TrialEnd != nil)
		if err != nil {
			return err
		}
		inv.setLines(append(inv.lines(), l))
		if sub.TrialEnd == nil {
			sub.bill(it, inv, l, now)
		}
	}
	return nil
}

// addExtras puts what is asked for only once on the invoice: add_invoice_items.
func (d *Domain) addExtras(c *api.Call, sub *Subscription, cus *customer.Customer, inv *Invoice) error {
	list := c.P.Get("add_invoice_items")
	if list == nil {
		return nil
	}
	if len(list.Items) > mostItems {
		return fault.TooManySubscriptionItems(mostItems)
	}
	for i, p := range list.Items {
		at := "add_invoice_items[" + strconv.Itoa(i) + "]"
		if p.Has("period") {
			return fault.ParamNotBuilt(under(at, "period"))
		}
		it := blankItem(c, cus)
		if p.Given("quantity") {
			it.number(p.Num("quantity"))
		}
		var pr *catalog.Price
		var err error
		if p.Has("price_data") {
			pr, err = catalog.PriceFromData(c, p.Get("price_data"), under(at, "price_data"))
		} else {
			pr, err = catalog.FindPrice(c, p.Str("price"), under(at, "price"), false)
		}
		if err != nil {
			return err
		}
		if err := d.addExtra(c, sub, inv, it, pr, p, at); err != nil {
			return err
		}
	}
	return nil
}

// addExtra puts an item that is asked for only once on the invoice.
func (d *Domain) addExtra(c *api.Call, sub *Subscription, inv *Invoice, it *InvoiceItem, pr *catalog.Price, p *form.Value, at string) error {
	it.Period = Period{c.Now(), c.Now()}
	it.Parent = &ItemParent{&ItemSubscription{Subscription: sub.ID}, "subscription_details"}
	if err := it.of(c, pr, sub.Currency); err != nil {
		return err
	}
	if err := d.takeItem(c, it, p, at); err != nil {
		return err
	}
	if err := d.putOn(c, inv, it); err != nil {
		return err
	}
	return c.Save(it, "invoiceitem.created") // unverified: the event
}

// A bill is an invoice of a subscription that is finalized and collected in the request that makes it.
type bill struct {
	sub      *Subscription
	inv      *Invoice
	behavior string       // payment_behavior
	then     string       // what the subscription is if the invoice is paid
	told     func() error // tells of the subscription
	result   outcome
}

// billNow finalizes an invoice and collects it at once. What is told, and in which order, is recorded: the payment first, then the subscription as it then
// is, then the invoice's steps.
func (d *Domain) billNow(c *api.Call, b *bill) (any, error) {
	cus, err := customer.Customers.Get(c, b.inv.Customer)
	if err != nil {
		return nil, err
	}
	if err := b.inv.add(c, cus); err != nil {
		return nil, err
	}
	pm, err := d.methodOf(c, b.inv)
	if err != nil {
		return nil, err
	}
	wait := b.behavior == "default_incomplete"
	if b.inv.AmountDue >= money.Minimum(b.inv.Currency) && pm == nil && !wait && (b.sub.Status == incomplete || b.behavior == "error_if_incomplete") {
		return nil, fault.NoMethodForInvoice()
	}
	if err := c.Save(b.inv); err != nil {
		return nil, err
	}
	begun := c.Mark(b.inv)
	made, err := d.finalize(c, b.inv)
	if err != nil {
		return nil, err
	}
	if err := c.Save(b.inv); err != nil {
		return nil, err
	}
	final := c.Mark(b.inv)
	if err := d.payBill(c, b, pm, made, wait); err != nil {
		return nil, err
	}
	if err := d.settleBill(c, b); err != nil {
		return nil, err
	}
	if err := b.told(); err != nil {
		return nil, err
	}
	if err := c.EmitMark("invoice.created", begun); err != nil {
		return nil, err
	}
	if err := c.EmitMark("invoice.finalized", final); err != nil {
		return nil, err
	}
	switch b.result {
	case itPaid:
		err = c.Save(b.inv, "invoice.paid", "invoice.payment_succeeded")
	case itFailed:
		err = c.Save(b.inv, "invoice.payment_failed")
	case itAsks:
		err = c.Save(b.inv, "invoice.payment_action_required", "invoice.payment_failed")
	default:
		err = c.Save(b.inv)
	}
	if err != nil {
		return nil, err
	}
	return api.Answer{Name: "subscription", Arg: b.sub.ID}, nil
}

// payBill collects a bill, if there is something to collect and by what, and nobody wants to wait for the customer's browser.
func (d *Domain) payBill(c *api.Call, b *bill, pm *method, made *api.Mark, wait bool) error {
	if b.inv.Status == paid {
		b.result = itPaid
		return nil
	}
	var err error
	if b.inv.paidBy != nil {
		b.result, err = d.apply(c, b.inv, b.inv.paidBy, true)
		return err
	}
	if pm == nil || wait {
		if b.result = itWaits; !wait {
			b.result = itFailed
			b.inv.tried(true)
		}
		return c.EmitMark("payment_intent.created", *made)
	}
	b.result, err = d.charge(c, b.inv, pm, try{present: !c.P.True("off_session"), made: made})
	if err != nil || b.behavior != "error_if_incomplete" || b.result == itPaid || b.result == itWaits {
		return err
	}
	return d.refusePayment(c, b)
}

// refusePayment is the error that a request ends with, of which nothing is kept, if it will have no subscription that is not paid.
func (d *Domain) refusePayment(c *api.Call, b *bill) error {
	_, err := d.answerInvoice(c, b.inv.ID)
	var f *fault.Error
	if !errors.As(err, &f) {
		return fault.NoMethodForInvoice()
	}
	if b.result == itAsks {
		f = fault.SubscriptionNeedsAction()
	}
	f.Keep = false
	f.PaymentIntent = nil
	return f
}

// settleBill makes the subscription what the payment makes it. Known from: facts 08 (8f), 15h; the spec (payment_behavior).
func (d *Domain) settleBill(c *api.Call, b *bill) error {
	sub := b.sub
	to := sub.Status
	switch {
	case b.result == itPaid:
		to = b.then
		d.keepMethod(c, sub, b.inv)
	case sub.Status == incomplete || sub.Status == paused:
		c.At(c.Now()+incompleteFor, "subscription.expire", sub.ID)
	case b.result == itFailed || b.result == itAsks || b.behavior == "default_incomplete":
		to = pastDue
		d.dun(c, b.inv, b.result)
	}
	if err := sub.move(to); err != nil {
		return err
	}
	sub.schedule(c)
	return c.Save(sub)
}

// keepMethod makes what has paid the subscription's default, if it says so.
func (d *Domain) keepMethod(c *api.Call, sub *Subscription, inv *Invoice) {
	if sub.PaymentSettings.SaveDefaultPaymentMethod != "on_subscription" || sub.DefaultPaymentMethod != nil {
		return
	}
	pi, err := payment.Intents.Get(c, inv.Private.Payment)
	if err == nil && pi != nil {
		sub.DefaultPaymentMethod = pi.PaymentMethod
	}
}

func copyMap(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
