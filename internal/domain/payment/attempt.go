package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
	"florin/internal/rail"
)

// An attempt is one thing asked of a network. It is written down before it is sent, so that a process that dies in between leaves a trace,
// and a task finds out what became of it. What an instant rail answers within the unit of work is not written down.
type attempt struct {
	api.Meta
	Operation     rail.Operation `json:"operation"`
	Intent        string         `json:"intent"` // "" for POST /v1/charges
	Charge        string         `json:"charge"`
	Refund        string         `json:"refund,omitempty"`
	Method        string         `json:"method"`
	Amount        int64          `json:"amount"`
	Final         bool           `json:"final,omitempty"` // of a capture: the rest is let go
	ErrorOnAction bool           `json:"error_on_action,omitempty"`
	StripeSDK     bool           `json:"stripe_sdk,omitempty"`
	Status        string         `json:"status"` // sent, done, or abandoned
	Tries         int64          `json:"tries"`  // how often it was asked after
	Verdict       Verdict        `json:"verdict"`
}

var attempts = &api.Kind[attempt]{Name: "_attempt", Internal: true}

const (
	// sendFor is how long a network is waited for within a request.
	sendFor = 10 * time.Second
	// askAfter is when it is asked what became of an attempt, in seconds after it was sent, and again after each time that it did not say.
	askAfter = 30
	// abandonAfter is how often it is asked before the attempt is abandoned and reversed.
	abandonAfter = 8
)

func (d *Domain) attemptRoutes(r *api.Router) {
	r.Task("payment.attempt", d.chase)
	r.Answer("payment_intent", d.answerIntent)
	r.Answer("charge", d.answerCharge)
	r.Answer("refund", d.answerRefund)
}

// ask sends a request to the network of the call's mode, and applies its answer: at once, or in a second unit of work.
func (d *Domain) ask(c *api.Call, a *attempt, req rail.Request, ch *Charge, how *confirmation) error {
	r := d.rails.For(c.Live())
	if r == nil {
		return fault.LiveWithoutAcquirer()
	}
	if ch.way().Flow != paymethod.Card { // which no card network has to do with
		return d.settle(c, a, &rail.Result{Status: rail.Approved}, ch, how)
	}
	if blocked, err := d.screen(c, a, &req, ch, how); blocked || err != nil {
		return err
	}
	if r.Instant() {
		res, err := r.Do(c.Context(), req)
		if err != nil {
			return fmt.Errorf("rail %s: %w", r.Name(), err)
		}
		return d.settle(c, a, &res, ch, how)
	}
	if err := d.writeDown(c, a, req, ch); err != nil {
		return err
	}
	req.Scope = c.Scope
	c.Send(func(ctx context.Context) func(*api.Call) error {
		ctx, cancel := context.WithTimeout(ctx, sendFor)
		defer cancel()
		res, err := r.Do(ctx, req)
		if err != nil {
			return nil // nothing is known; the task asks
		}
		return func(c *api.Call) error { return d.heard(c, req.Attempt, &res) }
	})
	return nil
}

// writeDown records an attempt before it leaves, and shows its object as waiting.
func (d *Domain) writeDown(c *api.Call, a *attempt, req rail.Request, ch *Charge) error {
	rec := attempts.New(c, req.Attempt)
	meta := rec.Meta
	*rec = *a
	rec.Meta, rec.Status = meta, "sent"
	if err := c.Save(rec); err != nil {
		return err
	}
	c.At(c.Now()+askAfter, "payment.attempt", rec.ID)
	if a.Operation != rail.Authorize {
		return nil
	}
	if err := ch.move("pending"); err != nil {
		return err
	}
	if err := d.describe(c, ch, a.Method, &rail.Result{}); err != nil {
		return err
	}
	if err := c.Save(ch, "charge.pending"); err != nil || a.Intent == "" {
		return err
	}
	pi, err := Intents.Get(c, a.Intent)
	if err != nil {
		return err
	}
	pi.LatestCharge = &ch.ID
	if err := d.move(c, pi, processing); err != nil {
		return err
	}
	return c.Save(pi, "payment_intent.processing")
}

// Heard applies a result that came by itself, after its request had been given up.
func (d *Domain) Heard(c *api.Call, attempt string, res *rail.Result) error {
	return d.heard(c, attempt, res)
}

// heard applies what a network says of an attempt, once, however often it says it. Money that is approved after the attempt was abandoned is
// let go again.
func (d *Domain) heard(c *api.Call, id string, res *rail.Result) error {
	a, err := attempts.Get(c, id)
	if err != nil || a == nil {
		return err
	}
	switch a.Status {
	case "done":
		return nil
	case "abandoned":
		if res.Status == rail.Approved && a.Operation == rail.Authorize {
			d.reverse(c, id)
		}
		return nil
	}
	a.Status = "done"
	if err := c.Save(a); err != nil {
		return err
	}
	ch, err := Charges.Get(c, a.Charge)
	if err != nil {
		return err
	}
	return d.settle(c, a, res, ch, nil)
}

// chase is the task that asks what became of an attempt that was not heard of.
func (d *Domain) chase(c *api.Call, id string) error {
	a, err := attempts.Get(c, id)
	if err != nil || a == nil || a.Status != "sent" {
		return err
	}
	r := d.rails.For(c.Live())
	a.Tries++
	last := a.Tries >= abandonAfter
	if err := c.Save(a); err != nil {
		return err
	}
	c.At(c.Now()+askAfter*(a.Tries+1), "payment.attempt", id)
	c.Send(func(ctx context.Context) func(*api.Call) error {
		ctx, cancel := context.WithTimeout(ctx, sendFor)
		defer cancel()
		res, found, err := r.Lookup(ctx, id)
		return func(c *api.Call) error {
			switch {
			case err == nil && found:
				return d.heard(c, id, &res)
			case err == nil || last:
				return d.abandon(c, id)
			}
			return nil
		}
	})
	return nil
}

// abandon gives an attempt up that the network has never heard of, or says nothing of: it fails, and whatever may yet come of it is reversed.
func (d *Domain) abandon(c *api.Call, id string) error {
	a, err := attempts.Get(c, id)
	if err != nil || a == nil || a.Status != "sent" {
		return err
	}
	a.Status = "abandoned"
	if err := c.Save(a); err != nil {
		return err
	}
	d.reverse(c, id)
	ch, err := Charges.Get(c, a.Charge)
	if err != nil {
		return err
	}
	return d.settle(c, a, &rail.Result{Status: rail.Declined, RiskLevel: "normal", Decline: &fault.Decline{
		Code: "processing_error", DeclineCode: "processing_error",
		Message: "An error occurred while processing your card. Try again in a little bit.", AdviceCode: "try_again_later",
	}}, ch, nil)
}

// reverse asks the network to let go of what an attempt may hold.
func (d *Domain) reverse(c *api.Call, id string) {
	r, scope := d.rails.For(c.Live()), c.Scope
	c.Send(func(ctx context.Context) func(*api.Call) error {
		ctx, cancel := context.WithTimeout(ctx, sendFor)
		defer cancel()
		_, _ = r.Do(ctx, rail.Request{Attempt: id, Operation: rail.Reverse, Scope: scope}) // a network lets go by itself when the hold ends
		return nil
	})
}

// settle applies a network's answer.
func (d *Domain) settle(c *api.Call, a *attempt, res *rail.Result, ch *Charge, how *confirmation) error {
	switch a.Operation {
	case rail.Authorize:
		return d.authorized(c, a, res, ch, how)
	case rail.Capture:
		return d.captured(c, a, res, ch)
	case rail.Increment:
		return d.incremented(c, a, res, ch)
	case rail.Refund:
		return d.refunded(c, a, res, ch)
	}
	return nil
}

// authorized applies the answer to a request for money: a hold, the money, a refusal, or the wish to see the cardholder.
func (d *Domain) authorized(c *api.Call, a *attempt, res *rail.Result, ch *Charge, how *confirmation) error {
	var pi *Intent
	var err error
	if a.Intent != "" {
		if pi, err = Intents.Get(c, a.Intent); err != nil {
			return err
		}
	}
	if pi != nil && pi.Private.Invoice != "" && res.Status == rail.Declined && res.Decline.Code == "authentication_required" {
		res.Status = rail.Challenge // an invoice waits for its customer to authenticate. Known from: facts 08 (8e)
	}
	if res.Status == rail.Challenge && pi != nil && ch.Status == "" {
		return d.challenge(c, pi, a)
	}
	if res.Status == rail.Challenge { // of POST /v1/charges, or on a network that was waited for: nobody is there to authenticate
		f := fault.AuthenticationRequired()
		res.Status, res.Decline = rail.Declined, &fault.Decline{Code: f.Code, DeclineCode: f.DeclineCode, Message: f.Message}
	}
	if err := d.describe(c, ch, a.Method, res); err != nil {
		return err
	}
	a.Verdict.show(ch)
	if pi != nil {
		pi.LatestCharge = &ch.ID
	}
	if res.Status != rail.Approved {
		return d.declined(c, pi, a, res, ch, how)
	}
	ch.Paid = true
	ch.Private.FundsNow, ch.Private.RefundPending, ch.Private.RefundFails = res.FundsNow, res.RefundPending, res.RefundFails
	ch.Private.Authorized, ch.Private.Attempt = ch.Amount, a.ID
	ch.Private.Dispute, ch.Private.FraudWarning = res.Dispute, res.EarlyFraudWarning
	ch.ReceiptURL = receiptURL(c, ch)
	if err := ch.move("succeeded"); err != nil {
		return err
	}
	if err := d.useMethod(c, a, res, pi); err != nil {
		return err
	}
	if err := d.tell(c, ch, Approved); err != nil {
		return err
	}
	if pi == nil {
		return d.chargeApproved(c, ch)
	}
	if err := useMandate(c, pi); err != nil {
		return err
	}
	pi.PaymentMethod, pi.LastPaymentError, pi.NextAction = &a.Method, nil, nil
	if pi.captureMethod("card") == "manual" {
		return d.held(c, pi, ch, how)
	}
	return d.paid(c, pi, ch)
}

// paid finishes an intent whose money has come.
func (d *Domain) paid(c *api.Call, pi *Intent, ch *Charge) error {
	ch.Captured, ch.AmountCaptured = true, ch.Amount
	if card := ch.PaymentMethodDetails.Card; card != nil {
		card.CaptureBefore = 0
	}
	way := ch.way()
	pi.AmountReceived = ch.Amount
	if err := d.move(c, pi, succeeded); err != nil {
		return err
	}
	if way.Delayed || pi.captureMethod(way.Name) != "automatic_async" {
		if err := d.earn(c, ch, ch.Amount); err != nil {
			return err
		}
		if err := c.Save(ch, "charge.succeeded"); err != nil {
			return err
		}
		if err := c.Save(pi, "payment_intent.succeeded"); err != nil {
			return err
		}
		return d.tell(c, ch, Captured)
	}
	if err := c.Save(ch, "charge.succeeded"); err != nil {
		return err
	}
	c.Later(func(c *api.Call) error { // facts 08 (8a): the balance transaction is there just after the answer, with a charge.updated
		if err := d.earn(c, ch, ch.Amount); err != nil {
			return err
		}
		if err := c.Save(ch, "charge.updated"); err != nil {
			return err
		}
		return d.tell(c, ch, Captured)
	})
	return c.Save(pi, "payment_intent.succeeded")
}

// describe fills in what a charge shows of its payment method and of the network's answer.
func (d *Domain) describe(c *api.Call, ch *Charge, methodID string, res *rail.Result) error {
	pm, err := paymentmethod.Get(c, methodID)
	if err != nil || pm == nil {
		return err
	}
	ch.PaymentMethod = &pm.ID
	ch.BillingDetails = jsontext.Append(make([]byte, 0, 256), &pm.BillingDetails)
	ch.Private.CardCountry = text(pm.Card.Country)
	card := &CardDetails{
		Brand: pm.Card.Brand, Country: pm.Card.Country, ExpMonth: pm.Card.ExpMonth, ExpYear: pm.Card.ExpYear,
		Fingerprint: opt(pm.Card.Fingerprint), Funding: pm.Card.Funding, Last4: pm.Card.Last4, Network: pm.Card.Brand,
		Checks:                checksOf(res),
		ExtendedAuthorization: Feature{"disabled"}, IncrementalAuthorization: Feature{"unavailable"}, Multicapture: Feature{"unavailable"},
		Overcapture: Overcapture{MaximumAmountCapturable: ch.Amount, Status: "unavailable"}, RegulatedStatus: "unregulated",
		AuthorizationCode: opt(res.AuthorizationCode), NetworkTransactionID: opt(res.NetworkTransactionID),
	}
	if res.Status == rail.Approved {
		card.AmountAuthorized = &ch.Amount
	} else {
		card.AuthorizationCode = nil
	}
	if res.ThreeDSecure != "" {
		card.ThreeDSecure = threeDDetails(res.ThreeDSecure)
	}
	d.features(c, ch, card)
	ch.PaymentMethodDetails = &MethodDetails{Card: card, Type: "card"}
	ch.Outcome = outcome(res)
	return nil
}

// features says what the intent has asked to be able to do with the card later.
func (d *Domain) features(c *api.Call, ch *Charge, card *CardDetails) {
	if ch.PaymentIntent == nil {
		return
	}
	pi, err := Intents.Get(c, *ch.PaymentIntent)
	if err != nil || pi == nil {
		return
	}
	card.Mandate = opt(pi.Private.Mandate)
	wants := func(name string) bool {
		return jsontext.Scalar(pi.PaymentMethodOptions["card"][name]) == "if_available"
	}
	if wants("request_incremental_authorization") {
		card.IncrementalAuthorization.Status = "available"
	}
	if wants("request_multicapture") {
		card.Multicapture.Status = "available"
	}
	if wants("request_extended_authorization") {
		card.ExtendedAuthorization.Status = "enabled"
	}
	if wants("request_overcapture") {
		card.Overcapture = Overcapture{MaximumAmountCapturable: ch.Amount + ch.Amount/5, Status: "available"} // unverified: how much
	}
}

func threeDDetails(result string) *ThreeDDetails {
	flow, version := "challenge", "2.2.0"
	t := &ThreeDDetails{Result: &result, Version: &version}
	if result == "authenticated" {
		t.AuthenticationFlow = &flow
		t.ElectronicCommerce = opt("05")
	}
	return t
}

// outcome is what the charge says of the decision. Known from: facts 07 (7a, 7e).
func outcome(res *rail.Result) *Outcome {
	o := &Outcome{RiskLevel: res.RiskLevel, RiskScore: &res.RiskScore, NetworkStatus: "approved_by_network", SellerMessage: "Payment complete.", Type: "authorized"}
	switch res.Status {
	case rail.Declined:
		o.NetworkStatus, o.Type = "declined_by_network", "issuer_declined"
		o.Reason = opt(res.Decline.DeclineCode)
		o.SellerMessage = sellerMessage(res.Decline)
		o.AdviceCode, o.NetworkAdviceCode, o.NetworkDeclineCode = opt(res.Decline.AdviceCode), opt(res.Decline.NetworkAdviceCode), opt(res.Decline.NetworkDeclineCode)
	case rail.Blocked:
		o.NetworkStatus, o.Type, o.Reason = "not_sent_to_network", "blocked", opt("highest_risk_level")
		o.SellerMessage = "Stripe blocked this payment as too risky."
	case "":
		return nil
	}
	return o
}

// sellerMessage is what a decline tells the merchant. Known from: facts 07 (7a) for the generic one.
func sellerMessage(d *fault.Decline) string {
	switch d.DeclineCode {
	case "generic_decline", "":
		return "The bank did not return any further details with this decline."
	case "insufficient_funds":
		return "The bank returned the decline code `insufficient_funds`."
	}
	return "The bank returned the decline code `" + d.DeclineCode + "`."
}

// declined keeps what a refused payment leaves: the failed charge, the intent's last error, the events.
func (d *Domain) declined(c *api.Call, pi *Intent, a *attempt, res *rail.Result, ch *Charge, how *confirmation) error {
	f := fault.Declined(*res.Decline)
	ch.FailureCode, ch.FailureMessage = &f.Code, &f.Message
	ch.Private.DeclineCode, ch.Private.DeclineParam = f.DeclineCode, f.Param
	if err := ch.move("failed"); err != nil {
		return err
	}
	if how != nil {
		if err := how.emitCreated(c); err != nil {
			return err
		}
	}
	if err := c.Save(ch, "charge.failed"); err != nil || pi == nil {
		return err
	}
	f.Charge = ch.ID
	pm, err := paymentmethod.Get(c, a.Method)
	if err != nil {
		return err
	}
	pm.Card.Checks = checksOf(res)
	if err := c.Save(pm); err != nil {
		return err
	}
	return d.fail(c, pi, pm, f)
}

// fail puts an intent back to needing a payment method, with the error that says why.
func (d *Domain) fail(c *api.Call, pi *Intent, pm *method, f *fault.Error) error {
	body, err := c.Show(pm)
	if err != nil {
		return err
	}
	f.PaymentMethod = body
	shown := *f
	pi.LastPaymentError = errorObject(&shown)
	pi.PaymentMethod, pi.NextAction = nil, nil
	pi.Private.Challenge, pi.Private.Challenged, pi.Private.Asked = "", "", ""
	if err := d.move(c, pi, needsMethod); err != nil {
		return err
	}
	return c.Save(pi, "payment_intent.payment_failed")
}

// errorObject is a fault as an object's last error shows it.
func errorObject(f *fault.Error) json.RawMessage {
	return json.RawMessage(jsontext.Get(api.FaultBody(f, ""), "error"))
}

// faultOf makes the answer of an object's last error.
func faultOf(object []byte) *fault.Error {
	t := func(name string) string { return jsontext.Text(object, name) }
	f := fault.Declined(fault.Decline{
		Code: t("code"), DeclineCode: t("decline_code"), Param: t("param"), Message: t("message"),
		AdviceCode: t("advice_code"), NetworkDeclineCode: t("network_decline_code"), NetworkAdviceCode: t("network_advice_code"),
	})
	f.Charge, f.Type = t("charge"), t("type")
	f.PaymentMethod = jsontext.Get(object, "payment_method")
	if f.Type == fault.Request {
		f.Status = 400
	}
	return f
}

func checksOf(res *rail.Result) paymentmethod.Checks {
	return paymentmethod.Checks{AddressLine1Check: opt(res.Line1Check), AddressPostalCodeCheck: opt(res.PostalCheck), CVCCheck: opt(res.CVCCheck)}
}

// useMethod notes on a payment method that it has paid, and keeps it for the customer if the intent says so.
func (d *Domain) useMethod(c *api.Call, a *attempt, res *rail.Result, pi *Intent) error {
	pm, err := paymentmethod.Get(c, a.Method)
	if err != nil || pm == nil {
		return err
	}
	keep := pi != nil && pi.Customer != nil && pi.SetupFutureUsage != nil && pm.Customer == nil
	if keep {
		pm.Private.SetUp = *pi.SetupFutureUsage == "off_session"
		if err := d.methods.AttachTo(c, pm, *pi.Customer); err != nil {
			return err
		}
	}
	return d.methods.Used(c, pm, checksOf(res))
}

// useMandate ends the mandate of a payment, if it was for this one only.
func useMandate(c *api.Call, pi *Intent) error {
	if pi.Private.Mandate == "" {
		return nil
	}
	m, err := setup.Mandates.Get(c, pi.Private.Mandate)
	if err != nil || m == nil {
		return err
	}
	return m.Used(c)
}

// merchant is the account that a call acts for.
func merchant(c *api.Call) *account.Account { return account.Of(c) }
