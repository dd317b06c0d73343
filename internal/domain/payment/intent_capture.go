package payment

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/paymethod"
	"florin/internal/rail"
)

// holdFor is how long a card's issuer holds money that was authorized online, in seconds. Known from: facts 08 (8a: about 7 days).
const holdFor = 7 * 24 * 3600

// held finishes the authorization of an intent that is to be captured later.
func (d *Domain) held(c *api.Call, pi *Intent, ch *Charge, how *confirmation) error {
	pi.AmountCapturable = ch.Amount
	until := c.Now() + ch.way().HoldFor*24*3600
	if card := ch.PaymentMethodDetails.Card; card != nil {
		card.CaptureBefore = until
	}
	c.At(until, "payment_intent.expire", pi.ID)
	if err := d.move(c, pi, needsCapture); err != nil {
		return err
	}
	if how != nil {
		if err := how.emitCreated(c); err != nil {
			return err
		}
	}
	if err := c.Save(ch, "charge.succeeded"); err != nil {
		return err
	}
	return c.Save(pi, "payment_intent.amount_capturable_updated")
}

// captureIntent takes the money that is held, or some of it. Without final_capture=false the rest is let go.
func (d *Domain) captureIntent(c *api.Call) (any, error) {
	pi, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if pi.Status != needsCapture {
		if pi.Status == succeeded && pi.CaptureMethod == "manual" {
			return nil, intentState(c, pi, fault.AlreadyCaptured())
		}
		return nil, intentState(c, pi, fault.CannotCapture(pi.Status))
	}
	if err := d.checkShared(c, pi.Currency); err != nil {
		return nil, err
	}
	if err := d.checkSharing(c, pi.sharing(), pi.Amount); err != nil {
		return nil, err
	}
	ch, err := Charges.Get(c, text(pi.LatestCharge))
	if err != nil {
		return nil, err
	}
	card := ch.cardDetails()
	amount := pi.AmountCapturable
	if c.P.Given("amount_to_capture") {
		amount = c.P.Num("amount_to_capture")
	}
	if amount < 1 {
		return nil, fault.BelowMinimum("amount_to_capture", 1)
	}
	most := pi.AmountCapturable
	if card.Overcapture.Status == "available" && ch.Private.Captures == 0 {
		most = max(most, card.Overcapture.MaximumAmountCapturable)
	}
	if amount > most {
		return nil, fault.CaptureTooMuch("amount_to_capture").AfterStart()
	}
	final := !c.P.Given("final_capture") || c.P.True("final_capture")
	if way := ch.way(); way.WholeOnly && amount < pi.AmountCapturable {
		return nil, fault.WholeOnly(way.Name)
	}
	if !final && card.Multicapture.Status != "available" {
		return nil, fault.IncrementNotEligible().AfterStart()
	}

	if err := c.ParamsOnly(pi, "metadata", "statement_descriptor", "statement_descriptor_suffix", "application_fee_amount", "transfer_data"); err != nil {
		return nil, err
	}
	ch.ApplicationFeeAmount, ch.TransferData = pi.ApplicationFeeAmount, pi.TransferData.ofCharge()
	if err := d.setAmountDetails(c, pi, c.P.Get("amount_details")); err != nil {
		return nil, err
	}
	ch.StatementDescriptor, ch.StatementDescriptorSuffix = pi.StatementDescriptor, pi.StatementDescriptorSuffix
	ch.CalculatedStatementDescriptor = descriptor(c, ch)
	a := &attempt{Operation: rail.Capture, Intent: pi.ID, Charge: ch.ID, Amount: amount, Final: final || amount >= pi.AmountCapturable}
	if err := c.Save(pi); err != nil {
		return nil, err
	}
	if err := d.ask(c, a, d.followUp(c, ch, rail.Capture, amount), ch, nil); err != nil {
		return nil, err
	}
	return api.Answer{Name: "payment_intent", Arg: pi.ID}, nil
}

// followUp says to the network what is wanted of a charge that it has approved.
func (d *Domain) followUp(c *api.Call, ch *Charge, op rail.Operation, amount int64) rail.Request {
	return rail.Request{
		Attempt: c.NewID("patt"), Operation: op, Amount: amount, Currency: ch.Currency, Created: c.Now(),
		Merchant: merchant(c).ID, Descriptor: text(ch.CalculatedStatementDescriptor), Original: ch.ID,
	}
}

// captured applies the network's answer to a capture.
func (d *Domain) captured(c *api.Call, a *attempt, res *rail.Result, ch *Charge) error {
	if res.Status != rail.Approved {
		return nil // the money is still held, and may be captured again until it expires
	}
	ch.AmountCaptured += a.Amount
	ch.Captured = true
	ch.Private.Captures++
	ch.Private.Released = a.Final && ch.AmountCaptured < ch.Private.Authorized
	if err := d.earn(c, ch, a.Amount); err != nil {
		return err
	}
	if err := c.Save(ch, "charge.captured"); err != nil {
		return err
	}
	if a.Intent == "" {
		return d.tell(c, ch, Captured)
	}
	pi, err := Intents.Get(c, a.Intent)
	if err != nil {
		return err
	}
	pi.AmountReceived += a.Amount
	if !a.Final {
		pi.AmountCapturable -= a.Amount
		return c.Save(pi, "payment_intent.amount_capturable_updated")
	}
	pi.AmountCapturable = 0
	if err := d.move(c, pi, succeeded); err != nil {
		return err
	}
	if err := c.Save(pi, "payment_intent.succeeded"); err != nil {
		return err
	}
	return d.tell(c, ch, Captured)
}

// incrementIntent asks the issuer to hold more.
func (d *Domain) incrementIntent(c *api.Call) (any, error) {
	pi, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if pi.Status != needsCapture {
		return nil, intentState(c, pi, fault.CannotIncrement(pi.Status))
	}
	ch, err := Charges.Get(c, text(pi.LatestCharge))
	if err != nil {
		return nil, err
	}
	if ch.cardDetails().IncrementalAuthorization.Status != "available" || ch.Private.Captures > 0 {
		return nil, fault.IncrementNotEligible().AfterStart()
	}
	amount := c.P.Num("amount")
	if amount <= pi.Amount {
		return nil, fault.IncrementTooSmall()
	}
	if err := d.checkAmount(c, amount, pi.Currency); err != nil {
		return nil, err
	}
	if err := d.checkShared(c, pi.Currency); err != nil {
		return nil, err
	}
	if err := d.checkSharing(c, pi.sharing(), amount); err != nil {
		return nil, err
	}

	if err := c.ParamsOnly(pi, "description", "metadata", "statement_descriptor", "application_fee_amount", "transfer_data"); err != nil {
		return nil, err
	}
	if err := c.Save(pi); err != nil {
		return nil, err
	}
	a := &attempt{Operation: rail.Increment, Intent: pi.ID, Charge: ch.ID, Amount: amount}
	if err := d.ask(c, a, d.followUp(c, ch, rail.Increment, amount), ch, nil); err != nil {
		return nil, err
	}
	return api.Answer{Name: "payment_intent", Arg: pi.ID}, nil
}

// incremented applies the network's answer to an increment.
func (d *Domain) incremented(c *api.Call, a *attempt, res *rail.Result, ch *Charge) error {
	if res.Status != rail.Approved {
		return nil // what was held before still is
	}
	pi, err := Intents.Get(c, a.Intent)
	if err != nil {
		return err
	}
	pi.Amount, pi.AmountCapturable = a.Amount, a.Amount
	ch.Amount, ch.Private.Authorized = a.Amount, a.Amount
	ch.PaymentMethodDetails.Card.AmountAuthorized = &ch.Amount
	ch.PaymentMethodDetails.Card.Overcapture.MaximumAmountCapturable = a.Amount
	if err := c.Save(ch, "charge.updated"); err != nil {
		return err
	}
	return c.Save(pi, "payment_intent.amount_capturable_updated")
}

// cancelIntent ends an intent that has not succeeded, and lets go of what is held.
func (d *Domain) cancelIntent(c *api.Call) (any, error) {
	pi, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if pi.Status == succeeded || pi.Status == canceled {
		return nil, intentState(c, pi, fault.CannotCancel(pi.Status))
	}
	return pi, d.cancel(c, pi, c.P.Str("cancellation_reason"))
}

// expireIntent is the task that ends the hold of an intent that nobody has captured in time.
func (d *Domain) expireIntent(c *api.Call, intent string) error {
	pi, err := Intents.Get(c, intent)
	if err != nil || pi == nil || pi.Status != needsCapture {
		return err
	}
	return d.cancel(c, pi, "expired", "charge.expired")
}

// Cancel ends an intent from another domain, with its reason.
func (d *Domain) Cancel(c *api.Call, pi *Intent, reason string) error {
	return d.cancel(c, pi, reason)
}

// cancel ends an intent; what it holds is let go, which the events tell of the charge.
func (d *Domain) cancel(c *api.Call, pi *Intent, reason string, events ...string) error {
	if pi.Status == needsCapture {
		ch, err := Charges.Get(c, text(pi.LatestCharge))
		if err != nil {
			return err
		}
		if err := d.letGo(c, ch, events...); err != nil {
			return err
		}
	}
	if err := d.stop(c, pi); err != nil {
		return err
	}
	now := c.Now()
	pi.CanceledAt, pi.CancellationReason = &now, opt(reason)
	pi.AmountCapturable, pi.NextAction = 0, nil
	if pi.AmountReceived > 0 { // some has been captured: the intent has succeeded with that
		pi.CanceledAt, pi.CancellationReason = nil, nil
		if err := d.move(c, pi, succeeded); err != nil {
			return err
		}
		return c.Save(pi, "payment_intent.succeeded")
	}
	if err := d.move(c, pi, canceled); err != nil {
		return err
	}
	return c.Save(pi, "payment_intent.canceled")
}

// letGo releases what a charge holds and has not captured. Nothing is refunded by that. Known from: facts 13 (B3: since basil).
func (d *Domain) letGo(c *api.Call, ch *Charge, events ...string) error {
	if r := d.rails.For(c.Live()); r != nil && !r.Instant() && ch.way().Flow == paymethod.Card {
		d.reverse(c, ch.Private.Attempt)
	}
	ch.Private.Released = true
	if err := c.Save(ch, events...); err != nil {
		return err
	}
	return d.tell(c, ch, Released)
}

// amountDetailsOf are the parts of amount_details that are shown; line items have a list of their own.
type amountDetailsOf struct {
	DiscountAmount *int64          `json:"discount_amount,omitempty"`
	Shipping       json.RawMessage `json:"shipping,omitempty"`
	Tax            json.RawMessage `json:"tax,omitempty"`
	Tip            json.RawMessage `json:"tip"`
}
