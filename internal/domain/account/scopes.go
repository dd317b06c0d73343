package account

import (
	"context"

	"florin/internal/store"
)

// Scopes are those of all accounts, in test and live mode: for what goes through everything that is stored.
func (d *Accounts) Scopes(ctx context.Context) ([]store.Scope, error) {
	snap, err := d.app.Store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	var scopes []store.Scope
	var failed error
	err = snap.Scan(store.Query{Scope: store.System, Index: Kind.Name, Ascending: true}, func(doc *store.Doc) bool {
		var a *Account
		if a, failed = decode(doc); failed == nil {
			scopes = append(scopes, a.Scope(false), a.Scope(true))
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	return scopes, err
}

// ScopesOf are those of one account, in both modes.
func (d *Accounts) ScopesOf(ctx context.Context, id string) (test, live store.Scope, err error) {
	snap, err := d.app.Store.Snapshot(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer snap.Close()
	doc, err := snap.Get(store.System, id)
	if err != nil {
		return 0, 0, err
	}
	if doc == nil || doc.Deleted || doc.Kind != Kind.Name {
		return 0, 0, Problem("there is no account " + id)
	}
	a, err := decode(doc)
	if err != nil {
		return 0, 0, err
	}
	return a.Scope(false), a.Scope(true), nil
}
