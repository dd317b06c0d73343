package script_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A step is one line of a story, or a request with the lines that carry on its parameters.
type step struct {
	line int
	text string
	kind kind

	// of a request
	times  int // how often; 1 unless the story says
	method string
	path   string
	params []param
	into   string // the variable that the answer's id is kept in

	// of what is wanted
	target string // a path in the answer, or "code", "header NAME", "body"
	op     string
	want   string

	words []string // of everything else
}

type kind int

const (
	request kind = iota
	want
	keep // PATH → name
	as
	with
	events
	clockTo
	open
	visit
	click
	enter
	alone
	rule
)

// A param is one name and value of a form, before variables are filled in.
type param struct{ name, value string }

var (
	verb       = regexp.MustCompile(`^(?:(\d+) times )?(GET|POST|DELETE|OPTIONS|PUT) (\S+)\s*(.*)$`)
	firstParam = regexp.MustCompile(`^[A-Za-z_0-9]+(\[[^\]\s]*\])*=`)
	arrow      = regexp.MustCompile(`^(.*?)\s*(?:→|->)\s*([A-Za-z]\w*)$`)
	expect     = regexp.MustCompile(`^(header \S+|\S+)\s+(==|!=|>=|<=|>|<|matches|contains|keys|length|exists|absent|null)(?:\s+(.*))?$`)
	span       = regexp.MustCompile(`\{(\d+)\.\.(\d+)\}`)
)

// parse reads a story.
func parse(text string) ([]step, error) {
	var steps []step
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if last := len(steps) - 1; last >= 0 && steps[last].kind == request && (firstParam.MatchString(line) || strings.HasPrefix(line, "→ ")) {
			if err := steps[last].more(line); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			steps[last].text += " " + line
			continue
		}
		s := step{line: i + 1, text: line}
		if err := s.parse(line); err != nil {
			return nil, fmt.Errorf("line %d: %w: %s", i+1, err, line)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func (s *step) parse(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	if m := verb.FindStringSubmatch(line); m != nil {
		s.kind, s.times, s.method, s.path = request, 1, m[2], m[3]
		if m[1] != "" {
			s.times, _ = strconv.Atoi(m[1])
		}
		return s.more(m[4])
	}
	switch {
	case line == "alone":
		s.kind = alone
	case strings.HasPrefix(line, "events"):
		s.kind, s.words = events, strings.Fields(line)
		if w := s.words[0]; w != "events:" && !strings.HasPrefix(line, "events in any order:") && !strings.HasPrefix(line, "events of $") {
			return fmt.Errorf("events: names …, or events in any order: names …, or events of $account: names …")
		}
	case word == "as":
		s.kind, s.words = as, strings.Fields(rest)
	case word == "with":
		s.kind, s.words = with, []string{rest}
	case word == "clock":
		s.kind, s.words = clockTo, strings.Fields(rest)
	case word == "visit":
		s.kind, s.words = visit, []string{rest}
	case word == "open":
		s.kind, s.words = open, []string{rest}
	case word == "rule":
		s.kind, s.words = rule, []string{rest}
	case word == "enter":
		s.kind = enter
		return s.more(rest)
	case word == "click":
		s.kind, s.words = click, []string{rest}
	case arrow.MatchString(line):
		m := arrow.FindStringSubmatch(line)
		s.kind, s.target, s.into = keep, m[1], m[2]
	default:
		m := expect.FindStringSubmatch(line)
		if m == nil {
			return fmt.Errorf("neither a request, nor something to do, nor PATH == VALUE")
		}
		s.kind, s.target, s.op, s.want = want, m[1], m[2], m[3]
		if s.op == "matches" {
			if _, err := regexp.Compile(s.want); err != nil && !strings.Contains(s.want, "$") {
				return err
			}
		}
	}
	return nil
}

// more reads parameters of a request, and the variable at the end of them.
func (s *step) more(text string) error {
	if m := arrow.FindStringSubmatch(text); m != nil {
		text, s.into = m[1], m[2]
	} else if rest, ok := strings.CutPrefix(strings.TrimSpace(text), "→ "); ok {
		text, s.into = "", strings.TrimSpace(rest)
	}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		name, rest, ok := strings.Cut(text, "=")
		if !ok || strings.ContainsAny(name, " \t") {
			return fmt.Errorf("a parameter is name=value, not %q", text)
		}
		var value string
		switch {
		case strings.HasPrefix(rest, `"`):
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return fmt.Errorf("the value of %s: %w", name, err)
			}
			value, _ = strconv.Unquote(quoted)
			text = rest[len(quoted):]
		case strings.HasPrefix(rest, "'"):
			inner, after, ok := strings.Cut(rest[1:], "'")
			if !ok {
				return fmt.Errorf("the value of %s has no end", name)
			}
			value, text = inner, after
		default:
			value, text, _ = strings.Cut(rest, " ")
		}
		s.params = append(s.params, spread(param{name, value})...)
	}
	return nil
}

// spread makes of metadata[k{1..3}]=v three parameters.
func spread(p param) []param {
	m := span.FindStringSubmatch(p.name)
	if m == nil {
		return []param{p}
	}
	var out []param
	from, _ := strconv.Atoi(m[1])
	to, _ := strconv.Atoi(m[2])
	for i := from; i <= to; i++ {
		n := strconv.Itoa(i)
		out = append(out, param{strings.Replace(p.name, m[0], n, 1), strings.ReplaceAll(p.value, m[0], n)})
	}
	return out
}
