package paymentmethod

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/testcard"
	"florin/internal/vault"
)

// A Token stands for what a browser was given (a card, a bank account, a personal number, the facts of an account or a person) between it and the
// server that uses it, once. Numbers and facts are sealed.
//
// Shape recorded at 2023-10-16, 2025 and 2026.
type Token struct {
	api.Meta
	BankAccount json.RawMessage `json:"bank_account,omitempty"` // without customer and metadata
	Card        *Card           `json:"card,omitempty"`
	ClientIP    *string         `json:"client_ip"`
	Created     int64           `json:"created"`
	Livemode    bool            `json:"livemode"`
	Type        string          `json:"type"` // account, bank_account, card, cvc_update, person or pii
	Used        bool            `json:"used"`

	Private struct {
		Sealed string `json:"sealed,omitempty"`
		CVC    bool   `json:"cvc,omitempty"` // a security code came with the card
	} `json:"-"`
}

// Tokens is the kind of tokens.
var Tokens = &api.Kind[Token]{Name: "token", Prefixes: []string{"tok", "btok", "ct", "cpt", "cvctok", "pii"}, Param: "token"}

func (d *Domain) tokenRoutes(r *api.Router) {
	r.Kind(Tokens)
	r.Public("POST /v1/tokens", d.createToken)
	r.Public("GET /v1/tokens/{token}", d.retrieveToken)
}

func (d *Domain) createToken(c *api.Call) (any, error) {
	card, bank := c.P.Get("card"), c.P.Get("bank_account")
	switch {
	case c.P.Given("customer") || card != nil && card.Kind != form.Object:
		return d.shareToken(c)
	case card != nil:
		raw, err := d.readCard(c, card, "card")
		if err != nil {
			return nil, err
		}
		tok := d.freshToken(c, "card", c.NewID("tok"))
		tok.Card = d.legacyCard(c, c.NewID("card"), raw, card)
		tok.Private.CVC, tok.Private.Sealed = raw.cvc, d.seal(tok.ID, raw.card.Number)
		return tok, c.Save(tok)
	case bank != nil:
		b, number, err := account.ReadBank(c, d.vault, bank, "bank_account", "")
		if err != nil {
			return nil, err
		}
		return d.bankToken(c, b, number)
	case c.P.Given("account"):
		return d.factsToken(c, "account", "ct")
	case c.P.Given("person"):
		return d.factsToken(c, "person", "cpt")
	case c.P.Given("pii"):
		number := c.P.At("pii").Str("id_number")
		if number == "" {
			return nil, fault.Missing("pii[id_number]") // unverified
		}
		tok := d.freshToken(c, "pii", c.NewID("pii"))
		tok.Private.Sealed = base64.StdEncoding.EncodeToString(d.vault.Seal("pii/"+tok.ID, []byte(number))) // nothing opens it yet
		return tok, c.Save(tok)
	case c.P.Given("cvc_update"):
		cvc := c.P.At("cvc_update").Str("cvc")
		if len(cvc) != 4 { // which of the two is right for the card is known when it is used
			if f := testcard.CheckCVC("visa", cvc); f != nil {
				return nil, f
			}
		} else if f := testcard.CheckCVC("amex", cvc); f != nil {
			return nil, f
		}
		tok := d.freshToken(c, "cvc_update", c.NewID("cvctok"))
		tok.Private.CVC = true
		return tok, c.Save(tok)
	}
	return nil, fault.TokenOfNothing()
}

// bankToken makes the token of a bank account.
func (d *Domain) bankToken(c *api.Call, b *account.BankAccount, number string) (*Token, error) {
	tok := d.freshToken(c, "bank_account", c.NewID("btok"))
	tok.BankAccount = json.RawMessage{'{'}
	jsontext.Members(jsontext.Append(nil, b), func(name string, v []byte) bool {
		if name != "metadata" {
			if len(tok.BankAccount) > 1 {
				tok.BankAccount = append(tok.BankAccount, ',')
			}
			tok.BankAccount = append(append(jsontext.AppendString(tok.BankAccount, name), ':'), v...)
		}
		return true
	})
	tok.BankAccount = append(tok.BankAccount, '}')
	tok.Private.Sealed = d.seal(tok.ID, number)
	return tok, c.Save(tok)
}

// factsToken makes the token of what is said of an account or a person. All of it is sealed: it may have numbers of identity.
func (d *Domain) factsToken(c *api.Call, kind, prefix string) (*Token, error) {
	facts, err := json.Marshal(c.P.Get(kind))
	if err != nil {
		return nil, fmt.Errorf("a token of %s: %w", kind, err)
	}
	tok := d.freshToken(c, kind, c.NewID(prefix))
	tok.Private.Sealed = base64.StdEncoding.EncodeToString(d.vault.Seal(kind+"/"+tok.ID, facts))
	return tok, c.Save(tok)
}

// shareToken makes the token of a card or bank account that a customer of the platform has, for the connected account that the call acts as. Recorded: it
// is the customer's default if none is named; the checks are those of the customer's.
func (d *Domain) shareToken(c *api.Call) (*Token, error) {
	if _, ok := account.PlatformScope(c); !ok {
		return nil, fault.ShareWithoutAccount()
	}
	id := c.P.Str("customer")
	if id == "" {
		return nil, fault.Missing("customer")
	}
	var tok *Token
	var number string
	var b *account.BankAccount
	var card *Card
	var cvc bool
	err := account.AsPlatform(c, func() error {
		cus, err := customer.Customers.Find(c, id, "customer")
		if err != nil {
			return err
		}
		source, param := c.P.Str("card"), "card"
		if source == "" {
			if cus.DefaultSource == nil {
				return fault.NoCardOnCustomer()
			}
			source, param = *cus.DefaultSource, "customer"
		}
		h, err := hold(c, source)
		if err != nil {
			return err
		}
		if h == nil || h.owner() != cus.ID {
			return Cards.Missing(source, param, 400)
		}
		switch {
		case h.card != nil:
			card = &Card{}
			card.take(h.card)
			card.ID, card.Object, card.Customer, card.Metadata = "", "card", nil, nil
		case h.bank != nil && h.bank.Status == "verified":
			b = h.bank
		case h.bank != nil:
			return fault.BankUnverifiedShare()
		default:
			return fault.NotYet("tokens of sources", param)
		}
		cvc = h.pm.Private.CVC
		opened, err := d.open(h.pm.ID, h.pm.Private.Sealed)
		number = opened.Number
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case b != nil:
		copied := *b
		copied.Meta, copied.Customer, copied.Metadata = api.Meta{ID: c.NewID("ba"), Object: b.Object}, nil, nil
		return d.bankToken(c, &copied, number)
	}
	tok = d.freshToken(c, "card", c.NewID("tok"))
	card.ID = c.NewID("card")
	tok.Card, tok.Private.CVC, tok.Private.Sealed = card, cvc, d.seal(tok.ID, number)
	return tok, c.Save(tok)
}

func (d *Domain) freshToken(c *api.Call, typ, id string) *Token {
	tok := Tokens.New(c, id)
	tok.Created, tok.Livemode, tok.Type = c.Now(), c.Live(), typ
	if ip := c.ClientIP(); ip != "" {
		tok.ClientIP = &ip
	}
	return tok
}

// retrieveToken answers with a token; one that there is not is refused with 400, not 404 (facts 05c). The name of a test token shows what each use
// of it makes anew (facts 07a). unverified: the id that is shown for it.
func (d *Domain) retrieveToken(c *api.Call) (any, error) {
	name := c.Path("token")
	if card := testcard.ByToken(name); card != nil && !c.Live() {
		tok := d.freshToken(c, "card", name)
		tok.Card = d.legacyCard(c, c.NewID("card"), magic(c, card), nil)
		return api.JSON(jsontext.Append(nil, tok)), nil
	}
	tok, err := Tokens.Get(c, name)
	if err == nil && tok == nil {
		err = Tokens.Missing(name, "token", 400)
	}
	if err != nil {
		return nil, err
	}
	return tok, nil
}

// A spentToken is what was in a token that is now used.
type spentToken struct {
	id     string // of the card
	raw    *rawCard
	legacy *Card // nil of a test token
}

// spend uses a token: what is in it, for the first and only time.
func (d *Domain) spend(c *api.Call, name, param string) (*spentToken, error) {
	if card := testcard.ByToken(name); card != nil && !c.Live() {
		return &spentToken{id: c.NewID("card"), raw: magic(c, card)}, nil
	}
	tok, err := d.usable(c, name, param, "card")
	if err != nil {
		return nil, err
	}
	number, err := d.open(tok.ID, tok.Private.Sealed)
	if err != nil {
		return nil, err
	}
	raw := &rawCard{
		card: testcard.Identify(number.Number), month: tok.Card.ExpMonth, year: tok.Card.ExpYear, cvc: tok.Private.CVC,
	}
	if p := tok.Card.Networks.Preferred; p != nil {
		raw.preferred = *p
	}
	legacy := *tok.Card
	tok.Used, tok.Private.Sealed = true, "" // the number goes on with what the token became
	return &spentToken{id: legacy.ID, raw: raw, legacy: &legacy}, c.Save(tok)
}

// usable finds a token of a kind that was not used before. unverified: that a token of another kind is one that there is not.
func (d *Domain) usable(c *api.Call, name, param, kind string) (*Token, error) {
	tok, err := Tokens.Find(c, name, param)
	switch {
	case err != nil:
		return nil, err
	case tok.Used:
		return nil, fault.TokenUsed(name)
	case tok.Type != kind:
		return nil, Tokens.Missing(name, param, 400)
	}
	return tok, nil
}

// Spend is the accounts' hook: it uses up a token of a bank account, an account or a person. One that is not the account's own may be its platform's.
func (d *Domain) Spend(c *api.Call, name, kind, param string) (*account.Spent, error) {
	if got, err := Tokens.Get(c, name); err == nil && got == nil && c.Who != nil && c.Who.Platform != nil {
		var spent *account.Spent
		err := account.AsPlatform(c, func() (err error) {
			spent, err = d.Spend(c, name, kind, param)
			return err
		})
		return spent, err
	}
	tok, err := d.usable(c, name, param, kind)
	if err != nil {
		return nil, err
	}
	out := &account.Spent{Created: tok.Created}
	if tok.ClientIP != nil {
		out.ClientIP = *tok.ClientIP
	}
	if kind == "bank_account" {
		out.Bank = &account.BankAccount{}
		if err := json.Unmarshal(tok.BankAccount, out.Bank); err != nil {
			return nil, fmt.Errorf("the bank account of %s: %w", name, err)
		}
		opened, err := d.open(tok.ID, tok.Private.Sealed)
		if err != nil {
			return nil, err
		}
		out.Number = opened.Number
	} else {
		sealed, err := base64.StdEncoding.DecodeString(tok.Private.Sealed)
		if err != nil {
			return nil, vault.ErrCorrupt
		}
		facts, err := d.vault.Open(kind+"/"+tok.ID, sealed)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", name, err)
		}
		if err := json.Unmarshal(facts, &out.Data); err != nil {
			return nil, fmt.Errorf("the facts of %s: %w", name, err)
		}
	}
	tok.Used, tok.Private.Sealed = true, ""
	return out, c.Save(tok)
}

// takeToken puts a token's card into a payment method that is being made: card[token].
func (d *Domain) takeToken(c *api.Call, pm *PaymentMethod, token, param string) error {
	got, err := d.spend(c, token, param)
	if err != nil {
		return err
	}
	if got.legacy != nil {
		got.legacy.bill(&pm.BillingDetails)
	}
	d.putCard(c, pm, got.raw)
	return nil
}

// UseCVC uses a token of a security code that was asked for again (payment_method_options[card][cvc_token]). The code itself was never kept.
func (d *Domain) UseCVC(c *api.Call, token, param string) error {
	tok, err := d.usable(c, token, param, "cvc_update")
	if err != nil {
		return err
	}
	tok.Used = true
	return c.Save(tok)
}
