package billing

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/money"
)

// finalizeInvoice makes a draft final, at somebody's wish.
func (d *Domain) finalizeInvoice(c *api.Call) (any, error) {
	inv, err := invoiceInPath(c, "id")
	if err != nil {
		return nil, err
	}
	if inv.Status != draft {
		return nil, fault.InvoiceFinalized()
	}
	if c.P.Has("auto_advance") {
		inv.AutoAdvance = c.P.True("auto_advance")
	}
	if err := d.finalizeAndTell(c, inv); err != nil {
		return nil, err
	}
	if inv.Status == open && inv.AutoAdvance && inv.CollectionMethod == automatic {
		inv.tryAgain(c, c.Now()) // unverified: how soon
	}
	return inv, c.Save(inv)
}

// finalizeAndTell finalizes a draft that has been told of, with its events. Known from: facts 15m.
func (d *Domain) finalizeAndTell(c *api.Call, inv *Invoice) error {
	made, err := d.finalize(c, inv)
	if err != nil {
		return err
	}
	if made != nil {
		if err := c.EmitMark("payment_intent.created", *made); err != nil {
			return err
		}
	}
	if err := c.Save(inv, "invoice.updated", "invoice.finalized"); err != nil {
		return err
	}
	if inv.Status != paid {
		return nil
	}
	if err := c.Save(inv, "invoice.paid", "invoice.payment_succeeded"); err != nil { // unverified: that both tell of an invoice of nothing
		return err
	}
	return d.follow(c, inv, itPaid)
}

// finalize makes a draft final: it is added up for the last time, gets its number, takes from the customer's balance, and is open, or paid if nothing is
// due. What is due gets an intent, of which nothing tells yet. Known from: facts 08 (8e), 15d.
func (d *Domain) finalize(c *api.Call, inv *Invoice) (*api.Mark, error) {
	cus, err := customer.Customers.Get(c, inv.Customer)
	if err != nil {
		return nil, err
	}
	if cus == nil {
		return nil, fault.NoSuch("customer", inv.Customer, "customer", 400)
	}
	now := c.Now()
	inv.address(c, cus)
	if err := d.measureAgain(c, inv); err != nil {
		return nil, err
	}
	if err := inv.add(c, cus); err != nil {
		return nil, err
	}
	if err := inv.spend(c); err != nil {
		return nil, err
	}
	if inv.Number == nil {
		number := fmt.Sprintf("%s-%04d", cus.InvoicePrefix, cus.NextInvoiceSequence)
		inv.Number = &number
		cus.NextInvoiceSequence++
		if err := c.Save(cus); err != nil {
			return nil, err
		}
	}
	if inv.EffectiveAt == nil {
		inv.EffectiveAt = &now
	}
	inv.AutomaticallyFinalizesAt, inv.NextPaymentAttempt = nil, nil
	inv.StatusTransitions.FinalizedAt = &now
	inv.publish(c)
	if err := d.takeBalance(c, inv, cus); err != nil {
		return nil, err
	}
	if err := inv.share(c); err != nil {
		return nil, err
	}
	if err := d.useUp(c, inv); err != nil {
		return nil, err
	}
	if inv.AmountDue == 0 {
		inv.Attempted, inv.AutoAdvance = true, false
		return nil, inv.move(paid, now)
	}
	if err := inv.move(open, now); err != nil {
		return nil, err
	}
	if inv.CollectionMethod == send && inv.DueDate != nil {
		c.At(*inv.DueDate, "invoice.overdue", inv.ID)
	}
	return d.intentOf(c, inv)
}

// publish gives the invoice its pages. unverified: what is in their addresses beyond the account and the mode.
func (inv *Invoice) publish(c *api.Call) {
	key := account.Of(c).ID + "/" + mode(c) + "_" + base64.RawURLEncoding.EncodeToString([]byte(inv.ID+","+id.Secret(16)))
	page, pdf := "https://invoice.stripe.com/i/"+key+"?s=ap", "https://pay.stripe.com/invoice/"+key+"/pdf?s=ap"
	inv.HostedInvoiceURL, inv.InvoicePDF = &page, &pdf
	if inv.Rendering != nil && inv.Rendering.PDF.PageSize == "auto" {
		inv.Rendering.PDF.PageSize = "a4"
		switch inv.AccountCountry {
		case "US", "CA", "MX", "PH", "CL", "CO":
			inv.Rendering.PDF.PageSize = "letter"
		}
	}
}

func mode(c *api.Call) string {
	if c.Live() {
		return "live"
	}
	return "test"
}

// takeBalance uses the customer's balance up as far as the invoice takes, or adds to it. What is too little to be charged goes to the balance.
func (d *Domain) takeBalance(c *api.Call, inv *Invoice, cus *customer.Customer) error {
	ending := inv.after()
	if err := d.customers.ApplyBalance(c, cus, "applied_to_invoice", ending-inv.StartingBalance, inv.Currency, inv.ID); err != nil {
		return err
	}
	if inv.AmountDue > 0 && inv.AmountDue < money.Minimum(inv.Currency) {
		if err := d.customers.ApplyBalance(c, cus, "invoice_too_small", inv.AmountDue, inv.Currency, inv.ID); err != nil {
			return err
		}
		ending += inv.AmountDue
		inv.AmountDue, inv.AmountRemaining = 0, 0 // unverified: that nothing is due then
	}
	inv.EndingBalance = &ending
	return nil
}

// useUp ends the discounts that are for one invoice, and have taken something off this one. unverified: that a trial does not use them up.
func (d *Domain) useUp(c *api.Call, inv *Invoice) error {
	var used []string
	for _, off := range inv.TotalDiscountAmounts {
		if off.Amount > 0 {
			used = append(used, off.Discount)
		}
	}
	all, err := reductions(c, used, inv.PeriodEnd)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.coupon.Duration != "once" {
			continue
		}
		if r.Subscription == nil {
			if err := d.customers.EndDiscount(c, inv.Customer, r.ID); err != nil {
				return err
			}
			continue
		}
		if err := d.endDiscount(c, *r.Subscription, r.Discount); err != nil {
			return err
		}
	}
	return nil
}

// intentOf makes the intent that the invoice is paid by, and the invoice payment that binds them.
func (d *Domain) intentOf(c *api.Call, inv *Invoice) (*api.Mark, error) {
	if inv.paidBy != nil {
		return nil, d.takeIntent(c, inv)
	}
	due := payment.Due{
		Invoice: inv.ID, Amount: inv.AmountDue, Currency: inv.Currency, Customer: inv.Customer, Types: inv.PaymentSettings.PaymentMethodTypes,
		Keep: inv.Private.Keep, OnBehalfOf: inv.OnBehalfOf, StatementDescriptor: inv.StatementDescriptor, ApplicationFeeAmount: inv.Private.ApplicationFeeAmount,
	}
	switch inv.BillingReason { // recorded
	case "manual":
		due.Description = "Payment for Invoice"
	case "subscription_create":
		due.Description = "Subscription creation"
	default:
		due.Description = "Subscription update"
	}
	if len(inv.Private.TransferData) > 0 {
		if err := json.Unmarshal(inv.Private.TransferData, &due.TransferData); err != nil {
			return nil, fmt.Errorf("the transfer data of %s: %w", inv.ID, err)
		}
	}
	var made *api.Mark
	err := c.InRealTime(func() error { // payments know no test clock
		pi, mark, err := d.payments.ForInvoice(c, due)
		if err != nil {
			return err
		}
		made, inv.Private.Payment = mark, pi.ID
		return d.newPayment(c, inv, pi)
	})
	return made, err
}

// sendInvoice sends an invoice to its customer, who pays it on its page. A draft is finalized first.
func (d *Domain) sendInvoice(c *api.Call) (any, error) {
	inv, err := invoiceInPath(c, "invoice")
	if err != nil {
		return nil, err
	}
	if inv.Status != draft && inv.Status != open {
		return nil, fault.InvoiceNotSendable()
	}
	if inv.CollectionMethod != send {
		return nil, fault.InvoiceNotSent()
	}
	if inv.Status == draft {
		if err := d.finalizeAndTell(c, inv); err != nil {
			return nil, err
		}
	}
	return inv, c.Save(inv, "invoice.sent")
}

// overdueInvoice is the task that tells of an invoice whose customer has not paid in time.
func (d *Domain) overdueInvoice(c *api.Call, name string) error {
	inv, err := Invoices.Get(c, name)
	if err != nil || inv == nil || inv.Status != open || inv.DueDate == nil || *inv.DueDate > c.Now() {
		return err
	}
	if err := c.Emit("invoice.overdue", inv); err != nil {
		return err
	}
	return d.follow(c, inv, itFailed)
}

// advanceInvoice is the task that leads an invoice its way: a draft is finalized when its time has come, an open one is collected.
func (d *Domain) advanceInvoice(c *api.Call, name string) error {
	inv, err := Invoices.Get(c, name)
	if err != nil || inv == nil {
		return err
	}
	now := c.Now()
	if inv.Status == draft {
		if inv.AutomaticallyFinalizesAt == nil || *inv.AutomaticallyFinalizesAt > now {
			return nil
		}
		if err := d.finalizeAndTell(c, inv); err != nil {
			return err
		}
		switch {
		case inv.Status == paid:
			return nil
		case inv.CollectionMethod == send:
			return c.Emit("invoice.sent", inv)
		}
		return d.collect(c, inv)
	}
	if inv.Status != open || !inv.AutoAdvance || inv.NextPaymentAttempt == nil || *inv.NextPaymentAttempt > now {
		return nil
	}
	return d.collect(c, inv)
}

// tryAgain says when an open invoice is collected next.
func (inv *Invoice) tryAgain(c *api.Call, when int64) {
	inv.NextPaymentAttempt = &when
	c.At(when, "invoice.advance", inv.ID)
}
