package setup

import (
	"slices"
	"strings"
	"time"

	"florin/internal/api"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
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
	token, err := GiveToken(c, "sacs_test_", si.ID)
	if err != nil {
		return err
	}
	kind := "descriptor_code"
	if pm.Type == "acss_debit" {
		kind = "amounts" // facts 14g
	}
	si.Private.Tries, si.Private.Asked = 0, token
	si.NextAction = jsontext.Append(nil, &verifyAction{Type: "verify_with_microdeposits", Verify: microdeposits{
		ArrivalDate: arrival(c.Now()), Type: kind, HostedVerificationURL: c.Base() + "/microdeposit/" + token,
	}})
	sent, err := d.depositsSent(pm)
	if err != nil {
		return err
	}
	until := c.Now() + depositsLast
	if !sent {
		until = c.Now() + 5
	}
	c.At(until, "setup_intent.deposits", si.ID+" "+token)
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

// depositsLast is how long somebody may take to say what was deposited, in seconds. Known from: facts 14g.
const depositsLast = 10 * 24 * 60 * 60

// depositsSent says whether deposits can be sent to an account: to one of test mode's they cannot.
func (d *Domain) depositsSent(pm *method) (bool, error) {
	number, err := d.methods.Number(pm)
	return !paymethod.OfAccount(pm.Type, number).NoMicro, err
}

// depositsLate is the task that ends an intent's wait for what its deposits were: they could not be sent, or nobody said in time. arg is the intent and
// the token.
func (d *Domain) depositsLate(c *api.Call, arg string) error {
	intent, token, _ := strings.Cut(arg, " ")
	si, err := Intents.Get(c, intent)
	if err != nil || si == nil || !si.Waits(token) {
		return err
	}
	pm, err := paymentmethod.Get(c, text(si.PaymentMethod))
	if err != nil {
		return err
	}
	sent, err := d.depositsSent(pm)
	if err != nil {
		return err
	}
	if !sent {
		return d.answered(c, si, token, fault.MicrodepositsFailed())
	}
	return d.answered(c, si, token, fault.Microdeposits("timeout"))
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
	if f, err := d.Deposited(c, si, code, amounts); err != nil {
		return nil, err
	} else if f != nil {
		f.Keep = true // that somebody has guessed
		return nil, refusal(c, si, f)
	}
	return api.Answer{Name: "setup_intent", Arg: si.ID}, nil
}

// Deposited takes what somebody says was deposited: the code, or the two amounts. What is returned first is a guess that was wrong.
func (d *Domain) Deposited(c *api.Call, si *Intent, code string, amounts []int64) (*fault.Error, error) {
	pm, err := paymentmethod.Get(c, text(si.PaymentMethod))
	if err != nil {
		return nil, err
	}
	sent, err := d.depositsSent(pm)
	if err != nil {
		return nil, err
	}
	a, err := Attempts.Get(c, text(si.LatestAttempt))
	if err != nil {
		return nil, err
	}

	amounts = slices.Clone(amounts)
	slices.Sort(amounts)
	said := func(word string, lo, hi int64) bool { return code == word || slices.Equal(amounts, []int64{lo, hi}) }
	si.Private.Tries++
	switch {
	case said("SM11AA", 32, 45) && sent:
		return nil, d.succeed(c, si, a, pm)
	case said("SM33CC", 10, 11), si.Private.Tries >= maxGuesses:
		return nil, d.fail(c, si, a, pm, fault.Microdeposits("attempts_exceeded"))
	case said("SM44DD", 40, 41):
		return nil, d.fail(c, si, a, pm, fault.Microdeposits("timeout"))
	case code != "":
		return fault.Microdeposits("descriptor_code_mismatch"), c.Save(si)
	}
	return fault.Microdeposits("amounts_mismatch"), c.Save(si)
}
