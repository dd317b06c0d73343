package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
)

const owner = "acct_1FiqEsKuuB1fWySn/test/card/pm_1"

func TestSealOpen(t *testing.T) {
	v := Memory()
	for _, plain := range []string{"", "x", "4242424242424242", strings.Repeat("long ", 1000)} {
		sealed := v.Seal(owner, []byte(plain))
		if len(plain) > 8 && bytes.Contains(sealed, []byte(plain)) {
			t.Errorf("%q is in clear", plain)
		}
		got, err := v.Open(owner, sealed)
		if err != nil || string(got) != plain {
			t.Errorf("%.20q came back as %.20q, %v", plain, got, err)
		}
		if again := v.Seal(owner, []byte(plain)); bytes.Equal(again, sealed) {
			t.Errorf("%.20q was sealed to the same bytes twice", plain)
		}
	}
}

func TestTampering(t *testing.T) {
	v := Memory()
	sealed := v.Seal(owner, []byte("4242424242424242"))
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x40
		if plain, err := v.Open(owner, changed); err == nil {
			t.Errorf("byte %d was changed, opened as %q", i, plain)
		}
	}
	for n := range sealed {
		if _, err := v.Open(owner, sealed[:n]); err == nil {
			t.Errorf("opened from %d bytes of %d", n, len(sealed))
		}
	}
	if _, err := v.Open(owner, append(bytes.Clone(sealed), 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("with a byte more: %v", err)
	}
	for _, context := range []string{"", owner + "0", "acct_other/test/card/pm_1"} {
		if _, err := v.Open(context, sealed); !errors.Is(err, ErrCorrupt) {
			t.Errorf("as %q: %v", context, err)
		}
	}
	if _, err := Memory().Open(owner, sealed); !errors.Is(err, ErrNoKey) {
		t.Errorf("in another vault: %v", err)
	}
}

func TestFileAndRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "master")
	v1 := open(t, path)
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	sealed := v1.SealCard(owner, Card{Number: "4242424242424242", CVC: "123"})

	if err := Rotate(path); err != nil {
		t.Fatal(err)
	}
	v2 := open(t, "file:"+path)
	if c, err := v2.OpenCard(owner, sealed); err != nil || c.Number != "4242424242424242" || c.CVC != "123" {
		t.Errorf("after rotation: %v, %v", c, err)
	}
	if v2.Current(sealed) || !v1.Current(sealed) {
		t.Error("the record is of the first key")
	}
	newer, err := v2.Reseal(owner, sealed)
	if err != nil || !v2.Current(newer) {
		t.Errorf("reseal: %v", err)
	}
	if same, err := v2.Reseal(owner, newer); err != nil || !bytes.Equal(same, newer) {
		t.Errorf("reseal of a current record: %v", err)
	}
	if _, err := v1.Open(owner, newer); !errors.Is(err, ErrNoKey) {
		t.Errorf("the old vault opened the new record: %v", err)
	}
	if v1.Fingerprint("a", "1") != v2.Fingerprint("a", "1") || v1.KeyHash("s") != v2.KeyHash("s") {
		t.Error("fingerprints or hashes changed with the rotation")
	}

	text, _ := os.ReadFile(path)
	t.Setenv("FLORIN_TEST_RING", string(text))
	for _, source := range []string{"env:FLORIN_TEST_RING", "cmd:cat " + path} {
		if runtime.GOOS == "windows" && strings.HasPrefix(source, "cmd") {
			continue
		}
		if _, err := open(t, source).Open(owner, newer); err != nil {
			t.Errorf("%s: %v", source, err)
		}
	}

	if runtime.GOOS != "windows" {
		os.Chmod(path, 0o644)
		if _, err := Open(path); err == nil {
			t.Error("opened keys that others can read")
		}
	}
}

func TestRefusedSources(t *testing.T) {
	t.Setenv("FLORIN_EMPTY", "")
	t.Setenv("FLORIN_SHORT", "c2hvcnQ=")
	key := string(bytes.TrimSpace(line(newKey())))
	t.Setenv("FLORIN_TWICE", key+" "+key)
	for _, source := range []string{"", "key", "env:FLORIN_NOT_SET", "env:FLORIN_EMPTY", "env:FLORIN_SHORT", "env:FLORIN_TWICE", "cmd:", "cmd:/no/such/program"} {
		_, err := OpenFrom(source)
		if err == nil {
			t.Errorf("%q opened", source)
		} else if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "c2hvcnQ") {
			t.Errorf("%q shows a key: %v", source, err)
		}
	}
}

// TestMakeOnce: of many processes that start at once, one makes the key and all use it.
func TestMakeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master")
	hashes := make([]string, 20)
	var wg sync.WaitGroup
	for i := range hashes {
		wg.Go(func() {
			if v, err := Open(path); err == nil {
				hashes[i] = v.KeyHash("x")
			}
		})
	}
	wg.Wait()
	for _, h := range hashes {
		if h == "" || h != hashes[0] {
			t.Fatal("vaults differ")
		}
	}
}

func TestFingerprint(t *testing.T) {
	v := Memory()
	f := v.Fingerprint("acct_1", "4242424242424242")
	if !regexp.MustCompile(`^[0-9A-Za-z]{16}$`).MatchString(f) {
		t.Errorf("fingerprint %q", f)
	}
	if f != v.Fingerprint("acct_1", "4242424242424242") {
		t.Error("not stable")
	}
	others := []string{v.Fingerprint("acct_2", "4242424242424242"), v.Fingerprint("acct_1", "4000056655665556"), Memory().Fingerprint("acct_1", "4242424242424242")}
	for _, o := range others {
		if o == f {
			t.Error("two numbers, accounts or vaults share a fingerprint")
		}
	}
	if len(v.KeyHash("sk_test_1")) != 64 || v.KeyHash("sk_test_1") == v.KeyHash("sk_test_2") {
		t.Error("key hash")
	}
}

func TestCardNeverShows(t *testing.T) {
	c := Card{Number: "4242424242424242", CVC: "987"}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%o", "%10v"} {
		fmt.Fprintf(&out, verb+"\n", c)
		fmt.Fprintf(&out, verb+"\n", &c)
		fmt.Fprintf(&out, verb+"\n", struct{ C Card }{c})
		fmt.Fprintf(&out, verb+"\n", []Card{c})
		fmt.Fprintf(&out, verb+"\n", map[Card]int{c: 1})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("paid", "card", c, "cards", []Card{c})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("paid", "card", &c, "in", struct{ C Card }{c})
	b, err := json.Marshal(map[Card]any{c: []any{c, &c}})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	if s := out.String(); strings.Contains(s, "42424242") || strings.Contains(s, "987") || strings.Contains(s, fmt.Sprintf("%x", "42424242")) {
		t.Errorf("shown in:\n%s", s)
	}
	if c.String() != "card ····4242" || (Card{Number: "4242"}).String() != "card ····" {
		t.Error(c.String())
	}
}

// open opens a path, or a source if it has a kind.
func open(t *testing.T, source string) *Vault {
	t.Helper()
	f := Open
	if strings.HasPrefix(source, "file:") || strings.HasPrefix(source, "env:") || strings.HasPrefix(source, "cmd:") {
		f = OpenFrom
	}
	v, err := f(source)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func BenchmarkSeal(b *testing.B) {
	v := Memory()
	b.ReportAllocs()
	for b.Loop() {
		v.SealCard(owner, Card{Number: "4242424242424242", CVC: "123"})
	}
}

func BenchmarkKeyHash(b *testing.B) {
	v := Memory()
	key := "sk_test_51FiqEsKuuB1fWySn" + strings.Repeat("x", 82)
	b.ReportAllocs()
	for b.Loop() {
		v.KeyHash(key)
	}
}
