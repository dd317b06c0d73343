package account

import (
	"encoding/json"
	"slices"
	"strings"

	"florin/internal/api"
)

// Requirements are what is still wanted of an account before it may do what it asked for. past_due ⊆ currently_due ⊆ eventually_due.
type Requirements struct {
	Alternatives        []json.RawMessage  `json:"alternatives"`
	CurrentDeadline     *int64             `json:"current_deadline"` // Unix seconds
	CurrentlyDue        []string           `json:"currently_due"`
	DisabledReason      *string            `json:"disabled_reason"`
	Errors              []RequirementError `json:"errors"`
	EventuallyDue       []string           `json:"eventually_due"`
	PastDue             []string           `json:"past_due"`
	PendingVerification []string           `json:"pending_verification"`
}

// A RequirementError says why what was given is wanted again.
type RequirementError struct {
	Code        string `json:"code"`
	Reason      string `json:"reason"`
	Requirement string `json:"requirement"`
}

// The statuses of a capability.
const (
	active   = "active"
	inactive = "inactive"
	pending  = "pending"
)

// slowCountries are those whose checks take a while; elsewhere an account with all its data is active in the answer that makes it.
// Known from: recordings of 180 accounts (facts 08, 8l).
var slowCountries = map[string]bool{"US": true}

// assess works out what is due, and what the account may do by it. It is called after every change.
//
// Known from: recordings of custom accounts of individuals and companies in forty countries (facts 08l, 16b), and of standard accounts.
// unverified: what is due of those that Stripe collects from beyond the six things of a standard account, and what a capability other than
// card_payments and transfers needs.
func (d *Accounts) assess(c *api.Call, a *Account) error {
	persons, err := personsOf(c, a)
	if err != nil {
		return err
	}
	due, later := a.due(persons)
	ready := !slices.ContainsFunc(due, holdsCapabilities) && len(a.Private.Life.Failed) == 0
	checks := a.checks(persons)
	life := &a.Private.Life
	switch {
	case !ready || life.Verified:
	case len(checks) == 0:
		life.Verified = true
		if life.Checking == 0 && a.BusinessType != nil { // the account may go ahead; its persons are looked at all the same
			d.check(c, a)
		}
	case life.Checking == 0:
		d.check(c, a)
	}
	if life.Verified || !ready {
		checks = nil
	}
	for _, f := range life.Failed {
		due = append(due, f.Requirement)
	}
	slices.Sort(due)
	due = slices.Compact(due)

	status := active
	switch {
	case !ready:
		status = inactive
	case len(checks) > 0:
		status = pending
	}
	a.Capabilities = map[string]string{}
	for name := range life.Requested {
		a.Capabilities[name] = status
	}
	able := a.Capabilities["card_payments"] == active || a.Capabilities["transfers"] == active || a.Capabilities["legacy_payments"] == active
	a.ChargesEnabled = able && life.Rejected == ""
	a.PayoutsEnabled = a.ChargesEnabled && len(due) == 0
	a.DetailsSubmitted = !slices.ContainsFunc(due, holdsDetails)

	r := &Requirements{CurrentlyDue: due, PastDue: due, PendingVerification: seen(c, checks), Errors: life.Failed}
	r.EventuallyDue = slices.Concat(due, later)
	slices.Sort(r.EventuallyDue)
	switch {
	case life.Rejected != "":
		reason := "rejected." + life.Rejected
		r.DisabledReason = &reason
	case len(due) > 0:
		reason := "requirements.past_due"
		r.DisabledReason = &reason
	case len(checks) > 0:
		reason := "requirements.pending_verification"
		r.DisabledReason = &reason
	}
	a.Requirements, a.FutureRequirements = r, a.future(r, checks)
	return d.assessPersons(c, a, persons)
}

// recordedDeadline is what future requirements of American accounts show as their deadline, also long after it (2024-06-04 16:00 UTC).
const recordedDeadline = 1717516800

// future are the requirements of rules to come. Known from: all 250 recorded American individuals (2023 to 2025) show what is due and checked now a
// second time; those of other countries (2026 too) show nothing.
func (a *Account) future(now *Requirements, checks []string) *Requirements {
	if !a.seesFuture() {
		return &Requirements{}
	}
	deadline := int64(recordedDeadline)
	return &Requirements{
		CurrentDeadline: &deadline, CurrentlyDue: now.CurrentlyDue, EventuallyDue: now.EventuallyDue, PastDue: now.PastDue,
		PendingVerification: checks,
	}
}

// site is what is verified of an account for the risk that it is.
const site = "business_profile.url"

// seen are the checks that requirements show: those of risk since 2026-03-25 or in the beta before it. Known from: facts 13 (DA3), recorded (the beta).
func seen(c *api.Call, checks []string) []string {
	if c.AtLeast("2026-03-25") || strings.Contains(c.Version, "risk_in_requirements_beta") || len(checks) == 0 || checks[0] != site {
		return checks
	}
	return checks[1:]
}

func (a *Account) seesFuture() bool {
	return a.Country == "US" && a.Controller.RequirementCollection == "application" && a.BusinessType != nil && *a.BusinessType == "individual"
}

// holdsCapabilities says whether what is due keeps the account from taking money; a missing bank account and papers keep it from payouts alone.
func holdsCapabilities(due string) bool {
	return due != "external_account" && due != "individual.verification.document"
}

// holdsDetails says whether the account counts as not yet filled in while this is due.
func holdsDetails(due string) bool {
	return due != "individual.verification.document" && !isPersonal(due)
}

// due lists what the account needs now, and what it will need.
func (a *Account) due(persons []*Person) (now, later []string) {
	want := func(missing bool, names ...string) {
		if missing {
			now = append(now, names...)
		}
	}
	p, life := a.BusinessProfile, a.Private.Life
	external := len(life.External) == 0
	if a.Controller.RequirementCollection == "stripe" {
		want(!p.described(), "business_profile.product_description")
		want(p.SupportPhone == nil, "business_profile.support_phone")
		want(p.URL == nil, "business_profile.url")
	} else {
		want(!p.described() && p.URL == nil, "business_profile.url")
		want(a.BusinessType == nil, "business_type")
	}
	want(external, "external_account")
	want(a.TOSAcceptance.Date == nil, "tos_acceptance.date")
	want(a.TOSAcceptance.IP == nil && a.Type != "express", "tos_acceptance.ip")
	if a.Controller.RequirementCollection == "stripe" || a.BusinessType == nil {
		return now, nil
	}
	if *a.BusinessType == "individual" {
		var person *Person
		if len(persons) > 0 {
			person = persons[0]
		}
		need := personDue(a.Country, person)
		for _, n := range need {
			now = append(now, "individual."+n)
		}
		switch {
		case a.Country == "SG" && person != nil && person.FullNameAliases != nil:
			now = append(now, "individual.verification.proof_of_liveness")
		case a.Country == "SG":
			later = append(later, "individual.verification.proof_of_liveness")
		case person != nil && person.hasDocument():
		case a.Country == "JP":
			want(len(need) == 0, "individual.verification.document")
		case life.Recipient && len(need) == 0:
			later = append(later, "individual.verification.document")
		}
		return now, later
	}
	return append(now, a.companyDue(persons)...), nil
}

// described says whether the account has said what it sells.
func (p *BusinessProfile) described() bool {
	return len(p.ProductDescription) > 0 && p.ProductDescription[0] == '"'
}

// personDue lists what a country asks of an individual, and is not there. Known from: facts 16b, recorded.
func personDue(country string, p *Person) (due []string) {
	if p == nil {
		p = &Person{Address: &Address{}}
	}
	want := func(missing bool, name string) {
		if missing {
			due = append(due, name)
		}
	}
	ad := p.Address
	if country != "JP" {
		want(empty(ad.City), "address.city")
		want(empty(ad.Line1), "address.line1")
		want(empty(ad.PostalCode) && !noPostalCode[country], "address.postal_code")
		want(empty(ad.State) && (country == "US" || country == "CA" || country == "AU"), "address.state")
	}
	want(p.DOB.Day == nil, "dob.day")
	want(p.DOB.Month == nil, "dob.month")
	want(p.DOB.Year == nil, "dob.year")
	want(empty(p.FirstName), "first_name")
	want(p.FullNameAliases == nil && country == "SG", "full_name_aliases")
	want(!p.IDNumberProvided && (country == "GT" || country == "PK" || country == "BO"), "id_number")
	want(empty(p.LastName), "last_name")
	want(empty(p.Phone) && country != "CA", "phone")
	want(!p.SSNLast4Provided && country == "US", "ssn_last_4")
	return due
}

// noPostalCode are countries without postal codes that recorded accounts left out.
var noPostalCode = map[string]bool{"AE": true, "HK": true, "BS": true, "RW": true, "TZ": true, "BO": true, "JO": true, "QA": true}

func empty(s *string) bool { return s == nil || *s == "" }

// companyDue lists what a company needs besides what every account does: its own data, and that of those who run and own it.
func (a *Account) companyDue(persons []*Person) (due []string) {
	want := func(missing bool, names ...string) {
		if missing {
			due = append(due, names...)
		}
	}
	co := a.Company
	us := a.Country == "US"
	want(co == nil || empty(co.Name), "company.name")
	want(co == nil || co.Address == nil || empty(co.Address.Line1), "company.address.city", "company.address.line1", "company.address.postal_code")
	want(co == nil || !co.TaxIDProvided, "company.tax_id")
	want(co == nil || !co.OwnersProvided, "company.owners_provided")
	var owner, representative *Person
	for _, p := range persons {
		if p.Relationship.Owner {
			owner = p
		}
		if p.Relationship.Representative {
			representative = p
		}
	}
	if owner == nil && (co == nil || !co.OwnersProvided) {
		want(!us, "owners.address.city", "owners.address.line1", "owners.address.postal_code", "owners.dob.day", "owners.dob.month", "owners.dob.year")
		want(true, "owners.email", "owners.first_name", "owners.last_name")
	}
	if representative == nil {
		want(true, "representative.address.city", "representative.address.line1", "representative.address.postal_code")
		want(us, "representative.address.state")
		want(true, "representative.dob.day", "representative.dob.month", "representative.dob.year", "representative.email",
			"representative.first_name", "representative.last_name", "representative.phone", "representative.relationship.executive",
			"representative.relationship.title")
		want(us, "representative.ssn_last_4")
	}
	for _, p := range persons {
		for _, n := range personDue(a.Country, p) {
			due = append(due, p.ID+"."+n)
		}
	}
	return due
}

// isPersonal says whether what is due is somebody's own, which does not keep a company from counting as filled in.
func isPersonal(due string) bool {
	for _, p := range []string{"owners.", "representative.", "person_", "company.owners_provided"} {
		if len(due) >= len(p) && due[:len(p)] == p {
			return true
		}
	}
	return false
}

// checks lists what is being verified while an account waits; none where it is verified at once.
func (a *Account) checks(persons []*Person) []string {
	if !slowCountries[a.Country] || a.Controller.RequirementCollection == "stripe" || a.BusinessType == nil {
		return nil
	}
	if *a.BusinessType != "individual" {
		out := []string{"company.address.city", "company.address.line1", "company.address.postal_code", "company.address.state", "company.tax_id"}
		return out
	}
	if len(persons) == 0 || persons[0].instant() {
		return nil
	}
	var out []string
	if a.Private.Life.Checking == 0 && a.BusinessProfile.URL != nil { // recorded: the site is looked at first, and done by the next change
		out = append(out, site)
	}
	for _, n := range persons[0].checks() {
		out = append(out, "individual."+n)
	}
	return out
}

// checks lists what is verified of a person of the United States.
func (p *Person) checks() []string {
	return []string{"address.city", "address.line1", "address.postal_code", "address.state", "id_number", "verification.document"}
}

// instant says whether a test person is verified in the answer. Known from: facts 16b (test tokens): the date of birth 1902-01-01, the number 222222222.
func (p *Person) instant() bool {
	return p.born(1902) || p.Private.Instant && p.born(1901)
}

// born says whether a person was born on the first day of a year: the test dates of birth.
func (p *Person) born(year int64) bool {
	return p.DOB.Year != nil && *p.DOB.Year == year && *p.DOB.Month == 1 && *p.DOB.Day == 1
}

// verify is the task by which the checks of an account end.
// unverified: test tokens that fail, other than those of package account's list, are taken as verified.
func (d *Accounts) verify(c *api.Call, account string) error {
	a, err := Load(c, account)
	if err != nil || a == nil || a.Private.Life.Checking == 0 {
		return err
	}
	persons, err := personsOf(c, a)
	if err != nil {
		return err
	}
	a.Private.Life.Verified, a.Private.Life.Failed, a.Private.Life.Checking = true, nil, 0
	for _, p := range persons {
		p.Private.Verified = true
		a.Private.Life.Failed = append(a.Private.Life.Failed, p.failures(a)...)
	}
	if err := d.assess(c, a); err != nil {
		return err
	}
	return d.changed(c, a)
}

// verifyAfter is how long the checks of test mode take, in seconds. Known from: facts 08 (8l): 3 to 68, half of them within 25.
const verifyAfter = 3

// check has an account looked at.
func (d *Accounts) check(c *api.Call, a *Account) {
	a.Private.Life.Checking = c.Now()
	c.At(c.Now()+verifyAfter, "account.verify", a.ID)
}

// FinishChecks ends the checks of an account at once if they are under way: in test mode, nobody who wants to use a new account has to wait for them.
func FinishChecks(c *api.Call, a *Account) error {
	if c.Live() || a.Private.Life.Checking == 0 {
		return nil
	}
	return (&Accounts{}).verify(c, a.ID)
}

// failures are what the checks of a test person find. Known from: facts 16b.
func (p *Person) failures(a *Account) (out []RequirementError) {
	prefix := "individual."
	if a.BusinessType == nil || *a.BusinessType != "individual" {
		prefix = p.ID + "."
	}
	if p.Private.Illegible {
		return append(out, RequirementError{"verification_document_failed_other", "There was an error while verifying the document. Upload another one.", prefix + "verification.document"})
	}
	if p.hasDocument() {
		return nil
	}
	// Known from: facts 16b: every other date of birth fails. Recorded: an account of Singapore with another is verified all the same, so this is of where
	// the checks of test mode are seen to run. unverified: what an alert of the Treasury's list (1900) shows beyond a date that does not match.
	wrongDOB := slowCountries[a.Country] && !p.born(1901) && !p.born(1902)
	if p.Private.Mismatch || wrongDOB {
		out = append(out, RequirementError{"verification_failed_keyed_identity", "The person's keyed-in identity information could not be verified. Correct any errors or upload a document that matches the identity fields (e.g., name and date of birth) entered.", prefix + "verification.document"})
	}
	if line := p.Address.Line1; line != nil && (*line == "address_no_match" || *line == "address_line1_no_match") {
		out = append(out, RequirementError{"verification_failed_address_match", "The address on the account could not be verified. Correct any errors or upload a document that matches the address.", prefix + "verification.additional_document"})
	}
	return out
}
