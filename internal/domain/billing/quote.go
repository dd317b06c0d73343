package billing

import (
	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// A Quote is what a customer is offered: prices, how many of each, and on which terms. As a draft it changes; finalized it has a number and waits, until it is
// accepted, canceled or too old. What is accepted becomes an invoice if nothing in it recurs, else a subscription, or a schedule if that is to begin later.
// Amounts are in minor units, times in Unix seconds.
//
// Known from: the spec; facts 08 (8h), 15i. No answer of Stripe's is recorded.
type Quote struct {
	api.Meta
	AmountSubtotal        int64             `json:"amount_subtotal"` // of every item once, as if there were no trial
	AmountTotal           int64             `json:"amount_total"`
	Application           *string           `json:"application"`
	ApplicationFeeAmount  *int64            `json:"application_fee_amount"`
	ApplicationFeePercent *float64          `json:"application_fee_percent"`
	AutomaticTax          QuoteTax          `json:"automatic_tax"`
	CollectionMethod      string            `json:"collection_method"` // charge_automatically or send_invoice
	Computed              QuoteComputed     `json:"computed"`
	Created               int64             `json:"created"`
	Currency              *string           `json:"currency"` // null while there are no items
	Customer              *string           `json:"customer"` // null: it is not known yet whose it is
	CustomerAccount       *string           `json:"customer_account"`
	DefaultTaxRates       []string          `json:"default_tax_rates"`
	Description           *string           `json:"description"`
	Discounts             []string          `json:"discounts"`
	ExpiresAt             int64             `json:"expires_at"`
	Footer                *string           `json:"footer"`
	FromQuote             *FromQuote        `json:"from_quote"`
	Header                *string           `json:"header"`
	Invoice               *string           `json:"invoice"`
	InvoiceSettings       QuoteInvoices     `json:"invoice_settings"`
	Livemode              bool              `json:"livemode"`
	Metadata              map[string]string `json:"metadata"`
	Number                *string           `json:"number"`
	OnBehalfOf            *string           `json:"on_behalf_of"`
	Status                string            `json:"status"` // see quoteNext
	StatusTransitions     QuoteTransitions  `json:"status_transitions"`
	Subscription          *string           `json:"subscription"`
	SubscriptionData      QuoteSubscription `json:"subscription_data"`
	SubscriptionSchedule  *string           `json:"subscription_schedule"`
	TestClock             *string           `json:"test_clock"`
	TotalDetails          QuoteDetails      `json:"total_details"`
	TransferData          *QuoteTransfer    `json:"transfer_data"`

	Private QuotePrivate `json:"-"`
}

// QuotePrivate is what a quote knows that no answer shows.
type QuotePrivate struct {
	Items     []*QuoteItem    `json:"items,omitempty"`
	Discounts []PhaseDiscount `json:"discounts,omitempty"` // how those of the quote were asked for
	// First is the quote that this one, and the others of its number, revise; Revisions is how many of that number are final.
	First     string `json:"first,omitempty"`
	Sequence  int64  `json:"sequence,omitempty"`
	Revisions int64  `json:"revisions,omitempty"`
}

// QuoteTax says whether taxes are computed by Stripe Tax, which Florin does not have yet.
type QuoteTax struct {
	Enabled   bool    `json:"enabled"`
	Liability *Issuer `json:"liability"`
	Provider  *string `json:"provider"`
	Status    *string `json:"status"`
}

// FromQuote names the quote that one was made from.
type FromQuote struct {
	IsRevision bool   `json:"is_revision"` // takes its place, and its number
	Quote      string `json:"quote"`
}

// QuoteInvoices are what the invoices begin with.
type QuoteInvoices struct {
	Words
	DaysUntilDue *int64 `json:"days_until_due"`
	Issuer       Issuer `json:"issuer"`
}

// Words stand on invoices.
type Words struct {
	CustomFields []customer.CustomField `json:"custom_fields" nil:"null"`
	Description  *string                `json:"description"`
	Footer       *string                `json:"footer"`
}

// QuoteTransitions are when a quote came to be what it is.
type QuoteTransitions struct {
	AcceptedAt  *int64 `json:"accepted_at"`
	CanceledAt  *int64 `json:"canceled_at"`
	FinalizedAt *int64 `json:"finalized_at"`
}

// QuoteSubscription is what the subscription begins with.
type QuoteSubscription struct {
	BillingMode     QuoteMode         `json:"billing_mode"`
	Description     *string           `json:"description"`
	EffectiveDate   *int64            `json:"effective_date"` // it begins then, if that lies ahead when the quote is accepted
	Metadata        map[string]string `json:"metadata" nil:"null"`
	TrialPeriodDays *int64            `json:"trial_period_days"`
}

// QuoteMode is the subscription's billing mode.
type QuoteMode struct {
	Flexible *Flexible `json:"flexible,omitempty"`
	Type     string    `json:"type"`
}

// QuoteTransfer says what of each payment goes to a connected account.
type QuoteTransfer struct {
	Amount        *int64   `json:"amount"`         // where nothing recurs
	AmountPercent *float64 `json:"amount_percent"` // where something does
	Destination   string   `json:"destination"`
}

const accepted = "accepted"

// The statuses of a quote, and what may follow each. Known from: facts 08 (8h).
var quoteNext = map[string][]string{
	"":       {draft},
	draft:    {open, canceled},
	open:     {accepted, canceled},
	accepted: {},
	canceled: {},
}

// Quotes is the kind of quotes.
var Quotes = &api.Kind[Quote]{Name: "quote", Prefixes: []string{"qt"}, Param: "quote", Index: []string{"customer", "status", "test_clock"}}

const (
	// quoteFor is how long a quote holds, in seconds, if nothing else is said. Known from: facts 08 (8h).
	quoteFor = 30 * 86400
	// mostLooseQuotes is how many quotes without a customer a test clock can have. Known from: facts 15l.
	mostLooseQuotes = 10
)

func (d *Domain) quoteRoutes(r *api.Router) {
	const one = "/v1/quotes/{quote}"
	r.Kind(Quotes)
	r.Include("quote", "line_items", quoteItemsOf)
	r.Handle("POST /v1/quotes", d.createQuote)
	r.Handle("GET /v1/quotes", d.listQuotes)
	r.Plain("GET "+one, Quotes.Retrieve)
	r.Handle("POST "+one, d.updateQuote)
	r.Handle("POST "+one+"/finalize", d.finalizeQuote)
	r.Handle("POST "+one+"/accept", d.acceptQuote)
	r.Handle("POST "+one+"/cancel", d.cancelQuote)
	r.Handle("GET "+one+"/line_items", listQuoteItems)
	r.Handle("GET "+one+"/computed_upfront_line_items", listUpfrontItems)
	r.Task("quote.expire", d.expireQuote)
}

// move is the only place that assigns a quote's status, and when it came to it.
func (q *Quote) move(to string, now int64) error {
	if err := step("quote", q.ID, quoteNext, q.Status, to); err != nil {
		return err
	}
	q.Status = to
	switch t := &q.StatusTransitions; to {
	case open:
		t.FinalizedAt = &now
	case accepted:
		t.AcceptedAt = &now
	case canceled:
		t.CanceledAt = &now
	}
	return nil
}

// over says whether a quote has been decided on.
func (q *Quote) over() bool { return q.Status == accepted || q.Status == canceled }

func (d *Domain) createQuote(c *api.Call) (any, error) {
	if c.P.Has("from_quote") {
		return d.cloneQuote(c)
	}
	clock := opt(c.P.Str("test_clock"))
	if id := c.P.Str("customer"); id != "" {
		cus, err := d.customer(c, id, "customer")
		if err != nil {
			return nil, err
		}
		if clock != nil && text(cus.TestClock) != *clock {
			return nil, fault.QuoteOfOtherClock(id)
		}
		clock = cus.TestClock
	}
	if err := testclock.Enter(c, clock); err != nil {
		return nil, err
	}
	q := newQuote(c)
	q.Customer, q.TestClock = opt(c.P.Str("customer")), clock
	if err := d.takeQuote(c, q); err != nil {
		return nil, err
	}
	if err := q.loose(c); err != nil {
		return nil, err
	}
	return q, d.keepQuote(c, q)
}

// newQuote makes a draft with what they all begin with.
func newQuote(c *api.Call) *Quote {
	q := Quotes.New(c, c.NewID("qt"))
	q.Created, q.Livemode, q.ExpiresAt, q.CollectionMethod = c.Now(), c.Live(), c.Now()+quoteFor, automatic
	q.Metadata, q.DefaultTaxRates, q.Discounts, q.InvoiceSettings.Issuer.Type = map[string]string{}, []string{}, []string{}, "self"
	if platform := account.Platform(c); platform != nil {
		q.Application = opt(platform.Application())
	}
	return q
}

// keepQuote adds a new quote up, keeps it, and tells of it.
func (d *Domain) keepQuote(c *api.Call, q *Quote) error {
	if err := q.move(draft, c.Now()); err != nil {
		return err
	}
	if err := q.add(c); err != nil {
		return err
	}
	c.At(q.ExpiresAt, "quote.expire", q.ID)
	return c.Save(q, "quote.created")
}

// loose refuses more quotes on a clock that are nobody's than it can have.
func (q *Quote) loose(c *api.Call) error {
	if q.TestClock == nil || q.Customer != nil {
		return nil
	}
	n := 0
	err := Quotes.Each(c, "test_clock", *q.TestClock, func(other *Quote) bool {
		if other.Customer == nil {
			n++
		}
		return n < mostLooseQuotes
	})
	if err == nil && n >= mostLooseQuotes {
		err = fault.ClockFullOfQuotes(mostLooseQuotes)
	}
	return err
}

// quoteInPath is the quote of the path, at its clock's time.
func quoteInPath(c *api.Call) (*Quote, error) {
	q, err := Quotes.InPath(c, "quote")
	if err != nil {
		return nil, err
	}
	return q, testclock.Enter(c, q.TestClock)
}

// updateQuote changes a draft. Of one that is open only two things can be changed, of one that is over only the metadata. unverified: that it can, and that
// nothing tells of a change.
func (d *Domain) updateQuote(c *api.Call) (any, error) {
	q, err := quoteInPath(c)
	if err != nil {
		return nil, err
	}
	for _, f := range c.P.Fields {
		free := f.Name == "metadata" || f.Name == "expand" || f.Name == "expires_at" && q.Status == open
		if q.Status != draft && !free {
			return nil, fault.QuoteNotDraft(f.Name, q.Status)
		}
	}
	if err := d.takeQuote(c, q); err != nil {
		return nil, err
	}
	if q.Status == draft {
		if err := q.add(c); err != nil {
			return nil, err
		}
	}
	return q, c.Save(q)
}

// listQuotes lists quotes; those on test clocks only for a customer, or for a clock. unverified: as subscriptions are.
func (d *Domain) listQuotes(c *api.Call) (any, error) {
	if c.P.Given("customer_account") {
		return nil, fault.ParamNotBuilt("customer_account")
	}
	n := api.Narrow{}
	if !c.P.Given("customer") && !c.P.Given("test_clock") {
		n.Where = func(body []byte) bool { return jsontext.Text(body, "test_clock") == "" }
	}
	return Quotes.ListOf(c, n)
}
