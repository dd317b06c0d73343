package api

import (
	"slices"
	"strings"

	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/spec"
	"florin/internal/store"
	"florin/internal/version"
)

// maxExpand is how many levels a path of expand[] may have. Known from: facts 05 (5d).
const maxExpand = 4

// An expansion is the tree that the paths of expand[] make.
type expansion struct {
	name  string
	inner []*expansion
}

func (e *expansion) child(name string) *expansion {
	if e == nil {
		return nil
	}
	for _, in := range e.inner {
		if in.name == name {
			return in
		}
	}
	return nil
}

func (e *expansion) add(path string) {
	for _, name := range strings.Split(path, ".") {
		next := e.child(name)
		if next == nil {
			next = &expansion{name: name}
			e.inner = append(e.inner, next)
		}
		e = next
	}
}

// checkExpand refuses paths that lead nowhere, and plants the tree of the others. Only the first segment is held to the shape of the answer
// (facts 05, 5d: deeper ones are accepted silently).
func (q *request) checkExpand() *fault.Error {
	list := q.raw.Get("expand")
	if list == nil || list.Kind == form.Object && len(list.Fields) == 0 {
		return nil
	}
	var tree expansion
	for _, path := range textsOf(list) {
		if path == "" {
			continue // form.Check refuses it, after the lookups of the others
		}
		if strings.Count(path, ".") >= maxExpand {
			return fault.ExpandTooDeep(path)
		}
		if f := q.expandable(path); f != nil {
			return f
		}
		tree.add(path)
	}
	if len(tree.inner) > 0 {
		q.expand = &tree
	}
	return nil
}

// textsOf are the texts in a value that should be an array of strings, whatever shape it came in.
func textsOf(v *form.Value) []string {
	switch {
	case len(v.Items) > 0:
		var out []string
		for _, it := range v.Items {
			out = append(out, it.Text)
		}
		return out
	case len(v.Fields) > 0:
		var out []string
		for _, f := range v.Fields {
			out = append(out, f.Value.Text)
		}
		return out
	}
	return []string{v.Text}
}

func (q *request) expandable(path string) *fault.Error {
	first, rest, _ := strings.Cut(path, ".")
	list := q.op.Answer == spec.AnswersList || q.op.Answer == spec.AnswersSearch
	if list {
		if first == "total_count" {
			if q.op.Answer == spec.AnswersSearch {
				return nil
			}
			return fault.NotIncludable(path)
		}
		if first != "data" {
			return fault.NotExpandable(path, "data."+path)
		}
		if rest == "" {
			return nil
		}
		first, _, _ = strings.Cut(rest, ".")
	}
	for _, name := range q.op.Schemas {
		s := spec.SchemaOf(name)
		if s == nil {
			continue
		}
		if s.CanExpand(first) || version.Expandable(q.version, s.Resource, first) {
			return nil
		}
		if q.app.includes[include{s.Resource, first}] != nil {
			return nil
		}
	}
	if q.op.Schema() == nil {
		return nil
	}
	return fault.NotExpandable(path, "")
}

// expandAll puts objects in the place of their ids, as the call's expand[] asks.
func (c *Call) expandAll(body []byte) ([]byte, error) {
	return c.expandInto(make([]byte, 0, 2*len(body)), body, c.expand)
}

// expandInto appends value to dst, expanded by the tree e.
func (c *Call) expandInto(dst, value []byte, e *expansion) (_ []byte, err error) {
	if e == nil || len(value) == 0 || len(e.inner) == 0 && value[0] != '[' { // a list of ids is expanded by its own name
		return append(dst, value...), nil
	}
	switch value[0] {
	case '[':
		dst = append(dst, '[')
		first := true
		jsontext.Items(value, func(item []byte) bool {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst, err = c.expandMember(dst, item, e)
			return err == nil
		})
		return append(dst, ']'), err
	case '{':
		return c.expandObject(dst, value, e)
	}
	return append(dst, value...), nil
}

func (c *Call) expandObject(dst, value []byte, e *expansion) ([]byte, error) {
	dst = append(dst, '{')
	start := len(dst)
	includes, err := c.includes(value, e)
	if err != nil {
		return dst, err
	}
	put := func(key string, v []byte, in *expansion) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(jsontext.AppendString(dst, key), ':')
		dst, err = c.expandMember(dst, v, in)
	}
	jsontext.Members(value, func(key string, v []byte) bool {
		for len(includes) > 0 && key != "id" && key != "object" && includes[0].key < key {
			put(includes[0].key, includes[0].value, includes[0].e)
			includes = includes[1:]
		}
		if err == nil {
			v, err = c.includeInside(value, key, v, e.child(key))
		}
		if err == nil {
			put(key, v, e.child(key))
		}
		return err == nil
	})
	for _, in := range includes {
		if err == nil {
			put(in.key, in.value, in.e)
		}
	}
	return append(dst, '}'), err
}

// expandMember appends one value: an id that e stands for as its object, anything else with e applied inside of it.
func (c *Call) expandMember(dst, value []byte, e *expansion) ([]byte, error) {
	if e == nil {
		return append(dst, value...), nil
	}
	if len(value) > 2 && value[0] == '"' {
		object, scope, err := c.lookup(e.name, jsontext.Scalar(value))
		if err != nil {
			return dst, err
		}
		if object != nil {
			value = object
		}
		if object != nil && scope != store.System && scope != c.Scope { // what another account's object names is that account's
			was := c.Scope
			c.Scope = scope
			defer func() { c.Scope = was }()
		}
	}
	return c.expandInto(dst, value, e)
}

type included struct {
	key   string
	value []byte
	e     *expansion
}

// includes makes the members of an object that are shown only when they are asked for, in the order of the alphabet.
func (c *Call) includes(object []byte, e *expansion) ([]included, error) {
	kind := jsontext.Text(object, "object")
	if kind == "" {
		return nil, nil
	}
	var out []included
	for _, in := range e.inner {
		make, ok := c.app.includes[include{kind, in.name}]
		if !ok || jsontext.Get(object, in.name) != nil {
			continue
		}
		v, err := make(c, object)
		if err != nil {
			return nil, err
		}
		if v == nil { // it has none
			continue
		}
		at := 0
		for at < len(out) && out[at].key < in.name {
			at++
		}
		out = append(out[:at], append([]included{{in.name, v, in}}, out[at:]...)...)
	}
	return out, nil
}

// lookup is the JSON of the object with this id, and the scope that it is kept in; nil if there is none. Either the prefix tells its kind, or it is
// of a kind whose ids the merchant chooses: the member says so by its name, or the id is a coupon's.
func (c *Call) lookup(member, id string) ([]byte, store.Scope, error) {
	if k := c.app.kinds[member[strings.LastIndexByte(member, '_')+1:]]; k != nil && k.chosen { // product, price, default_price
		id = k.key(id)
		if st, err := c.behind(c.Scope, id); err != nil || st != nil && st.kind == k {
			return c.shown(st, err)
		}
	}
	prefix, _, ok := strings.Cut(id, "_")
	st, err := c.behind(c.Scope, id)
	if err != nil || st == nil || (!ok || c.app.prefixes[prefix] == nil) && (st.kind.internal || len(st.kind.prefixes) > 0) {
		return nil, 0, err
	}
	return c.shown(st, nil)
}

// shown is a document's JSON and the scope that it is kept in.
func (c *Call) shown(st *state, err error) ([]byte, store.Scope, error) {
	if err != nil {
		return nil, 0, err
	}
	body, err := c.show(st)
	return body, st.scope, err
}

// includeInside is a part of an object with the members that are made when they are asked for: fixed_amount.currency_options. They stand last.
func (c *Call) includeInside(object []byte, key string, part []byte, e *expansion) ([]byte, error) {
	if e == nil || len(part) < 3 || part[0] != '{' {
		return part, nil
	}
	kind := jsontext.Text(object, "object")
	for _, in := range e.inner {
		make, ok := c.app.includes[include{kind, key + "." + in.name}]
		if !ok {
			continue
		}
		v, err := make(c, object)
		if err != nil || v == nil {
			return part, err
		}
		part = append(slices.Clone(part[:len(part)-1]), ',')
		part = append(append(append(jsontext.AppendString(part, in.name), ':'), v...), '}')
	}
	return part, nil
}
