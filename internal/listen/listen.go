// Package listen is the server's side of the Stripe CLI: `stripe listen`, `stripe logs tail` and `stripe events resend`. The CLI opens a session
// over the API (this file), then a websocket (socket.go), over which it is told of events and requests as they happen (feed.go). It forwards events
// to a program on the developer's machine with the very headers that it was sent, so the server signs them. Known from: facts 10d.
//
// # A session is its id
//
// What a session is (whose, for what, with which filters) is sealed in its websocket id, so there is nothing to keep: the CLI comes back with the
// id every minute, finds any server that has the same vault, and goes on where it was even if the server was started again meanwhile. Its key is
// looked up each time, so a session ends within a minute of its key. The signing secret is the keyed hash of key and device: it stays the same
// from one `stripe listen` to the next, and is kept nowhere.
//
// # A session is no endpoint
//
// pending_webhooks, as the API shows it, counts endpoints that have yet to confirm, and delivery_success asks about them: deliveries that are
// written with their event, and tried again for days. A listener is not among them. It hears of what happens while it listens; if it goes away, there
// is nobody to try again for, and an event that it left behind must not count as undelivered for ever. Nor shall a payment write more because somebody
// watches. What a listener is sent counts the listener itself, though, since programs have never seen a webhook that says 0. What became of it
// (the status that the forwarded event was answered with) is kept beside the event, as an Attempt of a Forwarded, after the fact.
package listen

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/domain/account"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/spec"
	"florin/internal/store"
	"florin/internal/vault"
	"florin/internal/webhook"
)

// What a session can be for.
const (
	webhooks = "webhooks"     // events as webhook endpoints get them
	thin     = "v2_events"    // thin events, of which there are none yet: such a session is open and hears nothing
	requests = "request_logs" // what is asked of the API
)

// Prefix is the path under which websockets are opened, followed by the account.
const Prefix = "/stripecli/subscribe/"

const (
	reconnect   = 60 // seconds after which the CLI opens its websocket anew. Known from: facts 10d
	mostFeeds   = 64 // sessions that listen at a time, for an account in one mode
	sealedFor   = "stripecli/websocket"
	idPrefix    = "cliws_"
	longestName = 200 // characters that are kept of a device's name
)

// A session is what a websocket id says.
type session struct {
	Scope    store.Scope `json:"scope"`
	Account  string      `json:"account"`
	Owner    string      `json:"owner"` // the account whose key it is: the platform, if it acts as another
	Key      string      `json:"key"`   // mk_…
	Device   string      `json:"device"`
	Features []string    `json:"features"`
	Filters  *filters    `json:"filters,omitempty"` // of requests
}

func (s *session) wants(feature string) bool { return slices.Contains(s.Features, feature) }

// Listeners tell sessions of what happens.
type Listeners struct {
	app       *api.App
	vault     *vault.Vault
	accounts  *account.Accounts
	deliverer *webhook.Deliverer
	clock     clock.Clock
	log       *slog.Logger

	wake  chan struct{} // holds one token when fresh has something, or a feed was left
	feeds atomic.Int64  // how many there are, so that it costs nothing while there are none

	mu      sync.Mutex
	running context.Context // Open's; nil before it, and after Run
	fresh   []happening     // events that Run has not looked at
	lost    int             // events that there was no room for
	byID    map[string]*feed
	sockets sync.WaitGroup
}

// New makes the listeners of a server.
func New(app *api.App, v *vault.Vault, accounts *account.Accounts, d *webhook.Deliverer, clk clock.Clock, log *slog.Logger) *Listeners {
	l := &Listeners{
		app: app, vault: v, accounts: accounts, deliverer: d, clock: clk, log: log,
		wake: make(chan struct{}, 1), byID: map[string]*feed{},
	}
	app.Store.OnCommit(l.committed)
	if shared := app.Store.Shared(); shared != nil {
		app.Store.Tell(api.Events.Name, func(p *store.Put) ([]byte, bool) {
			if p.Base != 0 || !shared.Wanted() {
				return nil, false
			}
			if jsontext.Text(p.Body, "account") != "" {
				return []byte(`{"account":"connected"}`), true
			}
			return []byte(`{}`), true
		})
	}
	return l
}

// Routes binds the routes that only the CLI knows.
func (l *Listeners) Routes(r *api.Router) {
	r.Kind(Forwards)
	r.Hidden("POST /v1/stripecli/sessions", l.create)
	r.Answer("stripecli.session", l.created)
	r.Hidden("POST /v1/events/{event}/retry", l.retry)
}

// create answers with a session. It keeps nothing: the answer is all that there is, and is made anew for a retry, because it shows a secret.
func (l *Listeners) create(c *api.Call) (any, error) {
	s := session{Scope: c.Scope, Account: c.Who.AccountID, Owner: c.Who.AccountID, Key: c.Who.KeyID, Device: c.P.Str("device_name")}
	if c.Who.Platform != nil {
		s.Owner = c.Who.Platform.AccountID
	}
	s.Device = s.Device[:min(len(s.Device), longestName)]
	s.Features = texts(c.P.Get("websocket_features"))
	if one := c.P.Str("websocket_feature"); one != "" { // as the first CLIs said it
		s.Features = append(s.Features, one)
	}
	if len(s.Features) == 0 {
		return nil, fault.NoFeature()
	}
	for _, f := range s.Features {
		if f != webhooks && f != thin && f != requests {
			return nil, fault.UnknownFeature(f)
		}
	}
	if text := c.P.Str("filters"); text != "" {
		if err := json.Unmarshal([]byte(text), &s.Filters); err != nil {
			return nil, fault.BadLogFilters()
		}
	}
	if l.count(c.Scope) >= mostFeeds {
		return nil, fault.TooManySessions(mostFeeds)
	}
	arg, err := json.Marshal(&s)
	return api.Answer{Name: "stripecli.session", Arg: string(arg), Secret: true}, err
}

// created is the answer of a session's creation. Known from: facts 10d, and the CLI's own code.
func (l *Listeners) created(c *api.Call, arg string) (any, error) {
	var s session
	if err := json.Unmarshal([]byte(arg), &s); err != nil {
		return nil, err
	}
	answer, err := json.Marshal(&struct {
		Default string `json:"default_version"`
		Device  string `json:"device_token"`
		Warning bool   `json:"display_connect_filter_warning"` // that the filter of accounts has no effect; here it always has
		Latest  string `json:"latest_version"`
		Delay   int    `json:"reconnect_delay"` // seconds
		Secret  string `json:"secret"`
		Feature string `json:"websocket_authorized_feature"`
		ID      string `json:"websocket_id"`
		URL     string `json:"websocket_url"`
	}{
		Default: c.Who.AccountVersion,
		Device:  "clidev_" + l.hash(&s, "device")[:24],
		Latest:  spec.Latest(),
		Delay:   reconnect,
		Secret:  l.secret(&s),
		Feature: s.Features[0],
		ID:      idPrefix + base64.RawURLEncoding.EncodeToString(l.vault.Seal(sealedFor, []byte(arg))),
		URL:     "ws" + strings.TrimPrefix(c.Reached(), "http") + Prefix + s.Account, // ws as the request came by http, wss for https
	})
	return api.JSON(answer), err
}

// open reads a websocket id; nil if it says nothing.
func (l *Listeners) open(id string) *session {
	text, ok := strings.CutPrefix(id, idPrefix)
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil {
		return nil
	}
	plain, err := l.vault.Open(sealedFor, sealed)
	if err != nil {
		return nil
	}
	s := &session{}
	if json.Unmarshal(plain, s) != nil {
		return nil
	}
	return s
}

// valid says whether the key of a session still opens the door.
func (l *Listeners) valid(ctx context.Context, s *session) bool {
	keys, err := l.accounts.ListKeys(ctx, s.Owner)
	return err == nil && slices.ContainsFunc(keys, func(k account.View) bool { return k.Key == s.Key && !k.Expired })
}

// secret signs what a session is sent.
func (l *Listeners) secret(s *session) string { return "whsec_" + l.hash(s, "secret") }

// hash is 64 hexadecimal digits that are the same for a key on a device, and say nothing about them.
func (l *Listeners) hash(s *session, purpose string) string {
	text, err := json.Marshal([]any{"stripecli", purpose, s.Scope, s.Key, s.Device})
	if err != nil {
		panic(err) // numbers and strings
	}
	return l.vault.KeyHash(string(text))
}

// count is how many sessions of a scope listen now.
func (l *Listeners) count(scope store.Scope) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.byID {
		if f.Scope == scope {
			n++
		}
	}
	return n
}

// texts are the texts in a parameter that is a list, however it was written.
func texts(v *form.Value) (out []string) {
	switch {
	case v == nil:
	case len(v.Items) > 0:
		for _, it := range v.Items {
			out = append(out, it.Text)
		}
	case len(v.Fields) > 0:
		for _, f := range v.Fields {
			out = append(out, f.Value.Text)
		}
	case v.Text != "":
		out = []string{v.Text}
	}
	return out
}
