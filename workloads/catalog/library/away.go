package library

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"natster/workloads/catalog"
)

// An Away is a part of the directory that is listed and was not there at the last look, because its disk is not mounted
// or cannot be read. What is known of it is kept until it is back, or until [Library.ScanAccepting].
type Away struct {
	Path  string // "." is the whole directory, without what is mounted in it
	Files int    // that stay listed
	Why   string // it is thought to be away, and not emptied

	part  bool   // a disk of its own, and not only a directory or file that cannot be read
	first string // the path of one of its files
}

// String says where, how much and why, in one line.
func (a Away) String() string {
	if a.Path == "." {
		return a.kept()
	}
	return fmt.Sprintf("%q: %s", a.Path, a.kept())
}

// kept is why it is away, and what that means.
func (a Away) kept() string {
	switch a.Files {
	case 0:
		return a.Why
	case 1:
		return a.Why + "; its file stays listed"
	}
	return fmt.Sprintf("%s; its %d files stay listed", a.Why, a.Files)
}

// A part of the directory is what is on one disk: the directory itself, without what is mounted in it, or a directory
// something is mounted at, likewise. Parts are the keys of a snapshot's disks.

// partOf is the part that path belongs to.
func partOf(disks map[string]disk, path string) string {
	for i := len(path); len(disks) > 1 && i > 0; i = strings.LastIndexByte(path[:i], '/') {
		if _, ok := disks[path[:i]]; ok {
			return path[:i]
		}
	}
	return "."
}

// covers reports whether path is in a.
func (a Away) covers(disks map[string]disk, path string) bool {
	if a.part {
		return partOf(disks, path) == a.Path
	}
	return a.Path == "." || path == a.Path || strings.HasPrefix(path, a.Path) && path[len(a.Path)] == '/'
}

// Away lists what was not there at the last look, sorted by path. Do not change it.
func (l *Library) Away() []Away { return l.snap.Load().away }

// awayAt returns why the file at path is away, if it is: as of the last look, or by a look at its disk.
func (l *Library) awayAt(s *snapshot, path string) (why string, away bool) {
	for _, a := range s.away {
		if a.covers(s.disks, path) {
			return a.Why, true
		}
	}
	p := partOf(s.disks, path)
	if seen := s.seen[p]; seen != "" && l.diskAt(p) != seen {
		return "its disk is not there", true
	}
	return "", false
}

// at is the path in the file system.
func (l *Library) at(p string) string { return filepath.Join(l.dir, filepath.FromSlash(p)) }

// disksNow looks at the disk of each part.
func (l *Library) disksNow(parts map[string]disk) map[string]disk {
	now := map[string]disk{".": l.diskAt(".")}
	for p := range parts {
		if p != "." {
			now[p] = l.diskAt(p)
		}
	}
	return now
}

// awayParts returns the parts that are away: those that were emptied, or nearly, without a better explanation.
func (v *survey) awayParts() (away []Away) {
	type part struct {
		held, found int
		first       string
	}
	all := make(map[string]*part)
	of := func(path string) *part {
		p := partOf(v.prev.disks, path)
		if all[p] == nil {
			all[p] = new(part)
		}
		return all[p]
	}
	for i := range v.prev.entries {
		p := of(v.prev.entries[i].Path)
		if p.held++; p.held == 1 {
			p.first = v.prev.entries[i].Path
		}
	}
	for i := range v.found {
		of(v.found[i].path).found++
	}
	if v.gone != nil {
		of(".")
	}
	for path, p := range all {
		if why := v.missing(path, p.held, p.found); why != "" {
			away = append(away, Away{Path: path, Files: p.held, Why: why, part: true, first: p.first})
		}
	}
	return away
}

// missing returns why the part p, which held so many files and in which so many were found, must be away; empty: it
// need not be. One file of twenty makes it the same directory as before; half as many other files as went make it one
// whose owner has put something else there, unless they are on another disk.
func (v *survey) missing(p string, held, found int) string {
	home, now := v.prev.disks[p], v.seen[p]
	same := home == "" || home.system() == now.system()
	switch {
	case p == "." && v.gone != nil:
		return reasonOf(v.gone)
	case held == 0, now != "" && same && 2*found >= held:
		return ""
	}
	kept := 0
	for i := range v.found {
		if _, ok := v.prev.at(v.found[i].path); ok && partOf(v.prev.disks, v.found[i].path) == p {
			kept++
		}
	}
	if 20*kept >= held {
		return ""
	}
	for q, d := range v.seen {
		if home != "" && d == home && q != p && v.prev.disks[q] == "" {
			return "" // mounted elsewhere in the directory
		}
	}
	switch {
	case now == "":
		return "its directory is not there"
	case !same:
		return "its disk is not mounted there"
	case found == 0:
		return "it is empty"
	}
	return fmt.Sprintf("of its files %d of %d are left", kept, held)
}

// withheld is what is listed and was left out because it could not be read.
func withheld(prev *snapshot, skipped []Skipped) (away []Away) {
	for _, k := range skipped {
		if k.Reason != Unreadable {
			continue
		}
		from, end := prev.below(k.Path)
		if n := end - from; n > 0 {
			away = append(away, Away{Path: k.Path, Files: n, Why: "it cannot be read: " + k.Detail,
				first: prev.entries[from].Path})
		}
	}
	return away
}

// seemsBack reports whether what is away seems to be back; it costs one look at the file system.
func (l *Library) seemsBack(a Away) bool {
	switch {
	case a.part && a.first != "":
		_, err := os.Lstat(l.at(a.first))
		return err == nil
	case a.part, a.first == a.Path: // it held nothing; a file: a change of its rights makes an event
		return false
	}
	f, err := os.Open(l.at(a.Path))
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = f.Readdirnames(1)
	return err == nil || err == io.EOF
}

// cannotRead reports whether err, of opening or reading a file, says nothing about what is there: the disk, the network
// or the rights are in the way.
func cannotRead(err error) bool {
	var no syscall.Errno
	return !isMissing(err) && (errors.Is(err, fs.ErrPermission) || errors.As(err, &no) && no != syscall.ELOOP)
}

// awayError is the error about a file that cannot be had now.
func awayError(e catalog.Entry, why string) error {
	return fmt.Errorf("library: %q: %w: %s", e.Path, catalog.ErrAway, why)
}
