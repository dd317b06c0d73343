package money

// defaults holds the currency of each country in which an account can be, by ISO 3166 code. First those where Stripe opens accounts itself, then those
// whose connected accounts it only pays out to.
var defaults = map[string]string{
	"AE": "aed", "AT": "eur", "AU": "aud", "BE": "eur", "BG": "eur", "BR": "brl", "CA": "cad", "CH": "chf", "CI": "xof", "CY": "eur", "CZ": "czk",
	"DE": "eur", "DK": "dkk", "EE": "eur", "ES": "eur", "FI": "eur", "FR": "eur", "GB": "gbp", "GI": "gbp", "GR": "eur", "HK": "hkd", "HR": "eur",
	"HU": "huf", "ID": "idr", "IE": "eur", "IN": "inr", "IT": "eur", "JP": "jpy", "LI": "chf", "LT": "eur", "LU": "eur", "LV": "eur", "MT": "eur",
	"MX": "mxn", "MY": "myr", "NL": "eur", "NO": "nok", "NZ": "nzd", "PL": "pln", "PT": "eur", "RO": "ron", "SE": "sek", "SG": "sgd", "SI": "eur",
	"SK": "eur", "TH": "thb", "US": "usd", "PR": "usd",

	"AG": "xcd", "AL": "all", "AM": "amd", "AO": "aoa", "AR": "ars", "AZ": "azn", "BA": "bam", "BD": "bdt", "BH": "bhd", "BJ": "xof", "BN": "bnd",
	"BO": "bob", "BS": "bsd", "BT": "btn", "BW": "bwp", "CL": "clp", "CO": "cop", "CR": "crc", "DO": "dop", "DZ": "dzd", "EC": "usd", "EG": "egp",
	"ET": "etb", "GA": "xaf", "GH": "ghs", "GM": "gmd", "GT": "gtq", "GY": "gyd", "IL": "ils", "IS": "eur", "JM": "jmd", "JO": "jod", "KE": "kes",
	"KH": "khr", "KR": "krw", "KW": "kwd", "KZ": "kzt", "LA": "lak", "LC": "xcd", "LK": "lkr", "MA": "mad", "MC": "eur", "MD": "mdl", "MG": "mga",
	"MK": "mkd", "MN": "mnt", "MO": "mop", "MU": "mur", "MZ": "mzn", "NA": "nad", "NE": "xof", "NG": "ngn", "OM": "omr", "PA": "usd", "PE": "pen",
	"PH": "php", "PK": "pkr", "PY": "pyg", "QA": "qar", "RS": "rsd", "RW": "rwf", "SA": "sar", "SM": "eur", "SN": "xof", "SV": "usd", "TN": "tnd",
	"TR": "try", "TT": "ttd", "TW": "twd", "TZ": "tzs", "UY": "uyu", "UZ": "uzs", "VN": "vnd", "ZA": "zar",
}

// DefaultCurrency returns the currency of an account in the country: the one in which it is paid if it asks for no other. "usd" if the country is unknown.
func DefaultCurrency(country string) string {
	if c, ok := defaults[country]; ok {
		return c
	}
	return "usd"
}

// Country says whether an account can be in the country.
func Country(country string) bool { return defaults[country] != "" }

// eea are the countries among which a card is not foreign, for a merchant in one of them. Switzerland and Gibraltar are not of it.
var eea = map[string]bool{
	"AT": true, "BE": true, "BG": true, "CY": true, "CZ": true, "DE": true, "DK": true, "EE": true, "ES": true, "FI": true, "FR": true, "GR": true,
	"HR": true, "HU": true, "IE": true, "IS": true, "IT": true, "LI": true, "LT": true, "LU": true, "LV": true, "MT": true, "NL": true, "NO": true,
	"PL": true, "PT": true, "RO": true, "SE": true, "SI": true, "SK": true,
}
