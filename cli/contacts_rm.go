package cli

import (
	"context"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"natster/events"
)

func contactsRmCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "rm",
		Usage:     "forget a name",
		ArgsUsage: "CONTACT",
		Description: `What is shared with the account stays shared.

   natster contacts rm bob`,
		Action: args(1, 1, func(ctx context.Context, _ *cli.Context, arg []string) error {
			var gone Contact
			err := e.editContacts(ctx, func(book map[string]events.Account) error {
				name, err := pick(arg[0], "no contact", slices.Sorted(maps.Keys(book)), func(s string) string { return s }, "contacts ls")
				gone = Contact{Name: name, Account: book[name]}
				delete(book, name)
				return err
			})
			if err != nil {
				return err
			}
			return e.print(gone, func() { e.say("forgot %s (%s)", gone.Name, gone.Account) })
		}),
	}
}
