package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/rail"
	"florin/internal/testcard"
)

// A confirmation is how an intent is to be confirmed this time.
type confirmation struct {
	method        *method
	mandate       *acceptance
	stripeSDK     bool // the client is Stripe.js or a mobile SDK
	threeDSecure  bool // the merchant wants the cardholder to authenticate
	authenticated bool // the cardholder just has
}

func (d *Domain) confirmIntent(c *api.Call) (any, error) {
	si, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if err := checkClientSecret(c, si); err != nil {
		return nil, err
	}
	brings := c.P.Given("payment_method") || c.P.Given("payment_method_data") || c.P.Given("confirmation_token")
	if si.PaymentMethod == nil && !brings { // asked before the status is looked at (quoted)
		return nil, refusal(c, si, fault.NoMethodToSetUp())
	}
	if !open(si.Status) {
		return nil, refusal(c, si, fault.CannotConfirmSetup(si.Status))
	}
	if err := d.checkShared(c); err != nil {
		return nil, err
	}

	si.setOptions(c.P.Get("payment_method_options"))
	with, err := d.takeMethod(c, si)
	if err != nil {
		return nil, err
	}
	how, err := d.plan(c, si, with)
	if err != nil {
		return nil, err
	}
	if err := d.confirm(c, si, how); err != nil {
		return nil, err
	}
	return api.Answer{Name: "setup_intent", Arg: si.ID}, nil
}

// plan reads how the request wants the intent to be confirmed, and refuses what cannot be done.
func (d *Domain) plan(c *api.Call, si *Intent, with *consent) (*confirmation, error) {
	if si.PaymentMethod == nil {
		return nil, refusal(c, si, fault.NoMethodToSetUp())
	}
	pm, err := d.methods.Resolve(c, *si.PaymentMethod, "payment_method")
	if err != nil {
		return nil, err
	}
	if f := usable(pm, text(si.Customer)); f != nil {
		return nil, refusal(c, si, f)
	}
	how := &confirmation{method: pm, mandate: with.mandate, stripeSDK: c.P.True("use_stripe_sdk")}
	if with.returnURL != "" {
		si.Private.ReturnURL = with.returnURL
	}
	switch bank := debits[pm.Type]; {
	case pm.Type == "card":
		want := jsontext.Scalar(si.PaymentMethodOptions["card"]["request_three_d_secure"])
		how.threeDSecure = want == "any" || want == "challenge"
	case bank == nil:
		if err := d.planOther(c, si, how); err != nil {
			return nil, err
		}
	case how.mandate == nil:
		return nil, refusal(c, si, fault.MandateNeeded())
	}
	if d.rails.For(c.Live()) == nil {
		return nil, fault.LiveWithoutAcquirer()
	}
	automatic := si.AutomaticPaymentMethods
	if automatic != nil && automatic.AllowRedirects == "always" && si.Private.ReturnURL == "" && !c.Publishable() && !how.stripeSDK {
		return nil, fault.SetupReturnURLRequired()
	}
	return how, nil
}

// confirm tries to set the payment method up. What the route answers is made when the network has answered.
func (d *Domain) confirm(c *api.Call, si *Intent, how *confirmation) error {
	if err := d.abandon(c, si); err != nil {
		return err
	}
	si.NextAction, si.LastSetupError, si.Private.Challenge, si.Private.Asked = nil, nil, "", ""
	a := d.newAttempt(c, si, how.method)
	a.Private.StripeSDK = how.stripeSDK
	if bank := debits[how.method.Type]; bank != nil {
		return d.confirmDebit(c, si, a, how, bank)
	}
	if how.method.Type != "card" {
		return d.confirmOther(c, si, a, how)
	}
	return d.ask(c, si, a, how)
}

// sendFor is how long a network is waited for within a request.
const sendFor = 10 * time.Second

const (
	// askAfter is when a network that has not answered is asked what became of an attempt, in seconds, and again after each time that it does
	// not say.
	askAfter = 30
	// giveUpAfter is how often it is asked before the attempt has failed.
	giveUpAfter = 8
)

// ask asks the network whether the card is good, and applies its answer: at once, or in a second unit of work.
func (d *Domain) ask(c *api.Call, si *Intent, a *Attempt, how *confirmation) error {
	req, err := d.request(c, si, a, how)
	if err != nil {
		return err
	}
	r := d.rails.For(c.Live())
	if r.Instant() {
		res, err := r.Do(c.Context(), req)
		if err != nil {
			return fmt.Errorf("rail %s: %w", r.Name(), err)
		}
		return d.settle(c, si, a, &res)
	}
	a.Status = processing
	if err := c.Save(a); err != nil {
		return err
	}
	if err := d.move(c, si, processing); err != nil {
		return err
	}
	if err := c.Save(si); err != nil { // unverified: that no event tells of it (the spec has no setup_intent.processing)
		return err
	}
	c.At(c.Now()+askAfter, "setup_intent.attempt", a.ID)
	req.Scope = c.Scope
	c.Send(func(ctx context.Context) func(*api.Call) error {
		ctx, cancel := context.WithTimeout(ctx, sendFor)
		defer cancel()
		res, err := r.Do(ctx, req)
		if err != nil {
			return nil // nothing is known; the task asks
		}
		return func(c *api.Call) error { return d.heard(c, a.ID, &res) }
	})
	return nil
}

// request says to the network what is known of the card.
func (d *Domain) request(c *api.Call, si *Intent, a *Attempt, how *confirmation) (rail.Request, error) {
	pm := how.method
	card, err := d.methods.Card(pm)
	if err != nil {
		return rail.Request{}, err
	}
	return rail.Request{
		Attempt: a.ID, Operation: rail.Verify, Created: c.Now(), Currency: account.Of(c).DefaultCurrency,
		Card: card, ExpMonth: pm.Card.ExpMonth, ExpYear: pm.Card.ExpYear, CVC: pm.Private.CVC,
		Line1: pm.BillingDetails.Address.Line1 != nil, PostalCode: pm.BillingDetails.Address.PostalCode != nil,
		Merchant: account.Of(c).ID, Setup: si.Usage == "off_session", Authenticated: how.authenticated, RequestThreeDS: how.threeDSecure,
		Mandate: si.cardMandate(pm),
	}, nil
}

// heard applies what a network says of an attempt, once, however often it says it.
func (d *Domain) heard(c *api.Call, attempt string, res *rail.Result) error {
	a, err := Attempts.Get(c, attempt)
	if err != nil || a == nil || a.Status != processing {
		return err
	}
	si, err := Intents.Get(c, a.SetupIntent)
	if err != nil || si == nil {
		return err
	}
	return d.settle(c, si, a, res)
}

// chase is the task that asks what became of an attempt that was not heard of. One that the network does not know fails: no money hangs on it.
func (d *Domain) chase(c *api.Call, attempt string) error {
	a, err := Attempts.Get(c, attempt)
	if err != nil || a == nil || a.Status != processing {
		return err
	}
	r := d.rails.For(c.Live())
	a.Private.Tries++
	last := a.Private.Tries >= giveUpAfter
	if err := c.Save(a); err != nil {
		return err
	}
	if !last {
		c.At(c.Now()+askAfter*(a.Private.Tries+1), "setup_intent.attempt", attempt)
	}
	c.Send(func(ctx context.Context) func(*api.Call) error {
		ctx, cancel := context.WithTimeout(ctx, sendFor)
		defer cancel()
		res, found, err := r.Lookup(ctx, attempt)
		switch {
		case err != nil && !last:
			return nil // nothing is known yet
		case err != nil || !found:
			res = rail.Result{Status: rail.Declined, Decline: &fault.Decline{
				Code: "processing_error", DeclineCode: "processing_error",
				Message: "An error occurred while processing your card. Try again in a little bit.", AdviceCode: "try_again_later",
			}}
		}
		return func(c *api.Call) error { return d.heard(c, attempt, &res) }
	})
	return nil
}

// settle applies the network's answer: the card is good, or not, or its holder must authenticate.
func (d *Domain) settle(c *api.Call, si *Intent, a *Attempt, res *rail.Result) error {
	pm, err := paymentmethod.Get(c, a.PaymentMethod)
	if err != nil || pm == nil {
		return err
	}
	a.describe(pm, res)
	switch res.Status {
	case rail.Challenge:
		return d.challenge(c, si, a, pm)
	case rail.Approved:
		pm.Card.Checks = checksOf(res)
		return d.succeed(c, si, a, pm)
	}
	pm.Card.Checks = checksOf(res)
	if err := c.Save(pm); err != nil {
		return err
	}
	return d.fail(c, si, a, pm, fault.Declined(*res.Decline))
}

func checksOf(res *rail.Result) paymentmethod.Checks {
	return paymentmethod.Checks{AddressLine1Check: opt(res.Line1Check), AddressPostalCodeCheck: opt(res.PostalCheck), CVCCheck: opt(res.CVCCheck)}
}

// succeed keeps the payment method for later: it belongs to the customer now, if the intent has one. Recorded: payment_method.attached comes
// before setup_intent.succeeded; a payment method without a customer stays as it is, and can still be attached.
func (d *Domain) succeed(c *api.Call, si *Intent, a *Attempt, pm *method) error {
	pm.Private.SetUp = si.Usage == "off_session"
	pm.Private.Verified = true
	if err := c.Save(pm); err != nil {
		return err
	}
	switch {
	case generates(pm.Type):
		if err := d.generate(c, si, a, pm); err != nil {
			return err
		}
	case si.Customer != nil:
		if err := d.methods.AttachTo(c, pm, *si.Customer); err != nil {
			return err
		}
	}
	if err := d.activate(c, si, pm); err != nil {
		return err
	}
	if err := d.conclude(c, a, succeeded, nil); err != nil {
		return err
	}
	si.LastSetupError, si.NextAction, si.Private.Challenge = nil, nil, ""
	if err := d.move(c, si, succeeded); err != nil {
		return err
	}
	return c.Save(si, "setup_intent.succeeded")
}

// fail puts an intent back to needing a payment method, with the error that says why.
func (d *Domain) fail(c *api.Call, si *Intent, a *Attempt, pm *method, f *fault.Error) error {
	body, err := c.Show(pm)
	if err != nil {
		return err
	}
	f.PaymentMethod = body
	why := json.RawMessage(jsontext.Get(api.FaultBody(f, ""), "error"))
	if err := d.conclude(c, a, "failed", why); err != nil {
		return err
	}
	si.LastSetupError = why
	si.PaymentMethod, si.NextAction, si.Private.Challenge = nil, nil, ""
	if err := d.move(c, si, needsMethod); err != nil {
		return err
	}
	return c.Save(si, "setup_intent.setup_failed")
}

// challenge asks the customer to authenticate.
func (d *Domain) challenge(c *api.Call, si *Intent, a *Attempt, pm *method) error {
	if err := d.conclude(c, a, needsAction, nil); err != nil {
		return err
	}
	si.Private.Challenge = c.NewID("src")
	action, err := d.nextAction(c, si, a, pm)
	if err != nil {
		return err
	}
	si.NextAction = action
	if err := d.move(c, si, needsAction); err != nil {
		return err
	}
	return c.Save(si, "setup_intent.requires_action")
}

// redirected are the test cards whose authentication Stripe.js is sent to by a redirect, rather than to ask for by 3D Secure 2. Recorded of all
// but the last, at 2020-08-27 and 2023-10-16.
var redirected = map[string]bool{"4000002500003155": true, "4000002760003184": true, "4000003800000446": true, "4000008260003178": true}

// nextAction tells the client how to let the customer authenticate: by a page, if there is somewhere to return to, or through Stripe.js.
// Known from: recordings of the two ways of Stripe.js; that of the page is as for payment intents.
func (d *Domain) nextAction(c *api.Call, si *Intent, a *Attempt, pm *method) (json.RawMessage, error) {
	q := url.Values{}
	q.Set("merchant", account.Of(c).ID)
	q.Set("setup_intent", si.ID)
	q.Set("setup_intent_client_secret", si.ClientSecret)
	q.Set("source", si.Private.Challenge)
	page := c.Base() + "/3d_secure_2/hosted?" + q.Encode()
	if si.Private.ReturnURL != "" && !a.Private.StripeSDK {
		return jsontext.Append(nil, &redirectAction{Type: "redirect_to_url", RedirectToURL: redirect{ReturnURL: si.Private.ReturnURL, URL: page}}), nil
	}
	card, err := d.methods.Card(pm)
	if err != nil {
		return nil, err
	}
	if t := testcard.ByNumber(card.Number); t != nil && redirected[t.Number] {
		return jsontext.Append(nil, &sdkRedirectAction{Type: "use_stripe_sdk", UseStripeSDK: sdkRedirect{
			Source: si.Private.Challenge, StripeJS: page, Type: "three_d_secure_redirect",
		}}), nil
	}
	return ChallengeBySDK(account.Of(c).ID, si.Private.Challenge), nil
}

// ChallengeBySDK is the next action of an intent whose cardholder authenticates through Stripe.js or a mobile SDK: of a setup, and of a payment.
// challenge is the id that the SDK answers with. Known from: recordings; facts 08 (8a).
func ChallengeBySDK(merchant, challenge string) json.RawMessage {
	return jsontext.Append(nil, &sdkAction{Type: "use_stripe_sdk", UseStripeSDK: sdkChallenge{
		Encryption:           encryption{Algorithm: "RSA", RootCertificateAuthorities: []string{}},
		DirectoryServerName:  "visa",
		Merchant:             merchant,
		ServerTransactionID:  id.UUID(),
		ThreeDSecure2Source:  challenge,
		ThreeDSOptimizations: "kf",
		Type:                 "stripe_3ds2_fingerprint",
	}})
}

type redirectAction struct {
	RedirectToURL redirect `json:"redirect_to_url"`
	Type          string   `json:"type"`
}

type redirect struct {
	ReturnURL string `json:"return_url"`
	URL       string `json:"url"`
}

type sdkRedirectAction struct {
	Type         string      `json:"type"`
	UseStripeSDK sdkRedirect `json:"use_stripe_sdk"`
}

type sdkRedirect struct {
	Source   string `json:"source"`
	StripeJS string `json:"stripe_js"`
	Type     string `json:"type"`
}

type sdkAction struct {
	Type         string       `json:"type"`
	UseStripeSDK sdkChallenge `json:"use_stripe_sdk"`
}

type sdkChallenge struct {
	Encryption           encryption `json:"directory_server_encryption"`
	DirectoryServerName  string     `json:"directory_server_name"`
	Merchant             string     `json:"merchant"`
	OneClickAuthn        *string    `json:"one_click_authn"`
	ServerTransactionID  string     `json:"server_transaction_id"`
	ThreeDSecure2Source  string     `json:"three_d_secure_2_source"`
	ThreeDSMethodURL     string     `json:"three_ds_method_url"`
	ThreeDSOptimizations string     `json:"three_ds_optimizations"`
	Type                 string     `json:"type"`
}

// encryption is with what a mobile SDK encrypts for the directory server; the test network reads nothing of it.
type encryption struct {
	Algorithm                  string   `json:"algorithm"`
	Certificate                string   `json:"certificate"`
	DirectoryServerID          string   `json:"directory_server_id"`
	RootCertificateAuthorities []string `json:"root_certificate_authorities"`
}

// ChallengeOf finds the authentication that a customer was sent to; nil if it is none, or over. It is for the page that shows it, which
// sends the browser back with setup_intent, setup_intent_client_secret and redirect_status.
func (d *Domain) ChallengeOf(c *api.Call, intent, secret, challenge string) (*Intent, error) {
	si, err := Intents.Get(c, intent)
	if err != nil || si == nil || si.ClientSecret != secret || si.Private.Challenge == "" || si.Private.Challenge != challenge || si.Status != needsAction {
		return nil, err
	}
	return si, nil
}

// Authenticate takes the customer's answer to a challenge: passed or not. The setup goes on at once.
func (d *Domain) Authenticate(c *api.Call, si *Intent, passed bool) error {
	pm, err := d.methods.Resolve(c, text(si.PaymentMethod), "payment_method")
	if err != nil {
		return err
	}
	a, err := Attempts.Get(c, text(si.LatestAttempt))
	if err != nil {
		return err
	}
	si.NextAction, si.Private.Challenge = nil, ""
	if !passed {
		return d.fail(c, si, a, pm, fault.SetupAuthenticationFailed())
	}
	return d.ask(c, si, a, &confirmation{method: pm, authenticated: true})
}

// answer answers with an intent as it stands after a confirmation: itself, or the error that the confirmation ended with.
func (d *Domain) answer(c *api.Call, intent string) (any, error) {
	si, err := Intents.Get(c, intent)
	if err != nil || si == nil {
		return nil, err
	}
	if si.Status == processing {
		return nil, api.ErrStillOut
	}
	if si.LastSetupError == nil || si.Status != needsMethod {
		return si, nil
	}
	f := faultOf(si.LastSetupError)
	if f.SetupIntent, err = c.Show(si); err != nil {
		return nil, err
	}
	return nil, f
}

// faultOf makes the answer of an intent's last error.
func faultOf(object []byte) *fault.Error {
	t := func(name string) string { return jsontext.Text(object, name) }
	f := fault.Declined(fault.Decline{
		Code: t("code"), DeclineCode: t("decline_code"), Param: t("param"), Message: t("message"),
		AdviceCode: t("advice_code"), NetworkDeclineCode: t("network_decline_code"), NetworkAdviceCode: t("network_advice_code"),
	})
	f.Type, f.PaymentMethod = t("type"), jsontext.Get(object, "payment_method")
	if f.Type == fault.Request {
		f.Status = 400
	}
	return f
}
