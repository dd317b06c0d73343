package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/domain/account"
)

func start(t *testing.T, cfg Config) (*Server, *Addresses) {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	at, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	return s, at
}

// client trusts an authority and nobody else.
func client(t *testing.T, ca []byte) *http.Client {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("the authority is no certificate")
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func get(t *testing.T, c *http.Client, url, key string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.SetBasicAuth(key, "")
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestLiveKeysWantHTTPS(t *testing.T) {
	s, at := start(t, Config{HTTP: "localhost:0", HTTPS: "localhost:0"})
	made, err := s.Accounts.Create(t.Context(), account.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, s.CA())
	for _, k := range made.Keys {
		if k.Type != account.Secret {
			continue
		}
		status, body := get(t, c, at.HTTPS+"/v1/account", k.Secret)
		if status != 200 || !strings.Contains(body, made.Account) {
			t.Errorf("livemode %v over HTTPS: %d %s", k.Livemode, status, body)
		}
		status, body = get(t, c, at.HTTP+"/v1/account", k.Secret)
		if k.Livemode && (status != 403 || !strings.Contains(body, "HTTPS only")) || !k.Livemode && status != 200 {
			t.Errorf("livemode %v over HTTP: %d %s", k.Livemode, status, body)
		}
	}
}

func TestPlainHTTPStaysOnThisMachine(t *testing.T) {
	for address, ok := range map[string]bool{"127.0.0.1:0": true, "[::1]:0": true, "localhost:0": true, "0.0.0.0:0": false, ":0": false, "nonsense": false} {
		for _, allow := range []bool{false, true} {
			s, err := New(Config{HTTP: address, AllowInsecureHTTP: allow})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Start()
			want := ok || allow && address != "nonsense"
			if errors.Is(err, fs.ErrNotExist) || err != nil && address == "[::1]:0" {
				t.Logf("%s: %v", address, err) // no IPv6 here
			} else if (err == nil) != want {
				t.Errorf("%s, allowed %v: %v", address, allow, err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	_, at := start(t, Config{HTTP: "localhost:0"})
	for _, path := range []string{"/", "/v1", "/favicon.ico"} {
		status, body := get(t, http.DefaultClient, at.HTTP+path, "")
		if want := "Unrecognized request URL (GET: " + path + ")."; status != 404 || !strings.Contains(body, want) || !strings.HasSuffix(body, "}\n") {
			t.Errorf("GET %s: %d %s", path, status, body)
		}
	}
	if status, body := get(t, http.DefaultClient, at.HTTP+"/v1/nothing", ""); status != 401 {
		t.Errorf("an unknown path of the API without a key: %d %s", status, body)
	}
}

func TestCertificates(t *testing.T) {
	data := t.TempDir()
	s, at := start(t, Config{Data: data, Memory: true, HTTPS: "127.0.0.1:0", Domains: []string{"pay.example.com"}})
	ca, err := os.ReadFile(at.CA)
	if err != nil || string(ca) != string(s.CA()) || at.CA != CAPath(data) {
		t.Fatalf("the authority at %q: %v", at.CA, err)
	}
	cert, err := s.tls.config.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "pay.example.com"} {
		if err := cert.Leaf.VerifyHostname(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if info, err := os.Stat(filepath.Join(data, "tls", "ca.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the authority's key: %v, %v", info, err)
	}
	again, err := openAuthority(data)
	if err != nil || string(again.pem) != string(ca) {
		t.Errorf("the authority was made anew: %v", err)
	}

	// Near its end the certificate is made anew, by the same authority.
	l := &leaf{ca: again, names: []string{"localhost"}}
	first, err := l.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	old := *first.Leaf
	old.NotAfter = old.NotBefore.Add(leafRenew)
	l.cert = &tls.Certificate{Leaf: &old}
	second, err := l.get(nil)
	if err != nil || second.Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) == 0 {
		t.Errorf("the certificate was not made anew: %v", err)
	}

	// A certificate of one's own, which is then replaced.
	certFile, keyFile := filepath.Join(data, "own.pem"), filepath.Join(data, "own.key")
	own := func(name string, at time.Time) {
		pair, err := again.sign([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(writeFile(certFile, encodePEM("CERTIFICATE", pair.Certificate[0]), 0o644), writeFile(keyFile, encodePEM("PRIVATE KEY", key), 0o600), os.Chtimes(certFile, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	own("one.example.com", time.Unix(1e9, 0))
	files, err := newCertFiles(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	own("two.example.com", time.Unix(2e9, 0))
	files.looked = time.Time{}
	if c, err := files.get(nil); err != nil || c.Leaf.Subject.CommonName != "two.example.com" {
		t.Errorf("a replaced certificate: %v, %v", c, err)
	}
	if _, err := newCertFiles(certFile, filepath.Join(data, "missing")); err == nil {
		t.Error("a key that is not there")
	}
}

func TestReadyFileAndShutdown(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "deep", "ready.json")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var from *Server
	ready, done := make(chan *Ready, 1), make(chan error, 1)
	go func() {
		done <- Run(ctx, Config{Data: data, HTTP: "localhost:0", HTTPS: "localhost:0"}, file, func(s *Server, r *Ready) {
			from = s
			ready <- r
		})
	}()
	var r *Ready
	select {
	case r = <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]string
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	for _, m := range []string{"http", "https", "ca", "account", "publishable_key", "secret_key"} {
		if members[m] == "" {
			t.Errorf("%s is missing in %s", m, text)
		}
	}
	if len(members) != 6 || members["secret_key"] != r.SecretKey {
		t.Errorf("the ready file is %s", text)
	}
	if status, body := get(t, http.DefaultClient, members["http"]+"/v1/account", members["secret_key"]); status != 200 || !strings.Contains(body, members["account"]) {
		t.Errorf("first request: %d %s", status, body)
	}

	// A request that is being answered when the server is told to stop gets its answer; a new one is not taken.
	began, finish := make(chan struct{}), make(chan struct{})
	from.mount("/slow/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-finish
		io.WriteString(w, "answered")
	}))
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get(r.HTTP + "/slow/")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answer <- string(b)
	}()
	<-began
	stop()
	address := strings.TrimPrefix(r.HTTP, "http://")
	for {
		c, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		c.Close()
	}
	select {
	case err := <-done:
		t.Fatalf("the server ended with a request unanswered: %v", err)
	default:
	}
	close(finish)
	if got := <-answer; got != "answered" {
		t.Errorf("the request that was being answered got %q", got)
	}
	if err := <-done; err != nil {
		t.Errorf("shutdown: %v", err)
	}
	for _, gone := range []string{file, filepath.Join(data, socketName)} {
		if _, err := os.Stat(gone); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", gone, err)
		}
	}

	// What was kept is there again, and the log has the request, masked.
	s, err := New(Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.Starter(t.Context())
	if err != nil || first.SecretKey != r.SecretKey || first.Account != r.Account {
		t.Errorf("after a restart: %+v, %v", first, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	log, err := os.ReadFile(filepath.Join(data, logName))
	if err != nil || !strings.Contains(string(log), `"path":"/v1/account"`) || strings.Contains(string(log), r.SecretKey) {
		t.Errorf("the request log is %s, %v", log, err)
	}
}

func TestDataFolderIsOnes(t *testing.T) {
	data := t.TempDir()
	s, err := New(Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Data: data}); err == nil {
		t.Error("two servers on one folder")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(data, vaultName)); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Data: data}); err == nil || !strings.Contains(err.Error(), "master key is gone") {
		t.Errorf("a store without its master key: %v", err)
	}
}

func TestRequestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "requests.log")
	l := NewRequestLog(path)
	want := []*api.Record{
		{ID: "req_1", At: time.Unix(1, 5).UTC(), Took: 7, Method: "GET", Path: `/v1/"x"`, Status: 404, ErrorType: "invalid_request_error"},
		{ID: "req_2", At: time.Unix(2, 0).UTC(), Account: "acct_1", Live: true, Key: "sk_live_***", Method: "POST", Path: "/v1/é", IP: "::1", Version: "v", IdempotencyKey: "k",
			Params: `{"a":"<b>"}`, Status: 200, ErrorCode: "c", ErrorMessage: "m\n", ErrorParam: "p", Platform: "acct_2", DeclineCode: "d", Charge: "ch_1"},
	}
	for _, r := range want {
		l.Add(r)
	}
	if got := l.Recent(); len(got) != 2 || got[0] != want[1] || got[1] != want[0] {
		t.Errorf("recent before the write: %v", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []*api.Record
	for line := range strings.Lines(string(text)) {
		r := &api.Record{}
		if err := json.Unmarshal([]byte(line), r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		got = append(got, r)
	}
	if !slices.EqualFunc(got, want, func(a, b *api.Record) bool { return *a == *b }) {
		t.Errorf("read back: %+v\nfrom %s", got, text)
	}

	l = NewRequestLog("")
	for i := range logRecent + 10 {
		l.Add(&api.Record{Status: i})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	recent := l.Recent()
	if len(recent) != logRecent || recent[0].Status != logRecent+9 || recent[logRecent-1].Status != 10 {
		t.Errorf("%d recent records, from %d to %d", len(recent), recent[0].Status, recent[len(recent)-1].Status)
	}
}

func TestRequestLogRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.log")
	l := &RequestLog{path: path, limit: 2}
	for i := range logKeep + 3 {
		if err := l.write([]byte{byte('a' + i), '\n'}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range logKeep {
		name := path + "." + strconv.Itoa(i+1)
		if text, err := os.ReadFile(name); err != nil || string(text) != string(rune('a'+logKeep+2-i))+"\n" {
			t.Errorf("%s holds %q, %v", name, text, err)
		}
	}
	if files, err := filepath.Glob(path + "*"); err != nil || len(files) != logKeep {
		t.Errorf("files are %v, %v", files, err)
	}
}

func BenchmarkRequestLogAdd(b *testing.B) {
	l := NewRequestLog("")
	defer l.Close()
	r := &api.Record{ID: "req_1", Method: "POST", Path: "/v1/payment_intents", Status: 200}
	b.ReportAllocs()
	for b.Loop() {
		l.Add(r)
	}
}

func BenchmarkAppendRecord(b *testing.B) {
	r := &api.Record{ID: "req_1", Method: "POST", Path: "/v1/payment_intents", Status: 200, Params: `{"amount":"2000","currency":"usd"}`}
	var buf []byte
	for b.Loop() {
		buf = appendRecord(buf[:0], r)
	}
}
