package page

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/catalog"
	"florin/internal/domain/checkout"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/paymethod"
	"florin/internal/store"
)

// The page on which a customer pays a checkout session: its url.
//
//	GET  /b/{code}          the url of a payment link: makes a session, and leads to it; prefilled_email and client_reference_id may stand in the query
//	GET  /c/pay/{session}   what is for sale, and a form
//	POST /c/pay/{session}   pays it: email, number, expiry, cvc, name, country, postal_code; or method, for a type other than card
//	                        item and quantity: another quantity of a line item
//	                        apply=1 and code: a promotion code, which takes the place of the one before
//
// The answer sends the browser to the shop's success_url, or to where the customer authenticates, which comes back here; or it is the page again, and says
// what was wrong. Programs use it as people do. A card's number goes from the form to where it is sealed: it is never shown again, nor logged.
//
// The session's id is the secret of its URL: who knows it may see the page, and pay.

// CheckoutPath is what the paths of the page begin with, and LinkPath those of payment links, which lead there.
const (
	CheckoutPath = "/c/pay/"
	LinkPath     = "/b/"
)

// checkouts answers requests for the page of a session.
type checkouts struct {
	*pages
	domain *checkout.Domain
}

// Checkout makes the handler of everything under CheckoutPath and LinkPath.
func Checkout(app *api.App, domain *checkout.Domain) http.Handler {
	p := &checkouts{&pages{app: app}, domain}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+CheckoutPath+"{session}", p.show)
	mux.HandleFunc("POST "+CheckoutPath+"{session}", p.pay)
	mux.HandleFunc(CheckoutPath+"{session}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD, POST")
		p.say(w, http.StatusMethodNotAllowed, &notAllowed)
	})
	mux.HandleFunc("GET "+LinkPath+"{code}", p.follow)
	mux.HandleFunc(LinkPath+"{code}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD")
		p.say(w, http.StatusMethodNotAllowed, &notAllowed)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { p.say(w, http.StatusNotFound, &noSession) })
	return mux
}

var (
	noSession = notice{"This link does not lead to a checkout", []string{
		"The address may be incomplete. Links to this page are long: copy the whole of it, or go back to the shop and start again from there.",
	}}
	sessionDone = notice{"You’re all done here", []string{
		"This checkout has been completed. You can close this window and go back to the shop.",
	}}
	sessionExpired = notice{"This checkout has expired", []string{
		"Nothing was taken from you. Go back to the shop and start again from there.",
	}}
	sessionBusy = notice{"Your payment is being processed", []string{
		"Your bank has yet to answer. Wait a moment, then load this page again. You will not pay twice.",
	}}
	linkInactive = notice{"This link is no longer active", []string{
		"Nothing can be paid here any more. Ask who gave you the link for another one.",
	}}
	overHTTP = notice{"This page is served over HTTPS only", []string{
		"What you enter here must not be read by others on its way. Go back to the shop, and tell them that their checkout has a wrong address.",
	}}
)

// A sale is what the page shows of a session.
type sale struct {
	Name     string // of the merchant
	Live     bool
	Path     string
	Cancel   string
	Setup    bool
	Trial    bool
	Free     bool // nothing is to be paid by
	Consents bool // paying is to agree to later payments
	Items    []soldItem
	Subtotal *amount // nil where it is the total
	Discount *amount
	Code     string // of the discount
	Tax      *amount
	Total    amount
	Later    []string // what will be due
	Promotes bool
	Button   string
	Submit   string // the merchant's words
	Email    string // that is known
	Cards    bool
	Others   []otherWay
	Address  bool      // all of it is asked for
	ShipTo   []country // nil: nothing is shipped
	Custom   []question
	Phone    bool

	Entered   map[string]string // what was entered before, but for the card
	Wrong     map[string]string // what was wrong, by field; "" for what belongs to none
	Countries []country

	status  string
	success string // "" where nobody is to be sent anywhere: thanks are said
	thanks  string // the merchant's
	wait    string
	busy    bool
	failure *fault.Error
}

type soldItem struct {
	ID       string
	Name     string
	Least    int64
	Most     int64 // 0: the quantity is as it is
	Quantity int64
	Each     string
	Amount   amount
}

// A question is a custom field of the merchant.
type question struct {
	checkout.CustomField
	Name  string // of the field
	Label string
	Most  int64
}

// An otherWay is a type of payment method other than card.
type otherWay struct{ Name, Title string }

// Field is one field of the form, for its template.
func (s *sale) Field(name string) field { return field{name, s.Entered[name], s.Wrong[name]} }

type field struct{ Name, Value, Wrong string }

// found finds where the session of a request is, and answers where there is none.
func (p *checkouts) found(w http.ResponseWriter, r *http.Request) (store.Scope, bool) {
	var scope store.Scope
	ok := false
	err := p.app.Do(r.Context(), store.System, func(c *api.Call) (err error) {
		scope, ok, err = checkout.Find(c, r.PathValue("session"))
		return err
	})
	switch {
	case err != nil:
		p.fail(w, r, err)
	case !ok:
		p.say(w, http.StatusNotFound, &noSession)
	case scope.Live() && r.TLS == nil:
		p.say(w, http.StatusForbidden, &overHTTP)
	default:
		return scope, true
	}
	return scope, false
}

// read reads how a session stands, and what its page shows.
func (p *checkouts) read(ctx context.Context, scope store.Scope, session string) (*sale, error) {
	var out *sale
	err := p.app.Do(ctx, scope, func(c *api.Call) error {
		s, err := checkout.Sessions.Get(c, session)
		if err != nil || s == nil {
			return errors.Join(err, fmt.Errorf("the session %s is gone", session))
		}
		out = &sale{
			Name: merchantName(account.Of(c)), Live: s.Livemode, Path: CheckoutPath + s.ID, Cancel: text(s.CancelURL), status: s.Status,
			success: strings.ReplaceAll(text(s.SuccessURL), "{CHECKOUT_SESSION_ID}", s.ID), Entered: map[string]string{}, Wrong: map[string]string{}, Countries: countries,
		}
		if out.thanks, err = thanks(c, s); err != nil {
			return err
		}
		if out.wait, err = p.domain.Wait(c, s); err != nil {
			return err
		}
		if out.busy, err = p.domain.Busy(c, s); err != nil {
			return err
		}
		if out.failure, err = p.domain.Failure(c, s); err != nil || s.Status != checkout.Open {
			return err
		}
		return out.describe(c, s)
	})
	return out, err
}

// thanks are the words of the merchant to who has paid by a link.
func thanks(c *api.Call, s *checkout.Session) (string, error) {
	l, err := checkout.Links.Get(c, text(s.PaymentLink))
	if err != nil || l == nil || l.AfterCompletion.HostedConfirmation == nil {
		return "", err
	}
	return text(l.AfterCompletion.HostedConfirmation.CustomMessage), nil
}

// describe fills in what an open session shows.
func (v *sale) describe(c *api.Call, s *checkout.Session) error {
	v.Setup, v.Free = s.Mode == "setup", !s.NeedsMethod()
	v.Consents = s.Mode != "payment"
	v.Phone = s.PhoneNumberCollection.Enabled
	v.Address = text(s.BillingAddressCollection) == "required"
	v.Promotes = s.AllowPromotionCodes != nil && *s.AllowPromotionCodes
	if s.CustomText.Submit != nil {
		v.Submit = s.CustomText.Submit.Message
	}
	if s.CustomerDetails != nil {
		v.Email = text(s.CustomerDetails.Email)
	}
	v.Entered["country"] = countryIn(v.Email)
	v.asks(s)
	v.ways(s)
	if v.Setup {
		v.Button = "Save"
		return nil
	}
	if err := v.describeItems(c, s); err != nil {
		return err
	}
	cur, t := *s.Currency, s.TotalDetails
	v.Total = amountOf(*s.AmountTotal, cur)
	if t.AmountDiscount != 0 || t.AmountTax != 0 {
		v.Subtotal = moneyOf(*s.AmountSubtotal, cur)
	}
	if t.AmountDiscount != 0 {
		v.Discount = moneyOf(-t.AmountDiscount, cur)
	}
	if t.AmountTax != 0 {
		v.Tax = moneyOf(t.AmountTax, cur)
	}
	v.button(s)
	return v.describeCode(c, s)
}

// countryIn is the country that a test address says its owner is in: test+location_US@example.com; "" if it says none. Known from: facts 07.
func countryIn(email string) string {
	_, at, ok := strings.Cut(email, "+location_")
	code, _, found := strings.Cut(at, "@")
	if !ok || !found {
		return ""
	}
	return code
}

func moneyOf(n int64, currency string) *amount {
	a := amountOf(n, currency)
	return &a
}

// describeItems shows what is for sale, and what of it will be due again.
func (v *sale) describeItems(c *api.Call, s *checkout.Session) error {
	for _, it := range s.Private.Items {
		price, err := catalog.Used(c, it.Price)
		if err != nil {
			return err
		}
		sold := soldItem{ID: it.ID, Name: it.Description, Quantity: 1, Amount: amountOf(it.Subtotal, *s.Currency)}
		if it.Quantity != nil {
			sold.Quantity = *it.Quantity
		}
		if a := it.Adjustable; a != nil {
			sold.Least, sold.Most = max(1, *a.Minimum), *a.Maximum
		}
		if r := price.Recurring; r != nil {
			sold.Each = every(r)
			full, err := price.Amount(sold.Quantity, *s.Currency)
			if err != nil {
				return err
			}
			if a := amountOf(full, *s.Currency); r.UsageType != "metered" {
				v.Later = append(v.Later, a.Number+" "+a.Code+" "+sold.Each)
			}
			v.Trial = v.Trial || full > 0 && it.Subtotal == 0
		}
		v.Items = append(v.Items, sold)
	}
	return nil
}

// every says how often a price is paid.
func every(r *catalog.Recurring) string {
	if r.IntervalCount == 1 {
		return "per " + r.Interval
	}
	return "every " + strconv.FormatInt(r.IntervalCount, 10) + " " + r.Interval + "s"
}

// describeCode shows the promotion code of the discount.
func (v *sale) describeCode(c *api.Call, s *checkout.Session) error {
	if len(s.Discounts) == 0 || s.Discounts[0].PromotionCode == nil {
		return nil
	}
	pc, err := catalog.PromotionCodes.Get(c, *s.Discounts[0].PromotionCode)
	if err == nil && pc != nil {
		v.Code = pc.Code
	}
	return err
}

// button says what pressing it does.
func (v *sale) button(s *checkout.Session) {
	pay := " " + v.Total.Number
	switch submit := text(s.SubmitType); {
	case s.Mode == "subscription" && v.Trial && *s.AmountTotal == 0:
		v.Button = "Start trial"
	case s.Mode == "subscription" || submit == "subscribe":
		v.Button = "Subscribe"
	case submit == "donate":
		v.Button = "Donate" + pay
	case submit == "book":
		v.Button = "Book"
	case *s.AmountTotal == 0:
		v.Button = "Complete order"
	default:
		v.Button = "Pay" + pay
	}
}

// asks says what is asked for besides who pays.
func (v *sale) asks(s *checkout.Session) {
	for _, f := range s.CustomFields {
		q := question{f, customName(f.Key), text(f.Label.Custom), 255}
		for _, in := range []*checkout.FieldInput{f.Text, f.Numeric} {
			if in != nil && in.MaximumLength != nil {
				q.Most = *in.MaximumLength
			}
		}
		v.Entered[q.Name] = text(f.Default())
		v.Custom = append(v.Custom, q)
	}
	to := s.Countries()
	for _, c := range countries {
		if slices.Contains(to, c.Code) {
			v.ShipTo = append(v.ShipTo, c)
		}
	}
}

func customName(key string) string { return "custom_" + key }

// ways are the types of payment method that the page can take: cards, and those whose customer authorizes elsewhere, or goes to pay a voucher.
func (v *sale) ways(s *checkout.Session) {
	for _, name := range s.PaymentMethodTypes {
		t := paymethod.Types[name]
		switch {
		case name == "card":
			v.Cards = true
		case t == nil || s.Livemode || name == "boleto" || name == "fpx" || name == "sofort": // which ask for more
		case t.Flow == paymethod.Redirect || t.Flow == paymethod.Voucher && s.Mode == "payment":
			v.Others = append(v.Others, otherWay{name, t.Title()})
		}
	}
}

func (p *checkouts) show(w http.ResponseWriter, r *http.Request) {
	scope, ok := p.found(w, r)
	if !ok {
		return
	}
	v, err := p.read(r.Context(), scope, r.PathValue("session"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if back := r.URL.Query().Get("redirect_status"); back != "" { // from where the customer has authenticated
		if v.status == checkout.Complete && v.success != "" {
			goTo(w, v.success)
			return
		}
		v.failed(v.failure)
	}
	if email := r.URL.Query().Get("prefilled_email"); v.Email == "" && email != "" {
		v.Entered["email"] = email
	}
	p.stand(w, http.StatusOK, v)
}

// stand shows a session as it stands.
func (p *checkouts) stand(w http.ResponseWriter, status int, v *sale) {
	switch {
	case v.status == checkout.Complete && v.success == "":
		said := notice{"Thanks for your payment", []string{"A payment to " + v.Name + " will appear on your statement."}}
		if v.thanks != "" {
			said.Words = []string{v.thanks}
		}
		p.say(w, http.StatusOK, &said)
	case v.status == checkout.Complete:
		p.say(w, http.StatusGone, &sessionDone)
	case v.status == checkout.Expired:
		p.say(w, http.StatusGone, &sessionExpired)
	case v.busy:
		p.say(w, http.StatusOK, &sessionBusy)
	default:
		p.render(w, status, "checkout.html", v)
	}
}

// goTo sends a browser on, with a GET.
func goTo(w http.ResponseWriter, to string) {
	headers(w.Header())
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// follow begins a checkout for who has opened a payment link, and sends him there.
func (p *checkouts) follow(w http.ResponseWriter, r *http.Request) {
	var scope store.Scope
	var link string
	ok := false
	err := p.app.Do(r.Context(), store.System, func(c *api.Call) (err error) {
		scope, link, ok, err = checkout.FindLink(c, r.PathValue("code"))
		return err
	})
	switch {
	case err != nil:
		p.fail(w, r, err)
		return
	case !ok:
		p.say(w, http.StatusNotFound, &noSession)
		return
	}
	q := r.URL.Query()
	to, inactive := "", linkInactive
	err = p.app.Do(r.Context(), scope, func(c *api.Call) error {
		s, l, err := p.domain.Follow(c, link, q.Get("client_reference_id"))
		if err != nil || s == nil {
			if l != nil && l.InactiveMessage != nil {
				inactive.Words = []string{*l.InactiveMessage}
			}
			return err
		}
		to = *s.URL
		return nil
	})
	var refusal *fault.Error
	switch {
	case errors.As(err, &refusal): // what it sells can no longer be sold
		p.say(w, http.StatusGone, &linkInactive)
	case err != nil:
		p.fail(w, r, err)
	case to == "":
		p.say(w, http.StatusGone, &inactive)
	default:
		if email := q.Get("prefilled_email"); email != "" {
			to += "?prefilled_email=" + url.QueryEscape(email)
		}
		goTo(w, to)
	}
}

// pay takes the form. It asks for no token against forged requests: who can forge one knows the session's id, and may pay.
func (p *checkouts) pay(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	scope, ok := p.found(w, r)
	if !ok {
		return
	}
	session := r.PathValue("session")
	ctx := context.WithoutCancel(r.Context()) // a payment goes on when the window is closed
	before, err := p.read(ctx, scope, session)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	item := r.PostFormValue("item")
	applies := item != "" || r.PostFormValue("apply") != ""
	wrong := before.incomplete(r)
	if before.status == checkout.Open && (applies || len(wrong) == 0) {
		err = p.app.Do(ctx, scope, func(c *api.Call) error {
			s, err := checkout.Sessions.Get(c, session)
			if err != nil || s == nil {
				return err
			}
			switch {
			case item != "":
				n, _ := strconv.ParseInt(strings.TrimSpace(r.PostFormValue("quantity")), 10, 64) // 0 is refused
				return p.domain.Adjust(c, s, item, n)
			case applies:
				return p.domain.Promote(c, s, r.PostFormValue("code"))
			}
			return p.domain.Pay(c, s, before.payment(r))
		})
	}
	var refusal *fault.Error
	if err != nil && !errors.As(err, &refusal) {
		p.fail(w, r, err)
		return
	}
	v, err := p.read(ctx, scope, session)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	switch {
	case before.status == checkout.Open && v.wait != "" && refusal == nil && len(wrong) == 0 && !applies:
		goTo(w, v.wait)
		return
	case v.status == checkout.Complete && v.success != "":
		goTo(w, v.success)
		return
	}
	v.entered(r)
	if !applies {
		v.Wrong = wrong
	}
	if refusal == nil && len(wrong) == 0 && !applies {
		refusal = v.failure
	}
	v.failed(refusal)
	status := http.StatusOK
	if len(v.Wrong) > 0 {
		status = http.StatusBadRequest
	}
	p.stand(w, status, v)
}

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
