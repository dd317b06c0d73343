package paymentmethod

import (
	"encoding/json"
	"fmt"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/testcard"
)

// A ConfirmationToken is what a browser has gathered to confirm an intent with, for the server to do it: a payment method in the making, where to
// return to, whether to keep it. It is good for 12 hours, and for one intent; the payment method is made when it is used.
//
// Known from: the spec, and its example; facts 08m. unverified: that what the browser used is shown by a token of the test helper, too (use_stripe_sdk).
type ConfirmationToken struct {
	api.Meta
	Created              int64           `json:"created"`
	ExpiresAt            *int64          `json:"expires_at"` // Unix seconds; null once it is used
	Livemode             bool            `json:"livemode"`
	MandateData          json.RawMessage `json:"mandate_data"`
	PaymentIntent        *string         `json:"payment_intent"`
	PaymentMethodOptions json.RawMessage `json:"payment_method_options"`
	PaymentMethodPreview json.RawMessage `json:"payment_method_preview"`
	ReturnURL            *string         `json:"return_url"`
	SetupFutureUsage     *string         `json:"setup_future_usage"` // off_session or on_session
	SetupIntent          *string         `json:"setup_intent"`
	Shipping             json.RawMessage `json:"shipping"`
	UseStripeSDK         bool            `json:"use_stripe_sdk"`

	Private struct {
		// PaymentMethod is one that there is. Else Made and Secret are the one that is to be, as it will be stored.
		PaymentMethod string          `json:"payment_method,omitempty"`
		Made          json.RawMessage `json:"made,omitempty"`
		Secret        json.RawMessage `json:"secret,omitempty"`
	} `json:"-"`
}

// tokenLife is how long a confirmation token is good, in seconds. Known from: facts 08m.
const tokenLife = 12 * 60 * 60

// ConfirmationTokens is the kind of confirmation tokens.
var ConfirmationTokens = &api.Kind[ConfirmationToken]{Name: "confirmation_token", Prefixes: []string{"ctoken"}, Param: "confirmation_token"}

func (d *Domain) confirmationTokenRoutes(r *api.Router) {
	r.Kind(ConfirmationTokens)
	r.Public("GET /v1/confirmation_tokens/{confirmation_token}", ConfirmationTokens.Retrieve)
	r.Public("POST /v1/confirmation_tokens", d.createConfirmationToken) // Stripe.js
	r.Handle("POST /v1/test_helpers/confirmation_tokens", d.createConfirmationToken)
}

func (d *Domain) createConfirmationToken(c *api.Call) (any, error) {
	p := c.P
	if p.Given("payment_method") && p.Given("payment_method_data") {
		return nil, fault.OnlyOne("payment_method", "payment_method_data")
	}
	tok := ConfirmationTokens.New(c, c.NewID("ctoken"))
	expires := c.Now() + tokenLife
	tok.Created, tok.Livemode, tok.ExpiresAt, tok.UseStripeSDK = c.Now(), c.Live(), &expires, true
	pm, err := d.previewed(c, tok)
	if err != nil {
		return nil, err
	}
	tok.ReturnURL, tok.SetupFutureUsage = given(p, "return_url"), given(p, "setup_future_usage")
	if v := p.Get("shipping"); v != nil && v.Kind == form.Object {
		tok.Shipping = shipping(v)
	}
	if card := p.At("payment_method_options", "card"); card != nil {
		tok.PaymentMethodOptions = append(append([]byte(`{"card":`), cardOptions(card)...), '}')
	}
	if pm != nil {
		tok.PaymentMethodPreview = preview(pm)
	}
	return tok, c.Save(tok)
}

// previewed is the payment method that a token is made with; nil for none. One that is described is made, but not kept until it is used.
func (d *Domain) previewed(c *api.Call, tok *ConfirmationToken) (*PaymentMethod, error) {
	switch name := c.P.Str("payment_method"); {
	case name != "":
		if card := testcard.ByPaymentMethod(name); card == nil || c.Live() {
			pm, err := d.Resolve(c, name, "payment_method")
			if err != nil {
				return nil, err
			}
			if pm.Private.Spent != "" {
				return nil, fault.PaymentMethodSpent()
			}
			tok.Private.PaymentMethod = pm.ID
			return pm, nil
		}
		pm := d.fresh(c, "card")
		d.putCard(c, pm, magic(c, testcard.ByPaymentMethod(name)))
		return pm, tok.hold(pm)
	case c.P.Given("payment_method_data"):
		pm, err := d.describe(c, c.P.Get("payment_method_data"), "payment_method_data")
		if err != nil {
			return nil, err
		}
		return pm, tok.hold(pm)
	}
	return nil, nil
}

// hold keeps a payment method that is to be in the token.
func (tok *ConfirmationToken) hold(pm *PaymentMethod) error {
	tok.Private.Made = jsontext.Append(nil, pm)
	secret, err := json.Marshal(&pm.Private)
	if err != nil {
		return fmt.Errorf("confirmation token %s: %w", tok.ID, err)
	}
	tok.Private.Secret = secret
	return nil
}

// A TokenUse is what a confirmation token is to be used for: one of the intents, and for how long its payment method is to be kept, as the
// intent has it.
type TokenUse struct {
	PaymentIntent, SetupIntent string
	Usage                      string // setup_future_usage of a payment intent, usage of a setup intent
}

// SpendConfirmationToken uses a confirmation token up, and makes its payment method, which is nil if it has none. Known from: facts 05f.
func (d *Domain) SpendConfirmationToken(c *api.Call, name string, use TokenUse) (*ConfirmationToken, *PaymentMethod, error) {
	tok, err := ConfirmationTokens.Find(c, name, "confirmation_token")
	if err != nil {
		return nil, nil, err
	}
	setup := use.SetupIntent != ""
	wants := tok.SetupFutureUsage
	switch {
	case tok.PaymentIntent != nil || tok.SetupIntent != nil:
		return nil, nil, fault.TokenOfAnotherIntent(tok.ID, setup, false)
	case tok.ExpiresAt != nil && *tok.ExpiresAt <= c.Now():
		return nil, nil, fault.TokenOfAnotherIntent(tok.ID, setup, true)
	case setup && wants != nil && *wants != use.Usage:
		return nil, nil, fault.TokenMismatch("usage", use.Usage, *wants) // unverified
	case !setup && use.Usage != "" && (wants == nil || *wants != use.Usage):
		got := ""
		if wants != nil {
			got = *wants
		}
		return nil, nil, fault.TokenMismatch("setup_future_usage", use.Usage, got)
	}
	pm, err := d.made(c, tok)
	if err != nil {
		return nil, nil, err
	}
	if pm == nil {
		return nil, nil, fault.Missing("payment_method") // unverified: a token without a payment method
	}
	tok.ExpiresAt, tok.Private.Made, tok.Private.Secret = nil, nil, nil // the number goes on with the payment method
	if setup {
		tok.SetupIntent = &use.SetupIntent
	} else {
		tok.PaymentIntent = &use.PaymentIntent
	}
	return tok, pm, c.Save(tok)
}

// made is the payment method of a token, made now if it was only described.
func (d *Domain) made(c *api.Call, tok *ConfirmationToken) (*PaymentMethod, error) {
	if name := tok.Private.PaymentMethod; name != "" {
		return d.Resolve(c, name, "confirmation_token")
	}
	if len(tok.Private.Made) == 0 {
		return nil, nil
	}
	pm := Methods.New(c, jsontext.Text(tok.Private.Made, "id"))
	if err := json.Unmarshal(tok.Private.Made, pm); err != nil {
		return nil, fmt.Errorf("the payment method of %s: %w", tok.ID, err)
	}
	if err := json.Unmarshal(tok.Private.Secret, &pm.Private); err != nil {
		return nil, fmt.Errorf("the payment method of %s: %w", tok.ID, err)
	}
	pm.Created = c.Now()
	return pm, c.Save(pm)
}

// preview is what a token shows of its payment method: all but what names it.
func preview(pm *PaymentMethod) []byte {
	return jsontext.Without(jsontext.Append(nil, pm), "id", "object", "created", "livemode", "metadata", "radar_options", "shared_payment_granted_token")
}

// cardOptions are those that a token shows: each, null where it was not given.
func cardOptions(v *form.Value) []byte {
	out := []byte(`{"cvc_token":null`)
	if plan := v.At("installments", "plan"); plan != nil {
		out = append(append(append(out, `,"installments":{"plan":`...), api.AppendValue(nil, plan)...), '}')
	}
	return append(out, '}')
}

// shipping is an address as answers show it.
func shipping(v *form.Value) []byte {
	s := struct {
		Address struct {
			City       *string `json:"city"`
			Country    *string `json:"country"`
			Line1      *string `json:"line1"`
			Line2      *string `json:"line2"`
			PostalCode *string `json:"postal_code"`
			State      *string `json:"state"`
		} `json:"address"`
		Name  string  `json:"name"`
		Phone *string `json:"phone"`
	}{Name: v.Str("name"), Phone: given(v, "phone")}
	a := v.Get("address")
	s.Address.City, s.Address.Country, s.Address.Line1 = given(a, "city"), given(a, "country"), given(a, "line1")
	s.Address.Line2, s.Address.PostalCode, s.Address.State = given(a, "line2"), given(a, "postal_code"), given(a, "state")
	return jsontext.Append(nil, &s)
}

// given is a text that was sent; nil if it was not.
func given(v *form.Value, name string) *string {
	if s := v.Str(name); s != "" {
		return &s
	}
	return nil
}
