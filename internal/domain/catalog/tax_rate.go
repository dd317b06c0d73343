package catalog

import (
	"regexp"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
)

// A TaxRate is a percentage that a merchant adds to what he sells, or that is in his prices already. What it takes never changes; one that is no
// longer used is archived, and none is ever deleted. Known from: the spec.
type TaxRate struct {
	api.Meta
	Active              bool              `json:"active"`
	Country             *string           `json:"country"`
	Created             int64             `json:"created"` // Unix seconds
	Description         *string           `json:"description"`
	DisplayName         string            `json:"display_name"`
	EffectivePercentage *float64          `json:"effective_percentage"`
	FlatAmount          *FlatAmount       `json:"flat_amount"` // only of rates that Stripe Tax makes
	Inclusive           bool              `json:"inclusive"`
	Jurisdiction        *string           `json:"jurisdiction"`
	JurisdictionLevel   *string           `json:"jurisdiction_level"` // only of rates that Stripe Tax makes
	Livemode            bool              `json:"livemode"`
	Metadata            map[string]string `json:"metadata"`
	Percentage          float64           `json:"percentage"` // of 100
	RateType            *string           `json:"rate_type"`  // percentage
	State               *string           `json:"state"`
	TaxType             *string           `json:"tax_type"`
}

// A FlatAmount is a tax that is no percentage.
type FlatAmount struct {
	Amount   int64  `json:"amount"` // minor units
	Currency string `json:"currency"`
}

// TaxRates is the kind of tax rates.
var TaxRates = &api.Kind[TaxRate]{
	Name: "tax_rate", Prefixes: []string{"txr"}, Word: "tax rate", Param: "tax_rate", Index: []string{"active", "inclusive"},
}

func (d *Domain) taxRateRoutes(r *api.Router) {
	r.Kind(TaxRates)
	r.Handle("POST /v1/tax_rates", d.createTaxRate)
	r.Plain("GET /v1/tax_rates/{tax_rate}", TaxRates.Retrieve)
	r.Plain("POST /v1/tax_rates/{tax_rate}", d.updateTaxRate)
	r.Plain("GET /v1/tax_rates", TaxRates.List)
}

func (d *Domain) createTaxRate(c *api.Call) (any, error) {
	if err := checkTaxRate(c.P); err != nil {
		return nil, err
	}

	kind := "percentage"
	t := TaxRates.New(c, c.NewID("txr"))
	t.Active, t.Created, t.Livemode, t.RateType = true, c.Now(), c.Live(), &kind
	if err := c.Params(t); err != nil {
		return nil, err
	}
	return t, c.Save(t, "tax_rate.created")
}

// checkTaxRate refuses what cannot be a tax rate. unverified: Stripe's words.
func checkTaxRate(p *form.Value) error {
	if err := checkTaxPlace(p); err != nil {
		return err
	}
	if !p.Given("percentage") {
		return nil
	}
	got := p.Str("percentage")
	switch v := rat(got); {
	case v.Sign() < 0 || v.Cmp(hundred) > 0:
		return fault.TaxPercentage(got)
	case !v.Mul(v, tenThousand).IsInt():
		return fault.TaxPercentagePlaces(got)
	}
	return nil
}

// checkTaxPlace refuses a country that is not written as one. unverified: whether Stripe knows all countries, and their states.
func checkTaxPlace(p *form.Value) error {
	if country := p.Str("country"); country != "" && !country2.MatchString(country) {
		return fault.TaxCountry(country)
	}
	return nil
}

var country2 = regexp.MustCompile(`^[A-Z]{2}$`)

func (d *Domain) updateTaxRate(c *api.Call) (any, error) {
	t, err := TaxRates.InPath(c, "tax_rate")
	if err != nil {
		return nil, err
	}
	if err := checkTaxPlace(c.P); err != nil {
		return nil, err
	}

	if err := c.Params(t); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(t.Metadata); err != nil {
		return nil, err
	}
	return t, c.Save(t, "tax_rate.updated")
}
