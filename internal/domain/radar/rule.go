package radar

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// A Rule says what to do with payments that its predicate is true of.
type Rule struct {
	ID        string `json:"id"`
	Action    string `json:"action"` // one of those below
	Predicate string `json:"predicate"`
}

// The actions, in the order in which rules are asked. Those that ask for 3D Secure decide nothing else; of the others the first that is true
// decides. Known from: docs.stripe.com/radar/rules/reference.
const (
	Request3DS = "request_3ds"
	Allow      = "allow"
	BlockIt    = "block"
	ReviewIt   = "manual_review"
)

// A predicate is a condition in the language of Stripe's rules:
//
//	:risk_level: = 'elevated' and :amount_in_usd: > 100.00
//	:email: in @email_blocklist or :card_country: in ('US', 'CA')
//	not (:card_funding: = 'prepaid') and :email_domain: like '%.example'
//	::order: = 'phone'                     (the payment's metadata)
//	is_missing(:email:)
//
// Words are compared without case, as Stripe does. What is not known of a payment makes a comparison false, whichever it is.
type predicate interface {
	holds(p *facts) (bool, error)
}

type (
	andTerm  []predicate
	orTerm   []predicate
	notTerm  struct{ of predicate }
	isThere  struct{ attribute string } // a boolean attribute by itself
	missing  struct{ attribute string }
	inList   struct{ attribute, alias string }
	relation struct {
		attribute, op string
		operands      []any // string or float64; more than one for `in`
	}
)

func (t andTerm) holds(p *facts) (bool, error) {
	for _, of := range t {
		if ok, err := of.holds(p); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (t orTerm) holds(p *facts) (bool, error) {
	for _, of := range t {
		if ok, err := of.holds(p); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (t notTerm) holds(p *facts) (bool, error) {
	ok, err := t.of.holds(p)
	return !ok && err == nil, err
}

func (t isThere) holds(p *facts) (bool, error) {
	v, err := p.get(t.attribute)
	yes, _ := v.(bool)
	return yes, err
}

func (t missing) holds(p *facts) (bool, error) {
	v, err := p.get(t.attribute)
	return v == nil && err == nil, err
}

func (t inList) holds(p *facts) (bool, error) {
	if p.lists.find(t.alias) == nil {
		return false, nil // empty, so there is nothing to look up
	}
	v, err := p.get(t.attribute)
	s, ok := v.(string)
	if !ok || s == "" || err != nil {
		return false, err
	}
	return p.listed(t.alias, s)
}

func (t relation) holds(p *facts) (bool, error) {
	v, err := p.get(t.attribute)
	if v == nil || err != nil {
		return false, err
	}
	if n, ok := v.(float64); ok {
		return t.number(n), nil
	}
	s, ok := v.(string)
	if !ok {
		s = fmt.Sprint(v) // a boolean: true or false
	}
	return t.word(s), nil
}

func (t relation) number(n float64) bool {
	for _, o := range t.operands {
		m, ok := o.(float64)
		if !ok {
			continue
		}
		switch t.op {
		case "=", "in":
			if n == m {
				return true
			}
		case "!=":
			return n != m
		case "<":
			return n < m
		case ">":
			return n > m
		case "<=":
			return n <= m
		case ">=":
			return n >= m
		}
	}
	return false
}

func (t relation) word(s string) bool {
	s = strings.ToLower(s)
	for _, o := range t.operands {
		w := strings.ToLower(fmt.Sprint(o))
		switch t.op {
		case "=", "in":
			if s == w {
				return true
			}
		case "!=":
			return s != w
		case "includes":
			return strings.Contains(s, w)
		case "like":
			return like(s, w)
		}
	}
	return false
}

// like compares with a pattern in which % stands for any number of characters.
func like(s, pattern string) bool {
	parts := strings.Split(pattern, "%")
	if len(parts) == 1 {
		return s == pattern
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, last)
}

var parsed sync.Map // text → predicate; rules are few, and asked of every payment

// compile parses a predicate, once for each text.
func compile(text string) (predicate, error) {
	if p, ok := parsed.Load(text); ok {
		return p.(predicate), nil
	}
	p := &parser{}
	if err := p.tokens(text); err != nil {
		return nil, err
	}
	t, err := p.or()
	if err == nil && p.at < len(p.list) {
		err = fmt.Errorf("%q is not expected", p.list[p.at].text)
	}
	if err != nil {
		return nil, fmt.Errorf("rule %q: %w", text, err)
	}
	parsed.Store(text, t)
	return t, nil
}

// A token of a predicate. kind is the first character of what it is: : attribute, ' text, 0 number, @ list, a word, or the sign itself.
type token struct {
	kind byte
	text string
}

type parser struct {
	list []token
	at   int
}

func (p *parser) tokens(text string) error {
	for i := 0; i < len(text); {
		rest := text[i:]
		switch ch := rest[0]; {
		case ch == ' ' || ch == '\t' || ch == '\n':
			i++
		case strings.HasPrefix(rest, "::"), ch == ':':
			head := len(rest) - len(strings.TrimLeft(rest, ":"))
			end := strings.IndexByte(rest[head:], ':')
			if end < 0 {
				return fmt.Errorf("the attribute at %q has no end", rest)
			}
			p.list = append(p.list, token{':', strings.Repeat(":", head-1) + rest[head:head+end]})
			i += head + end
			for i < len(text) && text[i] == ':' {
				i++
			}
		case ch == '\'' || ch == '"':
			end := strings.IndexByte(rest[1:], ch)
			if end < 0 {
				return fmt.Errorf("the text at %q has no end", rest)
			}
			p.list = append(p.list, token{'\'', rest[1 : 1+end]})
			i += end + 2
		case strings.ContainsRune("(),", rune(ch)):
			p.list = append(p.list, token{ch, rest[:1]})
			i++
		case strings.ContainsRune("=!<>", rune(ch)):
			n := 1
			if len(rest) > 1 && rest[1] == '=' {
				n = 2
			}
			p.list = append(p.list, token{'=', rest[:n]})
			i += n
		default:
			n := 0
			for n < len(rest) && (rest[n] == '_' || rest[n] == '.' || rest[n] == '@' || rest[n] >= '0' && rest[n] <= '9' || rest[n]|0x20 >= 'a' && rest[n]|0x20 <= 'z') {
				n++
			}
			if n == 0 {
				return fmt.Errorf("%q is not expected", rest)
			}
			kind := byte('a')
			switch {
			case ch == '@':
				kind = '@'
			case ch >= '0' && ch <= '9':
				kind = '0'
			}
			p.list = append(p.list, token{kind, rest[:n]})
			i += n
		}
	}
	return nil
}

func (p *parser) peek() token {
	if p.at < len(p.list) {
		return p.list[p.at]
	}
	return token{}
}

func (p *parser) next() token {
	t := p.peek()
	p.at++
	return t
}

// word takes the next token if it is one of these words, whatever its case.
func (p *parser) word(words ...string) string {
	for _, w := range words {
		if t := p.peek(); t.kind == 'a' && strings.EqualFold(t.text, w) {
			p.at++
			return w
		}
	}
	return ""
}

func (p *parser) or() (predicate, error) {
	var out orTerm
	for {
		t, err := p.and()
		if err != nil {
			return nil, err
		}
		if out = append(out, t); p.word("or") == "" {
			break
		}
	}
	if len(out) == 1 {
		return out[0], nil
	}
	return out, nil
}

func (p *parser) and() (predicate, error) {
	var out andTerm
	for {
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		if out = append(out, t); p.word("and") == "" {
			break
		}
	}
	if len(out) == 1 {
		return out[0], nil
	}
	return out, nil
}

func (p *parser) term() (predicate, error) {
	if p.word("not") != "" {
		t, err := p.term()
		return notTerm{t}, err
	}
	if p.word("is_missing") != "" {
		open, name, closing := p.next(), p.next(), p.next()
		if open.kind != '(' || name.kind != ':' || closing.kind != ')' {
			return nil, fmt.Errorf("is_missing(:attribute:) is wanted")
		}
		return missing{name.text}, known(name.text)
	}
	switch t := p.next(); t.kind {
	case '(':
		inner, err := p.or()
		if err == nil && p.next().kind != ')' {
			err = fmt.Errorf("a closing bracket is missing")
		}
		return inner, err
	case ':':
		if err := known(t.text); err != nil {
			return nil, err
		}
		return p.compared(t.text)
	default:
		return nil, fmt.Errorf("an attribute is wanted, not %q", t.text)
	}
}

func (p *parser) compared(attribute string) (predicate, error) {
	op := p.word("in", "like", "includes")
	if op == "" {
		if p.peek().kind != '=' {
			return isThere{attribute}, nil
		}
		op = p.next().text
	}
	if op == "!" {
		return nil, fmt.Errorf("! is not an operator")
	}
	if op == "in" && p.peek().kind == '@' {
		return inList{attribute, p.next().text[1:]}, nil
	}
	r := relation{attribute: attribute, op: op}
	if op != "in" {
		v, err := p.operand()
		r.operands = []any{v}
		return r, err
	}
	if p.next().kind != '(' {
		return nil, fmt.Errorf("in wants a list: @alias or ('a', 'b')")
	}
	for {
		v, err := p.operand()
		if err != nil {
			return nil, err
		}
		r.operands = append(r.operands, v)
		if t := p.next(); t.kind == ')' {
			return r, nil
		} else if t.kind != ',' {
			return nil, fmt.Errorf("a comma or a closing bracket is wanted, not %q", t.text)
		}
	}
}

func (p *parser) operand() (any, error) {
	switch t := p.next(); t.kind {
	case '\'':
		return t.text, nil
	case '0':
		return strconv.ParseFloat(t.text, 64)
	case 'a':
		if strings.EqualFold(t.text, "true") || strings.EqualFold(t.text, "false") {
			return strings.ToLower(t.text), nil
		}
		return nil, fmt.Errorf("%q should be in quotes", t.text)
	default:
		return nil, fmt.Errorf("a value is wanted, not %q", t.text)
	}
}
