package account

import (
	"crypto/sha256"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/money"
	"florin/internal/paymethod"
	"florin/internal/vault"
)

// ReadBank makes a bank account of what was sent of it, for whoever keeps it, and gives its number. A currency that was not sent is the one that is given,
// or the country's.
func ReadBank(c *api.Call, v *vault.Vault, data *form.Value, param, currency string) (*BankAccount, string, error) {
	number := strings.ReplaceAll(strings.ReplaceAll(data.Str("account_number"), " ", ""), "-", "")
	if number == "" {
		return nil, "", fault.Missing(param + "[account_number]")
	}
	country := strings.ToUpper(data.Str("country"))
	if country == "" {
		return nil, "", fault.Missing(param + "[country]")
	}
	if !c.Live() && !testNumber(country, number) {
		return nil, "", fault.TestAccountNumber(param + "[account_number]")
	}
	routing := data.Str("routing_number")
	if country == "US" && routing != "" && !paymethod.ValidRouting(routing) {
		return nil, "", fault.InvalidBankNumber("routing_number_invalid", param+"[routing_number]", "routing number")
	}

	b := &BankAccount{Meta: api.Meta{ID: c.NewID("ba"), Object: BankAccounts.Name}}
	b.Country, b.Currency = country, strings.ToLower(data.Str("currency"))
	if b.Currency == "" {
		b.Currency = currency
	}
	if b.Currency == "" {
		b.Currency = money.DefaultCurrency(country)
	}
	for name, dst := range map[string]**string{"account_holder_name": &b.AccountHolderName, "account_holder_type": &b.AccountHolderType, "account_type": &b.AccountType} {
		if t := data.Str(name); t != "" {
			*dst = &t
		}
	}
	b.identify(v, number, routing)
	return b, number, nil
}

// TestBank is the bank account that a token of test mode stands for.
func TestBank(c *api.Call, v *vault.Vault, number string) *BankAccount {
	b := &BankAccount{Meta: api.Meta{ID: c.NewID("ba"), Object: BankAccounts.Name}, Country: "US", Currency: "usd"}
	b.identify(v, number, "110000000")
	return b
}

// KeepBank makes the document of a bank account that was read, or came out of a token, for its caller to save.
func KeepBank(c *api.Call, from *BankAccount) *BankAccount {
	b := BankAccounts.New(c, from.ID)
	meta := b.Meta
	*b = *from
	b.Meta, b.Metadata = meta, map[string]string{}
	return b
}

// identify says which account it is: its bank, its number's end and its fingerprint.
func (b *BankAccount) identify(v *vault.Vault, number, routing string) {
	bank := "STRIPE TEST BANK"
	b.BankName, b.Status = &bank, "new"
	if routing == "" {
		routing = "110000000" // recorded: what an IBAN without one shows
	}
	if b.Country == "AU" && len(routing) == 6 {
		routing = routing[:2] + " " + routing[2:]
	}
	b.RoutingNumber = &routing
	b.Last4 = number[max(0, len(number)-4):]
	if b.Country == "JP" && b.AccountType == nil {
		futsu := "futsu"
		b.AccountType = &futsu
	}
	fingerprint := fingerprintOf(v, b.Country+"/"+routing+"/"+number)
	b.Fingerprint = &fingerprint
	b.Private.Outcome = testOutcomes[number]
}

// fingerprintOf tells two bank accounts of the same number, and does not tell the number.
func fingerprintOf(v *vault.Vault, number string) string {
	sum := sha256.Sum256([]byte(v.KeyHash("bank account " + number)))
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, 16)
	for i := range out {
		out[i] = alphabet[int(sum[i])%len(alphabet)]
	}
	return string(out)
}

// testBankTokens stand for test numbers. Known from: facts 16b.
var testBankTokens = map[string]string{
	"": "000123456789", "noAccount": "000111111116", "accountClosed": "000111111113", "insufficientFunds": "000222222227",
	"debitNotAuthorized": "000333333335", "invalidCurrency": "000444444440",
}

// TestBankToken is the number that a token of test mode stands for, and whether the account is verified: btok_us, btok_us_verified,
// btok_us_verified_noAccount.
func TestBankToken(token string) (number string, verified, ok bool) {
	rest, ok := strings.CutPrefix(token, "btok_us")
	if !ok {
		return "", false, false
	}
	rest, verified = strings.CutPrefix(rest, "_verified")
	number, ok = testBankTokens[strings.TrimPrefix(rest, "_")]
	return number, verified, ok
}

// testOutcomes are how payouts to test numbers end. Known from: facts 16b.
var testOutcomes = map[string]string{
	"000111111116": "no_account", "000111111113": "account_closed", "000222222227": "insufficient_funds",
	"000333333335": "debit_not_authorized", "000444444440": "invalid_currency",
}

// testNumber says whether a number is one of test mode's. unverified: the whole list for other countries; where it is not known, every number of
// four digits and more is taken.
func testNumber(country, number string) bool {
	if country != "US" && country != "CA" {
		return len(number) >= 4
	}
	return testOutcomes[number] != "" || slices.Contains(testNumbers, number)
}

// testNumbers are those that payouts do not fail to. Known from: facts 07 (7h), 16b.
var testNumbers = []string{
	"000123456789", "000888888883", "000999999991", "000999999992", "000000000009", "000000004954", "000555555559", "000666666661", "000777777771", "000888888885",
}
