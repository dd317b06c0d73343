// Package taxid keeps the tax ids of customers and of the account itself, and says whether a registry knows them.
//
// In test mode the value says how the verification ends: nine or more zeros in it are verified, ones are not, and twos cannot be asked about.
//
// Known from: facts 05f (tax_id_invalid); docs.stripe.com/billing/customer/tax-ids (which types are verified, test values).
package taxid

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
)

// A Domain keeps tax ids.
type Domain struct{}

// New makes the domain: a customer shows its tax ids, and takes them along when it is deleted.
func New(customers *customer.Domain) *Domain {
	d := &Domain{}
	customers.Lists["tax_ids"], customers.TaxIDs = d.of, d.comeWith
	customers.Deleted = append(customers.Deleted, d.customerDeleted)
	return d
}

// A TaxID is a number under which a business is known to a tax authority.
type TaxID struct {
	api.Meta
	Country         *string       `json:"country"` // two letters
	Created         int64         `json:"created"`
	Customer        *string       `json:"customer"`
	CustomerAccount *string       `json:"customer_account"`
	Livemode        bool          `json:"livemode"`
	Owner           *Owner        `json:"owner"`
	Type            string        `json:"type"` // eu_vat, us_ein, …
	Value           string        `json:"value"`
	Verification    *Verification `json:"verification"`
}

// Owner is whose it is.
type Owner struct {
	Customer *string `json:"customer,omitempty"`
	Type     string  `json:"type"` // customer or self
}

// Verification is what a registry says. The statuses: pending, then verified, unverified or unavailable.
type Verification struct {
	Status          string  `json:"status"`
	VerifiedAddress *string `json:"verified_address"`
	VerifiedName    *string `json:"verified_name"`
}

// TaxIDs is the kind of tax ids. unverified: the words of "No such …".
var TaxIDs = &api.Kind[TaxID]{Name: "tax_id", Prefixes: []string{"txi"}, Word: "tax id", Index: []string{"customer", "owner.type"}}

// verifiedAfter is how long a registry takes in test mode, in seconds. unverified.
const verifiedAfter = 3

// mostOf is how many tax ids a customer may have. Documented.
const mostOf = 5

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(TaxIDs)
	r.Handle("POST /v1/tax_ids", d.create)
	r.Handle("GET /v1/tax_ids", d.list)
	r.Plain("GET /v1/tax_ids/{id}", TaxIDs.Retrieve)
	r.Handle("DELETE /v1/tax_ids/{id}", d.delete)
	r.Handle("POST /v1/customers/{customer}/tax_ids", d.createFor)
	r.Handle("GET /v1/customers/{customer}/tax_ids", d.listFor)
	r.Handle("GET /v1/customers/{customer}/tax_ids/{id}", d.retrieveFor)
	r.Handle("DELETE /v1/customers/{customer}/tax_ids/{id}", d.deleteFor)
	r.Task("tax_id.verify", d.verify)
}

func (d *Domain) create(c *api.Call) (any, error) {
	owner := c.P.Get("owner")
	switch owner.Str("type") {
	case "", "self":
		return d.add(c, "", c.P, "value")
	case "customer":
		if !owner.Given("customer") {
			return nil, fault.Missing("owner[customer]")
		}
		cus, err := customer.Customers.Find(c, owner.Str("customer"), "owner[customer]")
		if err != nil {
			return nil, err
		}
		return d.add(c, cus.ID, c.P, "value")
	}
	return nil, fault.NotYet("POST /v1/tax_ids with owner[type]="+owner.Str("type"), "owner[type]")
}

func (d *Domain) createFor(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	return d.add(c, cus.ID, c.P, "value")
}

// comeWith makes the tax ids that a new customer comes with.
func (d *Domain) comeWith(c *api.Call, cus *customer.Customer, data *form.Value) error {
	if len(data.Items) > mostOf {
		return fault.TooManyTaxIDs(mostOf)
	}
	for i, it := range data.Items {
		if _, err := d.add(c, cus.ID, it, fmt.Sprintf("tax_id_data[%d][value]", i)); err != nil {
			return err
		}
	}
	return nil
}

// add makes a tax id of a customer, or with no owner of the account, from the type and value in p. param is what the value is called.
func (d *Domain) add(c *api.Call, owner string, p *form.Value, param string) (any, error) {
	typ, value := p.Str("type"), strings.TrimSpace(p.Str("value"))
	if form, ok := forms[typ]; ok && !form.MatchString(value) {
		return nil, fault.TaxIDInvalid(typ, param)
	}
	if owner != "" {
		n := 0
		err := TaxIDs.Each(c, "customer", owner, func(*TaxID) bool { n++; return n < mostOf })
		if err != nil {
			return nil, err
		}
		if n >= mostOf {
			return nil, fault.TooManyTaxIDs(mostOf)
		}
	}

	t := TaxIDs.New(c, c.NewID("txi"))
	t.Created, t.Livemode, t.Type, t.Value = c.Now(), c.Live(), typ, value
	t.Owner = &Owner{Type: "self"}
	if owner != "" {
		t.Customer, t.Owner = &owner, &Owner{Type: "customer", Customer: &owner}
	}
	if country := countryOf(typ, value); country != "" {
		t.Country = &country
	}
	t.Verification = &Verification{Status: "unavailable"}
	if verified[typ] {
		t.Verification.Status = "pending"
		c.At(c.Now()+verifiedAfter, "tax_id.verify", t.ID)
	}
	if owner == "" {
		return t, c.Save(t) // the spec has no event for the account's own
	}
	return t, c.Save(t, "customer.tax_id.created")
}

// verified are the types that a registry is asked about. Documented.
var verified = map[string]bool{"eu_vat": true, "gb_vat": true, "au_abn": true}

// verify is the task in which the registry answers.
func (d *Domain) verify(c *api.Call, id string) error {
	t, err := TaxIDs.Get(c, id)
	if err != nil || t == nil || t.Verification.Status != "pending" {
		return err
	}
	name, address := "TEST", "TEST" // unverified: what test mode shows
	switch {
	case c.Live(): // no registry is asked
		t.Verification.Status = "unavailable"
	case strings.Contains(t.Value, "111111111"):
		t.Verification.Status = "unverified"
	case strings.Contains(t.Value, "222222222"): // pending for ever
		return nil
	default: // 000000000, and what test mode does not know
		t.Verification = &Verification{Status: "verified", VerifiedAddress: &address, VerifiedName: &name}
	}
	if t.Customer == nil {
		return c.Save(t)
	}
	return c.Save(t, "customer.tax_id.updated")
}

// forms are what values of a type look like. Other types take what they are given. Known from: the documented examples of each.
var forms = map[string]*regexp.Regexp{
	"eu_vat": regexp.MustCompile(`^(ATU\d{8}|BE[01]?\d{9}|BG\d{9,10}|CY\d{8}[A-Z]|CZ\d{8,10}|DE\d{9}|DK\d{8}|EE\d{9}|EL\d{9}|ES[A-Z0-9]\d{7}[A-Z0-9]|FI\d{8}|` +
		`FR[A-Z0-9]{2}\d{9}|HR\d{11}|HU\d{8}|IE[A-Z0-9]{8,9}|IT\d{11}|LT(\d{9}|\d{12})|LU\d{8}|LV\d{11}|MT\d{8}|NL[A-Z0-9]{9}B\d{2}|PL\d{10}|PT\d{9}|RO\d{2,10}|` +
		`SE\d{12}|SI\d{8}|SK\d{10}|XI(\d{9}|\d{12}|(GD|HA)\d{3}))$`),
	"gb_vat": regexp.MustCompile(`^GB(\d{9}|\d{12}|(GD|HA)\d{3})$`),
	"au_abn": regexp.MustCompile(`^\d{11}$`), "ch_vat": regexp.MustCompile(`^CHE-?\d{3}\.?\d{3}\.?\d{3} ?(MWST|TVA|IVA)$`),
	"no_vat": regexp.MustCompile(`^\d{9}MVA$`), "us_ein": regexp.MustCompile(`^\d{2}-?\d{7}$`), "ca_bn": regexp.MustCompile(`^\d{9}$`),
	"ca_gst_hst": regexp.MustCompile(`^\d{9}RT\d{4}$`), "in_gst": regexp.MustCompile(`^[0-9A-Z]{15}$`), "br_cnpj": regexp.MustCompile(`^\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}$`),
	"br_cpf": regexp.MustCompile(`^\d{3}\.?\d{3}\.?\d{3}-?\d{2}$`), "sg_uen": regexp.MustCompile(`^[0-9A-Z]{9,10}$`), "jp_cn": regexp.MustCompile(`^\d{13}$`),
	"nz_gst": regexp.MustCompile(`^\d{8,9}$`), "za_vat": regexp.MustCompile(`^4\d{9}$`), "mx_rfc": regexp.MustCompile(`^[A-ZÑ&]{3,4}\d{6}[0-9A-Z]{3}$`),
	"pl_nip": regexp.MustCompile(`^\d{10}$`), "es_cif": regexp.MustCompile(`^[A-Z]\d{7}[0-9A-Z]$`), "kr_brn": regexp.MustCompile(`^\d{3}-?\d{2}-?\d{5}$`),
}

// countryOf is the country of a tax id: the one that its type begins with, or a European one's value. "" for those of no country.
func countryOf(typ, value string) string {
	prefix, _, _ := strings.Cut(typ, "_")
	switch {
	case typ == "eu_vat" && len(value) > 2:
		if value[:2] == "EL" {
			return "GR"
		}
		if value[:2] == "XI" {
			return "GB"
		}
		return value[:2]
	case len(prefix) == 2 && prefix != "eu" && prefix != "ic":
		return strings.ToUpper(prefix)
	}
	return ""
}

func (d *Domain) list(c *api.Call) (any, error) {
	n := api.Narrow{Skip: []string{"owner"}, Path: "owner.type", Value: "self"}
	owner := c.P.Get("owner")
	switch owner.Str("type") {
	case "customer":
		n.Path, n.Value = "customer", owner.Str("customer")
	case "account":
		if a := account.Of(c); owner.Str("account") != a.ID {
			return nil, fault.NoSuch("account", owner.Str("account"), "owner[account]", 400)
		}
	}
	return TaxIDs.ListOf(c, n)
}

func (d *Domain) delete(c *api.Call) (any, error) {
	t, err := TaxIDs.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	return t, d.remove(c, t)
}

func (d *Domain) remove(c *api.Call, t *TaxID) error {
	if t.Customer == nil {
		return c.Delete(t)
	}
	return c.Delete(t, "customer.tax_id.deleted")
}

func (d *Domain) listFor(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	return TaxIDs.ListOf(c, api.Narrow{Path: "customer", Value: cus.ID})
}

// inPath is the tax id that the path names, if it is the customer's.
func (d *Domain) inPath(c *api.Call) (*TaxID, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	t, err := TaxIDs.InPath(c, "id")
	if err == nil && (t.Customer == nil || *t.Customer != cus.ID) {
		err = TaxIDs.Missing(c.Path("id"), "id", 404)
	}
	return t, err
}

func (d *Domain) retrieveFor(c *api.Call) (any, error) {
	t, err := d.inPath(c)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (d *Domain) deleteFor(c *api.Call) (any, error) {
	t, err := d.inPath(c)
	if err != nil {
		return nil, err
	}
	return t, d.remove(c, t)
}

// of is a customer's list, for those who expand it.
func (d *Domain) of(c *api.Call, cus string) (*api.List, error) {
	total := int64(0)
	l := &api.List{Object: "list", URL: "/v1/customers/" + cus + "/tax_ids", Total: &total}
	var failed error
	err := TaxIDs.Each(c, "customer", cus, func(t *TaxID) bool {
		var body []byte
		body, failed = c.Show(t)
		total++
		l.Data = append(l.Data, slices.Clone(body))
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	return l, err
}

// customerDeleted takes a customer's tax ids along.
func (d *Domain) customerDeleted(c *api.Call, cus *customer.Customer) error {
	var failed error
	err := TaxIDs.Each(c, "customer", cus.ID, func(t *TaxID) bool {
		failed = c.Delete(t)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	return err
}
