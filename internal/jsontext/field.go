package jsontext

import (
	"encoding/json"
	"reflect"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// A Field reads one text of a struct of the type that it was compiled for, a pointer to which is given to it.
type Field func(p unsafe.Pointer) string

// FieldOf compiles what reads from a struct the text that stands at a dotted path of what Append makes of it, just as Text reads it there. It returns
// nil where the struct cannot be read so: at a path through a map, or one to something else than a text.
func FieldOf(t reflect.Type, path string) Field {
	name, rest, more := strings.Cut(path, ".")
	for _, sf := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if tag != name || !sf.IsExported() {
			continue
		}
		offset, ok := offsetOf(t, sf.Index)
		if !ok {
			return nil
		}
		var read Field
		if more {
			read = inside(sf.Type, rest)
		} else {
			read = textOf(sf.Type)
		}
		if read == nil {
			return nil
		}
		return func(p unsafe.Pointer) string { return read(unsafe.Add(p, offset)) }
	}
	return nil
}

// offsetOf is where a field stands in a struct; not ok if there is a pointer on the way.
func offsetOf(t reflect.Type, index []int) (offset uintptr, ok bool) {
	for _, i := range index {
		if t.Kind() != reflect.Struct {
			return 0, false
		}
		offset += t.Field(i).Offset
		t = t.Field(i).Type
	}
	return offset, true
}

func textOf(t reflect.Type) Field {
	switch {
	case t.Kind() == reflect.String:
		return func(p unsafe.Pointer) string { return written(*(*string)(p)) }
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.String:
		return func(p unsafe.Pointer) string {
			if s := *(**string)(p); s != nil {
				return written(*s)
			}
			return ""
		}
	}
	return nil
}

// written is a text as it is when it has been written and read.
func written(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return Scalar(AppendString(nil, s))
}

// inside reads on in what a member holds.
func inside(t reflect.Type, path string) Field {
	switch {
	case t == rawMessage:
		return func(p unsafe.Pointer) string { return Text(*(*json.RawMessage)(p), path) }
	case t.Kind() == reflect.Struct:
		return FieldOf(t, path)
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		read := FieldOf(t.Elem(), path)
		if read == nil {
			return nil
		}
		return func(p unsafe.Pointer) string {
			if q := *(*unsafe.Pointer)(p); q != nil {
				return read(q)
			}
			return ""
		}
	}
	return nil
}
