// Package jsontext works on JSON as bytes, without building a tree: it finds a value by its path, walks the members of an object, and lays
// compact text out as Stripe prints it. Documents are stored compact and encoded once, so most answers are made by copying.
//
// All functions take text that was made by Florin's own encoder: valid and without white space. On other text they find nothing, and never panic.
package jsontext

import (
	"bytes"
	"strings"
	"unsafe"
)

// skipString returns the index behind the string that starts at i (a quote), or len(b).
func skipString(b []byte, i int) int {
	for end := i + 1; ; {
		n := bytes.IndexByte(b[end:], '"')
		if n < 0 {
			return len(b)
		}
		end += n + 1
		slashes := end - 2
		for slashes > i && b[slashes] == '\\' {
			slashes--
		}
		if (end-2-slashes)%2 == 0 {
			return end
		}
	}
}

// skipLiteral returns the index behind the number or word that starts at i.
func skipLiteral(b []byte, i int) int {
	switch b[i] {
	case 'n', 't':
		i = min(i+len("null"), len(b))
	case 'f':
		i = min(i+len("false"), len(b))
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' {
		i++
	}
	return i
}

// Skip returns the index behind the value that starts at i.
func Skip(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':':
			i++
			continue
		default:
			i = skipLiteral(b, i)
		}
		if depth <= 0 {
			return i
		}
	}
	return len(b)
}

// Members calls yield with each member of an object, until it returns false. Keys are given as they stand between the quotes; like the values, they
// are parts of b, which nobody may change as long as they are used.
func Members(b []byte, yield func(key string, value []byte) bool) {
	c := Over(b)
	for {
		key, value, ok := c.Next()
		if !ok || !yield(key, value) {
			return
		}
	}
}

// A Cursor walks the members of an object, for those who walk two side by side. Its zero value is at the end.
type Cursor struct {
	b []byte
	i int
}

// Over is a cursor before the first member of an object.
func Over(b []byte) Cursor {
	if len(b) < 2 || b[0] != '{' {
		return Cursor{}
	}
	return Cursor{b, 1}
}

// Next is the next member, as Members gives it.
func (c *Cursor) Next() (key string, value []byte, ok bool) {
	b, i := c.b, c.i
	if i >= len(b) || b[i] != '"' {
		return "", nil, false
	}
	k := skipString(b, i)
	if k >= len(b) || k < i+2 {
		return "", nil, false
	}
	v := Skip(b, k+1)
	c.i = v + 1 // behind the comma
	return unsafe.String(&b[i+1], k-i-2), b[k+1 : v], true
}

// Items calls yield with each item of an array, until it returns false.
func Items(b []byte, yield func(value []byte) bool) {
	if len(b) < 2 || b[0] != '[' || b[1] == ']' {
		return
	}
	for i := 1; i < len(b); {
		v := Skip(b, i)
		if v == i || !yield(b[i:v]) {
			return
		}
		i = v + 1
	}
}

// member returns the value of one member, or nil.
func member(b []byte, name string) []byte {
	if len(b) < 2 || b[0] != '{' {
		return nil
	}
	for i := 1; i < len(b) && b[i] == '"'; {
		k := skipString(b, i)
		if k >= len(b) || k < i+2 {
			return nil
		}
		v := Skip(b, k+1)
		if string(b[i+1:k-1]) == name {
			return b[k+1 : v]
		}
		i = v + 1
	}
	return nil
}

// Get returns the value at a dotted path of member names, or nil.
func Get(b []byte, path string) []byte {
	for b != nil {
		name, rest, more := strings.Cut(path, ".")
		b = member(b, name)
		if !more {
			return b
		}
		path = rest
	}
	return nil
}

// Text returns the scalar at a path as text: a string without its quotes, a number or a boolean as it stands; "" for null, objects and
// arrays, and where there is nothing.
func Text(b []byte, path string) string { return Scalar(Get(b, path)) }

// Scalar is the text of one scalar value, as Text says.
func Scalar(v []byte) string {
	if len(v) == 0 {
		return ""
	}
	switch v[0] {
	case '"':
		if len(v) < 2 {
			return ""
		}
		return unescape(v[1 : len(v)-1])
	case '{', '[', 'n':
		return ""
	}
	return string(v)
}

// Indent appends src to dst as Stripe prints it: two spaces a level, one space behind a colon, empty objects and arrays closed up.
// depth is the level at which src stands.
func Indent(dst, src []byte, depth int) []byte {
	for i := 0; i < len(src); {
		switch ch := src[i]; ch {
		case '"':
			end := skipString(src, i)
			dst = append(dst, src[i:end]...)
			i = end
			continue
		case '{', '[':
			if i+1 < len(src) && src[i+1] == ch+2 {
				dst = append(dst, ch, ch+2)
				i += 2
				continue
			}
			depth++
			dst = append(dst, ch)
			dst = newline(dst, depth)
		case '}', ']':
			depth = max(depth-1, 0)
			dst = newline(dst, depth)
			dst = append(dst, ch)
		case ',':
			dst = append(dst, ch)
			dst = newline(dst, depth)
		case ':':
			dst = append(dst, ':', ' ')
		default:
			end := skipLiteral(src, i)
			dst = append(dst, src[i:end]...)
			i = end
			continue
		}
		i++
	}
	return dst
}

const spaces = "\n                                                                                "

func newline(dst []byte, depth int) []byte {
	if n := 1 + 2*depth; n <= len(spaces) {
		return append(dst, spaces[:n]...)
	}
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, ' ', ' ')
	}
	return dst
}

// Without is an object without some of its members; what is no object stays as it is.
func Without(body []byte, names ...string) []byte {
	if len(body) == 0 || body[0] != '{' {
		return body
	}
	out := append(make([]byte, 0, len(body)), '{')
	Members(body, func(key string, v []byte) bool {
		for _, n := range names {
			if n == key {
				return true
			}
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(AppendString(out, key), ':'), v...)
		return true
	})
	return append(out, '}')
}
