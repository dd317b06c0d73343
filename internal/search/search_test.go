package search

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"florin/internal/fault"
)

// docs are documents as they are stored, a few of each resource.
var docs = map[string][]string{
	"charges": {
		`{"id":"ch_full","object":"charge","amount":1000,"amount_refunded":1000,"billing_details":{"address":{"postal_code":"94107"}},"created":100,"currency":"usd","customer":"cus_A","disputed":false,"metadata":{"order":"6735","a.b":"dotted","quo\"te":"Ünï \"x\""},"payment_method_details":{"card":{"brand":"visa","exp_month":8,"exp_year":2030,"fingerprint":"Xt5EWLLDS7FJjR1c","last4":"4242"},"type":"card"},"refunded":true,"status":"succeeded"}`,
		`{"id":"ch_part","object":"charge","amount":2000,"amount_refunded":500,"billing_details":{"address":{"postal_code":null}},"created":200,"currency":"eur","customer":null,"disputed":true,"metadata":{},"payment_method_details":{"card_present":{"brand":"mastercard","exp_month":12,"exp_year":2031,"fingerprint":"f2","last4":"0341"},"type":"card_present"},"refunded":false,"status":"succeeded"}`,
		`{"id":"ch_none","object":"charge","amount":3000,"amount_refunded":0,"billing_details":{"address":null},"created":300,"currency":"cad","customer":"cus_B","disputed":false,"metadata":{"order":""},"payment_method_details":{"interac_present":{"brand":"interac","exp_month":1,"exp_year":2029,"fingerprint":"f3","last4":"1234"},"type":"interac_present"},"refunded":false,"status":"failed"}`,
	},
	"customers": {
		`{"id":"cus_1","created":10,"email":"Amy@RocketRides.io","metadata":{"order":"1"},"name":"One Two Three","phone":"+1 555 0100"}`,
		`{"id":"cus_2","created":20,"email":null,"metadata":{},"name":"one two three four","phone":"5551234"}`,
		`{"id":"cus_3","created":30,"email":"x@y.z","metadata":{},"name":"ÉTÉ three two one","phone":null}`,
	},
	"invoices": {
		`{"id":"in_1","created":10,"currency":"usd","customer":"cus_1","last_finalization_error":{"code":"tax_id_invalid","type":"invalid_request_error"},"metadata":{},"number":"ABC-0001","parent":{"subscription_details":{"subscription":"sub_1"},"type":"subscription_details"},"receipt_number":null,"status":"draft","total":-50}`,
		`{"id":"in_2","created":20,"currency":"usd","customer":"cus_2","last_finalization_error":null,"metadata":{},"number":null,"parent":null,"receipt_number":"2-2","status":"paid","total":1500}`,
	},
	"payment_intents": {
		`{"id":"pi_1","amount":100,"created":10,"currency":"usd","customer":"cus_1","metadata":{"k":"null"},"status":"succeeded"}`,
		`{"id":"pi_2","amount":200,"created":20,"currency":"jpy","customer":null,"metadata":{},"status":"canceled"}`,
	},
	"prices": {
		`{"id":"price_1","active":true,"currency":"usd","lookup_key":"standard monthly","metadata":{},"product":"prod_1","type":"recurring"}`,
		`{"id":"price_2","active":false,"currency":"usd","lookup_key":null,"metadata":{},"product":"prod_2","type":"one_time"}`,
	},
	"products": {
		`{"id":"prod_1","active":true,"description":"the story called \"The Sky and the Sea.\"","metadata":{},"name":"Book","shippable":true,"url":null}`,
		`{"id":"prod_2","active":false,"description":null,"metadata":{},"name":"Gold plan","shippable":null,"url":"https://example.com/gold"}`,
	},
	"subscriptions": {
		`{"id":"sub_1","canceled_at":null,"created":10,"metadata":{"tier":"gold"},"status":"active"}`,
		`{"id":"sub_2","canceled_at":500,"created":20,"metadata":{},"status":"canceled"}`,
	},
}

func TestMatch(t *testing.T) {
	for _, test := range []struct{ resource, query, want string }{
		// Numbers.
		{"charges", `amount:1000`, "ch_full"},
		{"charges", `amount=1000`, "ch_full"},
		{"charges", `amount:"1000"`, "ch_full"},
		{"charges", `amount>1000`, "ch_part ch_none"},
		{"charges", `amount>=2000 amount<='2000'`, "ch_part"},
		{"charges", `-amount<2000`, "ch_part ch_none"},
		{"charges", `created>100 created<300`, "ch_part"},
		{"invoices", `total<0`, "in_1"},
		{"invoices", `total:-50`, "in_1"},
		{"subscriptions", `canceled_at>0`, "sub_2"},
		{"subscriptions", `-canceled_at>0`, "sub_1"},
		{"subscriptions", `canceled_at:null`, "sub_1"},

		// Tokens.
		{"charges", `currency:"EUR"`, "ch_part"},
		{"charges", `currency:"eu"`, ""},
		{"charges", `-currency:"usd"`, "ch_part ch_none"},
		{"charges", `customer:'cus_A'`, "ch_full"},
		{"charges", `-customer:"cus_A"`, "ch_part ch_none"},
		{"charges", `customer:null`, "ch_part"},
		{"charges", `-customer:NULL`, "ch_full ch_none"},
		{"charges", `billing_details.address.postal_code:"94107"`, "ch_full"},
		{"charges", `billing_details.address.postal_code:null`, "ch_part ch_none"},
		{"charges", `payment_method_details.card.last4:4242`, "ch_full"},
		{"charges", `payment_method_details.card.exp_month:8 payment_method_details.card.exp_year:"2030"`, "ch_full"},
		{"charges", `payment_method_details.card.fingerprint:"xt5ewllds7fjjr1c"`, "ch_full"},
		{"charges", `payment_method_details.card_present.last4:0341`, "ch_part"},
		{"charges", `payment_method_details.card_present.brand:"MasterCard"`, "ch_part"},
		{"charges", `payment_method_details.interac_present.last4:"1234"`, "ch_none"},
		{"charges", `-payment_method_details.interac_present.last4:null`, "ch_none"},
		{"charges", `disputed:"true"`, "ch_part"},
		{"charges", `disputed:"false"`, "ch_full ch_none"},
		{"charges", `refunded:"true"`, "ch_full"},
		{"charges", `refunded:"false"`, "ch_part"},
		{"charges", `refunded:null`, "ch_none"},
		{"charges", `-refunded:null`, "ch_full ch_part"},
		{"charges", `-refunded:"true"`, "ch_part ch_none"},
		{"charges", `status:"succeeded" AND currency:"usd"`, "ch_full"},
		{"invoices", `last_finalization_error_code:"tax_id_invalid"`, "in_1"},
		{"invoices", `last_finalization_error_type:null`, "in_2"},
		{"prices", `active:"true"`, "price_1"},
		{"prices", `type:"one_time"`, "price_2"},
		{"products", `shippable:"true"`, "prod_1"},
		{"products", `shippable:null`, "prod_2"},
		{"products", `active:"FALSE"`, "prod_2"},

		// Metadata.
		{"charges", `metadata["order"]:"6735"`, "ch_full"},
		{"charges", `metadata['order']:'6735'`, "ch_full"},
		{"charges", `metadata["order"]:6735`, "ch_full"},
		{"charges", `metadata["order"]:null`, "ch_part"},
		{"charges", `-metadata["order"]:null`, "ch_full ch_none"},
		{"charges", `metadata["order"]:""`, "ch_none"},
		{"charges", `-metadata["order"]:"6735"`, "ch_part ch_none"},
		{"charges", `metadata["ORDER"]:"6735"`, ""},
		{"charges", `metadata["a.b"]:"Dotted"`, "ch_full"},
		{"charges", `metadata["quo\"te"]:"üNÏ \"x\""`, "ch_full"},
		{"charges", `metadata['quo"te']:'ünï "x"'`, "ch_full"},
		{"payment_intents", `metadata["k"]:"null"`, "pi_1"},
		{"payment_intents", `metadata["k"]:null`, "pi_2"},
		{"subscriptions", `metadata["tier"]:"gold" status:"active"`, "sub_1"},

		// Strings.
		{"customers", `email:"amy@rocketrides.io"`, "cus_1"},
		{"customers", `email:"amy"`, ""},
		{"customers", `email~"AMY"`, "cus_1"},
		{"customers", `-email~"amy"`, "cus_2 cus_3"},
		{"customers", `email:null`, "cus_2"},
		{"customers", `-email:null`, "cus_1 cus_3"},
		{"customers", `name:"one two three"`, "cus_1 cus_2"},
		{"customers", `name:"two three"`, "cus_1 cus_2"},
		{"customers", `name:"three two"`, "cus_3"},
		{"customers", `name:"one three"`, ""},
		{"customers", `name:"one two thr"`, ""},
		{"customers", `name:" one  two "`, "cus_1 cus_2"},
		{"customers", `name:""`, ""},
		{"customers", `name:"été"`, "cus_3"},
		{"customers", `name~"ree fo"`, "cus_2"},
		{"customers", `name~"été"`, "cus_3"},
		{"customers", `phone:"+1 555 0100"`, "cus_1"},
		{"customers", `phone:5551234`, "cus_2"},
		{"invoices", `number:"abc-0001"`, "in_1"},
		{"invoices", `receipt_number:"2-2"`, "in_2"},
		{"invoices", `subscription:"sub_1"`, "in_1"},
		{"invoices", `subscription:null`, "in_2"},
		{"invoices", `status~"raf"`, "in_1"},
		{"prices", `lookup_key:"standard"`, "price_1"},
		{"prices", `product:"prod_2"`, "price_2"},
		{"products", `description:"the story called \"The Sky and the Sea.\""`, "prod_1"},
		{"products", `name~"gold"`, "prod_2"},
		{"products", `url~"example.com"`, "prod_2"},
		{"products", `url:null`, "prod_1"},

		// Joining.
		{"charges", `amount:1000 OR amount:3000`, "ch_full ch_none"},
		{"charges", `amount:1000 or -disputed:"false" Or currency:"xxx"`, "ch_full ch_part"},
		{"charges", "  amount>1000\tand\n amount<3000  ", "ch_part"},
		{"charges", `status:"succeeded" AND amount>1000 refunded:"false"`, "ch_part"},
		{"charges", `currency:"usd or eur"`, ""},
	} {
		q, err := Parse(test.resource, test.query)
		if err != nil {
			t.Errorf("%s: %s: %v", test.resource, test.query, err)
			continue
		}
		var got []string
		for _, doc := range docs[test.resource] {
			if q.Match([]byte(doc)) {
				id, _, _ := strings.Cut(doc[len(`{"id":"`):], `"`)
				got = append(got, id)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %s finds %q, want %q", test.resource, test.query, got, test.want)
		}
	}
}

const unparsable = "We were unable to parse your search query. Try using the format `metadata[\"key\"]:\"value\"` to query for metadata or key:\"value\" to query for other fields."

func TestRefusals(t *testing.T) {
	eleven := strings.TrimSuffix(strings.Repeat(`amount:1 `, 11), " ")
	for _, test := range []struct{ resource, query, want string }{
		{"charges", ``, unparsable},
		{"charges", ` `, unparsable},
		{"charges", `asdf`, unparsable},
		{"charges", `-`, unparsable},
		{"charges", `--amount:1`, unparsable},
		{"charges", `amount`, unparsable},
		{"charges", `amount:`, unparsable},
		{"charges", `amount :1`, unparsable},
		{"charges", `amount: 1`, unparsable},
		{"charges", `amount:one`, unparsable},
		{"charges", `amount:1,000`, unparsable},
		{"charges", `amount:1.`, unparsable},
		{"charges", `amount:+1`, unparsable},
		{"charges", `amount=>1`, unparsable},
		{"charges", `amount!1`, unparsable},
		{"charges", `:"x"`, unparsable},
		{"charges", `status:succeeded`, unparsable},
		{"charges", `status:"succeeded`, unparsable},
		{"charges", `status:"succeeded'`, unparsable},
		{"charges", `status:"succeeded\"`, unparsable},
		{"charges", `status:"succeeded"currency:"usd"`, unparsable},
		{"charges", `status:"succeeded" AND`, unparsable},
		{"charges", `status:"succeeded" AND `, unparsable},
		{"charges", `AND status:"succeeded"`, unparsable},
		{"charges", `status:"succeeded" AND OR currency:"usd"`, unparsable},
		{"charges", `(status:"succeeded")`, unparsable},
		{"charges", `metadata:"x"`, unparsable},
		{"charges", `metadata[order]:"x"`, unparsable},
		{"charges", `metadata["order]:"x"`, unparsable},
		{"charges", `metadata["order":"x"`, unparsable},
		{"charges", `metadata["order"]`, unparsable},
		{"charges", `status["a"]:"x"`, unparsable},
		{"charges", `foo:"bar" status:`, unparsable},

		{"prices", `foo:"bar"`, "Field `foo` is an unsupported search field for resource `prices`. See http://stripe.com/docs/search#query-fields-for-prices for a list of supported fields."},
		{"payment_intents", `amount:1 refunded:"true"`, "Field `refunded` is an unsupported search field for resource `payment_intents`. See http://stripe.com/docs/search#query-fields-for-payment-intents for a list of supported fields."},
		{"charges", `Amount:1`, "Field `Amount` is an unsupported search field for resource `charges`. See http://stripe.com/docs/search#query-fields-for-charges for a list of supported fields."},
		{"payouts", `amount:1`, "Field `amount` is an unsupported search field for resource `payouts`. See http://stripe.com/docs/search#query-fields-for-payouts for a list of supported fields."},

		{"charges", `status~"succ"`, "Field `status` does not support the operator `~`. See http://stripe.com/docs/search#search-query-language for a list of supported operators."},
		{"charges", `status="succ"`, "Field `status` does not support the operator `=`. See http://stripe.com/docs/search#search-query-language for a list of supported operators."},
		{"charges", `metadata["order"]~"succ"`, "Field `metadata` does not support the operator `~`. See http://stripe.com/docs/search#search-query-language for a list of supported operators."},
		{"charges", `metadata["order"]>5`, "Field `metadata` does not support the operator `>`. See http://stripe.com/docs/search#search-query-language for a list of supported operators."},
		{"customers", `name>="a"`, "Field `name` does not support the operator `>=`. See http://stripe.com/docs/search#search-query-language for a list of supported operators."},
		{"customers", `name~null`, "Field `name` does not support the operator `~`. See http://stripe.com/docs/search#search-query-language for a list of supported operators."},
		{"charges", `amount~"100"`, "Field `amount` does not support the operator `~`. See http://stripe.com/docs/search#search-query-language for a list of supported operators."},
		{"charges", `amount<=null`, "Field `amount` does not support the operator `<=`. See http://stripe.com/docs/search#search-query-language for a list of supported operators."},

		{"charges", `amount:"lots"`, "Invalid value `lots` for search field `amount`: must be an integer."},
		{"charges", `amount>10.5`, "Invalid value `10.5` for search field `amount`: must be an integer."},
		{"charges", `amount>9223372036854775808`, "Invalid value `9223372036854775808` for search field `amount`: must be an integer."},

		{"customers", `email~"am"`, "The value of a substring search on field `email` must be at least 3 characters long."},
		{"customers", `email~"éé"`, "The value of a substring search on field `email` must be at least 3 characters long."},

		{"charges", `amount:1 AND amount:2 OR amount:3`, "You cannot use both AND and OR in the same search query."},
		{"charges", `amount:1 OR amount:2 amount:3`, "You cannot use both AND and OR in the same search query."},
		{"charges", eleven, "You can combine up to 10 query clauses in a search."},
	} {
		q, err := Parse(test.resource, test.query)
		if err == nil {
			t.Errorf("%s: %s is understood", test.resource, test.query)
			continue
		}
		if q != nil {
			t.Errorf("%s: %s gives a query and an error", test.resource, test.query)
		}
		if want := fault.Invalid("", test.want); !reflect.DeepEqual(err, want) {
			t.Errorf("%s: %s\ngot  %+v\nwant %+v", test.resource, test.query, err, want)
		}
	}
	if _, err := Parse("charges", strings.TrimSuffix(eleven, ` amount:1`)); err != nil {
		t.Errorf("ten clauses: %v", err)
	}
}

func TestEquals(t *testing.T) {
	for _, test := range []struct {
		resource, query string
		want            []Equal
	}{
		{"charges", `customer:"cus_A" -currency:"usd" status:"Succeeded" amount:5`, []Equal{{Path: "customer", Value: "cus_A"}, {Path: "status", Value: "Succeeded"}}},
		{"charges", `metadata["order"]:"6735" customer:null`, []Equal{{Path: "metadata", Key: "order", Value: "6735"}}},
		{"charges", `refunded:"true" disputed:"true"`, []Equal{{Path: "disputed", Value: "true"}}},
		{"charges", `customer:"a" OR customer:"b"`, nil},
		{"customers", `email:"Amy@rocketrides.io" name:"amy"`, []Equal{{Path: "email", Value: "Amy@rocketrides.io"}}},
		{"customers", `email:"two words"`, nil},
		{"customers", `email:""`, nil},
		{"customers", `email~"amy"`, nil},
		{"invoices", `subscription:"sub_1"`, []Equal{{Path: "parent.subscription_details.subscription", Value: "sub_1"}}},
		{"prices", `active:"true"`, []Equal{{Path: "active", Value: "true"}}},
	} {
		q, err := Parse(test.resource, test.query)
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		if got := q.Equals(); !slices.Equal(got, test.want) {
			t.Errorf("%s: %+v, want %+v", test.query, got, test.want)
		}
	}
}

func TestBounds(t *testing.T) {
	const lowest, highest = math.MinInt64, math.MaxInt64
	for _, test := range []struct {
		query       string
		least, most int64
	}{
		{`amount:1`, lowest, highest},
		{`created:5`, 5, 5},
		{`created=5`, 5, 5},
		{`created>5`, 6, highest},
		{`created>=5 created<"9"`, 5, 8},
		{`created<=9 created>1 created>3`, 4, 9},
		{`created>9 created<5`, 10, 4},
		{`-created>5`, lowest, highest},
		{`created:null`, lowest, highest},
		{`created>5 OR created<3`, lowest, highest},
		{`created>9223372036854775807`, highest, lowest},
		{`created<-9223372036854775808`, highest, lowest},
	} {
		q, err := Parse("charges", test.query)
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		if least, most := q.Bounds(); least != test.least || most != test.most {
			t.Errorf("%s: %d to %d, want %d to %d", test.query, least, most, test.least, test.most)
		}
	}
}

func TestFields(t *testing.T) {
	for resource := range docs {
		list := Fields(resource)
		if !slices.IsSortedFunc(list, func(a, b Field) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("the fields of %s are not in the order of their names", resource)
		}
		for _, f := range list {
			if (f.Path == "") != (f.derive != nil) || f.Word && f.Kind != String {
				t.Errorf("%s: %+v", resource, f)
			}
		}
	}
	if len(fields) != len(docs) || Fields("payouts") != nil {
		t.Errorf("%d resources, want %d", len(fields), len(docs))
	}
}

// FuzzParse holds Parse to its word that every refusal is a 400 without code and param, and a query that is understood to its own hints.
func FuzzParse(f *testing.F) {
	for _, query := range []string{
		`status:"succeeded" AND -currency:"jpy" amount>=1000`, `name~"smith" OR metadata["order"]:"6735"`, `-metadata['order']:null`,
		`created>100 created<=200`, `email:"Amy@RocketRides.io"`, `refunded:"false"`, `amount:-1`, `a:"\"\\"`, `metadata["`, `-`, `created>9223372036854775807`,
	} {
		for resource := range docs {
			f.Add(resource, query, []byte(docs[resource][0]))
		}
	}
	f.Fuzz(func(t *testing.T, resource, query string, body []byte) {
		q, err := Parse(resource, query)
		if err != nil {
			if want := fault.Invalid("", err.Message); q != nil || err.Message == "" || !reflect.DeepEqual(err, want) {
				t.Errorf("%+v", err)
			}
			return
		}
		q.Match(body)
		least, most := q.Bounds()
		for _, doc := range docs[resource] {
			if !q.Match([]byte(doc)) {
				continue
			}
			for _, e := range q.Equals() {
				c := clause{field: Field{Path: e.Path}, fold: Fold(e.Value)}
				if e.Path != metadata && !c.match([]byte(doc)) {
					t.Errorf("%q finds %s, which its Equals %+v pass by", query, doc, e)
				}
			}
			if bounds, err := Parse(resource, "created>="+strconv.FormatInt(least, 10)+" created<="+strconv.FormatInt(most, 10)); err == nil && !bounds.Match([]byte(doc)) {
				t.Errorf("%q finds %s, which its Bounds %d to %d pass by", query, doc, least, most)
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	q, err := Parse("charges", `metadata["order"]:"6735" status:"succeeded" amount>=1000`)
	if err != nil {
		b.Fatal(err)
	}
	doc := []byte(docs["charges"][0])
	b.ReportAllocs()
	for b.Loop() {
		q.Match(doc)
	}
}
