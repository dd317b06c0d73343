package money

import (
	"strconv"
	"strings"

	"florin/internal/fault"
)

// minimums are the least that can be charged, in minor units (facts 05e). A currency that is not here has no minimum of its own: what counts is what it is
// worth in the account's settlement currency. The lev was replaced by the euro in 2026 and still has its old minimum.
var minimums = map[string]int64{
	"usd": 50, "aed": 200, "ars": 50, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "cop": 50, "czk": 1500, "dkk": 250, "eur": 50,
	"gbp": 30, "hkd": 400, "huf": 17500, "idr": 50, "ils": 50, "inr": 50, "jpy": 50, "krw": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
	"php": 50, "pln": 200, "ron": 200, "rub": 50, "sek": 300, "sgd": 50, "thb": 1000, "zar": 50,
}

// Minimum returns the least that can be charged in the currency, in minor units; 1 if it has no minimum of its own.
func Minimum(currency string) int64 {
	if m, ok := minimums[currency]; ok {
		return m
	}
	return 1
}

// Maximum returns the most that can be charged, in minor units: 8 digits, but 9 for the Indian rupee and 12 for the Indonesian rupiah (facts 05e, 14).
func Maximum(currency string) int64 {
	switch currency {
	case "idr":
		return 999_999_999_999
	case "inr":
		return 999_999_999
	}
	return 99_999_999
}

// TooSmall returns the refusal of a charge that is too small for its currency or, converted at the mid rate, for the settlement currency of the account;
// or nil. The messages of the two differ (facts 05e).
//
// In another currency than that of settlement, the converted amount is held to its minimum first: ¥5 is refused in dollars although it is below the
// yen's own minimum too.
func TooSmall(amount int64, currency, settlement string) *fault.Error {
	if minimum, from, to, ok := convertsTooSmall(amount, currency, settlement); ok {
		return fault.AmountConvertsTooSmall(minimum, from, to)
	}
	if amount < Minimum(currency) {
		return fault.AmountTooSmall(Format(Minimum(currency), currency), currency)
	}
	return nil
}

// CheckoutTooSmall is TooSmall in the words of a checkout session. The caller lets a total of 0 through.
func CheckoutTooSmall(amount int64, currency, settlement string) *fault.Error {
	if minimum, from, to, ok := convertsTooSmall(amount, currency, settlement); ok {
		return fault.CheckoutConvertsTooSmall(minimum, from, to)
	}
	if amount < Minimum(currency) {
		return fault.CheckoutTooSmall(Format(Minimum(currency), currency), strings.ToUpper(currency))
	}
	return nil
}

// TooLarge returns the refusal of a charge that is too large for its currency, or nil.
func TooLarge(amount int64, currency string) *fault.Error {
	if amount > Maximum(currency) {
		return fault.AmountTooLarge(Format(Maximum(currency), currency))
	}
	return nil
}

// Check returns the refusal of a charge whose amount is too small or too large, or nil.
func Check(amount int64, currency, settlement string) *fault.Error {
	if err := TooLarge(amount, currency); err != nil {
		return err
	}
	return TooSmall(amount, currency, settlement)
}

// convertsTooSmall returns what the message says if the amount is worth less than the settlement currency's minimum. Where both currencies have the same
// symbol, both amounts have their code behind them: "$0.50 USD converts to approximately $3.92 HKD".
func convertsTooSmall(amount int64, currency, settlement string) (minimum, from, to string, ok bool) {
	if settlement == "" || settlement == currency {
		return "", "", "", false
	}
	converted := apply(amount, rates().Mid(currency, settlement))
	if converted >= Minimum(settlement) {
		return "", "", "", false
	}
	from, to = Format(amount, currency), Format(converted, settlement)
	a, b := byCode[currency], byCode[settlement]
	if a != nil && b != nil && a.Symbol == b.Symbol {
		from += " " + strings.ToUpper(currency)
		to += " " + strings.ToUpper(settlement)
	}
	minimum = strconv.FormatInt(Minimum(settlement), 10)
	if b != nil {
		minimum += " " + b.Subunit
	}
	return minimum, from, to, true
}
