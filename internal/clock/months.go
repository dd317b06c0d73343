package clock

import "time"

// AddMonths is the same day and time some months later (or before), in Unix seconds, by UTC's calendar; or the last day of that month, if it is too short.
func AddMonths(when int64, months int) int64 {
	t := time.Unix(when, 0).UTC()
	end := t.AddDate(0, months, 0)
	if end.Day() != t.Day() {
		end = end.AddDate(0, 0, -end.Day())
	}
	return end.Unix()
}
