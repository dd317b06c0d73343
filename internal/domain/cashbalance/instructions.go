package cashbalance

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/customer"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/testcard"
)

func encode(b *CashBalance) []byte { return jsontext.Append(nil, b) }

// types are the kinds of bank transfer, by currency.
var types = map[string]string{
	"usd": "us_bank_transfer", "eur": "eu_bank_transfer", "gbp": "gb_bank_transfer", "jpy": "jp_bank_transfer", "mxn": "mx_bank_transfer",
}

// TypeOf is the kind of bank transfer that carries a currency; "" if none does.
func TypeOf(currency string) string { return types[currency] }

// euro are the countries in which there are accounts for euro. Known from: facts 14f (I).
var euro = []string{"BE", "DE", "ES", "FR", "IE", "NL"}

// CheckTransfer refuses a kind of bank transfer, or a country, that does not suit a currency. param is what the hash is called.
func CheckTransfer(typ, country, currency, param string) error {
	switch {
	case types[currency] != typ:
		return fault.BankTransferType(param+"[type]", typ, currency)
	case typ == "eu_bank_transfer" && country == "":
		return fault.Missing(param + "[eu_bank_transfer][country]")
	case typ == "eu_bank_transfer" && !slices.Contains(euro, country):
		return fault.BankTransferCountry(param+"[eu_bank_transfer][country]", country)
	}
	return nil
}

// An address is where to send money to.
type address struct {
	ABA               *record  `json:"aba,omitempty"`
	IBAN              *record  `json:"iban,omitempty"`
	SortCode          *record  `json:"sort_code,omitempty"`
	SPEI              *record  `json:"spei,omitempty"`
	SupportedNetworks []string `json:"supported_networks"`
	SWIFT             *record  `json:"swift,omitempty"`
	Type              string   `json:"type"`
	Zengin            *record  `json:"zengin,omitempty"`
}

// A record is an account, as its country writes it.
type record struct {
	AccountHolderAddress place  `json:"account_holder_address"`
	AccountHolderName    string `json:"account_holder_name"`
	AccountNumber        string `json:"account_number,omitempty"`
	AccountType          string `json:"account_type,omitempty"`
	BankAddress          place  `json:"bank_address"`
	BankCode             string `json:"bank_code,omitempty"`
	BankName             string `json:"bank_name,omitempty"`
	BIC                  string `json:"bic,omitempty"`
	BranchCode           string `json:"branch_code,omitempty"`
	BranchName           string `json:"branch_name,omitempty"`
	CLABE                string `json:"clabe,omitempty"`
	Country              string `json:"country,omitempty"`
	IBAN                 string `json:"iban,omitempty"`
	RoutingNumber        string `json:"routing_number,omitempty"`
	SortCode             string `json:"sort_code,omitempty"`
	SwiftCode            string `json:"swift_code,omitempty"`
}

type place struct {
	City       *string `json:"city"`
	Country    *string `json:"country"`
	Line1      *string `json:"line1"`
	Line2      *string `json:"line2"`
	PostalCode *string `json:"postal_code"`
	State      *string `json:"state"`
}

func at(line1, city, state, zip, country string) place {
	p := place{City: &city, Country: &country, Line1: &line1, PostalCode: &zip}
	if state != "" {
		p.State = &state
	}
	return p
}

// Addresses are the accounts that are the customer's to send a currency to, always the same. Recorded of dollars: one number for both ways, the
// merchant's name, and the addresses. unverified: the values of the others.
func Addresses(c *api.Call, cus *customer.Customer, typ, country string) json.RawMessage {
	sum := sha256.Sum256([]byte(cus.ID + " " + typ + " " + country))
	lot := binary.BigEndian.Uint64(sum[:8])
	digits := func(n int) string { return fmt.Sprintf("%0*d", n, lot%uint64pow(n)) }
	for testcard.In([]byte("11119"+digits(12))) || testcard.In([]byte("002180"+digits(12))) { // nobody shall take it for a card's
		lot++
	}
	acct := account.Of(c)
	holder := acct.Name()
	if holder == "" {
		holder = acct.ID
	}
	holderAt := at("354 Oyster Point Blvd", "South San Francisco", "CA", "94080", "US")
	bankAt := at("420 Montgomery Street", "San Francisco", "CA", "94104", "US")
	switch typ {
	case "eu_bank_transfer":
		holderAt, bankAt = at("1 Grand Canal Street Lower", "Dublin", "", "D02 H210", "IE"), at("1 Test Street", "Test City", "", "10000", country)
	case "gb_bank_transfer":
		holderAt, bankAt = at("9th Floor, 107 Cheapside", "London", "", "EC2V 6DN", "GB"), at("1 Test Street", "London", "", "EC1A 1AA", "GB")
	case "jp_bank_transfer":
		holderAt, bankAt = at("3-18-1 Minamiaoyama", "Tokyo", "", "1070062", "JP"), at("1-1 Test", "Tokyo", "", "1000001", "JP")
	case "mx_bank_transfer":
		holderAt, bankAt = at("Paseo de la Reforma 1", "Ciudad de Mexico", "", "06600", "MX"), at("Avenida Prueba 1", "Ciudad de Mexico", "", "06000", "MX")
	}
	var out []address
	switch typ {
	case "us_bank_transfer":
		number := "11119" + digits(12)
		out = []address{
			{Type: "aba", SupportedNetworks: []string{"ach", "domestic_wire_us"}, ABA: &record{
				AccountHolderAddress: holderAt, AccountHolderName: holder, AccountNumber: number, AccountType: "checking", BankAddress: bankAt, BankName: "US Test Bank", RoutingNumber: "999999999",
			}},
			{Type: "swift", SupportedNetworks: []string{"swift"}, SWIFT: &record{
				AccountHolderAddress: holderAt, AccountHolderName: holder, AccountNumber: number, AccountType: "checking", BankAddress: bankAt, BankName: "US Test Bank", SwiftCode: "TESTUS99XXX",
			}},
		}
	case "eu_bank_transfer":
		out = []address{{Type: "iban", SupportedNetworks: []string{"sepa"}, IBAN: &record{
			AccountHolderAddress: holderAt, AccountHolderName: holder, BankAddress: bankAt, BIC: "TEST" + country + "FFXXX", Country: country, IBAN: iban(country, digits(18)),
		}}}
	case "gb_bank_transfer":
		out = []address{{Type: "sort_code", SupportedNetworks: []string{"bacs", "fps"}, SortCode: &record{
			AccountHolderAddress: holderAt, AccountHolderName: holder, AccountNumber: digits(8), BankAddress: bankAt, SortCode: "108800",
		}}}
	case "jp_bank_transfer":
		out = []address{{Type: "zengin", SupportedNetworks: []string{"zengin"}, Zengin: &record{
			AccountHolderAddress: holderAt, AccountHolderName: holder, AccountNumber: digits(7), AccountType: "futsu", BankAddress: bankAt, BankCode: "1100", BankName: "STRIPE TEST BANK", BranchCode: "001",
			BranchName: "TEST BRANCH",
		}}}
	case "mx_bank_transfer":
		out = []address{{Type: "spei", SupportedNetworks: []string{"spei"}, SPEI: &record{
			AccountHolderAddress: holderAt, AccountHolderName: holder, BankAddress: bankAt, BankCode: "002", BankName: "TEST BANK", CLABE: "002180" + digits(12),
		}}}
	}
	text, _ := json.Marshal(out) // strings cannot fail
	return text
}

func uint64pow(n int) uint64 {
	out := uint64(1)
	for range n {
		out *= 10
	}
	return out
}

// iban puts the check digits before an account's number (ISO 13616).
func iban(country, number string) string {
	rest := 0
	for _, r := range number + country + "00" {
		switch {
		case r >= 'A':
			rest = (rest*100 + int(r-'A') + 10) % 97
		default:
			rest = (rest*10 + int(r-'0')) % 97
		}
	}
	return fmt.Sprintf("%s%02d%s", country, 98-rest, number)
}

// CountryOf is where an account for a currency is, if nothing else is said.
func CountryOf(typ, asked string) string {
	switch typ {
	case "us_bank_transfer":
		return "US"
	case "gb_bank_transfer":
		return "GB"
	case "jp_bank_transfer":
		return "JP"
	case "mx_bank_transfer":
		return "MX"
	}
	return asked
}

// instruct says where a customer can send money to, without a payment.
func (d *Domain) instruct(c *api.Call) (any, error) {
	cus, err := customer.Customers.InPath(c, "customer")
	if err != nil {
		return nil, err
	}
	currency, transfer := c.P.Str("currency"), c.P.At("bank_transfer")
	typ, country := transfer.Str("type"), transfer.At("eu_bank_transfer").Str("country")
	if err := CheckTransfer(typ, country, currency, "bank_transfer"); err != nil {
		return nil, err
	}
	country = CountryOf(typ, country)
	v := &struct {
		Object       string          `json:"object"`
		BankTransfer json.RawMessage `json:"bank_transfer"`
		Currency     string          `json:"currency"`
		FundingType  string          `json:"funding_type"`
		Livemode     bool            `json:"livemode"`
	}{Object: "funding_instructions", Currency: currency, FundingType: "bank_transfer", Livemode: c.Live()}
	v.BankTransfer, err = json.Marshal(map[string]any{"country": country, "financial_addresses": Addresses(c, cus, typ, country), "type": typ})
	if err != nil {
		return nil, err
	}
	return api.JSON(jsontext.Append(nil, v)), nil
}
