package paymethod

import (
	"slices"
	"strings"
)

// A Test says how a payment of test mode goes, as its account number, e-mail address or telephone number has it.
type Test struct {
	Name    string // of the payment method that stands for the account, less pm_<type>_; "" for none
	After   int64  // seconds until it is known
	Fail    string // the failure's code; "" if the payment succeeds
	Error   string // the code of the payment's last error, where it is not the failure's
	Stays   bool   // nothing is ever known
	Dispute bool   // the money comes, and is disputed
	Ends    bool   // the bank says that the mandate is over
	Block   bool   // stopped as too risky, before it is sent
	Expire  bool   // nobody pays in time
	NoMicro bool   // small deposits cannot be sent
}

// soon is how long a debit takes in test mode, in seconds. Recorded: 11 and 12 for SEPA debits; reported: about 20 for ACH (facts 07, 08).
// later is that of the accounts that are said to take at least three minutes.
const (
	soon      = 12
	soonACH   = 20
	later     = 180
	rightAway = 5
)

// OfAccount says how a debit of an account goes in test mode. number is what identifies it: an IBAN, or an account number.
// An account that is not one of Stripe's test values succeeds. unverified: Stripe refuses many of them.
func OfAccount(typ, number string) Test {
	if typ == "sepa_debit" {
		return sepa(number)
	}
	t := accounts[typ][number]
	if t.After == 0 {
		t.After = soon
		if typ == "us_bank_account" {
			t.After = soonACH
		}
	}
	return t
}

// Named is the account that a payment method such as pm_usBankAccount_success stands for. country is set for SEPA debits only.
func Named(id string) (typ, number string, ok bool) {
	rest, found := strings.CutPrefix(id, "pm_")
	if !found {
		return "", "", false
	}
	family, name, found := strings.Cut(rest, "_")
	if !found || name == "" {
		return "", "", false
	}
	switch family {
	case "usBankAccount", "nzBankAccount":
		typ = map[string]string{"usBankAccount": "us_bank_account", "nzBankAccount": "nz_bank_account"}[family]
		for number, t := range accounts[typ] {
			if t.Name == name {
				return typ, number, true
			}
		}
	case "sepaDebit":
		what, country, _ := strings.Cut(name, "_")
		i := slices.Index(sepaKinds, what)
		row := ibans[strings.ToUpper(country)]
		if i >= 0 && i < len(row) && row[i] != "" {
			return "sepa_debit", row[i], true
		}
	}
	return "", "", false
}

// accounts are the test accounts of bank debits. Known from: facts 07 (7h), 14d.
var accounts = map[string]map[string]Test{
	"us_bank_account": {
		"000123456789": {Name: "success"},
		"000111111113": {Name: "accountClosed", Fail: "account_closed", Ends: true},
		"000000004954": {Name: "riskLevelHighest", Block: true},
		"000111111116": {Name: "noAccount", Fail: "no_account", Ends: true},
		"000222222227": {Name: "insufficientFunds", Fail: "insufficient_funds"},
		"000333333335": {Name: "debitNotAuthorized", Fail: "debit_not_authorized", Ends: true},
		"000444444440": {Name: "invalidCurrency", Fail: "invalid_currency"},
		"000666666661": {Name: "failMicrodeposits", NoMicro: true},
		"000555555559": {Name: "dispute", Dispute: true},
		"000000000009": {Name: "processing", Stays: true},
		"000777777771": {Name: "weeklyLimitExceeded", Fail: "charge_exceeds_source_limit"},
		"000888888885": {Fail: "tokenized_account_number_deactivated", Ends: true}, // unverified: that the mandate ends
	},
	"bacs_debit": {
		"00012345": {},
		"90012345": {After: later},
		"33333335": {Fail: "debit_not_authorized", Ends: true},
		"93333335": {Fail: "debit_not_authorized", Ends: true, After: later},
		"22222227": {Fail: "insufficient_funds"},
		"92222227": {Fail: "insufficient_funds", After: later},
		"55555559": {Dispute: true},
		"00033333": {Fail: "debit_not_authorized", Ends: true},
		"00044444": {Fail: "invalid_account_number", Ends: true},
		"34343434": {Fail: "charge_exceeds_source_limit"},
		"12121212": {Fail: "charge_exceeds_weekly_limit"},
	},
	"au_becs_debit": {
		"000123456": {},
		"900123456": {After: later},
		"111111113": {Fail: "account_closed", Ends: true},
		"111111116": {Fail: "no_account", Ends: true},
		"333333335": {Fail: "debit_not_authorized", Ends: true},
		"222222227": {Fail: "refer_to_customer"},
		"922222227": {Fail: "refer_to_customer", After: later},
		"666666660": {Dispute: true},
		"343434343": {Fail: "charge_exceeds_source_limit"},
		"121212121": {Fail: "charge_exceeds_transaction_limit"},
	},
	"acss_debit": {
		"000123456789": {},
		"900123456789": {After: later},
		"000222222227": {Fail: "insufficient_funds"}, // unverified: with which code
		"900222222227": {Fail: "insufficient_funds", After: later},
		"000666666661": {NoMicro: true},
		"000777777771": {Fail: "charge_exceeds_source_limit"},
		"000888888881": {Fail: "charge_exceeds_transaction_limit"},
	},
	"nz_bank_account": {
		"0000000": {Name: "success"},
		"2222222": {Name: "insufficientFunds", Fail: "insufficient_funds"},
		"8888888": {Name: "referToCustomer", Fail: "refer_to_customer"},
		"1111111": {Name: "noAccount", Fail: "no_account", Ends: true},
		"5555555": {Name: "debitNotAuthorized", Fail: "debit_not_authorized", Ends: true},
		"9999999": {Name: "processing", Stays: true},
	},
}

// OfVoucher says when a voucher is paid, or that it is not, as the payer's e-mail address has it. Known from: facts 14d.
func OfVoucher(email string) Test {
	local, _, _ := strings.Cut(email, "@")
	ends := func(s string) bool { return strings.HasSuffix(local, s) }
	switch {
	case ends("succeed_immediately"):
		return Test{After: rightAway}
	case ends("expire_immediately"):
		return Test{After: rightAway, Expire: true}
	case ends("expire_with_delay"):
		return Test{After: later, Expire: true}
	case ends("fill_never"):
		return Test{Stays: true}
	}
	return Test{After: later}
}

// OfConfirmation says the same of a konbini confirmation number; ok is false for one that says nothing.
func OfConfirmation(number string) (t Test, ok bool) {
	switch number {
	case "11111111110":
		return Test{After: later}, true
	case "22222222220":
		return Test{After: rightAway}, true
	case "33333333330":
		return Test{After: rightAway, Expire: true}, true
	case "44444444440":
		return Test{After: later, Expire: true}, true
	case "55555555550":
		return Test{Stays: true}, true
	}
	return Test{}, false
}

// OfBlik says how a payment by BLIK goes, as the payer's e-mail address has it; Error without After is refused at once.
func OfBlik(email string) Test {
	local, _, _ := strings.Cut(email, "@")
	for _, r := range []struct {
		words string
		test  Test
	}{
		{"invalid_code expired_code", Test{Fail: "payment_method_invalid_parameter"}},
		{"limit_exceeded insufficient_funds customer_declined bank_declined blik_declined", Test{Fail: "payment_method_provider_decline", After: 8}},
		{"customer_timeout bank_timeout blik_timeout", Test{Fail: "payment_method_provider_timeout", After: 60}},
	} {
		for _, w := range strings.Fields(r.words) {
			if strings.HasSuffix(local, w) {
				return r.test
			}
		}
	}
	return Test{After: rightAway}
}

// OfMBWay says how a payment by MB WAY goes, as the telephone number has it.
func OfMBWay(phone string) Test {
	switch phone {
	case "+351911111112":
		return Test{After: 30}
	case "+351911111113":
		return Test{After: 1, Fail: "payment_method_not_available"}
	case "+351911111114":
		return Test{After: 1, Fail: "payment_method_provider_decline"}
	case "+351911111115":
		return Test{After: 1, Fail: "payment_intent_payment_attempt_expired"}
	case "+351911111116":
		return Test{After: 1, Fail: "payment_method_customer_decline"}
	}
	return Test{After: 1}
}

// Explain is what is said to the merchant of a failure. Known from: docs of bank debits, from memory. unverified: the words.
func Explain(code string) string {
	if s, ok := explanations[code]; ok {
		return s
	}
	return "The payment failed."
}

var explanations = map[string]string{
	"account_closed":                         "The customer's bank account has been closed.",
	"no_account":                             "The customer's bank account could not be located.",
	"insufficient_funds":                     "The customer's account has insufficient funds to cover this payment.",
	"debit_not_authorized":                   "The customer has notified their bank that this payment was unauthorized.",
	"invalid_currency":                       "The bank was unable to process this payment because of its currency. This may be because the bank account cannot accept payments in that currency.",
	"invalid_account_number":                 "The routing number seems correct, but the account number is invalid.",
	"refer_to_customer":                      "The customer's bank has declined the payment. The customer needs to contact their bank.",
	"incorrect_account_holder_name":          "The payment could not be processed because the name of the account holder is incorrect.",
	"charge_exceeds_source_limit":            "This payment exceeds the limit of what may be debited from this account within a week.",
	"charge_exceeds_weekly_limit":            "This payment exceeds the limit of what you may debit within a week.",
	"charge_exceeds_transaction_limit":       "This payment exceeds the limit of what may be debited at once.",
	"tokenized_account_number_deactivated":   "The payment could not be completed because the account uses a tokenized account number that has been deactivated.",
	"payment_method_invalid_parameter":       "The BLIK code is invalid or has expired.",
	"payment_method_provider_decline":        "The payment was declined by the provider. Try again with another payment method.",
	"payment_method_provider_timeout":        "The provider did not answer in time. Try again.",
	"payment_method_customer_decline":        "The customer declined the payment.",
	"payment_method_not_available":           "The payment method is not available at the moment. Try again later or use another one.",
	"payment_intent_payment_attempt_expired": "The latest payment attempt of this PaymentIntent has failed or expired. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
	"payment_intent_payment_attempt_failed":  "The latest payment attempt of this PaymentIntent has failed. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
}
