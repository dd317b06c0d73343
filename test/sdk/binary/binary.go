// Package binary builds florin and runs it as its users do: as another process, told by flags, known by its ready file. The tests that need
// a real process stand on it.
package binary

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// Build builds florin into dir and returns its path. FLORIN_BINARY names a binary to use instead.
//
// It looks at every source file, because go test keeps a result until a file that the test itself looked at has changed.
func Build(dir string) (string, error) {
	if path := os.Getenv("FLORIN_BINARY"); path != "" {
		_, err := os.Stat(path)
		return path, err
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	if err := lookAt(root); err != nil {
		return "", err
	}
	return BuildPackage(".", dir)
}

// BuildPackage builds a program of florin's module into dir and returns its path.
func BuildPackage(name, dir string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "florin")
	cmd := exec.Command("go", "build", "-o", path, name)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// Root is the folder of florin's go.mod.
func Root() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(string(bytes.TrimSpace(out))), nil
}

func lookAt(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == ".venv" || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.Type().IsRegular():
			_, err = os.Stat(path)
		}
		return ignoreGone(err)
	})
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// A Server is a running florin, with what its ready file says.
type Server struct {
	HTTP           string `json:"http"`
	HTTPS          string `json:"https"`
	CA             string `json:"ca"`
	Account        string `json:"account"`
	PublishableKey string `json:"publishable_key"`
	SecretKey      string `json:"secret_key"`

	Path      string        `json:"-"` // of the binary
	ReadyFile string        `json:"-"`
	Took      time.Duration `json:"-"` // from start to the ready file

	cmd    *exec.Cmd
	output *output
	exited chan struct{} // closed when the process is gone
	err    error         // how it went, once it is gone
}

// Start runs `florin serve` on a data folder, on free ports, with more flags if given, and waits until it answers. The ready file is written
// beside the data folder, as DATA.ready.json.
func Start(path, data string, flags ...string) (*Server, error) {
	return StartIn(nil, path, data, flags...)
}

// StartIn is Start with more in the environment.
func StartIn(env []string, path, data string, flags ...string) (*Server, error) {
	s := &Server{Path: path, ReadyFile: data + ".ready.json", output: &output{}, exited: make(chan struct{})}
	if err := ignoreGone(os.Remove(s.ReadyFile)); err != nil {
		return nil, err
	}
	args := []string{"serve", "--data", data, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--ready-file", s.ReadyFile, "--check-answers"}
	s.cmd = exec.Command(path, append(args, flags...)...)
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	if err := s.waitReady(began); err != nil {
		_ = s.Kill() // the reason to report is why it did not answer
		return nil, fmt.Errorf("florin serve: %w\n%s", err, s.Output())
	}
	return s, nil
}

func (s *Server) waitReady(began time.Time) error {
	for {
		text, err := os.ReadFile(s.ReadyFile)
		if err == nil {
			s.Took = time.Since(began)
			return json.Unmarshal(text, s)
		}
		if err := ignoreGone(err); err != nil {
			return err
		}
		select {
		case <-s.exited:
			return fmt.Errorf("it stopped before it answered: %w", s.err)
		case <-time.After(2 * time.Millisecond):
		}
		if time.Since(began) > 30*time.Second {
			return errors.New("it did not answer within 30 s")
		}
	}
}

// Pid is the number of the process.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Output is what the server has printed, its last 64 KiB.
func (s *Server) Output() string { return s.output.String() }

// Gone is closed when the process is gone.
func (s *Server) Gone() <-chan struct{} { return s.exited }

// Kill ends the process as a power cut would, and waits until it is gone.
func (s *Server) Kill() error {
	err := s.cmd.Process.Kill()
	<-s.exited
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Stop asks the process to stop, and waits until it has. It must do so within 10 s and with exit code 0, and no answer may have differed from the
// spec.
func (s *Server) Stop() error {
	if err := s.stop(); err != nil {
		return err
	}
	if line := s.output.differs(); line != "" {
		return errors.New(line)
	}
	return nil
}

func (s *Server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("florin serve stopped by itself: %w\n%s", errors.Join(err, s.err), s.Output())
	}
	select {
	case <-s.exited:
		if s.err != nil {
			return fmt.Errorf("florin serve did not stop cleanly: %w\n%s", s.err, s.Output())
		}
		return nil
	case <-time.After(10 * time.Second):
		return errors.Join(errors.New("florin serve did not stop within 10 s of SIGTERM"), s.Kill())
	}
}

// Client is an HTTP client that trusts the server's certificate authority.
func (s *Server) Client() (*http.Client, error) {
	pem, err := os.ReadFile(s.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", s.CA)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 30 * time.Second}, nil
}

// Audit runs `florin audit` on the data folder of a stopped server, with more flags if given, and returns what it printed.
func Audit(path, data string, flags ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, append([]string{"audit", "--data", data}, flags...)...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("florin audit: %w\n%s", err, out)
	}
	return string(out), nil
}

// An output keeps the end of what a process prints, and the first line that tells of an answer that differs from the spec.
type output struct {
	mu    sync.Mutex
	text  []byte
	wrong string
}

// differs is how the server's log says it (cli's --check-answers).
var differs = regexp.MustCompile(`.*an answer differs from the spec.*`)

func (o *output) differs() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.wrong
}

const outputKept = 64 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	if o.wrong == "" { // the log writes a line at once
		o.wrong = string(differs.Find(p))
	}
	if len(o.text) > 2*outputKept {
		o.text = append([]byte(nil), o.text[len(o.text)-outputKept:]...)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text[max(0, len(o.text)-outputKept):])
}
