package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
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

const (
	version1 = "0115e0413f4924dbd03bb4052702f9ad1c0ccc4a147b0752b5f23d8cf36f5c19aba59e697663a26ccc7fef6dc520b1e9d537a9a4221f3858bdcf89bf5532c943a4c1" +
		"4994fccf"
	version1Hash  = "051a9f902aac9976d954ba99a99132e9aa6fcc753ce564517fcf1b6875135b18"
	version1Print = "UrGMg5w34UY7JrYS"
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

// TestFileAndRotation turns the ring of a file: what was sealed before opens, is rewrapped without its context, and no longer needs the old key.
func TestFileAndRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "master")
	v := open(t, "", path)
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	sealed := v.SealCard(owner, Card{Number: "4242424242424242"})
	print, hash, roots := v.Fingerprint("a", "1"), v.KeyHash("s"), v.SealRoots()
	other := open(t, "file:"+path, "") // another process, which does not know of the rotation

	if err := v.Rotate(); err != nil {
		t.Fatal(err)
	}
	if len(v.Keys()) != 2 || v.Current(sealed) {
		t.Fatalf("keys %v, and the old record is current: %v", v.Keys(), v.Current(sealed))
	}
	newer, err := v.Rewrap(sealed)
	if err != nil || !v.Current(newer) || KeyID(newer) != v.Keys()[1] || KeyID(sealed) != v.Keys()[0] {
		t.Fatalf("rewrapped: %v", err)
	}
	if same, err := v.Rewrap(newer); err != nil || !bytes.Equal(same, newer) {
		t.Errorf("rewrapped again: %v", err)
	}
	if !bytes.Equal(newer[wrappedHead:], sealed[wrappedHead:]) {
		t.Error("the record itself was sealed anew")
	}
	wantCard(t, v, sealed)
	wantCard(t, v, newer)
	wantCard(t, other, newer) // it has looked again
	if newRoots, err := v.Rewrap(roots); err != nil || v.OpenRoots(newRoots) != nil {
		t.Errorf("roots: %v", err)
	} else {
		roots = newRoots
	}

	retired, err := v.Retire()
	if err != nil || len(v.Keys()) != 1 {
		t.Fatalf("%v, %v", v.Keys(), err)
	}
	if _, err := v.Open(owner, sealed); !errors.Is(err, ErrNoKey) {
		t.Errorf("after its key was retired: %v", err)
	}
	wantCard(t, v, newer)
	again := open(t, "", path)
	if again.KeyHash("s") == hash {
		t.Error("the roots should come from the store now")
	}
	if err := again.OpenRoots(roots); err != nil {
		t.Fatal(err)
	}
	for _, v := range []*Vault{v, again} {
		if v.Fingerprint("a", "1") != print || v.KeyHash("s") != hash {
			t.Error("fingerprints or hashes changed with the rotation")
		}
	}
	wantCard(t, open(t, "file:"+retired, ""), sealed) // backups of before can still be read

	text, _ := os.ReadFile(path)
	t.Setenv("FLORIN_TEST_RING", string(text))
	for _, source := range []string{"env:FLORIN_TEST_RING", "cmd:cat " + path} {
		if runtime.GOOS == "windows" && strings.HasPrefix(source, "cmd") {
			continue
		}
		v := open(t, source, "")
		wantCard(t, v, newer)
		if err := v.Rotate(); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: rotated: %v", source, err)
		}
	}
	if runtime.GOOS != "windows" {
		os.Chmod(path, 0o644)
		if _, err := Open("", path); err == nil {
			t.Error("opened keys that others can read")
		}
	}
}

func wantCard(t *testing.T, v *Vault, sealed []byte) {
	t.Helper()
	if c, err := v.OpenCard(owner, sealed); err != nil || c.Number != "4242424242424242" || c.CVC != "" {
		t.Errorf("%v, %v", c, err)
	}
}

// TestVersion1 opens what earlier versions of Florin have sealed: the record was made by one, under this key.
func TestVersion1(t *testing.T) {
	t.Setenv("FLORIN_TEST_RING", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	v := open(t, "env:FLORIN_TEST_RING", "")
	sealed, err := hex.DecodeString(version1)
	if err != nil {
		t.Fatal(err)
	}
	wantCard(t, v, sealed)
	if v.KeyHash("s") != version1Hash || v.Fingerprint("a", "1") != version1Print {
		t.Errorf("hash %s, fingerprint %s", v.KeyHash("s"), v.Fingerprint("a", "1"))
	}
	if v.Current(sealed) {
		t.Error("it is to be rewrapped, though its key is the newest")
	}
	t.Setenv("FLORIN_TEST_RING", os.Getenv("FLORIN_TEST_RING")+" "+base64.StdEncoding.EncodeToString(newKey()))
	if err := v.Rotate(); err != nil {
		t.Fatal(err)
	}
	newer, err := v.Rewrap(sealed)
	if err != nil {
		t.Fatal(err)
	}
	wantCard(t, v, newer)
	if _, err := v.Open("another", newer); !errors.Is(err, ErrCorrupt) {
		t.Errorf("in another context: %v", err)
	}
	t.Setenv("FLORIN_TEST_RING", strings.Fields(os.Getenv("FLORIN_TEST_RING"))[1])
	wantCard(t, open(t, "env:FLORIN_TEST_RING", ""), newer)
	newest, err := v.Rewrap(newer)
	if err != nil || !bytes.Equal(newest, newer) {
		t.Errorf("rewrapped again: %v", err)
	}
}

// TestKMS keeps the ring wrapped by a program, which here is a shell script.
func TestKMS(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	dir := t.TempDir()
	program, path := filepath.Join(dir, "kms"), filepath.Join(dir, "vault.key")
	write := func(script string) {
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	plain := open(t, "", path) // a folder that had its key in clear
	sealed := plain.SealCard(owner, Card{Number: "4242424242424242"})
	clearText, _ := os.ReadFile(path)

	write(`case $1 in wrap) tr A-Za-z N-ZA-Mn-za-m | sed s/^/w./ ;; unwrap) sed s/^w.// | tr A-Za-z N-ZA-Mn-za-m ;; *) exit 1 ;; esac`)
	v := open(t, "kms:"+program, path)
	wantCard(t, v, sealed)
	if err := v.Rotate(); err != nil {
		t.Fatal(err)
	}
	newer, err := v.Rewrap(sealed)
	if err != nil || v.Wrapped() {
		t.Fatal(err, v.Wrapped())
	}
	if _, err := v.Retire(); err != nil || !v.Wrapped() {
		t.Fatal(err, v.Wrapped())
	}
	text, _ := os.ReadFile(path)
	if !strings.HasPrefix(string(text), "kms:w.") || strings.Contains(string(text), strings.TrimSpace(string(clearText))) || strings.Count(string(text), "\n") != 1 {
		t.Errorf("the ring is %s", text)
	}
	v = open(t, "kms:"+program, path)
	wantCard(t, v, newer)
	if _, err := Open("", path); err == nil || !strings.Contains(err.Error(), "kms:") {
		t.Errorf("opened without the program: %v", err)
	}
	for _, bad := range []string{"cat", "exit 1", "tr A-Z B-ZA", "echo two words", "true"} {
		write(bad)
		if _, err := Open("kms:"+program, filepath.Join(dir, "new.key")); err == nil {
			t.Errorf("%s: taken for a key manager", bad)
		}
		if _, err := os.Stat(filepath.Join(dir, "new.key")); err == nil {
			t.Errorf("%s: left a ring", bad)
		}
	}
}

func TestRefusedSources(t *testing.T) {
	t.Setenv("FLORIN_EMPTY", "")
	t.Setenv("FLORIN_SHORT", "c2hvcnQ=")
	key := base64.StdEncoding.EncodeToString(newKey())
	t.Setenv("FLORIN_TWICE", key+" "+key)
	for _, source := range []string{"", "key", "kms:cat", "env:FLORIN_NOT_SET", "env:FLORIN_EMPTY", "env:FLORIN_SHORT", "env:FLORIN_TWICE", "cmd:", "cmd:/no/such/program"} {
		_, err := Open(source, "")
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
			if v, err := Open("", path); err == nil {
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

func open(t *testing.T, source, file string) *Vault {
	t.Helper()
	v, err := Open(source, file)
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

func BenchmarkOpen(b *testing.B) {
	v := Memory()
	sealed := v.SealCard(owner, Card{Number: "4242424242424242"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.OpenCard(owner, sealed); err != nil {
			b.Fatal(err)
		}
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
