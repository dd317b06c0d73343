package main

import "time"

// A row is one thing that is measured: one line of the table.
type row struct {
	name    string
	unit    string // what is counted
	against string // the row that is its limit: the ratio is to that
	full    bool   // measured only with -full, or when -rows names it
	run     func(b *bench) (*sample, error)
}

// rows are all rows, in the order of the table and of each round.
var rows = []row{
	{name: "pay, 1 connection", unit: "payments", run: onPlain(pay, 1)},
	{name: "pay, 16 connections", unit: "payments", run: onPlain(pay, 16)},
	{name: "pay, 64 connections", unit: "payments", against: "bare: pay, 64 connections", run: onPlain(pay, 64)},
	{name: "pay, 256 connections", unit: "payments", run: onPlain(pay, 256)},
	{name: "pay, 64 connections, TLS", unit: "payments", against: "bare: pay, 64 connections, TLS", run: onTLS(pay, 64)},
	{name: "pay, 1 connection, webhook", unit: "payments", full: true, run: onHooked(1, "*")},
	{name: "pay, 64 connections, webhook", unit: "payments", against: "bare: pay, 64 connections", run: onHooked(64, "*")},
	{name: "pay, 64 connections, webhook for one event", unit: "payments", against: "bare: pay, 64 connections", run: onHooked(64, "payment_intent.succeeded")},
	{name: "create, then confirm, 1 connection", unit: "payments", full: true, run: onPlain(createThenConfirm, 1)},
	{name: "create, then confirm, 16 connections", unit: "payments", full: true, run: onPlain(createThenConfirm, 16)},
	{name: "create, then confirm, 64 connections", unit: "payments", run: onPlain(createThenConfirm, 64)},
	{name: "retrieve, 64 connections", unit: "reads", against: "bare: retrieve, 64 connections", run: onPlain(retrieve, 64)},
	{name: "list 10, 64 connections", unit: "reads", against: "bare: list 10, 64 connections", run: onPlain(list10, 64)},
	{name: "list 100, 64 connections", unit: "reads", against: "bare: list 100, 64 connections", run: onPlain(list100, 64)},
	{name: "1 payment : 14 retrieves : 2 lists of 10, 64 connections", unit: "requests", run: onPlain(mix, 64)},
	{name: "PostgreSQL: pay, 64 connections", unit: "payments", against: "bare: pay, 64 connections", run: onPostgres(pay, 64, 1)},
	{name: "PostgreSQL: pay, two nodes, 64 connections", unit: "payments", run: onPostgres(pay, 64, 2)},
	{name: "PostgreSQL: retrieve, 64 connections", unit: "reads", against: "bare: retrieve, 64 connections", run: onPostgres(retrieve, 64, 1)},
	{name: "stripe-mock: create an intent, 64 connections", unit: "answers", full: true, run: onPeer(stripeMock)},
	{name: "localstripe: create an intent, 64 connections", unit: "answers", full: true, run: onPeer(localstripe)},
	{name: "create an intent, 64 connections", unit: "intents", full: true, run: onPlain(createIntent, 64)},
	{name: "retrieve, 64 connections, TLS", unit: "reads", full: true, against: "bare: retrieve, 64 connections, TLS", run: onTLS(retrieve, 64)},

	{name: "bare: pay, 1 connection", unit: "answers", full: true, run: onBare(pay, 1)},
	{name: "bare: pay, 64 connections", unit: "answers", run: onBare(pay, 64)},
	{name: "bare: pay, 64 connections, TLS", unit: "answers", run: onBareTLS(pay, 64)},
	{name: "bare: retrieve, 64 connections", unit: "answers", run: onBare(retrieve, 64)},
	{name: "bare: retrieve, 64 connections, TLS", unit: "answers", full: true, run: onBareTLS(retrieve, 64)},
	{name: "bare: list 10, 64 connections", unit: "answers", run: onBare(list10, 64)},
	{name: "bare: list 100, 64 connections", unit: "answers", run: onBare(list100, 64)},
	{name: engineRow, unit: "payments", run: func(b *bench) (*sample, error) { return b.alone.sample(64, b.slice) }},
	{name: "disk: append 16 KB and fsync, 1 writer", unit: "fsyncs", run: func(b *bench) (*sample, error) { return b.fsyncs(b.slice / 4) }},
}

const engineRow = "engine alone, 64 writers"

const (
	warm     = 250 * time.Millisecond
	settling = 3 * time.Second // for what a server does about a load when it is over
	patience = 8 * time.Second // for webhooks
)

func onPlain(w workload, conns int) func(*bench) (*sample, error) {
	return func(b *bench) (*sample, error) { return b.on(b.plain, w, conns) }
}

func onTLS(w workload, conns int) func(*bench) (*sample, error) {
	return func(b *bench) (*sample, error) { return b.on(b.secure, w, conns) }
}

func onBare(w workload, conns int) func(*bench) (*sample, error) {
	return func(b *bench) (*sample, error) { return b.on(b.bare, w, conns) }
}

func onBareTLS(w workload, conns int) func(*bench) (*sample, error) {
	return func(b *bench) (*sample, error) { return b.on(b.bareTLS, w, conns) }
}

func onHooked(conns int, events string) func(*bench) (*sample, error) {
	return func(b *bench) (*sample, error) {
		return b.hooked(events, load{work: pay, conns: conns, warm: warm, run: b.slice}, patience)
	}
}

func (b *bench) on(t *target, w workload, conns int) (*sample, error) {
	l := load{work: w, conns: conns, warm: warm, run: b.slice}
	if t == b.plain || t == b.secure {
		l.during = func() { b.profileSlice(b.server) }
	}
	s, out, err := t.measure(l, settling)
	if err != nil {
		return nil, err
	}
	if t == b.plain || t == b.secure {
		b.paid += int64(len(out.made))
	}
	return s, nil
}
