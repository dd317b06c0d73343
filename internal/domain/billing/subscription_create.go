package billing

import (
	"encoding/json"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
	"florin/internal/form"
)

// mostOnClock is how many subscriptions a customer on a test clock can have. Known from: facts 15l; unverified: that those that have ended do not count.
const mostOnClock = 3

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
	if err := roomOnClock(c, cus); err != nil {
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

// roomOnClock refuses more subscriptions than a customer on a test clock can have.
func roomOnClock(c *api.Call, cus *customer.Customer) error {
	if cus.TestClock == nil {
		return nil
	}
	n := 0
	err := Subscriptions.Each(c, "customer", cus.ID, func(sub *Subscription) bool {
		if !sub.over() {
			n++
		}
		return n < mostOnClock
	})
	if err == nil && n >= mostOnClock {
		err = fault.TooManyOnClock(mostOnClock)
	}
	return err
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
	if err := checkSending(c, sub); err != nil {
		return err
	}
	if err := d.checkShares(c, sub); err != nil {
		return err
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

// checkSending refuses to send invoices to nobody, or without a day on which they are due, or to name such a day for any other.
func checkSending(c *api.Call, sub *Subscription) error {
	method, days := sub.CollectionMethod, c.P.Given("days_until_due")
	if m := c.P.Str("collection_method"); m != "" {
		method = m
	}
	switch {
	case method != send && days:
		return fault.OnlyWhenSent("days_until_due")
	case method != send:
		return nil
	case sub.DaysUntilDue == nil && !days:
		return fault.DaysUntilDueNeeded()
	}
	cus, err := customer.Customers.Get(c, sub.Customer)
	if err == nil && cus != nil && cus.Email == nil && c.P.Has("collection_method") {
		err = fault.InvoiceNoEmail()
	}
	return err
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
