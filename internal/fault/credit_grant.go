package fault

import "fmt"

// The refusals of credit grants. Known from: Stripe's guide to billing credits, for the rules. unverified: all of their words.

// GrantScope refuses a credit grant that is not for metered prices, or for some, but not for both.
func GrantScope() *Error {
	return Invalid("applicability_config[scope]", "You must pass either `price_type` or `prices`, but not both.")
}

// GrantNotMetered refuses a price that no meter counts the usage of.
func GrantNotMetered(param, price string) *Error {
	return Invalid(param, "The price `"+price+"` is not a metered price with a meter. Credit grants can only apply to metered prices that have a meter.")
}

// GrantInPast refuses a time that lies in the past.
func GrantInPast(param string) *Error { return Invalid(param, "`"+param+"` must be in the future.") }

// GrantExpiresBefore refuses credits that expire before they can be used.
func GrantExpiresBefore() *Error {
	return Invalid("expires_at", "`expires_at` must be after `effective_at`.")
}

// TooManyGrants refuses another credit grant for a customer who has not used so many.
func TooManyGrants(most int) *Error {
	return Invalid("customer", fmt.Sprintf("This customer has reached the maximum of %d unused credit grants.", most))
}

// GrantVoided refuses what cannot be done with a credit grant that is void.
func GrantVoided(id string) *Error {
	return Invalid("id", "The credit grant `"+id+"` has been voided.")
}

// GrantExpired refuses what cannot be done with a credit grant that has expired.
func GrantExpired(id string) *Error { return Invalid("id", "The credit grant `"+id+"` has expired.") }

// GrantUsed refuses to void a credit grant from which an invoice has taken something.
func GrantUsed(id string) *Error {
	return Invalid("id", "The credit grant `"+id+"` cannot be voided, because it has been applied to an invoice. You can expire it instead.")
}

// GrantOfOther refuses a credit grant of another customer.
func GrantOfOther(param, id, customer string) *Error {
	return Invalid(param, "The credit grant `"+id+"` does not belong to customer `"+customer+"`.")
}
