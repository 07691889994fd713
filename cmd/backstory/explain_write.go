package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"backstory/transform"
	"backstory/transform/upcast"
)

// writeJSON writes a value without escaping what HTML would want escaped.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// write shows the event for people: as it is stored, after each step by what
// changed, and as rows.
func (x *explained) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "event %s of stream %s", x.Position, orDash(x.Stream))
	if x.StreamVersion != 0 {
		fmt.Fprintf(&b, ", stream version %d", x.StreamVersion)
	}
	if !x.Time.IsZero() {
		fmt.Fprintf(&b, ", %s", x.Time.UTC().Format(time.RFC3339))
	}
	if x.Stored == nil {
		fmt.Fprintf(&b, "\n\nstored: %s\n  %s\n", x.Type, shownBytes(x.raw))
	} else {
		fmt.Fprintf(&b, "\n\nstored: %s\n%s\n", viewName(x.Stored), indent(viewText(x.Stored), "  "))
	}
	for i := range x.Steps {
		x.writeStep(&b, i)
	}
	if x.MoreSteps > 0 {
		fmt.Fprintf(&b, "\n%s more, not shown\n", plural(int64(x.MoreSteps), "step"))
	}
	if x.Newer {
		b.WriteString("\nits schema version is newer than the upcasters lead to: it is taken as it is stored\n")
	}
	switch {
	case x.Quarantined != nil:
		x.writeQuarantined(&b)
	case x.Forgotten:
		b.WriteString("\nits stream is forgotten: nothing of it is loaded\n")
	case x.Discarded:
		b.WriteString("\ndiscarded: the upcasters make nothing of it\n")
	default:
		x.writeRows(&b)
	}
	_, err := io.WriteString(w, visible(b.String()))
	return err
}

// writeStep shows what step i changed of what it took.
func (x *explained) writeStep(b *strings.Builder, i int) {
	step := &x.Steps[i]
	before := x.Stored
	for k := i - 1; k >= 0 && step.Depth > 0; k-- {
		if x.Steps[k].Depth == step.Depth-1 {
			before = &x.Steps[k].Result
			break
		}
	}
	fmt.Fprintf(b, "\n%s: ", traceName(step.Trace))
	old, now := viewText(before), viewText(&step.Result)
	switch {
	case old != now:
		fmt.Fprintf(b, "%s\n%s\n", viewName(&step.Result), indent(upcast.Diff(old, now), "  "))
	case viewName(before) != viewName(&step.Result):
		fmt.Fprintf(b, "%s, the same payload\n", viewName(&step.Result))
	default:
		b.WriteString("nothing changed\n")
	}
}

func (x *explained) writeQuarantined(b *strings.Builder) {
	q := x.Quarantined
	fmt.Fprintf(b, "\nquarantined: %s", q.Step)
	if q.Path != "" {
		fmt.Fprintf(b, " at %s", q.Path)
	}
	fmt.Fprintf(b, ": %s\n", q.Reason)
	if q.Hint != "" {
		fmt.Fprintf(b, "hint: %s\n", q.Hint)
	}
}

func (x *explained) writeRows(b *strings.Builder) {
	types := make(map[string]*transform.Table)
	for _, t := range x.Catalog.Tables() {
		types[t.Name] = t
	}
	for _, row := range x.Rows {
		fmt.Fprintf(b, "\nrow of %s\n", row.Table)
		var cells [][]string
		for _, c := range row.Cells {
			t := types[row.Table]
			cells = append(cells, []string{c.Column, t.Columns[t.Column(c.Column)].Type.String(), string(c.Value)})
		}
		writeGrid(b, cells) // a Builder takes everything
	}
	if x.Evolved {
		b.WriteString("\nsome of it is new: its tables get columns when it is loaded\n")
	}
}

// traceName names an upcaster: Cart.ItemAdded from 1.
func traceName(t transform.Trace) string {
	if t.Repair > 0 {
		return fmt.Sprintf("%s at %d, repair %d", t.Event, t.Version, t.Repair)
	}
	return fmt.Sprintf("%s from %d", t.Event, t.Version)
}

func viewName(v *transform.View) string {
	return fmt.Sprintf("%s, schema version %d", v.Type, v.SchemaVersion)
}

// viewText writes payload and metadata, a value a line.
func viewText(v *transform.View) string {
	text := prettyJSON(v.Data)
	if v.Meta != nil {
		text += "\nmeta " + prettyJSON(v.Meta)
	}
	return text
}

func prettyJSON(text []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return string(text)
	}
	return b.String()
}

// shownBytes shows bytes that could not be read, the first of them.
func shownBytes(raw string) string {
	const most = 500
	if len(raw) > most {
		return fmt.Sprintf("%q and %s more", raw[:most], plural(int64(len(raw)-most), "byte"))
	}
	return fmt.Sprintf("%q", raw)
}
