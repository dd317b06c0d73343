package setup

import (
	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
)

// ForCheckout makes the intent of a checkout session, by the parameters of POST /v1/setup_intents.
func (d *Domain) ForCheckout(c *api.Call, session string, p *form.Value) (si *Intent, err error) {
	err = c.Asking(p, func() error {
		made, err := d.create(c)
		if err != nil {
			return err
		}
		si = made.(*Intent)
		return nil
	})
	if err != nil {
		return nil, err
	}
	si.Private.Session = session
	return si, c.Save(si)
}

// Try confirms an intent of a checkout session with a payment method, by the parameters of a confirmation. No follower is told of what comes of it at
// once: the intent's status says it.
func (d *Domain) Try(c *api.Call, si *Intent, p *form.Value) error {
	return c.Asking(p, func() error {
		with, err := d.takeMethod(c, si)
		if err != nil {
			return err
		}
		how, err := d.plan(c, si, with)
		if err != nil {
			return err
		}
		si.Private.Watched = true
		err = d.confirm(c, si, how)
		si.Private.Watched = false
		return err
	})
}

// LastError is the error that the last try of an intent ended with; nil if there is none.
func (si *Intent) LastError(c *api.Call) (*fault.Error, error) {
	if s := string(si.LastSetupError); s == "" || s == "null" {
		return nil, nil
	}
	f := faultOf(si.LastSetupError)
	body, err := c.Show(si)
	f.SetupIntent = body
	return f, err
}

// The statuses of an intent, for those who follow it.
const (
	NeedsMethod = needsMethod
	NeedsAction = needsAction
	Processing  = processing
	Succeeded   = succeeded
	Canceled    = canceled
)
