package id

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTime holds the time of ids to recorded ones.
func TestTime(t *testing.T) {
	tests := []struct {
		id      string
		created int64
	}{
		{"pi_3U09J5KSHejMPKBy1MXKVgAr", 1785715239},
		{"acct_1O7Ob0S8YbHMP08B", 1698784292},
		{"acct_1QPjDYS6V64w7SWE", 1732706138},
		{"acct_1T1oN2FlxYcOMBL8", 1771335082},
	}
	for _, tt := range tests {
		body := tt.id[strings.IndexByte(tt.id, '_')+1:]
		got := string(appendTime(nil, tt.created))
		// The account's created is stamped a second or two after its id is made.
		if got != body[1:6] && string(appendTime(nil, tt.created-1)) != body[1:6] && string(appendTime(nil, tt.created-2)) != body[1:6] {
			t.Errorf("%s: time %s, created %d gives %s", tt.id, body[1:6], tt.created, got)
		}
	}
	made := time.Unix(secondsOf("FiqEs"), 0).UTC() // acct_1FiqEsKuuB1fWySn
	if y, m, d := made.Date(); y != 2019 || m != time.November || d != 25 {
		t.Errorf("FiqEs is %v, want 2019-11-25", made)
	}
	if got := string(appendTime(nil, epoch-1)); got != "zzzzz" {
		t.Errorf("before the epoch: %s", got)
	}
}

// secondsOf reads the five characters back.
func secondsOf(s string) int64 {
	var n int64
	for i := range len(s) {
		n = n*62 + int64(strings.IndexByte(alphabet, s[i]))
	}
	return n + epoch
}

func TestShapes(t *testing.T) {
	const now = 1785715239
	acct := Account(now)
	part := AccountPart(acct)
	intent := Intent(now, part)
	tests := []struct{ name, id, want string }{
		{"account", acct, `^acct_1U09J5[0-9A-Za-z]{10}$`},
		{"new", New("pm", Ordinary, now, part), `^pm_1U09J5` + part + `[0-9A-Za-z]{8}$`},
		{"intent", intent, `^pi_3U09J5` + part + `[0-2][0-9A-Za-z]{7}$`},
		{"charge", Sibling("ch", intent), `^ch_` + intent[3:20] + `[0-9A-Za-z]{7}$`},
		{"event of a payment", Event(now+9, part, intent), `^evt_` + intent[3:20] + `[0-9A-Za-z]{7}$`},
		{"event", Event(now, part, Short("cus", now)), `^evt_1U09J5` + part + `[0-9A-Za-z]{8}$`},
		{"customer", Short("cus", now), `^cus_U09J5[0-9A-Za-z]{9}$`},
		{"request", Request(), `^req_[0-9A-Za-z]{14}$`},
		{"session", CheckoutSession(false), `^cs_test_a1[0-9A-Za-z]{56}$`},
		{"intent secret", IntentSecret(intent), `^` + intent + `_secret_[0-9A-Za-z]{25}$`},
		{"setup secret", SetupSecret("seti_1"), `^seti_1_secret_[0-9A-Za-z]{31}$`},
		{"webhook", WebhookSecret(), `^whsec_[0-9A-Za-z]{32}$`},
		{"listen", ListenSecret(), `^whsec_[0-9a-f]{64}$`},
		{"key", Key("sk_test", acct), `^sk_test_5` + acct[5:] + `[0-9A-Za-z]{82}$`},
		{"key of an odd account", Key("pk_live", "acct_old"), `^pk_live_51[0-9A-Za-z]{97}$`},
		{"uuid", UUID(), `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`},
		{"secret", Secret(100), `^[0-9A-Za-z]{100}$`},
	}
	for _, tt := range tests {
		if !regexp.MustCompile(tt.want).MatchString(tt.id) {
			t.Errorf("%s: %s does not match %s", tt.name, tt.id, tt.want)
		}
	}
	if len(Key("sk_test", acct)) != 107 {
		t.Error("a key has 107 characters")
	}
	if AccountPart("acct_1FiqEsKuuB1fWySn") != "KuuB1fWySn" {
		t.Error("account part")
	}
	if p := AccountPart("acct_old"); len(p) != 10 || p != AccountPart("acct_old") {
		t.Errorf("odd account part %q", p)
	}
}

func TestGrows(t *testing.T) {
	part := AccountPart("acct_1FiqEsKuuB1fWySn")
	last := ""
	for s := int64(1_700_000_000); s < 1_700_010_000; s += 61 {
		id := New("in", Ordinary, s, part)
		if id <= last {
			t.Fatalf("%s follows %s", id, last)
		}
		last = id
	}
}

// TestEven counts characters: none is left out, none is favoured.
func TestEven(t *testing.T) {
	const n = 620_000
	var count [256]int
	for _, c := range []byte(Secret(n)) {
		count[c]++
	}
	for i := range len(alphabet) {
		if c := count[alphabet[i]]; c < 9_400 || c > 10_600 { // six standard deviations
			t.Errorf("%c came %d times of %d", alphabet[i], c, n)
		}
	}
	seen := map[byte]bool{}
	for range 200 {
		seen[shard()] = true
	}
	if len(seen) != 3 {
		t.Errorf("shards %v", seen)
	}
}

func BenchmarkIntent(b *testing.B) {
	part := AccountPart("acct_1FiqEsKuuB1fWySn")
	b.ReportAllocs()
	for b.Loop() {
		Intent(1785715239, part)
	}
}

func BenchmarkNew(b *testing.B) {
	part := AccountPart("acct_1FiqEsKuuB1fWySn")
	b.ReportAllocs()
	for b.Loop() {
		New("pm", Ordinary, 1785715239, part)
	}
}
