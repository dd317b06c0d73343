package customer

import (
	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/fault"
)

// A BalanceTransaction is a change of what a customer owes (above zero) or has as credit (below zero), which the next invoice takes into account.
// It is no money of the ledger. Only its description and metadata change afterwards. Known from: the spec, facts 08 (8m).
type BalanceTransaction struct {
	api.Meta
	Amount          int64             `json:"amount"` // minor units
	CheckoutSession *string           `json:"checkout_session"`
	Created         int64             `json:"created"`
	CreditNote      *string           `json:"credit_note"`
	Currency        string            `json:"currency"`
	Customer        string            `json:"customer"`
	CustomerAccount *string           `json:"customer_account"`
	Description     *string           `json:"description"`
	EndingBalance   int64             `json:"ending_balance"` // the customer's balance right after
	Invoice         *string           `json:"invoice"`
	Livemode        bool              `json:"livemode"`
	Metadata        map[string]string `json:"metadata"`
	Type            string            `json:"type"` // adjustment, initial, applied_to_invoice, …
}

// BalanceTransactions is the kind of customers' balance transactions.
var BalanceTransactions = &api.Kind[BalanceTransaction]{
	Name: "customer_balance_transaction", Prefixes: []string{"cbtxn"}, Index: []string{"customer"},
}

func (d *Domain) balanceTransactionRoutes(r *api.Router) {
	r.Kind(BalanceTransactions)
	r.Handle("POST /v1/customers/{customer}/balance_transactions", d.createBalanceTransaction)
	r.Handle("GET /v1/customers/{customer}/balance_transactions", d.listBalanceTransactions)
	r.Plain("GET /v1/customers/{customer}/balance_transactions/{transaction}", d.retrieveBalanceTransaction)
	r.Handle("POST /v1/customers/{customer}/balance_transactions/{transaction}", d.updateBalanceTransaction)
}

func (d *Domain) createBalanceTransaction(c *api.Call) (any, error) {
	cus, err := inPath(c)
	if err != nil {
		return nil, err
	}
	currency := c.P.Str("currency")
	if cus.Currency != nil && *cus.Currency != currency {
		return nil, fault.OtherCurrency(*cus.Currency)
	}

	txn := newBalanceTransaction(c, cus, "adjustment", c.P.Num("amount"), currency)
	if err := c.ParamsOnly(txn, "description", "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(txn.Metadata); err != nil {
		return nil, err
	}
	cus.Balance, cus.Currency = txn.EndingBalance, &currency
	if err := c.Save(cus, "customer.updated"); err != nil { // unverified: the event; the spec has none for the transaction itself
		return nil, err
	}
	return txn, c.Save(txn)
}

// newBalanceTransaction is a change of the customer's balance by an amount, which its caller makes and saves.
func newBalanceTransaction(c *api.Call, cus *Customer, typ string, amount int64, currency string) *BalanceTransaction {
	txn := BalanceTransactions.New(c, c.NewID("cbtxn"))
	txn.Amount, txn.Currency, txn.Type, txn.Customer = amount, currency, typ, cus.ID
	txn.Created, txn.Livemode, txn.Metadata = c.Now(), c.Live(), map[string]string{}
	txn.EndingBalance = cus.Balance + amount
	return txn
}

// ApplyBalance changes a customer's balance by an amount (in minor units; above zero he owes more) because of an invoice. An amount of 0 is nothing.
// unverified: that customer.updated tells of it.
func (d *Domain) ApplyBalance(c *api.Call, cus *Customer, typ string, amount int64, currency, invoice string) error {
	if amount == 0 {
		return nil
	}
	txn := newBalanceTransaction(c, cus, typ, amount, currency)
	txn.Invoice = &invoice
	cus.Balance = txn.EndingBalance
	if err := c.Save(txn); err != nil {
		return err
	}
	return c.Save(cus, "customer.updated")
}

// CreditBalance gives a customer credit (in minor units, above zero) for a credit note of an invoice, and tells what it has changed.
func (d *Domain) CreditBalance(c *api.Call, cus *Customer, amount int64, currency, invoice, note string) (*BalanceTransaction, error) {
	txn := newBalanceTransaction(c, cus, "credit_note", -amount, currency)
	txn.CreditNote, txn.Invoice = &note, &invoice
	cus.Balance = txn.EndingBalance
	if err := c.Save(txn); err != nil {
		return nil, err
	}
	return txn, c.Save(cus, "customer.updated")
}

// balanceSet keeps a transaction of a balance that was set in place: POST /v1/customers with `balance`.
// unverified: that the first is of the type initial; that the currency is the account's until the customer has one.
func (d *Domain) balanceSet(c *api.Call, cus *Customer, before int64, typ string) error {
	if cus.Balance == before {
		return nil
	}
	currency := "usd"
	if cus.Currency != nil {
		currency = *cus.Currency
	} else if a := account.Of(c); a != nil && a.DefaultCurrency != "" {
		currency = a.DefaultCurrency
	}
	txn := newBalanceTransaction(c, cus, typ, cus.Balance-before, currency)
	txn.EndingBalance = cus.Balance
	return c.Save(txn)
}

func (d *Domain) listBalanceTransactions(c *api.Call) (any, error) {
	cus, err := Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	return BalanceTransactions.ListOf(c, api.Narrow{Path: "customer", Value: cus.ID})
}

func (d *Domain) balanceTransactionInPath(c *api.Call) (*BalanceTransaction, error) {
	cus, err := Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	txn, err := BalanceTransactions.InPath(c, "transaction")
	if err != nil {
		return nil, err
	}
	if txn.Customer != cus.ID {
		return nil, BalanceTransactions.Missing(txn.ID, "id", 404) // unverified
	}
	return txn, nil
}

func (d *Domain) retrieveBalanceTransaction(c *api.Call) (any, error) {
	return answer(d.balanceTransactionInPath(c))
}

func (d *Domain) updateBalanceTransaction(c *api.Call) (any, error) {
	if _, err := inPath(c); err != nil {
		return nil, err
	}
	txn, err := d.balanceTransactionInPath(c)
	if err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(txn, "description", "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(txn.Metadata); err != nil {
		return nil, err
	}
	return txn, c.Save(txn)
}

// answer keeps a nil pointer from becoming an answer.
func answer[T api.Resource](obj T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return obj, nil
}
