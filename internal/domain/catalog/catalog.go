// Package catalog is what a merchant sells, and what it takes off the price: coupons and promotion codes, so far.
package catalog

import "florin/internal/api"

// A Domain is the catalog of all accounts.
type Domain struct{}

// New makes the domain.
func New() *Domain { return &Domain{} }

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	d.couponRoutes(r)
	d.promotionCodeRoutes(r)
}
