package parquet_test

import (
	"slices"
	"testing"

	"backstory/sinks/parquet"
	"backstory/sinks/sinktest"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// TestInterleaved loads two tables by turns, each into several partitions, so
// that the files of the one are begun between those of the other.
func TestInterleaved(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	orders, refunds := sinktest.Orders(), sinktest.Refunds()
	orders.Partition, refunds.Partition = transform.ByDay, transform.ByDay
	w := sinktest.Window(0, 60)
	txn, err := s.Begin(t.Context(), sinktest.Load(w))
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(0); at < 60; at += 20 {
		for _, table := range []*transform.Table{orders, refunds} {
			r := sinktest.Record(table, sinktest.Window(at, at+20))
			if err := txn.Write(t.Context(), table, r); err != nil {
				t.Fatal(err)
			}
			r.Release()
		}
	}
	if err := txn.Commit(t.Context(), sinktest.Summary(w)); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context(), sinktest.Job, sinktest.Generation); err != nil {
		t.Fatal(err)
	}
	expectRows(t, root, orders, w)
	expectRows(t, root, refunds, w)
}

// expectRows compares a table's rows, in any order, with those of windows.
func expectRows(t *testing.T, root string, table *transform.Table, windows ...source.Window) {
	t.Helper()
	var want []string
	for _, w := range windows {
		want = append(want, sinktest.Lines(table, w)...)
	}
	slices.Sort(want)
	got := readTable(t, root, table.Name)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("rows of %s (-want +got):\n%s", table.Name, diff)
	}
}
