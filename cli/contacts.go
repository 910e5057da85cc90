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
