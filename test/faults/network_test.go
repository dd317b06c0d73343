package faults

import (
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"
)

// A trouble is what a proxy does to what passes through it.
type trouble int

const (
	none      trouble = iota
	cut               // connections are closed, in the middle of a request or answer, too
	delay             // what is sent arrives later
	drop              // what is sent does not arrive, and nobody is told
	duplicate         // requests arrive twice
	silence           // nothing arrives any more
	refuse            // connections are closed, old and new
)

// A proxy passes connections on to a server, and makes trouble when it is told to.
type proxy struct {
	listener net.Listener

	mu      sync.Mutex
	target  string
	trouble trouble
	random  *rand.Rand
	lame    map[net.Conn]bool // connections that something was dropped of
	open    map[net.Conn]bool
}

func newProxy(random *rand.Rand) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	p := &proxy{listener: l, random: random, lame: map[net.Conn]bool{}, open: map[net.Conn]bool{}}
	if err == nil {
		go p.run()
	}
	return p, err
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// to says where connections go from now on.
func (p *proxy) to(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = address
}

// make begins and, with none, ends trouble. Connections that have lost something are closed at its end: nobody would ever hear of them again.
func (p *proxy) make(t trouble) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = t
	if t == refuse {
		for c := range p.open {
			c.Close()
		}
	}
	if t == none {
		for c := range p.lame {
			c.Close()
		}
		clear(p.lame)
	}
}

// sever closes every connection.
func (p *proxy) sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

func (p *proxy) close() {
	p.listener.Close()
	p.sever()
}

func (p *proxy) run() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		target, refused := p.target, p.trouble == refuse
		p.open[client] = true
		p.mu.Unlock()
		if refused {
			p.forget(client)
			continue
		}
		go func() {
			defer p.forget(client)
			server, err := net.Dial("tcp", target)
			if err != nil {
				return
			}
			p.mu.Lock()
			p.open[server] = true
			p.mu.Unlock()
			defer p.forget(server)
			go func() {
				p.pump(server, client, target)
				client.Close()
				server.Close()
			}()
			p.pump(client, server, "")
		}()
	}
}

func (p *proxy) forget(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	delete(p.lame, c)
}

// pump copies what arrives, and does to it what is to be done. again is where requests are sent a second time.
func (p *proxy) pump(to, from net.Conn, again string) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		t, hit := p.trouble, p.random.IntN(3) == 0
		part, pause := p.random.IntN(n), time.Duration(p.random.Int64N(int64(60*time.Millisecond)))
		lame := p.lame[from] || t == silence || t == drop && hit
		if lame {
			p.lame[from], p.lame[to] = true, true
		}
		p.mu.Unlock()
		switch {
		case lame:
			continue
		case t == cut && hit:
			_, _ = to.Write(buf[:part])
			return
		case t == delay:
			time.Sleep(pause)
		case t == duplicate && again != "":
			twin := append([]byte(nil), buf[:n]...)
			go repeat(again, twin, pause/4)
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// repeat sends a request on a connection of its own, and does not care for the answer.
func repeat(target string, request []byte, after time.Duration) {
	time.Sleep(after)
	c, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Write(request); err == nil {
		_, _ = c.Read(make([]byte, 64<<10))
	}
}

// network lets the load go through a proxy that makes trouble for a while.
func network(t trouble) func(c *cell, began time.Time) error {
	return func(c *cell, _ time.Time) error {
		c.proxy.to(strings.TrimPrefix(c.server.HTTP, "http://"))
		c.load.reach("http://" + c.proxy.address())
		defer c.load.reach(c.server.HTTP)
		c.while(10*time.Millisecond, 20*time.Millisecond) // until requests come this way
		c.proxy.make(t)
		c.while(50*time.Millisecond, 250*time.Millisecond)
		c.load.expect()
		c.proxy.make(none)
		return nil
	}
}

func beginNetwork(c *cell) (err error) {
	c.proxy, err = newProxy(rand.New(rand.NewPCG(c.seed, 1<<41)))
	return err
}
