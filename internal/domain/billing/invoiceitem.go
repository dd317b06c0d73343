package billing

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// An InvoiceItem is something that a customer is to be asked for, or given back (below zero), on the next invoice or on a certain draft. What a change of a
// subscription costs is one too: a proration. On an invoice it stands as a line, and shares its fate.
//
// Shape recorded at 2026-03-25.dahlia; facts 15n.
type InvoiceItem struct {
	api.Meta
	Amount           int64             `json:"amount"` // minor units
	Currency         string            `json:"currency"`
	Customer         string            `json:"customer"`
	CustomerAccount  *string           `json:"customer_account"`
	Date             int64             `json:"date"` // Unix seconds
	Description      *string           `json:"description"`
	Discountable     bool              `json:"discountable"`
	Discounts        []string          `json:"discounts"`
	Invoice          *string           `json:"invoice"` // null while it waits
	Livemode         bool              `json:"livemode"`
	Metadata         map[string]string `json:"metadata"`
	NetAmount        *int64            `json:"net_amount,omitempty"` // after discounts; of what cannot be discounted
	Parent           *ItemParent       `json:"parent"`
	Period           Period            `json:"period"`
	Pricing          *Pricing          `json:"pricing"`
	Proration        bool              `json:"proration"`
	ProrationDetails *ItemProration    `json:"proration_details,omitempty"`
	Quantity         int64             `json:"quantity"`
	QuantityDecimal  string            `json:"quantity_decimal"`
	TaxRates         []json.RawMessage `json:"tax_rates"`
	TestClock        *string           `json:"test_clock"`
}

// ItemParent is the subscription that an invoice item is for.
type ItemParent struct {
	SubscriptionDetails *ItemSubscription `json:"subscription_details"`
	Type                string            `json:"type"`
}

// ItemSubscription names a subscription and, of a proration, its item.
type ItemSubscription struct {
	Subscription     string `json:"subscription"`
	SubscriptionItem string `json:"subscription_item,omitempty"`
}

// ItemProration says what a proration gives back.
type ItemProration struct {
	CreditedItems   *CreditedItems   `json:"credited_items"`
	DiscountAmounts []DiscountAmount `json:"discount_amounts"`
}

// CreditedItems are what a credit is a part of.
type CreditedItems struct {
	InvoiceItem            *string       `json:"invoice_item,omitempty"`
	InvoiceLineItemDetails *CreditedList `json:"invoice_line_item_details,omitempty"`
	Type                   string        `json:"type"`
}

// CreditedList names an invoice and its lines.
type CreditedList struct {
	Invoice          string   `json:"invoice"`
	InvoiceLineItems []string `json:"invoice_line_items"`
}

// InvoiceItems is the kind of invoice items.
var InvoiceItems = &api.Kind[InvoiceItem]{
	Name: "invoiceitem", Prefixes: []string{"ii"}, Word: "invoiceitem", Param: "id", Index: []string{"customer", "invoice"},
}

func (d *Domain) itemRoutes(r *api.Router) {
	r.Kind(InvoiceItems)
	r.Handle("POST /v1/invoiceitems", d.createItem)
	r.Handle("GET /v1/invoiceitems", d.listItems)
	r.Plain("GET /v1/invoiceitems/{invoiceitem}", InvoiceItems.Retrieve)
	r.Handle("POST /v1/invoiceitems/{invoiceitem}", d.updateItem)
	r.Handle("DELETE /v1/invoiceitems/{invoiceitem}", d.deleteItem)
}

func (d *Domain) createItem(c *api.Call) (any, error) {
	if c.P.Str("customer") == "" {
		return nil, fault.Missing("customer")
	}
	cus, err := d.customer(c, c.P.Str("customer"), "customer")
	if err != nil {
		return nil, err
	}
	var inv *Invoice
	if name := c.P.Str("invoice"); name != "" {
		if inv, err = Invoices.Find(c, name, "invoice"); err != nil {
			return nil, err
		}
		switch {
		case inv.Status != draft:
			return nil, fault.InvoiceNotEditable()
		case inv.Customer != cus.ID:
			return nil, fault.InvoiceOfOther(inv.ID, cus.ID)
		}
	}
	it, err := d.newItem(c, cus, inv, c.P, "")
	if err != nil {
		return nil, err
	}
	if name := c.P.Str("subscription"); name != "" {
		sub, err := Subscriptions.Find(c, name, "subscription")
		if err != nil {
			return nil, err
		}
		if sub.Customer != cus.ID {
			return nil, fault.SubscriptionOfOther(name, cus.ID)
		}
		it.Parent = &ItemParent{&ItemSubscription{Subscription: sub.ID}, "subscription_details"}
	}
	if inv != nil {
		if err := d.putOn(c, inv, it); err != nil {
			return nil, err
		}
	}
	if err := c.Save(it, "invoiceitem.created"); err != nil || inv == nil {
		return it, err
	}
	return it, d.retotal(c, inv, "invoice.updated")
}

// newItem makes an invoice item of parameters: an amount, or a price and how many. The caller saves it. Known from: facts 15a, 15o.
func (d *Domain) newItem(c *api.Call, cus *customer.Customer, inv *Invoice, p *form.Value, at string) (*InvoiceItem, error) {
	if err := checkItem(p, at); err != nil {
		return nil, err
	}
	it := blankItem(c, cus)
	it.Period = Period{c.Now(), c.Now()}
	currency := p.Str("currency")
	switch {
	case inv != nil && currency != "" && currency != inv.Currency:
		return nil, fault.CurrencyOfInvoice(under(at, "currency"), inv.Currency)
	case inv != nil:
		currency = inv.Currency
	}
	if err := d.price(c, it, cus, p, at, currency); err != nil {
		return nil, err
	}
	if err := speak(c, cus, it.Currency); err != nil {
		return nil, err
	}
	return it, d.takeItem(c, it, p, at)
}

// checkItem refuses what no invoice item can be asked.
func checkItem(p *form.Value, at string) error {
	for _, name := range []string{"customer_account", "quantity_decimal", "tax_amounts", "tax_behavior", "tax_code"} {
		if p.Given(name) {
			return fault.ParamNotBuilt(under(at, name))
		}
	}
	if p.Given("quantity") && p.Num("quantity") < 0 {
		return fault.BelowMinimum(under(at, "quantity"), 0)
	}
	return nil
}

func blankItem(c *api.Call, cus *customer.Customer) *InvoiceItem {
	it := InvoiceItems.New(c, c.NewID("ii"))
	it.Customer, it.Date, it.Livemode, it.TestClock = cus.ID, c.Now(), c.Live(), cus.TestClock
	it.Discountable, it.Discounts, it.Metadata, it.TaxRates = true, []string{}, map[string]string{}, []json.RawMessage{}
	it.number(1)
	return it
}

func (it *InvoiceItem) number(n int64) { it.Quantity, it.QuantityDecimal = n, strconv.FormatInt(n, 10) }

// price gives an item its amount.
func (d *Domain) price(c *api.Call, it *InvoiceItem, cus *customer.Customer, p *form.Value, at, currency string) error {
	priceID := p.At("pricing").Str("price")
	ways := 0
	for _, has := range []bool{p.Given("amount"), p.Given("unit_amount_decimal"), priceID != "", p.Has("price_data")} {
		if has {
			ways++
		}
	}
	if ways > 1 || p.Given("amount") && p.Given("quantity") {
		return fault.AmountOrQuantity()
	}
	switch {
	case p.Given("amount"):
		it.number(1)
	case p.Given("quantity"):
		it.number(p.Num("quantity"))
	}
	if currency == "" && priceID == "" && !p.Has("price_data") {
		currency = text(cus.Currency)
		if currency == "" {
			return fault.Missing(under(at, "currency"))
		}
	}
	var pr *catalog.Price
	var err error
	switch {
	case priceID != "":
		pr, err = catalog.FindPrice(c, priceID, under(at, "pricing[price]"), false)
	case p.Has("price_data"):
		pr, err = catalog.PriceFromData(c, p.Get("price_data"), under(at, "price_data"))
	case p.Given("unit_amount_decimal"):
		pr, err = catalog.HiddenPrice(c, currency, p.Str("unit_amount_decimal"), p.Str("description"))
	case p.Given("amount"):
		pr, err = catalog.HiddenPrice(c, currency, strconv.FormatInt(p.Num("amount"), 10), p.Str("description"))
	default:
		return fault.Missing(under(at, "amount")) // unverified: Stripe's words
	}
	if err != nil {
		return err
	}
	said := it.Description
	if err := it.of(c, pr, currency); err != nil {
		return err
	}
	if priceID == "" && !p.Has("price_data") { // only an amount: recorded without words of its own
		it.Description = said
	}
	return nil
}

// of gives an item its amount from a price and its quantity.
func (it *InvoiceItem) of(c *api.Call, pr *catalog.Price, currency string) (err error) {
	if currency == "" {
		currency = pr.Currency
	}
	it.Currency = currency
	if it.Amount, err = pr.Amount(it.Quantity, currency); err != nil {
		return err
	}
	_, exact, ok := pr.UnitFor(currency)
	if !ok {
		return fault.PriceCurrency(pr.ID, currency)
	}
	it.Pricing = &Pricing{PriceDetails{pr.ID, pr.Product}, "price_details", exact}
	if it.Description == nil {
		name, _, err := catalog.ProductName(c, pr.Product)
		if err != nil {
			return err
		}
		it.Description = opt(name)
	}
	return nil
}

// takeItem applies what may be said of any invoice item.
func (d *Domain) takeItem(c *api.Call, it *InvoiceItem, p *form.Value, at string) (err error) {
	if p.Has("period") {
		if p.At("period").Num("end") < p.At("period").Num("start") {
			return fault.PeriodBackwards(under(at, "period[end]"))
		}
		it.Period = Period{p.At("period").Num("end"), p.At("period").Num("start")}
	}
	if p.Has("description") {
		it.Description = opt(p.Str("description"))
	}
	if p.Has("discountable") {
		it.Discountable = p.True("discountable")
	}
	if p.Has("metadata") {
		if err := metadata(&it.Metadata, p.Get("metadata")); err != nil {
			return err
		}
	}
	if p.Has("discounts") {
		if it.Discounts, err = d.discounts(c, p.Get("discounts"), under(at, "discounts"), holder{customer: it.Customer, item: it.ID}); err != nil {
			return err
		}
	}
	if p.Has("tax_rates") {
		rates, err := taxRates(c, p, "tax_rates", at)
		if err != nil {
			return err
		}
		if it.TaxRates, err = showRates(c, rates); err != nil {
			return err
		}
	}
	return nil
}

func (it *InvoiceItem) rates() []string { return idsOf(it.TaxRates) }

func (d *Domain) listItems(c *api.Call) (any, error) {
	n := api.Narrow{Skip: []string{"pending"}}
	if c.P.Has("pending") {
		pending := c.P.True("pending")
		n.Where = func(body []byte) bool { return pending == (jsontext.Text(body, "invoice") == "") }
	}
	return InvoiceItems.ListOf(c, n)
}

// itemInPath is the item of the path, and the draft that it stands on, if it does. One on an invoice that is final cannot be touched.
func (d *Domain) itemInPath(c *api.Call, verb string) (*InvoiceItem, *Invoice, error) {
	it, err := InvoiceItems.InPath(c, "invoiceitem")
	if err != nil {
		return nil, nil, err
	}
	if _, err := d.customerOf(c, it.Customer); err != nil || it.Invoice == nil {
		return it, nil, err
	}
	inv, err := Invoices.Get(c, *it.Invoice)
	if err == nil && inv != nil && inv.Status != draft {
		return nil, nil, fault.ItemInvoiced(verb)
	}
	return it, inv, err
}

func (d *Domain) updateItem(c *api.Call) (any, error) {
	it, inv, err := d.itemInPath(c, "update")
	if err != nil {
		return nil, err
	}
	if err := d.changeItem(c, it, c.P, ""); err != nil {
		return nil, err
	}
	if err := c.Save(it); err != nil || inv == nil {
		return it, err
	}
	l := inv.ofItem(it.ID)
	it.show(l)
	inv.taxBy(l, it.rates())
	return it, d.retotal(c, inv, "invoice.updated")
}

// changeItem applies parameters to an item. Of a proration only words can be changed.
func (d *Domain) changeItem(c *api.Call, it *InvoiceItem, p *form.Value, at string) error {
	cus, err := customer.Customers.Get(c, it.Customer)
	if err != nil {
		return err
	}
	if err := checkItem(p, at); err != nil {
		return err
	}
	for _, name := range []string{"amount", "quantity", "unit_amount_decimal", "pricing", "price_data"} {
		if it.Proration && p.Given(name) {
			return fault.ProrationFixed(under(at, name))
		}
	}
	switch {
	case p.Given("amount") || p.Given("unit_amount_decimal") || p.Has("pricing") || p.Has("price_data"):
		err = d.price(c, it, cus, p, at, it.Currency)
	case p.Given("quantity"):
		var pr *catalog.Price
		it.number(p.Num("quantity"))
		if pr, err = catalog.Prices.Get(c, it.Pricing.PriceDetails.Price); err == nil && pr != nil {
			err = it.of(c, pr, it.Currency)
		}
	}
	if err != nil {
		return err
	}
	return d.takeItem(c, it, p, at)
}

func (d *Domain) deleteItem(c *api.Call) (any, error) {
	it, inv, err := d.itemInPath(c, "delete")
	if err != nil {
		return nil, err
	}
	if err := c.Delete(it, "invoiceitem.deleted"); err != nil || inv == nil {
		return it, err
	}
	inv.takeOff(inv.ofItem(it.ID))
	return it, d.retotal(c, inv, "invoice.updated")
}

// putOn puts an item on a draft, as its last line. The caller saves both.
func (d *Domain) putOn(c *api.Call, inv *Invoice, it *InvoiceItem) error {
	if it.Currency != inv.Currency {
		return fault.CurrencyOfInvoice("currency", inv.Currency)
	}
	it.Invoice = &inv.ID
	l := newLine(c, inv, it.Amount)
	it.show(l)
	inv.setLines(append(inv.lines(), l))
	inv.taxBy(l, it.rates())
	return nil
}

// show makes the line of an item say what the item says.
func (it *InvoiceItem) show(l *Line) {
	l.Amount, l.Currency, l.Description, l.Discountable, l.Discounts = it.Amount, it.Currency, it.Description, it.Discountable, it.Discounts
	l.Metadata, l.Period, l.Pricing = it.Metadata, it.Period, it.Pricing
	l.count(it.Quantity)
	id := it.ID
	var credited CreditedDetails
	if p := it.ProrationDetails; p != nil && p.CreditedItems != nil && p.CreditedItems.InvoiceLineItemDetails != nil {
		of := p.CreditedItems.InvoiceLineItemDetails
		credited.CreditedItems = &Credited{of.Invoice, of.InvoiceLineItems}
	}
	sub := it.subscription()
	if it.Parent != nil && it.Parent.SubscriptionDetails.SubscriptionItem != "" {
		l.Parent = LineParent{Type: "subscription_item_details", SubscriptionItemDetails: &SubscriptionItemDetails{
			InvoiceItem: &id, Proration: it.Proration, ProrationDetails: credited, Subscription: sub, SubscriptionItem: it.Parent.SubscriptionDetails.SubscriptionItem,
		}}
		return
	}
	l.Parent = LineParent{Type: "invoice_item_details", InvoiceItemDetails: &ItemDetails{InvoiceItem: id, Proration: it.Proration, Subscription: opt(sub)}}
}

// subscription is the id of the subscription that the item is for, or "".
func (it *InvoiceItem) subscription() string {
	if it.Parent == nil || it.Parent.SubscriptionDetails == nil {
		return ""
	}
	return it.Parent.SubscriptionDetails.Subscription
}

// pendingItems are the items that wait for an invoice of a customer: those for a subscription and those for none; or, where no subscription is named,
// all. The newest come first, those of one second in the order in which they were made: a credit before the debit that takes its place.
func pendingItems(c *api.Call, customer, sub, currency string) ([]*InvoiceItem, error) {
	var out []*InvoiceItem
	err := InvoiceItems.Each(c, "customer", customer, func(it *InvoiceItem) bool {
		of := it.subscription()
		if it.Invoice == nil && it.Currency == currency && (sub == "" || of == sub || of == "") {
			out = append(out, it)
		}
		return true
	})
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b *InvoiceItem) int { return cmp.Compare(b.Date, a.Date) })
	return out, err
}

// takePending puts what waits for the customer on a draft.
func (d *Domain) takePending(c *api.Call, inv *Invoice, sub *Subscription) error {
	name := ""
	if sub != nil {
		name = sub.ID
	}
	items, err := pendingItems(c, inv.Customer, name, inv.Currency)
	if err != nil {
		return err
	}
	for _, it := range items {
		if err := d.putOn(c, inv, it); err != nil {
			return err
		}
		if err := c.Save(it); err != nil {
			return err
		}
	}
	return nil
}
