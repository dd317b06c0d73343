package rail

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"florin/internal/fault"
	"florin/internal/testcard"
)

// Network is the simulated card network of test mode. It answers at once, from the card number alone (internal/testcard), and keeps nothing:
// asked again about the same attempt it says the same.
type Network struct{}

// Name is what attempts call it.
func (Network) Name() string { return "test" }

// Instant says that it may be asked in a unit of work.
func (Network) Instant() bool { return true }

// Lookup finds every attempt unknown: nothing is ever still out.
func (Network) Lookup(context.Context, string) (Result, bool, error) { return Result{}, false, nil }

// Do answers a request.
func (Network) Do(_ context.Context, r Request) (Result, error) {
	res := Result{Status: Approved, RiskLevel: "normal"}
	lot := draw(r.Attempt)
	res.AuthorizationCode = fmt.Sprintf("%06d", lot%1_000_000)
	res.NetworkTransactionID = fmt.Sprintf("1%014d", lot%100_000_000_000_000) // no card number begins so
	res.RiskScore = int64(lot % 65)
	if r.Operation != Authorize && r.Operation != Verify {
		return res, nil
	}
	card := testcard.ByNumber(r.Card.Number)
	if card == nil {
		d := fault.LiveCardInTest()
		res.Status, res.Decline = Declined, &fault.Decline{Code: d.Code, DeclineCode: d.DeclineCode, Message: d.Message}
		return res, nil
	}
	if r.Operation == Verify {
		verify(&res, card, r)
	} else {
		authorize(&res, card, r)
	}
	return res, nil
}

// verify decides whether a card can be set up for later: whether the cardholder must authenticate, and what the issuer then says of the card.
// Recorded: 4000000000000341 is good until it is charged. What attaching a card refuses is refused here, too.
func verify(res *Result, card *testcard.Card, r Request) {
	checks(res, card, r)
	plain := card.Mandate != testcard.NoMandate && !r.Mandate && !r.RequestThreeDS // recorded: 4000003560000123 is set up without more
	if !plain && authenticate(res, card, r) {
		return
	}
	d := card.AttachDecline()
	if d == nil && r.CVC && res.CVCCheck == testcard.Fail {
		d = testcard.ByNumber("4000000000000127").Decline
	}
	if d != nil && (d.Code != "incorrect_cvc" || r.CVC) {
		res.Status, res.Decline = Declined, d
	}
}

// authorize decides about a payment, in the order in which a real one is: whether the cardholder must authenticate, what the issuer says.
// What stops a payment before it is sent is decided by who sends it (see Assess).
func authorize(res *Result, card *testcard.Card, r Request) {
	checks(res, card, r)
	risk := Assess(&r)
	res.RiskLevel, res.RiskScore = risk.Level, risk.Score
	if decided := authenticate(res, card, r); decided {
		return
	}
	if d := card.ChargeDecline(r.Authenticated); d != nil {
		res.Status, res.Decline = Declined, d
		return
	}
	switch {
	case r.Confirm.CVC && res.CVCCheck == testcard.Fail:
		res.Status, res.Decline = Declined, testcard.ByNumber("4000000000000127").Decline
		return
	case r.Confirm.PostalCode && res.PostalCheck == testcard.Fail:
		res.Status, res.Decline = Declined, &fault.IncorrectZip
		return
	}
	if card.Mandate == testcard.MandateCanceled && r.OffSession && r.WasSetUp {
		res.Status, res.Decline = Declined, &mandateCanceled
		return
	}
	res.FundsNow = card.Bypass
	res.RefundPending = card.Refund == testcard.RefundPending
	res.RefundFails = card.Refund == testcard.RefundFails
	res.EarlyFraudWarning = card.FraudWarning
	if dp := card.Dispute; dp != nil {
		// Who is enrolled with a service that prevents disputes (dp.Prevention) would not be told of one; nobody is.
		res.Dispute = &Dispute{Reason: dp.Reason, Inquiry: dp.Inquiry, Count: int64(dp.Count), NetworkReasonCode: dp.NetworkReasonCode, Kind: dp.Kind}
	}
}

// mandateCanceled answers a later payment when the cardholder has canceled the mandate. Known from: the spec (the code). unverified: the words.
var mandateCanceled = fault.Decline{
	Code: "india_recurring_payment_mandate_canceled", Message: "The mandate for this card has been canceled by the cardholder.",
}

// Assess says what risk there is in a payment, before it is sent. In test mode the card's number tells; any other card is a normal one. The
// score of the same attempt is always the same.
func Assess(r *Request) Risk {
	risk := Risk{Level: "normal", Score: int64(draw(r.Attempt) % 65), ThreeDS: "optional"}
	card := testcard.ByNumber(r.Card.Number)
	if card == nil {
		return risk
	}
	if card.Risk.Level != "" {
		risk.Level = card.Risk.Level
	}
	if card.Risk.Score > 0 {
		risk.Score = int64(card.Risk.Score)
	}
	risk.Control = string(card.Risk.Block)
	switch card.ThreeDS.Usage {
	case testcard.NotSupported:
		risk.ThreeDS = "not_supported"
	case testcard.Required, testcard.UntilSetUp, testcard.OnSessionOnly:
		risk.ThreeDS = "required"
	case testcard.Adaptive:
		risk.ThreeDS = "recommended"
	}
	return risk
}

// authenticate asks for 3D Secure where the issuer or the merchant wants it, and says whether that decided the payment.
func authenticate(res *Result, card *testcard.Card, r Request) (decided bool) {
	wanted := card.ThreeDS.Wanted(r.OffSession, r.WasSetUp)
	if card.ThreeDS.Usage == testcard.Required && r.OffSession && r.WasSetUp {
		wanted = true // this card asks every time
	}
	switch {
	case r.Authenticated:
		res.ThreeDSecure = card.ThreeDS.Result()
		return false
	case !wanted && !r.RequestThreeDS:
		return false
	case card.ThreeDS.LookupError:
		res.ThreeDSecure = "processing_error"
		if wanted {
			res.Status, res.Decline = Declined, &fault.GenericDecline
			return true
		}
		return false
	case !wanted && (card.ThreeDS.Usage == testcard.Acknowledged || card.ThreeDS.Usage == testcard.NotSupported), card.ThreeDS.Frictionless:
		res.ThreeDSecure = card.ThreeDS.Result()
		return false
	case r.OffSession && card.ThreeDS.Unsaid:
		res.Status, res.Decline = Declined, &fault.GenericDecline
		return true
	case r.OffSession:
		d := fault.AuthenticationRequired()
		res.Status = Declined
		res.Decline = &fault.Decline{Code: d.Code, DeclineCode: d.DeclineCode, Message: d.Message}
		return true
	}
	res.Status = Challenge
	return true
}

// checks answers what was given to check; what was not given is not answered.
func checks(res *Result, card *testcard.Card, r Request) {
	says := func(given bool, answer string) string {
		switch {
		case !given:
			return ""
		case answer == "":
			return "pass"
		}
		return answer
	}
	res.CVCCheck = says(r.CVC, card.Checks.CVC)
	res.Line1Check = says(r.Line1, card.Checks.Line1)
	res.PostalCheck = says(r.PostalCode, card.Checks.Zip)
}

// draw makes a number of an attempt's id, always the same.
func draw(attempt string) uint64 {
	sum := sha256.Sum256([]byte(attempt))
	return binary.BigEndian.Uint64(sum[:8])
}
