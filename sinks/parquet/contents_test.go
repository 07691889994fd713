package parquet_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"backstory/sinks"
	"backstory/sinks/parquet"
	"backstory/sinks/sinktest"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// TestGeneration loads a generation beside the one that readers see.
func TestGeneration(t *testing.T) {
	root := t.TempDir()
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	w := sinktest.Window(0, 20)
	commit(t, s, w, sinktest.Orders())
	l := sinktest.Load(w)
	l.Generation = 2
	txn, err := s.Begin(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	r := sinktest.Record(sinktest.Orders(), w)
	defer r.Release()
	if err := errors.Join(txn.Write(t.Context(), sinktest.Orders(), r), txn.Commit(t.Context(), sinktest.Summary(w))); err != nil {
		t.Fatal(err)
	}
	if got := readTable(t, root, "orders"); len(got) != 20 {
		t.Fatalf("readers see %d rows, want the 20 of the first generation", len(got))
	}
	for g := 1; g <= 2; g++ {
		m, _, err := s.Manifests(t.Context(), sinktest.Job, g)
		if err != nil || len(m) != 1 || m[0].Generation != g {
			t.Fatalf("manifests of generation %d: got %v, %v", g, m, err)
		}
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(m[0].Tables[0].Files[0].Path))); err != nil {
			t.Error(err)
		}
		if err := s.Check(t.Context(), sinktest.Job, g, m); err != nil {
			t.Error(err)
		}
	}
}

// TestBudget loads tables whose row groups do not fit the budget together.
func TestBudget(t *testing.T) {
	root := t.TempDir()
	s := open(t, parquet.Options{Path: root, Budget: 64 << 10})
	defer s.Close()
	w := sinktest.Window(0, 30_000)
	byDay := sinktest.Refunds()
	byDay.Partition = transform.ByMonth
	txn, err := s.Begin(t.Context(), sinktest.Load(w))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for at := int64(0); at < 30_000; at += 3_000 {
		for _, table := range []*transform.Table{sinktest.Orders(), byDay} {
			part := sinktest.Window(at, at+3_000)
			r := sinktest.Record(table, part)
			if err := txn.Write(t.Context(), table, r); err != nil {
				t.Fatal(err)
			}
			r.Release()
			if table.Name == "orders" {
				want = append(want, sinktest.Lines(table, part)...)
			}
		}
	}
	if err := txn.Commit(t.Context(), sinktest.Summary(w)); err != nil {
		t.Fatal(err)
	}
	if got := readTable(t, root, "orders"); !slices.Equal(got, want) {
		t.Fatalf("rows: got %d, want %d, or in another order", len(got), len(want))
	}
	if got := readTable(t, root, "refunds"); len(got) != 30_000 {
		t.Fatalf("rows by month: got %d", len(got))
	}
}

// TestOrder checks that compaction keeps rows in the order of their positions.
func TestOrder(t *testing.T) {
	root := t.TempDir()
	s := open(t, parquet.Options{Path: root, RowGroupRows: 70})
	defer s.Close()
	var want []string
	for at := int64(0); at < 400; at += 25 {
		w := sinktest.Window(at, at+25)
		commit(t, s, w, sinktest.Orders())
		want = append(want, sinktest.Lines(sinktest.Orders(), w)...)
	}
	files := tableFiles(t, root, "orders")
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	report, err := s.Compact(t.Context(), sinktest.Job, sinktest.Generation, sinks.CompactOptions{TargetBytes: 3 * info.Size()})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(tableFiles(t, root, "orders")); n >= len(files) || n < 3 || report.Tables[0].FilesAfter != n {
		t.Fatalf("files: got %d of %d, report %+v", n, len(files), report)
	}
	if got := readTable(t, root, "orders"); !slices.Equal(got, want) {
		t.Fatal("rows are not in the order of their positions")
	}
}

// TestCatalogue checks that the tables come back as they were evolved.
func TestCatalogue(t *testing.T) {
	root := t.TempDir()
	s := open(t, parquet.Options{Path: root})
	want := sinktest.Grown()
	want.Columns[2].Since = source.Position{Seq: 7}
	if err := s.Evolve(t.Context(), sinktest.Job, sinktest.Generation, []*transform.Table{want}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, parquet.Options{Path: root})
	defer s.Close()
	_, tables, err := s.Manifests(t.Context(), sinktest.Job, sinktest.Generation)
	if err != nil {
		t.Fatal(err)
	}
	a, err := json.Marshal([]*transform.Table{want})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(tables)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(a), string(b)); diff != "" {
		t.Fatalf("tables (-want +got):\n%s", diff)
	}
}

// TestHole checks that files are not merged across windows that are missing:
// the rows that fill the hole would come behind the merged ones.
func TestHole(t *testing.T) {
	root := t.TempDir()
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	windows := []source.Window{sinktest.Window(0, 10), sinktest.Window(10, 20), sinktest.Window(30, 40), sinktest.Window(40, 50)}
	for _, w := range windows {
		commit(t, s, w, sinktest.Orders())
	}
	if _, err := s.Compact(t.Context(), sinktest.Job, sinktest.Generation, sinks.CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"orders/00000000000000000001-00000000000000000020.parquet",
		"orders/00000000000000000031-00000000000000000050.parquet",
	}
	if diff := cmp.Diff(want, tree(t, root)[2:]); diff != "" {
		t.Fatalf("files (-want +got):\n%s", diff)
	}
}

// TestAbandoned checks that the files of a load which is never begun again
// do not stay.
func TestAbandoned(t *testing.T) {
	root := t.TempDir()
	s := open(t, parquet.Options{Path: root})
	txn, err := s.Begin(t.Context(), sinktest.Load(sinktest.Window(0, 10)))
	if err != nil {
		t.Fatal(err)
	}
	r := sinktest.Record(sinktest.Orders(), sinktest.Window(0, 10))
	defer r.Release()
	if err := txn.Write(t.Context(), sinktest.Orders(), r); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // as when a process ends
		t.Fatal(err)
	}
	if len(leftovers(t, root)) == 0 {
		// Nothing was written out yet: leave something that was.
		dir := filepath.Join(root, "_backstory/shop/tmp/00000000000000000001-00000000000000000010")
		if err := os.WriteFile(filepath.Join(dir, "000000"), []byte("part"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, parquet.Options{Path: root})
	defer s.Close()
	commit(t, s, sinktest.Window(10, 20), sinktest.Orders())
	if left := leftovers(t, root); len(left) > 0 {
		t.Fatalf("left over: %v", left)
	}
}
