package server

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
)

// A crowd is the connections of a server. There may be so many; where one more comes, those that have waited longest between two requests, or for their
// first, make room. One that is asking or being answered is never closed, so idle connections cost nobody else theirs.
type crowd struct {
	most           int
	turn           atomic.Int64 // grows, so that it tells who has waited longest
	ended, refused atomic.Int64 // connections that were closed: idle ones, and new ones

	mu      sync.Mutex
	members map[*member]struct{}
}

// mostConnections is how many there may be where nobody says otherwise. Each costs some 20 KiB.
const mostConnections = 16384

// roomMade is which part of the connections is closed at a time, so that it is not done for each one that comes.
const roomMade = 64

func newCrowd(most int) *crowd {
	if most <= 0 {
		most = mostConnections
	}
	return &crowd{most: most, members: map[*member]struct{}{}}
}

// A member is a connection.
type member struct {
	net.Conn
	crowd *crowd
	state atomic.Int32 // http.ConnState
	since atomic.Int64 // the crowd's turn at which it began to wait
}

// Close ends the connection.
func (m *member) Close() error {
	m.crowd.mu.Lock()
	delete(m.crowd.members, m)
	m.crowd.mu.Unlock()
	return m.Conn.Close()
}

// changed is told by the HTTP server what a connection is doing.
func (c *crowd) changed(conn net.Conn, state http.ConnState) {
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	m, ok := conn.(*member)
	if !ok {
		return
	}
	if state == http.StateIdle {
		m.since.Store(c.turn.Add(1))
	}
	m.state.Store(int32(state))
}

func (c *crowd) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.members)
}

// enter takes a connection in, or closes it if there is no room and nobody to make any.
func (c *crowd) enter(conn net.Conn) *member {
	if c.count() >= c.most {
		c.makeRoom()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.members) >= c.most {
		c.refused.Add(1)
		conn.Close()
		return nil
	}
	m := &member{Conn: conn, crowd: c}
	m.since.Store(c.turn.Add(1))
	c.members[m] = struct{}{}
	return m
}

// makeRoom closes the connections that have waited longest, and says whether there were any.
func (c *crowd) makeRoom() bool {
	c.mu.Lock()
	var waiting []*member
	for m := range c.members {
		if s := http.ConnState(m.state.Load()); s == http.StateNew || s == http.StateIdle {
			waiting = append(waiting, m)
		}
	}
	c.mu.Unlock()
	slices.SortFunc(waiting, func(a, b *member) int { return int(a.since.Load() - b.since.Load()) })
	waiting = waiting[:min(len(waiting), max(1, c.most/roomMade))]
	for _, m := range waiting {
		m.Close() // of what a request has just come in on: its client sees what it sees of any server that closes an idle connection
	}
	c.ended.Add(int64(len(waiting)))
	return len(waiting) > 0
}

// listener takes the connections of a socket into the crowd.
func (c *crowd) listener(socket net.Listener) net.Listener { return &crowded{socket, c} }

type crowded struct {
	net.Listener
	crowd *crowd
}

// Accept waits for a connection that there is room for.
func (l *crowded) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if (errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)) && l.crowd.makeRoom() { // the system sets a lower limit
			continue
		}
		if err != nil {
			return nil, err
		}
		if m := l.crowd.enter(conn); m != nil {
			return m, nil
		}
	}
}
