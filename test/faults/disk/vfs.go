package disk

import (
	"errors"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// What SQLite answers when its file system fails.
const (
	codeWrite = int32(lib.SQLITE_IOERR_WRITE)
	codeSync  = int32(lib.SQLITE_IOERR_FSYNC)
	codeFull  = int32(lib.SQLITE_FULL)
)

// SQLite calls its file system through tables of functions, one a file system and one a kind of file. These are the ones that were there before,
// and how C functions are called from and given to SQLite, which is C that was translated to Go.
type (
	openFunc     = func(tls *libc.TLS, vfs, path, id uintptr, flags int32, out uintptr) int32
	closeFunc    = func(tls *libc.TLS, id uintptr) int32
	ioFunc       = func(tls *libc.TLS, id, buf uintptr, n int32, at int64) int32
	truncateFunc = func(tls *libc.TLS, id uintptr, size int64) int32
	syncFunc     = func(tls *libc.TLS, id uintptr, flags int32) int32
	sizeFunc     = func(tls *libc.TLS, id, size uintptr) int32
)

var (
	// own is the thread of C that this package's own calls run in; it is used under the lock of all.
	own *libc.TLS

	// tables are the tables of functions that stand in for SQLite's, by the address of the latter: the log's is not the database's.
	tables = map[uintptr]*table{}
)

// A table is what an open file is worked by.
type table struct {
	original lib.Tsqlite3_io_methods
	patched  uintptr
}

// intercept replaces the open function of the default file system.
func intercept() error {
	own = libc.NewTLS()
	vfs := lib.Xsqlite3_vfs_find(own, 0)
	if vfs == 0 {
		return errors.New("disk: SQLite has no file system")
	}
	system := (*lib.Tsqlite3_vfs)(pointer(vfs))
	before := *fromC[openFunc](&system.FxOpen)
	system.FxOpen = toC(func(tls *libc.TLS, vfs, path, id uintptr, flags int32, out uintptr) int32 {
		code := before(tls, vfs, path, id, flags, out)
		var kind Kind
		switch {
		case flags&lib.SQLITE_OPEN_MAIN_DB != 0:
			kind = DB
		case flags&lib.SQLITE_OPEN_WAL != 0:
			kind = Log
		}
		if code != 0 || kind == Any || path == 0 {
			return code
		}
		f := (*lib.Tsqlite3_file)(pointer(id))
		f.FpMethods = opened(id, f.FpMethods, libc.GoString(path), kind)
		return 0
	})
	return nil
}

// patch makes the table that stands in for another.
func patch(original uintptr) *table {
	if t := tables[original]; t != nil {
		return t
	}
	t := &table{original: *(*lib.Tsqlite3_io_methods)(pointer(original))}
	tables[original] = t
	t.patched = libc.Xmalloc(own, lib.Tsize_t(unsafe.Sizeof(t.original)))
	methods := (*lib.Tsqlite3_io_methods)(pointer(t.patched))
	*methods = t.original
	methods.FxClose = toC(func(tls *libc.TLS, id uintptr) int32 {
		closed(id)
		return (*fromC[closeFunc](&t.original.FxClose))(tls, id)
	})
	methods.FxWrite = toC(func(_ *libc.TLS, id, buf uintptr, n int32, at int64) int32 {
		return handleOf(id).write(unsafe.Slice((*byte)(pointer(buf)), n), at)
	})
	methods.FxTruncate = toC(func(_ *libc.TLS, id uintptr, size int64) int32 { return handleOf(id).truncate(size) })
	methods.FxSync = toC(func(_ *libc.TLS, id uintptr, flags int32) int32 { return handleOf(id).sync(flags) })
	return t
}

func handleOf(id uintptr) *handle {
	all.Lock()
	defer all.Unlock()
	return all.open[id]
}

// What follows is called under the lock of all.

func (h *handle) realRead(p []byte, at int64) {
	buf := libc.Xmalloc(own, lib.Tsize_t(len(p)+1))
	defer libc.Xfree(own, buf)
	(*fromC[ioFunc](&h.table.original.FxRead))(own, h.id, buf, int32(len(p)), at) // what is beyond the end reads as zeros
	copy(p, unsafe.Slice((*byte)(pointer(buf)), len(p)))
}

func (h *handle) realWrite(p []byte, at int64) int32 {
	return (*fromC[ioFunc](&h.table.original.FxWrite))(own, h.id, uintptr(unsafe.Pointer(&p[0])), int32(len(p)), at)
}

func (h *handle) realSync(flags int32) int32 {
	return (*fromC[syncFunc](&h.table.original.FxSync))(own, h.id, flags)
}

func (h *handle) realTruncate(size int64) int32 {
	return (*fromC[truncateFunc](&h.table.original.FxTruncate))(own, h.id, size)
}

func (h *handle) length() int64 {
	buf := libc.Xmalloc(own, 8)
	defer libc.Xfree(own, buf)
	(*fromC[sizeFunc](&h.table.original.FxFileSize))(own, h.id, buf)
	return *(*int64)(pointer(buf))
}

// fromC is a Go function that C has a pointer to.
func fromC[F any](p *uintptr) *F { return (*F)(unsafe.Pointer(&struct{ uintptr }{*p})) }

// toC is what C calls a Go function by.
func toC[F any](f F) uintptr {
	keep := any(f)
	kept = append(kept, keep)
	type words [2]uintptr
	return (*words)(unsafe.Pointer(&keep))[1]
}

// kept keeps the functions that C knows of.
var kept []any

// pointer is a pointer into C's memory, which Go does not move.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }
