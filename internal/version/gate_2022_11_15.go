package version

import "strings"

// gate20221115 is 2022-11-15. F4 names no code; F5 is about orders and SKUs, which are gone for good.
var gate20221115 = gate{"2022-11-15", []change{
	{
		id: "F1", what: "a payment intent shows its latest charge only", kinds: []string{"payment_intent"}, adds: []string{"charges"},
		back: func(w *walk, o *object) error {
			if !o.wants("charges") {
				return nil
			}
			id := o.text("id")
			list, err := w.read.List("charge", "payment_intent", id, "/v1/charges?payment_intent="+id)
			if err != nil {
				return err
			}
			return o.add("charges", list)
		},
	},
	{
		id: "F2", what: "a charge shows its refunds only when it is asked to", kinds: []string{"charge"},
		back: func(w *walk, o *object) error {
			if !o.wants("refunds") {
				return nil
			}
			id := o.text("id")
			list, err := w.read.List("refund", "charge", id, "/v1/charges/"+id+"/refunds")
			if err != nil {
				return err
			}
			return o.add("refunds", list)
		},
	},
	{
		id: "F3", what: "errors say what became of an attempt with other methods than cards", kinds: []string{failure}, marks: []string{`code":"payment_`},
		back: func(w *walk, o *object) error {
			if !attemptCodes[o.text("code")] {
				return nil
			}
			code := "payment_intent_payment_attempt_failed" // unverified: what setups and payment methods were told
			if o.name == "last_setup_error" || o.has("setup_intent") {
				code = "setup_attempt_failed"
			}
			o.setText("code", code)
			if url := o.text("doc_url"); url != "" {
				o.setText("doc_url", url[:strings.LastIndexByte(url, '/')+1]+strings.ReplaceAll(code, "_", "-"))
			}
			return nil
		},
	},
}}

var attemptCodes = map[string]bool{
	"payment_intent_payment_attempt_expired": true, "payment_method_customer_decline": true, "payment_method_not_available": true,
	"payment_method_provider_decline": true, "payment_method_provider_timeout": true,
}
