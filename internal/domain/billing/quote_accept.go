package billing

import (
	"encoding/json"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// acceptQuote makes of a quote what it offers. Known from: facts 08 (8h), 15i. unverified: that quote.accepted comes last.
func (d *Domain) acceptQuote(c *api.Call) (any, error) {
	q, err := quoteInPath(c)
	if err != nil {
		return nil, err
	}
	if q.Status != open {
		return nil, fault.QuoteStatus("accept", q.Status, open)
	}
	cus, err := d.customerOf(c, *q.Customer)
	if err != nil {
		return nil, err
	}
	switch begins := q.SubscriptionData.EffectiveDate; {
	case !q.recurs():
		err = d.invoiceQuote(c, q, cus)
	case begins != nil && *begins > c.Now():
		err = d.scheduleQuote(c, q, cus)
	default:
		err = d.subscribeQuote(c, q)
	}
	if err != nil {
		return nil, err
	}
	if err := q.move(accepted, c.Now()); err != nil {
		return nil, err
	}
	return q, c.Save(q, "quote.accepted")
}

// invoiceQuote makes a draft, which waits for somebody to go on with it. What waits for the customer waits on. unverified: that it does.
func (d *Domain) invoiceQuote(c *api.Call, q *Quote, cus *customer.Customer) (err error) {
	inv := newInvoice(c, cus, *q.Currency, "quote_accept")
	inv.PeriodStart, inv.PeriodEnd = c.Now(), c.Now()
	inv.Rendering = &Rendering{PDF: RenderingPDF{"auto"}}
	inv.Parent = &Parent{QuoteDetails: quoteDetails(q.ID), Type: "quote_details"}
	inv.CollectionMethod, inv.OnBehalfOf, inv.Private.ApplicationFeeAmount = q.CollectionMethod, q.OnBehalfOf, q.ApplicationFeeAmount
	inv.say(&q.InvoiceSettings.Words)
	if days := q.InvoiceSettings.DaysUntilDue; days != nil {
		inv.dueIn(c, *days)
	}
	if t := q.TransferData; t != nil {
		if inv.Private.TransferData, err = json.Marshal(t); err != nil {
			return err
		}
	}
	if inv.DefaultTaxRates, err = showRates(c, q.DefaultTaxRates); err != nil {
		return err
	}
	if err := speak(c, cus, inv.Currency); err != nil {
		return err
	}
	for i, of := range q.Private.Items {
		if err := d.invoiceItemOf(c, inv, cus, of, "line_items["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	inv.inherit(cus)
	if said := q.Private.Discounts; len(said) > 0 {
		if inv.Discounts, err = d.discounts(c, asksFor(said), "discounts", holder{customer: cus.ID, invoice: inv.ID}); err != nil {
			return err
		}
	}
	q.Invoice = &inv.ID
	return d.retotal(c, inv, "invoice.created")
}

func quoteDetails(id string) json.RawMessage {
	return append(jsontext.AppendString([]byte(`{"quote":`), id), '}')
}

// invoiceItemOf puts what was quoted on an invoice.
func (d *Domain) invoiceItemOf(c *api.Call, inv *Invoice, cus *customer.Customer, of *QuoteItem, at string) error {
	price, err := catalog.Used(c, of.Price)
	if err != nil {
		return err
	}
	it := blankItem(c, cus)
	it.number(*of.Quantity)
	it.Period = Period{c.Now(), c.Now()}
	if err := it.of(c, price, inv.Currency); err != nil {
		return err
	}
	sale := Sale{Rates: of.Rates, Discounts: of.Said}
	if err := d.takeItem(c, it, sale.params(), at); err != nil {
		return err
	}
	if err := d.putOn(c, inv, it); err != nil {
		return err
	}
	return c.Save(it, "invoiceitem.created")
}

// subscribeQuote begins a subscription, whose first invoice is a draft for an hour. Known from: facts 15d.
func (d *Domain) subscribeQuote(c *api.Call, q *Quote) error {
	sales, err := q.sales(c)
	if err != nil {
		return err
	}
	o := &Order{Params: q.asks(), Currency: *q.Currency, Later: true, Words: &q.InvoiceSettings.Words, Begun: func(*Subscription) error { return nil }}
	for _, s := range sales {
		if s.Price.Recurring != nil {
			o.Recurring = append(o.Recurring, s)
		} else {
			o.Once = append(o.Once, s)
		}
	}
	sub, err := d.Subscribe(c, o)
	if err != nil {
		return err
	}
	q.Subscription = &sub.ID
	return nil
}

// asks is a quote as the request that creates its subscription.
func (q *Quote) asks() *form.Value {
	p, data := &form.Value{Kind: form.Object}, &q.SubscriptionData
	say := func(name, v string) { p.Set(name, &form.Value{Kind: form.String, Text: v}) }
	number := func(name string, n *int64) {
		if n != nil {
			p.Set(name, &form.Value{Kind: form.Int, Int: *n, Text: strconv.FormatInt(*n, 10)})
		}
	}
	say("customer", *q.Customer)
	say("collection_method", q.CollectionMethod)
	number("days_until_due", q.InvoiceSettings.DaysUntilDue)
	number("trial_period_days", data.TrialPeriodDays)
	if data.Description != nil {
		say("description", *data.Description)
	}
	if q.OnBehalfOf != nil {
		say("on_behalf_of", *q.OnBehalfOf)
	}
	p.Set("billing_mode", object("type", data.BillingMode.Type))
	if q.ApplicationFeePercent != nil {
		p.Set("application_fee_percent", decimal(*q.ApplicationFeePercent))
	}
	if t := q.TransferData; t != nil {
		to := object("destination", t.Destination)
		if t.AmountPercent != nil {
			to.Set("amount_percent", decimal(*t.AmountPercent))
		}
		p.Set("transfer_data", to)
	}
	all := Sale{Metadata: data.Metadata, Rates: q.DefaultTaxRates, Discounts: q.Private.Discounts}
	for _, f := range all.params().Fields {
		if f.Name == "tax_rates" {
			f.Name = "default_tax_rates"
		}
		p.Set(f.Name, f.Value)
	}
	return p
}

func object(name, v string) *form.Value {
	p := &form.Value{Kind: form.Object}
	p.Set(name, &form.Value{Kind: form.String, Text: v})
	return p
}

func decimal(n float64) *form.Value {
	return &form.Value{Kind: form.Decimal, Text: strconv.FormatFloat(n, 'f', -1, 64)}
}

// scheduleQuote makes a schedule of one phase, which lasts one interval, and lets the subscription go on after it. unverified: how long the phase is.
func (d *Domain) scheduleQuote(c *api.Call, q *Quote, cus *customer.Customer) error {
	s := newSchedule(c, cus)
	s.BillingMode = BillingMode{Type: q.SubscriptionData.BillingMode.Type}
	if f := q.SubscriptionData.BillingMode.Flexible; f != nil {
		s.BillingMode = flexibly(c.Now(), f.ProrationDiscounts)
	}
	set, method := &s.DefaultSettings, q.CollectionMethod
	set.ApplicationFeePercent, set.CollectionMethod, set.Description, set.OnBehalfOf = q.ApplicationFeePercent, &method, q.SubscriptionData.Description, q.OnBehalfOf
	if t := q.TransferData; t != nil {
		set.TransferData = &SubscriptionTransfer{t.AmountPercent, t.Destination}
	}
	set.InvoiceSettings.DaysUntilDue, s.Private.Words = q.InvoiceSettings.DaysUntilDue, &q.InvoiceSettings.Words
	ph, err := q.phase(c)
	if err != nil {
		return err
	}
	s.Phases = []*Phase{ph}
	if err := speak(c, cus, ph.Currency); err != nil {
		return err
	}
	if err := s.move(notStarted); err != nil {
		return err
	}
	s.plan(c)
	q.SubscriptionSchedule = &s.ID
	return c.Save(s, "subscription_schedule.created")
}

// phase is what the quote offers, as the phase of a schedule.
func (q *Quote) phase(c *api.Call) (ph *Phase, err error) {
	data := &q.SubscriptionData
	ph = &Phase{
		AddInvoiceItems: []*PhaseExtra{}, Currency: *q.Currency, Discounts: phaseDiscounts(q.Private.Discounts), Metadata: copyMap(data.Metadata),
		ProrationBehavior: "create_prorations", StartDate: *data.EffectiveDate,
	}
	if ph.DefaultTaxRates, err = showRates(c, q.DefaultTaxRates); err != nil {
		return nil, err
	}
	for _, it := range q.Private.Items {
		rates, err := showRates(c, it.Rates)
		if err != nil {
			return nil, err
		}
		if it.Recurs {
			ph.Items = append(ph.Items, &PhaseItem{Discounts: phaseDiscounts(it.Said), Metadata: map[string]string{}, Price: it.Price, Quantity: it.Quantity, TaxRates: rates})
			continue
		}
		ph.AddInvoiceItems = append(ph.AddInvoiceItems, &PhaseExtra{
			Discounts: phaseDiscounts(it.Said), Metadata: map[string]string{}, Price: it.Price, Quantity: it.Quantity, TaxRates: rates,
			Period: PhaseExtraPeriod{PhaseMoment{"min_item_period_end"}, PhaseMoment{"max_item_period_start"}},
		})
	}
	price, err := catalog.Used(c, ph.Items[0].Price)
	if err != nil {
		return nil, err
	}
	begins := ph.StartDate
	if days := data.TrialPeriodDays; days != nil {
		begins += *days * 86400
		end := begins
		ph.TrialEnd = &end
	}
	ph.EndDate = after(begins, begins, price.Recurring)
	return ph, nil
}

func phaseDiscounts(said []PhaseDiscount) []PhaseDiscount { return append([]PhaseDiscount{}, said...) }
