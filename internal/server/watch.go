package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"florin/internal/api"
	"florin/internal/metrics"
	"florin/internal/store"
)

// What an operator sees of a server is answered on the admin port, if there is one, and on the socket for commands:
//
//	GET /metrics        for Prometheus
//	GET /healthz        200 as long as the process answers
//	GET /readyz         200 if it takes requests and the store takes writes; 503 and why, if not
//	GET /debug/pprof/   profiles, for those who ask from this machine

// A watch is what a server knows of how it is.
type watch struct {
	metrics  *metrics.Metrics
	draining atomic.Bool
	good     atomic.Int64 // when the store last took a commit, in Unix seconds
	failed   atomic.Bool  // the last commit was not taken
}

// watch begins to count what the parts do.
func (s *Server) watch() {
	m := metrics.New(s.clock.Now())
	s.seen.metrics = m
	s.db.OnBatch(m.Committed)
	s.db.OnBatch(s.committed)
	s.App.Tasked, s.deliverer.Delivered = m.Tasked, m.Delivered
	m.Tasks(s.App)
	m.Gauge("florin_commit_queue", "Units of work that wait for a commit.", func() float64 { return float64(s.db.Waiting()) })

	gate := s.App.Gate
	m.Gauge("florin_requests_inside", "Requests that are being worked on.", func() float64 { return float64(gate.Stats().Inside) })
	m.Gauge("florin_requests_limit", "Requests that may be worked on at a time, as the store keeps up.", func() float64 { return float64(gate.Stats().Limit) })
	m.Counter("florin_requests_shed_total", "Requests that were turned away because the server was full.", func() int64 { return gate.Stats().Shed })
	m.Gauge("florin_connections", "Connections of clients.", func() float64 { return float64(s.crowd.count()) })
	const closed, closedHelp = "florin_connections_closed_total", "Connections that were closed because there were too many: idle ones, and new ones where none was idle."
	m.Counter(closed, closedHelp, s.crowd.ended.Load, "state", "idle")
	m.Counter(closed, closedHelp, s.crowd.refused.Load, "state", "new")
	m.Gauge("florin_body_bytes", "Bytes of large request bodies in memory.", func() float64 { return float64(gate.Stats().Bodies) })
	for i, reason := range api.Reasons {
		m.Counter("florin_requests_limited_total", "Requests that were beyond a rate limit.", func() int64 { return s.App.Limited()[i] }, "reason", reason)
	}
	m.Counter("florin_request_log_dropped_total", "Lines of the request log that were lost because the disk did not keep up.", s.record.Dropped)

	sent := s.deliverer.Stats
	const deliveries, help = "florin_deliveries_total", "Attempts to deliver an event: delivered, failed (tried again, or given up), and those whose endpoint was gone."
	m.Counter(deliveries, help, func() int64 { return sent().Delivered }, "outcome", "delivered")
	m.Counter(deliveries, help, func() int64 { return sent().Failed }, "outcome", "failed")
	m.Counter(deliveries, help, func() int64 { return sent().Stopped }, "outcome", "stopped")
	m.Counter("florin_deliveries_given_up_total", "Deliveries that failed for good.", func() int64 { return sent().GaveUp })
	m.Gauge("florin_deliveries_waiting", "Deliveries that wait, are being sent, or are being written.", func() float64 { return float64(sent().Waiting) })
	m.Gauge("florin_deliveries_running", "Attempts that are running.", func() float64 { return float64(sent().Fast) }, "lane", "fast")
	m.Gauge("florin_deliveries_running", "Attempts that are running.", func() float64 { return float64(sent().Slow) }, "lane", "slow")
	m.Gauge("florin_store_bytes", "Size of the store's files, or of its database; 0 in memory.", func() float64 { return float64(s.storeBytes()) })
}

// committed remembers whether the store takes commits.
func (s *Server) committed(b store.Batch) {
	s.seen.failed.Store(b.Err != nil)
	if b.Err == nil {
		s.seen.good.Store(s.clock.Now().Unix())
	}
}

// storeBytes is how much the store takes: its files, where it is embedded.
func (s *Server) storeBytes() (sum int64) {
	if s.cfg.Memory || s.cfg.Data == "" || !HasData(s.cfg.Data) {
		ctx, cancel := context.WithTimeout(context.Background(), askFor)
		defer cancel()
		n, err := s.db.Size(ctx)
		if err != nil {
			s.log.Warn("the size of the store cannot be read", "cause", err)
		}
		return n
	}
	for _, tail := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(filepath.Join(s.cfg.Data, dbName+tail)); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// watching answers operators.
func (s *Server) watching() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.seen.metrics.Handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	for path, h := range map[string]http.HandlerFunc{"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace} {
		mux.Handle("GET /debug/pprof/"+path, here(h))
	}
	return mux
}

// here lets nobody in who asks from another machine.
func here(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && !net.ParseIP(host).IsLoopback() {
			http.Error(w, "profiles are for this machine only", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

const (
	freshFor = 30 // seconds for which a commit shows that the store takes writes
	askFor   = 2 * time.Second
)

// Ready says why the server is not ready for requests, or nil: it must not be about to stop, and its store must take reads and writes. Where nobody has
// written for a while it writes a row of its own, to know.
func (s *Server) Ready(ctx context.Context) error {
	if s.seen.draining.Load() {
		return errors.New("the server is about to stop")
	}
	fresh := !s.seen.failed.Load() && s.clock.Now().Unix()-s.seen.good.Load() < freshFor
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	told := make(chan error, 1)
	go func() { told <- s.probe(ctx, !fresh) }() // a store that hangs hangs there
	select {
	case err := <-told:
		if err != nil {
			return fmt.Errorf("the store: %w", err)
		}
		return nil
	case <-ctx.Done():
		return errors.New("the store does not answer")
	}
}

// probeID is the row that probe writes.
const probeID = "_probe"

func (s *Server) probe(ctx context.Context, write bool) error {
	snap, err := s.db.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	old, err := snap.Get(store.System, probeID)
	if err != nil || !write {
		return err
	}
	now := s.clock.Now().Unix()
	p := store.Put{Doc: store.Doc{Scope: store.System, ID: probeID, Kind: probeID, Ver: 1, Created: now, Seq: s.db.Seq(), Body: []byte(`{"id":"_probe","object":"_probe"}`)}}
	if old != nil {
		p.Base, p.Ver, p.Created, p.Seq = old.Ver, old.Ver+1, old.Created, old.Seq
	}
	err = s.db.Commit(ctx, &store.Unit{Puts: []store.Put{p}})
	if errors.Is(err, store.ErrConflict) { // somebody else's probe was taken
		return nil
	}
	return err
}

// openWatch listens on the admin port.
func (s *Server) openWatch() (*listening, error) {
	l, err := net.Listen("tcp", s.cfg.Admin)
	if err != nil {
		return nil, err
	}
	out := &listening{sockets: []net.Listener{l}, http: &http.Server{
		Handler: s.watching(), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}}
	out.serve(s.log)
	return out, nil
}

// Drain says on /readyz that the server is about to stop, and goes on serving for a while, so that who sends it requests has time to hear of it.
func (s *Server) Drain() {
	s.seen.draining.Store(true)
	if s.cfg.Drain > 0 && len(s.listening) > 0 {
		s.log.Info("about to stop", "in", s.cfg.Drain)
		_ = s.clock.Wait(context.Background(), s.clock.Now().Add(s.cfg.Drain), nil) // it never ends early
	}
}

// tellRequest writes a line to the log about a request that was answered. It names the operation and not the path, which may hold anything.
func (s *Server) tellRequest(r *api.Record) {
	level := slog.LevelDebug
	if s.cfg.LogRequests {
		level = slog.LevelInfo
	}
	ctx := context.Background()
	if !s.log.Enabled(ctx, level) {
		return
	}
	operation, mode, key := r.Method, "test", ""
	if r.Op != nil {
		operation = r.Op.Route()
	}
	if r.Live {
		mode = "live"
	}
	if n := len(r.Key); n > 12 {
		key = r.Key[:8] + "…" + r.Key[n-4:]
	}
	s.log.LogAttrs(ctx, level, "request",
		slog.String("request", r.ID), slog.String("operation", operation), slog.Int("status", r.Status), slog.Duration("took", r.Took),
		slog.String("account", r.Account), slog.String("mode", mode), slog.String("key", key), slog.String("error", r.ErrorCode))
}

// closeWatch ends the admin port, the last to go.
func (s *Server) closeWatch() error {
	if s.port == nil {
		return nil
	}
	defer func() { s.port = nil }()
	return s.port.http.Close()
}
