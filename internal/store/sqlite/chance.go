package sqlite

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"sync"

	"zombiezen.com/go/sqlite"

	"florin/internal/store"
)

// What is named by chance (store.ByChance), nearly always a client's idempotency key, is not in the index of ids: each would fall on a page of its own there,
// which is read, logged, and copied into the file for the one entry of fifty bytes. (That was a third of all that a payment wrote, and with 600,000
// of them a quarter of their rate.) Such names have an index that is only ever written in order:
//
//   - Entries, the hash of a name and the row that it has in doc, are appended to table lately, those of a batch in one row, and held in memory.
//   - When there are runEntries of them, they are sorted, and become a run (tables run and part), which is not changed any more.
//   - Of each run a filter is held in memory (4 bytes an entry), which tells of nearly every name that the run has not.
//
// An entry is a hint: whoever follows it looks whether the row is that of the name. So one that was overtaken does no harm. A run counts
// those of its entries that still have their documents, and goes when there are none: names that are swept by age go a run at a time.

// runEntries is how many entries make a run. (Tests have fewer.)
var runEntries = 1 << 16

// A hint says that the document whose name has the hash may be in a row.
type hint struct {
	hash uint64
	row  int64
}

// hintBytes is the size of a hint on disk: both numbers, high byte first. In lately a row below zero takes the hint with that row back.
const hintBytes = 16

func hashOf(scope store.Scope, id string) uint64 {
	var few [128]byte
	b := append(binary.BigEndian.AppendUint64(few[:0], uint64(scope)), id...)
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}

func (h hint) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, h.hash), uint64(h.row))
}

// hints reads what append wrote.
func hints(b []byte, yield func(hint)) {
	for ; len(b) >= hintBytes; b = b[hintBytes:] {
		yield(hint{binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint64(b[8:]))})
	}
}

// chance is what is held in memory of the index. The writer alone changes it.
type chance struct {
	mu     sync.RWMutex
	loaded bool
	moved  int64            // changes when hints go elsewhere, or go
	lately []late           // in the order in which they came
	last   map[uint64]int32 // the place in lately, plus one, of the last with this hash
	runs   []*sortedRun     // the oldest first
}

// A late is a hint that is in no run yet.
type late struct {
	hint
	before int32 // the place, plus one, of the one before with the same hash
	gone   bool  // its document is
}

type sortedRun struct {
	n      int64
	live   int64
	filter filter
}

// add appends a hint.
func (c *chance) add(h hint) {
	c.lately = append(c.lately, late{hint: h, before: c.last[h.hash]})
	c.last[h.hash] = int32(len(c.lately))
}

// takeBack notes that the document of a hint is gone, and returns whether that stood here.
func (c *chance) takeBack(h hint) bool {
	for at := c.last[h.hash]; at != 0; at = c.lately[at-1].before {
		if l := &c.lately[at-1]; l.row == h.row && !l.gone {
			l.gone = true
			return true
		}
	}
	return false
}

// maybe returns where a name with the hash may be: rows, and runs, the latest first. What is gone is among them, for snapshots that are older.
func (c *chance) maybe(hash uint64) (rows []int64, runs []*sortedRun, moved int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for at := c.last[hash]; at != 0; at = c.lately[at-1].before {
		rows = append(rows, c.lately[at-1].row)
	}
	for _, r := range slices.Backward(c.runs) {
		if r.filter.may(hash) {
			runs = append(runs, r)
		}
	}
	return rows, runs, c.moved
}

func (c *chance) isLoaded() (loaded bool, moved int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.loaded, c.moved
}

// forget lets go of all that is held, so that it is read again.
func (c *chance) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loaded, c.lately, c.last, c.runs = false, nil, nil, nil
	c.moved++
}

const (
	readLately = "SELECT entries FROM lately ORDER BY n"
	readPart   = "SELECT entries FROM part WHERE n = ?"
)

// parts is how many parts a run has, by the first bits of the hash. Behind them is its filter.
const parts = 256

func (r *sortedRun) part(hash uint64) int64 { return r.n<<9 | int64(hash>>56) }
func (r *sortedRun) filterAt() int64        { return r.n<<9 | parts }

// load reads the index, if it is not in memory.
func (c *chance) load(from *conn) error {
	if loaded, _ := c.isLoaded(); loaded {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lately, c.last, c.runs = nil, map[uint64]int32{}, nil
	err := from.rows(readLately, func(st *sqlite.Stmt) {
		hints(readBlob(st, 0), func(h hint) {
			if h.row < 0 {
				c.takeBack(hint{h.hash, -h.row})
			} else {
				c.add(h)
			}
		})
	})
	if err != nil {
		return err
	}
	err = from.rows("SELECT run.n, live, entries FROM run JOIN part ON part.n = run.n << 9 | 256 ORDER BY run.n", func(st *sqlite.Stmt) {
		c.runs = append(c.runs, &sortedRun{st.ColumnInt64(0), st.ColumnInt64(1), readFilter(readBlob(st, 2))})
	})
	c.loaded = err == nil
	return err
}

// inPart adds the rows that a part has for a hash.
func inPart(rows []int64, part []byte, hash uint64) []int64 {
	hashAt := func(i int) uint64 { return binary.BigEndian.Uint64(part[i*hintBytes:]) }
	n := len(part) / hintBytes
	for i := sort.Search(n, func(i int) bool { return hashAt(i) >= hash }); i < n && hashAt(i) == hash; i++ {
		rows = append(rows, int64(binary.BigEndian.Uint64(part[i*hintBytes+8:])))
	}
	return rows
}

// A filter tells of most hashes that they were not added: four bits in a word of 64 for each, with two or three to a word. Of those that were not added it
// takes one in a thousand for one that was.
type filter []uint64

func newFilter(n int) filter { return make(filter, 1<<bits.Len(uint(n/4))) }

func (f filter) bits(hash uint64) (word *uint64, mask uint64) {
	return &f[hash>>24&uint64(len(f)-1)], 1<<(hash&63) | 1<<(hash>>6&63) | 1<<(hash>>12&63) | 1<<(hash>>18&63)
}

func (f filter) add(hash uint64) {
	word, mask := f.bits(hash)
	*word |= mask
}

func (f filter) may(hash uint64) bool {
	word, mask := f.bits(hash)
	return *word&mask == mask
}

func (f filter) bytes() []byte {
	b := make([]byte, 0, 8*len(f))
	for _, w := range f {
		b = binary.BigEndian.AppendUint64(b, w)
	}
	return b
}

func readFilter(b []byte) filter {
	f := make(filter, len(b)/8)
	for i := range f {
		f[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return f
}

// Of the writer.

// A naming is what a batch changes in the index.
type naming struct {
	named []hint // rows that are not written yet as newRow counts them
	gone  []hint

	// What the index in memory is to take over when the batch is committed.
	touched bool
	made    *sortedRun
	fewer   map[*sortedRun]int64 // so many of their documents are gone
}

// findByChance is find, for a document named by chance.
func (w *writer) findByChance(scope store.Scope, id string) (current, error) {
	if err := w.chance.load(w.conn); err != nil {
		return current{}, err
	}
	hash := hashOf(scope, id)
	rows, runs, _ := w.chance.maybe(hash)
	for _, row := range rows {
		if c, err := w.at1(row, scope, id); err != nil || c.ver != 0 {
			return c, err
		}
	}
	for _, r := range runs {
		part, err := w.partOf(r, hash)
		if err != nil {
			return current{}, err
		}
		for _, row := range inPart(nil, part, hash) {
			if c, err := w.at1(row, scope, id); err != nil || c.ver != 0 {
				return c, err
			}
		}
	}
	return current{}, nil
}

// at1 returns what a row has, if it is that of the document.
func (w *writer) at1(row int64, scope store.Scope, id string) (c current, err error) {
	st := w.named1
	st.BindInt64(1, row)
	st.BindInt64(2, int64(scope))
	st.BindText(3, id)
	found, err := st.Step()
	if found {
		c = current{st.ColumnInt64(0), st.ColumnInt64(1), st.ColumnInt64(2), st.ColumnInt64(3), false, false}
	}
	return c, errors.Join(err, st.Reset())
}

func (w *writer) partOf(r *sortedRun, hash uint64) (part []byte, err error) {
	w.part.BindInt64(1, r.part(hash))
	found, err := w.part.Step()
	if found {
		part = readBlob(w.part, 0)
	}
	return part, errors.Join(err, w.part.Reset())
}

// writeNames writes what the batch changes in the index. The rows of the batch are written.
func (w *writer) writeNames() error {
	n := &w.naming
	if len(n.named)+len(n.gone) == 0 {
		return nil
	}
	if err := w.chance.load(w.conn); err != nil {
		return err
	}
	n.touched, n.fewer = true, map[*sortedRun]int64{}
	col := make([]byte, 0, hintBytes*(len(n.named)+len(n.gone)))
	w.chance.mu.Lock() // whoever sees the commit finds the names
	for _, h := range n.named {
		h.row = w.numbered(h.row)
		w.chance.add(h)
		col = h.append(col)
	}
	var elsewhere []hint
	for _, h := range n.gone {
		if w.chance.takeBack(h) {
			col = hint{h.hash, -h.row}.append(col)
		} else {
			elsewhere = append(elsewhere, h)
		}
	}
	full := len(w.chance.lately) >= runEntries
	w.chance.mu.Unlock()
	for _, h := range elsewhere {
		if err := w.takeFromRun(h); err != nil {
			return err
		}
	}
	for r, fewer := range n.fewer {
		if err := w.countRun(r, fewer); err != nil {
			return err
		}
	}
	if full {
		return w.makeRun()
	}
	if len(col) == 0 {
		return nil
	}
	w.addLately.BindBytes(1, col)
	return run(w.addLately)
}

// takeFromRun notes that a run has one document fewer.
func (w *writer) takeFromRun(h hint) error {
	_, runs, _ := w.chance.maybe(h.hash)
	for _, r := range runs {
		part, err := w.partOf(r, h.hash)
		if err != nil {
			return err
		}
		if slices.Contains(inPart(nil, part, h.hash), h.row) {
			w.naming.fewer[r]++
			return nil
		}
	}
	return fmt.Errorf("no hint of row %d", h.row)
}

// countRun writes how many of a run's documents there are, and removes it when there are none.
func (w *writer) countRun(r *sortedRun, fewer int64) error {
	if r.live > fewer {
		w.lessRun.BindInt64(1, r.n)
		w.lessRun.BindInt64(2, fewer)
		return run(w.lessRun)
	}
	w.dropRun.BindInt64(1, r.n)
	w.dropParts.BindInt64(1, r.part(0))
	w.dropParts.BindInt64(2, r.filterAt())
	return errors.Join(run(w.dropRun), run(w.dropParts))
}

// makeRun writes the hints that came lately as a run.
func (w *writer) makeRun() error {
	c := &w.chance
	all := make([]hint, 0, len(c.lately))
	for i := range c.lately {
		if !c.lately[i].gone {
			all = append(all, c.lately[i].hint)
		}
	}
	made := &sortedRun{n: 1, live: int64(len(all)), filter: newFilter(len(all))}
	if len(c.runs) > 0 {
		made.n = c.runs[len(c.runs)-1].n + 1
	}
	w.naming.made = made
	if err := run(w.clearLately); err != nil || len(all) == 0 {
		return err
	}
	// A row that two hints name belongs to the later one, which stands first.
	slices.SortFunc(all, func(a, b hint) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(b.row, a.row)) })
	w.addRun.BindInt64(1, made.n)
	w.addRun.BindInt64(2, made.live)
	if err := run(w.addRun); err != nil {
		return err
	}
	write := func(n int64, entries []byte) error {
		w.addPart.BindInt64(1, n)
		w.addPart.BindBytes(2, entries)
		return run(w.addPart)
	}
	for i := 0; i < len(all); {
		first := made.part(all[i].hash)
		var part []byte
		for ; i < len(all) && made.part(all[i].hash) == first; i++ {
			part = all[i].append(part)
			made.filter.add(all[i].hash)
		}
		if err := write(first, part); err != nil {
			return err
		}
	}
	return write(made.filterAt(), made.filter.bytes())
}

// namesCommitted makes the index in memory what it is on disk now.
func (w *writer) namesCommitted() {
	n, c := &w.naming, &w.chance
	if n.made == nil && len(n.fewer) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for r, fewer := range n.fewer {
		r.live -= fewer
	}
	runs := make([]*sortedRun, 0, len(c.runs)+1) // readers may have the old list
	for _, r := range c.runs {
		if r.live > 0 {
			runs = append(runs, r)
		}
	}
	if n.made != nil {
		c.lately, c.last = nil, map[uint64]int32{}
		if n.made.live > 0 {
			runs = append(runs, n.made)
		}
	}
	if n.made != nil || len(runs) < len(c.runs) {
		c.moved++
	}
	c.runs = runs
}

// Of snapshots.

const (
	getNamed  = "SELECT " + docColumns + " FROM doc d WHERE n = ? AND scope = ? AND id = ? AND past = 2"
	walkNamed = "SELECT " + docColumns + ", d.earlier FROM doc d WHERE past = 2"
	readRuns  = "SELECT n FROM run ORDER BY n DESC"
)

// byChance calls yield for the row of a document named by chance, if there is one.
func (s *snapshot) byChance(scope store.Scope, id string, yield func(*sqlite.Stmt) (bool, error)) error {
	if err := s.e.loadNames(); err != nil {
		return err
	}
	if err := s.begin(); err != nil {
		return err
	}
	found := false
	try := func(rows []int64) (err error) {
		for i := 0; i < len(rows) && err == nil && !found; i++ {
			err = s.query(getNamed, func(st *sqlite.Stmt) {
				st.BindInt64(1, rows[i])
				st.BindInt64(2, int64(scope))
				st.BindText(3, id)
			}, func(st *sqlite.Stmt) (bool, error) {
				found = true
				return yield(st)
			})
		}
		return err
	}
	tryPart := func(r *sortedRun, hash uint64) (there bool, err error) {
		var rows []int64
		err = s.query(readPart, func(st *sqlite.Stmt) { st.BindInt64(1, r.part(hash)) }, func(st *sqlite.Stmt) (bool, error) {
			there, rows = true, inPart(nil, readBlob(st, 0), hash)
			return false, nil
		})
		if err == nil {
			err = try(rows)
		}
		return there, err
	}
	hash := hashOf(scope, id)
	rows, runs, moved := s.e.writer.chance.maybe(hash)
	if err := try(rows); err != nil || found {
		return err
	}
	asThen := moved == s.moved
	for _, r := range runs {
		there, err := tryPart(r, hash)
		if err != nil || found {
			return err
		}
		asThen = asThen && there
	}
	if asThen {
		return nil
	}
	// Hints have moved since the snapshot began. It is searched as it is.
	var all []*sortedRun
	err := s.query(readRuns, func(*sqlite.Stmt) {}, func(st *sqlite.Stmt) (bool, error) {
		all = append(all, &sortedRun{n: st.ColumnInt64(0)})
		return true, nil
	})
	for i := 0; i < len(all) && err == nil && !found; i++ {
		_, err = tryPart(all[i], hash)
	}
	if err != nil || found {
		return err
	}
	rows = nil
	err = s.query(readLately, func(*sqlite.Stmt) {}, func(st *sqlite.Stmt) (bool, error) {
		hints(readBlob(st, 0), func(h hint) {
			if h.hash == hash && h.row > 0 {
				rows = append(rows, h.row)
			}
		})
		return true, nil
	})
	if err != nil {
		return err
	}
	return try(rows)
}

// loadNames reads the index into memory, if it is not there.
func (e *Engine) loadNames() error {
	if loaded, _ := e.writer.chance.isLoaded(); loaded {
		return nil
	}
	e.writing.Lock()
	defer e.writing.Unlock()
	if e.closed.Load() {
		return store.ErrClosed
	}
	return e.writer.chance.load(e.writer.conn)
}
