package audit

import (
	"bytes"
	"strings"
	"testing"

	"florin/internal/api"
	"florin/internal/jsontext"
	"florin/internal/search"
	"florin/internal/store"
	"florin/internal/store/memory"
)

const (
	scope = store.Scope(2) // account 1, test mode
	now   = 1780000000
)

// sound is a store in which all is well: a payment that was partly refunded, its balance transactions, an event that was delivered, and an answer
// under an idempotency key.
func sound() *store.Unit {
	u := &store.Unit{}
	put := func(s store.Scope, kind, id, body, priv string) {
		d := store.Doc{Scope: s, ID: id, Ver: 1, Kind: kind, Created: now, Seq: int64(len(u.Puts) + 1), Body: []byte(body), Priv: []byte(priv)}
		u.Puts = append(u.Puts, store.Put{Doc: d, Keep: true})
	}
	put(scope, "payment_intent", "pi_1", `{"id":"pi_1","object":"payment_intent","amount":1000,"amount_received":1000,"customer":null,"latest_charge":"ch_1","metadata":{"Order":"A1"},"status":"succeeded"}`, "")
	put(scope, "charge", "ch_1", `{"id":"ch_1","object":"charge","amount":1000,"amount_captured":1000,"amount_refunded":400,"balance_transaction":"txn_1","customer":null,"metadata":{},"payment_intent":"pi_1","payment_method":"pm_1","payment_method_details":{"card":{"last4":"4242","network_transaction_id":"4242424242424242"}},"status":"succeeded"}`, `{"authorized":1000}`)
	put(scope, "payment_method", "pm_1", `{"id":"pm_1","object":"payment_method","customer":null,"type":"card"}`, "")
	put(scope, "refund", "re_1", `{"id":"re_1","object":"refund","amount":400,"balance_transaction":"txn_2","charge":"ch_1","payment_intent":"pi_1","status":"succeeded"}`, "")
	put(scope, "refund", "re_2", `{"id":"re_2","object":"refund","amount":100,"balance_transaction":null,"charge":"ch_1","payment_intent":"pi_1","status":"failed"}`, "")
	put(scope, "balance_transaction", "txn_1", `{"id":"txn_1","object":"balance_transaction","amount":1000,"available_on":1780100000,"currency":"usd","fee":59,"fee_details":[{"amount":59,"type":"stripe_fee"}],"net":941,"source":"ch_1","status":"pending","type":"charge"}`, "")
	put(scope, "balance_transaction", "txn_2", `{"id":"txn_2","object":"balance_transaction","amount":-400,"available_on":1780100000,"currency":"usd","fee":0,"fee_details":[],"net":-400,"source":"re_1","status":"pending","type":"refund"}`, "")
	put(scope, "event", "evt_1", `{"id":"evt_1","object":"event","created":1780000000,"request":{"id":"req_1","idempotency_key":"k1"},"type":"charge.succeeded"}`, `{"ref":"ch_1","ver":1}`)
	put(scope, "webhook_endpoint", "we_1", `{"id":"we_1","object":"webhook_endpoint","status":"enabled","url":"https://x.test"}`, `{"secrets":[{"sealed":"AAAA"}]}`)
	put(store.System, "_delivery", "_delivery:evt_1:we_1", `{"id":"_delivery:evt_1:we_1","object":"_delivery","account":2,"attempts":[{"at":1,"status":200}],"endpoint":"we_1","event":"evt_1"}`, "")
	put(scope, "_idempotency", "_idempotency:k1", `{"id":"_idempotency:k1","object":"_idempotency","ref":"pi_1","status":200,"ver":1}`, "")
	move := func(from, to string, amount int64, source string) {
		u.Moves = append(u.Moves, store.Move{Scope: scope, From: from, To: to, Currency: "usd", Amount: amount, Source: source, AvailableOn: 1780100000, Created: now})
	}
	move("outside:network", "merchant:card", 1000, "txn_1")
	move("merchant:card", "operator:fees", 59, "txn_1")
	move("merchant:card", "outside:network", 400, "txn_2")
	return u
}

// file puts the documents into the indexes where they belong.
func file(u *store.Unit) {
	paths := declared()
	for i := range u.Puts {
		p := &u.Puts[i]
		if !strings.HasPrefix(p.Kind, "_") || p.Kind == api.KeptAnswers {
			p.Index = append(p.Index, store.Entry{Index: p.Kind})
		}
		for path := range paths[p.Kind] {
			if v := jsontext.Text(p.Body, path); v != "" {
				p.Index = append(p.Index, store.Entry{Index: p.Kind + "." + path, Value: search.Fold(v)})
			}
		}
		if p.ID == "pi_1" {
			p.Index = append(p.Index, store.Entry{Index: "payment_intent.metadata", Value: "Order\x00a1"})
		}
	}
}

// audit runs all checks on a unit, and lets a follower see it, too.
func audit(t *testing.T, u *store.Unit) (findings int, report string, followed []string) {
	t.Helper()
	db, err := store.Open(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	f := NewFollower()
	f.Attach(db)
	if err := db.Commit(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if findings, err = Run(t.Context(), db, &out); err != nil {
		t.Fatal(err)
	}
	if followed, err = f.Check(t.Context(), db, true); err != nil {
		t.Fatal(err)
	}
	return findings, out.String(), followed
}

func TestSound(t *testing.T) {
	u := sound()
	file(u)
	n, out, followed := audit(t, u)
	if n != 0 || len(followed) != 0 {
		t.Errorf("%d findings:\n%s\nand of the follower's: %q", n, out, followed)
	}
	for _, want := range []string{"ok                 3  moves", "ok                 2  the moves of a balance", "ok                 1  refunded", "ok                 1  one idempotency"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestPlanted plants one corruption after another, and wants it found, and nothing else with it.
func TestPlanted(t *testing.T) {
	doc := func(u *store.Unit, id string) *store.Put {
		for i := range u.Puts {
			if u.Puts[i].ID == id {
				return &u.Puts[i]
			}
		}
		t.Fatalf("no %s", id)
		return nil
	}
	change := func(id, from, to string) func(*store.Unit) {
		return func(u *store.Unit) {
			p := doc(u, id)
			if !bytes.Contains(append(p.Body, p.Priv...), []byte(from)) {
				t.Fatalf("%s has no %s", id, from)
			}
			p.Body, p.Priv = bytes.ReplaceAll(p.Body, []byte(from), []byte(to)), bytes.ReplaceAll(p.Priv, []byte(from), []byte(to))
		}
	}
	remove := func(id string) func(*store.Unit) {
		return func(u *store.Unit) {
			p := doc(u, id)
			*p = u.Puts[len(u.Puts)-1]
			u.Puts = u.Puts[:len(u.Puts)-1]
		}
	}
	extra := func(kind, id, body, priv string) func(*store.Unit) {
		return func(u *store.Unit) {
			d := store.Doc{Scope: scope, ID: id, Ver: 1, Kind: kind, Created: now, Seq: int64(len(u.Puts) + 100), Body: []byte(body), Priv: []byte(priv)}
			u.Puts = append(u.Puts, store.Put{Doc: d})
		}
	}
	for _, tt := range []struct {
		name  string
		plant func(*store.Unit)
		after func(*store.Unit) // when the documents stand in the indexes
		want  []string          // in the findings; each check that breaks
	}{
		{name: "a move is missing", plant: func(u *store.Unit) { u.Moves = u.Moves[:2] }, want: []string{"txn_2: moves of the amount come to 0, not -400", "balance transactions come to -400 more"}},
		{name: "a move of another amount", plant: func(u *store.Unit) { u.Moves[1].Amount = 60 }, want: []string{"txn_1: moves of the fee come to 60, not 59", "come to 1 more than the balance"}},
		{name: "a move that is available at another time", plant: func(u *store.Unit) { u.Moves[2].AvailableOn = 5 }, want: []string{"txn_2: a move is available on 5"}},
		{name: "a move of nothing that exists", plant: func(u *store.Unit) {
			u.Moves = append(u.Moves, store.Move{Scope: scope, From: "outside:network", To: "merchant:card", Currency: "eur", Amount: 5, Source: "txn_9"})
		}, want: []string{"there is no txn_9", "eur of account 1, test mode: balance transactions come to -5 more"}},
		{name: "a move between unknown accounts", plant: func(u *store.Unit) { u.Moves[0].From = "cash" }, want: []string{`a move from "cash"`, `txn_1: a move from "cash"`}},
		{name: "a balance transaction without moves", plant: extra("balance_transaction", "txn_3", `{"amount":5,"currency":"usd","fee":0,"net":5,"status":"available","type":"charge"}`, ""), want: []string{"txn_3: moves of the amount come to 0", "come to 5 more"}},
		{name: "a net that is wrong", plant: change("txn_1", `"net":941`, `"net":940`), want: []string{"txn_1: amount 1000 less fee 59 is not net 940", "come to -1 more"}},
		{name: "fee details that are wrong", plant: change("txn_1", `{"amount":59`, `{"amount":58`), want: []string{"txn_1: its fee details come to 58, not 59"}},
		{name: "more refunded than captured", plant: func(u *store.Unit) {
			change("ch_1", `"amount_refunded":400`, `"amount_refunded":1400`)(u)
			change("re_1", `"amount":400`, `"amount":1400`)(u)
		}, want: []string{"ch_1: refunded 1400 of captured 1000"}},
		{name: "more captured than authorized", plant: func(u *store.Unit) {
			change("ch_1", `"amount_captured":1000`, `"amount_captured":1001`)(u)
			change("pi_1", `"amount_received":1000`, `"amount_received":1001`)(u)
		}, want: []string{"ch_1: captured 1001 of authorized 1000"}},
		{name: "a refund that the charge does not know of", plant: change("re_2", `"failed"`, `"succeeded"`), want: []string{"ch_1: amount_refunded is 400, its refunds come to 500"}},
		{name: "an intent that received something else", plant: change("pi_1", `"amount_received":1000`, `"amount_received":900`), want: []string{"pi_1: amount_received is 900, its charges captured 1000"}},
		{name: "a status that there is not", plant: change("pi_1", `"succeeded"`, `"done"`), want: []string{`pi_1: a payment_intent has no status "done"`}},
		{name: "a reference to nothing", plant: remove("pm_1"), want: []string{"ch_1: payment_method is pm_1"}},
		{name: "a reference into another mode", plant: func(u *store.Unit) { doc(u, "pm_1").Scope = scope + 1 }, want: []string{"ch_1: payment_method is pm_1"}},
		{name: "an expandable reference to nothing", plant: change("ch_1", `"customer":null`, `"customer":"cus_9"`), want: []string{"ch_1: customer is cus_9"}},
		{name: "an event that shows a version which is gone", plant: change("evt_1", `"ver":1`, `"ver":7`), want: []string{"evt_1: shows version 7 of ch_1"}},
		{name: "a delivery of no event", plant: change("_delivery:evt_1:we_1", `"event":"evt_1"`, `"event":"evt_9"`), want: []string{`there is no event "evt_9"`}},
		{name: "a delivery to no endpoint", plant: remove("we_1"), want: []string{`there is no webhook_endpoint "we_1"`}},
		{name: "a delivery that was dropped", plant: change("_delivery:evt_1:we_1", `"status":200`, `"status":500`), want: []string{"with a last attempt that ended with 500"}},
		{name: "an answer that is gone", plant: change("_idempotency:k1", `"ver":1`, `"ver":2`), want: []string{"answers with version 2 of pi_1"}},
		{name: "two charges under one key", plant: func(u *store.Unit) {
			extra("charge", "ch_2", `{"id":"ch_2","amount":1,"amount_captured":0,"amount_refunded":0,"status":"failed"}`, "")(u)
			extra("event", "evt_2", `{"id":"evt_2","created":1780000005,"request":{"id":"req_2","idempotency_key":"k1"},"type":"charge.failed"}`, `{"ref":"ch_2","ver":1}`)(u)
		}, want: []string{"its key k1 made another charge"}},
		{name: "a card number", plant: change("pi_1", `"A1"`, `"card 4242 4242-4242 4242"`), after: func(u *store.Unit) {
			e := doc(u, "pi_1").Index
			e[len(e)-1].Value = "Order\x00" + search.Fold("card 4242 4242-4242 4242")
		}, want: []string{"pi_1: what looks like a card number in Order"}},
		{name: "a card number in what is private", plant: change("ch_1", `"authorized":1000`, `"authorized":1000,"pan":"5555555555554444"`), want: []string{"ch_1: what looks like a card number in pan"}},
		{name: "a card number in a version that an event shows", plant: func(u *store.Unit) {
			v := doc(u, "ch_1").Doc
			v.Body = bytes.Replace(v.Body, []byte(`"4242"`), []byte(`"4242424242424242"`), 1)
			u.Versions = append(u.Versions, v)
			doc(u, "ch_1").Ver = 2
		}, want: []string{"version 1 of ch_1: what looks like a card number in last4"}},
		{name: "a secret key", plant: change("we_1", `"AAAA"`, `"whsec_abcdefghijklmnopqrstuvwxyz012345"`), want: []string{"we_1: whsec_…"}},
		{name: "an entry that is missing", after: func(u *store.Unit) { doc(u, "txn_1").Index = doc(u, "txn_1").Index[:1] }, want: []string{"txn_1 does not stand in balance_transaction."}},
		{name: "an entry too many", after: func(u *store.Unit) {
			p := doc(u, "txn_1")
			p.Index = append(p.Index, store.Entry{Index: "balance_transaction.source", Value: "ch_9"})
		}, want: []string{`balance_transaction.source = "ch_9" in account 1, test mode`}},
		{name: "an index that is missing as a whole", after: func(u *store.Unit) { doc(u, "evt_1").Index = doc(u, "evt_1").Index[:1] }, want: []string{`evt_1 does not stand in event.type = "charge.succeeded"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := sound()
			if tt.plant != nil {
				tt.plant(u)
			}
			file(u)
			if tt.after != nil {
				tt.after(u)
			}
			_, out, followed := audit(t, u)
			if len(followed) == 0 && tt.name != "an entry too many" { // the follower looks up the entries that should be there
				t.Errorf("the follower finds nothing")
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			if broken := strings.Count(out, " BROKEN "); broken != len(tt.want) {
				t.Errorf("%d checks are broken, want %d:\n%s", broken, len(tt.want), out)
			}
		})
	}
}

// TestGone plants an entry whose document has been removed behind its back.
func TestGone(t *testing.T) {
	db, err := store.Open(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	d := store.Doc{Scope: scope, ID: "cus_1", Ver: 1, Kind: "customer", Created: now, Seq: 1, Body: []byte(`{"id":"cus_1"}`)}
	if err := db.Commit(t.Context(), &store.Unit{Puts: []store.Put{{Doc: d, Index: []store.Entry{{Index: "customer"}}}}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Commit(t.Context(), &store.Unit{Deletes: []store.Delete{{Scope: scope, ID: "cus_1", Base: 1}}}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if n, err := Run(t.Context(), db, &out); err != nil || n != 1 {
		t.Errorf("%d findings, %v:\n%s", n, err, out.String())
	}
}

func TestCardNumber(t *testing.T) {
	for body, want := range map[string]bool{
		`{"a":"4242424242424242"}`:                       true,
		`{"a":["x",{"b":"no 378282246310005 here"}]}`:    true,
		`{"4242424242424242":"key"}`:                     true,
		`{"a":"4242424242424241"}`:                       false, // check digit
		`{"a":4242424242424242}`:                         false, // a number: an amount, a time
		`{"a":"ch_4242424242424242"}`:                    false, // an id
		`{"a":"x4242424242424242"}`:                      false,
		`{"a":"ab424242-4242-4242-4242-abcdefabcdef"}`:   false, // a UUID
		`{"a":"ab424242-4242-4242-4242-abcdefabcdeg"}`:   false,
		`{"a":"a 4242-4242-4242-4242 abcdefabcdef abc"}`: true,  // as long as one
		`{"a":"42424242424242420000000"}`:                false, // too long
		`{"a":"1780000000000"}`:                          false, // begins as no card does
		`{"network_transaction_id":"4242424242424242"}`:  false,
		`{"description":"4242  4242  4242  4242"}`:       false, // not as people write it
		`{"a":"\"4242-4242-4242-4242\""}`:                true,
	} {
		if _, got := cardNumber([]byte(body)); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
	for index, want := range map[string][2]string{
		"charge.payment_intent": {"charge", "payment_intent"}, "checkout.session.status": {"checkout.session", "status"},
		"checkout.session": {"checkout.session", ""}, "customer.address.city": {"customer", "address.city"}, "_task.queue": {"_task", "queue"},
	} {
		if kind, path := splitIndex(index); kind != want[0] || path != want[1] {
			t.Errorf("splitIndex(%s) = %s, %s", index, kind, path)
		}
	}
}
