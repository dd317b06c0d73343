// Package money knows currencies: how amounts are written, what the least and the most is that can be charged, what one currency is worth in another,
// what Stripe takes for a payment, and when the money is available.
//
// An amount is an int64 of the currency's smallest unit as Stripe counts it (cents; yen; thousandths of a dinar), never a float. A currency is its code
// in lower case. Everything here is a function of its arguments, but for the rates (UseRates).
//
// Known from: facts 05e (limits, messages), 09 (fees, conversion, availability), and what developers quote of Stripe's messages.
package money

import "strconv"

// A Currency is what is known of one.
type Currency struct {
	Code    string // lower case
	Symbol  string
	After   bool   // the symbol follows the amount, behind a space: 3.00 kr
	Digits  int    // behind the point, in Stripe's counting: 0, 2 or 3
	Subunit string // what the smallest unit is called, as in "50 cents"; singular, but for cents and pence
}

// currencies stand in the order in which Stripe lists them (fault.Currencies; a test holds the two together): usd, the alphabet, and those that came or
// went.
//
// Symbols and their places are those of an early version of the Ruby gem "money". Every message that developers quote agrees with it: "د.إ0.66",
// "ر.س0.55", "1.00 د.ج", "3.00 kr sek", "0.20 ₦", "₨50.00", "0.49 zł", "10.00 р.", "2.00 TL", "R$ 49,999.99 brl", "200 fils", "200 grosz", "30 pence".
// "¤" stands where the gem has no symbol. unverified: all that is not quoted here.
var currencies = []Currency{
	{"usd", "$", false, 2, "cents"},
	{"aed", "د.إ", false, 2, "fils"},
	{"afn", "؋", true, 2, "pul"},
	{"all", "L", true, 2, "qintar"},
	{"amd", "դր.", true, 2, "luma"},
	{"ang", "ƒ", false, 2, "cents"},
	{"aoa", "Kz", true, 2, "cêntimo"},
	{"ars", "$", false, 2, "centavo"},
	{"aud", "$", false, 2, "cents"},
	{"awg", "ƒ", true, 2, "cents"},
	{"azn", "¤", false, 2, "qəpik"},
	{"bam", "КМ", false, 2, "fening"},
	{"bbd", "$", true, 2, "cents"},
	{"bdt", "৳", false, 2, "paisa"},
	{"bgn", "лв", false, 2, "stotinka"},
	{"bhd", "ب.د", false, 3, "fils"},
	{"bif", "Fr", true, 0, "franc"},
	{"bmd", "$", false, 2, "cents"},
	{"bnd", "$", false, 2, "sen"},
	{"bob", "Bs.", false, 2, "centavo"},
	{"brl", "R$ ", false, 2, "centavo"},
	{"bsd", "$", false, 2, "cents"},
	{"bwp", "P", false, 2, "thebe"},
	{"byn", "Br", true, 2, "kapyeyka"},
	{"bzd", "$", false, 2, "cents"},
	{"cad", "$", false, 2, "cents"},
	{"cdf", "Fr", true, 2, "centime"},
	{"chf", "Fr", false, 2, "rappen"},
	{"clp", "$", false, 0, "peso"},
	{"cny", "¥", false, 2, "fen"},
	{"cop", "$", false, 2, "centavo"},
	{"crc", "₡", false, 2, "céntimo"},
	{"cve", "$", true, 2, "centavo"},
	{"czk", "Kč", false, 2, "haléř"},
	{"djf", "Fr", true, 0, "franc"},
	{"dkk", "kr", true, 2, "øre"},
	{"dop", "$", false, 2, "centavo"},
	{"dzd", "د.ج", true, 2, "centime"},
	{"egp", "£", false, 2, "piastre"},
	{"etb", "¤", true, 2, "santim"},
	{"eur", "€", false, 2, "cents"},
	{"fjd", "$", true, 2, "cents"},
	{"fkp", "£", true, 2, "pence"},
	{"gbp", "£", false, 2, "pence"},
	{"gel", "ლ", true, 2, "tetri"},
	{"gip", "£", false, 2, "pence"},
	{"gmd", "D", true, 2, "butut"},
	{"gnf", "Fr", true, 0, "franc"},
	{"gtq", "Q", false, 2, "centavo"},
	{"gyd", "$", true, 2, "cents"},
	{"hkd", "$", false, 2, "cents"},
	{"hnl", "L", false, 2, "centavo"},
	{"hrk", "kn", false, 2, "lipa"},
	{"htg", "G", true, 2, "centime"},
	{"huf", "Ft", true, 2, "fillér"},
	{"idr", "Rp", false, 2, "sen"},
	{"ils", "₪", false, 2, "agora"},
	{"inr", "₹", false, 2, "paisa"},
	{"isk", "kr", false, 2, "eyrir"},
	{"jmd", "$", false, 2, "cents"},
	{"jod", "د.ا", false, 3, "fils"},
	{"jpy", "¥", false, 0, "yen"},
	{"kes", "Sh", false, 2, "cents"},
	{"kgs", "¤", true, 2, "tyiyn"},
	{"khr", "៛", true, 2, "sen"},
	{"kmf", "Fr", true, 0, "franc"},
	{"krw", "₩", false, 0, "won"},
	{"kwd", "د.ك", false, 3, "fils"},
	{"kyd", "$", false, 2, "cents"},
	{"kzt", "〒", true, 2, "tiyn"},
	{"lak", "₭", true, 2, "att"},
	{"lbp", "ل.ل", false, 2, "piastre"},
	{"lkr", "₨", true, 2, "cents"},
	{"lrd", "$", true, 2, "cents"},
	{"lsl", "L", true, 2, "sente"},
	{"mad", "د.م.", true, 2, "centime"},
	{"mdl", "L", true, 2, "ban"},
	{"mga", "¤", true, 0, "ariary"},
	{"mkd", "ден", true, 2, "deni"},
	{"mmk", "K", true, 2, "pya"},
	{"mnt", "₮", true, 2, "möngö"},
	{"mop", "P", true, 2, "avo"},
	{"mur", "₨", false, 2, "cents"},
	{"mvr", "ރ.", true, 2, "laari"},
	{"mwk", "MK", true, 2, "tambala"},
	{"mxn", "$", false, 2, "centavo"},
	{"myr", "RM", false, 2, "sen"},
	{"mzn", "MTn", false, 2, "centavo"},
	{"nad", "$", true, 2, "cents"},
	{"ngn", "₦", true, 2, "kobo"},
	{"nio", "C$", true, 2, "centavo"},
	{"nok", "kr", false, 2, "øre"},
	{"npr", "₨", false, 2, "paisa"},
	{"nzd", "$", false, 2, "cents"},
	{"omr", "ر.ع.", false, 3, "baisa"},
	{"pab", "B/.", true, 2, "centésimo"},
	{"pen", "S/.", false, 2, "céntimo"},
	{"pgk", "K", true, 2, "toea"},
	{"php", "₱", false, 2, "centavo"},
	{"pkr", "₨", false, 2, "paisa"},
	{"pln", "zł", true, 2, "grosz"},
	{"pyg", "₲", false, 0, "guaraní"},
	{"qar", "ر.ق", true, 2, "dirham"},
	{"ron", "L", false, 2, "ban"},
	{"rsd", "din.", false, 2, "para"},
	{"rub", "р.", true, 2, "kopek"},
	{"rwf", "Fr", true, 0, "franc"},
	{"sar", "ر.س", false, 2, "hallallah"},
	{"sbd", "$", true, 2, "cents"},
	{"scr", "₨", true, 2, "cents"},
	{"sek", "kr", true, 2, "öre"},
	{"sgd", "$", false, 2, "cents"},
	{"shp", "£", true, 2, "pence"},
	{"sle", "Le", true, 2, "cents"},
	{"sos", "Sh", true, 2, "cents"},
	{"srd", "$", true, 2, "cents"},
	{"std", "Db", true, 2, "cêntimo"},
	{"szl", "L", false, 2, "cents"},
	{"thb", "฿", false, 2, "satang"},
	{"tjs", "ЅМ", true, 2, "diram"},
	{"tnd", "د.ت", true, 3, "millime"},
	{"top", "T$", false, 2, "seniti"},
	{"try", "TL", true, 2, "kuruş"},
	{"ttd", "$", true, 2, "cents"},
	{"twd", "$", false, 2, "cents"}, // the gem has it behind; Stripe's "$8.00 TWD" is quoted from 2026
	{"tzs", "Sh", false, 2, "cents"},
	{"uah", "₴", true, 2, "kopiyka"},
	{"ugx", "Sh", true, 2, "cents"},
	{"uyu", "$", false, 2, "centésimo"},
	{"uzs", "¤", true, 2, "tiyin"},
	{"vnd", "₫", false, 0, "đồng"},
	{"vuv", "Vt", false, 0, "vatu"},
	{"wst", "T", true, 2, "sene"},
	{"xaf", "Fr", true, 0, "franc"},
	{"xcd", "$", false, 2, "cents"},
	{"xcg", "Cg", false, 2, "cents"},
	{"xof", "Fr", true, 0, "franc"},
	{"xpf", "Fr", true, 0, "franc"},
	{"yer", "﷼", true, 2, "fils"},
	{"zar", "R", false, 2, "cents"},
	{"zmw", "ZK", true, 2, "ngwee"},
	{"usdc", "$", false, 2, "cents"},
	{"btn", "¤", true, 2, "chertrum"},
	{"ghs", "₵", false, 2, "pesewa"},
	{"eek", "kr", true, 2, "sent"},
	{"lvl", "Ls", false, 2, "santīms"},
	{"svc", "₡", false, 2, "centavo"},
	{"vef", "Bs F", false, 2, "céntimo"},
	{"ltl", "Lt", true, 2, "centas"},
	{"sll", "Le", true, 2, "cents"},
	{"mro", "UM", true, 2, "khoums"},
}

var byCode = index()

func index() map[string]*Currency {
	m := make(map[string]*Currency, len(currencies))
	for i := range currencies {
		m[currencies[i].Code] = &currencies[i]
	}
	return m
}

// Known says whether Stripe has the currency. The code is in lower case.
func Known(code string) bool { return byCode[code] != nil }

// Lookup returns what is known of a currency, in lower case, and whether there is one.
func Lookup(code string) (Currency, bool) {
	if c := byCode[code]; c != nil {
		return *c, true
	}
	return Currency{}, false
}

// Codes returns all currencies in Stripe's order.
func Codes() []string {
	codes := make([]string, len(currencies))
	for i, c := range currencies {
		codes[i] = c.Code
	}
	return codes
}

// Digits returns how many digits of an amount stand behind the point: 0 for the yen, 3 for the Kuwaiti dinar, 2 for most and for unknown ones.
func Digits(code string) int {
	if c := byCode[code]; c != nil {
		return c.Digits
	}
	return 2
}

// ZeroDecimal says whether amounts are whole units: 500 is ¥500 (facts 05e).
func ZeroDecimal(code string) bool { return Digits(code) == 0 }

// ThreeDecimal says whether amounts are thousandths. The last digit of a charge must then be 0 (facts 05e).
func ThreeDecimal(code string) bool { return Digits(code) == 3 }

// WholeUnits says whether the currency has no smaller unit in life, though its amounts are in hundredths for the sake of older clients: their last two
// digits must be 00 (facts 05e; ISK and UGX for charges, HUF and TWD for payouts only).
func WholeUnits(code string, payout bool) bool {
	switch code {
	case "isk", "ugx":
		return true
	case "huf", "twd":
		return payout
	}
	return false
}

// Step returns what an amount must be a multiple of: 100 for currencies that only look as if they had cents, 10 for those of three decimals, else 1.
func Step(code string, payout bool) int64 {
	switch {
	case WholeUnits(code, payout):
		return 100
	case ThreeDecimal(code):
		return 10
	}
	return 1
}

// Format writes an amount as Stripe does in messages: $0.50, ¥5, $999,999.99, 3.00 kr. A negative amount has its sign first.
func Format(amount int64, currency string) string {
	c := byCode[currency]
	if c == nil {
		c = &Currency{Symbol: "¤", Digits: 2}
	}
	number := decimal(amount, c.Digits)
	if c.After {
		return number + " " + c.Symbol
	}
	if amount < 0 {
		return "-" + c.Symbol + number[1:]
	}
	return c.Symbol + number
}

// decimal writes an amount with its point and a comma between thousands.
func decimal(amount int64, digits int) string {
	sign, n := "", uint64(amount)
	if amount < 0 {
		sign, n = "-", -n
	}
	s := strconv.FormatUint(n, 10)
	for len(s) <= digits {
		s = "0" + s
	}
	whole, part := s[:len(s)-digits], s[len(s)-digits:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if digits > 0 {
		part = "." + part
	}
	return sign + whole + part
}
