package api

import (
	"cmp"
	"context"
	"slices"

	"florin/internal/jsontext"
	"florin/internal/search"
	"florin/internal/spec"
	"florin/internal/store"
	"florin/internal/version"
)

// moved goes to where the newest version does what only an older one has a route for.
func (q *request) moved() error {
	to := version.Moved(q.version, q.r.Method, q.path)
	if to == "" {
		return nil
	}
	q.op, q.vars = spec.Lookup(to), spec.Vars{}
	q.route = q.app.routes[q.op]
	return q.permit()
}

// forward makes of parameters that an older API version takes those of the newest.
func (q *request) forward() error {
	return version.Forward(q.version, version.Request{Op: q.op, Params: q.raw, Path: q.vars.Get, Get: q.get})
}

// get is an object as it is before the request does anything; nil if there is none.
func (q *request) get(id string) ([]byte, error) {
	c := q.call()
	defer c.closeSnapshot()
	return reader{c, c.Scope}.Get(id)
}

// back makes of an answer in the newest shape that of the call's API version, and says whether they differ.
func (c *Call) back(body []byte) ([]byte, bool, error) {
	a := version.Answer{Reader: reader{c, c.Scope}, Reduced: c.Publishable()}
	if c.expand != nil {
		a.Expand = branch{c, c.expand}
	}
	return version.Back(c.Version, body, a)
}

// back is Call.back for a refusal that no call has made an answer of.
func (q *request) back(body []byte) []byte {
	if q.who == nil {
		return body
	}
	c := q.call()
	defer c.closeSnapshot()
	out, _, err := c.back(body)
	if err != nil {
		q.app.Log.Error("a refusal could not be walked back", "request", q.id, "version", q.version, "cause", err)
		return body
	}
	return out
}

// RenderEvent makes of an event in the newest shape one whose data is as a version shows it. The caller's snapshot is read from, and is
// not closed.
func (a *App) RenderEvent(ctx context.Context, snap store.Snapshot, scope store.Scope, v string, event []byte) ([]byte, error) {
	c := a.newCall(ctx, scope)
	c.snap = a.Store.Over(snap)
	return version.Event(v, event, reader{c, scope})
}

// A reader gives older shapes what the newest does not show.
type reader struct {
	c     *Call
	scope store.Scope
}

func (r reader) Get(id string) ([]byte, error) {
	st, err := r.c.state(r.scope, id)
	if err != nil || st == nil {
		return nil, err
	}
	return r.c.show(st)
}

// Named is an object of a kind whose ids merchants may choose.
func (r reader) Named(kind, id string) ([]byte, error) {
	k := r.c.app.kinds[kind]
	if k == nil {
		return nil, nil
	}
	return r.Get(k.key(id))
}

// List is a page of the objects of a kind, those of this call included.
func (r reader) List(kind, path, value, url string) ([]byte, error) {
	l := &List{Object: "list", URL: url, Total: new(int64)}
	k := r.c.app.kinds[kind]
	if k == nil {
		return l.JSON(), nil
	}
	found, err := r.find(k, path, value)
	if err != nil {
		return nil, err
	}
	*l.Total, l.HasMore = int64(len(found)), len(found) > defaultLimit
	for _, st := range found[:min(len(found), defaultLimit)] {
		body, err := r.c.show(st)
		if err != nil {
			return nil, err
		}
		l.Data = append(l.Data, body)
	}
	return l.JSON(), nil
}

func (r reader) Find(kind, path, value string) (bodies [][]byte, err error) {
	k := r.c.app.kinds[kind]
	if k == nil {
		return nil, nil
	}
	found, err := r.find(k, path, value)
	for i := 0; i < len(found) && err == nil; i++ {
		var body []byte
		if body, err = r.c.show(found[i]); err == nil {
			bodies = append(bodies, body)
		}
	}
	return bodies, err
}

// find is the objects of a kind that have a value at an indexed path, newest first.
func (r reader) find(k *kind, path, value string) (found []*state, err error) {
	q := store.Query{Scope: r.scope, Index: k.name + "." + path, Value: search.Fold(value)}
	err = r.c.scan(q, func(d *store.Doc) bool {
		if st := r.c.adopt(d); st != nil && !st.deleted {
			found = append(found, st)
		}
		return true
	})
	for _, st := range r.c.docs.list {
		if st.kind != k || st.scope != r.scope || st.base != 0 || st.deleted {
			continue
		}
		if st.seal(); jsontext.Text(st.body, path) == value {
			found = append(found, st)
		}
	}
	slices.SortFunc(found, func(a, b *state) int {
		return cmp.Or(cmp.Compare(b.created, a.created), cmp.Compare(b.seq, a.seq))
	})
	return found, err
}

func (r reader) Include(object []byte, name string) ([]byte, error) {
	if f := r.c.app.includes[include{jsontext.Text(object, "object"), name}]; f != nil {
		return f(r.c, object)
	}
	return nil, nil
}

// A branch is a part of what expand[] asks for, as package version needs it.
type branch struct {
	c *Call
	e *expansion
}

func (b branch) Child(name string) version.Tree {
	e := b.e.child(name)
	if e == nil {
		return nil
	}
	return branch{b.c, e}
}

func (b branch) Expand(value []byte) ([]byte, error) { return b.c.expandMember(nil, value, b.e) }
