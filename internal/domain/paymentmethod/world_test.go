package paymentmethod_test

import (
	"slices"
	"strings"
	"testing"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/paymentmethod"
	"florin/internal/server/servertest"
	"florin/internal/spec"
)

// A world is a server of which a test knows the events.
type world struct {
	*servertest.Server
	t    *testing.T
	seen map[string]bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := servertest.New(t)
	if s.App.Coverage(spec.Lookup("POST /v1/customers")) == "not yet" {
		customers := customer.New()
		s.App.Use(customers, paymentmethod.New(customers, s.Vault))
	}
	return &world{s, t, map[string]bool{}}
}

// events are the types of the events since the last call, oldest first, in one text.
func (w *world) events() string {
	w.t.Helper()
	who, err := w.App.Authenticate(w.t.Context(), w.Secret, "")
	if err != nil {
		w.t.Fatal(err)
	}
	var types []string
	err = w.App.Do(w.t.Context(), who.Scope, func(c *api.Call) error {
		return api.Events.Each(c, "", "", func(ev *api.Event) bool {
			if !w.seen[ev.ID] {
				w.seen[ev.ID] = true
				types = append(types, ev.Type)
			}
			return true
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(types)
	return strings.Join(types, " ")
}

func (w *world) fired(want string) {
	w.t.Helper()
	if got := w.events(); got != want {
		w.t.Errorf("events %q, want %q", got, want)
	}
}

// ok is Post that must succeed.
func (w *world) ok(path string, params ...string) *servertest.Reply {
	w.t.Helper()
	r := w.Post(path, params...)
	if r.Status != 200 {
		w.t.Fatalf("POST %s %q: %d %s", path, params, r.Status, r.Body)
	}
	return r
}

func (w *world) customer() string { w.t.Helper(); return w.ok("/v1/customers").Text("id") }

// card makes a payment method of a number.
func (w *world) card(number string, more ...string) string {
	w.t.Helper()
	return w.ok("/v1/payment_methods", append(card(number), more...)...).Text("id")
}

func card(number string) []string {
	return []string{"type", "card", "card[number]", number, "card[exp_month]", "8", "card[exp_year]", "2027", "card[cvc]", "314"}
}

// A refusal is what an error says.
type refusal struct {
	status                     int
	code, decline, param, text string // text: the beginning of the message
}

func (w *world) refused(r *servertest.Reply, want refusal) {
	w.t.Helper()
	got := refusal{r.Status, r.Text("error", "code"), r.Text("error", "decline_code"), r.Text("error", "param"), r.Text("error", "message")}
	if strings.HasPrefix(got.text, want.text) {
		got.text = want.text
	}
	if got != want {
		w.t.Errorf("refused with %+v\nwant %+v", got, want)
	}
}

// delete is DELETE with the secret test key.
func (w *world) delete(path string) *servertest.Reply {
	w.t.Helper()
	return w.Do(w.Request("DELETE", path))
}
