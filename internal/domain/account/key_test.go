package account_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"florin/internal/domain/account"
	"florin/internal/server/servertest"
	"florin/internal/store"
)

// as makes a request with another key.
func as(s *servertest.Server, key, method, path string, params ...string) *http.Request {
	r := s.Request(method, path, params...)
	r.Header.Set("Authorization", "Bearer "+key)
	return r
}

func create(t *testing.T, s *servertest.Server, n account.NewKey) *account.View {
	t.Helper()
	if n.Account == "" {
		n.Account = s.Account
	}
	v, err := s.Accounts.CreateKey(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Every refusal of facts 02 that a single account can meet, through the real handler.
func TestRefusals(t *testing.T) {
	s := servertest.New(t)
	ended := create(t, s, account.NewKey{Type: account.Secret})
	if _, err := s.Accounts.Expire(t.Context(), ended.Key, 0); err != nil {
		t.Fatal(err)
	}
	reader := create(t, s, account.NewKey{Type: account.Restricted, Permissions: map[string]string{"customer": "read"}})
	unknown := "sk_test_51U09KGKuuB1fWySnAbCdEfGhIjKlMnOpQrStUvWxYz0123456789"

	mask := func(key string, tail int) string {
		return key[:8] + strings.Repeat("*", len(key)-8-tail) + key[len(key)-tail:]
	}
	for _, tc := range []struct {
		name          string
		key           string
		path          string
		method        string
		stripeAccount string
		status        int
		code, message string
	}{
		{name: "no key", status: 401,
			message: "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."},
		{name: "unknown key", key: unknown, status: 401, message: "Invalid API Key provided: " + mask(unknown, 4)},
		{name: "13 characters", key: "sk_test_12345", status: 401, message: "Invalid API Key provided: sk_test_*2345"},
		{name: "a short key", key: "undefined", status: 401, message: "Invalid API Key provided: *****ined"},
		{name: "five characters", key: "false", status: 401, message: "Invalid API Key provided: *alse"},
		{name: "a space", key: "sk_test_ 123", status: 401,
			message: "Invalid API Key provided: nil. This key contains at least one space. Please delete the spaces and try again. If you have any questions, we can help at https://support.stripe.com/."},
		{name: "expired", key: ended.Secret, status: 401, code: "api_key_expired", message: "Expired API Key provided: " + mask(ended.Secret, 4)},
		{name: "publishable", key: s.Publishable, status: 401, code: "secret_key_required",
			message: "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys."},
		{name: "another account", key: s.Secret, stripeAccount: "acct_fake_account", status: 403, code: "account_invalid",
			message: "The provided key '" + mask(s.Secret, 4) + "' does not have access to account 'acct_fake_account' (or that account does not exist). Application access may have been revoked."},
		{name: "another account in the path", key: s.Secret, path: "/v1/accounts/acct_fake_account", status: 403, code: "account_invalid",
			message: "The provided key '" + mask(s.Secret, 4) + "' does not have access to account 'acct_fake_account' (or that account does not exist). Application access may have been revoked."},
		{name: "restricted with Stripe-Account", key: reader.Secret, stripeAccount: "acct_fake_account", status: 403,
			message: "You passed a restricted API key with the Stripe-Account header, but the restricted API key does not have any Connect permissions."},
		{name: "no permission", key: reader.Secret, path: "/v1/prices", status: 403, code: "more_permissions_required",
			message: "The provided key '" + mask(reader.Secret, 6) + "' does not have the required permissions for this endpoint on account '" + s.Account + `'. Enabling "Prices Read" ('plan_read') permissions on this key would allow this request to continue.`},
		{name: "read is not write", key: reader.Secret, method: "POST", path: "/v1/customers", status: 403, code: "more_permissions_required",
			message: "The provided key '" + mask(reader.Secret, 6) + "' does not have the required permissions for this endpoint on account '" + s.Account + `'. Enabling "Customers Write" ('customer_write') permissions on this key would allow this request to continue.`},
		{name: "not grantable", key: reader.Secret, path: "/v1/sigma/scheduled_query_runs", status: 403, code: "more_permissions_required",
			message: "The provided key '" + mask(reader.Secret, 6) + "' does not have the required permissions for this endpoint on account '" + s.Account + "'. This is a restricted API key, but the required permissions are not available for use by restricted keys."},
		{name: "live in clear", key: s.LiveSecret, status: 403,
			message: "Live API keys are accepted over HTTPS only. The key that you have just sent in clear should be rolled."},
		{name: "bad version", key: s.Secret, status: 400, message: "Invalid Stripe API version: 1999-01-01"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.path == "" {
				tc.path = "/v1/account"
			}
			if tc.method == "" {
				tc.method = "GET"
			}
			r := as(s, tc.key, tc.method, tc.path)
			if tc.key == "" {
				r.Header.Del("Authorization")
			}
			if tc.stripeAccount != "" {
				r.Header.Set("Stripe-Account", tc.stripeAccount)
			}
			if tc.name == "bad version" {
				r.Header.Set("Stripe-Version", "1999-01-01")
			}
			got := s.Do(r)
			if got.Status != tc.status || got.Text("error", "code") != tc.code || got.Text("error", "message") != tc.message {
				t.Fatalf("got %d %s\nwant %d %q %s", got.Status, got.Body, tc.status, tc.code, tc.message)
			}
			if got.Text("error", "type") != "invalid_request_error" {
				t.Errorf("type is %q", got.Text("error", "type"))
			}
			realm := got.Header.Get("WWW-Authenticate")
			if want := tc.status == 401; (realm == `Bearer realm="Stripe"`) != want {
				t.Errorf("WWW-Authenticate is %q with status %d", realm, tc.status)
			}
			if tc.status == 401 && (got.Header.Get("Request-Id") != "" || got.Header.Get("Stripe-Version") != "") {
				t.Errorf("a 401 carries Request-Id %q, Stripe-Version %q", got.Header.Get("Request-Id"), got.Header.Get("Stripe-Version"))
			}
			if tc.code == "account_invalid" {
				order := []string{`"message"`, `"type"`, `"code"`, `"doc_url"`}
				at := -1
				for _, member := range order {
					next := strings.Index(string(got.Body), member)
					if next < at {
						t.Errorf("%s stands too early in %s", member, got.Body)
					}
					at = next
				}
			}
		})
	}
}

func TestWaysIn(t *testing.T) {
	s := servertest.New(t)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(s.Secret+":"))
	for name, set := range map[string]func(*http.Request){
		"bearer":        func(*http.Request) {},
		"basic":         func(r *http.Request) { r.Header.Set("Authorization", basic) },
		"own account":   func(r *http.Request) { r.Header.Set("Stripe-Account", s.Account) },
		"live over TLS": func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s.LiveSecret); servertest.OverTLS(r) },
		"lower case":    func(r *http.Request) { r.Header.Set("Authorization", "bearer "+s.Secret) },
		"test over TLS": func(r *http.Request) { servertest.OverTLS(r) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/v1/account", "/v1/accounts/" + s.Account} {
				r := s.Request("GET", path)
				set(r)
				got := s.Do(r)
				if got.Status != 200 || got.Text("id") != s.Account || got.Text("object") != "account" {
					t.Fatalf("GET %s: %d %s", path, got.Status, got.Body)
				}
			}
		})
	}
}

func TestOwnAccountLooksAsRecorded(t *testing.T) {
	s := servertest.New(t)
	got := s.Get("/v1/account")
	var members []string
	for m := range got.JSON {
		members = append(members, m)
	}
	want := "id object business_profile business_type capabilities charges_enabled controller country default_currency details_submitted email payouts_enabled settings type"
	if len(members) != len(strings.Fields(want)) {
		t.Errorf("members are %v", members)
	}
	at := -1
	for _, m := range strings.Fields(want) {
		next := strings.Index(string(got.Body), "\n  \""+m+`"`)
		if next <= at {
			t.Errorf("%s is missing or stands too early in\n%s", m, got.Body)
		}
		at = next
	}
	if got.At("settings", "payouts", "schedule", "delay_days") != 2.0 || got.Text("controller", "type") != "account" || got.Text("default_currency") != "usd" {
		t.Errorf("unexpected values in\n%s", got.Body)
	}
	if got.Header.Get("Stripe-Version") != "2026-08-26.dahlia" {
		t.Errorf("Stripe-Version is %q", got.Header.Get("Stripe-Version"))
	}
}

func TestRestrictedKeyMay(t *testing.T) {
	s := servertest.New(t)
	k := create(t, s, account.NewKey{Type: account.Restricted, Permissions: map[string]string{"accounts_kyc_basic": "write"}})
	if got := s.Do(as(s, k.Secret, "GET", "/v1/account")); got.Status != 200 {
		t.Errorf("write does not include read: %d %s", got.Status, got.Body)
	}
	if got := s.Do(as(s, k.Secret, "GET", "/v1/country_specs")); got.Status == 403 {
		t.Errorf("what needs no permission is refused: %s", got.Body)
	}
	for name, n := range map[string]account.NewKey{
		"unknown resource": {Type: account.Restricted, Permissions: map[string]string{"everything": "write"}},
		"unknown level":    {Type: account.Restricted, Permissions: map[string]string{"charge": "all"}},
		"unknown type":     {Type: "golden"},
		"unknown account":  {Type: account.Secret, Account: "acct_1nobody"},
		"not restricted":   {Type: account.Secret, Permissions: map[string]string{"charge": "read"}},
	} {
		if n.Account == "" {
			n.Account = s.Account
		}
		if _, err := s.Accounts.CreateKey(t.Context(), n); err == nil {
			t.Errorf("%s: a key was made", name)
		} else if _, ok := err.(account.Problem); !ok {
			t.Errorf("%s: %v is no Problem", name, err)
		}
	}
}

func TestRollWithOverlap(t *testing.T) {
	s := servertest.New(t)
	works := func(key string) bool { return s.Do(as(s, key, "GET", "/v1/account")).Status == 200 }
	if !works(s.Secret) {
		t.Fatal("the first key does not work")
	}

	made, old, err := s.Accounts.Roll(t.Context(), s.Secret, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if old.ExpiresAt != s.Clock.Now().Add(24*time.Hour).Unix() {
		t.Errorf("the old key ends at %d", old.ExpiresAt)
	}
	if !works(s.Secret) || !works(made.Secret) {
		t.Error("both keys should work during the overlap")
	}
	s.Clock.Advance(24*time.Hour - time.Second)
	if !works(s.Secret) {
		t.Error("the old key ended a second early")
	}
	s.Clock.Advance(time.Second)
	if got := s.Do(as(s, s.Secret, "GET", "/v1/account")); got.Text("error", "code") != "api_key_expired" {
		t.Errorf("the old key after the overlap: %d %s", got.Status, got.Body)
	}
	if !works(made.Secret) {
		t.Error("the new key ended too")
	}

	if _, _, err := s.Accounts.Roll(t.Context(), s.Secret, 0); err == nil {
		t.Error("an expired key was rolled")
	}
	if _, _, err := s.Accounts.Roll(t.Context(), made.Key, 8*24*time.Hour); err == nil {
		t.Error("eight days of overlap")
	}
	next, _, err := s.Accounts.Roll(t.Context(), made.Key, 0)
	if err != nil {
		t.Fatal(err)
	}
	if works(made.Secret) || !works(next.Secret) {
		t.Error("a roll without overlap should end the old key at once")
	}
	first, err := s.Accounts.First(t.Context())
	if err != nil || first.SecretKey != next.Secret || first.PublishableKey != s.Publishable {
		t.Errorf("First is %+v, %v", first, err)
	}
}

func TestRevealAndWhatIsKept(t *testing.T) {
	s := servertest.New(t)
	list, err := s.Accounts.ListKeys(t.Context(), "")
	if err != nil || len(list) != 4 {
		t.Fatalf("%d keys, %v", len(list), err)
	}
	for _, k := range list {
		if k.Secret != "" || !strings.Contains(k.Masked, "****") {
			t.Errorf("a list shows %+v", k)
		}
		v, err := s.Accounts.Reveal(t.Context(), k.Key)
		if k.Livemode && k.Type == account.Secret {
			if err == nil {
				t.Error("a live secret key was shown again")
			}
			continue
		}
		if err != nil || len(v.Secret) != 107 || v.Secret[:12] != k.Masked[:8]+v.Secret[8:12] {
			t.Errorf("reveal of %s %s: %+v, %v", k.Type, k.Masked, v, err)
		}
	}
	snap, err := s.DB().Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	err = snap.Walk(func(d *store.Doc) bool {
		for _, secret := range []string{s.Secret, s.LiveSecret, s.Publishable, s.LivePublishable} {
			if strings.Contains(d.ID+string(d.Body)+string(d.Priv), secret) {
				t.Errorf("%s holds a key in clear", d.ID)
			}
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTwoAccountsAndTasks(t *testing.T) {
	s := servertest.New(t)
	other, err := s.Accounts.Create(t.Context(), account.Spec{Country: "de", Name: "Zwei & Söhne"})
	if err != nil {
		t.Fatal(err)
	}
	got := s.Do(as(s, other.Keys[1].Secret, "GET", "/v1/account"))
	if got.Text("id") != other.Account || got.Text("default_currency") != "eur" || got.Text("settings", "payments", "statement_descriptor") != "ZWEI & SHNE" {
		t.Errorf("the second account: %s", got.Body)
	}
	scopes := map[store.Scope]bool{}
	for n := range int64(2) {
		for _, live := range []bool{false, true} {
			scope := store.NewScope(n+1, live)
			who, err := s.Accounts.PrincipalOf(t.Context(), scope)
			if err != nil || who.Scope != scope || who.Holder.(*account.Account).Private.Number != n+1 {
				t.Errorf("scope %d belongs to %+v, %v", scope, who, err)
			}
			scopes[scope] = true
		}
	}
	if len(scopes) != 4 {
		t.Error("scopes coincide")
	}
	if _, err := s.Accounts.PrincipalOf(t.Context(), store.NewScope(3, false)); err == nil {
		t.Error("a scope of nobody has an account")
	}
	if _, err := s.Accounts.Create(t.Context(), account.Spec{Country: "XX"}); err == nil {
		t.Error("an account in no country")
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	s := servertest.New(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Accounts.Authenticate(b.Context(), s.Secret, ""); err != nil {
			b.Fatal(err)
		}
	}
}
