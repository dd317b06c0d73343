// Package methodconfig is what an account has chosen of the ways to pay: payment method configurations, and the domains on which wallets may be
// shown.
//
// A configuration says of each type whether it is on. Every account has one that nobody made, the default: it is stored when somebody first looks
// at it. An intent that chooses its payment methods by itself asks Choose, which also leaves out what does not suit its amount and currency.
//
// Known from: facts 14e; the spec.
package methodconfig

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
	"florin/internal/spec"
	"florin/internal/store"
)

// A Configuration is a choice of payment methods: the account's default, another of its own, or a child of a platform's. What it says of the types
// is made when it is shown, for it depends on the account and on the parent.
type Configuration struct {
	api.Meta
	Active      bool    `json:"active"`
	Application *string `json:"application"`
	IsDefault   bool    `json:"is_default"`
	Livemode    bool    `json:"livemode"`
	Name        string  `json:"name"`
	Parent      *string `json:"parent"`
	Private     struct {
		// Preferences are what was said of each type: on or off. A type of which nothing, or none, was said follows the parent or the defaults.
		Preferences map[string]string `json:"preferences,omitempty"`
	} `json:"-"`
}

// Configurations is the kind of configurations.
var Configurations = &api.Kind[Configuration]{
	Name: "payment_method_configuration", Prefixes: []string{"pmc"}, Param: "configuration",
}

func init() { Configurations.View = view } // which refers to the kind

// A Domain keeps configurations and domain names.
type Domain struct{}

// New makes the domain.
func New() *Domain { return &Domain{} }

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Configurations)
	r.Handle("POST /v1/payment_method_configurations", d.create)
	r.Handle("GET /v1/payment_method_configurations", d.list)
	r.Handle("GET /v1/payment_method_configurations/{configuration}", d.retrieve)
	r.Handle("POST /v1/payment_method_configurations/{configuration}", d.update)
	d.domainRoutes(r)
	d.applePayRoutes(r)
}

// keys are what a configuration shows a choice of: the types, and wallets and networks that are not types. acceptable are those that can be sent,
// which are a few more: they are taken, and not shown.
var keys, acceptable = func() (shown, sent []string) {
	for _, p := range spec.SchemaOf("payment_method_configuration").Properties() {
		if slices.Contains(p.Refs, "payment_method_config_resource_payment_method_properties") {
			shown = append(shown, p.Name)
		}
	}
	for _, p := range spec.Lookup("POST /v1/payment_method_configurations").Params() {
		if p.Field("display_preference") != nil {
			sent = append(sent, p.Name)
		}
	}
	slices.Sort(shown)
	return shown, sent
}()

// onAtFirst are the types that a new account takes. Known from: facts 14e (I); recordings of accounts that have changed nothing: card and link.
var onAtFirst = []string{"apple_pay", "card", "link"}

func (d *Domain) create(c *api.Call) (any, error) {
	conf := Configurations.New(c, c.NewID("pmc"))
	conf.Active, conf.Livemode, conf.Name = true, c.Live(), c.P.Str("name")
	if parent := c.P.Str("parent"); parent != "" {
		of, err := find(c, parent)
		if err != nil {
			return nil, err
		}
		if of == nil {
			return nil, Configurations.Missing(parent, "parent", 400)
		}
		conf.Parent = &of.ID
	}
	conf.prefer(c)
	return conf, c.Save(conf)
}

func (d *Domain) retrieve(c *api.Call) (any, error) { return d.inPath(c) }

func (d *Domain) inPath(c *api.Call) (*Configuration, error) {
	conf, err := find(c, c.Path("configuration"))
	if err != nil {
		return nil, err
	}
	if conf == nil {
		return Configurations.InPath(c, "configuration")
	}
	return conf, c.Save(conf)
}

func (d *Domain) update(c *api.Call) (any, error) {
	conf, err := d.inPath(c)
	if err != nil {
		return nil, err
	}
	if v := c.P.Get("active"); v != nil {
		if conf.IsDefault && v.Int == 0 {
			return nil, fault.DefaultConfiguration()
		}
		conf.Active = v.Int != 0
	}
	if name := c.P.Str("name"); name != "" {
		conf.Name = name
	}
	conf.prefer(c)
	return conf, c.Save(conf)
}

// prefer takes what the request says of types.
func (conf *Configuration) prefer(c *api.Call) {
	for _, key := range acceptable {
		want := c.P.At(key, "display_preference").Str("preference")
		if want == "" {
			continue
		}
		if conf.Private.Preferences == nil {
			conf.Private.Preferences = map[string]string{}
		}
		conf.Private.Preferences[key] = want
	}
}

// list lists the configurations of the account; the default, which is as old as the account, comes last, be it stored or not.
func (d *Domain) list(c *api.Call) (any, error) {
	id := DefaultID(account.Of(c))
	stored, err := Configurations.Get(c, id)
	if err != nil {
		return nil, err
	}
	if stored == nil && c.P.Str("starting_after") == id {
		return &api.List{Object: "list", URL: "/v1/payment_method_configurations"}, nil
	}
	page, err := Configurations.List(c)
	l, ok := page.(*api.List)
	if err != nil || !ok || stored != nil || l.HasMore || c.P.Str("ending_before") != "" || c.P.Given("active") && !c.P.True("active") || c.P.Given("application") {
		return page, err
	}
	limit := int(c.P.Num("limit"))
	if limit == 0 {
		limit = 10
	}
	if len(l.Data) == limit {
		l.HasMore = true
		return l, nil
	}
	conf, err := find(c, id)
	if err != nil {
		return nil, err
	}
	if err := c.Save(conf); err != nil {
		return nil, err
	}
	body, err := c.Show(conf)
	l.Data = append(l.Data, body)
	return l, err
}

// DefaultID is the id of the configuration that every account has.
func DefaultID(acct *account.Account) string {
	return "pmc_" + strings.TrimPrefix(acct.ID, "acct_") + "Default0"
}

// find loads a configuration; nil if there is none. The default is made where it is not stored, for its caller to save or not.
func find(c *api.Call, id string) (*Configuration, error) {
	conf, err := Configurations.Get(c, id)
	acct := account.Of(c)
	if conf != nil || err != nil || acct == nil || id != DefaultID(acct) {
		return conf, err
	}
	conf = Configurations.NewAt(c, c.Scope, id, 1)
	conf.Active, conf.IsDefault, conf.Livemode, conf.Name = true, true, c.Live(), "Default"
	return conf, nil
}

// A Choice is what a configuration makes of a payment: the types, card first and then by name (recorded), and what the intent shows of it.
type Choice struct {
	ID     string
	Parent *string
	Types  []string
}

// Choose chooses the types of payment method that suit a use, by a configuration, or by the account's default if id is "".
func Choose(c *api.Call, id string, use paymethod.Use) (*Choice, error) {
	acct := account.Of(c)
	given := id
	if id == "" {
		id = DefaultID(acct)
	}
	conf, err := find(c, id)
	if err != nil {
		return nil, err
	}
	if conf == nil {
		return nil, Configurations.Missing(given, "payment_method_configuration", 400)
	}
	if !conf.Active {
		return nil, fault.InactiveConfiguration(conf.ID)
	}
	values, err := conf.values(c)
	if err != nil {
		return nil, err
	}
	use.Country = acct.Country
	out := &Choice{ID: conf.ID, Parent: conf.Parent}
	for _, name := range paymethod.Names() {
		if values[name] != "on" {
			continue
		}
		t := paymethod.Types[name]
		if t.Flow == paymethod.Terminal || t.Flow == paymethod.Outside || !available(acct, name) || t.Refuses(use) != paymethod.Fits {
			continue
		}
		out.Types = append(out.Types, name)
	}
	if i := slices.Index(out.Types, "card"); i > 0 {
		copy(out.Types[1:i+1], out.Types[:i])
		out.Types[0] = "card"
	}
	return out, nil
}

// values are what holds for each type: what was said of it, or else what the parent or the defaults say.
//
// The map is not to be changed: most configurations share one.
func (conf *Configuration) values(c *api.Call) (map[string]string, error) {
	if conf.Parent == nil && len(conf.Private.Preferences) == 0 {
		return atFirst(), nil
	}
	out := map[string]string{}
	if conf.Parent != nil {
		parent, err := find(c, *conf.Parent)
		if err != nil {
			return nil, err
		}
		if parent != nil {
			of, err := parent.values(c)
			if err != nil {
				return nil, err
			}
			maps.Copy(out, of)
		}
	}
	for _, key := range keys {
		switch said := conf.Private.Preferences[key]; {
		case said == "on" || said == "off":
			out[key] = said
		case out[key] != "":
		case slices.Contains(onAtFirst, key):
			out[key] = "on"
		default:
			out[key] = "off"
		}
	}
	return out, nil
}

// atFirst is what holds where nothing was said.
var atFirst = sync.OnceValue(func() map[string]string {
	out := make(map[string]string, len(keys))
	for _, key := range keys {
		out[key] = "off"
		if slices.Contains(onAtFirst, key) {
			out[key] = "on"
		}
	}
	return out
})

// available says whether an account can take payments by what a key stands for: businesses of its country can, and if a platform answers for the
// account, it has the capability.
func available(acct *account.Account, key string) bool {
	if acct == nil {
		return false
	}
	capability := key + "_payments"
	if t := paymethod.Types[key]; t != nil {
		if !t.At(acct.Country) {
			return false
		}
		capability = t.Capability
	}
	switch key {
	case "apple_pay", "google_pay": // cards, on another way
		capability = "card_payments"
	case "cartes_bancaires":
		if !slices.Contains(paymethod.Types["ideal"].Business, acct.Country) { // unverified: which countries
			return false
		}
	case "jcb":
		if acct.Country == "IS" || !slices.Contains(strings.Fields("AU CA HK JP NZ SG CH GB US"), acct.Country) && acct.DefaultCurrency != "eur" { // facts 14h
			return false
		}
	}
	// A connected account takes cards before it is onboarded: `available` is asked in test mode too, and live mode has its own refusal of accounts that
	// cannot make charges. unverified: how far Stripe goes with that in test mode; recorded traffic of platforms charges such accounts.
	return acct.Private.Platform == "" || capability == "" || capability == "card_payments" || acct.Capabilities[capability] == "active"
}

// view adds to a stored configuration what it says of each type.
func view(c *api.Call, doc *store.Doc) ([]byte, error) {
	conf, err := Configurations.Get(c, doc.ID)
	if err != nil || conf == nil {
		return doc.Body, err
	}
	values, err := conf.values(c)
	if err != nil {
		return nil, err
	}
	acct := account.Of(c)
	members := map[string][]byte{}
	var names []string
	jsontext.Members(doc.Body, func(name string, value []byte) bool {
		if name != "id" && name != "object" {
			members[name] = value
			names = append(names, name)
		}
		return true
	})
	for _, key := range keys {
		said := conf.Private.Preferences[key]
		if said == "" {
			said = "none"
			if conf.IsDefault {
				said = values[key]
			}
		}
		overridable := "null"
		if conf.Parent != nil {
			overridable = "true" // unverified: a platform can forbid it, by what is not in the API
		}
		members[key] = fmt.Appendf(nil, `{"available":%t,"display_preference":{"overridable":%s,"preference":%q,"value":%q}}`, available(acct, key), overridable, said, values[key])
		names = append(names, key)
	}
	slices.Sort(names)
	out := jsontext.AppendString([]byte(`{"id":`), doc.ID)
	out = append(out, `,"object":"payment_method_configuration"`...)
	for _, name := range names {
		out = append(jsontext.AppendString(append(out, ','), name), ':')
		out = append(out, members[name]...)
	}
	return append(out, '}'), nil
}
