package version

import (
	"slices"
	"strings"

	"florin/internal/jsontext"
)

// An object is a JSON object, taken apart one level deep: its members in their order, with their text.
type object struct {
	members []member

	name    string  // the member of which it is the value; "" for an item of a list
	tree    Tree    // what expand[] asks for in it
	sealed  bool    // nothing may be added: the caller sees only a part
	partial bool    // the old values of an object that has changed, not the object …
	now     *object // … which is this
}

type member struct {
	name  string // as it stands between the quotes
	value []byte
}

func decode(v []byte) *object {
	o := &object{}
	jsontext.Members(v, func(name string, value []byte) bool {
		if o.members == nil {
			o.members = make([]member, 0, 48)
		}
		o.members = append(o.members, member{name, value})
		return true
	})
	return o
}

func (o *object) encode(dst []byte) []byte {
	dst = append(dst, '{')
	for i, m := range o.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(append(dst, '"'), m.name...), '"', ':'), m.value...)
	}
	return append(dst, '}')
}

// get is the text of a member; nil if there is none.
func (o *object) get(name string) []byte {
	for i := range o.members {
		if o.members[i].name == name {
			return o.members[i].value
		}
	}
	return nil
}

func (o *object) has(name string) bool { return o.get(name) != nil }

// text is a scalar member, or one inside of a member, as jsontext.Text has it.
func (o *object) text(path string) string {
	name, rest, deep := strings.Cut(path, ".")
	if deep {
		return jsontext.Text(o.get(name), rest)
	}
	return jsontext.Scalar(o.get(name))
}

// set gives a member that is there another value.
func (o *object) set(name string, value []byte) {
	for i := range o.members {
		if o.members[i].name == name {
			o.members[i].value = value
		}
	}
}

// setText is set for a string.
func (o *object) setText(name, value string) { o.set(name, jsontext.AppendString(nil, value)) }

// wants says whether a member that is made from others can be added: the caller sees it, it is not there already, and of an object's old values
// those that it is made from are among what changed.
func (o *object) wants(name string, from ...string) bool {
	if o.sealed || o.has(name) {
		return false
	}
	return !o.partial || slices.ContainsFunc(from, o.has)
}

// add puts a member that wants has asked for where Stripe shows it, in the order of the alphabet behind id and object, expanded as the request
// asks.
func (o *object) add(name string, value []byte) error {
	if t := child(o.tree, name); t != nil {
		var err error
		if value, err = t.Expand(value); err != nil {
			return err
		}
	}
	at := 0
	for at < len(o.members) && (o.members[at].name == "id" || o.members[at].name == "object" || o.members[at].name < name) {
		at++
	}
	o.members = slices.Insert(o.members, at, member{name, value})
	return nil
}

// addNull adds a member that is null, unless these are the old values of an object, which it was not among.
func (o *object) addNull(name string) error {
	if !o.wants(name) {
		return nil
	}
	return o.add(name, null)
}

var null = []byte("null")

// inside changes an object that is the value of a member, or of a member of it.
func (o *object) inside(path string, f func(*object)) {
	name, rest, deep := strings.Cut(path, ".")
	v := o.get(name)
	if len(v) == 0 || v[0] != '{' {
		return
	}
	in := decode(v)
	if deep {
		in.inside(rest, f)
	} else {
		f(in)
	}
	o.set(name, in.encode(nil))
}

// stub says whether no more is told of an object than that it was deleted. (A deleted discount is told of in full.)
func (o *object) stub() bool { return len(o.members) <= 3 && o.has("deleted") }
