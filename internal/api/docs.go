package api

import (
	"slices"

	"florin/internal/store"
)

// docs are the states that a call has of documents, one for each, in the order in which they came. They are mostly few, and then looked through; of
// many there is a map besides.
type docs struct {
	list []*state
	at   map[docKey]*state
	few  [8]*state
}

type docKey struct {
	scope store.Scope
	id    string
}

// many is from how many states on there is a map.
const many = 24

// get is the state of a document; nil if there is none.
func (d *docs) get(scope store.Scope, id string) *state {
	if d.at != nil {
		return d.at[docKey{scope, id}]
	}
	for _, st := range d.list {
		if st.id == id && st.scope == scope {
			return st
		}
	}
	return nil
}

// put makes a state the one of its document.
func (d *docs) put(st *state) {
	if old := d.get(st.scope, st.id); old != nil {
		d.remove(old)
	}
	if d.list == nil {
		d.list = d.few[:0]
	}
	d.list = append(d.list, st)
	switch {
	case d.at != nil:
		d.at[docKey{st.scope, st.id}] = st
	case len(d.list) > many:
		d.at = make(map[docKey]*state, 2*many)
		for _, st := range d.list {
			d.at[docKey{st.scope, st.id}] = st
		}
	}
}

func (d *docs) remove(st *state) {
	d.list = slices.DeleteFunc(d.list, func(o *state) bool { return o == st })
	delete(d.at, docKey{st.scope, st.id})
}
