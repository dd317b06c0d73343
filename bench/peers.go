package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Peers are other programs that answer in Stripe's place, beside florin in the same run: stripe-mock, which keeps nothing, and localstripe, which keeps
// everything in memory. Both are installed from their registries into the folder of the run; where that cannot be done their rows are left out.

// A peer is how one is installed and started.
type peer struct {
	name    string
	install func(dir string) error
	command func(dir, port string) *exec.Cmd
}

var stripeMock = &peer{
	name: "stripe-mock",
	install: func(dir string) error {
		return quietly(exec.Command("go", "install", "github.com/stripe/stripe-mock@v0.203.0"), "GOBIN="+dir, "GOFLAGS=-mod=mod")
	},
	command: func(dir, port string) *exec.Cmd {
		return exec.Command(filepath.Join(dir, "stripe-mock"), "-http-addr", "127.0.0.1:"+port)
	},
}

var localstripe = &peer{
	name: "localstripe",
	install: func(dir string) error {
		if err := quietly(exec.Command("python3", "-m", "venv", dir)); err != nil {
			return err
		}
		return quietly(exec.Command(filepath.Join(dir, "bin", "pip"), "install", "--quiet", "localstripe"))
	},
	command: func(dir, port string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(dir, "bin", "localstripe"), "--port", port, "--from-scratch")
		cmd.Dir = dir
		return cmd
	},
}

func quietly(cmd *exec.Cmd, env ...string) error {
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%.300s", cmd, err, out)
	}
	return nil
}

// onPeer loads a peer, which is installed at the first time.
func onPeer(p *peer) func(*bench) (*sample, error) {
	return func(b *bench) (*sample, error) {
		dir := filepath.Join(b.dir, p.name)
		if _, err := os.Stat(dir); err != nil {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return nil, err
			}
			if err := p.install(dir); err != nil {
				return nil, fmt.Errorf("%s is %w: %w", p.name, errNone, err)
			}
		}
		addr, err := freePort()
		if err != nil {
			return nil, err
		}
		_, port, _ := net.SplitHostPort(addr)
		proc, err := start(p.command(dir, port))
		if err != nil {
			return nil, fmt.Errorf("%s is %w: %w", p.name, errNone, err)
		}
		b.running = append(b.running, proc)
		defer proc.kill()
		t := newTarget(addr, "sk_test_123", nil, proc, &ids{})
		for until := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			_, _, err := t.one(t.create, nil)
			if err == nil {
				break
			}
			if errors.As(err, new(refused)) || time.Now().After(until) {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
		}
		s, _, err := t.measure(load{work: createIntent, conns: 64, warm: warm, run: b.slice}, 0)
		return s, err
	}
}
