// Package payout sends the merchant's balance to a bank account, and says how and when that happens by itself.
//
// A payout takes its money off the balance when it is made, goes to the bank some minutes later, and arrives on a business day. What a bank
// refuses comes back to the balance as a transaction of its own. payout.go is its life, payout_automatic.go those that the schedule makes,
// destination.go where they go, settings.go the schedule (balance_settings).
//
// Known from: facts 05 (refusals), 07h (test numbers), 08k (states), 09 (transactions), 16f (schedules, instant payouts, reversals), and 13
// recorded payouts.
package payout

import (
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/balance"
	"florin/internal/fault"
	"florin/internal/ledger"
	"florin/internal/money"
)

// A Domain pays accounts out.
type Domain struct {
	balance *balance.Domain
}

// New makes the domain on the balance, which it tells which transactions an automatic payout has paid out, and which tells it of new money.
func New(balances *balance.Domain) *Domain {
	d := &Domain{balance: balances}
	balances.PaidOut, balances.Follow = d.paidOut, d.becameAvailable
	return d
}

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Payouts)
	r.Kind(paid)
	r.Kind(settings)
	d.payoutRoutes(r)
	d.automaticRoutes(r)
	d.settingsRoutes(r)
}

// A Payout is money on its way from the balance to a bank account or, with an amount below zero, back from it.
type Payout struct {
	api.Meta
	Amount                    int64             `json:"amount"` // minor units
	ApplicationFee            *string           `json:"application_fee"`
	ApplicationFeeAmount      *int64            `json:"application_fee_amount"`
	ArrivalDate               int64             `json:"arrival_date"` // Unix seconds
	Automatic                 bool              `json:"automatic"`    // made by the schedule
	BalanceTransaction        *string           `json:"balance_transaction"`
	Created                   int64             `json:"created"`
	Currency                  string            `json:"currency"`
	Description               *string           `json:"description"`
	Destination               *string           `json:"destination"`
	FailureBalanceTransaction *string           `json:"failure_balance_transaction"`
	FailureCode               *string           `json:"failure_code"`
	FailureMessage            *string           `json:"failure_message"`
	Livemode                  bool              `json:"livemode"`
	Metadata                  map[string]string `json:"metadata"`
	Method                    string            `json:"method"` // standard or instant
	OriginalPayout            *string           `json:"original_payout"`
	PayoutMethod              *string           `json:"payout_method"`
	ReconciliationStatus      string            `json:"reconciliation_status"` // not_applicable; of automatic ones in_progress, then completed
	ReversedBy                *string           `json:"reversed_by"`
	SourceType                string            `json:"source_type"` // card, bank_account or fpx
	StatementDescriptor       *string           `json:"statement_descriptor"`
	Status                    string            `json:"status"` // see next
	TraceID                   TraceID           `json:"trace_id"`
	Type                      string            `json:"type"` // bank_account or card

	Private struct {
		Outcome string `json:"outcome,omitempty"` // the code that the bank will refuse it with; "": it will not
	} `json:"-"`
}

// TraceID is what the bank calls the payout.
type TraceID struct {
	Status string  `json:"status"` // pending, supported or unsupported
	Value  *string `json:"value"`
}

// The statuses of a payout, and what may follow each. Known from: facts 08k.
var next = map[string][]string{
	"":           {"pending"},
	"pending":    {"in_transit", "canceled", "failed"},
	"in_transit": {"paid", "failed"},
	"paid":       {"failed"},
	"failed":     {},
	"canceled":   {},
}

// Payouts is the kind of payouts. unverified: the param of "No such payout".
var Payouts = &api.Kind[Payout]{Name: "payout", Prefixes: []string{"po"}, Param: "payout", Index: []string{"destination", "status", "currency"}}

// How long things take, in seconds.
// unverified: all of them. Stripe says that a payout is pending until it is submitted to the bank, and paid by the arrival date; what a test number
// refuses is refused soon.
const (
	submitAfter  = 600  // a standard payout, to the bank
	paidAfter    = 3600 // at the earliest
	instantAfter = 3    // an instant payout, to the bank
	instantPaid  = 30   // … and to the merchant
	refusedAfter = 3    // what a bank refuses
	tracedAfter  = 3600 // after it is paid
	reversible   = 90 * 86400
)

func (d *Domain) payoutRoutes(r *api.Router) {
	r.Handle("POST /v1/payouts", d.create)
	r.Handle("GET /v1/payouts", Payouts.List)
	r.Plain("GET /v1/payouts/{payout}", Payouts.Retrieve)
	r.Handle("POST /v1/payouts/{payout}", d.update)
	r.Handle("POST /v1/payouts/{payout}/cancel", d.cancel)
	r.Handle("POST /v1/payouts/{payout}/reverse", d.reverse)
	r.Task("payout.submit", d.submit)
	r.Task("payout.arrive", d.arrive)
	r.Task("payout.refuse", d.refuse)
	r.Task("payout.trace", d.trace)
}

// move is the only place that assigns a payout's status.
func (po *Payout) move(to string) error {
	if !slices.Contains(next[po.Status], to) {
		return fmt.Errorf("payout %s cannot go from %q to %q", po.ID, po.Status, to)
	}
	po.Status = to
	return nil
}

// mayPay refuses payouts of an account that may not have any.
func mayPay(c *api.Call, acct *account.Account) error {
	if acct.PayoutsEnabled {
		return nil
	}
	now, err := account.Load(c, acct.ID)
	if err != nil || now == nil {
		return err
	}
	if err := account.FinishChecks(c, now); err != nil {
		return err
	}
	if !now.PayoutsEnabled {
		return fault.PayoutsDisabled()
	}
	return nil
}

func (d *Domain) create(c *api.Call) (any, error) {
	acct, p := account.Of(c), c.P
	amount, currency, source := p.Num("amount"), p.Str("currency"), p.Str("source_type")
	if source == "" {
		source = "card"
	}
	instant := p.Str("method") == "instant"
	if p.Given("payout_method") { // a v2 payout method
		return nil, fault.NotYet("POST /v1/payouts with payout_method", "payout_method")
	}
	if amount < 1 {
		return nil, fault.BelowMinimum("amount", 1)
	}
	if step := money.Step(currency, true); amount%step != 0 {
		return nil, fault.AmountStep(step, currency)
	}
	if err := mayPay(c, acct); err != nil {
		return nil, err
	}
	bank, err := d.destination(c, p.Str("destination"), currency)
	if err != nil {
		return nil, err
	}
	fee := int64(0)
	if instant {
		if err := checkInstant(bank, amount, currency); err != nil {
			return nil, err
		}
		if acct.Private.Platform == "" {
			fee = instantFee(amount, acct.Country)
		}
	}
	has, err := d.funds(c, currency, source)
	if err != nil {
		return nil, err
	}
	if has < amount+fee {
		return nil, fault.BalanceTooLow("transfer", sourceWords[source])
	}

	po := d.fresh(c, amount, currency, bank)
	po.SourceType = source
	if err := c.ParamsOnly(po, "description", "metadata", "statement_descriptor"); err != nil {
		return nil, err
	}
	if instant {
		po.Method, po.ArrivalDate = "instant", c.Now()
	}
	if err := d.pay(c, po, fee); err != nil {
		return nil, err
	}
	if instant && acct.Private.Platform != "" {
		err = d.billPlatform(c, po)
	}
	return po, err
}

// sourceWords are how refusals call a source_type.
var sourceWords = map[string]string{"card": "card", "bank_account": "bank account", "fpx": "fpx"}

// sources are the parts of the balance that a source_type is.
var sources = map[string]ledger.Account{"card": ledger.Card, "bank_account": ledger.BankAccount, "fpx": ledger.FPX}

// funds is what there is to pay out of one source.
func (d *Domain) funds(c *api.Call, currency, source string) (int64, error) {
	sums, err := c.Sums()
	if err != nil {
		return 0, err
	}
	for _, s := range sums {
		if s.Account == string(sources[source]) && s.Currency == currency {
			return s.Available, nil
		}
	}
	return 0, nil
}

// fresh is a standard payout that is about to be made.
func (d *Domain) fresh(c *api.Call, amount int64, currency string, bank *account.BankAccount) *Payout {
	po := Payouts.New(c, c.NewID("po"))
	po.Amount, po.Currency, po.Created, po.Livemode = amount, currency, c.Now(), c.Live()
	po.Destination, po.Type, po.Method, po.SourceType = &bank.ID, "bank_account", "standard", "card"
	po.ArrivalDate = arrival(c.Now(), account.Of(c).Country)
	po.Metadata, po.ReconciliationStatus = map[string]string{}, "not_applicable"
	po.TraceID.Status = "pending"
	po.StatementDescriptor = account.Of(c).Settings.Payouts.StatementDescriptor
	if bank.Object == "card" {
		po.Type = "card"
	}
	po.Private.Outcome = bank.Private.Outcome
	return po
}

// pay takes the money off the balance and starts the payout on its way.
func (d *Domain) pay(c *api.Call, po *Payout, fee int64) error {
	words := "STRIPE PAYOUT"
	if po.Description != nil {
		words = *po.Description // unverified: that the transaction is described as its payout
	}
	t := balance.Txn{
		Type: "payout", Amount: -po.Amount, Fee: fee, Currency: po.Currency, Description: &words, Source: po.ID,
		Balance: sources[po.SourceType], Outside: ledger.Bank,
	}
	if po.Amount < 0 {
		t.AvailableOn = max(po.ArrivalDate, c.Now()) // what is debited must arrive first
	}
	if fee > 0 {
		name := "Instant payout fee" // unverified: Stripe's words
		t.FeeDetails = []balance.FeeDetail{{Amount: fee, Currency: po.Currency, Description: &name, Type: "stripe_fee"}}
	}
	txn, err := d.balance.Record(c, t)
	if err != nil {
		return err
	}
	po.BalanceTransaction = &txn.ID
	if err := po.move("pending"); err != nil {
		return err
	}
	switch {
	case po.Private.Outcome != "":
		c.At(c.Now()+refusedAfter, "payout.refuse", po.ID)
	case po.Method == "instant":
		c.At(c.Now()+instantAfter, "payout.submit", po.ID)
		c.At(c.Now()+instantPaid, "payout.arrive", po.ID)
	default:
		c.At(c.Now()+submitAfter, "payout.submit", po.ID)
		c.At(max(po.ArrivalDate, c.Now()+paidAfter), "payout.arrive", po.ID)
	}
	return c.Save(po, "payout.created")
}

func (d *Domain) update(c *api.Call) (any, error) {
	po, err := Payouts.InPath(c, "payout")
	if err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(po, "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(po.Metadata); err != nil {
		return nil, err
	}
	return po, c.Save(po, "payout.updated")
}

// submit is the task that hands a payout to the bank.
func (d *Domain) submit(c *api.Call, id string) error {
	po, err := Payouts.Get(c, id)
	if err != nil || po == nil || po.Status != "pending" {
		return err
	}
	if err := po.move("in_transit"); err != nil {
		return err
	}
	return c.Save(po, "payout.updated")
}

// arrive is the task by which a payout is paid.
func (d *Domain) arrive(c *api.Call, id string) error {
	po, err := Payouts.Get(c, id)
	if err != nil || po == nil || po.Status != "pending" && po.Status != "in_transit" {
		return err
	}
	if po.Status == "pending" {
		if err := d.submit(c, id); err != nil {
			return err
		}
	}
	if err := po.move("paid"); err != nil {
		return err
	}
	c.At(c.Now()+tracedAfter, "payout.trace", po.ID)
	return c.Save(po, "payout.paid")
}

// trace is the task by which the bank's name for a payout becomes known. unverified: which payouts have one; here those to American banks.
func (d *Domain) trace(c *api.Call, id string) error {
	po, err := Payouts.Get(c, id)
	if err != nil || po == nil || po.TraceID.Status != "pending" {
		return err
	}
	po.TraceID.Status = "unsupported"
	if po.Status == "paid" && po.Currency == "usd" && po.Method == "standard" {
		value := traceNumber(po.ID)
		po.TraceID = TraceID{Status: "supported", Value: &value}
	}
	return c.Save(po, "payout.updated")
}

// traceNumber is an ACH trace number: the routing number of the test bank, less its check digit, and seven digits. The last is such that nobody takes
// it for the number of a card.
func traceNumber(id string) string {
	n := uint64(14695981039346656037)
	for i := range len(id) {
		n = (n ^ uint64(id[i])) * 1099511628211
	}
	digits := fmt.Sprintf("11000000%06d", n%1_000_000)
	sum := 0
	for i := range digits {
		d := int(digits[i] - '0')
		if i%2 == len(digits)%2 {
			sum += d
		} else if d *= 2; d > 9 {
			sum += d - 9
		} else {
			sum += d
		}
	}
	return digits + string(rune('0'+(11-sum%10)%10)) // a card's would be (10-sum%10)%10
}

// refuse is the task by which a bank sends a payout back.
func (d *Domain) refuse(c *api.Call, id string) error {
	po, err := Payouts.Get(c, id)
	if err != nil || po == nil || po.Status != "pending" && po.Status != "in_transit" {
		return err
	}
	if po.Status == "pending" {
		if err := d.submit(c, id); err != nil {
			return err
		}
	}
	words := fault.PayoutFailure(po.Private.Outcome)
	po.FailureCode, po.FailureMessage = &po.Private.Outcome, &words
	if err := d.returned(c, po, "payout_failure", "STRIPE PAYOUT FAILURE", "failed"); err != nil {
		return err
	}
	if err := c.Save(po, "payout.failed"); err != nil {
		return err
	}
	if err := d.cancelReversal(c, po); err != nil {
		return err
	}
	return d.disable(c, text(po.Destination))
}

// returned puts the money of a payout back on the balance. unverified: the words of the transaction.
func (d *Domain) returned(c *api.Call, po *Payout, typ, words, to string) error {
	t := balance.Txn{
		Type: typ, Amount: po.Amount, Currency: po.Currency, Description: &words, Source: po.ID,
		Balance: sources[po.SourceType], Outside: ledger.Bank,
	}
	if po.Amount < 0 {
		t.AvailableOn = max(po.ArrivalDate, c.Now()) // as what it takes back
	}
	txn, err := d.balance.Record(c, t)
	if err != nil {
		return err
	}
	po.FailureBalanceTransaction, po.TraceID.Status = &txn.ID, "unsupported"
	return po.move(to)
}

func (d *Domain) cancel(c *api.Call) (any, error) {
	po, err := Payouts.InPath(c, "payout")
	if err != nil {
		return nil, err
	}
	switch {
	case po.Automatic:
		return nil, fault.PayoutAutomatic()
	case po.Status != "pending":
		return nil, fault.PayoutNotPending(po.ID, po.Status)
	}

	if err := d.returned(c, po, "payout_cancel", "STRIPE PAYOUT CANCELLATION", "canceled"); err != nil {
		return nil, err
	}
	return po, c.Save(po, "payout.canceled")
}

// reverse takes a payout back from the bank account that it went to: a payout of its own with the amount below zero.
func (d *Domain) reverse(c *api.Call) (any, error) {
	po, err := Payouts.InPath(c, "payout")
	if err != nil {
		return nil, err
	}
	bank, err := account.BankAccounts.Get(c, text(po.Destination))
	if err != nil {
		return nil, err
	}
	switch {
	case account.Of(c).Private.Platform == "":
		return nil, fault.PayoutNotReversible("You can only reverse payouts of connected accounts.")
	case po.OriginalPayout != nil:
		return nil, fault.PayoutNotReversible("This payout is itself a reversal and cannot be reversed.")
	case po.ReversedBy != nil:
		return nil, fault.PayoutNotReversible("This payout has already been reversed by " + *po.ReversedBy + ".")
	case po.Status == "pending" && !po.Automatic:
		return nil, fault.PayoutNotReversible("This payout is pending. Cancel it instead.")
	case po.Status == "failed" || po.Status == "canceled":
		return nil, fault.PayoutNotReversible("This payout has a status of " + po.Status + " and cannot be reversed.")
	case po.Method == "instant" || po.Type != "bank_account" || po.Amount < 0:
		return nil, fault.PayoutNotReversible("Instant payouts and payouts to debit cards cannot be reversed.")
	case bank == nil || bank.Country != "US" && bank.Country != "CA":
		return nil, fault.PayoutNotReversible("Payouts can only be reversed from US and Canadian bank accounts.")
	case po.Created < c.Now()-reversible:
		return nil, fault.PayoutNotReversible("Payouts can only be reversed within 90 days.")
	}

	back := d.fresh(c, -po.Amount, po.Currency, bank)
	back.SourceType, back.OriginalPayout, po.ReversedBy = po.SourceType, &po.ID, &back.ID
	if err := c.ParamsOnly(back, "metadata"); err != nil {
		return nil, err
	}
	if err := c.Save(po, "payout.updated"); err != nil {
		return nil, err
	}
	return back, d.pay(c, back, 0)
}

// cancelReversal cancels the reversal of a payout that has failed while it was pending. Known from: facts 16f.
func (d *Domain) cancelReversal(c *api.Call, po *Payout) error {
	back, err := Payouts.Get(c, text(po.ReversedBy))
	if err != nil || back == nil || back.Status != "pending" {
		return err
	}
	if err := d.returned(c, back, "payout_cancel", "STRIPE PAYOUT CANCELLATION", "canceled"); err != nil {
		return err
	}
	return c.Save(back, "payout.canceled")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
