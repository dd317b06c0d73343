package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"florin/internal/audit"
	"florin/internal/backup"
	"florin/internal/server"
	"florin/internal/server/servertest"
	"florin/internal/store/postgres/pgtest"
	"florin/internal/vault"
)

// TestEngines takes a folder to PostgreSQL and from there into another folder, by backups of records: the same documents, and nothing for the audit to
// find. The master key is turned on the way.
func TestEngines(t *testing.T) {
	pg := pgtest.Open(t)
	dest, url := t.TempDir(), pg.URL()
	at := func(data, url string) servertest.Option {
		return func(c *server.Config) { c.Data, c.Postgres = data, url }
	}
	first := filepath.Join(t.TempDir(), "first")
	if os.Getenv(pgtest.Env) != "" {
		t.Skip("everything is on PostgreSQL")
	}
	s := servertest.New(t, at(first, ""))
	cus := s.Post("/v1/customers", "name", "one").Text("id")
	s.Post("/v1/customers/"+cus, "name", "two") // its event shows the second version
	paid := s.Post("/v1/payment_intents", "amount", "2000", "currency", "usd", "confirm", "true", "customer", cus, "payment_method", "pm_card_visa", "payment_method_types[]", "card")
	if paid.Status != 200 {
		t.Fatalf("%s", paid.Body)
	}
	s.Post("/v1/webhook_endpoints", "url", "http://127.0.0.1:1/", "enabled_events[]", "*")
	events := string(s.Get("/v1/events", "limit", "100").Body)

	ring, err := os.ReadFile(filepath.Join(first, "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	move := func(data, url string) {
		t.Helper()
		backUp(t, s, dest)
		b, err := backup.Open(dest, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Restore(t.Context(), b, server.Config{Data: data, Postgres: url}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, "vault.key"), ring, 0o600); err != nil {
			t.Fatal(err)
		}
		clk := s.Clock
		s = servertest.New(t, at(data, url), servertest.Clock(clk))
		var out bytes.Buffer
		if n, err := audit.Run(t.Context(), s.DB(), &out); n != 0 || err != nil {
			t.Fatalf("%d, %v\n%s", n, err, &out)
		}
		if got := s.Get("/v1/payment_intents/" + paid.Text("id")); got.Status != 200 || got.Text("status") != "succeeded" {
			t.Errorf("%s", got.Body)
		}
		if got := string(s.Get("/v1/events", "limit", "100").Body); got != events {
			t.Errorf("events are others:\n%s\n%s", events, got)
		}
	}
	second := filepath.Join(t.TempDir(), "second")
	move(second, url)
	rec := httptest.NewRecorder()
	s.Admin().ServeHTTP(rec, httptest.NewRequest("POST", "/vault/rotate", nil))
	if rec.Code != 200 {
		t.Fatalf("rotate: %s", rec.Body)
	}
	if ring, err = os.ReadFile(filepath.Join(second, "vault.key")); err != nil {
		t.Fatal(err)
	}
	move(filepath.Join(t.TempDir(), "third"), "")

	// A database that has something already is left alone.
	b, err := backup.Open(dest, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Restore(t.Context(), b, server.Config{Data: filepath.Join(t.TempDir(), "x"), Postgres: url}); err == nil {
		t.Error("restored over a database")
	}
}

// backUp backs a server up as records.
func backUp(t *testing.T, s *servertest.Server, dest string) {
	t.Helper()
	rec := httptest.NewRecorder()
	s.Admin().ServeHTTP(rec, httptest.NewRequestWithContext(context.Background(), "GET", "/backup?records=1", nil))
	h, next, err := server.ReadArchive(rec.Body, func() error {
		if e := rec.Result().Trailer.Get(server.Outcome); e != "" {
			return errors.New(e)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Write(dest, h, false, next); err != nil {
		t.Fatal(err)
	}
}

// TestRestoreKeys refuses at once what the master keys at hand cannot open, and an archive that was cut.
func TestRestoreKeys(t *testing.T) {
	s, dest := servertest.New(t, servertest.In(t.TempDir())), t.TempDir()
	backUp(t, s, dest)
	b, err := backup.Open(dest, "")
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.key")
	if _, err := vault.Open("", other); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	if _, err := server.Restore(t.Context(), b, server.Config{Data: data, Vault: "file:" + other}); err == nil {
		t.Error("restored what the keys do not open")
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("it has left a folder")
	}
	rec := httptest.NewRecorder()
	s.Admin().ServeHTTP(rec, httptest.NewRequest("GET", "/backup", nil))
	whole := rec.Body.Bytes()
	for _, n := range []int{0, 100, len(whole) / 2, len(whole) - 3000} {
		_, next, err := server.ReadArchive(bytes.NewReader(whole[:n]), func() error { return nil })
		for err == nil {
			var content io.Reader
			if _, content, err = next(); err == nil {
				_, err = io.Copy(io.Discard, content)
			}
		}
		if err == io.EOF {
			t.Errorf("an archive of %d bytes of %d is taken for whole", n, len(whole))
		}
	}
}
