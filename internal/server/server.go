// Package server wires the parts into a running Florin, and is the only package that knows them all. This file is the wiring; the rest is what
// stands around it: listeners and certificates (listen.go, cert.go), the request log (requestlog.go), and what the commands ask of a server
// (admin.go).
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"florin/internal/api"
	"florin/internal/clock"
	"florin/internal/domain/account"
	"florin/internal/domain/balance"
	"florin/internal/domain/billing"
	"florin/internal/domain/browser"
	"florin/internal/domain/cashbalance"
	"florin/internal/domain/catalog"
	"florin/internal/domain/checkout"
	"florin/internal/domain/customer"
	"florin/internal/domain/customersession"
	"florin/internal/domain/dispute"
	"florin/internal/domain/entitlement"
	"florin/internal/domain/ephemeralkey"
	"florin/internal/domain/event"
	"florin/internal/domain/file"
	"florin/internal/domain/forwarding"
	"florin/internal/domain/meter"
	"florin/internal/domain/methodconfig"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/paymentrecord"
	"florin/internal/domain/payout"
	"florin/internal/domain/radar"
	"florin/internal/domain/reference"
	"florin/internal/domain/secretstore"
	"florin/internal/domain/setup"
	"florin/internal/domain/taxid"
	"florin/internal/domain/testclock"
	"florin/internal/domain/topup"
	"florin/internal/domain/webhookendpoint"
	"florin/internal/download"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/keyring"
	"florin/internal/listen"
	"florin/internal/otlp"
	"florin/internal/page"
	"florin/internal/rail"
	"florin/internal/relay"
	"florin/internal/store"
	"florin/internal/store/memory"
	"florin/internal/store/postgres"
	"florin/internal/store/sqlite"
	"florin/internal/vault"
	"florin/internal/webhook"
)

// A Config says what kind of server it is to be. The zero value keeps everything in memory and listens nowhere.
type Config struct {
	Data   string // folder of the store, keys and certificates; "" keeps none of them
	Memory bool   // keep the store in memory, even where there is a folder; it is then used for certificates only
	Vault  string // where the master keys are, as vault.Open has it; "" is the file vault.key in Data
	// Postgres is the URL of a PostgreSQL that keeps the store, for this server and others: see postgres.go.
	Postgres string
	Idle     bool // leave the work in the background to other servers on the PostgreSQL: for commands

	HTTP              string   // address for plain HTTP, "" for none; port 0 picks one. Test keys only.
	HTTPS             string   // address for HTTPS, "" for none; port 0 picks one
	AllowInsecureHTTP bool     // let HTTP be on an address that other machines reach
	CertFile, KeyFile string   // a certificate in PEM, instead of one from the local authority
	Domains           []string // names that the certificate is for, besides those of this machine; the first is what URLs are made with
	ACME              bool     // get the certificate for Domains from Let's Encrypt
	ACMEEmail         string   // whom it may write to

	MaxConnections         int    // connections at a time; 0: some 16,000. Where there are more, those that wait longest between requests are closed
	MaxRequests            int    // requests that are worked on at a time; 0: as many as the machine can. More are turned away
	TestLimits, LiveLimits Limits // what one account may ask for; nil: anything
	// Watch stands around the handler, if it is not nil: tests see every answer go through it.
	Watch func(http.Handler) http.Handler

	Admin       string        // address for operators: metrics, health, profiles; "" for none, port 0 picks one
	Drain       time.Duration // how long the server goes on when it has been told to stop, and says so on /readyz
	LogRequests bool          // a line in the log for each request; without, it is one for debugging
	Traces      *otlp.Sender  // where traces go; nil: nowhere

	TestRail rail.Rail // stands in for the simulated network of test mode, in tests

	Clock clock.Clock  // clock.Real if nil
	Log   *slog.Logger // nowhere if nil
	// Audit checks everything that is stored and writes what it found.
	Audit func(ctx context.Context, db *store.DB, out io.Writer) error
}

// A Server is a Florin: a store, the domains on it, and when it has been started, listeners and workers.
type Server struct {
	App      *api.App
	Accounts *account.Accounts
	Payments *payment.Domain
	Radar    *radar.Domain
	Setups   *setup.Domain
	Vault    *vault.Vault

	cfg    Config
	db     *store.DB
	engine *postgres.Engine // nil: the store is this server's alone
	log    *slog.Logger
	clock  clock.Clock
	tls    *certificates
	record *RequestLog
	mounts []mount
	handle http.Handler

	files     file.Blobs
	keyring   *keyring.Keyring
	downloads http.Handler // the bytes of files

	deliverer *webhook.Deliverer
	listeners *listen.Listeners

	listening []*listening
	admin     *adminSocket
	port      *listening // for operators; nil if there is none
	seen      watch
	crowd     *crowd
	patience  patiences
	work      sync.WaitGroup
	stopWork  context.CancelFunc
	closing   sync.Once
	closed    error
}

// wire adds the domains to the app, lowest first. This is the page that shows how they hang together.
func (s *Server) wire() {
	app := s.App

	accounts := account.New(app, s.Vault)
	clocks := testclock.New()
	customers := customer.New()
	clocks.Deleted = append(clocks.Deleted, customers.ClockDeleted)
	balances := balance.New()
	meters := meter.New()
	meters.Now, meters.OnClock = customer.Now, customer.OnClock
	methods := paymentmethod.New(customers, s.Vault)
	setups := setup.New(methods, s.rails())
	ephemerals := ephemeralkey.New(app, accounts, s.Vault)
	payments := payment.New(customers, methods, balances, s.rails())
	guard := radar.New(app, methods, payments)
	disputes := dispute.New(balances, payments, guard)
	endpoints := webhookendpoint.New(app, s.Vault)
	payouts := payout.New(balances)
	files := file.New(s.files, s.Vault)
	app.Use(accounts, meters, clocks, customers, balances, methods, setups, payments, customersession.New(), ephemerals, event.New(), endpoints, catalog.New())
	app.Use(payouts, topup.New(balances, payouts), files, reference.New(), secretstore.New(s.Vault), forwarding.New(methods, relay.New()), taxid.New(customers))
	app.Use(methodconfig.New(), paymentrecord.New(methods), browser.New(payments, setups))
	app.Use(guard, disputes)
	bills := billing.New(clocks, customers, methods, setups, payments)
	checkouts := checkout.New(customers, methods, setups, payments, bills)
	app.Use(bills, entitlement.New(bills), checkouts)
	cash := cashbalance.New(customers)
	cash.Received = payments.FundsReceived
	app.Use(cash)

	app.Authenticate, app.PrincipalOf = ephemerals.Authenticate, accounts.PrincipalOf
	app.Elsewhere, methods.Platform = account.Elsewhere, account.PlatformScope
	accounts.Spend, accounts.TakeCard = methods.Spend, methods.TakePayoutCard
	app.Subscribers = endpoints.Subscribers
	pages := page.New(app, payments, setups)
	s.mount("/3d_secure_2/", pages)
	s.mount("/receipts/", pages)
	shops := page.Checkout(app, checkouts)
	s.mount(page.CheckoutPath, shops)
	s.mount(page.LinkPath, shops)
	for _, path := range page.MethodPaths() {
		s.mount(path, pages)
	}
	s.downloads = download.New(app, files)
	s.mount(file.Prefix, s.downloads)
	s.deliverer = webhook.New(app, s.db, s.Vault, s.clock, s.log)
	s.listeners = listen.New(app, s.Vault, accounts, s.deliverer, s.clock, s.log)
	app.Use(s.listeners)
	app.Requests = func(r *api.Record) {
		s.record.Add(r)
		s.seen.metrics.Requested(r)
		s.tellRequest(r)
		s.listeners.Requested(r)
	}
	s.mounts = append(s.mounts, mount{listen.Prefix, s.listeners, true})

	s.Accounts, s.Payments, s.Setups, s.Radar = accounts, payments, setups, guard
}

// rails are the ways out: the simulated network in test mode, and none in live mode until an acquirer is configured.
func (s *Server) rails() *rail.Rails {
	r := &rail.Rails{Test: rail.Network{}}
	if s.cfg.TestRail != nil {
		r.Test = s.cfg.TestRail
	}
	return r
}

// New opens the store in the folder, which it makes if need be, and wires the domains to it. Nothing listens and no work is done until Start.
func New(cfg Config) (_ *Server, err error) {
	s := &Server{cfg: cfg, log: cfg.Log, clock: cfg.Clock, crowd: newCrowd(cfg.MaxConnections), patience: patiences{headerTime, requestTime, answerTime, idleTime}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = clock.Real
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.open(); err != nil {
		return nil, err
	}
	if err := keyring.Open(context.Background(), s.db, s.Vault); err != nil {
		return nil, err
	}
	s.App = api.New(s.db, s.clock, s.log)
	s.App.Gate = api.NewGate(cfg.MaxRequests)
	s.App.SetLimits(cfg.TestLimits.rules(), cfg.LiveLimits.rules())
	s.db.OnBatch(s.App.Gate.Committed)
	if cfg.Traces != nil {
		s.App.Tracer = cfg.Traces.Tracer()
	}
	s.files = s.blobs()
	s.keyring = keyring.New(s.db, s.Vault, s.sealed(), s.App.Entries)
	s.wire()
	s.watch()
	s.handle = http.HandlerFunc(s.answer)
	if cfg.Watch != nil {
		s.handle = cfg.Watch(s.handle)
	}
	return s, nil
}

// The files of the data folder.
const (
	dbName    = "florin.db"
	vaultName = "vault.key"
	logName   = "logs/requests.log"
	tlsName   = "tls"
	filesName = "files"
)

// blobs is where uploaded files are kept: in the data folder, or in memory where the store is.
func (s *Server) blobs() file.Blobs {
	if e := s.engine; e != nil {
		return e
	}
	if s.cfg.Memory || s.cfg.Data == "" {
		return file.Memory()
	}
	return file.Folder(filepath.Join(s.cfg.Data, filesName))
}

// HasData says whether a folder holds a store.
func HasData(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, dbName))
	return err == nil
}

// open opens the store, the vault and the request log.
func (s *Server) open() (err error) {
	if s.cfg.Postgres != "" {
		return s.openPostgres()
	}
	if s.cfg.Memory || s.cfg.Data == "" {
		if s.db, err = store.Open(memory.New()); err != nil {
			return err
		}
		s.record = NewRequestLog("")
		s.Vault = vault.Memory()
		if s.cfg.Vault != "" {
			s.Vault, err = vault.Open(s.cfg.Vault, "")
		}
		return err
	}
	if err := os.MkdirAll(s.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	old := HasData(s.cfg.Data)
	engine, err := sqlite.Open(filepath.Join(s.cfg.Data, dbName), sqlite.Options{}) // locks the folder
	if err != nil {
		return err
	}
	if s.db, err = store.Open(engine); err != nil {
		return errors.Join(err, engine.Close())
	}
	ring := filepath.Join(s.cfg.Data, vaultName)
	if s.cfg.Vault == "" || strings.HasPrefix(s.cfg.Vault, "kms:") {
		if _, err := os.Stat(ring); err != nil && old {
			return fmt.Errorf("the master key is gone: there is a store in %s but no %s; put it back, or nothing that was sealed opens", s.cfg.Data, vaultName)
		}
	}
	if s.Vault, err = vault.Open(s.cfg.Vault, ring); err != nil {
		return err
	}
	s.record = NewRequestLog(filepath.Join(s.cfg.Data, logName))
	return nil
}

// DB is the server's store.
func (s *Server) DB() *store.DB { return s.db }

// Requests is the log of the requests that were answered.
func (s *Server) Requests() *RequestLog { return s.record }

// Starter is the first account and its test keys; the account is made if there is none, without a live secret key (what a server prints ends up in
// logs).
func (s *Server) Starter(ctx context.Context) (st *account.Starter, err error) {
	if st, err = s.Accounts.First(ctx); err != nil || st != nil {
		return st, err
	}
	err = s.db.Exclusively(ctx, "first account", func() error { // servers that start at once make one account between them
		if st, err = s.Accounts.First(ctx); err != nil || st != nil {
			return err
		}
		if _, err := s.Accounts.Create(ctx, account.Spec{Unattended: true}); err != nil {
			return fmt.Errorf("make the first account: %w", err)
		}
		st, err = s.Accounts.First(ctx)
		return err
	})
	return st, err
}

// Work does what is due, in the background, until Close. Start calls it.
func (s *Server) Work() {
	ctx, stop := context.WithCancel(context.Background())
	s.stopWork = stop
	s.listeners.Open(ctx) // before the first request, not when a worker comes to it: a CLI that is refused may give up
	s.work.Go(func() { s.App.Work(ctx) })
	s.work.Go(func() { s.deliverer.Run(ctx) })
	s.work.Go(func() { s.listeners.Run(ctx) })
	s.work.Go(func() { s.resume(ctx) })
	s.work.Go(func() { s.sweeper().Run(ctx) })
}

// Close stops everything: it takes no more requests, answers those that it has as far as there is time (see patience), ends the workers, and
// closes the store.
func (s *Server) Close() error {
	s.closing.Do(func() { s.closed = s.close() })
	return s.closed
}

func (s *Server) close() error {
	s.seen.draining.Store(true)
	errs := []error{s.stopListening()}
	if s.stopWork != nil {
		s.stopWork()
		s.work.Wait()
	}
	errs = append(errs, s.closeWatch())
	if s.record != nil {
		errs = append(errs, s.record.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

type mount struct {
	prefix  string
	handler http.Handler
	open    bool // holds connections open, which are not counted as requests that are worked on
}

// mount serves what is under a path, which ends in a slash, by another handler than the API's: pages for browsers.
func (s *Server) mount(prefix string, h http.Handler) {
	s.mounts = append(s.mounts, mount{prefix: prefix, handler: h})
}

// ServeHTTP answers everything that comes over a listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handle.ServeHTTP(w, r) }

// answer finds who answers.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if download.ForKey(path) {
		s.downloads.ServeHTTP(w, r)
		return
	}
	if strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/v2/") {
		s.App.ServeHTTP(w, r)
		return
	}
	for _, m := range s.mounts {
		if strings.HasPrefix(path, m.prefix) {
			if !m.open {
				if !s.App.Gate.Enter() {
					refuse(w, fault.Overloaded())
					return
				}
				defer s.App.Gate.Leave()
			}
			m.handler.ServeHTTP(w, r)
			return
		}
	}
	refuse(w, fault.UnknownURL(r.Method, r.URL.Path)) // without asking for a key, as Stripe does
}

// refuse answers what is not of the API.
func refuse(w http.ResponseWriter, f *fault.Error) {
	h := w.Header()
	h.Set("Server", "nginx")
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Request-Id", id.Request())
	if f.Retry {
		h.Set("Stripe-Should-Retry", "true")
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write(append(jsontext.Indent(nil, api.FaultBody(f, ""), 0), '\n')) // a client that is gone has no use for the error
}
