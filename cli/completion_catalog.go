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

	"natster/events"
	"natster/workloads/catalog"
)

// catalogCandidates completes the names of catalogs and of what is in them.
func (e *env) catalogCandidates(ctx context.Context, command, placeholder string, before []string, typing string) []string {
	me, err := e.me()
	if err != nil {
		return nil
	}
	s, err := e.shelf(me)
	if err != nil {
		return nil
	}
	var all []events.Catalog
	switch placeholder {
	case "CATALOG":
		all, _ = s.names() // what can be read is completed
		if slices.Contains([]string{"contents", "download", "get", "open"}, command) {
			all = append(all, me.importedNames(ctx)...)
		}
	case "IMPORTED":
		all = me.importedNames(ctx)
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

// inboxNames are the names of the catalogs in the inbox, or behind one of them who shares it.
func (e *env) inboxNames(ctx context.Context, before []string) []string {
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
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
			all = append(all, s.contacts.typed(x.From))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// level are what paths beginning with typing can become up to their next slash: files, and directories with the slash behind.
func level(paths []string, typing string) []string {
	var all []string
	seen := make(map[string]bool)
	for _, p := range paths {
		p = norm.NFC.String(p) // as keyboards type it; either form means the file
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

// How long a completion may ask a catalog's owner, and for how long it believes what it was told.
const (
	completionPatience = 2 * time.Second
	completionGood     = 30 * time.Second
)

// pathsIn are the paths of a catalog that can be read, or none if it cannot be told soon.
func (e *env) pathsIn(ctx context.Context, me Context, name string) []string {
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
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	contents, err := e.contents(ctx, name)
	if err != nil {
		return nil
	}
	paths := pathsOf(contents)
	if text, err := json.Marshal(paths); err == nil {
		_ = writePrivate(cache, text) // without it the next completion asks again
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

// listingFile is where the paths of a catalog are kept for the next completion.
func (e *env) listingFile(me Context, c events.Catalog) (string, error) {
	dir, err := e.cacheDir()
	of := sha256.Sum256([]byte(me.Account.String() + "\x00" + me.World + "\x00" + me.URL + "\x00" + c.String()))
	return filepath.Join(dir, "listings", hex.EncodeToString(of[:8])), err
}

var errOld = errors.New("too old")

func readListing(path string) (paths []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if time.Since(info.ModTime()) > completionGood {
		return nil, errOld
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return paths, json.Unmarshal(text, &paths)
}
