package main

import (
	"fmt"
	"slices"
	"strings"
)

// The spec is not all that Stripe does. What it gets wrong, or keeps to itself, is put right here, each with its reason. A patch that
// names its route fails when its place is gone; those that go by a parameter's name (hashes, cards, enumOrder) find nothing then.
//
// Several come from holding form.Check to recorded traffic: of 4,767 requests that Stripe answered with a 2xx, 4 are still refused
// (coupon on a subscription, subscription_data[items] on a checkout session twice: matters of an older API version; and
// invoice_settings on GET /v1/customers/{customer}, not understood). The patches were fitted to that traffic, so this is no
// independent measure.

// newerVersions came after the spec that we build on (facts 13 §1).
var newerVersions = []string{"2026-09-30.endive", "2026-10-28.endive"}

// enumOrder is the order in which Stripe's refusals list the values of an enum, where it was seen; the spec sorts them (facts 05a).
// The key is the values, sorted.
var enumOrder = map[string]string{
	"day month week year":             "month year week day",
	"exempt none reverse":             "none reverse exempt",
	"licensed metered":                "metered licensed",
	"exclusive inclusive unspecified": "inclusive exclusive unspecified",
	"one_time recurring":              "one_time recurring",
}

// fieldOrder is the order in which Stripe checks the parameters of an operation, where it was seen; the spec sorts them. What is not
// listed follows, as in the spec.
var fieldOrder = map[string]string{
	"post /v1/products": "name description metadata active images shippable url package_dimensions statement_descriptor " +
		"unit_label marketing_features",
}

// limits that the spec does not declare. A name matches wherever it is a parameter of the route.
var limits = []struct{ route, param, keyword, value string }{
	{"post /v1/products", "images", "maxItems", "8"}, // facts 05a
	{"post /v1/products/{id}", "images", "maxItems", "8"},
	{"post /v1/prices", "unit_amount", "minimum", "0"}, // facts 05a: Invalid non-negative integer
	{"post /v1/prices", "unit_amount_decimal", "minimum", "0"},
	{"post /v1/plans", "amount", "minimum", "0"},
	{"post /v1/charges", "amount", "minimum", "1"}, // recorded; a payment intent has words of its own, by version
	{"get /v1/events", "types", "maxItems", "20"},  // facts 06a
}

// hidden are parameters that clients send and Stripe takes, though the spec does not show them (facts 11b). They are marked with a
// type in facts.txt's own words.
var hidden = []struct{ route, param, typ string }{
	{"get /v1/payment_intents/{intent}", "is_stripe_sdk", "boolean"},
	{"get /v1/setup_intents/{intent}", "is_stripe_sdk", "boolean"},
}

// What Stripe.js creates a confirmation token with stands in no spec: only the test helper does, which stands in for it and takes the same
// (facts 11b). It also says on which page it was, as client_context, which nothing here reads.
const (
	tokenRoute  = "/v1/confirmation_tokens"
	tokenHelper = "/v1/test_helpers/confirmation_tokens"
)

// old are parameters that Stripe stopped to document and still takes, in recordings up to 2023-10-16 and later.
var old = []struct {
	route, path string // the path leads to where the parameter belongs
	param       *node
}{
	{"post /v1/accounts", "", property("requested_capabilities", "array")},
	{"post /v1/accounts", "individual", property("nationality", "string")},
	{"post /v1/accounts/{account}", "", property("bank_account", "hash")},
	{"post /v1/customers", "", property("card", "hash")},
	{"post /v1/subscriptions", "", property("plan", "string")},
	{"post /v1/subscriptions", "", property("quantity", "integer")},
	{"post /v1/subscriptions", "items *", property("plan", "string")},
	{"post /v1/subscriptions/{subscription_exposed_id}", "", property("plan", "string")},
	{"post /v1/subscriptions/{subscription_exposed_id}", "", property("quantity", "integer")},
	{"post /v1/subscriptions/{subscription_exposed_id}", "items *", property("plan", "string")},
}

// unset are parameters that an empty string unsets, though the spec does not say so: recorded, but for email and phone, which are known
// from live trials (facts 05, live-2).
var unset = []struct{ route, path string }{
	{"post /v1/customers", "description"},
	{"post /v1/customers", "name"},
	{"post /v1/customers", "email"},
	{"post /v1/customers", "phone"},
	{"post /v1/customers/{customer}", "description"},
	{"post /v1/customers/{customer}", "name"},
	{"post /v1/customers/{customer}", "email"},
	{"post /v1/customers/{customer}", "phone"},
	{"post /v1/payment_intents", "shipping name"},
	{"post /v1/accounts", "business_profile product_description"},
	{"post /v1/accounts/{account}", "business_profile product_description"},
	{"post /v1/subscriptions/{subscription_exposed_id}", "default_payment_method"},
}

// hashes are parameters that the spec calls strings and marks as not to be validated: a token's id goes there, and also a hash with the
// numbers of a card or a bank account.
var hashes = []string{"source", "external_account", "card", "bank_account"}

// A card's numbers may be sent wherever a payment method is described: Stripe.js does it for everybody, servers where their account is
// allowed to (facts 11a, 11b). The spec shows them in POST /v1/payment_methods alone.
const (
	cardHome = "post /v1/payment_methods"
	cardless = "payment_method_data"
)

// oldEvents could be subscribed to before 2024-04-10 and are never sent (facts 13 §5, A6).
var oldEvents = []string{
	"invoiceitem.updated", "order.created", "order.updated", "order.payment_failed", "order.payment_succeeded", "order_return.created",
	"recipient.created", "recipient.deleted", "recipient.updated", "sku.created", "sku.deleted", "sku.updated",
	"transfer.failed", "transfer.paid",
}

func patch(root *node) error {
	paths := root.at("paths")
	params := func(route, param string) (*node, error) {
		method, path, _ := strings.Cut(route, " ")
		if n := find(paths.at(path, method), param); n != nil {
			return n, nil
		}
		return nil, fmt.Errorf("patches: no %s in %s", param, route)
	}
	for _, l := range limits {
		n, err := params(l.route, l.param)
		if err != nil {
			return err
		}
		if n.at("anyOf") != nil { // the part that is not ""
			n = n.at("anyOf").values[0]
		}
		n.set(l.keyword, text(l.value))
	}
	if err := unlist(paths, tokenHelper, tokenRoute, "PostConfirmationTokens", "client_context"); err != nil {
		return err
	}
	for _, h := range hidden {
		if err := show(paths, h.route, h.param, h.typ); err != nil {
			return err
		}
	}
	for _, o := range old {
		method, path, _ := strings.Cut(o.route, " ")
		place := inside(body(paths.at(path, method)), strings.Fields(o.path))
		if place == nil {
			return fmt.Errorf("patches: no %s in %s", o.path, o.route)
		}
		name := o.param.keys[0]
		if place.at("properties", name) != nil {
			return fmt.Errorf("patches: %s now shows %s itself", o.route, name)
		}
		place.at("properties").set(name, o.param.values[0])
	}
	for _, u := range unset {
		method, path, _ := strings.Cut(u.route, " ")
		steps := strings.Fields(u.path)
		place := inside(body(paths.at(path, method)), steps[:len(steps)-1])
		name := steps[len(steps)-1]
		p := place.at("properties", name)
		if p == nil {
			return fmt.Errorf("patches: no %s in %s", u.path, u.route)
		}
		place.at("properties").set(name, anyOf(p, emptyString()))
	}
	for route, order := range fieldOrder {
		method, path, _ := strings.Cut(route, " ")
		if err := reorder(body(paths.at(path, method)), strings.Fields(order)); err != nil {
			return fmt.Errorf("patches: %s: %w", route, err)
		}
	}
	card, err := params(cardHome, "card")
	if err != nil {
		return err
	}
	for i := range paths.values {
		for _, op := range paths.values[i].values {
			takeHashes(body(op))
			showCard(body(op), card)
			inferFromClient(body(op))
		}
	}
	for _, route := range []string{"post /v1/webhook_endpoints", "post /v1/webhook_endpoints/{webhook_endpoint}"} {
		n, err := params(route, "enabled_events")
		if err != nil {
			return err
		}
		e := n.at("items", "enum")
		e.values = append(e.values, textList(oldEvents).values...)
	}
	n, err := params("post /v1/webhook_endpoints", "api_version")
	if err != nil {
		return err
	}
	e := n.at("enum")
	e.values = append(e.values, textList(newerVersions).values...)
	return nil
}

// unlist makes a POST that the spec does not show, which takes what another does, and one more hash with any names.
func unlist(paths *node, like, path, id, hash string) error {
	op := paths.at(like, "post")
	if op == nil {
		return fmt.Errorf("patches: no post %s", like)
	}
	if paths.at(path) != nil {
		return fmt.Errorf("patches: the spec now shows %s itself", path)
	}
	op = op.with("operationId", text(id))
	form := body(op)
	str := &node{kind: object, keys: []string{"type"}, values: []*node{text("string")}}
	form = form.with("properties", form.at("properties").with(hash, hashOr(str)))
	content := &node{kind: object}
	content.set("application/x-www-form-urlencoded", (&node{kind: object}).with("schema", form))
	paths.set(path, (&node{kind: object}).with("post", op.with("requestBody", op.at("requestBody").with("content", content))))
	return nil
}

// property is an object with one member, a parameter of a type that can be said in a word: an array is one of strings, and a hash may
// have any names, or be a string.
func property(name, typ string) *node {
	schema := &node{kind: object}
	schema.set("type", text(typ))
	switch typ {
	case "array":
		item := &node{kind: object}
		item.set("type", text("string"))
		schema.set("items", item)
	case "hash":
		str := &node{kind: object}
		str.set("type", text("string"))
		schema = hashOr(str)
	}
	p := &node{kind: object}
	p.set(name, schema)
	return p
}

// hashOr is a type that takes a hash with any names, or a string of the type str.
func hashOr(str *node) *node {
	names := &node{kind: object}
	names.set("type", text("object"))
	names.set("additionalProperties", text("true"))
	return anyOf(names, str)
}

func emptyString() *node {
	n := &node{kind: object}
	n.set("type", text("string"))
	n.set("enum", textList([]string{""}))
	return n
}

func anyOf(variants ...*node) *node {
	n := &node{kind: object}
	n.set("anyOf", &node{kind: array, values: variants})
	return n
}

// inside follows names from a form inwards; * is the item of an array. Alternatives are passed through to the first.
func inside(n *node, path []string) *node {
	for _, name := range path {
		if name == "*" {
			n = n.at("items")
		} else {
			n = n.at("properties", name)
		}
		if variants := n.at("anyOf").list(); len(variants) > 0 {
			n = variants[0]
		}
	}
	return n
}

// find is the schema of a parameter, in the query or in the body.
func find(op *node, param string) *node {
	for _, p := range op.at("parameters").list() {
		if p.str("name") == param && p.str("in") == "query" {
			return p.at("schema")
		}
	}
	return body(op).at("properties", param)
}

// show adds a parameter that the spec hides. It fails if the spec has come to show it.
func show(paths *node, route, param, typ string) error {
	method, path, _ := strings.Cut(route, " ")
	op := paths.at(path, method)
	if op == nil {
		return fmt.Errorf("patches: no %s", route)
	}
	if find(op, param) != nil {
		return fmt.Errorf("patches: %s now shows %s itself", route, param)
	}
	schema := &node{kind: object, keys: []string{"type"}, values: []*node{text(typ)}}
	if method == "post" {
		props := body(op).at("properties")
		props.set(param, schema)
		return nil
	}
	p := &node{kind: object}
	p.set("in", text("query"))
	p.set("name", text(param))
	p.set("schema", schema)
	op.at("parameters").values = append(op.at("parameters").values, p)
	return nil
}

// reorder puts the named properties first.
func reorder(form *node, order []string) error {
	props := form.at("properties")
	first := &node{kind: object}
	for _, name := range order {
		n := props.at(name)
		if n == nil {
			return fmt.Errorf("no parameter %s", name)
		}
		first.set(name, n)
	}
	for i, name := range props.keys {
		if !slices.Contains(order, name) {
			first.set(name, props.values[i])
		}
	}
	form.set("properties", first)
	return nil
}

// showCard adds the card to the description of a payment method, and to its types.
func showCard(form, card *node) {
	props := form.at("properties", cardless, "properties")
	if props == nil || props.at("card") != nil {
		return
	}
	props.set("card", card)
	if types := props.at("type", "enum"); types != nil && !slices.Contains(types.texts(), "card") {
		i, _ := slices.BinarySearch(types.texts(), "card")
		types.values = slices.Insert(types.values, i, text("card"))
	}
}

// inferFromClient adds the parameter by which Stripe.js leaves address and agent of the browser to the server (facts 11b). It is part of
// the alternative that is for publishable keys.
func inferFromClient(form *node) {
	for _, variant := range form.at("properties", "mandate_data", "anyOf").list() {
		online := variant.at("properties", "customer_acceptance", "properties", "online")
		if online != nil && online.at("required") == nil {
			online.at("properties").set("infer_from_client", &node{kind: object, keys: []string{"type"}, values: []*node{text("boolean")}})
		}
	}
}

// takeHashes lets the parameters in hashes be a hash as well as a string.
func takeHashes(form *node) {
	props := form.at("properties")
	if props == nil {
		return
	}
	for i, name := range props.keys {
		p := props.values[i]
		if p.str("type") != "string" || p.at("x-stripeBypassValidation") == nil || !slices.Contains(hashes, name) {
			continue
		}
		props.values[i] = hashOr(p)
	}
}
