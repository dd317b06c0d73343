package sim_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"

	"florin/internal/paymethod"
	"florin/internal/shape"
	"florin/internal/spec"
)

// A reply is an answer.
type reply struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

func (r *reply) at(path ...string) any {
	var v any = r.json
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (r *reply) text(path ...string) string {
	s, _ := r.at(path...).(string)
	return s
}

// form makes a form of pairs, leaving out those without a value.
func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			f.Add(pairs[i], pairs[i+1])
		}
	}
	return f
}

// post posts, one time of eight under an idempotency key that is used again later.
func (w *world) post(account, path string, pairs ...string) *reply {
	f := form(pairs...)
	if w.rand.IntN(8) > 0 {
		return w.ask("POST", account, path, f, "")
	}
	w.keys++
	k := keyed{key: "key-" + strconv.Itoa(w.keys), path: path, account: account, form: f, at: w.clock.Now()}
	return w.remember(k, w.ask("POST", account, path, f, k.key))
}

// remember keeps a request under an idempotency key whose answer is kept by the server. Of refusals, only those of the state are.
func (w *world) remember(k keyed, r *reply) *reply {
	if r.status == 200 || r.status == 402 {
		k.status, k.body = r.status, r.body
		w.keyed = append(w.keyed, k)
		if len(w.keyed) > poolSize {
			w.keyed = w.keyed[1:]
		}
	}
	return r
}

func (w *world) get(account, path string, pairs ...string) *reply {
	return w.ask("GET", account, path, form(pairs...), "")
}

func (w *world) delete(account, path string) *reply { return w.ask("DELETE", account, path, nil, "") }

// request makes a request of an account's.
func (w *world) request(method, account, path string, f url.Values, key string) *http.Request {
	encoded := f.Encode()
	target, body := path, ""
	if method == "POST" {
		body = encoded
	} else if encoded != "" {
		target += "?" + encoded
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w.as(r, account)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return r
}

// as lets a request come from an account.
func (w *world) as(r *http.Request, account string) {
	switch {
	case account == "in a browser":
		r.Header.Set("Authorization", "Bearer "+w.publishable)
		return
	case w.shops[account] != nil:
		r.Header.Set("Authorization", "Bearer "+w.shops[account].secret)
		return
	case account != "":
		r.Header.Set("Stripe-Account", account)
	}
	r.Header.Set("Authorization", "Bearer "+w.secret)
}

// ask sends a request, and checks what can be checked of every answer.
func (w *world) ask(method, account, path string, f url.Values, key string) *reply {
	return w.send(w.request(method, account, path, f, key), account, f.Encode()+prefixed(" key=", key))
}

// upload posts a file.
func (w *world) upload(account, name, purpose string, content []byte) *reply {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	_ = m.WriteField("purpose", purpose) // a buffer takes everything
	part, _ := m.CreateFormFile("file", name)
	_, _ = part.Write(content)
	_ = m.Close()
	r := httptest.NewRequest("POST", "/v1/files", &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	w.as(r, account)
	return w.send(r, account, name+" "+purpose)
}

func (w *world) send(r *http.Request, account, shown string) *reply {
	method, path := r.Method, r.URL.EscapedPath()
	out := w.serve(r)
	w.note("%s %s %s %s → %d %s%s", method, path, shown, account, out.status, out.text("id"), out.text("error", "message"))
	w.tally(w.tallies, w.name).add(out.status)
	if out.status >= 500 && out.status != 501 { // which says what Florin does not have yet
		w.fail("%s %s %s: %d %s\n%s", method, path, shown, out.status, out.body, w.log.said())
	}
	if op, _, ok := spec.Find(method, path); ok {
		w.tally(w.routes, op.Route()).add(out.status)
		check := shape.Check
		if account == "in a browser" {
			check = shape.CheckReduced
		}
		for _, wrong := range check(op, out.status, out.body) {
			w.fail("%s %s: the answer's shape: %s\n%s", method, path, wrong, out.body)
		}
	}
	if account != "in a browser" {
		w.harvest(account, out.json, 0)
	}
	return out
}

// serve has a request answered, and notes nothing: it may be called from several goroutines.
func (w *world) serve(r *http.Request) *reply {
	rec := httptest.NewRecorder()
	w.srv.ServeHTTP(rec, r)
	out := &reply{status: rec.Code, header: rec.Result().Header, body: rec.Body.Bytes()}
	d := json.NewDecoder(bytes.NewReader(out.body))
	d.UseNumber()
	if err := d.Decode(&out.json); err != nil {
		w.fail("%s %s: %v: %s", r.Method, r.URL.Path, err, out.body)
	}
	return out
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func (w *world) tally(of map[string]*tally, name string) *tally {
	if of[name] == nil {
		of[name] = &tally{}
	}
	return of[name]
}

// harvest keeps the ids of what an answer shows: itself, what it lists, and the charge of an intent. What is shown to one account is never another's.
func (w *world) harvest(account string, m map[string]any, depth int) {
	object, _ := m["object"].(string)
	id, _ := m["id"].(string)
	if deleted, _ := m["deleted"].(bool); deleted {
		w.forget(object, thing{id, account})
		w.seen[object+"/deleted"]++
		return
	}
	if object == "list" || object == "search_result" {
		data, _ := m["data"].([]any)
		for i, one := range data {
			if o, ok := one.(map[string]any); ok && i < 3 && depth == 0 {
				w.harvest(account, o, 1)
			}
		}
		return
	}
	if object == "" || id == "" || object == "country_spec" || object == "exchange_rate" || id == w.own {
		return
	}
	switch object {
	case "account", "person", "bank_account", "capability": // a platform sees those of its accounts, and they their own
	case "coupon": // its id may be chosen
	default:
		if whose, known := w.owner[id]; known && whose != account {
			w.fail("%s is %q's, and was shown to %q", id, whose, account)
		}
		w.owner[id] = account
	}
	for _, member := range []string{"customer", "account", "transfer", "fee", "charge", "source", "value_list"} {
		if s, _ := m[member].(string); s != "" {
			w.parent[id] = s
			break
		}
	}
	status, _ := m["status"].(string)
	w.keep(object, thing{id, account}, status)
	for member, name := range map[string]string{"latest_charge": "charge", "latest_payment_attempt_record": "payment_attempt_record"} {
		if s, _ := m[member].(string); s != "" {
			w.keep(name, thing{s, account}, "")
		}
	}
	for _, name := range []string{"balance_transaction", "transfer", "application_fee", "mandate", "review"} {
		if s, _ := m[name].(string); s != "" {
			w.keep(name, thing{s, account}, "")
		}
	}
	if pm, _ := m["payment_method_details"].(map[string]any); object == "charge" && pm != nil {
		typ, _ := pm["type"].(string)
		w.seen["charge by "+typ+"/"+status]++
		if way := paymethod.Types[typ]; way != nil && way.Refund.How == "action" && status == "succeeded" {
			w.into("charge whose refund asks", thing{id, account})
		}
	}
	if typ, _ := m["type"].(string); object == "balance_transaction" || object == "customer_cash_balance_transaction" || object == "event" {
		w.seen[object+" "+typ]++
	}
	if action, _ := m["next_action"].(map[string]any); action != nil {
		w.links(action)
		if typ, _ := action["type"].(string); typ != "" {
			w.into(typ, thing{id, account})
		}
	}
}

// links keeps the pages that an action leads to.
func (w *world) links(v any) {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, "http://florin.test/") && !strings.HasSuffix(v, ".png") && !strings.HasSuffix(v, ".svg") && len(w.pages) < poolSize {
			w.pages = append(w.pages, v)
		}
	case map[string]any:
		for _, name := range sortedKeys(v) {
			w.links(v[name])
		}
	}
}

// keep puts a thing into its pools: of all, and of those with its status, which it may have changed.
func (w *world) keep(object string, t thing, status string) {
	w.into(object, t)
	if status == "" {
		return
	}
	pool := object + "/" + status
	was := w.status[t]
	if was == pool {
		return
	}
	w.seen[pool]++
	w.out(was, t)
	w.into(pool, t)
	w.status[t] = pool
}

func (w *world) into(name string, t thing) {
	pool := w.pools[name]
	for _, have := range pool {
		if have == t {
			return
		}
	}
	if len(pool) >= poolSize {
		pool = pool[1:]
	}
	w.pools[name] = append(pool, t)
}

func (w *world) out(name string, t thing) {
	for i, have := range w.pools[name] {
		if have == t {
			w.pools[name] = append(w.pools[name][:i:i], w.pools[name][i+1:]...)
			return
		}
	}
}

func (w *world) forget(object string, t thing) {
	w.out(object, t)
	w.out(w.status[t], t)
	delete(w.status, t)
}

// some draws a thing, more often a young one. ok is false where there is none.
func (w *world) some(pool string) (t thing, ok bool) {
	things := w.pools[pool]
	if len(things) == 0 {
		return thing{}, false
	}
	n := min(w.rand.IntN(len(things)), w.rand.IntN(len(things)))
	return things[len(things)-1-n], true
}

// mostly draws of those with a status, as they now stand, and sometimes of others, where what is asked may be refused.
func (w *world) mostly(percent int, pool, other string) (thing, bool) {
	if w.chance(percent) {
		for range 4 {
			t, ok := w.some(pool)
			if !ok {
				break
			}
			w.get(t.account, "/v1/"+other+"s/"+t.id)
			if w.status[t] == pool {
				return t, true
			}
		}
	}
	return w.some(other)
}

// child draws a thing whose parent is known.
func (w *world) child(object string) (t thing, parent string, ok bool) {
	if t, ok = w.some(object); ok {
		parent = w.parent[t.id]
	}
	return t, parent, parent != ""
}

// someOf is some, of one account: its id, or "".
func (w *world) someOf(object, account string) string {
	for range 5 {
		if t, ok := w.some(object); ok && t.account == account {
			return t.id
		}
	}
	return ""
}

func (w *world) chance(percent int) bool { return w.rand.IntN(100) < percent }

func (w *world) pick(s ...string) string { return s[w.rand.IntN(len(s))] }

// maybe is a value, or nothing.
func (w *world) maybe(percent int, s string) string {
	if w.chance(percent) {
		return s
	}
	return ""
}

// between draws an amount.
func (w *world) between(low, high int64) string {
	return strconv.FormatInt(low+w.rand.Int64N(high-low+1), 10)
}
