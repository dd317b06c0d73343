package billing

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/money"
)

// How a subscription bills: its first invoice, and any other that is collected in the request that makes it. Renewals, which wait an hour, are
// subscription_cycle.go.

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
	if sub.order != nil && !sub.order.Later {
		inv.paidBy = sub.order.PaidBy // for what the customer has seen: nothing else comes on the invoice
	} else if err := d.takePending(c, inv, sub); err != nil {
		return nil, err
	}
	if err := d.addExtras(c, sub, cus, inv); err != nil { // recorded: they stand before the items
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
	if err := d.firstLines(c, sub, inv); err != nil {
		return nil, err
	}
	if err := d.addOnce(c, sub, cus, inv); err != nil {
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
	if err := d.askForMethod(c, sub); err != nil {
		return err
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
	case b.result == itPaid || b.result == itWaits && b.inv.Attempted: // a bank is trusted until it says no; unverified
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
