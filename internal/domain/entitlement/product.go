package entitlement

import (
	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/store"
)

// A given is that a product has a feature.
type given struct {
	api.Meta
	Product string `json:"product"`
	Feature string `json:"feature"`
}

// givens is the kind of what products have. What is shown of one is made of it and its feature (show).
var givens = &api.Kind[given]{
	Name: "product_feature", Word: "product_feature", Prefixes: []string{"prodft"}, Param: "id", Index: []string{"product", "feature"}, View: show,
}

func (d *Domain) productRoutes(r *api.Router) {
	r.Kind(givens)
	r.Handle("POST /v1/products/{product}/features", d.give)
	r.Handle("GET /v1/products/{product}/features", d.listOfProduct)
	r.Handle("GET /v1/products/{product}/features/{id}", d.retrieveOfProduct)
	r.Handle("DELETE /v1/products/{product}/features/{id}", d.take)
}

// give gives a product a feature. Who subscribes to it already is entitled from now on.
func (d *Domain) give(c *api.Call) (any, error) {
	p, err := catalog.Products.InPath(c, "product")
	if err != nil {
		return nil, err
	}
	f, err := Features.Find(c, c.P.Str("entitlement_feature"), "entitlement_feature")
	if err != nil {
		return nil, err
	}
	if !f.Active {
		return nil, fault.FeatureArchived("entitlement_feature")
	}
	has := false
	if err := givens.Each(c, "product", p.ID, func(g *given) bool { has = g.Product == p.ID && g.Feature == f.ID; return !has }); err != nil {
		return nil, err
	}
	if has {
		return nil, fault.FeatureGiven("entitlement_feature")
	}

	g := givens.New(c, c.NewID("prodft"))
	g.Product, g.Feature = p.ID, f.ID
	return g, c.Save(g)
}

// show is what a product has, as answers show it.
func show(c *api.Call, d *store.Doc) ([]byte, error) {
	f, err := Features.Late(c, jsontext.Text(d.Body, "feature"))
	if err != nil || f == nil {
		return nil, err
	}
	body, err := c.Show(f)
	if err != nil {
		return nil, err
	}
	out := append(jsontext.AppendString([]byte(`{"id":`), d.ID), `,"object":"product_feature","entitlement_feature":`...)
	out = append(append(out, body...), `,"livemode":`...)
	if f.Livemode {
		return append(out, "true}"...), nil
	}
	return append(out, "false}"...), nil
}

func (d *Domain) listOfProduct(c *api.Call) (any, error) {
	p, err := catalog.Products.InPath(c, "product")
	if err != nil {
		return nil, err
	}
	return givens.ListOf(c, api.Narrow{Path: "product", Value: p.ID})
}

func (d *Domain) ofProduct(c *api.Call) (*given, error) {
	p, err := catalog.Products.InPath(c, "product")
	if err != nil {
		return nil, err
	}
	g, err := givens.InPath(c, "id")
	if err == nil && g.Product != p.ID {
		err = givens.Missing(g.ID, "id", 404)
	}
	return g, err
}

func (d *Domain) retrieveOfProduct(c *api.Call) (any, error) {
	g, err := d.ofProduct(c)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// take takes a feature from a product.
func (d *Domain) take(c *api.Call) (any, error) {
	g, err := d.ofProduct(c)
	if err != nil {
		return nil, err
	}
	return g, c.Delete(g)
}
