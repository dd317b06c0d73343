// Package script_test tells stories to a server, in the API's own words: what is asked, what is answered, and every event that fired and no
// other. A story is a file in testdata; a line of it is one of
//
//	POST /v1/customers email=a@b.c name="Jenny Rosen" → cus      a request, with its form; the answer's id is kept as $cus
//	    metadata[a]=b                                            more of its form
//	12 times POST /v1/customers name=c$i → c                     twelve of them: $c1 to $c12
//	status == succeeded                                          what the answer must have: ==, !=, >, <, >=, <=, matches REGEXP, contains TEXT,
//	data.*.id == $b $a                                           length N, keys A B C, exists, null (is there and null), absent. * is every item.
//	code == 402                                                  the HTTP status, which must be 200 where nothing is said of it
//	header Request-Id matches ^req_                              a header
//	body matches \n$                                             the answer as it was sent
//	client_secret → secret                                       keep something of the answer
//	events: charge.failed payment_intent.payment_failed          these have fired since the last such line, in this order, and no others
//	events in any order: a b                                     the same, where Stripe's own order is not known
//	events of $acct: a b                                         the same, of an account that is connected
//	clock advance 7d                                             move the clock (7d, 1 month, 90m); what becomes due on the way is done
//	clock to 2026-09-05T10:00:00Z
//	as publishable                                               whose key the requests after it carry: secret, publishable, live, live publishable,
//	                                                             nobody, basic (the secret key, as a user name), expired, key TEXT, and
//	                                                             restricted customer=read charge=write
//	with Idempotency-Key: k1                                     a header for the next request; with http or with https, for all that follow
//	open $url                                                    a browser opens a page …
//	visit $url                                                   the same, where it may be sent on, or told that there is nothing
//	click Complete                                               … and presses a button of it,
//	enter email=a@b.example number=4242424242424242              … after something was entered into its fields
//	alone                                                        needs an account of its own
//	rule block if :email: in @mine                               a rule of the account's own: allow, block, manual_review or request_3ds
//	rule on manual_review_if_elevated_risk                       a rule that every account has is switched on, or off
//
// A value such as @logo.png uploads a file, whose content goes by the end of its name. $receiver is the address of another server.
// $now, ${now+2d}, ${x*500}, ${amount+1}, $account, $key, $secret_key, $publishable_key, $month and $next_year are there
// from the start, and form names may have a range: metadata[k{1..51}]=v.
//
// Every answer is held to the spec (package shape), and after a story the balance is to be the sum of the balance transactions.
//
// A story has a server of its own, in memory, whose clock it moves; -run TestStories/NAME tells one.
//
// With FLORIN_BASE the stories are told to a server that runs, one after another, up to their first clock line. Each has an account of its own
// if FLORIN_ACCOUNTS is a command that makes one (florin accounts create --json --data FOLDER); otherwise all have that of FLORIN_KEY and
// FLORIN_PUBLISHABLE_KEY, and those that say "alone" are left out. Live keys need FLORIN_HTTPS, the address for them.
package script_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/server/servertest"
	"florin/internal/store"
)

func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	base := os.Getenv("FLORIN_BASE")
	t.Cleanup(func() {
		t.Logf("%d stories, %d requests, %d lines of what is wanted, %d of events", counted.stories.Load(), counted.requests.Load(), counted.wants.Load(), counted.events.Load())
		if base == "" && counted.stories.Load() == int64(len(files)) && !t.Failed() { // all were told, to the end
			operations(t)
		}
	})
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			steps, err := parse(string(text))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			s := &story{t: t, file: file, vars: map[string]string{}, seen: map[string]bool{}, mine: map[string]bool{}, headers: http.Header{}, entered: url.Values{}}
			if base != "" {
				s.world = newAway(t)
			} else {
				t.Parallel()
				srv := servertest.New(t)
				srv.App.Base = "http://florin.test"
				s.world = &inside{srv}
			}
			s.vars["key"], s.tls = s.as([]string{"secret"})
			s.key = s.vars["key"]
			s.vars["secret_key"] = s.key
			s.vars["publishable_key"], _ = s.world.key(t, []string{"publishable"})
			s.vars["month"], s.vars["next_year"] = strconv.Itoa(int(s.world.now().UTC().Month())), strconv.Itoa(s.world.now().UTC().Year()+1)
			if strings.Contains(string(text), "$receiver") {
				s.vars["receiver"] = receiver(t)
			}
			s.step = &step{text: "(before the story)"}
			s.begin()
			s.tell(steps)
		})
	}
}

// receiver is another server, for stories of what Florin sends: it answers 201, with a header and some JSON. It returns its address.
func receiver(t *testing.T) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Reference", "abc")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"taken":true}`)) // a client that is gone has no use for it
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// overTLS makes a request look as if it came over HTTPS.
func overTLS(r *http.Request) { servertest.OverTLS(r) }

// inside is a server in this process, for one story.
type inside struct{ *servertest.Server }

func (w *inside) do(r *http.Request) (*http.Response, error) {
	r.RequestURI = r.URL.RequestURI()
	r.RemoteAddr = "127.0.0.1:50000"
	if r.Host == "" {
		r.Host = "florin.test"
	}
	rec := httptest.NewRecorder()
	w.Server.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func (w *inside) now() time.Time { return w.Clock.Now() }
func (w *inside) clock() bool    { return true }
func (w *inside) own() bool      { return true }

// rule adds a rule of Radar's, or switches one on or off. At Stripe the Dashboard does that.
func (w *inside) rule(t *testing.T, text string) {
	var scope store.Scope
	err := w.App.Do(t.Context(), store.System, func(c *api.Call) error {
		a, err := account.Load(c, w.Account)
		if err == nil {
			scope = a.Scope(false)
		}
		return err
	})
	if err == nil {
		word, rest, _ := strings.Cut(text, " ")
		if word == "on" || word == "off" {
			err = w.Radar.SwitchRule(t.Context(), scope, rest, word == "on")
		} else {
			_, err = w.Radar.AddRule(t.Context(), scope, word, strings.TrimPrefix(rest, "if "))
		}
	}
	if err != nil {
		t.Fatalf("rule %s: %v", text, err)
	}
}

// advance moves the clock from one thing that is due to the next.
func (w *inside) advance(t *testing.T, to time.Time) {
	for {
		next, err := w.App.RunDue(context.Background())
		if err != nil {
			t.Fatalf("what is due: %v", err)
		}
		if next == 0 || next > to.Unix() {
			break
		}
		if at := time.Unix(next, 0); at.After(w.Clock.Now()) {
			w.Clock.Set(at)
		}
	}
	w.Clock.Set(to)
}

func (w *inside) key(t *testing.T, who []string) (string, bool) {
	switch who[0] {
	case "secret":
		return w.Secret, false
	case "publishable":
		return w.Publishable, false
	case "live":
		if len(who) > 1 {
			return w.LivePublishable, true
		}
		return w.LiveSecret, true
	case "expired", "restricted":
		spec := account.NewKey{Account: w.Account, Type: account.Secret}
		if who[0] == "restricted" {
			spec.Type, spec.Permissions = account.Restricted, map[string]string{}
			for _, p := range who[1:] {
				resource, level, _ := strings.Cut(p, "=")
				spec.Permissions[resource] = level
			}
		}
		k, err := w.Accounts.CreateKey(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if who[0] == "expired" {
			if _, err := w.Accounts.Expire(t.Context(), k.Key, 0); err != nil {
				t.Fatal(err)
			}
		}
		return k.Secret, false
	}
	t.Fatalf("who is %s?", strings.Join(who, " "))
	return "", false
}

// away is a server that runs somewhere.
type away struct {
	base, https string
	keys        map[string]string // what key has: "secret", "publishable", "live", "live publishable"
	alone       bool
}

// newAway is the server of FLORIN_BASE, with an account of the story's own if FLORIN_ACCOUNTS can make one.
func newAway(t *testing.T) *away {
	w := &away{base: os.Getenv("FLORIN_BASE"), https: os.Getenv("FLORIN_HTTPS"), keys: map[string]string{
		"secret": os.Getenv("FLORIN_KEY"), "publishable": os.Getenv("FLORIN_PUBLISHABLE_KEY"),
	}}
	command := strings.Fields(os.Getenv("FLORIN_ACCOUNTS"))
	if len(command) == 0 {
		return w
	}
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).Output()
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(command, " "), err)
	}
	var made struct {
		Keys []struct {
			Type, Secret string
			Livemode     bool
		}
	}
	if err := json.Unmarshal(out, &made); err != nil {
		t.Fatal(err)
	}
	w.alone = true
	for _, k := range made.Keys {
		name := k.Type
		if k.Livemode {
			name = strings.TrimSuffix("live "+k.Type, " secret")
		}
		w.keys[name] = k.Secret
	}
	return w
}

var client = &http.Client{
	Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // the local authority is not this machine's
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (w *away) do(r *http.Request) (*http.Response, error) {
	base := w.base
	if r.TLS != nil && w.https != "" {
		base = w.https
	}
	u, err := r.URL.Parse(base + r.URL.RequestURI())
	if err != nil {
		return nil, err
	}
	r.URL, r.Host = u, u.Host
	return client.Do(r)
}

func (w *away) now() time.Time { return time.Now() }
func (w *away) clock() bool    { return false }
func (w *away) own() bool      { return w.alone }
func (w *away) rule(t *testing.T, text string) {
	t.Skip("no route changes rules: needs a server in this process")
}

func (w *away) advance(t *testing.T, to time.Time) { t.Fatal("this clock cannot be moved") }

func (w *away) key(t *testing.T, who []string) (string, bool) {
	name := strings.Join(who, " ")
	live := who[0] == "live"
	if key := w.keys[name]; key != "" && (!live || w.https != "") {
		return key, live
	}
	t.Skipf("no %s key for a server that runs", name)
	return "", false
}
