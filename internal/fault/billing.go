package fault

import (
	"fmt"
	"net/http"
)

// The refusals of invoices and subscriptions. Known from: facts 05, 15o, and public reports of what test mode answered at 2026-08-26.dahlia; where a
// message is not, its doc says unverified.

// CurrenciesCombined refuses to bill a customer in a second currency.
func CurrenciesCombined(currency string) *Error {
	return Invalid("", "You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, quote, invoice item or active subscription mode checkout session with currency "+currency+".")
}

// AmountOrQuantity refuses an invoice item that says its amount in two ways.
func AmountOrQuantity() *Error {
	return Invalid("", "You must specify either an amount or a quantity and unit_amount, but not all three")
}

// NothingToInvoice refuses an invoice, in API versions before 2022-08-01, of a customer for whom nothing waits.
func NothingToInvoice() *Error {
	return Coded("invoice_no_customer_line_items", "", "Nothing to invoice for customer")
}

// InvoiceFinalized refuses to finalize an invoice again.
func InvoiceFinalized() *Error {
	return Invalid("", "This invoice is already finalized, you can't re-finalize a non-draft invoice.")
}

// InvoiceNotEditable refuses to change the lines of an invoice that is final.
func InvoiceNotEditable() *Error {
	return Coded("invoice_not_editable", "", "Invalid invoice: This invoice is no longer editable")
}

// InvoiceFinalizedParam refuses a change of an invoice that is final.
func InvoiceFinalizedParam(param string) *Error {
	return Invalid(param, "Finalized invoices can't be updated in this way")
}

// InvoiceNotDraft refuses to delete an invoice that is final.
func InvoiceNotDraft() *Error { return Invalid("", "You can only delete draft invoices.") }

// InvoiceOfSubscription refuses to delete the draft of a subscription (facts 15d). unverified: the words.
func InvoiceOfSubscription() *Error {
	return Invalid("", "You can't delete invoices created by subscriptions.")
}

// InvoiceOfOther refuses an invoice of another customer. unverified: the words.
func InvoiceOfOther(invoice, customer string) *Error {
	return Invalid("invoice", "The invoice "+invoice+" does not belong to customer "+customer+".")
}

// InvoicePaid refuses to pay twice.
func InvoicePaid() *Error { return Invalid("", "Invoice is already paid") }

// InvoicePaidNotVoided refuses to void what has been paid.
func InvoicePaidNotVoided() *Error {
	return Invalid("", "Invoices with `paid` payments cannot be voided.")
}

// InvoicePending refuses to pay, void or give up an invoice while a bank has yet to answer for its payment.
func InvoicePending() *Error {
	return Invalid("", "This invoice can't be modified while a payment on it is still pending. Wait for the payment to clear, then try again.")
}

// InvoiceGivenUp refuses to give an invoice up again.
func InvoiceGivenUp() *Error {
	return Invalid("", "This invoice has already been marked uncollectible.")
}

// InvoiceNotSendable refuses to send an invoice that is neither a draft nor open.
func InvoiceNotSendable() *Error {
	return Invalid("", "This invoice cannot be sent right now. Please contact us via https://support.stripe.com/contact with details, so we can help.")
}

// InvoiceClosed refuses to pay an invoice that is void, or given up.
func InvoiceClosed() *Error { return Invalid("", "This invoice can no longer be paid") }

// InvoiceNotOpen refuses what can be done with open invoices only.
func InvoiceNotOpen() *Error {
	return Invalid("", "You can only pass in open invoices. This invoice isn't open.")
}

// InvoiceNotSent refuses to send an invoice that is collected automatically. unverified: the words.
func InvoiceNotSent() *Error {
	return Invalid("", "You can only manually send an invoice if its collection method is 'send_invoice'.")
}

// InvoiceNoEmail refuses to send invoices to a customer without an address.
func InvoiceNoEmail() *Error {
	return Invalid("", "Missing email. In order to create invoices that are sent to the customer, the customer must have a valid email.")
}

// DueNeeded refuses an invoice that is sent and does not say when it is due.
func DueNeeded() *Error {
	return Invalid("", "If invoice collection method is 'send_invoice', you must specify 'due_date' or 'days_until_due'.")
}

// DueOnlyWhenSent refuses to say when an invoice is due that is collected automatically.
func DueOnlyWhenSent() *Error {
	return Invalid("", "You can only specify 'due_date' or 'days_until_due' if invoice collection method is 'send_invoice'.")
}

// InvoiceNeedsAction is what paying an invoice ends with whose customer must authenticate. unverified: the words.
func InvoiceNeedsAction() *Error { return needsAction("invoice_payment_intent_requires_action") }

// SubscriptionNeedsAction is InvoiceNeedsAction for a subscription that is not kept unless it is paid. unverified: the words.
func SubscriptionNeedsAction() *Error {
	return needsAction("subscription_payment_intent_requires_action")
}

func needsAction(code string) *Error {
	return &Error{
		Status: http.StatusPaymentRequired, Type: Card, Code: code,
		Message: "This payment requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with the invoice. For more details see: https://stripe.com/docs/billing/subscriptions/overview#requires-action",
	}
}

// NoMethodForInvoice refuses to bill a customer who has nothing to pay with. Recorded.
func NoMethodForInvoice() *Error {
	return Coded("resource_missing", "", "This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.")
}

// TooManyLines refuses an invoice of more lines than there can be. unverified: the words.
func TooManyLines(most int) *Error {
	return Invalid("", fmt.Sprintf("An invoice can have %d line items at the most.", most))
}

// ItemInvoiced refuses to change (verb: "update") or to delete an invoice item whose invoice is final. unverified: the words of a change.
func ItemInvoiced(verb string) *Error {
	return Invalid("", "Can't "+verb+" an invoice item that is attached to an invoice that is no longer editable")
}

// ItemOfOther refuses to put another customer's item on an invoice. unverified: the words.
func ItemOfOther(param, item, customer string) *Error {
	return Invalid(param, "The invoice item "+item+" does not belong to customer "+customer+".")
}

// ItemTaken refuses an invoice item that stands on an invoice already. unverified: the words.
func ItemTaken(param string) *Error {
	return Invalid(param, "This invoice item is already attached to an invoice.")
}

// ProrationFixed refuses another amount for a proration. unverified: the words.
func ProrationFixed(param string) *Error {
	return Invalid(param, "You cannot change the amount of a proration.")
}

// PeriodBackwards refuses a period that ends before it begins. unverified: the words.
func PeriodBackwards(param string) *Error {
	return Invalid(param, "The end of a period must not be before its start.")
}

// CurrencyOfInvoice refuses an item in another currency than its invoice's. unverified: the words.
func CurrencyOfInvoice(param, currency string) *Error {
	return Invalid(param, "The currency of the invoice item must be the currency of the invoice: "+currency+".")
}

// PriceCurrency refuses a price that is not in a currency. unverified: the words.
func PriceCurrency(price, currency string) *Error {
	return Invalid("currency", "The price `"+price+"` has no amount in `"+currency+"`.")
}

// PriceOfOtherCurrency refuses prices of two currencies on one subscription. unverified: the words.
func PriceOfOtherCurrency(param, got, want string) *Error {
	return Invalid(param, "The price specified only supports `"+got+"`. This doesn't match the expected currency: `"+want+"`.")
}

// OnlyWhenSent refuses a parameter that is about invoices that are sent. unverified: the words.
func OnlyWhenSent(param string) *Error {
	return Invalid(param, "You can only set `"+param+"` if `collection_method` is `send_invoice`.")
}

// InThePast refuses a time that has passed. unverified: the words.
func InThePast(param string) *Error { return Invalid(param, "`"+param+"` must be in the future.") }

// DaysUntilDueNeeded refuses a subscription that sends invoices and does not say when they are due. unverified: the words.
func DaysUntilDueNeeded() *Error {
	return Invalid("days_until_due", "You must pass `days_until_due` when `collection_method` is `send_invoice`.")
}

// NoItems refuses a subscription that would have nothing on it. unverified: the words.
func NoItems() *Error {
	return Invalid("items", "A subscription must have at least one active item. To cancel the subscription, use the cancel API endpoint.")
}

// TooManySubscriptionItems refuses more items than there can be. unverified: the words.
func TooManySubscriptionItems(most int) *Error {
	return Invalid("items", fmt.Sprintf("You cannot have more than %d items.", most))
}

// IntervalsDiffer refuses items whose periods cannot be on one subscription. unverified: the words.
func IntervalsDiffer(classic bool) *Error {
	if classic {
		return Invalid("items", "Currency and interval fields must match across all plans on this subscription.")
	}
	return Invalid("items", "The intervals of all prices on this subscription must be multiples of the shortest.")
}

// AnchorTooLate refuses a billing cycle anchor behind the end of the first period. unverified: the words.
func AnchorTooLate() *Error {
	return Invalid("billing_cycle_anchor", "billing_cycle_anchor cannot be later than next natural billing date for plan")
}

// TrialEndInPast refuses a trial that is over. unverified: the words.
func TrialEndInPast() *Error {
	return Invalid("trial_end", "Invalid timestamp: must be an integer Unix timestamp in the future.")
}

// TrialTooLong refuses a trial of more than two years. unverified: the words.
func TrialTooLong(param string) *Error {
	return Invalid(param, "Invalid timestamp: can be no more than two years in the future.")
}

// ProrationDateOutside refuses a proration date outside of the period. unverified: the words.
func ProrationDateOutside() *Error {
	return Invalid("proration_date", "Invalid timestamp: must be within the current period of the subscription.")
}

// TooManyOnClock refuses one more subscription of a customer on a test clock. unverified: the words.
func TooManyOnClock(most int) *Error {
	return Invalid("customer", fmt.Sprintf("A customer with a test clock can have up to %d subscriptions.", most))
}

// SubscriptionEnded refuses a change of a subscription that is canceled.
func SubscriptionEnded() *Error {
	return Invalid("", "A canceled subscription can only update its cancellation_details and metadata.")
}

// SubscriptionIncomplete refuses what would make an invoice of a subscription whose first is not paid. unverified: the words.
func SubscriptionIncomplete() *Error {
	return Invalid("", "This subscription is incomplete: its first invoice must be paid before it can be changed in a way that generates invoices.")
}

// SubscriptionNotPaused refuses to resume a subscription that is not paused. unverified: the words.
func SubscriptionNotPaused() *Error {
	return Invalid("", "Only subscriptions with a `status` of `paused` can be resumed.")
}

// ResumeNotSent refuses to resume a subscription that sends its invoices. unverified: the words.
func ResumeNotSent() *Error {
	return Invalid("", "Only subscriptions with `collection_method` set to `charge_automatically` can be resumed.")
}

// NotSetToCancel refuses to say why a subscription ends that does not.
func NotSetToCancel() *Error {
	return Invalid("cancellation_details", "`cancellation_details` can only be set on subscriptions that are set to cancel.")
}

// PercentOutside refuses a part that is less than nothing, or more than all. unverified: the words.
func PercentOutside(param string) *Error {
	return Invalid(param, "`"+param+"` must be between 0 and 100.")
}

// SubscriptionOfOther refuses a subscription of another customer. unverified: the words.
func SubscriptionOfOther(subscription, customer string) *Error {
	return Invalid("subscription", "The subscription "+subscription+" does not belong to customer "+customer+".")
}

// AlreadyFlexible refuses to migrate a subscription that is flexible, or to another mode. unverified: the words.
func AlreadyFlexible() *Error {
	return Invalid("billing_mode[type]", "You can only migrate a subscription from the `classic` billing mode to `flexible`.")
}

// NoSubscriptionDiscount refuses to show a discount that is not there. unverified: the words.
func NoSubscriptionDiscount(subscription string) *Error {
	e := Coded("resource_missing", "", "No active discount for subscription: "+subscription)
	e.Status = http.StatusNotFound
	return e
}

// TooManyDiscounts refuses more discounts than an object can have. unverified: the words.
func TooManyDiscounts(param string, most int) *Error {
	return Invalid(param, fmt.Sprintf("You cannot apply more than %d discounts.", most))
}

// CouponTwice refuses to give the same coupon twice. unverified: the words.
func CouponTwice(param, coupon string) *Error {
	return Invalid(param, "The coupon `"+coupon+"` cannot be applied more than once.")
}

// TaxRateInactive refuses a tax rate that is archived. unverified: the words.
func TaxRateInactive(param string) *Error {
	return Invalid(param, "The tax rate specified is inactive. This field only accepts active tax rates.")
}

// TooManyTaxRates refuses more tax rates than a line can have. unverified: the words.
func TooManyTaxRates(param string) *Error {
	return Invalid(param, "You cannot apply more than 5 tax rates.")
}

// PreviewOfWhat refuses a preview of nothing. Recorded.
func PreviewOfWhat() *Error {
	return Invalid("", "You must either provide a `customer` or a `subscription` to the upcoming invoice endpoint.")
}

// NoUpcoming refuses a preview where nothing would be billed.
func NoUpcoming(customer string) *Error {
	e := Coded("invoice_upcoming_none", "", "No upcoming invoices for customer: "+customer)
	e.Status = http.StatusNotFound
	return e
}

// QuantityOfMetered refuses to say how many of what is metered. unverified: the words.
func QuantityOfMetered(at string) *Error {
	param := "quantity"
	if at != "" {
		param = at + "[quantity]"
	}
	return Invalid(param, "Quantity should not be specified where usage_type is `metered`. Remove quantity from `"+param[:len(param)-len("quantity")]+"quantity`")
}
