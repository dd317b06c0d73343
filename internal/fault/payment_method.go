package fault

// AlreadyAttached refuses to attach a payment method that has a customer, be it the same (recorded: facts 05f).
func AlreadyAttached() *Error {
	return Invalid("", "The payment method you provided has already been attached to a customer.").AfterStart()
}

// PaymentMethodSpent refuses a payment method that was used once without a customer, or was detached (recorded: facts 05f).
func PaymentMethodSpent() *Error {
	return Invalid("", "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account "+
		"without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must "+
		"attach it to a Customer first.").AfterStart()
}

// CannotDetach refuses to detach a payment method that has no customer, without code and param (facts 05f; words quoted in
// stripe-ruby-mock#751 and several public repositories).
func CannotDetach() *Error {
	return Invalid("", "The payment method you provided is not attached to a customer so detachment is impossible.").AfterStart()
}

// CannotUpdateUnattached refuses to change a payment method that has no customer (stripe-ruby-mock's test that runs against live Stripe).
func CannotUpdateUnattached() *Error {
	return Invalid("", "You must save this PaymentMethod to a customer before you can update it.").AfterStart()
}

// CustomerNeeded refuses the use of a payment method that has a customer in a request that names none (quoted from live answers to the
// cloning of payment methods). unverified: that payment intents say the same.
func CustomerNeeded(param string) *Error {
	return Invalid(param, "The payment method you provided is attached to a customer so for security purposes you must provide the customer in the request.")
}

// OtherCustomer refuses the use of a payment method for another customer than its own. unverified: the words, which are from memory.
func OtherCustomer(paymentMethod, customer, param string) *Error {
	return Invalid(param, "The PaymentMethod "+paymentMethod+" does not belong to the Customer you supplied "+customer+
		". Please use this PaymentMethod with the Customer that it belongs to instead.")
}

// NotAttachable refuses to attach a payment method of a type that can be used only once. unverified: the words.
func NotAttachable(typ string) *Error {
	return Invalid("", "Payment methods of type `"+typ+"` cannot be attached to a customer, because they can only be used once.").AfterStart()
}

// OtherType refuses the hash of one type in a payment method of another. unverified: the words.
func OtherType(param, typ string) *Error {
	return Invalid(param, "You cannot pass `"+param+"` for a payment method with the type `"+typ+"`.")
}

// NetworkNotSupported refuses a preferred network that the card does not run on. unverified: the words.
func NetworkNotSupported(param, network string) *Error {
	return Invalid(param, "The card does not support the network `"+network+"`.")
}

// TokenUsed refuses a token that was used before: 400 token_already_used without param (facts 05f; the words are those that developers quote).
func TokenUsed(token string) *Error {
	return Coded("token_already_used", "", "You cannot use a Stripe token more than once: "+token+".")
}

// TokenOfNothing refuses a token that is made of nothing: parameter_missing without a param (facts 05a). The beginning of the words is
// quoted in public repositories ("You must supply either a card, customer, PII data, bank account"); unverified: the rest.
func TokenOfNothing() *Error {
	return Coded("parameter_missing", "", "You must supply either a card, customer, PII data, bank account, or account legal entity to create a token.")
}

// InvalidIBAN refuses an IBAN whose check digits are wrong. unverified: the code and the words.
func InvalidIBAN(param string) *Error {
	return Coded("invalid_bank_account_iban", param, "The IBAN you provided is invalid.")
}

// InvalidBankNumber refuses an account, routing or sort number of the wrong shape. unverified: the words.
func InvalidBankNumber(code, param, what string) *Error {
	return Coded(code, param, "Invalid "+what+".")
}
