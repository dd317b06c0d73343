package checkout

import (
	"encoding/json"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/methodconfig"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/paymethod"
)

// By what a session can be paid.

// Options are what a session says of each type of payment method.
type Options map[string]map[string]json.RawMessage

// shownOptions are what sessions show of a type of which nothing was said. Known from: recordings; those of bank accounts stand in no subscription.
var shownOptions = map[string]map[string]string{
	"card":            {"request_three_d_secure": `"automatic"`},
	"us_bank_account": {"financial_connections": `{"permissions":["payment_method"],"prefetch":[]}`, "verification_method": `"automatic"`},
	"wechat_pay":      {"app_id": "null", "client": `"web"`},
}

// chooseMethods sets by what can be paid: what the request names, or what the account's configuration chooses.
func (s *Session) chooseMethods(c *api.Call) error {
	p, use := c.P, s.use(c)
	if p.Has("payment_method_types") {
		s.PaymentMethodTypes = p.Strings("payment_method_types")
		if err := checkTypes(s.PaymentMethodTypes, use); err != nil {
			return err
		}
	} else {
		if s.Mode == modeSetup && s.Currency == nil {
			return fault.Missing("currency")
		}
		choice, err := methodconfig.Choose(c, p.Str("payment_method_configuration"), use)
		if err != nil {
			return err
		}
		s.MethodConfiguration = &Configuration{ID: choice.ID, Parent: choice.Parent}
		s.PaymentMethodTypes = choice.Types
	}
	s.PaymentMethodTypes = slices.DeleteFunc(s.PaymentMethodTypes, func(t string) bool { return slices.Contains(s.ExcludedPaymentMethodTypes, t) })
	if len(s.PaymentMethodTypes) == 0 {
		return fault.NoTypeLeft()
	}
	s.PaymentMethodOptions = Options{}
	for _, typ := range s.PaymentMethodTypes {
		s.setOptions(typ, p.At("payment_method_options", typ))
	}
	return nil
}

func (s *Session) setOptions(typ string, given *form.Value) {
	of := map[string]json.RawMessage{}
	for name, v := range shownOptions[typ] {
		if s.Mode != modeSubscription || typ != "us_bank_account" {
			of[name] = json.RawMessage(v)
		}
	}
	if given != nil {
		for _, f := range given.Fields {
			of[f.Name] = paymentmethod.Option(typ, f)
		}
	}
	if len(of) > 0 {
		s.PaymentMethodOptions[typ] = of
	}
}

// use is what the session wants of a type of payment method.
func (s *Session) use(c *api.Call) paymethod.Use {
	data := stored(s.Private.PaymentData)
	use := paymethod.Use{
		Country: account.Of(c).Country, Customer: s.Customer != nil || text(s.CustomerCreation) == "always",
		Manual: data.Str("capture_method") == "manual", SetUp: data.Str("setup_future_usage"),
	}
	if s.Currency != nil {
		use.Currency = *s.Currency
	}
	if s.Mode != modePayment {
		use.SetUp, use.Setup = "off_session", s.Mode == modeSetup
	}
	if s.AmountTotal != nil {
		use.Amount = *s.AmountTotal
	}
	return use
}

// checkTypes refuses types, which the request has named, that cannot do what the session wants.
func checkTypes(types []string, use paymethod.Use) error {
	for i, name := range types {
		t := paymethod.Types[name]
		if t == nil {
			return fault.UnknownMethodType(i, name)
		}
		if f := payment.RefuseType(i, t, use); f != nil {
			return f
		}
	}
	return nil
}
