package payout

import (
	"strings"
	"time"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/fault"
	"florin/internal/money"
)

// destination is the bank account that a payout goes to: the one that is named, or the default of the currency.
func (d *Domain) destination(c *api.Call, id, currency string) (*account.BankAccount, error) {
	var bank *account.BankAccount
	var err error
	if id != "" {
		if bank, err = d.named(c, id); err != nil {
			return nil, err
		}
	} else if bank, err = d.defaultBank(c, currency); err == nil && bank == nil {
		bank, err = d.testBank(c, currency)
	}
	switch {
	case err != nil:
		return nil, err
	case bank == nil || bank.Currency != currency || bank.Account == nil:
		return nil, fault.NoExternalAccount(currency)
	case bank.Status == errored:
		return nil, fault.BankAccountErrored()
	}
	return bank, nil
}

// errored is the status of a bank account that a payout to has failed. Nothing is paid out to it until it is changed (facts 16f).
const errored = "errored"

// defaultBank is the bank account that a currency is paid out to; nil if there is none.
func (d *Domain) defaultBank(c *api.Call, currency string) (found *account.BankAccount, err error) {
	err = account.BankAccounts.Each(c, "", "", func(b *account.BankAccount) bool {
		if b.Account != nil && b.Currency == currency && b.IsDefault() {
			found = b
		}
		return found == nil
	})
	if err != nil || found != nil {
		return found, err
	}
	all, err := account.Destinations(c)
	for _, b := range all {
		if b.Currency == currency && b.IsDefault() {
			return b, nil
		}
	}
	return nil, err
}

// named is the bank account or card that a payout is to go to.
func (d *Domain) named(c *api.Call, id string) (*account.BankAccount, error) {
	if strings.HasPrefix(id, "card_") {
		all, err := account.Destinations(c)
		if err != nil {
			return nil, err
		}
		for _, b := range all {
			if b.ID == id {
				return b, nil
			}
		}
	}
	return account.BankAccounts.Find(c, id, "destination")
}

// testBank gives an account that stands for itself, and has no bank account, the test bank's in the currency of its country: at Stripe it would
// have been set in the Dashboard. In live mode nobody is paid out to an account that nobody named.
func (d *Domain) testBank(c *api.Call, currency string) (*account.BankAccount, error) {
	acct := account.Of(c)
	if c.Live() || acct.Private.Platform != "" || currency != acct.DefaultCurrency {
		return nil, nil
	}
	b := account.BankAccounts.New(c, c.NewID("ba"))
	name, routing, fingerprint := "STRIPE TEST BANK", "110000000", c.AccountPart()
	b.Account, b.BankName, b.RoutingNumber, b.Fingerprint = &acct.ID, &name, &routing, &fingerprint
	b.Country, b.Currency, b.Last4, b.Status = acct.Country, currency, "6789", "new"
	b.ForPayouts(true)
	b.AvailablePayoutMethods = []string{"standard"}
	if acct.Country == "US" {
		b.AvailablePayoutMethods = append(b.AvailablePayoutMethods, "instant")
	}
	b.Metadata = map[string]string{}
	return b, c.Save(b)
}

// disable marks a bank account to which a payout failed.
func (d *Domain) disable(c *api.Call, id string) error {
	if strings.HasPrefix(id, "card_") {
		return account.Cards.Refused(c, id)
	}
	b, err := account.BankAccounts.Get(c, id)
	if err != nil || b == nil || b.Status == errored {
		return err
	}
	b.Status = errored
	return c.Save(b, "account.external_account.updated")
}

// instantLimits are the least and the most of an instant payout. Known from: facts 16f; recorded for the United States.
var instantLimits = map[string][2]int64{
	"usd": {50, 999900}, "cad": {60, 999900}, "sgd": {50, 999900}, "gbp": {40, 999900}, "aud": {50, 999900}, "eur": {40, 999900},
}

// checkInstant refuses an instant payout that the bank account or the amount does not allow.
func checkInstant(b *account.BankAccount, amount int64, currency string) error {
	limits, ok := instantLimits[currency]
	switch {
	case !ok:
		return fault.InstantCurrency(currency)
	case amount > limits[1]:
		return fault.InstantTooMuch(limits[1] / 100)
	case amount < limits[0]:
		return fault.AmountTooSmall(money.Format(limits[0], currency), currency) // unverified: Stripe's words
	}
	for _, m := range b.AvailablePayoutMethods {
		if m == "instant" {
			return nil
		}
	}
	return fault.InstantUnsupported()
}

// instantFee is what an account that stands for itself pays for an instant payout, in minor units. Known from: facts 09 (1.5 % in the United States).
// unverified: 1 % elsewhere, and the least fee.
func instantFee(amount int64, country string) int64 {
	share := int64(100) // hundredths of a percent
	if country == "US" {
		share = 150
	}
	return max((amount*share+5000)/10000, 50)
}

// arrival is when a standard payout arrives: 00:00 UTC of the next day on which banks work.
//
// Which day is "next" is counted in California: 12 recorded payouts, made at all hours, arrive on the business day after the Pacific date on which
// they were made (05:16 UTC Wednesday → that Wednesday; 23:35 UTC Monday → Tuesday; 09:26 UTC Monday → Tuesday), which no other clock explains.
// unverified: that it is one day in other countries, too.
func arrival(created int64, country string) int64 {
	s := money.SettlementOf(country)
	s.Days, s.Business, s.Monday = 1, true, false
	return s.AvailableOn(created + pacific(created))
}

// pacific is how far California's clock stands from UTC, in seconds: −7 hours from the second Sunday of March to the first of November, 2 o'clock each.
func pacific(at int64) int64 {
	const standard, summer = -8 * 3600, -7 * 3600
	year := time.Unix(at+standard, 0).UTC().Year()
	first := func(month time.Month, week int) int64 { // its Sunday of that week, 00:00 UTC
		day := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
		return day.AddDate(0, 0, (7-int(day.Weekday()))%7+7*week).Unix()
	}
	if at >= first(time.March, 1)+10*3600 && at < first(time.November, 0)+9*3600 {
		return summer
	}
	return standard
}
