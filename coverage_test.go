package main_test

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"

	"florin/internal/server"
	"florin/internal/spec"
)

var update = flag.Bool("update", false, "write COVERAGE.md anew")

// TestCoverage holds COVERAGE.md to what is bound. `make coverage` writes it anew.
func TestCoverage(t *testing.T) {
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	want := coverage(s)
	if *update {
		if err := os.WriteFile("COVERAGE.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("COVERAGE.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("COVERAGE.md is not what is bound; `make coverage` writes it anew")
	}
}

// states are what an operation can do here, best first.
var states = []string{"behaves", "plain", "not yet"}

// hiddenRoute is one that Stripe.js calls and the spec does not tell of (internal/spec/gen/patches.go); it is none of the spec's 594.
const hiddenRoute = "POST /v1/confirmation_tokens"

// coverage lists every operation of the spec with what it does here, and counts by family.
func coverage(s *server.Server) string {
	ops := append([]*spec.Operation(nil), spec.Operations()...)
	sort.Slice(ops, func(i, j int) bool {
		if ops[i].Path != ops[j].Path {
			return ops[i].Path < ops[j].Path
		}
		return ops[i].Method < ops[j].Method
	})
	total, known := map[string]int{}, 0
	families := map[string]map[string]int{}
	var rows strings.Builder
	for _, op := range ops {
		if op.Route() == hiddenRoute {
			continue
		}
		state := s.App.Coverage(op)
		known++
		total[state]++
		if families[op.Family()] == nil {
			families[op.Family()] = map[string]int{}
		}
		families[op.Family()][state]++
		fmt.Fprintf(&rows, "| `%s` | %s |\n", op.Route(), state)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# What works\n\nEvery operation of Stripe's API, as of %s. This page is written by `make coverage`, and a test holds it to the code.\n\n", spec.Version())
	b.WriteString("- **behaves**: does what it does at Stripe, with state, events and errors.\n- **plain**: keeps and shows what it is given; there is no more to it.\n- **not yet**: authenticates, checks its parameters, and answers 501, naming itself.\n\n")
	fmt.Fprintf(&b, "%d operations: %d behave, %d plain, %d not yet.\n\n", known, total["behaves"], total["plain"], total["not yet"])
	b.WriteString("| family | behaves | plain | not yet |\n|---|---:|---:|---:|\n")
	names := make([]string, 0, len(families))
	for name := range families {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(&b, "| %s |", name)
		for _, state := range states {
			fmt.Fprintf(&b, " %d |", families[name][state])
		}
		b.WriteByte('\n')
	}
	b.WriteString("\n| operation | |\n|---|---|\n")
	return b.String() + rows.String()
}
