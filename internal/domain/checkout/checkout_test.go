package checkout_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"florin/internal/audit"
	"florin/internal/rail"
	"florin/internal/server"
	"florin/internal/server/servertest"
)

// outside is the test network as one that is waited for: what it is asked leaves after the commit, and its answer comes in a unit of its own.
type outside struct{ rail.Network }

func (outside) Instant() bool { return false }

func (o outside) Lookup(context.Context, string) (rail.Result, bool, error) {
	return rail.Result{}, false, nil
}

// A shop is a server whose network is outside, and a customer's browser.
type shop struct {
	*servertest.Server
	t *testing.T
}

func newShop(t *testing.T) *shop {
	s := &shop{servertest.New(t, func(c *server.Config) { c.TestRail = outside{} }), t}
	s.App.Base = "http://florin.test"
	return s
}

// pay enters a card on the page of a session, and returns what the browser is answered.
func (s *shop) pay(session, card string) *httptest.ResponseRecorder {
	form := url.Values{"email": {"jenny@example.com"}, "name": {"Jenny"}, "number": {card}, "expiry": {"12/40"}, "cvc": {"123"}}
	r := httptest.NewRequest("POST", "/c/pay/"+session, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.Server.Server.ServeHTTP(w, r)
	return w
}

// session makes one.
func (s *shop) session(params ...string) string {
	s.t.Helper()
	r := s.Post("/v1/checkout/sessions", append(params, "success_url", "https://shop.example/done", "payment_method_types[]", "card")...)
	if r.Status != http.StatusOK {
		s.t.Fatalf("%d %s", r.Status, r.Body)
	}
	return r.Text("id")
}

// TestOutside pays, subscribes and saves where the network does not answer at once: a card that is declined, and then one that is not.
func TestOutside(t *testing.T) {
	data := []string{"line_items[0][quantity]", "1", "line_items[0][price_data][currency]", "usd", "line_items[0][price_data][unit_amount]", "1500", "line_items[0][price_data][product_data][name]", "Mug"}
	for mode, params := range map[string][]string{
		"payment":      data,
		"subscription": append([]string{"line_items[0][price_data][recurring][interval]", "month"}, data...),
		"trial":        append([]string{"line_items[0][price_data][recurring][interval]", "month", "subscription_data[trial_period_days]", "7"}, data...),
		"setup":        {"currency", "usd"},
	} {
		t.Run(mode, func(t *testing.T) {
			s := newShop(t)
			kind := mode
			if mode == "trial" {
				kind = "subscription"
			}
			cs := s.session(append([]string{"mode", kind}, params...)...)
			if w := s.pay(cs, "4000000000000002"); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "Your card was declined.") {
				t.Errorf("declined: %d %s", w.Code, w.Body)
			}
			if w := s.pay(cs, "4242424242424242"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "https://shop.example/done" {
				t.Errorf("paid: %d %s", w.Code, w.Body)
			}
			got := s.Get("/v1/checkout/sessions/"+cs, "expand[]", "subscription")
			if got.Text("status") != "complete" {
				t.Errorf("the session is %s", got.Body)
			}
			want := map[string]string{"subscription": "active", "trial": "trialing"}[mode]
			if is := got.Text("subscription", "status"); kind == "subscription" && is != want {
				t.Errorf("the subscription is %s, want %s", is, want)
			}
			var report strings.Builder
			if _, err := audit.Run(t.Context(), s.DB(), &report); err != nil || strings.Contains(report.String(), "- ") {
				t.Errorf("audit: %v\n%s", err, &report)
			}
		})
	}
}
