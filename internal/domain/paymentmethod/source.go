package paymentmethod

import (
	"bytes"
	"encoding/json"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/search"
	"florin/internal/testcard"
)

// A Card is a card as it was before payment methods: in a token, as a source of a customer, as the source of a charge. The same card is a payment
// method, too, with the same id (card_…); its number is sealed there.
//
// Shape recorded at 2023-10-16; networks since 2024 and regulated_status since 2025 are the spec's. currency stands there when the token was
// given one, customer when there is one.
type Card struct {
	api.Meta
	AddressCity        *string           `json:"address_city"`
	AddressCountry     *string           `json:"address_country"`
	AddressLine1       *string           `json:"address_line1"`
	AddressLine1Check  *string           `json:"address_line1_check"`
	AddressLine2       *string           `json:"address_line2"`
	AddressState       *string           `json:"address_state"`
	AddressZip         *string           `json:"address_zip"`
	AddressZipCheck    *string           `json:"address_zip_check"`
	Brand              string            `json:"brand"` // Visa, MasterCard, American Express
	Country            *string           `json:"country"`
	Currency           *string           `json:"currency,omitempty"`
	Customer           *string           `json:"customer,omitempty"`
	CVCCheck           *string           `json:"cvc_check"`
	DynamicLast4       *string           `json:"dynamic_last4"`
	ExpMonth           int64             `json:"exp_month"`
	ExpYear            int64             `json:"exp_year"`
	Fingerprint        string            `json:"fingerprint"`
	Funding            string            `json:"funding"`
	Last4              string            `json:"last4"`
	Metadata           map[string]string `json:"metadata"`
	Name               *string           `json:"name"`
	Networks           CardNetworks      `json:"networks"`
	RegulatedStatus    string            `json:"regulated_status"`
	TokenizationMethod *string           `json:"tokenization_method"`
	Wallet             json.RawMessage   `json:"wallet"`
}

// CardNetworks is what a card of old tells of its networks.
type CardNetworks struct {
	Preferred *string `json:"preferred"`
}

// Cards is the kind of cards that are sources.
var Cards = &api.Kind[Card]{Name: "card", Prefixes: []string{"card"}, Word: "source", Param: "id", Index: []string{"customer"}}

// sourceRoutes binds the sources of customers under both their names. Bank accounts and sources of other types (src_…) are not built.
func (d *Domain) sourceRoutes(r *api.Router) {
	r.Kind(Cards)
	for _, name := range []string{"sources", "cards"} {
		path := "/v1/customers/{customer}/" + name
		r.Handle("GET "+path, d.listSources)
		r.Handle("POST "+path, d.createSource)
		r.Handle("GET "+path+"/{id}", d.retrieveSource)
		r.Handle("POST "+path+"/{id}", d.updateSource)
		r.Handle("DELETE "+path+"/{id}", d.deleteSource)
	}
}

func (d *Domain) listSources(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	n := api.Narrow{Path: "customer", Value: cus.ID, Skip: []string{"object"}}
	if o := c.P.Str("object"); o != "" && o != "card" {
		n.Where = func([]byte) bool { return false }
	}
	return Cards.ListOf(c, n)
}

func (d *Domain) createSource(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	for _, param := range []string{"source", "card"} {
		if v := c.P.Get(param); v != nil {
			card, err := d.newSource(c, cus, v, param)
			if err != nil {
				return nil, err
			}
			if m := c.P.Get("metadata"); m != nil {
				if err := c.Params(card); err != nil {
					return nil, err
				}
			}
			if cus.DefaultSource == nil { // the first source is the default; a later one is not
				cus.DefaultSource = &card.ID
				if err := c.Save(cus, "customer.updated"); err != nil {
					return nil, err
				}
			}
			return card, c.Save(card)
		}
	}
	if c.P.Given("bank_account") {
		return nil, fault.NotYet("bank accounts of customers", "bank_account")
	}
	return nil, fault.Missing("source")
}

func (d *Domain) retrieveSource(c *api.Call) (any, error) {
	_, card, err := d.sourceInPath(c)
	if err != nil {
		return nil, err
	}
	return card, nil
}

// sourceInPath loads the source that the path names, with its customer. unverified: 404 with param id for another customer's.
func (d *Domain) sourceInPath(c *api.Call) (*customer.Customer, *Card, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, nil, err
	}
	card, err := Cards.InPath(c, "id")
	if err != nil {
		return nil, nil, err
	}
	if card.Customer == nil || *card.Customer != cus.ID {
		return nil, nil, Cards.Missing(card.ID, "id", 404)
	}
	return cus, card, nil
}

func (d *Domain) updateSource(c *api.Call) (any, error) {
	_, card, err := d.sourceInPath(c)
	if err != nil {
		return nil, err
	}
	if c.P.Given("owner") || c.P.Given("account_holder_name") || c.P.Given("account_holder_type") {
		return nil, fault.NotYet("bank accounts and sources of customers", "")
	}
	pm, err := Get(c, card.ID)
	if err != nil || pm == nil {
		return nil, err
	}
	dates := &form.Value{Kind: form.Object}
	for _, name := range []string{"exp_month", "exp_year"} { // texts here, numbers of a payment method
		if s := c.P.Str(name); s != "" {
			n, ok := number(s)
			if !ok {
				return nil, fault.NotInteger(name, s)
			}
			dates.Fields = append(dates.Fields, form.Field{Name: name, Value: &form.Value{Kind: form.Int, Text: s, Int: n}})
		}
	}
	if err := updateCard(c, pm.Card, dates); err != nil {
		return nil, err
	}
	if err := c.Params(card); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(card.Metadata); err != nil {
		return nil, err
	}
	card.ExpMonth, card.ExpYear = pm.Card.ExpMonth, pm.Card.ExpYear // Params has read the texts as no numbers
	card.bill(&pm.BillingDetails)
	if err := c.Save(pm); err != nil {
		return nil, err
	}
	return card, c.Save(card, "customer.source.updated")
}

func (d *Domain) deleteSource(c *api.Call) (any, error) {
	cus, card, err := d.sourceInPath(c)
	if err != nil {
		return nil, err
	}
	pm, err := Get(c, card.ID)
	if err != nil || pm == nil {
		return nil, err
	}
	return card, d.detachFrom(c, pm, cus)
}

// FromToken uses a token to pay, as charges of old do (source=tok_…): the payment method and the card, which share an id. A customer's source
// (card_…) is not used up; whose it is is for Usable to say.
func (d *Domain) FromToken(c *api.Call, token, param string) (*PaymentMethod, *Card, error) {
	if strings.HasPrefix(token, "card_") {
		card, err := Cards.Find(c, token, param)
		if err != nil {
			return nil, nil, err
		}
		pm, err := d.Resolve(c, token, param)
		return pm, card, err
	}
	got, err := d.spend(c, token, param)
	if err != nil {
		return nil, nil, err
	}
	return d.keepCard(c, got)
}

// FromSource is FromToken for a parameter that may also be the card's data: source[object]=card, source[number]=…
func (d *Domain) FromSource(c *api.Call, v *form.Value, param string) (*PaymentMethod, *Card, error) {
	if v.Kind != form.Object {
		if strings.HasPrefix(v.Text, "src_") || strings.HasPrefix(v.Text, "btok_") {
			return nil, nil, fault.NotYet("sources other than cards", param)
		}
		return d.FromToken(c, v.Text, param)
	}
	if o := v.Str("object"); o != "" && o != "card" {
		return nil, nil, fault.NotYet("sources other than cards", param)
	}
	raw, err := d.readCard(c, v, param)
	if err != nil {
		return nil, nil, err
	}
	id := c.NewID("card")
	return d.keepCard(c, &spentToken{id: id, raw: raw, legacy: d.legacyCard(c, id, raw, v)})
}

// keepCard makes the two documents of a card of old, and keeps both.
func (d *Domain) keepCard(c *api.Call, got *spentToken) (*PaymentMethod, *Card, error) {
	card := Cards.New(c, got.id)
	from := got.legacy
	if from == nil {
		from = d.legacyCard(c, got.id, got.raw, nil)
	}
	card.take(from)
	pm := Methods.New(c, keyOf(got.id))
	pm.ID = got.id
	d.named(c, pm, "card")
	card.bill(&pm.BillingDetails)
	d.putCard(c, pm, got.raw)
	if err := c.Save(pm); err != nil {
		return nil, nil, err
	}
	return pm, card, c.Save(card)
}

// newSource gives a customer a card, after asking the issuer. Recorded: a decline refuses with 402 and "param": ""; the checks pass.
// unverified: that payment_method.attached tells of it as well.
func (d *Domain) newSource(c *api.Call, cus *customer.Customer, v *form.Value, param string) (*Card, error) {
	pm, card, err := d.FromSource(c, v, param)
	if err != nil {
		return nil, err
	}
	if err := d.verify(c, pm); err != nil {
		return nil, err
	}
	pm.Customer, card.Customer, card.Currency = &cus.ID, &cus.ID, nil // recorded: the currency of a token is gone
	card.check(pm.Card.Checks)
	if err := c.Save(pm, "payment_method.attached"); err != nil {
		return nil, err
	}
	return card, c.Save(card, "customer.source.created")
}

// addSource is the customers' hook: `source` of a customer, which becomes the default and replaces the default of before.
func (d *Domain) addSource(c *api.Call, cus *customer.Customer, source *form.Value, param string) error {
	before := cus.DefaultSource
	card, err := d.newSource(c, cus, source, param)
	if err != nil {
		return err
	}
	if before != nil {
		old, err := Get(c, *before)
		if err != nil {
			return err
		}
		if old != nil {
			if err := d.detachFrom(c, old, nil); err != nil {
				return err
			}
		}
	}
	cus.DefaultSource = &card.ID
	return c.Save(cus, "customer.updated")
}

// hasSource is the customers' hook: it refuses a default source that is not among the customer's.
func (d *Domain) hasSource(c *api.Call, cus *customer.Customer, source, param string) error {
	card, err := Cards.Get(c, source)
	if err != nil {
		return err
	}
	if card == nil || card.Customer == nil || *card.Customer != cus.ID {
		return Cards.Missing(source, param, 400)
	}
	return nil
}

// sourcesOf is the customers' hook: the first page of a customer's cards, newest first.
func (d *Domain) sourcesOf(c *api.Call, id string) (*api.List, error) {
	l := &api.List{Object: "list"}
	var failed error
	total := int64(0)
	seen := map[string]bool{}
	add := func(card *Card) bool {
		if seen[card.ID] || card.Customer == nil || *card.Customer != id {
			return true
		}
		seen[card.ID] = true
		if total++; total > 10 {
			l.HasMore = true
			return true
		}
		var b []byte
		b, failed = c.Show(card)
		l.Data = append(l.Data, bytes.Clone(b))
		return failed == nil
	}
	// The default may have been made in this very call, which Each does not see.
	if cus, err := customer.Customers.Get(c, id); err != nil {
		return nil, err
	} else if cus != nil && cus.DefaultSource != nil {
		card, err := Cards.Get(c, *cus.DefaultSource)
		if err != nil {
			return nil, err
		}
		if card != nil {
			add(card)
		}
	}
	err := Cards.Each(c, "customer", search.Fold(id), add)
	if err == nil {
		err = failed
	}
	l.Total = &total
	return l, err
}

// anotherSource is the newest source that a customer has besides one; nil if there is none.
func (d *Domain) anotherSource(c *api.Call, id, besides string) (*string, error) {
	var next *string
	err := Cards.Each(c, "customer", search.Fold(id), func(card *Card) bool {
		if card.ID == besides || card.Customer == nil || *card.Customer != id {
			return true
		}
		next = &card.ID
		return false
	})
	return next, err
}

// deleteCard deletes the source that a payment method also was.
func deleteCard(c *api.Call, id string) error {
	card, err := Cards.Get(c, id)
	if err != nil || card == nil {
		return err
	}
	if card.Customer == nil {
		return nil
	}
	return c.Delete(card, "customer.source.deleted")
}

// cardUsed writes the checks of a payment method to the source that it also is.
func (d *Domain) cardUsed(c *api.Call, pm *PaymentMethod) error {
	if !strings.HasPrefix(pm.ID, "card_") || pm.Card == nil {
		return nil
	}
	card, err := Cards.Get(c, pm.ID)
	if err != nil || card == nil {
		return err
	}
	card.check(pm.Card.Checks)
	return c.Save(card)
}

// legacyCard is a card as tokens show it. v is the hash that it came in, with the holder's name and address; nil if it had none.
func (d *Domain) legacyCard(c *api.Call, id string, raw *rawCard, v *form.Value) *Card {
	f := d.facts(c, raw)
	card := &Card{
		Meta:  api.Meta{ID: id, Object: "card"},
		Brand: testcard.LegacyBrand(f.Brand), Country: f.Country, ExpMonth: f.ExpMonth, ExpYear: f.ExpYear, Fingerprint: f.Fingerprint,
		Funding: f.Funding, Last4: f.Last4, Networks: CardNetworks{Preferred: f.Networks.Preferred}, RegulatedStatus: f.RegulatedStatus,
	}
	for name, dst := range map[string]**string{
		"name": &card.Name, "address_city": &card.AddressCity, "address_country": &card.AddressCountry, "address_line1": &card.AddressLine1,
		"address_line2": &card.AddressLine2, "address_state": &card.AddressState, "address_zip": &card.AddressZip, "currency": &card.Currency,
	} {
		if s := v.Str(name); s != "" {
			*dst = &s
		}
	}
	unchecked := "unchecked"
	if raw.cvc {
		card.CVCCheck = &unchecked
	}
	if card.AddressLine1 != nil {
		card.AddressLine1Check = &unchecked
	}
	if card.AddressZip != nil {
		card.AddressZipCheck = &unchecked
	}
	return card
}

// take copies everything of another card but its place in the store.
func (card *Card) take(from *Card) {
	meta := card.Meta
	*card = *from
	card.Meta = meta
}

// bill writes the holder's name and address into billing details.
func (card *Card) bill(b *BillingDetails) {
	set := func(dst **string, v *string) {
		if v != nil {
			*dst = v
		}
	}
	set(&b.Name, card.Name)
	set(&b.Address.City, card.AddressCity)
	set(&b.Address.Country, card.AddressCountry)
	set(&b.Address.Line1, card.AddressLine1)
	set(&b.Address.Line2, card.AddressLine2)
	set(&b.Address.PostalCode, card.AddressZip)
	set(&b.Address.State, card.AddressState)
}

// check writes the issuer's answers.
func (card *Card) check(checks Checks) {
	card.CVCCheck, card.AddressLine1Check, card.AddressZipCheck = checks.CVCCheck, checks.AddressLine1Check, checks.AddressPostalCodeCheck
}

// JSON is the card as a charge's source shows it.
func (card *Card) JSON() json.RawMessage { return jsontext.Append(nil, card) }

func number(s string) (int64, bool) {
	n := int64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || i > 8 {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, s != ""
}
