package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"natster/internal/brief"
)

// Limits of a path in a catalog: what file systems and terminals can handle, not what the wire could carry.
const (
	MaxPath  = 4096 // bytes of a whole path
	MaxName  = 255  // bytes of one name in it
	MaxDepth = 128  // names in it
)

// ErrPath is wrapped by every error about a path that no catalog may list.
var ErrPath = errors.New("not a path that a catalog may list")

// CheckPath returns an error that wraps [ErrPath] unless a catalog may list path. A good path is relative to the
// catalog's directory and stays inside it (no "..", no backslash), is separated by slashes and clean, is valid UTF-8
// that prints as what it is (no control characters, no reversal of the writing direction, no hidden message in tags),
// is within the limits, and has no [Hidden] name in it: a person who downloads a whole catalog into a home directory
// must not get a new .profile. A name that only some systems cannot have is good here; a receiver asks [CheckOn]. The
// page has the same rule; testdata/paths.json has the cases of both.
func CheckPath(path string) error {
	if why := badPath(path); why != "" {
		return fmt.Errorf("%q: %w: %s", brief.Clip(path), ErrPath, why)
	}
	return nil
}

// CleanListed returns the path that a listing means: the original lists absolute paths, as in "/README.txt", so one
// leading slash is removed. The result is still to be checked.
func CleanListed(path string) string { return strings.TrimPrefix(path, "/") }

// Hidden reports whether a file or directory of that name is hidden: one leading dot hides, and "...Like Clockwork" is
// music.
func Hidden(name string) bool { return len(name) > 1 && name[0] == '.' && name[1] != '.' }

// badPath returns why path is not a good one, or "".
func badPath(path string) string {
	switch {
	case path == "":
		return "it is empty"
	case len(path) > MaxPath:
		return fmt.Sprintf("it is longer than %d bytes", MaxPath)
	case !utf8.ValidString(path):
		return "it is not valid UTF-8"
	}
	if why := badCharacter(path); why != "" {
		return why
	}
	depth := 0
	for name := range strings.SplitSeq(path, "/") {
		depth++
		switch {
		case name == "":
			return "it has an empty name in it, or is absolute"
		case name == "." || name == "..":
			return "it leads elsewhere (" + name + ")"
		case Hidden(name):
			return "it is hidden"
		case len(name) > MaxName:
			return fmt.Sprintf("a name in it is longer than %d bytes", MaxName)
		case depth > MaxDepth:
			return fmt.Sprintf("it is deeper than %d names", MaxDepth)
		}
	}
	return ""
}

// badCharacter returns why s has a character that a path must not have, or "".
func badCharacter(s string) string {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f || c == '\\' || c >= utf8.RuneSelf {
			return badRune(s[i:])
		}
	}
	return ""
}

func badRune(s string) string {
	tags := false
	for _, r := range s {
		switch {
		case r == '\\':
			return "it has a backslash in it"
		case brief.Deceives(r):
			return fmt.Sprintf("it has a control character in it (%U)", r)
		}
		tags = tags || isTag(r)
	}
	if tags && strings.ContainsFunc(regionFlag.ReplaceAllString(s, ""), isTag) {
		return "it has hidden text in it"
	}
	return ""
}

// Tags are invisible letters. They are good only after a black flag, where they name its region.
var regionFlag = regexp.MustCompile(`\x{1f3f4}[\x{e0030}-\x{e007a}]{3,6}\x{e007f}`)

func isTag(r rune) bool { return r >= 0xe0000 && r <= 0xe007f }
