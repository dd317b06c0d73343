// Package shape holds answers to the spec: the names of their members, the kinds of values, what may be null, what must be there, and the order
// in which Stripe writes the members of an object. Tests hand it every answer that they get.
package shape

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"florin/internal/spec"
)

// Check returns what is wrong with an answer of an operation: a line for each member, by its path. Nothing is wrong with no answer.
func Check(op *spec.Operation, status int, body []byte) []string {
	return check(op, status, body, false)
}

// CheckReduced is Check for an answer to a publishable key, which leaves out what is none of a browser's business.
func CheckReduced(op *spec.Operation, status int, body []byte) []string {
	return check(op, status, body, true)
}

func check(op *spec.Operation, status int, body []byte, reduced bool) []string {
	v, err := parse(body)
	if err != nil {
		return []string{"the answer is not JSON: " + err.Error()}
	}
	c := &checker{reduced: reduced}
	if status >= 400 {
		c.refusal(v)
		return c.wrong
	}
	switch op.Answer {
	case spec.AnswersObject:
		c.oneOf("", op.Schemas, v)
	case spec.AnswersList:
		c.page(v, "list", op.Schemas, "object", "data", "has_more", "url")
	case spec.AnswersSearch:
		c.page(v, "search_result", op.Schemas, "object", "data", "has_more", "next_page", "url")
	}
	return c.wrong
}

type checker struct {
	wrong   []string
	reduced bool
}

func (c *checker) add(path, format string, a ...any) {
	if path == "" {
		path = "(the answer)"
	}
	c.wrong = append(c.wrong, strings.TrimPrefix(path, ".")+": "+fmt.Sprintf(format, a...))
}

// refusal checks an error. The authentication layer writes its members in another order than the rest. Known from: facts 03 (3b).
func (c *checker) refusal(v *value) {
	e := v.member("error")
	if v.kind != object || len(v.names) != 1 || e == nil || e.kind != object {
		c.add("", "a refusal is {\"error\": {…}}")
		return
	}
	c.members(".error", spec.SchemaOf("api_errors").Shape(), e)
	for i, name := range e.names {
		if e.values[i].kind == null {
			c.add(".error."+name, "is null; a refusal leaves out what it does not know")
		}
	}
	if !slices.IsSorted(e.names) && !isPrefix(e.names, []string{"message", "type", "code", "doc_url"}) {
		c.add("error", "its members stand in the order %s", strings.Join(e.names, ", "))
	}
}

func isPrefix(s, of []string) bool { return len(s) <= len(of) && slices.Equal(s, of[:len(s)]) }

// page checks a list or the results of a search. Known from: facts 06 (6a, 6d).
func (c *checker) page(v *value, kind string, schemas []string, members ...string) {
	if v.kind != object {
		c.add("", "is %s, not an object", v.kind)
		return
	}
	names := slices.DeleteFunc(slices.Clone(v.names), func(n string) bool { return n == "total_count" })
	if !slices.Equal(names, members) {
		c.add("", "its members are %s; a %s has %s", strings.Join(v.names, ", "), kind, strings.Join(members, ", "))
	}
	if o := v.member("object"); o == nil || o.text != kind {
		c.add("object", "is not %q", kind)
	}
	if m := v.member("has_more"); m == nil || m.kind != boolean {
		c.add("has_more", "is not true or false")
	}
	if u := v.member("url"); u == nil || u.kind != text || !strings.HasPrefix(u.text, "/v1/") || strings.Contains(u.text, "?") {
		c.add("url", "is not a path")
	}
	data := v.member("data")
	if data == nil || data.kind != array {
		c.add("data", "is not a list")
		return
	}
	for i, item := range data.values {
		c.oneOf(fmt.Sprintf("data.%d", i), schemas, item)
	}
}

// oneOf checks an object that must be of one of several schemas. Which one is told by its "object", and by "deleted".
func (c *checker) oneOf(path string, schemas []string, v *value) {
	if v.kind != object {
		c.add(path, "is %s, not an object", v.kind)
		return
	}
	kind, deleted := v.member("object"), v.member("deleted") != nil
	var fit []*spec.Schema
	for _, name := range spread(schemas) {
		s := spec.SchemaOf(name)
		if s == nil {
			c.add(path, "the spec has no schema %s", name)
			return
		}
		if (s.Property("deleted") != nil && s.Property("deleted").Required) != deleted && len(schemas) > 1 {
			continue
		}
		if o := s.Property("object"); o == nil || kind == nil || len(o.Enum) == 0 || slices.Contains(o.Enum, kind.text) {
			fit = append(fit, s)
		}
	}
	if len(fit) == 0 {
		said := "(none)"
		if kind != nil {
			said = kind.text
		}
		c.add(path, "is an object %q; the spec has %s", said, strings.Join(schemas, " or "))
		return
	}
	c.best(path, len(fit), func(c *checker, i int) { c.members(path, fit[i].Shape(), v) })
}

// spread puts in the place of a schema that is only a choice between others, such as external_account, the others.
func spread(schemas []string) (out []string) {
	for _, name := range schemas {
		if s := spec.SchemaOf(name); s != nil && s.Shape().Kind == spec.Ref {
			out = append(out, spread(s.Shape().Refs)...)
		} else {
			out = append(out, name)
		}
	}
	return out
}

// best tries several shapes, and keeps the complaints of that which has the fewest.
func (c *checker) best(path string, n int, try func(c *checker, i int)) {
	var least []string
	for i := range n {
		one := &checker{reduced: c.reduced}
		try(one, i)
		if i == 0 || len(one.wrong) < len(least) {
			least = one.wrong
		}
		if len(least) == 0 {
			return
		}
	}
	c.wrong = append(c.wrong, least...)
}

// members checks what an object holds.
func (c *checker) members(path string, t *spec.Type, v *value) {
	if v.kind != object {
		c.add(path, "is %s, not an object", v.kind)
		return
	}
	if item, ok := t.List(); ok {
		if data := v.member("data"); data != nil && data.kind == array {
			for i, one := range data.values {
				c.value(fmt.Sprintf("%s.data.%d", path, i), item, one)
			}
		}
		return
	}
	resource := ""
	if o := v.member("object"); o != nil {
		resource = o.text
	}
	for i, member := range v.names {
		at := path + "." + member
		if f := t.Field(member); f != nil {
			c.value(at, &f.Type, v.values[i])
		} else if !added(resource, at) {
			c.add(at, "is not in the spec")
		}
	}
	for _, f := range t.Fields {
		if f.Required && !c.reduced && v.member(f.Name) == nil {
			c.add(path+"."+f.Name, "is missing")
		}
	}
	if o := v.member("object"); o != nil && v.member("id") != nil {
		c.order(path, v)
	}
	if resource == "event" && t.Field("api_version") != nil {
		c.shown(path, v)
	}
}

// order checks that id and object stand first, and the rest as in a dictionary. Known from: facts 03 (3b).
func (c *checker) order(path string, v *value) {
	names := v.names
	if len(names) < 2 || names[0] != "id" || names[1] != "object" {
		c.add(path, "begins with %s; id and object stand first", strings.Join(names[:min(2, len(names))], ", "))
		return
	}
	if rest := names[2:]; !slices.IsSorted(rest) && !slices.Equal(rest, []string{"deleted"}) {
		for i := 1; i < len(rest); i++ {
			if rest[i] < rest[i-1] {
				c.add(path, "%s stands after %s", rest[i], rest[i-1])
			}
		}
	}
}

// value checks one value against its type.
func (c *checker) value(path string, t *spec.Type, v *value) {
	if v.kind == null {
		if !t.Nullable && t.Kind != spec.Any {
			c.add(path, "is null, and may not be")
		}
		return
	}
	switch t.Kind {
	case spec.Any:
	case spec.String:
		if v.kind != text {
			c.add(path, "is %s, not a string", v.kind)
		} else if len(t.Enum) > 0 && !slices.Contains(t.Enum, v.text) && !allowed(path, v.text) {
			c.add(path, "is %q; the spec has %s", v.text, strings.Join(t.Enum, ", "))
		}
	case spec.Integer:
		if v.kind != number || strings.ContainsAny(v.text, ".eE") {
			c.add(path, "is %s %s, not an integer", v.kind, v.text)
		}
	case spec.Number:
		if v.kind != number {
			c.add(path, "is %s, not a number", v.kind)
		}
	case spec.Boolean:
		if v.kind != boolean {
			c.add(path, "is %s, not true or false", v.kind)
		}
	case spec.Object:
		c.members(path, t, v)
	case spec.Array:
		if v.kind != array {
			c.add(path, "is %s, not an array", v.kind)
			return
		}
		for i, item := range v.values {
			c.value(fmt.Sprintf("%s.%d", path, i), t.Item, item)
		}
	case spec.Map:
		if v.kind != object {
			c.add(path, "is %s, not an object", v.kind)
			return
		}
		for i, name := range v.names {
			c.value(path+"."+name, t.Item, v.values[i])
		}
	case spec.AnyOf:
		c.best(path, len(t.Variants), func(c *checker, i int) { c.value(path, t.Variants[i], v) })
	case spec.Ref:
		c.ref(path, t, v)
	case spec.File:
		c.add(path, "is a file")
	}
}

func (c *checker) ref(path string, t *spec.Type, v *value) {
	if v.kind == text {
		if !t.Expandable {
			c.add(path, "is an id; it is always shown whole")
		} else if v.text == "" {
			c.add(path, "is an empty id")
		}
		return
	}
	c.oneOf(path, t.Refs, v)
}

// A kind is the sort of a JSON value.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	array
	object
)

func (k kind) String() string {
	return [...]string{"null", "true or false", "a number", "a string", "an array", "an object"}[k]
}

// A value is JSON that remembers the order of members.
type value struct {
	kind   kind
	text   string   // of a string, a number or a boolean
	names  []string // of an object
	values []*value // of an object or an array
}

func (v *value) member(name string) *value {
	if i := slices.Index(v.names, name); i >= 0 {
		return v.values[i]
	}
	return nil
}

func parse(body []byte) (*value, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := read(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more follows the first value")
	}
	return v, nil
}

func read(d *json.Decoder) (*value, error) {
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case json.Delim:
		v := &value{kind: array}
		if tok == '{' {
			v.kind = object
		}
		for d.More() {
			if v.kind == object {
				name, err := d.Token()
				if err != nil {
					return nil, err
				}
				if slices.Contains(v.names, name.(string)) {
					return nil, fmt.Errorf("%v stands twice in an object", name)
				}
				v.names = append(v.names, name.(string))
			}
			one, err := read(d)
			if err != nil {
				return nil, err
			}
			v.values = append(v.values, one)
		}
		_, err := d.Token()
		return v, err
	case string:
		return &value{kind: text, text: tok}, nil
	case json.Number:
		return &value{kind: number, text: tok.String()}, nil
	case bool:
		return &value{kind: boolean, text: fmt.Sprint(tok)}, nil
	}
	return &value{kind: null}, nil
}
