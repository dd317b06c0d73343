package keep

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"florin/test/sdk/binary"
)

// built is the binary that the tests run.
var built string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "florin-keep-")
	if err == nil {
		defer os.RemoveAll(dir)
		built, err = binary.Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// TestDocs runs the commands of the pages, as they stand there, beside a server that runs.
func TestDocs(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts real processes")
	}
	root, err := binary.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	server, err := binary.Start(built, data)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	for _, page := range []string{"backup.md", "vault.md"} {
		text, err := os.ReadFile(filepath.Join(root, "docs", "howto", page))
		if err != nil {
			t.Fatal(err)
		}
		blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
		if len(blocks) == 0 {
			t.Errorf("%s has no commands", page)
		}
		for _, b := range blocks {
			cmd := exec.Command("sh", "-e", "-c", b[1])
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "FLORIN_DATA="+data, "PATH="+filepath.Dir(built)+string(os.PathListSeparator)+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", page, err, strings.TrimSpace(b[1]), out)
			}
		}
	}
}

// TestNeedles puts a number into texts in all ways, to see that it would be found.
func TestNeedles(t *testing.T) {
	all := needles("n", "4242424242424242")
	for _, hay := range []string{
		"x4242424242424242x", "4242 4242 4242 4242", "4242-4242-4242-4242", "34323432343234323432343234323432", "BB\x42\x42\x42\x42\x42\x42BB", "4\x002\x004\x002\x004\x002\x004\x002\x004\x002\x004\x002\x004\x002\x004\x002\x00",
		"NDI0MjQyNDI0MjQyNDI0Mg==", "eDQyNDI0MjQyNDI0MjQyNDI=", "eHg0MjQyNDI0MjQyNDI0MjQyeA==", "InNlYWxlZCI6IjQyNDI0MjQyNDI0MjQyNDIi",
	} {
		if len(find([]byte(hay), all)) == 0 {
			t.Errorf("not found in %q", hay)
		}
	}
	if found := find([]byte(strings.Repeat("4242 4111 5555 0042 ", 100)), all); found != nil {
		t.Errorf("found %v where it is not", found)
	}
}
