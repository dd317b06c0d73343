// Package keep takes the real binary through a story of payments, backups, a rotation of the master key and exports, and then restores what it has
// backed up, and looks into every file that the story has left for what must never stand in one.
//
//	go test ./test/keep -v
package keep

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/backup"
	"florin/internal/export"
	"florin/test/sdk/binary"
)

// The cards of the story: some that are known test cards by name, some only by number, one that is none.
var cards = []struct{ number, cvc string }{
	{"4242424242424242", "8351"}, {"378282246310005", "9274"}, {"6011981111111113", "7183"}, {"3530111333300000", "6192"}, {"5425233430109903", "5938"},
}

const iban, ssn = "DE89370400440532013000", "987654321"

// A story is a server, and what was said to it.
type story struct {
	t      *testing.T
	path   string // of the binary
	dir    string
	data   string
	server *binary.Server
	client *http.Client

	mu   sync.Mutex
	paid []string // ids of payments that were acknowledged
}

func (s *story) florin(args ...string) string {
	s.t.Helper()
	out, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("florin %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (s *story) try(args ...string) (string, error) {
	out, err := exec.Command(s.path, args...).CombinedOutput()
	return string(out), err
}

// send sends a form, and returns the answer.
func (s *story) send(key, method, path string, form url.Values, headers ...string) (int, []byte, error) {
	req, err := http.NewRequest(method, s.server.HTTP+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// post sends pairs, and wants one of the statuses.
func (s *story) post(path string, want []int, pairs ...string) map[string]any {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	code, body, err := s.send(s.server.SecretKey, "POST", path, form)
	if err != nil || !slices.Contains(want, code) {
		s.t.Fatalf("POST %s: %d, %v\n%s", path, code, err, body)
	}
	var out map[string]any
	json.Unmarshal(body, &out)
	return out
}

// load pays until it is stopped. A payment counts when it was answered.
func (s *story) load() (stop func()) {
	var wait sync.WaitGroup
	var over atomic.Bool
	for worker := range 3 {
		wait.Go(func() {
			for n := 0; !over.Load(); n++ {
				form := url.Values{"amount": {"2000"}, "currency": {"usd"}, "confirm": {"true"}, "payment_method": {"pm_card_visa"}, "payment_method_types[]": {"card"}}
				code, body, err := s.send(s.server.SecretKey, "POST", "/v1/payment_intents", form, "Idempotency-Key", fmt.Sprintf("load-%d-%d-%d", worker, n, time.Now().UnixNano()))
				var pi struct{ ID, Status string }
				if err != nil || code != 200 || json.Unmarshal(body, &pi) != nil || pi.Status != "succeeded" {
					s.t.Errorf("a payment under load: %d, %v\n%s", code, err, body)
					return
				}
				s.mu.Lock()
				s.paid = append(s.paid, pi.ID)
				s.mu.Unlock()
			}
		})
	}
	return func() { over.Store(true); wait.Wait() }
}

// acknowledged are the payments that were answered until now.
func (s *story) acknowledged() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.paid)
}

// more waits until so many more payments were acknowledged.
func (s *story) more(n int) {
	s.t.Helper()
	until, deadline := len(s.acknowledged())+n, time.Now().Add(2*time.Minute)
	for len(s.acknowledged()) < until {
		if time.Now().After(deadline) || s.t.Failed() {
			s.t.Fatal("the load does not get on")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestKeep(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts real processes")
	}
	path, dir := built, t.TempDir()
	var err error
	s := &story{t: t, path: path, dir: dir, data: filepath.Join(dir, "data"), client: &http.Client{Timeout: time.Minute}}
	if s.server, err = binary.Start(path, s.data); err != nil {
		t.Fatal(err)
	}
	running := true
	defer func() {
		if running {
			_ = s.server.Kill() // the test has failed
		}
	}()
	var outputs bytes.Buffer
	secrets := s.seal()

	// Backups, a rotation and exports, while payments go on.
	dest, exports := filepath.Join(dir, "backups"), filepath.Join(dir, "exports")
	if err := os.MkdirAll(exports, 0o700); err != nil {
		t.Fatal(err)
	}
	stop := s.load()
	s.more(50)
	fmt.Fprint(&outputs, s.florin("backup", dest, "--data", s.data))
	s.more(50)
	early := s.acknowledged()
	fmt.Fprint(&outputs, s.florin("backup", dest, "--data", s.data))
	s.more(20)
	fmt.Fprint(&outputs, s.florin("vault", "rotate", "--data", s.data))
	s.more(20)
	rotated := s.acknowledged()
	fmt.Fprint(&outputs, s.florin("backup", dest, "--data", s.data, "--records"))
	for _, typ := range export.Types {
		for _, format := range []string{"csv", "jsonl"} {
			fmt.Fprint(&outputs, s.florin("export", typ.Name, "--format", format, "--data", s.data, "--out", filepath.Join(exports, typ.Name+"."+format)))
		}
	}
	s.more(20)
	stop()
	if t.Failed() {
		t.FailNow()
	}
	late := s.acknowledged()
	fmt.Fprint(&outputs, s.florin("vault", "status", "--data", s.data), s.server.Output())
	running = false
	if err := s.server.Stop(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(&outputs, s.florin("audit", "--data", s.data))
	t.Logf("%d payments before the second backup, %d before the third, %d in all\n%s", len(early), len(rotated), len(late), outputs.String()[:200])

	all, err := backup.List(dest)
	if err != nil || len(all) != 3 {
		t.Fatalf("%d backups, %v", len(all), err)
	}
	ring, err := os.ReadFile(filepath.Join(s.data, "vault.key"))
	if err != nil || bytes.Count(ring, []byte("\n")) != 2 {
		t.Fatalf("the ring has not two keys: %v", err)
	}
	first, _, _ := bytes.Cut(ring, []byte("\n"))

	t.Run("Restore", func(t *testing.T) {
		s.drill(t, all[1].Name, first, early)  // with the key of its time
		s.drill(t, all[2].Name, ring, rotated) // from records
	})
	t.Run("Refusals", func(t *testing.T) { s.refusals(t, dest, all[0].Name) })
	t.Run("Nowhere", func(t *testing.T) {
		files := 0
		look := func(where string, content []byte, but ...string) {
			files++
			wanted := slices.DeleteFunc(slices.Clone(secrets), func(n needle) bool {
				return slices.ContainsFunc(but, func(b string) bool { return strings.HasPrefix(n.name, b) })
			})
			if found := find(content, wanted); found != nil {
				t.Errorf("%s has %q", where, found)
			}
		}
		for _, root := range []string{s.data, exports, filepath.Join(dest, "backups")} {
			err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				if err != nil || !d.Type().IsRegular() {
					return err
				}
				content, err := os.ReadFile(path)
				look(path, content)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, b := range all {
			for i := range b.Files {
				var content bytes.Buffer
				if err := b.Extract(&b.Files[i], &content); err != nil {
					t.Fatal(err)
				}
				look(b.Name+" "+b.Files[i].Name, content.Bytes())
				if bytes.Contains(content.Bytes(), first) {
					t.Errorf("%s of %s has a master key", b.Files[i].Name, b.Name)
				}
			}
		}
		look("what was printed", outputs.Bytes(), "the secret test key") // which a new server prints, for its user to try
		t.Logf("%d needles in %d files", len(secrets), files)
	})
}

// seal tells the server everything that it must not keep in clear, and returns that.
func (s *story) seal() (secrets []needle) {
	cus := s.post("/v1/customers", []int{200}, "email", "a@b.test")["id"].(string)
	for i, c := range cards {
		card := []string{"card[number]", c.number, "card[exp_month]", "12", "card[exp_year]", "2034", "card[cvc]", c.cvc}
		// As payment methods, in payments, as tokens, and where they do not belong; answered well or not.
		any := []int{200, 400, 402, 404}
		pm := s.post("/v1/payment_methods", any, append([]string{"type", "card"}, card...)...)
		if id, ok := pm["id"].(string); ok {
			s.post("/v1/payment_methods/"+id+"/attach", any, "customer", cus)
			s.post("/v1/payment_intents", any, "amount", "900", "currency", "usd", "confirm", "true", "customer", cus, "payment_method", id, "payment_method_types[]", "card")
		}
		s.post("/v1/payment_intents", any, "amount", "900", "currency", "usd", "confirm", "true", "payment_method_types[]", "card", "payment_method_data[type]", "card",
			"payment_method_data[card][number]", c.number, "payment_method_data[card][exp_month]", "12", "payment_method_data[card][exp_year]", "2034",
			"payment_method_data[card][cvc]", c.cvc)
		if tok, ok := s.post("/v1/tokens", any, card...)["id"].(string); ok {
			s.post("/v1/charges", any, "amount", "700", "currency", "usd", "source", tok)
		}
		s.post("/v1/setup_intents", any, append([]string{"confirm", "true", "payment_method_types[]", "card", "payment_method_data[type]", "card"},
			"payment_method_data[card][number]", c.number, "payment_method_data[card][exp_month]", "12", "payment_method_data[card][exp_year]", "2034")...)
		s.post("/v1/payment_methods", any, "type", "card", "card[number]", group(c.number, " "), "card[exp_month]", "12", "card[exp_year]", "2034", "card[cvc]", c.cvc)
		s.post("/v1/customers", any, "card[number]", c.number, "card[cvc]", c.cvc) // an unknown parameter
		s.post("/v1/payment_methods", any, "type", "card", "card[number]", c.number, "card[exp_month]", "13", "card[exp_year]", "2034", "card[cvc]", c.cvc)
		s.send(s.server.SecretKey, "GET", "/v1/customers?card[number]="+c.number, nil)
		name := fmt.Sprintf("card %d", i+1)
		secrets = append(secrets, needles(name, c.number)...)
		secrets = append(secrets, cvcs("the security code of "+name, c.cvc)...)
	}
	s.post("/v1/payment_methods", []int{200}, "type", "sepa_debit", "sepa_debit[iban]", iban, "billing_details[name]", "J", "billing_details[email]", "j@b.test")
	s.post("/v1/tokens", []int{200}, "pii[id_number]", ssn)
	s.post("/v1/apps/secrets", []int{200}, "name", "n", "payload", "the payload of a secret", "scope[type]", "account")
	hook := s.post("/v1/webhook_endpoints", []int{200}, "url", "http://127.0.0.1:9/", "enabled_events[]", "customer.created")
	s.post("/v1/customers", []int{200}, "name", "somebody is told of")
	secrets = append(secrets, needles("an IBAN", iban)...)
	secrets = append(secrets, needles("a personal number", ssn)...)
	secrets = append(secrets, needles("the payload of a secret", "the payload of a secret")...)
	secrets = append(secrets, needles("the secret of a webhook endpoint", hook["secret"].(string))...)
	secrets = append(secrets, needles("the secret test key", s.server.SecretKey)...)
	for _, args := range [][]string{{"--type", "secret", "--live"}, {"--type", "secret"}, {"--type", "restricted", "--permission", "charge=read"}} {
		var key struct{ Secret string }
		if err := json.Unmarshal([]byte(s.florin(append([]string{"keys", "create", "--json", "--data", s.data}, args...)...)), &key); err != nil || key.Secret == "" {
			s.t.Fatal(err)
		}
		s.send(key.Secret, "GET", "/v1/charges", nil)
		s.send(key.Secret, "GET", "/v1/customers?key="+key.Secret, nil)
		secrets = append(secrets, needles("a key made with "+strings.Join(args, " "), key.Secret)...)
	}
	return secrets
}

// drill restores a backup into a folder of its own, audits it, serves it, and looks for what was acknowledged before it was taken.
func (s *story) drill(t *testing.T, name string, ring []byte, acknowledged []string) {
	t.Helper()
	data := filepath.Join(s.dir, "restored-"+name)
	out := s.florin("restore", filepath.Join(s.dir, "backups"), "--backup", name, "--data", data)
	if _, err := binary.Audit(s.path, data); err == nil {
		t.Error("a restored folder opens without the master key")
	}
	if err := os.WriteFile(filepath.Join(data, "vault.key"), append(ring, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := binary.Audit(s.path, data); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server, err := binary.Start(s.path, data)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	again := &story{t: t, server: server, client: s.client}
	server.SecretKey = s.server.SecretKey // the key of before
	lost := 0
	for _, id := range acknowledged {
		code, body, err := again.send(server.SecretKey, "GET", "/v1/payment_intents/"+id, nil)
		if err != nil || code != 200 || !bytes.Contains(body, []byte(`"status": "succeeded"`)) {
			lost++
			t.Errorf("%s, acknowledged before the backup %s began: %d, %v", id, name, code, err)
		}
		if lost > 5 {
			break
		}
	}
	if len(acknowledged) < 100 {
		t.Errorf("only %d payments were acknowledged", len(acknowledged))
	}
	again.post("/v1/payment_intents", []int{200}, "amount", "100", "currency", "usd", "confirm", "true", "payment_method", "pm_card_visa", "payment_method_types[]", "card")
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if out, err := binary.Audit(s.path, data); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// refusals are what a restore must not do.
func (s *story) refusals(t *testing.T, dest, name string) {
	if out, err := s.try("restore", dest, "--data", s.data); err == nil || !strings.Contains(out, "not empty") {
		t.Errorf("restored over a data folder: %v, %s", err, out)
	}
	if out, err := s.try("restore", s.dir, "--data", filepath.Join(s.dir, "none")); err == nil {
		t.Errorf("restored from nothing: %s", out)
	}
	pack := filepath.Join(dest, "packs", name)
	whole, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(whole)
	bad[len(bad)/2] ^= 1
	if err := os.WriteFile(pack, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	into := filepath.Join(s.dir, "damaged")
	if out, err := s.try("restore", dest, "--backup", name, "--data", into); err == nil || !strings.Contains(out, "damaged") {
		t.Errorf("a damaged backup is restored: %s", out)
	}
	if out, err := s.try("backup", "verify", dest, "--backup", name); err == nil || !strings.Contains(out, "damaged") {
		t.Errorf("a damaged backup is verified: %s", out)
	}
	if _, err := os.Stat(filepath.Join(into, "florin.db")); err == nil {
		t.Error("a restore that failed leaves a data folder")
	}
	if err := os.WriteFile(pack, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := s.try("backup", "verify", dest); err != nil {
		t.Error(out)
	}
}
