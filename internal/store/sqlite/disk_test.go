package sqlite

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"florin/internal/store"
	"florin/test/faults/disk"
)

// onBadDisk opens an engine whose disk fails by disk.Set.
func onBadDisk(t *testing.T) (*Engine, string) {
	t.Helper()
	if err := disk.Install(1); err != nil {
		t.Fatal(err)
	}
	disk.Set()
	e, path := openTemp(t, Options{})
	t.Cleanup(func() { disk.Set() })
	return e, path
}

// found opens a copy of what a crash would leave, and returns which of the things are there. A kill leaves what the operating system holds, a power
// cut what the disk has.
func found(t *testing.T, path string, power bool, ids ...string) map[string]bool {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy", filepath.Base(path))
	if err := os.Mkdir(filepath.Dir(copied), 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	if power {
		files = disk.Image(filepath.Dir(path))
	} else {
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			files[path+suffix] = content
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(filepath.Dir(copied), filepath.Base(name)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e, err := Open(copied, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	there := map[string]bool{}
	snap, err := e.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	for _, id := range ids {
		doc, err := snap.Get(2, id)
		if err != nil {
			t.Fatal(err)
		}
		there[id] = doc != nil
	}
	return there
}

func mustFail(t *testing.T, e *Engine, u *store.Unit) {
	t.Helper()
	if _, err := e.Apply(ctx, []*store.Unit{u}); err == nil {
		t.Fatal("a unit is said to be durable, though the disk failed")
	}
}

// What was refused because the disk failed stays refused, whatever happens to the process afterwards; what is acknowledged once the disk works again
// is durable, though pages were lost on the way.
func TestDiskFails(t *testing.T) {
	for _, rule := range []disk.Rule{
		{Op: disk.Sync, File: disk.Log, Harm: disk.Fail, Times: 1},
		{Op: disk.Write, File: disk.Log, Harm: disk.Fail, Times: 1},
		{Op: disk.Write, File: disk.Log, Harm: disk.Fail, Times: 1, After: 1},
		{Op: disk.Write, File: disk.Log, Harm: disk.Short, Times: 1, After: 2},
		{Op: disk.Write, File: disk.Log, Harm: disk.Full, Times: 1},
	} {
		t.Run(fmt.Sprintf("%s %s after %d", rule.Op, rule.Harm, rule.After), func(t *testing.T) {
			e, path := onBadDisk(t)
			apply(t, e, put("before", 0, 20_000))
			disk.Set(rule)
			mustFail(t, e, put("refused", 0, 400_000)) // four writes
			disk.Set()
			if got := found(t, path, false, "before", "refused"); !got["before"] || got["refused"] {
				t.Errorf("killed after the failure, it finds %v", got)
			}
			apply(t, e, put("after", 0, 100))
			for range 5 { // what a power cut leaves is chance
				if got := found(t, path, true, "before", "refused", "after"); !got["before"] || got["refused"] || !got["after"] {
					t.Errorf("after a power cut it finds %v", got)
				}
			}
		})
	}
}

// TestDiskShared has a log that is empty opened by one who reads, after one who writes: what is durable afterwards is so whoever is asked.
func TestDiskShared(t *testing.T) {
	e, path := onBadDisk(t)
	apply(t, e, put("before", 0, 20_000))
	e.writing.Lock()
	err := e.settle()
	e.writing.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	for range 4 { // side by side, so that each has a connection of its own
		snap, err := e.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer snap.Close()
		if doc, err := snap.Get(2, "before"); doc == nil || err != nil {
			t.Fatal(doc, err)
		}
	}
	apply(t, e, put("after", 0, 20_000))
	for range 5 {
		if got := found(t, path, true, "before", "after"); !got["before"] || !got["after"] {
			t.Errorf("after a power cut it finds %v", got)
		}
	}
}

// While the disk goes on failing nothing is acknowledged, but reads are answered. When it works again, so does the engine.
func TestDiskFailsForLong(t *testing.T) {
	for _, rule := range []disk.Rule{
		{Op: disk.Sync, Harm: disk.Fail, Times: -1},
		{Op: disk.Write, Harm: disk.Fail, Times: -1},
		{Op: disk.Write, Harm: disk.Full, Times: -1},
	} {
		t.Run(fmt.Sprintf("%s %s", rule.Op, rule.Harm), func(t *testing.T) {
			e, path := onBadDisk(t)
			apply(t, e, put("before", 0, 20_000))
			disk.Set(rule)
			for n := range 5 {
				mustFail(t, e, put(fmt.Sprint("refused", n), 0, 50_000))
				snap, err := e.Snapshot(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if doc, err := snap.Get(2, "before"); doc == nil || err != nil {
					t.Errorf("what was there is read as %v, %v", doc, err)
				}
				snap.Close()
			}
			disk.Set()
			apply(t, e, put("after", 0, 100))
			want := map[string]bool{"before": true, "after": true, "refused0": false, "refused4": false}
			if got := found(t, path, true, "before", "after", "refused0", "refused4"); !maps.Equal(got, want) {
				t.Errorf("after a power cut it finds %v", got)
			}
		})
	}
}

// A copy of the log into the file that fails loses nothing either, and is done again.
func TestCopyFails(t *testing.T) {
	e, path := onBadDisk(t)
	for n := range 20 {
		apply(t, e, put(fmt.Sprint("thing", n), 0, 9_000))
	}
	c, err := e.log.open()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	disk.Set(disk.Rule{Op: disk.Sync, File: disk.DB, Harm: disk.Fail, Times: 1})
	if err := e.log.checkpoint(c); err == nil {
		t.Error("the copy is said to have worked")
	}
	disk.Set()
	if got := found(t, path, true, "thing0", "thing19"); !got["thing0"] || !got["thing19"] {
		t.Errorf("after a power cut it finds %v", got)
	}
	if err := e.log.checkpoint(c); err != nil {
		t.Error(err)
	}
	apply(t, e, put("after", 0, 100))
	if got := found(t, path, true, "thing0", "thing19", "after"); !got["thing0"] || !got["thing19"] || !got["after"] {
		t.Errorf("after the second copy and a power cut it finds %v", got)
	}
}

// The log of processes that died before they had written much is copied when it has become long by all of them.
func TestLogOfTheDead(t *testing.T) {
	const lives, things, size = 2, 125, 9_000 // some 5 MB of log each
	path := filepath.Join(t.TempDir(), "florin.db")
	for life := range lives {
		e, err := Open(path, Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		for n := range things {
			apply(t, e, put(fmt.Sprint("thing", life, "-", n), 0, size))
		}
		next := filepath.Join(t.TempDir(), "florin.db") // what a kill leaves
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(path + suffix)
			if err == nil {
				err = os.WriteFile(next+suffix, content, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		e.Close()
		path = next
	}
	e, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for range 1000 {
		if info, err := os.Stat(path); err != nil {
			t.Fatal(err)
		} else if info.Size() > things*size {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the log is not copied")
}
