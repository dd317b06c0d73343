package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// connected makes a connected account.
func (w *world) connected() string {
	w.t.Helper()
	id, _ := w.object("accounts", "create", "--type", "custom", "--country", "US")["id"].(string)
	return id
}

// TestForwarding forwards what happens to the account to one place, and what happens to connected accounts to another, each with headers of its own.
func TestForwarding(t *testing.T) {
	w := newWorld(t)
	account := w.connected()
	w.listen("--all-snapshot", "--forward-connect-to", w.webhook.url+"/connect", "--headers", "X-Where: own", "--connect-headers", "X-Where: connected")
	w.object("customers", "create", "--email", "own@example.com")
	own := w.webhook.find(0, "customer.created", arrival)
	if own == nil || own.wrong != nil || own.Path != "/" || own.Account != "" || own.header.Get("X-Where") != "own" {
		t.Errorf("the platform's customer: %+v arrived", own)
	}
	n := len(w.webhook.since(0))
	w.object("customers", "create", "--email", "theirs@example.com", "--stripe-account", account)
	theirs := w.webhook.find(n, "customer.created", arrival)
	if theirs == nil || theirs.wrong != nil || theirs.Path != "/connect" || theirs.Account != account || theirs.header.Get("X-Where") != "connected" {
		t.Errorf("the connected account's customer: %+v arrived", theirs)
	}
}

// TestEventsFrom hears of connected accounts alone, of some events, and prints them as JSON.
func TestEventsFrom(t *testing.T) {
	w := newWorld(t)
	account := w.connected()
	r := w.start("listen", "--skip-update", "--events", "customer.created,customer.deleted", "--events-from", "@accounts", "--format", "JSON", "--forward-to", w.webhook.url)
	w.webhook.mu.Lock()
	w.webhook.secret = secretIn.FindString(r.output())
	w.webhook.mu.Unlock()
	w.object("customers", "create", "--email", "own@example.com")
	w.object("customers", "create", "--email", "theirs@example.com", "--stripe-account", account)
	if got := w.webhook.find(0, "customer.created", arrival); got == nil || got.wrong != nil || got.Account != account {
		t.Errorf("%+v arrived", got)
	}
	w.object("payment_intents", "create", "--amount", "1000", "--currency", "usd", "--stripe-account", account)
	w.object("post", "/v1/customers", "-d", "email=more@example.com", "--stripe-account", account)
	eventually(arrival, func() bool { return len(w.webhook.since(0)) >= 2 })
	for _, got := range w.webhook.since(0) {
		if got.Account != account || got.Type != "customer.created" {
			t.Errorf("%s of %q arrived", got.Type, got.Account)
		}
	}
	r.wait(`"email":"theirs@example.com"`, arrival)
	if strings.Contains(r.output(), "own@example.com") {
		t.Errorf("the platform's own customer was told of:\n%s", r.output())
	}
}

// TestVersion changes the account's API version: requests that name none have it, and events.
func TestVersion(t *testing.T) {
	w := newWorld(t)
	if out, err := exec.Command(w.florin, "accounts", "update", "--api-version", "2023-10-16", "--data", w.data).CombinedOutput(); err != nil {
		t.Fatalf("florin accounts update: %v\n%s", err, out)
	}
	r := w.start("listen", "--skip-update", "--all-snapshot", "--forward-to", w.webhook.url)
	w.webhook.mu.Lock()
	w.webhook.secret = secretIn.FindString(r.output())
	w.webhook.mu.Unlock()
	r.wait("API Version [2023-10-16]", arrival)
	if out := w.must("get", "/v1/balance", "--show-headers"); !strings.Contains(out, "2023-10-16") {
		t.Errorf("the version of a request that names none:\n%s", out)
	}
	w.object("customers", "create", "--email", "a@example.com")
	if got := w.webhook.find(0, "customer.created", arrival); got == nil || got.wrong != nil || got.Version != "2023-10-16" {
		t.Errorf("arrived: %+v", got)
	}
}

// TestThin listens to thin events, of which payments have none: the session opens, and snapshot events do not come to it.
func TestThin(t *testing.T) {
	w := newWorld(t)
	w.listen("--all-thin")
	w.object("customers", "create", "--email", "a@example.com")
	if got := w.webhook.find(0, "customer.created", 300*time.Millisecond); got != nil {
		t.Errorf("arrived: %+v", got)
	}
}

// TestLogFilters tails request logs through each filter at a time.
func TestLogFilters(t *testing.T) {
	w := newWorld(t)
	account := w.connected()
	filters := []struct {
		args     []string
		sees, no string // lines that it shows, and does not
	}{
		{[]string{"--filter-http-method", "DELETE"}, "[200] DELETE /v1/customers", "POST"},
		{[]string{"--filter-status-code", "404"}, "[404] GET /v1/charges/ch_1", "[200]"},
		{[]string{"--filter-status-code-type", "2XX"}, "[200] POST /v1/customers", "[404]"},
		{[]string{"--filter-request-status", "FAILED"}, "[404] GET /v1/charges/ch_1", "[200]"},
		{[]string{"--filter-request-path", "/v1/payment_intents"}, "[200] GET /v1/payment_intents", "/v1/customers"},
		{[]string{"--filter-source", "API"}, "[200] POST /v1/customers", "nothing is kept back"},
		{[]string{"--filter-source", "DASHBOARD"}, "", "/v1/"},
		{[]string{"--filter-ip-address", "127.0.0.1"}, "[200] POST /v1/customers", "nothing is kept back"},
		{[]string{"--filter-ip-address", "192.0.2.1"}, "", "/v1/"},
		{[]string{"--filter-account", "connect_out"}, "[200] GET /v1/balance", "/v1/customers"},
		{[]string{"--filter-account", "self"}, "[200] POST /v1/customers", "/v1/balance"},
	}
	var tails []*running
	for _, f := range filters {
		tails = append(tails, w.start(append([]string{"logs", "tail"}, f.args...)...))
	}
	customer, _ := w.object("customers", "create", "--email", "a@example.com")["id"].(string)
	w.object("payment_intents", "list", "--limit", "3")
	w.object("balance", "retrieve", "--stripe-account", account)
	if out, err := w.run("charges", "retrieve", "ch_1"); err != nil {
		t.Errorf("stripe charges retrieve: %v\n%s", err, out)
	}
	w.object("customers", "delete", customer, "--confirm")
	for i, f := range filters {
		if f.sees != "" {
			tails[i].wait(f.sees, arrival)
		}
	}
	for i, f := range filters { // by now all has been told that will be
		if out := tails[i].output(); strings.Contains(out, f.no) {
			t.Errorf("logs tail %s lets through %s:\n%s", strings.Join(f.args, " "), f.no, out)
		}
	}
}

// TestResources goes through commands for resources as somebody who takes a payment by hand does.
func TestResources(t *testing.T) {
	w := newWorld(t)
	text := func(o map[string]any, name string) string { s, _ := o[name].(string); return s }
	customer := text(w.object("customers", "create", "--name", "Jenny Rosen", "--email", "jenny@example.com"), "id")
	w.object("customers", "update", customer, "--description", "by hand", "-d", "metadata[a]=b")
	if got := w.object("customers", "retrieve", customer); got["description"] != "by hand" || fmt.Sprint(got["metadata"]) != "map[a:b]" {
		t.Errorf("customers retrieve: %v", got)
	}
	method := text(w.object("payment_methods", "attach", "pm_card_visa", "--customer", customer), "id")
	intent := text(w.object("payment_intents", "create", "--amount", "2000", "--currency", "usd", "--customer", customer, "-d", "payment_method_types[0]=card",
		"--capture-method", "manual"), "id")
	if got := w.object("payment_intents", "confirm", intent, "--payment-method", method); got["status"] != "requires_capture" {
		t.Errorf("payment_intents confirm: %v", got["status"])
	}
	if got := w.object("payment_intents", "capture", intent, "--amount-to-capture", "1500"); got["status"] != "succeeded" || got["amount_received"] != 1500.0 {
		t.Errorf("payment_intents capture: %v %v", got["status"], got["amount_received"])
	}
	if list, _ := w.object("payment_intents", "list", "--customer", customer, "--limit", "1")["data"].([]any); len(list) != 1 {
		t.Errorf("payment_intents list: %v", list)
	}
	if got := w.object("refunds", "create", "--payment-intent", intent, "--amount", "500"); got["status"] != "succeeded" {
		t.Errorf("refunds create: %v", got["status"])
	}
	if got := w.object("get", "/v1/payment_intents/"+intent, "--expand", "latest_charge"); fmt.Sprint(got["latest_charge"])[:4] != "map[" {
		t.Errorf("get --expand: %v", got["latest_charge"])
	}
	if found, _ := w.object("customers", "search", "--query", "email:'jenny@example.com'")["data"].([]any); len(found) != 1 {
		t.Errorf("customers search: %v", found)
	}
	other := text(w.object("payment_intents", "create", "--amount", "2000", "--currency", "usd", "--idempotency", "once"), "id")
	if again := text(w.object("payment_intents", "create", "--amount", "2000", "--currency", "usd", "--idempotency", "once"), "id"); again != other {
		t.Errorf("--idempotency: %s, then %s", other, again)
	}
	if got := w.object("payment_intents", "cancel", other, "--cancellation-reason", "duplicate"); got["status"] != "canceled" {
		t.Errorf("payment_intents cancel: %v", got["status"])
	}
	if out := w.must("get", "/v1/customers", "--limit", "1", "--show-headers", "--stripe-version", "2022-11-15"); !strings.Contains(out, "Stripe-Version: 2022-11-15") && !strings.Contains(out, "Stripe-Version=2022-11-15") {
		t.Errorf("--show-headers and --stripe-version:\n%s", out)
	}
	if out, err := w.run("payment_intents", "create", "--amount", "2000", "--currency", "usd", "--payment-method", "pm_card_chargeDeclined", "--confirm=true", "-d", "payment_method_types[0]=card"); err != nil || !strings.Contains(out, `"decline_code": "generic_decline"`) {
		t.Errorf("a decline: %v\n%s", err, out)
	}
}

// TestFixtureFile runs a file with what the CLI lets fixtures do: values of earlier answers, of the environment, a default, and an error that is expected.
func TestFixtureFile(t *testing.T) {
	w := newWorld(t)
	w.env = append(w.env, "FIXTURE_EMAIL=env@example.com")
	file := filepath.Join(t.TempDir(), "fixtures.json")
	if err := os.WriteFile(file, []byte(`{"_meta": {"template_version": 0}, "fixtures": [
		{"name": "who", "path": "/v1/customers", "method": "post", "params": {"email": "${.env:FIXTURE_EMAIL}", "name": "${.env:NOBODY|Jenny Rosen}", "metadata": {"n": 1}}},
		{"name": "declined", "path": "/v1/payment_intents", "method": "post", "expected_error_type": "card_error", "params": {"amount": 1000, "currency": "usd",
			"customer": "${who:id}", "payment_method": "pm_card_chargeDeclined", "confirm": true, "payment_method_types": ["card"]}},
		{"name": "paid", "path": "/v1/payment_intents", "method": "post", "params": {"amount": 1000, "currency": "${who:currency|eur}", "customer": "${who:id}",
			"payment_method": "pm_card_visa", "confirm": true, "payment_method_types": ["card"]}},
		{"name": "list", "path": "/v1/charges", "method": "get", "params": {"limit": 5}},
		{"name": "back", "path": "/v1/refunds", "method": "post", "params": {"charge": "${list:data.0.id}", "amount": 100}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.must("fixtures", file)
	list, _ := w.object("charges", "list", "--limit", "10")["data"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d charges, want the declined one and the paid one", len(list))
	}
	paid, _ := list[0].(map[string]any)
	if paid["currency"] != "eur" || paid["amount_refunded"] != 100.0 {
		t.Errorf("the charge: %v %v", paid["currency"], paid["amount_refunded"])
	}
	customer, _ := paid["customer"].(string)
	if got := w.object("customers", "retrieve", customer); got["email"] != "env@example.com" || got["name"] != "Jenny Rosen" {
		t.Errorf("the customer: %v %v", got["email"], got["name"])
	}
}

// TestTriggerOptions changes what a trigger asks for, by every flag that does.
func TestTriggerOptions(t *testing.T) {
	w := newWorld(t)
	account := w.connected()
	w.listen("--all-snapshot")
	w.must("trigger", "customer.created", "--override", "customer:email=over@example.com", "--add", "customer:name=Jenny", "--remove", "customer:description")
	list, _ := w.object("customers", "list", "--limit", "1")["data"].([]any)
	if len(list) != 1 {
		t.Fatal("no customer")
	}
	if got := list[0].(map[string]any); got["email"] != "over@example.com" || got["name"] != "Jenny" || got["description"] != nil {
		t.Errorf("%v %v %v", got["email"], got["name"], got["description"])
	}
	w.must("trigger", "customer.created", "--stripe-account", account)
	eventually(arrival, func() bool { return len(w.webhook.since(0)) >= 2 })
	if all := w.webhook.since(0); len(all) < 2 || all[len(all)-1].Account != account {
		t.Errorf("--stripe-account: %+v arrived", all)
	}
	w.must("trigger", "customer.created", "--raw", `{"_meta": {"template_version": 0}, "fixtures": [{"name": "c", "path": "/v1/coupons", "method": "post", "params": {"percent_off": 10}}]}`)
	if w.webhook.find(0, "coupon.created", arrival) == nil {
		t.Error("--raw: no coupon.created arrives")
	}
}
