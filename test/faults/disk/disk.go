// Package disk is a bad disk. Install puts it under SQLite, in this process: what SQLite writes and syncs goes through it, and by Rules it fails as
// disks and file systems do. Without a rule it passes everything on.
//
// It knows which pages a power cut would take: those written since the last sync, and those that were lost by a sync that failed. Linux reports a
// failed sync once to every open file, forgets that the pages were to be written, and lets the next sync succeed; so does this disk. Image is what
// would be found after a power cut.
//
// What SQLite maps into memory (the index of its log) is made anew when its last user has died, and does not pass through here.
package disk

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"

	"zombiezen.com/go/sqlite"
)

// A Kind is one of the two files that a database has.
type Kind string

// The kinds of files.
const (
	Any Kind = ""
	DB  Kind = "db"
	Log Kind = "log" // what is written ahead
)

// An Op is what SQLite does to a file.
type Op string

// The operations that may go wrong.
const (
	Write Op = "write"
	Sync  Op = "sync"
)

// A Harm is what a rule does to an operation.
type Harm string

// The kinds of harm.
const (
	Fail  Harm = "fail"  // EIO. A sync that fails loses some of what was to be synced.
	Full  Harm = "full"  // ENOSPC, but for writes within what a file has already; where there is room for a part, that part is written
	Short Harm = "short" // a part is written, then ENOSPC
	Kill  Harm = "kill"  // the process is killed: before a sync, or when a part of a write has been done
	Cut   Harm = "cut"   // the power is cut, so to say: the files are left as Image has them, and the process is killed
)

// A Rule says which operations go wrong.
type Rule struct {
	Op    Op
	File  Kind
	Harm  Harm
	After int // operations of the kind that pass first
	Times int // how many go wrong; less than 0: all that follow
}

// all is the disk of this process: SQLite's default file system is one, too.
var all struct {
	once   sync.Once
	failed error

	sync.Mutex
	files map[string]*file
	open  map[uintptr]*handle // by id
	rules []Rule
	hits  int
	dice  *rand.Rand
}

// A file is what is known of a file on the disk.
type file struct {
	path   string
	kind   Kind
	pages  map[int64][]byte // by number: what the disk itself has of a page that differs from what readers see
	lost   map[int64]bool   // those that no sync will write any more
	size   int64            // of the file that the disk itself has
	errors int              // syncs that have failed
}

// A handle is an open file.
type handle struct {
	*file
	id    uintptr // SQLite's sqlite3_file
	table *table
	seen  int // of the file's errors
}

const pageSize = 4096 // of Linux

// Install puts the disk under SQLite. seed decides what is lost.
func Install(seed uint64) error {
	all.once.Do(func() {
		c, err := sqlite.OpenConn(":memory:") // initializes SQLite
		if err != nil {
			all.failed = err
			return
		}
		all.files, all.open = map[string]*file{}, map[uintptr]*handle{}
		all.failed = intercept()
		c.Close()
	})
	all.Lock()
	defer all.Unlock()
	all.dice = rand.New(rand.NewPCG(seed, 0))
	return all.failed
}

// Set replaces the rules, and returns how many operations went wrong by those before.
func Set(rules ...Rule) (hits int) {
	all.Lock()
	defer all.Unlock()
	hits, all.hits, all.rules = all.hits, 0, rules
	return hits
}

// Hits is how many operations went wrong by the rules.
func Hits() int {
	all.Lock()
	defer all.Unlock()
	return all.hits
}

// Image is what a power cut would leave of the files under a folder, by their path. Of what was not synced a part is there, by chance. A page that a
// failed sync has lost is not.
func Image(folder string) map[string][]byte {
	all.Lock()
	defer all.Unlock()
	return image(folder)
}

func image(folder string) map[string][]byte {
	images := map[string][]byte{}
	for _, h := range all.open {
		if _, ok := images[h.path]; ok || !strings.HasPrefix(h.path, folder) {
			continue
		}
		now := h.length()
		content := make([]byte, now)
		h.realRead(content, 0)
		size := h.size
		for n, was := range h.pages {
			start, end := n*pageSize, min((n+1)*pageSize, now)
			switch {
			case start >= now:
			case h.lost[n] || all.dice.IntN(2) == 0:
				copy(content[start:end], was)
			default:
				size = max(size, end)
			}
		}
		images[h.path] = content[:min(size, now)]
	}
	return images
}

// verdict finds the rule that an operation falls under.
func verdict(op Op, kind Kind) Harm {
	for i := range all.rules {
		r := &all.rules[i]
		if r.Op != op || r.File != Any && r.File != kind || r.Times == 0 {
			continue
		}
		if r.After > 0 {
			r.After--
			continue
		}
		if r.Harm != Full { // which is counted when it does harm
			r.Times--
			all.hits++
		}
		return r.Harm
	}
	return ""
}

// write does a write as the rules have it.
func (h *handle) write(p []byte, at int64) int32 {
	all.Lock()
	defer all.Unlock()
	switch verdict(Write, h.kind) {
	case Fail:
		h.put(p[:all.dice.IntN(len(p))], at)
		return codeWrite
	case Short:
		h.put(p[:all.dice.IntN(len(p))], at)
		return codeFull
	case Full:
		if room := h.length() - at; room < int64(len(p)) {
			all.hits++
			h.put(p[:max(room, 0)], at)
			return codeFull
		}
	case Kill:
		h.put(p[:all.dice.IntN(len(p))], at)
		die()
	case Cut:
		cut()
	}
	return h.put(p, at)
}

// put writes, and remembers what the disk itself has until the next sync.
func (h *handle) put(p []byte, at int64) int32 {
	if len(p) == 0 {
		return 0
	}
	for n := at / pageSize; n*pageSize < at+int64(len(p)); n++ {
		if _, ok := h.pages[n]; !ok {
			was := make([]byte, pageSize)
			h.realRead(was, n*pageSize)
			h.pages[n] = was
		}
		delete(h.lost, n)
	}
	return h.realWrite(p, at)
}

// sync makes what was written durable, or loses some of it.
func (h *handle) sync(flags int32) int32 {
	all.Lock()
	defer all.Unlock()
	switch verdict(Sync, h.kind) {
	case Fail:
		h.errors++
		for n := range h.pages {
			if !h.lost[n] {
				if all.dice.IntN(2) == 0 {
					h.lost[n] = true
				} else {
					delete(h.pages, n)
				}
			}
		}
	case Kill:
		die()
	case Cut:
		cut()
	}
	if h.seen < h.errors {
		h.seen = h.errors
		return codeSync
	}
	if code := h.realSync(flags); code != 0 {
		return code
	}
	for n := range h.pages {
		if !h.lost[n] {
			delete(h.pages, n)
		}
	}
	h.size = h.length()
	return 0
}

// truncate shortens a file. It is taken to be durable at once.
func (h *handle) truncate(size int64) int32 {
	all.Lock()
	defer all.Unlock()
	code := h.realTruncate(size)
	if code == 0 {
		h.size = min(h.size, size)
		for n := range h.pages {
			if n*pageSize >= size {
				delete(h.pages, n)
				delete(h.lost, n)
			}
		}
	}
	return code
}

// opened is told of a file that SQLite has opened, and returns the address of the functions to work it by.
func opened(id, methods uintptr, path string, kind Kind) uintptr {
	all.Lock()
	defer all.Unlock()
	h := &handle{id: id, table: patch(methods)}
	size := h.length()
	if h.file = all.files[path]; h.file == nil || size == 0 && !h.file.used() { // new, or made anew
		h.file = &file{path: path, kind: kind, pages: map[int64][]byte{}, lost: map[int64]bool{}, size: size}
		all.files[path] = h.file
	}
	h.seen = h.errors // who opens a file hears nothing of what went wrong before
	all.open[id] = h
	return h.table.patched
}

// used says whether the file is open. One that is, and is empty, was emptied by who has it open.
func (f *file) used() bool {
	for _, h := range all.open {
		if h.file == f {
			return true
		}
	}
	return false
}

func closed(id uintptr) {
	all.Lock()
	defer all.Unlock()
	delete(all.open, id)
}

// cut leaves on the disk what a power cut would leave, and ends the process. The disk stays locked: nobody writes any more.
func cut() {
	for path, content := range image("") {
		err := os.WriteFile(path+".cut", content, 0o600)
		if err == nil { // nobody must find a part of it, should the process be killed just now
			err = os.Rename(path+".cut", path)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "power cut:", err)
			os.Exit(3)
		}
	}
	die()
}

// CutNow cuts the power.
func CutNow() {
	all.Lock()
	cut()
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
