package payout

import (
	"testing"
	"time"

	"florin/internal/domain/account"
)

// TestArrival holds arrival to recorded payouts: when each was made, and the day on which it was said to arrive.
func TestArrival(t *testing.T) {
	for _, tt := range []struct{ created, arrives int64 }{
		{1732676443, 1732665600}, {1732676627, 1732665600}, {1732677149, 1732665600}, // 03:00 UTC on a Wednesday
		{1732684617, 1732665600}, {1732684618, 1732665600}, // 05:16 UTC
		{1732251830, 1732233600}, // 05:03 UTC on a Friday
		{1698658018, 1698710400}, // 09:26 UTC on a Monday, in summer
		{1727134550, 1727136000}, // 23:35 UTC on a Monday, in summer
		{1680648691, 1680652800}, // 22:51 UTC on a Tuesday (a documented answer)
	} {
		if got := arrival(tt.created, "US"); got != tt.arrives {
			t.Errorf("made at %s, arrives %s, want %s", utc(tt.created), utc(got), utc(tt.arrives))
		}
	}
	for _, tt := range []struct{ created, arrives string }{ // not recorded
		{"2026-09-04T20:00:00Z", "2026-09-08T00:00:00Z"}, // the Friday before Labor Day
		{"2026-03-08T09:59:00Z", "2026-03-09T00:00:00Z"}, // the clocks change
		{"2026-11-02T07:30:00Z", "2026-11-02T00:00:00Z"}, // Sunday, 23:30 in California
		{"2026-11-02T08:30:00Z", "2026-11-03T00:00:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, tt.created)
		if err != nil {
			t.Fatal(err)
		}
		if got := utc(arrival(at.Unix(), "US")); got != tt.arrives {
			t.Errorf("made at %s, arrives %s, want %s", tt.created, got, tt.arrives)
		}
	}
}

func utc(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

func TestNextPayday(t *testing.T) {
	for _, tt := range []struct {
		schedule account.Schedule
		from     string
		want     string
	}{
		{account.Schedule{Interval: "manual"}, "2026-09-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		{account.Schedule{Interval: "daily"}, "2026-09-01T00:00:00Z", "2026-09-01T01:00:00Z"},
		{account.Schedule{Interval: "daily"}, "2026-09-01T01:00:01Z", "2026-09-02T01:00:00Z"},
		{account.Schedule{Interval: "weekly", WeeklyAnchor: "monday"}, "2026-09-01T00:00:00Z", "2026-09-07T01:00:00Z"},
		{account.Schedule{Interval: "weekly", WeeklyPayoutDays: []string{"friday", "wednesday"}}, "2026-09-01T00:00:00Z", "2026-09-02T01:00:00Z"},
		{account.Schedule{Interval: "monthly", MonthlyAnchor: 31}, "2026-02-01T00:00:00Z", "2026-02-28T01:00:00Z"},
		{account.Schedule{Interval: "monthly", MonthlyPayoutDays: []int64{5, 20}}, "2026-09-06T00:00:00Z", "2026-09-20T01:00:00Z"},
		{account.Schedule{Interval: "monthly", MonthlyPayoutDays: []int64{1}}, "2026-12-31T12:00:00Z", "2027-01-01T01:00:00Z"},
	} {
		from, err := time.Parse(time.RFC3339, tt.from)
		if err != nil {
			t.Fatal(err)
		}
		if got := utc(nextPayday(tt.schedule, from.Unix())); got != tt.want {
			t.Errorf("%+v from %s: %s, want %s", tt.schedule, tt.from, got, tt.want)
		}
	}
}
