package catalog_test

import (
	"strings"
	"testing"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/server/servertest"
)

// do runs f as a unit of work of a new account, and fails if it does.
func do(t *testing.T, s *servertest.Server, f func(c *api.Call) error) {
	t.Helper()
	who, err := s.App.Authenticate(t.Context(), s.Secret, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.App.Do(t.Context(), who.Scope, f); err != nil {
		t.Fatal(err)
	}
}

// object makes parameters of names and values; a number is an integer.
func object(pairs ...any) *form.Value {
	v := &form.Value{Kind: form.Object}
	for i := 0; i < len(pairs); i += 2 {
		var m *form.Value
		switch x := pairs[i+1].(type) {
		case string:
			m = &form.Value{Kind: form.String, Text: x}
		case int:
			m = &form.Value{Kind: form.Int, Int: int64(x)}
		case *form.Value:
			m = x
		}
		v.Set(pairs[i].(string), m)
	}
	return v
}

func refused(t *testing.T, err error, param, words string) {
	t.Helper()
	f, ok := err.(*fault.Error)
	if !ok || f.Param != param || !strings.Contains(f.Message, words) {
		t.Errorf("refused with %v, not of %s: %s", err, param, words)
	}
}

func TestPriceFromData(t *testing.T) {
	s := servertest.New(t)
	const at = "items[0][price_data]"
	var hidden, product string
	do(t, s, func(c *api.Call) error {
		data := object("currency", "usd", "unit_amount", 500, "product_data", object("name", "Gold"), "recurring", object("interval", "month"))
		p, err := catalog.PriceFromData(c, data, at)
		if err != nil {
			return err
		}
		if p.Active || p.Recurring.Interval != "month" || *p.UnitAmountDecimal != "500" || p.AsPlan().Object != "plan" {
			t.Errorf("the price is %+v", p)
		}
		hidden, product = p.ID, p.Product
		if name, _, err := catalog.ProductName(c, product); err != nil || name != "Gold" {
			t.Errorf("its product is called %s (%v)", name, err)
		}
		_, err = catalog.PriceFromData(c, object("currency", "usd", "unit_amount", -5, "product", product), at)
		refused(t, err, at+"[unit_amount]", "non-negative")
		_, err = catalog.PriceFromData(c, object("currency", "usd", "unit_amount", 5, "product", "prod_no"), at)
		refused(t, err, at+"[product]", "No such product: 'prod_no'")
		_, err = catalog.PriceFromData(c, object("currency", "usd", "product", product), at)
		refused(t, err, "", "Prices require")
		p, err = catalog.PriceFromData(c, object("currency", "usd", "unit_amount", -5, "product", product), "price_data")
		if err != nil || *p.UnitAmount != -5 {
			t.Errorf("an invoice item cannot take anything off: %v", err)
		}
		return nil
	})
	do(t, s, func(c *api.Call) error {
		_, err := catalog.FindPrice(c, hidden, "items[0][price]", true)
		refused(t, err, "items[0][price]", "The price specified is inactive.")
		return api.Events.Each(c, "", "", func(ev *api.Event) bool {
			t.Errorf("%s fired", ev.Type)
			return true
		})
	})
}

func TestFindPrice(t *testing.T) {
	s := servertest.New(t)
	do(t, s, func(c *api.Call) error {
		p, err := catalog.PriceFromData(c, object("currency", "usd", "unit_amount", 500, "product_data", object("name", "Gold")), "items[0][price_data]")
		if err != nil {
			return err
		}
		p.Active = true
		if found, err := catalog.FindPrice(c, p.ID, "price", false); err != nil || found != p {
			t.Errorf("found %v (%v)", found, err)
		}
		_, err = catalog.FindPrice(c, p.ID, "items[0][price]", true)
		refused(t, err, "items[0][price]", "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.")
		_, err = catalog.FindPrice(c, "price_no", "items[0][price]", true)
		refused(t, err, "items[0][price]", "No such price: 'price_no'")
		_, err = catalog.FindPrice(c, "no", "items[0][plan]", true)
		refused(t, err, "items[0][plan]", "No such plan: 'no'")
		return nil
	})
}

func TestHiddenPrice(t *testing.T) {
	s := servertest.New(t)
	do(t, s, func(c *api.Call) error {
		p, err := catalog.HiddenPrice(c, "usd", "-7200", "Credit")
		if err != nil {
			return err
		}
		if p.Active || p.Type != "one_time" || *p.UnitAmount != -7200 || *p.UnitAmountDecimal != "-7200" {
			t.Errorf("the price is %+v", p)
		}
		product, err := catalog.Products.Get(c, p.Product)
		if err != nil || product.Active || product.Name != "Credit" {
			t.Errorf("its product is %+v (%v)", product, err)
		}
		_, err = catalog.HiddenPrice(c, "zzz", "1", "Credit")
		refused(t, err, "currency", "Invalid currency")
		return nil
	})
}
