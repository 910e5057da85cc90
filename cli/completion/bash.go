package completion

import "strings"

// BashWords takes the words of a command line as bash has them, the last being typed, for what they mean, and returns
// with them what makes of a completion of the last what bash is to insert. Line is the command line up to the cursor
// without the program's name, or empty if it is not known: bash parts words at characters such as : and =, and only
// there can be seen which belong together.
func BashWords(typed []string, line string) (meant []string, insert func(string) string) {
	words, from := rejoined(typed, line)
	var last bashWord
	for i, w := range words {
		begin := 0
		if i == len(words)-1 {
			begin = from
		}
		last = parseBashWord(w, begin)
		meant = append(meant, last.meant)
	}
	return meant, last.insert
}

// rejoined are words that bash has parted, put together again, and where in the last of them bash thinks that it
// begins.
func rejoined(words []string, line string) (all []string, from int) {
	for i, w := range words {
		behind := strings.TrimLeft(line, " \t\n")
		rest, found := strings.CutPrefix(behind, w)
		if !found {
			return words, 0
		}
		if i == 0 || len(behind) < len(line) {
			all, from = append(all, w), 0
		} else {
			last := &all[len(all)-1]
			from = len(*last)
			*last += w
			if strings.Trim(w, `:=@<>|&;(`) == "" { // bash begins behind it
				from = len(*last)
			}
		}
		line = rest
	}
	return all, from
}

// A bashWord is a word as it is typed, quoted, perhaps not to its end.
type bashWord struct {
	meant string
	quote byte // the quote that is still open, or 0
	begin int  // in meant: where the part begins that bash replaces, behind a quote or a character that splits words
}

// parseBashWord parses a word of which bash replaces what is behind from. Nothing in it is expanded.
func parseBashWord(typed string, from int) bashWord {
	var w bashWord
	var b strings.Builder
	part := 0 // from, in what is meant
	for i := 0; i < len(typed); i++ {
		if i == from {
			part, w.begin = b.Len(), b.Len()
		}
		c := typed[i]
		switch {
		case w.quote != 0 && c == w.quote:
			w.quote, w.begin = 0, part
		case w.quote == 0 && (c == '\'' || c == '"'):
			w.quote, w.begin = c, b.Len()
		case c == '\\' && i+1 < len(typed) &&
			(w.quote == 0 || w.quote == '"' && strings.IndexByte("$`\"\\", typed[i+1]) >= 0):
			i++
			b.WriteByte(typed[i])
		case c == '\\' && w.quote == 0: // what it quotes is not typed yet
		default:
			b.WriteByte(c)
		}
	}
	if from == len(typed) {
		w.begin = b.Len()
	}
	w.meant = b.String()
	return w
}

// insert is the part of s that bash is to put where w begins, quoted as w is.
func (w bashWord) insert(s string) string {
	s = s[min(w.begin, len(s)):]
	var special string
	switch w.quote {
	case '\'':
		return strings.ReplaceAll(s, "'", `'\''`)
	case '"':
		special = "$`\"\\"
	default:
		special = " \t!\"#$&'()*,;<=>?@[\\]^`{|}~:"
	}
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
