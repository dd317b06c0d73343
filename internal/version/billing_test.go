package version

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"florin/internal/jsontext"
	"florin/internal/spec"
)

// What the cases below are made of, in the newest shape and as older versions show it.
const (
	monthly     = `{"id":"monthly","object":"price","active":true,"billing_scheme":"per_unit","created":7,"currency":"eur","custom_unit_amount":null,"livemode":false,"lookup_key":null,"metadata":{"a":"b"},"nickname":"M","product":"prod_1","recurring":{"interval":"month","interval_count":3,"meter":null,"trial_period_days":null,"usage_type":"licensed"},"tax_behavior":"unspecified","tiers_mode":null,"transform_quantity":null,"type":"recurring","unit_amount":900,"unit_amount_decimal":"900"}`
	monthlyWas  = `{"id":"monthly","object":"price","active":true,"billing_scheme":"per_unit","created":7,"currency":"eur","custom_unit_amount":null,"livemode":false,"lookup_key":null,"metadata":{"a":"b"},"nickname":"M","product":"prod_1","recurring":{"aggregate_usage":null,"interval":"month","interval_count":3,"meter":null,"trial_period_days":null,"usage_type":"licensed"},"tax_behavior":"unspecified","tiers_mode":null,"transform_quantity":null,"type":"recurring","unit_amount":900,"unit_amount_decimal":"900"}`
	monthlyPlan = `{"id":"monthly","object":"plan","active":true,"aggregate_usage":null,"amount":900,"amount_decimal":"900","billing_scheme":"per_unit","created":7,"currency":"eur","interval":"month","interval_count":3,"livemode":false,"metadata":{"a":"b"},"meter":null,"nickname":"M","product":"prod_1","tiers_mode":null,"transform_usage":null,"trial_period_days":null,"usage_type":"licensed"}`
	once        = `{"id":"price_1","object":"price","active":false,"recurring":null,"type":"one_time","unit_amount":500,"unit_amount_decimal":"500"}`
	discount    = `{"id":"di_1","object":"discount","checkout_session":null,"customer":"cus_1","source":{"coupon":"10OFF","type":"coupon"}}`
	discountWas = `{"id":"di_1","object":"discount","checkout_session":null,"coupon":{"id":"10OFF","object":"coupon","percent_off":10},"customer":"cus_1","source":{"coupon":"10OFF","type":"coupon"}}`
	vat         = `{"id":"txr_1","object":"tax_rate","percentage":20}`
	taxes       = `[{"amount":20,"tax_behavior":"inclusive","tax_rate_details":{"tax_rate":"txr_1"},"taxability_reason":"standard_rated","taxable_amount":100,"type":"tax_rate_details"},{"amount":5,"tax_behavior":"exclusive","tax_rate_details":null,"taxability_reason":"not_available","taxable_amount":null,"type":"tax_rate_details"}]`
	taxesWere   = `[{"amount":20,"inclusive":true,"tax_rate":"txr_1","taxability_reason":"standard_rated","taxable_amount":100},{"amount":5,"inclusive":false,"tax_rate":null,"taxability_reason":"not_available","taxable_amount":null}]`
	inpay       = `{"id":"inpay_1","object":"invoice_payment","invoice":"in_1","is_default":true,"payment":{"payment_intent":"pi_1","type":"payment_intent"},"status":"paid"}`
	inpayOther  = `{"id":"inpay_2","object":"invoice_payment","invoice":"in_1","is_default":false,"payment":{"payment_intent":"pi_2","type":"payment_intent"},"status":"paid"}`
	intent      = `{"id":"pi_1","object":"payment_intent","application_fee_amount":30,"latest_charge":"ch_1","transfer_data":{"destination":"acct_2"}}`
)

var billed = stock{
	"monthly": monthly, "price_1": once, "di_1": discount, "10OFF": `{"id":"10OFF","object":"coupon","percent_off":10}`, "txr_1": vat, "pi_1": intent,
	"ch_1":                         `{"id":"ch_1","object":"charge","payment_intent":"pi_1"}`,
	"sub_1":                        `{"id":"sub_1","object":"subscription","items":{"object":"list","data":[{"id":"si_1","object":"subscription_item","current_period_end":9,"current_period_start":5}]},"discounts":[]}`,
	"invoice_payment.invoice=in_1": inpayOther + "," + inpay,
	"invoice_payment.payment.payment_intent=pi_1": inpay,
}

// Members of an invoice of which a case is not about.
const (
	noParent   = `"quote":null,"status":"open","subscription":null,"subscription_details":{"metadata":null},"tax":null,"total_tax_amounts":[],"transfer_data":null}`
	noPayments = `"application_fee_amount":null,"charge":null,"discount":null,`
)

var billingBacks = []backCase{
	{
		id: "B1", what: "an intent of an invoice", version: "2024-06-20", has: billed,
		give: `{"id":"pi_1","object":"payment_intent","description":null,"last_payment_error":null}`,
		want: `{"id":"pi_1","object":"payment_intent","description":null,"invoice":"in_1","last_payment_error":null}`,
	},
	{
		id: "B2", what: "a charge of an invoice", version: "2020-08-27", has: billed,
		give: `{"id":"ch_2","object":"charge","payment_intent":"pi_1","refunds":null}`,
		want: `{"id":"ch_2","object":"charge","invoice":"in_1","payment_intent":"pi_1","refunds":null}`,
	},
	{
		id: "B2", what: "one whose intent is expanded", version: "2024-06-20", has: billed,
		give: `{"id":"ch_2","object":"charge","payment_intent":{"id":"pi_1","object":"payment_intent"}}`,
		want: `{"id":"ch_2","object":"charge","invoice":"in_1","payment_intent":{"id":"pi_1","object":"payment_intent","invoice":"in_1"}}`,
	},
	{
		id: "B10", what: "recorded: a subscription at acacia", version: "2025-01-27.acacia", has: billed,
		give: `{"id":"sub_1","object":"subscription","currency":"eur","customer":"cus_1","description":null,"discounts":[],"ended_at":null,"items":{"object":"list","data":[{"id":"si_1","object":"subscription_item","current_period_end":20,"current_period_start":10}],"has_more":false,"total_count":1},"latest_invoice":"in_1"}`,
		want: `{"id":"sub_1","object":"subscription","currency":"eur","current_period_end":20,"current_period_start":10,"customer":"cus_1","description":null,"discount":null,"discounts":[],"ended_at":null,"items":{"object":"list","data":[{"id":"si_1","object":"subscription_item","current_period_end":20,"current_period_start":10}],"has_more":false,"total_count":1},"latest_invoice":"in_1"}`,
	},
	{
		id: "B10", what: "items of different periods: the one that is billed next", version: "2020-08-27",
		give: `{"id":"sub_1","object":"subscription","items":{"data":[{"current_period_end":90,"current_period_start":10},{"current_period_end":20,"current_period_start":12}]}}`,
		want: `{"id":"sub_1","object":"subscription","current_period_end":20,"current_period_start":12,"discount":null,"items":{"data":[{"current_period_end":90,"current_period_start":10},{"current_period_end":20,"current_period_start":12}]}}`,
	},
	{id: "B10", what: "recorded: a subscription at clover", version: "2025-10-29.clover", give: `{"id":"sub_1","object":"subscription","items":{"data":[{"current_period_end":90}]}}`},
	{
		id: "B11", what: "recorded: the discount of a subscription at 2020-08-27, with its coupon", version: "2020-08-27", has: billed,
		give: `{"id":"sub_1","object":"subscription","current_period_end":1,"current_period_start":1,"discounts":["di_1"]}`,
		want: `{"id":"sub_1","object":"subscription","current_period_end":1,"current_period_start":1,"discount":` + discountWas + `,"discounts":["di_1"]}`,
	},
	{
		id: "B11", what: "its discounts expanded", version: "2025-02-24.acacia", has: billed,
		give: `{"id":"sub_1","object":"subscription","current_period_end":1,"current_period_start":1,"discounts":[` + discount + `]}`,
		want: `{"id":"sub_1","object":"subscription","current_period_end":1,"current_period_start":1,"discount":` + discountWas + `,"discounts":[` + discountWas + `]}`,
	},
	{
		id: "B13 plan", what: "recorded: a plan at acacia", version: "2025-01-27.acacia",
		give: `{"id":"monthly","object":"plan","active":true,"amount":900}`, want: `{"id":"monthly","object":"plan","active":true,"aggregate_usage":null,"amount":900}`,
	},
	{id: "B13 plan", what: "recorded: a plan at clover", version: "2025-10-29.clover", give: `{"id":"monthly","object":"plan","active":true,"amount":900}`},
	{id: "B13 price", what: "recorded: a price at acacia", version: "2025-01-27.acacia", give: monthly, want: monthlyWas},
	{id: "B13 price", what: "recorded: one that is paid once", version: "2025-01-27.acacia", give: once},
	{
		id: "B17", what: "the phases of a schedule", version: "2024-06-20",
		give: `{"id":"sub_sched_1","object":"subscription_schedule","phases":[{"add_invoice_items":[],"currency":"eur","discounts":[{"coupon":"10OFF","discount":null,"promotion_code":null}],"end_date":9},{"currency":"eur","discounts":[]}]}`,
		want: `{"id":"sub_sched_1","object":"subscription_schedule","phases":[{"add_invoice_items":[],"coupon":"10OFF","currency":"eur","discounts":[{"coupon":"10OFF","discount":null,"promotion_code":null}],"end_date":9},{"coupon":null,"currency":"eur","discounts":[]}]}`,
	},
	{
		id: "B19 parent", what: "recorded: an invoice by hand at acacia", version: "2025-02-24.acacia",
		give: `{"id":"in_2","object":"invoice","discounts":[],"parent":null,"status":"open","total_taxes":[]}`,
		want: `{"id":"in_2","object":"invoice",` + noPayments + `"discounts":[],"paid":false,"paid_out_of_band":false,"parent":null,"payment_intent":null,` +
			`"quote":null,"status":"open","subscription":null,"subscription_details":{"metadata":null},"tax":null,"total_tax_amounts":[],"total_taxes":[],"transfer_data":null}`,
	},
	{
		id: "B19 parent", what: "one of a subscription", version: "2025-02-24.acacia",
		give: `{"id":"in_2","object":"invoice","parent":{"quote_details":null,"subscription_details":{"metadata":{"a":"b"},"subscription":"sub_1","subscription_proration_date":77},"type":"subscription_details"},"status":"open"}`,
		want: `{"id":"in_2","object":"invoice",` + noPayments + `"paid":false,"paid_out_of_band":false,"parent":{"quote_details":null,"subscription_details":{"metadata":{"a":"b"},"subscription":"sub_1","subscription_proration_date":77},"type":"subscription_details"},"payment_intent":null,"quote":null,"status":"open",` +
			`"subscription":"sub_1","subscription_details":{"metadata":{"a":"b"}},"subscription_proration_date":77,"tax":null,"total_tax_amounts":[],"transfer_data":null}`,
	},
	{
		id: "B19 parent", what: "one of a quote", version: "2022-11-15",
		give: `{"id":"in_2","object":"invoice","parent":{"quote_details":{"quote":"qt_1"},"subscription_details":null,"type":"quote_details"},"rendering_options":null,"status":"open"}`,
		want: `{"id":"in_2","object":"invoice",` + noPayments + `"paid":false,"paid_out_of_band":false,"parent":{"quote_details":{"quote":"qt_1"},"subscription_details":null,"type":"quote_details"},"payment_intent":null,"quote":"qt_1","rendering_options":null,"status":"open","subscription":null,"subscription_details":{"metadata":null},"tax":null,"total_tax_amounts":[],"transfer_data":null}`,
	},
	{id: "B19 parent", what: "recorded: an invoice at clover", version: "2025-10-29.clover", give: `{"id":"in_1","object":"invoice","parent":null,"status":"paid","total_taxes":[]}`},
	{
		id: "B19 payments", what: "recorded: an invoice that was paid", version: "2025-02-24.acacia", has: billed,
		give: `{"id":"in_1","object":"invoice","amount_due":9,"status":"paid"}`,
		want: `{"id":"in_1","object":"invoice","amount_due":9,"application_fee_amount":30,"charge":"ch_1","discount":null,"paid":true,"paid_out_of_band":false,"payment_intent":"pi_1","quote":null,"status":"paid","subscription":null,"subscription_details":{"metadata":null},"tax":null,"total_tax_amounts":[],"transfer_data":{"amount":null,"destination":"acct_2"}}`,
	},
	{
		id: "B19 payments", what: "a draft", version: "2025-02-24.acacia", has: billed,
		give: `{"id":"in_1","object":"invoice","status":"draft"}`,
		want: `{"id":"in_1","object":"invoice",` + noPayments + `"paid":false,"paid_out_of_band":false,"payment_intent":null,"quote":null,"status":"draft","subscription":null,"subscription_details":{"metadata":null},"tax":null,"total_tax_amounts":[],"transfer_data":null}`,
	},
	{
		id: "B19 payments", what: "one that a charge paid", version: "2025-02-24.acacia",
		has:  stock{"invoice_payment.invoice=in_1": `{"id":"inpay_1","is_default":true,"payment":{"charge":"py_1","type":"charge"}}`},
		give: `{"id":"in_1","object":"invoice","status":"open"}`,
		want: `{"id":"in_1","object":"invoice","application_fee_amount":null,"charge":"py_1","discount":null,"paid":false,"paid_out_of_band":false,"payment_intent":null,` + noParent,
	},
	{
		id: "B19 paid", what: "an invoice that was paid out of band", version: "2025-02-24.acacia",
		give: `{"id":"in_2","object":"invoice","amount_due":900,"amount_paid":900,"amount_paid_off_stripe":900,"amount_remaining":0,"status":"paid"}`,
		want: `{"id":"in_2","object":"invoice","amount_due":900,"amount_paid":0,"amount_paid_off_stripe":900,"amount_remaining":900,` + noPayments + `"paid":true,"paid_out_of_band":true,"payment_intent":null,"quote":null,"status":"paid","subscription":null,"subscription_details":{"metadata":null},"tax":null,"total_tax_amounts":[],"transfer_data":null}`,
	},
	{
		id: "B19 amounts", what: "one that was paid in part out of band", version: "2020-08-27",
		give: `{"id":"in_2","object":"invoice","amount_paid":500,"amount_paid_off_stripe":300,"amount_remaining":400,"rendering":null,"status":"open"}`,
		want: `{"id":"in_2","object":"invoice","amount_paid":200,"amount_paid_off_stripe":300,"amount_remaining":700,` + noPayments + `"paid":false,"paid_out_of_band":false,"payment_intent":null,"quote":null,"rendering":null,"rendering_options":null,"status":"open","subscription":null,"subscription_details":{"metadata":null},"tax":null,"total_tax_amounts":[],"transfer_data":null}`,
	},
	{
		id: "B19 discount", what: "recorded: an invoice at 2020-08-27 shows its discount beside its discounts", version: "2024-04-10", has: billed,
		give: `{"id":"in_2","object":"invoice","description":null,"discounts":["di_1"],"due_date":null,"status":"open"}`,
		want: `{"id":"in_2","object":"invoice","application_fee_amount":null,"charge":null,"description":null,"discount":` + discountWas + `,"discounts":["di_1"],"due_date":null,"paid":false,"paid_out_of_band":false,"payment_intent":null,` + noParent,
	},
	{
		id: "B19 taxes", what: "the taxes of an invoice", version: "2024-04-10",
		give: `{"id":"in_2","object":"invoice","status":"open","total":105,"total_taxes":` + taxes + `}`,
		want: `{"id":"in_2","object":"invoice",` + noPayments + `"paid":false,"paid_out_of_band":false,"payment_intent":null,"quote":null,"status":"open","subscription":null,"subscription_details":{"metadata":null},"tax":25,"total":105,"total_tax_amounts":` + taxesWere + `,"total_taxes":` + taxes + `,"transfer_data":null}`,
	},
	{
		id: "B19 line", what: "recorded: a line of a subscription at acacia", version: "2024-12-18.acacia", has: billed,
		give: `{"id":"il_1","object":"line_item","amount":900,"currency":"eur","invoice":"in_1","parent":{"invoice_item_details":null,"subscription_item_details":{"invoice_item":null,"proration":false,"proration_details":{"credited_items":null},"subscription":"sub_1","subscription_item":"si_1"},"type":"subscription_item_details"},"pretax_credit_amounts":[],"pricing":{"price_details":{"price":"monthly","product":"prod_1"},"type":"price_details","unit_amount_decimal":"900"},"quantity":1,"taxes":[]}`,
		want: `{"id":"il_1","object":"line_item","amount":900,"amount_excluding_tax":900,"currency":"eur","invoice":"in_1","parent":{"invoice_item_details":null,"subscription_item_details":{"invoice_item":null,"proration":false,"proration_details":{"credited_items":null},"subscription":"sub_1","subscription_item":"si_1"},"type":"subscription_item_details"},"plan":` + monthlyPlan + `,"pretax_credit_amounts":[],"price":` + monthlyWas + `,"pricing":{"price_details":{"price":"monthly","product":"prod_1"},"type":"price_details","unit_amount_decimal":"900"},"proration":false,"proration_details":{"credited_items":null},"quantity":1,"subscription":"sub_1","subscription_item":"si_1","tax_amounts":[],"tax_rates":[],"taxes":[],"type":"subscription","unit_amount_excluding_tax":"900"}`,
	},
	{
		id: "B19 line", what: "recorded: a line of an invoice item at acacia", version: "2025-02-24.acacia", has: billed,
		give: `{"id":"il_1","object":"line_item","amount":500,"parent":{"invoice_item_details":{"invoice_item":"ii_1","proration":false,"proration_details":{"credited_items":null},"subscription":null},"subscription_item_details":null,"type":"invoice_item_details"},"pricing":{"price_details":{"price":"price_1","product":"prod_1"},"type":"price_details","unit_amount_decimal":"500"},"quantity":1,"taxes":[]}`,
		want: `{"id":"il_1","object":"line_item","amount":500,"amount_excluding_tax":500,"invoice_item":"ii_1","parent":{"invoice_item_details":{"invoice_item":"ii_1","proration":false,"proration_details":{"credited_items":null},"subscription":null},"subscription_item_details":null,"type":"invoice_item_details"},"plan":null,"price":` + once + `,"pricing":{"price_details":{"price":"price_1","product":"prod_1"},"type":"price_details","unit_amount_decimal":"500"},"proration":false,"proration_details":{"credited_items":null},"quantity":1,"subscription":null,"tax_amounts":[],"tax_rates":[],"taxes":[],"type":"invoiceitem","unit_amount_excluding_tax":"500"}`,
	},
	{
		id: "B19 line", what: "a proration", version: "2020-08-27",
		give: `{"id":"il_1","object":"line_item","amount":-166,"parent":{"invoice_item_details":null,"subscription_item_details":{"invoice_item":"ii_1","proration":true,"proration_details":{"credited_items":{"invoice":"in_0","invoice_line_items":["il_0"]}},"subscription":"sub_1","subscription_item":"si_1"},"type":"subscription_item_details"},"pricing":null,"quantity":2,"taxes":[]}`,
		want: `{"id":"il_1","object":"line_item","amount":-166,"amount_excluding_tax":-166,"invoice_item":"ii_1","parent":{"invoice_item_details":null,"subscription_item_details":{"invoice_item":"ii_1","proration":true,"proration_details":{"credited_items":{"invoice":"in_0","invoice_line_items":["il_0"]}},"subscription":"sub_1","subscription_item":"si_1"},"type":"subscription_item_details"},"plan":null,"price":null,"pricing":null,"proration":true,"proration_details":{"credited_items":{"invoice":"in_0","invoice_line_items":["il_0"]}},"quantity":2,"subscription":"sub_1","subscription_item":"si_1","tax_amounts":[],"tax_rates":[],"taxes":[],"type":"subscription","unit_amount_excluding_tax":"-83"}`,
	},
	{id: "B19 line", what: "recorded: a line at dahlia has no subscription", version: "2026-03-25.dahlia", give: `{"id":"il_1","object":"line_item","amount":1,"parent":null,"pricing":null,"taxes":[]}`},
	{id: "B19 line", what: "a line of a session", version: "2020-08-27", give: `{"id":"li_1","object":"item","amount_total":1}`},
	{
		id: "B19 price", what: "an invoice item that has a price", version: "2024-06-20", has: billed,
		give: `{"id":"ii_1","object":"invoiceitem","parent":{"subscription_details":{"subscription":"sub_1","subscription_item":"si_1"},"type":"subscription_details"},"period":{},"pricing":{"price_details":{"price":"monthly","product":"prod_1"},"type":"price_details","unit_amount_decimal":"900"},"proration":false,"quantity":1,"tax_rates":[],"test_clock":null}`,
		want: `{"id":"ii_1","object":"invoiceitem","parent":{"subscription_details":{"subscription":"sub_1","subscription_item":"si_1"},"type":"subscription_details"},"period":{},"plan":` + monthlyPlan + `,"price":` + monthlyWas + `,"pricing":{"price_details":{"price":"monthly","product":"prod_1"},"type":"price_details","unit_amount_decimal":"900"},"proration":false,"quantity":1,"subscription":"sub_1","subscription_item":"si_1","tax_rates":[],"test_clock":null,"unit_amount":900,"unit_amount_decimal":"900"}`,
	},
	{
		id: "B19 item", what: "one that is of no subscription, and of a broken price", version: "2022-11-15",
		give: `{"id":"ii_1","object":"invoiceitem","parent":null,"pricing":{"price_details":{"price":"gone","product":"prod_1"},"type":"price_details","unit_amount_decimal":"0.5"},"test_clock":null}`,
		want: `{"id":"ii_1","object":"invoiceitem","parent":null,"plan":null,"price":null,"pricing":{"price_details":{"price":"gone","product":"prod_1"},"type":"price_details","unit_amount_decimal":"0.5"},"subscription":null,"test_clock":null,"unit_amount":null,"unit_amount_decimal":"0.5"}`,
	},
	{
		id: "B19 line taxes", what: "a line with taxes", version: "2024-06-20", has: billed,
		give: `{"id":"il_1","object":"line_item","amount":120,"parent":{"invoice_item_details":{"invoice_item":"ii_1","proration":false,"proration_details":null,"subscription":"sub_1"},"subscription_item_details":null,"type":"invoice_item_details"},"pricing":{"unit_amount_decimal":"40"},"quantity":3,"taxes":` + taxes + `}`,
		want: `{"id":"il_1","object":"line_item","amount":120,"amount_excluding_tax":100,"invoice_item":"ii_1","parent":{"invoice_item_details":{"invoice_item":"ii_1","proration":false,"proration_details":null,"subscription":"sub_1"},"subscription_item_details":null,"type":"invoice_item_details"},"plan":null,"price":null,"pricing":{"unit_amount_decimal":"40"},"proration":false,"proration_details":{"credited_items":null},"quantity":3,"subscription":"sub_1","tax_amounts":` + taxesWere + `,"tax_rates":[` + vat + `],"taxes":` + taxes + `,"type":"invoiceitem","unit_amount_excluding_tax":"33.333333333333"}`,
	},
	{
		id: "B21", what: "a credit note with a refund", version: "2024-06-20",
		give: `{"id":"cn_1","object":"credit_note","reason":null,"refunds":[{"amount_refunded":5,"payment_record_refund":null,"refund":"re_1","type":"refund"}],"status":"issued","total":5,"total_taxes":` + taxes + `}`,
		want: `{"id":"cn_1","object":"credit_note","reason":null,"refund":"re_1","refunds":[{"amount_refunded":5,"payment_record_refund":null,"refund":"re_1","type":"refund"}],"status":"issued","tax_amounts":` + taxesWere + `,"total":5,"total_taxes":` + taxes + `}`,
	},
	{
		id: "B21", what: "one without", version: "2025-02-24.acacia",
		give: `{"id":"cn_1","object":"credit_note","refunds":[],"total_taxes":null}`, want: `{"id":"cn_1","object":"credit_note","refund":null,"refunds":[],"tax_amounts":[],"total_taxes":null}`,
	},
	{id: "B21", what: "recorded: one at clover", version: "2025-10-29.clover", give: `{"id":"cn_1","object":"credit_note","refunds":[],"total_taxes":[]}`},
	{
		id: "B21 line", what: "a line by quantity", version: "2024-06-20",
		give: `{"id":"cnli_1","object":"credit_note_line_item","amount":500,"quantity":1,"tax_rates":[],"taxes":[],"type":"custom_line_item","unit_amount":500,"unit_amount_decimal":"500"}`,
		want: `{"id":"cnli_1","object":"credit_note_line_item","amount":500,"amount_excluding_tax":500,"quantity":1,"tax_amounts":[],"tax_rates":[],"taxes":[],"type":"custom_line_item","unit_amount":500,"unit_amount_decimal":"500","unit_amount_excluding_tax":"500"}`,
	},
	{
		id: "B21 line", what: "a line by amount", version: "2024-06-20",
		give: `{"id":"cnli_1","object":"credit_note_line_item","amount":120,"quantity":null,"taxes":` + taxes + `,"unit_amount_decimal":null}`,
		want: `{"id":"cnli_1","object":"credit_note_line_item","amount":120,"amount_excluding_tax":100,"quantity":null,"tax_amounts":` + taxesWere + `,"taxes":` + taxes + `,"unit_amount_decimal":null,"unit_amount_excluding_tax":null}`,
	},
	{
		id: "C11", what: "a preview at basil", version: "2025-08-27.basil",
		give: `{"id":"upcoming_in_1","object":"invoice","status":"draft"}`, want: `{"object":"invoice","status":"draft"}`,
	},
	{id: "C11", what: "a preview at clover", version: "2025-09-30.clover", give: `{"id":"upcoming_in_1","object":"invoice","status":"draft"}`},
	{id: "C11", what: "an invoice at basil", version: "2025-08-27.basil", give: `{"id":"in_1","object":"invoice","status":"draft"}`},
	{
		id: "A3", what: "the rendering of an invoice", version: "2023-10-16",
		give: `{"id":"in_2","object":"invoice","rendering":{"amount_tax_display":"include_inclusive_tax","pdf":{"page_size":"letter"}},"status":"open"}`,
		want: `{"id":"in_2","object":"invoice",` + noPayments + `"paid":false,"paid_out_of_band":false,"payment_intent":null,"quote":null,"rendering":{"amount_tax_display":"include_inclusive_tax","pdf":{"page_size":"letter"}},"rendering_options":{"amount_tax_display":"include_inclusive_tax"},"status":"open","subscription":null,"subscription_details":{"metadata":null},"tax":null,"total_tax_amounts":[],"transfer_data":null}`,
	},
	{
		id: "A4", what: "the features of a product", version: "2022-11-15",
		give: `{"id":"prod_1","object":"product","description":null,"images":[],"marketing_features":[{"name":"A"}]}`,
		want: `{"id":"prod_1","object":"product","description":null,"features":[{"name":"A"}],"images":[],"marketing_features":[{"name":"A"}]}`,
	},
	{id: "A4", what: "recorded: a product at acacia", version: "2025-01-27.acacia", give: `{"id":"prod_1","object":"product","marketing_features":[]}`},
	{
		id: "Floor tiers", what: "the tiers of a price", version: "2019-12-03",
		give: `{"id":"t","object":"price","billing_scheme":"tiered","tiers_mode":"volume"}`,
		want: `{"id":"t","object":"price","billing_scheme":"tiered","tiers":{"object":"list","data":[],"has_more":false,"total_count":0,"url":"/v1/customers/t/tiers"},"tiers_mode":"volume"}`,
	},
	{id: "Floor tiers", what: "at 2020-08-27", version: "2020-08-27", give: `{"id":"t","object":"price","billing_scheme":"tiered","tiers_mode":"volume"}`},
}

const update = "POST /v1/subscriptions/{subscription_exposed_id}"

var billingForwards = []forwardCase{
	{id: "E3", version: "2026-09-30.endive", route: update, give: "billing_cycle_anchor[type]=now", want: "billing_cycle_anchor=now"},
	{id: "E3", version: "2026-09-30.endive", route: "POST /v1/subscriptions/{subscription}/resume", give: "billing_cycle_anchor=now", refused: " billing_cycle_anchor"},
	{id: "E3", version: "2026-08-26.dahlia", route: update, give: "billing_cycle_anchor=now"},
	{id: "E3", version: "2026-09-30.endive", route: "POST /v1/subscriptions", give: "billing_cycle_anchor=1700000000"},
	{id: "E4", version: "2026-09-30.endive", route: previewing, give: "subscription_details[billing_cycle_anchor][type]=timestamp&subscription_details[billing_cycle_anchor][timestamp]=17", want: "subscription_details[billing_cycle_anchor]=17"},
	{id: "E4", version: "2026-09-30.endive", route: previewing, give: "subscription_details[billing_cycle_anchor]=now", refused: " subscription_details[billing_cycle_anchor]"},
	{id: "C4", version: "2025-08-27.basil", route: "POST /v1/subscription_schedules", give: "phases[0][items][0][price]=quarterly&phases[0][iterations]=2", want: "phases[0][items][0][price]=quarterly&phases[0][duration][interval]=month&phases[0][duration][interval_count]=6"},
	{id: "C4", version: "2025-08-27.basil", route: "POST /v1/subscription_schedules/{schedule}", give: "phases[][items][][plan]=quarterly&phases[][iterations]=1", want: "phases[][items][][plan]=quarterly&phases[][duration][interval]=month&phases[][duration][interval_count]=3"},
	{id: "C4", version: "2025-08-27.basil", route: previewing, give: "schedule_details[phases][0][items][0][price_data][recurring][interval]=week&schedule_details[phases][0][iterations]=4", want: "schedule_details[phases][0][items][0][price_data][recurring][interval]=week&schedule_details[phases][0][duration][interval]=week&schedule_details[phases][0][duration][interval_count]=4"},
	{id: "C4", version: "2025-08-27.basil", route: "POST /v1/subscription_schedules", give: "phases[0][items][0][price]=once&phases[0][iterations]=2"},
	{id: "C4", version: "2025-09-30.clover", route: "POST /v1/subscription_schedules", give: "phases[0][items][0][price]=quarterly&phases[0][iterations]=2"},
	{id: "B11", version: "2020-08-27", route: "POST /v1/subscriptions", give: "customer=cus_1&coupon=10OFF", want: "customer=cus_1&discounts[][coupon]=10OFF"},
	{id: "B11", version: "2025-02-24.acacia", route: update, give: "promotion_code=promo_1", want: "discounts[][promotion_code]=promo_1"},
	{id: "B11", version: "2025-02-24.acacia", route: "POST /v1/customers/{customer}/subscriptions", give: "coupon=", want: "discounts="},
	{id: "B11", version: "2025-02-24.acacia", route: update, give: "coupon=10OFF&promotion_code=promo_1", refused: " coupon"},
	{id: "B11", version: "2025-02-24.acacia", route: update, give: "coupon=10OFF&discounts[0][coupon]=A"},
	{id: "B11", version: "2025-02-24.acacia", route: previewing, give: "coupon=10OFF", want: "discounts[][coupon]=10OFF"},
	{id: "B11", version: "2025-03-31.basil", route: "POST /v1/subscriptions", give: "coupon=10OFF"},
	{id: "B11 plan", version: "2020-08-27", route: "POST /v1/subscriptions", give: "plan=monthly&customer=cus_1", want: "customer=cus_1&items[][plan]=monthly"},
	{id: "B11 plan", version: "2023-08-16", route: "POST /v1/customers/{customer}/subscriptions", give: "quantity=2&plan=monthly", want: "items[][plan]=monthly&items[][quantity]=2"},
	{id: "B11 plan", version: "2020-08-27", route: update, give: "cancel_at_period_end=false&plan=yearly&quantity=1", want: "cancel_at_period_end=false&items[][id]=si_1&items[][plan]=yearly&items[][quantity]=1"},
	{id: "B11 plan", version: "2020-08-27", route: update, give: "plan=yearly&items[0][id]=si_1"},
	{id: "B11 plan", version: "2025-03-31.basil", route: "POST /v1/subscriptions", give: "plan=monthly"},
	{id: "B17", version: "2024-06-20", route: "POST /v1/subscription_schedules", give: "phases[0][coupon]=10OFF&phases[1][coupon]=", want: "phases[0][discounts][][coupon]=10OFF&phases[1][discounts]="},
	{id: "B19 pricing", version: "2024-06-20", route: "POST /v1/invoiceitems", give: "customer=cus_1&price=monthly", want: "customer=cus_1&pricing[price]=monthly"},
	{id: "B19 pricing", version: "2024-06-20", route: "POST /v1/invoiceitems/{invoiceitem}", give: "unit_amount=500&quantity=2", want: "quantity=2&unit_amount_decimal=500"},
	{id: "B19 pricing", version: "2025-03-31.basil", route: "POST /v1/invoiceitems", give: "price=monthly"},
	{id: "B19 lines", version: "2025-01-27.acacia", route: "POST /v1/invoices/{invoice}/add_lines", give: "lines[0][price]=monthly&lines[0][quantity]=2", want: "lines[0][quantity]=2&lines[0][pricing][price]=monthly"},
	{id: "B20", version: "2024-06-20", route: previewing, give: "customer=cus_1&subscription_items[0][id]=si_1&subscription_proration_date=17&subscription_details[cancel_now]=true", want: "customer=cus_1&subscription_details[cancel_now]=true&subscription_details[items][0][id]=si_1&subscription_details[proration_date]=17"},
	{id: "B21", version: "2024-06-20", route: "POST /v1/credit_notes", give: "invoice=in_1&refund=re_1", want: "invoice=in_1&refunds[][refund]=re_1"},
	{id: "B21", version: "2024-06-20", route: "GET /v1/credit_notes/preview", give: "refund=re_1&refunds[0][refund]=re_2"},
	{id: "A3", version: "2022-11-15", route: "POST /v1/invoices", give: "rendering_options[amount_tax_display]=exclude_tax&pending_invoice_items_behavior=exclude", want: "pending_invoice_items_behavior=exclude&rendering[amount_tax_display]=exclude_tax"},
	{id: "A3", version: "2023-10-16", route: "POST /v1/invoices/{invoice}", give: "rendering_options=", want: "rendering[amount_tax_display]="},
	{id: "A4", version: "2022-11-15", route: "POST /v1/products", give: "name=A&features[0][name]=B", want: "name=A&marketing_features[0][name]=B"},
	{id: "A4", version: "2024-04-10", route: "POST /v1/products", give: "name=A&features[0][name]=B"},
	{id: "H5", version: "2020-08-27", route: "POST /v1/checkout/sessions", give: "line_items[0][amount]=500&line_items[0][currency]=eur&line_items[0][name]=A&line_items[0][images][]=u&line_items[0][quantity]=2", want: "line_items[0][quantity]=2&line_items[0][price_data][unit_amount]=500&line_items[0][price_data][currency]=eur&line_items[0][price_data][product_data][name]=A&line_items[0][price_data][product_data][images][]=u"},
	{id: "H5", version: "2020-08-27", route: "POST /v1/checkout/sessions", give: "subscription_data[items][][plan]=monthly&line_items[][price]=price_1&shipping_rates[]=shr_1", want: "line_items[][price]=monthly&line_items[][quantity]=1&line_items[][price]=price_1&shipping_options[][shipping_rate]=shr_1"},
	{id: "H5", version: "2020-08-27", route: "POST /v1/checkout/sessions", give: "line_items[0][price]=monthly&line_items[0][quantity]=2"},
	{id: "H5", version: "2022-08-01", route: "POST /v1/checkout/sessions", give: "shipping_rates[]=shr_1"},
	{id: "H6", version: "2020-08-27", route: "POST /v1/checkout/sessions", give: "subscription_data[coupon]=10OFF&subscription_data[metadata][a]=b", want: "subscription_data[metadata][a]=b&discounts[][coupon]=10OFF"},
	{id: "H6", version: "2020-08-27", route: "POST /v1/checkout/sessions", give: "subscription_data[coupon]=10OFF", want: "discounts[][coupon]=10OFF"},
	{id: "H7", version: "2020-08-27", route: "POST /v1/invoices", give: "customer=cus_1", want: "customer=cus_1&pending_invoice_items_behavior=include"},
	{id: "H7", version: "2020-08-27", route: "POST /v1/invoices", give: "pending_invoice_items_behavior=include_and_require", want: "pending_invoice_items_behavior=include"},
	{id: "H7", version: "2020-08-27", route: "POST /v1/invoices", give: "pending_invoice_items_behavior=exclude"},
	{id: "H7", version: "2022-08-01", route: "POST /v1/invoices", give: "customer=cus_1"},
	{id: "Floor prorate", version: "2019-12-03", route: update, give: "prorate=false", want: "proration_behavior=none"},
	{id: "Floor prorate", version: "2019-12-03", route: "POST /v1/subscription_items", give: "prorate=true", want: "proration_behavior=create_prorations"},
	{id: "Floor prorate", version: "2020-08-27", route: update, give: "prorate=false"},
}

// TestInvoiceKeys holds the members of a whole invoice, and their order, to what was recorded on 2025-03-26 at 2025-02-24.acacia, with what has
// been added at every version since.
func TestInvoiceKeys(t *testing.T) {
	newest := "id object account_country account_name account_tax_ids amount_due amount_overpaid amount_paid amount_paid_off_stripe amount_remaining amount_shipping application attempt_count attempted auto_advance automatic_tax automatically_finalizes_at billing_reason collection_method created currency custom_fields customer customer_account customer_address customer_email customer_name customer_phone customer_shipping customer_tax_exempt customer_tax_ids default_payment_method default_source default_tax_rates description discounts due_date effective_at ending_balance footer from_invoice hosted_invoice_url invoice_pdf issuer last_finalization_error latest_revision lines livemode metadata next_payment_attempt number on_behalf_of parent payment_settings period_end period_start post_payment_credit_notes_amount pre_payment_credit_notes_amount receipt_number rendering shipping_cost shipping_details starting_balance statement_descriptor status status_transitions subtotal subtotal_excluding_tax test_clock total total_discount_amounts total_excluding_tax total_pretax_credit_amounts total_taxes webhooks_delivered_at"
	acacia := "id object account_country account_name account_tax_ids amount_due amount_overpaid amount_paid amount_paid_off_stripe amount_remaining amount_shipping application application_fee_amount attempt_count attempted auto_advance automatic_tax automatically_finalizes_at billing_reason charge collection_method created currency custom_fields customer customer_account customer_address customer_email customer_name customer_phone customer_shipping customer_tax_exempt customer_tax_ids default_payment_method default_source default_tax_rates description discount discounts due_date effective_at ending_balance footer from_invoice hosted_invoice_url invoice_pdf issuer last_finalization_error latest_revision lines livemode metadata next_payment_attempt number on_behalf_of paid paid_out_of_band parent payment_intent payment_settings period_end period_start post_payment_credit_notes_amount pre_payment_credit_notes_amount quote receipt_number rendering shipping_cost shipping_details starting_balance statement_descriptor status status_transitions subscription subscription_details subtotal subtotal_excluding_tax tax test_clock total total_discount_amounts total_excluding_tax total_pretax_credit_amounts total_tax_amounts total_taxes transfer_data webhooks_delivered_at"
	give := []byte(`{"id":"in_2","object":"invoice"`)
	for _, name := range strings.Fields(newest)[2:] {
		give = append(append(append(give, `,"`...), name...), `":null`...)
	}
	got, _, err := Back("2025-02-24.acacia", append(give, '}'), Answer{Reader: stock{}})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	jsontext.Members(got, func(name string, _ []byte) bool {
		keys = append(keys, name)
		return true
	})
	if strings.Join(keys, " ") != acacia {
		t.Errorf("got  %s\nwant %s", strings.Join(keys, " "), acacia)
	}
}

// TestOldPaths: expand[] goes through members that only an old version has, however deep.
func TestOldPaths(t *testing.T) {
	give := `{"id":"sub_1","object":"subscription","discounts":["di_1"],"items":{"data":[]},"latest_invoice":{"id":"in_1","object":"invoice","parent":{"subscription_details":{"subscription":"sub_1"},"type":"subscription_details"},"status":"paid"}}`
	for _, tt := range []struct{ path, want string }{
		{"latest_invoice.payment_intent", `"payment_intent":{"id":"pi_1","object":"payment_intent","application_fee_amount":30,"invoice":"in_1","latest_charge":"ch_1"`},
		{"latest_invoice.payment_intent.latest_charge", `"latest_charge":{"id":"ch_1","object":"charge","invoice":"in_1"`},
		{"latest_invoice.charge", `"charge":{"id":"ch_1","object":"charge","invoice":"in_1"`},
		{"latest_invoice.charge.payment_intent", `"payment_intent":{"id":"pi_1","object":"payment_intent","application_fee_amount":30,"invoice":"in_1"`},
		{"latest_invoice.subscription", `"subscription":{"id":"sub_1","object":"subscription","current_period_end":9`},
		{"latest_invoice.charge.invoice", `"charge":{"id":"ch_1","object":"charge","invoice":{"id":"in_1"`},
		{"discount.coupon", `"coupon":{"id":"10OFF","object":"coupon"`},
	} {
		has := stock{"in_1": `{"id":"in_1","object":"invoice","status":"paid"}`}
		for k, v := range billed {
			has[k] = v
		}
		got, _, err := Back("2024-06-20", []byte(give), Answer{Reader: has, Expand: shelf{has, paths{tt.path}}})
		if err != nil || !strings.Contains(string(got), tt.want) {
			t.Errorf("%s: %v: got %s", tt.path, err, got)
		}
	}
	for _, tt := range []struct {
		version, kind, member string
		want                  bool
	}{
		{"2025-02-24.acacia", "invoice", "payment_intent", true},
		{"2025-02-24.acacia", "invoice", "charge", true},
		{"2025-02-24.acacia", "invoice", "subscription", true},
		{"2025-03-31.basil", "invoice", "payment_intent", false},
		{"2020-08-27", "subscription", "discount", true},
		{"2020-08-27", "credit_note", "refund", true},
		{"2020-08-27", "line_item", "price", true},
	} {
		if Expandable(tt.version, tt.kind, tt.member) != tt.want {
			t.Errorf("%s of a %s at %s: want %v", tt.member, tt.kind, tt.version, tt.want)
		}
	}
}

// A shelf is a Tree that expands ids into what is in stock, as deep as its paths go.
type shelf struct {
	has stock
	paths
}

func (s shelf) Child(name string) Tree {
	in, _ := s.paths.Child(name).(paths)
	if in == nil {
		return nil
	}
	return shelf{s.has, in}
}

func (s shelf) Expand(value []byte) ([]byte, error) {
	if value[0] == '"' {
		if v, ok := s.has[jsontext.Scalar(value)]; ok {
			value = []byte(v)
		}
	}
	if value[0] != '{' {
		return value, nil
	}
	o := decode(value)
	for i, m := range o.members {
		if in := s.Child(m.name); in != nil {
			o.members[i].value, _ = in.Expand(m.value)
		}
	}
	return o.encode(nil), nil
}

// TestBillingEvents: of what changed, an old version is told what it shows of that, and nothing that did not change.
func TestBillingEvents(t *testing.T) {
	for _, tt := range []struct{ what, give, want string }{
		{
			"a subscription is renewed",
			`{"data":{"object":{"id":"sub_1","object":"subscription","discounts":[],"items":{"data":[{"current_period_end":9,"current_period_start":5}]}},"previous_attributes":{"items":{"data":[{"current_period_end":5,"current_period_start":1}]}}}}`,
			`{"data":{"object":{"id":"sub_1","object":"subscription","current_period_end":9,"current_period_start":5,"discount":null,"discounts":[],"items":{"data":[{"current_period_end":9,"current_period_start":5}]}},"previous_attributes":{"current_period_end":5,"current_period_start":1,"items":{"data":[{"current_period_end":5,"current_period_start":1}]}}}}`,
		},
		{
			"an item of one has another quantity",
			`{"data":{"object":{"id":"sub_1","object":"subscription","current_period_end":9,"current_period_start":5,"discount":null,"items":{"data":[{"current_period_end":9,"current_period_start":5,"quantity":2}]}},"previous_attributes":{"items":{"data":[{"current_period_end":9,"current_period_start":5,"quantity":1}]}}}}`,
			"",
		},
		{
			"a discount begins",
			`{"data":{"object":{"id":"sub_1","object":"subscription","current_period_end":9,"current_period_start":5,"discounts":["di_1"]},"previous_attributes":{"discounts":[]}}}`,
			`{"data":{"object":{"id":"sub_1","object":"subscription","current_period_end":9,"current_period_start":5,"discount":` + discountWas + `,"discounts":["di_1"]},"previous_attributes":{"discount":null,"discounts":[]}}}`,
		},
	} {
		want := tt.want
		if want == "" {
			want = tt.give
		}
		got, err := Event("2024-06-20", []byte(tt.give), billed)
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", tt.what, err, got, want)
		}
	}
	for _, tt := range []struct{ what, now, was, want string }{
		{"an invoice is paid", `"paid"`, `"amount_remaining":9,"status":"open"`, `{"amount_remaining":9,"paid":false,"status":"open"}`},
		{"an invoice is finalized", `"open"`, `"status":"draft"`, `{"application_fee_amount":null,"charge":null,"payment_intent":null,"status":"draft","transfer_data":null}`},
		{"one is sent", `"open"`, `"metadata":{"a":null}`, `{"metadata":{"a":null}}`},
	} {
		give := `{"data":{"object":{"id":"in_1","object":"invoice","amount_remaining":0,"metadata":{"a":"b"},"status":` + tt.now + `},"previous_attributes":{` + tt.was + `}}}`
		got, err := Event("2024-06-20", []byte(give), billed)
		if was := string(jsontext.Get(got, "data.previous_attributes")); err != nil || was != tt.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", tt.what, err, was, tt.want)
		}
	}
}

func TestMoved(t *testing.T) {
	for _, tt := range []struct{ version, method, path, want string }{
		{"2025-02-24.acacia", "GET", "/v1/invoices/upcoming", previewing},
		{"2020-08-27", "GET", "/v1/invoices/upcoming", previewing},
		{"2020-08-27", "GET", "/v1/invoices/in_1", ""},
		{"2020-08-27", "POST", "/v1/invoices/upcoming", ""},
		{"2025-03-31.basil", "GET", "/v1/invoices/upcoming", ""},
		{"", "GET", "/v1/invoices/upcoming", ""},
	} {
		if got := Moved(tt.version, tt.method, tt.path); got != tt.want {
			t.Errorf("%s %s at %s: got %q", tt.method, tt.path, tt.version, got)
		}
	}
	for _, p := range plans {
		for _, to := range p.moved {
			if spec.Lookup(to) == nil {
				t.Errorf("the spec has no %s", to)
			}
		}
	}
}

// TestSeveralItems: plan and quantity mean none of several items, so that they are left to be refused.
func TestSeveralItems(t *testing.T) {
	for _, id := range []string{"sub_several", "sub_gone"} {
		p := parse(t, "plan=monthly")
		r := Request{Op: spec.Lookup(update), Params: p, Path: func(string) string { return id }, Get: resources.Get}
		if err := Forward("2020-08-27", r); err != nil || !p.Has("plan") || p.Has("items") {
			t.Errorf("%s: %v %s", id, err, show(p))
		}
	}
}

func TestBillingReaderFails(t *testing.T) {
	for _, give := range []string{
		`{"id":"in_1","object":"invoice","status":"paid"}`,
		`{"id":"sub_1","object":"subscription","discounts":["di_1"]}`,
		`{"id":"il_1","object":"line_item","pricing":{"price_details":{"price":"p"}}}`,
		`{"id":"il_1","object":"line_item","taxes":[{"tax_rate_details":{"tax_rate":"txr_1"}}]}`,
		`{"data":{"object":{"id":"in_1","object":"invoice","status":"open"},"previous_attributes":{"status":"draft"}}}`,
	} {
		_, _, err := Back("2025-02-24.acacia", []byte(give), Answer{Reader: broken{}})
		if strings.HasPrefix(give, `{"data"`) {
			_, err = Event("2025-02-24.acacia", []byte(give), broken{})
		}
		if !errors.Is(err, errBroken) {
			t.Errorf("%s: got %v", give, err)
		}
	}
	for route, give := range map[string]string{update: "plan=a", "POST /v1/subscription_schedules": "phases[0][items][0][price]=a&phases[0][iterations]=2"} {
		r := Request{Op: spec.Lookup(route), Params: parse(t, give), Path: func(string) string { return "sub_1" }, Get: broken{}.Get}
		if err := Forward("2020-08-27", r); !errors.Is(err, errBroken) {
			t.Errorf("%s: got %v", route, err)
		}
	}
	if !slices.Contains(subscribing, update) {
		t.Error("an update of a subscription is none")
	}
}
