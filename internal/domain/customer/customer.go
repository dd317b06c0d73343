// Package customer holds those who pay: who they are, how they are reached and billed. What hangs on a customer (payment methods,
// subscriptions, tax ids) belongs to domains above, which are told through the hooks of Domain.
package customer

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"

	"florin/internal/api"
	"florin/internal/domain/testclock"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/jsontext"
)

// A Customer is somebody who pays the account. One that is deleted keeps its id, and nothing else is told of it.
//
// Shape recorded at 2026-06-24.dahlia: 21 members, of which address, currency, customer_account, default_source, description, discount, email,
// name, phone, shipping and test_clock are null at first; business_name and individual_name stand there only when they were given.
type Customer struct {
	api.Meta
	Address             *Address          `json:"address"`
	Balance             int64             `json:"balance"` // minor units; below zero the customer has credit; each change is a BalanceTransaction
	BusinessName        *string           `json:"business_name,omitempty"`
	Created             int64             `json:"created"`
	Currency            *string           `json:"currency"` // of the first invoice; set by billing
	CustomerAccount     *string           `json:"customer_account"`
	DefaultSource       *string           `json:"default_source"`
	Delinquent          bool              `json:"delinquent"`
	Description         *string           `json:"description"`
	Discount            json.RawMessage   `json:"discount"`
	Email               *string           `json:"email"`
	IndividualName      *string           `json:"individual_name,omitempty"`
	InvoicePrefix       string            `json:"invoice_prefix"`
	InvoiceSettings     InvoiceSettings   `json:"invoice_settings"`
	Livemode            bool              `json:"livemode"`
	Metadata            map[string]string `json:"metadata"`
	Name                *string           `json:"name"`
	NextInvoiceSequence int64             `json:"next_invoice_sequence"`
	Phone               *string           `json:"phone"`
	PreferredLocales    []string          `json:"preferred_locales"`
	Shipping            *Shipping         `json:"shipping"`
	TaxExempt           string            `json:"tax_exempt"` // none, reverse or exempt
	TestClock           *string           `json:"test_clock"`

	Private struct {
		IPAddress          string `json:"ip_address,omitempty"`          // tax[ip_address]
		ReconciliationMode string `json:"reconciliation_mode,omitempty"` // of the cash balance; "" is the account's own
		Quotes             int64  `json:"quotes,omitempty"`              // how many quotes have had a number of his
	} `json:"-"`
}

// An Address is where somebody lives, or something goes.
type Address struct {
	City       *string `json:"city"`
	Country    *string `json:"country"`
	Line1      *string `json:"line1"`
	Line2      *string `json:"line2"`
	PostalCode *string `json:"postal_code"`
	State      *string `json:"state"`
}

// Shipping is where a customer's goods go.
type Shipping struct {
	Address        *Address `json:"address"`
	Carrier        *string  `json:"carrier,omitempty"`
	Name           *string  `json:"name"`
	Phone          *string  `json:"phone"`
	TrackingNumber *string  `json:"tracking_number,omitempty"`
}

// InvoiceSettings are what a customer's invoices begin with.
type InvoiceSettings struct {
	CustomFields         []CustomField     `json:"custom_fields" nil:"null"`
	DefaultPaymentMethod *string           `json:"default_payment_method"`
	Footer               *string           `json:"footer"`
	RenderingOptions     *RenderingOptions `json:"rendering_options"`
}

// A CustomField stands on each invoice.
type CustomField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// RenderingOptions say how an invoice is laid out.
type RenderingOptions struct {
	AmountTaxDisplay *string `json:"amount_tax_display"`
	Template         *string `json:"template"`
}

// Customers is the kind of customers. What is searched is in facts 06d.
var Customers = &api.Kind[Customer]{
	Name: "customer", Tombstone: true,
	Prefixes: []string{"cus"},
	Param:    "id",
	Index:    []string{"email", "metadata", "test_clock"},
}

// A Domain is the customers of all accounts. Its hooks are set by the domains above when they are made; one that is nil refuses by name.
type Domain struct {
	// Attach attaches a payment method to a customer, as POST /v1/payment_methods/{payment_method}/attach does.
	Attach func(c *api.Call, paymentMethod string, cus *Customer, param string) (id string, err error)
	// Attached refuses a payment method that is not attached to the customer.
	Attached func(c *api.Call, paymentMethod string, cus *Customer, param string) error
	// AddSource gives a customer a card of old, from a token or its data, and makes it the default.
	AddSource func(c *api.Call, cus *Customer, source *form.Value, param string) error
	// HasSource refuses a source that is not the customer's.
	HasSource func(c *api.Call, cus *Customer, source, param string) error
	// Paid says whether a customer has paid before.
	Paid func(c *api.Call, cus *Customer) (bool, error)
	// TaxIDs makes the tax ids that a new customer comes with.
	TaxIDs func(c *api.Call, cus *Customer, data *form.Value) error
	// Lists are the lists that are shown when they are expanded: sources, subscriptions, tax_ids. One that is missing is empty.
	Lists map[string]func(c *api.Call, customer string) (*api.List, error)
	// Deleted are told of a customer that is about to be deleted, in this order.
	Deleted []func(c *api.Call, cus *Customer) error
}

// New makes the domain.
func New() *Domain {
	return &Domain{Lists: map[string]func(*api.Call, string) (*api.List, error){}}
}

// Routes binds what customers do.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Customers)
	d.balanceTransactionRoutes(r)
	d.discountRoutes(r)
	for _, name := range []string{"sources", "subscriptions", "tax_ids"} {
		r.Include("customer", name, d.include(name))
	}
	r.Include("customer", "cash_balance", cashBalance)
	r.Include("customer", "invoice_credit_balance", func(*api.Call, []byte) ([]byte, error) { return []byte("{}"), nil }) // recorded of customers without invoices
	r.Include("customer", "tax", tax)
	r.Handle("POST /v1/customers", d.create)
	r.Plain("GET /v1/customers/{customer}", Customers.Retrieve)
	r.Handle("POST /v1/customers/{customer}", d.update)
	r.Handle("DELETE /v1/customers/{customer}", d.delete)
	r.Plain("GET /v1/customers", list)
	r.Handle("GET /v1/customers/search", Customers.Search("customers"))
}

func (d *Domain) create(c *api.Call) (any, error) {
	clock := c.P.Str("test_clock")
	if clock != "" { // first of all, because the customer is made in the clock's time; unverified: that other refusals wait for it
		if err := testclock.Attach(c, clock, "test_clock"); err != nil {
			return nil, err
		}
	}
	cus := Customers.New(c, c.NewShortID("cus"))
	cus.Created, cus.Livemode = c.Now(), c.Live()
	cus.InvoicePrefix, cus.NextInvoiceSequence = invoicePrefix(), 1
	if err := d.take(c, cus); err != nil {
		return nil, err
	}
	if clock != "" {
		cus.TestClock = &clock
	}
	// The payment method is attached before anything is decided that depends on it; a decline undoes the customer, too (recorded).
	// unverified: the order of the events.
	if err := c.Save(cus, "customer.created"); err != nil {
		return nil, err
	}
	if err := d.balanceSet(c, cus, 0, "initial"); err != nil {
		return nil, err
	}
	if err := d.discount(c, cus); err != nil {
		return nil, err
	}
	if pm := c.P.Str("payment_method"); pm != "" {
		if d.Attach == nil {
			return nil, fault.NotYet("POST /v1/customers with payment_method", "payment_method")
		}
		var attached string
		if err := c.InRealTime(func() (err error) { attached, err = d.Attach(c, pm, cus, "payment_method"); return err }); err != nil {
			return nil, err
		}
		// A test card's name means the payment method that it has just become (`stripe trigger customer.subscription.created` says it twice: facts 08o).
		if def := cus.InvoiceSettings.DefaultPaymentMethod; def != nil && *def == pm {
			cus.InvoiceSettings.DefaultPaymentMethod = &attached
			if err := c.Save(cus); err != nil {
				return nil, err
			}
		}
	}
	if err := d.defaultMethod(c, cus); err != nil {
		return nil, err
	}
	if err := d.source(c, cus); err != nil {
		return nil, err
	}
	if data := c.P.Get("tax_id_data"); data != nil && len(data.Items) > 0 {
		if d.TaxIDs == nil {
			return nil, fault.NotYet("POST /v1/customers with tax_id_data", "tax_id_data")
		}
		if err := d.TaxIDs(c, cus, data); err != nil {
			return nil, err
		}
	}
	return cus, nil
}

// Create makes a customer for another domain, by the parameters of POST /v1/customers.
func (d *Domain) Create(c *api.Call, p *form.Value) (cus *Customer, err error) {
	err = c.Asking(p, func() error {
		made, err := d.create(c)
		if err != nil {
			return err
		}
		cus = made.(*Customer)
		return nil
	})
	return cus, err
}

// update changes a customer. A deleted one is refused with 400, one that never was with 404 (facts 05c).
func (d *Domain) update(c *api.Call) (any, error) {
	cus, err := Customers.Get(c, c.Path("customer"))
	if err != nil {
		return nil, err
	}
	if cus == nil {
		if _, err := Customers.Retrieve(c); err != nil {
			return nil, err
		}
		return nil, Customers.Missing(c.Path("customer"), "id", 400)
	}
	if err := testclock.Enter(c, cus.TestClock); err != nil {
		return nil, err
	}
	shown, err := c.Show(cus)
	if err != nil {
		return nil, err
	}
	before, balance := bytes.Clone(shown), cus.Balance
	for _, param := range []string{"default_source", "default_card", "default_bank_account", "default_alipay_account"} {
		source := c.P.Str(param)
		if source == "" {
			continue
		}
		if d.HasSource == nil {
			return nil, fault.NoSuch("source", source, param, 400)
		}
		if err := d.HasSource(c, cus, source, param); err != nil {
			return nil, err
		}
		cus.DefaultSource = &source
	}
	if err := d.defaultMethod(c, cus); err != nil {
		return nil, err
	}
	if err := d.take(c, cus); err != nil {
		return nil, err
	}
	// An event tells of a change; an update that changes nothing makes none. unverified.
	var events []string
	if !bytes.Equal(before, jsontext.Append(nil, cus)) {
		events = []string{"customer.updated"}
	}
	if err := c.Save(cus, events...); err != nil {
		return nil, err
	}
	if err := d.balanceSet(c, cus, balance, "adjustment"); err != nil {
		return nil, err
	}
	if err := d.discount(c, cus); err != nil {
		return nil, err
	}
	return cus, d.source(c, cus)
}

// delete deletes a customer for good. Payment methods are detached and subscriptions end (facts 08m): the followers see to it.
func (d *Domain) delete(c *api.Call) (any, error) {
	cus, err := inPath(c)
	if err != nil {
		return nil, err
	}
	if cus.TestClock != nil {
		if err := testclock.Detach(c, *cus.TestClock); err != nil {
			return nil, err
		}
	}
	return cus, d.remove(c, cus)
}

func (d *Domain) remove(c *api.Call, cus *Customer) error {
	for _, follower := range d.Deleted {
		if err := follower(c, cus); err != nil {
			return err
		}
	}
	return c.Delete(cus, "customer.deleted")
}

// ClockDeleted deletes the customers of a test clock that is about to be deleted.
func (d *Domain) ClockDeleted(c *api.Call, clock string) error {
	var gone error
	err := Customers.Each(c, "test_clock", clock, func(cus *Customer) bool {
		if cus.TestClock != nil && *cus.TestClock == clock { // the index knows no case, and ids do
			gone = d.remove(c, cus)
		}
		return gone == nil
	})
	return errors.Join(err, gone)
}

// inPath is the customer in the path, for whoever changes it or its balance and discount: at the time of its test clock, if it is on one. Its payments
// and payment methods are in real time, and not refused while the clock is advanced. unverified: for payment methods and tax ids.
func inPath(c *api.Call) (*Customer, error) {
	cus, err := Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	return cus, testclock.Enter(c, cus.TestClock)
}

// list leaves out customers on a test clock, unless it is asked for them.
func list(c *api.Call) (any, error) {
	var n api.Narrow
	if !c.P.Given("test_clock") {
		n.Where = func(body []byte) bool { return jsontext.Text(body, "test_clock") == "" }
	}
	return Customers.ListOf(c, n)
}

// take reads what create and update have in common into the customer, and refuses what cannot be.
func (d *Domain) take(c *api.Call, cus *Customer) error {
	if prefix := c.P.Str("invoice_prefix"); prefix != "" && !isInvoicePrefix(prefix) {
		return fault.InvoicePrefix("invoice_prefix") // unverified: whether a prefix that another customer has is refused
	}
	if c.P.Given("next_invoice_sequence") && c.P.Num("next_invoice_sequence") < 1 {
		return fault.BelowMinimum("next_invoice_sequence", 1)
	}
	if ip := c.P.At("tax").Str("ip_address"); ip != "" {
		if _, err := netip.ParseAddr(ip); err != nil {
			return fault.NotIPAddress("tax[ip_address]", ip)
		}
	}

	// Above, refusals; below, changes. What takes another look once it is changed refuses at the end, which undoes it.
	clock, source := cus.TestClock, cus.DefaultSource
	if err := c.Params(cus); err != nil {
		return err
	}
	cus.TestClock, cus.DefaultSource = clock, source
	if cus.TaxExempt == "" {
		cus.TaxExempt = "none"
	}
	if t := c.P.Get("tax"); t.Has("ip_address") {
		cus.Private.IPAddress = t.Str("ip_address")
	}
	switch mode := c.P.At("cash_balance", "settings").Str("reconciliation_mode"); mode {
	case "":
	case "merchant_default":
		cus.Private.ReconciliationMode = ""
	default:
		cus.Private.ReconciliationMode = mode
	}
	if when := c.P.At("tax").Str("validate_location"); when == "immediately" || when == "auto" && c.P.Has("address") {
		if _, source := cus.place(); source == "" && when == "immediately" {
			return fault.TaxLocationInvalid()
		}
	}
	return api.MetadataLimit(cus.Metadata)
}

// defaultMethod holds invoice_settings[default_payment_method] to the customer's payment methods (facts 05a).
func (d *Domain) defaultMethod(c *api.Call, cus *Customer) error {
	const param = "invoice_settings[default_payment_method]"
	pm := c.P.At("invoice_settings").Str("default_payment_method")
	if pm == "" {
		return nil
	}
	if set := cus.InvoiceSettings.DefaultPaymentMethod; set != nil {
		pm = *set
	}
	if d.Attached == nil {
		return fault.NotAttached(pm, param)
	}
	return d.Attached(c, pm, cus, param)
}

// source gives the customer a source, from a token or its data: `source`, or `card` as old clients say (recorded), or `bank_account`.
func (d *Domain) source(c *api.Call, cus *Customer) error {
	for _, param := range []string{"source", "card", "bank_account"} {
		v := c.P.Get(param)
		if v == nil || v.Kind == form.Unset {
			continue
		}
		if d.AddSource == nil {
			return fault.NotYet("sources of customers", param)
		}
		return c.InRealTime(func() error { return d.AddSource(c, cus, v, param) })
	}
	return nil
}

// include is a list that is shown when it is expanded. It counts all that it could show (facts 06a).
func (d *Domain) include(name string) func(*api.Call, []byte) ([]byte, error) {
	return func(c *api.Call, body []byte) ([]byte, error) {
		customer := jsontext.Text(body, "id")
		l := &api.List{Object: "list"}
		if f := d.Lists[name]; f != nil {
			var err error
			if l, err = f(c, customer); err != nil {
				return nil, err
			}
		}
		if l.Total == nil {
			n := int64(len(l.Data))
			l.Total = &n
		}
		l.URL = "/v1/customers/" + customer + "/" + name
		return l.JSON(), nil
	}
}

// CashOf is what a customer has in cash, by currency. It is set by package cashbalance; nil: nobody has any.
var CashOf func(c *api.Call, cus *Customer) (map[string]int64, error)

// cashBalance is the cash balance of a customer, when it is expanded.
func cashBalance(c *api.Call, body []byte) ([]byte, error) {
	cus, err := Customers.Get(c, jsontext.Text(body, "id"))
	if err != nil || cus == nil {
		return []byte("null"), err
	}
	type settings struct {
		ReconciliationMode   string `json:"reconciliation_mode"`
		UsingMerchantDefault bool   `json:"using_merchant_default"`
	}
	v := &struct {
		Object          string           `json:"object"`
		Available       map[string]int64 `json:"available" nil:"null"`
		Customer        string           `json:"customer"`
		CustomerAccount *string          `json:"customer_account"`
		Livemode        bool             `json:"livemode"`
		Settings        settings         `json:"settings"`
	}{Object: "cash_balance", Customer: cus.ID, Livemode: cus.Livemode, Settings: settings{cus.Private.ReconciliationMode, false}}
	if CashOf != nil {
		if v.Available, err = CashOf(c, cus); err != nil {
			return nil, err
		}
	}
	if v.Settings.ReconciliationMode == "" {
		v.Settings = settings{"automatic", true}
	}
	return jsontext.Append(nil, v), nil
}

// tax says whether tax could be calculated for the customer. Recorded of one without an address: unrecognized_location.
// unverified: supported for every known place, until tax registrations are built.
func tax(c *api.Call, body []byte) ([]byte, error) {
	cus, err := Customers.Get(c, jsontext.Text(body, "id"))
	if err != nil || cus == nil {
		return []byte("null"), err
	}
	type location struct {
		Country string  `json:"country"`
		Source  string  `json:"source"`
		State   *string `json:"state"`
	}
	v := &struct {
		AutomaticTax string    `json:"automatic_tax"`
		IPAddress    *string   `json:"ip_address"`
		Location     *location `json:"location"`
		Provider     string    `json:"provider"`
	}{AutomaticTax: "unrecognized_location", Provider: "stripe"}
	if cus.Private.IPAddress != "" {
		v.IPAddress = &cus.Private.IPAddress
	}
	if a, source := cus.place(); source != "" {
		v.AutomaticTax, v.Location = "supported", &location{*a.Country, source, a.State}
	}
	return jsontext.Append(nil, v), nil
}

// place is where the customer is for tax: where goods go, else where bills go. "" is nowhere that is known.
// unverified: an IP address alone is not looked up; that the US and Canada need a postal code or a state.
func (cus *Customer) place() (*Address, string) {
	known := func(a *Address) bool {
		if a == nil || a.Country == nil || len(*a.Country) != 2 {
			return false
		}
		switch *a.Country {
		case "US", "CA":
			return a.PostalCode != nil || a.State != nil
		}
		return true
	}
	if s := cus.Shipping; s != nil && known(s.Address) {
		return s.Address, "shipping_destination"
	}
	if known(cus.Address) {
		return cus.Address, "billing_address"
	}
	return nil, ""
}

// invoicePrefix is eight capitals and digits. Recorded: hexadecimal digits until 2024, all letters since.
func invoicePrefix() string {
	return string(bytes.ToUpper([]byte(id.Secret(8))))
}

func isInvoicePrefix(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return 3 <= len(s) && len(s) <= 12
}

// Now is the time of a customer: of the test clock that he is on, or the call's. known says whether there is such a customer.
func Now(c *api.Call, id string) (now int64, known bool, err error) {
	cus, err := Customers.Get(c, id)
	if err != nil || cus == nil {
		return 0, false, err
	}
	now = c.Now()
	if cus.TestClock != nil {
		clock, err := testclock.Clocks.Get(c, *cus.TestClock)
		if err != nil {
			return 0, false, err
		}
		if clock != nil {
			now = clock.FrozenTime
		}
	}
	return now, true, nil
}

// OnClock says whether a customer is on a test clock.
func OnClock(c *api.Call, id string) (bool, error) {
	cus, err := Customers.Get(c, id)
	return cus != nil && cus.TestClock != nil, err
}
