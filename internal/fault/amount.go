package fault

import "fmt"

// Amounts come here as text, in Stripe's way of writing them; package money writes and compares them.

// AmountBelowOne refuses a payment of less than one minor unit. It is raised while parameters are checked (recorded: facts 05a).
func AmountBelowOne() *Error {
	return Coded("parameter_invalid_integer", "amount",
		"The amount must be greater than or equal to the minimum charge amount allowed for your account and the currency set "+
			"(https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).  "+
			"If you want to save a Payment Method for future use without an immediate payment, use a Setup Intent instead: "+
			"https://docs.stripe.com/payments/setup-intents")
}

// AmountTooSmall refuses less than the currency's minimum: "Amount must be at least $0.50 usd". The quoted bodies have no param (facts 05e).
func AmountTooSmall(minimum, currency string) *Error {
	return Coded("amount_too_small", "", "Amount must be at least "+minimum+" "+currency).AfterStart()
}

// AmountConvertsTooSmall refuses an amount that is too small in the currency in which the account is paid: "Amount must convert to at least
// 50 cents. ¥5 converts to approximately $0.03." (facts 05e).
func AmountConvertsTooSmall(minimum, amount, converted string) *Error {
	return Coded("amount_too_small", "",
		"Amount must convert to at least "+minimum+". "+amount+" converts to approximately "+converted+".").AfterStart()
}

// AmountTooLarge refuses more than the currency's maximum: "Amount must be no more than $999,999.99" (recorded on a payment intent, without param).
func AmountTooLarge(maximum string) *Error {
	return Coded("amount_too_large", "", "Amount must be no more than "+maximum).AfterStart()
}

// CheckoutTooSmall refuses a checkout session of less than the minimum: "… must add up to at least $0.50 USD" (recorded: facts 05e).
func CheckoutTooSmall(minimum, currencyUpper string) *Error {
	return Coded("amount_too_small", "", "The Checkout Session's total amount due must add up to at least "+minimum+" "+currencyUpper).AfterStart()
}

// CheckoutConvertsTooSmall is AmountConvertsTooSmall for a checkout session, as developers quote it.
func CheckoutConvertsTooSmall(minimum, amount, converted string) *Error {
	return Coded("amount_too_small", "",
		"The Checkout Session's total amount must convert to at least "+minimum+". "+amount+" converts to approximately "+converted+".").AfterStart()
}

// AmountStep refuses an amount that the currency has no coins for: step minor units are its smallest.
// unverified: Stripe's words are not known.
func AmountStep(step int64, currency string) *Error {
	return Invalid("amount", fmt.Sprintf("Invalid amount: amounts in %s must be a multiple of %d.", currency, step))
}
