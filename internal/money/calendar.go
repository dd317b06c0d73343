package money

import "time"

// A Settlement says when the money of a card payment becomes available: 00:00 UTC some days after the day, in UTC, on which it was made.
type Settlement struct {
	Days     int
	Business bool // days on which banks work; else calendar days
	// Monday makes a payment of a weekend count as one of the next business day, before the days are added.
	Monday bool
	// Holiday says whether banks are closed on a weekday. Nil: never.
	Holiday func(year int, month time.Month, day int) bool
}

// SettlementOf returns when payments of accounts in the country are available, if the account has no delay_days of its own.
//
// Recorded (facts 09b, and counted again in the recordings): the US 2 business days, with the holidays of the Federal Reserve: Sunday 2023-12-24 →
// Wednesday, Friday 2023-12-29 → Wednesday, Sunday 2025-01-19 (before Martin Luther King's day) → Wednesday, Tuesday 2024-06-18 (before Juneteenth) →
// Friday, while a common Sunday goes to Tuesday and a Saturday to Tuesday. Facts 09b's "Sunday counts as Monday" is that Christmas. France 3 business
// days, a Saturday going to Thursday, so there a weekend does count as Monday. Australia 2 business days (one sample). Canada, Singapore and new
// accounts in the US 7 calendar days, which is taken for all countries that are not named here.
//
// unverified: the rest of the EEA as France, the United Kingdom as well (both documented as 3 business days), Brazil's 30 days.
func SettlementOf(country string) Settlement {
	switch {
	case country == "US" || country == "PR":
		return Settlement{Days: 2, Business: true, Holiday: federalReserve}
	case country == "AU":
		return Settlement{Days: 2, Business: true}
	case eea[country] || country == "GB" || country == "GI" || country == "CH":
		return Settlement{Days: 3, Business: true, Monday: true, Holiday: target}
	case country == "BR":
		return Settlement{Days: 30}
	}
	return Settlement{Days: 7}
}

// AvailableOn returns the unix second at which a card payment made at the unix second created is available, for an account in the country.
func AvailableOn(created int64, country string) int64 {
	return SettlementOf(country).AvailableOn(created)
}

// AvailableOn returns the unix second at which a payment made at the unix second created is available.
func (s Settlement) AvailableOn(created int64) int64 {
	day := time.Unix(created, 0).UTC().Truncate(24 * time.Hour)
	if !s.Business {
		return day.AddDate(0, 0, s.Days).Unix()
	}
	for s.Monday && !s.works(day) {
		day = day.AddDate(0, 0, 1)
	}
	for n := s.Days; n > 0; {
		day = day.AddDate(0, 0, 1)
		if s.works(day) {
			n--
		}
	}
	return day.Unix()
}

// works says whether banks are open.
func (s Settlement) works(day time.Time) bool {
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		return false
	}
	return s.Holiday == nil || !s.Holiday(day.Date())
}

// federalReserve says whether the Federal Reserve's banks are closed on a weekday. A holiday that falls on a Sunday is kept on Monday, one on a Saturday
// is not kept.
func federalReserve(year int, month time.Month, day int) bool {
	weekday := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday()
	fixed := func(m time.Month, d int) bool {
		return month == m && (day == d || day == d+1 && weekday == time.Monday)
	}
	nth := func(m time.Month, w time.Weekday, n int) bool { // n-th such weekday of the month
		return month == m && weekday == w && (day-1)/7 == n-1
	}
	return fixed(time.January, 1) ||
		nth(time.January, time.Monday, 3) || // Martin Luther King, Jr.
		nth(time.February, time.Monday, 3) || // Washington
		month == time.May && weekday == time.Monday && day > 24 || // Memorial Day
		fixed(time.June, 19) ||
		fixed(time.July, 4) ||
		nth(time.September, time.Monday, 1) || // Labor Day
		nth(time.October, time.Monday, 2) || // Columbus
		fixed(time.November, 11) ||
		nth(time.November, time.Thursday, 4) || // Thanksgiving
		fixed(time.December, 25)
}

// target says whether the euro's payment system TARGET is closed on a weekday.
func target(year int, month time.Month, day int) bool {
	switch {
	case month == time.January && day == 1, month == time.May && day == 1, month == time.December && (day == 25 || day == 26):
		return true
	}
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	sunday := easter(year)
	return date.Equal(sunday.AddDate(0, 0, -2)) || date.Equal(sunday.AddDate(0, 0, 1))
}

// easter returns Easter Sunday (the anonymous Gregorian rule).
func easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(year, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}
