package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"florin/internal/store"
)

const (
	retries   = 8               // how often a batch is looked at again that met another one
	findOut   = 3 * time.Second // how long is tried to find out what became of a batch
	headroom  = 10_000_000      // how far the ceiling is put above a Seq that reaches it: ten seconds of them, …
	nodes     = 1024            // … for each node that there may be
	maybeLost = time.Second     // how long a connection was not used that is tried before a batch is sent over it whole
	foldEvery = 1 << 10         // tallies that a node writes before they are added to the folds
)

// The statements of a batch, in the order in which they are sent.
var (
	takeTurns = prepared("turns", `
		SELECT FROM unnest($2::int[], $3::boolean[]) k (n, alone)
		WHERE CASE WHEN alone THEN pg_advisory_xact_lock($1::int, n) IS NULL ELSE pg_advisory_xact_lock_shared($1::int, n) IS NULL END`)
	readHeads = prepared("heads", `
		SELECT k.n, d.ver, d.created, d.seq, d.earlier IS NOT NULL FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY k (scope, id, n)
		JOIN doc d ON d.scope = k.scope AND d.id = k.id AND d.slot = 0`)
	lockHeads = prepared("lock", readHeads.sql+" ORDER BY d.scope, d.id FOR UPDATE OF d")

	readPacked = prepared("packed", "SELECT k.n, d.slot, d.earlier, "+docColumns+` FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY k (scope, id, n)
		JOIN doc d ON d.scope = k.scope AND d.id = k.id WHERE d.earlier IS NOT NULL`)
	unpackDocs = prepared("unpack", `
		UPDATE doc d SET earlier = NULL FROM unnest($1::bigint[], $2::bytea[]) k (scope, id)
		WHERE d.scope = k.scope AND d.id = k.id AND d.earlier IS NOT NULL`)

	dropVersions = prepared("drop", `
		DELETE FROM doc d USING unnest($1::bigint[], $2::bytea[], $3::bigint[]) k (scope, id, ver)
		WHERE d.scope = k.scope AND d.id = k.id AND d.slot = k.ver`)
	deleteDocs = prepared("delete", `
		DELETE FROM doc d USING unnest($1::bigint[], $2::bytea[]) k (scope, id) WHERE d.scope = k.scope AND d.id = k.id`)
	rewriteDocs = prepared("rewrite", `
		UPDATE doc d SET priv = k.priv FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bytea[], $5::bytea[]) k (scope, id, ver, was, priv)
		WHERE d.scope = k.scope AND d.id = k.id AND d.slot IN (0, k.ver) AND d.ver = k.ver AND d.priv IS NOT DISTINCT FROM k.was`)
	keepDocs = prepared("keep", `
		INSERT INTO doc (scope, slot, ver, created, seq, kind, shard, deleted, id, full_id, body, priv, earlier)
		SELECT d.scope, d.ver, d.ver, d.created, d.seq, d.kind, d.shard, d.deleted, d.id, d.full_id, d.body, d.priv, d.earlier
		FROM unnest($1::bigint[], $2::bytea[]) k (scope, id) JOIN doc d ON d.scope = k.scope AND d.id = k.id AND d.slot = 0`)
	updateDocs = prepared("update", `
		UPDATE doc d SET ver = k.ver, created = k.created, seq = k.seq, kind = k.kind, deleted = k.deleted, body = k.body, priv = k.priv, earlier = k.earlier
		FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::smallint[], $7::boolean[], $8::bytea[], $9::bytea[], $10::bytea[])
			k (scope, id, ver, created, seq, kind, deleted, body, priv, earlier)
		WHERE d.scope = k.scope AND d.id = k.id AND d.slot = 0`)
	insertDocs = prepared("insert", `
		COPY doc (scope, slot, ver, created, seq, kind, shard, deleted, id, full_id, body, priv, earlier) FROM STDIN (FORMAT binary)`)

	deletePlaces = prepared("unplace", `
		DELETE FROM place p USING unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bytea[], $6::bytea[]) k (scope, created, seq, name, value, id)
		WHERE p.scope = k.scope AND p.name = k.name AND p.value = k.value AND p.created = k.created AND p.seq = k.seq AND p.id = k.id`)
	insertPlaces     = prepared("place", `COPY place (scope, created, seq, name, shard, value, id, full_value) FROM STDIN (FORMAT binary)`)
	insertPlacesOnce = prepared("place_once", `
		INSERT INTO place (scope, created, seq, name, shard, value, id, full_value)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::smallint[], $6::bytea[], $7::bytea[], $8::bytea[])
		ON CONFLICT DO NOTHING`)

	insertMoves = prepared("move", `
		COPY move (scope, amount, available_on, created, shard, source, "from", "to", currency) FROM STDIN (FORMAT binary)`)
	insertTallies = prepared("tally", `COPY tally (scope, available_on, amount, shard, account, currency) FROM STDIN (FORMAT binary)`)

	insertBatch  = prepared("batch", "INSERT INTO written (id) VALUES ($1::bytea)")
	claimBatch   = prepared("claim", "INSERT INTO written (id, never) VALUES ($1::bytea, true) ON CONFLICT DO NOTHING")
	readBatch    = prepared("claimed", "SELECT never FROM written WHERE id = $1::bytea")
	raiseCeiling = prepared("raise", "UPDATE counter SET value = greatest(value, $1::bigint) WHERE name = 'ceiling'")
)

// Apply writes the units that pass in one transaction.
func (e *Engine) Apply(ctx context.Context, units []*store.Unit) ([]error, error) {
	if e.closed.Load() {
		return nil, store.ErrClosed
	}
	for _, u := range units { // names have a transaction of their own, before this one
		if err := e.nameAll(ctx, u); err != nil {
			return nil, err
		}
	}
	outcomes, err := e.apply(ctx, units)
	if code := codeOf(err); code != "" && len(units) > 1 && !retried(code) && code[:2] != resourceClass && code[:2] != operatorClass {
		// One of the units is not for PostgreSQL, and must not be the others' undoing.
		outcomes = make([]error, len(units))
		for i := range units {
			one, err := e.apply(ctx, units[i:i+1])
			if err != nil {
				outcomes[i] = fmt.Errorf("postgres: %w", err)
				continue
			}
			outcomes[i] = one[0]
		}
		return outcomes, nil
	}
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return outcomes, nil
}

func retried(code string) bool {
	return code == uniqueViolation || strings.HasPrefix(code, rollbackClass) || code == "55P03" // a lock that was waited for too long
}

// apply is Apply, again as long as a batch meets another one, or finds that it was lost.
func (e *Engine) apply(ctx context.Context, units []*store.Unit) ([]error, error) {
	c, err := e.writes.take(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { e.writes.put(c) }()
	careful, renewed := false, false
	for tries := 0; ; {
		b := &batch{engine: e, conn: c, id: newToken(), plan: newPlan(units, careful)}
		outcomes, err := b.write(ctx, units)
		if err == nil {
			return outcomes, nil
		}
		switch {
		case !c.lost():
			if undo(c) == nil && retried(codeOf(err)) && tries < retries {
				tries++
				careful = true
				continue
			}
			return nil, err
		case !b.committing:
			if renewed {
				return nil, err
			}
			renewed = true // it may have been lost long ago
			if c, err = e.renew(ctx, c); err != nil {
				return nil, err
			}
		default:
			done, fresh, ferr := e.outcome(c, b.id)
			if c = fresh; ferr != nil {
				warn("the outcome of a batch is not known", err)
				e.node.miss() // if it was committed, nobody has been told
				e.node.tellToLook()
				return nil, store.ErrUnknown
			}
			if done {
				return outcomes, nil
			}
			if tries++; tries >= retries {
				return nil, err
			}
		}
	}
}

func undo(c *conn) error {
	_, err := c.run(rollback, nil)
	return err
}

// renew opens another connection in the place of one that was lost.
func (e *Engine) renew(ctx context.Context, lost *conn) (*conn, error) {
	c, err := connect(ctx, e.conf)
	if err != nil {
		return lost, err
	}
	return c, nil
}

// outcome finds out what became of a batch whose connection was lost while it was committed. It asks to write the batch's own row: this waits for the
// transaction as long as the server still works at it, and does nothing if it was committed. If it was not, it never will be, because the row is taken.
// The answer may be lost, too, so the row says who wrote it: to find it there proves nothing.
func (e *Engine) outcome(lost *conn, id []byte) (done bool, c *conn, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), findOut)
	defer cancel()
	for c = lost; ; {
		fresh, err := connect(ctx, e.conf)
		if err == nil {
			if done, err = fresh.claim(id); err == nil {
				return done, fresh, nil
			}
			fresh.net.Close()
		}
		select {
		case <-ctx.Done():
			return false, c, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// claim takes the row of a batch, and returns whether the batch was there first.
func (c *conn) claim(id []byte) (done bool, err error) {
	if _, err := c.run(claimBatch, nil, id); err != nil {
		return false, err
	}
	rows, err := c.run(readBatch, func(values [][]byte) error {
		done = values[0][0] == 0
		return nil
	}, id)
	if err == nil && rows != 1 {
		err = errors.New("the row of a batch is gone")
	}
	return done, err
}

// nameAll gives numbers to the kinds and indexes of a unit.
func (e *Engine) nameAll(ctx context.Context, u *store.Unit) error {
	known := e.names.known.Load().number
	check := func(name string) error {
		if _, ok := known[name]; ok {
			return nil
		}
		_, err := e.number(ctx, name)
		return err
	}
	for i := range u.Versions {
		if err := check(u.Versions[i].Kind); err != nil {
			return err
		}
	}
	for i := range u.Puts {
		p := &u.Puts[i]
		if err := check(p.Kind); err != nil {
			return err
		}
		for _, entries := range [][]store.Entry{p.Index, p.Was} {
			for _, entry := range entries {
				if err := check(entry.Index); err != nil {
					return err
				}
			}
		}
	}
	for i := range u.Deletes {
		for _, entry := range u.Deletes[i].Was {
			if err := check(entry.Index); err != nil {
				return err
			}
		}
	}
	return nil
}

// A batch is one transaction that writes.
type batch struct {
	*plan
	engine     *Engine
	conn       *conn
	id         []byte
	committing bool // COMMIT has been sent
	tallied    int
	raised     int64
}

// write looks at the units, and writes those that pass.
func (b *batch) write(ctx context.Context, units []*store.Unit) ([]error, error) {
	if err := b.lock(units); err != nil {
		return nil, err
	}
	outcomes := make([]error, len(units))
	for i, u := range units {
		if !b.add(u) {
			outcomes[i] = store.ErrConflict
		}
	}
	if b.empty() {
		b.conn.send(commit)
		return outcomes, b.conn.sync(answerTime, nil, nil)
	}
	if err := b.unpack(ctx); err != nil {
		return nil, err
	}
	b.send()
	b.committing = true
	if err := b.conn.sync(answerTime, nil, nil); err != nil {
		return outcomes, err
	}
	if b.raised > 0 {
		b.engine.raise(b.raised)
	}
	b.engine.tallied(b.tallied)
	return outcomes, nil
}

// turns is how many numbers stand for all documents when batches take turns: few enough that no number of nodes fills PostgreSQL's table of locks, which
// has room for 6,400 unless its settings say more.
const turns = 4096

// lock begins the transaction, and reads the current versions that must be known. If there are none, nothing is asked yet.
//
// What is only guarded is guarded by many batches at once (every payment guards its account), so they must not wait for each other, and who changes it
// must not wait for a moment at which nobody guards it, as with FOR SHARE. Advisory locks are given in the order in which they were asked for, and leave
// nothing on disk: who guards shares one, who changes has it alone. They are asked for first of all, in the order of their numbers.
func (b *batch) lock(units []*store.Unit) error {
	wanted := b.wanted(units)
	idle := time.Since(b.conn.used)
	b.conn.send(begin)
	if len(wanted) == 0 {
		if idle > maybeLost {
			return b.conn.sync(answerTime, nil, nil)
		}
		return nil
	}
	alone := make(map[int32]bool, len(wanted))
	var changed, guarded []*change
	for _, c := range wanted {
		turn := c.turn()
		alone[turn] = alone[turn] || c.changes
		if c.changes {
			changed = append(changed, c)
		} else {
			guarded = append(guarded, c)
		}
	}
	cs := columns(oidInt4, oidBool)
	for _, turn := range slices.Sorted(maps.Keys(alone)) {
		cs[0].int4(turn)
		cs[1].bool(alone[turn])
	}
	b.conn.send(takeTurns, append([][]byte{int4Param(int32(lockNumber(b.engine.schema, "turn")))}, params(cs)...)...)
	asked := [][]*change{nil, nil} // by the number of the statement; BEGIN and the turns answer no rows
	ask := func(st *statement, some []*change) {
		if len(some) == 0 {
			return
		}
		cs := columns(oidInt8, oidBytea)
		for _, c := range some {
			cs[0].int8(int64(c.scope))
			cs[1].key(c.id)
		}
		b.conn.send(st, params(cs)...)
		asked = append(asked, some)
	}
	ask(readHeads, guarded)
	ask(lockHeads, changed)
	return b.conn.sync(answerTime, func(at int, values [][]byte) error {
		n := int8Value(values[0])
		if n < 1 || n > int64(len(asked[at])) {
			return errors.New("a document that was not asked for")
		}
		c := asked[at][n-1]
		c.was = head{int8Value(values[1]), int8Value(values[2]), int8Value(values[3])}
		c.now, c.packed = c.was, values[4][0] == 1
		return nil
	}, nil)
}

// unpack reads the versions that stand in rows with others, of which some are to go: those that stay get rows of their own. That is one round trip more
// for the few batches that have such.
func (b *batch) unpack(ctx context.Context) error {
	some := b.crowded()
	if len(some) == 0 {
		return nil
	}
	dropped := make(map[store.Ref]bool, len(b.drops))
	for _, r := range b.drops {
		dropped[r] = true
	}
	cs := columns(oidInt8, oidBytea)
	for _, c := range some {
		cs[0].int8(int64(c.scope))
		cs[1].key(c.id)
	}
	b.conn.send(readPacked, params(cs)...)
	return b.conn.sync(answerTime, func(_ int, values [][]byte) (err error) {
		n := int8Value(values[0])
		if n < 1 || n > int64(len(some)) {
			return errors.New("a document that was not asked for")
		}
		c, row := some[n-1], b.engine.readDoc(values[3:])
		if row.Kind == "" {
			if row.Kind, err = b.engine.text(ctx, int2Value(values[6])); err != nil {
				return err
			}
		}
		versions, err := store.ReadEarlier(values[2], row)
		if err != nil {
			return err
		}
		c.crowded = true
		for i := range versions {
			if v := &versions[i]; !dropped[store.Ref{Scope: v.Scope, ID: v.ID, Ver: v.Ver}] {
				c.unpacked = append(c.unpacked, v)
			}
		}
		return nil
	}, nil)
}

// send sends all that the plan has come to, and the COMMIT.
func (b *batch) send() {
	changes := slices.SortedFunc(maps.Values(b.changes), func(a, b *change) int { return a.compare(b.docKey) })
	b.sendUnpacked(changes)
	b.sendRemovals(changes)
	b.sendDocs(changes)
	b.sendPlaces(changes)
	b.sendMoves()
	b.conn.send(insertBatch, b.id)
	if ceiling := b.engine.ceiling.Load(); b.seq > ceiling {
		b.raised = b.seq + headroom
		if b.seq > 1<<58 { // as DB.Seq makes them, which leaves room for every node's
			b.raised = b.seq + headroom*nodes
		}
		b.conn.send(raiseCeiling, int8Param(b.raised))
	}
	b.conn.send(commit)
}

func (b *batch) sendRemovals(changes []*change) {
	if len(b.drops) > 0 {
		cs := columns(oidInt8, oidBytea, oidInt8)
		for _, r := range b.drops {
			cs[0].int8(int64(r.Scope))
			cs[1].key(r.ID)
			cs[2].int8(r.Ver)
		}
		b.conn.send(dropVersions, params(cs)...)
	}
	b.sendKeys(deleteDocs, changes, func(c *change) bool { return c.gone })
	if len(b.rewrite) > 0 {
		cs := columns(oidInt8, oidBytea, oidInt8, oidBytea, oidBytea)
		for _, r := range b.rewrite {
			cs[0].int8(int64(r.Scope))
			cs[1].key(r.ID)
			cs[2].int8(r.Ver)
			cs[3].bytes(r.Was)
			cs[4].bytes(r.Priv)
		}
		b.conn.send(rewriteDocs, params(cs)...)
	}
	b.sendKeys(keepDocs, changes, func(c *change) bool { return c.keep })
}

// sendKeys sends a statement about some of the documents, if there are any.
func (b *batch) sendKeys(st *statement, changes []*change, some func(*change) bool) {
	cs := columns(oidInt8, oidBytea)
	for _, c := range changes {
		if some(c) {
			cs[0].int8(int64(c.scope))
			cs[1].key(c.id)
		}
	}
	if cs[0].n > 0 {
		b.conn.send(st, params(cs)...)
	}
}

// A docCopy is rows of doc for COPY.
type docCopy struct {
	column
	numbers map[string]int16
}

func (b *batch) docCopy() *docCopy { return &docCopy{copied(), b.engine.names.known.Load().number} }

func (r *docCopy) doc(slot int64, d *store.Doc, earlier []byte) {
	var full []byte
	if len(d.ID) > longest {
		full = []byte(d.ID)
	}
	r.row(13)
	r.int8(int64(d.Scope))
	r.int8(slot)
	r.int8(d.Ver)
	r.int8(d.Created)
	r.int8(d.Seq)
	r.int2(r.numbers[d.Kind])
	r.int2(shardOf(d.Scope))
	r.bool(d.Deleted)
	r.key(d.ID)
	r.bytes(full)
	r.bytes(d.Body)
	r.bytes(d.Priv)
	r.bytes(earlier)
}

// send sends the rows, if there are any.
func (r *docCopy) send(c *conn) {
	if r.n > 0 {
		c.sendCopy(insertDocs, &r.column)
	}
}

// sendUnpacked gives versions rows of their own that stand in others' now.
func (b *batch) sendUnpacked(changes []*change) {
	in := b.docCopy()
	for _, c := range changes {
		slices.SortFunc(c.unpacked, func(a, b *store.Doc) int { return cmp.Compare(a.Ver, b.Ver) })
		for _, v := range c.unpacked {
			in.doc(v.Ver, v, nil)
		}
	}
	b.sendKeys(unpackDocs, changes, func(c *change) bool { return c.crowded })
	in.send(b.conn)
}

func (b *batch) sendDocs(changes []*change) {
	up := columns(oidInt8, oidBytea, oidInt8, oidInt8, oidInt8, oidInt2, oidBool, oidBytea, oidBytea, oidBytea)
	in := b.docCopy()
	ghosts := columns(oidInt8, oidBytea, oidInt8)
	for _, c := range changes {
		d := c.current
		if d == nil {
			if c.ghost && c.was.ver == 0 { // whoever else makes it waits, and comes after this transaction
				in.doc(0, &store.Doc{Scope: c.scope, ID: c.id}, nil)
				ghosts[0].int8(int64(c.scope))
				ghosts[1].key(c.id)
				ghosts[2].int8(0)
			}
			continue
		}
		apart := len(c.versions) // those that have another kind, and what is older, stand apart
		for apart > 0 && c.versions[apart-1].Kind == d.Kind {
			apart--
		}
		for _, v := range c.versions[:apart] {
			in.doc(v.Ver, v, nil)
		}
		var earlier []byte
		for _, v := range c.versions[apart:] {
			earlier = store.AppendEarlier(earlier, v, d)
		}
		if c.was.ver == 0 || c.gone {
			in.doc(0, d, earlier)
			continue
		}
		up[0].int8(int64(c.scope))
		up[1].key(c.id)
		up[2].int8(d.Ver)
		up[3].int8(d.Created)
		up[4].int8(d.Seq)
		up[5].int2(in.numbers[d.Kind])
		up[6].bool(d.Deleted)
		up[7].bytes(d.Body)
		up[8].bytes(d.Priv)
		up[9].bytes(earlier)
	}
	if up[0].n > 0 {
		b.conn.send(updateDocs, params(up)...)
	}
	in.send(b.conn)
	if ghosts[0].n > 0 {
		b.conn.send(dropVersions, params(ghosts)...)
	}
}

// sendPlaces sends the index entries. No two batches write the same one, because they would have to change its document.
func (b *batch) sendPlaces(changes []*change) {
	out := columns(oidInt8, oidInt8, oidInt8, oidInt2, oidBytea, oidBytea)
	in, inserted := copied(), false
	once := columns(oidInt8, oidInt8, oidInt8, oidInt2, oidInt2, oidBytea, oidBytea, oidBytea)
	numbers := b.engine.names.known.Load().number
	for _, c := range changes {
		for _, p := range c.settled() {
			var full []byte
			if len(p.Value) > longest {
				full = []byte(p.Value)
			}
			switch {
			case !p.there:
				out[0].int8(int64(c.scope))
				out[1].int8(p.created)
				out[2].int8(p.seq)
				out[3].int2(numbers[p.Index])
				out[4].key(p.Value)
				out[5].key(c.id)
			case c.was.ver == 0:
				inserted = true
				in.row(8)
				in.int8(int64(c.scope))
				in.int8(p.created)
				in.int8(p.seq)
				in.int2(numbers[p.Index])
				in.int2(shardOf(c.scope))
				in.key(p.Value)
				in.key(c.id)
				in.bytes(full)
			default: // it may be there already
				once[0].int8(int64(c.scope))
				once[1].int8(p.created)
				once[2].int8(p.seq)
				once[3].int2(numbers[p.Index])
				once[4].int2(shardOf(c.scope))
				once[5].key(p.Value)
				once[6].key(c.id)
				once[7].bytes(full)
			}
		}
	}
	if out[0].n > 0 {
		b.conn.send(deletePlaces, params(out)...)
	}
	if inserted {
		b.conn.sendCopy(insertPlaces, &in)
	}
	if once[0].n > 0 {
		b.conn.send(insertPlacesOnce, params(once)...)
	}
}

func (b *batch) sendMoves() {
	if len(b.moves) == 0 {
		return
	}
	moves := copied()
	for _, m := range b.moves {
		moves.row(9)
		moves.int8(int64(m.Scope))
		moves.int8(m.Amount)
		moves.int8(m.AvailableOn)
		moves.int8(m.Created)
		moves.int2(shardOf(m.Scope))
		moves.raw([]byte(m.Source))
		moves.text(m.From)
		moves.text(m.To)
		moves.text(m.Currency)
	}
	b.conn.sendCopy(insertMoves, &moves)
	tallies := copied()
	for _, t := range slices.SortedFunc(maps.Keys(b.tallies), compareTallies) {
		tallies.row(6)
		tallies.int8(int64(t.scope))
		tallies.int8(t.available)
		tallies.int8(b.tallies[t])
		tallies.int2(shardOf(t.scope))
		tallies.text(t.account)
		tallies.text(t.currency)
	}
	b.tallied = len(b.tallies)
	b.conn.sendCopy(insertTallies, &tallies)
}
