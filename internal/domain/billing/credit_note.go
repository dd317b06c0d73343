package billing

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/domain/payment"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
)

// A CreditNote takes something off an invoice that is final. First it lowers what the invoice still asks for (pre_payment); what is more was paid
// already, and goes back (post_payment): as a refund, to the customer's balance, or outside of Stripe. It is fixed when it is issued, and can be voided
// as long as its invoice is open. Amounts are in minor units, times in Unix seconds.
//
// Known from: facts 08 (8i), 15g; one creation recorded at 2025-10-29.clover.
type CreditNote struct {
	api.Meta
	Amount                     int64              `json:"amount"` // total
	AmountShipping             int64              `json:"amount_shipping"`
	Created                    int64              `json:"created"`
	Currency                   string             `json:"currency"`
	Customer                   string             `json:"customer"`
	CustomerAccount            *string            `json:"customer_account"`
	CustomerBalanceTransaction *string            `json:"customer_balance_transaction"`
	DiscountAmount             int64              `json:"discount_amount"`
	DiscountAmounts            []DiscountAmount   `json:"discount_amounts"`
	EffectiveAt                *int64             `json:"effective_at"`
	Invoice                    string             `json:"invoice"`
	Lines                      CreditLines        `json:"lines"`
	Livemode                   bool               `json:"livemode"`
	Memo                       *string            `json:"memo"`
	Metadata                   map[string]string  `json:"metadata"`
	Number                     string             `json:"number"`
	OutOfBandAmount            *int64             `json:"out_of_band_amount"`
	PDF                        string             `json:"pdf"`
	PostPaymentAmount          int64              `json:"post_payment_amount"`
	PrePaymentAmount           int64              `json:"pre_payment_amount"`
	PretaxCreditAmounts        []PretaxCredit     `json:"pretax_credit_amounts"`
	Reason                     *string            `json:"reason"`
	Refunds                    []CreditNoteRefund `json:"refunds"`
	ShippingCost               json.RawMessage    `json:"shipping_cost"`
	Status                     string             `json:"status"`   // see creditNoteNext
	Subtotal                   int64              `json:"subtotal"` // after the lines' own discounts, before the invoice's
	SubtotalExcludingTax       int64              `json:"subtotal_excluding_tax"`
	Total                      int64              `json:"total"`
	TotalExcludingTax          int64              `json:"total_excluding_tax"`
	TotalTaxes                 []Tax              `json:"total_taxes"`
	Type                       string             `json:"type"` // pre_payment, post_payment or mixed
	VoidedAt                   *int64             `json:"voided_at"`

	Private CreditNotePrivate `json:"-"`
}

// CreditNotePrivate is what no answer shows.
type CreditNotePrivate struct {
	Rest []*CreditLine `json:"rest,omitempty"` // the lines from the eleventh on
}

// A CreditNoteRefund is a refund, or a part of it, that a credit note has made or stands for.
type CreditNoteRefund struct {
	AmountRefunded      int64           `json:"amount_refunded"`
	PaymentRecordRefund json.RawMessage `json:"payment_record_refund"`
	Refund              string          `json:"refund"`
	Type                string          `json:"type"` // refund
}

const issued = "issued"

// The statuses of a credit note, and what may follow each.
var creditNoteNext = map[string][]string{"": {issued}, issued: {void}, void: {}}

// CreditNotes is the kind of credit notes.
var CreditNotes = &api.Kind[CreditNote]{Name: "credit_note", Prefixes: []string{"cn"}, Param: "id", Index: []string{"customer", "invoice"}}

func (d *Domain) creditNoteRoutes(r *api.Router) {
	r.Kind(CreditNotes)
	r.Handle("POST /v1/credit_notes", d.createCreditNote)
	r.Plain("GET /v1/credit_notes", CreditNotes.List)
	r.Handle("GET /v1/credit_notes/preview", d.previewCreditNote)
	r.Handle("GET /v1/credit_notes/preview/lines", d.previewCreditLines)
	r.Plain("GET /v1/credit_notes/{id}", CreditNotes.Retrieve)
	r.Handle("POST /v1/credit_notes/{id}", d.updateCreditNote)
	r.Handle("GET /v1/credit_notes/{credit_note}/lines", d.listCreditLines)
	r.Handle("POST /v1/credit_notes/{id}/void", d.voidCreditNote)
}

// move is the only place that assigns a credit note's status.
func (cn *CreditNote) move(to string) error {
	err := step("credit note", cn.ID, creditNoteNext, cn.Status, to)
	if err == nil {
		cn.Status = to
	}
	return err
}

func (d *Domain) updateCreditNote(c *api.Call) (any, error) {
	cn, err := CreditNotes.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(cn, "memo", "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(cn.Metadata); err != nil {
		return nil, err
	}
	return cn, c.Save(cn, "credit_note.updated")
}

// voidCreditNote takes a credit note back: its invoice asks for all of it again.
func (d *Domain) voidCreditNote(c *api.Call) (any, error) {
	cn, err := CreditNotes.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	inv, err := Invoices.Find(c, cn.Invoice, "invoice")
	if err != nil {
		return nil, err
	}
	switch {
	case cn.Status == void:
		return nil, fault.CreditNoteVoid()
	case inv.Status != open:
		return nil, fault.CreditNoteClosed()
	}
	if err := inv.repriceable(c); err != nil {
		return nil, err
	}
	if err := testclock.Enter(c, inv.TestClock); err != nil {
		return nil, err
	}

	now := c.Now()
	cn.VoidedAt = &now
	if err := cn.move(void); err != nil {
		return nil, err
	}
	if err := c.Save(cn, "credit_note.voided"); err != nil {
		return nil, err
	}
	inv.credit(-cn.PrePaymentAmount, -cn.PostPaymentAmount)
	return cn, d.reprice(c, inv)
}

// credit takes off the invoice what a credit note credits before and after its payment; below zero it gives back.
func (inv *Invoice) credit(pre, post int64) {
	inv.AmountDue -= pre
	inv.AmountRemaining -= pre
	inv.PrePaymentCreditNotesAmount += pre
	inv.PostPaymentCreditNotesAmount += post
}

// repriceable refuses to change what an invoice asks for while somebody pays it.
func (inv *Invoice) repriceable(c *api.Call) error {
	pi, err := payment.Intents.Get(c, inv.Private.Payment)
	if err == nil && pi != nil && pi.Status == payment.Processing {
		return fault.CreditNoteWaits()
	}
	return err
}

// reprice has the intent of an open invoice ask for what is due now, and tells of the invoice.
func (d *Domain) reprice(c *api.Call, inv *Invoice) error {
	p, err := invoicePayments.Get(c, inv.Private.InvoicePayment)
	if err != nil {
		return err
	}
	if p != nil && p.Status == open {
		p.AmountRequested = inv.AmountDue
		pi, err := payment.Intents.Get(c, p.Payment.PaymentIntent)
		if err != nil {
			return err
		}
		if err := d.payments.Reprice(c, pi, inv.AmountDue); err != nil {
			return err
		}
		if err := c.Save(p); err != nil {
			return err
		}
	}
	return c.Save(inv, "invoice.updated")
}
