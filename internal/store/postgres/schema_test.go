package postgres

import (
	"context"
	"testing"

	"florin/internal/store"
	"florin/internal/store/postgres/pgtest"
)

// A schema of the first version, with a document in three versions, is brought up to date: what it has is read as before, and written on. A node that
// does not know what is new in it can write no more.
func TestOlderSchema(t *testing.T) {
	ctx := context.Background()
	server := pgtest.Open(t)
	address := server.Named("older")
	all := migrations
	migrations = all[:1]
	old, err := Open(ctx, address)
	migrations = all
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	kind, err := old.number(ctx, "charge")
	if err != nil {
		t.Fatal(err)
	}
	insert := prepared("old", `INSERT INTO doc (scope, slot, ver, created, seq, kind, shard, deleted, id, body)
		VALUES (2, 1, 1, 5, 7, $1::smallint, 1, false, 'ch_1', 'one'), (2, 2, 2, 5, 7, $1, 1, false, 'ch_1', 'two'), (2, 0, 3, 5, 7, $1, 1, false, 'ch_1', 'three')`)
	if _, err := old.run(ctx, insert, nil, int2Param(kind)); err != nil {
		t.Fatal(err)
	}

	e, err := Open(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	doc := func(ver int64, body string) store.Doc {
		return store.Doc{Scope: 2, ID: "ch_1", Ver: ver, Kind: "charge", Created: 5, Seq: 7, Body: []byte(body)}
	}
	for _, u := range []*store.Unit{
		{Versions: []store.Doc{doc(4, "four")}, Puts: []store.Put{{Doc: doc(5, "five"), Base: 3, Keep: true}}},
		{Versions: []store.Doc{doc(6, "six"), doc(7, "seven")}, Puts: []store.Put{{Doc: doc(8, "eight"), Base: 5, Keep: true}}},
		{Drops: []store.Ref{{Scope: 2, ID: "ch_1", Ver: 2}, {Scope: 2, ID: "ch_1", Ver: 6}}},
		{Versions: []store.Doc{doc(9, "nine")}, Puts: []store.Put{{Doc: doc(10, "ten"), Base: 8}}}, // which does not keep 8
	} {
		if out, err := e.Apply(ctx, []*store.Unit{u}); err != nil || out[0] != nil {
			t.Fatal(out, err)
		}
	}
	s, err := e.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, want := range []string{"one", "", "three", "four", "five", "", "seven", "", "nine", "ten", ""} {
		got := ""
		d, err := s.Version(2, "ch_1", int64(i+1))
		if err != nil {
			t.Fatal(err)
		}
		if d != nil {
			got = string(d.Body)
		}
		if got != want {
			t.Errorf("version %d is %q, want %q", i+1, got, want)
		}
	}
	known := prepared("written_before", "INSERT INTO batch (id) VALUES ($1::bytea)")
	if _, err := old.run(ctx, known, nil, newToken()); codeOf(err) != undefinedTable {
		t.Errorf("an older node writes: %v", err)
	}
}
