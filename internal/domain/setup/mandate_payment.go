package setup

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/form"
)

// A Consent is the customer's, as it came with a payment. nil: none came.
type Consent = acceptance

// ConsentOf reads mandate_data; nil if there is none.
func ConsentOf(c *api.Call, data *form.Value) *Consent { return acceptanceOf(c, data) }

// ConsentIn reads the mandate_data that a confirmation token shows; nil if it has none.
func ConsentIn(c *api.Call, shown []byte) *Consent { return acceptanceIn(c, shown) }

// NewMandate makes the mandate of a payment: for that payment only, or, with once nil, for others that follow. options are what the payment says of
// the type of its method.
func NewMandate(c *api.Call, pm *method, from *Consent, once *SingleUse, options map[string]json.RawMessage, status string) (*Mandate, error) {
	si := &Intent{PaymentMethodOptions: Options{pm.Type: options}}
	si.Private.SingleUse = once
	if err := new(Domain).newMandate(c, si, pm, *from, status); err != nil {
		return nil, err
	}
	id := text(si.Mandate)
	if once != nil {
		id = text(si.SingleUseMandate)
	}
	return Mandates.Get(c, id)
}

// MandateOf finds the newest mandate by which a payment method can pay without asking again; nil if there is none.
func MandateOf(c *api.Call, paymentMethod string) (*Mandate, error) {
	var found *Mandate
	err := Mandates.Each(c, "payment_method", paymentMethod, func(m *Mandate) bool {
		if m.PaymentMethod == paymentMethod && m.Status == "active" && m.Type == "multi_use" {
			found = m
		}
		return found == nil
	})
	return found, err
}
