// Package brief makes text that comes from elsewhere fit for an error message, a header or a terminal.
//
//	brief.go  Clip, Line, Quote, Deceives
//	shows.go  Shows
package brief

import (
	"strconv"
	"strings"
	"unicode"
)

// Clip returns s, or its beginning and an ellipsis if it has more than 120 bytes.
func Clip(s string) string {
	const limit = 120
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

// Line returns s as one line of at most 512 bytes, fit for a header: control characters become spaces.
func Line(s string) string {
	const limit = 512
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' {
			return ' '
		}
		return c
	}, s)
}

// Quote returns what others wrote as it stands in our sentences: in quotes, on one line, with escapes in place of what
// does not print, and of what there is of it after 120 bytes an ellipsis.
func Quote(s string) string { return strconv.Quote(Clip(s)) }

// Deceives reports whether r can make text look like other text on a terminal: control characters, line separators, and
// the overrides and isolates of the writing direction.
func Deceives(r rune) bool {
	return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || (r >= 0x202a && r <= 0x202e) ||
		(r >= 0x2066 && r <= 0x2069)
}
