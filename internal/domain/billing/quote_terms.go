package billing

import (
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
)

// What a request says of a quote: read, refused, and applied.

// takeQuote applies the parameters that creating and changing a quote have in common.
func (d *Domain) takeQuote(c *api.Call, q *Quote) error {
	if err := d.checkQuote(c); err != nil {
		return err
	}
	if err := d.quoteFor(c, q); err != nil {
		return err
	}

	if err := c.ParamsOnly(q, "application_fee_amount", "application_fee_percent", "collection_method", "description", "footer", "header", "invoice_settings", "metadata",
		"on_behalf_of", "transfer_data"); err != nil {
		return err
	}
	if err := api.MetadataLimit(q.Metadata); err != nil {
		return err
	}
	if err := q.takeSubscriptionData(c); err != nil {
		return err
	}
	if c.P.Given("expires_at") {
		q.expireAt(c, c.P.Num("expires_at"))
	}
	if err := d.takeQuoteItems(c, q); err != nil {
		return err
	}
	if err := d.takeQuoteDiscounts(c, q); err != nil {
		return err
	}
	if c.P.Has("default_tax_rates") {
		rates, err := taxRates(c, c.P, "default_tax_rates", "")
		if err != nil {
			return err
		}
		q.DefaultTaxRates = append([]string{}, rates...)
	}
	return q.consistent(c)
}

// checkQuote refuses what no quote can be asked.
func (d *Domain) checkQuote(c *api.Call) error {
	p := c.P
	switch {
	case p.Given("customer_account"):
		return fault.ParamNotBuilt("customer_account")
	case p.At("automatic_tax").True("enabled"):
		return fault.ParamNotBuilt("automatic_tax[enabled]")
	case p.At("invoice_settings", "issuer").Str("type") == "account":
		return fault.ParamNotBuilt("invoice_settings[issuer]")
	case p.At("subscription_data").Str("effective_date") == "current_period_end": // of a subscription that is there, which no parameter names
		return fault.ParamNotBuilt("subscription_data[effective_date]")
	case p.At("subscription_data", "billing_mode", "flexible").Str("proration_discounts") == "itemized":
		return fault.ParamNotBuilt("subscription_data[billing_mode][flexible][proration_discounts]")
	case p.Given("expires_at") && p.Num("expires_at") <= c.Now():
		return fault.InThePast("expires_at")
	case p.At("invoice_settings").Given("days_until_due") && p.At("invoice_settings").Num("days_until_due") < 0:
		return fault.BelowMinimum("invoice_settings[days_until_due]", 0)
	}
	if days := p.At("subscription_data"); days.Given("trial_period_days") {
		switch n := days.Num("trial_period_days"); {
		case n < 1:
			return fault.BelowMinimum("subscription_data[trial_period_days]", 1)
		case n > 730: // facts 15c
			return fault.TrialTooLong("subscription_data[trial_period_days]")
		}
	}
	if n, err := strconv.ParseFloat(p.Str("application_fee_percent"), 64); err == nil && (n < 0 || n > 100) {
		return fault.PercentOutside("application_fee_percent")
	}
	return d.payments.CheckSharing(c)
}

// quoteFor says whose a draft is that was nobody's. That can be said once. Known from: the spec.
func (d *Domain) quoteFor(c *api.Call, q *Quote) error {
	id := c.P.Str("customer")
	switch {
	case id == "" || id == text(q.Customer):
		return nil
	case q.Customer != nil:
		return fault.QuoteCustomerFixed()
	}
	cus, err := customer.Customers.Find(c, id, "customer")
	switch {
	case err != nil:
		return err
	case text(cus.TestClock) != text(q.TestClock):
		return fault.QuoteOfOtherClock(id)
	case cus.Currency != nil && q.Currency != nil && *cus.Currency != *q.Currency:
		return fault.CurrenciesCombined(*cus.Currency)
	}
	q.Customer = &id
	return nil
}

// expireAt says until when the quote holds.
func (q *Quote) expireAt(c *api.Call, when int64) {
	if q.ExpiresAt = when; q.Status != "" {
		c.At(when, "quote.expire", q.ID)
	}
}

// takeSubscriptionData reads what the subscription begins with. Its metadata takes the place of what was there. Known from: the spec.
func (q *Quote) takeSubscriptionData(c *api.Call) error {
	data, to := c.P.Get("subscription_data"), &q.SubscriptionData
	if data.Has("metadata") {
		to.Metadata = nil
	}
	if err := api.Bind(to, data); err != nil {
		return err
	}
	if q.Status == "" {
		if data == nil {
			data = &form.Value{Kind: form.Object}
		}
		return c.Asking(data, func() error {
			mode := billingMode(c)
			to.BillingMode = QuoteMode{mode.Flexible, mode.Type}
			return nil
		})
	}
	return nil
}

// takeQuoteDiscounts reads what is taken off all of the quote.
func (d *Domain) takeQuoteDiscounts(c *api.Call, q *Quote) (err error) {
	if !c.P.Has("discounts") {
		return nil
	}
	q.Discounts, q.Private.Discounts, err = d.offer(c, q, c.P.Get("discounts"), "discounts")
	return err
}

// offer makes the discounts that a quote shows. A coupon is redeemed, and counted, when the quote is accepted. unverified: that it is not before.
func (d *Domain) offer(c *api.Call, q *Quote, list *form.Value, param string) ([]string, []PhaseDiscount, error) {
	ids, said := []string{}, []PhaseDiscount{}
	if list == nil || list.Kind == form.Unset {
		return ids, said, nil
	}
	if len(list.Items) > mostDiscounts {
		return nil, nil, fault.TooManyDiscounts(param, mostDiscounts)
	}
	seen := map[string]bool{}
	for i, v := range list.Items {
		di, err := d.offerOne(c, q, v, param+"["+strconv.Itoa(i)+"]")
		if err != nil {
			return nil, nil, err
		}
		if coupon := text(di.Source.Coupon); seen[coupon] {
			return nil, nil, fault.CouponTwice(param, coupon)
		} else {
			seen[coupon] = true
		}
		ids, said = append(ids, di.ID), append(said, PhaseDiscount{opt(v.Str("coupon")), opt(v.Str("discount")), opt(v.Str("promotion_code"))})
	}
	return ids, said, nil
}

func (d *Domain) offerOne(c *api.Call, q *Quote, v *form.Value, at string) (*customer.Discount, error) {
	if err := redeemable(c, v, at); err != nil {
		return nil, err
	}
	var cp *catalog.Coupon
	var err error
	switch code := v.Str("promotion_code"); {
	case v.Str("discount") != "":
		return customer.Discounts.Find(c, v.Str("discount"), under(at, "discount"))
	case code != "":
		_, cp, err = catalog.RedeemableCode(c, code, under(at, "promotion_code"), d.redeemer(c, text(q.Customer)))
	default:
		cp, err = catalog.Redeemable(c, v.Str("coupon"), under(at, "coupon"))
	}
	if err != nil {
		return nil, err
	}
	di := customer.Discounts.New(c, c.NewID("di"))
	di.Customer, di.PromotionCode, di.Source, di.Start = q.Customer, opt(v.Str("promotion_code")), customer.DiscountSource{Coupon: &cp.ID, Type: "coupon"}, c.Now()
	return di, c.Save(di)
}

// consistent refuses terms that do not go with each other, or with what is quoted.
func (q *Quote) consistent(c *api.Call) error {
	if q.CollectionMethod == automatic {
		if c.P.At("invoice_settings").Given("days_until_due") {
			return fault.OnlyWhenSent("invoice_settings[days_until_due]")
		}
		q.InvoiceSettings.DaysUntilDue = nil
	} else if q.InvoiceSettings.DaysUntilDue == nil {
		return fault.QuoteDaysNeeded()
	}
	if len(q.Private.Items) == 0 {
		return nil // what goes with the items is known when there are some
	}
	t, recurs := q.TransferData, q.recurs()
	switch {
	case recurs && q.ApplicationFeeAmount != nil:
		return fault.QuoteOnlyOnce("application_fee_amount")
	case recurs && t != nil && t.Amount != nil:
		return fault.QuoteOnlyOnce("transfer_data[amount]")
	case !recurs && q.ApplicationFeePercent != nil:
		return fault.QuoteOnlyRecurring("application_fee_percent")
	case !recurs && t != nil && t.AmountPercent != nil:
		return fault.QuoteOnlyRecurring("transfer_data[amount_percent]")
	case q.ApplicationFeePercent != nil && t != nil && t.AmountPercent != nil:
		return fault.OnlyOne("application_fee_percent", "transfer_data[amount_percent]")
	}
	return nil
}
