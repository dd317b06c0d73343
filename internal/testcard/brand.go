package testcard

import (
	"strconv"
	"strings"
	"time"

	"florin/internal/fault"
)

// A numberRange is a span of first digits with the lengths that a number may have.
type numberRange struct {
	low, high string // first digits, both of the same length, both included
	brand     string
	lengths   []int
}

// ranges are searched in order; the first that matches decides. From facts 14h (Stripe's Android SDK).
var ranges = []numberRange{
	{"621682805", "621682805", "unionpay", []int{19}},
	{"34", "34", "amex", []int{15}},
	{"37", "37", "amex", []int{15}},
	{"3528", "3589", "jcb", []int{16}},
	{"36", "36", "diners", []int{14}},
	{"30", "30", "diners", []int{14, 16}}, // 300–305 and 3095 with 16 digits; 14 of older cards (I)
	{"38", "39", "diners", []int{14, 16}},
	{"4", "4", "visa", []int{13, 16, 19}},
	{"506221", "506221", "unknown", []int{16}}, // Carnet of Mexico. unverified: Stripe's brand for it, which has no name in the spec
	{"222100", "272099", "mastercard", []int{16}},
	{"51", "55", "mastercard", []int{16}},
	{"50", "50", "mastercard", []int{12, 13, 14, 15, 16, 17, 18, 19}}, // Maestro
	{"56", "59", "mastercard", []int{12, 13, 14, 15, 16, 17, 18, 19}},
	{"67", "67", "mastercard", []int{12, 13, 14, 15, 16, 17, 18, 19}},
	{"60", "60", "discover", []int{16}},
	{"64", "65", "discover", []int{16}},
	{"62", "62", "unionpay", []int{16, 17, 18, 19}},
	{"81", "81", "unionpay", []int{16, 17, 18, 19}},
}

var unknownRange = numberRange{brand: "unknown", lengths: []int{12, 13, 14, 15, 16, 17, 18, 19}}

func rangeOf(number string) numberRange {
	for _, r := range ranges {
		if n := len(r.low); len(number) >= n && r.low <= number[:n] && number[:n] <= r.high {
			return r
		}
	}
	return unknownRange
}

// Identify returns what is known of any valid card number: the test card, or a plain one with its brand by the first digits. Of a card that is not in
// the table nothing else can be known here, so it counts as a credit card of the US; in live mode the network tells. Nil if the number is not Valid.
func Identify(number string) *Card {
	if c := ByNumber(number); c != nil {
		return c
	}
	if !Valid(number) {
		return nil
	}
	c := &Card{Number: number, Country: "US", Funding: "credit"}
	c.fill()
	return c
}

// Brand returns the brand by the first digits, or "unknown".
func Brand(number string) string { return rangeOf(number).brand }

// Valid says whether a number has only digits, a length that its brand has, and a right check digit. What is not is refused as incorrect_number.
func Valid(number string) bool {
	if !Luhn(number) {
		return false
	}
	for _, n := range rangeOf(number).lengths {
		if n == len(number) {
			return true
		}
	}
	return false
}

// Luhn says whether a string is digits with a right check digit.
func Luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i]) - '0'
		if d < 0 || d > 9 {
			return false
		}
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return len(number) > 0 && sum%10 == 0
}

// Clean takes out the blanks and dashes that people write between the digits.
func Clean(number string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, number)
}

// CheckNumber refuses a number that is not Valid.
func CheckNumber(number string) *fault.Error {
	if ByNumber(number) == nil && !Valid(number) {
		return fault.IncorrectNumber()
	}
	return nil
}

// CheckCVC refuses a security code of the wrong length: three digits, of an American Express card four, or three (facts 14h). An empty one was not sent.
func CheckCVC(brand, cvc string) *fault.Error {
	if cvc == "" {
		return nil
	}
	if _, err := strconv.ParseUint(cvc, 10, 32); err != nil || cvc[0] == '+' {
		return fault.InvalidCVC()
	}
	if n := len(cvc); n == 3 || n == 4 && (brand == "amex" || brand == "unknown") {
		return nil
	}
	return fault.InvalidCVC()
}

// CVCLength returns how many digits the security code has that is printed on a card of the brand.
func CVCLength(brand string) int {
	if brand == "amex" {
		return 4
	}
	return 3
}

// CheckExpiry refuses an expiry date that cannot be: no month of the year, a year that is past or more than 50 years away, or a month of this year that
// is past. A year of two digits must have gone through FullYear.
//
// unverified: that a past month of this year is the month's fault.
func CheckExpiry(month, year int, now time.Time) *fault.Error {
	now = now.UTC()
	switch {
	case month < 1 || month > 12:
		return fault.InvalidExpiryMonth()
	case year < now.Year() || year > now.Year()+50:
		return fault.InvalidExpiryYear()
	case year == now.Year() && month < int(now.Month()):
		return fault.InvalidExpiryMonth()
	}
	return nil
}

// FullYear completes a year of two digits: the year of that ending from 50 years back to 49 years ahead, so that 95 is 1995 (facts 07d: "a past year,
// such as 95").
func FullYear(year int, now time.Time) int {
	if year < 0 || year > 99 {
		return year
	}
	full := now.UTC().Year()/100*100 + year
	if full >= now.UTC().Year()+50 {
		full -= 100
	}
	return full
}

// Expiry returns the month and year that pm_card_… and tok_… get: this month of next year (recorded: facts 07a).
func Expiry(now time.Time) (month, year int) {
	now = now.UTC()
	return int(now.Month()), now.Year() + 1
}

// brandNames are how a brand is shown: in card.display_brand, and in tokens, sources and charges of old (facts 14h).
var brandNames = map[string]struct{ display, legacy string }{
	"visa":             {"visa", "Visa"},
	"mastercard":       {"mastercard", "MasterCard"},
	"amex":             {"american_express", "American Express"},
	"discover":         {"discover", "Discover"},
	"diners":           {"diners_club", "Diners Club"},
	"jcb":              {"jcb", "JCB"},
	"unionpay":         {"union_pay", "UnionPay"},
	"cartes_bancaires": {"cartes_bancaires", "Cartes Bancaires"}, // unverified: the old spelling
	"eftpos_au":        {"eftpos_australia", "Eftpos Australia"},
	"interac":          {"interac", "Interac"},
}

// DisplayBrand returns how card.display_brand spells a brand.
func DisplayBrand(brand string) string {
	if n, ok := brandNames[brand]; ok {
		return n.display
	}
	return "other"
}

// LegacyBrand returns how tokens and sources spell a brand: Visa, MasterCard, American Express.
func LegacyBrand(brand string) string {
	if n, ok := brandNames[brand]; ok {
		return n.legacy
	}
	return "Unknown"
}

// issuerCountry returns the country that a test number tells: of 400000CCC…, 400005CCC… and the Mastercard numbers 520000CCC…, 5555[05]5CCC… and
// 510500CCC…, CCC is the country's ISO 3166 number (facts 14h: inferred, and right for all eight recorded foreign cards). Any other card is of the US, but
// for JCB (Japan) and UnionPay (China).
//
// unverified: JCB and UnionPay, and the countries of the 4000000404… and similar numbers.
func issuerCountry(number string) string {
	for _, head := range []string{"400000", "400005", "520000", "555555", "555505", "510500"} {
		if strings.HasPrefix(number, head) && len(number) == 16 {
			if c := countryNumbers[number[6:9]]; c != "" {
				return c
			}
		}
	}
	switch rangeOf(number).brand {
	case "jcb":
		return "JP"
	case "unionpay":
		return "CN"
	}
	return "US"
}

// countryNumbers are the ISO 3166 numbers of the countries that have test cards.
var countryNumbers = map[string]string{
	"032": "AR", "036": "AU", "040": "AT", "056": "BE", "076": "BR", "100": "BG", "112": "BY", "124": "CA", "152": "CL", "156": "CN", "158": "TW",
	"170": "CO", "188": "CR", "191": "HR", "196": "CY", "203": "CZ", "208": "DK", "218": "EC", "233": "EE", "246": "FI", "250": "FR", "276": "DE",
	"292": "GI", "300": "GR", "344": "HK", "348": "HU", "356": "IN", "372": "IE", "380": "IT", "392": "JP", "428": "LV", "438": "LI", "440": "LT",
	"442": "LU", "458": "MY", "470": "MT", "484": "MX", "528": "NL", "554": "NZ", "578": "NO", "591": "PA", "600": "PY", "604": "PE", "616": "PL",
	"620": "PT", "642": "RO", "682": "SA", "702": "SG", "703": "SK", "705": "SI", "724": "ES", "752": "SE", "756": "CH", "764": "TH", "784": "AE",
	"826": "GB", "840": "US", "858": "UY",
}
