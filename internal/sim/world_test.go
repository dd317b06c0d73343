package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"florin/internal/api"
	"florin/internal/audit"
	"florin/internal/clock"
	"florin/internal/search"
	"florin/internal/server"
	"florin/internal/shape"
	"florin/internal/spec"
	"florin/internal/store"
	"florin/internal/webhook"
)

// A world is a server and what is done to it. Everything that it does follows from the seed: ids are the server's own, but which of them is used
// is drawn by its place in a pool.
type world struct {
	rand   *rand.Rand
	folder string
	clock  *clock.Manual
	srv    *server.Server
	stop   func() // ends the deliverer of srv
	secret string
	sink   *sink
	log    *complaints

	pools   map[string][]thing // by object
	keyed   []keyed            // requests under idempotency keys
	keys    int
	pages   []string // of 3D Secure, not opened yet
	recent  []string // the last requests, for the report of a failure
	step    int
	name    string // of the step
	restart int
	answers map[string]*tally // by step
	audits  int
	checked int64
	err     error // what went wrong
}

// A thing is an object that an answer showed: its id, and the connected account that it is of ("" for the platform).
type thing struct{ id, account string }

// A keyed is a request under an idempotency key, and its answer.
type keyed struct {
	key, path, account string
	form               url.Values
	status             int
	body               []byte
	at                 time.Time
}

// A tally counts answers.
type tally struct{ ok, declined, refused int }

const (
	poolSize  = 60
	shownLast = 25
)

func newWorld(seed uint64, folder string) (*world, error) {
	w := &world{
		rand: rand.New(rand.NewPCG(seed, 0)), folder: folder, clock: clock.NewManual(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)),
		log: &complaints{}, pools: map[string][]thing{}, answers: map[string]*tally{},
	}
	w.sink = newSink()
	return w, w.open()
}

// open opens the server in the folder, and lets a deliverer of the world's own send what waits. Tasks are done by the world, when it moves the
// clock: in the background they would be done at moments that do not follow from the seed.
func (w *world) open() error {
	log := slog.New(w.log)
	srv, err := server.New(server.Config{Data: w.folder, Clock: w.clock, Log: log})
	if err != nil {
		return err
	}
	srv.App.Base = "http://florin.test"
	first, err := srv.Starter(context.Background())
	if err != nil {
		return errors.Join(err, srv.Close())
	}
	if w.secret != "" && w.secret != first.SecretKey {
		return errors.Join(errors.New("after the restart, the account has another key"), srv.Close())
	}
	w.srv, w.secret = srv, first.SecretKey
	d := webhook.New(srv.App, srv.DB(), srv.Vault, w.clock, log)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	w.stop = func() {
		cancel()
		running.Wait()
	}
	return nil
}

func (w *world) shut() error {
	w.stop()
	return w.srv.Close()
}

func (w *world) close() error {
	w.sink.Close()
	return w.shut()
}

// complaints are what the server logged as errors: it has none to log in a world without outages.
type complaints struct {
	mu    sync.Mutex
	first string
}

func (c *complaints) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (c *complaints) WithAttrs([]slog.Attr) slog.Handler           { return c }
func (c *complaints) WithGroup(string) slog.Handler                { return c }
func (c *complaints) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == "" {
		c.first = r.Message
		r.Attrs(func(a slog.Attr) bool {
			c.first += " " + a.String()
			return true
		})
	}
	return nil
}

func (c *complaints) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first
}

func (w *world) fail(format string, a ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("step %d (%s): %s", w.step, w.name, fmt.Sprintf(format, a...))
	}
}

// report is the failure, with what led to it.
func (w *world) report() string {
	return fmt.Sprintf("%v\nthe last requests:\n    %s", w.err, strings.Join(w.recent, "\n    "))
}

// A reply is an answer.
type reply struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

func (r *reply) at(path ...string) any {
	var v any = r.json
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (r *reply) text(path ...string) string {
	s, _ := r.at(path...).(string)
	return s
}

// form makes a form of pairs, leaving out those without a value.
func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			f.Add(pairs[i], pairs[i+1])
		}
	}
	return f
}

func (w *world) post(account, path string, pairs ...string) *reply {
	f := form(pairs...)
	if w.rand.IntN(8) > 0 {
		return w.ask("POST", account, path, f, "")
	}
	w.keys++
	k := keyed{key: "key-" + strconv.Itoa(w.keys), path: path, account: account, form: f, at: w.clock.Now()}
	r := w.ask("POST", account, path, f, k.key)
	// An endpoint's secret is not kept: the answer is made anew of the endpoint, which may be gone. That is a known fault.
	if (r.status == 200 || r.status == 402) && path != "/v1/webhook_endpoints" { // other refusals are kept only if they are of the state
		k.status, k.body = r.status, r.body
		w.keyed = append(w.keyed, k)
		if len(w.keyed) > poolSize {
			w.keyed = w.keyed[1:]
		}
	}
	return r
}

func (w *world) get(account, path string, pairs ...string) *reply {
	return w.ask("GET", account, path, form(pairs...), "")
}

// ask sends a request, and checks what can be checked of every answer.
func (w *world) ask(method, account, path string, f url.Values, key string) *reply {
	encoded := f.Encode()
	target, body := path, ""
	if method == "POST" {
		body = encoded
	} else if encoded != "" {
		target += "?" + encoded
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Authorization", "Bearer "+w.secret)
	if account != "" {
		r.Header.Set("Stripe-Account", account)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	rec := httptest.NewRecorder()
	w.srv.ServeHTTP(rec, r)
	out := &reply{status: rec.Code, header: rec.Result().Header, body: rec.Body.Bytes()}
	d := json.NewDecoder(bytes.NewReader(out.body))
	d.UseNumber()
	if err := d.Decode(&out.json); err != nil {
		w.fail("%s %s: %v: %s", method, path, err, out.body)
	}
	w.note("%s %s %s %s%s → %d %s%s", method, path, encoded, account, prefixed(" key=", key), out.status, out.text("id"), out.text("error", "message"))
	switch t := w.tally(); {
	case out.status == 200:
		t.ok++
	case out.status == 402:
		t.declined++
	default:
		t.refused++
	}
	if out.status >= 500 && out.status != 501 { // which says what Florin does not have yet
		w.fail("%s %s %s: %d %s", method, path, encoded, out.status, out.body)
	}
	if op, _, ok := spec.Find(method, path); ok {
		for _, wrong := range shape.Check(op, out.status, out.body) {
			w.fail("%s %s: the answer's shape: %s\n%s", method, path, wrong, out.body)
		}
	}
	w.harvest(account, out.json, 0)
	return out
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func (w *world) note(format string, a ...any) {
	line := fmt.Sprintf("%d %s: ", w.step, w.name) + fmt.Sprintf(format, a...)
	w.recent = append(w.recent, line)
	if len(w.recent) > shownLast {
		w.recent = w.recent[1:]
	}
}

func (w *world) tally() *tally {
	if w.answers[w.name] == nil {
		w.answers[w.name] = &tally{}
	}
	return w.answers[w.name]
}

// harvest keeps the ids of what an answer shows: itself, what it lists, and the charge of an intent.
func (w *world) harvest(account string, m map[string]any, depth int) {
	object, _ := m["object"].(string)
	id, _ := m["id"].(string)
	if deleted, _ := m["deleted"].(bool); deleted || object == "" {
		return
	}
	if object == "list" || object == "search_result" {
		data, _ := m["data"].([]any)
		for i, one := range data {
			if o, ok := one.(map[string]any); ok && i < 3 && depth == 0 {
				w.harvest(account, o, 1)
			}
		}
		return
	}
	if id == "" {
		return
	}
	w.keep(object, thing{id, account})
	if ch, _ := m["latest_charge"].(string); ch != "" {
		w.keep("charge", thing{ch, account})
	}
	for _, name := range []string{"balance_transaction", "transfer", "application_fee"} {
		if s, _ := m[name].(string); s != "" {
			w.keep(name, thing{s, account})
		}
	}
	if action, _ := m["next_action"].(map[string]any); action != nil {
		if to, _ := action["redirect_to_url"].(map[string]any); to != nil {
			if u, _ := to["url"].(string); u != "" {
				w.pages = append(w.pages, u)
			}
		}
	}
}

func (w *world) keep(object string, t thing) {
	pool := w.pools[object]
	for _, have := range pool {
		if have == t {
			return
		}
	}
	if len(pool) >= poolSize {
		pool = pool[1:]
	}
	w.pools[object] = append(pool, t)
}

// some draws a thing, more often a young one. ok is false where there is none.
func (w *world) some(object string) (t thing, ok bool) {
	pool := w.pools[object]
	if len(pool) == 0 {
		return thing{}, false
	}
	n := min(w.rand.IntN(len(pool)), w.rand.IntN(len(pool)))
	return pool[len(pool)-1-n], true
}

// someOf is some, of one account: its id, or "".
func (w *world) someOf(object, account string) string {
	for range 5 {
		if t, ok := w.some(object); ok && t.account == account {
			return t.id
		}
	}
	return ""
}

func (w *world) chance(percent int) bool { return w.rand.IntN(100) < percent }

func (w *world) pick(s ...string) string { return s[w.rand.IntN(len(s))] }

// maybe is a value, or nothing.
func (w *world) maybe(percent int, s string) string {
	if w.chance(percent) {
		return s
	}
	return ""
}

// between draws an amount.
func (w *world) between(low, high int64) string {
	return strconv.FormatInt(low+w.rand.Int64N(high-low+1), 10)
}

// advance moves the clock, and does what is due on the way when it is due.
func (w *world) advance(by time.Duration) {
	to := w.clock.Now().Add(by)
	for w.err == nil {
		next, err := w.srv.App.RunDue(context.Background())
		if err != nil {
			w.fail("what is due: %v", err)
		}
		if next == 0 || next > to.Unix() {
			break
		}
		if at := time.Unix(next, 0); at.After(w.clock.Now()) {
			w.clock.Set(at)
		}
	}
	w.clock.Set(to)
	w.note("the clock moves by %v to %s", by, to.Format(time.DateTime))
}

// reopen closes the server and opens it on the same folder.
func (w *world) reopen() {
	if err := w.shut(); err != nil {
		w.fail("close: %v", err)
	}
	if err := w.open(); err != nil {
		w.fail("open again: %v", err)
		return
	}
	w.restart++
	w.note("closed and opened again")
}

// audit holds all that is stored to the rules.
func (w *world) audit() {
	if w.err != nil {
		return
	}
	w.name = "audit"
	w.settle()
	var out strings.Builder
	findings, err := audit.Run(context.Background(), w.srv.DB(), &out)
	if err != nil {
		w.fail("%v", err)
	}
	if findings > 0 {
		w.fail("\n%s", out.String())
	}
	w.audits++
	w.deliveries()
}

// settle waits until the deliverer has nothing to send.
func (w *world) settle() {
	for range 3000 {
		if w.due() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.fail("%d deliveries are due and are not sent", w.due())
}

// due counts the deliveries whose time has come.
func (w *world) due() (n int) {
	now := w.clock.Now().Unix()
	w.scan(store.Query{Scope: store.System, Index: "_delivery.queue", Value: "due", Ascending: true}, func(d *store.Doc) bool {
		if d.Created <= now {
			n++
		}
		return d.Created <= now && n < 1000
	})
	return n
}

func (w *world) scan(q store.Query, yield func(*store.Doc) bool) {
	snap, err := w.srv.DB().Snapshot(context.Background())
	if err == nil {
		err = snap.Scan(q, yield)
		snap.Close()
	}
	if err != nil {
		w.fail("%v", err)
	}
}

// deliveries checks that every delivery was confirmed by the sink, or failed as often as is designed, or waits for a time to come.
func (w *world) deliveries() {
	now := w.clock.Now().Unix()
	for _, t := range w.pools["webhook_endpoint"] {
		w.scan(store.Query{Scope: store.System, Index: "_delivery.endpoint", Value: search.Fold(t.id)}, func(doc *store.Doc) bool {
			var d api.Delivery
			if err := json.Unmarshal(doc.Body, &d); err != nil {
				w.fail("%s: %v", doc.ID, err)
				return false
			}
			w.checked++
			if d.Queue == "due" {
				if doc.Created <= now {
					w.fail("%s is overdue", doc.ID)
				}
				return w.err == nil
			}
			if len(d.Attempts) == 0 {
				return true
			}
			switch last := d.Attempts[len(d.Attempts)-1]; {
			case last.Status >= 200 && last.Status < 300:
				if !w.sink.has(d.Event, d.Endpoint) {
					w.fail("%s is said to be confirmed, and the sink did not confirm it", doc.ID)
				}
			case d.Queue == "": // stopped: its endpoint was disabled when it was due
			default:
				if _, again := webhook.Retry(d.Attempts, false); again {
					w.fail("%s failed after %d attempts, and more were to come: %s", doc.ID, len(d.Attempts), doc.Body)
				}
			}
			return w.err == nil
		})
	}
}

// A sink takes webhooks, and refuses one of seven.
type sink struct {
	*httptest.Server
	mu        sync.Mutex
	n         int
	confirmed map[string]struct{} // event, and endpoint as the world knows it by its path
	endpoints map[string]string   // endpoint by path
}

func newSink() *sink {
	s := &sink{confirmed: map[string]struct{}{}, endpoints: map[string]string{}}
	s.Server = httptest.NewServer(s)
	return s
}

func (s *sink) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var event struct{ ID string }
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &event) != nil || r.Header.Get("Stripe-Signature") == "" {
		http.Error(rw, "what is this?", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n++; s.n%7 == 0 {
		http.Error(rw, "not now", http.StatusServiceUnavailable)
		return
	}
	s.confirmed[r.URL.Path+" "+event.ID] = struct{}{}
}

func (s *sink) has(event, endpoint string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.confirmed[s.endpoints[endpoint]+" "+event]
	return ok
}

func (s *sink) called(endpoint, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints[endpoint] = path
}
