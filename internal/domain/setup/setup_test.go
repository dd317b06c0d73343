package setup_test

import (
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/rail/railtest"
	"florin/internal/server"
	"florin/internal/server/servertest"
	"florin/internal/store"
)

func scopeOf(t *testing.T, s *servertest.Server) store.Scope {
	t.Helper()
	who, err := s.Accounts.Authenticate(t.Context(), s.Secret, "")
	if err != nil {
		t.Fatal(err)
	}
	return who.Holder.(*account.Account).Scope(false)
}

// authenticate does what the page does when its button is pressed, and says whether there was a challenge.
func authenticate(t *testing.T, s *servertest.Server, link string, passed bool) bool {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	q, found := u.Query(), false
	err = s.App.Do(t.Context(), scopeOf(t, s), func(c *api.Call) error {
		si, err := s.Setups.ChallengeOf(c, q.Get("setup_intent"), q.Get("setup_intent_client_secret"), q.Get("source"))
		if found = si != nil; err != nil || !found {
			return err
		}
		return s.Setups.Authenticate(c, si, passed)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func events(t *testing.T, s *servertest.Server) []string {
	t.Helper()
	var out []string
	for _, ev := range s.Get("/v1/events", "limit", "100").JSON["data"].([]any) {
		out = append(out, ev.(map[string]any)["type"].(string))
	}
	slices.Reverse(out)
	return out
}

// TestAuthentication sets cards up whose holder must authenticate: who passes has saved the card, who fails may try another.
func TestAuthentication(t *testing.T) {
	for _, card := range []string{"pm_card_authenticationRequired", "pm_card_authenticationRequiredOnSetup", "pm_card_threeDSecure2Required"} {
		s := servertest.New(t)
		cus := s.Post("/v1/customers").Text("id")
		start := func() *servertest.Reply {
			return s.Post("/v1/setup_intents", "customer", cus, "payment_method", card, "payment_method_types[]", "card", "confirm", "true",
				"return_url", "https://example.com/back")
		}
		si := start()
		link := si.Text("next_action", "redirect_to_url", "url")
		if si.Text("status") != "requires_action" || link == "" {
			t.Fatalf("%s: %s", card, si.Body)
		}
		if !authenticate(t, s, link, true) || authenticate(t, s, link, true) {
			t.Errorf("%s: a challenge is answered once", card)
		}
		got := s.Get("/v1/setup_intents/"+si.Text("id"), "expand[]", "latest_attempt", "expand[]", "payment_method")
		if got.Text("status") != "succeeded" || got.At("next_action") != nil || got.Text("payment_method", "customer") != cus {
			t.Errorf("%s passed: %s", card, got.Body)
		}
		if r := got.Text("latest_attempt", "payment_method_details", "card", "three_d_secure", "result"); r != "authenticated" {
			t.Errorf("%s: 3D Secure ended %q", card, r)
		}
		want := []string{"customer.created", "setup_intent.requires_action", "setup_intent.created", "payment_method.attached", "setup_intent.succeeded"}
		if all := events(t, s); !slices.Equal(all, want) {
			t.Errorf("%s: events %v", card, all)
		}
		// It was set up to be charged without its holder; the card that asks every time still asks.
		pay := s.Post("/v1/payment_intents", "amount", "2000", "currency", "usd", "customer", cus, "payment_method", got.Text("payment_method", "id"),
			"payment_method_types[]", "card", "confirm", "true", "off_session", "true")
		if ok := card == "pm_card_authenticationRequiredOnSetup"; (pay.Status == 200) != ok {
			t.Errorf("%s off-session: %d %s", card, pay.Status, pay.Text("error", "code"))
		}

		si = start()
		authenticate(t, s, si.Text("next_action", "redirect_to_url", "url"), false)
		got = s.Get("/v1/setup_intents/"+si.Text("id"), "expand[]", "latest_attempt")
		if got.Text("status") != "requires_payment_method" || got.At("payment_method") != nil ||
			got.Text("last_setup_error", "code") != "setup_intent_authentication_failure" || got.Text("latest_attempt", "status") != "failed" {
			t.Errorf("%s failed: %s", card, got.Body)
		}
	}
}

// TestMandate has a card set up under the rules of India, and pays by the mandate that comes of it.
func TestMandate(t *testing.T) {
	s := servertest.New(t)
	cus := s.Post("/v1/customers").Text("id")
	with := func(once ...string) (mandate *servertest.Reply, pm string) {
		params := []string{
			"customer", cus, "payment_method", "pm_card_indiaRecurringMandateSetupAndRenewalsSuccess", "payment_method_types[]", "card", "confirm", "true",
			"return_url", "https://example.com", "payment_method_options[card][mandate_options][reference]", "r1",
			"payment_method_options[card][mandate_options][amount]", "1000", "payment_method_options[card][mandate_options][amount_type]", "maximum",
			"payment_method_options[card][mandate_options][currency]", "inr", "payment_method_options[card][mandate_options][interval]", "month",
			"payment_method_options[card][mandate_options][start_date]", "1900000000",
		}
		si := s.Post("/v1/setup_intents", append(params, once...)...)
		authenticate(t, s, si.Text("next_action", "redirect_to_url", "url"), true)
		got := s.Get("/v1/setup_intents/" + si.Text("id"))
		name := got.Text("mandate") + got.Text("single_use_mandate")
		return s.Get("/v1/mandates/" + name), got.Text("payment_method")
	}
	pay := func(pm, mandate string) *servertest.Reply {
		return s.Post("/v1/payment_intents", "amount", "100000", "currency", "inr", "customer", cus, "payment_method", pm, "payment_method_types[]", "card",
			"confirm", "true", "off_session", "true", "mandate", mandate, "expand[]", "latest_charge")
	}
	m, pm := with()
	if m.Text("status") != "active" || m.Text("type") != "multi_use" || m.Text("payment_method_details", "type") != "card" {
		t.Fatalf("%s", m.Body)
	}
	for range 2 {
		if r := pay(pm, m.Text("id")); r.Text("latest_charge", "payment_method_details", "card", "mandate") != m.Text("id") {
			t.Errorf("%s", r.Body)
		}
	}
	if r := pay("pm_card_visa", m.Text("id")); r.Status != 400 || r.Text("error", "param") != "mandate" {
		t.Errorf("another card by the mandate: %s", r.Body)
	}
	m, pm = with("single_use[amount]", "1000", "single_use[currency]", "inr")
	if r := pay(pm, m.Text("id")); r.Status != 200 {
		t.Errorf("%s", r.Body)
	}
	if r := s.Get("/v1/mandates/" + m.Text("id")); r.Text("status") != "inactive" {
		t.Errorf("after its payment: %s", r.Body)
	}
	if r := pay(pm, m.Text("id")); r.Status != 400 {
		t.Errorf("twice by a mandate for once: %s", r.Body)
	}
}

// TestBadNetwork sets cards up through a network that answers late, twice, or never: every intent ends, and none twice.
func TestBadNetwork(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	network := railtest.NewUnreliable(seed)
	s := servertest.New(t, func(c *server.Config) { c.TestRail = network })
	cus := s.Post("/v1/customers").Text("id")
	answers := map[int]int{}
	for range 40 {
		r := s.Post("/v1/setup_intents", "customer", cus, "payment_method", "pm_card_visa", "payment_method_types[]", "card", "confirm", "true")
		answers[r.Status]++
	}
	for range 40 {
		s.Clock.Advance(time.Minute)
		if _, err := s.App.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ends := map[string]int{}
	for _, si := range s.Get("/v1/setup_intents", "limit", "100").JSON["data"].([]any) {
		ends[si.(map[string]any)["status"].(string)]++
	}
	t.Logf("answers %v, ends %v", answers, ends)
	if ends["succeeded"]+ends["requires_payment_method"] != 40 || ends["succeeded"] == 0 || answers[200] == 0 {
		t.Errorf("answers %v, ends %v", answers, ends)
	}
	fired := map[string]int{}
	for after := ""; ; {
		page := s.Get("/v1/events", "limit", "100", "type", "setup_intent.succeeded")
		if after != "" {
			page = s.Get("/v1/events", "limit", "100", "type", "setup_intent.succeeded", "starting_after", after)
		}
		for _, ev := range page.JSON["data"].([]any) {
			e := ev.(map[string]any)
			fired[e["data"].(map[string]any)["object"].(map[string]any)["id"].(string)]++
			after = e["id"].(string)
		}
		if page.JSON["has_more"] != true {
			break
		}
	}
	if len(fired) != ends["succeeded"] {
		t.Errorf("%d setup intents succeeded, %d were told of", ends["succeeded"], len(fired))
	}
	for id, n := range fired {
		if n != 1 {
			t.Errorf("%s succeeded %d times", id, n)
		}
	}
}
