package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"florin/internal/store/postgres/pgtest"
	"florin/test/sdk/binary"
)

// schema is where a cell's data is, in a PostgreSQL of its own.
const schema = "florin_faults"

// Faults with a PostgreSQL have two nodes on it. A client that is not answered by one of them asks the other.
var withPostgres = []*fault{
	{name: "node killed", postgres: true, harm: func(c *cell, _ time.Time) error {
		victim := &c.server
		if c.random.IntN(2) == 0 {
			victim = &c.second
		}
		c.load.expect()
		if err := (*victim).Kill(); err != nil {
			return err
		}
		*victim = nil
		c.while(20*time.Millisecond, 200*time.Millisecond) // the other does the work alone
		return c.upNodes()
	}},
	{name: "PostgreSQL restarted", postgres: true, harm: func(c *cell, _ time.Time) error {
		if c.random.IntN(2) == 0 {
			c.pg.Stop()
		} else {
			c.pg.Kill()
		}
		c.while(1*time.Millisecond, 150*time.Millisecond)
		if err := c.pg.Run(); err != nil {
			return err
		}
		c.load.expect()
		return nil
	}},
	{name: "node cut off", postgres: true, harm: func(c *cell, _ time.Time) error {
		c.proxy.make([]trouble{silence, refuse}[c.random.IntN(2)])
		c.while(50*time.Millisecond, 250*time.Millisecond)
		c.load.reach(c.server.HTTP) // it must be well again, not only the other
		c.load.expect()
		c.proxy.make(none)
		if _, err := c.load.recovered(); err != nil {
			return err
		}
		c.load.reach(c.server.HTTP, c.second.HTTP)
		return nil
	}},
	{name: "database connections cut", postgres: true, harm: func(c *cell, _ time.Time) error {
		c.proxy.make([]trouble{cut, cut, drop}[c.random.IntN(3)])
		c.while(50*time.Millisecond, 250*time.Millisecond)
		c.load.expect()
		c.proxy.make(none)
		return nil
	}},
}

// beginPostgres starts a PostgreSQL, and the proxy between it and the first node.
func (c *cell) beginPostgres() (err error) {
	if c.pg, err = pgtest.Start(); err != nil {
		return err
	}
	if c.proxy, err = newProxy(rand.New(rand.NewPCG(c.seed, 1<<41))); err != nil {
		return err
	}
	c.proxy.to("127.0.0.1:" + strconv.Itoa(c.pg.Port()))
	return nil
}

// upNodes starts those of the two nodes that do not run.
func (c *cell) upNodes() (err error) {
	direct := c.pg.TCP(schema)
	through := strings.Replace(direct, "127.0.0.1:"+strconv.Itoa(c.pg.Port()), c.proxy.address(), 1)
	if c.server == nil {
		if c.server, err = binary.Start(programs.florin, c.data(), "--store", through, "--vault", c.vault()); err != nil {
			return err
		}
	}
	if c.second == nil {
		if c.second, err = binary.Start(programs.florin, c.data()+"2", "--store", direct, "--vault", c.vault()); err != nil {
			return err
		}
	}
	if c.load != nil {
		c.load.reach(c.server.HTTP, c.second.HTTP)
	}
	return nil
}

func (c *cell) vault() string { return "file:" + filepath.Join(c.dir, "vault.key") }

// downNodes stops both nodes, and audits what they leave.
func (c *cell) downNodes() error {
	first, second := c.server, c.second
	c.server, c.second = nil, nil
	if err := errors.Join(first.Stop(), second.Stop()); err != nil {
		return err
	}
	return c.auditNodes()
}

// auditNodes audits what is in the database, whether nodes run on it or not.
func (c *cell) auditNodes() error {
	_, err := binary.Audit(programs.florin, c.data()+"2", "--store", c.pg.TCP(schema), "--vault", c.vault())
	return c.audited(err)
}

// both holds what one node shows to what the other does.
func (c *cell) both() error {
	var first, second struct{ Data []object }
	for node, into := range map[*binary.Server]any{c.server: &first, c.second: &second} {
		c.load.reach(node.HTTP)
		if err := c.load.get("/v1/payment_intents", map[string][]string{"limit": {"20"}}, into); err != nil {
			return err
		}
	}
	c.load.reach(c.server.HTTP, c.second.HTTP)
	if a, b := fmt.Sprint(first), fmt.Sprint(second); a != b {
		return fmt.Errorf("one node shows\n%s\nthe other\n%s", a, b)
	}
	return nil
}
