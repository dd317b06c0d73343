// Package forwarding sends a request of the merchant's on to another processor with the data of a card in it, so that the merchant never sees them.
//
// The request leaves after the commit (api.Call.Send), through a Sender that reaches only addresses that it may; what comes back is applied in a second
// unit of work, and is what the answer shows. Nothing that is kept has a card's number in full: neither the body that was sent, nor what came back.
//
// Known from: the spec; docs.stripe.com/payments/forwarding (what is replaced, how it is masked).
package forwarding

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"florin/internal/api"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// A Sender posts a body to a URL outside.
type Sender interface {
	Send(ctx context.Context, live bool, url string, headers []Header, body []byte) (*Reply, error)
}

// A Reply is what came back.
type Reply struct {
	Status  int64
	Headers []Header
	Body    string
	IP      string // the address that answered
	Millis  int64  // how long it took
}

// A Domain forwards requests.
type Domain struct {
	methods *paymentmethod.Domain
	sender  Sender
}

// New makes the domain.
func New(methods *paymentmethod.Domain, sender Sender) *Domain { return &Domain{methods, sender} }

// A Request is one that was forwarded.
type Request struct {
	api.Meta
	Created         int64             `json:"created"`
	Livemode        bool              `json:"livemode"`
	Metadata        map[string]string `json:"metadata"`
	PaymentMethod   string            `json:"payment_method"`
	Replacements    []string          `json:"replacements"`
	RequestContext  *Context          `json:"request_context"`
	RequestDetails  *Details          `json:"request_details"`
	ResponseDetails *Response         `json:"response_details"`
	URL             *string           `json:"url"`

	Private struct {
		Failed string `json:"failed,omitempty"` // the code with which it is refused, where nothing came back
	} `json:"-"`
}

// Context is how long it took, and where it went.
type Context struct {
	Duration int64  `json:"destination_duration"` // milliseconds
	IP       string `json:"destination_ip_address"`
}

// Details are what was sent, with the card masked.
type Details struct {
	Body    string   `json:"body"`
	Headers []Header `json:"headers"`
	Method  string   `json:"http_method"` // POST
}

// Response is what came back.
type Response struct {
	Body    string   `json:"body"`
	Headers []Header `json:"headers"`
	Status  int64    `json:"status"`
}

// A Header is one of a request or of an answer.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Requests is the kind of forwarded requests. unverified: the words of "No such …".
var Requests = &api.Kind[Request]{Name: "forwarding.request", Prefixes: []string{"fwdreq"}, Word: "forwarding request"}

const (
	sendFor   = 20 * time.Second
	giveUpAt  = 60 // seconds, for one whose process died
	noAnswer  = "forwarding_api_upstream_connection_error"
	noTime    = "forwarding_api_upstream_connection_timeout"
	malformed = "forwarding_api_invalid_parameter"
)

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Requests)
	r.Handle("POST /v1/forwarding/requests", d.create)
	r.Handle("GET /v1/forwarding/requests", Requests.List)
	r.Plain("GET /v1/forwarding/requests/{id}", Requests.Retrieve)
	r.Answer("forwarding.request", d.answer)
	r.Task("forwarding.give_up", d.giveUp)
}

func (d *Domain) create(c *api.Call) (any, error) {
	p := c.P
	to, err := url.Parse(p.Str("url"))
	local := err == nil && to.Scheme == "http" && !c.Live() // a server of the merchant's tests; the sender knows where it may be
	switch {
	case err != nil || to.Host == "" || to.User != nil || to.Scheme != "https" && !local:
		return nil, fault.ForwardingURL()
	case slices.Contains(p.Strings("replacements"), "request_signature"):
		return nil, fault.NotYet("forwarding with request_signature", "replacements")
	}
	pm, err := d.methods.Resolve(c, p.Str("payment_method"), "payment_method")
	if err != nil {
		return nil, err
	}
	if pm.Card == nil {
		return nil, fault.ForwardingNotCard()
	}
	card, err := d.methods.Card(pm)
	if err != nil {
		return nil, err
	}
	in := p.Get("request")
	wants := p.Strings("replacements")
	body := in.Str("body")
	if !json.Valid([]byte(body)) {
		return nil, fault.Forwarding(malformed, "request[body]", "The request body must be valid JSON.")
	}
	real := map[string]string{"card_number": card.Number, "cardholder_name": ""}
	if name := pm.BillingDetails.Name; name != nil {
		real["cardholder_name"] = *name
	}
	real["month"], real["year"] = fmt.Sprintf("%02d", pm.Card.ExpMonth), fmt.Sprint(pm.Card.ExpYear)
	masked := map[string]string{}
	for k, v := range real {
		masked[k] = v
	}
	mask := card.Number[:6] + strings.Repeat("*", len(card.Number)-10) + card.Last4()
	masked["card_number"] = mask
	headers := []Header{}
	if hs := in.Get("headers"); hs != nil {
		for i, h := range hs.Items {
			name := h.Str("name")
			if !allowedHeader(name, h.Str("value")) {
				return nil, fault.Forwarding(malformed, fmt.Sprintf("request[headers][%d][name]", i), "The header "+name+" cannot be set.")
			}
			headers = append(headers, Header{name, h.Str("value")})
		}
	}
	if !slices.ContainsFunc(headers, func(h Header) bool { return strings.EqualFold(h.Name, "Content-Type") }) {
		headers = append(headers, Header{"Content-Type", "application/json"})
	}

	fr := Requests.New(c, c.NewID("fwdreq"))
	fr.Created, fr.Livemode, fr.Metadata, fr.PaymentMethod, fr.Replacements = c.Now(), c.Live(), map[string]string{}, pm.ID, wants
	if err := c.ParamsOnly(fr, "metadata"); err != nil {
		return nil, err
	}
	address := to.String()
	fr.URL = &address
	fr.RequestDetails = &Details{Body: string(replace([]byte(body), "", wants, masked)), Headers: headers, Method: "POST"}
	if err := c.Save(fr); err != nil {
		return nil, err
	}
	c.At(c.Now()+giveUpAt, "forwarding.give_up", fr.ID)
	sent, live, id := replace([]byte(body), "", wants, real), c.Live(), fr.ID
	c.Send(func(ctx context.Context) func(*api.Call) error {
		ctx, cancel := context.WithTimeout(ctx, sendFor)
		defer cancel()
		reply, err := d.sender.Send(ctx, live, address, headers, sent)
		late := ctx.Err() != nil
		return func(c *api.Call) error { return d.heard(c, id, reply, err, late, card.Number, mask) }
	})
	return api.Answer{Name: "forwarding.request", Arg: fr.ID}, nil
}

// heard writes down what came back, or that nothing did.
func (d *Domain) heard(c *api.Call, id string, reply *Reply, failed error, late bool, number, mask string) error {
	fr, err := Requests.Get(c, id)
	if err != nil || fr == nil || fr.ResponseDetails != nil || fr.Private.Failed != "" {
		return err
	}
	if failed != nil {
		fr.Private.Failed = noAnswer
		if late {
			fr.Private.Failed = noTime
		}
		return c.Save(fr)
	}
	hide := func(s string) string { return strings.ReplaceAll(s, number, mask) }
	fr.RequestContext = &Context{Duration: reply.Millis, IP: reply.IP}
	fr.ResponseDetails = &Response{Body: hide(reply.Body), Headers: []Header{}, Status: reply.Status}
	for _, h := range reply.Headers {
		fr.ResponseDetails.Headers = append(fr.ResponseDetails.Headers, Header{h.Name, hide(h.Value)})
	}
	return c.Save(fr)
}

// answer shows the request when it has come back.
func (d *Domain) answer(c *api.Call, id string) (any, error) {
	fr, err := Requests.Get(c, id)
	switch {
	case err != nil:
		return nil, err
	case fr.Private.Failed != "":
		return nil, fault.Forwarding(fr.Private.Failed, "", "The request could not be forwarded: the destination did not answer.").AfterStart()
	case fr.ResponseDetails == nil:
		return nil, api.ErrStillOut
	}
	return fr, nil
}

// giveUp is the task for a request whose process died before it came back. Whether the destination has got it is not known.
func (d *Domain) giveUp(c *api.Call, id string) error {
	fr, err := Requests.Get(c, id)
	if err != nil || fr == nil || fr.ResponseDetails != nil || fr.Private.Failed != "" {
		return err
	}
	fr.Private.Failed = noTime
	return c.Save(fr)
}

// allowedHeader says whether a request may set a header: those that say where and how it goes are not the merchant's.
func allowedHeader(name, value string) bool {
	switch strings.ToLower(name) {
	case "", "host", "content-length", "connection", "transfer-encoding", "upgrade", "te", "trailer", "proxy-authorization":
		return false
	}
	return !strings.ContainsAny(name, "\r\n\x00: ") && !strings.ContainsAny(value, "\r\n\x00")
}

// places are the names under which destinations take card data, without hyphens, underscores and case, and what is put there.
// unverified: at Stripe, a destination's own configuration says where; Florin has none, and goes by the name. Nothing is put in the place of a security
// code, because none is kept.
var places = map[string][2]string{ // name → what must be wanted, what is put there
	"number": {"card_number", "card_number"}, "cardnumber": {"card_number", "card_number"}, "pan": {"card_number", "card_number"},
	"expirymonth": {"card_expiry", "month"}, "expmonth": {"card_expiry", "month"}, "expirationmonth": {"card_expiry", "month"},
	"expiryyear": {"card_expiry", "year"}, "expyear": {"card_expiry", "year"}, "expirationyear": {"card_expiry", "year"},
	"holdername": {"cardholder_name", "cardholder_name"}, "cardholdername": {"cardholder_name", "cardholder_name"}, "nameoncard": {"cardholder_name", "cardholder_name"},
}

var squeeze = strings.NewReplacer("_", "", "-", "")

// replace puts card data into a JSON body, in the place of texts and nulls by a known name.
func replace(v []byte, name string, wants []string, with map[string]string) []byte {
	v = []byte(strings.TrimSpace(string(v)))
	if len(v) == 0 {
		return v
	}
	switch v[0] {
	case '{':
		out := []byte{'{'}
		jsontext.Members(v, func(key string, value []byte) bool {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(append(jsontext.AppendString(out, key), ':'), replace(value, key, wants, with)...)
			return true
		})
		return append(out, '}')
	case '[':
		out := []byte{'['}
		jsontext.Items(v, func(item []byte) bool {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, replace(item, "", wants, with)...)
			return true
		})
		return append(out, ']')
	case '"', 'n':
		if place, ok := places[squeeze.Replace(strings.ToLower(name))]; ok && slices.Contains(wants, place[0]) {
			return jsontext.AppendString(nil, with[place[1]])
		}
	}
	return v
}
