package cli

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"
)

func demoCommand(e *env) *cli.Command {
	return &cli.Command{Name: "demo", Usage: "see it work", Category: categoryStart,
		Action: args(0, 1, func(context.Context, *cli.Context, []string) error { return errors.New("not yet") })}
}
