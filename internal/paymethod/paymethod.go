// Package paymethod is the one table of the ways to pay: for each type of payment method where it can be used, for how much, how its money comes
// and how long that takes, and what can be done with it afterwards. Behaviour reads it; nothing here acts.
//
// What the spec says of a type (which options it has, whether it can be captured later or kept for later) is not said again here: SetsUp and
// Captures look there.
//
// Known from: facts 14; a doubt of one row is marked there.
package paymethod

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"florin/internal/spec"
)

// A Flow is how the money of a type comes.
type Flow uint8

// The flows.
const (
	Card     Flow = iota + 1 // a network decides at once, perhaps after 3D Secure
	Wallet                   // at once, from an account that the customer has signed in to
	Debit                    // a bank account is debited; whether that worked is known days later
	Redirect                 // the customer authorizes on another page, or in an app that shows or scans a code
	Push                     // the customer authorizes in an app that asks by itself
	Voucher                  // the customer pays elsewhere, with a number that is shown
	Transfer                 // the customer sends money by a bank transfer
	Terminal                 // a reader takes a card
	Outside                  // not through Florin at all
)

// A Type is a way to pay.
type Type struct {
	Name       string
	Flow       Flow
	Currencies []string // lower case; nil: any
	Business   []string // countries whose businesses can take it; nil: any
	Customers  []string // countries whose customers have it; nil: any
	Limits     map[string]Limit
	// Action is the type of next_action by which the customer is asked; "" for none.
	Action string
	// ActionFor is how long the customer has, in seconds; 0: a day.
	ActionFor int64
	// Delayed says that a confirmed payment is processing before it is known whether it succeeds.
	Delayed bool
	// Takes is how many working days the money takes until it is available; 0: as card payments do; -1: at once.
	Takes int
	// HoldFor is how many days a payment that is captured later is held; WholeOnly, that all of it is captured or nothing.
	HoldFor   int64
	WholeOnly bool
	Refund    Refund
	Disputes  bool
	// Attachable says that a method of the type can belong to a customer and pay again.
	Attachable bool
	// Mandate says that a payment needs the customer's consent on record.
	Mandate bool
	// Needs are the billing details without which a payment is refused.
	Needs []string
	// Options are what an intent shows of the type when nothing was said of it, as JSON.
	Options map[string]string
	// Capability is what an account must have; "" if none is needed.
	Capability string
	// Closed says that no account can begin to use it any more.
	Closed bool
}

// A Limit bounds an amount, in minor units; Max 0 is none.
type Limit struct{ Min, Max int64 }

// A Refund is how money goes back.
type Refund struct {
	Days int64  // after the payment; 0: no limit
	How  string // "" at once, "pending" for some days, "action" after the customer has said where to, "never"
	To   string // the type of destination_details; "" for that of the same name
}

// Types are all types by name.
var Types = func() map[string]*Type {
	m := make(map[string]*Type, len(table))
	for i := range table {
		m[table[i].Name] = &table[i]
	}
	return m
}()

// Names are the names of all types, sorted.
func Names() []string { return names() }

var names = sync.OnceValue(func() []string {
	out := make([]string, 0, len(table))
	for i := range table {
		out = append(out, table[i].Name)
	}
	slices.Sort(out)
	return out
})

// A Use is what a payment wants of a type.
type Use struct {
	Amount      int64
	Currency    string
	Country     string // of the account
	Manual      bool   // captured later
	SetUp       string // setup_future_usage
	NoRedirects bool
	Customer    bool // the payment has a customer
	Setup       bool // nothing is paid: the method is kept for later use, as SetUp says; amount and currency do not matter
}

// A Reason says why a type cannot serve a use.
type Reason string

// The reasons.
const (
	Fits        Reason = ""
	NotHere     Reason = "country"
	NotCurrency Reason = "currency"
	TooSmall    Reason = "too small"
	TooLarge    Reason = "too large"
	NotLater    Reason = "capture_method"
	NotKept     Reason = "setup_future_usage"
	Redirects   Reason = "redirects"
	Nobody      Reason = "customer"
)

// Refuses says why the type cannot serve a use; Fits if it can.
func (t *Type) Refuses(u Use) Reason {
	switch {
	case !t.At(u.Country):
		return NotHere
	case u.Setup:
		return t.refusesSetup(u)
	case !t.Accepts(u.Currency, u.Country):
		return NotCurrency
	case u.Manual && !t.Captures():
		return NotLater
	case u.SetUp != "" && !t.SetsUp(u.SetUp):
		return NotKept
	case u.NoRedirects && t.Leaves():
		return Redirects
	case t.Flow == Transfer && !u.Customer:
		return Nobody
	}
	if l, ok := t.Limits[u.Currency]; ok {
		switch {
		case u.Amount < l.Min:
			return TooSmall
		case l.Max > 0 && u.Amount > l.Max:
			return TooLarge
		}
	}
	return Fits
}

func (t *Type) refusesSetup(u Use) Reason {
	switch {
	case !t.Saves(u.SetUp):
		return NotKept
	case u.NoRedirects && t.Leaves():
		return Redirects
	}
	return Fits
}

// At says whether businesses of a country can take the type.
func (t *Type) At(country string) bool {
	return !t.Closed && (t.Business == nil || slices.Contains(t.Business, country))
}

// Accepts says whether a business of a country can take a currency by the type. Some types take a currency only where it is the country's own.
func (t *Type) Accepts(currency, country string) bool {
	if t.Currencies != nil && !slices.Contains(t.Currencies, currency) {
		return false
	}
	if homes, ok := home[t.Name]; ok {
		if at, ok := homes[currency]; ok {
			return slices.Contains(at, country)
		}
	}
	return true
}

// Leaves says whether the customer leaves the shop's page for the type. Codes, vouchers and debits do not.
func (t *Type) Leaves() bool {
	return t.Flow == Redirect && (t.Action == "redirect_to_url" || t.Action == "alipay_handle_redirect" || t.Name == "cashapp" || t.Name == "swish" || t.Name == "upi")
}

func option(typ, name string) *spec.Param {
	p := spec.Lookup("POST /v1/payment_intents").Param("payment_method_options").Field(typ)
	if p == nil {
		return nil
	}
	return p.Field(name)
}

// Known says whether payment intents have a type of this name.
func Known(typ string) bool {
	return spec.Lookup("POST /v1/payment_intents").Param("payment_method_options").Field(typ) != nil
}

// Captures says whether payments of the type can be captured later.
func (t *Type) Captures() bool { return option(t.Name, "capture_method") != nil }

// SetsUp says whether a payment of the type can set the method up for later use.
func (t *Type) SetsUp(usage string) bool {
	p := option(t.Name, "setup_future_usage")
	return p != nil && slices.Contains(p.Enum, usage)
}

// Saves says whether a setup intent can get methods of the type ready for a usage: the spec has attempts of the type, and payments can set it up.
func (t *Type) Saves(usage string) bool {
	return !t.Closed && t.Flow != Terminal && spec.SchemaOf("setup_attempt_payment_method_details").Property(t.Name) != nil && (t.SetsUp(usage) || t.SetsUp("off_session"))
}

// list splits words.
func list(s string) []string { return strings.Fields(s) }

// limits reads "eur 50-500000, gbp 50-".
func limits(s string) map[string]Limit {
	out := map[string]Limit{}
	for _, part := range strings.Split(s, ",") {
		currency, span, _ := strings.Cut(strings.TrimSpace(part), " ")
		lo, hi, _ := strings.Cut(span, "-")
		least, _ := strconv.ParseInt(lo, 10, 64)
		most, _ := strconv.ParseInt(hi, 10, 64)
		out[currency] = Limit{least, most}
	}
	return out
}

// Destination is the type of destination_details that a refund has; "type" where the spec has a type but nothing to say of it.
func (t *Type) Destination() string {
	if t.Refund.To != "" {
		return t.Refund.To
	}
	return t.Name
}
