package billing

import (
	"florin/internal/api"
	"florin/internal/domain/payment"
	"florin/internal/jsontext"
)

// An InvoicePayment binds an invoice to what pays it: a payment intent. It is open until the money has come, or the invoice is paid some other way.
//
// Shape recorded from 2025-10-29.clover to 2026-03-25.dahlia; facts 08 (8e).
type InvoicePayment struct {
	api.Meta
	AmountPaid        *int64             `json:"amount_paid"` // minor units; null until it is paid
	AmountRequested   int64              `json:"amount_requested"`
	Created           int64              `json:"created"`
	Currency          string             `json:"currency"`
	Invoice           string             `json:"invoice"`
	IsDefault         bool               `json:"is_default"`
	Livemode          bool               `json:"livemode"`
	Payment           PaidBy             `json:"payment"`
	Status            string             `json:"status"` // open, paid or canceled
	StatusTransitions PaymentTransitions `json:"status_transitions"`
}

// PaidBy is what pays.
type PaidBy struct {
	PaymentIntent string `json:"payment_intent"`
	Type          string `json:"type"` // payment_intent
}

// PaymentTransitions are when a payment came to be what it is.
type PaymentTransitions struct {
	CanceledAt *int64 `json:"canceled_at"`
	PaidAt     *int64 `json:"paid_at"`
}

// invoicePayments is the kind of invoice payments.
var invoicePayments = &api.Kind[InvoicePayment]{
	Name: "invoice_payment", Prefixes: []string{"inpay"}, Param: "invoice_payment", Index: []string{"invoice", "payment.payment_intent", "status"},
}

// The statuses of an invoice payment, and what may follow each.
var paymentNext = map[string][]string{"": {open}, open: {paid, "canceled"}, paid: {}, "canceled": {}}

func (d *Domain) invoicePaymentRoutes(r *api.Router) {
	r.Kind(invoicePayments)
	r.Handle("GET /v1/invoice_payments", d.listPayments)
	r.Plain("GET /v1/invoice_payments/{invoice_payment}", invoicePayments.Retrieve)
}

// move is the only place that assigns a payment's status.
func (p *InvoicePayment) move(to string) error {
	err := step("invoice payment", p.ID, paymentNext, p.Status, to)
	if err == nil {
		p.Status = to
	}
	return err
}

func (d *Domain) newPayment(c *api.Call, inv *Invoice, pi *payment.Intent) error {
	p := invoicePayments.New(c, c.NewID("inpay"))
	p.AmountRequested, p.Created, p.Currency, p.Livemode = inv.AmountDue, c.Now(), inv.Currency, c.Live()
	p.Invoice, p.IsDefault, p.Payment = inv.ID, true, PaidBy{pi.ID, "payment_intent"}
	if err := p.move(open); err != nil {
		return err
	}
	inv.Private.InvoicePayment = p.ID
	return c.Save(p)
}

// paymentMade notes that the money of an invoice has come. The event comes by itself, some seconds later at Stripe (facts 08).
func (d *Domain) paymentMade(c *api.Call, inv *Invoice, pi *payment.Intent) error {
	p, err := invoicePayments.Get(c, inv.Private.InvoicePayment)
	if err != nil || p == nil {
		return err
	}
	now := c.Now()
	p.AmountPaid, p.StatusTransitions.PaidAt = &pi.AmountReceived, &now
	if err := p.move(paid); err != nil {
		return err
	}
	c.Soon(func(c *api.Call) error { return c.Emit("invoice_payment.paid", p) })
	return c.Save(p)
}

// dropPayment cancels what an invoice was to be paid by.
func (d *Domain) dropPayment(c *api.Call, inv *Invoice) error {
	p, err := invoicePayments.Get(c, inv.Private.InvoicePayment)
	if err != nil || p == nil || p.Status != open {
		return err
	}
	pi, err := payment.Intents.Get(c, p.Payment.PaymentIntent)
	if err != nil {
		return err
	}
	now := c.Now()
	p.StatusTransitions.CanceledAt = &now
	if err := p.move("canceled"); err != nil {
		return err
	}
	if err := c.Save(p); err != nil || pi.Status == payment.Canceled {
		return err
	}
	return c.InRealTime(func() error { return d.payments.Cancel(c, pi, "void_invoice") })
}

func (d *Domain) listPayments(c *api.Call) (any, error) {
	n := api.Narrow{Skip: []string{"payment"}}
	of := c.P.Get("payment")
	if id := of.Str("payment_intent"); id != "" {
		n.Path, n.Value = "payment.payment_intent", id
	}
	if typ := of.Str("type"); typ != "" && typ != "payment_intent" || of.Str("payment_record") != "" { // nothing else pays yet
		n.Where = func([]byte) bool { return false }
	}
	return invoicePayments.ListOf(c, n)
}

// paymentsOf is the list of an invoice's payments, when it is expanded.
func (d *Domain) paymentsOf(c *api.Call, invoice []byte) ([]byte, error) {
	l := &api.List{Object: "list", URL: "/v1/invoices/payments"}
	p, err := d.paymentOf(c, jsontext.Text(invoice, "id"))
	if err != nil || p == nil {
		return l.JSON(), err
	}
	body, err := c.Show(p)
	l.Data = append(l.Data, body)
	return l.JSON(), err
}

// paymentOf is the payment that an invoice has, if it has one.
func (d *Domain) paymentOf(c *api.Call, invoice string) (*InvoicePayment, error) {
	inv, err := Invoices.Get(c, invoice)
	if err != nil || inv == nil {
		return nil, err
	}
	return invoicePayments.Get(c, inv.Private.InvoicePayment)
}

// confirmationSecret is what a browser confirms an invoice's intent with, when it is expanded.
func (d *Domain) confirmationSecret(c *api.Call, invoice []byte) ([]byte, error) {
	p, err := d.paymentOf(c, jsontext.Text(invoice, "id"))
	if err != nil || p == nil {
		return []byte("null"), err
	}
	pi, err := payment.Intents.Get(c, p.Payment.PaymentIntent)
	if err != nil || pi == nil {
		return []byte("null"), err
	}
	return jsontext.Append(nil, &struct {
		Secret string `json:"client_secret"`
		Type   string `json:"type"`
	}{pi.ClientSecret, "payment_intent"}), nil
}
