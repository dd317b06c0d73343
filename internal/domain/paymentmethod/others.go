package paymentmethod

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
	"florin/internal/spec"
)

// Others has a member for each type that is not a card. One of them is set: what may be known of the account, as the spec's payment_method_<type>
// shows it. Numbers are sealed, and not in it.
type Others struct {
	ACSSDebit        json.RawMessage `json:"acss_debit,omitempty"`
	Affirm           json.RawMessage `json:"affirm,omitempty"`
	AfterpayClearpay json.RawMessage `json:"afterpay_clearpay,omitempty"`
	Alipay           json.RawMessage `json:"alipay,omitempty"`
	Alma             json.RawMessage `json:"alma,omitempty"`
	AmazonPay        json.RawMessage `json:"amazon_pay,omitempty"`
	AUBECSDebit      json.RawMessage `json:"au_becs_debit,omitempty"`
	BACSDebit        json.RawMessage `json:"bacs_debit,omitempty"`
	Bancontact       json.RawMessage `json:"bancontact,omitempty"`
	Billie           json.RawMessage `json:"billie,omitempty"`
	Bizum            json.RawMessage `json:"bizum,omitempty"`
	Blik             json.RawMessage `json:"blik,omitempty"`
	Boleto           json.RawMessage `json:"boleto,omitempty"`
	CardPresent      json.RawMessage `json:"card_present,omitempty"`
	Cashapp          json.RawMessage `json:"cashapp,omitempty"`
	Crypto           json.RawMessage `json:"crypto,omitempty"`
	Custom           json.RawMessage `json:"custom,omitempty"`
	CustomerBalance  json.RawMessage `json:"customer_balance,omitempty"`
	EPS              json.RawMessage `json:"eps,omitempty"`
	FPX              json.RawMessage `json:"fpx,omitempty"`
	Giropay          json.RawMessage `json:"giropay,omitempty"`
	Grabpay          json.RawMessage `json:"grabpay,omitempty"`
	IDEAL            json.RawMessage `json:"ideal,omitempty"`
	InteracPresent   json.RawMessage `json:"interac_present,omitempty"`
	KakaoPay         json.RawMessage `json:"kakao_pay,omitempty"`
	Klarna           json.RawMessage `json:"klarna,omitempty"`
	Konbini          json.RawMessage `json:"konbini,omitempty"`
	KRCard           json.RawMessage `json:"kr_card,omitempty"`
	Link             json.RawMessage `json:"link,omitempty"`
	MBWay            json.RawMessage `json:"mb_way,omitempty"`
	Mobilepay        json.RawMessage `json:"mobilepay,omitempty"`
	Multibanco       json.RawMessage `json:"multibanco,omitempty"`
	NaverPay         json.RawMessage `json:"naver_pay,omitempty"`
	NZBankAccount    json.RawMessage `json:"nz_bank_account,omitempty"`
	Oxxo             json.RawMessage `json:"oxxo,omitempty"`
	P24              json.RawMessage `json:"p24,omitempty"`
	PayByBank        json.RawMessage `json:"pay_by_bank,omitempty"`
	Payco            json.RawMessage `json:"payco,omitempty"`
	Paynow           json.RawMessage `json:"paynow,omitempty"`
	Paypal           json.RawMessage `json:"paypal,omitempty"`
	Payto            json.RawMessage `json:"payto,omitempty"`
	Pix              json.RawMessage `json:"pix,omitempty"`
	Promptpay        json.RawMessage `json:"promptpay,omitempty"`
	RevolutPay       json.RawMessage `json:"revolut_pay,omitempty"`
	SamsungPay       json.RawMessage `json:"samsung_pay,omitempty"`
	Satispay         json.RawMessage `json:"satispay,omitempty"`
	Scalapay         json.RawMessage `json:"scalapay,omitempty"`
	SEPADebit        json.RawMessage `json:"sepa_debit,omitempty"`
	Sofort           json.RawMessage `json:"sofort,omitempty"`
	Sunbit           json.RawMessage `json:"sunbit,omitempty"`
	Swish            json.RawMessage `json:"swish,omitempty"`
	Twint            json.RawMessage `json:"twint,omitempty"`
	UPI              json.RawMessage `json:"upi,omitempty"`
	USBankAccount    json.RawMessage `json:"us_bank_account,omitempty"`
	WechatPay        json.RawMessage `json:"wechat_pay,omitempty"`
	Zip              json.RawMessage `json:"zip,omitempty"`
}

// otherAt is the place of each type in Others.
var otherAt = func() map[string]int {
	at := map[string]int{}
	t := reflect.TypeFor[Others]()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		at[name] = i
	}
	return at
}()

// otherTypes are the types that are not a card, sorted.
func otherTypes() []string {
	var names []string
	for name := range otherAt {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// other is the hash of a type.
func (o *Others) other(typ string) *json.RawMessage {
	i, ok := otherAt[typ]
	if !ok {
		return nil
	}
	return reflect.ValueOf(o).Elem().Field(i).Addr().Interface().(*json.RawMessage)
}

// otherHash names the hash of another type that came with the data; "" if there is none.
func otherHash(data *form.Value, typ string) string {
	for _, f := range data.Fields {
		if _, ok := otherAt[f.Name]; (ok || f.Name == "card") && f.Name != typ && f.Value.Kind != form.Unset {
			return f.Name
		}
	}
	return ""
}

// needed are the types whose hash must be given, as the spec marks members of it as required.
var needed = func() map[string]bool {
	out := map[string]bool{}
	for _, p := range spec.Lookup("POST /v1/payment_methods").Params() {
		for _, f := range p.Fields {
			out[p.Name] = out[p.Name] || f.Required
		}
	}
	out["us_bank_account"] = true
	return out
}()

// takeOther puts the hash of a type other than card into a payment method: what was sent, in the shape that the spec has for answers, with null for
// what nobody knows.
func (d *Domain) takeOther(c *api.Call, pm *PaymentMethod, v *form.Value, param string) error {
	dst := pm.other(pm.Type)
	if dst == nil {
		return fault.NotYet("payment methods of type "+pm.Type, param)
	}
	if v == nil && needed[pm.Type] {
		return fault.Missing(param)
	}
	known := map[string]string{} // as JSON
	number := ""
	if f := readers[pm.Type]; f != nil {
		r := &reader{v: v, param: param, known: known}
		f(r)
		if r.refusal != nil {
			return r.refusal
		}
		number = r.number
	}
	if number != "" {
		known["last4"] = quote(number[max(0, len(number)-4):])
		known["fingerprint"] = quote(d.vault.Fingerprint(accountOf(c), pm.Type+":"+number))
		pm.Private.Sealed = d.seal(pm.ID, number)
	}
	*dst = shape(pm.Type, v, known)
	return nil
}

// shape is the hash of a type as answers show it: each member that the spec has, in its order, with what is known, or what was sent, or null.
// What is known beyond the spec (recorded: boleto.fingerprint, fpx.account_holder_type) is shown, too.
func shape(typ string, v *form.Value, known map[string]string) json.RawMessage {
	members := map[string]string{}
	for name, value := range known {
		members[name] = value
	}
	if s := spec.SchemaOf(hashSchema(typ)); s != nil {
		for _, p := range s.Properties() {
			if _, ok := members[p.Name]; ok {
				continue
			}
			switch sent := v.Get(p.Name); {
			case sent != nil && sent.Kind != form.Unset:
				members[p.Name] = string(api.AppendValue(nil, sent))
			case p.Nullable:
				members[p.Name] = "null"
			}
		}
		for name := range members {
			if s.Property(name) == nil && !beyond[typ+"."+name] {
				delete(members, name)
			}
		}
	}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	out := []byte{'{'}
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(jsontext.AppendString(out, name), ':'), members[name]...)
	}
	return append(out, '}')
}

// beyond are members that are recorded and that the spec lacks.
var beyond = map[string]bool{"boleto.fingerprint": true, "fpx.account_holder_type": true}

// hashSchema is the name of the schema of a type's hash.
func hashSchema(typ string) string {
	p := spec.SchemaOf("payment_method").Property(typ)
	if p == nil || len(p.Refs) == 0 {
		return ""
	}
	return p.Refs[0]
}

// updateOther changes members of a type's hash: of a US account, what kind it is and whose.
func (pm *PaymentMethod) updateOther(v *form.Value) error {
	dst := pm.other(pm.Type)
	if dst == nil {
		return nil
	}
	known := map[string]string{}
	jsontext.Members(*dst, func(name string, value []byte) bool {
		known[name] = string(value)
		return true
	})
	for _, f := range v.Fields {
		if _, ok := known[f.Name]; ok {
			known[f.Name] = string(api.AppendValue(nil, f.Value))
		}
	}
	*dst = shape(pm.Type, nil, known)
	return nil
}

// A reader takes a type's hash apart: number is what identifies the account and is sealed, known is what answers show.
type reader struct {
	v       *form.Value
	param   string
	known   map[string]string
	number  string
	refusal *fault.Error
}

// digits is a member that must be so many digits; blanks and hyphens are left out. unverified: Stripe's own checks and words.
func (r *reader) digits(name, what, code string, least, most int) string {
	s := strings.NewReplacer(" ", "", "-", "").Replace(r.v.Str(name))
	ok := len(s) >= least && len(s) <= most
	for i := range len(s) {
		ok = ok && '0' <= s[i] && s[i] <= '9'
	}
	if !ok && r.refusal == nil {
		r.refusal = fault.InvalidBankNumber(code, within(r.param, name), what)
	}
	return s
}

func (r *reader) show(name, value string) { r.known[name] = quote(value) }

func quote(s string) string { return string(jsontext.AppendString(nil, s)) }

const testBank = "STRIPE TEST BANK"

// readers are the types that know more than they were told, or that must not show it. Recorded: acss_debit, boleto, fpx, ideal, sepa_debit,
// us_bank_account. unverified: the others.
var readers = map[string]func(*reader){
	"acss_debit": func(r *reader) {
		r.show("institution_number", r.digits("institution_number", "institution number", "institution_number_invalid", 3, 3))
		r.show("transit_number", r.digits("transit_number", "transit number", "transit_number_invalid", 5, 5))
		r.number = r.digits("account_number", "account number", "account_number_invalid", 5, 17)
		r.show("bank_name", testBank)
	},
	"au_becs_debit": func(r *reader) {
		r.show("bsb_number", r.digits("bsb_number", "BSB number", "bsb_number_invalid", 6, 6))
		r.number = r.digits("account_number", "account number", "account_number_invalid", 5, 9)
	},
	"bacs_debit": func(r *reader) {
		if !r.v.Given("account_number") && !r.v.Given("sort_code") {
			return
		}
		r.show("sort_code", r.digits("sort_code", "sort code", "sort_code_invalid", 6, 6))
		r.number = r.digits("account_number", "account number", "account_number_invalid", 8, 8)
	},
	"boleto": func(r *reader) {
		r.show("tax_id", r.v.Str("tax_id"))
		r.number = strings.NewReplacer(".", "", "-", "", "/", "").Replace(r.v.Str("tax_id"))
	},
	"fpx":       func(r *reader) { r.show("account_holder_type", "individual") },
	"ideal":     func(r *reader) { r.showKnown("bic", bics[r.v.Str("bank")]) },
	"naver_pay": func(r *reader) { r.showDefault("funding", "card") },
	"nz_bank_account": func(r *reader) {
		r.show("bank_code", r.digits("bank_code", "bank code", "bank_code_invalid", 2, 2))
		r.show("branch_code", r.digits("branch_code", "branch code", "branch_code_invalid", 4, 4))
		r.show("suffix", r.digits("suffix", "suffix", "suffix_invalid", 2, 3))
		r.number = r.digits("account_number", "account number", "account_number_invalid", 7, 7)
		r.show("bank_name", testBank)
	},
	"payto": func(r *reader) {
		if r.v.Given("account_number") {
			r.number = r.digits("account_number", "account number", "account_number_invalid", 5, 9)
		}
	},
	"sepa_debit": func(r *reader) {
		iban := strings.ToUpper(strings.ReplaceAll(r.v.Str("iban"), " ", ""))
		if !validIBAN(iban) {
			r.refusal = fault.InvalidIBAN(within(r.param, "iban"))
			return
		}
		r.number = iban
		at := ibanParts[iban[:2]]
		r.show("bank_code", iban[4+at[0]:4+at[0]+at[1]])
		r.show("branch_code", iban[4+at[0]+at[1]:4+at[0]+at[1]+at[2]])
		r.show("country", iban[:2])
		r.known["generated_from"] = `{"charge":null,"setup_attempt":null}`
	},
	"us_bank_account": func(r *reader) {
		r.known["networks"] = `{"preferred":"ach","supported":["ach"]}`
		r.known["status_details"] = `{}`
		r.showDefault("account_type", "checking")
		r.show("bank_name", testBank)
		if r.v.Given("financial_connections_account") {
			r.refusal = fault.NotYet("payment methods of Financial Connections", within(r.param, "financial_connections_account"))
			return
		}
		for _, name := range []string{"account_number", "routing_number"} {
			if !r.v.Given(name) {
				r.refusal = fault.Missing(within(r.param, name))
				return
			}
		}
		r.show("routing_number", r.digits("routing_number", "routing number", "routing_number_invalid", 9, 9))
		if n := r.v.Str("routing_number"); r.refusal == nil && !paymethod.ValidRouting(n) {
			r.refusal = fault.InvalidBankNumber("routing_number_invalid", within(r.param, "routing_number"), "routing number")
			return
		}
		r.number = r.digits("account_number", "account number", "account_number_invalid", 4, 17)
	},
}

func (r *reader) showKnown(name, value string) {
	if value != "" {
		r.show(name, value)
	}
}

func (r *reader) showDefault(name, value string) {
	if !r.v.Given(name) {
		r.show(name, value)
	}
}

// bics are the BICs of the Dutch banks. Recorded: abn_amro; the others pair the spec's two lists. unverified.
var bics = map[string]string{
	"abn_amro": "ABNANL2A", "adyen": "ADYBNL2A", "asn_bank": "ASNBNL21", "bunq": "BUNQNL2A", "buut": "BUUTNL2A", "finom": "FNOMNL22",
	"handelsbanken": "HANDNL2A", "ing": "INGBNL2A", "knab": "KNABNL2H", "mollie": "MLLENL2A", "moneyou": "MOYONL21", "n26": "NTSBDEB1",
	"nn": "NNBANL2G", "rabobank": "RABONL2U", "regiobank": "RBRBNL21", "revolut": "REVOLT21", "sns_bank": "SNSBNL2A", "triodos_bank": "TRIONL2U",
	"van_lanschot": "FVLBNL22", "yoursafe": "BITSNL2A",
}

// ibanParts are, for a country, the number of characters of an IBAN's national part that come before the bank's code, and those of the code of the
// bank and of the branch. Recorded: BE, FI, FR. unverified: the others, from the IBAN registry.
var ibanParts = map[string][3]int{
	"AT": {0, 5, 0}, "BE": {0, 3, 0}, "BG": {0, 4, 4}, "CH": {0, 5, 0}, "CY": {0, 3, 5}, "CZ": {0, 4, 0}, "DE": {0, 8, 0}, "DK": {0, 4, 0}, "EE": {0, 2, 0},
	"ES": {0, 4, 4}, "FI": {0, 6, 0}, "FR": {0, 5, 5}, "GB": {0, 4, 6}, "GI": {0, 4, 0}, "GR": {0, 3, 4}, "HR": {0, 7, 0}, "HU": {0, 3, 4}, "IE": {0, 4, 6},
	"IS": {0, 4, 0}, "IT": {1, 5, 5}, "LI": {0, 5, 0}, "LT": {0, 5, 0}, "LU": {0, 3, 0}, "LV": {0, 4, 0}, "MC": {0, 5, 5}, "MT": {0, 4, 5}, "NL": {0, 4, 0},
	"NO": {0, 4, 0}, "PL": {0, 3, 4}, "PT": {0, 4, 4}, "RO": {0, 4, 0}, "SE": {0, 3, 0}, "SI": {0, 2, 3}, "SK": {0, 4, 0}, "SM": {1, 5, 5},
}

// validIBAN says whether an IBAN has right check digits (ISO 13616: what it spells, turned by four, leaves 1 when divided by 97).
func validIBAN(s string) bool {
	if len(s) < 15 || len(s) > 34 {
		return false
	}
	rest := 0
	for i := range len(s) {
		switch c := s[(i+4)%len(s)]; {
		case '0' <= c && c <= '9':
			rest = (rest*10 + int(c-'0')) % 97
		case 'A' <= c && c <= 'Z':
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}
