package version

// gate20250331 is 2025-03-31.basil. B3, all but a word of it, is about which objects a capture or a cancellation makes; B4 is refused at every
// version, since no new account ever could; B5 and B7 need nothing. B10 to B12 and B14 to B21 belong to billing and stand here when there is any.
var gate20250331 = gate{"2025-03-31", []change{
	{
		// Billing puts the invoice here when there are any: the one of its invoice payment (B25).
		id: "B1", what: "a payment intent does not show its invoice", kinds: []string{"payment_intent"}, adds: []string{"invoice"},
		back: func(w *walk, o *object) error { return o.addNull("invoice") },
	},
	{
		id: "B2", what: "a charge does not show its invoice", kinds: []string{"charge"}, adds: []string{"invoice"},
		back: func(w *walk, o *object) error { return o.addNull("invoice") },
	},
	{
		id: "B3", what: "an authorization that has expired is canceled as expired, not as automatic", kinds: []string{"payment_intent"},
		marks: []string{`reason":"expired"`},
		back: func(w *walk, o *object) error {
			if o.text("cancellation_reason") == "expired" {
				o.setText("cancellation_reason", "automatic")
			}
			return nil
		},
	},
	{
		id: "B8", what: "requirements name new errors", kinds: holders, marks: requirementMarks(requirements20250331),
		back: func(w *walk, o *object) error { return oldRequirements(o, requirements20250331) },
	},
	{
		id: "B12", what: "coupon and promotion_code are no parameters of customers any more",
		routes: []string{"POST /v1/customers", "POST /v1/customers/{customer}"}, keeps: []string{"coupon", "promotion_code"},
	},
	{
		id: "B13", what: "how usage is added up is no matter of plans and prices any more", kinds: []string{"plan", "price"},
		marks: []string{`"object":"plan"`, `"recurring":{`},
		back: func(w *walk, o *object) (err error) {
			if o.text("object") == "plan" {
				return o.addNull("aggregate_usage")
			}
			o.inside("recurring", func(r *object) { err = r.addNull("aggregate_usage") })
			return err
		},
	},
	{
		id: "B22", what: "a checkout session shows where it ships to among what it has collected", kinds: []string{"checkout.session"},
		back: func(w *walk, o *object) error {
			if !o.wants("shipping_details", "collected_information") {
				return nil
			}
			return o.add("shipping_details", shippingDetails(o))
		},
	},
}}

var requirements20250331 = map[string]string{ // unverified: what versions below are told, and which code is told as which
	"information_missing":                              "invalid_value_other",
	"invalid_signator":                                 "invalid_value_other",
	"verification_failed_authorizer_authority":         "verification_failed_other",
	"verification_rejected_ownership_exemption_reason": "verification_failed_other",
}

// shippingDetails are where a checkout session ships to; null if it has not collected it.
func shippingDetails(o *object) []byte {
	if info := o.get("collected_information"); len(info) > 0 && info[0] == '{' {
		if details := decode(info).get("shipping_details"); details != nil {
			return details
		}
	}
	return null
}
