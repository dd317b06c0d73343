package sqlite

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"
)

// The log is copied into the file when it has about this many new pages of 8 KB, and begun anew when it has so many altogether.
const (
	copyPages    = 1 << 10 // 8 MB
	restartPages = 4 << 10 // 32 MB
)

// A checkpointer copies the log into the file, beside the writer. The writer is stopped only when the log has become long, for the few pages that
// came last, so that the log can be begun anew: under a steady load it would grow for ever otherwise.
type checkpointer struct {
	file    file
	writing *sync.Mutex // stops the writer
	pages   atomic.Int64
	wake    chan struct{}
	quit    chan struct{}
	done    chan struct{}

	restartAt int64 // a log of so many pages is begun anew
}

func (k *checkpointer) start(f file, writing *sync.Mutex) {
	k.file, k.writing, k.restartAt = f, writing, restartPages
	k.wake, k.quit, k.done = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go k.run()
}

// wrote tells of about as many pages that were written to the log.
func (k *checkpointer) wrote(pages int) {
	if k.pages.Add(int64(pages)) >= copyPages {
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// stop waits for the checkpointer to end. SQLite itself copies what is left when the last connection is closed.
func (k *checkpointer) stop() {
	if k.quit == nil {
		return // never started
	}
	close(k.quit)
	<-k.done
}

func (k *checkpointer) run() {
	defer close(k.done)
	var c *conn
	defer func() {
		if c != nil {
			c.close()
		}
	}()
	for {
		select {
		case <-k.quit:
			return
		case <-k.wake:
		}
		k.pages.Store(0)
		var err error
		if c == nil {
			c, err = k.open()
		}
		if err == nil {
			err = k.checkpoint(c)
		}
		if err != nil {
			// Nothing is lost: the log is longer than it need be, and the next time may do better.
			slog.Warn("sqlite: checkpoint", "path", k.file.path, "err", err)
		}
	}
}

func (k *checkpointer) open() (*conn, error) {
	c, err := k.file.open(readerCacheKiB)
	if err != nil {
		return nil, err
	}
	// Readers of the past hold up a checkpoint. They are waited for a moment, and not longer, since the writer waits too.
	c.c.SetBusyTimeout(20 * time.Millisecond)
	return c, nil
}

func (k *checkpointer) checkpoint(c *conn) error {
	_, pages, err := copyLog(c, "PRAGMA wal_checkpoint(PASSIVE)")
	if err != nil || pages < k.restartAt {
		return err
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	busy, pages, err := copyLog(c, "PRAGMA wal_checkpoint(RESTART)")
	k.restartAt = restartPages
	if busy {
		k.restartAt = 2 * pages // somebody reads for long: the writer must not be stopped again and again for nothing
	}
	return err
}

// copyLog runs a checkpoint, and returns whether somebody kept it from finishing, and how many pages the log had.
func copyLog(c *conn, sql string) (busy bool, pages int64, err error) {
	err = c.rows(sql, func(st *sqlite.Stmt) { busy, pages = st.ColumnInt64(0) != 0, st.ColumnInt64(1) })
	return busy, pages, err
}
