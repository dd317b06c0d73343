package sim_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"florin/internal/audit"
	"florin/internal/clock"
	"florin/internal/domain/account"
	"florin/internal/server"
	"florin/internal/store"
	"florin/internal/webhook"
)

// A world is a server and what is done to it. Everything that it does follows from the seed: ids are the server's own, but which of them is used
// is drawn by its place in a pool.
type world struct {
	rand        *rand.Rand
	folder      string
	clock       *clock.Manual
	srv         *server.Server
	stop        func() // ends the deliverer of srv
	secret      string // of the first account, a platform in the United States, whose name is ""
	publishable string
	own         string               // its id
	scope       store.Scope          // the first account's
	shops       map[string]*merchant // accounts beside it, by "@" and their country
	countries   []string             // the names of shops, in the order in which they were made
	sink        *sink
	log         *complaints
	follow      *audit.Follower

	pools   map[string][]thing // by object, and by object/status
	status  map[thing]string   // the pool object/status in which a thing is
	owner   map[string]string  // whose an id is, of those that were shown
	parent  map[string]string  // what a thing belongs to: a card's customer, a reversal's transfer
	keyed   []keyed            // requests under idempotency keys
	keys    int
	rules   int      // of Radar's, that were written
	pages   []string // for a browser, not opened yet
	recent  []string // the last requests, for the report of a failure
	step    int
	name    string // of the step
	restart int
	tallies map[string]*tally // by step
	routes  map[string]*tally // by operation
	seen    map[string]int    // by object/status, and other things that should come about
	audits  int
	checked int64 // deliveries that were looked at

	mu  sync.Mutex
	err error // what went wrong first
}

// A merchant is an account that has nothing to do with the first.
type merchant struct{ country, secret string }

// A thing is an object that an answer showed: its id, and whose it is: "" the first account's, "acct_…" of a connected account, "@DE" of a shop.
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

func (t *tally) add(status int) {
	switch status {
	case 200:
		t.ok++
	case 402:
		t.declined++
	default:
		t.refused++
	}
}

const (
	poolSize  = 60
	shownLast = 25
)

// abroad are where shops may be; a world has six of them, so that in time every type of payment method is used.
var abroad = []string{"DE", "FR", "NL", "GB", "MX", "JP", "BR", "AU", "CA", "NZ", "SG", "TH", "MY", "PL", "SE", "CH", "IN", "HK", "IT", "PT"}

func newWorld(seed uint64, folder string) (*world, error) {
	w := &world{
		rand: rand.New(rand.NewPCG(seed, 0)), folder: folder, clock: clock.NewManual(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)),
		log: &complaints{}, follow: audit.NewFollower(), shops: map[string]*merchant{}, pools: map[string][]thing{}, status: map[thing]string{},
		owner: map[string]string{}, parent: map[string]string{}, tallies: map[string]*tally{}, routes: map[string]*tally{}, seen: map[string]int{},
	}
	w.sink = newSink(w)
	if err := w.open(); err != nil {
		return w, err
	}
	for _, n := range w.rand.Perm(len(abroad))[:6] {
		made, err := w.srv.Accounts.Create(context.Background(), account.Spec{Country: abroad[n]})
		if err != nil {
			return w, err
		}
		name := "@" + abroad[n]
		for _, k := range made.Keys {
			if k.Type == account.Secret && !k.Livemode {
				w.shops[name] = &merchant{abroad[n], k.Secret}
			}
		}
		w.countries = append(w.countries, name)
	}
	return w, nil
}

// inMemory is a file system without a disk: what a sync is worth, package test/crash shows, and half of a world's time would be waiting for it.
func inMemory() string {
	const shm = "/dev/shm"
	if s, err := os.Stat(shm); err == nil && s.IsDir() && os.Getenv("TMPDIR") == "" {
		return shm
	}
	return ""
}

// open opens the server in the folder, and lets a deliverer of the world's own send what waits. Tasks are done by the world, when it moves the
// clock: in the background they would be done at moments that do not follow from the seed.
func (w *world) open() error {
	log := slog.New(w.log)
	srv, err := server.New(server.Config{Data: w.folder, Clock: w.clock, Log: log})
	if err != nil {
		return err
	}
	w.follow.Attach(srv.DB())
	srv.DB().OnCommit(w.delivered)
	srv.App.Base = "http://florin.test"
	first, err := srv.Starter(context.Background())
	if err != nil {
		return errors.Join(err, srv.Close())
	}
	if w.secret != "" && w.secret != first.SecretKey {
		return errors.Join(errors.New("after the restart, the account has another key"), srv.Close())
	}
	who, err := srv.App.Authenticate(context.Background(), first.SecretKey, "")
	if err != nil {
		return errors.Join(err, srv.Close())
	}
	w.srv, w.secret, w.publishable, w.own, w.scope = srv, first.SecretKey, first.PublishableKey, first.Account, who.Scope
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
	if w.srv == nil {
		return nil
	}
	return w.shut()
}

// reopen closes the server, opens it on the same folder, and holds what it finds there to the rules.
func (w *world) reopen() {
	if err := w.shut(); err != nil {
		w.fail("close: %v", err)
	}
	if err := w.open(); err != nil {
		w.srv = nil
		w.fail("open again: %v", err)
		return
	}
	w.restart++
	w.note("closed and opened again")
	w.audit()
}

// advance moves the clock, and does what is due on the way when it is due.
func (w *world) advance(by time.Duration) {
	to := w.clock.Now().Add(by)
	for !w.failed() {
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
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = fmt.Errorf("step %d (%s): %s", w.step, w.name, fmt.Sprintf(format, a...))
	}
}

func (w *world) failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err != nil
}

// report is the failure, with what led to it.
func (w *world) report() string {
	return fmt.Sprintf("%v\nthe last requests:\n    %s", w.err, strings.Join(w.recent, "\n    "))
}

func (w *world) note(format string, a ...any) {
	line := fmt.Sprintf("%d %s: ", w.step, w.name) + fmt.Sprintf(format, a...)
	w.recent = append(w.recent, line)
	if len(w.recent) > shownLast {
		w.recent = w.recent[1:]
	}
}
