package version

import (
	"bytes"
	"iter"
	"slices"
	"strings"

	"florin/internal/jsontext"
)

// A made member is one that older versions show, and that is made from what the newest shows.
type made struct {
	name string
	from []string // what it is made from: the old values of an object have it only if one of these is among them
	make func(w *walk, o *object) ([]byte, error)
}

// bring is the back of a change that adds members. One whose value is nil is not shown.
func bring(members ...made) func(*walk, *object) error {
	return func(w *walk, o *object) error {
		for _, m := range members {
			if !o.wants(m.name, m.from...) {
				continue
			}
			v, err := m.value(w, o)
			if v == nil || err != nil {
				if err != nil {
					return err
				}
				continue
			}
			if err := o.add(m.name, v); err != nil {
				return err
			}
		}
		return nil
	}
}

// value is what a member is. Among the old values of an object it is there only if it was another than it is now.
func (m made) value(w *walk, o *object) ([]byte, error) {
	if o.now == nil {
		return m.make(w, o)
	}
	was, err := m.make(w, o.was())
	if err != nil {
		return nil, err
	}
	is, err := m.make(w, o.now)
	if err != nil || bytes.Equal(was, is) {
		return nil, err
	}
	return was, nil
}

// copied makes a member a copy of what stands at a path; null if nothing does.
func copied(path string) func(*walk, *object) ([]byte, error) {
	return func(w *walk, o *object) ([]byte, error) { return orNull(o.at(path)), nil }
}

// named makes a member the id of the object at a path; null if there is none.
func named(path string) func(*walk, *object) ([]byte, error) {
	return func(w *walk, o *object) ([]byte, error) { return reference(idOf(o.at(path))), nil }
}

func orNull(v []byte) []byte {
	if v == nil {
		return null
	}
	return v
}

// idOf is the id that a value is, or the one of the object that stands in its place.
func idOf(v []byte) string {
	if id := jsontext.Text(v, "id"); id != "" {
		return id
	}
	return jsontext.Scalar(v)
}

// reference is an id as a member shows it.
func reference(id string) []byte {
	if id == "" {
		return null
	}
	return jsontext.AppendString(nil, id)
}

// full is the object that a value is or names; null if there is none.
func full(w *walk, v []byte) ([]byte, error) {
	if isObject(v) {
		return v, nil
	}
	id := jsontext.Scalar(v)
	if id == "" {
		return null, nil
	}
	found, err := w.read.Get(id)
	return orNull(found), err
}

func isObject(v []byte) bool { return len(v) > 0 && v[0] == '{' }

// items are those of an array; what is none has none.
func items(v []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if len(v) > 0 && v[0] == '[' {
			jsontext.Items(v, yield)
		}
	}
}

// first is the first item of an array; nil if it has none.
func first(v []byte) []byte {
	for it := range items(v) {
		return it
	}
	return nil
}

// mapped is an array with each item made another, or left out.
func mapped(v []byte, f func(item []byte) ([]byte, error)) ([]byte, error) {
	out := []byte{'['}
	for it := range items(v) {
		made, err := f(it)
		if err != nil {
			return nil, err
		}
		if made == nil {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, made...)
	}
	return append(out, ']'), nil
}

// was is an object before it changed: as it is now, with its old values in their places.
func (o *object) was() *object {
	out := &object{members: slices.Clone(o.now.members)}
	for _, m := range o.members {
		v := merged(out.get(m.name), m.value)
		if out.has(m.name) {
			out.set(m.name, v)
		} else {
			out.members = append(out.members, member{m.name, v})
		}
	}
	return out
}

// merged is a value with old values put in the place of what they were.
func merged(now, old []byte) []byte {
	if !isObject(now) || !isObject(old) {
		return old
	}
	whole := &object{members: decode(old).members, now: decode(now)}
	return whole.was().encode(nil)
}

// at is what stands at a path; nil if there is nothing.
func (o *object) at(path string) []byte {
	name, rest, deep := strings.Cut(path, ".")
	if deep {
		return jsontext.Get(o.get(name), rest)
	}
	return o.get(name)
}
