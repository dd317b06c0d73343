package customer

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/domain/catalog"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// A Discount is a coupon as it was given to a customer: from when, and until when. A customer has one at most; another takes its place.
// Deleting the coupon leaves it as it is. Known from: the spec, facts 08 (8m, 8o).
type Discount struct {
	api.Meta
	CheckoutSession  *string        `json:"checkout_session"`
	Customer         *string        `json:"customer"`
	CustomerAccount  *string        `json:"customer_account"`
	End              *int64         `json:"end"` // Unix seconds; null of one that lasts for ever, or applies once
	Invoice          *string        `json:"invoice"`
	InvoiceItem      *string        `json:"invoice_item"`
	PromotionCode    *string        `json:"promotion_code"`
	Source           DiscountSource `json:"source"`
	Start            int64          `json:"start"` // Unix seconds
	Subscription     *string        `json:"subscription"`
	SubscriptionItem *string        `json:"subscription_item"`
}

// DiscountSource is what a discount comes from.
type DiscountSource struct {
	Coupon *string `json:"coupon"`
	Type   string  `json:"type"` // coupon
}

// Discounts is the kind of discounts.
var Discounts = &api.Kind[Discount]{Name: "discount", Prefixes: []string{"di"}, Index: []string{"customer"}}

func (d *Domain) discountRoutes(r *api.Router) {
	r.Kind(Discounts)
	r.Handle("GET /v1/customers/{customer}/discount", d.retrieveDiscount)
	r.Handle("DELETE /v1/customers/{customer}/discount", d.deleteDiscount)
}

// discount gives the customer the coupon or the promotion code that was sent, or takes what there is if it is empty. Only versions before 2025-03-31
// have the parameters.
func (d *Domain) discount(c *api.Call, cus *Customer) error {
	param := "coupon"
	if !c.P.Has(param) {
		param = "promotion_code"
	}
	v := c.P.Get(param)
	if v == nil {
		return nil
	}
	if v.Kind == form.Object || v.Kind == form.Array {
		return fault.NotString(param, "")
	}
	old, err := d.discountOf(c, cus)
	if err != nil {
		return err
	}
	if v.Text == "" {
		if old == nil {
			return nil
		}
		_, err := d.endDiscount(c, cus, old)
		return err
	}
	if c.P.Str("coupon") != "" && c.P.Str("promotion_code") != "" {
		return fault.OneOfTwo("coupon", "promotion_code")
	}
	var cp *catalog.Coupon
	var code *string
	if param == "coupon" {
		cp, err = catalog.Redeem(c, v.Text, param)
	} else {
		code = &v.Text
		_, cp, err = catalog.RedeemCode(c, v.Text, param, catalog.Redeemer{Customer: cus.ID, Paid: func() (bool, error) {
			if d.Paid == nil {
				return false, nil
			}
			return d.Paid(c, cus)
		}})
	}
	if err != nil {
		return err
	}

	di := Discounts.New(c, c.NewID("di"))
	di.Customer, di.PromotionCode, di.Source, di.Start = &cus.ID, code, DiscountSource{&cp.ID, "coupon"}, c.Now()
	if cp.DurationInMonths != nil {
		end := clock.AddMonths(c.Now(), int(*cp.DurationInMonths))
		di.End = &end
	}
	event := "customer.discount.created"
	if old != nil {
		event = "customer.discount.updated"
		if err := c.Delete(old); err != nil {
			return err
		}
	}
	if err := c.Save(di, event); err != nil {
		return err
	}
	return d.showDiscount(c, cus, di)
}

// showDiscount puts a discount into its customer; nil takes it out.
func (d *Domain) showDiscount(c *api.Call, cus *Customer, di *Discount) error {
	cus.Discount = json.RawMessage("null")
	if di != nil {
		cus.Discount = jsontext.Append(nil, di)
	}
	return c.Save(cus)
}

// discountOf is the customer's discount; nil if there is none. One that has run out is none.
func (d *Domain) discountOf(c *api.Call, cus *Customer) (*Discount, error) {
	di, err := Discounts.Get(c, jsontext.Text(cus.Discount, "id"))
	if err != nil || di == nil || di.End != nil && *di.End <= c.Now() {
		return nil, err
	}
	return di, nil
}

func (d *Domain) retrieveDiscount(c *api.Call) (any, error) {
	cus, err := Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	if err := testclock.Look(c, cus.TestClock); err != nil {
		return nil, err
	}
	return answer(d.hasDiscount(c, cus))
}

func (d *Domain) deleteDiscount(c *api.Call) (any, error) {
	cus, err := inPath(c)
	if err != nil {
		return nil, err
	}
	di, err := d.hasDiscount(c, cus)
	if err != nil {
		return nil, err
	}
	return d.endDiscount(c, cus, di)
}

// hasDiscount is the customer's discount, or the refusal where there is none.
func (d *Domain) hasDiscount(c *api.Call, cus *Customer) (*Discount, error) {
	di, err := d.discountOf(c, cus)
	if err == nil && di == nil {
		err = fault.NoDiscount(cus.ID)
	}
	return di, err
}

// endDiscount takes a discount from its customer. A deleted discount is told of in full.
func (d *Domain) endDiscount(c *api.Call, cus *Customer, di *Discount) (any, error) {
	end := c.Now()
	di.End = &end // unverified: that the event shows when it ended
	if err := c.Delete(di, "customer.discount.deleted"); err != nil {
		return nil, err
	}
	if err := d.showDiscount(c, cus, nil); err != nil {
		return nil, err
	}
	return api.JSON(DeletedDiscount(di)), nil
}

// DeletedDiscount is a discount as it is shown when it has ended.
func DeletedDiscount(di *Discount) []byte {
	return jsontext.Append(nil, &struct {
		api.Meta
		CheckoutSession  *string        `json:"checkout_session"`
		Customer         *string        `json:"customer"`
		CustomerAccount  *string        `json:"customer_account"`
		Deleted          bool           `json:"deleted"`
		Invoice          *string        `json:"invoice"`
		InvoiceItem      *string        `json:"invoice_item"`
		PromotionCode    *string        `json:"promotion_code"`
		Source           DiscountSource `json:"source"`
		Start            int64          `json:"start"`
		Subscription     *string        `json:"subscription"`
		SubscriptionItem *string        `json:"subscription_item"`
	}{
		api.Meta{ID: di.ID, Object: "discount"}, di.CheckoutSession, di.Customer, di.CustomerAccount, true, di.Invoice, di.InvoiceItem, di.PromotionCode, di.Source,
		di.Start, di.Subscription, di.SubscriptionItem,
	})
}

// EndDiscount takes a discount from its customer, if it is his.
func (d *Domain) EndDiscount(c *api.Call, customer, discount string) error {
	cus, err := Customers.Get(c, customer)
	if err != nil || cus == nil {
		return err
	}
	di, err := d.discountOf(c, cus)
	if err != nil || di == nil || di.ID != discount {
		return err
	}
	_, err = d.endDiscount(c, cus, di)
	return err
}
