package account

import (
	"context"
	"strings"

	"florin/internal/api"
	"florin/internal/spec"
	"florin/internal/store"
)

// A Change is what may be changed of an account from outside the API. At Stripe the Dashboard does that.
type Change struct {
	Account    string `json:"account"`
	APIVersion string `json:"api_version"`
}

// Change changes an account: the API version of requests that name none, of its events, and of the connected accounts that it acts as.
func (d *Accounts) Change(ctx context.Context, ch Change) (*Summary, error) {
	if err := checkVersion(ch.APIVersion); err != nil {
		return nil, err
	}
	err := d.app.Do(ctx, store.System, func(c *api.Call) error {
		a, err := Load(c, ch.Account)
		if err != nil || a == nil {
			return or(err, problem("there is no account %q", ch.Account))
		}
		if a.Private.Platform != "" {
			return problem("%s is a connected account: the API version is that of its platform, %s", a.ID, a.Private.Platform)
		}
		a.Private.Version = ch.APIVersion
		return c.Save(a)
	})
	if err != nil {
		return nil, err
	}
	all, err := d.List(ctx)
	for i := range all {
		if all[i].Account == ch.Account {
			return &all[i], nil
		}
	}
	return nil, err
}

func checkVersion(v string) error {
	if !spec.KnownVersion(v) {
		return problem("there is no API version %q; there are %s", v, strings.Join(spec.Versions(), ", "))
	}
	return nil
}
