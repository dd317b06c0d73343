package sqlite

import (
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
)

// settleWait is how long the log waits for those who read from it, before a request is refused once more.
const settleWait = time.Second

var errDoubt = errors.New("sqlite: a commit has failed, and it is not settled yet what the disk has")

// settle ends the doubt that a failed commit leaves. Its pages may stand in the log, whole, though their sync has failed and it was refused: the next
// process would take them for committed. And the system may have forgotten to write them, and says so only once, so that a later sync which
// succeeds proves nothing of what was written before. So nothing is added to such a log. All that is committed is copied into the file, the file is
// synced, and the log is begun anew, empty; if that fails, too, the disk is not well yet, and commits are refused until it is. Reads go on all the
// while. See docs/decisions/0004-failed-sync.md.
func (e *Engine) settle() error {
	c := e.writer.c
	c.SetBusyTimeout(settleWait)
	defer c.SetBusyTimeout(busyTimeout)
	busy := false
	err := e.writer.rows("PRAGMA wal_checkpoint(TRUNCATE)", func(st *sqlite.Stmt) { busy = st.ColumnInt64(0) != 0 })
	if err == nil && busy {
		err = errors.New("somebody reads from the log for long")
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errDoubt, err)
	}
	e.doubt = false
	return nil
}
