package faults

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"florin/internal/store/postgres/pgtest"
	"florin/test/sdk/binary"
)

// A cell is a data folder, the server on it, what loads it, and where its webhooks go. Faults of one kind are done to it, one after the other.
type cell struct {
	fault    *fault
	seed     uint64
	random   *rand.Rand
	dir      string
	server   *binary.Server // nil: none runs
	second   *binary.Server // another node, on the same PostgreSQL
	pg       *pgtest.Server
	load     *load
	receiver *receiver
	proxy    *proxy // before the server, or between it and its database
	endpoint string // id of the webhook endpoint
	tally    tally
	began    time.Time
	restart  time.Duration // how long the last start took, if the fault made one necessary
	auditing <-chan error  // of what the last process has left, if it was killed
}

// programs are the binaries, which are built once.
var programs struct{ florin, node string }

func (c *cell) data() string { return filepath.Join(c.dir, "data") }

// up starts the server, and tells the load where it is.
func (c *cell) up() (err error) {
	switch {
	case c.fault.postgres:
		err = c.upNodes()
	case c.fault.doors:
		c.server, err = binary.StartIn([]string{"FLORIN_FAULTS=" + c.socket()}, programs.node, c.data())
		if err == nil {
			_, err = c.tell("seed %d", c.random.Uint64())
		}
	default:
		c.server, err = binary.Start(programs.florin, c.data())
	}
	if err != nil {
		return err
	}
	if c.load == nil {
		c.load = newLoad(fmt.Sprintf("f-%d-%s", c.seed, c.fault.short()), c.seed, c.server.SecretKey)
	}
	c.load.reach(c.server.HTTP)
	if c.second != nil {
		c.load.reach(c.server.HTTP, c.second.HTTP)
	}
	if c.endpoint != "" {
		return nil
	}
	form := url.Values{"url": {c.receiver.url()}, "enabled_events[]": {"payment_intent.succeeded"}}
	code, body, err := c.load.send("POST", c.server.HTTP, "/v1/webhook_endpoints", form, c.load.name+"-endpoint")
	if err != nil || code != 200 {
		return fmt.Errorf("webhook endpoint: %d %w %s", code, err, body)
	}
	var made object
	err = json.Unmarshal(body, &made)
	c.endpoint = made.ID
	return err
}

// down stops the server, as it must be able to, and audits what it leaves.
func (c *cell) down() error {
	if c.server == nil {
		return nil
	}
	if c.fault.postgres {
		return c.downNodes()
	}
	server := c.server
	c.server = nil
	if err := server.Stop(); err != nil {
		return err
	}
	return c.audit(c.data())
}

// audit holds a data folder to the rules that must always be true.
func (c *cell) audit(data string) error {
	_, err := binary.Audit(programs.florin, data)
	return c.audited(err)
}

func (c *cell) audited(err error) error {
	if err != nil {
		c.tally.unbalanced++
	}
	return err
}

// auditCopy audits what a dead process has left, as it has left it, beside the next one.
func (c *cell) auditCopy() error {
	to := filepath.Join(c.dir, "copy")
	if err := copyFolder(to, c.data()); err != nil {
		return err
	}
	done := make(chan error, 1)
	c.auditing = done
	go func() {
		_, err := binary.Audit(programs.florin, to)
		if err == nil {
			err = os.RemoveAll(to)
		}
		done <- err
	}()
	return nil
}

// copyFolder copies the files of a folder, without the log of requests.
func copyFolder(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Mkdir(target, 0o700)
		case !d.Type().IsRegular() || strings.HasPrefix(d.Name(), "requests.log"):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	})
}

// socket is where the node is told what to do.
func (c *cell) socket() string { return filepath.Join(c.dir, "door") }

// tell tells the node something, and returns its answer.
func (c *cell) tell(format string, args ...any) (string, error) {
	conn, err := net.Dial("unix", c.socket())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	line := fmt.Sprintf(format, args...)
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return "", err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	switch answer = strings.TrimSpace(answer); {
	case line == "cut" && errors.Is(err, io.EOF):
		return "", nil
	case err != nil:
		return "", err
	}
	if _, number := strconv.Atoi(answer); answer != "ok" && number != nil {
		return "", fmt.Errorf("%s: %s", line, answer)
	}
	return answer, nil
}

// a while is a moment under load, of chance.
func (c *cell) while(least, most time.Duration) {
	time.Sleep(least + time.Duration(c.random.Int64N(int64(most-least))))
}

// since is from when on the lists are read after one fault. Where the clock is moved, from the beginning.
func (c *cell) since(began time.Time) time.Time {
	if c.fault.moves {
		return time.Time{}
	}
	return began
}

// once does one fault, and holds the server to its promises.
func (c *cell) once() error {
	if c.server == nil {
		if err := c.up(); err != nil {
			return err
		}
	}
	began := time.Now()
	c.load.start()
	c.while(20*time.Millisecond, 150*time.Millisecond)
	harm := c.fault.harm(c, began)
	var well time.Duration
	if harm == nil {
		well, harm = c.load.recovered()
	}
	err := errors.Join(harm, c.load.finish())
	if c.auditing != nil {
		err = errors.Join(err, c.audited(<-c.auditing))
		c.auditing = nil
	}
	if err != nil {
		return err
	}
	c.tally.injected++
	if err := c.load.again(c.random); err != nil {
		return err
	}
	if err := c.load.check(c.load.round(), c.since(began), &c.tally); err != nil {
		return err
	}
	for p := range c.load.round() {
		if p.id != "" {
			c.tally.acknowledged++
		}
	}
	if c.fault.after != nil {
		var err error
		if well, err = c.fault.after(c); err != nil {
			return err
		}
	}
	c.tally.recovered = append(c.tally.recovered, well+c.restart)
	switch {
	case c.fault.kills: // it was audited when it died
		return nil
	case c.fault.postgres:
		return errors.Join(c.both(), c.auditNodes())
	}
	return c.down()
}

// end checks everything that has ever been acknowledged in the cell, and that its events have arrived.
func (c *cell) end() error {
	if c.server == nil {
		if err := c.up(); err != nil {
			return err
		}
	}
	c.tally.retried = int(c.load.retried.Load())
	return errors.Join(c.load.check(c.load.all(), time.Time{}, &c.tally), c.arrived(), c.down())
}

// newCell makes an empty folder.
func newCell(f *fault, seed uint64) (*cell, error) {
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		return nil, err
	}
	c := &cell{fault: f, seed: seed, random: rand.New(rand.NewPCG(seed, 1<<40)), dir: dir, began: time.Now()}
	if c.receiver, err = newReceiver(); err == nil && f.postgres {
		err = c.beginPostgres()
	}
	return c, err
}

// close ends what still runs. The folder stays if something was wrong.
func (c *cell) close(wrong bool) {
	for _, s := range []*binary.Server{c.server, c.second} {
		if s != nil {
			_ = s.Kill()
		}
	}
	c.receiver.close()
	if c.proxy != nil {
		c.proxy.close()
	}
	if c.pg != nil {
		c.pg.Close()
	}
	if !wrong {
		_ = os.RemoveAll(c.dir)
	}
}
