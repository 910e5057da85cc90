package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"natster/events"
)

func contactsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:        "contacts",
		Usage:       "names for the accounts of people you know",
		Category:    categoryShare,
		Description: `A contact's name can be typed wherever an account's key can. So can the name of a context of yours.`,
		Subcommands: []*cli.Command{contactsAddCommand(e), contactsLsCommand(e), contactsRmCommand(e)},
	}
}

func contactsAddCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "give an account a name",
		ArgsUsage: "NAME KEY",
		Description: `   natster contacts add bob ABQ5K3VXGPQGCQ4K3WZ2SVDKB2W2MM6LMT2SLQXN3VBQ4GWPNW6UTTXC

Bob finds his key with: natster whoami`,
		Action: args(2, 2, func(ctx context.Context, _ *cli.Context, arg []string) error {
			if !nameForm.MatchString(arg[0]) {
				return fmt.Errorf("%s cannot be a name: 1 to 64 letters, digits, '.', '-' and '_', starting with a letter or digit", quoted(arg[0]))
			}
			if _, err := events.ParseAccount(arg[0]); err == nil {
				return errors.New("an account key cannot be a name")
			}
			a, err := events.ParseAccount(arg[1])
			if err != nil {
				return err
			}
			err = e.editContacts(ctx, func(book map[string]events.Account) error {
				if old, taken := book[arg[0]]; taken && old != a {
					return hint(fmt.Errorf("%s is the name of another account (%s)", arg[0], old), "contacts rm %s", arg[0])
				}
				book[arg[0]] = a
				return nil
			})
			if err != nil {
				return err
			}
			return e.print(Contact{Name: arg[0], Account: a}, func() { e.say("%s is %s", e.out.bold(arg[0]), a) })
		}),
	}
}
