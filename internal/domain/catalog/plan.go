package catalog

import (
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// A Plan is a recurring price as it was shown before there were prices. It is no object of its own: each recurring price is a plan with the same id,
// and a plan that is made is a price. Only plans can be deleted; whoever has subscribed to one keeps it. Known from: the spec, facts 15 (15n); shape
// recorded.
type Plan struct {
	ID              string             `json:"id"`
	Object          string             `json:"object"`
	Active          bool               `json:"active"`
	Amount          *int64             `json:"amount"` // minor units; nil if they are not whole
	AmountDecimal   *string            `json:"amount_decimal"`
	BillingScheme   string             `json:"billing_scheme"`
	Created         int64              `json:"created"` // Unix seconds
	Currency        string             `json:"currency"`
	Interval        string             `json:"interval"`
	IntervalCount   int64              `json:"interval_count"`
	Livemode        bool               `json:"livemode"`
	Metadata        map[string]string  `json:"metadata"`
	Meter           *string            `json:"meter"`
	Nickname        *string            `json:"nickname"`
	Product         *string            `json:"product"`
	TiersMode       *string            `json:"tiers_mode"`
	TransformUsage  *TransformQuantity `json:"transform_usage"`
	TrialPeriodDays *int64             `json:"trial_period_days"`
	UsageType       string             `json:"usage_type"`
}

// AsPlan is the price as a plan; nil if it is paid once.
func (p *Price) AsPlan() *Plan {
	r := p.Recurring
	if r == nil {
		return nil
	}
	product := p.Product
	return &Plan{
		ID: p.ID, Object: "plan", Active: p.Active, Amount: p.UnitAmount, AmountDecimal: p.UnitAmountDecimal, BillingScheme: p.BillingScheme,
		Created: p.Created, Currency: p.Currency, Interval: r.Interval, IntervalCount: r.IntervalCount, Livemode: p.Livemode, Metadata: p.Metadata,
		Meter: r.Meter, Nickname: p.Nickname, Product: &product, TiersMode: p.TiersMode, TransformUsage: p.TransformQuantity,
		TrialPeriodDays: r.TrialPeriodDays, UsageType: r.UsageType,
	}
}

func (pl *Plan) json() api.JSON { return jsontext.Append(nil, pl) }

func (d *Domain) planRoutes(r *api.Router) {
	r.Include("plan", "tiers", showTiers)
	r.Handle("POST /v1/plans", d.createPlan)
	r.Plain("GET /v1/plans/{plan}", d.retrievePlan)
	r.Handle("POST /v1/plans/{plan}", d.updatePlan)
	r.Handle("DELETE /v1/plans/{plan}", d.deletePlan)
	r.Plain("GET /v1/plans", d.listPlans)
}

func (d *Domain) createPlan(c *api.Call) (any, error) {
	data, at := planData(c.P), ofPlan
	if err := checkPlan(c, data); err != nil {
		return nil, err
	}
	if err := checkPrice(c, data, at); err != nil {
		return nil, err
	}

	product, err := productOf(c, data, true)
	if err != nil {
		return nil, err
	}
	id := c.P.Str("id")
	if id == "" {
		id = c.NewShortID("plan")
	}
	p, err := newPrice(c, id, product, data)
	if err != nil {
		return nil, err
	}
	if err := createdPrice(c, p); err != nil {
		return nil, err
	}
	return p.AsPlan().json(), nil
}

// checkPlan refuses a plan without a product, and one whose id is taken.
func checkPlan(c *api.Call, data *form.Value) error {
	if !data.Given("product") && !data.Given("product_data") {
		return fault.Missing("product")
	}
	if err := checkProductOf(c, data, ofPlan); err != nil {
		return err
	}
	id := c.P.Str("id")
	if id == "" {
		return nil
	}
	old, err := Prices.Get(c, id)
	if err == nil && old != nil {
		err = fault.AlreadyExists("Plan", "id")
	}
	return err
}

// planNames are the parameters of plans that have another name in prices.
var planNames = map[string]string{
	"amount": "unit_amount", "amount_decimal": "unit_amount_decimal", "transform_usage": "transform_quantity",
	"interval": "recurring", "interval_count": "recurring", "meter": "recurring", "trial_period_days": "recurring", "usage_type": "recurring",
}

// planData are the parameters of a plan as those of a price.
func planData(p *form.Value) *form.Value {
	recurring := &form.Value{Kind: form.Object}
	data := &form.Value{Kind: form.Object}
	for _, f := range p.Fields {
		name := f.Name
		switch other := planNames[name]; {
		case other == "recurring":
			recurring.Set(name, f.Value)
			continue
		case other != "":
			name = other
		case name == "product" && f.Value.Kind == form.Object:
			name = "product_data"
		}
		data.Set(name, f.Value)
	}
	data.Set("recurring", recurring)
	return data
}

// ofPlan names the parameters of a price as those of a plan.
func ofPlan(param string) string {
	name, rest, nested := strings.Cut(param, "[")
	switch {
	case name == "recurring" && nested:
		return strings.TrimSuffix(rest, "]")
	case name == "product_data":
		name = "product"
	default:
		for old, other := range planNames {
			if other == name {
				name = old
				break
			}
		}
	}
	if nested {
		return name + "[" + rest
	}
	return name
}

// planInPath is the recurring price that the path names.
func planInPath(c *api.Call) (*Price, error) {
	p, err := Prices.Get(c, c.Path("plan"))
	if err == nil && (p == nil || p.Recurring == nil) {
		err = fault.NoSuch("plan", c.Path("plan"), "plan", 404)
	}
	return p, err
}

func (d *Domain) retrievePlan(c *api.Call) (any, error) {
	p, err := planInPath(c)
	if err != nil {
		return nil, err
	}
	return p.AsPlan().json(), nil
}

func (d *Domain) updatePlan(c *api.Call) (any, error) {
	p, err := planInPath(c)
	if err != nil {
		return nil, err
	}
	if id := c.P.Str("product"); id != "" {
		if _, err := Products.Find(c, id, "product"); err != nil {
			return nil, err
		}
	}
	if err := checkPriceUpdate(c, p); err != nil {
		return nil, err
	}

	before := p.AsPlan()
	if err := c.ParamsOnly(p, "active", "metadata", "nickname", "product"); err != nil {
		return nil, err
	}
	if c.P.Has("trial_period_days") {
		r := *p.Recurring
		if err := c.ParamsOnly(&r, "trial_period_days"); err != nil {
			return nil, err
		}
		p.Recurring = &r
	}
	if err := api.MetadataLimit(p.Metadata); err != nil {
		return nil, err
	}
	if err := updatedPrice(c, p, before); err != nil {
		return nil, err
	}
	return p.AsPlan().json(), nil
}

// deletePlan ends a plan: nobody can subscribe to it any more.
func (d *Domain) deletePlan(c *api.Call) (any, error) {
	p, err := planInPath(c)
	if err != nil {
		return nil, err
	}
	if err := notDefault(c, p); err != nil {
		return nil, err
	}

	if err := leaveKey(c, p); err != nil {
		return nil, err
	}
	if err := c.Save(p); err != nil {
		return nil, err
	}
	if err := emitPlan(c, p, "deleted", nil); err != nil {
		return nil, err
	}
	if err := c.Delete(p, "price.deleted"); err != nil {
		return nil, err
	}
	deleted := struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Deleted bool   `json:"deleted"`
	}{p.ID, "plan", true}
	return api.JSON(jsontext.Append(nil, &deleted)), nil
}

// listPlans lists recurring prices as plans.
func (d *Domain) listPlans(c *api.Call) (any, error) {
	return Prices.ListOf(c, api.Narrow{Path: "type", Value: "recurring", As: planOf})
}

// planOf is the JSON of a price as that of a plan.
func planOf(body []byte) ([]byte, error) {
	var p Price
	if err := jsontext.Decode(body, &p); err != nil {
		return nil, err
	}
	return p.AsPlan().json(), nil
}

// emitPlan tells what has become of the plan that a price is. before is what it was, if it has changed.
func emitPlan(c *api.Call, p *Price, what string, before *Plan) error {
	var was []byte
	if before != nil {
		was = before.json()
	}
	now := p.AsPlan().json()
	if string(was) == string(now) {
		return nil
	}
	return c.EmitAs("plan."+what, p, now, was)
}
