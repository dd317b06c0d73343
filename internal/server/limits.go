package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/spec"
)

// Limits say how much one account may ask for in one mode. A name that is missing, or 0, is not limited.
type Limits map[string]int

// limitNames are the names in Limits, in the order in which they are asked, with what each means.
var limitNames = []struct{ name, means string }{
	{"requests", "requests a second"},
	{"reads", "GET requests a second"},
	{"writes", "other requests a second"},
	{"endpoint", "requests a second to each endpoint"},
	{"search", "searches a second"},
	{"files", "reads, and also writes, of files a second"},
	{"accounts", "new connected accounts a second"},
	{"meter-events", "meter events a second, which count in none of the above"},
	{"intent", "updates an hour of each payment intent"},
	{"concurrent", "requests under way at a time"},
	{"endpoint-concurrent", "requests under way at a time to each endpoint"},
}

// StripesLimits are those that Stripe publishes, for test and for live mode. Known from: facts 01.
// unverified: accounts, which are of older texts; concurrent, of which Stripe says only that there is one.
func StripesLimits(live bool) Limits {
	if live {
		return Limits{"requests": 100, "endpoint": 25, "search": 20, "files": 20, "accounts": 30, "meter-events": 1000, "intent": 1000, "concurrent": 100}
	}
	return Limits{"requests": 25, "endpoint": 25, "search": 20, "files": 20, "accounts": 5, "meter-events": 1000, "intent": 1000, "concurrent": 100}
}

// ParseLimits reads limits as they are written: "none", "stripe", or a list such as "requests=500,concurrent=50", in which "stripe" stands for all of
// Stripe's, and "none" as a number for no limit.
func ParseLimits(text string, live bool) (Limits, error) {
	l := Limits{}
	for _, part := range strings.Split(text, ",") {
		name, value, given := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case !given && (name == "none" || name == ""):
			clear(l)
		case !given && name == "stripe":
			l = StripesLimits(live)
		case !slices.ContainsFunc(limitNames, func(n struct{ name, means string }) bool { return n.name == name }):
			return nil, fmt.Errorf("%q is no limit; there are %s", name, limitList())
		case value == "none":
			delete(l, name)
		default:
			n, err := strconv.Atoi(value)
			if err != nil || n <= 0 {
				return nil, fmt.Errorf("%s=%s: a limit is a number above 0, or none", name, value)
			}
			l[name] = n
		}
	}
	return l, nil
}

func limitList() string {
	var names []string
	for _, n := range limitNames {
		names = append(names, n.name)
	}
	return strings.Join(names, ", ")
}

// rules are the limits as the API takes them.
func (l Limits) rules() (out []api.Rule) {
	add := func(name string, r api.Rule) {
		n := l[name]
		switch {
		case n == 0:
			return
		case r.AtOnce > 0:
			r.AtOnce = n
		default:
			r.Rate = float64(n)
		}
		out = append(out, r)
	}
	meter := func(op *spec.Operation) bool { return op.Path == "/v1/billing/meter_events" }
	counted := func(op *spec.Operation) bool { return !meter(op) }
	reads := func(op *spec.Operation) bool { return op.Method == "GET" && counted(op) }
	writes := func(op *spec.Operation) bool { return op.Method != "GET" && counted(op) }
	files := func(op *spec.Operation) bool { return strings.HasPrefix(op.Path, "/v1/files") }

	accounts := func(op *spec.Operation) bool { return op.Route() == "POST /v1/accounts" }
	plain := func(op *spec.Operation) bool { return counted(op) && !(accounts(op) && l["accounts"] > 0) } // has no higher limit of its own

	add("concurrent", api.Rule{Reason: "global-concurrency", AtOnce: 1})
	add("endpoint-concurrent", api.Rule{Reason: "endpoint-concurrency", AtOnce: 1, Endpoint: true})
	add("requests", api.Rule{Reason: "global-rate", Of: counted})
	add("reads", api.Rule{Reason: "global-rate", Of: reads})
	add("writes", api.Rule{Reason: "global-rate", Of: writes})
	add("endpoint", api.Rule{Reason: "endpoint-rate", Of: plain, Endpoint: true})
	add("search", api.Rule{Reason: "endpoint-rate", Of: func(op *spec.Operation) bool { return op.Answer == spec.AnswersSearch }})
	add("files", api.Rule{Reason: "endpoint-rate", Of: func(op *spec.Operation) bool { return files(op) && reads(op) }})
	add("files", api.Rule{Reason: "endpoint-rate", Of: func(op *spec.Operation) bool { return files(op) && writes(op) }})
	add("accounts", api.Rule{Reason: "endpoint-rate", Of: accounts})
	add("meter-events", api.Rule{Reason: "endpoint-rate", Of: meter})
	add("intent", api.Rule{Reason: "resource-specific", Hour: true, Each: "intent", Of: func(op *spec.Operation) bool {
		return op.Method == "POST" && strings.HasPrefix(op.Path, "/v1/payment_intents/{intent}")
	}})
	return out
}

// LimitNames is what the help says of limits: a line each.
func LimitNames() string {
	var b strings.Builder
	for _, n := range limitNames {
		fmt.Fprintf(&b, "  %-20s %s\n", n.name, n.means)
	}
	return b.String()
}
