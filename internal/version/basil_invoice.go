package version

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"

	"florin/internal/jsontext"
)

// What gate20250331 did to invoices, their lines, invoice items and credit notes. Facts 13 gives all of it to the rows between B18 and B20, which
// have no numbers; they are told apart by a word here.
var invoices20250331 = []change{
	{
		id: "B19 parent", what: "an invoice shows its parent instead of its subscription and its quote", kinds: []string{"invoice"},
		adds: []string{"quote", "subscription"},
		back: bring(
			made{"quote", []string{"parent"}, named("parent.quote_details.quote")},
			made{"subscription", []string{"parent"}, named("parent.subscription_details.subscription")},
			made{"subscription_details", []string{"parent"}, func(w *walk, o *object) ([]byte, error) {
				metadata := orNull(o.at("parent.subscription_details.metadata"))
				return append(append([]byte(`{"metadata":`), metadata...), '}'), nil
			}},
			made{"subscription_proration_date", []string{"parent"}, func(w *walk, o *object) ([]byte, error) {
				return o.at("parent.subscription_details.subscription_proration_date"), nil // there only if it is set
			}},
		),
	},
	{
		id: "B19 payments", what: "an invoice shows its payments instead of one intent and one charge", kinds: []string{"invoice"},
		adds: []string{"charge", "payment_intent"}, back: invoicePayment,
	},
	{
		id: "B19 paid", what: "that an invoice is paid, and how, stands in its status", kinds: []string{"invoice"},
		back: bring(
			made{"paid", []string{"status"}, func(w *walk, o *object) ([]byte, error) {
				return strconv.AppendBool(nil, o.text("status") == "paid"), nil
			}},
			made{"paid_out_of_band", []string{"status", "amount_paid_off_stripe"}, func(w *walk, o *object) ([]byte, error) {
				return strconv.AppendBool(nil, o.text("status") == "paid" && offStripe(o) > 0), nil
			}},
		),
	},
	{
		// What was paid elsewhere was no part of amount_paid, and was still counted as remaining.
		id: "B19 amounts", what: "what was paid out of band counts as paid", kinds: []string{"invoice"}, marks: []string{`"amount_paid_off_stripe":`},
		back: func(w *walk, o *object) error {
			if off := offStripe(o); off > 0 {
				o.shift("amount_paid", -off)
				o.shift("amount_remaining", off)
			}
			return nil
		},
	},
	{
		id: "B19 discount", what: "an invoice shows only the ids of its discounts", kinds: []string{"invoice"}, adds: []string{"discount"},
		back: bring(made{"discount", []string{"discounts"}, firstDiscount}),
	},
	{
		id: "B19 taxes", what: "an invoice shows its total_taxes instead of tax and total_tax_amounts", kinds: []string{"invoice"},
		back: bring(
			made{"tax", []string{"total_taxes"}, func(w *walk, o *object) ([]byte, error) { return taxSum(o.get("total_taxes")), nil }},
			made{"total_tax_amounts", []string{"total_taxes"}, taxAmounts("total_taxes")},
		),
	},
	{
		id: "B19 line", what: "a line shows its parent instead of what it is made of", kinds: []string{"line_item"},
		back: bring(
			made{"invoice_item", []string{"parent"}, func(w *walk, o *object) ([]byte, error) { return unlessNull(parentOf(o).get("invoice_item")), nil }},
			made{"proration", []string{"parent"}, func(w *walk, o *object) ([]byte, error) {
				return strconv.AppendBool(nil, parentOf(o).text("proration") == "true"), nil
			}},
			made{"proration_details", []string{"parent"}, func(w *walk, o *object) ([]byte, error) {
				if details := parentOf(o).get("proration_details"); isObject(details) {
					return details, nil
				}
				return []byte(`{"credited_items":null}`), nil
			}},
			made{"subscription", []string{"parent"}, func(w *walk, o *object) ([]byte, error) {
				return reference(idOf(parentOf(o).get("subscription"))), nil
			}},
			made{"subscription_item", []string{"parent"}, func(w *walk, o *object) ([]byte, error) {
				return unlessNull(parentOf(o).get("subscription_item")), nil
			}},
			made{"type", []string{"parent"}, func(w *walk, o *object) ([]byte, error) {
				if o.text("parent.type") == "subscription_item_details" {
					return []byte(`"subscription"`), nil
				}
				return []byte(`"invoiceitem"`), nil
			}},
		),
	},
	{
		id: "B19 price", what: "a line and an invoice item show only the ids of their price", kinds: []string{"line_item", "invoiceitem"},
		adds: []string{"plan", "price"}, back: bring(made{"plan", []string{"pricing"}, pricedPlan}, made{"price", []string{"pricing"}, price}),
	},
	{
		id: "B19 line taxes", what: "a line shows its taxes instead of tax_amounts and tax_rates", kinds: []string{"line_item"},
		adds: []string{"tax_rates"},
		back: bring(
			made{"amount_excluding_tax", []string{"amount", "taxes"}, amountBeforeTax},
			made{"tax_amounts", []string{"taxes"}, taxAmounts("taxes")},
			made{"tax_rates", []string{"taxes"}, taxRates}, // unverified: that the default rates of an invoice were among them
			made{"unit_amount_excluding_tax", []string{"amount", "pricing", "quantity", "taxes"}, func(w *walk, o *object) ([]byte, error) {
				return unitBeforeTax(o, o.text("pricing.unit_amount_decimal")), nil
			}},
		),
	},
	{
		id: "B19 item", what: "an invoice item shows its parent and its pricing instead of what they say", kinds: []string{"invoiceitem"},
		adds: []string{"subscription"},
		back: bring(
			made{"subscription", []string{"parent"}, named("parent.subscription_details.subscription")},
			made{"subscription_item", []string{"parent"}, func(w *walk, o *object) ([]byte, error) {
				return unlessNull(o.at("parent.subscription_details.subscription_item")), nil
			}},
			made{"unit_amount", []string{"pricing"}, func(w *walk, o *object) ([]byte, error) {
				return whole(o.text("pricing.unit_amount_decimal")), nil
			}},
			made{"unit_amount_decimal", []string{"pricing"}, copied("pricing.unit_amount_decimal")},
		),
	},
	{
		id: "B21", what: "a credit note shows several refunds, and its taxes as invoices do", kinds: []string{"credit_note"}, adds: []string{"refund"},
		back: bring(
			made{"refund", []string{"refunds"}, func(w *walk, o *object) ([]byte, error) {
				return reference(idOf(jsontext.Get(first(o.get("refunds")), "refund"))), nil
			}},
			made{"tax_amounts", []string{"total_taxes"}, taxAmounts("total_taxes")},
		),
		routes: []string{"POST /v1/credit_notes", "GET /v1/credit_notes/preview", "GET /v1/credit_notes/preview/lines"}, forward: refundsOfOld,
	},
	{
		id: "B21 line", what: "a line of a credit note shows its taxes instead of tax_amounts", kinds: []string{"credit_note_line_item"},
		back: bring(
			made{"amount_excluding_tax", []string{"amount", "taxes"}, amountBeforeTax},
			made{"tax_amounts", []string{"taxes"}, taxAmounts("taxes")},
			made{"unit_amount_excluding_tax", []string{"amount", "quantity", "taxes", "unit_amount_decimal"}, func(w *walk, o *object) ([]byte, error) {
				if o.text("unit_amount_decimal") == "" { // a line that credits an amount
					return null, nil
				}
				return unitBeforeTax(o, o.text("unit_amount_decimal")), nil
			}},
		),
	},
}

// invoicePayment adds the payment that is the invoice's own, of the several that there may be.
func invoicePayment(w *walk, o *object) error {
	id := o.text("id")
	if o.now != nil {
		id = o.now.text("id")
	}
	find := sync.OnceValues(func() (payment, error) { return w.paymentOf(id) })
	part := func(of func(payment) []byte) func(*walk, *object) ([]byte, error) {
		return func(w *walk, o *object) ([]byte, error) {
			if o.text("status") == "draft" { // nothing was to be paid yet
				return null, nil
			}
			p, err := find()
			return of(p), err
		}
	}
	return bring(
		made{"application_fee_amount", []string{"status"}, part(func(p payment) []byte { return p.part("application_fee_amount") })},
		made{"charge", []string{"status"}, part(func(p payment) []byte { return reference(p.charge) })},
		made{"payment_intent", []string{"status"}, part(func(p payment) []byte { return reference(p.id) })},
		made{"transfer_data", []string{"status"}, part(func(p payment) []byte {
			data := p.part("transfer_data")
			if isObject(data) && jsontext.Get(data, "amount") == nil { // an invoice shows it though it is null, an intent does not
				to := decode(data)
				to.members = slices.Insert(to.members, 0, member{"amount", null})
				return to.encode(nil)
			}
			return data
		})},
	)(w, o)
}

// A payment is what an invoice was, or is to be, paid by.
type payment struct {
	id     string // of the intent; "" if there is none
	charge string // the latest
	intent []byte
}

// part is a member of the intent. The terms of a draft, which has none yet, are not shown. unverified: that they were.
func (p payment) part(name string) []byte { return orNull(jsontext.Get(p.intent, name)) }

// paymentOf is the default payment of an invoice.
func (w *walk) paymentOf(invoice string) (p payment, err error) {
	found, err := w.read.Find("invoice_payment", "invoice", invoice)
	if err != nil {
		return p, err
	}
	for _, pay := range found {
		if jsontext.Text(pay, "is_default") != "true" {
			continue
		}
		p.id, p.charge = idOf(jsontext.Get(pay, "payment.payment_intent")), idOf(jsontext.Get(pay, "payment.charge"))
		break
	}
	if p.id == "" {
		return p, nil
	}
	if p.intent, err = w.read.Get(p.id); err == nil {
		p.charge = idOf(jsontext.Get(p.intent, "latest_charge"))
	}
	return p, err
}

// invoiceOf is the id of the invoice that an intent pays; "" if it pays none.
func (w *walk) invoiceOf(intent string) (string, error) {
	if intent == "" {
		return "", nil
	}
	found, err := w.read.Find("invoice_payment", "payment.payment_intent", intent)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return idOf(jsontext.Get(found[len(found)-1], "invoice")), nil // the one that it was made for
}

// offStripe is what was paid for an invoice elsewhere.
func offStripe(o *object) int64 { return integer(o.get("amount_paid_off_stripe")) }

func integer(v []byte) int64 {
	n, _ := strconv.ParseInt(jsontext.Scalar(v), 10, 64)
	return n
}

// shift changes a member that is a number.
func (o *object) shift(name string, by int64) {
	if v := o.get(name); v != nil {
		o.set(name, strconv.AppendInt(nil, integer(v)+by, 10))
	}
}

// firstDiscount is the first of an object's discounts. unverified: that it is the first that was shown when there were several.
func firstDiscount(w *walk, o *object) ([]byte, error) { return full(w, first(o.get("discounts"))) }

// parentOf are the details of a line's parent, of whichever type it is.
func parentOf(o *object) *object {
	if typ := o.text("parent.type"); typ != "" {
		return decode(o.at("parent." + typ))
	}
	return &object{}
}

// unlessNull is a member that is left out rather than null.
func unlessNull(v []byte) []byte {
	if string(v) == "null" {
		return nil
	}
	return v
}

func price(w *walk, o *object) ([]byte, error) {
	shown := o.at("pricing.price_details.price")
	id := jsontext.Scalar(shown)
	if isObject(shown) || id == "" {
		return orNull(shown), nil
	}
	found, err := w.read.Named("price", id) // which a plan may be, with an id that somebody has chosen
	return orNull(found), err
}

// pricedPlan is the plan that a recurring price is; null for any other.
func pricedPlan(w *walk, o *object) ([]byte, error) {
	v, err := price(w, o)
	if err != nil || !isObject(jsontext.Get(v, "recurring")) {
		return null, err
	}
	p, plan := decode(v), []byte(`{"object":"plan"`)
	for i, name := range planMembers {
		value := orNull(p.at(name[1]))
		if i == 0 {
			plan = append(append([]byte(`{"id":`), value...), `,"object":"plan"`...)
			continue
		}
		plan = append(append(append(append(plan, `,"`...), name[0]...), `":`...), value...)
	}
	return append(plan, '}'), nil
}

// planMembers are the members of a plan, and where its price has them.
var planMembers = [][2]string{
	{"id", "id"}, {"active", "active"}, {"amount", "unit_amount"}, {"amount_decimal", "unit_amount_decimal"}, {"billing_scheme", "billing_scheme"},
	{"created", "created"}, {"currency", "currency"}, {"interval", "recurring.interval"}, {"interval_count", "recurring.interval_count"},
	{"livemode", "livemode"}, {"metadata", "metadata"}, {"meter", "recurring.meter"}, {"nickname", "nickname"}, {"product", "product"},
	{"tiers_mode", "tiers_mode"}, {"transform_usage", "transform_quantity"}, {"trial_period_days", "recurring.trial_period_days"},
	{"usage_type", "recurring.usage_type"},
}

// taxAmounts makes of the taxes in a member what they were shown as.
func taxAmounts(from string) func(*walk, *object) ([]byte, error) {
	return func(w *walk, o *object) ([]byte, error) {
		return mapped(o.get(from), func(tax []byte) ([]byte, error) {
			t, inclusive := decode(tax), strconv.FormatBool(jsontext.Text(tax, "tax_behavior") == "inclusive")
			out := &object{members: []member{
				{"amount", orNull(t.get("amount"))}, {"inclusive", []byte(inclusive)}, {"tax_rate", reference(idOf(t.at("tax_rate_details.tax_rate")))},
				{"taxability_reason", orNull(t.get("taxability_reason"))}, {"taxable_amount", orNull(t.get("taxable_amount"))},
			}}
			return out.encode(nil), nil
		})
	}
}

// taxRates are the rates that a line is taxed at, in full.
func taxRates(w *walk, o *object) ([]byte, error) {
	return mapped(o.get("taxes"), func(tax []byte) ([]byte, error) {
		rate, err := full(w, jsontext.Get(tax, "tax_rate_details.tax_rate"))
		return unlessNull(rate), err
	})
}

// taxSum is what taxes come to; null if there are none.
func taxSum(taxes []byte) []byte {
	if first(taxes) == nil {
		return null
	}
	sum := int64(0)
	for tax := range items(taxes) {
		sum += integer(jsontext.Get(tax, "amount"))
	}
	return strconv.AppendInt(nil, sum, 10)
}

// included is how much of a line's amount are taxes.
func included(o *object) (sum int64) {
	for tax := range items(o.get("taxes")) {
		if jsontext.Text(tax, "tax_behavior") == "inclusive" {
			sum += integer(jsontext.Get(tax, "amount"))
		}
	}
	return sum
}

func amountBeforeTax(w *walk, o *object) ([]byte, error) {
	return strconv.AppendInt(nil, integer(o.get("amount"))-included(o), 10), nil
}

// unitBeforeTax is what one unit of a line costs without taxes: its price if that includes none, else a share of the amount.
func unitBeforeTax(o *object, unit string) []byte {
	tax := included(o)
	if unit == "" || tax != 0 {
		share := big.NewRat(integer(o.get("amount"))-tax, max(integer(o.get("quantity")), 1))
		if unit = share.FloatString(12); strings.Contains(unit, ".") {
			unit = strings.TrimRight(strings.TrimRight(unit, "0"), ".")
		}
	}
	return jsontext.AppendString(nil, unit)
}

// whole is a decimal as a number; null if it has fractions, or is none.
func whole(decimal string) []byte {
	if _, err := strconv.ParseInt(decimal, 10, 64); err != nil {
		return null
	}
	return []byte(decimal)
}
