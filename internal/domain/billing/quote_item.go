package billing

import (
	"encoding/json"
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// A QuoteItem is one thing that a quote offers, at a price that recurs or does not. It is a part of its quote.
type QuoteItem struct {
	ID          string          `json:"id"`
	Price       string          `json:"price"`
	Quantity    *int64          `json:"quantity"` // nil of what is metered
	Description string          `json:"description"`
	Rates       []string        `json:"rates,omitempty"`
	Discounts   []string        `json:"discounts,omitempty"`
	Said        []PhaseDiscount `json:"said,omitempty"` // how they were asked for
	Recurs      bool            `json:"recurs,omitempty"`
	Amounts     ItemAmounts     `json:"amounts"`
	Upfront     ItemAmounts     `json:"upfront"` // on the first invoice
}

// ItemAmounts are what an item comes to, in minor units.
type ItemAmounts struct {
	Subtotal int64 `json:"subtotal"`
	Discount int64 `json:"discount"`
	Tax      int64 `json:"tax"`
	Total    int64 `json:"total"`
}

// shownQuoteItem is an item as answers show it. Which discounts and taxes it has is not shown yet.
type shownQuoteItem struct {
	ID                 string          `json:"id"`
	Object             string          `json:"object"`
	AdjustableQuantity *struct{}       `json:"adjustable_quantity"`
	AmountDiscount     int64           `json:"amount_discount"`
	AmountSubtotal     int64           `json:"amount_subtotal"`
	AmountTax          int64           `json:"amount_tax"`
	AmountTotal        int64           `json:"amount_total"`
	Currency           string          `json:"currency"`
	Description        string          `json:"description"`
	Metadata           json.RawMessage `json:"metadata"`
	Price              json.RawMessage `json:"price"`
	Quantity           *int64          `json:"quantity"`
}

// takeQuoteItems reads what is quoted. The items that a request does not name are no longer quoted. unverified: that they are not.
func (d *Domain) takeQuoteItems(c *api.Call, q *Quote) error {
	list := c.P.Get("line_items")
	if list == nil {
		return nil
	}
	items := []*QuoteItem{}
	q.Currency = nil
	for i, p := range list.Items {
		it, err := d.quoteItem(c, q, p, "line_items["+strconv.Itoa(i)+"]")
		if err != nil {
			return err
		}
		items = append(items, it)
	}
	if len(items) > mostLines {
		return fault.TooManyLines(mostLines)
	}
	q.Private.Items = items
	sales, err := q.recurring(c)
	if err != nil || len(sales) == 0 {
		return err
	}
	return d.Fits(c, *q.Currency, "classic", sales) // computed.recurring knows one interval
}

func (d *Domain) quoteItem(c *api.Call, q *Quote, p *form.Value, at string) (it *QuoteItem, err error) {
	if id := p.Str("id"); id != "" {
		if it = q.item(id); it == nil {
			return nil, fault.NoSuch("item", id, under(at, "id"), 400)
		}
	} else {
		it = &QuoteItem{ID: c.NewID("li")}
	}
	price, err := quotedPrice(c, p, it, at)
	if err != nil {
		return nil, err
	}
	if err := d.speakOf(c, q, price, at); err != nil {
		return nil, err
	}
	it.Price, it.Recurs = price.ID, price.Recurring != nil
	if it.Description, _, err = catalog.ProductName(c, price.Product); err != nil {
		return nil, err
	}
	if err := it.count(p, price, at); err != nil {
		return nil, err
	}
	if p.Has("tax_rates") {
		if it.Rates, err = taxRates(c, p, "tax_rates", at); err != nil {
			return nil, err
		}
	}
	if p.Has("discounts") {
		it.Discounts, it.Said, err = d.offer(c, q, p.Get("discounts"), under(at, "discounts"))
	}
	return it, err
}

// quotedPrice is the price that an item names, or describes, or has already.
func quotedPrice(c *api.Call, p *form.Value, it *QuoteItem, at string) (*catalog.Price, error) {
	id := p.Str("price")
	switch {
	case id != "" && p.Has("price_data"):
		return nil, fault.OnlyOne(under(at, "price"), under(at, "price_data"))
	case p.Has("price_data"):
		return catalog.PriceFromData(c, p.Get("price_data"), under(at, "price_data"))
	case id == "" && it.Price != "":
		return catalog.Used(c, it.Price)
	case id == "":
		return nil, fault.Missing(under(at, "price"))
	}
	price, err := catalog.Prices.Find(c, id, under(at, "price"))
	switch {
	case err != nil:
		return nil, err
	case !price.Active && id != it.Price:
		return nil, fault.PriceInactive(under(at, "price"))
	case price.CustomUnitAmount != nil:
		return nil, fault.ParamNotBuilt(under(at, "price") + " (a price that the customer chooses)")
	}
	return price, nil
}

// speakOf says in which currency a quote is: the customer's, if he has one and the first price does, else that price's. The others must have it, too.
func (d *Domain) speakOf(c *api.Call, q *Quote, p *catalog.Price, at string) error {
	if q.Currency == nil {
		currency := p.Currency
		cus, err := q.customer(c)
		if err != nil {
			return err
		}
		if cus != nil && cus.Currency != nil {
			currency = *cus.Currency
			if _, _, ok := p.UnitFor(currency); !ok {
				return fault.CurrenciesCombined(currency)
			}
		}
		q.Currency = &currency
	}
	if _, _, ok := p.UnitFor(*q.Currency); !ok {
		return fault.PriceOfOtherCurrency(under(at, "price"), p.Currency, *q.Currency)
	}
	return nil
}

// count says how many an item is for. unverified: that it is one if nothing is said.
func (it *QuoteItem) count(p *form.Value, price *catalog.Price, at string) error {
	one := int64(1)
	switch {
	case metered(price) && p.Given("quantity"):
		return fault.QuantityOfMetered(at)
	case metered(price):
		it.Quantity = nil
	case p.Given("quantity") && p.Num("quantity") < 0:
		return fault.BelowMinimum(under(at, "quantity"), 0)
	case p.Given("quantity"):
		n := p.Num("quantity")
		it.Quantity = &n
	case it.Quantity == nil:
		it.Quantity = &one
	}
	return nil
}

// item finds an item by its id.
func (q *Quote) item(id string) *QuoteItem {
	for _, it := range q.Private.Items {
		if it.ID == id {
			return it
		}
	}
	return nil
}

// recurs says whether something in the quote does: then it becomes a subscription.
func (q *Quote) recurs() bool {
	return slices.ContainsFunc(q.Private.Items, func(it *QuoteItem) bool { return it.Recurs })
}

// sales are what the quote offers, with its prices.
func (q *Quote) sales(c *api.Call) (out []Sale, err error) {
	for _, it := range q.Private.Items {
		price, err := catalog.Used(c, it.Price)
		if err != nil {
			return nil, err
		}
		out = append(out, Sale{Price: price, Quantity: it.Quantity, Rates: it.Rates, Discounts: it.Said})
	}
	return out, nil
}

// recurring are those of the sales that recur.
func (q *Quote) recurring(c *api.Call) ([]Sale, error) {
	all, err := q.sales(c)
	return slices.DeleteFunc(all, func(s Sale) bool { return s.Price.Recurring == nil }), err
}

// show is an item as answers show it.
func (it *QuoteItem) show(c *api.Call, currency string, a ItemAmounts) ([]byte, error) {
	price, err := catalog.Used(c, it.Price)
	if err != nil {
		return nil, err
	}
	body, err := c.Show(price)
	if err != nil {
		return nil, err
	}
	return jsontext.Append(nil, &shownQuoteItem{
		ID: it.ID, Object: "item", AmountDiscount: a.Discount, AmountSubtotal: a.Subtotal, AmountTax: a.Tax, AmountTotal: a.Total, Currency: currency,
		Description: it.Description, Metadata: json.RawMessage("{}"), Price: body, Quantity: it.Quantity,
	}), nil
}

// listed is a page of the quote's items, by the parameters that all lists have.
func (q *Quote) listed(c *api.Call, path string, amounts func(*QuoteItem) ItemAmounts) (*api.List, error) {
	var failed error
	id := func(it *QuoteItem) string { return it.ID }
	l, err := api.PageOf(c, q.Private.Items, id, "item", "/v1/quotes/"+q.ID+path, nil, func(it *QuoteItem) []byte {
		body, err := it.show(c, *q.Currency, amounts(it))
		if err != nil {
			failed = err
		}
		return body
	})
	if err == nil {
		err = failed
	}
	return l, err
}

func (it *QuoteItem) whole() ItemAmounts { return it.Amounts }
func (it *QuoteItem) first() ItemAmounts { return it.Upfront }

func listQuoteItems(c *api.Call) (any, error) {
	q, err := Quotes.InPath(c, "quote")
	if err != nil {
		return nil, err
	}
	return q.listed(c, "/line_items", (*QuoteItem).whole)
}

// listUpfrontItems lists what will be on the first invoice. unverified: that its items are called as the quote's.
func listUpfrontItems(c *api.Call) (any, error) {
	q, err := Quotes.InPath(c, "quote")
	if err != nil {
		return nil, err
	}
	return q.listed(c, "/computed_upfront_line_items", (*QuoteItem).first)
}

// quoteItemsOf is the member line_items of a quote: the first of them.
func quoteItemsOf(c *api.Call, quote []byte) (body []byte, err error) {
	q, err := Quotes.Get(c, jsontext.Text(quote, "id"))
	if err != nil || q == nil {
		return nil, err
	}
	err = c.Asking(nil, func() error {
		l, err := q.listed(c, "/line_items", (*QuoteItem).whole)
		if err == nil {
			body = l.JSON()
		}
		return err
	})
	return body, err
}
