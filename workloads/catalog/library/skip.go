package library

import (
	"fmt"
	"path"
	"strings"

	"natster/workloads/catalog"
)

// A Reason is why a file or directory is not in the catalog, as a sentence for its owner.
type Reason string

// The reasons. The first two are as expected; see [Reason.Quiet].
const (
	Hidden        Reason = "hidden (the name begins with a dot)"
	Temporary     Reason = "an editor's or a downloader's temporary file"
	Writing       Reason = "still being written"
	LeavesRoot    Reason = "a symbolic link that is absolute or leaves the catalog's directory"
	DanglingLink  Reason = "a symbolic link to nothing"
	DirectoryLink Reason = "a symbolic link to a directory (not followed, to avoid loops)"
	Special       Reason = "neither a file nor a directory (a device, pipe or socket)"
	BadName       Reason = "the name cannot be in a catalog"
	Unreadable    Reason = "cannot be read"
	Private       Reason = "holds keys, which nobody else may see"
	TooMany       Reason = "more files than a catalog can hold"
)

// Quiet reports whether files are left out for this reason as a matter of course.
func (r Reason) Quiet() bool { return r == Hidden || r == Temporary }

// A Skipped is something in the directory that is not in the catalog. If it is a directory, nothing in it is.
type Skipped struct {
	Path   string // relative, slash separated; any bytes that a file name can have: print it quoted
	Reason Reason
	Detail string // more about it, or empty
}

// String says what was left out and why, in one line.
func (s Skipped) String() string {
	if s.Detail == "" {
		return fmt.Sprintf("%q: %s", s.Path, s.Reason)
	}
	return fmt.Sprintf("%q: %s: %s", s.Path, s.Reason, s.Detail)
}

// leaveOut returns why a file or directory is not for the catalog, as far as its name says.
func leaveOut(name string) (Reason, bool) {
	switch {
	case catalog.Hidden(name):
		return Hidden, true
	case isTemporary(name):
		return Temporary, true
	}
	return "", false
}

// isTemporary reports whether editors, browsers or download programs keep unfinished files under such a name.
func isTemporary(name string) bool {
	switch {
	case strings.HasSuffix(name, "~"), // Emacs, Vim, GNU tools: backup
		strings.HasPrefix(name, "~$"),                                // Office: lock
		strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#"), // Emacs: autosave
		name == "4913": // Vim: may I write here?
		return true
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".tmp", ".temp", ".swp", ".swo", ".swx", ".swn", // editors
		// downloads
		".partial", ".part", ".crdownload", ".download", ".opdownload", ".!ut", ".!qb", ".aria2", ".filepart":
		return true
	}
	return false
}
