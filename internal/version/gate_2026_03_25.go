package version

import (
	"florin/internal/fault"
	"florin/internal/form"
)

// gate20260325 is 2026-03-25.dahlia. DA3 (capability.requirements lists more) needs no change of shape; DA4 is about Issuing and Radar.
var gate20260325 = gate{"2026-03-25", []change{
	{
		id: "DA1", what: "the ui_modes of checkout sessions have new names", kinds: []string{"checkout.session"}, routes: []string{"POST /v1/checkout/sessions"},
		back: func(w *walk, o *object) error {
			for _, m := range uiModes {
				if o.text("ui_mode") == m[1] {
					o.setText("ui_mode", m[0])
					break
				}
			}
			return nil
		},
		forward: func(p *form.Value) *fault.Error {
			v := p.Get("ui_mode")
			if v == nil {
				return nil
			}
			for _, m := range uiModes {
				if v.Text == m[0] {
					v.Text = m[1]
					break
				}
			}
			return nil
		},
	},
	{
		id: "DA2", what: "subscriptions are canceled by a retention policy", kinds: []string{"subscription"}, marks: []string{`"canceled_by_retention_policy"`},
		back: func(w *walk, o *object) error {
			o.inside("cancellation_details", func(d *object) {
				if d.text("reason") == "canceled_by_retention_policy" {
					d.setText("reason", "cancellation_requested") // unverified: what versions below are told
				}
			})
			return nil
		},
	},
	{
		// Whether Stripe still minds it below the gate is not known; it is taken, and nothing comes of it.
		id: "DA5", what: "preferred_settlement_speed is gone",
		routes: []string{"POST /v1/payment_intents", "POST /v1/payment_intents/{intent}", "POST /v1/payment_intents/{intent}/confirm"},
		forward: func(p *form.Value) *fault.Error {
			drop(p, "preferred_settlement_speed", "payment_method_options", "us_bank_account")
			return nil
		},
	},
}}

// uiModes are the old and the new names.
var uiModes = [][2]string{{"hosted", "hosted_page"}, {"embedded", "embedded_page"}, {"custom", "elements"}}
