package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"florin/internal/export"
	"florin/internal/server"
)

func (r *run) export() *cobra.Command {
	var format, of, since, until, path, columns string
	var live, test bool
	var names []string
	for _, t := range export.Types {
		names = append(names, t.Name)
	}
	cmd := &cobra.Command{
		Use: "export TYPE", Short: "Write what an account has as JSON lines or CSV", Args: oneArg("the type: one of " + strings.Join(names, ", ")),
		Long: "Write what an account has as JSON lines or CSV, oldest first, while the server runs. TYPE is one of\n  " + strings.Join(names, ", ") + ".\n\n" +
			"JSON lines are the API's objects. Amounts are in minor units, times in Unix seconds. Client secrets and the like are left out.",
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{"type": {args[0]}, "format": {format}, "columns": {columns}}
			if format != "jsonl" && format != "csv" {
				return mistake{fmt.Errorf("--format %q is none of jsonl and csv", format)}
			}
			if live && test {
				return mistake{errors.New("--live and --test exclude each other; without both, both are written")}
			}
			switch {
			case live:
				q.Set("mode", "live")
			case test:
				q.Set("mode", "test")
			}
			for name, text := range map[string]string{"from": since, "till": until} {
				at, err := moment(text)
				if err != nil {
					return mistake{err}
				}
				q.Set(name, strconv.FormatInt(at, 10))
			}
			o, err := r.office(cmd.Context(), false)
			if err != nil {
				return err
			}
			if of == "" {
				of, err = only(cmd, o)
			}
			if err == nil {
				q.Set("account", of)
				err = r.exportTo(cmd, o, path, q)
			}
			return errors.Join(err, o.close())
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "jsonl", "jsonl or csv")
	f.StringVar(&of, "account", "", "whose (default the only account)")
	f.BoolVar(&live, "live", false, "of live mode only")
	f.BoolVar(&test, "test", false, "of test mode only")
	f.StringVar(&since, "since", "", "made at or after: 2026-09-01, 2026-09-01T12:00:00Z or Unix seconds")
	f.StringVar(&until, "until", "", "made before")
	f.StringVar(&columns, "columns", "", "members for CSV, such as id,amount,billing_details.email (default a choice of each type)")
	f.StringVar(&path, "out", "", "a file, which must not be there yet (default standard output)")
	return cmd
}

func (r *run) exportTo(cmd *cobra.Command, o *office, path string, q url.Values) (err error) {
	res, err := o.send(cmd.Context(), http.MethodGet, "/export?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	out := r.Out
	if path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		out = f
	}
	buffered := bufio.NewWriter(out)
	if _, err := io.Copy(buffered, res.Body); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if outcome := res.Trailer.Get(server.Outcome); outcome != "" {
		return fmt.Errorf("export: %s", outcome)
	}
	return nil
}

// moment reads a day, a time or Unix seconds; "" is 0.
func moment(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Unix(), nil
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	return 0, fmt.Errorf("%q is no day (2026-09-01), no time (2026-09-01T12:00:00Z) and no Unix seconds", text)
}
