package setup

import (
	"florin/internal/api"
	"florin/internal/form"
)

// ForSubscription makes the intent by which a customer who subscribes, and has nothing to pay yet, says what he will pay with; by the parameters of
// POST /v1/setup_intents.
func (d *Domain) ForSubscription(c *api.Call, subscription string, p *form.Value) (si *Intent, err error) {
	err = c.Asking(p, func() error {
		made, err := d.create(c)
		if err == nil {
			si = made.(*Intent)
			si.Private.Subscription = subscription
			err = c.Save(si)
		}
		return err
	})
	return si, err
}
