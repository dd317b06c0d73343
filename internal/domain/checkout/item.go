package checkout

import (
	"encoding/json"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/billing"
	"florin/internal/domain/catalog"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// An Item is one thing that a session sells. It is a part of its session.
type Item struct {
	ID          string            `json:"id"`
	Price       string            `json:"price"`
	Quantity    *int64            `json:"quantity"` // nil of what is metered
	Description string            `json:"description"`
	Rates       []string          `json:"rates,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Adjustable  *Adjustable       `json:"adjustable,omitempty"`
	Subtotal    int64             `json:"subtotal"`
	Discount    int64             `json:"discount"`
	Tax         int64             `json:"tax"`
	Total       int64             `json:"total"`
}

// Adjustable says between which bounds the customer may change the quantity.
type Adjustable struct {
	Enabled bool   `json:"enabled"`
	Maximum *int64 `json:"maximum"`
	Minimum *int64 `json:"minimum"`
}

// shownItem is an item as answers show it.
type shownItem struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	AdjustableQuantity *Adjustable       `json:"adjustable_quantity"`
	AmountDiscount     int64             `json:"amount_discount"`
	AmountSubtotal     int64             `json:"amount_subtotal"`
	AmountTax          int64             `json:"amount_tax"`
	AmountTotal        int64             `json:"amount_total"`
	Currency           string            `json:"currency"`
	Description        string            `json:"description"`
	Metadata           map[string]string `json:"metadata"`
	Price              json.RawMessage   `json:"price"`
	Quantity           *int64            `json:"quantity"`
}

// mostItems is how many line items a session has: those that recur, and those that do not (docs.stripe.com).
const mostItems = 20

// takeItems reads what is for sale. Everything in it is found, or refused.
func (s *Session) takeItems(c *api.Call) error {
	list := c.P.Get("line_items")
	switch {
	case s.Mode == modeSetup && list != nil && len(list.Items) > 0:
		return fault.SessionParamOfMode("line_items", s.Mode)
	case s.Mode == modeSetup:
		return nil
	case list == nil || len(list.Items) == 0:
		return fault.Missing("line_items")
	}
	recurring := 0
	for i, p := range list.Items {
		price, err := s.takeItem(c, p, "line_items["+strconv.Itoa(i)+"]")
		if err != nil {
			return err
		}
		if price.Recurring != nil {
			recurring++
		}
	}
	switch {
	case recurring > mostItems:
		return fault.TooManyItems("line_items", mostItems)
	case len(list.Items)-recurring > 100:
		return fault.TooManyItems("line_items", 100)
	case s.Mode == modeSubscription && recurring == 0:
		return fault.SessionWithoutRecurring()
	}
	return nil
}

// takeItem reads one thing that is for sale.
func (s *Session) takeItem(c *api.Call, p *form.Value, at string) (*catalog.Price, error) {
	if p.Has("dynamic_tax_rates") {
		return nil, fault.ParamNotBuilt(at + "[dynamic_tax_rates]")
	}
	price, err := priceOf(c, p, at)
	if err != nil {
		return nil, err
	}
	if price.Recurring != nil && s.Mode == modePayment {
		return nil, fault.SessionRecurring()
	}
	if s.Currency == nil {
		s.Currency = &price.Currency
	}
	if _, _, ok := price.UnitFor(*s.Currency); !ok {
		return nil, fault.PriceCurrency(price.ID, *s.Currency)
	}
	if price.CustomUnitAmount != nil {
		return nil, fault.ParamNotBuilt(at + "[price] (a price that the customer chooses)")
	}
	item := Item{ID: c.NewID("li"), Price: price.ID}
	metered := price.Recurring != nil && price.Recurring.UsageType == "metered"
	switch {
	case p.Given("quantity") && p.Num("quantity") < 1:
		return nil, fault.BelowMinimum(at+"[quantity]", 1)
	case p.Given("quantity"):
		n := p.Num("quantity")
		item.Quantity = &n
	case !metered:
		return nil, fault.QuantityNeeded(at)
	}
	if item.Adjustable, err = adjustableOf(p.Get("adjustable_quantity"), &item, at+"[adjustable_quantity]"); err != nil {
		return nil, err
	}
	if item.Rates, err = ratesOf(c, p, "tax_rates", at+"[tax_rates]"); err != nil {
		return nil, err
	}
	if item.Description, _, err = catalog.ProductName(c, price.Product); err != nil {
		return nil, err
	}
	if m := p.Get("metadata"); m != nil {
		item.Metadata = map[string]string{}
		for _, f := range m.Fields {
			item.Metadata[f.Name] = f.Value.Text
		}
	}
	s.Private.Items = append(s.Private.Items, item)
	return price, nil
}

// mostAdjusted is how many a customer may choose where nothing else is said. Known from: the spec.
const mostAdjusted = 99

// adjustableOf reads how far the customer may change a quantity; nil if he may not.
func adjustableOf(p *form.Value, it *Item, at string) (*Adjustable, error) {
	if !p.True("enabled") || it.Quantity == nil {
		return nil, nil
	}
	least, most := p.Num("minimum"), int64(mostAdjusted)
	if p.Given("maximum") {
		most = p.Num("maximum")
	}
	switch {
	case most > 999999:
		return nil, fault.AboveMaximum(at+"[maximum]", 999999)
	case least < 0:
		return nil, fault.BelowMinimum(at+"[minimum]", 0)
	case *it.Quantity < least || *it.Quantity > most:
		return nil, fault.QuantityOutside(at, least, most)
	}
	return &Adjustable{true, &most, &least}, nil
}

// Adjust gives an item another quantity, at the customer's wish. unverified: that the last of an item cannot be taken away.
func (d *Domain) Adjust(c *api.Call, s *Session, item string, quantity int64) error {
	if s.Status != Open {
		return fault.SessionOver(s.Status)
	}
	for i := range s.Private.Items {
		it := &s.Private.Items[i]
		if it.ID != item || it.Adjustable == nil {
			continue
		}
		if least, most := max(1, *it.Adjustable.Minimum), *it.Adjustable.Maximum; quantity < least || quantity > most {
			return fault.QuantityOutside(item, least, most)
		}
		it.Quantity = &quantity
		return d.reprice(c, s)
	}
	return fault.NoSuch("item", item, "item", 400)
}

// reprice adds a session up again that the customer has changed. A payment that waits for him to authenticate is given up: it is for another amount.
func (d *Domain) reprice(c *api.Call, s *Session) error {
	if err := d.dropTry(c, s); err != nil {
		return err
	}
	if err := d.total(c, s); err != nil {
		return err
	}
	if err := s.checkTotal(c); err != nil {
		return err
	}
	return c.Save(s)
}

// priceOf is the price that a line item names, or describes.
func priceOf(c *api.Call, p *form.Value, at string) (*catalog.Price, error) {
	id := p.Str("price")
	switch {
	case id != "" && p.Has("price_data"):
		return nil, fault.OnlyOne(at+"[price]", at+"[price_data]")
	case p.Has("price_data"):
		return catalog.PriceFromData(c, p.Get("price_data"), at+"[price_data]")
	case id == "":
		return nil, fault.Missing(at + "[price]")
	}
	price, err := catalog.Prices.Find(c, id, at+"[price]")
	if err == nil && !price.Active {
		err = fault.PriceInactive(at + "[price]")
	}
	return price, err
}

// ratesOf are the tax rates that a parameter names.
func ratesOf(c *api.Call, p *form.Value, name, param string) ([]string, error) {
	var out []string
	for i, id := range p.Strings(name) {
		rate, err := catalog.TaxRates.Find(c, id, param+"["+strconv.Itoa(i)+"]")
		if err != nil {
			return nil, err
		}
		if !rate.Active {
			return nil, fault.TaxRateInactive(param + "[" + strconv.Itoa(i) + "]")
		}
		out = append(out, rate.ID)
	}
	return out, nil
}

// sales are what the session sells, with its prices.
func (s *Session) sales(c *api.Call) ([]billing.Sale, error) {
	var out []billing.Sale
	for i := range s.Private.Items {
		it := &s.Private.Items[i]
		price, err := catalog.Used(c, it.Price)
		if err != nil {
			return nil, err
		}
		out = append(out, billing.Sale{Price: price, Quantity: it.Quantity, Rates: it.Rates, Metadata: it.Metadata})
	}
	return out, nil
}

// total adds the session up. Known from: recordings (a trial comes to 0).
func (d *Domain) total(c *api.Call, s *Session) error {
	if s.Mode == modeSetup {
		return nil
	}
	sales, err := s.sales(c)
	if err != nil {
		return err
	}
	terms := billing.SaleTerms{Currency: *s.Currency, Trial: s.trial(c), Exempt: text(s.exempt()), Rates: s.defaultRates()}
	if terms.Coupon, err = s.coupon(c); err != nil {
		return err
	}
	sums, err := billing.SumUp(c, sales, terms)
	if err != nil {
		return err
	}
	var subtotal, total int64
	s.TotalDetails = &TotalDetails{}
	for i, sum := range sums {
		it := &s.Private.Items[i]
		it.Subtotal, it.Discount, it.Tax, it.Total = sum.Subtotal, sum.Discount, sum.Tax, sum.Total
		subtotal, total = subtotal+sum.Subtotal, total+sum.Total
		s.TotalDetails.AmountDiscount += sum.Discount
		s.TotalDetails.AmountTax += sum.Tax
	}
	s.AmountSubtotal, s.AmountTotal = &subtotal, &total
	return nil
}

// show is an item as answers show it.
func (it *Item) show(c *api.Call, currency string) ([]byte, error) {
	price, err := catalog.Used(c, it.Price)
	if err != nil || price == nil {
		return nil, err
	}
	body, err := c.Show(price)
	if err != nil {
		return nil, err
	}
	m := it.Metadata
	if m == nil {
		m = map[string]string{}
	}
	return jsontext.Append(nil, &shownItem{
		ID: it.ID, Object: "item", AdjustableQuantity: it.Adjustable, AmountDiscount: it.Discount, AmountSubtotal: it.Subtotal, AmountTax: it.Tax, AmountTotal: it.Total, Currency: currency,
		Description: it.Description, Metadata: m, Price: body, Quantity: it.Quantity,
	}), nil
}

// wares are what a session or a link sells, and where that is listed.
type wares struct {
	items    []Item
	currency string
	url      string
}

func (s *Session) wares() wares {
	return wares{s.Private.Items, text(s.Currency), "/v1/checkout/sessions/" + s.ID + "/line_items"}
}

// mostListed is how many items a list shows when it is not asked for more.
const mostListed = 10

// shown is the list of items as a member of what sells them.
func (w wares) shown(c *api.Call) ([]byte, error) {
	l, err := w.page(c, 0, min(len(w.items), mostListed))
	if err != nil {
		return nil, err
	}
	return l.JSON(), nil
}

// page is a part of the items.
func (w wares) page(c *api.Call, from, to int) (*api.List, error) {
	l := &api.List{Object: "list", URL: w.url, HasMore: to < len(w.items)}
	for i := from; i < to; i++ {
		body, err := w.items[i].show(c, w.currency)
		if err != nil {
			return nil, err
		}
		l.Data = append(l.Data, body)
	}
	return l, nil
}

// list is the page of the items that a request asks for.
func (w wares) list(c *api.Call) (any, error) {
	limit := int(c.P.Num("limit"))
	if limit == 0 {
		limit = mostListed
	}
	from, to := 0, len(w.items)
	switch {
	case c.P.Given("starting_after") && c.P.Given("ending_before"):
		return nil, fault.BothCursors()
	case c.P.Given("starting_after"):
		i, err := w.named(c, "starting_after")
		if err != nil {
			return nil, err
		}
		from = i + 1
	case c.P.Given("ending_before"):
		i, err := w.named(c, "ending_before")
		if err != nil {
			return nil, err
		}
		from, to = max(0, i-limit), i
	}
	more := to-from > limit || c.P.Given("ending_before") && from > 0
	l, err := w.page(c, from, min(to, from+limit))
	if err != nil {
		return nil, err
	}
	l.HasMore = more
	return l, nil
}

// named is which item a parameter names.
func (w wares) named(c *api.Call, param string) (int, error) {
	for i := range w.items {
		if w.items[i].ID == c.P.Str(param) {
			return i, nil
		}
	}
	return 0, fault.NoSuch("item", c.P.Str(param), param, 400)
}

func listItems(c *api.Call) (any, error) {
	s, err := Sessions.InPath(c, "session")
	if err != nil {
		return nil, err
	}
	return s.wares().list(c)
}
