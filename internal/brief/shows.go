package brief

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Shows reports whether a reader sees that there is text: every character of s prints, none is a filler, which Unicode
// counts among the letters and marks although it looks like nothing, not all are blank, and the first is no mark, which
// would be drawn on whatever stands before s.
func Shows(s string) bool {
	hidden := func(r rune) bool {
		return !unicode.IsPrint(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
	}
	seen := strings.TrimLeft(s, blanks)
	first, _ := utf8.DecodeRuneInString(seen)
	return seen != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, hidden) && !unicode.In(first, unicode.M)
}

// blanks are what prints as nothing by itself: the space, the empty pattern of Braille, the note without a head.
const blanks = " \u2800\U0001d159"
