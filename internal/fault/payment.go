package fault

import (
	"fmt"
	"net/http"
	"strings"
)

// The refusals of payment intents, charges and refunds. Known from: facts 05 (5a, 5f), 08, 11.

// AmountBelowMinimum refuses an amount of less than one minor unit; the words changed with the versions of 2023.
func AmountBelowMinimum(newer bool) *Error {
	if newer {
		return AmountBelowOne()
	}
	return BelowMinimum("amount", 1)
}

// DescriptorTooLong refuses a statement descriptor of over most characters.
func DescriptorTooLong(param, text string, most int) *Error {
	return Invalid(param, fmt.Sprintf("The statement descriptor must be at most %d characters. %s is %d characters long.", most, text, len([]rune(text))))
}

// DescriptorCharacter refuses a statement descriptor for a character that statements cannot show.
func DescriptorCharacter(param, character string) *Error {
	return Invalid(param, "The statement descriptor cannot include "+character+".")
}

// DescriptorNoLetter refuses a statement descriptor without a letter.
func DescriptorNoLetter(param string) *Error {
	return Invalid(param, "The statement descriptor must contain at least one Latin character.")
}

// OnlyOneOfMethods refuses to be told types of payment methods and to choose them.
func OnlyOneOfMethods() *Error {
	return Invalid("automatic_payment_methods", "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.")
}

// OnlyWithConfirm refuses a parameter that means something only while confirming.
// unverified: Stripe's words are known for off_session only.
func OnlyWithConfirm(param string) *Error {
	return Coded("parameter_missing", param, fmt.Sprintf("You cannot set `%s` without setting `confirm=true`.", param))
}

// UnknownMethodType refuses a type of payment method that there is none of.
func UnknownMethodType(i int, typ string) *Error {
	return Coded("payment_intent_invalid_parameter", "payment_method_types", fmt.Sprintf("The payment method type %q is invalid. Please ensure the provided type is activated in your dashboard (https://dashboard.stripe.com/account/payments/settings) and your account is enabled for any preview features that you are trying to use.", typ))
}

// MethodTypeNotAllowed refuses a payment method of a type that the intent does not take.
// unverified: Stripe's words, and the code.
func MethodTypeNotAllowed(typ string, allowed []string) *Error {
	return Invalid("payment_method", fmt.Sprintf("The PaymentMethod provided (%s) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of the following types: %s.", typ, strings.Join(allowed, ", ")))
}

// WrongClientSecret refuses a client_secret that is not the object's.
func WrongClientSecret(kind string) *Error {
	return Invalid("client_secret", "The client_secret provided does not match any associated "+kind+" on this account. Ensure the publishable key used belongs to the same account that created the "+kind+".")
}

// PublishableParam refuses a parameter that only a secret key may send.
// unverified: Stripe's words are not known.
func PublishableParam(param string) *Error {
	return Invalid(param, fmt.Sprintf("You cannot set `%s` with a publishable API key. Please use a secret API key.", param))
}

// state is a refusal that the status of an intent is the reason of.
func state(message string) *Error { return Coded("payment_intent_unexpected_state", "", message) }

// CannotUpdateIntent refuses to change a parameter of an intent that is past it.
func CannotUpdateIntent(status, param string) *Error {
	e := state(fmt.Sprintf("This PaymentIntent's %s could not be updated because it has a status of %s. You may only update the %s of a PaymentIntent with one of the following statuses: requires_payment_method, requires_confirmation, requires_action.", param, status, param))
	e.Param = param
	return e
}

// AlreadySucceeded refuses to confirm what has succeeded.
func AlreadySucceeded() *Error {
	return state("You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.")
}

// CannotConfirm refuses to confirm an intent in another status that cannot be.
func CannotConfirm(status string) *Error {
	return state(fmt.Sprintf("You cannot confirm this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of the following statuses may be confirmed: requires_payment_method, requires_confirmation, requires_action.", status))
}

// NoMethodToConfirm refuses to confirm an intent without a payment method.
func NoMethodToConfirm() *Error {
	return state("You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.")
}

// ReturnURLRequired refuses to confirm an intent that may redirect the customer, without saying where to.
func ReturnURLRequired() *Error {
	return Invalid("", "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.")
}

// CannotCapture refuses to capture what is not held.
func CannotCapture(status string) *Error {
	return state(fmt.Sprintf("This PaymentIntent could not be captured because it has a status of %s. Only a PaymentIntent with a status of requires_capture may be captured.", status))
}

// AlreadyCaptured refuses to capture twice.
func AlreadyCaptured() *Error {
	return state("This PaymentIntent could not be captured because it has already been captured.")
}

// CaptureTooMuch refuses to capture more than is held. Both are formatted amounts.
func CaptureTooMuch(param string) *Error {
	return Coded("amount_too_large", param, "The requested capture amount is greater than the amount you can capture for this charge.")
}

// CannotCancel refuses to cancel what has ended.
func CannotCancel(status string) *Error {
	return state(fmt.Sprintf("You cannot cancel this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action, processing.", status))
}

// CannotIncrement refuses to hold more on an intent that holds nothing.
func CannotIncrement(status string) *Error {
	return state(fmt.Sprintf("You cannot increment the authorization of this PaymentIntent because it has a status of %s. Only a PaymentIntent with a status of requires_capture may be incremented.", status))
}

// IncrementNotEligible refuses to hold more where the payment did not ask to be able to.
func IncrementNotEligible() *Error {
	return Coded("payment_intent_invalid_parameter", "", "This PaymentIntent is not eligible for the requested card features. Learn more about incremental authorization at https://stripe.com/docs/payments/incremental-authorization.")
}

// IncrementTooSmall refuses an increment that does not raise the amount.
func IncrementTooSmall() *Error {
	return Invalid("amount", "The amount must be greater than the amount that is currently authorized.") // unverified: Stripe's words
}

// AuthenticationFailed is the last error of an intent whose customer did not authenticate.
func AuthenticationFailed() *Error {
	return Coded("payment_intent_authentication_failure", "", "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.")
}

// LiveWithoutAcquirer refuses a card in live mode while no acquirer is configured. Known from: design §5; the words are Stripe's for an account
// that is not activated.
func LiveWithoutAcquirer() *Error {
	return Invalid("", "Your account cannot currently make live charges.")
}

// ConnectNotBuilt refuses a parameter of Connect.
func ConnectNotBuilt(param string) *Error {
	return Invalid(param, "Only Stripe Connect platforms can work with other accounts. If you specified a client_id parameter, make sure it's correct.")
}

// ParamNotBuilt refuses, by name, a parameter whose behaviour Florin does not have yet.
func ParamNotBuilt(param string) *Error {
	return &Error{Status: http.StatusNotImplemented, Type: API, Param: param, Message: fmt.Sprintf("Florin does not have the parameter `%s` of this operation yet. COVERAGE.md lists what it has.", param)}
}

// MethodNotBuilt refuses, by name, to charge a type of payment method that Florin only keeps so far.
func MethodNotBuilt(typ string) *Error {
	return &Error{Status: http.StatusNotImplemented, Type: API, Message: fmt.Sprintf("Florin cannot take payments by `%s` yet. COVERAGE.md lists what it has.", typ)}
}

// AlreadyRefunded refuses to refund what has been.
func AlreadyRefunded(charge string) *Error {
	return Coded("charge_already_refunded", "", "Charge "+charge+" has already been refunded.").AfterStart()
}

// ChargedBack refuses to refund what is disputed.
func ChargedBack(charge string) *Error {
	return Coded("charge_disputed", "", "Charge "+charge+" has been charged back; cannot issue a refund.").AfterStart()
}

// RefundTooMuch refuses to refund more than is left. The amounts are formatted; partly says that some has been refunded before.
func RefundTooMuch(refund, left string, partly bool) *Error {
	what := "charge amount"
	if partly {
		what = "unrefunded amount on charge"
	}
	return Invalid("amount", fmt.Sprintf("Refund amount (%s) is greater than %s (%s)", refund, what, left)).AfterStart()
}

// PartOfUncaptured refuses to refund a part of what is only held: a smaller capture lets go of the rest. unverified: Stripe's words.
func PartOfUncaptured() *Error {
	return Invalid("amount", "You cannot partially refund an uncaptured charge. Instead, capture the charge for an amount less than the original amount.").AfterStart()
}

// NothingToRefund refuses to refund an intent that has taken nothing. Known from: facts 05 (no code, no param); unverified: the words.
func NothingToRefund(intent, status string) *Error {
	return Invalid("", fmt.Sprintf("This PaymentIntent (%s) does not have a successful charge to refund.", intent)).AfterStart()
}

// ChargeNotRefundable refuses to refund a charge that has failed.
func ChargeNotRefundable(charge string) *Error {
	return Invalid("", "Charge "+charge+" is not in a state that can be refunded.").AfterStart() // unverified: Stripe's words
}

// RefundWhich refuses a refund that does not say what of.
func RefundWhich() *Error {
	return Coded("parameter_missing", "", "One of the following params should be provided for this request: payment_intent or charge.")
}

// CannotCancelRefund refuses to cancel a refund that has gone.
func CannotCancelRefund(status string) *Error {
	return Invalid("", fmt.Sprintf("You can only cancel refunds with the status `requires_action`. This refund has the status `%s`.", status)).AfterStart() // unverified: Stripe's words
}

// ChargeAlreadyCaptured refuses to capture a charge twice.
func ChargeAlreadyCaptured(charge string) *Error {
	return Coded("charge_already_captured", "", "Charge "+charge+" has already been captured.").AfterStart()
}

// ChargeOfIntent refuses to capture by the older route what belongs to an intent.
func ChargeOfIntent(intent string) *Error {
	return Invalid("", "This charge was created by a PaymentIntent ("+intent+"). Capture the PaymentIntent instead.") // unverified: Stripe's words
}

// MustProvideSource refuses a charge that says nothing of what to charge.
func MustProvideSource() *Error {
	return Coded("parameter_missing", "", "Must provide source or customer.")
}

// NoCardOnCustomer refuses to charge a customer who has nothing to charge.
func NoCardOnCustomer() *Error {
	e := Coded("missing", "card", "Cannot charge a customer that has no active card")
	e.Status, e.Type, e.Executed = http.StatusPaymentRequired, Card, true
	return e
}

// ChargeNotCapturable refuses to capture a charge that has failed or was let go.
func ChargeNotCapturable(charge string) *Error {
	return Invalid("", "Charge "+charge+" could not be captured because it has failed, has expired, or has been refunded.").AfterStart() // unverified: Stripe's words
}
