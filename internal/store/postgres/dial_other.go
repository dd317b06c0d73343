//go:build !linux

package postgres

import (
	"context"
	"net"
	"time"
)

// dial connects so that a server which has vanished without a word is noticed.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	return d.DialContext(ctx, network, address)
}
