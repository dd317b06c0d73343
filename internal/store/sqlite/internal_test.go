package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"florin/internal/store"
)

var ctx = context.Background()

func openTemp(t *testing.T, opt Options) (e *Engine, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "data", "florin.db")
	e, err := Open(path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e, path
}

func put(id string, base int64, size int) *store.Unit {
	return &store.Unit{
		Puts: []store.Put{{
			Doc:   store.Doc{Scope: 2, ID: id, Ver: base + 1, Kind: "thing", Created: 1, Seq: 1, Body: bytes.Repeat([]byte("x"), size)},
			Base:  base,
			Index: []store.Entry{{Index: "all"}},
			Was:   []store.Entry{{Index: "all"}},
		}},
		Moves: []store.Move{{Scope: 2, From: "a", To: "b", Currency: "eur", Amount: 1, Source: id}},
	}
}

func apply(t *testing.T, e *Engine, units ...*store.Unit) {
	t.Helper()
	outcomes, err := e.Apply(ctx, units)
	if err := errors.Join(append(outcomes, err)...); err != nil {
		t.Fatal(err)
	}
}

// The WAL-reset bug, fixed in 3.51.3, could corrupt the file of who checkpoints on one connection and writes on another, as we do.
func TestVersionOfSQLite(t *testing.T) {
	e, _ := openTemp(t, Options{})
	n, err := e.writer.number("SELECT sqlite_version() >= '3.51.3'")
	if err != nil || n != 1 {
		t.Errorf("SQLite is older than 3.51.3, %v", err)
	}
}

func TestPermissions(t *testing.T) {
	e, path := openTemp(t, Options{})
	apply(t, e, put("a", 0, 10))
	err := filepath.WalkDir(filepath.Dir(path), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s may be read by others: %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLockedBySelf(t *testing.T) {
	e, path := openTemp(t, Options{})
	if _, err := Open(path, Options{}); !errors.Is(err, errLocked) {
		t.Fatalf("got %v, want %v", err, errLocked)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestLockedByOther(t *testing.T) {
	if path := os.Getenv("FLORIN_SQLITE_LOCKED"); path != "" {
		_, err := Open(path, Options{})
		fmt.Println("refused:", err)
		return
	}
	_, path := openTemp(t, Options{})
	cmd := exec.Command(os.Args[0], "-test.run=^TestLockedByOther$")
	cmd.Env = append(os.Environ(), "FLORIN_SQLITE_LOCKED="+path)
	out, err := cmd.Output()
	if want := fmt.Sprintf("another Florin is serving this data (process %d)", os.Getpid()); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%s, %v, want %s", out, err, want)
	}
}

func TestNewerSchema(t *testing.T) {
	e, path := openTemp(t, Options{})
	if err := e.writer.script("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path, Options{})
	if want := "written by a newer Florin (schema 99"; err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line with %q", err, want)
	}
}

func TestForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := file{path, "FULL"}.open(100)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.script("CREATE TABLE mine (a)"), c.close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "not one of Florin's") {
		t.Error(err)
	}
}

// What every balance asks for must not read more the more payments there are.
func TestPlanOfSums(t *testing.T) {
	e, _ := openTemp(t, Options{})
	var plan []string
	if err := e.writer.rows("EXPLAIN QUERY PLAN "+sumUnfolded, func(st *sqlite.Stmt) { plan = append(plan, st.ColumnText(3)) }); err != nil {
		t.Fatal(err)
	}
	if len(plan) == 0 || plan[0] != "SEARCH move USING INTEGER PRIMARY KEY (rowid>?)" {
		t.Errorf("moves are read so: %q", plan)
	}
}

// TestFull lets the disk be full in the middle of a batch. The batch is as if it had never been, and the next one goes on.
func TestFull(t *testing.T) {
	e, path := openTemp(t, Options{})
	apply(t, e, put("a", 0, 10))
	pages, err := e.writer.number("PRAGMA page_count")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.writer.script(fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
	novel := put("c", 0, 10)
	novel.Puts[0].Kind = "novelty"
	batch := []*store.Unit{put("a", 1, 10), novel, put("d", 0, 1<<20)}
	if _, err := e.Apply(ctx, batch); err == nil || !strings.Contains(err.Error(), "full") {
		t.Fatalf("got %v, want a full disk", err)
	}
	apply(t, e, put("a", 1, 20)) // what fits is still taken
	if err := e.writer.script("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	batch[0] = put("a", 2, 10)
	apply(t, e, batch...)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if e, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s, err := e.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if d, err := s.Get(2, "c"); err != nil || d == nil || d.Kind != "novelty" {
		t.Errorf("%+v, %v", d, err)
	}
	var last int64
	if err := s.WalkMoves(func(m store.Move) bool { last++; return m.Seq == last }); err != nil || last != 5 {
		t.Errorf("%d moves without a gap, want 5, %v", last, err)
	}
}

// TestPanic lets a bad unit panic in the middle of a batch.
func TestPanic(t *testing.T) {
	e, _ := openTemp(t, Options{})
	db, err := store.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { recover() }()
		e.Apply(ctx, []*store.Unit{put("a", 0, 10), nil})
	}()
	if err := db.Commit(ctx, put("a", 0, 10)); err != nil {
		t.Error(err)
	}
}

// TestLogIsBounded writes much, while somebody always reads, and while somebody reads for long.
func TestLogIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 400 MB")
	}
	e, path := openTemp(t, Options{NoSync: true})
	logSize := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size() >> 20
	}
	version := int64(0)
	write := func(megabytes int) {
		for range megabytes {
			s, err := e.Snapshot(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Get(2, "a"); err != nil {
				t.Fatal(err)
			}
			apply(t, e, put("a", version, 1<<20))
			version++
			s.Close()
		}
	}
	write(100)
	if n := logSize(); n > 100 {
		t.Errorf("the log has %d MB", n)
	}
	long, err := e.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := long.Get(2, "a"); err != nil || d.Ver != version {
		t.Fatal(d, err)
	}
	seen := version
	write(60)
	if d, err := long.Get(2, "a"); err != nil || d.Ver != seen {
		t.Fatal(d, err)
	}
	long.Close()
	write(240)
	if n := logSize(); n > 100 {
		t.Errorf("the log has %d MB after a long read", n)
	}
}

func TestReadersWait(t *testing.T) {
	e, _ := openTemp(t, Options{Readers: 1})
	apply(t, e, put("a", 0, 10))
	first, err := e.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Get(2, "a"); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(ctx)
	second, err := e.Snapshot(canceled)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() {
		_, err := second.Get(2, "a")
		got <- err
	}()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	second.Close()
	first.Close()
	third, err := e.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if d, err := third.Get(2, "a"); err != nil || d == nil {
		t.Error(d, err)
	}
}

func TestReap(t *testing.T) {
	e, _ := openTemp(t, Options{})
	var open []store.Snapshot
	for range 5 {
		s, err := e.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(2, "a"); err != nil {
			t.Fatal(err)
		}
		open = append(open, s)
	}
	for _, s := range open {
		s.Close()
	}
	if n := len(e.readers.free); n != 5 {
		t.Errorf("%d connections, want 5", n)
	}
	e.readers.reap() // they were in use since it last came
	e.readers.reap()
	if n := len(e.readers.free); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestPlans holds the queries to their indexes: a scan of a whole table or a sort would not show in a small test otherwise.
func TestPlans(t *testing.T) {
	e, _ := openTemp(t, Options{})
	for _, sql := range []string{scanUp, scanDown, has, sumFolds,
		getDoc, getVersion, getCurrent,
		selectMove + " WHERE scope = ? AND source = ? ORDER BY seq",
	} {
		st, _, err := e.writer.c.PrepareTransient("EXPLAIN QUERY PLAN " + sql)
		if err != nil {
			t.Fatal(err)
		}
		for {
			row, err := st.Step()
			if err != nil {
				t.Fatal(err)
			}
			if !row {
				break
			}
			if step := st.ColumnText(3); strings.HasPrefix(step, "SCAN") || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s\n%s", sql, step)
			}
		}
		st.Finalize()
	}
}
