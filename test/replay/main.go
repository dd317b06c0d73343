// Command replay scores the recordings of payments alone: it runs replay.py on each of the files with a fresh server, and sums its figures
// over the families of operations that payments are made of, one line a file:
//
//	go run ./test/replay path/to/replay.py recordings/*.jsonl.gz
//
// What is left out is told with its share, so that nothing is left out unseen.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// payments are the first parts of the paths that make payments.
var payments = []string{
	"account", "accounts", "apple_pay", "application_fees", "apps", "balance", "balance_settings", "balance_transactions", "charges",
	"confirmation_tokens", "country_specs", "customer_sessions", "customers", "disputes", "ephemeral_keys", "events", "exchange_rates",
	"external_accounts", "file_links", "files", "forwarding", "mandates", "payment_attempt_records", "payment_intents",
	"payment_method_configurations", "payment_method_domains", "payment_methods", "payment_records", "payouts", "radar", "refunds", "reviews",
	"setup_attempts", "setup_intents", "sources", "tax_ids", "test_helpers", "tokens", "topups", "transfers", "webhook_endpoints",
}

// figures are those of one operation, or of a sum of them, as replay.py writes them.
type figures struct {
	Replayed int `json:"n"`
	Skipped  int `json:"skipped"`
	Status   int `json:"status_ok"`
	Leaves   int `json:"leaves"`
	Match    int `json:"match"`
	Exact    int `json:"exact"`
}

func (f *figures) add(g figures) {
	f.Replayed += g.Replayed
	f.Skipped += g.Skipped
	f.Status += g.Status
	f.Leaves += g.Leaves
	f.Match += g.Match
	f.Exact += g.Exact
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: replay REPLAY.PY RECORDING…")
		os.Exit(2)
	}
	fmt.Printf("%-28s %9s %8s %9s %9s %9s   %s\n", "recording", "replayed", "skipped", "status %", "leaves %", "exact %", "not of payments")
	for _, recording := range os.Args[2:] {
		if err := score(os.Args[1], recording); err != nil {
			fmt.Fprintf(os.Stderr, "replay: %s: %v\n", recording, err)
			os.Exit(1)
		}
	}
}

// score replays one recording and prints its line.
func score(script, recording string) error {
	dir, err := os.MkdirTemp("", "florin-replay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "figures.json")
	cmd := exec.Command("go", "run", "./test/sdk/with", "python3", script, "--base", "{http}", "--key", "{secret_key}", "--json", out, recording)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	written, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	var result struct {
		Operations map[string]figures `json:"operations"`
	}
	if err := json.Unmarshal(written, &result); err != nil {
		return err
	}
	var in, rest figures
	for operation, f := range result.Operations {
		if isPayments(operation) {
			in.add(f)
		} else {
			rest.add(f)
		}
	}
	fmt.Printf("%-28s %9d %8d %9.2f %9.2f %9.2f   %d replayed, %d leaves\n", filepath.Base(recording), in.Replayed, in.Skipped,
		percent(in.Status, in.Replayed), percent(in.Match, in.Leaves), percent(in.Exact, in.Replayed), rest.Replayed, rest.Leaves)
	return nil
}

// isPayments says whether an operation such as "POST /v1/refunds/{id}" is one of payments.
func isPayments(operation string) bool {
	_, path, _ := strings.Cut(operation, " ")
	family, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	return slices.Contains(payments, family)
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
