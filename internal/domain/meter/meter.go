// Package meter counts what customers use: meters, the events that a merchant sends them, what they add up to, and alerts, which tell of it. What a price
// asks for usage the catalog says; what is asked of a customer for a period, billing does.
//
// Known from: the spec, facts 15k.
package meter

import (
	"florin/internal/api"
	"florin/internal/fault"
)

// A Meter says how events of one name are counted: by customer, added up, counted, or the last one taken. Only its name for people changes; an event name
// belongs to one active meter.
type Meter struct {
	api.Meta
	Created            int64           `json:"created"` // Unix seconds
	CustomerMapping    CustomerMapping `json:"customer_mapping"`
	DefaultAggregation Aggregation     `json:"default_aggregation"`
	DisplayName        string          `json:"display_name"`
	EventName          string          `json:"event_name"`
	EventTimeWindow    *string         `json:"event_time_window"` // day or hour: events come added up already, and the last one of a window counts
	Livemode           bool            `json:"livemode"`
	Status             string          `json:"status"` // active or inactive
	StatusTransitions  Transitions     `json:"status_transitions"`
	Updated            int64           `json:"updated"`
	ValueSettings      ValueSettings   `json:"value_settings"`
}

// CustomerMapping says where an event names its customer.
type CustomerMapping struct {
	EventPayloadKey string `json:"event_payload_key"`
	Type            string `json:"type"` // by_id
}

// Aggregation is how events become a number.
type Aggregation struct {
	Formula string `json:"formula"` // sum, count or last
}

// ValueSettings say where an event has its value.
type ValueSettings struct {
	EventPayloadKey string `json:"event_payload_key"`
}

// Transitions are when a meter came to be what it is.
type Transitions struct {
	DeactivatedAt *int64 `json:"deactivated_at"`
}

const (
	active   = "active"
	inactive = "inactive"
)

// Meters is the kind of meters.
var Meters = &api.Kind[Meter]{
	Name: "billing.meter", Word: "meter", Prefixes: []string{"mtr"}, Param: "id", Index: []string{"event_name", "status"},
}

// A Domain is the meters of all accounts.
type Domain struct {
	// Now is the time of a customer: of the test clock that he is on, or the call's. known says whether there is such a customer.
	Now func(c *api.Call, customer string) (now int64, known bool, err error)
	// OnClock says whether a customer is on a test clock.
	OnClock func(c *api.Call, customer string) (bool, error)
}

// New makes the domain.
func New() *Domain { return &Domain{} }

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Meters)
	r.Kind(events)
	r.Handle("POST /v1/billing/meters", d.create)
	r.Plain("GET /v1/billing/meters", Meters.List)
	r.Plain("GET /v1/billing/meters/{id}", Meters.Retrieve)
	r.Handle("POST /v1/billing/meters/{id}", d.update)
	r.Handle("POST /v1/billing/meters/{id}/deactivate", d.deactivate)
	r.Handle("POST /v1/billing/meters/{id}/reactivate", d.reactivate)
	r.Handle("GET /v1/billing/meters/{id}/event_summaries", d.summaries)
	r.Handle("POST /v1/billing/meter_events", d.report)
	r.Handle("POST /v1/billing/meter_event_adjustments", d.adjust)
	d.alertRoutes(r)
}

func (d *Domain) create(c *api.Call) (any, error) {
	if err := free(c, c.P.Str("event_name")); err != nil {
		return nil, err
	}

	m := Meters.New(c, c.NewModeID("mtr"))
	m.Created, m.Updated, m.Livemode, m.Status = c.Now(), c.Now(), c.Live(), active
	m.CustomerMapping, m.ValueSettings = CustomerMapping{"stripe_customer_id", "by_id"}, ValueSettings{"value"}
	if err := c.Params(m); err != nil {
		return nil, err
	}
	return m, c.Save(m, "billing.meter.created")
}

// free refuses an event name that an active meter has.
func free(c *api.Call, event string) error {
	m, err := of(c, event)
	if err == nil && m != nil {
		err = fault.MeterTaken(event)
	}
	return err
}

// of is the active meter of an event name; nil if there is none.
func of(c *api.Call, event string) (found *Meter, err error) {
	err = Meters.Each(c, "event_name", event, func(m *Meter) bool {
		if m.EventName == event && m.Status == active {
			found = m
		}
		return found == nil
	})
	return found, err
}

func (d *Domain) update(c *api.Call) (any, error) {
	m, err := Meters.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(m, "display_name"); err != nil {
		return nil, err
	}
	m.Updated = c.Now()
	return m, c.Save(m, "billing.meter.updated")
}

// deactivate stops a meter: it takes no more events, and no new price can be of it.
func (d *Domain) deactivate(c *api.Call) (any, error) {
	m, err := Meters.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	if m.Status == inactive {
		return nil, fault.MeterIs(inactive)
	}
	now := c.Now()
	m.Status, m.StatusTransitions.DeactivatedAt, m.Updated = inactive, &now, now
	return m, c.Save(m, "billing.meter.deactivated")
}

func (d *Domain) reactivate(c *api.Call) (any, error) {
	m, err := Meters.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	if m.Status == active {
		return nil, fault.MeterIs(active)
	}
	if err := free(c, m.EventName); err != nil {
		return nil, err
	}
	m.Status, m.StatusTransitions.DeactivatedAt, m.Updated = active, nil, c.Now()
	return m, c.Save(m, "billing.meter.reactivated")
}

// Find is the meter that a parameter names; it must be active.
func Find(c *api.Call, id, param string) (*Meter, error) {
	m, err := Meters.Find(c, id, param)
	if err == nil && m.Status != active {
		err = fault.MeterInactive(param)
	}
	return m, err
}
