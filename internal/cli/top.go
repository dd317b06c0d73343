package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"florin/internal/clock"
	"florin/internal/domain/account"
	"florin/internal/server"
)

func (r *run) top() *cobra.Command {
	var admin string
	var once bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch a running server",
		Long: "Watch a running server: requests, latency, errors, commits, deliveries and tasks, anew every few seconds; q ends it.\n" +
			"It asks the server that runs on the data folder, or at --admin the one whose admin port is there.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < 100*time.Millisecond {
				return mistake{fmt.Errorf("--every %v is too often", every)}
			}
			w := r.watcher(admin)
			defer w.http.CloseIdleConnections()
			if once {
				now, err := w.read(cmd.Context())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(r.Out, strings.Join(screen(w.where, now.since(nil), nameWidth), "\n"))
				return err
			}
			in, isFile := r.Out.(*os.File)
			if !isFile || !term.IsTerminal(int(in.Fd())) {
				return mistake{errors.New("this is no terminal; --once prints once")}
			}
			return w.watch(cmd.Context(), in, every)
		},
	}
	f := cmd.Flags()
	f.StringVar(&admin, "admin", "", "address of the admin port, as `serve --admin` prints it (default the server on the data folder)")
	f.BoolVar(&once, "once", false, "print once, what was since the server began, and end")
	f.DurationVar(&every, "every", 2*time.Second, "how often to look")
	return cmd
}

// A watcher reads the metrics of a server.
type watcher struct {
	http  *http.Client
	url   string
	where string // as it is shown
}

func (r *run) watcher(admin string) *watcher {
	if admin == "" {
		data := r.folder()
		return &watcher{url: "http://florin/metrics", where: data, http: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return server.DialAdmin(ctx, data) },
		}}}
	}
	admin = strings.TrimSuffix(admin, "/")
	if !strings.Contains(admin, "://") {
		admin = "http://" + admin
	}
	return &watcher{http: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}, url: admin + "/metrics", where: admin}
}

func (w *watcher) read(ctx context.Context) (*reading, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, nil)
	if err != nil {
		return nil, err
	}
	res, err := w.http.Do(req)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, account.Problem("no server runs on " + w.where + "; --data says where one does, or --admin where its admin port is")
	}
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", w.url, res.Status)
	}
	return readMetrics(io.LimitReader(res.Body, 32<<20), clock.Real.Now())
}

// What terminals understand.
const (
	otherScreen = "\x1b[?1049h\x1b[?25l" // a screen of our own, without a cursor
	backAgain   = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	restOfLine  = "\x1b[K"
	restBelow   = "\x1b[J"
)

// watch draws anew until q is typed, or ctx ends.
func (w *watcher) watch(ctx context.Context, out *os.File, every time.Duration) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) {
		old, err := term.MakeRaw(in)
		if err != nil {
			return err
		}
		defer term.Restore(in, old)
		go func() { // it ends with the process, or with a key
			key := make([]byte, 1)
			for {
				if n, err := os.Stdin.Read(key); err != nil || n == 1 && (key[0] == 'q' || key[0] == 3) {
					stop()
					return
				}
			}
		}()
	}
	fmt.Fprint(out, otherScreen)
	defer fmt.Fprint(out, backAgain)
	var was *reading
	for ctx.Err() == nil {
		now, err := w.read(ctx)
		if ctx.Err() != nil {
			break
		}
		width, height, sizeErr := term.GetSize(int(out.Fd()))
		if sizeErr != nil {
			width, height = 80, 24
		}
		lines := []string{w.where + ": " + fmt.Sprint(err)}
		if err == nil {
			lines = screen(w.where, now.since(was), width-figures)
			was = now
		}
		draw(out, lines, width, height)
		_ = clock.Real.Wait(ctx, clock.Real.Now().Add(every), nil) // the error is ctx's
	}
	return nil
}

// draw writes lines over what stands on the screen, as far as they fit.
func draw(out *os.File, lines []string, width, height int) {
	var b strings.Builder
	b.WriteString(home)
	for i, line := range lines[:min(len(lines), height)] {
		if i > 0 {
			b.WriteString("\r\n")
		}
		if runes := []rune(line); len(runes) > width {
			line = string(runes[:width])
		}
		b.WriteString(line + restOfLine)
	}
	b.WriteString(restBelow)
	fmt.Fprint(out, b.String())
}

const (
	nameWidth = 58 // of an operation's name, where there is room
	nameLeast = 20
	figures   = 45 // columns that the figures beside it take
)

// screen is what top shows, with so much room for the names of operations.
func screen(where string, c change, room int) []string {
	room = max(nameLeast, min(room, nameWidth))
	span := fmt.Sprintf("in %.0f s", c.seconds)
	if c.was == nil {
		span = "since the start"
	}
	up := time.Duration(float64(c.at.UnixNano()) - c.values["florin_start_time_seconds"]*1e9).Round(time.Second)
	requests, client, failing := 0.0, 0.0, 0.0
	ops := c.operations()
	for _, o := range ops {
		requests, client, failing = requests+o.count, client+o.client, failing+o.failing
	}
	seconds, commits, wait, delay := c.hist("florin_request_seconds"), c.hist("florin_commit_seconds"), c.hist("florin_commit_wait_seconds"), c.hist("florin_delivery_delay_seconds")
	units := c.hist("florin_commit_units")
	v := c.values
	out := []string{
		fmt.Sprintf("Florin  up %v  %s  (%s)", up, where, span),
		"",
		fmt.Sprintf("requests    %s/s   4xx %s/s   5xx %s/s   p50 %s   p99 %s", number(requests/c.seconds), number(client/c.seconds), number(failing/c.seconds), duration(seconds.quantile(.5)), duration(seconds.quantile(.99))),
		fmt.Sprintf("capacity    %s of %s at work   turned away %s/s   rate limited %s/s", number(v["florin_requests_inside"]), number(v["florin_requests_limit"]), number(c.rate("florin_requests_shed_total")), number(c.rate("florin_requests_limited_total"))),
		fmt.Sprintf("commits     %s/s   units %s each   p50 %s   p99 %s   wait p99 %s   queue %s   conflicts %s/s   failed %s", number(count(commits)/c.seconds), number(mean(units)), duration(commits.quantile(.5)), duration(commits.quantile(.99)), duration(wait.quantile(.99)), number(v["florin_commit_queue"]), number(c.rate("florin_commit_conflicts_total")), number(c.grown("florin_commit_failures_total"))),
		fmt.Sprintf("deliveries  %s/s   failed %s/s   waiting %s   running %s   delay p50 %s   p99 %s", number(c.rate("florin_deliveries_total{delivered}")), number(c.rate("florin_deliveries_total{failed}")), number(v["florin_deliveries_waiting"]), number(v["florin_deliveries_running"]), duration(delay.quantile(.5)), duration(delay.quantile(.99))),
		fmt.Sprintf("tasks       %s/s   failed %s/s   due %s   late %s", number(c.rate("florin_tasks_total{done}")), number(c.rate("florin_tasks_total{failed}")), number(v["florin_tasks_due"]), duration(v["florin_tasks_late_seconds"])),
		fmt.Sprintf("process     memory %s   store %s   CPU %s%%   goroutines %s", bytesOf(v["process_resident_memory_bytes"]), bytesOf(v["florin_store_bytes"]), number(100*c.rate("process_cpu_seconds_total")), number(v["go_goroutines"])),
		"",
		fmt.Sprintf("%-*s %8s %8s %8s %8s %8s", room, "OPERATION", "REQ/S", "4XX/S", "5XX/S", "P50", "P99"),
	}
	for _, o := range ops {
		out = append(out, fmt.Sprintf("%-*.*s %8s %8s %8s %8s %8s", room, room, o.name, number(o.count/c.seconds), number(o.client/c.seconds), number(o.failing/c.seconds), duration(o.seconds.quantile(.5)), duration(o.seconds.quantile(.99))))
	}
	return out
}

func count(h *hist) float64 {
	if h == nil {
		return 0
	}
	return h.count
}

func mean(h *hist) float64 {
	if count(h) == 0 {
		return 0
	}
	return h.sum / h.count
}

// number writes a number so that three digits of it count.
func number(n float64) string {
	switch {
	case n == math.Trunc(n) || n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.2f", n)
}

// duration writes seconds; "-" if nothing was measured.
func duration(s float64) string {
	switch {
	case s == 0:
		return "0s"
	case math.IsNaN(s):
		return "-"
	case math.IsInf(s, 1):
		return "long"
	case s < 0.001:
		return fmt.Sprintf("%.0fµs", s*1e6)
	case s < 0.1:
		return fmt.Sprintf("%.1fms", s*1000)
	case s < 1:
		return fmt.Sprintf("%.0fms", s*1000)
	}
	return fmt.Sprintf("%.1fs", s)
}

func bytesOf(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if n < 1024 {
			return number(math.Round(n*10)/10) + " " + unit
		}
		n /= 1024
	}
	return number(n) + " GiB"
}
