package page

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
	"florin/internal/store"
)

// The page where a cardholder authenticates, in test mode. A payment intent that needs it points here (next_action.redirect_to_url.url), or, for
// Stripe.js, names its challenge (use_stripe_sdk.three_d_secure_2_source), with which the same page opens. In live mode it is the bank's own
// page, and this one answers 404.
//
// GET /3d_secure_2/hosted shows one form. A program presses its button by posting to the form's action the hidden fields and outcome=complete
// or outcome=fail. The answer sends the browser to the intent's return_url, with payment_intent, payment_intent_client_secret and
// redirect_status behind what the URL has already; without a return_url it is a page that says that the window can be closed.
//
// Known from: facts 08 (8a), 11 (11f).

// maxForm is the largest form that is read, in bytes.
const maxForm = 16 << 10

var (
	noChallenge = notice{"This link does not lead to a payment", []string{
		"The address may be incomplete, or the payment may be gone. Your card was not charged here.",
		"Go back to the shop and start the payment again.",
	}}
	replaced = notice{"This link is no longer in use", []string{
		"The payment still waits to be authenticated, but by a newer link than this one.",
		"Go back to the shop: it will take you to the right page.",
	}}
	over = notice{"This payment needs no authentication", []string{
		"You may have authenticated already, or the payment was canceled.",
		"You can close this window. The shop can tell you how the payment stands.",
	}}
	noChoice = notice{"No choice was made", []string{
		"Go back, and choose whether the authentication completes or fails.",
	}}
	authenticated = notice{"Authentication complete", []string{
		"You can close this window and go back to the shop.",
	}}
	notAuthenticated = notice{"Authentication failed", []string{
		"The payment did not go through with this card. You can close this window, and try again in the shop.",
	}}
)

// A ticket is what the URL of a challenge holds. Kind is payment_intent or setup_intent.
type ticket struct{ Merchant, Kind, Intent, Secret, Source string }

func ticketOf(v url.Values) ticket {
	kind := payment.Intents.Name
	if v.Has(setup.Intents.Name) {
		kind = setup.Intents.Name
	}
	return ticket{v.Get("merchant"), kind, v.Get(kind), v.Get(kind + "_client_secret"), v.Get("source")}
}

// Setup says whether a card is being saved, and nothing paid.
func (t ticket) Setup() bool { return t.Kind == setup.Intents.Name }

// A challenge is what its page shows.
type challenge struct {
	ticket
	Name   string
	Amount *amount // nil where nothing is paid
	Card   *card
}

// A standing is how an intent stands, as far as a ticket lets it be known.
type standing struct {
	known     bool // there is such an intent, and the secret is its own
	waits     bool // for this very challenge
	status    string
	passed    bool
	returnURL string
	page      *challenge
}

func (p *pages) challenge(w http.ResponseWriter, r *http.Request) {
	t := ticketOf(r.URL.Query())
	acct, err := p.account(r.Context(), t.Merchant)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if acct == nil {
		p.say(w, http.StatusNotFound, &noChallenge)
		return
	}
	s, err := p.stand(r.Context(), acct, t)
	switch {
	case err != nil:
		p.fail(w, r, err)
	case s.waits:
		p.render(w, http.StatusOK, "challenge.html", s.page)
	default:
		p.finished(w, r, t, s)
	}
}

// complete takes the cardholder's answer. It asks for no token against forged requests: the client secret and the challenge's id are in the
// form, and who knows them may answer.
func (p *pages) complete(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	outcome := r.PostFormValue("outcome")
	if outcome != "complete" && outcome != "fail" {
		p.say(w, http.StatusBadRequest, &noChoice)
		return
	}
	t := ticketOf(r.PostForm)
	ctx := context.WithoutCancel(r.Context()) // a payment goes on when the window is closed
	acct, err := p.account(ctx, t.Merchant)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if acct == nil {
		p.say(w, http.StatusNotFound, &noChallenge)
		return
	}
	answered := false
	err = p.app.Do(ctx, testScope(acct), func(c *api.Call) (err error) {
		answered, err = p.answer(c, t, outcome == "complete")
		return err
	})
	var s standing
	if err == nil {
		s, err = p.stand(ctx, acct, t)
	}
	switch {
	case err != nil:
		p.fail(w, r, err)
	case answered && s.returnURL == "" && outcome == "complete" && s.redirectStatus() != "failed":
		p.say(w, http.StatusOK, &authenticated)
	case answered && s.returnURL == "":
		p.say(w, http.StatusOK, &notAuthenticated)
	default:
		p.finished(w, r, t, s)
	}
}

// answer takes the cardholder's answer to the challenge of a ticket; false if it does not wait for one.
func (p *pages) answer(c *api.Call, t ticket, passed bool) (bool, error) {
	if t.Setup() {
		si, err := p.setups.ChallengeOf(c, t.Intent, t.Secret, t.Source)
		if err != nil || si == nil {
			return false, err
		}
		return true, p.setups.Authenticate(c, si, passed)
	}
	pi, err := p.payments.ChallengeOf(c, t.Intent, t.Secret, t.Source)
	if err != nil || pi == nil {
		return false, err
	}
	return true, p.payments.Authenticate(c, pi, passed)
}

// finished answers who comes with a ticket for a challenge that does not wait for an answer, or has just got one.
func (p *pages) finished(w http.ResponseWriter, r *http.Request, t ticket, s standing) {
	switch {
	case !s.known:
		p.say(w, http.StatusNotFound, &noChallenge)
	case s.status == "requires_action":
		p.say(w, http.StatusGone, &replaced)
	default:
		to := back(s.returnURL, t, s.redirectStatus())
		if to == "" {
			p.say(w, http.StatusGone, &over)
			return
		}
		headers(w.Header())
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusSeeOther)
	}
}

// stand reads how the intent of a ticket stands.
func (p *pages) stand(ctx context.Context, acct *account.Account, t ticket) (standing, error) {
	var s standing
	err := p.app.Do(ctx, testScope(acct), func(c *api.Call) error {
		s = standing{}
		var method *string
		var err error
		if t.Setup() {
			method, err = p.standSetup(c, t, &s)
		} else {
			method, err = p.standPayment(c, t, &s)
		}
		if err != nil || !s.waits {
			return err
		}
		s.page.ticket, s.page.Name = t, merchantName(acct)
		if method == nil {
			return nil
		}
		pm, err := paymentmethod.Get(c, *method)
		if err == nil && pm != nil && pm.Card != nil {
			s.page.Card = cardOf(pm.Card.Brand, pm.Card.Last4)
		}
		return err
	})
	return s, err
}

func (p *pages) standPayment(c *api.Call, t ticket, s *standing) (method *string, err error) {
	pi, err := payment.Intents.Get(c, t.Intent)
	if err != nil || pi == nil || !same(pi.ClientSecret, t.Secret) {
		return nil, err
	}
	s.known, s.status, s.returnURL = true, pi.Status, pi.Private.ReturnURL
	s.passed = pi.Private.Challenged == "passed"
	if pi, err = p.payments.ChallengeOf(c, t.Intent, t.Secret, t.Source); err != nil || pi == nil {
		return nil, err
	}
	sum := amountOf(pi.Amount, pi.Currency)
	s.waits, s.page = true, &challenge{Amount: &sum}
	return pi.PaymentMethod, nil
}

func (p *pages) standSetup(c *api.Call, t ticket, s *standing) (method *string, err error) {
	si, err := setup.Intents.Get(c, t.Intent)
	if err != nil || si == nil || !same(si.ClientSecret, t.Secret) {
		return nil, err
	}
	s.known, s.status, s.returnURL = true, si.Status, si.Private.ReturnURL
	if si, err = p.setups.ChallengeOf(c, t.Intent, t.Secret, t.Source); err != nil || si == nil {
		return nil, err
	}
	s.waits, s.page = true, &challenge{}
	return si.PaymentMethod, nil
}

// redirectStatus is what the shop is told in the URL.
func (s *standing) redirectStatus() string {
	switch s.status {
	case "succeeded", "requires_capture":
		return "succeeded"
	case "processing":
		return "pending"
	case "requires_confirmation": // confirmed by the shop itself, now that the cardholder has authenticated
		if s.passed {
			return "succeeded" // unverified
		}
	}
	return "failed"
}

// back is the shop's URL with what it is told; "" if there is none. What the URL has of a query and a fragment stays.
func back(returnURL string, t ticket, status string) string {
	u, err := url.Parse(returnURL)
	if err != nil || u.Scheme == "" {
		return ""
	}
	told := t.Kind + "=" + url.QueryEscape(t.Intent) + "&" + t.Kind + "_client_secret=" + url.QueryEscape(t.Secret) + "&redirect_status=" + status
	if u.RawQuery != "" {
		told = u.RawQuery + "&" + told
	}
	u.RawQuery = told
	return u.String()
}

func testScope(a *account.Account) store.Scope { return a.Scope(false) }

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
