package page_test

import (
	"encoding/json"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/domain/account"
	"florin/internal/domain/balance"
	"florin/internal/domain/customer"
	"florin/internal/domain/methodconfig"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
	"florin/internal/page"
	"florin/internal/rail"
	"florin/internal/store"
	"florin/internal/store/memory"
	"florin/internal/vault"
)

// A world is payments with their pages, on a store in memory, and one account.
type world struct {
	*testing.T
	app     *api.App
	pages   http.Handler
	clock   *clock.Manual
	account string
	secret  string // the account's secret test key
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{T: t, clock: clock.NewManual(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC))}
	w.app = api.New(db, w.clock, slog.New(slog.DiscardHandler))
	w.app.Base = "https://pay.example"
	v := vault.Memory()
	accounts, customers, balances := account.New(w.app, v), customer.New(), balance.New()
	methods := paymentmethod.New(customers, v)
	rails := &rail.Rails{Test: rail.Network{}}
	setups := setup.New(methods, rails)
	payments := payment.New(customers, methods, balances, rails)
	w.app.Use(accounts, customers, balances, methods, setups, payments)
	w.app.Use(methodconfig.New())
	w.app.Authenticate, w.app.PrincipalOf = accounts.Authenticate, accounts.PrincipalOf
	w.pages = page.New(w.app, payments, setups)

	made, err := accounts.Create(t.Context(), account.Spec{Name: `Ärger & <b>Söhne</b>`})
	if err != nil {
		t.Fatal(err)
	}
	w.account = made.Account
	for _, k := range made.Keys {
		if !k.Livemode && k.Type == account.Secret {
			w.secret = k.Secret
		}
	}
	return w
}

// an object of the API.
type object map[string]any

func (o object) text(path ...string) string {
	var v any = map[string]any(o)
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

// ask calls the API. params are pairs.
func (w *world) ask(method, path string, params ...string) object {
	w.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		form.Add(params[i], params[i+1])
	}
	r := httptest.NewRequestWithContext(w.Context(), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+w.secret)
	out := httptest.NewRecorder()
	w.app.ServeHTTP(out, r)
	var o object
	if err := json.Unmarshal(out.Body.Bytes(), &o); err != nil {
		w.Fatalf("%s %s: %v in %s", method, path, err, out.Body)
	}
	if out.Code != http.StatusOK {
		w.Fatalf("%s %s: %d %s", method, path, out.Code, out.Body)
	}
	return o
}

// intent makes a payment intent that waits for the cardholder.
func (w *world) intent(more ...string) object {
	w.Helper()
	pi := w.ask("POST", "/v1/payment_intents", append([]string{
		"amount", "3000", "currency", "usd", "payment_method", "pm_card_authenticationRequired", "confirm", "true",
		"payment_method_types[]", "card",
	}, more...)...)
	if pi.text("status") != "requires_action" {
		w.Fatalf("the intent is %s", pi.text("status"))
	}
	return pi
}

const shop = "https://shop.example/thanks?order=42#top"

// hosted is the URL of an intent's page.
func (w *world) hosted(pi object) string {
	w.Helper()
	if to := pi.text("next_action", "redirect_to_url", "url"); to != "" {
		return strings.TrimPrefix(to, w.app.Base)
	}
	q := url.Values{}
	q.Set("merchant", w.account)
	q.Set("payment_intent", pi.text("id"))
	q.Set("payment_intent_client_secret", pi.text("client_secret"))
	q.Set("source", pi.text("next_action", "use_stripe_sdk", "three_d_secure_2_source"))
	return "/3d_secure_2/hosted?" + q.Encode()
}

func (w *world) open(method, path string, form url.Values) *httptest.ResponseRecorder {
	w.Helper()
	r := httptest.NewRequestWithContext(w.Context(), method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	out := httptest.NewRecorder()
	w.pages.ServeHTTP(out, r)
	h := out.Header()
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
		if got := h.Get(name); got != want {
			w.Errorf("%s %s: %s is %q", method, path, name, got)
		}
	}
	if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none';") {
		w.Errorf("%s %s: the policy is %q", method, path, h.Get("Content-Security-Policy"))
	}
	return out
}

var (
	hidden  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	buttons = regexp.MustCompile(`<button [^>]*name="outcome" value="([^"]*)">([^<]*)</button>`)
	action  = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
)

// press opens a page and presses a button of its form.
func (w *world) press(path, outcome string) *httptest.ResponseRecorder {
	w.Helper()
	got := w.open("GET", path, nil)
	if got.Code != http.StatusOK {
		w.Fatalf("GET %s: %d\n%s", path, got.Code, got.Body)
	}
	form, found := url.Values{}, false
	for _, m := range hidden.FindAllStringSubmatch(got.Body.String(), -1) {
		form.Add(m[1], html.UnescapeString(m[2]))
	}
	for _, m := range buttons.FindAllStringSubmatch(got.Body.String(), -1) {
		found = found || m[1] == outcome
	}
	to := action.FindStringSubmatch(got.Body.String())
	if !found || to == nil {
		w.Fatalf("the page has no button %s:\n%s", outcome, got.Body)
	}
	form.Add("outcome", outcome)
	return w.open("POST", to[1], form)
}
