package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"florin/internal/store"
)

// A snapshot is one reading transaction. It begins with the first read, so that a snapshot which nobody reads from costs nothing.
type snapshot struct {
	e      *Engine
	ctx    context.Context
	c      *conn // nil before the first read
	begun  bool
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

// Close gives the connection back. The transaction ends with the beginning of the next one (see pool.sweep).
func (s *snapshot) Close() {
	if s.closed {
		return
	}
	s.closed = true
	if s.c != nil {
		s.e.reads.put(s.c)
		s.c = nil
	}
}

// query runs a statement and reads all its rows. The first one begins the transaction in the same round trip; if it turns out that the connection was lost
// before, nothing has been read yet, and another is tried.
func (s *snapshot) query(st *statement, row func(values [][]byte) error, params ...[]byte) error {
	return s.queryFor(answerTime, st, row, params...)
}

func (s *snapshot) queryFor(wait time.Duration, st *statement, row func(values [][]byte) error, params ...[]byte) error {
	if s.closed {
		return errors.New("postgres: read from a closed snapshot")
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	for again := false; ; again = true {
		err := s.try(wait, st, row, params)
		if err == nil {
			return nil
		}
		if s.begun || again || s.c == nil || !s.c.lost() {
			return fmt.Errorf("postgres: %w", err)
		}
		s.e.reads.put(s.c)
		s.c = nil
	}
}

func (s *snapshot) try(wait time.Duration, st *statement, row func(values [][]byte) error, params [][]byte) error {
	if s.c == nil {
		c, err := s.e.reads.take(s.ctx)
		if err != nil {
			return err
		}
		s.c = c
	}
	at := 0 // the number of the statement among those that are sent
	if !s.begun {
		if s.c.open {
			s.c.send(commit)
			at++
		}
		s.c.send(beginRead)
		at++
	}
	s.c.send(st, params...)
	err := s.c.sync(wait, func(n int, values [][]byte) error {
		if n != at || row == nil {
			return nil
		}
		s.begun = true
		return row(values)
	}, nil)
	if err == nil || !s.c.lost() {
		s.begun, s.c.open = true, true
	}
	return err
}

// docColumns are what readDoc reads. The table is called d in every query.
const docColumns = "d.scope, coalesce(d.full_id, d.id), d.ver, d.kind, d.created, d.seq, d.deleted, d.body, d.priv"

func (e *Engine) readDoc(values [][]byte) *store.Doc {
	return &store.Doc{
		Scope:   store.Scope(int8Value(values[0])),
		ID:      string(values[1]),
		Ver:     int8Value(values[2]),
		Kind:    e.names.known.Load().text[int2Value(values[3])],
		Created: int8Value(values[4]),
		Seq:     int8Value(values[5]),
		Deleted: len(values[6]) == 1 && values[6][0] == 1,
		Body:    bytesValue(values[7]),
		Priv:    bytesValue(values[8]),
	}
}

// kinds sees to it that documents have their kinds: another node may have given one its number since.
func (s *snapshot) kinds(docs []found) error {
	for i := range docs {
		if d := docs[i].doc; d != nil && d.Kind == "" {
			text, err := s.e.text(s.ctx, docs[i].kind)
			if err != nil {
				return err
			}
			d.Kind = text
		}
	}
	return nil
}

// found is a document that a query found.
type found struct {
	doc  *store.Doc
	kind int16
	pos  store.Pos
	id   []byte // as it stands in indexes

	earlier []byte // the versions that stand in its row besides, if they were asked for
}

var (
	getDoc = prepared("get", "SELECT "+docColumns+" FROM doc d WHERE scope = $1::bigint AND id = $2::bytea AND slot = 0")
	// The version stands in the row of the next one that has a row, if it has none of its own.
	getVersion = prepared("version", `
		(SELECT `+docColumns+`, d.earlier FROM doc d WHERE scope = $1::bigint AND id = $2::bytea AND slot >= $3::bigint AND slot > 0 ORDER BY slot LIMIT 1)
		UNION ALL SELECT `+docColumns+`, d.earlier FROM doc d WHERE scope = $1::bigint AND id = $2::bytea AND slot = 0 AND ver >= $3::bigint`)
)

// Get returns the current version.
func (s *snapshot) Get(scope store.Scope, id string) (*store.Doc, error) {
	return s.one(getDoc, int8Param(int64(scope)), shortKey(id))
}

// Version returns one version.
func (s *snapshot) Version(scope store.Scope, id string, ver int64) (*store.Doc, error) {
	var rows []found
	if err := s.query(getVersion, func(values [][]byte) error {
		rows = append(rows, s.e.readVersions(values))
		return nil
	}, int8Param(int64(scope)), shortKey(id), int8Param(ver)); err != nil {
		return nil, err
	}
	if err := s.kinds(rows); err != nil {
		return nil, err
	}
	for i := range rows {
		versions, err := rows[i].versions()
		if err != nil {
			return nil, err
		}
		for _, d := range versions {
			if d.Ver == ver {
				return d, nil
			}
		}
	}
	return nil, nil
}

// readVersions reads a row that has docColumns and then earlier.
func (e *Engine) readVersions(values [][]byte) found {
	return found{doc: e.readDoc(values), kind: int2Value(values[3]), earlier: bytesValue(values[9])}
}

// versions are those that stand in a row, oldest first.
func (f *found) versions() ([]*store.Doc, error) {
	if f.earlier == nil {
		return []*store.Doc{f.doc}, nil
	}
	earlier, err := store.ReadEarlier(f.earlier, f.doc)
	if err != nil {
		return nil, err
	}
	all := make([]*store.Doc, 0, len(earlier)+1)
	for i := range earlier {
		all = append(all, &earlier[i])
	}
	return append(all, f.doc), nil
}

func (s *snapshot) one(st *statement, params ...[]byte) (*store.Doc, error) {
	var f [1]found
	if err := s.query(st, func(values [][]byte) error {
		f[0] = found{doc: s.e.readDoc(values), kind: int2Value(values[3])}
		return nil
	}, params...); err != nil {
		return nil, err
	}
	return f[0].doc, s.kinds(f[:])
}

const (
	inRange = " WHERE p.scope = $1::bigint AND p.name = $2::smallint AND p.value = $3::bytea" +
		" AND (p.created, p.seq, p.id) > ($4::bigint, $5::bigint, $6::bytea) AND (p.created, p.seq, p.id) < ($7::bigint, $8::bigint, $9::bytea)"
	// A document that is gone shows as a row without one, so that it is not passed over in silence.
	scanRows = "SELECT " + docColumns + ", p.created, p.seq, p.id FROM place p LEFT JOIN doc d ON d.scope = p.scope AND d.id = p.id AND d.slot = 0" + inRange
)

var (
	scanUp   = prepared("scan_up", scanRows+" ORDER BY p.created, p.seq, p.id LIMIT $10::bigint")
	scanDown = prepared("scan_down", scanRows+" ORDER BY p.created DESC, p.seq DESC, p.id DESC LIMIT $10::bigint")
	has      = prepared("has", "SELECT true FROM place p"+inRange+" LIMIT 1")
)

// Pages of a scan: most readers stop soon, and those who do not are in for many.
const (
	firstPage = 16
	lastPage  = 1024
)

// last is behind every id.
var last = []byte{0xff, 0xff, 0xff, 0xff}

// A span is where a scan goes: from low to high, both left out.
type span struct {
	name      int16
	value     []byte
	low, high store.Pos
	lowID     []byte
	highID    []byte
}

func (s *snapshot) span(q *store.Query) (*span, error) {
	n, err := s.e.number(s.ctx, q.Index)
	if err != nil {
		return nil, err
	}
	low, high := q.Bounds()
	value, _ := short(q.Value)
	if value == nil {
		value = []byte{}
	}
	return &span{n, value, low, high, last, []byte{}}, nil
}

func (sp *span) params(q *store.Query, more ...[]byte) [][]byte {
	return append([][]byte{
		int8Param(int64(q.Scope)), int2Param(sp.name), sp.value,
		int8Param(sp.low.Created), int8Param(sp.low.Seq), sp.lowID, int8Param(sp.high.Created), int8Param(sp.high.Seq), sp.highID,
	}, more...)
}

// Scan reads along an index, page by page: yield is called when a page has been read, so it may read from the snapshot, too.
func (s *snapshot) Scan(q store.Query, yield func(*store.Doc) bool) error {
	st := scanDown
	if q.Ascending {
		st = scanUp
	}
	sp, err := s.span(&q)
	if err != nil {
		return err
	}
	for page := int64(firstPage); ; page = min(page*4, lastPage) {
		rows := make([]found, 0, page)
		if err := s.query(st, func(values [][]byte) error {
			f := found{pos: store.Pos{Created: int8Value(values[9]), Seq: int8Value(values[10])}, id: bytesValue(values[11])}
			if values[1] == nil {
				return fmt.Errorf("index %s=%s names %s, which is gone", q.Index, q.Value, f.id)
			}
			f.doc, f.kind = s.e.readDoc(values), int2Value(values[3])
			rows = append(rows, f)
			return nil
		}, sp.params(&q, int8Param(page))...); err != nil {
			return err
		}
		if err := s.kinds(rows); err != nil {
			return err
		}
		for i := range rows {
			if !yield(rows[i].doc) {
				return nil
			}
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
		if int64(len(rows)) < page {
			return nil
		}
		end := rows[len(rows)-1]
		if q.Ascending {
			sp.low, sp.lowID = end.pos, end.id
		} else {
			sp.high, sp.highID = end.pos, end.id
		}
	}
}

// Has looks for one index entry.
func (s *snapshot) Has(q store.Query) (found bool, err error) {
	sp, err := s.span(&q)
	if err != nil {
		return false, err
	}
	err = s.query(has, func([][]byte) error {
		found = true
		return nil
	}, sp.params(&q)...)
	return found, err
}

const selectMove = `SELECT seq, scope, source, "from", "to", currency, amount, available_on, created FROM move`

var (
	sourceMoves = prepared("moves", selectMove+" WHERE scope = $1::bigint AND source = $2::bytea ORDER BY seq")
	allMoves    = prepared("all_moves", "DECLARE moves NO SCROLL CURSOR FOR "+selectMove+" ORDER BY seq")
	nextMoves   = prepared("next_moves", "FETCH 1000 FROM moves")
	endMoves    = prepared("end_moves", "CLOSE moves")
	walkDocs    = prepared("walk", "SELECT "+docColumns+", NULL::bytea, d.id FROM doc d WHERE slot = 0 AND (scope, id) > ($1::bigint, $2::bytea) ORDER BY scope, id LIMIT 1000")
	walkVersion = prepared("walk_versions", "SELECT "+docColumns+", d.earlier, d.id FROM doc d"+
		" WHERE (scope, id) >= ($1::bigint, $2::bytea) AND (scope, id, ver) > ($1::bigint, $2::bytea, $3::bigint) ORDER BY scope, id, ver LIMIT 1000")
	walkPlaces = prepared("walk_index", `
		SELECT p.scope, p.name, coalesce(p.full_value, p.value), p.created, p.seq, coalesce(d.full_id, d.id), p.value, p.id
		FROM place p LEFT JOIN doc d ON d.scope = p.scope AND d.id = p.id AND d.slot = 0
		WHERE (p.scope, p.name, p.value, p.created, p.seq, p.id) > ($1::bigint, $2::smallint, $3::bytea, $4::bigint, $5::bigint, $6::bytea)
		ORDER BY p.scope, p.name, p.value, p.created, p.seq, p.id LIMIT 1000`)
)

func readMove(values [][]byte) store.Move {
	return store.Move{
		Seq:         int8Value(values[0]),
		Scope:       store.Scope(int8Value(values[1])),
		Source:      string(values[2]),
		From:        string(values[3]),
		To:          string(values[4]),
		Currency:    string(values[5]),
		Amount:      int8Value(values[6]),
		AvailableOn: int8Value(values[7]),
		Created:     int8Value(values[8]),
	}
}

// Moves reads the moves of one source.
func (s *snapshot) Moves(scope store.Scope, source string, yield func(store.Move) bool) error {
	var moves []store.Move
	if err := s.query(sourceMoves, func(values [][]byte) error {
		moves = append(moves, readMove(values))
		return nil
	}, int8Param(int64(scope)), []byte(source)); err != nil {
		return err
	}
	if err := s.yieldMoves(moves, yield); err != errStopped {
		return err
	}
	return nil
}

// yieldMoves calls yield for each move.
func (s *snapshot) yieldMoves(moves []store.Move, yield func(store.Move) bool) error {
	for _, m := range moves {
		if !yield(m) {
			return errStopped
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// errStopped says that yield wants no more.
var errStopped = errors.New("stopped")

// WalkMoves reads every move. The order of their numbers is no index's, so PostgreSQL sorts them.
func (s *snapshot) WalkMoves(yield func(store.Move) bool) error {
	if err := s.queryFor(0, allMoves, nil); err != nil {
		return err
	}
	for {
		var moves []store.Move
		if err := s.queryFor(0, nextMoves, func(values [][]byte) error {
			moves = append(moves, readMove(values))
			return nil
		}); err != nil {
			return err
		}
		err := s.yieldMoves(moves, yield)
		if err == nil && len(moves) > 0 {
			continue
		}
		if err == errStopped {
			err = nil
		}
		if cerr := s.query(endMoves, nil); err == nil {
			err = cerr
		}
		return err
	}
}

// Walk reads every current document.
func (s *snapshot) Walk(yield func(*store.Doc) bool) error {
	return s.walk(walkDocs, func(f *found) [][]byte { return [][]byte{int8Param(int64(f.doc.Scope)), f.id} }, yield)
}

// WalkVersions reads every version.
func (s *snapshot) WalkVersions(yield func(*store.Doc) bool) error {
	return s.walk(walkVersion, func(f *found) [][]byte {
		return [][]byte{int8Param(int64(f.doc.Scope)), f.id, int8Param(f.doc.Ver)}
	}, yield)
}

// walk reads all that a statement finds, page by page, each behind the last document of the one before.
func (s *snapshot) walk(st *statement, behind func(*found) [][]byte, yield func(*store.Doc) bool) error {
	end := found{doc: &store.Doc{Scope: math.MinInt64}, id: []byte{}}
	for {
		var rows []found
		if err := s.query(st, func(values [][]byte) error {
			f := s.e.readVersions(values)
			f.id = bytesValue(values[10])
			rows = append(rows, f)
			return nil
		}, behind(&end)...); err != nil {
			return err
		}
		if err := s.kinds(rows); err != nil {
			return err
		}
		for i := range rows {
			versions, err := rows[i].versions()
			if err != nil {
				return err
			}
			for _, d := range versions {
				if !yield(d) {
					return nil
				}
			}
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
		if len(rows) == 0 {
			return nil
		}
		end = rows[len(rows)-1]
	}
}

// WalkIndex reads every index entry.
func (s *snapshot) WalkIndex(yield func(store.Scope, store.Entry, store.Pos, string) bool) error {
	type row struct {
		scope     store.Scope
		name      int16
		full      string
		pos       store.Pos
		doc       string
		value, id []byte
	}
	end := row{scope: math.MinInt64, value: []byte{}, id: []byte{}}
	for {
		var rows []row
		if err := s.query(walkPlaces, func(v [][]byte) error {
			rows = append(rows, row{
				store.Scope(int8Value(v[0])), int2Value(v[1]), string(v[2]), store.Pos{Created: int8Value(v[3]), Seq: int8Value(v[4])}, string(v[5]),
				append([]byte{}, v[6]...), append([]byte{}, v[7]...),
			})
			return nil
		}, int8Param(int64(end.scope)), int2Param(end.name), end.value, int8Param(end.pos.Created), int8Param(end.pos.Seq), end.id); err != nil {
			return err
		}
		for i := range rows {
			r := &rows[i]
			name, err := s.e.text(s.ctx, r.name)
			if err != nil {
				return err
			}
			if !yield(r.scope, store.Entry{Index: name, Value: r.full}, r.pos, r.doc) {
				return nil
			}
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
		if len(rows) == 0 {
			return nil
		}
		end = rows[len(rows)-1]
	}
}
