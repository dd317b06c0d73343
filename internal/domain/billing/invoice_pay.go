package billing

import (
	"errors"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// An outcome is what became of a try to collect an invoice.
type outcome int

const (
	itWaits  outcome = iota // the network, or a bank, has yet to answer
	itPaid                  // the money has come
	itFailed                // the payment method was refused, or there is none
	itAsks                  // the customer must do something
)

// retries are how many days after each failure an invoice is collected again; then it is given up. Known from: facts 15d (a custom schedule).
var retries = []int64{3, 5, 7}

// payInvoice collects an invoice at somebody's wish. A draft is finalized first. unverified: that a payment that fails is kept, with its answer.
func (d *Domain) payInvoice(c *api.Call) (any, error) {
	inv, err := invoiceInPath(c, "id")
	if err != nil {
		return nil, err
	}
	switch {
	case inv.Status == paid:
		return nil, fault.InvoicePaid()
	case inv.Status == void || inv.Status == uncollectible && !c.P.True("paid_out_of_band"):
		return nil, fault.InvoiceClosed()
	}
	for _, name := range []string{"forgive", "mandate"} {
		if c.P.Given(name) && (name != "forgive" || c.P.True(name)) {
			return nil, fault.ParamNotBuilt(name)
		}
	}
	if err := settled(c, inv); err != nil {
		return nil, err
	}
	pm, err := d.methodAsked(c, inv)
	if err != nil {
		return nil, err
	}
	if inv.Status == draft {
		if err := d.finalizeAndTell(c, inv); err != nil || inv.Status == paid {
			return inv, err
		}
	}
	if c.P.True("paid_out_of_band") {
		return inv, d.payOutOfBand(c, inv)
	}
	if pm == nil {
		if pm, err = d.methodOf(c, inv); err != nil {
			return nil, err
		}
	}
	if pm == nil {
		return nil, fault.NoMethodForInvoice()
	}
	how, err := d.charge(c, inv, pm, try{present: c.P.Has("off_session") && !c.P.True("off_session")})
	if err != nil {
		return nil, err
	}
	if how == itWaits {
		return api.Answer{Name: "invoice", Arg: inv.ID}, c.Save(inv)
	}
	if err := d.tell(c, inv, how); err != nil {
		return nil, err
	}
	if err := d.follow(c, inv, how); err != nil {
		return nil, err
	}
	return d.answerInvoice(c, inv.ID)
}

// settled refuses to touch an invoice while a bank has yet to answer for its payment.
func settled(c *api.Call, inv *Invoice) error {
	pi, err := payment.Intents.Get(c, inv.Private.Payment)
	if err == nil && pi != nil && inv.Status == open && pi.Status == payment.Processing {
		return fault.InvoicePending()
	}
	return err
}

// methodAsked is the payment method that the request names; nil if it names none.
func (d *Domain) methodAsked(c *api.Call, inv *Invoice) (*paymentmethod.PaymentMethod, error) {
	for _, name := range []string{"payment_method", "source"} {
		if id := c.P.Str(name); id != "" {
			return d.methods.Resolve(c, id, name)
		}
	}
	return nil, nil
}

// answerInvoice answers with an invoice that was to be paid: itself, or the error that the payment ended with, which is kept with all that it has changed.
func (d *Domain) answerInvoice(c *api.Call, name string) (any, error) {
	inv, err := Invoices.Get(c, name)
	if err != nil || inv == nil {
		return nil, err
	}
	pi, err := payment.Intents.Get(c, inv.Private.Payment)
	if err != nil || pi == nil || inv.Status == paid {
		return inv, err
	}
	if pi.Status == payment.NeedsAction {
		f := fault.InvoiceNeedsAction()
		if f.PaymentIntent, err = c.Show(pi); err != nil {
			return nil, err
		}
		f.Keep = true
		return nil, f
	}
	f, err := pi.LastError(c)
	if err != nil || f == nil {
		return inv, err
	}
	f.Keep = true
	return nil, f
}

// payOutOfBand takes the merchant's word for it that the customer has paid some other way. Known from: facts 15d.
func (d *Domain) payOutOfBand(c *api.Call, inv *Invoice) error {
	inv.AmountPaidOffStripe = inv.AmountRemaining
	inv.AmountPaid, inv.AmountRemaining = inv.AmountDue, 0
	return d.settled(c, inv)
}

// settled ends an open invoice that nothing is asked for any more, without a payment.
func (d *Domain) settled(c *api.Call, inv *Invoice) error {
	inv.AutoAdvance, inv.NextPaymentAttempt = false, nil
	if err := inv.move(paid, c.Now()); err != nil {
		return err
	}
	if err := d.dropPayment(c, inv); err != nil {
		return err
	}
	if err := c.Save(inv, "invoice.updated", "invoice.paid", "invoice.payment_succeeded"); err != nil {
		return err
	}
	return d.follow(c, inv, itPaid)
}

// collect tries to get an open invoice paid, by itself. A customer without a payment method is a failure.
func (d *Domain) collect(c *api.Call, inv *Invoice) error {
	if settled(c, inv) != nil {
		return nil // a customer was quicker
	}
	pm, err := d.methodOf(c, inv)
	if err != nil {
		return err
	}
	how := itFailed
	inv.NextPaymentAttempt = nil
	if pm == nil {
		inv.tried(true)
	} else if hopeless, err := inv.hopeless(c, pm); err != nil || hopeless {
		if err != nil {
			return err
		}
		inv.tried(true)
		d.dun(c, inv, itFailed)
		if err := c.Save(inv, "invoice.updated"); err != nil {
			return err
		}
		return d.follow(c, inv, itFailed)
	} else if how, err = d.charge(c, inv, pm, try{scheduled: true}); err != nil {
		var f *fault.Error
		if !errors.As(err, &f) {
			return err
		}
		inv.tried(true) // the method cannot pay this
		how = itFailed
	}
	if how == itWaits {
		return c.Save(inv)
	}
	d.dun(c, inv, how)
	if err := d.tell(c, inv, how); err != nil {
		return err
	}
	return d.follow(c, inv, how)
}

// A try is how an invoice is collected.
type try struct {
	present   bool      // the customer is there
	scheduled bool      // it comes by itself
	made      *api.Mark // the intent is new, and nothing has told of it
}

// tried counts a try: the first of all, and then those that come by themselves. Known from: the spec (attempt_count).
func (inv *Invoice) tried(scheduled bool) {
	inv.Attempted = true
	if scheduled || inv.AttemptCount == 0 {
		inv.AttemptCount++
	}
}

// final are the declines after which the same card is not charged again. Known from: facts 15d.
var final = []string{
	"authentication_required", "highest_risk_level", "incorrect_number", "lost_card", "pickup_card", "revocation_of_all_authorizations",
	"revocation_of_authorization", "stolen_card",
}

// hopeless says whether a payment method was refused in a way that no further try can change.
func (inv *Invoice) hopeless(c *api.Call, pm *paymentmethod.PaymentMethod) (bool, error) {
	pi, err := payment.Intents.Get(c, inv.Private.Payment)
	if err != nil || pi == nil {
		return false, err
	}
	last, err := pi.LastError(c)
	if err != nil || last == nil || jsontext.Text(pi.LastPaymentError, "payment_method.id") != pm.ID {
		return false, err
	}
	return slices.Contains(final, last.DeclineCode) || slices.Contains(final, last.Code), nil
}

// charge tries to pay an invoice with a payment method, and notes what becomes of it. Nothing is told of the invoice yet; of the intent that is new and of
// its charge all is. A method that cannot pay is a failure, not a refusal, unless somebody asked.
func (d *Domain) charge(c *api.Call, inv *Invoice, pm *paymentmethod.PaymentMethod, t try) (outcome, error) {
	pi, err := payment.Intents.Get(c, inv.Private.Payment)
	if err != nil {
		return itWaits, err
	}
	pi.Private.Watched = true
	err = c.InRealTime(func() error { return d.payments.PayInvoice(c, pi, pm, t.present, t.made) })
	pi.Private.Watched = false
	if err != nil {
		return itWaits, err
	}
	return d.apply(c, inv, pi, t.scheduled)
}

// apply notes on an invoice what its intent has come to.
func (d *Domain) apply(c *api.Call, inv *Invoice, pi *payment.Intent, scheduled bool) (outcome, error) {
	inv.Attempted = true
	switch pi.Status {
	case payment.Succeeded:
		inv.tried(scheduled)
		inv.AmountPaid, inv.AmountRemaining, inv.AutoAdvance, inv.NextPaymentAttempt = inv.AmountDue, 0, false, nil
		if err := inv.move(paid, c.Now()); err != nil {
			return itPaid, err
		}
		return itPaid, d.paymentMade(c, inv, pi)
	case payment.NeedsAction:
		return itAsks, nil
	case payment.Processing:
		inv.tried(scheduled)
		return itWaits, nil
	}
	inv.tried(scheduled)
	return itFailed, nil
}

// atTheTill says whether the invoice is the first of a subscription that does not begin before it is paid.
func (d *Domain) atTheTill(c *api.Call, inv *Invoice) bool {
	sub, err := Subscriptions.Get(c, inv.subscription())
	return err == nil && sub != nil && sub.Status == incomplete
}

// dun says when a collection that failed is tried again, or gives it up. A subscription's first invoice waits for its customer.
func (d *Domain) dun(c *api.Call, inv *Invoice, how outcome) {
	if how != itFailed && how != itAsks || !inv.AutoAdvance || d.atTheTill(c, inv) {
		return
	}
	if n := inv.Private.Tries; n < int64(len(retries)) {
		inv.Private.Tries++
		inv.tryAgain(c, c.Now()+retries[n]*86400)
		return
	}
	inv.NextPaymentAttempt, inv.AutoAdvance = nil, false
}

// tell tells what became of a collection. The invoice is saved with it. Known from: facts 08 (8e), 15m.
func (d *Domain) tell(c *api.Call, inv *Invoice, how outcome) error {
	switch how {
	case itPaid:
		return c.Save(inv, "invoice.updated", "invoice.paid", "invoice.payment_succeeded")
	case itFailed:
		return c.Save(inv, "invoice.payment_failed", "invoice.updated")
	case itAsks:
		return c.Save(inv, "invoice.payment_action_required", "invoice.payment_failed", "invoice.updated")
	}
	return c.Save(inv)
}

// intentMoved follows the intents of invoices: what a browser, a bank or a network has done to one is done to its invoice when the intent's own events
// have been told.
func (d *Domain) intentMoved(c *api.Call, pi *payment.Intent, from string) error {
	if pi.Private.Invoice == "" || pi.Private.Watched {
		return nil
	}
	switch pi.Status {
	case payment.Succeeded, payment.NeedsAction, payment.Processing:
	case payment.NeedsMethod:
		if from == "" {
			return nil
		}
	default:
		return nil
	}
	c.Later(func(c *api.Call) error {
		inv, err := Invoices.Get(c, pi.Private.Invoice)
		if err != nil || inv == nil || inv.Status != open && inv.Status != uncollectible || inv.Private.Payment != pi.ID {
			return err
		}
		if err := testclock.Enter(c, inv.TestClock); err != nil {
			return err
		}
		how, err := d.apply(c, inv, pi, false)
		if err != nil {
			return err
		}
		if from == payment.Processing { // a bank has answered to what was collected; anything else the customer has done himself
			d.dun(c, inv, how)
		}
		if err := d.tell(c, inv, how); err != nil {
			return err
		}
		return d.follow(c, inv, how)
	})
	return nil
}

// methodOf is what an invoice is paid with by itself; nil if there is nothing. Known from: facts 15d (the order).
func (d *Domain) methodOf(c *api.Call, inv *Invoice) (*paymentmethod.PaymentMethod, error) {
	names := []*string{inv.DefaultPaymentMethod, inv.DefaultSource}
	sub, err := Subscriptions.Get(c, inv.subscription())
	if err != nil {
		return nil, err
	}
	if sub != nil {
		names = append(names, sub.DefaultPaymentMethod, sub.DefaultSource)
	}
	cus, err := customer.Customers.Get(c, inv.Customer)
	if err != nil {
		return nil, err
	}
	return d.first(c, cus, names...)
}

// first is the first payment method that is there: of names, or else what the customer pays with by default.
func (d *Domain) first(c *api.Call, cus *customer.Customer, names ...*string) (*paymentmethod.PaymentMethod, error) {
	if cus != nil {
		names = append(names, cus.InvoiceSettings.DefaultPaymentMethod, cus.DefaultSource)
	}
	for _, name := range names {
		if name == nil {
			continue
		}
		pm, err := d.methods.Resolve(c, *name, "payment_method")
		var gone *fault.Error
		if errors.As(err, &gone) {
			continue // it was detached
		}
		return pm, err
	}
	return nil, nil
}

// belongs refuses a payment method that is not the customer's.
func (d *Domain) belongs(c *api.Call, id, customerID, param string) error {
	pm, err := d.methods.Resolve(c, id, param)
	if err != nil {
		return err
	}
	if pm.Customer == nil || *pm.Customer != customerID {
		return fault.NotAttached(id, param)
	}
	return nil
}

// voidInvoice cancels an invoice that was final: it counts as if it had never been.
func (d *Domain) voidInvoice(c *api.Call) (any, error) {
	inv, err := invoiceInPath(c, "id")
	if err != nil {
		return nil, err
	}
	switch inv.Status {
	case open, uncollectible: // facts 08 (8e); unverified: a probe of 2026 saw one that is uncollectible refused
		if err := settled(c, inv); err != nil {
			return nil, err
		}
		return inv, d.void(c, inv)
	case paid:
		return nil, fault.InvoicePaidNotVoided()
	}
	return nil, fault.InvoiceNotOpen()
}

// void voids an invoice: its intent is canceled, and what it took from the customer's balance and his credits goes back.
func (d *Domain) void(c *api.Call, inv *Invoice) error {
	if err := d.dropPayment(c, inv); err != nil {
		return err
	}
	cus, err := customer.Customers.Get(c, inv.Customer)
	if err != nil {
		return err
	}
	if cus != nil && inv.EndingBalance != nil && *inv.EndingBalance != inv.StartingBalance {
		used := inv.StartingBalance - *inv.EndingBalance
		if err := d.customers.ApplyBalance(c, cus, "unapplied_from_invoice", used, inv.Currency, inv.ID); err != nil {
			return err
		}
	}
	if err := inv.giveBack(c); err != nil {
		return err
	}
	inv.AutoAdvance, inv.NextPaymentAttempt = false, nil
	if err := inv.move(void, c.Now()); err != nil {
		return err
	}
	if err := c.Save(inv, "invoice.updated", "invoice.voided"); err != nil {
		return err
	}
	return d.closed(c, inv)
}

// markUncollectible gives up hope that an invoice is paid. It may be paid all the same.
func (d *Domain) markUncollectible(c *api.Call) (any, error) {
	inv, err := invoiceInPath(c, "id")
	if err != nil {
		return nil, err
	}
	switch inv.Status {
	case open:
	case uncollectible:
		return nil, fault.InvoiceGivenUp()
	default:
		return nil, fault.InvoiceNotOpen()
	}
	if err := settled(c, inv); err != nil {
		return nil, err
	}
	inv.AutoAdvance, inv.NextPaymentAttempt = false, nil
	if err := inv.move(uncollectible, c.Now()); err != nil {
		return nil, err
	}
	if err := c.Save(inv, "invoice.updated", "invoice.marked_uncollectible"); err != nil {
		return nil, err
	}
	return inv, d.closed(c, inv)
}
