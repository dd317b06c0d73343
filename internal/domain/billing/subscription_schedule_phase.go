package billing

import (
	"encoding/json"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
)

// A Phase is what a subscription is for a time. Its items, discounts and tax rates hold as long as the phase does; of its terms, those that it does not have
// are the schedule's, or stay as they were. It begins where the one before it ends. Known from: facts 15i.
type Phase struct {
	Terms
	AddInvoiceItems   []*PhaseExtra     `json:"add_invoice_items"`
	AutomaticTax      *SubscriptionTax  `json:"automatic_tax,omitempty"`
	Currency          string            `json:"currency"`
	DefaultTaxRates   []json.RawMessage `json:"default_tax_rates"`
	Discounts         []PhaseDiscount   `json:"discounts"`
	EndDate           int64             `json:"end_date"`
	InvoiceSettings   *ScheduleInvoices `json:"invoice_settings"`
	Items             []*PhaseItem      `json:"items"`
	Metadata          map[string]string `json:"metadata"`           // merged into the subscription's; an empty value takes a key away
	ProrationBehavior string            `json:"proration_behavior"` // of what changes when the phase begins
	StartDate         int64             `json:"start_date"`
	TrialEnd          *int64            `json:"trial_end"`
}

// A PhaseItem is an item that the subscription has in a phase.
type PhaseItem struct {
	BillingThresholds json.RawMessage   `json:"billing_thresholds"`
	Discounts         []PhaseDiscount   `json:"discounts"`
	Metadata          map[string]string `json:"metadata"`
	Price             string            `json:"price"`
	Quantity          *int64            `json:"quantity,omitempty"`
	TaxRates          []json.RawMessage `json:"tax_rates"`
}

// A PhaseDiscount is what is redeemed when a phase begins, or a discount that is there already.
type PhaseDiscount struct {
	Coupon        *string `json:"coupon"`
	Discount      *string `json:"discount"`
	PromotionCode *string `json:"promotion_code"`
}

// A PhaseExtra is asked for once, on the phase's next invoice.
type PhaseExtra struct {
	Discountable *bool             `json:"discountable,omitempty"`
	Discounts    []PhaseDiscount   `json:"discounts"`
	Metadata     map[string]string `json:"metadata"`
	Period       PhaseExtraPeriod  `json:"period"`
	Price        string            `json:"price"`
	Quantity     *int64            `json:"quantity"`
	TaxRates     []json.RawMessage `json:"tax_rates"`
}

// A PhaseExtraPeriod says what an extra is for.
type PhaseExtraPeriod struct {
	End   PhaseMoment `json:"end"`
	Start PhaseMoment `json:"start"`
}

// A PhaseMoment is a time that is known by its name.
type PhaseMoment struct {
	Type string `json:"type"`
}

// mostPhases is how many current and future phases a schedule can have. Known from: facts 15i.
const mostPhases = 10

// A planner reads the phases of a request: each begins where the one before it has ended.
type planner struct {
	d      *Domain
	cus    *customer.Customer
	s      *SubscriptionSchedule
	start  int64 // of the next phase
	anchor int64 // what its periods are counted from
}

// phases reads phases[]. Those that are over by the time from are left out.
func (pl *planner) phases(c *api.Call, list []*form.Value, from int64) (out []*Phase, err error) {
	for i, p := range list {
		at := "phases[" + strconv.Itoa(i) + "]"
		if p.Given("end_date") && p.Num("end_date") != 0 && p.Num("end_date") <= from {
			continue
		}
		var next *form.Value
		if i+1 < len(list) {
			next = list[i+1]
		}
		ph, err := pl.phase(c, p, next, at, len(out) == 0)
		if err != nil {
			return nil, err
		}
		out = append(out, ph)
	}
	switch {
	case len(out) == 0:
		return nil, fault.Missing("phases")
	case len(out) > mostPhases:
		return nil, fault.TooManyPhases(mostPhases)
	}
	return out, nil
}

func (pl *planner) phase(c *api.Call, p, next *form.Value, at string, first bool) (*Phase, error) {
	if p.Has("start_date") {
		start := p.Num("start_date")
		if p.Str("start_date") == "now" {
			start = c.Now()
		}
		if !first && start != pl.start {
			return nil, fault.PhaseGap(under(at, "start_date"))
		}
		pl.start = start
	}
	if first && pl.s.CurrentPhase == nil {
		pl.anchor = pl.start
	}
	ph, err := pl.read(c, p, at)
	if err != nil {
		return nil, err
	}
	ph.StartDate = pl.start
	if ph.from(pl.s, func(t *Terms) bool { return t.BillingCycleAnchor != nil }).anchored() {
		pl.anchor = ph.StartDate
	}
	if err := pl.end(c, ph, p, next, at); err != nil {
		return nil, err
	}
	if err := ph.trial(p, at); err != nil {
		return nil, err
	}
	if ph.TrialEnd != nil {
		pl.anchor = *ph.TrialEnd
	}
	pl.start = ph.EndDate
	return ph, nil
}

// anchored says whether periods are counted from the start of the phase.
func (t *Terms) anchored() bool { return text(t.BillingCycleAnchor) == "phase_start" }

// from is whose terms hold in a phase: the phase's, if it says something, or the schedule's.
func (ph *Phase) from(s *SubscriptionSchedule, says func(*Terms) bool) *Terms {
	if says(&ph.Terms) {
		return &ph.Terms
	}
	return &s.DefaultSettings.Terms
}

// end says when a phase is over: at its end_date, after its duration, where the next one begins, or after one period of its first price.
func (pl *planner) end(c *api.Call, ph *Phase, p, next *form.Value, at string) error {
	param := under(at, "end_date")
	switch {
	case p.Given("duration") && p.Given("end_date"):
		return fault.OnlyOne(under(at, "duration"), param)
	case p.Str("end_date") == "now":
		ph.EndDate = c.Now()
	case p.Given("end_date"):
		ph.EndDate = p.Num("end_date")
	case p.Given("duration"):
		lasts := p.Get("duration")
		n := int64(1)
		if lasts.Given("interval_count") {
			n = lasts.Num("interval_count")
		}
		param = under(under(at, "duration"), "interval_count")
		ph.EndDate = after(pl.anchor, ph.StartDate, &catalog.Recurring{Interval: lasts.Str("interval"), IntervalCount: n})
	case next.Given("start_date") && next.Num("start_date") != 0:
		ph.EndDate = next.Num("start_date")
	default: // the reference's trigger of `aborted` has such a phase
		price, err := catalog.Used(c, ph.Items[0].Price)
		if err != nil {
			return err
		}
		ph.EndDate = after(pl.anchor, ph.StartDate, price.Recurring)
	}
	if ph.EndDate <= ph.StartDate || ph.EndDate < c.Now() {
		return fault.PhaseBackwards(param)
	}
	return nil
}

// after is when an interval is over that begins at a time. One that begins at a boundary of the anchor ends at one, so that a month that is too short moves
// none behind it.
func after(anchor, start int64, r *catalog.Recurring) int64 {
	end := boundary(start, r, 1)
	one := &catalog.Recurring{Interval: "month", IntervalCount: 1}
	if months(r) == 0 || boundaryBefore(anchor, one, start) != start {
		return end
	}
	return boundaryBefore(anchor, one, end+3*86400)
}

// trial reads whether a phase, or its beginning, is free.
func (ph *Phase) trial(p *form.Value, at string) error {
	switch {
	case p.True("trial") && p.Given("trial_end"):
		return fault.OnlyOne(under(at, "trial"), under(at, "trial_end"))
	case p.True("trial"):
		end := ph.EndDate
		ph.TrialEnd = &end
	case p.Given("trial_end"):
		end := p.Num("trial_end")
		if end <= ph.StartDate || end > ph.EndDate {
			return fault.PhaseTrialOutside(under(at, "trial_end"))
		}
		ph.TrialEnd = &end
	}
	if ph.TrialEnd != nil && *ph.TrialEnd > ph.StartDate+2*365*86400+86400 { // facts 15c
		return fault.TrialTooLong(under(at, "trial_end"))
	}
	return nil
}

// read reads what a phase says, but for its times.
func (pl *planner) read(c *api.Call, p *form.Value, at string) (*Phase, error) {
	ph := &Phase{ProrationBehavior: "create_prorations", Metadata: said(p), AddInvoiceItems: []*PhaseExtra{}, DefaultTaxRates: []json.RawMessage{}}
	if err := pl.terms(c, p, at, &ph.Terms); err != nil {
		return nil, err
	}
	if how := p.Str("proration_behavior"); how != "" {
		ph.ProrationBehavior = how
	}
	if p.Has("automatic_tax") {
		ph.AutomaticTax = &SubscriptionTax{}
	}
	if p.Has("invoice_settings") {
		ph.InvoiceSettings = &ScheduleInvoices{}
		if err := api.Bind(ph.InvoiceSettings, p.Get("invoice_settings")); err != nil {
			return nil, err
		}
	}
	if err := pl.due(ph); err != nil {
		return nil, err
	}
	if err := pl.items(c, ph, p, at); err != nil {
		return nil, err
	}
	var err error
	if ph.Discounts, err = pl.discounts(c, p, at); err != nil {
		return nil, err
	}
	if ph.DefaultTaxRates, err = shownRates(c, p, "default_tax_rates", at); err != nil {
		return nil, err
	}
	return ph, pl.extras(c, ph, p, at)
}

// terms reads the terms of a phase, or of a schedule, and refuses what cannot be honored.
func (pl *planner) terms(c *api.Call, p *form.Value, at string, t *Terms) error {
	if p.Given("billing_thresholds") {
		return fault.ParamNotBuilt(under(at, "billing_thresholds"))
	}
	if p.At("automatic_tax").True("enabled") {
		return fault.ParamNotBuilt(under(under(at, "automatic_tax"), "enabled"))
	}
	for _, name := range []string{"account_tax_ids", "custom_fields", "description", "footer"} {
		if p.At("invoice_settings").Given(name) {
			return fault.ParamNotBuilt(under(under(at, "invoice_settings"), name))
		}
	}
	if p.At("invoice_settings", "issuer").Str("type") == "account" {
		return fault.ParamNotBuilt(under(under(at, "invoice_settings"), "issuer"))
	}
	if id := p.Str("default_payment_method"); id != "" {
		if err := pl.d.belongs(c, id, pl.cus.ID, under(at, "default_payment_method")); err != nil {
			return err
		}
	}
	return api.Bind(t, p)
}

// due refuses a phase whose invoices are sent, and that does not say when they are due.
func (pl *planner) due(ph *Phase) error {
	method := ph.from(pl.s, func(t *Terms) bool { return t.CollectionMethod != nil }).CollectionMethod
	if text(method) == send && ph.days(pl.s) == nil {
		return fault.DaysUntilDueNeeded()
	}
	return nil
}

// days are within how many days the invoices of a phase are due.
func (ph *Phase) days(s *SubscriptionSchedule) *int64 {
	if set := ph.InvoiceSettings; set != nil && set.DaysUntilDue != nil {
		return set.DaysUntilDue
	}
	return s.DefaultSettings.InvoiceSettings.DaysUntilDue
}

// items reads the items of a phase, and refuses those that cannot be on one subscription.
func (pl *planner) items(c *api.Call, ph *Phase, p *form.Value, at string) error {
	var edits []edit
	none := &Subscription{BillingMode: pl.s.BillingMode}
	list := p.Get("items")
	if list == nil || len(list.Items) == 0 {
		return fault.Missing(under(at, "items"))
	}
	for i, v := range list.Items {
		where := under(at, "items") + "[" + strconv.Itoa(i) + "]"
		e, err := pl.d.edit(c, none, v, where)
		if err != nil {
			return err
		}
		it := &PhaseItem{Price: e.price.ID, Quantity: e.quantity, Metadata: said(v)}
		if it.Discounts, err = pl.discounts(c, v, where); err != nil {
			return err
		}
		if it.TaxRates, err = shownRates(c, v, "tax_rates", where); err != nil {
			return err
		}
		edits, ph.Items = append(edits, e), append(ph.Items, it)
	}
	ph.Currency = p.Str("currency")
	if err := pl.speak(ph, edits[0].price); err != nil {
		return err
	}
	none.Currency = ph.Currency
	return pl.d.fits(c, none, edits)
}

// speak says in which currency a phase is billed: the customer's, if he has one.
func (pl *planner) speak(ph *Phase, p *catalog.Price) error {
	said := ph.Currency != ""
	if !said {
		ph.Currency = p.Currency
	}
	has := pl.cus.Currency
	if has == nil || *has == ph.Currency {
		return nil
	}
	if _, _, ok := p.UnitFor(*has); !ok || said {
		return fault.CurrenciesCombined(*has)
	}
	ph.Currency = *has
	return nil
}

// discounts reads what is to be redeemed, which is there and good.
func (pl *planner) discounts(c *api.Call, p *form.Value, at string) ([]PhaseDiscount, error) {
	out := []PhaseDiscount{}
	list := p.Get("discounts")
	if list == nil {
		return out, nil
	}
	if len(list.Items) > mostDiscounts {
		return nil, fault.TooManyDiscounts(under(at, "discounts"), mostDiscounts)
	}
	for i, v := range list.Items {
		where := under(at, "discounts") + "[" + strconv.Itoa(i) + "]"
		if err := redeemable(c, v, where); err != nil {
			return nil, err
		}
		out = append(out, PhaseDiscount{opt(v.Str("coupon")), opt(v.Str("discount")), opt(v.Str("promotion_code"))})
	}
	return out, nil
}

func redeemable(c *api.Call, v *form.Value, at string) error {
	coupon, code, old := v.Str("coupon"), v.Str("promotion_code"), v.Str("discount")
	switch {
	case old != "":
		_, err := customer.Discounts.Find(c, old, under(at, "discount"))
		return err
	case coupon != "" && code != "":
		return fault.OneOfTwo(under(at, "coupon"), under(at, "promotion_code"))
	case code != "":
		_, err := catalog.PromotionCodes.Find(c, code, under(at, "promotion_code"))
		return err
	case coupon == "":
		return fault.Missing(under(at, "coupon"))
	}
	cp, err := catalog.Coupons.Find(c, coupon, under(at, "coupon"))
	if err == nil && !cp.Valid {
		err = fault.CouponExpired(cp.ID)
	}
	return err
}

// extras reads add_invoice_items.
func (pl *planner) extras(c *api.Call, ph *Phase, p *form.Value, at string) error {
	list := p.Get("add_invoice_items")
	if list == nil {
		return nil
	}
	if len(list.Items) > mostItems {
		return fault.TooManySubscriptionItems(mostItems)
	}
	for i, v := range list.Items {
		x, err := pl.extra(c, ph, v, under(at, "add_invoice_items")+"["+strconv.Itoa(i)+"]")
		if err != nil {
			return err
		}
		ph.AddInvoiceItems = append(ph.AddInvoiceItems, x)
	}
	return nil
}

func (pl *planner) extra(c *api.Call, ph *Phase, v *form.Value, at string) (x *PhaseExtra, err error) {
	if v.Has("period") {
		return nil, fault.ParamNotBuilt(under(at, "period"))
	}
	var price *catalog.Price
	switch {
	case v.Has("price_data"):
		price, err = catalog.PriceFromData(c, v.Get("price_data"), under(at, "price_data"))
	case v.Str("price") == "":
		return nil, fault.Missing(under(at, "price"))
	default:
		price, err = catalog.FindPrice(c, v.Str("price"), under(at, "price"), false)
	}
	if err != nil {
		return nil, err
	}
	if _, _, ok := price.UnitFor(ph.Currency); !ok {
		return nil, fault.PriceOfOtherCurrency(under(at, "price"), price.Currency, ph.Currency)
	}
	x = &PhaseExtra{Price: price.ID, Metadata: said(v), Period: PhaseExtraPeriod{PhaseMoment{"min_item_period_end"}, PhaseMoment{"max_item_period_start"}}}
	one := int64(1)
	x.Quantity = &one
	if v.Given("quantity") {
		one = v.Num("quantity")
	}
	if v.Given("discountable") {
		is := v.True("discountable")
		x.Discountable = &is
	}
	if x.Discounts, err = pl.discounts(c, v, at); err != nil {
		return nil, err
	}
	x.TaxRates, err = shownRates(c, v, "tax_rates", at)
	return x, err
}

// shownRates are the tax rates that a parameter names, whole.
func shownRates(c *api.Call, p *form.Value, name, at string) ([]json.RawMessage, error) {
	rates, err := taxRates(c, p, name, at)
	if err != nil {
		return nil, err
	}
	return showRates(c, rates)
}

// said is metadata as it was sent: a key without a value is kept, for it takes that key away.
func said(p *form.Value) map[string]string {
	out := map[string]string{}
	if m := p.Get("metadata"); m != nil {
		for _, f := range m.Fields {
			out[f.Name] = f.Value.Text
		}
	}
	return out
}
