package jsontext

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unsafe"
)

// Append appends v, a pointer to a struct, as Stripe orders it: "id" and "object" first, then the members by name. It differs from
// encoding/json in what Stripe's answers need:
//
//   - a nil map is {} and a nil slice is [], unless the field is tagged nil:"null";
//   - a nil pointer or json.RawMessage is null;
//   - ",omitempty" leaves out a zero value.
//
// Each type's plan is compiled once. A type that the plan cannot hold (a channel, a map that is not of strings) is our mistake, and panics.
func Append(dst []byte, v any) []byte {
	rv := reflect.ValueOf(v)
	return planFor(rv.Type().Elem())(dst, rv.UnsafePointer())
}

type appender func(dst []byte, p unsafe.Pointer) []byte

var plans sync.Map // reflect.Type → appender

func planFor(t reflect.Type) appender {
	if f, ok := plans.Load(t); ok {
		return f.(appender)
	}
	f := compile(t, false)
	plans.Store(t, f)
	return f
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

func compile(t reflect.Type, nullable bool) appender {
	if t == rawMessage {
		return func(dst []byte, p unsafe.Pointer) []byte {
			if raw := *(*[]byte)(p); len(raw) > 0 {
				return append(dst, raw...)
			}
			return append(dst, "null"...)
		}
	}
	switch t.Kind() {
	case reflect.String:
		return func(dst []byte, p unsafe.Pointer) []byte { return AppendString(dst, *(*string)(p)) }
	case reflect.Int64:
		return func(dst []byte, p unsafe.Pointer) []byte { return strconv.AppendInt(dst, *(*int64)(p), 10) }
	case reflect.Int:
		return func(dst []byte, p unsafe.Pointer) []byte { return strconv.AppendInt(dst, int64(*(*int)(p)), 10) }
	case reflect.Bool:
		return func(dst []byte, p unsafe.Pointer) []byte { return strconv.AppendBool(dst, *(*bool)(p)) }
	case reflect.Float64:
		return func(dst []byte, p unsafe.Pointer) []byte { return appendFloat(dst, *(*float64)(p)) }
	case reflect.Pointer:
		elem := compile(t.Elem(), false)
		return func(dst []byte, p unsafe.Pointer) []byte {
			q := *(*unsafe.Pointer)(p)
			if q == nil {
				return append(dst, "null"...)
			}
			return elem(dst, q)
		}
	case reflect.Slice:
		return compileSlice(t, nullable)
	case reflect.Map:
		return compileMap(t, nullable)
	case reflect.Struct:
		return compileStruct(t)
	}
	panic(fmt.Sprintf("jsontext: cannot encode %v", t))
}

func empty(nullable bool, closed string) string {
	if nullable {
		return "null"
	}
	return closed
}

func compileSlice(t reflect.Type, nullable bool) appender {
	elem, size, none := compile(t.Elem(), false), t.Elem().Size(), empty(nullable, "[]")
	return func(dst []byte, p unsafe.Pointer) []byte {
		s := *(*[]byte)(p) // the header is the same for every element type
		if unsafe.SliceData(s) == nil {
			return append(dst, none...)
		}
		dst = append(dst, '[')
		base := unsafe.Pointer(unsafe.SliceData(s))
		for i := range len(s) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = elem(dst, unsafe.Add(base, uintptr(i)*size))
		}
		return append(dst, ']')
	}
}

func compileMap(t reflect.Type, nullable bool) appender {
	if t.Key().Kind() != reflect.String {
		panic(fmt.Sprintf("jsontext: cannot encode %v", t))
	}
	none := empty(nullable, "{}")
	if t.Elem() == reflect.TypeFor[string]() { // metadata
		elem := compile(t.Elem(), false)
		return func(dst []byte, p unsafe.Pointer) []byte { return appendMap(dst, *(*map[string]string)(p), none, elem) }
	}
	elem := compile(t.Elem(), false)
	switch {
	case t.Elem() == rawMessage:
		return func(dst []byte, p unsafe.Pointer) []byte {
			return appendMap(dst, *(*map[string]json.RawMessage)(p), none, elem)
		}
	case t.Elem() == reflect.TypeFor[map[string]json.RawMessage]():
		return func(dst []byte, p unsafe.Pointer) []byte {
			return appendMap(dst, *(*map[string]map[string]json.RawMessage)(p), none, elem)
		}
	}
	return func(dst []byte, p unsafe.Pointer) []byte {
		m := reflect.NewAt(t, p).Elem()
		if m.IsNil() {
			return append(dst, none...)
		}
		names := make([]string, 0, m.Len())
		for _, k := range m.MapKeys() {
			names = append(names, k.String())
		}
		sort.Strings(names)
		dst = append(dst, '{')
		for i, name := range names {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendString(dst, name)
			dst = append(dst, ':')
			v := reflect.New(t.Elem())
			v.Elem().Set(m.MapIndex(reflect.ValueOf(name).Convert(t.Key())))
			dst = elem(dst, v.UnsafePointer())
		}
		return append(dst, '}')
	}
}

// appendMap appends a map of a type that is known.
func appendMap[V any](dst []byte, m map[string]V, none string, elem appender) []byte {
	switch {
	case m == nil:
		return append(dst, none...)
	case len(m) == 0:
		return append(dst, "{}"...)
	}
	var few [16]string
	keys := few[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	dst = append(dst, '{')
	var v V
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, k), ':')
		v = m[k]
		dst = elem(dst, unsafe.Pointer(&v))
	}
	return append(dst, '}')
}

type field struct {
	key    string // with a comma, quotes and a colon
	none   string // the same with what stands for nil; "" if the type has no nil
	name   string
	offset uintptr
	write  appender
	zero   func(p unsafe.Pointer) bool // nil: never left out
}

func compileStruct(t reflect.Type) appender {
	fields := structFields(t, 0)
	slices.SortStableFunc(fields, func(a, b field) int { return inOrder(a.name, b.name) })
	return func(dst []byte, p unsafe.Pointer) []byte {
		start := len(dst)
		for i := range fields {
			f := &fields[i]
			q := unsafe.Add(p, f.offset)
			switch {
			case f.zero != nil && f.zero(q):
			case f.none != "" && *(*unsafe.Pointer)(q) == nil:
				dst = append(dst, f.none...)
			default:
				dst = f.write(append(dst, f.key...), q)
			}
		}
		if len(dst) == start {
			return append(dst, "{}"...)
		}
		dst[start] = '{' // where the first comma stood
		return append(dst, '}')
	}
}

// inOrder compares the names of two members as Stripe orders them.
func inOrder(a, b string) int {
	rank := func(name string) int {
		switch name {
		case "id":
			return 0
		case "object":
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

func structFields(t reflect.Type, base uintptr) []field {
	var out []field
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("json")
		if sf.Anonymous && tag == "" {
			out = append(out, structFields(sf.Type, base+sf.Offset)...)
			continue
		}
		if !sf.IsExported() || tag == "-" || tag == "" {
			continue
		}
		name, opts, _ := strings.Cut(tag, ",")
		f := field{
			name: name, key: string(AppendString([]byte{','}, name)) + ":", offset: base + sf.Offset,
			write: compile(sf.Type, sf.Tag.Get("nil") == "null"),
		}
		switch sf.Type.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice: // all of which begin with a pointer, which is nil
			f.none = f.key + string(f.write(nil, reflect.New(sf.Type).UnsafePointer()))
		}
		if strings.Contains(opts, "omitempty") {
			f.zero = zeroOf(sf.Type)
		}
		out = append(out, f)
	}
	return out
}

// zeroOf says of a value of a type whether it is left out: it is zero, or an empty slice.
func zeroOf(t reflect.Type) func(p unsafe.Pointer) bool {
	switch t.Kind() {
	case reflect.String:
		return func(p unsafe.Pointer) bool { return *(*string)(p) == "" }
	case reflect.Int64:
		return func(p unsafe.Pointer) bool { return *(*int64)(p) == 0 }
	case reflect.Bool:
		return func(p unsafe.Pointer) bool { return !*(*bool)(p) }
	case reflect.Pointer, reflect.Map:
		return func(p unsafe.Pointer) bool { return *(*unsafe.Pointer)(p) == nil }
	case reflect.Slice:
		return func(p unsafe.Pointer) bool { return len(*(*[]byte)(p)) == 0 }
	}
	return func(p unsafe.Pointer) bool { return reflect.NewAt(t, p).Elem().IsZero() }
}

// appendFloat appends a fraction. A whole one keeps its point: Stripe writes 10.0 (recorded).
func appendFloat(dst []byte, f float64) []byte {
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if f == math.Trunc(f) {
		dst = append(dst, ".0"...)
	}
	return dst
}
