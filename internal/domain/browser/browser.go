// Package browser answers what Stripe.js and the mobile SDKs ask with a publishable key and the spec does not tell of: an intent read again or given
// up, 3D Secure 2 (threeds.go), the beginning of an Elements session (elements.go), and two that end here because Florin has no Link and no device
// signals. None of them keeps anything of its own but the challenge that an authentication was answered with.
//
// Known from: facts 11 (11b, 11e, 11f), which have them from the mobile SDKs' code and recordings.
package browser

import (
	"florin/internal/api"
	"florin/internal/domain/payment"
	"florin/internal/domain/setup"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// A Domain answers browsers.
type Domain struct {
	payments *payment.Domain
	setups   *setup.Domain
}

// New makes the domain on those below it.
func New(payments *payment.Domain, setups *setup.Domain) *Domain { return &Domain{payments, setups} }

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(challenges)
	r.HiddenPublic("POST /v1/payment_intents/{intent}/source_cancel", d.cancelPayment)
	r.HiddenPublic("POST /v1/payment_intents/{intent}/refresh", d.refreshPayment)
	r.HiddenPublic("POST /v1/setup_intents/{intent}/source_cancel", d.cancelSetup)
	r.HiddenPublic("POST /v1/setup_intents/{intent}/refresh", d.refreshSetup)
	r.HiddenPublic("POST /v1/3ds2/authenticate", d.authenticate)
	r.HiddenPublic("POST /v1/3ds2/challenge_complete", d.completeChallenge)
	r.Answer("three_d_secure_2", d.answerChallenge)
	r.HiddenPublic("GET /v1/elements/sessions", d.elements)
	r.HiddenPublic("POST /v1/consumers/sessions/lookup", lookup)
	r.HiddenPublic("POST /v1/radar/session", radarSession)
}

// checkSecret holds a caller with a publishable key to the client secret of an intent.
func checkSecret(c *api.Call, secret, kind string) error {
	switch given := c.P.Str("client_secret"); {
	case given == "" && c.Publishable():
		return fault.Missing("client_secret")
	case given != "" && given != secret:
		return fault.WrongClientSecret(kind)
	}
	return nil
}

// paymentIntent is the payment intent that the path names, if the caller may have it.
func paymentIntent(c *api.Call) (*payment.Intent, error) {
	pi, err := payment.Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	return pi, checkSecret(c, pi.ClientSecret, "PaymentIntent")
}

func setupIntent(c *api.Call) (*setup.Intent, error) {
	si, err := setup.Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	return si, checkSecret(c, si.ClientSecret, "SetupIntent")
}

// refreshPayment answers with an intent as it is: nothing here is behind, so there is nothing to refresh.
func (d *Domain) refreshPayment(c *api.Call) (any, error) {
	pi, err := paymentIntent(c)
	if err != nil {
		return nil, err
	}
	return pi, nil
}

func (d *Domain) refreshSetup(c *api.Call) (any, error) {
	si, err := setupIntent(c)
	if err != nil {
		return nil, err
	}
	return si, nil
}

// cancelPayment gives an authentication up, at the customer's wish: the intent needs a payment method again. One that waits for no authentication by
// this source stays as it is. unverified: both, and that it is a failed authentication to whoever looks at the intent.
func (d *Domain) cancelPayment(c *api.Call) (any, error) {
	pi, err := paymentIntent(c)
	if err != nil {
		return nil, err
	}
	if c.P.Str("source") == "" {
		return nil, fault.Missing("source")
	}
	waits, err := d.payments.ChallengeOf(c, pi.ID, pi.ClientSecret, c.P.Str("source"))
	if err != nil || waits == nil {
		return pi, err
	}
	return pi, d.payments.Authenticate(c, pi, false)
}

func (d *Domain) cancelSetup(c *api.Call) (any, error) {
	si, err := setupIntent(c)
	if err != nil {
		return nil, err
	}
	if c.P.Str("source") == "" {
		return nil, fault.Missing("source")
	}
	waits, err := d.setups.ChallengeOf(c, si.ID, si.ClientSecret, c.P.Str("source"))
	if err != nil || waits == nil {
		return si, err
	}
	return si, d.setups.Authenticate(c, si, false)
}

// lookup says that Link knows nobody: there is no Link here.
func lookup(c *api.Call) (any, error) {
	return api.JSON(`{"account_id":null,"auth_session_client_secret":null,"consumer_session":null,` +
		`"error_message":"No consumer found for the given email address.","exists":false,"experiments":[],"publishable_key":null}`), nil
}

// radarSession names a session of device signals, of which nothing is gathered. unverified: what stands beside the id.
func radarSession(c *api.Call) (any, error) {
	return api.JSON(append(jsontext.AppendString([]byte(`{"id":`), c.NewID("rse")), '}')), nil
}
