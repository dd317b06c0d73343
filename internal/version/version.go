// Package version walks between API versions. Florin keeps and makes objects in one shape, the newest; a client that asks for an older API version
// gets what that version shows, and may send what that version took.
//
// # The model
//
// Stripe's versions differ by few changes. What is added appears at every version on the day that it ships, so nothing new is ever taken away from
// an old client: walking back brings back what was removed or renamed since. The changes stand at gates, the dates at which Stripe broke something
// (eleven since 2020-08-27), newest first, a file a gate: gate_2026_03_25.go. Every other version is an alias of the gate before it. Only the first
// ten characters of a version count; the flower behind them, and a beta suffix, are decoration.
//
// An answer is walked back gate by gate, newest first, every object in it by its kind, the nested and the expanded ones too. A request is walked
// forward, oldest gate first, before it is held to the spec. What a version only fixes when something is made, such as a default, is no matter of
// this package: the domain that makes it asks Call.AtLeast and stores the result.
//
// # What it costs
//
// A version's changes are put together once (plan). One that has none costs a comparison; one that has looks for the kinds that it touches in the
// text of the answer, and rewrites it only if there is one.
//
// Known from: facts 13; the id of a change is its row there.
package version

import (
	"bytes"
	"slices"

	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/spec"
)

// A change is one thing that Stripe changed at a gate.
type change struct {
	id   string // the row of facts 13
	what string

	// Back makes of an object in the newest shape what versions below the gate show. It is called for objects of these kinds.
	kinds []string
	back  func(w *walk, o *object) error
	// marks are texts of which an answer holds one if the change matters to it; none: any with an object of the kinds.
	marks []string
	// adds are the members that back brings back and that a path of expand[] may begin with.
	adds []string

	// Forward makes of the parameters of these routes, as sent to versions below the gate, what the newest takes. They are not yet checked.
	routes  []string
	forward func(p *form.Value) *fault.Error
	// resolve is forward where what the newest takes depends on what there is.
	resolve func(r Request) error
	// moved is a route that only versions below the gate have, and the one that does its work since.
	moved [2]string
	// keeps are parameters of these routes that only versions below the gate have, and that behave all the same.
	keeps []string
	// since is called for versions from the gate on: where the spec that answers are made from is older than the gate.
	since func(p *form.Value) *fault.Error
}

// A gate is a version that broke something.
type gate struct {
	date    string // the first ten characters of the version
	changes []change
}

// gates are all of them, newest first. Those of 2024-09-30, 2024-06-20 and 2023-08-16 changed no answer and no parameter of what Florin has: the
// first two are about billing alerts, Terminal and Issuing, the last about defaults and checks, which the domains make (see Call.AtLeast).
// So is 2023-10-16, which fills in the statement descriptor of new accounts.
var gates = []gate{
	gate20260930, gate20260325, gate20250930, gate20250331, gate20240410, gate20221115, gate20220801, gate20200827,
}

// A plan is what lies between one version and the newest.
type plan struct {
	from    string // the oldest date that it serves
	back    map[string][]*change
	adds    map[string]map[string]bool
	forward map[string][]func(Request) error
	moved   map[string]string
}

// plans are those of all gates, newest first: plans[i] serves the versions that are older than i gates.
var plans = makePlans()

func makePlans() []*plan {
	out := make([]*plan, len(gates)+1)
	for i := range out {
		p := &plan{
			back: map[string][]*change{}, adds: map[string]map[string]bool{}, forward: map[string][]func(Request) error{}, moved: map[string]string{},
		}
		if i < len(gates) {
			p.from = gates[i].date
		}
		for n := range gates {
			for k := range gates[n].changes {
				ch := &gates[n].changes[k]
				if n >= i {
					p.since(ch)
				} else {
					p.below(ch)
				}
			}
		}
		for _, list := range p.forward {
			slices.Reverse(list) // oldest gate first
		}
		out[i] = p
	}
	return out
}

func (p *plan) below(ch *change) {
	for _, kind := range ch.kinds {
		p.back[kind] = append(p.back[kind], ch)
		for _, member := range ch.adds {
			if p.adds[kind] == nil {
				p.adds[kind] = map[string]bool{}
			}
			p.adds[kind][member] = true
		}
	}
	if ch.moved[0] != "" {
		p.moved[ch.moved[0]] = ch.moved[1]
	}
	for _, route := range ch.routes {
		if ch.resolve != nil {
			p.forward[route] = append(p.forward[route], ch.resolve)
		}
		if ch.forward != nil {
			p.forward[route] = append(p.forward[route], plainly(ch.forward))
		}
	}
}

func (p *plan) since(ch *change) {
	if ch.since != nil {
		for _, route := range ch.routes {
			p.forward[route] = append(p.forward[route], plainly(ch.since))
		}
	}
}

// plainly is for what depends on the parameters alone.
func plainly(f func(*form.Value) *fault.Error) func(Request) error {
	return func(r Request) error {
		if err := f(r.Params); err != nil {
			return err
		}
		return nil
	}
}

// planOf is the plan of a version; what is not a version counts as the newest.
func planOf(version string) *plan {
	if len(version) < 10 {
		return plans[0]
	}
	for _, p := range plans {
		if version[:10] >= p.from {
			return p
		}
	}
	return plans[len(plans)-1]
}

// touches says whether walking back would change a text at all.
func (p *plan) touches(body []byte) bool {
	if len(p.back) == 0 {
		return false
	}
	for rest := body; ; {
		i := bytes.Index(rest, kindKey)
		if i < 0 {
			return p.matters(failure, body)
		}
		rest = rest[i+len(kindKey):]
		if end := bytes.IndexByte(rest, '"'); end > 0 && p.matters(string(rest[:end]), body) {
			return true
		}
	}
}

// Same says whether an answer is at a version as it is at the newest.
func Same(version string, body []byte) bool { return !planOf(version).touches(body) }

// kindKey stands before the name of a kind.
var kindKey = []byte(`object":"`)

func (p *plan) matters(kind string, body []byte) bool {
	return slices.ContainsFunc(p.back[kind], func(ch *change) bool {
		return ch.marks == nil || slices.ContainsFunc(ch.marks, func(m string) bool { return bytes.Contains(body, []byte(m)) })
	})
}

// A Request is one that comes in at a version.
type Request struct {
	Op     *spec.Operation
	Params *form.Value // as they came
	// Path is a variable of the path.
	Path func(name string) string
	// Get is an object, as Reader has it.
	Get func(id string) ([]byte, error)
}

// Forward makes of the parameters of a request to a version what the newest version takes, or refuses what the version does not.
func Forward(version string, r Request) error {
	p := planOf(version)
	if len(p.forward) == 0 || r.Params == nil {
		return nil
	}
	for _, f := range p.forward[r.Op.Route()] {
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

// Moved is the route that does what one that only a version has did, as "POST /v1/invoices/create_preview"; "" if the newest has it, too.
func Moved(version, method, path string) string {
	p := planOf(version)
	if len(p.moved) == 0 {
		return ""
	}
	return p.moved[method+" "+path]
}

// Retired are the parameters that an operation has at a version, and not at the newest.
func Retired(version string, op *spec.Operation) (names []string) {
	if len(version) < 10 {
		return nil
	}
	for _, g := range gates {
		if version[:10] >= g.date {
			continue
		}
		for i := range g.changes {
			if ch := &g.changes[i]; ch.keeps != nil && slices.Contains(ch.routes, op.Route()) {
				names = append(names, ch.keeps...)
			}
		}
	}
	return names
}

// Expandable says whether a path of expand[] may begin with a member that objects of a kind have at a version, and have not at the newest.
func Expandable(version, kind, member string) bool { return planOf(version).adds[kind][member] }

// A Reader is where changes find what an old shape shows and the new one does not. What it gives is in the newest shape.
type Reader interface {
	// Get is an object; nil if there is none.
	Get(id string) ([]byte, error)
	// Named is Get for a kind whose ids merchants may choose, so that they do not tell it.
	Named(kind, id string) ([]byte, error)
	// List is a list of the objects of a kind that have a value at an indexed path, newest first. A kind that there is not has none.
	List(kind, path, value, url string) ([]byte, error)
	// Find are all objects of a kind that have a value at an indexed path, newest first.
	Find(kind, path, value string) ([][]byte, error)
	// Include is a member that objects show only when they are asked to.
	Include(object []byte, name string) ([]byte, error)
}

// A Tree is what expand[] asks for at one place of an answer.
type Tree interface {
	// Child is what is asked for inside of a member; nil: nothing.
	Child(name string) Tree
	// Expand puts objects in the place of ids in the value of the member that the tree belongs to.
	Expand(value []byte) ([]byte, error)
}

// An Answer is an answer to be walked back.
type Answer struct {
	Reader Reader
	Expand Tree // what the answer was expanded by; nil: nothing
	// Reduced says that the caller may see only parts of objects, so that nothing must be added to them (facts 11d: a publishable key sees
	// no charges and no invoice of an intent at 2020-08-27).
	Reduced bool
}

// Back makes of an answer in the newest shape that of a version, and says whether they differ. If not, it returns the body itself.
func Back(version string, body []byte, a Answer) (out []byte, differ bool, err error) {
	p := planOf(version)
	if !p.touches(body) {
		return body, false, nil
	}
	w := &walk{plan: p, read: a.Reader, reduced: a.Reduced}
	out, err = w.value(make([]byte, 0, len(body)+len(body)/2), body, "", a.Expand)
	return out, true, err
}

// Event makes of an event whose data is in the newest shape one that shows its data as a version does. An event's data belongs to one version
// for good, whatever version the event is read at.
func Event(version string, event []byte, r Reader) ([]byte, error) {
	p := planOf(version)
	if !p.touches(event) {
		return event, nil
	}
	w := &walk{plan: p, read: r}
	data, err := w.data(jsontext.Get(event, "data"))
	if err != nil {
		return nil, err
	}
	o := decode(event)
	o.set("data", data)
	return o.encode(make([]byte, 0, len(event)+len(data))), nil
}
