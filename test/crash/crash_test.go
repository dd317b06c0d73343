// Package crash kills florin with SIGKILL under load, again and again, and holds it to its promise: what was acknowledged is there, what was
// not acknowledged is there wholly or not at all, and a retry with the same idempotency key makes it so exactly once.
//
// One run: start the binary on a data folder, drive it from 16 goroutines with payments of all kinds (load_test.go), kill it at a random
// moment, start it again on the same folder, compare every payment with the client's journal, send again what was not answered, compare
// again, look for what nobody asked for (check_test.go), stop it, and run `florin audit`. Ten runs share a folder.
//
//	go test ./test/crash -v -runs 100
//	go test ./test/crash -v -seed 42      # the same load and the same moments, as far as the machine's scheduler allows
//
// A kill loses no page that the operating system holds, so this says nothing of power cuts.
package crash

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"florin/test/sdk/binary"
)

var (
	runs = flag.Int("runs", 2, "how many times to kill the server")
	seed = flag.Uint64("seed", 0, "seed of the load and of the moments; 0 picks one")
)

// runsAFolder is how many runs share one data folder.
const runsAFolder = 10

func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts and kills real processes")
	}
	if *seed == 0 {
		*seed = uint64(rand.Uint32())
	}
	path, err := binary.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var total tally
	dir := ""
	for run := range *runs {
		if run%runsAFolder == 0 {
			if dir, err = newFolder(dir); err != nil {
				t.Fatal(err)
			}
		}
		counts, err := crashOnce(path, filepath.Join(dir, "data"), run)
		total.add(counts)
		if err != nil {
			t.Fatalf("run %d of -seed %d: %v\nso far: %s\nthe data folder is kept: %s", run, *seed, err, &total, dir)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
	t.Logf("-seed %d: %s", *seed, &total)
	if total.acknowledged == 0 {
		t.Error("no payment was acknowledged, so nothing was tested")
	}
}

// newFolder replaces the folder of earlier runs, which passed, by an empty one.
func newFolder(old string) (string, error) {
	if err := os.RemoveAll(old); err != nil {
		return "", err
	}
	return os.MkdirTemp("", "florin-crash-")
}

// A tally counts what the runs did and found.
type tally struct {
	runs, acknowledged, retried, kept int
	lost, halfDone, doubled           int
	slowest                           time.Duration // restart
}

func (t *tally) add(o tally) {
	t.runs += o.runs
	t.acknowledged += o.acknowledged
	t.retried += o.retried
	t.kept += o.kept
	t.lost += o.lost
	t.halfDone += o.halfDone
	t.doubled += o.doubled
	t.slowest = max(t.slowest, o.slowest)
}

func (t *tally) String() string {
	return fmt.Sprintf("%d runs, %d payments acknowledged, %d requests retried (%d of them had been kept), lost %d, half done %d, doubled %d; slowest restart %v",
		t.runs, t.acknowledged, t.retried, t.kept, t.lost, t.halfDone, t.doubled, t.slowest.Round(time.Millisecond))
}

// crashOnce is one run, on a folder that may have seen others.
func crashOnce(path, data string, run int) (tally, error) {
	counts := tally{runs: 1}
	random := rand.New(rand.NewPCG(*seed, 1<<32+uint64(run))) // the workers' streams are the low ones

	server, err := binary.Start(path, data)
	if err != nil {
		return counts, err
	}
	world := newWorld(run, newClient(server))
	began := time.Now()
	finished := world.load()
	select {
	case err = <-finished: // it should still be going
		return counts, fmt.Errorf("the load ended by itself: %w\nthe server printed:\n%s", err, server.Output())
	case <-time.After(time.Duration(50+random.IntN(350)) * time.Millisecond):
	}
	if err := server.Kill(); err != nil {
		return counts, err
	}
	if err := <-finished; err != nil {
		return counts, fmt.Errorf("before the kill: %w\nthe server printed:\n%s", err, server.Output())
	}

	server, err = binary.Start(path, data)
	if err != nil {
		return counts, fmt.Errorf("after kill -9: %w", err)
	}
	counts.slowest = server.Took
	world.client = newClient(server)
	if err := world.check(began, &counts); err != nil {
		_ = server.Kill() // the folder is kept as it is; what went wrong is known
		return counts, fmt.Errorf("%w\nthe server printed:\n%s", err, server.Output())
	}
	if err := server.Stop(); err != nil {
		return counts, err
	}
	_, err = binary.Audit(path, data)
	return counts, err
}
