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

// hear calls interrupted at the first signal that asks the process to end; a second one ends it at once.
func hear(interrupted func()) {
	// A write to a pipe or a connection that nobody reads any more is an error of that write, and no matter of the
	// process: the other side of a connection may be anybody. Package cli sees from its own writes when stdout has lost
	// its reader. The signal is asked for and thrown away, because Go ends a process that does not ask at a broken
	// stdout, uncleaned.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // unlike with nohup, the terminal's end is ours
		closed := make(chan os.Signal, 1)
		signal.Notify(closed, syscall.SIGHUP)
		go func() {
			for range closed { // may come twice, from the shell and from the terminal: that is no second request
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
