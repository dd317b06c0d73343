package radar

import (
	"florin/internal/api"
	"florin/internal/domain/payment"
	"florin/internal/testcard"
)

// A builtin is a rule that every account has, and may switch on or off.
type builtin struct {
	Rule
	on                    bool // unless the account has switched it
	reason, sellerMessage string
	fraud                 bool // what it blocks is reported as fraud
}

// The words of a decision. Known from: answers of live Stripe in public repositories (2019 to 2024) for both risk levels.
const (
	tooRisky = "Stripe blocked this payment as too risky."
	elevated = "Stripe evaluated this payment as having elevated risk, and placed it in your manual review queue."
	byRule   = "This payment was blocked because it matched one of your rules."                            // unverified
	toReview = "This payment was placed in your manual review queue because it matched one of your rules." // unverified
)

// builtins are the rules that every account has. The ids of those by risk level, and of the allow list, are recorded; facts 07e say which are on.
var builtins = []builtin{
	{Rule: Rule{"request_3ds_if_recommended", Request3DS, ":card_3d_secure_support: = 'recommended'"}}, // unverified: id
	{Rule: Rule{"allow_if_in_allowlist", Allow, anyList("allowlist")}, on: true, reason: "rule"},
	{Rule: Rule{"block_if_in_blocklist", BlockIt, anyList("blocklist")}, on: true, reason: "rule", sellerMessage: byRule}, // unverified: id
	{Rule: Rule{"block_if_high_risk", BlockIt, ":risk_level: = 'highest'"}, on: true, reason: "highest_risk_level", sellerMessage: tooRisky, fraud: true},
	{Rule: control("block_if_high_fraud_dispute_score", testcard.BlockDisputeScore), reason: "rule", sellerMessage: byRule},
	{Rule: control("block_if_high_early_fraud_warning_score", testcard.BlockEfwScore), reason: "rule", sellerMessage: byRule},
	{Rule: control("block_if_over_dynamic_risk_threshold", testcard.BlockDynamic), reason: "rule", sellerMessage: byRule},
	{Rule: control("block_if_free_trial_abuse", testcard.BlockTrialAbuse), reason: "rule", sellerMessage: byRule},
	{Rule: Rule{"manual_review_if_elevated_risk", ReviewIt, ":risk_level: = 'elevated'"}, reason: "elevated_risk_level", sellerMessage: elevated},
}

// Two more rules that every account has are decided by what the issuer says of the card, so the network is told of them. Off unless an account
// switches them on. unverified: the ids, and that the one by security code is off at first: a recorded payment with 4000000000000101 passed.
var (
	blockIfCVC        = builtin{Rule: Rule{"block_if_cvc_check_fails", BlockIt, ":cvc_check: = 'fail'"}}
	blockIfPostalCode = builtin{Rule: Rule{"block_if_postal_code_check_fails", BlockIt, ":address_zip_check: = 'fail'"}}
)

// control is the rule that a test card is there to try. unverified: the ids.
func control(id string, what testcard.Block) Rule {
	return Rule{id, BlockIt, ":test_control: = '" + string(what) + "'"}
}

// anyList is the predicate of the rule that asks the default lists of one sort.
func anyList(sort string) string {
	out := ""
	for i, l := range defaults {
		if i > 0 {
			out += " or "
		}
		out += ":" + l.attribute + ": in @" + l.alias + "_" + sort
	}
	return out
}

// screen decides about a payment before it leaves: what asks for 3D Secure, then what allows, blocks and sends to review, until one rule is true.
// Known from: docs.stripe.com/radar/rules/reference (order).
func (d *Domain) screen(c *api.Call, s *payment.Screening) error {
	set, err := load(c)
	if err != nil {
		return err
	}
	p := &facts{c: c, s: s, lists: set}
	if s.Risk.Control == string(testcard.BlockAlways) { // this card is stopped whatever the rules say
		s.Verdict = payment.Verdict{Action: payment.Block, Rule: "block_if_high_risk", Reason: "highest_risk_level", SellerMessage: tooRisky, Fraudulent: true}
		return nil
	}
	s.Verdict.CVC, s.Verdict.PostalCode = set.on(&blockIfCVC), set.on(&blockIfPostalCode)
	if rule, err := set.first(p, Request3DS); err != nil || rule != nil && !s.Authenticated {
		if err != nil {
			return err
		}
		s.Verdict.ThreeDSecure = true
	}
	for _, action := range []string{Allow, BlockIt, ReviewIt} {
		rule, err := set.first(p, action)
		if err != nil {
			return err
		}
		if rule == nil {
			continue
		}
		v := &s.Verdict
		v.Rule, v.Reason, v.SellerMessage, v.Fraudulent = rule.ID, rule.reason, rule.sellerMessage, rule.fraud
		switch action {
		case BlockIt:
			v.Action = payment.Block
		case ReviewIt:
			v.Action = payment.Review
		}
		return nil
	}
	return nil
}

// first finds the first rule of an action that is true of a payment: the built-in ones, then the account's own.
func (set *settings) first(p *facts, action string) (*builtin, error) {
	try := func(r *builtin) (bool, error) {
		if r.Action != action {
			return false, nil
		}
		cond, err := compile(r.Predicate)
		if err != nil {
			return false, err
		}
		return cond.holds(p)
	}
	for i := range builtins {
		r := &builtins[i]
		if !set.on(r) {
			continue
		}
		if ok, err := try(r); ok || err != nil {
			return r, err
		}
	}
	for _, own := range set.Rules {
		r := &builtin{Rule: own, reason: "rule"}
		switch own.Action {
		case BlockIt:
			r.sellerMessage = byRule
		case ReviewIt:
			r.sellerMessage = toReview
		}
		if ok, err := try(r); ok || err != nil {
			return r, err
		}
	}
	return nil, nil
}
