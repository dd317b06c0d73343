package paymentmethod

import (
	"encoding/json"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/spec"
)

// A Source is any way to pay as it was before payment methods. It is pending until its customer has authorized it on another page, has sent money to it,
// or has proved that a bank account is his; then it can be charged (POST /v1/charges): once, and is consumed by that, or again and again once it is
// attached to a customer. Which way a type goes is in sourceTypes, what happens on the way in source_flow.go.
//
// A source is a payment method, too, with the same id. Shape known from: a recording of a sepa_debit (2019, read in 2025), examples that developers
// quote of ach_credit_transfer, alipay and wechat, and the spec.
type Source struct {
	api.Meta
	AllowRedisplay      string            `json:"allow_redisplay"`
	Amount              *int64            `json:"amount"` // minor units
	ClientSecret        string            `json:"client_secret"`
	CodeVerification    *CodeVerification `json:"code_verification,omitempty"`
	Created             int64             `json:"created"` // Unix seconds
	Currency            *string           `json:"currency"`
	Customer            *string           `json:"customer,omitempty"`
	Flow                string            `json:"flow"` // redirect, receiver, code_verification or none
	Livemode            bool              `json:"livemode"`
	Mandate             *SourceMandate    `json:"mandate,omitempty"` // of debits
	Metadata            map[string]string `json:"metadata"`
	Owner               SourceOwner       `json:"owner"`
	Receiver            *Receiver         `json:"receiver,omitempty"`
	Redirect            *Redirect         `json:"redirect,omitempty"`
	SourceOrder         json.RawMessage   `json:"source_order,omitempty"`
	StatementDescriptor *string           `json:"statement_descriptor"`
	Status              string            `json:"status"` // see sourceNext
	Type                string            `json:"type"`
	Usage               string            `json:"usage"` // reusable or single_use
	sourceHashes
	Private SourcePrivate `json:"-"`
}

// sourceHashes has a member for each type; one of them is set: what may be known of the account, as the spec's source_type_<type> shows it.
type sourceHashes struct {
	ACHCreditTransfer json.RawMessage `json:"ach_credit_transfer,omitempty"`
	ACHDebit          json.RawMessage `json:"ach_debit,omitempty"`
	ACSSDebit         json.RawMessage `json:"acss_debit,omitempty"`
	Alipay            json.RawMessage `json:"alipay,omitempty"`
	AUBECSDebit       json.RawMessage `json:"au_becs_debit,omitempty"`
	Bancontact        json.RawMessage `json:"bancontact,omitempty"`
	Card              json.RawMessage `json:"card,omitempty"`
	EPS               json.RawMessage `json:"eps,omitempty"`
	IDEAL             json.RawMessage `json:"ideal,omitempty"`
	Klarna            json.RawMessage `json:"klarna,omitempty"`
	Multibanco        json.RawMessage `json:"multibanco,omitempty"`
	P24               json.RawMessage `json:"p24,omitempty"`
	SEPADebit         json.RawMessage `json:"sepa_debit,omitempty"`
	Sofort            json.RawMessage `json:"sofort,omitempty"`
	ThreeDSecure      json.RawMessage `json:"three_d_secure,omitempty"`
	Wechat            json.RawMessage `json:"wechat,omitempty"`
}

// hash is the place of a type's hash.
func (h *sourceHashes) hash(typ string) *json.RawMessage {
	switch typ {
	case "ach_credit_transfer":
		return &h.ACHCreditTransfer
	case "ach_debit":
		return &h.ACHDebit
	case "acss_debit":
		return &h.ACSSDebit
	case "alipay":
		return &h.Alipay
	case "au_becs_debit":
		return &h.AUBECSDebit
	case "bancontact":
		return &h.Bancontact
	case "card":
		return &h.Card
	case "eps":
		return &h.EPS
	case "ideal":
		return &h.IDEAL
	case "klarna":
		return &h.Klarna
	case "multibanco":
		return &h.Multibanco
	case "p24":
		return &h.P24
	case "sepa_debit":
		return &h.SEPADebit
	case "sofort":
		return &h.Sofort
	case "three_d_secure":
		return &h.ThreeDSecure
	case "wechat":
		return &h.Wechat
	}
	return nil
}

// SourcePrivate is what no answer shows.
type SourcePrivate struct {
	Amounts []int64 `json:"amounts,omitempty"` // that were deposited, of an ach_debit
}

// SourceOwner is who pays.
type SourceOwner struct {
	Address         *customer.Address `json:"address"`
	Email           *string           `json:"email"`
	Name            *string           `json:"name"`
	Phone           *string           `json:"phone"`
	VerifiedAddress *customer.Address `json:"verified_address"`
	VerifiedEmail   *string           `json:"verified_email"`
	VerifiedName    *string           `json:"verified_name"`
	VerifiedPhone   *string           `json:"verified_phone"`
}

// CodeVerification is how the proof of a bank account stands.
type CodeVerification struct {
	AttemptsRemaining int64  `json:"attempts_remaining"`
	Status            string `json:"status"` // pending, succeeded or failed
}

// Redirect is where the customer authorizes, and where he comes back to.
type Redirect struct {
	FailureReason *string `json:"failure_reason"` // user_abort, declined or processing_error
	ReturnURL     string  `json:"return_url"`
	Status        string  `json:"status"` // pending, succeeded, not_required or failed
	URL           string  `json:"url"`
}

// Receiver is where the customer sends money, and what came. Amounts are in minor units.
type Receiver struct {
	Address                *string `json:"address"`
	AmountCharged          int64   `json:"amount_charged"`
	AmountReceived         int64   `json:"amount_received"`
	AmountReturned         int64   `json:"amount_returned"`
	RefundAttributesMethod string  `json:"refund_attributes_method"` // email, manual or none
	RefundAttributesStatus string  `json:"refund_attributes_status"` // missing, requested or available
}

// SourceMandate is the customer's consent to be debited.
type SourceMandate struct {
	Acceptance struct {
		Date      *int64          `json:"date"` // Unix seconds
		IP        *string         `json:"ip"`
		Offline   json.RawMessage `json:"offline"`
		Online    json.RawMessage `json:"online"`
		Status    string          `json:"status"` // accepted, pending, refused or revoked
		Type      *string         `json:"type"`
		UserAgent *string         `json:"user_agent"`
	} `json:"acceptance"`
	Amount             *int64  `json:"amount"`
	Currency           *string `json:"currency"`
	Interval           *string `json:"interval"`
	NotificationMethod string  `json:"notification_method"`
	Reference          string  `json:"reference"`
	URL                string  `json:"url"`
}

// The statuses of a source, and what may follow each.
const (
	pending    = "pending"
	chargeable = "chargeable"
	consumed   = "consumed"
	canceled   = "canceled"
	failed     = "failed"
)

var sourceNext = map[string][]string{
	"":         {pending, chargeable, failed},
	pending:    {chargeable, consumed, canceled, failed},
	chargeable: {pending, consumed, canceled}, // pending: all that was received is charged
	consumed:   {},
	canceled:   {},
	failed:     {},
}

// move is the only place that assigns a source's status.
func (s *Source) move(to string) error {
	if !slices.Contains(sourceNext[s.Status], to) {
		return fault.SourceStep(s.ID, s.Status, to)
	}
	s.Status = to
	return nil
}

// Sources is the kind of sources. What a publishable key sees leaves out whose it is, and metadata.
var Sources = &api.Kind[Source]{
	Name: "source", Prefixes: []string{"src"}, Param: "source", Index: []string{"customer"},
	Public: append([]string{
		"id", "object", "allow_redisplay", "amount", "client_secret", "code_verification", "created", "currency", "flow", "livemode", "mandate", "owner", "receiver", "redirect",
		"source_order", "statement_descriptor", "status", "type", "usage",
	}, sourceNames()...),
}

// A sourceType is how sources of a type go.
type sourceType struct {
	flow       string
	method     string   // the type of the payment method that the source also is
	currencies []string // nil: any, or none
	usage      string   // unless the request says
	once       bool     // it cannot be said: single_use alone
	amount     bool     // must be given
	needs      []string // of the owner
	debit      bool     // there is a mandate
}

// sourceTypes are the types that can still be made. Known from: the spec; docs.stripe.com/sources (flow, usage and currencies of each). giropay ended in 2024,
// and card_present is made by readers. unverified: what each wants of the owner.
var sourceTypes = map[string]sourceType{
	"ach_credit_transfer": {flow: "receiver", method: "customer_balance", currencies: []string{"usd"}, usage: "reusable"},
	"ach_debit":           {flow: "code_verification", method: "us_bank_account", currencies: []string{"usd"}, usage: "reusable", debit: true},
	"acss_debit":          {flow: "none", method: "acss_debit", currencies: []string{"cad"}, usage: "reusable", debit: true},
	"alipay":              {flow: "redirect", method: "alipay", currencies: []string{"aud", "cad", "eur", "gbp", "hkd", "jpy", "nzd", "sgd", "usd"}, usage: "single_use"},
	"au_becs_debit":       {flow: "none", method: "au_becs_debit", currencies: []string{"aud"}, usage: "reusable", debit: true, needs: []string{"name", "email"}},
	"bancontact":          {flow: "redirect", method: "bancontact", currencies: []string{"eur"}, usage: "single_use", once: true, amount: true, needs: []string{"name"}},
	"card":                {flow: "none", method: "card", usage: "reusable"},
	"eps":                 {flow: "redirect", method: "eps", currencies: []string{"eur"}, usage: "single_use", once: true, amount: true, needs: []string{"name"}},
	"ideal":               {flow: "redirect", method: "ideal", currencies: []string{"eur"}, usage: "single_use", once: true, amount: true},
	"klarna":              {flow: "redirect", method: "klarna", usage: "single_use", once: true, amount: true},
	"multibanco":          {flow: "receiver", method: "multibanco", currencies: []string{"eur"}, usage: "single_use", once: true, amount: true, needs: []string{"email"}},
	"p24":                 {flow: "redirect", method: "p24", currencies: []string{"eur", "pln"}, usage: "single_use", once: true, amount: true, needs: []string{"email"}},
	"sepa_debit":          {flow: "none", method: "sepa_debit", currencies: []string{"eur"}, usage: "reusable", debit: true, needs: []string{"name"}},
	"sofort":              {flow: "redirect", method: "sofort", currencies: []string{"eur"}, usage: "single_use", once: true, amount: true},
	"three_d_secure":      {flow: "redirect", method: "card", usage: "single_use", once: true, amount: true},
	"wechat":              {flow: "none", method: "wechat_pay", currencies: []string{"aud", "cad", "eur", "gbp", "hkd", "jpy", "sgd", "usd"}, usage: "single_use", once: true, amount: true},
}

func sourceNames() []string {
	var names []string
	for name := range sourceTypes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (d *Domain) sourceRoutes(r *api.Router) {
	r.Kind(Sources)
	r.Kind(SourceTransactions)
	r.Kind(MandateNotifications)
	r.Kind(askedSources)
	r.Public("POST /v1/sources", d.makeSource)
	r.Public("GET /v1/sources/{source}", d.showSource)
	r.Handle("POST /v1/sources/{source}", d.changeSource)
	r.Handle("POST /v1/sources/{source}/verify", d.verifySource)
	r.Handle("GET /v1/sources/{source}/source_transactions", d.listSourceTransactions)
	r.Handle("GET /v1/sources/{source}/source_transactions/{source_transaction}", d.retrieveSourceTransaction)
	r.Handle("GET /v1/sources/{source}/mandate_notifications/{mandate_notification}", d.retrieveMandateNotification)
	r.Task("source.lapse", d.sourceLapses)
	r.Task("source.received", d.sourceReceived)
}

func (d *Domain) makeSource(c *api.Call) (any, error) {
	typ := c.P.Str("type")
	if c.P.Given("original_source") {
		return d.shareSource(c)
	}
	if typ == "" {
		return nil, fault.Missing("type")
	}
	t, ok := sourceTypes[typ]
	if !ok {
		return nil, fault.NotOneOf("type", sourceNames())
	}
	if c.Live() && typ != "card" {
		return nil, fault.NotYet("sources of type "+typ+" in live mode", "type")
	}
	if err := checkSource(c.P, typ, t); err != nil {
		return nil, err
	}
	s := Sources.New(c, c.NewID("src"))
	s.Created, s.Livemode, s.Type, s.Flow, s.Usage, s.AllowRedisplay = c.Now(), c.Live(), typ, t.flow, t.usage, "unspecified"
	s.ClientSecret, s.Metadata = "src_client_secret_"+id.Secret(24), map[string]string{}
	if err := c.ParamsOnly(s, "amount", "currency", "metadata", "owner", "statement_descriptor", "usage"); err != nil {
		return nil, err
	}
	if err := d.describeSource(c, s, t); err != nil {
		return nil, err
	}
	if t.debit {
		s.consent(c)
	}
	return s, d.start(c, s)
}

// checkSource refuses what cannot be a source of a type. unverified: the words for all but what is missing.
func checkSource(p *form.Value, typ string, t sourceType) error {
	if f := p.Str("flow"); f != "" && f != t.flow {
		return fault.SourceFlow(f, typ)
	}
	currency := p.Str("currency")
	switch {
	case currency == "" && (t.currencies != nil || t.amount):
		return fault.Missing("currency")
	case currency != "" && t.currencies != nil && !slices.Contains(t.currencies, currency):
		return fault.SourceTypeCurrency(typ, currency)
	case p.Str("usage") == "reusable" && t.once:
		return fault.SourceUsage(typ)
	case !p.Given("amount") && (t.amount || typ == "alipay" && p.Str("usage") != "reusable"):
		return fault.Missing("amount")
	case p.Given("amount") && p.Num("amount") < 1:
		return fault.BelowMinimum("amount", 1)
	case t.flow == "redirect" && p.At("redirect").Str("return_url") == "":
		return fault.Missing("redirect[return_url]")
	}
	for _, name := range t.needs {
		if p.At("owner").Str(name) == "" {
			return fault.Missing("owner[" + name + "]")
		}
	}
	if r := p.At("receiver"); r.Has("refund_attributes_method") && t.flow != "receiver" {
		return fault.SourceParam("receiver", typ+" source")
	}
	return nil
}

// describeSource makes the payment method that a source also is, and the hash that shows what may be known of it.
func (d *Domain) describeSource(c *api.Call, s *Source, t sourceType) error {
	pm := Methods.New(c, keyOf(s.ID))
	pm.ID = s.ID
	d.named(c, pm, t.method)
	known := map[string]string{}
	hash := c.P.Get(s.Type)
	var err error
	switch s.Type {
	case "card":
		err = d.cardOfSource(c, s, pm, hash, known)
	case "three_d_secure":
		err = d.threeDOfSource(c, s, pm, hash, known)
	case "ach_debit":
		err = d.bankOfSource(c, s, pm, hash, known)
	case "ach_credit_transfer":
		number := "test_" + id.Secret(12)
		known["account_number"], known["routing_number"] = quote(number), quote("110000000")
		known["bank_name"], known["swift_code"] = quote("TEST BANK"), quote("TSTEZ122")
		known["fingerprint"] = quote(d.vault.Fingerprint(accountOf(c), "ach_credit_transfer:"+number))
		s.receive("110000000-" + number)
	case "multibanco":
		entity, reference := "12345", digitsOf(s.ID, 9)
		known["entity"], known["reference"] = quote(entity), quote(reference)
		s.receive(entity + "-" + reference)
	case "klarna", "wechat", "alipay": // what the customer is known by is known afterwards
	default:
		if err = d.takeOther(c, pm, d.hashFor(s.Type, hash), s.Type); err == nil {
			jsontext.Members(pm.Of(pm.Type), func(name string, v []byte) bool {
				known[name] = string(v)
				return true
			})
		}
	}
	if err != nil {
		return err
	}
	s.shape(hash, known)
	s.bill(&pm.BillingDetails)
	return c.Save(pm)
}

// hashFor is the hash of a type as the payment method of the same type takes it.
func (d *Domain) hashFor(typ string, hash *form.Value) *form.Value {
	if typ != "sofort" && typ != "bancontact" || hash == nil {
		return hash
	}
	return &form.Value{Kind: form.Object, Fields: slices.DeleteFunc(slices.Clone(hash.Fields), func(f form.Field) bool { return typ == "bancontact" })}
}

// shape writes the hash of a source's type: each member that the spec has, with what is known, or what was sent, or null.
func (s *Source) shape(sent *form.Value, known map[string]string) {
	members := map[string]json.RawMessage{}
	for _, p := range spec.SchemaOf("source_type_" + s.Type).Properties() {
		v := sent.Get(p.Name)
		switch {
		case known[p.Name] != "":
			members[p.Name] = json.RawMessage(known[p.Name])
		case v != nil && v.Kind != form.Unset && v.Kind != form.Object:
			members[p.Name] = api.AppendValue(nil, v)
		case p.Nullable:
			members[p.Name] = json.RawMessage("null")
		}
	}
	*s.hash(s.Type) = jsontext.Append(nil, &members)
}

// bill writes the owner into billing details.
func (s *Source) bill(b *BillingDetails) {
	if s.Owner.Name != nil {
		b.Name = s.Owner.Name
	}
	if s.Owner.Email != nil {
		b.Email = s.Owner.Email
	}
	if s.Owner.Phone != nil {
		b.Phone = s.Owner.Phone
	}
	if s.Owner.Address != nil {
		b.Address = *s.Owner.Address
	}
}

// showSource answers with a source; a publishable key must name its client secret.
func (d *Domain) showSource(c *api.Call) (any, error) {
	s, err := Sources.InPath(c, "source")
	if err != nil {
		return nil, err
	}
	secret := c.P.Str("client_secret")
	switch {
	case secret == "" && c.Publishable():
		return nil, fault.Missing("client_secret")
	case secret != "" && secret != s.ClientSecret:
		return nil, fault.SourceSecret()
	}
	return s, nil
}

func (d *Domain) changeSource(c *api.Call) (any, error) {
	s, err := Sources.InPath(c, "source")
	if err != nil {
		return nil, err
	}
	h, err := hold(c, s.ID)
	if err != nil {
		return nil, err
	}
	return s, changeHeld(c, h)
}

// updateSource is changeSource by a customer's route, which has fewer parameters.
func updateSource(c *api.Call, h *held) error { return changeHeld(c, h) }

// changeHeld changes what may be changed of a source: who pays, metadata, the mandate, and the amount while nobody has authorized it.
func changeHeld(c *api.Call, h *held) error {
	s := h.source
	switch {
	case c.P.Given("amount") && s.Status != pending:
		return fault.SourceNotPending()
	case c.P.Given("amount") && c.P.Num("amount") < 1:
		return fault.BelowMinimum("amount", 1)
	case c.P.Given("mandate") && s.Mandate == nil:
		return fault.SourceParam("mandate", s.Type+" source")
	}
	if err := c.ParamsOnly(s, "amount", "metadata", "owner"); err != nil {
		return err
	}
	if err := api.MetadataLimit(s.Metadata); err != nil {
		return err
	}
	if s.Mandate != nil {
		s.consent(c)
	}
	if err := s.attributes(c); err != nil {
		return err
	}
	s.bill(&h.pm.BillingDetails)
	if err := c.Save(h.pm); err != nil {
		return err
	}
	return c.Save(s)
}
