package sqlite

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"florin/internal/store"
)

// New rows of a batch are gathered and written some at a time, since half of what a row costs is the statement around it.

// docRows, placeRows and moveRows are how many rows the statements write that there are, the most first.
var (
	docRows   = [...]int{8, 1}
	placeRows = [...]int{32, 8, 1}
	moveRows  = [...]int{16, 1}
)

// values is a statement that inserts so many rows. It says OR ROLLBACK (or IGNORE), and SQLite numbers the rows itself: a statement that could fail and
// leave the transaction standing, as by a number that is none, makes SQLite copy every page that it touches beforehand.
func values(head, row string, rows int) string {
	return head + strings.Repeat(row+", ", rows-1) + row
}

// A newDoc is a row of doc that is to be written.
type newDoc struct {
	doc     *store.Doc
	earlier []byte
	place   int64 // column past
}

// What column past says of a row: it has the current version of a document, or one of the past; or a current one, of a document named by chance.
const (
	isCurrent = iota
	isPast
	isNamed
)

func placeOf(id string) int64 {
	if store.ByChance(id) {
		return isNamed
	}
	return isCurrent
}

// A newPlace is a row of place that is to be written.
type newPlace struct {
	scope store.Scope
	name  int64
	value string
	pos   store.Pos
	id    string
}

// newRow adds a row of doc, and returns where in w.numbers its number will be, as -1, -2…
func (w *writer) newRow(d *store.Doc, earlier []byte, place int64) int64 {
	w.docs = append(w.docs, newDoc{d, earlier, place})
	return -int64(len(w.numbers) + len(w.docs))
}

// flush writes the rows that wait.
func (w *writer) flush() error {
	err := inParts(w.docs, docRows[:], w.insert[:], func(st *sqlite.Stmt, at int, r *newDoc) error { return w.bindDoc(st, at*docParams, r) }, func(rows int) error {
		last := w.c.LastInsertRowID()
		for n := last - int64(rows) + 1; n <= last; n++ {
			w.numbers = append(w.numbers, n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.docs = w.docs[:0]
	return w.flushPlaces()
}

// flushMoves writes the moves that wait. They get the numbers that were counted for them, since no move is ever deleted.
func (w *writer) flushMoves() error {
	seq := w.moved - int64(len(w.moves))
	return inParts(w.moves, moveRows[:], w.move[:], func(st *sqlite.Stmt, at int, m *store.Move) error {
		st.BindInt64(at*8+1, int64(m.Scope))
		st.BindText(at*8+2, m.Source)
		st.BindText(at*8+3, m.From)
		st.BindText(at*8+4, m.To)
		st.BindText(at*8+5, m.Currency)
		st.BindInt64(at*8+6, m.Amount)
		st.BindInt64(at*8+7, m.AvailableOn)
		st.BindInt64(at*8+8, m.Created)
		return nil
	}, func(rows int) error {
		seq += int64(rows)
		if last := w.c.LastInsertRowID(); last != seq {
			return fmt.Errorf("move %d got the number %d", seq, last)
		}
		return nil
	})
}

// inParts runs statements that each write so many rows, until all are written, and says after each how many it wrote.
func inParts[T any](rest []T, rows []int, statements []*sqlite.Stmt, bind func(st *sqlite.Stmt, at int, row *T) error, wrote func(rows int) error) error {
	for len(rest) > 0 {
		i := slices.IndexFunc(rows, func(n int) bool { return n <= len(rest) })
		for at := range rows[i] {
			if err := bind(statements[i], at, &rest[at]); err != nil {
				return err
			}
		}
		if err := run(statements[i]); err != nil {
			return err
		}
		if err := wrote(rows[i]); err != nil {
			return err
		}
		rest = rest[rows[i]:]
	}
	return nil
}

// flushPlaces writes the rows of place that wait, in the order of the table, which finds neighbours on the same page.
func (w *writer) flushPlaces() error {
	slices.SortFunc(w.places, func(a, b newPlace) int {
		return cmp.Or(cmp.Compare(a.scope, b.scope), cmp.Compare(a.name, b.name), cmp.Compare(a.value, b.value),
			cmp.Compare(a.pos.Created, b.pos.Created), cmp.Compare(a.pos.Seq, b.pos.Seq))
	})
	err := inParts(w.places, placeRows[:], w.place[:], func(st *sqlite.Stmt, at int, p *newPlace) error {
		bindPlace(st, at*6, p)
		return nil
	}, func(int) error { return nil })
	w.places = w.places[:0]
	return err
}

// addPlace adds an entry of a document to an index.
func (w *writer) addPlace(scope store.Scope, e store.Entry, c current, id string) error {
	name, err := w.nameNumber(e.Index)
	w.places = append(w.places, newPlace{scope, name, e.Value, store.Pos{Created: c.created, Seq: c.seq}, id})
	return err
}

// removePlace takes an entry out of an index.
func (w *writer) removePlace(scope store.Scope, e store.Entry, c current, id string) error {
	name, err := w.nameNumber(e.Index)
	if err != nil {
		return err
	}
	bindPlace(w.unplace, 0, &newPlace{scope, name, e.Value, store.Pos{Created: c.created, Seq: c.seq}, id})
	return run(w.unplace)
}

// bindPlace binds a row of place to the six parameters behind at.
func bindPlace(st *sqlite.Stmt, at int, p *newPlace) {
	st.BindInt64(at+1, int64(p.scope))
	st.BindInt64(at+2, p.name)
	st.BindText(at+3, p.value)
	st.BindInt64(at+4, p.pos.Created)
	st.BindInt64(at+5, p.pos.Seq)
	st.BindText(at+6, p.id)
}

// docParams is how many parameters bindDoc binds.
const docParams = 11

// bindDoc binds a row of doc, but for its number, to the parameters behind at.
func (w *writer) bindDoc(st *sqlite.Stmt, at int, r *newDoc) error {
	kind, err := w.nameNumber(r.doc.Kind)
	if err != nil {
		return err
	}
	st.BindInt64(at+1, int64(r.doc.Scope))
	st.BindText(at+2, r.doc.ID)
	st.BindInt64(at+3, r.doc.Ver)
	st.BindInt64(at+4, r.place)
	st.BindInt64(at+5, kind)
	st.BindInt64(at+6, r.doc.Created)
	st.BindInt64(at+7, r.doc.Seq)
	st.BindBool(at+8, r.doc.Deleted)
	bindBlob(st, at+9, r.doc.Body)
	bindBlob(st, at+10, r.doc.Priv)
	bindBlob(st, at+11, r.earlier)
	return nil
}
