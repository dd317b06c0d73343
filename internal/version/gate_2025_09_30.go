package version

import (
	"florin/internal/fault"
	"florin/internal/form"
)

// gate20250930 is 2025-09-30.clover. C3 (billing_mode) is a default at creation; C4, C5 and C11 belong to schedules and invoices; C6 shows
// nothing new; C8 is not told by a shape.
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
