package paymentmethod

import (
	"strings"
	"testing"

	"florin/internal/testcard"
	"florin/internal/vault"
)

// TestSeal keeps the numbers of all test cards, and of cards that are none, and gets them back.
func TestSeal(t *testing.T) {
	d := &Domain{vault: vault.Memory()}
	numbers := []string{"4539578763621486", "5425233430109903"}
	for _, c := range testcard.All() {
		numbers = append(numbers, c.Number)
	}
	for _, n := range numbers {
		kept := d.seal("pm_1", n)
		if strings.Contains(kept, n) {
			t.Errorf("%s is kept in clear", n)
		}
		if got, err := d.open("pm_1", kept); err != nil || got.Number != n {
			t.Errorf("%s came back as ····%s, %v", n, got.Last4(), err)
		}
		if testcard.ByNumber(n) == nil && strings.HasPrefix(kept, published) {
			t.Errorf("%s is kept as a test card", n)
		}
		if twin, err := d.reseal("pm_1", "pm_2", kept); err != nil {
			t.Error(err)
		} else if got, err := d.open("pm_2", twin); err != nil || got.Number != n {
			t.Errorf("%s came back from its twin as ····%s, %v", n, got.Last4(), err)
		}
	}
	if _, err := d.open("pm_1", "test:no_such_card"); err == nil {
		t.Error("a test card that is none opens")
	}
}
