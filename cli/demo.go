package cli

import (
	"context"
	"io"
	"log/slog"

	"github.com/urfave/cli/v2"

	"natster/cli/demo"
)

func demoCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "demo",
		Usage:     "see it work: two people share a directory, in ten seconds",
		ArgsUsage: "[DIR]",
		Category:  categoryStart,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "keep", Usage: "leave it running, to be tried from another terminal, until Ctrl-C"},
			&cli.IntFlag{Name: "noise", Value: 128, Usage: "measure the speed with a file of `N` MiB"},
		},
		Description: `Plays the whole story in a temporary world on this machine, with the commands that you would type.
DIR is what is shared; without it, a few small pictures, sounds and films that come along. Nothing of it is left
afterwards.

   natster demo
   natster demo ~/Music --keep`,
		Action: args(0, 1, func(ctx context.Context, c *cli.Context, arg []string) error {
			d := demo.Config{
				Printer: e.Printer, Getenv: e.Getenv, Natster: e.natster, Logger: slog.New(slog.DiscardHandler),
				Keep: c.Bool("keep"), Noise: int64(max(1, c.Int("noise"))) << 20,
			}
			if e.verbose {
				d.Logger = e.logger()
			}
			if len(arg) == 1 {
				d.Share = arg[0]
			}
			return demo.Run(ctx, d)
		}),
	}
}

// natster runs a command line in this process, without the program's name, and returns its exit code.
func (e *env) natster(ctx context.Context, words []string, stdout, stderr io.Writer, getenv func(string) string) int {
	return Main(ctx, Outside{append([]string{"natster"}, words...), e.Stdin, stdout, stderr, getenv})
}
