package version

import (
	"florin/internal/jsontext"
)

// A walk goes through one answer. The changes of an object are made before those of what is in it, so a change finds everything below its object
// in the newest shape, and what it puts there is walked back in its turn.
type walk struct {
	plan    *plan
	read    Reader
	reduced bool
}

// failure is the kind of the errors that requests are refused with and intents show, which have no "object".
const failure = "error"

// failures are the members that hold such.
var failures = map[string]bool{"error": true, "last_payment_error": true, "last_setup_error": true, "setup_error": true}

// value appends a value, walked back. name is the member that it is the value of.
func (w *walk) value(dst, v []byte, name string, tree Tree) ([]byte, error) {
	if len(v) == 0 || name == "metadata" { // the client's own words
		return append(dst, v...), nil
	}
	switch v[0] {
	case '[':
		dst = append(dst, '[')
		first, err := true, error(nil)
		jsontext.Items(v, func(item []byte) bool {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst, err = w.value(dst, item, "", tree)
			return err == nil
		})
		return append(dst, ']'), err
	case '{':
		return w.object(dst, v, name, tree)
	}
	return append(dst, v...), nil
}

func (w *walk) object(dst, v []byte, name string, tree Tree) ([]byte, error) {
	kind := jsontext.Text(v, "object")
	if kind == "" && failures[name] {
		kind = failure
	}
	if kind == "event" { // its data is rendered at the version that the event says
		return append(dst, v...), nil
	}
	changes := w.plan.back[kind]
	if len(changes) == 0 {
		return w.untouched(dst, v, tree)
	}
	o := decode(v)
	o.name, o.tree, o.sealed = name, tree, w.reduced
	if !o.stub() {
		for _, ch := range changes {
			if err := ch.back(w, o); err != nil {
				return nil, err
			}
		}
	}
	return w.members(dst, o)
}

// members appends an object whose own changes are made.
func (w *walk) members(dst []byte, o *object) (_ []byte, err error) {
	dst = append(dst, '{')
	for i, m := range o.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = w.member(dst, m.name, m.value, o.tree); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// untouched appends an object that has no changes of its own.
func (w *walk) untouched(dst, v []byte, tree Tree) (_ []byte, err error) {
	dst = append(dst, '{')
	first := true
	jsontext.Members(v, func(name string, value []byte) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst, err = w.member(dst, name, value, tree)
		return err == nil
	})
	return append(dst, '}'), err
}

func (w *walk) member(dst []byte, name string, v []byte, tree Tree) ([]byte, error) {
	dst = append(append(append(dst, '"'), name...), '"', ':')
	return w.value(dst, v, name, child(tree, name))
}

func child(t Tree, name string) Tree {
	if t == nil {
		return nil
	}
	return t.Child(name)
}

// data walks the data of an event back: the object, and the old values of what changed in it, which are a part of such an object.
func (w *walk) data(v []byte) ([]byte, error) {
	d := decode(v)
	now := decode(d.get("object"))
	kind := now.text("object")
	for i := range d.members {
		m := &d.members[i]
		var err error
		switch m.name {
		case "object":
			m.value, err = w.value(nil, m.value, "", nil)
		case "previous_attributes":
			o := decode(m.value)
			o.partial, o.now = true, now
			for _, ch := range w.plan.back[kind] {
				if err = ch.back(w, o); err != nil {
					return nil, err
				}
			}
			m.value, err = w.members(nil, o)
		}
		if err != nil {
			return nil, err
		}
	}
	return d.encode(nil), nil
}
