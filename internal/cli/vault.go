package cli

import (
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"florin/internal/keyring"
	"florin/internal/server"
)

// masterKeys is where the master keys are, as vault.Open has it.
func (r *run) masterKeys() (string, error) {
	switch {
	case r.program == "":
		return r.vault, nil
	case r.vault != "":
		return "", mistake{fmt.Errorf("--vault and --master-key-command exclude each other")}
	}
	return "kms:" + r.program, nil
}

func (r *run) vaultCommands() *cobra.Command {
	status := &cobra.Command{
		Use: "status", Short: "Count the records under each master key", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var st keyring.Status
			if err := r.command(cmd.Context(), false, http.MethodGet, "/vault", nil, &st); err != nil {
				return err
			}
			return r.print(st, func(w io.Writer) {
				fmt.Fprintln(w, "MASTER KEY\tRECORDS\t")
				for i, id := range st.Keys {
					note := "old"
					if i == len(st.Keys)-1 {
						note = "seals"
					}
					fmt.Fprintf(w, "%s\t%d\t%s\n", id, st.Records[id], note)
				}
				if st.Foreign > 0 {
					fmt.Fprintf(w, "none of these\t%d\t\n", st.Foreign)
				}
			})
		},
	}
	rotate := &cobra.Command{
		Use: "rotate", Short: "Make a new master key, and rewrap everything under it", Args: noArgs,
		Long: "Make a new master key, and rewrap everything under it. A server that runs goes on serving; what is not rewrapped yet opens with the old key. If it is\n" +
			"interrupted, the server goes on with it when it starts again. Where the master keys are kept elsewhere (--vault env: or cmd:), add the new one there first.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var done server.Rotated
			if err := r.command(cmd.Context(), false, http.MethodPost, "/vault/rotate", nil, &done); err != nil {
				return err
			}
			return r.print(done, func(w io.Writer) {
				fmt.Fprintf(w, "%d records are now sealed under %s.\n", done.Rewrapped, done.Keys[len(done.Keys)-1])
				fmt.Fprintln(w, "Backups from before need the old master key; `florin vault retire` takes it out of the ring.")
			})
		},
	}
	retire := &cobra.Command{
		Use: "retire", Short: "Take the old master keys out of the ring", Args: noArgs,
		Long: "Take the old master keys out of the ring, if nothing is sealed under them any more. They are kept in a file beside it, which backups from before may\n" +
			"need: take it to where the backups are not.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var done server.Retired
			if err := r.command(cmd.Context(), false, http.MethodPost, "/vault/retire", nil, &done); err != nil {
				return err
			}
			return r.print(done, func(w io.Writer) {
				fmt.Fprintf(w, "The ring has the master key %s alone.\n", done.Keys[0])
				if done.Kept != "" {
					fmt.Fprintf(w, "The old ones are in %s: take the file to where the backups are not.\n", done.Kept)
				}
			})
		},
	}
	g := group("vault", "Look after the master keys", status, rotate, retire)
	r.jsonFlag(g)
	return g
}
