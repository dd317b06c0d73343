package storetest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"florin/internal/store"
)

// crashDir, in the environment, makes the test binary the process that is going to be killed, working in this folder.
const crashDir = "FLORIN_STORETEST_CRASH"

// RunDurable tests what only an engine that keeps its data can do: be opened again, and be killed.
func RunDurable(t *testing.T, open Opener) {
	if dir := os.Getenv(crashDir); dir != "" {
		commitForEver(t, open(t, dir))
	}
	t.Run("Reopen", func(t *testing.T) { testReopen(t, open) })
	t.Run("Kill", func(t *testing.T) { testKill(t, open) })
}

// testReopen does random things, and closes and opens the engine now and then.
func testReopen(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := &suite{T: t, Engine: open(t, dir)}
	w := &world{Rand: rand.New(rand.NewPCG(1, 1)), t: t, s: s, model: newModel()}
	for range 10 {
		for range 20 {
			w.commit()
		}
		before, err := s.MaxSeq(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s.Engine = open(t, dir)
		if after, err := s.MaxSeq(ctx); after < before || err != nil {
			t.Errorf("Seq may go back from %d to %d, %v", before, after, err)
		}
		s.read(func(snap store.Snapshot) { w.compareAll(view{snap, w.model}) })
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// testKill kills a process in the middle of its commits, several times over the same data. What it said was committed must be there, and
// nothing may be there in part.
func testKill(t *testing.T, open Opener) {
	if testing.Short() {
		t.Skip("kills processes")
	}
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 5 {
		// A different place each time: soon after the start, and after checkpoints.
		for _, id := range killAfter(t, dir, 20+round*round*100) {
			acknowledged[id] = true
		}
		e := open(t, dir)
		s := &suite{T: t, Engine: e}
		s.read(func(snap store.Snapshot) { checkWhole(t, snap, acknowledged) })
		// What was found can be built upon.
		db, err := store.Open(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := addOne(db, "counter"); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d units acknowledged", len(acknowledged))
}

// killAfter runs this test as a process of its own, kills it when it has acknowledged n units, and returns all that it acknowledged.
func killAfter(t *testing.T, dir string, n int) (ids []string) {
	t.Helper()
	name, _, _ := bytes.Cut([]byte(t.Name()), []byte("/"))
	cmd := exec.Command(os.Args[0], "-test.run=^"+string(name)+"$", "-test.v")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var other []string
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // a last line without its end was not said
			if err != io.EOF {
				t.Error(err)
			}
			break
		}
		var id string
		if _, err := fmt.Sscanf(line, "committed %s\n", &id); err != nil {
			other = append(other, line)
			continue
		}
		if ids = append(ids, id); len(ids) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); len(ids) < n || !errors.As(err, &exit) || exit.Success() {
		t.Fatalf("it ended by itself after %d units: %v\n%s", len(ids), err, other)
	}
	return ids
}

const halves = 3 // documents in each unit of commitForEver

// commitForEver commits units from several goroutines, each of several documents, entries and moves and one that is changed each time, and says
// so of each.
func commitForEver(t *testing.T, e store.Engine) {
	db, err := store.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	var out sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				id := fmt.Sprint(db.Seq())
				if err := db.Commit(ctx, wholeUnit(db, id)); err != nil {
					t.Error(err)
					return
				}
				out.Lock()
				fmt.Printf("committed %s\n", id)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

func wholeUnit(db *store.DB, id string) *store.Unit {
	u := &store.Unit{}
	for i := range halves {
		u.Puts = append(u.Puts, store.Put{
			Doc: store.Doc{
				Scope: 2, ID: fmt.Sprint(id, "/", i), Ver: 2, Kind: "part", Created: 1, Seq: db.Seq(), Body: bytes.Repeat([]byte(id), 100),
			},
			Index: []store.Entry{entry("unit", id), entry("all", "")},
		})
		u.Versions = append(u.Versions, u.Puts[i].Doc)
		u.Versions[i].Ver = 1
		u.Moves = append(u.Moves, store.Move{Scope: 2, From: "a", To: "b", Currency: "eur", Amount: 1, Source: id})
	}
	return u
}

// checkWhole checks that every unit is there whole, and that these are.
func checkWhole(t *testing.T, snap store.Snapshot, acknowledged map[string]bool) {
	t.Helper()
	sources := map[string]int{}
	if err := snap.WalkMoves(func(m store.Move) bool {
		if m.Source != "counter" {
			sources[m.Source]++
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	for id := range acknowledged {
		if sources[id] == 0 {
			t.Errorf("unit %s was acknowledged and is gone", id)
		}
	}
	parts := 0
	for id, n := range sources {
		var want, got []string
		for i := range halves {
			part := fmt.Sprint(id, "/", i)
			want = append(want, part)
			for ver := int64(1); ver <= 2; ver++ {
				d, err := snap.Version(2, part, ver)
				if err != nil {
					t.Fatal(err)
				}
				if d == nil || !bytes.Equal(d.Body, bytes.Repeat([]byte(id), 100)) {
					t.Errorf("version %d of %s is %+v", ver, part, d)
				}
			}
		}
		got = scanIDs(t, snap, store.Query{Scope: 2, Index: "unit", Value: id, Ascending: true})
		if n != halves || !slices.Equal(got, want) {
			t.Errorf("unit %s has %d moves, and %v in its index", id, n, got)
		}
		parts += halves
	}
	if all := scanIDs(t, snap, store.Query{Scope: 2, Index: "all"}); len(all) != parts {
		t.Errorf("%d parts in the index, and %d by their moves", len(all), parts)
	}
	sums, err := snap.Sums(2, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, sum := range sums {
		if sum.Account == "b" && sum.Available < int64(parts) {
			t.Errorf("sum %+v of %d moves", sum, parts)
		}
	}
}
