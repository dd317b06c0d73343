package fault

import "fmt"

// The refusals of payment records. Their cases are documented (docs.stripe.com/api/payment-record); the words are Florin's own.

// AttemptDecided refuses to report how an attempt ended that has ended. what is guaranteed, failed or canceled.
// unverified: the words, and that there is no code.
func AttemptDecided(what, record, status string) *Error {
	return Invalid("", fmt.Sprintf("You cannot report that the latest payment attempt of %s was %s because it is already %s.", record, what, status)).AfterStart()
}

// AttemptOpen refuses another attempt while one is under way, or has been guaranteed.
// unverified: the words, and that there is no code.
func AttemptOpen(record, status string) *Error {
	return Invalid("", fmt.Sprintf("You cannot report a new payment attempt on %s because its latest payment attempt is %s. All other payment attempts must be canceled or failed.", record, status)).AfterStart()
}

// AttemptNotGuaranteed refuses the refund of a payment that has not been made.
// unverified: the words, and that there is no code.
func AttemptNotGuaranteed(record, status string) *Error {
	return Invalid("", fmt.Sprintf("You cannot report a refund on %s because its latest payment attempt is %s. Only a guaranteed payment can be refunded.", record, status)).AfterStart()
}

// RefundAboveGuaranteed refuses a refund of more than is left of a payment. Both are as people read amounts.
// unverified: the words.
func RefundAboveGuaranteed(amount, left string) *Error {
	return Invalid("amount[value]", fmt.Sprintf("Refund amount (%s) is greater than unrefunded amount on payment record (%s)", amount, left)).AfterStart()
}

// RefundCurrency refuses a refund in another currency than the payment's.
// unverified: the words.
func RefundCurrency(currency, wanted string) *Error {
	return Invalid("amount[currency]", fmt.Sprintf("The currency of the refund (%s) must be that of the payment record (%s).", currency, wanted)).AfterStart()
}

// RefundReferenceUsed refuses a refund whose reference another one has; that it is unique is documented.
// unverified: the words.
func RefundReferenceUsed(reference string) *Error {
	return Invalid("processor_details[custom][refund_reference]", fmt.Sprintf("A refund with the reference `%s` has already been reported.", reference)).AfterStart()
}

// OutcomeUnfit refuses the particulars of an outcome that is not reported.
// unverified: the words.
func OutcomeUnfit(param, outcome string) *Error {
	return Invalid(param, fmt.Sprintf("You can only specify `%s` with an outcome of `%s`.", param, outcome))
}

// MethodNotCustom refuses a payment method that Stripe itself could have charged, for a payment that was made elsewhere.
// unverified: that it is refused, and the words.
func MethodNotCustom(typ string) *Error {
	return Invalid("payment_method_details[payment_method]", fmt.Sprintf("A payment that is reported must have a payment method of type `custom`; this one has the type `%s`.", typ))
}
