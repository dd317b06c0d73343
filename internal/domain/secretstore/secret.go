// Package secretstore keeps the secrets of apps: small texts by name, for an account or for one of its users. They are sealed, and shown only to those
// who ask for them by `expand`.
//
// Known from: the spec; docs.stripe.com/stripe-apps/store-secrets.
package secretstore

import (
	"encoding/base64"
	"fmt"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/vault"
)

// A Domain keeps secrets.
type Domain struct{ vault *vault.Vault }

// New makes the domain on the vault that seals them.
func New(v *vault.Vault) *Domain { return &Domain{v} }

// A Secret is a text that an app keeps.
type Secret struct {
	api.Meta
	Created   int64  `json:"created"`
	Deleted   bool   `json:"deleted,omitempty"`
	ExpiresAt *int64 `json:"expires_at"` // Unix seconds
	Livemode  bool   `json:"livemode"`
	Name      string `json:"name"` // unique in the scope
	Scope     Scope  `json:"scope"`

	Private struct {
		Sealed string `json:"sealed,omitempty"` // the payload, in base64
	} `json:"-"`
}

// Scope is whom a secret is for.
type Scope struct {
	Type string `json:"type"` // account or user
	User string `json:"user,omitempty"`
}

// Secrets is the kind of secrets.
var Secrets = &api.Kind[Secret]{Name: "apps.secret", Prefixes: []string{"appsecret"}, Word: "secret", Index: []string{"name"}}

// most is how many secrets a scope may have. Documented: ten.
const most = 10

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Secrets)
	r.Handle("POST /v1/apps/secrets", d.set)
	r.Handle("GET /v1/apps/secrets", d.list)
	r.Handle("GET /v1/apps/secrets/find", d.find)
	r.Handle("POST /v1/apps/secrets/delete", d.delete)
	r.Include("apps.secret", "payload", d.payload)
	r.Task("secret.expire", d.expire)
}

// scopeOf reads a scope, or refuses it.
func scopeOf(p *form.Value) (Scope, error) {
	in := p.Get("scope")
	s := Scope{Type: in.Str("type"), User: in.Str("user")}
	if (s.Type == "user") != (s.User != "") {
		return s, fault.SecretUser("scope[user]", s.Type == "user")
	}
	return s, nil
}

// named finds the secret of a scope by its name; nil if there is none.
func (d *Domain) named(c *api.Call, s Scope, name string) (found *Secret, err error) {
	err = Secrets.Each(c, "name", name, func(x *Secret) bool {
		if x.Name == name && x.Scope == s && !x.expired(c.Now()) {
			found = x
		}
		return found == nil
	})
	return found, err
}

func (x *Secret) expired(now int64) bool { return x.ExpiresAt != nil && *x.ExpiresAt <= now }

// set makes a secret, or gives one that there is another payload.
func (d *Domain) set(c *api.Call) (any, error) {
	s, err := scopeOf(c.P)
	if err != nil {
		return nil, err
	}
	if c.P.Given("expires_at") && c.P.Num("expires_at") <= c.Now() {
		return nil, fault.NotInFuture("expires_at")
	}
	x, err := d.named(c, s, c.P.Str("name"))
	if err != nil {
		return nil, err
	}
	if x == nil {
		n := 0
		if err := Secrets.Each(c, "", "", func(y *Secret) bool {
			if y.Scope == s && !y.expired(c.Now()) {
				n++
			}
			return n < most
		}); err != nil {
			return nil, err
		}
		if n >= most {
			return nil, fault.TooManySecrets(most)
		}
		x = Secrets.New(c, c.NewID("appsecret"))
		x.Created, x.Livemode, x.Name, x.Scope = c.Now(), c.Live(), c.P.Str("name"), s
	}

	x.ExpiresAt = nil
	if c.P.Given("expires_at") {
		at := c.P.Num("expires_at")
		x.ExpiresAt = &at
		c.At(at, "secret.expire", x.ID)
	}
	x.Private.Sealed = base64.RawStdEncoding.EncodeToString(d.vault.Seal("secret "+x.ID, []byte(c.P.Str("payload"))))
	return x, c.Save(x)
}

// payload shows what is kept, to those who ask.
func (d *Domain) payload(c *api.Call, object []byte) ([]byte, error) {
	x, err := Secrets.Get(c, jsontext.Text(object, "id"))
	if err != nil || x == nil {
		return []byte("null"), err
	}
	sealed, err := base64.RawStdEncoding.DecodeString(x.Private.Sealed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", x.ID, err)
	}
	text, err := d.vault.Open("secret "+x.ID, sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", x.ID, err)
	}
	return jsontext.AppendString(nil, string(text)), nil
}

func (d *Domain) find(c *api.Call) (any, error) {
	x, err := d.inScope(c)
	if err != nil {
		return nil, err
	}
	return x, nil
}

func (d *Domain) inScope(c *api.Call) (*Secret, error) {
	s, err := scopeOf(c.P)
	if err != nil {
		return nil, err
	}
	x, err := d.named(c, s, c.P.Str("name"))
	if err == nil && x == nil {
		err = fault.NoSecret(c.P.Str("name"))
	}
	return x, err
}

func (d *Domain) delete(c *api.Call) (any, error) {
	x, err := d.inScope(c)
	if err != nil {
		return nil, err
	}
	x.Private.Sealed, x.Deleted = "", true
	// unverified: the spec wants all members of what was deleted, the documented answer has no more than id, object and deleted.
	return api.JSON(jsontext.Append(nil, x)), c.Delete(x)
}

func (d *Domain) list(c *api.Call) (any, error) {
	s, err := scopeOf(c.P)
	if err != nil {
		return nil, err
	}
	return Secrets.ListOf(c, api.Narrow{Skip: []string{"scope"}, Where: func(body []byte) bool {
		var at int64
		if _, err := fmt.Sscan(jsontext.Text(body, "expires_at"), &at); err == nil && at <= c.Now() {
			return false
		}
		return jsontext.Text(body, "scope.type") == s.Type && jsontext.Text(body, "scope.user") == s.User
	}})
}

// expire is the task that removes a secret whose time has come.
func (d *Domain) expire(c *api.Call, id string) error {
	x, err := Secrets.Get(c, id)
	if err != nil || x == nil || !x.expired(c.Now()) {
		return err
	}
	x.Private.Sealed = ""
	return c.Delete(x)
}
