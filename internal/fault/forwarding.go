package fault

// The refusals of forwarded requests. The codes are documented.
// unverified: the words.

// Forwarding refuses a request that cannot be forwarded, or says that nothing came back.
func Forwarding(code, param, message string) *Error { return Coded(code, param, message) }

// ForwardingURL refuses a destination.
func ForwardingURL() *Error {
	return Coded("forwarding_api_invalid_parameter", "url", "Invalid URL: it must be the https URL of the destination.")
}

// ForwardingNotCard refuses a payment method that has no card data.
func ForwardingNotCard() *Error {
	return Coded("forwarding_api_invalid_parameter", "payment_method", "Only card payment methods can be forwarded.")
}
