package billing

import (
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// A Line is one thing that an invoice asks for, or gives back (below zero). It is a part of its invoice: an item of the subscription for a period, or an
// invoice item. Amounts are in minor units.
type Line struct {
	ID                  string            `json:"id"`
	Object              string            `json:"object"`
	Amount              int64             `json:"amount"` // before discounts and exclusive taxes
	Currency            string            `json:"currency"`
	Description         *string           `json:"description"`
	DiscountAmounts     []DiscountAmount  `json:"discount_amounts"`
	Discountable        bool              `json:"discountable"`
	Discounts           []string          `json:"discounts"` // its own
	Invoice             string            `json:"invoice"`
	Livemode            bool              `json:"livemode"`
	Metadata            map[string]string `json:"metadata"`
	Parent              LineParent        `json:"parent"`
	Period              Period            `json:"period"`
	PretaxCreditAmounts []PretaxCredit    `json:"pretax_credit_amounts"`
	Pricing             *Pricing          `json:"pricing"`
	Quantity            *int64            `json:"quantity"`
	QuantityDecimal     *string           `json:"quantity_decimal"`
	Subtotal            int64             `json:"subtotal"`
	Taxes               []Tax             `json:"taxes"`
}

// A Period is a stretch of time, in Unix seconds.
type Period struct {
	End   int64 `json:"end"`
	Start int64 `json:"start"`
}

// A LineParent says what a line comes from: exactly one of its details is set.
type LineParent struct {
	InvoiceItemDetails      *ItemDetails             `json:"invoice_item_details"`
	SubscriptionItemDetails *SubscriptionItemDetails `json:"subscription_item_details"`
	Type                    string                   `json:"type"`
}

// ItemDetails name the invoice item of a line.
type ItemDetails struct {
	InvoiceItem      string          `json:"invoice_item"`
	Proration        bool            `json:"proration"`
	ProrationDetails CreditedDetails `json:"proration_details"`
	Subscription     *string         `json:"subscription"`
}

// SubscriptionItemDetails name the subscription item of a line and, of a proration, the invoice item that it was first.
type SubscriptionItemDetails struct {
	InvoiceItem      *string         `json:"invoice_item"`
	Proration        bool            `json:"proration"`
	ProrationDetails CreditedDetails `json:"proration_details"`
	Subscription     string          `json:"subscription"`
	SubscriptionItem string          `json:"subscription_item"`
}

// CreditedDetails say what a credit gives back.
type CreditedDetails struct {
	CreditedItems *Credited `json:"credited_items"`
}

// Credited are the lines that a credit gives back a part of.
type Credited struct {
	Invoice          string   `json:"invoice"`
	InvoiceLineItems []string `json:"invoice_line_items"`
}

// A Pricing is what a line's amount was computed from. UnitAmountDecimal is in minor units; null where the amount is no multiple of a unit's.
type Pricing struct {
	PriceDetails      PriceDetails `json:"price_details"`
	Type              string       `json:"type"`
	UnitAmountDecimal *string      `json:"unit_amount_decimal"`
}

// PriceDetails name a price.
type PriceDetails struct {
	Price   string `json:"price"`
	Product string `json:"product"`
}

// A DiscountAmount is what one discount takes off.
type DiscountAmount struct {
	Amount   int64  `json:"amount"`
	Discount string `json:"discount"`
}

// A PretaxCredit is what is taken off before taxes: by a discount, or by credits, which have no transaction before the invoice is final.
type PretaxCredit struct {
	Amount                   int64   `json:"amount"`
	CreditBalanceTransaction *string `json:"credit_balance_transaction,omitempty"`
	Discount                 string  `json:"discount,omitempty"`
	Type                     string  `json:"type"`
}

// credits is the type of what is taken off by credits.
const credits = "credit_balance_transaction"

func byDiscount(amount int64, id string) PretaxCredit {
	return PretaxCredit{Amount: amount, Discount: id, Type: "discount"}
}

func byCredit(amount int64) PretaxCredit { return PretaxCredit{Amount: amount, Type: credits} }

// A Tax is what one tax rate adds to a line, or is a part of its amount if it is inclusive.
type Tax struct {
	Amount           int64           `json:"amount"`
	TaxBehavior      string          `json:"tax_behavior"` // exclusive or inclusive
	TaxRateDetails   *TaxRateDetails `json:"tax_rate_details"`
	TaxabilityReason string          `json:"taxability_reason"`
	TaxableAmount    *int64          `json:"taxable_amount"`
	Type             string          `json:"type"`
}

// TaxRateDetails name a tax rate.
type TaxRateDetails struct {
	TaxRate string `json:"tax_rate"`
}

// Lines is the list of an invoice's lines as the invoice shows it: the first ten.
type Lines struct {
	Object  string  `json:"object"`
	Data    []*Line `json:"data"`
	HasMore bool    `json:"has_more"`
	Total   int64   `json:"total_count"`
	URL     string  `json:"url"`
}

const (
	shownLines = 10
	mostLines  = 250 // of an invoice. Known from: facts 15a
)

// lines are all lines of the invoice.
func (inv *Invoice) lines() []*Line {
	if len(inv.Private.Rest) == 0 {
		return inv.Lines.Data
	}
	return append(append(make([]*Line, 0, int(inv.Lines.Total)), inv.Lines.Data...), inv.Private.Rest...)
}

// setLines gives the invoice its lines.
func (inv *Invoice) setLines(all []*Line) {
	n := min(len(all), shownLines)
	inv.Lines = Lines{
		Object: "list", Data: all[:n:n], HasMore: len(all) > n, Total: int64(len(all)), URL: "/v1/invoices/" + inv.ID + "/lines",
	}
	inv.Private.Rest = all[n:]
}

// newLine makes a line of an invoice; the caller adds it.
func newLine(c *api.Call, inv *Invoice, amount int64) *Line {
	return &Line{
		ID: c.NewID("il"), Object: "line_item", Amount: amount, Subtotal: amount, Currency: inv.Currency, Invoice: inv.ID, Livemode: inv.Livemode,
		Discountable: true, Metadata: map[string]string{}, DiscountAmounts: []DiscountAmount{}, Discounts: []string{}, PretaxCreditAmounts: []PretaxCredit{}, Taxes: []Tax{},
	}
}

// count sets how many a line is for.
func (l *Line) count(n int64) {
	s := strconv.FormatInt(n, 10)
	l.Quantity, l.QuantityDecimal = &n, &s
}

// line finds a line by its id.
func (inv *Invoice) line(id string) *Line {
	for _, l := range inv.lines() {
		if l.ID == id {
			return l
		}
	}
	return nil
}

// ofItem finds the line of an invoice item.
func (inv *Invoice) ofItem(item string) *Line {
	for _, l := range inv.lines() {
		if l.item() == item {
			return l
		}
	}
	return nil
}

// item is the id of the invoice item that the line comes from, or "".
func (l *Line) item() string {
	if d := l.Parent.InvoiceItemDetails; d != nil {
		return d.InvoiceItem
	}
	if d := l.Parent.SubscriptionItemDetails; d != nil {
		return text(d.InvoiceItem)
	}
	return ""
}

func (d *Domain) lineRoutes(r *api.Router) {
	r.Handle("GET /v1/invoices/{invoice}/lines", d.listLines)
	r.Handle("POST /v1/invoices/{invoice}/lines/{line_item_id}", d.updateLine)
	r.Handle("POST /v1/invoices/{invoice}/add_lines", d.addLines)
	r.Handle("POST /v1/invoices/{invoice}/update_lines", d.updateLines)
	r.Handle("POST /v1/invoices/{invoice}/remove_lines", d.removeLines)
}

func (d *Domain) listLines(c *api.Call) (any, error) {
	inv, err := Invoices.InPath(c, "invoice")
	if err != nil {
		return nil, err
	}
	all := inv.lines()
	total := int64(len(all))
	return page(c, all, func(l *Line) string { return l.ID }, "line_item", "/v1/invoices/"+inv.ID+"/lines", &total)
}

// page is one page of what is a part of another object, by the parameters that all lists have.
func page[T any](c *api.Call, all []T, id func(T) string, word, url string, total *int64) (*api.List, error) {
	return api.PageOf(c, all, id, word, url, total, func(one T) []byte { return jsontext.Append(nil, one) })
}

// updateLine changes a line of a draft, and the invoice item that it comes from.
func (d *Domain) updateLine(c *api.Call) (any, error) {
	inv, err := draftInPath(c)
	if err != nil {
		return nil, err
	}
	l := inv.line(c.Path("line_item_id"))
	if l == nil {
		return nil, fault.NoSuch("line_item", c.Path("line_item_id"), "line_item_id", 404)
	}
	if err := d.changeLine(c, inv, l, c.P, ""); err != nil {
		return nil, err
	}
	if err := d.retotal(c, inv, "invoice.updated"); err != nil {
		return nil, err
	}
	return api.JSON(jsontext.Append(nil, l)), nil
}

// changeLine applies parameters to a line. A line of a subscription's period has its amount from there: only what it says can be changed.
func (d *Domain) changeLine(c *api.Call, inv *Invoice, l *Line, p *form.Value, at string) error {
	if err := checkItem(p, at); err != nil {
		return err
	}
	if name := l.item(); name != "" {
		it, err := InvoiceItems.Get(c, name)
		if err != nil || it == nil {
			return err
		}
		if err := d.changeItem(c, it, p, at); err != nil {
			return err
		}
		if err := c.Save(it); err != nil {
			return err
		}
		it.show(l)
		inv.taxBy(l, it.rates())
		return nil
	}
	for _, name := range []string{"amount", "quantity", "quantity_decimal", "pricing", "price_data", "period", "discountable"} {
		if p.Given(name) { // unverified: Stripe's words
			return fault.Invalid(under(at, name), "You cannot update the `"+name+"` of a line item that comes from a subscription.")
		}
	}
	if p.Has("description") {
		l.Description = opt(p.Str("description"))
	}
	if v := p.Get("metadata"); v != nil {
		if err := metadata(&l.Metadata, p.Get("metadata")); err != nil {
			return err
		}
	}
	if p.Has("discounts") {
		list, err := d.discounts(c, p.Get("discounts"), under(at, "discounts"), holder{customer: inv.Customer, line: l.ID, invoice: inv.ID})
		if err != nil {
			return err
		}
		l.Discounts = list
	}
	if p.Has("tax_rates") {
		rates, err := taxRates(c, p, "tax_rates", at)
		if err != nil {
			return err
		}
		inv.taxBy(l, rates)
	}
	return nil
}

// addLines puts lines on a draft: an invoice item that waits, or one that is made for it.
func (d *Domain) addLines(c *api.Call) (any, error) {
	inv, err := draftInPath(c)
	if err != nil {
		return nil, err
	}
	cus, err := d.customerOf(c, inv.Customer)
	if err != nil {
		return nil, err
	}
	if err := metadata(&inv.Metadata, c.P.Get("invoice_metadata")); err != nil {
		return nil, err
	}
	for i, p := range c.P.Get("lines").Items {
		at := "lines[" + strconv.Itoa(i) + "]"
		if p.Given("amount") && p.Given("quantity") {
			return nil, fault.OnlyOne(under(at, "amount"), under(at, "quantity"))
		}
		it, events, err := d.itemToAdd(c, cus, inv, p, at)
		if err != nil {
			return nil, err
		}
		if err := d.putOn(c, inv, it); err != nil {
			return nil, err
		}
		if err := c.Save(it, events...); err != nil {
			return nil, err
		}
	}
	return inv, d.retotal(c, inv, "invoice.updated")
}

// itemToAdd is the item of a line that is to be added, and what tells of it: one of the customer's that waits, or a new one.
func (d *Domain) itemToAdd(c *api.Call, cus *customer.Customer, inv *Invoice, p *form.Value, at string) (*InvoiceItem, []string, error) {
	name := p.Str("invoice_item")
	if name == "" {
		it, err := d.newItem(c, cus, inv, p, at)
		return it, []string{"invoiceitem.created"}, err
	}
	it, err := InvoiceItems.Find(c, name, under(at, "invoice_item"))
	switch {
	case err != nil:
		return nil, nil, err
	case it.Customer != cus.ID:
		return nil, nil, fault.ItemOfOther(under(at, "invoice_item"), name, cus.ID)
	case it.Invoice != nil:
		return nil, nil, fault.ItemTaken(under(at, "invoice_item"))
	}
	return it, nil, d.changeItem(c, it, p, at)
}

func (d *Domain) updateLines(c *api.Call) (any, error) {
	return d.eachLine(c, func(inv *Invoice, l *Line, p *form.Value, at string) error { return d.changeLine(c, inv, l, p, at) })
}

// removeLines takes lines off a draft; the invoice items go, or wait for the next invoice.
func (d *Domain) removeLines(c *api.Call) (any, error) {
	return d.eachLine(c, func(inv *Invoice, l *Line, p *form.Value, _ string) error {
		it, err := InvoiceItems.Get(c, l.item())
		if err != nil {
			return err
		}
		inv.takeOff(l)
		if it == nil {
			return nil
		}
		it.Invoice = nil
		if p.Str("behavior") == "delete" {
			return c.Delete(it, "invoiceitem.deleted")
		}
		return c.Save(it)
	})
}

// eachLine does something with every line of a draft that a request names, and adds the draft up again.
func (d *Domain) eachLine(c *api.Call, do func(inv *Invoice, l *Line, p *form.Value, at string) error) (any, error) {
	inv, err := draftInPath(c)
	if err != nil {
		return nil, err
	}
	if err := metadata(&inv.Metadata, c.P.Get("invoice_metadata")); err != nil {
		return nil, err
	}
	for i, p := range c.P.Get("lines").Items {
		at := "lines[" + strconv.Itoa(i) + "]"
		l := inv.line(p.Str("id"))
		if l == nil {
			return nil, fault.NoSuch("line_item", p.Str("id"), under(at, "id"), 400)
		}
		if err := do(inv, l, p, at); err != nil {
			return nil, err
		}
	}
	return inv, d.retotal(c, inv, "invoice.updated")
}

// takeOff takes a line off the invoice.
func (inv *Invoice) takeOff(l *Line) {
	var rest []*Line
	for _, other := range inv.lines() {
		if other != l {
			rest = append(rest, other)
		}
	}
	delete(inv.Private.Rates, l.ID)
	inv.setLines(rest)
}

// under is the name of a parameter inside another.
func under(at, name string) string {
	if at == "" {
		return name
	}
	return at + "[" + name + "]"
}
