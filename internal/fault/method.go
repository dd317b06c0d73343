package fault

import (
	"fmt"
	"strings"
)

// The refusals that have to do with types of payment method other than cards. Known from: facts 05f, 14e, 14g.

// DefaultConfiguration refuses to switch off the configuration that every account has. unverified: the words.
func DefaultConfiguration() *Error {
	return Invalid("active", "You cannot deactivate the default payment method configuration.")
}

// InactiveConfiguration refuses to choose by a configuration that is switched off. unverified: the words.
func InactiveConfiguration(id string) *Error {
	return Invalid("payment_method_configuration", fmt.Sprintf("The payment method configuration '%s' is not active.", id))
}

// NotDomainName refuses what is no name of the web. unverified: the words.
func NotDomainName(name string) *Error {
	return Invalid("domain_name", fmt.Sprintf("Invalid domain name: %s", name))
}

// TypeCurrency refuses an intent with a currency that one of its types of payment method cannot take. Known from: a remote test of a public
// repository (the words); unverified: the code.
func TypeCurrency(currency string) *Error {
	return Coded("payment_intent_invalid_parameter", "currency", fmt.Sprintf("The currency provided (%s) is invalid for one or more payment method types on this PaymentIntent.", currency))
}

// TypeAmount refuses an intent with an amount that a type of payment method cannot take; both are formatted. unverified: the words.
func TypeAmount(typ, limit string, tooLarge bool) *Error {
	if tooLarge {
		return Coded("amount_too_large", "amount", fmt.Sprintf("Amount must be no more than %s for the payment method type `%s`.", limit, typ))
	}
	return Coded("amount_too_small", "amount", fmt.Sprintf("Amount must be at least %s for the payment method type `%s`.", limit, typ))
}

// TypeNotLater refuses to capture later what a type of payment method cannot hold. unverified: the words.
func TypeNotLater(typ string) *Error {
	return Coded("payment_intent_invalid_parameter", "capture_method", fmt.Sprintf("The payment method type `%s` cannot be used with `capture_method=manual`.", typ))
}

// TypeNotKept refuses to keep for later what a type of payment method cannot. unverified: the words.
func TypeNotKept(typ, usage string) *Error {
	return Coded("payment_intent_invalid_parameter", "setup_future_usage", fmt.Sprintf("The payment method type `%s` cannot be used with `setup_future_usage=%s`.", typ, usage))
}

// TypeNeedsCustomer refuses a bank transfer of nobody. unverified: the words.
func TypeNeedsCustomer(typ string) *Error {
	return Coded("parameter_missing", "customer", fmt.Sprintf("You must provide a customer when using the payment method type `%s`.", typ))
}

// NoTypeLeft refuses an intent that no type of payment method suits. unverified: the words.
func NoTypeLeft() *Error {
	return Coded("payment_intent_invalid_parameter", "payment_method_types", "No valid payment method types for this Payment Intent. Please ensure that you have activated payment methods compatible with your chosen currency in your dashboard or specify payment_method_types.")
}

// BillingDetailsNeeded refuses to confirm without a detail that the type of payment method needs. unverified: the words.
func BillingDetailsNeeded(detail string) *Error {
	return Coded("parameter_missing", "billing_details["+detail+"]", "Missing required param: billing_details["+detail+"].")
}

// PaymentMandateNeeded refuses to debit an account without its holder's consent (quoted).
func PaymentMandateNeeded() *Error {
	return Coded("payment_intent_mandate_invalid", "", "This PaymentIntent requires a mandate, but no existing mandate was found. Collect mandate acceptance from the customer and try again, providing acceptance data in the mandate_data parameter.")
}

// TypeReturnURL refuses to send a customer away without knowing where to come back to. unverified: the words.
func TypeReturnURL(typ string) *Error {
	return Coded("parameter_missing", "return_url", fmt.Sprintf("You must provide a `return_url` when confirming using a PaymentMethod with type %s.", typ))
}

// NothingToVerifyOf refuses microdeposits of a payment intent that waits for none. Known from: facts 05f (the code).
func NothingToVerifyOf(status string) *Error {
	return state(fmt.Sprintf("You cannot verify microdeposits for this PaymentIntent because it has a status of %s. Only a PaymentIntent with status requires_action and a next_action of type verify_with_microdeposits may be verified.", status))
}

// MicrodepositsFailed is the last error of an intent whose bank account small deposits cannot be sent to. unverified: the words.
func MicrodepositsFailed() *Error {
	return Coded("payment_method_microdeposit_failed", "", "Microdeposits could not be sent to the customer's bank account. Ask the customer to check the account and routing numbers.")
}

// PaymentFailed is the last error of an intent whose payment has failed after it was under way.
func PaymentFailed(code, message string) *Error { return Coded(code, "", message) }

// NoCash refuses a payment from a customer's balance that is not enough. unverified: the words.
func NoCash(left, currency string) *Error {
	return Coded("insufficient_funds", "", fmt.Sprintf("The customer does not have enough cash in %s to pay for this: %s is missing.", strings.ToUpper(currency), left))
}

// CannotApplyBalance refuses to apply a customer's balance to an intent that waits for no bank transfer. unverified: the words.
func CannotApplyBalance(status string) *Error {
	return state(fmt.Sprintf("You cannot apply the customer's balance to this PaymentIntent because it has a status of %s. Only a PaymentIntent with a status of requires_action that waits for a bank transfer can be funded.", status))
}

// ApplyTooMuch refuses to apply more than the intent still needs, or more than there is. unverified: the words.
func ApplyTooMuch(amount, most string) *Error {
	return Invalid("amount", fmt.Sprintf("The amount (%s) is greater than the amount that can be applied (%s).", amount, most))
}

// BankTransferType refuses a kind of bank transfer that does not carry the currency. unverified: the words.
func BankTransferType(param, typ, currency string) *Error {
	return Invalid(param, fmt.Sprintf("The bank transfer type `%s` cannot be used with the currency %s.", typ, currency))
}

// BankTransferCountry refuses a country in which there are no accounts for bank transfers. unverified: the words.
func BankTransferCountry(param, country string) *Error {
	return Invalid(param, fmt.Sprintf("Bank transfers are not available in %s. Use one of BE, DE, ES, FR, IE, or NL.", country))
}

// NotRefundable refuses to refund a type of payment that cannot be. unverified: the words.
func NotRefundable(charge, typ string) *Error {
	return Coded("charge_not_refundable", "", fmt.Sprintf("Charge %s was paid by %s, which does not support refunds.", charge, typ)).AfterStart()
}

// RefundTooLate refuses to refund a payment after the days in which its type can be. unverified: the words.
func RefundTooLate(charge, typ string, days int64) *Error {
	return Coded("charge_not_refundable", "", fmt.Sprintf("Charge %s is too old to be refunded: payments by %s can be refunded within %d days.", charge, typ, days)).AfterStart()
}

// WholeOnly refuses to capture a part of what is captured as a whole. unverified: the words.
func WholeOnly(typ string) *Error {
	return Invalid("amount_to_capture", fmt.Sprintf("Payments by %s can only be captured in full.", typ)).AfterStart()
}

// BlikCode refuses a code that is not six digits. unverified: the words.
func BlikCode() *Error {
	return Coded("payment_method_invalid_parameter", "payment_method_options[blik][code]", "The BLIK code must be 6 digits.")
}

// KonbiniNumber refuses a confirmation number that is not 10 or 11 digits; rejected is Stripe's own word for one that a chain does not take.
func KonbiniNumber(rejected bool) *Error {
	const param = "payment_method_options[konbini][confirmation_number]"
	if rejected {
		return Coded("payment_intent_konbini_rejected_confirmation_number", param, "The confirmation number was rejected. Use another one.") // unverified: the words
	}
	return Coded("parameter_invalid_string", param, "The confirmation number must be 10 to 11 digits.") // unverified: the words, and the code
}

// WechatClient refuses a WeChat payment that does not say where the customer is. unverified: the words.
func WechatClient() *Error { return Missing("payment_method_options[wechat_pay][client]") }

// BankTransferCurrency refuses a currency in which there are no bank transfers. unverified: the words.
func BankTransferCurrency(currency string) *Error {
	return Invalid("currency", fmt.Sprintf("Bank transfers in %s are not available. Use one of usd, eur, gbp, jpy, or mxn.", currency))
}

// CustomerHasCash refuses to delete a customer whose money is kept here. Known from: facts 05f; unverified: the words.
func CustomerHasCash() *Error {
	return Invalid("", "You cannot delete a customer with a positive cash balance. Apply or refund the balance first.")
}

// RefundEmailNeeded refuses a refund of whose customer nobody knows how to ask for a bank account. Known from: facts 14f; unverified: the words.
func RefundEmailNeeded() *Error {
	return Coded("parameter_missing", "instructions_email", "The customer's email address is needed to send refund instructions. Provide it in `instructions_email`.")
}

// RefundMoreThanCash refuses to give back more cash than a customer has. unverified: the words and the code.
func RefundMoreThanCash(amount, has string) *Error {
	return Invalid("amount", fmt.Sprintf("Refund amount (%s) is greater than the customer's available cash balance (%s)", amount, has))
}

// CannotExpireRefund refuses to end a refund that does not wait for the customer. unverified: the words.
func CannotExpireRefund(status string) *Error {
	return Invalid("", fmt.Sprintf("You can only expire refunds with the status `requires_action`. This refund has the status `%s`.", status)).AfterStart()
}
