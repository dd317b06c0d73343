package meter

import (
	"math/big"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
)

// An event is what somebody has used, at a time: so much of a meter, by a customer. It is kept under its identifier, which counts once.
type event struct {
	api.Meta
	Series     string            `json:"series"` // the meter and the customer
	EventName  string            `json:"event_name"`
	Identifier string            `json:"identifier"`
	Payload    map[string]string `json:"payload"`
	Value      string            `json:"value"`
	Received   int64             `json:"received"` // Unix seconds; Timestamp is its place in time
	Timestamp  int64             `json:"timestamp"`
	Canceled   bool              `json:"canceled"`
}

var events = &api.Kind[event]{Name: "_meter_event", Internal: true, Index: []string{"series"}}

const (
	oldest    = 35 * 86400 // seconds that an event may lie in the past
	newest    = 5 * 60     // and in the future
	cancelFor = 86400      // seconds for which an event can be canceled after it was received
)

func eventID(identifier string) string { return "_meter_event:" + identifier }

func series(meter, customer string) string { return meter + ":" + customer }

// report takes an event. What cannot be counted (a customer that there is not, a value that is no number) is refused: Stripe takes it, and tells of it by
// an event of its second API, which Florin does not have yet.
func (d *Domain) report(c *api.Call) (any, error) {
	name, payload := c.P.Str("event_name"), c.P.Get("payload")
	m, err := of(c, name)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fault.NoMeterFor(name)
	}
	cus, value := payload.Str(m.CustomerMapping.EventPayloadKey), payload.Str(m.ValueSettings.EventPayloadKey)
	if cus == "" {
		return nil, fault.MeterEventLacks(m.CustomerMapping.EventPayloadKey)
	}
	if value == "" && m.DefaultAggregation.Formula != "count" {
		return nil, fault.MeterEventLacks(m.ValueSettings.EventPayloadKey)
	}
	if value != "" && !whole(value) {
		return nil, fault.MeterEventValue(m.ValueSettings.EventPayloadKey)
	}
	now, known, err := d.Now(c, cus)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, fault.NoSuch("customer", cus, "payload["+m.CustomerMapping.EventPayloadKey+"]", 400)
	}
	at := now
	if c.P.Given("timestamp") {
		at = c.P.Num("timestamp")
	}
	if at < now-oldest || at > now+newest {
		return nil, fault.MeterEventTime()
	}
	identifier := c.P.Str("identifier")
	if identifier == "" {
		identifier = id.UUID()
	}
	if old, err := events.Get(c, eventID(identifier)); err != nil || old != nil {
		if err == nil {
			err = fault.MeterEventTwice(identifier)
		}
		return nil, err
	}

	e := events.NewAt(c, c.Scope, eventID(identifier), at)
	e.Series, e.EventName, e.Identifier, e.Value, e.Received, e.Timestamp = series(m.ID, cus), name, identifier, value, c.Now(), at
	e.Payload = map[string]string{}
	for _, f := range payload.Fields {
		e.Payload[f.Name] = f.Value.Text
	}
	if err := c.Save(e); err != nil {
		return nil, err
	}
	if err := d.watch(c, m, cus); err != nil {
		return nil, err
	}
	return api.JSON(jsontext.Append(nil, &struct {
		Object     string            `json:"object"`
		Created    int64             `json:"created"`
		EventName  string            `json:"event_name"`
		Identifier string            `json:"identifier"`
		Livemode   bool              `json:"livemode"`
		Payload    map[string]string `json:"payload"`
		Timestamp  int64             `json:"timestamp"`
	}{"billing.meter_event", c.Now(), name, identifier, c.Live(), e.Payload, at})), nil
}

// whole says whether a text is a whole number. Known from: facts 15k.
func whole(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}

// adjust cancels an event that was received within a day. What was invoiced already stays as it is.
func (d *Domain) adjust(c *api.Call) (any, error) {
	name, identifier := c.P.Str("event_name"), c.P.At("cancel").Str("identifier")
	if identifier == "" {
		return nil, fault.Missing("cancel[identifier]")
	}
	e, err := events.Get(c, eventID(identifier))
	if err != nil {
		return nil, err
	}
	if e == nil || e.EventName != name {
		return nil, fault.NoMeterEvent(identifier)
	}
	if e.Canceled || e.Received < c.Now()-cancelFor {
		return nil, fault.MeterEventFixed(identifier)
	}
	e.Canceled = true
	if err := c.Save(e); err != nil {
		return nil, err
	}
	type cancel struct {
		Identifier string `json:"identifier"`
	}
	return api.JSON(jsontext.Append(nil, &struct {
		Object    string `json:"object"`
		Cancel    cancel `json:"cancel"`
		EventName string `json:"event_name"`
		Livemode  bool   `json:"livemode"`
		Status    string `json:"status"`
		Type      string `json:"type"`
	}{"billing.meter_event_adjustment", cancel{identifier}, name, c.Live(), "pending", "cancel"})), nil // unverified: when it is complete
}

// Usage is what a customer has used of a meter from a time on, up to and without another; what is below zero in all is nothing. Known from: facts 15k.
func Usage(c *api.Call, meter, customer string, from, to int64) (int64, error) {
	m, err := Meters.Get(c, meter)
	if err != nil || m == nil {
		return 0, err
	}
	sum, err := m.usage(c, customer, from, to)
	return max(0, sum), err
}

// usage counts. Of a meter whose events come added up, the last one received of each window counts.
func (m *Meter) usage(c *api.Call, customer string, from, to int64) (int64, error) {
	var list []*event
	name := series(m.ID, customer)
	err := events.EachFrom(c, "series", name, from, to-1, func(e *event) bool {
		if e.Series == name && !e.Canceled {
			list = append(list, e)
		}
		return true
	})
	if err != nil || to <= from {
		return 0, err
	}
	slices.SortStableFunc(list, func(a, b *event) int { return int(a.Timestamp - b.Timestamp) })
	if w := m.window(); w > 0 {
		list = lastOf(list, w)
	}
	total := new(big.Int)
	for i, e := range list {
		switch m.DefaultAggregation.Formula {
		case "count":
			total.Add(total, big.NewInt(1))
		case "last":
			if i == len(list)-1 {
				total.Set(e.amount())
			}
		default:
			total.Add(total, e.amount())
		}
	}
	return total.Int64(), nil
}

func (e *event) amount() *big.Int {
	n, _ := new(big.Int).SetString(e.Value, 10)
	if n == nil {
		return new(big.Int)
	}
	return n
}

// window is the length of the windows that events are added up for already, in seconds; 0 if they are not.
func (m *Meter) window() int64 {
	if m.EventTimeWindow == nil {
		return 0
	}
	return windowOf(*m.EventTimeWindow)
}

func windowOf(name string) int64 {
	switch name {
	case "hour":
		return 3600
	case "day":
		return 86400
	}
	return 0
}

// lastOf keeps of each window the event that was received last.
func lastOf(list []*event, window int64) (out []*event) {
	at := map[int64]int{}
	for _, e := range list {
		n := e.Timestamp / window
		if i, ok := at[n]; !ok {
			at[n] = len(out)
			out = append(out, e)
		} else if e.Received >= out[i].Received {
			out[i] = e
		}
	}
	return out
}
