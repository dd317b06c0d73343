package testclock_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/audit"
	"florin/internal/domain/testclock"
	"florin/internal/server"
	"florin/internal/server/servertest"
	"florin/internal/store"
	"florin/internal/store/postgres/pgtest"
)

// A rung is what the tasks of these tests leave behind.
type rung struct {
	api.Meta
	What string `json:"what"`
	Real int64  `json:"real"`
}

var rungs = &api.Kind[rung]{Name: "_rung", Internal: true, Dated: true}

// bells is a domain whose tasks ring: each leaves a rung at its time. "chain 3" asks for "chain 2" ten seconds later, and so on.
type bells struct {
	before func(what string) error
	clock  string // of what is "sent" outside and comes back
}

func (b *bells) Routes(r *api.Router) {
	r.Kind(rungs)
	r.Task("ring", b.ring)
}

func (b *bells) ring(c *api.Call, what string) error {
	if b.before != nil {
		if err := b.before(what); err != nil {
			return err
		}
	}
	var links int
	if n, _ := fmt.Sscanf(what, "chain %d", &links); n == 1 && links > 0 {
		c.At(c.Now()+10, "ring", fmt.Sprintf("chain %d", links-1))
	}
	if strings.HasPrefix(what, "sent") {
		c.Send(func(context.Context) func(*api.Call) error {
			return func(c *api.Call) error {
				if err := testclock.Enter(c, &b.clock); err != nil {
					return err
				}
				return leave(c, what)
			}
		})
		return nil
	}
	if strings.HasPrefix(what, "later") {
		c.Later(func(c *api.Call) error { return leave(c, what) })
		return nil
	}
	return leave(c, what)
}

func leave(c *api.Call, what string) error {
	ru := rungs.New(c, "_rung:"+what)
	ru.What = what
	if err := c.InRealTime(func() error { ru.Real = c.Now(); return nil }); err != nil {
		return err
	}
	return c.Save(ru)
}

type world struct {
	*servertest.Server
	t     *testing.T
	bells *bells
	clock string
}

func newWorld(t *testing.T, o ...servertest.Option) *world {
	w := &world{Server: servertest.New(t, o...), t: t, bells: &bells{}}
	w.App.Use(w.bells)
	return w
}

func (w *world) make(frozen int64) {
	w.clock = w.Post("/v1/test_helpers/test_clocks", "frozen_time", strconv.FormatInt(frozen, 10)).Text("id")
}

func (w *world) advance(to int64) {
	w.t.Helper()
	if r := w.Post("/v1/test_helpers/test_clocks/"+w.clock+"/advance", "frozen_time", strconv.FormatInt(to, 10)); r.Status != 200 {
		w.t.Fatalf("advance to %d: %d %s", to, r.Status, r.Body)
	}
}

func (w *world) status() string {
	return w.Get("/v1/test_helpers/test_clocks/" + w.clock).Text("status")
}

// do runs f in a call of the account.
func (w *world) do(f func(c *api.Call) error) error {
	who, err := w.App.Authenticate(w.t.Context(), w.Secret, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return w.App.Do(w.t.Context(), who.Scope, f)
}

// at asks for rings on the clock.
func (w *world) at(rings map[string]int64) {
	w.t.Helper()
	err := w.do(func(c *api.Call) error {
		if err := testclock.Enter(c, &w.clock); err != nil {
			return err
		}
		for what, when := range rings {
			c.At(when, "ring", what)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run(ctx context.Context) {
	w.t.Helper()
	if _, err := w.App.RunDue(ctx); err != nil && ctx.Err() == nil {
		w.t.Fatal(err)
	}
}

// rung is what has rung so far and when, in that order.
func (w *world) rung(want ...string) {
	w.t.Helper()
	var got []string
	snap, err := w.DB().Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer snap.Close()
	var docs []store.Doc
	if err := snap.Walk(func(d *store.Doc) bool {
		if d.Kind == rungs.Name {
			docs = append(docs, *d)
		}
		return true
	}); err != nil {
		w.t.Fatal(err)
	}
	slices.SortFunc(docs, func(a, b store.Doc) int { return int(a.Seq - b.Seq) })
	for _, d := range docs {
		got = append(got, fmt.Sprintf("%s@%d", d.ID[len("_rung:"):], d.Created))
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("rung %q, want %q", got, want)
	}
}

// What is due on a clock is done in its order and at its time, and so is what is asked for on the way; the rest waits for the next advance.
func TestOrder(t *testing.T) {
	w := newWorld(t)
	w.make(1000)
	w.at(map[string]int64{"late": 5000, "second": 2020, "chain 3": 2000, "first": 1001})
	w.run(t.Context())
	w.rung()
	w.advance(2025)
	w.run(t.Context())
	w.rung("first@1001", "chain 3@2000", "chain 2@2010", "second@2020", "chain 1@2020")
	w.advance(9000)
	w.run(t.Context())
	w.rung("first@1001", "chain 3@2000", "chain 2@2010", "second@2020", "chain 1@2020", "chain 0@2030", "late@5000")
	if got := w.status(); got != "ready" {
		t.Errorf("the clock is %s", got)
	}
}

// What a task leaves for the end of its call is done at the task's time, and so is what comes back from outside, though the clock is advanced.
func TestLeft(t *testing.T) {
	w := newWorld(t)
	w.make(1000)
	w.bells.clock = w.clock
	w.at(map[string]int64{"later": 1500, "sent": 1600, "last": 1700})
	w.advance(2000)
	w.run(t.Context())
	w.rung("later@1500", "sent@1600", "last@1700")
	if got := w.status(); got != "ready" {
		t.Errorf("the clock is %s", got)
	}
}

// The tasks of real time and those of a clock do not see each other.
func TestApart(t *testing.T) {
	w := newWorld(t)
	w.make(1000)
	now := w.Clock.Now().Unix()
	w.at(map[string]int64{"same": now + 60})
	if err := w.do(func(c *api.Call) error { c.At(now+60, "ring", "real"); return nil }); err != nil {
		t.Fatal(err)
	}
	w.advance(2000)
	w.run(t.Context())
	w.rung()
	w.Clock.Set(time.Unix(now+60, 0))
	w.run(t.Context())
	w.rung(fmt.Sprintf("real@%d", now+60))
}

// What is due while a clock stands still need not wait for it to move, and is done at the time that the clock shows.
func TestDueAtOnce(t *testing.T) {
	w := newWorld(t)
	w.make(1000)
	w.at(map[string]int64{"past": 500, "later": 1001})
	w.run(t.Context())
	w.rung("past@1000")
	if got := w.status(); got != "ready" {
		t.Errorf("the clock is %s", got)
	}
	now := w.Clock.Now().Unix()
	err := w.do(func(c *api.Call) error {
		ru, err := rungs.Get(c, "_rung:past")
		if err == nil && ru.Real != now {
			t.Errorf("in real time it rang at %d, not at %d", ru.Real, now)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A server that stops in the middle of an advance goes on with it when it is started again. Until then nobody else changes what is on the clock.
func TestStopped(t *testing.T) {
	folder := servertest.In(t.TempDir())
	w := newWorld(t, folder)
	w.make(1000)
	w.at(map[string]int64{"chain 5": 2000})
	w.advance(3000)
	ctx, stop := context.WithCancel(t.Context())
	w.bells.before = func(what string) error {
		if what == "chain 2" {
			stop()
			return ctx.Err()
		}
		return nil
	}
	w.run(ctx)
	w.rung("chain 5@2000", "chain 4@2010", "chain 3@2020")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	again := newWorld(t, folder, servertest.Clock(w.Clock))
	again.clock = w.clock
	if got := again.status(); got != "advancing" {
		t.Errorf("the clock is %s", got)
	}
	if err := again.do(func(c *api.Call) error { return testclock.Enter(c, &w.clock) }); err == nil {
		t.Error("the clock lets somebody in while it is being advanced")
	}
	again.run(t.Context())
	again.rung("chain 5@2000", "chain 4@2010", "chain 3@2020", "chain 2@2030", "chain 1@2040", "chain 0@2050")
	if got := again.status(); got != "ready" {
		t.Errorf("the clock is %s", got)
	}
}

// A task that fails ends the advance, and the clock is not advanced again.
func TestFails(t *testing.T) {
	w := newWorld(t)
	w.make(1000)
	w.at(map[string]int64{"good": 1500, "bad": 1600, "after": 1700})
	w.bells.before = func(what string) error {
		if what == "bad" {
			return errors.New("it is bad")
		}
		return nil
	}
	w.advance(2000)
	w.run(t.Context())
	w.rung("good@1500")
	if got := w.status(); got != "internal_failure" {
		t.Errorf("the clock is %s", got)
	}
	if r := w.Post("/v1/test_helpers/test_clocks/"+w.clock+"/advance", "frozen_time", "3000"); r.Status != 400 {
		t.Errorf("advanced again: %d", r.Status)
	}
	if r := w.Get("/v1/events", "limit", "1"); r.Status != 200 || r.At("data").([]any)[0].(map[string]any)["type"] != "test_helpers.test_clock.internal_failure" {
		t.Errorf("the last event: %s", r.Body)
	}
	w.Clock.Advance(24 * time.Hour)
	w.run(t.Context())
	w.rung("good@1500")
}

// A deleted clock takes its tasks along, and its customers; what is left is in order.
func TestDeleted(t *testing.T) {
	w := newWorld(t)
	w.make(1000)
	w.at(map[string]int64{"never": 1500})
	if r := w.Post("/v1/customers", "test_clock", w.clock, "payment_method", "pm_card_visa"); r.Status != 200 || r.At("created") != 1000. {
		t.Errorf("a customer on the clock: %d %s", r.Status, r.Body)
	}
	if n := w.waiting(1500); n != 1 {
		t.Errorf("%d tasks wait on the clock, not 1", n)
	}
	w.audit()
	if r := w.Do(w.Request("DELETE", "/v1/test_helpers/test_clocks/"+w.clock)); r.Status != 200 {
		t.Fatalf("delete: %d %s", r.Status, r.Body)
	}
	if n := w.waiting(1500); n != 0 {
		t.Errorf("%d tasks wait on a clock that is gone", n)
	}
	w.audit()
}

// waiting counts the tasks that are due at a time.
func (w *world) waiting(when int64) (n int) {
	w.t.Helper()
	snap, err := w.DB().Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer snap.Close()
	if err := snap.Walk(func(d *store.Doc) bool {
		if d.Kind == api.Tasks.Name && d.Created == when {
			n++
		}
		return true
	}); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) audit() {
	w.t.Helper()
	var said strings.Builder
	if n, err := audit.Run(w.t.Context(), w.DB(), &said); err != nil || n > 0 {
		w.t.Errorf("audit: %d findings, %v\n%s", n, err, &said)
	}
}

// Two servers on one database run an advance between them, and nothing rings twice.
func TestTwoServers(t *testing.T) {
	url, keys := pgtest.Open(t).URL(), "file:"+filepath.Join(t.TempDir(), "vault.key")
	on := func(c *server.Config) { c.Postgres, c.Vault = url, keys }
	var nodes [2]*world
	for i := range nodes {
		nodes[i] = newWorld(t, on, servertest.RealTime)
		nodes[i].Secret = nodes[0].Secret // which only the first was told
		nodes[i].Work()
	}
	w := nodes[0]
	w.make(1000)
	nodes[1].clock = w.clock
	nodes[1].at(map[string]int64{"chain 30": 2000})
	w.advance(3000)
	for end := time.Now().Add(30 * time.Second); w.status() == "advancing" && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
	}
	var want []string
	for i := range int64(31) {
		want = append(want, fmt.Sprintf("chain %d@%d", 30-i, 2000+10*i))
	}
	w.rung(want...)
	if got := nodes[1].status(); got != "ready" {
		t.Errorf("the clock is %s", got)
	}
}
