// Node is florin with doors that the shipped binary does not have: a disk that fails when it is told to, and a clock that can be moved. It is told by
// lines on the Unix socket that FLORIN_FAULTS names, and answers each with a line:
//
//	seed N                            what is lost by chance is decided by N
//	disk OP FILE HARM AFTER TIMES     a rule more (see package disk; FILE is db, log or any)
//	well                              no rules; answers how many operations went wrong
//	hits                              how many operations have gone wrong so far
//	cut                               the power is cut; there is no answer
//	jump DURATION                     the wall clock jumps, as when somebody sets it: who waits notices nothing
//	turn DURATION                     the time passes at once: who waits for it wakes
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"florin/internal/audit"
	"florin/internal/cli"
	"florin/internal/clock"
	"florin/test/faults/disk"
)

func main() {
	if path := os.Getenv("FLORIN_FAULTS"); path != "" {
		if err := open(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(cli.Program{Audit: audit.Check}.Main(os.Args[1:]))
}

// open puts the doors in and listens on the socket.
func open(path string) error {
	if err := disk.Install(0); err != nil {
		return err
	}
	d := &doors{clock: &movable{turned: make(chan struct{})}}
	clock.Real = d.clock
	_ = os.Remove(path) // of a process that was killed
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go d.serve(c)
		}
	}()
	return nil
}

// The doors are used by one client at a time.
type doors struct {
	clock *movable
	rules []disk.Rule
}

func (d *doors) serve(c net.Conn) {
	defer c.Close()
	for lines := bufio.NewScanner(c); lines.Scan(); {
		answer, err := d.do(lines.Text())
		if err != nil {
			answer = err.Error()
		}
		fmt.Fprintln(c, answer)
	}
}

func (d *doors) do(line string) (string, error) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "seed":
		var seed uint64
		if _, err := fmt.Sscan(rest, &seed); err != nil {
			return "", err
		}
		return "ok", disk.Install(seed)
	case "disk":
		var r disk.Rule
		if _, err := fmt.Sscan(rest, &r.Op, &r.File, &r.Harm, &r.After, &r.Times); err != nil {
			return "", err
		}
		if r.File == "any" {
			r.File = disk.Any
		}
		d.rules = append(d.rules, r)
		disk.Set(d.rules...)
		return "ok", nil
	case "well":
		d.rules = nil
		return fmt.Sprint(disk.Set()), nil
	case "hits":
		return fmt.Sprint(disk.Hits()), nil
	case "cut":
		disk.CutNow()
	case "jump", "turn":
		by, err := time.ParseDuration(rest)
		if err == nil {
			d.clock.move(by, word == "turn")
		}
		return "ok", err
	}
	return "", fmt.Errorf("what is %q?", line)
}
