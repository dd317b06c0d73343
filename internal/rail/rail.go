// Package rail is the way out: what asks a card network for money and hears what it says.
//
// A rail is never called while a unit of work is open. What is asked has the id of an attempt, which has been recorded before: a network that
// is asked twice about one attempt must do it once, and can be asked later what became of it (Lookup), so that an attempt whose process died
// is settled or reversed. The test network (network.go) answers at once from the card number and needs no waiting; then Instant says true,
// and the asking and the applying are one unit of work.
package rail

import (
	"context"
	"log/slog"

	"florin/internal/fault"
	"florin/internal/store"
	"florin/internal/vault"
)

// An Operation is what is asked of the network.
type Operation string

// The operations. Verify asks whether a card is good, for no money. Authorize and Increment hold money, Capture takes what is held, Reverse
// lets it go, Refund gives back what was taken.
const (
	Verify    Operation = "verify"
	Authorize Operation = "authorize"
	Increment Operation = "increment"
	Capture   Operation = "capture"
	Reverse   Operation = "reverse"
	Refund    Operation = "refund"
)

// A Request asks a network to do something, once.
type Request struct {
	Attempt   string // id of the attempt; a network does each once
	Scope     store.Scope
	Original  string // the charge that a later operation is about
	Operation Operation
	Amount    int64  // minor units
	Currency  string // lower case ISO 4217
	Created   int64  // Unix seconds

	Card              vault.Card // the number never leaves the types that hide it
	ExpMonth, ExpYear int64
	CVC               bool // the customer gave one
	Line1, PostalCode bool // the customer gave an address
	Confirm           Confirm
	Merchant          string
	Descriptor        string // as on the statement
	OffSession        bool   // the customer is not there
	Setup             bool   // the card is to be used again later, without the customer
	WasSetUp          bool   // the card was set up for that
	Mandate           bool   // the issuer is to keep a mandate for that, under the rules of India
	RequestThreeDS    bool   // the merchant wants the cardholder to authenticate
	Authenticated     bool   // 3D Secure was passed
}

// Confirm is what the issuer must not contradict, or the payment is refused: the merchant's rules.
type Confirm struct{ CVC, PostalCode bool }

// LogValue keeps the card out of logs.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("attempt", r.Attempt), slog.String("operation", string(r.Operation)), slog.Int64("amount", r.Amount), slog.String("currency", r.Currency))
}

// A Status is what a network says.
type Status string

// What a network says to a request.
const (
	Approved Status = "approved"
	Declined Status = "declined"
	// Challenge says that the cardholder must authenticate before the network will decide.
	Challenge Status = "challenge"
	// Blocked says that the payment was stopped before it was sent.
	Blocked Status = "blocked"
)

// A Result is a network's answer.
type Result struct {
	Status  Status         `json:"status"`
	Decline *fault.Decline `json:"decline,omitempty"`

	AuthorizationCode    string `json:"authorization_code,omitempty"`
	NetworkTransactionID string `json:"network_transaction_id,omitempty"`
	// The checks: pass, fail, unavailable, unchecked, or "" where nothing was given to check.
	CVCCheck, Line1Check, PostalCheck string
	RiskLevel                         string // normal, elevated or highest
	RiskScore                         int64  // 0 to 99
	// ThreeDSecure is the result of 3D Secure: authenticated, attempt_acknowledged, …; "" where it was not asked for.
	ThreeDSecure string `json:"three_d_secure,omitempty"`
	// FundsNow says that the money is available at once.
	FundsNow bool `json:"funds_now,omitempty"`
	// RefundPending and RefundFails tell how a refund to this card will go.
	RefundPending bool `json:"refund_pending,omitempty"`
	RefundFails   bool `json:"refund_fails,omitempty"`
	// Dispute and EarlyFraudWarning tell what the cardholder will do next: the type of fraud that is reported, "" for none.
	Dispute           *Dispute `json:"dispute,omitempty"`
	EarlyFraudWarning string   `json:"early_fraud_warning,omitempty"`
}

// A Dispute is what the cardholder of a test card will do about a payment.
type Dispute struct {
	Reason            string `json:"reason"`            // fraudulent, product_not_received, noncompliant
	Inquiry           bool   `json:"inquiry,omitempty"` // a question first, which moves no money
	Count             int64  `json:"count,omitempty"`   // how many; 0 is one
	NetworkReasonCode string `json:"network_reason_code,omitempty"`
	Kind              string `json:"kind,omitempty"` // visa_ce3, visa_compliance, mastercard_compliance, smart: how it can be answered
}

// Risk is what is thought of a payment before anybody is asked about it.
type Risk struct {
	Level   string // normal, elevated or highest
	Score   int64  // 0 to 99
	Control string // the control that this test card is there to try, as testcard.Block has it; "" for none
	ThreeDS string // how the card stands to 3D Secure: required, recommended, optional, not_supported
}

// A Rail reaches one network.
type Rail interface {
	Name() string
	// Instant says that Do answers at once and reaches nothing outside, so that it may be called in a unit of work.
	Instant() bool
	// Do asks. An error says that nothing is known: the request may or may not have been done.
	Do(ctx context.Context, r Request) (Result, error)
	// Lookup asks what became of an attempt; found is false if the network never heard of it.
	Lookup(ctx context.Context, attempt string) (result Result, found bool, err error)
}

// Rails chooses the rail for a payment.
type Rails struct {
	Test Rail // of test mode
	Live Rail // of live mode; nil until an acquirer is configured
}

// For returns the rail of a mode; nil if there is none.
func (r *Rails) For(live bool) Rail {
	if live {
		return r.Live
	}
	return r.Test
}
