package storetest

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/store"
)

// BenchPayments commits what a card payment leaves behind, from 64 goroutines, and reports payments a second, and how many shared a
// transaction.
func BenchPayments(b *testing.B, e store.Engine) {
	db, err := store.Open(e)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var n, batches atomic.Int64
	db.OnCommit(func([]*store.Unit) { batches.Add(1) })
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range 64 {
		wg.Go(func() {
			for {
				i := n.Add(1)
				if i > int64(b.N) {
					return
				}
				if err := db.Commit(ctx, payment(db, i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
	b.ReportMetric(float64(b.N)/float64(batches.Load()), "payments/batch")
}

var filler = bytes.Repeat([]byte(`{"amount":2000,"currency":"eur"},`), 100)

// payment is an intent, its charge and balance transaction, two events that refer to versions, and the answer for the idempotency key.
func payment(db *store.DB, i int64) *store.Unit {
	now := db.Seq()
	created := time.Now().Unix()
	scope := store.NewScope(1+i%4, true)
	id := func(prefix string) string { return fmt.Sprintf("%s_%013x%08x", prefix, now, i*0x9e3779b1&0xffffffff) }
	customer := fmt.Sprintf("cus_%021d", i*7919%10007)
	put := func(id, kind string, size int, index ...store.Entry) store.Put {
		return store.Put{Doc: store.Doc{Scope: scope, ID: id, Ver: 1, Kind: kind, Created: created, Seq: db.Seq(), Body: filler[:size]}, Index: index}
	}
	pi, ch, txn := id("pi"), id("ch"), id("txn")
	u := &store.Unit{
		Guards: []store.Ref{{Scope: scope, ID: customer}},
		Puts: []store.Put{
			put(pi, "payment_intent", 2500, entry("payment_intent", ""), entry("payment_intent.customer", customer)),
			put(ch, "charge", 3000, entry("charge", ""), entry("charge.customer", customer), entry("charge.payment_intent", pi)),
			put(txn, "balance_transaction", 700, entry("balance_transaction", ""), entry("balance_transaction.source", ch)),
			put(id("evt1"), "event", 400, entry("event", ""), entry("event.type", "charge.succeeded")),
			put(id("evt2"), "event", 400, entry("event", ""), entry("event.type", "payment_intent.succeeded")),
			put(id("_idem"), "_idempotency", 200, entry("_expires", "")),
		},
	}
	move := func(from, to string, amount int64) store.Move {
		return store.Move{
			Scope: scope, From: from, To: to, Currency: "eur", Amount: amount, Source: txn, AvailableOn: (created/86400 + 2) * 86400, Created: created,
		}
	}
	u.Moves = []store.Move{move("network", "balance", 2000), move("balance", "fees", 83)}
	return u
}
