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

// An Item is one thing that a subscription asks for each period: so many at a price. It is a part of its subscription.
type Item struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	BillingThresholds  json.RawMessage   `json:"billing_thresholds"`
	Created            int64             `json:"created"`
	CurrentPeriodEnd   int64             `json:"current_period_end"`
	CurrentPeriodStart int64             `json:"current_period_start"`
	Discounts          []string          `json:"discounts"`
	Metadata           map[string]string `json:"metadata"`
	Plan               json.RawMessage   `json:"plan"`               // the price, as older programs know it
	Price              json.RawMessage   `json:"price"`              // as it was when the subscription was last changed
	Quantity           *int64            `json:"quantity,omitempty"` // of what is metered there is none
	Subscription       string            `json:"subscription"`
	TaxRates           []json.RawMessage `json:"tax_rates"`
}

// A place says which subscription an item belongs to.
type place struct {
	api.Meta
	Subscription string `json:"subscription"`
}

var places = &api.Kind[place]{Name: "_subscription_item", Internal: true}

// mostItems is how many items a subscription can have. Known from: facts 15a.
const mostItems = 20

func (d *Domain) subscriptionItemRoutes(r *api.Router) {
	r.Kind(places)
	r.Handle("POST /v1/subscription_items", d.createSubscriptionItem)
	r.Handle("GET /v1/subscription_items", d.listSubscriptionItems)
	r.Handle("GET /v1/subscription_items/{item}", d.retrieveSubscriptionItem)
	r.Handle("POST /v1/subscription_items/{item}", d.updateSubscriptionItem)
	r.Handle("DELETE /v1/subscription_items/{item}", d.deleteSubscriptionItem)
}

// price is what the item is sold at.
func (it *Item) price(c *api.Call) (*catalog.Price, error) {
	return catalog.Used(c, jsontext.Text(it.Price, "id"))
}

// sellAt gives the item its price.
func (it *Item) sellAt(c *api.Call, p *catalog.Price) error {
	body, err := c.Show(p)
	if err != nil {
		return err
	}
	it.Price, it.Plan = slices.Clone(body), jsontext.Append(nil, p.AsPlan())
	return nil
}

// amount is what a whole period of the item costs.
func (it *Item) amount(p *catalog.Price, currency string) (int64, error) {
	return p.Amount(it.count(), currency)
}

func (it *Item) count() int64 {
	if it.Quantity == nil {
		return 0
	}
	return *it.Quantity
}

// An edit is what a request wants of one item.
type edit struct {
	item     *Item          // nil: there is to be a new one
	price    *catalog.Price // nil: as it is
	quantity *int64         // nil: as it is
	deleted  bool
	phase    *PhaseItem // what a schedule's phase says of it
	p        *form.Value
	at       string
}

// edits reads items[] of a request. Everything in it is found, or refused. Known from: facts 15a (a price without a quantity makes it 1).
func (d *Domain) edits(c *api.Call, sub *Subscription, list *form.Value) ([]edit, error) {
	if list == nil {
		return nil, nil
	}
	var out []edit
	for i, p := range list.Items {
		e, err := d.edit(c, sub, p, "items["+strconv.Itoa(i)+"]")
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (d *Domain) edit(c *api.Call, sub *Subscription, p *form.Value, at string) (e edit, err error) {
	e = edit{p: p, at: at}
	for _, name := range []string{"billing_thresholds", "clear_usage"} {
		if p.Given(name) {
			return e, fault.ParamNotBuilt(under(at, name))
		}
	}
	if id := p.Str("id"); id != "" {
		if e.item = sub.item(id); e.item == nil {
			return e, fault.NoSuch("subscription_item", id, under(at, "id"), 400)
		}
	}
	if p.True("deleted") {
		if e.item == nil {
			return e, fault.Missing(under(at, "id"))
		}
		e.deleted = true
		return e, nil
	}
	id, param := p.Str("price"), "price"
	if id == "" {
		id, param = p.Str("plan"), "plan" // which older programs send
	}
	switch {
	case id != "" && p.Has("price_data"):
		return e, fault.OnlyOne(under(at, "price"), under(at, "price_data"))
	case id != "":
		if param == "price" {
			param = under(at, param)
		}
		e.price, err = catalog.FindPrice(c, id, param, true) // recorded: an item's plan is only called "plan"
	case p.Has("price_data"):
		e.price, err = catalog.PriceFromData(c, p.Get("price_data"), under(at, "price_data"))
	case e.item == nil:
		return e, fault.Missing(under(at, "price"))
	}
	if err != nil {
		return e, err
	}
	selling := e.price
	if selling == nil {
		if selling, err = e.item.price(c); err != nil {
			return e, err
		}
	}
	switch {
	case metered(selling):
		if p.Given("quantity") {
			return e, fault.QuantityOfMetered(at)
		}
	case p.Given("quantity"):
		n := p.Num("quantity")
		if n < 0 {
			return e, fault.BelowMinimum(under(at, "quantity"), 0)
		}
		e.quantity = &n
	case e.item == nil || e.price != nil:
		one := int64(1)
		e.quantity = &one
	}
	return e, nil
}

// fits refuses prices that a subscription cannot have together: another currency, another interval. Known from: facts 15b.
func (d *Domain) fits(c *api.Call, sub *Subscription, edits []edit) error {
	type one struct {
		p     *catalog.Price
		param string
	}
	var all []one
	changed := map[*Item]bool{}
	for _, e := range edits {
		if e.item != nil && (e.deleted || e.price != nil) {
			changed[e.item] = true
		}
		if e.price != nil {
			all = append(all, one{e.price, under(e.at, "price")})
		}
	}
	for _, it := range sub.Items.Data {
		if !changed[it] {
			p, err := it.price(c)
			if err != nil {
				return err
			}
			all = append(all, one{p, "items"})
		}
	}
	if len(all) == 0 {
		return fault.NoItems()
	}
	if len(all) > mostItems {
		return fault.TooManySubscriptionItems(mostItems)
	}
	for _, o := range all {
		if _, _, ok := o.p.UnitFor(sub.Currency); !ok {
			return fault.PriceOfOtherCurrency(o.param, o.p.Currency, sub.Currency)
		}
		for _, other := range all {
			if !same(o.p.Recurring, other.p.Recurring) && (sub.BillingMode.Type == "classic" || !together(o.p.Recurring, other.p.Recurring)) {
				return fault.IntervalsDiffer(sub.BillingMode.Type == "classic")
			}
		}
	}
	return nil
}

// take applies what an edit says besides price and quantity.
func (d *Domain) take(c *api.Call, sub *Subscription, it *Item, e edit) error {
	if e.phase != nil {
		return d.takePhase(c, sub, it, e.phase)
	}
	if e.p.Has("metadata") {
		if err := metadata(&it.Metadata, e.p.Get("metadata")); err != nil {
			return err
		}
	}
	if e.p.Has("discounts") {
		list, err := d.discounts(c, e.p.Get("discounts"), under(e.at, "discounts"), holder{customer: sub.Customer, subscription: sub.ID, subscriptionItem: it.ID})
		if err != nil {
			return err
		}
		if err := dropDiscounts(c, it.Discounts, list); err != nil {
			return err
		}
		it.Discounts = list
	}
	if e.p.Has("tax_rates") {
		rates, err := taxRates(c, e.p, "tax_rates", e.at)
		if err != nil {
			return err
		}
		if it.TaxRates, err = showRates(c, rates); err != nil {
			return err
		}
	}
	return nil
}

// newItem makes an item of a subscription; its period is set by the caller.
func (d *Domain) newSubscriptionItem(c *api.Call, sub *Subscription, e edit) (*Item, error) {
	it := &Item{
		ID: c.NewShortID("si"), Object: "subscription_item", Created: c.Now(), Discounts: []string{}, Metadata: map[string]string{}, Quantity: e.quantity,
		Subscription: sub.ID, TaxRates: []json.RawMessage{},
	}
	if err := it.sellAt(c, e.price); err != nil {
		return nil, err
	}
	at := places.New(c, it.ID)
	at.Subscription = sub.ID
	if err := c.Save(at); err != nil {
		return nil, err
	}
	return it, d.take(c, sub, it, e)
}

// lineOf makes the line of an item for a period: what it costs in full, or its part of that if it begins or ends between two boundaries; nothing in a
// trial. Known from: facts 15c.
func (d *Domain) lineOf(c *api.Call, sub *Subscription, inv *Invoice, it *Item, p *catalog.Price, period Period, trial bool) (*Line, error) {
	amount := int64(0)
	if !trial {
		var err error
		if amount, err = it.amount(p, inv.Currency); err != nil {
			return nil, err
		}
	}
	of := whole(sub.BillingCycleAnchor, p.Recurring, period.Start)
	cut := !trial && (period.Start != of.Start || period.End != of.End)
	if cut {
		amount = part(amount, period.End-period.Start, of.End-of.Start)
	}
	l := newLine(c, inv, amount)
	name, label, err := catalog.ProductName(c, p.Product)
	if err != nil {
		return nil, err
	}
	said := describe(it.count(), name, label, p, inv.Currency)
	if trial {
		said = describeTrial(it.count(), name, label)
	}
	_, exact, _ := p.UnitFor(inv.Currency)
	if zero := "0"; trial {
		exact = &zero // unverified
	}
	l.Description, l.Period, l.Discounts = &said, period, it.Discounts
	l.Pricing = &Pricing{PriceDetails{p.ID, p.Product}, "price_details", exact}
	l.count(it.count())
	l.Parent = LineParent{Type: "subscription_item_details", SubscriptionItemDetails: &SubscriptionItemDetails{
		Proration: cut, Subscription: it.Subscription, SubscriptionItem: it.ID, // unverified: that a part of a period is called a proration
	}}
	inv.taxBy(l, idsOf(it.TaxRates))
	return l, nil
}

// subscriptionOf finds the subscription of an item.
func (d *Domain) subscriptionOf(c *api.Call, item string) (*Subscription, *Item, error) {
	at, err := places.Get(c, item)
	if err != nil || at == nil {
		return nil, nil, err
	}
	sub, err := Subscriptions.Get(c, at.Subscription)
	if err != nil || sub == nil {
		return nil, nil, err
	}
	return sub, sub.item(item), nil
}

// itemInPath is the item of the path, with its subscription.
func (d *Domain) subscriptionItemInPath(c *api.Call) (*Subscription, *Item, error) {
	sub, it, err := d.subscriptionOf(c, c.Path("item"))
	if err == nil && it == nil {
		err = fault.NoSuch("subscription_item", c.Path("item"), "item", 404)
	}
	return sub, it, err
}

func (d *Domain) retrieveSubscriptionItem(c *api.Call) (any, error) {
	_, it, err := d.subscriptionItemInPath(c)
	if err != nil {
		return nil, err
	}
	return api.JSON(jsontext.Append(nil, it)), nil
}

func (d *Domain) listSubscriptionItems(c *api.Call) (any, error) {
	sub, err := Subscriptions.Find(c, c.P.Str("subscription"), "subscription")
	if err != nil {
		return nil, err
	}
	return page(c, sub.Items.Data, func(it *Item) string { return it.ID }, "subscription_item", "/v1/subscription_items", nil)
}

// createSubscriptionItem adds an item to a subscription.
func (d *Domain) createSubscriptionItem(c *api.Call) (any, error) {
	sub, err := Subscriptions.Find(c, c.P.Str("subscription"), "subscription")
	if err != nil {
		return nil, err
	}
	if _, err := d.customerOf(c, sub.Customer); err != nil {
		return nil, err
	}
	e, err := d.edit(c, sub, c.P, "")
	if err != nil {
		return nil, err
	}
	before := len(sub.Items.Data)
	if err := d.changeItems(c, sub, []edit{e}); err != nil {
		return nil, err
	}
	return api.JSON(jsontext.Append(nil, sub.Items.Data[before])), nil
}

func (d *Domain) updateSubscriptionItem(c *api.Call) (any, error) {
	return d.editItem(c, false)
}

// deleteSubscriptionItem takes an item off its subscription. The last one cannot go: the subscription is to be canceled.
func (d *Domain) deleteSubscriptionItem(c *api.Call) (any, error) {
	return d.editItem(c, true)
}

func (d *Domain) editItem(c *api.Call, deleted bool) (any, error) {
	sub, it, err := d.subscriptionItemInPath(c)
	if err != nil {
		return nil, err
	}
	if _, err := d.customerOf(c, sub.Customer); err != nil {
		return nil, err
	}
	e, err := edit{item: it, deleted: deleted, p: c.P}, error(nil)
	if !deleted {
		if e, err = d.edit(c, sub, withID(c.P, it), ""); err != nil {
			return nil, err
		}
	}
	if err := d.changeItems(c, sub, []edit{e}); err != nil {
		return nil, err
	}
	if deleted {
		return api.JSON(jsontext.Append(nil, &struct {
			api.Meta
			Deleted bool `json:"deleted"`
		}{api.Meta{ID: it.ID, Object: "subscription_item"}, true})), nil
	}
	return api.JSON(jsontext.Append(nil, it)), nil
}

// withID is a request that is about an item, as an entry of items[] would say it.
func withID(p *form.Value, it *Item) *form.Value {
	out := *p
	out.Fields = append(slices.Clone(p.Fields), form.Field{Name: "id", Value: &form.Value{Kind: form.String, Text: it.ID}})
	return &out
}
