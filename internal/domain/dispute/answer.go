package dispute

import (
	"florin/internal/api"
	"florin/internal/domain/payment"
	"florin/internal/fault"
)

// How a dispute is answered, and how it ends.

// The words that decide a dispute of test mode, when they are its evidence's uncategorized_text. Known from: facts 07 (7f).
const (
	winning    = "winning_evidence"
	losing     = "losing_evidence"
	escalating = "escalate_inquiry_evidence"
)

func (d *Domain) update(c *api.Call) (any, error) {
	dp, err := Disputes.InPath(c, "dispute")
	if err != nil {
		return nil, err
	}
	return d.answer(c, dp)
}

func (d *Domain) updateOfCharge(c *api.Call) (any, error) {
	dp, err := d.ofCharge(c)
	if err != nil {
		return nil, err
	}
	return d.answer(c, dp)
}

// answer takes evidence and metadata. Evidence goes to the bank at once, unless the request says that it is to wait; what waits goes when a
// request says so. unverified: that metadata alone sends nothing.
func (d *Domain) answer(c *api.Call, dp *Dispute) (any, error) {
	evidence := c.P.Get("evidence")
	submits := evidence != nil && !c.P.Given("submit") || c.P.True("submit")
	if dp.over() {
		return nil, fault.DisputeClosed()
	}
	if evidence != nil && dp.EvidenceDetails.PastDue {
		return nil, fault.EvidencePastDue()
	}
	if err := checkEvidence(c, dp, evidence); err != nil {
		return nil, err
	}

	if err := c.ParamsOnly(dp, "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(dp.Metadata); err != nil {
		return nil, err
	}
	if evidence != nil {
		if err := api.Bind(&dp.Evidence, evidence); err != nil {
			return nil, err
		}
		dp.EvidenceDetails.HasEvidence = dp.Evidence != Evidence{}
		dp.checkEligibility()
	}
	if submits && dp.EvidenceDetails.HasEvidence {
		if err := d.submit(c, dp); err != nil {
			return nil, err
		}
	}
	return dp, d.tell(c, dp, "charge.dispute.updated")
}

// tell saves a dispute with an event, which one of its charge follows. Recorded at 2026-08-26.
func (d *Domain) tell(c *api.Call, dp *Dispute, event string) error {
	if err := c.Save(dp, event); err != nil {
		return err
	}
	ch, err := payment.Charges.Get(c, dp.Charge)
	if err != nil {
		return err
	}
	return c.Emit("charge.updated", ch)
}

// submit sends the evidence to the bank, which reviews it. In test mode some words decide.
func (d *Domain) submit(c *api.Call, dp *Dispute) error {
	dp.EvidenceDetails.SubmissionCount++
	to := underReview
	if dp.inquiry() {
		to = warningUnderReview
	}
	if err := dp.move(to); err != nil {
		return err
	}
	switch text(dp.Evidence.UncategorizedText) {
	case winning, losing, escalating:
		if !c.Live() {
			c.At(c.Now()+decides, "dispute.decide", dp.ID)
		}
	}
	return nil
}

// decide is the task by which a bank decides about a test dispute, as the evidence's words say.
func (d *Domain) decide(c *api.Call, id string) error {
	dp, ch, err := d.load(c, id)
	if err != nil || dp == nil || dp.over() {
		return err
	}
	switch words := text(dp.Evidence.UncategorizedText); {
	case dp.inquiry() && words == escalating:
		return d.escalate(c, dp, ch)
	case dp.inquiry():
		return d.end(c, dp, warningClosed)
	case dp.Status == underReview && words == winning:
		return d.win(c, dp, ch)
	case dp.Status == underReview && words == losing:
		return d.end(c, dp, lost)
	}
	return nil
}

func (d *Domain) load(c *api.Call, id string) (*Dispute, *payment.Charge, error) {
	dp, err := Disputes.Get(c, id)
	if err != nil || dp == nil {
		return nil, nil, err
	}
	ch, err := payment.Charges.Get(c, dp.Charge)
	return dp, ch, err
}

// escalate makes a chargeback of an inquiry: the money is taken, and evidence is wanted again. unverified: the order of the events, and that the
// time to answer begins anew.
func (d *Domain) escalate(c *api.Call, dp *Dispute, ch *payment.Charge) error {
	if dp.Amount = min(dp.Amount, ch.AmountCaptured-ch.AmountRefunded); dp.Amount <= 0 {
		return d.end(c, dp, warningClosed)
	}
	if err := dp.move(needsResponse); err != nil {
		return err
	}
	dp.PaymentMethodDetails.Card.CaseType = "chargeback"
	dp.EvidenceDetails.DueBy = (c.Now()/day+answerDays+1)*day - 1
	dp.EvidenceDetails.PastDue = false
	c.At(dp.EvidenceDetails.DueBy+1, "dispute.due", dp.ID)
	if err := d.withdraw(c, dp, ch); err != nil {
		return err
	}
	if err := c.Save(dp, "charge.dispute.updated", "charge.dispute.funds_withdrawn"); err != nil {
		return err
	}
	return d.radar.Disputed(c, ch)
}

// win ends a dispute for the merchant, who has the money again. Recorded at 2026-08-26: the order of the events.
func (d *Domain) win(c *api.Call, dp *Dispute, ch *payment.Charge) error {
	if err := dp.move(won); err != nil {
		return err
	}
	if err := d.reinstate(c, dp, ch); err != nil {
		return err
	}
	return c.Save(dp, "charge.dispute.funds_reinstated", "charge.dispute.closed")
}

// end ends a dispute that the merchant has not won, or an inquiry.
func (d *Domain) end(c *api.Call, dp *Dispute, to string) error {
	if err := dp.move(to); err != nil {
		return err
	}
	return c.Save(dp, "charge.dispute.closed")
}

func (d *Domain) close(c *api.Call) (any, error) {
	dp, err := Disputes.InPath(c, "dispute")
	if err != nil {
		return nil, err
	}
	return d.accept(c, dp)
}

func (d *Domain) closeOfCharge(c *api.Call) (any, error) {
	dp, err := d.ofCharge(c)
	if err != nil {
		return nil, err
	}
	return d.accept(c, dp)
}

// accept ends a dispute by the merchant's own will: it is lost; an inquiry is closed.
func (d *Domain) accept(c *api.Call, dp *Dispute) (any, error) {
	if dp.over() {
		return nil, fault.DisputeClosed()
	}

	to := lost
	if dp.inquiry() {
		to = warningClosed
	}
	if err := dp.move(to); err != nil {
		return nil, err
	}
	return dp, d.tell(c, dp, "charge.dispute.closed")
}

// due is the task at the end of the time to answer: a dispute that was not answered is lost, an inquiry only past its time. What waits to be
// submitted is too late. unverified: Stripe may submit it.
func (d *Domain) due(c *api.Call, id string) error {
	dp, err := Disputes.Get(c, id)
	if err != nil || dp == nil || c.Now() <= dp.EvidenceDetails.DueBy {
		return err
	}
	switch dp.Status {
	case needsResponse:
		dp.EvidenceDetails.PastDue = true
		return d.end(c, dp, lost)
	case warningNeedsResponse:
		dp.EvidenceDetails.PastDue = true
		return c.Save(dp, "charge.dispute.updated")
	}
	return nil
}

// expire is the task that closes an inquiry that was never escalated.
func (d *Domain) expire(c *api.Call, id string) error {
	dp, err := Disputes.Get(c, id)
	if err != nil || dp == nil || !dp.inquiry() || dp.over() {
		return err
	}
	return d.end(c, dp, warningClosed)
}

// resolveInquiries closes the inquiries about a charge that was refunded in full. unverified: that Stripe does so at once.
func (d *Domain) resolveInquiries(c *api.Call, ch *payment.Charge) error {
	var open []*Dispute
	err := Disputes.Each(c, "charge", ch.ID, func(dp *Dispute) bool {
		if dp.Charge == ch.ID && dp.inquiry() && !dp.over() {
			open = append(open, dp)
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, dp := range open {
		if err := d.end(c, dp, warningClosed); err != nil {
			return err
		}
	}
	return nil
}
