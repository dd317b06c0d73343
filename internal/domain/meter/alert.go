package meter

import (
	"fmt"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// An Alert tells, once, of each customer who has used so much of a meter since it was made: of one customer, or of any. It can be switched off, and on
// again: then it counts anew. Archived it is gone. Customers on test clocks set none off.
//
// Events are counted after they were taken, as Stripe does: a second later, all of a customer's together.
//
// Known from: the spec, facts 15k.
type Alert struct {
	api.Meta
	AlertType      string    `json:"alert_type"` // usage_threshold
	Livemode       bool      `json:"livemode"`
	Status         string    `json:"status"` // see alertNext
	Title          string    `json:"title"`
	UsageThreshold Threshold `json:"usage_threshold"`

	Private struct {
		Since int64 `json:"since"` // from when on usage counts, in Unix seconds
	} `json:"-"`
}

// A Threshold is how much may be used.
type Threshold struct {
	Filters    []AlertFilter `json:"filters" nil:"null"` // one at the most; none: all customers
	Gte        int64         `json:"gte"`
	Meter      string        `json:"meter"`
	Recurrence string        `json:"recurrence"` // one_time
}

// An AlertFilter names the customer that an alert is for.
type AlertFilter struct {
	Customer string `json:"customer"`
	Type     string `json:"type"` // customer
}

const archived = "archived"

// The statuses of an alert, and what may follow each.
var alertNext = map[string][]string{"": {active}, active: {inactive, archived}, inactive: {active, archived}, archived: {}}

// mostAlerts is how many alerts there may be of a meter and a customer, or of a meter and all. Known from: facts 15k.
const mostAlerts = 25

// Alerts is the kind of alerts.
var Alerts = &api.Kind[Alert]{
	Name: "billing.alert", Word: "alert", Prefixes: []string{"alrt"}, Param: "id", Index: []string{"usage_threshold.meter"},
	Filters: map[string]string{"meter": "usage_threshold.meter"},
}

// A told is that an alert has told of a customer.
type told struct {
	api.Meta
	Customer string `json:"customer"`
}

var tolds = &api.Kind[told]{Name: "_alert_told", Internal: true}

func (d *Domain) alertRoutes(r *api.Router) {
	r.Kind(Alerts)
	r.Kind(tolds)
	r.Handle("POST /v1/billing/alerts", d.createAlert)
	r.Plain("GET /v1/billing/alerts", d.listAlerts)
	r.Plain("GET /v1/billing/alerts/{id}", d.retrieveAlert)
	r.Handle("POST /v1/billing/alerts/{id}/activate", d.activateAlert)
	r.Handle("POST /v1/billing/alerts/{id}/deactivate", d.deactivateAlert)
	r.Handle("POST /v1/billing/alerts/{id}/archive", d.archiveAlert)
	r.Task("alert.check", d.checkAlerts)
}

// move is the only place that assigns an alert's status.
func (a *Alert) move(to string) error {
	for _, next := range alertNext[a.Status] {
		if next == to {
			a.Status = to
			return nil
		}
	}
	return fault.AlertIs(a.Status)
}

func (d *Domain) createAlert(c *api.Call) (any, error) {
	if !c.P.Given("usage_threshold") {
		return nil, fault.Missing("usage_threshold")
	}
	want := c.P.At("usage_threshold")
	if want.Num("gte") < 1 {
		return nil, fault.BelowMinimum("usage_threshold[gte]", 1)
	}
	if _, err := Find(c, want.Str("meter"), "usage_threshold[meter]"); err != nil {
		return nil, err
	}
	if err := d.checkFilters(c, want.Get("filters")); err != nil {
		return nil, err
	}

	a := Alerts.New(c, c.NewModeID("alrt")) // unverified: the prefix
	a.Livemode, a.Private.Since = c.Live(), c.Now()
	if err := c.Params(a); err != nil {
		return nil, err
	}
	if err := room(c, a); err != nil {
		return nil, err
	}
	if err := a.move(active); err != nil {
		return nil, err
	}
	return a, c.Save(a) // no event tells of alerts, but of what they tell
}

// checkFilters refuses more than one filter, and customers that there are not, or that are on a test clock.
func (d *Domain) checkFilters(c *api.Call, list *form.Value) error {
	if list == nil || len(list.Items) == 0 {
		return nil
	}
	if len(list.Items) > 1 {
		return fault.TooManyItems("usage_threshold[filters]", 1)
	}
	const param = "usage_threshold[filters][0][customer]"
	id := list.Items[0].Str("customer")
	if id == "" {
		return fault.Missing(param)
	}
	_, known, err := d.Now(c, id)
	switch {
	case err != nil:
		return err
	case !known:
		return fault.NoSuch("customer", id, param, 400)
	}
	on, err := d.OnClock(c, id)
	if err == nil && on {
		err = fault.AlertOnClock(param)
	}
	return err
}

// customer is whom the alert is for; "" is anybody.
func (a *Alert) customer() string {
	if len(a.UsageThreshold.Filters) == 0 {
		return ""
	}
	return a.UsageThreshold.Filters[0].Customer
}

// room refuses another alert where there are many.
func room(c *api.Call, a *Alert) error {
	n := 0
	err := ofMeter(c, a.UsageThreshold.Meter, func(other *Alert) bool {
		if other.Status != archived && other.customer() == a.customer() {
			n++
		}
		return n < mostAlerts
	})
	if err == nil && n >= mostAlerts {
		err = fault.TooManyAlerts(mostAlerts)
	}
	return err
}

// ofMeter are the alerts of a meter.
func ofMeter(c *api.Call, meter string, yield func(*Alert) bool) error {
	return Alerts.Each(c, "usage_threshold.meter", meter, func(a *Alert) bool {
		return a.UsageThreshold.Meter != meter || yield(a) // indexes know no case, and ids do
	})
}

func (d *Domain) listAlerts(c *api.Call) (any, error) {
	return Alerts.ListOf(c, api.Narrow{Where: func(body []byte) bool { return jsontext.Text(body, "status") != archived }})
}

// alertInPath is the alert of the path, unless it was archived.
func alertInPath(c *api.Call) (*Alert, error) {
	a, err := Alerts.InPath(c, "id")
	if err == nil && a.Status == archived {
		err = Alerts.Missing(a.ID, "id", 404)
	}
	return a, err
}

func (d *Domain) retrieveAlert(c *api.Call) (any, error) {
	a, err := alertInPath(c)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// activateAlert switches an alert on again, which then tells again of whom it has told before. unverified: that it counts from then on.
func (d *Domain) activateAlert(c *api.Call) (any, error) {
	a, err := alertInPath(c)
	if err != nil {
		return nil, err
	}
	a.Private.Since = c.Now()
	return a.become(c, active)
}

func (d *Domain) deactivateAlert(c *api.Call) (any, error) {
	a, err := alertInPath(c)
	if err != nil {
		return nil, err
	}
	return a.become(c, inactive)
}

func (d *Domain) archiveAlert(c *api.Call) (any, error) {
	a, err := alertInPath(c)
	if err != nil {
		return nil, err
	}
	return a.become(c, archived)
}

// become answers with an alert that has changed.
func (a *Alert) become(c *api.Call, status string) (any, error) {
	if err := a.move(status); err != nil {
		return nil, err
	}
	return a, c.Save(a)
}

// watch has the alerts of a meter looked at that a customer may set off.
func (d *Domain) watch(c *api.Call, m *Meter, customer string) error {
	if on, err := d.OnClock(c, customer); err != nil || on {
		return err
	}
	watched := false
	err := ofMeter(c, m.ID, func(a *Alert) bool {
		watched = a.watches(customer)
		return !watched
	})
	if watched {
		c.At(c.Now()+1, "alert.check", series(m.ID, customer))
	}
	return err
}

// watches says whether a customer may set an alert off.
func (a *Alert) watches(customer string) bool {
	return a.Status == active && (a.customer() == "" || a.customer() == customer)
}

// checkAlerts is the task that tells of a customer who has used so much of a meter as an alert says.
func (d *Domain) checkAlerts(c *api.Call, name string) error {
	id, customer, _ := strings.Cut(name, ":")
	m, err := Meters.Get(c, id)
	if err != nil || m == nil {
		return err
	}
	var list []*Alert
	err = ofMeter(c, id, func(a *Alert) bool {
		if a.watches(customer) {
			list = append(list, a)
		}
		return true
	})
	for _, a := range list {
		if err == nil {
			err = a.check(c, m, customer)
		}
	}
	return err
}

// check tells of a customer if he has used so much, and was not told of before.
func (a *Alert) check(c *api.Call, m *Meter, customer string) error {
	name := fmt.Sprintf("_alert_told:%s:%s:%d", a.ID, customer, a.Private.Since)
	if old, err := tolds.Get(c, name); err != nil || old != nil {
		return err
	}
	used, err := m.usage(c, customer, a.Private.Since, c.Now()+newest+1)
	if err != nil || used < a.UsageThreshold.Gte {
		return err
	}
	t := tolds.New(c, name)
	t.Customer = customer
	if err := c.Save(t); err != nil {
		return err
	}
	return a.trigger(c, customer, used)
}

// trigger tells of a customer. Known from: the objects of Stripe's SDKs.
func (a *Alert) trigger(c *api.Call, customer string, used int64) error {
	return c.EmitAs("billing.alert.triggered", a, jsontext.Append(nil, &struct {
		Object   string `json:"object"`
		Alert    *Alert `json:"alert"`
		Created  int64  `json:"created"`
		Customer string `json:"customer"`
		Livemode bool   `json:"livemode"`
		Value    int64  `json:"value"`
	}{"billing.alert_triggered", a, c.Now(), customer, a.Livemode, used}), nil)
}
