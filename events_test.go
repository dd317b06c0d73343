package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"florin/internal/server"
	"florin/internal/spec"
)

// TestEvents holds docs/events.md to the code and to the stories: which event is emitted where, and which story sees it. `make events` writes it anew.
func TestEvents(t *testing.T) {
	emitted, seen := emitters(t), witnesses(t)
	want := eventTable(t, emitted, seen)
	const page = "docs/events.md"
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the code and the stories have; `make events` writes it anew", page)
	}
	for typ, stories := range seen {
		if len(emitted[typ]) == 0 {
			t.Errorf("%s sees %s, which nothing is found to emit", stories[0], typ)
		}
	}
}

// emitters finds, in the source of the domains, the functions and tables that name an event type, by type: in one string, or as a beginning that
// ends in a point, to which the rest is added. Webhook endpoints name events too, and emit none.
func emitters(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir("internal/domain", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "webhookendpoint") || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		short := strings.TrimPrefix(filepath.ToSlash(path), "internal/domain/")
		for _, decl := range file.Decls {
			name := ""
			if f, ok := decl.(*ast.FuncDecl); ok {
				name = f.Name.Name
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ValueSpec:
					if _, ok := decl.(*ast.GenDecl); ok {
						name = n.Names[0].Name
					}
				case *ast.BinaryExpr:
					left := textOf(n.X)
					for _, typ := range spec.EventTypes() {
						if strings.HasSuffix(left, ".") && strings.HasPrefix(typ, left) && strings.Count(typ, ".") == strings.Count(left, ".") {
							add(found, typ, "`"+short+"` "+name)
						}
					}
				case *ast.BasicLit:
					if text := textOf(n); spec.KnownEvent(text) {
						add(found, text, "`"+short+"` "+name)
					}
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// textOf is the text of a string literal, or "".
func textOf(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if text, err := strconv.Unquote(lit.Value); err == nil {
			return text
		}
	}
	return ""
}

func add(to map[string][]string, key, value string) {
	if !slices.Contains(to[key], value) {
		to[key] = append(to[key], value)
	}
}

// witnesses are the stories that see an event, by its type, in the order of their names.
func witnesses(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("test/script/testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "events") {
				continue
			}
			for _, word := range strings.Fields(line) {
				if spec.KnownEvent(word) && strings.Contains(word, ".") {
					add(found, word, strings.TrimSuffix(filepath.Base(path), ".txt"))
				}
			}
		}
	}
	return found
}

// eventTable is docs/events.md.
func eventTable(t *testing.T, emitted, seen map[string][]string) string {
	t.Helper()
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	here := map[string]bool{} // what stands in the paths of operations that are bound
	for _, op := range spec.Operations() {
		if s.App.Coverage(op) != "not yet" {
			for segment := range strings.SplitSeq(op.Path, "/") {
				here[segment] = true
			}
		}
	}
	bound := func(name string) bool { return here[name] || here[name+"s"] }
	var rows, unseen strings.Builder
	count := map[string]int{}
	types := slices.Clone(spec.EventTypes())
	slices.Sort(types)
	for _, typ := range types {
		parts := strings.Split(typ, ".")
		state := strings.Join(emitted[typ], ", ")
		switch {
		case len(emitted[typ]) > 0:
			count["emitted"]++
		case bound(parts[0]) && bound(parts[len(parts)-2]):
			state = "**missing**"
			count["missing"]++
		default:
			state = "not yet"
			count["not yet"]++
		}
		stories := seen[typ]
		if len(stories) > 0 {
			count["seen"]++
		} else if len(emitted[typ]) > 0 {
			fmt.Fprintf(&unseen, "- `%s`\n", typ)
		}
		if len(stories) > 2 {
			stories = append(slices.Clone(stories[:2]), "…")
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s |\n", typ, state, strings.Join(stories, ", "))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Events\n\nEvery event type of the spec (%s), which functions and tables of `internal/domain` name it, and which stories of `test/script/testdata` see it fire. This page is\nwritten by `make events`, and a test holds it to the code.\n\n", spec.Version())
	b.WriteString("- **missing**: its resource is here, and nothing emits it.\n- **not yet**: its resource is not here.\n\n")
	fmt.Fprintf(&b, "%d types: %d are emitted, of which stories see %d; %d are missing, %d not yet.\n\n", len(types), count["emitted"], count["seen"], count["missing"], count["not yet"])
	if unseen.Len() > 0 {
		fmt.Fprintf(&b, "Emitted, and seen by no story:\n\n%s\n", &unseen)
	}
	b.WriteString("| type | emitted by | seen by |\n|---|---|---|\n")
	return b.String() + rows.String()
}
