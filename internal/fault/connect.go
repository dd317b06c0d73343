package fault

// The refusals of Connect. Known from: facts 02, 05, 16j, and recordings.

// OnlyPlatforms refuses to make accounts to a connected account.
func OnlyPlatforms() *Error {
	return Invalid("", "You can only create new accounts if you've signed up for Connect, which you can do at https://dashboard.stripe.com/connect.")
}

// RepresentativeStays refuses to delete the representative of an account.
// unverified: Stripe's words.
func RepresentativeStays() *Error {
	return Invalid("", "You cannot delete the representative of an account.")
}

// ControllerConflict refuses responsibilities that do not go together.
// unverified: Stripe's words.
func ControllerConflict(param, message string) *Error { return Invalid(param, message) }

// CountryUnsupported refuses a country in which there can be no account.
// unverified: Stripe's words.
func CountryUnsupported(country string) *Error {
	return Coded("country_unsupported", "country", country+" is not currently supported by Stripe.")
}

// UnknownCapability refuses a capability that there is none of.
// unverified: Stripe's words.
func UnknownCapability(name, param string) *Error {
	return Invalid(param, "Invalid "+param+": there is no capability `"+name+"`.")
}

// TestAccountNumber refuses a bank account number that is none of test mode's.
func TestAccountNumber(param string) *Error {
	return Coded("account_number_invalid", param, "You must use a test bank account number in test mode. Try 000123456789 or see more options at https://stripe.com/docs/connect/testing#account-numbers.")
}

// DefaultExternalAccount refuses to delete the bank account or card that the account is paid out to.
func DefaultExternalAccount() *Error {
	return Invalid("", "You cannot delete the default external account for your default currency. Please make another external account the default using the `default_for_currency` param, and then delete this one.")
}

// LoginBeforeOnboarding refuses a link into the Express dashboard of an account that is not filled in.
func LoginBeforeOnboarding() *Error {
	return Invalid("", "Cannot create a login link for an account that has not completed onboarding.")
}

// NoExpressDashboard refuses a login link to an account without the Express dashboard.
// unverified: Stripe's words.
func NoExpressDashboard(account string) *Error {
	return Invalid("", "Cannot create a login link for account "+account+", which does not have access to the Express Dashboard.")
}

// AccountHasBalance refuses to delete an account of live mode that still has money, or owes some.
// unverified: Stripe's words.
func AccountHasBalance(account string) *Error {
	return Invalid("", "Account "+account+" cannot be deleted, as it has a balance that is not zero.")
}

// NotControlled refuses what only the platform that answers for an account may do.
// unverified: Stripe's words.
func NotControlled(account string) *Error {
	return Invalid("", "This application does not have the required permissions for this endpoint on account '"+account+"'.")
}
