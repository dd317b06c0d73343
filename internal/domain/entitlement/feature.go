// Package entitlement says what customers may use: features, the products that have them, and who is entitled to which because he subscribes to one.
//
// Known from: the spec, facts 15k.
package entitlement

import (
	"florin/internal/api"
	"florin/internal/domain/billing"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// A Feature is something that a product lets its buyers do. The merchant's program knows it by its lookup key, which never changes; one that is archived
// (not active) cannot be given to another product, and still entitles.
type Feature struct {
	api.Meta
	Active    bool              `json:"active"`
	Livemode  bool              `json:"livemode"`
	LookupKey string            `json:"lookup_key"`
	Metadata  map[string]string `json:"metadata"`
	Name      string            `json:"name"`
}

// Features is the kind of features.
var Features = &api.Kind[Feature]{
	Name: "entitlements.feature", Word: "feature", Prefixes: []string{"feat"}, Param: "id", Index: []string{"lookup_key"},
}

// A Domain is the features of all accounts.
type Domain struct{}

// New makes the domain.
func New(bills *billing.Domain) *Domain {
	d := &Domain{}
	bills.Follow(d.subscribed)
	return d
}

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Features)
	r.Handle("POST /v1/entitlements/features", d.create)
	r.Plain("GET /v1/entitlements/features", d.list)
	r.Plain("GET /v1/entitlements/features/{id}", Features.Retrieve)
	r.Handle("POST /v1/entitlements/features/{id}", d.update)
	d.productRoutes(r)
	d.entitlementRoutes(r)
}

func (d *Domain) create(c *api.Call) (any, error) {
	taken := false
	err := Features.Each(c, "lookup_key", c.P.Str("lookup_key"), func(f *Feature) bool {
		taken = f.Active && f.LookupKey == c.P.Str("lookup_key")
		return !taken
	})
	if err != nil {
		return nil, err
	}
	if taken {
		return nil, fault.FeatureTaken(c.P.Str("lookup_key"))
	}

	f := Features.New(c, c.NewModeID("feat")) // unverified: the prefix
	f.Active, f.Livemode, f.Metadata = true, c.Live(), map[string]string{}
	if err := c.Params(f); err != nil {
		return nil, err
	}
	return f, c.Save(f) // no event tells of features
}

// list shows features that are not archived, unless it is asked for these.
func (d *Domain) list(c *api.Call) (any, error) {
	archived := c.P.True("archived")
	return Features.ListOf(c, api.Narrow{Skip: []string{"archived"}, Where: func(body []byte) bool { return (jsontext.Text(body, "active") == "true") != archived }})
}

func (d *Domain) update(c *api.Call) (any, error) {
	f, err := Features.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	if err := c.Params(f); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(f.Metadata); err != nil {
		return nil, err
	}
	return f, c.Save(f)
}
