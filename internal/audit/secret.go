package audit

import (
	"regexp"
	"slices"

	"florin/internal/jsontext"
	"florin/internal/testcard"
)

// secretKey is an API key or a signing secret in clear. A masked one is shorter.
var secretKey = regexp.MustCompile(`(?:[sr]k_(?:live|test)_|whsec_)[A-Za-z0-9]{16,}`)

// numbers are members whose value is a number by nature that may look like a card's: references of networks and banks.
var numbers = []string{"network_transaction_id", "reference", "trace_id", "transaction_id", "authorization_code", "acquirer_reference_number"}

// cardNumber says in which member a JSON text has what looks like a full card number: a string with 13 to 19 digits that stand by themselves, with no more
// than a blank or a hyphen between two of them, that begin as cards do and have their check digit. JSON numbers are amounts and times.
func cardNumber(b []byte) (member string, found bool) {
	switch {
	case len(b) == 0:
	case b[0] == '{':
		jsontext.Members(b, func(key string, v []byte) bool {
			if v = v[:len(v):len(v)]; len(v) > 0 && v[0] == '"' {
				if found = inText(v) && !slices.Contains(numbers, key) || inText([]byte(key)); found {
					member = key
				}
			} else if member, found = cardNumber(v); found && member == "" {
				member = key
			}
			return !found
		})
	case b[0] == '[':
		jsontext.Items(b, func(v []byte) bool {
			if len(v) > 0 && v[0] == '"' {
				found = inText(v)
			} else {
				member, found = cardNumber(v)
			}
			return !found
		})
	}
	return member, found
}

// inText says whether a text holds a card number: digits in one piece, or in the groups in which cards show them.
func inText(s []byte) bool {
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) || i > 0 && wordly(s[i-1]) {
			continue
		}
		number := make([]byte, 0, 24)
		groups := []int{0} // how many digits stand together
		end := i
	digits:
		for j := i; j < len(s) && len(number) < 24; j++ {
			switch {
			case digit(s[j]):
				number, end = append(number, s[j]), j+1
				groups[len(groups)-1]++
			case (s[j] == ' ' || s[j] == '-') && digit(s[j-1]):
				groups = append(groups, 0)
			default:
				break digits
			}
		}
		if (end == len(s) || !wordly(s[end])) && grouped(groups) && testcard.Valid(string(number)) {
			return true
		}
		i = end - 1
	}
	return false
}

// grouped says whether digits stand together as on cards: all of them, or 4-4-4-4, 4-4-4-4-3, 4-6-4 and 4-6-5.
func grouped(groups []int) bool {
	if groups[len(groups)-1] == 0 { // a blank or a hyphen behind the last digit
		groups = groups[:len(groups)-1]
	}
	if len(groups) == 1 {
		return true
	}
	for i, n := range groups {
		last := i == len(groups)-1
		if n > 6 || n < 3 || !last && n != 4 && n != 6 {
			return false
		}
	}
	return groups[0] == 4
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// wordly says whether a byte joins the digits beside it to something longer, such as an id.
func wordly(c byte) bool {
	return digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.' || c >= 0x80
}
