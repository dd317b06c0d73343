// Package form reads requests: Parse takes the form encoding apart, with Stripe's brackets; Check holds what came to what the spec
// declares, in Stripe's order and words, and gives typed values.
package form

// A Kind is the type that a value was decoded to.
type Kind uint8

const (
	Absent Kind = iota
	Unset       // an empty string, given to clear an emptyable parameter
	String
	Int
	Decimal // Text holds the number as sent
	Bool
	Object
	Array
	File // an upload: Text holds the bytes
)

// A Value is one decoded parameter. All methods work on nil, which is an absent value.
type Value struct {
	Kind   Kind
	Text   string // as sent
	Int    int64  // Int; for Bool 1 or 0
	Fields []Field
	Items  []*Value
	// Filename and ContentType are those of a File.
	Filename, ContentType string
}

// A Field is a named member of an object, in the order in which it came.
type Field struct {
	Name  string
	Value *Value
}

// Get returns the member with this name, or nil.
func (v *Value) Get(name string) *Value {
	if v == nil {
		return nil
	}
	for i := range v.Fields {
		if v.Fields[i].Name == name {
			return v.Fields[i].Value
		}
	}
	return nil
}

// At follows a path of names.
func (v *Value) At(path ...string) *Value {
	for _, name := range path {
		v = v.Get(name)
	}
	return v
}

// Has says whether the member was sent, be it to clear it.
func (v *Value) Has(name string) bool { return v.Get(name) != nil }

// Given says whether the member was sent with a value.
func (v *Value) Given(name string) bool {
	m := v.Get(name)
	return m != nil && m.Kind != Unset
}

// Str is the text of a member; "" if it is absent or cleared.
func (v *Value) Str(name string) string {
	if m := v.Get(name); m != nil {
		return m.Text
	}
	return ""
}

// Num is the integer of a member; 0 if it is absent or cleared.
func (v *Value) Num(name string) int64 {
	if m := v.Get(name); m != nil {
		return m.Int
	}
	return 0
}

// True says whether a boolean member was sent as true.
func (v *Value) True(name string) bool { return v.Num(name) != 0 }

// Strings are the texts of an array member.
func (v *Value) Strings(name string) []string {
	m := v.Get(name)
	if m == nil {
		return nil
	}
	out := make([]string, len(m.Items))
	for i, it := range m.Items {
		out[i] = it.Text
	}
	return out
}
