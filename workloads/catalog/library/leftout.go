package library

import (
	"slices"
	"strings"
)

// A LeftOut is how much is left out for one reason, and some of it.
type LeftOut struct {
	Reason   Reason
	Count    int       // of files and directories; what is in a directory is not counted
	Examples []Skipped // a few, those first that were hardly meant to be left out
}

// mostExamples of a reason: Skipped has all.
const mostExamples = 5

// LeftOut sums up what the last look left out. The reasons that matter most come first.
func (l *Library) LeftOut() []LeftOut {
	var all []LeftOut
	skipped := l.Skipped() // once: a look may end meanwhile
	for _, r := range []struct{ quiet, common bool }{{false, false}, {true, false}, {true, true}} {
		for _, k := range skipped {
			if k.Reason.Quiet() != r.quiet || bookkeeping(k) != r.common {
				continue
			}
			i := slices.IndexFunc(all, func(o LeftOut) bool { return o.Reason == k.Reason })
			if i < 0 {
				i = len(all)
				all = append(all, LeftOut{Reason: k.Reason})
			}
			all[i].Count++
			if len(all[i].Examples) < mostExamples {
				all[i].Examples = append(all[i].Examples, k)
			}
		}
	}
	return all
}

// bookkeeping reports whether k is hidden and made by a system or a program for itself: its owner does not miss it.
func bookkeeping(k Skipped) bool {
	if k.Reason != Hidden {
		return false
	}
	name := k.Path[strings.LastIndexByte(k.Path, '/')+1:]
	return slices.ContainsFunc([]string{
		// macOS
		"._", ".DS_Store", ".Trash", ".Spotlight-", ".fseventsd", ".TemporaryItems", ".DocumentRevisions-",
		".localized",
		".directory", ".thumbnails", ".nomedia", ".cache", ".config", ".local", ".snapshot", // desktops and disks
		".git", ".svn", ".hg", ".idea", ".vscode", // programmers
		// synchronisers
		".stfolder", ".stversions", ".stignore", ".syncthing", ".dropbox", ".sync", ".nextcloud", ".owncloud", ".~",
	}, func(p string) bool { return strings.HasPrefix(name, p) })
}
