package payment

import (
	"florin/internal/api"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// CheckAsked refuses what ForCheckout could not make, before there is anybody to pay.
func (d *Domain) CheckAsked(c *api.Call, p *form.Value) error {
	return c.Asking(p, func() error { return d.checkCreate(c) })
}

// ForCheckout makes the intent of a checkout session when its customer pays, and confirms it, by the parameters of POST /v1/payment_intents. What comes
// of it its status says when this returns, if the network answers at once; followers hear of what comes later.
func (d *Domain) ForCheckout(c *api.Call, session string, p *form.Value) (pi *Intent, err error) {
	err = c.Asking(p, func() error {
		made, err := d.createIntent(c)
		if err != nil {
			return err
		}
		pi, err = Intents.Get(c, made.(api.Answer).Arg)
		return err
	})
	if err != nil {
		return nil, err
	}
	pi.Private.Session = session
	return pi, c.Save(pi)
}

// TryAgain confirms an intent of a checkout session once more, with another payment method, by the parameters of a confirmation. No follower is told of
// what comes of it at once.
func (d *Domain) TryAgain(c *api.Call, pi *Intent, p *form.Value) error {
	return c.Asking(p, func() error {
		if err := c.ParamsOnly(pi, "shipping"); err != nil {
			return err
		}
		if err := d.takeMethod(c, pi); err != nil {
			return err
		}
		how, err := d.planConfirm(c, pi)
		if err != nil {
			return err
		}
		pi.Private.Watched = true
		_, err = d.confirm(c, pi, how)
		pi.Private.Watched = false
		return err
	})
}

// Bill makes an intent that has been confirmed already the one that pays an invoice.
func (d *Domain) Bill(c *api.Call, pi *Intent, invoice string) error {
	pi.Private.Invoice = invoice
	pi.PaymentDetails = jsontext.Append(nil, &reference{OrderReference: invoice})
	return c.Save(pi)
}

// UnderWay says whether the payment is made and only takes its time, as debits do.
func (pi *Intent) UnderWay() bool { return pi.Status == processing && pi.Private.Slow }
