package catalog

import (
	"testing"

	"florin/internal/form"
)

func ptr[T any](v T) *T { return &v }

// tiers are those of the documentation, which facts 15 (15a) reckon with.
func tiers() []Tier {
	return []Tier{
		{UnitAmountDecimal: ptr("500"), FlatAmountDecimal: ptr("1000"), UpTo: ptr(int64(5))},
		{UnitAmountDecimal: ptr("400"), FlatAmountDecimal: ptr("2000"), UpTo: ptr(int64(10))},
		{UnitAmountDecimal: ptr("300"), FlatAmountDecimal: ptr("3000")},
	}
}

func tiered(mode string, of []Tier) *Price {
	p := &Price{BillingScheme: "tiered", Currency: "usd", TiersMode: &mode}
	p.Private.Tiers = of
	return p
}

func unit(decimal string) *Price {
	return &Price{BillingScheme: "per_unit", Currency: "usd", UnitAmountDecimal: &decimal}
}

func packages(decimal string, by int64, round string) *Price {
	p := unit(decimal)
	p.TransformQuantity = &TransformQuantity{by, round}
	return p
}

func TestAmount(t *testing.T) {
	steps := []Tier{{UnitAmountDecimal: ptr("700"), UpTo: ptr(int64(5))}, {UnitAmountDecimal: ptr("650")}}
	for _, tc := range []struct {
		name     string
		price    *Price
		quantity int64
		want     int64
	}{
		{"whole", unit("1000"), 3, 3000},
		{"rounded once", unit("0.05"), 30, 2},
		{"below half", unit("0.333333333333"), 4, 1},
		{"a negative tie goes away from zero", unit("-0.5"), 1, -1},
		{"nothing", unit("1000"), 0, 0},
		{"packages are begun", packages("1000", 10, "up"), 11, 2000},
		{"packages are full", packages("1000", 10, "down"), 19, 1000},
		{"packages that are just full", packages("1000", 10, "up"), 20, 2000},
		{"graduated", tiered("graduated", tiers()), 12, 11100},
		{"graduated, the end of a tier", tiered("graduated", tiers()), 5, 3500},
		{"graduated, nothing", tiered("graduated", tiers()), 0, 1000},
		{"volume", tiered("volume", tiers()), 12, 6600},
		{"volume, nothing", tiered("volume", tiers()), 0, 1000},
		{"volume, the end of a tier", tiered("volume", steps), 5, 3500},
		{"volume, the next", tiered("volume", steps), 6, 3900},
	} {
		got, err := tc.price.Amount(tc.quantity, "usd")
		if err != nil || got != tc.want {
			t.Errorf("%s: %d is %d, not %d (%v)", tc.name, tc.quantity, got, tc.want, err)
		}
	}
}

func TestAmountInOtherCurrency(t *testing.T) {
	p := unit("1000")
	p.Private.Options = map[string]Option{"eur": {UnitAmount: ptr(int64(900)), UnitAmountDecimal: ptr("900")}}
	if got, err := p.Amount(2, "eur"); err != nil || got != 1800 {
		t.Errorf("in euros it is %d (%v)", got, err)
	}
	if amount, _, ok := p.UnitFor("eur"); !ok || *amount != 900 {
		t.Errorf("a unit in euros is %v", amount)
	}
	if _, err := p.Amount(2, "gbp"); err == nil {
		t.Error("it was reckoned in pounds")
	}
	if _, _, ok := p.UnitFor("gbp"); ok {
		t.Error("a unit has a price in pounds")
	}
}

func TestAmountTooLarge(t *testing.T) {
	if got, err := unit("99999999").Amount(1<<62, "usd"); err == nil {
		t.Errorf("it is %d", got)
	}
	if got, err := (&Price{Currency: "usd", BillingScheme: "per_unit"}).Amount(1, "usd"); err == nil {
		t.Errorf("what the customer chooses is %d", got)
	}
}

func TestAmountsOf(t *testing.T) {
	for _, tc := range []struct {
		sent, decimal string
		whole         bool
	}{{"010.50", "10.5", false}, {"1000.0", "1000", true}, {"0.000", "0", true}, {"-0.0", "0", true}, {"-7.50", "-7.5", false}, {".5", "0.5", false}} {
		data := &form.Value{Kind: form.Object, Fields: []form.Field{{Name: "x_decimal", Value: &form.Value{Kind: form.Decimal, Text: tc.sent}}}}
		whole, decimal := amountsOf(data, "x")
		if *decimal != tc.decimal || (whole != nil) != tc.whole {
			t.Errorf("%s is %v, %s", tc.sent, whole, *decimal)
		}
	}
}

func TestNames(t *testing.T) {
	for _, tc := range []struct {
		named       named
		param, want string
	}{
		{top, "recurring[interval]", "recurring[interval]"},
		{inside("items[0][price_data]"), "unit_amount", "items[0][price_data][unit_amount]"},
		{inside("items[0][price_data]"), "recurring[interval]", "items[0][price_data][recurring][interval]"},
		{ofPlan, "unit_amount", "amount"},
		{ofPlan, "recurring[interval_count]", "interval_count"},
		{ofPlan, "transform_quantity[divide_by]", "transform_usage[divide_by]"},
		{ofPlan, "product_data[id]", "product[id]"},
		{ofPlan, "tiers[0][up_to]", "tiers[0][up_to]"},
	} {
		if got := tc.named(tc.param); got != tc.want {
			t.Errorf("%s is called %s, not %s", tc.param, got, tc.want)
		}
	}
}
