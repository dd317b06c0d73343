package sqlite

import (
	"fmt"
	"maps"
	"sync/atomic"

	"zombiezen.com/go/sqlite"

	"florin/internal/store"
)

const (
	// applicationID marks a file as Florin's ("Flrn"), for file(1) and for us.
	applicationID = 0x466c726e
	// schemaVersion is raised when older versions of Florin could no longer read the file.
	schemaVersion = 3
)

// Pages of 8 KB hold most documents whole (and were a little faster than 4 KB or 16 KB in BenchmarkPayments).
const schema = `
CREATE TABLE doc (
	n       INTEGER PRIMARY KEY,
	scope   INTEGER NOT NULL,
	id      TEXT    NOT NULL,
	ver     INTEGER NOT NULL,
	past    INTEGER NOT NULL DEFAULT 0, -- 1: it was replaced; 2: it was not, and is named by chance
	kind    INTEGER NOT NULL, -- name.n
	created INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	deleted INTEGER NOT NULL,
	body    BLOB,
	priv    BLOB,
	earlier BLOB -- versions that the same unit made before this one (store/earlier.go)
);
` + docIndexes + `

CREATE TABLE place (
	scope   INTEGER NOT NULL,
	name    INTEGER NOT NULL, -- name.n
	value   TEXT    NOT NULL,
	created INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	id      TEXT    NOT NULL,
	PRIMARY KEY (scope, name, value, created, seq, id)
) WITHOUT ROWID;

` + nameTables + `

CREATE TABLE name (
	n    INTEGER PRIMARY KEY,
	text TEXT NOT NULL UNIQUE
);

CREATE TABLE move (
	seq          INTEGER PRIMARY KEY,
	scope        INTEGER NOT NULL,
	source       TEXT    NOT NULL,
	"from"       TEXT    NOT NULL,
	"to"         TEXT    NOT NULL,
	currency     TEXT    NOT NULL,
	amount       INTEGER NOT NULL CHECK (amount > 0),
	available_on INTEGER NOT NULL,
	created      INTEGER NOT NULL
);
CREATE INDEX move_source ON move (scope, source);

CREATE TABLE purse ( -- an account of the ledger in one currency
	n        INTEGER PRIMARY KEY,
	scope    INTEGER NOT NULL,
	account  TEXT    NOT NULL,
	currency TEXT    NOT NULL,
	UNIQUE (scope, account, currency)
);

CREATE TABLE fold ( -- what it gained by moves up to counter 'folded', available in the 2^level seconds from bucket*2^level
	purse  INTEGER NOT NULL,
	level  INTEGER NOT NULL,
	bucket INTEGER NOT NULL,
	amount INTEGER NOT NULL,
	PRIMARY KEY (purse, level, bucket)
) WITHOUT ROWID;

CREATE TABLE counter (
	name  TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counter VALUES ('folded', 0), ('ceiling', 0);

` + documentsView + `
CREATE VIEW places AS
	SELECT scope >> 1 AS account, scope & 1 AS live, text AS name, value, created, seq, id FROM place JOIN name ON name.n = place.name;
`

// An id has one current version, and each number once.
const docIndexes = `
CREATE UNIQUE INDEX doc_current ON doc (scope, id) WHERE past = 0;
CREATE UNIQUE INDEX doc_past ON doc (scope, id, ver) WHERE past = 1;`

// The index of what is named by chance (chance.go). A part is that of a run by n >> 9.
const nameTables = `
CREATE TABLE lately (n INTEGER PRIMARY KEY, entries BLOB NOT NULL);
CREATE TABLE run (n INTEGER PRIMARY KEY, live INTEGER NOT NULL);
CREATE TABLE part (n INTEGER PRIMARY KEY, entries BLOB NOT NULL);`

const documentsView = `
CREATE VIEW documents AS
	SELECT scope >> 1 AS account, scope & 1 AS live, id, ver, past & 1 AS past, text AS kind, created, seq, deleted, CAST(body AS TEXT) AS body
	FROM doc JOIN name ON name.n = kind;`

// migrations bring a file from the version that is their index, plus 1, to the next.
var migrations = []string{
	// 1 had a row and an index entry for every version.
	`ALTER TABLE doc ADD COLUMN past INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE doc ADD COLUMN earlier BLOB;
	UPDATE doc SET past = 1 WHERE EXISTS (SELECT 1 FROM doc later WHERE later.scope = doc.scope AND later.id = doc.id AND later.ver > doc.ver);
	DROP INDEX doc_version;
	DROP VIEW documents;` + docIndexes + documentsView,
	// 2 had what is named by chance among all others.
	`DROP VIEW documents;` + nameTables + `
	UPDATE doc SET past = 2 WHERE past = 0 AND id GLOB '` + store.Chance + `*';
	INSERT INTO lately (entries) SELECT florin_hint(scope, id, n) FROM doc WHERE past = 2;` + documentsView,
}

// prepareFile makes the schema if the file is new, refuses what this Florin does not understand, and sets how the writer writes.
func prepareFile(c *conn) error {
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	app, err := c.number("PRAGMA application_id")
	if err != nil {
		return err
	}
	tables, err := c.number("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	switch {
	case tables > 0 && app != applicationID:
		return fmt.Errorf("this is a SQLite database, but not one of Florin's")
	case version > schemaVersion:
		return fmt.Errorf("written by a newer Florin (schema %d, and this one knows up to %d): run that version or a later one", version, schemaVersion)
	case tables == 0:
		if err := c.script("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;" + schema +
			fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;", applicationID, schemaVersion)); err != nil {
			return err
		}
		version = schemaVersion
	}
	if version < schemaVersion {
		if err := c.c.CreateFunction("florin_hint", &sqlite.FunctionImpl{NArgs: 3, Deterministic: true, Scalar: func(_ sqlite.Context, a []sqlite.Value) (sqlite.Value, error) {
			return sqlite.BlobValue(hint{hashOf(store.Scope(a[0].Int64()), a[1].Text()), a[2].Int64()}.append(nil)), nil
		}}); err != nil {
			return err
		}
	}
	for ; version < schemaVersion; version++ { // each whole or not at all, so that one that was interrupted is begun anew
		if err := c.script(fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT;", migrations[version-1], version+1)); err != nil {
			return fmt.Errorf("bring schema %d to %d: %w", version, version+1, err)
		}
	}
	// The file may have been switched to another mode by another tool. Checkpoints are the checkpointer's.
	return c.script("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864")
}

// names are the texts of kinds and indexes by number. The writer adds some; everybody reads.
type names struct {
	known atomic.Pointer[nameTable]
	last  int64 // the highest number ever given, those rolled back included, so that no number has had two meanings
}

// A nameTable is never changed.
type nameTable struct {
	text   map[int64]string
	number map[string]int64
}

func (n *names) load(c *conn) error {
	t := &nameTable{text: map[int64]string{}, number: map[string]int64{}}
	err := c.rows("SELECT n, text FROM name", func(st *sqlite.Stmt) {
		t.add(st.ColumnInt64(0), st.ColumnText(1))
		n.last = max(n.last, st.ColumnInt64(0))
	})
	n.known.Store(t)
	return err
}

// add makes a new name known. It is known before its transaction ends: whoever reads a row with it must find it.
func (n *names) add(text string) int64 {
	old := n.known.Load()
	t := &nameTable{text: maps.Clone(old.text), number: maps.Clone(old.number)}
	n.last++
	t.add(n.last, text)
	n.known.Store(t)
	return n.last
}

func (t *nameTable) add(n int64, text string) {
	t.text[n] = text
	t.number[text] = n
}
