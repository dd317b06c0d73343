package catalog

import (
	"cmp"
	"fmt"
	"math/big"
	"strings"

	"florin/internal/api"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// rat reads a decimal. It has been checked; what is none is nothing.
func rat(decimal string) *big.Rat {
	r, ok := new(big.Rat).SetString(decimal)
	if !ok {
		return new(big.Rat)
	}
	return r
}

var (
	hundred     = big.NewRat(100, 1)
	tenThousand = big.NewRat(10_000, 1)
)

// amountsOf reads an amount in minor units that is given whole, or as a decimal: name, or name_decimal. Both are told, but what is not whole only as
// a decimal.
func amountsOf(data *form.Value, name string) (*int64, *string) {
	if data.Given(name) {
		n := data.Num(name)
		text := fmt.Sprint(n)
		return &n, &text
	}
	if !data.Given(name + "_decimal") {
		return nil, nil
	}
	text := plain(data.Str(name + "_decimal"))
	if r := rat(text); r.IsInt() && r.Num().IsInt64() {
		n := r.Num().Int64()
		return &n, &text
	}
	return nil, &text
}

// AmountsOf is amountsOf for what has no price of its own, with what so many of them come to; nothing if no amount is given.
func AmountsOf(data *form.Value, name string, quantity int64) (whole *int64, exact *string, sum int64, err error) {
	whole, exact = amountsOf(data, name)
	if exact != nil {
		sum, err = Round(times(*exact, quantity))
	}
	return whole, exact, sum, err
}

// plain writes a decimal without zeros that say nothing: 010.50 is 10.5.
func plain(decimal string) string {
	sign, digits := "", decimal
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if whole == "" {
		whole = "0"
	}
	switch {
	case fraction != "":
		return sign + whole + "." + fraction
	case whole == "0":
		return whole
	}
	return sign + whole
}

// customOf reads what customers may choose.
func customOf(data *form.Value) *CustomUnitAmount {
	given := data.Get("custom_unit_amount")
	if given == nil {
		return nil
	}
	number := func(name string) *int64 {
		if !given.Given(name) {
			return nil
		}
		n := given.Num(name)
		return &n
	}
	return &CustomUnitAmount{number("maximum"), number("minimum"), number("preset")}
}

// tiersOf reads tiers.
func tiersOf(data *form.Value) (out []Tier) {
	tiers := data.Get("tiers")
	if tiers == nil {
		return nil
	}
	for _, given := range tiers.Items {
		var t Tier
		t.UnitAmount, t.UnitAmountDecimal = amountsOf(given, "unit_amount")
		t.FlatAmount, t.FlatAmountDecimal = amountsOf(given, "flat_amount")
		if up := given.Get("up_to"); up.Kind == form.Int {
			t.UpTo = &up.Int
		}
		out = append(out, t)
	}
	return out
}

// addOptions reads what the price is in other currencies. What is sent in part keeps the rest; "" takes all away.
func (p *Price) addOptions(data *form.Value) {
	given := data.Get("currency_options")
	if given == nil {
		return
	}
	if given.Kind == form.Unset {
		p.Private.Options = nil
	}
	for _, f := range given.Fields {
		if p.Private.Options == nil {
			p.Private.Options = map[string]Option{}
		}
		p.Private.Options[f.Name] = p.Private.Options[f.Name].with(f.Value)
	}
}

// with is the option, changed as the parameters say.
func (o Option) with(data *form.Value) Option {
	if behavior := data.Str("tax_behavior"); behavior != "" || o.TaxBehavior == nil {
		behavior = cmp.Or(behavior, "unspecified")
		o.TaxBehavior = &behavior
	}
	if amount, decimal := amountsOf(data, "unit_amount"); decimal != nil {
		o.UnitAmount, o.UnitAmountDecimal = amount, decimal
	}
	if custom := customOf(data); custom != nil {
		o.CustomUnitAmount = custom
	}
	if tiers := tiersOf(data); tiers != nil {
		o.Tiers = tiers
	}
	return o
}

// option is what the price is in a currency: its own, or one of its options.
func (p *Price) option(currency string) (Option, bool) {
	if currency == p.Currency || currency == "" {
		return Option{p.CustomUnitAmount, p.TaxBehavior, p.Private.Tiers, p.UnitAmount, p.UnitAmountDecimal}, true
	}
	o, ok := p.Private.Options[currency]
	return o, ok
}

// UnitFor is what one unit costs in a currency, in minor units; nothing if it depends on the quantity. ok says whether the price can be paid in
// that currency.
func (p *Price) UnitFor(currency string) (unitAmount *int64, unitAmountDecimal *string, ok bool) {
	o, ok := p.option(currency)
	return o.UnitAmount, o.UnitAmountDecimal, ok
}

// Amount is what a quantity costs in a currency, in minor units. It is rounded once, half away from zero. Known from: facts 15 (15a).
func (p *Price) Amount(quantity int64, currency string) (int64, error) {
	exact, err := p.Exact(quantity, currency)
	if err != nil {
		return 0, err
	}
	return Round(exact)
}

// Exact is what a quantity costs in a currency, in minor units, before it is rounded.
func (p *Price) Exact(quantity int64, currency string) (*big.Rat, error) {
	o, ok := p.option(currency)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s cannot be paid in %s", p.ID, currency)
	case p.BillingScheme == "tiered" && p.TiersMode != nil && *p.TiersMode == "volume":
		return volume(o.Tiers, quantity), nil
	case p.BillingScheme == "tiered":
		return graduated(o.Tiers, quantity), nil
	case o.UnitAmountDecimal == nil:
		return nil, fmt.Errorf("%s has no amount in %s", p.ID, currency)
	}
	return times(*o.UnitAmountDecimal, p.TransformQuantity.of(quantity)), nil
}

// of is how many packages a quantity makes.
func (t *TransformQuantity) of(quantity int64) int64 {
	if t == nil || t.DivideBy < 1 {
		return quantity
	}
	packages, rest := quantity/t.DivideBy, quantity%t.DivideBy
	if rest > 0 && t.Round == "up" {
		packages++
	}
	return packages
}

func times(decimal string, n int64) *big.Rat {
	return new(big.Rat).Mul(rat(decimal), new(big.Rat).SetInt64(n))
}

// unit is what n units cost in the tier, without what is paid for reaching it.
func (t *Tier) unit(n int64) *big.Rat {
	if t.UnitAmountDecimal == nil {
		return new(big.Rat)
	}
	return times(*t.UnitAmountDecimal, n)
}

// flat is what is paid for reaching the tier.
func (t *Tier) flat() *big.Rat {
	if t.FlatAmountDecimal == nil {
		return new(big.Rat)
	}
	return rat(*t.FlatAmountDecimal)
}

// volume charges all units as the tier says that the quantity falls into. Of nothing the first tier's flat amount is paid.
func volume(tiers []Tier, quantity int64) *big.Rat {
	for i := range tiers {
		if t := &tiers[i]; t.UpTo == nil || quantity <= *t.UpTo {
			return t.flat().Add(t.flat(), t.unit(quantity))
		}
	}
	return new(big.Rat)
}

// graduated charges in each tier the units that fall into it, and the flat amount of each that is reached; the first always is.
func graduated(tiers []Tier, quantity int64) *big.Rat {
	sum, from := new(big.Rat), int64(0)
	for i := range tiers {
		t, to := &tiers[i], quantity
		if t.UpTo != nil {
			to = min(to, *t.UpTo)
		}
		if i > 0 && to <= from {
			break
		}
		sum.Add(sum, t.flat())
		sum.Add(sum, t.unit(max(to-from, 0)))
		from = to
	}
	return sum
}

// Round rounds an amount to whole minor units, half away from zero. What is beyond all amounts is an error.
func Round(exact *big.Rat) (int64, error) {
	double := new(big.Int).Mul(new(big.Int).Abs(exact.Num()), big.NewInt(2))
	n := double.Add(double, exact.Denom())
	n.Quo(n, new(big.Int).Mul(exact.Denom(), big.NewInt(2)))
	if exact.Sign() < 0 {
		n.Neg(n)
	}
	if !n.IsInt64() {
		return 0, fmt.Errorf("%s minor units are more than an amount can be", exact.FloatString(0))
	}
	return n.Int64(), nil
}

// showTiers are the tiers of a price, when they are expanded.
func showTiers(c *api.Call, body []byte) ([]byte, error) {
	p, err := Used(c, jsontext.Text(body, "id"))
	if err != nil || p == nil || p.BillingScheme != "tiered" {
		return nil, err
	}
	return jsontext.Append(nil, &p.Private.Tiers), nil
}

// showOptions is what a price is in each currency, its own included, when that is expanded. unverified: that tiers are shown there without being
// expanded.
func showOptions(c *api.Call, body []byte) ([]byte, error) {
	p, err := Used(c, jsontext.Text(body, "id"))
	if err != nil || p == nil {
		return nil, err
	}
	own, _ := p.option("")
	options := map[string]Option{p.Currency: own}
	for currency, o := range p.Private.Options {
		options[currency] = o
	}
	return jsontext.Append(nil, &options), nil
}
