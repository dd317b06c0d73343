package payment

import (
	"encoding/json"
	"math"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/methodconfig"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
)

// A Due is what an invoice asks of its customer: what billing makes an intent of. Its customer's browser may pay it as any other intent.
type Due struct {
	Invoice              string
	Amount               int64 // minor units
	Currency             string
	Customer             string
	Description          string
	Types                []string // of payment method; none: those that the account has on, and that invoices can be paid by
	Keep                 bool     // the payment method is kept for what the customer will owe later
	OnBehalfOf           *string
	StatementDescriptor  *string
	ApplicationFeeAmount *int64
	TransferData         *TransferData
}

// recurring are the types that an invoice may be paid by. Known from: recordings of card, us_bank_account, cashapp, link, acss_debit; the spec's
// payment_settings.payment_method_types.
var recurring = []string{
	"ach_credit_transfer", "ach_debit", "acss_debit", "au_becs_debit", "bacs_debit", "bancontact", "boleto", "card", "cashapp", "customer_balance", "eps", "fpx",
	"giropay", "grabpay", "ideal", "konbini", "link", "naver_pay", "nz_bank_account", "p24", "paynow", "paypal", "promptpay", "revolut_pay", "sepa_debit",
	"us_bank_account", "wechat_pay",
}

// ForInvoice makes the intent of an invoice. Nothing tells of it yet: the caller does, with the mark that it gets.
func (d *Domain) ForInvoice(c *api.Call, due Due) (*Intent, *api.Mark, error) {
	pi := Intents.New(c, id.Intent(c.Now(), c.AccountPart()))
	pi.Created, pi.Livemode, pi.Metadata = c.Now(), c.Live(), map[string]string{}
	pi.ClientSecret = id.IntentSecret(pi.ID)
	if platform := account.Platform(c); platform != nil {
		pi.Application = opt(platform.Application())
	}
	pi.Amount, pi.Currency, pi.Customer, pi.Description = due.Amount, due.Currency, &due.Customer, opt(due.Description)
	pi.ConfirmationMethod, pi.CaptureMethod = "automatic", "automatic"
	pi.AmountDetails = json.RawMessage(`{"tip":{}}`)
	pi.OnBehalfOf, pi.StatementDescriptor, pi.ApplicationFeeAmount, pi.TransferData = due.OnBehalfOf, due.StatementDescriptor, due.ApplicationFeeAmount, due.TransferData
	pi.PaymentDetails = jsontext.Append(nil, &reference{OrderReference: due.Invoice})
	pi.Private.Invoice = due.Invoice
	if due.Keep {
		pi.SetupFutureUsage = opt("off_session")
	}
	if err := d.typesOfInvoice(c, pi, due.Types); err != nil {
		return nil, nil, err
	}
	if err := d.move(c, pi, needsMethod); err != nil {
		return nil, nil, err
	}
	if err := c.Save(pi); err != nil {
		return nil, nil, err
	}
	made := c.Mark(pi)
	return pi, &made, nil
}

// CheckSharing refuses to share what invoices will ask in ways that cannot be, before it is known how much that is. The parameters that say how are those
// of an intent.
func (d *Domain) CheckSharing(c *api.Call) error { return d.checkSharing(c, sharing{}, math.MaxInt64) }

// A reference is what the payment of an invoice refers to.
type reference struct {
	CustomerReference *string `json:"customer_reference"`
	OrderReference    string  `json:"order_reference"`
}

// typesOfInvoice sets by what an invoice can be paid. A card is always among it, if nothing was said.
func (d *Domain) typesOfInvoice(c *api.Call, pi *Intent, types []string) error {
	if len(types) == 0 {
		choice, err := methodconfig.Choose(c, "", pi.use(c))
		if err != nil {
			return err
		}
		for _, t := range choice.Types {
			if slices.Contains(recurring, t) {
				types = append(types, t)
			}
		}
		if !slices.Contains(types, "card") {
			types = append(types, "card")
		}
		slices.Sort(types)
	}
	pi.PaymentMethodTypes = types
	d.setOptions(pi, nil)
	return nil
}

// Reprice changes what the intent of an invoice asks for, while it is not paid.
func (d *Domain) Reprice(c *api.Call, pi *Intent, amount int64) error {
	pi.Amount = amount
	return c.Save(pi)
}

// PayInvoice tries to pay the intent of an invoice with a payment method. present says that the customer is there to authenticate. What comes of it
// the intent's status says when it returns, if the network answers at once; followers hear of it in any case. created, if it is not nil, is told of as
// soon as that is right (see createConfirmed).
func (d *Domain) PayInvoice(c *api.Call, pi *Intent, pm *paymentmethod.PaymentMethod, present bool, created *api.Mark) error {
	if d.rails.For(c.Live()) == nil {
		return fault.LiveWithoutAcquirer()
	}
	if err := d.methods.Usable(c, pm, text(pi.Customer)); err != nil {
		return err
	}
	if !slices.Contains(pi.PaymentMethodTypes, pm.Type) {
		return fault.MethodTypeNotAllowed(pm.Type, pi.PaymentMethodTypes)
	}
	pi.PaymentMethod = &pm.ID
	pi.NextAction, pi.Private.Challenge, pi.Private.Challenged = nil, "", ""
	if err := d.stop(c, pi); err != nil {
		return err
	}
	if err := d.move(c, pi, needsConfirmation); err != nil {
		return err
	}
	how := &confirmation{method: pm, offSession: !present, created: created}
	if pm.Type != "card" {
		if err := d.planLocal(c, pi, how); err != nil {
			return err
		}
		how.way = paymethod.Types[pm.Type]
	}
	_, err := d.confirm(c, pi, how)
	return err
}

// LastError is the error that the last try of an intent ended with; nil if there is none.
func (pi *Intent) LastError(c *api.Call) (*fault.Error, error) {
	if len(pi.LastPaymentError) == 0 || string(pi.LastPaymentError) == "null" {
		return nil, nil
	}
	f := faultOf(pi.LastPaymentError)
	body, err := c.Show(pi)
	f.PaymentIntent = body
	return f, err
}

// The statuses of an intent, for those who follow it.
const (
	NeedsMethod  = needsMethod
	NeedsAction  = needsAction
	Processing   = processing
	Succeeded    = succeeded
	Canceled     = canceled
	NeedsCapture = needsCapture
)
