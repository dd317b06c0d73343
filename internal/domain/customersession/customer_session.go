// Package customersession lets parts of a page that Stripe.js draws, and the payment sheets of phones, know a customer for half an hour.
//
// Known from: the spec; facts 11g.
package customersession

import (
	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
)

// A CustomerSession says which components may show a customer's own things, and what they may do with them. It has no id: whoever has its client
// secret has it, until it expires.
type CustomerSession struct {
	api.Meta        `json:"-"`
	Object          string     `json:"object"`
	ClientSecret    string     `json:"client_secret"`
	Components      components `json:"components"`
	Created         int64      `json:"created"`
	Customer        string     `json:"customer"`
	CustomerAccount *string    `json:"customer_account"`
	ExpiresAt       int64      `json:"expires_at"` // Unix seconds
	Livemode        bool       `json:"livemode"`
}

// components are the parts of a page; those that were not asked for are there and off.
type components struct {
	ActiveEntitlements   enabled       `json:"active_entitlements"`
	BuyButton            enabled       `json:"buy_button"`
	CustomerPortal       enabled       `json:"customer_portal"`
	CustomerSheet        customerSheet `json:"customer_sheet"`
	MobilePaymentElement mobile        `json:"mobile_payment_element"`
	PaymentElement       element       `json:"payment_element"`
	PricingTable         enabled       `json:"pricing_table"`
}

type enabled struct {
	Enabled bool `json:"enabled"`
}

type customerSheet struct {
	Enabled  bool           `json:"enabled"`
	Features *sheetFeatures `json:"features"`
}

type sheetFeatures struct {
	AllowRedisplayFilters []string `json:"payment_method_allow_redisplay_filters" nil:"null"`
	Remove                *string  `json:"payment_method_remove"`
}

type mobile struct {
	Enabled  bool            `json:"enabled"`
	Features *mobileFeatures `json:"features"`
}

type mobileFeatures struct {
	AllowRedisplayFilters      []string `json:"payment_method_allow_redisplay_filters" nil:"null"`
	Redisplay                  *string  `json:"payment_method_redisplay"`
	Remove                     *string  `json:"payment_method_remove"`
	Save                       *string  `json:"payment_method_save"`
	SaveAllowRedisplayOverride *string  `json:"payment_method_save_allow_redisplay_override"`
}

type element struct {
	Enabled  bool             `json:"enabled"`
	Features *elementFeatures `json:"features"`
}

type elementFeatures struct {
	AllowRedisplayFilters []string `json:"payment_method_allow_redisplay_filters"`
	Redisplay             string   `json:"payment_method_redisplay"`
	RedisplayLimit        *int64   `json:"payment_method_redisplay_limit"`
	Remove                string   `json:"payment_method_remove"`
	Save                  string   `json:"payment_method_save"`
	SaveUsage             *string  `json:"payment_method_save_usage"`
}

// life is how long a session is good, in seconds. Known from: facts 11g.
const life = 30 * 60

// Sessions is the kind of customer sessions. A document's id is the session's client secret.
var Sessions = &api.Kind[CustomerSession]{Name: "customer_session"}

// A Domain is the customer sessions of all accounts.
type Domain struct{}

// New makes the domain.
func New() *Domain { return &Domain{} }

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Sessions)
	r.Handle("POST /v1/customer_sessions", d.create)
}

func (d *Domain) create(c *api.Call) (any, error) {
	if c.P.Given("customer_account") {
		return nil, fault.ParamNotBuilt("customer_account")
	}
	who := c.P.Str("customer")
	if who == "" {
		return nil, fault.Missing("customer")
	}
	cus, err := customer.Customers.Find(c, who, "customer")
	if err != nil {
		return nil, err
	}
	wanted := c.P.Get("components")
	if !anyEnabled(wanted) {
		return nil, fault.NoComponent()
	}

	secret := "cuss_secret_" + id.Secret(43)
	s := Sessions.New(c, secret)
	s.Object, s.ClientSecret, s.Customer = "customer_session", secret, cus.ID
	s.Created, s.ExpiresAt, s.Livemode = c.Now(), c.Now()+life, c.Live()
	if err := s.enable(wanted); err != nil {
		return nil, err
	}
	return s, c.Save(s)
}

func anyEnabled(components *form.Value) bool {
	for _, f := range components.Fields {
		if f.Value.True("enabled") {
			return true
		}
	}
	return false
}

// enable sets what was asked for. Known from: the defaults that the spec documents. unverified: that features are null where a component is off.
func (s *CustomerSession) enable(wanted *form.Value) error {
	disabled := "disabled"
	if wanted.At("customer_sheet").True("enabled") {
		s.Components.CustomerSheet.Features = &sheetFeatures{AllowRedisplayFilters: []string{"always"}, Remove: &disabled}
	}
	if wanted.At("mobile_payment_element").True("enabled") {
		s.Components.MobilePaymentElement.Features = &mobileFeatures{
			AllowRedisplayFilters: []string{"always"}, Redisplay: &disabled, Remove: &disabled, Save: &disabled,
		}
	}
	if wanted.At("payment_element").True("enabled") {
		limit := int64(3)
		s.Components.PaymentElement.Features = &elementFeatures{
			AllowRedisplayFilters: []string{"always"}, Redisplay: disabled, RedisplayLimit: &limit, Remove: disabled, Save: disabled,
		}
	}
	return api.Bind(&s.Components, wanted)
}
