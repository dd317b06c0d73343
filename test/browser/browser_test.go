// Package browser_test goes through the pages of the real binary in headless Chromium, by keyboard alone (drive, a program of its own). The
// screenshots are left in the folder that FLORIN_SCREENSHOTS names.
//
// On each page axe-core, from npm, looks for what keeps people from using it. Without Chromium (Debian's package chromium) or axe the test is skipped; with FLORIN_REQUIRE_ALL=1, as CI sets it, that is a failure.
package browser_test

import (
	"bytes"
	"context"
	"encoding/json"
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
var scenarios = []string{"complete", "fail", "close-window", "over", "unknown", "receipt", "authorize", "refuse", "canceled", "scan", "save", "voucher",
	"voucher-expires", "konbini", "transfer", "deposit-code", "deposit-amounts", "deposit-setup", "deposit-too-often", "mandate", "checkout", "checkout-asks", "checkout-saves"}

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
	axe, err := install()
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
	cmd := exec.CommandContext(ctx, drive, chromium, server.ReadyFile, shots, axe, secretKey(t, florin, dir, "JP"))
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

// secretKey makes an account in a country, and returns its secret test key.
func secretKey(t *testing.T, florin, dir, country string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), florin, "accounts", "create", "--country", country, "--name", "Test account", "--json", "--data", filepath.Join(dir, "data")).Output()
	if err != nil {
		t.Fatalf("florin accounts create: %v", err)
	}
	var made struct {
		Keys []struct {
			Type, Secret string
			Livemode     bool
		}
	}
	if err := json.Unmarshal(out, &made); err != nil {
		t.Fatal(err)
	}
	for _, k := range made.Keys {
		if k.Type == "secret" && !k.Livemode {
			return k.Secret
		}
	}
	t.Fatalf("no secret test key in %s", out)
	return ""
}

// install installs what package.json names, unless this very list is installed, and returns the path of axe.
func install() (string, error) {
	want, err := os.ReadFile("package.json")
	if err != nil {
		return "", err
	}
	const mark, axe = "node_modules/.installed", "node_modules/axe-core/axe.min.js"
	if have, err := os.ReadFile(mark); err != nil || !bytes.Equal(have, want) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--fetch-retries=1")
		cmd.WaitDelay = time.Second
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm install: %w\n%s", err, out)
		}
		if err := os.WriteFile(mark, want, 0o644); err != nil {
			return "", err
		}
	}
	_, err = os.Stat(axe)
	return axe, err
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
