package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"florin/internal/server"
	"florin/internal/server/servertest"
	"florin/internal/store/postgres/pgtest"
)

// two opens two servers on one database, with work in the background.
func two(t *testing.T) [2]*servertest.Server {
	t.Helper()
	url, keys := pgtest.Open(t).URL(), "file:"+filepath.Join(t.TempDir(), "vault.key")
	on := func(c *server.Config) { c.Postgres, c.Vault = url, keys }
	var nodes [2]*servertest.Server
	for i := range nodes {
		nodes[i] = servertest.New(t, on, servertest.RealTime)
		if i > 0 { // which only the first was told
			nodes[i].Secret, nodes[i].LiveSecret = nodes[0].Secret, nodes[0].LiveSecret
		}
		nodes[i].Work()
	}
	if nodes[0].Account != nodes[1].Account {
		t.Fatalf("two first accounts: %s and %s", nodes[0].Account, nodes[1].Account)
	}
	return nodes
}

func until(t *testing.T, within time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > within {
			t.Fatalf("after %v: %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}

// TestNodesHearOfKeys ends a key on one node, and the other, which has it at hand, refuses it within a second.
func TestNodesHearOfKeys(t *testing.T) {
	nodes := two(t)
	ask := func(node int) int {
		r := httptest.NewRequest(http.MethodGet, "/v1/balance", nil)
		r.SetBasicAuth(nodes[0].Secret, "")
		w := httptest.NewRecorder()
		nodes[node].ServeHTTP(w, r)
		return w.Code
	}
	for i := range nodes {
		if code := ask(i); code != http.StatusOK {
			t.Fatalf("node %d answers %d", i, code)
		}
	}
	time.Sleep(1500 * time.Millisecond) // the nodes know of each other
	if _, err := nodes[0].Accounts.Expire(context.Background(), nodes[0].Secret, 0); err != nil {
		t.Fatal(err)
	}
	took := until(t, time.Second, "the other node takes a key that has ended", func() bool { return ask(1) == http.StatusUnauthorized })
	t.Logf("refused after %v", took)
}

// TestNodesShareWork has tasks and deliveries of both nodes done, each once, whichever node they come from.
func TestNodesShareWork(t *testing.T) {
	nodes := two(t)
	var mu sync.Mutex
	seen := map[string]int{}
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var ev struct{ ID string }
		json.NewDecoder(r.Body).Decode(&ev)
		mu.Lock()
		seen[ev.ID]++
		mu.Unlock()
	}))
	defer hook.Close()
	const endpoints, customers = 4, 12
	for i := range endpoints { // each is one node's
		r := nodes[i%2].Post("/v1/webhook_endpoints", "url", fmt.Sprint(hook.URL, "/", i), "enabled_events[]", "customer.created")
		if r.Status != http.StatusOK {
			t.Fatalf("%s", r.Body)
		}
	}
	for i := range customers {
		if r := nodes[i%2].Post("/v1/customers", "name", "Jenny"); r.Status != http.StatusOK {
			t.Fatalf("%s", r.Body)
		}
	}
	until(t, 30*time.Second, "events that nobody sends", func() bool {
		mu.Lock()
		defer mu.Unlock()
		sent := 0
		for _, n := range seen {
			sent += n
		}
		return sent >= endpoints*customers
	})
	time.Sleep(500 * time.Millisecond) // for what would be sent once more
	mu.Lock()
	defer mu.Unlock()
	for id, n := range seen {
		if n != endpoints {
			t.Errorf("%s was sent %d times to %d endpoints", id, n, endpoints)
		}
	}
}
