package payment

import (
	"encoding/json"
	"net/url"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
	"florin/internal/rail"
)

type method = paymentmethod.PaymentMethod

// A confirmation is how an intent is to be confirmed this time.
type confirmation struct {
	method       *method
	offSession   bool
	errorOnAct   bool            // a need to authenticate is an error
	stripeSDK    bool            // the client is Stripe.js or a mobile SDK
	moto         bool            // the card was told by mail or telephone, which needs no authentication
	threeDSecure bool            // the merchant wants the cardholder to authenticate
	way          *paymethod.Type // of a method other than a card
	created      *api.Mark
}

func (d *Domain) confirmIntent(c *api.Call) (any, error) {
	pi, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if err := d.checkConfirm(c, pi); err != nil {
		return nil, err
	}

	if err := c.ParamsBut(pi, thought...); err != nil {
		return nil, err
	}
	if err := d.setAmountDetails(c, pi, c.P.Get("amount_details")); err != nil {
		return nil, err
	}
	if err := d.reconsiderMethods(c, pi); err != nil {
		return nil, err
	}
	if err := d.takeMethod(c, pi); err != nil {
		return nil, err
	}
	how, err := d.planConfirm(c, pi)
	if err != nil {
		return nil, err
	}
	return d.confirm(c, pi, how)
}

// checkConfirm refuses to confirm what cannot be, and what a browser may not ask for.
func (d *Domain) checkConfirm(c *api.Call, pi *Intent) error {
	if err := checkClientSecret(c, pi); err != nil {
		return err
	}
	if c.Publishable() {
		for _, name := range []string{"off_session", "amount_details", "capture_method", "error_on_requires_action"} { // facts 11 (11c)
			if c.P.Given(name) {
				return fault.PublishableParam(name)
			}
		}
	}
	switch pi.Status {
	case needsMethod, needsConfirmation, needsAction:
	case succeeded:
		return intentState(c, pi, fault.AlreadySucceeded())
	default:
		return intentState(c, pi, fault.CannotConfirm(pi.Status))
	}
	if err := d.checkSharing(c, pi.sharing(), pi.Amount); err != nil {
		return err
	}
	return d.checkShared(c, pi.Currency)
}

// planConfirm reads how the request wants the intent to be confirmed, and refuses what cannot be done.
func (d *Domain) planConfirm(c *api.Call, pi *Intent) (*confirmation, error) {
	p := c.P
	how := &confirmation{
		offSession: offSession(p.Get("off_session")), errorOnAct: p.True("error_on_requires_action"), stripeSDK: p.True("use_stripe_sdk"),
	}
	if pi.PaymentMethod == nil {
		return nil, intentState(c, pi, fault.NoMethodToConfirm())
	}
	pm, err := d.methods.Resolve(c, *pi.PaymentMethod, "payment_method")
	if err != nil {
		return nil, err
	}
	how.method = pm
	if d.rails.For(c.Live()) == nil {
		return nil, fault.LiveWithoutAcquirer()
	}
	if err := d.methods.Usable(c, pm, text(pi.Customer)); err != nil {
		return nil, err
	}
	if u := p.Str("return_url"); u != "" {
		pi.Private.ReturnURL = u
	}
	pi.Private.Mandate = ""
	if name := p.Str("mandate"); name != "" {
		m, err := setup.UseMandate(c, name, pm.ID)
		if err != nil {
			return nil, err
		}
		pi.Private.Mandate = m.ID
	}
	automatic := pi.AutomaticPaymentMethods
	if c.AtLeast("2023-08-16") && automatic != nil && automatic.AllowRedirects == "always" && pi.Private.ReturnURL == "" && !how.offSession && !c.Publishable() && !how.stripeSDK && !how.errorOnAct {
		return nil, fault.ReturnURLRequired()
	}
	if pm.Type != "card" {
		return how, d.planLocal(c, pi, how)
	}
	options := p.At("payment_method_options", "card")
	how.moto = options.True("moto")
	want := jsontext.Scalar(pi.PaymentMethodOptions["card"]["request_three_d_secure"])
	how.threeDSecure = want == "any" || want == "challenge"
	return how, nil
}

// offSession reads off_session: a boolean, or one of the older words one_off and recurring.
func offSession(v *form.Value) bool {
	return v != nil && (v.Int != 0 || v.Text == "one_off" || v.Text == "recurring")
}

// confirm asks the network for the money. What the route answers is made when the network has answered.
func (d *Domain) confirm(c *api.Call, pi *Intent, how *confirmation) (any, error) {
	if how.way != nil {
		return d.begin(c, pi, how)
	}
	pi.NextAction, pi.LastPaymentError = nil, nil
	if pi.Private.Challenged == "passed" && pi.ConfirmationMethod == "automatic" {
		pi.Private.Challenged = "" // an answer of the customer counts for one try
	}
	ch := d.newCharge(c, pi)
	req, err := d.request(c, pi, ch, how)
	if err != nil {
		return nil, err
	}
	pi.Private.OffSession = how.offSession
	a := &attempt{Operation: rail.Authorize, Charge: ch.ID, Intent: pi.ID, Method: how.method.ID, Amount: ch.Amount, ErrorOnAction: how.errorOnAct, StripeSDK: how.stripeSDK}
	if err := d.ask(c, a, req, ch, how); err != nil {
		return nil, err
	}
	if err := how.emitCreated(c); err != nil {
		return nil, err
	}
	return api.Answer{Name: "payment_intent", Arg: pi.ID}, nil
}

// request says to the network what an intent wants.
func (d *Domain) request(c *api.Call, pi *Intent, ch *Charge, how *confirmation) (rail.Request, error) {
	req, err := d.cardRequest(c, how.method, ch)
	req.OffSession = how.offSession || how.moto
	req.Setup = text(pi.SetupFutureUsage) == "off_session"
	req.Authenticated = pi.Private.Challenged == "passed"
	req.RequestThreeDS = how.threeDSecure
	if how.moto {
		req.WasSetUp = true
	}
	return req, err
}

// cardRequest says to the network what is known of a card and a charge.
func (d *Domain) cardRequest(c *api.Call, pm *method, ch *Charge) (rail.Request, error) {
	card, err := d.methods.Card(pm)
	if err != nil {
		return rail.Request{}, err
	}
	facts := pm.Card
	return rail.Request{
		Attempt: c.NewID("patt"), Operation: rail.Authorize, Amount: ch.Amount, Currency: ch.Currency, Created: c.Now(),
		Card: card, ExpMonth: facts.ExpMonth, ExpYear: facts.ExpYear, CVC: pm.Private.CVC,
		Line1: pm.BillingDetails.Address.Line1 != nil, PostalCode: pm.BillingDetails.Address.PostalCode != nil,
		Merchant: account.Of(c).ID, Descriptor: text(ch.CalculatedStatementDescriptor), WasSetUp: pm.Private.SetUp,
	}, nil
}

// challenge asks the customer to authenticate.
func (d *Domain) challenge(c *api.Call, pi *Intent, a *attempt) error {
	if a.ErrorOnAction {
		return d.refuseAction(c, pi, a)
	}
	pi.Private.Challenge, pi.Private.Challenged = id.Sibling("payatt", pi.ID), ""
	pi.PaymentMethod = &a.Method
	pi.NextAction = d.nextAction(c, pi, a)
	if err := d.move(c, pi, needsAction); err != nil {
		return err
	}
	return c.Save(pi, "payment_intent.requires_action")
}

// refuseAction makes the need to authenticate an error, as the request asked.
func (d *Domain) refuseAction(c *api.Call, pi *Intent, a *attempt) error {
	pm, err := d.methods.Resolve(c, a.Method, "payment_method")
	if err != nil {
		return err
	}
	return d.fail(c, pi, pm, fault.AuthenticationNotHandled())
}

// nextAction tells the client how to let the customer authenticate: by a page, if there is somewhere to return to, or through Stripe.js.
// Known from: recordings of both; facts 08 (8a).
func (d *Domain) nextAction(c *api.Call, pi *Intent, a *attempt) json.RawMessage {
	if pi.Private.ReturnURL != "" && !a.StripeSDK {
		q := url.Values{}
		q.Set("merchant", account.Of(c).ID)
		q.Set("payment_intent", pi.ID)
		q.Set("payment_intent_client_secret", pi.ClientSecret)
		q.Set("source", pi.Private.Challenge)
		return jsontext.Append(nil, &redirectAction{
			RedirectToURL: redirect{ReturnURL: pi.Private.ReturnURL, URL: c.Base() + "/3d_secure_2/hosted?" + q.Encode()}, Type: "redirect_to_url",
		})
	}
	return setup.ChallengeBySDK(account.Of(c).ID, pi.Private.Challenge)
}

type redirectAction struct {
	RedirectToURL redirect `json:"redirect_to_url"`
	Type          string   `json:"type"`
}

type redirect struct {
	ReturnURL string `json:"return_url"`
	URL       string `json:"url"`
}

// ChallengeOf finds the authentication that a customer was sent to; nil if it is none, or over.
func (d *Domain) ChallengeOf(c *api.Call, intent, secret, challenge string) (*Intent, error) {
	pi, err := Intents.Get(c, intent)
	if err != nil || pi == nil || pi.ClientSecret != secret || pi.Private.Challenge == "" || pi.Private.Challenge != challenge || pi.Status != needsAction {
		return nil, err
	}
	return pi, nil
}

// Authenticate takes the customer's answer to a challenge: passed or not. With automatic confirmation the payment goes on at once.
func (d *Domain) Authenticate(c *api.Call, pi *Intent, passed bool) error {
	pm, err := d.methods.Resolve(c, text(pi.PaymentMethod), "payment_method")
	if err != nil {
		return err
	}
	pi.NextAction, pi.Private.Challenge = nil, ""
	if !passed {
		pi.Private.Challenged = "failed"
		return d.fail(c, pi, pm, fault.AuthenticationFailed())
	}
	pi.Private.Challenged = "passed"
	if pi.ConfirmationMethod == "manual" {
		if err := d.move(c, pi, needsConfirmation); err != nil {
			return err
		}
		return c.Save(pi)
	}
	how := &confirmation{method: pm, offSession: pi.Private.OffSession}
	ch := d.newCharge(c, pi)
	req, err := d.request(c, pi, ch, how)
	if err != nil {
		return err
	}
	a := &attempt{Operation: rail.Authorize, Charge: ch.ID, Intent: pi.ID, Method: pm.ID, Amount: ch.Amount}
	return d.ask(c, a, req, ch, how)
}

// answerIntent answers with an intent as it stands after a confirmation: itself, or the error that the confirmation ended with.
func (d *Domain) answerIntent(c *api.Call, arg string) (any, error) {
	pi, err := Intents.Get(c, arg)
	if err != nil || pi == nil {
		return nil, err
	}
	if pi.Status == processing && !pi.Private.Slow {
		return nil, api.ErrStillOut
	}
	if pi.LastPaymentError == nil || pi.Status != needsMethod {
		return pi, nil
	}
	f := faultOf(pi.LastPaymentError)
	if f.PaymentIntent, err = c.Show(pi); err != nil {
		return nil, err
	}
	return nil, f
}
