package audit

import (
	"bytes"
	"slices"

	"florin/internal/jsontext"
	"florin/internal/testcard"
)

// keyPrefixes are what API keys and signing secrets begin with, less the s or r of a key.
var keyPrefixes = [][]byte{[]byte("k_live_"), []byte("k_test_"), []byte("whsec_")}

// secretKey returns what an API key or a signing secret that stands in the text begins with, "" if there is none. A masked one is shorter than 16
// letters and digits. A regular expression took half of an audit's time.
func secretKey(text []byte) string {
	for _, prefix := range keyPrefixes {
		for rest := text; ; {
			at := bytes.Index(rest, prefix)
			if at < 0 {
				break
			}
			isKey := prefix[0] == 'w' || at > 0 && (rest[at-1] == 's' || rest[at-1] == 'r')
			rest = rest[at+len(prefix):]
			n := 0
			for n < len(rest) && n < 16 && alphanumeric(rest[n]) {
				n++
			}
			if isKey && n == 16 {
				return string(prefix)
			}
		}
	}
	return ""
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// numbers are members whose value is a number by nature that may look like a card's: references of networks and banks.
var numbers = []string{"network_transaction_id", "reference", "trace_id", "transaction_id", "authorization_code", "acquirer_reference_number"}

// uuid says whether a JSON string is a UUID and nothing else: an idempotency key that a client or Florin drew, whose digits may look like a card's.
func uuid(v []byte) bool {
	if len(v) != 38 {
		return false
	}
	for i, c := range v[1:37] {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}

// cardNumber says in which member a JSON text has what looks like a full card number: a string with 13 to 19 digits that stand by themselves, with no more
// than a blank or a hyphen between two of them, that begin as cards do and have their check digit. JSON numbers are amounts and times.
func cardNumber(b []byte) (member string, found bool) {
	switch {
	case len(b) == 0:
	case b[0] == '{':
		jsontext.Members(b, func(key string, v []byte) bool {
			if v = v[:len(v):len(v)]; len(v) > 0 && v[0] == '"' {
				if found = testcard.In(v) && !slices.Contains(numbers, key) && !uuid(v) || testcard.In([]byte(key)); found {
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
