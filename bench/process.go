package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is one that was started here and is measured from outside, by /proc.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it is gone
	err    error         // how it went, once it is gone
	output bytes.Buffer  // to be read once it is gone
}

func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, exited: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = &p.output
	}
	cmd.Stderr = &p.output
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// stop asks the process to stop, and waits until it has.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // if it is gone, that is what is told below
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("it did not stop within 30 s"), p.kill())
	}
	if p.err != nil {
		return fmt.Errorf("%w\n%.2000s", p.err, p.output.Bytes())
	}
	return nil
}

func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	<-p.exited
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// A usage is what a process has used since it began.
type usage struct {
	cpu     time.Duration
	written int64 // bytes that it caused to be sent to the disk
}

const tick = 10 * time.Millisecond // of /proc/PID/stat; Linux shows it so on every machine that Go runs on

// used is what the process has used; of this one if p is nil. Where there is no /proc it is nothing.
func (p *process) used() (u usage) {
	dir := "/proc/self/"
	if p != nil {
		dir = fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	}
	text, err := os.ReadFile(dir + "stat")
	if err != nil {
		return usage{}
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name may hold blanks
	if f := strings.Fields(after); len(f) > 12 {
		user, _ := strconv.ParseInt(f[11], 10, 64)
		system, _ := strconv.ParseInt(f[12], 10, 64)
		u.cpu = time.Duration(user+system) * tick
	}
	u.written = field(dir+"io", "write_bytes:")
	return u
}

// memory is a line of /proc/PID/status in bytes: VmRSS is what it holds now, VmHWM the most that it ever held.
func (p *process) memory(name string) int64 {
	return field(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid), name+":") << 10
}

func field(path, name string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}

// settle waits until the process has nothing to do, and says whether that came to be.
func (p *process) settle(most time.Duration) bool {
	const look = 60 * time.Millisecond
	for until := time.Now().Add(most); time.Now().Before(until); {
		before := p.used().cpu
		time.Sleep(look)
		if p.used().cpu-before <= tick {
			return true
		}
	}
	return false
}

// A florin is one that serves on a data folder.
type florin struct {
	*process
	HTTP, HTTPS, CA string
	SecretKey       string `json:"secret_key"`
	data            string
	pprofAt         string // host:port, with a profile
	known           ids
}

// serve starts florin on a data folder and waits until it says that it answers.
func (b *bench) serve(data string, flags ...string) (*florin, error) {
	f := &florin{data: data}
	ready := data + ".ready.json"
	if err := os.Remove(ready); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	cmd := exec.Command(b.binary, "serve", "--data", data, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--ready-file", ready)
	cmd.Args = append(cmd.Args, flags...)
	if b.profile != "" {
		at, err := freePort()
		if err != nil {
			return nil, err
		}
		f.pprofAt = at
		cmd.Env = append(os.Environ(), "FLORIN_PPROF="+at)
	}
	p, err := start(cmd)
	if err != nil {
		return nil, err
	}
	f.process = p
	b.running = append(b.running, p)
	for began := time.Now(); ; time.Sleep(500 * time.Microsecond) {
		text, err := os.ReadFile(ready)
		if err == nil && json.Unmarshal(text, f) == nil && f.SecretKey != "" {
			return f, nil
		}
		select {
		case <-p.exited:
			return nil, fmt.Errorf("florin serve stopped before it answered: %w\n%s", p.err, &p.output)
		default:
		}
		if time.Since(began) > 30*time.Second {
			return nil, errors.Join(errors.New("florin serve did not answer within 30 s"), p.kill())
		}
	}
}

// over is the server as a target of plain HTTP.
func (f *florin) over() (*target, error) {
	u, err := url.Parse(f.HTTP)
	if err != nil {
		return nil, err
	}
	return newTarget(f.address(u), f.SecretKey, nil, f.process, &f.known), nil
}

// overTLS is the server as a target of HTTPS.
func (f *florin) overTLS() (*target, error) {
	u, err := url.Parse(f.HTTPS)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, err
	}
	conf, err := trust(pem, u.Hostname())
	if err != nil {
		return nil, err
	}
	return newTarget(f.address(u), f.SecretKey, conf, f.process, &f.known), nil
}

// address dials what florin was told to listen on, whatever name it gives itself.
func (f *florin) address(u *url.URL) string { return net.JoinHostPort("127.0.0.1", u.Port()) }

func trust(pem []byte, name string) (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate to trust")
	}
	return &tls.Config{RootCAs: pool, ServerName: name}, nil
}

// build makes the binary as `make build` does; FLORIN_BINARY names one to use instead. With a profile, it also serves net/http/pprof.
func (b *bench) build() error {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("go env GOMOD: %w", err)
	}
	b.root = filepath.Dir(string(bytes.TrimSpace(out)))
	if path := os.Getenv("FLORIN_BINARY"); path != "" {
		b.binary = path
		return nil
	}
	b.binary = filepath.Join(b.dir, "florin")
	args := []string{"build", "-trimpath", "-o", b.binary}
	if b.profile != "" {
		overlay, err := b.pprofOverlay()
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, ".")...)
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// one sends one request over a connection of its own.
func (t *target) one(r *request, id []byte) (head, body []byte, err error) {
	c, err := dial(t)
	if err != nil {
		return nil, nil, err
	}
	defer c.conn.Close()
	w := &worker{t: t, c: c}
	w.chance.Seed(uint64(time.Now().UnixNano()), 0)
	a, err := c.do(r.fill(nil, id, w.newKey(r)))
	if err != nil {
		return nil, nil, err
	}
	if a.status != 200 {
		return nil, nil, refused{a.status, a.body}
	}
	return a.head, a.body, nil
}
