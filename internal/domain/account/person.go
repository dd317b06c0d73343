package account

import (
	"encoding/json"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
)

// A Person is somebody of a connected account: the individual that it is, or who represents, owns or directs the company. Persons are kept in the
// connected account's scope. Known from: recordings of 2,300 of them.
type Person struct {
	api.Meta
	Account                  string              `json:"account"`
	AdditionalTOSAcceptances json.RawMessage     `json:"additional_tos_acceptances,omitempty"`
	Address                  *Address            `json:"address,omitempty"`
	AddressKana              *JapanAddress       `json:"address_kana,omitempty"`
	AddressKanji             *JapanAddress       `json:"address_kanji,omitempty"`
	Created                  int64               `json:"created"`
	DOB                      DOB                 `json:"dob"`
	Email                    *string             `json:"email"`
	FirstName                *string             `json:"first_name"`
	FirstNameKana            json.RawMessage     `json:"first_name_kana,omitempty"`
	FirstNameKanji           json.RawMessage     `json:"first_name_kanji,omitempty"`
	FullNameAliases          *[]string           `json:"full_name_aliases,omitempty"`
	FutureRequirements       *PersonRequirements `json:"future_requirements,omitempty"`
	Gender                   json.RawMessage     `json:"gender,omitempty"`
	IDNumberProvided         bool                `json:"id_number_provided"`
	LastName                 *string             `json:"last_name"`
	LastNameKana             json.RawMessage     `json:"last_name_kana,omitempty"`
	LastNameKanji            json.RawMessage     `json:"last_name_kanji,omitempty"`
	MaidenName               json.RawMessage     `json:"maiden_name,omitempty"`
	Metadata                 map[string]string   `json:"metadata"`
	Nationality              json.RawMessage     `json:"nationality,omitempty"`
	Phone                    *string             `json:"phone"`
	PoliticalExposure        string              `json:"political_exposure,omitempty"`
	RegisteredAddress        *Address            `json:"registered_address,omitempty"`
	Relationship             Relationship        `json:"relationship"`
	Requirements             *PersonRequirements `json:"requirements,omitempty"`
	SSNLast4Provided         bool                `json:"ssn_last_4_provided"`
	Verification             Verification        `json:"verification"`
	Private                  PersonPrivate       `json:"-"`
}

// PersonPrivate is what no answer shows. Numbers of identity are never kept: only whether they were given, and what test mode makes of them.
type PersonPrivate struct {
	Verified  bool `json:"verified,omitempty"`  // its checks are over
	Papers    bool `json:"papers,omitempty"`    // a document has come after the rest
	Illegible bool `json:"illegible,omitempty"` // the document is one that no check accepts
	Mismatch  bool `json:"mismatch,omitempty"`  // the number is one that no check accepts
	Instant   bool `json:"instant,omitempty"`   // the number is one that is accepted in the answer
}

// Address is a postal address.
type Address struct {
	City       *string `json:"city"`
	Country    *string `json:"country"` // two letters
	Line1      *string `json:"line1"`
	Line2      *string `json:"line2"`
	PostalCode *string `json:"postal_code"`
	State      *string `json:"state"`
}

// JapanAddress is an address as Japan writes it, in kana or kanji.
type JapanAddress struct {
	Address
	Town *string `json:"town"`
}

// DOB is a date of birth.
type DOB struct {
	Day   *int64 `json:"day"`
	Month *int64 `json:"month"`
	Year  *int64 `json:"year"`
}

// Relationship is what a person is to the account.
type Relationship struct {
	AccountOpener    bool     `json:"account_opener,omitempty"`
	Authorizer       bool     `json:"authorizer"`
	Director         bool     `json:"director"`
	Executive        bool     `json:"executive"`
	LegalGuardian    bool     `json:"legal_guardian"`
	Owner            bool     `json:"owner"`
	PercentOwnership *float64 `json:"percent_ownership"`
	Representative   bool     `json:"representative"`
	Title            *string  `json:"title"`
}

// Verification is how the checks of a person stand.
type Verification struct {
	AdditionalDocument Document `json:"additional_document"`
	Details            *string  `json:"details"`
	DetailsCode        *string  `json:"details_code"`
	Document           Document `json:"document"`
	Status             string   `json:"status"` // unverified, pending or verified
}

// A Document is a paper, as two files.
type Document struct {
	Back        *string `json:"back"`
	Details     *string `json:"details"`
	DetailsCode *string `json:"details_code"`
	Front       *string `json:"front"`
}

// PersonRequirements are what is wanted of a person.
type PersonRequirements struct {
	Alternatives        []json.RawMessage  `json:"alternatives"`
	CurrentlyDue        []string           `json:"currently_due"`
	Errors              []RequirementError `json:"errors"`
	EventuallyDue       []string           `json:"eventually_due"`
	PastDue             []string           `json:"past_due"`
	PendingVerification []string           `json:"pending_verification"`
}

// Persons is the kind of persons.
var Persons = &api.Kind[Person]{Name: "person", Prefixes: []string{"person"}, Param: "person"}

func (p *Person) hasDocument() bool { return p.Verification.Document.Front != nil }

func (d *Accounts) personRoutes(r *api.Router) {
	r.Kind(Persons)
	for _, people := range []string{"persons", "people"} { // people is the older name of the route
		r.Handle("POST /v1/accounts/{account}/"+people, d.createPerson)
		r.Handle("GET /v1/accounts/{account}/"+people, d.listPersons)
		r.Handle("GET /v1/accounts/{account}/"+people+"/{person}", d.retrievePerson)
		r.Handle("POST /v1/accounts/{account}/"+people+"/{person}", d.updatePerson)
		r.Handle("DELETE /v1/accounts/{account}/"+people+"/{person}", d.deletePerson)
	}
}

func (d *Accounts) createPerson(c *api.Call) (any, error) {
	a, err := d.inPath(c)
	if err != nil {
		return nil, err
	}
	if err := d.takePersonToken(c); err != nil {
		return nil, err
	}
	if err := checkPerson(c.P, itself); err != nil {
		return nil, err
	}
	var p *Person
	err = As(c, a, func() error {
		if p, err = d.newPerson(c, a, c.P); err != nil {
			return err
		}
		if err := d.assess(c, a); err != nil {
			return err
		}
		if err := c.Save(p, "person.created"); err != nil {
			return err
		}
		return d.changed(c, a)
	})
	return p, err
}

// checkPerson refuses what cannot be of a person. The words for a bad date are unverified.
func checkPerson(p *form.Value, param func(name string) string) error {
	if dob := p.Get("dob"); dob != nil && dob.Kind == form.Object {
		if m := dob.Num("month"); m < 1 || m > 12 {
			return fault.Invalid(param("dob")+"[month]", "Invalid dob: month must be between 1 and 12.")
		}
		if n := dob.Num("day"); n < 1 || n > 31 {
			return fault.Invalid(param("dob")+"[day]", "Invalid dob: day must be between 1 and 31.")
		}
	}
	return nil
}

func itself(name string) string { return name }

// newPerson makes a person of an account from parameters; it is saved by its caller.
func (d *Accounts) newPerson(c *api.Call, a *Account, params *form.Value) (*Person, error) {
	p := Persons.New(c, c.NewID("person"))
	p.Account, p.Created, p.Metadata = a.ID, c.Now(), map[string]string{}
	p.Address = &Address{Country: &a.Country}
	p.AdditionalTOSAcceptances = json.RawMessage(`{"account":{"date":null,"ip":null,"user_agent":null}}`)
	p.Verification.Status = "unverified"
	if a.Private.Life.Recipient {
		for _, m := range []*json.RawMessage{&p.FirstNameKana, &p.FirstNameKanji, &p.Gender, &p.LastNameKana, &p.LastNameKanji, &p.MaidenName, &p.Nationality} {
			*m = json.RawMessage("null")
		}
	}
	a.Private.Life.Persons = append(a.Private.Life.Persons, p.ID)
	return p, p.take(c, params)
}

// take puts what was sent into a person.
func (p *Person) take(c *api.Call, params *form.Value) error {
	if err := api.Bind(p, params); err != nil {
		return err
	}
	if id := params.Str("id_number"); id != "" {
		p.IDNumberProvided, p.SSNLast4Provided = true, true // recorded: whoever gave the number has given its end
		p.Private.Mismatch, p.Private.Instant = id == "111111111", id == "222222222"
	}
	if ssn := params.Str("ssn_last_4"); ssn != "" {
		p.SSNLast4Provided = true
		p.Private.Mismatch = ssn == "1111"
	}
	if params.Has("full_name_aliases") {
		aliases := slices.DeleteFunc(params.Strings("full_name_aliases"), func(s string) bool { return s == "" })
		p.FullNameAliases = &aliases
	}
	for _, side := range []**string{
		&p.Verification.Document.Front, &p.Verification.Document.Back, &p.Verification.AdditionalDocument.Front, &p.Verification.AdditionalDocument.Back,
	} {
		if *side != nil && strings.HasPrefix(**side, "file_identity_document_") { // a test file: each use is a file of its own (recorded)
			p.Private.Illegible = **side == "file_identity_document_failure"
			file := c.NewID("file")
			*side = &file
		}
	}
	if p.Phone != nil {
		phone := internationalPhone(*p.Phone)
		p.Phone = &phone
	}
	return api.MetadataLimit(p.Metadata)
}

// internationalPhone gives a number the country code that it lacks. Known from: recordings ("0000000000" becomes "+10000000000", in Korea too).
func internationalPhone(s string) string {
	if s == "" || strings.HasPrefix(s, "+") {
		return s
	}
	return "+1" + s
}

// personsOf are the persons of an account, in the order in which they were made.
func personsOf(c *api.Call, a *Account) (out []*Person, err error) {
	scope := a.Scope(a.Private.Life.Live)
	for _, id := range a.Private.Life.Persons {
		p, err := Persons.GetAt(c, scope, id)
		if err != nil {
			return nil, err
		}
		if p != nil {
			out = append(out, p)
		}
	}
	return out, nil
}

// assessPersons sets what is wanted of each person, and shows the individual in the account.
func (d *Accounts) assessPersons(c *api.Call, a *Account, persons []*Person) error {
	individual := a.BusinessType != nil && *a.BusinessType == "individual"
	a.Individual = nil
	for _, p := range persons {
		was := raw([]any{p.Requirements, p.Verification})
		prefix := p.ID + "."
		if individual {
			prefix = "individual."
		}
		own := func(names []string) (out []string) {
			for _, n := range names {
				if rest, ok := strings.CutPrefix(n, prefix); ok {
					out = append(out, rest)
				}
			}
			return out
		}
		r := &PersonRequirements{
			CurrentlyDue: own(a.Requirements.CurrentlyDue), EventuallyDue: own(a.Requirements.EventuallyDue), PastDue: own(a.Requirements.PastDue),
			PendingVerification: own(a.Requirements.PendingVerification),
		}
		for _, e := range a.Requirements.Errors {
			if rest, ok := strings.CutPrefix(e.Requirement, prefix); ok {
				r.Errors = append(r.Errors, RequirementError{e.Code, e.Reason, rest})
			}
		}
		p.Requirements, p.FutureRequirements = r, &PersonRequirements{}
		if a.seesFuture() {
			p.FutureRequirements = &PersonRequirements{
				CurrentlyDue: r.CurrentlyDue, EventuallyDue: r.EventuallyDue, PastDue: r.PastDue, PendingVerification: r.PendingVerification,
			}
		}
		switch {
		case (p.Private.Papers || p.Private.Verified) && len(r.Errors) == 0 && len(r.CurrentlyDue) == 0:
			p.Verification.Status = "verified"
		case len(r.PendingVerification) > 0 || !slices.ContainsFunc(r.EventuallyDue, identifies):
			p.Verification.Status = "pending"
		default:
			p.Verification.Status = "unverified"
		}
		if string(was) != string(raw([]any{p.Requirements, p.Verification})) {
			if err := c.Save(p); err != nil {
				return err
			}
		}
		if individual && a.Individual == nil {
			body, err := c.Show(p)
			if err != nil {
				return err
			}
			a.Individual = slices.Clone(body)
		}
	}
	return nil
}

// identifies says whether what is due keeps a person from being looked at. Known from: recordings, in which the state, other names, and the proof of
// being alive do not.
func identifies(due string) bool {
	return due != "address.state" && due != "full_name_aliases" && due != "verification.proof_of_liveness" && !strings.HasPrefix(due, "relationship.")
}

// personInPath finds an account and one of its persons.
func (d *Accounts) personInPath(c *api.Call) (*Account, *Person, error) {
	a, err := d.inPath(c)
	if err != nil {
		return nil, nil, err
	}
	id := c.Path("person")
	p, err := Persons.GetAt(c, a.Scope(a.Private.Life.Live), id)
	if err == nil && p == nil {
		err = Persons.Missing(id, "person", 404)
	}
	return a, p, err
}

func (d *Accounts) retrievePerson(c *api.Call) (any, error) {
	_, p, err := d.personInPath(c)
	return p, err
}

func (d *Accounts) listPersons(c *api.Call) (any, error) {
	a, err := d.inPath(c)
	if err != nil {
		return nil, err
	}
	n := api.Narrow{Skip: []string{"relationship"}}
	if want := c.P.Get("relationship"); want != nil {
		n.Where = func(body []byte) bool { return relates(body, want) }
	}
	var list any
	err = As(c, a, func() error {
		list, err = Persons.ListOf(c, n)
		return err
	})
	return list, err
}

// relates says whether a person has the relationships that a list is narrowed to.
func relates(body []byte, want *form.Value) bool {
	var p struct {
		Relationship map[string]any `json:"relationship"`
	}
	if json.Unmarshal(body, &p) != nil {
		return false
	}
	for _, f := range want.Fields {
		if has, _ := p.Relationship[f.Name].(bool); has != (f.Value.Int != 0) {
			return false
		}
	}
	return true
}

func (d *Accounts) updatePerson(c *api.Call) (any, error) {
	a, p, err := d.personInPath(c)
	if err != nil {
		return nil, err
	}
	if err := d.takePersonToken(c); err != nil {
		return nil, err
	}
	if err := checkPerson(c.P, itself); err != nil {
		return nil, err
	}
	return p, As(c, a, func() error {
		if err := p.take(c, c.P); err != nil {
			return err
		}
		p.Private.Papers = p.Private.Papers || p.hasDocument()
		if err := d.recheck(c, a); err != nil {
			return err
		}
		if err := c.Save(p, "person.updated"); err != nil {
			return err
		}
		return d.changed(c, a)
	})
}

// recheck assesses an account after a change of what is checked: what had failed is looked at again.
func (d *Accounts) recheck(c *api.Call, a *Account) error {
	life := &a.Private.Life
	if len(life.Failed) > 0 {
		life.Failed, life.Verified, life.Checking = nil, false, 0
	}
	return d.assess(c, a)
}

func (d *Accounts) deletePerson(c *api.Call) (any, error) {
	a, p, err := d.personInPath(c)
	if err != nil {
		return nil, err
	}
	if p.Relationship.Representative {
		return nil, fault.RepresentativeStays()
	}
	return p, As(c, a, func() error {
		a.Private.Life.Persons = slices.DeleteFunc(a.Private.Life.Persons, func(id string) bool { return id == p.ID })
		if err := c.Delete(p, "person.deleted"); err != nil {
			return err
		}
		if err := d.assess(c, a); err != nil {
			return err
		}
		return d.changed(c, a)
	})
}
