package cli

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"florin/internal/otlp"
	"florin/internal/server"
	"florin/internal/shape"
	"florin/internal/store/postgres"
)

func (r *run) serve() *cobra.Command {
	var cfg server.Config
	var ready, level, format, traces, limitsTest, limitsLive string
	var check bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API",
		Long: "Serve the API: plain HTTP for test keys on this machine, and HTTPS for all keys. The first start makes the data folder, an account with its keys\n" +
			"(the live secret key is made when it is wanted: `florin keys create --live`),\n" +
			"and a certificate authority of this machine's own (`florin cert` prints its path). SIGINT or SIGTERM ends it: it answers what it has, and loses nothing.\n\n" +
			"--limits-test and --limits-live say what one account may ask for in a mode: none, stripe for what Stripe publishes, or a list such as\n" +
			"stripe,requests=500,endpoint=none of\n" + server.LimitNames(),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := r.masterKeys()
			if err != nil {
				return err
			}
			cfg.Data, cfg.Vault, cfg.Audit = r.folder(), keys, r.Audit
			switch {
			case r.store == "sqlite":
			case r.store == "memory":
				cfg.Memory = true
			case postgres.Is(r.store):
				cfg.Postgres = r.store
			default:
				return mistake{fmt.Errorf("there is no store %q: it is sqlite, memory, or postgres://…", postgres.Masked(r.store))}
			}
			var at slog.Level
			if err := at.UnmarshalText([]byte(level)); err != nil {
				return mistake{fmt.Errorf("--log-level %q is none of debug, info, warn and error", level)}
			}
			for _, address := range []*string{&cfg.HTTP, &cfg.HTTPS} {
				if *address == "none" { // an empty variable in the environment counts as not set
					*address = ""
				}
			}
			switch {
			case cfg.HTTP == "" && cfg.HTTPS == "":
				return mistake{fmt.Errorf("with neither --http nor --https there is nothing to serve on")}
			case (cfg.CertFile == "") != (cfg.KeyFile == ""):
				return mistake{fmt.Errorf("--tls-cert and --tls-key go together")}
			case cfg.ACME && len(cfg.Domains) == 0:
				return mistake{fmt.Errorf("--acme needs the --domain that the certificate is for")}
			case cfg.ACME && cfg.CertFile != "":
				return mistake{fmt.Errorf("--acme and --tls-cert exclude each other")}
			}
			if cfg.TestLimits, err = server.ParseLimits(limitsTest, false); err != nil {
				return mistake{fmt.Errorf("--limits-test: %w", err)}
			}
			if cfg.LiveLimits, err = server.ParseLimits(limitsLive, true); err != nil {
				return mistake{fmt.Errorf("--limits-live: %w", err)}
			}
			switch format {
			case "text":
				cfg.Log = slog.New(slog.NewTextHandler(r.Err, &slog.HandlerOptions{Level: at}))
			case "json":
				cfg.Log = slog.New(slog.NewJSONHandler(r.Err, &slog.HandlerOptions{Level: at}))
			default:
				return mistake{fmt.Errorf("--log-format %q is neither text nor json", format)}
			}
			if endpoint := otlp.Endpoint(traces, r.Env); endpoint != "" {
				if cfg.Traces, err = otlp.New(endpoint, r.Env, cfg.Log); err != nil {
					return mistake{fmt.Errorf("--otlp: %w", err)}
				}
				defer cfg.Traces.Close()
			}
			if check {
				cfg.Watch = checked(cfg.Log)
			}
			return server.Run(cmd.Context(), cfg, ready, func(_ *server.Server, is *server.Ready) { r.greet(&cfg, is) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.HTTP, "http", "localhost:12111", "address for plain HTTP, for test keys; port 0 picks one, none is none")
	f.StringVar(&cfg.HTTPS, "https", "localhost:12112", "address for HTTPS; port 0 picks one, none is none")
	f.BoolVar(&cfg.AllowInsecureHTTP, "allow-insecure-http", false, "let --http be an address that other machines reach (test keys only)")
	f.StringVar(&cfg.CertFile, "tls-cert", "", "certificate in PEM, instead of one from the local authority; read again when it changes")
	f.StringVar(&cfg.KeyFile, "tls-key", "", "key of --tls-cert")
	f.StringSliceVar(&cfg.Domains, "domain", nil, "name that the server is reached by; may be given again")
	f.BoolVar(&cfg.ACME, "acme", false, "get the certificate for --domain from Let's Encrypt (port 443 must reach --https)")
	f.StringVar(&cfg.ACMEEmail, "acme-email", "", "whom Let's Encrypt may write to")
	f.StringVar(&ready, "ready-file", "", "write addresses and test keys to this file, as JSON, when the server answers")
	f.StringVar(&limitsTest, "limits-test", "none", "rate limits of each account in test mode: none, stripe, or a list")
	f.StringVar(&limitsLive, "limits-live", "stripe", "rate limits of each account in live mode: none, stripe, or a list")
	f.IntVar(&cfg.MaxRequests, "max-requests", 0, "requests that are worked on at a time, more are turned away; 0 is as many as the machine can")
	f.IntVar(&cfg.MaxConnections, "max-connections", 0, "connections at a time; where there are more, idle ones are closed; 0 is 16384")
	f.StringVar(&cfg.Admin, "admin", "", "address for operators: metrics, health, profiles; port 0 picks one (default none)")
	f.DurationVar(&cfg.Drain, "drain", 0, "how long to go on when told to stop, while /readyz says so")
	f.StringVar(&traces, "otlp", "", "base URL of a collector of OpenTelemetry traces, such as http://localhost:4318 (default $OTEL_EXPORTER_OTLP_ENDPOINT)")
	f.BoolVar(&cfg.LogRequests, "log-requests", false, "log a line for each request (without, --log-level debug does)")
	f.StringVar(&format, "log-format", "text", "text or json")
	f.StringVar(&level, "log-level", "info", "debug, info, warn or error")
	f.BoolVar(&check, "check-answers", false, "hold every answer to the shapes that Stripe publishes, and log those that differ")
	return cmd
}

// checked holds every answer to the spec.
func checked(log *slog.Logger) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return shape.Watch(h, func(r *http.Request, wrong []string, _ []byte) {
			log.Error("an answer differs from the spec", "method", r.Method, "path", r.URL.Path, "differences", wrong)
		})
	}
}

// greet says where the server is, and how to try it.
func (r *run) greet(cfg *server.Config, is *server.Ready) {
	p := func(format string, a ...any) { fmt.Fprintf(r.Out, format, a...) }
	p("Florin serves the Stripe API.\n\n")
	if is.HTTP != "" {
		p("  HTTP              %s   (test keys only)\n", is.HTTP)
	}
	if is.HTTPS != "" {
		p("  HTTPS             %s\n", is.HTTPS)
	}
	if is.CA != "" {
		p("  authority         %s\n", is.CA)
	}
	if is.Admin != "" {
		p("  operators         %s\n", is.Admin)
	}
	if cfg.Postgres != "" {
		p("  store             %s\n", postgres.Masked(cfg.Postgres))
	}
	if cfg.Memory {
		p("  data              in memory; gone when Florin ends\n")
	} else {
		p("  data              %s\n", cfg.Data)
	}
	p("  account           %s\n", is.Account)
	p("  publishable key   %s\n", is.PublishableKey)
	p("  secret key        %s\n", is.SecretKey)
	if is.SecretKey == "" {
		p("\nThe account has no secret test key; `florin keys create --type secret` makes one.\n")
		return
	}
	base, trust := is.HTTP, ""
	if base == "" {
		base = is.HTTPS
		if is.CA != "" {
			trust = " --cacert " + quote(is.CA)
		}
	}
	p("\nA first payment:\n\n")
	p("  curl%s %s/v1/payment_intents -u %s: \\\n", trust, base, is.SecretKey)
	p("    -d amount=2000 -d currency=usd -d payment_method=pm_card_visa -d confirm=true \\\n")
	p("    -d 'automatic_payment_methods[enabled]=true' -d 'automatic_payment_methods[allow_redirects]=never'\n\n")
	if f, ok := r.Out.(*os.File); ok {
		_ = f.Sync() // a harness may read a file that this goes to
	}
}

// quote writes a word so that a shell takes it as one.
func quote(s string) string {
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/' || c == '.' || c == '-' || c == '_') {
			return fmt.Sprintf("%q", s)
		}
	}
	return s
}
