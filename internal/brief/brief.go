// Package brief makes text that comes from elsewhere fit for an error message or a header.
//
//	brief.go  Clip, Line
package brief

import "strings"

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
