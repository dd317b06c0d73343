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
				if found = testcard.In(v) && !slices.Contains(numbers, key) || testcard.In([]byte(key)); found {
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
				found = testcard.In(v)
			} else {
				member, found = cardNumber(v)
			}
			return !found
		})
	}
	return member, found
}
