// Package ledger says what the accounts of the ledger stand for, and what the moves between them must add up to. It is rules about values:
// nothing here reads or writes.
//
// Each account of Florin, in each mode, has a ledger of its own (a store.Scope). In it every move takes an amount above zero from one ledger
// account to another, so that its accounts add up to nothing, currency by currency. What has flowed into a ledger account less what has flowed
// out of it is its sum, and a sum has one reading a ledger account:
//
//	merchant:…   what the operator owes to the merchant: the balance of GET /v1/balance. Below zero, the merchant owes.
//	outside:…    the negative of what has come from there. −10,00 at the network: cardholders have paid 10,00 net of their refunds.
//	operator:…   what the operator has earned of the merchant.
//
// Money that goes from one account of this server to another (Connect) is two entries in one unit of work: it leaves the one's merchant:… for that
// ledger's outside:accounts, and comes to the other's merchant:… from the other ledger's outside:accounts. So each ledger adds up to nothing by
// itself, and no move has an end in another one. An application fee leaves the payer as a fee (outside:application_fees) and comes to the platform
// from outside:accounts. Where no currency was changed on the way, all outside:accounts and outside:application_fees of a server come to nothing
// together.
//
// A balance transaction is a view of the moves that have it as their source: those between the merchant and the other side make its amount,
// those between the merchant and who gets fees make its fee.
package ledger

import (
	"fmt"
	"math"
	"slices"

	"florin/internal/store"
)

// An Account is a ledger account, by its name.
type Account string

// The merchant's balance, by where the money came from (source_types of GET /v1/balance).
const (
	Card        Account = "merchant:card"         // card payments, and what has no other source
	BankAccount Account = "merchant:bank_account" // bank debits
	FPX         Account = "merchant:fpx"          // Malaysian online banking
)

// The other sides. Their sums are the negative of what came from them.
const (
	Network  Account = "outside:network"  // cardholders and their banks, through the card network
	Bank     Account = "outside:bank"     // bank accounts: payouts less top-ups of the merchant, less what payers paid by bank
	Accounts Account = "outside:accounts" // other accounts of this server (Connect): transfers, and the fees that a platform earns
)

// Who gets what the merchant is charged. Their sums are what they have earned.
const (
	Fees            Account = "operator:fees"            // processing and dispute fees: Stripe's, that is the operator's
	Billed          Account = "operator:billed"          // what the operator bills apart, as a transaction of its own (type stripe_fee)
	ApplicationFees Account = "outside:application_fees" // the platform that made the charge
	Taxes           Account = "outside:taxes"            // tax on fees
)

// A kind tells what an account is to a balance transaction.
type kind uint8

const (
	merchant kind = iota + 1 // the balance itself
	other                    // the other side of an amount
	fee                      // who gets a fee
)

var kinds = map[Account]kind{
	Card: merchant, BankAccount: merchant, FPX: merchant,
	Network: other, Bank: other, Accounts: other, Billed: other,
	Fees: fee, ApplicationFees: fee, Taxes: fee,
}

// Known says whether there is such an account.
func Known(a Account) bool { return kinds[a] != 0 }

// Merchant says whether the account is part of the merchant's balance.
func Merchant(a Account) bool { return kinds[a] == merchant }

// sources are the merchant's accounts, with what source_types calls them, in its order.
var sources = []struct {
	Account
	name string
}{{BankAccount, "bank_account"}, {Card, "card"}, {FPX, "fpx"}}

// A Part is one fee of a transaction: who gets it, and how much. Below zero it is given back.
type Part struct {
	To     Account
	Amount int64
}

// An Entry is a balance transaction as the ledger sees it: amounts in minor units of one currency.
type Entry struct {
	Source      string // id of the balance transaction
	Currency    string
	Amount      int64 // above zero it flows to the merchant, below it flows away
	Fees        []Part
	Balance     Account // whose money it is; Card if empty
	Outside     Account // the other side of Amount; Network if empty
	AvailableOn int64   // Unix seconds
}

// Fee is what all fees come to.
func (e *Entry) Fee() (sum int64) {
	for _, p := range e.Fees {
		sum += p.Amount
	}
	return sum
}

// Net is what the entry changes the balance by.
func (e *Entry) Net() int64 { return e.Amount - e.Fee() }

// limit bounds amounts, far above any that is allowed, so that sums of a great many of them are exact.
const limit = math.MaxInt64 >> 20

// Moves are the moves that the entry is a view of: one for the amount, and one for each who gets a fee. An entry of nothing has none.
func (e *Entry) Moves() ([]store.Move, error) {
	balance, outside := e.Balance, e.Outside
	if balance == "" {
		balance = Card
	}
	if outside == "" {
		outside = Network
	}
	switch {
	case e.Source == "" || e.Currency == "":
		return nil, fmt.Errorf("ledger: an entry without source or currency: %+v", *e)
	case kinds[balance] != merchant:
		return nil, fmt.Errorf("ledger: %s: %q is no balance", e.Source, balance)
	case kinds[outside] != other:
		return nil, fmt.Errorf("ledger: %s: %q is not the other side of an amount", e.Source, outside)
	}
	var moves []store.Move
	add := func(side Account, amount int64) error { // amount flows to the merchant
		if amount > limit || amount < -limit {
			return fmt.Errorf("ledger: %s: an amount of %d", e.Source, amount)
		}
		m := store.Move{From: string(side), To: string(balance), Currency: e.Currency, Amount: amount, Source: e.Source, AvailableOn: e.AvailableOn}
		if amount < 0 {
			m.From, m.To, m.Amount = m.To, m.From, -amount
		}
		if amount != 0 {
			moves = append(moves, m)
		}
		return nil
	}
	if err := add(outside, e.Amount); err != nil {
		return nil, err
	}
	var parts []Part
	for _, p := range e.Fees {
		if kinds[p.To] != fee {
			return nil, fmt.Errorf("ledger: %s: %q gets no fees", e.Source, p.To)
		}
		if i := slices.IndexFunc(parts, func(q Part) bool { return q.To == p.To }); i >= 0 {
			parts[i].Amount += p.Amount
		} else {
			parts = append(parts, p)
		}
	}
	for _, p := range parts {
		if err := add(p.To, -p.Amount); err != nil {
			return nil, err
		}
	}
	return moves, nil
}

// Check holds the moves of one balance transaction to what it shows. It says what is wrong first.
func Check(moves []store.Move, currency string, amount, fees, net int64) error {
	if amount-fees != net {
		return fmt.Errorf("amount %d less fee %d is not net %d", amount, fees, net)
	}
	var gotAmount, gotFee int64
	for _, m := range moves {
		if err := CheckMove(m); err != nil {
			return err
		}
		if m.Currency != currency {
			return fmt.Errorf("a move in %s, not %s", m.Currency, currency)
		}
		side, sign := Account(m.From), int64(1)
		if kinds[Account(m.From)] == merchant {
			side, sign = Account(m.To), -1
		}
		if kinds[side] == fee {
			gotFee -= sign * m.Amount
		} else {
			gotAmount += sign * m.Amount
		}
	}
	if gotAmount != amount {
		return fmt.Errorf("moves of the amount come to %d, not %d", gotAmount, amount)
	}
	if gotFee != fees {
		return fmt.Errorf("moves of the fee come to %d, not %d", gotFee, fees)
	}
	return nil
}

// CheckMove says what is wrong with a move: it must take an amount above zero between a merchant's balance and another account.
func CheckMove(m store.Move) error {
	from, to := kinds[Account(m.From)], kinds[Account(m.To)]
	switch {
	case m.Amount <= 0:
		return fmt.Errorf("a move of %d", m.Amount)
	case from == 0:
		return fmt.Errorf("a move from %q, which is no account", m.From)
	case to == 0:
		return fmt.Errorf("a move to %q, which is no account", m.To)
	case (from == merchant) == (to == merchant):
		return fmt.Errorf("a move from %s to %s, of which one should be the merchant's balance", m.From, m.To)
	case m.Currency == "" || m.Source == "":
		return fmt.Errorf("a move from %s to %s without currency or source", m.From, m.To)
	}
	return nil
}

// Funds are what a merchant has in one currency.
type Funds struct {
	Currency           string
	Available, Pending Split
}

// A Split is an amount by source. Card is always among the sources, the others if they have ever had money.
type Split []Share

// A Share is what one source has of an amount.
type Share struct {
	Source string // as source_types calls it: "card", "bank_account" or "fpx"
	Amount int64
}

// Total is the whole amount.
func (s Split) Total() (sum int64) {
	for _, x := range s {
		sum += x.Amount
	}
	return sum
}

// Balance is what sums say that the merchant has, currency by currency, in the order of their codes.
func Balance(sums []store.Sum) []Funds {
	var out []Funds
	for _, s := range sums {
		if !Merchant(Account(s.Account)) {
			continue
		}
		i := slices.IndexFunc(out, func(f Funds) bool { return f.Currency == s.Currency })
		if i < 0 {
			i, out = len(out), append(out, Nothing(s.Currency))
		}
		for _, src := range sources {
			if string(src.Account) == s.Account {
				out[i].Available.add(src.name, s.Available)
				out[i].Pending.add(src.name, s.Pending)
			}
		}
	}
	slices.SortFunc(out, func(a, b Funds) int {
		if a.Currency < b.Currency {
			return -1
		}
		return 1
	})
	return out
}

// Nothing are no funds, in a currency.
func Nothing(currency string) Funds {
	return Funds{Currency: currency, Available: Split{{Source: "card"}}, Pending: Split{{Source: "card"}}}
}

func (s *Split) add(source string, amount int64) {
	for i := range *s {
		if (*s)[i].Source == source {
			(*s)[i].Amount += amount
			return
		}
	}
	*s = append(*s, Share{source, amount})
}
