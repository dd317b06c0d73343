// Package cli is Florin's command line: serve, and the commands that manage accounts and keys.
//
// A command works on a running server and on a stopped one. It asks for the socket in the data folder first; if nobody listens there it opens the
// folder itself, which locks it, and calls the same handler in its own process. So both can never write at once, and a command means the same on
// both.
//
// Every flag has a twin in the environment: --ready-file is FLORIN_READY_FILE. What was typed is stronger.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"florin/internal/domain/account"
	"florin/internal/store"
)

// A Program is what the command line is made with.
type Program struct {
	// Audit checks everything that is stored and writes what it found; nil if there is none.
	Audit func(ctx context.Context, db *store.DB, out io.Writer) error

	Out, Err io.Writer                // os.Stdout and os.Stderr if nil
	Env      func(name string) string // os.Getenv if nil
}

// Main runs the command that the arguments name, and returns what the process is to exit with: 0, 1 for a failure, 2 for a mistake in the command.
func (p Program) Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once
	}()
	return p.Run(ctx, args)
}

// Run is Main until ctx ends, without signals.
func (p Program) Run(ctx context.Context, args []string) int {
	if p.Out == nil {
		p.Out = os.Stdout
	}
	if p.Err == nil {
		p.Err = os.Stderr
	}
	if p.Env == nil {
		p.Env = os.Getenv
	}
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var mistake mistake
	var problem account.Problem
	switch {
	case err == nil:
		return 0
	case errors.As(err, &mistake):
		fmt.Fprintf(p.Err, "florin: %v\n", err)
		return 2
	case errors.As(err, &problem):
		fmt.Fprintf(p.Err, "florin: %v\n", problem)
		return 1
	}
	fmt.Fprintf(p.Err, "florin: %v\n", err)
	return 1
}

// A mistake is in how the command was typed.
type mistake struct{ error }

// run is what one command works with.
type run struct {
	Program
	data    string
	vault   string
	program string
	store   string
	json    bool
}

func (p *Program) root() *cobra.Command {
	r := &run{Program: *p}
	root := &cobra.Command{
		Use:   "florin",
		Short: "The Stripe API as software that you run",
		Long: "Florin is the Stripe API as software that you run. `florin serve` starts it and prints a request that pays.\n\n" +
			"Every flag has a twin in the environment: --ready-file is FLORIN_READY_FILE.",
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              noArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd, p.Env) },
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return mistake{err} })
	flags := root.PersistentFlags()
	flags.StringVar(&r.data, "data", "", "folder of the store, keys and certificates (default "+defaultData(p.Env)+")")
	flags.StringVar(&r.vault, "vault", "", "where the master keys are: file:PATH, env:NAME, cmd:PROGRAM or kms:PROGRAM (default the file vault.key in the data folder)")
	flags.StringVar(&r.program, "master-key-command", "", "a program that wraps the master keys, such as a key manager's client; short for --vault kms:PROGRAM (docs/howto/vault.md)")
	flags.StringVar(&r.store, "store", "sqlite", "where everything is kept: sqlite for a file in the data folder, memory for nowhere, or the URL of a PostgreSQL\n"+
		"that several servers share, such as postgres://user:password@host/database (its environment twin hides the password)")
	root.AddCommand(r.serve(), r.accounts(), r.keys(), r.cert(), r.audit(), r.vaultCommands(), r.backup(), r.restore(), r.export(), r.top(), version(p.Out))
	return root
}

// folder is the data folder.
func (r *run) folder() string {
	if r.data != "" {
		return r.data
	}
	return defaultData(r.Env)
}

// defaultData is where a user's programs keep their data.
func defaultData(env func(string) string) string {
	home, _ := os.UserHomeDir() // then "florin" in the working folder, which is better than nowhere
	switch {
	case env("XDG_DATA_HOME") != "":
		return filepath.Join(env("XDG_DATA_HOME"), "florin")
	case runtime.GOOS == "windows" || runtime.GOOS == "darwin":
		if dir, err := os.UserConfigDir(); err == nil {
			return filepath.Join(dir, "florin")
		}
	}
	return filepath.Join(home, ".local", "share", "florin")
}

// twin is the name of a flag in the environment.
func twin(flag string) string { return "FLORIN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")) }

// fromEnvironment sets the flags that were not typed and whose twin is set. An empty twin counts as not set.
func fromEnvironment(cmd *cobra.Command, env func(string) string) error {
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		value := env(twin(f.Name))
		if f.Changed || value == "" || failed != nil || f.Name == "help" {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil {
			failed = mistake{fmt.Errorf("%s=%q: %w", twin(f.Name), value, err)}
		}
	})
	return failed
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		return mistake{fmt.Errorf("there is no command %q; `%s --help` lists them", args[0], cmd.CommandPath())}
	}
	return mistake{fmt.Errorf("%q is too much: %s takes no arguments", args[0], cmd.CommandPath())}
}

// oneArg wants one argument, which the message calls what.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return mistake{fmt.Errorf("%s takes one argument: %s", cmd.CommandPath(), what)}
		}
		return nil
	}
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	g.AddCommand(commands...)
	return g
}

func version(out io.Writer) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which Florin this is", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(out, "florin", Version())
			return err
		},
	}
}

// Version is the version that the build knows of itself: the module's, or the commit's.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value
		}
	}
	if v == "" {
		v = "(devel)"
	}
	return v + " " + info.GoVersion
}
