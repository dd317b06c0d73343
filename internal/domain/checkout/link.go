package checkout

import (
	"encoding/json"
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/billing"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/store"
)

// A Link is a checkout that anybody may begin who has its URL: each time that somebody opens it, he gets a session of his own. It lives until the merchant
// makes it inactive, or as many sessions have been completed as it may have.
//
// Known from: the spec. unverified: what its page says when it is not active; the shape of its URL beyond the prefix.
type Link struct {
	api.Meta
	Active                    bool              `json:"active"`
	AfterCompletion           AfterCompletion   `json:"after_completion"`
	AllowPromotionCodes       bool              `json:"allow_promotion_codes"`
	Application               *string           `json:"application"`
	ApplicationFeeAmount      *int64            `json:"application_fee_amount"`
	ApplicationFeePercent     *float64          `json:"application_fee_percent"`
	AutomaticTax              LinkTax           `json:"automatic_tax"`
	BillingAddressCollection  string            `json:"billing_address_collection"` // auto or required
	ConsentCollection         json.RawMessage   `json:"consent_collection"`
	Currency                  string            `json:"currency"`
	CustomFields              []CustomField     `json:"custom_fields"`
	CustomText                CustomText        `json:"custom_text"`
	CustomerCreation          string            `json:"customer_creation"` // always or if_required
	InactiveMessage           *string           `json:"inactive_message"`
	InvoiceCreation           *InvoiceCreation  `json:"invoice_creation"`
	Livemode                  bool              `json:"livemode"`
	ManagedPayments           *Enabled          `json:"managed_payments"`
	Metadata                  map[string]string `json:"metadata"`
	OnBehalfOf                *string           `json:"on_behalf_of"`
	OptionalItems             json.RawMessage   `json:"optional_items"`
	PaymentIntentData         *LinkPayment      `json:"payment_intent_data"`
	PaymentMethodCollection   string            `json:"payment_method_collection"` // always or if_required
	PaymentMethodTypes        []string          `json:"payment_method_types" nil:"null"`
	PhoneNumberCollection     Enabled           `json:"phone_number_collection"`
	Restrictions              *Restrictions     `json:"restrictions"`
	ShippingAddressCollection json.RawMessage   `json:"shipping_address_collection"`
	ShippingOptions           []json.RawMessage `json:"shipping_options"`
	SubmitType                string            `json:"submit_type"`
	SubscriptionData          *LinkSubscription `json:"subscription_data"`
	TaxIDCollection           TaxIDCollection   `json:"tax_id_collection"`
	TransferData              json.RawMessage   `json:"transfer_data"`
	URL                       string            `json:"url"`

	Private struct {
		Items []Item `json:"items,omitempty"`
		Mode  string `json:"mode,omitempty"`
		// Asked is what its sessions are made with, as it was sent.
		Asked json.RawMessage `json:"asked,omitempty"`
	} `json:"-"`
}

// AfterCompletion is where the customer goes when he has paid: to a page of ours, or elsewhere.
type AfterCompletion struct {
	HostedConfirmation *Confirmation `json:"hosted_confirmation,omitempty"`
	Redirect           *Redirect     `json:"redirect,omitempty"`
	Type               string        `json:"type"` // hosted_confirmation or redirect
}

// Confirmation is what that page says.
type Confirmation struct {
	CustomMessage *string `json:"custom_message"`
}

// Redirect is where else he goes.
type Redirect struct {
	URL string `json:"url"`
}

// LinkTax says whether taxes are computed by Stripe Tax, which Florin does not have yet.
type LinkTax struct {
	Enabled   bool            `json:"enabled"`
	Liability json.RawMessage `json:"liability"`
}

// LinkPayment are what the payment intents of a link's sessions are made with.
type LinkPayment struct {
	CaptureMethod             *string           `json:"capture_method"`
	Description               *string           `json:"description"`
	Metadata                  map[string]string `json:"metadata"`
	SetupFutureUsage          *string           `json:"setup_future_usage"`
	StatementDescriptor       *string           `json:"statement_descriptor"`
	StatementDescriptorSuffix *string           `json:"statement_descriptor_suffix"`
	TransferGroup             *string           `json:"transfer_group"`
}

// LinkSubscription are what the subscriptions are made with.
type LinkSubscription struct {
	Description     *string           `json:"description"`
	InvoiceSettings LinkInvoices      `json:"invoice_settings"`
	Metadata        map[string]string `json:"metadata"`
	TrialPeriodDays *int64            `json:"trial_period_days"`
	TrialSettings   json.RawMessage   `json:"trial_settings"`
}

// LinkInvoices are what their invoices begin with.
type LinkInvoices struct {
	Issuer LinkIssuer `json:"issuer"`
}

// LinkIssuer is who issues them.
type LinkIssuer struct {
	Type string `json:"type"`
}

// Restrictions say how often a link may be used.
type Restrictions struct {
	CompletedSessions struct {
		Count int64 `json:"count"`
		Limit int64 `json:"limit"`
	} `json:"completed_sessions"`
}

// Links is the kind of links.
var Links = &api.Kind[Link]{Name: "payment_link", Prefixes: []string{"plink"}, Param: "payment_link"}

func (d *Domain) linkRoutes(r *api.Router) {
	r.Kind(Links)
	r.Include("payment_link", "line_items", itemsOfLink)
	r.Handle("POST /v1/payment_links", d.createLink)
	r.Plain("GET /v1/payment_links", Links.List)
	r.Plain("GET /v1/payment_links/{payment_link}", Links.Retrieve)
	r.Handle("POST /v1/payment_links/{payment_link}", d.updateLink)
	r.Handle("GET /v1/payment_links/{payment_link}/line_items", listItemsOfLink)
}

// linkNotBuilt are parameters of links that are refused by name.
var linkNotBuilt = []string{
	"application_fee_amount", "application_fee_percent", "consent_collection", "name_collection", "on_behalf_of", "optional_items",
	"payment_method_options", "shipping_options", "transfer_data",
}

// asked are those that the link's sessions are made with.
var asked = []string{
	"allow_promotion_codes", "billing_address_collection", "currency", "custom_fields", "custom_text", "customer_creation", "payment_intent_data",
	"payment_method_collection", "payment_method_types", "phone_number_collection", "shipping_address_collection", "submit_type", "subscription_data",
	"tax_id_collection",
}

func (d *Domain) createLink(c *api.Call) (any, error) {
	if err := checkLink(c.P); err != nil {
		return nil, err
	}
	l := Links.New(c, c.NewID("plink"))
	l.Active, l.Livemode, l.Metadata = true, c.Live(), map[string]string{}
	l.AfterCompletion = AfterCompletion{HostedConfirmation: &Confirmation{}, Type: "hosted_confirmation"}
	l.BillingAddressCollection, l.SubmitType, l.TaxIDCollection.Required = "auto", "auto", "never"
	l.CustomFields, l.ShippingOptions = []CustomField{}, []json.RawMessage{}
	if platform := account.Platform(c); platform != nil {
		l.Application = opt(platform.Application())
	}
	if err := l.sell(c); err != nil {
		return nil, err
	}
	if err := d.takeLink(c, l); err != nil {
		return nil, err
	}
	code := "test_" + id.Secret(24)
	if c.Live() {
		code = id.Secret(24)
	}
	l.URL = c.Base() + "/b/" + code
	at := places.NewAt(c, store.System, placeID(code), c.Now())
	at.Scope, at.Link = int64(c.Scope), l.ID
	if err := c.Save(at); err != nil {
		return nil, err
	}
	return l, c.Save(l, "payment_link.created")
}

// checkLink refuses what no link can do.
func checkLink(p *form.Value) error {
	for _, name := range linkNotBuilt {
		if p.Given(name) {
			return fault.ParamNotBuilt(name)
		}
	}
	for _, name := range switches {
		if p.Get(name).True("enabled") {
			return fault.ParamNotBuilt(name + "[enabled]")
		}
	}
	switch after := p.Get("after_completion"); {
	case after.Str("type") == "redirect" && after.At("redirect").Str("url") == "":
		return fault.Missing("after_completion[redirect][url]")
	case after.Str("type") == "redirect" && !isURL(after.At("redirect").Str("url")):
		return fault.SessionURL("after_completion[redirect][url]")
	}
	if limit := p.At("restrictions", "completed_sessions"); limit.Given("limit") && limit.Num("limit") < 1 {
		return fault.BelowMinimum("restrictions[completed_sessions][limit]", 1)
	}
	return nil
}

// sell reads what is for sale, which says whether it is a payment or a subscription.
func (l *Link) sell(c *api.Call) error {
	s := &Session{Mode: modeSubscription, Currency: opt(c.P.Str("currency"))}
	l.Private.Mode = modePayment
	list := c.P.Get("line_items")
	if list == nil || len(list.Items) == 0 {
		return fault.Missing("line_items")
	}
	for i, p := range list.Items {
		price, err := s.takeItem(c, p, "line_items["+strconv.Itoa(i)+"]")
		if err != nil {
			return err
		}
		if price.Recurring != nil {
			l.Private.Mode = modeSubscription
		}
	}
	l.Currency, l.Private.Items = *s.Currency, s.Private.Items
	sales, err := s.sales(c)
	if err != nil {
		return err
	}
	sums, err := billing.SumUp(c, sales, billing.SaleTerms{Currency: l.Currency})
	for i := range sums {
		it := &l.Private.Items[i]
		it.Subtotal, it.Tax, it.Total = sums[i].Subtotal, sums[i].Tax, sums[i].Total
	}
	return err
}

// takeLink applies the parameters that creating and changing a link have in common. What its sessions could not be made with is refused.
func (d *Domain) takeLink(c *api.Call, l *Link) error {
	p := c.P
	if err := c.ParamsOnly(l, "active", "allow_promotion_codes", "billing_address_collection", "custom_text", "inactive_message", "metadata", "payment_method_types",
		"phone_number_collection", "restrictions", "shipping_address_collection", "submit_type", "tax_id_collection"); err != nil {
		return err
	}
	if err := api.MetadataLimit(l.Metadata); err != nil {
		return err
	}
	if after := p.Get("after_completion"); after != nil {
		l.AfterCompletion = AfterCompletion{Type: after.Str("type")}
		if l.AfterCompletion.Type == "redirect" {
			l.AfterCompletion.Redirect = &Redirect{after.At("redirect").Str("url")}
		} else {
			l.AfterCompletion.HostedConfirmation = &Confirmation{opt(after.At("hosted_confirmation").Str("custom_message"))}
		}
	}
	of := stored(l.Private.Asked)
	for _, name := range asked {
		if v := p.Get(name); v != nil {
			of.Set(name, v)
		}
	}
	of.Fields = slices.DeleteFunc(of.Fields, func(f form.Field) bool { return f.Value.Kind == form.Unset })
	l.Private.Asked = api.AppendValue(nil, of)
	if err := l.showAsked(of); err != nil {
		return err
	}
	s, err := d.ofLink(c, l, "")
	if err == nil {
		l.CustomFields = s.CustomFields
	}
	return err
}

// showAsked shows what sessions are made with.
func (l *Link) showAsked(of *form.Value) error {
	l.PaymentMethodCollection, l.CustomerCreation = "always", "always"
	l.PaymentIntentData, l.SubscriptionData, l.InvoiceCreation = nil, nil, nil
	if l.Private.Mode == modePayment {
		l.PaymentMethodCollection, l.CustomerCreation = "if_required", "if_required"
		l.InvoiceCreation = &InvoiceCreation{InvoiceData: InvoiceData{Metadata: map[string]string{}}}
	}
	if s := of.Str("payment_method_collection"); s != "" {
		l.PaymentMethodCollection = s
	}
	if s := of.Str("customer_creation"); s != "" {
		l.CustomerCreation = s
	}
	if data := of.Get("payment_intent_data"); data != nil {
		l.PaymentIntentData = &LinkPayment{Metadata: map[string]string{}}
		if err := api.Bind(l.PaymentIntentData, data); err != nil {
			return err
		}
	}
	data := of.Get("subscription_data")
	if data == nil && l.Private.Mode == modePayment {
		return nil
	}
	l.SubscriptionData = &LinkSubscription{InvoiceSettings: LinkInvoices{LinkIssuer{"self"}}, Metadata: map[string]string{}}
	return api.Bind(l.SubscriptionData, data)
}

// updateLink changes a link. What it sells stays as it is. Sessions that are open already stay as they are.
func (d *Domain) updateLink(c *api.Call) (any, error) {
	l, err := Links.InPath(c, "payment_link")
	if err != nil {
		return nil, err
	}
	if c.P.Given("line_items") {
		return nil, fault.ParamNotBuilt("line_items")
	}
	if err := checkLink(c.P); err != nil {
		return nil, err
	}
	if err := d.takeLink(c, l); err != nil {
		return nil, err
	}
	return l, c.Save(l, "payment_link.updated")
}

// ofLink makes a session of a link, for its caller to open.
func (d *Domain) ofLink(c *api.Call, l *Link, reference string) (s *Session, err error) {
	raw := stored(l.Private.Asked)
	raw.Set("mode", word(l.Private.Mode))
	put(raw, "client_reference_id", reference)
	metadata := object()
	for k, v := range l.Metadata {
		metadata.Set(k, word(v))
	}
	raw.Set("metadata", metadata)
	if to := l.AfterCompletion.Redirect; to != nil {
		raw.Set("success_url", word(to.URL))
	}
	p, err := checked("POST /v1/checkout/sessions", raw, "")
	if err != nil {
		return nil, err
	}
	err = c.Asking(p, func() error {
		s, err = d.make(c, l)
		return err
	})
	return s, err
}

// FindLink finds where a link is that a URL names, in a call of the system's scope; ok is false if there is none.
func FindLink(c *api.Call, code string) (scope store.Scope, link string, ok bool, err error) {
	p, err := places.GetAt(c, store.System, placeID(code))
	if err != nil || p == nil || p.Link == "" {
		return 0, "", false, err
	}
	return store.Scope(p.Scope), p.Link, true, nil
}

// Follow gives who has opened a link a session of his own; nil if the link is not active.
func (d *Domain) Follow(c *api.Call, link, reference string) (*Session, *Link, error) {
	l, err := Links.Get(c, link)
	if err != nil || l == nil || !l.Active {
		return nil, l, err
	}
	s, err := d.ofLink(c, l, reference)
	if err != nil {
		return nil, l, err
	}
	return s, l, d.open(c, s)
}

// countLink counts a session that is complete, and ends its link when there may be no more. unverified: that the link is told of.
func countLink(c *api.Call, link string) error {
	l, err := Links.Get(c, link)
	if err != nil || l == nil || l.Restrictions == nil {
		return err
	}
	l.Restrictions.CompletedSessions.Count++
	if l.Active && l.Restrictions.CompletedSessions.Count >= l.Restrictions.CompletedSessions.Limit {
		l.Active = false
	}
	return c.Save(l, "payment_link.updated")
}

func (l *Link) wares() wares {
	return wares{l.Private.Items, l.Currency, "/v1/payment_links/" + l.ID + "/line_items"}
}

// itemsOfLink is the list of what a link sells, when it is expanded.
func itemsOfLink(c *api.Call, link []byte) ([]byte, error) {
	l, err := Links.Get(c, jsontext.Text(link, "id"))
	if err != nil || l == nil {
		return nil, err
	}
	return l.wares().shown(c)
}

func listItemsOfLink(c *api.Call) (any, error) {
	l, err := Links.InPath(c, "payment_link")
	if err != nil {
		return nil, err
	}
	return l.wares().list(c)
}
