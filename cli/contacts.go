package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/deploy/world"
	"natster/events"
)

// A Contact is a name for an account's key.
type Contact struct {
	Name    string         `json:"name"`
	Account events.Account `json:"account"`
	Known   string         `json:"known_as,omitempty"` // why it need not be written down: knownContext or knownHub
}

// Reasons for which an account has a name without being written down.
const (
	knownContext = "your own context" // under the context's name
	knownHub     = "the world's hub"  // under the name "hub"
)

// Contacts are names for account keys: those that were given, and those that go without saying.
type Contacts []Contact

// contactsFile is contacts.json: {"bob":"ABQ…"}, for all contexts, since a key means the same account everywhere.
func (e *env) contactsFile() (string, error) {
	dir, err := e.configDir()
	return filepath.Join(dir, "contacts.json"), err
}

// contacts reads the contacts: those written down first, each list by name.
func (e *env) contacts() (Contacts, error) {
	path, err := e.contactsFile()
	if err != nil {
		return nil, err
	}
	book, err := readContacts(path)
	if err != nil {
		return nil, err
	}
	var all Contacts
	for _, name := range slices.Sorted(maps.Keys(book)) {
		all = append(all, Contact{Name: name, Account: book[name]})
	}
	s, err := e.contexts()
	if err != nil {
		return nil, err
	}
	contexts, _ := s.all() // a damaged context has no account to name; using it says so
	for _, c := range contexts {
		all = all.with(Contact{c.Name, c.Account, knownContext})
	}
	if me, err := e.me(); err == nil && me.World != "" {
		if info, err := world.Find(me.World); err == nil {
			all = all.with(Contact{"hub", info.Hub, knownHub})
		}
	}
	return all, nil
}

// with is cs and c, unless the name is taken.
func (cs Contacts) with(c Contact) Contacts {
	if slices.Contains(cs.names(), c.Name) {
		return cs
	}
	return append(cs, c)
}

func readContacts(path string) (map[string]events.Account, error) {
	book := make(map[string]events.Account)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return book, nil
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(text, &book); err != nil {
		return nil, fmt.Errorf("%s: not a list of contacts: %w", path, err)
	}
	for name, a := range book {
		if !nameForm.MatchString(name) || a.IsZero() {
			return nil, fmt.Errorf("%s: not a list of contacts: %s stands for %q", path, quoted(name), a)
		}
	}
	return book, nil
}

// editContacts lets edit change the contacts that are written down.
func (e *env) editContacts(ctx context.Context, edit func(book map[string]events.Account) error) error {
	path, err := e.contactsFile()
	if err != nil {
		return err
	}
	return locked(ctx, filepath.Dir(path), func() error {
		book, err := readContacts(path)
		if err != nil {
			return err
		}
		if err := edit(book); err != nil {
			return err
		}
		text, err := json.MarshalIndent(book, "", "  ")
		if err != nil {
			return err
		}
		return writePrivate(path, append(text, '\n'))
	})
}

func (cs Contacts) names() []string {
	var all []string
	for _, c := range cs {
		all = append(all, c.Name)
	}
	return all
}

// name is what a person calls account a: a contact's name, or the beginning of the key.
func (cs Contacts) name(a events.Account) string {
	for _, c := range cs {
		if c.Account == a {
			return c.Name
		}
	}
	return a.Short()
}

// know tells whether account a is a contact.
func (cs Contacts) know(a events.Account) bool {
	return slices.ContainsFunc(cs, func(c Contact) bool { return c.Account == a })
}

// typed is what can be typed to mean account a: a contact's name, or the whole key.
func (cs Contacts) typed(a events.Account) string {
	for _, c := range cs {
		if c.Account == a {
			return c.Name
		}
	}
	return a.String()
}

// account returns whom text means: an account key, or the name of a contact or of one of this user's contexts.
func (cs Contacts) account(text string) (events.Account, error) {
	a, err := events.ParseAccount(text)
	if err == nil {
		return a, nil
	}
	for _, c := range cs {
		if c.Name == text {
			return c.Account, nil
		}
	}
	if near := closest(text, cs.names()); near != "" {
		return a, hint(fmt.Errorf("nobody is called %s; did you mean %s?", quoted(text), near), "contacts ls")
	}
	if looksLikeKey(text) {
		return a, hint(fmt.Errorf("%s is no account key: a letter is wrong, missing or too many", quoted(text)), "contacts ls")
	}
	if !nameForm.MatchString(text) {
		return a, hint(err, "contacts ls")
	}
	return a, hint(fmt.Errorf("nobody is called %s: not an account key and no contact's name", quoted(text)), "contacts add %s KEY", text)
}

func looksLikeKey(s string) bool {
	return len(s) > 40 && s[0] == 'A' && strings.ToUpper(s) == s
}

// pick returns the one of candidates that is called name, or an error that says what may have been meant. Kind is the word
// for what has no such name, as in "no catalog of yours".
func pick[T any](name, kind string, candidates []T, nameOf func(T) string, hintArgs string) (T, error) {
	var names []string
	for _, c := range candidates {
		if nameOf(c) == name {
			return c, nil
		}
		names = append(names, nameOf(c))
	}
	var none T
	if near := closest(name, names); near != "" {
		return none, hint(fmt.Errorf("%s is called %s; did you mean %s?", kind, quoted(name), near), "%s", hintArgs)
	}
	return none, hint(fmt.Errorf("%s is called %s", kind, quoted(name)), "%s", hintArgs)
}

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
