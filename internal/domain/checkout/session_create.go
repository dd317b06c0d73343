package checkout

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/money"
	"florin/internal/store"
)

// notBuilt are parameters of sessions that are refused by name, and switches that may only be off.
var (
	notBuilt = []string{
		"branding_settings", "consent_collection", "customer_account", "name_collection", "optional_items", "permissions",
		"redirect_on_completion", "return_url", "shipping_options", "wallet_options",
	}
	switches = []string{"automatic_tax", "invoice_creation", "managed_payments"}
	// Of subscription_data.
	subscriptionNotBuilt = []string{
		"application_fee_percent", "billing_cycle_anchor", "billing_cycle_anchor_config", "invoice_settings", "on_behalf_of", "pending_invoice_item_interval",
		"proration_behavior", "transfer_data", "trial_from_plan",
	}
)

const (
	shortest = 30 * 60   // seconds that a session is open
	longest  = 24 * 3600 // and as long as nothing else is said
)

func (d *Domain) create(c *api.Call) (any, error) {
	s, err := d.make(c, nil)
	if err != nil {
		return nil, err
	}
	if s.Mode == modeSetup {
		if err := d.beginSetup(c, s); err != nil {
			return nil, err
		}
	}
	return s, d.open(c, s)
}

// make makes a session by the parameters of the call, or one of a link.
func (d *Domain) make(c *api.Call, l *Link) (*Session, error) {
	if l == nil && c.P.Str("success_url") == "" {
		return nil, fault.Missing("success_url")
	}
	if err := checkCreate(c.P); err != nil {
		return nil, err
	}
	s := newSession(c)
	if s.Mode == "" {
		return nil, fault.Missing("mode")
	}
	if err := s.checkMode(c.P); err != nil {
		return nil, err
	}
	if err := s.takeTimes(c); err != nil {
		return nil, err
	}
	if err := s.takeCustomer(c); err != nil {
		return nil, err
	}
	if l != nil {
		s.takeLink(c, l)
	} else if err := s.takeItems(c); err != nil {
		return nil, err
	}
	if err := d.takeData(c, s); err != nil {
		return nil, err
	}
	if err := d.total(c, s); err != nil { // before any discount, which may be for orders of so much
		return nil, err
	}
	if err := d.takeDiscounts(c, s); err != nil {
		return nil, err
	}
	if err := s.checkTotal(c); err != nil {
		return nil, err
	}
	if err := s.chooseMethods(c); err != nil {
		return nil, err
	}
	return s, d.checkAsked(c, s)
}

// takeLink makes a session one of a link.
func (s *Session) takeLink(c *api.Call, l *Link) {
	s.PaymentLink, s.Currency = &l.ID, &l.Currency
	s.Private.Items = slices.Clone(l.Private.Items)
	for i := range s.Private.Items {
		s.Private.Items[i].ID = c.NewID("li")
	}
}

// open makes a session that its customer can come to.
func (d *Domain) open(c *api.Call, s *Session) error {
	if err := s.move(Open); err != nil {
		return err
	}
	s.URL = opt(c.Base() + "/c/pay/" + s.ID)
	at := places.NewAt(c, store.System, placeID(s.ID), c.Now())
	at.Scope = int64(c.Scope)
	if err := c.Save(at); err != nil {
		return err
	}
	c.At(s.ExpiresAt, "checkout.expire", s.ID)
	return c.Save(s) // no event tells of it: there is none that could
}

// checkCreate refuses what no session can do.
func checkCreate(p *form.Value) error {
	for _, name := range notBuilt {
		if p.Given(name) {
			return fault.ParamNotBuilt(name)
		}
	}
	for _, name := range switches {
		if p.Get(name).True("enabled") {
			return fault.ParamNotBuilt(name + "[enabled]")
		}
	}
	if p.At("after_expiration", "recovery").True("enabled") {
		return fault.ParamNotBuilt("after_expiration[recovery][enabled]")
	}
	if mode := p.Str("ui_mode"); mode != "" && mode != "hosted_page" {
		return fault.ParamNotBuilt("ui_mode")
	}
	for _, name := range []string{"payment_method_save", "payment_method_remove"} {
		if p.At("saved_payment_method_options").Str(name) == "enabled" {
			return fault.ParamNotBuilt("saved_payment_method_options[" + name + "]")
		}
	}
	if p.At("customer_update").Str("shipping") == "auto" {
		return fault.ParamNotBuilt("customer_update[shipping]")
	}
	if p.True("allow_promotion_codes") && p.Given("discounts") {
		return fault.OnlyOne("allow_promotion_codes", "discounts")
	}
	for _, name := range []string{"success_url", "cancel_url"} {
		if to := p.Str(name); to != "" && !isURL(to) {
			return fault.SessionURL(name)
		}
	}
	return nil
}

// isURL says whether a browser can be sent there. unverified: what Stripe takes besides http and https.
func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// newSession makes a session with what they all begin with. Known from: recordings.
func newSession(c *api.Call) *Session {
	mode := c.P.Str("mode")
	if mode == "" && !c.AtLeast("2022-08-01") { // which had no need of it. unverified: from which version on it is asked for
		if mode = modePayment; c.P.Has("subscription_data") {
			mode = modeSubscription
		}
	}
	name := id.CheckoutSession(c.Live())
	if mode == modeSetup {
		name = strings.Replace(name, "_a1", "_c1", 1)
	}
	s := Sessions.New(c, name)
	s.Created, s.Livemode, s.Mode, s.UIMode = c.Now(), c.Live(), mode, "hosted_page"
	s.Metadata, s.CustomFields, s.ShippingOptions, s.PaymentStatus = map[string]string{}, []CustomField{}, []json.RawMessage{}, unpaid
	s.BrandingSettings = Branding{BackgroundColor: "#ffffff", BorderStyle: "rounded", ButtonColor: "#0074d4", DisplayName: displayName(account.Of(c)), FontFamily: "default"}
	s.PaymentMethodCollection = "always"
	s.AdaptivePricing.Enabled = mode != modeSetup // recorded; the page has no other currency to offer, whatever this says
	switch mode {
	case modePayment:
		s.PaymentMethodCollection = "if_required"
		s.InvoiceCreation = &InvoiceCreation{InvoiceData: InvoiceData{Metadata: map[string]string{}}}
		s.Discounts = []Discount{}
	case modeSubscription:
		s.Discounts = []Discount{}
	case modeSetup:
		s.PaymentStatus = noneRequired
	}
	return s
}

// displayName is what customers know an account by.
func displayName(a *account.Account) string {
	if name := a.Name(); name != "" {
		return name
	}
	return a.ID
}

// checkMode refuses what sessions of other modes have.
func (s *Session) checkMode(p *form.Value) error {
	of := map[string][]string{
		"payment_intent_data": {modePayment}, "subscription_data": {modeSubscription}, "setup_intent_data": {modeSetup}, "discounts": {modePayment, modeSubscription},
		"allow_promotion_codes": {modePayment, modeSubscription}, "submit_type": {modePayment, modeSubscription}, "customer_creation": {modePayment, modeSetup},
		"payment_method_collection": {modeSubscription}, "shipping_address_collection": {modePayment, modeSubscription}, "invoice_creation": {modePayment},
	}
	for _, f := range p.Fields {
		if modes := of[f.Name]; modes != nil && f.Value.Kind != form.Unset && !slices.Contains(modes, s.Mode) {
			return fault.SessionParamOfMode(f.Name, s.Mode)
		}
	}
	return nil
}

// takeTimes copies what is kept as it was sent, and sets when the session ends.
func (s *Session) takeTimes(c *api.Call) error {
	if err := c.ParamsOnly(s, "allow_promotion_codes", "billing_address_collection", "cancel_url", "client_reference_id", "custom_text", "customer_email",
		"integration_identifier", "locale", "metadata", "origin_context", "payment_method_collection", "phone_number_collection", "submit_type", "success_url",
		"currency", "tax_id_collection", "excluded_payment_method_types", "shipping_address_collection", "adaptive_pricing"); err != nil {
		return err
	}
	if err := s.takeFields(c); err != nil {
		return err
	}
	if s.TaxIDCollection != nil && s.TaxIDCollection.Required == "" {
		s.TaxIDCollection.Required = "never"
	}
	s.ExpiresAt = s.Created + longest
	if c.P.Given("expires_at") {
		s.ExpiresAt = c.P.Num("expires_at")
	}
	switch {
	case s.ExpiresAt < s.Created+shortest:
		return fault.SessionExpiresSoon()
	case s.ExpiresAt > s.Created+longest:
		return fault.SessionExpiresLate()
	}
	return nil
}

// takeCustomer finds the customer, or says who there will be one.
func (s *Session) takeCustomer(c *api.Call) error {
	p := c.P
	for _, name := range []string{"customer_email", "customer_creation"} {
		if p.Given("customer") && p.Given(name) {
			return fault.OnlyOne("customer", name)
		}
	}
	if p.Has("customer_update") && !p.Given("customer") {
		return fault.Missing("customer")
	}
	s.Private.UpdateName, s.Private.UpdateAddress = p.At("customer_update").Str("name") == "auto", p.At("customer_update").Str("address") == "auto"
	email := s.CustomerEmail
	exempt := opt("none")
	if name := p.Str("customer"); name != "" {
		cus, err := customer.Customers.Find(c, name, "customer")
		if err != nil {
			return err
		}
		s.Customer, email, exempt = &cus.ID, cus.Email, &cus.TaxExempt
		if s.Mode == modeSubscription && s.Currency == nil {
			s.Currency = cus.Currency
		}
	} else {
		switch s.CustomerCreation = opt(p.Str("customer_creation")); {
		case s.Mode == modeSubscription:
			s.CustomerCreation = opt("always")
		case s.Mode == modePayment && s.CustomerCreation == nil:
			s.CustomerCreation = opt("if_required")
		}
	}
	if s.Mode == modeSetup {
		exempt = nil // recorded
	}
	if s.Customer != nil || s.CustomerEmail != nil {
		s.CustomerDetails, s.CollectedInformation = &CustomerDetails{Email: email, TaxExempt: exempt}, &Collected{}
	}
	if s.Mode != modeSetup && (s.Customer != nil || text(s.CustomerCreation) == "always") {
		s.SavedPaymentMethodOptions = &SavedOptions{AllowRedisplayFilters: []string{"always"}, PaymentMethodRemove: opt("disabled")}
		return api.Bind(s.SavedPaymentMethodOptions, p.Get("saved_payment_method_options"))
	}
	return nil
}

// exempt is whether who pays is exempt from taxes.
func (s *Session) exempt() *string {
	if s.CustomerDetails == nil {
		return nil
	}
	return s.CustomerDetails.TaxExempt
}

// takeData keeps what was said of the objects that are made when the customer pays.
func (d *Domain) takeData(c *api.Call, s *Session) error {
	p := c.P
	s.Private.PaymentData, s.Private.SetupData, s.Private.Options = keep(p, "payment_intent_data"), keep(p, "setup_intent_data"), keep(p, "payment_method_options")
	s.Private.AllowRedisplay = p.At("payment_method_data").Str("allow_redisplay")
	if s.Mode != modeSubscription {
		return nil
	}
	data := p.Get("subscription_data")
	for _, name := range subscriptionNotBuilt {
		if data.Given(name) {
			return fault.ParamNotBuilt("subscription_data[" + name + "]")
		}
	}
	if err := checkTrial(c, data); err != nil {
		return err
	}
	if _, err := ratesOf(c, data, "default_tax_rates", "subscription_data[default_tax_rates]"); err != nil {
		return err
	}
	if data == nil {
		data = &form.Value{Kind: form.Object}
	}
	if !data.Has("billing_mode") && !c.AtLeast("2025-09-30") { // facts 13 (C3): the version of who makes the session counts
		data.Set("billing_mode", &form.Value{Kind: form.Object, Fields: []form.Field{{Name: "type", Value: word("classic")}}})
	}
	s.Private.SubscriptionData = api.AppendValue(nil, data)
	sales, err := s.sales(c)
	if err != nil {
		return err
	}
	mode := data.At("billing_mode").Str("type")
	if mode == "" {
		mode = "flexible"
	}
	return d.billing.Fits(c, *s.Currency, mode, sales)
}

// checkTrial refuses trials that a subscription cannot have, or that end before they are noticed.
func checkTrial(c *api.Call, data *form.Value) error {
	const days, end = "subscription_data[trial_period_days]", "subscription_data[trial_end]"
	switch {
	case data.Given("trial_period_days") && data.Given("trial_end"):
		return fault.OnlyOne(days, end)
	case data.Given("trial_period_days") && data.Num("trial_period_days") < 1:
		return fault.BelowMinimum(days, 1)
	case data.Num("trial_period_days") > 730:
		return fault.TrialTooLong(days)
	case data.Given("trial_end") && data.Num("trial_end") < c.Now()+2*86400:
		return fault.TrialTooShort(end)
	case data.Given("trial_end") && data.Num("trial_end") > c.Now()+731*86400:
		return fault.TrialTooLong(end)
	}
	return nil
}

// trial says whether the subscription begins with one.
func (s *Session) trial(c *api.Call) bool {
	data := stored(s.Private.SubscriptionData)
	return data.Given("trial_period_days") || data.Num("trial_end") > c.Now()
}

// defaultRates are the tax rates of what has none of its own.
func (s *Session) defaultRates() []string {
	return stored(s.Private.SubscriptionData).Strings("default_tax_rates")
}

// checkTotal refuses to ask for what cannot be charged. Nothing at all may be asked for.
func (s *Session) checkTotal(c *api.Call) error {
	if s.Mode == modeSetup {
		return nil
	}
	if f := money.TooLarge(*s.AmountTotal, *s.Currency); f != nil {
		return f
	}
	if *s.AmountTotal == 0 {
		return nil
	}
	if f := money.CheckoutTooSmall(*s.AmountTotal, *s.Currency, account.Of(c).DefaultCurrency); f != nil {
		return f
	}
	return nil
}

// word is a text as a parameter.
func word(s string) *form.Value { return &form.Value{Kind: form.String, Text: s} }

// number is a number as a parameter.
func number(n int64) *form.Value { return word(strconv.FormatInt(n, 10)) }
