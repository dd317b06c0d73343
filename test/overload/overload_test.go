// Package overload_test puts more on a real server than anybody should, and counts what others get meanwhile. What can be told from within one process
// is tested in internal/server.
package overload_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"florin/test/sdk/binary"
)

// wanted is how many idle connections there are to be: where the system allows a process less, as many as it does.
const (
	wanted  = 10_000
	openers = 20
)

func pay(s *binary.Server, client *http.Client, key string) (int, error) {
	form := url.Values{"amount": {"2000"}, "currency": {"usd"}, "payment_method": {"pm_card_visa"}, "confirm": {"true"}, "return_url": {"https://example.com"}}
	r, err := http.NewRequest("POST", s.HTTP+"/v1/payment_intents", strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Idempotency-Key", key)
	r.SetBasicAuth(s.SecretKey, "")
	res, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// Ten thousand connections that ask for nothing, half of which once did, cost those who pay nothing, and can be as long as they like.
func TestIdleConnections(t *testing.T) {
	dir := t.TempDir()
	path, err := binary.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := binary.Start(path, filepath.Join(dir, "data"), "--store", "memory", "--admin", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()

	ask := "GET /v1/balance HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.SecretKey + "\r\n\r\n"
	asked := func(c net.Conn) error {
		buf := make([]byte, 16<<10)
		if _, err := io.WriteString(c, ask); err != nil {
			return err
		}
		n, err := c.Read(buf)
		if err == nil && !bytes.HasPrefix(buf[:n], []byte("HTTP/1.1 200 ")) {
			err = fmt.Errorf("answered %s", buf[:n])
		}
		return err
	}
	var mu sync.Mutex
	var idle []net.Conn // those that asked for something first
	open := 0
	defer func() {
		for _, c := range idle {
			c.Close()
		}
	}()
	var all sync.WaitGroup
	for range openers {
		all.Go(func() {
			for i := range wanted / openers {
				c, err := net.Dial("tcp", strings.TrimPrefix(s.HTTP, "http://"))
				if err != nil && i > 50 && errors.Is(err, syscall.EMFILE) {
					t.Log("the system allows no more connections")
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(func() { c.Close() })
				if i%2 == 0 {
					if err := asked(c); err != nil {
						t.Errorf("a connection that is to idle: %v", err)
						return
					}
				}
				mu.Lock()
				if open++; i%2 == 0 {
					idle = append(idle, c)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for range min(100, len(idle)/10) { // so that there are files left to work with
		idle[len(idle)-1].Close()
		idle = idle[:len(idle)-1]
	}

	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	for w := range 8 {
		all.Go(func() {
			for i := range 25 {
				if status, err := pay(s, client, fmt.Sprintf("%d %d", w, i)); err != nil || status != 200 {
					t.Errorf("a payment: %d %v", status, err)
					return
				}
			}
		})
	}
	all.Wait()
	for i := 0; i < len(idle); i += 100 { // they are still there
		if err := asked(idle[i]); err != nil {
			t.Errorf("a connection, after idling: %v", err)
		}
	}
	if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid())); err == nil { // for those who want to know
		for _, line := range strings.Split(string(status), "\n") {
			if strings.HasPrefix(line, "VmRSS") {
				t.Logf("%d connections: %s", open, line)
			}
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
