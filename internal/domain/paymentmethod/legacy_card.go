package paymentmethod

import (
	"encoding/json"
	"time"

	"florin/internal/api"
	"florin/internal/form"
	"florin/internal/testcard"
)

// A Card is a card as it was before payment methods: in a token, as a source of a customer, as the source of a charge. The same card is a payment
// method, too, with the same id (card_…); its number is sealed there.
//
// Shape recorded at 2023-10-16; networks since 2024 and regulated_status since 2025 are the spec's. currency stands there when the token was
// given one, customer when there is one.
type Card struct {
	api.Meta
	Account                *string           `json:"account,omitempty"` // that is paid out to it
	AddressCity            *string           `json:"address_city"`
	AddressCountry         *string           `json:"address_country"`
	AddressLine1           *string           `json:"address_line1"`
	AddressLine1Check      *string           `json:"address_line1_check"`
	AddressLine2           *string           `json:"address_line2"`
	AddressState           *string           `json:"address_state"`
	AddressZip             *string           `json:"address_zip"`
	AddressZipCheck        *string           `json:"address_zip_check"`
	AvailablePayoutMethods []string          `json:"available_payout_methods,omitempty"`
	Brand                  string            `json:"brand"` // Visa, MasterCard, American Express
	Country                *string           `json:"country"`
	Currency               *string           `json:"currency,omitempty"`
	Customer               *string           `json:"customer,omitempty"`
	CVCCheck               *string           `json:"cvc_check"`
	DefaultForCurrency     *bool             `json:"default_for_currency,omitempty"`
	DynamicLast4           *string           `json:"dynamic_last4"`
	ExpMonth               int64             `json:"exp_month"`
	ExpYear                int64             `json:"exp_year"`
	Fingerprint            string            `json:"fingerprint"`
	Funding                string            `json:"funding"`
	Last4                  string            `json:"last4"`
	Metadata               map[string]string `json:"metadata"`
	Name                   *string           `json:"name"`
	Networks               CardNetworks      `json:"networks"`
	RegulatedStatus        string            `json:"regulated_status"`
	Status                 string            `json:"status,omitempty"` // of one that is paid out to: new or errored
	TokenizationMethod     *string           `json:"tokenization_method"`
	Wallet                 json.RawMessage   `json:"wallet"`

	Private struct {
		Currency *string `json:"currency,omitempty"` // of the token that a customer's card came from
		Outcome  string  `json:"outcome,omitempty"`  // how payouts to it fail; "": they do not
		Expires  int64   `json:"expires,omitempty"`  // when its last month begins, Unix seconds
	} `json:"-"`
}

// CardNetworks is what a card of old tells of its networks.
type CardNetworks struct {
	Preferred *string `json:"preferred"`
}

// Cards is the kind of cards that are sources.
var Cards = &api.Kind[Card]{Name: "card", Prefixes: []string{"card"}, Word: "source", Param: "id", Index: []string{"customer"}}

// keepCard makes the two documents of a card of old, and keeps both.
func (d *Domain) keepCard(c *api.Call, got *spentToken) (*held, error) {
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
		return nil, err
	}
	return &held{card: card, pm: pm}, c.Save(card)
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

// watch sees to it that a customer's card tells when it is about to expire: at the beginning of its last month.
func (card *Card) watch(c *api.Call) {
	if first := time.Date(int(card.ExpYear), time.Month(card.ExpMonth), 1, 0, 0, 0, 0, time.UTC).Unix(); first > c.Now() {
		card.Private.Expires = first
		c.At(first, "customer.source.expiring", card.ID)
	}
}

// expiring is the task that tells that a card expires this month. One whose date has been changed since has a task of its own.
func (d *Domain) expiring(c *api.Call, id string) error {
	card, err := Cards.Get(c, id)
	if err != nil || card == nil || card.Customer == nil || card.Private.Expires > c.Now() {
		return err
	}
	return c.Emit("customer.source.expiring", card)
}

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
