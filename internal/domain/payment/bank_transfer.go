package payment

import (
	"encoding/json"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/cashbalance"
	"florin/internal/domain/customer"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/money"
	"florin/internal/search"
)

// Bank transfers: an intent takes what the customer's cash balance has, and if that is not enough, waits for money to come. What comes goes to the
// intents that wait, by the reference that the sender wrote, by the amount, or to the oldest first; what is left stays in the balance.
//
// Known from: facts 14f. Recorded: the next action. unverified: that an intent takes what there is when it is confirmed, though it is not enough.

// transferOf is the kind of bank transfer that the intent asks for, and the country; "" if it asks for none.
func (pi *Intent) transferOf() (typ, country string) {
	options := pi.PaymentMethodOptions["customer_balance"]
	if jsontext.Scalar(options["funding_type"]) != "bank_transfer" {
		return "", ""
	}
	transfer := options["bank_transfer"]
	if typ = jsontext.Text(transfer, "type"); typ == "" {
		typ = cashbalance.TypeOf(pi.Currency)
	}
	return typ, jsontext.Text(transfer, "eu_bank_transfer.country")
}

// checkTransferOptions refuses a kind of bank transfer that does not suit the currency.
func checkTransferOptions(pi *Intent) error {
	typ, country := pi.transferOf()
	if typ == "" {
		return nil
	}
	return cashbalance.CheckTransfer(typ, country, pi.Currency, "payment_method_options[customer_balance][bank_transfer]")
}

// fromBalance pays from the customer's cash balance, or waits for a bank transfer.
func (d *Domain) fromBalance(c *api.Call, pi *Intent, how *confirmation) error {
	pm := how.method
	cus, err := customer.Customers.Get(c, text(pi.Customer))
	if err != nil {
		return err
	}
	has, err := cashbalance.Available(c, cus, pi.Currency)
	if err != nil {
		return err
	}
	pi.PaymentMethod = &pm.ID
	typ, _ := pi.transferOf()
	left := pi.Amount - pi.Private.Funded
	if typ == "" && has < left {
		if err := how.emitCreated(c); err != nil {
			return err
		}
		return d.fail(c, pi, pm, fault.NoCash(money.Format(left-has, pi.Currency), pi.Currency))
	}
	if has >= left && cashbalance.Automatic(cus) || typ == "" {
		return d.applyCash(c, cus, pi, left)
	}
	if pi.Private.Reference == "" {
		pi.Private.Reference = strings.ToUpper(id.Secret(12))
	}
	token, err := d.giveToken(c, pi, "test_")
	if err != nil {
		return err
	}
	if pi.NextAction, err = transferAction(c, cus, pi, token); err != nil {
		return err
	}
	if err := d.move(c, pi, needsAction); err != nil {
		return err
	}
	if err := c.Save(pi, "payment_intent.requires_action"); err != nil || has == 0 || !cashbalance.Automatic(cus) {
		return err
	}
	return d.applyCash(c, cus, pi, has)
}

// transferAction says where to send how much.
func transferAction(c *api.Call, cus *customer.Customer, pi *Intent, token string) (json.RawMessage, error) {
	typ, country := pi.transferOf()
	return setup.ActionJSON("display_bank_transfer_instructions", map[string]any{
		"amount_remaining": pi.Amount - pi.Private.Funded, "currency": pi.Currency, "reference": pi.Private.Reference, "type": typ,
		"financial_addresses":     cashbalance.Addresses(c, cus, typ, cashbalance.CountryOf(typ, country)),
		"hosted_instructions_url": c.Base() + "/bank_transfers/instructions/" + token,
	})
}

// waitsForTransfer says whether the intent waits for a bank transfer.
func (pi *Intent) waitsForTransfer() bool {
	return pi.Status == needsAction && jsontext.Text(pi.NextAction, "type") == "display_bank_transfer_instructions"
}

// applyCash takes cash for the intent: all that it needs, and then it succeeds, or a part.
func (d *Domain) applyCash(c *api.Call, cus *customer.Customer, pi *Intent, amount int64) error {
	if err := cashbalance.Apply(c, cus, pi.Currency, amount, pi.ID); err != nil {
		return err
	}
	pi.Private.Funded += amount
	if pi.Private.Funded < pi.Amount {
		next, err := transferAction(c, cus, pi, pi.Private.Asked)
		if err != nil {
			return err
		}
		pi.NextAction = next
		return c.Save(pi, "payment_intent.partially_funded")
	}
	pm, err := paymentmethod.Get(c, text(pi.PaymentMethod))
	if err != nil {
		return err
	}
	return d.take(c, pi, pm)
}

// FundsReceived is told of money that a customer has sent, and gives it to the intents that wait for it.
func (d *Domain) FundsReceived(c *api.Call, cus *customer.Customer, currency, reference string) error {
	var waiting []*Intent // oldest first
	err := Intents.Each(c, "customer", search.Fold(cus.ID), func(pi *Intent) bool {
		if text(pi.Customer) == cus.ID && pi.Currency == currency && pi.waitsForTransfer() {
			waiting = append(waiting, pi)
		}
		return true
	})
	if err != nil {
		return err
	}
	slices.Reverse(waiting)
	has, err := cashbalance.Available(c, cus, currency)
	if err != nil {
		return err
	}
	for _, pi := range inTurn(waiting, reference, has) {
		if has == 0 {
			break
		}
		amount := min(has, pi.Amount-pi.Private.Funded)
		has -= amount
		if err := d.applyCash(c, cus, pi, amount); err != nil {
			return err
		}
	}
	return nil
}

// inTurn puts the intents in the order in which they get the money: the one that the sender named; else, of the groups of up to five that
// need just that much, the smallest, and of those the oldest; then the others, oldest first.
func inTurn(waiting []*Intent, reference string, amount int64) []*Intent {
	first := func(chosen ...*Intent) []*Intent {
		out := slices.Clone(chosen)
		for _, pi := range waiting {
			if !slices.Contains(chosen, pi) {
				out = append(out, pi)
			}
		}
		return out
	}
	if reference != "" {
		for _, pi := range waiting {
			if strings.EqualFold(pi.Private.Reference, reference) {
				return first(pi)
			}
		}
	}
	among := waiting[:min(len(waiting), 20)] // so that there are not too many groups
	for size := 1; size <= 5; size++ {
		if group := exact(among, size, amount); group != nil {
			return first(group...)
		}
	}
	return waiting
}

// exact finds so many intents that need an amount together; nil if there are none.
func exact(from []*Intent, size int, amount int64) []*Intent {
	if size == 0 {
		if amount == 0 {
			return []*Intent{}
		}
		return nil
	}
	for i, pi := range from {
		need := pi.Amount - pi.Private.Funded
		if need > amount {
			continue
		}
		if rest := exact(from[i+1:], size-1, amount-need); rest != nil {
			return append([]*Intent{pi}, rest...)
		}
	}
	return nil
}

// applyBalance takes cash for an intent when the merchant says so.
func (d *Domain) applyBalance(c *api.Call) (any, error) {
	pi, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	if !pi.waitsForTransfer() {
		return nil, intentState(c, pi, fault.CannotApplyBalance(pi.Status))
	}
	if cur := c.P.Str("currency"); cur != "" && cur != pi.Currency {
		return nil, fault.Invalid("currency", "The currency must be that of the PaymentIntent: "+pi.Currency+".") // unverified: the words
	}
	cus, err := customer.Customers.Find(c, text(pi.Customer), "customer") // may have been deleted meanwhile
	if err != nil {
		return nil, err
	}
	has, err := cashbalance.Available(c, cus, pi.Currency)
	if err != nil {
		return nil, err
	}
	most := min(has, pi.Amount-pi.Private.Funded)
	amount := most
	if c.P.Given("amount") {
		amount = c.P.Num("amount")
	}
	if amount < 1 {
		return nil, fault.NoCash(money.Format(pi.Amount-pi.Private.Funded-has, pi.Currency), pi.Currency)
	}
	if amount > most {
		return nil, fault.ApplyTooMuch(money.Format(amount, pi.Currency), money.Format(most, pi.Currency))
	}
	if err := d.applyCash(c, cus, pi, amount); err != nil {
		return nil, err
	}
	return api.Answer{Name: "payment_intent", Arg: pi.ID}, nil
}

// customerDeleted refuses to forget a customer whose money an intent has taken in part: it may have to go back.
// unverified: Stripe says so of the cash balance alone.
func (d *Domain) customerDeleted(c *api.Call, cus *customer.Customer) error {
	held := false
	err := Intents.Each(c, "customer", search.Fold(cus.ID), func(pi *Intent) bool {
		held = text(pi.Customer) == cus.ID && pi.waitsForTransfer() && pi.Private.Funded > 0
		return !held
	})
	if err == nil && held {
		return fault.CustomerHasCash()
	}
	return err
}

// giveCashBack returns what an intent has taken of the customer's cash, when it ends without it.
func (d *Domain) giveCashBack(c *api.Call, pi *Intent) error {
	if pi.Private.Funded == 0 {
		return nil
	}
	cus, err := customer.Customers.Get(c, text(pi.Customer))
	if err != nil || cus == nil {
		return err
	}
	amount := pi.Private.Funded
	pi.Private.Funded = 0
	return cashbalance.Unapply(c, cus, pi.Currency, amount, pi.ID)
}
