package radar

import (
	"encoding/json"
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
)

// A Review is a payment that somebody is to look at. It is opened by a rule when the payment is approved, and closed when it is approved of,
// refunded, disputed or canceled. Known from: Stripe's reference, and a webhook of 2021 that a public repository keeps: a review of an intent
// names no charge.
type Review struct {
	api.Meta
	BillingZip        *string         `json:"billing_zip"`
	Charge            *string         `json:"charge"` // of a payment without an intent
	ClosedReason      *string         `json:"closed_reason"`
	Created           int64           `json:"created"`
	IPAddress         *string         `json:"ip_address"`
	IPAddressLocation json.RawMessage `json:"ip_address_location"` // Florin knows no places of addresses
	Livemode          bool            `json:"livemode"`
	Open              bool            `json:"open"`
	OpenedReason      string          `json:"opened_reason"` // rule or manual
	PaymentIntent     *string         `json:"payment_intent,omitempty"`
	Reason            string          `json:"reason"` // why it is as it is: see reviewNext
	Session           json.RawMessage `json:"session"`
}

// The reasons of a review, which are its statuses, and what may follow each.
var reviewNext = map[string][]string{
	"":     {"rule"},
	"rule": {"approved", "refunded", "refunded_as_fraud", "disputed", "canceled"},
}

// Reviews is the kind of reviews.
var Reviews = &api.Kind[Review]{Name: "review", Prefixes: []string{"prv"}, Param: "review", Index: []string{"open"}}

func (d *Domain) reviewRoutes(r *api.Router) {
	r.Kind(Reviews)
	r.Handle("GET /v1/reviews", d.listReviews)
	r.Plain("GET /v1/reviews/{review}", Reviews.Retrieve)
	r.Handle("POST /v1/reviews/{review}/approve", d.approveReview)
}

// move is the only place that assigns a review's reason. One that is not open for a rule is closed.
func (r *Review) move(to string) error {
	if !slices.Contains(reviewNext[r.Reason], to) {
		return fmt.Errorf("review %s cannot go from %q to %q", r.ID, r.Reason, to)
	}
	r.Reason, r.Open = to, to == "rule"
	if !r.Open {
		r.ClosedReason = &r.Reason
	}
	return nil
}

// open opens the review of a charge that has just been approved. It is told of after the payment.
// unverified: when Stripe tells of it.
func (d *Domain) open(c *api.Call, ch *payment.Charge) error {
	r := Reviews.New(c, c.NewID("prv"))
	r.Created, r.Livemode, r.OpenedReason = c.Now(), c.Live(), "rule"
	if err := r.move("rule"); err != nil {
		return err
	}
	if ip := browserIP(c); ip != "" {
		r.IPAddress = &ip
	}
	if ch.PaymentMethod != nil {
		pm, err := paymentmethod.Get(c, *ch.PaymentMethod)
		if err != nil {
			return err
		}
		if pm != nil {
			r.BillingZip = pm.BillingDetails.Address.PostalCode
		}
	}
	if ch.PaymentIntent == nil {
		r.Charge = &ch.ID
	} else {
		pi, err := payment.Intents.Get(c, *ch.PaymentIntent)
		if err != nil {
			return err
		}
		r.PaymentIntent, pi.Review = ch.PaymentIntent, &r.ID // who follows saves the intent and the charge
	}
	ch.Review = &r.ID
	if err := c.Save(r); err != nil {
		return err
	}
	c.Later(func(c *api.Call) error { return c.Save(r, "review.opened") })
	return nil
}

// close closes the review of a charge, if one is open.
func (d *Domain) close(c *api.Call, ch *payment.Charge, reason string) error {
	if ch.Review == nil {
		return nil
	}
	r, err := Reviews.Get(c, *ch.Review)
	if err != nil || r == nil || !r.Open {
		return err
	}
	if err := r.move(reason); err != nil {
		return err
	}
	return c.Save(r, "review.closed")
}

// listReviews lists the reviews that are open.
func (d *Domain) listReviews(c *api.Call) (any, error) {
	return Reviews.ListOf(c, api.Narrow{Path: "open", Value: "true"})
}

func (d *Domain) approveReview(c *api.Call) (any, error) {
	r, err := Reviews.InPath(c, "review")
	if err != nil {
		return nil, err
	}
	if !r.Open {
		return nil, fault.ReviewClosed(r.ID)
	}

	if err := r.move("approved"); err != nil {
		return nil, err
	}
	return r, c.Save(r, "review.closed")
}
