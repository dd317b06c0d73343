package spec

import (
	"strings"
	"testing"
	"time"
)

func TestCounts(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"operations", len(Operations()), 595}, // Stripe's 594, and the one that gen adds
		{"event types", len(EventTypes()), 265},
		{"versions", len(Versions()), 129},
		{"schemas", len(Schemas()), 1454},
	} {
		if c.got != c.want {
			t.Errorf("%d %s, want %d", c.got, c.what, c.want)
		}
	}
	if Version() != "2026-08-26.dahlia" || Latest() != "2026-10-28.endive" {
		t.Errorf("version %s, latest %s", Version(), Latest())
	}
	if !KnownVersion("2020-08-27") || KnownVersion("2020-08-28") || !KnownEvent("charge.succeeded") || KnownEvent("*") {
		t.Error("wrong about a version or an event")
	}
}

// TestFindEveryOperation asks for each operation with values in its variables.
func TestFindEveryOperation(t *testing.T) {
	for _, op := range Operations() {
		path := op.Path
		for i, name := range op.Vars {
			path = strings.Replace(path, "{"+name+"}", "a%2Fb"+string(rune('0'+i)), 1)
		}
		got, vars, ok := Find(op.Method, path)
		if !ok || got != op {
			t.Errorf("Find(%s) = %v", op.Route(), got)
			continue
		}
		for i, name := range op.Vars {
			if v := vars.Get(name); v != "a/b"+string(rune('0'+i)) {
				t.Errorf("%s: %s = %q", op.Route(), name, v)
			}
		}
		if Lookup(op.Route()) != op {
			t.Errorf("Lookup(%s) = %v", op.Route(), Lookup(op.Route()))
		}
		if op.Answer != AnswersFile && op.Schema() == nil {
			t.Errorf("%s answers with no schema", op.Route())
		}
	}
}

func TestHidden(t *testing.T) {
	op := Hidden("POST /v1/events/{event}/retry")
	if vars, ok := op.Match("POST", "/v1/events/evt%5F1/retry"); !ok || vars.Get("event") != "evt_1" {
		t.Errorf("Match = %v, %v", vars, ok)
	}
	for _, r := range [][2]string{
		{"GET", "/v1/events/evt_1/retry"}, {"POST", "/v1/events//retry"}, {"POST", "/v1/events/evt_1"}, {"POST", "/v1/events/evt_1/retry/"},
		{"POST", "/v1/events/evt_1/again"}, {"POST", "events/evt_1/retry"},
	} {
		if _, ok := op.Match(r[0], r[1]); ok {
			t.Errorf("%s %s matches", r[0], r[1])
		}
	}
	if op.Route() != "POST /v1/events/{event}/retry" || op.Family() != "events" || op.Schema() != nil {
		t.Errorf("op = %+v", op)
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/v1/customers/search", "GET /v1/customers/search"},
		{"GET", "/v1/customers/search/sources", "GET /v1/customers/{customer}/sources"},
		{"GET", "/v1/customers/", ""},
		{"GET", "/v1/customers//sources", ""},
		{"GET", "/v1/customers/x/", ""},
		{"PUT", "/v1/customers", ""},
		{"GET", "/v1/foo", ""},
		{"GET", "/", ""},
		{"GET", "", ""},
		{"GET", "v1/customers", ""},
	} {
		op, _, ok := Find(c.method, c.path)
		if ok != (c.want != "") || ok && op.Route() != c.want {
			t.Errorf("Find(%s %s) = %v", c.method, c.path, op)
		}
	}
}

// TestRefs decodes everything, and finds every schema that something refers to.
func TestRefs(t *testing.T) {
	var walk func(where string, typ *Type)
	walk = func(where string, typ *Type) {
		for _, r := range typ.Refs {
			if SchemaOf(r) == nil {
				t.Errorf("%s refers to %s", where, r)
			}
		}
		for _, f := range typ.Fields {
			walk(where+"."+f.Name, &f.Type)
		}
		if typ.Item != nil {
			walk(where+"[]", typ.Item)
		}
		for _, v := range typ.Variants {
			walk(where+"|", v)
		}
		switch {
		case (typ.Kind == Array || typ.Kind == Map) != (typ.Item != nil),
			(typ.Kind == AnyOf) != (len(typ.Variants) > 1),
			(typ.Kind == Ref) != (typ.Refs != nil):
			t.Errorf("%s is of kind %d with the parts of another", where, typ.Kind)
		}
	}
	for _, op := range Operations() {
		walk(op.Route(), op.Input())
	}
	for _, name := range Schemas() {
		s := SchemaOf(name)
		walk(name, s.Shape())
		for _, x := range s.Expandable {
			if s.Property(x) == nil {
				t.Errorf("%s expands %s", name, x)
			}
		}
	}
}

func TestParams(t *testing.T) {
	create := Lookup("POST /v1/payment_intents")
	if p := create.Param("currency"); !p.Required || p.Kind != String || p.Format != "currency" {
		t.Errorf("currency is %+v", p)
	}
	if p := create.Param("metadata"); p.Kind != Map || !p.Empty && p.Item.Kind != String {
		t.Errorf("metadata is %+v", p)
	}
	if p := create.Param("off_session"); p.Kind != AnyOf || p.Variants[0].Kind != Boolean || p.Variants[1].Enum[0] != "one_off" {
		t.Errorf("off_session is %+v", p)
	}
	if p := Lookup("GET /v1/customers").Param("created"); p.Kind != AnyOf || p.Variants[0].Field("gte") == nil {
		t.Errorf("created is %+v", p)
	}
	if p := Lookup("POST /v1/files").Param("file"); p.Kind != File || !p.Required {
		t.Errorf("file is %+v", p)
	}
	c := SchemaOf("customer")
	if p := c.Property("default_source"); !p.Expandable || !p.Nullable || len(p.Refs) != 3 {
		t.Errorf("default_source is %+v", p)
	}
	if item, ok := c.Property("sources").List(); !ok || item.Refs[0] != "bank_account" {
		t.Errorf("sources lists %+v", item)
	}
	if !c.CanExpand("default_source") || c.CanExpand("metadata") || c.Resource != "customer" {
		t.Error("customer expands wrongly")
	}
	if op := Lookup("GET /v1/checkout/sessions"); op.Family() != "checkout" || op.Answer != AnswersList {
		t.Errorf("%+v", op)
	}
}

// TestLoadIsCheap holds the cost of a start to what the design says.
func TestLoadIsCheap(t *testing.T) {
	best := time.Hour
	for range 10 {
		start := time.Now()
		load(facts)
		best = min(best, time.Since(start))
	}
	t.Logf("indexing %d bytes of facts takes %v", len(facts), best)
	if best > 5*time.Millisecond && !testing.Short() {
		t.Errorf("loading takes %v", best)
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		load(facts)
	}
}

func BenchmarkFind(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Find("POST", "/v1/payment_intents/pi_3MtwBwLkdIwHu7ix28a3tqPa/confirm")
	}
}

func BenchmarkDecodeParams(b *testing.B) {
	op := Lookup("POST /v1/payment_intents")
	b.ReportAllocs()
	for b.Loop() {
		decodeObject(op.block, 1)
	}
}
