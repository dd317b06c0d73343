package account

import (
	"context"
	"encoding/json"
	"fmt"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/search"
	"florin/internal/store"
)

// A connection is a connected account as its platform has it: a document in the platform's scope, under the account's own id. It answers for the
// account wherever the platform names it, in lists and where it is expanded, and by it Stripe-Account is let in. It goes when the account is
// deleted.
type connection struct {
	api.Meta
	Platform string `json:"platform"`
}

var connections = &api.Kind[connection]{
	Name: "_connection", Word: "account", Internal: true, Index: []string{"platform"}, View: viewConnection,
}

// viewConnection shows the account itself.
func viewConnection(c *api.Call, d *store.Doc) ([]byte, error) {
	a, err := Load(c, d.ID)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, fmt.Errorf("%s is connected but gone", d.ID)
	}
	return c.Show(a)
}

// Connected loads an account that is connected to that of the call; nil if there is none.
func Connected(c *api.Call, account string) (*Account, error) {
	link, err := connections.Get(c, account)
	if err != nil || link == nil {
		return nil, err
	}
	return Load(c, account)
}

// Destination loads the account that a parameter sends money to, or refuses. Known from: facts 05 (5c), recorded.
func Destination(c *api.Call, account, param string) (*Account, error) {
	a, err := Connected(c, account)
	if err == nil && a == nil {
		err = fault.NoSuch("destination", account, param, 400)
	}
	return a, err
}

// As runs a part of a call as an account that is connected to that of the call, or as its platform.
func As(c *api.Call, a *Account, f func() error) error {
	if c.Who.AccountID == a.ID {
		return f()
	}
	if p := c.Who.Platform; p != nil && p.AccountID == a.ID {
		return c.As(p, f)
	}
	who := principal(a, c.Live())
	who.AccountVersion, who.Platform = c.Who.AccountVersion, c.Who
	return c.As(who, f)
}

// Platform is the account that a connected account's call is made by, or that answers for it; nil if the account stands for itself.
func Platform(c *api.Call) *Account {
	if c.Who == nil || c.Who.Platform == nil {
		return nil
	}
	a, _ := c.Who.Platform.Holder.(*Account)
	return a
}

// AsPlatform runs a part of a connected account's call as its platform.
func AsPlatform(c *api.Call, f func() error) error { return c.As(c.Who.Platform, f) }

// Application is the id of the application that a platform is to its connected accounts.
func (a *Account) Application() string { return "ca_" + a.ID[len("acct_"):] + a.ID[len("acct_"):] }

// acting is whom a platform's key acts as with Stripe-Account, or the refusal.
func (d *Accounts) acting(ctx context.Context, platform *api.Principal, account, hash string) (*api.Principal, error) {
	who, round := d.cache.actor(hash + "/" + account)
	if who != nil {
		return who, nil
	}
	snap, err := d.app.Store.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("look a connected account up: %w", err)
	}
	defer snap.Close()
	link, err := snap.Get(platform.Scope, account)
	if err != nil {
		return nil, err
	}
	if link == nil || link.Deleted || link.Kind != connections.Name {
		return nil, fault.AccountInvalid(platform.Masked, account)
	}
	a, err := read(snap, account)
	if err != nil {
		return nil, err
	}
	who = principal(a, platform.Scope.Live())
	who.AccountVersion = platform.AccountVersion // facts 13: never the connected account's
	who.Kind, who.Masked, who.KeyID, who.Permit, who.Platform = platform.Kind, platform.Masked, platform.KeyID, platform.Permit, platform
	d.cache.putActor(hash+"/"+account, who, round)
	return who, nil
}

// readAny is read for what outlives an account: it reads deleted ones, too.
func readAny(snap store.Snapshot, account string) (*Account, error) {
	doc, err := snap.Get(store.System, account)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, fmt.Errorf("account %s is gone", account)
	}
	return decode(doc)
}

// raw is a value as JSON, for parts of an account that stand in it as text.
func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // values of ours
	}
	return b
}

// PlatformScope is where the platform keeps what is its own, of whom acts as a connected account.
func PlatformScope(c *api.Call) (store.Scope, bool) {
	if c.Who == nil || c.Who.Platform == nil {
		return 0, false
	}
	return c.Who.Platform.Scope, true
}

// Elsewhere tells a caller that names a payment method which is not there where it may be. Known from: facts 02, recorded.
func Elsewhere(c *api.Call, kind, id string) string {
	if kind != "payment_method" {
		return ""
	}
	if platform, ok := PlatformScope(c); ok {
		if !c.Exists(platform, id) {
			return ""
		}
		return "; OAuth key or Stripe-Account header was used but API request was provided with a platform-owned payment method ID. Please ensure that the provided payment method matches the specified account."
	}
	if !isPlatform(c) {
		return ""
	}
	return "; It's possible this PaymentMethod exists on one of your connected accounts, in which case you should retry this request on that connected account. Learn more at https://stripe.com/docs/connect/authentication"
}

// isPlatform says whether any account is connected to that of the call.
func isPlatform(c *api.Call) (yes bool) {
	err := connections.Each(c, "platform", search.Fold(c.Who.AccountID), func(*connection) bool {
		yes = true
		return false
	})
	return yes && err == nil
}
