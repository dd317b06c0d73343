package billing

import (
	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/setup"
	"florin/internal/domain/testclock"
	"florin/internal/form"
)

// A subscription that asks for nothing yet, in a trial say, of a customer who has nothing to pay with, comes with a setup intent: his browser confirms it,
// and what it sets up is attached to him. Known from: the spec (pending_setup_intent).

// askForMethod makes the setup intent of a new subscription, if there is to be one.
func (d *Domain) askForMethod(c *api.Call, sub *Subscription) error {
	if sub.CollectionMethod != automatic || sub.order != nil || sub.Schedule != nil || sub.Status == incomplete {
		return nil
	}
	inv, err := Invoices.Get(c, text(sub.LatestInvoice))
	if err != nil || inv != nil && inv.AmountDue > 0 {
		return err
	}
	cus, err := customer.Customers.Get(c, sub.Customer)
	if err != nil {
		return err
	}
	if pm, err := d.first(c, cus, sub.DefaultPaymentMethod, sub.DefaultSource); err != nil || pm != nil {
		return err
	}
	p := &form.Value{Kind: form.Object}
	p.Set("customer", &form.Value{Kind: form.String, Text: sub.Customer})
	if types := sub.PaymentSettings.PaymentMethodTypes; len(types) > 0 {
		list := &form.Value{Kind: form.Array}
		for _, t := range types {
			list.Items = append(list.Items, &form.Value{Kind: form.String, Text: t})
		}
		p.Set("payment_method_types", list)
	}
	return c.InRealTime(func() error {
		si, err := d.setups.ForSubscription(c, sub.ID, p)
		if err == nil {
			sub.PendingSetupIntent = &si.ID
		}
		return err
	})
}

// setupMoved follows the setup intents of subscriptions. unverified: that what was set up is the subscription's default only if it says so.
func (d *Domain) setupMoved(c *api.Call, si *setup.Intent, _ string) error {
	if si.Private.Subscription == "" || si.Status != setup.Succeeded && si.Status != setup.Canceled {
		return nil
	}
	c.Later(func(c *api.Call) error { // when the intent's own events have been told
		sub, err := Subscriptions.Get(c, si.Private.Subscription)
		if err != nil || sub == nil || sub.over() || text(sub.PendingSetupIntent) != si.ID {
			return err
		}
		if err := testclock.Enter(c, sub.TestClock); err != nil {
			return err
		}
		sub.PendingSetupIntent = nil
		if si.Status == setup.Succeeded && sub.PaymentSettings.SaveDefaultPaymentMethod == "on_subscription" {
			sub.DefaultPaymentMethod = si.PaymentMethod
		}
		return d.save(c, sub, "customer.subscription.updated")
	})
	return nil
}
