// Package billing asks customers for what they owe: invoices and what stands on them, and subscriptions, which make an invoice each period.
//
// An invoice's life is invoice.go, with a file for each longer step of it: invoice_create.go, invoice_total.go (discounts, taxes, the balance),
// invoice_finalize.go, invoice_pay.go. A subscription's is subscription.go: subscription_create.go, subscription_bill.go, subscription_change.go, subscription_cycle.go (what
// happens by itself), subscription_cancel.go; what a change costs in the middle of a period is proration.go.
// What is taken off an invoice that is final is credit_note.go: credit_note_create.go, credit_note_line.go (its arithmetic), credit_note_preview.go.
// What a customer is offered before there is any of this is quote.go: quote_terms.go, quote_item.go, quote_total.go, quote_finalize.go, quote_accept.go.
//
// What a customer has paid for usage before, or is given, is credit_grant.go: credit_grant_balance.go, credit_grant_use.go (how invoices take it).
//
// An invoice is paid through a payment intent, as any other payment is; what becomes of it billing hears as a follower (invoice_pay.go).
// Everything that belongs to a customer on a test clock happens at the clock's time.
//
// Known from: facts 08 (8e to 8i), 15; recordings from 2020-08-27 to 2026-03-25.dahlia.
package billing

import (
	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
)

// A Domain bills the customers of all accounts.
type Domain struct {
	customers *customer.Domain
	methods   *paymentmethod.Domain
	payments  *payment.Domain
	setups    *setup.Domain
	followers []Follower
}

// New makes the domain on those below it.
func New(clocks *testclock.Domain, customers *customer.Domain, methods *paymentmethod.Domain, setups *setup.Domain, payments *payment.Domain) *Domain {
	d := &Domain{customers: customers, methods: methods, setups: setups, payments: payments}
	payments.Follow(d.intentMoved)
	setups.Follow(d.setupMoved)
	clocks.Farthest = d.Farthest
	customers.Deleted = append(customers.Deleted, d.customerDeleted, d.dropSchedules, d.dropQuotes)
	clocks.Deleted = append(clocks.Deleted, d.dropQuotesOf)
	customers.Lists["subscriptions"] = d.subscriptionsOf
	return d
}

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	d.itemRoutes(r)
	d.invoiceRoutes(r)
	d.lineRoutes(r)
	d.invoicePaymentRoutes(r)
	d.subscriptionRoutes(r)
	d.subscriptionItemRoutes(r)
	d.scheduleRoutes(r)
	d.previewRoutes(r)
	d.creditNoteRoutes(r)
	d.creditGrantRoutes(r)
	d.quoteRoutes(r)
}

// customer finds the customer that a parameter names, and goes to his time.
func (d *Domain) customer(c *api.Call, id, param string) (*customer.Customer, error) {
	cus, err := customer.Customers.Find(c, id, param)
	if err != nil {
		return nil, err
	}
	return cus, testclock.Enter(c, cus.TestClock)
}

// customerOf is the customer of an invoice or a subscription, at whose time the call goes on.
func (d *Domain) customerOf(c *api.Call, id string) (*customer.Customer, error) {
	cus, err := customer.Customers.Get(c, id)
	if err != nil {
		return nil, err
	}
	if cus == nil { // deleted since
		return nil, fault.NoSuch("customer", id, "customer", 400)
	}
	return cus, testclock.Enter(c, cus.TestClock)
}

// speak fixes the currency that a customer is billed in, with the first of what he is billed for, and refuses another.
func speak(c *api.Call, cus *customer.Customer, currency string) error {
	if cus.Currency != nil {
		if *cus.Currency != currency {
			return fault.CurrenciesCombined(*cus.Currency)
		}
		return nil
	}
	cus.Currency = &currency
	return c.Save(cus, "customer.updated")
}

// opt is a text that may be missing: nil for "".
func opt(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// answer keeps a nil pointer from becoming an answer.
func answer[T api.Resource](obj T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return obj, nil
}

type method = paymentmethod.PaymentMethod
