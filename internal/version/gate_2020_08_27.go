package version

import (
	"florin/internal/fault"
	"florin/internal/form"
)

// gate20200827 is 2020-08-27, the oldest version that is promised. Older ones are accepted, since accounts and endpoints may have them, and get
// what is here; the changes before it are not known to this package.
var gate20200827 = gate{"2020-08-27", []change{
	{
		// Recorded at account versions of 2014 to 2018: the three lists stand in every customer.
		id: "Floor", what: "a customer shows its lists only when it is asked to", kinds: []string{"customer"},
		back: func(w *walk, o *object) error {
			whole := o.encode(nil)
			for _, name := range []string{"sources", "subscriptions", "tax_ids"} {
				if !o.wants(name) {
					continue
				}
				list, err := w.read.Include(whole, name)
				if err != nil {
					return err
				}
				if list == nil {
					continue
				}
				if err := o.add(name, list); err != nil {
					return err
				}
			}
			return nil
		},
	},
	{
		id: "Floor tiers", what: "a price shows its tiers only when it is asked to", kinds: []string{"plan", "price"}, marks: []string{`"billing_scheme":"tiered"`},
		back: bring(made{"tiers", nil, func(w *walk, o *object) ([]byte, error) {
			if o.text("billing_scheme") != "tiered" {
				return nil, nil
			}
			return w.read.Include(o.encode(nil), "tiers")
		}}),
	},
	{
		id: "Floor prorate", what: "prorate is proration_behavior",
		routes: append([]string{
			"POST /v1/subscription_items", "POST /v1/subscription_items/{item}", "DELETE /v1/subscription_items/{item}",
		}, subscribing...),
		forward: func(p *form.Value) *fault.Error {
			v := p.Get("prorate")
			if v == nil || p.Has("proration_behavior") {
				return nil
			}
			remove(p, "prorate")
			behavior := "create_prorations"
			if v.Text == "false" {
				behavior = "none"
			}
			p.Set("proration_behavior", word(behavior))
			return nil
		},
	},
}}
