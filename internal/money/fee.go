package money

// A Price is what Stripe takes for a card payment on standard terms: a share of the amount in hundredths of a percent, and a fixed part.
type Price struct {
	Share         int64 // of a card of the same country (in the EEA: of any country of it)
	British       int64 // of a card of the other side of the Channel, where that has a price of its own; 0 if it has not
	International int64 // of any other card
	Fixed         int64 // minor units of the country's currency
}

// prices are per country of the account. Those marked R follow from recorded fees (facts 09a); where a price page says otherwise, the recording wins.
//
// unverified: all others are remembered price pages of 2025-26, including the fixed parts outside of the euro.
var prices = map[string]Price{
	"US": {Share: 290, International: 390, Fixed: 30}, // R: 1000 → 59, 15500 → 480; USD 100 → 34 with a foreign card (the page says +1.5 %)
	"PR": {Share: 290, International: 390, Fixed: 30},
	"CA": {Share: 290, International: 290, Fixed: 30}, // R: CAD 1356 → 69 with a US card, so nothing more for it (the page says +0.8 %)
	"SG": {Share: 340, International: 390, Fixed: 50}, // R: 130 → 55, 1583 → 112 with a US card
	"BR": {Share: 399, International: 599, Fixed: 39}, // R: 3320 → 171, 16638 → 703; unverified: international
	"FR": euro,                                        // R: EUR 3700 → 145, 1200 → 64, 2499 → 106, 10000 → 350 with a US card
	"GB": {Share: 150, British: 250, International: 325, Fixed: 20},
	"GI": {Share: 150, British: 250, International: 325, Fixed: 20},
	"CH": {Share: 290, International: 325, Fixed: 30},
	"LI": {Share: 290, International: 325, Fixed: 30},
	"BG": euro, "AT": euro, "BE": euro, "CY": euro, "DE": euro, "EE": euro, "ES": euro, "FI": euro, "GR": euro, "HR": euro, "IE": euro, "IT": euro,
	"LT": euro, "LU": euro, "LV": euro, "MT": euro, "NL": euro, "PT": euro, "SI": euro, "SK": euro,
	"CZ": {Share: 150, British: 250, International: 325, Fixed: 650},
	"DK": {Share: 150, British: 250, International: 325, Fixed: 180},
	"HU": {Share: 150, British: 250, International: 325, Fixed: 8500},
	"NO": {Share: 240, British: 325, International: 325, Fixed: 200},
	"PL": {Share: 150, British: 250, International: 325, Fixed: 100},
	"RO": {Share: 150, British: 250, International: 325, Fixed: 100},
	"SE": {Share: 150, British: 250, International: 325, Fixed: 180},
	"AE": {Share: 290, International: 390, Fixed: 100},
	"AU": {Share: 170, International: 350, Fixed: 30},
	"HK": {Share: 340, International: 390, Fixed: 235},
	"IN": {Share: 200, International: 300, Fixed: 0},
	"JP": {Share: 360, International: 360, Fixed: 0},
	"MX": {Share: 360, International: 410, Fixed: 300},
	"MY": {Share: 300, International: 400, Fixed: 100},
	"NZ": {Share: 265, International: 370, Fixed: 30},
	"TH": {Share: 365, International: 475, Fixed: 1000},
}

var euro = Price{Share: 150, British: 250, International: 325, Fixed: 25}

// PriceOf returns the card price in the country of the account. A country without one has the price of the US, its fixed part converted.
func PriceOf(country string) Price {
	if p, ok := prices[country]; ok {
		return p
	}
	p := prices["US"]
	p.Fixed = apply(p.Fixed, rates().Mid("usd", DefaultCurrency(country)))
	return p
}

// Fee returns what Stripe takes for a card payment: round-half-up(amount × share) + fixed. The amount and the fee are in minor units of the currency in
// which the account is paid, after conversion (facts 09a), and that is taken to be the country's own; FeeIn takes another.
//
// A conversion changes nothing here: it is paid for in the exchange rate (facts 09a), although the price page names it as a fee. The argument stays, so
// that callers need not know.
func Fee(country string, amount int64, cardCountry string, converted bool) int64 {
	return FeeIn(DefaultCurrency(country), country, amount, cardCountry, converted)
}

// FeeIn is Fee for an account that is paid in another currency than its country's: the fixed part is converted at the mid rate.
//
// unverified: an account in France that was paid in yen gave ¥35 for its 25 cents, which were about ¥45 in the market of that day.
func FeeIn(settlement, country string, amount int64, cardCountry string, converted bool) int64 {
	if amount <= 0 {
		return 0
	}
	p := PriceOf(country)
	fixed := apply(p.Fixed, rates().Mid(DefaultCurrency(country), settlement))
	return (amount*p.share(country, cardCountry)+5000)/10000 + fixed
}

// share returns the part for a card of the given country, "" being the account's own.
func (p Price) share(country, card string) int64 {
	british := func(c string) bool { return c == "GB" || c == "GI" }
	switch {
	case card == "" || card == country, eea[country] && eea[card], british(country) && british(card):
		return p.Share
	case p.British > 0 && (eea[country] && british(card) || british(country) && eea[card]):
		return p.British
	}
	return p.International
}

// disputeFees are what a dispute costs, in minor units of the settlement currency (recorded for USD and CAD: 1500 each).
//
// unverified: all others, from price pages.
var disputeFees = map[string]int64{
	"usd": 1500, "cad": 1500, "eur": 2000, "gbp": 2000, "aud": 2500, "nzd": 2500, "sgd": 1500, "hkd": 8500, "jpy": 1500, "chf": 2000, "sek": 20000,
	"dkk": 15000, "nok": 20000, "pln": 8500, "czk": 50000, "huf": 750000, "ron": 10000, "mxn": 30000, "brl": 5500, "inr": 100000, "myr": 6000,
	"thb": 50000, "aed": 6000,
}

// DisputeFee returns what a dispute costs, in minor units of the settlement currency.
func DisputeFee(settlement string) int64 {
	if f, ok := disputeFees[settlement]; ok {
		return f
	}
	return apply(disputeFees["usd"], rates().Mid("usd", settlement))
}
