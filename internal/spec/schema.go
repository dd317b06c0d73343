package spec

import (
	"slices"
	"strings"
	"sync"
)

// A Schema is the shape of a resource, or of a part that resources share.
type Schema struct {
	Name     string // the spec's name, such as "payment_intent" or "deleted_customer"
	Resource string // the value of "object", if it is a resource of its own

	// Expandable are the properties that a path of `expand` may begin with: those that can be expanded, and those that hold such.
	Expandable []string

	block string
	once  sync.Once
	shape Type
}

// newSchema reads the line of a schema; its properties wait in the block.
func newSchema(head, block string) *Schema {
	s := &Schema{block: block}
	s.Name, head, _ = strings.Cut(head, " ")
	for head != "" {
		var word string
		word, head, _ = strings.Cut(head, " ")
		name, value := mustCut(word, "=")
		switch name {
		case "resource":
			s.Resource = value
		case "expand":
			s.Expandable = strings.Split(value, "|")
		default:
			panic("spec: facts.txt has a schema with " + word)
		}
	}
	return s
}

// Shape is the schema as a type: an Object, or a Ref where the schema is only a choice between others (external_account).
func (s *Schema) Shape() *Type {
	s.once.Do(func() {
		s.shape = decodeObject(s.block, 1)
		if len(s.shape.Variants) == 1 {
			s.shape = *s.shape.Variants[0]
		}
	})
	return &s.shape
}

// Properties are the properties in the spec's order, which is alphabetical.
func (s *Schema) Properties() []*Param { return s.Shape().Fields }

// Property is the property with this name, or nil.
func (s *Schema) Property(name string) *Param { return s.Shape().Field(name) }

// CanExpand says whether a path of `expand` may begin with a property.
func (s *Schema) CanExpand(property string) bool { return slices.Contains(s.Expandable, property) }
