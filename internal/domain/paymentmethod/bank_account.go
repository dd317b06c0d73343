package paymentmethod

import (
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/search"
)

// Bank accounts of customers in the United States, as they were before payment methods (ba_…). Two small deposits are sent to one; when the customer has told
// what they were, it can be charged. In test mode they are 32 and 45 cents (facts 07h).

const (
	bankNew      = "new"
	bankVerified = "verified"
	bankFailed   = "verification_failed"
)

// mostTries is how often somebody may say wrongly what was deposited. Known from: docs.stripe.com/ach-deprecated.
const mostTries = 10

// keepBank makes the two documents of a customer's bank account, and keeps both. unverified: that accounts of other countries are refused, and the words.
func (d *Domain) keepBank(c *api.Call, from *account.BankAccount, number string, verified bool, param string) (*held, error) {
	if from.Country != "US" || from.Currency != "usd" {
		return nil, fault.BankCountry(param, from.Country)
	}
	b := account.KeepBank(c, from)
	b.Status = bankNew
	if verified {
		b.Status = bankVerified
	}
	pm := Methods.New(c, keyOf(b.ID))
	pm.ID = b.ID
	d.named(c, pm, "us_bank_account")
	hash := &form.Value{Kind: form.Object}
	set := func(name, text string) { hash.Set(name, &form.Value{Kind: form.String, Text: text}) }
	set("account_number", number)
	set("routing_number", *b.RoutingNumber)
	if b.AccountHolderType != nil {
		set("account_holder_type", *b.AccountHolderType)
	}
	if err := d.takeOther(c, pm, hash, param); err != nil {
		return nil, err
	}
	pm.BillingDetails.Name, pm.Private.Verified = b.AccountHolderName, verified
	if err := c.Save(pm); err != nil {
		return nil, err
	}
	return &held{bank: b, pm: pm}, c.Save(b)
}

// sameBank refuses a bank account that the customer has already. Known from: Stripe's list of error codes (bank_account_exists). unverified: the words.
func (d *Domain) sameBank(c *api.Call, cus *customer.Customer, b *account.BankAccount) error {
	same := false
	err := account.BankAccounts.Each(c, "customer", search.Fold(cus.ID), func(o *account.BankAccount) bool {
		same = o.ID != b.ID && o.Customer != nil && *o.Customer == cus.ID && *o.Fingerprint == *b.Fingerprint
		return !same
	})
	if err == nil && same {
		err = fault.BankExists()
	}
	return err
}

// plan says when small deposits to a bank account are known not to have arrived, where they do not.
func (h *held) plan(c *api.Call) {
	if h.bank.Status == bankNew && h.bank.Last4 == "6661" { // 000666666661
		c.At(c.Now()+5, "customer.bank.fails", h.bank.ID)
	}
}

// depositsFail is the task that finds that the deposits to a bank account have come back.
func (d *Domain) depositsFail(c *api.Call, id string) error {
	h, err := hold(c, id)
	if err != nil || h == nil || h.bank.Status != bankNew {
		return err
	}
	h.bank.Status = bankFailed
	return c.Save(h.bank, "customer.source.updated")
}

// verifyBank takes what the customer says was deposited. A wrong guess is kept count of.
func (d *Domain) verifyBank(c *api.Call) (any, error) {
	_, h, err := d.sourceInPath(c)
	if err != nil {
		return nil, err
	}
	given := c.P.Get("amounts")
	switch {
	case h.bank == nil:
		return nil, fault.NotABank()
	case h.bank.Status == bankVerified:
		return nil, fault.BankAlreadyVerified()
	case h.bank.Status == bankFailed:
		return nil, fault.BankVerificationOver()
	case given == nil:
		return nil, fault.Missing("amounts")
	case len(given.Items) != 2:
		return nil, fault.BankAmounts()
	}

	amounts := []int64{given.Items[0].Int, given.Items[1].Int}
	slices.Sort(amounts)
	b := h.bank
	if slices.Equal(amounts, []int64{32, 45}) {
		b.Status, h.pm.Private.Verified = bankVerified, true
		if err := c.Save(h.pm); err != nil {
			return nil, err
		}
		return b, c.Save(b, "customer.source.updated")
	}
	b.Private.Tries++
	var events []string
	if b.Private.Tries >= mostTries || slices.Equal(amounts, []int64{10, 11}) {
		b.Status, events = bankFailed, []string{"customer.source.updated"}
	}
	if err := c.Save(b, events...); err != nil {
		return nil, err
	}
	f := fault.BankAmountsWrong()
	f.Keep = true // that somebody has guessed
	return nil, f
}

// updateBank changes what may be changed of a customer's bank account: whose it is, and metadata.
func updateBank(c *api.Call, h *held) error {
	for _, f := range c.P.Fields {
		switch f.Name {
		case "account_holder_name", "account_holder_type", "metadata", "expand":
		default:
			return fault.SourceParam(f.Name, "bank account")
		}
	}
	if err := c.ParamsOnly(h.bank, "account_holder_name", "account_holder_type", "metadata"); err != nil {
		return err
	}
	if err := api.MetadataLimit(h.bank.Metadata); err != nil {
		return err
	}
	h.pm.BillingDetails.Name = h.bank.AccountHolderName
	return c.Save(h.pm)
}
