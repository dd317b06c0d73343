// Package payment takes money: payment intents, the charges that they make, and refunds.
//
// An intent's life is intent.go, with a file for each longer step of it (intent_confirm.go, intent_capture.go, intent_cancel.go). A charge is
// one try of an intent, or of the older POST /v1/charges; what a try asks of the card network, and what comes of the answer, is attempt.go:
// an attempt is recorded, sent, and its result applied; with the test network, which answers at once, all in one unit of work.
//
// Known from: facts 05 (refusals), 07 (test cards), 08 (8a, 8c: states and events), 09 (fees).
package payment

import (
	"florin/internal/api"
	"florin/internal/domain/balance"
	"florin/internal/domain/customer"
	"florin/internal/domain/paymentmethod"
	"florin/internal/rail"
)

// A Domain takes payments.
type Domain struct {
	customers *customer.Domain
	methods   *paymentmethod.Domain
	balance   *balance.Domain
	rails     *rail.Rails
	followers []Follower

	screener        Screener
	chargeFollowers []ChargeFollower
}

// A Follower is told of each change of an intent's status, in the unit of work that changes it. Its error undoes the change.
type Follower func(c *api.Call, pi *Intent, from string) error

// New makes the domain on those below it.
func New(customers *customer.Domain, methods *paymentmethod.Domain, balances *balance.Domain, rails *rail.Rails) *Domain {
	d := &Domain{customers: customers, methods: methods, balance: balances, rails: rails}
	customers.Paid = hasPaid
	customers.Deleted = append(customers.Deleted, d.customerDeleted)
	d.FollowCharges(sourceRefunded)
	return d
}

// hasPaid is the customers' hook: whether one has paid before.
func hasPaid(c *api.Call, cus *customer.Customer) (paid bool, err error) {
	err = Charges.Each(c, "customer", cus.ID, func(ch *Charge) bool {
		paid = ch.Paid
		return !paid
	})
	return paid, err
}

// Follow adds a follower.
func (d *Domain) Follow(f Follower) { d.followers = append(d.followers, f) }

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Intents)
	r.Kind(Charges)
	r.Kind(Refunds)
	r.Kind(attempts)
	d.intentRoutes(r)
	d.chargeRoutes(r)
	d.refundRoutes(r)
	d.attemptRoutes(r)
	d.localRoutes(r)
	d.transferRoutes(r)
	d.feeRoutes(r)
}
