package account

// currencies are the countries in which accounts may stand, and what each is paid out in unless it says otherwise.
// Known from: Stripe's list of supported countries; Bulgaria has had the euro since 2026.
var currencies = map[string]string{
	"AE": "aed", "AT": "eur", "AU": "aud", "BE": "eur", "BG": "eur", "BR": "brl", "CA": "cad", "CH": "chf", "CY": "eur", "CZ": "czk",
	"DE": "eur", "DK": "dkk", "EE": "eur", "ES": "eur", "FI": "eur", "FR": "eur", "GB": "gbp", "GI": "gbp", "GR": "eur", "HK": "hkd",
	"HR": "eur", "HU": "huf", "IE": "eur", "IN": "inr", "IT": "eur", "JP": "jpy", "LI": "chf", "LT": "eur", "LU": "eur", "LV": "eur",
	"MT": "eur", "MX": "mxn", "MY": "myr", "NL": "eur", "NO": "nok", "NZ": "nzd", "PL": "pln", "PT": "eur", "RO": "ron", "SE": "sek",
	"SG": "sgd", "SI": "eur", "SK": "eur", "TH": "thb", "US": "usd",
}

// delayDays is how many days pass between a payment and its payout. Known from: facts 16 (16f); 7 where nothing was recorded.
func delayDays(country string) int64 {
	switch country {
	case "US", "AU":
		return 2
	case "IN":
		return 5
	}
	return 7
}

// capabilities are what a new account may do at once. Those of the United States are recorded (facts 16, GET /v1/account).
// unverified: those of other countries; what a business there is given depends on what it applied for.
func capabilities(country string) map[string]string {
	names := []string{"card_payments", "link_payments", "transfers"}
	switch {
	case country == "US":
		names = append(names, "affirm_payments", "cashapp_payments", "klarna_payments", "us_bank_account_ach_payments")
	case currencies[country] == "eur":
		names = append(names, "bancontact_payments", "eps_payments", "ideal_payments", "klarna_payments", "p24_payments", "sepa_debit_payments")
	case country == "GB":
		names = append(names, "bacs_debit_payments", "klarna_payments")
	}
	out := make(map[string]string, len(names))
	for _, n := range names {
		out[n] = "active"
	}
	return out
}
