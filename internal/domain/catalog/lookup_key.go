package catalog

import (
	"florin/internal/api"
	"florin/internal/fault"
)

// A lookupKey is which price has a lookup key. One has it at a time, though it be archived; it is a document of its own, so that two prices that
// take it at once meet here. Known from: facts 05 (5a); trials quoted in public repositories.
type lookupKey struct {
	api.Meta
	Price string `json:"price"` // "" once it has left it
}

var lookupKeys = &api.Kind[lookupKey]{Name: "_lookup_key", Internal: true}

// keyIsFree is the lookup key that a price asks for, which it refuses if another price has it and is not asked to give it up.
func keyIsFree(c *api.Call, key, price string) (*lookupKey, error) {
	if key == "" {
		return nil, nil
	}
	k, err := lookupKeys.Get(c, "_lookup_key:"+key)
	switch {
	case err != nil:
		return nil, err
	case k == nil:
		k = lookupKeys.New(c, "_lookup_key:"+key)
	case k.Price != "" && k.Price != price && !c.P.True("transfer_lookup_key"):
		return nil, fault.LookupKeyTaken(k.Price)
	}
	return k, nil
}

// takeKey gives a price the lookup key that the request names; the price that has had it loses it. unverified: that price.updated tells of that.
func takeKey(c *api.Call, p *Price, k *lookupKey) error {
	if k == nil {
		return nil
	}
	if k.Price != "" && k.Price != p.ID {
		old, err := Prices.Get(c, k.Price)
		if err != nil {
			return err
		}
		if old != nil {
			old.LookupKey = nil
			if err := c.Save(old, "price.updated"); err != nil {
				return err
			}
		}
	}
	key := c.P.Str("lookup_key")
	k.Price, p.LookupKey = p.ID, &key
	return c.Save(k)
}

// leaveKey takes the lookup key from a price.
func leaveKey(c *api.Call, p *Price) error {
	if p.LookupKey == nil {
		return nil
	}
	k, err := lookupKeys.Get(c, "_lookup_key:"+*p.LookupKey)
	if err != nil || k == nil || k.Price != p.ID {
		return err
	}
	k.Price, p.LookupKey = "", nil
	return c.Save(k)
}
