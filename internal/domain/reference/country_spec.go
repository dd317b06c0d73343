// Package reference tells what does not change by use: what accounts of a country need and may do, and what currencies are worth.
package reference

import (
	"maps"
	"slices"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/money"
)

// A Domain tells.
type Domain struct{}

// New makes the domain.
func New() *Domain { return &Domain{} }

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Handle("GET /v1/country_specs", d.listCountries)
	r.Handle("GET /v1/country_specs/{country}", d.country)
	r.Handle("GET /v1/exchange_rates", d.listRates)
	r.Handle("GET /v1/exchange_rates/{rate_id}", d.rate)
}

// A CountrySpec is what an account in a country needs, and what it can be paid in.
//
// Known from: the spec and its documented example; facts 16b (what is wanted of accounts, recorded).
// unverified: the currencies of bank accounts beyond the country's own, and the fields of countries that facts 16b does not have.
type CountrySpec struct {
	ID                             string              `json:"id"`
	Object                         string              `json:"object"`
	DefaultCurrency                string              `json:"default_currency"`
	SupportedBankAccountCurrencies map[string][]string `json:"supported_bank_account_currencies"` // currency → countries of the banks
	SupportedPaymentCurrencies     []string            `json:"supported_payment_currencies"`
	SupportedPaymentMethods        []string            `json:"supported_payment_methods"`
	SupportedTransferCountries     []string            `json:"supported_transfer_countries"`
	VerificationFields             struct {
		Company    fields `json:"company"`
		Individual fields `json:"individual"`
	} `json:"verification_fields"`
}

type fields struct {
	Additional []string `json:"additional"`
	Minimum    []string `json:"minimum"`
}

// countries are those in which accounts stand that take payments themselves, in the order of their codes.
var countries = []string{
	"AE", "AT", "AU", "BE", "BG", "BR", "CA", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR", "HK", "HR", "HU", "IE", "IN", "IT",
	"JP", "LI", "LT", "LU", "LV", "MT", "MX", "MY", "NL", "NO", "NZ", "PL", "PT", "RO", "SE", "SG", "SI", "SK", "TH", "US",
}

func countrySpec(country string) *CountrySpec {
	s := &CountrySpec{ID: country, Object: "country_spec", DefaultCurrency: money.DefaultCurrency(country)}
	s.SupportedBankAccountCurrencies = map[string][]string{s.DefaultCurrency: sharing(country, s.DefaultCurrency)}
	if s.DefaultCurrency != "usd" {
		s.SupportedBankAccountCurrencies["usd"] = []string{"US"}
	}
	s.SupportedPaymentCurrencies = money.Codes()
	s.SupportedPaymentMethods = []string{"card", "stripe"}
	if country == "US" {
		s.SupportedPaymentMethods = []string{"ach", "card", "stripe"}
	}
	s.SupportedTransferCountries = countries
	individual := []string{
		"external_account", "individual.address.city", "individual.address.line1", "individual.address.postal_code", "individual.dob.day", "individual.dob.month",
		"individual.dob.year", "individual.first_name", "individual.last_name",
	}
	company := []string{"business_profile.mcc", "business_profile.url", "company.name", "external_account", "owners", "representative"}
	switch country {
	case "US":
		individual = append(individual, "individual.address.state", "individual.phone", "individual.ssn_last_4")
		company = append(company, "company.tax_id", "company.phone")
	case "CA", "AU":
		individual = append(individual, "individual.address.state")
	}
	both := []string{"tos_acceptance.date", "tos_acceptance.ip"}
	individual, company = append(individual, both...), append(company, both...)
	slices.Sort(individual)
	slices.Sort(company)
	s.VerificationFields.Individual = fields{Additional: []string{"individual.id_number", "individual.verification.document"}, Minimum: individual}
	s.VerificationFields.Company = fields{Additional: []string{"company.verification.document"}, Minimum: company}
	return s
}

// sharing are the countries whose banks take a currency: the country itself, or all that have the same one.
func sharing(country, currency string) []string {
	out := []string{}
	for _, c := range countries {
		if c == country || currency == "eur" && money.DefaultCurrency(c) == currency {
			out = append(out, c)
		}
	}
	return out
}

func (d *Domain) country(c *api.Call) (any, error) {
	country := c.Path("country")
	if !slices.Contains(countries, country) {
		return nil, fault.UnknownCountry(country)
	}
	return api.JSON(jsontext.Append(nil, countrySpec(country))), nil
}

func (d *Domain) listCountries(c *api.Call) (any, error) {
	return page(c, "/v1/country_specs", "country_spec", countries, func(id string) []byte { return jsontext.Append(nil, countrySpec(id)) })
}

// An ExchangeRate is what one unit of a currency is worth in others. It is deprecated, and still answered.
type ExchangeRate struct {
	ID     string             `json:"id"` // the currency
	Object string             `json:"object"`
	Rates  map[string]float64 `json:"rates"`
}

// exchangeRate tells the rates at which refunds are converted, which are those of the middle of the market, in whole units of both currencies.
func exchangeRate(from string) *ExchangeRate {
	r := &ExchangeRate{ID: from, Object: "exchange_rate", Rates: map[string]float64{}}
	for _, to := range money.Codes() {
		if to == from {
			continue
		}
		_, rate := money.ConvertBack(1, from, to)
		for n := money.Digits(to) - money.Digits(from); n != 0; {
			if n > 0 {
				rate, n = rate/10, n-1
			} else {
				rate, n = rate*10, n+1
			}
		}
		r.Rates[to] = rate
	}
	return r
}

func (d *Domain) rate(c *api.Call) (any, error) {
	id := c.Path("rate_id")
	if !money.Known(id) {
		return nil, fault.NoSuch("exchange rate", id, "rate_id", 404)
	}
	return api.JSON(jsontext.Append(nil, exchangeRate(id))), nil
}

func (d *Domain) listRates(c *api.Call) (any, error) {
	all := slices.Sorted(maps.Keys(exchangeRate("").Rates))
	return page(c, "/v1/exchange_rates", "exchange rate", all, func(id string) []byte { return jsontext.Append(nil, exchangeRate(id)) })
}

// page is a page of a list that no store keeps.
func page(c *api.Call, url, word string, ids []string, show func(id string) []byte) (any, error) {
	after, before := c.P.Str("starting_after"), c.P.Str("ending_before")
	limit := int(c.P.Num("limit"))
	if limit == 0 {
		limit = 10
	}
	l := &api.List{Object: "list", URL: url}
	for _, cursor := range []struct{ id, param string }{{after, "starting_after"}, {before, "ending_before"}} {
		if cursor.id != "" && !slices.Contains(ids, cursor.id) {
			return nil, fault.NoSuch(word, cursor.id, cursor.param, 400)
		}
	}
	switch {
	case after != "" && before != "":
		return nil, fault.BothCursors()
	case after != "":
		ids = ids[slices.Index(ids, after)+1:]
	case before != "":
		ids = ids[:slices.Index(ids, before)]
		l.HasMore = len(ids) > limit
		ids = ids[max(len(ids)-limit, 0):]
	}
	if len(ids) > limit {
		l.HasMore, ids = true, ids[:limit]
	}
	for _, id := range ids {
		l.Data = append(l.Data, show(id))
	}
	return l, nil
}
