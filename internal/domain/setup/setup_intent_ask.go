package setup

import (
	"encoding/json"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
	"florin/internal/rail"
	"florin/internal/spec"
)

// Types other than cards and bank debits: Link is set up at once, and so is a boleto's payer; the customer of any other authorizes on a page or in an
// app. iDEAL, Bancontact and Sofort leave the SEPA debit that stands behind them.
//
// Known from: facts 14b, 14c; the spec (the next actions of a setup intent, the details of its attempts). unverified: that a boleto asks for nothing.

// planOther refuses what cannot be set up by a type other than card and bank debit.
func (d *Domain) planOther(c *api.Call, si *Intent, how *confirmation) error {
	pm, t := how.method, paymethod.Types[how.method.Type]
	if t == nil || !t.Saves(si.Usage) || c.Live() {
		return fault.SetupNotBuilt(pm.Type)
	}
	needs := t.Needs
	if generates(t.Name) {
		needs = []string{"name", "email"} // facts 14b: those of the debit
	}
	for _, detail := range needs {
		if !pm.BillingDetails.Has(detail) {
			return refusal(c, si, fault.BillingDetailsNeeded(detail))
		}
	}
	if t.Leaves() && si.Private.ReturnURL == "" && !how.stripeSDK {
		return refusal(c, si, fault.TypeReturnURL(t.Name))
	}
	return nil
}

// generates says whether a type leaves a SEPA debit.
func generates(typ string) bool {
	return slices.Contains([]string{"ideal", "bancontact", "sofort"}, typ)
}

// confirmOther sets a method up at once, or asks its customer.
func (d *Domain) confirmOther(c *api.Call, si *Intent, a *Attempt, how *confirmation) error {
	pm, t := how.method, paymethod.Types[how.method.Type]
	asks := t.Flow != paymethod.Wallet && t.Name != "boleto"
	if how.mandate != nil && !generates(t.Name) && spec.SchemaOf("mandate_payment_method_details").Property(t.Name) != nil {
		status := "active"
		if asks {
			status = "pending"
		}
		if err := d.newMandate(c, si, pm, *how.mandate, status); err != nil {
			return err
		}
	}
	if !asks {
		return d.succeed(c, si, a, pm)
	}
	token, err := GiveToken(c, "sa_nonce_", si.ID)
	if err != nil {
		return err
	}
	si.Private.Asked = token
	if t.Action != "" {
		action, body := Action(c, t, token, si.Private.ReturnURL)
		if t.Name == "pix" { // the spec: the code of a setup says how long it is good for
			body["expires_at"] = c.Now() + waits(t)
		}
		if si.NextAction, err = ActionJSON(action, body); err != nil {
			return err
		}
	}
	if t.Flow == paymethod.Push { // the customer of test mode agrees in his app, after a while
		c.At(c.Now()+30, "setup_intent.agreed", si.ID+" "+token)
	} else {
		c.At(c.Now()+waits(t), "setup_intent.lapse", si.ID+" "+token)
	}
	if err := d.conclude(c, a, needsAction, nil); err != nil {
		return err
	}
	if err := d.move(c, si, needsAction); err != nil {
		return err
	}
	return c.Save(si, "setup_intent.requires_action")
}

// waits is how long a type's customer has, in seconds.
func waits(t *paymethod.Type) int64 {
	if t.ActionFor > 0 {
		return t.ActionFor
	}
	return 24 * 60 * 60
}

// Waits says whether the intent waits for an answer under a token.
func (si *Intent) Waits(token string) bool {
	return token != "" && si.Private.Asked == token && si.Status == needsAction
}

// Answer takes the customer's answer under a token: that he agrees, or does not.
func (d *Domain) Answer(c *api.Call, si *Intent, token string, yes bool) error {
	if yes {
		return d.answered(c, si, token, nil)
	}
	return d.answered(c, si, token, fault.SetupAuthenticationFailed())
}

func (d *Domain) answered(c *api.Call, si *Intent, token string, f *fault.Error) error {
	if !si.Waits(token) {
		return nil
	}
	pm, err := d.methods.Resolve(c, text(si.PaymentMethod), "payment_method")
	if err != nil {
		return err
	}
	a, err := Attempts.Get(c, text(si.LatestAttempt))
	if err != nil {
		return err
	}
	si.Private.Asked = ""
	if f != nil {
		return d.fail(c, si, a, pm, f)
	}
	return d.succeed(c, si, a, pm)
}

// lapse is the task by which an intent stops waiting. arg is the intent and the token.
func (d *Domain) lapse(c *api.Call, arg string) error { return d.later(c, arg, fault.SetupExpired()) }

// agreed is the task by which a customer of test mode agrees. arg is the intent and the token.
func (d *Domain) agreed(c *api.Call, arg string) error { return d.later(c, arg, nil) }

func (d *Domain) later(c *api.Call, arg string, f *fault.Error) error {
	intent, token, _ := strings.Cut(arg, " ")
	si, err := Intents.Get(c, intent)
	if err != nil || si == nil {
		return err
	}
	return d.answered(c, si, token, f)
}

// generate makes the SEPA debit of the customer's account, with its mandate, and shows both in the attempt. Without a customer there is nobody to
// keep it for.
func (d *Domain) generate(c *api.Call, si *Intent, a *Attempt, pm *method) error {
	if si.Customer == nil {
		return nil
	}
	debit, err := d.methods.GeneratedDebit(c, pm, *si.Customer, nil, &a.ID)
	if err != nil {
		return err
	}
	now := c.Now()
	m, err := NewMandate(c, debit, &Consent{AcceptedAt: &now, Offline: &struct{}{}, Type: "offline"}, nil, nil, "active")
	if err != nil {
		return err
	}
	a.describe(pm, &rail.Result{})
	return a.show(pm.Type, map[string]string{
		"generated_sepa_debit": debit.ID, "generated_sepa_debit_mandate": m.ID, "iban_last4": jsontext.Text(debit.SEPADebit, "last4"),
	})
}

// show sets texts of the hash that an attempt shows of its method.
func (a *Attempt) show(typ string, set map[string]string) error {
	var details map[string]json.RawMessage
	if err := json.Unmarshal(a.PaymentMethodDetails, &details); err != nil {
		return err
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(details[typ], &members); err != nil {
		return err
	}
	for name, value := range set {
		members[name] = jsontext.AppendString(nil, value)
	}
	details[typ] = jsontext.Append(nil, &members)
	a.PaymentMethodDetails = jsontext.Append(nil, &details)
	return nil
}

// detailsOf is what an attempt shows of a method that is no card: what the method has, and null for what nobody knows, in the shape that the spec has
// for the type.
func detailsOf(pm *method) json.RawMessage {
	members := map[string]json.RawMessage{}
	if p := spec.SchemaOf("setup_attempt_payment_method_details").Property(pm.Type); p != nil && len(p.Refs) > 0 {
		for _, m := range spec.SchemaOf(p.Refs[0]).Properties() {
			switch own := jsontext.Get(pm.Of(pm.Type), m.Name); {
			case len(own) > 0 && (m.Nullable || string(own) != "null"):
				members[m.Name] = slices.Clone(own)
			case m.Nullable:
				members[m.Name] = json.RawMessage("null")
			}
		}
	}
	details := map[string]json.RawMessage{pm.Type: jsontext.Append(nil, &members), "type": jsontext.AppendString(nil, pm.Type)}
	return jsontext.Append(nil, &details)
}
