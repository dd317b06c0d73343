package version

import (
	"slices"

	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/spec"
)

// gate20240410 is 2024-04-10. A1 and A2 (capture_method) are fixed when an intent is made. A5 belongs to the billing portal, and stands here when
// there is one.
var gate20240410 = gate{"2024-04-10", []change{
	{
		id: "A3", what: "an invoice shows its rendering instead of rendering_options", kinds: []string{"invoice"},
		back: bring(made{"rendering_options", []string{"rendering"}, func(w *walk, o *object) ([]byte, error) {
			if !isObject(o.get("rendering")) {
				return null, nil
			}
			return append(append([]byte(`{"amount_tax_display":`), orNull(o.at("rendering.amount_tax_display"))...), '}'), nil
		}}),
		routes: []string{"POST /v1/invoices", "POST /v1/invoices/{invoice}"},
		forward: func(p *form.Value) *fault.Error {
			if options := p.Get("rendering_options"); options != nil && len(options.Fields) == 0 { // emptied
				remove(p, "rendering_options")
				p.Set("rendering", group(form.Field{Name: "amount_tax_display", Value: word("")}))
			}
			rename(p, "rendering_options", "rendering")
			return nil
		},
	},
	{
		// unverified: that marketing_features is shown beside it.
		id: "A4", what: "the features of a product are its marketing_features", kinds: []string{"product"},
		back:   bring(made{"features", []string{"marketing_features"}, copied("marketing_features")}),
		routes: []string{"POST /v1/products", "POST /v1/products/{id}"},
		forward: func(p *form.Value) *fault.Error {
			rename(p, "features", "marketing_features")
			return nil
		},
	},
	{
		id: "A6", what: "events that are never sent are not known any more",
		routes: []string{"POST /v1/webhook_endpoints", "POST /v1/webhook_endpoints/{webhook_endpoint}"},
		forward: func(p *form.Value) *fault.Error {
			v := p.Get("enabled_events")
			if v == nil {
				return nil
			}
			gone := func(name string) bool { return oldEvents[name] && !spec.KnownEvent(name) }
			v.Items = slices.DeleteFunc(v.Items, func(it *form.Value) bool { return gone(it.Text) })
			v.Fields = slices.DeleteFunc(v.Fields, func(f form.Field) bool { return gone(f.Value.Text) })
			return nil
		},
	},
}}

// oldEvents are types of event that existed at 2020-08-27 and are gone. Known from: facts 13 (5).
var oldEvents = map[string]bool{
	"invoiceitem.updated": true, "order.created": true, "order.updated": true, "order.payment_failed": true, "order.payment_succeeded": true,
	"order_return.created": true, "recipient.created": true, "recipient.updated": true, "recipient.deleted": true, "sku.created": true,
	"sku.updated": true, "sku.deleted": true, "transfer.failed": true, "transfer.paid": true,
}
