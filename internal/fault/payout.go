package fault

import "fmt"

// The refusals of payouts. Known from: facts 05f, 16f, 16j; the words of those that are marked are Florin's own.

// NoExternalAccount refuses a payout in a currency that no bank account of the account takes (quoted from live answers in several public
// repositories).
func NoExternalAccount(currency string) *Error {
	return Invalid("", fmt.Sprintf("Sorry, you don't have any external accounts in that currency (%s).", currency))
}

// PayoutsDisabled refuses payouts of an account that may not make any. The code is documented.
// unverified: the words.
func PayoutsDisabled() *Error {
	return Coded("payouts_not_allowed", "", "Payouts have been disabled on this account. Check its requirements to see what has to be provided.")
}

// BankAccountErrored refuses a payout to a bank account to which an earlier one failed.
// unverified: the words, and the code.
func BankAccountErrored() *Error {
	return Coded("payouts_not_allowed", "destination", "A previous payout to this external account failed. Update its details, or use another one, before you create another payout.")
}

// InstantTooMuch refuses an instant payout above the limit. most is in major units. Recorded (facts 16j).
func InstantTooMuch(most int64) *Error {
	return Invalid("", fmt.Sprintf("Instant Payouts to bank accounts are only supported for amounts less than or equal to $%d", most))
}

// InstantCurrency refuses an instant payout in a currency without them. The code is documented.
// unverified: the words.
func InstantCurrency(currency string) *Error {
	return Coded("instant_payouts_currency_disabled", "currency", "Instant Payouts are not available in "+currency+".")
}

// InstantUnsupported refuses an instant payout to a bank account that cannot take it. The code is documented.
// unverified: the words.
func InstantUnsupported() *Error {
	return Coded("instant_payouts_unsupported", "method", "This external account is not eligible for Instant Payouts.")
}

// PayoutAutomatic refuses to cancel a payout that the schedule made.
// unverified: the words.
func PayoutAutomatic() *Error { return Invalid("", "You cannot cancel automatic payouts.") }

// PayoutNotPending refuses to cancel a payout that is on its way.
// unverified: the words.
func PayoutNotPending(payout, status string) *Error {
	return Invalid("", fmt.Sprintf("Payout %s cannot be canceled because it has a status of %s. Only pending payouts can be canceled.", payout, status)).AfterStart()
}

// PayoutNotReversible refuses to reverse a payout.
// unverified: the words.
func PayoutNotReversible(why string) *Error { return Invalid("", why).AfterStart() }

// NotAutomatic refuses to list the balance transactions of a payout that the schedule did not make.
// unverified: the words, which are remembered from older answers.
func NotAutomatic() *Error {
	return Invalid("payout", "Balance transaction history can only be filtered on automatic transfers, not manual.")
}

// PayoutFailure is what failure_message says of a failure_code. Documented (docs.stripe.com/api/payouts/failures).
func PayoutFailure(code string) string {
	if words, ok := payoutFailures[code]; ok {
		return words
	}
	return payoutFailures["could_not_process"]
}

var payoutFailures = map[string]string{
	"account_closed":          "The bank account has been closed.",
	"account_frozen":          "The bank account has been frozen.",
	"bank_account_restricted": "The bank account has restrictions on either the type, or the number, of payouts allowed. This normally indicates that the bank account is a savings or other non-checking account.",
	"bank_ownership_changed":  "The destination bank account is no longer valid because its branch has changed ownership.",
	"could_not_process":       "The bank could not process this payout.",
	"debit_not_authorized":    "Debit transactions are not approved on the bank account. (Stripe requires bank accounts to be set up for both credit and debit payouts.)",
	"declined":                "The bank has declined this transfer. Please contact the bank before retrying.",
	"insufficient_funds":      "Your Stripe account has insufficient funds to cover the payout.",
	"invalid_account_number":  "The routing number seems correct, but the account number is invalid.",
	"invalid_currency":        "The bank was unable to process this payout because of its currency. This is probably because the bank account cannot accept payments in that currency.",
	"no_account":              "The bank account details on file are probably incorrect. No bank account could be located with those details.",
}

// DebitNegativeFixed refuses to change whether an account's negative balance is debited from its bank. Recorded by a public repository (facts 09b):
// the status and the param.
// unverified: the words.
func DebitNegativeFixed() *Error {
	return Invalid("payments[debit_negative_balances]", "You cannot change `debit_negative_balances` on an activated account.")
}

// ScheduleDays refuses a schedule that does not say on which days.
// unverified: the words.
func ScheduleDays(param, interval string) *Error {
	return Coded("parameter_missing", param, "Missing required param: "+param+". It says on which days an interval of "+interval+" pays out.")
}

// ScheduleDaysUnfit refuses days that do not go with the interval.
// unverified: the words.
func ScheduleDaysUnfit(param, interval string) *Error {
	return Invalid(param, "You cannot specify "+param+" with an interval of "+interval+".")
}

// DelayTooShort refuses a delay that is shorter than the account's least.
// unverified: the words.
func DelayTooShort(param string, least int64) *Error {
	return Invalid(param, fmt.Sprintf("The minimum delay_days for this account is %d.", least))
}

// The refusals of top-ups.

// TopupCountry refuses top-ups where there are none.
// unverified: the words.
func TopupCountry(country, currency string) *Error {
	return Invalid("", "Top-ups in "+currency+" are not supported for accounts in "+country+".")
}

// TopupNotPending refuses to cancel a top-up that is decided.
// unverified: the words.
func TopupNotPending(topup, status string) *Error {
	return Invalid("", fmt.Sprintf("Top-up %s cannot be canceled because it has a status of %s. Only pending top-ups can be canceled.", topup, status)).AfterStart()
}

// TopupFailure is what failure_message says of a failure_code. unverified: the words.
func TopupFailure(code string) string {
	if code == "insufficient_funds" {
		return "The bank account has insufficient funds to cover the top-up."
	}
	return PayoutFailure(code)
}
