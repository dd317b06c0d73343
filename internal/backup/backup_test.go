package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"florin/internal/backup"
	"florin/internal/store"
	"florin/internal/store/storetest"
)

// A content is files by name, in order.
type content []struct {
	name string
	body []byte
}

func (c content) next() backup.Next {
	i := 0
	return func() (string, io.Reader, error) {
		if i == len(c) {
			return "", nil, io.EOF
		}
		i++
		return c[i-1].name, bytes.NewReader(c[i-1].body), nil
	}
}

func write(t *testing.T, dir string, at int64, full bool, c content) *backup.Summary {
	t.Helper()
	s, err := backup.Write(dir, backup.Header{Taken: at, Engine: backup.EnginePages}, full, c.next())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantContent reads a backup back.
func wantContent(t *testing.T, dir, name string, c content) {
	t.Helper()
	b, err := backup.Open(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Files) != len(c) {
		t.Fatalf("%d files, want %d", len(b.Files), len(c))
	}
	for i := range c {
		var got bytes.Buffer
		if err := b.Extract(&b.Files[i], &got); err != nil || b.Files[i].Name != c[i].name || !bytes.Equal(got.Bytes(), c[i].body) {
			t.Errorf("%s: %d bytes, %v; want %s with %d", b.Files[i].Name, got.Len(), err, c[i].name, len(c[i].body))
		}
	}
	if err := b.Verify(); err != nil {
		t.Error(err)
	}
}

func noise(seed uint64, n int) []byte {
	r, b := rand.New(rand.NewPCG(seed, 0)), make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestIncremental backs up files that change a little, and reads every backup back.
func TestIncremental(t *testing.T) {
	dir := t.TempDir()
	db := noise(1, 5<<20)
	first := content{{backup.Database, bytes.Clone(db)}, {"files/a", []byte("hello")}, {"files/empty", nil}}
	s1 := write(t, dir, 1000, false, first)
	if s1.Wrote < 5<<20 || s1.Kept != 0 {
		t.Errorf("%+v", s1)
	}
	copy(db[3<<20:], "a page that has changed")
	db = append(db, noise(2, 100<<10)...)
	second := content{{backup.Database, bytes.Clone(db)}, {"files/a", []byte("hello")}, {"files/b", bytes.Repeat([]byte("text "), 1000)}}
	s2 := write(t, dir, 1000, false, second) // in the same second
	if s2.Wrote > 300<<10 || s2.New != 3 || s2.Name == s1.Name {
		t.Errorf("the second wrote too much: %+v", s2)
	}
	s3 := write(t, dir, 3000, false, second)
	if s3.New != 0 || s3.Wrote > 20<<10 {
		t.Errorf("nothing has changed, and it wrote %+v", s3)
	}
	s4 := write(t, dir, 4000, true, second)
	if s4.Kept != 0 {
		t.Errorf("a full one is of its own chunks alone: %+v", s4)
	}
	for name, want := range map[string]content{s1.Name: first, s2.Name: second, s3.Name: second, "": second} {
		wantContent(t, dir, name, want)
	}

	// The last two stay; of the third, which needs packs of the first two, those stay as well.
	if n, err := backup.Keep(dir, 2, time.Now()); err != nil || n != 2 {
		t.Fatalf("removed %d, %v", n, err)
	}
	wantContent(t, dir, s3.Name, second)
	wantContent(t, dir, s4.Name, second)
	if n, err := backup.Keep(dir, 1, time.Now()); err != nil || n != 1 {
		t.Fatalf("removed %d, %v", n, err)
	}
	wantContent(t, dir, "", second)
	packs, err := os.ReadDir(filepath.Join(dir, "packs"))
	if err != nil || len(packs) != 1 {
		t.Errorf("packs: %v, %v", packs, err)
	}
	if all, err := backup.List(dir); err != nil || len(all) != 1 || all[0].Name != s4.Name {
		t.Errorf("%v, %v", all, err)
	}
}

// TestInterrupted leaves no backup, and the next one is as if it had not been.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	c := content{{backup.Database, noise(1, 1<<20)}}
	next, n := c.next(), 0
	_, err := backup.Write(dir, backup.Header{Taken: 1}, false, func() (string, io.Reader, error) {
		if n++; n > 1 {
			return "", nil, errors.New("the server is gone")
		}
		return next()
	})
	if err == nil || !strings.Contains(err.Error(), "gone") {
		t.Fatal(err)
	}
	if all, err := backup.List(dir); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	write(t, dir, 2, false, c)
	wantContent(t, dir, "", c)
}

// TestDamage changes every file of a backup, at many places: each is noticed.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s := write(t, dir, 1, false, content{{backup.Database, noise(1, 300<<10)}, {"files/a", bytes.Repeat([]byte("abc"), 5000)}})
	check := func() error {
		b, err := backup.Open(dir, "")
		if err != nil {
			return err
		}
		return b.Verify()
	}
	for _, sub := range []string{"packs", "backups"} {
		path := filepath.Join(dir, sub, s.Name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			at := i * (len(whole) - 8) / 49 // the last bits of a deflated chunk are padding
			bad := bytes.Clone(whole)
			bad[at] ^= 0x10
			os.WriteFile(path, bad, 0o600)
			if err := check(); err == nil {
				t.Errorf("%s: a changed byte at %d of %d is not noticed", sub, at, len(whole))
			}
			os.WriteFile(path, whole[:at], 0o600)
			if err := check(); err == nil {
				t.Errorf("%s: an end at %d of %d is not noticed", sub, at, len(whole))
			}
		}
		os.WriteFile(path, whole, 0o600)
		if err := check(); err != nil {
			t.Fatal(err)
		}
	}
	os.Remove(filepath.Join(dir, "packs", s.Name))
	if err := check(); err == nil {
		t.Error("a pack that is gone is not noticed")
	}
}

// TestRecords loads what Parts wrote into another store: the same documents and versions, to the byte, in the same places, and the same moves. The
// parts of a store that has grown a little are mostly the same.
func TestRecords(t *testing.T) {
	from := storetest.Memory(t)
	commit := func(db *store.DB, u *store.Unit) {
		t.Helper()
		if err := db.Commit(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	was := map[string][]store.Entry{}
	put := func(id string, base int64, body, priv string) *store.Unit {
		before, now := was[id], entriesOf(&store.Doc{Body: []byte(body)})
		was[id] = now
		return &store.Unit{Puts: []store.Put{{Doc: store.Doc{Scope: 2, ID: id, Ver: base + 1, Kind: "thing", Created: 7, Seq: from.Seq(), Body: []byte(body), Priv: []byte(priv)},
			Base: base, Keep: true, Index: now, Was: before}}}
	}
	for i := range 3000 {
		commit(from, put(fmt.Sprintf("id_%05d", i), 0, fmt.Sprintf(`{"id":"<%d> & é \u00e9","text":"%x"}`, i, noise(uint64(i), 100)), ""))
	}
	commit(from, put("id_00007", 1, `{"id":"changed"}`, `{"sealed":"x"}`))
	commit(from, put("id_00007", 2, `{"id":"again"}`, ""))
	commit(from, put("odd", 0, "no\njson", "\x00\xff"))
	commit(from, put("spaced", 0, `{ "a" : 1 }`, `[1]`))
	dead := put("dead", 0, "", "")
	dead.Puts[0].Deleted, dead.Puts[0].Index = true, nil
	commit(from, dead)
	for i := range 100 {
		commit(from, &store.Unit{Moves: []store.Move{{Scope: 2, From: "a", To: fmt.Sprint("b", i%3), Currency: "eur", Amount: int64(i + 1), Source: "s", AvailableOn: 5, Created: 4}}})
	}
	parts := partsOf(t, from)
	if len(parts) < 4 {
		t.Fatalf("%d parts", len(parts))
	}

	to := storetest.Memory(t)
	loaded, err := backup.Load(t.Context(), to, entriesOf, func(part func(io.Reader) error) error {
		for _, p := range parts {
			if err := part(strings.NewReader(p)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || loaded.Documents != 3003 || loaded.Versions != 3005 || loaded.Moves != 100 {
		t.Errorf("%+v, %v", loaded, err)
	}
	if a, b := dump(t, from), dump(t, to); a != b {
		la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
		for i := range la {
			if i >= len(lb) || la[i] != lb[i] {
				t.Fatalf("what was loaded is not what was there, line %d:\n%s\n%s", i, la[i], lb[min(i, len(lb)-1)])
			}
		}
	}
	if _, err := backup.Load(t.Context(), to, entriesOf, func(func(io.Reader) error) error { return nil }); err == nil {
		t.Error("loaded into a store that is not empty")
	}

	commit(from, put("id_01500x", 0, `{"id":"in the middle"}`, ""))
	have, fresh := map[string]bool{}, 0
	for _, p := range parts {
		have[p] = true
	}
	for _, p := range partsOf(t, from) {
		if !have[p] {
			fresh++
		}
	}
	if fresh == 0 || fresh > 2 {
		t.Errorf("one document more made %d new parts of %d", fresh, len(parts))
	}
}

func partsOf(t *testing.T, db *store.DB) (parts []string) {
	t.Helper()
	snap, err := db.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	if err := backup.Parts(snap, func(_ string, content []byte) error { parts = append(parts, string(content)); return nil }); err != nil {
		t.Fatal(err)
	}
	return parts
}

func entriesOf(d *store.Doc) []store.Entry {
	if d.Deleted {
		return nil
	}
	return []store.Entry{{Index: "len", Value: fmt.Sprint(len(d.Body))}}
}

// dump is everything of a store as text.
func dump(t *testing.T, db *store.DB) string {
	t.Helper()
	snap, err := db.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	var out strings.Builder
	err = errors.Join(
		snap.WalkVersions(func(d *store.Doc) bool {
			fmt.Fprintf(&out, "%d %s %d %s %d %d %v %q %q\n", d.Scope, d.ID, d.Ver, d.Kind, d.Created, d.Seq, d.Deleted, d.Body, d.Priv)
			return true
		}),
		snap.WalkMoves(func(m store.Move) bool { fmt.Fprintf(&out, "%+v\n", m); return true }),
		snap.WalkIndex(func(s store.Scope, e store.Entry, p store.Pos, id string) bool {
			fmt.Fprintln(&out, s, e, p, id)
			return true
		}))
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}
