package billing

import (
	"encoding/json"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// A SubscriptionSchedule says beforehand what becomes of a subscription: phase after phase, each with items and terms of its own. It makes the subscription
// when the first begins, changes it at each boundary as an update would, and lets it go or ends it when the last is over. Times are in Unix seconds.
//
// Shapes from the spec, facts 08 (8g), 15i. unverified: default_source, renewal_interval and the plan of an item, which examples of old answers have, are not
// shown.
type SubscriptionSchedule struct {
	api.Meta
	Application          *string           `json:"application"`
	BillingMode          BillingMode       `json:"billing_mode"`
	CanceledAt           *int64            `json:"canceled_at"`
	CompletedAt          *int64            `json:"completed_at"`
	Created              int64             `json:"created"`
	CurrentPhase         *CurrentPhase     `json:"current_phase"` // while it is active
	Customer             string            `json:"customer"`
	CustomerAccount      *string           `json:"customer_account"`
	DefaultSettings      ScheduleDefaults  `json:"default_settings"`
	EndBehavior          string            `json:"end_behavior"` // release or cancel
	Livemode             bool              `json:"livemode"`
	Metadata             map[string]string `json:"metadata"`
	Phases               []*Phase          `json:"phases"` // those that are over, too
	ReleasedAt           *int64            `json:"released_at"`
	ReleasedSubscription *string           `json:"released_subscription"`
	Status               string            `json:"status"` // see scheduleNext
	Subscription         *string           `json:"subscription"`
	TestClock            *string           `json:"test_clock"`

	Private SchedulePrivate `json:"-"`
}

// SchedulePrivate is what a schedule knows that no answer shows.
type SchedulePrivate struct {
	Warned int64  `json:"warned,omitempty"` // the end that it has been told of that it is near
	Words  *Words `json:"words,omitempty"`  // of the invoices
}

// A CurrentPhase says since when, and until when, the phase lasts that the subscription is in.
type CurrentPhase struct {
	EndDate   int64 `json:"end_date"`
	StartDate int64 `json:"start_date"`
}

// ScheduleDefaults hold for the phases that say nothing else.
type ScheduleDefaults struct {
	Terms
	AutomaticTax    SubscriptionTax  `json:"automatic_tax"`
	InvoiceSettings ScheduleInvoices `json:"invoice_settings"`
}

// Terms are what a phase, or all of a schedule's, may say of the subscription besides its items. nil says nothing.
type Terms struct {
	ApplicationFeePercent *float64              `json:"application_fee_percent"`
	BillingCycleAnchor    *string               `json:"billing_cycle_anchor"` // automatic, or phase_start: periods are counted from the phase's start
	BillingThresholds     json.RawMessage       `json:"billing_thresholds"`
	CollectionMethod      *string               `json:"collection_method"`
	DefaultPaymentMethod  *string               `json:"default_payment_method"`
	Description           *string               `json:"description"`
	OnBehalfOf            *string               `json:"on_behalf_of"`
	TransferData          *SubscriptionTransfer `json:"transfer_data"`
}

// ScheduleInvoices are what the invoices begin with.
type ScheduleInvoices struct {
	AccountTaxIDs []string `json:"account_tax_ids" nil:"null"`
	DaysUntilDue  *int64   `json:"days_until_due"`
	Issuer        *Issuer  `json:"issuer"`
}

const (
	notStarted = "not_started"
	completed  = "completed"
	released   = "released"
)

// The statuses of a schedule, and what may follow each. Known from: facts 08 (8g).
var scheduleNext = map[string][]string{
	"":         {notStarted, active},
	notStarted: {active, canceled, released},
	active:     {completed, canceled, released},
	completed:  {},
	canceled:   {},
	released:   {},
}

// Schedules is the kind of subscription schedules.
var Schedules = &api.Kind[SubscriptionSchedule]{
	Name: "subscription_schedule", Prefixes: []string{"sub_sched"}, Param: "schedule", Index: []string{"customer"},
}

// expiringBefore is how long before its end it is told that a schedule expires, in seconds. Known from: facts 08 (8g).
const expiringBefore = 7 * 86400

func (d *Domain) scheduleRoutes(r *api.Router) {
	const one = "/v1/subscription_schedules/{schedule}"
	r.Kind(Schedules)
	r.Handle("POST /v1/subscription_schedules", d.createSchedule)
	r.Handle("GET /v1/subscription_schedules", d.listSchedules)
	r.Plain("GET "+one, Schedules.Retrieve)
	r.Handle("POST "+one, d.updateSchedule)
	r.Handle("POST "+one+"/cancel", d.cancelSchedule)
	r.Handle("POST "+one+"/release", d.releaseSchedule)
	r.Task("subscription_schedule.turn", d.turnSchedule)
	r.Task("subscription_schedule.renew", d.cycleSubscription)
	r.Task("subscription_schedule.expiring", d.scheduleExpiring)
}

// move is the only place that assigns a schedule's status.
func (s *SubscriptionSchedule) move(to string) error {
	err := step("subscription_schedule", s.ID, scheduleNext, s.Status, to)
	if err == nil {
		s.Status = to
	}
	return err
}

// over says whether a schedule has ended.
func (s *SubscriptionSchedule) over() bool { return s.Status != notStarted && s.Status != active }

// newSchedule makes a schedule with what they all begin with.
func newSchedule(c *api.Call, cus *customer.Customer) *SubscriptionSchedule {
	s := Schedules.New(c, c.NewID("sub_sched"))
	s.Created, s.Livemode, s.Customer, s.TestClock = c.Now(), c.Live(), cus.ID, cus.TestClock
	s.Metadata, s.EndBehavior = map[string]string{}, "release"
	anchor, method := "automatic", automatic
	s.DefaultSettings.BillingCycleAnchor, s.DefaultSettings.CollectionMethod = &anchor, &method
	s.DefaultSettings.InvoiceSettings.Issuer = &Issuer{Type: "self"}
	if platform := account.Platform(c); platform != nil {
		s.Application = opt(platform.Application())
	}
	return s
}

// at is the phase that begins at a time; nil if none does.
func (s *SubscriptionSchedule) at(start int64) *Phase {
	i := slices.IndexFunc(s.Phases, func(ph *Phase) bool { return ph.StartDate == start })
	if i < 0 {
		return nil
	}
	return s.Phases[i]
}

// current is the phase that the subscription is in.
func (s *SubscriptionSchedule) current() *Phase {
	if s.CurrentPhase == nil {
		return nil
	}
	return s.at(s.CurrentPhase.StartDate)
}

// last is the phase after which the schedule is over.
func (s *SubscriptionSchedule) last() *Phase { return s.Phases[len(s.Phases)-1] }

// plan asks for what the schedule does by itself next.
func (s *SubscriptionSchedule) plan(c *api.Call) {
	switch s.Status {
	case notStarted:
		c.At(s.Phases[0].StartDate, "subscription_schedule.turn", s.ID)
	case active:
		c.At(s.CurrentPhase.EndDate, "subscription_schedule.turn", s.ID)
	default:
		return
	}
	if when := s.last().EndDate - expiringBefore; when > c.Now() {
		c.At(when, "subscription_schedule.expiring", s.ID)
	}
}

// scheduleExpiring is the task that tells that a schedule is nearly over.
func (d *Domain) scheduleExpiring(c *api.Call, name string) error {
	s, err := Schedules.Get(c, name)
	if err != nil || s == nil || s.over() {
		return err
	}
	end := s.last().EndDate
	if end-expiringBefore > c.Now() || s.Private.Warned == end {
		return nil
	}
	s.Private.Warned = end
	return c.Save(s, "subscription_schedule.expiring")
}

// listSchedules lists schedules; those on test clocks only for a customer. Known from: facts 15l.
func (d *Domain) listSchedules(c *api.Call) (any, error) {
	if c.P.Given("customer_account") {
		return nil, fault.ParamNotBuilt("customer_account")
	}
	waiting, all := c.P.True("scheduled"), c.P.Given("customer")
	return Schedules.ListOf(c, api.Narrow{Skip: []string{"scheduled"}, Where: func(body []byte) bool {
		return (all || jsontext.Text(body, "test_clock") == "") && (!waiting || jsontext.Text(body, "status") == notStarted)
	}})
}

// scheduleOf is the schedule that a subscription is under; nil if it is under none.
func (d *Domain) scheduleOf(c *api.Call, sub *Subscription) (*SubscriptionSchedule, error) {
	if sub.Schedule == nil {
		return nil, nil
	}
	s, err := Schedules.Get(c, *sub.Schedule)
	if err != nil || s == nil || s.Status != active {
		return nil, err
	}
	return s, nil
}
