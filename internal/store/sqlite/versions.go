package sqlite

import (
	"bytes"
	"errors"

	"zombiezen.com/go/sqlite"

	"florin/internal/store"
)

// What follows happens to versions of the past, and seldom: they are swept when nothing refers to them any more, or sealed under another key.

// load reads a row of doc, and the versions that stand in it besides.
func (w *writer) load(n int64) (row *store.Doc, earlier []store.Doc, err error) {
	st := w.one
	st.BindInt64(1, n)
	defer st.Reset()
	found, err := st.Step()
	if err != nil || !found {
		return nil, nil, errors.Join(err, store.ErrEarlier)
	}
	row = readDoc(st, w.names)
	earlier, err = store.ReadEarlier(readBlob(st, 9), row)
	return row, earlier, err
}

// spread gives the versions that stand in a row besides its own rows of their own.
func (w *writer) spread(n int64) error {
	_, earlier, err := w.load(n)
	if err != nil {
		return err
	}
	for i := range earlier {
		w.newRow(&earlier[i], nil, isPast)
	}
	if err := w.flush(); err != nil {
		return err
	}
	return w.keepEarlier(n, nil, nil)
}

// keepEarlier writes the versions that a row has besides its own.
func (w *writer) keepEarlier(n int64, row *store.Doc, earlier []store.Doc) error {
	var col []byte
	for i := range earlier {
		col = store.AppendEarlier(col, &earlier[i], row)
	}
	w.restore.BindInt64(1, n)
	bindBlob(w.restore, 2, col)
	return run(w.restore)
}

// find1 runs a query for one row that names a version.
func (w *writer) find1(st *sqlite.Stmt, r store.Ref, past int64) (n int64, has bool, err error) {
	st.BindInt64(1, int64(r.Scope))
	st.BindText(2, r.ID)
	st.BindInt64(3, past)
	st.BindInt64(4, r.Ver)
	found, err := st.Step()
	if found {
		n = st.ColumnInt64(0)
		has = st.ColumnCount() > 1 && st.ColumnInt64(1) != 0
	}
	return n, has, errors.Join(err, st.Reset())
}

// within finds the row in which a version stands besides its own; 0 if there is none.
func (w *writer) within(r store.Ref) (n int64, err error) {
	if store.ByChance(r.ID) {
		return 0, nil
	}
	for past := int64(1); past >= 0 && n == 0 && err == nil; past-- {
		n, _, err = w.find1(w.holder, r, past)
	}
	return n, err
}

// rowOf finds the row of a version's own, current or past, and whether others stand in it besides; 0 if there is none.
func (w *writer) rowOf(r store.Ref, past int64) (n int64, has bool, err error) {
	if !store.ByChance(r.ID) {
		return w.find1(w.version, r, past)
	}
	c, err := w.find(r.Scope, r.ID)
	if err != nil || c.ver != r.Ver || past == isPast {
		return 0, false, err
	}
	err = w.written(&c)
	return c.row, false, err
}

// dropVersion forgets a version that is not current, if it is there.
func (w *writer) dropVersion(r store.Ref) error {
	if err := w.flush(); err != nil {
		return err
	}
	n, has, err := w.rowOf(r, isPast)
	if err != nil {
		return err
	}
	if n != 0 {
		if has {
			if err := w.spread(n); err != nil {
				return err
			}
		}
		w.forget.BindInt64(1, n)
		return run(w.forget)
	}
	if n, err = w.within(r); n == 0 || err != nil {
		return err
	}
	row, earlier, err := w.load(n)
	if err != nil {
		return err
	}
	left := earlier[:0]
	for _, v := range earlier {
		if v.Ver != r.Ver {
			left = append(left, v)
		}
	}
	if len(left) == len(earlier) {
		return nil
	}
	return w.keepEarlier(n, row, left)
}

// rewritePriv writes the private part of a version over, if it is there and is what it is said to be.
func (w *writer) rewritePriv(r *store.Rewrite) error {
	if err := w.flush(); err != nil {
		return err
	}
	for past := range int64(2) {
		n, has, err := w.rowOf(r.Ref, past)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		var row *store.Doc
		var earlier []store.Doc
		if has { // they are written as what they share with the private part that goes
			if row, earlier, err = w.load(n); err != nil {
				return err
			}
			if !bytes.Equal(row.Priv, r.Was) {
				return nil
			}
		}
		w.respecify.BindInt64(1, n)
		bindBlob(w.respecify, 2, r.Priv)
		bindBlob(w.respecify, 3, r.Was)
		if err := run(w.respecify); err != nil || !has {
			return err
		}
		row.Priv = r.Priv
		return w.keepEarlier(n, row, earlier)
	}
	n, err := w.within(r.Ref)
	if n == 0 || err != nil {
		return err
	}
	row, earlier, err := w.load(n)
	if err != nil {
		return err
	}
	for i := range earlier {
		if earlier[i].Ver == r.Ver && bytes.Equal(earlier[i].Priv, r.Was) {
			earlier[i].Priv = r.Priv
			return w.keepEarlier(n, row, earlier)
		}
	}
	return nil
}
