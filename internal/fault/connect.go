package fault

// The refusals of Connect. Known from: facts 02, 05, 16j, and recordings.

// OnlyPlatforms refuses to make accounts to a connected account.
func OnlyPlatforms() *Error {
	return Invalid("", "You can only create new accounts if you've signed up for Connect, which you can do at https://dashboard.stripe.com/connect.")
}

// RepresentativeStays refuses to delete the representative of an account.
// unverified: Stripe's words.
func RepresentativeStays() *Error {
	return Invalid("", "You cannot delete the representative of an account.")
}

// ControllerConflict refuses responsibilities that do not go together.
// unverified: Stripe's words.
func ControllerConflict(param, message string) *Error { return Invalid(param, message) }

// CountryUnsupported refuses a country in which there can be no account.
// unverified: Stripe's words.
func CountryUnsupported(country string) *Error {
	return Coded("country_unsupported", "country", country+" is not currently supported by Stripe.")
}

// UnknownCapability refuses a capability that there is none of.
// unverified: Stripe's words.
func UnknownCapability(name, param string) *Error {
	return Invalid(param, "Invalid "+param+": there is no capability `"+name+"`.")
}

// TestAccountNumber refuses a bank account number that is none of test mode's.
func TestAccountNumber(param string) *Error {
	return Coded("account_number_invalid", param, "You must use a test bank account number in test mode. Try 000123456789 or see more options at https://stripe.com/docs/connect/testing#account-numbers.")
}

// DefaultExternalAccount refuses to delete the bank account or card that the account is paid out to.
func DefaultExternalAccount() *Error {
	return Invalid("", "You cannot delete the default external account for your default currency. Please make another external account the default using the `default_for_currency` param, and then delete this one.")
}

// LoginBeforeOnboarding refuses a link into the Express dashboard of an account that is not filled in.
func LoginBeforeOnboarding() *Error {
	return Invalid("", "Cannot create a login link for an account that has not completed onboarding.")
}

// NoExpressDashboard refuses a login link to an account without the Express dashboard.
// unverified: Stripe's words.
func NoExpressDashboard(account string) *Error {
	return Invalid("", "Cannot create a login link for account "+account+", which does not have access to the Express Dashboard.")
}

// AccountHasBalance refuses to delete an account of live mode that still has money, or owes some.
// unverified: Stripe's words.
func AccountHasBalance(account string) *Error {
	return Invalid("", "Account "+account+" cannot be deleted, as it has a balance that is not zero.")
}

// NotControlled refuses what only the platform that answers for an account may do.
// unverified: Stripe's words.
func NotControlled(account string) *Error {
	return Invalid("", "This application does not have the required permissions for this endpoint on account '"+account+"'.")
}

// NoTransfersCapability refuses to send money to an account that may not have any.
func NoTransfersCapability() *Error {
	return Coded("insufficient_capabilities_for_transfer", "", "Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments")
}

// TransferTooLarge refuses to send more than there is.
func TransferTooLarge() *Error {
	return Coded("balance_insufficient", "", "You have insufficient funds in your Stripe account. One likely reason you have insufficient funds is that your funds are automatically being paid out; try enabling manual payouts by going to https://dashboard.stripe.com/account/payouts.")
}

// OnlyPlatformsTransfer refuses a connected account's transfer.
// unverified: Stripe's words.
func OnlyPlatformsTransfer() *Error {
	return Invalid("destination", "Only Stripe Connect platforms can work with other accounts. If you specified a client_id parameter, make sure it's correct.")
}

// SourceNotSettled refuses to send on the money of a charge that has brought none yet.
// unverified: Stripe's words.
func SourceNotSettled(charge string) *Error {
	return Invalid("source_transaction", "The charge "+charge+" cannot be used as a source_transaction, as it has not been captured.")
}

// SourceCurrency refuses to send on the money of a charge in another currency than it has settled in.
// unverified: Stripe's words.
func SourceCurrency(settled, asked string) *Error {
	return Invalid("currency", "The currency of source_transaction's balance transaction ("+settled+") must be the same as the transfer currency ("+asked+")")
}

// SourceUsedUp refuses to send on more than a charge has brought.
// unverified: Stripe's words.
func SourceUsedUp(most, sent string, some bool) *Error {
	message := "Transfers using this transaction as a source must not exceed the source amount of " + most + "."
	if some {
		message += " (There is already a transfer using this source, amounting to " + sent + ".)"
	}
	return Invalid("amount", message)
}

// TransferAlreadyReversed refuses to reverse what is reversed in full.
// unverified: Stripe's words.
func TransferAlreadyReversed(transfer string) *Error {
	return Invalid("", "Transfer "+transfer+" is already fully reversed.")
}

// ReversalTooLarge refuses to reverse more than is left of a transfer.
// unverified: Stripe's words, which follow those of refunds.
func ReversalTooLarge(amount, left string, partly bool) *Error {
	of := "transfer amount"
	if partly {
		of = "unreversed amount on transfer"
	}
	return Invalid("amount", "Reversal amount ("+amount+") is greater than "+of+" ("+left+")")
}

// ReversalUnfunded refuses to take more from a connected account than it has.
// unverified: Stripe's words.
func ReversalUnfunded(transfer string) *Error {
	return Coded("balance_insufficient", "", "The connected account does not have sufficient funds to reverse transfer "+transfer+".")
}

// FeeNeedsConnect refuses an application fee where no platform and connected account are.
func FeeNeedsConnect() *Error {
	return Invalid("application_fee_amount", "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an OAuth key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).")
}

// FeeTooLarge refuses a fee of more than the payment.
// unverified: Stripe's words.
func FeeTooLarge() *Error {
	return Invalid("application_fee_amount", "Your application fee cannot be larger than the charge's total amount.")
}

// TransferDataTooLarge refuses to send on more than the payment.
// unverified: Stripe's words.
func TransferDataTooLarge() *Error {
	return Invalid("transfer_data[amount]", "The transfer_data[amount] must be less than or equal to the charge's amount.")
}

// FeeAlreadyRefunded refuses to refund a fee that is refunded in full.
// unverified: Stripe's words.
func FeeAlreadyRefunded(fee string) *Error {
	return Invalid("", "Application fee "+fee+" has already been refunded.")
}

// FeeRefundTooLarge refuses to refund more than is left of a fee.
// unverified: Stripe's words, which follow those of refunds.
func FeeRefundTooLarge(amount, left string) *Error {
	return Invalid("amount", "Refund amount ("+amount+") is greater than unrefunded amount on application fee ("+left+")")
}

// NoTransferToReverse refuses to reverse the transfer of a charge that made none.
// unverified: Stripe's words.
func NoTransferToReverse(charge string) *Error {
	return Invalid("reverse_transfer", "Cannot reverse the transfer of "+charge+", as it has no associated transfer.")
}

// PaymentOfTransfer refuses to refund what a platform has sent: the platform takes it back.
// unverified: Stripe's words.
func PaymentOfTransfer(charge string) *Error {
	return Invalid("charge", "The payment "+charge+" is a transfer from a platform, and can be returned by reversing the transfer only.")
}
