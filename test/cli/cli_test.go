// Package cli_test runs the official Stripe CLI, unmodified, against the real binary: `stripe listen` forwards to a small server, while `stripe
// trigger` is run for every event that it knows; `stripe logs tail`, `stripe events resend`, `stripe fixtures` and the commands for resources.
//
// The CLI comes from npm, in the version that package.json says. Where it cannot be had the tests are skipped, with the reason; with
// FLORIN_REQUIRE_ALL=1, as CI sets it, that is a failure. It talks to this machine only: what it would ask of others goes nowhere.
package cli_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"florin/test/sdk/binary"
)

const (
	commandTime = 30 * time.Second // for one command
	arrival     = 5 * time.Second  // for what it causes to arrive
)

// A world is a florin, a Stripe CLI that is told to use it, and a small server that takes webhooks.
type world struct {
	t       *testing.T
	server  *binary.Server
	florin  string // the binary
	data    string
	stripe  string // the CLI
	base    string
	env     []string
	webhook *hook
}

func newWorld(t *testing.T) *world {
	if testing.Short() {
		t.Skip("-short: the Stripe CLI has to be installed")
	}
	stripe, err := install()
	if err != nil {
		if os.Getenv("FLORIN_REQUIRE_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	w := &world{t: t, stripe: stripe, data: filepath.Join(dir, "data"), webhook: &hook{}}
	if w.florin, err = binary.Build(dir); err != nil {
		t.Fatal(err)
	}
	if w.server, err = binary.Start(w.florin, w.data); err != nil {
		t.Fatal(err)
	}
	w.base = strings.Replace(w.server.HTTP, "localhost", "127.0.0.1", 1) // the CLI takes no other name for this machine
	w.env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "STRIPE_API_KEY="+w.server.SecretKey, "STRIPE_DEVICE_NAME=a test",
		"STRIPE_CLI_TELEMETRY_OPTOUT=1", "STRIPE_NO_AUTO_UPDATE=1", "STRIPE_CLI_NO_PLUGIN_AUTO_INSTALL=1",
		"HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost")
	receiver := httptest.NewServer(w.webhook)
	w.webhook.url = receiver.URL
	t.Cleanup(func() {
		receiver.Close()
		if err := w.server.Stop(); err != nil {
			t.Error(err)
		}
		if out, err := binary.Audit(w.florin, w.data); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	return w
}

// install installs what package.json names, unless this very list is installed, and returns the path of the CLI.
func install() (string, error) {
	want, err := os.ReadFile("package.json")
	if err != nil {
		return "", err
	}
	const mark = "node_modules/.installed"
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
	found, err := filepath.Glob("node_modules/@stripe/cli-*/bin/stripe*")
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("@stripe/cli has no binary for this machine: %v %v", found, err)
	}
	return filepath.Abs(found[0])
}

func (w *world) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.stripe, args...)
	cmd.Env, cmd.WaitDelay = w.env, time.Second
	return cmd
}

// run runs a command of the CLI to its end, and returns what it printed.
func (w *world) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	out, err := w.command(ctx, append(args, "--api-base", w.base)...).CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("it did not end within %v", commandTime)
	}
	return string(out), err
}

// must is run for a command that must succeed. The CLI shows a refusal, and ends well all the same.
func (w *world) must(args ...string) string {
	w.t.Helper()
	out, err := w.run(args...)
	if err != nil || strings.Contains(out, `"error": {`) {
		w.t.Errorf("stripe %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// object runs a command that prints an object.
func (w *world) object(args ...string) (o map[string]any) {
	w.t.Helper()
	out := w.must(args...)
	if err := json.Unmarshal([]byte(out[max(0, strings.Index(out, "{")):]), &o); err != nil {
		w.t.Errorf("stripe %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return o
}

// A running is a command that runs until the test ends.
type running struct {
	t    *testing.T
	what string
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *running) output() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// start starts a command that waits for things to happen, and waits until it does.
func (w *world) start(args ...string) *running {
	w.t.Helper()
	r := &running{t: w.t, what: "stripe " + strings.Join(args, " ")}
	cmd := w.command(context.Background(), append(args, "--api-base", w.base)...)
	cmd.Stdout, cmd.Stderr = r, r
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is ended by us
		close(exited)
	}()
	w.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-exited
		}
		if w.t.Failed() {
			w.t.Logf("%s printed:\n%s", r.what, r.output())
		}
	})
	r.wait("Ready!", 15*time.Second)
	return r
}

// wait waits until a text is printed.
func (r *running) wait(text string, limit time.Duration) {
	r.t.Helper()
	if !eventually(limit, func() bool { return strings.Contains(r.output(), text) }) {
		r.t.Errorf("%s: no %q within %v", r.what, text, limit)
	}
}

func eventually(limit time.Duration, ok func() bool) bool {
	for end := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

var secretIn = regexp.MustCompile(`whsec_\w+`)

// listen starts `stripe listen`, which forwards to the small server.
func (w *world) listen(args ...string) {
	w.t.Helper()
	r := w.start(append([]string{"listen", "--skip-update", "--forward-to", w.webhook.url}, args...)...)
	w.webhook.mu.Lock()
	defer w.webhook.mu.Unlock()
	w.webhook.secret = secretIn.FindString(r.output())
}

// A hook takes webhooks.
type hook struct {
	url      string
	mu       sync.Mutex
	secret   string
	received []webhook
}

// A webhook is what came to a hook.
type webhook struct {
	ID, Type, Path string
	Account        string
	Version        string `json:"api_version"`
	header         http.Header
	wrong          error // about its signature
}

func (h *hook) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	got := webhook{wrong: err}
	if err == nil {
		got.wrong = verify(h.secret, r.Header.Get("Stripe-Signature"), body)
	}
	if err := json.Unmarshal(body, &got); err != nil {
		got.wrong = err
	}
	got.Path, got.header = r.URL.Path, r.Header
	h.received = append(h.received, got)
}

// verify holds a signature to what official SDKs want of it.
func verify(secret, header string, body []byte) error {
	var at string
	for _, part := range strings.Split(header, ",") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "t":
			at = value
		case "v1":
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(at + "." + string(body)))
			if hex.EncodeToString(mac.Sum(nil)) != value {
				continue
			}
			seconds, err := strconv.ParseInt(at, 10, 64)
			if age := time.Since(time.Unix(seconds, 0)); err != nil || age > 5*time.Minute {
				return fmt.Errorf("the signature is %v old", age)
			}
			return nil
		}
	}
	return fmt.Errorf("no signature holds in %q", header)
}

// since are the webhooks after the first n.
func (h *hook) since(n int) []webhook {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]webhook(nil), h.received[n:]...)
}

// find waits for a webhook of a type among those after the first n.
func (h *hook) find(n int, typ string, limit time.Duration) (found *webhook) {
	eventually(limit, func() bool {
		for _, got := range h.since(n) {
			if got.Type == typ {
				found = &got
			}
		}
		return found != nil
	})
	return found
}

// TestCommands goes through what people do with the CLI besides triggers.
func TestCommands(t *testing.T) {
	w := newWorld(t)
	w.listen("--all-snapshot")
	tail := w.start("logs", "tail")
	failed := w.start("logs", "tail", "--format", "JSON", "--filter-http-method", "GET", "--filter-status-code-type", "4XX")

	if s := strings.TrimSpace(w.must("listen", "--skip-update", "--print-secret")); s != w.webhook.secret {
		t.Errorf("--print-secret prints %q; the listener was told %q", s, w.webhook.secret)
	}

	// Commands for resources, and plain requests.
	customer, _ := w.object("customers", "create", "--email", "a@example.com")["id"].(string)
	if got := w.object("get", customer)["email"]; got != "a@example.com" {
		t.Errorf("stripe get: email %v", got)
	}
	if got := w.object("post", "/v1/customers/"+customer, "-d", "metadata[a]=b")["metadata"]; fmt.Sprint(got) != "map[a:b]" {
		t.Errorf("stripe post: metadata %v", got)
	}
	if list, _ := w.object("customers", "list", "--limit", "1")["data"].([]any); len(list) != 1 {
		t.Errorf("stripe customers list: %v", list)
	}
	if got := w.object("delete", "/v1/customers/"+customer, "--confirm")["deleted"]; got != true {
		t.Errorf("stripe delete: deleted %v", got)
	}
	if w.webhook.find(0, "customer.deleted", arrival) == nil {
		t.Error("customer.deleted did not arrive")
	}
	if out, err := w.run("get", "/v1/charges/ch_1"); err != nil || !strings.Contains(out, "No such charge: 'ch_1'") {
		t.Errorf("stripe get of what is not there: %v\n%s", err, out)
	}

	// Request logs.
	tail.wait("[200] DELETE /v1/customers/"+customer, arrival)
	tail.wait("[404] GET /v1/charges/ch_1", arrival)
	tail.wait("Message: No such charge: 'ch_1'", arrival)
	failed.wait(`"code":"resource_missing"`, arrival)
	if out := failed.output(); strings.Contains(out, "/v1/customers") {
		t.Errorf("filters of request logs let through:\n%s", out)
	}

	// Fixtures.
	fixtures := filepath.Join(t.TempDir(), "fixtures.json")
	if err := os.WriteFile(fixtures, []byte(`{"_meta": {"template_version": 0}, "fixtures": [
		{"name": "who", "path": "/v1/customers", "method": "post", "params": {"email": "b@example.com"}},
		{"name": "pay", "path": "/v1/payment_intents", "method": "post", "params": {"customer": "${who:id}", "amount": 1234, "currency": "usd",
			"payment_method": "pm_card_visa", "confirm": true, "payment_method_types": ["card"]}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.must("fixtures", fixtures)
	paid := w.webhook.find(0, "payment_intent.succeeded", arrival)
	if paid == nil {
		t.Fatal("payment_intent.succeeded did not arrive")
	}

	// An event once more: to the listener, and to an endpoint.
	n := len(w.webhook.since(0))
	if got := w.object("events", "resend", paid.ID)["id"]; got != paid.ID {
		t.Errorf("stripe events resend: id %v", got)
	}
	if again := w.webhook.find(n, paid.Type, arrival); again == nil || again.ID != paid.ID || again.wrong != nil {
		t.Errorf("stripe events resend: %+v arrived", again)
	}
	endpoint, _ := w.object("webhook_endpoints", "create", "--url", w.webhook.url+"/endpoint", "--enabled-events", "charge.succeeded")["id"].(string)
	if got := w.object("events", "resend", paid.ID, "--webhook-endpoint", endpoint)["id"]; got != paid.ID {
		t.Errorf("stripe events resend --webhook-endpoint: id %v", got)
	}
	for _, got := range w.webhook.since(0) {
		if got.wrong != nil && got.Path != "/endpoint" {
			t.Errorf("%s: %v", got.Type, got.wrong)
		}
	}
}

// TestConfigured forwards as the account's webhook endpoints say: their types of event, to their paths.
func TestConfigured(t *testing.T) {
	w := newWorld(t)
	w.object("webhook_endpoints", "create", "--url", "https://example.com/in/this/path", "--enabled-events", "customer.created")
	w.listen("--use-configured-webhooks", "--all-snapshot")
	w.must("trigger", "charge.succeeded")
	w.must("trigger", "customer.created")
	if got := w.webhook.find(0, "customer.created", arrival); got == nil || got.wrong != nil || got.Path != "/in/this/path" {
		t.Errorf("arrived: %+v", got)
	}
	if got := w.webhook.find(0, "charge.succeeded", 200*time.Millisecond); got != nil {
		t.Errorf("arrived, which no endpoint wants: %+v", got)
	}
}

// TestLatest listens at the newest API version, and for some events only.
func TestLatest(t *testing.T) {
	w := newWorld(t)
	w.listen("--latest", "--events", "customer.created,customer.deleted")
	w.must("trigger", "customer.deleted")
	for _, typ := range []string{"customer.created", "customer.deleted"} {
		if got := w.webhook.find(0, typ, arrival); got == nil || got.wrong != nil || got.Version != "2026-10-28.endive" {
			t.Errorf("arrived: %+v", got)
		}
	}
	if n := len(w.webhook.since(0)); n != 2 {
		t.Errorf("%d webhooks arrived, want 2", n)
	}
}
