package billing

import (
	"errors"
	"time"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/domain/catalog"
)

// Periods. A subscription's periods begin and end at its anchor, and so many intervals after or before it. Each is computed from the anchor, never from the
// one before, so that a month that is too short does not move those behind it: 31 January, 28 February, 31 March. Known from: facts 15c.

// boundary is n intervals after the anchor.
func boundary(anchor int64, r *catalog.Recurring, n int64) int64 {
	n *= r.IntervalCount
	switch r.Interval {
	case "day":
		return anchor + n*86400
	case "week":
		return anchor + n*7*86400
	case "year":
		n *= 12
	}
	return clock.AddMonths(anchor, int(n))
}

// boundaryAfter is the first boundary later than a time.
func boundaryAfter(anchor int64, r *catalog.Recurring, when int64) int64 {
	n := guess(anchor, r, when)
	for boundary(anchor, r, n) > when {
		n--
	}
	for boundary(anchor, r, n) <= when {
		n++
	}
	return boundary(anchor, r, n)
}

// boundaryBefore is the last boundary that is not later than a time.
func boundaryBefore(anchor int64, r *catalog.Recurring, when int64) int64 {
	n := guess(anchor, r, when)
	for boundary(anchor, r, n) <= when {
		n++
	}
	for boundary(anchor, r, n) > when {
		n--
	}
	return boundary(anchor, r, n)
}

// whole is the period, from boundary to boundary, that a time lies in.
func whole(anchor int64, r *catalog.Recurring, when int64) Period {
	return Period{End: boundaryAfter(anchor, r, when), Start: boundaryBefore(anchor, r, when)}
}

// guess is about how many intervals lie between the anchor and a time.
func guess(anchor int64, r *catalog.Recurring, when int64) int64 {
	return (when - anchor) / shortest(r)
}

// shortest is an interval's length in seconds, about: of months and years, the usual ones.
func shortest(r *catalog.Recurring) int64 {
	day := int64(86400)
	switch r.Interval {
	case "week":
		day *= 7
	case "month":
		day *= 30
	case "year":
		day *= 365
	}
	return day * max(r.IntervalCount, 1)
}

// months are how many months an interval has; 0 for one of days or weeks.
func months(r *catalog.Recurring) int64 {
	switch r.Interval {
	case "month":
		return r.IntervalCount
	case "year":
		return 12 * r.IntervalCount
	}
	return 0
}

// days are how many days an interval has; 0 for one of months or years.
func days(r *catalog.Recurring) int64 {
	switch r.Interval {
	case "day":
		return r.IntervalCount
	case "week":
		return 7 * r.IntervalCount
	}
	return 0
}

// Farthest is two intervals of the shortest item behind a time, among the subscriptions of a test clock: as far as it can be advanced; 0 if it has none
// that goes on. Known from: facts 08n, 15l.
func (d *Domain) Farthest(c *api.Call, clock string, from int64) (until int64, err error) {
	var failed error
	err = Subscriptions.Each(c, "test_clock", clock, func(sub *Subscription) bool {
		if sub.over() || text(sub.TestClock) != clock { // indexes know no case, and ids do
			return true
		}
		for _, it := range sub.Items.Data {
			p, err := it.price(c)
			if err != nil {
				failed = err
				return false
			}
			if end := boundary(from, p.Recurring, 2); until == 0 || end < until {
				until = end
			}
		}
		return true
	})
	return until, errors.Join(err, failed)
}

// together says whether items of two intervals can be on one subscription: the longer one is a multiple of the shorter. Known from: facts 15b.
func together(a, b *catalog.Recurring) bool {
	m, n := months(a), months(b)
	if m == 0 || n == 0 {
		m, n = days(a), days(b)
	}
	return m > 0 && n > 0 && (m%n == 0 || n%m == 0)
}

// same says whether two intervals are one.
func same(a, b *catalog.Recurring) bool {
	return months(a) == months(b) && days(a) == days(b)
}

// date is how a proration says a day.
func date(when int64) string { return time.Unix(when, 0).UTC().Format("02 Jan 2006") }
