// Package testcard holds Stripe's test cards as data: the numbers, the names that stand for them (pm_card_visa, tok_visa), what is known of each card,
// and how it behaves. In test mode the simulated network reads the behaviour from here, and from nowhere else.
//
// For a number that is not in the table, Identify tells the brand by its first digits.
//
// Known from: facts 07 (numbers, declines), 14h (number ranges, brands); rows that facts 07 lacks are marked D and come from Stripe's testing page as
// captured in August 2026.
package testcard

import (
	"slices"
	"strings"

	"florin/internal/fault"
)

// A Card is one card. The zero value of each behaviour is the plain one: it is never declined, all checks pass, 3D Secure is not asked for.
type Card struct {
	Number string   // digits only
	Names  []string // what follows pm_card_ and tok_
	Tokens []string // what follows tok_ only

	Brand    string   // as payment methods spell it: visa
	Networks []string // card.networks.available; more than one if co-badged
	Funding  string   // credit, debit, prepaid, unknown
	Country  string   // of the issuer, ISO 3166

	Decline *fault.Decline // why it is refused, nil if it is not
	When    When           // when it is refused
	Checks  Checks
	ThreeDS ThreeDS
	Risk    Risk

	Dispute      *Dispute     // what the cardholder does after paying, nil if nothing
	FraudWarning string       // fraud_type of the early fraud warning that follows a payment; "" for none
	Refund       Refund       // what becomes of a refund
	Bypass       bool         // the money is available at once
	Mandate      IndiaMandate // what becomes of recurring payments under the Indian rules
	Captcha      bool         // the page asks a riddle before it takes the card; the payment then succeeds
}

// When says at which step a card with a Decline is refused.
type When uint8

// The steps.
const (
	Always              When = iota // when it is charged, set up or attached to a customer
	AfterAttach                     // it can be attached and set up; every charge is refused
	AfterAuthentication             // the cardholder authenticates, then the charge is refused; see ThreeDS
)

// Checks are the issuer's answers to what was sent with the card. "" stands for pass. A check of what was not sent is null, whatever stands here.
type Checks struct{ CVC, Line1, Zip string } // "", fail, unavailable

// The answers other than pass.
const (
	Fail        = "fail"
	Unavailable = "unavailable"
)

// ThreeDS is how a card stands to 3D Secure.
type ThreeDS struct {
	Usage        Usage
	LookupError  bool   // asking the issuer whether to authenticate fails: a required authentication ends in a decline, an optional one in processing_error
	Frictionless bool   // the issuer authenticates without asking the cardholder
	Unsaid       bool   // off-session it is declined without the word that its holder must authenticate
	Challenge    string // what the challenge looks like on a phone: oob, otp, single_select, multi_select; "" for the plain page
}

// Usage says when a card wants to be authenticated.
type Usage uint8

// The usages.
const (
	Acknowledged  Usage = iota // never by itself; when it is asked for, the result is attempt_acknowledged, without a challenge
	NotSupported               // the card knows no 3D Secure
	Optional                   // never by itself; a real challenge when it is asked for
	Required                   // always
	UntilSetUp                 // on-session always; off-session unless the card was set up for it
	OnSessionOnly              // on-session always; off-session never
	Adaptive                   // when the account lets Radar ask for 3D Secure adaptively; else as Optional
)

// Supported is three_d_secure_usage.supported.
func (t ThreeDS) Supported() bool { return t.Usage != NotSupported }

// Wanted says whether the issuer insists on authentication, for a payment with or without the cardholder present, and a card that was or was not set up
// for off-session payments.
func (t ThreeDS) Wanted(offSession, setUp bool) bool {
	switch t.Usage {
	case Required:
		return true
	case UntilSetUp:
		return !offSession || !setUp
	case OnSessionOnly:
		return !offSession
	}
	return false
}

// Result is the result of authentication, as in three_d_secure.result, if the cardholder does what is asked.
func (t ThreeDS) Result() string {
	switch {
	case t.Usage == NotSupported:
		return "not_supported"
	case t.LookupError:
		return "processing_error"
	case t.Usage == Acknowledged:
		return "attempt_acknowledged"
	}
	return "authenticated"
}

// Risk is what Radar thinks of the card.
type Risk struct {
	Level string // "" for normal; elevated, highest
	Score int    // 0 to 99; 0 lets the caller choose one from 0 to 64, which is normal
	Block Block
}

// Block says whether Radar stops a payment before it reaches the network.
type Block string

// The rules that can stop a card.
const (
	BlockNever        Block = ""
	BlockAlways       Block = "always"
	BlockHighest      Block = "highest_risk_level"             // the rule of every account, unless it was switched off
	BlockDynamic      Block = "dynamic_risk_threshold"         // if the account uses it
	BlockDisputeScore Block = "high_fraud_dispute_score"       // if the account uses it
	BlockEfwScore     Block = "high_early_fraud_warning_score" // if the account uses it
	BlockTrialAbuse   Block = "free_trial_abuse"               // if the account uses it
)

// A Dispute is one that follows a payment.
type Dispute struct {
	Reason            string // fraudulent, product_not_received, noncompliant
	Inquiry           bool   // a warning_needs_response that moves no money
	Count             int    // how many; 0 is one
	NetworkReasonCode string // of the card scheme, "" if not known
	Kind              string // visa_ce3, visa_compliance, mastercard_compliance, smart: which special handling it can be tested with; "" for none
	Prevention        string // visa_rdr, visa_ce3, ethoca: the service that prevents it, if the account is enrolled; "" for none
}

// Refund is what becomes of a refund to a card.
type Refund uint8

// The kinds of refund.
const (
	RefundSucceeds Refund = iota // at once, for good
	RefundPending                // pending, then succeeded, with refund.updated
	RefundFails                  // succeeded, then failed, with refund.failed
)

// IndiaMandate is what becomes of an off-session payment under an Indian mandate.
type IndiaMandate uint8

// The kinds of mandate.
const (
	NoMandate          IndiaMandate = iota
	MandateRenews                   // it is set up and later payments succeed
	MandateCanceled                 // the cardholder cancels it: india_recurring_payment_mandate_canceled
	MandateNotNotified              // the bank does not send the notice before the payment
	MandatePaused                   // the cardholder cancels or pauses the payment after the notice
)

var (
	byNumber = map[string]*Card{}
	byMethod = map[string]*Card{}
	byToken  = map[string]*Card{}
)

func init() {
	for i := range cards {
		c := &cards[i]
		c.fill()
		add(byNumber, c.Number, c)
		for _, name := range c.Names {
			add(byMethod, "pm_card_"+name, c)
			add(byToken, "tok_"+name, c)
		}
		for _, name := range c.Tokens {
			add(byToken, "tok_"+name, c)
		}
	}
}

func add(m map[string]*Card, key string, c *Card) {
	if m[key] != nil {
		panic("testcard: " + key + " stands twice in the table")
	}
	m[key] = c
}

// fill completes a row with what its number tells.
func (c *Card) fill() {
	r := rangeOf(c.Number)
	if c.Brand == "" {
		c.Brand = r.brand
	}
	if c.Country == "" {
		c.Country = issuerCountry(c.Number)
	}
	if c.Funding == "" {
		c.Funding = "credit"
		if strings.HasPrefix(c.Number, "400005") && len(c.Number) == 16 {
			c.Funding = "debit"
		}
	}
	if c.Networks == nil {
		c.Networks = []string{c.Brand}
	}
	if c.Brand == "unionpay" && c.ThreeDS.Usage == Acknowledged {
		c.ThreeDS.Usage = NotSupported // facts 14h: I
	}
}

// All returns the test cards in the order of the table. They are not to be changed.
func All() []*Card {
	all := make([]*Card, len(cards))
	for i := range cards {
		all[i] = &cards[i]
	}
	return all
}

// ByNumber returns the test card with the number, or nil. The card is not to be changed.
func ByNumber(number string) *Card { return byNumber[number] }

// ByPaymentMethod returns the test card that a payment method such as pm_card_visa stands for, or nil.
func ByPaymentMethod(id string) *Card { return byMethod[id] }

// ByToken returns the test card that a token such as tok_visa stands for, or nil.
func ByToken(id string) *Card { return byToken[id] }

// Last4 returns the last four digits.
func (c *Card) Last4() string { return c.Number[len(c.Number)-4:] }

// DisplayBrand returns card.display_brand: american_express, diners_club, union_pay, … (facts 14h).
func (c *Card) DisplayBrand() string { return DisplayBrand(c.Brand) }

// AttachDecline returns why the card cannot be attached to a customer, or nil if it can.
func (c *Card) AttachDecline() *fault.Decline {
	if c.Decline != nil && c.When == Always && c.Risk.Block == BlockNever {
		return c.Decline
	}
	return nil
}

// ChargeDecline returns why a charge is declined, or nil. authenticated says whether the cardholder has just authenticated.
func (c *Card) ChargeDecline(authenticated bool) *fault.Decline {
	if c.Decline == nil || c.When == AfterAuthentication && !authenticated {
		return nil
	}
	return c.Decline
}

// CoBadged says whether the card belongs to more than one network.
func (c *Card) CoBadged() bool { return len(c.Networks) > 1 }

// Supports says whether the card belongs to the network.
func (c *Card) Supports(network string) bool { return slices.Contains(c.Networks, network) }
