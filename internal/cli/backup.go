package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"florin/internal/backup"
	"florin/internal/clock"
	"florin/internal/domain/account"
	"florin/internal/server"
	"florin/internal/store/postgres"
)

func (r *run) backup() *cobra.Command {
	var full, records, keys bool
	var keep int
	cmd := &cobra.Command{
		Use: "backup DEST", Short: "Copy everything that is kept into a folder, while the server runs", Args: oneArg("the folder that the backups are in"),
		Long: "Copy everything that is kept into a folder: the store as it is at one moment, and uploaded files. A server that runs goes on serving. What an earlier\n" +
			"backup in the folder has already is not written again. The master key is not in it, unless --with-keys says so: keep it elsewhere.",
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := r.office(cmd.Context(), false)
			if err != nil {
				return err
			}
			s, err := r.backupFrom(cmd, o, args[0], full, records, keys)
			if err := errors.Join(err, o.close()); err != nil {
				return err
			}
			removed := 0
			if keep > 0 {
				if removed, err = backup.Keep(args[0], keep, clock.Real.Now()); err != nil {
					return err
				}
			}
			return r.print(s, func(w io.Writer) {
				fmt.Fprintf(w, "%s\t%d files\t%s\twrote %s\t%d of %d chunks were there\n", s.Name, s.Files, size(s.Size), size(s.Wrote), s.Kept, s.Kept+s.New)
				if removed > 0 {
					fmt.Fprintf(w, "%d older backups were removed\n", removed)
				}
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&full, "full", false, "write everything again, so that earlier backups are not needed for this one")
	f.BoolVar(&records, "records", false, "copy documents and moves as JSON lines, which any engine can load, instead of the database's pages")
	f.BoolVar(&keys, "with-keys", false, "copy the master keys and certificates of the data folder, too: whoever has the backup can then read what is sealed")
	f.IntVar(&keep, "keep", 0, "remove all backups in the folder but so many of the newest")

	list := &cobra.Command{
		Use: "list DEST", Short: "List the backups in a folder", Args: oneArg("the folder that the backups are in"),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := backup.List(args[0])
			if err != nil {
				return account.Problem(err.Error())
			}
			return r.print(all, func(w io.Writer) {
				fmt.Fprintln(w, "BACKUP\tTAKEN\tOF\tFILES\tSIZE\tMASTER KEYS")
				for _, b := range all {
					fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", b.Name, stamp(b.Taken), b.Engine, len(b.Files), size(b.Size()), b.MasterKeys)
				}
			})
		},
	}
	var name string
	verify := &cobra.Command{
		Use: "verify DEST", Short: "Read a backup and compare its checksums", Args: oneArg("the folder that the backups are in"),
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := backup.Open(args[0], name)
			if err == nil {
				err = b.Verify()
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(r.Out, "%s: %d files, %s, as they were copied\n", b.Name, len(b.Files), size(b.Size()))
			return err
		},
	}
	verify.Flags().StringVar(&name, "backup", "", "which one (default the last)")
	cmd.AddCommand(list, verify)
	r.jsonFlag(cmd)
	return cmd
}

func (r *run) backupFrom(cmd *cobra.Command, o *office, dest string, full, records, keys bool) (*backup.Summary, error) {
	path := "/backup?"
	if records {
		path += "records=1&"
	}
	if keys {
		path += "keys=1"
	}
	res, err := o.send(cmd.Context(), http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	h, next, err := server.ReadArchive(res.Body, func() error {
		if outcome := res.Trailer.Get(server.Outcome); outcome != "" {
			return errors.New(outcome)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	h.Version = Version()
	return backup.Write(dest, h, full, next)
}

func (r *run) restore() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "restore SRC", Short: "Make a data folder of a backup", Args: oneArg("the folder that the backups are in"),
		Long: "Make a data folder (--data) of a backup. The folder must be empty or not there. Every checksum is compared. The master key is not in a backup unless it\n" +
			"was made --with-keys: put the ring, vault.key, into the folder before the server is started, or name it with --vault. With --store postgres://… a backup\n" +
			"of records is loaded into a database that has nothing yet.",
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := backup.Open(args[0], name)
			if err != nil {
				return account.Problem(err.Error())
			}
			keys, err := r.masterKeys()
			if err != nil {
				return err
			}
			cfg := server.Config{Data: r.folder(), Vault: keys}
			if postgres.Is(r.store) {
				cfg.Postgres = r.store
			}
			done, err := server.Restore(cmd.Context(), b, cfg)
			if err != nil {
				return err
			}
			return r.print(done, func(w io.Writer) {
				fmt.Fprintf(w, "%s, taken %s, is restored into %s: %d files, %s.\n", done.Name, stamp(done.Taken), r.folder(), done.Files, size(done.Size))
				if done.Load.Versions > 0 {
					fmt.Fprintf(w, "%d documents in %d versions and %d moves were loaded.\n", done.Load.Documents, done.Load.Versions, done.Load.Moves)
				}
				if !done.Keys && keys == "" {
					fmt.Fprintf(w, "Now put vault.key into it, which must have the master key %s.\n", done.Wants)
				}
				fmt.Fprintln(w, "`florin audit` checks what is in it.")
			})
		},
	}
	cmd.Flags().StringVar(&name, "backup", "", "which one (default the last; `florin backup list` lists them)")
	r.jsonFlag(cmd)
	return cmd
}

// size is a number of bytes for people.
func size(n int64) string {
	const units = "kMGT"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, u := float64(n), -1
	for f >= 1000 && u < len(units)-1 {
		f, u = f/1000, u+1
	}
	return fmt.Sprintf("%.1f %cB", f, units[u])
}
