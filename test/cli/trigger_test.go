package cli_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/triggers.txt anew")

const known = "testdata/triggers.txt"

// works is the result of a trigger whose event arrived with a signature that holds.
const works = "works"

// flags are what a trigger needs besides its name.
var flags = map[string][]string{
	// The requests of these were written before 2023-08-16, from which version on an intent that takes whatever the account has enabled wants a
	// return_url. They say nothing of their version, so it is said here.
	"payment_method.updated":       {"--api-version", "2022-11-15"},
	"setup_intent.requires_action": {"--api-version", "2022-11-15"},
	// Nor may the account that they make take transfers: nobody has asked for that. It goes to one that may.
	"transfer.created":  {"--api-version", "2022-11-15", "--override", "transfer:destination=" + destination},
	"transfer.reversed": {"--api-version", "2022-11-15", "--override", "transfer:destination=" + destination},
	"transfer.updated":  {"--api-version", "2022-11-15", "--override", "transfer:destination=" + destination},
	// These name a coupon where customers had one before 2025-03-31, and promotion codes before 2025-09-30.
	"customer.discount.created": {"--api-version", "2024-06-20"},
	"customer.discount.deleted": {"--api-version", "2024-06-20"},
	"customer.discount.updated": {"--api-version", "2024-06-20"},
	"promotion_code.created":    {"--api-version", "2024-06-20"},
	"promotion_code.updated":    {"--api-version", "2024-06-20"},
	// It asks for yen by jp_bank_account, which no American account can take, and which the API calls jp_bank_transfer.
	"payment_intent.partially_funded": {"--override", "payment_intent:currency=usd", "--override",
		"payment_intent:payment_method_options[customer_balance][bank_transfer][type]=us_bank_transfer", "--override", "fund_cash_balance:currency=usd"},
}

// destination stands for the account that transfers go to.
const destination = "$destination"

// ready makes what triggers need to be there: money that is available, and an account that transfers may go to.
func (w *world) ready() (account string) {
	w.t.Helper()
	w.object("charges", "create", "--amount", "100000", "--currency", "usd", "--source", "tok_bypassPending")
	account, _ = w.object("post", "/v1/accounts", "-d", "type=custom", "-d", "country=US", "-d", "business_type=individual",
		"-d", "capabilities[transfers][requested]=true", "-d", "business_profile[url]=https://example.com", "-d", "external_account=btok_us_verified",
		"-d", "individual[first_name]=Jenny", "-d", "individual[last_name]=Rosen", "-d", "individual[email]=jenny@example.com", "-d", "individual[phone]=0000000000",
		"-d", "individual[dob][day]=1", "-d", "individual[dob][month]=1", "-d", "individual[dob][year]=1902", "-d", "individual[id_number]=000000000",
		"-d", "individual[address][line1]=address_full_match", "-d", "individual[address][city]=Schenectady", "-d", "individual[address][state]=NY",
		"-d", "individual[address][postal_code]=12345", "-d", "tos_acceptance[date]=1788264000", "-d", "tos_acceptance[ip]=127.0.0.1")["id"].(string)
	return account
}

// eventOf is the type of event that a trigger is for. Some names are the CLI's own.
func eventOf(trigger string) string {
	if rest, ok := strings.CutPrefix(trigger, "subscription.payment_"); ok {
		return "invoice.payment_" + rest
	}
	return strings.TrimSuffix(strings.TrimSuffix(trigger, ".eu"), ".gb")
}

// TestTriggers runs `stripe trigger` for every event that the CLI knows, while `stripe listen` forwards to a small server. testdata/triggers.txt
// says what became of each. What is not built must say so by name (501); what worked must go on working; what neither works nor says so is a
// failure unless it stands there as open, with what is wrong.
func TestTriggers(t *testing.T) {
	w := newWorld(t)
	expected := readKnown(t)
	w.listen("--all-snapshot")
	account := w.ready()
	var table, file strings.Builder
	count := map[string]int{}
	for _, trigger := range w.triggers() {
		began := time.Now()
		n := len(w.webhook.since(0))
		args := []string{"trigger", trigger}
		for _, flag := range flags[trigger] {
			args = append(args, strings.Replace(flag, destination, account, 1))
		}
		out, err := w.run(args...)
		result, note := w.judge(trigger, n, out, err)
		kind, _, _ := strings.Cut(result, ":")
		count[kind]++
		fmt.Fprintf(&table, "%-55s %s %5d ms\n", trigger, note, time.Since(began).Milliseconds())
		fmt.Fprintf(&file, "%-55s %s\n", trigger, result)
		switch was := expected[trigger]; {
		case *update || result == was:
		case result == works:
			t.Logf("%s works now: go test ./test/cli -run Triggers -update", trigger)
		case was == works || kind == "open" && !strings.HasPrefix(was, "open"):
			t.Errorf("%s: %s; testdata/triggers.txt has %q\n%s", trigger, result, was, out)
		}
	}
	t.Logf("\n%-55s triggered received signature   time\n%s\n%d work, %d are not built, %d are open", "event", &table, count[works], count["not built"], count["open"])
	if *update {
		if err := os.WriteFile(known, []byte(file.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var notBuilt = regexp.MustCompile(`Florin (?:does not have|cannot) (.*?) yet`)

// judge says what became of a trigger: "works", "not built: …" or "open: …", and its line in the table.
func (w *world) judge(trigger string, n int, out string, err error) (result, note string) {
	if m := notBuilt.FindStringSubmatch(out); m != nil {
		return "not built: " + m[1], fmt.Sprintf("%-9s %-8s %-9s", "501", "-", "-")
	}
	if err != nil || !strings.Contains(out, "Trigger succeeded!") {
		return "open: " + reason(out), fmt.Sprintf("%-9s %-8s %-9s", "refused", "-", "-")
	}
	patience := arrival
	if strings.Contains(trigger, "async_payment") { // a bank takes its time
		patience *= 4
	}
	got := w.webhook.find(n, eventOf(trigger), patience)
	switch {
	case got == nil:
		return "open: no such event arrives", fmt.Sprintf("%-9s %-8s %-9s", "yes", "no", "-")
	case got.wrong != nil:
		return "open: " + got.wrong.Error(), fmt.Sprintf("%-9s %-8s %-9s", "yes", "yes", "wrong")
	}
	return works, fmt.Sprintf("%-9s %-8s %-9s", "yes", "yes", "ok")
}

var messageIn = regexp.MustCompile(`"message": "([^"]*)"`)

// reason is what the server said, or else what the CLI did.
func reason(out string) string {
	if m := messageIn.FindStringSubmatch(out); m != nil {
		return m[1][:min(len(m[1]), 160)]
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return lines[len(lines)-1]
}

// triggers are the names that the CLI itself lists.
func (w *world) triggers() (names []string) {
	w.t.Helper()
	help := w.must("trigger", "--help")
	_, list, _ := strings.Cut(help, "Supported events:\n")
	for line := range strings.Lines(list) {
		name := strings.TrimSpace(line)
		if name == "" {
			break
		}
		names = append(names, name)
	}
	if len(names) < 100 {
		w.t.Fatalf("`stripe trigger --help` lists %d events:\n%s", len(names), help)
	}
	return names
}

// readKnown reads what became of each trigger when the file was last written.
func readKnown(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open(known)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out := map[string]string{}
	for s := bufio.NewScanner(file); s.Scan(); {
		name, result, _ := strings.Cut(s.Text(), " ")
		out[name] = strings.TrimSpace(result)
	}
	return out
}
