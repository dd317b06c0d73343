// Command with runs another with a PostgreSQL of its own, for tests that are to use it:
//
//	go run ./internal/store/postgres/pgtest/with go test ./test/script
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"florin/internal/store/postgres/pgtest"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: with COMMAND ARGUMENTS")
		return 2
	}
	s, err := pgtest.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "with:", err)
		return 1
	}
	defer s.Close()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM) // the command gets them too; it ends, and then the server
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), pgtest.Env+"="+s.Base())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, "with:", err)
		return 1
	}
	return 0
}
