package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"florin/internal/id"
)

func TestChallengePage(t *testing.T) {
	w := newWorld(t)
	got := w.open("GET", w.hosted(w.intent("return_url", shop)), nil)
	body := got.Body.String()
	if got.Code != http.StatusOK || got.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %s", got.Code, got.Header().Get("Content-Type"))
	}
	for _, want := range []string{
		`<html lang="en">`, `Ärger &amp; &lt;b&gt;Söhne&lt;/b&gt;`, `<bdi>$30.00</bdi> <span class="code">USD</span>`,
		`Visa`, `ending in 3184`, `name="outcome" value="complete">Complete authentication</button>`,
		`name="outcome" value="fail">Fail authentication</button>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s:\n%s", want, body)
		}
	}
	if strings.Contains(body, "<script") || regexp.MustCompile(`(?:src|href)=`).MatchString(body) {
		t.Errorf("the page loads something:\n%s", body)
	}

	m := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(body)
	if m == nil {
		t.Fatal("the page has no style")
	}
	sum := sha256.Sum256([]byte(m[1]))
	if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(got.Header().Get("Content-Security-Policy"), hash) {
		t.Errorf("the policy does not let the style be used: it has no %s", hash)
	}
}

func TestChallengeAnswered(t *testing.T) {
	tests := []struct {
		name, outcome string
		params        []string
		redirect      string // redirect_status
		status        string // of the intent, afterwards
		code          string // of its last error
	}{
		{"complete", "complete", nil, "succeeded", "succeeded", ""},
		{"fail", "fail", nil, "failed", "requires_payment_method", "payment_intent_authentication_failure"},
		{"to be captured", "complete", []string{"capture_method", "manual"}, "succeeded", "requires_capture", ""},
		{"confirmed by the shop", "complete", []string{"confirmation_method", "manual"}, "succeeded", "requires_confirmation", ""},
		{"confirmed by the shop, failed", "fail", []string{"confirmation_method", "manual"}, "failed", "requires_payment_method", "payment_intent_authentication_failure"},
		{
			"declined afterwards", "complete", []string{"payment_method", "pm_card_threeDSecureRequiredChargeDeclined"},
			"failed", "requires_payment_method", "card_declined",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			pi := w.intent(append([]string{"return_url", shop}, tt.params...)...)
			path := w.hosted(pi)
			want := "https://shop.example/thanks?order=42&payment_intent=" + pi.text("id") + "&payment_intent_client_secret=" +
				pi.text("client_secret") + "&redirect_status=" + tt.redirect + "#top"
			check := func(what string, status int, location string) {
				t.Helper()
				if status != http.StatusSeeOther || location != want {
					t.Errorf("%s answered %d, to %s, want %s", what, status, location, want)
				}
			}
			got := w.press(path, tt.outcome)
			check("the button", got.Code, got.Header().Get("Location"))
			after := w.ask("GET", "/v1/payment_intents/"+pi.text("id"))
			if after.text("status") != tt.status || after.text("last_payment_error", "code") != tt.code || after["next_action"] != nil {
				t.Errorf("the intent is %s with %v, next %v", after.text("status"), after["last_payment_error"], after["next_action"])
			}

			got = w.open("GET", path, nil) // the back button
			check("the page opened again", got.Code, got.Header().Get("Location"))
			form := mustQuery(t, path)
			form.Set("outcome", "complete")
			got = w.open("POST", "/3d_secure_2/hosted/complete", form) // pressed again
			check("the button pressed again", got.Code, got.Header().Get("Location"))
		})
	}
}

func mustQuery(t *testing.T, path string) url.Values {
	t.Helper()
	u, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// TestChallengeOfStripeJS completes the challenge that Stripe.js is told of, where there is no URL to return to.
func TestChallengeOfStripeJS(t *testing.T) {
	for outcome, want := range map[string][2]string{
		"complete": {"Authentication complete", "succeeded"},
		"fail":     {"Authentication failed", "requires_payment_method"},
	} {
		w := newWorld(t)
		pi := w.intent()
		if pi.text("next_action", "type") != "use_stripe_sdk" {
			t.Fatalf("the next action is %v", pi["next_action"])
		}
		path := w.hosted(pi)
		got := w.press(path, outcome)
		if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "<h1>"+want[0]+"</h1>") {
			t.Errorf("%s: %d\n%s", outcome, got.Code, got.Body)
		}
		if !strings.Contains(got.Body.String(), "close this window") {
			t.Errorf("%s does not say that the window can be closed", outcome)
		}
		if after := w.ask("GET", "/v1/payment_intents/"+pi.text("id")); after.text("status") != want[1] {
			t.Errorf("%s: the intent is %s", outcome, after.text("status"))
		}
		if got = w.open("GET", path, nil); got.Code != http.StatusGone {
			t.Errorf("%s: the page opened again answers %d", outcome, got.Code)
		}
	}
}

func TestReturnURLs(t *testing.T) {
	for give, want := range map[string]string{
		"https://shop.example":                "https://shop.example?PI",
		"https://shop.example/a?x=%2f&y=1+2":  "https://shop.example/a?x=%2f&y=1+2&PI",
		"https://shop.example/#/done?here=no": "https://shop.example/?PI#/done?here=no",
		"myapp://done":                        "myapp://done?PI",
		"myapp:done":                          "myapp:done?PI",
	} {
		w := newWorld(t)
		pi := w.intent("return_url", give)
		want = strings.Replace(want, "PI", "payment_intent="+pi.text("id")+"&payment_intent_client_secret="+pi.text("client_secret")+"&redirect_status=succeeded", 1)
		if got := w.press(w.hosted(pi), "complete"); got.Header().Get("Location") != want {
			t.Errorf("%s becomes %s, want %s", give, got.Header().Get("Location"), want)
		}
	}
}

func TestChallengeRefused(t *testing.T) {
	w := newWorld(t)
	pi := w.intent("return_url", shop)
	path := w.hosted(pi)
	q := mustQuery(t, path)
	tests := []struct {
		name   string
		change func(url.Values)
		status int
	}{
		{"no merchant", func(v url.Values) { v.Del("merchant") }, 404},
		{"unknown merchant", func(v url.Values) { v.Set("merchant", "acct_1nobody") }, 404},
		{"something else for a merchant", func(v url.Values) { v.Set("merchant", "_counter:account") }, 404},
		{"no intent", func(v url.Values) { v.Del("payment_intent") }, 404},
		{"unknown intent", func(v url.Values) { v.Set("payment_intent", "pi_1") }, 404},
		{"something else for an intent", func(v url.Values) { v.Set("payment_intent", pi.text("payment_method")) }, 404},
		{"no secret", func(v url.Values) { v.Del("payment_intent_client_secret") }, 404},
		{"wrong secret", func(v url.Values) { v.Set("payment_intent_client_secret", id.IntentSecret(pi.text("id"))) }, 404},
		{"no challenge", func(v url.Values) { v.Del("source") }, 410},
		{"another challenge", func(v url.Values) { v.Set("source", id.Sibling("payatt", pi.text("id"))) }, 410},
	}
	for _, tt := range tests {
		v := mustQuery(t, path)
		tt.change(v)
		if got := w.open("GET", "/3d_secure_2/hosted?"+v.Encode(), nil); got.Code != tt.status {
			t.Errorf("%s: the page answers %d, want %d", tt.name, got.Code, tt.status)
		}
		v.Set("outcome", "complete")
		if got := w.open("POST", "/3d_secure_2/hosted/complete", v); got.Code != tt.status {
			t.Errorf("%s: the form answers %d, want %d", tt.name, got.Code, tt.status)
		}
	}
	if got := w.open("POST", "/3d_secure_2/hosted/complete", q); got.Code != 400 {
		t.Errorf("without a choice the form answers %d", got.Code)
	}
	q.Set("outcome", strings.Repeat("complete", 10000))
	if got := w.open("POST", "/3d_secure_2/hosted/complete", q); got.Code != 400 {
		t.Errorf("a huge form is answered with %d", got.Code)
	}
	if got := w.open("POST", path, url.Values{"outcome": {"complete"}}); got.Code != 405 || got.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST of the page: %d, allowed %q", got.Code, got.Header().Get("Allow"))
	}
	if got := w.open("GET", "/3d_secure_2/hosted/complete?"+q.Encode(), nil); got.Code != 405 || got.Header().Get("Allow") != "POST" {
		t.Errorf("GET of the form's action: %d, allowed %q", got.Code, got.Header().Get("Allow"))
	}
	if got := w.open("GET", "/3d_secure_2/else", nil); got.Code != 404 {
		t.Errorf("a page that is none answers %d", got.Code)
	}
	if after := w.ask("GET", "/v1/payment_intents/"+pi.text("id")); after.text("status") != "requires_action" {
		t.Errorf("refused answers made the intent %s", after.text("status"))
	}

	w.ask("POST", "/v1/payment_intents/"+pi.text("id")+"/cancel")
	got := w.open("GET", path, nil)
	if got.Code != 303 || !strings.Contains(got.Header().Get("Location"), "redirect_status=failed") {
		t.Errorf("the page of a canceled intent: %d %s", got.Code, got.Header().Get("Location"))
	}
}

// TestChallengeRaced presses the button many times at once: the card is charged once, and everybody is sent to the shop.
func TestChallengeRaced(t *testing.T) {
	w := newWorld(t)
	pi := w.intent("return_url", shop)
	form := mustQuery(t, w.hosted(pi))
	form.Set("outcome", "complete")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got := w.open("POST", "/3d_secure_2/hosted/complete", form)
			if got.Code != 303 || !strings.Contains(got.Header().Get("Location"), "redirect_status=succeeded") {
				t.Errorf("%d %s", got.Code, got.Header().Get("Location"))
			}
		})
	}
	all.Wait()
	charges := w.ask("GET", "/v1/charges?payment_intent="+pi.text("id"))
	if n := len(charges["data"].([]any)); n != 1 {
		t.Errorf("%d charges", n)
	}
}
