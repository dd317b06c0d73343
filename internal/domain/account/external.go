package account

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
)

// A BankAccount is where a connected account is paid out to, or what a customer is debited by (package paymentmethod). Its number is sealed by the
// vault; in clear, only its end and a fingerprint are kept. It stands in the scope of the account that has it, or whose customer does. Of Account and
// Customer, one is set; what is said of payouts is said of an account's only. Known from: recordings of 1,284 of them.
type BankAccount struct {
	api.Meta
	Account                *string           `json:"account,omitempty"`
	AccountHolderName      *string           `json:"account_holder_name"`
	AccountHolderType      *string           `json:"account_holder_type"` // individual or company
	AccountType            *string           `json:"account_type"`
	AvailablePayoutMethods []string          `json:"available_payout_methods,omitempty"`
	BankName               *string           `json:"bank_name"`
	Country                string            `json:"country"` // two letters
	Currency               string            `json:"currency"`
	Customer               *string           `json:"customer,omitempty"`
	DefaultForCurrency     *bool             `json:"default_for_currency,omitempty"`
	Fingerprint            *string           `json:"fingerprint"`
	Requirements           *bankRequirements `json:"requirements,omitempty"`
	FutureRequirements     *bankRequirements `json:"future_requirements,omitempty"`
	Last4                  string            `json:"last4"`
	Metadata               map[string]string `json:"metadata"`
	RoutingNumber          *string           `json:"routing_number"`
	Status                 string            `json:"status"` // new, validated, verified, verification_failed or errored
	Private                BankPrivate       `json:"-"`
}

// BankPrivate is what no answer shows.
type BankPrivate struct {
	Outcome string `json:"outcome,omitempty"` // how payouts to a test number fail; "": they do not
	Sealed  string `json:"sealed,omitempty"`  // the number, by the vault, in base64
	Tries   int64  `json:"tries,omitempty"`   // how often somebody has said what was deposited on a customer's
}

// IsDefault says whether the bank account is the one that its currency is paid out to.
func (b *BankAccount) IsDefault() bool { return b.DefaultForCurrency != nil && *b.DefaultForCurrency }

// ForPayouts makes the bank account one that is paid out to, or not by default.
func (b *BankAccount) ForPayouts(byDefault bool) {
	b.DefaultForCurrency = &byDefault
	if b.Requirements == nil {
		b.Requirements, b.FutureRequirements = &bankRequirements{}, &bankRequirements{}
	}
}

type bankRequirements struct {
	CurrentlyDue        []string           `json:"currently_due"`
	Errors              []RequirementError `json:"errors"`
	PastDue             []string           `json:"past_due"`
	PendingVerification []string           `json:"pending_verification"`
}

// BankAccounts is the kind of bank accounts.
var BankAccounts = &api.Kind[BankAccount]{Name: "bank_account", Prefixes: []string{"ba"}, Word: "external account", Index: []string{"customer"}}

func (d *Accounts) externalRoutes(r *api.Router) {
	r.Kind(BankAccounts)
	for _, name := range []string{"external_accounts", "bank_accounts"} { // the older name
		r.Handle("POST /v1/accounts/{account}/"+name, d.createExternal)
		r.Handle("GET /v1/accounts/{account}/"+name+"/{id}", d.retrieveExternal)
		r.Handle("POST /v1/accounts/{account}/"+name+"/{id}", d.updateExternal)
		r.Handle("DELETE /v1/accounts/{account}/"+name+"/{id}", d.deleteExternal)
	}
	r.Handle("GET /v1/accounts/{account}/external_accounts", d.listExternal)
	r.Handle("POST /v1/external_accounts/{id}", d.updateOwnExternal)
}

// external is the bank account or card that a request gives, by whichever name.
func external(p *form.Value) *form.Value {
	if v := p.Get(externalParam(p)); v != nil && v.Kind != form.Unset {
		return v
	}
	return nil
}

func externalParam(p *form.Value) string {
	if p.Given("bank_account") {
		return "bank_account"
	}
	return "external_account"
}

// takeExternal makes the bank account or card that was sent, and the one that the account is paid out to in its currency.
func (d *Accounts) takeExternal(c *api.Call, a *Account, v *form.Value, param string) (External, error) {
	if v.Kind != form.Object {
		return d.externalToken(c, a, v, param)
	}
	if v.Str("object") == "card" || v.Given("number") {
		return d.takeCard(c, a, v, param)
	}
	read, number, err := ReadBank(c, d.vault, v, param, a.DefaultCurrency)
	if err != nil {
		return nil, err
	}
	return d.putExternal(c, a, read, number)
}

// externalToken takes what a token stands for. unverified: which of the test tokens work here.
func (d *Accounts) externalToken(c *api.Call, a *Account, v *form.Value, param string) (External, error) {
	if strings.HasPrefix(v.Text, "tok_") {
		return d.takeCard(c, a, v, param)
	}
	if number, _, ok := TestBankToken(v.Text); ok && !c.Live() {
		return d.putExternal(c, a, TestBank(c, d.vault, number), number)
	}
	got, err := d.Spend(c, v.Text, "bank_account", param)
	if err != nil {
		return nil, err
	}
	return d.putExternal(c, a, got.Bank, got.Number)
}

// putExternal gives a bank account what all have that are paid out to, and makes it that of its currency.
func (d *Accounts) putExternal(c *api.Call, a *Account, from *BankAccount, number string) (External, error) {
	from.ID = c.NewID("ba") // recorded: that of a token does not stay
	b := KeepBank(c, from)
	b.Account, b.Status = &a.ID, "new"
	b.AvailablePayoutMethods = []string{"standard"}
	if b.Country == "US" && number != "000888888883" { // facts 16b: instant payouts to this one are refused
		b.AvailablePayoutMethods = append(b.AvailablePayoutMethods, "instant")
	}
	b.Private.Sealed = base64.StdEncoding.EncodeToString(d.vault.Seal(fmt.Sprintf("%d/bank_account/%s", c.Scope, b.ID), []byte(number)))
	return b, d.putIn(c, a, b)
}

// makeDefault makes a bank account or card the one that its currency is paid out to.
func (d *Accounts) makeDefault(c *api.Call, a *Account, b External) error {
	mine, currency := b.Kept()
	for _, id := range a.Private.Life.External {
		other, err := externalAt(c, c.Scope, id)
		if err != nil {
			return err
		}
		if other == nil || id == mine || !other.IsDefault() {
			continue
		}
		if _, of := other.Kept(); of == currency {
			other.ForPayouts(false)
			if err := c.Save(other); err != nil {
				return err
			}
		}
	}
	b.ForPayouts(true)
	return c.Save(b)
}

// showExternal puts the account's bank accounts into it.
func (d *Accounts) showExternal(c *api.Call, a *Account) error {
	total := int64(len(a.Private.Life.External))
	l := &api.List{Object: "list", URL: "/v1/accounts/" + a.ID + "/external_accounts", Total: &total}
	for _, id := range a.Private.Life.External {
		b, err := externalAt(c, c.Scope, id)
		if err != nil {
			return err
		}
		body, err := c.Show(b)
		if err != nil {
			return err
		}
		if len(l.Data) < 10 {
			l.Data = append(l.Data, slices.Clone(body))
		}
	}
	l.HasMore = len(l.Data) < len(a.Private.Life.External)
	a.ExternalAccounts = json.RawMessage(l.JSON())
	return nil
}

func (d *Accounts) createExternal(c *api.Call) (any, error) {
	a, err := d.connectedInPath(c)
	if err != nil {
		return nil, err
	}
	v := external(c.P)
	if v == nil {
		return nil, fault.Missing("external_account")
	}
	var made api.Resource
	err = As(c, a, func() error {
		was := a.Private.Life.External
		if made, err = d.takeExternal(c, a, v, externalParam(c.P)); err != nil {
			return err
		}
		b := made.(External)
		_, currency := b.Kept()
		if err := api.Bind(b, &form.Value{Kind: form.Object, Fields: fieldsOf(c.P, "metadata")}); err != nil {
			return err
		}
		if first := !d.hasCurrency(c, was, currency); !first && !c.P.True("default_for_currency") {
			if err := d.undefault(c, a, b, was); err != nil {
				return err
			}
		}
		if err := c.Save(b, "account.external_account.created"); err != nil {
			return err
		}
		return d.externalChanged(c, a)
	})
	return made, err
}

func fieldsOf(p *form.Value, names ...string) (out []form.Field) {
	for _, f := range p.Fields {
		if slices.Contains(names, f.Name) {
			out = append(out, f)
		}
	}
	return out
}

func (d *Accounts) hasCurrency(c *api.Call, ids []string, currency string) bool {
	for _, id := range ids {
		if b, err := externalAt(c, c.Scope, id); err == nil && b != nil {
			if _, of := b.Kept(); of == currency {
				return true
			}
		}
	}
	return false
}

// undefault leaves the currency with the bank account or card that it had.
func (d *Accounts) undefault(c *api.Call, a *Account, b External, was []string) error {
	b.ForPayouts(false)
	_, currency := b.Kept()
	for _, id := range was {
		other, err := externalAt(c, c.Scope, id)
		if err != nil || other == nil {
			return err
		}
		if _, of := other.Kept(); of == currency {
			other.ForPayouts(true)
			return c.Save(other)
		}
	}
	return nil
}

// externalChanged shows the bank accounts in the account, which may need less or more now.
func (d *Accounts) externalChanged(c *api.Call, a *Account) error {
	if err := d.showExternal(c, a); err != nil {
		return err
	}
	if err := d.assess(c, a); err != nil {
		return err
	}
	return d.changed(c, a)
}

func (d *Accounts) externalInPath(c *api.Call) (*Account, External, error) {
	a, err := d.connectedInPath(c)
	if err != nil {
		return nil, nil, err
	}
	id := c.Path("id")
	b, err := externalAt(c, a.Scope(c.Live()), id)
	if err == nil && (b == nil || !slices.Contains(a.Private.Life.External, id)) {
		err = BankAccounts.Missing(id, "id", 404)
	}
	return a, b, err
}

func (d *Accounts) retrieveExternal(c *api.Call) (any, error) {
	_, b, err := d.externalInPath(c)
	return b, err
}

func (d *Accounts) listExternal(c *api.Call) (any, error) {
	a, err := d.connectedInPath(c)
	if err != nil {
		return nil, err
	}
	want := c.P.Str("object")
	var list any
	err = As(c, a, func() error {
		list, err = d.pageExternal(c, a, want)
		return err
	})
	return list, err
}

func (d *Accounts) updateExternal(c *api.Call) (any, error) {
	a, b, err := d.externalInPath(c)
	if err != nil {
		return nil, err
	}
	return b, d.changeExternal(c, a, b)
}

// updateOwnExternal is updateExternal for the account that the call acts as.
func (d *Accounts) updateOwnExternal(c *api.Call) (any, error) {
	id := c.Path("id")
	b, err := externalAt(c, c.Scope, id)
	if err == nil && b == nil { // or a customer's
		err = BankAccounts.Missing(id, "id", 404)
	}
	if err != nil {
		return nil, err
	}
	a, err := Load(c, c.Who.AccountID)
	if err != nil {
		return nil, err
	}
	return b, d.changeExternal(c, a, b)
}

// changeExternal changes what may be changed of a bank account: whose it is, metadata, and that it is the one that its currency is paid out to. Of a card, also
// its address and until when it is good.
func (d *Accounts) changeExternal(c *api.Call, a *Account, b External) error {
	bank, _ := b.(*BankAccount)
	for _, name := range []string{"address_city", "address_country", "address_line1", "address_line2", "address_state", "address_zip", "exp_month", "exp_year", "name"} {
		if c.P.Given(name) && bank != nil {
			return fault.SourceParam(name, "bank account")
		}
	}
	return As(c, a, func() error {
		if bank == nil {
			if err := Cards.Update(c, b); err != nil {
				return err
			}
		} else {
			if err := c.ParamsOnly(b, "metadata", "account_holder_name", "account_holder_type", "account_type"); err != nil {
				return err
			}
			if err := api.MetadataLimit(bank.Metadata); err != nil {
				return err
			}
		}
		if c.P.True("default_for_currency") {
			if err := d.makeDefault(c, a, b); err != nil {
				return err
			}
		}
		if err := c.Save(b, "account.external_account.updated"); err != nil || a.Private.Platform == "" {
			return err
		}
		return d.externalChanged(c, a)
	})
}

func (d *Accounts) deleteExternal(c *api.Call) (any, error) {
	a, b, err := d.externalInPath(c)
	if err != nil {
		return nil, err
	}
	mine, currency := b.Kept()
	if b.IsDefault() && currency == a.DefaultCurrency {
		return nil, fault.DefaultExternalAccount()
	}
	return b, As(c, a, func() error {
		a.Private.Life.External = slices.DeleteFunc(a.Private.Life.External, func(id string) bool { return id == mine })
		if err := c.Delete(b, "account.external_account.deleted"); err != nil {
			return err
		}
		return d.externalChanged(c, a)
	})
}
