package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
)

// A client is one connection that is kept, with one request on its way at a time. It knows no more of HTTP than florin and the bare handler
// speak, since it uses the same cores as they do: a request costs it a write, a read, and a look for the length.
type client struct {
	conn net.Conn
	buf  []byte // what was read last; an answer's body points into it
}

func dial(t *target) (*client, error) {
	conn, err := net.Dial("tcp", t.addr)
	if err != nil {
		return nil, err
	}
	if t.tls != nil {
		secure := tls.Client(conn, t.tls)
		if err := secure.Handshake(); err != nil {
			conn.Close()
			return nil, err
		}
		conn = secure
	}
	return &client{conn: conn, buf: make([]byte, 16<<10)}, nil
}

// An answer points into the client's buffer: it is good until the next request.
type answer struct {
	status int
	head   []byte // from the status line to the last header, less the empty line
	body   []byte
}

var (
	endOfHead     = []byte("\r\n\r\n")
	contentLength = []byte("\r\nContent-Length: ")
)

// do sends the bytes of a request and reads the answer.
func (c *client) do(request []byte) (answer, error) {
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, err
	}
	have, head := 0, -1
	for head < 0 {
		n, err := c.conn.Read(c.buf[have:])
		if err != nil {
			return answer{}, fmt.Errorf("after %d bytes of an answer: %w", have, err)
		}
		have += n
		head = bytes.Index(c.buf[:have], endOfHead)
		if head < 0 && have == len(c.buf) {
			return answer{}, errors.New("an answer's head is longer than 16 KiB")
		}
	}
	status, length, err := parseHead(c.buf[:head])
	if err != nil {
		return answer{}, err
	}
	start := head + len(endOfHead)
	if length < 0 {
		body, err := c.chunks(have, start)
		return answer{status, c.buf[:head], body}, err
	}
	if need := start + length; need > len(c.buf) {
		grown := make([]byte, need+need/4)
		copy(grown, c.buf[:have])
		c.buf = grown
	}
	if have > start+length {
		return answer{}, fmt.Errorf("%d bytes came after an answer", have-start-length)
	}
	if _, err := io.ReadFull(c.conn, c.buf[have:start+length]); err != nil {
		return answer{}, fmt.Errorf("in an answer's body: %w", err)
	}
	return answer{status, c.buf[:head], c.buf[start : start+length]}, nil
}

var chunked = []byte("\r\nTransfer-Encoding: chunked")

// chunks reads a body that comes in chunks, as some peers send it; have is how much of the buffer is filled, and the body begins at start.
func (c *client) chunks(have, start int) ([]byte, error) {
	in := bufio.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(c.buf[start:have])), c.conn))
	body, err := io.ReadAll(httputil.NewChunkedReader(in))
	if err != nil {
		return nil, err
	}
	_, err = in.Discard(2) // the empty line at the end
	return body, err
}

func parseHead(head []byte) (status, length int, err error) {
	if len(head) < len("HTTP/1.1 200") || !bytes.HasPrefix(head, []byte("HTTP/1.1 ")) {
		return 0, 0, fmt.Errorf("not an answer: %.40q", head)
	}
	status, err = strconv.Atoi(string(head[9:12]))
	if err != nil {
		return 0, 0, fmt.Errorf("not an answer: %.40q", head)
	}
	at := bytes.Index(head, contentLength)
	if at < 0 && bytes.Contains(head, chunked) {
		return status, -1, nil
	}
	if at < 0 {
		return 0, 0, fmt.Errorf("an answer without Content-Length: %.200q", head)
	}
	digits := head[at+len(contentLength):]
	if end := bytes.IndexByte(digits, '\r'); end >= 0 {
		digits = digits[:end]
	}
	length, err = strconv.Atoi(string(digits))
	if err != nil || length < 0 {
		return 0, 0, fmt.Errorf("Content-Length: %q", digits)
	}
	return status, length, nil
}

// idOf is the value of the first "id" in a JSON text.
func idOf(body []byte) []byte {
	_, rest, ok := bytes.Cut(body, []byte(`"id":`))
	if !ok {
		return nil
	}
	rest = bytes.TrimPrefix(bytes.TrimLeft(rest, " "), []byte(`"`))
	id, _, ok := bytes.Cut(rest, []byte(`"`))
	if !ok {
		return nil
	}
	return id
}

// A request is the bytes of one, with two gaps: for an object's id and for an idempotency key.
type request struct{ before, between, after []byte }

func (t *target) get(path, rest string) *request {
	return &request{before: []byte("GET " + path), after: []byte(rest + t.headers() + "\r\n")}
}

func (t *target) post(path, rest, form string) *request {
	return &request{
		before: []byte("POST " + path),
		between: []byte(rest + t.headers() + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + strconv.Itoa(len(form)) +
			"\r\nIdempotency-Key: "),
		after: []byte("\r\n\r\n" + form),
	}
}

func (t *target) headers() string {
	return " HTTP/1.1\r\nHost: " + t.addr + "\r\nUser-Agent: florin-bench\r\nAuthorization: Bearer " + t.key + "\r\n"
}

// fill appends the request to b.
func (r *request) fill(b, id, key []byte) []byte {
	b = append(append(b, r.before...), id...)
	b = append(append(b, r.between...), key...)
	return append(b, r.after...)
}
