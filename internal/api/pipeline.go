package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/spec"
	"florin/internal/store"
	"florin/internal/version"
)

// maxBody is the largest request body, in bytes. unverified: Stripe's own limit is not published.
const maxBody = 2 << 20

// maxUpload is the largest body of an operation that takes files, in bytes: what the largest file may have, and the form around it.
const maxUpload = 17 << 20

// maxRequestLine is where Stripe's edge answers 414. Known from: facts 03 (3a).
const maxRequestLine = 16 << 10

// A request is one HTTP request on its way. The steps of the way fill it in, in the order of steps.
type request struct {
	app   *App
	w     http.ResponseWriter
	r     *http.Request
	start time.Time

	id        string // req_…
	path      string
	account   string // Stripe-Account
	who       *Principal
	op        *spec.Operation
	vars      spec.Vars
	route     *route
	raw       *form.Value
	params    *form.Value
	expand    *expansion
	version   string
	asked     bool // the request names its version
	idemKey   string
	givenIdem bool // the client sent the key
	print     string

	values []string  // of the answer's headers
	span   Span      // of the request's trace
	inside bool      // of the gate
	large  int64     // bytes of the body that the gate counts
	caller *caller   // whose …
	held   []*bucket // … limits on what is under way the request counts in
}

// A reply is an answer on its way to the wire.
type reply struct {
	status int
	body   []byte  // compact JSON
	laid   []byte  // the same as it goes to the wire, where that was at hand; then there may be no body
	buffer *[]byte // where laid stands, if it goes back to scratch
	fault  *fault.Error

	ref      string // the object that body is a version of, if it is one unchanged
	ver      int64
	original string // id of the request that was first answered so
	replayed bool
	stored   bool // stands under the idempotency key
	sent     bool // Stripe-Should-Retry: false
}

// steps is the request's way. A step that returns a fault ends it.
var steps = []struct {
	name string
	do   func(*request) error
}{
	{"read the form", (*request).read},             // Stripe.js sends its key in it
	{"capacity", (*request).admit},                 // a full house turns away at once
	{"authenticate", (*request).authenticate},      // key → account, mode, permissions
	{"route", (*request).find},                     //
	{"permissions", (*request).permit},             //
	{"idempotency key", (*request).idempotencyKey}, //
	{"version", (*request).apiVersion},             //
	{"moved", (*request).moved},                    // a route that only an older version has → the newest's
	{"rate limits", (*request).limit},              //
	{"walk forward", (*request).forward},           // what an older version sends → what the newest takes
	{"decode", (*request).decode},                  // form → the operation's parameters
	{"is it built", (*request).built},              // what is missing says so, by name
	{"in flight", (*request).enter},                // one request a key at a time
}

// ServeHTTP answers one request of the API.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{app: a, w: w, r: r, start: a.Clock.Now(), id: id.Request(), path: r.URL.EscapedPath()}
	defer q.leave()
	q.trace()
	if r.Method == http.MethodOptions {
		q.preflight()
		return
	}
	if len(r.RequestURI) > maxRequestLine {
		q.tooLong()
		return
	}
	rep := q.run()
	q.respond(rep)
	q.traced(rep)
}

// run goes the request's way, and makes of whatever happens a reply.
func (q *request) run() (rep *reply) {
	defer q.out()
	defer func() {
		if p := recover(); p != nil {
			rep = q.unexpected(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	for _, s := range steps {
		if err := s.do(q); err != nil {
			return q.refuse(err)
		}
	}
	rep, err := q.execute()
	if err != nil {
		return q.refuse(err)
	}
	return rep
}

// refuse makes a reply of an error: a fault as it is, anything else as a 500 that tells nothing.
func (q *request) refuse(err error) *reply {
	var f *fault.Error
	if errors.As(err, &f) {
		return &reply{status: f.Status, fault: f, body: q.back(q.faultBody(f)), sent: f.Executed}
	}
	return q.unexpected(err)
}

func (q *request) unexpected(cause error) *reply {
	if q.r.Context().Err() == nil {
		q.app.Log.Error("a request failed", "request", q.id, "method", q.r.Method, "path", q.path, "cause", cause)
	}
	f := fault.Unexpected()
	return &reply{status: f.Status, fault: f, body: q.faultBody(f)}
}

func (q *request) read() error {
	var body []byte
	if q.r.Body != nil && q.r.Body != http.NoBody {
		var err error
		most := int64(maxBody)
		if op, _, ok := spec.Find(q.r.Method, q.path); ok && op.Multipart {
			most = maxUpload
		}
		body, err = q.readBody(most)
		var large *http.MaxBytesError
		var full *fault.Error
		switch {
		case errors.As(err, &large):
			return fault.BodyTooLarge()
		case errors.As(err, &full):
			return full
		case err != nil:
			return fault.Invalid("", "The request body could not be read.") // the client is gone or too slow
		}
	}
	raw, f := form.Parse(q.r.Header.Get("Content-Type"), q.r.URL.RawQuery, body)
	if f != nil {
		return f
	}
	q.raw = raw
	return nil
}

func (q *request) authenticate() error {
	sent := form.StripKeyParams(q.raw)
	key, account := sent.Key, sent.Account
	if header := q.r.Header.Get("Authorization"); header != "" {
		key = keyOf(q.r, header)
	}
	if h := q.r.Header.Get("Stripe-Account"); h != "" {
		account = h
	}
	q.version = sent.Version
	if key == "" {
		return fault.NoKey()
	}
	if q.r.TLS == nil && strings.Contains(key, "_live_") {
		return fault.LiveKeyOverHTTP()
	}
	who, err := q.app.Authenticate(q.r.Context(), key, account)
	if err != nil {
		return err
	}
	q.who, q.account = who, account
	return nil
}

// keyOf takes the key out of a Bearer or Basic authorization; with Basic it is the user name.
func keyOf(r *http.Request, header string) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	if len(header) > 7 && strings.EqualFold(header[:7], "bearer ") {
		return strings.TrimSpace(header[7:])
	}
	return strings.TrimSpace(header)
}

func (q *request) find() error {
	op, vars, ok := spec.Find(q.r.Method, q.path)
	for i := 0; i < len(q.app.hidden) && !ok; i++ {
		op = q.app.hidden[i]
		vars, ok = op.Match(q.r.Method, q.path)
	}
	if !ok {
		return fault.UnknownURL(q.r.Method, q.path)
	}
	q.op, q.vars, q.route = op, vars, q.app.routes[op]
	return nil
}

func (q *request) permit() error {
	if q.who.Kind == PublishableKey && (q.route == nil || !q.route.publishable) {
		return fault.SecretKeyRequired()
	}
	if q.who.Permit != nil {
		if f := q.who.Permit(q.op); f != nil {
			return f
		}
	}
	return nil
}

func (q *request) idempotencyKey() error {
	if q.r.Method != http.MethodPost {
		q.idemKey = q.r.Header.Get("Idempotency-Key")
		return nil
	}
	values, sent := q.r.Header["Idempotency-Key"]
	if !sent {
		q.idemKey = id.UUID()
		return nil
	}
	q.givenIdem, q.idemKey = true, values[0]
	if q.idemKey == "" || len(q.idemKey) > maxKey {
		q.idemKey = ""
		return fault.BadIdempotencyKey()
	}
	return nil
}

func (q *request) apiVersion() error {
	if h := q.r.Header.Get("Stripe-Version"); h != "" {
		q.version = h
	}
	if q.version == "" {
		if q.version = q.who.Version; q.version == "" {
			q.version = q.who.AccountVersion
		}
		return nil
	}
	q.asked = true
	plain, _, _ := strings.Cut(q.version, ";") // a beta suffix is echoed as sent
	if !spec.KnownVersion(strings.TrimSpace(plain)) {
		bad := q.version
		q.version = q.who.AccountVersion
		return fault.BadVersion(bad)
	}
	return nil
}

func (q *request) decode() error {
	if f := q.checkExpand(); f != nil {
		return f
	}
	if q.route != nil && q.route.hidden {
		q.params = q.raw
		return nil
	}
	check := form.Check
	if q.who.Kind == PublishableKey {
		check = form.CheckPublishable
	}
	retired := version.Retired(q.version, q.op)
	was := map[string]*form.Value{}
	for _, name := range retired {
		if v := q.raw.Get(name); v != nil {
			was[name] = v
			q.raw.Fields = slices.DeleteFunc(q.raw.Fields, func(f form.Field) bool { return f.Name == name })
		}
	}
	params, f := check(q.op, q.raw)
	if f != nil {
		return f
	}
	for _, name := range retired {
		if was[name] != nil {
			params.Set(name, was[name])
		}
	}
	q.params = params
	return nil
}

func (q *request) built() error {
	if q.route == nil {
		return fault.NotBuilt(q.op.Method, q.op.Path)
	}
	return nil
}

func (q *request) enter() error {
	if q.r.Method != http.MethodPost {
		return nil
	}
	q.print = fingerprint(q.op.Route(), q.path, q.params)
	if !q.givenIdem {
		return nil
	}
	if _, busy := q.app.inflight.LoadOrStore(q.flight(), q); busy {
		return fault.IdempotencyInUse(q.idemKey)
	}
	return nil
}

type flight struct {
	scope store.Scope
	key   string
}

func (q *request) flight() flight { return flight{q.who.Scope, q.idemKey} }

// leave frees the idempotency key and the memory of a large body, when the answer has gone out.
func (q *request) leave() {
	if q.large > 0 {
		q.app.Gate.bodies.Add(-q.large)
	}
	if q.givenIdem && q.who != nil && q.print != "" {
		q.app.inflight.CompareAndDelete(q.flight(), q)
	}
}

// reached is the URL under which the client reached this server.
func (q *request) reached() string {
	if q.r.TLS != nil {
		return "https://" + q.r.Host
	}
	return "http://" + q.r.Host
}

// clientIP is where the request came from.
func (q *request) clientIP() string {
	host, _, err := net.SplitHostPort(q.r.RemoteAddr)
	if err != nil {
		return q.r.RemoteAddr
	}
	return host
}

func (q *request) call() *Call {
	c := q.app.newCall(context.WithoutCancel(q.r.Context()), q.who.Scope)
	c.Op, c.P, c.Who, c.Version, c.Asked = q.op, q.params, q.who, q.version, q.asked
	c.RequestID, c.IdempotencyKey, c.vars, c.url = q.id, q.idemKey, q.vars, q.path
	c.expand, c.ip, c.reached = q.expand, q.clientIP(), q.reached()
	return c
}

// handle runs the handler, if the key may be used for what the call is about.
func (q *request) handle(c *Call) (any, error) {
	if q.who.Admit != nil {
		if err := q.who.Admit(c); err != nil {
			return nil, err
		}
	}
	_, span := q.app.Span(c.ctx, "handler")
	res, err := q.route.handle(c)
	span.End(err)
	return res, err
}

// execute runs the handler in a unit of work, and what it sends outside.
func (q *request) execute() (*reply, error) {
	if q.r.Method != http.MethodPost {
		var rep *reply
		_, err := q.app.transact(q.call, func(c *Call) error {
			res, err := q.handle(c)
			rep = &reply{}
			return c.answer(rep, res, err)
		})
		return rep, err
	}
	var rep *reply
	var out *idempotent // the record of an answer that waits for the outside
	var answer Answer
	work := func(c *Call) error {
		out, rep = nil, nil
		if q.givenIdem {
			var err error
			if rep, err = c.seen(q.print); rep != nil || err != nil {
				return err
			}
		}
		res, err := q.handle(c)
		rec, rerr := c.record(q.print)
		if rerr != nil {
			return rerr
		}
		if ans, ok := res.(Answer); ok && err == nil && len(c.sends) > 0 {
			out, answer = rec, ans
			rec.Answer, rec.Arg, rec.Version = ans.Name, ans.Arg, c.Version
			return c.Save(rec)
		}
		rep = &reply{original: q.id}
		return c.conclude(rep, rec, res, err)
	}
	c, err := q.app.transact(q.presuming(), work)
	if err != nil && c != nil && c.presumed != "" {
		var used bool
		if used, err = q.used(err); used {
			c, err = q.app.transact(q.call, work)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := q.outside(c); err != nil {
		return nil, err
	}
	if out == nil {
		return rep, nil
	}
	_, err = q.app.transact(q.call, func(c *Call) error {
		rec, err := c.record(q.print)
		if err != nil {
			return err
		}
		rec.Answer, rec.Arg, rec.Version = "", "", ""
		res, err := c.app.answers[answer.Name](c, answer.Arg)
		if err == ErrStillOut {
			return err
		}
		rep = &reply{original: q.id}
		return c.conclude(rep, rec, res, err)
	})
	if err == ErrStillOut { // nothing came back in time: the answer is open, and a retry with the same key will find it
		return nil, fault.OutsideTimeout()
	}
	return rep, err
}

// presuming makes calls the first of which takes it that the request's idempotency key is new, if it is not at hand: nearly all are. If it is not new
// the commit is a conflict, and the next call looks.
func (q *request) presuming() func() *Call {
	first := q.givenIdem
	return func() *Call {
		c := q.call()
		if first {
			c.presumed = c.idempotentID()
		}
		first = false
		return c
	}
}

// used says whether the idempotency key of a call that presumed otherwise, and was refused, was used before. Its refusal holds if not.
func (q *request) used(refusal error) (bool, error) {
	c := q.call()
	defer c.closeSnapshot()
	rec, err := idempotents.Get(c, c.idempotentID())
	if err != nil {
		return false, err
	}
	return rec != nil, refusal
}

// outside does what the call sent, now that it is committed, and applies what comes back.
func (q *request) outside(c *Call) error {
	for _, send := range c.sends {
		var apply func(*Call) error
		q.away(func() { apply = q.app.leave(c, send) })
		if apply == nil {
			continue
		}
		if err := q.app.do(q.call, apply); err != nil {
			return err
		}
	}
	return nil
}

// ErrStillOut is what an Answer returns that depends on something that has not come back.
var ErrStillOut = errors.New("api: still out")

// conclude makes the reply of what a handler returned, and writes it under the idempotency key if it is of the kind that is stored: every
// result, and every refusal that was raised after execution had begun (facts 04a).
func (c *Call) conclude(rep *reply, rec *idempotent, res any, err error) error {
	var f *fault.Error
	if errors.As(err, &f) && !f.Keep {
		if !f.Executed {
			return err
		}
		print := rec.Fingerprint
		c.reset() // the request is undone, its answer is kept
		if rec, err = c.record(print); err != nil {
			return err
		}
		err = f
	}
	if err := c.answer(rep, res, err); err != nil {
		return err
	}
	rep.stored, rep.sent = true, true
	if ans, ok := res.(Answer); ok && ans.Secret {
		rec.Answer, rec.Arg, rec.Version = ans.Name, ans.Arg, c.Version
		if rec.Ref, rec.Ver = ans.Of, 0; ans.Of != "" {
			rec.Ver = 1
		}
	}
	return c.remember(rec, rep)
}
