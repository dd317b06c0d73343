package page

import (
	"context"
	"net/http"
	"net/url"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/paymentmethod"
	"florin/internal/paymethod"
	"florin/internal/store"
)

// The page of a source of old (src_…), in test mode: its redirect[url], or the code of WeChat, leads here; so does a receiver's, where "authorize" sends the money.
//
//	/redirect/authenticate/{source}?client_secret=   authorize the payment, or fail it
//
// The answer sends the browser back to redirect[return_url], with the source and its client secret, as Stripe does.

// SourcePath is what the paths of sources begin with.
const SourcePath = "/redirect/"

// A foundSource is a source that a client secret leads to, as it stands.
type foundSource struct {
	scope     store.Scope
	id        string
	waits     bool
	returnURL string
	page      wait
}

// source finds the source of a request, and answers where there is none.
func (p *pages) source(w http.ResponseWriter, r *http.Request) *foundSource {
	secret := r.FormValue("client_secret")
	f := &foundSource{}
	ok := false
	err := p.app.Do(r.Context(), store.System, func(c *api.Call) (err error) {
		f.scope, f.id, ok, err = paymentmethod.AskedSource(c, secret)
		return err
	})
	if err == nil && ok && f.id == r.PathValue("source") {
		err = p.app.Do(r.Context(), f.scope, func(c *api.Call) error { return f.read(c) })
	}
	switch {
	case err != nil:
		p.fail(w, r, err)
	case !ok || f.id != r.PathValue("source"):
		p.say(w, http.StatusNotFound, &noIntent)
	default:
		f.page.Path = "/redirect/authenticate/" + f.id + "?client_secret=" + url.QueryEscape(secret)
		return f
	}
	return nil
}

func (f *foundSource) read(c *api.Call) error {
	s, err := paymentmethod.Sources.Get(c, f.id)
	if err != nil || s == nil {
		return err
	}
	f.waits = s.Waits()
	if s.Redirect != nil {
		f.returnURL = s.Redirect.ReturnURL
	}
	f.page = wait{Name: merchantName(account.Of(c)), Method: titleOfSource(s.Type)}
	if s.Currency != nil {
		amount := int64(0)
		if s.Amount != nil {
			amount = *s.Amount
		}
		f.page.Amount = amountOf(amount, *s.Currency)
	}
	return nil
}

// titleOfSource is how people call a type of sources.
func titleOfSource(typ string) string {
	switch typ {
	case "three_d_secure":
		return "3D Secure"
	case "wechat":
		typ = "wechat_pay"
	case "ach_credit_transfer":
		return "ACH credit transfer"
	}
	if t := paymethod.Types[typ]; t != nil {
		return t.Title()
	}
	return typ
}

func (p *pages) authenticateSource(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	f := p.source(w, r)
	if f == nil {
		return
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if !f.waits {
			p.sourceGone(w, r, f)
			return
		}
		p.render(w, http.StatusOK, "authorize.html", &f.page)
		return
	}
	success := r.PostFormValue("success")
	if success != "true" && success != "false" {
		p.say(w, http.StatusBadRequest, &noChoice)
		return
	}
	err := p.app.Do(context.WithoutCancel(r.Context()), f.scope, func(c *api.Call) error { // it goes on when the window is closed
		s, err := paymentmethod.Sources.Get(c, f.id)
		if err != nil || s == nil {
			return err
		}
		return paymentmethod.AnswerSource(c, s, success == "true")
	})
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if f.returnURL == "" {
		p.say(w, http.StatusOK, map[bool]*notice{true: &authorizedNow, false: &failedNow}[success == "true"])
		return
	}
	p.sourceGone(w, r, f)
}

// sourceGone sends a browser back to the shop, or says that nothing waits.
func (p *pages) sourceGone(w http.ResponseWriter, r *http.Request, f *foundSource) {
	to, err := url.Parse(f.returnURL)
	if f.returnURL == "" || err != nil {
		p.say(w, http.StatusGone, &answered)
		return
	}
	q := to.Query()
	q.Set("client_secret", r.FormValue("client_secret"))
	q.Set("source", f.id)
	to.RawQuery = q.Encode()
	headers(w.Header())
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusSeeOther)
}
