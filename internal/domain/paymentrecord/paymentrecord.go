// Package paymentrecord keeps payments that were made elsewhere: a processor beside Florin, a bank, a till. Whoever took the money reports it, so
// that what depends on it can be paid by it. No money moves here, and nothing stands on the balance.
//
// A payment record is a payment that somebody means to collect; an attempt record is one try at it (attempt.go). A record shows what its latest
// attempt shows, and its amounts say how much of what was requested is where: guaranteed, failed, canceled or refunded, and the rest is open. No part
// is in two places, so their sum is never above what was requested.
//
// Known from: the spec; docs.stripe.com/api/payment-record, whose examples show the amounts after each report: what is refunded is no longer
// guaranteed. The spec has no events for them. unverified: that a new attempt takes over what the one before it said, and that the metadata of a report
// is merged into both the record and the attempt.
package paymentrecord

import (
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// A Domain keeps payment records.
type Domain struct{ methods *paymentmethod.Domain }

// New makes the domain on those below it.
func New(methods *paymentmethod.Domain) *Domain { return &Domain{methods} }

// A Record is a payment that was reported.
type Record struct {
	api.Meta
	Facts
	Created                    int64   `json:"created"`
	LatestPaymentAttemptRecord *string `json:"latest_payment_attempt_record"`
	Livemode                   bool    `json:"livemode"`
}

// Facts are what a record and each of its attempts tell; a record's are those of its latest attempt.
type Facts struct {
	Amount               Amount            `json:"amount"` // unverified: what was requested
	AmountAuthorized     Amount            `json:"amount_authorized"`
	AmountCanceled       Amount            `json:"amount_canceled"`
	AmountFailed         Amount            `json:"amount_failed"`
	AmountGuaranteed     Amount            `json:"amount_guaranteed"`
	AmountRefunded       Amount            `json:"amount_refunded"`
	AmountRequested      Amount            `json:"amount_requested"`
	Application          *string           `json:"application"`
	CustomerDetails      *CustomerDetails  `json:"customer_details"`
	CustomerPresence     *string           `json:"customer_presence"` // on_session or off_session
	Description          *string           `json:"description"`
	Metadata             map[string]string `json:"metadata"`
	PaymentMethodDetails *MethodDetails    `json:"payment_method_details"`
	ProcessorDetails     ProcessorDetails  `json:"processor_details"`
	ReportedBy           string            `json:"reported_by"` // self: what Stripe itself takes is not reported here
	ShippingDetails      *ShippingDetails  `json:"shipping_details"`
}

// An Amount is a part of a payment.
type Amount struct {
	Currency string `json:"currency"`
	Value    int64  `json:"value"` // minor units
}

// CustomerDetails say who pays.
type CustomerDetails struct {
	Customer *string `json:"customer"`
	Email    *string `json:"email"`
	Name     *string `json:"name"`
	Phone    *string `json:"phone"`
}

// MethodDetails say how the payment was made, which is by a method that Stripe does not know.
type MethodDetails struct {
	BillingDetails *BillingDetails `json:"billing_details"`
	Custom         *CustomMethod   `json:"custom,omitempty"`
	PaymentMethod  *string         `json:"payment_method"`
	Type           string          `json:"type"` // custom
}

// A CustomMethod is a way to pay that the account has described itself.
type CustomMethod struct {
	DisplayName string  `json:"display_name"`
	Type        *string `json:"type"` // cpmt_…
}

// BillingDetails say whose the method is.
type BillingDetails struct {
	Address Address `json:"address"`
	Email   *string `json:"email"`
	Name    *string `json:"name"`
	Phone   *string `json:"phone"`
}

// An Address is where somebody lives.
type Address struct {
	City       *string `json:"city"`
	Country    *string `json:"country"`
	Line1      *string `json:"line1"`
	Line2      *string `json:"line2"`
	PostalCode *string `json:"postal_code"`
	State      *string `json:"state"`
}

// ProcessorDetails say what the processor calls the payment.
type ProcessorDetails struct {
	Custom *struct {
		PaymentReference *string `json:"payment_reference"`
	} `json:"custom,omitempty"`
	Type string `json:"type"` // custom
}

// ShippingDetails say where to, and to whom, something is sent.
type ShippingDetails struct {
	Address Address `json:"address"`
	Name    *string `json:"name"`
	Phone   *string `json:"phone"`
}

// Records is the kind of payment records.
var Records = &api.Kind[Record]{Name: "payment_record", Prefixes: []string{"pr"}, Index: []string{"customer_details.customer"}}

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Records)
	r.Kind(Attempts)
	r.Kind(refunds)
	r.Handle("POST /v1/payment_records/report_payment", d.report)
	r.Handle("GET /v1/payment_records", d.list)
	r.Plain("GET /v1/payment_records/{id}", Records.Retrieve)
	r.Handle("POST /v1/payment_records/{id}/report_payment_attempt", d.reportAttempt)
	r.Handle("POST /v1/payment_records/{id}/report_payment_attempt_canceled", d.ended("canceled", "canceled_at"))
	r.Handle("POST /v1/payment_records/{id}/report_payment_attempt_failed", d.ended("failed", "failed_at"))
	r.Handle("POST /v1/payment_records/{id}/report_payment_attempt_guaranteed", d.ended("guaranteed", "guaranteed_at"))
	r.Handle("POST /v1/payment_records/{id}/report_payment_attempt_informational", d.reportInformation)
	r.Handle("POST /v1/payment_records/{id}/report_refund", d.reportRefund)
	r.Handle("GET /v1/payment_attempt_records", d.listAttempts)
	r.Plain("GET /v1/payment_attempt_records/{id}", Attempts.Retrieve)
}

func (d *Domain) report(c *api.Call) (any, error) {
	requested := c.P.Get("amount_requested")
	if requested.Num("value") < 1 {
		return nil, fault.BelowMinimum("amount_requested[value]", 1)
	}
	rec := Records.New(c, c.NewID("pr"))
	rec.Created, rec.Livemode, rec.ReportedBy, rec.Metadata = c.Now(), c.Live(), "self", map[string]string{}
	rec.ProcessorDetails.Type = "custom"
	if err := api.Bind(&rec.AmountRequested, requested); err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(rec, "customer_presence", "processor_details"); err != nil {
		return nil, err
	}
	if err := bindCustomer(c, rec); err != nil {
		return nil, err
	}
	return d.attempt(c, rec)
}

// bindCustomer takes who pays, if a request says so.
func bindCustomer(c *api.Call, rec *Record) error {
	if id := c.P.At("customer_details", "customer"); id != nil && id.Text != "" {
		if _, err := customer.Customers.Find(c, id.Text, "customer_details[customer]"); err != nil {
			return err
		}
	}
	return c.ParamsOnly(rec, "customer_details")
}

func (d *Domain) list(c *api.Call) (any, error) {
	after, before := c.P.Num("created_after"), c.P.Num("created_before")
	return Records.ListOf(c, api.Narrow{
		Skip: []string{"created_after", "created_before"},
		Where: func(body []byte) bool { // unverified: that the bounds themselves are within
			created, err := strconv.ParseInt(jsontext.Text(body, "created"), 10, 64)
			return err == nil && (after == 0 || created >= after) && (before == 0 || created <= before)
		},
	})
}

// reportInformation changes what is told of a payment, and nothing of its money.
func (d *Domain) reportInformation(c *api.Call) (any, error) {
	rec, last, err := d.latest(c)
	if err != nil {
		return nil, err
	}
	if err := bindCustomer(c, rec); err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(rec, "description", "shipping_details"); err != nil {
		return nil, err
	}
	last.Facts = rec.Facts
	return keep(c, rec, last)
}

// keep takes the metadata of a report, and keeps a record with its latest attempt.
func keep(c *api.Call, rec *Record, last *Attempt) (any, error) {
	if err := c.ParamsOnly(last, "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(last.Metadata); err != nil {
		return nil, err
	}
	rec.Facts = last.Facts
	if err := c.Save(last); err != nil {
		return nil, err
	}
	return rec, c.Save(rec)
}
