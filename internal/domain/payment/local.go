package payment

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"florin/internal/api"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
	"florin/internal/rail"
	"florin/internal/spec"
)

// Payments by other types than cards. How each goes is in the table of package paymethod; here is what they have in common, and a file for each
// flow: debit.go, redirect.go, voucher.go, bank_transfer.go. Their charges are py_…, and are made when the customer has done what is asked of him.
//
// There is no live network for any of them: in live mode they are refused by name. In test mode account numbers and addresses say how a payment
// goes (paymethod.Test), and the customer is a page with two buttons.
//
// Known from: facts 07, 08, 14; recordings of sepa_debit, us_bank_account and customer_balance.

// way is the type of a charge's payment method.
func (ch *Charge) way() *paymethod.Type {
	if d := ch.PaymentMethodDetails; d != nil {
		if t := paymethod.Of(d.Type); t != nil {
			return t
		}
	}
	return paymethod.Types["card"]
}

// cardDetails are those of a card charge; of another, they have nothing.
func (ch *Charge) cardDetails() *CardDetails {
	if d := ch.PaymentMethodDetails; d != nil && d.Card != nil {
		return d.Card
	}
	return &CardDetails{}
}

// planLocal refuses what cannot be paid by a type other than card, and gets the customer's consent in.
func (d *Domain) planLocal(c *api.Call, pi *Intent, how *confirmation) error {
	pm, t := how.method, paymethod.Types[how.method.Type]
	if t == nil || t.Flow == paymethod.Terminal || t.Flow == paymethod.Outside || c.Live() {
		return fault.MethodNotBuilt(pm.Type)
	}
	use := pi.use(c)
	use.NoRedirects = false
	switch t.Refuses(use) {
	case paymethod.NotHere, paymethod.NotCurrency:
		return fault.TypeCurrency(pi.Currency)
	case paymethod.Nobody:
		return fault.TypeNeedsCustomer(t.Name)
	}
	if !pm.Private.Verified && !pm.Private.Named && (pm.Customer == nil || !t.Attachable) {
		for _, detail := range t.Needs {
			if !pm.BillingDetails.Has(detail) {
				return fault.BillingDetailsNeeded(detail)
			}
		}
	}
	how.way = t
	if t.Leaves() && pi.Private.ReturnURL == "" && !how.stripeSDK && !how.offSession {
		return fault.TypeReturnURL(t.Name)
	}
	if err := checkOptions(c, pi, pm, t); err != nil {
		return err
	}
	return d.consent(c, pi, how)
}

// checkOptions refuses options that a type must have, or cannot.
func checkOptions(c *api.Call, pi *Intent, pm *method, t *paymethod.Type) error {
	options := pi.PaymentMethodOptions[t.Name]
	switch t.Name {
	case "blik":
		code := c.P.At("payment_method_options", "blik").Str("code")
		if code == "" {
			return fault.Missing("payment_method_options[blik][code]")
		}
		if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
			return fault.BlikCode()
		}
		if test := paymethod.OfBlik(text(pm.BillingDetails.Email)); test.Fail != "" && test.After == 0 {
			f := fault.PaymentFailed(test.Fail, paymethod.Explain(test.Fail))
			f.Param = "payment_method_options[blik][code]"
			return f
		}
	case "wechat_pay":
		if jsontext.Scalar(options["client"]) == "" {
			return fault.WechatClient()
		}
	case "konbini":
		n := jsontext.Scalar(options["confirmation_number"])
		switch {
		case n == "":
		case n == "01234567890":
			return fault.KonbiniNumber(true)
		case len(n) < 10 || len(n) > 11 || strings.Trim(n, "0123456789") != "" || strings.Trim(n, "0") == "":
			return fault.KonbiniNumber(false)
		}
	case "customer_balance":
		return checkTransferOptions(pi)
	}
	return checkVoucher(pi, t.Name)
}

// consent finds the mandate of a payment that needs one: it is named, or came with the request, or was given before. Known from: facts 05f (the
// intent stays, waiting to be confirmed, when there is none).
func (d *Domain) consent(c *api.Call, pi *Intent, how *confirmation) error {
	pm, t := how.method, how.way
	given := setup.ConsentOf(c, c.P.Get("mandate_data"))
	if given == nil {
		given = setup.ConsentIn(c, pi.Private.Consent)
	}
	pi.Private.Consent = nil
	usage := pi.usage(t.Name)
	switch {
	case pi.Private.Mandate != "" || !t.Mandate && (given == nil || usage == ""):
		return nil
	case given == nil:
		m, err := setup.MandateOf(c, pm.ID)
		if err != nil {
			return err
		}
		if m != nil {
			pi.Private.Mandate = m.ID
			return nil
		}
		return d.refuseMandate(c, pi, how)
	}
	var once *setup.SingleUse
	if usage == "" {
		once = &setup.SingleUse{Amount: pi.Amount, Currency: pi.Currency}
	}
	status := "active"
	if d.unverified(pi, pm) {
		status = "pending"
	}
	m, err := setup.NewMandate(c, pm, given, once, pi.PaymentMethodOptions[t.Name], status)
	if err != nil {
		return err
	}
	pi.Private.Mandate = m.ID
	return nil
}

// refuseMandate refuses a debit without consent, and keeps the intent as it is.
func (d *Domain) refuseMandate(c *api.Call, pi *Intent, how *confirmation) error {
	f := fault.PaymentMandateNeeded()
	f.Keep = true
	if err := c.Save(pi); err != nil {
		return err
	}
	if how.created != nil {
		if err := how.emitCreated(c); err != nil {
			return err
		}
	}
	return intentState(c, pi, f)
}

// usage is what the intent says of keeping a method of a type for later.
func (pi *Intent) usage(typ string) string {
	switch own := jsontext.Scalar(pi.PaymentMethodOptions[typ]["setup_future_usage"]); own {
	case "":
		return text(pi.SetupFutureUsage)
	case "none":
		return ""
	default:
		return own
	}
}

// begin starts a payment by a type other than card: it is made at once, is under way, or the customer is asked for something.
func (d *Domain) begin(c *api.Call, pi *Intent, how *confirmation) (any, error) {
	pi.NextAction, pi.LastPaymentError, pi.Private.Asked = nil, nil, ""
	pi.Private.OffSession = how.offSession
	pm, t := how.method, how.way
	test, err := d.testOf(pm)
	if err != nil {
		return nil, err
	}
	if test.Block { // what fails at once is told of after the intent's creation, as a decline is
		if err := how.emitCreated(c); err != nil {
			return nil, err
		}
	}
	agreed := how.offSession && pm.Customer != nil // an account that was set up for that
	switch {
	case t.Flow == paymethod.Debit && d.unverified(pi, pm):
		err = d.askForDeposits(c, pi, pm)
	case t.Flow == paymethod.Transfer:
		err = d.fromBalance(c, pi, how)
	case t.Flow == paymethod.Debit || t.Flow == paymethod.Wallet || agreed:
		err = d.take(c, pi, pm)
	case how.errorOnAct:
		if err := how.emitCreated(c); err != nil {
			return nil, err
		}
		err = d.fail(c, pi, pm, fault.AuthenticationNotHandled())
	case t.Flow == paymethod.Voucher:
		err = d.issueVoucher(c, pi, pm, t)
	default:
		err = d.askCustomer(c, pi, pm, t)
	}
	if err != nil {
		return nil, err
	}
	if err := how.emitCreated(c); err != nil {
		return nil, err
	}
	return api.Answer{Name: "payment_intent", Arg: pi.ID}, nil
}

// take makes the charge of a payment that nothing more is asked for.
func (d *Domain) take(c *api.Call, pi *Intent, pm *method) error {
	t := paymethod.Types[pm.Type]
	ch := d.newChargeAs(c, pi, "py")
	ch.CalculatedStatementDescriptor = nil // recorded
	if err := d.describeLocal(c, ch, pm, pi); err != nil {
		return err
	}
	pi.LatestCharge, pi.PaymentMethod, pi.NextAction, pi.LastPaymentError = &ch.ID, &pm.ID, nil, nil
	pi.Private.Asked = ""
	ch.Private.Authorized = ch.Amount
	test, err := d.testOf(pm)
	if err != nil {
		return err
	}
	switch {
	case test.Block:
		return d.failLocal(c, pi, pm, ch, "card_declined", "The payment was blocked as too risky.") // unverified: the code
	case t.Delayed:
		return d.underWay(c, pi, pm, ch, test)
	}
	return d.come(c, pi, pm, ch)
}

// testOf is how a payment by a method goes in test mode.
func (d *Domain) testOf(pm *method) (paymethod.Test, error) {
	switch t := paymethod.Types[pm.Type]; {
	case t.Flow == paymethod.Debit:
		number, err := d.methods.Number(pm)
		return paymethod.OfAccount(pm.Type, number), err
	case t.Name == "payto":
		return paymethod.Test{After: 30}, nil
	case t.Delayed:
		return paymethod.OfAccount("sepa_debit", ""), nil
	}
	return paymethod.Test{}, nil
}

// underWay leaves a payment processing until a task knows how it went. Recorded: the charge is captured, but not paid; a mandate that was for this
// payment only is over. Known from: facts 08 (the order of the events).
func (d *Domain) underWay(c *api.Call, pi *Intent, pm *method, ch *Charge, test paymethod.Test) error {
	ch.Captured, ch.AmountCaptured = true, ch.Amount
	if err := ch.move("pending"); err != nil {
		return err
	}
	pi.Private.Slow = true
	if err := d.keepMethod(c, pi, pm, ch); err != nil {
		return err
	}
	if err := useMandate(c, pi); err != nil {
		return err
	}
	if !test.Stays {
		c.At(c.Now()+test.After, "payment.settle", ch.ID)
	}
	if err := d.move(c, pi, processing); err != nil {
		return err
	}
	if err := c.Save(pi, "payment_intent.processing"); err != nil {
		return err
	}
	return c.Save(ch, "charge.pending")
}

// settleLocal is the task by which a payment that was under way succeeds or fails.
func (d *Domain) settleLocal(c *api.Call, charge string) error {
	ch, err := Charges.Get(c, charge)
	if err != nil || ch == nil || ch.Status != "pending" {
		return err
	}
	if ch.PaymentIntent == nil {
		return d.settleCharge(c, ch)
	}
	pi, err := Intents.Get(c, text(ch.PaymentIntent))
	if err != nil {
		return err
	}
	pm, err := paymentmethod.Get(c, text(ch.PaymentMethod))
	if err != nil {
		return err
	}
	test, err := d.testOf(pm)
	if err != nil {
		return err
	}
	if test.Fail == "" {
		ch.expected()
		if test.Dispute { // whoever follows charges disputes it
			ch.Private.Dispute = &rail.Dispute{Reason: "debit_not_authorized"}
			if ch.way().Name == "sepa_debit" {
				ch.Private.Dispute.Reason = "fraudulent" // unverified
			}
		}
		return d.come(c, pi, pm, ch)
	}
	if test.Ends && pi.Private.Mandate != "" {
		m, err := setup.Mandates.Get(c, pi.Private.Mandate)
		if err != nil {
			return err
		}
		if m != nil && m.Status != "inactive" {
			if err := m.End(c); err != nil {
				return err
			}
		}
	}
	if test.Error != "" {
		ch.Private.Error = test.Error
	}
	return d.failLocal(c, pi, pm, ch, test.Fail, paymethod.Explain(test.Fail))
}

// come finishes a payment whose money has come, or is held for now.
func (d *Domain) come(c *api.Call, pi *Intent, pm *method, ch *Charge) error {
	first := ch.Status == ""
	ch.Paid = true
	ch.ReceiptURL = receiptURL(c, ch)
	if err := ch.move("succeeded"); err != nil {
		return err
	}
	ch.Outcome = outcomeOf(ch)
	pi.LastPaymentError, pi.NextAction, pi.Private.Slow = nil, nil, false
	if first {
		if err := d.keepMethod(c, pi, pm, ch); err != nil {
			return err
		}
		if err := useMandate(c, pi); err != nil {
			return err
		}
	}
	if first && pi.captureMethod(pm.Type) == "manual" {
		return d.held(c, pi, ch, nil)
	}
	return d.paid(c, pi, ch)
}

// failLocal keeps what a payment that has failed leaves. The error that the intent shows has the code of the failure. Recorded for SEPA, where it
// has a code of its own.
func (d *Domain) failLocal(c *api.Call, pi *Intent, pm *method, ch *Charge, code, message string) error {
	ch.FailureCode, ch.FailureMessage = &code, &message
	ch.Paid, ch.Captured, ch.AmountCaptured = false, false, 0 // unverified: that it is not captured any more
	if err := ch.move("failed"); err != nil {
		return err
	}
	if ch.Outcome = outcomeOf(ch); ch.Outcome != nil {
		ch.Outcome.NetworkStatus, ch.Outcome.Type, ch.Outcome.Reason = "declined_by_network", "issuer_declined", &code
		ch.Outcome.SellerMessage = message
	}
	pi.Private.Slow = false
	if err := c.Save(ch, "charge.failed"); err != nil {
		return err
	}
	f := fault.PaymentFailed(code, message)
	if own := ch.Private.Error; own != "" {
		f = fault.PaymentFailed(own, paymethod.Explain(own))
	}
	f.Charge = ch.ID
	return d.fail(c, pi, pm, f)
}

// keepMethod notes that a method has paid, and keeps it for the customer if the intent says so; of a type that cannot be kept, the bank account
// behind it.
func (d *Domain) keepMethod(c *api.Call, pi *Intent, pm *method, ch *Charge) error {
	usage := pi.usage(pm.Type)
	if usage != "" && pi.Customer != nil {
		t := paymethod.Types[pm.Type]
		switch {
		case t.Attachable && pm.Customer == nil:
			pm.Private.SetUp = usage == "off_session"
			if err := d.methods.AttachTo(c, pm, *pi.Customer); err != nil {
				return err
			}
		case !t.Attachable && slices.Contains([]string{"ideal", "bancontact", "sofort"}, pm.Type):
			if err := d.generate(c, pi, pm, ch); err != nil {
				return err
			}
		}
	}
	return d.methods.Used(c, pm, paymentmethod.Checks{})
}

// generate makes the SEPA debit that stands behind a redirect, with the mandate for it.
func (d *Domain) generate(c *api.Call, pi *Intent, pm *method, ch *Charge) error {
	debit, err := d.methods.GeneratedDebit(c, pm, *pi.Customer, &ch.ID, nil)
	if err != nil {
		return err
	}
	mandate := pi.Private.Mandate
	if m, err := setup.Mandates.Get(c, mandate); err != nil {
		return err
	} else if m == nil {
		now := c.Now()
		m, err := setup.NewMandate(c, debit, &setup.Consent{AcceptedAt: &now, Offline: &struct{}{}, Type: "offline"}, nil, nil, "active")
		if err != nil {
			return err
		}
		mandate = m.ID
	} else {
		m.PaymentMethod = debit.ID
		if err := c.Save(m); err != nil {
			return err
		}
	}
	ch.set("generated_sepa_debit", debit.ID)
	ch.set("generated_sepa_debit_mandate", mandate)
	ch.set("iban_last4", jsontext.Text(debit.SEPADebit, "last4"))
	return nil
}

// describeLocal fills in what a charge shows of its payment method: what the method's hash has, what the payment adds, and null for what nobody
// knows, in the shape that the spec has for the type.
func (d *Domain) describeLocal(c *api.Call, ch *Charge, pm *method, pi *Intent) error {
	t := paymethod.Types[pm.Type]
	ch.PaymentMethod = &pm.ID
	ch.BillingDetails = jsontext.Append(nil, &pm.BillingDetails)
	known := details(c, ch, pm, pi)
	p := spec.SchemaOf("payment_method_details").Property(t.Name)
	if p == nil || len(p.Refs) == 0 {
		return fmt.Errorf("charges have no details of %s", t.Name)
	}
	members := map[string]json.RawMessage{}
	for _, m := range spec.SchemaOf(p.Refs[0]).Properties() {
		switch v := known[m.Name]; {
		case v != nil:
			members[m.Name] = v
		case len(jsontext.Get(pm.Of(t.Name), m.Name)) > 0:
			members[m.Name] = slices.Clone(jsontext.Get(pm.Of(t.Name), m.Name))
		case m.Nullable:
			members[m.Name] = json.RawMessage("null")
		}
	}
	ch.PaymentMethodDetails = &MethodDetails{Type: t.Name}
	ch.PaymentMethodDetails.Put(t.Name, jsontext.Append(nil, &members))
	if t.Name != "us_bank_account" { // recorded: null while it is pending
		ch.Outcome = outcomeOf(ch)
	}
	return nil
}

// set sets a text of the hash that a charge shows of its method.
func (ch *Charge) set(name, value string) {
	d := ch.PaymentMethodDetails
	members := map[string]json.RawMessage{}
	jsontext.Members(d.Of(d.Type), func(key string, v []byte) bool {
		members[key] = slices.Clone(v)
		return true
	})
	members[name] = quoted(value)
	d.Put(d.Type, jsontext.Append(nil, &members))
}

// expected says when the account of a debit is taken to have been debited. Recorded: the day of the payment, as soon as it has succeeded.
func (ch *Charge) expected() {
	d := ch.PaymentMethodDetails
	if p := spec.SchemaOf("payment_method_details_" + d.Type); p != nil && p.Property("expected_debit_date") != nil && d.Type != "us_bank_account" {
		ch.set("expected_debit_date", time.Unix(ch.Created, 0).UTC().Format("2006-01-02"))
	}
}

func quoted(s string) json.RawMessage { return jsontext.AppendString(nil, s) }

// details are what a payment adds to what its method's hash shows. unverified: all values; Stripe's are as opaque.
func details(c *api.Call, ch *Charge, pm *method, pi *Intent) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	show := func(name, value string) {
		if value != "" {
			out[name] = quoted(value)
		}
	}
	show("mandate", pi.Private.Mandate)
	lot := lotOf(ch.ID)
	number := fmt.Sprintf("%012d", lot%1_000_000_000_000)
	switch pm.Type {
	case "affirm", "alma", "billie", "bizum", "kakao_pay", "payco", "samsung_pay", "satispay", "scalapay", "sunbit", "grabpay", "alipay", "amazon_pay", "cashapp", "fpx", "ideal", "kr_card", "naver_pay", "paypal",
		"revolut_pay", "wechat_pay":
		show("transaction_id", "test_"+number)
	case "afterpay_clearpay":
		show("order_id", number)
		show("reference", jsontext.Scalar(pi.PaymentMethodOptions[pm.Type]["reference"]))
	case "klarna":
		show("payment_method_category", "pay_later")
		show("preferred_locale", "en-US")
		if country := pm.BillingDetails.Address.Country; country != nil {
			out["payer_details"] = json.RawMessage(`{"address":{"country":` + string(quoted(*country)) + `}}`)
		}
	case "paynow", "promptpay", "p24":
		show("reference", number)
	case "pix":
		show("bank_transaction_id", "E"+number)
	case "swish":
		show("payment_reference", number)
	case "multibanco":
		show("entity", jsontext.Text(pi.Private.Shown, "multibanco_display_details.entity"))
		show("reference", jsontext.Text(pi.Private.Shown, "multibanco_display_details.reference"))
	case "oxxo":
		show("number", jsontext.Text(pi.Private.Shown, "oxxo_display_details.number"))
	case "konbini":
		out["store"] = json.RawMessage(`{"chain":"familymart"}`)
	case "crypto":
		show("buyer_address", "0x0000000000000000000000000000000000000000")
		show("network", "base")
		show("token_currency", "usdc")
		show("transaction_hash", "0x"+number)
	case "link":
		show("country", countryOf(c))
	}
	switch pm.Type {
	case "bancontact", "ideal", "eps", "giropay", "p24", "sofort":
		show("verified_name", text(pm.BillingDetails.Name))
	case "amazon_pay", "revolut_pay":
		out["funding"] = json.RawMessage(`{"type":null}`)
	}
	if pm.Type == "bancontact" {
		show("bank_name", "VAN DE PUT & CO")
		show("bank_code", "VAPE")
		show("bic", "VAPEBE22")
		show("iban_last4", "7061")
		show("preferred_language", jsontext.Scalar(pi.PaymentMethodOptions[pm.Type]["preferred_language"]))
	}
	return out
}

func countryOf(c *api.Call) string { return merchant(c).Country }

// lotOf makes a number of an id, always the same.
func lotOf(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:8])
}

// outcomeOf is what is said of a payment that no card network has decided. Recorded of sepa_debit, with a score, and of us_bank_account, which is not
// assessed.
func outcomeOf(ch *Charge) *Outcome {
	o := &Outcome{NetworkStatus: "approved_by_network", RiskLevel: "not_assessed", SellerMessage: "Payment complete.", Type: "authorized"}
	if ch.way().Name == "sepa_debit" {
		score := int64(lotOf(ch.ID) % 65)
		o.RiskLevel, o.RiskScore = "normal", &score
	}
	return o
}

// giveToken gives the intent a token under which pages find it.
func (d *Domain) giveToken(c *api.Call, pi *Intent, prefix string) (string, error) {
	token, err := setup.GiveToken(c, prefix, pi.ID)
	pi.Private.Asked = token
	return token, err
}

// Waits says whether the intent waits for an answer under a token.
func (pi *Intent) Waits(token string) bool {
	return token != "" && pi.Private.Asked == token && (pi.Status == needsAction || pi.Status == processing)
}

// Answer takes the customer's answer under a token: that he authorizes or has paid, or that he does not. The payment goes on at once.
func (d *Domain) Answer(c *api.Call, pi *Intent, token string, yes bool) error {
	if !pi.Waits(token) {
		return nil
	}
	pm, err := d.methods.Resolve(c, text(pi.PaymentMethod), "payment_method")
	if err != nil {
		return err
	}
	flow := paymethod.Types[pm.Type].Flow
	if flow == paymethod.Debit || flow == paymethod.Transfer { // they wait for the bank
		return nil
	}
	if yes {
		return d.take(c, pi, pm)
	}
	pi.Private.Asked = ""
	if flow == paymethod.Voucher {
		return d.fail(c, pi, pm, expired())
	}
	return d.fail(c, pi, pm, fault.AuthenticationFailed())
}

// expired is the error of a payment that nobody made in time. Known from: facts 14d, 14j (I).
func expired() *fault.Error {
	const code = "payment_intent_payment_attempt_expired"
	return fault.PaymentFailed(code, paymethod.Explain(code))
}

// lapse is the task by which an intent stops waiting. arg is the intent and the token.
func (d *Domain) lapse(c *api.Call, arg string) error {
	intent, token, _ := strings.Cut(arg, " ")
	pi, err := Intents.Get(c, intent)
	if err != nil || pi == nil || !pi.Waits(token) {
		return err
	}
	pm, err := paymentmethod.Get(c, text(pi.PaymentMethod))
	if err != nil {
		return err
	}
	pi.Private.Asked = ""
	return d.fail(c, pi, pm, expired())
}

// happens is the task by which a customer of test mode does what was asked of him. arg is the intent, the token, and the code of a failure, if any.
func (d *Domain) happens(c *api.Call, arg string) error {
	parts := strings.Fields(arg)
	pi, err := Intents.Get(c, parts[0])
	if err != nil || pi == nil || !pi.Waits(parts[1]) {
		return err
	}
	if len(parts) < 3 {
		return d.Answer(c, pi, parts[1], true)
	}
	pm, err := paymentmethod.Get(c, text(pi.PaymentMethod))
	if err != nil {
		return err
	}
	pi.Private.Asked = ""
	return d.fail(c, pi, pm, fault.PaymentFailed(parts[2], paymethod.Explain(parts[2])))
}

func (d *Domain) localRoutes(r *api.Router) {
	r.Task("payment.settle", d.settleLocal)
	r.Task("payment.lapse", d.lapse)
	r.Task("payment.happens", d.happens)
	r.Public("POST /v1/payment_intents/{intent}/verify_microdeposits", d.verifyMicrodeposits)
	r.Task("payment.deposits", d.depositsLate)
}

// optionOf is a number among a type's options; 0 if there is none.
func (pi *Intent) optionOf(typ, name string) int64 {
	var n int64
	for _, r := range jsontext.Scalar(pi.PaymentMethodOptions[typ][name]) {
		if r < '0' || r > '9' {
			return 0
		}
		n = n*10 + int64(r-'0')
	}
	return n
}

// stop ends what an intent waits for, when it is canceled or gets another method: pages no longer find it, cash goes back, and a charge that is
// under way fails. unverified: what such a charge says.
func (d *Domain) stop(c *api.Call, pi *Intent) error {
	pi.Private.Asked = ""
	if pi.Private.Slow {
		pi.Private.Slow = false
		ch, err := Charges.Get(c, text(pi.LatestCharge))
		if err != nil {
			return err
		}
		if ch != nil && ch.Status == "pending" {
			ch.Captured, ch.AmountCaptured = false, 0
			if err := ch.move("failed"); err != nil {
				return err
			}
			if err := c.Save(ch, "charge.failed"); err != nil {
				return err
			}
		}
	}
	return d.giveCashBack(c, pi)
}
