package version

// gate20220801 is 2022-08-01. H2 to H4 are what checkout sessions make and when; H5 to H7 stand here when there are checkout sessions and
// invoices; H9 is about what is gone for good.
var gate20220801 = gate{"2022-08-01", []change{
	{
		id: "H1", what: "a checkout session shows its shipping as details and cost", kinds: []string{"checkout.session"},
		back: func(w *walk, o *object) error {
			if o.wants("shipping", "collected_information") {
				if err := o.add("shipping", shippingDetails(o)); err != nil {
					return err
				}
			}
			if !o.wants("shipping_rate", "shipping_cost") {
				return nil
			}
			rate := null
			if cost := o.get("shipping_cost"); len(cost) > 0 && cost[0] == '{' {
				if v := decode(cost).get("shipping_rate"); v != nil {
					rate = v
				}
			}
			return o.add("shipping_rate", rate)
		},
	},
	{
		id: "H8", what: "a customer's default_currency is gone", kinds: []string{"customer"},
		back: func(w *walk, o *object) error {
			if !o.wants("default_currency", "currency") || !o.has("currency") {
				return nil
			}
			return o.add("default_currency", o.get("currency"))
		},
	},
}}
