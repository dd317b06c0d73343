package version

import (
	"slices"
	"strconv"
	"strings"

	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// gate20250930 is 2025-09-30.clover. C3 (billing_mode) and C5 (the end of a phase) are fixed when something is made; C6 shows nothing new; C8 is
// not told by a shape.
var gate20250930 = gate{"2025-09-30", []change{
	{
		id: "C1", what: "a discount shows where it comes from instead of its coupon", kinds: []string{"discount"}, adds: []string{"coupon"},
		back: func(w *walk, o *object) error { return addCoupon(w, o, "source") },
	},
	{
		id: "C2", what: "a promotion code shows its promotion instead of its coupon", kinds: []string{"promotion_code"}, adds: []string{"coupon"},
		back:   func(w *walk, o *object) error { return addCoupon(w, o, "promotion") }, // unverified: that promotion is shown beside it
		routes: []string{"POST /v1/promotion_codes"},
		forward: func(p *form.Value) *fault.Error {
			if coupon := p.Get("coupon"); coupon != nil {
				remove(p, "coupon")
				p.Set("promotion", &form.Value{Kind: form.Object, Fields: []form.Field{
					{Name: "type", Value: &form.Value{Kind: form.String, Text: "coupon"}}, {Name: "coupon", Value: coupon},
				}})
			}
			return nil
		},
	},
	{
		id: "C4", what: "a phase of a schedule is as long as its duration, not as so many periods of its price", resolve: iterations,
		routes: []string{"POST /v1/subscription_schedules", "POST /v1/subscription_schedules/{schedule}", previewing},
	},
	{
		id: "C11", what: "a preview of an invoice has an id", kinds: []string{"invoice"}, marks: []string{`"id":"upcoming_in_`},
		back: func(w *walk, o *object) error {
			if strings.HasPrefix(o.text("id"), "upcoming_in_") {
				o.members = slices.DeleteFunc(o.members, func(m member) bool { return m.name == "id" })
			}
			return nil
		},
	},
	{
		id: "C7", what: "declines of Alma, Amazon Pay, Billie, Satispay and the Korean methods say why", kinds: []string{failure},
		marks: []string{`"alma"`, `"amazon_pay"`, `"billie"`, `"satispay"`, `"kakao_pay"`, `"kr_card"`, `"naver_pay"`, `"payco"`, `"samsung_pay"`},
		back: func(w *walk, o *object) error {
			generic(o, []string{"alma", "amazon_pay", "billie", "satispay", "kakao_pay", "kr_card", "naver_pay", "payco", "samsung_pay"}, nil)
			return nil
		},
	},
	{
		id: "C9", what: "requirements name new errors", kinds: holders, marks: requirementMarks(requirements20250930),
		back: func(w *walk, o *object) error { return oldRequirements(o, requirements20250930) },
	},
	{
		id: "C10", what: "link and pay_by_bank of a payment method cannot be updated", routes: []string{"POST /v1/payment_methods/{payment_method}"},
		forward: func(p *form.Value) *fault.Error {
			remove(p, "link") // they had no members: nothing is lost
			remove(p, "pay_by_bank")
			return nil
		},
	},
}}

var requirements20250930 = map[string]string{ // unverified: what versions below are told
	"external_request":          "invalid_value_other",
	"unsupported_business_type": "invalid_value_other",
}

// addCoupon adds the coupon that another member names, in full: it never had to be expanded.
func addCoupon(w *walk, o *object, from string) error {
	if !o.wants("coupon", from) {
		return nil
	}
	id := o.text(from + ".coupon")
	if id == "" { // none, or expanded already
		id = o.text(from + ".coupon.id")
	}
	coupon := null
	if id != "" {
		found, err := w.read.Get(id)
		if err != nil {
			return err
		}
		if found != nil {
			coupon = found
		}
	}
	return o.add("coupon", coupon)
}

// iterations gives phases that last for so many periods the duration of these.
func iterations(r Request) (err error) {
	for _, phases := range []*form.Value{r.Params.Get("phases"), r.Params.At("schedule_details", "phases")} {
		each(phases, func(phase *form.Value) {
			n, bad := strconv.ParseInt(phase.Str("iterations"), 10, 64)
			if err != nil || bad != nil || phase.Has("duration") {
				return // what is no number is refused with the parameter
			}
			var every, interval string
			if every, interval, err = rhythm(r, phase); every != "" {
				count, _ := strconv.ParseInt(interval, 10, 64)
				remove(phase, "iterations")
				phase.Set("duration", group(
					form.Field{Name: "interval", Value: word(every)}, form.Field{Name: "interval_count", Value: word(strconv.FormatInt(n*max(count, 1), 10))},
				))
			}
		})
	}
	return err
}

// rhythm is how often the first item of a phase recurs: the interval, and how many of them.
func rhythm(r Request, phase *form.Value) (interval, count string, err error) {
	var item *form.Value
	each(phase.Get("items"), func(it *form.Value) {
		if item == nil {
			item = it
		}
	})
	if recurring := item.At("price_data", "recurring"); recurring != nil {
		return recurring.Str("interval"), recurring.Str("interval_count"), nil
	}
	id := item.Str("price")
	if id == "" {
		id = item.Str("plan")
	}
	price, err := r.Get(id)
	return jsontext.Text(price, "recurring.interval"), jsontext.Text(price, "recurring.interval_count"), err
}
