package billing

import (
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// A preview is the invoice that would come: a subscription's next, the one that a change of it would make, or the first of a subscription that is not there.
// It is made by the very steps that would make the invoice, in a call that keeps nothing. Known from: facts 15j.

func (d *Domain) previewRoutes(r *api.Router) {
	r.Kind(upcomings)
	r.Handle("POST /v1/invoices/create_preview", d.createPreview)
	r.Task("subscription.upcoming", d.upcoming)
}

func (d *Domain) createPreview(c *api.Call) (any, error) {
	for _, name := range []string{"schedule", "schedule_details", "customer_account", "on_behalf_of"} {
		if c.P.Given(name) {
			return nil, fault.ParamNotBuilt(name)
		}
	}
	if c.P.At("automatic_tax").True("enabled") {
		return nil, fault.ParamNotBuilt("automatic_tax[enabled]")
	}
	var body []byte
	err := c.Aside(func(c *api.Call) error {
		sub, cus, err := d.previewed(c)
		if err != nil {
			return err
		}
		inv, err := d.preview(c, sub, cus, c.P)
		body = jsontext.Append(nil, inv)
		return err
	})
	return api.JSON(body), err
}

// previewed finds what is previewed: a subscription, the customer's that renews next, or none.
func (d *Domain) previewed(c *api.Call) (*Subscription, *customer.Customer, error) {
	name, id := c.P.Str("subscription"), c.P.Str("customer")
	anew := name == "" && c.P.At("subscription_details").Has("items")
	switch {
	case name == "" && id == "" && !c.P.Has("customer_details"):
		return nil, nil, fault.PreviewOfWhat()
	case name == "" && id == "": // somebody who is no customer yet
		cus := customer.Customers.New(c, c.NewShortID("cus"))
		cus.TaxExempt = "none"
		return nil, cus, api.Bind(cus, c.P.Get("customer_details"))
	}
	sub, cus, err := d.whose(c)
	if err != nil || sub != nil || anew {
		return sub, cus, err
	}
	err = Subscriptions.Each(c, "customer", cus.ID, func(one *Subscription) bool {
		if !one.over() && one.Status != paused && (sub == nil || one.periodEnd() < sub.periodEnd()) {
			sub = one
		}
		return true
	})
	if err == nil && sub == nil && !c.P.Has("invoice_items") {
		items, err := pendingItems(c, cus.ID, "", text(cus.Currency))
		if err != nil || len(items) == 0 {
			if err == nil {
				err = fault.NoUpcoming(cus.ID)
			}
			return nil, nil, err
		}
	}
	return sub, cus, err
}

// preview makes the invoice that would come; asked are the parameters of the request.
func (d *Domain) preview(c *api.Call, sub *Subscription, cus *customer.Customer, asked *form.Value) (inv *Invoice, err error) {
	of := asked.At("subscription_details")
	if of == nil {
		of = &form.Value{Kind: form.Object}
	}
	err = c.Asking(of, func() error {
		switch {
		case sub != nil && sub.over():
			err = fault.NoUpcoming(cus.ID)
		case sub != nil:
			inv, err = d.previewNext(c, sub, cus, asked)
		case c.P.Has("items"):
			inv, err = d.previewFirst(c, cus, asked)
		default:
			inv, err = d.previewPending(c, cus, asked)
		}
		if err != nil {
			return err
		}
		return d.finishPreview(c, inv, cus, asked)
	})
	return inv, err
}

// previewPending is an invoice of what waits for a customer, who subscribes to nothing.
func (d *Domain) previewPending(c *api.Call, cus *customer.Customer, asked *form.Value) (*Invoice, error) {
	currency := text(cus.Currency)
	if currency == "" {
		currency = asked.Str("currency")
	}
	inv := newInvoice(c, cus, currency, "upcoming")
	inv.PeriodStart, inv.PeriodEnd = c.Now(), c.Now()
	inv.inherit(cus)
	return inv, d.takePending(c, inv, nil)
}

// previewFirst is the first invoice of a subscription that is not there.
func (d *Domain) previewFirst(c *api.Call, cus *customer.Customer, asked *form.Value) (*Invoice, error) {
	sub := newSubscription(c, cus)
	edits, err := d.edits(c, sub, c.P.Get("items"))
	if err != nil {
		return nil, err
	}
	if sub.Currency = asked.Str("currency"); sub.Currency == "" {
		sub.Currency = edits[0].price.Currency
	}
	if err := d.fits(c, sub, edits); err != nil {
		return nil, err
	}
	if err := d.begin(c, sub, edits); err != nil {
		return nil, err
	}
	inv := d.invoiceFor(c, sub, cus, "upcoming")
	inv.PeriodStart = c.Now()
	return inv, d.firstLines(c, sub, inv)
}

// previewNext is the invoice that a change makes at once, or else the one at the end of the period, with what waits for it.
func (d *Domain) previewNext(c *api.Call, sub *Subscription, cus *customer.Customer, asked *form.Value) (*Invoice, error) {
	if err := checkSubscription(c.P); err != nil {
		return nil, err
	}
	edits, err := d.edits(c, sub, c.P.Get("items"))
	if err != nil {
		return nil, err
	}
	ch, err := d.planChange(c, sub, cus, edits)
	if err != nil {
		return nil, err
	}
	recurring := asked.Str("preview_mode") == "recurring"
	if recurring {
		ch.prorate = "none"
	}
	if err := d.carryOut(c, ch); err != nil {
		return nil, err
	}
	if c.P.True("cancel_now") || c.P.True("cancel_at_period_end") || sub.CancelAt != nil && *sub.CancelAt <= sub.periodEnd() && !c.P.Has("cancel_at_period_end") {
		return d.previewLast(c, ch)
	}
	due := sub.Items.Data
	if !ch.bill {
		start, end := sub.periodStart(), sub.periodEnd()
		if sub.Status != trialing {
			if ch.used, err = d.usedBy(c, sub, end, false); err != nil {
				return nil, err
			}
		}
		c.OnClock(c.Clock(), end)
		if due, err = d.nextPeriods(c, sub); err != nil {
			return nil, err
		}
		inv := d.invoiceFor(c, sub, cus, "upcoming")
		inv.PeriodStart, inv.PeriodEnd = start, end
		return inv, d.previewLines(c, ch, inv, due, recurring, false)
	}
	inv := d.invoiceFor(c, sub, cus, "upcoming")
	if !ch.anew && ch.trial == 0 { // only the prorations are billed
		due = nil
	}
	return inv, d.previewLines(c, ch, inv, due, recurring, ch.trial > 0)
}

// previewLast is what would still be billed of a subscription that ends.
func (d *Domain) previewLast(c *api.Call, ch *change) (*Invoice, error) {
	sub := ch.sub
	if c.P.True("cancel_now") && ch.prorate != "none" {
		for _, it := range sub.Items.Data {
			p, err := it.price(c)
			if err != nil {
				return nil, err
			}
			ii, err := d.credit(c, sub, ch.cus, it, p, ch.when)
			if err != nil {
				return nil, err
			}
			if ii != nil {
				ch.items = append(ch.items, ii)
			}
		}
	}
	inv := d.invoiceFor(c, sub, ch.cus, "upcoming")
	if err := d.previewLines(c, ch, inv, nil, false, false); err != nil {
		return nil, err
	}
	if len(inv.lines()) == 0 {
		return nil, fault.NoUpcoming(ch.cus.ID)
	}
	return inv, nil
}

// previewLines puts on a preview what waits, what a change costs, and the period that begins.
func (d *Domain) previewLines(c *api.Call, ch *change, inv *Invoice, due []*Item, recurring, trial bool) error {
	if !recurring {
		if err := d.takePending(c, inv, ch.sub); err != nil {
			return err
		}
		for _, ii := range ch.items {
			if err := d.putOn(c, inv, ii); err != nil {
				return err
			}
		}
	}
	if err := d.usageLines(c, inv, ch.used); err != nil {
		return err
	}
	return d.periodLines(c, ch.sub, inv, due, trial)
}

// finishPreview puts on a preview what else the request wants, and makes it look like one.
func (d *Domain) finishPreview(c *api.Call, inv *Invoice, cus *customer.Customer, asked *form.Value) error {
	if items := asked.Get("invoice_items"); items != nil {
		for i, p := range items.Items {
			if err := d.previewItem(c, inv, cus, p, "invoice_items["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
	}
	if asked.Has("discounts") {
		list, err := d.discounts(c, asked.Get("discounts"), "discounts", holder{customer: cus.ID, invoice: inv.ID})
		if err != nil {
			return err
		}
		inv.Discounts = list
	}
	if err := inv.add(c, cus); err != nil {
		return err
	}
	name := "upcoming_" + inv.ID
	for _, l := range inv.lines() {
		l.ID, l.Invoice = "il_tmp"+strings.TrimPrefix(l.ID, "il"), name
	}
	inv.ID = name
	inv.setLines(inv.lines())
	inv.AutoAdvance, inv.WebhooksDeliveredAt = true, nil // unverified
	if inv.CollectionMethod == automatic {
		at := inv.Created + hour
		inv.NextPaymentAttempt = &at
	}
	return nil
}

// previewItem puts an invoice item on a preview: one that waits, changed, or one that is not there.
func (d *Domain) previewItem(c *api.Call, inv *Invoice, cus *customer.Customer, p *form.Value, at string) error {
	if name := p.Str("invoiceitem"); name != "" {
		it, err := InvoiceItems.Find(c, name, under(at, "invoiceitem"))
		if err != nil {
			return err
		}
		if err := d.changeItem(c, it, p, at); err != nil {
			return err
		}
		if l := inv.ofItem(it.ID); l != nil {
			it.show(l)
		}
		return nil
	}
	if p.Given("price") { // as items of invoices said it before pricing[price]
		p.Set("pricing", &form.Value{Kind: form.Object, Fields: []form.Field{{Name: "price", Value: p.Get("price")}}})
	}
	it, err := d.newItem(c, cus, inv, p, at)
	if err != nil {
		return err
	}
	return d.putOn(c, inv, it)
}

// upcomings keeps previews that events have told of: each as the invoice that it shows.
var upcomings = &api.Kind[Invoice]{Name: "_upcoming", Internal: true}

// upcomingBefore is how long before a renewal it is told of, in seconds. unverified: that three days are what an account begins with.
const upcomingBefore = 3 * 86400

// announce asks for the event that a renewal comes, if the period is long enough.
func (s *Subscription) announce(c *api.Call) {
	if when := s.periodEnd() - upcomingBefore; s.CollectionMethod == automatic && when > s.periodStart() {
		c.At(when, "subscription.upcoming", s.ID)
	}
}

// upcoming is the task that tells that a subscription renews in three days. Known from: facts 15d, 15l.
func (d *Domain) upcoming(c *api.Call, name string) error {
	sub, err := Subscriptions.Get(c, name)
	if err != nil || sub == nil || sub.over() || sub.Status == paused || sub.PauseCollection != nil || sub.CollectionMethod != automatic {
		return err
	}
	end, now := sub.periodEnd(), c.Now()
	if end-upcomingBefore > now || end <= now || sub.CancelAt != nil && *sub.CancelAt <= end {
		return nil
	}
	up := upcomings.New(c, c.NewID("_upcoming"))
	err = c.Aside(func(c *api.Call) error {
		sub, err := Subscriptions.Get(c, name)
		if err != nil {
			return err
		}
		cus, err := d.customerOf(c, sub.Customer)
		if err != nil {
			return err
		}
		inv, err := d.preview(c, sub, cus, &form.Value{Kind: form.Object})
		if err != nil {
			return err
		}
		place := up.Meta
		*up = *inv
		up.Meta, up.ID, up.Object = place, inv.ID, "invoice"
		return nil
	})
	if err != nil {
		return err
	}
	return c.Save(up, "invoice.upcoming")
}
