package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/store"
	"florin/internal/store/memory"
)

// TestHist holds the histogram to a sorted list: no more than 1 % above it, and never below.
func TestHist(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	parts := [2]hist{}
	var all []time.Duration
	for i := range 20_000 {
		d := time.Duration(chance.ExpFloat64() * float64(3*time.Millisecond))
		all = append(all, d)
		parts[i%2].add(d)
	}
	h := &hist{}
	h.merge(&parts[0])
	h.merge(&parts[1])
	slices.Sort(all)
	for _, p := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
		want := all[int(p*float64(len(all))+0.5)-1]
		if got := h.at(p); got < want || float64(got) > float64(want)*1.01 {
			t.Errorf("at %v: %v, want %v", p, got, want)
		}
	}
	if i := bucket(1<<63 + 1<<62); i >= len(h.count) {
		t.Errorf("the longest duration has no bucket: %d", i)
	}
}

// answers are what the bare handler says in these tests.
func answers() *script {
	say := func(body string) *recorded {
		return &recorded{http.Header{"Content-Length": {strconv.Itoa(len(body))}, "Content-Type": {"application/json"}}, []byte(body)}
	}
	return &script{
		Pay: say("{\n  \"id\": \"pi_3UeymlG9uMyXHDkj0elzJIVF\"\n}"), Retrieve: say(`{"id":"pi_1"}`), List10: say("[]"),
		List100: say(`"` + strings.Repeat("a long answer ", 10_000) + `"`),
	}
}

// TestLoad drives every workload against the bare handler.
func TestLoad(t *testing.T) {
	s := answers()
	keys := make(chan string, 1<<16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			keys <- r.Header.Get("Idempotency-Key")
		}
		if r.Header.Get("Authorization") != "Bearer sk_test_1" {
			t.Errorf("%s %s: Authorization %q", r.Method, r.URL, r.Header.Get("Authorization"))
		}
		s.ServeHTTP(w, r)
	}))
	defer server.Close()
	target := newTarget(server.Listener.Addr().String(), "sk_test_1", nil, nil, &ids{})
	for name, work := range map[string]workload{
		"pay": pay, "create, then confirm": createThenConfirm, "mix": mix, "retrieve": retrieve, "list 10": list10, "list 100": list100,
	} {
		target.ids.add([][]byte{[]byte("pi_1")})
		out, err := target.put(load{work: work, conns: 3, run: 30 * time.Millisecond})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if out.errors > 0 || out.done == 0 || out.latency.n != out.done {
			t.Errorf("%s: %d done, %d timed, %d errors (%v)", name, out.done, out.latency.n, out.errors, out.firstErr)
		}
	}
	seen := map[string]bool{}
	for len(keys) > 0 {
		k := <-keys
		if len(k) != 36 || seen[k] {
			t.Fatalf("idempotency key %q, seen before: %v", k, seen[k])
		}
		seen[k] = true
	}
}

// TestRecord takes an answer apart that the bare handler is to repeat.
func TestRecord(t *testing.T) {
	server := httptest.NewServer(answers())
	defer server.Close()
	target := newTarget(server.Listener.Addr().String(), "sk_test_1", nil, nil, &ids{})
	head, body, err := target.one(target.pay, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(idOf(body)); got != "pi_3UeymlG9uMyXHDkj0elzJIVF" {
		t.Errorf("id %q", got)
	}
	r, err := record(head, body)
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Date") != "" || !bytes.Equal(r.Body, body) {
		t.Errorf("recorded %v %q", r.Header, r.Body)
	}
}

// TestMould casts payments from one that was looked at.
func TestMould(t *testing.T) {
	scope := store.NewScope(1, false)
	intent, charge, event := "pi_3UeymlG9uMyXHDkj0elzJIVF", "ch_3UeymlG9uMyXHDkj00TLUAGA", "evt_3UeymlG9uMyXHDkj0aaaaaaa"
	refs := map[store.Ref]*store.Doc{}
	entries := map[store.Ref][]store.Entry{}
	for i, d := range []store.Doc{
		{ID: intent, Kind: "payment_intent", Ver: 2}, {ID: charge, Kind: "charge", Ver: 1}, {ID: event, Kind: "event", Ver: 1},
		{ID: "_delivery:" + event + ":we_1", Kind: "_delivery", Ver: 1}, {ID: "_idempotency:abc", Kind: "_idempotency", Ver: 1},
	} {
		d.Scope, d.Created, d.Seq, d.Body = scope, 1795446243, int64(i+1), []byte("{}")
		refs[store.Ref{Scope: scope, ID: d.ID}] = &d
	}
	entries[store.Ref{Scope: scope, ID: charge}] = []store.Entry{{Index: "charge.payment_intent", Value: strings.ToLower(intent)}}
	after := &holding{
		docs: refs, entries: entries, moves: []store.Move{{Scope: scope, From: "a", To: "b", Currency: "usd", Amount: 1, Source: charge}},
		older: func(d *store.Doc) (older []store.Doc, err error) {
			if d.Ver > 1 {
				older = append(older, store.Doc{Scope: d.Scope, ID: d.ID, Ver: 1, Kind: d.Kind, Body: []byte("{}")})
			}
			return older, nil
		},
	}
	m, err := newMould(&holding{}, after)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 3 {
		u := m.cast(db)
		if err := db.Commit(context.Background(), u); err != nil {
			t.Fatal(err)
		}
		id := map[string]string{}
		for _, p := range u.Puts {
			id[p.Kind] = p.ID
		}
		charge := u.Puts[slices.IndexFunc(u.Puts, func(p store.Put) bool { return p.Kind == "charge" })]
		if got, want := charge.Index[0].Value, strings.ToLower(id["payment_intent"]); got != want {
			t.Errorf("the charge is indexed under %q, and its intent is %q", got, want)
		}
		if got, want := id["_delivery"], "_delivery:"+id["event"]+":we_1"; got != want {
			t.Errorf("the delivery is named %q, want %q", got, want)
		}
		if u.Moves[0].Source != id["charge"] || id["charge"] == after.moves[0].Source {
			t.Errorf("the move's source is %q, and the charge %q", u.Moves[0].Source, id["charge"])
		}
		if len(u.Versions) != 1 || u.Versions[0].ID != id["payment_intent"] {
			t.Errorf("versions %v", u.Versions)
		}
	}
}

// TestRows wants every limit to be a row.
func TestRows(t *testing.T) {
	names := map[string]bool{"": true}
	for _, r := range rows {
		if names[r.name] {
			t.Errorf("two rows are named %q", r.name)
		}
		names[r.name] = true
	}
	for _, r := range rows {
		if !names[r.against] {
			t.Errorf("%s is held against %q, which is no row", r.name, r.against)
		}
	}
}
