package sqlite

import (
	"golang.org/x/sys/unix"
	lib "modernc.org/sqlite/lib"

	"florin/internal/store/sqlite/cfile"
)

// canSyncData says that the logs of SQLite's own file system can be synced without the time of their last change, which nobody needs after a power cut,
// and which costs a commit of the file system's own: SQLite is compiled to sync it, too.
const canSyncData = true

// syncData makes durable what was written to an open file of SQLite's own file system, and its length.
func syncData(id uintptr) int32 {
	fd := int((*lib.TunixFile)(cfile.Pointer(id)).Fh)
	for {
		switch err := unix.Fdatasync(fd); err {
		case nil:
			return lib.SQLITE_OK
		case unix.EINTR:
		default:
			return lib.SQLITE_IOERR_FSYNC
		}
	}
}
