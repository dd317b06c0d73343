package payment

import (
	"encoding/json"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/rail"
)

// A Charge is one try to take money from a payment method: of a payment intent, or of POST /v1/charges, which is older.
// A failed one stays, and says why. Amounts are in minor units.
type Charge struct {
	api.Meta
	Amount                        int64               `json:"amount"`
	AmountCaptured                int64               `json:"amount_captured"`
	AmountRefunded                int64               `json:"amount_refunded"`
	AmountUpdates                 json.RawMessage     `json:"amount_updates,omitempty"` // [], on accounts of their own
	Application                   *string             `json:"application"`
	ApplicationFee                *string             `json:"application_fee"`
	ApplicationFeeAmount          *int64              `json:"application_fee_amount"`
	BalanceTransaction            *string             `json:"balance_transaction"`
	BillingDetails                json.RawMessage     `json:"billing_details"`
	CalculatedStatementDescriptor *string             `json:"calculated_statement_descriptor"`
	Captured                      bool                `json:"captured"`
	Created                       int64               `json:"created"`
	Currency                      string              `json:"currency"`
	Customer                      *string             `json:"customer"`
	Description                   *string             `json:"description"`
	Destination                   *string             `json:"destination"`
	Dispute                       *string             `json:"dispute"`
	Disputed                      bool                `json:"disputed"`
	FailureBalanceTransaction     *string             `json:"failure_balance_transaction"`
	FailureCode                   *string             `json:"failure_code"`
	FailureMessage                *string             `json:"failure_message"`
	FraudDetails                  map[string]string   `json:"fraud_details"`
	Livemode                      bool                `json:"livemode"`
	Metadata                      map[string]string   `json:"metadata"`
	OnBehalfOf                    *string             `json:"on_behalf_of"`
	Order                         *string             `json:"order"`
	Outcome                       *Outcome            `json:"outcome"`
	Paid                          bool                `json:"paid"`
	PaymentIntent                 *string             `json:"payment_intent"`
	PaymentMethod                 *string             `json:"payment_method"`
	PaymentMethodDetails          *MethodDetails      `json:"payment_method_details"`
	RadarOptions                  json.RawMessage     `json:"radar_options"`
	ReceiptEmail                  *string             `json:"receipt_email"`
	ReceiptNumber                 *string             `json:"receipt_number"`
	ReceiptURL                    *string             `json:"receipt_url"`
	Refunded                      bool                `json:"refunded"`
	Review                        *string             `json:"review"`
	Shipping                      *Shipping           `json:"shipping"`
	Source                        json.RawMessage     `json:"source"` // the card, bank account or source, of POST /v1/charges
	SourceTransfer                *string             `json:"source_transfer"`
	StatementDescriptor           *string             `json:"statement_descriptor"`
	StatementDescriptorSuffix     *string             `json:"statement_descriptor_suffix"`
	Status                        string              `json:"status"` // see next
	Transfer                      *string             `json:"transfer,omitempty"`
	TransferData                  *ChargeTransferData `json:"transfer_data"`
	TransferGroup                 *string             `json:"transfer_group"`
	Private                       ChargePrivate       `json:"-"`
}

// ChargePrivate is what a charge knows that no answer shows.
type ChargePrivate struct {
	Authorized    int64  `json:"authorized"`               // what the network holds or has held, minor units
	Released      bool   `json:"released,omitempty"`       // what was not captured has been let go
	Attempt       string `json:"attempt,omitempty"`        // that the network approved, where one was written down
	CardCountry   string `json:"card_country,omitempty"`   // two letters; the fee depends on it
	FundsNow      bool   `json:"funds_now,omitempty"`      // available at once (a test card)
	RefundPending bool   `json:"refund_pending,omitempty"` // how refunds to the card will go (test cards)
	RefundFails   bool   `json:"refund_fails,omitempty"`
	Captures      int64  `json:"captures,omitempty"` // how many there have been
	Manual        bool   `json:"manual,omitempty"`   // of POST /v1/charges with capture=false
	DeclineCode   string `json:"decline_code,omitempty"`
	DeclineParam  string `json:"decline_param,omitempty"`
	// Dispute and FraudWarning are what the cardholder will do about it (test cards).
	Dispute      *rail.Dispute `json:"dispute,omitempty"`
	FraudWarning string        `json:"fraud_warning,omitempty"`
	// ChargedBack says that a dispute keeps it from being refunded.
	ChargedBack bool   `json:"charged_back,omitempty"`
	Returned    int64  `json:"returned,omitempty"` // what its source was told of refunds, minor units
	Error       string `json:"error,omitempty"`    // the code that the intent shows, where it is not the failure's
}

// Outcome is what was decided about a charge, and by whom.
type Outcome struct {
	AdviceCode         *string `json:"advice_code"`
	NetworkAdviceCode  *string `json:"network_advice_code"`
	NetworkDeclineCode *string `json:"network_decline_code"`
	NetworkStatus      string  `json:"network_status"`
	Reason             *string `json:"reason"`
	RiskLevel          string  `json:"risk_level"`
	RiskScore          *int64  `json:"risk_score,omitempty"`
	Rule               string  `json:"rule,omitempty"` // that decided
	SellerMessage      string  `json:"seller_message"`
	Type               string  `json:"type"`
}

// MethodDetails are what a charge shows of the payment method as it was when it was used.
type MethodDetails struct {
	paymentmethod.Others                 // the hash of a type other than card
	ACHCreditTransfer    json.RawMessage `json:"ach_credit_transfer,omitempty"` // of sources of old, as are the next and Wechat
	ACHDebit             json.RawMessage `json:"ach_debit,omitempty"`
	Card                 *CardDetails    `json:"card,omitempty"`
	Wechat               json.RawMessage `json:"wechat,omitempty"`
	StripeAccount        json.RawMessage `json:"stripe_account,omitempty"` // of a transfer: {}
	Type                 string          `json:"type"`
}

// CardDetails are those of a card. Known from: recordings (2025 to 2026).
type CardDetails struct {
	AmountAuthorized         *int64               `json:"amount_authorized"`
	AuthorizationCode        *string              `json:"authorization_code"`
	Brand                    string               `json:"brand"`
	CaptureBefore            int64                `json:"capture_before,omitempty"` // Unix seconds; while it is to be captured
	Checks                   paymentmethod.Checks `json:"checks"`
	Country                  *string              `json:"country"`
	ExpMonth                 int64                `json:"exp_month"`
	ExpYear                  int64                `json:"exp_year"`
	ExtendedAuthorization    Feature              `json:"extended_authorization"`
	Fingerprint              *string              `json:"fingerprint"`
	Funding                  string               `json:"funding"`
	IncrementalAuthorization Feature              `json:"incremental_authorization"`
	Installments             *string              `json:"installments"`
	Last4                    string               `json:"last4"`
	Mandate                  *string              `json:"mandate"`
	Multicapture             Feature              `json:"multicapture"`
	Network                  string               `json:"network"`
	NetworkToken             NetworkToken         `json:"network_token"`
	NetworkTransactionID     *string              `json:"network_transaction_id"`
	Overcapture              Overcapture          `json:"overcapture"`
	RegulatedStatus          string               `json:"regulated_status"`
	ThreeDSecure             *ThreeDDetails       `json:"three_d_secure"`
	Wallet                   *string              `json:"wallet"`
}

// A Feature says whether a card lets something be done: "available", "unavailable", "enabled", "disabled".
type Feature struct {
	Status string `json:"status"`
}

// NetworkToken says whether the network's token stood for the number.
type NetworkToken struct {
	Used bool `json:"used"`
}

// Overcapture is how much more than was authorized may be captured.
type Overcapture struct {
	MaximumAmountCapturable int64  `json:"maximum_amount_capturable"`
	Status                  string `json:"status"`
}

// ThreeDDetails is how 3D Secure went.
type ThreeDDetails struct {
	AuthenticationFlow        *string `json:"authentication_flow"`
	ElectronicCommerce        *string `json:"electronic_commerce_indicator"`
	ExemptionIndicator        *string `json:"exemption_indicator"`
	ExemptionIndicatorApplied *bool   `json:"exemption_indicator_applied,omitempty"`
	Result                    *string `json:"result"`
	ResultReason              *string `json:"result_reason"`
	TransactionID             *string `json:"transaction_id"`
	Version                   *string `json:"version"`
}

// The statuses of a charge, and what may follow each.
var chargeNext = map[string][]string{
	"":          {"pending", "succeeded", "failed"},
	"pending":   {"succeeded", "failed"},
	"succeeded": {},
	"failed":    {},
}

// Charges is the kind of charges.
var Charges = &api.Kind[Charge]{
	Name: "charge", Prefixes: []string{"ch", "py"},
	Index: []string{"customer", "payment_intent", "transfer_group", "metadata"},
}

func (d *Domain) chargeRoutes(r *api.Router) {
	r.Include("charge", "refunds", refundsOf)
	r.Handle("POST /v1/charges", d.createCharge)
	r.Handle("GET /v1/charges", d.listCharges)
	r.Handle("GET /v1/charges/search", Charges.Search("charges"))
	r.Plain("GET /v1/charges/{charge}", Charges.Retrieve)
	r.Handle("POST /v1/charges/{charge}", d.updateCharge)
	r.Handle("POST /v1/charges/{charge}/capture", d.captureCharge)
	r.Task("charge.expire", d.expireCharge)
}

// move is the only place that assigns a charge's status.
func (ch *Charge) move(to string) error {
	if err := step("charge", ch.ID, chargeNext, ch.Status, to); err != nil {
		return err
	}
	ch.Status = to
	return nil
}

func (d *Domain) listCharges(c *api.Call) (any, error) {
	if pi := c.P.Str("payment_intent"); pi != "" {
		if _, err := Intents.Find(c, pi, "payment_intent"); err != nil {
			return nil, err
		}
	}
	return Charges.List(c)
}

// updateCharge changes what may be changed of a charge that has been made.
func (d *Domain) updateCharge(c *api.Call) (any, error) {
	ch, err := Charges.InPath(c, "charge")
	if err != nil {
		return nil, err
	}
	if cus := c.P.Str("customer"); cus != "" {
		if ch.Customer != nil && *ch.Customer != cus {
			// unverified: Stripe's words are not known
			return nil, fault.Invalid("customer", "This charge already has a customer; it cannot be moved to another one.")
		}
		if _, err := d.customer(c, cus, "customer"); err != nil {
			return nil, err
		}
	}
	if err := c.Params(ch); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(ch.Metadata); err != nil {
		return nil, err
	}
	return ch, c.Save(ch, "charge.updated")
}

// newCharge makes the charge of an intent; it is saved when the network has decided about it.
func (d *Domain) newCharge(c *api.Call, pi *Intent) *Charge { return d.newChargeAs(c, pi, "ch") }

// newChargeAs is newCharge with the prefix of the id: ch of cards, py of all else (facts 12).
func (d *Domain) newChargeAs(c *api.Call, pi *Intent, prefix string) *Charge {
	ch := Charges.New(c, id.Sibling(prefix, pi.ID))
	ch.Created, ch.Livemode = c.Now(), c.Live()
	ch.Amount, ch.Currency = pi.Amount, pi.Currency
	ch.PaymentIntent = &pi.ID
	ch.Customer, ch.Description, ch.ReceiptEmail = pi.Customer, pi.Description, pi.ReceiptEmail
	ch.Metadata = copyMap(pi.Metadata)
	ch.Shipping, ch.TransferGroup = pi.Shipping, pi.TransferGroup
	ch.Application, ch.ApplicationFeeAmount, ch.OnBehalfOf = pi.Application, pi.ApplicationFeeAmount, pi.OnBehalfOf
	if ch.TransferData = pi.TransferData.ofCharge(); ch.TransferData != nil {
		ch.Destination = &ch.TransferData.Destination
		if pi.TransferGroup == nil {
			pi.TransferGroup = groupOf(ch)
		}
		ch.TransferGroup = pi.TransferGroup
	}
	ch.StatementDescriptor, ch.StatementDescriptorSuffix = pi.StatementDescriptor, pi.StatementDescriptorSuffix
	ch.RadarOptions, ch.AmountUpdates = json.RawMessage("{}"), noUpdates(c)
	ch.CalculatedStatementDescriptor = descriptor(c, ch)
	return ch
}

// maxDescriptor is the length of a statement descriptor. Known from: facts 05.
const maxDescriptor = 22

// descriptor is what the cardholder's statement will say: the charge's own words, or the account's with the charge's suffix behind an
// asterisk, in capitals. Known from: recordings ("GUMRD.COM* EDGARDE3988").
func descriptor(c *api.Call, ch *Charge) *string {
	acct := account.Of(c)
	if a, err := settler(c, ch); err == nil {
		acct = a
	}
	own := acct.StatementDescriptor()
	if own == "" {
		own = "Stripe" // recorded: an account that has not set one
	}
	text := own
	switch {
	case ch.StatementDescriptor != nil:
		text = *ch.StatementDescriptor
	case ch.StatementDescriptorSuffix != nil:
		if p := acct.StatementPrefix(); p != "" {
			own = p
		}
		text = own + "* " + *ch.StatementDescriptorSuffix
	}
	text = strings.ToUpper(text)
	if len(text) > maxDescriptor {
		text = strings.TrimSpace(text[:maxDescriptor])
	}
	return &text
}

// checkDescriptors refuses descriptors that a statement cannot show. Known from: facts 05 (5a).
func checkDescriptors(p *form.Value) error {
	for _, name := range []string{"statement_descriptor", "statement_descriptor_suffix"} {
		text := p.Str(name)
		if text == "" {
			continue
		}
		if len([]rune(text)) > maxDescriptor {
			return fault.DescriptorTooLong(name, text, maxDescriptor)
		}
		if i := strings.IndexAny(text, `<>\"'`); i >= 0 {
			return fault.DescriptorCharacter(name, text[i:i+1])
		}
		if !strings.ContainsFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }) {
			return fault.DescriptorNoLetter(name)
		}
	}
	return nil
}

// receiptURL is where the customer finds the receipt of a charge: nobody can guess its end.
func receiptURL(c *api.Call, ch *Charge) *string {
	return opt(c.Base() + "/receipts/payment/" + merchant(c).ID + "/" + ch.ID + "/" + id.Secret(24))
}

// noUpdates are the amount_updates of a new charge. Known from: facts 13 (§4): accounts of their own show an empty list at every version, connected
// ones nothing. unverified: what would be in it.
func noUpdates(c *api.Call) json.RawMessage {
	if account.Platform(c) != nil {
		return nil
	}
	return json.RawMessage("[]")
}
