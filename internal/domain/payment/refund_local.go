package payment

import (
	"encoding/json"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/cashbalance"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
)

// Refunds of payments by other types than cards: where they go, and those that wait for the customer to say where to. In test mode a customer says so
// after a while (unverified: Stripe's waits for a click in a message). Until then a merchant may cancel the refund, and a test helper lets it expire, as it
// does after 45 days without an answer. Known from: facts 14b, 14f.

const (
	refundAsked = 180       // when a customer of test mode tells his account, in seconds
	refundWaits = 45 * aDay // how long he has
)

// destination says where a refund goes. One that the customer must tell his bank account for is sent to an address that somebody must know.
func (d *Domain) destination(c *api.Call, re *Refund, ch *Charge, how string) (json.RawMessage, error) {
	way := ch.way()
	if way.Flow == paymethod.Card {
		card := &DestinationCard{ReferenceStatus: "pending", ReferenceType: "acquirer_reference_number", Type: how}
		return json.RawMessage(`{"card":` + string(jsontext.Append(nil, card)) + `,"type":"card"}`), nil
	}
	to := way.Destination()
	if way.Flow == paymethod.Transfer {
		to = cashbalance.TypeOf(ch.Currency)
	}
	if way.Refund.How == "action" {
		if err := re.askWhere(c, jsontext.Text(ch.BillingDetails, "email"), ch.Customer); err != nil {
			return nil, err
		}
	}
	body := "{}"
	switch {
	case to == "type":
		return json.RawMessage(`{"type":` + string(quoted(way.Name)) + `}`), nil
	case strings.HasSuffix(to, "_bank_transfer") && to != "au_bank_transfer" && to != "nz_bank_transfer", to == "multibanco", to == "p24", to == "swish", to == "blik", to == "mb_way":
		body = `{"reference":null,"reference_status":"pending"}`
	}
	return json.RawMessage(`{` + string(quoted(to)) + `:` + body + `,"type":` + string(quoted(to)) + `}`), nil
}

// askWhere sends the customer a message that asks for his bank account; known is an address of his, if the payment had one.
func (re *Refund) askWhere(c *api.Call, known string, of *string) error {
	email, err := re.email(c, known, of)
	if err != nil {
		return err
	}
	re.InstructionsEmail = &email
	re.NextAction, err = json.Marshal(map[string]any{"type": "display_details", "display_details": map[string]any{
		"email_sent": map[string]any{"email_sent_at": c.Now(), "email_sent_to": email}, "expires_at": c.Now() + refundWaits,
	}})
	return err
}

// email is where the customer is asked for his bank account.
func (re *Refund) email(c *api.Call, known string, of *string) (string, error) {
	if e := text(re.InstructionsEmail); e != "" {
		return e, nil
	}
	if known != "" && known != "null" {
		return known, nil
	}
	if of != nil {
		cus, err := customer.Customers.Get(c, *of)
		if err != nil {
			return "", err
		}
		if cus != nil && text(cus.Email) != "" {
			return *cus.Email, nil
		}
	}
	return "", fault.RefundEmailNeeded()
}

func (d *Domain) refundLocalRoutes(r *api.Router) {
	r.Handle("POST /v1/test_helpers/refunds/{refund}/expire", d.expireRefund)
	r.Task("refund.told", d.refundTold)
}

// refundTold is the task by which the customer has told his account: the refund is on its way.
func (d *Domain) refundTold(c *api.Call, id string) error {
	re, err := Refunds.Get(c, id)
	if err != nil || re == nil || re.Status != "requires_action" {
		return err
	}
	re.NextAction, re.PendingReason = nil, opt("processing")
	if err := re.move("pending"); err != nil {
		return err
	}
	c.At(c.Now()+refundSettles, "refund.settle", re.ID)
	return d.tellRefund(c, re)
}

func (d *Domain) tellRefund(c *api.Call, re *Refund) error {
	if err := c.Save(re, "refund.updated"); err != nil || re.Charge == nil {
		return err
	}
	return c.Emit("charge.refund.updated", re)
}

// expireRefund ends a refund whose customer has not told where to, in test mode.
func (d *Domain) expireRefund(c *api.Call) (any, error) {
	re, err := Refunds.InPath(c, "refund")
	if err != nil {
		return nil, err
	}
	if re.Status != "requires_action" {
		return nil, fault.CannotExpireRefund(re.Status)
	}
	return re, d.refundExpires(c, re.ID)
}

// refundExpires fails a refund whose customer has not told where to.
func (d *Domain) refundExpires(c *api.Call, id string) error {
	re, err := Refunds.Get(c, id)
	if err != nil || re == nil || re.Status != "requires_action" {
		return err
	}
	re.NextAction = nil
	if re.Charge == nil {
		return d.cashReturns(c, re, "failed")
	}
	ch, err := Charges.Get(c, text(re.Charge))
	if err != nil {
		return err
	}
	return d.undo(c, re, ch)
}

// cancelWaiting cancels a refund whose customer has not told where to.
func (d *Domain) cancelWaiting(c *api.Call, re *Refund) error {
	if re.Charge == nil {
		re.NextAction = nil
		return d.cashReturns(c, re, "canceled")
	}
	ch, err := Charges.Get(c, text(re.Charge))
	if err != nil {
		return err
	}
	ch.AmountRefunded -= re.Amount
	ch.Refunded, re.NextAction = false, nil
	if err := re.move("canceled"); err != nil {
		return err
	}
	if err := d.takeBack(c, re, ch); err != nil {
		return err
	}
	if err := c.Save(ch, "charge.updated"); err != nil {
		return err
	}
	return d.tellRefund(c, re)
}
