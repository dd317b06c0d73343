// Package topup adds money from a bank account to the balance.
//
// A top-up is debited from the bank and, when the bank has not refused it, stands on the balance as available. In test mode the bank token that it names
// says how it ends.
//
// Known from: facts 08k (states), 16b and docs.stripe.com/connect/testing (test tokens).
package topup

import (
	"encoding/json"
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/balance"
	"florin/internal/domain/payout"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/ledger"
	"florin/internal/money"
)

// A Domain tops balances up.
type Domain struct {
	balance *balance.Domain
	payouts *payout.Domain
}

// New makes the domain on those below it.
func New(balances *balance.Domain, payouts *payout.Domain) *Domain { return &Domain{balances, payouts} }

// A Topup is money on its way from a bank account to the balance.
type Topup struct {
	api.Meta
	Amount                   int64             `json:"amount"` // minor units
	BalanceTransaction       *string           `json:"balance_transaction"`
	Created                  int64             `json:"created"`
	Currency                 string            `json:"currency"`
	Description              *string           `json:"description"`
	ExpectedAvailabilityDate *int64            `json:"expected_availability_date"` // Unix seconds
	FailureCode              *string           `json:"failure_code"`
	FailureMessage           *string           `json:"failure_message"`
	InitiatedBy              *string           `json:"initiated_by"` // stripe or user
	Livemode                 bool              `json:"livemode"`
	Metadata                 map[string]string `json:"metadata"`
	PaymentMethod            *string           `json:"payment_method"`
	PaymentMethodOptions     json.RawMessage   `json:"payment_method_options"`
	Source                   json.RawMessage   `json:"source"`
	StatementDescriptor      *string           `json:"statement_descriptor"`
	Status                   string            `json:"status"` // see next
	TransferGroup            *string           `json:"transfer_group"`

	Private struct {
		Outcome string `json:"outcome,omitempty"` // the code that the bank will refuse it with; "": it will not
	} `json:"-"`
}

// The statuses of a top-up, and what may follow each. Known from: facts 08k. Nothing that can be asked for reverses one: a bank does.
var next = map[string][]string{
	"":          {"pending"},
	"pending":   {"succeeded", "failed", "canceled"},
	"succeeded": {"reversed"},
	"failed":    {},
	"canceled":  {},
	"reversed":  {},
}

// Topups is the kind of top-ups. unverified: the words and the param of "No such top-up".
var Topups = &api.Kind[Topup]{Name: "topup", Prefixes: []string{"tu"}, Param: "topup", Index: []string{"status"}}

// decidedAfter is when a top-up of test mode succeeds or fails, in seconds. unverified: Stripe's time.
const decidedAfter = 10

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Topups)
	r.Handle("POST /v1/topups", d.create)
	r.Handle("GET /v1/topups", Topups.List)
	r.Plain("GET /v1/topups/{topup}", Topups.Retrieve)
	r.Handle("POST /v1/topups/{topup}", d.update)
	r.Handle("POST /v1/topups/{topup}/cancel", d.cancel)
	r.Task("topup.decide", d.decide)
}

// move is the only place that assigns a top-up's status.
func (tu *Topup) move(to string) error {
	if !slices.Contains(next[tu.Status], to) {
		return fmt.Errorf("top-up %s cannot go from %q to %q", tu.ID, tu.Status, to)
	}
	tu.Status = to
	return nil
}

func (d *Domain) create(c *api.Call) (any, error) {
	acct, p := account.Of(c), c.P
	amount, currency := p.Num("amount"), p.Str("currency")
	if c.Live() {
		return nil, fault.LiveWithoutAcquirer() // no bank is reached yet
	}
	if amount < 1 {
		return nil, fault.BelowMinimum("amount", 1)
	}
	if acct.Country != "US" || currency != "usd" {
		return nil, fault.TopupCountry(acct.Country, currency)
	}
	if f := money.TooLarge(amount, currency); f != nil {
		return nil, f
	}
	if p.Given("payment_method") {
		return nil, fault.NotYet("POST /v1/topups with payment_method", "payment_method")
	}
	source := p.Str("source")
	bank, known := testSources[source]
	if !known {
		return nil, fault.NoSuch("source", source, "source", 400)
	}

	tu := Topups.New(c, c.NewID("tu"))
	tu.Amount, tu.Currency, tu.Created, tu.Livemode, tu.Metadata = amount, currency, c.Now(), c.Live(), map[string]string{}
	user := "user"
	tu.InitiatedBy = &user
	if err := c.ParamsOnly(tu, "description", "metadata", "statement_descriptor", "transfer_group"); err != nil {
		return nil, err
	}
	on := expected(c.Now())
	tu.ExpectedAvailabilityDate = &on
	tu.Private.Outcome = bank.outcome
	if source != "" {
		tu.Source = debit(c, currency, bank)
	}
	if err := tu.move("pending"); err != nil {
		return nil, err
	}
	c.At(c.Now()+decidedAfter, "topup.decide", tu.ID)
	return tu, c.Save(tu, "topup.created")
}

// expected is when the money of a top-up should be there: five business days. unverified: the number of days.
func expected(created int64) int64 {
	s := money.SettlementOf("US")
	s.Days = 5
	return s.AvailableOn(created)
}

// A testSource is a bank account of test mode.
type testSource struct{ last4, outcome string }

// testSources are the bank accounts of test mode by their tokens; none is named by "". Known from: facts 16b, 07h.
var testSources = map[string]testSource{
	"": {"6789", ""}, "btok_us": {"6789", ""}, "btok_us_verified": {"6789", ""},
	"btok_us_verified_noAccount": {"1116", "no_account"}, "btok_us_verified_accountClosed": {"1113", "account_closed"},
	"btok_us_verified_insufficientFunds": {"2227", "insufficient_funds"}, "btok_us_verified_debitNotAuthorized": {"3335", "debit_not_authorized"},
	"btok_us_verified_invalidCurrency": {"4440", "invalid_currency"},
	"btok_us_noAccount":                {"1116", "no_account"}, "btok_us_accountClosed": {"1113", "account_closed"},
	"btok_us_insufficientFunds": {"2227", "insufficient_funds"}, "btok_us_debitNotAuthorized": {"3335", "debit_not_authorized"},
	"btok_us_invalidCurrency": {"4440", "invalid_currency"},
}

// A source is the bank account as a top-up shows it, in the older shape of sources. Known from: the documented example of a top-up.
type source struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	ACHDebit struct {
		BankName      string `json:"bank_name"`
		Country       string `json:"country"`
		Fingerprint   string `json:"fingerprint"`
		Last4         string `json:"last4"`
		RoutingNumber string `json:"routing_number"`
		Type          string `json:"type"`
	} `json:"ach_debit"`
	ClientSecret string            `json:"client_secret"`
	Created      int64             `json:"created"`
	Currency     string            `json:"currency"`
	Flow         string            `json:"flow"`
	Livemode     bool              `json:"livemode"`
	Metadata     map[string]string `json:"metadata"`
	Status       string            `json:"status"`
	Type         string            `json:"type"`
	Usage        string            `json:"usage"`
}

func debit(c *api.Call, currency string, bank testSource) json.RawMessage {
	s := source{
		ID: c.NewID("src"), Object: "source", ClientSecret: "src_client_secret_" + id.Secret(24), Created: c.Now(), Currency: currency, Flow: "code_verification",
		Metadata: map[string]string{}, Status: "chargeable", Type: "ach_debit", Usage: "reusable",
	}
	s.ACHDebit.BankName, s.ACHDebit.Country, s.ACHDebit.RoutingNumber, s.ACHDebit.Type = "STRIPE TEST BANK", "US", "110000000", "individual"
	s.ACHDebit.Last4, s.ACHDebit.Fingerprint = bank.last4, c.AccountPart()+bank.last4
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a value of ours
	}
	return b
}

func (d *Domain) update(c *api.Call) (any, error) {
	tu, err := Topups.InPath(c, "topup")
	if err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(tu, "description", "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(tu.Metadata); err != nil {
		return nil, err
	}
	return tu, c.Save(tu) // the spec has no event for this
}

func (d *Domain) cancel(c *api.Call) (any, error) {
	tu, err := Topups.InPath(c, "topup")
	if err != nil {
		return nil, err
	}
	if tu.Status != "pending" {
		return nil, fault.TopupNotPending(tu.ID, tu.Status)
	}

	tu.ExpectedAvailabilityDate = nil
	if err := tu.move("canceled"); err != nil {
		return nil, err
	}
	return tu, c.Save(tu, "topup.canceled")
}

// decide is the task by which a top-up succeeds or fails.
func (d *Domain) decide(c *api.Call, id string) error {
	tu, err := Topups.Get(c, id)
	if err != nil || tu == nil || tu.Status != "pending" {
		return err
	}
	if code := tu.Private.Outcome; code != "" {
		words := fault.TopupFailure(code)
		tu.FailureCode, tu.FailureMessage, tu.ExpectedAvailabilityDate = &code, &words, nil
		if err := tu.move("failed"); err != nil {
			return err
		}
		return c.Save(tu, "topup.failed")
	}
	words := "Top-up" // unverified: Stripe's words where the top-up has none
	if tu.Description != nil {
		words = *tu.Description
	}
	txn, err := d.balance.Record(c, balance.Txn{
		Type: "topup", Amount: tu.Amount, Currency: tu.Currency, Description: &words, Source: tu.ID, Outside: ledger.Bank,
	})
	if err != nil {
		return err
	}
	tu.BalanceTransaction = &txn.ID
	if err := tu.move("succeeded"); err != nil {
		return err
	}
	if err := c.Save(tu, "topup.succeeded"); err != nil {
		return err
	}
	return d.payouts.Schedule(c)
}
