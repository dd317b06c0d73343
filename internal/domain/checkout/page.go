package checkout

import (
	"encoding/json"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// The routes that Stripe's own page calls, and that the spec does not have. The CLI pays sessions by them, with a secret key (`stripe trigger
// checkout.session.completed`); a browser may, with a publishable one and the session's id, which nobody can guess.
//
// Known from: facts 08 (8j, 8o), 11. unverified: the shape of a page beyond its ids and its amounts.

func (d *Domain) pageRoutes(r *api.Router) {
	r.HiddenPublic("GET /v1/payment_pages/{page}", showPage)
	r.HiddenPublic("POST /v1/payment_pages/{page}/init", showPage)
	r.HiddenPublic("POST /v1/payment_pages/{page}/confirm", d.confirmPage)
	r.Answer("checkout.page", d.answerPage)
}

// shownPage is a session as its page sees it.
type shownPage struct {
	ID                   string          `json:"id"` // ppage_…
	Object               string          `json:"object"`
	AllowPromotionCodes  *bool           `json:"allow_promotion_codes"`
	AmountSubtotal       *int64          `json:"amount_subtotal"`
	AmountTotal          *int64          `json:"amount_total"`
	CancelURL            *string         `json:"cancel_url"`
	Created              int64           `json:"created"`
	Currency             *string         `json:"currency"`
	CustomerEmail        *string         `json:"customer_email"`
	LineItems            json.RawMessage `json:"line_items"`
	Livemode             bool            `json:"livemode"`
	Locale               *string         `json:"locale"`
	Mode                 string          `json:"mode"`
	NextAction           json.RawMessage `json:"next_action"` // of the intent that waits for the customer
	PaymentMethodTypes   []string        `json:"payment_method_types"`
	PaymentStatus        string          `json:"payment_status"`
	SessionID            string          `json:"session_id"`
	Status               string          `json:"status"`
	SubmitType           *string         `json:"submit_type"`
	SuccessURL           *string         `json:"success_url"`
	URL                  *string         `json:"url"`
	PaymentIntent        *string         `json:"payment_intent"`
	SetupIntent          *string         `json:"setup_intent"`
	Subscription         *string         `json:"subscription"`
	ClientReferenceID    *string         `json:"client_reference_id"`
	PhoneNumberCollected Enabled         `json:"phone_number_collection"`
}

// pagePrefix is what the ids of pages begin with. What follows is the session's own.
const pagePrefix = "ppage_"

func (s *Session) pageID() string { return pagePrefix + s.ID[strings.LastIndexByte(s.ID, '_')+1:] }

// inPath is the session whose page is in the path, by the id of either.
func inPath(c *api.Call) (*Session, error) {
	name := c.Path("page")
	if own, ok := strings.CutPrefix(name, pagePrefix); ok {
		if name = "cs_test_" + own; c.Live() {
			name = "cs_live_" + own
		}
	}
	s, err := Sessions.Get(c, name)
	if err == nil && s == nil {
		err = api.NotFound("payment_page", c.Path("page"), "payment_page")
	}
	return s, err
}

func showPage(c *api.Call) (any, error) {
	s, err := inPath(c)
	if err != nil {
		return nil, err
	}
	return s.showPage(c)
}

func (s *Session) showPage(c *api.Call) (any, error) {
	p := &shownPage{
		ID: s.pageID(), Object: "checkout.session", AllowPromotionCodes: s.AllowPromotionCodes, AmountSubtotal: s.AmountSubtotal, AmountTotal: s.AmountTotal,
		CancelURL: s.CancelURL, Created: s.Created, Currency: s.Currency, CustomerEmail: s.CustomerEmail, Livemode: s.Livemode, Locale: s.Locale, Mode: s.Mode,
		PaymentMethodTypes: s.PaymentMethodTypes, PaymentStatus: s.PaymentStatus, SessionID: s.ID, Status: s.Status, SubmitType: s.SubmitType,
		SuccessURL: s.SuccessURL, URL: s.URL, PaymentIntent: s.PaymentIntent, SetupIntent: s.SetupIntent, Subscription: s.Subscription,
		ClientReferenceID: s.ClientReferenceID, PhoneNumberCollected: s.PhoneNumberCollection,
	}
	items, err := s.wares().shown(c)
	if err != nil {
		return nil, err
	}
	p.LineItems = items
	pi, si, err := s.intents(c)
	switch {
	case err != nil:
		return nil, err
	case pi != nil && s.Status == Open:
		p.NextAction = pi.NextAction
	case si != nil && s.Status == Open:
		p.NextAction = si.NextAction
	}
	return api.JSON(jsontext.Append(nil, p)), nil
}

// confirmPage pays a session with a payment method that there is.
func (d *Domain) confirmPage(c *api.Call) (any, error) {
	s, err := inPath(c)
	if err != nil {
		return nil, err
	}
	pay := &Payment{Method: c.P.Str("payment_method"), IP: c.ClientIP(), Agent: "unknown"}
	if c.P.Given("expected_amount") {
		n, err := json.Number(c.P.Str("expected_amount")).Int64()
		if err != nil {
			return nil, fault.NotInteger("expected_amount", c.P.Str("expected_amount"))
		}
		pay.Expected = &n
	}
	if err := d.Pay(c, s, pay); err != nil {
		return nil, err
	}
	return api.Answer{Name: "checkout.page", Arg: s.ID}, nil
}

// answerPage answers with a page as it stands after a try: itself, or the error that the try has ended with.
func (d *Domain) answerPage(c *api.Call, session string) (any, error) {
	s, err := Sessions.Get(c, session)
	if err != nil || s == nil {
		return nil, err
	}
	if busy, err := d.Busy(c, s); err != nil || busy && s.Status == Open {
		if err == nil {
			err = api.ErrStillOut
		}
		return nil, err
	}
	if f, err := d.Failure(c, s); err != nil || f != nil {
		if err == nil {
			err = f
		}
		return nil, err
	}
	return s.showPage(c)
}
