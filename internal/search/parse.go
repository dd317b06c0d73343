package search

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"florin/internal/fault"
	"florin/internal/jsontext"
)

const (
	metadata   = "metadata"
	maxClauses = 10
	minPart    = 3 // characters of a substring
)

// Parse reads a query on a resource, which is named as in its URL: "payment_intents". Every refusal is a 400.
//
// The whole query is read before its clauses are held against the resource's fields, so that a query that cannot be read is refused as such.
func Parse(resource, query string) (*Query, *fault.Error) {
	p := parser{in: query}
	q, err := p.query()
	if err != nil {
		return nil, err
	}
	for i := range q.clauses {
		if err := q.clauses[i].resolve(resource); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// resolve gives the clause the field that it names, and refuses what the field does not have.
func (c *clause) resolve(resource string) *fault.Error {
	name := c.field.Name
	found := false
	for _, f := range fields[resource] {
		if f.Name == name {
			c.field, found = f, true
		}
	}
	if !found {
		return fault.SearchField(name, resource)
	}
	op := c.op
	if op == "=" {
		c.op = ":"
	}
	switch c.field.Kind {
	case Token:
		if op != ":" {
			return fault.SearchOperator(name, op)
		}
	case String:
		if op != ":" && op != "~" {
			return fault.SearchOperator(name, op)
		}
	case Numeric:
		if op == "~" {
			return fault.SearchOperator(name, op)
		}
	}
	if c.null {
		if op != ":" {
			return fault.SearchOperator(name, op)
		}
		return nil
	}
	if c.field.Kind == Numeric {
		n, err := strconv.ParseInt(c.value, 10, 64)
		if err != nil {
			return fault.SearchNumber(name, c.value)
		}
		c.num = n
		return nil
	}
	if op == "~" && utf8.RuneCountInString(c.value) < minPart {
		return fault.SearchTooShort(name)
	}
	c.fold = Fold(c.value)
	c.words = strings.Fields(c.fold)
	return nil
}

// A parser stands in front of what is left of a query.
type parser struct{ in string }

func (p *parser) query() (*Query, *fault.Error) {
	q := &Query{}
	var and bool
	p.space()
	for {
		c, ok := p.clause()
		if !ok {
			return nil, fault.SearchUnparsable()
		}
		q.clauses = append(q.clauses, c)
		spaced := p.space()
		if p.in == "" {
			break
		}
		if !spaced {
			return nil, fault.SearchUnparsable()
		}
		switch {
		case p.keyword("or"):
			q.or = true
		default:
			p.keyword("and")
			and = true
		}
	}
	if q.or && and {
		return nil, fault.SearchMixed()
	}
	if len(q.clauses) > maxClauses {
		return nil, fault.SearchTooMany(maxClauses)
	}
	return q, nil
}

// space passes white space, and says whether there was any.
func (p *parser) space() bool {
	rest := strings.TrimLeft(p.in, " \t\r\n")
	some := len(rest) < len(p.in)
	p.in = rest
	return some
}

// keyword passes a word that white space follows, and that space.
func (p *parser) keyword(word string) bool {
	if len(p.in) <= len(word) || !strings.EqualFold(p.in[:len(word)], word) || strings.IndexByte(" \t\r\n", p.in[len(word)]) < 0 {
		return false
	}
	p.in = p.in[len(word):]
	return p.space()
}

func (p *parser) clause() (c clause, ok bool) {
	p.in, c.not = strings.CutPrefix(p.in, "-")
	n := 0
	for n < len(p.in) && nameByte(p.in[n]) {
		n++
	}
	c.field.Name, p.in = p.in[:n], p.in[n:]
	keyed := false
	if p.in, keyed = strings.CutPrefix(p.in, "["); keyed {
		if c.key, ok = p.quoted(); !ok {
			return c, false
		}
		if p.in, ok = strings.CutPrefix(p.in, "]"); !ok {
			return c, false
		}
		name := jsontext.AppendString(nil, c.key)
		c.name = string(name[1 : len(name)-1])
	}
	if n == 0 || keyed != (c.field.Name == metadata) {
		return c, false
	}
	for _, op := range []string{":", "~", ">=", "<=", ">", "<", "="} {
		if p.in, ok = strings.CutPrefix(p.in, op); ok {
			c.op = op
			return c, p.value(&c)
		}
	}
	return c, false
}

func nameByte(ch byte) bool {
	return ch == '_' || ch == '.' || '0' <= ch && ch <= '9' || 'a' <= ch && ch <= 'z' || 'A' <= ch && ch <= 'Z'
}

// value passes a quoted string, a bare number or null.
func (p *parser) value(c *clause) (ok bool) {
	if p.in != "" && (p.in[0] == '"' || p.in[0] == '\'') {
		c.value, ok = p.quoted()
		return ok
	}
	end := strings.IndexAny(p.in, " \t\r\n")
	if end < 0 {
		end = len(p.in)
	}
	c.value, p.in = p.in[:end], p.in[end:]
	c.null = strings.EqualFold(c.value, "null")
	return c.null || bareNumber(c.value)
}

// bareNumber says whether s is digits, with a sign in front or a fraction behind, if any.
func bareNumber(s string) bool {
	whole, part, fraction := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return digits(whole) && (!fraction || digits(part))
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// quoted passes a string in quotes of either kind. A backslash takes the quote or the backslash behind it as it stands, and is itself
// anywhere else.
func (p *parser) quoted() (string, bool) {
	if p.in == "" || p.in[0] != '"' && p.in[0] != '\'' {
		return "", false
	}
	quote := p.in[0]
	var out []byte
	for i := 1; i < len(p.in); i++ {
		ch := p.in[i]
		switch {
		case ch == quote:
			p.in = p.in[i+1:]
			return string(out), true
		case ch == '\\' && i+1 < len(p.in) && strings.IndexByte(`"'\`, p.in[i+1]) >= 0:
			i++
			ch = p.in[i]
		}
		out = append(out, ch)
	}
	return "", false
}
