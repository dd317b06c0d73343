package money

import (
	"math"
	"math/big"
	"strconv"
	"sync/atomic"
)

// Rates say what a US dollar is worth: units of each currency for one dollar, at the middle of the market.
type Rates map[string]float64

var current atomic.Pointer[Rates]

// UseRates replaces the rates, for all accounts from now on. It is meant for the start of the program; without it TestRates are used.
func UseRates(r Rates) { current.Store(&r) }

func rates() Rates {
	if r := current.Load(); r != nil {
		return *r
	}
	return TestRates
}

// What Stripe keeps of a converted payment, in percent. It is in the rate and not a fee line, and a refund is converted at the mid rate: seven recorded
// pairs of payment and refund have exactly the ratio 0.98 (2023: 1.35576 and 1.38343 for USD to CAD, 1.29726 and 1.32373 to SGD, 13.2136 and 13.4833 to
// KRW, …), one 0.99 (1.41687 and 1.43118, a US platform's transfer to CAD in 2024), and the refunds' rates are those of the market of the day. Facts 09a
// reads the ratio 1.0204 as 1 % each way, which would be 1.0203 and misses every pair in the sixth digit.
//
// The price pages say 1 % for accounts in the US and 2 % for others; the currency stands for the country here.
const (
	spreadUSD = 1
	spread    = 2
)

// Mid returns how many minor units of to one minor unit of from is worth, unrounded. An unknown currency counts as a dollar.
func (r Rates) Mid(from, to string) float64 {
	if from == to {
		return 1
	}
	return r.perDollar(to) / r.perDollar(from) * math.Pow10(Digits(to)-Digits(from))
}

func (r Rates) perDollar(currency string) float64 {
	if x := r[currency]; x > 0 {
		return x
	}
	return 1
}

// Convert converts a payment into the currency in which the account is paid: mid less 2 %, or 1 % into dollars. The rate is the balance transaction's
// exchange_rate: a number of six digits, in minor units of to for one of from, so that USD 1.00 at 13.2136 is ₩1,321 (recorded). The converted amount is
// round(amount × rate). Between one currency and itself the rate is 1 and exchange_rate is null.
func Convert(amount int64, from, to string) (converted int64, rate float64) {
	if to == "usd" {
		return ConvertLess(amount, from, to, spreadUSD)
	}
	return ConvertLess(amount, from, to, spread)
}

// ConvertBack converts a refund or a dispute, given in the customer's currency from, into what it takes from the account in to: at the mid rate.
func ConvertBack(amount int64, from, to string) (converted int64, rate float64) {
	return ConvertLess(amount, from, to, 0)
}

// ConvertLess converts at the mid rate less some percent.
func ConvertLess(amount int64, from, to string, percent float64) (converted int64, rate float64) {
	if from == to {
		return amount, 1
	}
	rate = sixDigits(rates().Mid(from, to) * (100 - percent) / 100)
	return apply(amount, rate), rate
}

// ConvertAt converts at a rate that is already known, such as the one of the payment that is refunded in part.
func ConvertAt(amount int64, rate float64) int64 { return apply(amount, rate) }

// sixDigits rounds to six significant digits: 1.35576, 0.893356, 13.2136.
func sixDigits(x float64) float64 {
	s := strconv.FormatFloat(x, 'g', 6, 64)
	rounded, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return rounded
}

// apply multiplies and rounds half away from zero. It counts with the decimal digits of the rate, as they are shown, not with its binary form: so anyone
// can check amount × exchange_rate by hand.
func apply(amount int64, rate float64) int64 {
	if rate == 1 {
		return amount
	}
	x, ok := new(big.Rat).SetString(strconv.FormatFloat(rate, 'g', -1, 64))
	if !ok {
		panic("money: a rate is not finite")
	}
	x.Mul(x, new(big.Rat).SetInt64(amount))
	num, den := new(big.Int).Lsh(x.Num(), 1), new(big.Int).Lsh(x.Denom(), 1)
	if num.Sign() < 0 {
		num.Sub(num, x.Denom())
	} else {
		num.Add(num, x.Denom())
	}
	num.Quo(num, den)
	if !num.IsInt64() {
		panic("money: converted amount overflows")
	}
	return num.Int64()
}
