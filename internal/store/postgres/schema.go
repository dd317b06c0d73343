package postgres

import (
	"fmt"
	"strconv"
)

// migrations make the schema what this version of Florin works with: the first makes version 1, and so on. One that has been released is never
// changed. Each is run in a transaction together with the note that it was, so a start that is interrupted goes on where it was.
var migrations = []string{
	`
-- A document's current version is slot 0; one that is kept beside it is the slot of its number. So the row that two writers want to change is one row,
-- and two who make the same document meet at one key.
CREATE TABLE doc (
	scope    bigint   NOT NULL,
	slot     bigint   NOT NULL,
	ver      bigint   NOT NULL,
	created  bigint   NOT NULL,
	seq      bigint   NOT NULL,
	kind     smallint NOT NULL, -- name.n
	shard    smallint NOT NULL,
	deleted  boolean  NOT NULL,
	id       bytea    NOT NULL,
	full_id  bytea,             -- where the id is too long for an index
	body     bytea,
	priv     bytea,
	PRIMARY KEY (scope, id, slot, shard)
) WITH (fillfactor = 90);

CREATE TABLE place (
	scope      bigint   NOT NULL,
	created    bigint   NOT NULL,
	seq        bigint   NOT NULL,
	name       smallint NOT NULL, -- name.n
	shard      smallint NOT NULL,
	value      bytea    NOT NULL,
	id         bytea    NOT NULL,
	full_value bytea,             -- where the value is too long for an index
	PRIMARY KEY (scope, name, value, created, seq, id, shard)
);

CREATE SEQUENCE move_seq;
CREATE TABLE move (
	scope        bigint   NOT NULL,
	seq          bigint   NOT NULL DEFAULT nextval('move_seq'),
	amount       bigint   NOT NULL CHECK (amount > 0),
	available_on bigint   NOT NULL,
	created      bigint   NOT NULL,
	shard        smallint NOT NULL,
	source       bytea    NOT NULL,
	"from"       text COLLATE "C" NOT NULL,
	"to"         text COLLATE "C" NOT NULL,
	currency     text COLLATE "C" NOT NULL,
	PRIMARY KEY (scope, source, seq, shard)
);

-- What the moves of a transaction add up to. Now and then tallies are added to the folds.
CREATE SEQUENCE tally_n;
CREATE TABLE tally (
	scope        bigint   NOT NULL,
	n            bigint   NOT NULL DEFAULT nextval('tally_n'),
	available_on bigint   NOT NULL,
	amount       bigint   NOT NULL,
	shard        smallint NOT NULL,
	account      text COLLATE "C" NOT NULL,
	currency     text COLLATE "C" NOT NULL,
	PRIMARY KEY (scope, n, shard)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- What each account gained, by the time from which it is available, in buckets of 2^level seconds.
CREATE TABLE fold (
	scope    bigint   NOT NULL,
	bucket   bigint   NOT NULL,
	amount   bigint   NOT NULL,
	level    smallint NOT NULL,
	shard    smallint NOT NULL,
	account  text COLLATE "C" NOT NULL,
	currency text COLLATE "C" NOT NULL,
	PRIMARY KEY (scope, level, account, currency, bucket, shard)
) WITH (fillfactor = 80);

-- The rest belongs to no account, and is small.
CREATE TABLE name (
	n    smallint PRIMARY KEY,
	text text COLLATE "C" NOT NULL UNIQUE
);
CREATE TABLE counter (
	name  text PRIMARY KEY,
	value bigint NOT NULL
);
INSERT INTO counter VALUES ('ceiling', 0);

-- A row for each transaction that writes, by which one can be found out about whose connection was lost while it was committed. Old ones are removed.
CREATE TABLE batch (
	id    bytea PRIMARY KEY,
	never boolean NOT NULL DEFAULT false, -- the transaction did not write the row, but who asked about it: it will never be committed
	at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE node (
	n       smallint PRIMARY KEY,
	token   bytea NOT NULL,
	seen    timestamptz NOT NULL DEFAULT now(),
	works   boolean NOT NULL DEFAULT true,  -- whether it takes its share of the leases
	listens boolean NOT NULL DEFAULT false -- whether somebody there wants to hear of every event
);
CREATE TABLE lease (
	part  smallint PRIMARY KEY,
	token bytea NOT NULL, -- node.token
	until timestamptz NOT NULL
);
CREATE TABLE kept (
	name  text PRIMARY KEY,
	value bytea NOT NULL
);
CREATE TABLE blob (
	name  text PRIMARY KEY,
	value bytea NOT NULL
);
ALTER TABLE blob ALTER COLUMN value SET STORAGE EXTERNAL;

-- For people with another tool. To find a document, ask doc WHERE scope = … AND id = 'pi_…' AND slot = 0.
CREATE VIEW documents AS
	SELECT d.scope >> 1 AS account, d.scope & 1 = 1 AS live, convert_from(coalesce(d.full_id, d.id), 'UTF8') AS id, d.ver, d.slot = 0 AS current, n.text AS kind,
		to_timestamp(d.created) AS created, d.deleted, convert_from(d.body, 'UTF8') AS body
	FROM doc d JOIN name n ON n.n = d.kind;
CREATE VIEW places AS
	SELECT p.scope >> 1 AS account, p.scope & 1 = 1 AS live, n.text AS name, convert_from(coalesce(p.full_value, p.value), 'UTF8') AS value,
		to_timestamp(p.created) AS created, p.seq, convert_from(p.id, 'UTF8') AS id
	FROM place p JOIN name n ON n.n = p.name;

DO $$ BEGIN
	ALTER TABLE doc ALTER COLUMN body SET COMPRESSION lz4;
	ALTER TABLE doc ALTER COLUMN priv SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN NULL; -- a server that was built without it
END $$;
`,
	`
-- Versions that one unit made before the row's own stand in it, as what differs (store/earlier.go).
ALTER TABLE doc ADD COLUMN earlier bytea;

-- Older nodes do not know of them, and would lose them. They write a row to a table of this name with every batch: without it they can write no more.
ALTER TABLE batch RENAME TO written;
`,
}

// oldest is the first version of PostgreSQL that this works with, as server_version_num counts.
const oldest = 150000

// migrate brings the schema up to date. Several nodes that start at once wait for each other.
func migrate(c *conn, schema string) error {
	var version int
	if err := c.number("SHOW server_version_num", &version); err != nil {
		return err
	}
	if version < oldest {
		return fmt.Errorf("this is PostgreSQL %d, and Florin needs %d or newer", version/10000, oldest/10000)
	}
	lock := strconv.FormatInt(lockNumber(schema, "migrate"), 10)
	if err := c.script("SELECT pg_advisory_lock("+lock+")", nil); err != nil {
		return err
	}
	defer c.script("SELECT pg_advisory_unlock("+lock+")", nil)
	var there int
	if err := c.number("SELECT count(*) FROM pg_namespace WHERE nspname = "+literal(schema), &there); err != nil {
		return err
	}
	if there == 0 {
		if err := c.script("CREATE SCHEMA "+identifier(schema), nil); err != nil {
			return err
		}
	}
	if err := c.script("SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS schema_version (version int NOT NULL, at timestamptz NOT NULL DEFAULT now())", nil); err != nil {
		return err
	}
	var done int
	if err := c.number("SELECT coalesce(max(version), 0) FROM schema_version", &done); err != nil {
		return err
	}
	if done > len(migrations) {
		return fmt.Errorf("written by a newer Florin (schema %d, and this one knows up to %d): run that version or a later one", done, len(migrations))
	}
	for ; done < len(migrations); done++ {
		sql := "BEGIN;" + migrations[done] + fmt.Sprintf("; INSERT INTO schema_version (version) VALUES (%d); COMMIT", done+1)
		if err := c.script(sql, nil); err != nil {
			c.script("ROLLBACK", nil)
			return fmt.Errorf("migration to schema %d: %w", done+1, err)
		}
	}
	return nil
}

// number asks for one number.
func (c *conn) number(sql string, to *int) error {
	return c.script(sql, func(values [][]byte) (err error) {
		*to, err = strconv.Atoi(string(values[0]))
		return err
	})
}
