package billing

import (
	"encoding/json"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/domain/taxid"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

const hour = 3600

// createInvoice makes a draft that somebody wants by hand: an empty one, or one of all that waits for the customer.
func (d *Domain) createInvoice(c *api.Call) (any, error) {
	if c.P.Str("customer") == "" && c.P.Str("subscription") == "" {
		return nil, fault.Missing("customer")
	}
	if c.P.Given("from_invoice") {
		return nil, fault.ParamNotBuilt("from_invoice")
	}
	sub, cus, err := d.whose(c)
	if err != nil {
		return nil, err
	}
	currency, err := currencyOf(c, cus, sub)
	if err != nil {
		return nil, err
	}

	inv := newInvoice(c, cus, currency, "manual")
	inv.PeriodStart, inv.PeriodEnd = c.Now(), c.Now()
	inv.Rendering = &Rendering{PDF: RenderingPDF{"auto"}}
	if sub != nil {
		inv.from(sub)
		inv.PeriodStart = sub.periodStart()
	} else {
		inv.inherit(cus)
	}
	if err := d.takeInvoice(c, inv); err != nil {
		return nil, err
	}
	if c.P.Str("pending_invoice_items_behavior") == "include" || !c.P.Has("pending_invoice_items_behavior") && !c.AtLeast("2022-08-01") {
		if err := d.takePending(c, inv, sub); err != nil {
			return nil, err
		}
		if len(inv.lines()) == 0 && !c.AtLeast("2022-08-01") {
			return nil, fault.NothingToInvoice()
		}
	}
	if err := speak(c, cus, currency); err != nil {
		return nil, err
	}
	return inv, d.retotal(c, inv, "invoice.created")
}

// whose finds whom a new invoice is for.
func (d *Domain) whose(c *api.Call) (*Subscription, *customer.Customer, error) {
	var sub *Subscription
	var err error
	id := c.P.Str("customer")
	if name := c.P.Str("subscription"); name != "" {
		if sub, err = Subscriptions.Find(c, name, "subscription"); err != nil {
			return nil, nil, err
		}
		if id != "" && id != sub.Customer {
			return nil, nil, fault.SubscriptionOfOther(name, id)
		}
		id = sub.Customer
	}
	cus, err := d.customer(c, id, "customer")
	return sub, cus, err
}

// currencyOf is what a new invoice is in: what is asked for, else the subscription's, the customer's, or the account's currency.
func currencyOf(c *api.Call, cus *customer.Customer, sub *Subscription) (string, error) {
	currency := c.P.Str("currency")
	switch {
	case currency != "":
		if cus.Currency != nil && *cus.Currency != currency {
			return "", fault.CurrenciesCombined(*cus.Currency)
		}
		return currency, nil
	case sub != nil:
		return sub.Currency, nil
	case cus.Currency != nil:
		return *cus.Currency, nil
	}
	return account.Of(c).DefaultCurrency, nil
}

// newInvoice makes a draft for a customer, with nothing on it.
func newInvoice(c *api.Call, cus *customer.Customer, currency, reason string) *Invoice {
	inv := Invoices.New(c, c.NewID("in"))
	now := c.Now()
	inv.Created, inv.Livemode, inv.Metadata, inv.Currency, inv.BillingReason = now, c.Live(), map[string]string{}, currency, reason
	inv.Status = draft
	inv.CollectionMethod, inv.Issuer = automatic, Issuer{Type: "self"}
	inv.Customer, inv.TestClock = cus.ID, cus.TestClock
	inv.WebhooksDeliveredAt = &now // unverified: that it is set before they are; recorded so
	inv.Discounts, inv.DefaultTaxRates = []string{}, []json.RawMessage{}
	if platform := account.Platform(c); platform != nil {
		inv.Application = opt(platform.Application())
	}
	a := account.Of(c)
	inv.AccountCountry, inv.AccountName = a.Country, opt(a.Name())
	inv.CustomFields, inv.Footer = cus.InvoiceSettings.CustomFields, cus.InvoiceSettings.Footer
	inv.setLines(nil)
	inv.address(c, cus)
	return inv
}

// address puts on the invoice who the customer is, as of now.
func (inv *Invoice) address(c *api.Call, cus *customer.Customer) {
	inv.CustomerAddress, inv.CustomerEmail, inv.CustomerName, inv.CustomerPhone = cus.Address, cus.Email, cus.Name, cus.Phone
	inv.CustomerShipping, inv.CustomerTaxExempt = cus.Shipping, cus.TaxExempt
	inv.CustomerTaxIDs = []TaxIDOf{}
	_ = taxid.TaxIDs.Each(c, "customer", cus.ID, func(t *taxid.TaxID) bool {
		inv.CustomerTaxIDs = append(inv.CustomerTaxIDs, TaxIDOf{t.Type, &t.Value})
		return true
	})
	slices.Reverse(inv.CustomerTaxIDs)
}

// inherit gives the invoice the customer's discount.
func (inv *Invoice) inherit(cus *customer.Customer) { inv.Discounts = discountsOf(cus) }

// discountsOf are the customer's own discounts: one, or none.
func discountsOf(cus *customer.Customer) []string {
	if di := jsontext.Text(cus.Discount, "id"); di != "" {
		return []string{di}
	}
	return []string{}
}

// dueIn says in how many days an invoice that is sent must be paid.
func (inv *Invoice) dueIn(c *api.Call, days int64) {
	due := inv.Created + days*86400
	inv.DueDate, inv.Private.Days = &due, days
}

// finalizesAt says when a draft goes on by itself.
func (inv *Invoice) finalizesAt(c *api.Call, when int64) {
	inv.AutomaticallyFinalizesAt = &when
	if inv.CollectionMethod == automatic {
		inv.NextPaymentAttempt = &when
	}
	c.At(when, "invoice.advance", inv.ID)
}

// takeAdvance applies the parameters that say whether, and when, the invoice goes on by itself. A draft goes on an hour after it was made.
func (inv *Invoice) takeAdvance(c *api.Call) {
	switch {
	case c.P.Given("automatically_finalizes_at"):
		inv.AutoAdvance = true
		inv.finalizesAt(c, c.P.Num("automatically_finalizes_at"))
	case !c.P.Has("auto_advance"):
	case !inv.AutoAdvance:
		inv.AutomaticallyFinalizesAt, inv.NextPaymentAttempt = nil, nil
	case inv.Status == draft:
		inv.finalizesAt(c, max(inv.Created+hour, c.Now()))
	case inv.Status == open && inv.CollectionMethod == automatic && inv.NextPaymentAttempt == nil:
		inv.tryAgain(c, c.Now()) // unverified: how soon
	}
}

// takeInvoice applies the parameters that creating and changing an invoice have in common.
func (d *Domain) takeInvoice(c *api.Call, inv *Invoice) error {
	p := c.P
	for _, name := range []string{"shipping_cost", "account_tax_ids", "customer_account"} {
		if p.Given(name) {
			return fault.ParamNotBuilt(name)
		}
	}
	if p.At("automatic_tax").True("enabled") {
		return fault.ParamNotBuilt("automatic_tax[enabled]")
	}
	if p.At("issuer").Str("type") == "account" {
		return fault.ParamNotBuilt("issuer[account]")
	}
	for _, name := range []string{"default_payment_method", "default_source"} {
		if id := p.Str(name); id != "" {
			if err := d.belongs(c, id, inv.Customer, name); err != nil {
				return err
			}
		}
	}
	if err := d.payments.CheckSharing(c); err != nil {
		return err
	}
	method := inv.CollectionMethod
	if m := p.Str("collection_method"); m != "" {
		method = m
	}
	if (p.Given("days_until_due") || p.Given("due_date")) && method != send {
		return fault.DueOnlyWhenSent()
	}
	if method == send && inv.CustomerEmail == nil {
		return fault.InvoiceNoEmail()
	}
	if method == send && inv.DueDate == nil && !p.Given("days_until_due") && !p.Given("due_date") {
		return fault.DueNeeded()
	}
	if p.Given("days_until_due") && p.Given("due_date") {
		return fault.OnlyOne("days_until_due", "due_date")
	}
	if p.Given("due_date") && p.Num("due_date") <= c.Now() {
		return fault.InThePast("due_date")
	}
	if p.Given("automatically_finalizes_at") && p.Num("automatically_finalizes_at") <= c.Now() {
		return fault.InThePast("automatically_finalizes_at")
	}

	if err := c.ParamsOnly(inv, "auto_advance", "collection_method", "custom_fields", "default_payment_method", "default_source", "description", "due_date", "effective_at",
		"footer", "metadata", "number", "on_behalf_of", "payment_settings", "shipping_details", "statement_descriptor"); err != nil {
		return err
	}
	if err := api.MetadataLimit(inv.Metadata); err != nil {
		return err
	}
	if p.Given("days_until_due") {
		inv.dueIn(c, p.Num("days_until_due"))
	}
	if p.Has("rendering") && inv.Rendering == nil {
		inv.Rendering = &Rendering{PDF: RenderingPDF{"auto"}}
	}
	if err := c.ParamsOnly(inv, "rendering"); err != nil {
		return err
	}
	if p.Given("application_fee_amount") {
		fee := p.Num("application_fee_amount")
		inv.Private.ApplicationFeeAmount = &fee
	}
	if v := p.Get("transfer_data"); v != nil {
		inv.Private.TransferData = api.AppendValue(nil, v)
	}
	inv.takeAdvance(c)
	if p.Has("default_tax_rates") {
		rates, err := taxRates(c, p, "default_tax_rates", "")
		if err != nil {
			return err
		}
		if inv.DefaultTaxRates, err = showRates(c, rates); err != nil {
			return err
		}
	}
	if p.Has("discounts") {
		list, err := d.discounts(c, p.Get("discounts"), "discounts", holder{customer: inv.Customer, invoice: inv.ID})
		if err != nil {
			return err
		}
		inv.Discounts = list
	}
	return nil
}
