package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// A report is what a run came to, in words.
type report struct {
	b    *bench
	rows []row
	at   time.Time
	took time.Duration
	busy string // load average before the run
}

// columns are the head of the table.
var columns = []string{"", "per second", "slices", "of limit", "p50", "p99", "p99.9", "errors", "CPU s / 1000", "disk KB / 1"}

// lines are the table's rows.
func (r *report) lines() [][]string {
	var lines [][]string
	for _, row := range r.rows {
		s := r.summary(row.name)
		if s == nil {
			continue
		}
		ratio := ""
		if x := r.ratio(row); x > 0 {
			ratio = fmt.Sprintf("%.1f %%", 100*x)
		}
		cpu, disk := "", ""
		if s.cpu > 0 {
			cpu = fmt.Sprintf("%.3f", s.cpu.Seconds())
		}
		if s.written > 100 {
			disk = fmt.Sprintf("%.1f", s.written/1000)
		}
		lines = append(lines, []string{
			row.name, number(s.perSecond) + " " + row.unit, number(s.low) + " to " + number(s.high), ratio,
			millis(s.p50), millis(s.p99), millis(s.p999), fmt.Sprint(s.errors), cpu, disk,
		})
	}
	return lines
}

func (r *report) summary(name string) *summary {
	if all := r.b.samples[name]; len(all) > 0 {
		return summarize(all)
	}
	return nil
}

// ratio is a row's rate to that of its limit in the same round, the median of the rounds; 0 if it has no limit.
func (r *report) ratio(row row) float64 {
	var ratios []float64
	limits := r.b.samples[row.against]
	for i, s := range r.b.samples[row.name] {
		if i < len(limits) {
			ratios = append(ratios, s.perSecond/limits[i].perSecond)
		}
	}
	return middle(ratios)
}

// notes say what does not fit into the table.
func (r *report) notes() []string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	for _, row := range r.rows {
		if why := r.b.left[row.name]; why != "" {
			add("%s was left out: %s.", row.name, why)
		}
		s := r.summary(row.name)
		if s == nil {
			continue
		}
		if h := s.hooks; h != nil {
			add("%s: %s deliveries/s, %.1f to a payment; payment_intent.succeeded came p50 %s, p99 %s after the payment's answer; the last delivery %s after the last payment; %d payments had not been told of by then.",
				row.name, number(h.perSecond), h.per, millis(h.delay.at(0.5)), millis(h.delay.at(0.99)), millis(h.behind), h.lost)
		}
		if s.errors > 0 {
			add("%s: %d errors, the first: %v", row.name, s.errors, s.firstErr)
		}
		if s.busyAfter {
			add("%s: the server was still at work %s after the load had ended.", row.name, settling)
		}
	}
	for _, s := range r.b.stages {
		add("%s", s.line(r.b.stages[0]))
	}
	f := r.b.foot
	if f.starts > 0 {
		add("Start to first answer (GET /v1/balance, median of %d): %s on the folder of this load, %s on a fresh one (with its keys and certificates to make).", f.starts, millis(f.start), millis(f.freshStart))
		add("Resident memory: %.1f MiB after 3 s idle, %.1f MiB at most under all of this load.", mib(f.idle), mib(f.peak))
	}
	add("Binary: %.1f MB. Store on disk: %.1f KB a payment (%s payments, after a clean stop).", float64(f.binary)/1e6, f.stored/1000, number(float64(r.b.paid)))
	if a := r.b.alone; a != nil {
		add("A payment leaves %d documents in %d versions, %d moves, %.1f KB of JSON; its answer has %d bytes.", len(a.mould.docs), a.mould.versions, len(a.mould.moves), float64(a.mould.bytes)/1000, r.b.answerBytes)
	}
	var own []float64
	for _, row := range r.rows {
		if s := r.summary(row.name); s != nil && s.own > 0 {
			own = append(own, s.own)
		}
	}
	if len(own) > 0 {
		add("The load generator used %.2f cores (median of the rows) of those that it shares with the server.", middle(own))
	}
	return notes
}

// how says how it was measured.
func (r *report) how() string {
	return fmt.Sprintf("Slices of each row: %d of %s, in turn; medians. Load average before: %s. Took %s.", r.b.rounds, r.b.slice, r.busy, r.took.Round(time.Second))
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "florin bench, %s\n%s\n%s\n\n", r.at.UTC().Format(time.DateTime), r.b.machine(), r.how())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, line := range append([][]string{columns}, r.lines()...) {
		// The first column is aligned to the left by hand.
		fmt.Fprintf(t, "%-56s\t%s\t\n", line[0], strings.Join(line[1:], "\t"))
	}
	t.Flush()
	fmt.Fprintln(w)
	for _, n := range r.notes() {
		fmt.Fprintln(w, n)
	}
	if fs := fileSystem(r.b.dir); fs == "tmpfs" || fs == "ramfs" {
		fmt.Fprintln(w, "The data was in memory, not on a disk: use -dir, or payments look faster than they are.")
	}
}

// write writes BENCHMARKS.md at the root of the repository.
func (r *report) write(path string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nWritten by `%s` on %s. To repeat it: the same command, on a machine that does nothing else. [bench/](bench/main.go) says how it measures.\n\n",
		command(), r.at.UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(&b, "Machine: %s. %s Load generator and server share the cores.\n\n", r.b.machine(), r.how())
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(columns, " | "), "---|"+strings.Repeat("---:|", len(columns)-1))
	for _, line := range r.lines() {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
	}
	b.WriteString("\n")
	for _, n := range r.notes() {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	b.WriteString(`
**per second** is the median of the slices, **slices** the slowest and the fastest. **of limit** is the ratio to the bare handler's row in the
same round, the median of the rounds: a ` + "`net/http`" + `
server that reads the same request and answers the same bytes, and does nothing else. **CPU** is the server's, work after the answer included. **disk** is
what the server had written to the disk for each, log and file together. Every payment is created and confirmed (a card, ` + "`pm_card_visa`" + `), durable
before it is answered (SQLite, synchronous FULL), with its charge, balance transaction, ledger moves, events and idempotency answer, under an
idempotency key of its own. The **webhook** rows have an endpoint for all events, or for one, on a fresh data folder each time; the receiver shares the cores,
too. The **PostgreSQL** rows have a database of their own on the same cores, durable as it comes (fsync, synchronous_commit), whose work is not in the CPU figure.
**engine alone** stores the same documents through the same committer, with nothing above it.
`)
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// command is how this was run.
func command() string {
	args := append([]string{"go run ./bench"}, os.Args[1:]...)
	return strings.Join(args, " ")
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

func millis(d time.Duration) string {
	switch ms := float64(d) / 1e6; {
	case ms == 0:
		return ""
	case ms < 0.1:
		return fmt.Sprintf("%.3f ms", ms)
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	default:
		return fmt.Sprintf("%.0f ms", ms)
	}
}

// number writes a number with commas.
func number(x float64) string {
	if x < 100 {
		return fmt.Sprintf("%.1f", x)
	}
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
