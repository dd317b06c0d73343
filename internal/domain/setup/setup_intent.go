package setup

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/spec"
)

// An Intent is the wish to use a payment method later, without taking money now. It is made when the customer comes to leave it, given the
// payment method, confirmed, perhaps authenticated or verified; and ends succeeded, when the payment method belongs to the customer, or canceled.
//
// Shape recorded from 2020-08-27 to 2026-02; attach_to_self stands there only when it was given.
type Intent struct {
	api.Meta
	AllowedPaymentMethodTypes         []string          `json:"allowed_payment_method_types" nil:"null"`
	Application                       *string           `json:"application"`
	AttachToSelf                      *bool             `json:"attach_to_self,omitempty"`
	AutomaticPaymentMethods           *Automatic        `json:"automatic_payment_methods"`
	CancellationReason                *string           `json:"cancellation_reason"`
	ClientSecret                      string            `json:"client_secret"`
	Created                           int64             `json:"created"`
	Customer                          *string           `json:"customer"`
	CustomerAccount                   *string           `json:"customer_account"`
	Description                       *string           `json:"description"`
	ExcludedPaymentMethodTypes        []string          `json:"excluded_payment_method_types" nil:"null"`
	FlowDirections                    []string          `json:"flow_directions" nil:"null"`
	LastSetupError                    json.RawMessage   `json:"last_setup_error"`
	LatestAttempt                     *string           `json:"latest_attempt"`
	Livemode                          bool              `json:"livemode"`
	ManagedPayments                   Enabled           `json:"managed_payments"`
	Mandate                           *string           `json:"mandate"` // for more than one payment
	Metadata                          map[string]string `json:"metadata"`
	NextAction                        json.RawMessage   `json:"next_action"`
	OnBehalfOf                        *string           `json:"on_behalf_of"`
	PaymentMethod                     *string           `json:"payment_method"`
	PaymentMethodConfigurationDetails *Configuration    `json:"payment_method_configuration_details"`
	PaymentMethodOptions              Options           `json:"payment_method_options"`
	PaymentMethodTypes                []string          `json:"payment_method_types"`
	SingleUseMandate                  *string           `json:"single_use_mandate"` // for one
	Status                            string            `json:"status"`             // see intentNext
	Usage                             string            `json:"usage"`              // off_session or on_session
	Private                           IntentPrivate     `json:"-"`
}

// IntentPrivate is what an intent knows that no answer shows.
type IntentPrivate struct {
	ReturnURL string     `json:"return_url,omitempty"`
	SingleUse *SingleUse `json:"single_use,omitempty"`
	// Challenge is the id (src_…) of the authentication that the customer is asked for.
	Challenge string `json:"challenge,omitempty"`
	// Asked is the token under which a page finds the intent that waits for its customer.
	Asked string `json:"asked,omitempty"`
	// Configuration is the payment method configuration that the request named.
	Configuration string `json:"configuration,omitempty"`
	// Tries is how often somebody has guessed the microdeposits.
	Tries int64 `json:"tries,omitempty"`
	// Session is the checkout session that it is of.
	Session string `json:"session,omitempty"`
	// Subscription is the one that it sets a payment method up for.
	Subscription string `json:"subscription,omitempty"`
	Watched      bool   `json:"-"` // who confirms it looks himself what becomes of it, and is no follower now
}

// Automatic says that the payment methods are chosen by the account's configuration.
type Automatic struct {
	AllowRedirects string `json:"allow_redirects"` // always or never
	Enabled        bool   `json:"enabled"`
}

// Enabled is a switch.
type Enabled struct {
	Enabled bool `json:"enabled"`
}

// Configuration is the payment method configuration that an intent was made with.
type Configuration struct {
	ID     string  `json:"id"`
	Parent *string `json:"parent"`
}

// The statuses of an intent, and what may follow each. Known from: facts 08b. Processing is an intent whose network has yet to answer.
var intentNext = map[string][]string{
	"":                {needsMethod},
	needsMethod:       {needsMethod, needsConfirmation, needsAction, processing, succeeded, canceled},
	needsConfirmation: {needsMethod, needsConfirmation, needsAction, processing, succeeded, canceled},
	needsAction:       {needsMethod, needsConfirmation, needsAction, processing, succeeded, canceled},
	processing:        {needsMethod, needsAction, succeeded},
	succeeded:         {},
	canceled:          {},
}

const (
	needsMethod       = "requires_payment_method"
	needsConfirmation = "requires_confirmation"
	needsAction       = "requires_action"
	processing        = "processing"
	succeeded         = "succeeded"
	canceled          = "canceled"
)

// Intents is the kind of setup intents.
var Intents = &api.Kind[Intent]{
	Name: "setup_intent", Prefixes: []string{"seti"}, Word: "setupintent", Param: "intent", Index: []string{"customer", "payment_method", "next_action.use_stripe_sdk.three_d_secure_2_source"},
	Public: []string{ // facts 11 (11d)
		"id", "object", "automatic_payment_methods", "cancellation_reason", "client_secret", "created", "description", "last_setup_error",
		"livemode", "next_action", "payment_method", "payment_method_configuration_details", "payment_method_options", "payment_method_types",
		"status", "usage",
	},
}

func (d *Domain) intentRoutes(r *api.Router) {
	r.Handle("POST /v1/setup_intents", d.create)
	r.Handle("GET /v1/setup_intents", d.list)
	r.Public("GET /v1/setup_intents/{intent}", d.retrieve)
	r.Handle("POST /v1/setup_intents/{intent}", d.update)
	r.Public("POST /v1/setup_intents/{intent}/confirm", d.confirmIntent)
	r.Public("POST /v1/setup_intents/{intent}/verify_microdeposits", d.verifyMicrodeposits)
	r.Handle("POST /v1/setup_intents/{intent}/cancel", d.cancel)
	r.Answer("setup_intent", d.answer)
}

// move is the only place that assigns an intent's status. Followers are told of a change.
func (d *Domain) move(c *api.Call, si *Intent, to string) error {
	from := si.Status
	if !slices.Contains(intentNext[from], to) {
		return fmt.Errorf("setup intent %s cannot go from %q to %q", si.ID, from, to) // our mistake: nothing of the request is kept
	}
	si.Status = to
	if from == to {
		return nil
	}
	for _, f := range d.followers {
		if err := f(c, si, from); err != nil {
			return err
		}
	}
	return nil
}

// thought are the parameters that need more than to be copied into an intent.
var thought = []string{
	"client_secret", "payment_method", "payment_method_options", "automatic_payment_methods", "mandate_data", "single_use", "attach_to_self",
}

func (d *Domain) create(c *api.Call) (any, error) {
	if err := d.checkCreate(c); err != nil {
		return nil, err
	}

	si := Intents.New(c, c.NewID("seti"))
	si.Created, si.Livemode, si.Metadata, si.Usage = c.Now(), c.Live(), map[string]string{}, "off_session"
	si.ClientSecret = id.SetupSecret(si.ID)
	if err := c.ParamsBut(si, thought...); err != nil {
		return nil, err
	}
	si.setAttachToSelf(c)
	if once := c.P.Get("single_use"); once != nil {
		si.Private.SingleUse = &SingleUse{Amount: once.Num("amount"), Currency: strings.ToLower(once.Str("currency"))}
	}
	if err := si.chooseMethods(c); err != nil {
		return nil, err
	}
	if err := d.move(c, si, needsMethod); err != nil {
		return nil, err
	}
	data, err := d.takeMethod(c, si)
	if err != nil {
		return nil, err
	}
	if !c.P.True("confirm") {
		return si, c.Save(si, "setup_intent.created")
	}
	how, err := d.plan(c, si, data)
	if err != nil {
		return nil, err
	}
	if err := d.confirm(c, si, how); err != nil {
		return nil, err
	}
	// Recorded: what became of it is told before its creation, which shows the intent as it then is (facts 08b).
	// unverified: that this is so of failures, too.
	if err := c.Emit("setup_intent.created", si); err != nil {
		return nil, err
	}
	return api.Answer{Name: "setup_intent", Arg: si.ID}, nil
}

// checkCreate refuses what cannot become an intent.
func (d *Domain) checkCreate(c *api.Call) error {
	p := c.P
	if p.Has("payment_method_types") && p.At("automatic_payment_methods").True("enabled") {
		return fault.OnlyOneOfMethods()
	}
	if !p.True("confirm") {
		for _, name := range []string{"confirmation_token", "mandate_data", "return_url", "use_stripe_sdk"} {
			if p.Given(name) {
				return fault.OnlyWithConfirm(name)
			}
		}
	}
	return d.checkShared(c)
}

// checkShared refuses what creates, updates and confirmations have in common.
func (d *Domain) checkShared(c *api.Call) error {
	p := c.P
	if cus := p.Str("customer"); cus != "" {
		if err := customerOf(c, cus, "customer"); err != nil {
			return err
		}
	}
	for _, typ := range p.Strings("payment_method_types") {
		if !knownType(typ) {
			return fault.UnknownSetupType(typ)
		}
	}
	if obo := p.Str("on_behalf_of"); obo != "" {
		a, err := account.Connected(c, obo)
		if err == nil && a == nil {
			err = fault.NoSuch("on_behalf_of", obo, "on_behalf_of", 400)
		}
		if err != nil {
			return err
		}
	}
	if p.Given("customer_account") {
		return fault.ParamNotBuilt("customer_account")
	}
	return nil
}

// knownType says whether there is a type of payment method by this name.
func knownType(typ string) bool {
	return spec.Lookup("POST /v1/payment_intents").Param("payment_method_options").Field(typ) != nil
}

func (si *Intent) setAttachToSelf(c *api.Call) {
	if v := c.P.Get("attach_to_self"); v != nil {
		self := v.Int != 0
		si.AttachToSelf = &self
	}
}

func (d *Domain) list(c *api.Call) (any, error) {
	n := api.Narrow{}
	if v := c.P.Get("attach_to_self"); v != nil { // it stands in an intent only when it was given
		self := v.Int != 0
		n.Skip = []string{"attach_to_self"}
		n.Where = func(body []byte) bool { return (jsontext.Text(body, "attach_to_self") == "true") == self }
	}
	return Intents.ListOf(c, n)
}

func (d *Domain) retrieve(c *api.Call) (any, error) {
	if !c.Publishable() && !c.P.Given("client_secret") {
		return Intents.Retrieve(c)
	}
	si, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if err := checkClientSecret(c, si); err != nil {
		return nil, err
	}
	return si, nil
}

// checkClientSecret holds a caller with a publishable key to the intent's secret. Known from: facts 11 (11c).
func checkClientSecret(c *api.Call, si *Intent) error {
	given := c.P.Str("client_secret")
	if given == "" {
		if c.Publishable() {
			return fault.Missing("client_secret")
		}
		return nil
	}
	if given != si.ClientSecret {
		return fault.WrongClientSecret("SetupIntent")
	}
	return nil
}

// always may be changed whatever the status. Known from: answers of 2026 quoted in public repositories (customer, description, metadata).
var always = []string{"attach_to_self", "customer", "description", "expand", "metadata"}

// update changes an intent. No event tells of it: there is none that could.
func (d *Domain) update(c *api.Call) (any, error) {
	si, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if !open(si.Status) {
		for _, f := range c.P.Fields {
			if !slices.Contains(always, f.Name) {
				return nil, refusal(c, si, fault.CannotUpdateSetup(si.Status))
			}
		}
	}
	if err := d.checkShared(c); err != nil {
		return nil, err
	}

	if err := c.ParamsBut(si, thought...); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(si.Metadata); err != nil {
		return nil, err
	}
	si.setAttachToSelf(c)
	if err := si.reconsiderMethods(c); err != nil {
		return nil, err
	}
	if _, err := d.takeMethod(c, si); err != nil {
		return nil, err
	}
	return si, c.Save(si)
}

// open says whether an intent of the status can still be confirmed.
func open(status string) bool {
	return status == needsMethod || status == needsConfirmation || status == needsAction
}

// refusal is a refusal that shows the intent, unless the request was to make it.
func refusal(c *api.Call, si *Intent, f *fault.Error) error {
	if c.Path("intent") != "" {
		body, err := c.Show(si)
		if err != nil {
			return err
		}
		f.SetupIntent = body
	}
	return f.AfterStart()
}

// cancel ends an intent that has not succeeded. Its payment method stays on it.
func (d *Domain) cancel(c *api.Call) (any, error) {
	si, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if !open(si.Status) {
		return nil, refusal(c, si, fault.CannotCancelSetup(si.Status))
	}
	return si, d.end(c, si, c.P.Str("cancellation_reason"))
}

// Cancel ends an intent from another domain.
func (d *Domain) Cancel(c *api.Call, si *Intent, reason string) error { return d.end(c, si, reason) }

func (d *Domain) end(c *api.Call, si *Intent, reason string) error {
	if err := d.abandon(c, si); err != nil {
		return err
	}
	si.CancellationReason, si.NextAction, si.Private.Challenge, si.Private.Asked = opt(reason), nil, "", ""
	if err := d.move(c, si, canceled); err != nil {
		return err
	}
	return c.Save(si, "setup_intent.canceled")
}

// A consent is what came with the payment method to confirm with.
type consent struct {
	mandate   *acceptance // mandate_data
	returnURL string
}

// takeMethod gives the intent the payment method that the request names, describes, or brings in a confirmation token.
func (d *Domain) takeMethod(c *api.Call, si *Intent) (*consent, error) {
	p := c.P
	with := &consent{mandate: acceptanceOf(c, p.Get("mandate_data")), returnURL: p.Str("return_url")}
	var pm *method
	var err error
	switch {
	case p.Given("payment_method") && p.Given("payment_method_data"):
		return nil, fault.OnlyOne("payment_method", "payment_method_data")
	case p.Given("confirmation_token") && p.Given("payment_method"):
		return nil, fault.OnlyOne("confirmation_token", "payment_method")
	case p.Given("confirmation_token") && p.Given("payment_method_data"):
		return nil, fault.OnlyOne("confirmation_token", "payment_method_data")
	case p.Given("confirmation_token"):
		if pm, err = d.spendToken(c, si, with); err != nil {
			return nil, err
		}
	case p.Given("payment_method"):
		pm, err = d.methods.Resolve(c, p.Str("payment_method"), "payment_method")
	case p.Given("payment_method_data"):
		pm, err = d.methods.FromData(c, p.Get("payment_method_data"), "payment_method_data")
	default:
		return with, nil
	}
	if err != nil {
		return nil, err
	}
	if !slices.Contains(si.PaymentMethodTypes, pm.Type) {
		return nil, refusal(c, si, fault.SetupTypeNotAllowed(pm.Type, strings.Join(si.PaymentMethodTypes, ", ")))
	}
	if f := usable(pm, text(si.Customer)); f != nil {
		return nil, refusal(c, si, f)
	}
	si.PaymentMethod = &pm.ID
	if open(si.Status) && si.Status != needsConfirmation {
		if err := d.abandon(c, si); err != nil {
			return nil, err
		}
		si.NextAction, si.Private.Challenge, si.Private.Asked = nil, "", ""
		return with, d.move(c, si, needsConfirmation)
	}
	return with, nil
}

// spendToken uses a confirmation token up for the intent.
func (d *Domain) spendToken(c *api.Call, si *Intent, with *consent) (*method, error) {
	tok, pm, err := d.methods.SpendConfirmationToken(c, c.P.Str("confirmation_token"), paymentmethod.TokenUse{SetupIntent: si.ID, Usage: si.Usage})
	if err != nil {
		return nil, err
	}
	if with.mandate == nil {
		with.mandate = acceptanceIn(c, tok.MandateData)
	}
	if with.returnURL == "" {
		with.returnURL = text(tok.ReturnURL)
	}
	return pm, nil
}

// usable refuses a payment method that cannot be set up for the customer, or for nobody.
func usable(pm *method, customer string) *fault.Error {
	switch {
	case pm.Private.Spent != "":
		return fault.PaymentMethodSpent()
	case pm.Customer == nil || *pm.Customer == customer:
		return nil
	case customer == "":
		return fault.CustomerOfMethodNeeded(pm.ID, *pm.Customer)
	}
	return fault.OtherCustomer(pm.ID, customer, "payment_method")
}
