package script_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"florin/internal/domain/account"
	"florin/internal/paymethod"
	"florin/internal/server/servertest"
	"florin/internal/spec"
)

// The test values of Stripe, each given to the API: testdata/values/FAMILY.txt has a row for each, what is given and what then happened.
//
//	4000000000000069 chargeDeclinedExpiredCard → visa credit US; declined expired_card …
//
// A family's file says at its top what is given and done. testdata/values/all.txt lists every value that Stripe documents: one without a row fails, and
// so does one that stands there as not here yet when its operation is.
//
// -update writes what happened into the files. It is then to be held against what Stripe says, not believed.

var update = flag.Bool("update", false, "write what happened into testdata/values")

const gives = " → "

// families are how the values of a file are given. The first word is the value; a family that has other words says so in its file.
var families = map[string]func(s *shop, given []string) string{
	"cards": givenCard, "card_errors": givenCardError, "card_rules": givenCardRule, "mandates": givenIndianMandate,
	"evidence": givenEvidence, "ach": givenACH, "microdeposits": givenMicrodeposit, "debits": givenDebit, "sepa": givenIBAN,
	"redirects": givenRedirect, "vouchers": givenVoucher, "konbini": givenKonbini, "blik": givenBlik, "mb_way": givenMBWay,
	"payouts": givenPayout, "topups": givenTopup, "connect": givenConnect, "routing": givenRouting, "cash_balance": givenFunds,
	"clocks": givenClock,
}

func TestValues(t *testing.T) {
	if os.Getenv("FLORIN_BASE") != "" {
		t.Skip("the clock of a server that runs cannot be moved")
	}
	given := map[string]bool{}
	for _, family := range slices.Sorted(mapsKeys(families)) {
		drive := families[family]
		path := filepath.Join("testdata/values", family+".txt")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		for _, line := range lines {
			if line == "" || line[0] == '#' {
				continue
			}
			left, _, _ := strings.Cut(line, gives)
			for _, word := range strings.Fields(left) {
				given[family+" "+word] = true
			}
		}
		t.Run(family, func(t *testing.T) {
			var mu sync.Mutex
			t.Cleanup(func() {
				if *update {
					if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
						t.Error(err)
					}
				}
			})
			for i, line := range lines {
				if line == "" || line[0] == '#' {
					continue
				}
				left, want, _ := strings.Cut(line, gives)
				left = strings.TrimSpace(left)
				t.Run(strings.ReplaceAll(left, " ", ","), func(t *testing.T) {
					t.Parallel()
					got := drive(bareShop(t), strings.Fields(left))
					if *update {
						mu.Lock()
						defer mu.Unlock()
						lines[i] = left + gives + got
					} else if want = strings.TrimSpace(want); got != want {
						t.Errorf("given %s\n     got %s\nwant %s", left, got, want)
					}
				})
			}
		})
	}
	t.Run("all", func(t *testing.T) { complete(t, given) })
}

func mapsKeys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// complete holds the rows to the list of all values: each has one, unless it stands under a line that begins with "not here:".
func complete(t *testing.T, given map[string]bool) {
	text, err := os.ReadFile("testdata/values/all.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows, excused, family, notHere := 0, 0, "", false
	for n, line := range strings.Split(string(text), "\n") {
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "not here:"):
			// not here: POST /v1/x: why; or, where no operation is missing, not here: why
			notHere = true
			why := strings.TrimSpace(strings.TrimPrefix(line, "not here:"))
			method, rest, _ := strings.Cut(why, " ")
			path, _, _ := strings.Cut(rest, ":")
			if why == "" {
				t.Errorf("all.txt:%d does not say why", n+1)
			}
			if op, _, ok := spec.Find(method, path); ok && bareShop(t).App.Coverage(op) != "not yet" {
				t.Errorf("all.txt:%d: %s is there by now: what its values do is to be shown", n+1, op.Route())
			}
		case strings.HasPrefix(line, "in "):
			family, notHere = strings.TrimSuffix(line[3:], ":"), false
			if families[family] == nil {
				t.Errorf("all.txt:%d: there is no family %s", n+1, family)
			}
		default:
			for _, value := range strings.Fields(line) {
				if notHere {
					excused++
				} else if rows++; !given[family+" "+value] {
					t.Errorf("all.txt:%d: %s has no row in %s.txt", n+1, value, family)
				}
			}
		}
	}
	t.Logf("%d values have rows, %d are not here yet", rows, excused)
}

// bareShop is an American shop, with nothing in it.
func bareShop(t *testing.T) *shop {
	s := &shop{Server: servertest.New(t), t: t, way: paymethod.Types["card"], seen: map[string]bool{}, currency: "usd", amount: 10000}
	s.App.Base = "http://florin.test"
	return s
}

// in moves the shop to another country, where a type of payment method can be taken.
func (s *shop) in(country, currency, typ string) {
	s.t.Helper()
	made, err := s.Accounts.Create(s.t.Context(), account.Spec{Country: country, Name: "Test shop"})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, k := range made.Keys {
		if k.Type == account.Secret && !k.Livemode {
			s.Secret = k.Secret
		}
	}
	s.currency, s.way = currency, paymethod.Types[typ]
}

// customer makes one.
func (s *shop) customer(more ...string) string {
	s.t.Helper()
	return s.must("POST", "/v1/customers", append([]string{"name", "Jenny Rosen", "email", "jenny@example.com"}, more...)...).Text("id")
}

// must asks for what has to be answered with 200.
func (s *shop) must(method, path string, params ...string) *servertest.Reply {
	s.t.Helper()
	r := s.ask(method, path, params...)
	if r.Status != 200 {
		s.t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Body)
	}
	return r
}

// press opens a page and presses one of its buttons, by the value that it has. It returns where the browser is sent, or what it is shown.
func (s *shop) press(address, button string) string {
	s.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		s.t.Fatal(err)
	}
	page := s.browse("GET", u.RequestURI())
	for _, form := range formTag.FindAllSubmatch(page.Body.Bytes(), -1) {
		values, found := url.Values{}, false
		for _, input := range inputTag.FindAllSubmatch(form[2], -1) {
			if a := attributes(input[1]); a["name"] != "" {
				values.Set(a["name"], a["value"])
			}
		}
		for _, b := range buttonTag.FindAllSubmatch(form[2], -1) {
			if a := attributes(b[1]); a["value"] == button {
				found = true
				values.Set(a["name"], button)
			}
		}
		if !found {
			continue
		}
		r := httptest.NewRequestWithContext(s.t.Context(), "POST", attributes(form[1])["action"], strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.Server.Server.ServeHTTP(w, r)
		if w.Code != 303 && w.Code != 200 {
			s.t.Fatalf("%s of %s: %d %s", button, address, w.Code, w.Body)
		}
		return w.Header().Get("Location") + w.Body.String()
	}
	s.t.Fatalf("%s is %d, with no button %q: %s", address, page.Code, button, page.Body)
	return ""
}

// refused is how an answer refuses: its code, its decline code if it has one, and its parameter.
func refused(r *servertest.Reply) string { return why(r.At("error")) }

// why is what an error says to programs.
func why(e any) string {
	m, _ := e.(map[string]any)
	if m == nil {
		return "nothing"
	}
	text := func(name string) string { s, _ := m[name].(string); return s }
	out := text("code")
	if out == "" {
		out = text("type")
	}
	if d := text("decline_code"); d != "" {
		out += "/" + d
	}
	if p := text("param"); p != "" {
		out += " at " + p
	}
	return out
}

// joined puts what happened one after another.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; ")
}

// list asks for a list, and returns its objects, oldest first.
func (s *shop) list(path string, params ...string) (out []map[string]any) {
	s.t.Helper()
	data, _ := s.must("GET", path, append(params, "limit", "100")...).At("data").([]any)
	for _, d := range data {
		out = append(out, d.(map[string]any))
	}
	slices.Reverse(out)
	return out
}

// shown is a member of an object as text.
func shown(o map[string]any, path ...string) string {
	var v any = o
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64, bool:
		return fmt.Sprint(v)
	}
	var b bytes.Buffer
	_ = json.NewEncoder(&b).Encode(v)
	return strings.TrimSpace(b.String())
}
