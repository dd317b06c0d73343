package browser

import (
	"encoding/json"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/payment"
	"florin/internal/domain/setup"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
)

// An elementsSession is what a payment form is drawn by: whose it is, and which ways to pay it shows. What Florin does not have (Link, wallets, order
// of types by what sells) is there as absent, and what a form can do without (flags, experiments, pictures) is empty. Known from: facts 11e.
type elementsSession struct {
	AccountID          string          `json:"account_id"`
	ApplePay           string          `json:"apple_pay_preference"` // enabled or disabled
	BusinessName       *string         `json:"business_name"`
	CardBrandChoice    json.RawMessage `json:"card_brand_choice"`
	Customer           *string         `json:"customer"`
	CustomerError      *string         `json:"customer_error"`
	Experiments        json.RawMessage `json:"experiments_data"`
	ExternalMethods    *string         `json:"external_payment_method_data"`
	Flags              json.RawMessage `json:"flags"`
	GooglePay          string          `json:"google_pay_preference"`
	LegacyCustomer     *string         `json:"legacy_customer"`
	LinkSettings       json.RawMessage `json:"link_settings"`
	MerchantCountry    string          `json:"merchant_country"`
	MerchantCurrency   string          `json:"merchant_currency"`
	MerchantID         string          `json:"merchant_id"`
	MerchantLogo       *string         `json:"merchant_logo_url"`
	Order              *string         `json:"order"`
	Ordered            []string        `json:"ordered_payment_method_types_and_wallets"`
	Preference         json.RawMessage `json:"payment_method_preference"`
	Specs              []methodSpec    `json:"payment_method_specs"`
	SessionID          string          `json:"session_id"`
	ShippingAddress    json.RawMessage `json:"shipping_address_settings"`
	Unactivated        []string        `json:"unactivated_payment_method_types"`
	UnverifiedOnDomain []string        `json:"unverified_payment_methods_on_domain"`
}

// A methodSpec says what a form asks for. unverified: fields of other types than cards, which a form of ours knows by itself.
type methodSpec struct {
	Async  bool     `json:"async"`
	Fields []string `json:"fields"`
	Type   string   `json:"type"`
}

func (d *Domain) elements(c *api.Call) (any, error) {
	typ := c.P.Str("type")
	types, intent, err := elementsOf(c, typ)
	if err != nil {
		return nil, err
	}
	acct := account.Of(c)
	s := elementsSession{
		AccountID: acct.ID, ApplePay: "disabled", GooglePay: "disabled", MerchantCountry: acct.Country, MerchantCurrency: acct.DefaultCurrency,
		MerchantID: acct.ID, Ordered: types, Unactivated: []string{}, UnverifiedOnDomain: []string{},
		CardBrandChoice: json.RawMessage(`{"eligible":false,"preferred_networks":[],"supported_cobranded_networks":{}}`),
		Experiments:     json.RawMessage(`{"arb_id":"` + id.UUID() + `","experiment_assignments":{}}`),
		Flags:           json.RawMessage(`{}`), ShippingAddress: json.RawMessage(`{"autocomplete_allowed":false}`),
		LinkSettings: json.RawMessage(`{"link_bank_enabled":false,"link_funding_sources":[],"link_mode":null}`),
		SessionID:    "elements_session_" + id.Secret(11),
	}
	if name := acct.Name(); name != "" {
		s.BusinessName = &name
	}
	for _, t := range types {
		s.Specs = append(s.Specs, methodSpec{Type: t, Fields: []string{}})
	}
	list, err := json.Marshal(types)
	if err != nil {
		return nil, err
	}
	p := jsontext.AppendString([]byte(`{"object":"payment_method_preference","country_code":`), acct.Country)
	p = append(append(p, `,"ordered_payment_method_types":`...), list...)
	if intent != nil {
		p = append(append(jsontext.AppendString(append(p, ','), typ), ':'), intent...)
	}
	s.Preference = append(jsontext.AppendString(append(p, `,"type":`...), typ), '}')
	return api.JSON(jsontext.Append(nil, &s)), nil
}

// elementsOf are the ways to pay of what a form is for, and that intent's JSON; nil if there is none yet.
func elementsOf(c *api.Call, typ string) (types []string, intent []byte, err error) {
	name, _, _ := strings.Cut(c.P.Str("client_secret"), "_secret_")
	switch typ {
	case "payment_intent":
		pi, err := payment.Intents.Get(c, name)
		if err == nil && (pi == nil || pi.ClientSecret != c.P.Str("client_secret")) {
			err = fault.WrongClientSecret("PaymentIntent")
		}
		if err != nil {
			return nil, nil, err
		}
		intent, err = c.Show(pi)
		return pi.PaymentMethodTypes, intent, err
	case "setup_intent":
		si, err := setup.Intents.Get(c, name)
		if err == nil && (si == nil || si.ClientSecret != c.P.Str("client_secret")) {
			err = fault.WrongClientSecret("SetupIntent")
		}
		if err != nil {
			return nil, nil, err
		}
		intent, err = c.Show(si)
		return si.PaymentMethodTypes, intent, err
	case "deferred_intent":
		asked := c.P.At("deferred_intent", "payment_method_types")
		if asked != nil {
			for _, f := range asked.Fields {
				types = append(types, f.Value.Text)
			}
			for _, it := range asked.Items {
				types = append(types, it.Text)
			}
		}
		if len(types) == 0 {
			types = []string{"card"} // unverified: Stripe takes what the account has switched on
		}
		return types, nil, nil
	case "":
		return nil, nil, fault.Missing("type")
	}
	return nil, nil, fault.Invalid("type", "Invalid type: must be one of payment_intent, setup_intent, or deferred_intent")
}
