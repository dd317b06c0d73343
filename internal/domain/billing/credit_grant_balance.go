package billing

import (
	"cmp"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// A CreditTransaction changes what is left of a credit grant: it was granted, an invoice took from it or gave back, it expired, or it was voided. It never
// changes. Known from: the spec, and the object of Stripe's reference.
type CreditTransaction struct {
	api.Meta
	Created     int64   `json:"created"` // Unix seconds, of the customer's clock
	Credit      *Credit `json:"credit"`
	CreditGrant string  `json:"credit_grant"`
	Debit       *Debit  `json:"debit"`
	EffectiveAt int64   `json:"effective_at"`
	Livemode    bool    `json:"livemode"`
	TestClock   *string `json:"test_clock"`
	Type        string  `json:"type"` // credit or debit
}

// A Credit adds to a credit grant.
type Credit struct {
	Amount CreditAmount `json:"amount"`
	Voided *CreditUsed  `json:"credits_application_invoice_voided"`
	Type   string       `json:"type"` // credits_granted or credits_application_invoice_voided
}

// A Debit takes from a credit grant.
type Debit struct {
	Amount  CreditAmount `json:"amount"`
	Applied *CreditUsed  `json:"credits_applied"`
	Type    string       `json:"type"` // credits_applied, credits_expired or credits_voided
}

// CreditUsed names the line of an invoice that took credits.
type CreditUsed struct {
	Invoice         string `json:"invoice"`
	InvoiceLineItem string `json:"invoice_line_item"`
}

// CreditTransactions is the kind of credit balance transactions. Their ids begin as those of customers' balance transactions do.
var CreditTransactions = &api.Kind[CreditTransaction]{
	Name: "billing.credit_balance_transaction", Word: "credit balance transaction", Param: "id", Index: []string{"credit_grant"},
}

func (d *Domain) creditBalanceRoutes(r *api.Router) {
	r.Kind(CreditTransactions)
	r.Handle("GET /v1/billing/credit_balance_summary", d.creditSummary)
	r.Handle("GET /v1/billing/credit_balance_transactions", d.listCreditTransactions)
	r.Plain("GET /v1/billing/credit_balance_transactions/{id}", CreditTransactions.Retrieve)
}

// credit adds to what is left of a credit grant. What is granted counts from when the grant does.
func (g *CreditGrant) credit(c *api.Call, why string, amount int64, of *CreditUsed) error {
	t := g.transaction(c, "credit")
	if why == "credits_granted" {
		t.EffectiveAt = *g.EffectiveAt
	}
	t.Credit = &Credit{g.worth(amount), of, why}
	g.Private.Balance += amount
	return g.record(c, t)
}

// debit takes from what is left of a credit grant.
func (g *CreditGrant) debit(c *api.Call, why string, amount int64, of *CreditUsed) (*CreditTransaction, error) {
	t := g.transaction(c, "debit")
	t.Debit = &Debit{g.worth(amount), of, why}
	g.Private.Balance -= amount
	return t, g.record(c, t)
}

func (g *CreditGrant) transaction(c *api.Call, typ string) *CreditTransaction {
	t := CreditTransactions.New(c, c.NewModeID("cbtxn"))
	t.Created, t.CreditGrant, t.EffectiveAt, t.Livemode, t.TestClock, t.Type = c.Now(), g.ID, c.Now(), g.Livemode, g.TestClock, typ
	return t
}

// record keeps a transaction with the credit grant that it has changed.
func (g *CreditGrant) record(c *api.Call, t *CreditTransaction) error {
	if err := c.Save(g); err != nil {
		return err
	}
	return c.Save(t, "billing.credit_balance_transaction.created")
}

// worth is an amount in the currency of the credit grant.
func (g *CreditGrant) worth(amount int64) CreditAmount {
	return CreditAmount{&Monetary{g.Amount.Monetary.Currency, amount}, "monetary"}
}

// grantsOf are the credit grants of a customer, the oldest first.
func grantsOf(c *api.Call, customer string) (out []*CreditGrant, err error) {
	err = CreditGrants.Each(c, "customer", customer, func(g *CreditGrant) bool {
		if g.Customer == customer { // indexes know no case, and ids do
			out = append(out, g)
		}
		return true
	})
	slices.Reverse(out)
	return out, err
}

// ledger is what is recorded of a credit grant that counts by a time.
func (g *CreditGrant) ledger(now int64) int64 {
	if *g.EffectiveAt > now {
		return 0
	}
	return g.Private.Balance
}

// A creditBalance is what a customer has in one currency: what is recorded, and what of it he can still use, because it has not expired, and no draft is
// to take it.
type creditBalance struct {
	Available CreditAmount `json:"available_balance"`
	Ledger    CreditAmount `json:"ledger_balance"`
}

func (d *Domain) creditSummary(c *api.Call) (any, error) {
	cus, err := creditCustomer(c)
	if err != nil {
		return nil, err
	}
	wanted, err := asked(c, cus.ID, c.P.At("filter"))
	if err != nil {
		return nil, err
	}
	balances, err := creditBalances(c, cus.ID, wanted)
	if err != nil {
		return nil, err
	}
	return api.JSON(jsontext.Append(nil, &struct {
		Object          string          `json:"object"`
		Balances        []creditBalance `json:"balances"`
		Customer        string          `json:"customer"`
		CustomerAccount *string         `json:"customer_account"`
		Livemode        bool            `json:"livemode"`
	}{"billing.credit_balance_summary", balances, cus.ID, nil, c.Live()})), nil
}

// creditCustomer is the customer whose credits a request asks about, at his time.
func creditCustomer(c *api.Call) (*customer.Customer, error) {
	switch {
	case c.P.Given("customer_account"):
		return nil, fault.ParamNotBuilt("customer_account")
	case c.P.Str("customer") == "":
		return nil, fault.Missing("customer")
	}
	cus, err := customer.Customers.Find(c, c.P.Str("customer"), "customer")
	if err != nil {
		return nil, err
	}
	return cus, testclock.Look(c, cus.TestClock)
}

// asked reads which credit grants of a customer a summary is of: one, or those that can be used for all that a scope says.
func asked(c *api.Call, customer string, filter *form.Value) (func(*CreditGrant) bool, error) {
	name, scope := filter.Str("credit_grant"), filter.At("applicability_scope")
	if filter.Str("type") == "credit_grant" {
		if name == "" {
			return nil, fault.Missing("filter[credit_grant]")
		}
		_, err := grantOf(c, name, customer, "filter[credit_grant]")
		return func(g *CreditGrant) bool { return g.ID == name }, err
	}
	prices := pricesOf(scope)
	if !scope.Given("price_type") && len(prices) == 0 {
		return nil, fault.Missing("filter[applicability_scope]")
	}
	return func(g *CreditGrant) bool { // unverified
		own := g.ApplicabilityConfig.Scope
		return own.PriceType != "" || len(prices) > 0 && !slices.ContainsFunc(prices, func(p ApplicablePrice) bool { return !own.covers(p.ID) })
	}, checkScope(c, scope, "filter[applicability_scope]")
}

// grantOf finds the credit grant of a customer that a parameter names.
func grantOf(c *api.Call, id, customer, param string) (*CreditGrant, error) {
	g, err := CreditGrants.Find(c, id, param)
	if err == nil && g.Customer != customer {
		err = fault.GrantOfOther(param, id, customer)
	}
	return g, err
}

// creditBalances adds the wanted credit grants of a customer up, currency by currency.
func creditBalances(c *api.Call, customer string, wanted func(*CreditGrant) bool) ([]creditBalance, error) {
	grants, err := grantsOf(c, customer)
	if err != nil {
		return nil, err
	}
	waiting, err := onDrafts(c, customer)
	if err != nil {
		return nil, err
	}
	out := []creditBalance{}
	for _, g := range grants {
		if !wanted(g) {
			continue
		}
		i := slices.IndexFunc(out, func(b creditBalance) bool { return b.Ledger.Monetary.Currency == g.Amount.Monetary.Currency })
		if i < 0 {
			i, out = len(out), append(out, creditBalance{g.worth(0), g.worth(0)})
		}
		recorded := g.ledger(c.Now())
		out[i].Ledger.Monetary.Value += recorded
		if !g.expired(c.Now()) {
			out[i].Available.Monetary.Value += max(0, recorded-waiting[g.ID])
		}
	}
	return out, nil
}

// onDrafts is what a customer's drafts are to take of each credit grant.
func onDrafts(c *api.Call, customer string) (map[string]int64, error) {
	out := map[string]int64{}
	err := Invoices.Each(c, "customer", customer, func(inv *Invoice) bool {
		if inv.Status == draft {
			for _, u := range inv.Private.Credits {
				out[u.Grant] += u.Amount
			}
		}
		return true
	})
	return out, err
}

// listCreditTransactions lists what has changed a customer's credit grants, or one of them, the newest first.
func (d *Domain) listCreditTransactions(c *api.Call) (any, error) {
	cus, err := creditCustomer(c)
	if err != nil {
		return nil, err
	}
	if name := c.P.Str("credit_grant"); name != "" {
		if _, err := grantOf(c, name, cus.ID, "credit_grant"); err != nil {
			return nil, err
		}
		return CreditTransactions.ListOf(c, api.Narrow{Skip: []string{"customer"}})
	}
	grants, err := grantsOf(c, cus.ID)
	if err != nil {
		return nil, err
	}
	var all []*CreditTransaction
	for _, g := range slices.Backward(grants) {
		err := CreditTransactions.Each(c, "credit_grant", g.ID, func(t *CreditTransaction) bool {
			all = append(all, t)
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b *CreditTransaction) int { return cmp.Compare(b.Created, a.Created) })
	return page(c, all, func(t *CreditTransaction) string { return t.ID }, "credit balance transaction", "/v1/billing/credit_balance_transactions", nil)
}
