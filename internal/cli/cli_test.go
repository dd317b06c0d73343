package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"florin/internal/domain/account"
	"florin/internal/server"
	"florin/internal/store"
)

// florin runs a command on a data folder, as main does.
func florin(t *testing.T, data string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	p := Program{Out: &o, Err: &e, Env: environment(map[string]string{"FLORIN_DATA": data}), Audit: audit}
	code = p.Run(t.Context(), args)
	return code, o.String(), e.String()
}

func environment(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

// audit stands for the real one: it counts documents, and fails when there is no account.
func audit(ctx context.Context, db *store.DB, out io.Writer) error {
	snap, err := db.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	kinds := map[string]int{}
	if err := snap.Walk(func(d *store.Doc) bool { kinds[d.Kind]++; return true }); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d accounts, %d keys\n", kinds["account"], kinds["_key"])
	if kinds["account"] > 2 {
		return errors.New("too many accounts")
	}
	return nil
}

// ok runs a command that must succeed and reads its JSON.
func ok(t *testing.T, data string, into any, args ...string) string {
	t.Helper()
	code, out, errs := florin(t, data, args...)
	if code != 0 {
		t.Fatalf("florin %s: exit %d: %s", strings.Join(args, " "), code, errs)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(out), into); err != nil {
			t.Fatalf("florin %s: %v in %s", strings.Join(args, " "), err, out)
		}
	}
	return out
}

// refused runs a command that must fail with one line.
func refused(t *testing.T, data string, want int, part string, args ...string) {
	t.Helper()
	code, out, errs := florin(t, data, args...)
	if code != want || !strings.Contains(errs, part) || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "florin: ") || out != "" {
		t.Errorf("florin %s: exit %d, want %d with %q:\n%s%s", strings.Join(args, " "), code, want, part, errs, out)
	}
}

// A watch tells when some words have been written.
type watch struct {
	words string
	seen  chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
}

func (s *watch) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := strings.Contains(s.text.String(), s.words)
	s.text.Write(p)
	if !was && strings.Contains(s.text.String(), s.words) {
		close(s.seen)
	}
	return len(p), nil
}

// serve runs `florin serve` on a data folder, and returns what it printed, its ready file, and what ends it.
func serve(t *testing.T, data string, more ...string) (text string, ready server.Ready, stop func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ready.json")
	ctx, cancel := context.WithCancel(t.Context())
	out, errs := &watch{words: "allow_redirects", seen: make(chan struct{})}, &bytes.Buffer{}
	p := Program{Out: out, Err: errs, Audit: audit, Env: environment(map[string]string{
		"FLORIN_DATA": data, "FLORIN_HTTP": "localhost:0", "FLORIN_HTTPS": "127.0.0.1:0", "FLORIN_READY_FILE": file,
	})}
	done := make(chan int, 1)
	go func() { done <- p.Run(ctx, append([]string{"serve"}, more...)) }()
	select {
	case <-out.seen:
	case code := <-done:
		cancel()
		t.Fatalf("serve: exit %d: %s", code, errs)
	}
	written, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(written, &ready)
	}
	if err != nil {
		t.Errorf("ready file: %v", err)
	}
	stop = sync.OnceFunc(func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("serve ended with %d: %s", code, errs)
		}
	})
	t.Cleanup(stop)
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.text.String(), ready, stop
}

func status(t *testing.T, base, key string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", base+"/v1/account", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(key, "")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestFirstServe(t *testing.T) {
	data := filepath.Join(t.TempDir(), "new")
	text, ready, stop := serve(t, data)
	for _, part := range []string{ready.HTTP, ready.HTTPS, ready.CA, ready.Account, ready.PublishableKey, data, "curl " + ready.HTTP + "/v1/payment_intents -u " + ready.SecretKey + ": "} {
		if part == "" || !strings.Contains(text, part) {
			t.Errorf("serve does not print %q:\n%s", part, text)
		}
	}
	if status(t, ready.HTTP, ready.SecretKey) != 200 {
		t.Error("the printed key does not work")
	}
	if got := strings.TrimSpace(ok(t, data, nil, "cert")); got != ready.CA {
		t.Errorf("cert prints %q, not %q", got, ready.CA)
	}
	refused(t, data, 1, "another Florin", "serve", "--http", "localhost:0", "--https", "none")
	stop()
	_, again, _ := serve(t, data, "--https", "none")
	if again.Account != ready.Account || again.SecretKey != ready.SecretKey || again.HTTPS != "" || again.CA != "" {
		t.Errorf("the second start: %+v", again)
	}
}

// The same commands on a stopped server and on a running one.
func TestCommands(t *testing.T) {
	for _, running := range []bool{false, true} {
		t.Run(fmt.Sprintf("running %v", running), func(t *testing.T) {
			data := filepath.Join(t.TempDir(), strings.Repeat("a-long-name-", 8)) // a socket's path may not be so long
			var base string
			if running {
				_, ready, _ := serve(t, data)
				base = ready.HTTP
			} else {
				ok(t, data, nil, "accounts", "create", "--name", "First")
			}
			works := func(key string) bool {
				if running {
					return status(t, base, key) == 200
				}
				s, err := server.New(server.Config{Data: data})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				_, err = s.Accounts.Authenticate(t.Context(), key, "")
				return err == nil
			}

			var accounts []account.Summary
			ok(t, data, &accounts, "accounts", "list", "--json")
			if len(accounts) != 1 {
				t.Fatalf("accounts are %v", accounts)
			}
			own := accounts[0].Account

			var changed account.Summary
			ok(t, data, &changed, "accounts", "update", "--api-version", "2023-10-16", "--json")
			if changed.Account != own || changed.Version != "2023-10-16" || changed.Created != accounts[0].Created {
				t.Errorf("another API version: %+v", changed)
			}
			refused(t, data, 1, `there is no API version "2023-10-17"`, "accounts", "update", "--account", own, "--api-version", "2023-10-17")
			refused(t, data, 1, `there is no account "acct_1"`, "accounts", "update", "--account", "acct_1", "--api-version", "2023-10-16")
			refused(t, data, 2, "api-version", "accounts", "update")

			var made account.View
			ok(t, data, &made, "keys", "create", "--type", "restricted", "--permission", "accounts_kyc_basic=read", "--name", "reader", "--json")
			if made.Account != own || !strings.HasPrefix(made.Secret, "rk_test_51") || !works(made.Secret) {
				t.Errorf("a restricted key: %+v", made)
			}
			if got := strings.TrimSpace(ok(t, data, nil, "keys", "reveal", made.Key)); got != made.Secret {
				t.Errorf("reveal prints %q", got)
			}

			var rolled server.Rolled
			ok(t, data, &rolled, "keys", "roll", made.Key, "--expire-in", "24h", "--json")
			if !works(made.Secret) || !works(rolled.Made.Secret) || rolled.Made.Permissions["accounts_kyc_basic"] != "read" || rolled.Made.Name != "reader" {
				t.Errorf("a roll with overlap: %+v", rolled)
			}
			ok(t, data, nil, "keys", "expire", made.Secret)
			if works(made.Secret) || !works(rolled.Made.Secret) {
				t.Error("expire did not end that key alone")
			}

			var live account.View
			ok(t, data, &live, "keys", "create", "--live", "--json")
			refused(t, data, 1, "shown once", "keys", "reveal", live.Key)
			list := ok(t, data, nil, "keys", "list")
			for _, secret := range []string{made.Secret, rolled.Made.Secret, live.Secret} {
				if strings.Contains(list, secret) {
					t.Error("the list shows a key")
				}
			}
			if !strings.Contains(list, made.Key) || !strings.Contains(list, "ended ") {
				t.Errorf("keys list:\n%s", list)
			}

			var second account.Made
			ok(t, data, &second, "accounts", "create", "--country", "DE", "--json")
			if len(second.Keys) != 4 || !works(second.Keys[1].Secret) {
				t.Errorf("a second account: %+v", second)
			}
			refused(t, data, 2, "--account", "keys", "create")
			var of []account.View
			ok(t, data, &of, "keys", "list", "--account", second.Account, "--json")
			if len(of) != 4 {
				t.Errorf("keys of the second account: %+v", of)
			}
			refused(t, data, 1, "no account", "keys", "list", "--account", "acct_nobody")
			refused(t, data, 1, "no key", "keys", "expire", "mk_nobody")
			refused(t, data, 1, "7 days", "keys", "roll", rolled.Made.Key, "--expire-in", "200h")
			refused(t, data, 1, "no country", "accounts", "create", "--country", "XX")
			refused(t, data, 1, "no permission", "keys", "create", "--account", own, "--type", "restricted", "--permission", "all=write")

			if got := ok(t, data, nil, "audit"); !strings.HasPrefix(got, "2 accounts, ") {
				t.Errorf("audit prints %q", got)
			}
			ok(t, data, nil, "accounts", "create")
			if code, out, errs := florin(t, data, "audit"); code != 1 || !strings.HasPrefix(out, "3 accounts") || errs != "florin: audit: too many accounts\n" {
				t.Errorf("an audit that fails: exit %d\n%s%s", code, out, errs)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	data := filepath.Join(t.TempDir(), "none")
	for _, tc := range []struct {
		part string
		args string
	}{
		{"unknown flag: --frobnicate", "serve --frobnicate"},
		{`no command "frob"`, "frob"},
		{`no command "frob"`, "keys frob"},
		{"takes one argument", "keys roll"},
		{"takes no arguments", "version x"},
		{"no store", "serve --store postgres"},
		{"--log-level", "serve --log-level loud"},
		{"go together", "serve --tls-cert x"},
		{"--domain", "serve --acme"},
		{"nothing to serve", "serve --http none --https none"},
		{"RESOURCE=read", "keys create --permission charge"},
		{"invalid argument", "keys roll x --expire-in soon"},
	} {
		refused(t, data, 2, tc.part, strings.Fields(tc.args)...)
	}
	refused(t, data, 1, "no data in", "keys", "list")
	refused(t, data, 1, "no authority", "cert")
	refused(t, data, 1, "--allow-insecure-http", "serve", "--http", "0.0.0.0:0", "--https", "none")

	var errs bytes.Buffer
	p := Program{Out: io.Discard, Err: &errs, Env: environment(map[string]string{"FLORIN_ALLOW_INSECURE_HTTP": "perhaps"})}
	if code := p.Run(t.Context(), []string{"serve"}); code != 2 || !strings.Contains(errs.String(), `FLORIN_ALLOW_INSECURE_HTTP="perhaps"`) {
		t.Errorf("a bad variable: exit %d, %s", code, &errs)
	}
}

func TestDefaultFolder(t *testing.T) {
	if got := defaultData(environment(map[string]string{"XDG_DATA_HOME": "/x"})); got != filepath.Join("/x", "florin") {
		t.Errorf("with XDG_DATA_HOME: %s", got)
	}
	if got := defaultData(environment(nil)); !strings.HasSuffix(got, "florin") {
		t.Errorf("without: %s", got)
	}
}

// The limits of each mode are said by flags; a request too many is refused.
func TestServeLimits(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	refused(t, data, 2, "--limits-live: \"request\" is no limit", "serve", "--limits-live", "request=1")
	refused(t, data, 2, "--limits-test: requests=0", "serve", "--limits-test", "requests=0")
	refused(t, data, 2, "--otlp", "serve", "--otlp", "localhost:4318")
	refused(t, data, 2, "--log-format", "serve", "--log-format", "xml")
	_, ready, _ := serve(t, data, "--limits-test", "endpoint=1")
	code := 0
	for tries := 0; tries < 1000 && code != 429; tries++ { // two within a second
		code = status(t, ready.HTTP, ready.SecretKey)
	}
	if code != 429 {
		t.Errorf("a request too many: %d", code)
	}
}
