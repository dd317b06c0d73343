// Package balance is the merchant's money: the balance, and the balance transactions that it is made of.
//
// Nothing here is a counter. Each balance transaction comes with its moves in the ledger (package ledger), and the balance is what the moves
// add up to at the time when it is asked for, so two payments never wait for one another.
package balance

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/jsontext"
	"florin/internal/ledger"
)

// A Domain keeps balances. Its hooks are set when the server is wired.
type Domain struct {
	// Follow is told that money has become available, on the day on which it did; nil: nobody is.
	Follow func(c *api.Call) error
	// PaidOut finds the balance transactions that an automatic payout has paid out, by their ids; nil, or a nil map: there is no such payout.
	PaidOut func(c *api.Call, payout string) (map[string]bool, error)
}

// New makes the domain.
func New() *Domain { return &Domain{} }

// Routes binds the domain's routes.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Transactions)
	r.Kind(balances)
	r.Handle("GET /v1/balance", d.retrieve)
	r.Handle("GET /v1/balance_transactions", d.list)
	r.Handle("GET /v1/balance_transactions/{id}", Transactions.Retrieve)
	r.Handle("GET /v1/balance/history", d.list)
	r.Handle("GET /v1/balance/history/{id}", Transactions.Retrieve)
	r.Task(becameAvailable, d.available)
}

// A Balance is what the merchant has. Known from: the spec; recordings (order, source_types, zeros for every currency).
//
// The object that events show is a document of its own without an id in its JSON, as Stripe's has none. It is written when money becomes
// available, and never read otherwise.
type Balance struct {
	api.Meta                   `json:"-"`
	Object                     string     `json:"object"`
	Available                  []Amount   `json:"available"`
	ConnectReserved            []Amount   `json:"connect_reserved,omitempty"`
	InstantAvailable           []Amount   `json:"instant_available,omitempty"` // shown where a payout can be instant
	Livemode                   bool       `json:"livemode"`
	Pending                    []Amount   `json:"pending"`
	RefundAndDisputePrefunding Prefunding `json:"refund_and_dispute_prefunding"`
}

// An Amount is what there is in one currency.
type Amount struct {
	Amount      int64           `json:"amount"`
	Currency    string          `json:"currency"`
	SourceTypes json.RawMessage `json:"source_types,omitempty"`
}

// Prefunding is money set apart for refunds and disputes. Nothing can be put there yet, so it is nothing of each currency, as accounts that
// do not use it show it (quoted answers in public repositories).
type Prefunding struct {
	Available []Amount `json:"available"`
	Pending   []Amount `json:"pending"`
}

// balances is the kind of the balance as events show it.
var balances = &api.Kind[Balance]{Name: "balance"}

// documentID is the id under which the balance that events show is kept, one a scope.
const documentID = "balance"

// becameAvailable is the task, and the event, of money that is no longer pending.
const becameAvailable = "balance.available"

func (d *Domain) retrieve(c *api.Call) (any, error) {
	b := &Balance{}
	if err := d.fill(c, b); err != nil {
		return nil, err
	}
	return api.JSON(jsontext.Append(nil, b)), nil
}

// fill sets a balance to what the moves add up to.
func (d *Domain) fill(c *api.Call, b *Balance) error {
	sums, err := c.Sums()
	if err != nil {
		return err
	}
	b.Object, b.Livemode = "balance", c.Live()
	b.Available, b.Pending, b.RefundAndDisputePrefunding = nil, nil, Prefunding{}
	for _, f := range inOrder(c, ledger.Balance(sums)) {
		zero := Amount{Currency: f.Currency}
		b.Available = append(b.Available, amount(f.Currency, f.Available))
		b.Pending = append(b.Pending, amount(f.Currency, f.Pending))
		b.RefundAndDisputePrefunding.Available = append(b.RefundAndDisputePrefunding.Available, zero)
		b.RefundAndDisputePrefunding.Pending = append(b.RefundAndDisputePrefunding.Pending, zero)
	}
	return nil
}

// inOrder puts the account's own currency first, whether there is money in it or not.
// unverified: recordings show the currencies in no order that could be told.
func inOrder(c *api.Call, funds []ledger.Funds) []ledger.Funds {
	own := "usd"
	if a := account.Of(c); a != nil && a.DefaultCurrency != "" {
		own = a.DefaultCurrency
	}
	out := []ledger.Funds{ledger.Nothing(own)}
	for _, f := range funds {
		if f.Currency == own {
			out[0] = f
		} else {
			out = append(out, f)
		}
	}
	return out
}

func amount(currency string, s ledger.Split) Amount {
	types := make(map[string]int64, len(s))
	for _, share := range s {
		types[share.Source] = share.Amount
	}
	text, _ := json.Marshal(types) // integers by name cannot fail; names come sorted
	return Amount{Amount: s.Total(), Currency: currency, SourceTypes: text}
}

// Available is what the merchant may take out now, in one currency.
func (d *Domain) Available(c *api.Call, currency string) (int64, error) {
	sums, err := c.Sums()
	if err != nil {
		return 0, err
	}
	for _, f := range ledger.Balance(sums) {
		if f.Currency == currency {
			return f.Available.Total(), nil
		}
	}
	return 0, nil
}

// available is done on the day on which money becomes available, and tells so. That the task exists is the proof that there was some: Record
// asks for it, once a scope and day.
func (d *Domain) available(c *api.Call, _ string) error {
	b, err := balances.Get(c, documentID)
	if err != nil {
		return err
	}
	if b == nil {
		b = balances.New(c, documentID)
	}
	if err := d.fill(c, b); err != nil {
		return err
	}
	if err := c.Save(b, becameAvailable); err != nil || d.Follow == nil {
		return err
	}
	return d.Follow(c)
}
