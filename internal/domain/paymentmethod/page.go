package paymentmethod

import (
	"florin/internal/api"
	"florin/internal/form"
)

// FromPage makes a payment method of what somebody has entered on a page of ours. A card's number may come that way as it may with a publishable key: from
// who has it, to where it is sealed.
func (d *Domain) FromPage(c *api.Call, data *form.Value) (*PaymentMethod, error) {
	was, browser := c.Who, *c.Who
	browser.Kind = api.PublishableKey
	c.Who = &browser
	defer func() { c.Who = was }()
	return d.FromData(c, data, "")
}
