package money

import (
	"math"
	"strings"
	"testing"
	"time"

	"florin/internal/fault"
)

func TestFormat(t *testing.T) {
	tests := []struct {
		amount   int64
		currency string
		want     string
	}{
		{50, "usd", "$0.50"}, {50, "eur", "€0.50"}, {5, "jpy", "¥5"}, {99999999, "usd", "$999,999.99"}, {0, "usd", "$0.00"}, {7, "gbp", "£0.07"},
		{-500, "usd", "-$5.00"}, {-123456, "sek", "-1,234.56 kr"}, {300, "sek", "3.00 kr"}, {1000, "usd", "$10.00"}, {100000, "jpy", "¥100,000"},
		{66, "aed", "د.إ0.66"}, {55, "sar", "ر.س0.55"}, {100, "dzd", "1.00 د.ج"}, {20, "ngn", "0.20 ₦"}, {99999999, "ngn", "999,999.99 ₦"},
		{5000, "pkr", "₨50.00"}, {49, "pln", "0.49 zł"}, {1000, "rub", "10.00 р."}, {200, "try", "2.00 TL"}, {4999999, "brl", "R$ 49,999.99"},
		{99999999, "myr", "RM999,999.99"}, {4900, "cve", "49.00 $"}, {1234, "kwd", "د.ك1.234"}, {100, "btn", "1.00 ¤"}, {100, "zzz", "¤1.00"},
		{math.MinInt64, "jpy", "-¥9,223,372,036,854,775,808"},
	}
	for _, tt := range tests {
		if got := Format(tt.amount, tt.currency); got != tt.want {
			t.Errorf("%d %s: %s, want %s", tt.amount, tt.currency, got, tt.want)
		}
	}
}

func TestCurrencies(t *testing.T) {
	if got, want := strings.Join(Codes(), ", "), strings.Join(fault.Currencies, ", "); got != want {
		t.Errorf("list:\n%s\nwant:\n%s", got, want)
	}
	if len(byCode) != len(currencies) {
		t.Error("a currency stands twice")
	}
	for _, c := range currencies {
		if TestRates[c.Code] <= 0 {
			t.Errorf("%s has no rate", c.Code)
		}
		if c.Symbol == "" || c.Subunit == "" {
			t.Errorf("%s has no symbol or subunit", c.Code)
		}
	}
	for code := range TestRates {
		if !Known(code) {
			t.Errorf("a rate for %s, which is no currency", code)
		}
	}
	for country, code := range defaults {
		if !Known(code) {
			t.Errorf("%s has the currency %s", country, code)
		}
	}
	for _, code := range strings.Fields("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf") {
		if !ZeroDecimal(code) {
			t.Errorf("%s has decimals", code)
		}
	}
	for _, code := range strings.Fields("bhd jod kwd omr tnd") {
		if !ThreeDecimal(code) || Step(code, false) != 10 {
			t.Errorf("%s has no three decimals", code)
		}
	}
	if Step("ugx", false) != 100 || Step("huf", false) != 1 || Step("huf", true) != 100 || Step("usd", true) != 1 {
		t.Error("steps")
	}
	if Known("zzz") || Known("USD") || !Known("usd") {
		t.Error("known")
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		amount               int64
		currency, settlement string
		want                 string // "" is allowed
	}{
		{50, "usd", "usd", ""},
		{49, "usd", "usd", "Amount must be at least $0.50 usd"},
		{49, "eur", "eur", "Amount must be at least €0.50 eur"},
		{29, "gbp", "gbp", "Amount must be at least £0.30 gbp"},
		{299, "sek", "sek", "Amount must be at least 3.00 kr sek"},
		{49, "jpy", "jpy", "Amount must be at least ¥50 jpy"},
		{5, "jpy", "usd", "Amount must convert to at least 50 cents. ¥5 converts to approximately $0.03."},
		{20, "usd", "gbp", "Amount must convert to at least 30 pence. $0.20 converts to approximately £0.15."},
		{50, "usd", "hkd", "Amount must convert to at least 400 cents. $0.50 USD converts to approximately $3.90 HKD."},
		{5000, "pkr", "aed", "Amount must convert to at least 200 fils. ₨50.00 converts to approximately د.إ0.65."},
		{1000, "rub", "pln", "Amount must convert to at least 200 grosz. 10.00 р. converts to approximately 0.44 zł."},
		{990, "mxn", "usd", "Amount must be at least $10.00 mxn"}, // worth 53 cents
		{1000, "kes", "usd", "Amount must convert to at least 50 cents. Sh10.00 converts to approximately $0.08."},
		{10000, "kes", "usd", ""}, // no minimum of its own
		{1, "kes", "", ""},
		{99999999, "usd", "usd", ""},
		{100000000, "usd", "usd", "Amount must be no more than $999,999.99"},
		{100000000, "jpy", "usd", "Amount must be no more than ¥99,999,999"},
		{100000000, "inr", "inr", ""},
		{999999999999, "idr", "usd", ""},
		{1000000000000, "idr", "usd", "Amount must be no more than Rp9,999,999,999.99"},
	}
	for _, tt := range tests {
		got := ""
		if e := Check(tt.amount, tt.currency, tt.settlement); e != nil {
			got = e.Message
			if e.Status != 400 || e.Param != "" || !e.Executed {
				t.Errorf("%d %s: %+v", tt.amount, tt.currency, e)
			}
		}
		if got != tt.want {
			t.Errorf("%d %s, paid in %s:\n got %q\nwant %q", tt.amount, tt.currency, tt.settlement, got, tt.want)
		}
	}
	if e := CheckoutTooSmall(49, "usd", "usd"); e == nil || e.Message != "The Checkout Session's total amount due must add up to at least $0.50 USD" {
		t.Error(e)
	}
	if e := CheckoutTooSmall(300, "cny", "usd"); e == nil ||
		e.Message != "The Checkout Session's total amount must convert to at least 50 cents. ¥3.00 converts to approximately $0.42." {
		t.Error(e)
	}
}

// TestRecordedRates holds conversion to recorded pairs of payment and refund of one moment: the refund's rate is the market's.
func TestRecordedRates(t *testing.T) {
	defer UseRates(TestRates)
	tests := []struct {
		to      string
		in, out float64
		less    float64
	}{
		{"cad", 1.35576, 1.38343, 2}, {"cad", 1.35883, 1.38656, 2}, {"cad", 1.33588, 1.36314, 2}, {"cad", 1.41687, 1.43118, 1},
		{"sgd", 1.29726, 1.32373, 2}, {"sgd", 1.3389, 1.36622, 2}, {"krw", 13.2136, 13.4833, 2},
	}
	for _, tt := range tests {
		UseRates(Rates{"usd": 1, tt.to: tt.out * math.Pow10(2-Digits(tt.to))})
		if _, got := ConvertLess(1000, "usd", tt.to, tt.less); got != tt.in {
			t.Errorf("usd to %s: in %v, want %v", tt.to, got, tt.in)
		}
		if _, got := ConvertBack(1000, "usd", tt.to); got != tt.out {
			t.Errorf("usd to %s: out %v, want %v", tt.to, got, tt.out)
		}
	}
	for _, tt := range []struct {
		amount int64
		rate   float64
		want   int64
	}{
		{1000, 1.35576, 1356}, {1000, 1.29726, 1297}, {1000, 1.38343, 1383}, {1, 0.5, 1}, {-1, 0.5, -1}, {3, 0.5, 2}, {5, 0.1, 1}, {4, 0.1, 0},
		{100, 13.2136, 1321}, {0, 1.5, 0}, {999999999999, 1.00001, 1000009999999},
	} {
		if got := ConvertAt(tt.amount, tt.rate); got != tt.want {
			t.Errorf("%d × %v = %d, want %d", tt.amount, tt.rate, got, tt.want)
		}
	}
}

func TestConvert(t *testing.T) {
	for _, from := range Codes() {
		for _, to := range []string{"usd", "jpy", "kwd", "idr"} {
			in, rate := Convert(1_000_000, from, to)
			out, back := ConvertBack(1_000_000, from, to)
			switch {
			case from == to && (rate != 1 || in != 1_000_000):
				t.Errorf("%s to itself: %d at %v", from, in, rate)
			case from != to && math.Abs(rate/back-0.98) > 2e-5 && math.Abs(rate/back-0.99) > 2e-5:
				t.Errorf("%s to %s: %v and %v", from, to, rate, back)
			case in > out:
				t.Errorf("%s to %s: a payment of %d is refunded with %d", from, to, in, out)
			}
		}
	}
	UseRates(Rates{"usd": 1, "eur": 0.5})
	defer UseRates(TestRates)
	if got, rate := Convert(1000, "usd", "eur"); got != 490 || rate != 0.49 {
		t.Errorf("%d at %v", got, rate)
	}
}

// TestFee holds fees to recorded ones (facts 09a, and the recordings).
func TestFee(t *testing.T) {
	tests := []struct {
		country string
		amount  int64
		card    string
		want    int64
	}{
		{"US", 1000, "US", 59}, {"US", 15500, "US", 480}, {"US", 30000, "US", 900}, {"US", 2500, "US", 103}, {"US", 950, "US", 58},
		{"US", 2250, "US", 95}, {"US", 22500, "US", 683}, {"US", 100, "FR", 34},
		{"CA", 1356, "US", 69}, {"CA", 1342, "US", 69},
		{"SG", 130, "US", 55}, {"SG", 259, "US", 60}, {"SG", 777, "US", 80}, {"SG", 1297, "US", 101}, {"SG", 1583, "US", 112},
		{"BR", 3320, "BR", 171}, {"BR", 16638, "BR", 703},
		{"FR", 3700, "US", 145}, {"FR", 1200, "US", 64}, {"FR", 2499, "US", 106}, {"FR", 10000, "US", 350}, {"FR", 10000, "DE", 175},
		{"FR", 10000, "GB", 275}, {"GB", 1000, "GB", 35}, {"GB", 1000, "FR", 45}, {"GB", 1000, "US", 53},
		{"US", 0, "US", 0}, {"US", -5, "US", 0}, {"US", 1000, "", 59},
	}
	for _, tt := range tests {
		if got := Fee(tt.country, tt.amount, tt.card, false); got != tt.want {
			t.Errorf("%s: %d with a card of %s costs %d, want %d", tt.country, tt.amount, tt.card, got, tt.want)
		}
		if Fee(tt.country, tt.amount, tt.card, true) != Fee(tt.country, tt.amount, tt.card, false) {
			t.Error("a conversion costs a fee")
		}
	}
	for country := range defaults {
		if Fee(country, 100000, "XX", false) <= 0 {
			t.Errorf("%s has no fee", country)
		}
	}
	if DisputeFee("usd") != 1500 || DisputeFee("cad") != 1500 || DisputeFee("zar") <= 0 {
		t.Error("dispute fees")
	}
}

// TestAvailableOn: every row is recorded, but those marked.
func TestAvailableOn(t *testing.T) {
	tests := []struct{ country, made, available string }{
		{"US", "2023-10-30 09:47", "2023-11-01"}, // Monday
		{"US", "2023-10-19 02:52", "2023-10-23"}, // Thursday
		{"US", "2023-12-21 10:12", "2023-12-26"}, // Christmas between
		{"US", "2023-12-24 21:31", "2023-12-27"}, // Sunday before Christmas
		{"US", "2023-12-25 09:33", "2023-12-27"}, // Christmas
		{"US", "2023-12-29 12:14", "2024-01-03"}, // Friday before New Year
		{"US", "2024-02-20 23:37", "2024-02-22"}, // late
		{"US", "2024-03-09 03:54", "2024-03-12"}, // Saturday
		{"US", "2024-04-14 17:39", "2024-04-16"}, // Sunday
		{"US", "2024-06-18 05:53", "2024-06-21"}, // Juneteenth between
		{"US", "2024-10-18 21:26", "2024-10-22"}, // Friday
		{"US", "2025-01-19 04:14", "2025-01-22"}, // Sunday before Martin Luther King's day
		{"US", "2023-10-25 00:00", "2023-10-27"}, // midnight
		{"US", "2026-07-02 12:00", "2026-07-06"}, // not recorded: the Fourth on a Saturday is not kept
		{"US", "2027-07-02 12:00", "2027-07-07"}, // not recorded: on a Sunday it is kept on Monday
		{"FR", "2026-02-17 13:31", "2026-02-20"},
		{"FR", "2025-01-25 17:16", "2025-01-30"}, // Saturday
		{"FR", "2026-04-02 12:00", "2026-04-09"}, // not recorded: Easter between
		{"AU", "2026-02-17 13:32", "2026-02-19"},
		{"CA", "2023-10-30 09:50", "2023-11-06"},
		{"SG", "2023-12-25 09:21", "2024-01-01"},
	}
	for _, tt := range tests {
		made, err := time.Parse("2006-01-02 15:04", tt.made)
		if err != nil {
			t.Fatal(err)
		}
		got := time.Unix(AvailableOn(made.Unix(), tt.country), 0).UTC().Format("2006-01-02 15:04")
		if got != tt.available+" 00:00" {
			t.Errorf("%s %s: %s, want %s", tt.country, tt.made, got, tt.available)
		}
	}
	for year, want := range map[int]string{2024: "03-31", 2025: "04-20", 2026: "04-05", 2038: "04-25"} {
		if got := easter(year).Format("01-02"); got != want {
			t.Errorf("Easter %d: %s, want %s", year, got, want)
		}
	}
}

func BenchmarkConvert(b *testing.B) {
	for b.Loop() {
		Convert(1000, "usd", "eur")
	}
}
