package fault

import "fmt"

// The refusals of setup intents, mandates and confirmation tokens. Known from: facts 05 (5c, 5f), and where it says so from answers of 2026 at
// 2026-08-26.dahlia that are quoted in public repositories.

// setupState is a refusal that the status of a setup intent is the reason of.
func setupState(message string) *Error { return Coded("setup_intent_unexpected_state", "", message) }

// NoMethodToSetUp refuses to confirm a setup intent without a payment method, whatever its status (quoted).
func NoMethodToSetUp() *Error {
	return setupState("You cannot confirm this SetupIntent because it's missing a payment method. You can either update the SetupIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.")
}

// CannotConfirmSetup refuses to confirm a setup intent that has ended. Quoted of succeeded; unverified: the words of the others.
func CannotConfirmSetup(status string) *Error {
	switch status {
	case "succeeded":
		return setupState("You cannot confirm this SetupIntent because it has already succeeded.")
	case "canceled":
		return setupState("You cannot confirm this SetupIntent because it has been canceled.")
	}
	return setupState(fmt.Sprintf("You cannot confirm this SetupIntent because it has a status of %s. Only a SetupIntent with one of the following statuses may be confirmed: `requires_payment_method`, `requires_confirmation`, or `requires_action`.", status))
}

// CannotUpdateSetup refuses to give a setup intent that has ended another payment method. Quoted of succeeded; unverified: the others.
func CannotUpdateSetup(status string) *Error {
	switch status {
	case "succeeded":
		return setupState("You cannot update this SetupIntent because it has already succeeded.")
	case "canceled":
		return setupState("You cannot update this SetupIntent because it has been canceled.")
	}
	return setupState(fmt.Sprintf("You cannot update this SetupIntent because it has a status of %s.", status))
}

// CannotCancelSetup refuses to cancel a setup intent that has ended (recorded, "it it" included).
func CannotCancelSetup(status string) *Error {
	if status == "canceled" {
		return setupState("You cannot cancel this SetupIntent because it it already canceled.")
	}
	return setupState(fmt.Sprintf("You cannot cancel this SetupIntent because it has a status of %s. Only a SetupIntent with one of the following statuses may be canceled: `requires_payment_method`, `requires_confirmation`, or `requires_action`.", status))
}

// NothingToVerify refuses microdeposits of a setup intent that waits for none (quoted; the list in it is Stripe's).
func NothingToVerify(status string) *Error {
	return Coded("intent_invalid_state", "", fmt.Sprintf("This SetupIntent cannot be actioned on because it has a status of %s. Only a SetupIntent with one of the following statuses may be actioned on: [\"requires_action\"].", status))
}

// Microdeposits refuses what somebody says of the microdeposits that were sent; what is amounts_mismatch, amounts_invalid,
// descriptor_code_mismatch, attempts_exceeded or timeout. Known from: facts 05f (codes). unverified: the words.
func Microdeposits(what string) *Error {
	code, param := "payment_method_microdeposit_verification_"+what, ""
	message := "The amounts provided do not match the amounts that were sent to the bank account."
	switch what {
	case "amounts_invalid":
		message, param = "You must provide exactly two microdeposit amounts.", "amounts"
	case "descriptor_code_mismatch":
		message = "The verification code provided does not match the one sent to the bank account."
	case "attempts_exceeded":
		message = "You have exceeded the number of allowed verification attempts."
	case "timeout":
		message = "Microdeposit verification has timed out: the bank account was not verified in time."
	}
	return Coded(code, param, message)
}

// CustomerOfMethodNeeded refuses a setup with another's payment method without saying so (quoted).
func CustomerOfMethodNeeded(method, customer string) *Error {
	return Invalid("payment_method", fmt.Sprintf("The payment method supplied (%s) belongs to the Customer %s. Please include the Customer in the `customer` parameter on the SetupIntent.", method, customer))
}

// SetupTypeNotAllowed refuses a payment method of a type that the setup intent does not take. unverified: the words, which are those of
// payment intents.
func SetupTypeNotAllowed(typ, allowed string) *Error {
	return Invalid("payment_method", fmt.Sprintf("The PaymentMethod provided (%s) is not allowed for this SetupIntent. Please attach a PaymentMethod of one of the following types: %s.", typ, allowed))
}

// UnknownSetupType refuses a type of payment method that there is none of. unverified: the code.
func UnknownSetupType(typ string) *Error {
	e := UnknownMethodType(0, typ)
	e.Code = "setup_intent_invalid_parameter"
	return e
}

// TypeNotSetUp refuses a type of payment method that cannot be kept for later. unverified: the words.
func TypeNotSetUp(typ string) *Error {
	return Coded("setup_intent_invalid_parameter", "payment_method_types", fmt.Sprintf("The payment method type `%s` cannot be used with SetupIntents.", typ))
}

// SetupExpired is the last error of a setup intent whose customer has not answered in time. Known from: facts 13 (F3, the code); unverified: the words.
func SetupExpired() *Error {
	return Coded("setup_intent_setup_attempt_expired", "", "The latest attempt to set up the payment method has failed or expired. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this SetupIntent again.")
}

// SetupReturnURLRequired refuses to confirm a setup intent that may redirect the customer, without saying where to.
func SetupReturnURLRequired() *Error {
	return Invalid("", "This SetupIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.")
}

// SetupAuthenticationFailed is the last error of a setup intent whose customer did not authenticate (in Stripe's mobile SDKs' tests).
func SetupAuthenticationFailed() *Error {
	return Coded("setup_intent_authentication_failure", "", "The latest attempt to set up the payment method has failed because authentication failed.")
}

// MandateNeeded refuses to set a bank account up without its holder's consent. unverified: the words, and that there is no param.
func MandateNeeded() *Error {
	return Coded("setup_intent_mandate_invalid", "", "This SetupIntent requires a mandate, but no existing mandate was found. Collect mandate acceptance from the customer and try again, providing acceptance data in the mandate_data parameter.")
}

// MandateNotUsable refuses to pay by a mandate that is over, or another payment method's. unverified: the words.
func MandateNotUsable(mandate, why string) *Error {
	return Coded("payment_intent_mandate_invalid", "mandate", fmt.Sprintf("The mandate %s cannot be used for this PaymentIntent because %s.", mandate, why))
}

// TokenOfAnotherIntent refuses a confirmation token that was used or is too old. Known from: facts 05f (the code for payment intents, without
// param). unverified: the code for setup intents, and the words.
func TokenOfAnotherIntent(token string, setup, expired bool) *Error {
	code := "payment_intent_confirmation_token_invalid"
	if setup {
		code = "setup_intent_confirmation_token_invalid"
	}
	if expired {
		return Coded(code, "", fmt.Sprintf("The ConfirmationToken %s has expired. Please create a new ConfirmationToken and try again.", token))
	}
	return Coded(code, "", fmt.Sprintf("The ConfirmationToken %s has already been used. A ConfirmationToken can only be used once.", token))
}

// TokenMismatch refuses a confirmation token that was made for another use than the intent's; "" is null. The words are quoted up to "as the".
func TokenMismatch(param, wanted, got string) *Error {
	null := func(s string) string {
		if s == "" {
			return "null"
		}
		return s
	}
	return Invalid(param, fmt.Sprintf("The provided %s (%s) does not match the %s from the provided confirmation_token (%s). Try confirming with a Payment Intent that is configured to use the same parameters as the confirmation_token.", param, null(wanted), param, null(got)))
}

// NoComponent refuses a customer session that is for nothing. unverified: the words.
func NoComponent() *Error {
	return Invalid("components", "You must enable at least one component.")
}

// VersionNeeded refuses to make an ephemeral key for no version. Known from: facts 11g (that it is needed). unverified: the words.
func VersionNeeded() *Error {
	return Invalid("", "You must pass a Stripe-Version header to create an ephemeral key.")
}

// EphemeralFor refuses to make an ephemeral key for nothing. unverified: the words.
func EphemeralFor() *Error {
	return Coded("parameter_missing", "", "You must supply one of customer, issuing_card or verification_session.")
}

// NotForEphemeral refuses an ephemeral key what it was not made for. unverified: the words.
func NotForEphemeral(masked string) *Error {
	e := Invalid("", fmt.Sprintf("The provided key '%s' is an ephemeral key, which does not have access to this resource.", masked))
	e.Status = 403
	return e
}

// SetupNotBuilt refuses, by name, to set up a type of payment method that Florin only keeps so far.
func SetupNotBuilt(typ string) *Error {
	e := MethodNotBuilt(typ)
	e.Message = fmt.Sprintf("Florin cannot set up a payment method of type `%s` yet. COVERAGE.md lists what it has.", typ)
	return e
}
