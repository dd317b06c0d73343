package paymethod

// old are the ways to pay that only sources have (POST /v1/sources), and customers' bank accounts of before payment methods: no payment intent takes them.
// Known from: the spec (payment_method_details), docs.stripe.com/sources. unverified: how refunds go.
var old = map[string]*Type{
	"ach_credit_transfer": {Name: "ach_credit_transfer", Flow: Transfer, Currencies: list("usd"), Business: list("US"), Refund: wait180as("us_bank_transfer")},
	"ach_debit":           {Name: "ach_debit", Flow: Debit, Currencies: list("usd"), Business: list("US"), Delayed: true, Takes: -1, Refund: wait180as("us_bank_transfer"), Disputes: true},
	"wechat":              {Name: "wechat", Flow: Redirect, Refund: to180("wechat_pay")},
}

// Of is the type of a payment that was made: one of Types, or one that only sources have; nil if there is none.
func Of(name string) *Type {
	if t := Types[name]; t != nil {
		return t
	}
	return old[name]
}
