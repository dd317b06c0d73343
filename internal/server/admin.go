package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"florin/internal/domain/account"
)

// The commands reach a running server through a socket in its data folder, which only the owner of the folder can open; never through the
// public API. On a stopped server they open the folder themselves and call the same handler, so a command does the same on both.
//
//	GET  /metrics, /healthz, /readyz             as on the admin port (watch.go)
//	GET  /status                                 where the server is
//	GET  /accounts        POST /accounts         list; make one, from an account.Spec
//	POST /accounts/change {"account", "api_version"}   change one
//	GET  /keys?account=   POST /keys             list; make one, from an account.NewKey
//	POST /keys/reveal     {"key"}                show one in clear
//	POST /keys/roll       {"key", "seconds"}     make another, and end this one after so many seconds
//	POST /keys/expire     {"key", "seconds"}     end one
//	GET  /vault           POST /vault/rotate     see keep.go
//	POST /vault/retire
//	POST /audit                                  check everything; text, and the outcome in the trailer Florin-Outcome
//
// What its user can mend is answered with 400 and {"problem"}, what is our own failure with 500 and {"failure"}.

// Outcome is the trailer that tells what an audit came to: "" is good.
const Outcome = "Florin-Outcome"

// A Status says where a server is.
type Status struct {
	Addresses
	Data string `json:"data"`
	PID  int    `json:"pid"`
}

// A KeyOrder is what the commands about one key say.
type KeyOrder struct {
	Key     string `json:"key"` // mk_…, or the key itself
	Seconds int64  `json:"seconds,omitempty"`
}

// A Rolled is a key that was rolled, and the one that takes its place.
type Rolled struct {
	Made *account.View `json:"made"`
	Old  *account.View `json:"old"`
}

// Admin answers commands.
func (s *Server) Admin() http.Handler { return s.adminHandler(&Addresses{}) }

func (s *Server) adminHandler(at *Addresses) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", s.watching())
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		tell(w, &Status{*at, s.cfg.Data, os.Getpid()}, nil)
	})
	mux.HandleFunc("GET /accounts", func(w http.ResponseWriter, r *http.Request) {
		list, err := s.Accounts.List(r.Context())
		tell(w, list, err)
	})
	mux.HandleFunc("POST /accounts", order(func(ctx context.Context, o account.Spec) (any, error) {
		return s.Accounts.Create(ctx, o)
	}))
	mux.HandleFunc("POST /accounts/change", order(func(ctx context.Context, o account.Change) (any, error) {
		return s.Accounts.Change(ctx, o)
	}))
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		list, err := s.Accounts.ListKeys(r.Context(), r.FormValue("account"))
		tell(w, list, err)
	})
	mux.HandleFunc("POST /keys", order(func(ctx context.Context, o account.NewKey) (any, error) {
		return s.Accounts.CreateKey(ctx, o)
	}))
	mux.HandleFunc("POST /keys/reveal", order(func(ctx context.Context, o KeyOrder) (any, error) {
		return s.Accounts.Reveal(ctx, o.Key)
	}))
	mux.HandleFunc("POST /keys/roll", order(func(ctx context.Context, o KeyOrder) (any, error) {
		made, old, err := s.Accounts.Roll(ctx, o.Key, time.Duration(o.Seconds)*time.Second)
		return &Rolled{made, old}, err
	}))
	mux.HandleFunc("POST /keys/expire", order(func(ctx context.Context, o KeyOrder) (any, error) {
		return s.Accounts.Expire(ctx, o.Key, time.Duration(o.Seconds)*time.Second)
	}))
	mux.HandleFunc("POST /audit", s.audit)
	s.keeping(mux)
	return mux
}

func order[T any](do func(ctx context.Context, o T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var o T
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&o); err != nil {
			tell(w, nil, account.Problem("the order could not be read: "+err.Error()))
			return
		}
		res, err := do(r.Context(), o)
		tell(w, res, err)
	}
}

// A complaint is the answer to a command that was not carried out.
type complaint struct {
	Problem string `json:"problem,omitempty"`
	Failure string `json:"failure,omitempty"`
}

func tell(w http.ResponseWriter, res any, err error) {
	w.Header().Set("Content-Type", "application/json")
	var p account.Problem
	switch {
	case errors.As(err, &p):
		w.WriteHeader(http.StatusBadRequest)
		res = complaint{Problem: string(p)}
	case err != nil:
		w.WriteHeader(http.StatusInternalServerError)
		res = complaint{Failure: err.Error()}
	}
	_ = json.NewEncoder(w).Encode(res) // the command is gone
}

func (s *Server) audit(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Audit == nil {
		tell(w, nil, account.Problem("this Florin was built without an audit"))
		return
	}
	w.Header().Set("Trailer", Outcome)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	if err := s.cfg.Audit(r.Context(), s.db, w); err != nil {
		w.Header().Set(Outcome, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// An adminSocket is where a running server takes commands.
type adminSocket struct {
	http  *http.Server
	files []string // removed at the end
}

const (
	socketName = "admin.sock"
	socketFile = "admin.path" // holds the socket's path, where that could not be in the folder
	maxSocket  = 100          // systems allow a socket's path 104 to 108 bytes
)

// openAdmin listens for commands. The store's lock is held, so a socket that is already there is of a server that has died.
func (s *Server) openAdmin(at *Addresses) (*adminSocket, error) {
	path := filepath.Join(s.cfg.Data, socketName)
	pointer := filepath.Join(s.cfg.Data, socketFile)
	a := &adminSocket{files: []string{path}}
	if s.engine != nil { // nothing else locks the folder
		if c, err := DialAdmin(context.Background(), s.cfg.Data); err == nil {
			c.Close()
			return nil, fmt.Errorf("another Florin uses %s: each needs a folder of its own (--data)", s.cfg.Data)
		}
	}
	for _, stale := range []string{path, pointer} {
		if err := os.Remove(stale); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if len(path) > maxSocket {
		dir, err := os.MkdirTemp("", "florin-") // ours alone
		if err != nil {
			return nil, err
		}
		path = filepath.Join(dir, socketName)
		a.files = []string{path, dir, pointer}
		if err := writeFile(pointer, []byte(path), 0o600); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil { // until now the folder itself kept others out
		return nil, errors.Join(err, l.Close())
	}
	a.http = &http.Server{Handler: s.adminHandler(at), ReadHeaderTimeout: headerTime}
	go func() {
		if err := a.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the socket for commands ended", "cause", err)
		}
	}()
	return a, nil
}

func (a *adminSocket) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := a.http.Shutdown(ctx); err != nil {
		a.http.Close()
	}
	for _, f := range a.files {
		os.Remove(f) // the next start removes what is left
	}
}

// DialAdmin connects to the server that runs on a data folder. The error is fs.ErrNotExist if none seems to.
func DialAdmin(ctx context.Context, data string) (net.Conn, error) {
	path := filepath.Join(data, socketName)
	if other, err := os.ReadFile(filepath.Join(data, socketFile)); err == nil {
		path = string(other)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("no server runs on %s: %w", data, fs.ErrNotExist)
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil { // a socket that a dead server left
		return nil, fmt.Errorf("no server runs on %s: %w", data, fs.ErrNotExist)
	}
	return c, nil
}
