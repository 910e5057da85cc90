package cli

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"
)

func catalogOpenCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "open",
		Usage:     "play a file without saving it: an address on this machine for your player or browser",
		ArgsUsage: "CATALOG PATH",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "browser", Usage: "open the address in your browser"},
		},
		Description: `Prints the address and answers there until Ctrl-C; players can seek. Only this machine can reach it, and only who
knows the address.

   natster catalog open films 2024/holiday.mp4
   mpv $(natster catalog open films 2024/holiday.mp4)`,
		Action: args(2, 2, func(context.Context, *cli.Context, []string) error { return errors.New("not yet") }),
	}
}
