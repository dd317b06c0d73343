package spec

import (
	"net/url"
	"strings"
	"sync"
)

// An Answer is what an operation answers with.
type Answer uint8

// The kinds of answer.
const (
	AnswersObject Answer = iota // one of Schemas
	AnswersList                 // a page of them
	AnswersSearch               // a page of search results
	AnswersFile                 // bytes that are not JSON
)

var answers = map[string]Answer{"object": AnswersObject, "list": AnswersList, "search_result": AnswersSearch, "file": AnswersFile}

// An Operation is one thing that the API does: a method on a path.
type Operation struct {
	Method  string   // GET, POST or DELETE
	Path    string   // with its variables in braces, as the spec has it
	ID      string   // the spec's operationId
	Vars    []string // the names of the variables in the path
	Answer  Answer
	Schemas []string // what is answered, or listed: one name, or more where there are alternatives (a deleted form comes last)

	// Multipart says that the body is multipart/form-data, because it carries a file.
	Multipart bool

	route string
	block string
	once  sync.Once
	input Type
}

// newOperation reads the line of an operation; its parameters wait in the block.
func newOperation(head, block string) *Operation {
	op := &Operation{block: block}
	var kind, names string
	op.Method, head = mustCut(head, " ")
	op.Path, head = mustCut(head, " ")
	op.ID, head = mustCut(head, " ")
	kind, head = mustCut(head, " ")
	names, head, _ = strings.Cut(head, " ")
	op.Answer = answers[kind]
	if names != "-" {
		op.Schemas = strings.Split(names, "|")
	}
	op.Multipart = head == "multipart"
	op.route = op.Method + " " + op.Path
	for _, segment := range strings.Split(op.Path, "/") {
		if name, ok := variable(segment); ok {
			op.Vars = append(op.Vars, name)
		}
	}
	return op
}

// Hidden makes an operation that the spec does not tell of, and that official programs call all the same: "POST /v1/events/{event}/retry". What
// parameters it takes is for its handler to know.
func Hidden(route string) *Operation {
	op := &Operation{route: route}
	op.Method, op.Path = mustCut(route, " ")
	for _, segment := range strings.Split(op.Path, "/") {
		if name, ok := variable(segment); ok {
			op.Vars = append(op.Vars, name)
		}
	}
	return op
}

// Match says whether a request is for the operation, and gives the values of the variables in its path.
func (op *Operation) Match(method, path string) (vars Vars, ok bool) {
	want, got := strings.Split(op.Path, "/"), strings.Split(path, "/")
	if method != op.Method || len(want) != len(got) {
		return Vars{}, false
	}
	vars.names = op.Vars
	n := 0
	for i, segment := range got {
		if _, isVar := variable(want[i]); isVar && segment != "" {
			vars.values[n] = unescape(segment)
			n++
		} else if segment != want[i] {
			return Vars{}, false
		}
	}
	return vars, true
}

// Route is the operation in the spec's own words, such as "POST /v1/payment_intents/{intent}".
func (op *Operation) Route() string { return op.route }

// Family is the first segment of the path after the version, such as "payment_intents" or "test_helpers".
func (op *Operation) Family() string {
	rest := strings.TrimPrefix(op.Path[1:], "v1/")
	rest = strings.TrimPrefix(rest, "v2/")
	family, _, _ := strings.Cut(rest, "/")
	return family
}

// Input is the object that all parameters make together: the form of a POST, the query of a GET or DELETE (where a DELETE may carry a
// form as well, they are one).
func (op *Operation) Input() *Type {
	op.once.Do(func() { op.input = decodeObject(op.block+undeclared[op.route], 1) })
	return &op.input
}

// Params are the parameters, in the order in which they are checked. Those in the path are not among them.
func (op *Operation) Params() []*Param { return op.Input().Fields }

// Param is the parameter with this name, or nil.
func (op *Operation) Param(name string) *Param { return op.Input().Field(name) }

// Schema is the shape of what is answered or listed; nil if it is a file.
func (op *Operation) Schema() *Schema {
	if len(op.Schemas) == 0 {
		return nil
	}
	return SchemaOf(op.Schemas[0])
}

// Vars are the values of the variables in a path.
type Vars struct {
	names  []string
	values [maxVars]string
}

// maxVars is more than any path has.
const maxVars = 3

// Get is the value of the variable with this name; "" if the path has none.
func (v Vars) Get(name string) string {
	for i, n := range v.names {
		if n == name {
			return v.values[i]
		}
	}
	return ""
}

// Len is the number of variables.
func (v Vars) Len() int { return len(v.names) }

// At is a variable by its place in the path.
func (v Vars) At(i int) (name, value string) { return v.names[i], v.values[i] }

// Find finds the operation for a request, and the values of the variables in its path. The path is as it came, still escaped. A literal
// segment is preferred to a variable: /v1/customers/search is not a customer.
func Find(method, path string) (op *Operation, vars Vars, ok bool) {
	m := methodIndex(method)
	if m < 0 || path == "" || path[0] != '/' {
		return nil, vars, false
	}
	op = latest.tree.find(path[1:], m, &vars, 0)
	if op == nil {
		return nil, Vars{}, false
	}
	vars.names = op.Vars
	return op, vars, true
}

// A node is a segment of the paths.
type node struct {
	literals map[string]*node
	variable *node
	ops      [3]*Operation // by methodIndex
}

func methodIndex(method string) int {
	switch method {
	case "GET":
		return 0
	case "POST":
		return 1
	case "DELETE":
		return 2
	}
	return -1
}

func (n *node) add(op *Operation) {
	for _, segment := range strings.Split(op.Path[1:], "/") {
		n = n.child(segment)
	}
	n.ops[methodIndex(op.Method)] = op
}

// child is the node below n for a segment, which it makes if need be.
func (n *node) child(segment string) *node {
	if _, ok := variable(segment); ok {
		if n.variable == nil {
			n.variable = &node{}
		}
		return n.variable
	}
	c := n.literals[segment]
	if c == nil {
		if n.literals == nil {
			n.literals = map[string]*node{}
		}
		c = &node{}
		n.literals[segment] = c
	}
	return c
}

// find walks the rest of a path, literals first, and fills in the variables from the i-th on.
func (n *node) find(path string, method int, vars *Vars, i int) *Operation {
	segment, rest, more := strings.Cut(path, "/")
	if c := n.literals[segment]; c != nil {
		if op := c.next(rest, more, method, vars, i); op != nil {
			return op
		}
	}
	if n.variable == nil || segment == "" || i == maxVars {
		return nil
	}
	op := n.variable.next(rest, more, method, vars, i+1)
	if op != nil {
		vars.values[i] = unescape(segment)
	}
	return op
}

func (n *node) next(rest string, more bool, method int, vars *Vars, i int) *Operation {
	if !more {
		return n.ops[method]
	}
	return n.find(rest, method, vars, i)
}

// variable is the name in a segment such as {customer}.
func variable(segment string) (name string, ok bool) {
	if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") {
		return segment[1 : len(segment)-1], true
	}
	return "", false
}

// unescape decodes the percent signs of a segment. What is not well-formed stays as it came, and will not be found.
func unescape(segment string) string {
	if strings.IndexByte(segment, '%') < 0 {
		return segment
	}
	if s, err := url.PathUnescape(segment); err == nil {
		return s
	}
	return segment
}
