package version

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
}}
