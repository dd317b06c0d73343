package paymentmethod

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/store"
	"florin/internal/testcard"
)

// What happens to a source on its way from pending to consumed. In test mode a page stands in for the customer's bank (package page): it authorizes a source
// or fails it, and sends money to one that receives. A receiver whose owner's e-mail address begins with amount_1234@ gets so much by itself. Known from:
// docs.stripe.com/sources; unverified: how long a source waits.

const (
	authorizeFor = 3600          // how long a customer has to authorize, in seconds
	chargeFor    = 6 * 3600      // and the merchant to charge what was authorized
	receiveFor   = 7 * 24 * 3600 // how long a voucher can be paid
	mostCodes    = 5             // how often it may be said wrongly what was deposited on the account of an ach_debit
)

// cardOfSource reads the card of a source: a token, or the card itself, as a browser sends it.
func (d *Domain) cardOfSource(c *api.Call, s *Source, pm *PaymentMethod, hash *form.Value, known map[string]string) error {
	var got *spentToken
	var err error
	switch token := c.P.Str("token"); {
	case token != "":
		got, err = d.spend(c, token, "token")
	case hash == nil:
		return fault.Missing("token")
	default:
		var raw *rawCard
		if raw, err = d.readCard(c, hash, "card"); err == nil {
			got = &spentToken{raw: raw, legacy: d.legacyCard(c, "", raw, hash)}
		}
	}
	if err != nil {
		return err
	}
	d.putCard(c, pm, got.raw)
	if l := got.legacy; l != nil {
		l.bill(&pm.BillingDetails)
		if s.Owner.Name == nil {
			s.Owner.Name = l.Name
		}
		if s.Owner.Address == nil && (l.AddressLine1 != nil || l.AddressZip != nil) {
			address := pm.BillingDetails.Address
			s.Owner.Address = &address
		}
	}
	d.knowCard(pm, known)
	return nil
}

// knowCard says what a source shows of its card.
func (d *Domain) knowCard(pm *PaymentMethod, known map[string]string) {
	f := pm.Card
	known["brand"], known["fingerprint"], known["funding"], known["last4"] = quote(testcard.LegacyBrand(f.Brand)), quote(f.Fingerprint), quote(f.Funding), quote(f.Last4)
	known["exp_month"], known["exp_year"] = strconv.FormatInt(f.ExpMonth, 10), strconv.FormatInt(f.ExpYear, 10)
	show := func(name string, v *string) {
		if v != nil {
			known[name] = quote(*v)
		}
	}
	show("country", f.Country)
	show("cvc_check", f.Checks.CVCCheck)
	show("address_line1_check", f.Checks.AddressLine1Check)
	show("address_zip_check", f.Checks.AddressPostalCodeCheck)
	show("name", pm.BillingDetails.Name)
	usage := "optional"
	if number, err := d.open(pm.ID, pm.Private.Sealed); err == nil {
		switch testcard.Identify(number.Number).ThreeDS.Usage {
		case testcard.Required, testcard.UntilSetUp, testcard.OnSessionOnly:
			usage = "required"
		case testcard.NotSupported:
			usage = "not_supported"
		}
	}
	known["three_d_secure"] = quote(usage)
}

// threeDOfSource takes the card that a cardholder is to authenticate for: a source of type card, or a customer's card.
func (d *Domain) threeDOfSource(c *api.Call, s *Source, pm *PaymentMethod, hash *form.Value, known map[string]string) error {
	name := hash.Str("card")
	if name == "" {
		return fault.Missing("three_d_secure[card]")
	}
	var of *PaymentMethod
	if h, err := hold(c, name); err != nil {
		return err
	} else if h != nil {
		of = h.pm
	} else if strings.HasPrefix(name, "tok_") {
		h, err := d.takeSource(c, &form.Value{Kind: form.String, Text: name}, "three_d_secure[card]")
		if err != nil {
			return err
		}
		of = h.pm
	}
	if of == nil || of.Card == nil {
		return Cards.Missing(name, "three_d_secure[card]", 400)
	}
	copied := *of.Card
	pm.Card, pm.BillingDetails, pm.Private.CVC = &copied, of.BillingDetails, of.Private.CVC
	var err error
	if pm.Private.Sealed, err = d.reseal(of.ID, pm.ID, of.Private.Sealed); err != nil {
		return err
	}
	d.knowCard(pm, known)
	known["card"], known["authenticated"] = quote(name), "false"
	if of.Customer != nil {
		known["customer"] = quote(*of.Customer)
	}
	return nil
}

// bankOfSource takes the bank account of an ach_debit, from a token.
func (d *Domain) bankOfSource(c *api.Call, s *Source, pm *PaymentMethod, hash *form.Value, known map[string]string) error {
	token := c.P.Str("token")
	if token == "" {
		return fault.Missing("token")
	}
	number, _, ok := account.TestBankToken(token)
	var b *account.BankAccount
	if ok && !c.Live() {
		b = account.TestBank(c, d.vault, number)
	} else {
		got, err := d.Spend(c, token, "bank_account", "token")
		if err != nil {
			return err
		}
		b, number = got.Bank, got.Number
	}
	v := &form.Value{Kind: form.Object}
	v.Set("account_number", &form.Value{Kind: form.String, Text: number})
	v.Set("routing_number", &form.Value{Kind: form.String, Text: *b.RoutingNumber})
	if err := d.takeOther(c, pm, v, "token"); err != nil {
		return err
	}
	known["bank_name"], known["country"], known["fingerprint"] = quote(*b.BankName), quote(b.Country), quote(*b.Fingerprint)
	known["last4"], known["routing_number"] = quote(b.Last4), quote(*b.RoutingNumber)
	if b.AccountHolderType != nil {
		known["type"] = quote(*b.AccountHolderType)
	}
	if s.Owner.Name == nil {
		s.Owner.Name = b.AccountHolderName
	}
	return nil
}

// digitsOf makes digits of an id, always the same.
func digitsOf(id string, n int) string {
	sum := sha256.Sum256([]byte(id))
	out := make([]byte, n)
	for i := range out {
		out[i] = '0' + sum[i]%10
	}
	return string(out)
}

// receive makes a source one that money is sent to.
func (s *Source) receive(address string) {
	s.Receiver = &Receiver{Address: &address, RefundAttributesMethod: "email", RefundAttributesStatus: "missing"}
}

// consent reads the mandate of a debit. Shape recorded.
func (s *Source) consent(c *api.Call) {
	given := c.P.Get("mandate")
	if s.Mandate == nil {
		m := &SourceMandate{NotificationMethod: "none", Reference: strings.ToUpper(id.Secret(16))}
		m.Acceptance.Status = pending
		m.URL = c.Base() + "/mandates/" + s.ID + "/" + s.ClientSecret
		s.Mandate = m
		if s.Type == "sepa_debit" {
			s.know("mandate_reference", quote(m.Reference))
			s.know("mandate_url", quote(m.URL))
		}
	}
	if given != nil {
		_ = api.Bind(s.Mandate, given) // the spec has checked the types
	}
}

// know puts a member into the hash of the source's type.
func (s *Source) know(name, value string) {
	members := map[string]json.RawMessage{}
	jsontext.Members(*s.hash(s.Type), func(n string, v []byte) bool {
		members[n] = slices.Clone(v)
		return true
	})
	members[name] = json.RawMessage(value)
	*s.hash(s.Type) = jsontext.Append(nil, &members)
}

// An askedSource is the way from a client secret to its source. It stands in the system's scope, as the page's URL names no account.
type askedSource struct {
	api.Meta
	Source string `json:"source"`
	Scope  int64  `json:"scope"`
}

var askedSources = &api.Kind[askedSource]{Name: "_asked_source", Internal: true}

// AskedSource finds where the source of a client secret is, in a call of the system's scope.
func AskedSource(c *api.Call, secret string) (scope store.Scope, source string, ok bool, err error) {
	a, err := askedSources.GetAt(c, store.System, "_asked_source:"+secret)
	if err != nil || a == nil {
		return 0, "", false, err
	}
	return store.Scope(a.Scope), a.Source, true, nil
}

// found sees to it that AskedSource finds the source.
func (s *Source) found(c *api.Call) error {
	asked := askedSources.NewAt(c, store.System, "_asked_source:"+s.ClientSecret, c.Now())
	asked.Source, asked.Scope = s.ID, int64(c.Scope)
	return c.Save(asked)
}

// start sets a new source on its way.
func (d *Domain) start(c *api.Call, s *Source) error {
	status := pending
	switch {
	case s.Flow == "redirect":
		s.Redirect = &Redirect{ReturnURL: c.P.At("redirect").Str("return_url"), Status: pending, URL: s.page(c)}
		if s.Type == "three_d_secure" && jsontext.Text(s.ThreeDSecure, "three_d_secure") == "not_supported" { // nobody can authenticate, and nobody has to
			s.Redirect.Status, status = "not_required", chargeable
		}
	case s.Flow == "code_verification":
		s.CodeVerification = &CodeVerification{AttemptsRemaining: mostCodes, Status: pending}
		s.Private.Amounts = []int64{32, 45}
	case s.Type == "wechat":
		s.know("prepay_id", quote("test_"+id.Secret(16)))
		s.know("qr_code_url", quote(s.page(c)))
	case s.Flow == "none":
		status = chargeable
	}
	if s.Receiver != nil {
		if m := c.P.At("receiver").Str("refund_attributes_method"); m != "" {
			s.Receiver.RefundAttributesMethod = m
		}
	}
	if order := c.P.Get("source_order"); order != nil {
		s.order(order)
	}
	if err := s.move(status); err != nil {
		return err
	}
	if err := s.found(c); err != nil {
		return err
	}
	switch {
	case status == pending && s.Usage == "single_use" && s.Receiver == nil:
		c.At(c.Now()+authorizeFor, "source.lapse", s.ID)
	case status == pending && s.Type == "multibanco":
		c.At(c.Now()+receiveFor, "source.lapse", s.ID)
	}
	if amount := s.sentByTest(); amount > 0 {
		c.At(c.Now()+1, "source.received", s.ID)
	}
	if status != chargeable {
		return c.Save(s)
	}
	if err := c.Save(s, "source.chargeable"); err != nil { // facts of developers: a card's source tells of it, too
		return err
	}
	if s.Mandate != nil && s.Mandate.Acceptance.Status == "accepted" {
		return d.notifyMandate(c, s, "mandate_confirmed", nil)
	}
	return nil
}

// page is where the customer of test mode decides.
func (s *Source) page(c *api.Call) string {
	return c.Base() + "/redirect/authenticate/" + s.ID + "?client_secret=" + s.ClientSecret
}

// order shows the order that a source pays.
func (s *Source) order(v *form.Value) {
	items := []json.RawMessage{}
	total := int64(0)
	if list := v.Get("items"); list != nil {
		for _, it := range list.Items {
			total += it.Num("amount")
			members := map[string]json.RawMessage{"amount": json.RawMessage("null"), "currency": json.RawMessage("null"), "description": json.RawMessage("null"), "parent": json.RawMessage("null"), "type": json.RawMessage("null")}
			for _, f := range it.Fields {
				members[f.Name] = api.AppendValue(nil, f.Value)
			}
			items = append(items, jsontext.Append(nil, &members))
		}
	}
	if s.Amount != nil {
		total = *s.Amount
	}
	currency := ""
	if s.Currency != nil {
		currency = *s.Currency
	}
	list, _ := json.Marshal(items)
	members := map[string]json.RawMessage{"amount": json.RawMessage(strconv.FormatInt(total, 10)), "currency": json.RawMessage(quote(currency)), "items": list}
	if s.Owner.Email != nil {
		members["email"] = json.RawMessage(quote(*s.Owner.Email))
	}
	if ship := v.Get("shipping"); ship != nil {
		members["shipping"] = api.AppendValue(nil, ship)
	}
	s.SourceOrder = jsontext.Append(nil, &members)
}

// sentByTest is what is sent to a receiver by itself, in test mode: as the owner's e-mail address says (amount_1234@).
func (s *Source) sentByTest() int64 {
	if s.Receiver == nil || s.Owner.Email == nil || s.Livemode {
		return 0
	}
	local, _, _ := strings.Cut(*s.Owner.Email, "@")
	digits, ok := strings.CutPrefix(local, "amount_")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 1 {
		return 0
	}
	return n
}

// sourceReceived is the task by which money comes to a receiver.
func (d *Domain) sourceReceived(c *api.Call, id string) error {
	s, err := Sources.Get(c, id)
	if err != nil || s == nil || s.Status != pending && s.Status != chargeable {
		return err
	}
	return s.received(c, s.sentByTest())
}

// received notes that money has come.
func (s *Source) received(c *api.Call, amount int64) error {
	tx := SourceTransactions.New(c, c.NewID("srctxn"))
	tx.Amount, tx.Currency, tx.Created, tx.Livemode, tx.Source, tx.Status, tx.Type = amount, *s.Currency, c.Now(), s.Livemode, s.ID, "succeeded", s.Type
	if s.Type == "ach_credit_transfer" {
		tx.ACHCreditTransfer = json.RawMessage(`{"customer_data":"test","fingerprint":` + quote(jsontext.Text(s.ACHCreditTransfer, "fingerprint")) + `,"last4":"6789","routing_number":"110000000"}`)
	}
	if err := c.Save(tx, "source.transaction.created"); err != nil {
		return err
	}
	s.Receiver.AmountReceived += amount
	if s.Status == chargeable || s.Amount != nil && s.Usage == "single_use" && s.Receiver.AmountReceived < *s.Amount {
		return c.Save(s)
	}
	if err := s.move(chargeable); err != nil {
		return err
	}
	return c.Save(s, "source.chargeable")
}

// Waits says whether somebody may decide on the source's page.
func (s *Source) Waits() bool {
	return s.Status == pending && (s.Flow == "redirect" || s.Type == "wechat" || s.Receiver != nil) || s.Receiver != nil && s.Status == chargeable && s.Usage == "reusable"
}

// AnswerSource takes the customer's answer on the page: that he authorizes or has sent the money, or that he does not.
func AnswerSource(c *api.Call, s *Source, yes bool) error {
	switch {
	case !s.Waits():
		return nil
	case s.Receiver != nil && yes:
		amount := int64(1000) // an amount that nobody has named
		if s.Amount != nil {
			amount = *s.Amount
		}
		return s.received(c, amount)
	case !yes:
		return s.fail(c, "declined")
	}
	pm, err := Get(c, s.ID)
	if err != nil || pm == nil {
		return err
	}
	if s.Type == "three_d_secure" {
		pm.Private.Authenticated = true
		s.know("authenticated", "true")
		if err := c.Save(pm); err != nil {
			return err
		}
	}
	if s.Redirect != nil {
		s.Redirect.Status = "succeeded"
	}
	s.Owner.VerifiedName = s.Owner.Name
	if s.Type == "alipay" || s.Type == "wechat" || s.Type == "three_d_secure" {
		s.Owner.VerifiedName = nil
	}
	if s.Usage == "single_use" {
		c.At(c.Now()+chargeFor, "source.lapse", s.ID)
	}
	if err := s.move(chargeable); err != nil {
		return err
	}
	return c.Save(s, "source.chargeable")
}

// fail ends a source that its customer did not authorize.
func (s *Source) fail(c *api.Call, reason string) error {
	if s.Redirect != nil {
		s.Redirect.Status, s.Redirect.FailureReason = failed, &reason
	}
	if err := s.move(failed); err != nil {
		return err
	}
	return c.Save(s, "source.failed")
}

// sourceLapses is the task that cancels a source that was not authorized, paid or charged in time.
func (d *Domain) sourceLapses(c *api.Call, id string) error {
	s, err := Sources.Get(c, id)
	if err != nil || s == nil || s.Status != pending && s.Status != chargeable {
		return err
	}
	if s.Redirect != nil && s.Redirect.Status == pending {
		s.Redirect.Status = failed
	}
	if err := s.move(canceled); err != nil {
		return err
	}
	return c.Save(s, "source.canceled")
}

// verifySource takes what was deposited on the bank account of an ach_debit.
func (d *Domain) verifySource(c *api.Call) (any, error) {
	s, err := Sources.InPath(c, "source")
	if err != nil {
		return nil, err
	}
	values := c.P.Strings("values")
	switch v := s.CodeVerification; {
	case v == nil:
		return nil, fault.SourceUnverifiable(s.Type)
	case v.Status != pending:
		return nil, fault.SourceVerified(v.Status)
	case s.Status != pending: // its customer has let it go meanwhile
		return nil, fault.SourceVerified(s.Status)
	case len(values) != 2:
		return nil, fault.BankAmounts()
	}
	var amounts []int64
	for i, text := range values {
		n, ok := number(text)
		if !ok {
			return nil, fault.NotInteger(fmt.Sprintf("values[%d]", i), text)
		}
		amounts = append(amounts, n)
	}
	slices.Sort(amounts)
	v := s.CodeVerification
	v.AttemptsRemaining--
	if slices.Equal(amounts, s.Private.Amounts) {
		v.Status = "succeeded"
		pm, err := Get(c, s.ID)
		if err != nil {
			return nil, err
		}
		pm.Private.Verified = true
		if err := c.Save(pm); err != nil {
			return nil, err
		}
		if err := s.move(chargeable); err != nil {
			return nil, err
		}
		return s, c.Save(s, "source.chargeable")
	}
	if v.AttemptsRemaining > 0 {
		f := fault.SourceCodeWrong()
		f.Keep = true // that somebody has guessed
		if err := c.Save(s); err != nil {
			return nil, err
		}
		return nil, f
	}
	v.Status = failed
	f := fault.SourceCodeWrong()
	f.Keep = true
	if err := s.fail(c, "declined"); err != nil {
		return nil, err
	}
	return nil, f
}

// attachSource gives a source to a customer. Known from: docs.stripe.com/sources/customers (it must be pending or chargeable).
func (d *Domain) attachSource(c *api.Call, cus *customer.Customer, name, param string) (*held, error) {
	h, err := hold(c, name)
	switch {
	case err != nil:
		return nil, err
	case h == nil:
		return nil, Cards.Missing(name, param, 400)
	case h.source == nil || h.owner() != "":
		return nil, fault.SourceTaken()
	case h.source.Status != chargeable && h.source.Status != pending:
		return nil, fault.SourceNotChargeable()
	}
	if h.source.Type == "card" {
		if err := d.verify(c, h.pm); err != nil {
			return nil, err
		}
		if check := h.pm.Card.Checks.CVCCheck; check != nil {
			h.source.know("cvc_check", quote(*check))
		}
	}
	h.pm.Customer, h.source.Customer = &cus.ID, &cus.ID
	if err := c.Save(h.pm); err != nil {
		return nil, err
	}
	return h, c.Save(h.source, "customer.source.created")
}
