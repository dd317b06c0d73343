package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/checkout"
	"florin/internal/fault"
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
