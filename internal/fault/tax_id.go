package fault

import "fmt"

// TaxIDInvalid refuses a value that its type cannot have. Recorded by a public repository (facts 05f); the words are documented.
func TaxIDInvalid(typ, param string) *Error {
	return Coded("tax_id_invalid", param, "Invalid value for "+typ+".")
}

// TooManyTaxIDs refuses one more tax id of a customer. Documented: five.
// unverified: the words.
func TooManyTaxIDs(most int) *Error {
	return Invalid("", fmt.Sprintf("A customer can have up to %d tax IDs.", most))
}
