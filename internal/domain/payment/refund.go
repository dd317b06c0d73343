package payment

import (
	"encoding/json"
	"fmt"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/balance"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/paymethod"
	"florin/internal/rail"
)

// A Refund gives back what a charge has taken, or some of it, or cash that a customer has sent. To a card it succeeds at once; a bank may take days,
// and may fail.
// Amounts are in minor units.
type Refund struct {
	api.Meta
	Amount                    int64             `json:"amount"`
	BalanceTransaction        *string           `json:"balance_transaction"`
	Charge                    *string           `json:"charge"` // nil: of a customer's cash balance
	Created                   int64             `json:"created"`
	Currency                  string            `json:"currency"`
	Customer                  *string           `json:"customer"`
	CustomerAccount           *string           `json:"customer_account"`
	DestinationDetails        json.RawMessage   `json:"destination_details,omitempty"`
	FailureBalanceTransaction *string           `json:"failure_balance_transaction,omitempty"`
	FailureReason             *string           `json:"failure_reason,omitempty"`
	InstructionsEmail         *string           `json:"instructions_email,omitempty"`
	Metadata                  map[string]string `json:"metadata"`
	NextAction                json.RawMessage   `json:"next_action,omitempty"`
	PaymentIntent             *string           `json:"payment_intent"`
	PaymentMethod             *string           `json:"payment_method"`
	PendingReason             *string           `json:"pending_reason,omitempty"`
	Reason                    *string           `json:"reason"`
	ReceiptNumber             *string           `json:"receipt_number"`
	SourceTransferReversal    *string           `json:"source_transfer_reversal"`
	Status                    string            `json:"status"` // see refundNext
	TransferReversal          *string           `json:"transfer_reversal"`
	Private                   RefundPrivate     `json:"-"`
}

// RefundPrivate is what no answer shows: what else the refund is to give back.
type RefundPrivate struct {
	Transfer bool `json:"transfer,omitempty"` // from the connected account
	Fee      bool `json:"fee,omitempty"`      // from the platform
}

// DestinationCard is how the refund shows on the card's statement.
type DestinationCard struct {
	Reference       *string `json:"reference,omitempty"`
	ReferenceStatus string  `json:"reference_status,omitempty"`
	ReferenceType   string  `json:"reference_type,omitempty"`
	Type            string  `json:"type"` // refund, or reversal of what was not captured
}

// The statuses of a refund, and what may follow each. Known from: facts 08 (8c).
var refundNext = map[string][]string{
	"":                {"pending", "succeeded", "requires_action", "failed"},
	"pending":         {"requires_action", "succeeded", "failed", "canceled"},
	"requires_action": {"pending", "canceled", "failed"},
	"succeeded":       {"failed"},
	"failed":          {},
	"canceled":        {},
}

// Refunds is the kind of refunds.
var Refunds = &api.Kind[Refund]{
	Name: "refund", Prefixes: []string{"re", "pyr"}, Index: []string{"charge", "payment_intent"},
}

// refundSettles is when a test card's pending refund goes on, in seconds. unverified: Stripe says only that it is later.
const refundSettles = 3

func (d *Domain) refundRoutes(r *api.Router) {
	r.Handle("POST /v1/refunds", d.createRefund)
	r.Handle("GET /v1/refunds", d.listRefunds)
	r.Plain("GET /v1/refunds/{refund}", Refunds.Retrieve)
	r.Handle("POST /v1/refunds/{refund}", d.updateRefund)
	r.Handle("POST /v1/refunds/{refund}/cancel", d.cancelRefund)
	r.Handle("POST /v1/charges/{charge}/refund", d.refundCharge)
	r.Handle("POST /v1/charges/{charge}/refunds", d.createChargeRefund)
	r.Handle("GET /v1/charges/{charge}/refunds", d.listChargeRefunds)
	r.Handle("GET /v1/charges/{charge}/refunds/{refund}", d.retrieveChargeRefund)
	r.Handle("POST /v1/charges/{charge}/refunds/{refund}", d.updateChargeRefund)
	r.Task("refund.settle", d.settleRefund)
	r.Task("refund.fail", d.failRefund)
	d.refundLocalRoutes(r)
}

// move is the only place that assigns a refund's status.
func (re *Refund) move(to string) error {
	if err := step("refund", re.ID, refundNext, re.Status, to); err != nil {
		return err
	}
	re.Status = to
	return nil
}

func (d *Domain) createRefund(c *api.Call) (any, error) {
	p := c.P
	var ch *Charge
	var err error
	switch {
	case p.Given("origin") || p.Given("customer"):
		return d.refundCash(c)
	case p.Given("charge"):
		if ch, err = Charges.Find(c, p.Str("charge"), "charge"); err == nil && p.Given("payment_intent") && text(ch.PaymentIntent) != p.Str("payment_intent") {
			err = fault.OnlyOne("payment_intent", "charge")
		}
	case p.Given("payment_intent"):
		ch, err = d.chargeToRefund(c, p.Str("payment_intent"))
	default:
		err = fault.RefundWhich()
	}
	if err != nil {
		return nil, err
	}
	return d.refund(c, ch, "refund")
}

// chargeToRefund is the charge of an intent that has taken its money.
func (d *Domain) chargeToRefund(c *api.Call, intent string) (*Charge, error) {
	pi, err := Intents.Find(c, intent, "payment_intent")
	if err != nil {
		return nil, err
	}
	ch, err := Charges.Get(c, text(pi.LatestCharge))
	if err != nil {
		return nil, err
	}
	if ch == nil || !ch.Paid || !ch.Captured {
		return nil, fault.NothingToRefund(pi.ID, pi.Status)
	}
	return ch, nil
}

// refundCharge is the older route that answers with the charge.
func (d *Domain) refundCharge(c *api.Call) (any, error) {
	ch, err := Charges.InPath(c, "charge")
	if err != nil {
		return nil, err
	}
	return d.refund(c, ch, "charge")
}

func (d *Domain) createChargeRefund(c *api.Call) (any, error) {
	ch, err := Charges.InPath(c, "charge")
	if err != nil {
		return nil, err
	}
	return d.refund(c, ch, "refund")
}

// refund gives money of a charge back; it answers with the refund or the charge, as answer says.
func (d *Domain) refund(c *api.Call, ch *Charge, answer string) (any, error) {
	amount, err := d.checkRefund(c, ch)
	if err != nil {
		return nil, err
	}

	re := newRefund(c, ch, amount)
	if err := c.ParamsOnly(re, "metadata", "reason", "instructions_email"); err != nil {
		return nil, err
	}
	re.Private = RefundPrivate{Transfer: c.P.True("reverse_transfer"), Fee: c.P.True("refund_application_fee")}
	if err := d.sendRefund(c, re, ch); err != nil {
		return nil, err
	}
	if answer == "charge" {
		return api.Answer{Name: "charge", Arg: ch.ID}, nil
	}
	return api.Answer{Name: "refund", Arg: re.ID}, nil
}

// RefundPart gives some of a charge's money back at another domain's wish: a credit note's. It refuses what a refund would be refused for; that the
// amount is left its caller knows.
func (d *Domain) RefundPart(c *api.Call, ch *Charge, amount int64) (*Refund, error) {
	if err := ch.refuses(c); err != nil {
		return nil, err
	}
	re := newRefund(c, ch, amount)
	return re, d.sendRefund(c, re, ch)
}

func newRefund(c *api.Call, ch *Charge, amount int64) *Refund {
	re := Refunds.New(c, refundID(c, ch))
	re.Amount, re.Currency, re.Created = amount, ch.Currency, c.Now()
	re.Charge, re.PaymentIntent, re.Metadata = &ch.ID, ch.PaymentIntent, map[string]string{}
	if re.Customer = ch.Customer; !strings.HasPrefix(text(ch.PaymentMethod), "card_") { // which is no payment method of its own
		re.PaymentMethod = ch.PaymentMethod
	}
	return re
}

// sendRefund asks the network for a refund, and notes it on its charge.
func (d *Domain) sendRefund(c *api.Call, re *Refund, ch *Charge) (err error) {
	how := "refund"
	if !ch.Captured {
		how = "reversal"
	}
	if re.DestinationDetails, err = d.destination(c, re, ch, how); err != nil {
		return err
	}
	ch.AmountRefunded += re.Amount
	ch.Refunded = ch.AmountRefunded == ch.refundable()
	if re.Reason != nil && *re.Reason == "fraudulent" {
		ch.FraudDetails = map[string]string{"user_report": "fraudulent"}
	}
	if err := re.move("pending"); err != nil {
		return err
	}
	if err := c.Save(re); err != nil {
		return err
	}
	if err := c.Save(ch); err != nil {
		return err
	}
	a := &attempt{Operation: rail.Refund, Charge: ch.ID, Refund: re.ID, Amount: re.Amount, Intent: text(ch.PaymentIntent)}
	return d.ask(c, a, d.followUp(c, ch, rail.Refund, re.Amount), ch, nil)
}

// refundable is what may be refunded of a charge in all: what was captured, or what is held if nothing was.
func (ch *Charge) refundable() int64 {
	if ch.Captured {
		return ch.AmountCaptured
	}
	return ch.Amount
}

// checkRefund refuses refunds that cannot be; it returns how much is to be refunded.
func (d *Domain) checkRefund(c *api.Call, ch *Charge) (int64, error) {
	if ch.SourceTransfer == nil && c.P.True("reverse_transfer") && ch.Transfer == nil && ch.TransferData == nil {
		return 0, fault.NoTransferToReverse(ch.ID)
	}
	if err := ch.refuses(c); err != nil {
		return 0, err
	}
	left := ch.refundable() - ch.AmountRefunded
	if !c.P.Given("amount") {
		return left, nil
	}
	amount := c.P.Num("amount")
	if amount < 1 {
		return 0, fault.BelowMinimum("amount", 1)
	}
	if amount > left {
		return 0, fault.RefundTooMuch(money.Format(amount, ch.Currency), money.Format(left, ch.Currency), ch.AmountRefunded > 0)
	}
	if !ch.Captured && amount < left {
		return 0, fault.PartOfUncaptured()
	}
	return amount, nil
}

// refuses says why nothing of the charge can be refunded; nil if something can.
func (ch *Charge) refuses(c *api.Call) error {
	switch {
	case ch.SourceTransfer != nil:
		return fault.PaymentOfTransfer(ch.ID)
	case ch.Paid && !ch.Captured && ch.PaymentIntent != nil: // the intent would go on to be captured; it is canceled instead
		return fault.NothingToRefund(*ch.PaymentIntent, "requires_capture")
	case !ch.Paid || ch.Private.Released && !ch.Captured:
		return fault.ChargeNotRefundable(ch.ID)
	case ch.Private.ChargedBack:
		return fault.ChargedBack(ch.ID)
	case ch.Refunded:
		return fault.AlreadyRefunded(ch.ID)
	}
	if way := ch.way(); way.Refund.How == "never" {
		return fault.NotRefundable(ch.ID, way.Name)
	} else if days := way.Refund.Days; days > 0 && c.Now() > ch.Created+days*aDay {
		return fault.RefundTooLate(ch.ID, way.Name, days)
	}
	return nil
}

func refundID(c *api.Call, ch *Charge) string {
	prefix := "re"
	if ch.way().Flow != paymethod.Card {
		prefix = "pyr" // facts 12
	}
	if ch.PaymentIntent != nil {
		return id.Sibling(prefix, ch.ID)
	}
	return c.NewID(prefix)
}

// refunded applies the network's answer to a refund.
func (d *Domain) refunded(c *api.Call, a *attempt, res *rail.Result, ch *Charge) error {
	re, err := Refunds.Get(c, a.Refund)
	if err != nil {
		return err
	}
	if res.Status != rail.Approved {
		return d.undo(c, re, ch)
	}
	if ch.Captured {
		if err := d.giveBack(c, re, ch); err != nil {
			return err
		}
		if err := d.shareBack(c, re, ch); err != nil {
			return err
		}
	} else {
		ch.Private.Released = true
	}
	if ch.Captured && ch.way().Refund.How == "action" {
		if err := re.move("requires_action"); err != nil {
			return err
		}
		c.At(c.Now()+refundAsked, "refund.told", re.ID)
	} else if ch.Private.RefundPending || ch.Captured && ch.way().Refund.How == "pending" {
		re.PendingReason = opt("processing")
		c.At(c.Now()+refundSettles, "refund.settle", re.ID)
	} else if err := re.move("succeeded"); err != nil {
		return err
	}
	if ch.Private.RefundFails {
		c.At(c.Now()+refundSettles, "refund.fail", re.ID)
	}
	// Known from: facts 08 (8c): the refund, the charge, and both again.
	if err := c.Save(re, "refund.created"); err != nil {
		return err
	}
	if err := c.Save(ch, "charge.refunded"); err != nil {
		return err
	}
	if err := c.Emit("refund.updated", re); err != nil {
		return err
	}
	if err := c.Emit("charge.refund.updated", re); err != nil {
		return err
	}
	return d.tell(c, ch, Refunded)
}

// giveBack takes a refund off the merchant's balance. The fee of the charge is not given back. Known from: facts 09 (9a).
func (d *Domain) giveBack(c *api.Call, re *Refund, ch *Charge) error {
	acct, err := settler(c, ch)
	if err != nil {
		return err
	}
	settled, rate := d.settlement(acct.DefaultCurrency, ch.Currency, re.Amount, money.ConvertBack)
	available := money.AvailableOn(c.Now(), acct.Country)
	if ch.Private.FundsNow {
		available = c.Now()
	}
	typ, description := "refund", "REFUND FOR CHARGE"
	part, to := ledger.Account(""), ledger.Account("")
	if way := ch.way(); way.Flow != paymethod.Card { // facts 09a
		typ, description = "payment_refund", "REFUND FOR PAYMENT"
		part, to = sidesOf(way)
		if way.Takes < 0 {
			available = c.Now()
		}
	}
	if ch.Description != nil {
		description = fmt.Sprintf("%s (%s)", description, *ch.Description)
	}
	txn, err := d.balance.Record(c, balance.Txn{
		Balance: part, Outside: to,
		Type: typ, Amount: -settled, Currency: acct.DefaultCurrency, ExchangeRate: rate,
		Description: &description, Source: re.ID, AvailableOn: available, Parent: re.ID,
	})
	if err != nil {
		return err
	}
	re.BalanceTransaction = &txn.ID
	return nil
}

// undo makes a refund failed, and the charge as it was.
func (d *Domain) undo(c *api.Call, re *Refund, ch *Charge) error {
	ch.AmountRefunded -= re.Amount
	ch.Refunded = false
	re.FailureReason, re.PendingReason = opt("unknown"), nil
	if err := re.move("failed"); err != nil {
		return err
	}
	if re.BalanceTransaction != nil {
		if err := d.takeBack(c, re, ch); err != nil {
			return err
		}
	}
	if err := c.Save(ch, "charge.updated"); err != nil {
		return err
	}
	if err := c.Save(re, "refund.updated"); err != nil {
		return err
	}
	if err := c.Emit("refund.failed", re); err != nil {
		return err
	}
	return c.Emit("charge.refund.updated", re)
}

// takeBack returns the money of a failed refund to the merchant. Known from: facts 08 (8c).
func (d *Domain) takeBack(c *api.Call, re *Refund, ch *Charge) error {
	was, err := balance.Transactions.Get(c, text(re.BalanceTransaction))
	if err != nil {
		return err
	}
	part, from := ledger.Account(""), ledger.Network
	if way := ch.way(); way.Flow != paymethod.Card {
		part, from = sidesOf(way)
	}
	description := "REFUND FAILURE FOR CHARGE"
	if ch.Description != nil {
		description = fmt.Sprintf("REFUND FAILURE FOR CHARGE (%s)", *ch.Description) // unverified: Stripe's words
	}
	txn, err := d.balance.Record(c, balance.Txn{
		Type: "refund_failure", Amount: -was.Amount, Currency: was.Currency, ExchangeRate: was.ExchangeRate,
		Description: &description, Source: re.ID, AvailableOn: c.Now(), Parent: re.ID, Balance: part, Outside: from,
	})
	if err != nil {
		return err
	}
	re.FailureBalanceTransaction = &txn.ID
	return nil
}

// settleRefund is the task by which a pending refund succeeds.
func (d *Domain) settleRefund(c *api.Call, id string) error {
	re, err := Refunds.Get(c, id)
	if err != nil || re == nil || re.Status != "pending" {
		return err
	}
	re.PendingReason = nil
	if err := re.move("succeeded"); err != nil {
		return err
	}
	return d.tellRefund(c, re)
}

// failRefund is the task by which a refund fails that seemed to have succeeded.
func (d *Domain) failRefund(c *api.Call, id string) error {
	re, err := Refunds.Get(c, id)
	if err != nil || re == nil || re.Status != "succeeded" {
		return err
	}
	ch, err := Charges.Get(c, text(re.Charge))
	if err != nil {
		return err
	}
	return d.undo(c, re, ch)
}

// cancelRefund cancels a refund that waits for the customer; one to a card never does. Known from: facts 07 (7f).
func (d *Domain) cancelRefund(c *api.Call) (any, error) {
	re, err := Refunds.InPath(c, "refund")
	if err != nil {
		return nil, err
	}
	if re.Status != "requires_action" {
		return nil, fault.CannotCancelRefund(re.Status)
	}
	return re, d.cancelWaiting(c, re)
}

func (d *Domain) updateRefund(c *api.Call) (any, error) {
	re, err := Refunds.InPath(c, "refund")
	if err != nil {
		return nil, err
	}
	return d.changeRefund(c, re)
}

func (d *Domain) changeRefund(c *api.Call, re *Refund) (any, error) {
	if err := c.ParamsOnly(re, "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(re.Metadata); err != nil {
		return nil, err
	}
	return re, d.tellRefund(c, re)
}

func (d *Domain) listRefunds(c *api.Call) (any, error) {
	if ch := c.P.Str("charge"); ch != "" {
		if _, err := Charges.Find(c, ch, "charge"); err != nil {
			return nil, err
		}
	}
	if pi := c.P.Str("payment_intent"); pi != "" {
		if _, err := Intents.Find(c, pi, "payment_intent"); err != nil {
			return nil, err
		}
	}
	return Refunds.List(c)
}

func (d *Domain) listChargeRefunds(c *api.Call) (any, error) {
	ch, err := Charges.InPath(c, "charge")
	if err != nil {
		return nil, err
	}
	return Refunds.ListOf(c, api.Narrow{Path: "charge", Value: ch.ID})
}

// refundInPath finds a refund by the older routes, which name its charge as well.
func (d *Domain) refundInPath(c *api.Call) (*Refund, error) {
	ch, err := Charges.InPath(c, "charge")
	if err != nil {
		return nil, err
	}
	re, err := Refunds.InPath(c, "refund")
	if err != nil {
		return nil, err
	}
	if text(re.Charge) != ch.ID {
		return nil, Refunds.Missing(re.ID, "id", 404)
	}
	return re, nil
}

func (d *Domain) retrieveChargeRefund(c *api.Call) (any, error) {
	re, err := d.refundInPath(c)
	return re, err
}

func (d *Domain) updateChargeRefund(c *api.Call) (any, error) {
	re, err := d.refundInPath(c)
	if err != nil {
		return nil, err
	}
	return d.changeRefund(c, re)
}

// answerRefund answers with a refund as it stands.
func (d *Domain) answerRefund(c *api.Call, id string) (any, error) {
	re, err := Refunds.Get(c, id)
	return re, err
}

// refundsOf makes a charge's list of refunds, which is shown when it is expanded.
func refundsOf(c *api.Call, charge []byte) ([]byte, error) {
	id := jsontext.Text(charge, "id")
	l := &api.List{Object: "list", URL: "/v1/charges/" + id + "/refunds", Total: new(int64)}
	err := Refunds.Each(c, "charge", id, func(re *Refund) bool {
		*l.Total++
		if len(l.Data) == 10 {
			l.HasMore = true
			return true
		}
		body, err := c.Show(re)
		if err == nil {
			l.Data = append(l.Data, body)
		}
		return err == nil
	})
	return l.JSON(), err
}
