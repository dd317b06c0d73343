package payment

import (
	"florin/internal/api"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/rail"
)

// A Screening is a payment just before it would leave for the network: what is known of it, and what was decided. Package radar decides.
type Screening struct {
	Charge        *Charge // without what the network says
	Intent        *Intent // nil for POST /v1/charges
	Method        *paymentmethod.PaymentMethod
	BIN           string // the first six digits of the card
	Risk          rail.Risk
	OffSession    bool
	Authenticated bool // 3D Secure was passed
	Verdict       Verdict
}

// A Verdict is what was decided about a payment before it was sent, and why.
type Verdict struct {
	Action        string `json:"action,omitempty"`         // block, review, or "" to let it pass
	ThreeDSecure  bool   `json:"three_d_secure,omitempty"` // the cardholder is to authenticate
	Rule          string `json:"rule,omitempty"`           // the id of the rule that decided
	Reason        string `json:"reason,omitempty"`         // as outcome.reason
	SellerMessage string `json:"seller_message,omitempty"` // as outcome.seller_message
	RiskLevel     string `json:"risk_level,omitempty"`     // where it differs from the network's
	CVC           bool   `json:"cvc,omitempty"`            // the payment is refused if the issuer says that the security code is wrong
	PostalCode    bool   `json:"postal_code,omitempty"`    // the same of the postal code
	Fraudulent    bool   `json:"reported_fraud,omitempty"` // the charge says that it was reported as fraud
}

// The actions of a verdict.
const (
	Block  = "block"
	Review = "review"
)

// A Screener decides about a payment before it leaves. It fills in the verdict.
type Screener func(c *api.Call, s *Screening) error

// Screen sets who decides. Without one every payment is sent.
func (d *Domain) Screen(f Screener) { d.screener = f }

// screen asks what to do with a payment, and notes the verdict in its attempt. What is blocked is settled here, and not sent.
func (d *Domain) screen(c *api.Call, a *attempt, req *rail.Request, ch *Charge, how *confirmation) (blocked bool, err error) {
	if d.screener == nil || a.Operation != rail.Authorize {
		return false, nil
	}
	s := &Screening{
		Charge: ch, Risk: rail.Assess(req), OffSession: req.OffSession, Authenticated: req.Authenticated,
		BIN: req.Card.Number[:min(6, len(req.Card.Number))],
	}
	if s.Method, err = paymentmethod.Get(c, a.Method); err != nil || s.Method == nil {
		return false, err
	}
	if a.Intent != "" {
		if s.Intent, err = Intents.Get(c, a.Intent); err != nil {
			return false, err
		}
	}
	if err := d.screener(c, s); err != nil {
		return false, err
	}
	a.Verdict = s.Verdict
	req.Confirm = rail.Confirm{CVC: s.Verdict.CVC, PostalCode: s.Verdict.PostalCode}
	// Known from: Stripe's documentation: rules that ask for 3D Secure are for payment intents; nobody is there to be asked off-session.
	if a.Verdict.ThreeDSecure && s.Intent != nil && !req.OffSession {
		req.RequestThreeDS = true
	}
	if a.Verdict.Action != Block {
		return false, nil
	}
	res := rail.Result{
		Status: rail.Blocked, RiskLevel: s.Risk.Level, RiskScore: s.Risk.Score,
		Decline: &fault.Decline{Code: "card_declined", DeclineCode: "fraudulent", Message: "Your card was declined."},
	}
	unasked := func(given bool) string { // recorded: the issuer was not asked
		if given {
			return "unavailable"
		}
		return ""
	}
	res.CVCCheck, res.Line1Check, res.PostalCheck = unasked(req.CVC), unasked(req.Line1), unasked(req.PostalCode)
	return true, d.settle(c, a, &res, ch, how)
}

// show puts the verdict into what a charge says of the decision.
func (v *Verdict) show(ch *Charge) {
	o := ch.Outcome
	if v.Action == Block && v.Fraudulent {
		ch.FraudDetails = map[string]string{"stripe_report": "fraudulent"} // recorded in 2024, live
	}
	if o == nil || v.Rule == "" || v.Action == Review && o.Type != "authorized" {
		return
	}
	o.Rule = v.Rule
	if v.RiskLevel != "" {
		o.RiskLevel = v.RiskLevel
	}
	o.Reason, o.SellerMessage = opt(v.Reason), v.SellerMessage
	if v.SellerMessage == "" {
		o.SellerMessage = "Payment complete."
	}
	if v.Action == Review {
		o.Type = "manual_review"
	}
}

// A Step is something that happens to a charge that the network has approved.
type Step string

// The steps of a charge.
const (
	Approved Step = "approved" // the network holds or has taken the money; the charge is not told of yet
	Captured Step = "captured" // the merchant has the money
	Refunded Step = "refunded" // some of it has been given back
	Released Step = "released" // what was held has been let go
)

// A ChargeFollower is told of each step of a charge, in the unit of work that makes it. Its error undoes the step.
type ChargeFollower func(c *api.Call, ch *Charge, step Step) error

// FollowCharges adds a follower.
func (d *Domain) FollowCharges(f ChargeFollower) { d.chargeFollowers = append(d.chargeFollowers, f) }

func (d *Domain) tell(c *api.Call, ch *Charge, step Step) error {
	for _, f := range d.chargeFollowers {
		if err := f(c, ch, step); err != nil {
			return err
		}
	}
	return nil
}
