package postgres

import (
	"errors"
	"testing"
	"time"

	"florin/internal/store"
	"florin/internal/store/postgres/pgtest"
)

// A batch of another node guards a document, or changes it, and is not committed yet. Who guards it as well goes on beside the one, and waits for the
// other; who changes it waits for both, and whoever comes then comes after him.
func TestTurns(t *testing.T) {
	ctx := t.Context()
	e, err := Open(ctx, pgtest.Open(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	account := store.Put{Doc: store.Doc{Scope: 2, ID: "acct_1", Ver: 1, Kind: "account", Seq: 1}}
	if out, err := e.Apply(ctx, []*store.Unit{{Puts: []store.Put{account}}}); err != nil || out[0] != nil {
		t.Fatal(out, err)
	}
	account.Base, account.Ver = 1, 2
	change := &store.Unit{Puts: []store.Put{account}}
	guard := func(id string) *store.Unit {
		return &store.Unit{
			Guards: []store.Ref{{Scope: 2, ID: "acct_1", Ver: 1}},
			Puts:   []store.Put{{Doc: store.Doc{Scope: 2, ID: id, Ver: 1, Kind: "charge", Seq: 2}}},
		}
	}

	other, err := connect(ctx, e.conf)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	theirs := func(u *store.Unit) *batch {
		b := &batch{engine: e, conn: other, id: newToken(), plan: newPlan([]*store.Unit{u}, false)}
		if err := b.lock([]*store.Unit{u}); err != nil || !b.add(u) {
			t.Fatal("the other node's batch does not pass: ", err)
		}
		return b
	}
	outcome := make(chan error, 1)
	apply := func(u *store.Unit) {
		go func() {
			out, err := e.Apply(ctx, []*store.Unit{u})
			outcome <- errors.Join(append(out, err)...)
		}()
	}
	waits := func() {
		t.Helper()
		for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
			var n int
			if err := other.number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND "+
				"database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND classid = "+
				"(SELECT classid FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory' LIMIT 1)", &n); err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				return
			}
		}
		t.Fatal("it does not wait for its turn")
	}

	theirs(guard("ch_theirs"))
	apply(guard("ch_ours"))
	if err := <-outcome; err != nil {
		t.Fatal("who guards what another guards: ", err)
	}
	apply(change)
	waits()
	if err := undo(other); err != nil {
		t.Fatal(err)
	}
	if err := <-outcome; err != nil {
		t.Fatal("who changes what another guarded: ", err)
	}

	account.Base, account.Ver = 2, 3
	b := theirs(&store.Unit{Puts: []store.Put{account}})
	late := guard("ch_late")
	late.Guards[0].Ver = 2
	apply(late)
	waits()
	b.send()
	if err := other.sync(answerTime, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-outcome; !errors.Is(err, store.ErrConflict) {
		t.Errorf("who guards what another has changed: %v, want a conflict", err)
	}
}
