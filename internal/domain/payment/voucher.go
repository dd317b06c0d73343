package payment

import (
	"fmt"
	"time"

	"florin/internal/api"
	"florin/internal/domain/setup"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
)

// Vouchers: the customer is shown a number, and pays it in a shop or at his bank until a day that is set. In test mode his e-mail address says when
// he pays, and whether (paymethod.OfVoucher); the page of the voucher has two buttons for who does not want to wait. Pix is one that is scanned.
//
// Known from: facts 14b to 14d.

const aDay = 24 * 3600

// issueVoucher shows the customer what to pay.
func (d *Domain) issueVoucher(c *api.Call, pi *Intent, pm *method, t *paymethod.Type) error {
	token, err := d.giveToken(c, pi, "test_")
	if err != nil {
		return err
	}
	test := paymethod.OfVoucher(text(pm.BillingDetails.Email))
	if t.Name == "konbini" {
		if own, ok := paymethod.OfConfirmation(jsontext.Scalar(pi.PaymentMethodOptions["konbini"]["confirmation_number"])); ok {
			test = own
		}
	}
	expires := voucherEnds(c.Now(), pi, t)
	switch {
	case test.Expire && test.After < 60:
		expires = c.Now()
	case test.Expire:
		expires = c.Now() + test.After
	}
	lapses := expires
	switch {
	case test.Expire:
		lapses = c.Now() + test.After
	case t.Name == "oxxo": // one working day, and two days more
		lapses += 3 * aDay
	case t.Name == "multibanco":
		lapses += 4 * aDay
	}
	c.At(lapses, "payment.lapse", pi.ID+" "+token)
	if !test.Stays && !test.Expire {
		c.At(c.Now()+test.After, "payment.happens", pi.ID+" "+token)
	}

	pi.PaymentMethod = &pm.ID
	if t.Name == "pix" {
		if pi.NextAction, err = d.actionFor(c, pi, t, token); err != nil {
			return err
		}
		pi.NextAction = withMember(pi.NextAction, t.Action, "expires_at", fmt.Sprint(expires))
	} else if pi.NextAction, err = setup.ActionJSON(t.Action, voucherOf(c, pi, t, token, expires)); err != nil {
		return err
	}
	pi.Private.Shown = pi.NextAction
	if err := d.move(c, pi, needsAction); err != nil {
		return err
	}
	return c.Save(pi, "payment_intent.requires_action")
}

// withMember adds a member to the body of an action.
func withMember(action []byte, name, member, value string) []byte {
	body := jsontext.Get(action, name)
	added := append(append([]byte{}, body[:len(body)-1]...), `,"`+member+`":`+value+`}`...)
	return []byte(`{"` + name + `":` + string(added) + `,"type":"` + name + `"}`)
}

// voucherOf is what a voucher shows.
func voucherOf(c *api.Call, pi *Intent, t *paymethod.Type, token string, expires int64) map[string]any {
	page := c.Base() + "/" + t.Name + "/voucher/" + token
	lot := lotOf(token)
	switch t.Name {
	case "boleto":
		return map[string]any{
			"expires_at": expires, "hosted_voucher_url": page, "pdf": page + "/pdf",
			"number": fmt.Sprintf("0101%041d%02d", lot, lot%97), // 47 digits, of which the first four are those of Stripe's test boletos
		}
	case "oxxo":
		return map[string]any{"expires_after": expires, "hosted_voucher_url": page, "number": "12345678901234657890123456789012"}
	case "multibanco":
		return map[string]any{"entity": "11249", "expires_at": expires, "hosted_voucher_url": page, "reference": fmt.Sprintf("%09d", lot%1_000_000_000)}
	}
	confirmation := jsontext.Scalar(pi.PaymentMethodOptions["konbini"]["confirmation_number"])
	if confirmation == "" {
		confirmation = fmt.Sprintf("%011d", lot%100_000_000_000)
	}
	store := func(n uint64) map[string]any {
		return map[string]any{"confirmation_number": confirmation, "payment_code": fmt.Sprintf("%06d", (lot/n)%1_000_000)}
	}
	return map[string]any{"expires_at": expires, "hosted_voucher_url": page, "stores": map[string]any{
		"familymart": store(3), "lawson": store(5), "ministop": store(7), "seicomart": store(11),
	}}
}

// voucherEnds is when a voucher can no longer be paid. Known from: facts 14d: the end of a day in the country of the shops; none of these countries
// changes its clocks any more.
func voucherEnds(now int64, pi *Intent, t *paymethod.Type) int64 {
	days := pi.optionOf(t.Name, "expires_after_days")
	endOf := func(days, hours int64, second int) int64 {
		day := time.Unix(now+hours*3600, 0).UTC().Truncate(24*time.Hour).AddDate(0, 0, int(days))
		return day.Add(23*time.Hour+59*time.Minute).Unix() + int64(second) - hours*3600
	}
	at := pi.optionOf(t.Name, "expires_at")
	switch t.Name {
	case "boleto":
		return endOf(days, -3, 0)
	case "oxxo":
		return endOf(days, -6, 0)
	case "konbini":
		if at > 0 {
			return at
		}
		if days == 0 {
			days = 3
		}
		return endOf(days, 9, 59)
	case "pix":
		if at > 0 {
			return at
		}
		if after := pi.optionOf(t.Name, "expires_after_seconds"); after > 0 {
			return now + after
		}
		return now + t.ActionFor
	}
	return now + 7*aDay
}

// checkVoucher refuses a voucher that would end too soon or too late. Known from: facts 14d.
func checkVoucher(pi *Intent, typ string) error {
	least, most := int64(0), int64(60)
	switch typ {
	case "oxxo":
		least, most = 1, 7
	case "konbini":
		least = 1
	case "boleto":
	default:
		return nil
	}
	v := pi.PaymentMethodOptions[typ]["expires_after_days"]
	if n := jsontext.Scalar(v); n == "" || n == "null" {
		return nil
	}
	param := "payment_method_options[" + typ + "][expires_after_days]"
	switch n := pi.optionOf(typ, "expires_after_days"); {
	case n < least:
		return fault.BelowMinimum(param, least)
	case n > most:
		return fault.Invalid(param, fmt.Sprintf("Invalid value for %s: must be at most %d.", param, most)) // unverified: the words
	}
	return nil
}
