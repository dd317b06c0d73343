package version

import (
	"slices"

	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/spec"
)

// gate20240410 is 2024-04-10. A1 and A2 (capture_method) are fixed when an intent is made. A3 and A5 belong to invoices and the billing
// portal, and stand here when there are any.
var gate20240410 = gate{"2024-04-10", []change{
	{
		id: "A4", what: "a product's features are called marketing_features", kinds: []string{"product"}, // unverified: that both are shown
		routes: []string{"POST /v1/products", "POST /v1/products/{id}"},
		back: func(w *walk, o *object) error {
			if !o.wants("features", "marketing_features") || !o.has("marketing_features") {
				return nil
			}
			return o.add("features", o.get("marketing_features"))
		},
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
