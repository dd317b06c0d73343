package spec

import (
	"slices"
	"strconv"
	"strings"
)

// A Kind is the sort of value that a type takes.
type Kind uint8

// The kinds of type.
const (
	Any     Kind = iota // anything
	String              // text, or one of Enum
	Integer             // a whole number
	Number              // a number with a fraction
	Boolean             // true or false
	Object              // Fields
	Array               // Item, any number of times
	Map                 // names that the client chooses, each with an Item
	AnyOf               // one of Variants
	File                // an upload
	Ref                 // in an answer: one of the schemas in Refs, or its id if it is expandable and was not expanded
)

var kinds = map[string]Kind{
	"any": Any, "string": String, "integer": Integer, "number": Number, "boolean": Boolean, "object": Object, "array": Array,
	"map": Map, "anyof": AnyOf, "file": File, "ref": Ref,
}

// A Type is what a parameter takes, or what a property of an answer holds.
type Type struct {
	Kind     Kind
	Empty    bool   // a parameter that an empty string unsets
	Nullable bool   // a property that may be null
	Format   string // currency, decimal, unix-time or ""

	Enum      []string // the values that a String may have, in the order of Stripe's refusals
	MaxLength int      // of a String, in characters; 0 is no limit
	MaxItems  int      // of an Array; 0 is no limit
	Min, Max  *int64   // of an Integer

	Fields   []*Param // of an Object, in the order in which they are checked
	Item     *Type    // of an Array or a Map
	Variants []*Type  // of an AnyOf

	Refs       []string // of a Ref: names of schemas
	Expandable bool     // of a Ref: an id, unless expanded

	index map[string]int // places in Fields, if there are many
}

// A Param is a named part of an object: a parameter of a request, or a property of an answer.
type Param struct {
	Name     string
	Required bool
	Type
}

// few is the number of fields that are looked through faster than a map is asked.
const few = 8

// FieldIndex is the place of a field in Fields, or -1.
func (t *Type) FieldIndex(name string) int {
	if t.index != nil {
		if i, ok := t.index[name]; ok {
			return i
		}
		return -1
	}
	for i, f := range t.Fields {
		if f.Name == name {
			return i
		}
	}
	return -1
}

// Field is the field of an Object with this name, or nil.
func (t *Type) Field(name string) *Param {
	if i := t.FieldIndex(name); i >= 0 {
		return t.Fields[i]
	}
	return nil
}

// List says whether the type is a list of resources inside of an answer, and what it lists.
func (t *Type) List() (item *Type, ok bool) {
	if t.Kind != Object {
		return nil, false
	}
	object, data := t.Field("object"), t.Field("data")
	if object == nil || data == nil || !slices.Equal(object.Enum, []string{"list"}) {
		return nil, false
	}
	return data.Item, true
}

// decodeObject reads the lines of a block as the fields of an object. The depth is their number of tabs.
func decodeObject(lines string, depth int) Type {
	t := Type{Kind: Object}
	t.decodeParts(lines, depth)
	return t
}

// decodeParts reads the lines nested in a type: its fields, its item or its variants.
func (t *Type) decodeParts(lines string, depth int) {
	for lines != "" {
		var line, nested string
		line, nested, lines = cutAt(lines, depth)
		p := &Param{}
		name, attributes := mustCut(line, " ")
		p.Name, p.Required = strings.CutSuffix(name, "!")
		p.decodeLine(attributes)
		p.decodeParts(nested, depth+1)
		switch p.Name {
		case "*":
			t.Item = &p.Type
		case "|":
			t.Variants = append(t.Variants, &p.Type)
		default:
			t.Fields = append(t.Fields, p)
		}
	}
	if len(t.Fields) > few {
		t.index = make(map[string]int, len(t.Fields))
		for i, f := range t.Fields {
			t.index[f.Name] = i
		}
	}
}

// cutAt is cut for lines that begin with a number of tabs.
func cutAt(lines string, depth int) (line, nested, rest string) {
	end := strings.IndexByte(lines, '\n')
	line, lines = lines[depth:end], lines[end+1:]
	end = 0
	for end+depth < len(lines) && lines[end+depth] == '\t' && strings.Count(lines[end:end+depth], "\t") == depth {
		end += strings.IndexByte(lines[end:], '\n') + 1
	}
	return line, lines[:end], lines[end:]
}

// decodeLine reads the kind and the attributes of a type.
func (t *Type) decodeLine(s string) {
	word, s, _ := strings.Cut(s, " ")
	kind, ok := kinds[word]
	if !ok {
		panic("spec: facts.txt has a type of kind " + word)
	}
	t.Kind = kind
	for s != "" {
		word, s, _ = strings.Cut(s, " ")
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "empty":
			t.Empty = true
		case "null":
			t.Nullable = true
		case "expand":
			t.Expandable = true
		case "format":
			t.Format = value
		case "max":
			t.MaxLength = int(number(value))
		case "items":
			t.MaxItems = int(number(value))
		case "ge":
			n := number(value)
			t.Min = &n
		case "le":
			n := number(value)
			t.Max = &n
		case "refs":
			t.Refs = strings.Split(value, "|")
		case "enum":
			t.Enum = strings.Split(value, "|")
		default:
			panic("spec: facts.txt has an attribute " + word)
		}
	}
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic("spec: facts.txt has a number " + s)
	}
	return n
}
