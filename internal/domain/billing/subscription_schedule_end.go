package billing

import (
	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/fault"
)

// scheduleInPath is the schedule of the path, at its customer's time; one that is over is refused.
func (d *Domain) scheduleInPath(c *api.Call, do, done string) (*SubscriptionSchedule, *customer.Customer, error) {
	s, err := Schedules.InPath(c, "schedule")
	if err != nil {
		return nil, nil, err
	}
	cus, err := d.customerOf(c, s.Customer)
	if err == nil && s.over() {
		err = fault.ScheduleOver(do, done, s.Status)
	}
	return s, cus, err
}

// cancelSchedule ends a schedule and its subscription at once. Known from: facts 08 (8g), 15i.
func (d *Domain) cancelSchedule(c *api.Call) (any, error) {
	s, _, err := d.scheduleInPath(c, "cancel", "canceled")
	if err != nil {
		return nil, err
	}
	if s.Status == notStarted {
		return s, d.closeSchedule(c, s, "subscription_schedule.aborted", "subscription_schedule.canceled") // unverified: that both tell of it
	}
	sub, err := Subscriptions.Get(c, text(s.Subscription))
	if err != nil {
		return nil, err
	}
	no := func(name string) bool { return c.P.Given(name) && !c.P.True(name) }
	return s, d.end(c, sub, ending{"cancellation_requested", !no("prorate"), !no("invoice_now")})
}

// closeSchedule cancels a schedule whose subscription has ended, or never began.
func (d *Domain) closeSchedule(c *api.Call, s *SubscriptionSchedule, events ...string) error {
	now := c.Now()
	if err := s.move(canceled); err != nil {
		return err
	}
	s.CanceledAt, s.CurrentPhase = &now, nil
	return c.Save(s, events...)
}

// scheduleEnds ends the schedule of a subscription that has ended: it is complete if it was to end it, aborted if the subscription was not paid, and canceled
// otherwise. Known from: the events' descriptions.
func (d *Domain) scheduleEnds(c *api.Call, sub *Subscription, reason string) error {
	s, err := d.scheduleOf(c, sub)
	switch {
	case err != nil || s == nil:
		return err
	case reason == "payment_failed":
		return d.closeSchedule(c, s, "subscription_schedule.aborted")
	case reason == "" && s.EndBehavior == "cancel" && s.last().EndDate <= c.Now():
		return d.finishSchedule(c, s)
	}
	return d.closeSchedule(c, s, "subscription_schedule.canceled")
}

// completeSchedule ends a schedule whose last phase is over, and lets its subscription go on. Known from: the reference's trigger of `completed`.
func (d *Domain) completeSchedule(c *api.Call, s *SubscriptionSchedule, sub *Subscription) error {
	sub.Schedule = nil
	if err := d.save(c, sub, "customer.subscription.updated"); err != nil {
		return err
	}
	s.ReleasedSubscription, s.Subscription = s.Subscription, nil // unverified
	return d.finishSchedule(c, s)
}

func (d *Domain) finishSchedule(c *api.Call, s *SubscriptionSchedule) error {
	now := c.Now()
	if err := s.move(completed); err != nil {
		return err
	}
	s.CompletedAt, s.CurrentPhase = &now, nil
	return c.Save(s, "subscription_schedule.completed")
}

// releaseSchedule ends a schedule and leaves its subscription as it is; only when it was to end is forgotten, unless that is to be kept.
func (d *Domain) releaseSchedule(c *api.Call) (any, error) {
	s, _, err := d.scheduleInPath(c, "release", "released")
	if err != nil {
		return nil, err
	}
	now := c.Now()
	if s.Status == active {
		sub, err := Subscriptions.Get(c, text(s.Subscription))
		if err != nil {
			return nil, err
		}
		sub.Schedule = nil
		if !c.P.True("preserve_cancel_date") {
			sub.CancelAt = nil
		}
		if err := d.save(c, sub, "customer.subscription.updated"); err != nil {
			return nil, err
		}
	}
	if err := s.move(released); err != nil {
		return nil, err
	}
	s.ReleasedAt, s.ReleasedSubscription, s.Subscription, s.CurrentPhase = &now, s.Subscription, nil, nil
	return s, c.Save(s, "subscription_schedule.released")
}

// dropSchedules is the customers' hook: schedules that have not begun end with their customer. Those that have, end with their subscriptions.
func (d *Domain) dropSchedules(c *api.Call, cus *customer.Customer) error {
	var all []*SubscriptionSchedule
	err := Schedules.Each(c, "customer", cus.ID, func(s *SubscriptionSchedule) bool {
		if s.Status == notStarted {
			all = append(all, s)
		}
		return true
	})
	for _, s := range all {
		if err == nil {
			err = d.closeSchedule(c, s, "subscription_schedule.canceled")
		}
	}
	return err
}
