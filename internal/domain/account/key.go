package account

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/search"
	"florin/internal/store"
)

// The types of key.
const (
	Publishable = "publishable" // pk_: may stand in a browser
	Secret      = "secret"      // sk_: may do everything
	Restricted  = "restricted"  // rk_: may do what it was given
)

var prefixes = map[string]string{Publishable: "pk", Secret: "sk", Restricted: "rk"}

// A Key opens the door to an account in one mode. The document's id is the key's hash, so a key is found by what it is and cannot be read back
// from there. Test keys and publishable keys are also kept sealed, to be shown again; live secret and restricted keys are not kept at all.
//
// In life: made → used → perhaps rolled, when a new key takes its place and this one ends at a time → ended.
type Key struct {
	api.Meta
	KeyID       string            `json:"key"` // mk_…, what people call it by
	Account     string            `json:"account"`
	Type        string            `json:"type"` // Publishable, Secret or Restricted
	Livemode    bool              `json:"livemode"`
	Name        string            `json:"name,omitempty"`
	Created     int64             `json:"created"`
	ExpiresAt   int64             `json:"expires_at,omitempty"` // 0: never
	Masked      string            `json:"masked"`
	Permissions map[string]string `json:"permissions,omitempty"` // of a restricted key: resource → read or write
	Sealed      string            `json:"sealed,omitempty"`      // the key itself, sealed, in base64
}

var keys = &api.Kind[Key]{Name: "_key", Internal: true, Index: []string{"account", "key"}}

func keyDoc(hash string) string { return "_key:" + hash }

func (k *Key) expired(now int64) bool { return k.ExpiresAt != 0 && now >= k.ExpiresAt }

// A View is what people see of a key. Secret is set only where the key itself was asked for.
type View struct {
	Key         string            `json:"key"`
	Account     string            `json:"account"`
	Type        string            `json:"type"`
	Livemode    bool              `json:"livemode"`
	Name        string            `json:"name,omitempty"`
	Created     int64             `json:"created"`
	ExpiresAt   int64             `json:"expires_at,omitempty"`
	Expired     bool              `json:"expired"`
	Masked      string            `json:"masked"`
	Permissions map[string]string `json:"permissions,omitempty"`
	Revealable  bool              `json:"revealable"`
	Secret      string            `json:"secret,omitempty"`
}

func (k *Key) view(now int64, secret string) View {
	return View{
		Key: k.KeyID, Account: k.Account, Type: k.Type, Livemode: k.Livemode, Name: k.Name, Created: k.Created, ExpiresAt: k.ExpiresAt,
		Expired: k.expired(now), Masked: k.Masked, Permissions: k.Permissions, Revealable: k.Sealed != "", Secret: secret,
	}
}

// A NewKey says what key is to be made.
type NewKey struct {
	Account     string            `json:"account"`
	Type        string            `json:"type"`
	Live        bool              `json:"live"`
	Name        string            `json:"name,omitempty"`
	Permissions map[string]string `json:"permissions,omitempty"` // of a restricted key: resource → read or write
}

// newKey makes a key; the caller saves it.
func (d *Accounts) newKey(c *api.Call, n NewKey) (k *Key, secret string) {
	mode := "_test"
	if n.Live {
		mode = "_live"
	}
	secret = id.Key(prefixes[n.Type]+mode, n.Account)
	k = keys.NewAt(c, store.System, keyDoc(d.vault.KeyHash(secret)), c.Now())
	k.KeyID = id.New("mk", id.Ordinary, c.Now(), id.AccountPart(n.Account))
	k.Account, k.Type, k.Livemode, k.Name = n.Account, n.Type, n.Live, n.Name
	k.Created, k.Masked, k.Permissions = c.Now(), fault.MaskKey(secret), maps.Clone(n.Permissions)
	if !n.Live || n.Type == Publishable {
		k.Sealed = base64.StdEncoding.EncodeToString(d.vault.Seal(k.sealContext(), []byte(secret)))
	}
	return k, secret
}

func (k *Key) sealContext() string { return k.Account + "/key/" + k.KeyID }

// CreateKey makes a key, and returns it in clear.
func (d *Accounts) CreateKey(ctx context.Context, n NewKey) (*View, error) {
	if prefixes[n.Type] == "" {
		return nil, problem("there is no type of key %q: it is publishable, secret or restricted", n.Type)
	}
	if n.Type != Restricted && len(n.Permissions) > 0 {
		return nil, problem("only a restricted key has permissions")
	}
	for resource, level := range n.Permissions {
		if !slices.Contains(Resources(), resource) {
			return nil, problem("there is no permission for %q", resource)
		}
		if level != "read" && level != "write" {
			return nil, problem("a permission is read or write (write includes read), not %q", level)
		}
	}
	var v View
	err := d.app.Do(ctx, store.System, func(c *api.Call) error {
		if a, err := Load(c, n.Account); err != nil || a == nil {
			return or(err, problem("there is no account %q", n.Account))
		}
		k, secret := d.newKey(c, n)
		v = k.view(c.Now(), secret)
		return c.Save(k)
	})
	return &v, err
}

// ListKeys lists the keys of an account, or of all if account is empty: oldest first, those that have ended included.
func (d *Accounts) ListKeys(ctx context.Context, account string) ([]View, error) {
	all, err := d.List(ctx)
	if err != nil {
		return nil, err
	}
	list := []View{}
	known := false
	for _, a := range all {
		if account != "" && a.Account != account {
			continue
		}
		known = true
		err := d.app.Do(ctx, store.System, func(c *api.Call) error {
			var of []View
			err := keys.Each(c, "account", search.Fold(a.Account), func(k *Key) bool {
				if k.Account == a.Account {
					of = append(of, k.view(c.Now(), ""))
				}
				return true
			})
			slices.Reverse(of)
			list = append(list, of...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if account != "" && !known {
		return nil, problem("there is no account %q", account)
	}
	return list, nil
}

// find loads the key that ref means: its mk_… name, or the key itself.
func (d *Accounts) find(c *api.Call, ref string) (*Key, error) {
	if !strings.HasPrefix(ref, "mk_") {
		k, err := keys.GetAt(c, store.System, keyDoc(d.vault.KeyHash(ref)))
		if err == nil && k == nil {
			err = problem("there is no key %s", fault.MaskKey(ref))
		}
		return k, err
	}
	var found *Key
	err := keys.Each(c, "key", search.Fold(ref), func(k *Key) bool {
		if k.KeyID == ref {
			found = k
		}
		return found == nil
	})
	if err == nil && found == nil {
		err = problem("there is no key %s", ref)
	}
	return found, err
}

// Reveal shows a key in clear, if it is one of those that are kept.
func (d *Accounts) Reveal(ctx context.Context, ref string) (*View, error) {
	var v View
	err := d.app.Do(ctx, store.System, func(c *api.Call) error {
		k, err := d.find(c, ref)
		if err != nil {
			return err
		}
		if k.Sealed == "" {
			return problem("%s is a live %s key: it was shown once, when it was made, and is not kept; `florin keys roll` makes another", k.KeyID, k.Type)
		}
		secret, err := d.open(k)
		v = k.view(c.Now(), secret)
		return err
	})
	return &v, err
}

func (d *Accounts) open(k *Key) (string, error) {
	sealed, err := base64.StdEncoding.DecodeString(k.Sealed)
	if err != nil {
		return "", fmt.Errorf("key %s: %w", k.KeyID, err)
	}
	plain, err := d.vault.Open(k.sealContext(), sealed)
	if err != nil {
		return "", fmt.Errorf("key %s: %w", k.KeyID, err)
	}
	return string(plain), nil
}

// MaxOverlap is how long a key that was rolled may live on. Known from: facts 02 (2c).
const MaxOverlap = 7 * 24 * time.Hour

// Roll makes a key that takes the place of another, and returns it in clear. The old one ends after the overlap; both work until then.
func (d *Accounts) Roll(ctx context.Context, ref string, overlap time.Duration) (made, old *View, err error) {
	if overlap < 0 || overlap > MaxOverlap {
		return nil, nil, problem("a rolled key lives on for 7 days at the most")
	}
	err = d.app.Do(ctx, store.System, func(c *api.Call) error {
		was, err := d.find(c, ref)
		switch {
		case err != nil:
			return err
		case was.expired(c.Now()):
			return problem("%s has expired; `florin keys create` makes another", was.KeyID)
		case was.ExpiresAt != 0:
			return problem("%s was rolled before, and ends %s", was.KeyID, stamp(was.ExpiresAt))
		}
		k, secret := d.newKey(c, NewKey{Account: was.Account, Type: was.Type, Live: was.Livemode, Name: was.Name, Permissions: was.Permissions})
		was.ExpiresAt = c.Now() + int64(overlap/time.Second)
		m, o := k.view(c.Now(), secret), was.view(c.Now(), "")
		made, old = &m, &o
		return save(c, was, k)
	})
	return made, old, err
}

// Expire ends a key: now, or after a while.
func (d *Accounts) Expire(ctx context.Context, ref string, in time.Duration) (*View, error) {
	if in < 0 || in > MaxOverlap {
		return nil, problem("a key that is to end lives on for 7 days at the most")
	}
	var v View
	err := d.app.Do(ctx, store.System, func(c *api.Call) error {
		k, err := d.find(c, ref)
		if err != nil {
			return err
		}
		if k.expired(c.Now()) {
			return problem("%s has expired already, %s", k.KeyID, stamp(k.ExpiresAt))
		}
		k.ExpiresAt = c.Now() + int64(in/time.Second)
		v = k.view(c.Now(), "")
		return c.Save(k)
	})
	return &v, err
}

// First is the oldest account with the newest test keys that work, for those who have just started and want to try something; nil if there
// is no account. A key that there is none of is left empty.
func (d *Accounts) First(ctx context.Context) (*Starter, error) {
	all, err := d.List(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	s := &Starter{Account: all[0].Account}
	list, err := d.ListKeys(ctx, s.Account)
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		if k.Livemode || k.Expired || k.Type == Restricted {
			continue
		}
		v, err := d.Reveal(ctx, k.Key)
		if err != nil {
			return nil, err
		}
		if k.Type == Publishable {
			s.PublishableKey = v.Secret
		} else {
			s.SecretKey = v.Secret
		}
	}
	return s, nil
}

// A Starter is what somebody needs who wants to try something.
type Starter struct{ Account, PublishableKey, SecretKey string }

func stamp(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

func or(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
