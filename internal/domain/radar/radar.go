// Package radar guards against fraud: it decides about payments before they leave (screen.go), by rules in Stripe's language (rule.go) over what is
// known of a payment (facts.go) and lists of values (value_list.go); keeps the payments that somebody is to look at (review.go), and what issuers
// warn of (early_fraud_warning.go); and says what it thinks of a payment that somebody else will process (payment_evaluation.go).
//
// Which rules there are is in a small document an account and mode (settings.go), which no route of the API shows: at Stripe it is the Dashboard's.
//
// Known from: facts 07 (7e, 7f), 08 (8d), 12 (ids); recordings (early fraud warnings); docs.stripe.com/radar.
package radar

import (
	"sync"

	"florin/internal/api"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
)

// A Domain guards the payments of all accounts.
type Domain struct {
	app     *api.App
	methods *paymentmethod.Domain
	seeded  sync.Map // the scopes whose default lists are known to be there
}

// New makes the domain, and lets it decide about the payments of the domain below it.
func New(app *api.App, methods *paymentmethod.Domain, payments *payment.Domain) *Domain {
	d := &Domain{app: app, methods: methods}
	payments.Screen(d.screen)
	payments.FollowCharges(d.chargeChanged)
	return d
}

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(kept)
	d.listRoutes(r)
	d.warningRoutes(r)
	d.reviewRoutes(r)
	d.evaluationRoutes(r)
}

// chargeChanged follows charges: what was approved may have to be looked at; what was captured may be warned of; what was refunded or let go
// need not be looked at any more.
func (d *Domain) chargeChanged(c *api.Call, ch *payment.Charge, step payment.Step) error {
	switch step {
	case payment.Approved:
		if ch.Outcome != nil && ch.Outcome.Type == "manual_review" {
			return d.open(c, ch)
		}
	case payment.Captured:
		if ch.Private.FraudWarning != "" && ch.Private.Captures <= 1 {
			c.Soon(func(c *api.Call) error { return d.warn(c, ch.ID) })
		}
	case payment.Refunded:
		if !ch.Refunded {
			return nil
		}
		reason := "refunded"
		if ch.FraudDetails["user_report"] == "fraudulent" {
			reason = "refunded_as_fraud"
		}
		if err := d.close(c, ch, reason); err != nil {
			return err
		}
		return d.settled(c, ch)
	case payment.Released:
		return d.close(c, ch, "canceled") // facts 13 (B3)
	}
	return nil
}

// Disputed is told of a charge whose money a dispute takes back.
func (d *Domain) Disputed(c *api.Call, ch *payment.Charge) error {
	if err := d.close(c, ch, "disputed"); err != nil {
		return err
	}
	return d.settled(c, ch)
}
