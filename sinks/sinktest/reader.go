package sinktest

import (
	"errors"
	"slices"
	"testing"

	"backstory/sinks"
	"backstory/sinks/memory"
	"backstory/source"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// testRows reads back what was loaded: all of it, and parts of it.
func testRows(t *testing.T, p Place) {
	ctx, s := t.Context(), p.open(t)
	if _, ok := s.(sinks.Reader); !ok {
		return
	}
	windows := []source.Window{Window(0, 30), Window(30, 40), Window(40, 45), Window(50, 80)}
	byDay := Refunds()
	byDay.Partition = transform.ByDay
	expectRead(t, s, sinks.Query{}, nil)
	for _, w := range windows {
		mustCommit(t, s, w, Orders(), byDay)
	}
	want := map[string][]string{}
	for _, w := range windows {
		want["orders"] = append(want["orders"], Lines(Orders(), w)...)
		want["refunds"] = append(want["refunds"], Lines(Refunds(), w)...)
	}
	expectRead(t, s, sinks.Query{}, want)
	expectRead(t, s, sinks.Query{Tables: []string{"refunds"}}, map[string][]string{"refunds": want["refunds"]})
	expectRead(t, s, sinks.Query{Tables: []string{"nobody"}}, nil)
	expectRead(t, s, sinks.Query{Columns: []string{"nobody"}}, nil)

	parts := sinks.Query{Columns: []string{"tags", transform.ColPosition}}
	some := map[string][]string{}
	for _, table := range []*transform.Table{Orders(), Refunds()} {
		for _, w := range windows {
			r := Record(table, w)
			part := columnsOf(r, transform.ColPosition, "tags") // in the table's order
			for i := range int(part.NumRows()) {
				some[table.Name] = append(some[table.Name], memory.Line(part, i))
			}
			part.Release()
			r.Release()
		}
	}
	expectRead(t, s, parts, some)

	// Of windows there may come more than asked for, and all that was.
	got := read(t, s, sinks.Query{Windows: windows[1:2], Tables: []string{"orders"}})["orders"]
	for _, line := range Lines(Orders(), windows[1]) {
		if !slices.Contains(got, line) {
			t.Fatalf("rows of %s: %s is missing", windows[1], line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want["orders"], line) {
			t.Fatalf("rows of %s: %s is no row", windows[1], line)
		}
	}
	calls, stop := 0, errors.New("enough")
	err := s.(sinks.Reader).Rows(ctx, Job, Generation, sinks.Query{}, func(*transform.Table, arrow.Record) error {
		calls++
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		t.Fatalf("rows with an error of fn: got %v after %d calls, want %v after one", err, calls, stop)
	}
	if e, ok := s.(sinks.Evolver); ok {
		if err := e.Evolve(ctx, Job, Generation, []*transform.Table{Grown()}); err != nil {
			t.Fatal(err)
		}
		want["orders"] = grownLines(windows...)
		last := Window(80, 90)
		mustCommit(t, s, last, Grown())
		want["orders"] = append(want["orders"], Lines(Grown(), last)...)
		expectRead(t, s, sinks.Query{}, want)
	}
}

// testRowsDamaged reads what has lost a file, and what has one of nobody.
func testRowsDamaged(t *testing.T, p Place) {
	s := p.open(t)
	reader, ok := s.(sinks.Reader)
	if !ok || p.Lose == nil || p.Intrude == nil || p.Files == nil {
		return
	}
	windows := []source.Window{Window(0, 30), Window(30, 40)}
	for _, w := range windows {
		mustCommit(t, s, w, Orders())
	}
	p.Lose(t, "orders")
	p.Intrude(t, "orders") // it is not even of Parquet
	var got []string
	err := reader.Rows(t.Context(), Job, Generation, sinks.Query{}, func(_ *transform.Table, r arrow.Record) error {
		for i := range int(r.NumRows()) {
			got = append(got, memory.Line(r, i))
		}
		return nil
	})
	damages, all := sinks.Damages(err)
	if !errors.Is(err, sinks.ErrDisagree) || len(damages) != 2 || !all {
		t.Fatalf("rows: got %v with %d damages, want two and nothing else", err, len(damages))
	}
	var lost, foreign int
	left := windows
	for _, d := range damages {
		if len(d.Windows) == 0 {
			foreign++
			continue
		}
		lost++
		left = slices.DeleteFunc(slices.Clone(left), func(w source.Window) bool { return slices.Contains(d.Windows, w) })
	}
	var want []string
	for _, w := range left {
		want = append(want, Lines(Orders(), w)...)
	}
	if lost != 1 || foreign != 1 || !sameLines(got, want) {
		t.Fatalf("rows: got %d with %d lost parts and %d foreign ones, want %d and one of each", len(got), lost, foreign, len(want))
	}
}

// read gives what Rows gives, as lines by table.
func read(t *testing.T, s sinks.Sink, q sinks.Query) map[string][]string {
	t.Helper()
	got := make(map[string][]string)
	err := s.(sinks.Reader).Rows(t.Context(), Job, Generation, q, func(table *transform.Table, r arrow.Record) error {
		for i := range int(r.NumRows()) {
			got[table.Name] = append(got[table.Name], memory.Line(r, i))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func expectRead(t *testing.T, s sinks.Sink, q sinks.Query, want map[string][]string) {
	t.Helper()
	got := read(t, s, q)
	if len(got) != len(want) {
		t.Fatalf("rows of %+v: got those of %d tables, want %d", q, len(got), len(want))
	}
	for table, lines := range want {
		if !sameLines(got[table], lines) {
			t.Fatalf("rows of %s by %+v: got %d, want %d, or they differ; the first: %q, want %q", table, q, len(got[table]), len(lines), first(got[table]), first(lines))
		}
	}
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// columnsOf gives some columns of a record.
func columnsOf(r arrow.Record, names ...string) arrow.Record {
	var fields []arrow.Field
	var columns []arrow.Array
	for i, f := range r.Schema().Fields() {
		if slices.Contains(names, f.Name) {
			fields, columns = append(fields, f), append(columns, r.Column(i))
		}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, r.NumRows())
}
