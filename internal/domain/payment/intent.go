package payment

import (
	"encoding/json"
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/methodconfig"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/money"
	"florin/internal/paymethod"
)

// An Intent is the wish to take an amount from a customer, through however many tries it needs. It is made when the customer comes to pay,
// given a payment method, confirmed, perhaps authenticated, perhaps captured later; and ends succeeded or canceled. Amounts are in minor units.
type Intent struct {
	api.Meta
	AllowedPaymentMethodTypes         []string          `json:"allowed_payment_method_types" nil:"null"`
	Amount                            int64             `json:"amount"`
	AmountCapturable                  int64             `json:"amount_capturable"`
	AmountDetails                     json.RawMessage   `json:"amount_details"`
	AmountReceived                    int64             `json:"amount_received"`
	Application                       *string           `json:"application"`
	ApplicationFeeAmount              *int64            `json:"application_fee_amount"`
	AutomaticPaymentMethods           *Automatic        `json:"automatic_payment_methods"`
	CanceledAt                        *int64            `json:"canceled_at"` // Unix seconds
	CancellationReason                *string           `json:"cancellation_reason"`
	CaptureMethod                     string            `json:"capture_method"` // automatic, automatic_async or manual
	ClientSecret                      string            `json:"client_secret"`
	ConfirmationMethod                string            `json:"confirmation_method"` // automatic or manual
	Created                           int64             `json:"created"`
	Currency                          string            `json:"currency"`
	Customer                          *string           `json:"customer"`
	CustomerAccount                   *string           `json:"customer_account"`
	Description                       *string           `json:"description"`
	ExcludedPaymentMethodTypes        []string          `json:"excluded_payment_method_types" nil:"null"`
	Hooks                             json.RawMessage   `json:"hooks,omitempty"`
	LastPaymentError                  json.RawMessage   `json:"last_payment_error"`
	LatestCharge                      *string           `json:"latest_charge"`
	Livemode                          bool              `json:"livemode"`
	ManagedPayments                   Enabled           `json:"managed_payments"`
	Metadata                          map[string]string `json:"metadata"`
	NextAction                        json.RawMessage   `json:"next_action"`
	OnBehalfOf                        *string           `json:"on_behalf_of"`
	PaymentDetails                    json.RawMessage   `json:"payment_details,omitempty"`
	PaymentMethod                     *string           `json:"payment_method"`
	PaymentMethodConfigurationDetails *Configuration    `json:"payment_method_configuration_details"`
	PaymentMethodOptions              Options           `json:"payment_method_options"`
	PaymentMethodTypes                []string          `json:"payment_method_types"`
	Processing                        json.RawMessage   `json:"processing"`
	ReceiptEmail                      *string           `json:"receipt_email"`
	Review                            *string           `json:"review"`
	SetupFutureUsage                  *string           `json:"setup_future_usage"` // off_session or on_session
	SharedPaymentGrantedToken         *string           `json:"shared_payment_granted_token"`
	Shipping                          *Shipping         `json:"shipping"`
	Source                            *string           `json:"source"`
	StatementDescriptor               *string           `json:"statement_descriptor"`
	StatementDescriptorSuffix         *string           `json:"statement_descriptor_suffix"`
	Status                            string            `json:"status"` // see intentNext
	TransferData                      *TransferData     `json:"transfer_data"`
	TransferGroup                     *string           `json:"transfer_group"`
	Private                           IntentPrivate     `json:"-"`
}

// IntentPrivate is what an intent knows that no answer shows.
type IntentPrivate struct {
	ReturnURL  string `json:"return_url,omitempty"`
	OffSession bool   `json:"off_session,omitempty"`
	// Challenge is the id (payatt_…) of the authentication that the customer is asked for, and Challenged how it ended: "", passed or failed.
	Challenge  string     `json:"challenge,omitempty"`
	Challenged string     `json:"challenged,omitempty"`
	Mandate    string     `json:"mandate,omitempty"` // that the payment is made by
	LineItems  []LineItem `json:"line_items,omitempty"`
	// Of a payment by another type than card (local.go): the token under which a page finds the intent while it waits for the customer; the last action
	// that was shown; a payment that takes days is under way; guesses of deposits; the consent of a confirmation token.
	Asked   string          `json:"asked,omitempty"`
	Shown   json.RawMessage `json:"shown,omitempty"`
	Slow    bool            `json:"slow,omitempty"`
	Tries   int64           `json:"tries,omitempty"`
	Consent json.RawMessage `json:"consent,omitempty"`
	// Of a bank transfer: what has been taken of the customer's cash, in minor units, and what the sender should write.
	Funded    int64  `json:"funded,omitempty"`
	Reference string `json:"reference,omitempty"`
	// Configuration is the payment method configuration that was asked for; "" for the account's default.
	Configuration string `json:"configuration,omitempty"`
	Invoice       string `json:"invoice,omitempty"` // that it pays
	Session       string `json:"session,omitempty"` // the checkout session that it is of
	Watched       bool   `json:"-"`                 // who has confirmed it looks himself what becomes of it, and is no follower now
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

// The statuses of an intent, and what may follow each. Known from: facts 08 (8a).
var intentNext = map[string][]string{
	"":                {needsMethod, needsConfirmation},
	needsMethod:       {needsMethod, needsConfirmation, needsAction, processing, needsCapture, succeeded, canceled},
	needsConfirmation: {needsMethod, needsConfirmation, needsAction, processing, needsCapture, succeeded, canceled},
	needsAction:       {needsMethod, needsConfirmation, needsAction, processing, needsCapture, succeeded, canceled},
	processing:        {needsMethod, needsAction, needsCapture, succeeded, canceled},
	needsCapture:      {needsCapture, processing, succeeded, canceled},
	succeeded:         {},
	canceled:          {},
}

const (
	needsMethod       = "requires_payment_method"
	needsConfirmation = "requires_confirmation"
	needsAction       = "requires_action"
	processing        = "processing"
	needsCapture      = "requires_capture"
	succeeded         = "succeeded"
	canceled          = "canceled"
)

// Intents is the kind of payment intents.
var Intents = &api.Kind[Intent]{
	Name: "payment_intent", Prefixes: []string{"pi"}, Param: "intent", Index: []string{"customer", "metadata", "next_action.use_stripe_sdk.three_d_secure_2_source"},
	Public: []string{ // facts 11 (11d)
		"id", "object", "amount", "amount_details", "automatic_payment_methods", "canceled_at", "cancellation_reason", "capture_method",
		"client_secret", "confirmation_method", "created", "currency", "description", "last_payment_error", "livemode", "next_action",
		"payment_method", "payment_method_configuration_details", "payment_method_options", "payment_method_types", "processing",
		"receipt_email", "setup_future_usage", "shipping", "source", "status",
	},
}

func (d *Domain) intentRoutes(r *api.Router) {
	r.Handle("POST /v1/payment_intents", d.createIntent)
	r.Handle("GET /v1/payment_intents", Intents.List)
	r.Handle("GET /v1/payment_intents/search", Intents.Search("payment_intents"))
	r.Public("GET /v1/payment_intents/{intent}", d.retrieveIntent)
	r.Handle("POST /v1/payment_intents/{intent}", d.updateIntent)
	r.Handle("GET /v1/payment_intents/{intent}/amount_details_line_items", d.listLineItems)
	r.Public("POST /v1/payment_intents/{intent}/confirm", d.confirmIntent)
	r.Handle("POST /v1/payment_intents/{intent}/capture", d.captureIntent)
	r.Handle("POST /v1/payment_intents/{intent}/increment_authorization", d.incrementIntent)
	r.Handle("POST /v1/payment_intents/{intent}/cancel", d.cancelIntent)
	r.Handle("POST /v1/payment_intents/{intent}/apply_customer_balance", d.applyBalance)
	r.Task("payment_intent.expire", d.expireIntent)
}

// move is the only place that assigns an intent's status. Followers are told of a change.
func (d *Domain) move(c *api.Call, pi *Intent, to string) error {
	from := pi.Status
	if err := step("payment intent", pi.ID, intentNext, from, to); err != nil {
		return err
	}
	pi.Status = to
	if from == to {
		return nil
	}
	for _, f := range d.followers {
		if err := f(c, pi, from); err != nil {
			return err
		}
	}
	return nil
}

func (d *Domain) createIntent(c *api.Call) (any, error) {
	p := c.P
	confirm := p.True("confirm")
	if err := d.checkCreate(c); err != nil {
		return nil, err
	}

	pi := Intents.New(c, id.Intent(c.Now(), c.AccountPart()))
	pi.Created, pi.Livemode, pi.Metadata = c.Now(), c.Live(), map[string]string{}
	pi.ClientSecret = id.IntentSecret(pi.ID)
	if platform := account.Platform(c); platform != nil {
		pi.Application = opt(platform.Application())
	}
	pi.ConfirmationMethod, pi.CaptureMethod = "automatic", "automatic"
	if c.AtLeast("2024-04-10") { // facts 08 (8a)
		pi.CaptureMethod = "automatic_async"
	}
	if err := c.ParamsBut(pi, thought...); err != nil {
		return nil, err
	}
	if err := d.setAmountDetails(c, pi, p.Get("amount_details")); err != nil {
		return nil, err
	}
	if err := d.chooseMethods(c, pi); err != nil {
		return nil, err
	}
	if err := d.move(c, pi, needsMethod); err != nil {
		return nil, err
	}
	if !confirm {
		if err := d.takeMethod(c, pi); err != nil {
			return nil, err
		}
		return pi, c.Save(pi, "payment_intent.created")
	}
	return d.createConfirmed(c, pi)
}

// createConfirmed confirms an intent in the request that makes it. Known from: facts 08 (8a, events): what succeeds or needs the customer is
// told of before the creation is; what is declined or to be captured later, after it.
func (d *Domain) createConfirmed(c *api.Call, pi *Intent) (any, error) {
	if err := c.Save(pi); err != nil {
		return nil, err
	}
	made := c.Mark(pi) // unverified: that the event shows the intent as it was before it was confirmed
	if err := d.takeMethod(c, pi); err != nil {
		return nil, err
	}
	how, err := d.planConfirm(c, pi)
	if err != nil {
		return nil, err
	}
	how.created = &made
	return d.confirm(c, pi, how)
}

// emitCreated tells of an intent's creation, once, if it is still to be told of.
func (how *confirmation) emitCreated(c *api.Call) error {
	if how.created == nil {
		return nil
	}
	mark := how.created
	how.created = nil
	return c.EmitMark("payment_intent.created", *mark)
}

// thought are the parameters of an intent that need more than to be copied into it.
var thought = []string{"client_secret", "amount_details", "payment_method", "payment_method_options", "automatic_payment_methods"}

// checkCreate refuses what cannot become an intent, in Stripe's order.
func (d *Domain) checkCreate(c *api.Call) error {
	p := c.P
	if err := d.checkAmount(c, p.Num("amount"), p.Str("currency")); err != nil {
		return err
	}
	if err := d.checkShared(c, p.Str("currency")); err != nil {
		return err
	}
	if err := d.checkSharing(c, sharing{}, p.Num("amount")); err != nil {
		return err
	}
	if p.Has("payment_method_types") && p.At("automatic_payment_methods").True("enabled") {
		return fault.OnlyOneOfMethods()
	}
	confirm := p.True("confirm")
	for _, name := range []string{"off_session", "error_on_requires_action", "return_url", "mandate", "mandate_data", "use_stripe_sdk", "confirmation_token"} {
		if v := p.Get(name); v != nil && v.Kind != form.Unset && !(v.Kind == form.Bool && v.Int == 0) && !confirm {
			return fault.OnlyWithConfirm(name)
		}
	}
	return nil
}

// checkShared refuses what creates and updates have in common.
func (d *Domain) checkShared(c *api.Call, currency string) error {
	p := c.P
	if cus := p.Str("customer"); cus != "" {
		if _, err := d.customer(c, cus, "customer"); err != nil {
			return err
		}
	}
	for i, typ := range p.Strings("payment_method_types") {
		if !paymethod.Known(typ) {
			return fault.UnknownMethodType(i, typ)
		}
	}
	if err := checkDescriptors(p); err != nil {
		return err
	}
	for _, name := range []string{"customer_account"} {
		if p.Given(name) {
			return fault.ParamNotBuilt(name)
		}
	}
	return nil
}

// checkAmount refuses an amount that cannot be charged in its currency. Known from: facts 05 (5a, 5e).
func (d *Domain) checkAmount(c *api.Call, amount int64, currency string) error {
	if amount < 1 {
		return fault.AmountBelowMinimum(c.AtLeast("2023-08-16"))
	}
	if f := money.Check(amount, currency, account.Of(c).DefaultCurrency); f != nil && !lessIsEnough(c.P, currency) {
		return f
	}
	if step := money.Step(currency, false); amount%step != 0 {
		return fault.AmountStep(step, currency)
	}
	return nil
}

// lessIsEnough says whether the only type of payment method that is asked for takes any amount: iDEAL does (facts 14).
func lessIsEnough(p *form.Value, currency string) bool {
	types := p.Strings("payment_method_types")
	return len(types) == 1 && types[0] == "ideal" && currency == "eur"
}

func (d *Domain) retrieveIntent(c *api.Call) (any, error) {
	if !c.Publishable() && !c.P.Given("client_secret") {
		return Intents.Retrieve(c)
	}
	pi, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if err := checkClientSecret(c, pi); err != nil {
		return nil, err
	}
	return pi, nil
}

// checkClientSecret holds a caller with a publishable key to the intent's secret. Known from: facts 11 (11c).
func checkClientSecret(c *api.Call, pi *Intent) error {
	given := c.P.Str("client_secret")
	if given == "" {
		if c.Publishable() {
			return fault.Missing("client_secret")
		}
		return nil
	}
	if given != pi.ClientSecret {
		return fault.WrongClientSecret("PaymentIntent")
	}
	return nil
}

// updateIntent changes an intent that has not been confirmed, or needs to be again. Metadata and a few words may always be changed.
func (d *Domain) updateIntent(c *api.Call) (any, error) {
	pi, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if err := d.checkUpdate(c, pi); err != nil {
		return nil, err
	}

	if err := c.ParamsBut(pi, thought...); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(pi.Metadata); err != nil {
		return nil, err
	}
	if err := d.setAmountDetails(c, pi, c.P.Get("amount_details")); err != nil {
		return nil, err
	}
	if err := d.reconsiderMethods(c, pi); err != nil {
		return nil, err
	}
	if c.P.Given("payment_method") || c.P.Given("payment_method_data") {
		if err := d.takeMethod(c, pi); err != nil {
			return nil, err
		}
	}
	return pi, c.Save(pi) // unverified: that no event tells of an update (the spec has no payment_intent.updated)
}

// always may be changed whatever the status.
var always = []string{"metadata", "description", "expand", "receipt_email", "shipping", "transfer_group"}

func (d *Domain) checkUpdate(c *api.Call, pi *Intent) error {
	p := c.P
	open := pi.Status == needsMethod || pi.Status == needsConfirmation || pi.Status == needsAction
	for _, f := range p.Fields {
		if !open && !slices.Contains(always, f.Name) {
			return intentState(c, pi, fault.CannotUpdateIntent(pi.Status, f.Name))
		}
	}
	amount, currency := pi.Amount, pi.Currency
	if p.Given("amount") {
		amount = p.Num("amount")
	}
	if p.Given("currency") {
		currency = p.Str("currency")
	}
	if p.Given("amount") || p.Given("currency") {
		if err := d.checkAmount(c, amount, currency); err != nil {
			return err
		}
	}
	if err := d.checkSharing(c, pi.sharing(), amount); err != nil {
		return err
	}
	return d.checkShared(c, currency)
}

// intentState puts the intent into a refusal that its status is the reason of.
func intentState(c *api.Call, pi *Intent, f *fault.Error) error {
	body, err := c.Show(pi)
	if err != nil {
		return err
	}
	f.PaymentIntent = body
	return f.AfterStart()
}

// takeMethod gives the intent the payment method that the request names or describes.
func (d *Domain) takeMethod(c *api.Call, pi *Intent) error {
	p := c.P
	var err error
	pm := (*method)(nil)
	switch {
	case p.Given("payment_method") && p.Given("payment_method_data"):
		return fault.OnlyOne("payment_method", "payment_method_data")
	case p.Given("confirmation_token") && p.Given("payment_method"):
		return fault.OnlyOne("confirmation_token", "payment_method")
	case p.Given("confirmation_token") && p.Given("payment_method_data"):
		return fault.OnlyOne("confirmation_token", "payment_method_data")
	case p.Given("confirmation_token"):
		pm, err = d.spendToken(c, pi)
	case p.Given("payment_method"):
		pm, err = d.methods.Resolve(c, p.Str("payment_method"), "payment_method")
	case p.Given("payment_method_data"):
		pm, err = d.methods.FromData(c, p.Get("payment_method_data"), "payment_method_data")
	default:
		return nil
	}
	if err != nil {
		return err
	}
	if !slices.Contains(pi.PaymentMethodTypes, pm.Type) {
		return fault.MethodTypeNotAllowed(pm.Type, pi.PaymentMethodTypes)
	}
	if err := d.methods.Usable(c, pm, text(pi.Customer)); err != nil {
		return err
	}
	pi.PaymentMethod = &pm.ID
	if pi.Status == needsMethod || pi.Status == needsAction {
		pi.NextAction, pi.Private.Challenge, pi.Private.Challenged = nil, "", ""
		if err := d.stop(c, pi); err != nil {
			return err
		}
		return d.move(c, pi, needsConfirmation)
	}
	return nil
}

// spendToken uses a confirmation token up for the intent, which takes from it what it does not have yet.
func (d *Domain) spendToken(c *api.Call, pi *Intent) (*method, error) {
	tok, pm, err := d.methods.SpendConfirmationToken(c, c.P.Str("confirmation_token"), paymentmethod.TokenUse{PaymentIntent: pi.ID, Usage: text(pi.SetupFutureUsage)})
	if err != nil {
		return nil, err
	}
	if pi.SetupFutureUsage == nil {
		pi.SetupFutureUsage = tok.SetupFutureUsage
	}
	if tok.ReturnURL != nil {
		pi.Private.ReturnURL = *tok.ReturnURL
	}
	pi.Private.Consent = tok.MandateData
	if pi.Shipping == nil && len(tok.Shipping) > 0 {
		if err := json.Unmarshal(tok.Shipping, &pi.Shipping); err != nil {
			return nil, fmt.Errorf("the shipping of %s: %w", tok.ID, err)
		}
	}
	return pm, nil
}

// chooseMethods sets which types of payment method the intent takes, and their options.
func (d *Domain) chooseMethods(c *api.Call, pi *Intent) error {
	p := c.P
	automatic, config := p.Get("automatic_payment_methods"), p.Str("payment_method_configuration")
	switch {
	case p.Has("payment_method_types"):
		pi.leaveOut()
	case automatic != nil && !automatic.True("enabled"):
		pi.PaymentMethodTypes = []string{"card"}
	case automatic != nil || config != "" || c.AtLeast("2023-08-16"): // facts 08 (8a)
		redirects := automatic.Str("allow_redirects")
		if redirects == "" {
			redirects = "always"
		}
		pi.AutomaticPaymentMethods = &Automatic{AllowRedirects: redirects, Enabled: true}
		pi.Private.Configuration = config
		if err := pi.chooseAgain(c); err != nil {
			return err
		}
	default:
		pi.PaymentMethodTypes = []string{"card"}
	}
	d.setOptions(pi, p.Get("payment_method_options"))
	return pi.checkTypes(c)
}

// chooseAgain chooses the types of an intent that has left that to its configuration.
func (pi *Intent) chooseAgain(c *api.Call) error {
	choice, err := methodconfig.Choose(c, pi.Private.Configuration, pi.use(c))
	if err != nil {
		return err
	}
	pi.PaymentMethodConfigurationDetails = &Configuration{ID: choice.ID, Parent: choice.Parent}
	pi.PaymentMethodTypes = choice.Types
	pi.leaveOut()
	if len(pi.PaymentMethodTypes) == 0 {
		return fault.NoTypeLeft()
	}
	return nil
}

// reconsiderMethods chooses or checks the types of an intent again, if the request changes what they depend on, and takes their options.
func (d *Domain) reconsiderMethods(c *api.Call, pi *Intent) error {
	p := c.P
	if p.Has("payment_method_types") {
		pi.AutomaticPaymentMethods, pi.PaymentMethodConfigurationDetails = nil, nil
		pi.leaveOut()
	}
	changed := slices.ContainsFunc([]string{
		"amount", "currency", "capture_method", "customer", "payment_method_types", "payment_method_configuration", "setup_future_usage", "excluded_payment_method_types",
		"allowed_payment_method_types",
	}, p.Has)
	if config := p.Str("payment_method_configuration"); config != "" {
		pi.Private.Configuration = config
	}
	if changed && pi.AutomaticPaymentMethods != nil {
		if err := pi.chooseAgain(c); err != nil {
			return err
		}
	}
	d.setOptions(pi, p.Get("payment_method_options"))
	if changed {
		return pi.checkTypes(c)
	}
	return nil
}

// leaveOut takes from the types those that the intent excludes, or does not allow.
func (pi *Intent) leaveOut() {
	pi.PaymentMethodTypes = slices.DeleteFunc(pi.PaymentMethodTypes, func(t string) bool {
		return slices.Contains(pi.ExcludedPaymentMethodTypes, t) ||
			len(pi.AllowedPaymentMethodTypes) > 0 && !slices.Contains(pi.AllowedPaymentMethodTypes, t)
	})
}

// use is what the intent wants of a type of payment method.
func (pi *Intent) use(c *api.Call) paymethod.Use {
	automatic := pi.AutomaticPaymentMethods
	return paymethod.Use{
		Amount: pi.Amount, Currency: pi.Currency, Country: account.Of(c).Country, Manual: pi.CaptureMethod == "manual", SetUp: text(pi.SetupFutureUsage),
		NoRedirects: automatic != nil && automatic.AllowRedirects == "never", Customer: pi.Customer != nil,
	}
}

// checkTypes refuses an intent whose types of payment method, which the request has named, cannot do what it wants.
func (pi *Intent) checkTypes(c *api.Call) error {
	if pi.AutomaticPaymentMethods != nil {
		return nil
	}
	use := pi.use(c)
	for i, name := range pi.PaymentMethodTypes {
		t := paymethod.Types[name]
		if t == nil || t.Flow == paymethod.Terminal {
			continue
		}
		if f := RefuseType(i, t, use); f != nil {
			return f
		}
	}
	return nil
}

// RefuseType is the refusal of a type of payment method, the i-th of those that a request names, that cannot do what is wanted; nil if it can.
func RefuseType(i int, t *paymethod.Type, use paymethod.Use) *fault.Error {
	limit := t.Limits[use.Currency]
	switch t.Refuses(use) {
	case paymethod.NotHere:
		return fault.UnknownMethodType(i, t.Name)
	case paymethod.NotCurrency:
		return fault.TypeCurrency(use.Currency)
	case paymethod.NotLater:
		return fault.TypeNotLater(t.Name)
	case paymethod.NotKept:
		return fault.TypeNotKept(t.Name, use.SetUp)
	case paymethod.TooSmall:
		return fault.TypeAmount(t.Name, money.Format(limit.Min, use.Currency), false)
	case paymethod.TooLarge:
		return fault.TypeAmount(t.Name, money.Format(limit.Max, use.Currency), true)
	}
	return nil
}

// Options are what an intent says of each type of payment method.
type Options map[string]map[string]json.RawMessage

// setOptions gives each type of payment method its options, and changes those that the request names.
func (d *Domain) setOptions(pi *Intent, given *form.Value) {
	opts := make(Options, len(pi.PaymentMethodTypes))
	for _, typ := range pi.PaymentMethodTypes {
		of := map[string]json.RawMessage{}
		if t := paymethod.Types[typ]; t != nil {
			for name, v := range t.Options {
				of[name] = json.RawMessage(v)
			}
		}
		for name, v := range pi.PaymentMethodOptions[typ] {
			of[name] = v
		}
		if sent := given.Get(typ); sent != nil {
			for _, f := range sent.Fields {
				if !transient[f.Name] {
					of[f.Name] = paymentmethod.Option(typ, f)
				}
			}
		}
		opts[typ] = of
	}
	pi.PaymentMethodOptions = opts
}

// captureMethod is how payments by a type of payment method are captured: as its options say, or else as the intent does.
func (pi *Intent) captureMethod(typ string) string {
	if own := jsontext.Scalar(pi.PaymentMethodOptions[typ]["capture_method"]); own != "" {
		return own
	}
	return pi.CaptureMethod
}

// transient options belong to one confirmation, and are not shown.
var transient = map[string]bool{"code": true, "cvc_token": true, "moto": true, "network_decline_code": true, "three_d_secure": true, "statement_details": true}
