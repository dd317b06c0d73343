package paymentmethod

import (
	"encoding/base64"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/testcard"
)

// A Token stands for card data between the browser that was given it and the server that uses it, once.
//
// Shape recorded at 2023-10-16 and 2025; the kinds bank_account, account and person are not built yet.
type Token struct {
	api.Meta
	Card     *Card   `json:"card,omitempty"`
	ClientIP *string `json:"client_ip"`
	Created  int64   `json:"created"`
	Livemode bool    `json:"livemode"`
	Type     string  `json:"type"` // card, cvc_update or pii
	Used     bool    `json:"used"`

	Private struct {
		Sealed string `json:"sealed,omitempty"`
		CVC    bool   `json:"cvc,omitempty"` // a security code came with the card
	} `json:"-"`
}

// Tokens is the kind of tokens.
var Tokens = &api.Kind[Token]{Name: "token", Prefixes: []string{"tok", "cvctok", "pii"}, Param: "token"}

func (d *Domain) tokenRoutes(r *api.Router) {
	r.Kind(Tokens)
	r.Public("POST /v1/tokens", d.createToken)
	r.Public("GET /v1/tokens/{token}", d.retrieveToken)
}

func (d *Domain) createToken(c *api.Call) (any, error) {
	for _, param := range []string{"customer", "bank_account", "account", "person"} {
		if c.P.Given(param) {
			return nil, fault.NotYet("POST /v1/tokens with "+param, param)
		}
	}
	switch card := c.P.Get("card"); {
	case card != nil && card.Kind == form.Object:
		raw, err := d.readCard(c, card, "card")
		if err != nil {
			return nil, err
		}
		tok := d.freshToken(c, "card", c.NewID("tok"))
		tok.Card = d.legacyCard(c, c.NewID("card"), raw, card)
		tok.Private.CVC, tok.Private.Sealed = raw.cvc, d.seal(tok.ID, raw.card.Number)
		return tok, c.Save(tok)
	case card != nil: // a customer's card, to be shared with a connected account
		return nil, fault.NotYet("POST /v1/tokens with a saved card", "card")
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
	tok, err := Tokens.Find(c, name, param)
	if err != nil {
		return nil, err
	}
	if tok.Used {
		return nil, fault.TokenUsed(name)
	}
	if tok.Card == nil {
		return nil, Tokens.Missing(name, param, 400) // unverified: a token of another kind
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
	tok, err := Tokens.Find(c, token, param)
	switch {
	case err != nil:
		return err
	case tok.Used:
		return fault.TokenUsed(token)
	case tok.Type != "cvc_update":
		return Tokens.Missing(token, param, 400) // unverified: a token of another kind
	}
	tok.Used = true
	return c.Save(tok)
}
