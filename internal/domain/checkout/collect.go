package checkout

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
)

// What a session collects besides who pays: the merchant's own fields, and where the goods go.

// A CustomField is a question of the merchant's own. Exactly one of its hashes is set.
type CustomField struct {
	Dropdown *Dropdown   `json:"dropdown,omitempty"`
	Key      string      `json:"key"`
	Label    FieldLabel  `json:"label"`
	Numeric  *FieldInput `json:"numeric,omitempty"`
	Optional bool        `json:"optional"`
	Text     *FieldInput `json:"text,omitempty"`
	Type     string      `json:"type"` // dropdown, numeric or text
}

// A FieldLabel is what the question is called.
type FieldLabel struct {
	Custom *string `json:"custom"`
	Type   string  `json:"type"` // custom
}

// A Dropdown is a question with answers to choose from.
type Dropdown struct {
	DefaultValue *string  `json:"default_value"`
	Options      []Choice `json:"options"`
	Value        *string  `json:"value"` // the answer
}

// A Choice is one of them.
type Choice struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// A FieldInput is a question that is answered in words, or with digits.
type FieldInput struct {
	DefaultValue  *string `json:"default_value"`
	MaximumLength *int64  `json:"maximum_length"`
	MinimumLength *int64  `json:"minimum_length"`
	Value         *string `json:"value"` // the answer
}

// mostFields is how many custom fields a session has (docs.stripe.com).
const mostFields = 3

// takeFields reads the merchant's questions.
func (s *Session) takeFields(c *api.Call) error {
	list := c.P.Get("custom_fields")
	if list == nil {
		return nil
	}
	if len(list.Items) > mostFields {
		return fault.TooManyItems("custom_fields", mostFields)
	}
	seen := map[string]bool{}
	for i, p := range list.Items {
		at := "custom_fields[" + strconv.Itoa(i) + "]"
		f := CustomField{}
		if err := api.Bind(&f, p); err != nil {
			return err
		}
		if seen[f.Key] {
			return fault.FieldTwice(at+"[key]", f.Key)
		}
		seen[f.Key] = true
		switch {
		case f.Type == "dropdown" && (f.Dropdown == nil || len(f.Dropdown.Options) == 0):
			return fault.Missing(at + "[dropdown][options]")
		case f.Type == "text" && f.Text == nil:
			f.Text = &FieldInput{}
		case f.Type == "numeric" && f.Numeric == nil:
			f.Numeric = &FieldInput{}
		}
		s.CustomFields = append(s.CustomFields, f)
	}
	return nil
}

// Param is what an answer is called in refusals.
func (f *CustomField) Param() string { return "custom_fields[" + f.Key + "]" }

// Default is the answer that stands there before there is one.
func (f *CustomField) Default() *string {
	switch {
	case f.Dropdown != nil:
		return f.Dropdown.DefaultValue
	case f.Numeric != nil:
		return f.Numeric.DefaultValue
	case f.Text != nil:
		return f.Text.DefaultValue
	}
	return nil
}

// forget drops the answer of the last try.
func (f *CustomField) forget() {
	if f.Dropdown != nil {
		f.Dropdown.Value = nil
	}
	for _, in := range []*FieldInput{f.Text, f.Numeric} {
		if in != nil {
			in.Value = nil
		}
	}
}

// answer takes an answer, or refuses it.
func (f *CustomField) answer(said string) error {
	said = strings.TrimSpace(said)
	f.forget()
	if said == "" {
		if !f.Optional {
			return fault.Missing(f.Param())
		}
		return nil
	}
	if f.Dropdown != nil {
		if !slices.ContainsFunc(f.Dropdown.Options, func(o Choice) bool { return o.Value == said }) {
			return fault.FieldAnswer(f.Param(), "Choose one of the options.")
		}
		f.Dropdown.Value = &said
		return nil
	}
	in := f.Text
	if f.Numeric != nil {
		if in = f.Numeric; strings.Trim(said, "0123456789") != "" {
			return fault.FieldAnswer(f.Param(), "Enter digits only.")
		}
	}
	switch n := int64(len([]rune(said))); {
	case in.MinimumLength != nil && n < *in.MinimumLength:
		return fault.FieldAnswer(f.Param(), "Enter at least "+strconv.FormatInt(*in.MinimumLength, 10)+" characters.")
	case in.MaximumLength != nil && n > *in.MaximumLength || n > 255:
		return fault.FieldAnswer(f.Param(), "This is too long.")
	}
	in.Value = &said
	return nil
}

// Countries are those that the session ships to; nil if it does not ask.
func (s *Session) Countries() []string {
	if len(s.ShippingAddressCollection) == 0 || string(s.ShippingAddressCollection) == "null" {
		return nil
	}
	var to struct {
		AllowedCountries []string `json:"allowed_countries"`
	}
	if err := json.Unmarshal(s.ShippingAddressCollection, &to); err != nil {
		return nil
	}
	return to.AllowedCountries
}

// ShippingDetails are where the goods go.
type ShippingDetails struct {
	Address *customer.Address `json:"address"`
	Name    string            `json:"name"`
}

// collect takes what the page has asked for besides who pays.
func (s *Session) collect(pay *Payment) error {
	for i := range s.CustomFields {
		if err := s.CustomFields[i].answer(pay.Fields[s.CustomFields[i].Key]); err != nil {
			return err
		}
	}
	countries := s.Countries()
	if countries == nil {
		return nil
	}
	to := pay.Shipping
	if to == nil || to.Address == nil || text(to.Address.Line1) == "" || to.Name == "" {
		return fault.Missing("shipping")
	}
	if !slices.Contains(countries, text(to.Address.Country)) {
		return fault.FieldAnswer("shipping[address][country]", "We cannot ship to this country.")
	}
	if s.CollectedInformation == nil {
		s.CollectedInformation = &Collected{}
	}
	s.CollectedInformation.ShippingDetails = to
	return nil
}

// shipping is where the goods go, as a parameter of an intent; nil if nobody has said.
func (s *Session) shipping() *form.Value {
	if s.CollectedInformation == nil || s.CollectedInformation.ShippingDetails == nil {
		return nil
	}
	to := s.CollectedInformation.ShippingDetails
	p := object()
	put(p, "name", to.Name)
	p.Set("address", addressOf(to.Address))
	return p
}

// addressOf is an address as a parameter.
func addressOf(a *customer.Address) *form.Value {
	p := object()
	for _, m := range []struct {
		name  string
		value *string
	}{{"city", a.City}, {"country", a.Country}, {"line1", a.Line1}, {"line2", a.Line2}, {"postal_code", a.PostalCode}, {"state", a.State}} {
		put(p, m.name, text(m.value))
	}
	return p
}
