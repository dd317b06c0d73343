package version

import (
	"florin/internal/fault"
	"florin/internal/form"
)

// gate20220801 is 2022-08-01. H2 to H4 are what checkout sessions make and when; H9 is about what is gone for good.
var gate20220801 = gate{"2022-08-01", []change{
	{
		id: "H1", what: "a checkout session shows its shipping as details and cost", kinds: []string{"checkout.session"}, adds: []string{"shipping_rate"},
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
		id: "H5", what: "checkout sessions have one way to say what is sold, and one to say how it ships", routes: []string{"POST /v1/checkout/sessions"},
		forward: func(p *form.Value) *fault.Error {
			each(p.Get("line_items"), priceData)
			soldBySubscription(p)
			shippingRates(p)
			return nil
		},
	},
	{
		// trial_from_plan, which was never documented either, is refused by name.
		id: "H6", what: "the coupon of a checkout session's subscription is a discount of the session", routes: []string{"POST /v1/checkout/sessions"},
		forward: func(p *form.Value) *fault.Error {
			if coupon := p.At("subscription_data", "coupon"); coupon != nil && !p.Has("discounts") {
				takeOut(p, "subscription_data", "coupon")
				p.Set("discounts", array(group(form.Field{Name: "coupon", Value: coupon})))
			}
			return nil
		},
	},
	{
		// That there must be items is not kept: an invoice without any is made empty.
		id: "H7", what: "an invoice does not gather the pending items of its customer unless it is told to", routes: []string{"POST /v1/invoices"},
		forward: func(p *form.Value) *fault.Error {
			if v := p.Get("pending_invoice_items_behavior"); v == nil || v.Text == "include_and_require" {
				p.Set("pending_invoice_items_behavior", word("include"))
			}
			return nil
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

// priceData makes of a line item that says itself what it is one that has price_data.
func priceData(item *form.Value) {
	if item.Has("price") || item.Has("price_data") {
		return
	}
	data, product := group(), group()
	for _, m := range []struct {
		to        *form.Value
		was, name string
	}{
		{data, "amount", "unit_amount"}, {data, "currency", "currency"}, {product, "name", "name"}, {product, "description", "description"},
		{product, "images", "images"},
	} {
		if v := item.Get(m.was); v != nil {
			remove(item, m.was)
			m.to.Set(m.name, v)
		}
	}
	if len(product.Fields) > 0 {
		data.Set("product_data", product)
	}
	if len(data.Fields) > 0 {
		item.Set("price_data", data)
	}
}

// soldBySubscription makes the plans of a session's subscription line items.
func soldBySubscription(p *form.Value) {
	sold := p.At("subscription_data", "items")
	if sold == nil {
		return
	}
	takeOut(p, "subscription_data", "items")
	list := array()
	for _, old := range []*form.Value{sold, p.Get("line_items")} { // the items of the subscription, and what is sold once beside them
		each(old, func(item *form.Value) {
			rename(item, "plan", "price")
			if old == sold && !item.Has("quantity") {
				item.Set("quantity", word("1"))
			}
			list.Items = append(list.Items, item)
		})
	}
	p.Set("line_items", list)
}

// shippingRates makes the rates that a session offers its options.
func shippingRates(p *form.Value) {
	rates := p.Get("shipping_rates")
	if rates == nil || p.Has("shipping_options") {
		return
	}
	remove(p, "shipping_rates")
	list := array()
	each(rates, func(rate *form.Value) {
		list.Items = append(list.Items, group(form.Field{Name: "shipping_rate", Value: rate}))
	})
	p.Set("shipping_options", list)
}
