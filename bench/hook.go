package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A receiver is a merchant's webhook endpoint, which answers 200 to whatever comes. Like the client it does no more than it must.
type receiver struct {
	socket  net.Listener
	arrived atomic.Int64

	mu   sync.Mutex
	paid map[string]time.Time // when payment_intent.succeeded of an intent first came
}

var (
	succeeded = []byte("payment_intent.succeeded")
	intentID  = []byte(`"pi_`)
	thanks    = []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
)

func receive() (*receiver, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{socket: socket, paid: map[string]time.Time{}}
	go func() {
		for {
			conn, err := socket.Accept()
			if err != nil {
				return
			}
			go r.serve(conn)
		}
	}()
	return r, nil
}

func (r *receiver) url() string { return "http://" + r.socket.Addr().String() + "/hook" }

func (r *receiver) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 16<<10)
	var body []byte
	for {
		length := -1
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
				break
			}
			if name, value, _ := strings.Cut(string(line), ":"); strings.EqualFold(name, "Content-Length") {
				length, _ = strconv.Atoi(strings.TrimSpace(value))
			}
		}
		if length < 0 {
			return
		}
		if cap(body) < length {
			body = make([]byte, length*2)
		}
		body = body[:length]
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		r.note(body, time.Now())
		if _, err := conn.Write(thanks); err != nil {
			return
		}
	}
}

func (r *receiver) note(body []byte, at time.Time) {
	r.arrived.Add(1)
	if !bytes.Contains(body, succeeded) {
		return
	}
	_, rest, ok := bytes.Cut(body, intentID)
	if !ok {
		return
	}
	id, _, _ := bytes.Cut(rest, []byte(`"`))
	key := "pi_" + string(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, again := r.paid[key]; !again {
		r.paid[key] = at
	}
}

// A hooking is what became of the webhooks of a load.
type hooking struct {
	perSecond float64       // deliveries, from the first payment to the last delivery
	per       float64       // deliveries to a payment
	delay     hist          // from the payment's answer to the arrival of payment_intent.succeeded
	lost      int64         // payments whose payment_intent.succeeded had not come in the end
	behind    time.Duration // from the last payment to the last delivery
}

// hooked loads a fresh florin that has an endpoint, and waits for the deliveries, but no longer than patience.
func (b *bench) hooked(events string, l load, patience time.Duration) (*sample, error) {
	r, err := receive()
	if err != nil {
		return nil, err
	}
	defer r.socket.Close()
	b.folders++
	f, err := b.serve(fmt.Sprintf("%s/hooked%d", b.dir, b.folders))
	if err != nil {
		return nil, err
	}
	defer f.kill()
	t, err := f.over()
	if err != nil {
		return nil, err
	}
	form := "url=" + url.QueryEscape(r.url()) + "&enabled_events[]=" + events
	if _, _, err := t.one(t.post("/v1/webhook_endpoints", "", form), nil); err != nil {
		return nil, fmt.Errorf("make an endpoint: %w", err)
	}
	l.keepTimes, l.during = true, func() { b.profileSlice(f) }
	began := time.Now()
	s, out, err := t.measure(l, 0)
	if err != nil {
		return nil, err
	}
	ended := time.Now()
	last, lastAt := r.arrived.Load(), ended
	for time.Since(ended) < patience && time.Since(lastAt) < 1500*time.Millisecond {
		time.Sleep(20 * time.Millisecond)
		if n := r.arrived.Load(); n != last {
			last, lastAt = n, time.Now()
		}
	}
	s.used(f.used(), out.all)
	h := &hooking{perSecond: float64(last) / lastAt.Sub(began).Seconds(), per: float64(last) / float64(out.all), behind: lastAt.Sub(ended)}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range out.made {
		at, ok := r.paid[string(m.id)]
		if !ok {
			h.lost++
			continue
		}
		h.delay.add(at.Sub(m.at))
	}
	s.hooks = h
	return s, nil
}
