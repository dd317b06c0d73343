package account

import (
	"strconv"

	"florin/internal/api"
	"florin/internal/form"
)

// A Spent is what was in a token that is now used up: a bank account, or what is said of an account or a person.
type Spent struct {
	Bank   *BankAccount
	Number string // the bank account's

	Data     *form.Value // of an account or a person
	Created  int64       // Unix seconds
	ClientIP string
}

// takeToken puts what an account token holds in the place of the parameters that it stands for. Whoever saw and accepted the agreement did so where,
// and when, the token was made.
func (d *Accounts) takeToken(c *api.Call) error {
	got, err := d.spend(c, "account_token", "account")
	if err != nil || got == nil {
		return err
	}
	for _, f := range got.Data.Fields {
		if f.Name != "tos_shown_and_accepted" {
			c.P.Set(f.Name, f.Value)
			continue
		}
		if f.Value.Int == 0 {
			continue
		}
		tos := c.P.Get("tos_acceptance")
		if tos == nil {
			tos = &form.Value{Kind: form.Object}
			c.P.Set("tos_acceptance", tos)
		}
		tos.Set("date", &form.Value{Kind: form.Int, Text: strconv.FormatInt(got.Created, 10), Int: got.Created})
		if got.ClientIP != "" {
			tos.Set("ip", &form.Value{Kind: form.String, Text: got.ClientIP})
		}
	}
	return nil
}

// takePersonToken is takeToken for a person.
func (d *Accounts) takePersonToken(c *api.Call) error {
	got, err := d.spend(c, "person_token", "person")
	if err != nil || got == nil {
		return err
	}
	for _, f := range got.Data.Fields {
		c.P.Set(f.Name, f.Value)
	}
	return nil
}

// spend uses up the token that a parameter names; nil if there is none.
func (d *Accounts) spend(c *api.Call, param, kind string) (*Spent, error) {
	token := c.P.Str(param)
	if token == "" {
		return nil, nil
	}
	return d.Spend(c, token, kind, param)
}
