package contexts

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"natster/events"
)

// Blocked are the accounts whose offers the user does not want to see. Nobody else learns of it: what they share stays
// shared, and what is shared with them, too.
type Blocked map[events.Account]bool

// blockedFile is blocked.json: ["ABQ…"], for all contexts.
func (s *Store) blockedFile() string { return filepath.Join(s.dir, "blocked.json") }

// Blocked returns the accounts that are blocked.
func (s *Store) Blocked() (Blocked, error) {
	var keys []events.Account
	path := s.blockedFile()
	text, err := s.readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Blocked{}, nil
	}
	if err == nil {
		if err = json.Unmarshal(text, &keys); err != nil {
			err = fmt.Errorf("%s: not a list of accounts: %w", path, err)
		}
	}
	if err != nil {
		return nil, err
	}
	all := make(Blocked, len(keys))
	for _, a := range keys {
		all[a] = true
	}
	return all, nil
}

// Block makes account a blocked or not, and reports whether that changed anything.
func (s *Store) Block(ctx context.Context, a events.Account, blocked bool) (changed bool, err error) {
	err = locked(ctx, s.dir, func() error {
		delete(s.read, s.blockedFile()) // another process may have changed it
		all, err := s.Blocked()
		if err != nil {
			return err
		}
		if changed = all[a] != blocked; !changed {
			return nil
		}
		if all[a] = blocked; !blocked {
			delete(all, a)
		}
		text, err := json.MarshalIndent(all.keys(), "", "  ")
		if err != nil {
			return err
		}
		return s.writeFile(s.blockedFile(), append(text, '\n'))
	})
	return changed, err
}

// WithBlocked returns cs with those marked that are blocked, and after them the blocked accounts that have no name.
func (cs Contacts) WithBlocked(blocked Blocked) Contacts {
	all := slices.Clone(cs)
	for i, c := range all {
		all[i].Blocked = blocked[c.Account]
	}
	for _, a := range blocked.keys() {
		if !cs.Know(a) {
			all = append(all, Contact{Account: a, Blocked: true})
		}
	}
	return all
}

func (b Blocked) keys() []events.Account {
	return slices.SortedFunc(maps.Keys(b), func(x, y events.Account) int {
		return cmp.Compare(x.String(), y.String())
	})
}
