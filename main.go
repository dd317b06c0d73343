// Florin is the Stripe API as software that you run. See README.md.
package main

import (
	"os"

	"florin/internal/audit"
	"florin/internal/cli"
)

func main() {
	os.Exit(cli.Program{Audit: audit.Check}.Main(os.Args[1:]))
}
