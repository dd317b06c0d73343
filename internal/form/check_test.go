package form

import (
	"fmt"
	"strings"
	"testing"

	"florin/internal/fault"
	"florin/internal/spec"
)

func checkForm(t testing.TB, route, body string) (*Value, *fault.Error) {
	t.Helper()
	op := spec.Lookup(route)
	if op == nil {
		t.Fatalf("no operation %s", route)
	}
	raw, err := Parse(urlencoded, "", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return Check(op, raw)
}

// TestRefusals holds the words of facts 05a and 05b.
func TestRefusals(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct{ route, body, code, param, message string }{
		// unknown parameters come first, all of them
		{"POST /v1/customers", "foo=1", "parameter_unknown", "foo", "Received unknown parameter: foo"},
		{"POST /v1/customers", "foo=1&balance=x&address[bar][z]=1&baz=", "parameter_unknown", "foo",
			"Received unknown parameters: foo, address[bar], baz"},
		{"POST /v1/subscriptions", "items[0][prize]=x", "parameter_unknown", "items[0][prize]",
			"Received unknown parameter: items[0][prize]"},
		{"POST /v1/payment_intents", "amount=1&currency=usd&payment_method_options[card][x][y]=1", "parameter_unknown",
			"payment_method_options[card][x]", "Received unknown parameter: payment_method_options[card][x]"},
		{"GET /v1/customers", "created[after]=1", "parameter_unknown", "created[after]", "Received unknown parameter: created[after]"},
		// missing
		{"POST /v1/payment_intents", "amount=100", "parameter_missing", "currency", "Missing required param: currency."},
		{"POST /v1/payment_intents", "", "parameter_missing", "amount", "Missing required param: amount."},
		{"POST /v1/products", "active=x", "parameter_missing", "name", "Missing required param: name."},
		{"POST /v1/prices", "currency=usd&recurring[interval_count]=1", "parameter_missing", "recurring[interval]",
			"Missing required param: recurring[interval]."},
		// empty
		{"POST /v1/products", "name=", "parameter_invalid_empty", "name", "You passed an empty string for 'name'. We assume empty values " +
			"are an attempt to unset a parameter; however 'name' cannot be unset. You should remove 'name' from your request or supply a " +
			"non-empty value."},
		{"POST /v1/customers", "expand=", "parameter_invalid_empty", "expand", "You passed an empty string for 'expand'. We assume empty values " +
			"are an attempt to unset a parameter; however 'expand' cannot be unset. You should remove 'expand' from your request or supply a " +
			"non-empty value."},
		// integers
		{"POST /v1/customers", "balance=abc", "parameter_invalid_integer", "balance", "Invalid integer: abc"},
		{"POST /v1/customers", "balance=1.5", "parameter_invalid_integer", "balance", "Invalid integer: 1.5"},
		{"POST /v1/customers", "balance=99999999999999999999", "parameter_invalid_integer", "balance", "Invalid integer: 99999999999999999999"},
		{"GET /v1/customers", "limit=x", "parameter_invalid_integer", "limit", "Invalid integer: x"},
		{"GET /v1/customers", "created[gt]=x", "parameter_invalid_integer", "created[gt]", "Invalid integer: x"},
		{"GET /v1/customers", "created=x", "parameter_invalid_integer", "created", "Invalid integer: x"},
		{"POST /v1/prices", "currency=usd&unit_amount=-1", "", "unit_amount", "Invalid non-negative integer"},
		// booleans and decimals
		{"POST /v1/products", "name=a&active=yes", "", "active", "Invalid boolean: yes"},
		{"POST /v1/products", "name=a&active=1", "", "active", "Invalid boolean: 1"},
		{"POST /v1/prices", "currency=usd&unit_amount_decimal=x", "", "unit_amount_decimal", "Invalid decimal: x"},
		{"POST /v1/prices", "currency=usd&unit_amount_decimal=1.5000000000001", "", "unit_amount_decimal",
			"Invalid decimal: 0.15000000000001e1; must contain at most 12 decimal places."},
		{"POST /v1/prices", "currency=usd&unit_amount_decimal=-1.5", "", "unit_amount_decimal",
			"This value must be greater than or equal to 0 (it currently is '-0.15e1')."},
		{"POST /v1/coupons", "percent_off=x", "", "percent_off", "Invalid decimal: x"},
		// shapes
		{"POST /v1/customers", "address=x", "", "address", "Invalid object"},
		{"POST /v1/customers", "metadata=x", "", "metadata", "Invalid object"},
		{"POST /v1/products", "name=a&images=x", "", "images", "Invalid array"},
		{"POST /v1/products", "name=a&images[a]=x", "", "images", "Invalid array"},
		{"POST /v1/customers", "expand=x", "", "expand", "Invalid array"},
		{"POST /v1/customers", "name[]=wrong&name[]=type&name[]=array", "", "name", `Invalid string: {"0":"wrong","1":"type","2":"array"}`},
		{"POST /v1/customers", "name[a]=b", "", "name", `Invalid string: {"a":"b"}`},
		// enums
		{"POST /v1/prices", "currency=usd&recurring[interval]=eon", "", "recurring[interval]",
			"Invalid recurring[interval]: must be one of month, year, week, or day"},
		{"POST /v1/customers", "tax_exempt=x", "", "tax_exempt", "Invalid tax_exempt: must be one of none, reverse, or exempt"},
		{"POST /v1/prices", "currency=usd&recurring[interval]=day&recurring[usage_type]=x", "", "recurring[usage_type]",
			"Invalid recurring[usage_type]: must be one of metered or licensed"},
		{"POST /v1/prices", "currency=usd&tax_behavior=x", "", "tax_behavior",
			"Invalid tax_behavior: must be one of inclusive, exclusive, or unspecified"},
		{"GET /v1/prices", "type=x", "", "type", "Invalid type: must be one of one_time or recurring"},
		{"POST /v1/payment_intents", "amount=1&currency=usd&off_session=x", "", "off_session",
			"Invalid off_session: must be one of one_off or recurring"},
		// lengths
		{"POST /v1/customers", "description=abcd" + long(4993) + "wxyz", "", "description",
			"Invalid string: abcd...wxyz; must be at most 5000 characters"},
		{"POST /v1/customers", "phone=123456789012345678901", "", "phone",
			"Invalid string length: 123456789012345678901 must be at most 20 characters"},
		{"POST /v1/products", "name=a&unit_label=1234567890123", "", "unit_label",
			"Invalid string length: 1234567890123 must be at most 12 characters"},
		{"POST /v1/products", "name=a&statement_descriptor=" + long(23), "", "statement_descriptor",
			"The statement descriptor must be at most 22 characters. " + long(23) + " is 23 characters long."},
		{"POST /v1/products", "name=a" + strings.Repeat("&images[]=x", 9), "", "images", "Array images exceeded maximum 8 allowed elements."},
		// words
		{"POST /v1/customers", "email=foo", "email_invalid", "email", "Invalid email address: foo"},
		{"POST /v1/customers", "preferred_locales[]=!", "", "preferred_locales[0]", "Not a valid language, try using an IETF language tag, " +
			"such as 'en-US'. For more information, check https://tools.ietf.org/html/rfc5646"},
		{"POST /v1/prices", "currency=usd&currency_options[EUR][unit_amount]=1", "", "currency_options",
			"Currencies must be lowercase when used as keys in a map. Use `eur` instead of `EUR`."},
		// metadata
		{"POST /v1/customers", "metadata[" + long(41) + "]=1", "", "", "Metadata keys can have up to 40 characters, but you passed in a key " +
			"that is 41 characters. Invalid key: " + long(41)},
		{"POST /v1/customers", "metadata[a]=" + long(501), "", "", "Metadata values can have up to 500 characters, but you passed in a value " +
			"that is 501 characters. Invalid value: " + long(501)},
		{"POST /v1/customers", manyKeys(51), "", "", "Metadata can have up to 50 keys, but you've set 51."},
	} {
		_, err := checkForm(t, c.route, c.body)
		if err == nil {
			t.Errorf("%s %.80s is taken", c.route, c.body)
			continue
		}
		if err.Status != 400 || err.Type != fault.Request || err.Code != c.code || err.Param != c.param || err.Message != c.message {
			t.Errorf("%s %.80s\n got %q %q %s\nwant %q %q %s", c.route, c.body, err.Code, err.Param, err.Message, c.code, c.param, c.message)
		}
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "metadata[k%d]=v&", i)
	}
	return b.String()
}

func TestUnknownCurrency(t *testing.T) {
	_, err := checkForm(t, "POST /v1/payment_intents", "amount=1&currency=zzz")
	if err == nil || err.Param != "currency" || err.Code != "" ||
		!strings.HasPrefix(err.Message, "Invalid currency: zzz. Stripe currently supports these currencies: usd, aed, afn, all,") ||
		!strings.HasSuffix(err.Message, ", zmw, usdc, btn, ghs, eek, lvl, svc, vef, ltl, sll, mro") {
		t.Errorf("got %v", err)
	}
	_, err = checkForm(t, "POST /v1/prices", "currency=usd&currency_options[zzz][unit_amount]=1")
	if err == nil || !strings.HasSuffix(err.Message, "usdc, eurc, usdt, open_usd, btn, ghs, eek, lvl, svc, vef, ltl, sll, mro.") {
		t.Errorf("got %v", err)
	}
}

// TestAccepts shows what comes out of what Stripe's clients send.
func TestAccepts(t *testing.T) {
	v, err := checkForm(t, "POST /v1/payment_intents", "amount=2000&currency=USD&automatic_payment_methods[enabled]=true&confirm=false&"+
		"metadata[order]=6735&metadata[gone]=&metadata[0]=x&expand[]=customer&expand[1]=latest_charge&payment_method_types[]=card&"+
		"off_session=one_off&payment_method_options[card][setup_future_usage]=&receipt_email=a@b.co&description=a+b")
	if err != nil {
		t.Fatal(err)
	}
	if v.Num("amount") != 2000 || v.Str("currency") != "usd" || !v.Get("automatic_payment_methods").True("enabled") || v.True("confirm") {
		t.Errorf("got %s", v.shown())
	}
	m := v.Get("metadata")
	if m.Str("order") != "6735" || m.Given("gone") || !m.Has("gone") || m.Str("0") != "x" {
		t.Errorf("metadata is %s", m.shown())
	}
	if x := v.Strings("expand"); len(x) != 2 || x[1] != "latest_charge" {
		t.Errorf("expand is %v", x)
	}
	if o := v.At("payment_method_options", "card", "setup_future_usage"); o.Kind != Unset {
		t.Errorf("setup_future_usage is %+v", o)
	}
	for _, c := range []struct {
		route, body string
		path        string
		kind        Kind
	}{
		{"POST /v1/payment_intents", "amount=1&currency=usd&off_session=true", "off_session", Bool},
		{"POST /v1/subscriptions", "customer=c&trial_end=now", "trial_end", String},
		{"POST /v1/subscriptions", "customer=c&trial_end=1700000000", "trial_end", Int},
		{"POST /v1/subscriptions", "customer=c&items[1][price]=b&items[0][price]=a", "items", Array},
		{"POST /v1/subscriptions", "customer=c&items[][price]=b&items[][price]=a", "items", Array},
		{"GET /v1/customers", "created[gte]=1&created[lt]=2", "created", Object},
		{"GET /v1/customers", "created=1", "created", Int},
		{"GET /v1/customers", "email=not+an+address", "email", String},
		{"POST /v1/customers", "shipping=", "shipping", Unset},
		{"POST /v1/customers", "description=", "description", Unset},
		{"POST /v1/subscriptions", "customer=c&items[0][plan]=p&off_session=True", "off_session", Bool},
		{"POST /v1/products/{id}", "images[0]=", "images", Unset},
		{"POST /v1/customers", "metadata=", "metadata", Unset},
		{"POST /v1/customers", "source=tok_visa", "source", String},
		{"POST /v1/customers", "source[object]=card&source[number]=4242", "source", Object},
		{"POST /v1/tokens", "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=2030", "card", Object},
		{"POST /v1/prices", "currency=jpy&unit_amount_decimal=0.5", "unit_amount_decimal", Decimal},
		{"POST /v1/webhook_endpoints", "url=https://a.b&enabled_events[]=*&api_version=2026-10-28.endive", "enabled_events", Array},
		{"DELETE /v1/customers/{customer}", "expand[]=x", "expand", Array},
		{"POST /v1/payment_intents/{intent}/confirm", "mandate_data[customer_acceptance][type]=online&" +
			"mandate_data[customer_acceptance][online][infer_from_client]=true", "mandate_data", Object},
	} {
		v, err := checkForm(t, c.route, c.body)
		if err != nil {
			t.Errorf("%s %s: %v", c.route, c.body, err)
		} else if got := v.Get(c.path); got == nil || got.Kind != c.kind {
			t.Errorf("%s %s: %s is %+v", c.route, c.body, c.path, got)
		}
	}
	v, _ = checkForm(t, "POST /v1/subscriptions", "customer=c&items[1][price]=b&items[0][price]=a")
	if items := v.Get("items").Items; len(items) != 2 || items[0].Str("price") != "a" {
		t.Errorf("items are out of order")
	}
}

func TestLimitIsClamped(t *testing.T) {
	for sent, want := range map[string]int64{"0": 1, "-1": 1, "1": 1, "50": 50, "101": 100, "200": 100} {
		v, err := checkForm(t, "GET /v1/customers", "limit="+sent)
		if err != nil || v.Num("limit") != want {
			t.Errorf("limit=%s gives %d, %v", sent, v.Num("limit"), err)
		}
	}
}

func TestPublishable(t *testing.T) {
	body := "key=pk_test_1&_stripe_account=acct_1&_stripe_version=2020-08-27&payment_method_data[type]=card&payment_method_data[guid]=a&" +
		"payment_method_data[card][number]=4242&payment_method_data[client_attribution_metadata][client_session_id]=x&" +
		"expected_payment_method_type=card&use_stripe_sdk=true&radar_options[hcaptcha_token]=x&client_secret=s&" +
		"payment_method_data[card][exp_month]=1&payment_method_data[card][exp_year]=2030"
	op := spec.Lookup("POST /v1/payment_intents/{intent}/confirm")
	raw, _ := Parse(urlencoded, "", []byte(body))
	if k := StripKeyParams(raw); k != (KeyParams{"pk_test_1", "acct_1", "2020-08-27"}) || raw.Has("key") {
		t.Errorf("key parameters are %+v", k)
	}
	v, err := CheckPublishable(op, raw)
	if err != nil {
		t.Fatal(err)
	}
	if v.Has("expected_payment_method_type") || v.Get("payment_method_data").Has("guid") || !v.Has("use_stripe_sdk") {
		t.Errorf("got %s", v.shown())
	}
	// A secret key has no such licence.
	raw, _ = Parse(urlencoded, "", []byte("payment_method_data[type]=card&payment_method_data[guid]=a&nope=1"))
	if _, err := Check(op, raw); err == nil || err.Message != "Received unknown parameters: payment_method_data[guid], nope" {
		t.Errorf("got %v", err)
	}
	raw, _ = Parse(urlencoded, "", []byte("payment_method_data[type]=card&payment_method_data[guid]=a&nope=1"))
	if _, err := CheckPublishable(op, raw); err == nil || err.Message != "Received unknown parameter: nope" {
		t.Errorf("got %v", err)
	}
}

// TestRequiredOfEveryOperation shows that the validator understands every type of the spec.
func TestRequiredOfEveryOperation(t *testing.T) {
	for _, op := range spec.Operations() {
		for _, p := range op.Params() {
			for _, sent := range []string{"", "=x", "[]=x", "[0][a]=x", "[a]=1", "[a][b]=1"} {
				raw, err := Parse(urlencoded, "", []byte(p.Name+sent))
				if err != nil {
					t.Fatal(err)
				}
				_, err = Check(op, raw)
				refusalIsClean(t, err)
			}
		}
	}
}

// refusalIsClean asserts what every refusal of a request must be.
func refusalIsClean(t *testing.T, err *fault.Error) {
	t.Helper()
	if err != nil && (err.Status != 400 || err.Type != fault.Request || err.Message == "") {
		t.Errorf("an unclean refusal: %+v", err)
	}
}

func FuzzCheck(f *testing.F) {
	ops := spec.Operations()
	for i, op := range ops {
		if op.Method == "POST" && i%7 == 0 {
			f.Add(uint16(i), "metadata[a]=b&expand[]=x&amount=1&currency=usd", false)
		}
	}
	f.Add(uint16(0), "a[b][]=1&a[][c]=%41&created[gt]=1&limit=1000", true)
	f.Fuzz(func(t *testing.T, i uint16, body string, publishable bool) {
		op := ops[int(i)%len(ops)]
		raw, err := Parse(urlencoded, "", []byte(body))
		if err != nil {
			return
		}
		if publishable {
			StripKeyParams(raw)
			_, err = CheckPublishable(op, raw)
		} else {
			_, err = Check(op, raw)
		}
		refusalIsClean(t, err)
		if raw, err = ParseJSON([]byte(body)); err == nil {
			_, err = Check(op, raw)
			refusalIsClean(t, err)
		}
	})
}

var sixParams = []byte("amount=2000&currency=usd&customer=cus_NffrFeUfNV2Hib&payment_method=pm_card_visa&confirm=true&metadata[order_id]=6735")

// BenchmarkWorstCase is the largest request that is taken: all names differ, on one level.
func BenchmarkWorstCase(b *testing.B) {
	var body strings.Builder
	for i := range maxParams {
		fmt.Fprintf(&body, "a%d&", i)
	}
	op := spec.Lookup("POST /v1/payment_intents")
	for b.Loop() {
		raw, err := Parse(urlencoded, "", []byte(body.String()))
		if err != nil {
			b.Fatal(err)
		}
		Check(op, raw)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(urlencoded, "", sixParams); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseAndCheck(b *testing.B) {
	op := spec.Lookup("POST /v1/payment_intents")
	op.Params()
	b.ReportAllocs()
	for b.Loop() {
		raw, err := Parse(urlencoded, "", sixParams)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Check(op, raw); err != nil {
			b.Fatal(err)
		}
	}
}
