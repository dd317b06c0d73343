package payment

import (
	"florin/internal/api"
	"florin/internal/domain/balance"
	"florin/internal/money"
)

// earn puts what a charge has captured on the merchant's balance, less the fee, in the currency that the account settles in.
// Known from: facts 09 (9a, 9b).
func (d *Domain) earn(c *api.Call, ch *Charge, amount int64) error {
	acct := merchant(c)
	settled, rate := d.settlement(acct.DefaultCurrency, ch.Currency, amount, money.Convert)
	fee := money.FeeIn(acct.DefaultCurrency, acct.Country, settled, ch.Private.CardCountry, rate != nil)
	available := money.AvailableOn(c.Now(), acct.Country)
	if ch.Private.FundsNow {
		available = c.Now()
	}
	txn, err := d.balance.Record(c, balance.Txn{
		Type: "charge", Amount: settled, Fee: fee, Currency: acct.DefaultCurrency, ExchangeRate: rate,
		Description: ch.Description, Source: ch.ID, AvailableOn: available, Parent: ch.ID,
	})
	if err != nil {
		return err
	}
	ch.BalanceTransaction = &txn.ID
	return nil
}

// settlement converts an amount between the currency of a payment and that of the account; the rate is nil if they are one.
func (d *Domain) settlement(settle, currency string, amount int64, convert func(int64, string, string) (int64, float64)) (int64, *float64) {
	if currency == settle {
		return amount, nil
	}
	settled, rate := convert(amount, currency, settle)
	return settled, &rate
}
