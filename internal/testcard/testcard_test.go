package testcard

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"florin/internal/fault"
)

// facts are the rows of facts 07b to 07g: number, names (comma, - for none), brand, funding, country, and what is special, in letters of this test.
const facts = `
4242424242424242 visa,us visa credit US
4000056655665556 visa_debit visa debit US
5555555555554444 mastercard mastercard credit US
2223003122003222 - mastercard credit US
5200828282828210 mastercard_debit mastercard debit US
5105105105105100 mastercard_prepaid mastercard prepaid US
378282246310005 amex_threeDSecureNotSupported amex credit US 3ds:1
371449635398431 amex amex credit US
6011111111111117 - discover credit US
6011000990139424 discover discover credit US
6011981111111113 - discover debit US
3056930009020004 diners diners credit US
36227206271667 - diners credit US
3566002020360505 jcb jcb credit JP
6200000000000005 unionpay unionpay credit CN 3ds:1
6200000000000047 - unionpay debit CN 3ds:1
6205500000000000004 - unionpay credit CN 3ds:1
4000002500001001 visa_cartesBancaires visa credit FR co:cartes_bancaires
5555552500001001 mastercard_cartesBancaires mastercard credit FR co:cartes_bancaires
4000050360000001 visa_debit_eftposAuCoBranded visa debit AU co:eftpos_au
5555050360000080 mastercard_debit_eftposAuCoBranded mastercard debit AU co:eftpos_au
4000051230000072 debit_visaFsaProductCode,debit_visaHsaProductCode visa debit US
5200828282828897 mastercard_debit_mastercardFsaProductCode mastercard debit US
4000000320000021 ar visa credit AR
4000000760000002 br visa credit BR
4000001240000000 ca visa credit CA
4000001520000001 cl visa credit CL
4000001700000003 co visa credit CO
4000001880000005 cr visa credit CR
4000002180000000 ec visa credit EC
4000004840008001 mx visa credit MX
5062210000000009 - unknown credit MX
4000005910000000 pa visa credit PA
4000006000000066 py visa credit PY
4000006040000068 pe visa credit PE
4000008580000003 uy visa credit UY
4000007840000001 ae visa credit AE
5200007840000022 ae_mastercard mastercard credit AE
4000000400000008 at visa credit AT
4000000560000004 be visa credit BE
4000001000000000 bg visa credit BG
4000001120000005 by visa credit BY
4000001910000009 hr visa credit HR
4000001960000008 cy visa credit CY
4000002030000002 cz visa credit CZ
4000002080000001 dk visa credit DK
4000002330000009 ee visa credit EE
4000002460000001 fi visa credit FI
4000002500000003 fr visa credit FR
4000002760000016 de visa credit DE
4000002920000005 gi visa credit GI
4000003000000030 gr visa credit GR
4000003480000005 hu visa credit HU
4000003720000005 ie visa credit IE
4000003800000008 it visa credit IT
4000004280000005 lv visa credit LV
4000004380000004 li visa credit LI
4000004400000000 lt visa credit LT
4000004420000006 lu visa credit LU
4000004700000007 mt visa credit MT
4000005280000002 nl visa credit NL
4000005780000007 no visa credit NO
4000006160000005 pl visa credit PL
4000006200000007 pt visa credit PT
4000006420000001 ro visa credit RO
4000006820000007 sa visa credit SA
4000007050000006 si visa credit SI
4000007030000001 sk visa credit SK
4000007240000007 es visa credit ES
4000007520000008 se visa credit SE
4000007560000009 ch visa credit CH
4000008260000000 gb visa credit GB
4000058260000005 gb_debit visa debit GB
5555558265554449 gb_mastercard mastercard credit GB
4000000360000006 au visa credit AU
4000001560000002 cn visa credit CN
4000003440000004 hk visa credit HK
4000003560000008 in visa credit IN
4000003920000003 jp visa credit JP
3530111333300000 - jcb credit JP
4000004580000002 my visa credit MY
4000005540000008 nz visa credit NZ
4000007020000003 sg visa credit SG
4000001580000008 tw visa credit TW
4000007640000003 th_credit visa credit TH
4000057640000008 th_debit visa debit TH
4000003560000123 - visa credit IN 3ds:5 mandate
4000003560000263 - visa credit IN 3ds:5 mandate
4000000000000002 visa_chargeDeclined,chargeDeclined visa credit US card_declined/generic_decline//try_again_later/01/ attach:no
4000000000009995 visa_chargeDeclinedInsufficientFunds visa credit US card_declined/insufficient_funds//try_again_later/51/02 attach:no
4000000000009987 visa_chargeDeclinedLostCard visa credit US card_declined/lost_card//do_not_try_again/41/01 attach:no
4000000000009979 visa_chargeDeclinedStolenCard visa credit US card_declined/stolen_card//do_not_try_again/43/01 attach:no
4000000000000069 chargeDeclinedExpiredCard visa credit US expired_card/expired_card/exp_month/confirm_card_data/54/03 attach:no
4000000000000127 chargeDeclinedIncorrectCvc visa credit US incorrect_cvc/incorrect_cvc/cvc/confirm_card_data/N7/03 attach:no
4000000000000119 chargeDeclinedProcessingError visa credit US processing_error/processing_error//try_again_later/06/ attach:no
4000000000006975 visa_chargeDeclinedVelocityLimitExceeded visa credit US card_declined/card_velocity_exceeded//try_again_later/61/02 attach:no
4100000000000019 radarBlock,chargeDeclinedFraudulent visa credit US card_declined/fraudulent//// risk:highest block:always
4000000000000341 chargeCustomerFail visa credit US card_declined/generic_decline//try_again_later/01/
4000000000004954 riskLevelHighest visa credit US risk:highest block:highest_risk_level
4000000000009235 riskLevelElevated visa credit US risk:elevated
4000008400000407 highFraudDisputeScore visa credit US block:high_fraud_dispute_score
4000008400000159 highEfwScore visa credit US block:high_early_fraud_warning_score
4000008400001017 radarDynamicRiskThreshold visa credit US block:dynamic_risk_threshold
4000008405600003 adaptive3dsChallenge visa credit US 3ds:6
4000000000000101 cvcCheckFail visa credit US cvc:fail
4000000000000036 avsZipFail visa credit US zip:fail
4000058400307872 cvcCheckFailElevatedRisk visa debit US cvc:fail risk:elevated
4000058400306072 avsZipFailElevatedRisk visa debit US zip:fail risk:elevated
4000000000000028 avsLine1Fail visa credit US line1:fail
4000000000000010 avsFail visa credit US line1:fail zip:fail
4000000000000044 avsUnchecked visa credit US line1:unavailable zip:unavailable
4000000000001208 - visa credit US captcha
4000000000003725 - visa credit US captcha
4000000000000259 createDispute visa credit US dispute:fraudulent
4000000000002685 createDisputeProductNotReceived visa credit US dispute:product_not_received
4000000000001976 createDisputeInquiry visa credit US dispute:fraudulent inquiry
4000000000005423 createIssuerFraudRecord visa credit US efw:made_with_stolen_card
4000000404000079 createMultipleDisputes visa credit AT dispute:fraudulent
4000000404000038 createCe3EligibleDispute visa credit AT dispute:fraudulent network:10.4
4000008400000779 createComplianceDispute visa credit US dispute:noncompliant
5105008400000002 createMastercardComplianceDispute mastercard credit US dispute:noncompliant
4000000001000043 createAutoRepresentmentEligibleDispute visa credit US dispute:fraudulent
4000000404004816 createRapidDisputeResolutionDispute visa credit AT dispute:fraudulent prevented
4000000404005649 createCe3BlockDispute visa credit AT dispute:fraudulent prevented
5105000300000018 createEthocaAlert mastercard credit US dispute:fraudulent prevented
4000000000007726 pendingRefund visa credit US refund:1
4000000000005126 refundFail visa credit US refund:2
4000000000000077 bypassPending visa credit US bypass
4000003720000278 bypassPendingInternational visa credit IE bypass
4000002500003155 authenticationRequiredOnSetup visa credit FR 3ds:4
4000002760003184 authenticationRequired visa credit DE 3ds:3
4000003800000446 authenticationRequiredSetupForOffSession visa credit IT 3ds:5
4000008260003178 authenticationRequiredChargeDeclinedInsufficientFunds visa credit GB card_declined/insufficient_funds//try_again_later/51/02 3ds:3 after
4000000000003220 threeDSecure2Required visa credit IE 3ds:3
4000008400000027 - visa credit US 3ds:3
4000008400001629 threeDSecureRequiredChargeDeclined visa credit US card_declined/generic_decline//try_again_later/01/ 3ds:3 after
4000008400001280 threeDSecureRequiredProcessingError visa credit US card_declined/generic_decline//try_again_later/01/ 3ds:3 after lookup
4000000000003055 threeDSecureOptional visa credit US 3ds:2
4000000000003097 threeDSecureOptionalProcessingError visa credit US 3ds:2 lookup
4000000032200000 - visa credit US 3ds:3 frictionless
4000582600000094 - visa credit US 3ds:2 challenge
4000582600000045 - visa credit US 3ds:2 challenge
4000582600000102 - visa credit US 3ds:2 challenge
4000582600000110 - visa credit US 3ds:2 challenge
`

// words writes what is special about a card as facts above do.
func words(c *Card) map[string]bool {
	w := map[string]bool{}
	on := func(is bool, word string) {
		if is {
			w[word] = true
		}
	}
	if d := c.Decline; d != nil {
		w[strings.Join([]string{d.Code, d.DeclineCode, d.Param, d.AdviceCode, d.NetworkDeclineCode, d.NetworkAdviceCode}, "/")] = true
	}
	on(c.AttachDecline() != nil, "attach:no")
	on(c.When == AfterAuthentication, "after")
	on(c.ThreeDS.Usage != Acknowledged, "3ds:"+string(rune('0'+c.ThreeDS.Usage)))
	on(c.ThreeDS.LookupError, "lookup")
	on(c.ThreeDS.Frictionless, "frictionless")
	on(c.ThreeDS.Challenge != "", "challenge")
	if c.CoBadged() {
		w["co:"+c.Networks[0]] = true
	}
	if c.Risk.Block != BlockAlways { // the checks of a blocked card are not its own
		on(c.Checks.CVC != "", "cvc:"+c.Checks.CVC)
		on(c.Checks.Line1 != "", "line1:"+c.Checks.Line1)
		on(c.Checks.Zip != "", "zip:"+c.Checks.Zip)
	}
	on(c.Risk.Level != "", "risk:"+c.Risk.Level)
	on(c.Risk.Block != "", "block:"+string(c.Risk.Block))
	if d := c.Dispute; d != nil {
		w["dispute:"+d.Reason] = true
		on(d.Inquiry, "inquiry")
		on(d.NetworkReasonCode != "", "network:"+d.NetworkReasonCode)
		on(d.Prevention != "", "prevented")
	}
	on(c.FraudWarning != "", "efw:"+c.FraudWarning)
	on(c.Refund != RefundSucceeds, "refund:"+string(rune('0'+c.Refund)))
	on(c.Bypass, "bypass")
	on(c.Mandate != NoMandate, "mandate")
	on(c.Captcha, "captcha")
	return w
}

func TestFacts(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range strings.Split(strings.TrimSpace(facts), "\n") {
		f := strings.Fields(row)
		c := ByNumber(f[0])
		if c == nil {
			t.Errorf("%s is not in the table", f[0])
			continue
		}
		seen[f[0]] = true
		if f[1] != "-" {
			for name := range strings.SplitSeq(f[1], ",") {
				if ByPaymentMethod("pm_card_"+name) != c || ByToken("tok_"+name) != c {
					t.Errorf("pm_card_%s and tok_%s are not %s", name, name, f[0])
				}
			}
		}
		if got := []string{c.Brand, c.Funding, c.Country}; !reflect.DeepEqual(got, f[2:5]) {
			t.Errorf("%s: %v, want %v", f[0], got, f[2:5])
		}
		want := map[string]bool{}
		for _, word := range f[5:] {
			want[word] = true
		}
		if got := words(c); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", f[0], got, want)
		}
	}
	// Rows that facts 07 do not have.
	for _, more := range strings.Fields("6555900000604105 4001858821843804 4000000000003063 4000003560000248 4000003560000297 " +
		"4000000000940348 4000000000940355 4000058400949996 4000056655665572 4000056755665555") {
		seen[more] = true
	}
	for _, c := range All() {
		if !seen[c.Number] {
			t.Errorf("%s is in no facts", c.Number)
		}
		if !Valid(c.Number) {
			t.Errorf("%s is no valid number", c.Number)
		}
		if c.Brand == "" || c.Country == "" || c.Funding == "" || !c.Supports(c.Brand) {
			t.Errorf("%+v", c)
		}
	}
}

// TestMessages holds the words of facts 07d.
func TestMessages(t *testing.T) {
	for last4, want := range map[string]string{
		"0002": "Your card was declined.", "9987": "Your card was declined.", "9979": "Your card was declined.", "0341": "Your card was declined.",
		"9995": "Your card has insufficient funds.", "0069": "Your card has expired.", "0127": "Your card's security code is incorrect.",
		"0119": "An error occurred while processing your card. Try again in a little bit.",
		"6975": "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
	} {
		c := ByNumber("400000000000" + last4)
		if c == nil || c.Decline.Message != want {
			t.Errorf("%s: %+v", last4, c)
		}
	}
	e := fault.DeclinedAttach(*ByPaymentMethod("pm_card_chargeDeclined").AttachDecline())
	if e.Status != 402 || e.Type != "card_error" || !e.EmptyParam || e.Keep || !e.Executed {
		t.Errorf("attach: %+v", e)
	}
	e = fault.Declined(*ByPaymentMethod("pm_card_chargeDeclinedExpiredCard").ChargeDecline(false))
	if e.Status != 402 || e.Param != "exp_month" || e.EmptyParam || !e.Keep || !e.Executed || e.DocURL() != "https://stripe.com/docs/error-codes/expired-card" {
		t.Errorf("charge: %+v", e)
	}
}

func TestTokens(t *testing.T) {
	for token, decline := range map[string]string{
		"tok_visa_chargeCustomerFailLostCard":            "lost_card",
		"tok_visa_chargeCustomerFailStolenCard":          "stolen_card",
		"tok_visa_debit_chargeDeclinedInsufficientFunds": "insufficient_funds",
	} {
		c := ByToken(token)
		if c == nil || c.Decline.DeclineCode != decline || ByPaymentMethod("pm_card_"+token[4:]) != nil {
			t.Errorf("%s: %+v", token, c)
		}
	}
	if ByToken("tok_nothing") != nil || ByPaymentMethod("pm_card_nothing") != nil || ByNumber("4111111111111111") != nil || ByPaymentMethod("pm_1") != nil {
		t.Error("unknown ones must be nil")
	}
}

func TestWanted(t *testing.T) {
	tests := []struct {
		name              string
		on, off, offSetUp bool
		result            string
		supported         bool
		declineAfter      bool
	}{
		{"visa", false, false, false, "attempt_acknowledged", true, false},
		{"amex_threeDSecureNotSupported", false, false, false, "not_supported", false, false},
		{"threeDSecureOptional", false, false, false, "authenticated", true, false},
		{"authenticationRequired", true, true, true, "authenticated", true, false},
		{"authenticationRequiredOnSetup", true, true, false, "authenticated", true, false},
		{"authenticationRequiredSetupForOffSession", true, false, false, "authenticated", true, false},
		{"authenticationRequiredChargeDeclinedInsufficientFunds", true, true, true, "authenticated", true, true},
		{"threeDSecureRequiredProcessingError", true, true, true, "processing_error", true, true},
		{"threeDSecureOptionalProcessingError", false, false, false, "processing_error", true, false},
	}
	for _, tt := range tests {
		c := ByPaymentMethod("pm_card_" + tt.name)
		got := []bool{c.ThreeDS.Wanted(false, false), c.ThreeDS.Wanted(true, false), c.ThreeDS.Wanted(true, true), c.ThreeDS.Supported(), c.ChargeDecline(true) != nil}
		want := []bool{tt.on, tt.off, tt.offSetUp, tt.supported, tt.declineAfter}
		if !reflect.DeepEqual(got, want) || c.ThreeDS.Result() != tt.result || c.ChargeDecline(false) != nil {
			t.Errorf("%s: %v %s, want %v %s", tt.name, got, c.ThreeDS.Result(), want, tt.result)
		}
	}
}

func TestIdentify(t *testing.T) {
	tests := []struct{ number, brand, display, legacy string }{
		{"4111111111111111", "visa", "visa", "Visa"},
		{"4222222222222", "visa", "visa", "Visa"},
		{"5105105105105100", "mastercard", "mastercard", "MasterCard"},
		{"2720990000000007", "mastercard", "mastercard", "MasterCard"},
		{"6759649826438453", "mastercard", "mastercard", "MasterCard"},
		{"343434343434343", "amex", "american_express", "American Express"},
		{"6011601160116611", "discover", "discover", "Discover"},
		{"30569309025904", "diners", "diners_club", "Diners Club"},
		{"38520000023237", "diners", "diners_club", "Diners Club"},
		{"3528000700000000", "jcb", "jcb", "JCB"},
		{"6216828050000000001", "unionpay", "union_pay", "UnionPay"},
		{"9999999999999995", "unknown", "other", "Unknown"},
	}
	for _, tt := range tests {
		c := Identify(tt.number)
		if c == nil {
			t.Errorf("%s is not valid (brand %s, Luhn %v)", tt.number, Brand(tt.number), Luhn(tt.number))
			continue
		}
		if c.Brand != tt.brand || c.DisplayBrand() != tt.display || LegacyBrand(c.Brand) != tt.legacy || c.Last4() != tt.number[len(tt.number)-4:] {
			t.Errorf("%s: %+v", tt.number, c)
		}
		if c.Country == "" || c.Funding == "" || len(c.Networks) != 1 {
			t.Errorf("%s: %+v", tt.number, c)
		}
	}
	for _, number := range []string{"", "4", "0", "4242424242424241", "42424242424242", "4242 4242 4242 4242", "424242424242424２", "378282246310006", "-4242424242424242"} {
		if Identify(number) != nil || CheckNumber(number) == nil {
			t.Errorf("%q passes for a card number", number)
		}
	}
	if Clean(" 4242-4242 4242 4242") != "4242424242424242" || CheckNumber("4242424242424242") != nil {
		t.Error("clean")
	}
	if e := CheckNumber("4242424242424241"); e.Code != "incorrect_number" || e.Param != "number" || e.Message != "Your card number is incorrect." || e.Status != 402 {
		t.Errorf("%+v", e)
	}
}

func TestCheckCVC(t *testing.T) {
	for _, tt := range []struct {
		brand, cvc string
		ok         bool
	}{
		{"visa", "123", true}, {"visa", "99", false}, {"visa", "1234", false}, {"visa", "12a", false}, {"visa", "+12", false}, {"visa", "", true},
		{"amex", "1234", true}, {"amex", "123", true}, {"amex", "12345", false}, {"unknown", "1234", true},
	} {
		if e := CheckCVC(tt.brand, tt.cvc); (e == nil) != tt.ok {
			t.Errorf("%s %s: %v", tt.brand, tt.cvc, e)
		}
	}
	if CVCLength("amex") != 4 || CVCLength("visa") != 3 {
		t.Error("length")
	}
}

func TestExpiry(t *testing.T) {
	now := time.Date(2026, 9, 30, 23, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		month, year int
		code        string
	}{
		{9, 2026, ""}, {12, 2034, ""}, {9, 2076, ""}, {13, 2030, "invalid_expiry_month"}, {0, 2030, "invalid_expiry_month"}, {8, 2026, "invalid_expiry_month"},
		{9, 2025, "invalid_expiry_year"}, {9, 2077, "invalid_expiry_year"}, {1, FullYear(95, now), "invalid_expiry_year"}, {1, FullYear(34, now), ""},
	} {
		e := CheckExpiry(tt.month, tt.year, now)
		if tt.code == "" && e != nil || tt.code != "" && (e == nil || e.Code != tt.code) {
			t.Errorf("%d/%d: %v, want %s", tt.month, tt.year, e, tt.code)
		}
	}
	if y := FullYear(2030, now); y != 2030 {
		t.Error(y)
	}
	if m, y := Expiry(now); m != 9 || y != 2027 {
		t.Errorf("%d/%d", m, y)
	}
}

func BenchmarkByPaymentMethod(b *testing.B) {
	for b.Loop() {
		ByPaymentMethod("pm_card_visa")
	}
}
