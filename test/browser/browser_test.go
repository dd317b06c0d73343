// Package browser_test goes through the pages of the real binary in headless Chromium, by keyboard alone (drive, a program of its own). The
// screenshots are left in the folder that FLORIN_SCREENSHOTS names.
//
// Without Chromium (Debian's package chromium) the test is skipped; with FLORIN_REQUIRE_ALL=1, as CI sets it, that is a failure.
package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"florin/test/sdk/binary"
)

// scenarios are what the program goes through, in this order.
var scenarios = []string{"complete", "fail", "close-window", "over", "unknown", "receipt", "narrow"}

func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: a browser has to be started")
	}
	chromium, err := find("chromium", "chromium-browser", "google-chrome")
	if err != nil {
		skipUnlessRequired(t, err)
	}
	dir := t.TempDir()
	drive, err := build(dir)
	if err != nil {
		skipUnlessRequired(t, err)
	}
	florin, err := binary.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	server, err := binary.Start(florin, filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	shots := os.Getenv("FLORIN_SCREENSHOTS")
	if shots == "" {
		shots = dir
	}

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, drive, chromium, server.ReadyFile, shots)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	t.Logf("\n%s", out)
	if err != nil {
		t.Errorf("the program failed: %v\nthe server printed:\n%s", err, server.Output())
	}
	var passed []string
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(line, "ok "); ok {
			passed = append(passed, strings.TrimSpace(name))
		}
	}
	if !slices.Equal(passed, scenarios) {
		t.Errorf("passed %v, want %v", passed, scenarios)
	}
}

// find is the first of these programs that is installed.
func find(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("none of %v is installed", names)
}

// build builds the program, which is a module of its own.
func build(dir string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	path := filepath.Join(dir, "drive")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, ".")
	cmd.Dir = "drive"
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build in test/browser/drive: %w\n%s", err, out)
	}
	return path, nil
}

func skipUnlessRequired(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("FLORIN_REQUIRE_ALL") == "1" {
		t.Fatal(err)
	}
	t.Skip(err)
}
