package sdk_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"florin/test/sdk/binary"
)

// TestReadme runs the commands of README.md: those in its sh blocks, and the florin commands that its text names. `go run . serve` is what
// every other test here does with the binary; CI does it literally.
func TestReadme(t *testing.T) {
	root, err := binary.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	server := start(t)
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		command := strings.TrimSpace(block[1])
		if command == "go run . serve" {
			continue
		}
		command = strings.NewReplacer("http://localhost:12111", server.HTTP, "sk_test_...", server.SecretKey).Replace(command)
		out, err := run(time.Minute, root, "sh", "-c", command)
		if err != nil || !strings.Contains(out, `"status": "succeeded"`) {
			t.Errorf("%s\n%v\n%s", command, err, out)
		}
		ran++
	}
	if ran == 0 {
		t.Error("README.md has no command that pays")
	}
	for _, named := range regexp.MustCompile("`florin ([a-z]+)(?: [-a-z]+)*`").FindAllStringSubmatch(string(text), -1) {
		if out, err := run(time.Minute, root, server.Path, named[1], "--help"); err != nil {
			t.Errorf("README.md names `florin %s`: %v\n%s", named[1], err, out)
		}
	}
}
