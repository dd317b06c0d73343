package api

import (
	"florin/internal/store"
)

// A Mirror stands for an object of another account where this account's objects refer to it: a platform's transfer names the payment that it became
// on the connected account, and that payment names the transfer. It has the object's id, and is shown as the object. It is no object of its own
// kind, so nothing but expand[] finds it.
type Mirror struct {
	Meta
	Scope int64 `json:"scope"` // where the object is kept
}

// Mirrors is the kind of mirrors.
var Mirrors = &Kind[Mirror]{Name: mirrorName, Internal: true, View: viewMirror}

const mirrorName = "_mirror"

func viewMirror(c *Call, d *store.Doc) ([]byte, error) {
	st, err := c.behind(d.Scope, d.ID)
	if err != nil || st == nil {
		return []byte("null"), err
	}
	return c.show(st)
}

// Mirror lets objects of a scope refer to one of another account.
func (c *Call) Mirror(in store.Scope, obj Resource) error {
	st := obj.meta().st
	if st.scope == in {
		return nil
	}
	if there, err := c.state(in, st.id); err != nil || there != nil {
		return err
	}
	m := Mirrors.NewAt(c, in, st.id, st.created)
	m.Scope = int64(st.scope)
	return c.Save(m)
}

// behind is the object that a mirror stands for, or the object itself.
func (c *Call) behind(scope store.Scope, id string) (*state, error) {
	st, err := c.state(scope, id)
	if err != nil || st == nil || st.kind.name != mirrorName {
		return st, err
	}
	obj, err := st.object()
	if err != nil {
		return nil, err
	}
	return c.state(store.Scope(obj.(*Mirror).Scope), id)
}
