// Package export writes what an account has as JSON lines or CSV, in the order in which it was made. It reads a page at a time, so its memory does not
// grow, and a server that writes meanwhile is not held up: each object is as it was when its page was read.
//
// JSON lines are the API's objects in its newest version, CSV a choice of their members. What lets its holder act, such as a client secret, is in
// neither.
package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/jsontext"
	"florin/internal/store"
)

// Moves is the type of the ledger's moves, which the API does not show.
const Moves = "moves"

// A Type is what can be exported.
type Type struct {
	Name    string // as in the API's paths
	kind    string
	columns string // of CSV: members by their paths, of which metadata and other objects are written as JSON
}

// Types are all that can be exported.
var Types = []Type{
	{"charges", "charge", "id created amount amount_captured amount_refunded currency status paid captured refunded disputed customer payment_intent payment_method " +
		"balance_transaction failure_code failure_message outcome.network_status outcome.reason outcome.risk_level payment_method_details.type " +
		"payment_method_details.card.brand payment_method_details.card.last4 payment_method_details.card.country payment_method_details.card.funding " +
		"billing_details.name billing_details.email receipt_email description statement_descriptor application_fee_amount on_behalf_of transfer " +
		"transfer_group livemode metadata"},
	{"payment_intents", "payment_intent", "id created amount amount_received amount_capturable currency status capture_method customer payment_method latest_charge " +
		"canceled_at cancellation_reason last_payment_error.code last_payment_error.decline_code receipt_email description statement_descriptor " +
		"application_fee_amount on_behalf_of transfer_group livemode metadata"},
	{"balance_transactions", "balance_transaction", "id created available_on type reporting_category amount fee net currency exchange_rate status source description " +
		"fee_details"},
	{"customers", "customer", "id created email name phone description balance currency delinquent address.line1 address.line2 address.city address.postal_code " +
		"address.state address.country livemode metadata"},
	{"refunds", "refund", "id created amount currency status reason charge payment_intent balance_transaction failure_reason metadata"},
	{"disputes", "dispute", "id created amount currency status reason charge payment_intent evidence_details.due_by is_charge_refundable balance_transactions " +
		"livemode metadata"},
	{"payouts", "payout", "id created arrival_date amount currency status type method automatic destination balance_transaction failure_code failure_message " +
		"statement_descriptor description livemode metadata"},
	{"transfers", "transfer", "id created amount amount_reversed currency destination destination_payment source_transaction balance_transaction reversed " +
		"transfer_group description livemode metadata"},
	{"application_fees", "application_fee", "id created amount amount_refunded currency account charge refunded balance_transaction livemode"},
	{"payment_methods", "payment_method", "id created type customer card.brand card.last4 card.exp_month card.exp_year card.country card.funding card.fingerprint " +
		"billing_details.name billing_details.email livemode metadata"},
	{"setup_intents", "setup_intent", "id created status usage customer payment_method latest_attempt cancellation_reason description livemode metadata"},
	{"events", "event", "id created type api_version account request.id request.idempotency_key data.object.id data.object.object livemode"},
	{Moves, "", "seq created available_on from to currency amount source livemode"},
}

// An Order says what is wanted.
type Order struct {
	Type       string
	CSV        bool     // else JSON lines
	Columns    []string // of CSV; nil: those of the type
	Scopes     []store.Scope
	From, Till int64 // Unix seconds of Created: at or after, and before; 0: no bound
}

// pageSize is how many objects are read at once.
const pageSize = 100

// Find finds a type by its name.
func Find(name string) (*Type, error) {
	var names []string
	for i := range Types {
		if Types[i].Name == name {
			return &Types[i], nil
		}
		names = append(names, Types[i].Name)
	}
	return nil, fmt.Errorf("there is no type %q to export; there are %s", name, strings.Join(names, ", "))
}

// Write writes what is ordered.
func Write(ctx context.Context, app *api.App, o *Order, out io.Writer) (n int64, err error) {
	t, err := Find(o.Type)
	if err != nil {
		return 0, err
	}
	w := &writer{out: out}
	if o.CSV {
		w.columns = o.Columns
		if w.columns == nil {
			w.columns = strings.Fields(t.columns)
		}
		w.csv = csv.NewWriter(out)
		if err := w.csv.Write(w.columns); err != nil {
			return 0, err
		}
	}
	for _, scope := range o.Scopes {
		if t.Name == Moves {
			err = w.moves(ctx, app.Store, scope, o)
		} else {
			err = w.objects(ctx, app, t.kind, scope, o)
		}
		if err != nil {
			return w.n, err
		}
	}
	if w.csv != nil {
		w.csv.Flush()
		err = w.csv.Error()
	}
	return w.n, err
}

type writer struct {
	out     io.Writer
	csv     *csv.Writer
	columns []string
	row     []string
	line    []byte
	n       int64
}

func (w *writer) objects(ctx context.Context, app *api.App, kind string, scope store.Scope, o *Order) error {
	q := store.Query{Scope: scope, MinCreated: o.From}
	if o.Till != 0 {
		q.MaxCreated = o.Till - 1
	}
	for {
		shown, last, err := app.Page(ctx, kind, q, pageSize)
		if err != nil {
			return err
		}
		for _, body := range shown {
			if err := w.object(body); err != nil {
				return err
			}
		}
		if last == nil {
			return nil
		}
		q.After = last
	}
}

func (w *writer) moves(ctx context.Context, db *store.DB, scope store.Scope, o *Order) error {
	snap, err := db.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	var failed error
	err = snap.WalkMoves(func(m store.Move) bool {
		if m.Scope != scope || m.Created < o.From || o.Till != 0 && m.Created >= o.Till {
			return true
		}
		var body []byte
		body, failed = json.Marshal(struct {
			Seq         int64  `json:"seq"`
			Created     int64  `json:"created"`
			AvailableOn int64  `json:"available_on"`
			From        string `json:"from"`
			To          string `json:"to"`
			Currency    string `json:"currency"`
			Amount      int64  `json:"amount"`
			Source      string `json:"source"`
			Livemode    bool   `json:"livemode"`
		}{m.Seq, m.Created, m.AvailableOn, m.From, m.To, m.Currency, m.Amount, m.Source, scope.Live()})
		if failed == nil {
			failed = w.object(body)
		}
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// object writes one object.
func (w *writer) object(body []byte) error {
	w.n++
	body = open(body)
	if w.csv == nil {
		w.line = append(append(w.line[:0], body...), '\n')
		_, err := w.out.Write(w.line)
		return err
	}
	w.row = w.row[:0]
	for _, c := range w.columns {
		w.row = append(w.row, cell(body, c))
	}
	return w.csv.Write(w.row)
}

// cell is a member's value as CSV has it. Text that a spreadsheet would take for a formula gets an apostrophe.
func cell(body []byte, path string) string {
	v := jsontext.Get(body, path)
	switch {
	case len(v) == 0 || bytes.Equal(v, []byte("null")) || bytes.Equal(v, []byte("{}")):
		return ""
	case v[0] == '"':
		s := jsontext.Scalar(v)
		if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
			s = "'" + s
		}
		return s
	}
	return string(v)
}

// secrets are members that let their holder act.
var secrets = []string{"client_secret", "secret", "payload"}

// open leaves of an object what anybody may see who may see the account's data.
func open(v []byte) []byte {
	found := false
	for _, s := range secrets {
		found = found || bytes.Contains(v, []byte(strconv.Quote(s)))
	}
	if !found {
		return v
	}
	return without(nil, v)
}

func without(out, v []byte) []byte {
	switch {
	case len(v) > 0 && v[0] == '{':
		out = append(out, '{')
		first := true
		jsontext.Members(v, func(key string, value []byte) bool {
			if slices.Contains(secrets, key) {
				return true
			}
			if !first {
				out = append(out, ',')
			}
			first = false
			out = append(jsontext.AppendString(out, key), ':')
			out = without(out, value)
			return true
		})
		return append(out, '}')
	case len(v) > 0 && v[0] == '[':
		out = append(out, '[')
		first := true
		jsontext.Items(v, func(item []byte) bool {
			if !first {
				out = append(out, ',')
			}
			first = false
			out = without(out, item)
			return true
		})
		return append(out, ']')
	}
	return append(out, v...)
}
