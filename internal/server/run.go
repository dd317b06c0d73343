package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
)

// A Ready is what the ready file holds: all that a test harness needs.
type Ready struct {
	HTTP           string `json:"http"`            // base URL; "" if the server does not listen for HTTP
	HTTPS          string `json:"https"`           // base URL; "" if the server does not listen for HTTPS
	CA             string `json:"ca"`              // path of the certificate to trust; "" if none is needed
	Admin          string `json:"admin,omitempty"` // base URL for operators; "" if there is none
	Account        string `json:"account"`
	PublishableKey string `json:"publishable_key"`
	SecretKey      string `json:"secret_key"`
}

// gcPercent lets the heap grow to five times what is in use before it is swept: what is in use is some 15 MB, and sweeping it more often costs
// payments (see docs/decisions).
const gcPercent = 400

// Run serves until ctx ends, and closes everything. When the server answers, ready is told, after the ready file has been written.
func Run(ctx context.Context, cfg Config, readyFile string, ready func(*Server, *Ready)) (err error) {
	if readyFile != "" {
		if err := os.Remove(readyFile); err != nil && !errors.Is(err, fs.ErrNotExist) { // one of an earlier run says nothing about this one
			return fmt.Errorf("ready file: %w", err)
		}
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	s, err := New(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	first, err := s.Starter(ctx)
	if err != nil {
		return err
	}
	at, err := s.Start()
	if err != nil {
		return err
	}
	r := &Ready{at.HTTP, at.HTTPS, at.CA, at.Admin, first.Account, first.PublishableKey, first.SecretKey}
	if readyFile != "" {
		if err := writeReady(readyFile, r); err != nil {
			return err
		}
		defer os.Remove(readyFile)
	}
	if ready != nil {
		ready(s, r)
	}
	<-ctx.Done()
	s.Drain()
	return nil
}

func writeReady(path string, r *Ready) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	return writeFile(path, append(text, '\n'), 0o600) // it holds a secret key
}
