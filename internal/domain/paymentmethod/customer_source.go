package paymentmethod

import (
	"bytes"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/search"
)

// Sources of customers are what they paid with before payment methods: cards (card_…), bank accounts (ba_…) and sources (src_…). Each is two documents:
// itself, and the payment method that it also is.

// A held is a source of one of the three kinds, with its payment method.
type held struct {
	card   *Card
	bank   *account.BankAccount
	source *Source
	pm     *PaymentMethod
}

// hold loads a source by its id; nil if there is none.
func hold(c *api.Call, id string) (*held, error) {
	h := &held{}
	var err error
	switch prefix, _, _ := strings.Cut(id, "_"); prefix {
	case "card":
		if h.card, err = Cards.Get(c, id); h.card != nil && h.card.Account != nil {
			h.card = nil // an account is paid out to it
		}
	case "ba":
		if h.bank, err = account.BankAccounts.Get(c, id); h.bank != nil && h.bank.Account != nil {
			h.bank = nil // the account's own
		}
	case "src":
		h.source, err = Sources.Get(c, id)
	}
	if err != nil || h.card == nil && h.bank == nil && h.source == nil {
		return nil, err
	}
	h.pm, err = Get(c, id)
	if err != nil || h.pm == nil {
		return nil, err
	}
	return h, nil
}

func (h *held) object() api.Resource {
	switch {
	case h.card != nil:
		return h.card
	case h.bank != nil:
		return h.bank
	}
	return h.source
}

func (h *held) id() string {
	switch {
	case h.card != nil:
		return h.card.ID
	case h.bank != nil:
		return h.bank.ID
	}
	return h.source.ID
}

// belongs is where the source says whose it is.
func (h *held) belongs() **string {
	switch {
	case h.card != nil:
		return &h.card.Customer
	case h.bank != nil:
		return &h.bank.Customer
	}
	return &h.source.Customer
}

// owner is the customer that the source belongs to, or "".
func (h *held) owner() string {
	if p := *h.belongs(); p != nil {
		return *p
	}
	return ""
}

// old says whether an id is one of a source.
func old(id string) bool {
	return strings.HasPrefix(id, "card_") || strings.HasPrefix(id, "ba_") || strings.HasPrefix(id, "src_")
}

// customerSourceRoutes binds the sources of customers under all their names.
func (d *Domain) customerSourceRoutes(r *api.Router) {
	r.Kind(Cards)
	for _, name := range []string{"sources", "cards", "bank_accounts"} {
		path := "/v1/customers/{customer}/" + name
		r.Handle("GET "+path, d.listSources(name))
		r.Handle("POST "+path, d.createSource)
		r.Handle("GET "+path+"/{id}", d.retrieveSource)
		r.Handle("POST "+path+"/{id}", d.updateSource)
		r.Handle("DELETE "+path+"/{id}", d.deleteSource)
		if name != "cards" {
			r.Handle("POST "+path+"/{id}/verify", d.verifyBank)
		}
	}
	r.Task("customer.bank.fails", d.depositsFail)
	r.Task("customer.source.expiring", d.expiring)
}

// listSources lists the sources of a customer: of one kind, or of all.
func (d *Domain) listSources(name string) api.Handler {
	return func(c *api.Call) (any, error) {
		cus, err := customer.Customers.InPath(c, "customer")
		if err != nil {
			return nil, err
		}
		n := api.Narrow{Path: "customer", Value: cus.ID, Skip: []string{"object"}}
		what := c.P.Str("object")
		switch {
		case name == "cards" || what == "card":
			return Cards.ListOf(c, n)
		case name == "bank_accounts" || what == "bank_account":
			return account.BankAccounts.ListOf(c, n)
		case what == "source":
			return Sources.ListOf(c, n)
		}
		all, err := sourceIDs(c, cus.ID)
		if err != nil {
			return nil, err
		}
		return page(c, all)
	}
}

// sourceIDs are the sources of a customer, newest first.
func sourceIDs(c *api.Call, cus string) ([]string, error) {
	var ids []string
	err := Cards.Each(c, "customer", search.Fold(cus), func(v *Card) bool {
		if v.Customer != nil && *v.Customer == cus {
			ids = append(ids, v.ID)
		}
		return true
	})
	if err == nil {
		err = account.BankAccounts.Each(c, "customer", search.Fold(cus), func(v *account.BankAccount) bool {
			if v.Customer != nil && *v.Customer == cus {
				ids = append(ids, v.ID)
			}
			return true
		})
	}
	if err == nil {
		err = Sources.Each(c, "customer", search.Fold(cus), func(v *Source) bool {
			if v.Customer != nil && *v.Customer == cus {
				ids = append(ids, v.ID)
			}
			return true
		})
	}
	slices.SortStableFunc(ids, func(a, b string) int { return strings.Compare(made(b), made(a)) })
	return ids, err
}

// made is when an id was made: ids grow with time behind their prefix.
func made(id string) string {
	_, rest, _ := strings.Cut(id, "_")
	return rest[:min(len(rest), 7)]
}

// page is the page of a list of sources that the parameters ask for.
func page(c *api.Call, ids []string) (*api.List, error) {
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
			return nil, Cards.Missing(id, param, 400)
		}
		if backwards = param == "ending_before"; backwards {
			ids = ids[:at]
		} else {
			ids = ids[at+1:]
		}
	}
	l := &api.List{Object: "list", URL: "/v1/customers/" + c.Path("customer") + "/sources", HasMore: len(ids) > limit}
	if l.HasMore && backwards {
		ids = ids[len(ids)-limit:]
	}
	return l, fill(c, l, ids[:min(limit, len(ids))])
}

// fill puts sources into a list.
func fill(c *api.Call, l *api.List, ids []string) error {
	for _, id := range ids {
		h, err := hold(c, id)
		if err != nil || h == nil {
			return err
		}
		b, err := c.Show(h.object())
		if err != nil {
			return err
		}
		l.Data = append(l.Data, bytes.Clone(b))
	}
	return nil
}

func (d *Domain) createSource(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	for _, param := range []string{"source", "card", "bank_account"} {
		v := c.P.Get(param)
		if v == nil {
			continue
		}
		h, err := d.newSource(c, cus, v, param)
		if err != nil {
			return nil, err
		}
		if m := c.P.Get("metadata"); m != nil {
			if err := c.ParamsOnly(h.object(), "metadata"); err != nil {
				return nil, err
			}
		}
		if cus.DefaultSource == nil { // the first source is the default; a later one is not
			cus.DefaultSource = &h.pm.ID
			if err := c.Save(cus, "customer.updated"); err != nil {
				return nil, err
			}
		}
		return h.object(), c.Save(h.object())
	}
	if c.P.Given("alipay_account") {
		return nil, fault.NoSuch("source", c.P.Str("alipay_account"), "alipay_account", 400) // no such accounts are made any more
	}
	return nil, fault.Missing("source")
}

func (d *Domain) retrieveSource(c *api.Call) (any, error) {
	_, h, err := d.sourceInPath(c)
	if err != nil {
		return nil, err
	}
	return h.object(), nil
}

// sourceInPath loads the source that the path names, with its customer. unverified: 404 with param id for another customer's.
func (d *Domain) sourceInPath(c *api.Call) (*customer.Customer, *held, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, nil, err
	}
	id := c.Path("id")
	h, err := hold(c, id)
	if err == nil && (h == nil || h.owner() != cus.ID) {
		err = Cards.Missing(id, "id", 404)
	}
	return cus, h, err
}

func (d *Domain) updateSource(c *api.Call) (any, error) {
	_, h, err := d.sourceInPath(c)
	if err != nil {
		return nil, err
	}
	switch {
	case h.bank != nil:
		err = updateBank(c, h)
	case h.source != nil:
		err = updateSource(c, h)
	default:
		err = updateLegacyCard(c, h)
	}
	if err != nil {
		return nil, err
	}
	return h.object(), c.Save(h.object(), "customer.source.updated")
}

func updateLegacyCard(c *api.Call, h *held) error {
	for _, name := range []string{"owner", "account_holder_name", "account_holder_type"} {
		if c.P.Given(name) {
			return fault.SourceParam(name, "card")
		}
	}
	return changeLegacyCard(c, h.card, h.pm)
}

// changeLegacyCard changes what the request says of a card and of the payment method that it also is, and keeps the latter.
func changeLegacyCard(c *api.Call, card *Card, pm *PaymentMethod) error {
	dates := &form.Value{Kind: form.Object}
	for _, name := range []string{"exp_month", "exp_year"} { // texts here, numbers of a payment method
		if s := c.P.Str(name); s != "" {
			n, ok := number(s)
			if !ok {
				return fault.NotInteger(name, s)
			}
			dates.Fields = append(dates.Fields, form.Field{Name: name, Value: &form.Value{Kind: form.Int, Text: s, Int: n}})
		}
	}
	if err := updateCard(c, pm.Card, dates); err != nil {
		return err
	}
	if err := c.Params(card); err != nil {
		return err
	}
	if err := api.MetadataLimit(card.Metadata); err != nil {
		return err
	}
	card.ExpMonth, card.ExpYear = pm.Card.ExpMonth, pm.Card.ExpYear // Params has read the texts as no numbers
	card.bill(&pm.BillingDetails)
	if len(dates.Fields) > 0 && card.Customer != nil {
		card.watch(c)
	}
	return c.Save(pm)
}

func (d *Domain) deleteSource(c *api.Call) (any, error) {
	cus, h, err := d.sourceInPath(c)
	if err != nil {
		return nil, err
	}
	return h.object(), d.detachFrom(c, h.pm, cus)
}

// letGo takes a source from its customer. Cards and bank accounts are deleted by that; a source stays, and is consumed: it is never charged again.
func (d *Domain) letGo(c *api.Call, id string) error {
	h, err := hold(c, id)
	if err != nil || h == nil || h.owner() == "" {
		return err
	}
	if h.source == nil {
		return c.Delete(h.object(), "customer.source.deleted")
	}
	h.source.Customer = nil
	if h.source.Status == chargeable || h.source.Status == pending {
		if err := h.source.move(consumed); err != nil {
			return err
		}
	}
	return c.Save(h.source, "customer.source.deleted")
}

// FromSource finds what a charge of old is paid with: the payment method, and the source that it also is, as the charge shows it. v is a token, the id of a
// payment method or a source, or a card's or a bank account's data. A token is used up; a customer's source is not, and whose it is is for Usable to say.
func (d *Domain) FromSource(c *api.Call, v *form.Value, param string) (*PaymentMethod, api.Resource, error) {
	if v.Kind == form.Object || !old(v.Text) {
		h, err := d.takeSource(c, v, param)
		if err != nil {
			return nil, nil, err
		}
		return h.pm, h.object(), nil
	}
	h, err := hold(c, v.Text)
	if err != nil {
		return nil, nil, err
	}
	if h == nil {
		return nil, nil, Cards.Missing(v.Text, param, 400)
	}
	return h.pm, h.object(), nil
}

// takeSource makes a source of a token or of data; it belongs to nobody yet.
func (d *Domain) takeSource(c *api.Call, v *form.Value, param string) (*held, error) {
	if v.Kind == form.Object {
		if v.Str("object") == "bank_account" || param == "bank_account" || v.Given("account_number") {
			b, number, err := account.ReadBank(c, d.vault, v, param, "")
			if err != nil {
				return nil, err
			}
			return d.keepBank(c, b, number, false, param)
		}
		raw, err := d.readCard(c, v, param)
		if err != nil {
			return nil, err
		}
		id := c.NewID("card")
		return d.keepCard(c, &spentToken{id: id, raw: raw, legacy: d.legacyCard(c, id, raw, v)})
	}
	if number, verified, ok := account.TestBankToken(v.Text); ok && !c.Live() {
		return d.keepBank(c, account.TestBank(c, d.vault, number), number, verified, param)
	}
	if strings.HasPrefix(v.Text, "btok_") {
		got, err := d.Spend(c, v.Text, "bank_account", param)
		if err != nil {
			return nil, err
		}
		return d.keepBank(c, got.Bank, got.Number, got.Bank.Status == "verified", param)
	}
	got, err := d.spend(c, v.Text, param)
	if err != nil {
		return nil, err
	}
	return d.keepCard(c, got)
}

// newSource gives a customer a source: a card after asking the issuer, a bank account that is yet to be verified, or a source that can be charged.
// Recorded of a card: a decline refuses with 402 and "param": ""; the checks pass. unverified: that payment_method.attached tells of a card as well.
func (d *Domain) newSource(c *api.Call, cus *customer.Customer, v *form.Value, param string) (*held, error) {
	if v.Kind != form.Object && old(v.Text) {
		return d.attachSource(c, cus, v.Text, param)
	}
	h, err := d.takeSource(c, v, param)
	if err != nil {
		return nil, err
	}
	var events []string
	if card := h.card; card != nil {
		if err := d.verify(c, h.pm); err != nil {
			return nil, err
		}
		card.Private.Currency, card.Currency = card.Currency, nil // recorded: the currency of a token is gone
		card.check(h.pm.Card.Checks)
		card.watch(c)
		events = []string{"payment_method.attached"}
	}
	if b := h.bank; b != nil {
		if err := d.sameBank(c, cus, b); err != nil {
			return nil, err
		}
		h.plan(c)
	}
	h.pm.Customer, *h.belongs() = &cus.ID, &cus.ID
	if err := c.Save(h.pm, events...); err != nil {
		return nil, err
	}
	return h, c.Save(h.object(), "customer.source.created")
}

// addSource is the customers' hook: `source` of a customer, which becomes the default and replaces the default of before.
func (d *Domain) addSource(c *api.Call, cus *customer.Customer, source *form.Value, param string) error {
	before := cus.DefaultSource
	h, err := d.newSource(c, cus, source, param)
	if err != nil {
		return err
	}
	if before != nil && *before != h.pm.ID {
		was, err := Get(c, *before)
		if err != nil {
			return err
		}
		if was != nil {
			if err := d.detachFrom(c, was, nil); err != nil {
				return err
			}
		}
	}
	cus.DefaultSource = &h.pm.ID
	return c.Save(cus, "customer.updated")
}

// hasSource is the customers' hook: it refuses a default source that is not among the customer's.
func (d *Domain) hasSource(c *api.Call, cus *customer.Customer, source, param string) error {
	h, err := hold(c, source)
	if err == nil && (h == nil || h.owner() != cus.ID) {
		err = Cards.Missing(source, param, 400)
	}
	return err
}

// sourcesOf is the customers' hook: the first page of a customer's sources, newest first.
func (d *Domain) sourcesOf(c *api.Call, id string) (*api.List, error) {
	ids, err := sourceIDs(c, id)
	if err != nil {
		return nil, err
	}
	// The default may have been made in this very call, which Each does not see.
	if cus, err := customer.Customers.Get(c, id); err != nil {
		return nil, err
	} else if cus != nil && cus.DefaultSource != nil && !slices.Contains(ids, *cus.DefaultSource) {
		ids = append([]string{*cus.DefaultSource}, ids...)
	}
	// And one that went in this call is still found by its index.
	ids = slices.DeleteFunc(ids, func(s string) bool {
		h, err := hold(c, s)
		return err != nil || h == nil || h.owner() != id
	})
	total := int64(len(ids))
	l := &api.List{Object: "list", Total: &total, HasMore: total > 10}
	return l, fill(c, l, ids[:min(10, len(ids))])
}

// anotherSource is the newest source that a customer has besides one; nil if there is none.
func (d *Domain) anotherSource(c *api.Call, id, besides string) (*string, error) {
	ids, err := sourceIDs(c, id)
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(s string) bool { return s == besides })
	if len(ids) == 0 {
		return nil, nil
	}
	return &ids[0], nil
}

// sourceUsed writes what has become of a payment method to the source that it also is: the checks of a card; that a source which is good for one payment was
// charged.
func (d *Domain) sourceUsed(c *api.Call, pm *PaymentMethod) error {
	if !old(pm.ID) {
		return nil
	}
	h, err := hold(c, pm.ID)
	if err != nil || h == nil {
		return err
	}
	switch {
	case h.card != nil && pm.Card != nil:
		h.card.check(pm.Card.Checks)
	case h.source != nil:
		return h.source.used(c)
	}
	return c.Save(h.object())
}

// Shown is a source as a charge shows it.
func Shown(c *api.Call, source api.Resource) ([]byte, error) {
	b, err := c.Show(source)
	return slices.Clone(b), err
}
