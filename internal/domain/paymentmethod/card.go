package paymentmethod

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/testcard"
	"florin/internal/vault"
)

// CardFacts is what may be known of a card: the `card` of a payment method, and most of payment_method_details.card of a charge.
type CardFacts struct {
	Brand             string            `json:"brand"`
	Checks            Checks            `json:"checks"`
	Country           *string           `json:"country"`
	DisplayBrand      string            `json:"display_brand"`
	ExpMonth          int64             `json:"exp_month"`
	ExpYear           int64             `json:"exp_year"`
	Fingerprint       string            `json:"fingerprint"`
	Funding           string            `json:"funding"`
	GeneratedFrom     json.RawMessage   `json:"generated_from"`
	Last4             string            `json:"last4"`
	Networks          Networks          `json:"networks"`
	RegulatedStatus   string            `json:"regulated_status"`
	ThreeDSecureUsage ThreeDSecureUsage `json:"three_d_secure_usage"`
	Wallet            json.RawMessage   `json:"wallet"`
}

// Checks are the issuer's answers to what was sent with a card: pass, fail, unavailable, unchecked while nobody has asked, or null of what was
// not sent.
type Checks struct {
	AddressLine1Check      *string `json:"address_line1_check"`
	AddressPostalCodeCheck *string `json:"address_postal_code_check"`
	CVCCheck               *string `json:"cvc_check"`
}

// Networks are the card schemes that a card runs on.
type Networks struct {
	Available []string `json:"available"`
	Preferred *string  `json:"preferred"`
}

// ThreeDSecureUsage says whether a card knows 3D Secure.
type ThreeDSecureUsage struct {
	Supported bool `json:"supported"`
}

// rawCard is a card as somebody typed it.
type rawCard struct {
	card        *testcard.Card // what its number tells
	month, year int64
	cvc         bool // one was given, and has the right length
	preferred   string
}

// judgedOn is the day on which a card's expiry is judged: today. In test mode, a request that asks for an older API version is judged on that
// version's day, so that tests and recordings with a card of their time do not rot (docs/decisions/0003-cards-of-their-time.md).
func judgedOn(c *api.Call) time.Time {
	now := time.Unix(c.Now(), 0)
	if c.Live() || !c.Asked || len(c.Version) < len(time.DateOnly) {
		return now
	}
	if day, err := time.Parse(time.DateOnly, c.Version[:len(time.DateOnly)]); err == nil && day.Before(now) {
		return day
	}
	return now
}

// readCard reads card data, and refuses what cannot be: 402 with Stripe's codes (facts 07d). With a secret key it is for the operator to allow
// card numbers at all.
func (d *Domain) readCard(c *api.Call, v *form.Value, param string) (*rawCard, error) {
	if allowed := !c.Live(); !c.Publishable() {
		if d.RawCards != nil {
			allowed = d.RawCards(c)
		}
		if !allowed {
			return nil, fault.RawCard(c.Live())
		}
	}
	for _, name := range []string{"number", "exp_month", "exp_year"} {
		if v.Str(name) == "" {
			return nil, fault.Missing(within(param, name)) // the spec has refused it, but for legacy hashes
		}
	}
	number := testcard.Clean(v.Str("number"))
	if f := testcard.CheckNumber(number); f != nil {
		return nil, f
	}
	now := judgedOn(c)
	month, err := strconv.Atoi(v.Str("exp_month"))
	if err != nil {
		return nil, fault.InvalidExpiryMonth()
	}
	year, err := strconv.Atoi(v.Str("exp_year"))
	if err != nil {
		return nil, fault.InvalidExpiryYear()
	}
	year = testcard.FullYear(year, now)
	if f := testcard.CheckExpiry(month, year, now); f != nil {
		return nil, f
	}
	raw := &rawCard{card: testcard.Identify(number), month: int64(month), year: int64(year), cvc: v.Str("cvc") != ""}
	if f := testcard.CheckCVC(raw.card.Brand, v.Str("cvc")); f != nil {
		return nil, f
	}
	raw.preferred = v.At("networks").Str("preferred")
	if raw.preferred != "" && !raw.card.Supports(raw.preferred) {
		return nil, fault.NetworkNotSupported(within(param, "networks")+"[preferred]", raw.preferred)
	}
	return raw, nil
}

// magic is the card that a test card's name stands for: this month of next year, with a security code (facts 07a).
func magic(c *api.Call, card *testcard.Card) *rawCard {
	month, year := testcard.Expiry(time.Unix(c.Now(), 0))
	return &rawCard{card: card, month: int64(month), year: int64(year), cvc: true}
}

// takeCard puts a card into a payment method that is being made, from its data or from a token.
func (d *Domain) takeCard(c *api.Call, pm *PaymentMethod, v *form.Value, param string) error {
	if v == nil {
		return fault.Missing(param)
	}
	if token := v.Str("token"); token != "" {
		return d.takeToken(c, pm, token, within(param, "token"))
	}
	raw, err := d.readCard(c, v, param)
	if err != nil {
		return err
	}
	d.putCard(c, pm, raw)
	return nil
}

// putCard puts a card into a payment method, and seals its number.
func (d *Domain) putCard(c *api.Call, pm *PaymentMethod, raw *rawCard) {
	pm.Card = d.facts(c, raw)
	pm.Card.Checks = pm.unchecked(raw.cvc)
	pm.Private.CVC = raw.cvc
	pm.Private.Sealed = d.seal(pm.ID, raw.card.Number)
}

// unchecked are the checks before anybody has asked the issuer. Recorded: unchecked of what was given; a publishable key saw null in 2021.
func (pm *PaymentMethod) unchecked(cvc bool) Checks {
	return pm.checksOf(cvc, "unchecked", "unchecked", "unchecked")
}

// checksOf gives each check its answer, if what it checks was given.
func (pm *PaymentMethod) checksOf(cvc bool, forCVC, line1, zip string) Checks {
	var out Checks
	set := func(dst **string, given bool, answer string) {
		if given {
			kept := answer
			*dst = &kept
		}
	}
	a := &pm.BillingDetails.Address
	set(&out.CVCCheck, cvc, forCVC)
	set(&out.AddressLine1Check, a.Line1 != nil && *a.Line1 != "", line1)
	set(&out.AddressPostalCodeCheck, a.PostalCode != nil && *a.PostalCode != "", zip)
	return out
}

// Checked are the checks that the issuer of a test card answers to what came with the payment method (facts 07a, 07e).
func Checked(pm *PaymentMethod, card *testcard.Card) Checks {
	pass := func(s string) string {
		if s == "" {
			return "pass"
		}
		return s
	}
	return pm.checksOf(pm.Private.CVC, pass(card.Checks.CVC), pass(card.Checks.Line1), pass(card.Checks.Zip))
}

// facts is what a card's number and date tell. Recorded: the fingerprint is the account's own for a number (facts 07a).
func (d *Domain) facts(c *api.Call, raw *rawCard) *CardFacts {
	card := raw.card
	f := &CardFacts{
		Brand: card.Brand, DisplayBrand: card.DisplayBrand(), ExpMonth: raw.month, ExpYear: raw.year, Funding: card.Funding, Last4: card.Last4(),
		Fingerprint: d.vault.Fingerprint(accountOf(c), card.Number), Networks: Networks{Available: card.Networks},
		RegulatedStatus: "unregulated", ThreeDSecureUsage: ThreeDSecureUsage{Supported: card.ThreeDS.Supported()},
	}
	if card.Country != "" {
		f.Country = &card.Country
	}
	if raw.preferred != "" {
		f.Networks.Preferred = &raw.preferred
	}
	return f
}

// mint makes a payment method of a test card's name, and keeps it. Recorded 12 times in 2025: cvc_check is unchecked until it is attached or used.
func (d *Domain) mint(c *api.Call, card *testcard.Card) (*PaymentMethod, error) {
	pm := d.fresh(c, "card")
	d.putCard(c, pm, magic(c, card))
	return pm, c.Save(pm)
}

// verify asks the issuer whether the card is good, before it is attached; the checks tell what it said. Recorded: a card that declines refuses with
// 402 and "param": "".
//
// In live mode nobody is asked: an acquirer's verification of an account without an amount is a matter of the rail, and the first payment
// asks all the same.
func (d *Domain) verify(c *api.Call, pm *PaymentMethod) error {
	if pm.Card == nil {
		return nil
	}
	number, err := d.Card(pm)
	if err != nil {
		return err
	}
	card := testcard.ByNumber(number.Number)
	if f := wrongMode(c.Live(), card != nil); f != nil {
		return f
	}
	if card == nil {
		return nil
	}
	dec := card.AttachDecline()
	if dec == nil && card.Checks.CVC == testcard.Fail {
		dec = testcard.ByNumber("4000000000000127").Decline // recorded of 4000000000000101, which a payment would take
	}
	if dec != nil && (dec.Code != "incorrect_cvc" || pm.Private.CVC) {
		return fault.DeclinedAttach(*dec)
	}
	pm.Card.Checks = Checked(pm, card)
	return nil
}

// wrongMode declines a real card in test mode, and a test card in live mode. Nothing is kept of the attempt.
func wrongMode(live, test bool) error {
	var f *fault.Error
	switch {
	case live && test:
		f = fault.TestCardInLive()
	case !live && !test:
		f = fault.LiveCardInTest()
	default:
		return nil
	}
	f.Keep, f.EmptyParam = false, true
	return f
}

// updateCard changes what may change of a card: its date, and the network that its holder prefers.
func updateCard(c *api.Call, card *CardFacts, v *form.Value) error {
	month, year := card.ExpMonth, card.ExpYear
	if v.Given("exp_month") {
		month = v.Num("exp_month")
	}
	if v.Given("exp_year") {
		year = int64(testcard.FullYear(int(v.Num("exp_year")), time.Unix(c.Now(), 0)))
	}
	if v.Given("exp_month") || v.Given("exp_year") {
		if f := testcard.CheckExpiry(int(month), int(year), judgedOn(c)); f != nil {
			return f
		}
	}
	preferred := v.At("networks").Get("preferred")
	if preferred != nil && preferred.Text != "" {
		ok := false
		for _, n := range card.Networks.Available {
			ok = ok || n == preferred.Text
		}
		if !ok {
			return fault.NetworkNotSupported("card[networks][preferred]", preferred.Text)
		}
	}

	card.ExpMonth, card.ExpYear = month, year
	if preferred != nil {
		card.Networks.Preferred = nil
		if preferred.Text != "" {
			card.Networks.Preferred = &preferred.Text
		}
	}
	return nil
}

// accountOf is the account whose fingerprints are used.
func accountOf(c *api.Call) string {
	if c.Who == nil {
		return ""
	}
	return c.Who.AccountID
}

// The record of a number is bound to the object that has it.
func record(id string) string { return "card/" + id }

// published begins what is kept of a test card, whose number is no secret: a name that stands for it. So a test payment does not wait for the vault.
const published = "test:"

func (d *Domain) seal(id, number string) string {
	if card := testcard.ByNumber(number); card != nil && len(card.Names) > 0 {
		return published + card.Names[0]
	}
	return base64.StdEncoding.EncodeToString(d.vault.SealCard(record(id), vault.Card{Number: number}))
}

func (d *Domain) open(id, sealed string) (vault.Card, error) {
	if name, is := strings.CutPrefix(sealed, published); is {
		card := testcard.ByPaymentMethod("pm_card_" + name)
		if card == nil {
			return vault.Card{}, fmt.Errorf("there is no test card %s", name)
		}
		return vault.Card{Number: card.Number}, nil
	}
	b, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return vault.Card{}, vault.ErrCorrupt
	}
	return d.vault.OpenCard(record(id), b)
}

// reseal seals what one object has for another.
func (d *Domain) reseal(from, to, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	number, err := d.open(from, sealed)
	if err != nil {
		return "", err
	}
	return d.seal(to, number.Number), nil
}
