// Package relay posts forwarded requests to where they go. It reaches what webhooks reach: the public internet and, in test mode, this machine; the address
// is checked when the connection is made, so that no name leads into the operator's network. Redirects are not followed: they are an answer.
package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"florin/internal/clock"
	"florin/internal/domain/forwarding"
	"florin/internal/domain/webhookendpoint"
)

// mostBody is how much of an answer is read and kept, in bytes.
const mostBody = 256 << 10

// A Relay posts requests.
type Relay struct{ test, live *http.Client }

// New makes a relay.
func New() *Relay { return &Relay{test: client(false), live: client(true)} }

func client(live bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: 10 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			if addr := ap.Addr().Unmap().WithZone(""); !webhookendpoint.Public(addr) && (live || !addr.IsLoopback()) {
				return fmt.Errorf("%s is not a public address", addr)
			}
			return nil
		},
	}
	return &http.Client{
		Transport: &http.Transport{ // the environment's proxies are not used: they would connect in our stead
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Send posts a body, and returns what was answered.
func (r *Relay) Send(ctx context.Context, live bool, url string, headers []forwarding.Header, body []byte) (*forwarding.Reply, error) {
	reply := &forwarding.Reply{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		reply.IP, _, _ = net.SplitHostPort(info.Conn.RemoteAddr().String())
	}})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, h := range headers {
		req.Header.Add(h.Name, h.Value)
	}
	began := clock.Real.Now()
	c := r.test
	if live {
		c = r.live
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, mostBody))
	if err != nil {
		return nil, err
	}
	reply.Millis = clock.Real.Now().Sub(began).Milliseconds()
	reply.Status, reply.Body = int64(res.StatusCode), strings.ToValidUTF8(string(text), "\uFFFD")
	for name, values := range res.Header {
		for _, v := range values {
			reply.Headers = append(reply.Headers, forwarding.Header{Name: name, Value: strings.ToValidUTF8(v, "\uFFFD")})
		}
	}
	slices.SortFunc(reply.Headers, func(a, b forwarding.Header) int { return strings.Compare(a.Name, b.Name) })
	return reply, nil
}
