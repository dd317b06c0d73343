package catalog

import (
	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// A ShippingRate is what a merchant asks for sending something: an amount, with a name, and how long it takes. What it costs never changes, but for other
// currencies; one that is no longer used is archived, and none is ever deleted. No event tells of it. Known from: the spec, and the object of Stripe's
// reference.
type ShippingRate struct {
	api.Meta
	Active           bool              `json:"active"`
	Created          int64             `json:"created"` // Unix seconds
	DeliveryEstimate *DeliveryEstimate `json:"delivery_estimate"`
	DisplayName      string            `json:"display_name"`
	FixedAmount      FixedAmount       `json:"fixed_amount"`
	Livemode         bool              `json:"livemode"`
	Metadata         map[string]string `json:"metadata"`
	TaxBehavior      string            `json:"tax_behavior"` // exclusive, inclusive or unspecified
	TaxCode          *string           `json:"tax_code"`
	Type             string            `json:"type"` // fixed_amount

	Private struct {
		Options map[string]ShippingOption `json:"options,omitempty"` // what it costs in other currencies
	} `json:"-"`
}

// A DeliveryEstimate is how long it takes; a bound that is missing is none.
type DeliveryEstimate struct {
	Maximum *DeliveryBound `json:"maximum"`
	Minimum *DeliveryBound `json:"minimum"`
}

// A DeliveryBound is a length of time.
type DeliveryBound struct {
	Unit  string `json:"unit"` // hour, day, business_day, week or month
	Value int64  `json:"value"`
}

// A FixedAmount is what shipping costs, whatever is sent.
type FixedAmount struct {
	Amount   int64  `json:"amount"` // minor units
	Currency string `json:"currency"`
}

// A ShippingOption is what shipping costs in one currency.
type ShippingOption struct {
	Amount      int64  `json:"amount"` // minor units
	TaxBehavior string `json:"tax_behavior"`
}

// ShippingRates is the kind of shipping rates.
var ShippingRates = &api.Kind[ShippingRate]{
	Name: "shipping_rate", Prefixes: []string{"shr"}, Word: "shipping rate", Param: "shipping_rate_token", Index: []string{"active"},
	Filters: map[string]string{"currency": "fixed_amount.currency"},
}

func (d *Domain) shippingRateRoutes(r *api.Router) {
	r.Kind(ShippingRates)
	r.Include("shipping_rate", "fixed_amount.currency_options", showShippingOptions)
	r.Handle("POST /v1/shipping_rates", d.createShippingRate)
	r.Plain("GET /v1/shipping_rates", ShippingRates.List)
	r.Plain("GET /v1/shipping_rates/{shipping_rate_token}", ShippingRates.Retrieve)
	r.Plain("POST /v1/shipping_rates/{shipping_rate_token}", d.updateShippingRate)
}

func (d *Domain) createShippingRate(c *api.Call) (any, error) {
	if err := checkShippingRate(c.P); err != nil {
		return nil, err
	}

	s := ShippingRates.New(c, c.NewID("shr"))
	s.Active, s.Created, s.Livemode, s.TaxBehavior, s.Type = true, c.Now(), c.Live(), "unspecified", "fixed_amount"
	if err := c.Params(s); err != nil {
		return nil, err
	}
	s.addOptions(c.P.At("fixed_amount"))
	return s, c.Save(s)
}

// checkShippingRate refuses what cannot be a shipping rate. unverified: Stripe's words.
func checkShippingRate(p *form.Value) error {
	if !p.Given("fixed_amount") {
		return fault.Missing("fixed_amount")
	}
	cost := p.At("fixed_amount")
	if cost.Num("amount") < 0 {
		return fault.Negative("fixed_amount[amount]")
	}
	if code := p.Str("tax_code"); code != "" && !taxCode.MatchString(code) {
		return fault.NoSuch("tax code", code, "tax_code", 400)
	}
	if err := checkEstimate(p.At("delivery_estimate")); err != nil {
		return err
	}
	return checkShippingOptions(cost, cost.Str("currency"), nil)
}

// checkEstimate refuses a time that is none, or that is over before it begins.
func checkEstimate(p *form.Value) error {
	for _, name := range []string{"maximum", "minimum"} {
		if p.Given(name) && p.At(name).Num("value") < 1 {
			return fault.BelowMinimum("delivery_estimate["+name+"][value]", 1)
		}
	}
	least, most := p.At("minimum"), p.At("maximum")
	if least.Str("unit") == most.Str("unit") && p.Given("maximum") && most.Num("value") < least.Num("value") {
		return fault.EstimateBackwards()
	}
	return nil
}

// checkShippingOptions refuses what cannot be a cost in other currencies, of which some may be known already.
func checkShippingOptions(cost *form.Value, currency string, known map[string]ShippingOption) error {
	options := cost.Get("currency_options")
	if options == nil {
		return nil
	}
	for _, o := range options.Fields {
		at := "fixed_amount[currency_options][" + o.Name + "]"
		_, old := known[o.Name]
		switch {
		case o.Name == currency:
			return fault.OwnCurrencyOption(at)
		case !old && !o.Value.Given("amount"):
			return fault.Missing(at + "[amount]")
		case o.Value.Num("amount") < 0:
			return fault.Negative(at + "[amount]")
		}
	}
	return nil
}

// addOptions reads what shipping costs in other currencies. What is sent in part keeps the rest.
func (s *ShippingRate) addOptions(cost *form.Value) {
	options := cost.Get("currency_options")
	if options == nil {
		return
	}
	for _, f := range options.Fields {
		if s.Private.Options == nil {
			s.Private.Options = map[string]ShippingOption{}
		}
		o, known := s.Private.Options[f.Name]
		if !known {
			o.TaxBehavior = "unspecified"
		}
		if f.Value.Given("amount") {
			o.Amount = f.Value.Num("amount")
		}
		if f.Value.Given("tax_behavior") {
			o.TaxBehavior = f.Value.Str("tax_behavior")
		}
		s.Private.Options[f.Name] = o
	}
}

func (d *Domain) updateShippingRate(c *api.Call) (any, error) {
	s, err := ShippingRates.InPath(c, "shipping_rate_token")
	if err != nil {
		return nil, err
	}
	if err := checkShippingOptions(c.P.At("fixed_amount"), s.FixedAmount.Currency, s.Private.Options); err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(s, "active", "metadata", "tax_behavior"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(s.Metadata); err != nil {
		return nil, err
	}
	s.addOptions(c.P.At("fixed_amount"))
	return s, c.Save(s)
}

// showShippingOptions is what shipping costs in each currency, its own included, when that is expanded. unverified: its own.
func showShippingOptions(c *api.Call, body []byte) ([]byte, error) {
	s, err := ShippingRates.Get(c, jsontext.Text(body, "id"))
	if err != nil || s == nil {
		return nil, err
	}
	own, _ := s.In(s.FixedAmount.Currency)
	options := map[string]ShippingOption{s.FixedAmount.Currency: own}
	for currency, o := range s.Private.Options {
		options[currency] = o
	}
	return jsontext.Append(nil, &options), nil
}

// In is what shipping costs in a currency, in minor units; ok says whether it can be paid in it.
func (s *ShippingRate) In(currency string) (o ShippingOption, ok bool) {
	if currency == s.FixedAmount.Currency {
		return ShippingOption{s.FixedAmount.Amount, s.TaxBehavior}, true
	}
	o, ok = s.Private.Options[currency]
	return o, ok
}
