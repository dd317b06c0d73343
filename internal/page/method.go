package page

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
	"florin/internal/qr"
	"florin/internal/store"
)

// The pages of payments by other types than cards, and of setups, in test mode. An intent that waits points here from its next_action, with a token that
// finds it:
//
//	/authorize/{account}/{token}          the shop of the customer's bank or wallet: authorize the payment, or fail it
//	/return/{account}/{token}             takes the answer (success=true or false), and sends the browser back to the intent's return_url
//	/{type}/instructions/{token}          a code to scan, which leads to the first page
//	/{type}/voucher/{token}               what to pay in a shop; in test mode with buttons that pay it, or let it expire
//	/bank_transfers/instructions/{token}  where to send money to
//	/microdeposit/{token}                 asks what was deposited on the customer's bank account
//	/qr/{token}.svg, .png                 the code
//
// Programs use them as people do: a GET or a POST of /return/…?success=true is what the button does (facts 14c).

// MethodPaths are what the paths begin with that New's handler answers besides those of cards.
func MethodPaths() []string {
	out := []string{"/authorize/", "/return/", "/microdeposit/", "/bank_transfers/", "/qr/", SourcePath}
	for _, name := range paymethod.Names() {
		if slices.Contains(shown(), name) || setup.HasPage(name) {
			out = append(out, "/"+name+"/")
		}
	}
	return out
}

// shown are the types that have pages of their own: codes and vouchers.
func shown() []string {
	var out []string
	for _, name := range paymethod.Names() {
		if t := paymethod.Types[name]; t.Flow == paymethod.Voucher || strings.Contains(t.Action, "qr_code") {
			out = append(out, name)
		}
	}
	return out
}

func (p *pages) methods(handle func(method, path string, h http.HandlerFunc), both func(path string, h http.HandlerFunc)) {
	handle("GET", "/authorize/{account}/{token}", p.authorize)
	both("/return/{account}/{token}", p.comeBack)
	both("/redirect/authenticate/{source}", p.authenticateSource)
	handle("GET", "/bank_transfers/instructions/{token}", p.instructions)
	for _, name := range shown() {
		handle("GET", "/"+name+"/instructions/{token}", p.instructions)
		both("/"+name+"/voucher/{token}", p.voucher)
		handle("GET", "/"+name+"/voucher/{token}/pdf", p.voucherPDF)
	}
	both("/microdeposit/{token}", p.deposits)
	handle("GET", "/qr/{image}", p.code)
	p.mandates(handle)
}

var (
	noIntent = notice{"This link does not lead to a payment", []string{
		"The address may be incomplete, or the payment may be gone. Nothing was taken from your account.",
		"Go back to the shop and start the payment again.",
	}}
	answered = notice{"This payment no longer waits", []string{
		"It has been paid, has failed, or was canceled. You can close this window. The shop can tell you how the payment stands.",
	}}
	authorizedNow = notice{"Payment authorized", []string{
		"You can close this window and go back to the shop.",
	}}
	failedNow = notice{"Payment failed", []string{
		"The payment did not go through. You can close this window, and try again in the shop.",
	}}
	paidNow     = notice{"Voucher paid", []string{"The shop has been told. You can close this window."}}
	expiredNow  = notice{"Voucher expired", []string{"It can no longer be paid. Start the payment again in the shop."}}
	verifiedNow = notice{"Bank account verified", []string{"The payment is on its way. You can close this window."}}
	savedNow    = notice{"Bank account verified", []string{"It is saved for later payments. You can close this window."}}
	unverified  = notice{"This bank account cannot be verified", []string{
		"What was entered did not match too often, or came too late. Start again in the shop, with this account or another one.",
	}}
)

// A wait is what a page shows of an intent that waits for its customer.
type wait struct {
	Name   string // of the merchant
	Method string
	Amount amount
	Setup  bool   // nothing is paid: the method is kept for later
	Path   string // of the form
	Action string // the type of the next action
	Facts  []fact
	Code   template.HTML // an SVG of our own making
	Next   string        // where the code leads
	Wrong  string        // what was wrong with the last answer
	Codes  bool          // deposits are told by a code
	At     string        // when it ends, for people
}

type fact struct{ Label, Text string }

// found is an intent that a token leads to, as it stands.
type found struct {
	scope store.Scope
	id    string
	kind  string // payment_intent or setup_intent
	acct  *account.Account

	waits     bool
	status    string
	returnURL string
	secret    string
	action    []byte
	page      wait
}

// find finds the intent of a token; nil if there is none.
func (p *pages) find(ctx context.Context, token string) (*found, error) {
	f := &found{}
	ok := false
	err := p.app.Do(ctx, store.System, func(c *api.Call) (err error) {
		f.scope, f.id, ok, err = setup.Asked(c, token)
		return err
	})
	if err != nil || !ok {
		return nil, err
	}
	return f, p.app.Do(ctx, f.scope, func(c *api.Call) error {
		if f.acct = account.Of(c); f.acct == nil {
			return nil
		}
		if f.kind = payment.Intents.Name; strings.HasPrefix(f.id, setup.Intents.Prefixes[0]+"_") {
			f.kind = setup.Intents.Name
			return f.standSetup(c, token)
		}
		pi, err := payment.Intents.Get(c, f.id)
		if err != nil || pi == nil {
			return err
		}
		f.waits, f.status, f.returnURL, f.secret, f.action = pi.Waits(token), pi.Status, pi.Private.ReturnURL, pi.ClientSecret, pi.NextAction
		f.page = wait{Name: merchantName(f.acct), Amount: amountOf(pi.Amount, pi.Currency), Action: jsontext.Text(pi.NextAction, "type")}
		return f.method(c, pi.PaymentMethod)
	})
}

// standSetup reads how a setup intent stands.
func (f *found) standSetup(c *api.Call, token string) error {
	si, err := setup.Intents.Get(c, f.id)
	if err != nil || si == nil {
		return err
	}
	f.waits, f.status, f.returnURL, f.secret, f.action = si.Waits(token), si.Status, si.Private.ReturnURL, si.ClientSecret, si.NextAction
	f.page = wait{Name: merchantName(f.acct), Setup: true, Action: jsontext.Text(si.NextAction, "type")}
	return f.method(c, si.PaymentMethod)
}

// method reads what the intent's payment method is called.
func (f *found) method(c *api.Call, name *string) error {
	if name == nil {
		return nil
	}
	pm, err := paymentmethod.Get(c, *name)
	if err == nil && pm != nil && paymethod.Types[pm.Type] != nil {
		f.page.Method = paymethod.Types[pm.Type].Title()
	}
	return err
}

// ticket is what the shop is told of the intent.
func (f *found) ticket() ticket { return ticket{Kind: f.kind, Intent: f.id, Secret: f.secret} }

// waiting finds the intent of a request's token, and answers where there is none, or none that waits.
func (p *pages) waiting(w http.ResponseWriter, r *http.Request) *found {
	f, err := p.find(r.Context(), r.PathValue("token"))
	switch {
	case err != nil:
		p.fail(w, r, err)
	case f == nil || f.status == "" || r.PathValue("account") != "" && f.acct.ID != r.PathValue("account"):
		p.say(w, http.StatusNotFound, &noIntent)
	case !f.waits:
		p.gone(w, f, &answered)
	default:
		return f
	}
	return nil
}

// gone sends a browser back to the shop, or says something.
func (p *pages) gone(w http.ResponseWriter, f *found, n *notice) {
	s := standing{status: f.status}
	to := back(f.returnURL, f.ticket(), s.redirectStatus())
	if to == "" || f.status == "requires_action" {
		p.say(w, http.StatusGone, n)
		return
	}
	headers(w.Header())
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func (p *pages) authorize(w http.ResponseWriter, r *http.Request) {
	f := p.waiting(w, r)
	if f == nil {
		return
	}
	f.page.Path = "/return/" + f.acct.ID + "/" + r.PathValue("token")
	p.render(w, http.StatusOK, "authorize.html", &f.page)
}

// tell gives an intent the customer's answer, and reads how it stands then.
func (p *pages) tell(r *http.Request, f *found, answer func(c *api.Call, pi *payment.Intent) error) (*found, error) {
	ctx := context.WithoutCancel(r.Context()) // a payment goes on when the window is closed
	err := p.app.Do(ctx, f.scope, func(c *api.Call) error {
		pi, err := payment.Intents.Get(c, f.id)
		if err != nil || pi == nil {
			return err
		}
		return answer(c, pi)
	})
	if err != nil {
		return nil, err
	}
	return p.find(ctx, r.PathValue("token"))
}

// authorized gives an intent the answer of who was asked to authorize it, and reads how it stands then.
func (p *pages) authorized(r *http.Request, f *found, yes bool) (*found, error) {
	token := r.PathValue("token")
	if f.kind == payment.Intents.Name {
		return p.tell(r, f, func(c *api.Call, pi *payment.Intent) error { return p.payments.Answer(c, pi, token, yes) })
	}
	ctx := context.WithoutCancel(r.Context())
	err := p.app.Do(ctx, f.scope, func(c *api.Call) error {
		si, err := setup.Intents.Get(c, f.id)
		if err != nil || si == nil {
			return err
		}
		return p.setups.Answer(c, si, token, yes)
	})
	if err != nil {
		return nil, err
	}
	return p.find(ctx, token)
}

// comeBack takes the answer of who has authorized a payment, or not.
func (p *pages) comeBack(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	success := r.FormValue("success")
	if success != "true" && success != "false" {
		p.say(w, http.StatusBadRequest, &noChoice)
		return
	}
	f := p.waiting(w, r)
	if f == nil {
		return
	}
	after, err := p.authorized(r, f, success == "true")
	if err != nil || after == nil {
		p.fail(w, r, err)
		return
	}
	s := standing{status: after.status}
	if to := back(f.returnURL, f.ticket(), s.redirectStatus()); to != "" {
		headers(w.Header())
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	if s.redirectStatus() == "failed" {
		p.say(w, http.StatusOK, &failedNow)
		return
	}
	p.say(w, http.StatusOK, &authorizedNow)
}

// codeOf is the QR code of where a customer authorizes.
func (p *pages) codeOf(f *found, token string) (string, *qr.Code, error) {
	to := p.app.Base + "/authorize/" + f.acct.ID + "/" + token
	code, err := qr.Encode(to)
	return to, code, err
}

// instructions show a code to scan, or where to send money to.
func (p *pages) instructions(w http.ResponseWriter, r *http.Request) {
	f := p.waiting(w, r)
	if f == nil {
		return
	}
	if f.page.Action == "display_bank_transfer_instructions" {
		p.transfer(w, f)
		return
	}
	if !strings.Contains(f.page.Action, "qr_code") {
		p.say(w, http.StatusNotFound, &noIntent)
		return
	}
	to, code, err := p.codeOf(f, r.PathValue("token"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	f.page.Next, f.page.Code = to, template.HTML(code.SVG())
	p.render(w, http.StatusOK, "scan.html", &f.page)
}

// code is the image of the code alone.
func (p *pages) code(w http.ResponseWriter, r *http.Request) {
	token, kind, ok := strings.Cut(r.PathValue("image"), ".")
	f, err := p.find(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if !ok || f == nil || f.acct == nil || kind != "svg" && kind != "png" {
		p.say(w, http.StatusNotFound, &noPage)
		return
	}
	_, code, err := p.codeOf(f, token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	headers(w.Header())
	if kind == "png" {
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(code.PNG())
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	_, _ = w.Write(code.SVG())
}

// labels are what the members of next actions and bank accounts are called.
var labels = []struct{ name, label string }{
	{"number", "Number"}, {"entity", "Entity"}, {"reference", "Reference"}, {"iban", "IBAN"}, {"bic", "BIC"}, {"account_number", "Account number"}, {"routing_number", "Routing number"},
	{"swift_code", "SWIFT code"}, {"sort_code", "Sort code"}, {"clabe", "CLABE"}, {"bank_name", "Bank"}, {"branch_name", "Branch"}, {"bank_code", "Bank code"}, {"branch_code", "Branch code"},
	{"account_type", "Account type"}, {"account_holder_name", "Account holder"}, {"confirmation_number", "Confirmation number"}, {"payment_code", "Payment code"},
}

func factsOf(of []byte) []fact {
	var out []fact
	for _, l := range labels {
		if s := jsontext.Text(of, l.name); s != "" && s != "null" {
			out = append(out, fact{l.label, s})
		}
	}
	return out
}

// transfer shows where to send money to.
func (p *pages) transfer(w http.ResponseWriter, f *found) {
	body := jsontext.Get(f.action, f.page.Action)
	if n, err := strconv.ParseInt(jsontext.Text(body, "amount_remaining"), 10, 64); err == nil {
		f.page.Amount = amountOf(n, jsontext.Text(body, "currency"))
	}
	f.page.Facts = []fact{{"Reference", jsontext.Text(body, "reference")}}
	jsontext.Items(jsontext.Get(body, "financial_addresses"), func(a []byte) bool {
		f.page.Facts = append(f.page.Facts, factsOf(jsontext.Get(a, jsontext.Text(a, "type")))...)
		return jsontext.Text(body, "type") != "us_bank_transfer" // whose second is the same account, for senders abroad
	})
	p.render(w, http.StatusOK, "transfer.html", &f.page)
}

// deposits ask what was deposited on the customer's bank account.
func (p *pages) deposits(w http.ResponseWriter, r *http.Request) {
	f := p.waiting(w, r)
	if f == nil {
		return
	}
	f.page.Path = r.URL.Path
	f.page.Codes = jsontext.Text(f.action, "verify_with_microdeposits.microdeposit_type") == "descriptor_code"
	if r.Method != http.MethodPost {
		p.render(w, http.StatusOK, "deposit.html", &f.page)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	code := strings.ToUpper(strings.TrimSpace(r.PostFormValue("descriptor_code")))
	var amounts []int64
	for _, name := range []string{"first", "second"} {
		if n, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(r.PostFormValue(name)), "0."), 10, 64); err == nil {
			amounts = append(amounts, n)
		}
	}
	if code == "" && len(amounts) != 2 {
		f.page.Wrong = "Enter what stands on the statement of your bank account."
		p.render(w, http.StatusBadRequest, "deposit.html", &f.page)
		return
	}
	after, err := p.deposited(r, f, code, amounts)
	switch {
	case err != nil:
		p.fail(w, r, err)
	case after.waits && after.status == "requires_action":
		f.page.Wrong = "That is not what was deposited. Look at the statement again."
		p.render(w, http.StatusOK, "deposit.html", &f.page)
	case after.status == "requires_payment_method":
		p.say(w, http.StatusOK, &unverified)
	case f.page.Setup:
		p.say(w, http.StatusOK, &savedNow)
	default:
		p.say(w, http.StatusOK, &verifiedNow)
	}
}

// deposited gives an intent what somebody says was deposited, and reads how it stands then.
func (p *pages) deposited(r *http.Request, f *found, code string, amounts []int64) (*found, error) {
	if !f.page.Setup {
		return p.tell(r, f, func(c *api.Call, pi *payment.Intent) error {
			_, err := p.payments.Deposited(c, pi, code, amounts)
			return err
		})
	}
	ctx := context.WithoutCancel(r.Context())
	err := p.app.Do(ctx, f.scope, func(c *api.Call) error {
		si, err := setup.Intents.Get(c, f.id)
		if err != nil || si == nil {
			return err
		}
		_, err = p.setups.Deposited(c, si, code, amounts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.find(ctx, r.PathValue("token"))
}
