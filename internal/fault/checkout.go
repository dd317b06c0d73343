package fault

import "fmt"

// The refusals of checkout sessions, as developers quote them; where a message is not known, its doc says unverified.

// SessionRecurring refuses a price of a subscription in a session that takes one payment.
func SessionRecurring() *Error {
	return Invalid("", "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.")
}

// SessionWithoutRecurring refuses a session of a subscription to nothing.
func SessionWithoutRecurring() *Error {
	return Invalid("", "You must provide at least one recurring price in `subscription` mode when using prices.")
}

// SessionParamOfMode refuses a parameter that sessions of a mode do not have.
func SessionParamOfMode(param, mode string) *Error {
	return Invalid(param, fmt.Sprintf("You can not pass `%s` in `%s` mode.", param, mode))
}

// QuantityNeeded refuses a line item that does not say how many. unverified: the words.
func QuantityNeeded(item string) *Error {
	return Coded("parameter_missing", item+"[quantity]", "Quantity is required. Add `quantity` to `"+item+"`")
}

// SessionExpiresSoon refuses a session of less than half an hour.
func SessionExpiresSoon() *Error {
	return Invalid("expires_at", "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.")
}

// SessionExpiresLate refuses a session of more than a day.
func SessionExpiresLate() *Error {
	return Invalid("expires_at", "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.")
}

// SessionURL refuses what a browser cannot be sent to.
func SessionURL(param string) *Error { return Coded("url_invalid", param, "Not a valid URL") }

// SessionNotOpen refuses to end a session that is over. unverified: the words.
func SessionNotOpen(status string) *Error {
	return Invalid("", fmt.Sprintf("Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `%s`.", status))
}

// SessionOver refuses to pay a session that is over. unverified: the words.
func SessionOver(status string) *Error {
	what := "has already been completed"
	if status == "expired" {
		what = "has expired"
	}
	return Coded("payment_intent_unexpected_state", "", "This Checkout Session "+what+".")
}

// SessionAmount refuses to pay another amount than the session asks for. unverified: the words.
func SessionAmount() *Error {
	return Invalid("expected_amount", "The amount of this Checkout Session is not the one that was expected. Load the page again to see what is to be paid.")
}

// SessionBusy refuses to pay a session whose payment is under way. unverified: the words.
func SessionBusy() *Error {
	return Invalid("", "A payment for this Checkout Session is being processed.")
}

// SessionDiscounts refuses a second discount of a session. unverified: the words.
func SessionDiscounts() *Error { return TooManyItems("discounts", 1) }

// TrialTooShort refuses a trial that ends too soon for Checkout.
func TrialTooShort(param string) *Error {
	return Invalid(param, "The `trial_end` date has to be at least 2 days in the future.")
}

// PromotionCodeUnknown refuses a code that nobody has made, on the page. The words are ours.
func PromotionCodeUnknown() *Error { return Invalid("promotion_code", "This code is invalid.") }

// PromotionCodeMinimum refuses a promotion code for orders of more. unverified: the words.
func PromotionCodeMinimum(param, minimum string) *Error {
	return Invalid(param, "This promotion code is for orders of at least "+minimum+".")
}

// FieldTwice refuses two custom fields of the same key. unverified: the words.
func FieldTwice(param, key string) *Error {
	return Invalid(param, "The key `"+key+"` is that of another custom field. Keys must be unique.")
}

// FieldAnswer refuses what somebody has answered on the page, in words for him.
func FieldAnswer(param, words string) *Error { return Invalid(param, words) }

// QuantityOutside refuses a quantity that a line item cannot have. unverified: the words.
func QuantityOutside(param string, least, most int64) *Error {
	return Invalid(param, fmt.Sprintf("Choose a quantity between %d and %d.", least, most))
}
