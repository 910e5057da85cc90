package contexts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/events"
	"natster/internal/private"
)

// A Contact is a name for an account's key.
type Contact struct {
	Name    string         `json:"name"`
	Account events.Account `json:"account"`
	Known   string         `json:"known_as,omitempty"` // why it is known without being in the file
	Blocked bool           `json:"blocked,omitempty"`  // only where WithBlocked made the list
}

// Why an account has a name that is not in the file.
const (
	knownContext = "your own context" // under the context's name
	knownHub     = "the world's hub"  // under the name "hub"
)

// Contacts are names for account keys.
type Contacts []Contact

// Contacts returns the contacts in the file, by name, and then the user's own contexts.
func (s *Store) Contacts() (Contacts, error) {
	book, err := s.readContacts()
	if err != nil {
		return nil, err
	}
	var all Contacts
	for _, name := range slices.Sorted(maps.Keys(book)) {
		all = append(all, Contact{Name: name, Account: book[name]})
	}
	contexts, _ := s.All() // a damaged file has no account to name; using the context says so
	for _, c := range contexts {
		all = all.with(Contact{Name: c.Name, Account: c.Account, Known: knownContext})
	}
	return all, nil
}

// contactsFile is contacts.json: {"bob":"ABQ…"}, for all contexts, since a key means the same account everywhere.
func (s *Store) contactsFile() string { return filepath.Join(s.dir, "contacts.json") }

// WithHub returns cs and the hub of a world, under the name hub. The zero hub is not known, and left out.
func (cs Contacts) WithHub(hub events.Account) Contacts {
	if hub.IsZero() {
		return cs
	}
	return cs.with(Contact{Name: "hub", Account: hub, Known: knownHub})
}

// with returns cs and c, unless the name is taken.
func (cs Contacts) with(c Contact) Contacts {
	if slices.Contains(cs.Names(), c.Name) {
		return cs
	}
	return append(cs, c)
}

func (s *Store) readContacts() (map[string]events.Account, error) {
	book := make(map[string]events.Account)
	path := s.contactsFile()
	text, err := s.readFile(path)
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
		if !events.IsAccountName(name) || a.IsZero() {
			return nil, fmt.Errorf("%s: not a list of contacts: %s stands for %q", path, term.Quoted(name), a)
		}
	}
	return book, nil
}

// EditContacts lets edit change the contacts in the file, while no other process does.
func (s *Store) EditContacts(ctx context.Context, edit func(book map[string]events.Account) error) error {
	return locked(ctx, s.dir, func() error {
		delete(s.read, s.contactsFile()) // another process may have changed it
		book, err := s.readContacts()
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
		return s.writeFile(s.contactsFile(), append(text, '\n'))
	})
}

// locked runs f while no other process runs one with the same dir.
func locked(ctx context.Context, dir string, f func() error) error {
	if err := private.Mkdir(dir); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(private.FileMode))
	const poll = 2 * time.Millisecond // about as long as an edit takes
	if _, err := lock.TryLockContext(ctx, poll); err != nil {
		return fmt.Errorf("wait for %s: %w", lock.Path(), err)
	}
	defer func() { _ = lock.Close() }() // this unlocks; nothing can be done if it fails
	return f()
}

// Names returns the names.
func (cs Contacts) Names() []string {
	return hint.Names(cs, func(c Contact) string { return c.Name })
}

// named returns the name of the contact that is account a, or otherwise.
func (cs Contacts) named(a events.Account, otherwise string) string {
	for _, c := range cs {
		if c.Account == a {
			return c.Name
		}
	}
	return otherwise
}

// Know reports whether account a is a contact.
func (cs Contacts) Know(a events.Account) bool { return cs.named(a, "") != "" }

// Name returns what a person calls account a: a contact's name, or the beginning of the key.
func (cs Contacts) Name(a events.Account) string { return cs.named(a, a.Short()) }

// Typed returns what can be typed to mean account a: a contact's name, or the whole key.
func (cs Contacts) Typed(a events.Account) string { return cs.named(a, a.String()) }

// Account returns the account that text stands for: a key, or the name of a contact.
func (cs Contacts) Account(text string) (events.Account, error) {
	a, err := events.ParseAccount(text)
	if err == nil {
		return a, nil
	}
	for _, c := range cs {
		if c.Name == text {
			return c.Account, nil
		}
	}
	meant := hint.Meant(text, cs.Names())
	looksLikeKey := len(text) > 40 && text[0] == 'A' && strings.ToUpper(text) == text
	switch {
	case meant != "":
		err = fmt.Errorf("nobody is called %s%s", term.Quoted(text), meant)
	case looksLikeKey:
		err = fmt.Errorf("%s is not an account key: a letter is wrong, missing or too many", term.Quoted(text))
	case events.IsAccountName(text):
		err = fmt.Errorf("nobody is called %s: not an account key and no contact's name", term.Quoted(text))
		return a, hint.Add(err, "contacts add %s KEY", text)
	}
	return a, hint.Add(err, "contacts ls")
}

// CheckContact returns an error if name cannot be the name of a contact.
func CheckContact(name string) error {
	if !events.IsAccountName(name) {
		const text = "%s cannot be a name: 1 to 64 letters, digits, '.', '-' and '_', starting with a letter or digit"
		return fmt.Errorf(text, term.Quoted(name))
	}
	if _, err := events.ParseAccount(name); err == nil {
		return errors.New("an account key cannot be a name")
	}
	return nil
}
