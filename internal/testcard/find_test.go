package testcard

import "testing"

func TestIn(t *testing.T) {
	for text, want := range map[string]bool{
		"4242424242424242":                     true,
		"my card is 4242 4242 4242 4242":       true,
		"It is 4242-4242-4242-4242.":           true,
		"4242424242424242.5":                   false,
		"(4242-4242-4242-4242)":                true,
		"3782 822463 10005":                    true,
		"4242424242424241":                     false, // the check digit is wrong
		"crash-2251742337-0-14-0-0":            false,
		"ch_4242424242424242":                  false, // part of an id
		"pi_1 4242":                            false,
		"6205500000000000004":                  true,
		"9b2e4c1a-77aa-4d01-9c3e-501800000009": false, // the end of a UUID
		"":                                     false,
	} {
		if got := In([]byte(text)); got != want {
			t.Errorf("In(%q) = %v, want %v", text, got, want)
		}
	}
}
