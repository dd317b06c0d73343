package billing

import (
	"slices"
	"testing"
)

// grant is a credit grant of dollars; expires 0 is never.
func grant(id, category string, priority, effective, expires, created, balance int64, prices ...ApplicablePrice) *CreditGrant {
	g := &CreditGrant{Amount: CreditAmount{&Monetary{"usd", balance}, "monetary"}, Category: category, Priority: &priority, EffectiveAt: &effective, Created: created}
	g.ID, g.Private.Balance, g.ApplicabilityConfig.Scope.Prices = id, balance, prices
	if expires > 0 {
		g.ExpiresAt = &expires
	}
	if len(prices) == 0 {
		g.ApplicabilityConfig.Scope.PriceType = "metered"
	}
	return g
}

// TestBefore: facts 15k: priority, expires_at, promotional before paid, effective_at, created.
func TestBefore(t *testing.T) {
	want := []*CreditGrant{
		grant("priority", "paid", 0, 9, 0, 9, 1),
		grant("expires first", "paid", 50, 9, 20, 9, 1),
		grant("expires later", "paid", 50, 9, 30, 9, 1),
		grant("promotional", "promotional", 50, 9, 0, 9, 1),
		grant("effective first", "paid", 50, 1, 0, 9, 1),
		grant("created first", "paid", 50, 9, 0, 1, 1),
		grant("last", "paid", 50, 9, 0, 9, 1),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortStableFunc(got, before)
	for i, g := range got {
		if g != want[i] {
			t.Errorf("%q is at %d, not %q", g.ID, i, want[i].ID)
		}
	}
}

func TestGood(t *testing.T) {
	inv := &Invoice{Currency: "usd", PeriodEnd: 100}
	for _, tc := range []struct {
		name                        string
		effective, expires, balance int64
		want                        bool
	}{
		{"effective at the end of the period", 100, 0, 1, true},
		{"effective later", 101, 0, 1, false},
		{"expires at the end of the period", 1, 100, 1, false},
		{"expires later", 1, 101, 1, true},
		{"used up", 1, 0, 0, false},
	} {
		if got := grant("", "paid", 50, tc.effective, tc.expires, 1, tc.balance).good(inv); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
	if g := grant("", "paid", 50, 1, 0, 1, 1); g.good(&Invoice{Currency: "eur", PeriodEnd: 100}) {
		t.Error("another currency is as good")
	}
}

// TestTakeFrom: lines have credits in their order, each no more than is left of it, and only at prices that the grant is for.
func TestTakeFrom(t *testing.T) {
	all := []*Line{{ID: "one"}, {ID: "flat"}, {ID: "two"}, {ID: "three"}}
	prices := map[string]string{"one": "price_1", "two": "price_2", "three": "price_1"}
	for _, tc := range []struct {
		name string
		of   *CreditGrant
		want []int64 // what is left
	}{
		{"all that there is", grant("g", "paid", 50, 1, 0, 1, 120), []int64{0, 100, 80, 100}},
		{"more than is asked for", grant("g", "paid", 50, 1, 0, 1, 900), []int64{0, 100, 0, 0}},
		{"some prices", grant("g", "paid", 50, 1, 0, 1, 120, ApplicablePrice{"price_1"}), []int64{0, 100, 100, 80}},
	} {
		inv, left, took := &Invoice{}, []int64{100, 100, 100, 100}, int64(0)
		inv.takeFrom(tc.of, all, left, prices)
		if !slices.Equal(left, tc.want) {
			t.Errorf("%s: %v is left, not %v", tc.name, left, tc.want)
		}
		for _, u := range inv.Private.Credits {
			took += u.Amount
		}
		if sum := 400 - left[0] - left[1] - left[2] - left[3]; took != sum {
			t.Errorf("%s: took %d, and noted %d", tc.name, sum, took)
		}
	}
}
