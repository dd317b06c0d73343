package billing

import (
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// A CreditGrant is an amount that a customer has paid for before he uses anything, or is given. His invoices take from it what they ask for usage, until
// it is used up, expires or is voided. What is left of it is the sum of its transactions (credit_grant_balance.go); how an invoice takes from it is in
// credit_grant_use.go.
//
// Known from: facts 15k; the spec; Stripe's guide to billing credits, and the objects of its reference.
type CreditGrant struct {
	api.Meta
	Amount              CreditAmount      `json:"amount"`
	ApplicabilityConfig Applicability     `json:"applicability_config"`
	Category            string            `json:"category"` // paid or promotional
	Created             int64             `json:"created"`  // Unix seconds, of the customer's clock
	Customer            string            `json:"customer"`
	CustomerAccount     *string           `json:"customer_account"`
	EffectiveAt         *int64            `json:"effective_at"`
	ExpiresAt           *int64            `json:"expires_at"` // nil: never
	Livemode            bool              `json:"livemode"`
	Metadata            map[string]string `json:"metadata"`
	Name                *string           `json:"name"`
	Priority            *int64            `json:"priority"` // 0 is taken from first, 100 last
	TestClock           *string           `json:"test_clock"`
	Updated             int64             `json:"updated"`
	VoidedAt            *int64            `json:"voided_at"`

	Private struct {
		Balance int64 `json:"balance,omitempty"` // what its transactions come to, in minor units
	} `json:"-"`
}

// A CreditAmount is an amount of money.
type CreditAmount struct {
	Monetary *Monetary `json:"monetary"`
	Type     string    `json:"type"` // monetary
}

// Monetary is an amount in minor units.
type Monetary struct {
	Currency string `json:"currency"`
	Value    int64  `json:"value"`
}

// Applicability says what a credit grant is for.
type Applicability struct {
	Scope CreditScope `json:"scope"`
}

// A CreditScope is all prices that a meter is behind, or some of them.
type CreditScope struct {
	PriceType string            `json:"price_type,omitempty"` // metered
	Prices    []ApplicablePrice `json:"prices,omitempty"`
}

// An ApplicablePrice is a price that a credit grant is for.
type ApplicablePrice struct {
	ID string `json:"id"`
}

const (
	mostUnused      = 100 // credit grants of a customer that are not used up
	defaultPriority = 50
	lastPriority    = 100
	late            = 60 // seconds that a client's clock may be behind. unverified
)

// CreditGrants is the kind of credit grants.
var CreditGrants = &api.Kind[CreditGrant]{
	Name: "billing.credit_grant", Word: "credit grant", Prefixes: []string{"credgr"}, Param: "id", Index: []string{"customer"},
}

func (d *Domain) creditGrantRoutes(r *api.Router) {
	r.Kind(CreditGrants)
	r.Handle("POST /v1/billing/credit_grants", d.createCreditGrant)
	r.Handle("GET /v1/billing/credit_grants", d.listCreditGrants)
	r.Plain("GET /v1/billing/credit_grants/{id}", CreditGrants.Retrieve)
	r.Handle("POST /v1/billing/credit_grants/{id}", d.updateCreditGrant)
	r.Handle("POST /v1/billing/credit_grants/{id}/expire", d.expireCreditGrant)
	r.Handle("POST /v1/billing/credit_grants/{id}/void", d.voidCreditGrant)
	r.Task("credit_grant.expire", d.creditsExpire)
	d.creditBalanceRoutes(r)
}

func (d *Domain) createCreditGrant(c *api.Call) (any, error) {
	switch {
	case c.P.Given("customer_account"):
		return nil, fault.ParamNotBuilt("customer_account")
	case c.P.Str("customer") == "":
		return nil, fault.Missing("customer")
	}
	cus, err := d.customer(c, c.P.Str("customer"), "customer")
	if err != nil {
		return nil, err
	}
	if err := checkCreditGrant(c); err != nil {
		return nil, err
	}
	if err := roomForGrant(c, cus.ID); err != nil {
		return nil, err
	}

	now, priority := c.Now(), int64(defaultPriority)
	g := CreditGrants.New(c, c.NewModeID("credgr"))
	g.Category, g.Created, g.EffectiveAt, g.Livemode, g.Priority, g.TestClock, g.Updated = "paid", now, &now, c.Live(), &priority, cus.TestClock, now
	if err := c.Params(g); err != nil {
		return nil, err
	}
	g.ApplicabilityConfig.Scope.Prices = pricesOf(c.P.At("applicability_config").At("scope"))
	if g.ExpiresAt != nil {
		c.At(*g.ExpiresAt, "credit_grant.expire", g.ID)
	}
	if err := c.Save(g, "billing.credit_grant.created"); err != nil {
		return nil, err
	}
	return g, g.credit(c, "credits_granted", g.Amount.Monetary.Value, nil)
}

// checkCreditGrant refuses what cannot be a credit grant.
func checkCreditGrant(c *api.Call) error {
	amount, priority := c.P.At("amount"), c.P.Num("priority")
	switch {
	case !amount.Given("monetary"):
		return fault.Missing("amount[monetary]")
	case amount.At("monetary").Num("value") < 1:
		return fault.BelowMinimum("amount[monetary][value]", 1)
	case priority < 0:
		return fault.BelowMinimum("priority", 0)
	case priority > lastPriority:
		return fault.AboveMaximum("priority", lastPriority)
	case c.P.Given("effective_at") && c.P.Num("effective_at") < c.Now()-late:
		return fault.GrantInPast("effective_at")
	}
	if err := checkExpiry(c, max(c.Now(), c.P.Num("effective_at"))); err != nil {
		return err
	}
	return checkScope(c, c.P.At("applicability_config").At("scope"), "applicability_config[scope]")
}

// checkExpiry refuses an end that lies in the past, or before the beginning.
func checkExpiry(c *api.Call, effective int64) error {
	switch at := c.P.Num("expires_at"); {
	case !c.P.Given("expires_at"):
		return nil
	case at <= c.Now():
		return fault.GrantInPast("expires_at")
	case at <= effective:
		return fault.GrantExpiresBefore()
	}
	return nil
}

// checkScope refuses a scope that is none, or two, and prices that no meter is behind.
func checkScope(c *api.Call, scope *form.Value, at string) error {
	prices := pricesOf(scope)
	if scope.Given("price_type") == (len(prices) > 0) {
		return fault.GrantScope()
	}
	for i, one := range prices {
		param := at + "[prices][" + strconv.Itoa(i) + "][id]"
		p, err := catalog.Prices.Find(c, one.ID, param)
		if err != nil {
			return err
		}
		if !backed(p) {
			return fault.GrantNotMetered(param, one.ID)
		}
	}
	return nil
}

// backed says whether a meter counts what a price asks for.
func backed(p *catalog.Price) bool { return metered(p) && p.Recurring.Meter != nil }

// pricesOf are the prices that a scope names.
func pricesOf(scope *form.Value) (out []ApplicablePrice) {
	if list := scope.Get("prices"); list != nil {
		for _, v := range list.Items {
			out = append(out, ApplicablePrice{v.Str("id")})
		}
	}
	return out
}

// roomForGrant refuses another credit grant for a customer who has many that are not used up.
func roomForGrant(c *api.Call, customer string) error {
	unused, now := 0, c.Now()
	err := CreditGrants.Each(c, "customer", customer, func(g *CreditGrant) bool {
		if g.Customer == customer && !g.expired(now) && g.Private.Balance > 0 {
			unused++
		}
		return unused < mostUnused
	})
	if err == nil && unused >= mostUnused {
		err = fault.TooManyGrants(mostUnused)
	}
	return err
}

func (d *Domain) listCreditGrants(c *api.Call) (any, error) {
	if c.P.Given("customer_account") {
		return nil, fault.ParamNotBuilt("customer_account")
	}
	n := api.Narrow{}
	if !c.P.Given("customer") { // facts 15l
		n.Where = func(body []byte) bool { return jsontext.Text(body, "test_clock") == "" }
	}
	return CreditGrants.ListOf(c, n)
}

// grantInPath is the credit grant of the path, at its customer's time, if it has neither expired nor been voided.
func grantInPath(c *api.Call) (*CreditGrant, error) {
	g, err := CreditGrants.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	if err := testclock.Enter(c, g.TestClock); err != nil {
		return nil, err
	}
	switch {
	case g.VoidedAt != nil:
		return nil, fault.GrantVoided(g.ID)
	case g.expired(c.Now()):
		return nil, fault.GrantExpired(g.ID)
	}
	return g, nil
}

// expired says whether the credits of a grant have expired by a time, whether that was recorded or not.
func (g *CreditGrant) expired(now int64) bool { return g.ExpiresAt != nil && *g.ExpiresAt <= now }

func (d *Domain) updateCreditGrant(c *api.Call) (any, error) {
	g, err := grantInPath(c)
	if err != nil {
		return nil, err
	}
	if err := checkExpiry(c, *g.EffectiveAt); err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(g, "expires_at", "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(g.Metadata); err != nil {
		return nil, err
	}
	if c.P.Given("expires_at") {
		c.At(*g.ExpiresAt, "credit_grant.expire", g.ID)
	}
	g.Updated = c.Now()
	return g, c.Save(g, "billing.credit_grant.updated")
}

// expireCreditGrant ends a credit grant before its time.
func (d *Domain) expireCreditGrant(c *api.Call) (any, error) {
	g, err := grantInPath(c)
	if err != nil {
		return nil, err
	}
	now := c.Now()
	g.ExpiresAt, g.Updated = &now, now
	if err := c.Save(g, "billing.credit_grant.updated"); err != nil {
		return nil, err
	}
	return g, g.lapse(c)
}

// voidCreditGrant takes a credit grant back from which no invoice has taken anything. unverified: that one which has all of it again is as good.
func (d *Domain) voidCreditGrant(c *api.Call) (any, error) {
	g, err := grantInPath(c)
	if err != nil {
		return nil, err
	}
	if g.Private.Balance != g.Amount.Monetary.Value {
		return nil, fault.GrantUsed(g.ID)
	}
	now := c.Now()
	g.VoidedAt, g.Updated = &now, now
	if err := c.Save(g, "billing.credit_grant.updated"); err != nil {
		return nil, err
	}
	_, err = g.debit(c, "credits_voided", g.Private.Balance, nil)
	return g, err
}

// creditsExpire is the task that ends a credit grant at its time, which may have changed since. unverified: that only a transaction tells of it.
func (d *Domain) creditsExpire(c *api.Call, name string) error {
	g, err := CreditGrants.Get(c, name)
	if err != nil || g == nil || !g.expired(c.Now()) {
		return err
	}
	return g.lapse(c)
}

// lapse records that what is left of a credit grant has expired.
func (g *CreditGrant) lapse(c *api.Call) error {
	if g.Private.Balance == 0 {
		return nil
	}
	_, err := g.debit(c, "credits_expired", g.Private.Balance, nil)
	return err
}
