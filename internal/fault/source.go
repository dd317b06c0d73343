package fault

import (
	"fmt"
	"net/http"
)

// SourceNotChargeable refuses to charge a source that its customer has not authorized, or that was charged (quoted by developers).
func SourceNotChargeable() *Error {
	return Invalid("", "The source you provided is not in a chargeable state.")
}

// SourceStep is what a source cannot become; it is a mistake of ours.
func SourceStep(source, from, to string) error {
	return fmt.Errorf("source %s cannot go from %q to %q", source, from, to)
}

// SourceNeedsCustomer refuses to charge a customer's source without naming the customer. unverified: the words.
func SourceNeedsCustomer(source string) *Error {
	return Invalid("customer", "The source "+source+" is attached to a Customer. You must provide that Customer in the `customer` parameter to charge it.")
}

// SourceNotOfCustomer refuses a source that the customer does not have. The words are those that developers quote.
func SourceNotOfCustomer(customer, source string) *Error {
	return Coded("missing", "source", "Customer "+customer+" does not have a linked source with ID "+source+".")
}

// SourceTaken refuses to attach a source that some customer has. unverified: the words.
func SourceTaken() *Error {
	return Invalid("source", "This source has already been attached to a customer.")
}

// SourceCurrencyIs refuses a charge in another currency than the source's. unverified: the words.
func SourceCurrencyIs(currency string) *Error {
	return Invalid("currency", "The currency of the charge must match the currency of the source, which is "+currency+".")
}

// SourceAmountIs refuses a charge of another amount than the source's. unverified: the words.
func SourceAmountIs() *Error {
	return Invalid("amount", "The amount of the charge must match the amount of the source.")
}

// SourceNotFunded refuses to charge more than a receiver has received. unverified: the words.
func SourceNotFunded() *Error {
	return Invalid("amount", "The amount of the charge exceeds what the source has received.")
}

// SourceFlow refuses a flow that a type does not have. unverified: the words.
func SourceFlow(flow, typ string) *Error {
	return Invalid("flow", "Sources of type `"+typ+"` do not support the flow `"+flow+"`.")
}

// SourceTypeCurrency refuses a currency that a type does not take. unverified: the words.
func SourceTypeCurrency(typ, currency string) *Error {
	return Invalid("currency", "Sources of type `"+typ+"` do not support the currency `"+currency+"`.")
}

// SourceUsage refuses to make a source reusable whose type cannot be. unverified: the words.
func SourceUsage(typ string) *Error {
	return Invalid("usage", "Sources of type `"+typ+"` can only be used once.")
}

// SourceParam refuses a parameter that sources of a type do not have. unverified: the words.
func SourceParam(param, what string) *Error {
	return Invalid(param, "The parameter `"+param+"` cannot be used with a "+what+".")
}

// SourceSecret refuses a client secret that is another source's. unverified: the words.
func SourceSecret() *Error {
	return Invalid("client_secret", "The client secret provided does not match the client secret of the source.")
}

// SourceNotPending refuses to change the amount of a source that was authorized. unverified: the words.
func SourceNotPending() *Error {
	return Invalid("amount", "The amount of a source can only be changed while its status is `pending`.")
}

// SourceUnverifiable refuses to verify a source whose type has nothing to verify. unverified: the words.
func SourceUnverifiable(typ string) *Error {
	return Invalid("", "Sources of type `"+typ+"` cannot be verified.")
}

// SourceVerified refuses to verify a source a second time, or once that has failed. unverified: the words.
func SourceVerified(status string) *Error {
	return Invalid("", "This source cannot be verified, because the status of its verification is `"+status+"`.")
}

// SourceCodeWrong refuses values that are not what was sent. unverified: the words.
func SourceCodeWrong() *Error {
	return Invalid("values", "The values provided do not match the values that were sent to the bank account.")
}

// BankUnverified refuses to charge a bank account of which nobody knows that it is the customer's. unverified: the words.
func BankUnverified(param string) *Error {
	return Invalid(param, "This bank account cannot be charged, because it has not been verified.")
}

// BankUnverifiedShare refuses a token of such a bank account for a connected account. Known from: Stripe's list of error codes. unverified: the words.
func BankUnverifiedShare() *Error {
	return Coded("bank_account_unverified", "bank_account", "You cannot share a bank account that has not been verified.")
}

// BankExists refuses a bank account that the customer has. Known from: Stripe's list of error codes. unverified: the words.
func BankExists() *Error {
	return Coded("bank_account_exists", "", "A bank account with that routing number and account number already exists for this customer.")
}

// BankCountry refuses a customer's bank account outside of the United States. unverified: the words.
func BankCountry(param, country string) *Error {
	return Invalid(param, "Bank accounts in "+country+" cannot be used as a source of a customer. Only accounts in US that hold usd can.")
}

// BankAlreadyVerified refuses to verify a bank account a second time. unverified: the words.
func BankAlreadyVerified() *Error {
	return Invalid("", "This bank account has already been verified.")
}

// BankVerificationOver refuses to verify a bank account once that has failed. unverified: the words.
func BankVerificationOver() *Error {
	return Coded("bank_account_verification_failed", "", "This bank account cannot be verified anymore: there were too many failed attempts, or the deposits could not be sent.")
}

// BankAmountsWrong refuses amounts that are not what was deposited (quoted by developers, with the status 402).
func BankAmountsWrong() *Error {
	e := Coded("bank_account_verification_failed", "", "The amounts provided do not match the amounts that were sent to the bank account.")
	e.Status = http.StatusPaymentRequired
	return e
}

// BankAmounts refuses what are not two amounts. unverified: the words.
func BankAmounts() *Error {
	return Invalid("amounts", "You must provide exactly two amounts.")
}

// NotABank refuses to verify a source that is no bank account. unverified: the words.
func NotABank() *Error {
	return Invalid("id", "Only bank accounts can be verified.")
}

// ShareWithoutAccount refuses a token of a customer's source that is for nobody else. unverified: the words.
func ShareWithoutAccount() *Error {
	return Invalid("customer", "You can only create a token from a customer on behalf of a connected account. Use the `Stripe-Account` header.")
}

// CaptureLaterUnsupported refuses to hold money of a type that has nothing to hold. unverified: the words.
func CaptureLaterUnsupported(typ string) *Error {
	return Invalid("capture", "Payments by `"+typ+"` cannot be captured later.")
}

// SourceNotShareable refuses to copy a source to a connected account that is good for one charge only. unverified: the words.
func SourceNotShareable() *Error {
	return Invalid("original_source", "Only reusable sources can be shared with connected accounts.")
}

// ShareSourceWithoutAccount refuses to copy a source to nobody. unverified: the words.
func ShareSourceWithoutAccount() *Error {
	return Invalid("original_source", "You can only copy a source to a connected account. Use the `Stripe-Account` header.")
}

// NotADebitCard refuses to pay an account out to a card that cannot take money. unverified: the words.
func NotADebitCard(param string) *Error {
	return Coded("invalid_card_type", param, "This card doesn't appear to be a debit card that can be paid out to.")
}
