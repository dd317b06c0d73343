// Florin is the Stripe API as software that you run. See README.md.
package main

import (
	"os"

	"florin/internal/cli"
)

func main() {
	os.Exit(cli.Program{}.Main(os.Args[1:]))
}
