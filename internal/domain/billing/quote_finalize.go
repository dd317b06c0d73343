package billing

import (
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
)

// finalizeQuote makes a draft final: it has a number, and waits for the customer.
func (d *Domain) finalizeQuote(c *api.Call) (any, error) {
	q, err := quoteInPath(c)
	if err != nil {
		return nil, err
	}
	switch {
	case q.Status != draft:
		return nil, fault.QuoteStatus("finalize", q.Status, draft)
	case q.Customer == nil:
		return nil, fault.QuoteWithoutCustomer()
	case len(q.Private.Items) == 0:
		return nil, fault.QuoteWithoutItems()
	case c.P.Given("expires_at") && c.P.Num("expires_at") <= c.Now():
		return nil, fault.InThePast("expires_at")
	}
	cus, err := d.customerOf(c, *q.Customer)
	if err != nil {
		return nil, err
	}
	if q.CollectionMethod == send && cus.Email == nil {
		return nil, fault.InvoiceNoEmail()
	}

	if c.P.Given("expires_at") {
		q.expireAt(c, c.P.Num("expires_at"))
	}
	if err := q.add(c); err != nil {
		return nil, err
	}
	if err := d.numberQuote(c, q, cus); err != nil {
		return nil, err
	}
	if err := q.move(open, c.Now()); err != nil {
		return nil, err
	}
	return q, c.Save(q, "quote.finalized")
}

// numberQuote gives a quote its number: the customer's next, or, if it revises another one, that one's next. The other is canceled then. unverified: that it is.
func (d *Domain) numberQuote(c *api.Call, q *Quote, cus *customer.Customer) error {
	first := q
	if q.Private.First != "" {
		var err error
		if first, err = Quotes.Get(c, q.Private.First); err != nil {
			return err
		}
		if err := d.supersede(c, q.FromQuote.Quote); err != nil {
			return err
		}
	} else {
		cus.Private.Quotes++
		q.Private.Sequence = cus.Private.Quotes
		if err := c.Save(cus); err != nil {
			return err
		}
	}
	first.Private.Revisions++
	number := fmt.Sprintf("QT-%s-%04d-%d", cus.InvoicePrefix, first.Private.Sequence, first.Private.Revisions)
	q.Number = &number
	return c.Save(first)
}

// supersede cancels a quote in whose place a revision comes.
func (d *Domain) supersede(c *api.Call, name string) error {
	old, err := Quotes.Get(c, name)
	if err != nil || old == nil || old.Status != open {
		return err
	}
	return old.cancel(c)
}

func (d *Domain) cancelQuote(c *api.Call) (any, error) {
	q, err := quoteInPath(c)
	if err != nil {
		return nil, err
	}
	if q.over() {
		return nil, fault.QuoteStatus("cancel", q.Status, draft, open)
	}
	return q, q.cancel(c)
}

func (q *Quote) cancel(c *api.Call) error {
	if err := q.move(canceled, c.Now()); err != nil {
		return err
	}
	return c.Save(q, "quote.canceled")
}

// expireQuote is the task that cancels a quote that has become too old: a draft, too, as the spec says.
func (d *Domain) expireQuote(c *api.Call, name string) error {
	q, err := Quotes.Get(c, name)
	if err != nil || q == nil || q.over() || q.ExpiresAt > c.Now() {
		return err
	}
	return q.cancel(c)
}

// dropQuotes cancels what a customer was offered who has been deleted. unverified: that it is.
func (d *Domain) dropQuotes(c *api.Call, cus *customer.Customer) error {
	var left []*Quote
	err := Quotes.Each(c, "customer", cus.ID, func(q *Quote) bool {
		if !q.over() {
			left = append(left, q)
		}
		return true
	})
	for _, q := range left {
		if err == nil {
			err = q.cancel(c)
		}
	}
	return err
}

// dropQuotesOf deletes the quotes of a test clock with it.
func (d *Domain) dropQuotesOf(c *api.Call, clock string) error {
	var all []*Quote
	err := Quotes.Each(c, "test_clock", clock, func(q *Quote) bool {
		all = append(all, q)
		return true
	})
	for _, q := range all {
		if err == nil {
			err = c.Delete(q)
		}
	}
	return err
}

// cloneQuote makes a draft of another quote; nothing else can be said of it but until when it holds. A revision is one of a quote that is open, for the same
// customer.
func (d *Domain) cloneQuote(c *api.Call) (any, error) {
	for _, f := range c.P.Fields {
		if f.Name != "from_quote" && f.Name != "expires_at" && f.Name != "expand" {
			return nil, fault.FromQuoteAlone(f.Name)
		}
	}
	from := c.P.Get("from_quote")
	old, err := Quotes.Find(c, from.Str("quote"), "from_quote[quote]")
	if err != nil {
		return nil, err
	}
	if err := testclock.Enter(c, old.TestClock); err != nil {
		return nil, err
	}
	if c.P.Given("expires_at") && c.P.Num("expires_at") <= c.Now() {
		return nil, fault.InThePast("expires_at")
	}
	if from.True("is_revision") && old.Status != open {
		return nil, fault.QuoteNotRevisable(old.Status)
	}

	q := newQuote(c)
	q.copyOf(c, old)
	q.FromQuote = &FromQuote{from.True("is_revision"), old.ID}
	if q.FromQuote.IsRevision {
		if q.Private.First = old.ID; old.Private.First != "" {
			q.Private.First = old.Private.First
		}
	}
	if c.P.Given("expires_at") {
		q.ExpiresAt = c.P.Num("expires_at")
	}
	if err := q.loose(c); err != nil {
		return nil, err
	}
	return q, d.keepQuote(c, q)
}

// copyOf takes the terms of another quote. Its discounts are shared. unverified: that metadata comes along.
func (q *Quote) copyOf(c *api.Call, old *Quote) {
	q.ApplicationFeeAmount, q.ApplicationFeePercent, q.CollectionMethod = old.ApplicationFeeAmount, old.ApplicationFeePercent, old.CollectionMethod
	q.Currency, q.Customer, q.Description, q.Footer, q.Header = old.Currency, old.Customer, old.Description, old.Footer, old.Header
	q.DefaultTaxRates, q.Discounts = slices.Clone(old.DefaultTaxRates), slices.Clone(old.Discounts)
	q.InvoiceSettings, q.Metadata, q.OnBehalfOf, q.SubscriptionData = old.InvoiceSettings, copyMap(old.Metadata), old.OnBehalfOf, old.SubscriptionData
	q.TestClock, q.TransferData, q.Private.Discounts = old.TestClock, old.TransferData, slices.Clone(old.Private.Discounts)
	for _, it := range old.Private.Items {
		one := *it
		one.ID = c.NewID("li")
		q.Private.Items = append(q.Private.Items, &one)
	}
}
