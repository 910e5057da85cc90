package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"natster/cli/contexts"
	"natster/events"
)

// catalogCandidates returns the names of catalogs, or of what is in one.
func (e *env) catalogCandidates(
	ctx context.Context, command, placeholder string, before []string, typing string,
) []string {
	s, err := e.session()
	if err != nil {
		return nil
	}
	defer s.close()
	if placeholder == "PATH" && len(before) > 0 {
		return level(s.pathsIn(ctx, before[0]), typing)
	}
	var names []string // what cannot be read has none
	if placeholder == "CATALOG" {
		own, _ := s.files.names()
		for _, c := range own {
			names = append(names, c.String())
		}
	}
	reading := slices.Contains([]string{"contents", "download", "get", "open"}, command)
	if placeholder == "IMPORTED" || placeholder == "CATALOG" && reading {
		imported, _ := s.me.Imports(ctx)
		for _, i := range imported {
			names = append(names, i.As.String())
		}
	}
	return names
}

// inboxNames returns the names of the catalogs in the inbox or, after one of them, the accounts that share it.
func (e *env) inboxNames(ctx context.Context, before []string) []string {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	s, err := e.session()
	if err != nil || s.connect(ctx) != nil {
		return nil
	}
	s.quiet = true
	defer s.close()
	inbox, _ := s.inbox(ctx) // empty if there is no answer
	var all []string
	for _, x := range inbox {
		switch {
		case len(before) == 0:
			all = append(all, x.Catalog.String())
		case x.Catalog.String() == before[0]:
			all = append(all, s.contacts.Typed(x.From))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// level returns the paths that begin with typing, up to their next slash: files, and directories with a slash at the
// end.
func level(paths []string, typing string) []string {
	var all []string
	seen := make(map[string]bool)
	for _, p := range paths {
		p = norm.NFC.String(p) // the form that keyboards type; either form names the file
		rest, begins := strings.CutPrefix(p, typing)
		if !begins {
			continue
		}
		if dir, _, deeper := strings.Cut(rest, "/"); deeper {
			p = typing + dir + "/"
		}
		if !seen[p] {
			seen[p] = true
			all = append(all, p)
		}
	}
	return all
}

const (
	completionTimeout = 2 * time.Second  // for a question to the functions or to a catalog's owner
	listingLifetime   = 30 * time.Second // how long an answer is used again
)

// pathsIn returns the paths in a catalog that the account can read, or none if there is no answer in time.
func (s *session) pathsIn(ctx context.Context, name string) (paths []string) {
	c, own, err := s.readable(ctx, name)
	if err != nil {
		return nil
	}
	cache, err := s.listingFile(c)
	if err != nil {
		return nil
	}
	if !own {
		if paths, fresh := readListing(cache); fresh {
			return paths
		}
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	contents, err := s.list(ctx, c, own)
	if err != nil {
		return nil
	}
	for _, e := range contents.Entries {
		paths = append(paths, e.Path)
	}
	if text, err := json.Marshal(paths); err == nil && !own {
		_ = contexts.WritePrivate(cache, text) // if that fails, the next completion asks again
	}
	return paths
}

// listingFile returns where the paths of a catalog are kept for the next completion.
func (s *session) listingFile(c events.Catalog) (string, error) {
	dir, err := s.dirs.Cache()
	of := sha256.Sum256([]byte(s.me.Account.String() + "\x00" + s.me.World + "\x00" + s.me.URL + "\x00" + c.String()))
	return filepath.Join(dir, "listings", hex.EncodeToString(of[:8])), err
}

// readListing returns the paths that were kept, if they still count.
func readListing(path string) (paths []string, fresh bool) {
	info, err := os.Stat(path)
	if err != nil || time.Since(info.ModTime()) > listingLifetime {
		return nil, false
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &paths)
	}
	return paths, err == nil
}
