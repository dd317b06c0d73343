// Package account knows who is served: accounts, the API keys that they are reached by, and what a restricted key may do.
//
// An account is one document in the system's scope, whatever mode it is read in, as Stripe has it; what belongs to the account is kept in two
// scopes, one a mode, that are named by the account's number. The number comes from a counter in the same unit of work, and is kept the other way
// round in a document of its own, so that a task finds the account of its scope.
//
// A key is a document that is named by the keyed hash of the key (vault.KeyHash). To look a key up is to hash it and to read that document; keys
// are never compared, so how long it takes tells nothing about them.
//
// Known from: facts 02 (keys and what is refused), 16 (the account's shape); the shape of an account that is shown to itself, from recorded answers.
package account

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/money"
	"florin/internal/spec"
	"florin/internal/store"
	"florin/internal/vault"
)

// An Account is a business that takes payments. What is left out where it is empty is shown of connected accounts only.
type Account struct {
	api.Meta
	BusinessProfile    *BusinessProfile  `json:"business_profile"`
	BusinessType       *string           `json:"business_type"` // company, government_entity, individual or non_profit
	Capabilities       map[string]string `json:"capabilities"`  // name → active, inactive or pending
	ChargesEnabled     bool              `json:"charges_enabled"`
	Company            *Company          `json:"company,omitempty"`
	Controller         *Controller       `json:"controller,omitempty"`
	Country            string            `json:"country"` // ISO 3166, two capitals
	Created            int64             `json:"created,omitempty"`
	DefaultCurrency    string            `json:"default_currency"`
	DetailsSubmitted   bool              `json:"details_submitted"`
	Email              *string           `json:"email"`
	ExternalAccounts   json.RawMessage   `json:"external_accounts,omitempty"`
	FutureRequirements *Requirements     `json:"future_requirements,omitempty"`
	Groups             json.RawMessage   `json:"groups,omitempty"`
	Individual         json.RawMessage   `json:"individual,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
	PayoutsEnabled     bool              `json:"payouts_enabled"`
	Requirements       *Requirements     `json:"requirements,omitempty"`
	Settings           *Settings         `json:"settings"`
	TOSAcceptance      *TOSAcceptance    `json:"tos_acceptance,omitempty"`
	Type               string            `json:"type"` // standard, express, custom or none
	Private            Private           `json:"-"`
}

// Private is what Florin knows of an account and no answer shows.
type Private struct {
	Number  int64  `json:"number"`  // from 1; names the account's scopes
	Version string `json:"version"` // the API version of requests that name none, and of events

	// Of a connected account.
	Platform string `json:"platform,omitempty"` // the account that made it
	Life     Life   `json:"life"`
}

// Scope is where everything is kept that the account has in a mode.
func (a *Account) Scope(live bool) store.Scope { return store.NewScope(a.Private.Number, live) }

// Name is what the business calls itself, or "".
func (a *Account) Name() string {
	if a.BusinessProfile != nil && a.BusinessProfile.Name != nil {
		return *a.BusinessProfile.Name
	}
	return ""
}

// StatementDescriptor is what stands on a cardholder's statement when a payment says nothing else; "" if none is set.
func (a *Account) StatementDescriptor() string { return text(a.Settings.Payments.StatementDescriptor) }

// StatementPrefix is what stands before a payment's statement descriptor suffix; "" if none is set.
func (a *Account) StatementPrefix() string {
	return text(a.Settings.CardPayments.StatementDescriptorPrefix)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// A BusinessProfile says what the business does and where its customers find help.
type BusinessProfile struct {
	AnnualRevenue                    json.RawMessage `json:"annual_revenue"`
	EstimatedWorkerCount             *int64          `json:"estimated_worker_count"`
	MCC                              *string         `json:"mcc"`
	MinorityOwnedBusinessDesignation []string        `json:"minority_owned_business_designation" nil:"null"`
	MonthlyEstimatedRevenue          json.RawMessage `json:"monthly_estimated_revenue,omitempty"`
	Name                             *string         `json:"name"`
	ProductDescription               json.RawMessage `json:"product_description,omitempty"`
	SpecifiedCommercialTransactions  json.RawMessage `json:"specified_commercial_transactions_act_url,omitempty"`
	SupportAddress                   json.RawMessage `json:"support_address"`
	SupportEmail                     *string         `json:"support_email"`
	SupportPhone                     *string         `json:"support_phone"`
	SupportURL                       *string         `json:"support_url"`
	URL                              *string         `json:"url"`
}

// A Controller says who answers for an account: itself, or the platform that made it. Connect uses the rest.
type Controller struct {
	Fees                  json.RawMessage `json:"fees,omitempty"`
	IsController          bool            `json:"is_controller,omitempty"`
	Losses                json.RawMessage `json:"losses,omitempty"`
	RequirementCollection string          `json:"requirement_collection,omitempty"`
	StripeDashboard       json.RawMessage `json:"stripe_dashboard,omitempty"`
	Type                  string          `json:"type"` // account or application
}

// Settings are how an account wants to be paid, named and shown.
type Settings struct {
	BacsDebitPayments struct {
		DisplayName       *string `json:"display_name"`
		ServiceUserNumber *string `json:"service_user_number"`
	} `json:"bacs_debit_payments"`
	Branding struct {
		Icon           *string `json:"icon"`
		Logo           *string `json:"logo"`
		PrimaryColor   *string `json:"primary_color"`
		SecondaryColor *string `json:"secondary_color"`
	} `json:"branding"`
	CardIssuing struct {
		TOSAcceptance struct {
			Date      *int64  `json:"date"`
			IP        *string `json:"ip"`
			UserAgent string  `json:"user_agent,omitempty"`
		} `json:"tos_acceptance"`
	} `json:"card_issuing"`
	CardPayments struct {
		DeclineOn                      *DeclineOn `json:"decline_on,omitempty"`
		StatementDescriptorPrefix      *string    `json:"statement_descriptor_prefix"`
		StatementDescriptorPrefixKana  *string    `json:"statement_descriptor_prefix_kana"`
		StatementDescriptorPrefixKanji *string    `json:"statement_descriptor_prefix_kanji"`
	} `json:"card_payments"`
	Dashboard struct {
		DisplayName *string `json:"display_name"`
		Timezone    *string `json:"timezone"`
	} `json:"dashboard"`
	Invoices struct {
		DefaultAccountTaxIDs    []string `json:"default_account_tax_ids" nil:"null"`
		HostedPaymentMethodSave *string  `json:"hosted_payment_method_save"`
	} `json:"invoices"`
	Payments struct {
		StatementDescriptor      *string `json:"statement_descriptor"`
		StatementDescriptorKana  *string `json:"statement_descriptor_kana"`
		StatementDescriptorKanji *string `json:"statement_descriptor_kanji"`
	} `json:"payments"`
	Payouts struct {
		DebitNegativeBalances bool     `json:"debit_negative_balances"`
		Schedule              Schedule `json:"schedule"`
		StatementDescriptor   *string  `json:"statement_descriptor"`
	} `json:"payouts"`
	SEPADebitPayments struct {
		CreditorID string `json:"creditor_id,omitempty"`
	} `json:"sepa_debit_payments"`
	Treasury json.RawMessage `json:"treasury,omitempty"`
}

// DeclineOn says which failed checks of a card decline the payment, whatever its bank says.
type DeclineOn struct {
	AVSFailure bool `json:"avs_failure"`
	CVCFailure bool `json:"cvc_failure"`
}

// A Schedule is how often, and how long after a payment, an account is paid out.
type Schedule struct {
	DelayDays         int64    `json:"delay_days"`
	Interval          string   `json:"interval"` // manual, daily, weekly or monthly
	MonthlyAnchor     int64    `json:"monthly_anchor,omitempty"`
	MonthlyPayoutDays []int64  `json:"monthly_payout_days,omitempty"`
	WeeklyAnchor      string   `json:"weekly_anchor,omitempty"`
	WeeklyPayoutDays  []string `json:"weekly_payout_days,omitempty"`
}

// Kind is the kind of accounts. They stand in the system's scope.
var Kind = &api.Kind[Account]{Name: "account", Prefixes: []string{"acct"}}

// A number finds an account by its number.
type number struct {
	api.Meta
	Account string `json:"account"`
}

var numbers = &api.Kind[number]{Name: "_number", Internal: true}

func numberID(n int64) string { return "_number:" + strconv.FormatInt(n, 10) }

// A counter is the last number that was given to an account.
type counter struct {
	api.Meta
	Last int64 `json:"last"`
}

var counters = &api.Kind[counter]{Name: "_counter", Internal: true}

const accountCounter = "_counter:account"

// Accounts is the domain: it knows all accounts and keys of a store.
type Accounts struct {
	app    *api.App
	vault  *vault.Vault
	cache  cache
	grants grants

	// Spend uses up a token of a kind: bank_account, account or person. It is set by who keeps tokens.
	Spend func(c *api.Call, token, kind, param string) (*Spent, error)
	// TakeCard makes the debit card that was sent, a token or its data, for an account to be paid out to.
	TakeCard func(c *api.Call, a *Account, card *form.Value, param string) (External, error)
}

// New makes the domain. Keys are hashed and sealed by the vault.
func New(app *api.App, v *vault.Vault) *Accounts {
	d := &Accounts{app: app, vault: v}
	app.Store.OnCommit(d.cache.committed)
	app.Store.OnMissed(d.cache.empty)
	changed := func(p *store.Put) ([]byte, bool) { return nil, p.Base > 0 }
	app.Store.Tell(keys.Name, changed)
	app.Store.Tell(Kind.Name, changed)
	return d
}

// Routes registers what the domain has.
func (d *Accounts) Routes(r *api.Router) {
	r.Kind(Kind)
	r.Kind(numbers)
	r.Kind(counters)
	r.Kind(keys)
	r.Kind(connections)
	r.Kind(Applications)

	r.Handle("GET /v1/account", d.own)
	d.connectRoutes(r)
}

// Of is the account that a call acts as, as it stood when the call began. It is shared and must not be changed; whoever changes an account
// loads it by Load.
func Of(c *api.Call) *Account {
	if c.Who == nil {
		return nil
	}
	a, _ := c.Who.Holder.(*Account)
	return a
}

// Load loads an account for change; nil if there is none.
func Load(c *api.Call, account string) (*Account, error) { return Kind.GetAt(c, store.System, account) }

func (d *Accounts) own(c *api.Call) (any, error) { return d.show(c, c.Who.AccountID) }

func (d *Accounts) show(c *api.Call, account string) (any, error) {
	a, err := Load(c, account)
	if err == nil && a == nil {
		err = fmt.Errorf("account %s has a key but is gone", account)
	}
	return a, err
}

// A Problem is a refusal of a command that its user can mend.
type Problem string

func (p Problem) Error() string { return string(p) }

func problem(format string, a ...any) error { return Problem(fmt.Sprintf(format, a...)) }

// A Spec says what account is to be made. The zero value makes an American one.
type Spec struct {
	Country    string `json:"country,omitempty"`  // US if empty
	Currency   string `json:"currency,omitempty"` // that of the country if empty
	Name       string `json:"name,omitempty"`
	Email      string `json:"email,omitempty"`
	APIVersion string `json:"api_version,omitempty"` // of requests that name none; that of the spec
	// Unattended leaves out the live secret key, which nobody would see when it is made. It is made when it is wanted.
	Unattended bool `json:"unattended,omitempty"`
}

// A Made is an account as it was just made, with its keys in clear: the live secret key is never seen again.
type Made struct {
	Account string `json:"account"`
	Keys    []View `json:"keys"`
}

// Create makes an account with four keys: publishable and secret, in test and in live mode (facts 2c).
func (d *Accounts) Create(ctx context.Context, s Spec) (*Made, error) {
	s.Country, s.Currency = strings.ToUpper(s.Country), strings.ToLower(s.Currency)
	if s.Country == "" {
		s.Country = "US"
	}
	own, ok := currencies[s.Country]
	if !ok {
		return nil, problem("there is no country %q with accounts (two letters, such as US or DE)", s.Country)
	}
	if s.Currency == "" {
		s.Currency = own
	}
	if !money.Known(s.Currency) {
		return nil, problem("there is no currency %q", s.Currency)
	}
	if s.APIVersion == "" {
		s.APIVersion = spec.Version()
	}
	if err := checkVersion(s.APIVersion); err != nil {
		return nil, err
	}

	var made *Made
	err := d.app.Do(ctx, store.System, func(c *api.Call) error {
		n, err := nextNumber(c)
		if err != nil {
			return err
		}
		a := newAccount(c, s)
		a.Private = Private{Number: n, Version: s.APIVersion}
		by := numbers.NewAt(c, store.System, numberID(n), c.Now())
		by.Account = a.ID
		if err := save(c, a, by); err != nil {
			return err
		}
		made = &Made{Account: a.ID}
		for _, live := range []bool{false, true} {
			for _, typ := range []string{Publishable, Secret} {
				if live && typ == Secret && s.Unattended {
					continue
				}
				k, secret := d.newKey(c, NewKey{Account: a.ID, Type: typ, Live: live})
				if err := c.Save(k); err != nil {
					return err
				}
				made.Keys = append(made.Keys, k.view(c.Now(), secret))
			}
		}
		return nil
	})
	return made, err
}

func save(c *api.Call, objs ...api.Resource) error {
	for _, o := range objs {
		if err := c.Save(o); err != nil {
			return err
		}
	}
	return nil
}

// nextNumber takes the next account number.
func nextNumber(c *api.Call) (int64, error) {
	n, err := counters.GetAt(c, store.System, accountCounter)
	if err != nil {
		return 0, err
	}
	if n == nil {
		n = counters.NewAt(c, store.System, accountCounter, c.Now())
	}
	n.Last++
	return n.Last, c.Save(n)
}

// newAccount is an account that may do everything its country allows: there is nobody here to hand papers to.
func newAccount(c *api.Call, s Spec) *Account {
	a := Kind.NewAt(c, store.System, id.Account(c.Now()), c.Now())
	a.BusinessProfile = &BusinessProfile{}
	a.Capabilities = capabilities(s.Country)
	a.ChargesEnabled, a.PayoutsEnabled, a.DetailsSubmitted = true, true, true
	a.Controller = &Controller{Type: "account"}
	a.Country, a.DefaultCurrency = s.Country, s.Currency
	a.Type = "standard"
	a.Settings = &Settings{}
	utc, offer := "Etc/UTC", "offer"
	a.Settings.Dashboard.Timezone = &utc
	a.Settings.Invoices.HostedPaymentMethodSave = &offer
	a.Settings.Payouts.DebitNegativeBalances = true
	a.Settings.Payouts.Schedule = Schedule{DelayDays: delayDays(s.Country), Interval: "daily"}
	if s.Email != "" {
		a.Email = &s.Email
	}
	if s.Name != "" {
		descriptor := statementDescriptor(s.Name)
		a.BusinessProfile.Name, a.Settings.Dashboard.DisplayName = &s.Name, &s.Name
		if descriptor != "" {
			a.Settings.Payments.StatementDescriptor = &descriptor
		}
	}
	return a
}

// statementDescriptor is what a cardholder reads of a business by this name: 5 to 22 characters in capitals, or "" if too little is left.
func statementDescriptor(name string) string {
	var b []byte
	for _, r := range strings.ToUpper(name) {
		if r >= ' ' && r < 127 && !strings.ContainsRune(`<>\'"*`, r) && len(b) < 22 {
			b = append(b, byte(r))
		}
	}
	if s := strings.TrimSpace(string(b)); len(s) >= 5 {
		return s
	}
	return ""
}

// A Summary is what a list of accounts shows.
type Summary struct {
	Account  string `json:"account"`
	Name     string `json:"name,omitempty"`
	Country  string `json:"country"`
	Currency string `json:"currency"`
	Created  int64  `json:"created"`
	Platform string `json:"platform,omitempty"` // of a connected account
	Version  string `json:"api_version"`        // of requests that name none
}

// List lists the accounts, oldest first.
func (d *Accounts) List(ctx context.Context) ([]Summary, error) {
	snap, err := d.app.Store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	list := []Summary{}
	var failed error
	err = snap.Scan(store.Query{Scope: store.System, Index: Kind.Name, Ascending: true}, func(doc *store.Doc) bool {
		var a *Account
		if a, failed = decode(doc); failed != nil {
			return false
		}
		list = append(list, Summary{a.ID, a.Name(), a.Country, a.DefaultCurrency, doc.Created, a.Private.Platform, a.Private.Version})
		return true
	})
	if err == nil {
		err = failed
	}
	return list, err
}

// decode reads an account outside a call, for those who only look.
func decode(doc *store.Doc) (*Account, error) {
	a := &Account{}
	if err := json.Unmarshal(doc.Body, a); err != nil {
		return nil, fmt.Errorf("decode %s: %w", doc.ID, err)
	}
	if err := json.Unmarshal(doc.Priv, &a.Private); err != nil {
		return nil, fmt.Errorf("decode the private part of %s: %w", doc.ID, err)
	}
	return a, nil
}
