package keyring

import (
	"context"
	"errors"
	"fmt"

	"florin/internal/store"
	"florin/internal/vault"
)

// most is how many documents are rewrapped in one unit.
const most = 64

// maxPasses bounds how often everything is looked through. What was in the hands of a request while it was rewrapped is found by the second pass,
// which makes a new version of it, so that requests that have it in their hands run again.
const maxPasses = 10

// maxTries is how often a document is read again that changes all the time.
const maxTries = 100

// Errors that the user of a command can mend.
var (
	ErrSameKey  = errors.New("the ring has no new key: it is kept elsewhere, so add one there, at its end, and rotate again")
	ErrKeep     = errors.New("the ring is kept elsewhere: take the old keys out there")
	ErrInUse    = errors.New("some records are still sealed under an older master key; `florin vault rotate` rewraps them")
	ErrOldStays = errors.New("records were sealed again under an older key while they were rewrapped: rotate again")
)

// Rotate turns the ring: it makes a new master key (or takes the one that was added where the ring is kept) and rewraps everything under it. One that
// was interrupted is gone on with, and makes no other key.
func (k *Keyring) Rotate(ctx context.Context) (rewrapped int64, err error) {
	k.turning.Lock()
	defer k.turning.Unlock()
	unfinished, err := k.Unfinished(ctx)
	if err != nil {
		return 0, err
	}
	if !unfinished {
		if err := k.vault.Rotate(); errors.Is(err, vault.ErrForeign) {
			return 0, ErrSameKey
		} else if err != nil {
			return 0, err
		}
	}
	return k.rewrap(ctx)
}

// Resume goes on with a rotation that was interrupted, if there is one.
func (k *Keyring) Resume(ctx context.Context) (rewrapped int64, err error) {
	k.turning.Lock()
	defer k.turning.Unlock()
	if unfinished, err := k.Unfinished(ctx); err != nil || !unfinished {
		return 0, err
	}
	return k.rewrap(ctx)
}

// Retire takes the old keys out of the ring, if nothing is sealed under them any more. It says where they are kept for old backups.
func (k *Keyring) Retire(ctx context.Context) (retired string, err error) {
	k.turning.Lock()
	defer k.turning.Unlock()
	st, err := k.Status(ctx)
	if err != nil {
		return "", err
	}
	newest := st.Keys[len(st.Keys)-1]
	for id, n := range st.Records {
		if id != newest && n > 0 {
			return "", ErrInUse
		}
	}
	if st.Current != newest {
		return "", ErrInUse
	}
	retired, err = k.vault.Retire()
	if errors.Is(err, vault.ErrForeign) {
		return "", ErrKeep
	}
	return retired, err
}

// rewrap goes through everything until a pass finds nothing, and notes it.
func (k *Keyring) rewrap(ctx context.Context) (all int64, err error) {
	keys := k.vault.Keys()
	newest := keys[len(keys)-1]
	for i := range maxPasses {
		n, err := k.pass(ctx, i > 0)
		all += n
		if err != nil {
			return all, fmt.Errorf("rewrap: %w", err)
		}
		if n > 0 {
			continue
		}
		doc, st, err := read(ctx, k.db)
		if err != nil {
			return all, err
		}
		st.Current = newest
		return all, k.db.Commit(ctx, &store.Unit{Puts: []store.Put{st.put(doc)}})
	}
	return all, ErrOldStays
}

// A pass is one walk through documents and blobs.
type pass struct {
	*Keyring
	renew  bool        // make new versions of what is current
	later  []store.Ref // of those
	unit   store.Unit
	n      int64 // rewrapped
	failed error
}

func (k *Keyring) pass(ctx context.Context, renew bool) (n int64, err error) {
	snap, err := k.db.Snapshot(ctx)
	if err != nil {
		return 0, err
	}
	p := &pass{Keyring: k, renew: renew}
	var last *store.Doc
	err = snap.WalkVersions(func(d *store.Doc) bool {
		if last != nil && last.Scope == d.Scope && last.ID == d.ID {
			p.earlier(last)
		} else {
			p.current(last)
		}
		last = d
		if len(p.unit.Puts)+len(p.unit.Rewrites) >= most {
			p.flush(ctx)
		}
		return p.failed == nil
	})
	snap.Close()
	if err == nil {
		p.current(last)
		p.flush(ctx)
	}
	for _, ref := range p.later {
		p.again(ctx, ref)
	}
	if err := errors.Join(err, p.failed); err != nil {
		return p.n, err
	}
	return p.n, k.blobs.Each(func(name string) error {
		did, err := k.blob(name)
		if did {
			p.n++
		}
		return errors.Join(err, ctx.Err())
	})
}

// flush commits what has gathered.
func (p *pass) flush(ctx context.Context) {
	if p.unit.Empty() || p.failed != nil {
		return
	}
	err := p.db.Commit(ctx, &p.unit)
	if errors.Is(err, store.ErrConflict) { // a document has changed meanwhile; the next pass finds it
		err = nil
	}
	p.unit, p.failed = store.Unit{}, err
}

// earlier rewraps a version that is not current: in its place.
func (p *pass) earlier(d *store.Doc) {
	if priv := p.text(d.Priv); priv != nil {
		p.n++
		p.unit.Rewrites = append(p.unit.Rewrites, store.Rewrite{Ref: store.Ref{Scope: d.Scope, ID: d.ID, Ver: d.Ver}, Was: d.Priv, Priv: priv})
	}
}

// current rewraps the newest version of a document: in its place, too, if its body has no records and nobody seems to change it.
func (p *pass) current(d *store.Doc) {
	switch {
	case d == nil:
	case p.renew:
		if p.next(d) != nil || p.text(d.Priv) != nil {
			p.later = append(p.later, store.Ref{Scope: d.Scope, ID: d.ID})
		}
	default:
		if next := p.next(d); next == nil {
			p.earlier(d)
		} else {
			p.n++
			p.unit.Puts = append(p.unit.Puts, p.put(d, next))
		}
	}
}

// again makes a new version of a document, as it now is.
func (p *pass) again(ctx context.Context, ref store.Ref) {
	for range maxTries {
		now, err := p.get(ctx, ref)
		if err != nil || now == nil || p.failed != nil {
			p.failed = errors.Join(p.failed, err)
			return
		}
		next, priv := p.next(now), p.text(now.Priv)
		if next == nil && priv == nil {
			return
		}
		if next == nil {
			next = &store.Doc{}
			*next = *now
			next.Priv, next.Ver = priv, now.Ver+1
		}
		err = p.db.Commit(ctx, &store.Unit{Puts: []store.Put{p.put(now, next)}})
		if err == nil {
			p.n++
		}
		if !errors.Is(err, store.ErrConflict) {
			p.failed = err
			return
		}
	}
}

func (p *pass) get(ctx context.Context, ref store.Ref) (*store.Doc, error) {
	snap, err := p.db.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	return snap.Get(ref.Scope, ref.ID)
}

// next is the version that follows d where records stand in its body; nil if none does that is to be rewrapped.
func (p *pass) next(d *store.Doc) *store.Doc {
	if !sealedBody(d) {
		return nil
	}
	body := p.text(d.Body)
	if body == nil {
		return nil
	}
	next := *d
	next.Body, next.Ver = body, d.Ver+1
	if priv := p.text(d.Priv); priv != nil {
		next.Priv = priv
	}
	return &next
}

func (p *pass) put(d, next *store.Doc) store.Put {
	at := p.entries(d)
	return store.Put{Doc: *next, Base: d.Ver, Keep: !sealedBody(d), Index: at, Was: at}
}

// text returns a JSON text with its records rewrapped, or nil if they all are already.
func (p *pass) text(text []byte) []byte {
	return inText(text, func(r record) []byte {
		now, err := p.rewrapRecord(r.record)
		if err != nil {
			p.failed = errors.Join(p.failed, err)
		}
		return now
	})
}

// rewrapRecord returns a record under the newest key; nil if it is already, or none that this ring can say anything about.
func (k *Keyring) rewrapRecord(r []byte) ([]byte, error) {
	if k.vault.Current(r) {
		return nil, nil
	}
	now, err := k.vault.Rewrap(r)
	if errors.Is(err, vault.ErrCorrupt) || errors.Is(err, vault.ErrNoKey) {
		return nil, nil // what it was before, it still is
	}
	return now, err
}

func (k *Keyring) blob(name string) (bool, error) {
	content, err := k.blobs.Get(name)
	if err != nil || vault.KeyID(content) == "" {
		return false, err
	}
	now, err := k.rewrapRecord(content)
	if err != nil || now == nil {
		return false, err
	}
	return true, k.blobs.Put(name, now)
}
