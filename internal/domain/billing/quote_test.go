package billing

import "testing"

func TestSums(t *testing.T) {
	tax := func(n int64, behavior string) Tax { return Tax{Amount: n, TaxBehavior: behavior} }
	for name, one := range map[string]struct {
		line Line
		want ItemAmounts
	}{
		"alone":     {Line{Amount: 500}, ItemAmounts{Subtotal: 500, Total: 500}},
		"discounts": {Line{Amount: 500, DiscountAmounts: []DiscountAmount{{50, "di_1"}, {45, "di_2"}}}, ItemAmounts{500, 95, 0, 405}},
		"exclusive": {Line{Amount: 500, Taxes: []Tax{tax(100, "exclusive")}}, ItemAmounts{500, 0, 100, 600}},
		"inclusive": {Line{Amount: 500, Taxes: []Tax{tax(83, "inclusive")}}, ItemAmounts{500, 0, 83, 500}},
		"all": {
			Line{Amount: 500, DiscountAmounts: []DiscountAmount{{100, "di_1"}}, Taxes: []Tax{tax(67, "inclusive"), tax(17, "exclusive")}},
			ItemAmounts{500, 100, 84, 417},
		},
	} {
		if got := one.line.sums(); got != one.want {
			t.Errorf("%s: %+v, want %+v", name, got, one.want)
		}
	}
}

func TestQuoteSteps(t *testing.T) {
	q := &Quote{}
	for _, to := range []string{draft, open, accepted} {
		if err := q.move(to, 7); err != nil || q.Status != to {
			t.Fatalf("to %s: %v, %s", to, err, q.Status)
		}
	}
	if q.move(canceled, 8) == nil || *q.StatusTransitions.AcceptedAt != 7 || q.StatusTransitions.CanceledAt != nil {
		t.Errorf("an accepted quote was canceled: %+v", q.StatusTransitions)
	}
}
