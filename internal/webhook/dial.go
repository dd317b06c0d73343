package webhook

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"florin/internal/domain/webhookendpoint"
)

// A refusal is an address that events are not sent to.
type refusal struct{ addr netip.Addr }

func (r *refusal) Error() string { return fmt.Sprintf("%s is not a public address", r.addr) }

// allowed says whether events of a mode may be sent to an address. Live mode knows the public internet only, whoever asks: an endpoint must not
// be a way into the operator's network. Test mode knows this machine besides, and private networks if the operator says so (containers in CI).
func (d *Deliverer) allowed(addr netip.Addr, live bool) bool {
	addr = addr.Unmap().WithZone("")
	switch {
	case webhookendpoint.Public(addr):
		return true
	case live:
		return false
	case addr.IsLoopback():
		return true
	}
	return d.AllowPrivate && addr.IsPrivate()
}

// way makes the way out of a mode. The address is checked when the connection is made, after any name was looked up, so a name that changes
// its mind between two look-ups gains nothing. Proxies of the environment are not used: they would connect in our stead.
func (d *Deliverer) way(live bool) *http.Transport {
	dialer := &net.Dialer{
		Timeout: d.Timeout,
		Control: func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			if !d.allowed(ap.Addr(), live) {
				return &refusal{ap.Addr()}
			}
			return nil
		},
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: d.RootCAs},
		TLSHandshakeTimeout:    d.Timeout,
		MaxIdleConnsPerHost:    mostAtOnce,
		MaxIdleConns:           1024,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		WriteBufferSize:        16 << 10, // an event goes out in one write
		DisableCompression:     true,     // the header is ours to set, and the answer's text is not worth unpacking
	}
}
