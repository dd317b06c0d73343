// Package ephemeralkey makes keys that open one customer's door for an hour: the merchant's server has one made, and an app on the customer's
// phone shows and changes the saved payment methods with it.
//
// Known from: facts 11g (recorded), stripe-ios's and stripe-android's use of the keys (facts 11b).
package ephemeralkey

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/spec"
	"florin/internal/store"
	"florin/internal/vault"
)

// An EphemeralKey is a key for one customer, made for the API version that the app speaks. It ends after an hour, or when it is deleted. Only the
// answer that makes it shows its secret.
type EphemeralKey struct {
	api.Meta
	AssociatedObjects []associated `json:"associated_objects"`
	Created           int64        `json:"created"`
	Expires           int64        `json:"expires"` // Unix seconds
	Livemode          bool         `json:"livemode"`

	Private struct {
		Door   string `json:"door"`   // id of the door that it opens
		Sealed string `json:"sealed"` // the key itself, in base64, to answer a retry with
	} `json:"-"`
}

type associated struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// life is how long a key is good, in seconds. Recorded.
const life = 60 * 60

// Keys is the kind of ephemeral keys.
var Keys = &api.Kind[EphemeralKey]{Name: "ephemeral_key", Prefixes: []string{"ephkey"}, Word: "ephemeral key", Param: "key"}

// A door is what a key is found by: its hash. It stands in the system's scope, since nobody knows whose a key is until it has been found.
type door struct {
	api.Meta
	Scope    int64  `json:"scope"`
	Key      string `json:"key"` // ephkey_…
	Customer string `json:"customer"`
	Version  string `json:"version"`
	Expires  int64  `json:"expires"` // Unix seconds
}

var doors = &api.Kind[door]{Name: "_ephemeral", Internal: true}

// A Domain is the ephemeral keys of all accounts.
type Domain struct {
	app      *api.App
	accounts *account.Accounts
	vault    *vault.Vault
}

// New makes the domain on the accounts below it.
func New(app *api.App, accounts *account.Accounts, v *vault.Vault) *Domain {
	return &Domain{app: app, accounts: accounts, vault: v}
}

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Keys)
	r.Kind(doors)
	r.Handle("POST /v1/ephemeral_keys", d.create)
	r.Handle("DELETE /v1/ephemeral_keys/{key}", d.delete)
	r.Answer("ephemeral_key.created", d.created)
}

func (d *Domain) create(c *api.Call) (any, error) {
	for _, name := range []string{"issuing_card", "nonce", "verification_session"} {
		if c.P.Given(name) {
			return nil, fault.ParamNotBuilt(name)
		}
	}
	who := c.P.Str("customer")
	switch {
	case !c.Asked:
		return nil, fault.VersionNeeded()
	case who == "":
		return nil, fault.EphemeralFor()
	}
	cus, err := customer.Customers.Find(c, who, "customer")
	if err != nil {
		return nil, err
	}

	k := Keys.New(c, c.NewID("ephkey"))
	k.AssociatedObjects = []associated{{cus.ID, "customer"}}
	k.Created, k.Expires, k.Livemode = c.Now(), c.Now()+life, c.Live()
	secret := newSecret(account.Of(c).ID, c.Live())
	k.Private.Sealed = base64.StdEncoding.EncodeToString(d.vault.Seal(sealContext(k.ID), []byte(secret)))
	k.Private.Door = d.doorOf(secret)
	open := doors.NewAt(c, store.System, k.Private.Door, c.Now())
	open.Scope, open.Key, open.Customer, open.Version, open.Expires = int64(c.Scope), k.ID, cus.ID, c.Version, k.Expires
	if err := c.Save(open); err != nil {
		return nil, err
	}
	return api.Answer{Name: "ephemeral_key.created", Arg: k.ID, Of: k.ID, Secret: true}, c.Save(k)
}

// newSecret makes a key as recorded: ek_test_, the account and 28 characters in base64, _00 and 8 characters.
func newSecret(acct string, live bool) string {
	mode := "ek_test_"
	if live {
		mode = "ek_live_"
	}
	return mode + base64.RawStdEncoding.EncodeToString([]byte(acct+","+id.Secret(28))) + "_00" + id.Secret(8)
}

func (d *Domain) doorOf(secret string) string { return "_ephemeral:" + d.vault.KeyHash(secret) }

func sealContext(key string) string { return "ephemeral/" + key }

// created is the answer of a creation: the key with its secret, which is the last of its members.
func (d *Domain) created(c *api.Call, key string) (any, error) {
	k, err := Keys.First(c, key)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return nil, Keys.Missing(key, "key", 404)
	}
	sealed, err := base64.StdEncoding.DecodeString(k.Private.Sealed)
	if err != nil {
		return nil, fmt.Errorf("ephemeral key %s: %w", key, err)
	}
	secret, err := d.vault.Open(sealContext(k.ID), sealed)
	if err != nil {
		return nil, fmt.Errorf("ephemeral key %s: %w", key, err)
	}
	body, err := c.Show(k)
	if err != nil {
		return nil, err
	}
	out := append(append(make([]byte, 0, len(body)+160), body[:len(body)-1]...), `,"secret":`...)
	return api.JSON(append(jsontext.AppendString(out, string(secret)), '}')), nil
}

// delete ends a key at once. unverified: that the answer shows the end, and no secret.
func (d *Domain) delete(c *api.Call) (any, error) {
	k, err := Keys.InPath(c, "key")
	if err != nil {
		return nil, err
	}
	open, err := doors.GetAt(c, store.System, k.Private.Door)
	if err != nil {
		return nil, err
	}
	k.Expires = min(k.Expires, c.Now())
	if open != nil {
		open.Expires = k.Expires
		if err := c.Save(open); err != nil {
			return nil, err
		}
	}
	return k, c.Save(k)
}

// Authenticate finds out whom a key belongs to: an ephemeral one here, any other as the accounts do. It is App.Authenticate.
func (d *Domain) Authenticate(ctx context.Context, key, stripeAccount string) (*api.Principal, error) {
	if !strings.HasPrefix(key, "ek_") {
		return d.accounts.Authenticate(ctx, key, stripeAccount)
	}
	open, err := d.find(ctx, key)
	if err != nil {
		return nil, err
	}
	switch {
	case open == nil:
		return nil, fault.InvalidKey(key)
	case open.Expires <= d.app.Clock.Now().Unix():
		return nil, fault.ExpiredKey(key)
	}
	of, err := d.accounts.PrincipalOf(ctx, store.Scope(open.Scope))
	if err != nil {
		return nil, err
	}
	if stripeAccount != "" && stripeAccount != of.AccountID {
		return nil, fault.AccountInvalid(fault.MaskKey(key), stripeAccount)
	}
	who := *of
	who.Kind, who.Masked, who.KeyID, who.Version = api.EphemeralKey, fault.MaskKey(key), open.Key, open.Version
	who.Permit = func(op *spec.Operation) *fault.Error {
		if !permitted[op.Route()] {
			return fault.NotForEphemeral(who.Masked)
		}
		return nil
	}
	who.Admit = func(c *api.Call) error { return admit(c, open.Customer, who.Masked) }
	return &who, nil
}

func (d *Domain) find(ctx context.Context, key string) (*door, error) {
	snap, err := d.app.Store.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("look an ephemeral key up: %w", err)
	}
	defer snap.Close()
	doc, err := snap.Get(store.System, d.doorOf(key))
	if err != nil || doc == nil || doc.Deleted {
		return nil, err
	}
	open := &door{}
	if err := json.Unmarshal(doc.Body, open); err != nil {
		return nil, fmt.Errorf("decode an ephemeral key: %w", err)
	}
	return open, nil
}

// permitted is what an ephemeral key of a customer may call. Known from: what Stripe's mobile SDKs call with one (facts 11b, 11g).
// unverified: that there is nothing else.
var permitted = map[string]bool{
	"GET /v1/customers/{customer}":                                  true,
	"POST /v1/customers/{customer}":                                 true,
	"GET /v1/customers/{customer}/payment_methods":                  true,
	"GET /v1/customers/{customer}/payment_methods/{payment_method}": true,
	"GET /v1/customers/{customer}/sources":                          true,
	"POST /v1/customers/{customer}/sources":                         true,
	"DELETE /v1/customers/{customer}/sources/{id}":                  true,
	"GET /v1/payment_methods":                                       true,
	"POST /v1/payment_methods":                                      true,
	"POST /v1/payment_methods/{payment_method}":                     true,
	"POST /v1/payment_methods/{payment_method}/attach":              true,
	"POST /v1/payment_methods/{payment_method}/detach":              true,
}

// admit refuses what is another customer's.
func admit(c *api.Call, own, masked string) error {
	named := c.Path("customer")
	route := c.Op.Route()
	if route == "GET /v1/payment_methods" || strings.HasSuffix(route, "/attach") {
		named = c.P.Str("customer")
		if named == "" {
			return fault.NotForEphemeral(masked)
		}
	}
	if named != "" && named != own {
		return fault.NotForEphemeral(masked)
	}
	method := c.Path("payment_method")
	if method == "" || strings.HasSuffix(route, "/attach") {
		return nil
	}
	pm, err := paymentmethod.Get(c, method)
	if err != nil || pm == nil {
		return err // the handler says that there is none
	}
	if pm.Customer == nil || *pm.Customer != own {
		return fault.NotForEphemeral(masked)
	}
	return nil
}
