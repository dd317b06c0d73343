package disk

import (
	"errors"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"florin/internal/store/sqlite/cfile"
)

// What SQLite answers when its file system fails.
const (
	codeWrite = int32(lib.SQLITE_IOERR_WRITE)
	codeSync  = int32(lib.SQLITE_IOERR_FSYNC)
	codeFull  = int32(lib.SQLITE_FULL)
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
	system := (*lib.Tsqlite3_vfs)(cfile.Pointer(vfs))
	name, err := libc.CString("faulty disk") // so that nobody takes it for the system's, and goes past it
	if err != nil {
		return err
	}
	system.FzName = name
	before := *cfile.FromC[cfile.Open](&system.FxOpen)
	system.FxOpen = cfile.ToC(func(tls *libc.TLS, vfs, path, id uintptr, flags int32, out uintptr) int32 {
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
		f := (*lib.Tsqlite3_file)(cfile.Pointer(id))
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
	t := &table{original: *(*lib.Tsqlite3_io_methods)(cfile.Pointer(original))}
	tables[original] = t
	t.patched = libc.Xmalloc(own, lib.Tsize_t(unsafe.Sizeof(t.original)))
	methods := (*lib.Tsqlite3_io_methods)(cfile.Pointer(t.patched))
	*methods = t.original
	methods.FxClose = cfile.ToC(func(tls *libc.TLS, id uintptr) int32 {
		closed(id)
		return (*cfile.FromC[cfile.Close](&t.original.FxClose))(tls, id)
	})
	methods.FxWrite = cfile.ToC(func(_ *libc.TLS, id, buf uintptr, n int32, at int64) int32 {
		return handleOf(id).write(unsafe.Slice((*byte)(cfile.Pointer(buf)), n), at)
	})
	methods.FxTruncate = cfile.ToC(func(_ *libc.TLS, id uintptr, size int64) int32 { return handleOf(id).truncate(size) })
	methods.FxSync = cfile.ToC(func(_ *libc.TLS, id uintptr, flags int32) int32 { return handleOf(id).sync(flags) })
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
	(*cfile.FromC[cfile.IO](&h.table.original.FxRead))(own, h.id, buf, int32(len(p)), at) // what is beyond the end reads as zeros
	copy(p, unsafe.Slice((*byte)(cfile.Pointer(buf)), len(p)))
}

func (h *handle) realWrite(p []byte, at int64) int32 {
	return (*cfile.FromC[cfile.IO](&h.table.original.FxWrite))(own, h.id, uintptr(unsafe.Pointer(&p[0])), int32(len(p)), at)
}

func (h *handle) realSync(flags int32) int32 {
	return (*cfile.FromC[cfile.Sync](&h.table.original.FxSync))(own, h.id, flags)
}

func (h *handle) realTruncate(size int64) int32 {
	return (*cfile.FromC[cfile.Truncate](&h.table.original.FxTruncate))(own, h.id, size)
}

func (h *handle) length() int64 {
	buf := libc.Xmalloc(own, 8)
	defer libc.Xfree(own, buf)
	(*cfile.FromC[cfile.Size](&h.table.original.FxFileSize))(own, h.id, buf)
	return *(*int64)(cfile.Pointer(buf))
}
