package balance

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/ledger"
	"florin/internal/store"
)

// A BalanceTransaction is one change of the balance: a view of the moves that have its id as their source. It is written once and never
// changed. Known from: facts 09, and recordings.
type BalanceTransaction struct {
	api.Meta
	Amount            int64       `json:"amount"`       // before fees, in minor units; below zero it is taken
	AvailableOn       int64       `json:"available_on"` // Unix seconds
	BalanceType       string      `json:"balance_type"`
	Created           int64       `json:"created"` // Unix seconds
	Currency          string      `json:"currency"`
	Description       *string     `json:"description"`
	ExchangeRate      *float64    `json:"exchange_rate"`
	Fee               int64       `json:"fee"`
	FeeDetails        []FeeDetail `json:"fee_details"`
	Net               int64       `json:"net"`
	ReportingCategory string      `json:"reporting_category"`
	Source            *string     `json:"source"`
	Status            string      `json:"status"` // as it was when it was made; shown anew at each reading
	Type              string      `json:"type"`
}

// A FeeDetail is one fee of a transaction.
type FeeDetail struct {
	Amount      int64   `json:"amount"` // below zero it is given back
	Application *string `json:"application"`
	Currency    string  `json:"currency"`
	Description *string `json:"description"`
	Type        string  `json:"type"` // stripe_fee, application_fee or tax
}

// Transactions is the kind of balance transactions.
var Transactions = &api.Kind[BalanceTransaction]{
	Name: "balance_transaction", Prefixes: []string{"txn"}, Word: "balance transaction",
	Index: []string{"source", "type"}, View: view,
}

// The two statuses. They are computed: money is pending until the day on which it becomes available.
const (
	pending   = "pending"
	available = "available"
)

var pendingMember, availableMember = []byte(`"status":"pending"`), []byte(`"status":"available"`)

// view shows a transaction that was pending when it was made as what it is now. The status stands behind the source and before the type, where
// nothing that a user wrote follows it; so it is the last of its kind.
func view(c *api.Call, d *store.Doc) ([]byte, error) {
	at := bytes.LastIndex(d.Body, pendingMember)
	if at < 0 {
		return d.Body, nil
	}
	on, err := strconv.ParseInt(jsontext.Text(d.Body, "available_on"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s: available_on: %w", d.ID, err)
	}
	if on > c.Now() {
		return d.Body, nil
	}
	out := make([]byte, 0, len(d.Body)+2)
	out = append(append(out, d.Body[:at]...), availableMember...)
	return append(out, d.Body[at+len(pendingMember):]...), nil
}

// list answers with a page of transactions.
func (d *Domain) list(c *api.Call) (any, error) {
	n := api.Narrow{}
	if payout := c.P.Str("payout"); payout != "" {
		var paid map[string]bool
		var err error
		if d.PaidOut != nil {
			if paid, err = d.PaidOut(c, payout); err != nil {
				return nil, err
			}
		}
		if paid == nil {
			return nil, noSuchPayout(payout)
		}
		n.Skip = []string{"payout"}
		n.Where = func(body []byte) bool { return paid[jsontext.Text(body, "id")] }
	}
	return Transactions.ListOf(c, n)
}

// A Txn is what a domain says of a change of the balance.
type Txn struct {
	Type         string // as balance transactions have it: "charge", "refund", …
	Amount       int64  // signed, in minor units of the currency in which the account is paid
	Fee          int64  // below zero: a fee that is given back
	FeeDetails   []FeeDetail
	Currency     string
	ExchangeRate *float64
	Description  *string
	Source       string         // the object that it is about; "" for none
	AvailableOn  int64          // Unix seconds; 0: now
	Parent       string         // the id that it shares its base with, where that is a payment
	Outside      ledger.Account // other side of the amount; the card network if empty
	Balance      ledger.Account // which part of the balance; Card if empty
}

// Record writes a balance transaction with its moves, and sees to it that balance.available is told on the day on which its money becomes
// available.
func (d *Domain) Record(c *api.Call, t Txn) (*BalanceTransaction, error) {
	b := Transactions.New(c, newID(c, t.Parent))
	b.Amount, b.Fee, b.Net = t.Amount, t.Fee, t.Amount-t.Fee
	b.AvailableOn, b.Created = max(t.AvailableOn, c.Now()), c.Now()
	b.BalanceType = "payments"
	b.Currency, b.Description, b.ExchangeRate = t.Currency, t.Description, t.ExchangeRate
	b.Type, b.ReportingCategory = t.Type, category(t.Type, t.Source, t.Amount)
	if b.ReportingCategory == "" {
		return nil, fmt.Errorf("balance: there is no type of transaction called %q", t.Type)
	}
	if t.Source != "" {
		b.Source = &t.Source
	}
	b.Status = pending
	if b.AvailableOn <= c.Now() {
		b.Status = available
	}
	b.FeeDetails = feeDetails(t)
	entry := ledger.Entry{
		Source: b.ID, Currency: t.Currency, Amount: t.Amount, Balance: t.Balance, Outside: t.Outside, AvailableOn: b.AvailableOn,
	}
	for _, f := range b.FeeDetails {
		to, ok := feesOf[f.Type]
		if !ok || f.Currency != t.Currency {
			return nil, fmt.Errorf("balance: %s: a fee of type %q in %s", b.ID, f.Type, f.Currency)
		}
		entry.Fees = append(entry.Fees, ledger.Part{To: to, Amount: f.Amount})
	}
	if entry.Fee() != t.Fee {
		return nil, fmt.Errorf("balance: %s: the fees come to %d, not %d", b.ID, entry.Fee(), t.Fee)
	}
	moves, err := entry.Moves()
	if err != nil {
		return nil, err
	}
	for _, m := range moves {
		if err := c.Move(m); err != nil {
			return nil, err
		}
	}
	if b.Status == pending || tellsAtOnce(t) {
		c.At(b.AvailableOn, becameAvailable, "")
	}
	return b, c.Save(b)
}

// tellsAtOnce says whether balance.available follows without a day's wait: when a customer's payment was available at once, as with the test
// cards that bypass the wait (`stripe trigger balance.available` expects it: facts 08o).
func tellsAtOnce(t Txn) bool {
	return t.Amount > 0 && (t.Type == "charge" || t.Type == "payment")
}

// newID is the id of a transaction: with the base of its parent where that is a payment (digit 3) or a charge made without one (digit 2), and
// otherwise one of its own. Recorded: facts 12, and 18 pairs of txn_1… and pyr_1… that share no more than time and account.
func newID(c *api.Call, parent string) string {
	_, body, _ := strings.Cut(parent, "_")
	if len(body) == 24 && (body[0] == id.Payment || body[0] == id.Bare) {
		return id.Sibling("txn", parent)
	}
	return c.NewID("txn")
}

// feesOf says which account a type of fee goes to.
var feesOf = map[string]ledger.Account{
	"stripe_fee": ledger.Fees, "application_fee": ledger.ApplicationFees, "tax": ledger.Taxes,
}

// feeDetails are the details that are given, or those of a plain processing fee.
func feeDetails(t Txn) []FeeDetail {
	if len(t.FeeDetails) > 0 {
		return t.FeeDetails
	}
	words := "Stripe processing fees"
	switch {
	case t.Fee == 0:
		return []FeeDetail{}
	case t.Fee < 0:
		words = "Stripe processing fee refund"
	}
	return []FeeDetail{{Amount: t.Fee, Currency: t.Currency, Description: &words, Type: "stripe_fee"}}
}

// categories are the reporting categories of the types. Known from: facts 09c (recorded), and docs.stripe.com/reports/reporting-categories for
// what is marked.
var categories = map[string]string{
	"charge": "charge", "payment": "charge",
	"refund": "refund", "payment_refund": "refund",
	"transfer": "transfer", "transfer_refund": "transfer_reversal",
	"application_fee": "platform_earning", "application_fee_refund": "platform_earning_refund",
	"payout": "payout",
	// documented
	"payment_failure_refund": "charge_failure", "payment_reversal": "charge_failure",
	"refund_failure":  "refund_failure",
	"payout_failure":  "payout_reversal",
	"payout_cancel":   "payout_reversal",
	"transfer_cancel": "transfer_reversal", "transfer_failure": "transfer_reversal",
	"stripe_fee": "fee", "stripe_fx_fee": "fee", "tax_fee": "tax",
	"topup": "topup", "topup_reversal": "topup_reversal",
	"connect_collection_transfer": "connect_collection_transfer", "reserved_funds": "connect_reserved_funds",
	"reserve_transaction": "risk_reserved_funds",
	"advance":             "advance", "advance_funding": "advance_funding", "anticipation_repayment": "anticipation_repayment",
	"contribution": "contribution",
}

// category is the reporting category of a transaction; "" if there is no such type.
func category(typ, source string, amount int64) string {
	if typ != "adjustment" {
		return categories[typ]
	}
	switch prefix, _, _ := strings.Cut(source, "_"); {
	case prefix != "dp" && prefix != "du":
		return "other_adjustment" // documented
	case amount < 0:
		return "dispute"
	}
	return "dispute_reversal"
}

// noSuchPayout refuses the filter by a payout that there is none of. The words were reported from live Stripe by a public repository.
func noSuchPayout(payout string) error { return fault.NoSuch("payout", payout, "payout", 400) }
