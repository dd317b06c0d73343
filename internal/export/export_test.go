package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"florin/internal/export"
	"florin/internal/server/servertest"
	"florin/internal/store"
)

func TestExport(t *testing.T) {
	s := servertest.New(t)
	test, live, err := s.Accounts.ScopesOf(t.Context(), s.Account)
	if err != nil {
		t.Fatal(err)
	}
	both := []store.Scope{test, live}
	ok := func(r *servertest.Reply) *servertest.Reply {
		t.Helper()
		if r.Status != 200 {
			t.Fatalf("%d: %s", r.Status, r.Body)
		}
		return r
	}
	write := func(o export.Order) string {
		t.Helper()
		var out bytes.Buffer
		if _, err := export.Write(t.Context(), s.App, &o, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for i := range 250 { // more than two pages
		ok(s.Post("/v1/customers", "name", fmt.Sprintf("=SUM(%d)", i), "description", "two\nlines, \"quoted\"", "metadata[n]", fmt.Sprint(i)))
		s.Clock.Advance(time.Second)
	}
	paid := ok(s.Post("/v1/payment_intents", "amount", "2000", "currency", "usd", "confirm", "true", "payment_method", "pm_card_visa", "payment_method_types[]", "card"))
	ok(s.Post("/v1/refunds", "payment_intent", paid.Text("id"), "amount", "500"))
	endpoint := ok(s.Post("/v1/webhook_endpoints", "url", "https://example.com/", "enabled_events[]", "*"))

	// JSON lines are what the API shows, oldest first.
	lines := strings.Split(strings.TrimSpace(write(export.Order{Type: "customers", Scopes: both})), "\n")
	if len(lines) != 250 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines {
		var c struct{ ID, Name string }
		if err := json.Unmarshal([]byte(line), &c); err != nil || c.Name != fmt.Sprintf("=SUM(%d)", i) {
			t.Fatalf("line %d: %+v, %v", i, c, err)
		}
	}
	var shown, wrote any
	json.Unmarshal([]byte(lines[7]), &wrote)
	json.Unmarshal(ok(s.Get("/v1/customers/"+wrote.(map[string]any)["id"].(string))).Body, &shown)
	if fmt.Sprint(shown) != fmt.Sprint(wrote) {
		t.Errorf("%v\nis not what the API shows:\n%v", wrote, shown)
	}

	rows, err := csv.NewReader(strings.NewReader(write(export.Order{Type: "customers", Scopes: both, CSV: true, Columns: strings.Split("name,description,metadata,email", ",")}))).ReadAll()
	if err != nil || len(rows) != 251 || strings.Join(rows[0], ",") != "name,description,metadata,email" {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if want := []string{"'=SUM(3)", "two\nlines, \"quoted\"", `{"n":"3"}`, ""}; fmt.Sprint(rows[4]) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", rows[4], want)
	}
	start := servertest.Start.Unix()
	if got := strings.Count(write(export.Order{Type: "customers", Scopes: both, From: start + 10, Till: start + 20}), "\n"); got != 10 {
		t.Errorf("%d customers in ten seconds", got)
	}
	if got := write(export.Order{Type: "customers", Scopes: []store.Scope{live}}); got != "" {
		t.Errorf("live mode: %s", got)
	}

	secret := paid.Text("client_secret")
	for _, typ := range export.Types {
		for _, asCSV := range []bool{false, true} {
			got := write(export.Order{Type: typ.Name, Scopes: both, CSV: asCSV})
			if secret == "" || strings.Contains(got, secret) || strings.Contains(got, endpoint.Text("secret")) || strings.Contains(got, "client_secret") {
				t.Errorf("%s has a secret", typ.Name)
			}
			if asCSV {
				if rows, err := csv.NewReader(strings.NewReader(got)).ReadAll(); err != nil || len(rows) == 0 {
					t.Errorf("%s: %v", typ.Name, err)
				}
			}
		}
	}
	for typ, want := range map[string]int{"payment_intents": 1, "charges": 1, "refunds": 1, "balance_transactions": 2, "disputes": 0, "payouts": 0, "moves": 3, "payment_methods": 1} {
		if got := strings.Count(write(export.Order{Type: typ, Scopes: both}), "\n"); got != want {
			t.Errorf("%d %s, want %d", got, typ, want)
		}
	}
	if got := write(export.Order{Type: "events", Scopes: both}); strings.Count(got, "\n") < 253 || !strings.Contains(got, `"data":{"object":{"id":"`+paid.Text("id")) {
		t.Errorf("%d events", strings.Count(got, "\n"))
	}
	if _, err := export.Find("nothing"); err == nil {
		t.Error("a type that there is not")
	}
}
