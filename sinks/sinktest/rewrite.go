package sinktest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// grownLines gives rows that were written before the table grew, with nulls
// in the columns that came later.
func grownLines(windows ...source.Window) []string {
	return withNulls(linesOf(Orders(), windows...), "note", "lines")
}

// grownRefundsLines does so for the other table.
func grownRefundsLines(windows ...source.Window) []string {
	return withNulls(linesOf(Refunds(), windows...), "note")
}

// withNulls puts empty columns before _extra.
func withNulls(lines []string, columns ...string) []string {
	nulls := ""
	for _, name := range columns {
		nulls += `, "` + name + `": null`
	}
	for i := range lines {
		lines[i] = strings.Replace(lines[i], `, "_extra": `, nulls+`, "_extra": `, 1)
	}
	return lines
}

func testEvolve(t *testing.T, p Place) {
	s := p.open(t)
	ev, ok := s.(sinks.Evolver)
	if !ok {
		return
	}
	ctx := t.Context()
	first, second, third := Window(0, 40), Window(40, 60), Window(60, 80)
	mustCommit(t, s, first, Orders(), Refunds())
	mustCommit(t, s, second, Orders())
	grown := Grown()
	for range 2 { // it is idempotent
		if err := ev.Evolve(ctx, Job, Generation, []*transform.Table{grown, Refunds()}); err != nil {
			t.Fatal(err)
		}
		p.expectLines(t, "orders", grownLines(first, second))
		p.expect(t, Refunds(), first)
		p.expectTidy(t, s)
		p.expectAgreement(t, grown)
	}
	for name, change := range map[string]func(*transform.Table){
		"a column that is gone": func(t *transform.Table) { t.Columns = slices.Delete(t.Columns, 4, 5) },
		"another type":          func(t *transform.Table) { t.Columns[4].Type.Kind = transform.Int64 },
		"a new column that is required": func(t *transform.Table) {
			t.Columns = slices.Insert(t.Columns, 6, transform.Column{Name: "n", Type: transform.Type{Kind: transform.Int64}, Required: true})
		},
	} {
		if p.Files == nil {
			continue // nothing was written in a shape that must be kept
		}
		bad := Grown()
		bad.Version = 3
		change(bad)
		err := ev.Evolve(ctx, Job, Generation, []*transform.Table{bad})
		if err == nil {
			t.Fatalf("evolve to %s: got no error", name)
		}
		expectHint(t, err)
	}
	mustCommit(t, s, third, grown)
	p.expectLines(t, "orders", append(grownLines(first, second), Lines(grown, third)...))
	if in, ok := s.(sinks.Inventory); ok {
		_, tables, err := in.Manifests(ctx, Job, Generation)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(tables, func(t *transform.Table) bool { return t.Name == "orders" })
		if i < 0 || tables[i].Version != 2 || len(tables[i].Columns) != len(grown.Columns) {
			t.Fatalf("tables after evolving: got %v", tables)
		}
	}
	p.expectTidy(t, s)
}

// expectAgreement checks that all files of a table have its columns.
func (p Place) expectAgreement(t *testing.T, table *transform.Table) {
	t.Helper()
	if p.Files == nil {
		return
	}
	var want []string
	for _, c := range table.Columns {
		want = append(want, c.Name)
	}
	for _, got := range p.Files(t, table.Name) {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("columns of a file of %s (-want +got):\n%s", table.Name, diff)
		}
	}
}

func testCompact(t *testing.T, p Place) {
	s := p.open(t)
	co, ok := s.(sinks.Compactor)
	if !ok {
		return
	}
	ctx := t.Context()
	windows := []source.Window{Window(0, 10), Window(10, 30), Window(30, 31), Window(31, 60), Window(70, 80), Window(80, 90)}
	for i, w := range windows {
		tables := []*transform.Table{Orders()}
		if i%2 == 0 {
			tables = append(tables, Refunds())
		}
		mustCommit(t, s, w, tables...)
	}
	before := len(p.Files(t, "orders"))
	o := sinks.CompactOptions{TargetBytes: 1 << 20, DryRun: true}
	report, err := co.Compact(ctx, Job, Generation, o)
	if err != nil {
		t.Fatal(err)
	}
	if after := len(p.Files(t, "orders")); after != before {
		t.Fatalf("a dry run changed the files from %d to %d", before, after)
	}
	o.DryRun = false
	for range 2 { // it is idempotent
		if report, err = co.Compact(ctx, Job, Generation, o); err != nil {
			t.Fatal(err)
		}
		p.expect(t, Orders(), windows...)
		p.expect(t, Refunds(), windows[0], windows[2], windows[4])
		p.expectTidy(t, s)
		for _, w := range windows {
			if _, err := s.Begin(ctx, Load(w)); !errors.Is(err, sinks.ErrCommitted) {
				t.Fatalf("begin %s after compaction: got %v, want ErrCommitted", w, err)
			}
		}
	}
	for _, table := range report.Tables {
		if n := len(p.Files(t, table.Name)); n != table.FilesAfter || n >= before {
			t.Errorf("files of %s: got %d, report %+v, before %d", table.Name, n, table, before)
		}
	}
	mustCommit(t, s, Window(60, 70), Orders()) // the hole is still to be filled
	p.expect(t, Orders(), append(windows, Window(60, 70))...)
	if _, err = co.Compact(ctx, Job, Generation, o); err != nil {
		t.Fatal(err)
	}
	p.expect(t, Orders(), append(windows, Window(60, 70))...)
	p.expectManifests(t, s, append(windows, Window(60, 70)))
	if ev, ok := s.(sinks.Evolver); ok {
		if err := ev.Evolve(ctx, Job, Generation, []*transform.Table{Grown()}); err != nil {
			t.Fatal(err)
		}
		p.expectLines(t, "orders", grownLines(append(windows, Window(60, 70))...))
	}
	p.expectTidy(t, s)
}

// expectManifests checks that each window is still known with its summary.
func (p Place) expectManifests(t *testing.T, s sinks.Sink, windows []source.Window) {
	t.Helper()
	p.expectManifestsOf(t, s, windows, windows)
}

// expectManifestsOf does so for windows that have the rows of others.
func (p Place) expectManifestsOf(t *testing.T, s sinks.Sink, windows, rows []source.Window) {
	t.Helper()
	in, ok := s.(sinks.Inventory)
	if !ok {
		return
	}
	all, _, err := in.Manifests(t.Context(), Job, Generation)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(windows) {
		t.Fatalf("got %d manifests, want %d", len(all), len(windows))
	}
	for _, m := range all {
		if !slices.Contains(windows, m.Window) || !cmp.Equal(m.Summary, Summary(m.Window)) {
			t.Errorf("manifest of %s: got %+v, want %+v", m.Window, m.Summary, Summary(m.Window))
		}
		for _, lt := range m.Tables {
			r := rows[slices.Index(windows, m.Window)]
			if lt.Name == "orders" && lt.Rows != r.Through.Seq-r.After.Seq {
				t.Errorf("manifest of %s counts %d rows of orders", m.Window, lt.Rows)
			}
		}
	}
}
