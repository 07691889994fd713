package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"backstory/transform"
	"backstory/transform/survey"
)

// writeDiscovered writes a report for people: first what went wrong, then
// what is worth knowing, then all types and versions, then their shapes.
func writeDiscovered(out io.Writer, r *survey.Report, tables []*transform.Table) error {
	w := bufio.NewWriter(out)
	var accidents, notes []survey.Finding
	for _, f := range r.Findings {
		if f.Kind.Accident() {
			accidents = append(accidents, f)
		} else {
			notes = append(notes, f)
		}
	}
	if r.Failed > 0 {
		fmt.Fprintf(w, "%s could not be opened; the first: %s\n\n", plural(r.Failed, "event"), oneLine(r.FirstFailed))
	}
	if r.Passed > 0 {
		fmt.Fprintf(w, "%s of further event types are not shown: there are too many types\n\n", plural(r.Passed, "event"))
	}
	writeFindings(w, "ACCIDENTS", accidents)
	writeFindings(w, "WORTH KNOWING", notes)
	writeTypes(w, r)
	writeShapes(w, r)
	if n := int64(len(r.Upcasters)); n > 0 {
		fmt.Fprintf(w, "\n%s suggested: backstory discover --suggest prints them, --starter FILE writes them.\n", plural(n, "upcaster"))
	}
	if tables != nil {
		writeColumns(w, tables)
	}
	return w.Flush()
}

// mostFindings is how many findings of one sort are shown.
const mostFindings = 40

func writeFindings(w io.Writer, title string, findings []survey.Finding) {
	if len(findings) == 0 {
		return
	}
	fmt.Fprintln(w, title)
	for i, f := range findings {
		if i == mostFindings {
			fmt.Fprintf(w, "  and %d more; --json shows all\n", len(findings)-i)
			break
		}
		of := oneLine(f.Event)
		if f.Version > 0 {
			of = fmt.Sprintf("%s version %d", of, f.Version)
		}
		fmt.Fprintf(w, "  %s: %s\n", of, f.Text)
		if len(f.Evidence) == 0 || !f.Kind.Accident() {
			continue
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, e := range f.Evidence {
			fmt.Fprintf(t, "      %s\t%s\t%s to %s\n", oneLine(e.What), thousands(e.Count), e.First, e.Last)
		}
		t.Flush() // w keeps its first error
	}
	fmt.Fprintln(w)
}

func writeTypes(w io.Writer, r *survey.Report) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "EVENT TYPE\tVERSION\tEVENTS\tSHAPES\tFIRST\tLAST\tFROM\tTO")
	for _, e := range r.Types {
		for _, v := range e.Versions {
			fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(e.Event), v.Version, thousands(v.Events), countShapes(v),
				v.First.Position, v.Last.Position, day(v.First.Time), day(v.Last.Time))
		}
	}
	t.Flush() // w keeps its first error
}

// countShapes counts the shapes of payloads.
func countShapes(v survey.Version) string {
	n, more := 0, ""
	for _, s := range v.Shapes {
		switch {
		case s.Of != "":
		case s.Pooled:
			more = "+"
		default:
			n++
		}
	}
	return thousands(int64(n)) + more
}

// mostShapes is how many shapes of a version are shown.
const mostShapes = 6

func writeShapes(w io.Writer, r *survey.Report) {
	for _, e := range r.Types {
		for _, v := range e.Versions {
			fmt.Fprintf(w, "\n%s version %d\n", oneLine(e.Event), v.Version)
			byPlace := make(map[string][]survey.Shape)
			var places []string
			for _, s := range v.Shapes {
				if byPlace[s.Of] == nil {
					places = append(places, s.Of)
				}
				byPlace[s.Of] = append(byPlace[s.Of], s)
			}
			for _, place := range places {
				writeShapesOf(w, place, byPlace[place])
			}
		}
	}
}

// writeShapesOf writes what all shapes have in common, and then what sets
// each apart.
func writeShapesOf(w io.Writer, place string, shapes []survey.Shape) {
	if place != "" {
		fmt.Fprintf(w, "  %s\n", oneLine(place))
	}
	common := inCommon(shapes)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(common) > 0 || len(shapes) == 1 {
		fmt.Fprintf(t, "  %s\t%s\n", label(len(shapes)), joinPaths(common))
	}
	rest := int64(0)
	for i, s := range shapes {
		switch {
		case len(shapes) == 1:
		case i >= mostShapes || s.Pooled:
			rest += s.Count
		default:
			fmt.Fprintf(t, "  %s\t%s\t%s\n", thousands(s.Count), joinPaths(missingIn(s.Paths, common)), s.First.String()+" to "+s.Last.String())
		}
	}
	t.Flush() // w keeps its first error
	if rest > 0 {
		fmt.Fprintf(w, "  %s of rarer shapes; --json shows more\n", thousands(rest))
	}
}

func label(shapes int) string {
	if shapes == 1 {
		return "always"
	}
	return "in all"
}

// inCommon gives the paths that all shapes have.
func inCommon(shapes []survey.Shape) []string {
	var common []string
	for _, p := range shapes[0].Paths {
		everywhere := true
		for _, s := range shapes {
			everywhere = everywhere && (s.Pooled || contains(s.Paths, p))
		}
		if everywhere {
			common = append(common, p)
		}
	}
	return common
}

func missingIn(paths, common []string) []string {
	var rest []string
	for _, p := range paths {
		if !contains(common, p) {
			rest = append(rest, p)
		}
	}
	return rest
}

// joinPaths writes paths on one line, of many the first.
func joinPaths(paths []string) string {
	const most = 12
	if len(paths) == 0 {
		return "nothing more"
	}
	shown := paths[:min(len(paths), most)]
	text := oneLine(strings.Join(shown, ", "))
	if n := len(paths) - len(shown); n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// oneLine replaces what is no visible character: names come out of the store,
// and must not play with a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateOnly)
}
