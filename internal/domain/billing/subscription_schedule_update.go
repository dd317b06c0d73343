package billing

import (
	"bytes"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// updateSchedule changes a schedule. Phases are sent all together: the one that has begun, and those to come. Known from: facts 15i.
func (d *Domain) updateSchedule(c *api.Call) (any, error) {
	s, cus, err := d.scheduleInPath(c, "update", "updated")
	if err != nil {
		return nil, err
	}
	pl := &planner{d: d, cus: cus, s: s}
	before := jsontext.Append(nil, &s.DefaultSettings)
	if err := pl.settings(c); err != nil {
		return nil, err
	}
	differs := !bytes.Equal(before, jsontext.Append(nil, &s.DefaultSettings))
	was := s.current()
	if c.P.Has("phases") {
		if err := pl.replace(c); err != nil {
			return nil, err
		}
	}

	switch {
	case s.Status == active:
		if err := d.updateActive(c, s, was, differs); err != nil {
			return nil, err
		}
	case s.Phases[0].StartDate <= c.Now():
		if err := d.startSchedule(c, s, cus); err != nil {
			return nil, err
		}
	}
	if s.over() { // its last phase was ended now
		return s, nil
	}
	s.plan(c)
	return s, c.Save(s, "subscription_schedule.updated")
}

// replace reads the phases that take the place of the present and future ones.
func (pl *planner) replace(c *api.Call) error {
	list, now := c.P.Get("phases").Items, pl.s.CurrentPhase
	anchored := false
	for _, p := range list {
		anchored = anchored || p.Has("start_date")
	}
	if !anchored {
		return fault.PhasesUnanchored()
	}
	var from int64
	if now != nil {
		from = now.StartDate
	}
	pl.start, pl.anchor = from, from
	if now != nil {
		sub, err := Subscriptions.Get(c, text(pl.s.Subscription))
		if err != nil {
			return err
		}
		pl.anchor = sub.BillingCycleAnchor
	}
	phases, err := pl.phases(c, list, from)
	if err != nil {
		return err
	}
	if err := pl.begins(c, phases[0]); err != nil {
		return err
	}
	var over []*Phase
	for _, ph := range pl.s.Phases {
		if now != nil && ph.EndDate <= from {
			over = append(over, ph)
		}
	}
	pl.s.Phases = append(over, phases...)
	return nil
}

// begins refuses first phases that begin at another time than the one that they take the place of, or in the past.
func (pl *planner) begins(c *api.Call, first *Phase) error {
	switch now := pl.s.CurrentPhase; {
	case now != nil && first.StartDate != now.StartDate:
		return fault.PhaseStartFixed()
	case now == nil && first.StartDate == 0:
		return fault.PhasesUnanchored()
	case now == nil && first.StartDate < c.Now(): // the subscription would be backdated
		return fault.ParamNotBuilt("phases[0][start_date]")
	}
	return nil
}

// updateActive makes of a subscription what its phase now says, if that is something else than before, and begins the next phase if this one has ended.
func (d *Domain) updateActive(c *api.Call, s *SubscriptionSchedule, was *Phase, differs bool) error {
	sub, err := Subscriptions.Get(c, text(s.Subscription))
	if err != nil {
		return err
	}
	ph := s.current()
	s.CurrentPhase = &CurrentPhase{ph.EndDate, ph.StartDate}
	prorate := c.P.Str("proration_behavior")
	if prorate == "" {
		prorate = "create_prorations"
	}
	switch {
	case differs || !ph.says(was):
		err = d.applyPhase(c, s, sub, ph, prorate, false)
	case s.endsSubscription(c, sub):
		err = d.save(c, sub, "customer.subscription.updated")
	}
	if err != nil {
		return err
	}
	return d.turnNow(c, s, sub)
}

// turnNow begins the next phase if this one was ended now.
func (d *Domain) turnNow(c *api.Call, s *SubscriptionSchedule, sub *Subscription) error {
	if s.CurrentPhase.EndDate > c.Now() {
		return nil
	}
	if ph := s.at(s.CurrentPhase.EndDate); ph != nil {
		s.CurrentPhase = &CurrentPhase{ph.EndDate, ph.StartDate}
		return d.applyPhase(c, s, sub, ph, ph.ProrationBehavior, true)
	}
	if s.EndBehavior == "cancel" {
		return d.endSubscription(c, sub.ID)
	}
	return d.completeSchedule(c, s, sub)
}

// says says whether two phases make the same of a subscription.
func (ph *Phase) says(other *Phase) bool {
	show := func(ph *Phase) []byte {
		bare := *ph
		bare.StartDate, bare.EndDate, bare.AddInvoiceItems, bare.ProrationBehavior = 0, 0, nil, ""
		return jsontext.Append(nil, &bare)
	}
	return bytes.Equal(show(ph), show(other))
}

// splitPhase makes a schedule know what was changed of its subscription directly: the phase ends, and another begins that says what the subscription now is.
// Metadata is not a part of it. Known from: facts 15i.
func (d *Domain) splitPhase(c *api.Call, sub *Subscription) error {
	s, err := d.scheduleOf(c, sub)
	if err != nil || s == nil {
		return err
	}
	was := s.current()
	is, err := d.phaseOf(c, sub, was)
	if err != nil {
		return err
	}
	is.Terms, is.InvoiceSettings, is.AutomaticTax, is.Metadata, is.ProrationBehavior = was.Terms, was.InvoiceSettings, was.AutomaticTax, was.Metadata, was.ProrationBehavior
	if is.TrialEnd == nil && was.TrialEnd != nil && *was.TrialEnd <= c.Now() {
		is.TrialEnd = was.TrialEnd // it is over
	}
	if is.says(was) {
		return nil
	}
	is.StartDate, is.EndDate = max(c.Now(), was.StartDate), was.EndDate
	var phases []*Phase
	for _, ph := range s.Phases {
		switch {
		case ph != was:
			phases = append(phases, ph)
		case is.StartDate == was.StartDate:
			phases = append(phases, is)
		default:
			was.EndDate = is.StartDate
			phases = append(phases, was, is)
		}
	}
	s.Phases, s.CurrentPhase = phases, &CurrentPhase{is.EndDate, is.StartDate}
	return c.Save(s, "subscription_schedule.updated")
}
