package meter

import (
	"fmt"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// A summary is what a customer has used of a meter in a stretch of time. It is made when it is asked for.
type summary struct {
	ID              string  `json:"id"`
	Object          string  `json:"object"`
	AggregatedValue float64 `json:"aggregated_value"`
	EndTime         int64   `json:"end_time"` // Unix seconds
	Livemode        bool    `json:"livemode"`
	Meter           string  `json:"meter"`
	StartTime       int64   `json:"start_time"`
}

// mostSummaries is how many windows a request may ask for. unverified.
const mostSummaries = 10000

// summaries lists what a customer has used, in all or by the hour or the day, the newest first. Times are whole minutes, or whole windows.
func (d *Domain) summaries(c *api.Call) (any, error) {
	m, err := Meters.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	cus, from, to := c.P.Str("customer"), c.P.Num("start_time"), c.P.Num("end_time")
	step, unit := windowOf(c.P.Str("value_grouping_window")), int64(60)
	if step > 0 {
		unit = step
	}
	switch {
	case from%unit != 0:
		return nil, fault.SummaryTime("start_time", unit)
	case to%unit != 0:
		return nil, fault.SummaryTime("end_time", unit)
	case to <= from:
		return nil, fault.PeriodBackwards("end_time")
	}
	if step == 0 {
		step = to - from
	}
	if (to-from)/step > mostSummaries {
		return nil, fault.SummaryTime("end_time", unit)
	}
	_, known, err := d.Now(c, cus)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, fault.NoSuch("customer", cus, "customer", 400)
	}
	var all []*summary
	for at := to - step; at >= from; at -= step {
		sum, err := m.usage(c, cus, at, at+step)
		if err != nil {
			return nil, err
		}
		all = append(all, &summary{
			ID: fmt.Sprintf("mtrusg_%s_%d_%d", m.ID[len("mtr_"):], at, step), Object: "billing.meter_event_summary", AggregatedValue: float64(sum),
			EndTime: at + step, Livemode: m.Livemode, Meter: m.ID, StartTime: at,
		})
	}
	return page(c, all, "/v1/billing/meters/"+m.ID+"/event_summaries")
}

// page is one page of summaries.
func page(c *api.Call, all []*summary, url string) (any, error) {
	return api.PageOf(c, all, func(s *summary) string { return s.ID }, "billing.meter_event_summary", url, nil, func(s *summary) []byte { return jsontext.Append(nil, s) })
}
