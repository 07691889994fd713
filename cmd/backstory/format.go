package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"backstory/schedules/figures"
)

// Figures and names are written as on the worker's page.
var (
	visible   = figures.Visible
	thousands = figures.Thousands
	plural    = figures.Plural
	byteSize  = figures.Bytes
)

// writeGrid writes cells below each other, indented, with no blanks at the
// ends of lines.
func writeGrid(w io.Writer, rows [][]string) error {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		shown := make([]string, len(cells))
		for i, cell := range cells {
			shown[i] = oneLine(cell)
		}
		fmt.Fprintf(t, "  %s\n", strings.Join(shown, "\t"))
	}
	t.Flush() // b takes everything
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}
