// Package main_test holds the repository to its house rules: who imports whom, a comment for every package, one door for time and chance,
// and nothing that belongs to one machine.
package main_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPackageComments wants a comment on every package that says what it is.
func TestPackageComments(t *testing.T) {
	for _, p := range goPackages(t) {
		said := false
		for _, file := range slices.Concat(p.GoFiles, p.IgnoredGoFiles, p.TestGoFiles, p.XTestGoFiles) {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Error(err)
				continue
			}
			said = said || parsed.Doc != nil
		}
		if !said {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// worldly are the functions and packages through which the time and chance of the real world come in. What handlers do must depend on
// neither, so that it can be run again.
var worldly = map[string][]string{
	"time":         {"Now", "Sleep", "Since", "Until"},
	"math/rand":    nil, // the import is enough
	"math/rand/v2": nil,
}

// mayBeWorldly says where, as a folder or a file, and why.
var mayBeWorldly = map[string]string{
	"internal/clock/":           "the door",
	"internal/store/db.go":      "numbers the order of insertion across restarts; nobody reads it as a time",
	"internal/store/postgres/":  "leases and the patience with connections are of the real world",
	"internal/store/storetest/": "tests every engine: random units, real crashes",
	"internal/sim/":             "random worlds; the seed is printed",
	"internal/rail/railtest/":   "a network on bad days; tests print the seed",
	"bench/":                    "measures real time",
	"test/":                     "drives real processes, in real time",
}

// TestWorldly lets time and chance in by their doors only. Tests may use both.
func TestWorldly(t *testing.T) {
	for _, p := range goPackages(t) {
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			if allowed(t, path) {
				continue
			}
			files := token.NewFileSet()
			parsed, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Error(err)
				continue
			}
			doors := map[string][]string{} // by the name that the import has in this file
			for _, spec := range parsed.Imports {
				imported := strings.Trim(spec.Path.Value, `"`)
				functions, ok := worldly[imported]
				switch {
				case ok && functions == nil:
					t.Errorf("%s imports %s: chance comes in from outside", files.Position(spec.Pos()), imported)
				case ok && spec.Name != nil:
					doors[spec.Name.Name] = functions
				case ok:
					doors[imported] = functions
				}
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if use, ok := n.(*ast.SelectorExpr); ok {
					if from, ok := use.X.(*ast.Ident); ok && slices.Contains(doors[from.Name], use.Sel.Name) {
						t.Errorf("%s: %s.%s: time comes through internal/clock", files.Position(use.Pos()), from.Name, use.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func allowed(t *testing.T, path string) bool {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	path, err = filepath.Rel(here, path)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.ToSlash(path)
	for place := range mayBeWorldly {
		if path == place || strings.HasSuffix(place, "/") && strings.HasPrefix(path, place) {
			return true
		}
	}
	return false
}

// machineWords belong to the machine that the repository was written on or to the registry that it installs from, and to no file in it. They
// are put together here so that this file does not hold them.
var machineWords = []string{
	"/work" + "/", "/root" + "/", "/home" + "/",
	"registry.npmjs" + ".org", "registry.yarnpkg" + ".com", "pypi" + ".org", "pythonhosted" + ".org", "proxy.golang" + ".org",
	"sum.golang" + ".org", "deb.debian" + ".org", "repo.maven.apache" + ".org", "repo1.maven" + ".org", "crates" + ".io",
}

// TestMachineWords looks for them in every file that is kept.
func TestMachineWords(t *testing.T) {
	notKept := []string{".git", "node_modules", ".venv", "bin", "data"} // as in .gitignore
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(notKept, d.Name()) {
			return filepath.SkipDir
		}
		if !d.Type().IsRegular() || d.Name() == ".git" { // a file in a worktree
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 { // not text
			return err
		}
		for _, word := range machineWords {
			if at := bytes.Index(text, []byte(word)); at >= 0 {
				t.Errorf("%s:%d names %s, which is of one machine", path, 1+bytes.Count(text[:at], []byte("\n")), word)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
