package ledger

import (
	"reflect"
	"strings"
	"testing"

	"florin/internal/store"
)

func TestMoves(t *testing.T) {
	for _, tt := range []struct {
		name  string
		entry Entry
		want  []string // from>to amount
	}{
		{"charge", Entry{Amount: 1000, Fees: []Part{{Fees, 59}}}, []string{"outside:network>merchant:card 1000", "merchant:card>operator:fees 59"}},
		{"refund", Entry{Amount: -1000}, []string{"merchant:card>outside:network 1000"}},
		{"refund with its fee", Entry{Amount: -1000, Fees: []Part{{Fees, -59}}}, []string{"merchant:card>outside:network 1000", "operator:fees>merchant:card 59"}},
		{
			"platform's charge", Entry{Amount: 1000, Fees: []Part{{ApplicationFees, 100}, {Fees, 40}, {Fees, 19}, {Taxes, 3}}},
			[]string{"outside:network>merchant:card 1000", "merchant:card>outside:application_fees 100", "merchant:card>operator:fees 59", "merchant:card>outside:taxes 3"},
		},
		{"payout", Entry{Amount: -500, Outside: Bank}, []string{"merchant:card>outside:bank 500"}},
		{"bank debit", Entry{Amount: 500, Balance: BankAccount, Outside: Bank}, []string{"outside:bank>merchant:bank_account 500"}},
		{"billed apart", Entry{Amount: -7, Outside: Billed}, []string{"merchant:card>operator:billed 7"}},
		{"fees that cancel out", Entry{Amount: 10, Fees: []Part{{Fees, 5}, {Fees, -5}}}, []string{"outside:network>merchant:card 10"}},
		{"nothing", Entry{}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := tt.entry
			e.Source, e.Currency, e.AvailableOn = "txn_1", "usd", 99
			moves, err := e.Moves()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			sums := map[string]int64{}
			for _, m := range moves {
				got = append(got, m.From+">"+m.To+" "+itoa(m.Amount))
				sums[m.From] -= m.Amount
				sums[m.To] += m.Amount
				if m.AvailableOn != 99 || m.Source != "txn_1" || m.Currency != "usd" {
					t.Errorf("move %+v", m)
				}
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("moves %q, want %q", got, tt.want)
			}
			balance := e.Balance
			if balance == "" {
				balance = Card
			}
			if sums[string(balance)] != e.Net() {
				t.Errorf("the balance changes by %d, want %d", sums[string(balance)], e.Net())
			}
			var total int64
			for _, s := range sums {
				total += s
			}
			if total != 0 {
				t.Errorf("the moves come to %d", total)
			}
			if err := Check(moves, "usd", e.Amount, e.Fee(), e.Net()); err != nil {
				t.Error(err)
			}
		})
	}
}

func itoa(n int64) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

func TestMovesRefused(t *testing.T) {
	for _, e := range []Entry{
		{Source: "txn_1", Currency: "usd", Amount: 1, Outside: Fees},
		{Source: "txn_1", Currency: "usd", Amount: 1, Outside: Card},
		{Source: "txn_1", Currency: "usd", Amount: 1, Balance: Network},
		{Source: "txn_1", Currency: "usd", Amount: 1, Fees: []Part{{Network, 1}}},
		{Source: "txn_1", Currency: "usd", Amount: 1 << 62},
		{Currency: "usd", Amount: 1},
		{Source: "txn_1", Amount: 1},
	} {
		if moves, err := e.Moves(); err == nil {
			t.Errorf("%+v makes %+v", e, moves)
		}
	}
}

func TestCheck(t *testing.T) {
	ok := store.Move{From: "outside:network", To: "merchant:card", Currency: "usd", Amount: 1000, Source: "txn_1"}
	with := func(f func(*store.Move)) []store.Move {
		m := ok
		f(&m)
		return []store.Move{m}
	}
	for _, tt := range []struct {
		moves            []store.Move
		amount, fee, net int64
		want             string // part of the error; "" for none
	}{
		{[]store.Move{ok}, 1000, 0, 1000, ""},
		{nil, 0, 0, 0, ""},
		{[]store.Move{ok}, 999, 0, 999, "come to 1000, not 999"},
		{[]store.Move{ok}, 1000, 59, 941, "moves of the fee come to 0"},
		{[]store.Move{ok}, 1000, 59, 1000, "is not net"},
		{with(func(m *store.Move) { m.Amount = -1 }), 1000, 0, 1000, "a move of -1"},
		{with(func(m *store.Move) { m.To = "outside:bank" }), 1000, 0, 1000, "should be the merchant's"},
		{with(func(m *store.Move) { m.To = "merchant:fpx"; m.From = "merchant:card" }), 1000, 0, 1000, "should be the merchant's"},
		{with(func(m *store.Move) { m.From = "cash" }), 1000, 0, 1000, "no account"},
		{with(func(m *store.Move) { m.Currency = "eur" }), 1000, 0, 1000, "a move in eur"},
	} {
		err := Check(tt.moves, "usd", tt.amount, tt.fee, tt.net)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Check(%+v, %d, %d, %d) = %v, want %q", tt.moves, tt.amount, tt.fee, tt.net, err, tt.want)
		}
	}
}

func TestBalance(t *testing.T) {
	got := Balance([]store.Sum{
		{Account: "merchant:card", Currency: "usd", Available: 5, Pending: 7},
		{Account: "merchant:card", Currency: "eur", Available: -2},
		{Account: "merchant:bank_account", Currency: "usd", Available: 30},
		{Account: "merchant:fpx", Currency: "myr", Pending: 4},
		{Account: "operator:fees", Currency: "usd", Available: 1000},
		{Account: "outside:network", Currency: "gbp", Available: -1000},
	})
	want := []Funds{
		{"eur", Split{{"card", -2}}, Split{{"card", 0}}},
		{"myr", Split{{"card", 0}, {"fpx", 0}}, Split{{"card", 0}, {"fpx", 4}}},
		{"usd", Split{{"card", 5}, {"bank_account", 30}}, Split{{"card", 7}, {"bank_account", 0}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if n := got[2].Available.Total(); n != 35 {
		t.Errorf("total %d", n)
	}
}
