package payout

import (
	"encoding/json"
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// Settings are when an account is paid out, and what is kept back. The schedule stands in the account, which has one for both modes; the rest is
// kept here, one a scope. Known from: the spec; facts 09b, 16f.
//
// The document has no id in its JSON, as Stripe's object has none.
type Settings struct {
	api.Meta `json:"-"`
	Object   string `json:"object"`
	Payments struct {
		DebitNegativeBalances bool `json:"debit_negative_balances"`
		Payouts               struct {
			Rules               json.RawMessage  `json:"automatic_transfer_rules_by_currency"`
			Minimum             map[string]int64 `json:"minimum_balance_by_currency" nil:"null"`
			Schedule            schedule         `json:"schedule"`
			StatementDescriptor *string          `json:"statement_descriptor"`
			Status              string           `json:"status"` // enabled or disabled
		} `json:"payouts"`
		SettlementTiming struct {
			DelayDays         int64           `json:"delay_days"`
			DelayDaysOverride int64           `json:"delay_days_override,omitempty"`
			StartOfDay        json.RawMessage `json:"start_of_day,omitempty"`
		} `json:"settlement_timing"`
	} `json:"payments"`
}

type schedule struct {
	Interval          string   `json:"interval"` // manual, daily, weekly or monthly
	MonthlyPayoutDays []int64  `json:"monthly_payout_days,omitempty"`
	WeeklyPayoutDays  []string `json:"weekly_payout_days,omitempty"`
}

var settings = &api.Kind[Settings]{Name: "balance_settings"}

const settingsID = "balance_settings"

func (d *Domain) settingsRoutes(r *api.Router) {
	r.Handle("GET /v1/balance_settings", d.retrieveSettings)
	r.Handle("POST /v1/balance_settings", d.updateSettings)
}

// settingsOf are the settings as the account now has them.
func (d *Domain) settingsOf(c *api.Call, a *account.Account) (*Settings, error) {
	s, err := settings.Get(c, settingsID)
	if err != nil {
		return nil, err
	}
	if s == nil {
		s = settings.New(c, settingsID)
	}
	s.show(a)
	return s, nil
}

// show sets what the account says.
func (s *Settings) show(a *account.Account) {
	s.Object = "balance_settings"
	p, of := &s.Payments, &a.Settings.Payouts
	p.DebitNegativeBalances = of.DebitNegativeBalances
	p.Payouts.Schedule = schedule{of.Schedule.Interval, of.Schedule.MonthlyPayoutDays, of.Schedule.WeeklyPayoutDays}
	if of.Schedule.MonthlyAnchor > 0 && len(of.Schedule.MonthlyPayoutDays) == 0 {
		p.Payouts.Schedule.MonthlyPayoutDays = []int64{of.Schedule.MonthlyAnchor}
	}
	if of.Schedule.WeeklyAnchor != "" && len(of.Schedule.WeeklyPayoutDays) == 0 {
		p.Payouts.Schedule.WeeklyPayoutDays = []string{of.Schedule.WeeklyAnchor}
	}
	p.Payouts.StatementDescriptor = of.StatementDescriptor
	p.Payouts.Status = "disabled"
	if a.PayoutsEnabled {
		p.Payouts.Status = "enabled"
	}
	p.SettlementTiming.DelayDays = of.Schedule.DelayDays
}

// minimums is what is kept of each currency when the schedule pays out.
func (d *Domain) minimums(c *api.Call) (map[string]int64, error) {
	s, err := settings.Get(c, settingsID)
	if err != nil || s == nil {
		return nil, err
	}
	return s.Payments.Payouts.Minimum, nil
}

func (d *Domain) load(c *api.Call) (*account.Account, *Settings, error) {
	a, err := account.Load(c, c.Who.AccountID)
	if err != nil {
		return nil, nil, err
	}
	s, err := d.settingsOf(c, a)
	return a, s, err
}

func (d *Domain) retrieveSettings(c *api.Call) (any, error) {
	_, s, err := d.load(c)
	if err != nil {
		return nil, err
	}
	return api.JSON(jsontext.Append(nil, s)), nil
}

func (d *Domain) updateSettings(c *api.Call) (any, error) {
	a, s, err := d.load(c)
	if err != nil {
		return nil, err
	}
	in := c.P.Get("payments")
	of := &a.Settings.Payouts
	least := of.Schedule.DelayDays
	if s.Payments.SettlementTiming.DelayDaysOverride > 0 {
		least = defaultDelay(a)
	}
	if in.Given("debit_negative_balances") && in.True("debit_negative_balances") != of.DebitNegativeBalances && a.Private.Platform == "" {
		return nil, fault.DebitNegativeFixed()
	}
	if err := checkSchedule(in.At("payouts", "schedule"), of.Schedule); err != nil {
		return nil, err
	}
	const delay = "payments[settlement_timing][delay_days_override]"
	timing := in.Get("settlement_timing")
	if timing.Given("delay_days_override") {
		switch n := timing.Num("delay_days_override"); {
		case n < least:
			return nil, fault.DelayTooShort(delay, least)
		case n > 31: // documented
			return nil, fault.AboveMaximum(delay, 31)
		}
	}

	if in.Given("debit_negative_balances") {
		of.DebitNegativeBalances = in.True("debit_negative_balances")
	}
	takeSchedule(&of.Schedule, in.At("payouts", "schedule"))
	if out := in.Get("payouts"); out != nil {
		if out.Has("statement_descriptor") {
			of.StatementDescriptor = nil
			if words := out.Str("statement_descriptor"); words != "" {
				of.StatementDescriptor = &words
			}
		}
		s.takePayouts(out)
	}
	if timing.Has("delay_days_override") {
		s.Payments.SettlementTiming.DelayDaysOverride = timing.Num("delay_days_override")
		of.Schedule.DelayDays = max(timing.Num("delay_days_override"), least)
	}
	if v := timing.Get("start_of_day"); v != nil {
		s.Payments.SettlementTiming.StartOfDay = nil
		if v.Kind == form.Object {
			s.Payments.SettlementTiming.StartOfDay = api.AppendValue(nil, v)
		}
	}
	if err := c.Save(a); err != nil {
		return nil, err
	}
	s.show(a)
	if err := c.Save(s, "balance_settings.updated"); err != nil {
		return nil, err
	}
	if at := nextPayday(of.Schedule, c.Now()); at > 0 {
		c.At(at, "payout.automatic", "")
	}
	return api.JSON(jsontext.Append(nil, s)), nil
}

// defaultDelay is how long payments of the account's country take. It is asked for only where the account's own delay has replaced it.
func defaultDelay(a *account.Account) int64 {
	switch a.Country {
	case "US", "AU":
		return 2
	case "IN":
		return 5
	}
	return 7
}

// takePayouts merges what is kept of each currency: an amount sets it, and what is sent empty unsets it.
func (s *Settings) takePayouts(out *form.Value) {
	p := &s.Payments.Payouts
	if v := out.Get("minimum_balance_by_currency"); v != nil {
		was := p.Minimum
		p.Minimum = nil
		if v.Kind == form.Object {
			p.Minimum = map[string]int64{}
			for k, n := range was {
				p.Minimum[k] = n
			}
			for _, f := range v.Fields {
				if n, err := strconv.ParseInt(f.Value.Text, 10, 64); err == nil {
					p.Minimum[f.Name] = n
				} else {
					delete(p.Minimum, f.Name)
				}
			}
		}
		if len(p.Minimum) == 0 {
			p.Minimum = nil
		}
	}
	if v := out.Get("automatic_transfer_rules_by_currency"); v != nil {
		p.Rules = nil
		if v.Kind == form.Object {
			p.Rules = api.AppendValue(nil, v)
		}
	}
}

// checkSchedule refuses days that do not go with their interval. Known from: the spec (which days go with which).
func checkSchedule(in *form.Value, now account.Schedule) error {
	if in == nil {
		return nil
	}
	interval := in.Str("interval")
	if interval == "" {
		interval = now.Interval
	}
	const at = "payments[payouts][schedule]"
	for _, days := range []struct{ name, interval string }{{"weekly_payout_days", "weekly"}, {"monthly_payout_days", "monthly"}} {
		param := at + "[" + days.name + "]"
		given := len(in.Strings(days.name)) > 0
		switch {
		case given && interval != days.interval:
			return fault.ScheduleDaysUnfit(param, interval)
		case !given && interval == days.interval && now.Interval != interval:
			return fault.ScheduleDays(param, interval)
		}
	}
	if v := in.Get("monthly_payout_days"); v != nil {
		for i, it := range v.Items {
			param := at + "[monthly_payout_days][" + strconv.Itoa(i) + "]"
			switch {
			case it.Int < 1:
				return fault.BelowMinimum(param, 1)
			case it.Int > 31:
				return fault.AboveMaximum(param, 31)
			}
		}
	}
	return nil
}

// takeSchedule sets a schedule, and the anchors by which older versions of the API call its days.
func takeSchedule(s *account.Schedule, in *form.Value) {
	if in == nil {
		return
	}
	if interval := in.Str("interval"); interval != "" && interval != s.Interval {
		*s = account.Schedule{DelayDays: s.DelayDays, Interval: interval}
	}
	if days := in.Strings("weekly_payout_days"); len(days) > 0 {
		s.WeeklyPayoutDays, s.WeeklyAnchor = slices.Clone(days), days[0]
	}
	if v := in.Get("monthly_payout_days"); v != nil && len(v.Items) > 0 {
		s.MonthlyPayoutDays, s.MonthlyAnchor = nil, v.Items[0].Int
		for _, it := range v.Items {
			s.MonthlyPayoutDays = append(s.MonthlyPayoutDays, it.Int)
		}
	}
}
