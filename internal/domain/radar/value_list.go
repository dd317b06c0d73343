package radar

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/search"
	"florin/internal/store"
)

// A ValueList is a list of values that rules may ask: `:email: in @alias`. Every account has default ones, whose names and types are fixed, and
// which its built-in rules ask.
type ValueList struct {
	api.Meta
	Alias     string            `json:"alias"` // what rules call it
	Created   int64             `json:"created"`
	CreatedBy string            `json:"created_by"` // API
	ItemType  string            `json:"item_type"`
	Livemode  bool              `json:"livemode"`
	Metadata  map[string]string `json:"metadata"`
	Name      string            `json:"name"`
	Private   struct {
		Default bool `json:"default,omitempty"`
	} `json:"-"`
}

// A ValueListItem is one value of a list.
type ValueListItem struct {
	api.Meta
	Created   int64  `json:"created"`
	CreatedBy string `json:"created_by"`
	Livemode  bool   `json:"livemode"`
	Value     string `json:"value"`
	ValueList string `json:"value_list"`
}

// Lists and Items are the kinds of value lists and of their items. unverified: the words of both.
var (
	Lists = &api.Kind[ValueList]{
		Name: "radar.value_list", Prefixes: []string{"rsl"}, Word: "value_list", Param: "value_list", Index: []string{"alias"}, View: showItems,
	}
	Items = &api.Kind[ValueListItem]{
		Name: "radar.value_list_item", Prefixes: []string{"rsli"}, Word: "value_list_item", Param: "item", Index: []string{"value_list", "value"},
	}
)

// defaults are the lists that every account has, one to allow and one to block of each. Known from: docs.stripe.com/radar/lists (which there
// are); public repositories (the aliases of the block lists of bin, fingerprint, address, customer and email). unverified: the others, and names.
var defaults = []struct{ alias, attribute, itemType, name string }{
	{"card_bin", "card_bin", "card_bin", "Card BIN"},
	{"card_country", "card_country", "country", "Card country"},
	{"card_fingerprint", "card_fingerprint", "card_fingerprint", "Card fingerprint"},
	{"charge_description", "charge_description", "case_sensitive_string", "Charge description"},
	{"client_ip_country", "ip_country", "country", "Client IP country"},
	{"client_ip_address", "ip_address", "ip_address", "Client IP address"},
	{"customer_id", "customer_id", "customer_id", "Customer ID"},
	{"email", "email", "email", "Email"},
	{"email_domain", "email_domain", "string", "Email domain"},
}

// shownItems is how many items a list shows of itself.
const shownItems = 10

func (d *Domain) listRoutes(r *api.Router) {
	r.Kind(Lists)
	r.Kind(Items)
	r.Handle("POST /v1/radar/value_lists", d.createList)
	r.Handle("GET /v1/radar/value_lists", d.listLists)
	r.Handle("GET /v1/radar/value_lists/{value_list}", d.retrieveList)
	r.Handle("POST /v1/radar/value_lists/{value_list}", d.updateList)
	r.Handle("DELETE /v1/radar/value_lists/{value_list}", d.deleteList)
	r.Handle("POST /v1/radar/value_list_items", d.createItem)
	r.Handle("GET /v1/radar/value_list_items", d.listItems)
	r.Plain("GET /v1/radar/value_list_items/{item}", Items.Retrieve)
	r.Handle("DELETE /v1/radar/value_list_items/{item}", d.deleteItem)
}

// seed makes the default lists of an account when it first looks at its lists, in a unit of work of its own, so that the request finds them as if
// they had always been there: it must not have read anything yet.
func (d *Domain) seed(c *api.Call) error {
	if _, ok := d.seeded.Load(c.Scope); ok {
		return nil
	}
	err := d.app.Do(c.Context(), c.Scope, func(c *api.Call) error {
		set, err := change(c)
		if err != nil || set.Seeded {
			return err
		}
		set.Seeded = true
		for _, sort := range []struct{ alias, name string }{{"allowlist", "allow list"}, {"blocklist", "block list"}} {
			for _, def := range defaults {
				l := newList(c)
				l.Alias, l.Name, l.ItemType = def.alias+"_"+sort.alias, def.name+" "+sort.name, def.itemType
				l.CreatedBy, l.Private.Default = "Stripe", true // unverified
				if err := c.Save(l); err != nil {
					return err
				}
			}
		}
		return c.Save(set)
	})
	if err == nil {
		d.seeded.Store(c.Scope, true)
	}
	return err
}

func newList(c *api.Call) *ValueList {
	l := Lists.New(c, c.NewID("rsl"))
	l.Created, l.Livemode, l.CreatedBy, l.ItemType, l.Metadata = c.Now(), c.Live(), "API", "string", map[string]string{}
	return l
}

var aliasForm = regexp.MustCompile(`^[a-z0-9_]+$`)

func (d *Domain) createList(c *api.Call) (any, error) {
	if err := d.seed(c); err != nil {
		return nil, err
	}
	if err := checkAlias(c, c.P.Str("alias"), ""); err != nil {
		return nil, err
	}

	l := newList(c)
	if err := c.Params(l); err != nil {
		return nil, err
	}
	return l, c.Save(l)
}

// checkAlias refuses an alias that rules could not name, or that another list has.
func checkAlias(c *api.Call, alias, but string) error {
	if !aliasForm.MatchString(alias) {
		return fault.InvalidAlias(alias)
	}
	other, err := byAlias(c, alias)
	if err != nil {
		return err
	}
	if other != nil && other.ID != but || other == nil && isDefault(alias) {
		return fault.AliasTaken(alias)
	}
	return nil
}

func isDefault(alias string) bool {
	for _, def := range defaults {
		if alias == def.alias+"_allowlist" || alias == def.alias+"_blocklist" {
			return true
		}
	}
	return false
}

func byAlias(c *api.Call, alias string) (found *ValueList, err error) {
	err = Lists.Each(c, "alias", alias, func(l *ValueList) bool {
		if l.Alias == alias {
			found = l
		}
		return found == nil
	})
	return found, err
}

// inPath finds the list that the path names. unverified: whether an alias is good for that, too, as the code of a large user has it.
func (d *Domain) inPath(c *api.Call) (*ValueList, error) {
	if err := d.seed(c); err != nil {
		return nil, err
	}
	if name := c.Path("value_list"); !strings.HasPrefix(name, "rsl_") {
		if l, err := byAlias(c, name); l != nil || err != nil {
			return l, err
		}
	}
	return Lists.InPath(c, "value_list")
}

func (d *Domain) retrieveList(c *api.Call) (any, error) { return d.inPath(c) }

func (d *Domain) listLists(c *api.Call) (any, error) {
	if err := d.seed(c); err != nil {
		return nil, err
	}
	n := api.Narrow{Skip: []string{"contains"}}
	if value := c.P.Str("contains"); value != "" {
		lists := map[string]bool{}
		err := Items.Each(c, "value", value, func(it *ValueListItem) bool { lists[it.ValueList] = true; return true })
		if err != nil {
			return nil, err
		}
		n.Where = func(body []byte) bool { return lists[jsontext.Text(body, "id")] }
	}
	return Lists.ListOf(c, n)
}

func (d *Domain) updateList(c *api.Call) (any, error) {
	l, err := d.inPath(c)
	if err != nil {
		return nil, err
	}
	set, err := load(c)
	if err != nil {
		return nil, err
	}
	renamed := c.P.Given("alias") && c.P.Str("alias") != l.Alias
	switch {
	case l.Private.Default && (renamed || c.P.Given("name")):
		return nil, fault.DefaultListFixed(l.ID)
	case renamed && set.asks(l.Alias):
		return nil, fault.ListInRule(l.ID)
	case renamed:
		if err := checkAlias(c, c.P.Str("alias"), l.ID); err != nil {
			return nil, err
		}
	}

	if err := c.Params(l); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(l.Metadata); err != nil {
		return nil, err
	}
	if renamed {
		if err := forget(c, l); err != nil {
			return nil, err
		}
	}
	return l, c.Save(l)
}

// forget takes a list's new alias into the settings.
func forget(c *api.Call, l *ValueList) error {
	set, err := change(c)
	if err != nil {
		return err
	}
	for i := range set.Filled {
		if set.Filled[i].List == l.ID {
			set.Filled[i].Alias = l.Alias
		}
	}
	return c.Save(set)
}

// asks says whether a rule of the account's own asks a list.
func (set *settings) asks(alias string) bool {
	word := regexp.MustCompile(`@` + regexp.QuoteMeta(alias) + `\b`)
	return slices.ContainsFunc(set.Rules, func(r Rule) bool { return word.MatchString(r.Predicate) })
}

// deleteList deletes a list with its items.
func (d *Domain) deleteList(c *api.Call) (any, error) {
	l, err := d.inPath(c)
	if err != nil {
		return nil, err
	}
	set, err := change(c)
	if err != nil {
		return nil, err
	}
	switch {
	case l.Private.Default:
		return nil, fault.DefaultListFixed(l.ID)
	case set.asks(l.Alias):
		return nil, fault.ListInRule(l.ID)
	}

	var items []*ValueListItem
	err = Items.Each(c, "value_list", l.ID, func(it *ValueListItem) bool { items = append(items, it); return true })
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		if err := c.Delete(it); err != nil {
			return nil, err
		}
	}
	set.count(l, -int64(len(items)))
	if err := c.Save(set); err != nil {
		return nil, err
	}
	return l, c.Delete(l)
}

func (d *Domain) createItem(c *api.Call) (any, error) {
	if err := d.seed(c); err != nil {
		return nil, err
	}
	l, err := Lists.Find(c, c.P.Str("value_list"), "value_list")
	if err != nil {
		return nil, err
	}
	value := strings.TrimSpace(c.P.Str("value"))
	if !fits(l.ItemType, value) {
		return nil, fault.NotListable(value, l.ItemType)
	}
	there := false
	err = Items.Each(c, "value", value, func(it *ValueListItem) bool {
		there = there || it.ValueList == l.ID && (l.ItemType != "case_sensitive_string" || it.Value == value)
		return !there
	})
	if err != nil {
		return nil, err
	}
	if there {
		return nil, fault.AlreadyListed(value, l.ID)
	}
	set, err := change(c)
	if err != nil {
		return nil, err
	}

	it := Items.New(c, c.NewID("rsli"))
	it.Created, it.Livemode, it.CreatedBy, it.Value, it.ValueList = c.Now(), c.Live(), "API", value, l.ID
	set.count(l, 1)
	if err := c.Save(set); err != nil {
		return nil, err
	}
	return it, c.Save(it)
}

var (
	emailForm   = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
	binForm     = regexp.MustCompile(`^\d{6}$`)
	countryForm = regexp.MustCompile(`^[A-Za-z]{2}$`)
	opaqueForm  = regexp.MustCompile(`^[A-Za-z0-9]+$`)
	idForm      = regexp.MustCompile(`^(cus|acct)_\w+$`)
)

// fits says whether a value is of a list's type.
func fits(itemType, value string) bool {
	switch itemType {
	case "email":
		return emailForm.MatchString(value)
	case "ip_address":
		_, err := netip.ParseAddr(value)
		return err == nil
	case "country":
		return countryForm.MatchString(value)
	case "card_bin":
		return binForm.MatchString(value)
	case "card_fingerprint", "us_bank_account_fingerprint", "sepa_debit_fingerprint", "crypto_fingerprint":
		return opaqueForm.MatchString(value)
	case "customer_id":
		return idForm.MatchString(value) && strings.HasPrefix(value, "cus_")
	case "account":
		return idForm.MatchString(value) && strings.HasPrefix(value, "acct_")
	}
	return value != ""
}

func (d *Domain) listItems(c *api.Call) (any, error) {
	l, err := Lists.Find(c, c.P.Str("value_list"), "value_list")
	if err != nil {
		return nil, err
	}
	n := api.Narrow{Path: "value_list", Value: l.ID, Skip: []string{"value", "value_list"}}
	if like := c.P.Get("value"); like != nil && like.Kind == form.String {
		part := search.Fold(like.Text)
		n.Where = func(body []byte) bool { return strings.Contains(search.Fold(jsontext.Text(body, "value")), part) }
	}
	return Items.ListOf(c, n)
}

func (d *Domain) deleteItem(c *api.Call) (any, error) {
	it, err := Items.InPath(c, "item")
	if err != nil {
		return nil, err
	}
	l, err := Lists.Get(c, it.ValueList)
	if err != nil {
		return nil, err
	}
	set, err := change(c)
	if err != nil {
		return nil, err
	}

	if l != nil {
		set.count(l, -1)
	}
	if err := c.Save(set); err != nil {
		return nil, err
	}
	return it, c.Delete(it)
}

// showItems shows a list with its newest items.
func showItems(c *api.Call, d *store.Doc) ([]byte, error) {
	id := jsontext.Text(d.Body, "id")
	items := &api.List{Object: "list", URL: "/v1/radar/value_list_items?value_list=" + id, Total: new(int64)}
	err := Items.Each(c, "value_list", id, func(it *ValueListItem) bool {
		*items.Total++
		if len(items.Data) == shownItems {
			items.HasMore = true
			return true
		}
		items.Data = append(items.Data, jsontext.Append(nil, it))
		return true
	})
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(d.Body)+256), '{')
	jsontext.Members(d.Body, func(key string, value []byte) bool {
		if len(out) > 1 {
			out = append(out, ',')
		}
		if key == "livemode" { // the place of list_items in the alphabet
			out = append(append(append(out, `"list_items":`...), items.JSON()...), ',')
		}
		out = append(append(jsontext.AppendString(out, key), ':'), value...)
		return true
	})
	return append(out, '}'), nil
}
