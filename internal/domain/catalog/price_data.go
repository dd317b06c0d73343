package catalog

import (
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/money"
)

// What other resources ask of the catalog: prices by their ids, and those that are made inside of a subscription, an invoice item or a checkout.
// These hidden prices are not active and cannot be used again (facts 15a). No event tells of them. unverified: of their products, too.

// FindPrice is the price that a parameter names, or the plan: it exists, is active, and is paid as the parameter wants it, for ever or once.
// Known from: facts 05 (5c), 15 (15o).
func FindPrice(c *api.Call, id, param string, recurring bool) (*Price, error) {
	p, err := Prices.Find(c, id, param)
	switch {
	case err != nil:
		return nil, planWord(err, id, param)
	case !p.Active:
		return nil, fault.PriceInactive(param)
	case recurring != (p.Recurring != nil):
		return nil, fault.PriceType(param, p.Type)
	}
	return p, nil
}

// planWord says "plan" in the refusal of a missing price if the parameter is called so.
func planWord(err error, id, param string) error {
	if f, ok := err.(*fault.Error); ok && (param == "plan" || strings.HasSuffix(param, "[plan]")) {
		f.Message = strings.Replace(f.Message, "No such price", "No such plan", 1)
	}
	return err
}

// Used is a price that something refers to, which may have been deleted since as a plan; nil if there never was one.
func Used(c *api.Call, id string) (*Price, error) { return Prices.Late(c, id) }

// ProductName is how a product, or one that has been deleted, stands on invoices, and what its units are called.
func ProductName(c *api.Call, id string) (name string, unitLabel *string, err error) {
	p, err := Products.Late(c, id)
	if err != nil || p == nil {
		return "", nil, err
	}
	return p.Name, p.UnitLabel, nil
}

// PriceFromData makes the hidden price of a price_data, and the product of its product_data.
func PriceFromData(c *api.Call, data *form.Value, param string) (*Price, error) {
	at := inside(param)
	if err := checkProductOf(c, data, at); err != nil {
		return nil, err
	}
	if err := checkPrice(c, data, at); err != nil {
		return nil, err
	}

	product, err := productOf(c, data, false)
	if err != nil {
		return nil, err
	}
	p, err := newPrice(c, c.NewID("price"), product, data)
	if err != nil {
		return nil, err
	}
	return p, hide(c, p)
}

// HiddenPrice makes the price, and the product, of an invoice item that is only an amount.
func HiddenPrice(c *api.Call, currency, unitAmountDecimal, name string) (*Price, error) {
	if !money.Known(currency) {
		return nil, fault.NotCurrency("currency", currency)
	}

	product := newProduct(c, nil)
	product.Name, product.Active = name, false
	if err := c.Save(product); err != nil {
		return nil, err
	}
	data := &form.Value{Kind: form.Object, Fields: []form.Field{{Name: "unit_amount_decimal", Value: &form.Value{Kind: form.Decimal, Text: unitAmountDecimal}}}}
	p, err := newPrice(c, c.NewID("price"), product.ID, data)
	if err != nil {
		return nil, err
	}
	p.Currency = currency
	return p, hide(c, p)
}

// hide saves a price that is the merchant's only where it was made.
func hide(c *api.Call, p *Price) error {
	p.Active, p.Private.Hidden = false, true
	return c.Save(p)
}
