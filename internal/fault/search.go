package fault

import (
	"fmt"
	"strings"
)

// Refusals of a search query carry neither code nor param (facts 06). The words of the first two were reported from live Stripe; those of the
// others are ours until somebody sees Stripe's.

// SearchUnparsable refuses a query that does not follow the grammar: an empty one, a quote left open, a word without quotes.
func SearchUnparsable() *Error {
	return Invalid("", "We were unable to parse your search query. Try using the format `metadata[\"key\"]:\"value\"` to query for metadata or key:\"value\" to query for other fields.")
}

// SearchField refuses a field that the resource, named as in its URL, cannot be searched by.
func SearchField(field, resource string) *Error {
	return Invalid("", fmt.Sprintf("Field `%s` is an unsupported search field for resource `%s`. See http://stripe.com/docs/search#query-fields-for-%s for a list of supported fields.",
		field, resource, strings.ReplaceAll(resource, "_", "-")))
}

// SearchOperator refuses an operator that the type of the field does not have.
func SearchOperator(field, operator string) *Error {
	// unverified: the words.
	return Invalid("", fmt.Sprintf("Field `%s` does not support the operator `%s`. See http://stripe.com/docs/search#search-query-language for a list of supported operators.", field, operator))
}

// SearchNumber refuses a value that is no integer for a numeric field.
func SearchNumber(field, value string) *Error {
	// unverified: the words.
	return Invalid("", fmt.Sprintf("Invalid value `%s` for search field `%s`: must be an integer.", value, field))
}

// SearchTooShort refuses a substring of fewer than three characters.
func SearchTooShort(field string) *Error {
	// unverified: the words.
	return Invalid("", fmt.Sprintf("The value of a substring search on field `%s` must be at least 3 characters long.", field))
}

// SearchMixed refuses a query that joins its clauses by both AND and OR.
func SearchMixed() *Error {
	// unverified: the words.
	return Invalid("", "You cannot use both AND and OR in the same search query.")
}

// SearchTooMany refuses a query of more clauses than the limit.
func SearchTooMany(limit int) *Error {
	// unverified: the words.
	return Invalid("", fmt.Sprintf("You can combine up to %d query clauses in a search.", limit))
}
