package audit

import (
	"strings"
	"testing"

	"florin/internal/store"
	"florin/internal/store/memory"
)

// TestFollower lets a follower see one change after another.
func TestFollower(t *testing.T) {
	db, err := store.Open(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	f := NewFollower()
	f.Attach(db)
	vers, was := map[string]int64{}, map[string][]store.Entry{}
	put := func(id, body string, index ...store.Entry) {
		t.Helper()
		kind := map[string]string{"pi": "payment_intent", "ch": "charge", "re": "refund", "txn": "balance_transaction"}[id[:strings.IndexByte(id, '_')]]
		vers[id]++
		d := store.Doc{Scope: scope, ID: id, Ver: vers[id], Kind: kind, Created: now, Seq: int64(len(id)), Body: []byte(body)}
		p := store.Put{Doc: d, Base: vers[id] - 1, Index: append(index, store.Entry{Index: kind}), Was: was[id]}
		was[id] = p.Index
		if err := db.Commit(t.Context(), &store.Unit{Puts: []store.Put{p}}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want ...string) {
		t.Helper()
		got, err := f.Check(t.Context(), db, true)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%d findings, want %d: %q", len(got), len(want), got)
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) {
				t.Errorf("no %q in %q", want[i], got[i])
			}
		}
	}
	put("pi_1", `{"id":"pi_1","amount_received":0,"status":"requires_payment_method"}`)
	put("pi_1", `{"id":"pi_1","amount_received":0,"status":"requires_action"}`)
	check()
	put("pi_1", `{"id":"pi_1","amount_received":0,"status":"canceled"}`)
	check()
	put("pi_1", `{"id":"pi_1","amount_received":0,"status":"processing"}`)
	check(`pi_1: a payment_intent went from "canceled" to "processing"`)

	put("ch_1", `{"id":"ch_1","amount":100,"amount_captured":100,"amount_refunded":0,"status":"succeeded"}`)
	check()
	ofCharge := store.Entry{Index: "refund.charge", Value: "ch_1"}
	put("re_1", `{"id":"re_1","amount":40,"charge":"ch_1","status":"succeeded"}`, ofCharge)
	check("ch_1: amount_refunded is 0, its refunds come to 40")
	put("ch_1", `{"id":"ch_1","amount":100,"amount_captured":100,"amount_refunded":40,"status":"succeeded"}`)
	check()
	put("re_1", `{"id":"re_1","amount":40,"charge":"ch_1","status":"failed"}`, ofCharge)
	check("ch_1: amount_refunded is 40, its refunds come to 0")

	// An entry that stands, and is said to have been left.
	put("pi_2", `{"id":"pi_2","amount_received":0,"status":"requires_payment_method"}`, store.Entry{Index: "payment_intent.customer", Value: "cus_1"})
	check()
	put("pi_2", `{"id":"pi_2","amount_received":0,"status":"canceled"}`)
	check()
	f.touch(docKey{scope, "pi_1"}, store.Pos{Created: now, Seq: 4}, []store.Entry{{Index: "payment_intent.amount"}, {Index: "payment_intent.customer", Value: "cus_1"}})
	check()
	put("pi_3", `{"id":"pi_3","amount_received":0,"status":"canceled"}`, store.Entry{Index: "payment_intent.customer", Value: "cus_1"})
	f.touch(docKey{scope, "pi_3"}, store.Pos{Created: now, Seq: 4}, []store.Entry{{Index: "payment_intent.customer", Value: "cus_1"}})
	check(`pi_3 still stands in payment_intent.customer = "cus_1"`)
	if r := f.Reached(); r["payment_intent/canceled"] != 3 || r["refund/failed"] != 1 {
		t.Errorf("reached: %v", r)
	}
	if n := f.Checked()["what is refunded of a charge is the sum of its refunds"]; n != 4 {
		t.Errorf("charges were compared with their refunds %d times", n)
	}
}

func TestReaches(t *testing.T) {
	for _, tt := range []struct {
		kind, from, to string
		want           bool
	}{
		{"charge", "", "succeeded", true}, {"charge", "succeeded", "failed", false}, {"charge", "failed", "succeeded", false},
		{"payment_intent", "", "succeeded", true}, {"payment_intent", "succeeded", "canceled", false}, {"payment_intent", "canceled", "requires_capture", false},
		{"payment_intent", "requires_capture", "requires_payment_method", true}, // by way of processing
		{"dispute", "needs_response", "won", true}, {"dispute", "lost", "won", false}, {"dispute", "needs_response", "warning_closed", false},
		{"refund", "succeeded", "canceled", false}, {"payout", "paid", "in_transit", false}, {"topup", "failed", "succeeded", false},
	} {
		if got := reaches(steps[tt.kind], tt.from, tt.to); got != tt.want {
			t.Errorf("%s from %q to %q: %v", tt.kind, tt.from, tt.to, got)
		}
	}
}
