package sim_test

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"florin/internal/spec"
)

var lookSteps = []step{
	{"the same again", 6, (*world).same},
	{"the same at once", 2, (*world).atOnce},
	{"the key with other parameters", 3, (*world).otherParameters},
	{"read", 10, (*world).read},
	{"list", 6, (*world).list},
	{"search", 2, (*world).search},
	{"balance", 2, (*world).balance},
	{"a stranger asks", 6, (*world).stranger},
	{"a stranger names", 2, (*world).strangerNames},
}

// same sends a request again under its idempotency key: the answer is the same, to the byte.
func (w *world) same() {
	k, ok := w.key()
	if !ok {
		return
	}
	w.replayed(k, w.ask("POST", k.account, k.path, k.form, k.key))
}

func (w *world) replayed(k keyed, r *reply) {
	if r.status != k.status || string(r.body) != string(k.body) || r.header.Get("Idempotent-Replayed") != "true" {
		w.fail("POST %s %s with %s was answered\n%d %s\nand is now answered (Idempotent-Replayed %q)\n%d %s",
			k.path, k.form.Encode(), k.key, k.status, k.body, r.header.Get("Idempotent-Replayed"), r.status, r.body)
	}
}

// atOnce sends a payment under one idempotency key from several sides at once: it is made once. Whoever comes while it is being made is told so.
func (w *world) atOnce() {
	from := w.from()
	w.keys++
	k := keyed{key: "key-" + count(int64(w.keys)), path: "/v1/payment_intents", account: from, at: w.clock.Now(), form: form("amount", w.between(100, 9000), "currency", "usd",
		"payment_method_types[]", "card", "payment_method", w.card(), "confirm", "true", "return_url", "https://example.com/back")}
	replies := make([]*reply, 4)
	var sent sync.WaitGroup
	for i := range replies {
		sent.Go(func() { replies[i] = w.serve(w.request("POST", from, k.path, k.form, k.key)) })
	}
	sent.Wait()
	var first *reply
	made := 0
	for _, r := range replies {
		switch {
		case r.status == 409 && r.text("error", "code") == "idempotency_key_in_use":
		case r.status == 400: // of what was asked: it is no effect, is not kept, and names its request
			first = r
		case first == nil || string(r.body) == string(first.body) && r.status == first.status:
			first = r
			if r.header.Get("Idempotent-Replayed") != "true" {
				made++
			}
		default:
			w.fail("one key, two answers: %d %s\nand %d %s", first.status, first.body, r.status, r.body)
		}
	}
	if first == nil || made != 1 && first.status != 400 {
		w.fail("one key, made %d times", made)
		return
	}
	w.note("POST %s %s %s, four times at once → %d %s", k.path, k.form.Encode(), k.key, first.status, first.text("id"))
	w.tally(w.tallies, w.name).add(first.status)
	w.harvest(from, first.json, 0)
	w.remember(k, first)
}

// otherParameters sends another request under an idempotency key: it is refused.
func (w *world) otherParameters() {
	k, ok := w.key()
	if !ok || strings.Count(k.path, "/") > 2 || k.path == "/v1/tokens" || k.path == "/v1/customer_sessions" { // those that make something take metadata; what is no parameter is refused before
		return
	}
	f := url.Values{"metadata[again]": {"yes"}}
	for name, values := range k.form {
		f[name] = values
	}
	op, _, _ := spec.Find("POST", k.path)
	if op == nil || op.Param("metadata") == nil {
		return
	}
	r := w.ask("POST", k.account, k.path, f, k.key)
	if r.status != 400 || r.text("error", "type") != "idempotency_error" {
		w.fail("POST %s with the key %s and other parameters: %d %s", k.path, k.key, r.status, r.body)
		return
	}
	w.tally(w.tallies, w.name).ok++ // this is what is to happen
}

// key draws a key that is not a day old.
func (w *world) key() (keyed, bool) {
	for len(w.keyed) > 0 && w.clock.Now().Sub(w.keyed[0].at) >= 23*time.Hour {
		w.keyed = w.keyed[1:]
	}
	if len(w.keyed) == 0 {
		return keyed{}, false
	}
	return w.keyed[w.rand.IntN(len(w.keyed))], true
}

// gets are the operations that read.
var gets = func() (out []*spec.Operation) {
	for _, op := range spec.Operations() {
		if op.Method == "GET" && !strings.Contains(op.Path, "/search") && !strings.HasPrefix(op.Path, "/v1/billing") {
			out = append(out, op)
		}
	}
	return out
}()

// objects are what stands under a part of a path, where that is not the part without its s.
var objects = map[string]string{
	"sources": "card", "cards": "card", "balance_transactions": "balance_transaction", "history": "balance_transaction", "reversals": "transfer_reversal", "people": "person",
	"persons": "person", "external_accounts": "bank_account", "disputes": "dispute", "early_fraud_warnings": "radar.early_fraud_warning",
	"value_lists": "radar.value_list", "value_list_items": "radar.value_list_item", "fees": "application_fee", "requests": "forwarding.request", "secrets": "apps.secret",
	"cash_balance_transactions": "customer_cash_balance_transaction", "mandate_notifications": "source_mandate_notification", "country_specs": "country", "exchange_rates": "currency",
	"capabilities": "capability", "domains": "apple_pay_domain",
}

// fill puts ids into an operation's path: of things that were seen, mostly of one account. ok is false where nothing was seen that fits.
func (w *world) fill(op *spec.Operation) (path, account string, ok bool) {
	parts := strings.Split(op.Path, "/")
	object := ""
	for i, part := range parts {
		if !strings.HasPrefix(part, "{") {
			if object = objects[part]; object == "" {
				object = strings.TrimSuffix(part, "s")
			}
			continue
		}
		if object == "refund" && strings.HasPrefix(op.Path, "/v1/application_fees") {
			object = "fee_refund"
		}
		if object == "country" || object == "currency" {
			parts[i] = map[string]string{"country": w.pick("US", "DE", "XX"), "currency": w.pick("usd", "eur", "xxx")}[object]
			continue
		}
		if object == "balance_transaction" && strings.HasPrefix(op.Path, "/v1/customers") {
			object = "customer_balance_transaction"
		}
		t, some := w.some(object)
		if !some {
			return "", "", false
		}
		switch parent := w.parent[t.id]; {
		case i == 3:
			account = t.account
		case parent != "" && w.chance(80): // what it is under, rather than what it is not
			parts[3], account = url.PathEscape(parent), t.account
		}
		parts[i] = url.PathEscape(t.id)
	}
	return strings.Join(parts, "/"), account, true
}

// read reads something by any operation that does. Where Florin has it, it is found or is not, and an answer has its shape.
func (w *world) read() {
	op := gets[w.rand.IntN(len(gets))]
	for w.srv.App.Coverage(op) == "not yet" {
		op = gets[w.rand.IntN(len(gets))]
	}
	path, account, ok := w.fill(op)
	if !ok {
		return
	}
	if !strings.Contains(op.Path, "{") {
		account = w.from()
	}
	expand := map[string]string{
		"/v1/charges/{charge}": "balance_transaction", "/v1/payment_intents/{intent}": "latest_charge.balance_transaction", "/v1/refunds/{refund}": "charge",
		"/v1/disputes/{dispute}": "charge", "/v1/transfers/{transfer}": "destination_payment", "/v1/setup_intents/{intent}": "latest_attempt",
		"/v1/balance_transactions": "data.source",
	}[op.Path]
	w.get(account, path, "expand[]", w.maybe(50, expand))
}

func (w *world) list() {
	object := w.pick("charges", "payment_intents", "customers", "refunds", "payouts", "balance_transactions", "events", "disputes", "setup_intents", "transfers", "application_fees", "payment_methods")
	from := w.from()
	p := []string{"limit", w.between(1, 10)}
	switch object {
	case "charges", "payment_intents", "payment_methods":
		p = append(p, "customer", w.maybe(30, w.someOf("customer", from)))
	case "events":
		p = append(p, "type", w.maybe(50, w.pick("charge.succeeded", "charge.refunded", "payout.paid", "charge.dispute.*")))
	case "balance_transactions":
		p = append(p, "type", w.maybe(50, w.pick("charge", "refund", "payout", "adjustment", "transfer", "topup")))
	}
	p = append(p, "starting_after", w.maybe(30, w.someOf(strings.TrimSuffix(object, "s"), from)))
	w.get(from, "/v1/"+object, p...)
}

func (w *world) search() {
	where := w.pick("customers", "payment_intents", "charges")
	query := w.pick("metadata['color']:'red'", "created>0", "metadata['color']:'blue' OR metadata['color']:'green'")
	if where == "payment_intents" {
		query = w.pick(query, "status:'succeeded'", "amount>5000 AND currency:'usd'")
	}
	w.get(w.from(), "/v1/"+where+"/search", "query", query, "limit", "5")
}

func (w *world) balance() {
	w.get(w.from(), w.pick("/v1/balance", "/v1/balance", "/v1/balance_settings", "/v1/account", "/v1/exchange_rates", "/v1/country_specs"))
}

// strange draws an account that has nothing to do with one: a shop, another shop, or for a connected account another one.
func (w *world) strange(account string) string {
	for range 10 {
		other := w.pick(w.countries...)
		if w.chance(40) {
			other = w.connected()
		}
		if other != account && !(other == "" || account == "" && isConnected(other) && w.chance(50)) {
			return other
		}
	}
	return ""
}

// stranger asks, changes or deletes what is another account's: there is no such thing.
func (w *world) stranger() {
	all := spec.Operations()
	op := all[w.rand.IntN(len(all))]
	for range 200 {
		if strings.Count(op.Path, "{") == 1 && strings.Contains(op.Path, "/{") && op.Method != "" && w.srv.App.Coverage(op) != "not yet" && !public(op.Path) {
			break
		}
		op = all[w.rand.IntN(len(all))]
	}
	path, account, ok := w.fill(op)
	other := w.strange(account)
	if !ok || public(op.Path) || !strings.Contains(op.Path, "{") || other == "" {
		return
	}
	r := w.ask(op.Method, other, path, nil, "")
	if r.status < 400 {
		w.fail("%s %s is %q's, and %q was answered %d %s", op.Method, path, account, other, r.status, r.body)
	}
	w.tally(w.tallies, w.name).ok++ // this is what is to happen
}

// public says whether a path leads to what everybody may see, to what a platform sees as its account does, or whose names are not unique.
func public(path string) bool {
	for _, p := range []string{"/v1/country_specs", "/v1/exchange_rates", "/v1/coupons", "/v1/account", "/v1/external_accounts", "/v1/billing"} {
		if strings.HasPrefix(path, p) && !strings.HasPrefix(path, "/v1/account_") {
			return true
		}
	}
	return false
}

// strangerNames names what is another account's in a request of its own.
func (w *world) strangerNames() {
	object := w.pick("customer", "payment_method", "charge", "payment_intent", "balance_transaction", "payout", "file")
	t, ok := w.some(object)
	other := w.strange(t.account)
	if !ok || other == "" {
		return
	}
	var r *reply
	switch object {
	case "customer":
		r = w.ask("POST", other, w.pick("/v1/payment_intents", "/v1/setup_intents"), form("customer", t.id), "")
		if r.status < 400 || r.text("error", "code") == "parameter_missing" {
			r = w.ask("POST", other, "/v1/payment_intents", form("amount", "500", "currency", "usd", "customer", t.id), "")
		}
	case "payment_method":
		r = w.ask("POST", other, "/v1/payment_intents", form("amount", "500", "currency", "usd", "payment_method_types[]", "card", "payment_method", t.id, "confirm", "true"), "")
	case "charge":
		r = w.ask("POST", other, "/v1/refunds", form("charge", t.id), "")
	case "payment_intent":
		r = w.ask("POST", other, "/v1/refunds", form("payment_intent", t.id), "")
	case "file":
		r = w.ask("POST", other, "/v1/file_links", form("file", t.id), "")
	default:
		r = w.get(other, "/v1/balance_transactions", "starting_after", t.id)
	}
	if r.status < 400 {
		w.fail("%s is %q's, and %q was answered %d %s", t.id, t.account, other, r.status, r.body)
	}
	w.tally(w.tallies, w.name).ok++ // this is what is to happen
}
