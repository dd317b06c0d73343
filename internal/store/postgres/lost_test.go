package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/store"
	"florin/internal/store/postgres"
	"florin/internal/store/postgres/pgtest"
)

// A proxy stands between an engine and its PostgreSQL, and cuts connections now and then: behind a message that the server got, before one that it did
// not get, or before an answer that it gave.
type proxy struct {
	to  string
	l   net.Listener
	cut atomic.Int64 // of a thousand reads, how many are the last
}

func newProxy(t *testing.T, port int) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{to: fmt.Sprintf("127.0.0.1:%d", port), l: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	done := make(chan struct{}, 2)
	pass := func(to, from net.Conn) {
		defer func() { done <- struct{}{} }()
		buf := make([]byte, 1<<16)
		for {
			n, err := from.Read(buf)
			cut := rand.Int64N(1000) < p.cut.Load()
			if n > 0 && (!cut || rand.IntN(2) == 0) {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if cut || err != nil {
				return
			}
		}
	}
	go pass(server, client)
	go pass(client, server)
	<-done
}

func (p *proxy) url(schema string) string {
	return fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable&schema=%s", p.l.Addr(), schema)
}

// TestLostConnections commits through connections that break at any moment. What was said to be committed is there once, what was said not to be is not,
// and of few is not known what became of them.
func TestLostConnections(t *testing.T) {
	s := pgtest.Own(t)
	p := newProxy(t, s.Port())
	schema := fmt.Sprintf("lost_%d", time.Now().UnixNano())
	e, err := postgres.Open(context.Background(), p.url(schema))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const workers, rounds = 8, 150
	var mu sync.Mutex
	said := map[string]error{}
	p.cut.Store(15)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range rounds {
				id := fmt.Sprintf("d%d-%d", w, i)
				u := &store.Unit{
					Puts: []store.Put{{
						Doc: store.Doc{Scope: 2, ID: id, Ver: 1, Kind: "thing", Seq: db.Seq(), Body: []byte("{}")}, Index: []store.Entry{{Index: "all"}},
					}},
					Moves: []store.Move{{Scope: 2, From: "a", To: "b", Currency: "eur", Amount: 1, Source: id}},
				}
				err := db.Commit(context.Background(), u)
				mu.Lock()
				said[id] = err
				mu.Unlock()
			}
		})
	}
	all.Wait()
	p.cut.Store(0)
	kept, unknown, refused := 0, 0, 0
	snap, err := db.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	for id, err := range said {
		d, gerr := snap.Get(2, id)
		if gerr != nil {
			t.Fatal(gerr)
		}
		moves := 0
		if err := snap.Moves(2, id, func(store.Move) bool { moves++; return true }); err != nil {
			t.Fatal(err)
		}
		switch {
		case err == nil && (d == nil || moves != 1):
			t.Errorf("%s was committed, and is %v with %d moves", id, d, moves)
		case errors.Is(err, store.ErrUnknown):
			unknown++
		case err != nil && (d != nil || moves != 0):
			t.Errorf("%s was not committed (%v), and is there", id, err)
		}
		if err == nil {
			kept++
		} else {
			refused++
		}
	}
	t.Logf("%d committed, %d refused, of which %d with an unknown outcome", kept, refused, unknown)
	if kept == 0 {
		t.Error("nothing was committed, so nothing was tested")
	}
}

// TestOutage stops the server under an engine, which then says so soon, and goes on by itself when the server is back.
func TestOutage(t *testing.T) {
	s := pgtest.Own(t)
	e, err := postgres.Open(context.Background(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	put := func(id string) error {
		return db.Commit(context.Background(), &store.Unit{Puts: []store.Put{{Doc: store.Doc{Scope: 2, ID: id, Ver: 1, Kind: "thing", Seq: db.Seq()}}}})
	}
	get := func(id string) (*store.Doc, error) {
		snap, err := db.Snapshot(context.Background())
		if err != nil {
			return nil, err
		}
		defer snap.Close()
		return snap.Get(2, id)
	}
	for round, stop := range []func(){s.Stop, s.Kill} {
		before, after := fmt.Sprint("before", round), fmt.Sprint("after", round)
		if err := put(before); err != nil {
			t.Fatal(err)
		}
		if _, err := get(before); err != nil {
			t.Fatal(err)
		}
		stop()
		began := time.Now()
		if err := put("during"); err == nil || errors.Is(err, store.ErrConflict) {
			t.Errorf("committed to nowhere: %v", err)
		}
		if _, err := get(before); err == nil {
			t.Error("read from nowhere")
		}
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("it took %v to say so", took)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		if d, err := get(before); err != nil || d == nil {
			t.Errorf("after the outage: %v, %v", d, err)
		}
		if err := put(after); err != nil {
			t.Error(err)
		}
		if d, err := get("during"); err != nil || d != nil {
			t.Errorf("what was refused is %v, %v", d, err)
		}
	}
}

// TestNewerSchema refuses a schema that it does not know, and a server that is not there, without showing a password.
func TestNewerSchema(t *testing.T) {
	s := pgtest.Open(t)
	url := s.URL()
	for range 2 { // the second time finds all there
		e, err := postgres.Open(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := postgres.Execute(url, "INSERT INTO schema_version (version) VALUES (999)"); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(context.Background(), url); err == nil || !strings.Contains(err.Error(), "written by a newer Florin (schema 999") {
		t.Errorf("a newer schema: %v", err)
	}
	_, err := postgres.Open(context.Background(), "postgres://me:hush@127.0.0.1:1/db?sslmode=disable")
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("nobody there: %v", err)
	}
	t.Log(err)
	if _, err = postgres.Open(context.Background(), "postgres://me:hush@/db?sslmode=perhaps"); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("not an address: %v", err)
	}
	t.Log(err)
}

// TestManyStart opens one empty schema from several nodes at once: one of them makes it, and all have numbers of their own.
func TestManyStart(t *testing.T) {
	s := pgtest.Open(t)
	url := s.URL()
	engines := make([]*postgres.Engine, 5)
	var all sync.WaitGroup
	for i := range engines {
		all.Go(func() {
			e, err := postgres.Open(context.Background(), url)
			if err != nil {
				t.Error(err)
				return
			}
			engines[i] = e
		})
	}
	all.Wait()
	numbers, made := map[int64]bool{}, atomic.Int64{}
	for _, e := range engines {
		if e == nil {
			t.FailNow()
		}
		defer e.Close()
		n, of := e.Node()
		if numbers[n] || n < 0 || n >= of {
			t.Errorf("number %d of %d", n, of)
		}
		numbers[n] = true
		all.Go(func() {
			value, err := e.Keep(context.Background(), "thing", func() ([]byte, error) {
				return fmt.Appendf(nil, "made %d times", made.Add(1)), nil
			})
			if err != nil || string(value) != "made 1 times" {
				t.Errorf("%s, %v", value, err)
			}
		})
	}
	all.Wait()
}

// TestLeases has nodes come and go: no two hold a key at once, and soon somebody holds each.
func TestLeases(t *testing.T) {
	s := pgtest.Open(t)
	url := s.URL()
	open := func() *postgres.Engine {
		e, err := postgres.Open(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	keys := make([]string, 200)
	for i := range keys {
		keys[i] = fmt.Sprint("key", i)
	}
	all := func(engines ...*postgres.Engine) (whole bool, share []int) {
		whole, share = true, make([]int, len(engines))
		for _, k := range keys {
			held := 0
			for i, e := range engines {
				if e.Holds(k) {
					held++
					share[i]++
				}
			}
			if held > 1 {
				t.Fatalf("%d nodes hold %s", held, k)
			}
			whole = whole && held == 1
		}
		return whole, share
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	a := open()
	defer a.Close()
	if whole, _ := all(a); !whole {
		t.Error("a node that is alone does not hold everything at once")
	}
	b := open()
	until("two nodes do not share", func() bool {
		whole, share := all(a, b)
		return whole && share[0] > 50 && share[1] > 50
	})
	idle, err := postgres.OpenIdle(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	until("nobody took over", func() bool { whole, share := all(a); return whole && share[0] == len(keys) })
	time.Sleep(1500 * time.Millisecond) // in which it sees the idle one
	if whole, _ := all(a, idle); !whole || idle.Holds(keys[0]) {
		t.Error("one that does no work has some")
	}
}
