package payout

import (
	"slices"
	"time"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/balance"
	"florin/internal/fault"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/store"
)

// A payment is which balance transactions an automatic payout has paid out. It is a document of its own, written once, because the payout is
// written again at each of its steps.
type payment struct {
	api.Meta
	Transactions []string `json:"transactions"`
}

var paid = &api.Kind[payment]{Name: "_payout", Internal: true}

func paymentID(payout string) string { return "_payout:" + payout }

const (
	// atHour is when the payouts of a day are made, in seconds after 00:00 UTC. unverified: Stripe's hour.
	atHour = 3600
	// reconciledAfter is when it is settled what a payout has paid out. unverified: Stripe says within a day of paying.
	reconciledAfter = 3600
	// furthest is the longest time between a transaction and its day, in seconds: how far before the last payout one may have been made that
	// was not paid out with it.
	furthest = 100 * 86400
)

func (d *Domain) automaticRoutes(r *api.Router) {
	r.Task("payout.automatic", d.payScheduled)
	r.Task("payout.reconcile", d.reconcile)
}

// Schedule sees to it that money which came in and is available is paid out on the next day of the schedule.
func (d *Domain) Schedule(c *api.Call) error { return d.becameAvailable(c) }

// becameAvailable sees to it that money which has become available is paid out on the next day of the schedule.
func (d *Domain) becameAvailable(c *api.Call) error {
	acct := account.Of(c)
	if acct == nil {
		return nil
	}
	if at := nextPayday(acct.Settings.Payouts.Schedule, c.Now()); at > 0 {
		c.At(at, "payout.automatic", "")
	}
	return nil
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// nextPayday is when a schedule next pays out, from a time on; 0 if it never does by itself. A day of the month that a month does not have is its last.
func nextPayday(s account.Schedule, from int64) int64 {
	day := time.Unix(from, 0).UTC().Truncate(24 * time.Hour)
	if day.Unix()+atHour < from {
		day = day.AddDate(0, 0, 1)
	}
	weekly, monthly := s.WeeklyPayoutDays, s.MonthlyPayoutDays
	if len(weekly) == 0 && s.WeeklyAnchor != "" {
		weekly = []string{s.WeeklyAnchor}
	}
	if len(monthly) == 0 && s.MonthlyAnchor > 0 {
		monthly = []int64{s.MonthlyAnchor}
	}
	for range 40 {
		last := day.AddDate(0, 1, -day.Day()).Day()
		fits := false
		switch s.Interval {
		case "daily":
			fits = true
		case "weekly":
			fits = slices.Contains(weekly, weekdays[day.Weekday()])
		case "monthly":
			fits = slices.ContainsFunc(monthly, func(n int64) bool { return min(int(n), last) == day.Day() })
		}
		if fits {
			return day.Unix() + atHour
		}
		day = day.AddDate(0, 0, 1)
	}
	return 0
}

// payScheduled is the task of a day on which an account is paid out: each currency that has a bank account, all that is available of it, less what the
// settings keep. What the account owes is debited, where that is agreed.
func (d *Domain) payScheduled(c *api.Call, _ string) error {
	acct := account.Of(c)
	if acct == nil || !acct.PayoutsEnabled || acct.Settings.Payouts.Schedule.Interval == "manual" {
		return nil
	}
	sums, err := c.Sums()
	if err != nil {
		return err
	}
	keep, err := d.minimums(c)
	if err != nil {
		return err
	}
	for _, f := range ledger.Balance(sums) {
		for _, share := range f.Available { // unverified: that sources are paid out apart, as manual payouts are
			amount := share.Amount
			if amount > 0 {
				amount = max(amount-keep[f.Currency], 0)
			}
			amount -= amount % money.Step(f.Currency, true)
			if err := d.payAutomatic(c, acct, f.Currency, share.Source, len(f.Available) > 1, amount); err != nil {
				return err
			}
		}
	}
	return nil
}

// payAutomatic makes one payout of the schedule, if there is something to pay and somewhere to pay it to. several says that the currency has money of
// other sources, too.
func (d *Domain) payAutomatic(c *api.Call, acct *account.Account, currency, source string, several bool, amount int64) error {
	if amount == 0 || amount < 0 && !(acct.Settings.Payouts.DebitNegativeBalances && debits[acct.Country]) {
		return nil
	}
	bank, err := d.defaultBank(c, currency)
	if err != nil || bank == nil || bank.Status == errored {
		return err
	}
	items, err := d.unpaid(c, currency, source, several)
	if err != nil {
		return err
	}
	po := d.fresh(c, amount, currency, bank)
	words := "STRIPE PAYOUT"
	po.Automatic, po.Description, po.SourceType, po.ReconciliationStatus = true, &words, source, "in_progress"
	if err := d.pay(c, po, 0); err != nil {
		return err
	}
	rec := paid.New(c, paymentID(po.ID))
	rec.Transactions = append([]string{*po.BalanceTransaction}, items...)
	c.At(c.Now()+reconciledAfter, "payout.reconcile", po.ID)
	return c.Save(rec)
}

// debits are the countries in which what an account owes is taken from its bank. Known from: facts 16f.
var debits = map[string]bool{"AU": true, "CA": true, "NZ": true, "US": true}

func init() {
	for _, country := range []string{
		"AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR", "HR", "HU", "IE", "IT", "LI", "LT", "LU", "LV", "MT",
		"NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
	} {
		debits[country] = true
	}
}

// unpaid are the transactions of a currency and source that are available and that no automatic payout has paid out, newest first.
func (d *Domain) unpaid(c *api.Call, currency, source string, several bool) ([]string, error) {
	last, err := d.lastAutomatic(c, currency, source)
	if err != nil {
		return nil, err
	}
	var before int64
	had := map[string]bool{}
	if last != nil {
		before = last.Created
		rec, err := paid.Get(c, paymentID(last.ID))
		if err != nil {
			return nil, err
		}
		if rec != nil {
			for _, id := range rec.Transactions {
				had[id] = true
			}
		}
	}
	ids := []string{}
	err = balance.Transactions.Each(c, "", "", func(t *balance.BalanceTransaction) bool {
		if t.Created < before-furthest {
			return false
		}
		paid := t.AvailableOn <= before && t.Created < before || had[t.ID]
		if !paid && t.Currency == currency && t.AvailableOn <= c.Now() {
			ids = append(ids, t.ID)
		}
		return true
	})
	if err != nil || !several {
		return ids, err
	}
	return ofSource(c, ids, string(sources[source]))
}

// ofSource are those of some transactions that changed one part of the balance.
func ofSource(c *api.Call, ids []string, part string) ([]string, error) {
	out := []string{}
	for _, id := range ids {
		moves, err := c.Moves(id)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(moves, func(m store.Move) bool { return m.From == part || m.To == part }) {
			out = append(out, id)
		}
	}
	return out, nil
}

// lastAutomatic is the newest automatic payout of a currency and source; nil if there is none.
func (d *Domain) lastAutomatic(c *api.Call, currency, source string) (last *Payout, err error) {
	err = Payouts.Each(c, "currency", currency, func(po *Payout) bool {
		if po.Automatic && po.SourceType == source {
			last = po
		}
		return last == nil
	})
	return last, err
}

// paidOut are the transactions that an automatic payout has paid out, for the list of transactions.
func (d *Domain) paidOut(c *api.Call, payout string) (map[string]bool, error) {
	po, err := Payouts.Get(c, payout)
	if err != nil || po == nil {
		return nil, err
	}
	if !po.Automatic {
		return nil, fault.NotAutomatic()
	}
	rec, err := paid.Get(c, paymentID(payout))
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	if rec != nil {
		for _, id := range rec.Transactions {
			out[id] = true
		}
	}
	return out, nil
}

// reconcile is the task after which it is settled what an automatic payout has paid out.
func (d *Domain) reconcile(c *api.Call, id string) error {
	po, err := Payouts.Get(c, id)
	if err != nil || po == nil || po.ReconciliationStatus != "in_progress" {
		return err
	}
	po.ReconciliationStatus = "completed"
	return c.Save(po, "payout.reconciliation_completed")
}

// billPlatform takes what an instant payout of a connected account costs from its platform: 1 % (facts 16f).
// unverified: the transaction's words.
func (d *Domain) billPlatform(c *api.Call, po *Payout) error {
	if account.Platform(c) == nil {
		return nil
	}
	words := "Instant payout fee for " + po.ID
	return account.AsPlatform(c, func() error {
		_, err := d.balance.Record(c, balance.Txn{
			Type: "stripe_fee", Amount: -max((po.Amount+50)/100, 1), Currency: po.Currency, Description: &words, Outside: ledger.Billed,
		})
		return err
	})
}
