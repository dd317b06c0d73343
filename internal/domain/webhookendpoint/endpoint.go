// Package webhookendpoint is where a merchant wants to hear of events: an address, and the types of event that are sent there. Package webhook
// sends them.
//
// # Who hears of an event
//
// The endpoints of an event are found in the unit of work that emits it (Subscribers), and each gets a delivery in the same unit. That must be
// right under races: a unit that is committed after an endpoint was made must deliver to it, and one that is committed after it was deleted must
// not. So each account and mode has a roster, a small document that every change of an endpoint writes again, and whoever emits an event guards the
// version of the roster that its endpoints belong to. If an endpoint was made, changed or deleted between the reading and the commit, the
// committer finds another version, the unit is a conflict, and it is run again with the endpoints as they then are. Nothing has to be told in time
// for that, neither within a process nor between several.
//
// What the guard costs is one small read a unit; what the endpoints are at a version of the roster never changes, so it is decoded once and kept
// by (scope, version) until the scope's next version. A commit tells the cache nothing: a version that it does not have is simply read.
package webhookendpoint

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"sync"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/store"
	"florin/internal/vault"
)

// A WebhookEndpoint is an address that events are sent to. Known from: facts 10, and recordings (key order, application null).
type WebhookEndpoint struct {
	api.Meta
	APIVersion    *string           `json:"api_version"` // that its events are rendered at; null: the account's
	Application   *string           `json:"application"`
	Created       int64             `json:"created"` // Unix seconds
	Description   *string           `json:"description"`
	EnabledEvents []string          `json:"enabled_events"`
	Livemode      bool              `json:"livemode"`
	Metadata      map[string]string `json:"metadata"`
	Status        string            `json:"status"`
	URL           string            `json:"url"`
	Private       Private           `json:"-"`
}

// Private is what no answer shows.
type Private struct {
	Connect bool     `json:"connect"` // gets the events of connected accounts, and not the account's own
	Secrets []Secret `json:"secrets"` // newest first
}

// A Secret signs what is sent, until it expires.
type Secret struct {
	Sealed  string `json:"sealed"`  // by the vault, in base64
	Expires int64  `json:"expires"` // Unix seconds; 0: never
}

// Endpoints is the kind of webhook endpoints.
var Endpoints = &api.Kind[WebhookEndpoint]{Name: "webhook_endpoint", Prefixes: []string{"we"}, Word: "webhook endpoint"}

// The statuses. Either may follow the other; a deleted endpoint has none.
const (
	Enabled  = "enabled"
	Disabled = "disabled"
)

// most is how many endpoints an account may have in each mode. Known from: facts 10b.
const most = 16

// every stands for all types of event.
const every = "*"

// A Domain keeps webhook endpoints.
type Domain struct {
	app   *api.App
	vault *vault.Vault
	known sync.Map // store.Scope → *known
}

// New makes the domain. The vault seals signing secrets.
func New(app *api.App, v *vault.Vault) *Domain { return &Domain{app: app, vault: v} }

// Routes binds the domain's routes.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Endpoints)
	r.Kind(rosters)
	r.Handle("POST /v1/webhook_endpoints", d.create)
	r.Handle("POST /v1/webhook_endpoints/{webhook_endpoint}", d.update)
	r.Handle("DELETE /v1/webhook_endpoints/{webhook_endpoint}", d.delete)
	r.Plain("GET /v1/webhook_endpoints/{webhook_endpoint}", Endpoints.Retrieve)
	r.Plain("GET /v1/webhook_endpoints", Endpoints.List)
	r.Answer("webhook_endpoint.created", d.created)
}

func (d *Domain) create(c *api.Call) (any, error) {
	if f := CheckURL(c.P.Str("url"), c.Live()); f != nil {
		return nil, f
	}
	if f := checkEvents(c.P.Get("enabled_events")); f != nil {
		return nil, f
	}
	r, err := roster(c, c.Scope)
	if err != nil {
		return nil, err
	}
	if r.Endpoints >= most {
		return nil, fault.TooManyEndpoints(most, c.Live())
	}
	// Nothing is refused below.
	we := Endpoints.New(c, c.NewID("we"))
	if err := c.Params(we); err != nil {
		return nil, err
	}
	we.Created, we.Livemode, we.Status = c.Now(), c.Live(), Enabled
	we.Private.Connect = c.P.True("connect")
	we.Private.Secrets = []Secret{{Sealed: d.seal(c.Scope, we.ID, id.WebhookSecret())}}
	if err := touch(c, 1); err != nil {
		return nil, err
	}
	// The answer alone shows the secret. It is made by name, so that it need not be kept in clear to be given again.
	return api.Answer{Name: "webhook_endpoint.created", Arg: we.ID, Of: we.ID, Secret: true}, c.Save(we)
}

// created is the answer of a creation: the endpoint with its secret, which stands in the order of the alphabet.
func (d *Domain) created(c *api.Call, endpoint string) (any, error) {
	we, err := Endpoints.First(c, endpoint)
	if err != nil {
		return nil, err
	}
	if we == nil {
		return nil, Endpoints.Missing(endpoint, "id", 404)
	}
	body, err := c.Show(we)
	if err != nil {
		return nil, err
	}
	secrets, err := Secrets(d.vault, c.Scope, we.ID, we.Private.Secrets, c.Now())
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(body)+64)
	jsontext.Members(body, func(key string, v []byte) bool {
		if key == "status" {
			out = append(jsontext.AppendString(append(out, `,"secret":`...), secrets[0]), ',')
		} else {
			out = append(out, ',')
		}
		out = append(append(jsontext.AppendString(out, key), ':'), v...)
		return true
	})
	out[0] = '{'
	return api.JSON(append(out, '}')), nil
}

func (d *Domain) update(c *api.Call) (any, error) {
	we, err := Endpoints.InPath(c, "webhook_endpoint")
	if err != nil {
		return nil, err
	}
	if c.P.Given("url") {
		if f := CheckURL(c.P.Str("url"), c.Live()); f != nil {
			return nil, f
		}
	}
	if f := checkEvents(c.P.Get("enabled_events")); f != nil {
		return nil, f
	}
	next := *we
	if err := api.Bind(&next, c.P); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(next.Metadata); err != nil {
		return nil, err
	}
	// Nothing is refused below.
	if err := c.Params(we); err != nil {
		return nil, err
	}
	if c.P.Given("disabled") {
		we.Status = Enabled
		if c.P.True("disabled") {
			we.Status = Disabled
		}
	}
	if err := touch(c, 0); err != nil {
		return nil, err
	}
	return we, c.Save(we)
}

func (d *Domain) delete(c *api.Call) (any, error) {
	we, err := Endpoints.InPath(c, "webhook_endpoint")
	if err != nil {
		return nil, err
	}
	if err := touch(c, -1); err != nil {
		return nil, err
	}
	return we, c.Delete(we)
}

// Roll gives an endpoint a new secret, which it returns. The old one signs beside it for overlap seconds (facts 10a: up to 24 hours).
func (d *Domain) Roll(ctx context.Context, scope store.Scope, endpoint string, overlap int64) (secret string, err error) {
	if overlap < 0 || overlap > 86400 {
		return "", fmt.Errorf("an overlap of %d seconds: it must be from 0 to 86400", overlap)
	}
	err = d.app.Do(ctx, scope, func(c *api.Call) error {
		we, err := Endpoints.Get(c, endpoint)
		if err != nil {
			return err
		}
		if we == nil {
			return Endpoints.Missing(endpoint, "id", 404)
		}
		secret = id.WebhookSecret()
		secrets := []Secret{{Sealed: d.seal(scope, endpoint, secret)}}
		for _, s := range we.Private.Secrets {
			until := c.Now() + overlap
			if s.Expires > 0 {
				until = min(until, s.Expires)
			}
			if until > c.Now() && len(secrets) < maxSecrets {
				secrets = append(secrets, Secret{s.Sealed, until})
			}
		}
		we.Private.Secrets = secrets
		return c.Save(we)
	})
	return secret, err
}

// maxSecrets is how many secrets sign at a time, however often they are rolled.
const maxSecrets = 2

// Reveal returns an endpoint's newest secret, for the dashboard and the command line.
func (d *Domain) Reveal(ctx context.Context, scope store.Scope, endpoint string) (secret string, err error) {
	err = d.app.Do(ctx, scope, func(c *api.Call) error {
		we, err := Endpoints.Get(c, endpoint)
		if err != nil {
			return err
		}
		if we == nil {
			return Endpoints.Missing(endpoint, "id", 404)
		}
		secrets, err := Secrets(d.vault, scope, endpoint, we.Private.Secrets, c.Now())
		if err == nil {
			secret = secrets[0]
		}
		return err
	})
	return secret, err
}

// sealedFor is what a secret is sealed with, so that it opens nowhere else.
func sealedFor(scope store.Scope, endpoint string) string {
	return fmt.Sprintf("%d/webhook_endpoint/%s", scope, endpoint)
}

func (d *Domain) seal(scope store.Scope, endpoint, secret string) string {
	return base64.StdEncoding.EncodeToString(d.vault.Seal(sealedFor(scope, endpoint), []byte(secret)))
}

// Secrets opens the secrets that sign now, newest first. There is always at least one.
func Secrets(v *vault.Vault, scope store.Scope, endpoint string, sealed []Secret, now int64) ([]string, error) {
	var out []string
	for _, s := range sealed {
		if s.Expires > 0 && s.Expires <= now {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(s.Sealed)
		if err != nil {
			return nil, fmt.Errorf("the secret of %s: %w", endpoint, err)
		}
		plain, err := v.Open(sealedFor(scope, endpoint), raw)
		if err != nil {
			return nil, fmt.Errorf("the secret of %s: %w", endpoint, err)
		}
		out = append(out, string(plain))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no secret", endpoint)
	}
	return out, nil
}

// checkEvents refuses "*" beside others. That each type exists is checked by the spec.
func checkEvents(types *form.Value) *fault.Error {
	if types == nil || len(types.Items) < 2 {
		return nil
	}
	if slices.ContainsFunc(types.Items, func(t *form.Value) bool { return t.Text == every }) {
		return fault.EveryEventAlone()
	}
	return nil
}

// A Roster is the one document that changes with every change of an account's endpoints (see the package comment).
type Roster struct {
	api.Meta
	Endpoints int64 `json:"endpoints"` // how many there are
	Changes   int64 `json:"changes"`   // how often they have changed
}

var rosters = &api.Kind[Roster]{Name: "_webhook_roster", Internal: true}

const rosterID = "_webhook_roster"

// roster loads the roster of a scope and guards it, or makes it: the first event of an account does, so that there is always one to guard.
func roster(c *api.Call, scope store.Scope) (*Roster, error) {
	r, err := rosters.GetAt(c, scope, rosterID)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		r = rosters.NewAt(c, scope, rosterID, c.Now())
		return r, c.Save(r)
	}
	was := c.Scope
	c.Scope = scope // Find looks where the call acts
	defer func() { c.Scope = was }()
	return rosters.Find(c, rosterID, "")
}

// touch marks the endpoints of the call's scope as changed.
func touch(c *api.Call, more int64) error {
	r, err := roster(c, c.Scope)
	if err != nil {
		return err
	}
	r.Endpoints += more
	r.Changes++
	return c.Save(r)
}

// known are a scope's endpoints at one version of its roster.
type known struct {
	changes   int64
	endpoints []subscriber
}

// A subscriber is an endpoint, as far as its choice of events goes.
type subscriber struct {
	id      string
	connect bool
	every   bool
	types   map[string]bool
}

// explicit are the types that "*" does not stand for: endpoints that want them name them. Known from: the API reference of enabled_events says
// that there are some.
// unverified: which; these are asked for and answered, rather than told.
var explicit = map[string]bool{"issuing_authorization.request": true}

// Subscribers are the endpoints of a scope that want an event, for api.App.Subscribers: of the account's own events or, with connect, of those of
// its connected accounts. It runs in the unit of work that emits the event.
func (d *Domain) Subscribers(c *api.Call, scope store.Scope, ev *api.Event, connect bool) ([]string, error) {
	r, err := roster(c, scope)
	if err != nil || r.Endpoints == 0 {
		return nil, err
	}
	k, err := d.endpoints(c, scope, r)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range k.endpoints {
		if s.connect == connect && (s.types[ev.Type] || s.every && !explicit[ev.Type]) {
			out = append(out, s.id)
		}
	}
	return out, nil
}

// endpoints are those of a scope as the roster, which the call has read, says that they are. They are read from the snapshot that the roster was
// read from, so the two belong together.
func (d *Domain) endpoints(c *api.Call, scope store.Scope, r *Roster) (*known, error) {
	if k, ok := d.known.Load(scope); ok && k.(*known).changes == r.Changes {
		return k.(*known), nil
	}
	k := &known{changes: r.Changes}
	add := func(we *WebhookEndpoint) bool {
		if we.Status == Enabled {
			s := subscriber{id: we.ID, connect: we.Private.Connect, types: map[string]bool{}}
			for _, t := range we.EnabledEvents {
				s.types[t] = true
				s.every = s.every || t == every
			}
			k.endpoints = append(k.endpoints, s)
		}
		return true
	}
	if err := each(c, scope, add); err != nil {
		return nil, err
	}
	if !c.Changed(r) { // what this call has changed itself may be undone
		d.known.Store(scope, k)
	}
	return k, nil
}

// each calls add with every endpoint of a scope.
func each(c *api.Call, scope store.Scope, add func(*WebhookEndpoint) bool) error {
	was := c.Scope
	c.Scope = scope // Each looks where the call acts
	defer func() { c.Scope = was }()
	return Endpoints.Each(c, "", "", add)
}
