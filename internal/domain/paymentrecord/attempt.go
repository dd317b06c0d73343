package paymentrecord

import (
	"encoding/json"
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/money"
)

// An Attempt is one try at a payment. It is open until it is reported how it ended; there is one that is open or guaranteed at a time, the latest.
type Attempt struct {
	api.Meta
	Facts
	Created       int64   `json:"created"`
	Livemode      bool    `json:"livemode"`
	PaymentRecord *string `json:"payment_record"`

	Private struct {
		Status string           `json:"status"`       // see next
		At     map[string]int64 `json:"at,omitempty"` // when it was initiated, guaranteed, …, as was reported; nothing shows it
	} `json:"-"`
}

// The statuses of an attempt, and what may follow each. The answers do not show them: they tell the amounts by status. A refund leaves the status and
// moves a part of what is guaranteed.
var next = map[string][]string{
	"":           {"open"},
	"open":       {"guaranteed", "failed", "canceled"},
	"guaranteed": {},
	"failed":     {},
	"canceled":   {},
}

// Attempts is the kind of attempts.
var Attempts = &api.Kind[Attempt]{Name: "payment_attempt_record", Prefixes: []string{"par"}, Index: []string{"payment_record"}}

// move is the only place that assigns an attempt's status, and with it moves what was requested from one amount to the other.
func (a *Attempt) move(to string) error {
	if !slices.Contains(next[a.Private.Status], to) {
		return fmt.Errorf("attempt %s cannot go from %q to %q", a.ID, a.Private.Status, to)
	}
	a.Private.Status = to
	all, none := a.AmountRequested, Amount{Currency: a.AmountRequested.Currency}
	a.Amount, a.AmountAuthorized, a.AmountRefunded = all, none, none
	a.AmountGuaranteed, a.AmountFailed, a.AmountCanceled = none, none, none
	switch to {
	case "guaranteed":
		a.AmountGuaranteed = all
	case "failed":
		a.AmountFailed = all
	case "canceled":
		a.AmountCanceled = all
	}
	return nil
}

// refund moves a part of what is guaranteed to what is refunded.
func (a *Attempt) refund(value int64) error {
	if value < 1 || value > a.AmountGuaranteed.Value {
		return fmt.Errorf("attempt %s has %d to refund, not %d", a.ID, a.AmountGuaranteed.Value, value)
	}
	a.AmountGuaranteed.Value -= value
	a.AmountRefunded.Value += value
	return nil
}

// at keeps when something happened.
func (a *Attempt) at(what string, when int64) {
	if a.Private.At == nil {
		a.Private.At = map[string]int64{}
	}
	a.Private.At[what] = when
}

// latest is the record that the path names, and its latest attempt.
func (d *Domain) latest(c *api.Call) (*Record, *Attempt, error) {
	rec, err := Records.InPath(c, "id")
	if err != nil {
		return nil, nil, err
	}
	last, err := Attempts.Get(c, *rec.LatestPaymentAttemptRecord)
	if err == nil && last == nil {
		err = fmt.Errorf("%s has lost its attempt %s", rec.ID, *rec.LatestPaymentAttemptRecord)
	}
	return rec, last, err
}

func (d *Domain) reportAttempt(c *api.Call) (any, error) {
	rec, last, err := d.latest(c)
	if err != nil {
		return nil, err
	}
	if s := last.Private.Status; s != "failed" && s != "canceled" {
		return nil, fault.AttemptOpen(rec.ID, s)
	}
	return d.attempt(c, rec)
}

// attempt makes an attempt of a record by what the request says of it, its end included if it has come.
func (d *Domain) attempt(c *api.Call, rec *Record) (any, error) {
	outcome, err := outcomeOf(c.P)
	if err != nil {
		return nil, err
	}
	details, err := d.methodDetails(c, rec.PaymentMethodDetails)
	if err != nil {
		return nil, err
	}

	a := Attempts.New(c, c.NewID("par"))
	a.Facts, a.Created, a.Livemode, a.PaymentRecord = rec.Facts, c.Now(), c.Live(), &rec.ID
	a.PaymentMethodDetails = details
	if err := c.ParamsOnly(a, "description", "shipping_details"); err != nil {
		return nil, err
	}
	a.at("initiated", c.P.Num("initiated_at"))
	if err := a.move("open"); err != nil {
		return nil, err
	}
	if outcome != "" {
		a.at(outcome, c.P.At(outcome, outcome+"_at").Int)
		if err := a.move(outcome); err != nil {
			return nil, err
		}
	}
	rec.LatestPaymentAttemptRecord = &a.ID
	return keep(c, rec, a)
}

// outcomeOf is how an attempt that is reported has ended; "" if it has not. Each outcome has a hash that says when.
func outcomeOf(p *form.Value) (string, error) {
	outcome := p.Str("outcome")
	for _, o := range []string{"failed", "guaranteed"} {
		switch given := p.Given(o); {
		case given && o != outcome:
			return "", fault.OutcomeUnfit(o, o)
		case !given && o == outcome:
			return "", fault.Missing(o) // unverified: that Stripe asks for it
		}
	}
	return outcome, nil
}

// methodDetails are how an attempt was paid, as the request says, or as the attempt before it was.
func (d *Domain) methodDetails(c *api.Call, before *MethodDetails) (*MethodDetails, error) {
	sent := c.P.Get("payment_method_details")
	if sent == nil || sent.Kind != form.Object {
		return before, nil
	}
	md := &MethodDetails{Type: "custom"}
	if err := api.Bind(md, sent); err != nil {
		return nil, err
	}
	if md.PaymentMethod != nil {
		pm, err := d.methods.Resolve(c, *md.PaymentMethod, "payment_method_details[payment_method]")
		if err != nil {
			return nil, err
		}
		if pm.Type != "custom" {
			return nil, fault.MethodNotCustom(pm.Type)
		}
		md.PaymentMethod = &pm.ID
		if md.Custom == nil && len(pm.Custom) > 0 {
			if err := json.Unmarshal(pm.Custom, &md.Custom); err != nil {
				return nil, fmt.Errorf("custom of %s: %w", pm.ID, err)
			}
		}
	}
	switch {
	case md.Custom == nil && md.PaymentMethod == nil:
		return nil, fault.Missing("payment_method_details[custom]") // unverified
	case md.Custom != nil && md.Custom.DisplayName == "":
		if md.Custom.Type == nil {
			return nil, fault.Missing("payment_method_details[custom][display_name]") // unverified
		}
		md.Custom.DisplayName = *md.Custom.Type // unverified: Stripe shows the name that the Dashboard has for the type
	}
	return md, nil
}

// ended is the handler of a report that the latest attempt has ended.
func (d *Domain) ended(how, when string) api.Handler {
	return func(c *api.Call) (any, error) {
		rec, last, err := d.latest(c)
		if err != nil {
			return nil, err
		}
		if s := last.Private.Status; s != "open" {
			return nil, fault.AttemptDecided(how, rec.ID, s)
		}

		last.at(how, c.P.Num(when))
		if err := last.move(how); err != nil {
			return nil, err
		}
		return keep(c, rec, last)
	}
}

// A refund is what was reported of one. Its id has its reference, so that no two have the same; nothing shows it.
type refund struct {
	api.Meta
	Amount  int64  `json:"amount"`
	Attempt string `json:"payment_attempt_record"`
	At      int64  `json:"refunded_at"`
}

var refunds = &api.Kind[refund]{Name: "_payment_record_refund", Internal: true}

func (d *Domain) reportRefund(c *api.Call) (any, error) {
	rec, last, err := d.latest(c)
	if err != nil {
		return nil, err
	}
	if s := last.Private.Status; s != "guaranteed" {
		return nil, fault.AttemptNotGuaranteed(rec.ID, s)
	}
	left := last.AmountGuaranteed
	value := left.Value // unverified: that all that is left is refunded where no amount is said
	if sent := c.P.Get("amount"); sent != nil {
		value = sent.Num("value")
		switch currency := sent.Str("currency"); {
		case currency != left.Currency:
			return nil, fault.RefundCurrency(currency, left.Currency)
		case value < 1:
			return nil, fault.BelowMinimum("amount[value]", 1)
		}
	}
	if value > left.Value || value < 1 {
		return nil, fault.RefundAboveGuaranteed(money.Format(value, left.Currency), money.Format(left.Value, left.Currency))
	}
	reference := c.P.At("processor_details", "custom", "refund_reference")
	if reference == nil {
		return nil, fault.Missing("processor_details[custom]") // unverified
	}
	name := "_payment_record_refund:" + reference.Text
	if used, err := refunds.Get(c, name); err != nil || used != nil {
		if err == nil {
			err = fault.RefundReferenceUsed(reference.Text)
		}
		return nil, err
	}

	r := refunds.New(c, name)
	r.Amount, r.Attempt, r.At = value, last.ID, c.Now()
	if at := c.P.At("refunded", "refunded_at"); at != nil {
		r.At = at.Int
	}
	if err := c.Save(r); err != nil {
		return nil, err
	}
	if err := last.refund(value); err != nil {
		return nil, err
	}
	return keep(c, rec, last)
}

func (d *Domain) listAttempts(c *api.Call) (any, error) {
	if _, err := Records.Find(c, c.P.Str("payment_record"), "payment_record"); err != nil {
		return nil, err
	}
	return Attempts.List(c)
}
