// Command replay scores the recordings of payments alone: it runs replay.py on each of the files, and sums its figures over the families of
// operations that payments are made of:
//
//	go run ./test/replay path/to/replay.py recordings/*.jsonl.gz
//
// There are two lines a file. The first is the file as it is, against a fresh server. The second is what of it can be answered as it was:
//
//   - ids of letters alone get a digit, by which replay.py knows an id, so that it follows them, or leaves out what names them from before
//   - requests with the id of a token or source are left out, for replay.py takes it for a test value and does not follow it
//   - lists that show what is from before are left out
//   - where requests name no API version, the account has one of its own: the recorded one, or the oldest that there is
//
// What is not of payments is told with its share, so that nothing is left out unseen.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"florin/test/sdk/binary"
)

// payments are the first parts of the paths that make payments.
var payments = []string{
	"account", "accounts", "apple_pay", "application_fees", "apps", "balance", "balance_settings", "balance_transactions", "charges",
	"confirmation_tokens", "country_specs", "customer_sessions", "customers", "disputes", "ephemeral_keys", "events", "exchange_rates",
	"external_accounts", "file_links", "files", "forwarding", "mandates", "payment_attempt_records", "payment_intents",
	"payment_method_configurations", "payment_method_domains", "payment_methods", "payment_records", "payouts", "radar", "refunds", "reviews",
	"setup_attempts", "setup_intents", "sources", "tax_ids", "test_helpers", "tokens", "topups", "transfers", "webhook_endpoints",
}

// oldest is the oldest API version that Florin speaks.
const oldest = "2020-08-27"

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

// A conversation is a line of a recording.
type conversation struct {
	Name    string     `json:"f"`
	Version string     `json:"v"` // of the answers
	Turns   []exchange `json:"i"`
}

type exchange struct {
	Method  string            `json:"m"`
	URL     string            `json:"u"`
	Body    *string           `json:"b"`
	Headers map[string]string `json:"h"`
	Status  int               `json:"s"`
	Answer  json.RawMessage   `json:"r"`
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: replay REPLAY.PY RECORDING…")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

func run(script string, recordings []string) (err error) {
	dir, err := os.MkdirTemp("", "florin-replay-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path, err := binary.Build(dir)
	if err != nil {
		return err
	}
	p := &player{script: script, binary: path, dir: dir}
	fmt.Printf("%-34s %9s %8s %9s %9s %9s   %s\n", "recording", "replayed", "skipped", "status %", "leaves %", "exact %", "not of payments")
	for _, recording := range recordings {
		in, rest, err := p.play(recording, "")
		if err != nil {
			return fmt.Errorf("%s: %w", recording, err)
		}
		name := strings.TrimSuffix(filepath.Base(recording), ".jsonl.gz")
		show(name, in, rest)
		if in, rest, err = p.playable(recording); err != nil {
			return fmt.Errorf("%s: %w", recording, err)
		}
		show(name+", answerable", in, rest)
	}
	return nil
}

func show(name string, in, rest figures) {
	fmt.Printf("%-34s %9d %8d %9.2f %9.2f %9.2f   %d replayed, %d leaves\n", name, in.Replayed, in.Skipped,
		percent(in.Status, in.Replayed), percent(in.Match, in.Leaves), percent(in.Exact, in.Replayed), rest.Replayed, rest.Leaves)
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

type player struct{ script, binary, dir string }

// play replays one file against a fresh server whose account has an API version of its own, "" for the newest.
func (p *player) play(recording, version string) (in, rest figures, err error) {
	dir, err := os.MkdirTemp(p.dir, "")
	if err != nil {
		return in, rest, err
	}
	data := filepath.Join(dir, "data")
	server, err := binary.Start(p.binary, data)
	if err != nil {
		return in, rest, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if version != "" {
		if said, err := exec.Command(p.binary, "accounts", "update", "--data", data, "--api-version", version).CombinedOutput(); err != nil {
			return in, rest, fmt.Errorf("%w\n%s", err, said)
		}
	}
	out := filepath.Join(dir, "figures.json")
	said, err := exec.Command("python3", p.script, "--base", server.HTTP, "--key", server.SecretKey, "--json", out, recording).CombinedOutput()
	if err != nil {
		return in, rest, fmt.Errorf("%w\n%s", err, said)
	}
	written, err := os.ReadFile(out)
	if err != nil {
		return in, rest, err
	}
	var result struct {
		Operations map[string]figures `json:"operations"`
	}
	if err := json.Unmarshal(written, &result); err != nil {
		return in, rest, err
	}
	for operation, f := range result.Operations {
		if isPayments(operation) {
			in.add(f)
		} else {
			rest.add(f)
		}
	}
	return in, rest, nil
}

// isPayments says whether an operation such as "POST /v1/refunds/{id}" is one of payments.
func isPayments(operation string) bool {
	_, path, _ := strings.Cut(operation, " ")
	family, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	return slices.Contains(payments, family)
}

// playable replays what of a recording can be answered as it was.
func (p *player) playable(recording string) (in, rest figures, err error) {
	conversations, err := read(recording)
	if err != nil {
		return in, rest, err
	}
	byVersion := map[string][]conversation{}
	dropped := 0
	for _, conv := range conversations {
		before := len(conv.Turns)
		conv.follow()
		dropped += before - len(conv.Turns)
		byVersion[conv.own()] = append(byVersion[conv.own()], conv)
	}
	versions := []string{}
	for v := range byVersion {
		versions = append(versions, v)
	}
	slices.Sort(versions)
	for n, v := range versions {
		file := filepath.Join(p.dir, fmt.Sprintf("part-%d.jsonl", n))
		var lines bytes.Buffer
		for _, conv := range byVersion[v] {
			line, err := json.Marshal(conv)
			if err != nil {
				return in, rest, err
			}
			lines.Write(append(line, '\n'))
		}
		if err := os.WriteFile(file, lines.Bytes(), 0o600); err != nil {
			return in, rest, err
		}
		i, r, err := p.play(file, v)
		if err != nil {
			return in, rest, err
		}
		in.add(i)
		rest.add(r)
	}
	in.Skipped += dropped
	return in, rest, nil
}

func read(recording string) (out []conversation, err error) {
	f, err := os.Open(recording)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(recording, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	text = letters.ReplaceAll(text, []byte("${1}0${2}"))
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var conv conversation
		if err := d.Decode(&conv); err != nil {
			return nil, err
		}
		out = append(out, conv)
	}
	return out, nil
}

// letters are ids of letters alone.
var letters = regexp.MustCompile(`\b((?:cus|prod|sub|price|plan|in)_)[A-Za-z]([A-Za-z]{13})\b`)

// own is the version that the conversation's account had: "" where every request names one.
func (conv *conversation) own() string {
	for _, t := range conv.Turns {
		named := false
		for h := range t.Headers {
			named = named || strings.EqualFold(h, "Stripe-Version")
		}
		if !named {
			return max(conv.Version, oldest)
		}
	}
	return ""
}

// token is the id of a token or source that is no test value.
var token = regexp.MustCompile(`\b(?:b?tok|src)_[0-9][A-Za-z0-9]{20,}\b`)

// ids are what an answer names.
var ids = regexp.MustCompile(`"id":\s*"([^"]+)"`)

// follow leaves out the requests that name a token or source, and the lists that show what no answer before them has shown.
func (conv *conversation) follow() {
	seen := map[string]bool{}
	conv.Turns = slices.DeleteFunc(conv.Turns, func(t exchange) bool {
		shown := ids.FindAllSubmatch(t.Answer, -1)
		isNew := func(id [][]byte) bool { return !seen[string(id[1])] }
		if token.MatchString(t.URL) || t.Body != nil && token.MatchString(*t.Body) || t.Method == "GET" && isList(t.Answer) && slices.ContainsFunc(shown, isNew) {
			return true
		}
		for _, id := range shown {
			seen[string(id[1])] = true
		}
		return false
	})
}

func isList(answer []byte) bool {
	var l struct {
		Object string `json:"object"`
	}
	return json.Unmarshal(answer, &l) == nil && l.Object == "list"
}
