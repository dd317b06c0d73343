package billing

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/money"
)

// A CreditLine is one thing that a credit note credits: of a line of the invoice so many, or so much, with its discounts and taxes in proportion; or
// something that stands on no invoice. Amounts are in minor units.
type CreditLine struct {
	ID                  string            `json:"id"`
	Object              string            `json:"object"`
	Amount              int64             `json:"amount"` // before discounts and exclusive taxes
	Description         *string           `json:"description"`
	DiscountAmount      int64             `json:"discount_amount"`
	DiscountAmounts     []DiscountAmount  `json:"discount_amounts"`
	InvoiceLineItem     string            `json:"invoice_line_item,omitempty"`
	Livemode            bool              `json:"livemode"`
	Metadata            map[string]string `json:"metadata"`
	PretaxCreditAmounts []PretaxCredit    `json:"pretax_credit_amounts"`
	Quantity            *int64            `json:"quantity"` // nil: by amount
	TaxRates            []json.RawMessage `json:"tax_rates"`
	Taxes               []Tax             `json:"taxes"`
	Type                string            `json:"type"`
	UnitAmount          *int64            `json:"unit_amount"`
	UnitAmountDecimal   *string           `json:"unit_amount_decimal"`
}

// CreditLines is the list of a credit note's lines as it shows them: the first ten. It has no total_count (facts 06).
type CreditLines struct {
	Object  string        `json:"object"`
	Data    []*CreditLine `json:"data"`
	HasMore bool          `json:"has_more"`
	URL     string        `json:"url"`
}

const (
	ofInvoice = "invoice_line_item"
	custom    = "custom_line_item"
)

// lines are all lines of the credit note.
func (cn *CreditNote) lines() []*CreditLine {
	return append(slices.Clone(cn.Lines.Data), cn.Private.Rest...)
}

func (d *Domain) listCreditLines(c *api.Call) (any, error) {
	cn, err := CreditNotes.InPath(c, "credit_note")
	if err != nil {
		return nil, err
	}
	return cn.page(c, cn.Lines.URL)
}

// page is a page of the credit note's lines.
func (cn *CreditNote) page(c *api.Call, url string) (any, error) {
	l, err := page(c, cn.lines(), func(l *CreditLine) string { return l.ID }, "credit_note_line_item", url, nil)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// add gives the credit note its lines, and adds them up as the invoice does its own.
func (cn *CreditNote) add(inv *Invoice, lines []*CreditLine) {
	n := min(len(lines), shownLines)
	cn.Lines = CreditLines{Object: "list", Data: lines[:n:n], HasMore: len(lines) > n, URL: "/v1/credit_notes/" + cn.ID + "/lines"}
	cn.Private.Rest = lines[n:]
	var taxes []Tax
	discounts := tally{}
	var used []PretaxCredit // of credits, which the customer does not get back. Known from: Stripe's guide to billing credits
	net := int64(0)
	for _, l := range lines {
		of := inv.line(l.InvoiceLineItem)
		cn.Subtotal += l.Amount
		net += l.Amount - l.DiscountAmount
		for _, cr := range l.PretaxCreditAmounts {
			if cr.Type == credits {
				used = append(used, cr)
				net -= cr.Amount
			}
		}
		for _, off := range l.DiscountAmounts {
			discounts.note(off.Discount, off.Amount)
			if slices.Contains(of.Discounts, off.Discount) {
				cn.Subtotal -= off.Amount
			}
		}
		cn.DiscountAmount += l.DiscountAmount
		taxes = append(taxes, l.Taxes...)
	}
	cn.DiscountAmounts, cn.PretaxCreditAmounts = discounts.discounts(), append(discounts.credits(), used...)
	added, within := int64(0), int64(0)
	cn.TotalTaxes, added, within = sumTaxes(taxes)
	cn.SubtotalExcludingTax, cn.TotalExcludingTax = cn.Subtotal-within, net-within
	cn.Total = net + added
	cn.Amount = cn.Total
}

// sumTaxes adds taxes up by rate: what they add to the price, and what is a part of it.
func sumTaxes(taxes []Tax) (sums []Tax, added, within int64) {
	sums = []Tax{}
	for _, t := range taxes {
		if t.TaxBehavior == "exclusive" {
			added += t.Amount
		} else {
			within += t.Amount
		}
		i := slices.IndexFunc(sums, func(s Tax) bool { return s.TaxRateDetails.TaxRate == t.TaxRateDetails.TaxRate })
		if i < 0 {
			base := *t.TaxableAmount
			t.TaxableAmount = &base
			sums = append(sums, t)
			continue
		}
		sums[i].Amount += t.Amount
		*sums[i].TaxableAmount += *t.TaxableAmount
	}
	return sums, added, within
}

// credited is what the credit notes of an invoice have credited so far.
type credited struct {
	notes   int // void ones, too
	lines   map[string]*creditedLine
	refunds map[string]int64
}

// creditedLine is what they have credited of one line, always in the same way.
type creditedLine struct {
	by               string // quantity or amount
	quantity, amount int64
}

func creditedBefore(c *api.Call, invoice string) (*credited, error) {
	before := &credited{lines: map[string]*creditedLine{}, refunds: map[string]int64{}}
	err := CreditNotes.Each(c, "invoice", invoice, func(cn *CreditNote) bool {
		before.notes++
		if cn.Status == void {
			return true
		}
		for _, l := range cn.lines() {
			before.note(l)
		}
		for _, re := range cn.Refunds {
			before.refunds[re.Refund] += re.AmountRefunded
		}
		return true
	})
	return before, err
}

// of is what has been credited of a line.
func (b *credited) of(line string) *creditedLine {
	if b.lines[line] == nil {
		b.lines[line] = &creditedLine{}
	}
	return b.lines[line]
}

func (b *credited) note(l *CreditLine) {
	was := b.of(l.InvoiceLineItem)
	was.by = "amount"
	was.amount += l.Amount
	if l.Quantity != nil {
		was.by = "quantity"
		was.quantity += *l.Quantity
	}
}

// creditLines makes the lines that the request describes. An amount alone is one line. unverified: what that line is.
func creditLines(c *api.Call, inv *Invoice, before *credited) ([]*CreditLine, error) {
	list := c.P.Get("lines")
	if list == nil || len(list.Items) == 0 {
		return amountAlone(c)
	}
	if len(list.Items) > mostLines {
		return nil, fault.TooManyLines(mostLines)
	}
	var out []*CreditLine
	for i, p := range list.Items {
		at := "lines[" + strconv.Itoa(i) + "]"
		l := newCreditLine(c, p.Str("type"))
		fill := customLine
		if l.Type == ofInvoice {
			fill = invoiceLine
		}
		if err := metadata(&l.Metadata, p.Get("metadata")); err != nil {
			return nil, err
		}
		if err := fill(c, inv, before, l, p, at); err != nil {
			return nil, err
		}
		if err := givenTaxes(c, l, p, at); err != nil {
			return nil, err
		}
		before.note(l)
		out = append(out, l)
	}
	return out, nil
}

func amountAlone(c *api.Call) ([]*CreditLine, error) {
	amount := c.P.Num("amount")
	switch {
	case !c.P.Given("amount"):
		return nil, fault.CreditNoteWhat()
	case amount < 1:
		return nil, fault.BelowMinimum("amount", 1)
	}
	l := newCreditLine(c, custom)
	one, exact := int64(1), strconv.FormatInt(amount, 10)
	l.Amount, l.Quantity, l.UnitAmount, l.UnitAmountDecimal = amount, &one, &amount, &exact
	return []*CreditLine{l}, nil
}

func newCreditLine(c *api.Call, typ string) *CreditLine {
	return &CreditLine{
		ID: c.NewID("cnli"), Object: "credit_note_line_item", Livemode: c.Live(), Type: typ, Metadata: map[string]string{},
		DiscountAmounts: []DiscountAmount{}, PretaxCreditAmounts: []PretaxCredit{}, TaxRates: []json.RawMessage{}, Taxes: []Tax{},
	}
}

// customLine credits something that stands on no invoice: a quantity of it. It is never below zero.
func customLine(c *api.Call, inv *Invoice, _ *credited, l *CreditLine, p *form.Value, at string) error {
	for _, name := range []string{"invoice_line_item", "amount"} {
		if p.Given(name) {
			return fault.CreditLineOnly(under(at, name), ofInvoice)
		}
	}
	n := int64(1)
	if p.Given("quantity") {
		n = p.Num("quantity")
	}
	if n < 1 {
		return fault.BelowMinimum(under(at, "quantity"), 1)
	}
	if p.Given("unit_amount") && p.Given("unit_amount_decimal") {
		return fault.OneOfTwo(under(at, "unit_amount"), under(at, "unit_amount_decimal"))
	}
	var err error
	l.UnitAmount, l.UnitAmountDecimal, l.Amount, err = catalog.AmountsOf(p, "unit_amount", n)
	switch {
	case err != nil:
		return err
	case l.UnitAmountDecimal == nil:
		return fault.Missing(under(at, "unit_amount"))
	case l.Amount < 0:
		return fault.BelowMinimum(under(at, given(p, "unit_amount", "unit_amount_decimal")), 0)
	}
	l.Quantity, l.Description = &n, opt(p.Str("description"))
	rates, err := taxRates(c, p, "tax_rates", at)
	if err != nil {
		return err
	}
	if l.TaxRates, err = showRates(c, rates); err != nil {
		return err
	}
	l.Taxes, _, err = inv.taxesBy(c, rates, l.Amount)
	return err
}

// invoiceLine credits a part of a line of the invoice, or all of it. unverified: that an amount is before discounts and exclusive taxes, as what the
// line shows is.
func invoiceLine(c *api.Call, inv *Invoice, before *credited, l *CreditLine, p *form.Value, at string) error {
	for _, name := range []string{"description", "tax_rates", "unit_amount", "unit_amount_decimal"} {
		if p.Given(name) {
			return fault.CreditLineOnly(under(at, name), custom)
		}
	}
	if p.Str("invoice_line_item") == "" {
		return fault.Missing(under(at, "invoice_line_item"))
	}
	of := inv.line(p.Str("invoice_line_item"))
	if of == nil {
		return fault.NoSuch("line_item", p.Str("invoice_line_item"), under(at, "invoice_line_item"), 400)
	}
	was := before.of(of.ID)
	if err := l.take(of, was, p, at); err != nil {
		return err
	}
	l.InvoiceLineItem, l.Description = of.ID, of.Description
	l.share(of, was.amount)
	var rates []string
	for _, t := range of.Taxes {
		rates = append(rates, t.TaxRateDetails.TaxRate)
	}
	var err error
	l.TaxRates, err = showRates(c, rates)
	return err
}

// take sets how much of a line of the invoice is credited: by quantity or by amount.
func (l *CreditLine) take(of *Line, was *creditedLine, p *form.Value, at string) error {
	switch {
	case p.Given("quantity") && p.Given("amount"):
		return fault.OneOfTwo(under(at, "quantity"), under(at, "amount"))
	case !p.Given("quantity") && !p.Given("amount"):
		return fault.CreditLineHow(under(at, "quantity"))
	}
	by := given(p, "quantity", "amount")
	if was.by != "" && was.by != by {
		return fault.CreditLineMixed(under(at, by), of.ID, was.by)
	}
	if by == "amount" {
		return l.takeAmount(of, was, p.Num("amount"), under(at, "amount"))
	}
	n, all := p.Num("quantity"), int64(1)
	if of.Quantity != nil {
		all = *of.Quantity
	}
	switch {
	case n < 1:
		return fault.BelowMinimum(under(at, "quantity"), 1)
	case was.quantity+n > all:
		return fault.CreditLineTooMuch(under(at, "quantity"), of.ID, strconv.FormatInt(all-was.quantity, 10))
	}
	l.Quantity, l.Amount = &n, portion(of.Amount, all, was.quantity, n)
	if of.Pricing != nil && of.Pricing.UnitAmountDecimal != nil {
		l.UnitAmountDecimal = of.Pricing.UnitAmountDecimal
		if whole, err := strconv.ParseInt(*l.UnitAmountDecimal, 10, 64); err == nil {
			l.UnitAmount = &whole
		}
	}
	return nil
}

// takeAmount credits an amount of a line: of one below zero an amount below zero.
func (l *CreditLine) takeAmount(of *Line, was *creditedLine, amount int64, param string) error {
	left := of.Amount - was.amount
	if of.Amount >= 0 && amount < 1 {
		return fault.BelowMinimum(param, 1)
	}
	if of.Amount < 0 && amount >= 0 || abs(amount) > abs(left) {
		return fault.CreditLineTooMuch(param, of.ID, money.Format(left, of.Currency))
	}
	l.Amount = amount
	return nil
}

// share gives the line its part of the discounts and taxes of the line that it credits, of which so much was credited before.
func (l *CreditLine) share(of *Line, was int64) {
	part := func(whole int64) int64 { return portion(whole, of.Amount, was, l.Amount) }
	for _, off := range of.DiscountAmounts {
		n := part(off.Amount)
		l.DiscountAmount += n
		l.DiscountAmounts = append(l.DiscountAmounts, DiscountAmount{n, off.Discount})
		l.PretaxCreditAmounts = append(l.PretaxCreditAmounts, byDiscount(n, off.Discount))
	}
	for _, cr := range of.PretaxCreditAmounts {
		if cr.Type == credits {
			cr.Amount = part(cr.Amount)
			l.PretaxCreditAmounts = append(l.PretaxCreditAmounts, cr)
		}
	}
	for _, t := range of.Taxes {
		base := part(*t.TaxableAmount)
		t.Amount, t.TaxableAmount = part(t.Amount), &base
		l.Taxes = append(l.Taxes, t)
	}
}

// givenTaxes are the taxes of a line that the request says itself.
func givenTaxes(c *api.Call, l *CreditLine, p *form.Value, at string) error {
	list := p.Get("tax_amounts")
	if list == nil || list.Kind == form.Unset {
		return nil
	}
	if p.Given("tax_rates") {
		return fault.OneOfTwo(under(at, "tax_rates"), under(at, "tax_amounts"))
	}
	var rates []string
	l.Taxes = []Tax{}
	for i, v := range list.Items {
		param := under(at, "tax_amounts") + "[" + strconv.Itoa(i) + "]"
		rate, err := catalog.TaxRates.Find(c, v.Str("tax_rate"), under(param, "tax_rate"))
		if err != nil {
			return err
		}
		base := v.Num("taxable_amount")
		t := Tax{Amount: v.Num("amount"), TaxBehavior: "exclusive", TaxRateDetails: &TaxRateDetails{rate.ID}, TaxabilityReason: "not_available", TaxableAmount: &base, Type: "tax_rate_details"}
		if rate.Inclusive {
			t.TaxBehavior = "inclusive"
		}
		rates = append(rates, rate.ID)
		l.Taxes = append(l.Taxes, t)
	}
	var err error
	l.TaxRates, err = showRates(c, rates)
	return err
}

// portion is the part of a whole that the next n of its parts have, when was of them are gone: rounded so that all parts together are the whole.
func portion(whole, parts, was, n int64) int64 {
	if parts == 0 {
		return 0
	}
	return upTo(whole, parts, was+n) - upTo(whole, parts, was)
}

// upTo is whole × n / parts, rounded half away from zero.
func upTo(whole, parts, n int64) int64 {
	product := new(big.Int).Mul(big.NewInt(whole), big.NewInt(n))
	if product.IsInt64() {
		return divide(product.Int64(), parts)
	}
	rounded, _ := catalog.Round(new(big.Rat).SetFrac(product, big.NewInt(parts)))
	return rounded
}
