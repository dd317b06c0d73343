package audit

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/jsontext"
	"florin/internal/ledger"
	"florin/internal/search"
	"florin/internal/spec"
	"florin/internal/store"
)

// document holds one document to all rules that can be seen from it.
func (a *auditor) document(d *store.Doc) error {
	a.secretsIn(d.ID, d.Body)
	a.secretsIn(d.ID, d.Priv)
	for _, e := range a.entries(d) {
		a.add(a.due, d.Scope, e, store.Pos{Created: d.Created, Seq: d.Seq}, d.ID)
	}
	if d.Deleted {
		return nil
	}
	if !strings.HasPrefix(d.Kind, "_") { // a task stands at the time when it is due
		a.latest = max(a.latest, d.Created)
	}
	a.status(d)
	if err := a.references(d); err != nil {
		return err
	}
	switch d.Kind {
	case "balance_transaction":
		return a.transaction(d)
	case "charge":
		a.charge(d)
	case "refund":
		a.refund(d)
	case "dispute":
		a.dispute(d)
	case "payment_intent":
		return a.intent(d)
	case "event":
		return a.event(d)
	case api.Deliveries.Name:
		return a.delivery(d)
	case "_idempotency":
		return a.answer(d)
	}
	return nil
}

// number is the integer at a path. What is none counts as zero, and is found by the rule that it breaks.
func number(body []byte, path string) int64 {
	n, _ := strconv.ParseInt(jsontext.Text(body, path), 10, 64)
	return n
}

func (a *auditor) transaction(d *store.Doc) error {
	a.transactions.count++
	var moves []store.Move
	if err := a.snap.Moves(d.Scope, d.ID, func(m store.Move) bool { moves = append(moves, m); return true }); err != nil {
		return err
	}
	currency, fee, net, on := jsontext.Text(d.Body, "currency"), number(d.Body, "fee"), number(d.Body, "net"), number(d.Body, "available_on")
	if err := ledger.Check(moves, currency, number(d.Body, "amount"), fee, net); err != nil {
		a.transactions.found("%s: %v", d.ID, err)
	}
	var details int64
	jsontext.Items(jsontext.Get(d.Body, "fee_details"), func(v []byte) bool { details += number(v, "amount"); return true })
	if details != fee {
		a.transactions.found("%s: its fee details come to %d, not %d", d.ID, details, fee)
	}
	if i := slices.IndexFunc(moves, func(m store.Move) bool { return m.AvailableOn != on }); i >= 0 {
		a.transactions.found("%s: a move is available on %d, not %d", d.ID, moves[i].AvailableOn, on)
	}
	a.net[purse{scope: d.Scope, currency: currency}] += net
	return nil
}

// charge compares what a charge says of itself. What was authorized is its amount, or what its private part says that the network holds.
func (a *auditor) charge(d *store.Doc) {
	a.charges.count++
	refunded, captured := number(d.Body, "amount_refunded"), number(d.Body, "amount_captured")
	authorized := max(number(d.Body, "amount"), number(d.Priv, "authorized"))
	switch {
	case letGo(d) && refunded == authorized: // a hold that was given back by a refund
	case refunded < 0 || captured < 0:
		a.charges.found("%s: refunded %d, captured %d", d.ID, refunded, captured)
	case refunded > captured:
		a.charges.found("%s: refunded %d of captured %d", d.ID, refunded, captured)
	case captured > authorized:
		a.charges.found("%s: captured %d of authorized %d", d.ID, captured, authorized)
	}
	if refunded != 0 {
		a.charged[docKey{d.Scope, d.ID}] = refunded
	}
}

// letGo says whether a charge captured nothing, and what it held has been let go.
func letGo(d *store.Doc) bool {
	return number(d.Body, "amount_captured") == 0 && jsontext.Text(d.Priv, "released") == "true"
}

func (a *auditor) refund(d *store.Doc) {
	if charge := jsontext.Text(d.Body, "charge"); charge != "" {
		a.refunds[docKey{d.Scope, charge}] += refundTakes(d.Body)
	}
}

// refundTakes is how much a refund takes of its charge.
func refundTakes(body []byte) int64 {
	switch jsontext.Text(body, "status") {
	case "failed", "canceled":
		return 0
	}
	return number(body, "amount")
}

func (a *auditor) compareRefunds() {
	for key := range a.refunds {
		if _, ok := a.charged[key]; !ok {
			a.charged[key] = 0
		}
	}
	for key, amount := range a.charged {
		a.refunded.count++
		if got := a.refunds[key]; got != amount {
			a.refunded.found("%s: amount_refunded is %d, its refunds come to %d", key.id, amount, got)
		}
	}
}

func (a *auditor) intent(d *store.Doc) error {
	received := number(d.Body, "amount_received")
	if received == 0 && jsontext.Text(d.Body, "latest_charge") == "" {
		return nil
	}
	a.intents.count++
	var captured int64
	q := store.Query{Scope: d.Scope, Index: "charge.payment_intent", Value: search.Fold(d.ID)}
	err := a.snap.Scan(q, func(ch *store.Doc) bool {
		if jsontext.Text(ch.Body, "payment_intent") == d.ID && jsontext.Text(ch.Body, "status") == "succeeded" {
			captured += number(ch.Body, "amount_captured")
		}
		return true
	})
	if received != captured {
		a.intents.found("%s: amount_received is %d, its charges captured %d", d.ID, received, captured)
	}
	return err
}

// statusesOf are the statuses of kinds that the spec does not list.
var statusesOf = map[string][]string{
	"refund":              {"pending", "requires_action", "succeeded", "failed", "canceled"},
	"balance_transaction": {"available", "pending"},
	"webhook_endpoint":    {"enabled", "disabled"},
}

func (a *auditor) status(d *store.Doc) {
	known := statusesOf[d.Kind]
	if s := spec.SchemaOf(d.Kind); known == nil && s != nil {
		if p := s.Property("status"); p != nil {
			known = p.Enum
		}
	}
	if len(known) == 0 {
		return
	}
	a.statuses.count++
	if status := jsontext.Text(d.Body, "status"); !slices.Contains(known, status) {
		a.statuses.found("%s: a %s has no status %q", d.ID, d.Kind, status)
	}
}

func (a *auditor) event(d *store.Doc) error {
	a.events.count++
	shows, err := api.Shown(d)
	if err != nil || shows.Ref == "" {
		a.events.found("%s: shows nothing", d.ID)
		return nil
	}
	scope := d.Scope
	if shows.System { // an account
		scope = store.System
	}
	v, err := a.snap.Version(scope, shows.Ref, shows.Ver)
	if err != nil {
		return err
	}
	if v == nil {
		a.events.found("%s: shows version %d of %s, which is not kept", d.ID, shows.Ver, shows.Ref)
		return nil
	}
	a.secretsIn(fmt.Sprintf("version %d of %s", shows.Ver, shows.Ref), v.Body)
	a.keyOf(d, shows.Ref)
	return nil
}

// reuse is how many seconds must pass before a key can make another charge. Known from: facts 04 (5).
const reuse = 86400

// keyOf notes under which idempotency key, and by which request, a charge was made, by the event that its making left. One request may make several: a
// bank transfer pays all intents that wait for it.
func (a *auditor) keyOf(d *store.Doc, charge string) {
	switch jsontext.Text(d.Body, "type") {
	case "charge.succeeded", "charge.failed", "charge.pending":
	default:
		return
	}
	key := jsontext.Text(d.Body, "request.idempotency_key")
	if key == "" {
		return
	}
	a.keys.count++
	k := maphash.String(a.seed, strconv.FormatInt(int64(d.Scope), 10)+"/"+key)
	this := keyedCharge{maphash.String(a.seed, jsontext.Text(d.Body, "request.id")), d.Created}
	other, seen := a.keyed[k]
	if seen && other.request != this.request && max(other.created, this.created)-min(other.created, this.created) < reuse {
		a.keys.found("%s: its key %s made another charge, too", charge, key)
	}
	a.keyed[k] = this
}

func (a *auditor) delivery(d *store.Doc) error {
	a.deliveries.count++
	scope := store.Scope(number(d.Body, "account"))
	for _, kind := range []string{"event", "webhook_endpoint"} {
		id := jsontext.Text(d.Body, strings.TrimPrefix(kind, "webhook_"))
		if home := number(d.Body, "home"); home != 0 && kind != "event" { // the platform's, of a connected account
			scope = store.Scope(home)
		}
		got, err := a.snap.Get(scope, id)
		if err != nil {
			return err
		}
		if got == nil || got.Kind != kind {
			a.deliveries.found("%s: there is no %s %q", d.ID, kind, id)
		}
	}
	var last []byte
	jsontext.Items(jsontext.Get(d.Body, "attempts"), func(v []byte) bool { last = v; return true })
	status := number(last, "status")
	confirmed, wasStopped := status >= 200 && status <= 299, status == 0 && jsontext.Text(last, "error") != ""
	queue := jsontext.Text(d.Body, "queue")
	if queue == "due" || queue == "failed" && last != nil || queue == "" && (confirmed || wasStopped) {
		return nil
	}
	a.deliveries.found("%s: in queue %q, with a last attempt that ended with %d", d.ID, queue, status)
	return nil
}

func (a *auditor) answer(d *store.Doc) error {
	a.answers.count++
	ref, ver := jsontext.Text(d.Body, "ref"), number(d.Body, "ver")
	if ref == "" {
		return nil
	}
	v, err := a.snap.Version(d.Scope, ref, ver)
	if err == nil && v == nil {
		a.answers.found("%s: answers with version %d of %s, which is not kept", d.ID, ver, ref)
	}
	return err
}

// deep is how far references are looked for, in levels of a document.
const deep = 8

// alsoRefs are members with ids that the spec does not mark as such.
var alsoRefs = map[string][]string{"charge": {"payment_method"}}

// references looks up the ids in a document: those of the members that the spec says can be expanded, at any depth.
func (a *auditor) references(d *store.Doc) error {
	s := spec.SchemaOf(d.Kind)
	if s == nil || d.Scope == store.System {
		return nil
	}
	for _, member := range alsoRefs[d.Kind] {
		// A card that was charged without being kept ("card_…") is no object.
		if id := jsontext.Text(d.Body, member); !strings.HasPrefix(id, "card_") {
			if err := a.refers(d, member, id, nil); err != nil {
				return err
			}
		}
	}
	return a.refsIn(d, d.Body, s.Shape(), "", deep)
}

func (a *auditor) refsIn(d *store.Doc, v []byte, t *spec.Type, path string, depth int) (err error) {
	if len(v) == 0 || depth == 0 {
		return nil
	}
	switch {
	case t.Kind == spec.Ref && v[0] == '"' && t.Expandable:
		return a.refers(d, path, jsontext.Scalar(v), t.Refs)
	case t.Kind == spec.Ref && v[0] == '{':
		if s := schemaOf(v, t.Refs); s != nil {
			return a.refsIn(d, v, s.Shape(), path, depth-1)
		}
	case t.Kind == spec.Object && v[0] == '{':
		jsontext.Members(v, func(key string, value []byte) bool {
			if f := t.Field(key); f != nil {
				err = a.refsIn(d, value, &f.Type, path+"."+key, depth-1)
			}
			return err == nil
		})
	case t.Kind == spec.Array && v[0] == '[' && t.Item != nil:
		jsontext.Items(v, func(item []byte) bool {
			err = a.refsIn(d, item, t.Item, path+"[]", depth-1)
			return err == nil
		})
	}
	return err
}

// schemaOf finds which of the schemas an object follows.
func schemaOf(v []byte, names []string) *spec.Schema {
	object := jsontext.Text(v, "object")
	for _, n := range names {
		if s := spec.SchemaOf(n); s != nil && (len(names) == 1 || object != "" && s.Resource == object) {
			return s
		}
	}
	return nil
}

// refers looks an id up. Applications are none of ours, Radar's own rules are in its code, files are not kept yet (test mode's have no content), and
// accounts are kept in the system's scope.
func (a *auditor) refers(d *store.Doc, path, id string, schemas []string) error {
	if id == "" || slices.Contains(schemas, "application") || slices.Contains(schemas, "rule") || slices.Contains(schemas, "file") {
		return nil
	}
	scope := d.Scope
	if slices.Contains(schemas, "account") {
		scope = store.System
	}
	a.refs.count++
	got, err := a.snap.Get(scope, id)
	for _, kind := range schemas { // or the merchant has chosen it
		if err == nil && got == nil {
			got, err = a.snap.Get(scope, api.ChosenKey(kind, id))
		}
	}
	if err == nil && got == nil {
		a.refs.found("%s: %s is %s, which does not exist there", d.ID, strings.TrimPrefix(path, "."), id)
	}
	return err
}

// secretsIn looks for card numbers and secret keys in JSON.
func (a *auditor) secretsIn(where string, body []byte) {
	if len(body) == 0 {
		return
	}
	a.secrets.count++
	if prefix := secretKey(body); prefix != "" {
		a.secrets.found("%s: %s…", where, prefix)
	}
	if member, ok := cardNumber(body); ok {
		a.secrets.found("%s: what looks like a card number in %s", where, member)
	}
}
