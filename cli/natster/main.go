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
	ctx, interrupted := context.WithCancel(context.Background())
	hear(interrupted)
	os.Exit(cli.Main(ctx, cli.OS()))
}

// hear calls interrupted at the first signal that asks the process to end. A second one ends it at once.
func hear(interrupted func()) {
	// A write to a pipe or connection without a reader is an error of that write, and must not end the process: the
	// peer may be any account. Package cli sees from its own writes when stdout has lost its reader. The signal is
	// received and ignored, because Go otherwise ends the process at a write to a broken stdout, without cleaning up.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // it is, under nohup
		closed := make(chan os.Signal, 1)
		signal.Notify(closed, syscall.SIGHUP)
		go func() {
			for range closed { // it may come twice, from the shell and from the terminal, and mean one request
				interrupted()
			}
		}()
	}
	go func() {
		<-asked
		interrupted()
		<-asked
		os.Exit(cli.Interrupted)
	}()
}
