package billing

import (
	"encoding/json"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// A Subscription asks a customer for the same each period: for its items, at their prices. It makes an invoice at the beginning of each, and lives as long
// as these are paid, or until somebody ends it. Times are in Unix seconds.
//
// Shapes recorded from 2020-08-27 to 2026-03-25.dahlia; facts 08 (8f), 15b, 15c.
type Subscription struct {
	api.Meta
	Application                   *string               `json:"application"`
	ApplicationFeePercent         *float64              `json:"application_fee_percent"`
	AutomaticTax                  SubscriptionTax       `json:"automatic_tax"`
	BillingCycleAnchor            int64                 `json:"billing_cycle_anchor"` // what periods are counted from
	BillingCycleAnchorConfig      json.RawMessage       `json:"billing_cycle_anchor_config"`
	BillingMode                   BillingMode           `json:"billing_mode"`
	BillingSchedules              []json.RawMessage     `json:"billing_schedules"`
	BillingThresholds             json.RawMessage       `json:"billing_thresholds"`
	CancelAt                      *int64                `json:"cancel_at"`
	CancelAtPeriodEnd             bool                  `json:"cancel_at_period_end"`
	CanceledAt                    *int64                `json:"canceled_at"` // when it was asked to end
	CancellationDetails           CancellationDetails   `json:"cancellation_details"`
	CollectionMethod              string                `json:"collection_method"` // charge_automatically or send_invoice
	Created                       int64                 `json:"created"`
	Currency                      string                `json:"currency"`
	Customer                      string                `json:"customer"`
	CustomerAccount               *string               `json:"customer_account"`
	DaysUntilDue                  *int64                `json:"days_until_due"`
	DefaultPaymentMethod          *string               `json:"default_payment_method"`
	DefaultSource                 *string               `json:"default_source"`
	DefaultTaxRates               []json.RawMessage     `json:"default_tax_rates"`
	Description                   *string               `json:"description"`
	Discounts                     []string              `json:"discounts"`
	EndedAt                       *int64                `json:"ended_at"`
	InvoiceSettings               SubscriptionInvoices  `json:"invoice_settings"`
	Items                         ItemList              `json:"items"`
	LatestInvoice                 *string               `json:"latest_invoice"`
	Livemode                      bool                  `json:"livemode"`
	Metadata                      map[string]string     `json:"metadata"`
	NextPendingInvoiceItemInvoice *int64                `json:"next_pending_invoice_item_invoice"`
	OnBehalfOf                    *string               `json:"on_behalf_of"`
	PauseCollection               *PauseCollection      `json:"pause_collection"`
	PaymentSettings               SubscriptionPayments  `json:"payment_settings"`
	PendingInvoiceItemInterval    json.RawMessage       `json:"pending_invoice_item_interval"`
	PendingSetupIntent            *string               `json:"pending_setup_intent"`
	PendingUpdate                 json.RawMessage       `json:"pending_update"`
	Plan                          json.RawMessage       `json:"plan"`     // of the only item
	Quantity                      *int64                `json:"quantity"` // of the only item
	Schedule                      *string               `json:"schedule"`
	StartDate                     int64                 `json:"start_date"`
	Status                        string                `json:"status"` // see subscriptionNext
	TestClock                     *string               `json:"test_clock"`
	TransferData                  *SubscriptionTransfer `json:"transfer_data"`
	TrialEnd                      *int64                `json:"trial_end"`
	TrialSettings                 TrialSettings         `json:"trial_settings"`
	TrialStart                    *int64                `json:"trial_start"`

	Private SubscriptionPrivate `json:"-"`
	order   *Order              // that it begins with, in the call that makes it by a checkout
}

// SubscriptionPrivate is what a subscription knows that no answer shows.
type SubscriptionPrivate struct {
	// Billed is, by item, what the present period was billed: what a change in the middle of it gives back a part of.
	Billed   map[string]Billed `json:"billed,omitempty"`
	Followed bool              `json:"-"`               // the followers will hear of it
	Words    *Words            `json:"words,omitempty"` // of its invoices
}

// SubscriptionTax says whether taxes are computed by Stripe Tax, which Florin does not have yet.
type SubscriptionTax struct {
	DisabledReason *string `json:"disabled_reason"`
	Enabled        bool    `json:"enabled"`
	Liability      *Issuer `json:"liability"`
}

// A BillingMode is how prorations are computed: flexible, or classic as before 2025-09-30.clover. Known from: facts 15b.
type BillingMode struct {
	Flexible  *Flexible `json:"flexible"`
	Type      string    `json:"type"`
	UpdatedAt int64     `json:"updated_at,omitempty"`
}

// Flexible are the options of the flexible mode.
type Flexible struct {
	ProrationDiscounts string `json:"proration_discounts"` // included or itemized
}

// CancellationDetails say why a subscription ends.
type CancellationDetails struct {
	Comment  *string `json:"comment"`
	Feedback *string `json:"feedback"`
	Reason   *string `json:"reason"`
}

// SubscriptionInvoices are what a subscription's invoices begin with.
type SubscriptionInvoices struct {
	AccountTaxIDs []string `json:"account_tax_ids" nil:"null"`
	Issuer        Issuer   `json:"issuer"`
}

// ItemList are the items of a subscription.
type ItemList struct {
	Object  string  `json:"object"`
	Data    []*Item `json:"data"`
	HasMore bool    `json:"has_more"`
	Total   int64   `json:"total_count"`
	URL     string  `json:"url"`
}

// PauseCollection says what becomes of invoices while nothing is collected.
type PauseCollection struct {
	Behavior  string `json:"behavior"` // keep_as_draft, mark_uncollectible or void
	ResumesAt *int64 `json:"resumes_at"`
}

// SubscriptionPayments say how a subscription's invoices may be paid.
type SubscriptionPayments struct {
	PaymentMethodOptions     json.RawMessage `json:"payment_method_options"`
	PaymentMethodTypes       []string        `json:"payment_method_types" nil:"null"`
	SaveDefaultPaymentMethod string          `json:"save_default_payment_method"` // off or on_subscription
}

// SubscriptionTransfer says what of each payment goes to a connected account.
type SubscriptionTransfer struct {
	AmountPercent *float64 `json:"amount_percent"`
	Destination   string   `json:"destination"`
}

// TrialSettings say what happens when a trial ends.
type TrialSettings struct {
	EndBehavior EndBehavior `json:"end_behavior"`
}

// EndBehavior is for customers without a payment method.
type EndBehavior struct {
	MissingPaymentMethod string `json:"missing_payment_method"` // cancel, create_invoice or pause
}

const (
	incomplete = "incomplete"
	expired    = "incomplete_expired"
	trialing   = "trialing"
	active     = "active"
	pastDue    = "past_due"
	unpaid     = "unpaid"
	canceled   = "canceled"
	paused     = "paused"
)

// The statuses of a subscription, and what may follow each. Known from: facts 08 (8f).
var subscriptionNext = map[string][]string{
	"":         {incomplete, trialing, active},
	incomplete: {active, expired, canceled, trialing},
	trialing:   {active, pastDue, paused, canceled, unpaid},
	active:     {pastDue, unpaid, trialing, canceled, paused},
	pastDue:    {active, unpaid, canceled, trialing},
	unpaid:     {active, canceled, pastDue, trialing},
	paused:     {active, canceled, trialing, pastDue},
	expired:    {},
	canceled:   {},
}

// Subscriptions is the kind of subscriptions. What is searched is in facts 06d.
var Subscriptions = &api.Kind[Subscription]{
	Name: "subscription", Prefixes: []string{"sub"}, Param: "id", Index: []string{"customer", "status", "metadata", "test_clock"},
}

// incompleteFor is how long a first payment is waited for, in seconds. Known from: facts 15d.
const incompleteFor = 23 * hour

func (d *Domain) subscriptionRoutes(r *api.Router) {
	const one, ofCustomer = "/v1/subscriptions/{subscription_exposed_id}", "/v1/customers/{customer}/subscriptions"
	r.Kind(Subscriptions)
	r.Handle("POST /v1/subscriptions", d.createSubscription)
	r.Handle("GET /v1/subscriptions", d.listSubscriptions)
	r.Handle("GET /v1/subscriptions/search", Subscriptions.Search("subscriptions"))
	r.Plain("GET "+one, Subscriptions.Retrieve)
	r.Handle("POST "+one, d.updateSubscription)
	r.Handle("DELETE "+one, d.cancelSubscription)
	r.Handle("DELETE "+one+"/discount", d.deleteSubscriptionDiscount)
	r.Handle("POST /v1/subscriptions/{subscription}/resume", d.resumeSubscription)
	r.Handle("POST /v1/subscriptions/{subscription}/migrate", d.migrateSubscription)
	r.Handle("POST "+ofCustomer, d.createSubscription)
	r.Handle("GET "+ofCustomer, d.listSubscriptions)
	r.Handle("GET "+ofCustomer+"/{subscription_exposed_id}", d.retrieveOfCustomer)
	r.Handle("POST "+ofCustomer+"/{subscription_exposed_id}", d.updateSubscription)
	r.Handle("DELETE "+ofCustomer+"/{subscription_exposed_id}", d.cancelSubscription)
	r.Handle("GET "+ofCustomer+"/{subscription_exposed_id}/discount", d.retrieveSubscriptionDiscount)
	r.Handle("DELETE "+ofCustomer+"/{subscription_exposed_id}/discount", d.deleteSubscriptionDiscount)
	r.Answer("subscription", d.answerSubscription)
	r.Task("subscription.cycle", d.cycleSubscription)
	r.Task("subscription.trial_will_end", d.trialWillEnd)
	r.Task("subscription.expire", d.expireSubscription)
	r.Task("subscription.cancel", d.endSubscription)
	r.Task("subscription.resume_collection", d.resumeCollection)
}

// move is the only place that assigns a subscription's status.
func (s *Subscription) move(to string) error {
	err := step("subscription", s.ID, subscriptionNext, s.Status, to)
	if err == nil {
		s.Status = to
	}
	return err
}

// over says whether a subscription has ended.
func (s *Subscription) over() bool { return s.Status == canceled || s.Status == expired }

// setItems gives the subscription its items.
func (s *Subscription) setItems(items []*Item) {
	s.Items = ItemList{Object: "list", Data: items, Total: int64(len(items)), URL: "/v1/subscription_items?subscription=" + s.ID}
	s.Plan, s.Quantity = json.RawMessage("null"), nil
	if len(items) == 1 {
		s.Plan, s.Quantity = items[0].Plan, items[0].Quantity
	}
}

// periodStart is when the period began that ends next.
func (s *Subscription) periodStart() int64 {
	if it := s.next(); it != nil {
		return it.CurrentPeriodStart
	}
	return s.StartDate
}

// periodEnd is when the period ends that ends next.
func (s *Subscription) periodEnd() int64 {
	if it := s.next(); it != nil {
		return it.CurrentPeriodEnd
	}
	return s.StartDate
}

// next is the item whose period ends next.
func (s *Subscription) next() (first *Item) {
	for _, it := range s.Items.Data {
		if first == nil || it.CurrentPeriodEnd < first.CurrentPeriodEnd {
			first = it
		}
	}
	return first
}

// item finds an item by its id.
func (s *Subscription) item(id string) *Item {
	i := slices.IndexFunc(s.Items.Data, func(it *Item) bool { return it.ID == id })
	if i < 0 {
		return nil
	}
	return s.Items.Data[i]
}

// inPath is the subscription of the path, at its customer's time.
func (d *Domain) inPath(c *api.Call, variable string) (*Subscription, *customer.Customer, error) {
	sub, err := Subscriptions.InPath(c, variable)
	if err != nil {
		return nil, nil, err
	}
	if of := c.Path("customer"); of != "" && of != sub.Customer {
		return nil, nil, Subscriptions.Missing(sub.ID, "id", 404)
	}
	cus, err := d.customerOf(c, sub.Customer)
	return sub, cus, err
}

func (d *Domain) retrieveOfCustomer(c *api.Call) (any, error) {
	sub, _, err := d.inPath(c, "subscription_exposed_id")
	return answer(sub, err)
}

// listSubscriptions lists those that have not been canceled, unless it is asked for others.
func (d *Domain) listSubscriptions(c *api.Call) (any, error) {
	for _, name := range []string{"automatic_tax", "current_period_end", "current_period_start"} {
		if c.P.Given(name) {
			return nil, fault.ParamNotBuilt(name)
		}
	}
	n := api.Narrow{Skip: []string{"status", "price"}}
	if of := c.Path("customer"); of != "" {
		if _, err := customer.Customers.InPath(c, "customer"); err != nil {
			return nil, err
		}
		n.Path, n.Value = "customer", of
	}
	status, price := c.P.Str("status"), c.P.Str("price")
	all := n.Path != "" || c.P.Given("customer") || c.P.Given("test_clock")
	n.Where = func(body []byte) bool {
		is := jsontext.Text(body, "status")
		switch status {
		case "":
			if is == canceled || is == expired {
				return false
			}
		case "all":
		case "ended":
			if is != canceled && is != expired {
				return false
			}
		default:
			if is != status {
				return false
			}
		}
		return (all || jsontext.Text(body, "test_clock") == "") && (price == "" || sells(body, price))
	}
	return Subscriptions.ListOf(c, n)
}

// sells says whether a subscription has an item at a price.
func sells(body []byte, price string) bool {
	var list struct {
		Data []struct{ Price struct{ ID string } }
	}
	if json.Unmarshal(jsontext.Get(body, "items"), &list) != nil {
		return false
	}
	for _, it := range list.Data {
		if it.Price.ID == price {
			return true
		}
	}
	return false
}

// subscriptionsOf is the list of a customer's subscriptions that have not been canceled.
func (d *Domain) subscriptionsOf(c *api.Call, id string) (*api.List, error) {
	l := &api.List{Object: "list"}
	var total int64
	var failed error
	err := Subscriptions.Each(c, "customer", id, func(sub *Subscription) bool {
		if sub.over() {
			return true
		}
		if total++; total > 10 {
			l.HasMore = true
			return true
		}
		var body []byte
		body, failed = c.Show(sub)
		l.Data = append(l.Data, body)
		return failed == nil
	})
	l.Total = &total
	if err == nil {
		err = failed
	}
	return l, err
}

// answerSubscription answers with a subscription as it stands after its first payment.
func (d *Domain) answerSubscription(c *api.Call, name string) (any, error) {
	return answer(Subscriptions.Get(c, name))
}

// A Follower is told of a subscription that has begun, changed or ended, at the end of the call that did it.
type Follower func(c *api.Call, sub *Subscription) error

// Follow adds a follower.
func (d *Domain) Follow(f Follower) { d.followers = append(d.followers, f) }

// save keeps a subscription, tells of it, and has the followers hear of it, once a call.
func (d *Domain) save(c *api.Call, sub *Subscription, events ...string) error {
	if len(d.followers) > 0 && !sub.Private.Followed {
		sub.Private.Followed = true
		c.Later(func(c *api.Call) error {
			for _, f := range d.followers {
				if err := f(c, sub); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return c.Save(sub, events...)
}
