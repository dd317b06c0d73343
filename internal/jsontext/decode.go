package jsontext

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"
)

// Decode reads the JSON of an object into v, a pointer to a fresh struct, as encoding/json does, in a fraction of the time. Strings and raw JSON in v
// are parts of b, which nobody may change any more.
//
// Each type's plan is compiled once; what it is quick at is text of Append's. All else, text that is spaced or broken, and types that Append does not
// take, is left to encoding/json.
func Decode(b []byte, v any) error {
	rv := reflect.ValueOf(v)
	if read := readerFor(rv.Type().Elem()); read != nil {
		if read(b, 0, rv.UnsafePointer()) == len(b) {
			return nil
		}
		rv.Elem().SetZero()
	}
	return json.Unmarshal(b, v)
}

// A reader reads the value at b[i] into what p points to, and returns the index behind it; failed if it is not for a reader.
type reader func(b []byte, i int, p unsafe.Pointer) int

const failed = -1

var readers sync.Map // reflect.Type → reader

func readerFor(t reflect.Type) reader {
	if f, ok := readers.Load(t); ok {
		return f.(reader)
	}
	f := compileReader(t)
	readers.Store(t, f)
	return f
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[interface{ UnmarshalText([]byte) error }]()
)

// compileReader makes the reader of a type; nil if there is none.
func compileReader(t reflect.Type) reader {
	switch {
	case t == rawMessage:
		return readRaw
	case reflect.PointerTo(t).Implements(jsonUnmarshaler), reflect.PointerTo(t).Implements(textUnmarshaler):
		return nil
	}
	switch t.Kind() {
	case reflect.String:
		return orNull(readString)
	case reflect.Int64:
		return orNull(readInt)
	case reflect.Bool:
		return orNull(readBool)
	case reflect.Float64:
		return orNull(readFloat)
	case reflect.Pointer:
		return compilePointerReader(t)
	case reflect.Slice:
		return compileSliceReader(t)
	case reflect.Map:
		return compileMapReader(t)
	case reflect.Struct:
		return compileStructReader(t)
	}
	return nil
}

// orNull lets null pass, which changes nothing.
func orNull(read reader) reader {
	return func(b []byte, i int, p unsafe.Pointer) int {
		if isNull(b, i) {
			return i + len("null")
		}
		return read(b, i, p)
	}
}

func isNull(b []byte, i int) bool { return i < len(b) && b[i] == 'n' && literal(b, i, "null") }

func literal(b []byte, i int, word string) bool {
	return len(b)-i >= len(word) && string(b[i:i+len(word)]) == word
}

func at(b []byte, i int) byte {
	if i < 0 || i >= len(b) {
		return 0
	}
	return b[i]
}

func readRaw(b []byte, i int, p unsafe.Pointer) int {
	end := passOver(b, i)
	if end != failed {
		*(*[]byte)(p) = b[i:end:end]
	}
	return end
}

// passOver returns the index behind a value that is not looked at.
func passOver(b []byte, i int) int {
	end := Skip(b, i)
	if end <= i || b[i] <= ' ' || b[end-1] <= ' ' {
		return failed
	}
	return end
}

// text is the string at b[i], and the index behind it.
func text(b []byte, i int) (string, int) {
	if at(b, i) != '"' {
		return "", failed
	}
	ascii := true
	for j := i + 1; j < len(b); j++ {
		switch ch := b[j]; {
		case ch == '"':
			s := unsafe.String(unsafe.SliceData(b[i+1:]), j-i-1)
			if !ascii && !utf8.ValidString(s) {
				return escaped(b, i)
			}
			return s, j + 1
		case ch == '\\':
			return escaped(b, i)
		case ch < ' ':
			return "", failed
		case ch >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", failed
}

// escaped is text for what is not as it stands.
func escaped(b []byte, i int) (s string, end int) {
	end = skipString(b, i)
	if json.Unmarshal(b[i:end], &s) != nil {
		return "", failed
	}
	return s, end
}

func readString(b []byte, i int, p unsafe.Pointer) int {
	s, end := text(b, i)
	if end != failed {
		*(*string)(p) = s
	}
	return end
}

func number(b []byte, i int) string {
	j := i
	for j < len(b) && b[j] != ',' && b[j] != '}' && b[j] != ']' {
		j++
	}
	return unsafe.String(unsafe.SliceData(b[i:]), j-i)
}

// readInt reads up to 18 digits, which fit.
func readInt(b []byte, i int, p unsafe.Pointer) int {
	minus := at(b, i) == '-'
	if minus {
		i++
	}
	var n int64
	j := i
	for j < len(b) && b[j] >= '0' && b[j] <= '9' {
		n = n*10 + int64(b[j]-'0')
		j++
	}
	if j == i || j-i > 18 || b[i] == '0' && j-i > 1 || at(b, j) == '.' || at(b, j)|0x20 == 'e' {
		return failed
	}
	if minus {
		n = -n
	}
	*(*int64)(p) = n
	return j
}

func readBool(b []byte, i int, p unsafe.Pointer) int {
	switch {
	case literal(b, i, "true"):
		*(*bool)(p) = true
		return i + len("true")
	case literal(b, i, "false"):
		*(*bool)(p) = false
		return i + len("false")
	}
	return failed
}

func readFloat(b []byte, i int, p unsafe.Pointer) int {
	s := number(b, i)
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !json.Valid(b[i:i+len(s)]) { // JSON has no 0x1p-2, no 1_000 and no Inf
		return failed
	}
	*(*float64)(p) = f
	return i + len(s)
}

func compilePointerReader(t reflect.Type) reader {
	elem, typ := compileReader(t.Elem()), t.Elem()
	if elem == nil {
		return nil
	}
	return func(b []byte, i int, p unsafe.Pointer) int {
		to := (*unsafe.Pointer)(p)
		if isNull(b, i) {
			*to = nil
			return i + len("null")
		}
		if *to == nil {
			*to = reflect.New(typ).UnsafePointer()
		}
		return elem(b, i, *to)
	}
}

func compileSliceReader(t reflect.Type) reader {
	elem, size := compileReader(t.Elem()), t.Elem().Size()
	if elem == nil {
		return nil
	}
	return func(b []byte, i int, p unsafe.Pointer) int {
		s := reflect.NewAt(t, p).Elem()
		switch {
		case isNull(b, i):
			s.SetZero()
			return i + len("null")
		case at(b, i) != '[' || !s.IsNil():
			return failed
		case at(b, i+1) == ']':
			s.Set(reflect.MakeSlice(t, 0, 0))
			return i + 2
		}
		n := 1
		for end := Skip(b, i+1); at(b, end) == ','; end = Skip(b, end+1) {
			n++
		}
		s.Set(reflect.MakeSlice(t, n, n))
		first := s.UnsafePointer()
		for k := range n {
			if i = elem(b, i+1, unsafe.Add(first, uintptr(k)*size)); at(b, i) != ',' && at(b, i) != ']' {
				return failed
			}
		}
		if at(b, i) != ']' {
			return failed
		}
		return i + 1
	}
}

func compileMapReader(t reflect.Type) reader {
	elem := compileReader(t.Elem())
	if elem == nil || t.Key() != reflect.TypeFor[string]() {
		return nil
	}
	switch t {
	case reflect.TypeFor[map[string]string](): // metadata
		return readMap[string](elem)
	case reflect.TypeFor[map[string]json.RawMessage]():
		return readMap[json.RawMessage](elem)
	case reflect.TypeFor[map[string]map[string]json.RawMessage]():
		return readMap[map[string]json.RawMessage](elem)
	}
	return func(b []byte, i int, p unsafe.Pointer) int {
		m := reflect.NewAt(t, p).Elem()
		if isNull(b, i) {
			m.SetZero()
			return i + len("null")
		}
		if m.IsNil() {
			m.Set(reflect.MakeMap(t))
		}
		return readMembers(b, i, func(key string, i int) int {
			v := reflect.New(t.Elem())
			i = elem(b, i, v.UnsafePointer())
			m.SetMapIndex(reflect.ValueOf(key), v.Elem())
			return i
		})
	}
}

// readMap reads a map of a type that is known.
func readMap[V any](elem reader) reader {
	return func(b []byte, i int, p unsafe.Pointer) int {
		m := (*map[string]V)(p)
		if isNull(b, i) {
			*m = nil
			return i + len("null")
		}
		if *m == nil {
			*m = map[string]V{}
		}
		return readMembers(b, i, func(key string, i int) int {
			var v V
			i = elem(b, i, unsafe.Pointer(&v))
			(*m)[key] = v
			return i
		})
	}
}

// readMembers gives each member's key, and where its value stands; read returns the index behind that.
func readMembers(b []byte, i int, read func(key string, i int) int) int {
	if at(b, i) != '{' {
		return failed
	}
	if at(b, i+1) == '}' {
		return i + 2
	}
	for {
		key, end := text(b, i+1)
		if end == failed || at(b, end) != ':' {
			return failed
		}
		switch i = read(key, end+1); at(b, i) {
		case ',':
		case '}':
			return i + 1
		default:
			return failed
		}
	}
}

// A target is a field that is read.
type target struct {
	name   string
	offset uintptr
	read   reader
}

func compileStructReader(t reflect.Type) reader {
	fields, ok := targets(t, 0)
	if !ok {
		return nil
	}
	slices.SortStableFunc(fields, func(a, b target) int { return inOrder(a.name, b.name) })
	for i := 1; i < len(fields); i++ {
		if fields[i].name == fields[i-1].name { // which of them is meant takes encoding/json to tell
			return nil
		}
	}
	return orNull(func(b []byte, i int, p unsafe.Pointer) int {
		next := 0 // members stand in the order of the fields
		return readMembers(b, i, func(key string, i int) int {
			for n := range len(fields) {
				at := next + n
				if at >= len(fields) {
					at -= len(fields)
				}
				if f := &fields[at]; f.name == key {
					next = at + 1
					return f.read(b, i, unsafe.Add(p, f.offset))
				}
			}
			for i := range fields { // encoding/json takes them in any case
				if strings.EqualFold(fields[i].name, key) {
					return failed
				}
			}
			return passOver(b, i)
		})
	})
}

// targets are the fields of a struct that encoding/json fills; not ok if one of them has no reader.
func targets(t reflect.Type, base uintptr) (out []target, ok bool) {
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("json")
		name, opts, _ := strings.Cut(tag, ",")
		switch {
		case tag == "-" || !sf.IsExported() && !sf.Anonymous:
			continue
		case sf.Anonymous && name == "":
			if sf.Type.Kind() != reflect.Struct {
				return nil, false
			}
			inner, ok := targets(sf.Type, base+sf.Offset)
			if !ok {
				return nil, false
			}
			out = append(out, inner...)
			continue
		case !sf.IsExported() || strings.Contains(opts, "string"):
			return nil, false
		case name == "":
			name = sf.Name
		}
		read := compileReader(sf.Type)
		if read == nil {
			return nil, false
		}
		out = append(out, target{name, base + sf.Offset, read})
	}
	return out, true
}
