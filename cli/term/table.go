package term

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// A Table is columns of text for a person.
type Table struct {
	Head []string
	End  []int // columns that are set flush right
	rows [][]string
}

// Row adds a row, with a cell for each column.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// Table prints t on stdout; a table without rows prints empty, a sentence.
func (p *Printer) Table(t Table, empty string) {
	if len(t.rows) == 0 {
		fmt.Fprintln(p.Stdout, empty)
		return
	}
	t = t.withoutEmptyColumns()
	widths := make([]int, len(t.Head))
	for _, r := range append([][]string{t.Head}, t.rows...) {
		for i, c := range r {
			widths[i] = max(widths[i], uniseg.StringWidth(c))
		}
	}
	right := make([]bool, len(t.Head))
	for _, i := range t.End {
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
		fmt.Fprintln(p.Stdout, strings.TrimRight(b.String(), " "))
	}
	line(t.Head, p.Out.Dim)
	for _, r := range t.rows {
		line(r, func(s string) string { return s })
	}
}

// withoutEmptyColumns returns t without the columns that are empty in each row.
func (t Table) withoutEmptyColumns() Table {
	var kept Table
	kept.rows = make([][]string, len(t.rows))
	for i, head := range t.Head {
		if !slices.ContainsFunc(t.rows, func(r []string) bool { return r[i] != "" }) {
			continue
		}
		if slices.Contains(t.End, i) {
			kept.End = append(kept.End, len(kept.Head))
		}
		kept.Head = append(kept.Head, head)
		for j, r := range t.rows {
			kept.rows[j] = append(kept.rows[j], r[i])
		}
	}
	return kept
}
