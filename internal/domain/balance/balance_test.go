package balance

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/ledger"
	"florin/internal/store"
	"florin/internal/store/memory"
)

const day = 86400

type world struct {
	t     *testing.T
	app   *api.App
	clock *clock.Manual
	d     *Domain
	scope store.Scope
	told  []string // types of events, in the order of their commit
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w := &world{t: t, clock: clock.NewManual(time.Unix(1780012345, 0)), d: New(), scope: store.NewScope(1, false)}
	w.app = api.New(db, w.clock, slog.New(slog.DiscardHandler))
	w.app.Use(w.d)
	who := &api.Principal{Scope: w.scope, AccountID: "acct_1FiqEsKuuB1fWySn", AccountVersion: "2026-08-26.dahlia"}
	w.app.Authenticate = func(context.Context, string, string) (*api.Principal, error) { return who, nil }
	w.app.PrincipalOf = func(context.Context, store.Scope) (*api.Principal, error) { return who, nil }
	db.OnCommit(func(units []*store.Unit) {
		for _, u := range units {
			for i := range u.Puts {
				if u.Puts[i].Kind == "event" {
					var ev struct{ Type string }
					_ = json.Unmarshal(u.Puts[i].Body, &ev)
					w.told = append(w.told, ev.Type)
				}
			}
		}
	})
	return w
}

func (w *world) get(path string) map[string]any {
	w.t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Authorization", "Bearer sk_test_1")
	rec := httptest.NewRecorder()
	w.app.ServeHTTP(rec, r)
	var out map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		w.t.Fatalf("GET %s: %v in %s", path, err, rec.Body)
	}
	out["status_code"] = rec.Code
	return out
}

func (w *world) record(t Txn) *BalanceTransaction {
	w.t.Helper()
	var b *BalanceTransaction
	err := w.app.Do(w.t.Context(), w.scope, func(c *api.Call) (err error) {
		b, err = w.d.Record(c, t)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) work() {
	w.t.Helper()
	if _, err := w.app.RunDue(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) now() int64 { return w.clock.Now().Unix() }

// amounts are what GET /v1/balance shows of a member, as JSON.
func (w *world) amounts(member string) string {
	w.t.Helper()
	b, _ := json.Marshal(w.get("/v1/balance")[member])
	return string(b)
}

func TestBalance(t *testing.T) {
	w := newWorld(t)
	none := `[{"amount":0,"currency":"usd","source_types":{"card":0}}]`
	if got := w.amounts("available"); got != none {
		t.Errorf("a new account has %s", got)
	}
	on := w.now() - w.now()%day + 2*day
	ch := w.record(Txn{Type: "charge", Amount: 1000, Fee: 59, Currency: "usd", Source: "ch_3U09LqKSHejMPKBy1Mc4bCwQ", Parent: "pi_3U09LqKSHejMPKBy15KF55nt", AvailableOn: on})
	w.record(Txn{Type: "refund", Amount: -400, Currency: "usd", Source: "re_3U09LqKSHejMPKBy1aaaaaaa", Parent: "pi_3U09LqKSHejMPKBy15KF55nt", AvailableOn: on})
	w.record(Txn{Type: "payment", Amount: 700, Fee: 7, Currency: "eur", Source: "py_1", Balance: ledger.BankAccount, Outside: ledger.Bank, AvailableOn: on})
	if got := w.amounts("pending"); got != `[{"amount":541,"currency":"usd","source_types":{"card":541}},{"amount":693,"currency":"eur","source_types":{"bank_account":693,"card":0}}]` {
		t.Errorf("pending %s", got)
	}
	if got := w.get("/v1/balance_transactions/" + ch.ID); got["status"] != "pending" || got["balance_type"] != "payments" || got["net"] != 941.0 || got["reporting_category"] != "charge" {
		t.Errorf("transaction %v", got)
	}
	if !strings.HasPrefix(ch.ID, "txn_3U09LqKSHejMPKBy1") {
		t.Errorf("id %s", ch.ID)
	}
	w.work()
	if len(w.told) != 0 {
		t.Errorf("told %v before the day", w.told)
	}
	w.clock.Set(time.Unix(on, 0))
	w.work()
	w.work()
	if len(w.told) != 1 || w.told[0] != "balance.available" { // one for all that became available
		t.Errorf("told %v", w.told)
	}
	if got := w.get("/v1/balance/history/" + ch.ID); got["status"] != "available" {
		t.Errorf("transaction %v", got)
	}
	if got := w.amounts("available"); got != `[{"amount":541,"currency":"usd","source_types":{"card":541}},{"amount":693,"currency":"eur","source_types":{"bank_account":693,"card":0}}]` {
		t.Errorf("available %s", got)
	}
	err := w.app.Do(t.Context(), w.scope, func(c *api.Call) error {
		for currency, want := range map[string]int64{"usd": 541, "eur": 693, "gbp": 0} {
			if got, err := w.d.Available(c, currency); err != nil || got != want {
				t.Errorf("Available(%s) = %d, %v", currency, got, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAtOnce: money that is available at once is told of at once, if a customer paid it.
func TestAtOnce(t *testing.T) {
	w := newWorld(t)
	b := w.record(Txn{Type: "charge", Amount: 1000, Fee: 59, Currency: "usd", Source: "ch_1", AvailableOn: w.now()})
	if b.Status != available || b.AvailableOn != w.now() {
		t.Errorf("%+v", b)
	}
	w.work()
	if len(w.told) != 1 {
		t.Errorf("told %v", w.told)
	}
	w.record(Txn{Type: "payout", Amount: -500, Currency: "usd", Source: "po_1", Outside: ledger.Bank})
	w.work()
	if len(w.told) != 1 {
		t.Errorf("told %v", w.told)
	}
}

func TestList(t *testing.T) {
	w := newWorld(t)
	for _, x := range []Txn{
		{Type: "charge", Amount: 1, Currency: "usd", Source: "ch_1"},
		{Type: "charge", Amount: 2, Currency: "eur", Source: "ch_2"},
		{Type: "refund", Amount: -1, Currency: "usd", Source: "re_1"},
	} {
		w.record(x)
		w.clock.Advance(time.Second)
	}
	for query, want := range map[string]string{
		"": "-1 2 1", "type=charge": "2 1", "currency=usd": "-1 1", "source=ch_2": "2", "type=charge&currency=usd": "1", "source=ch_9": "",
		"created[gte]=1780012346": "-1 2", "limit=1": "-1", "type=nothing": "",
	} {
		for _, path := range []string{"/v1/balance_transactions", "/v1/balance/history"} {
			got := w.get(path + "?" + query)
			var amounts []string
			for _, b := range got["data"].([]any) {
				text, _ := json.Marshal(b.(map[string]any)["amount"])
				amounts = append(amounts, string(text))
			}
			if s := strings.Join(amounts, " "); s != want || got["url"] != path {
				t.Errorf("%s?%s: %s, want %s; url %v", path, query, s, want, got["url"])
			}
		}
	}
	if got := w.get("/v1/balance_transactions?payout=po_9"); got["status_code"] != 400 || !strings.Contains(string(asJSON(got)), `No such payout: 'po_9'`) {
		t.Errorf("payout: %v", got)
	}
	if got := w.get("/v1/balance_transactions/txn_9"); got["status_code"] != 404 || !strings.Contains(string(asJSON(got)), `No such balance transaction: 'txn_9'`) {
		t.Errorf("txn_9: %v", got)
	}
	w.d.PaidOut = func(_ *api.Call, payout string) (map[string]bool, error) {
		if payout != "po_1" {
			return nil, nil
		}
		return map[string]bool{}, nil
	}
	if got := w.get("/v1/balance_transactions?payout=po_1"); got["status_code"] != 200 || len(got["data"].([]any)) != 0 {
		t.Errorf("payout: %v", got)
	}
}

func asJSON(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

func TestRecord(t *testing.T) {
	app, words := "ca_1", "Gumroad application fee"
	for _, tt := range []struct {
		txn      Txn
		category string
		details  string // of the fees
	}{
		{Txn{Type: "charge", Amount: 1000, Fee: 59}, "charge", `[{"amount":59,"application":null,"currency":"usd","description":"Stripe processing fees","type":"stripe_fee"}]`},
		{Txn{Type: "refund", Amount: -1000, Fee: -59}, "refund", `[{"amount":-59,"application":null,"currency":"usd","description":"Stripe processing fee refund","type":"stripe_fee"}]`},
		{
			Txn{Type: "charge", Amount: 1000, Fee: 100, FeeDetails: []FeeDetail{{Amount: 100, Application: &app, Currency: "usd", Description: &words, Type: "application_fee"}}},
			"charge", `[{"amount":100,"application":"ca_1","currency":"usd","description":"Gumroad application fee","type":"application_fee"}]`,
		},
		{Txn{Type: "adjustment", Amount: -1000, Source: "dp_1"}, "dispute", `[]`},
		{Txn{Type: "adjustment", Amount: 1000, Source: "du_1"}, "dispute_reversal", `[]`},
		{Txn{Type: "adjustment", Amount: 1000}, "other_adjustment", `[]`},
		{Txn{Type: "stripe_fee", Amount: -5, Outside: ledger.Billed}, "fee", `[]`},
		{Txn{Type: "transfer_refund", Amount: 5, Outside: ledger.Accounts, Source: "tr_1"}, "transfer_reversal", `[]`},
		{Txn{Type: "payment", Amount: 0}, "charge", `[]`},
	} {
		w := newWorld(t)
		tt.txn.Currency = "usd"
		b := w.record(tt.txn)
		var moves []store.Move
		if err := w.app.Do(t.Context(), w.scope, func(c *api.Call) (err error) { moves, err = c.Moves(b.ID); return err }); err != nil {
			t.Fatal(err)
		}
		if err := ledger.Check(moves, "usd", b.Amount, b.Fee, b.Net); err != nil {
			t.Errorf("%+v: %v", tt.txn, err)
		}
		if got := string(asJSON(b.FeeDetails)); b.ReportingCategory != tt.category || got != tt.details {
			t.Errorf("%+v: %s %s", tt.txn, b.ReportingCategory, got)
		}
	}
	w := newWorld(t)
	for _, bad := range []Txn{
		{Type: "gift", Amount: 1, Currency: "usd"},
		{Type: "charge", Amount: 1, Fee: 2, Currency: "usd", FeeDetails: []FeeDetail{{Amount: 1, Currency: "usd", Type: "stripe_fee"}}},
		{Type: "charge", Amount: 1, Fee: 1, Currency: "usd", FeeDetails: []FeeDetail{{Amount: 1, Currency: "eur", Type: "stripe_fee"}}},
		{Type: "charge", Amount: 1, Fee: 1, Currency: "usd", FeeDetails: []FeeDetail{{Amount: 1, Currency: "usd", Type: "gift"}}},
		{Type: "charge", Amount: 1, Currency: "usd", Outside: ledger.Fees},
	} {
		err := w.app.Do(t.Context(), w.scope, func(c *api.Call) error {
			_, err := w.d.Record(c, bad)
			return err
		})
		if err == nil {
			t.Errorf("%+v was recorded", bad)
		}
	}
}
