package payment

import (
	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/balance"
	"florin/internal/fault"
	"florin/internal/ledger"
	"florin/internal/money"
)

// How a payment is shared between a platform and its connected accounts.
//
// A destination charge (transfer_data) is the platform's. When its money has come, the whole of it, or transfer_data[amount], goes on by a transfer to
// the connected account, where it is a payment of its own (py_…); an application fee comes back from there. With on_behalf_of the money settles
// in the connected account's country and currency, at its fees. A direct charge is the connected account's (Stripe-Account), which pays the fees
// and the platform's application fee.
//
// Known from: facts 09 (9a), 16e; recordings of some 150 such payments.

// TransferData says that a payment goes on to a connected account.
type TransferData struct {
	Amount      *int64 `json:"amount,omitempty"` // minor units; nil: all of it
	Destination string `json:"destination"`
}

// ChargeTransferData is TransferData as a charge shows it.
type ChargeTransferData struct {
	Amount      *int64 `json:"amount"`
	Destination string `json:"destination"`
}

func (t *TransferData) ofCharge() *ChargeTransferData {
	if t == nil {
		return nil
	}
	return &ChargeTransferData{t.Amount, t.Destination}
}

// sharing is what a request says of how a payment is shared, on top of what was said before.
type sharing struct {
	fee         *int64
	amount      *int64 // of the transfer
	destination string
	onBehalfOf  string
}

// of is the sharing of an intent as the request would leave it.
func (pi *Intent) sharing() sharing {
	s := sharing{fee: pi.ApplicationFeeAmount, onBehalfOf: text(pi.OnBehalfOf)}
	if pi.TransferData != nil {
		s.amount, s.destination = pi.TransferData.Amount, pi.TransferData.Destination
	}
	return s
}

// checkSharing refuses to share a payment of an amount in ways that cannot be.
func (d *Domain) checkSharing(c *api.Call, s sharing, amount int64) error {
	p := c.P
	if p.Given("application_fee_amount") {
		n := p.Num("application_fee_amount")
		s.fee = &n
	} else if p.Has("application_fee_amount") {
		s.fee = nil
	}
	td := p.At("transfer_data")
	if td.Given("amount") {
		n := td.Num("amount")
		s.amount = &n
	}
	if td.Given("destination") {
		s.destination = td.Str("destination")
		a, err := account.Destination(c, s.destination, "transfer_data[destination]")
		if err != nil {
			return err
		}
		if err := canReceive(c, a); err != nil {
			return err
		}
	}
	if p.Given("on_behalf_of") {
		s.onBehalfOf = p.Str("on_behalf_of")
		a, err := account.Connected(c, s.onBehalfOf)
		if err != nil {
			return err
		}
		if a == nil {
			return fault.NoSuch("on_behalf_of", s.onBehalfOf, "on_behalf_of", 400)
		}
	}
	switch {
	case s.fee != nil && s.destination == "" && account.Platform(c) == nil:
		return fault.FeeNeedsConnect()
	case s.fee != nil && *s.fee < 0:
		return fault.BelowMinimum("application_fee_amount", 0)
	case s.fee != nil && *s.fee > amount:
		return fault.FeeTooLarge()
	case s.fee != nil && s.amount != nil:
		return fault.OnlyOne("application_fee_amount", "transfer_data[amount]")
	case s.amount != nil && *s.amount > amount:
		return fault.TransferDataTooLarge()
	}
	return nil
}

// canReceive refuses to send money to an account that may not have any.
func canReceive(c *api.Call, a *account.Account) error {
	if err := account.FinishChecks(c, a); err != nil {
		return err
	}
	for _, name := range []string{"transfers", "legacy_payments"} {
		if a.Capabilities[name] == "active" {
			return nil
		}
	}
	return fault.NoTransfersCapability()
}

// settler is the account in whose country and currency a charge settles: that of on_behalf_of, or the merchant itself.
func settler(c *api.Call, ch *Charge) (*account.Account, error) {
	if ch.OnBehalfOf == nil {
		return merchant(c), nil
	}
	a, err := account.Load(c, *ch.OnBehalfOf)
	if err == nil && a == nil {
		a = merchant(c) // it has been deleted meanwhile
	}
	return a, err
}

// share sends on what of a charge's money is a connected account's, and takes what is the platform's. txn is the money that has come, of an amount
// of the charge.
func (d *Domain) share(c *api.Call, ch *Charge, txn *balance.BalanceTransaction, amount int64) error {
	if ch.TransferData == nil {
		return nil
	}
	dest, err := account.Connected(c, ch.TransferData.Destination)
	if err != nil || dest == nil { // deleted meanwhile: the money stays
		return err
	}
	rate := 1.0
	if txn.ExchangeRate != nil {
		rate = *txn.ExchangeRate
	}
	send := txn.Amount
	if ch.TransferData.Amount != nil {
		send = min(money.ConvertAt(*ch.TransferData.Amount, rate), txn.Amount)
	}
	if send <= 0 {
		return nil
	}
	tr, err := d.send(c, dest, transferring{
		amount: send, currency: txn.Currency, source: ch, group: ch.TransferGroup, available: txn.AvailableOn, fee: text0(ch.ApplicationFeeAmount), rate: rate,
	})
	if err != nil {
		return err
	}
	ch.Transfer = &tr.ID
	py, err := Charges.GetAt(c, dest.Scope(c.Live()), tr.DestinationPayment)
	if err != nil {
		return err
	}
	ch.ApplicationFee = py.ApplicationFee
	tellLater(c, "transfer.created", tr)
	return nil
}

// tellLater emits an event behind those of the payment that is being made.
// unverified: the order in which Stripe tells of a payment, its transfer and its fee.
func tellLater(c *api.Call, event string, obj api.Resource) {
	who := c.Who
	c.Later(func(c *api.Call) error { return c.As(who, func() error { return c.Emit(event, obj) }) })
}

func text0(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// platformFee is the part of an amount of a direct charge that its platform gets, as the connected account's transaction shows it; nil if there is none.
func platformFee(c *api.Call, ch *Charge, amount int64, settle string, rate *float64) *balance.FeeDetail {
	platform := account.Platform(c)
	if platform == nil || text0(ch.ApplicationFeeAmount) == 0 {
		return nil
	}
	amount = min(*ch.ApplicationFeeAmount, amount)
	if rate != nil {
		amount = money.ConvertAt(amount, *rate)
	}
	app, words := platform.Application(), nameOf(platform)+" application fee"
	return &balance.FeeDetail{Amount: amount, Application: &app, Currency: settle, Description: &words, Type: "application_fee"}
}

// nameOf is what an account is called in descriptions: its name, or its id.
func nameOf(a *account.Account) string {
	if name := a.Name(); name != "" {
		return name
	}
	return a.ID
}

// balanceOf is what an account has in a currency: all of it, or what is available.
func balanceOf(c *api.Call, currency string, all bool) (int64, error) {
	sums, err := c.Sums()
	if err != nil {
		return 0, err
	}
	for _, f := range ledger.Balance(sums) {
		if f.Currency == currency {
			if all {
				return f.Available.Total() + f.Pending.Total(), nil
			}
			return f.Available.Total(), nil
		}
	}
	return 0, nil
}

// shareBack takes back what a refund's share of the transfer and of the application fee are, if the refund says so.
//
// Known from: facts 16e (recorded): the shares are those of this refund, whatever became of earlier ones, and are rounded. A refund of a payment
// that has no fee may ask for it all the same (recorded).
func (d *Domain) shareBack(c *api.Call, re *Refund, ch *Charge) error {
	if re.Private.Fee && ch.ApplicationFee != nil {
		give := func() error { return d.returnFeeOf(c, *ch.ApplicationFee, re.Amount, ch.Amount) }
		var err error
		if account.Platform(c) != nil && ch.TransferData == nil {
			err = account.AsPlatform(c, give)
		} else {
			err = give()
		}
		if err != nil {
			return err
		}
	}
	if !re.Private.Transfer || ch.Transfer == nil {
		return nil
	}
	tr, err := Transfers.Get(c, *ch.Transfer)
	if err != nil || tr == nil {
		return err
	}
	dest, err := account.Load(c, text(tr.Destination))
	if err != nil || dest == nil { // deleted meanwhile: there is nobody to take it from
		return err
	}
	amount := min(portion(tr.Amount, re.Amount, ch.Amount), tr.Amount-tr.AmountReversed)
	if amount <= 0 {
		return nil
	}
	rev, err := d.reverseTransfer(c, dest, tr, amount, re, map[string]string{})
	if err != nil {
		return err
	}
	re.TransferReversal = &rev.ID
	return nil
}
