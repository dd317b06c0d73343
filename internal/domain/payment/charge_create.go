package payment

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/rail"
)

// createCharge takes money without an intent: the older way. The source is a token, or a payment method or card of the customer.
func (d *Domain) createCharge(c *api.Call) (any, error) {
	p := c.P
	for _, name := range []string{"amount", "currency"} {
		if !p.Given(name) {
			return nil, fault.Missing(name)
		}
	}
	if err := d.checkAmount(c, p.Num("amount"), p.Str("currency")); err != nil {
		return nil, err
	}
	shareOfCharge(p)
	if err := d.checkSharing(c, sharing{}, p.Num("amount")); err != nil {
		return nil, err
	}
	if err := checkDescriptors(p); err != nil {
		return nil, err
	}
	if d.rails.For(c.Live()) == nil {
		return nil, fault.LiveWithoutAcquirer()
	}
	pm, source, err := d.chargeSource(c)
	if err != nil {
		return nil, err
	}

	prefix := "ch"
	if pm.Card == nil {
		prefix = "py"
	}
	ch := Charges.New(c, id.New(prefix, id.Bare, c.Now(), c.AccountPart()))
	ch.Created, ch.Livemode, ch.Metadata, ch.RadarOptions = c.Now(), c.Live(), map[string]string{}, json.RawMessage("{}")
	ch.AmountUpdates = noUpdates(c)
	if err := c.ParamsBut(ch, "source", "card", "capture", "destination", "application_fee", "radar_options"); err != nil {
		return nil, err
	}
	if ch.TransferData != nil {
		ch.Destination = &ch.TransferData.Destination
		if ch.TransferGroup == nil {
			ch.TransferGroup = groupOf(ch)
		}
	}
	if platform := account.Platform(c); platform != nil {
		ch.Application = opt(platform.Application())
	}
	if source != nil {
		if err := d.methods.Charged(c, source, ch.Amount); err != nil {
			return nil, err
		}
		if ch.Source, err = paymentmethod.Shown(c, source); err != nil {
			return nil, err
		}
	}
	ch.CalculatedStatementDescriptor = descriptor(c, ch)
	ch.Private.Manual = p.Given("capture") && !p.True("capture")
	if pm.Card == nil {
		return d.chargeOld(c, ch, pm, source)
	}
	req, err := d.cardRequest(c, pm, ch)
	if err != nil {
		return nil, err
	}
	req.OffSession = true // nobody is asked to authenticate
	req.Authenticated = pm.Private.Authenticated
	a := &attempt{Operation: rail.Authorize, Charge: ch.ID, Method: pm.ID, Amount: ch.Amount}
	if err := d.ask(c, a, req, ch, nil); err != nil {
		return nil, err
	}
	return api.Answer{Name: "charge", Arg: ch.ID}, nil
}

// shareOfCharge gives the older parameters of a charge their newer names: application_fee, and destination as an id or with an amount.
func shareOfCharge(p *form.Value) {
	if fee := p.Get("application_fee"); fee != nil && !p.Has("application_fee_amount") {
		p.Set("application_fee_amount", fee)
	}
	dest := p.Get("destination")
	if dest == nil || p.Has("transfer_data") {
		return
	}
	data := &form.Value{Kind: form.Object}
	if dest.Kind == form.Object {
		data.Set("destination", dest.Get("account"))
		if amount := dest.Get("amount"); amount != nil {
			data.Set("amount", amount)
		}
	} else {
		data.Set("destination", dest)
	}
	p.Set("transfer_data", data)
}

// chargeSource finds what a charge is to be taken from.
func (d *Domain) chargeSource(c *api.Call) (*method, api.Resource, error) {
	p := c.P
	source := p.Get("source")
	if source == nil {
		source = p.Get("card")
	}
	cus := p.Str("customer")
	if source == nil && cus == "" {
		return nil, nil, fault.MustProvideSource()
	}
	if cus != "" {
		owner, err := d.customer(c, cus, "customer")
		if err != nil {
			return nil, nil, err
		}
		if source == nil {
			if owner.DefaultSource == nil {
				return nil, nil, fault.NoCardOnCustomer()
			}
			source = &form.Value{Kind: form.String, Text: *owner.DefaultSource}
		}
	}
	pm, res, err := d.methods.FromSource(c, source, "source")
	if err != nil {
		return nil, nil, err
	}
	return pm, res, paymentmethod.CheckCharge(c, res, p.Num("amount"), p.Str("currency"), cus)
}

// chargeApproved finishes a charge without an intent that the network has approved.
func (d *Domain) chargeApproved(c *api.Call, ch *Charge) error {
	if ch.Private.Manual {
		until := c.Now() + holdFor
		ch.PaymentMethodDetails.Card.CaptureBefore = until
		c.At(until, "charge.expire", ch.ID)
		return c.Save(ch, "charge.succeeded")
	}
	ch.Captured, ch.AmountCaptured = true, ch.Amount
	if err := d.earn(c, ch, ch.Amount); err != nil {
		return err
	}
	if err := c.Save(ch, "charge.succeeded"); err != nil {
		return err
	}
	return d.tell(c, ch, Captured)
}

// captureCharge takes the money that a charge holds, or some of it; the rest is let go.
func (d *Domain) captureCharge(c *api.Call) (any, error) {
	ch, err := Charges.InPath(c, "charge")
	if err != nil {
		return nil, err
	}
	switch {
	case ch.PaymentIntent != nil:
		return nil, fault.ChargeOfIntent(*ch.PaymentIntent).AfterStart()
	case ch.Captured:
		return nil, fault.ChargeAlreadyCaptured(ch.ID)
	case !ch.Paid || ch.Refunded || ch.Private.Released:
		return nil, fault.ChargeNotCapturable(ch.ID)
	}
	amount := ch.Amount
	if c.P.Given("amount") {
		amount = c.P.Num("amount")
	}
	if amount < 1 {
		return nil, fault.BelowMinimum("amount", 1)
	}
	if amount > ch.Amount {
		return nil, fault.CaptureTooMuch("amount").AfterStart()
	}
	if err := checkDescriptors(c.P); err != nil {
		return nil, err
	}

	if c.P.Given("application_fee_amount") || c.P.Has("transfer_data") {
		now := sharing{fee: ch.ApplicationFeeAmount, onBehalfOf: text(ch.OnBehalfOf)}
		if ch.TransferData != nil {
			now.amount, now.destination = ch.TransferData.Amount, ch.TransferData.Destination
		}
		if err := d.checkSharing(c, now, ch.Amount); err != nil {
			return nil, err
		}
	}

	if err := c.ParamsOnly(ch, "application_fee_amount", "transfer_data", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group"); err != nil {
		return nil, err
	}
	ch.CalculatedStatementDescriptor = descriptor(c, ch)
	if err := c.Save(ch); err != nil {
		return nil, err
	}
	a := &attempt{Operation: rail.Capture, Charge: ch.ID, Amount: amount, Final: true}
	if err := d.ask(c, a, d.followUp(c, ch, rail.Capture, amount), ch, nil); err != nil {
		return nil, err
	}
	return api.Answer{Name: "charge", Arg: ch.ID}, nil
}

// expireCharge is the task that lets go of a charge that nobody has captured in time.
func (d *Domain) expireCharge(c *api.Call, id string) error {
	ch, err := Charges.Get(c, id)
	if err != nil || ch == nil || ch.Captured || ch.Refunded || ch.Private.Released {
		return err
	}
	return d.letGo(c, ch, "charge.expired")
}

// answerCharge answers with a charge as it stands, or with the refusal that it ended with.
func (d *Domain) answerCharge(c *api.Call, id string) (any, error) {
	ch, err := Charges.Get(c, id)
	if err != nil || ch == nil {
		return nil, err
	}
	if ch.Status == "pending" {
		return nil, api.ErrStillOut
	}
	if ch.Status != "failed" {
		return ch, nil
	}
	o := ch.Outcome
	f := fault.Declined(fault.Decline{
		Code: text(ch.FailureCode), Message: text(ch.FailureMessage), DeclineCode: ch.Private.DeclineCode,
		AdviceCode: text(o.AdviceCode), NetworkAdviceCode: text(o.NetworkAdviceCode), NetworkDeclineCode: text(o.NetworkDeclineCode),
	})
	f.Charge, f.Param = ch.ID, ch.Private.DeclineParam
	return nil, f
}
