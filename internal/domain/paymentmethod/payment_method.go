// Package paymentmethod holds what customers pay with: payment methods, and the tokens and cards of old that become such.
//
// A card number is sealed by the vault as it comes in (record "card/<id>"), and opened only for the rail; the security code is never kept, only
// that there was one. A payment method without a customer pays once.
package paymentmethod

import (
	"encoding/json"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/paymethod"
	"florin/internal/search"
	"florin/internal/store"
	"florin/internal/testcard"
	"florin/internal/vault"
)

// A PaymentMethod is a card, an account or a wallet that a customer pays with. It is made without a customer and is then good for one payment,
// or is attached to a customer and good until it is detached; a detached one is never used again.
//
// Shape recorded at 2026-06-24.dahlia; shared_payment_granted_token is recorded, though the spec lacks it.
type PaymentMethod struct {
	api.Meta
	AllowRedisplay            string            `json:"allow_redisplay"` // always, limited or unspecified
	BillingDetails            BillingDetails    `json:"billing_details"`
	Card                      *CardFacts        `json:"card,omitempty"`
	Created                   int64             `json:"created"`
	Customer                  *string           `json:"customer"`
	CustomerAccount           *string           `json:"customer_account"`
	Livemode                  bool              `json:"livemode"`
	Metadata                  map[string]string `json:"metadata"`
	RadarOptions              json.RawMessage   `json:"radar_options,omitempty"`
	SharedPaymentGrantedToken *string           `json:"shared_payment_granted_token"`
	Type                      string            `json:"type"`
	Others                                      // the hash of a type other than card

	Private struct {
		Sealed string `json:"sealed,omitempty"` // the card's or account's number
		CVC    bool   `json:"cvc,omitempty"`    // a security code came with the card
		Spent  string `json:"spent,omitempty"`  // why it cannot be used again: used, detached
		// Verified says that a bank account is known to be the customer's: small deposits were told, or it is a test account.
		Verified bool `json:"verified,omitempty"`
		Named    bool `json:"named,omitempty"` // it is a test payment method, which needs no billing details
		// Authenticated says that 3D Secure was passed, for the one payment that a source of type three_d_secure is good for.
		Authenticated bool `json:"authenticated,omitempty"`
		SetUp         bool `json:"set_up,omitempty"` // for payments without the customer: a payment with setup_future_usage has authenticated it
	} `json:"-"`
}

// BillingDetails are the payer's, as the issuer or bank knows them.
type BillingDetails struct {
	Address customer.Address `json:"address"`
	Email   *string          `json:"email"`
	Name    *string          `json:"name"`
	Phone   *string          `json:"phone"`
	TaxID   *string          `json:"tax_id"`
}

// Has says whether a detail (name, email, phone, address) is there.
func (b *BillingDetails) Has(detail string) bool {
	given := map[string]*string{"name": b.Name, "email": b.Email, "phone": b.Phone, "address": b.Address.Line1}[detail]
	return given != nil && *given != ""
}

// Methods is the kind of payment methods. The members that a publishable key sees: facts 11d.
var Methods = &api.Kind[PaymentMethod]{
	Name:     "payment_method",
	Prefixes: []string{"pm"},
	Word:     "PaymentMethod",
	Param:    "payment_method",
	Index:    []string{"customer"},
	Public: append([]string{"id", "object", "allow_redisplay", "billing_details", "card", "created", "customer", "livemode", "type"},
		otherTypes()...),
}

// A Domain is the payment methods of all accounts.
type Domain struct {
	customers *customer.Domain
	vault     *vault.Vault

	// RawCards says whether card numbers may come with a secret key. nil: in test mode. Stripe refuses them unless the account may send such
	// (facts 07a); who runs Florin decides that, and nearly every test sends some.
	RawCards func(c *api.Call) bool
	// Platform is the scope of the platform that acts as the account, to clone payment methods from. nil: nobody does yet.
	Platform func(c *api.Call) (store.Scope, bool)
}

// New makes the domain, and sets the hooks of the customers below it.
func New(customers *customer.Domain, v *vault.Vault) *Domain {
	d := &Domain{customers: customers, vault: v}
	customers.Attach = d.attachNew
	customers.Attached = d.attached
	customers.AddSource = d.addSource
	customers.HasSource = d.hasSource
	customers.Lists["sources"] = d.sourcesOf
	customers.Deleted = append(customers.Deleted, d.customerDeleted)
	return d
}

// Routes binds what payment methods, tokens and sources do.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Methods)
	r.Public("POST /v1/payment_methods", d.create)
	r.Handle("GET /v1/payment_methods", d.list)
	r.Handle("GET /v1/payment_methods/{payment_method}", d.retrieve)
	r.Handle("POST /v1/payment_methods/{payment_method}", d.update)
	r.Handle("POST /v1/payment_methods/{payment_method}/attach", d.attach)
	r.Handle("POST /v1/payment_methods/{payment_method}/detach", d.detach)
	r.Handle("GET /v1/customers/{customer}/payment_methods", d.listOfCustomer)
	r.Handle("GET /v1/customers/{customer}/payment_methods/{payment_method}", d.retrieveOfCustomer)
	d.tokenRoutes(r)
	d.confirmationTokenRoutes(r)
	d.customerSourceRoutes(r)
	d.sourceRoutes(r)
}

func (d *Domain) create(c *api.Call) (any, error) {
	if c.P.Given("payment_method") {
		return d.clone(c)
	}
	if c.P.Given("customer") {
		return nil, fault.Missing("payment_method") // a customer is given only to clone. unverified: the words
	}
	return d.FromData(c, c.P, "")
}

// FromData makes a payment method of its data, inline (payment_method_data) or as POST /v1/payment_methods takes it. param is what the data
// is called, "" at the top.
func (d *Domain) FromData(c *api.Call, data *form.Value, param string) (*PaymentMethod, error) {
	pm, err := d.describe(c, data, param)
	if err != nil {
		return nil, err
	}
	return pm, c.Save(pm)
}

// describe makes a payment method of its data, for its caller to save.
func (d *Domain) describe(c *api.Call, data *form.Value, param string) (*PaymentMethod, error) {
	typ := data.Str("type")
	if typ == "" {
		return nil, fault.Missing(within(param, "type"))
	}
	if other := otherHash(data, typ); other != "" {
		return nil, fault.OtherType(within(param, other), typ)
	}
	pm := d.fresh(c, typ)
	if err := api.Bind(&pm.BillingDetails, data.Get("billing_details")); err != nil {
		return nil, err
	}
	if typ == "card" {
		if err := d.takeCard(c, pm, data.Get("card"), within(param, "card")); err != nil {
			return nil, err
		}
	} else if err := d.takeOther(c, pm, data.Get(typ), within(param, typ)); err != nil {
		return nil, err
	}
	if s := data.Str("allow_redisplay"); s != "" {
		pm.AllowRedisplay = s
	}
	if m := data.Get("metadata"); m != nil {
		if err := bindMetadata(pm, m); err != nil {
			return nil, err
		}
	}
	if session := data.At("radar_options").Str("session"); session != "" {
		pm.RadarOptions = api.AppendValue(nil, data.Get("radar_options"))
	}
	return pm, nil
}

// fresh is a new payment method that has nothing yet.
func (d *Domain) fresh(c *api.Call, typ string) *PaymentMethod {
	return d.named(c, Methods.New(c, c.NewID("pm")), typ)
}

func (d *Domain) named(c *api.Call, pm *PaymentMethod, typ string) *PaymentMethod {
	pm.Created, pm.Livemode, pm.Type, pm.AllowRedisplay = c.Now(), c.Live(), typ, "unspecified"
	return pm
}

// clone copies a payment method of the platform to the connected account that the request acts as. Recorded: the copy has the fingerprint and
// the checks of the original, and no customer; the customer of the original must be named.
func (d *Domain) clone(c *api.Call) (any, error) {
	from, ok := c.Scope, false
	if d.Platform != nil {
		from, ok = d.Platform(c)
	}
	if !ok {
		return nil, fault.NotYet("cloning payment methods to a connected account", "payment_method")
	}
	name := c.P.Str("payment_method")
	pm, err := Methods.GetAt(c, from, name)
	if err != nil {
		return nil, err
	}
	of := c.P.Str("customer")
	switch {
	case pm == nil:
		return nil, Methods.Missing(name, "payment_method", 400)
	case pm.Private.Spent != "":
		return nil, fault.PaymentMethodSpent()
	case pm.Customer != nil && of == "":
		return nil, fault.CustomerNeeded("")
	case of != "" && (pm.Customer == nil || *pm.Customer != of):
		return nil, fault.NotAttached(name, "customer")
	}

	twin := d.fresh(c, pm.Type)
	twin.AllowRedisplay, twin.BillingDetails, twin.Others = pm.AllowRedisplay, pm.BillingDetails, pm.Others
	if pm.Card != nil {
		card := *pm.Card
		twin.Card = &card
	}
	twin.Private.CVC = pm.Private.CVC
	if twin.Private.Sealed, err = d.reseal(pm.ID, twin.ID, pm.Private.Sealed); err != nil {
		return nil, err
	}
	return twin, c.Save(twin)
}

// retrieve answers with a payment method. The name of a test card makes a new one each time (facts 08m).
func (d *Domain) retrieve(c *api.Call) (any, error) { return d.inPath(c) }

func (d *Domain) update(c *api.Call) (any, error) {
	pm, err := d.inPath(c)
	if err != nil {
		return nil, err
	}
	if pm.Customer == nil {
		return nil, fault.CannotUpdateUnattached()
	}
	for _, typ := range []string{"card", "us_bank_account", "payto"} {
		if c.P.Given(typ) && pm.Type != typ {
			return nil, fault.OtherType(typ, pm.Type)
		}
	}
	if card := c.P.Get("card"); card != nil {
		if err := updateCard(c, pm.Card, card); err != nil {
			return nil, err
		}
	} else if v := c.P.Get(pm.Type); v != nil {
		if err := pm.updateOther(v); err != nil {
			return nil, err
		}
	}
	if s := c.P.Str("allow_redisplay"); s != "" {
		pm.AllowRedisplay = s
	}
	if err := api.Bind(&pm.BillingDetails, c.P.Get("billing_details")); err != nil {
		return nil, err
	}
	if m := c.P.Get("metadata"); m != nil {
		if err := bindMetadata(pm, m); err != nil {
			return nil, err
		}
	}
	return pm, c.Save(pm, "payment_method.updated")
}

// attach gives a payment method to a customer, after the issuer has said that the card is good (facts 07d: cards that decline refuse here).
func (d *Domain) attach(c *api.Call) (any, error) {
	pm, err := d.inPath(c)
	if err != nil {
		return nil, err
	}
	id := c.P.Str("customer")
	if account := c.P.Str("customer_account"); id == "" && account != "" {
		return nil, customer.Customers.Missing(account, "customer_account", 400) // facts 05c; accounts that are customers do not exist yet
	}
	if id == "" {
		return nil, fault.Missing("customer")
	}
	cus, err := customer.Customers.Find(c, id, "customer")
	if err != nil {
		return nil, err
	}
	return pm, d.attachVerified(c, pm, cus)
}

// attachVerified attaches a payment method to a customer after asking the issuer.
func (d *Domain) attachVerified(c *api.Call, pm *PaymentMethod, cus *customer.Customer) error {
	switch {
	case pm.Customer != nil:
		return fault.AlreadyAttached()
	case pm.Private.Spent != "":
		return fault.PaymentMethodSpent()
	case onceOnly(pm.Type):
		return fault.NotAttachable(pm.Type)
	}
	if err := d.verify(c, pm); err != nil {
		return err
	}
	return d.AttachTo(c, pm, cus.ID)
}

// attachNew is the customers' hook: a customer is made with a payment method.
func (d *Domain) attachNew(c *api.Call, paymentMethod string, cus *customer.Customer, param string) (id string, err error) {
	pm, err := d.Resolve(c, paymentMethod, param)
	if err != nil {
		return "", err
	}
	return pm.ID, d.attachVerified(c, pm, cus)
}

// attached is the customers' hook: it refuses a payment method that is not the customer's.
func (d *Domain) attached(c *api.Call, paymentMethod string, cus *customer.Customer, param string) error {
	if testcard.ByPaymentMethod(paymentMethod) != nil {
		return fault.NotAttached(paymentMethod, param)
	}
	pm, err := d.Resolve(c, paymentMethod, param)
	if err != nil {
		return err
	}
	if pm.Customer == nil || *pm.Customer != cus.ID {
		return fault.NotAttached(pm.ID, param)
	}
	return nil
}

func (d *Domain) detach(c *api.Call) (any, error) {
	pm, err := d.inPath(c)
	if err != nil {
		return nil, err
	}
	if pm.Customer == nil {
		return nil, fault.CannotDetach()
	}
	cus, err := customer.Customers.Get(c, *pm.Customer)
	if err != nil {
		return nil, err
	}
	if err := d.detachFrom(c, pm, cus); err != nil {
		return nil, err
	}
	return pm, nil
}

// detachFrom takes a payment method from its customer, for good. cus is nil, or the customer, who stays: what the payment method was the
// default for has none then.
//
// unverified: that payment_method.detached carries previous_attributes, which it does not here; that the customer's change is told by
// customer.updated.
func (d *Domain) detachFrom(c *api.Call, pm *PaymentMethod, cus *customer.Customer) error {
	pm.Customer, pm.Private.Spent = nil, "detached"
	events := []string{"payment_method.detached"}
	if old(pm.ID) && !strings.HasPrefix(pm.ID, "card_") { // nor was it told that it was attached
		events = nil
	}
	if err := c.Save(pm, events...); err != nil {
		return err
	}
	if old(pm.ID) {
		if err := d.letGo(c, pm.ID); err != nil {
			return err
		}
	}
	if cus == nil {
		return nil
	}
	changed := false
	if p := cus.InvoiceSettings.DefaultPaymentMethod; p != nil && *p == pm.ID {
		cus.InvoiceSettings.DefaultPaymentMethod, changed = nil, true
	}
	if p := cus.DefaultSource; p != nil && *p == pm.ID {
		next, err := d.anotherSource(c, cus.ID, pm.ID)
		if err != nil {
			return err
		}
		cus.DefaultSource, changed = next, true
	}
	if !changed {
		return nil
	}
	return c.Save(cus, "customer.updated")
}

// customerDeleted detaches the payment methods of a customer who is being deleted. unverified: that each is told by an event.
func (d *Domain) customerDeleted(c *api.Call, cus *customer.Customer) error {
	var all []*PaymentMethod
	err := Methods.Each(c, "customer", search.Fold(cus.ID), func(pm *PaymentMethod) bool {
		if pm.Customer != nil && *pm.Customer == cus.ID {
			all = append(all, pm)
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, pm := range all {
		if err := d.detachFrom(c, pm, nil); err != nil {
			return err
		}
	}
	return nil
}

// list answers with the payment methods of a customer, or of all. Older versions want a customer and a type (facts 06a); the newest does not.
func (d *Domain) list(c *api.Call) (any, error) {
	if id := c.P.Str("customer"); id != "" {
		if cus, err := customer.Customers.Get(c, id); err != nil {
			return nil, err
		} else if cus == nil {
			return nil, customer.Customers.Missing(id, "customer", 400)
		}
	}
	return Methods.List(c)
}

func (d *Domain) listOfCustomer(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	return Methods.ListOf(c, api.Narrow{Path: "customer", Value: cus.ID})
}

func (d *Domain) retrieveOfCustomer(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	id := c.Path("payment_method")
	pm, err := Get(c, id)
	if err != nil {
		return nil, err
	}
	if pm == nil || pm.Customer == nil || *pm.Customer != cus.ID {
		return nil, fault.NotOfCustomer(id)
	}
	return pm, nil
}

// inPath loads the payment method that the path names, or makes one of a test card's name.
func (d *Domain) inPath(c *api.Call) (*PaymentMethod, error) {
	id := c.Path("payment_method")
	if card := testcard.ByPaymentMethod(id); card != nil && !c.Live() {
		return d.mint(c, card)
	}
	if pm, err := d.mintNamed(c, id); pm != nil || err != nil {
		return pm, err
	}
	if key := keyOf(id); key != id {
		pm, err := Get(c, id)
		if err == nil && pm == nil {
			err = Methods.Missing(id, "payment_method", 404)
		}
		return pm, err
	}
	return Methods.InPath(c, "payment_method")
}

// keyOf is the store's key of a payment method. A source of old is two documents: the card, bank account or source, under its id, as tokens and charges show
// it, and the payment method that it also is.
func keyOf(id string) string {
	if old(id) {
		return "pm:" + id
	}
	return id
}

// Get loads a payment method by its id, be it pm_… or that of a source of old; nil if there is none. Methods.Get does not know of those.
func Get(c *api.Call, id string) (*PaymentMethod, error) { return Methods.Get(c, keyOf(id)) }

// onceOnly says whether methods of a type are good for one payment only, and cannot be attached.
func onceOnly(typ string) bool {
	t := paymethod.Types[typ]
	return t != nil && !t.Attachable && t.Flow != paymethod.Outside
}

func bindMetadata(pm *PaymentMethod, v *form.Value) error {
	err := api.Bind(pm, &form.Value{Kind: form.Object, Fields: []form.Field{{Name: "metadata", Value: v}}})
	if err != nil {
		return err
	}
	return api.MetadataLimit(pm.Metadata)
}

// within is the full name of a member of a parameter.
func within(param, name string) string {
	if param == "" {
		return name
	}
	return param + "[" + name + "]"
}
