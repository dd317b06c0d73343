package version

import (
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// subscribing are the routes that make and change subscriptions.
var subscribing = []string{
	"POST /v1/subscriptions", "POST /v1/customers/{customer}/subscriptions", "POST /v1/subscriptions/{subscription_exposed_id}",
	"POST /v1/customers/{customer}/subscriptions/{subscription_exposed_id}",
}

// previewing is what answers for upcoming invoices.
const previewing = "POST /v1/invoices/create_preview"

// What gate20250331 did to subscriptions, plans and schedules, and to what requests say of them and of invoices. B14 was taken back, B15 is a
// check that the domain makes, B16 (usage records) is not here, and of B18 nothing is known.
var subscriptions20250331 = []change{
	{
		id: "B10", what: "the items of a subscription have periods, and it has none", kinds: []string{"subscription"},
		back: bring(
			made{"current_period_end", []string{"items"}, period("current_period_end")},
			made{"current_period_start", []string{"items"}, period("current_period_start")},
		),
	},
	{
		id: "B11", what: "a subscription shows only the ids of its discounts", kinds: []string{"subscription"}, adds: []string{"discount"},
		back:    bring(made{"discount", []string{"discounts"}, firstDiscount}),
		routes:  append([]string{previewing}, subscribing...),
		forward: func(p *form.Value) *fault.Error { return oneOf(p, "discounts", "coupon", "promotion_code") },
	},
	{
		// Recorded at 2020-08-27 and 2023-08-16. unverified: since which version they are refused.
		id: "B11 plan", what: "plan and quantity are no parameters of subscriptions any more", routes: subscribing, resolve: itemOfOld,
	},
	{
		id: "B13 plan", what: "a plan does not show its aggregate_usage", kinds: []string{"plan"},
		back: func(w *walk, o *object) error { return o.addNull("aggregate_usage") },
	},
	{
		// What is metered has a meter, which says how it adds up.
		id: "B13 price", what: "a price does not show its aggregate_usage", kinds: []string{"price"}, marks: []string{`"recurring":{`},
		back: func(w *walk, o *object) (err error) {
			if !o.sealed && !o.partial {
				o.inside("recurring", func(r *object) { err = r.addNull("aggregate_usage") })
			}
			return err
		},
	},
	{
		id: "B17", what: "a phase of a schedule shows its discounts instead of its coupon", kinds: []string{"subscription_schedule"},
		back: func(w *walk, o *object) error {
			if o.sealed || !o.has("phases") {
				return nil
			}
			phases, err := mapped(o.get("phases"), func(v []byte) ([]byte, error) {
				phase := decode(v)
				phase.tree = child(o.tree, "phases")
				err := bring(made{"coupon", nil, func(w *walk, o *object) ([]byte, error) {
					return reference(idOf(jsontext.Get(first(o.get("discounts")), "coupon"))), nil
				}})(w, phase)
				return phase.encode(nil), err
			})
			o.set("phases", phases)
			return err
		},
		routes: []string{"POST /v1/subscription_schedules", "POST /v1/subscription_schedules/{schedule}"},
		forward: func(p *form.Value) (err *fault.Error) {
			each(p.Get("phases"), func(phase *form.Value) {
				if err == nil {
					err = oneOf(phase, "discounts", "coupon")
				}
			})
			return err
		},
	},
	{
		id: "B19 pricing", what: "an invoice item names its price in its pricing, and its unit amount as a decimal",
		routes: []string{"POST /v1/invoiceitems", "POST /v1/invoiceitems/{invoiceitem}", "POST /v1/invoices/{invoice}/lines/{line_item_id}"},
		forward: func(p *form.Value) *fault.Error {
			move(p, "price", "pricing", "price")
			rename(p, "unit_amount", "unit_amount_decimal")
			return nil
		},
	},
	{
		id: "B19 lines", what: "the lines of an invoice do the same", routes: []string{"POST /v1/invoices/{invoice}/add_lines", "POST /v1/invoices/{invoice}/update_lines"},
		forward: func(p *form.Value) *fault.Error {
			each(p.Get("lines"), func(line *form.Value) { move(line, "price", "pricing", "price") })
			return nil
		},
	},
	{
		id: "B20", what: "the upcoming invoice is a preview", moved: [2]string{"GET /v1/invoices/upcoming", previewing}, routes: []string{previewing},
		forward: func(p *form.Value) *fault.Error {
			for _, name := range previewed {
				move(p, "subscription_"+name, "subscription_details", name)
			}
			return nil
		},
	},
}

// previewed are what a preview may change about a subscription.
var previewed = []string{
	"billing_cycle_anchor", "cancel_at", "cancel_at_period_end", "cancel_now", "default_tax_rates", "items", "proration_behavior", "proration_date",
	"resume_at", "start_date", "trial_end",
}

// period makes a member what the item that is billed next has. unverified: what is shown when the items have different periods.
func period(name string) func(*walk, *object) ([]byte, error) {
	return func(w *walk, o *object) ([]byte, error) {
		var next []byte
		for item := range items(o.at("items.data")) {
			if next == nil || integer(jsontext.Get(item, "current_period_end")) < integer(jsontext.Get(next, "current_period_end")) {
				next = item
			}
		}
		return orNull(jsontext.Get(next, name)), nil
	}
}

// itemOfOld makes plan and quantity those of an item: of the only one that there is, or of a new one.
func itemOfOld(r Request) error {
	p := r.Params
	if !p.Has("plan") && !p.Has("quantity") || p.Has("items") {
		return nil
	}
	item := group()
	if id := r.Path("subscription_exposed_id"); id != "" {
		only, err := onlyItem(r, id)
		if only == "" || err != nil {
			return err // several, of which none is meant: the parameters are refused
		}
		item.Set("id", word(only))
	}
	for _, name := range []string{"plan", "quantity"} {
		if v := p.Get(name); v != nil {
			item.Set(name, v)
			remove(p, name)
		}
	}
	p.Set("items", array(item))
	return nil
}

// onlyItem is the id of the item of a subscription that has one; "" if it has several.
func onlyItem(r Request, subscription string) (only string, err error) {
	sub, err := r.Get(subscription)
	for item := range items(jsontext.Get(sub, "items.data")) {
		if only != "" {
			return "", nil
		}
		only = jsontext.Text(item, "id")
	}
	return only, err
}

// refundsOfOld makes the one refund of a credit note one of several.
func refundsOfOld(p *form.Value) *fault.Error { return oneOf(p, "refunds", "refund") }
