// Natster shares media from your own machine with your friends. This is its one binary; what it does is in package cli.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"natster/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	// Whoever read our output went away: end as with Ctrl-C, cleaned up. It must not kill us while we clean up either.
	ctx, _ = signal.NotifyContext(ctx, syscall.SIGPIPE) // for as long as the process lives
	os.Exit(cli.Main(ctx, cli.OS()))
}
