// Command with runs a command with a fresh florin beside it, and ends with the command's exit code:
//
//	go run ./test/sdk/with node test/sdk/node/main.mjs {ready}
//	go run ./test/sdk/with python3 replay.py --base {http} --key {secret_key} recording.jsonl.gz
//
// In the arguments {ready} stands for the ready file, and {http}, {https}, {ca}, {account}, {publishable_key} and {secret_key} for what it
// says. The server keeps nothing: its data folder is a temporary one.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"florin/test/sdk/binary"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: with COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	err := run(os.Args[1:])
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "with:", err)
		os.Exit(1)
	}
}

func run(command []string) (err error) {
	dir, err := os.MkdirTemp("", "florin-with-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path, err := binary.Build(dir)
	if err != nil {
		return err
	}
	server, err := binary.Start(path, filepath.Join(dir, "data"), "--store", "memory")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()

	fill := strings.NewReplacer("{ready}", server.ReadyFile, "{http}", server.HTTP, "{https}", server.HTTPS, "{ca}", server.CA,
		"{account}", server.Account, "{publishable_key}", server.PublishableKey, "{secret_key}", server.SecretKey)
	for n := range command {
		command[n] = fill.Replace(command[n])
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
