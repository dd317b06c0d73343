package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/jsontext"
)

const (
	logEvery  = 100 * time.Millisecond // how often waiting records are written
	logWait   = 1 << 16                // records that may wait; more are dropped, and counted
	logRecent = 1000                   // records kept at hand
	logSize   = 64 << 20               // bytes of a file before another is begun
	logKeep   = 4                      // older files that are kept
	logParams = 16 << 10               // bytes of a request's parameters that are kept
)

// A RequestLog keeps what was asked and answered: the last records in memory, and all of them as lines of JSON in a file that begins anew when it
// is large (requests.log, then requests.log.1 and so on, older).
//
// It costs a request a lock and an append. One goroutine sleeps until there is a first record, waits a moment for others, and writes them all;
// where the disk does not keep up, records are dropped rather than requests held up.
type RequestLog struct {
	path    string // "" keeps none on disk
	limit   int64  // bytes of a file before another is begun
	dropped atomic.Int64
	wake    chan struct{}
	stop    context.CancelFunc
	done    chan struct{}

	mu      sync.Mutex
	waiting []*api.Record
	recent  []*api.Record // a ring; next is where the next one goes
	next    int

	file  *os.File // of the goroutine alone, as is what follows
	size  int64
	buf   []byte
	spare []*api.Record
	fail  error
}

// NewRequestLog begins a log in the file; with path "" only the last records are kept, in memory.
func NewRequestLog(path string) *RequestLog {
	ctx, stop := context.WithCancel(context.Background())
	l := &RequestLog{path: path, limit: logSize, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	go l.run(ctx)
	return l
}

// Add takes a record, which nobody changes any more. It does not wait.
func (l *RequestLog) Add(r *api.Record) {
	l.mu.Lock()
	n := len(l.waiting)
	if n < logWait {
		l.waiting = append(l.waiting, r)
	}
	l.mu.Unlock()
	switch {
	case n == 0:
		select {
		case l.wake <- struct{}{}:
		default:
		}
	case n >= logWait:
		l.dropped.Add(1)
	}
}

// Dropped is how many records were lost because the disk did not keep up.
func (l *RequestLog) Dropped() int64 { return l.dropped.Load() }

// Recent are the last records, newest first.
func (l *RequestLog) Recent() []*api.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*api.Record, 0, min(logRecent, len(l.recent)+len(l.waiting)))
	for i := len(l.waiting) - 1; i >= 0 && len(out) < logRecent; i-- {
		out = append(out, l.waiting[i])
	}
	for i := range l.recent {
		if len(out) == logRecent {
			break
		}
		out = append(out, l.recent[(l.next-1-i+2*len(l.recent))%len(l.recent)])
	}
	return out
}

// Close writes what waits.
func (l *RequestLog) Close() error {
	l.stop()
	<-l.done
	return l.fail
}

func (l *RequestLog) run(ctx context.Context) {
	defer close(l.done)
	for ctx.Err() == nil {
		clock.Real.Wait(ctx, time.Time{}, l.wake)
		clock.Real.Wait(ctx, clock.Real.Now().Add(logEvery), nil)
		l.flush()
	}
	l.flush()
	if l.file != nil {
		l.fail = errors.Join(l.fail, l.file.Close())
	}
}

// flush moves what waits to the file and the ring.
func (l *RequestLog) flush() {
	l.mu.Lock()
	batch := l.waiting
	l.waiting = l.spare[:0]
	l.remember(batch)
	l.mu.Unlock()
	if l.path != "" && len(batch) > 0 {
		l.buf = l.buf[:0]
		for _, r := range batch {
			l.buf = appendRecord(l.buf, r)
		}
		if err := l.write(l.buf); err != nil {
			l.fail = fmt.Errorf("request log: %w", err)
			l.dropped.Add(int64(len(batch)))
		}
		if cap(l.buf) > 1<<20 {
			l.buf = nil
		}
	}
	clear(batch)
	if l.spare = batch[:0]; cap(l.spare) > 4096 {
		l.spare = nil
	}
}

// remember puts records into the ring.
func (l *RequestLog) remember(batch []*api.Record) {
	for _, r := range batch {
		if len(r.Params) > logParams {
			cut := *r
			cut.Params = r.Params[:logParams]
			r = &cut
		}
		if len(l.recent) < logRecent {
			l.recent = append(l.recent, r)
		} else {
			l.recent[l.next%logRecent] = r
		}
		l.next = (l.next + 1) % logRecent
	}
}

// write appends to the file, which is opened at the first record, and put aside when it is large.
func (l *RequestLog) write(lines []byte) error {
	if l.file == nil {
		if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err != nil {
			return errors.Join(err, f.Close())
		}
		l.file, l.size = f, info.Size()
	}
	n, err := l.file.Write(lines)
	l.size += int64(n)
	if err != nil || l.size < l.limit {
		return err
	}
	err = l.file.Close()
	l.file = nil
	for i := logKeep; i > 0; i-- {
		from := l.path
		if i > 1 {
			from += "." + strconv.Itoa(i-1)
		}
		if e := os.Rename(from, l.path+"."+strconv.Itoa(i)); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// appendRecord appends a record as a line of JSON: what encoding/json makes of it, in a fifth of the time.
func appendRecord(b []byte, r *api.Record) []byte {
	text := func(name, value string) {
		if value != "" {
			b = append(append(append(b, `,"`...), name...), `":`...)
			b = jsontext.AppendString(b, value)
		}
	}
	b = jsontext.AppendString(append(b, `{"id":`...), r.ID)
	b = append(r.At.UTC().AppendFormat(append(b, `,"at":"`...), time.RFC3339Nano), '"')
	b = strconv.AppendInt(append(b, `,"took_ns":`...), int64(r.Took), 10)
	text("account", r.Account)
	text("platform", r.Platform)
	b = strconv.AppendBool(append(b, `,"livemode":`...), r.Live)
	text("key", r.Key)
	b = append(b, `,"method":`...)
	b = jsontext.AppendString(b, r.Method)
	b = append(b, `,"path":`...)
	b = jsontext.AppendString(b, r.Path)
	text("ip", r.IP)
	text("version", r.Version)
	text("idempotency_key", r.IdempotencyKey)
	text("params", strings.ToValidUTF8(r.Params[:min(len(r.Params), logParams)], ""))
	b = strconv.AppendInt(append(b, `,"status":`...), int64(r.Status), 10)
	text("error_type", r.ErrorType)
	text("error_code", r.ErrorCode)
	text("error_message", r.ErrorMessage)
	text("error_param", r.ErrorParam)
	text("decline_code", r.DeclineCode)
	text("charge", r.Charge)
	return append(b, "}\n"...)
}
