package paymentmethod

import (
	"fmt"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/testcard"
	"florin/internal/vault"
)

// Resolve finds the payment method that a parameter names: pm_…, the card_… of a token or source, or a test card's or account's name, which makes a new one.
func (d *Domain) Resolve(c *api.Call, id, param string) (*PaymentMethod, error) {
	if card := testcard.ByPaymentMethod(id); card != nil && !c.Live() {
		return d.mint(c, card)
	}
	if pm, err := d.mintNamed(c, id); pm != nil || err != nil {
		return pm, err
	}
	if old(id) {
		pm, err := Get(c, id)
		if err == nil && pm == nil {
			err = Methods.Missing(id, param, 400)
		}
		return pm, err
	}
	return Methods.Find(c, id, param)
}

// Usable refuses a payment method that cannot pay for the customer; customer is "" where the payment has none. The words are those for a
// payment intent's payment_method.
func (d *Domain) Usable(c *api.Call, pm *PaymentMethod, customer string) error {
	if strings.HasPrefix(pm.ID, "ba_") && !pm.Private.Verified {
		return fault.BankUnverified("payment_method")
	}
	if strings.HasPrefix(pm.ID, "src_") {
		if s, err := Sources.Get(c, pm.ID); err != nil || s == nil || s.Status != chargeable || s.Flow != "none" { // unverified: which types work here
			if err == nil {
				err = fault.SourceNotChargeable()
			}
			return err
		}
	}
	switch {
	case pm.Private.Spent != "":
		return fault.PaymentMethodSpent()
	case pm.Customer == nil || *pm.Customer == customer:
		return nil
	case customer == "":
		return fault.CustomerNeeded("payment_method")
	}
	return fault.OtherCustomer(pm.ID, customer, "payment_method")
}

// AttachTo attaches a payment method to a customer without asking the issuer: a payment or setup that has just succeeded did.
// It is a no-op if the customer has it already.
func (d *Domain) AttachTo(c *api.Call, pm *PaymentMethod, customer string) error {
	if pm.Customer != nil {
		if *pm.Customer == customer {
			return nil
		}
		return fmt.Errorf("attach %s to %s: it belongs to %s", pm.ID, customer, *pm.Customer)
	}
	pm.Customer, pm.Private.Spent = &customer, ""
	return c.Save(pm, "payment_method.attached")
}

// Card opens the number of a card, for the rail. It has no security code: none is kept.
func (d *Domain) Card(pm *PaymentMethod) (vault.Card, error) {
	card, err := d.open(pm.ID, pm.Private.Sealed)
	if err != nil {
		return vault.Card{}, fmt.Errorf("the card of %s: %w", pm.ID, err)
	}
	return card, nil
}

// Used writes back what the issuer answered when the payment method was charged. One that has no customer is spent by that (facts 05f).
// A caller that attaches it as well calls AttachTo first.
func (d *Domain) Used(c *api.Call, pm *PaymentMethod, checks Checks) error {
	if pm.Card != nil {
		pm.Card.Checks = checks
	}
	if pm.Customer == nil {
		pm.Private.Spent = "used"
	}
	if err := c.Save(pm); err != nil {
		return err
	}
	return d.sourceUsed(c, pm)
}
