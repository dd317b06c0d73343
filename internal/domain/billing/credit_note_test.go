package billing

import (
	"slices"
	"testing"
)

// TestPortion: parts are rounded, and all of them together are the whole.
func TestPortion(t *testing.T) {
	for _, tc := range []struct {
		whole, parts int64
		takes, want  []int64
	}{
		{1000, 3, []int64{1, 1, 1}, []int64{333, 334, 333}},
		{1000, 3, []int64{2, 1}, []int64{667, 333}},
		{-1000, 3, []int64{1, 2}, []int64{-333, -667}},
		{166, 1000, []int64{500, 500}, []int64{83, 83}},
		{36, -1000, []int64{-400, -600}, []int64{14, 22}},
		{100, 0, []int64{0}, []int64{0}},
		{900_000_000_000, 900_000_000_000, []int64{1, 899_999_999_999}, []int64{1, 899_999_999_999}},
	} {
		var got []int64
		was := int64(0)
		for _, n := range tc.takes {
			got = append(got, portion(tc.whole, tc.parts, was, n))
			was += n
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%d in %d: %v of it are %v, not %v", tc.whole, tc.parts, tc.takes, got, tc.want)
		}
	}
}

// TestShare: a line that is credited in two goes has all of its discounts and taxes back.
func TestShare(t *testing.T) {
	base := int64(850)
	of := &Line{
		Amount: 1001, DiscountAmounts: []DiscountAmount{{151, "di_1"}},
		Taxes: []Tax{{Amount: 71, TaxBehavior: "exclusive", TaxRateDetails: &TaxRateDetails{"txr_1"}, TaxableAmount: &base}},
	}
	one, two := &CreditLine{Amount: 334}, &CreditLine{Amount: 667}
	one.share(of, 0)
	two.share(of, 334)
	if n := one.DiscountAmount + two.DiscountAmount; n != 151 {
		t.Errorf("the discounts are %d, not 151", n)
	}
	sums, added, within := sumTaxes(append(one.Taxes, two.Taxes...))
	if len(sums) != 1 || added != 71 || within != 0 || *sums[0].TaxableAmount != 850 {
		t.Errorf("the taxes are %v: %d and %d", sums, added, within)
	}
}
