// Command gen reduces Stripe's OpenAPI document to internal/spec/facts.txt: what Florin needs to know to route, to decode and to
// answer, and nothing else. Stripe's descriptions are left behind.
//
// The result is text with one fact a line, so that `git diff` after a module bump reads as the list of what Stripe changed.
// A keyword that gen does not know makes it fail by name: nothing new in the spec passes unseen.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"sort"
	"strings"

	"github.com/stripe/stripe-mock/embedded"
)

func main() {
	log.SetFlags(0)
	text, err := generate(embedded.OpenAPISpec)
	if err != nil {
		log.Fatal("spec/gen: ", err)
	}
	if err := os.WriteFile("facts.txt", text, 0o644); err != nil {
		log.Fatal("spec/gen: ", err)
	}
}

// generate reduces the document, after its patches, to the text of facts.txt.
func generate(document []byte) (text []byte, err error) {
	root, err := decode(document)
	if err != nil {
		return nil, fmt.Errorf("reading the OpenAPI document: %w", err)
	}
	events, err := enum(root, "/v1/webhook_endpoints", "post", "enabled_events", "items")
	if err != nil {
		return nil, err
	}
	versions, err := enum(root, "/v1/webhook_endpoints", "post", "api_version")
	if err != nil {
		return nil, err
	}
	if err := patch(root); err != nil {
		return nil, err
	}
	w := &writer{}
	// Unknown keywords are found deep in the walk, where there is nothing sensible to return.
	defer func() {
		if r := recover(); r != nil {
			bad, ok := r.(unknown)
			if !ok {
				panic(r)
			}
			text, err = nil, bad
		}
	}()
	w.line(0, "florin spec 1")
	w.line(0, "version "+root.str("info", "version"))
	for _, e := range events {
		if e != "*" {
			w.line(0, "event "+e)
		}
	}
	for _, v := range append(versions, newerVersions...) {
		w.line(0, "api "+v)
	}
	w.operations(root.at("paths"))
	w.schemas(root.at("components", "schemas"))
	return w.buf.Bytes(), nil
}

// enum reads the enum of a body parameter.
func enum(root *node, path, method, param string, more ...string) ([]string, error) {
	n := body(root.at("paths", path, method)).at("properties", param).at(more...).at("enum")
	if n == nil {
		return nil, fmt.Errorf("the spec has no enum at %s %s %s", method, path, param)
	}
	return n.texts(), nil
}

// body is the schema of an operation's form.
func body(op *node) *node {
	content := op.at("requestBody", "content")
	for _, ct := range []string{"application/x-www-form-urlencoded", "multipart/form-data"} {
		if c := content.at(ct); c != nil {
			return c.at("schema")
		}
	}
	return nil
}

// unknown is a part of the spec that gen does not understand.
type unknown struct{ what, where string }

func (u unknown) Error() string { return fmt.Sprintf("unknown %s in %s", u.what, u.where) }

// known fails on keys of n that are not in the list.
func known(n *node, where string, keys ...string) {
next:
	for _, k := range n.keys {
		for _, ok := range keys {
			if k == ok {
				continue next
			}
		}
		panic(unknown{"keyword " + k, where})
	}
}

// A writer writes facts.txt.
type writer struct{ buf bytes.Buffer }

func (w *writer) line(depth int, s string) {
	for range depth {
		w.buf.WriteByte('\t')
	}
	w.buf.WriteString(s)
	w.buf.WriteByte('\n')
}

// operations writes every operation, in the order of the paths.
func (w *writer) operations(paths *node) {
	for i, path := range paths.keys {
		for j, method := range paths.values[i].keys {
			w.operation(strings.ToUpper(method), path, paths.values[i].values[j])
		}
	}
}

func (w *writer) operation(method, path string, op *node) {
	route := method + " " + path
	known(op, route, "description", "operationId", "requestBody", "responses", "summary", "parameters", "deprecated", "servers")
	head := "op " + route + " " + op.str("operationId") + " " + answer(op, route)
	if op.at("requestBody", "content", "multipart/form-data") != nil {
		head += " multipart"
	}
	w.line(0, head)
	for _, p := range op.at("parameters").list() {
		known(p, route, "in", "name", "required", "schema", "style", "explode", "description")
		switch in := p.str("in"); in {
		case "path": // named in the path itself
		case "query":
			name := p.str("name")
			w.typ(1, name, p.str("required") == "true", p.at("schema"), route+" "+name)
		default:
			panic(unknown{"parameter place " + in, route})
		}
	}
	form := body(op)
	known(form, route, "additionalProperties", "properties", "required", "type")
	w.fields(1, form, route)
}

// answer is what an operation answers with: a kind and the schemas.
func answer(op *node, route string) string {
	content := op.at("responses", "200", "content")
	if content.at("application/json") == nil {
		return "file -"
	}
	sc := content.at("application/json", "schema")
	switch {
	case sc.at("$ref") != nil || sc.at("anyOf") != nil:
		return "object " + strings.Join(refs(sc, route), "|")
	case sc.at("properties", "object", "enum") != nil:
		kind := sc.at("properties", "object", "enum").texts()[0] // list or search_result
		return kind + " " + strings.Join(refs(sc.at("properties", "data", "items"), route), "|")
	}
	panic(unknown{"answer", route})
}

// refs are the names of the schemas that n, a $ref or an anyOf of them, refers to.
func refs(n *node, where string) []string {
	if r := n.at("$ref"); r != nil {
		return []string{strings.TrimPrefix(r.text, "#/components/schemas/")}
	}
	var out []string
	for _, v := range n.at("anyOf").list() {
		out = append(out, refs(v, where)...)
	}
	if out == nil {
		panic(unknown{"reference", where})
	}
	return out
}

// schemas writes the shapes of what is answered.
func (w *writer) schemas(schemas *node) {
	for i, name := range schemas.keys {
		n := schemas.values[i]
		head := "schema " + name
		if r := n.at("x-resourceId"); r != nil {
			head += " resource=" + r.text
		}
		if x := n.at("x-expandableFields").texts(); len(x) > 0 {
			head += " expand=" + strings.Join(x, "|")
		}
		w.line(0, head)
		if n.at("anyOf") != nil {
			w.typ(1, "|", false, n, name)
			continue
		}
		keywords(n, name)
		w.fields(1, n, name)
	}
}

// keywords holds a schema to the keywords that gen understands.
func keywords(n *node, where string) {
	known(n, where,
		// understood
		"type", "format", "enum", "maxLength", "minimum", "maximum", "maxItems", "properties", "required", "items", "anyOf",
		"additionalProperties", "$ref", "nullable", "x-expandableFields", "x-expansionResources", "x-resourceId",
		// left behind
		"description", "title", "pattern", "deprecated", "x-stripeBypassValidation")
}

// fields writes the members of an object.
func (w *writer) fields(depth int, n *node, where string) {
	required := map[string]bool{}
	for _, r := range n.at("required").texts() {
		required[r] = true
	}
	props := n.at("properties")
	if props == nil {
		return
	}
	for i, name := range props.keys {
		w.typ(depth, name, required[name], props.values[i], where+" "+name)
	}
}

// typ writes one type and what it is made of. The name is "*" for the items of an array and the values of a map, and "|" for an
// alternative.
func (w *writer) typ(depth int, name string, required bool, n *node, where string) {
	keywords(n, where)
	n, empty := withoutEmpty(n)
	keywords(n, where)
	line := name
	if required {
		line += "!"
	}
	kind := kindOf(n, where)
	line += " " + kind + attributes(n, kind, empty, where)
	w.line(depth, line)
	switch kind {
	case "object":
		w.fields(depth+1, n, where)
	case "array":
		w.typ(depth+1, "*", false, n.at("items"), where+"[]")
	case "map":
		if ap := n.at("additionalProperties"); ap.kind == object {
			w.typ(depth+1, "*", false, ap, where+"{}")
		} else {
			w.line(depth+1, "* any")
		}
	case "anyof":
		for _, v := range n.at("anyOf").list() {
			w.typ(depth+1, "|", false, v, where+"|")
		}
	}
}

// withoutEmpty takes the empty string, which stands for "unset this", out of a type's alternatives or its enum.
func withoutEmpty(n *node) (*node, bool) {
	if values := n.at("enum").texts(); len(values) > 1 {
		for i, v := range values {
			if v == "" {
				return n.with("enum", textList(append(values[:i:i], values[i+1:]...))), true
			}
		}
		return n, false
	}
	var rest []*node
	variants := n.at("anyOf").list()
	for _, v := range variants {
		if e := v.at("enum").texts(); len(e) == 1 && e[0] == "" {
			continue
		}
		rest = append(rest, v)
	}
	switch {
	case len(rest) == len(variants):
		return n, false
	case len(rest) == 1:
		only, _ := withoutEmpty(rest[0])
		return only, true
	}
	return n.with("anyOf", &node{kind: array, values: rest}), true
}

func kindOf(n *node, where string) string {
	if n.at("$ref") != nil || n.at("x-expansionResources") != nil {
		return "ref"
	}
	if variants := n.at("anyOf").list(); variants != nil {
		for _, v := range variants {
			if v.at("$ref") == nil {
				return "anyof"
			}
		}
		return "ref"
	}
	switch t := n.str("type"); t {
	case "object":
		if ap := n.at("additionalProperties"); ap != nil && ap.str() != "false" {
			return "map"
		}
		return "object"
	case "string":
		if n.str("format") == "binary" {
			return "file"
		}
		return "string"
	case "integer", "number", "boolean", "array":
		return t
	default:
		panic(unknown{"type " + t, where})
	}
}

// attributes are the rest of a type's line. The enum comes last.
func attributes(n *node, kind string, empty bool, where string) string {
	var out strings.Builder
	if empty {
		out.WriteString(" empty")
	}
	if n.str("nullable") == "true" {
		out.WriteString(" null")
	}
	if kind == "ref" {
		names := n
		if x := n.at("x-expansionResources"); x != nil {
			out.WriteString(" expand")
			names = &node{kind: object, keys: []string{"anyOf"}, values: []*node{x.at("oneOf")}}
		}
		out.WriteString(" refs=" + strings.Join(refs(names, where), "|"))
		return out.String()
	}
	for _, a := range [...]struct{ keyword, as string }{
		{"format", "format"}, {"maxLength", "max"}, {"maxItems", "items"}, {"minimum", "ge"}, {"maximum", "le"},
	} {
		if v := n.at(a.keyword); v != nil && v.text != "binary" {
			out.WriteString(" " + a.as + "=" + v.text)
		}
	}
	if values := n.at("enum").texts(); len(values) > 0 {
		out.WriteString(" enum=" + strings.Join(ordered(values), "|"))
	}
	return out.String()
}

// ordered puts the values of an enum in the order in which Stripe lists them in its refusals, where it is known.
func ordered(values []string) []string {
	key := append([]string(nil), values...)
	sort.Strings(key)
	if o, ok := enumOrder[strings.Join(key, " ")]; ok {
		return strings.Fields(o)
	}
	return values
}
