package account

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/spec"
	"florin/internal/store"
)

// maxCached bounds how many keys, and how many accounts of tasks, are kept at hand.
const maxCached = 8192

// A cache keeps at hand whom keys belong to, so that a request reads neither its key nor its account from the store. Keys that nobody has are not
// kept: they could be any number. A change of a key or an account empties it.
type cache struct {
	mu    sync.RWMutex
	round int64 // grows with each change, so that nothing is put in that was read before one
	keys  map[string]*entry
	tasks map[store.Scope]*api.Principal
	acts  map[string]*api.Principal // by key and connected account
}

type entry struct {
	who       *api.Principal
	expiresAt int64
}

func (e *entry) expired(now int64) bool { return e.expiresAt != 0 && now >= e.expiresAt }

// committed empties the cache when a unit changes a key or an account that was there before.
func (c *cache) committed(units []*store.Unit) {
	for _, u := range units {
		for i := range u.Puts {
			if p := &u.Puts[i]; p.Base > 0 && p.Scope == store.System && (p.Kind == keys.Name || p.Kind == Kind.Name) {
				c.empty()
				return
			}
		}
		for i := range u.Deletes {
			if d := &u.Deletes[i]; d.Scope == store.System && (strings.HasPrefix(d.ID, "_key:") || strings.HasPrefix(d.ID, "acct_")) {
				c.empty()
				return
			}
		}
	}
}

func (c *cache) empty() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round++
	clear(c.keys)
	clear(c.tasks)
	clear(c.acts)
}

func (c *cache) key(hash string) (*entry, int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.keys[hash], c.round
}

func (c *cache) putKey(hash string, e *entry, round int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if round != c.round {
		return
	}
	if c.keys == nil || len(c.keys) >= maxCached {
		c.keys = map[string]*entry{}
	}
	c.keys[hash] = e
}

func (c *cache) task(scope store.Scope) (*api.Principal, int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.tasks[scope], c.round
}

func (c *cache) putTask(scope store.Scope, who *api.Principal, round int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if round != c.round {
		return
	}
	if c.tasks == nil || len(c.tasks) >= maxCached {
		c.tasks = map[store.Scope]*api.Principal{}
	}
	c.tasks[scope] = who
}

func (c *cache) actor(key string) (*api.Principal, int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.acts[key], c.round
}

func (c *cache) putActor(key string, who *api.Principal, round int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if round != c.round {
		return
	}
	if c.acts == nil || len(c.acts) >= maxCached {
		c.acts = map[string]*api.Principal{}
	}
	c.acts[key] = who
}

// Authenticate finds out whom a key belongs to, and refuses in Stripe's words what is no key, or must not be used so. It is App.Authenticate.
func (d *Accounts) Authenticate(ctx context.Context, key, stripeAccount string) (*api.Principal, error) {
	if key == "" {
		return nil, fault.NoKey()
	}
	hash := d.vault.KeyHash(key)
	e, round := d.cache.key(hash)
	if e == nil {
		var err error
		if e, err = d.lookup(ctx, key, hash); err != nil {
			return nil, err
		}
		if e == nil {
			return nil, fault.InvalidKey(key)
		}
		d.cache.putKey(hash, e, round)
	}
	switch {
	case e.expired(d.app.Clock.Now().Unix()):
		return nil, fault.ExpiredKey(key)
	case stripeAccount == "":
	case e.who.Kind == api.RestrictedKey:
		return nil, fault.RestrictedConnect()
	case stripeAccount != e.who.AccountID:
		return d.acting(ctx, e.who, stripeAccount, hash)
	}
	return e.who, nil
}

// lookup reads a key and its account from the store; nil if nobody has the key.
func (d *Accounts) lookup(ctx context.Context, key, hash string) (*entry, error) {
	snap, err := d.app.Store.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("look a key up: %w", err)
	}
	defer snap.Close()
	doc, err := snap.Get(store.System, keyDoc(hash))
	if err != nil || doc == nil || doc.Deleted {
		return nil, err
	}
	var k Key
	if err := json.Unmarshal(doc.Body, &k); err != nil {
		return nil, fmt.Errorf("decode a key: %w", err)
	}
	a, err := read(snap, k.Account)
	if err != nil {
		return nil, err
	}
	who := principal(a, k.Livemode)
	who.Masked, who.KeyID = k.Masked, k.KeyID
	switch k.Type {
	case Publishable:
		who.Kind = api.PublishableKey
	case Restricted:
		who.Kind = api.RestrictedKey
		masked := fault.MaskKey6(key)
		who.Permit = func(op *spec.Operation) *fault.Error { return d.grants.permit(op, k.Permissions, masked, a.ID) }
	}
	return &entry{who, k.ExpiresAt}, nil
}

func read(snap store.Snapshot, account string) (*Account, error) {
	doc, err := snap.Get(store.System, account)
	if err != nil {
		return nil, err
	}
	if doc == nil || doc.Deleted {
		return nil, fmt.Errorf("account %s is gone", account)
	}
	return decode(doc)
}

func principal(a *Account, live bool) *api.Principal {
	return &api.Principal{Scope: a.Scope(live), AccountID: a.ID, AccountVersion: a.Private.Version, Kind: api.SecretKey, Holder: a}
}

// PrincipalOf is whom the tasks of a scope are done as: its account. It is App.PrincipalOf.
func (d *Accounts) PrincipalOf(ctx context.Context, scope store.Scope) (*api.Principal, error) {
	who, round := d.cache.task(scope)
	if who != nil {
		return who, nil
	}
	snap, err := d.app.Store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	doc, err := snap.Get(store.System, numberID(scope.Account()))
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, fmt.Errorf("no account has the number %d", scope.Account())
	}
	var n number
	if err := json.Unmarshal(doc.Body, &n); err != nil {
		return nil, fmt.Errorf("decode %s: %w", doc.ID, err)
	}
	a, err := readAny(snap, n.Account) // what a deleted account left to do is still done
	if err != nil {
		return nil, err
	}
	who = principal(a, scope.Live())
	if a.Private.Platform != "" {
		p, err := readAny(snap, a.Private.Platform)
		if err != nil {
			return nil, err
		}
		who.Platform = principal(p, scope.Live())
		who.AccountVersion = who.Platform.AccountVersion
	}
	d.cache.putTask(scope, who, round)
	return who, nil
}
