package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"natster/deploy/nex"
)

func deployRestartCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "restart",
		Usage:     "replace every instance by a new one, one after the other",
		ArgsUsage: "[NAME...]",
		Flags: nexFlags(
			&cli.StringSliceFlag{Name: "file", Usage: "what a Nexfile `FILE` describes"},
			&cli.StringFlag{Name: "seal", Usage: "`FILE` of lines KEY=VALUE or KEY=@FILE, sent sealed to each nexlet"},
			tagsFlag(),
		),
		Description: `No request is lost meanwhile: the new instance answers before the old one stops. Without NAME all functions.

   natster deploy restart otc`,
		Action: e.onNex(0, -1, func(ctx context.Context, n *nex.Client, c *cli.Context, arg []string) error {
			o, err := rolloutOptions(c)
			if err != nil {
				return err
			}
			wants, err := e.wanted(ctx, n, o.Tags, arg, c.StringSlice("file"))
			if err != nil {
				return err
			}
			return e.stepped(n.Restart(ctx, wants, e.reporting(o)))
		}),
	}
}
