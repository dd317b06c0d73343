package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/rail"
)

// What a client does that is slow, huge or many, and that others pay nevertheless. These tests count answers; nothing is held to a speed.

func address(at *Addresses) string { return strings.TrimPrefix(at.HTTP, "http://") }

// dial opens a connection that is closed with the test, and sends what is given.
func dial(t *testing.T, at *Addresses, first string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, first); err != nil {
		t.Fatal(err)
	}
	return c
}

// closedBy waits until the server has closed a connection, and returns what it said before.
func closedBy(t *testing.T, c net.Conn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c)
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		t.Fatalf("the server does not close the connection; it said %q", text)
	}
	return string(text)
}

// hasty lets clients take less time than they really may.
func hasty(t *testing.T, cfg Config, p patiences) (*Server, *Addresses) {
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
	s.patience = p
	at, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	return s, at
}

// Clients that take for ever, over the head of a request, its body, or between two, are let go; those that take for ever over the answer, too.
func TestSlowClientsAreLetGo(t *testing.T) {
	const soon = 150 * time.Millisecond
	long := time.Minute
	for name, c := range map[string]struct {
		p    patiences
		sent string
	}{
		"nothing sent": {patiences{soon, long, long, long}, ""},
		"half a head":  {patiences{soon, long, long, long}, "GET /v1/balance HTTP/1.1\r\nHost: x\r\nA: "},
		"half a body":  {patiences{long, soon, long, long}, "POST /v1/customers HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nname="},
		"a tardy body": {patiences{long, soon, long, long}, "POST /v1/customers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nname=\r\n"},
		"idle":         {patiences{long, long, long, soon}, "GET /v1/balance HTTP/1.1\r\nHost: x\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s, at := hasty(t, Config{HTTP: "127.0.0.1:0"}, c.p)
			var conns []net.Conn
			for range 20 {
				conns = append(conns, dial(t, at, c.sent))
			}
			pay, _ := paying(t, s, at)
			if status := pay("pm_card_visa"); status != 200 {
				t.Errorf("a payment meanwhile: %d", status)
			}
			for _, conn := range conns {
				closedBy(t, conn)
			}
		})
	}
}

// Those who send slowly, or read their answers slowly, take no place from those who are worked on.
func TestSlowClientsTakeNoPlace(t *testing.T) {
	s, at := start(t, Config{HTTP: "127.0.0.1:0", MaxRequests: 2})
	pay, key := paying(t, s, at)
	for range 40 {
		dial(t, at, "POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+key+"\r\nContent-Length: 1000\r\n\r\nname=")
	}
	for range 30 {
		if status := pay("pm_card_visa"); status != 200 {
			t.Fatalf("a payment beside slow bodies: %d", status)
		}
	}
	lists := strings.Repeat("GET /v1/payment_intents?limit=30 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+key+"\r\n\r\n", 200) // some 10 MB of answers a connection
	for range 10 {
		c := dial(t, at, lists[:len(lists)/100])
		go io.WriteString(c, lists) // which nobody reads the answers of
	}
	for range 10 {
		status := 503
		for tries := 0; status == 503 && tries < 2000; tries++ { // until their first answers do not fit between us any more
			status = pay("pm_card_visa")
		}
		if status != 200 {
			t.Fatalf("a payment beside slow readers: %d", status)
		}
	}
}

// What is too large is refused without being read, and the connection is not used on.
func TestHugeRequests(t *testing.T) {
	s, at := start(t, Config{HTTP: "127.0.0.1:0"})
	pay, key := paying(t, s, at)
	many := &strings.Builder{}
	for i := range 20_000 {
		fmt.Fprintf(many, "h%d: v\r\n", i)
	}
	for name, c := range map[string]struct{ sent, want string }{
		"announced body": {"POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + "\r\nContent-Length: 1000000000000\r\n\r\n" + strings.Repeat("a", 3<<20), "HTTP/1.1 413 "},
		"endless body":   {"POST /v1/customers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10000\r\n"+strings.Repeat("a", 65536)+"\r\n", 40), "HTTP/1.1 413 "},
		"large header":   {"GET /v1/balance HTTP/1.1\r\nHost: x\r\nCookie: " + strings.Repeat("a", 100_000) + "\r\n\r\n", "HTTP/1.1 431 "},
		"many headers":   {"GET /v1/balance HTTP/1.1\r\nHost: x\r\n" + many.String() + "\r\n", "HTTP/1.1 431 "},
		"long line":      {"GET /v1/balance?a=" + strings.Repeat("a", 20_000) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 414 "},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, at, "")
			go io.WriteString(conn, c.sent) // the server need not read all of it
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, c.want) {
				t.Errorf("%q, %v; want %s", line, err, c.want)
			}
		})
	}
	if status := pay("pm_card_visa"); status != 200 {
		t.Errorf("a payment afterwards: %d", status)
	}
}

// With more connections than there may be, those that have idled longest are closed; the rest, and new ones, are served.
func TestTooManyConnections(t *testing.T) {
	s, at := start(t, Config{HTTP: "127.0.0.1:0", MaxConnections: 64})
	var idle []net.Conn
	for range 300 {
		idle = append(idle, dial(t, at, ""))
	}
	pay, _ := paying(t, s, at)
	for range 20 {
		if status := pay("pm_card_visa"); status != 200 {
			t.Fatalf("a payment: %d", status)
		}
	}
	closedBy(t, idle[0])
	if n := s.crowd.count(); n > 64 {
		t.Errorf("%d connections, of 64", n)
	}
	if n := s.crowd.ended.Load(); n < 230 {
		t.Errorf("%d idle connections were closed", n)
	}
	if n := s.crowd.refused.Load(); n != 0 {
		t.Errorf("%d new connections were closed, though others idled", n)
	}
}

// A countingRail is outside, and counts what it did.
type countingRail struct {
	rail.Network
	done atomic.Int64
}

func (*countingRail) Instant() bool { return false }

func (r *countingRail) Do(ctx context.Context, q rail.Request) (rail.Result, error) {
	r.done.Add(1)
	return r.Network.Do(ctx, q)
}

// Far more clients than there is room for, who retry with their key as the SDKs do: each is turned away in Stripe's shape or answered, all are answered
// in the end, and each payment was made once.
func TestOverload(t *testing.T) {
	network := &countingRail{}
	s, at := start(t, Config{HTTP: "127.0.0.1:0", MaxRequests: 4, TestRail: network})
	_, key := paying(t, s, at)
	const clients = 120
	var turnedAway atomic.Int64
	var all sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	form := url.Values{"amount": {"2000"}, "currency": {"usd"}, "payment_method": {"pm_card_visa"}, "confirm": {"true"}, "return_url": {"https://example.com"}}.Encode()
	begin := make(chan struct{})
	for i := range clients {
		all.Go(func() {
			<-begin
			for range 10_000 {
				r, err := http.NewRequestWithContext(t.Context(), "POST", at.HTTP+"/v1/payment_intents", strings.NewReader(form))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("Idempotency-Key", fmt.Sprint("key ", i))
				r.SetBasicAuth(key, "")
				res, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				body, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if res.StatusCode == 200 {
					return
				}
				if res.StatusCode != 503 || res.Header.Get("Stripe-Should-Retry") != "true" || !bytes.Contains(body, []byte(`"type": "api_error"`)) {
					t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
					return
				}
				turnedAway.Add(1)
			}
			t.Error("a client was never answered")
		})
	}
	close(begin)
	all.Wait()
	if n := network.done.Load(); n != clients {
		t.Errorf("%d payments were made for %d clients", n, clients)
	}
	st := s.App.Gate.Stats()
	if st.Inside != 0 || st.Shed != turnedAway.Load() {
		t.Errorf("afterwards %+v; %d were turned away", st, turnedAway.Load())
	}
	t.Logf("%d times turned away", turnedAway.Load())
}

// On HTTPS, too, who does not get on with the handshake is let go. HTTP/2, in which one connection can open any number of requests, is not spoken.
func TestSlowHandshakes(t *testing.T) {
	long := time.Minute
	s, at := hasty(t, Config{Data: t.TempDir(), HTTP: "127.0.0.1:0", HTTPS: "localhost:0"}, patiences{300 * time.Millisecond, long, long, long})
	https := &Addresses{HTTP: "http://" + strings.TrimPrefix(at.HTTPS, "https://")}
	var conns []net.Conn
	for range 10 {
		conns = append(conns, dial(t, https, ""), dial(t, https, "\x16\x03\x01\x02\x00\x01"))
	}
	pay, _ := paying(t, s, at)
	if status := pay("pm_card_visa"); status != 200 {
		t.Errorf("a payment meanwhile: %d", status)
	}
	for _, c := range conns {
		closedBy(t, c)
	}
	pem, err := os.ReadFile(at.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	c, err := tls.Dial("tcp", strings.TrimPrefix(at.HTTPS, "https://"), &tls.Config{RootCAs: pool, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if p := c.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
		t.Errorf("the server speaks %q", p)
	}
}
