package billing

import (
	"encoding/json"
	"errors"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/payment"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// An Invoice is what a customer is asked to pay, line by line. As a draft it changes; finalized it has a number, is fixed, and waits to be paid: by
// itself, if it is collected automatically, or by the customer, if it is sent. Amounts are in minor units, times in Unix seconds.
//
// Shapes recorded from 2020-08-27 to 2026-03-25.dahlia; facts 08 (8e), 15d.
type Invoice struct {
	api.Meta
	AccountCountry               string                 `json:"account_country"`
	AccountName                  *string                `json:"account_name"`
	AccountTaxIDs                []string               `json:"account_tax_ids" nil:"null"`
	AmountDue                    int64                  `json:"amount_due"`
	AmountOverpaid               int64                  `json:"amount_overpaid"`
	AmountPaid                   int64                  `json:"amount_paid"`
	AmountPaidOffStripe          int64                  `json:"amount_paid_off_stripe"`
	AmountRemaining              int64                  `json:"amount_remaining"`
	AmountShipping               int64                  `json:"amount_shipping"`
	Application                  *string                `json:"application"`
	AttemptCount                 int64                  `json:"attempt_count"` // tries that the network refused, or took; not those that wait for the customer
	Attempted                    bool                   `json:"attempted"`
	AutoAdvance                  bool                   `json:"auto_advance"` // goes its way by itself
	AutomaticTax                 InvoiceTax             `json:"automatic_tax"`
	AutomaticallyFinalizesAt     *int64                 `json:"automatically_finalizes_at"`
	BillingReason                string                 `json:"billing_reason"`
	CollectionMethod             string                 `json:"collection_method"` // charge_automatically or send_invoice
	Created                      int64                  `json:"created"`
	Currency                     string                 `json:"currency"`
	CustomFields                 []customer.CustomField `json:"custom_fields" nil:"null"`
	Customer                     string                 `json:"customer"`
	CustomerAccount              *string                `json:"customer_account"`
	CustomerAddress              *customer.Address      `json:"customer_address"`
	CustomerEmail                *string                `json:"customer_email"`
	CustomerName                 *string                `json:"customer_name"`
	CustomerPhone                *string                `json:"customer_phone"`
	CustomerShipping             *customer.Shipping     `json:"customer_shipping"`
	CustomerTaxExempt            string                 `json:"customer_tax_exempt"`
	CustomerTaxIDs               []TaxIDOf              `json:"customer_tax_ids"`
	DefaultPaymentMethod         *string                `json:"default_payment_method"`
	DefaultSource                *string                `json:"default_source"`
	DefaultTaxRates              []json.RawMessage      `json:"default_tax_rates"`
	Description                  *string                `json:"description"`
	Discounts                    []string               `json:"discounts"`
	DueDate                      *int64                 `json:"due_date"`
	EffectiveAt                  *int64                 `json:"effective_at"`
	EndingBalance                *int64                 `json:"ending_balance"` // the customer's balance after the invoice; null while it is a draft
	Footer                       *string                `json:"footer"`
	FromInvoice                  json.RawMessage        `json:"from_invoice"`
	HostedInvoiceURL             *string                `json:"hosted_invoice_url"`
	InvoicePDF                   *string                `json:"invoice_pdf"`
	Issuer                       Issuer                 `json:"issuer"`
	LastFinalizationError        json.RawMessage        `json:"last_finalization_error"`
	LatestRevision               *string                `json:"latest_revision"`
	Lines                        Lines                  `json:"lines"`
	Livemode                     bool                   `json:"livemode"`
	Metadata                     map[string]string      `json:"metadata"`
	NextPaymentAttempt           *int64                 `json:"next_payment_attempt"`
	Number                       *string                `json:"number"`
	OnBehalfOf                   *string                `json:"on_behalf_of"`
	Parent                       *Parent                `json:"parent"`
	PaymentSettings              InvoicePayments        `json:"payment_settings"`
	PeriodEnd                    int64                  `json:"period_end"`
	PeriodStart                  int64                  `json:"period_start"`
	PostPaymentCreditNotesAmount int64                  `json:"post_payment_credit_notes_amount"`
	PrePaymentCreditNotesAmount  int64                  `json:"pre_payment_credit_notes_amount"`
	ReceiptNumber                *string                `json:"receipt_number"`
	Rendering                    *Rendering             `json:"rendering"`
	ShippingCost                 json.RawMessage        `json:"shipping_cost"`
	ShippingDetails              *customer.Shipping     `json:"shipping_details"`
	StartingBalance              int64                  `json:"starting_balance"`
	StatementDescriptor          *string                `json:"statement_descriptor"`
	Status                       string                 `json:"status"` // see invoiceNext
	StatusTransitions            InvoiceTransitions     `json:"status_transitions"`
	Subtotal                     int64                  `json:"subtotal"` // after the lines' own discounts, before the invoice's
	SubtotalExcludingTax         *int64                 `json:"subtotal_excluding_tax"`
	TestClock                    *string                `json:"test_clock"`
	Total                        int64                  `json:"total"`
	TotalDiscountAmounts         []DiscountAmount       `json:"total_discount_amounts"`
	TotalExcludingTax            *int64                 `json:"total_excluding_tax"`
	TotalPretaxCreditAmounts     []PretaxCredit         `json:"total_pretax_credit_amounts"`
	TotalTaxes                   []Tax                  `json:"total_taxes"`
	WebhooksDeliveredAt          *int64                 `json:"webhooks_delivered_at"`

	Private InvoicePrivate  `json:"-"`
	paidBy  *payment.Intent // in the call that makes it by a checkout
}

// InvoicePrivate is what an invoice knows that no answer shows.
type InvoicePrivate struct {
	Rest  []*Line             `json:"rest,omitempty"`  // the lines from the eleventh on
	Rates map[string][]string `json:"rates,omitempty"` // tax rates of lines that have their own
	// Credits are what it takes from credit grants, or would take while it is a draft.
	Credits []CreditUse `json:"credits,omitempty"`
	// Payment is the intent that it is to be paid by.
	Payment        string `json:"payment,omitempty"`
	InvoicePayment string `json:"invoice_payment,omitempty"` // that binds them
	// Keep says that the payment method is kept for later: the first payment of a subscription.
	Keep                 bool            `json:"keep,omitempty"`
	Days                 int64           `json:"days,omitempty"`  // until it is due
	Tries                int64           `json:"tries,omitempty"` // retries that were made
	ApplicationFeeAmount *int64          `json:"application_fee_amount,omitempty"`
	TransferData         json.RawMessage `json:"transfer_data,omitempty"`
}

// InvoiceTax says whether taxes are computed by Stripe Tax, which Florin does not have yet.
type InvoiceTax struct {
	DisabledReason *string `json:"disabled_reason"`
	Enabled        bool    `json:"enabled"`
	Liability      *Issuer `json:"liability"`
	Provider       *string `json:"provider"`
	Status         *string `json:"status"`
}

// An Issuer is who stands on an invoice: the account itself.
type Issuer struct {
	Account *string `json:"account,omitempty"`
	Type    string  `json:"type"`
}

// TaxIDOf is a tax id of the customer as it stood when the invoice was made.
type TaxIDOf struct {
	Type  string  `json:"type"`
	Value *string `json:"value"`
}

// A Parent is the subscription that an invoice comes from.
type Parent struct {
	QuoteDetails        json.RawMessage     `json:"quote_details"`
	SubscriptionDetails *SubscriptionParent `json:"subscription_details"`
	Type                string              `json:"type"`
}

// SubscriptionParent names the subscription, with its metadata as it was.
type SubscriptionParent struct {
	Metadata     map[string]string `json:"metadata"`
	Subscription string            `json:"subscription"`
}

// InvoicePayments say how an invoice may be paid.
type InvoicePayments struct {
	DefaultMandate       *string         `json:"default_mandate"`
	PaymentMethodOptions json.RawMessage `json:"payment_method_options"`
	PaymentMethodTypes   []string        `json:"payment_method_types" nil:"null"`
}

// Rendering says how an invoice is laid out.
type Rendering struct {
	AmountTaxDisplay *string      `json:"amount_tax_display"`
	PDF              RenderingPDF `json:"pdf"`
	Template         *string      `json:"template"`
	TemplateVersion  *int64       `json:"template_version"`
}

// RenderingPDF is the paper.
type RenderingPDF struct {
	PageSize string `json:"page_size"`
}

// InvoiceTransitions are when an invoice came to be what it is.
type InvoiceTransitions struct {
	FinalizedAt           *int64 `json:"finalized_at"`
	MarkedUncollectibleAt *int64 `json:"marked_uncollectible_at"`
	PaidAt                *int64 `json:"paid_at"`
	VoidedAt              *int64 `json:"voided_at"`
}

const (
	draft         = "draft"
	open          = "open"
	paid          = "paid"
	uncollectible = "uncollectible"
	void          = "void"

	automatic = "charge_automatically"
	send      = "send_invoice"
)

// The statuses of an invoice, and what may follow each. Known from: facts 08 (8e).
var invoiceNext = map[string][]string{
	"":            {draft},
	draft:         {open, paid, uncollectible},
	open:          {paid, uncollectible, void},
	uncollectible: {paid, void},
	paid:          {},
	void:          {},
}

// Invoices is the kind of invoices. What is searched is in facts 06d.
var Invoices = &api.Kind[Invoice]{
	Name: "invoice", Prefixes: []string{"in"}, Param: "invoice",
	Index:   []string{"customer", "parent.subscription_details.subscription", "status", "number", "metadata"},
	Filters: map[string]string{"subscription": "parent.subscription_details.subscription"},
}

func (d *Domain) invoiceRoutes(r *api.Router) {
	r.Kind(Invoices)
	r.Include("invoice", "payments", d.paymentsOf)
	r.Include("invoice", "confirmation_secret", d.confirmationSecret)
	r.Handle("POST /v1/invoices", d.createInvoice)
	r.Handle("GET /v1/invoices", d.listInvoices)
	r.Handle("GET /v1/invoices/search", Invoices.Search("invoices"))
	r.Plain("GET /v1/invoices/{invoice}", Invoices.Retrieve)
	r.Handle("POST /v1/invoices/{invoice}", d.updateInvoice)
	r.Handle("DELETE /v1/invoices/{invoice}", d.deleteInvoice)
	r.Handle("POST /v1/invoices/{invoice}/finalize", d.finalizeInvoice)
	r.Handle("POST /v1/invoices/{invoice}/pay", d.payInvoice)
	r.Handle("POST /v1/invoices/{invoice}/send", d.sendInvoice)
	r.Handle("POST /v1/invoices/{invoice}/void", d.voidInvoice)
	r.Handle("POST /v1/invoices/{invoice}/mark_uncollectible", d.markUncollectible)
	r.Answer("invoice", d.answerInvoice)
	r.Task("invoice.advance", d.advanceInvoice)
	r.Task("invoice.overdue", d.overdueInvoice)
}

// move is the only place that assigns an invoice's status, and when it came to it.
func (inv *Invoice) move(to string, now int64) error {
	if err := step("invoice", inv.ID, invoiceNext, inv.Status, to); err != nil {
		return err
	}
	inv.Status = to
	t := &inv.StatusTransitions
	switch to {
	case open:
		t.FinalizedAt = &now
	case paid:
		t.PaidAt = &now
	case uncollectible:
		t.MarkedUncollectibleAt = &now
	case void:
		t.VoidedAt = &now
	}
	return nil
}

// subscription is the id of the subscription that the invoice comes from, or "".
func (inv *Invoice) subscription() string {
	if inv.Parent == nil || inv.Parent.SubscriptionDetails == nil {
		return ""
	}
	return inv.Parent.SubscriptionDetails.Subscription
}

func (d *Domain) listInvoices(c *api.Call) (any, error) {
	n := api.Narrow{}
	if !c.P.Given("customer") && !c.P.Given("subscription") { // facts 15l
		n.Where = func(body []byte) bool { return jsontext.Text(body, "test_clock") == "" }
	}
	return Invoices.ListOf(c, n)
}

// invoiceInPath is the invoice of the path, at its customer's time. A missing one is called "invoice" by some operations, and "id" by others.
func invoiceInPath(c *api.Call, param string) (*Invoice, error) {
	inv, err := Invoices.InPath(c, "invoice")
	var missing *fault.Error
	if errors.As(err, &missing) {
		missing.Param = param
	}
	if err != nil {
		return nil, err
	}
	return inv, testclock.Enter(c, inv.TestClock)
}

// draftInPath is the invoice of the path, if it is still a draft.
func draftInPath(c *api.Call) (*Invoice, error) {
	inv, err := invoiceInPath(c, "invoice")
	if err == nil && inv.Status != draft {
		err = fault.InvoiceNotEditable()
	}
	return inv, err
}

// fixed are what may be changed of an invoice that is no draft any more.
var fixed = map[string]bool{"metadata": true, "expand": true, "auto_advance": true, "default_payment_method": true, "default_source": true, "payment_settings": true, "transfer_data": true}

func (d *Domain) updateInvoice(c *api.Call) (any, error) {
	inv, err := invoiceInPath(c, "id")
	if err != nil {
		return nil, err
	}
	for _, f := range c.P.Fields {
		if inv.Status != draft && !fixed[f.Name] {
			return nil, fault.InvoiceFinalizedParam(f.Name)
		}
	}
	if err := d.takeInvoice(c, inv); err != nil {
		return nil, err
	}
	if inv.Status == draft {
		return inv, d.retotal(c, inv, "invoice.updated")
	}
	return inv, c.Save(inv, "invoice.updated")
}

// deleteInvoice deletes a draft for good. What waits for the customer waits on.
func (d *Domain) deleteInvoice(c *api.Call) (any, error) {
	inv, err := invoiceInPath(c, "invoice")
	if err != nil {
		return nil, err
	}
	if inv.Status != draft {
		return nil, fault.InvoiceNotDraft()
	}
	if inv.subscription() != "" && inv.BillingReason != "manual" {
		return nil, fault.InvoiceOfSubscription()
	}
	for _, l := range inv.lines() {
		it, err := InvoiceItems.Get(c, l.item())
		if err != nil {
			return nil, err
		}
		if it != nil {
			if err := c.Delete(it, "invoiceitem.deleted"); err != nil { // unverified: that they go with their invoice
				return nil, err
			}
		}
	}
	return inv, c.Delete(inv, "invoice.deleted")
}
