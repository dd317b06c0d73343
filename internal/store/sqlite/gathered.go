package sqlite

import (
	"errors"
	"net/url"
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
	"zombiezen.com/go/sqlite"

	"florin/internal/store/sqlite/cfile"
)

// SQLite writes its log a page at a time, in two calls each: some three hundred for a batch of payments, a tenth of what a payment costs. So the
// connection that writes has a file system of its own, gatheredVFS, in which what is written to the log one behind the other is held back, and
// handed to the system in one piece: when fifteen pages are there, or SQLite syncs the log, reads from it, or asks for its length. With synchronous
// FULL it syncs each commit before it tells the other connections of it, so nobody ever looks for what is held back. (With less it does not; then
// this is not used.) What cannot be written is the error of the sync.
const gatheredVFS = "florin"

// gatherBytes is how much is held back at most: fifteen pages with their headers. SQLite's own file system writes less than 128 KB at a time.
const gatherBytes = 15 * (8192 + 24)

// gathering says how a connection is opened that writes so.
func (f file) gathering() (path string, flags sqlite.OpenFlags, err error) {
	if err := registerGathered(); err != nil {
		return "", 0, err
	}
	u := url.URL{Scheme: "file", Path: f.path, RawQuery: "vfs=" + gatheredVFS}
	return u.String(), sqlite.OpenReadWrite | sqlite.OpenURI, nil
}

// A gathered is an open log.
type gathered struct {
	below uintptr // functions of the file system below
	buf   uintptr // what is held back, in C's memory
	used  int32
	at    int64 // where in the file it belongs

	syncsData bool // by syncData
}

// all are the open logs, by SQLite's sqlite3_file. Each has one connection, so that one is used by one goroutine at a time.
var all struct {
	once    sync.Once
	failed  error
	methods uintptr // the functions of an open log
	system  uintptr // SQLite's own file system

	mu   sync.Mutex
	open map[uintptr]*gathered
}

func registerGathered() error {
	all.once.Do(func() { all.failed = register() })
	return all.failed
}

func register() error {
	c, err := sqlite.OpenConn(":memory:") // initializes SQLite
	if err != nil {
		return err
	}
	defer c.Close()
	all.open = map[uintptr]*gathered{}
	tls := libc.NewTLS()
	defer tls.Close()
	name, err := libc.CString(gatheredVFS)
	if err != nil {
		return err
	}
	system := lib.Xsqlite3_vfs_find(tls, 0)
	own := libc.Xmalloc(tls, lib.Tsize_t(unsafe.Sizeof(lib.Tsqlite3_vfs{})))
	if system == 0 || own == 0 {
		return errors.New("sqlite: no file system")
	}
	vfs := (*lib.Tsqlite3_vfs)(cfile.Pointer(own))
	*vfs = *(*lib.Tsqlite3_vfs)(cfile.Pointer(system))
	all.system = system
	vfs.FpNext, vfs.FzName = 0, name
	vfs.FxOpen = cfile.ToC(func(tls *libc.TLS, _, path, id uintptr, flags int32, out uintptr) int32 {
		code := (*cfile.FromC[cfile.Open](&(*lib.Tsqlite3_vfs)(cfile.Pointer(system)).FxOpen))(tls, system, path, id, flags, out)
		if code == 0 && flags&lib.SQLITE_OPEN_WAL != 0 {
			code = gather(tls, id)
		}
		return code
	})
	return sqlite.ResultCode(lib.Xsqlite3_vfs_register(tls, own, 0)).ToError()
}

// gather puts the functions that hold back before those of a log that was opened.
func gather(tls *libc.TLS, id uintptr) int32 {
	f := (*lib.Tsqlite3_file)(cfile.Pointer(id))
	g := &gathered{below: f.FpMethods, buf: libc.Xmalloc(tls, gatherBytes)}
	// Not if somebody stands before it, as the disk does that fails in tests.
	g.syncsData = canSyncData && libc.GoString((*lib.Tsqlite3_vfs)(cfile.Pointer(all.system)).FzName) == "unix"
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.methods == 0 {
		all.methods = gatheringMethods(tls, f.FpMethods)
	}
	if g.buf == 0 || all.methods == 0 {
		return lib.SQLITE_NOMEM
	}
	all.open[id], f.FpMethods = g, all.methods
	return 0
}

func logOf(id uintptr) *gathered {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.open[id]
}

// gatheringMethods makes the table of functions of an open log; those that neither write nor read are the system's.
func gatheringMethods(tls *libc.TLS, system uintptr) uintptr {
	table := libc.Xmalloc(tls, lib.Tsize_t(unsafe.Sizeof(lib.Tsqlite3_io_methods{})))
	if table == 0 {
		return 0
	}
	m := (*lib.Tsqlite3_io_methods)(cfile.Pointer(table))
	*m = *(*lib.Tsqlite3_io_methods)(cfile.Pointer(system))
	m.FxWrite = cfile.ToC(func(tls *libc.TLS, id, buf uintptr, n int32, at int64) int32 {
		return logOf(id).write(tls, id, buf, n, at)
	})
	m.FxRead = cfile.ToC(func(tls *libc.TLS, id, buf uintptr, n int32, at int64) int32 {
		below, code := flushed(tls, id)
		if code != 0 {
			return code
		}
		return (*cfile.FromC[cfile.IO](&below.FxRead))(tls, id, buf, n, at)
	})
	m.FxFileSize = cfile.ToC(func(tls *libc.TLS, id, size uintptr) int32 {
		below, code := flushed(tls, id)
		if code != 0 {
			return code
		}
		return (*cfile.FromC[cfile.Size](&below.FxFileSize))(tls, id, size)
	})
	m.FxSync = cfile.ToC(func(tls *libc.TLS, id uintptr, flags int32) int32 {
		below, code := flushed(tls, id)
		if code != 0 {
			return code
		}
		if logOf(id).syncsData {
			return syncData(id)
		}
		return (*cfile.FromC[cfile.Sync](&below.FxSync))(tls, id, flags)
	})
	m.FxTruncate = cfile.ToC(func(tls *libc.TLS, id uintptr, size int64) int32 {
		below, code := flushed(tls, id)
		if code != 0 {
			return code
		}
		return (*cfile.FromC[cfile.Truncate](&below.FxTruncate))(tls, id, size)
	})
	m.FxClose = cfile.ToC(func(tls *libc.TLS, id uintptr) int32 {
		g := logOf(id)
		code := g.flush(tls, id)
		all.mu.Lock()
		delete(all.open, id)
		all.mu.Unlock()
		libc.Xfree(tls, g.buf)
		return max(code, (*cfile.FromC[cfile.Close](&g.methods().FxClose))(tls, id))
	})
	return table
}

// flushed writes what a log holds back, for what must find it in the file, and returns the functions below.
func flushed(tls *libc.TLS, id uintptr) (below *lib.Tsqlite3_io_methods, code int32) {
	g := logOf(id)
	return g.methods(), g.flush(tls, id)
}

func (g *gathered) methods() *lib.Tsqlite3_io_methods {
	return (*lib.Tsqlite3_io_methods)(cfile.Pointer(g.below))
}

// write holds back what follows on what is held back already.
func (g *gathered) write(tls *libc.TLS, id, buf uintptr, n int32, at int64) int32 {
	if at != g.at+int64(g.used) || g.used+n > gatherBytes {
		if code := g.flush(tls, id); code != 0 {
			return code
		}
		if g.at = at; n > gatherBytes {
			return (*cfile.FromC[cfile.IO](&g.methods().FxWrite))(tls, id, buf, n, at)
		}
	}
	copy(unsafe.Slice((*byte)(cfile.Pointer(g.buf)), gatherBytes)[g.used:], unsafe.Slice((*byte)(cfile.Pointer(buf)), n))
	g.used += n
	return 0
}

// flush writes what is held back. What cannot be written is let go: SQLite takes the transaction back, and begins again where it began.
func (g *gathered) flush(tls *libc.TLS, id uintptr) int32 {
	n := g.used
	if g.used = 0; n == 0 {
		return 0
	}
	return (*cfile.FromC[cfile.IO](&g.methods().FxWrite))(tls, id, g.buf, n, g.at)
}
