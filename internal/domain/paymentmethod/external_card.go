package paymentmethod

import (
	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/store"
)

// Debit cards that accounts are paid out to: cards (card_…) of an account instead of a customer. Recorded: a token's card keeps its id; it is new, and takes
// standard and instant payouts. Known from: facts 16b (test cards; only debit cards of the United States, and of Canada).

// ForPayouts makes the card one that is paid out to, or not by default.
func (card *Card) ForPayouts(byDefault bool) { card.DefaultForCurrency = &byDefault }

// IsDefault says whether the card is the one that its currency is paid out to.
func (card *Card) IsDefault() bool { return card.DefaultForCurrency != nil && *card.DefaultForCurrency }

// Kept is the id, and the currency that is paid out to the card.
func (card *Card) Kept() (id, currency string) {
	if card.Currency != nil {
		currency = *card.Currency
	}
	return card.ID, currency
}

func init() {
	cards := &account.Cards
	cards.Get, cards.Update, cards.Refused, cards.Paid = payoutCardAt, updatePayoutCard, refusedCard, paidCard
}

// refusedCard notes that a payout to a card has failed.
func refusedCard(c *api.Call, id string) error {
	card, err := Cards.Get(c, id)
	if err != nil || card == nil || card.Status == "errored" {
		return err
	}
	card.Status = "errored"
	return c.Save(card, "account.external_account.updated")
}

// TakePayoutCard makes the card that was sent for an account to be paid out to.
func (d *Domain) TakePayoutCard(c *api.Call, a *account.Account, v *form.Value, param string) (account.External, error) {
	h, err := d.takeSource(c, v, param)
	if err != nil && v.Kind != form.Object && c.Who.Platform != nil { // a token of the platform's
		var got *spentToken
		if account.AsPlatform(c, func() (err error) {
			got, err = d.spend(c, v.Text, param)
			return err
		}) == nil {
			h, err = d.keepCard(c, got)
		}
	}
	if err != nil {
		return nil, err
	}
	card := h.card
	switch {
	case card == nil:
		return nil, Tokens.Missing(v.Text, param, 400)
	case card.Funding != "debit" || card.Country == nil || *card.Country != "US" && *card.Country != "CA":
		return nil, fault.NotADebitCard(param)
	}
	if card.Currency == nil {
		card.Currency = &a.DefaultCurrency
	}
	card.Account, card.Customer, card.Status, card.AvailablePayoutMethods = &a.ID, nil, "new", []string{"standard", "instant"}
	if card.CVCCheck != nil { // recorded of a card that came with a code
		pass := "pass"
		card.CVCCheck = &pass
	}
	number, err := d.open(h.pm.ID, h.pm.Private.Sealed)
	if err != nil {
		return nil, err
	}
	switch number.Number { // facts 16b
	case "4000056655665572":
		card.Private.Outcome = "could_not_process"
	case "4000056755665555":
		card.AvailablePayoutMethods = []string{"standard"}
	}
	if card.Metadata == nil {
		card.Metadata = map[string]string{}
	}
	return card, c.Save(card)
}

func payoutCardAt(c *api.Call, scope store.Scope, id string) (account.External, error) {
	card, err := Cards.GetAt(c, scope, id)
	if err != nil || card == nil || card.Account == nil {
		return nil, err
	}
	return card, nil
}

// updatePayoutCard changes what the request says of a card that is paid out to.
func updatePayoutCard(c *api.Call, e account.External) error {
	card := e.(*Card)
	pm, err := Get(c, card.ID)
	if err != nil {
		return err
	}
	for _, name := range []string{"account_holder_name", "account_holder_type", "account_type", "documents"} {
		if c.P.Given(name) {
			return fault.SourceParam(name, "card")
		}
	}
	return changeLegacyCard(c, card, pm)
}

// paidCard is a card as payouts see it.
func paidCard(e account.External) *account.BankAccount {
	card := e.(*Card)
	b := &account.BankAccount{Meta: api.Meta{ID: card.ID, Object: card.Object}, Account: card.Account, Currency: *card.Currency, Status: card.Status}
	b.AvailablePayoutMethods, b.DefaultForCurrency = card.AvailablePayoutMethods, card.DefaultForCurrency
	if card.Country != nil {
		b.Country = *card.Country
	}
	b.Private.Outcome = card.Private.Outcome
	return b
}
