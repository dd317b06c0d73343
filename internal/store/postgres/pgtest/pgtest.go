// Package pgtest runs a PostgreSQL for tests, in a temporary folder: as an unprivileged user where the tests are root's, because PostgreSQL refuses to
// be root's.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Env names, in the environment, the URL of a PostgreSQL that tests are to use instead of one of their own. Each test has a schema of its own there.
const Env = "FLORIN_TEST_POSTGRES"

// A Server is a PostgreSQL.
type Server struct {
	dir      string
	bin      string
	who      *syscall.Credential
	port     int
	cmd      *exec.Cmd
	url      string // of one that was there
	settings []string
}

var count atomic.Int64

// Open returns a PostgreSQL for a test, which ends with it. The test is skipped where there is none.
func Open(t testing.TB) *Server {
	t.Helper()
	if url := os.Getenv(Env); url != "" {
		return &Server{url: url}
	}
	return Own(t)
}

// Own is Open for a test that stops the server now and then, and so needs one of its own.
func Own(t testing.TB) *Server {
	t.Helper()
	s, err := Start()
	if errors.Is(err, ErrNone) && os.Getenv("FLORIN_REQUIRE_ALL") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// ErrNone says that this machine has no PostgreSQL.
var ErrNone = errors.New("there is no PostgreSQL on this machine")

// Start makes a database cluster in a temporary folder, and starts a server on it. Settings, such as "fsync=on", come after the server's own, and win.
func Start(settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pg-") // a short path, since the socket's may have 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, settings: settings}
	if err := s.start(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) start() error {
	if err := s.unprivileged(); err != nil {
		return err
	}
	init := s.command("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	return s.Run()
}

// Run starts the server, which was stopped.
func (s *Server) Run() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", s.data(), "-k", s.dir, "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
		// A test kills processes, not the machine: what the operating system was given is kept.
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=300", "-c", "shared_buffers=64MB", "-c", "max_wal_size=512MB",
		"-c", "max_locks_per_transaction=256"}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	s.cmd = s.command("postgres", args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for until := time.Now().Add(20 * time.Second); ; {
		if ready := s.command("pg_isready", "-h", s.dir, "-p", strconv.Itoa(s.port)); ready.Run() == nil {
			return nil
		}
		if time.Now().After(until) {
			text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("PostgreSQL does not start:\n%s", text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop ends the server as an administrator does who is in a hurry: connections are cut. Kill ends it as a crash does.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

// Kill ends the server and all its processes at once, as a crash does.
func (s *Server) Kill() { s.end(syscall.SIGQUIT) }

func (s *Server) end(sig syscall.Signal) {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig) // it may have ended
	_ = s.cmd.Wait()              // how it ended says nothing
	s.cmd = nil
}

// Close ends the server, and removes its folder.
func (s *Server) Close() {
	if s.url == "" {
		s.Kill()
		os.RemoveAll(s.dir)
	}
}

// URL is the address of a schema that nothing else has.
func (s *Server) URL() string {
	return s.Named(fmt.Sprintf("test_%d_%d_%d", os.Getpid(), time.Now().UnixNano(), count.Add(1)))
}

// Of is the address of a schema that belongs to a folder; of one that nothing else has, if the folder has no name.
func (s *Server) Of(folder string) string {
	if folder == "" {
		return s.URL()
	}
	h := fnv.New64a()
	h.Write([]byte(folder))
	return s.Named(fmt.Sprintf("folder_%x", h.Sum64()))
}

// Named is the address of a schema.
func (s *Server) Named(schema string) string {
	url := s.Base()
	if strings.Contains(url, "?") {
		return url + "&schema=" + schema
	}
	return url + "?schema=" + schema
}

// Base is the address of the database.
func (s *Server) Base() string {
	if s.url != "" {
		return s.url
	}
	return fmt.Sprintf("postgres://postgres@/postgres?host=%s&port=%d", s.dir, s.port)
}

// TCP is the address of a schema that goes over TCP.
func (s *Server) TCP(schema string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable&schema=%s", s.port, schema)
}

// Port is where the server listens for TCP.
func (s *Server) Port() int { return s.port }

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = attributes(s.who)
	return cmd
}

// unprivileged finds the user that the server is to run as.
func (s *Server) unprivileged() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2, os.Chown(s.dir, uid, gid)); err != nil {
			return err
		}
		s.who = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return nil
	}
	return errors.New("PostgreSQL refuses to be root's, and there is no user postgres or nobody")
}

// binaries finds the folder of PostgreSQL's programs: the newest of those that Linux distributions install, or where the PATH has initdb.
func binaries() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { return versionOf(b) - versionOf(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, dir := range dirs {
		complete := true
		for _, name := range []string{"initdb", "postgres", "pg_isready"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				complete = false
			}
		}
		if complete {
			return dir, nil
		}
	}
	return "", ErrNone
}

func versionOf(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return n
}
