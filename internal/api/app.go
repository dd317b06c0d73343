// Package api is the way of a request: from the wire to a handler's Call, through one unit of work, and back as Stripe's answer. It knows no
// Stripe resource. The way is a list that can be read in pipeline.go.
//
// A domain registers its kinds and binds its handlers with a Router. A handler takes a *Call and returns an answer or an error; everything
// that it reads comes through the call, and everything that it changes is gathered there and committed at once (unit.go), together with
// events (event.go), tasks (task.go), moves of money, and the answer under its idempotency key (idempotency.go).
package api

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"florin/internal/clock"
	"florin/internal/fault"
	"florin/internal/spec"
	"florin/internal/store"
)

// A Handler does one operation. It returns a Resource, a *List, JSON, an Answer, or an error. It may be run again.
type Handler func(c *Call) (any, error)

// An Answer names a function that makes the answer, from the objects as they stand when everything that left has come back.
type Answer struct {
	Name, Arg string
	Secret    bool   // the answer shows a secret: it is not stored under the idempotency key, but made anew for a retry
	Of        string // the object that such an answer shows as it was made (Kind.First), which is kept for a retry; "" if it shows none
}

// JSON is an answer that is compact JSON already.
type JSON []byte

// An App is everything that requests share.
type App struct {
	Store *store.DB
	Clock clock.Clock
	Log   *slog.Logger
	// Authenticate finds out who a key belongs to; stripeAccount is the account to act as, if any.
	Authenticate func(ctx context.Context, key, stripeAccount string) (*Principal, error)
	// Subscribers lists the webhook endpoints of a scope that want an event: those for the account's own, or those for its connected accounts'.
	Subscribers func(c *Call, scope store.Scope, ev *Event, connect bool) ([]string, error)
	// Elsewhere is what the refusal of an id adds that names nothing here but may name something of a platform or a connected account.
	Elsewhere func(c *Call, kind, id string) string
	// PrincipalOf is whom tasks of a scope are done as.
	PrincipalOf func(ctx context.Context, scope store.Scope) (*Principal, error)
	// Requests is told of every request that was answered.
	Requests func(*Record)
	// Gate bounds the requests that are being worked on.
	Gate *Gate
	// Tracer makes the spans of traces; nil if nobody wants them.
	Tracer trace.Tracer
	// Tasked is told of every task that was done, or failed.
	Tasked func(work string, err error)
	// Base is the URL under which browsers reach this server, for pages that answers point to.
	Base string

	routes   map[*spec.Operation]*route
	hidden   []*spec.Operation // those of routes that the spec does not have
	kinds    map[string]*kind
	prefixes map[string]*kind
	includes map[include]Include
	answers  map[string]func(c *Call, arg string) (any, error)
	tasks    map[string]TaskFunc
	failed   map[string]TaskFunc
	inflight sync.Map // idempotency keys that are being worked on
	taskWake chan struct{}
	limits   *Limits // nil where there are none

	clockwork string // the task that does what is due on a clock
}

type route struct {
	handle      Handler
	plain       bool // create, retrieve, update, list or delete without behaviour of its own
	publishable bool // may be called with a publishable key
	hidden      bool // not in the spec: its parameters are not checked
}

// New makes an app on a store. The domains are added by Use.
func New(db *store.DB, clk clock.Clock, log *slog.Logger) *App {
	a := &App{
		Store: db, Clock: clk, Log: log, Gate: NewGate(0),
		routes: map[*spec.Operation]*route{}, kinds: map[string]*kind{}, prefixes: map[string]*kind{}, includes: map[include]Include{},
		answers: map[string]func(*Call, string) (any, error){}, tasks: map[string]TaskFunc{}, failed: map[string]TaskFunc{},
		taskWake: make(chan struct{}, 1),
	}
	r := &Router{a}
	r.Kind(Events)
	r.Kind(Deliveries)
	r.Kind(Tasks)
	r.Kind(idempotents)
	r.Kind(Mirrors)
	wake := func() {
		select {
		case a.taskWake <- struct{}{}:
		default:
		}
	}
	db.Tell(Tasks.Name, nil)
	db.OnMissed(wake)
	db.OnCommit(func(units []*store.Unit) {
		for _, u := range units {
			for i := range u.Puts {
				if u.Puts[i].Kind == Tasks.Name {
					wake()
					return
				}
			}
		}
	})
	return a
}

// A Router binds what a domain does. It panics on what the spec does not have and on what is bound twice, so that neither gets past the start.
type Router struct{ app *App }

// Use lets a domain bind its routes.
func (a *App) Use(domains ...interface{ Routes(*Router) }) {
	for _, d := range domains {
		d.Routes(&Router{a})
	}
}

// Kind registers a kind of resource.
func (r *Router) Kind(k interface{ register() *kind }) {
	b := k.register()
	if r.app.kinds[b.name] != nil {
		panic("api: two kinds are called " + b.name)
	}
	r.app.kinds[b.name] = b
	for _, p := range b.prefixes {
		if r.app.prefixes[p] != nil {
			panic("api: two kinds have the prefix " + p)
		}
		r.app.prefixes[p] = b
	}
}

// An Include makes a member that an object shows only when it is expanded, of the object's JSON.
type Include func(c *Call, object []byte) ([]byte, error)

type include struct{ kind, member string }

// Include registers who makes a member of a kind that is shown only when it is expanded.
func (r *Router) Include(kind, member string, f Include) { r.app.includes[include{kind, member}] = f }

// Handle binds the handler of a route, which is written as in the spec: "POST /v1/customers/{customer}".
func (r *Router) Handle(pattern string, h Handler) { r.bind(pattern, &route{handle: h}) }

// Plain is Handle for an operation that only keeps or shows what it was given.
func (r *Router) Plain(pattern string, h Handler) { r.bind(pattern, &route{handle: h, plain: true}) }

// Public is Handle for a route that a publishable key may call, too.
func (r *Router) Public(pattern string, h Handler) {
	r.bind(pattern, &route{handle: h, publishable: true})
}

// Hidden is Handle for a route that the spec does not have, and that official programs call all the same. Its parameters come as they were sent,
// and it stands in no coverage.
func (r *Router) Hidden(pattern string, h Handler) {
	if spec.Lookup(pattern) != nil {
		panic("api: the spec has the route " + pattern)
	}
	op := spec.Hidden(pattern)
	r.app.hidden = append(r.app.hidden, op)
	r.app.routes[op] = &route{handle: h, hidden: true}
}

// HiddenPublic is Hidden for a route that a publishable key may call, too.
func (r *Router) HiddenPublic(pattern string, h Handler) {
	r.Hidden(pattern, h)
	r.app.routes[r.app.hidden[len(r.app.hidden)-1]].publishable = true
}

func (r *Router) bind(pattern string, rt *route) {
	op := spec.Lookup(pattern)
	if op == nil {
		panic("api: the spec has no route " + pattern)
	}
	if r.app.routes[op] != nil {
		panic("api: bound twice: " + pattern)
	}
	r.app.routes[op] = rt
}

// Answer registers a function that makes answers (see type Answer).
func (r *Router) Answer(name string, f func(c *Call, arg string) (any, error)) {
	r.app.answers[name] = f
}

// Task registers who does a kind of work.
func (r *Router) Task(work string, f TaskFunc) { r.app.tasks[work] = f }

// Failed registers who deals with a kind of work that has failed, in a unit of its own; it is then not tried again.
func (r *Router) Failed(work string, f TaskFunc) { r.app.failed[work] = f }

// Coverage says what an operation does here: "behaves", "plain" or "not yet".
func (a *App) Coverage(op *spec.Operation) string {
	switch rt := a.routes[op]; {
	case rt == nil:
		return "not yet"
	case rt.plain:
		return "plain"
	}
	return "behaves"
}

func (a *App) principalOf(ctx context.Context, scope store.Scope) (*Principal, error) {
	if scope == store.System || a.PrincipalOf == nil {
		return nil, nil
	}
	who, err := a.PrincipalOf(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("the account of scope %d: %w", scope, err)
	}
	return who, nil
}

// A KeyKind is what sort of key a caller has.
type KeyKind uint8

// The kinds of keys, by what their names begin with: sk_, rk_, pk_ and ek_.
const (
	SecretKey KeyKind = iota
	RestrictedKey
	PublishableKey
	EphemeralKey
)

// A Principal is who calls: an account in one mode, and what its key may do. It is shared between requests and never changed.
type Principal struct {
	Scope          store.Scope
	AccountID      string // acct_…
	AccountVersion string // the account's default API version
	Version        string // the API version that the key was made for; "" for most: the account's
	Kind           KeyKind
	Masked         string // the key as it may be shown in messages
	KeyID          string // what the log calls the key
	// Permit refuses an operation that the key has no permission for; nil permits all.
	Permit func(op *spec.Operation) *fault.Error
	// Admit refuses a call for what it is about, before its handler runs: a key that is for one customer sees no other. nil admits all.
	Admit func(c *Call) error
	// Holder is the account itself, for the domains.
	Holder any
	// Platform is who acts as a connected account, or answers for it; nil: the account acts by itself.
	Platform *Principal
}
