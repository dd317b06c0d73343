package payment

import (
	"florin/internal/api"
	"florin/internal/domain/balance"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/paymethod"
)

// earn puts what a charge has captured on the merchant's balance, less the fees, in the currency that the charge settles in; and shares it with
// connected accounts and platforms. Known from: facts 09 (9a, 9b), 16e.
func (d *Domain) earn(c *api.Call, ch *Charge, amount int64) error {
	acct, err := settler(c, ch)
	if err != nil {
		return err
	}
	settled, rate := d.settlement(acct.DefaultCurrency, ch.Currency, amount, money.Convert)
	fee := money.FeeIn(acct.DefaultCurrency, acct.Country, settled, ch.Private.CardCountry, rate != nil)
	available := money.AvailableOn(c.Now(), acct.Country)
	if ch.Private.FundsNow {
		available = c.Now()
	}
	typ, source, outside := "charge", ledger.Account(""), ledger.Account("")
	if way := ch.way(); way.Flow != paymethod.Card {
		typ, fee, available = "payment", feeOf(way, acct.DefaultCurrency, settled, fee), availableOn(way, c.Now(), available)
		source, outside = sidesOf(way)
	}
	t := balance.Txn{
		Balance: source, Outside: outside,
		Type: typ, Amount: settled, Fee: fee, Currency: acct.DefaultCurrency, ExchangeRate: rate,
		Description: ch.Description, Source: ch.ID, AvailableOn: available, Parent: ch.ID,
	}
	first := ch.BalanceTransaction == nil // of several captures, the first pays the platform
	mine := platformFee(c, ch, amount, acct.DefaultCurrency, rate)
	if mine != nil && first {
		words := "Stripe processing fees"
		t.FeeDetails = []balance.FeeDetail{*mine, {Amount: fee, Currency: acct.DefaultCurrency, Description: &words, Type: "stripe_fee"}}
		t.Fee += mine.Amount
	}
	txn, err := d.balance.Record(c, t)
	if err != nil {
		return err
	}
	ch.BalanceTransaction = &txn.ID
	if mine != nil && first {
		return d.earnFee(c, earned{amount: min(*ch.ApplicationFeeAmount, amount), currency: ch.Currency, rate: rate, charge: ch, available: txn.AvailableOn})
	}
	return d.share(c, ch, txn, amount)
}

// settlement converts an amount between the currency of a payment and that of the account; the rate is nil if they are one.
func (d *Domain) settlement(settle, currency string, amount int64, convert func(int64, string, string) (int64, float64)) (int64, *float64) {
	if currency == settle {
		return amount, nil
	}
	settled, rate := convert(amount, currency, settle)
	return settled, &rate
}

// availableOn is when the money of a payment by a type is available; card is when that of a card would be. Recorded: five working days for SEPA debits.
func availableOn(t *paymethod.Type, now, card int64) int64 {
	switch {
	case t.Takes < 0:
		return now
	case t.Takes > 0:
		return workingDays(now, t.Takes)
	}
	return card
}

// sidesOf is which part of the balance a payment by a type is, and where it comes from. Recorded: SEPA debits count as cards do.
func sidesOf(t *paymethod.Type) (part, from ledger.Account) {
	switch t.Name {
	case "us_bank_account", "ach_debit":
		return ledger.BankAccount, ledger.Bank
	case "fpx":
		return ledger.FPX, ledger.Bank
	}
	switch t.Flow {
	case paymethod.Debit, paymethod.Transfer, paymethod.Voucher:
		return ledger.Card, ledger.Bank
	}
	return ledger.Card, ledger.Network
}
