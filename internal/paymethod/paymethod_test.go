package paymethod

import (
	"encoding/json"
	"slices"
	"testing"

	"florin/internal/money"
	"florin/internal/spec"
)

// TestTable holds the table to the spec: each type that payment intents have stands in it once, and names what the spec knows.
func TestTable(t *testing.T) {
	options := spec.Lookup("POST /v1/payment_intents").Param("payment_method_options")
	for _, p := range options.Fields {
		if Types[p.Name] == nil && p.Name != "stripe_account" {
			t.Errorf("%s has no row", p.Name)
		}
	}
	actions := spec.SchemaOf("payment_intent_next_action")
	refunds := spec.SchemaOf("refund_destination_details")
	shown := spec.SchemaOf("payment_method_details")
	for _, name := range Names() {
		row := Types[name]
		if !Known(name) && row.Flow != Outside {
			t.Errorf("%s is not in the spec", name)
		}
		if row.Action != "" && actions.Property(row.Action) == nil {
			t.Errorf("%s: no next action %s", name, row.Action)
		}
		if to := row.Destination(); to != "type" && refunds.Property(to) == nil && row.Refund.How != "never" && row.Flow != Terminal && row.Flow != Outside {
			t.Errorf("%s: no destination %s", name, to)
		}
		if row.Flow != Outside && shown.Property(name) == nil {
			t.Errorf("%s: charges have no details", name)
		}
		for option, text := range row.Options {
			if !json.Valid([]byte(text)) {
				t.Errorf("%s: %s is %s", name, option, text)
			}
		}
		for _, c := range row.Currencies {
			if !money.Known(c) {
				t.Errorf("%s: no currency %s", name, c)
			}
		}
		for c := range row.Limits {
			if !row.takes(c) {
				t.Errorf("%s: a limit in %s", name, c)
			}
		}
		if row.Captures() != (row.HoldFor > 0) && row.Flow != Terminal {
			t.Errorf("%s: captures %v, held for %d days", name, row.Captures(), row.HoldFor)
		}
	}
	for name, homes := range home {
		for c := range homes {
			if !Types[name].takes(c) {
				t.Errorf("%s: %s has a home", name, c)
			}
		}
	}
}

func (t *Type) takes(currency string) bool {
	return t.Currencies == nil || slices.Contains(t.Currencies, currency)
}

func TestRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		use  Use
		want Reason
	}{
		{"ideal", Use{Amount: 1, Currency: "eur", Country: "US"}, Fits},
		{"ideal", Use{Amount: 100, Currency: "usd", Country: "US"}, NotCurrency},
		{"ideal", Use{Amount: 100, Currency: "eur", Country: "BR"}, NotHere},
		{"ideal", Use{Amount: 100, Currency: "eur", Country: "NL", Manual: true}, NotLater},
		{"ideal", Use{Amount: 100, Currency: "eur", Country: "NL", SetUp: "on_session"}, NotKept},
		{"ideal", Use{Amount: 100, Currency: "eur", Country: "NL", SetUp: "off_session"}, Fits},
		{"ideal", Use{Amount: 100, Currency: "eur", Country: "NL", NoRedirects: true}, Redirects},
		{"klarna", Use{Amount: 100, Currency: "pln", Country: "US"}, NotCurrency},
		{"klarna", Use{Amount: 100, Currency: "usd", Country: "US", Manual: true}, Fits},
		{"afterpay_clearpay", Use{Amount: 99, Currency: "usd", Country: "US"}, TooSmall},
		{"afterpay_clearpay", Use{Amount: 400001, Currency: "usd", Country: "US"}, TooLarge},
		{"wechat_pay", Use{Amount: 100, Currency: "usd", Country: "US", NoRedirects: true}, Fits},
		{"customer_balance", Use{Amount: 100, Currency: "usd", Country: "US"}, Nobody},
		{"customer_balance", Use{Amount: 100, Currency: "usd", Country: "US", Customer: true}, Fits},
		{"giropay", Use{Amount: 100, Currency: "eur", Country: "DE"}, NotHere},
		{"card", Use{Amount: 100, Currency: "isk", Country: "IS", Manual: true, SetUp: "on_session"}, Fits},
	} {
		if got := Types[tt.name].Refuses(tt.use); got != tt.want {
			t.Errorf("%s %+v: %q, want %q", tt.name, tt.use, got, tt.want)
		}
	}
}

func TestNamed(t *testing.T) {
	for id, want := range map[string]string{
		"pm_usBankAccount_success":             "us_bank_account 000123456789",
		"pm_usBankAccount_weeklyLimitExceeded": "us_bank_account 000777777771",
		"pm_nzBankAccount_noAccount":           "nz_bank_account 1111111",
		"pm_sepaDebit_success_de":              "sepa_debit DE89370400440532013000",
		"pm_sepaDebit_failedDelayed_AT":        "sepa_debit AT051904300235473205",
		"pm_sepaDebit_insufficientFunds_ch":    " ",
		"pm_usBankAccount_":                    " ",
		"pm_usBankAccount_nothing":             " ",
		"pm_card_visa":                         " ",
		"pm_1T1oNBFk4eGpfLOCc9LTT8YW":          " ",
	} {
		typ, number, ok := Named(id)
		if got := typ + " " + number; got != want || ok != (want != " ") {
			t.Errorf("%s is %q, %v", id, got, ok)
		}
	}
}

func TestTestValues(t *testing.T) {
	for _, tt := range []struct {
		got, want Test
	}{
		{OfAccount("us_bank_account", "000222222227"), Test{Name: "insufficientFunds", Fail: "insufficient_funds", After: soonACH}},
		{OfAccount("us_bank_account", "4242"), Test{After: soonACH}},
		{OfAccount("sepa_debit", "AT321904300235473204"), Test{After: later}},
		{OfAccount("sepa_debit", "DE35370400440532013002"), Test{After: soon, Dispute: true}},
		{OfAccount("bacs_debit", "92222227"), Test{After: later, Fail: "insufficient_funds"}},
		{OfVoucher("jenny@example.com"), Test{After: later}},
		{OfVoucher("a.succeed_immediately@example.com"), Test{After: rightAway}},
		{OfVoucher("expire_with_delay@example.com"), Test{After: later, Expire: true}},
		{OfVoucher("fill_never@example.com"), Test{Stays: true}},
		{OfBlik("x.bank_declined@example.com"), Test{After: 8, Fail: "payment_method_provider_decline"}},
		{OfBlik("jenny@example.com"), Test{After: rightAway}},
		{OfMBWay("+351911111112"), Test{After: 30}},
	} {
		if tt.got != tt.want {
			t.Errorf("%+v, want %+v", tt.got, tt.want)
		}
	}
}
