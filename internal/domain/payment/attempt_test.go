package payment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/rail/railtest"
	"florin/internal/server"
	"florin/internal/server/servertest"
	"florin/internal/store"
)

// TestEveryAttemptIsSettledOrReversed pays through a network that answers late, twice, or never, and loses requests on the way out, while
// the server is closed and opened again; in the end what the network holds is what the charges say, to the cent.
func TestEveryAttemptIsSettledOrReversed(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	network := railtest.NewUnreliable(seed)
	folder := t.TempDir()
	open := func() *servertest.Server {
		return servertest.New(t, servertest.In(folder), func(c *server.Config) { c.TestRail = network })
	}
	s := open()
	acct := s.Account
	answers := map[int]int{}
	for i := range 60 {
		r := s.Post("/v1/payment_intents", "amount", fmt.Sprint(1000+i), "currency", "usd", "payment_method", "pm_card_visa",
			"confirm", "true", "payment_method_types[]", "card")
		answers[r.Status]++
		if i == 30 { // whatever was out is found out by the next process
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open()
		}
	}
	t.Logf("answers by status: %v", answers)
	if answers[200] == 0 || answers[504] == 0 || answers[200]+answers[504] != 60 {
		t.Errorf("answers by status: %v; want some 200 and some 504, and nothing else", answers)
	}
	scope := scopeOf(t, s, acct)
	for round := 0; stillOut(t, s) > 0; round++ {
		if round == 40 {
			t.Fatalf("after %d rounds attempts are still out", round)
		}
		s.Clock.Advance(2 * time.Minute)
		if _, err := s.App.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, late := range network.TakeLate() {
			if err := s.App.Do(t.Context(), scope, func(c *api.Call) error {
				return s.Payments.Heard(c, late.Attempt, &late.Result)
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	compare(t, s, network)
}

// attemptOf is what is stored of an attempt.
type attemptOf struct {
	ID, Status, Charge string
}

func walk(t *testing.T, s *servertest.Server, yield func(d *store.Doc)) {
	t.Helper()
	snap, err := s.DB().Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	if err := snap.Walk(func(d *store.Doc) bool { yield(d); return true }); err != nil {
		t.Fatal(err)
	}
}

func stillOut(t *testing.T, s *servertest.Server) (out int) {
	walk(t, s, func(d *store.Doc) {
		var a attemptOf
		if d.Kind == "_attempt" && json.Unmarshal(d.Body, &a) == nil && a.Status == "sent" {
			out++
		}
	})
	return out
}

func scopeOf(t *testing.T, s *servertest.Server, acct string) (scope store.Scope) {
	walk(t, s, func(d *store.Doc) {
		if d.Kind == "charge" {
			scope = d.Scope
		}
	})
	if scope == store.System {
		t.Fatalf("%s has no charge", acct)
	}
	return scope
}

// compare holds what the network has to what the charges say.
func compare(t *testing.T, s *servertest.Server, network *railtest.Unreliable) {
	t.Helper()
	chargeOf := map[string]string{}
	amounts, statuses := map[string]int64{}, map[string]string{}
	walk(t, s, func(d *store.Doc) {
		switch d.Kind {
		case "_attempt":
			var a attemptOf
			if err := json.Unmarshal(d.Body, &a); err != nil {
				t.Fatal(err)
			}
			chargeOf[a.ID] = a.Charge
		case "charge":
			var ch struct {
				ID, Status string
				Amount     int64
			}
			if err := json.Unmarshal(d.Body, &ch); err != nil {
				t.Fatal(err)
			}
			amounts[ch.ID], statuses[ch.ID] = ch.Amount, ch.Status
		}
	})
	held := network.Held()
	succeeded, failed := 0, 0
	for attempt, charge := range chargeOf {
		amount, has := held[attempt]
		switch statuses[charge] {
		case "succeeded":
			succeeded++
			if amount != amounts[charge] {
				t.Errorf("%s succeeded with %d, and the network holds %d", charge, amounts[charge], amount)
			}
		case "failed":
			failed++
			if has {
				t.Errorf("%s failed, and the network holds %d", charge, amount)
			}
		default:
			t.Errorf("%s is %q", charge, statuses[charge])
		}
	}
	t.Logf("%d succeeded, %d failed, %d reversed", succeeded, failed, network.Reversed)
	if succeeded+failed != 60 {
		t.Errorf("%d attempts ended, want 60", succeeded+failed)
	}
}
