// Package servertest runs a whole Florin inside a test: the real handler on a store in memory, at a moment that the test chooses. Where the environment
// names a PostgreSQL (pgtest.Env), the store is a schema there.
package servertest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"florin/internal/clock"
	"florin/internal/domain/account"
	"florin/internal/server"
	"florin/internal/shape"
	"florin/internal/store/postgres/pgtest"
)

// Start is when the clock of a test server stands at first, unless the test says otherwise.
var Start = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// A Server is a Florin in a test.
type Server struct {
	*server.Server
	URL   string        // base URL of plain HTTP, "" until Listen
	Clock *clock.Manual // nil with RealTime

	Account                     string
	Publishable, Secret         string // test mode
	LivePublishable, LiveSecret string
	t                           testing.TB
}

// An Option changes the server before it is opened.
type Option func(*server.Config)

// RealTime gives the server the machine's clock, for tests that measure.
func RealTime(c *server.Config) { c.Clock = clock.Real }

// At lets the clock begin at a moment.
func At(t time.Time) Option { return func(c *server.Config) { c.Clock = clock.NewManual(t) } }

// In keeps the store in a folder, so that a test can close the server and open it again.
func In(folder string) Option { return func(c *server.Config) { c.Data = folder } }

// Clock uses a clock of the test's own.
func Clock(m *clock.Manual) Option { return func(c *server.Config) { c.Clock = m } }

// Differing lets answers differ from the spec, for tests of what is wrong.
func Differing(c *server.Config) { c.Watch = nil }

// New opens a server with one account, which is closed when the test ends. Its tasks are run by the test (App.RunDue), not in the background. Every
// answer is held to the spec, and one that differs fails the test.
func New(t testing.TB, opts ...Option) *Server {
	t.Helper()
	cfg := server.Config{Clock: clock.NewManual(Start), Log: slog.New(slog.NewTextHandler(logWriter{t}, nil))}
	cfg.Watch = func(h http.Handler) http.Handler {
		return shape.Watch(h, func(r *http.Request, wrong []string, body []byte) {
			t.Errorf("%s %s: the answer's shape: %s\n%s", r.Method, r.URL.Path, strings.Join(wrong, "; "), body)
		})
	}
	for _, o := range opts {
		o(&cfg)
	}
	if cfg.Postgres == "" && os.Getenv(pgtest.Env) != "" {
		cfg.Postgres = pgtest.Open(t).Of(cfg.Data)
	}
	s, err := server.New(cfg)
	if err != nil {
		t.Fatalf("servertest: %v", err)
	}
	out := &Server{Server: s, t: t}
	out.Clock, _ = cfg.Clock.(*clock.Manual)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("servertest: close: %v", err)
		}
	})
	first, err := s.Accounts.First(t.Context())
	if err != nil {
		t.Fatalf("servertest: %v", err)
	}
	if first != nil { // a folder that was used before
		out.Account, out.Publishable, out.Secret = first.Account, first.PublishableKey, first.SecretKey
		return out
	}
	made, err := s.Accounts.Create(t.Context(), account.Spec{})
	if err != nil {
		t.Fatalf("servertest: %v", err)
	}
	out.Account = made.Account
	for _, k := range made.Keys {
		switch {
		case k.Livemode && k.Type == account.Secret:
			out.LiveSecret = k.Secret
		case k.Livemode:
			out.LivePublishable = k.Secret
		case k.Type == account.Secret:
			out.Secret = k.Secret
		default:
			out.Publishable = k.Secret
		}
	}
	return out
}

// Listen serves plain HTTP on a port of this machine until the test ends, and returns the base URL. Without it, Do calls the handler itself.
func (s *Server) Listen() string {
	if s.URL == "" {
		h := httptest.NewServer(s.Server)
		s.t.Cleanup(h.Close)
		s.URL = h.URL
	}
	return s.URL
}

// A Reply is what came back.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	JSON   map[string]any // nil if the body is no object
}

// At walks down the answer by names, such as At("error", "message"); nil where there is nothing.
func (r *Reply) At(path ...string) any {
	var v any = r.JSON
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// Text is At for a string; "" where there is none.
func (r *Reply) Text(path ...string) string {
	s, _ := r.At(path...).(string)
	return s
}

// Get asks with the secret test key. params are pairs: "limit", "3".
func (s *Server) Get(path string, params ...string) *Reply {
	s.t.Helper()
	return s.Do(s.Request("GET", path, params...))
}

// Post posts a form with the secret test key. params are pairs: "amount", "2000".
func (s *Server) Post(path string, params ...string) *Reply {
	s.t.Helper()
	return s.Do(s.Request("POST", path, params...))
}

// Request makes a request with the secret test key, for a test to change before it is done.
func (s *Server) Request(method, path string, params ...string) *http.Request {
	s.t.Helper()
	if len(params)%2 != 0 {
		s.t.Fatalf("servertest: %s %s: parameters are pairs", method, path)
	}
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		form.Add(params[i], params[i+1])
	}
	var r *http.Request
	if method == http.MethodPost {
		r = httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		if len(form) > 0 {
			path += "?" + form.Encode()
		}
		r = httptest.NewRequestWithContext(s.t.Context(), method, path, nil)
	}
	r.Header.Set("Authorization", "Bearer "+s.Secret)
	return r
}

// OverTLS makes a request look as if it came over HTTPS, as live keys must.
func OverTLS(r *http.Request) *http.Request {
	r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true}
	return r
}

// Do has a request answered.
func (s *Server) Do(r *http.Request) *Reply {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.Server.ServeHTTP(w, r)
	res := w.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("servertest: %s %s: %v", r.Method, r.URL, err)
	}
	out := &Reply{Status: res.StatusCode, Header: res.Header, Body: body}
	if bytes.HasPrefix(body, []byte("{")) {
		if err := json.Unmarshal(body, &out.JSON); err != nil {
			s.t.Fatalf("servertest: %s %s: %v in\n%s", r.Method, r.URL, err, body)
		}
	}
	return out
}

type logWriter struct{ t testing.TB }

func (w logWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}
