package catalog

import (
	"slices"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/meter"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/money"
)

// named gives a parameter of a price its full name: unit_amount is items[0][price_data][unit_amount] of a subscription, and amount of a plan.
type named func(param string) string

// top names the parameters of the request itself.
func top(param string) string { return param }

// inside names the parameters of a hash.
func inside(hash string) named {
	if hash == "" {
		return top
	}
	return func(param string) string {
		name, rest, nested := strings.Cut(param, "[")
		if nested {
			rest = "[" + rest
		}
		return hash + "[" + name + "]" + rest
	}
}

// checkPrice refuses what cannot be a price. unverified: Stripe's words where no constructor says from where it has them.
func checkPrice(c *api.Call, data *form.Value, at named) error {
	if err := checkScheme(data, at); err != nil {
		return err
	}
	if err := checkAmounts(data, "unit_amount", at); err != nil {
		return err
	}
	if most := money.Maximum(data.Str("currency")); data.Num("unit_amount") > most {
		return fault.PriceTooLarge(at("unit_amount"), money.Format(most, data.Str("currency")))
	}
	if err := checkCustom(data, data.Given("recurring"), at); err != nil {
		return err
	}
	if by := data.At("transform_quantity"); by != nil && by.Num("divide_by") < 1 {
		return fault.BelowMinimum(at("transform_quantity[divide_by]"), 1)
	}
	if err := checkRecurring(c, data.Get("recurring"), at); err != nil {
		return err
	}
	shape := &Price{Currency: data.Str("currency"), BillingScheme: data.Str("billing_scheme")}
	if data.Given("recurring") {
		shape.Recurring = &Recurring{}
	}
	return checkOptions(data, shape, at)
}

// checkScheme refuses what does not go with the way in which a price is reckoned.
func checkScheme(data *form.Value, at named) error {
	if data.Str("billing_scheme") != "tiered" {
		for _, name := range []string{"tiers", "tiers_mode"} {
			if data.Given(name) {
				return fault.OnlyTiered(at(name))
			}
		}
		if !data.Given("unit_amount") && !data.Given("unit_amount_decimal") && !data.Given("custom_unit_amount") {
			return fault.PriceWithoutAmount(at("unit_amount") == "amount")
		}
		return nil
	}
	for _, name := range []string{"unit_amount", "unit_amount_decimal", "custom_unit_amount", "transform_quantity"} {
		if data.Given(name) {
			return fault.NotTiered(at(name))
		}
	}
	for _, name := range []string{"tiers", "tiers_mode"} {
		if !data.Given(name) {
			return fault.Missing(at(name))
		}
	}
	return checkTiers(data.Get("tiers"), at("tiers"))
}

// checkAmounts refuses an amount that is said twice, or is below zero: name, or name_decimal.
func checkAmounts(data *form.Value, name string, at named) error {
	switch {
	case data.Given(name) && data.Given(name+"_decimal"):
		return fault.OnlyOne(at(name), at(name+"_decimal"))
	case data.Num(name) < 0 && !mayBeNegative(at(name)):
		return fault.Negative(at(name))
	case strings.HasPrefix(data.Str(name+"_decimal"), "-") && !mayBeNegative(at(name)):
		return fault.DecimalBelow(at(name+"_decimal"), 0, data.Str(name+"_decimal"))
	}
	return nil
}

// mayBeNegative says whether an amount stands where it may be taken off: in an item of an invoice. Known from: facts 15 (15a).
func mayBeNegative(param string) bool {
	return strings.HasPrefix(param, "price_data[") || strings.HasPrefix(param, "add_invoice_items[") ||
		strings.HasPrefix(param, "invoice_items[") || strings.Contains(param, "[add_invoice_items]")
}

// checkTiers refuses tiers that do not cover all quantities in their order.
func checkTiers(tiers *form.Value, param string) error {
	var last int64
	for i, t := range tiers.Items {
		at := inside(param + "[" + strconv.Itoa(i) + "]")
		switch up := t.Get("up_to"); {
		case i == len(tiers.Items)-1 && up.Kind == form.Int:
			return fault.TiersEnd(at("up_to"))
		case i == len(tiers.Items)-1:
		case up.Kind != form.Int || up.Int <= last:
			return fault.TiersOrder(at("up_to"))
		default:
			last = up.Int
		}
		if err := checkAmounts(t, "unit_amount", at); err != nil {
			return err
		}
		if err := checkAmounts(t, "flat_amount", at); err != nil {
			return err
		}
		if !slices.ContainsFunc([]string{"unit_amount", "unit_amount_decimal", "flat_amount", "flat_amount_decimal"}, t.Given) {
			return fault.TierWithoutAmount(at("unit_amount"))
		}
	}
	if len(tiers.Items) == 0 {
		return fault.Missing(param)
	}
	return nil
}

// checkCustom refuses amounts that customers cannot choose between.
func checkCustom(data *form.Value, recurring bool, at named) error {
	custom := data.Get("custom_unit_amount")
	if custom == nil {
		return nil
	}
	least, preset, most := custom.Num("minimum"), custom.Num("preset"), custom.Num("maximum")
	switch {
	case data.Given("unit_amount"):
		return fault.OnlyOne(at("custom_unit_amount"), at("unit_amount"))
	case data.Given("unit_amount_decimal"):
		return fault.OnlyOne(at("custom_unit_amount"), at("unit_amount_decimal"))
	case recurring:
		return fault.CustomRecurring(at("custom_unit_amount"))
	case !custom.True("enabled"):
		return fault.CustomDisabled(at("custom_unit_amount[enabled]"))
	case custom.Given("maximum") && most < least:
		return fault.CustomOrder(at("custom_unit_amount[maximum]"), "greater", "minimum")
	case custom.Given("preset") && preset < least:
		return fault.CustomOrder(at("custom_unit_amount[preset]"), "greater", "minimum")
	case custom.Given("preset") && custom.Given("maximum") && preset > most:
		return fault.CustomOrder(at("custom_unit_amount[preset]"), "less", "maximum")
	}
	return nil
}

// intervals are the most of each interval that a price may cover, three years, and its word. Known from: facts 05 (5a).
var intervals = map[string]struct {
	most int64
	word string
}{"day": {1095, "daily"}, "week": {156, "weekly"}, "month": {36, "monthly"}, "year": {3, "yearly"}}

// checkRecurring refuses intervals that are too long, and what is metered by no meter.
func checkRecurring(c *api.Call, r *form.Value, at named) error {
	if r == nil {
		return nil
	}
	longest := intervals[r.Str("interval")]
	switch count := r.Num("interval_count"); {
	case r.Given("interval_count") && count < 1:
		return fault.BelowMinimum(at("recurring[interval_count]"), 1)
	case count > longest.most:
		return fault.IntervalTooLong(at("recurring[interval_count]"), longest.word, longest.most)
	case r.Given("trial_period_days") && r.Num("trial_period_days") < 0:
		return fault.Negative(at("recurring[trial_period_days]"))
	case r.Given("meter") && r.Str("usage_type") != "metered":
		return fault.MeterOfLicensed(at("recurring[meter]"))
	case r.Given("meter"):
		_, err := meter.Find(c, r.Str("meter"), at("recurring[meter]"))
		return err
	case r.Str("usage_type") != "metered":
		return nil
	case c.AtLeast("2025-03-31"):
		return fault.MeteredWithoutMeter()
	}
	return fault.ParamNotBuilt(at("recurring[usage_type]")) // usage records of old
}

// checkOptions refuses what a price cannot be in other currencies.
func checkOptions(data *form.Value, p *Price, at named) error {
	options := data.Get("currency_options")
	if options == nil {
		return nil
	}
	for _, o := range options.Fields {
		hash := "currency_options[" + o.Name + "]"
		if o.Name == p.Currency {
			return fault.OwnCurrencyOption(at(hash))
		}
		_, known := p.Private.Options[o.Name]
		if err := checkOption(o.Value, p, known, inside(at(hash))); err != nil {
			return err
		}
	}
	return nil
}

// checkOption refuses what a price cannot be in one other currency, of which something may be known already.
func checkOption(data *form.Value, p *Price, known bool, at named) error {
	switch tiered := p.BillingScheme == "tiered"; {
	case tiered && data.Given("tiers"):
		return checkTiers(data.Get("tiers"), at("tiers"))
	case tiered && !known:
		return fault.Missing(at("tiers"))
	case !tiered && data.Given("tiers"):
		return fault.OnlyTiered(at("tiers"))
	case !tiered && !known && !data.Given("unit_amount") && !data.Given("unit_amount_decimal") && !data.Given("custom_unit_amount"):
		return fault.Missing(at("unit_amount"))
	}
	if err := checkAmounts(data, "unit_amount", at); err != nil {
		return err
	}
	return checkCustom(data, p.Recurring != nil, at)
}
