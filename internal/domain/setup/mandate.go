package setup

import (
	"encoding/json"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/jsontext"
)

// A Mandate is the customer's consent to be charged later, by a payment method that wants one: a bank account that is debited, or a card under
// the rules of India. It is good for any number of payments or for one; it ends when its one payment was made, or the bank says that it has.
//
// Shape recorded of sepa_debit, in 2026; multi_use and single_use stand there only where they are what it is.
type Mandate struct {
	api.Meta
	CustomerAcceptance   acceptance      `json:"customer_acceptance"`
	Livemode             bool            `json:"livemode"`
	MultiUse             *struct{}       `json:"multi_use,omitempty"`
	OnBehalfOf           string          `json:"on_behalf_of,omitempty"`
	PaymentMethod        string          `json:"payment_method"`
	PaymentMethodDetails json.RawMessage `json:"payment_method_details"`
	SingleUse            *SingleUse      `json:"single_use,omitempty"`
	Status               string          `json:"status"` // pending, then active, then inactive
	Type                 string          `json:"type"`   // multi_use or single_use
}

// SingleUse is the one payment that a mandate is for, in minor units.
type SingleUse struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// An acceptance is how the customer consented.
type acceptance struct {
	AcceptedAt *int64    `json:"accepted_at"` // Unix seconds
	Offline    *struct{} `json:"offline,omitempty"`
	Online     *online   `json:"online,omitempty"`
	Type       string    `json:"type"` // offline or online
}

type online struct {
	IPAddress *string `json:"ip_address"`
	UserAgent *string `json:"user_agent"`
}

// Mandates is the kind of mandates.
var Mandates = &api.Kind[Mandate]{Name: "mandate", Prefixes: []string{"mandate"}, Param: "mandate", Index: []string{"payment_method"}}

// acceptanceOf reads mandate_data; nil if there is none. unverified: that what does not say when was accepted now.
func acceptanceOf(c *api.Call, data *form.Value) *acceptance {
	given := data.Get("customer_acceptance")
	if given == nil {
		return nil
	}
	at := c.Now()
	if given.Given("accepted_at") {
		at = given.Num("accepted_at")
	}
	a := &acceptance{AcceptedAt: &at, Type: given.Str("type")}
	if a.Type != "online" {
		a.Offline = &struct{}{}
		return a
	}
	from := given.Get("online")
	a.Online = &online{IPAddress: opt(from.Str("ip_address")), UserAgent: opt(from.Str("user_agent"))}
	if from.True("infer_from_client") || a.Online.IPAddress == nil && c.Publishable() {
		a.Online.IPAddress = opt(c.ClientIP())
	}
	return a
}

// acceptanceIn reads the mandate_data that a confirmation token shows; nil if it has none.
func acceptanceIn(c *api.Call, shown []byte) *acceptance {
	typ := jsontext.Text(shown, "customer_acceptance.type")
	if typ == "" {
		return nil
	}
	at := c.Now()
	a := &acceptance{AcceptedAt: &at, Type: typ}
	if typ != "online" {
		a.Offline = &struct{}{}
		return a
	}
	a.Online = &online{
		IPAddress: opt(jsontext.Text(shown, "customer_acceptance.online.ip_address")),
		UserAgent: opt(jsontext.Text(shown, "customer_acceptance.online.user_agent")),
	}
	return a
}

// newMandate makes the mandate of an intent, and names it there.
func (d *Domain) newMandate(c *api.Call, si *Intent, pm *method, from acceptance, status string) error {
	m := Mandates.New(c, c.NewID("mandate"))
	m.CustomerAcceptance, m.Livemode, m.PaymentMethod, m.Status = from, c.Live(), pm.ID, status
	if once := si.Private.SingleUse; once != nil {
		m.SingleUse, m.Type, si.SingleUseMandate = once, "single_use", &m.ID
	} else {
		m.MultiUse, m.Type, si.Mandate = &struct{}{}, "multi_use", &m.ID
	}
	details := map[string]json.RawMessage{"type": json.RawMessage(`"` + pm.Type + `"`)}
	url := ""
	if HasPage(pm.Type) {
		mode := "mandate_test_"
		if c.Live() {
			mode = "mandate_live_"
		}
		token, err := GiveToken(c, mode, m.ID)
		if err != nil {
			return err
		}
		url = c.Base() + "/" + pm.Type + "/mandate/" + token
	}
	details[pm.Type] = json.RawMessage(mandateDetails(si, pm, url))
	m.PaymentMethodDetails = jsontext.Append(nil, &details)
	return c.Save(m)
}

// HasPage says whether mandates of a type have a page that people can open: the spec's url. Known from: facts 14c (recorded of sepa_debit).
func HasPage(typ string) bool {
	return typ == "sepa_debit" || typ == "bacs_debit" || typ == "au_becs_debit"
}

// mandateDetails is what a mandate shows of its payment method. Recorded of sepa_debit. unverified: the others.
func mandateDetails(si *Intent, pm *method, page string) []byte {
	text := func(s string) string { return string(jsontext.AppendString(nil, s)) }
	url := text(page)
	switch pm.Type {
	case "sepa_debit":
		return []byte(`{"reference":` + text(strings.ToUpper(id.Secret(16))) + `,"url":` + url + `}`)
	case "bacs_debit":
		return []byte(`{"display_name":null,"network_status":"accepted","reference":` + text(strings.ToUpper(id.Secret(16))) +
			`,"revocation_reason":null,"service_user_number":null,"url":` + url + `}`)
	case "au_becs_debit":
		return []byte(`{"url":` + url + `}`)
	case "acss_debit":
		given := si.PaymentMethodOptions["acss_debit"]["mandate_options"]
		or := func(name, otherwise string) string {
			if s := jsontext.Text(given, name); s != "" {
				return s
			}
			return otherwise
		}
		return []byte(`{"payment_schedule":` + text(or("payment_schedule", "sporadic")) + `,"transaction_type":` + text(or("transaction_type", "personal")) + `}`)
	case "payto":
		return []byte(`{"amount":null,"amount_type":"maximum","end_date":null,"payment_schedule":"adhoc","payments_per_period":null,"purpose":null,"start_date":null}`)
	case "paypal":
		return []byte(`{"billing_agreement_id":null,"payer_id":null}`)
	}
	return []byte("{}")
}

// cardMandate says whether a card gets a mandate, under the rules of India. Recorded: a card of another country gets none, whatever
// mandate_options say.
func (si *Intent) cardMandate(pm *method) bool {
	return jsontext.Text(si.PaymentMethodOptions["card"]["mandate_options"], "reference") != "" && text(pm.Card.Country) == "IN"
}

// activate makes the mandate of an intent that succeeds good, or makes the one that a card gets. unverified: that a mandate that waited is told by mandate.updated.
func (d *Domain) activate(c *api.Call, si *Intent, pm *method) error {
	if pm.Type == "card" {
		if !si.cardMandate(pm) {
			return nil
		}
		now := c.Now()
		return d.newMandate(c, si, pm, acceptance{AcceptedAt: &now, Type: "online", Online: &online{IPAddress: opt(c.ClientIP())}}, "active")
	}
	for _, name := range []*string{si.Mandate, si.SingleUseMandate} {
		m, err := Mandates.Get(c, text(name))
		if err != nil {
			return err
		}
		if m != nil && m.Status == "pending" {
			m.Status = "active"
			if err := c.Save(m, "mandate.updated"); err != nil {
				return err
			}
		}
	}
	return nil
}

// UseMandate finds the mandate that a payment names, and refuses one that is not good for the payment method.
func UseMandate(c *api.Call, mandate, paymentMethod string) (*Mandate, error) {
	m, err := Mandates.Find(c, mandate, "mandate")
	switch {
	case err != nil:
		return nil, err
	case m.Status != "active":
		return nil, fault.MandateNotUsable(m.ID, "it is "+m.Status)
	case m.PaymentMethod != paymentMethod:
		return nil, fault.MandateNotUsable(m.ID, "it belongs to another payment method")
	}
	return m, nil
}

// Used ends a mandate that was for the one payment that has now been made. Recorded: it is inactive then.
func (m *Mandate) Used(c *api.Call) error {
	if m.Type != "single_use" || m.Status == "inactive" {
		return nil
	}
	return m.End(c)
}

// End ends a mandate: its payment was made, or the bank has revoked it.
func (m *Mandate) End(c *api.Call) error {
	m.Status = "inactive"
	return c.Save(m, "mandate.updated")
}
