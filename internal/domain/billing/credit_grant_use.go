package billing

import (
	"cmp"
	"math"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/catalog"
)

// An invoice takes credits for what it asks for usage: after discounts, before taxes. A draft, or a preview, shows what it would take; what it takes is
// recorded when it is made final. Known from: facts 15k, and Stripe's guide to billing credits.

// A CreditUse is what a line of an invoice takes from a credit grant.
type CreditUse struct {
	Grant  string `json:"grant"`
	Line   string `json:"line"`
	Amount int64  `json:"amount"`
}

// useCredits takes credits from what is left of the lines.
func (inv *Invoice) useCredits(c *api.Call, all []*Line, left []int64) error {
	inv.Private.Credits = nil
	prices, err := countedLines(c, all)
	if err != nil || len(prices) == 0 {
		return err
	}
	grants, err := grantsOf(c, inv.Customer)
	if err != nil {
		return err
	}
	grants = slices.DeleteFunc(grants, func(g *CreditGrant) bool { return !g.good(inv) })
	slices.SortStableFunc(grants, before)
	for _, g := range grants {
		inv.takeFrom(g, all, left, prices)
	}
	return nil
}

// countedLines are the prices of the lines that ask for what a meter counts in a subscription, by the lines' ids.
func countedLines(c *api.Call, all []*Line) (map[string]string, error) {
	out := map[string]string{}
	for _, l := range all {
		of := l.Parent.SubscriptionItemDetails
		if of == nil || of.Proration || l.Pricing == nil {
			continue
		}
		p, err := catalog.Used(c, l.Pricing.PriceDetails.Price)
		if err != nil {
			return nil, err
		}
		if p != nil && backed(p) {
			out[l.ID] = p.ID
		}
	}
	return out, nil
}

// good says whether an invoice may take from a credit grant.
func (g *CreditGrant) good(inv *Invoice) bool {
	return g.Private.Balance > 0 && g.Amount.Monetary.Currency == inv.Currency && *g.EffectiveAt <= inv.PeriodEnd && !g.expired(inv.PeriodEnd)
}

// covers says whether credits can be used for a price that a meter is behind.
func (s CreditScope) covers(price string) bool {
	return s.PriceType != "" || slices.Contains(s.Prices, ApplicablePrice{price})
}

// before is the order in which credit grants are used up.
func before(a, b *CreditGrant) int {
	ends := func(g *CreditGrant) int64 {
		if g.ExpiresAt == nil {
			return math.MaxInt64
		}
		return *g.ExpiresAt
	}
	return cmp.Or(
		cmp.Compare(*a.Priority, *b.Priority),
		cmp.Compare(ends(a), ends(b)),
		-cmp.Compare(a.Category, b.Category), // promotional before paid
		cmp.Compare(*a.EffectiveAt, *b.EffectiveAt),
		cmp.Compare(a.Created, b.Created),
	)
}

// takeFrom takes what there is of one credit grant, line by line. unverified: that a draft shows no transaction.
func (inv *Invoice) takeFrom(g *CreditGrant, all []*Line, left []int64, prices map[string]string) {
	there := g.Private.Balance
	for i, l := range all {
		price, ok := prices[l.ID]
		part := min(there, left[i])
		if !ok || part <= 0 || !g.ApplicabilityConfig.Scope.covers(price) {
			continue
		}
		there -= part
		left[i] -= part
		l.PretaxCreditAmounts = append(l.PretaxCreditAmounts, byCredit(part))
		inv.Private.Credits = append(inv.Private.Credits, CreditUse{g.ID, l.ID, part})
	}
}

// spend records what an invoice that is made final takes from credit grants, in the order in which it shows it.
func (inv *Invoice) spend(c *api.Call) error {
	for _, u := range inv.Private.Credits {
		g, err := CreditGrants.Get(c, u.Grant)
		if err != nil {
			return err
		}
		t, err := g.debit(c, "credits_applied", u.Amount, &CreditUsed{inv.ID, u.Line})
		if err != nil {
			return err
		}
		settle(inv.line(u.Line).PretaxCreditAmounts, t.ID)
		settle(inv.TotalPretaxCreditAmounts, t.ID)
	}
	return nil
}

// settle gives the first credit that has no transaction its own.
func settle(list []PretaxCredit, txn string) {
	for i := range list {
		if list[i].Type == credits && list[i].CreditBalanceTransaction == nil {
			list[i].CreditBalanceTransaction = &txn
			return
		}
	}
}

// giveBack gives credit grants back what an invoice took that is void. What has expired since expires at once.
func (inv *Invoice) giveBack(c *api.Call) error {
	for _, u := range inv.Private.Credits {
		g, err := CreditGrants.Get(c, u.Grant)
		if err != nil {
			return err
		}
		if err := g.credit(c, "credits_application_invoice_voided", u.Amount, &CreditUsed{inv.ID, u.Line}); err != nil {
			return err
		}
		if g.expired(c.Now()) {
			if err := g.lapse(c); err != nil {
				return err
			}
		}
	}
	return nil
}
