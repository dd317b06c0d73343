package paymentmethod

import (
	"encoding/json"
	"fmt"

	"florin/internal/api"
	"florin/internal/form"
	"florin/internal/paymethod"
)

// mintNamed makes a payment method of a test account's name, such as pm_usBankAccount_success, and keeps it; nil if there is no such name. The
// account counts as verified, unless it is there to show how verifying fails, and needs no billing details (facts 07h).
func (d *Domain) mintNamed(c *api.Call, name string) (*PaymentMethod, error) {
	typ, number, ok := paymethod.Named(name)
	if !ok || c.Live() {
		return nil, nil
	}
	hash := map[string]string{}
	switch typ {
	case "us_bank_account":
		hash["account_holder_type"], hash["account_number"], hash["routing_number"] = "individual", number, "110000000"
	case "sepa_debit":
		hash["iban"] = number
	case "nz_bank_account":
		hash["bank_code"], hash["branch_code"], hash["account_number"], hash["suffix"] = "11", "0000", number, "010"
	}
	v := &form.Value{Kind: form.Object}
	for name, text := range hash {
		v.Set(name, &form.Value{Kind: form.String, Text: text})
	}
	data := &form.Value{Kind: form.Object}
	data.Set("type", &form.Value{Kind: form.String, Text: typ})
	data.Set(typ, v)
	pm, err := d.describe(c, data, "")
	if err != nil {
		return nil, err
	}
	pm.Private.Named, pm.Private.Verified = true, !paymethod.OfAccount(typ, number).NoMicro
	return pm, c.Save(pm)
}

// Number opens what identifies a bank account, or "" if the payment method has nothing of the kind.
func (d *Domain) Number(pm *PaymentMethod) (string, error) {
	if pm.Private.Sealed == "" {
		return "", nil
	}
	card, err := d.open(pm.ID, pm.Private.Sealed)
	if err != nil {
		return "", fmt.Errorf("the account of %s: %w", pm.ID, err)
	}
	return card.Number, nil
}

// Of is the hash of a type; nil if it is not set.
func (o *Others) Of(typ string) json.RawMessage {
	if p := o.other(typ); p != nil {
		return *p
	}
	return nil
}

// Put sets the hash of a type.
func (o *Others) Put(typ string, hash json.RawMessage) {
	if p := o.other(typ); p != nil {
		*p = hash
	}
}

// GeneratedDebit makes the SEPA debit of the account that a customer has paid from by another type (iDEAL, Bancontact, Sofort), attached to the
// customer; charge or attempt is the charge or the setup attempt that it comes from. In test mode it is always the same account. Known from:
// facts 14b, 14c; unverified: the account.
func (d *Domain) GeneratedDebit(c *api.Call, from *PaymentMethod, customer string, charge, attempt *string) (*PaymentMethod, error) {
	iban := map[string]string{"ideal": "NL39RABO0300065264", "bancontact": "BE62510007547061"}[from.Type]
	if iban == "" {
		iban = "DE89370400440532013000"
	}
	hash, data := &form.Value{Kind: form.Object}, &form.Value{Kind: form.Object}
	hash.Set("iban", &form.Value{Kind: form.String, Text: iban})
	data.Set("type", &form.Value{Kind: form.String, Text: "sepa_debit"})
	data.Set("sepa_debit", hash)
	pm, err := d.describe(c, data, "")
	if err != nil {
		return nil, err
	}
	known := map[string]json.RawMessage{}
	if err := json.Unmarshal(pm.SEPADebit, &known); err != nil {
		return nil, err
	}
	known["generated_from"], _ = json.Marshal(map[string]any{"charge": charge, "setup_attempt": attempt})
	pm.SEPADebit, _ = json.Marshal(known)
	pm.BillingDetails, pm.Private.Verified, pm.Private.SetUp = from.BillingDetails, true, true
	return pm, d.AttachTo(c, pm, customer)
}
