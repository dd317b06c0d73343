package paymethod

// Sets of countries. e32 is the European Economic Area with Switzerland, Gibraltar and the United Kingdom, less Iceland; x9 are the countries from
// which most European methods can be taken.
const (
	euro  = "AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK"
	eu    = euro + " CZ DK HU PL RO SE"
	eea   = eu + " LI NO IS"
	e32   = eu + " LI NO CH GB GI"
	x9    = e32 + " AU CA HK JP MX NZ SG US"
	korea = "AT BE CY DE DK EE ES FI FR GB GR HK HR HU IE IT JP LT LU LV MT NL PT SE SI SK US"
)

// day, hour and minute are in seconds.
const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

var (
	back180 = Refund{Days: 180}
	wait180 = Refund{Days: 180, How: "pending"}
	email   = list("email")
	name    = list("name")
	both    = list("name email")
	verify  = map[string]string{"verification_method": `"automatic"`}
)

// table has a row a type. Known from: facts 14a (where and how much), 14b (behaviour), 14i (how long money takes). Options are recorded where facts 08
// and the recordings have them (card, link, acss_debit, afterpay_clearpay, klarna, sepa_debit, us_bank_account, wechat_pay), and else the spec's
// nullable members as null. unverified: how a refund goes where facts 14b say neither "async" nor "requires_action"; debits are taken to be pending
// for some days, all else to succeed at once. unverified: HoldFor (facts 14b: I).
var table = []Type{
	{
		Name: "card", Flow: Card, HoldFor: 7, Disputes: true, Attachable: true, Capability: "card_payments",
		Options: map[string]string{"installments": "null", "mandate_options": "null", "network": "null", "request_three_d_secure": `"automatic"`},
	},
	{Name: "card_present", Flow: Terminal, Disputes: true, Options: map[string]string{"request_extended_authorization": "false", "request_incremental_authorization_support": "false"}},
	{Name: "interac_present", Flow: Terminal, Currencies: list("cad"), Business: list("CA")},
	{
		Name: "link", Flow: Wallet, Business: list("AU CA HK JP MY MX NZ SG AE US " + e32), HoldFor: 7, Refund: Refund{To: "type"}, Disputes: true, Attachable: true,
		Capability: "link_payments", Options: map[string]string{"persistent_token": "null"},
	},

	// Bank debits.
	{
		Name: "us_bank_account", Flow: Debit, Currencies: list("usd"), Business: list(e32 + " US CA"), Customers: list("US"), Delayed: true,
		Takes:  -1, // in test mode (facts 07h); 4 working days else
		Refund: wait180as("us_bank_transfer"), Disputes: true, Attachable: true, Mandate: true, Needs: name, Capability: "us_bank_account_ach_payments",
		Options: map[string]string{"mandate_options": "{}", "transaction_purpose": `"unspecified"`, "verification_method": `"automatic"`},
	},
	{
		Name: "sepa_debit", Flow: Debit, Currencies: list("eur"), Business: list(x9), Limits: limits("eur 50-1000000"), Delayed: true, Takes: 5,
		Refund: wait180as("eu_bank_transfer"), Disputes: true, Attachable: true, Mandate: true, Needs: both, Capability: "sepa_debit_payments",
	},
	{
		Name: "bacs_debit", Flow: Debit, Currencies: list("gbp"), Business: list("GB"), Customers: list("GB"), Limits: limits("gbp 30-10000000"), Delayed: true, Takes: 7,
		Refund: wait180as("gb_bank_transfer"), Disputes: true, Attachable: true, Mandate: true, Needs: both, Capability: "bacs_debit_payments",
	},
	{
		Name: "au_becs_debit", Flow: Debit, Currencies: list("aud"), Business: list("AU"), Customers: list("AU"), Delayed: true, Takes: 3,
		Refund:   Refund{Days: 90, How: "pending", To: "au_bank_transfer"},
		Disputes: true, Attachable: true, Mandate: true, Needs: both, Capability: "au_becs_debit_payments",
	},
	{
		Name: "acss_debit", Flow: Debit, Currencies: list("cad usd"), Business: list("CA US"), Customers: list("CA"), Delayed: true, Takes: 5,
		Refund:   wait180as("us_bank_transfer"), // unverified: where to; the spec has nothing Canadian
		Disputes: true, Attachable: true, Mandate: true, Needs: both, Capability: "acss_debit_payments", Options: verify,
	},
	{
		Name: "nz_bank_account", Flow: Debit, Currencies: list("nzd"), Business: list("NZ"), Customers: list("NZ"), Delayed: true, Takes: 2,
		Refund:   Refund{Days: 90, How: "pending", To: "nz_bank_transfer"},
		Disputes: true, Attachable: true, Mandate: true, Needs: both, Capability: "nz_bank_account_becs_debit_payments",
	},

	// Bank redirects.
	redirect(Type{Name: "ideal", Currencies: list("eur"), Business: list(x9), Customers: list("NL"), Limits: limits("eur 1-"), Refund: to180("eu_bank_transfer")}),
	redirect(Type{
		Name: "bancontact", Currencies: list("eur"), Business: list(x9), Customers: list("BE"), Needs: name, Refund: to180("eu_bank_transfer"),
		Options: map[string]string{"preferred_language": `"en"`},
	}),
	redirect(Type{Name: "eps", Currencies: list("eur"), Business: list(x9), Customers: list("AT"), Needs: name, Refund: back180}),
	redirect(Type{Name: "giropay", Currencies: list("eur"), Business: list(x9), Customers: list("DE"), Needs: name, Refund: back180, Closed: true}), // since 2024-06-30
	redirect(Type{
		Name: "sofort", Currencies: list("eur"), Business: list(x9), Customers: list("AT BE DE ES IT NL"), Delayed: true, Takes: 5, Refund: wait180, Closed: true,
		Options: map[string]string{"preferred_language": "null"},
	}),
	redirect(Type{Name: "p24", Currencies: list("eur pln"), Business: list(x9), Customers: list("PL"), Needs: email, Refund: back180}),
	{
		Name: "blik", Flow: Push, Action: "blik_authorize", ActionFor: minute, Currencies: list("pln"), Business: list(eea), Customers: list("PL"),
		Refund: Refund{Days: 395}, Disputes: true, Capability: "blik_payments",
	},
	redirect(Type{Name: "fpx", Currencies: list("myr"), Business: list("MY"), Customers: list("MY"), Limits: limits("myr 200-3000000"), Takes: 5, Refund: Refund{Days: 60, How: "pending", To: "type"}}),
	redirect(Type{
		Name: "twint", Currencies: list("chf"), Business: list(e32 + " IS MC SM"), Customers: list("CH"), Limits: limits("chf 50-500000"), Refund: back180, Disputes: true, Attachable: true,
	}),
	redirect(Type{Name: "pay_by_bank", Currencies: list("gbp eur"), Business: list(e32 + " AU CA SG US"), Customers: list("GB FI FR DE IE"), Limits: limits("gbp 50-1000000"), Refund: Refund{Days: 730, To: "type"}}),
	redirect(Type{
		Name: "bizum", Currencies: list("eur"), Business: list("AT AU BE CA CH CZ DE DK ES FI FR GB GR HU IE IT LT LU NL NO PL PT RO SE SG SI SK US"), Customers: list("ES"),
		Limits: limits("eur 50-500000"), Refund: Refund{Days: 395, To: "type"}, Disputes: true,
	}),

	// Buy now, pay later.
	redirect(Type{
		Name: "klarna", Currencies: list("aud cad chf czk dkk eur gbp nok nzd pln ron sek usd"), Business: list("AT AU BE CA CH CY CZ DE DK EE ES FI FR GB GR HR IE IT LT LU LV MT NL NO NZ PL PT RO SE SI SK US"),
		Limits:  limits("aud 0-400000, cad 0-1750000, chf 0-158500, czk 0-10000000, dkk 0-10000000, eur 0-1000000, gbp 0-500000, nok 0-10000000, pln 0-2000000, ron 0-2000000, sek 0-10000000, usd 0-1000000"),
		HoldFor: 28, Refund: back180, Disputes: true, Attachable: true, Options: map[string]string{"preferred_locale": "null"},
	}),
	redirect(Type{
		Name: "affirm", ActionFor: 12 * hour, Currencies: list("usd cad"), Business: list("US CA"), Limits: limits("usd 3500-3000000, cad 5000-3000000"),
		HoldFor: 7, WholeOnly: true, Takes: 2, Refund: Refund{Days: 120}, Disputes: true,
	}),
	redirect(Type{
		Name: "afterpay_clearpay", ActionFor: 3 * hour, Currencies: list("aud cad gbp nzd usd"), Business: list("AU CA GB NZ US"),
		Limits:  limits("aud 100-400000, nzd 100-400000, cad 100-200000, gbp 100-120000, usd 100-400000"),
		HoldFor: 13, Refund: Refund{Days: 120}, Disputes: true, Options: map[string]string{"reference": "null"},
	}),
	redirect(Type{Name: "alma", Currencies: list("eur"), Business: list("FR"), Customers: list("FR IT ES NL BE LU"), Limits: limits("eur 5000-500000"), HoldFor: 7, Takes: 3, Refund: back180, Disputes: true}),
	redirect(Type{Name: "billie", Currencies: list("eur sek nok dkk gbp chf"), Business: list("DE FR NL SE NO FI AT ES DK CH GB"), Limits: limits("eur 50-99999999, sek 50-99999999, nok 50-99999999, dkk 50-99999999, gbp 50-99999999, chf 50-99999999"), HoldFor: 7, Refund: back180as("type"), Disputes: true}),
	redirect(Type{Name: "zip", Currencies: list("aud usd"), Business: list("AU US"), Limits: limits("aud 100-5000000, usd 3500-150000"), Refund: back180, Disputes: true}),
	redirect(Type{Name: "scalapay", Currencies: list("eur"), Business: list("IT FR ES DE NL IE BE FI"), Limits: limits("eur 500-499999"), HoldFor: 7, Refund: back180, Disputes: true}),
	redirect(Type{Name: "sunbit", Currencies: list("usd"), Business: list("US"), Customers: list("US"), Limits: limits("usd 6000-999999"), HoldFor: 7, Refund: back180as("type"), Disputes: true}),

	// Wallets.
	{
		Name: "alipay", Flow: Redirect, Action: "alipay_handle_redirect", Currencies: list("cny aud cad eur gbp hkd jpy myr nzd sgd usd"), Business: list(eu + " AU CA HK JP NZ SG US GB MY CH NO"),
		Customers: list("CN"), Refund: Refund{Days: 90},
	},
	{
		Name: "wechat_pay", Flow: Redirect, Action: "wechat_pay_display_qr_code", Currencies: list("cny aud cad eur gbp hkd jpy sgd usd dkk nok sek chf"), Business: list(eu + " AU CA HK JP SG GB US NO CH"),
		Customers: list("CN"), Refund: wait180, Options: map[string]string{"app_id": "null", "client": "null"},
	},
	redirect(Type{Name: "grabpay", Currencies: list("sgd myr"), Business: list("SG MY"), Customers: list("SG MY"), Refund: Refund{Days: 90}}),
	{
		Name: "cashapp", Flow: Redirect, Action: "cashapp_handle_redirect_or_display_qr_code", Currencies: list("usd"), Business: list("US"), Customers: list("US"), HoldFor: 7,
		Refund: Refund{Days: 90, How: "pending"}, Disputes: true, Attachable: true, Capability: "cashapp_payments",
	},
	redirect(Type{
		Name: "paypal", Currencies: list("aud cad chf czk dkk eur gbp hkd nok nzd pln sek sgd usd"), Business: list("AT BE BG HR CY CZ DK EE FI FR DE GR IE IT LV LI LT LU MT NL NO PL PT RO SK SI ES SE CH GB"),
		HoldFor: 10, Refund: back180, Disputes: true, Attachable: true, Capability: "-", Options: map[string]string{"preferred_locale": "null", "reference": "null"},
	}),
	redirect(Type{Name: "revolut_pay", Currencies: list("eur gbp ron huf pln dkk"), Business: list(eea + " GB"), HoldFor: 7, Refund: back180as("revolut"), Disputes: true, Attachable: true}),
	redirect(Type{
		Name: "amazon_pay", Currencies: list("usd aud gbp dkk eur hkd jpy nzd nok zar sek chf"), Business: list("US AT BE CY DK FR DE HU IE IT LU NL PT ES SE CH GB"), HoldFor: 7,
		Refund: Refund{Days: 90}, Disputes: true, Attachable: true,
	}),
	redirect(Type{Name: "mobilepay", ActionFor: 5 * minute, Currencies: list("dkk eur nok sek"), Business: list(eea), Customers: list("DK FI"), HoldFor: 7, WholeOnly: true, Refund: Refund{To: "type"}, Disputes: true}),
	redirect(Type{Name: "satispay", Currencies: list("eur"), Business: list("AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK"), Customers: list("IT"), HoldFor: 7, Refund: back180as("type"), Disputes: true, Attachable: true}),
	{
		Name: "mb_way", Flow: Push, Currencies: list("eur"), Business: list(x9), Customers: list("PT"), Refund: Refund{Days: 365}, Disputes: true, Needs: list("phone"), Capability: "mb_way_payments",
	},
	redirect(Type{Name: "samsung_pay", Currencies: list("krw"), Business: list(korea + " SG"), Customers: list("KR"), Limits: limits("krw 100-"), HoldFor: 7, WholeOnly: true, Takes: 4, Refund: Refund{Days: 365, To: "type"}, Disputes: true}),
	redirect(Type{Name: "payco", Currencies: list("krw"), Business: list(korea + " SG"), Customers: list("KR"), Limits: limits("krw 100-"), HoldFor: 7, WholeOnly: true, Takes: 4, Refund: Refund{Days: 365, To: "type"}, Disputes: true}),
	redirect(Type{Name: "kakao_pay", Currencies: list("krw"), Business: list(korea), Customers: list("KR"), Limits: limits("krw 100-"), HoldFor: 7, WholeOnly: true, Takes: 4, Refund: Refund{Days: 365, To: "type"}, Disputes: true, Attachable: true}),
	redirect(Type{Name: "naver_pay", Currencies: list("krw"), Business: list(korea + " SG"), Customers: list("KR"), Limits: limits("krw 100-"), HoldFor: 7, WholeOnly: true, Takes: 4, Refund: Refund{Days: 365, To: "type"}, Disputes: true, Attachable: true}),
	redirect(Type{Name: "kr_card", Currencies: list("krw"), Business: list(korea + " SG"), Customers: list("KR"), Limits: limits("krw 100-"), HoldFor: 7, WholeOnly: true, Takes: 4, Refund: Refund{Days: 365, To: "type"}, Disputes: true, Attachable: true}),

	// Real-time payments.
	{Name: "paynow", Flow: Redirect, Action: "paynow_display_qr_code", ActionFor: hour, Currencies: list("sgd"), Business: list("SG"), Customers: list("SG"), Takes: 1, Refund: Refund{Days: 90, How: "pending"}, Capability: "paynow_payments"},
	{
		Name: "promptpay", Flow: Redirect, Action: "promptpay_display_qr_code", Currencies: list("thb"), Business: list("TH"), Customers: list("TH"), Limits: limits("thb 1000-"),
		Refund: Refund{How: "action", To: "th_bank_transfer"}, Needs: email, Capability: "promptpay_payments",
	},
	{
		Name: "pix", Flow: Voucher, Action: "pix_display_qr_code", ActionFor: 4 * hour, Currencies: list("brl"), Business: list(e32 + " AU CA SG US BR"), Customers: list("BR"), Limits: limits("brl 50-"),
		Refund: Refund{Days: 90}, Disputes: true, Attachable: true, Capability: "pix_payments", Options: map[string]string{"expires_after_seconds": "null", "expires_at": "null"},
	},
	{
		Name: "upi", Flow: Redirect, Action: "upi_handle_redirect_or_display_qr_code", ActionFor: 5 * minute, Currencies: list("inr"), Business: list(eu + " LI NO CH GB AU CA SG US"), Customers: list("IN"),
		Limits: limits("inr 100-10000000"), Refund: Refund{Days: 60, How: "pending", To: "type"}, Disputes: true, Attachable: true, Capability: "upi_payments",
	},
	{
		Name: "swish", Flow: Redirect, Action: "swish_handle_redirect_or_display_qr_code", ActionFor: 3 * minute, Currencies: list("sek"), Business: list(eea), Customers: list("SE"), Refund: Refund{Days: 365},
		Capability: "swish_payments", Options: map[string]string{"reference": "null"},
	},
	{
		Name: "payto", Flow: Push, Currencies: list("aud"), Business: list("AU"), Customers: list("AU"), Limits: limits("aud 50-2500000"), Delayed: true,
		Refund: Refund{Days: 730, How: "pending", To: "au_bank_transfer"}, Attachable: true, Needs: both, Capability: "payto_payments",
	},
	redirect(Type{Name: "crypto", Currencies: list("usd"), Business: list("US"), Limits: limits("usd 50-1000000"), Refund: Refund{}}),

	// Vouchers.
	{
		Name: "boleto", Flow: Voucher, Action: "boleto_display_details", Currencies: list("brl"), Business: list("BR"), Customers: list("BR"), Limits: limits("brl 500-4999999"), Takes: 2,
		Refund: Refund{How: "never"}, Attachable: true, Needs: list("name email address"), Capability: "boleto_payments", Options: map[string]string{"expires_after_days": "3"},
	},
	{
		Name: "oxxo", Flow: Voucher, Action: "oxxo_display_details", Currencies: list("mxn"), Business: list("MX"), Customers: list("MX"), Limits: limits("mxn 1000-1000000"),
		Refund: Refund{How: "never"}, Needs: both, Capability: "oxxo_payments", Options: map[string]string{"expires_after_days": "3"},
	},
	{
		Name: "konbini", Flow: Voucher, Action: "konbini_display_details", Currencies: list("jpy"), Business: list("JP"), Customers: list("JP"), Limits: limits("jpy 120-300000"), Takes: 4,
		Refund: Refund{How: "action", To: "jp_bank_transfer"}, Needs: both, Capability: "konbini_payments",
		Options: map[string]string{"confirmation_number": "null", "expires_after_days": "null", "expires_at": "null", "product_description": "null"},
	},
	{
		Name: "multibanco", Flow: Voucher, Action: "multibanco_display_details", Currencies: list("eur"), Business: list(e32 + " US"), Customers: list("PT"), Limits: limits("eur 50-9999900"),
		Refund: Refund{Days: 365}, Needs: email, Capability: "multibanco_payments",
	},

	// Bank transfers.
	{
		Name: "customer_balance", Flow: Transfer, Action: "display_bank_transfer_instructions", Currencies: list("eur gbp jpy mxn usd"), Business: list(eu + " JP MX GB US"),
		Refund: Refund{Days: 180, How: "action", To: "type"}, Capability: "bank_transfer_payments", Options: map[string]string{"funding_type": "null"},
	},
	{Name: "custom", Flow: Outside},
}

// redirect is a type whose customers go to another page, or to an app, and come back.
func redirect(t Type) Type {
	t.Flow, t.Action = Redirect, "redirect_to_url"
	switch t.Capability {
	case "":
		t.Capability = t.Name + "_payments"
	case "-":
		t.Capability = ""
	}
	return t
}

func to180(to string) Refund     { return Refund{Days: 180, To: to} }
func back180as(to string) Refund { return Refund{Days: 180, To: to} }
func wait180as(to string) Refund { return Refund{Days: 180, How: "pending", To: to} }

// home says where a type takes a currency only of businesses of some countries.
var home = map[string]map[string][]string{
	"affirm":            {"usd": list("US"), "cad": list("CA")},
	"afterpay_clearpay": {"aud": list("AU"), "cad": list("CA"), "gbp": list("GB"), "nzd": list("NZ"), "usd": list("US")},
	"grabpay":           {"sgd": list("SG"), "myr": list("MY")},
	"zip":               {"aud": list("AU"), "usd": list("US")},
	"klarna": { // unverified: that Europe's currencies are taken in all of Europe, and no other business's
		"aud": list("AU"), "cad": list("CA"), "nzd": list("NZ"), "usd": list("US"), "chf": list(e32), "czk": list(e32), "dkk": list(e32), "eur": list(e32), "gbp": list(e32),
		"nok": list(e32), "pln": list(e32), "ron": list(e32), "sek": list(e32),
	},
	"alipay": {
		"aud": list("AU"), "cad": list("CA"), "eur": list(eu + " NO CH"), "gbp": list("GB"), "hkd": list("HK"), "jpy": list("JP"), "myr": list("MY"), "nzd": list("NZ"), "sgd": list("SG"),
		"usd": list("US"),
	},
	"wechat_pay": {
		"aud": list("AU"), "cad": list("CA"), "eur": list(eu), "gbp": list("GB"), "hkd": list("HK"), "jpy": list("JP"), "sgd": list("SG"), "usd": list("US"), "dkk": list("DK"), "nok": list("NO"),
		"sek": list("SE"), "chf": list("CH"),
	},
	"customer_balance": {"usd": list("US"), "eur": list(eu), "gbp": list("GB"), "jpy": list("JP"), "mxn": list("MX")},
}
