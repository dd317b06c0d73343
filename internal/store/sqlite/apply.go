package sqlite

import (
	"errors"
	"slices"

	"zombiezen.com/go/sqlite"

	"florin/internal/store"
)

// A writer is the one connection that writes. It is used by Apply alone.
type writer struct {
	*conn
	names   *names
	ceiling int64              // no document has a higher Seq
	folded  int64              // moves up to this one are in folds
	moved   int64              // the last move
	at      map[docKey]current // what the batch has read or written

	begin, commit, rollback                *sqlite.Stmt
	current, insert, replace, remove, drop *sqlite.Stmt // of doc
	rewrite                                *sqlite.Stmt
	place, unplace                         *sqlite.Stmt
	move, name, counter                    *sqlite.Stmt
	purse, newPurse, unfolded, fold        *sqlite.Stmt // sums.go
}

type docKey struct {
	scope store.Scope
	id    string
}

// current is what the writer must know of a document's current version. The zero value says that there is none.
type current struct {
	row, ver     int64
	created, seq int64
}

func newWriter(c *conn, n *names) (*writer, error) {
	w := &writer{conn: c, names: n, at: map[docKey]current{}}
	for _, s := range []struct {
		to  **sqlite.Stmt
		sql string
	}{
		{&w.begin, "BEGIN IMMEDIATE"},
		{&w.commit, "COMMIT"},
		{&w.rollback, "ROLLBACK"},
		{&w.current, "SELECT n, ver, created, seq FROM doc WHERE scope = ? AND id = ? ORDER BY ver DESC LIMIT 1"},
		{&w.insert, "INSERT INTO doc (scope, id, ver, kind, created, seq, deleted, body, priv) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
		{&w.replace, "UPDATE doc SET ver = ?3, kind = ?4, created = ?5, seq = ?6, deleted = ?7, body = ?8, priv = ?9 WHERE n = ?10"},
		{&w.remove, "DELETE FROM doc WHERE scope = ? AND id = ?"},
		{&w.drop, "DELETE FROM doc WHERE scope = ?1 AND id = ?2 AND ver = ?3 AND ver < (SELECT max(ver) FROM doc WHERE scope = ?1 AND id = ?2)"},
		{&w.rewrite, "UPDATE doc SET priv = ?4 WHERE scope = ?1 AND id = ?2 AND ver = ?3 AND priv IS ?5"},
		{&w.place, "INSERT OR IGNORE INTO place (scope, name, value, created, seq, id) VALUES (?, ?, ?, ?, ?, ?)"},
		{&w.unplace, "DELETE FROM place WHERE scope = ? AND name = ? AND value = ? AND created = ? AND seq = ? AND id = ?"},
		{&w.move, `INSERT INTO move (seq, scope, source, "from", "to", currency, amount, available_on, created)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.name, "INSERT INTO name (n, text) VALUES (?, ?)"},
		{&w.counter, "UPDATE counter SET value = ? WHERE name = ?"},
		{&w.purse, "SELECT n FROM purse WHERE scope = ? AND account = ? AND currency = ?"},
		{&w.newPurse, "INSERT INTO purse (scope, account, currency) VALUES (?, ?, ?)"},
		{&w.unfolded, selectMove + " WHERE seq > ? ORDER BY seq"},
		{&w.fold, `INSERT INTO fold (purse, level, bucket, amount) VALUES (?, ?, ?, ?)
			ON CONFLICT (purse, level, bucket) DO UPDATE SET amount = amount + excluded.amount`},
	} {
		st, err := c.take(s.sql)
		if err != nil {
			return nil, err
		}
		*s.to = st
	}
	return w, w.loadCounters()
}

// loadCounters reads what is counted: at the start, and after a transaction that was undone.
func (w *writer) loadCounters() error {
	var errs [3]error
	w.ceiling, errs[0] = w.number("SELECT value FROM counter WHERE name = 'ceiling'")
	w.folded, errs[1] = w.number("SELECT value FROM counter WHERE name = 'folded'")
	w.moved, errs[2] = w.number("SELECT max(seq) FROM move")
	return errors.Join(errs[:]...)
}

// apply writes the units that pass, in one transaction, and guesses how many pages that made.
func (w *writer) apply(units []*store.Unit) (outcomes []error, pages int, err error) {
	clear(w.at)
	if err := run(w.begin); err != nil {
		return nil, 0, err
	}
	known, done := w.names.known.Load(), false
	defer func() {
		if done {
			return
		}
		// An error, or a panic on its way: as if nothing had been.
		w.names.known.Store(known)
		for _, st := range w.owned {
			st.Reset()
		}
		if !w.c.AutocommitEnabled() {
			err = errors.Join(err, run(w.rollback))
		}
		err = errors.Join(err, w.loadCounters())
	}()
	outcomes = make([]error, len(units))
	for i, u := range units {
		ok, err := w.passes(u)
		if err != nil {
			return nil, 0, err
		}
		if !ok {
			outcomes[i] = store.ErrConflict
			continue
		}
		if err := w.write(u); err != nil {
			return nil, 0, err
		}
		pages += guessPages(u)
	}
	if w.moved-w.folded >= foldEvery {
		if err := w.foldMoves(); err != nil {
			return nil, 0, err
		}
	}
	if err := run(w.commit); err != nil {
		return nil, 0, err
	}
	done = true
	return outcomes, pages, nil
}

// guessPages guesses how many pages a unit adds to the log: those of its documents, and most of those of its entries.
func guessPages(u *store.Unit) int {
	bytes, entries := 0, len(u.Moves)
	for i := range u.Puts {
		bytes += len(u.Puts[i].Body) + len(u.Puts[i].Priv)
		entries += len(u.Puts[i].Index)
	}
	return bytes>>13 + 1 + entries/4
}

// find returns what is current: read once in a batch, and kept in step with what the batch writes.
func (w *writer) find(scope store.Scope, id string) (current, error) {
	key := docKey{scope, id}
	if c, ok := w.at[key]; ok {
		return c, nil
	}
	st := w.current
	st.BindInt64(1, int64(scope))
	st.BindText(2, id)
	row, err := st.Step()
	if err != nil {
		return current{}, err
	}
	var c current
	if row {
		c = current{st.ColumnInt64(0), st.ColumnInt64(1), st.ColumnInt64(2), st.ColumnInt64(3)}
	}
	w.at[key] = c
	return c, st.Reset()
}

// passes checks a unit as a whole before anything of it is written.
func (w *writer) passes(u *store.Unit) (bool, error) {
	for _, g := range u.Guards {
		if c, err := w.find(g.Scope, g.ID); err != nil || c.ver != g.Ver {
			return false, err
		}
	}
	for i := range u.Puts {
		p := &u.Puts[i]
		if c, err := w.find(p.Scope, p.ID); err != nil || p.Base != store.IfAbsent && c.ver != p.Base {
			return false, err
		}
	}
	for _, d := range u.Deletes {
		if c, err := w.find(d.Scope, d.ID); err != nil || c.ver != d.Base {
			return false, err
		}
	}
	return true, nil
}

// After this point, the unit must succeed, or the engine fails.

func (w *writer) write(u *store.Unit) error {
	for i := range u.Puts {
		if err := w.put(u, &u.Puts[i]); err != nil {
			return err
		}
	}
	for i := range u.Deletes {
		if err := w.delete(&u.Deletes[i]); err != nil {
			return err
		}
	}
	for _, r := range u.Drops {
		w.drop.BindInt64(1, int64(r.Scope))
		w.drop.BindText(2, r.ID)
		w.drop.BindInt64(3, r.Ver)
		if err := run(w.drop); err != nil {
			return err
		}
	}
	for i := range u.Rewrites {
		r := &u.Rewrites[i]
		w.rewrite.BindInt64(1, int64(r.Scope))
		w.rewrite.BindText(2, r.ID)
		w.rewrite.BindInt64(3, r.Ver)
		bindBlob(w.rewrite, 4, r.Priv)
		bindBlob(w.rewrite, 5, r.Was)
		if err := run(w.rewrite); err != nil {
			return err
		}
	}
	for i := range u.Moves {
		if err := w.append(&u.Moves[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) put(u *store.Unit, p *store.Put) error {
	old, err := w.find(p.Scope, p.ID)
	if err != nil {
		return err
	}
	if p.Base == store.IfAbsent && old.ver != 0 {
		return nil
	}
	for i := range u.Versions {
		if v := &u.Versions[i]; v.Scope == p.Scope && v.ID == p.ID {
			if err := w.putDoc(w.insert, v); err != nil {
				return err
			}
		}
	}
	now := current{ver: p.Ver, created: p.Created, seq: p.Seq}
	if old.ver != 0 && !p.Keep {
		// The row is written over, so that what changes often does not leave the file full of holes.
		now.row = old.row
		w.replace.BindInt64(10, old.row)
		err = w.putDoc(w.replace, &p.Doc)
	} else {
		err = w.putDoc(w.insert, &p.Doc)
		now.row = w.c.LastInsertRowID()
	}
	if err != nil {
		return err
	}
	w.at[docKey{p.Scope, p.ID}] = now

	stays := old.ver != 0 && old.created == p.Created && old.seq == p.Seq
	if old.ver != 0 {
		for _, e := range p.Was {
			if !stays || !slices.Contains(p.Index, e) {
				if err := w.putPlace(w.unplace, p.Scope, e, old, p.ID); err != nil {
					return err
				}
			}
		}
	}
	for _, e := range p.Index {
		if !stays || !slices.Contains(p.Was, e) {
			if err := w.putPlace(w.place, p.Scope, e, now, p.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// putDoc writes a version with the statement, which inserts or replaces.
func (w *writer) putDoc(st *sqlite.Stmt, d *store.Doc) error {
	kind, err := w.nameNumber(d.Kind)
	if err != nil {
		return err
	}
	if err := w.raise(d.Seq); err != nil {
		return err
	}
	if st == w.insert {
		st.BindInt64(1, int64(d.Scope))
		st.BindText(2, d.ID)
	}
	st.BindInt64(3, d.Ver)
	st.BindInt64(4, kind)
	st.BindInt64(5, d.Created)
	st.BindInt64(6, d.Seq)
	st.BindBool(7, d.Deleted)
	bindBlob(st, 8, d.Body)
	bindBlob(st, 9, d.Priv)
	return run(st)
}

func (w *writer) delete(d *store.Delete) error {
	old, err := w.find(d.Scope, d.ID)
	if err != nil {
		return err
	}
	for _, e := range d.Was {
		if err := w.putPlace(w.unplace, d.Scope, e, old, d.ID); err != nil {
			return err
		}
	}
	w.at[docKey{d.Scope, d.ID}] = current{}
	w.remove.BindInt64(1, int64(d.Scope))
	w.remove.BindText(2, d.ID)
	return run(w.remove)
}

// putPlace writes or removes an index entry with the statement.
func (w *writer) putPlace(st *sqlite.Stmt, scope store.Scope, e store.Entry, c current, id string) error {
	name, err := w.nameNumber(e.Index)
	if err != nil {
		return err
	}
	st.BindInt64(1, int64(scope))
	st.BindInt64(2, name)
	st.BindText(3, e.Value)
	st.BindInt64(4, c.created)
	st.BindInt64(5, c.seq)
	st.BindText(6, id)
	return run(st)
}

func (w *writer) append(m *store.Move) error {
	w.moved++
	st := w.move
	st.BindInt64(1, w.moved)
	st.BindInt64(2, int64(m.Scope))
	st.BindText(3, m.Source)
	st.BindText(4, m.From)
	st.BindText(5, m.To)
	st.BindText(6, m.Currency)
	st.BindInt64(7, m.Amount)
	st.BindInt64(8, m.AvailableOn)
	st.BindInt64(9, m.Created)
	return run(st)
}

// nameNumber returns the number for the name of a kind or index, and gives one to a new name.
func (w *writer) nameNumber(name string) (int64, error) {
	if n, ok := w.names.known.Load().number[name]; ok {
		return n, nil
	}
	n := w.names.add(name)
	w.name.BindInt64(1, n)
	w.name.BindText(2, name)
	return n, run(w.name)
}

// headroom is how far the ceiling is put above a Seq that reaches it: ten seconds of them, so that it is written that seldom.
const headroom = 10_000_000

func (w *writer) raise(seq int64) error {
	if seq <= w.ceiling {
		return nil
	}
	w.ceiling = seq + headroom
	return w.count("ceiling", w.ceiling)
}

func (w *writer) count(name string, value int64) error {
	w.counter.BindInt64(1, value)
	w.counter.BindText(2, name)
	return run(w.counter)
}

// run runs a statement that answers nothing.
func run(st *sqlite.Stmt) error {
	if _, err := st.Step(); err != nil {
		return err
	}
	return st.Reset()
}

func bindBlob(st *sqlite.Stmt, param int, b []byte) {
	if len(b) == 0 {
		st.BindNull(param)
		return
	}
	st.BindBytes(param, b)
}
