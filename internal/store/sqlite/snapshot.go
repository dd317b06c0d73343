package sqlite

import (
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"florin/internal/store"
)

// A snapshot is one read transaction. It begins at the first read, so that a snapshot which nobody reads from costs nothing.
type snapshot struct {
	e      *Engine
	ctx    context.Context
	c      *conn // nil before the first read
	moved  int64 // which places of hints it may know (chance.go)
	broken bool  // the connection had an error that is better not met again
	closed bool
}

// Snapshot opens a view. It waits for nothing; the first read may, if too many snapshots read already.
func (e *Engine) Snapshot(ctx context.Context) (store.Snapshot, error) {
	if e.closed.Load() {
		return nil, store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &snapshot{e: e, ctx: ctx}, nil
}

// Close ends the transaction.
func (s *snapshot) Close() {
	if s.closed {
		return
	}
	s.closed = true
	if s.c == nil {
		return
	}
	if err := s.exec("COMMIT"); err != nil {
		s.broken = true
	}
	s.e.readers.put(s.c, s.broken)
	s.c = nil
}

func (s *snapshot) begin() error {
	if s.closed {
		return errors.New("sqlite: read from a closed snapshot")
	}
	if err := s.ctx.Err(); err != nil || s.c != nil {
		return err
	}
	c, err := s.e.readers.take(s.ctx)
	if err != nil {
		return err
	}
	s.c = c
	_, s.moved = s.e.writer.chance.isLoaded()
	return s.exec("BEGIN")
}

func (s *snapshot) exec(sql string) error {
	st, err := s.c.take(sql)
	if err != nil {
		return err
	}
	defer s.c.put(sql, st)
	_, err = st.Step()
	return err
}

// query runs a statement, binding its parameters, until yield returns false. Each row is read when yield is done with the one before it.
func (s *snapshot) query(sql string, bind func(*sqlite.Stmt), yield func(*sqlite.Stmt) (bool, error)) error {
	if err := s.begin(); err != nil {
		return err
	}
	st, err := s.c.take(sql)
	if err != nil {
		return s.failed(err)
	}
	defer s.c.put(sql, st)
	bind(st)
	for {
		row, err := st.Step()
		if err != nil {
			return s.failed(err)
		}
		if !row {
			return nil
		}
		if more, err := yield(st); !more || err != nil {
			return err
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
	}
}

func (s *snapshot) failed(err error) error {
	s.broken = true
	return fmt.Errorf("sqlite: %w", err)
}

// docColumns are what readDoc reads. The table is called d in every query.
const docColumns = "d.scope, d.id, d.ver, d.kind, d.created, d.seq, d.deleted, d.body, d.priv"

func (s *snapshot) readDoc(st *sqlite.Stmt) *store.Doc { return readDoc(st, &s.e.names) }

func readDoc(st *sqlite.Stmt, names *names) *store.Doc {
	return &store.Doc{
		Scope:   store.Scope(st.ColumnInt64(0)),
		ID:      st.ColumnText(1),
		Ver:     st.ColumnInt64(2),
		Kind:    names.known.Load().text[st.ColumnInt64(3)],
		Created: st.ColumnInt64(4),
		Seq:     st.ColumnInt64(5),
		Deleted: st.ColumnInt64(6) != 0,
		Body:    readBlob(st, 7),
		Priv:    readBlob(st, 8),
	}
}

func readBlob(st *sqlite.Stmt, col int) []byte {
	n := st.ColumnLen(col)
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	st.ColumnBytes(col, b)
	return b
}

const (
	getDoc = "SELECT " + docColumns + " FROM doc d WHERE scope = ? AND id = ? AND past = 0"
	// The row of a version is its own, or that of the next one that has a row.
	getVersion = "SELECT " + docColumns + ", d.earlier FROM doc d WHERE scope = ? AND id = ? AND past = 1 AND ver >= ? ORDER BY ver LIMIT 1"
	getCurrent = "SELECT " + docColumns + ", d.earlier FROM doc d WHERE scope = ? AND id = ? AND past = 0 AND ver >= ?"
	// Both halves are read along their indexes, side by side.
	walkVersions = "SELECT " + docColumns + ", d.earlier FROM doc d WHERE past = 1 UNION ALL " +
		"SELECT " + docColumns + ", d.earlier FROM doc d WHERE past = 0 ORDER BY 1, 2, 3"
)

// Get returns the current version.
func (s *snapshot) Get(scope store.Scope, id string) (doc *store.Doc, err error) {
	if store.ByChance(id) {
		err = s.byChance(scope, id, func(st *sqlite.Stmt) (bool, error) {
			doc = s.readDoc(st)
			return false, nil
		})
		return doc, err
	}
	err = s.query(getDoc, func(st *sqlite.Stmt) {
		st.BindInt64(1, int64(scope))
		st.BindText(2, id)
	}, func(st *sqlite.Stmt) (bool, error) {
		doc = s.readDoc(st)
		return false, nil
	})
	return doc, err
}

// Version returns one version.
func (s *snapshot) Version(scope store.Scope, id string, ver int64) (doc *store.Doc, err error) {
	if store.ByChance(id) {
		if doc, err = s.Get(scope, id); doc == nil || doc.Ver != ver {
			return nil, err
		}
		return doc, err
	}
	for _, sql := range []string{getCurrent, getVersion} {
		err = s.query(sql, func(st *sqlite.Stmt) {
			st.BindInt64(1, int64(scope))
			st.BindText(2, id)
			st.BindInt64(3, ver)
		}, func(st *sqlite.Stmt) (bool, error) {
			err := s.eachVersion(st, func(d *store.Doc) bool {
				if d.Ver == ver {
					doc = d
				}
				return doc == nil
			})
			return false, err
		})
		if doc != nil || err != nil {
			return doc, err
		}
	}
	return nil, nil
}

// eachVersion calls yield for the versions of a row, oldest first, until it returns false. The row has docColumns and then earlier.
func (s *snapshot) eachVersion(st *sqlite.Stmt, yield func(*store.Doc) bool) error {
	row := s.readDoc(st)
	if !st.ColumnIsNull(9) {
		earlier, err := store.ReadEarlier(readBlob(st, 9), row)
		if err != nil {
			return fmt.Errorf("%s: %w", row.ID, err)
		}
		for i := range earlier {
			if !yield(&earlier[i]) {
				return nil
			}
		}
	}
	yield(row)
	return nil
}

const (
	inRange = " WHERE p.scope = ? AND p.name = ? AND p.value = ? AND (p.created, p.seq) > (?, ?) AND (p.created, p.seq) < (?, ?)"
	// A document that is gone shows as a row without one, so that it is not passed over in silence.
	scan     = "SELECT " + docColumns + ", p.id FROM place p LEFT JOIN doc d ON d.scope = p.scope AND d.id = p.id AND d.past = 0" + inRange
	scanUp   = scan + " ORDER BY p.created, p.seq, p.id"
	scanDown = scan + " ORDER BY p.created DESC, p.seq DESC, p.id DESC"
	has      = "SELECT 1 FROM place p" + inRange + " LIMIT 1"
)

// Scan reads along an index.
func (s *snapshot) Scan(q store.Query, yield func(*store.Doc) bool) error {
	sql := scanDown
	if q.Ascending {
		sql = scanUp
	}
	return s.scan(q, sql, func(st *sqlite.Stmt) (bool, error) {
		if !st.ColumnIsNull(1) {
			return yield(s.readDoc(st)), nil
		}
		id := st.ColumnText(9)
		if store.ByChance(id) {
			if doc, err := s.Get(q.Scope, id); doc != nil || err != nil {
				return err == nil && yield(doc), err
			}
		}
		return false, fmt.Errorf("sqlite: index %s=%s names %s, which is gone", q.Index, q.Value, id)
	})
}

// Has looks for one index entry.
func (s *snapshot) Has(q store.Query) (found bool, err error) {
	err = s.scan(q, has, func(*sqlite.Stmt) (bool, error) {
		found = true
		return false, nil
	})
	return found, err
}

func (s *snapshot) scan(q store.Query, sql string, yield func(*sqlite.Stmt) (bool, error)) error {
	if err := s.begin(); err != nil {
		return err
	}
	name, ok := s.e.names.known.Load().number[q.Index]
	if !ok {
		// No transaction that has ended uses the name. One that ends now must be seen by all reads of the snapshot, or by none.
		if err := s.exec("SELECT n FROM name LIMIT 1"); err != nil {
			return s.failed(err)
		}
		if name, ok = s.e.names.known.Load().number[q.Index]; !ok {
			return nil
		}
	}
	low, high := q.Bounds()
	return s.query(sql, func(st *sqlite.Stmt) {
		st.BindInt64(1, int64(q.Scope))
		st.BindInt64(2, name)
		st.BindText(3, q.Value)
		st.BindInt64(4, low.Created)
		st.BindInt64(5, low.Seq)
		st.BindInt64(6, high.Created)
		st.BindInt64(7, high.Seq)
	}, yield)
}

// Moves reads the moves of one source.
func (s *snapshot) Moves(scope store.Scope, source string, yield func(store.Move) bool) error {
	return s.query(selectMove+" WHERE scope = ? AND source = ? ORDER BY seq", func(st *sqlite.Stmt) {
		st.BindInt64(1, int64(scope))
		st.BindText(2, source)
	}, func(st *sqlite.Stmt) (bool, error) { return yield(readMove(st)), nil })
}

// Walk reads every current document.
func (s *snapshot) Walk(yield func(*store.Doc) bool) error {
	return s.query("SELECT "+docColumns+" FROM doc d WHERE past <> 1",
		func(*sqlite.Stmt) {}, func(st *sqlite.Stmt) (bool, error) { return yield(s.readDoc(st)), nil })
}

// WalkVersions reads every version.
func (s *snapshot) WalkVersions(yield func(*store.Doc) bool) error {
	more := true
	err := s.query(walkVersions, func(*sqlite.Stmt) {}, func(st *sqlite.Stmt) (bool, error) {
		err := s.eachVersion(st, func(d *store.Doc) bool { more = yield(d); return more })
		return more, err
	})
	if err != nil || !more {
		return err
	}
	return s.query(walkNamed, func(*sqlite.Stmt) {}, func(st *sqlite.Stmt) (bool, error) { return yield(s.readDoc(st)), nil })
}

// WalkMoves reads every move.
func (s *snapshot) WalkMoves(yield func(store.Move) bool) error {
	return s.query(selectMove+" ORDER BY seq",
		func(*sqlite.Stmt) {}, func(st *sqlite.Stmt) (bool, error) { return yield(readMove(st)), nil })
}

// WalkIndex reads every index entry.
func (s *snapshot) WalkIndex(yield func(store.Scope, store.Entry, store.Pos, string) bool) error {
	return s.query(`SELECT scope, name, value, created, seq,
			EXISTS (SELECT 1 FROM doc WHERE scope = p.scope AND id = p.id AND past = 0), id FROM place p`,
		func(*sqlite.Stmt) {}, func(st *sqlite.Stmt) (bool, error) {
			scope, id := store.Scope(st.ColumnInt64(0)), st.ColumnText(6)
			there := st.ColumnInt64(5) != 0
			if !there && store.ByChance(id) {
				if doc, err := s.Get(scope, id); err != nil {
					return false, err
				} else {
					there = doc != nil
				}
			}
			if !there {
				id = ""
			}
			e := store.Entry{Index: s.e.names.known.Load().text[st.ColumnInt64(1)], Value: st.ColumnText(2)}
			return yield(scope, e, store.Pos{Created: st.ColumnInt64(3), Seq: st.ColumnInt64(4)}, id), nil
		})
}
