package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// pprofSource is laid over the main package for a profile, so that the product itself has no such door.
//
//go:embed pprof.go.txt
var pprofSource []byte

// pprofOverlay writes what `go build -overlay` wants.
func (b *bench) pprofOverlay() (string, error) {
	source := filepath.Join(b.dir, "pprof.go")
	if err := os.WriteFile(source, pprofSource, 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(b.root, "bench_pprof.go"): source}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.dir, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}

// freePort finds an address for pprof.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// profileSlice takes a CPU profile of the server for one slice; the last one taken is kept.
func (b *bench) profileSlice(f *florin) {
	if b.profile == "" {
		return
	}
	seconds := max(1, int(b.slice/time.Second))
	if err := fetch(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", f.pprofAt, seconds), b.profile); err != nil {
		fmt.Fprintln(os.Stderr, "bench: profile:", err)
		return
	}
	for _, kind := range []string{"allocs", "heap"} {
		if err := fetch(fmt.Sprintf("http://%s/debug/pprof/%s", f.pprofAt, kind), b.profile+"."+kind); err != nil {
			fmt.Fprintln(os.Stderr, "bench: profile:", err)
		}
	}
}

func fetch(from, to string) error {
	res, err := http.Get(from)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", from, res.Status)
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, res.Body); err != nil {
		return err
	}
	return f.Close()
}

// showProfile prints where the time went.
func (b *bench) showProfile(w io.Writer) {
	out, err := exec.Command("go", "tool", "pprof", "-top", "-cum", "-nodecount=60", b.binary, b.profile).CombinedOutput()
	if err != nil {
		fmt.Fprintf(w, "pprof: %v\n%s", err, out)
		return
	}
	fmt.Fprintf(w, "\n%s\nMore: go tool pprof -http=: %s (and .allocs, .heap)\n", strings.TrimSpace(string(out)), b.profile)
}
