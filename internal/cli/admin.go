package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"

	"florin/internal/domain/account"
	"florin/internal/server"
	"florin/internal/store/postgres"
)

// An office carries out commands: that of a running server, or one in this process.
type office struct {
	http  http.Client
	close func() error
}

// office finds the running server of the data folder, or opens the folder. make says whether the folder may be made.
func (r *run) office(ctx context.Context, make bool) (*office, error) {
	data := r.folder()
	conn, err := server.DialAdmin(ctx, data)
	if err == nil {
		return overSocket(conn, data), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	cfg := server.Config{Data: data, Audit: r.Audit}
	if postgres.Is(r.store) {
		cfg.Postgres, cfg.Idle = r.store, true
	}
	if !make && cfg.Postgres == "" && !server.HasData(data) {
		return nil, account.Problem("there is no data in " + data + "; `florin serve` makes it, or --data says where it is")
	}
	keys, err := r.masterKeys()
	if err != nil {
		return nil, err
	}
	cfg.Vault = keys
	s, err := server.New(cfg)
	if err != nil {
		if conn, again := server.DialAdmin(ctx, data); again == nil { // one has started just now
			return overSocket(conn, data), nil
		}
		return nil, err
	}
	return &office{http: http.Client{Transport: inProcess{s.Admin()}}, close: s.Close}, nil
}

func overSocket(conn net.Conn, data string) *office {
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if c := conn; c != nil {
			conn = nil // the connection that found the server is the first to be used
			return c, nil
		}
		return server.DialAdmin(ctx, data)
	}}
	return &office{http: http.Client{Transport: t}, close: func() error { t.CloseIdleConnections(); return nil }}
}

// command opens the office, has one thing done, and closes it.
func (r *run) command(ctx context.Context, make bool, method, path string, order, answer any) error {
	o, err := r.office(ctx, make)
	if err != nil {
		return err
	}
	return errors.Join(o.do(ctx, method, path, order, answer), o.close())
}

func (o *office) do(ctx context.Context, method, path string, order, answer any) error {
	var body io.Reader
	if order != nil {
		text, err := json.Marshal(order)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	res, err := o.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		return fmt.Errorf("answer to %s %s: %w", method, path, err)
	}
	return nil
}

// send asks, and makes of a complaint an error.
func (o *office) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://florin"+path, body)
	if err != nil {
		return nil, err
	}
	res, err := o.http.Do(req)
	if err != nil || res.StatusCode == http.StatusOK {
		return res, err
	}
	defer res.Body.Close()
	var c struct{ Problem, Failure string }
	if err := json.NewDecoder(res.Body).Decode(&c); err != nil {
		return nil, fmt.Errorf("%s %s: status %d", method, path, res.StatusCode)
	}
	if c.Problem != "" {
		return nil, account.Problem(c.Problem)
	}
	return nil, errors.New(c.Failure)
}

// inProcess sends requests to a handler of this process.
type inProcess struct{ handler http.Handler }

// RoundTrip answers with what the handler writes, as it writes it.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	read, write := io.Pipe()
	w := &pipeWriter{body: write, header: http.Header{}, began: make(chan struct{})}
	res := &http.Response{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: read, Request: r, Trailer: http.Header{}}
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	go func() {
		p.handler.ServeHTTP(w, r)
		w.WriteHeader(http.StatusOK)
		for _, name := range w.header["Trailer"] {
			res.Trailer[name] = w.header[name]
		}
		write.Close()
	}()
	<-w.began
	res.StatusCode, res.Header = w.status, w.sent
	return res, nil
}

type pipeWriter struct {
	body         *io.PipeWriter
	header, sent http.Header
	status       int
	began        chan struct{}
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	if w.sent == nil {
		w.status, w.sent = status, w.header.Clone()
		close(w.began)
	}
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}
