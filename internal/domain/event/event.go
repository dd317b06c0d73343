// Package event shows what has happened: the events of an account, for 30 days. They are written by api.Call.Save and Emit, in the unit of work
// that made them happen, and delivered by package webhook.
package event

import (
	"slices"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// ShownFor is how long an event can be listed and retrieved, in seconds. Known from: facts 10b.
const ShownFor = 30 * 86400

// A Domain shows events.
type Domain struct{}

// New makes the domain.
func New() *Domain { return &Domain{} }

// Routes binds the domain's routes.
func (d *Domain) Routes(r *api.Router) {
	r.Handle("GET /v1/events", d.list)
	r.Handle("GET /v1/events/{id}", d.retrieve)
}

func (d *Domain) retrieve(c *api.Call) (any, error) {
	ev, err := api.Events.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	if ev.Created < c.Now()-ShownFor {
		return nil, api.Events.Missing(ev.ID, "id", 404)
	}
	return ev, nil
}

// list answers with a page of the account's events, newest first, by type, time, and whether they were delivered. Known from: facts 06a, 10c.
func (d *Domain) list(c *api.Call) (any, error) {
	typ, types := c.P.Str("type"), c.P.Strings("types")
	if typ != "" && len(types) > 0 {
		return nil, fault.OnlyOne("type", "types") // unverified: that Stripe refuses both
	}
	n := api.Narrow{Skip: []string{"types", "delivery_success"}}
	var tests []func(body []byte) bool
	if strings.Contains(typ, "*") {
		n.Skip = append(n.Skip, "type")
		tests = append(tests, func(body []byte) bool { return Match(typ, jsontext.Text(body, "type")) })
	}
	if len(types) > 0 {
		tests = append(tests, func(body []byte) bool {
			has := jsontext.Text(body, "type")
			return slices.ContainsFunc(types, func(t string) bool { return Match(t, has) })
		})
	}
	var failed error
	if c.P.Given("delivery_success") {
		want := c.P.True("delivery_success")
		tests = append(tests, func(body []byte) bool {
			ok, err := delivered(c, body)
			if err != nil {
				failed = err
			}
			return ok == want
		})
	}
	if len(tests) > 0 {
		n.Where = func(body []byte) bool {
			return !slices.ContainsFunc(tests, func(test func([]byte) bool) bool { return !test(body) })
		}
	}
	since(c, c.Now()-ShownFor)
	l, err := api.Events.ListOf(c, n)
	if failed != nil {
		return nil, failed
	}
	return l, err
}

// delivered says whether every endpoint that wanted the event has confirmed it. An event that nobody wanted is delivered.
// unverified: Stripe documents "successfully delivered" for events that have webhooks, and does not speak of others.
func delivered(c *api.Call, body []byte) (bool, error) {
	if jsontext.Text(body, "pending_webhooks") == "0" { // when it was made, nobody wanted it
		return true, nil
	}
	ev, err := api.Events.Get(c, jsontext.Text(body, "id"))
	if err != nil || ev == nil {
		return false, err
	}
	shown, err := c.Show(ev)
	return jsontext.Text(shown, "pending_webhooks") == "0", err
}

// since bounds the `created` of a list from below. The parameters are those of the request, which may be run again, so they are copied.
func since(c *api.Call, least int64) {
	p := form.Value{Kind: form.Object}
	if c.P != nil {
		p = *c.P
	}
	created := p.Get("created")
	bound := &form.Value{Kind: form.Object}
	switch {
	case created == nil || created.Kind == form.Unset:
	case created.Kind == form.Int && created.Int >= least:
		return
	case created.Kind == form.Int: // an exact time that is too long ago: nothing is found
		bound.Fields = []form.Field{{Name: "lte", Value: created}}
	default:
		least = max(least, created.Num("gte"))
		for _, f := range created.Fields {
			if f.Name != "gte" {
				bound.Fields = append(bound.Fields, f)
			}
		}
	}
	bound.Fields = append(bound.Fields, form.Field{Name: "gte", Value: &form.Value{Kind: form.Int, Int: least, Text: strconv.FormatInt(least, 10)}})
	p.Fields = slices.Clone(p.Fields)
	p.Fields = slices.DeleteFunc(p.Fields, func(f form.Field) bool { return f.Name == "created" })
	p.Fields = append(p.Fields, form.Field{Name: "created", Value: bound})
	c.P = &p
}

// Match says whether a type of event is one that a pattern means: "charge.*" means all that begin with "charge.", charge.dispute.created among
// them; a pattern without * means itself.
func Match(pattern, typ string) bool {
	head, tail, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == typ
	}
	return len(typ) >= len(head)+len(tail) && strings.HasPrefix(typ, head) && strings.HasSuffix(typ, tail)
}
