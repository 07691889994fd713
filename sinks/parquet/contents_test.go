package parquet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"backstory/sinks"
	"backstory/sinks/parquet"
	"backstory/sinks/parquetfile"
	"backstory/sinks/sinktest"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// TestGeneration loads a generation beside the one that readers see.
func TestGeneration(t *testing.T) {
	root := scratch(t)
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
		if err := s.Check(t.Context(), sinktest.Job, g); err != nil {
			t.Error(err)
		}
	}
}

// TestBudget loads tables whose row groups do not fit the budget together.
func TestBudget(t *testing.T) {
	root := scratch(t)
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
	root := scratch(t)
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

// TestFingerprint checks that a merged file says which rules its rows were
// made with.
func TestFingerprint(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	for at := int64(0); at < 40; at += 10 {
		commit(t, s, sinktest.Window(at, at+10), sinktest.Orders())
	}
	if _, err := s.Compact(t.Context(), sinktest.Job, sinktest.Generation, sinks.CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	files := tableFiles(t, root, "orders")
	if len(files) != 1 {
		t.Fatalf("got %d files, want one", len(files))
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	r, err := parquetfile.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	want := parquetfile.Pair{Key: "backstory.fingerprint", Value: sinktest.Summary(sinktest.Window(0, 10)).Fingerprint}
	if got := r.Facts(); want.Value == "" || !slices.Contains(got, want) {
		t.Fatalf("facts: got %v, want %v among them", got, want)
	}
}

// TestLook checks that listing what is loaded touches nothing: neither what a
// crash left, nor the lock. It sees what others change, also while the job is
// held and little of it is read twice.
func TestLook(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	commit(t, s, sinktest.Window(0, 10), sinktest.Orders())
	commit(t, s, sinktest.Window(10, 20), sinktest.Orders())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	control := filepath.Join(root, "_backstory/shop")
	manifest := "00000000000000000011-00000000000000000020.json"
	// The second load is decided and not finished, and a third was begun.
	err := errors.Join(
		os.Rename(filepath.Join(control, "manifests", manifest), filepath.Join(control, "pending", manifest)),
		os.MkdirAll(filepath.Join(control, "tmp/00000000000000000021-00000000000000000030"), 0o777),
		os.WriteFile(filepath.Join(control, "tmp/00000000000000000021-00000000000000000030/000000"), []byte("part"), 0o666),
		os.Remove(filepath.Join(control, "lock")),
	)
	if err != nil {
		t.Fatal(err)
	}
	count := func(s *parquet.Sink, want int) {
		t.Helper()
		m, _, err := s.Manifests(t.Context(), sinktest.Job, sinktest.Generation)
		if err != nil || len(m) != want {
			t.Fatalf("manifests: got %d, %v, want %d", len(m), err, want)
		}
	}
	before, left := tree(t, root), leftovers(t, root)
	s = open(t, parquet.Options{Path: root})
	defer s.Close()
	count(s, 1)
	if diff := cmp.Diff(before, tree(t, root)) + cmp.Diff(left, leftovers(t, root)); diff != "" {
		t.Fatalf("files after a look (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(control, "lock")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a look has made a lock: %v", err)
	}
	if err := s.Hold(t.Context(), sinktest.Job, sinktest.Generation); err != nil {
		t.Fatal(err)
	}
	count(s, 2)
	if left := leftovers(t, root); len(left) > 0 {
		t.Fatalf("left over: %v", left)
	}
	if err := os.Remove(filepath.Join(control, "manifests", manifest)); err != nil {
		t.Fatal(err)
	}
	count(s, 1)
	expectError(t, s.Check(t.Context(), sinktest.Job, sinktest.Generation), "no manifest knows of file")
}

// TestTablesFile checks that the tables come back as they were evolved.
func TestTablesFile(t *testing.T) {
	root := scratch(t)
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
	root := scratch(t)
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
	root := scratch(t)
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
