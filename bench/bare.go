package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The bare handler is the limit that florin is held against: a net/http server in a process of its own, which reads a request's body and answers
// the bytes, and the headers, that florin answered when it was asked the same. Nothing is looked at, nothing is kept.

// A script is what the bare handler answers.
type script struct {
	Pay, Retrieve, List10, List100 *recorded
}

// A recorded is an answer of florin's.
type recorded struct {
	Header http.Header
	Body   []byte
}

func record(head, body []byte) (*recorded, error) {
	text := append(append([]byte(nil), head...), "\r\n\r\n"...)
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), nil)
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	delete(res.Header, "Date") // net/http makes its own
	return &recorded{res.Header, append([]byte(nil), body...)}, nil
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.ReadAll(r.Body); err != nil {
		return
	}
	a := s.Retrieve
	switch {
	case r.Method == http.MethodPost:
		a = s.Pay
	case strings.HasPrefix(r.URL.RawQuery, "limit=100"):
		a = s.List100
	case strings.HasPrefix(r.URL.RawQuery, "limit=10"):
		a = s.List10
	}
	h := w.Header()
	for k, v := range a.Header {
		h[k] = v
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(a.Body)
}

// A listening is what the bare handler's process tells of itself, as a line of JSON.
type listening struct {
	HTTP, HTTPS string // host:port
	CA          []byte
}

// runBare is the bare handler's process: `bench bare SCRIPT`. It ends when its standard input does, so that it outlives nobody.
func runBare(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var s script
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	under, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	cert, ca, err := selfSigned()
	if err != nil {
		return err
	}
	secure := tls.NewListener(under, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}})
	server := &http.Server{Handler: &s, ErrorLog: log.New(io.Discard, "", 0)}
	for _, l := range []net.Listener{plain, secure} {
		go server.Serve(l)
	}
	if err := json.NewEncoder(os.Stdout).Encode(listening{plain.Addr().String(), under.Addr().String(), ca}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// selfSigned is a certificate of the kind that florin makes for itself.
func selfSigned() (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"localhost"},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// startBare asks florin for the answers, and starts the process that repeats them.
func (b *bench) startBare(f *target) error {
	var s script
	known := f.ids.all()
	for _, ask := range []struct {
		into *(*recorded)
		r    *request
		id   []byte
	}{
		{&s.Pay, f.pay, nil}, {&s.Retrieve, f.retrieve, known[len(known)-1]}, {&s.List10, f.list10, nil}, {&s.List100, f.list100, nil},
	} {
		head, body, err := f.one(ask.r, ask.id)
		if err != nil {
			return err
		}
		if *ask.into, err = record(head, body); err != nil {
			return err
		}
	}
	b.answerBytes = len(s.Pay.Body)
	text, err := json.Marshal(&s)
	if err != nil {
		return err
	}
	path := filepath.Join(b.dir, "bare.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "bare", path)
	if _, err := cmd.StdinPipe(); err != nil { // never written to: see runBare
		return err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout = in
	p, err := start(cmd)
	in.Close()
	if err != nil {
		return err
	}
	b.running = append(b.running, p)
	var at listening
	if err := json.NewDecoder(out).Decode(&at); err != nil {
		return errors.Join(fmt.Errorf("the bare handler did not start: %w", err), p.kill())
	}
	conf, err := trust(at.CA, "localhost")
	if err != nil {
		return err
	}
	b.bare = newTarget(at.HTTP, f.key, nil, p, f.ids)
	b.bareTLS = newTarget(at.HTTPS, f.key, conf, p, f.ids)
	return nil
}
