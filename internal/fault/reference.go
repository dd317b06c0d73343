package fault

import (
	"fmt"
	"net/http"
)

// UnknownCountry refuses a country that no account can be in.
// unverified: the words, which are remembered from older answers.
func UnknownCountry(country string) *Error {
	e := Coded("country_code_invalid", "country", fmt.Sprintf("Country '%s' is unknown. Try using a 2-character alphanumeric country code instead, such as "+
		"'US', 'EG', or 'GB'. A full list of supported country codes is available at https://stripe.com/docs/api/country_specs/list", country))
	e.Status = http.StatusNotFound
	return e
}

// The refusals of secrets of apps.

// NoSecret refuses to show a secret that there is none of.
// unverified: the words.
func NoSecret(name string) *Error { return NoSuch("secret", name, "name", http.StatusNotFound) }

// SecretUser refuses a scope whose user is missing, or is one too many.
// unverified: the words.
func SecretUser(param string, wanted bool) *Error {
	if wanted {
		return Missing(param)
	}
	return Invalid(param, "You cannot specify "+param+" unless `scope[type]` is `user`.")
}

// TooManySecrets refuses one more secret of a scope. Documented: ten.
// unverified: the words.
func TooManySecrets(most int) *Error {
	return Invalid("", fmt.Sprintf("A scope can have up to %d secrets. Delete one before you set another.", most))
}
