package payment

import (
	"slices"
	"strings"
	"time"

	"florin/internal/api"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
)

// Debits of bank accounts in North America must be verified first: one deposit whose descriptor has a code, or two whose amounts the customer tells.
//
// Known from: facts 14g.

const (
	depositsLast = 10 * aDay // how long the customer has
	maxCodes     = 10        // how often a code may be guessed
	maxAmounts   = 3         // and amounts
)

// unverified says whether a bank account must be verified before it is debited.
func (d *Domain) unverified(pi *Intent, pm *method) bool {
	if pm.Type != "us_bank_account" && pm.Type != "acss_debit" || pm.Private.Verified || pm.Customer != nil {
		return false
	}
	return jsontext.Scalar(pi.PaymentMethodOptions[pm.Type]["verification_method"]) != "skip"
}

// askForDeposits sends small deposits, and asks what they were.
func (d *Domain) askForDeposits(c *api.Call, pi *Intent, pm *method) error {
	token, err := d.giveToken(c, pi, "sacs_test_")
	if err != nil {
		return err
	}
	kind := "descriptor_code"
	if pm.Type == "acss_debit" {
		kind = "amounts"
	}
	pi.Private.Tries, pi.PaymentMethod = 0, &pm.ID
	pi.NextAction, err = setup.ActionJSON("verify_with_microdeposits", map[string]any{
		"arrival_date": depositsArrive(c.Now()), "hosted_verification_url": c.Base() + "/microdeposit/" + token, "microdeposit_type": kind,
	})
	if err != nil {
		return err
	}
	test, err := d.testOf(pm)
	if err != nil {
		return err
	}
	when := c.Now() + depositsLast
	if test.NoMicro {
		when = c.Now() + 5
	}
	c.At(when, "payment.deposits", pi.ID+" "+token)
	if err := d.move(c, pi, needsAction); err != nil {
		return err
	}
	return c.Save(pi, "payment_intent.requires_action")
}

// depositsArrive is when small deposits arrive: the next working day. Recorded: at 07:00 UTC.
func depositsArrive(now int64) int64 {
	day := time.Unix(now, 0).UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, 1)
	}
	return day.Add(7 * time.Hour).Unix()
}

// depositsLate is the task that ends an intent's wait for what its deposits were: they could not be sent, or nobody said in time.
func (d *Domain) depositsLate(c *api.Call, arg string) error {
	pi, pm, err := d.waiting(c, arg)
	if err != nil || pi == nil {
		return err
	}
	test, err := d.testOf(pm)
	if err != nil {
		return err
	}
	pi.Private.Asked = ""
	if test.NoMicro {
		return d.fail(c, pi, pm, fault.MicrodepositsFailed())
	}
	return d.fail(c, pi, pm, fault.Microdeposits("timeout"))
}

// waiting finds an intent that still waits under a token; arg is both.
func (d *Domain) waiting(c *api.Call, arg string) (*Intent, *method, error) {
	intent, token, _ := strings.Cut(arg, " ")
	pi, err := Intents.Get(c, intent)
	if err != nil || pi == nil || !pi.Waits(token) {
		return nil, nil, err
	}
	pm, err := paymentmethod.Get(c, text(pi.PaymentMethod))
	return pi, pm, err
}

// verifyMicrodeposits takes what the customer says was deposited.
func (d *Domain) verifyMicrodeposits(c *api.Call) (any, error) {
	pi, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if err := checkClientSecret(c, pi); err != nil {
		return nil, err
	}
	if pi.Status != needsAction || jsontext.Text(pi.NextAction, "type") != "verify_with_microdeposits" {
		return nil, intentState(c, pi, fault.NothingToVerifyOf(pi.Status))
	}
	code, amounts := c.P.Str("descriptor_code"), []int64(nil)
	if given := c.P.Get("amounts"); given != nil {
		for _, v := range given.Items {
			amounts = append(amounts, v.Int)
		}
	}
	switch {
	case code == "" && amounts == nil:
		return nil, fault.Missing(map[bool]string{true: "amounts", false: "descriptor_code"}[byAmounts(pi)]) // unverified
	case code == "" && len(amounts) != 2:
		return nil, fault.Microdeposits("amounts_invalid")
	}
	if f, err := d.Deposited(c, pi, code, amounts); err != nil {
		return nil, err
	} else if f != nil {
		f.Keep = true // that somebody has guessed
		return nil, intentState(c, pi, f)
	}
	return api.Answer{Name: "payment_intent", Arg: pi.ID}, nil
}

func byAmounts(pi *Intent) bool {
	return jsontext.Text(pi.NextAction, "verify_with_microdeposits.microdeposit_type") == "amounts"
}

// Deposited takes what somebody says was deposited: the code, or the two amounts. What is returned first is a guess that was wrong.
func (d *Domain) Deposited(c *api.Call, pi *Intent, code string, amounts []int64) (*fault.Error, error) {
	pm, err := paymentmethod.Get(c, text(pi.PaymentMethod))
	if err != nil {
		return nil, err
	}
	test, err := d.testOf(pm)
	if err != nil {
		return nil, err
	}
	amounts = slices.Clone(amounts)
	slices.Sort(amounts)
	said := func(word string, lo, hi int64) bool { return code == word || slices.Equal(amounts, []int64{lo, hi}) }
	pi.Private.Tries++
	most := int64(maxCodes)
	if code == "" {
		most = maxAmounts
	}
	switch {
	case said("SM11AA", 32, 45) && !test.NoMicro: // what was never sent cannot be known
		return nil, d.deposited(c, pi, pm)
	case said("SM33CC", 10, 11), pi.Private.Tries >= most:
		return nil, d.fail(c, pi, pm, fault.Microdeposits("attempts_exceeded"))
	case said("SM44DD", 40, 41):
		return nil, d.fail(c, pi, pm, fault.Microdeposits("timeout"))
	case code != "":
		return fault.Microdeposits("descriptor_code_mismatch"), c.Save(pi)
	}
	return fault.Microdeposits("amounts_mismatch"), c.Save(pi)
}

// deposited goes on with a payment whose account is verified.
func (d *Domain) deposited(c *api.Call, pi *Intent, pm *method) error {
	pm.Private.Verified = true
	if err := c.Save(pm); err != nil {
		return err
	}
	m, err := setup.Mandates.Get(c, pi.Private.Mandate)
	if err != nil {
		return err
	}
	if m != nil && m.Status == "pending" {
		m.Status = "active"
		if err := c.Save(m, "mandate.updated"); err != nil {
			return err
		}
	}
	return d.take(c, pi, pm)
}

// feeOf is what a payment by a type costs: amount is in the currency that it settles in. Recorded: SEPA debits in France, 35 cents. Known from: facts 09 (ACH:
// 0.8 %, at most 5 dollars). unverified: all others, which cost what a card of the country does.
func feeOf(t *paymethod.Type, currency string, amount, card int64) int64 {
	switch {
	case t.Name == "sepa_debit" && currency == "eur":
		return 35
	case (t.Name == "us_bank_account" || t.Name == "ach_debit") && currency == "usd":
		return min((amount*80+5000)/10000, 500)
	}
	return card
}

// workingDays is midnight of the day so many working days after a moment.
func workingDays(from int64, days int) int64 {
	day := time.Unix(from, 0).UTC().Truncate(24 * time.Hour)
	for days > 0 {
		day = day.AddDate(0, 0, 1)
		if day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
			days--
		}
	}
	return day.Unix()
}
