package catalog

import (
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/jsontext"
)

// A Coupon takes a percentage or an amount off an invoice, once, for some months, or forever. It is made by the merchant and given to customers
// as a discount; what it takes off never changes, and deleting it ends no discount that was given. Known from: the spec, facts 08 (8m).
type Coupon struct {
	api.Meta
	AmountOff        *int64            `json:"amount_off"` // minor units of Currency
	Created          int64             `json:"created"`    // Unix seconds
	Currency         *string           `json:"currency"`
	Duration         string            `json:"duration"` // once, repeating or forever
	DurationInMonths *int64            `json:"duration_in_months"`
	Livemode         bool              `json:"livemode"`
	MaxRedemptions   *int64            `json:"max_redemptions"`
	Metadata         map[string]string `json:"metadata"`
	Name             *string           `json:"name"`
	PercentOff       *float64          `json:"percent_off"`
	RedeemBy         *int64            `json:"redeem_by"` // Unix seconds
	TimesRedeemed    int64             `json:"times_redeemed"`
	Valid            bool              `json:"valid"`

	Private struct {
		AppliesTo []string         `json:"applies_to,omitempty"` // ids of the products that it is for; none: all
		Options   map[string]int64 `json:"options,omitempty"`    // what it takes off in other currencies, in minor units
	} `json:"-"`
}

// Coupons is the kind of coupons. The merchant may choose their ids.
var Coupons = &api.Kind[Coupon]{Name: "coupon", Param: "coupon"}

func (d *Domain) couponRoutes(r *api.Router) {
	r.Kind(Coupons)
	r.Include("coupon", "applies_to", showAppliesTo)
	r.Include("coupon", "currency_options", showAmounts)
	r.Handle("POST /v1/coupons", d.createCoupon)
	r.Plain("GET /v1/coupons", Coupons.List)
	r.Plain("GET /v1/coupons/{coupon}", Coupons.Retrieve)
	r.Plain("POST /v1/coupons/{coupon}", d.updateCoupon)
	r.Plain("DELETE /v1/coupons/{coupon}", d.deleteCoupon)
	r.Task("coupon.expire", d.expireCoupon)
}

func (d *Domain) createCoupon(c *api.Call) (any, error) {
	if err := checkCoupon(c.P); err != nil {
		return nil, err
	}
	if err := checkApplies(c); err != nil {
		return nil, err
	}
	name := c.P.Str("id")
	if name == "" {
		name = id.Secret(8)
	} else if old, err := Coupons.Get(c, name); err != nil || old != nil {
		if err == nil {
			err = fault.AlreadyExists("Coupon", "id")
		}
		return nil, err
	}

	if c.P.Given("redeem_by") {
		c.At(c.P.Num("redeem_by"), "coupon.expire", name)
	}
	cp := Coupons.New(c, name)
	cp.Created, cp.Livemode, cp.Valid, cp.Duration = c.Now(), c.Live(), true, "once"
	cp.limit(c.P)
	if err := c.Params(cp); err != nil {
		return nil, err
	}
	return cp, c.Save(cp, "coupon.created")
}

// checkCoupon refuses what cannot be a coupon. unverified: Stripe's words for all but the first.
func checkCoupon(p *form.Value) error {
	switch {
	case p.Given("amount_off") == p.Given("percent_off"):
		return fault.Invalid("", "You must pass either `percent_off` or `amount_off`, but not both.")
	case p.Given("amount_off") && !p.Given("currency"):
		return fault.Invalid("currency", "You must pass `currency` when passing `amount_off`.")
	case p.Given("amount_off") && p.Num("amount_off") < 1:
		return fault.BelowMinimum("amount_off", 1)
	case p.Str("duration") == "repeating" && p.Num("duration_in_months") < 1:
		return fault.Missing("duration_in_months")
	case p.Str("duration") != "repeating" && p.Given("duration_in_months"):
		return fault.Invalid("duration_in_months", "You may only pass `duration_in_months` when `duration` is `repeating`.")
	case p.Given("currency_options") && !p.Given("amount_off"):
		return fault.Invalid("currency_options", "You may only pass `currency_options` when passing `amount_off`.")
	}
	return checkCouponAmounts(p, p.Str("currency"))
}

// checkCouponAmounts refuses what cannot be taken off in other currencies than the coupon's own.
func checkCouponAmounts(p *form.Value, currency string) error {
	options := p.Get("currency_options")
	if options == nil {
		return nil
	}
	for _, o := range options.Fields {
		switch at := "currency_options[" + o.Name + "]"; {
		case o.Name == currency:
			return fault.OwnCurrencyOption(at)
		case o.Value.Num("amount_off") < 1:
			return fault.BelowMinimum(at+"[amount_off]", 1)
		}
	}
	return nil
}

// checkApplies refuses products that there are not.
func checkApplies(c *api.Call) error {
	for i, id := range c.P.Get("applies_to").Strings("products") {
		if _, err := Products.Find(c, id, "applies_to[products]["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	return nil
}

func (d *Domain) updateCoupon(c *api.Call) (any, error) {
	cp, err := Coupons.InPath(c, "coupon")
	if err != nil {
		return nil, err
	}
	if c.P.Given("currency_options") && cp.AmountOff == nil {
		return nil, fault.Invalid("currency_options", "You may only pass `currency_options` to a coupon with an `amount_off`.")
	}
	if err := checkCouponAmounts(c.P, text(cp.Currency)); err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(cp, "metadata", "name"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(cp.Metadata); err != nil {
		return nil, err
	}
	cp.addAmounts(c.P)
	return cp, c.Save(cp, "coupon.updated")
}

// limit reads which products the coupon is for, and what it takes off in other currencies.
func (cp *Coupon) limit(p *form.Value) {
	cp.Private.AppliesTo = p.Get("applies_to").Strings("products")
	cp.addAmounts(p)
}

// addAmounts puts what is taken off in other currencies among what the coupon has.
func (cp *Coupon) addAmounts(p *form.Value) {
	options := p.Get("currency_options")
	if options == nil {
		return
	}
	for _, o := range options.Fields {
		if cp.Private.Options == nil {
			cp.Private.Options = map[string]int64{}
		}
		cp.Private.Options[o.Name] = o.Value.Num("amount_off")
	}
}

// AmountIn is what a coupon takes off in a currency, in minor units; ok says whether it takes an amount off there.
func (cp *Coupon) AmountIn(currency string) (amount int64, ok bool) {
	if cp.AmountOff != nil && text(cp.Currency) == currency {
		return *cp.AmountOff, true
	}
	amount, ok = cp.Private.Options[currency]
	return amount, ok
}

// AppliesTo says whether a coupon takes something off a product.
func (cp *Coupon) AppliesTo(product string) bool {
	return len(cp.Private.AppliesTo) == 0 || slices.Contains(cp.Private.AppliesTo, product)
}

// CouponOf is a coupon that a discount names, which may have been deleted since; nil if there never was one.
func CouponOf(c *api.Call, id string) (*Coupon, error) { return Coupons.Late(c, id) }

// showAppliesTo are the products that a coupon is for, when that is expanded; nothing if it is for all.
func showAppliesTo(c *api.Call, body []byte) ([]byte, error) {
	cp, err := CouponOf(c, jsontext.Text(body, "id"))
	if err != nil || cp == nil || len(cp.Private.AppliesTo) == 0 {
		return nil, err
	}
	return jsontext.Append(nil, &struct {
		Products []string `json:"products"`
	}{cp.Private.AppliesTo}), nil
}

// showAmounts is what a coupon takes off in each currency, when that is expanded. unverified: that its own is among them, as it is of prices.
func showAmounts(c *api.Call, body []byte) ([]byte, error) {
	type option struct {
		AmountOff int64 `json:"amount_off"`
	}
	cp, err := CouponOf(c, jsontext.Text(body, "id"))
	if err != nil || cp == nil || cp.AmountOff == nil {
		return nil, err
	}
	options := map[string]option{text(cp.Currency): {*cp.AmountOff}}
	for currency, amount := range cp.Private.Options {
		options[currency] = option{amount}
	}
	return jsontext.Append(nil, &options), nil
}

// text is a string that may be missing.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (d *Domain) deleteCoupon(c *api.Call) (any, error) {
	cp, err := Coupons.InPath(c, "coupon")
	if err != nil {
		return nil, err
	}
	if err := endCodes(c, cp); err != nil {
		return nil, err
	}
	return cp, c.Delete(cp, "coupon.deleted")
}

// expireCoupon is the task that ends a coupon at its time. unverified: that coupon.updated tells of it.
func (d *Domain) expireCoupon(c *api.Call, id string) error {
	cp, err := Coupons.Get(c, id)
	if err != nil || cp == nil || !cp.Valid || cp.RedeemBy == nil || *cp.RedeemBy > c.Now() { // the id may have been given again
		return err
	}
	cp.Valid = false
	if err := endCodes(c, cp); err != nil {
		return err
	}
	return c.Save(cp, "coupon.updated")
}

// good says whether the coupon can be redeemed now.
func (cp *Coupon) good(c *api.Call) bool {
	return cp.Valid && (cp.RedeemBy == nil || *cp.RedeemBy > c.Now()) && (cp.MaxRedemptions == nil || cp.TimesRedeemed < *cp.MaxRedemptions)
}

// redeemed counts that somebody has the coupon. unverified: whether coupon.updated tells of it.
func (cp *Coupon) redeemed(c *api.Call) error {
	cp.TimesRedeemed++
	cp.Valid = cp.MaxRedemptions == nil || cp.TimesRedeemed < *cp.MaxRedemptions
	if !cp.Valid {
		if err := endCodes(c, cp); err != nil {
			return err
		}
	}
	return c.Save(cp)
}

// Redeemable finds the coupon that a parameter names, and refuses it if it is no longer good.
func Redeemable(c *api.Call, id, param string) (*Coupon, error) {
	cp, err := Coupons.Find(c, id, param)
	if err != nil {
		return nil, err
	}
	if !cp.good(c) {
		return nil, fault.CouponExpired(cp.ID)
	}
	return cp, nil
}

// Redeem finds the coupon that a parameter names, refuses it if it is no longer good, and counts it.
func Redeem(c *api.Call, id, param string) (*Coupon, error) {
	cp, err := Redeemable(c, id, param)
	if err != nil {
		return nil, err
	}
	return cp, cp.redeemed(c)
}
