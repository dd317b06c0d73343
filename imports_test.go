package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers are the packages of internal/, from the bottom up. A package imports what stands before it, and nothing else of florin: so the
// order of the names in a layer counts too. In a layer whose members stand apart, none imports another.
var layers = []struct {
	apart    bool
	packages string
}{
	{false, "fault jsontext clock id testcard money spec spec/gen form search paymethod qr otlp"}, // leaves
	{false, "shape"}, // holds answers to the spec, in tests
	{false, "store store/memory store/sqlite/cfile store/sqlite store/storetest store/postgres store/postgres/pgtest store/postgres/pgtest/with"},
	{false, "ledger task vault keyring rail rail/railtest"},
	{false, "version api sweep"},
	{false, "domain/account domain/meter domain/catalog domain/testclock domain/customer domain/taxid domain/balance domain/methodconfig domain/cashbalance domain/payout domain/topup domain/file domain/reference domain/secretstore domain/paymentmethod domain/forwarding domain/setup domain/payment domain/billing domain/checkout domain/entitlement domain/paymentrecord domain/browser domain/radar domain/dispute domain/customersession domain/ephemeralkey domain/connect domain/event domain/webhookendpoint"}, // what a domain calls stands before it
	{true, "backup export webhook relay download page dashboard audit sim"},
	{false, "listen"}, // signs as webhook does
	{false, "metrics"},
	{false, "server server/servertest"},
	{false, "cli"},
}

// only lists the packages that few may import: they are chosen where the parts are wired. Tests may import them anywhere.
var only = map[string]string{
	"store/sqlite":    "server cli",
	"store/postgres":  "server cli",
	"store/memory":    "store/storetest server cli sim",
	"store/storetest": "",
}

// strangers lists what packages under a path may not import from outside florin.
var strangers = []struct{ under, imports, why string }{
	{"domain/", "net/http database/sql html/template", "domains know no HTTP, no SQL and no page"},
	{"api", "database/sql", "only engines speak SQL"},
}

const internal = "florin/internal/"

// A goPackage is what `go list` says of a package.
type goPackage struct {
	ImportPath, Dir                                    string
	GoFiles, IgnoredGoFiles, TestGoFiles, XTestGoFiles []string
	Imports                                            []string
}

func TestImports(t *testing.T) {
	place := map[string]int{} // of every package that stands in layers
	layerOf := map[string]int{}
	for n, layer := range layers {
		for _, name := range strings.Fields(layer.packages) {
			place[name], layerOf[name] = len(place), n
		}
	}
	for _, p := range goPackages(t) {
		name, ok := strings.CutPrefix(p.ImportPath, internal)
		if !ok {
			continue
		}
		at, ok := place[name]
		if !ok {
			t.Errorf("internal/%s stands in no layer: put it where it belongs, in imports_test.go", name)
			continue
		}
		for _, path := range p.Imports {
			other, ours := strings.CutPrefix(path, internal)
			if !ours {
				if why := stranger(name, path); why != "" {
					t.Errorf("internal/%s imports %s: %s", name, path, why)
				}
				continue
			}
			users, few := only[other]
			switch n := layerOf[name]; {
			case place[other] >= at:
				t.Errorf("internal/%s imports internal/%s, which stands above it", name, other)
			case layers[n].apart && layerOf[other] == n:
				t.Errorf("internal/%s imports internal/%s, which stands beside it", name, other)
			case few && !slices.Contains(strings.Fields(users), name):
				t.Errorf("internal/%s imports internal/%s, which only these may: %q", name, other, users)
			}
		}
	}
}

func stranger(name, path string) (why string) {
	for _, s := range strangers {
		if (name == s.under || strings.HasSuffix(s.under, "/") && strings.HasPrefix(name, s.under)) && slices.Contains(strings.Fields(s.imports), path) {
			return s.why
		}
	}
	return ""
}

// goPackages are the packages of the module, also those that do not compile.
func goPackages(t *testing.T) []goPackage {
	t.Helper()
	var complaint bytes.Buffer
	cmd := exec.Command("go", "list", "-e", "-json", "./...")
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(fmt.Errorf("go list: %w\n%s", err, &complaint))
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var p goPackage
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	return packages
}
