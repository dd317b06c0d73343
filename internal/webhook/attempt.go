package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"florin/internal/api"
	"florin/internal/jsontext"
	"florin/internal/store"
)

// The places of a delivery in the queue's index. One that has none was confirmed, or stopped with its endpoint.
const (
	due        = "due"
	failed     = "failed" // given up: its endpoint has yet to confirm, and pending_webhooks counts it
	queueIndex = "_delivery.queue"
)

// What became of an attempt.
type outcome uint8

const (
	delivered outcome = iota
	refused           // not confirmed; tried again or given up
	stopped           // the endpoint is disabled or deleted: nothing was sent
	vanished          // the delivery is not due any more: nothing was sent
	unread            // the store could not be read: nothing was sent
	aborted           // the server stops
)

// A result is an attempt that has ended.
type result struct {
	ref      ref
	outcome  outcome
	hung     bool // the endpoint did not answer, or took long
	slowLane bool
	doc      *store.Doc   // the delivery as it was read …
	delivery api.Delivery // … and decoded
	live     bool
	attempt  api.Attempt
	first    bool // of the delivery's attempts
	gaveUp   bool
	again    store.Pos // where the delivery stands in the queue when it is tried again
	reread   int64     // when deliveries must be read again, because this result could not be written; 0: it was
}

// message is what is sent.
type message struct {
	to   *endpoint
	body []byte
	live bool
}

// attempt reads a delivery and sends it.
func (d *Deliverer) attempt(ctx context.Context, r ref) result {
	res := result{ref: r}
	start := d.clock.Now()
	m, err := d.compose(ctx, &res)
	switch {
	case ctx.Err() != nil:
		res.outcome = aborted
		return res
	case err != nil && (res.doc == nil || !errors.Is(err, errBroken)):
		d.log.Error("a delivery cannot be read", "delivery", r.id, "cause", err)
		res.outcome = unread
		return res
	case m == nil && err == nil:
		if res.outcome == stopped {
			res.attempt = api.Attempt{At: start.Unix(), Error: "The endpoint is disabled or deleted."}
		}
		return res
	}
	res.attempt.At = start.Unix()
	if err != nil { // what it shows is gone or broken: an error of ours, which is tried again like one of theirs
		d.log.Error("an event cannot be rendered", "delivery", r.id, "cause", err)
		res.outcome, res.attempt.Error = refused, "The event could not be rendered."
		return res
	}
	d.stats.attempts.Add(1)
	res.live = m.live
	ctx, span := d.app.Span(ctx, "webhook")
	span.Set("florin.delivery", r.id)
	status, answer, err := d.send(ctx, m, start.Unix())
	span.Int("http.response.status_code", status)
	span.End(err)
	took := d.clock.Now().Sub(start)
	res.attempt.Millis, res.attempt.Status, res.attempt.Response = took.Milliseconds(), int64(status), scrub(answer)
	if err != nil {
		if ctx.Err() != nil {
			res.outcome = aborted
			return res
		}
		res.attempt.Error = scrub(words(err, d.Timeout))
	}
	res.hung = err != nil || took > d.Timeout/2
	if status < 200 || status > 299 || err != nil {
		res.outcome = refused
	}
	return res
}

// errBroken is in the error of a delivery whose event is not there, or shows what is not: no later attempt reads better.
var errBroken = errors.New("webhook: it is not there")

// compose reads what is sent. It returns nil without an error if nothing is, and says so in the result.
func (d *Deliverer) compose(ctx context.Context, res *result) (*message, error) {
	snap := d.db.View(ctx)
	defer snap.Close()
	doc, err := snap.Get(store.System, res.ref.id)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		res.outcome = vanished
		return nil, nil
	}
	dl := &res.delivery
	if err := jsontext.Decode(doc.Body, dl); err != nil {
		return nil, fmt.Errorf("%s: %w", doc.ID, err)
	}
	if dl.Queue != due {
		res.outcome = vanished
		return nil, nil
	}
	scope := store.Scope(dl.Account)
	home := scope // of the endpoint
	if dl.Home != 0 {
		home = store.Scope(dl.Home)
	}
	we, err := snap.Get(home, dl.Endpoint)
	if err != nil {
		return nil, err
	}
	res.doc, res.live = doc, scope.Live()
	if we == nil || we.Deleted {
		res.outcome = stopped
		return nil, nil
	}
	to, err := d.endpoint(we)
	if err != nil {
		return nil, err
	}
	if !to.enabled {
		res.outcome = stopped
		return nil, nil
	}
	event, err := render(snap, scope, dl.Event)
	if err != nil {
		return nil, err
	}
	if event, err = d.atVersion(ctx, snap, scope, event, to.version); err != nil {
		return nil, err
	}
	return &message{to, jsontext.Indent(make([]byte, 0, len(event)*3/2), event, 0), scope.Live()}, nil
}

// render is the JSON of an event with the object that it shows. pending_webhooks is what it was when the event was made.
func render(snap store.Snapshot, scope store.Scope, id string) ([]byte, error) {
	ev, err := snap.Get(scope, id)
	if err != nil {
		return nil, err
	}
	if ev == nil {
		return nil, fmt.Errorf("there is no event %s: %w", id, errBroken)
	}
	shows, err := api.Shown(ev)
	if err != nil {
		return nil, err
	}
	if shows.System {
		scope = store.System
	}
	object, err := snap.Version(scope, shows.Ref, shows.Ver)
	if err != nil {
		return nil, err
	}
	if object == nil {
		return nil, fmt.Errorf("%s shows version %d of %s, which is not kept: %w", id, shows.Ver, shows.Ref, errBroken)
	}
	pending, err := strconv.Atoi(jsontext.Text(ev.Body, "pending_webhooks"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	return api.ShowEvent(ev.Body, object.Body, pending), nil
}

// atVersion is an event as an endpoint wants it: at its own API version if it has one, otherwise at the account's, which the event names.
func (d *Deliverer) atVersion(ctx context.Context, snap store.Snapshot, scope store.Scope, event []byte, version string) ([]byte, error) {
	if version == "" {
		version = jsontext.Text(event, "api_version")
	} else {
		event = setVersion(event, version)
	}
	if version == "" {
		return event, nil
	}
	return d.Render(ctx, snap, scope, version, event)
}

// setVersion puts another api_version into an event.
func setVersion(event []byte, version string) []byte {
	out := make([]byte, 0, len(event)+16)
	jsontext.Members(event, func(key string, v []byte) bool {
		out = append(jsontext.AppendString(append(out, ','), key), ':')
		if key == "api_version" {
			out = jsontext.AppendString(out, version)
		} else {
			out = append(out, v...)
		}
		return true
	})
	out[0] = '{'
	return append(out, '}')
}

const (
	maxAnswer = 64 << 10 // read of an answer, so that its connection can be used again
	keepText  = 1000     // kept of it
)

// What every message says of itself.
var (
	contentType    = []string{"application/json; charset=utf-8"}
	userAgent      = []string{"Stripe/1.0 (+https://stripe.com/docs/webhooks)"}
	accept         = []string{"*/*; q=0.5, application/xml"}
	acceptEncoding = []string{"gzip"}
	cacheControl   = []string{"no-cache"}
)

// send posts a message, and returns the status and the beginning of what was answered.
func (d *Deliverer) send(ctx context.Context, m *message, now int64) (status int, answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.to.url, bytes.NewReader(m.body))
	if err != nil {
		return 0, "", err
	}
	req.Header = http.Header{ // facts 10a
		"Content-Type": contentType, "User-Agent": userAgent, "Accept": accept, "Accept-Encoding": acceptEncoding, "Cache-Control": cacheControl,
		"Stripe-Signature": {Signature(m.to.secrets, now, m.body, m.live)},
	}
	if u := req.URL.User; u != nil {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	way := d.ways[0]
	if m.live {
		way = d.ways[1]
	}
	resp, err := way.RoundTrip(req) // a redirect is not followed, and counts as a failure
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		err = nil // it has confirmed, whatever became of the rest
	}
	if resp.Header.Get("Content-Encoding") != "" {
		text = nil
	}
	return resp.StatusCode, string(text[:min(len(text), keepText)]), err
}

// words says what went wrong, without the address, which the endpoint has already.
func words(err error, timeout time.Duration) string {
	var addr *refusal
	var slow net.Error
	switch {
	case errors.As(err, &addr):
		return "Refused to connect: " + addr.Error() + "."
	case errors.As(err, &slow) && slow.Timeout():
		return fmt.Sprintf("Timed out after %v.", timeout)
	}
	s := err.Error()
	return s[:min(len(s), keepText)]
}

// secretLike is what must not be kept, though an endpoint may answer it: long numbers, and keys.
var secretLike = regexp.MustCompile(`\d(?:[ -]?\d){11,18}|(?:[sr]k_(?:live|test)_|whsec_)\w+`)

// scrub makes the text of an answer fit to be kept.
func scrub(s string) string {
	if s == "" {
		return ""
	}
	return secretLike.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "(redacted)")
}
