package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

func contactsLsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "ls",
		Usage: "list the names you can use for accounts",
		Description: `Your contacts, and the names that need none: those of your own contexts, and the hub.

   natster contacts ls`,
		Action: args(0, 0, func(context.Context, *cli.Context, []string) error {
			all, err := e.contacts()
			if err != nil {
				return err
			}
			if all == nil {
				all = Contacts{} // [] in JSON
			}
			return e.print(all, func() {
				t := table{head: []string{"NAME", "ACCOUNT", ""}}
				for _, c := range all {
					t.row(c.Name, c.Account.String(), c.Known)
				}
				e.printTable(t, "no contacts yet; add one with: natster contacts add NAME KEY")
			})
		}),
	}
}
