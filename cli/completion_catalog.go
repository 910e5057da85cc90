package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"natster/cli/contexts"
	"natster/events"
	"natster/workloads/catalog"
)

// catalogCandidates returns the names of catalogs, or of what is in one.
func (e *env) catalogCandidates(ctx context.Context, command, placeholder string, before []string,
	typing string) []string {
	me, err := e.me()
	if err != nil {
		return nil
	}
	s, err := e.catalogFiles(me)
	if err != nil {
		return nil
	}
	var all []events.Catalog
	switch placeholder {
	case "CATALOG":
		all, _ = s.names() // if they cannot be read there are none
		if slices.Contains([]string{"contents", "download", "get", "open"}, command) {
			all = append(all, importedNames(ctx, me)...)
		}
	case "IMPORTED":
		all = importedNames(ctx, me)
	case "PATH":
		if len(before) > 0 {
			return level(e.pathsIn(ctx, me, before[0]), typing)
		}
	}
	var names []string
	for _, c := range all {
		names = append(names, c.String())
	}
	return names
}

// inboxNames returns the names of the catalogs in the inbox or, after one of them, the accounts that share it.
func (e *env) inboxNames(ctx context.Context, before []string) []string {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	s, err := e.open(ctx)
	if err != nil {
		return nil
	}
	defer s.close()
	inbox, err := s.inbox(ctx)
	if err != nil {
		return nil
	}
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
func (e *env) pathsIn(ctx context.Context, me contexts.Context, name string) []string {
	c, own, err := e.readable(ctx, me, name)
	if err != nil {
		return nil
	}
	if own {
		contents, err := e.contents(ctx, name)
		if err != nil {
			return nil
		}
		return pathsOf(contents)
	}
	cache, err := e.listingFile(me, c)
	if err != nil {
		return nil
	}
	if paths, err := readListing(cache); err == nil {
		return paths
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	contents, err := e.contents(ctx, name)
	if err != nil {
		return nil
	}
	paths := pathsOf(contents)
	if text, err := json.Marshal(paths); err == nil {
		_ = contexts.WritePrivate(cache, text) // if that fails, the next completion asks again
	}
	return paths
}

func pathsOf(c catalog.Contents) []string {
	var all []string
	for _, e := range c.Entries {
		all = append(all, e.Path)
	}
	return all
}

// listingFile returns where the paths of a catalog are kept for the next completion.
func (e *env) listingFile(me contexts.Context, c events.Catalog) (string, error) {
	dir, err := e.dirs.Cache()
	of := sha256.Sum256([]byte(me.Account.String() + "\x00" + me.World + "\x00" + me.URL + "\x00" + c.String()))
	return filepath.Join(dir, "listings", hex.EncodeToString(of[:8])), err
}

var errOld = errors.New("too old")

func readListing(path string) (paths []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if time.Since(info.ModTime()) > listingLifetime {
		return nil, errOld
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return paths, json.Unmarshal(text, &paths)
}
