// Package keyring keeps a vault and a store together. The store has a document that says under which master key everything is sealed, and holds the
// vault's roots, sealed themselves; so a store and a ring that do not belong together are told apart at the start, and a rotation that was
// interrupted is known.
//
// A rotation rewraps every record, in small units and while others work: the private parts of all versions of all documents, the bodies of internal
// documents, and the blobs. It looks for what is shaped like a record, and so needs no list of who seals what.
package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"florin/internal/store"
	"florin/internal/vault"
)

// Blobs are files that are kept sealed.
type Blobs interface {
	Each(yield func(name string) error) error
	Get(name string) ([]byte, error)
	Put(name string, content []byte) error
}

// A Keyring is a vault and the store that it seals for.
type Keyring struct {
	db      *store.DB
	vault   *vault.Vault
	blobs   Blobs
	entries func(*store.Doc) []store.Entry
	turning sync.Mutex // held by what rewraps
}

// docID names the document, in the system's scope; it is its kind, too.
const docID = "_vault"

// A state is that document's private part.
type state struct {
	Roots   string `json:"roots"`             // sealed, in base64
	Current string `json:"current,omitempty"` // id of the master key that everything is sealed under; "" while that is not known
}

// Open sees that the vault's ring is the one that the store was sealed under, and gives the vault its roots.
func Open(ctx context.Context, db *store.DB, v *vault.Vault) error {
	for range 3 {
		doc, st, err := read(ctx, db)
		if err != nil {
			return err
		}
		if doc == nil {
			if err := begin(ctx, db, v); err != nil {
				return err
			}
			continue // another process may have been faster
		}
		sealed, ok := decode(st.Roots)
		if !ok {
			return errors.New("keyring: the vault's roots cannot be read")
		}
		err = v.OpenRoots(sealed.record)
		if errors.Is(err, vault.ErrNoKey) {
			return missing(vault.KeyID(sealed.record), v)
		}
		return err
	}
	return errors.New("keyring: the vault's roots cannot be kept")
}

func missing(id string, v *vault.Vault) error {
	return fmt.Errorf("this data was sealed under the master key %s, and the ring at hand has only %s: put the right one back, or nothing that was sealed opens",
		id, strings.Join(v.Keys(), ", "))
}

// begin writes the document of a store that has none yet: a new one, or one of an earlier Florin.
func begin(ctx context.Context, db *store.DB, v *vault.Vault) error {
	snap, err := db.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	var foreign string
	looked := 0
	err = snap.Walk(func(d *store.Doc) bool {
		found := false
		records(d, func(r record) {
			found = true
			if _, known := v.Known(r.record); !known {
				foreign = vault.KeyID(r.record)
			}
		})
		looked++
		return !found && looked < 10_000 // keys come first, and are sealed
	})
	if err == nil && foreign != "" {
		err = missing(foreign, v)
	}
	if err != nil {
		return err
	}
	st := state{Roots: encode(v.SealRoots())}
	if keys := v.Keys(); len(keys) == 1 {
		st.Current = keys[0]
	}
	p := st.put(&store.Doc{Scope: store.System, ID: docID, Kind: docID, Seq: db.Seq()})
	p.Base = store.IfAbsent
	return db.Commit(ctx, &store.Unit{Puts: []store.Put{p}})
}

func read(ctx context.Context, db *store.DB) (*store.Doc, *state, error) {
	snap, err := db.Snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer snap.Close()
	doc, err := snap.Get(store.System, docID)
	if err != nil || doc == nil {
		return nil, nil, err
	}
	st := &state{}
	if err := json.Unmarshal(doc.Priv, st); err != nil {
		return nil, nil, fmt.Errorf("keyring: %s: %w", docID, err)
	}
	return doc, st, nil
}

// put is the document's next version.
func (st *state) put(doc *store.Doc) store.Put {
	next := *doc
	next.Ver++
	next.Body = []byte(`{"id":"` + docID + `"}`)
	next.Priv, _ = json.Marshal(st) // two strings
	return store.Put{Doc: next, Base: doc.Ver}
}

// New is a keyring of a store and a vault that Open has brought together. entries are the places in which a document stands.
func New(db *store.DB, v *vault.Vault, blobs Blobs, entries func(*store.Doc) []store.Entry) *Keyring {
	return &Keyring{db: db, vault: v, blobs: blobs, entries: entries}
}

// A Status says how far a rotation is.
type Status struct {
	Keys    []string         `json:"keys"` // ids of the master keys, oldest first; the last one seals
	Current string           `json:"current,omitempty"`
	Records map[string]int64 `json:"records"` // by master key
	Foreign int64            `json:"foreign"` // records whose master key is not in the ring
}

// Unfinished says whether there are records to rewrap.
func (k *Keyring) Unfinished(ctx context.Context) (bool, error) {
	_, st, err := read(ctx, k.db)
	if err != nil || st == nil {
		return false, err
	}
	keys := k.vault.Keys()
	return st.Current != keys[len(keys)-1], nil
}

// Status counts the records by master key.
func (k *Keyring) Status(ctx context.Context) (*Status, error) {
	_, st, err := read(ctx, k.db)
	if err != nil {
		return nil, err
	}
	out := &Status{Keys: k.vault.Keys(), Records: map[string]int64{}}
	if st != nil {
		out.Current = st.Current
	}
	count := func(r record) {
		id := vault.KeyID(r.record)
		if !slices.Contains(out.Keys, id) {
			out.Foreign++
		} else {
			out.Records[id]++
		}
	}
	snap, err := k.db.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	if err := snap.WalkVersions(func(d *store.Doc) bool { records(d, count); return true }); err != nil {
		return nil, err
	}
	return out, k.blobs.Each(func(name string) error {
		content, err := k.blobs.Get(name)
		if err == nil && vault.KeyID(content) != "" {
			count(record{record: content})
		}
		return err
	})
}
