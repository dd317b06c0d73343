// Package setup gets payment methods ready to be used later: setup intents, the attempts that they make, and the mandates that come of them.
//
// An intent's life is setup_intent.go and setup_intent_confirm.go; bank accounts that must be verified first are setup_intent_verify.go. What
// is asked of the network is a setup attempt, which no money hangs on: with the test network, which answers at once, asking and applying are one
// unit of work.
//
// Known from: facts 05 (refusals), 07 (test cards), 08b (states and events), 11 (what a browser may see), recordings.
package setup

import (
	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/paymentmethod"
	"florin/internal/rail"
)

// A Domain sets payment methods up.
type Domain struct {
	methods   *paymentmethod.Domain
	rails     *rail.Rails
	followers []Follower
}

// A Follower is told of each change of a setup intent's status, in the unit of work that changes it. Its error undoes the change.
type Follower func(c *api.Call, si *Intent, from string) error

// New makes the domain on those below it.
func New(methods *paymentmethod.Domain, rails *rail.Rails) *Domain {
	return &Domain{methods: methods, rails: rails}
}

// Follow adds a follower.
func (d *Domain) Follow(f Follower) { d.followers = append(d.followers, f) }

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Intents)
	r.Kind(Attempts)
	r.Kind(Mandates)
	r.Kind(askeds)
	d.intentRoutes(r)
	d.attemptRoutes(r)
	r.Handle("GET /v1/mandates/{mandate}", Mandates.Retrieve)
}

type method = paymentmethod.PaymentMethod

// opt is a text that may be missing: nil for "".
func opt(s string) *string {
	if s == "" {
		return nil
	}
	kept := s // only what is not empty goes to the heap
	return &kept
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// customerOf finds the customer that a parameter names.
func customerOf(c *api.Call, id, param string) error {
	_, err := customer.Customers.Find(c, id, param)
	return err
}
