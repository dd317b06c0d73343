// Command bench measures florin beside its limits, in one run on one machine, and prints one table: payments and reads a second over HTTP, how
// long they take, what they cost the server and the disk; and start time, memory and size.
//
//	go run ./bench                    everything, in under three minutes
//	go run ./bench -quick             the same, roughly, in half a minute
//	go run ./bench -rows 'pay, 64'    only the rows whose names match, and those that they are held against
//	go run ./bench -full              the rows that are seldom asked for, too
//	go run ./bench -write             writes BENCHMARKS.md as well
//	go run ./bench -grow 1000000      on a store of a million payments, too
//	go run ./bench -profile cpu.out -rows '^pay, 64 connections$'
//
// # How it measures
//
// The binary is built and run as its users run it: another process, a data folder on disk, every payment durable (SQLite, synchronous FULL) before
// it is answered. Each connection is kept, and has one request on its way at a time; each request that changes something has an idempotency key of
// its own. Load generator and server share the machine's cores, so the generator is lean (wire.go).
//
// Two limits stand in the same table: a net/http handler in a process of its own that answers the same bytes and does nothing else (bare.go), and
// the store that keeps the same documents with nothing above it (engine.go).
//
// All rows are measured in turn, a slice each, and then all again, so that what else the machine does falls on all of them. The table shows the median
// of a row's slices, and the slowest and the fastest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"

	"florin/internal/store/postgres/pgtest"
)

// A bench is one run.
type bench struct {
	slice   time.Duration
	rounds  int
	profile string // file for a CPU profile; "" takes none

	dir, root, binary string
	running           []*process
	folders           int

	server        *florin
	plain, secure *target // ways to it
	bare, bareTLS *target // one bare handler
	alone         *alone
	stages        []*stage
	pg            *pgtest.Server
	pgErr         error
	left          map[string]string // rows that were left out, and why
	answerBytes   int

	paid    int64 // payments that the one florin answered
	samples map[string][]*sample
	foot    footprint
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "bare" {
		if err := runBare(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "bench bare:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	b := &bench{samples: map[string][]*sample{}, left: map[string]string{}}
	seconds := flag.Float64("seconds", 1.8, "how long a slice of a row takes")
	flag.IntVar(&b.rounds, "rounds", 3, "how many slices of each row")
	quick := flag.Bool("quick", false, "one slice of half a second of each row, and fewer starts")
	full := flag.Bool("full", false, "the rows that are seldom asked for, too")
	only := flag.String("rows", "", "a regular expression: only the rows whose names match, and those that they are held against")
	write := flag.Bool("write", false, "write BENCHMARKS.md")
	dir := flag.String("dir", "", "folder for the data, on the disk that matters (default: the system's temporary folder)")
	flag.StringVar(&b.profile, "profile", "", "write CPU profiles of the server to this file (builds it with net/http/pprof), and show the top of it")
	sizes := flag.String("grow", "", "payments, such as 1000000,5000000: measure on a store that has so many as well (10 GB a million)")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("%q is not a flag", flag.Arg(0))
	}
	starts := 10
	b.slice = time.Duration(*seconds * float64(time.Second))
	if *quick {
		b.slice, b.rounds, starts = 500*time.Millisecond, 1, 3
	}
	chosen, err := choose(*only, *full)
	if err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(*dir, "florin-bench-"); err != nil {
		return err
	}
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer func() { err = errors.Join(err, b.cleanUp()) }()

	began := time.Now()
	load := busy()
	b.say("building")
	if err := b.build(); err != nil {
		return err
	}
	if err := b.measure(ctx, chosen, starts, *only == ""); err != nil {
		return err
	}
	if *sizes != "" {
		if err := b.grow(*sizes); err != nil {
			return err
		}
	}
	r := &report{b: b, rows: chosen, at: began, took: time.Since(began), busy: load}
	b.say("")
	r.print(os.Stdout)
	if b.profile != "" {
		b.showProfile(os.Stdout)
	}
	if *write {
		return r.write(filepath.Join(b.root, "BENCHMARKS.md"))
	}
	return nil
}

// choose picks rows by name, with what they are held against.
func choose(only string, full bool) ([]row, error) {
	match, err := regexp.Compile(only)
	if err != nil {
		return nil, fmt.Errorf("-rows: %w", err)
	}
	wanted := map[string]bool{}
	for _, r := range rows {
		if match.MatchString(r.name) && (only != "" || full || !r.full) {
			wanted[r.name], wanted[r.against] = true, true
		}
	}
	var chosen []row
	for _, r := range rows {
		if wanted[r.name] {
			chosen = append(chosen, r)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("-rows %q matches none", only)
	}
	return chosen, nil
}

// measure does everything, in order.
func (b *bench) measure(ctx context.Context, chosen []row, starts int, all bool) error {
	data := filepath.Join(b.dir, "data")
	f, err := b.serve(data)
	if err != nil {
		return err
	}
	b.server = f
	if all {
		b.say("idle memory")
		time.Sleep(3 * time.Second)
		b.foot.idle = f.memory("VmRSS")
	}
	if b.plain, err = f.over(); err != nil {
		return err
	}
	if b.secure, err = f.overTLS(); err != nil {
		return err
	}
	if err := b.prepare(chosen); err != nil {
		return err
	}
	for round := range b.rounds {
		for _, r := range chosen {
			if err := ctx.Err(); err != nil {
				return errors.New("interrupted")
			}
			b.say(fmt.Sprintf("round %d of %d: %s", round+1, b.rounds, r.name))
			s, err := r.run(b)
			if errors.Is(err, errNone) {
				b.left[r.name] = err.Error()
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			b.samples[r.name] = append(b.samples[r.name], s)
		}
	}
	b.say("memory, start times, size")
	b.foot.peak = f.memory("VmHWM")
	if err := f.stop(); err != nil {
		return err
	}
	if info, err := os.Stat(b.binary); err == nil {
		b.foot.binary = info.Size()
	}
	if err := b.sizes(data); err != nil {
		return err
	}
	if !all {
		return nil
	}
	return b.startTimes(data, starts)
}

// prepare makes payments to read, and the limits.
func (b *bench) prepare(chosen []row) error {
	b.say("the first payments")
	out, err := b.plain.put(load{work: pay, conns: 16, run: time.Second / 2})
	if err == nil && out.errors > 0 {
		err = out.firstErr
	}
	if err != nil {
		return fmt.Errorf("the first payments: %w", err)
	}
	b.paid += int64(len(out.made))
	if err := b.startBare(b.plain); err != nil {
		return fmt.Errorf("the bare handler: %w", err)
	}
	if !slices.ContainsFunc(chosen, func(r row) bool { return r.name == engineRow }) {
		return nil
	}
	b.say("the mould of a payment")
	b.alone, err = b.openAlone()
	return err
}

// say shows on a terminal what is going on, in place of what it said before.
func (b *bench) say(what string) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s", what)
	}
}

// cleanUp ends what still runs, and removes the data.
func (b *bench) cleanUp() error {
	b.say("")
	for _, p := range b.running {
		select {
		case <-p.exited:
		default:
			p.kill()
		}
	}
	if b.alone != nil {
		b.alone.db.Close()
	}
	if b.pg != nil {
		b.pg.Close()
	}
	return os.RemoveAll(b.dir)
}
