package form

import (
	"strings"

	"florin/internal/fault"
	"florin/internal/spec"
)

// What the names of parameters say about their values, where the spec says nothing.

// isCurrency says whether a text is the code of a currency.
func isCurrency(t *spec.Type, name string) bool {
	return t.Format == "currency" || name == "currency" || strings.HasSuffix(name, "_currency")
}

var currencies = func() map[string]bool {
	known := make(map[string]bool, len(fault.Currencies))
	for _, code := range fault.Currencies {
		known[code] = true
	}
	return known
}()

// keyCurrencies are codes that are known only as keys of a hash by currency (see fault.NotCurrencyKey).
var keyCurrencies = map[string]bool{"eurc": true, "usdt": true, "open_usd": true}

// currency lowers a code, which may be sent in capitals.
func (c *checker) currency(v *Value) *fault.Error {
	code := strings.ToLower(v.Text)
	if !currencies[code] {
		return fault.NotCurrency(c.param(), v.Text)
	}
	v.Text = code
	return nil
}

// currencyKey checks the key of a hash by currency, which may not be sent in capitals.
func currencyKey(param, key string) *fault.Error {
	code := strings.ToLower(key)
	switch known := currencies[code] || keyCurrencies[code]; {
	case !known:
		return fault.NotCurrencyKey(param, key)
	case code != key:
		return fault.UpperCurrencyKey(param, key)
	}
	return nil
}

// isEmail says whether a text looks like local@domain.tld.
// unverified: Stripe's own rule.
func isEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	dot := strings.LastIndexByte(domain, '.')
	return ok && local != "" && dot > 0 && dot < len(domain)-1 && !strings.Contains(domain, "@") && !strings.ContainsAny(s, " \t\r\n")
}

// isLanguage says whether a text looks like an IETF language tag: en, en-US, zh-Hant-TW.
// unverified: Stripe's own rule.
func isLanguage(s string) bool {
	language, rest, more := strings.Cut(s, "-")
	if len(language) < 2 || len(language) > 3 || !letters(language) {
		return false
	}
	for more {
		var part string
		part, rest, more = strings.Cut(rest, "-")
		if part == "" || len(part) > 8 || !letters(strings.Trim(part, "0123456789")) {
			return false
		}
	}
	return true
}

func letters(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// telltale are the parameters by which Stripe.js and the mobile SDKs tell about themselves and their page. They come with a publishable
// key, at any depth, and mean nothing to an operation that does not declare them (facts 11a).
var telltale = map[string]bool{
	"key": true, "_stripe_account": true, "_stripe_version": true,
	"payment_user_agent": true, "guid": true, "muid": true, "sid": true, "time_on_page": true, "referrer": true, "pasted_fields": true,
	"client_attribution_metadata": true, "expected_payment_method_type": true, "use_stripe_sdk": true, "is_stripe_sdk": true,
	"webauthn_uvpa_available": true, "spc_eligible": true, "radar_options": true, "hcaptcha_token": true,
}

// KeyParams are the parameters by which a browser tells who it is, since headers of our own would cost it another request.
type KeyParams struct {
	Key     string // in place of Authorization
	Account string // in place of Stripe-Account
	Version string // in place of Stripe-Version
}

// StripKeyParams takes the parameters that authenticate out of a tree that came from Parse.
func StripKeyParams(raw *Value) KeyParams {
	return KeyParams{
		Key:     raw.Take("key"),
		Account: raw.Take("_stripe_account"),
		Version: raw.Take("_stripe_version"),
	}
}

// Take removes a member and returns its text.
func (v *Value) Take(name string) string {
	for i, f := range v.Fields {
		if f.Name == name {
			v.Fields = append(v.Fields[:i], v.Fields[i+1:]...)
			return f.Value.Text
		}
	}
	return ""
}

// Set gives an object's member a value, in place of one that it may have.
func (v *Value) Set(name string, member *Value) { v.set(name, member) }
