package billing

import (
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

// retotal adds a draft up again, and saves it.
func (d *Domain) retotal(c *api.Call, inv *Invoice, events ...string) error {
	cus, err := customer.Customers.Get(c, inv.Customer)
	if err != nil {
		return err
	}
	if err := inv.add(c, cus); err != nil {
		return err
	}
	return c.Save(inv, events...)
}

// add adds the invoice up: lines, their own discounts, the invoice's, credits, taxes, and the customer's balance. Known from: facts 15d, 15e,
// 15f, 15k.
func (inv *Invoice) add(c *api.Call, cus *customer.Customer) error {
	at := inv.PeriodEnd
	if inv.BillingReason == "manual" {
		at = c.Now()
	}
	all := inv.lines()
	if len(all) > mostLines {
		return fault.TooManyLines(mostLines)
	}
	left := make([]int64, len(all)) // of each line, as discounts take from it
	totals := tally{}
	inv.Subtotal = 0
	for i, l := range all {
		l.Subtotal, l.DiscountAmounts, l.PretaxCreditAmounts, l.Taxes = l.Amount, []DiscountAmount{}, []PretaxCredit{}, []Tax{}
		left[i] = l.Amount
		own, err := reductions(c, l.Discounts, at)
		if err != nil {
			return err
		}
		for _, r := range own {
			totals.reduce(r, all[i:i+1], left[i:i+1])
		}
		inv.Subtotal += left[i]
	}
	ofAll, err := reductions(c, inv.Discounts, at)
	if err != nil {
		return err
	}
	for _, r := range ofAll {
		totals.reduce(r, all, left)
	}
	if err := inv.useCredits(c, all, left); err != nil {
		return err
	}
	inv.TotalDiscountAmounts, inv.TotalPretaxCreditAmounts = totals.discounts(), totals.credits()
	for _, u := range inv.Private.Credits {
		inv.TotalPretaxCreditAmounts = append(inv.TotalPretaxCreditAmounts, byCredit(u.Amount))
	}
	return inv.addTaxes(c, cus, all, left)
}

// A tally is what each discount has taken off, in the order in which they came.
type tally struct {
	ids     []string
	amounts []int64
}

func (t *tally) note(id string, amount int64) {
	i := slices.Index(t.ids, id)
	if i < 0 {
		i = len(t.ids)
		t.ids, t.amounts = append(t.ids, id), append(t.amounts, 0)
	}
	t.amounts[i] += amount
}

func (t *tally) discounts() []DiscountAmount {
	out := []DiscountAmount{}
	for i, id := range t.ids {
		out = append(out, DiscountAmount{t.amounts[i], id})
	}
	return out
}

func (t *tally) credits() []PretaxCredit {
	out := []PretaxCredit{}
	for i, id := range t.ids {
		out = append(out, byDiscount(t.amounts[i], id))
	}
	return out
}

// reduce takes a reduction from what is left of the lines that may be discounted: of each by percent; or an amount of all, in proportion, the last one
// having the rest.
func (t *tally) reduce(r reduction, lines []*Line, left []int64) {
	var whole int64
	last := -1
	for i, l := range lines {
		if l.Discountable && left[i] > 0 && r.applies(l) {
			whole, last = whole+left[i], i
		}
	}
	if last < 0 {
		return
	}
	off, given := int64(0), int64(0)
	if r.coupon.PercentOff == nil {
		amount, _ := r.coupon.AmountIn(lines[last].Currency)
		if off = min(amount, whole); off == 0 {
			return
		}
	}
	for i, l := range lines {
		if !l.Discountable || left[i] <= 0 || !r.applies(l) {
			continue
		}
		part := off - given
		switch {
		case r.coupon.PercentOff != nil:
			part = r.share(left[i])
		case i != last:
			part = off * left[i] / whole
		}
		given += part
		left[i] -= part
		l.DiscountAmounts = append(l.DiscountAmounts, DiscountAmount{part, r.ID})
		l.PretaxCreditAmounts = append(l.PretaxCreditAmounts, byDiscount(part, r.ID))
		t.note(r.ID, part)
	}
}

// applies says whether the coupon is for what the line sells.
func (r reduction) applies(l *Line) bool {
	return l.Pricing == nil || r.coupon.AppliesTo(l.Pricing.PriceDetails.Product)
}

// addTaxes adds what tax rates ask of what is left of the lines, rounded line by line, and comes to the invoice's amounts. unverified: that accounts
// round by line unless they say otherwise.
func (inv *Invoice) addTaxes(c *api.Call, cus *customer.Customer, all []*Line, left []int64) error {
	var net, added, within, untaxed int64
	sums := map[string]*Tax{}
	inv.TotalTaxes = []Tax{}
	var order []string
	for i, l := range all {
		taxes, freed, err := inv.taxesOf(c, l, left[i])
		if err != nil {
			return err
		}
		l.Taxes = taxes
		net += left[i] - freed
		untaxed += freed
		for _, t := range taxes {
			if t.TaxBehavior == "exclusive" {
				added += t.Amount
			} else {
				within += t.Amount
			}
			rate := t.TaxRateDetails.TaxRate
			if sums[rate] == nil {
				sum, zero := t, int64(0)
				sum.Amount, sum.TaxableAmount = 0, &zero
				sums[rate] = &sum
				order = append(order, rate)
			}
			sums[rate].Amount += t.Amount
			*sums[rate].TaxableAmount += *t.TaxableAmount
		}
	}
	for _, rate := range order {
		inv.TotalTaxes = append(inv.TotalTaxes, *sums[rate])
	}
	subtotal, total := inv.Subtotal-within-untaxed, net-within
	inv.SubtotalExcludingTax, inv.TotalExcludingTax = &subtotal, &total
	inv.Total = net + added
	inv.balance(cus)
	return nil
}

// balance takes the customer's balance into account: credit pays, debt is added.
func (inv *Invoice) balance(cus *customer.Customer) {
	inv.StartingBalance = 0
	if cus != nil && inv.paidBy == nil && (cus.Currency == nil || *cus.Currency == inv.Currency) {
		inv.StartingBalance = cus.Balance
	}
	inv.AmountDue = 0
	if inv.Total > 0 {
		inv.AmountDue = max(0, inv.Total+inv.StartingBalance)
	}
	inv.AmountRemaining = inv.AmountDue
}

// after is the customer's balance when the invoice has taken from it, or added to it.
func (inv *Invoice) after() int64 {
	if inv.Total > 0 {
		return min(0, inv.Total+inv.StartingBalance)
	}
	return inv.Total + inv.StartingBalance
}

// taxesOf are the taxes on what is left of a line: by its own rates, or else the invoice's. freed is what somebody who pays none pays less, where the price
// includes them. Known from: facts 15f; unverified: that the total is less then, and not the line's amount.
func (inv *Invoice) taxesOf(c *api.Call, l *Line, left int64) (taxes []Tax, freed int64, err error) {
	ids, own := inv.Private.Rates[l.ID]
	if !own {
		for _, shown := range inv.DefaultTaxRates {
			ids = append(ids, jsontext.Text(shown, "id"))
		}
	}
	return inv.taxesBy(c, ids, left)
}

// taxesBy is taxesOf for an amount, by tax rates.
func (inv *Invoice) taxesBy(c *api.Call, ids []string, left int64) (taxes []Tax, freed int64, err error) {
	rates := make([]*catalog.TaxRate, 0, len(ids))
	inclusive := 0.0
	for _, id := range ids {
		rate, err := catalog.TaxRates.Get(c, id)
		if err != nil {
			return nil, 0, err
		}
		rates = append(rates, rate)
		if rate.Inclusive {
			inclusive += rate.Percentage
		}
	}
	taxes = []Tax{}
	if len(rates) == 0 {
		return taxes, 0, nil
	}
	base := left - within(left, inclusive, inclusive) // what exclusive rates are of
	if inv.CustomerTaxExempt == "exempt" || inv.CustomerTaxExempt == "reverse" {
		freed = left - base
	}
	for _, rate := range rates {
		t := Tax{TaxBehavior: "exclusive", TaxRateDetails: &TaxRateDetails{rate.ID}, TaxabilityReason: "not_available", Type: "tax_rate_details"}
		taxable := base
		t.TaxableAmount = &taxable
		switch {
		case inv.CustomerTaxExempt == "exempt":
			t.TaxabilityReason = "customer_exempt"
		case inv.CustomerTaxExempt == "reverse":
			t.TaxabilityReason = "reverse_charge"
		case rate.Inclusive:
			t.Amount = within(left, rate.Percentage, inclusive)
		default:
			t.Amount = percentOf(base, rate.Percentage)
		}
		if rate.Inclusive {
			t.TaxBehavior = "inclusive"
		}
		taxes = append(taxes, t)
	}
	return taxes, freed, nil
}

// within is the part of an amount that is an inclusive tax, where all inclusive taxes are a percentage of what is left without them.
func within(amount int64, percent, all float64) int64 {
	return divide(amount*int64(percent*10000+0.5), 1000000+int64(all*10000+0.5))
}

// taxBy gives a line tax rates of its own; nil takes them away.
func (inv *Invoice) taxBy(l *Line, rates []string) {
	if len(rates) == 0 {
		delete(inv.Private.Rates, l.ID)
		return
	}
	if inv.Private.Rates == nil {
		inv.Private.Rates = map[string][]string{}
	}
	inv.Private.Rates[l.ID] = rates
}

// taxRates finds the tax rates that a parameter names.
func taxRates(c *api.Call, p *form.Value, name, at string) ([]string, error) {
	list := p.Get(name)
	if list == nil || list.Kind == form.Unset {
		return nil, nil
	}
	var out []string
	for i, v := range list.Items {
		param := under(at, name) + "[" + strconv.Itoa(i) + "]"
		rate, err := catalog.TaxRates.Find(c, v.Text, param)
		if err != nil {
			return nil, err
		}
		if !rate.Active {
			return nil, fault.TaxRateInactive(param)
		}
		out = append(out, rate.ID)
	}
	if len(out) > 5 { // facts 15a
		return nil, fault.TooManyTaxRates(under(at, name))
	}
	return out, nil
}

// showRates are tax rates as objects show them: whole.
func showRates(c *api.Call, ids []string) ([]json.RawMessage, error) {
	out := []json.RawMessage{}
	for _, id := range ids {
		rate, err := catalog.TaxRates.Get(c, id)
		if err != nil {
			return nil, err
		}
		body, err := c.Show(rate)
		if err != nil {
			return nil, err
		}
		out = append(out, json.RawMessage(slices.Clone(body)))
	}
	return out, nil
}

// idsOf are the ids of objects that are shown whole.
func idsOf(shown []json.RawMessage) (out []string) {
	for _, body := range shown {
		out = append(out, jsontext.Text(body, "id"))
	}
	return out
}
