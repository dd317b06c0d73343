package setup

import (
	"slices"
	"time"

	"florin/internal/api"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
)

// A debit is how bank accounts of a type are set up. Each needs a mandate.
type debit struct {
	microdeposits bool // the account is verified by two small deposits, or the code in the name of one
}

// debits are the types of bank account that can be set up. Recorded: sepa_debit succeeds at once, us_bank_account waits for microdeposits.
// unverified: that au_becs_debit is as the former and acss_debit as the latter.
var debits = map[string]*debit{
	"acss_debit":      {microdeposits: true},
	"au_becs_debit":   {},
	"bacs_debit":      {},
	"nz_bank_account": {},
	"sepa_debit":      {},
	"us_bank_account": {microdeposits: true},
}

// confirmDebit sets a bank account up: at once, or when its holder has said what was deposited.
func (d *Domain) confirmDebit(c *api.Call, si *Intent, a *Attempt, how *confirmation, bank *debit) error {
	pm := how.method
	if !bank.microdeposits || pm.Private.Verified {
		if err := d.newMandate(c, si, pm, *how.mandate, "active"); err != nil {
			return err
		}
		return d.succeed(c, si, a, pm)
	}
	if err := d.newMandate(c, si, pm, *how.mandate, "pending"); err != nil { // unverified: that it is pending
		return err
	}
	si.Private.Tries = 0
	si.NextAction = jsontext.Append(nil, &verifyAction{Type: "verify_with_microdeposits", Verify: microdeposits{
		ArrivalDate: arrival(c.Now()), Type: "descriptor_code", HostedVerificationURL: c.Base() + "/microdeposit/sacs_test_" + id.Secret(80),
	}})
	if err := d.conclude(c, a, needsAction, nil); err != nil {
		return err
	}
	if err := d.move(c, si, needsAction); err != nil {
		return err
	}
	return c.Save(si, "setup_intent.requires_action")
}

type verifyAction struct {
	Type   string        `json:"type"`
	Verify microdeposits `json:"verify_with_microdeposits"`
}

type microdeposits struct {
	ArrivalDate           int64  `json:"arrival_date"` // Unix seconds
	HostedVerificationURL string `json:"hosted_verification_url"`
	Type                  string `json:"microdeposit_type"` // amounts or descriptor_code
}

// arrival is when microdeposits arrive: the next working day. Recorded: at midnight in California, of the day after a Thursday.
func arrival(now int64) int64 {
	day := time.Unix(now, 0).UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, 1)
	}
	return day.Add(7 * time.Hour).Unix()
}

// maxGuesses is how often somebody may guess. unverified: Stripe documents 10 for amounts.
const maxGuesses = 10

// verifyMicrodeposits takes what the customer says was deposited. Known from: facts 07h (the test values), 05f (the codes).
func (d *Domain) verifyMicrodeposits(c *api.Call) (any, error) {
	si, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if err := checkClientSecret(c, si); err != nil {
		return nil, err
	}
	if si.Status != needsAction || jsontext.Text(si.NextAction, "type") != "verify_with_microdeposits" {
		return nil, refusal(c, si, fault.NothingToVerify(si.Status))
	}
	code := c.P.Str("descriptor_code")
	var amounts []int64
	if given := c.P.Get("amounts"); given != nil {
		for _, v := range given.Items {
			amounts = append(amounts, v.Int)
		}
	}
	switch {
	case code == "" && amounts == nil:
		return nil, fault.Missing("descriptor_code") // unverified
	case code == "" && len(amounts) != 2:
		return nil, fault.Microdeposits("amounts_invalid")
	}
	pm, err := paymentmethod.Get(c, text(si.PaymentMethod))
	if err != nil {
		return nil, err
	}
	a, err := Attempts.Get(c, text(si.LatestAttempt))
	if err != nil {
		return nil, err
	}

	slices.Sort(amounts)
	said := func(word string, lo, hi int64) bool { return code == word || slices.Equal(amounts, []int64{lo, hi}) }
	si.Private.Tries++
	switch {
	case said("SM11AA", 32, 45):
		err = d.succeed(c, si, a, pm)
	case said("SM33CC", 10, 11), si.Private.Tries >= maxGuesses:
		err = d.fail(c, si, a, pm, fault.Microdeposits("attempts_exceeded"))
	case said("SM44DD", 40, 41):
		err = d.fail(c, si, a, pm, fault.Microdeposits("timeout"))
	default:
		f := fault.Microdeposits("amounts_mismatch")
		if code != "" {
			f = fault.Microdeposits("descriptor_code_mismatch")
		}
		f.Keep = true // that somebody has guessed
		if err := c.Save(si); err != nil {
			return nil, err
		}
		return nil, refusal(c, si, f)
	}
	if err != nil {
		return nil, err
	}
	return api.Answer{Name: "setup_intent", Arg: si.ID}, nil
}
