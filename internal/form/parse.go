package form

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"
	"unicode/utf8"

	"florin/internal/fault"
)

// The limits of a request. Stripe's own are not known; Rack's are of this order.
const (
	maxParams = 5000
	maxDepth  = 32
)

// Parse takes the parameters of a request apart: those in the query and those in the body, which win. The answer is an Object of
// Objects, Arrays and Strings, as they were sent; Check gives them types.
//
// The brackets mean what they mean to Rack: a[b] is a member of a hash; a[] is appended to an array; a[][b] belongs to the last element
// of the array, or to a new one if that has a b already. Numbers in brackets are names here, and Check makes an array of them where the
// operation wants one. A name that came twice has its last value.
func Parse(contentType, query string, body []byte) (*Value, *fault.Error) {
	var p parser
	if len(body) == 0 {
		return p.parse(query, "")
	}
	media, params, err := mediaType(contentType)
	switch {
	case err != nil:
		return nil, fault.UnsupportedContentType(contentType)
	case media == "application/x-www-form-urlencoded":
		return p.parse(query, string(body))
	case media == "multipart/form-data":
		root, refusal := p.parse(query, "")
		if refusal != nil {
			return nil, refusal
		}
		return root, p.multipart(root, body, params["boundary"])
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		return nil, fault.NotForm()
	}
	return nil, fault.UnsupportedContentType(contentType)
}

// mediaType is mime.ParseMediaType, spared for what nearly every client sends. A body without a type is a form.
func mediaType(contentType string) (string, map[string]string, error) {
	switch contentType {
	case "", "application/x-www-form-urlencoded":
		return "application/x-www-form-urlencoded", nil, nil
	}
	return mime.ParseMediaType(contentType)
}

// A parser builds the tree of one request. Its values are made in slabs: a request has few, and they live and die together.
type parser struct {
	slab  []Value
	count int // of parameters

	// wide has the places of the members of objects that are too wide to look through, so that a body of thousands of names costs
	// no more than its length.
	wide map[*Value]map[string]int
}

func (p *parser) parse(query, body string) (*Value, *fault.Error) {
	pairs := strings.Count(query, "&") + strings.Count(body, "&") + 2
	p.slab = make([]Value, 0, min(pairs+1+strings.Count(body, "[")/2, 256))
	root := p.value(Object)
	root.Fields = make([]Field, 0, min(pairs, 32))
	if err := p.pairs(root, query); err != nil {
		return nil, err
	}
	return root, p.pairs(root, body)
}

// value makes a value.
func (p *parser) value(kind Kind) *Value {
	if len(p.slab) == cap(p.slab) {
		p.slab = make([]Value, 0, 32)
	}
	p.slab = append(p.slab, Value{Kind: kind})
	return &p.slab[len(p.slab)-1]
}

// pairs reads name=value&name=value.
func (p *parser) pairs(root *Value, s string) *fault.Error {
	for s != "" {
		var pair string
		pair, s, _ = strings.Cut(s, "&")
		if pair == "" {
			continue
		}
		key, text, _ := strings.Cut(pair, "=") // a name without = has an empty value
		key, err := unescape(key)
		if err != nil {
			return err
		}
		if text, err = unescape(text); err != nil {
			return err
		}
		v := p.value(String)
		v.Text = text
		if err := p.put(root, key, v); err != nil {
			return err
		}
	}
	return nil
}

// unescape decodes + and % and refuses what is not text.
func unescape(s string) (string, *fault.Error) {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '%' || c == '+' || c >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(s) || hex(s[i+1]) < 0 || hex(s[i+2]) < 0 {
				return "", fault.BadEscape(strings.ToValidUTF8(s, "?"))
			}
			out = append(out, byte(hex(s[i+1])<<4|hex(s[i+2])))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	if !utf8.Valid(out) {
		return "", fault.NotUTF8(string(out))
	}
	return string(out), nil
}

func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// put gives the value its place in the tree. A name whose brackets do not match is a name like any other, and will be unknown.
func (p *parser) put(root *Value, key string, v *Value) *fault.Error {
	if p.count++; p.count > maxParams {
		return fault.TooManyParams(maxParams)
	}
	if key == "" {
		return nil
	}
	open := strings.IndexByte(key, '[')
	if open <= 0 || !matched(key[open:]) {
		p.set(root, key, v)
		return nil
	}
	if strings.Count(key, "[") > maxDepth {
		return fault.TooDeep(maxDepth)
	}
	p.nest(root, key[:open], key[open:], v)
	return nil
}

// matched says whether s is a sequence of brackets: [a][b][].
func matched(s string) bool {
	for s != "" {
		if s[0] != '[' {
			return false
		}
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return false
		}
		s = s[end+1:]
	}
	return true
}

// segment takes the first brackets off a sequence of them.
func segment(brackets string) (name, rest string) {
	end := strings.IndexByte(brackets, ']')
	return brackets[1:end], brackets[end+1:]
}

// nest walks from an object down the brackets, making what is missing on the way, and puts the value at the end.
func (p *parser) nest(at *Value, name, brackets string, v *Value) {
	for brackets != "" {
		child := p.get(at, name)
		if child == nil || child.Kind != Object && child.Kind != Array {
			child = p.value(Absent) // what it becomes depends on the brackets
			p.set(at, name, child)
		}
		var next string
		next, brackets = segment(brackets)
		if next != "" {
			child.becomeObject()
			at, name = child, next
			continue
		}
		if brackets == "" {
			p.push(child, v)
			return
		}
		// a[][b]: the element that this belongs to
		if following, _ := segment(brackets); following == "" { // a[][]: an array in an array
			inner := p.value(Array)
			p.push(child, inner)
			p.push(inner, v)
			return
		}
		element := child.last()
		if element == nil || element.Kind != Object || element.hasPath(brackets) {
			element = p.value(Object)
			p.push(child, element)
		}
		name, brackets = segment(brackets)
		at = element
	}
	p.set(at, name, v)
}

// wideAt is the number of members from which on an object is wide.
const wideAt = 64

// get is v.Get, quick for wide objects.
func (p *parser) get(v *Value, name string) *Value {
	if index := p.wide[v]; index != nil {
		if i, ok := index[name]; ok {
			return v.Fields[i].Value
		}
		return nil
	}
	return v.Get(name)
}

// set is v.set, quick for wide objects.
func (p *parser) set(v *Value, name string, member *Value) {
	index := p.wide[v]
	if index == nil && len(v.Fields) >= wideAt {
		index = make(map[string]int, 2*wideAt)
		for i, f := range v.Fields {
			index[f.Name] = i
		}
		if p.wide == nil {
			p.wide = map[*Value]map[string]int{}
		}
		p.wide[v] = index
	}
	if index == nil {
		v.set(name, member)
		return
	}
	if i, ok := index[name]; ok {
		v.Fields[i].Value = member
		return
	}
	index[name] = len(v.Fields)
	v.Fields = append(v.Fields, Field{name, member})
}

// set gives an object's member a value.
func (v *Value) set(name string, member *Value) {
	for i := range v.Fields {
		if v.Fields[i].Name == name {
			v.Fields[i].Value = member
			return
		}
	}
	v.Fields = append(v.Fields, Field{name, member})
}

// becomeObject makes a container a hash; the elements of an array get their indexes as names.
func (v *Value) becomeObject() {
	for i, item := range v.Items {
		v.Fields = append(v.Fields, Field{strconv.Itoa(i), item})
	}
	v.Kind, v.Items = Object, nil
}

// push appends to a container. In a hash, the element gets the number of its members as its name.
func (p *parser) push(v, element *Value) {
	if v.Kind == Object {
		p.set(v, strconv.Itoa(len(v.Fields)), element)
		return
	}
	v.Kind = Array
	v.Items = append(v.Items, element)
}

// last is the element that was added last, or nil.
func (v *Value) last() *Value {
	if n := len(v.Items); n > 0 {
		return v.Items[n-1]
	}
	if n := len(v.Fields); n > 0 {
		return v.Fields[n-1].Value
	}
	return nil
}

// hasPath says whether something is at the end of the brackets already. What is appended is never there yet.
func (v *Value) hasPath(brackets string) bool {
	for brackets != "" {
		var name string
		name, brackets = segment(brackets)
		if v = v.Get(name); v == nil || name == "" {
			return false
		}
	}
	return true
}

// multipart reads a body that carries files.
func (p *parser) multipart(root *Value, body []byte, boundary string) *fault.Error {
	if boundary == "" {
		return fault.BadMultipart()
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fault.BadMultipart()
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return fault.BadMultipart()
		}
		v := p.value(String)
		v.Text = string(text)
		name := part.FormName()
		if part.FileName() != "" || part.Header.Get("Content-Type") == "application/octet-stream" {
			v.Kind, v.Filename, v.ContentType = File, part.FileName(), part.Header.Get("Content-Type")
		} else if !utf8.ValidString(v.Text) {
			return fault.NotUTF8(v.Text)
		}
		if !utf8.ValidString(name) {
			return fault.NotUTF8(name)
		}
		if !utf8.ValidString(v.Filename) {
			return fault.NotUTF8(v.Filename)
		}
		if err := p.put(root, name, v); err != nil {
			return err
		}
	}
}

// ParseJSON reads the body of a /v2 operation. Numbers and booleans have their kinds already, and null is Unset.
func ParseJSON(body []byte) (*Value, *fault.Error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return &Value{Kind: Object}, nil
	}
	if !utf8.Valid(body) {
		return nil, fault.NotUTF8(string(body[:min(len(body), 100)]))
	}
	var p parser
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	root, err := p.json(d, 0)
	if err != nil {
		return nil, err
	}
	if _, eof := d.Token(); eof != io.EOF || root.Kind != Object {
		return nil, fault.BadJSON()
	}
	return root, nil
}

func (p *parser) json(d *json.Decoder, depth int) (*Value, *fault.Error) {
	if depth > maxDepth {
		return nil, fault.TooDeep(maxDepth)
	}
	if p.count++; p.count > maxParams {
		return nil, fault.TooManyParams(maxParams)
	}
	token, err := d.Token()
	if err != nil {
		return nil, fault.BadJSON()
	}
	v := p.value(Unset)
	switch t := token.(type) {
	case string:
		v.Kind, v.Text = String, t
	case bool:
		v.Kind, v.Text = Bool, strconv.FormatBool(t)
		if t {
			v.Int = 1
		}
	case json.Number:
		v.Kind, v.Text = Decimal, t.String()
		if n, err := t.Int64(); err == nil {
			v.Kind, v.Int = Int, n
		}
	case json.Delim:
		v.Kind = Array
		if t == '{' {
			v.Kind = Object
		}
		return v, p.members(d, v, depth)
	}
	return v, nil
}

// members reads what is in a JSON object or array, up to its end.
func (p *parser) members(d *json.Decoder, v *Value, depth int) *fault.Error {
	for d.More() {
		name := ""
		if v.Kind == Object {
			key, err := d.Token()
			if err != nil {
				return fault.BadJSON()
			}
			name = key.(string)
		}
		member, err := p.json(d, depth+1)
		if err != nil {
			return err
		}
		if v.Kind == Object {
			p.set(v, name, member)
		} else {
			v.Items = append(v.Items, member)
		}
	}
	if _, err := d.Token(); err != nil {
		return fault.BadJSON()
	}
	return nil
}
