package payment

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/domain/cashbalance"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/money"
)

// Refunds of cash: what a customer has sent by bank transfer and no payment has taken goes back to his bank account, which he is asked for. Until he has
// told it the refund can be canceled, or expires; then the cash is his again. The merchant's own balance has no part in it.
//
// Known from: facts 14f (origin=customer_balance; the states), the spec. unverified: the words of the refusals, and that only refund events tell of it.

func (d *Domain) refundCash(c *api.Call) (any, error) {
	p := c.P
	for _, name := range []string{"charge", "payment_intent"} {
		if p.Given(name) {
			return nil, fault.OnlyOne("origin", name)
		}
	}
	for _, name := range []string{"origin", "customer", "amount", "currency"} {
		if !p.Given(name) {
			return nil, fault.Missing(name)
		}
	}
	amount, currency := p.Num("amount"), p.Str("currency")
	if amount < 1 {
		return nil, fault.BelowMinimum("amount", 1)
	}
	cus, err := customer.Customers.Find(c, p.Str("customer"), "customer")
	if err != nil {
		return nil, err
	}
	has, err := cashbalance.Available(c, cus, currency)
	if err != nil {
		return nil, err
	}
	if amount > has {
		return nil, fault.RefundMoreThanCash(money.Format(amount, currency), money.Format(has, currency))
	}

	re := Refunds.New(c, c.NewID("pyr"))
	re.Amount, re.Currency, re.Created, re.Customer, re.Metadata = amount, currency, c.Now(), &cus.ID, map[string]string{}
	if err := c.ParamsOnly(re, "metadata", "reason", "instructions_email"); err != nil {
		return nil, err
	}
	if err := re.askWhere(c, "", &cus.ID); err != nil {
		return nil, err
	}
	to := string(quoted(cashbalance.TypeOf(currency)))
	re.DestinationDetails = json.RawMessage(`{` + to + `:{"reference":null,"reference_status":"pending"},"type":` + to + `}`)
	if err := re.move("requires_action"); err != nil {
		return nil, err
	}
	if err := cashbalance.Return(c, cus, currency, amount); err != nil {
		return nil, err
	}
	c.At(c.Now()+refundAsked, "refund.told", re.ID)
	return re, c.Save(re, "refund.created")
}

// cashReturns ends a refund of cash that did not go out: the customer has his cash again.
func (d *Domain) cashReturns(c *api.Call, re *Refund, to string) error {
	cus, err := customer.Customers.Get(c, text(re.Customer))
	if err != nil {
		return err
	}
	if cus != nil {
		if err := cashbalance.CancelReturn(c, cus, re.Currency, re.Amount); err != nil {
			return err
		}
	}
	if err := re.move(to); err != nil {
		return err
	}
	if to == "failed" {
		re.FailureReason = opt("unknown")
	}
	if err := d.tellRefund(c, re); err != nil || to != "failed" {
		return err
	}
	return c.Emit("refund.failed", re)
}
