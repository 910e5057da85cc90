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
		}, {
			Name:      "block",
			Usage:     "see no more of what an account shares with you",
			ArgsUsage: "ACCOUNT",
			Description: `Your inbox, listings and completions leave out what it shares. Only you know of it: nothing
that is shared ends, with you or with the account (natster unshare), and what you have imported stays (natster catalog
unimport).

   natster contacts block mallory
   natster contacts block ABQ5K3VXGPQGCQ4K3WZ2SVDKB2W2MM6LMT2SLQXN3VBQ4GWPNW6UTTXC`,
			Action: args(1, 1, e.blocking(true)),
		}, {
			Name:        "unblock",
			Usage:       "see again what an account shares with you",
			ArgsUsage:   "BLOCKED",
			Description: `   natster contacts unblock mallory`,
			Action:      args(1, 1, e.blocking(false)),
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
	all, err := e.contactsAndBlocked()
	if err != nil {
		return err
	}
	t := term.Table{
		Head:  []string{"NAME", "ACCOUNT", "", "BLOCKED"},
		Empty: "no contacts yet; add one with: natster contacts add NAME KEY",
	}
	return term.PrintRows(e.Printer, all, t, func(c contexts.Contact) []string {
		blocked := ""
		if c.Blocked {
			blocked = "blocked"
		}
		return []string{c.Name, c.Account.String(), c.Known, blocked}
	})
}

// contactsAndBlocked returns the names for accounts, with those marked that are blocked, and the blocked without names.
func (e *env) contactsAndBlocked() (contexts.Contacts, error) {
	all, err := e.contacts()
	if err != nil {
		return nil, err
	}
	store, err := e.contexts()
	if err != nil {
		return nil, err
	}
	blocked, err := store.Blocked()
	return all.WithBlocked(blocked), err
}

// blocking returns an action that blocks an account, or ends that.
func (e *env) blocking(block bool) func(context.Context, *cli.Context, []string) error {
	return func(ctx context.Context, _ *cli.Context, arg []string) error {
		all, err := e.contacts()
		if err != nil {
			return err
		}
		a, err := all.Account(arg[0])
		if err != nil {
			return err
		}
		store, err := e.contexts()
		if err != nil {
			return err
		}
		own, _ := store.All() // a damaged file has no account
		if block && slices.ContainsFunc(own, func(c contexts.Context) bool { return c.Account == a }) {
			return fmt.Errorf("%s is an account of your own", all.Name(a))
		}
		changed, err := store.Block(ctx, a, block)
		if err != nil {
			return err
		}
		c := contexts.Contact{Account: a, Blocked: block}
		if all.Know(a) {
			c.Name = all.Name(a)
		}
		return e.Print(c, func() {
			text := "%s is not blocked any more"
			switch {
			case block && changed:
				text = "%s is blocked: what it shares with you is not shown"
			case block:
				text = "%s is blocked already"
			case !changed:
				text = "%s was not blocked"
			}
			e.Say(text, e.Out.Bold(all.Name(a)))
		})
	}
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
