package term

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// A Table is columns of text for a person.
type Table struct {
	Head  []string
	End   []int  // columns that are set flush right
	Empty string // the sentence that stands for a table without rows
	rows  [][]string
}

// Row adds a row, with a cell for each column.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// PrintRows prints a result of several rows: as a list in JSON, or as t with the cells of each.
func PrintRows[T any](p *Printer, rows []T, t Table, cells func(T) []string) error {
	if rows == nil {
		rows = []T{} // [] in JSON
	}
	return p.Print(rows, func() {
		for _, r := range rows {
			t.Row(cells(r)...)
		}
		p.Table(t)
	})
}

// Table prints t on stdout.
func (p *Printer) Table(t Table) {
	if len(t.rows) == 0 {
		fmt.Fprintln(p.Stdout, t.Empty)
		return
	}
	for _, r := range t.rows {
		for i, c := range r {
			r[i] = p.Out.cell(c)
		}
	}
	t = t.withoutEmptyColumns()
	widths := make([]int, len(t.Head))
	for _, r := range append([][]string{t.Head}, t.rows...) {
		for i, c := range r {
			widths[i] = max(widths[i], uniseg.StringWidth(c))
		}
	}
	line := func(cells []string, paint func(string) string) {
		var b strings.Builder
		for i, c := range cells {
			pad := strings.Repeat(" ", widths[i]-uniseg.StringWidth(c))
			if slices.Contains(t.End, i) {
				b.WriteString(pad + paint(c) + "  ")
			} else {
				b.WriteString(paint(c) + pad + "  ")
			}
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
