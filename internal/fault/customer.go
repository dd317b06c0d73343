package fault

import (
	"fmt"
	"net/http"
)

// NotAttached refuses a payment method as a customer's default that is not the customer's (recorded: facts 05a).
func NotAttached(paymentMethod, param string) *Error {
	return Invalid(param, notAttached(paymentMethod))
}

// NotOfCustomer is the answer for a payment method under the path of a customer who does not have it: 404 without a code, param customer
// (facts 05c). unverified: the words, which are those of NotAttached.
func NotOfCustomer(paymentMethod string) *Error {
	e := Invalid("customer", notAttached(paymentMethod))
	e.Status = http.StatusNotFound
	return e
}

func notAttached(paymentMethod string) string {
	return "The customer does not have a payment method with the ID " + paymentMethod + ". The payment method must be attached to the customer."
}

// InvoicePrefix refuses an invoice prefix that is not 3 to 12 capitals and digits. unverified: the words.
func InvoicePrefix(param string) *Error {
	return Invalid(param, "The invoice prefix must be 3–12 uppercase letters or numbers.")
}

// NotIPAddress refuses what is no IP address. unverified: the words.
func NotIPAddress(param, got string) *Error {
	return Invalid(param, "Invalid IP address: "+got)
}

// TaxLocationInvalid refuses a customer whose place must be known for tax at once, and is not. unverified: the words; the code is the spec's.
func TaxLocationInvalid() *Error {
	return Coded("customer_tax_location_invalid", "address",
		"The customer's location isn't recognized. Set a valid customer address in order to automatically calculate tax.")
}

// NotYet refuses a use of a parameter that Florin does not have yet, by name. what is such as "POST /v1/customers with tax_id_data".
func NotYet(what, param string) *Error {
	return &Error{
		Status: http.StatusNotImplemented, Type: API, Param: param,
		Message: fmt.Sprintf("Florin does not have %s yet. COVERAGE.md lists what it has.", what),
	}
}

// OtherCurrency refuses a second currency for a customer (quoted by developers). unverified: for balance transactions.
func OtherCurrency(currency string) *Error {
	return Invalid("currency", "You cannot combine currencies on a single customer. This customer has had a subscription, coupon, or invoice item with currency "+currency)
}

// NoDiscount is the answer for the discount of a customer without one. unverified: the words and the code.
func NoDiscount(customer string) *Error {
	e := Coded("resource_missing", "", "No active discount for customer: "+customer)
	e.Status = http.StatusNotFound
	return e
}

// CouponExpired refuses a coupon that can be given no more. The code is the spec's. unverified: the words.
func CouponExpired(coupon string) *Error {
	return Coded("coupon_expired", "coupon", "Coupon expired: "+coupon)
}
