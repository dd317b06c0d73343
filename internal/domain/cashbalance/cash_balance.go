// Package cashbalance is the money that customers have sent by bank transfer and that no payment has taken yet: a balance a customer and currency,
// the transactions that it is made of, and the account numbers to send to.
//
// The money is the customer's: the merchant's own balance changes when a payment takes it (package payment). Which payment does is decided
// there, too: Received is its hook.
//
// Known from: facts 14f.
package cashbalance

import (
	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/money"
)

// A CashBalance is what a customer has, by currency. It has no id in its JSON. What a customer without one shows is in package customer, which also
// keeps the settings.
type CashBalance struct {
	api.Meta        `json:"-"`
	Object          string           `json:"object"`
	Available       map[string]int64 `json:"available" nil:"null"` // minor units; a currency with nothing is left out
	Customer        string           `json:"customer"`
	CustomerAccount *string          `json:"customer_account"`
	Livemode        bool             `json:"livemode"`
	Settings        Settings         `json:"settings"`
}

// Settings say whether payments take the money by themselves.
type Settings struct {
	ReconciliationMode   string `json:"reconciliation_mode"` // automatic or manual
	UsingMerchantDefault bool   `json:"using_merchant_default"`
}

var balances = &api.Kind[CashBalance]{Name: "cash_balance"}

// A Transaction is one change of a cash balance. One of the members that tell more of it is set, by its type.
type Transaction struct {
	api.Meta
	AppliedToPayment     *OfPayment `json:"applied_to_payment,omitempty"`
	Created              int64      `json:"created"`
	Currency             string     `json:"currency"`
	Customer             string     `json:"customer"`
	CustomerAccount      *string    `json:"customer_account"`
	EndingBalance        int64      `json:"ending_balance"`
	Funded               *Funded    `json:"funded,omitempty"`
	Livemode             bool       `json:"livemode"`
	NetAmount            int64      `json:"net_amount"`
	RefundedFromPayment  *OfRefund  `json:"refunded_from_payment,omitempty"`
	Type                 string     `json:"type"` // funded, applied_to_payment, unapplied_from_payment, refunded_from_payment, return_initiated, …
	UnappliedFromPayment *OfPayment `json:"unapplied_from_payment,omitempty"`
}

// OfPayment names the payment that took the money, or gave it back.
type OfPayment struct {
	PaymentIntent string `json:"payment_intent"`
}

// OfRefund names the refund that gave the money back.
type OfRefund struct {
	Refund string `json:"refund"`
}

// Funded tells of a bank transfer that has come.
type Funded struct {
	BankTransfer Transfer `json:"bank_transfer"`
}

// A Transfer is what the bank said of it.
type Transfer struct {
	EU        *EUTransfer `json:"eu_bank_transfer,omitempty"`
	GB        *GBTransfer `json:"gb_bank_transfer,omitempty"`
	JP        *JPTransfer `json:"jp_bank_transfer,omitempty"`
	Reference *string     `json:"reference"`
	Type      string      `json:"type"`
	US        *USTransfer `json:"us_bank_transfer,omitempty"`
}

// EUTransfer is a transfer in euro.
type EUTransfer struct {
	BIC        *string `json:"bic"`
	IBANLast4  *string `json:"iban_last4"`
	SenderName *string `json:"sender_name"`
}

// GBTransfer is one in pounds.
type GBTransfer struct {
	AccountNumberLast4 *string `json:"account_number_last4"`
	SenderName         *string `json:"sender_name"`
	SortCode           *string `json:"sort_code"`
}

// JPTransfer is one in yen.
type JPTransfer struct {
	SenderBank   *string `json:"sender_bank"`
	SenderBranch *string `json:"sender_branch"`
	SenderName   *string `json:"sender_name"`
}

// USTransfer is one in dollars.
type USTransfer struct {
	Network    string  `json:"network,omitempty"`
	SenderName *string `json:"sender_name"`
}

// Transactions is the kind of cash balance transactions.
var Transactions = &api.Kind[Transaction]{
	Name: "customer_cash_balance_transaction", Prefixes: []string{"ccsbtxn"}, Param: "transaction", Index: []string{"customer"},
}

// A Domain keeps cash balances.
type Domain struct {
	// Received takes money that has come for payments that wait for it; reference is what the sender wrote. nil: nothing waits.
	Received func(c *api.Call, cus *customer.Customer, currency, reference string) error
}

// New makes the domain, and sets the hooks of the customers below it.
func New(customers *customer.Domain) *Domain {
	d := &Domain{}
	customers.Deleted = append(customers.Deleted, d.customerDeleted)
	return d
}

func init() {
	customer.CashOf = func(c *api.Call, cus *customer.Customer) (map[string]int64, error) {
		b, err := balances.Get(c, balanceID(cus.ID))
		if err != nil || b == nil {
			return nil, err
		}
		return b.Available, nil
	}
}

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(balances)
	r.Kind(Transactions)
	r.Handle("GET /v1/customers/{customer}/cash_balance", d.retrieve)
	r.Handle("POST /v1/customers/{customer}/cash_balance", d.update)
	r.Handle("GET /v1/customers/{customer}/cash_balance_transactions", d.list)
	r.Handle("GET /v1/customers/{customer}/cash_balance_transactions/{transaction}", d.retrieveTransaction)
	r.Handle("POST /v1/customers/{customer}/funding_instructions", d.instruct)
	r.Handle("POST /v1/test_helpers/customers/{customer}/fund_cash_balance", d.fund)
}

func balanceID(cus string) string { return "cash_balance:" + cus }

// of is a customer's balance, which is made when there is none, for its caller to save.
func of(c *api.Call, cus *customer.Customer) (*CashBalance, error) {
	b, err := balances.Get(c, balanceID(cus.ID))
	if err != nil {
		return nil, err
	}
	if b == nil {
		b = balances.New(c, balanceID(cus.ID))
	}
	b.Object, b.Customer, b.Livemode = "cash_balance", cus.ID, cus.Livemode
	b.Settings = Settings{cus.Private.ReconciliationMode, false}
	if b.Settings.ReconciliationMode == "" {
		b.Settings = Settings{"automatic", true}
	}
	return b, nil
}

// Automatic says whether payments take the customer's money by themselves.
func Automatic(cus *customer.Customer) bool { return cus.Private.ReconciliationMode != "manual" }

// Available is what a customer has in a currency.
func Available(c *api.Call, cus *customer.Customer, currency string) (int64, error) {
	b, err := balances.Get(c, balanceID(cus.ID))
	if err != nil || b == nil {
		return 0, err
	}
	return b.Available[currency], nil
}

func (d *Domain) retrieve(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	return answer(c, cus)
}

// answer shows a customer's balance.
func answer(c *api.Call, cus *customer.Customer) (any, error) {
	b, err := of(c, cus)
	if err != nil {
		return nil, err
	}
	return api.JSON(encode(b)), nil
}

func (d *Domain) update(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	switch mode := c.P.At("settings").Str("reconciliation_mode"); mode {
	case "":
	case "merchant_default":
		cus.Private.ReconciliationMode = ""
	default:
		cus.Private.ReconciliationMode = mode
	}
	if err := c.Save(cus); err != nil { // unverified: that no event tells of it
		return nil, err
	}
	return answer(c, cus)
}

func (d *Domain) list(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	return Transactions.ListOf(c, api.Narrow{Path: "customer", Value: cus.ID})
}

func (d *Domain) retrieveTransaction(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	t, err := Transactions.InPath(c, "transaction")
	if err != nil {
		return nil, err
	}
	if t.Customer != cus.ID {
		return nil, Transactions.Missing(t.ID, "transaction", 404)
	}
	return t, nil
}

// change adds to a balance, or takes from it, and tells of it. describe says why.
func change(c *api.Call, cus *customer.Customer, currency string, amount int64, describe func(*Transaction)) (*Transaction, error) {
	b, err := of(c, cus)
	if err != nil {
		return nil, err
	}
	next := make(map[string]int64, len(b.Available)+1)
	for k, v := range b.Available {
		next[k] = v
	}
	next[currency] += amount
	t := Transactions.New(c, c.NewID("ccsbtxn"))
	t.Created, t.Currency, t.Customer, t.Livemode = c.Now(), currency, cus.ID, c.Live()
	t.NetAmount, t.EndingBalance = amount, next[currency]
	describe(t)
	if next[currency] == 0 {
		delete(next, currency)
	}
	b.Available = next
	if len(next) == 0 {
		b.Available = nil
	}
	if err := c.Save(b); err != nil {
		return nil, err
	}
	return t, c.Save(t, "customer_cash_balance_transaction.created")
}

// Apply takes money for a payment.
func Apply(c *api.Call, cus *customer.Customer, currency string, amount int64, intent string) error {
	_, err := change(c, cus, currency, -amount, func(t *Transaction) {
		t.Type, t.AppliedToPayment = "applied_to_payment", &OfPayment{intent}
	})
	return err
}

// Unapply gives money back that a payment took and does not need.
func Unapply(c *api.Call, cus *customer.Customer, currency string, amount int64, intent string) error {
	_, err := change(c, cus, currency, amount, func(t *Transaction) {
		t.Type, t.UnappliedFromPayment = "unapplied_from_payment", &OfPayment{intent}
	})
	return err
}

// Refund gives money back that a payment has taken.
func Refund(c *api.Call, cus *customer.Customer, currency string, amount int64, refund string) error {
	_, err := change(c, cus, currency, amount, func(t *Transaction) {
		t.Type, t.RefundedFromPayment = "refunded_from_payment", &OfRefund{refund}
	})
	return err
}

// Return takes money that goes back to the customer's bank.
func Return(c *api.Call, cus *customer.Customer, currency string, amount int64) error {
	_, err := change(c, cus, currency, -amount, func(t *Transaction) { t.Type = "return_initiated" })
	return err
}

// CancelReturn gives back money that was to go to the customer's bank, and did not.
func CancelReturn(c *api.Call, cus *customer.Customer, currency string, amount int64) error {
	_, err := change(c, cus, currency, amount, func(t *Transaction) { t.Type = "return_canceled" })
	return err
}

// fund is a bank transfer of test mode.
func (d *Domain) fund(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	amount, currency, reference := c.P.Num("amount"), c.P.Str("currency"), c.P.Str("reference")
	if amount < 1 {
		return nil, fault.BelowMinimum("amount", 1)
	}
	typ := TypeOf(currency)
	if typ == "" {
		return nil, fault.BankTransferCurrency(currency)
	}
	if f := money.TooLarge(amount, currency); f != nil {
		return nil, f
	}
	told := Transfer{Type: typ}
	if reference != "" {
		told.Reference = &reference
	}
	sender := cus.Name
	switch typ { // unverified: all values
	case "us_bank_transfer":
		told.US = &USTransfer{Network: "ach", SenderName: sender}
	case "eu_bank_transfer":
		told.EU = &EUTransfer{BIC: ptr("TESTDEFFXXX"), IBANLast4: ptr("3000"), SenderName: sender}
	case "gb_bank_transfer":
		told.GB = &GBTransfer{AccountNumberLast4: ptr("2345"), SenderName: sender, SortCode: ptr("108800")}
	case "jp_bank_transfer":
		told.JP = &JPTransfer{SenderBank: ptr("STRIPE TEST BANK"), SenderBranch: ptr("TEST BRANCH"), SenderName: sender}
	}
	t, err := change(c, cus, currency, amount, func(t *Transaction) { t.Type, t.Funded = "funded", &Funded{told} })
	if err != nil {
		return nil, err
	}
	if d.Received != nil && Automatic(cus) {
		if err := d.Received(c, cus, currency, reference); err != nil {
			return nil, err
		}
	}
	b, err := of(c, cus)
	if err != nil {
		return nil, err
	}
	if b.Available[currency] > 0 { // what nothing has taken; all of it, when nothing may
		if err := c.Save(b, "cash_balance.funds_available"); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// customerDeleted refuses to forget a customer whose money is here. Known from: facts 05f.
func (d *Domain) customerDeleted(c *api.Call, cus *customer.Customer) error {
	b, err := balances.Get(c, balanceID(cus.ID))
	if err != nil || b == nil {
		return err
	}
	for _, n := range b.Available {
		if n > 0 {
			return fault.CustomerHasCash()
		}
	}
	return nil
}

func ptr(s string) *string { return &s }
