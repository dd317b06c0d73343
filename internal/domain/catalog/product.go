package catalog

import (
	"regexp"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// A Product is a thing or a service that a merchant sells, for one price or several. It is archived when it is no longer sold, and can only be
// deleted while nobody has made a price for it. Known from: the spec, facts 05 (5a), 08 (8m); shape recorded at 2025-01-27, with attributes and
// type, which the spec does not have.
type Product struct {
	api.Meta
	Active              bool               `json:"active"`
	Attributes          []string           `json:"attributes"` // none since products are no goods with variants
	Created             int64              `json:"created"`    // Unix seconds
	DefaultPrice        *string            `json:"default_price"`
	Description         *string            `json:"description"`
	Images              []string           `json:"images"`
	Livemode            bool               `json:"livemode"`
	MarketingFeatures   []MarketingFeature `json:"marketing_features"`
	Metadata            map[string]string  `json:"metadata"`
	Name                string             `json:"name"`
	PackageDimensions   *Dimensions        `json:"package_dimensions"`
	Shippable           *bool              `json:"shippable"`
	StatementDescriptor *string            `json:"statement_descriptor"`
	TaxCode             *string            `json:"tax_code"`
	Type                string             `json:"type"` // service
	UnitLabel           *string            `json:"unit_label"`
	Updated             int64              `json:"updated"` // Unix seconds
	URL                 *string            `json:"url"`
}

// A MarketingFeature is a line of what a product is praised for.
type MarketingFeature struct {
	Name string `json:"name"`
}

// Dimensions are how large a product is for shipping: inches, and ounces.
type Dimensions struct {
	Height float64 `json:"height"`
	Length float64 `json:"length"`
	Weight float64 `json:"weight"`
	Width  float64 `json:"width"`
}

// Products is the kind of products. The merchant may choose their ids.
var Products = &api.Kind[Product]{
	Name: "product", Prefixes: []string{"prod"}, Chosen: true,
	Index: []string{"active", "metadata", "url"},
}

func (d *Domain) productRoutes(r *api.Router) {
	r.Kind(Products)
	r.Handle("POST /v1/products", d.createProduct)
	r.Plain("GET /v1/products/{id}", Products.Retrieve)
	r.Handle("POST /v1/products/{id}", d.updateProduct)
	r.Handle("DELETE /v1/products/{id}", d.deleteProduct)
	r.Handle("GET /v1/products", d.listProducts)
	r.Handle("GET /v1/products/search", Products.Search("products"))
}

func (d *Domain) createProduct(c *api.Call) (any, error) {
	data := c.P.Get("default_price_data")
	if err := checkProduct(c, c.P, ""); err != nil {
		return nil, err
	}
	if data != nil {
		if err := checkPrice(c, data, inside("default_price_data")); err != nil {
			return nil, err
		}
	}

	p := newProduct(c, c.P)
	if err := bindProduct(p, c.P); err != nil {
		return nil, err
	}
	if data == nil {
		return p, c.Save(p, "product.created")
	}
	price, err := newPrice(c, c.NewID("price"), p.ID, data)
	if err != nil {
		return nil, err
	}
	p.DefaultPrice = &price.ID
	if err := c.Save(p, "product.created"); err != nil { // unverified: that it comes before those of its price
		return nil, err
	}
	return p, createdPrice(c, price)
}

// checkProduct refuses what cannot be a product. param is the hash of its parameters, if they are not the request's own.
func checkProduct(c *api.Call, data *form.Value, param string) error {
	at := inside(param)
	if err := checkSold(data, at); err != nil {
		return err
	}
	id := data.Str("id")
	if id == "" {
		return nil
	}
	old, err := Products.Get(c, id)
	if err == nil && old != nil {
		err = fault.AlreadyExists("Product", at("id"))
	}
	return err
}

// checkSold refuses what a product cannot show. Known from: facts 05 (5a) for statement descriptors. unverified: the others' words; a tax code is
// only held to its form.
func checkSold(data *form.Value, at named) error {
	if text := data.Str("statement_descriptor"); text != "" {
		if i := strings.IndexAny(text, `<>\"'`); i >= 0 {
			return fault.DescriptorCharacter(at("statement_descriptor"), text[i:i+1])
		}
		if !strings.ContainsFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }) {
			return fault.DescriptorNoLetter(at("statement_descriptor"))
		}
	}
	if code := data.Str("tax_code"); code != "" && !taxCode.MatchString(code) {
		return fault.NoSuch("tax code", code, at("tax_code"), 400)
	}
	if given := data.Get("package_dimensions"); given != nil {
		for _, f := range given.Fields {
			if rat(f.Value.Text).Sign() < 0 {
				return fault.DecimalBelow(at("package_dimensions["+f.Name+"]"), 0, f.Value.Text)
			}
		}
	}
	return nil
}

var taxCode = regexp.MustCompile(`^txcd_[0-9]{8}$`)

// newProduct makes a product with the id that the parameters choose, or one of its own.
func newProduct(c *api.Call, data *form.Value) *Product {
	id := data.Str("id")
	if id == "" {
		id = c.NewShortID("prod")
	}
	p := Products.New(c, id)
	p.Active, p.Created, p.Updated, p.Livemode, p.Type = true, c.Now(), c.Now(), c.Live(), "service"
	return p
}

// bindProduct copies the parameters that are members of a product.
func bindProduct(p *Product, data *form.Value) error {
	if err := api.Bind(p, without(data, "default_price")); err != nil {
		return err
	}
	return api.MetadataLimit(p.Metadata)
}

// without are the parameters but some, which need more thought than a copy.
func without(data *form.Value, names ...string) *form.Value {
	out := &form.Value{Kind: form.Object}
	if data == nil {
		return out
	}
	for _, f := range data.Fields {
		if !slices.Contains(names, f.Name) {
			out.Fields = append(out.Fields, f)
		}
	}
	return out
}

func (d *Domain) updateProduct(c *api.Call) (any, error) {
	p, err := Products.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	if err := checkSold(c.P, top); err != nil {
		return nil, err
	}
	if err := checkDefault(c, p, c.P.Str("default_price")); err != nil {
		return nil, err
	}

	if c.P.Has("default_price") {
		if err := c.ParamsOnly(p, "default_price"); err != nil {
			return nil, err
		}
	}
	if err := bindProduct(p, c.P); err != nil {
		return nil, err
	}
	p.Updated = c.Now()
	return p, c.Save(p, "product.updated")
}

// checkDefault refuses a default price that the product cannot have. unverified: the words.
func checkDefault(c *api.Call, p *Product, id string) error {
	if id == "" {
		return nil
	}
	price, err := Prices.Find(c, id, "default_price")
	switch {
	case err != nil:
		return err
	case price.Product != p.ID:
		return fault.PriceOfOther(id, p.ID)
	case !price.Active:
		return fault.PriceInactive("default_price")
	}
	return nil
}

// deleteProduct ends a product that nobody has made a price for. Known from: facts 08 (8m); the words are quoted in many public repositories, one
// of which says that archived prices count.
func (d *Domain) deleteProduct(c *api.Call) (any, error) {
	p, err := Products.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	priced := false
	err = Prices.Each(c, "product", p.ID, func(price *Price) bool {
		priced = price.Product == p.ID && !price.Private.Hidden
		return !priced
	})
	if err == nil && priced {
		err = fault.ProductHasPrices()
	}
	if err != nil {
		return nil, err
	}
	return p, c.Delete(p, "product.deleted")
}

// listProducts lists products. Those that are asked for by their ids come all at once. unverified: the words.
func (d *Domain) listProducts(c *api.Call) (any, error) {
	ids := c.P.Strings("ids")
	if len(ids) == 0 {
		return Products.List(c)
	}
	for _, cursor := range []string{"starting_after", "ending_before"} {
		if c.P.Given(cursor) {
			return nil, fault.OnlyOne("ids", cursor)
		}
	}
	return Products.ListOf(c, api.Narrow{Skip: []string{"ids"}, Where: func(body []byte) bool {
		return slices.Contains(ids, jsontext.Text(body, "id"))
	}})
}
