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
	careful bool               // look for what is said not to be there, rather than let the index refuse it
	docs    []newDoc           // rows of doc that wait to be written together
	numbers []int64            // the numbers of those that this batch has written, in their order
	places  []newPlace         // rows of place that do
	moves   []store.Move       // rows of move that do
	chance  chance             // where what is named by chance stands
	naming  naming             // what the batch changes of that

	begin, commit, rollback                       *sqlite.Stmt
	current, one, replace, retire, remove, forget *sqlite.Stmt // of doc
	restore, respecify                            *sqlite.Stmt
	version, holder                               *sqlite.Stmt
	insert                                        [len(docRows)]*sqlite.Stmt
	place                                         [len(placeRows)]*sqlite.Stmt
	unplace                                       *sqlite.Stmt
	move                                          [len(moveRows)]*sqlite.Stmt
	name, counter                                 *sqlite.Stmt
	purse, newPurse, unfolded, fold               *sqlite.Stmt // sums.go
	named1, part, addLately, clearLately          *sqlite.Stmt // chance.go
	addRun, lessRun, dropRun, addPart, dropParts  *sqlite.Stmt
}

type docKey struct {
	scope store.Scope
	id    string
}

// current is what the writer must know of a document's current version. The zero value says that there is none.
type current struct {
	row, ver     int64 // the row is known once it is written (see written)
	created, seq int64
	earlier      bool // versions stand in its row besides
	fresh        bool // this batch has made it: some of it may wait to be written
}

func newWriter(c *conn, n *names) (*writer, error) {
	w := &writer{conn: c, names: n, at: map[docKey]current{}}
	type statement struct {
		to  **sqlite.Stmt
		sql string
	}
	all := []statement{
		{&w.begin, "BEGIN IMMEDIATE"},
		{&w.commit, "COMMIT"},
		{&w.rollback, "ROLLBACK"},
		{&w.current, "SELECT n, ver, created, seq, earlier IS NOT NULL FROM doc WHERE scope = ? AND id = ? AND past = 0"},
		{&w.one, "SELECT " + docColumns + ", d.earlier FROM doc d WHERE n = ?"},
		{&w.replace, `UPDATE doc SET ver = ?3, past = ?4, kind = ?5, created = ?6, seq = ?7, deleted = ?8, body = ?9, priv = ?10, earlier = ?11
			WHERE n = ?12 AND scope = ?1 AND id = ?2`},
		{&w.retire, "UPDATE doc SET past = 1 WHERE n = ?"},
		{&w.remove, "DELETE FROM doc WHERE scope = ? AND id = ? AND past = ?"},
		{&w.forget, "DELETE FROM doc WHERE n = ?"},
		{&w.restore, "UPDATE doc SET earlier = ?2 WHERE n = ?1"},
		{&w.respecify, "UPDATE doc SET priv = ?2 WHERE n = ?1 AND priv IS ?3"},
		{&w.version, "SELECT n, earlier IS NOT NULL FROM doc WHERE scope = ? AND id = ? AND past = ? AND ver = ?"},
		{&w.holder, "SELECT n FROM doc WHERE scope = ? AND id = ? AND past = ? AND ver > ? AND earlier IS NOT NULL ORDER BY ver LIMIT 1"},
		{&w.unplace, "DELETE FROM place WHERE scope = ? AND name = ? AND value = ? AND created = ? AND seq = ? AND id = ?"},
		{&w.name, "INSERT INTO name (n, text) VALUES (?, ?)"},
		{&w.counter, "UPDATE counter SET value = ? WHERE name = ?"},
		{&w.purse, "SELECT n FROM purse WHERE scope = ? AND account = ? AND currency = ?"},
		{&w.newPurse, "INSERT INTO purse (scope, account, currency) VALUES (?, ?, ?)"},
		{&w.unfolded, selectMove + " WHERE seq > ? ORDER BY seq"},
		{&w.fold, `INSERT INTO fold (purse, level, bucket, amount) VALUES (?, ?, ?, ?)
			ON CONFLICT (purse, level, bucket) DO UPDATE SET amount = amount + excluded.amount`},
		{&w.named1, "SELECT n, ver, created, seq FROM doc WHERE n = ? AND scope = ? AND id = ? AND past = 2"},
		{&w.part, readPart},
		{&w.addLately, "INSERT INTO lately (entries) VALUES (?)"},
		{&w.clearLately, "DELETE FROM lately"},
		{&w.addRun, "INSERT INTO run (n, live) VALUES (?, ?)"},
		{&w.lessRun, "UPDATE run SET live = live - ?2 WHERE n = ?1"},
		{&w.dropRun, "DELETE FROM run WHERE n = ?"},
		{&w.addPart, "INSERT INTO part (n, entries) VALUES (?, ?)"},
		{&w.dropParts, "DELETE FROM part WHERE n BETWEEN ? AND ?"},
	}
	for i, rows := range docRows {
		all = append(all, statement{&w.insert[i], values("INSERT OR ROLLBACK INTO doc (scope, id, ver, past, kind, created, seq, deleted, body, priv, earlier) VALUES ",
			"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)})
	}
	for i, rows := range moveRows {
		all = append(all, statement{&w.move[i], values(`INSERT OR ROLLBACK INTO move (scope, source, "from", "to", currency, amount, available_on, created) VALUES `,
			"(?, ?, ?, ?, ?, ?, ?, ?)", rows)})
	}
	for i, rows := range placeRows {
		all = append(all, statement{&w.place[i], values("INSERT OR IGNORE INTO place (scope, name, value, created, seq, id) VALUES ", "(?, ?, ?, ?, ?, ?)", rows)})
	}
	for _, s := range all {
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
//
// Nearly every document that is said to be new is, since its id was made for it. So this is not looked up: the index refuses what is there already,
// and then the batch is done once more with care.
func (w *writer) apply(units []*store.Unit) (outcomes []error, pages int, err error) {
	w.careful = false
	outcomes, pages, err = w.attempt(units)
	if err != nil && sqlite.ErrCode(err).ToPrimary() == sqlite.ResultConstraint {
		w.careful = true
		return w.attempt(units)
	}
	return outcomes, pages, err
}

func (w *writer) attempt(units []*store.Unit) (outcomes []error, pages int, err error) {
	clear(w.at)
	w.docs, w.numbers, w.places, w.moves = w.docs[:0], w.numbers[:0], w.places[:0], w.moves[:0]
	w.naming = naming{named: w.naming.named[:0], gone: w.naming.gone[:0]}
	if err := run(w.begin); err != nil {
		return nil, 0, err
	}
	known, done := w.names.known.Load(), false
	defer func() {
		clear(w.docs[:cap(w.docs)]) // it holds bodies
		if done {
			return
		}
		// An error, or a panic on its way: as if nothing had been.
		if w.naming.touched {
			w.chance.forget()
		}
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
	// After an error SQLite may have undone the transaction, and whatever came then would be one of its own: so nothing comes.
	if err := w.flush(); err != nil {
		return nil, 0, err
	}
	if err := w.writeNames(); err != nil {
		return nil, 0, err
	}
	if err := w.flushMoves(); err != nil {
		return nil, 0, err
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
	w.namesCommitted()
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
	if store.ByChance(id) {
		c, err := w.findByChance(scope, id)
		if err == nil {
			w.at[key] = c
		}
		return c, err
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
		c = current{st.ColumnInt64(0), st.ColumnInt64(1), st.ColumnInt64(2), st.ColumnInt64(3), st.ColumnInt64(4) != 0, false}
	}
	w.at[key] = c
	return c, st.Reset()
}

// takenAsNew says whether nobody looks if what is said to be new is there, since an index refuses it if it is.
func (w *writer) takenAsNew(p *store.Put) bool {
	return p.Base == 0 && !w.careful && !store.ByChance(p.ID)
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
		if w.takenAsNew(p) {
			if w.at[docKey{p.Scope, p.ID}].ver != 0 {
				return false, nil
			}
			continue
		}
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
		if err := w.dropVersion(r); err != nil {
			return err
		}
	}
	for i := range u.Rewrites {
		if err := w.rewritePriv(&u.Rewrites[i]); err != nil {
			return err
		}
	}
	w.moves = append(w.moves, u.Moves...)
	w.moved += int64(len(u.Moves))
	return nil
}

func (w *writer) put(u *store.Unit, p *store.Put) error {
	var old current
	if !w.takenAsNew(p) {
		var err error
		if old, err = w.find(p.Scope, p.ID); err != nil {
			return err
		}
	}
	if p.Base == store.IfAbsent && old.ver != 0 {
		return nil
	}
	var earlier []byte
	for i := range u.Versions {
		if v := &u.Versions[i]; v.Scope == p.Scope && v.ID == p.ID {
			if err := w.raise(v.Seq); err != nil {
				return err
			}
			earlier = store.AppendEarlier(earlier, v, &p.Doc)
		}
	}
	now := current{ver: p.Ver, created: p.Created, seq: p.Seq, earlier: earlier != nil, fresh: true}
	if err := w.raise(p.Seq); err != nil {
		return err
	}
	if old.ver != 0 {
		if err := w.giveWay(&old, p.Keep); err != nil {
			return err
		}
	}
	if old.ver != 0 && !p.Keep {
		// The row is written over, so that what changes often does not leave the file full of holes.
		now.row = old.row
		if err := w.bindDoc(w.replace, 0, &newDoc{doc: &p.Doc, earlier: earlier, place: placeOf(p.ID)}); err != nil {
			return err
		}
		w.replace.BindInt64(docParams+1, old.row)
		if err := run(w.replace); err != nil {
			return err
		}
	} else {
		now.row = w.newRow(&p.Doc, earlier, placeOf(p.ID))
		if store.ByChance(p.ID) {
			w.naming.named = append(w.naming.named, hint{hashOf(p.Scope, p.ID), now.row})
		}
	}
	w.at[docKey{p.Scope, p.ID}] = now
	return w.moveEntries(p, old, now)
}

// giveWay makes room for the version that follows one: it becomes one of the past, or if it is not kept, the versions in its row get rows of their own.
func (w *writer) giveWay(old *current, keep bool) error {
	if err := w.written(old); err != nil {
		return err
	}
	if keep {
		w.retire.BindInt64(1, old.row)
		return run(w.retire)
	}
	if old.earlier {
		return w.spread(old.row)
	}
	return nil
}

// written sees to it that a version and its places are written, if they wait, and that its row is known.
func (w *writer) written(c *current) error {
	if !c.fresh {
		return nil
	}
	if err := w.flush(); err != nil {
		return err
	}
	c.row = w.numbered(c.row)
	return nil
}

// numbered is the number of a row that is written, of which newRow may have said where it will be.
func (w *writer) numbered(row int64) int64 {
	if row < 0 {
		return w.numbers[-row-1]
	}
	return row
}

// moveEntries takes a document out of the indexes where it stood, and puts it where it now stands.
func (w *writer) moveEntries(p *store.Put, old, now current) error {
	stays := old.ver != 0 && old.created == p.Created && old.seq == p.Seq
	if old.ver != 0 {
		for _, e := range p.Was {
			if !stays || !slices.Contains(p.Index, e) {
				if err := w.removePlace(p.Scope, e, old, p.ID); err != nil {
					return err
				}
			}
		}
	}
	for _, e := range p.Index {
		if !stays || !slices.Contains(p.Was, e) {
			if err := w.addPlace(p.Scope, e, now, p.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) delete(d *store.Delete) error {
	old, err := w.find(d.Scope, d.ID)
	if err != nil {
		return err
	}
	if err := w.written(&old); err != nil {
		return err
	}
	for _, e := range d.Was {
		if err := w.removePlace(d.Scope, e, old, d.ID); err != nil {
			return err
		}
	}
	w.at[docKey{d.Scope, d.ID}] = current{}
	if store.ByChance(d.ID) {
		w.naming.gone = append(w.naming.gone, hint{hashOf(d.Scope, d.ID), old.row})
		w.forget.BindInt64(1, old.row)
		return run(w.forget)
	}
	for past := range int64(2) {
		w.remove.BindInt64(1, int64(d.Scope))
		w.remove.BindText(2, d.ID)
		w.remove.BindInt64(3, past)
		if err := run(w.remove); err != nil {
			return err
		}
	}
	return nil
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
