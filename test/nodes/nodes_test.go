// Package nodes runs two florins on one PostgreSQL, and holds them to what one promises: a key has one effect whichever of them is asked, and when either
// is killed under load, clients that try again at the other see every payment exactly once.
//
//	go test ./test/nodes -v -kills 20
//	go test ./test/nodes -v -seed 42      # the same moments, as far as the machine's scheduler allows
package nodes

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/store/postgres/pgtest"
	"florin/test/sdk/binary"
)

var (
	kills = flag.Int("kills", 3, "how many times to kill a node")
	seed  = flag.Uint64("seed", 0, "seed of the moments; 0 picks one")
)

const workers = 8

// A pair is two nodes, of which either may be down.
type pair struct {
	t    *testing.T
	path string
	dir  string
	url  string
	http *http.Client
	key  string

	mu    sync.RWMutex
	nodes [2]*binary.Server
}

// start starts both nodes at once, on a database that is empty the first time.
func start(t *testing.T) *pair {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: starts and kills real processes")
	}
	pg := pgtest.Own(t)
	path, err := binary.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{t: t, path: path, dir: t.TempDir(), url: pg.Named("nodes"), http: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 4 * workers}, Timeout: 20 * time.Second,
	}}
	var both sync.WaitGroup
	for i := range p.nodes {
		both.Go(func() { p.run(i) })
	}
	both.Wait()
	t.Cleanup(func() {
		for _, s := range p.nodes {
			if s != nil {
				s.Kill()
			}
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	if p.nodes[0].SecretKey != p.nodes[1].SecretKey || p.nodes[0].Account != p.nodes[1].Account {
		t.Fatalf("the nodes have made an account each: %s and %s", p.nodes[0].Account, p.nodes[1].Account)
	}
	p.key = p.nodes[0].SecretKey
	return p
}

// run starts a node.
func (p *pair) run(i int) {
	s, err := binary.Start(p.path, p.data(i), "--store", p.url, "--vault", "file:"+filepath.Join(p.dir, "vault.key"), "--log-level", "error")
	if err != nil {
		p.t.Error(err)
		return
	}
	p.mu.Lock()
	p.nodes[i] = s
	p.mu.Unlock()
}

func (p *pair) data(i int) string { return filepath.Join(p.dir, fmt.Sprint("node", i)) }

// send does one request at a node. An error means that nothing was answered.
func (p *pair) send(node int, method, path string, form url.Values, key string) (int, []byte, error) {
	p.mu.RLock()
	s := p.nodes[node]
	p.mu.RUnlock()
	target, body := s.HTTP+path, io.Reader(nil)
	if method == http.MethodGet {
		target += "?" + form.Encode()
	} else {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, target, body)
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth(p.key, "")
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := p.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, text, errors.Join(err, res.Body.Close())
}

// must does a request that is answered with 200, and reads the answer.
func (p *pair) must(node int, method, path string, form url.Values, into any) {
	p.t.Helper()
	code, text, err := p.send(node, method, path, form, fmt.Sprint("must", rand.Uint64()))
	if err != nil || code != http.StatusOK {
		p.t.Fatalf("%s %s: %d %s %v", method, path, code, text, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pair) audit() {
	p.t.Helper()
	cmd := exec.Command(p.path, "audit", "--data", p.data(0)+"-audit", "--vault", "file:"+filepath.Join(p.dir, "vault.key"))
	cmd.Env = append(os.Environ(), "FLORIN_STORE="+p.url)
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Errorf("florin audit: %v\n%s", err, out)
	}
}

func payment(key string) url.Values {
	return url.Values{
		"amount": {"2000"}, "currency": {"usd"}, "payment_method": {"pm_card_visa"}, "confirm": {"true"}, "payment_method_types[]": {"card"},
		"metadata[key]": {key},
	}
}

// TestOneKey sends requests with one key to both nodes at once: each makes one payment, and who is not told of it is told that it is being made.
func TestOneKey(t *testing.T) {
	p := start(t)
	const keys, each = 40, 6
	for k := range keys {
		key := fmt.Sprint("same", k)
		answers := make([]string, each)
		var all sync.WaitGroup
		for i := range each {
			all.Go(func() {
				for {
					code, text, err := p.send(i%2, http.MethodPost, "/v1/payment_intents", payment(key), key)
					switch {
					case err != nil || code != http.StatusOK && code != http.StatusConflict:
						t.Errorf("%d %s %v", code, text, err)
						return
					case code == http.StatusOK:
						answers[i] = string(text)
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			})
		}
		all.Wait()
		for _, a := range answers {
			if a != answers[0] {
				t.Fatalf("two answers to one key:\n%s\n%s", answers[0], a)
			}
		}
	}
	if n := len(p.payments(0)); n != keys {
		t.Errorf("%d payments, want %d", n, keys)
	}
	p.audit()
}

// payments are the payment intents by the key that they were made with, and how many charges each has.
func (p *pair) payments(node int) map[string]int {
	found := map[string]int{}
	type intent struct {
		ID       string
		Status   string
		Metadata map[string]string
	}
	after := ""
	for {
		form := url.Values{"limit": {"100"}}
		if after != "" {
			form.Set("starting_after", after)
		}
		var page struct {
			Data []intent
			More bool `json:"has_more"`
		}
		p.must(node, http.MethodGet, "/v1/payment_intents", form, &page)
		for _, pi := range page.Data {
			key := pi.Metadata["key"]
			if _, twice := found[key]; twice {
				p.t.Errorf("%s was paid twice", key)
			}
			if pi.Status != "succeeded" {
				p.t.Errorf("%s of %s is %s", pi.ID, key, pi.Status)
			}
			found[key] = 1
			after = pi.ID
		}
		if !page.More {
			return found
		}
	}
}

// charges counts the charges, by intent.
func (p *pair) charges(node int) (all int, most int) {
	by := map[string]int{}
	after := ""
	for {
		form := url.Values{"limit": {"100"}}
		if after != "" {
			form.Set("starting_after", after)
		}
		var page struct {
			Data []struct {
				ID     string
				Intent string `json:"payment_intent"`
			}
			More bool `json:"has_more"`
		}
		p.must(node, http.MethodGet, "/v1/charges", form, &page)
		for _, ch := range page.Data {
			all++
			by[ch.Intent]++
			most = max(most, by[ch.Intent])
			after = ch.ID
		}
		if !page.More {
			return all, most
		}
	}
}

// TestKillOne kills a node under load, again and again, now the one and now the other.
func TestKillOne(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(rand.Uint32())
	}
	t.Logf("again with -seed %d", *seed)
	p := start(t)
	random := rand.New(rand.NewPCG(*seed, 0))

	var hooks hooks
	hook := httptest.NewServer(&hooks)
	defer hook.Close()
	var endpoint struct{ ID string }
	p.must(1, http.MethodPost, "/v1/webhook_endpoints", url.Values{"url": {hook.URL}, "enabled_events[]": {"payment_intent.succeeded"}}, &endpoint)

	stop := make(chan struct{})
	var all sync.WaitGroup
	var retried atomic.Int64
	done := make([]int, workers)
	for w := range workers {
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprintf("pay-%d-%d", w, i)
				for try := 0; ; try++ {
					code, text, err := p.send((w+i+try)%2, http.MethodPost, "/v1/payment_intents", payment(key), key)
					if err == nil && code == http.StatusOK {
						break
					}
					if err == nil && code != http.StatusConflict && code != http.StatusTooManyRequests && code < 500 {
						t.Errorf("%s: %d %s", key, code, text)
						return
					}
					if retried.Add(1); try > 2000 {
						t.Errorf("%s is never answered: %d %s %v", key, code, text, err)
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
				done[w] = i + 1
			}
		})
	}
	var slowest time.Duration
	for k := range *kills {
		time.Sleep(time.Duration(300+random.IntN(1200)) * time.Millisecond)
		p.mu.RLock()
		victim := p.nodes[k%2]
		p.mu.RUnlock()
		if err := victim.Kill(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
		began := time.Now()
		p.run(k % 2)
		slowest = max(slowest, time.Since(began))
	}
	time.Sleep(500 * time.Millisecond)
	close(stop)
	all.Wait()

	want := 0
	for _, n := range done {
		want += n
	}
	for node := range p.nodes {
		found := p.payments(node)
		for w, n := range done {
			for i := range n {
				if key := fmt.Sprintf("pay-%d-%d", w, i); found[key] != 1 {
					t.Errorf("node %d: %s is lost", node, key)
				}
			}
		}
		if len(found) != want {
			t.Errorf("node %d: %d payments, want %d", node, len(found), want)
		}
		if n, most := p.charges(node); n != want || most > 1 {
			t.Errorf("node %d: %d charges for %d payments, %d for one", node, n, want, most)
		}
	}
	began := time.Now()
	for end := began.Add(90 * time.Second); hooks.events() < want; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("%d of %d events were delivered", hooks.events(), want)
			break
		}
	}
	t.Logf("%d payments, %d kills, %d requests tried again; %d events delivered, %d more than once, the last %v after the load; slowest start %v",
		want, *kills, retried.Load(), hooks.events(), hooks.twice.Load(), time.Since(began).Round(time.Millisecond), slowest.Round(time.Millisecond))
	for i, s := range p.nodes {
		p.nodes[i] = nil
		if err := s.Stop(); err != nil {
			t.Errorf("node %d: %v\n%s", i, err, s.Output())
		}
	}
	p.audit()
}

// hooks counts the events that a webhook endpoint is sent.
type hooks struct {
	seen  sync.Map
	n     atomic.Int64
	twice atomic.Int64
}

func (h *hooks) events() int { return int(h.n.Load()) }

func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var ev struct{ ID string }
	if err := json.NewDecoder(r.Body).Decode(&ev); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if _, again := h.seen.LoadOrStore(ev.ID, true); again {
		h.twice.Add(1)
		return
	}
	h.n.Add(1)
}
