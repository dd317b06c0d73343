// Package spec is what Stripe's published API says, as facts: operations, parameters, the shapes of answers, event types, versions.
//
// The facts are in facts.txt, which `go generate` reduces from the OpenAPI document that github.com/stripe/stripe-mock embeds; the
// document itself is not part of the program. The file is text, one fact a line and nested by tabs:
//
//	op POST /v1/payment_intents PostPaymentIntents object payment_intent
//		amount! integer
//		metadata map empty
//			* string
//	schema customer resource=customer expand=address|…
//		default_source ref null expand refs=bank_account|card|source
//
// A name with ! is required; * is the item of an array or the value of a map; | is an alternative.
//
// Starting costs about a millisecond: only the lines that begin operations and schemas are read, and the rest of a block is decoded when
// it is first asked for. Everything that this package gives out is shared, and must not be changed.
package spec

//go:generate go run ./gen

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed facts.txt
var facts string

// latest is what the facts were read from at start.
var latest = load(facts)

// A table is facts.txt, indexed.
type table struct {
	version    string
	events     []string
	versions   []string
	operations []*Operation
	routes     map[string]*Operation
	schemas    map[string]*Schema
	tree       node
}

// load indexes the facts. The file is ours and tested, so what is wrong with it is a panic.
func load(text string) *table {
	t := &table{
		operations: make([]*Operation, 0, 600),
		routes:     make(map[string]*Operation, 600),
		schemas:    make(map[string]*Schema, 1500),
	}
	first, text, _ := strings.Cut(text, "\n")
	if first != "florin spec 1" {
		panic("spec: facts.txt is of another format: " + first)
	}
	for text != "" {
		var head, block string
		head, block, text = cut(text)
		word, rest, _ := strings.Cut(head, " ")
		switch word {
		case "version":
			t.version = rest
		case "event":
			t.events = append(t.events, rest)
		case "api":
			t.versions = append(t.versions, rest)
		case "op":
			op := newOperation(rest, block)
			t.operations = append(t.operations, op)
			t.routes[op.Route()] = op
			t.tree.add(op)
		case "schema":
			s := newSchema(rest, block)
			t.schemas[s.Name] = s
		default:
			panic("spec: facts.txt has a line that begins with " + word)
		}
	}
	return t
}

// cut takes the first block off the text: its head, and the lines that are nested in it.
func cut(text string) (head, block, rest string) {
	end := strings.IndexByte(text, '\n')
	head, text = text[:end], text[end+1:]
	end = 0
	for end < len(text) && text[end] == '\t' {
		end += strings.IndexByte(text[end:], '\n') + 1
	}
	return head, text[:end], text[end:]
}

// Version is the API version that the facts describe, and that answers are rendered at before an older version is walked back to.
func Version() string { return latest.version }

// Latest is the newest API version that is accepted; its differences from Version are a matter of the version gates.
func Latest() string { return latest.versions[len(latest.versions)-1] }

// EventTypes are the types of event that exist, in alphabetical order.
func EventTypes() []string { return latest.events }

// KnownEvent says whether an event type exists.
func KnownEvent(typ string) bool {
	_, ok := slices.BinarySearch(latest.events, typ)
	return ok
}

// Versions are the API versions that are accepted, oldest first.
func Versions() []string { return latest.versions }

// KnownVersion says whether an API version is accepted.
func KnownVersion(version string) bool {
	_, ok := slices.BinarySearch(latest.versions, version)
	return ok
}

// Operations are all operations, in the order of their paths.
func Operations() []*Operation { return latest.operations }

// Lookup finds an operation by its route in the spec's own words, such as "POST /v1/payment_intents/{intent}". nil if there is none.
func Lookup(route string) *Operation { return latest.routes[route] }

// Schemas are the names of all schemas, sorted.
func Schemas() []string {
	names := make([]string, 0, len(latest.schemas))
	for name := range latest.schemas {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// SchemaOf finds the shape of an answer or of a part of one by the spec's name for it, such as "payment_intent" or "checkout.session".
// nil if there is none.
func SchemaOf(name string) *Schema { return latest.schemas[name] }

// mustCut is strings.Cut for text that has the separator.
func mustCut(s, sep string) (before, after string) {
	before, after, ok := strings.Cut(s, sep)
	if !ok {
		panic(fmt.Sprintf("spec: facts.txt: no %q in %q", sep, s))
	}
	return before, after
}
