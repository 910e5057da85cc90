package term

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/rivo/uniseg"

	"natster/internal/brief"
	"natster/workloads/catalog"
)

// Bytes returns a number of bytes for a person, in powers of 1000 as Rate does.
func Bytes(n int64) string { return humanize.Bytes(uint64(max(0, n))) }

// Rate returns how many bytes a second came, or - if no time has passed.
func Rate(bytes int64, seconds float64) string {
	if seconds <= 0 {
		return "-"
	}
	return humanize.Bytes(uint64(float64(bytes)/seconds)) + "/s"
}

// Count returns a number and its noun, in the plural unless n is 1.
func Count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if stem, ok := strings.CutSuffix(one, "y"); ok {
		one = stem + "ie"
	}
	return humanize.Comma(int64(n)) + " " + one + "s"
}

// List returns words as a sentence has them: a, b and c.
func List(words []string) string { return joined(words, " and ") }

// Alternatives returns words of which one is meant: a, b or c.
func Alternatives(words []string) string { return joined(words, " or ") }

func joined(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + last + words[len(words)-1]
}

// Fit cuts s to a number of columns, at its beginning: the end of a path says most.
func Fit(s string, columns int) string {
	if uniseg.StringWidth(s) <= columns {
		return s
	}
	r := []rune(s)
	for len(r) > 0 && uniseg.StringWidth(string(r)) > columns-1 {
		r = r[1:]
	}
	return "…" + string(r)
}

// Pad fills s up with spaces to a number of columns.
func Pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(0, columns-uniseg.StringWidth(s)))
}

// Plain returns text without colours.
func Plain(text string) string {
	for {
		i := strings.IndexByte(text, 0x1b)
		if i < 0 {
			return text
		}
		n := strings.IndexByte(text[i:], 'm')
		if n < 0 {
			return text[:i]
		}
		text = text[:i] + text[i+n+1:]
	}
}

// OneLine makes text fit to stand behind "natster: " on a terminal: one line that begins in lower case, with nothing in
// it that acts on the terminal, since servers of others have a say in errors.
func OneLine(s string) string {
	s = catalog.CleanDescription(strings.ReplaceAll(strings.TrimSpace(s), "\n", "; "))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'a' && s[1] <= 'z' {
		s = string(s[0]+'a'-'A') + s[1:]
	}
	return s
}

// Quoted returns text of others in quotes, on one line, without anything in it that acts on a terminal.
func Quoted(s string) string { return brief.Quote(s) }

// A Block is text of ours for Say or Note that may have several lines.
type Block string

// Inert returns s with nothing in it that acts on a terminal: what does becomes a space.
func Inert(s string) string {
	return strings.Map(func(r rune) rune {
		if brief.Deceives(r) {
			return ' '
		}
		return r
	}, s)
}

// inert makes args, which are printed on a stream in this style, inert, except for the style's own colours: whatever a
// caller forgot is harmless. A [Block] keeps its lines.
func (s Style) inert(args []any) {
	for i, a := range args {
		switch a := a.(type) {
		case Block:
			lines := strings.Split(string(a), "\n")
			for j, l := range lines {
				lines[j] = s.cell(l)
			}
			args[i] = strings.Join(lines, "\n")
		case string:
			args[i] = s.cell(a)
		case error:
			args[i] = s.cell(a.Error())
		case fmt.Stringer:
			args[i] = s.cell(a.String())
		}
	}
}

// cell is inert for one text.
func (s Style) cell(text string) string {
	if !strings.ContainsFunc(text, brief.Deceives) {
		return text
	}
	if !s.Colours {
		return Inert(text)
	}
	var b strings.Builder
	for text != "" {
		at := colour.FindStringIndex(text)
		if at == nil {
			at = []int{len(text), len(text)}
		}
		b.WriteString(Inert(text[:at[0]]) + text[at[0]:at[1]])
		text = text[at[1]:]
	}
	return b.String()
}

// colour is what paint writes.
var colour = regexp.MustCompile("\x1b\\[(?:0|1|2|31|32|36)m")

// ShellWord returns s as a shell takes it for one word.
func ShellWord(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%=,"
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
