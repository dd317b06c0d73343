// Package checkout sells on a page: a merchant makes a session that says what is for sale, sends the customer to its URL, and hears of what came of it.
//
// Instead of making sessions himself he may publish a link (link.go), which makes one for each who opens it.
//
// A session's life is session.go: it is made (session_create.go, with what it sells in item.go), paid (pay.go, complete.go) by whoever is on its page, or
// expires. The page itself belongs to package page, which calls Pay; page.go has the routes by which Stripe's own page, and the CLI, do the same.
//
// A session pays by an intent like any other. One of mode payment confirms a payment intent when its customer pays. One of mode subscription does so, too,
// and begins the subscription when the intent says that the money has come, or will: nobody has a subscription that he has not paid for. What asks for
// nothing yet (a trial) and mode setup confirm a setup intent.
//
// Known from: facts 05 (5e), 08 (8j, 8o), 13 (DA1, B22, B23); recordings of 21 sessions from 2025-01-27.acacia to 2026-03-25.dahlia.
package checkout

import (
	"florin/internal/api"
	"florin/internal/domain/billing"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
)

// A Domain sells for all accounts.
type Domain struct {
	customers *customer.Domain
	methods   *paymentmethod.Domain
	setups    *setup.Domain
	payments  *payment.Domain
	billing   *billing.Domain
}

// New makes the domain on those below it.
func New(customers *customer.Domain, methods *paymentmethod.Domain, setups *setup.Domain, payments *payment.Domain, bills *billing.Domain) *Domain {
	d := &Domain{customers: customers, methods: methods, setups: setups, payments: payments, billing: bills}
	payments.Follow(d.paymentMoved)
	setups.Follow(d.setupMoved)
	return d
}

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	d.sessionRoutes(r)
	d.pageRoutes(r)
	d.linkRoutes(r)
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
