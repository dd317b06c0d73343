// Package catalog is what a merchant sells, for which prices, what is added to them, tax rates and shipping, and what is taken off: coupons and promotion codes.
package catalog

import "florin/internal/api"

// A Domain is the catalog of all accounts.
type Domain struct{}

// New makes the domain.
func New() *Domain { return &Domain{} }

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	d.productRoutes(r)
	d.priceRoutes(r)
	d.planRoutes(r)
	d.taxRateRoutes(r)
	d.couponRoutes(r)
	d.promotionCodeRoutes(r)
	d.shippingRateRoutes(r)
}
