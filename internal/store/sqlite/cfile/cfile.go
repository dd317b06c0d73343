// Package cfile is how Go stands in for SQLite's file systems. SQLite is C that was translated to Go: it calls its file systems through tables of
// functions, and these are their types, and how one is called from Go or given to C.
package cfile

import (
	"sync"
	"unsafe"

	"modernc.org/libc"
)

// The functions of a file system and of an open file, by what SQLite calls them: xOpen, xClose, xRead and xWrite, xTruncate, xSync, xFileSize.
type (
	Open     = func(tls *libc.TLS, vfs, path, id uintptr, flags int32, out uintptr) int32
	Close    = func(tls *libc.TLS, id uintptr) int32
	IO       = func(tls *libc.TLS, id, buf uintptr, n int32, at int64) int32
	Truncate = func(tls *libc.TLS, id uintptr, size int64) int32
	Sync     = func(tls *libc.TLS, id uintptr, flags int32) int32
	Size     = func(tls *libc.TLS, id, size uintptr) int32
)

// FromC is a Go function that C has a pointer to.
func FromC[F any](p *uintptr) *F { return (*F)(unsafe.Pointer(&struct{ uintptr }{*p})) }

// ToC is what C calls a Go function by, for as long as the process lives.
func ToC[F any](f F) uintptr {
	keep := any(f)
	given.Lock()
	defer given.Unlock()
	given.functions = append(given.functions, keep)
	type words [2]uintptr
	return (*words)(unsafe.Pointer(&keep))[1]
}

// given are the functions that C knows of.
var given struct {
	sync.Mutex
	functions []any
}

// Pointer is a pointer into C's memory, which Go does not move.
func Pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }
