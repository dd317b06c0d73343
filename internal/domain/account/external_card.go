package account

import (
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/form"
	"florin/internal/store"
)

// An External is what an account is paid out to: a bank account, or a debit card.
type External interface {
	api.Resource
	// Kept is the id, and the currency that is paid out to it.
	Kept() (id, currency string)
	IsDefault() bool
	ForPayouts(byDefault bool)
}

// Kept is the id, and the currency that is paid out to the bank account.
func (b *BankAccount) Kept() (id, currency string) { return b.ID, b.Currency }

// Cards are the debit cards that accounts are paid out to. They are kept, and this is set once, by package paymentmethod.
var Cards struct {
	// Get loads a card; nil if there is none.
	Get func(c *api.Call, scope store.Scope, id string) (External, error)
	// Update changes what the request says of the card.
	Update func(c *api.Call, card External) error
	// Refused notes that a payout to the card has failed.
	Refused func(c *api.Call, id string) error
	// Paid is the card as payouts see it.
	Paid func(card External) *BankAccount
}

// externalAt loads what an account in a scope is paid out to; nil if there is none.
func externalAt(c *api.Call, scope store.Scope, id string) (External, error) {
	if strings.HasPrefix(id, "card_") {
		return Cards.Get(c, scope, id)
	}
	b, err := BankAccounts.GetAt(c, scope, id)
	if b == nil || b.Account == nil {
		return nil, err
	}
	return b, err
}

// Destinations are what the account that a call acts as is paid out to, as payouts see it, newest first: bank accounts, and cards that are like one.
func Destinations(c *api.Call) ([]*BankAccount, error) {
	var out []*BankAccount
	for _, id := range Of(c).Private.Life.External {
		e, err := externalAt(c, c.Scope, id)
		if err != nil {
			return nil, err
		}
		switch e := e.(type) {
		case nil:
		case *BankAccount:
			out = append(out, e)
		default:
			out = append(out, Cards.Paid(e))
		}
	}
	return out, nil
}

// takeCard makes the debit card that was sent, and makes it that of its currency.
func (d *Accounts) takeCard(c *api.Call, a *Account, v *form.Value, param string) (External, error) {
	card, err := d.TakeCard(c, a, v, param)
	if err != nil {
		return nil, err
	}
	return card, d.putIn(c, a, card)
}

// putIn makes something new the one that its currency is paid out to.
func (d *Accounts) putIn(c *api.Call, a *Account, e External) error {
	if err := d.makeDefault(c, a, e); err != nil {
		return err
	}
	id, _ := e.Kept()
	a.Private.Life.External = append([]string{id}, a.Private.Life.External...)
	return d.showExternal(c, a)
}

// pageExternal is a page of what an account is paid out to. want is card, bank_account, or "" for both.
func (d *Accounts) pageExternal(c *api.Call, a *Account, want string) (any, error) {
	ids := slices.DeleteFunc(slices.Clone(a.Private.Life.External), func(id string) bool {
		return want == "card" && !strings.HasPrefix(id, "card_") || want == "bank_account" && !strings.HasPrefix(id, "ba_")
	})
	limit := int(c.P.Num("limit"))
	if limit == 0 {
		limit = 10
	}
	backwards := false
	for _, param := range []string{"starting_after", "ending_before"} {
		id := c.P.Str(param)
		if id == "" {
			continue
		}
		at := slices.Index(ids, id)
		if at < 0 {
			return nil, BankAccounts.Missing(id, param, 400)
		}
		if backwards = param == "ending_before"; backwards {
			ids = ids[:at]
		} else {
			ids = ids[at+1:]
		}
	}
	l := &api.List{Object: "list", URL: "/v1/accounts/" + a.ID + "/external_accounts", HasMore: len(ids) > limit}
	if l.HasMore && backwards {
		ids = ids[len(ids)-limit:]
	}
	for _, id := range ids[:min(limit, len(ids))] {
		e, err := externalAt(c, c.Scope, id)
		if err != nil || e == nil {
			return nil, err
		}
		body, err := c.Show(e)
		if err != nil {
			return nil, err
		}
		l.Data = append(l.Data, slices.Clone(body))
	}
	return l, nil
}
