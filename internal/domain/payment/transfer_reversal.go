package payment

import (
	"encoding/json"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/balance"
	"florin/internal/fault"
	"florin/internal/ledger"
	"florin/internal/money"
)

// A Reversal takes a transfer back, or some of it; on the other account it is a refund of the payment (pyr_…). Amounts are in minor units.
type Reversal struct {
	api.Meta
	Amount                   int64             `json:"amount"`
	BalanceTransaction       *string           `json:"balance_transaction"`
	Created                  int64             `json:"created"` // Unix seconds
	Currency                 string            `json:"currency"`
	DestinationPaymentRefund *string           `json:"destination_payment_refund"`
	Metadata                 map[string]string `json:"metadata"`
	SourceRefund             *string           `json:"source_refund"`
	Transfer                 string            `json:"transfer"`
}

// Reversals is the kind of transfer reversals.
var Reversals = &api.Kind[Reversal]{Name: "transfer_reversal", Prefixes: []string{"trr"}, Word: "transfer reversal", Index: []string{"transfer"}}

// createReversal takes back what is named of a transfer, or all that is left of it.
func (d *Domain) createReversal(c *api.Call) (any, error) {
	tr, err := Transfers.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	left := tr.Amount - tr.AmountReversed
	amount := left
	if c.P.Given("amount") {
		if amount = c.P.Num("amount"); amount < 1 {
			return nil, fault.BelowMinimum("amount", 1)
		}
	}
	switch {
	case left == 0:
		return nil, fault.TransferAlreadyReversed(tr.ID)
	case amount > left:
		return nil, fault.ReversalTooLarge(money.Format(amount, tr.Currency), money.Format(left, tr.Currency), tr.AmountReversed > 0)
	}
	dest, err := account.Load(c, text(tr.Destination))
	if err != nil {
		return nil, err
	}
	if dest == nil {
		return nil, fault.AccountInvalid(c.Who.Masked, text(tr.Destination))
	}
	if err := d.canReturn(c, dest, tr, amount); err != nil {
		return nil, err
	}

	var m struct {
		Metadata map[string]string `json:"metadata"`
	}
	m.Metadata = map[string]string{}
	if err := c.ParamsOnly(&m, "metadata"); err != nil {
		return nil, err
	}
	rev, err := d.reverseTransfer(c, dest, tr, amount, nil, m.Metadata)
	if err != nil {
		return nil, err
	}
	if c.P.True("refund_application_fee") {
		if err := d.returnFee(c, dest, tr, amount, tr.Amount); err != nil {
			return nil, err
		}
	}
	return rev, nil
}

// canReturn refuses to take more from an account than it has, what is still pending included.
// unverified: whether what is pending counts for a transfer that was made without a charge.
func (d *Domain) canReturn(c *api.Call, dest *account.Account, tr *Transfer, amount int64) error {
	return account.As(c, dest, func() error {
		settled, _ := d.settlement(dest.DefaultCurrency, tr.Currency, amount, money.ConvertBack)
		have, err := balanceOf(c, dest.DefaultCurrency, true)
		if err == nil && have < settled {
			err = fault.ReversalUnfunded(tr.ID)
		}
		return err
	})
}

// reverseTransfer takes some of a transfer back. Nothing is refused here. source is the refund that it belongs to, if any.
func (d *Domain) reverseTransfer(c *api.Call, dest *account.Account, tr *Transfer, amount int64, source *Refund, metadata map[string]string) (*Reversal, error) {
	rev := Reversals.New(c, c.NewID("trr"))
	rev.Amount, rev.Currency, rev.Created, rev.Transfer, rev.Metadata = amount, tr.Currency, c.Now(), tr.ID, metadata
	if source != nil {
		rev.SourceRefund = &source.ID
	}
	words := "REFUND FOR TRANSFER"
	txn, err := d.balance.Record(c, balance.Txn{
		Type: "transfer_refund", Amount: amount, Currency: tr.Currency, Description: &words, Source: tr.ID,
		AvailableOn: tr.Private.Available, Outside: ledger.Accounts, Balance: purse(tr.SourceType),
	})
	if err != nil {
		return nil, err
	}
	rev.BalanceTransaction = &txn.ID
	own := c.Scope
	err = account.As(c, dest, func() error {
		if err := c.Mirror(c.Scope, rev); err != nil {
			return err
		}
		re, err := d.bringBack(c, dest, tr, rev)
		if err != nil {
			return err
		}
		rev.DestinationPaymentRefund = &re.ID
		return c.Mirror(own, re)
	})
	if err != nil {
		return nil, err
	}
	if err := c.Save(rev); err != nil {
		return nil, err
	}
	tr.AmountReversed += amount
	tr.Reversed = tr.AmountReversed == tr.Amount
	tr.Reversals = tr.list(c, rev)
	return rev, c.Save(tr, "transfer.reversed")
}

// bringBack refunds the payment that a transfer was. The call acts as the account that had it. Known from: recordings.
func (d *Domain) bringBack(c *api.Call, dest *account.Account, tr *Transfer, rev *Reversal) (*Refund, error) {
	py, err := Charges.Get(c, tr.DestinationPayment)
	if err != nil {
		return nil, err
	}
	re := Refunds.New(c, c.NewID("pyr"))
	re.Amount, re.Currency, re.Created, re.Charge, re.Metadata = rev.Amount, rev.Currency, c.Now(), &py.ID, map[string]string{}
	re.SourceTransferReversal, re.TransferReversal = &rev.ID, &rev.ID
	if err := re.move("succeeded"); err != nil {
		return nil, err
	}
	settled, rate := d.settlement(dest.DefaultCurrency, tr.Currency, rev.Amount, money.ConvertBack)
	words := "REFUND FOR PAYMENT"
	txn, err := d.balance.Record(c, balance.Txn{
		Type: "payment_refund", Amount: -settled, Currency: dest.DefaultCurrency, ExchangeRate: rate, Description: &words, Source: re.ID,
		AvailableOn: tr.Private.Available, Outside: ledger.Accounts,
	})
	if err != nil {
		return nil, err
	}
	re.BalanceTransaction = &txn.ID
	if err := c.Save(re); err != nil {
		return nil, err
	}
	py.AmountRefunded += rev.Amount
	py.Refunded = py.AmountRefunded == py.Amount
	return re, c.Save(py, "charge.refunded")
}

// list is the transfer's list of its reversals, newest first, with one more.
func (tr *Transfer) list(c *api.Call, more *Reversal) json.RawMessage {
	var old struct {
		Data  []json.RawMessage `json:"data"`
		Total int64             `json:"total_count"`
	}
	if len(tr.Reversals) > 0 {
		if err := json.Unmarshal(tr.Reversals, &old); err != nil {
			panic(err) // it is ours
		}
	}
	l := &api.List{Object: "list", URL: "/v1/transfers/" + tr.ID + "/reversals", Total: &old.Total}
	if more != nil {
		body, err := c.Show(more)
		if err != nil {
			panic(err) // of its encoding alone
		}
		l.Data = append(l.Data, slices.Clone(body))
		old.Total++
	}
	for _, b := range old.Data {
		if len(l.Data) < 10 {
			l.Data = append(l.Data, b)
		}
	}
	l.HasMore = int64(len(l.Data)) < old.Total
	return json.RawMessage(l.JSON())
}

func (d *Domain) listReversals(c *api.Call) (any, error) {
	tr, err := Transfers.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	return Reversals.ListOf(c, api.Narrow{Path: "transfer", Value: tr.ID})
}

func (d *Domain) reversalInPath(c *api.Call) (*Transfer, *Reversal, error) {
	tr, err := Transfers.InPath(c, "transfer")
	if err != nil {
		return nil, nil, err
	}
	rev, err := Reversals.InPath(c, "id")
	if err == nil && rev.Transfer != tr.ID {
		err = Reversals.Missing(rev.ID, "id", 404)
	}
	return tr, rev, err
}

func (d *Domain) retrieveReversal(c *api.Call) (any, error) {
	_, rev, err := d.reversalInPath(c)
	return rev, err
}

func (d *Domain) updateReversal(c *api.Call) (any, error) {
	tr, rev, err := d.reversalInPath(c)
	if err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(rev, "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(rev.Metadata); err != nil {
		return nil, err
	}
	if err := c.Save(rev); err != nil {
		return nil, err
	}
	if err := tr.renew(c, rev); err != nil {
		return nil, err
	}
	return rev, c.Save(tr, "transfer.updated")
}

// renew shows a reversal in its transfer as it now is.
func (tr *Transfer) renew(c *api.Call, rev *Reversal) error {
	body, err := c.Show(rev)
	if err != nil {
		return err
	}
	tr.Reversals, err = replaceIn(tr.Reversals, rev.ID, body)
	return err
}
