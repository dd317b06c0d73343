package backup

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"

	"florin/internal/store"
)

// A record is a line of a backup of records: a version of a document, or a move. The versions of a document follow each other, oldest first.
type record struct {
	Doc  *doc  `json:"doc,omitempty"`
	Move *move `json:"move,omitempty"`
}

type doc struct {
	Scope   store.Scope     `json:"scope"`
	ID      string          `json:"id"`
	Ver     int64           `json:"ver"`
	Kind    string          `json:"kind"`
	Created int64           `json:"created"`
	Seq     int64           `json:"seq"`
	Deleted bool            `json:"deleted,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
	Priv    json.RawMessage `json:"priv,omitempty"`
	Raw     *raw            `json:"raw,omitempty"` // bodies that are no JSON in one line
}

type raw struct{ Body, Priv []byte }

type move struct {
	Scope       store.Scope `json:"scope"`
	From        string      `json:"from"`
	To          string      `json:"to"`
	Currency    string      `json:"currency"`
	Amount      int64       `json:"amount"`
	Source      string      `json:"source"`
	AvailableOn int64       `json:"available_on"`
	Created     int64       `json:"created"`
}

// A part is cut where a document's name says so, so that the parts of two backups are the same where the documents are.
const (
	leastPart = 128 << 10
	mostPart  = otherChunk
	cutMask   = 0x1f // one document in 32 ends a part that is long enough
)

// Parts writes all of a snapshot as the files of a backup, one after the other.
func Parts(snap store.Snapshot, part func(name string, content []byte) error) error {
	p := &parts{part: part}
	err := snap.WalkVersions(func(d *store.Doc) bool {
		if p.err = p.doc(d); p.err == nil && p.cuts(d.Scope, d.ID) {
			p.flush()
		}
		return p.err == nil
	})
	if err = errors.Join(err, p.err); err != nil {
		return err
	}
	p.flush()
	n := 0
	err = snap.WalkMoves(func(m store.Move) bool {
		if p.move(&m); len(p.buf) >= leastPart*2 { // moves are only ever added
			p.flush()
		}
		n++
		return p.err == nil
	})
	p.flush()
	return errors.Join(err, p.err)
}

type parts struct {
	part func(string, []byte) error
	buf  []byte
	n    int
	err  error
}

func (p *parts) cuts(s store.Scope, id string) bool {
	if len(p.buf) < leastPart {
		return false
	}
	h := fnv.New32a()
	h.Write([]byte(id))
	return (h.Sum32()^uint32(s))&cutMask == 0 || len(p.buf) > mostPart/2
}

func (p *parts) flush() {
	if len(p.buf) == 0 || p.err != nil {
		return
	}
	p.n++
	p.err = p.part(fmt.Sprintf("%s%08d", Records, p.n), p.buf)
	p.buf = p.buf[:0]
}

// doc adds a line. The bytes of body and private part must come back as they are, so they are not encoded once more.
func (p *parts) doc(d *store.Doc) error {
	b := append(p.buf, `{"doc":{"scope":`...)
	b = strconv.AppendInt(b, int64(d.Scope), 10)
	b = append(appendText(append(b, `,"id":`...), d.ID), `,"ver":`...)
	b = strconv.AppendInt(b, d.Ver, 10)
	b = append(appendText(append(b, `,"kind":`...), d.Kind), `,"created":`...)
	b = append(strconv.AppendInt(b, d.Created, 10), `,"seq":`...)
	b = strconv.AppendInt(b, d.Seq, 10)
	if d.Deleted {
		b = append(b, `,"deleted":true`...)
	}
	if plain(d.Body) && plain(d.Priv) {
		if len(d.Body) > 0 {
			b = append(append(b, `,"body":`...), d.Body...)
		}
		if len(d.Priv) > 0 {
			b = append(append(b, `,"priv":`...), d.Priv...)
		}
	} else {
		text, err := json.Marshal(raw{d.Body, d.Priv})
		if err != nil {
			return err
		}
		b = append(append(b, `,"raw":`...), text...)
	}
	p.buf = append(b, "}}\n"...)
	return nil
}

// plain says whether bytes can stand in a line as they are, and come back from it.
func plain(b []byte) bool {
	return len(b) == 0 || bytes.IndexByte(b, '\n') < 0 && b[0] == '{' && b[len(b)-1] == '}' && json.Valid(b)
}

func appendText(b []byte, s string) []byte {
	text, _ := json.Marshal(s) // a string
	return append(b, text...)
}

func (p *parts) move(m *store.Move) {
	text, err := json.Marshal(record{Move: &move{m.Scope, m.From, m.To, m.Currency, m.Amount, m.Source, m.AvailableOn, m.Created}})
	if err != nil {
		p.err = err
		return
	}
	p.buf = append(append(p.buf, text...), '\n')
}

// Loaded counts what was loaded.
type Loaded struct{ Documents, Versions, Moves int64 }

// unitSize is about how many documents, or moves, are loaded in one unit.
const unitSize = 400

// Load reads parts into a store that has nothing. entries are the places in which a document stands.
func Load(ctx context.Context, db *store.DB, entries func(*store.Doc) []store.Entry, each func(part func(io.Reader) error) error) (Loaded, error) {
	l := &loader{ctx: ctx, db: db, entries: entries}
	snap, err := db.Snapshot(ctx)
	if err != nil {
		return l.Loaded, err
	}
	empty := true
	err = snap.Walk(func(*store.Doc) bool { empty = false; return false })
	snap.Close()
	if err == nil && !empty {
		err = errors.New("the store is not empty")
	}
	if err != nil {
		return l.Loaded, err
	}
	if err := each(l.part); err != nil {
		return l.Loaded, err
	}
	l.document(nil)
	return l.Loaded, l.flush()
}

type loader struct {
	Loaded
	ctx      context.Context
	db       *store.DB
	entries  func(*store.Doc) []store.Entry
	versions []store.Doc // of the document that is being read
	unit     store.Unit
}

func (l *loader) part(in io.Reader) error {
	lines := bufio.NewReaderSize(in, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("line of %d bytes: %w", len(line), err)
		}
		switch {
		case r.Doc != nil:
			l.document(r.Doc)
		case r.Move != nil:
			l.document(nil)
			m := r.Move
			l.unit.Moves = append(l.unit.Moves, store.Move{Scope: m.Scope, From: m.From, To: m.To, Currency: m.Currency, Amount: m.Amount,
				Source: m.Source, AvailableOn: m.AvailableOn, Created: m.Created})
			l.Moves++
		}
		if len(l.unit.Puts)+len(l.unit.Moves) >= unitSize {
			if err := l.flush(); err != nil {
				return err
			}
		}
	}
}

// document takes the next version; one of another document, or nil, ends the one before.
func (l *loader) document(d *doc) {
	if n := len(l.versions); n > 0 && (d == nil || l.versions[0].Scope != d.Scope || l.versions[0].ID != d.ID) {
		current := l.versions[n-1]
		l.unit.Versions = append(l.unit.Versions, l.versions[:n-1]...)
		l.unit.Puts = append(l.unit.Puts, store.Put{Doc: current, Index: l.entries(&current)})
		l.versions = l.versions[:0]
		l.Documents++
	}
	if d == nil {
		return
	}
	v := store.Doc{Scope: d.Scope, ID: d.ID, Ver: d.Ver, Kind: d.Kind, Created: d.Created, Seq: d.Seq, Deleted: d.Deleted, Body: d.Body, Priv: d.Priv}
	if d.Raw != nil {
		v.Body, v.Priv = d.Raw.Body, d.Raw.Priv
	}
	l.versions = append(l.versions, v)
	l.Versions++
}

func (l *loader) flush() error {
	if l.unit.Empty() {
		return nil
	}
	u := l.unit
	l.unit = store.Unit{}
	return l.db.Commit(l.ctx, &u)
}
