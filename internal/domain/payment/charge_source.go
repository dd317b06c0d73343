package payment

import (
	"encoding/json"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
	"florin/internal/rail"
	"florin/internal/spec"
)

// Charges without an intent whose source is no card: a customer's bank account, or a source (src_…) that its customer has authorized or sent money to. They are
// py_…; debits are pending until a task knows how they went, all else has come. Known from: docs.stripe.com/ach-deprecated, docs.stripe.com/sources.

// typeOfOld is the type that a charge shows of a source: of a bank account, ach_debit.
func typeOfOld(pm *method, source api.Resource) string {
	switch s := source.(type) {
	case *paymentmethod.Source:
		if s.Type != "three_d_secure" {
			return s.Type
		}
	case *account.BankAccount:
		return "ach_debit"
	}
	return pm.Type
}

// chargeOld makes the charge of a source that is no card.
func (d *Domain) chargeOld(c *api.Call, ch *Charge, pm *method, source api.Resource) (any, error) {
	t := paymethod.Of(typeOfOld(pm, source))
	if t == nil || c.Live() {
		return nil, fault.MethodNotBuilt(pm.Type)
	}
	if ch.Private.Manual {
		return nil, fault.CaptureLaterUnsupported(t.Name)
	}
	if err := d.describeOld(c, ch, pm, source, t); err != nil {
		return nil, err
	}
	ch.CalculatedStatementDescriptor, ch.Private.Authorized = nil, ch.Amount
	if err := d.methods.Used(c, pm, paymentmethod.Checks{}); err != nil {
		return nil, err
	}
	test, err := d.testOf(pm)
	if err != nil {
		return nil, err
	}
	switch {
	case test.Block:
		if err := d.chargeFailed(c, ch, "card_declined", "The payment was blocked as too risky."); err != nil { // unverified: the code
			return nil, err
		}
		return d.answerCharge(c, ch.ID)
	case t.Delayed:
		ch.Captured, ch.AmountCaptured = true, ch.Amount
		if err := ch.move("pending"); err != nil {
			return nil, err
		}
		if !test.Stays {
			c.At(c.Now()+test.After, "payment.settle", ch.ID)
		}
		return ch, c.Save(ch, "charge.pending")
	}
	return ch, d.chargeCame(c, ch)
}

// describeOld fills in what a charge shows of a source.
func (d *Domain) describeOld(c *api.Call, ch *Charge, pm *method, source api.Resource, t *paymethod.Type) error {
	if paymethod.Types[t.Name] != nil {
		return d.describeLocal(c, ch, pm, &Intent{})
	}
	shown, err := c.Show(source)
	if err != nil {
		return err
	}
	if hash := jsontext.Get(shown, t.Name); len(hash) > 0 { // a source has a hash of its type, a bank account is one
		shown = hash
	}
	members := map[string]json.RawMessage{}
	for _, p := range spec.SchemaOf("payment_method_details_" + t.Name).Properties() {
		switch v := jsontext.Get(shown, p.Name); {
		case len(v) > 0:
			members[p.Name] = slices.Clone(v)
		case p.Nullable:
			members[p.Name] = json.RawMessage("null")
		}
	}
	details := &MethodDetails{Type: t.Name}
	body := json.RawMessage(jsontext.Append(nil, &members))
	switch t.Name {
	case "ach_credit_transfer":
		details.ACHCreditTransfer = body
	case "ach_debit":
		details.ACHDebit = body
	case "wechat":
		details.Wechat = body
	}
	ch.PaymentMethod, ch.PaymentMethodDetails = &pm.ID, details
	ch.BillingDetails = jsontext.Append(nil, &pm.BillingDetails)
	return nil
}

// settleCharge ends a charge without an intent that was pending. It is a part of the task settleLocal.
func (d *Domain) settleCharge(c *api.Call, ch *Charge) error {
	pm, err := paymentmethod.Get(c, text(ch.PaymentMethod))
	if err != nil || pm == nil {
		return err
	}
	test, err := d.testOf(pm)
	if err != nil {
		return err
	}
	if test.Fail != "" {
		return d.chargeFailed(c, ch, test.Fail, paymethod.Explain(test.Fail))
	}
	if test.Dispute { // whoever follows charges disputes it
		ch.Private.Dispute = &rail.Dispute{Reason: "debit_not_authorized"}
	}
	ch.expected()
	return d.chargeCame(c, ch)
}

// chargeCame finishes a charge without an intent whose money has come.
func (d *Domain) chargeCame(c *api.Call, ch *Charge) error {
	ch.Paid, ch.Captured, ch.AmountCaptured = true, true, ch.Amount
	ch.ReceiptURL = opt(c.Base() + "/receipts/payment/" + merchant(c).ID + "/" + ch.ID + "/" + id.Secret(24))
	if err := ch.move("succeeded"); err != nil {
		return err
	}
	ch.Outcome = outcomeOf(ch)
	if err := d.earn(c, ch, ch.Amount); err != nil {
		return err
	}
	if err := c.Save(ch, "charge.succeeded"); err != nil {
		return err
	}
	return d.tell(c, ch, Captured)
}

// chargeFailed keeps what a charge without an intent leaves when it has failed.
func (d *Domain) chargeFailed(c *api.Call, ch *Charge, code, message string) error {
	ch.FailureCode, ch.FailureMessage = &code, &message
	ch.Paid, ch.Captured, ch.AmountCaptured = false, false, 0
	if err := ch.move("failed"); err != nil {
		return err
	}
	o := outcomeOf(ch)
	o.NetworkStatus, o.Type, o.Reason, o.SellerMessage = "declined_by_network", "issuer_declined", &code, message
	ch.Outcome = o
	return c.Save(ch, "charge.failed")
}

// sourceRefunded follows charges: a source that received money is told that some goes back.
func sourceRefunded(c *api.Call, ch *Charge, step Step) error {
	source := jsontext.Text(ch.Source, "id")
	more := ch.AmountRefunded - ch.Private.Returned
	if step != Refunded || jsontext.Text(ch.Source, "object") != "source" || more <= 0 {
		return nil
	}
	ch.Private.Returned = ch.AmountRefunded
	if _, err := paymentmethod.Returned(c, source, more); err != nil {
		return err
	}
	return c.Save(ch)
}
