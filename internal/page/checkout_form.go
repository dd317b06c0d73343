package page

import (
	"net"
	"net/http"
	"strings"

	"florin/internal/domain/checkout"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
)

// What a customer has entered on the page of a session.

// fields are what is shown again when something was wrong. Nothing of a card is among them.
var fields = []string{
	"email", "name", "country", "postal_code", "line1", "line2", "city", "state", "phone", "code",
	"ship_name", "ship_line1", "ship_line2", "ship_city", "ship_state", "ship_postal_code", "ship_country",
}

func (v *sale) entered(r *http.Request) {
	for _, name := range fields {
		v.Entered[name] = strings.TrimSpace(r.PostFormValue(name))
	}
	for _, q := range v.Custom {
		v.Entered[q.Name] = strings.TrimSpace(r.PostFormValue(q.Name))
	}
}

// incomplete says what is missing of what was entered, by field.
func (v *sale) incomplete(r *http.Request) map[string]string {
	wrong := map[string]string{}
	want := func(name, complaint string) {
		if strings.TrimSpace(r.PostFormValue(name)) == "" {
			wrong[name] = complaint
		}
	}
	if v.Email == "" {
		want("email", "Enter your e-mail address.")
		if s := r.PostFormValue("email"); wrong["email"] == "" && !strings.Contains(s, "@") {
			wrong["email"] = "This e-mail address is incomplete."
		}
	}
	if v.Phone {
		want("phone", "Enter your phone number.")
	}
	for _, q := range v.Custom {
		if !q.Optional {
			want(q.Name, "Answer this, please.")
		}
	}
	if len(v.ShipTo) > 0 {
		want("ship_name", "Enter the name of who receives the goods.")
		want("ship_line1", "Enter the address that they go to.")
		want("ship_city", "Enter the city.")
		want("ship_country", "Choose the country.")
	}
	if v.Free {
		return wrong
	}
	want("name", "Enter your name.")
	if v.Address {
		want("line1", "Enter your address.")
		want("city", "Enter your city.")
		want("country", "Choose your country.")
	}
	if way := r.PostFormValue("method"); way != "" && way != "card" {
		return wrong
	}
	want("number", "Enter the number of your card.")
	want("expiry", "Enter when your card expires.")
	want("cvc", "Enter the security code of your card.")
	return wrong
}

// payment is what the customer does, by what he has entered.
func (v *sale) payment(r *http.Request) *checkout.Payment {
	get := func(name string) *string {
		if s := strings.TrimSpace(r.PostFormValue(name)); s != "" {
			return &s
		}
		return nil
	}
	pay := &checkout.Payment{IP: r.RemoteAddr, Agent: r.UserAgent()}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		pay.IP = host
	}
	if pay.Agent == "" {
		pay.Agent = "unknown"
	}
	who := &pay.Details
	who.Email, who.Name, who.Phone = get("email"), get("name"), get("phone")
	if v.Email != "" {
		who.Email = &v.Email
	}
	a := customer.Address{City: get("city"), Country: get("country"), Line1: get("line1"), Line2: get("line2"), PostalCode: get("postal_code"), State: get("state")}
	if a != (customer.Address{}) {
		who.Address = &a
	}
	if len(v.ShipTo) > 0 {
		pay.Shipping = &checkout.ShippingDetails{Name: strings.TrimSpace(r.PostFormValue("ship_name")), Address: &customer.Address{
			City: get("ship_city"), Country: get("ship_country"), Line1: get("ship_line1"), Line2: get("ship_line2"), PostalCode: get("ship_postal_code"),
			State: get("ship_state"),
		}}
	}
	pay.Fields = map[string]string{}
	for _, q := range v.Custom {
		pay.Fields[q.Key] = r.PostFormValue(q.Name)
	}
	if !v.Free {
		pay.Data = methodOf(r, who)
	}
	return pay
}

// methodOf is the payment method that was entered, as POST /v1/payment_methods takes it.
func methodOf(r *http.Request, who *checkout.CustomerDetails) *form.Value {
	word := func(s string) *form.Value { return &form.Value{Kind: form.String, Text: s} }
	group := func() *form.Value { return &form.Value{Kind: form.Object} }
	data, details := group(), group()
	put := func(to *form.Value, name string, s *string) {
		if s != nil {
			to.Set(name, word(*s))
		}
	}
	put(details, "email", who.Email)
	put(details, "name", who.Name)
	put(details, "phone", who.Phone)
	if a := who.Address; a != nil {
		address := group()
		put(address, "city", a.City)
		put(address, "country", a.Country)
		put(address, "line1", a.Line1)
		put(address, "line2", a.Line2)
		put(address, "postal_code", a.PostalCode)
		put(address, "state", a.State)
		details.Set("address", address)
	}
	data.Set("billing_details", details)
	if way := r.PostFormValue("method"); way != "" && way != "card" {
		data.Set("type", word(way))
		return data
	}
	card := group()
	month, year := expiry(r.PostFormValue("expiry"))
	card.Set("number", word(strings.TrimSpace(r.PostFormValue("number"))))
	card.Set("exp_month", word(month))
	card.Set("exp_year", word(year))
	card.Set("cvc", word(strings.TrimSpace(r.PostFormValue("cvc"))))
	data.Set("type", word("card"))
	data.Set("card", card)
	return data
}

// expiry reads 04 / 31, 4/2031, 0431 or 042031. What it cannot read is no month.
func expiry(s string) (month, year string) {
	s = strings.TrimSpace(s)
	for _, between := range []string{"/", "-", " "} {
		if m, y, ok := strings.Cut(s, between); ok {
			return strings.TrimSpace(m), strings.TrimSpace(y)
		}
	}
	if len(s) == 4 || len(s) == 6 {
		return s[:2], s[2:]
	}
	return "0", "0"
}

// failed shows what was wrong beside the field that it belongs to.
func (v *sale) failed(f *fault.Error) {
	if f == nil {
		return
	}
	at := ""
	switch f.Code {
	case "incorrect_number", "invalid_number":
		at = "number"
	case "invalid_expiry_month", "invalid_expiry_year", "expired_card":
		at = "expiry"
	case "incorrect_cvc", "invalid_cvc":
		at = "cvc"
	case "incorrect_zip":
		at = "postal_code"
	case "email_invalid":
		at = "email"
	}
	switch {
	case f.Param == "promotion_code":
		at = "code"
	case f.Param == "shipping[address][country]":
		at = "ship_country"
	}
	for _, it := range v.Items {
		if f.Param == it.ID {
			at = it.ID
		}
	}
	for _, q := range v.Custom {
		if f.Param == q.Param() {
			at = q.Name
		}
	}
	v.Wrong[at] = sayTo(f)
}

// sayTo is what a customer is told of a refusal whose words are for the merchant's program. Known from: Stripe.js, which says it so.
func sayTo(f *fault.Error) string {
	switch f.Code {
	case "payment_intent_authentication_failure", "setup_intent_authentication_failure":
		return "We are unable to authenticate your payment method. Please choose a different payment method and try again."
	}
	return f.Message
}
