package billing

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/payment"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/money"
)

// createCreditNote issues a credit note: what is to go back goes at once. unverified: the order of the events; that an invoice which is paid so tells of
// it as one that is paid otherwise. Florin sends no mail, so email_type changes nothing.
func (d *Domain) createCreditNote(c *api.Call) (any, error) {
	inv, err := creditedInvoice(c)
	if err != nil {
		return nil, err
	}
	cus, err := d.customerOf(c, inv.Customer)
	if err != nil {
		return nil, err
	}
	cn, err := newCreditNote(c, inv)
	if err != nil {
		return nil, err
	}

	if err := d.refundCredit(c, inv, cn, c.P.Num("refund_amount")); err != nil {
		return nil, err
	}
	if credit := c.P.Num("credit_amount"); credit > 0 {
		txn, err := d.customers.CreditBalance(c, cus, credit, cn.Currency, inv.ID, cn.ID)
		if err != nil {
			return nil, err
		}
		cn.CustomerBalanceTransaction = &txn.ID
	}
	if err := c.Save(cn, "credit_note.created"); err != nil {
		return nil, err
	}
	return cn, d.creditInvoice(c, inv, cn)
}

// creditedInvoice is the invoice that a credit note is for. unverified: that one which is given up can be credited as an open one.
func creditedInvoice(c *api.Call) (*Invoice, error) {
	inv, err := Invoices.Find(c, c.P.Str("invoice"), "invoice")
	if err != nil {
		return nil, err
	}
	if inv.Status == draft || inv.Status == void {
		return nil, fault.CreditNoteOfDraft(inv.Status)
	}
	if c.P.Given("shipping_cost") {
		return nil, fault.ParamNotBuilt("shipping_cost")
	}
	return inv, nil
}

// newCreditNote makes the credit note that the request describes, and refuses what cannot be. Nothing has come of it yet.
func newCreditNote(c *api.Call, inv *Invoice) (*CreditNote, error) {
	before, err := creditedBefore(c, inv.ID)
	if err != nil {
		return nil, err
	}
	cn := blankCreditNote(c, inv, before.notes+1)
	if err := c.ParamsOnly(cn, "effective_at", "memo", "metadata", "reason"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(cn.Metadata); err != nil {
		return nil, err
	}
	lines, err := creditLines(c, inv, before)
	if err != nil {
		return nil, err
	}
	cn.add(inv, lines)
	if cn.Total <= 0 {
		return nil, fault.CreditNoteNothing()
	}
	if amount := c.P.Num("amount"); c.P.Given("amount") && amount != cn.Total {
		return nil, fault.CreditNoteAmount(money.Format(amount, cn.Currency), money.Format(cn.Total, cn.Currency))
	}
	return cn, cn.split(c, inv, before)
}

func blankCreditNote(c *api.Call, inv *Invoice, nth int) *CreditNote {
	cn := CreditNotes.New(c, c.NewID("cn"))
	now := c.Now()
	cn.Created, cn.EffectiveAt, cn.Livemode, cn.Metadata, cn.Status = now, &now, c.Live(), map[string]string{}, issued
	cn.Currency, cn.Customer, cn.CustomerAccount, cn.Invoice = inv.Currency, inv.Customer, inv.CustomerAccount, inv.ID
	cn.Number = fmt.Sprintf("%s-CN-%02d", text(inv.Number), nth)
	cn.PDF = "https://pay.stripe.com/credit_notes/" + account.Of(c).ID + "/" + mode(c) + "_" +
		base64.RawURLEncoding.EncodeToString([]byte(cn.ID+","+id.Secret(16))) + "/pdf?s=ap"
	cn.Refunds = []CreditNoteRefund{}
	return cn
}

// split divides a credit note into what lowers the invoice and what goes back, and says where that goes.
func (cn *CreditNote) split(c *api.Call, inv *Invoice, before *credited) error {
	ch, err := chargeOf(c, inv)
	if err != nil {
		return err
	}
	if err := cn.link(c, ch, before); err != nil {
		return err
	}
	if left := inv.creditable(ch, before); cn.Total > left {
		return fault.CreditNoteTooMuch(money.Format(cn.Total, cn.Currency), money.Format(left, cn.Currency))
	}
	if inv.Status != paid {
		cn.PrePaymentAmount = min(cn.Total, inv.AmountRemaining)
	}
	cn.PostPaymentAmount = cn.Total - cn.PrePaymentAmount
	switch {
	case cn.PostPaymentAmount == 0:
		cn.Type = "pre_payment"
	case cn.PrePaymentAmount == 0:
		cn.Type = "post_payment"
	default:
		cn.Type = "mixed"
	}
	if cn.PrePaymentAmount > 0 {
		if err := inv.repriceable(c); err != nil {
			return err
		}
	}
	return cn.assign(c, ch)
}

// link has the credit note stand for refunds that were made before.
func (cn *CreditNote) link(c *api.Call, ch *payment.Charge, before *credited) error {
	list := c.P.Get("refunds")
	if list == nil {
		return nil
	}
	for i, v := range list.Items {
		at := "refunds[" + strconv.Itoa(i) + "]"
		if v.Str("type") == "payment_record_refund" || v.Has("payment_record_refund") {
			return fault.ParamNotBuilt(under(at, "payment_record_refund"))
		}
		if v.Str("refund") == "" {
			return fault.Missing(under(at, "refund"))
		}
		re, err := payment.Refunds.Find(c, v.Str("refund"), under(at, "refund"))
		if err != nil {
			return err
		}
		left := re.Amount - before.refunds[re.ID]
		amount := left
		if v.Given("amount_refunded") {
			amount = v.Num("amount_refunded")
		}
		switch {
		case ch == nil || text(re.Charge) != ch.ID:
			return fault.CreditNoteRefundOfOther(under(at, "refund"), re.ID)
		case re.Status == "failed" || re.Status == "canceled":
			return fault.CreditNoteRefundGone(under(at, "refund"), re.ID, re.Status)
		case v.Given("amount_refunded") && amount < 1:
			return fault.BelowMinimum(under(at, "amount_refunded"), 1)
		case amount < 1 || amount > left:
			return fault.CreditNoteRefundUsed(under(at, "amount_refunded"), money.Format(max(amount, 1), cn.Currency), money.Format(left, cn.Currency))
		}
		before.refunds[re.ID] += amount
		cn.Refunds = append(cn.Refunds, CreditNoteRefund{amount, nil, re.ID, "refund"})
	}
	return nil
}

// assign sees to it that all of what goes back is named: refunds, credit, or outside of Stripe, where what is left over goes when the rest is named.
func (cn *CreditNote) assign(c *api.Call, ch *payment.Charge) error {
	named := int64(0)
	for _, name := range []string{"refund_amount", "credit_amount", "out_of_band_amount"} {
		if c.P.Num(name) < 0 {
			return fault.BelowMinimum(name, 0)
		}
		named += c.P.Num(name)
	}
	for _, re := range cn.Refunds {
		named += re.AmountRefunded
	}
	if c.P.Given("out_of_band_amount") {
		amount := c.P.Num("out_of_band_amount")
		cn.OutOfBandAmount = &amount
	}
	switch rest := cn.PostPaymentAmount - named; {
	case rest < 0, rest > 0 && (named == 0 || cn.OutOfBandAmount != nil):
		return fault.CreditNoteSum(money.Format(named, cn.Currency), money.Format(cn.PostPaymentAmount, cn.Currency))
	case rest > 0:
		cn.OutOfBandAmount = &rest
	}
	refund := c.P.Num("refund_amount")
	if refund == 0 {
		return nil
	}
	if ch == nil {
		return fault.CreditNoteNoCharge()
	}
	if left := ch.AmountCaptured - ch.AmountRefunded; refund > left {
		return fault.CreditNoteRefundTooMuch(money.Format(refund, cn.Currency), money.Format(left, cn.Currency))
	}
	return nil
}

// chargeOf is the charge that has paid an invoice; nil if none has.
func chargeOf(c *api.Call, inv *Invoice) (*payment.Charge, error) {
	pi, err := payment.Intents.Get(c, inv.Private.Payment)
	if err != nil || pi == nil || pi.Status != payment.Succeeded {
		return nil, err
	}
	ch, err := payment.Charges.Get(c, text(pi.LatestCharge))
	if err != nil || ch == nil || !ch.Paid || !ch.Captured {
		return nil, err
	}
	return ch, nil
}

// creditable is what may still be credited of the invoice: its total, less what was, and less refunds of its charge that no credit note stands for.
func (inv *Invoice) creditable(ch *payment.Charge, before *credited) int64 {
	left := inv.Total - inv.PrePaymentCreditNotesAmount - inv.PostPaymentCreditNotesAmount
	if ch != nil {
		alone := ch.AmountRefunded
		for _, amount := range before.refunds {
			alone -= amount
		}
		left -= max(0, alone)
	}
	return max(0, left)
}

// refundCredit gives back what the customer has been charged.
func (d *Domain) refundCredit(c *api.Call, inv *Invoice, cn *CreditNote, amount int64) error {
	if amount == 0 {
		return nil
	}
	ch, err := chargeOf(c, inv)
	if err != nil {
		return err
	}
	return c.InRealTime(func() error {
		re, err := d.payments.RefundPart(c, ch, amount)
		if err == nil {
			cn.Refunds = append(cn.Refunds, CreditNoteRefund{amount, json.RawMessage("null"), re.ID, "refund"})
		}
		return err
	})
}

// creditInvoice notes a credit note on its invoice, which is paid if nothing is left to pay: without a payment.
func (d *Domain) creditInvoice(c *api.Call, inv *Invoice, cn *CreditNote) error {
	inv.credit(cn.PrePaymentAmount, cn.PostPaymentAmount)
	switch {
	case cn.PrePaymentAmount == 0:
		return c.Save(inv, "invoice.updated")
	case inv.AmountRemaining > 0:
		return d.reprice(c, inv)
	}
	return d.settled(c, inv)
}
