// Package faults does harm to florin under load, one kind after the other, and holds it to its promises: what was acknowledged is there, once and
// whole, whatever happens to the process, the disk, the clock, the network, the database and those who receive webhooks; and the server is well again
// by itself when the cause is gone.
//
// # How it works
//
// A cell (cell_test.go) is a data folder with a server on it and a receiver of webhooks. A load (load_test.go) drives it from several workers with
// payments of all kinds; each worker sends a request until it is answered, with the same idempotency key, and keeps a journal of what was
// acknowledged. After some moments of chance the fault is done to the server (harm_test.go) and undone. Then the load must go on by itself; and
// when every request is answered, the lists of the API are compared with the journal (check_test.go), some requests that were answered are sent once
// more, and `florin audit` looks at what is stored. A killed server is audited as it died, and unanswered requests are looked at before they are sent
// again: each was carried out wholly or not at all. A cell ends when some faults have been done to it: everything it ever acknowledged must
// be there, and every event delivered.
//
// Faults of the process, the network and PostgreSQL are done to the binary that is shipped. Those of disk and clock need doors that it does not have:
// test/faults/node is the same program with a bad disk (test/faults/disk) under SQLite and a clock that can be moved. The bad disk also knows which
// pages a power cut would take. Faults with a PostgreSQL, which the cell starts, have two nodes on it, the first by way of a proxy; a request that one
// node does not answer is sent to the other, and both must show the same afterwards.
//
//	make faults KILLS=1000 OTHERS=200
//	make faults SEED=42               # the same loads and moments, as far as the machine's scheduler allows
//	go test ./test/faults -v -kills 10 -others 10 -only 'disk|fsync'
//
// # What the table says
//
// acknowledged: payments with at least one answered request; retried: requests that were sent more than once; kept: requests which were not answered,
// and turned out to have been carried out; lost: what was acknowledged and is not there, and events that neither arrived nor are shown as
// not delivered; doubled: more charges, refunds or entries than were asked for; half done: parts of a request without the others; unbalanced: audits
// with findings; recovered: from the end of the cause (after a kill, from the start of the next process) to the first acknowledgement.
package faults

import (
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"florin/internal/store/postgres/pgtest"
	"florin/test/sdk/binary"
)

var (
	killTimes  = flag.Int("kills", 2, "how many times to kill the server")
	otherTimes = flag.Int("others", 1, "how many times to do each other fault")
	seed       = flag.Uint64("seed", 0, "seed of the loads and of the moments; 0 picks one")
	only       = flag.String("only", "", "the faults to do, as a regular expression")
)

// aCell is how many faults are done to one cell.
const aCell = 20

func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts and kills real processes")
	}
	if *seed == 0 {
		*seed = uint64(rand.Uint32())
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	if programs.florin, err = binary.Build(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if programs.node, err = binary.BuildPackage("./test/faults/node", t.TempDir()); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("-seed %d\n", *seed)
	sums := map[*fault]*tally{}
	var mu sync.Mutex
	print := func() {
		fmt.Printf("\n-seed %d\n%s", *seed, table(slices.Concat(kills, others, withPostgres), sums))
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt) // which the servers get, too, from a terminal
	go func() {
		<-interrupted
		mu.Lock()
		print()
		os.Exit(1)
	}()
	t.Run("faults", func(t *testing.T) {
		for n, f := range slices.Concat(kills, others, withPostgres) {
			times := *otherTimes
			if n < len(kills) {
				times = (*killTimes + n) / len(kills)
			}
			if !wanted.MatchString(f.name) {
				continue
			}
			sums[f] = &tally{}
			for first := 0; first < times; first += aCell {
				t.Run(fmt.Sprintf("%s/%d", f.name, first), func(t *testing.T) {
					t.Parallel()
					began := time.Now()
					got := inCell(t, f, min(aCell, times-first), cellSeed(f, first))
					mu.Lock()
					defer mu.Unlock()
					sums[f].add(got)
					fmt.Printf("%-32s %d × in %v\n", f.name, got.injected, time.Since(began).Round(time.Second))
				})
			}
		}
	})
	print()
}

// cellSeed is the seed of one cell.
func cellSeed(f *fault, first int) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, *seed, f.name, first)
	return h.Sum64() % 1e9
}

// inCell does a fault some times to a cell of its own.
func inCell(t *testing.T, f *fault, times int, own uint64) tally {
	c, err := newCell(f, own)
	if errors.Is(err, pgtest.ErrNone) && os.Getenv("FLORIN_REQUIRE_ALL") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { c.close(t.Failed()) }()
	if f.begin != nil {
		if err := f.begin(c); err != nil {
			t.Fatal(err)
		}
	}
	for n := range times {
		if err = c.once(); err != nil {
			err = fmt.Errorf("%s, number %d: %w", f.name, n+1, err)
			break
		}
	}
	if err == nil {
		if err = c.end(); err != nil {
			err = fmt.Errorf("%s, afterwards: %w", f.name, err)
		}
	}
	if err != nil {
		t.Errorf("-seed %d: %v\nthe folder is kept: %s\nthe server printed:\n%s", *seed, err, c.dir, c.output())
	}
	if c.load != nil {
		c.tally.retried = int(c.load.retried.Load())
	}
	return c.tally
}

// A tally counts what was done and found.
type tally struct {
	injected, acknowledged, retried, kept int
	lost, doubled, halfDone, unbalanced   int
	recovered                             []time.Duration
}

func (t *tally) add(o tally) {
	t.injected += o.injected
	t.acknowledged += o.acknowledged
	t.retried += o.retried
	t.kept += o.kept
	t.lost += o.lost
	t.doubled += o.doubled
	t.halfDone += o.halfDone
	t.unbalanced += o.unbalanced
	t.recovered = append(t.recovered, o.recovered...)
}

// table is what is printed at the end.
func table(order []*fault, sums map[*fault]*tally) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "fault\tinjected\tacknowledged\tretried\tkept\tlost\tdoubled\thalf done\tunbalanced\trecovered p50\tmax\t")
	var all tally
	line := func(name string, t *tally) {
		slices.Sort(t.recovered)
		var p50, most time.Duration
		if n := len(t.recovered); n > 0 {
			p50, most = t.recovered[n/2], t.recovered[n-1]
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%v\t%v\t\n", name, t.injected, t.acknowledged, t.retried, t.kept,
			t.lost, t.doubled, t.halfDone, t.unbalanced, p50.Round(time.Millisecond), most.Round(time.Millisecond))
	}
	for _, f := range order {
		if t := sums[f]; t != nil {
			line(f.name, t)
			all.add(*t)
		}
	}
	line("all", &all)
	w.Flush()
	return out.String()
}

// output is what the server of a cell has printed last.
func (c *cell) output() string {
	if c.server == nil {
		return "(it does not run)"
	}
	var log []string // without the greeting, which shows keys
	for line := range strings.Lines(c.server.Output()) {
		if strings.HasPrefix(line, "time=") {
			log = append(log, line[:min(len(line), 1000)])
		}
	}
	return strings.Join(log[max(0, len(log)-20):], "")
}
