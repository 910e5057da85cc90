package catalog

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Shown returns a good path as a person may be shown it: invisible characters become "\u200f" and the like, so that
// names that differ look different. Honest names have them too (Hebrew and Arabic keyboards type marks of direction,
// browsers copy soft hyphens) and are therefore listed. No good path has a backslash, so what is shown is never another
// name. Joiners remain between letters that they join, as in Persian and emoji.
func Shown(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool { return unseen(r) || joins(r) }) {
		return path
	}
	var b strings.Builder
	before := ' '
	for i, r := range path {
		after, _ := utf8.DecodeRuneInString(path[i+utf8.RuneLen(r):])
		switch {
		case unseen(r), joins(r) && (!joined(before) || !joined(after)):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

// unseen reports whether r is invisible, or looks like a space and is not one.
func unseen(r rune) bool {
	switch r {
	case 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e, 0x200b, 0x200e, 0x200f, 0x3164, 0xfeff, 0xffa0:
		return true
	}
	return r >= 0x2060 && r <= 0x2064 || r >= 0x206a && r <= 0x206f || r >= 0xfff9 && r <= 0xfffb
}

func joins(r rune) bool { return r == 0x200c || r == 0x200d }

func joined(r rune) bool { return r > unicode.MaxLatin1 && !unseen(r) && !joins(r) }
