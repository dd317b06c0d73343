package postgres

import (
	"context"
	"net"
	"syscall"
	"time"
)

const tcpUserTimeout = 18 // of <netinet/tcp.h>

// dial connects so that a server which has vanished without a word is noticed: by what was sent and is not acknowledged, and by asking now and then.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3},
		Control: func(network, _ string, c syscall.RawConn) error {
			if network == "unix" {
				return nil
			}
			return c.Control(func(fd uintptr) {
				_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, 10_000) // keep-alive is left without it
			})
		},
	}
	return d.DialContext(ctx, network, address)
}
