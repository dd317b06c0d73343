package checkout

import (
	"encoding/json"
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/domain/setup"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/store"
)

// A Session is one visit of a customer to a page on which something is paid, subscribed to, or saved for later. It is open until the customer has done so,
// for a day at the most; then it is complete, or has expired. Amounts are in minor units.
//
// Shape recorded from 2021 to 2026-03-25.dahlia; tax_id_collection, name_collection and the like stand there only when they were given.
type Session struct {
	api.Meta
	AdaptivePricing            Enabled           `json:"adaptive_pricing"`
	AfterExpiration            json.RawMessage   `json:"after_expiration"`
	AllowPromotionCodes        *bool             `json:"allow_promotion_codes"`
	AmountSubtotal             *int64            `json:"amount_subtotal"`
	AmountTotal                *int64            `json:"amount_total"`
	AutomaticTax               AutomaticTax      `json:"automatic_tax"`
	BillingAddressCollection   *string           `json:"billing_address_collection"` // auto or required
	BrandingSettings           Branding          `json:"branding_settings"`
	CancelURL                  *string           `json:"cancel_url"`
	ClientReferenceID          *string           `json:"client_reference_id"`
	ClientSecret               *string           `json:"client_secret"`
	CollectedInformation       *Collected        `json:"collected_information"`
	Consent                    json.RawMessage   `json:"consent"`
	ConsentCollection          json.RawMessage   `json:"consent_collection"`
	Created                    int64             `json:"created"` // Unix seconds
	Currency                   *string           `json:"currency"`
	CurrencyConversion         json.RawMessage   `json:"currency_conversion"`
	CustomFields               []CustomField     `json:"custom_fields"`
	CustomText                 CustomText        `json:"custom_text"`
	Customer                   *string           `json:"customer"`
	CustomerAccount            *string           `json:"customer_account"`
	CustomerCreation           *string           `json:"customer_creation"` // always or if_required
	CustomerDetails            *CustomerDetails  `json:"customer_details"`
	CustomerEmail              *string           `json:"customer_email"`
	Discounts                  []Discount        `json:"discounts" nil:"null"`
	ExcludedPaymentMethodTypes []string          `json:"excluded_payment_method_types,omitempty"`
	ExpiresAt                  int64             `json:"expires_at"`
	IntegrationIdentifier      *string           `json:"integration_identifier"`
	Invoice                    *string           `json:"invoice"`
	InvoiceCreation            *InvoiceCreation  `json:"invoice_creation"`
	Livemode                   bool              `json:"livemode"`
	Locale                     *string           `json:"locale"` // the page speaks English all the same
	ManagedPayments            Enabled           `json:"managed_payments"`
	Metadata                   map[string]string `json:"metadata"`
	Mode                       string            `json:"mode"` // payment, setup or subscription
	OriginContext              *string           `json:"origin_context"`
	PaymentIntent              *string           `json:"payment_intent"` // null until the page is paid, since 2022-08-01
	PaymentLink                *string           `json:"payment_link"`
	PaymentMethodCollection    string            `json:"payment_method_collection"` // always or if_required
	MethodConfiguration        *Configuration    `json:"payment_method_configuration_details"`
	PaymentMethodOptions       Options           `json:"payment_method_options"`
	PaymentMethodTypes         []string          `json:"payment_method_types"`
	PaymentStatus              string            `json:"payment_status"` // unpaid, paid or no_payment_required
	Permissions                json.RawMessage   `json:"permissions"`
	PhoneNumberCollection      Enabled           `json:"phone_number_collection"`
	RecoveredFrom              *string           `json:"recovered_from"`
	SavedPaymentMethodOptions  *SavedOptions     `json:"saved_payment_method_options"`
	SetupIntent                *string           `json:"setup_intent"` // of mode setup, from the beginning
	ShippingAddressCollection  json.RawMessage   `json:"shipping_address_collection"`
	ShippingCost               json.RawMessage   `json:"shipping_cost"`
	ShippingOptions            []json.RawMessage `json:"shipping_options"`
	Status                     string            `json:"status"`      // see sessionNext
	SubmitType                 *string           `json:"submit_type"` // auto, book, donate, pay or subscribe
	Subscription               *string           `json:"subscription"`
	SuccessURL                 *string           `json:"success_url"`
	TaxIDCollection            *TaxIDCollection  `json:"tax_id_collection,omitempty"`
	TotalDetails               *TotalDetails     `json:"total_details"`
	UIMode                     string            `json:"ui_mode"` // hosted_page
	URL                        *string           `json:"url"`     // null when nobody can pay any more
	WalletOptions              json.RawMessage   `json:"wallet_options"`

	Private SessionPrivate `json:"-"`
}

// SessionPrivate is what a session knows that no answer shows.
type SessionPrivate struct {
	Items []Item `json:"items,omitempty"`
	// What was said of the objects that are made when the customer pays, as it was sent.
	PaymentData      json.RawMessage `json:"payment_data,omitempty"`
	SubscriptionData json.RawMessage `json:"subscription_data,omitempty"`
	SetupData        json.RawMessage `json:"setup_data,omitempty"`
	Options          json.RawMessage `json:"options,omitempty"`
	AllowRedisplay   string          `json:"allow_redisplay,omitempty"`
	UpdateName       bool            `json:"update_name,omitempty"` // of the customer, to what he enters
	UpdateAddress    bool            `json:"update_address,omitempty"`
	// Of the last try: the intent that pays, or sets up, who pays, and with what.
	Intent   string           `json:"intent,omitempty"`
	Setup    string           `json:"setup,omitempty"`
	Customer string           `json:"customer,omitempty"`
	Method   string           `json:"method,omitempty"`
	Payer    *CustomerDetails `json:"payer,omitempty"`
}

// Enabled is a switch.
type Enabled struct {
	Enabled bool `json:"enabled"`
}

// AutomaticTax says whether taxes are computed by Stripe Tax, which Florin does not have yet.
type AutomaticTax struct {
	Enabled   bool            `json:"enabled"`
	Liability json.RawMessage `json:"liability"`
	Provider  *string         `json:"provider"`
	Status    *string         `json:"status"`
}

// Branding is what the page looks like: recorded of an account that has not said anything of it.
type Branding struct {
	BackgroundColor string          `json:"background_color"`
	BorderStyle     string          `json:"border_style"`
	ButtonColor     string          `json:"button_color"`
	DisplayName     string          `json:"display_name"`
	FontFamily      string          `json:"font_family"`
	Icon            json.RawMessage `json:"icon"`
	Logo            json.RawMessage `json:"logo"`
}

// Collected is what the page has asked for besides who pays.
type Collected struct {
	BusinessName    *string          `json:"business_name"`
	IndividualName  *string          `json:"individual_name"`
	ShippingDetails *ShippingDetails `json:"shipping_details"`
}

// CustomText is what the merchant says on the page.
type CustomText struct {
	AfterSubmit              *Words `json:"after_submit"`
	ShippingAddress          *Words `json:"shipping_address"`
	Submit                   *Words `json:"submit"`
	TermsOfServiceAcceptance *Words `json:"terms_of_service_acceptance"`
}

// Words are a text of the merchant.
type Words struct {
	Message string `json:"message"`
}

// CustomerDetails are who pays, as the session knows it: at first by the customer or the e-mail address that it was made with.
type CustomerDetails struct {
	Address        *customer.Address `json:"address"`
	BusinessName   *string           `json:"business_name"`
	Email          *string           `json:"email"`
	IndividualName *string           `json:"individual_name"`
	Name           *string           `json:"name"`
	Phone          *string           `json:"phone"`
	TaxExempt      *string           `json:"tax_exempt"`
	TaxIDs         []json.RawMessage `json:"tax_ids" nil:"null"` // null until the session is complete
}

// A Discount is one that the session gives: by a coupon, or by a promotion code.
type Discount struct {
	Coupon        *string `json:"coupon"`
	PromotionCode *string `json:"promotion_code"`
}

// InvoiceCreation says whether a payment makes an invoice, which it does not yet.
type InvoiceCreation struct {
	Enabled     bool        `json:"enabled"`
	InvoiceData InvoiceData `json:"invoice_data"`
}

// InvoiceData are what that invoice would begin with.
type InvoiceData struct {
	AccountTaxIDs    []string          `json:"account_tax_ids" nil:"null"`
	CustomFields     []json.RawMessage `json:"custom_fields" nil:"null"`
	Description      *string           `json:"description"`
	Footer           *string           `json:"footer"`
	Issuer           json.RawMessage   `json:"issuer"`
	Metadata         map[string]string `json:"metadata"`
	RenderingOptions json.RawMessage   `json:"rendering_options"`
}

// Configuration is the payment method configuration that has chosen the types.
type Configuration struct {
	ID     string  `json:"id"`
	Parent *string `json:"parent"`
}

// SavedOptions say which payment methods of the customer the page may show, which shows none yet.
type SavedOptions struct {
	AllowRedisplayFilters []string `json:"allow_redisplay_filters" nil:"null"`
	PaymentMethodRemove   *string  `json:"payment_method_remove"`
	PaymentMethodSave     *string  `json:"payment_method_save"`
}

// TaxIDCollection says whether businesses are asked for their tax id. Nobody has to give one, and the page does not ask yet.
type TaxIDCollection struct {
	Enabled  bool   `json:"enabled"`
	Required string `json:"required"` // never or if_supported
}

// TotalDetails are what the total is made of.
type TotalDetails struct {
	AmountDiscount int64 `json:"amount_discount"`
	AmountShipping int64 `json:"amount_shipping"`
	AmountTax      int64 `json:"amount_tax"`
}

// The modes.
const (
	modePayment      = "payment"
	modeSubscription = "subscription"
	modeSetup        = "setup"
)

// The statuses of a session, and what may follow each.
const (
	Open     = "open"
	Complete = "complete"
	Expired  = "expired"
)

var sessionNext = map[string][]string{
	"":       {Open},
	Open:     {Complete, Expired},
	Complete: {},
	Expired:  {},
}

// What is known of the payment.
const (
	unpaid       = "unpaid"
	paid         = "paid"
	noneRequired = "no_payment_required"
)

// Sessions is the kind of sessions.
var Sessions = &api.Kind[Session]{
	Name: "checkout.session", Prefixes: []string{"cs"}, Word: "checkout.session", Param: "session",
	Index: []string{"customer", "customer_details.email", "payment_intent", "payment_link", "subscription"},
}

func (d *Domain) sessionRoutes(r *api.Router) {
	r.Kind(Sessions)
	r.Kind(places)
	r.Include("checkout.session", "line_items", itemsOf)
	r.Handle("POST /v1/checkout/sessions", d.create)
	r.Handle("GET /v1/checkout/sessions", list)
	r.Plain("GET /v1/checkout/sessions/{session}", Sessions.Retrieve)
	r.Handle("POST /v1/checkout/sessions/{session}", d.update)
	r.Handle("POST /v1/checkout/sessions/{session}/expire", d.expireSession)
	r.Handle("GET /v1/checkout/sessions/{session}/line_items", listItems)
	r.Task("checkout.expire", d.expireLate)
}

// move is the only place that assigns a session's status. Nobody can pay one that is over.
func (s *Session) move(to string) error {
	if !slices.Contains(sessionNext[s.Status], to) {
		return fmt.Errorf("checkout session %s cannot go from %q to %q", s.ID, s.Status, to) // our mistake: nothing of the request is kept
	}
	if s.Status = to; to != Open {
		s.URL = nil
	}
	return nil
}

// A place is the way from the URL of a page, which names no account, to its session.
type place struct {
	api.Meta
	Scope int64  `json:"scope"`
	Link  string `json:"link,omitempty"` // of a link, its id
}

var places = &api.Kind[place]{Name: "_checkout", Internal: true}

func placeID(session string) string { return "_checkout:" + session }

// Find finds where a session is that the URL of a page names, in a call of the system's scope; ok is false if there is none.
func Find(c *api.Call, session string) (scope store.Scope, ok bool, err error) {
	p, err := places.GetAt(c, store.System, placeID(session))
	if err != nil || p == nil || p.Link != "" {
		return 0, false, err
	}
	return store.Scope(p.Scope), true, nil
}

func list(c *api.Call) (any, error) {
	n := api.Narrow{}
	if email := c.P.At("customer_details").Str("email"); email != "" {
		n.Skip, n.Path, n.Value = []string{"customer_details"}, "customer_details.email", email
	}
	return Sessions.ListOf(c, n)
}

// changeable are the parameters of an update that are kept. What is for sale does not change yet.
var changeable = []string{"metadata", "expand"}

func (d *Domain) update(c *api.Call) (any, error) {
	s, err := Sessions.InPath(c, "session")
	if err != nil {
		return nil, err
	}
	for _, f := range c.P.Fields {
		if !slices.Contains(changeable, f.Name) {
			return nil, fault.ParamNotBuilt(f.Name)
		}
	}
	if err := c.ParamsOnly(s, "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(s.Metadata); err != nil {
		return nil, err
	}
	return s, c.Save(s) // no event tells of it: there is none that could
}

// expireSession ends a session at the merchant's wish.
func (d *Domain) expireSession(c *api.Call) (any, error) {
	s, err := Sessions.InPath(c, "session")
	if err != nil {
		return nil, err
	}
	if s.Status != Open {
		return nil, fault.SessionNotOpen(s.Status)
	}
	if busy, err := d.Busy(c, s); err != nil || busy {
		if err == nil {
			err = fault.SessionBusy()
		}
		return nil, err
	}
	return s, d.expire(c, s)
}

// expireLate is the task that ends a session that nobody has paid in time. One whose payment a network has yet to answer is waited for.
func (d *Domain) expireLate(c *api.Call, session string) error {
	s, err := Sessions.Get(c, session)
	if err != nil || s == nil || s.Status != Open {
		return err
	}
	if busy, err := d.Busy(c, s); err != nil || busy {
		c.At(c.Now()+60, "checkout.expire", s.ID)
		return err
	}
	return d.expire(c, s)
}

// expire ends a session, and the intent that it has tried to pay by. unverified: that the intent is canceled, and why it says it is.
func (d *Domain) expire(c *api.Call, s *Session) error {
	pi, err := payment.Intents.Get(c, s.Private.Intent)
	if err != nil {
		return err
	}
	if pi != nil && pi.Status != payment.Succeeded && pi.Status != payment.Canceled && pi.Status != payment.Processing {
		if err := d.payments.Cancel(c, pi, "abandoned"); err != nil {
			return err
		}
	}
	for _, name := range []string{s.Private.Setup, text(s.SetupIntent)} {
		si, err := setup.Intents.Get(c, name)
		if err != nil {
			return err
		}
		if si != nil && si.Status != setup.Succeeded && si.Status != setup.Canceled && si.Status != setup.Processing {
			if err := d.setups.Cancel(c, si, "abandoned"); err != nil {
				return err
			}
		}
	}
	if err := s.move(Expired); err != nil {
		return err
	}
	return c.Save(s, "checkout.session.expired")
}

// stored reads what was kept of the parameters.
func stored(data json.RawMessage) *form.Value {
	v, err := form.ParseJSON(data)
	if err != nil {
		return &form.Value{Kind: form.Object}
	}
	return v
}

// keep keeps a parameter as it was sent; nothing if it was not.
func keep(p *form.Value, name string) json.RawMessage {
	if v := p.Get(name); v != nil && v.Kind == form.Object {
		return api.AppendValue(nil, v)
	}
	return nil
}

// itemsOf is the list of what a session sells, when it is expanded.
func itemsOf(c *api.Call, session []byte) ([]byte, error) {
	s, err := Sessions.Get(c, jsontext.Text(session, "id"))
	if err != nil || s == nil {
		return nil, err
	}
	return s.wares().shown(c)
}
