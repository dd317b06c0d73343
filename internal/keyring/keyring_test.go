package keyring_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"florin/internal/keyring"
	"florin/internal/server/servertest"
	"florin/internal/store"
	"florin/internal/store/storetest"
	"florin/internal/vault"
)

// A world is a server on a folder, and what was sealed in it.
type world struct {
	*servertest.Server
	t            *testing.T
	customer, pm string
	file, hook   string
}

const number = "6011111111111117" // a test card without a name, so it is sealed

func (w *world) ok(r *servertest.Reply) *servertest.Reply {
	w.t.Helper()
	if r.Status != 200 {
		w.t.Fatalf("%d: %s", r.Status, r.Body)
	}
	return r
}

// newWorld seals something of every sort.
func newWorld(t *testing.T, data string) *world {
	w := &world{Server: servertest.New(t, servertest.In(data)), t: t}
	w.hook = w.ok(w.Post("/v1/webhook_endpoints", "url", "http://127.0.0.1:1/", "enabled_events[]", "*")).Text("id")
	w.customer = w.ok(w.Post("/v1/customers", "email", "a@b.test")).Text("id")
	w.pm = w.ok(w.Post("/v1/payment_methods", "type", "card", "card[number]", number, "card[exp_month]", "12", "card[exp_year]", "2034", "card[cvc]", "123")).Text("id")
	w.ok(w.Post("/v1/payment_methods/"+w.pm+"/attach", "customer", w.customer))
	w.ok(w.Post("/v1/payment_methods/"+w.pm, "metadata[a]", "b")) // its first version stays, and is sealed
	w.ok(w.Post("/v1/payment_methods", "type", "sepa_debit", "sepa_debit[iban]", "DE89370400440532013000", "billing_details[name]", "J", "billing_details[email]", "j@b.test"))
	w.ok(w.Post("/v1/tokens", "pii[id_number]", "000000000"))
	w.ok(w.Post("/v1/apps/secrets", "name", "s", "payload", "very secret", "scope[type]", "account"))
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	m.WriteField("purpose", "dispute_evidence")
	part, _ := m.CreateFormFile("file", "a.png")
	part.Write(append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), bytes.Repeat([]byte("pixels"), 100)...))
	m.Close()
	r := httptest.NewRequest("POST", "/v1/files", &form)
	r.Header.Set("Authorization", "Bearer "+w.Secret)
	r.Header.Set("Content-Type", m.FormDataContentType())
	w.file = w.ok(w.Do(r)).Text("id")
	return w
}

// holds sees that all of it opens.
func (w *world) holds() {
	w.t.Helper()
	r := w.Request("GET", "/v1/files/"+w.file+"/contents")
	if got := w.Do(r); got.Status != 200 || !bytes.Contains(got.Body, []byte("pixelspixels")) {
		w.t.Errorf("the file: %d %.100q", got.Status, got.Body)
	}
	found := w.ok(w.Get("/v1/apps/secrets/find", "name", "s", "scope[type]", "account", "expand[]", "payload"))
	if found.Text("payload") != "very secret" {
		w.t.Errorf("the secret: %s", found.Body)
	}
	paid := w.ok(w.Post("/v1/payment_intents", "amount", "500", "currency", "usd", "confirm", "true", "customer", w.customer, "payment_method", w.pm,
		"payment_method_types[]", "card"))
	if paid.Text("status") != "succeeded" {
		w.t.Errorf("the card: %s", paid.Body)
	}
	if w.Secret == "" || w.ok(w.Get("/v1/account")).Text("id") != w.Account {
		w.t.Error("the keys do not open")
	}
}

// admin carries out a command.
func (w *world) admin(method, path string, into any) (status int) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.Admin().ServeHTTP(rec, httptest.NewRequestWithContext(w.t.Context(), method, path, nil))
	if into != nil {
		if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
			w.t.Fatalf("%s: %v in %s", path, err, rec.Body)
		}
	}
	return rec.Code
}

func (w *world) status() (st keyring.Status) {
	w.t.Helper()
	if code := w.admin("GET", "/vault", &st); code != http.StatusOK || st.Foreign != 0 {
		w.t.Fatalf("status %d: %+v", code, st)
	}
	return st
}

// TestRotate turns the master key twice while requests go on, takes the old ones away, and opens the folder again: everything still opens.
func TestRotate(t *testing.T) {
	data := t.TempDir()
	w := newWorld(t, data)
	w.holds()
	first := w.status()
	if len(first.Keys) != 1 || first.Records[first.Keys[0]] < 10 {
		t.Fatalf("%+v", first)
	}
	if code := w.admin("POST", "/vault/retire", nil); code != http.StatusOK { // nothing to do
		t.Errorf("retire before: %d", code)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for range 3 {
		load.Go(func() {
			for ctx.Err() == nil {
				w.Post("/v1/tokens", "pii[id_number]", "000000000")
				w.Post("/v1/payment_methods/"+w.pm, "metadata[n]", "x")
			}
		})
	}
	for range 2 {
		var done struct{ Rewrapped int64 }
		if code := w.admin("POST", "/vault/rotate", &done); code != http.StatusOK || done.Rewrapped < 10 {
			t.Errorf("rotate: %d, %+v", code, done)
		}
	}
	cancel()
	load.Wait()
	w.holds()
	st := w.status()
	newest := st.Keys[2]
	if st.Current != newest || len(st.Records) != 1 || st.Records[newest] < first.Records[first.Keys[0]] {
		t.Errorf("%+v, want all under %s", st, newest)
	}
	if code := w.admin("POST", "/vault/retire", nil); code != http.StatusOK {
		t.Errorf("retire: %d", code)
	}
	w.holds()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	again := &world{Server: servertest.New(t, servertest.In(data)), t: t, customer: w.customer, pm: w.pm, file: w.file}
	again.holds()
	if st := again.status(); len(st.Keys) != 1 || st.Keys[0] != newest {
		t.Errorf("%+v", st)
	}
	if again.ok(again.Post("/v1/payment_methods", "type", "card", "card[number]", number, "card[exp_month]", "12", "card[exp_year]", "2034")).At("card").(map[string]any)["fingerprint"] !=
		again.ok(again.Get("/v1/payment_methods/" + w.pm)).At("card").(map[string]any)["fingerprint"] {
		t.Error("fingerprints changed with the master key")
	}
}

// stopping are blobs that cannot be read: the process ends there.
type stopping struct{ stop bool }

func (b *stopping) Each(func(string) error) error {
	if b.stop {
		return errors.New("the process dies")
	}
	return nil
}
func (*stopping) Get(string) ([]byte, error) { return nil, nil }
func (*stopping) Put(string, []byte) error   { return nil }

// TestInterrupted ends a rotation in its middle, again and again: it is gone on with under the same key, and ends.
func TestInterrupted(t *testing.T) {
	db := storetest.Memory(t)
	file := filepath.Join(t.TempDir(), "vault.key")
	v, err := vault.Open("", file)
	if err != nil {
		t.Fatal(err)
	}
	if err := keyring.Open(t.Context(), db, v); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		id := "pm_" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		priv, _ := json.Marshal(map[string]any{"sealed": v.Seal(id, []byte("n")), "other": `a "quoted" \ thing`})
		if err := db.Commit(t.Context(), &store.Unit{Puts: []store.Put{{Doc: store.Doc{
			Scope: 2, ID: id, Ver: 1, Kind: "thing", Seq: db.Seq(), Body: []byte("{}"), Priv: priv}}}}); err != nil {
			t.Fatal(err)
		}
	}
	none := func(*store.Doc) []store.Entry { return nil }
	dying := &stopping{stop: true}
	k := keyring.New(db, v, dying, none)
	for range 3 {
		if _, err := k.Rotate(t.Context()); err == nil {
			t.Fatal("it did not die")
		}
		if v, err = vault.Open("", file); err != nil { // the process starts again
			t.Fatal(err)
		}
		if err := keyring.Open(t.Context(), db, v); err != nil {
			t.Fatal(err)
		}
		k = keyring.New(db, v, dying, none)
		if unfinished, err := k.Unfinished(t.Context()); err != nil || !unfinished || len(v.Keys()) != 2 {
			t.Fatalf("unfinished: %v, %v, with %v", unfinished, err, v.Keys())
		}
		if _, err := k.Retire(t.Context()); err == nil {
			t.Fatal("the old key was taken away before the end")
		}
	}
	dying.stop = false
	if _, err := k.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := k.Resume(t.Context()); n != 0 || err != nil {
		t.Errorf("once more: %d, %v", n, err)
	}
	st, err := k.Status(t.Context())
	if err != nil || len(st.Records) != 1 || st.Records[v.Keys()[1]] != 301 { // and the roots
		t.Errorf("%+v, %v", st, err)
	}
}

// TestForeignRing refuses a ring that the data was not sealed under, in a folder that has the keyring's document and in one of before.
func TestForeignRing(t *testing.T) {
	data := t.TempDir()
	w := newWorld(t, data)
	w.Close()
	t.Setenv("FLORIN_TEST_RING", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	v, err := vault.Open("env:FLORIN_TEST_RING", "")
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.Memory(t)
	right, _ := vault.Open("", filepath.Join(data, "vault.key"))
	priv, _ := json.Marshal(map[string]any{"sealed": right.Seal("a", []byte("n"))})
	if err := db.Commit(t.Context(), &store.Unit{Puts: []store.Put{{Doc: store.Doc{ID: "old", Ver: 1, Kind: "_key", Body: priv}}}}); err != nil {
		t.Fatal(err)
	}
	if err := keyring.Open(t.Context(), db, v); err == nil || !strings.Contains(err.Error(), "master key") {
		t.Errorf("an old store opens with another ring: %v", err)
	}
	if err := keyring.Open(t.Context(), db, right); err != nil {
		t.Error(err)
	}
	if err := keyring.Open(t.Context(), db, v); err == nil || !strings.Contains(err.Error(), "master key") {
		t.Errorf("a store opens with another ring: %v", err)
	}
	if _, err := os.Stat(filepath.Join(data, "vault.key")); err != nil {
		t.Error(err)
	}
}
