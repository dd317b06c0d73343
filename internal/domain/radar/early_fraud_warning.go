package radar

import (
	"florin/internal/api"
	"florin/internal/domain/payment"
)

// An EarlyFraudWarning is what an issuer tells of a payment that the cardholder calls fraud, before there is a dispute. To refund it then may
// prevent one: while that is so, it is actionable. Known from: recordings (shape; made a second after the charge).
type EarlyFraudWarning struct {
	api.Meta
	Actionable    bool    `json:"actionable"` // it has been neither refunded in full nor disputed
	Charge        string  `json:"charge"`
	Created       int64   `json:"created"`
	FraudType     string  `json:"fraud_type"`
	Livemode      bool    `json:"livemode"`
	PaymentIntent *string `json:"payment_intent,omitempty"`
}

// Warnings is the kind of early fraud warnings.
var Warnings = &api.Kind[EarlyFraudWarning]{
	Name: "radar.early_fraud_warning", Prefixes: []string{"issfr"}, Param: "early_fraud_warning",
	Word:  "early_fraud_warning", // unverified
	Index: []string{"charge", "payment_intent"},
}

func (d *Domain) warningRoutes(r *api.Router) {
	r.Kind(Warnings)
	r.Handle("GET /v1/radar/early_fraud_warnings", d.listWarnings)
	r.Plain("GET /v1/radar/early_fraud_warnings/{early_fraud_warning}", Warnings.Retrieve)
}

// warn is the task that makes the warning of a charge of a test card.
func (d *Domain) warn(c *api.Call, charge string) error {
	ch, err := payment.Charges.Get(c, charge)
	if err != nil || ch == nil {
		return err
	}
	w := Warnings.New(c, c.NewID("issfr"))
	w.Actionable = !ch.Refunded && !ch.Private.ChargedBack
	w.Charge, w.PaymentIntent, w.FraudType = ch.ID, ch.PaymentIntent, ch.Private.FraudWarning
	w.Created, w.Livemode = c.Now(), c.Live()
	return c.Save(w, "radar.early_fraud_warning.created")
}

// settled says of the warnings of a charge that nothing can be done any more.
func (d *Domain) settled(c *api.Call, ch *payment.Charge) error {
	if ch.Private.FraudWarning == "" {
		return nil
	}
	var open []*EarlyFraudWarning
	err := Warnings.Each(c, "charge", ch.ID, func(w *EarlyFraudWarning) bool {
		if w.Charge == ch.ID && w.Actionable {
			open = append(open, w)
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, w := range open {
		w.Actionable = false
		if err := c.Save(w, "radar.early_fraud_warning.updated"); err != nil {
			return err
		}
	}
	return nil
}

func (d *Domain) listWarnings(c *api.Call) (any, error) {
	if ch := c.P.Str("charge"); ch != "" {
		if _, err := payment.Charges.Find(c, ch, "charge"); err != nil {
			return nil, err
		}
	}
	if pi := c.P.Str("payment_intent"); pi != "" {
		if _, err := payment.Intents.Find(c, pi, "payment_intent"); err != nil {
			return nil, err
		}
	}
	return Warnings.List(c)
}
