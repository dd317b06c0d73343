package paymethod

import "strings"

// titles are how people call the types whose names do not say it.
var titles = map[string]string{
	"acss_debit": "Pre-authorized debit", "afterpay_clearpay": "Afterpay / Clearpay", "au_becs_debit": "BECS direct debit", "bacs_debit": "Bacs direct debit", "blik": "BLIK",
	"cashapp": "Cash App Pay", "customer_balance": "Bank transfer", "eps": "EPS", "fpx": "FPX", "grabpay": "GrabPay", "ideal": "iDEAL", "kr_card": "Korean card", "mb_way": "MB WAY",
	"mobilepay": "MobilePay", "nz_bank_account": "New Zealand bank account", "oxxo": "OXXO", "p24": "Przelewy24", "paynow": "PayNow", "paypal": "PayPal", "payto": "PayTo",
	"promptpay": "PromptPay", "sepa_debit": "SEPA direct debit", "twint": "TWINT", "upi": "UPI", "us_bank_account": "US bank account", "wechat_pay": "WeChat Pay", "pay_by_bank": "Pay by Bank",
}

// Title is how people call the type.
func (t *Type) Title() string {
	if s, ok := titles[t.Name]; ok {
		return s
	}
	words := strings.Split(t.Name, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}
