package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/rivo/uniseg"
)

// A table is columns of text for a person.
type table struct {
	head []string
	rows [][]string
	end  []int // columns that are set flush right
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// printTable prints t on stdout; a table without rows prints empty, a sentence.
func (e *env) printTable(t table, empty string) {
	if len(t.rows) == 0 {
		fmt.Fprintln(e.Stdout, empty)
		return
	}
	t = t.withoutEmptyColumns()
	widths := make([]int, len(t.head))
	for _, r := range append([][]string{t.head}, t.rows...) {
		for i, c := range r {
			widths[i] = max(widths[i], uniseg.StringWidth(c))
		}
	}
	right := make([]bool, len(t.head))
	for _, i := range t.end {
		right[i] = true
	}
	line := func(cells []string, paint func(string) string) {
		var b strings.Builder
		for i, c := range cells {
			pad := strings.Repeat(" ", widths[i]-uniseg.StringWidth(c))
			switch {
			case right[i]:
				b.WriteString(pad + paint(c))
			case i == len(cells)-1:
				b.WriteString(paint(c))
			default:
				b.WriteString(paint(c) + pad)
			}
			b.WriteString("  ")
		}
		fmt.Fprintln(e.Stdout, strings.TrimRight(b.String(), " "))
	}
	line(t.head, e.out.dim)
	for _, r := range t.rows {
		line(r, func(s string) string { return s })
	}
}

// withoutEmptyColumns is t without the columns that no row has anything in.
func (t table) withoutEmptyColumns() table {
	var kept table
	kept.rows = make([][]string, len(t.rows))
	for i, head := range t.head {
		if !slices.ContainsFunc(t.rows, func(r []string) bool { return r[i] != "" }) {
			continue
		}
		if slices.Contains(t.end, i) {
			kept.end = append(kept.end, len(kept.head))
		}
		kept.head = append(kept.head, head)
		for j, r := range t.rows {
			kept.rows[j] = append(kept.rows[j], r[i])
		}
	}
	return kept
}

// size is a number of bytes for a person, in powers of 1000 as rate is.
func size(n int64) string { return humanize.Bytes(uint64(max(0, n))) }

func rate(bytes int64, seconds float64) string {
	if seconds <= 0 {
		return "-"
	}
	return humanize.Bytes(uint64(float64(bytes)/seconds)) + "/s"
}

// count is a number and its noun, in the plural where it belongs.
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if stem, ok := strings.CutSuffix(one, "y"); ok {
		one = stem + "ie"
	}
	return humanize.Comma(int64(n)) + " " + one + "s"
}

func yes(b bool, word string) string {
	if b {
		return word
	}
	return "-"
}

// list is words as a sentence has them.
func list(words []string) string { return joined(words, " and ") }

// alternatives are words of which one is meant.
func alternatives(words []string) string { return joined(words, " or ") }

func joined(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + last + words[len(words)-1]
}
