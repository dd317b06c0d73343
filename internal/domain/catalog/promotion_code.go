package catalog

import (
	"crypto/rand"
	"regexp"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/search"
)

// A PromotionCode is what customers type to get a coupon. It is active until it has been redeemed often enough, has expired, or its coupon is no
// longer valid: from then on it is inactive for ever. Whoever reads it need not mind capitals, and no two active codes of the same customer read
// the same. Known from: the spec, facts 15 (15e).
type PromotionCode struct {
	api.Meta
	Active          bool              `json:"active"`
	Code            string            `json:"code"`
	Created         int64             `json:"created"`  // Unix seconds
	Customer        *string           `json:"customer"` // who alone may redeem it
	CustomerAccount *string           `json:"customer_account"`
	ExpiresAt       *int64            `json:"expires_at"` // Unix seconds
	Livemode        bool              `json:"livemode"`
	MaxRedemptions  *int64            `json:"max_redemptions"`
	Metadata        map[string]string `json:"metadata"`
	Promotion       Promotion         `json:"promotion"`
	Restrictions    Restrictions      `json:"restrictions"`
	TimesRedeemed   int64             `json:"times_redeemed"`
}

// A Promotion is what a code stands for.
type Promotion struct {
	Coupon *string `json:"coupon"`
	Type   string  `json:"type"` // coupon
}

// Restrictions say when a code cannot be redeemed.
type Restrictions struct {
	FirstTimeTransaction  bool    `json:"first_time_transaction"` // only by a customer who has not paid before
	MinimumAmount         *int64  `json:"minimum_amount"`         // minor units
	MinimumAmountCurrency *string `json:"minimum_amount_currency"`
}

// PromotionCodes is the kind of promotion codes.
var PromotionCodes = &api.Kind[PromotionCode]{
	Name: "promotion_code", Prefixes: []string{"promo"}, Word: "promotion code", Param: "promotion_code",
	Index: []string{"code", "customer", "promotion.coupon"}, Filters: map[string]string{"coupon": "promotion.coupon"},
}

func (d *Domain) promotionCodeRoutes(r *api.Router) {
	r.Kind(PromotionCodes)
	r.Handle("POST /v1/promotion_codes", d.createPromotionCode)
	r.Handle("GET /v1/promotion_codes", d.listPromotionCodes)
	r.Plain("GET /v1/promotion_codes/{promotion_code}", PromotionCodes.Retrieve)
	r.Handle("POST /v1/promotion_codes/{promotion_code}", d.updatePromotionCode)
	r.Task("promotion_code.expire", d.expirePromotionCode)
}

func (d *Domain) createPromotionCode(c *api.Call) (any, error) {
	cp, err := couponOf(c)
	if err != nil {
		return nil, err
	}
	if err := checkPromotionCode(c, cp); err != nil {
		return nil, err
	}
	code := c.P.Str("code")
	if code == "" {
		code = inventCode()
	}
	if err := codeIsFree(c, code, c.P.Str("customer")); err != nil {
		return nil, err
	}

	pc := PromotionCodes.New(c, c.NewID("promo"))
	pc.Active, pc.Created, pc.Livemode, pc.Metadata = true, c.Now(), c.Live(), map[string]string{}
	if err := c.ParamsBut(pc, "promotion"); err != nil {
		return nil, err
	}
	pc.Code, pc.Promotion = code, Promotion{&cp.ID, "coupon"}
	if pc.ExpiresAt != nil {
		c.At(*pc.ExpiresAt, "promotion_code.expire", pc.ID)
	}
	return pc, c.Save(pc, "promotion_code.created")
}

// couponOf is the coupon that a code is made for; it must be good.
func couponOf(c *api.Call) (*Coupon, error) {
	name := c.P.At("promotion").Str("coupon")
	if name == "" {
		return nil, fault.Missing("promotion[coupon]")
	}
	cp, err := Coupons.Find(c, name, "promotion[coupon]")
	if err == nil && !cp.good(c) {
		err = fault.CouponExpired(cp.ID)
	}
	return cp, err
}

var codePattern = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// checkPromotionCode refuses what cannot be a promotion code. unverified: Stripe's words.
func checkPromotionCode(c *api.Call, cp *Coupon) error {
	p := c.P
	if code := p.Str("code"); code != "" && !codePattern.MatchString(code) {
		return fault.Invalid("code", "The promotion code must only contain the characters `a-z`, `A-Z`, `0-9` and `-`.")
	}
	if id := p.Str("customer"); id != "" && !(strings.HasPrefix(id, "cus_") && c.Exists(c.Scope, id)) {
		return fault.NoSuch("customer", id, "customer", 400)
	}
	if id := p.Str("customer_account"); id != "" { // accounts that are customers do not exist yet
		return fault.NoSuch("account", id, "customer_account", 400)
	}
	if p.Given("expires_at") {
		switch when := p.Num("expires_at"); {
		case when <= c.Now():
			return fault.Invalid("expires_at", "The promotion code's `expires_at` must be in the future.")
		case cp.RedeemBy != nil && when > *cp.RedeemBy:
			return fault.Invalid("expires_at", "The promotion code's `expires_at` must be before the coupon's `redeem_by`.")
		}
	}
	if p.Given("max_redemptions") {
		switch most := p.Num("max_redemptions"); {
		case most < 1:
			return fault.BelowMinimum("max_redemptions", 1)
		case cp.MaxRedemptions != nil && most > *cp.MaxRedemptions-cp.TimesRedeemed:
			return fault.Invalid("max_redemptions", "The promotion code's `max_redemptions` cannot be greater than the remaining redemptions of its coupon.")
		}
	}
	return checkRestrictions(p.At("restrictions"))
}

func checkRestrictions(r *form.Value) error {
	switch {
	case r.Given("currency_options"):
		return fault.ParamNotBuilt("restrictions[currency_options]")
	case r.Given("minimum_amount") && !r.Given("minimum_amount_currency"):
		return fault.Missing("restrictions[minimum_amount_currency]")
	case r.Given("minimum_amount_currency") && !r.Given("minimum_amount"):
		return fault.Missing("restrictions[minimum_amount]")
	case r.Given("minimum_amount") && r.Num("minimum_amount") < 1:
		return fault.BelowMinimum("restrictions[minimum_amount]", 1)
	}
	return nil
}

// codeIsFree refuses a code that an active one of the same customer, or of all, reads like. unverified: Stripe's words.
func codeIsFree(c *api.Call, code, customer string) error {
	taken := false
	err := PromotionCodes.Each(c, "code", search.Fold(code), func(pc *PromotionCode) bool {
		of := ""
		if pc.Customer != nil {
			of = *pc.Customer
		}
		taken = pc.Active && of == customer && strings.EqualFold(pc.Code, code)
		return !taken
	})
	if err == nil && taken {
		err = fault.PromotionCodeTaken(code)
	}
	return err
}

// inventCode makes a code of eight capitals and digits.
func inventCode() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := make([]byte, 8)
	_, _ = rand.Read(b) // which never fails
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

// listPromotionCodes lists codes; one that is asked for by its code need not be written in its capitals.
func (d *Domain) listPromotionCodes(c *api.Call) (any, error) {
	code := c.P.Str("code")
	if code == "" {
		return PromotionCodes.List(c)
	}
	return PromotionCodes.ListOf(c, api.Narrow{Skip: []string{"code"}, Where: func(body []byte) bool {
		return strings.EqualFold(jsontext.Text(body, "code"), code)
	}})
}

func (d *Domain) updatePromotionCode(c *api.Call) (any, error) {
	pc, err := PromotionCodes.InPath(c, "promotion_code")
	if err != nil {
		return nil, err
	}
	if err := checkRestrictions(c.P.At("restrictions")); err != nil {
		return nil, err
	}
	if c.P.True("active") && !pc.Active {
		if good, err := pc.good(c); err != nil || !good {
			if err == nil {
				err = fault.PromotionCodeOver()
			}
			return nil, err
		}
		customer := ""
		if pc.Customer != nil {
			customer = *pc.Customer
		}
		if err := codeIsFree(c, pc.Code, customer); err != nil {
			return nil, err
		}
	}
	if err := c.ParamsOnly(pc, "active", "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(pc.Metadata); err != nil {
		return nil, err
	}
	return pc, c.Save(pc, "promotion_code.updated")
}

// good says whether a code could be redeemed now if it were active.
func (pc *PromotionCode) good(c *api.Call) (bool, error) {
	if pc.ExpiresAt != nil && *pc.ExpiresAt <= c.Now() || pc.MaxRedemptions != nil && pc.TimesRedeemed >= *pc.MaxRedemptions {
		return false, nil
	}
	cp, err := Coupons.Get(c, *pc.Promotion.Coupon)
	return cp != nil && cp.good(c), err
}

// expirePromotionCode is the task that ends a code at its time.
func (d *Domain) expirePromotionCode(c *api.Call, id string) error {
	pc, err := PromotionCodes.Get(c, id)
	if err != nil || pc == nil || !pc.Active {
		return err
	}
	pc.Active = false
	return c.Save(pc, "promotion_code.updated") // unverified: that it is told
}

// endCodes makes the codes of a coupon inactive that can no longer be redeemed.
func endCodes(c *api.Call, cp *Coupon) error {
	var over []*PromotionCode
	err := PromotionCodes.Each(c, "promotion.coupon", cp.ID, func(pc *PromotionCode) bool {
		if pc.Active && *pc.Promotion.Coupon == cp.ID {
			over = append(over, pc)
		}
		return true
	})
	for _, pc := range over {
		if err == nil {
			pc.Active = false
			err = c.Save(pc, "promotion_code.updated")
		}
	}
	return err
}

// A Redeemer is who redeems a promotion code.
type Redeemer struct {
	Customer string
	// Paid says whether he has paid before. It is asked only where that matters.
	Paid func() (bool, error)
}

// RedeemCode finds the promotion code that a parameter names, refuses it to who may not redeem it, and counts it. What it gives is its coupon.
func RedeemCode(c *api.Call, id, param string, by Redeemer) (*PromotionCode, *Coupon, error) {
	pc, cp, err := RedeemableCode(c, id, param, by)
	if err != nil {
		return nil, nil, err
	}

	pc.TimesRedeemed++
	pc.Active = pc.MaxRedemptions == nil || pc.TimesRedeemed < *pc.MaxRedemptions
	if err := c.Save(pc, "promotion_code.updated"); err != nil { // unverified: that it is told
		return nil, nil, err
	}
	return pc, cp, cp.redeemed(c)
}

// CodeReading finds the active promotion code that reads like what a customer has typed: his own, or one that is for all; nil if there is none.
func CodeReading(c *api.Call, typed, customer string) (found *PromotionCode, err error) {
	err = PromotionCodes.Each(c, "code", search.Fold(typed), func(pc *PromotionCode) bool {
		if pc.Active && strings.EqualFold(pc.Code, typed) && (pc.Customer == nil || *pc.Customer == customer) {
			found = pc
		}
		return found == nil || found.Customer == nil
	})
	return found, err
}

// RedeemableCode finds the promotion code that a parameter names, and refuses it to who may not redeem it. What it gives is its coupon.
func RedeemableCode(c *api.Call, id, param string, by Redeemer) (*PromotionCode, *Coupon, error) {
	pc, err := PromotionCodes.Find(c, id, param)
	if err != nil {
		return nil, nil, err
	}
	good, err := pc.good(c)
	switch {
	case err != nil:
		return nil, nil, err
	case !pc.Active || !good:
		return nil, nil, fault.PromotionCodeInactive(param)
	case pc.Customer != nil && *pc.Customer != by.Customer:
		return nil, nil, fault.PromotionCodeOfOther(param)
	}
	if pc.Restrictions.FirstTimeTransaction {
		if paid, err := by.Paid(); err != nil || paid {
			if err == nil {
				err = fault.PromotionCodeFirstTime(param)
			}
			return nil, nil, err
		}
	}
	cp, err := Coupons.Get(c, *pc.Promotion.Coupon)
	return pc, cp, err
}
