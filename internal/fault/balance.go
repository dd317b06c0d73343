package fault

// BalanceTooLow refuses to take more out of the available balance than there is. what is "transfer" or "payout"; source is "card" or
// "bank account". Recorded: facts 05f.
func BalanceTooLow(what, source string) *Error {
	return Coded("balance_insufficient", "", "You have insufficient funds in your Stripe account for this "+what+". Your "+source+
		" balance is too low.  You can use the /v1/balance endpoint to view your Stripe balance (for more details, see stripe.com/docs/api#balance).").AfterStart()
}
