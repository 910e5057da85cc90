package cli

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"
)

func eventsCommand(e *env) *cli.Command {
	return &cli.Command{Name: "events", Usage: "follow what happens in the world", Category: categoryLook,
		Action: args(0, 0, func(context.Context, *cli.Context, []string) error { return errors.New("not yet") })}
}
func adminCommand(e *env) *cli.Command {
	return &cli.Command{Name: "admin", Usage: "mend a world", Category: categoryLook, Subcommands: []*cli.Command{}}
}
func demoCommand(e *env) *cli.Command {
	return &cli.Command{Name: "demo", Usage: "see it work", Category: categoryStart,
		Action: args(0, 1, func(context.Context, *cli.Context, []string) error { return errors.New("not yet") })}
}
