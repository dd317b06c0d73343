package billing

import (
	"testing"
	"time"

	"florin/internal/domain/catalog"
)

// at is a time such as 2027-01-31 10:00:00, in Unix seconds.
func at(t *testing.T, s string) int64 {
	t.Helper()
	when, err := time.Parse(time.DateTime, s)
	if err != nil {
		t.Fatal(err)
	}
	return when.Unix()
}

func interval(s string, n int64) *catalog.Recurring {
	return &catalog.Recurring{Interval: s, IntervalCount: n}
}

func TestBoundaries(t *testing.T) {
	for _, test := range []struct {
		name     string
		anchor   string
		interval string
		count    int64
		n        int64
		want     string
	}{
		{"a short month", "2027-01-31 10:00:00", "month", 1, 1, "2027-02-28 10:00:00"},
		{"does not move those behind it", "2027-01-31 10:00:00", "month", 1, 2, "2027-03-31 10:00:00"},
		{"nor does April", "2027-01-31 10:00:00", "month", 1, 3, "2027-04-30 10:00:00"},
		{"a leap year's February", "2028-01-30 00:00:00", "month", 1, 1, "2028-02-29 00:00:00"},
		{"over the year's end", "2027-11-30 23:59:59", "month", 3, 1, "2028-02-29 23:59:59"},
		{"back before the anchor", "2027-03-31 10:00:00", "month", 1, -1, "2027-02-28 10:00:00"},
		{"back over the year's end", "2027-01-15 00:00:00", "month", 2, -1, "2026-11-15 00:00:00"},
		{"a year from a leap day", "2028-02-29 12:00:00", "year", 1, 1, "2029-02-28 12:00:00"},
		{"four years from it", "2028-02-29 12:00:00", "year", 1, 4, "2032-02-29 12:00:00"},
		{"weeks", "2027-03-25 10:00:00", "week", 2, 1, "2027-04-08 10:00:00"},
		{"days over a leap day", "2028-02-28 10:00:00", "day", 1, 2, "2028-03-01 10:00:00"},
		{"none", "2027-01-31 10:00:00", "month", 1, 0, "2027-01-31 10:00:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, want := boundary(at(t, test.anchor), interval(test.interval, test.count), test.n), at(t, test.want); got != want {
				t.Errorf("got %s, want %s", time.Unix(got, 0).UTC(), test.want)
			}
		})
	}
}

// A boundary belongs to the period that it begins.
func TestWhole(t *testing.T) {
	for _, test := range []struct {
		name           string
		anchor, when   string
		interval       string
		count          int64
		start, theNext string
	}{
		{"the anchor", "2027-01-31 10:00:00", "2027-01-31 10:00:00", "month", 1, "2027-01-31 10:00:00", "2027-02-28 10:00:00"},
		{"a second before the end", "2027-01-31 10:00:00", "2027-02-28 09:59:59", "month", 1, "2027-01-31 10:00:00", "2027-02-28 10:00:00"},
		{"the end", "2027-01-31 10:00:00", "2027-02-28 10:00:00", "month", 1, "2027-02-28 10:00:00", "2027-03-31 10:00:00"},
		{"before an anchor that lies ahead", "2027-02-01 00:00:00", "2027-01-16 00:00:00", "month", 1, "2027-01-01 00:00:00", "2027-02-01 00:00:00"},
		{"long before it", "2030-03-31 00:00:00", "2027-03-01 00:00:00", "month", 1, "2027-02-28 00:00:00", "2027-03-31 00:00:00"},
		{"long after it", "1999-12-31 00:00:00", "2027-03-01 00:00:00", "month", 1, "2027-02-28 00:00:00", "2027-03-31 00:00:00"},
		{"weeks before", "2027-03-25 00:00:00", "2027-03-17 00:00:00", "week", 1, "2027-03-11 00:00:00", "2027-03-18 00:00:00"},
		{"years after", "2024-02-29 00:00:00", "2027-02-28 00:00:00", "year", 1, "2027-02-28 00:00:00", "2028-02-29 00:00:00"},
		{"quarters", "2027-01-31 00:00:00", "2027-05-01 00:00:00", "month", 3, "2027-04-30 00:00:00", "2027-07-31 00:00:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := whole(at(t, test.anchor), interval(test.interval, test.count), at(t, test.when))
			if want := (Period{Start: at(t, test.start), End: at(t, test.theNext)}); got != want {
				t.Errorf("got %s to %s", time.Unix(got.Start, 0).UTC(), time.Unix(got.End, 0).UTC())
			}
		})
	}
}

// Every period begins where the one before it ended, whatever the day of the anchor.
func TestPeriodsFollowEachOther(t *testing.T) {
	for _, r := range []*catalog.Recurring{interval("day", 3), interval("week", 1), interval("month", 1), interval("month", 7), interval("year", 1)} {
		for day := int64(0); day < 366; day += 5 {
			anchor := at(t, "2028-01-01 08:00:00") + day*86400
			when := anchor - 3*366*86400
			for range 40 {
				p := whole(anchor, r, when)
				if p.Start > when || p.End <= when {
					t.Fatalf("%+v: %d does not lie in %+v", r, when, p)
				}
				if next := whole(anchor, r, p.End); next.Start != p.End {
					t.Fatalf("%+v: %+v, and then %+v", r, p, next)
				}
				when = p.End
			}
		}
	}
}

// Facts 15b: the longer is a multiple of the shorter; a week and a month, 2 and 3 months, 5 months and a year are refused.
func TestTogether(t *testing.T) {
	for _, test := range []struct {
		a, b *catalog.Recurring
		want bool
	}{
		{interval("month", 1), interval("month", 1), true},
		{interval("month", 1), interval("year", 1), true},
		{interval("month", 6), interval("year", 1), true},
		{interval("day", 7), interval("week", 2), true},
		{interval("week", 1), interval("month", 1), false},
		{interval("month", 2), interval("month", 3), false},
		{interval("month", 5), interval("year", 1), false},
		{interval("day", 365), interval("year", 1), false},
	} {
		if got := together(test.a, test.b); got != test.want {
			t.Errorf("%+v and %+v: %v", test.a, test.b, got)
		}
		if got := together(test.b, test.a); got != test.want {
			t.Errorf("%+v and %+v: %v", test.b, test.a, got)
		}
	}
	if !same(interval("month", 12), interval("year", 1)) || same(interval("week", 1), interval("day", 6)) {
		t.Error("same: twelve months are a year, and six days no week")
	}
}
