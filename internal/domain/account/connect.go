package account

import (
	"encoding/json"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/spec"
	"florin/internal/store"
)

// Life is what Florin knows of a connected account's life, and no answer shows.
type Life struct {
	Live      bool               `json:"live,omitempty"`      // the only mode that it is in
	Recipient bool               `json:"recipient,omitempty"` // under the recipient agreement: it gets transfers, and takes nothing itself
	Requested map[string]int64   `json:"requested,omitempty"` // capabilities, and when each was requested
	Persons   []string           `json:"persons,omitempty"`   // ids, oldest first
	External  []string           `json:"external,omitempty"`  // ids of bank accounts and cards, newest first
	Checking  int64              `json:"checking,omitempty"`  // since when it is being verified
	Verified  bool               `json:"verified,omitempty"`
	Failed    []RequirementError `json:"failed,omitempty"` // what the checks found
	Rejected  string             `json:"rejected,omitempty"`
}

// A Company is what an account says of its business. Known from: facts 16a, recorded.
type Company struct {
	Address                   *Address        `json:"address,omitempty"`
	AddressKana               *JapanAddress   `json:"address_kana,omitempty"`
	AddressKanji              *JapanAddress   `json:"address_kanji,omitempty"`
	AdministrativeAddress     *Address        `json:"administrative_address,omitempty"`
	DirectorsProvided         bool            `json:"directors_provided"`
	DirectorshipDeclaration   json.RawMessage `json:"directorship_declaration,omitempty"`
	ExecutivesProvided        bool            `json:"executives_provided"`
	ExportLicenseID           string          `json:"export_license_id,omitempty"`
	ExportPurposeCode         string          `json:"export_purpose_code,omitempty"`
	Name                      *string         `json:"name"`
	NameKana                  json.RawMessage `json:"name_kana,omitempty"`
	NameKanji                 json.RawMessage `json:"name_kanji,omitempty"`
	OwnersProvided            bool            `json:"owners_provided"`
	OwnershipDeclaration      json.RawMessage `json:"ownership_declaration,omitempty"`
	OwnershipExemptionReason  string          `json:"ownership_exemption_reason,omitempty"`
	Phone                     *string         `json:"phone,omitempty"`
	PrincipalPlaceOfBusiness  *Address        `json:"principal_place_of_business,omitempty"`
	RegistrationDate          json.RawMessage `json:"registration_date,omitempty"`
	RepresentativeDeclaration json.RawMessage `json:"representative_declaration,omitempty"`
	Structure                 string          `json:"structure,omitempty"`
	TaxIDProvided             bool            `json:"tax_id_provided"`
	TaxIDRegistrar            string          `json:"tax_id_registrar,omitempty"`
	VATIDProvided             *bool           `json:"vat_id_provided,omitempty"`
	Verification              struct {
		Document Document `json:"document"`
	} `json:"verification"`
}

// TOSAcceptance is when, and from where, an account agreed to be served.
type TOSAcceptance struct {
	Date             *int64  `json:"date"` // Unix seconds
	IP               *string `json:"ip"`
	ServiceAgreement string  `json:"service_agreement,omitempty"` // recipient, or the full one
	UserAgent        *string `json:"user_agent"`
}

func (d *Accounts) connectRoutes(r *api.Router) {
	r.Handle("POST /v1/accounts", d.createConnected)
	r.Handle("GET /v1/accounts", d.listConnected)
	r.Handle("GET /v1/accounts/{account}", d.retrieve)
	r.Handle("POST /v1/accounts/{account}", d.update)
	r.Handle("DELETE /v1/accounts/{account}", d.delete)
	r.Handle("POST /v1/accounts/{account}/reject", d.reject)
	r.Handle("POST /v1/accounts/{account}/unreject", d.unreject)
	d.capabilityRoutes(r)
	d.externalRoutes(r)
	d.linkRoutes(r)
	d.personRoutes(r)
	r.Task("account.verify", d.verify)
}

// inPath loads the account that the path names: the call's own, or one that is connected to it. Known from: facts 02, recorded.
func (d *Accounts) inPath(c *api.Call) (*Account, error) {
	account := c.Path("account")
	if account == c.Who.AccountID {
		return Load(c, account)
	}
	a, err := Connected(c, account)
	if err == nil && a == nil {
		err = fault.AccountInvalid(c.Who.Masked, account)
	}
	return a, err
}

// connectedInPath is inPath for what a platform alone may do to its accounts.
func (d *Accounts) connectedInPath(c *api.Call) (*Account, error) {
	a, err := d.inPath(c)
	if err == nil && a.Private.Platform == "" {
		err = fault.NotControlled(a.ID)
	}
	return a, err
}

func (d *Accounts) retrieve(c *api.Call) (any, error) {
	a, err := d.inPath(c)
	return a, err
}

func (d *Accounts) listConnected(c *api.Call) (any, error) {
	return connections.ListOf(c, api.Narrow{Path: "platform", Value: c.Who.AccountID})
}

// createConnected makes an account that is connected to that of the call.
func (d *Accounts) createConnected(c *api.Call) (any, error) {
	if c.Who.Platform != nil {
		return nil, fault.OnlyPlatforms()
	}
	platform := Of(c)
	country := strings.ToUpper(c.P.Str("country"))
	if country == "" {
		country = platform.Country
	}
	if !money.Country(country) {
		return nil, fault.CountryUnsupported(country)
	}
	controller, typ, f := controllerOf(c.P)
	if f != nil {
		return nil, f
	}
	if err := d.checkShared(c); err != nil {
		return nil, err
	}

	n, err := nextNumber(c)
	if err != nil {
		return nil, err
	}
	n = store.Beside(platform.Private.Number, n)
	a := Kind.NewAt(c, store.System, id.Account(c.Now()), c.Now())
	a.Private = Private{Number: n, Version: spec.Version(), Platform: platform.ID, Life: Life{Live: c.Live()}}
	a.Controller, a.Type = controller, typ
	d.begin(c, a, country)
	by := numbers.NewAt(c, store.System, numberID(n), c.Now())
	by.Account = a.ID
	link := connections.New(c, a.ID)
	link.Platform = platform.ID
	if err := save(c, by, link); err != nil {
		return nil, err
	}
	return a, As(c, a, func() error { return d.furnish(c, a, true) })
}

// begin gives a new account what it has before anything is said of it. Known from: recordings (facts 16a).
func (d *Accounts) begin(c *api.Call, a *Account, country string) {
	a.Country, a.DefaultCurrency, a.Created, a.Metadata = country, money.DefaultCurrency(country), c.Now(), map[string]string{}
	a.BusinessProfile, a.TOSAcceptance = &BusinessProfile{}, &TOSAcceptance{}
	a.Capabilities = map[string]string{}
	a.Settings = &Settings{}
	s := a.Settings
	utc, save := "Etc/UTC", "offer"
	if a.Type == "express" {
		save = "always"
	}
	s.Dashboard.Timezone, s.Invoices.HostedPaymentMethodSave = &utc, &save
	s.CardPayments.DeclineOn = &DeclineOn{}
	s.Payouts.DebitNegativeBalances = a.Controller.RequirementCollection == "stripe"
	s.Payouts.Schedule = Schedule{Interval: "daily"}
}

// furnish puts what was sent into an account that is new or being changed, and tells of it.
func (d *Accounts) furnish(c *api.Call, a *Account, fresh bool) error {
	p := c.P
	names := []string{"business_profile", "business_type", "default_currency", "email", "metadata", "settings", "tos_acceptance"}
	if err := c.ParamsOnly(a, names...); err != nil {
		return err
	}
	if err := api.MetadataLimit(a.Metadata); err != nil {
		return err
	}
	life := &a.Private.Life
	life.Recipient = a.TOSAcceptance.ServiceAgreement == "recipient"
	if a.TOSAcceptance.ServiceAgreement == "full" {
		a.TOSAcceptance.ServiceAgreement = ""
	}
	null := json.RawMessage("null")
	a.BusinessProfile.SpecifiedCommercialTransactions = null
	if v := p.At("business_profile").Get("product_description"); v != nil && v.Kind == form.Unset {
		a.BusinessProfile.ProductDescription = json.RawMessage(`""`) // recorded
	}
	if a.BusinessProfile.ProductDescription == nil && a.Type != "express" {
		a.BusinessProfile.ProductDescription = null
	}
	d.request(c, a)
	d.name(a)
	d.schedule(a, p)
	var made []api.Resource
	var events []string
	if ext := external(p); ext != nil {
		e, err := d.takeExternal(c, a, ext, externalParam(p))
		if err != nil {
			return err
		}
		made, events = append(made, e), append(events, "account.external_account.created")
	}
	if p.Has("individual") || a.BusinessType != nil && *a.BusinessType == "individual" {
		persons, err := personsOf(c, a)
		if err != nil {
			return err
		}
		switch {
		case len(persons) > 0 && p.Has("individual"):
			if err := persons[0].take(c, p.Get("individual")); err != nil {
				return err
			}
			made, events = append(made, persons[0]), append(events, "person.updated")
		case len(persons) == 0:
			if a.BusinessType == nil {
				individual := "individual"
				a.BusinessType = &individual
			}
			person, err := d.newPerson(c, a, p.Get("individual"))
			if err != nil {
				return err
			}
			person.Relationship.Representative = true
			person.Relationship.AccountOpener = p.Given("account_token") // recorded once; unverified: that the token is why
			made, events = append(made, person), append(events, "person.created")
		}
	}
	if err := d.company(c, a); err != nil {
		return err
	}
	if err := d.showExternal(c, a); err != nil {
		return err
	}
	if err := d.recheck(c, a); err != nil {
		return err
	}
	for i, obj := range made {
		if err := c.Save(obj, events[i]); err != nil {
			return err
		}
	}
	if fresh { // unverified: that making an account by v1 tells of it as account.updated
		if err := d.capabilitiesChanged(c, a); err != nil {
			return err
		}
		return c.Save(a, "account.updated")
	}
	return d.changed(c, a)
}

// changed saves an account and tells that it has changed: first of its capabilities, then of itself.
func (d *Accounts) changed(c *api.Call, a *Account) error {
	return As(c, a, func() error {
		if err := d.capabilitiesChanged(c, a); err != nil {
			return err
		}
		return c.Save(a, "account.updated")
	})
}

// request notes the capabilities that the request asks for, or gives up.
func (d *Accounts) request(c *api.Call, a *Account) {
	life := &a.Private.Life
	if life.Requested == nil {
		life.Requested = map[string]int64{}
	}
	ask := func(name string, want bool) {
		_, has := life.Requested[name]
		switch {
		case want && !has:
			life.Requested[name] = c.Now()
		case !want:
			delete(life.Requested, name)
		}
	}
	for _, name := range c.P.Strings("requested_capabilities") { // the older way
		ask(name, true)
	}
	if caps := c.P.Get("capabilities"); caps != nil {
		for _, f := range caps.Fields {
			if f.Value.Has("requested") {
				ask(f.Name, f.Value.True("requested"))
			}
		}
	}
}

// name derives what customers read from what the account says of itself. Known from: recordings ("https://vipul.gumroad.com/" gives
// VIPUL.GUMROAD.COM, "www.gumroad.com" gives the name Gumroad).
func (d *Accounts) name(a *Account) {
	s, p := a.Settings, a.BusinessProfile
	name, descriptor := text(p.Name), text(p.Name)
	if p.URL != nil {
		host := hostOf(*p.URL)
		if descriptor == "" {
			descriptor = host
		}
		if name == "" {
			name = host
			if i := strings.LastIndexByte(host, '.'); i > 0 {
				name = host[:i]
			}
			if !strings.Contains(name, ".") && name != "" {
				name = strings.ToUpper(name[:1]) + name[1:]
			}
		}
	}
	if s.Dashboard.DisplayName == nil && name != "" {
		s.Dashboard.DisplayName = &name
	}
	if s.Payments.StatementDescriptor != nil {
		return
	}
	if text := statementDescriptor(descriptor); text != "" {
		s.Payments.StatementDescriptor = &text
		if s.CardPayments.StatementDescriptorPrefix == nil && a.Type != "express" {
			prefix := strings.TrimSpace(text[:min(len(text), 10)])
			s.CardPayments.StatementDescriptorPrefix = &prefix
		}
	}
}

func hostOf(url string) string {
	if i := strings.Index(url, "://"); i >= 0 {
		url = url[i+3:]
	}
	host, _, _ := strings.Cut(url, "/")
	return strings.TrimPrefix(strings.ToLower(host), "www.")
}

// manualNow are the countries where money can be paid out by hand a day after it has come. Known from: facts 16f, recorded.
const manualNow = "AE AU CA CH DE FR GB GI HK JP LI NO NZ PL RO SE SG US CI CR DO GT ID IN MX MY PE PH SN TH TT UY"

// schedule fills in the days of a payout schedule that were not given.
func (d *Accounts) schedule(a *Account, p *form.Value) {
	s := &a.Settings.Payouts.Schedule
	given := p.At("settings", "payouts", "schedule")
	if days := given.Num("delay_days"); days > 0 {
		s.DelayDays = days
		return
	}
	if s.DelayDays > 0 && !given.Has("interval") && !given.Has("delay_days") {
		return
	}
	s.DelayDays = delayDays(a.Country)
	switch {
	case a.Private.Life.Recipient && !slices.Contains(strings.Fields(manualNow), a.Country):
		s.DelayDays = 0
	case s.Interval == "manual":
		s.DelayDays = 1
	}
}

// company fills in what is shown of the business. An individual's company shows the individual's address and phone. Known from: recordings.
func (d *Accounts) company(c *api.Call, a *Account) error {
	given := c.P.Get("company")
	business := a.BusinessType != nil && *a.BusinessType != "individual"
	if given == nil && a.Company == nil && !business && a.Controller.RequirementCollection == "stripe" {
		return nil
	}
	if a.Company == nil {
		a.Company = &Company{Address: &Address{Country: &a.Country}}
		if a.Private.Life.Recipient {
			null, no := json.RawMessage("null"), false
			a.Company.NameKana, a.Company.NameKanji, a.Company.OwnershipDeclaration, a.Company.VATIDProvided = null, null, null, &no
		}
	}
	co := a.Company
	if given != nil {
		if err := api.Bind(co, given); err != nil {
			return err
		}
		co.TaxIDProvided = co.TaxIDProvided || given.Given("tax_id") || given.Given("registration_number")
		if given.Given("vat_id") {
			yes := true
			co.VATIDProvided = &yes
		}
	}
	if a.BusinessType == nil || business {
		return nil
	}
	co.DirectorsProvided, co.ExecutivesProvided, co.OwnersProvided = true, true, true
	persons, err := personsOf(c, a)
	if err != nil || len(persons) == 0 {
		return err
	}
	p := persons[0]
	co.Phone = p.Phone
	if p.AddressKana != nil || p.AddressKanji != nil {
		co.Address, co.AddressKana, co.AddressKanji = nil, p.AddressKana, p.AddressKanji
		return nil
	}
	copied := *p.Address
	co.Address = &copied
	return nil
}

// responsibilities are what a type of account stands for. Known from: facts 16a.
var responsibilities = map[string]struct{ losses, payer, collection, dashboard string }{
	"standard": {"stripe", "account", "stripe", "full"},
	"express":  {"application", "application_express", "stripe", "express"},
	"custom":   {"application", "application_custom", "application", "none"},
}

// controllerOf reads who answers for an account: by its type, or by its controller.
func controllerOf(p *form.Value) (*Controller, string, *fault.Error) {
	typ := p.Str("type")
	given := p.Get("controller")
	if typ != "" && given != nil {
		return nil, "", fault.OnlyOne("type", "controller")
	}
	if typ == "" && (given == nil || len(given.Fields) == 0) {
		typ = "standard"
	}
	r := responsibilities["standard"]
	if typ != "" {
		r = responsibilities[typ]
	} else {
		typ = "none"
		set := func(dst *string, text string) {
			if text != "" {
				*dst = text
			}
		}
		set(&r.losses, given.At("losses").Str("payments"))
		set(&r.payer, given.At("fees").Str("payer"))
		set(&r.collection, given.Str("requirement_collection"))
		set(&r.dashboard, given.At("stripe_dashboard").Str("type"))
		if f := conflict(r.losses, r.payer, r.collection, r.dashboard); f != nil {
			return nil, "", f
		}
		if r == responsibilities["standard"] {
			typ = "standard"
		}
	}
	return &Controller{
		Fees: raw(map[string]string{"payer": r.payer}), IsController: true, Losses: raw(map[string]string{"payments": r.losses}),
		RequirementCollection: r.collection, StripeDashboard: raw(map[string]string{"type": r.dashboard}), Type: "application",
	}, typ, nil
}

// conflict refuses responsibilities that do not go together. Known from: facts 16a. unverified: the words.
func conflict(losses, payer, collection, dashboard string) *fault.Error {
	mine := collection == "application"
	switch {
	case mine && losses == "stripe":
		return fault.ControllerConflict("controller[losses][payments]", "When `controller[requirement_collection]` is `application`, `controller[losses][payments]` must be `application`.")
	case mine && payer == "account":
		return fault.ControllerConflict("controller[fees][payer]", "When `controller[requirement_collection]` is `application`, `controller[fees][payer]` must be `application`.")
	case mine && dashboard != "none":
		return fault.ControllerConflict("controller[stripe_dashboard][type]", "When `controller[requirement_collection]` is `application`, `controller[stripe_dashboard][type]` must be `none`.")
	case dashboard == "express" && (losses == "stripe" || payer == "account"):
		return fault.ControllerConflict("controller[stripe_dashboard][type]", "When `controller[stripe_dashboard][type]` is `express`, `controller[losses][payments]` and `controller[fees][payer]` must be `application`.")
	case dashboard == "full" && (losses == "application" || payer == "application"):
		return fault.ControllerConflict("controller[stripe_dashboard][type]", "When `controller[stripe_dashboard][type]` is `full`, `controller[losses][payments]` must be `stripe` and `controller[fees][payer]` must be `account`.")
	case dashboard == "none" && collection == "stripe" && losses == "application":
		return fault.ControllerConflict("controller[stripe_dashboard][type]", "When `controller[stripe_dashboard][type]` is `none`, `controller[requirement_collection]` and `controller[losses][payments]` must go together.")
	}
	return nil
}

// checkShared refuses what creating and updating have in common.
func (d *Accounts) checkShared(c *api.Call) error {
	p := c.P
	if err := d.takeToken(c); err != nil {
		return err
	}
	for _, name := range p.Strings("requested_capabilities") {
		if !knownCapability(name) {
			return fault.UnknownCapability(name, "requested_capabilities")
		}
	}
	if in := p.Get("individual"); in != nil {
		return checkPerson(in, func(name string) string { return "individual[" + name + "]" })
	}
	return nil
}

func knownCapability(name string) bool {
	return spec.SchemaOf("account_capabilities").Property(name) != nil
}

func (d *Accounts) update(c *api.Call) (any, error) {
	a, err := d.connectedInPath(c)
	if err != nil {
		return nil, err
	}
	if err := d.checkShared(c); err != nil {
		return nil, err
	}
	return a, As(c, a, func() error { return d.furnish(c, a, false) })
}

// delete ends an account: in test mode at any time, in live mode when it has no money left.
func (d *Accounts) delete(c *api.Call) (any, error) {
	a, err := d.connectedInPath(c)
	if err != nil {
		return nil, err
	}
	link, err := connections.Get(c, a.ID)
	if err != nil {
		return nil, err
	}
	if link == nil { // the account itself asked, by Stripe-Account
		err = AsPlatform(c, func() error {
			link, err = connections.Get(c, a.ID)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if c.Live() {
		if err := d.checkEmpty(c, a); err != nil {
			return nil, err
		}
	}
	if err := deauthorized(c, a); err != nil {
		return nil, err
	}
	if err := c.Delete(link); err != nil {
		return nil, err
	}
	return a, c.Delete(a)
}

func (d *Accounts) checkEmpty(c *api.Call, a *Account) error {
	return As(c, a, func() error {
		sums, err := c.Sums()
		if err != nil {
			return err
		}
		for _, f := range ledger.Balance(sums) {
			if f.Available.Total() != 0 || f.Pending.Total() != 0 {
				return fault.AccountHasBalance(a.ID)
			}
		}
		return nil
	})
}

// reject ends what an account may do. Known from: the spec (reason fraud, terms_of_service or other).
func (d *Accounts) reject(c *api.Call) (any, error) {
	a, err := d.connectedInPath(c)
	if err != nil {
		return nil, err
	}
	reason := c.P.Str("reason")
	if !slices.Contains([]string{"fraud", "terms_of_service", "other"}, reason) {
		return nil, fault.NotOneOf("reason", []string{"fraud", "terms_of_service", "other"})
	}
	if string(a.Controller.Losses) != `{"payments":"application"}` {
		return nil, fault.NotControlled(a.ID)
	}
	a.Private.Life.Rejected = reason
	return a, As(c, a, func() error {
		if err := d.assess(c, a); err != nil {
			return err
		}
		return d.changed(c, a)
	})
}

// unreject takes a rejection back. unverified: what is answered where there was none; here, the account as it is.
func (d *Accounts) unreject(c *api.Call) (any, error) {
	a, err := d.connectedInPath(c)
	if err != nil || a.Private.Life.Rejected == "" {
		return a, err
	}
	a.Private.Life.Rejected = ""
	return a, As(c, a, func() error {
		if err := d.assess(c, a); err != nil {
			return err
		}
		return d.changed(c, a)
	})
}
