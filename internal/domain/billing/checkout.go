package billing

import (
	"fmt"
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/fault"
	"florin/internal/form"
)

// What Checkout asks of billing: what a sale comes to, by the same rules as an invoice, and a subscription whose first invoice is paid by an intent that
// the customer has confirmed already.

// A Sale is so many of something at a price: for each period of a subscription, or once.
type Sale struct {
	Price     *catalog.Price
	Quantity  *int64 // nil of what is metered
	Rates     []string
	Metadata  map[string]string
	Discounts []PhaseDiscount // of its own; SumUp knows none
}

// An Order is a subscription that a customer has agreed to.
type Order struct {
	Params    *form.Value // as POST /v1/subscriptions takes them, less the items
	Currency  string
	Recurring []Sale
	Once      []Sale                    // on the first invoice
	PaidBy    *payment.Intent           // the first invoice; nil: nothing is due
	Later     bool                      // the first invoice is a draft for an hour, with what waits for the customer
	Words     *Words                    // of all invoices
	Begun     func(*Subscription) error // is called when the subscription is there, before it is told of
}

// A Sum is what sales come to, in minor units. Total is what is due: with taxes, and less discounts.
type Sum struct {
	Subtotal, Discount, Tax, Total int64
	Taxes                          []Tax
}

// A SaleTerms says what holds for all of a number of sales.
type SaleTerms struct {
	Currency string
	Coupon   *catalog.Coupon // nil: no discount
	Rates    []string        // of sales that have none of their own
	Exempt   string          // the customer's tax_exempt
	Trial    bool            // what recurs costs nothing yet
}

// SumUp adds sales up as the invoice of a subscription does: what recurs first. The sums come in the order of the sales.
func SumUp(c *api.Call, sales []Sale, t SaleTerms) ([]Sum, error) {
	inv := &Invoice{Currency: t.Currency, CustomerTaxExempt: t.Exempt}
	var err error
	if inv.DefaultTaxRates, err = showRates(c, t.Rates); err != nil {
		return nil, err
	}
	order := billed(sales)
	lines, left := make([]*Line, len(sales)), make([]int64, len(sales))
	for i, n := range order {
		if lines[i], err = inv.lineOfSale(&sales[n], n, t.Trial); err != nil {
			return nil, err
		}
		left[i] = lines[i].Amount
	}
	if t.Coupon != nil {
		new(tally).reduce(reduction{&customer.Discount{}, t.Coupon}, lines, left)
	}
	out := make([]Sum, len(sales))
	for i, n := range order {
		sum := &out[n]
		var freed int64
		if sum.Taxes, freed, err = inv.taxesOf(c, lines[i], left[i]); err != nil {
			return nil, err
		}
		sum.Subtotal, sum.Discount, sum.Total = lines[i].Amount, lines[i].Amount-left[i], left[i]-freed
		for _, tax := range sum.Taxes {
			sum.Tax += tax.Amount
			if tax.TaxBehavior == "exclusive" {
				sum.Total += tax.Amount
			}
		}
	}
	return out, nil
}

// billed is the order in which sales stand on an invoice: what recurs, then what does not.
func billed(sales []Sale) []int {
	var order, once []int
	for i := range sales {
		if sales[i].Price.Recurring != nil {
			order = append(order, i)
		} else {
			once = append(once, i)
		}
	}
	return append(order, once...)
}

// lineOfSale is the line that an invoice would have.
func (inv *Invoice) lineOfSale(s *Sale, n int, trial bool) (*Line, error) {
	l := &Line{ID: strconv.Itoa(n), Currency: inv.Currency, Discountable: true, Pricing: &Pricing{PriceDetails: PriceDetails{s.Price.ID, s.Price.Product}}}
	inv.taxBy(l, s.Rates)
	if trial && s.Price.Recurring != nil {
		return l, nil
	}
	var err error
	l.Amount, err = s.Price.Amount(s.count(), inv.Currency)
	return l, err
}

func (s *Sale) count() int64 {
	if s.Quantity == nil {
		return 0
	}
	return *s.Quantity
}

// params are what items and invoice items are told of a sale.
func (s *Sale) params() *form.Value {
	p := &form.Value{Kind: form.Object}
	if len(s.Rates) > 0 {
		list := &form.Value{Kind: form.Array}
		for _, rate := range s.Rates {
			list.Items = append(list.Items, &form.Value{Kind: form.String, Text: rate})
		}
		p.Set("tax_rates", list)
	}
	if len(s.Metadata) > 0 {
		m := &form.Value{Kind: form.Object}
		for k, v := range s.Metadata {
			m.Set(k, &form.Value{Kind: form.String, Text: v})
		}
		p.Set("metadata", m)
	}
	if len(s.Discounts) > 0 {
		p.Set("discounts", asksFor(s.Discounts))
	}
	return p
}

// Subscribe begins a subscription that a customer has ordered. The order of what is told is that of a subscription that is made by the API.
func (d *Domain) Subscribe(c *api.Call, o *Order) (sub *Subscription, err error) {
	err = c.Asking(o.Params, func() error {
		cus, err := d.customer(c, c.P.Str("customer"), "customer")
		if err != nil {
			return err
		}
		if err := checkSubscription(c.P); err != nil {
			return err
		}
		sub = newSubscription(c, cus)
		sub.Currency, sub.order, sub.Private.Words = o.Currency, o, o.Words
		if cus.Currency != nil && *cus.Currency != sub.Currency {
			return fault.CurrenciesCombined(*cus.Currency)
		}
		edits := o.edits()
		if err := d.fits(c, sub, edits); err != nil {
			return err
		}
		if err := d.takeSubscription(c, sub); err != nil {
			return err
		}
		if err := d.begin(c, sub, edits); err != nil {
			return err
		}
		if err := speak(c, cus, sub.Currency); err != nil {
			return err
		}
		_, err = d.firstInvoice(c, sub, cus)
		return err
	})
	return sub, err
}

// edits are the items that an order asks for.
func (o *Order) edits() []edit {
	var out []edit
	for i := range o.Recurring {
		s := &o.Recurring[i]
		out = append(out, edit{price: s.Price, quantity: s.Quantity, p: s.params(), at: "line_items[" + strconv.Itoa(i) + "]"})
	}
	return out
}

// Fits refuses prices that one subscription cannot have together, before anybody has ordered it.
func (d *Domain) Fits(c *api.Call, currency, mode string, sales []Sale) error {
	sub := &Subscription{Currency: currency, BillingMode: BillingMode{Type: mode}}
	o := &Order{Recurring: slices.DeleteFunc(slices.Clone(sales), func(s Sale) bool { return s.Price.Recurring == nil })}
	return d.fits(c, sub, o.edits())
}

// addOnce puts what an order asks for only once on the first invoice.
func (d *Domain) addOnce(c *api.Call, sub *Subscription, cus *customer.Customer, inv *Invoice) error {
	if sub.order == nil {
		return nil
	}
	for i := range sub.order.Once {
		s := &sub.order.Once[i]
		it := blankItem(c, cus)
		it.number(s.count())
		if err := d.addExtra(c, sub, inv, it, s.Price, s.params(), "line_items["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	return nil
}

// takeIntent makes an intent that the customer has confirmed the one that pays the invoice.
func (d *Domain) takeIntent(c *api.Call, inv *Invoice) error {
	pi := inv.paidBy
	if pi.Amount != inv.AmountDue {
		return fmt.Errorf("%s is of %d, and %s of %d: the page has shown another sum than there is to pay", pi.ID, pi.Amount, inv.ID, inv.AmountDue)
	}
	inv.Private.Payment = pi.ID
	return c.InRealTime(func() error {
		if err := d.payments.Bill(c, pi, inv.ID); err != nil {
			return err
		}
		return d.newPayment(c, inv, pi)
	})
}
