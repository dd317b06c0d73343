package setup

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/domain/paymentmethod"
	"florin/internal/jsontext"
	"florin/internal/rail"
)

// An Attempt is one try of a setup intent, made by each confirmation: it waits for the customer or the network, and ends succeeded, failed, or
// abandoned when the intent is confirmed anew or canceled.
//
// Known from: the spec; no answer was recorded.
type Attempt struct {
	api.Meta
	Application          *string         `json:"application"`
	AttachToSelf         *bool           `json:"attach_to_self,omitempty"`
	Created              int64           `json:"created"`
	Customer             *string         `json:"customer"`
	CustomerAccount      *string         `json:"customer_account"`
	FlowDirections       []string        `json:"flow_directions" nil:"null"`
	Livemode             bool            `json:"livemode"`
	OnBehalfOf           *string         `json:"on_behalf_of"`
	PaymentMethod        string          `json:"payment_method"`
	PaymentMethodDetails json.RawMessage `json:"payment_method_details"`
	SetupError           json.RawMessage `json:"setup_error"`
	SetupIntent          string          `json:"setup_intent"`
	Status               string          `json:"status"` // requires_action, processing, succeeded, failed or abandoned
	Usage                string          `json:"usage"`

	Private struct {
		StripeSDK bool  `json:"stripe_sdk,omitempty"` // the client is Stripe.js or a mobile SDK
		Tries     int64 `json:"tries,omitempty"`      // how often the network was asked what became of it
	} `json:"-"`
}

// Attempts is the kind of setup attempts.
var Attempts = &api.Kind[Attempt]{Name: "setup_attempt", Prefixes: []string{"setatt"}, Index: []string{"setup_intent"}}

func (d *Domain) attemptRoutes(r *api.Router) {
	r.Handle("GET /v1/setup_attempts", d.listAttempts)
	r.Task("setup_intent.attempt", d.chase)
	r.Task("setup_intent.lapse", d.lapse)
	r.Task("setup_intent.agreed", d.agreed)
	r.Task("setup_intent.deposits", d.depositsLate)
}

// listAttempts answers with the attempts of one intent. unverified: that an intent that there is none of is refused.
func (d *Domain) listAttempts(c *api.Call) (any, error) {
	intent := c.P.Str("setup_intent")
	si, err := Intents.Get(c, intent)
	if err != nil {
		return nil, err
	}
	if si == nil {
		return nil, Intents.Missing(intent, "setup_intent", 400)
	}
	return Attempts.List(c)
}

// newAttempt begins an attempt of an intent with a payment method.
func (d *Domain) newAttempt(c *api.Call, si *Intent, pm *method) *Attempt {
	a := Attempts.New(c, c.NewID("setatt"))
	a.AttachToSelf, a.Created, a.Customer, a.FlowDirections, a.Livemode = si.AttachToSelf, c.Now(), si.Customer, si.FlowDirections, c.Live()
	a.PaymentMethod, a.SetupIntent, a.Usage = pm.ID, si.ID, si.Usage
	a.describe(pm, &rail.Result{})
	si.LatestAttempt = &a.ID
	return a
}

// conclude writes how an attempt stands.
func (d *Domain) conclude(c *api.Call, a *Attempt, status string, why json.RawMessage) error {
	a.Status, a.SetupError = status, why
	return c.Save(a)
}

// abandon ends the attempt of an intent that still waits for its customer, if there is one.
func (d *Domain) abandon(c *api.Call, si *Intent) error {
	a, err := Attempts.Get(c, text(si.LatestAttempt))
	if err != nil || a == nil || a.Status != needsAction {
		return err
	}
	return d.conclude(c, a, "abandoned", nil)
}

// cardDetails are what an attempt shows of a card as it was when it was tried.
type cardDetails struct {
	Brand        string               `json:"brand"`
	Checks       paymentmethod.Checks `json:"checks"`
	Country      *string              `json:"country"`
	ExpMonth     int64                `json:"exp_month"`
	ExpYear      int64                `json:"exp_year"`
	Fingerprint  string               `json:"fingerprint"`
	Funding      string               `json:"funding"`
	Last4        string               `json:"last4"`
	Network      string               `json:"network"`
	ThreeDSecure *threeDDetails       `json:"three_d_secure"`
	Wallet       *string              `json:"wallet"`
}

type threeDDetails struct {
	AuthenticationFlow *string `json:"authentication_flow"`
	ElectronicCommerce *string `json:"electronic_commerce_indicator"`
	Result             *string `json:"result"`
	ResultReason       *string `json:"result_reason"`
	TransactionID      *string `json:"transaction_id"`
	Version            *string `json:"version"`
}

// describe fills in what an attempt shows of its payment method and of the network's answer.
func (a *Attempt) describe(pm *method, res *rail.Result) {
	if pm.Card == nil {
		a.PaymentMethodDetails = detailsOf(pm)
		return
	}
	card := cardDetails{
		Brand: pm.Card.Brand, Checks: checksOf(res), Country: pm.Card.Country, ExpMonth: pm.Card.ExpMonth, ExpYear: pm.Card.ExpYear,
		Fingerprint: pm.Card.Fingerprint, Funding: pm.Card.Funding, Last4: pm.Card.Last4, Network: pm.Card.Brand,
	}
	if res.ThreeDSecure != "" {
		card.ThreeDSecure = &threeDDetails{Result: &res.ThreeDSecure, Version: opt("2.2.0")}
		if res.ThreeDSecure == "authenticated" {
			card.ThreeDSecure.AuthenticationFlow, card.ThreeDSecure.ElectronicCommerce = opt("challenge"), opt("05")
		}
	}
	a.PaymentMethodDetails = jsontext.Append(nil, &struct {
		Card cardDetails `json:"card"`
		Type string      `json:"type"`
	}{card, "card"})
}
