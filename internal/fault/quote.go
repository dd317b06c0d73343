package fault

import (
	"fmt"
	"strings"
)

// The refusals of quotes. unverified: the words, all of them; no public report quotes what Stripe answers.

// QuoteStatus refuses what can only be done with a quote of a certain status.
func QuoteStatus(do, status string, want ...string) *Error {
	return Invalid("", fmt.Sprintf("You cannot %s a quote that is currently in the `%s` status. It must be in `%s` status.", do, status, strings.Join(want, ", ")))
}

// QuoteNotDraft refuses a change of a quote that is final.
func QuoteNotDraft(param, status string) *Error {
	return Invalid(param, "You cannot update `"+param+"` of a quote that is currently in the `"+status+"` status. It must be in `draft` status.")
}

// QuoteCustomerFixed refuses to give a quote to another customer (the spec: once specified, it cannot be changed).
func QuoteCustomerFixed() *Error {
	return Invalid("customer", "You cannot change the `customer` of a quote once it is set.")
}

// QuoteOfOtherClock refuses a customer who lives at another time than the quote.
func QuoteOfOtherClock(customer string) *Error {
	return Invalid("customer", "The customer "+customer+" and the quote must belong to the same test clock.")
}

// QuoteWithoutCustomer refuses to finalize a quote that is nobody's.
func QuoteWithoutCustomer() *Error {
	return Invalid("", "A quote must have a `customer` before it can be finalized.")
}

// QuoteWithoutItems refuses to finalize a quote of nothing.
func QuoteWithoutItems() *Error {
	return Invalid("", "A quote must have at least one line item before it can be finalized.")
}

// QuoteDaysNeeded refuses a quote whose invoices are sent, and that does not say when they are due.
func QuoteDaysNeeded() *Error {
	return Invalid("invoice_settings[days_until_due]", "You must pass `invoice_settings[days_until_due]` when `collection_method` is `send_invoice`.")
}

// QuoteOnlyOnce refuses what is only for quotes in which nothing recurs.
func QuoteOnlyOnce(param string) *Error {
	return Invalid(param, "You cannot set `"+param+"` on a quote with recurring line items.")
}

// QuoteOnlyRecurring refuses what is only for quotes in which something recurs.
func QuoteOnlyRecurring(param string) *Error {
	return Invalid(param, "You can only set `"+param+"` on a quote with at least one recurring line item.")
}

// FromQuoteAlone refuses to say anything of a quote that is made from another, which says it all.
func FromQuoteAlone(param string) *Error {
	return Invalid(param, "You cannot set `"+param+"` if `from_quote` is set.")
}

// QuoteNotRevisable refuses a revision of a quote that nobody waits for.
func QuoteNotRevisable(status string) *Error {
	return Invalid("from_quote[is_revision]", "You cannot revise a quote that is currently in the `"+status+"` status. It must be in `open` status.")
}

// ClockFullOfQuotes refuses more quotes without a customer than a test clock can have.
func ClockFullOfQuotes(most int) *Error {
	return Invalid("test_clock", fmt.Sprintf("A test clock can have %d quotes without a customer at the most.", most))
}
