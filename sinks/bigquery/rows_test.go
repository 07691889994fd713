package bigquery_test

import (
	"errors"
	"slices"
	"testing"

	"backstory/sinks"
	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/memory"
	"backstory/sinks/sinktest"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"
)

// readRows gives the rows that a sink reads back of a table, in their order,
// with the error in the end and the records they came in.
func readRows(t *testing.T, s *bigquery.Sink, q sinks.Query) (lines map[string][]string, records int, err error) {
	t.Helper()
	lines = make(map[string][]string)
	err = s.Rows(t.Context(), sinktest.Job, sinktest.Generation, q, func(table *transform.Table, r arrow.Record) error {
		records++
		for i := range int(r.NumRows()) {
			lines[table.Name] = append(lines[table.Name], memory.Line(r, i))
		}
		return nil
	})
	return lines, records, err
}

// expectBack reads what load has loaded.
func expectBack(t *testing.T, s *bigquery.Sink, table *transform.Table, values ...string) {
	t.Helper()
	r := recordOf(t, table, values...)
	defer r.Release()
	normal, err := s.Normal(table, r)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range int(normal.NumRows()) {
		want = append(want, memory.Line(normal, i))
	}
	got, _, err := readRows(t, s, sinks.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got[table.Name]); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

// TestRowsByPage checks that rows come page by page, once each, also where
// requests and answers are lost.
func TestRowsByPage(t *testing.T) {
	server := start(t, bqtest.Options{})
	s := open(t, options(server))
	w := sinktest.Window(0, 100)
	if err := commit(t, s, w, sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	bigquery.PageBy(s, 7)
	server.Fail(bqtest.Rule{Method: "tabledata.list", Table: "orders", Nth: 3, Times: 2, Do: bqtest.DropBefore})
	server.Fail(bqtest.Rule{Method: "tabledata.list", Table: "orders", Nth: 9, Do: bqtest.Status(503, "backendError")})
	got, records, err := readRows(t, s, sinks.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got["orders"], sinktest.Lines(sinktest.Orders(), w)) || records != 15 {
		t.Errorf("got %d rows in %d records, want 100 in 15", len(got["orders"]), records)
	}
	if n := server.Billed(); n != 0 {
		t.Errorf("reading was billed for %d bytes", n)
	}
}

// TestRowsOfDamagedTables checks that a table that is gone is told, and the
// others are read.
func TestRowsOfDamagedTables(t *testing.T) {
	server := start(t, bqtest.Options{})
	s := open(t, options(server))
	w := sinktest.Window(0, 10)
	if err := commit(t, s, w, sinktest.Orders(), sinktest.Refunds()); err != nil {
		t.Fatal(err)
	}
	if err := outsider(t, server).Dataset(dataset).Table("orders").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, _, err := readRows(t, s, sinks.Query{})
	damages, all := sinks.Damages(err)
	if !errors.Is(err, sinks.ErrDisagree) || len(damages) != 1 || !all || damages[0].Table != "orders" || damages[0].Advice == "" {
		t.Fatalf("got %v, want that orders is missing", err)
	}
	if !slices.Equal(got["refunds"], sinktest.Lines(sinktest.Refunds(), w)) {
		t.Errorf("got %d refunds, want 10", len(got["refunds"]))
	}
}

// TestNormal checks that empty lists become nulls, however deep they are.
func TestNormal(t *testing.T) {
	s := open(t, options(start(t, bqtest.Options{})))
	table := &transform.Table{Name: "values", Version: 1, Columns: []transform.Column{
		{Name: "n", Type: kind(transform.Int64)},
		{Name: "v", Type: structOf("l", listOf(structOf("m", listOf(kind(transform.Bool)))))},
	}}
	r := recordOf(t, table, `[1, 2, 3]`, `[{"l": []}, {"l": [{"m": []}, {"m": [true]}]}, null]`)
	defer r.Release()
	normal, err := s.Normal(table, r)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range int(normal.NumRows()) {
		got = append(got, memory.Line(normal, i))
	}
	want := []string{`{"n": 1, "v": {"l": null}}`, `{"n": 2, "v": {"l": [{"m": null}, {"m": [true]}]}}`, `{"n": 3, "v": null}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("normal (-want +got):\n%s", diff)
	}
}
