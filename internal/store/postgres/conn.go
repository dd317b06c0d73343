package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	connectTime = 3 * time.Second  // how long connecting may take
	answerTime  = 20 * time.Second // how long the server may take for what requests wait for
)

// A statement is SQL that connections prepare when they first need it. Parameters and results are in binary form.
type statement struct{ name, sql string }

func prepared(name, sql string) *statement { return &statement{name, sql} }

var (
	begin     = prepared("begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
	beginRead = prepared("begin_read", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	commit    = prepared("commit", "COMMIT")
	rollback  = prepared("rollback", "ROLLBACK")
)

// A conn is a connection, used by one goroutine at a time. What is sent goes out together with the next sync, and is answered together: a round trip
// each time that something must be known before the next can be said, and none else.
type conn struct {
	net      net.Conn
	front    *pgproto3.Frontend
	prepared map[*statement]bool
	sent     []*statement // since the last sync; nil is a statement that is only prepared
	err      error        // why the connection is of no use any more
	open     bool         // a reading transaction is left open, to be ended with the next one's beginning
	used     time.Time
}

// connect opens a connection.
func connect(ctx context.Context, conf *pgconn.Config) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	pc, err := pgconn.ConnectConfig(ctx, conf)
	if err != nil {
		return nil, err
	}
	h, err := pc.Hijack()
	if err != nil {
		return nil, err
	}
	return &conn{net: h.Conn, front: h.Frontend, prepared: map[*statement]bool{}, used: time.Now()}, nil
}

func (c *conn) close() {
	if c.err == nil {
		c.err = errors.New("closed")
		c.net.SetDeadline(time.Now().Add(time.Second))
		c.front.Send(&pgproto3.Terminate{})
		c.front.Flush()
	}
	c.net.Close()
}

var (
	binaryForm = []int16{1}
	noSync     pgproto3.Sync
)

// send adds a statement to what goes out with the next sync.
func (c *conn) send(st *statement, params ...[]byte) {
	if !c.prepared[st] {
		c.front.SendParse(&pgproto3.Parse{Name: st.name, Query: st.sql})
		c.prepared[st] = true
		c.sent = append(c.sent, nil)
	}
	c.front.SendBind(&pgproto3.Bind{PreparedStatement: st.name, ParameterFormatCodes: binaryForm, Parameters: params, ResultFormatCodes: binaryForm})
	c.front.SendExecute(&pgproto3.Execute{})
	c.sent = append(c.sent, st)
}

// sendCopy adds a COPY and its rows. The server reads them where they stand in what is sent.
func (c *conn) sendCopy(st *statement, rows *column) {
	c.send(st)
	c.front.Send(&pgproto3.CopyData{Data: rows.end()})
	c.front.Send(&pgproto3.CopyDone{})
}

// A refusal is an error that the server answered with. The connection can be used on, unless it is fatal.
type refusal struct {
	*pgproto3.ErrorResponse
	statement string
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("%s: %s (%s)", r.statement, r.Message, r.Code)
	if r.Detail != "" && r.Code != uniqueViolation { // its detail shows a value
		text += ": " + r.Detail
	}
	return text
}

// Codes of refusals, and of the classes of them, as PostgreSQL's appendix A lists them.
const (
	uniqueViolation = "23505"
	undefinedTable  = "42P01"
	rollbackClass   = "40" // serialization failures, deadlocks
	operatorClass   = "57" // the server stops, or was told to end the connection
	resourceClass   = "53" // the disk is full, or there are too many connections
)

// codeOf is the code of a refusal; "" for another error.
func codeOf(err error) string {
	var r *refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// sync sends what was gathered, and reads the answers: row is called for each row with the number of its statement (from 0) and its values, which are
// good until it returns. done is told how many rows a statement wrote or read. A refusal ends what was sent: the statements behind the refused one are
// not run.
func (c *conn) sync(wait time.Duration, row func(n int, values [][]byte) error, done func(n int, rows int64)) error {
	if c.err != nil {
		return c.err
	}
	sent := c.sent
	c.sent = c.sent[:0]
	c.front.SendSync(&noSync)
	c.used = time.Now()
	var until time.Time
	if wait > 0 {
		until = c.used.Add(wait)
	}
	if err := c.net.SetDeadline(until); err != nil {
		return c.fail(err)
	}
	if err := c.front.Flush(); err != nil {
		return c.fail(err)
	}
	return c.answers(sent, row, done)
}

// at is the number of the statement that the answer now read belongs to.
func (c *conn) answers(sent []*statement, row func(n int, values [][]byte) error, done func(n int, rows int64)) error {
	at, n := 0, -1 // in sent; among the statements that are run
	next := func() {
		for at < len(sent) && sent[at] == nil {
			at++
		}
		n++
	}
	next()
	var failed error
	for {
		m, err := c.front.Receive()
		if err != nil {
			return c.fail(err)
		}
		switch m := m.(type) {
		case *pgproto3.DataRow:
			if row != nil && failed == nil {
				failed = row(n, m.Values)
			}
		case *pgproto3.CommandComplete:
			if done != nil {
				done(n, rowsOf(m.CommandTag))
			}
			at++
			next()
		case *pgproto3.EmptyQueryResponse:
			at++
			next()
		case *pgproto3.ErrorResponse:
			copied := *m
			r := &refusal{ErrorResponse: &copied}
			if at < len(sent) {
				r.statement = sent[at].name
			}
			c.forget(sent)
			if m.Severity == "FATAL" || m.Severity == "PANIC" {
				return c.fail(r)
			}
			failed = r
		case *pgproto3.ReadyForQuery:
			return failed
		}
	}
}

// forget takes it that statements which were sent for the first time may not have been prepared.
func (c *conn) forget(sent []*statement) {
	for i, st := range sent {
		if st == nil {
			delete(c.prepared, sent[i+1])
			c.front.SendClose(&pgproto3.Close{ObjectType: 'S', Name: sent[i+1].name})
		}
	}
}

func (c *conn) fail(err error) error {
	c.err = err
	c.net.Close()
	return err
}

// rowsOf is the number at the end of what a command answers.
func rowsOf(tag []byte) (n int64) {
	unit := int64(1)
	for i := len(tag) - 1; i >= 0 && tag[i] >= '0' && tag[i] <= '9'; i-- {
		n += int64(tag[i]-'0') * unit
		unit *= 10
	}
	return n
}

// run runs one statement, and reads what it answers.
func (c *conn) run(st *statement, row func(values [][]byte) error, params ...[]byte) (rows int64, err error) {
	c.send(st, params...)
	err = c.sync(answerTime, func(_ int, values [][]byte) error {
		if row == nil {
			return nil
		}
		return row(values)
	}, func(_ int, n int64) { rows = n })
	return rows, err
}

// script runs several statements of plain SQL, which is written here and not put together from what users send.
func (c *conn) script(sql string, row func(values [][]byte) error) error {
	c.front.SendQuery(&pgproto3.Query{String: sql})
	if err := c.net.SetDeadline(time.Time{}); err != nil { // a migration takes as long as it takes
		return c.fail(err)
	}
	if err := c.front.Flush(); err != nil {
		return c.fail(err)
	}
	var failed error
	for {
		m, err := c.front.Receive()
		if err != nil {
			return c.fail(err)
		}
		switch m := m.(type) {
		case *pgproto3.DataRow:
			if row != nil && failed == nil {
				failed = row(m.Values)
			}
		case *pgproto3.ErrorResponse:
			copied := *m
			name, _, _ := strings.Cut(sql, "\n")
			failed = &refusal{&copied, name}
			if m.Severity == "FATAL" {
				return c.fail(failed)
			}
		case *pgproto3.ReadyForQuery:
			return failed
		}
	}
}

// lost says whether the error is of the connection, not of what was asked.
func (c *conn) lost() bool { return c.err != nil }
