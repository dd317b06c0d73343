package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"florin/internal/domain/account"
	"florin/internal/server"
)

func (r *run) accounts() *cobra.Command {
	var s account.Spec
	create := &cobra.Command{
		Use: "create", Short: "Make an account with its four keys", Args: noArgs,
		Long: "Make an account with its four keys: publishable and secret, for test and for live mode. The live secret key is shown now and never again.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var made account.Made
			if err := r.command(cmd.Context(), true, http.MethodPost, "/accounts", s, &made); err != nil {
				return err
			}
			return r.print(made, func(w io.Writer) {
				fmt.Fprintf(w, "account\t%s\n", made.Account)
				for _, k := range made.Keys {
					fmt.Fprintf(w, "%s %s key\t%s\n", mode(k.Livemode), k.Type, k.Secret)
				}
				fmt.Fprintln(w, "\nThe live secret key is not kept in clear: this is the last time that it is shown.")
			})
		},
	}
	create.Flags().StringVar(&s.Country, "country", "US", "two letters")
	create.Flags().StringVar(&s.Currency, "currency", "", "currency that it is paid out in (default that of the country)")
	create.Flags().StringVar(&s.Name, "name", "", "what the business is called")
	create.Flags().StringVar(&s.Email, "email", "", "address of the business")

	create.Flags().StringVar(&s.APIVersion, "api-version", "", "API version of requests that name none (default the newest that Florin is made of)")

	var ch account.Change
	update := &cobra.Command{
		Use: "update", Short: "Change an account's API version", Args: noArgs,
		Long: "Change an account's API version: that of requests that name none, and of events.\n\n  florin accounts update --api-version 2023-10-16",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if ch.APIVersion == "" {
				return mistake{errors.New("--api-version says which")}
			}
			o, err := r.office(cmd.Context(), false)
			if err != nil {
				return err
			}
			if ch.Account == "" {
				ch.Account, err = only(cmd, o)
			}
			var after account.Summary
			if err == nil {
				err = o.do(cmd.Context(), http.MethodPost, "/accounts/change", ch, &after)
			}
			if err := errors.Join(err, o.close()); err != nil {
				return err
			}
			return r.print(after, func(w io.Writer) { fmt.Fprintf(w, "%s uses API version %s now.\n", after.Account, after.Version) })
		},
	}
	update.Flags().StringVar(&ch.Account, "account", "", "which one (default the only account)")
	update.Flags().StringVar(&ch.APIVersion, "api-version", "", "such as 2023-10-16 or 2026-08-26.dahlia")

	list := &cobra.Command{
		Use: "list", Short: "List the accounts", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []account.Summary
			if err := r.command(cmd.Context(), false, http.MethodGet, "/accounts", nil, &all); err != nil {
				return err
			}
			return r.print(all, func(w io.Writer) {
				fmt.Fprintln(w, "ACCOUNT\tCOUNTRY\tCURRENCY\tAPI VERSION\tCREATED\tNAME")
				for _, a := range all {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", a.Account, a.Country, a.Currency, a.Version, stamp(a.Created), a.Name)
				}
			})
		},
	}
	g := group("accounts", "Make, change and list accounts", create, update, list)
	r.jsonFlag(g)
	return g
}

func (r *run) keys() *cobra.Command {
	g := group("keys", "Make, show, roll and end API keys",
		r.keysCreate(), r.keysList(), r.keysReveal(), r.keysRoll(), r.keysExpire(), r.keysPermissions())
	r.jsonFlag(g)
	return g
}

func (r *run) jsonFlag(c *cobra.Command) {
	c.PersistentFlags().BoolVar(&r.json, "json", false, "print JSON")
}

func (r *run) keysCreate() *cobra.Command {
	var n account.NewKey
	var permissions []string
	cmd := &cobra.Command{
		Use: "create", Short: "Make a key", Args: noArgs,
		Long: "Make a key. A live secret or restricted key is shown now and never again.\n\n" +
			"  florin keys create --type restricted --permission charge=read --permission customer=write",
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, p := range permissions {
				resource, level, ok := strings.Cut(p, "=")
				if !ok {
					return mistake{fmt.Errorf("--permission %q is not RESOURCE=read or RESOURCE=write", p)}
				}
				if n.Permissions == nil {
					n.Permissions = map[string]string{}
				}
				n.Permissions[resource] = level
			}
			o, err := r.office(cmd.Context(), false)
			if err != nil {
				return err
			}
			var k account.View
			if n.Account == "" {
				n.Account, err = only(cmd, o)
			}
			if err == nil {
				err = o.do(cmd.Context(), http.MethodPost, "/keys", n, &k)
			}
			if err := errors.Join(err, o.close()); err != nil {
				return err
			}
			return r.print(k, func(w io.Writer) { r.shown(w, &k) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&n.Account, "account", "", "whose key it is (default the only account)")
	f.StringVar(&n.Type, "type", account.Secret, "publishable, secret or restricted")
	f.BoolVar(&n.Live, "live", false, "make it for live mode")
	f.StringVar(&n.Name, "name", "", "what it is for, so that people know it again")
	f.StringArrayVar(&permissions, "permission", nil, "what a restricted key may do, such as charge=read; may be given again (`florin keys permissions` lists them)")
	return cmd
}

// only is the account, where there is one.
func only(cmd *cobra.Command, o *office) (string, error) {
	var all []account.Summary
	if err := o.do(cmd.Context(), http.MethodGet, "/accounts", nil, &all); err != nil {
		return "", err
	}
	switch len(all) {
	case 0:
		return "", account.Problem("there is no account yet; `florin accounts create` makes one")
	case 1:
		return all[0].Account, nil
	}
	return "", mistake{fmt.Errorf("there are %d accounts: say which with --account", len(all))}
}

// shown tells a key that was just made or revealed.
func (r *run) shown(w io.Writer, k *account.View) {
	fmt.Fprintf(w, "key\t%s\n%s %s key\t%s\n", k.Key, mode(k.Livemode), k.Type, k.Secret)
	if !k.Revealable {
		fmt.Fprintln(w, "\nIt is not kept in clear: this is the last time that it is shown.")
	}
}

func (r *run) keysList() *cobra.Command {
	var of string
	cmd := &cobra.Command{
		Use: "list", Short: "List the keys, masked", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list []account.View
			if err := r.command(cmd.Context(), false, http.MethodGet, "/keys?account="+url.QueryEscape(of), nil, &list); err != nil {
				return err
			}
			return r.print(list, func(w io.Writer) {
				fmt.Fprintln(w, "KEY\tACCOUNT\tMODE\tTYPE\tMASKED\tCREATED\tENDS\tNAME")
				for _, k := range list {
					ends := "-"
					switch {
					case k.Expired:
						ends = "ended " + stamp(k.ExpiresAt)
					case k.ExpiresAt != 0:
						ends = stamp(k.ExpiresAt)
					}
					masked := k.Masked[:8] + "…" + k.Masked[len(k.Masked)-4:]
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.Key, k.Account, mode(k.Livemode), k.Type, masked, stamp(k.Created), ends, k.Name)
				}
			})
		},
	}
	cmd.Flags().StringVar(&of, "account", "", "of this account only")
	return cmd
}

const keyArgument = "the key's name (mk_…, from `florin keys list`), or the key itself"

func (r *run) keysReveal() *cobra.Command {
	return &cobra.Command{
		Use: "reveal KEY", Short: "Show a test key, or a publishable one, in clear", Args: oneArg(keyArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			var k account.View
			if err := r.command(cmd.Context(), false, http.MethodPost, "/keys/reveal", server.KeyOrder{Key: args[0]}, &k); err != nil {
				return err
			}
			return r.print(k, func(w io.Writer) { fmt.Fprintln(w, k.Secret) })
		},
	}
}

func (r *run) keysRoll() *cobra.Command {
	var in time.Duration
	cmd := &cobra.Command{
		Use: "roll KEY", Short: "Make a key that takes the place of another", Args: oneArg(keyArgument),
		Long: "Make a key that takes the place of another. The old one ends at once, or with --expire-in after a while, 7 days at the most; until then both work.",
		RunE: func(cmd *cobra.Command, args []string) error {
			var rolled server.Rolled
			order := server.KeyOrder{Key: args[0], Seconds: int64(in / time.Second)}
			if err := r.command(cmd.Context(), false, http.MethodPost, "/keys/roll", order, &rolled); err != nil {
				return err
			}
			return r.print(rolled, func(w io.Writer) {
				r.shown(w, rolled.Made)
				if in == 0 {
					fmt.Fprintf(w, "\n%s has ended.\n", rolled.Old.Key)
				} else {
					fmt.Fprintf(w, "\n%s works until %s.\n", rolled.Old.Key, stamp(rolled.Old.ExpiresAt))
				}
			})
		},
	}
	cmd.Flags().DurationVar(&in, "expire-in", 0, "how long the old key works on, such as 24h")
	return cmd
}

func (r *run) keysExpire() *cobra.Command {
	var in time.Duration
	cmd := &cobra.Command{
		Use: "expire KEY", Short: "End a key", Args: oneArg(keyArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			var k account.View
			order := server.KeyOrder{Key: args[0], Seconds: int64(in / time.Second)}
			if err := r.command(cmd.Context(), false, http.MethodPost, "/keys/expire", order, &k); err != nil {
				return err
			}
			return r.print(k, func(w io.Writer) { fmt.Fprintf(w, "%s ends %s\n", k.Key, stamp(k.ExpiresAt)) })
		},
	}
	cmd.Flags().DurationVar(&in, "expire-in", 0, "how long it works on, such as 1h")
	return cmd
}

func (r *run) keysPermissions() *cobra.Command {
	return &cobra.Command{
		Use: "permissions", Short: "List what a restricted key can be given", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			return r.print(account.Resources(), func(w io.Writer) { fmt.Fprintln(w, strings.Join(account.Resources(), "\n")) })
		},
	}
}

func (r *run) cert() *cobra.Command {
	return &cobra.Command{
		Use: "cert", Short: "Print the path of the certificate authority to trust", Args: noArgs,
		Long: "Print the path of the certificate authority that this machine's Florin signs with, for clients to trust:\n\n" +
			"  curl --cacert \"$(florin cert)\" https://localhost:12112/v1/account -u sk_test_…:",
		RunE: func(*cobra.Command, []string) error {
			path := server.CAPath(r.folder())
			if _, err := os.Stat(path); err != nil {
				return account.Problem("there is no authority in " + r.folder() + " yet; `florin serve` makes it")
			}
			_, err := fmt.Fprintln(r.Out, path)
			return err
		},
	}
}

func (r *run) audit() *cobra.Command {
	return &cobra.Command{
		Use: "audit", Short: "Check everything that is stored", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := r.office(cmd.Context(), false)
			if err != nil {
				return err
			}
			return errors.Join(r.auditAt(cmd, o), o.close())
		},
	}
}

func (r *run) auditAt(cmd *cobra.Command, o *office) error {
	res, err := o.send(cmd.Context(), http.MethodPost, "/audit", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(r.Out, res.Body); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if outcome := res.Trailer.Get(server.Outcome); outcome != "" {
		return fmt.Errorf("audit: %s", outcome)
	}
	return nil
}

// print shows an answer: as JSON if that was asked for, else as text writes it, in columns.
func (r *run) print(v any, text func(io.Writer)) error {
	if r.json {
		e := json.NewEncoder(r.Out)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	w := tabwriter.NewWriter(r.Out, 0, 8, 3, ' ', 0)
	text(w)
	return w.Flush()
}

func mode(live bool) string {
	if live {
		return "live"
	}
	return "test"
}

func stamp(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }
