package version

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/spec"
)

// stock is a Reader of what a test has put in it.
type stock map[string]string

func (s stock) Get(id string) ([]byte, error) {
	if v, ok := s[id]; ok {
		return []byte(v), nil
	}
	return nil, nil
}

func (s stock) Named(kind, id string) ([]byte, error) { return s.Get(id) }

func (s stock) List(kind, path, value, url string) ([]byte, error) {
	data, n := s[kind+"."+path+"="+value], 0
	if data != "" {
		n = 1
	}
	return fmt.Appendf(nil, `{"object":"list","data":[%s],"has_more":false,"total_count":%d,"url":"%s"}`, data, n, url), nil
}

func (s stock) Find(kind, path, value string) (found [][]byte, _ error) {
	for item := range items([]byte("[" + s[kind+"."+path+"="+value] + "]")) {
		found = append(found, item)
	}
	return found, nil
}

func (s stock) Include(object []byte, name string) ([]byte, error) {
	id := jsontext.Text(object, "id")
	return s.List("", name, id, "/v1/customers/"+id+"/"+name)
}

const emptyRefunds = `"refunds":{"object":"list","data":[],"has_more":false,"total_count":0,"url":"/v1/charges/ch_1/refunds"}`

// backs are answers in the newest shape, and as a version shows them. Those marked recorded are shortened from recordings.
type backCase struct {
	id, what string
	version  string
	has      stock
	give     string
	want     string // "": as it was given
}

var backs = []backCase{
	{
		id: "F1", what: "recorded: an intent with a charge at 2020-08-27", version: "2020-08-27",
		has:  stock{"charge.payment_intent=pi_1": `{"id":"ch_1","object":"charge","amount":10000,"failure_message":null,"fraud_details":{},"livemode":false,"refunded":false,"review":null}`},
		give: `{"id":"pi_1","object":"payment_intent","amount":10000,"capture_method":"automatic","client_secret":"pi_1_secret_2","description":null,"last_payment_error":null,"latest_charge":"ch_1"}`,
		want: `{"id":"pi_1","object":"payment_intent","amount":10000,"capture_method":"automatic","charges":{"object":"list","data":[` +
			`{"id":"ch_1","object":"charge","amount":10000,"failure_message":null,"fraud_details":{},"invoice":null,"livemode":false,"refunded":false,` + emptyRefunds + `,"review":null}` +
			`],"has_more":false,"total_count":1,"url":"/v1/charges?payment_intent=pi_1"},"client_secret":"pi_1_secret_2","description":null,"invoice":null,"last_payment_error":null,"latest_charge":"ch_1"}`,
	},
	{
		id: "F1", what: "recorded: an intent without a charge at 2020-08-27", version: "2020-08-27",
		give: `{"id":"pi_1","object":"payment_intent","amount":1,"latest_charge":null}`,
		want: `{"id":"pi_1","object":"payment_intent","amount":1,"charges":{"object":"list","data":[],"has_more":false,"total_count":0,"url":"/v1/charges?payment_intent=pi_1"},"invoice":null,"latest_charge":null}`,
	},
	{
		id: "B1", what: "recorded: an intent at 2023-10-16 has an invoice and no charges", version: "2023-10-16",
		give: `{"id":"pi_1","object":"payment_intent","description":null,"last_payment_error":null,"managed_payments":{"enabled":false}}`,
		want: `{"id":"pi_1","object":"payment_intent","description":null,"invoice":null,"last_payment_error":null,"managed_payments":{"enabled":false}}`,
	},
	{
		id: "B1", what: "a beta suffix is decoration", version: "2023-10-16; risk_in_requirements_beta=v1",
		give: `{"id":"pi_1","object":"payment_intent","amount":1}`,
		want: `{"id":"pi_1","object":"payment_intent","amount":1,"invoice":null}`,
	},
	{id: "B1", what: "an intent at basil", version: "2025-03-31.basil", give: `{"id":"pi_1","object":"payment_intent","amount":1}`},
	{
		id: "B1", what: "a version of the dashboard is before basil", version: "2025-03-01.dashboard",
		give: `{"id":"pi_1","object":"payment_intent","amount":1}`,
		want: `{"id":"pi_1","object":"payment_intent","amount":1,"invoice":null}`,
	},
	{
		id: "B2", what: "recorded: a charge at 2023-10-16, expanded in an intent in a list", version: "2023-10-16",
		give: `{"object":"list","data":[{"id":"pi_1","object":"payment_intent","latest_charge":{"id":"ch_1","object":"charge","fraud_details":{},"livemode":false}}],"has_more":false,"url":"/v1/payment_intents"}`,
		want: `{"object":"list","data":[{"id":"pi_1","object":"payment_intent","invoice":null,"latest_charge":{"id":"ch_1","object":"charge","fraud_details":{},"invoice":null,"livemode":false}}],"has_more":false,"url":"/v1/payment_intents"}`,
	},
	{id: "B2", what: "a charge at 2026-03-25.dahlia", version: "2026-03-25.dahlia", give: `{"id":"ch_1","object":"charge","livemode":false}`},
	{
		id: "B2", what: "metadata that looks like an object", version: "2023-10-16",
		give: `{"id":"cus_1","object":"customer","metadata":{"object":"charge"}}`,
	},
	{
		id: "B2", what: "an intent inside of an error", version: "2023-10-16",
		give: `{"error":{"code":"card_declined","payment_intent":{"id":"pi_1","object":"payment_intent","amount":1}}}`,
		want: `{"error":{"code":"card_declined","payment_intent":{"id":"pi_1","object":"payment_intent","amount":1,"invoice":null}}}`,
	},
	{
		id: "B3", what: "an expired authorization", version: "2025-02-24.acacia",
		give: `{"id":"pi_1","object":"payment_intent","cancellation_reason":"expired"}`,
		want: `{"id":"pi_1","object":"payment_intent","cancellation_reason":"automatic","invoice":null}`,
	},
	{id: "B3", what: "an expired authorization at basil", version: "2025-04-30.basil", give: `{"id":"pi_1","object":"payment_intent","cancellation_reason":"expired"}`},
	{
		id: "F2", what: "recorded: a charge at 2022-08-01 shows its refunds, without being asked to", version: "2022-08-01",
		has:  stock{"refund.charge=ch_1": `{"id":"re_1","object":"refund","amount":5}`},
		give: `{"id":"ch_1","object":"charge","refunded":false,"review":null}`,
		want: `{"id":"ch_1","object":"charge","invoice":null,"refunded":false,"refunds":{"object":"list","data":[{"id":"re_1","object":"refund","amount":5}],"has_more":false,"total_count":1,"url":"/v1/charges/ch_1/refunds"},"review":null}`,
	},
	{
		id: "F2", what: "one that shows them already", version: "2022-08-01",
		give: `{"id":"ch_1","object":"charge","invoice":null,"refunds":{"object":"list","data":[],"has_more":false,"total_count":0,"url":"/v1/charges/ch_1/refunds"}}`,
	},
	{
		id: "F2", what: "recorded: none at 2022-11-15", version: "2022-11-15",
		give: `{"id":"ch_1","object":"charge","refunded":false}`,
		want: `{"id":"ch_1","object":"charge","invoice":null,"refunded":false}`,
	},
	{
		id: "F3", what: "an attempt that the provider declined", version: "2022-08-01",
		give: `{"error":{"code":"payment_method_provider_decline","doc_url":"https://stripe.com/docs/error-codes/payment-method-provider-decline","type":"invalid_request_error"}}`,
		want: `{"error":{"code":"payment_intent_payment_attempt_failed","doc_url":"https://stripe.com/docs/error-codes/payment-intent-payment-attempt-failed","type":"invalid_request_error"}}`,
	},
	{
		id: "F3", what: "a setup that the customer declined", version: "2020-08-27",
		give: `{"id":"seti_1","object":"setup_intent","last_setup_error":{"code":"payment_method_customer_decline"}}`,
		want: `{"id":"seti_1","object":"setup_intent","last_setup_error":{"code":"setup_attempt_failed"}}`,
	},
	{id: "F3", what: "the same at 2022-11-15", version: "2022-11-15", give: `{"error":{"code":"payment_method_provider_decline"}}`},
	{
		id: "H8", what: "recorded: a customer at 2020-08-27", version: "2020-08-27",
		give: `{"id":"cus_1","object":"customer","created":1671038567,"currency":null,"customer_account":null,"default_source":null}`,
		want: `{"id":"cus_1","object":"customer","created":1671038567,"currency":null,"customer_account":null,"default_currency":null,"default_source":null}`,
	},
	{
		id: "H8", what: "a customer with a currency", version: "2020-08-27",
		give: `{"id":"cus_1","object":"customer","currency":"eur","default_source":null}`,
		want: `{"id":"cus_1","object":"customer","currency":"eur","default_currency":"eur","default_source":null}`,
	},
	{id: "H8", what: "a deleted customer", version: "2014-01-01", give: `{"id":"cus_1","object":"customer","deleted":true}`},
	{id: "H8", what: "recorded: a customer at 2022-11-15", version: "2022-11-15", give: `{"id":"cus_1","object":"customer","currency":null}`},
	{
		id: "Floor", what: "recorded: a customer of an account from before 2020-08-27", version: "2018-02-28",
		give: `{"id":"cus_1","object":"customer","currency":null,"preferred_locales":[],"shipping":null,"tax_exempt":"none","test_clock":null}`,
		want: `{"id":"cus_1","object":"customer","currency":null,"default_currency":null,"preferred_locales":[],"shipping":null,` +
			`"sources":{"object":"list","data":[],"has_more":false,"total_count":0,"url":"/v1/customers/cus_1/sources"},` +
			`"subscriptions":{"object":"list","data":[],"has_more":false,"total_count":0,"url":"/v1/customers/cus_1/subscriptions"},"tax_exempt":"none",` +
			`"tax_ids":{"object":"list","data":[],"has_more":false,"total_count":0,"url":"/v1/customers/cus_1/tax_ids"},"test_clock":null}`,
	},
	{
		id: "C1", what: "recorded: a customer's discount at 2020-08-27 shows its coupon in full", version: "2025-08-27.basil",
		has:  stock{"10OFF": `{"id":"10OFF","object":"coupon","percent_off":10}`},
		give: `{"id":"cus_1","object":"customer","discount":{"id":"di_1","object":"discount","checkout_session":null,"customer":"cus_1","source":{"coupon":"10OFF","type":"coupon"}}}`,
		want: `{"id":"cus_1","object":"customer","discount":{"id":"di_1","object":"discount","checkout_session":null,"coupon":{"id":"10OFF","object":"coupon","percent_off":10},"customer":"cus_1","source":{"coupon":"10OFF","type":"coupon"}}}`,
	},
	{
		id: "C1", what: "a deleted discount, its source expanded", version: "2024-06-20",
		has:  stock{"10OFF": `{"id":"10OFF","object":"coupon"}`},
		give: `{"id":"di_1","object":"discount","customer":"cus_1","deleted":true,"source":{"coupon":{"id":"10OFF","object":"coupon"},"type":"coupon"}}`,
		want: `{"id":"di_1","object":"discount","coupon":{"id":"10OFF","object":"coupon"},"customer":"cus_1","deleted":true,"source":{"coupon":{"id":"10OFF","object":"coupon"},"type":"coupon"}}`,
	},
	{id: "C1", what: "recorded: a discount at clover", version: "2025-10-29.clover", give: `{"id":"di_1","object":"discount","source":{"coupon":"10OFF","type":"coupon"}}`},
	{
		id: "C2", what: "a promotion code", version: "2024-06-20",
		has:  stock{"10OFF": `{"id":"10OFF","object":"coupon"}`},
		give: `{"id":"promo_1","object":"promotion_code","code":"A","promotion":{"coupon":"10OFF","type":"coupon"}}`,
		want: `{"id":"promo_1","object":"promotion_code","code":"A","coupon":{"id":"10OFF","object":"coupon"},"promotion":{"coupon":"10OFF","type":"coupon"}}`,
	},
	{
		id: "C7", what: "a decline of Alma", version: "2025-08-27.basil",
		give: `{"error":{"decline_code":"insufficient_funds","payment_method_type":"alma"}}`,
		want: `{"error":{"decline_code":"generic_decline","payment_method_type":"alma"}}`,
	},
	{id: "C7", what: "a decline of a card", version: "2025-08-27.basil", give: `{"error":{"decline_code":"insufficient_funds","payment_method_type":"card"}}`},
	{
		id: "E10", what: "a decline of BLIK", version: "2026-08-26.dahlia",
		give: `{"id":"pi_1","object":"payment_intent","last_payment_error":{"decline_code":"code_expired","payment_method":{"id":"pm_1","object":"payment_method","type":"blik"}}}`,
		want: `{"id":"pi_1","object":"payment_intent","last_payment_error":{"decline_code":"generic_decline","payment_method":{"id":"pm_1","object":"payment_method","type":"blik"}}}`,
	},
	{id: "E10", what: "the same at endive", version: "2026-09-30.endive", give: `{"error":{"decline_code":"code_expired","payment_method_type":"blik"}}`},
	{
		id: "E7", what: "a charge with an inactive mandate", version: "2026-08-26.dahlia",
		has:  stock{"mandate_1": `{"id":"mandate_1","object":"mandate","status":"inactive"}`},
		give: `{"id":"ch_1","object":"charge","payment_method_details":{"card":{"brand":"visa","mandate":"mandate_1"},"type":"card"}}`,
		want: `{"id":"ch_1","object":"charge","payment_method_details":{"card":{"brand":"visa","mandate":null},"type":"card"}}`,
	},
	{
		id: "E7", what: "a setup with an active one", version: "2026-08-26.dahlia",
		has:  stock{"mandate_1": `{"id":"mandate_1","object":"mandate","status":"active"}`},
		give: `{"id":"seti_1","object":"setup_intent","mandate":"mandate_1"}`,
	},
	{
		id: "E7", what: "a setup with an inactive one", version: "2026-08-26.dahlia",
		has:  stock{"mandate_1": `{"id":"mandate_1","object":"mandate","status":"inactive"}`},
		give: `{"id":"seti_1","object":"setup_intent","mandate":"mandate_1"}`,
		want: `{"id":"seti_1","object":"setup_intent","mandate":null}`,
	},
	{
		id: "E16", what: "what an account's requirements say", version: "2026-08-26.dahlia",
		give: `{"id":"acct_1","object":"account","requirements":{"errors":[{"code":"invalid_address_cmra_address","reason":"r"},{"code":"invalid_street_address"}]}}`,
		want: `{"id":"acct_1","object":"account","requirements":{"errors":[{"code":"invalid_value_other","reason":"r"},{"code":"invalid_street_address"}]}}`,
	},
	{
		id: "C9", what: "what a capability's requirements say", version: "2025-08-27.basil",
		give: `{"id":"card_payments","object":"capability","requirements":{"errors":[{"code":"external_request"}]}}`,
		want: `{"id":"card_payments","object":"capability","requirements":{"errors":[{"code":"invalid_value_other"}]}}`,
	},
	{
		id: "B8", what: "what a person's requirements say", version: "2024-06-20",
		give: `{"id":"person_1","object":"person","future_requirements":{"errors":[{"code":"verification_failed_authorizer_authority"}]}}`,
		want: `{"id":"person_1","object":"person","future_requirements":{"errors":[{"code":"verification_failed_other"}]}}`,
	},
	{
		id: "DA1", what: "recorded: a session at acacia", version: "2025-01-27.acacia",
		give: `{"id":"cs_1","object":"checkout.session","collected_information":null,"shipping_cost":null,"ui_mode":"hosted_page"}`,
		want: `{"id":"cs_1","object":"checkout.session","collected_information":null,"shipping_cost":null,"shipping_details":null,"ui_mode":"hosted"}`,
	},
	{id: "DA1", what: "recorded: a session at dahlia", version: "2026-03-25.dahlia", give: `{"id":"cs_1","object":"checkout.session","ui_mode":"hosted_page"}`},
	{
		id: "DA1", what: "one in Elements at clover", version: "2025-10-29.clover", give: `{"id":"cs_1","object":"checkout.session","ui_mode":"elements"}`,
		want: `{"id":"cs_1","object":"checkout.session","ui_mode":"custom"}`,
	},
	{
		id: "DA2", what: "a subscription that was canceled by a policy", version: "2026-02-25.clover",
		give: `{"id":"sub_1","object":"subscription","cancellation_details":{"comment":null,"reason":"canceled_by_retention_policy"}}`,
		want: `{"id":"sub_1","object":"subscription","cancellation_details":{"comment":null,"reason":"cancellation_requested"}}`,
	},
	{
		id: "B22", what: "a session that ships", version: "2022-08-01",
		give: `{"id":"cs_1","object":"checkout.session","collected_information":{"shipping_details":{"name":"A"}},"shipping_cost":{"amount_total":5,"shipping_rate":"shr_1"}}`,
		want: `{"id":"cs_1","object":"checkout.session","collected_information":{"shipping_details":{"name":"A"}},"shipping_cost":{"amount_total":5,"shipping_rate":"shr_1"},"shipping_details":{"name":"A"}}`,
	},
	{
		id: "H1", what: "the same at 2020-08-27", version: "2020-08-27",
		give: `{"id":"cs_1","object":"checkout.session","collected_information":{"shipping_details":{"name":"A"}},"shipping_cost":{"amount_total":5,"shipping_rate":"shr_1"}}`,
		want: `{"id":"cs_1","object":"checkout.session","collected_information":{"shipping_details":{"name":"A"}},"shipping":{"name":"A"},"shipping_cost":{"amount_total":5,"shipping_rate":"shr_1"},"shipping_details":{"name":"A"},"shipping_rate":"shr_1"}`,
	},
	{id: "B1", what: "an event, whose data has a version of its own", version: "2020-08-27", give: `{"id":"evt_1","object":"event","data":{"object":{"id":"pi_1","object":"payment_intent"}}}`},
}

var allBacks, allForwards = slices.Concat(backs, billingBacks), slices.Concat(forwards, billingForwards)

func TestBack(t *testing.T) {
	for _, tt := range allBacks {
		t.Run(tt.id+" "+tt.what, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.give
			}
			got, _, err := Back(tt.version, []byte(tt.give), Answer{Reader: tt.has})
			if err != nil || string(got) != want {
				t.Errorf("at %s: %v\ngot  %s\nwant %s", tt.version, err, got, want)
			}
			newest, differ, err := Back(spec.Latest(), []byte(tt.give), Answer{Reader: tt.has})
			if err != nil || differ || string(newest) != tt.give {
				t.Errorf("at %s: %v\ngot  %s\nwant %s", spec.Latest(), err, newest, tt.give)
			}
		})
	}
}

// forwards are the parameters of requests, as sent to a version, and as the newest takes them.
type forwardCase struct {
	id, version, route string
	give               string
	want               string // as give has it; "": as it was given
	refused            string // the code and the param of the refusal
}

var forwards = []forwardCase{
	{id: "E1", version: "2026-09-30.endive", route: "POST /v1/payment_intents", give: "amount=1&payment_method_types[]=card", refused: "payment_method_types_no_longer_supported payment_method_types"},
	{id: "E1", version: "2026-10-28.endive", route: "POST /v1/payment_intents/{intent}/confirm", give: "payment_method_types[0]=card", refused: "payment_method_types_no_longer_supported payment_method_types"},
	{id: "E1", version: "2026-10-28.endive", route: "POST /v1/setup_intents/{intent}", give: "payment_method_types[0]=card", refused: "payment_method_types_no_longer_supported payment_method_types"},
	{id: "E1", version: "2026-10-28.endive", route: "POST /v1/payment_intents", give: "allowed_payment_method_types[]=card"},
	{id: "E1", version: "2026-08-26.dahlia", route: "POST /v1/payment_intents", give: "payment_method_types[]=card"},
	{id: "E2", version: "2026-10-28.endive", route: "POST /v1/checkout/sessions", give: "payment_method_types[]=card", refused: "parameter_unknown payment_method_types"},
	{id: "E2", version: "2026-10-28.endive", route: "POST /v1/checkout/sessions", give: "mode=payment&allowed_payment_method_types[]=card", want: "mode=payment&payment_method_types[]=card"},
	{id: "E8", version: "2026-10-28.endive", route: "POST /v1/payment_methods/{payment_method}", give: "payto[pay_id]=a", refused: "parameter_unknown payto"},
	{id: "E8", version: "2026-08-26.dahlia", route: "POST /v1/payment_methods/{payment_method}", give: "payto[pay_id]=a"},
	{id: "DA1", version: "2026-02-25.clover", route: "POST /v1/checkout/sessions", give: "ui_mode=embedded", want: "ui_mode=embedded_page"},
	{id: "DA1", version: "2026-03-25.dahlia", route: "POST /v1/checkout/sessions", give: "ui_mode=embedded"},
	{id: "DA5", version: "2024-06-20", route: "POST /v1/payment_intents", give: "payment_method_options[us_bank_account][verification_method]=instant&payment_method_options[us_bank_account][preferred_settlement_speed]=fastest", want: "payment_method_options[us_bank_account][verification_method]=instant"},
	{id: "C2", version: "2025-08-27.basil", route: "POST /v1/promotion_codes", give: "coupon=10OFF&code=A", want: "code=A&promotion[type]=coupon&promotion[coupon]=10OFF"},
	{id: "C10", version: "2024-06-20", route: "POST /v1/payment_methods/{payment_method}", give: "link[a]=b&metadata[a]=b", want: "metadata[a]=b"},
	{id: "B12", version: "2024-06-20", route: "POST /v1/customers/{customer}", give: "coupon=&name=A"},
	{id: "B12", version: "2024-06-20", route: "POST /v1/customers", give: "coupon=10OFF"},
	{id: "B12", version: "2024-06-20", route: "POST /v1/customers", give: "promotion_code=promo_1"},
	{id: "B12", version: "2025-03-31.basil", route: "POST /v1/customers", give: "coupon=10OFF"},
	{id: "A6", version: "2022-11-15", route: "POST /v1/webhook_endpoints", give: "enabled_events[]=sku.created&enabled_events[]=charge.failed", want: "enabled_events[]=charge.failed"},
	{id: "A6", version: "2022-11-15", route: "POST /v1/webhook_endpoints", give: "enabled_events[0]=sku.created&enabled_events[1]=charge.failed", want: "enabled_events[1]=charge.failed"},
	{id: "A6", version: "2024-04-10", route: "POST /v1/webhook_endpoints", give: "enabled_events[]=sku.created"},
}

// resources is what requests may be about.
var resources = stock{
	"sub_1":       `{"id":"sub_1","object":"subscription","items":{"object":"list","data":[{"id":"si_1","object":"subscription_item"}],"total_count":1}}`,
	"sub_several": `{"id":"sub_several","object":"subscription","items":{"object":"list","data":[{"id":"si_1"},{"id":"si_2"}],"total_count":2}}`,
	"quarterly":   `{"id":"quarterly","object":"price","recurring":{"interval":"month","interval_count":3}}`,
	"once":        `{"id":"once","object":"price","recurring":null}`,
}

// pathOf takes for every variable the id of the same name.
func pathOf(op *spec.Operation) func(string) string {
	return func(name string) string {
		if slices.Contains(op.Vars, name) {
			return map[string]string{"subscription_exposed_id": "sub_1"}[name]
		}
		return ""
	}
}

func TestForward(t *testing.T) {
	for _, tt := range allForwards {
		t.Run(tt.id+" "+tt.version+" "+tt.give, func(t *testing.T) {
			op := spec.Lookup(tt.route)
			if op == nil {
				t.Fatal("the spec has no such route")
			}
			p := parse(t, tt.give)
			err := Forward(tt.version, Request{Op: op, Params: p, Path: pathOf(op), Get: resources.Get})
			var f *fault.Error
			refused := ""
			if errors.As(err, &f) {
				refused = f.Code + " " + f.Param
			}
			if refused != tt.refused {
				t.Fatalf("refused with %q, want %q", refused, tt.refused)
			}
			if tt.want == "" {
				tt.want = tt.give
			}
			if f == nil && show(p) != show(parse(t, tt.want)) {
				t.Errorf("got %s, want %s", show(p), show(parse(t, tt.want)))
			}
		})
	}
}

func parse(t *testing.T, query string) *form.Value {
	p, f := form.Parse("", query, nil)
	if f != nil {
		t.Fatal(f)
	}
	return p
}

func show(v *form.Value) string {
	var b strings.Builder
	b.WriteString(v.Text)
	for _, f := range v.Fields {
		b.WriteString(" " + f.Name + "{" + show(f.Value) + "}")
	}
	for _, it := range v.Items {
		b.WriteString(" [" + show(it) + "]")
	}
	return b.String()
}

// TestEveryChangeIsTested wants a case on either side of the gate for each way of each change.
func TestEveryChangeIsTested(t *testing.T) {
	for _, g := range gates {
		seen := map[string]bool{}
		for _, ch := range g.changes {
			if seen[ch.id] {
				t.Errorf("%s: two changes are called %s", g.date, ch.id)
			}
			seen[ch.id] = true
			if ch.what == "" || ch.back == nil && ch.forward == nil && ch.resolve == nil && ch.since == nil && len(ch.keeps) == 0 {
				t.Errorf("%s: %s does nothing, or does not say what", g.date, ch.id)
			}
			if ch.back != nil && !slices.ContainsFunc(allBacks, func(b backCase) bool {
				return b.id == ch.id && b.version < g.date && b.want != ""
			}) {
				t.Errorf("%s: nothing tests how %s is walked back", g.date, ch.id)
			}
			below, since := false, false
			for _, f := range allForwards {
				below = below || f.id == ch.id && f.version < g.date && (f.want != "" || f.refused != "")
				since = since || f.id == ch.id && f.version >= g.date && (f.want != "" || f.refused != "")
			}
			if (ch.forward != nil || ch.resolve != nil) && !below || ch.since != nil && !since {
				t.Errorf("%s: nothing tests how %s is walked forward", g.date, ch.id)
			}
			for _, route := range ch.routes {
				if spec.Lookup(route) == nil {
					t.Errorf("%s: %s is about %s, which the spec does not have", g.date, ch.id, route)
				}
			}
		}
	}
}

// TestGates wants every gate to be a version, in order.
func TestGates(t *testing.T) {
	for i, g := range gates {
		if !slices.ContainsFunc(spec.Versions(), func(v string) bool { return v[:10] == g.date }) {
			t.Errorf("%s is no version", g.date)
		}
		if i > 0 && g.date >= gates[i-1].date {
			t.Errorf("%s stands behind %s", g.date, gates[i-1].date)
		}
	}
	for _, v := range spec.Versions() {
		p, below := planOf(v), 0
		for _, g := range gates {
			if v[:10] < g.date {
				below++
			}
		}
		if p != plans[below] {
			t.Errorf("%s is below %d gates, and has the plan of another number", v, below)
		}
	}
}

func TestEvent(t *testing.T) {
	has := stock{"charge.payment_intent=pi_1": `{"id":"ch_1","object":"charge"}`}
	give := `{"id":"evt_1","object":"event","api_version":"2020-08-27","data":{"object":{"id":"pi_1","object":"payment_intent","cancellation_reason":"expired"},"previous_attributes":{"cancellation_reason":null}},"type":"payment_intent.canceled"}`
	want := `{"id":"evt_1","object":"event","api_version":"2020-08-27","data":{"object":{"id":"pi_1","object":"payment_intent","cancellation_reason":"automatic","charges":{"object":"list","data":[{"id":"ch_1","object":"charge","invoice":null,` + emptyRefunds + `}],"has_more":false,"total_count":1,"url":"/v1/charges?payment_intent=pi_1"},"invoice":null},"previous_attributes":{"cancellation_reason":null}},"type":"payment_intent.canceled"}`
	got, err := Event("2020-08-27", []byte(give), has)
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
	for _, tt := range []struct{ what, version, give, want string }{
		{
			"a member that was made from one that changed", "2020-08-27",
			`{"data":{"object":{"id":"cus_1","object":"customer","currency":"usd"},"previous_attributes":{"currency":null}}}`,
			`{"data":{"object":{"id":"cus_1","object":"customer","currency":"usd","default_currency":"usd"},"previous_attributes":{"currency":null,"default_currency":null}}}`,
		},
		{
			"one that was not", "2020-08-27",
			`{"data":{"object":{"id":"cus_1","object":"customer","currency":"usd"},"previous_attributes":{"name":"A"}}}`,
			`{"data":{"object":{"id":"cus_1","object":"customer","currency":"usd","default_currency":"usd"},"previous_attributes":{"name":"A"}}}`,
		},
		{"the newest", spec.Latest(), give, give},
		{"no version", "", give, give},
	} {
		got, err := Event(tt.version, []byte(tt.give), has)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", tt.what, err, got, tt.want)
		}
	}
}

// paths are a Tree that puts {"id":…,"expanded":true} in the place of ids.
type paths []string

func (p paths) Child(name string) Tree {
	var in paths
	for _, path := range p {
		if first, rest, _ := strings.Cut(path, "."); first == name {
			in = append(in, rest)
		}
	}
	if in == nil {
		return nil
	}
	return in
}

func (p paths) Expand(value []byte) ([]byte, error) {
	if value[0] == '"' {
		return fmt.Appendf(nil, `{"id":%s,"expanded":true}`, value), nil
	}
	return bytes.ReplaceAll(value, []byte(`"txn_1"`), []byte(`{"id":"txn_1","expanded":true}`)), nil
}

func TestExpand(t *testing.T) {
	has := stock{"charge.payment_intent=pi_1": `{"id":"ch_1","object":"charge","balance_transaction":"txn_1","invoice":null,"refunds":null}`}
	give := `{"object":"list","data":[{"id":"pi_1","object":"payment_intent","invoice":null}],"url":"/v1/payment_intents"}`
	got, _, err := Back("2020-08-27", []byte(give), Answer{Reader: has, Expand: paths{"data.charges.data.balance_transaction"}})
	if err != nil || !strings.Contains(string(got), `"balance_transaction":{"id":"txn_1","expanded":true}`) {
		t.Errorf("%v: got %s", err, got)
	}
	got, _, err = Back("2020-08-27", []byte(give), Answer{Reader: has})
	if err != nil || !strings.Contains(string(got), `"balance_transaction":"txn_1"`) {
		t.Errorf("%v: got %s", err, got)
	}
	for _, tt := range []struct {
		version, kind, member string
		want                  bool
	}{
		{"2020-08-27", "payment_intent", "charges", true},
		{"2022-08-01", "payment_intent", "charges", true},
		{"2022-11-15", "payment_intent", "charges", false},
		{"2022-11-15", "payment_intent", "invoice", true},
		{"2025-03-31.basil", "payment_intent", "invoice", false},
		{"2025-02-24.acacia", "charge", "invoice", true},
		{spec.Latest(), "charge", "invoice", false},
		{"2025-08-27.basil", "discount", "coupon", true},
	} {
		if Expandable(tt.version, tt.kind, tt.member) != tt.want {
			t.Errorf("%s of a %s at %s: want %v", tt.member, tt.kind, tt.version, tt.want)
		}
	}
}

// TestReduced: what a publishable key sees has no charges and no invoice (facts 11d, recorded at 2020-08-27).
func TestReduced(t *testing.T) {
	give := `{"id":"pi_1","object":"payment_intent","amount":1,"cancellation_reason":"expired"}`
	want := `{"id":"pi_1","object":"payment_intent","amount":1,"cancellation_reason":"automatic"}`
	got, _, err := Back("2020-08-27", []byte(give), Answer{Reader: stock{}, Reduced: true})
	if err != nil || string(got) != want {
		t.Errorf("%v: got %s", err, got)
	}
}

type broken struct{ stock }

var errBroken = errors.New("the disk is gone")

func (broken) List(kind, path, value, url string) ([]byte, error) { return nil, errBroken }
func (broken) Find(kind, path, value string) ([][]byte, error)    { return nil, errBroken }
func (broken) Get(id string) ([]byte, error)                      { return nil, errBroken }
func (broken) Named(kind, id string) ([]byte, error)              { return nil, errBroken }

func TestReaderFails(t *testing.T) {
	for _, give := range []string{
		`{"object":"list","data":[{"id":"pi_1","object":"payment_intent"}]}`,
		`{"id":"di_1","object":"discount","customer":"cus_1","source":{"coupon":"A"}}`,
		`{"id":"seti_1","object":"setup_intent","mandate":"mandate_1"}`,
	} {
		if _, _, err := Back("2020-08-27", []byte(give), Answer{Reader: broken{}}); !errors.Is(err, errBroken) {
			t.Errorf("%s: got %v", give, err)
		}
	}
	if _, err := Event("2020-08-27", []byte(`{"data":{"object":{"id":"pi_1","object":"payment_intent"}}}`), broken{}); !errors.Is(err, errBroken) {
		t.Errorf("event: got %v", err)
	}
}

func TestRefusalOfMethodTypes(t *testing.T) {
	err := Forward(spec.Latest(), Request{Op: spec.Lookup("POST /v1/payment_intents"), Params: parse(t, "payment_method_types[]=card")})
	var f *fault.Error
	if !errors.As(err, &f) || f.Status != 400 || f.Type != fault.Request {
		t.Errorf("got %+v", f)
	}
}

var benchmarked = []byte(`{"id":"pi_1","object":"payment_intent","amount":10000,"amount_details":{"tip":{}},"capture_method":"automatic","charges_of_old":null,"client_secret":"pi_1_secret_2","description":null,"last_payment_error":null,"latest_charge":"ch_1","metadata":{"a":"b"},"payment_method_options":{"card":{"installments":null,"mandate_options":null,"network":null,"request_three_d_secure":"automatic"}},"payment_method_types":["card"],"status":"succeeded"}`)

func BenchmarkBack(b *testing.B) {
	for _, v := range []string{spec.Latest(), spec.Version(), "2023-10-16", "2020-08-27"} {
		b.Run(v, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Back(v, benchmarked, Answer{Reader: stock{}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
