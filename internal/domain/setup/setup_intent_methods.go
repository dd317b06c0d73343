package setup

import (
	"encoding/json"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/methodconfig"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/paymethod"
)

// The types of payment method that an intent takes: those that the request names, or those that the account's configuration chooses; and the options of
// each.

// chooseMethods sets which types of payment method the intent takes, and their options.
func (si *Intent) chooseMethods(c *api.Call) error {
	p := c.P
	automatic, config := p.Get("automatic_payment_methods"), p.Str("payment_method_configuration")
	switch {
	case p.Has("payment_method_types"):
		si.leaveOut()
	case automatic != nil && !automatic.True("enabled"):
		si.PaymentMethodTypes = []string{"card"}
	case automatic != nil || config != "" || c.AtLeast("2023-08-16"): // recorded: as payment intents (facts 08a)
		redirects := automatic.Str("allow_redirects")
		if redirects == "" {
			redirects = "always"
		}
		si.AutomaticPaymentMethods = &Automatic{AllowRedirects: redirects, Enabled: true}
		si.Private.Configuration = config
		if err := si.chooseAgain(c); err != nil {
			return err
		}
	default:
		si.PaymentMethodTypes = []string{"card"}
	}
	si.setOptions(p.Get("payment_method_options"))
	return si.checkTypes(c)
}

// use is what the intent wants of a type of payment method.
func (si *Intent) use(c *api.Call) paymethod.Use {
	automatic := si.AutomaticPaymentMethods
	return paymethod.Use{
		Setup: true, SetUp: si.Usage, Country: account.Of(c).Country, Customer: si.Customer != nil,
		NoRedirects: automatic != nil && automatic.AllowRedirects == "never",
	}
}

// chooseAgain chooses the types of an intent that has left that to its configuration.
func (si *Intent) chooseAgain(c *api.Call) error {
	choice, err := methodconfig.Choose(c, si.Private.Configuration, si.use(c))
	if err != nil {
		return err
	}
	si.PaymentMethodConfigurationDetails = &Configuration{ID: choice.ID, Parent: choice.Parent}
	si.PaymentMethodTypes = choice.Types
	si.leaveOut()
	if len(si.PaymentMethodTypes) == 0 {
		return fault.NoTypeLeft()
	}
	return nil
}

// leaveOut takes from the types those that the intent excludes, or does not allow.
func (si *Intent) leaveOut() {
	si.PaymentMethodTypes = slices.DeleteFunc(si.PaymentMethodTypes, func(t string) bool {
		return slices.Contains(si.ExcludedPaymentMethodTypes, t) ||
			len(si.AllowedPaymentMethodTypes) > 0 && !slices.Contains(si.AllowedPaymentMethodTypes, t)
	})
}

// checkTypes refuses an intent whose types of payment method, which the request has named, cannot be set up.
func (si *Intent) checkTypes(c *api.Call) error {
	if si.AutomaticPaymentMethods != nil {
		return nil
	}
	for _, name := range si.PaymentMethodTypes {
		t := paymethod.Types[name]
		if t == nil || t.Flow == paymethod.Terminal {
			continue
		}
		switch t.Refuses(si.use(c)) {
		case paymethod.NotHere:
			return fault.UnknownSetupType(name)
		case paymethod.NotKept:
			return fault.TypeNotSetUp(name)
		}
	}
	return nil
}

// reconsiderMethods chooses or checks the types of an intent again, if the request changes what they depend on, and takes their options.
func (si *Intent) reconsiderMethods(c *api.Call) error {
	p := c.P
	if p.Has("payment_method_types") {
		si.AutomaticPaymentMethods, si.PaymentMethodConfigurationDetails = nil, nil
		si.leaveOut()
	}
	changed := slices.ContainsFunc([]string{
		"customer", "payment_method_types", "payment_method_configuration", "excluded_payment_method_types", "allowed_payment_method_types",
	}, p.Has)
	if config := p.Str("payment_method_configuration"); config != "" {
		si.Private.Configuration = config
	}
	if changed && si.AutomaticPaymentMethods != nil {
		if err := si.chooseAgain(c); err != nil {
			return err
		}
	}
	si.setOptions(p.Get("payment_method_options"))
	if changed {
		return si.checkTypes(c)
	}
	return nil
}

// Options are what an intent says of each type of payment method.
type Options map[string]map[string]json.RawMessage

// defaultOptions are what an intent shows of a type that the request says nothing of; a type that is not here is not shown. Known from:
// recordings (card; us_bank_account; that sepa_debit, klarna, link, acss_debit are not shown).
var defaultOptions = map[string]map[string]string{
	"card":            {"mandate_options": "null", "network": "null", "request_three_d_secure": `"automatic"`},
	"us_bank_account": {"mandate_options": "{}", "verification_method": `"automatic"`},
}

// transient options belong to one confirmation, and are not shown.
var transient = map[string]bool{"moto": true, "three_d_secure": true}

// setOptions gives each type of payment method its options, and changes those that the request names.
func (si *Intent) setOptions(given *form.Value) {
	opts := Options{}
	for _, typ := range si.PaymentMethodTypes {
		of := map[string]json.RawMessage{}
		for name, v := range defaultOptions[typ] {
			of[name] = json.RawMessage(v)
		}
		for name, v := range si.PaymentMethodOptions[typ] {
			of[name] = v
		}
		sent := given.Get(typ)
		if sent != nil {
			for _, f := range sent.Fields {
				if !transient[f.Name] {
					of[f.Name] = paymentmethod.Option(typ, f)
				}
			}
		}
		if len(of) > 0 || sent != nil {
			opts[typ] = of
		}
	}
	si.PaymentMethodOptions = opts
}
