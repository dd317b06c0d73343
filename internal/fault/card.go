package fault

import "net/http"

// A Decline is why a card was refused: by its issuer, by Radar, or because its data is wrong. Empty fields are left out.
type Decline struct {
	Code               string // the error's code: card_declined, expired_card, …
	DeclineCode        string // the issuer's reason
	Param              string
	Message            string
	AdviceCode         string // try_again_later, do_not_try_again, confirm_card_data
	NetworkDeclineCode string // as the network sends it: two characters, ISO 8583 field 39
	NetworkAdviceCode  string // Visa category or Mastercard merchant advice: 01, 02, 03
}

// The message of most declines.
const declined = "Your card was declined."

// Declined answers a payment or a setup that the card's issuer refused. What happened is kept: the failed charge, the intent's last error, the events.
// The caller adds the objects that the error shows.
//
// Known from: facts 07d, recorded at 2026-06-24.dahlia.
func Declined(d Decline) *Error {
	return &Error{
		Status: http.StatusPaymentRequired, Type: Card,
		Code: d.Code, DeclineCode: d.DeclineCode, Param: d.Param, Message: d.Message,
		AdviceCode: d.AdviceCode, NetworkDeclineCode: d.NetworkDeclineCode, NetworkAdviceCode: d.NetworkAdviceCode,
		Keep: true, Executed: true,
	}
}

// DeclinedAttach answers the attempt to attach a card that its issuer refuses: as Declined, with "param": "" where a payment's decline has no param
// (recorded: facts 03c). Nothing was changed, so nothing is kept.
func DeclinedAttach(d Decline) *Error {
	e := Declined(d)
	e.EmptyParam = d.Param == ""
	e.Keep = false
	return e
}

// cardData refuses card data that is wrong in itself. Recorded: such a 402 is stored under the idempotency key (facts 04a).
func cardData(code, param, message string) *Error {
	return &Error{Status: http.StatusPaymentRequired, Type: Card, Code: code, Param: param, Message: message, Executed: true}
}

// IncorrectNumber refuses a number that fails the Luhn check or has the wrong length (recorded: facts 07d).
func IncorrectNumber() *Error {
	return cardData("incorrect_number", "number", "Your card number is incorrect.")
}

// InvalidExpiryMonth refuses a month that is none.
func InvalidExpiryMonth() *Error {
	return cardData("invalid_expiry_month", "exp_month", "Your card's expiration month is invalid.")
}

// InvalidExpiryYear refuses a year that is past or too far away.
func InvalidExpiryYear() *Error {
	return cardData("invalid_expiry_year", "exp_year", "Your card's expiration year is invalid.")
}

// InvalidCVC refuses a security code of the wrong length.
func InvalidCVC() *Error {
	return cardData("invalid_cvc", "cvc", "Your card's security code is invalid.")
}

// IncorrectZip answers a payment that a rule blocked because the issuer did not know the postal code (recorded: facts 07d).
var IncorrectZip = Decline{
	Code: "incorrect_zip", DeclineCode: "incorrect_zip", Param: "address_zip", // unverified: the decline code, which it had not in 2023, like others
	Message: "Your card could not be authorized using the postal code provided. " +
		"Please update the postal code, or contact your card issuer for further details.",
}

// AuthenticationRequired answers an off-session payment whose issuer wants the cardholder (recorded: facts 07d).
func AuthenticationRequired() *Error {
	return Declined(Decline{
		Code: "authentication_required", DeclineCode: "authentication_required",
		Message: "Your card was declined. This transaction requires authentication.",
	})
}

// AuthenticationNotHandled answers a payment that would need the cardholder, confirmed with error_on_requires_action (facts 07d;
// the words as recorded bodies have them).
func AuthenticationNotHandled() *Error {
	return Declined(Decline{
		Code: "authentication_required", DeclineCode: "authentication_not_handled",
		Message: "This payment required an authentication action to complete, but `error_on_requires_action` was set. " +
			"When you're ready, you can upgrade your integration to handle actions at " +
			"https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.",
	})
}

// LiveCardInTest declines a real card in test mode.
func LiveCardInTest() *Error {
	return Declined(Decline{
		Code: "card_declined", DeclineCode: "test_mode_live_card",
		Message: "Your card was declined. Your request was in test mode, but used a non test (live) card. " +
			"For a list of valid test cards, visit: https://stripe.com/docs/testing.",
	})
}

// TestCardInLive declines a test card in live mode.
func TestCardInLive() *Error {
	return Declined(Decline{
		Code: "card_declined", DeclineCode: "live_mode_test_card",
		Message: "Your card was declined. Your request was in live mode, but used a known test card.",
	})
}

// RawCard refuses a card number in a call with a secret key, unless the account may send such. It is a 402 of type invalid_request_error, without code
// or param (facts 05a). The words are those that developers quote, in test and live mode.
func RawCard(live bool) *Error {
	message := "Sending credit card numbers directly to the Stripe API is generally unsafe. " +
		"We suggest you use test tokens that map to the test card you are using, see https://stripe.com/docs/testing. " +
		"To enable testing raw card data APIs, see https://support.stripe.com/questions/enabling-access-to-raw-card-data-apis."
	if live {
		message = "Sending credit card numbers directly to the Stripe API is generally unsafe. " +
			"To continue processing use Stripe.js, the Stripe mobile bindings, or Stripe Elements. " +
			"For more information, see https://dashboard.stripe.com/account/integration/settings. " +
			"If you are qualified to handle card data directly, see https://support.stripe.com/questions/enabling-access-to-raw-card-data-apis."
	}
	return &Error{Status: http.StatusPaymentRequired, Type: Request, Message: message, Executed: true}
}

// GenericDecline is the decline of an issuer that says nothing more (recorded at 2026-06-24.dahlia: facts 07d).
var GenericDecline = Decline{
	Code: "card_declined", DeclineCode: "generic_decline", Message: declined,
	AdviceCode: "try_again_later", NetworkDeclineCode: "01",
}
