// Package sdk_test runs the official Stripe SDKs, unmodified, against the real binary over HTTPS: one program a language, at the newest
// version, in the folders go, node and python. It also runs the curl that `florin serve` prints.
//
// A language whose runtime or packages cannot be had is skipped, with the reason; with FLORIN_REQUIRE_ALL=1, as CI sets it, that is a failure.
package sdk_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/test/sdk/binary"
)

// scenarios are what every program goes through, in this order.
var scenarios = []string{
	"pay", "decline", "3ds", "3ds-fail", "manual-capture", "refund", "list", "search", "expand", "idempotency", "webhook", "subscription", "errors",
}

func TestSDKs(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the SDKs have to be installed")
	}
	server := start(t)
	for _, sdk := range []struct {
		language string
		prepare  func(t *testing.T) (command []string, err error)
	}{
		{"go", prepareGo},
		{"node", prepareNode},
		{"python", preparePython},
	} {
		t.Run(sdk.language, func(t *testing.T) {
			command, err := sdk.prepare(t)
			if err != nil {
				skipUnlessRequired(t, err)
			}
			out, err := run(3*time.Minute, sdk.language, append(command, server.ReadyFile)...)
			t.Logf("\n%s", out)
			if err != nil {
				t.Errorf("the program failed: %v", err)
			}
			if passed := passed(out); !slices.Equal(passed, scenarios) {
				t.Errorf("passed %v, want %v", passed, scenarios)
			}
			if t.Failed() {
				t.Logf("the server printed:\n%s", server.Output())
			}
		})
	}
}

// TestCurl does what a new user does first: starts the server and pastes the curl that it prints.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		skipUnlessRequired(t, err)
	}
	server := start(t)
	var command string
	for range 500 {
		if command = curlIn(server.Output()); command != "" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if command == "" {
		t.Fatalf("florin serve prints no curl command:\n%s", server.Output())
	}
	out, err := run(time.Minute, ".", "sh", "-c", command)
	if err != nil {
		t.Fatalf("%s\n%v\n%s", command, err, out)
	}
	if !strings.Contains(out, `"status": "succeeded"`) {
		t.Errorf("the curl that is printed does not pay:\n%s\n%s", command, out)
	}
}

// curlIn is the first curl command in a text, with the lines that continue it.
func curlIn(text string) string {
	var command []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if command == nil && !strings.HasPrefix(line, "curl ") {
			continue
		}
		command = append(command, line)
		if !strings.HasSuffix(line, `\`) {
			return strings.Join(command, "\n")
		}
	}
	return ""
}

func TestCurlIn(t *testing.T) {
	const text = "Pay with\n\n  curl http://127.0.0.1:1/v1/payment_intents \\\n    -u sk_test_1: \\\n    -d amount=1000\n\nStop with ^C\n"
	const want = "curl http://127.0.0.1:1/v1/payment_intents \\\n-u sk_test_1: \\\n-d amount=1000"
	if got := curlIn(text); got != want {
		t.Errorf("curlIn = %q, want %q", got, want)
	}
	if got := curlIn("curl http://127.0.0.1:1 \\\n"); got != "" {
		t.Errorf("curlIn of a half printed command = %q, want nothing yet", got)
	}
}

// start builds florin and runs it on an empty data folder until the test ends.
func start(t *testing.T) *binary.Server {
	t.Helper()
	dir := t.TempDir()
	path, err := binary.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	server, err := binary.Start(path, filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func prepareGo(t *testing.T) ([]string, error) {
	path := filepath.Join(t.TempDir(), "sdk-go")
	if out, err := run(5*time.Minute, "go", "go", "build", "-o", path, "."); err != nil {
		return nil, fmt.Errorf("go build in test/sdk/go: %w\n%s", err, out)
	}
	return []string{path}, nil
}

func prepareNode(*testing.T) ([]string, error) {
	out, err := run(time.Minute, "node", "node", "--print", "process.versions.node.split('.')[0]")
	if err != nil {
		return nil, fmt.Errorf("node does not run: %w %s", err, out)
	}
	if major, err := strconv.Atoi(strings.TrimSpace(out)); err != nil || major < 20 {
		return nil, fmt.Errorf("the SDK needs Node 20 or newer; this is %s", strings.TrimSpace(out))
	}
	err = once("node/node_modules/.installed", "node/package.json", func() error {
		out, err := run(5*time.Minute, "node", "npm", "install", "--no-audit", "--no-fund", "--fetch-retries=1")
		if err != nil {
			return fmt.Errorf("npm install: %w\n%s", err, out)
		}
		return nil
	})
	return []string{"node", "main.mjs"}, err
}

func preparePython(*testing.T) ([]string, error) {
	python, err := filepath.Abs("python/.venv/bin/python")
	if err != nil {
		return nil, err
	}
	err = once("python/.venv/.installed", "python/requirements.txt", func() error {
		if out, err := run(time.Minute, "python", "python3", "-m", "venv", ".venv"); err != nil {
			return fmt.Errorf("python3 -m venv: %w\n%s", err, out)
		}
		out, err := run(5*time.Minute, "python", python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
			"--retries=1", "--requirement", "requirements.txt")
		if err != nil {
			return fmt.Errorf("pip install: %w\n%s", err, out)
		}
		return nil
	})
	return []string{python, "main.py"}, err
}

// once installs what a list names, unless the mark says that this very list is installed.
func once(mark, list string, install func() error) error {
	want, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	if have, err := os.ReadFile(mark); err == nil && string(have) == string(want) {
		return nil
	}
	if err := install(); err != nil {
		return err
	}
	return os.WriteFile(mark, want, 0o644)
}

// run runs a command in a folder and returns what it printed.
func run(limit time.Duration, dir string, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	noProxy := os.Getenv("NO_PROXY") + ",127.0.0.1,localhost"
	cmd.Env = append(os.Environ(), "NO_PROXY="+noProxy, "no_proxy="+noProxy, "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("it did not end within %v", limit)
	}
	return string(out), err
}

// passed are the names in a program's lines `ok NAME`.
func passed(out string) (names []string) {
	for line := range strings.Lines(out) {
		if name, ok := strings.CutPrefix(line, "ok "); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

func skipUnlessRequired(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("FLORIN_REQUIRE_ALL") == "1" {
		t.Fatal(err)
	}
	t.Skip(err)
}
