package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"

	"zombiezen.com/go/sqlite"
)

// An Image is the database as it was at one moment, page by page, while others go on writing. As long as it is open the log cannot begin
// anew, and grows.
type Image struct {
	Size int64 // bytes
	s    *snapshot
	page int64
}

// Image opens an image of what is committed. It must be closed.
func (e *Engine) Image(ctx context.Context) (*Image, error) {
	snap, err := e.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	i := &Image{s: snap.(*snapshot)}
	number := func(sql string) (n int64) {
		if err == nil {
			err = i.s.query(sql, func(*sqlite.Stmt) {}, func(st *sqlite.Stmt) (bool, error) {
				n = st.ColumnInt64(0)
				return false, nil
			})
		}
		return n
	}
	number("SELECT count(*) FROM name") // a pragma alone begins no transaction
	i.page = number("PRAGMA page_size")
	i.Size = i.page * number("PRAGMA page_count")
	if err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

// Close ends the image.
func (i *Image) Close() { i.s.Close() }

// WriteTo writes the pages, those that are in the log still as they are there. What it writes is a database file that needs no log beside it, to
// the byte: a page that has not changed between two images is the same in both.
func (i *Image) WriteTo(w io.Writer) (int64, error) {
	var wrote int64
	buf := make([]byte, i.page)
	err := i.s.query("SELECT data FROM sqlite_dbpage ORDER BY pgno", func(*sqlite.Stmt) {}, func(st *sqlite.Stmt) (bool, error) {
		if n := st.ColumnBytes(0, buf); int64(n) != i.page {
			return false, fmt.Errorf("sqlite: a page of %d bytes", n)
		}
		n, err := w.Write(buf)
		wrote += int64(n)
		return true, err
	})
	if err == nil && wrote != i.Size {
		err = errors.New("sqlite: the image has lost pages")
	}
	return wrote, err
}

// Verify checks a database file that nobody uses: its pages, its rows, its indexes.
func Verify(path string) error {
	sc, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	c := &conn{c: sc, free: map[string][]*sqlite.Stmt{}}
	var first string
	err = c.rows("PRAGMA quick_check(1)", func(st *sqlite.Stmt) { first = st.ColumnText(0) })
	if err == nil && first != "ok" {
		err = fmt.Errorf("%s: %s", path, first)
	}
	return errors.Join(err, c.close())
}
