package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"natster/cli/contexts"
	"natster/cli/hint"
	"natster/cli/term"
	"natster/events"
)

func contactsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "contacts",
		Usage:    "names for the accounts of people you know",
		Category: categoryShare,
		Description: `A contact's name can be typed wherever an account's key can. So can the name of a context of
yours.`,
		Subcommands: []*cli.Command{{
			Name:      "add",
			Usage:     "give an account a name",
			ArgsUsage: "NAME KEY",
			Description: `   natster contacts add bob ABQ5K3VXGPQGCQ4K3WZ2SVDKB2W2MM6LMT2SLQXN3VBQ4GWPNW6UTTXC

Bob finds his key with: natster whoami`,
			Action: args(2, 2, e.addContact),
		}, {
			Name:  "ls",
			Usage: "list the names you can use for accounts",
			Description: `Your contacts, and the names that need none: those of your own contexts, and the hub.

   natster contacts ls`,
			Action: args(0, 0, e.listContacts),
		}, {
			Name:      "rm",
			Usage:     "forget a name",
			ArgsUsage: "CONTACT",
			Description: `What is shared with the account stays shared.

   natster contacts rm bob`,
			Action: args(1, 1, e.removeContact),
		}},
	}
}

func (e *env) addContact(ctx context.Context, _ *cli.Context, arg []string) error {
	if err := contexts.CheckContact(arg[0]); err != nil {
		return err
	}
	a, err := events.ParseAccount(arg[1])
	if err != nil {
		return err
	}
	store, err := e.contexts()
	if err != nil {
		return err
	}
	err = store.EditContacts(ctx, func(book map[string]events.Account) error {
		if old, taken := book[arg[0]]; taken && old != a {
			err := fmt.Errorf("%s is the name of another account (%s)", arg[0], old)
			return hint.Add(err, "contacts rm %s", arg[0])
		}
		book[arg[0]] = a
		return nil
	})
	if err != nil {
		return err
	}
	return e.Print(contexts.Contact{Name: arg[0], Account: a}, func() { e.Say("%s is %s", e.Out.Bold(arg[0]), a) })
}

func (e *env) listContacts(context.Context, *cli.Context, []string) error {
	all, err := e.contacts()
	if err != nil {
		return err
	}
	t := term.Table{
		Head: []string{"NAME", "ACCOUNT", ""}, Empty: "no contacts yet; add one with: natster contacts add NAME KEY",
	}
	return term.PrintRows(e.Printer, all, t, func(c contexts.Contact) []string {
		return []string{c.Name, c.Account.String(), c.Known}
	})
}

func (e *env) removeContact(ctx context.Context, _ *cli.Context, arg []string) error {
	store, err := e.contexts()
	if err != nil {
		return err
	}
	var gone contexts.Contact
	err = store.EditContacts(ctx, func(book map[string]events.Account) error {
		itself := func(s string) string { return s }
		name, err := hint.Pick(arg[0], "no contact", slices.Sorted(maps.Keys(book)), itself, "contacts ls")
		gone = contexts.Contact{Name: name, Account: book[name]}
		delete(book, name)
		return err
	})
	if err != nil {
		return err
	}
	return e.Print(gone, func() { e.Say("forgot %s (%s)", gone.Name, gone.Account) })
}
