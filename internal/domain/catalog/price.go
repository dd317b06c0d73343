package catalog

import (
	"slices"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// A Price is what one product costs: once, or for each period of a subscription. What is paid never changes, so that whoever has subscribed keeps
// it; a price that is no longer offered is archived. A recurring one is also shown as a plan, which is what prices were before there were prices
// (plan.go). Known from: the spec, facts 05 (5a), 08 (8m), 15 (15a, 15n).
type Price struct {
	api.Meta
	Active            bool               `json:"active"`
	BillingScheme     string             `json:"billing_scheme"` // per_unit or tiered
	Created           int64              `json:"created"`        // Unix seconds
	Currency          string             `json:"currency"`
	CustomUnitAmount  *CustomUnitAmount  `json:"custom_unit_amount"`
	Livemode          bool               `json:"livemode"`
	LookupKey         *string            `json:"lookup_key"`
	Metadata          map[string]string  `json:"metadata"`
	Nickname          *string            `json:"nickname"`
	Product           string             `json:"product"`
	Recurring         *Recurring         `json:"recurring"`
	TaxBehavior       *string            `json:"tax_behavior"` // inclusive, exclusive or unspecified
	TiersMode         *string            `json:"tiers_mode"`   // graduated or volume
	TransformQuantity *TransformQuantity `json:"transform_quantity"`
	Type              string             `json:"type"`                // one_time or recurring
	UnitAmount        *int64             `json:"unit_amount"`         // minor units; nil if they are not whole
	UnitAmountDecimal *string            `json:"unit_amount_decimal"` // minor units

	Private struct {
		Tiers   []Tier            `json:"tiers,omitempty"`
		Options map[string]Option `json:"options,omitempty"` // by currency, but for the price's own
		Hidden  bool              `json:"hidden,omitempty"`  // made inside of another object
	} `json:"-"`
}

// A Recurring is how often a price is paid.
type Recurring struct {
	Interval        string  `json:"interval"` // day, week, month or year
	IntervalCount   int64   `json:"interval_count"`
	Meter           *string `json:"meter"`
	TrialPeriodDays *int64  `json:"trial_period_days"` // only of plans
	UsageType       string  `json:"usage_type"`        // licensed or metered
}

// A TransformQuantity makes packages of a quantity before it is multiplied.
type TransformQuantity struct {
	DivideBy int64  `json:"divide_by"`
	Round    string `json:"round"` // up or down
}

// A CustomUnitAmount lets the customer choose what he pays.
type CustomUnitAmount struct {
	Maximum *int64 `json:"maximum"`
	Minimum *int64 `json:"minimum"`
	Preset  *int64 `json:"preset"`
}

// A Tier is what units cost up to a quantity, and what is paid for reaching it.
type Tier struct {
	FlatAmount        *int64  `json:"flat_amount"`
	FlatAmountDecimal *string `json:"flat_amount_decimal"`
	UnitAmount        *int64  `json:"unit_amount"`
	UnitAmountDecimal *string `json:"unit_amount_decimal"`
	UpTo              *int64  `json:"up_to"` // nil in the last
}

// An Option is what a price is in another currency.
type Option struct {
	CustomUnitAmount  *CustomUnitAmount `json:"custom_unit_amount"`
	TaxBehavior       *string           `json:"tax_behavior"`
	Tiers             []Tier            `json:"tiers,omitempty"`
	UnitAmount        *int64            `json:"unit_amount"`
	UnitAmountDecimal *string           `json:"unit_amount_decimal"`
}

// Prices is the kind of prices, which plans are, too. The merchant may choose the ids of plans.
var Prices = &api.Kind[Price]{
	Name: "price", Prefixes: []string{"price", "plan"}, Chosen: true, Param: "price",
	Index: []string{"lookup_key", "metadata", "product", "type"},
}

func (d *Domain) priceRoutes(r *api.Router) {
	r.Kind(Prices)
	r.Kind(lookupKeys)
	r.Include("price", "tiers", showTiers)
	r.Include("price", "currency_options", showOptions)
	r.Handle("POST /v1/prices", d.createPrice)
	r.Plain("GET /v1/prices/{price}", Prices.Retrieve)
	r.Handle("POST /v1/prices/{price}", d.updatePrice)
	r.Handle("GET /v1/prices", d.listPrices)
	r.Handle("GET /v1/prices/search", Prices.Search("prices"))
}

func (d *Domain) createPrice(c *api.Call) (any, error) {
	if err := checkProductOf(c, c.P, top); err != nil {
		return nil, err
	}
	if err := checkPrice(c, c.P, top); err != nil {
		return nil, err
	}
	holder, err := keyIsFree(c, c.P.Str("lookup_key"), "")
	if err != nil {
		return nil, err
	}

	product, err := productOf(c, c.P, true)
	if err != nil {
		return nil, err
	}
	p, err := newPrice(c, c.NewID("price"), product, c.P)
	if err != nil {
		return nil, err
	}
	if err := takeKey(c, p, holder); err != nil {
		return nil, err
	}
	return p, createdPrice(c, p)
}

// checkProductOf refuses a price without a product, with two, or with one that there is not.
func checkProductOf(c *api.Call, data *form.Value, at named) error {
	switch {
	case data.Given("product") && data.Given("product_data"):
		return fault.OnlyOne(at("product"), at("product_data"))
	case data.Given("product_data"):
		return checkProduct(c, data.Get("product_data"), at("product_data"))
	case !data.Given("product"):
		return fault.PriceWithoutProduct()
	}
	_, err := Products.Find(c, data.Str("product"), at("product"))
	return err
}

// productOf is the product of a new price: the one that is named, or a new one. If that is not the merchant's to sell, it is not active, and nothing
// is told of it.
func productOf(c *api.Call, data *form.Value, sold bool) (string, error) {
	if data.Given("product") {
		return data.Str("product"), nil
	}
	p := newProduct(c, data.Get("product_data"))
	if err := bindProduct(p, data.Get("product_data")); err != nil {
		return "", err
	}
	if !sold {
		p.Active = false
		return p.ID, c.Save(p)
	}
	return p.ID, c.Save(p, "product.created")
}

// newPrice makes a price of what has been checked.
func newPrice(c *api.Call, id, product string, data *form.Value) (*Price, error) {
	unspecified := "unspecified"
	p := Prices.New(c, id)
	p.Active, p.Created, p.Livemode, p.BillingScheme, p.Type = true, c.Now(), c.Live(), "per_unit", "one_time"
	p.TaxBehavior = &unspecified
	if data.Given("recurring") {
		p.Type, p.Recurring = "recurring", &Recurring{IntervalCount: 1, UsageType: "licensed"}
	}
	if err := api.Bind(p, without(data, "custom_unit_amount", "lookup_key", "product")); err != nil {
		return nil, err
	}
	p.Product = product
	p.UnitAmount, p.UnitAmountDecimal = amountsOf(data, "unit_amount")
	p.CustomUnitAmount = customOf(data)
	p.Private.Tiers = tiersOf(data)
	p.addOptions(data)
	return p, api.MetadataLimit(p.Metadata)
}

// createdPrice saves a new price and tells of it; a recurring one is a plan, too, of which is told first. Known from: facts 08 (8f).
func createdPrice(c *api.Call, p *Price) error {
	if p.Recurring != nil {
		if err := c.Save(p); err != nil {
			return err
		}
		if err := emitPlan(c, p, "created", nil); err != nil {
			return err
		}
	}
	return c.Save(p, "price.created")
}

func (d *Domain) updatePrice(c *api.Call) (any, error) {
	p, err := Prices.InPath(c, "price")
	if err != nil {
		return nil, err
	}
	if err := checkPriceUpdate(c, p); err != nil {
		return nil, err
	}
	var holder *lookupKey
	if key := c.P.Str("lookup_key"); key != "" {
		if holder, err = keyIsFree(c, key, p.ID); err != nil {
			return nil, err
		}
	}

	plan := p.AsPlan()
	if c.P.Has("lookup_key") {
		if err := leaveKey(c, p); err != nil {
			return nil, err
		}
	}
	if err := takeKey(c, p, holder); err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(p, "active", "metadata", "nickname", "tax_behavior"); err != nil {
		return nil, err
	}
	p.addOptions(c.P)
	if err := api.MetadataLimit(p.Metadata); err != nil {
		return nil, err
	}
	return p, updatedPrice(c, p, plan)
}

// checkPriceUpdate refuses what cannot become of a price.
func checkPriceUpdate(c *api.Call, p *Price) error {
	if archives := c.P.Given("active") && !c.P.True("active"); archives {
		if err := notDefault(c, p); err != nil {
			return err
		}
	}
	if to := c.P.Str("tax_behavior"); to != "" && p.TaxBehavior != nil && *p.TaxBehavior != "unspecified" && to != *p.TaxBehavior {
		return fault.TaxBehaviorFixed(*p.TaxBehavior)
	}
	return checkOptions(c.P, p, top)
}

// notDefault refuses to archive or delete the price that is the default of its product. Known from: bodies quoted in public repositories.
func notDefault(c *api.Call, p *Price) error {
	product, err := Products.Get(c, p.Product)
	if err == nil && product != nil && product.DefaultPrice != nil && *product.DefaultPrice == p.ID {
		err = fault.PriceIsDefault()
	}
	return err
}

// updatedPrice saves a changed price and tells of it, and of the plan that it is if that has changed. unverified: that the plan is told of
// only then, and behind the price.
func updatedPrice(c *api.Call, p *Price, before *Plan) error {
	if err := c.Save(p, "price.updated"); err != nil || before == nil {
		return err
	}
	return emitPlan(c, p, "updated", before)
}

// listPrices lists prices, by lookup keys and what they recur by, too.
func (d *Domain) listPrices(c *api.Call) (any, error) {
	if id := c.P.Str("product"); id != "" {
		if _, err := Products.Find(c, id, "product"); err != nil {
			return nil, err
		}
	}
	keys := c.P.Strings("lookup_keys")
	recurring := c.P.Get("recurring")
	return Prices.ListOf(c, api.Narrow{Skip: []string{"lookup_keys", "recurring"}, Where: func(body []byte) bool {
		if len(keys) > 0 && !slices.Contains(keys, jsontext.Text(body, "lookup_key")) {
			return false
		}
		for _, name := range []string{"interval", "meter", "usage_type"} {
			if want := recurring.Str(name); want != "" && jsontext.Text(body, "recurring."+name) != want {
				return false
			}
		}
		return true
	}})
}
